/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tree to model, led by the tables of schema.c. Nothing stops at the first fault: what
 * does not fit becomes a finding and its field keeps its default, so that one run tells
 * everything. Texts are not copied; they stay where the tree put them, in the cluster's
 * arena.
 */
#include "cluster/schema.h"

#include <stdio.h>

/* Fields of a type that need work even when they are not in the document. */
struct type_facts {
	const struct object_type *type;
	uint64_t initial, mandatory; /* bit n: field n */
};

struct decoder {
	struct arena *arena;
	struct lsvm_findings *findings;
	struct type_facts facts[8]; /* of the types seen last */
};

/* The object being filled: its written fields' places, not packed yet. */
struct filling {
	struct object *object;
	struct mark marks[64];
};

static void LSVM_PRINTF(7, 8)
	complain(struct decoder *d, const struct object *object,
		 const struct field *field, int index, enum finding_code code,
		 struct mark at, const char *fmt, ...)
{
	struct arena scratch = { 0 };
	char text[LSVM_ERROR_TEXT_BYTES], path[512];
	int length;
	va_list args;

	if (d->findings->list.count > LSVM_FINDINGS_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	length = snprintf(path, sizeof(path), "%s", lsvm_object_path(object, &scratch));
	if (scratch.failed)
		d->findings->failed = true;
	if (field && field->group)
		length += snprintf(path + length, sizeof(path) - (size_t)length, "/%s",
				   field->group);
	if (field)
		length += snprintf(path + length, sizeof(path) - (size_t)length, "/%s",
				   field->name);
	if (field && index >= 0)
		snprintf(path + length, sizeof(path) - (size_t)length, "/%d", index);
	lsvm_arena_free(&scratch);
	lsvm_findings_add(d->findings, code, path, at, "%s", text);
}

static void init_field(void *object, const struct field *field)
{
	void *at = field_at(object, field);
	uint16_t narrow = (uint16_t)field->initial;

	if (!field->initial || field->setting)
		return; /* zero already, or inherited */
	switch (field->kind) {
	case FIELD_BOOL:
		*(bool *)at = true;
		break;
	case FIELD_U16:
		memcpy(at, &narrow, sizeof(narrow));
		break;
	case FIELD_U32:
	case FIELD_ENUM:
		memcpy(at, &field->initial, sizeof(field->initial));
		break;
	case FIELD_STRING:
	case FIELD_FLAGS:
	case FIELD_ADDR:
	case FIELD_MAC:
	case FIELD_REF:
	case FIELD_OBJECT:
	case FIELD_ADDRS:
	case FIELD_PREFIXES:
	case FIELD_PORTS:
	case FIELD_NUMBERS:
	case FIELD_STRINGS:
	case FIELD_REFS:
	case FIELD_OBJECTS:
		break;
	}
}

static void init_header(struct object *object, const struct object_type *type,
			struct object *parent, uint32_t index, struct mark at)
{
	object->parent = parent;
	object->type = type;
	object->index = index;
	object->at = at;
}

static void init_fields(struct object *object, uint64_t fields)
{
	for (; fields; fields &= fields - 1)
		init_field(object, &object->type->fields[__builtin_ctzll(fields)]);
}

void lsvm_object_init(void *object, const struct object_type *type, struct object *parent,
		      uint32_t index, struct mark at)
{
	init_header(object, type, parent, index, at);
	init_fields(object, UINT64_MAX >> (64 - type->field_count));
}

static const struct type_facts *facts_of(struct decoder *d,
					 const struct object_type *type)
{
	struct type_facts *facts =
		&d->facts[(uintptr_t)type / sizeof(*type) % ARRAY_SIZE(d->facts)];

	if (facts->type == type)
		return facts;
	*facts = (struct type_facts){ .type = type };
	for (unsigned i = 0; i < type->field_count; i++) {
		if (type->fields[i].initial && !type->fields[i].setting)
			facts->initial |= UINT64_C(1) << i;
		if (type->fields[i].flags & FIELD_MANDATORY)
			facts->mandatory |= UINT64_C(1) << i;
	}
	return facts;
}

static bool is_null(const struct node *node)
{
	return node->kind == NODE_SCALAR && node->style == STYLE_PLAIN &&
	       (!*node->text || strcmp(node->text, "~") == 0 ||
		strcmp(node->text, "null") == 0);
}

/* A scalar or an item of a list of scalars. */
static bool decode_scalar(struct decoder *d, struct object *object,
			  const struct field *field, int index, const struct node *node,
			  void *at)
{
	struct complaint complaint;

	if (node->kind != NODE_SCALAR) {
		complain(d, object, field, index, FINDING_WRONG_TYPE, node_mark(node),
			 "%s is a single value here, not a %s", field->name,
			 node->kind == NODE_LIST ? "list" : "map");
		return false;
	}
	if (is_null(node)) {
		complain(d, object, field, index, FINDING_NO_VALUE, node_mark(node),
			 "%s has no value", field->name);
		return false;
	}
	if (lsvm_scalar_decode(field, node, at, &complaint))
		return true;
	complain(d, object, field, index, complaint.code, node_mark(node), "%s",
		 complaint.text);
	return false;
}

static void decode_object(struct decoder *d, void *object, const struct object_type *type,
			  struct object *parent, uint32_t index, const struct node *node);

static bool check_list(struct decoder *d, struct object *object,
		       const struct field *field, const struct node *node, size_t *ret)
{
	bool objects = field->kind == FIELD_OBJECTS;
	size_t count = node->kind == NODE_SCALAR ? 1 : lsvm_node_count(node);

	if (node->kind == NODE_MAP ||
	    (objects && node->kind == NODE_SCALAR && !field->type->primary)) {
		complain(d, object, field, -1,
			 is_null(node) ? FINDING_NO_VALUE : FINDING_WRONG_TYPE,
			 node_mark(node), "%s is a list%s%s", field->name,
			 objects ? ", each item a " : "",
			 objects ? field->type->name : "");
		return false;
	}
	if (is_null(node)) {
		complain(d, object, field, -1, FINDING_NO_VALUE, node_mark(node),
			 "%s has no value", field->name);
		return false;
	}
	if (count > field->max) {
		complain(d, object, field, -1, FINDING_TOO_MANY_ITEMS, node_mark(node),
			 "%s has %zu items, of %u allowed", field->name, count,
			 field->max);
		return false;
	}
	*ret = count;
	return true;
}

static void decode_list(struct decoder *d, struct object *object,
			const struct field *field, const struct node *node)
{
	size_t size = lsvm_field_item_size(field), count;
	const struct node *item = node->kind == NODE_SCALAR ? node : node->first;
	struct list list = { 0 };

	if (!check_list(d, object, field, node, &count) || !count)
		return;
	list.items = lsvm_arena_array(d->arena, count, size);
	if (!list.items)
		return;
	for (size_t i = 0; i < count; i++, item = item->next) {
		char *at = (char *)list.items + list.count * size;

		if (field->kind == FIELD_OBJECTS)
			decode_object(d, at, field->type, object, (uint32_t)i, item);
		else if (!decode_scalar(d, object, field,
					node->kind == NODE_SCALAR ? -1 : (int)i, item,
					at))
			continue; /* the next good one takes its place */
		list.count++;
	}
	memcpy(field_at(object, field), &list, sizeof(list));
}

static void decode_flags(struct decoder *d, struct object *object,
			 const struct field *field, const struct node *node)
{
	const struct node *item = node->kind == NODE_SCALAR ? node : node->first;
	size_t count;

	if (!check_list(d, object, field, node, &count))
		return;
	for (size_t i = 0; i < count; i++, item = item->next)
		decode_scalar(d, object, field, (int)i, item, field_at(object, field));
}

static void decode_child(struct decoder *d, struct object *object,
			 const struct field *field, const struct node *node)
{
	void *child;

	if ((field->flags & FIELD_NONE) && node->kind == NODE_SCALAR &&
	    strcmp(node->text, "none") == 0)
		return;
	child = lsvm_arena_alloc(d->arena, field->type->size);
	if (!child)
		return;
	decode_object(d, child, field->type, object, 0, node);
	memcpy(field_at(object, field), &child, sizeof(child));
}

static void decode_field(struct decoder *d, struct filling *f, const struct field *field,
			 const struct node *node)
{
	unsigned number = (unsigned)(field - f->object->type->fields);
	struct object *object = f->object;

	f->marks[number] = node_mark(node);
	object->written |= UINT64_C(1) << number;
	switch (field->kind) {
	case FIELD_STRING:
	case FIELD_BOOL:
	case FIELD_U16:
	case FIELD_U32:
	case FIELD_ENUM:
	case FIELD_ADDR:
	case FIELD_MAC:
	case FIELD_REF:
		decode_scalar(d, object, field, -1, node, field_at(object, field));
		break;
	case FIELD_FLAGS:
		decode_flags(d, object, field, node);
		break;
	case FIELD_OBJECT:
		decode_child(d, object, field, node);
		break;
	case FIELD_ADDRS:
	case FIELD_PREFIXES:
	case FIELD_PORTS:
	case FIELD_NUMBERS:
	case FIELD_STRINGS:
	case FIELD_REFS:
	case FIELD_OBJECTS:
		decode_list(d, object, field, node);
		break;
	}
}

static void unknown_key(struct decoder *d, struct filling *f, const char *group,
			const struct node *node)
{
	const struct object_type *type = f->object->type;
	char quoted[QUOTE_BYTES];
	const char *near = NULL;
	unsigned best = UINT32_MAX;

	for (unsigned i = 0; i < type->field_count; i++) {
		const struct field *field = &type->fields[i];
		const char *name = field->name;
		unsigned distance;

		if (!group && field->group)
			name = field->group;
		distance = lsvm_word_distance(node->key, name);
		if (distance < best) {
			best = distance;
			near = name;
		}
	}
	complain(d, f->object, NULL, -1, FINDING_UNKNOWN_KEY, node_key_mark(node),
		 "\"%s\" is no key of a %s%s%s%s", lsvm_quote(node->key, quoted),
		 type->name, near ? "; did you mean \"" : "", near ? near : "",
		 near ? "\"?" : "");
}

static void check_schema(struct decoder *d, struct object *object,
			 const struct node *node)
{
	if (node->kind != NODE_SCALAR || strcmp(node->text, CLUSTER_SCHEMA) != 0)
		lsvm_findings_add(d->findings, FINDING_WRONG_SCHEMA, "/schema",
				  node_mark(node), "the schema is not " CLUSTER_SCHEMA);
}

static void decode_map(struct decoder *d, struct filling *f, const struct node *map,
		       const char *group)
{
	const struct object_type *type = f->object->type;
	const struct node *group_seen = NULL;

	for (const struct node *node = map->first; node; node = node->next) {
		const struct field *field = lsvm_type_field(type, group, node->key);
		bool is_group = !field && !group && lsvm_type_has_group(type, node->key);

		if (field ? f->object->written >> (field - type->fields) & 1
			  : is_group && group_seen) {
			complain(d, f->object, field, -1, FINDING_DUPLICATE_KEY,
				 node_key_mark(node), "%s is written twice", node->key);
		} else if (field) {
			decode_field(d, f, field, node);
		} else if (is_group && node->kind == NODE_MAP) {
			group_seen = node;
			decode_map(d, f, node, node->key);
		} else if (is_group) {
			complain(d, f->object, NULL, -1, FINDING_WRONG_TYPE,
				 node_mark(node), "%s is a map of settings", node->key);
		} else if (type == &lsvm_type_cluster && !group &&
			   strcmp(node->key, "schema") == 0) {
			check_schema(d, f->object, node);
		} else {
			unknown_key(d, f, group, node);
		}
	}
}

/* Mandatory texts are "" rather than NULL, so that later passes need no check. */
static void check_mandatory(struct decoder *d, struct filling *f, uint64_t mandatory)
{
	const struct object_type *type = f->object->type;
	static const char *const empty = "";

	for (; mandatory; mandatory &= mandatory - 1) {
		unsigned i = (unsigned)__builtin_ctzll(mandatory);
		const struct field *field = &type->fields[i];

		if (!(f->object->written >> i & 1))
			complain(d, f->object, NULL, -1, FINDING_MISSING_KEY,
				 f->object->at, "the %s has no %s", type->name,
				 field->name);
		if (field->kind == FIELD_STRING && !field_object(f->object, field))
			memcpy(field_at(f->object, field), &empty, sizeof(empty));
	}
}

static void pack_marks(struct decoder *d, struct filling *f)
{
	struct object *object = f->object;
	uint64_t written = object->written;
	unsigned n = 0;
	struct mark *marks;

	if (!written)
		return;
	if (!(written & (written - 1)) && memcmp(&f->marks[__builtin_ctzll(written)],
						 &object->at, sizeof(object->at)) == 0) {
		object->marks = &object->at; /* a scalar stands for the object */
		return;
	}
	marks = lsvm_arena_array(d->arena, (size_t)__builtin_popcountll(written),
				 sizeof(*marks));
	for (; marks && written; written &= written - 1)
		marks[n++] = f->marks[__builtin_ctzll(written)];
	object->marks = marks;
}

static void decode_object(struct decoder *d, void *object, const struct object_type *type,
			  struct object *parent, uint32_t index, const struct node *node)
{
	const struct type_facts facts = *facts_of(d, type);
	struct filling f;

