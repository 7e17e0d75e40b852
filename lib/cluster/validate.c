/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Validation as a whole. Each part looks at everything and goes on after a finding, so
 * that one run tells all; a part may rely on what those before it completed. No part
 * costs more than n log n in the size of the file.
 */
#include "cluster/schema.h"
#include "cluster/validate_private.h"

#include <stdio.h>

static const struct field *field_of(const struct object *object, const void *member)
{
	size_t offset = (size_t)((const char *)member - (const char *)object);

	for (unsigned i = 0; i < object->type->field_count; i++)
		if (object->type->fields[i].offset == offset)
			return &object->type->fields[i];
	return NULL;
}

static bool was_written(const struct object *object, const struct field *field)
{
	return object->written >> (field - object->type->fields) & 1;
}

static struct mark mark_of(const struct object *object, const struct field *field)
{
	uint64_t before = (UINT64_C(1) << (field - object->type->fields)) - 1;

	if (!object->marks)
		return object->at;
	return object->marks[__builtin_popcountll(object->written & before)];
}

static void add(struct validation *v, enum finding_code code, const struct object *object,
		const void *member, uint32_t index, struct mark at, const char *fmt,
		va_list args)
{
	const struct field *field = member ? field_of(object, member) : NULL;
	const char *path = lsvm_object_path(object, &v->scratch);
	char text[LSVM_ERROR_TEXT_BYTES];

	vsnprintf(text, sizeof(text), fmt, args);
	if (field && !was_written(object, field))
		field = NULL;
	if (field && path) {
		path = lsvm_arena_printf(&v->scratch, "%s%s%s/%s", path,
					 field->group ? "/" : "",
					 field->group ? field->group : "", field->name);
		if (path && index != NO_INDEX)
			path = lsvm_arena_printf(&v->scratch, "%s/%u", path, index);
	}
	if (!at.line)
		at = field ? mark_of(object, field) : object->at;
	if (path)
		lsvm_findings_add(v->findings, code, path, at, "%s", text);
}

void lsvm_fault(struct validation *v, enum finding_code code, const struct object *object,
		const void *field, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(v, code, object, field, NO_INDEX, (struct mark){ 0 }, fmt, args);
	va_end(args);
}

void lsvm_fault_item(struct validation *v, enum finding_code code,
		     const struct object *object, const void *field, uint32_t index,
		     struct mark at, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(v, code, object, field, index, at, fmt, args);
	va_end(args);
}

int lsvm_cluster_validate(struct lsvm_cluster *cluster, struct lsvm_findings *findings)
{
	struct validation v = { .cluster = cluster, .findings = findings };
	bool failed;

	lsvm_validate_names(&v);
	lsvm_findings_sort(findings);
	failed = v.nomem || v.scratch.failed || cluster->arena.failed || findings->failed;
	lsvm_map_free(&v.backend_services);
	lsvm_map_free(&v.volumes);
	lsvm_map_free(&v.accounts);
	lsvm_map_free(&v.addresses);
	vec_free(&v.subnets);
	lsvm_arena_free(&v.scratch);
	return failed ? LSVM_ERR_NOMEM : 0;
}
