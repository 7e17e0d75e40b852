/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths into a draft: keys and places as in a JSON pointer (RFC 6901: ~1 is a slash, ~0 a
 * tilde, - is behind the last item), and in lists also names: /partitions/A/servers/eps1.
 * The schema goes along, so that a short form becomes a long one where a path leads into
 * it: eps1 becomes {server: eps1} when /partitions/A/servers/eps1/weight is asked for.
 */
#include "cluster/draft.h"

#include <stdlib.h>

static bool take_step(const char **path, char *step, size_t size)
{
	const char *at = *path;
	size_t length = 0;

	if (*at++ != '/')
		return false;
	for (; *at && *at != '/'; at++) {
		char c = *at;

		if (c == '~') {
			c = at[1] == '0' ? '~' : at[1] == '1' ? '/' : '\0';
			at++;
		}
		if (!c || length + 1 == size)
			return false;
		step[length++] = c;
	}
	step[length] = '\0';
	*path = at;
	return true;
}

const char *lsvm_node_primary(const struct node *item, const char *key)
{
	const struct node *child;

	if (item->kind == NODE_SCALAR)
		return item->text;
	child = lsvm_node_child(item, key);
	return child && child->kind == NODE_SCALAR ? child->text : NULL;
}

/* {primary: scalar} in place of a scalar that is an object. */
static int unfold_object(struct lsvm_draft *draft, struct node *node,
			 const struct object_type *type)
{
	struct node *value;

	if (node->kind != NODE_SCALAR || !type || !type->primary)
		return 0;
	value = lsvm_tree_node(&draft->tree, NODE_SCALAR);
	if (!value)
		return lsvm_fail_nomem(draft->ctx);
	value->style = node->style;
	value->text = node->text;
	value->key = type->primary->name;
	node->kind = NODE_MAP;
	node->first = node->last = value;
	return 0;
}

/* [scalar] in place of a scalar that is a list. */
static int unfold_list(struct lsvm_draft *draft, struct node *node,
		       const struct field *field)
{
	struct node *item;

	if (node->kind != NODE_SCALAR || !field || !lsvm_field_item_size(field))
		return 0;
	item = lsvm_tree_node(&draft->tree, NODE_SCALAR);
	if (!item)
		return lsvm_fail_nomem(draft->ctx);
	item->style = node->style;
	item->text = node->text;
	node->kind = NODE_LIST;
	node->first = node->last = item;
	return 0;
}

static int step_into_map(struct lsvm_draft *draft, const char *step, struct spot *spot)
{
	struct node *map = spot->node;
	const struct object_type *type = spot->type;
	const struct field *field =
		type ? lsvm_type_field(type, spot->group, step) : NULL;
	bool group = type && !field && !spot->group && lsvm_type_has_group(type, step);

	spot->parent = map;
	spot->node = lsvm_node_child(map, step);
	spot->field = field;
	spot->append = false;
	spot->key = lsvm_tree_key(&draft->tree, step, strlen(step));
	spot->group = group ? spot->key : NULL;
	if (!group)
		spot->type = field && field->kind == FIELD_OBJECT ? field->type : NULL;
	return spot->key ? 0 : lsvm_fail_nomem(draft->ctx);
}

static bool is_index(const char *step)
{
	return *step && strlen(step) < 9 && strspn(step, "0123456789") == strlen(step);
}

static void step_into_list(const char *step, struct spot *spot)
{
	struct node *list = spot->node;
	const struct object_type *type = spot->field && spot->field->kind == FIELD_OBJECTS
						 ? spot->field->type
						 : NULL;
	const char *key = type && type->identity  ? type->identity->name
			  : type && type->primary ? type->primary->name
						  : "name";
	const char *other = type && type->primary ? type->primary->name : key;

	spot->parent = list;
	spot->node = NULL;
	spot->key = NULL;
	spot->append = strcmp(step, "-") == 0;
	if (is_index(step)) {
		size_t index = strtoul(step, NULL, 10);

		spot->node = lsvm_node_nth(list, index);
		spot->append = !spot->node && index == lsvm_node_count(list);
	}
	for (struct node *item = list->first; item && !spot->node && !spot->append;
	     item = item->next) {
		const char *name = lsvm_node_primary(item, key);
		const char *alias = lsvm_node_primary(item, other);

		if ((name && strcmp(name, step) == 0) ||
		    (alias && strcmp(alias, step) == 0))
			spot->node = item;
	}
	spot->field = NULL;
	spot->type = type;
	spot->group = NULL;
}

static int step_into(struct lsvm_draft *draft, const char *step, struct spot *spot)
{
	int err;

	if (!spot->node)
		return LSVM_ERR_NOT_FOUND;
	err = unfold_list(draft, spot->node, spot->field);
	if (err >= 0)
		err = unfold_object(draft, spot->node, spot->type);
	if (err < 0)
		return err;
	switch ((enum node_kind)spot->node->kind) {
	case NODE_MAP:
		return step_into_map(draft, step, spot);
	case NODE_LIST:
		step_into_list(step, spot);
		return 0;
	case NODE_SCALAR:
		break;
	}
	return LSVM_ERR_NOT_FOUND;
}

int lsvm_draft_find(struct lsvm_draft *draft, const char *path, struct spot *ret)
{
	struct spot spot = { .node = draft->tree.root, .type = &lsvm_type_cluster };
	const char *at = path, *before = path;
	char step[256];

	while (*at) {
		int err;

		before = at;
		if (!take_step(&at, step, sizeof(step)))
			return lsvm_fail(draft->ctx, LSVM_ERR_ARGUMENT,
					 "\"%.200s\" is no path; write it as "
					 "/partitions/0/vips/1 or /partitions/A",
					 path);
		err = step_into(draft, step, &spot);
		if (err == LSVM_ERR_NOT_FOUND)
			return lsvm_fail(draft->ctx, err,
					 "there is no %.*s in the draft; set it first",
					 before - path > 200 ? 200 : (int)(before - path),
					 path);
		if (err < 0)
			return err;
	}
	*ret = spot;
	return 0;
}
