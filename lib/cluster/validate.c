/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Validation as a whole. Each part looks at everything and goes on after a finding, so
 * that one run tells all; a part may rely on what those before it completed. No part
 * costs more than n log n in the size of the file.
 */
#include "cluster/validate_private.h"

#include <stddef.h>
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

/* Filled-in objects stand nowhere in the document: the one around them does. */
static const struct object *written_object(const struct object *object)
{
	const struct object *parent = object->parent;

	for (unsigned i = 0; parent && i < parent->type->field_count; i++)
		if (parent->type->fields[i].type == object->type &&
		    !was_written(parent, &parent->type->fields[i]))
			return written_object(parent);
	return object;
}

static void add(struct validation *v, enum finding_code code, const struct object *object,
		const void *member, uint32_t index, struct mark at, const char *fmt,
		va_list args)
{
	const struct field *field = member ? field_of(object, member) : NULL;
	const char *path;
	char text[LSVM_ERROR_TEXT_BYTES];

	/* The list is full: what is no longer kept need not be put into words. */
	if (v->findings->list.count > LSVM_FINDINGS_MAX)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	object = written_object(object);
	path = lsvm_object_path(object, &v->scratch);
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

const char *lsvm_place(struct validation *v, const struct object *object)
{
	const char *place = object->at.line ? lsvm_arena_printf(&v->scratch, "line %u",
								object->at.line)
					    : lsvm_object_path(object, &v->scratch);

	return place ? place : "";
}

bool lsvm_was_written(const struct object *object, const void *member)
{
	const struct field *field = field_of(object, member);

	return field && was_written(object, field);
}

bool lsvm_entered(struct validation *v, struct map *map, const void *key, size_t length,
		  const void *value, void **ret_old)
{
	int err = lsvm_map_put(map, key, length, (void *)value, ret_old);

	v->nomem |= err < 0 && err != LSVM_ERR_EXISTS;
	return err == LSVM_ERR_EXISTS;
}

/* ---- settings: the level that wrote one ---- */

static const size_t setting_offsets[SETTING_COUNT] = {
	[SETTING_FORWARDING] = offsetof(struct settings, forwarding),
	[SETTING_TUNNEL] = offsetof(struct settings, tunnel),
	[SETTING_SCHEDULER] = offsetof(struct settings, scheduler),
	[SETTING_SCHEDULER_FLAGS] = offsetof(struct settings, scheduler_flags),
	[SETTING_PERSISTENCE] = offsetof(struct settings, persistence),
	[SETTING_ONE_PACKET] = offsetof(struct settings, one_packet),
	[SETTING_UPPER_THRESHOLD] = offsetof(struct settings, upper_threshold),
	[SETTING_LOWER_THRESHOLD] = offsetof(struct settings, lower_threshold),
	[SETTING_CHECKS] = offsetof(struct settings, checks),
	[SETTING_NEEDS] = offsetof(struct settings, needs),
	[SETTING_QUORUM] = offsetof(struct settings, quorum),
	[SETTING_SORRY_SERVER] = offsetof(struct settings, sorry_server),
	[SETTING_CONTENT_ROOT] = offsetof(struct settings, content_root),
	[SETTING_QUOTA] = offsetof(struct settings, quota_mib),
	[SETTING_WEB_MASTER] = offsetof(struct settings, web_master),
};

struct told_key { /* no padding: it is a key of a map */
	const void *where;
	uint64_t code;
};

static bool told_before(struct validation *v, const void *where, enum finding_code code)
{
	struct told_key *key = lsvm_arena_alloc(&v->scratch, sizeof(*key));

	if (!key)
		return true;
	*key = (struct told_key){ where, code };
	return lsvm_entered(v, &v->told, key, sizeof(*key), v, NULL);
}

void lsvm_fault_setting(struct validation *v, enum finding_code code,
			const struct service *service, enum setting_id id,
			const char *fmt, ...)
{
	const struct vip *vip = service_vip(service);
	const struct partition *partition = vip_partition(vip);
	const struct {
		const struct object *object;
		const struct settings *settings;
	} levels[] = { { &service->object, &service->settings },
		       { &vip->object, &vip->settings },
		       { &partition->object, &partition->settings },
		       { &v->cluster->object, &v->cluster->defaults } };
	const struct object *object = &service->object;
	const void *field = NULL;
	va_list args;

	for (size_t i = 0; i < ARRAY_SIZE(levels) && !field; i++)
		if (levels[i].settings->set >> id & 1) {
			object = levels[i].object;
			field = (const char *)levels[i].settings + setting_offsets[id];
		}
	if (told_before(v, field ? field : object, code))
		return;
	va_start(args, fmt);
	add(v, code, object, field, NO_INDEX, (struct mark){ 0 }, fmt, args);
	va_end(args);
}

int lsvm_cluster_validate(struct lsvm_cluster *cluster, struct lsvm_findings *findings)
{
	struct validation v = { .cluster = cluster, .findings = findings };
	bool failed;

	v.network =
		lsvm_arena_array(&v.scratch, cluster->networks.count, sizeof(*v.network));
	v.server =
		lsvm_arena_array(&v.scratch, cluster->servers.count, sizeof(*v.server));
	if (v.network && v.server) {
		lsvm_validate_names(&v);
		lsvm_cluster_settle(cluster);
		lsvm_validate_networks(&v);
		lsvm_validate_ways(&v);
		lsvm_validate_vips(&v);
		lsvm_validate_domains(&v);
		lsvm_validate_services(&v);
		lsvm_validate_members(&v);
		lsvm_validate_tunnels(&v);
		lsvm_validate_arrivals(&v);
		lsvm_validate_backends(&v);
		lsvm_validate_house(&v);
	}
	lsvm_findings_sort(findings);
	failed = v.nomem || v.scratch.failed || cluster->arena.failed || findings->failed;
	lsvm_map_free(&v.backend_services);
	lsvm_map_free(&v.volumes);
	lsvm_map_free(&v.accounts);
	lsvm_map_free(&v.owners);
	lsvm_map_free(&v.told);
	vec_free(&v.subnets);
	lsvm_arena_free(&v.scratch);
	return failed ? LSVM_ERR_NOMEM : 0;
}
