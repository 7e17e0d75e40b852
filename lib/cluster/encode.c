/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Model to tree: only what was written, in the order of the tables, every value in its
 * one canonical form. That makes output a fixed point: loading it and writing it again
 * gives the same bytes.
 */
#include "cluster/schema.h"

#include <stdio.h>

static struct node *plain(struct tree *tree, const char *text)
{
	return lsvm_tree_scalar(tree, STYLE_PLAIN, text, strlen(text));
}

static struct node *string(struct tree *tree, const char *text)
{
	return lsvm_tree_scalar(tree, STYLE_STRING, text, strlen(text));
}

static struct node *number(struct tree *tree, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	return plain(tree, text);
}

static struct node *ports(struct tree *tree, const struct port_range *range)
{
	char text[16];

	if (range->first == range->last)
		return number(tree, range->first);
	snprintf(text, sizeof(text), "%u-%u", range->first, range->last);
	return string(tree, text);
}

static struct node *mac(struct tree *tree, const uint8_t *bytes)
{
	char text[24];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1],
		 bytes[2], bytes[3], bytes[4], bytes[5]);
	return string(tree, text);
}

/* One scalar, or one item of a list. */
static struct node *encode_scalar(const struct field *field, const void *at,
				  struct tree *tree)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	const char *string_value;
	uint32_t u32;
	uint16_t u16;
	int value;

	switch (field->kind) {
	case FIELD_STRING:
	case FIELD_STRINGS:
		memcpy(&string_value, at, sizeof(string_value));
		return string(tree, string_value ? string_value : "");
	case FIELD_REF:
	case FIELD_REFS:
		string_value = ((const struct ref *)at)->name;
		return string(tree, string_value ? string_value : "");
	case FIELD_BOOL:
		return plain(tree, *(const bool *)at ? "true" : "false");
	case FIELD_U16:
		memcpy(&u16, at, sizeof(u16));
		return number(tree, u16);
	case FIELD_U32:
	case FIELD_NUMBERS:
		memcpy(&u32, at, sizeof(u32));
		return number(tree, u32);
	case FIELD_ENUM:
		memcpy(&value, at, sizeof(value));
		return string(tree, lsvm_word_name(field->words, value));
	case FIELD_ADDR:
	case FIELD_ADDRS:
		return string(tree, lsvm_addr_text(at, text));
	case FIELD_PREFIXES:
		return string(tree, lsvm_prefix_text(at, text));
	case FIELD_PORTS:
		return ports(tree, at);
	case FIELD_MAC:
		return mac(tree, at);
	case FIELD_FLAGS:
	case FIELD_OBJECT:
	case FIELD_OBJECTS:
		break;
	}
	return NULL;
}

static struct node *encode_flags(const void *object, const struct field *field,
				 struct tree *tree)
{
	struct node *list = lsvm_tree_node(tree, NODE_LIST);
	uint32_t value;

	memcpy(&value, field_at(object, field), sizeof(value));
	for (const struct word *word = field->words; list && word->name; word++) {
		struct node *item;

		if (!(value & (uint32_t)word->value))
			continue;
		item = string(tree, word->name);
		if (!item)
			return NULL;
		lsvm_node_append(list, item);
	}
	return list;
}

static struct node *encode_list(const void *object, const struct field *field,
				struct tree *tree)
{
	struct node *node = lsvm_tree_node(tree, NODE_LIST);
	struct list list = field_list(object, field);
	size_t size = lsvm_field_item_size(field);

	for (uint32_t i = 0; node && i < list.count; i++) {
		const void *at = (const char *)list.items + i * size;
		struct node *item = field->kind == FIELD_OBJECTS
					    ? lsvm_object_encode(at, tree)
					    : encode_scalar(field, at, tree);

		if (!item)
			return NULL;
		lsvm_node_append(node, item);
	}
	return node;
}

struct node *lsvm_field_encode(const void *object, const struct field *field,
			       struct tree *tree)
{
	const void *child;

	switch (field->kind) {
	case FIELD_STRING:
	case FIELD_BOOL:
	case FIELD_U16:
	case FIELD_U32:
	case FIELD_ENUM:
	case FIELD_ADDR:
	case FIELD_MAC:
	case FIELD_REF:
		return encode_scalar(field, field_at(object, field), tree);
	case FIELD_FLAGS:
		return encode_flags(object, field, tree);
	case FIELD_OBJECT:
		child = field_object(object, field);
		return child ? lsvm_object_encode(child, tree) : string(tree, "none");
	case FIELD_ADDRS:
	case FIELD_PREFIXES:
	case FIELD_PORTS:
	case FIELD_NUMBERS:
	case FIELD_STRINGS:
	case FIELD_REFS:
	case FIELD_OBJECTS:
		return encode_list(object, field, tree);
	}
	return NULL;
}

static struct node *add_group(struct node *map, const char *group, struct tree *tree)
{
	struct node *inner = lsvm_node_child(map, group);

	if (inner)
		return inner;
	inner = lsvm_tree_node(tree, NODE_MAP);
	if (!inner)
		return NULL;
	inner->key = group;
	lsvm_node_append(map, inner);
	return inner;
}

struct node *lsvm_object_encode(const void *object, struct tree *tree)
{
	const struct object *header = object;
	const struct object_type *type = header->type;
	struct node *map;

	if (type->primary && header->written == UINT64_C(1)
							<< (type->primary - type->fields))
		return lsvm_field_encode(object, type->primary, tree);
	map = lsvm_tree_node(tree, NODE_MAP);
	for (unsigned i = 0; map && i < type->field_count; i++) {
		const struct field *field = &type->fields[i];
		struct node *node, *into = map;

		if (!(header->written >> i & 1))
			continue;
		if (field->group)
			into = add_group(map, field->group, tree);
		node = into ? lsvm_field_encode(object, field, tree) : NULL;
		if (!node)
			return NULL;
		node->key = field->name;
		lsvm_node_append(into, node);
	}
	return map;
}

struct node *lsvm_cluster_encode(const struct lsvm_cluster *cluster, struct tree *tree)
{
	return lsvm_object_encode(cluster, tree);
}
