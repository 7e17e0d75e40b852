/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where an object stands in its document: "/partitions/0/vips/1". Nothing is stored for
 * this: an object knows its parent, and the parent's table of fields tells which list it
 * lies in.
 */
#include "cluster/schema.h"

static bool field_holds(const struct object *parent, const struct field *field,
			const struct object *child, bool *ret_list)
{
	struct list list;

	*ret_list = field->kind == FIELD_OBJECTS;
	if (field->kind == FIELD_OBJECT)
		return field_object(parent, field) == child;
	if (field->kind != FIELD_OBJECTS)
		return false;
	list = field_list(parent, field);
	return list.items && (const char *)child >= (const char *)list.items &&
	       (const char *)child <
		       (const char *)list.items + list.count * field->type->size;
}

const char *lsvm_object_path(const struct object *object, struct arena *arena)
{
	const struct object *parent = object->parent;
	const char *above;
	bool in_list;

	if (!parent)
		return "";
	above = lsvm_object_path(parent, arena);
	for (unsigned i = 0; above && i < parent->type->field_count; i++) {
		const struct field *field = &parent->type->fields[i];

		if (!field_holds(parent, field, object, &in_list))
			continue;
		above = lsvm_arena_printf(arena, "%s%s%s/%s", above,
					  field->group ? "/" : "",
					  field->group ? field->group : "", field->name);
		return in_list && above
			       ? lsvm_arena_printf(arena, "%s/%u", above, object->index)
			       : above;
	}
	return above;
}
