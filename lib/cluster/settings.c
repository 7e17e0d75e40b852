/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which settings each level writes: cluster, partition, VIP and service hold a struct
 * settings that says so for itself, in `set`, because inheritance asks for it ten
 * thousand times.
 */
#include "cluster/schema.h"

/* A written value that was refused leaves nothing, and the next level counts. */
static bool has_value(const struct object *object, const struct field *field)
{
	int value;

	if (field->kind == FIELD_STRING || field->kind == FIELD_REF)
		return field_object(object, field) != NULL; /* the name comes first */
	if (field->kind != FIELD_ENUM)
		return true;
	memcpy(&value, field_at(object, field), sizeof(value));
	return value != 0;
}

static uint64_t setting_fields(const struct object_type *type)
{
	uint64_t fields = 0;

	for (unsigned i = 0; i < type->field_count; i++)
		if (type->fields[i].setting)
			fields |= UINT64_C(1) << i;
	return fields;
}

/* Which settings are written at this level; struct settings says it for itself. */
static void note_settings(const struct object *object, uint64_t fields, uint64_t *set)
{
	for (fields &= object->written; fields; fields &= fields - 1) {
		const struct field *field =
			&object->type->fields[__builtin_ctzll(fields)];

		if (has_value(object, field))
			*set |= UINT64_C(1) << (field->setting - 1);
	}
}

static void note_vip_settings(struct vip *vip, uint64_t fields)
{
	uint64_t of_services = 0;

	note_settings(&vip->object, fields, &vip->settings.set);
	for (uint32_t s = 0; s < vip->services.count; s++) {
		struct service *service = &vip->services.items[s];

		if (!of_services)
			of_services = setting_fields(service->object.type);
		note_settings(&service->object, of_services, &service->settings.set);
	}
}

void lsvm_cluster_note_settings(struct lsvm_cluster *cluster)
{
	note_settings(&cluster->object, setting_fields(cluster->object.type),
		      &cluster->defaults.set);
	for (uint32_t p = 0; p < cluster->partitions.count; p++) {
		struct partition *partition = &cluster->partitions.items[p];
		uint64_t of_vips =
			partition->vips.count
				? setting_fields(partition->vips.items[0].object.type)
				: 0;

		note_settings(&partition->object, setting_fields(partition->object.type),
			      &partition->settings.set);
		for (uint32_t v = 0; v < partition->vips.count; v++)
			note_vip_settings(&partition->vips.items[v], of_vips);
	}
}
