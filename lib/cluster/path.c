/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where an object stands in its document: "/partitions/0/vips/1". Nothing is stored for
 * this: an object knows its parent and its place in the list, and the parent's table of
 * fields tells the name of the list, as no two fields of a type hold the same type of
 * object. It works while the parent is still being filled.
 */
#include "cluster/schema.h"

/* The field of the parent in which the object stands. */
static const struct field *field_of(const struct object *object)
{
	const struct object_type *type = object->parent->type;

	for (unsigned i = 0; i < type->field_count; i++)
		if (type->fields[i].type == object->type)
			return &type->fields[i];
	return NULL;
}

static void add_path(const struct object *object, struct buf *buf)
{
	const struct field *field;

	if (!object->parent)
		return;
	add_path(object->parent, buf);
	field = field_of(object);
	if (!field)
		return;
	if (field->group)
		lsvm_buf_printf(buf, "/%s", field->group);
	lsvm_buf_printf(buf, "/%s", field->name);
	if (field->kind == FIELD_OBJECTS)
		lsvm_buf_printf(buf, "/%u", object->index);
}

const char *lsvm_object_path(const struct object *object, struct arena *arena)
{
	struct buf buf = { 0 };
	const char *path;

	add_path(object, &buf);
	lsvm_buf_add(&buf, "", 0);
	path = lsvm_arena_strdup(arena, buf.data ? buf.data : "");
	lsvm_buf_free(&buf);
	return path ? path : "";
}
