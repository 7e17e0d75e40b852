/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The difference of two clusters: what was written in the one and what in the other,
 * compared along the tables. Items of lists are matched by what names them, through maps,
 * so that the cost is linear; what left one place and came to another has moved. Paths
 * name items by name, which is what drafts understand too.
 */
#include "cluster/diff.h"

#include <stdlib.h>

static const char *fragment(struct differ *d, const struct node *node)
{
	const char *copy;
	char *text;

	if (!node || lsvm_tree_to_json(node, NULL, &text) < 0) {
		d->nomem = true;
		return NULL;
	}
	copy = lsvm_arena_strdup(&d->changes->arena, text);
	lsvm_free(text);
	return copy;
}

const char *lsvm_differ_field(struct differ *d, const void *object,
			      const struct field *field)
{
	return fragment(d, lsvm_field_encode(object, field, &d->tree));
}

static const char *object_fragment(struct differ *d, const struct object *object)
{
	return object ? fragment(d, lsvm_object_encode(object, &d->tree)) : NULL;
}

struct lsvm_change *lsvm_differ_add(struct differ *d, enum lsvm_change_kind kind,
				    const char *path)
{
	struct lsvm_change *change = vec_push(&d->changes->list);

	if (!change || !path) {
		d->nomem = true;
		return NULL;
	}
	change->kind = kind;
	change->path = path;
	return change;
}

/* ---- names and paths ---- */

const char *lsvm_differ_name(struct differ *d, const struct object *object)
{
	const struct field *field = object->type->identity;
	struct ref ref;

	if (!field)
		return lsvm_arena_printf(&d->scratch, "%u", object->index);
	if (field->kind == FIELD_REF) {
		memcpy(&ref, field_at(object, field), sizeof(ref));
		return ref.name ? ref.name : "";
	}
	return field_object(object, field);
}

/* A step as lsvm_draft_set() reads it. */
static const char *step(struct differ *d, const char *path, const char *name)
{
	struct buf buf = { 0 };
	const char *made;

	if (!path || !name)
		return NULL;
	lsvm_buf_printf(&buf, "%s/", path);
	for (; *name; name++)
		if (*name == '~' || *name == '/')
			lsvm_buf_text(&buf, *name == '~' ? "~0" : "~1");
		else
			lsvm_buf_add(&buf, name, 1);
	made = buf.failed ? NULL : lsvm_arena_strdup(&d->changes->arena, buf.data);
	d->nomem |= buf.failed;
	lsvm_buf_free(&buf);
	return made;
}

static const char *field_path(struct differ *d, const char *path,
			      const struct field *field)
{
	return lsvm_arena_printf(&d->changes->arena, "%s%s%s/%s", path ? path : "",
				 field->group ? "/" : "",
				 field->group ? field->group : "", field->name);
}

/* ---- one object against another ---- */

static bool same_nodes(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind || a->style != b->style)
		return false;
	if (a->kind == NODE_SCALAR)
		return strcmp(a->text, b->text) == 0;
	for (a = a->first, b = b->first; a && b; a = a->next, b = b->next)
		if ((a->key && strcmp(a->key, b->key) != 0) || !same_nodes(a, b))
			return false;
	return !a && !b;
}

static void compare_value(struct differ *d, const struct object *a,
			  const struct object *b, const struct field *field,
			  const char *path)
{
	const struct node *old = lsvm_field_encode(a, field, &d->tree);
	const struct node *new = lsvm_field_encode(b, field, &d->tree);
	struct lsvm_change *change;

	if (!old || !new) {
		d->nomem = true;
	} else if (!same_nodes(old, new)) {
		change = lsvm_differ_add(d, LSVM_CHANGE_CHANGED,
					 field_path(d, path, field));
		if (change) {
			change->old_value = fragment(d, old);
			change->new_value = fragment(d, new);
		}
	}
	/* Scratch nodes of one value are not needed for the next. */
	if (d->nodes.bytes > DIFF_SCRATCH_BYTES) {
		lsvm_arena_free(&d->nodes);
		lsvm_arena_free(&d->texts);
		d->tree = (struct tree){ .nodes = &d->nodes, .texts = &d->texts };
	}
}

static void compare_field(struct differ *d, const struct object *a,
			  const struct object *b, const struct field *field,
			  const char *path)
{
	unsigned number = (unsigned)(field - a->type->fields);
	bool in_a = a->written >> number & 1, in_b = b->written >> number & 1;
	struct lsvm_change *change;

	if (!in_a && !in_b)
		return;
	if (field->kind == FIELD_OBJECTS) {
		struct list none = { 0 };

		lsvm_differ_list(d, in_a ? field_list(a, field) : none,
				 in_b ? field_list(b, field) : none, field->type,
				 field_path(d, path, field));
	} else if (in_a && in_b && field->kind == FIELD_OBJECT &&
		   field_object(a, field) && field_object(b, field)) {
		lsvm_differ_object(d, field_object(a, field), field_object(b, field),
				   field_path(d, path, field));
	} else if (in_a && in_b) {
		compare_value(d, a, b, field, path);
	} else {
		change =
			lsvm_differ_add(d, in_b ? LSVM_CHANGE_ADDED : LSVM_CHANGE_REMOVED,
					field_path(d, path, field));
		if (change && in_b)
			change->new_value = lsvm_differ_field(d, b, field);
		else if (change)
			change->old_value = lsvm_differ_field(d, a, field);
	}
}

void lsvm_differ_object(struct differ *d, const struct object *a, const struct object *b,
			const char *path)
{
	for (unsigned i = 0; i < a->type->field_count && !d->nomem; i++)
		compare_field(d, a, b, &a->type->fields[i], path);
}

void lsvm_differ_item(struct differ *d, const struct object *a, const struct object *b,
		      const char *path)
{
	const struct object *one = a ? a : b;
	struct lsvm_change *change;

	path = step(d, path, lsvm_differ_name(d, one));
	if (a && b) {
		lsvm_differ_object(d, a, b, path);
		return;
	}
	change = lsvm_differ_add(d, b ? LSVM_CHANGE_ADDED : LSVM_CHANGE_REMOVED, path);
	if (!change)
		return;
	change->object = one;
	change->old_value = object_fragment(d, a);
	change->new_value = object_fragment(d, b);
}

int lsvm_cluster_diff(struct lsvm_ctx *ctx, const struct lsvm_cluster *a,
		      const struct lsvm_cluster *b, struct lsvm_changes **ret)
{
	struct lsvm_changes *changes = calloc(1, sizeof(*changes));
	struct differ d = { .changes = changes };

	if (!changes)
		return lsvm_fail_nomem(ctx);
	d.tree = (struct tree){ .nodes = &d.nodes, .texts = &d.texts };
	lsvm_differ_object(&d, &a->object, &b->object, "");
	if (!d.nomem)
		lsvm_differ_join_moves(&d);
	d.nomem |= changes->arena.failed || d.scratch.failed || d.nodes.failed ||
		   d.texts.failed;
	lsvm_arena_free(&d.nodes);
	lsvm_arena_free(&d.texts);
	lsvm_arena_free(&d.scratch);
	if (d.nomem) {
		lsvm_changes_free(changes);
		return lsvm_fail_nomem(ctx);
	}
	*ret = changes;
	return 0;
}