	f.object = object;
	init_header(object, type, parent, index, node_mark(node));
	init_fields(object, facts.initial);
	if (node->kind == NODE_MAP)
		decode_map(d, &f, node, NULL);
	else if (node->kind == NODE_SCALAR && type->primary && !is_null(node))
		decode_field(d, &f, type->primary, node);
	else
		complain(d, object, NULL, -1,
			 is_null(node) ? FINDING_NO_VALUE : FINDING_WRONG_TYPE,
			 node_mark(node), "a %s is a map", type->name);
	check_mandatory(d, &f, facts.mandatory);
	pack_marks(d, &f);
}

int lsvm_cluster_decode(struct lsvm_cluster *cluster, const struct node *root,
			struct lsvm_findings *findings)
{
	struct decoder d = { .arena = &cluster->arena, .findings = findings };

	if (!root || is_null(root)) {
		lsvm_findings_add(findings, FINDING_EMPTY_DOCUMENT, "",
				  (struct mark){ 0 }, "the document is empty");
		return LSVM_ERR_FINDINGS;
	}
	decode_object(&d, cluster, &lsvm_type_cluster, NULL, 0, root);
	if (cluster->arena.failed || findings->failed)
		return LSVM_ERR_NOMEM;
	lsvm_cluster_note_settings(cluster);
	return 0;
}
