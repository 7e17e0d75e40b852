/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names: each is given once among its kind, and every reference finds the object it
 * names. After this file ran, a `struct ref` has a target or there is a finding about it.
 */
#include "cluster/validate_private.h"

#include <stdio.h>

#define NEAR_SUGGESTIONS_MAX                                                             \
	20 /* each looks at every name: a bound for hostile files                        \
	    */

/* ---- the name that was probably meant ---- */

void lsvm_nearest_offer(struct nearest *nearest, const char *candidate)
{
	unsigned distance = lsvm_word_distance(nearest->wanted, candidate);

	if (distance != UINT32_MAX && (!nearest->best || distance < nearest->distance)) {
		nearest->best = candidate;
		nearest->distance = distance;
	}
}

/* ---- each name once ---- */

static void put_name(struct validation *v, struct map *map, const char *name,
		     struct object *object, const void *field, enum finding_code code,
		     const char *what)
{
	void *old = NULL;

	if (name && *name && lsvm_entered(v, map, name, strlen(name), object, &old))
		lsvm_fault(v, code, object, field,
			   "the name \"%s\" was given to another %s (%s)", name, what,
			   lsvm_place(v, old));
}

static void put_names(struct validation *v)
{
	struct lsvm_cluster *c = v->cluster;
	struct machine *machine;

	for (size_t i = 0; (machine = lsvm_cluster_machine_nth(c, i)); i++)
		put_name(v, &c->machines_by_name, machine->name, &machine->object,
			 &machine->name, FINDING_DUPLICATE_MACHINE, "machine");
#define PUT(list, map, code, what)                                                       \
	for (uint32_t i = 0; i < c->list.count; i++)                                     \
	put_name(v, map, c->list.items[i].name, &c->list.items[i].object,                \
		 &c->list.items[i].name, code, what)
	PUT(networks, &c->networks_by_name, FINDING_DUPLICATE_NETWORK, "network");
	PUT(partitions, &c->partitions_by_name, FINDING_DUPLICATE_PARTITION, "partition");
	PUT(backend_services, &v->backend_services, FINDING_DUPLICATE_BACKEND_SERVICE,
	    "back-end service");
	PUT(accounts, &v->accounts, FINDING_DUPLICATE_ACCOUNT, "account");
	PUT(content->volumes, &v->volumes, FINDING_DUPLICATE_VOLUME, "volume");
#undef PUT
}

/* ---- references ---- */

enum ref_kind {
	REF_NETWORK,
	REF_MACHINE,
	REF_SERVER,
	REF_BACKEND_SERVICE,
	REF_VOLUME
};

static const struct {
	const char *what;
	enum finding_code unknown;
} ref_kinds[] = {
	[REF_NETWORK] = { "network", FINDING_UNKNOWN_NETWORK },
	[REF_MACHINE] = { "machine", FINDING_UNKNOWN_MACHINE },
	[REF_SERVER] = { "server", FINDING_UNKNOWN_SERVER },
	[REF_BACKEND_SERVICE] = { "back-end service", FINDING_UNKNOWN_BACKEND_SERVICE },
	[REF_VOLUME] = { "volume", FINDING_UNKNOWN_VOLUME },
};

#define OFFER_ALL(nearest, list)                                                         \
	do {                                                                             \
		for (uint32_t i_ = 0; i_ < (list).count; i_++)                           \
			if ((list).items[i_].name)                                       \
				lsvm_nearest_offer(nearest, (list).items[i_].name);      \
	} while (0)

static const char *nearest_of(struct validation *v, enum ref_kind kind,
			      const char *wanted)
{
	const struct lsvm_cluster *c = v->cluster;
	struct nearest nearest = { .wanted = wanted };

	if (v->suggestions++ >= NEAR_SUGGESTIONS_MAX)
		return NULL;
	switch (kind) {
	case REF_NETWORK:
		OFFER_ALL(&nearest, c->networks);
		break;
	case REF_MACHINE:
		if (c->ems && c->ems->name)
			lsvm_nearest_offer(&nearest, c->ems->name);
		OFFER_ALL(&nearest, c->directors);
		OFFER_ALL(&nearest, c->routers);
		OFFER_ALL(&nearest, c->backends);
		OFFER_ALL(&nearest, c->servers);
		break;
	case REF_SERVER:
		OFFER_ALL(&nearest, c->servers);
		break;
	case REF_BACKEND_SERVICE:
		OFFER_ALL(&nearest, c->backend_services);
		break;
	case REF_VOLUME:
		OFFER_ALL(&nearest, c->content->volumes);
		break;
	}
	return nearest.best;
}

static void *find_target(struct validation *v, enum ref_kind kind, const char *name)
{
	switch (kind) {
	case REF_NETWORK:
		return lsvm_map_find(&v->cluster->networks_by_name, name);
	case REF_MACHINE:
	case REF_SERVER:
		return lsvm_map_find(&v->cluster->machines_by_name, name);
	case REF_BACKEND_SERVICE:
		return lsvm_map_find(&v->backend_services, name);
	case REF_VOLUME:
		return lsvm_map_find(&v->volumes, name);
	}
	return NULL;
}

/* Where a reference was written: a field of an object, or an item of a list field. */
struct place {
	const struct object *object;
	const void *field;
	uint32_t index; /* NO_INDEX: it is the field itself */
};

static void resolve(struct validation *v, enum ref_kind kind, struct ref *ref,
		    struct place place)
{
	enum finding_code code = ref_kinds[kind].unknown;
	const char *near = NULL, *what = ref_kinds[kind].what;
	char text[LSVM_ERROR_TEXT_BYTES / 2];
	struct machine *machine;

	if (!ref->name || !*ref->name)
		return;
	ref->target = find_target(v, kind, ref->name);
	machine = kind == REF_SERVER ? ref->target : NULL;
	if (ref->target && (!machine || machine->role == LSVM_ROLE_SERVER))
		return;
	v->unknown_servers |= kind == REF_SERVER;
	if (machine) {
		code = FINDING_NOT_A_SERVER;
		snprintf(text, sizeof(text),
			 "\"%s\" is a %s of this cluster, not a server", ref->name,
			 lsvm_word_name(lsvm_role_words, machine->role));
		ref->target = NULL;
	} else {
		near = nearest_of(v, kind, ref->name);
		snprintf(text, sizeof(text), "there is no %s \"%s\"%s%s%s", what,
			 ref->name, near ? "; did you mean \"" : "", near ? near : "",
			 near ? "\"?" : "");
	}
	lsvm_fault_item(v, code, place.object, place.field, place.index, ref->at, "%s",
			text);
}

#define RESOLVE(kind, object, ref)                                                       \
	resolve(v, kind, ref, (struct place){ object, ref, NO_INDEX })
#define RESOLVE_LIST(kind, object, list)                                                 \
	for (uint32_t n_ = 0; n_ < (list)->count; n_++)                                  \
	resolve(v, kind, &(list)->items[n_], (struct place){ object, list, n_ })

static void resolve_settings(struct validation *v, const struct object *object,
			     struct settings *settings)
{
	RESOLVE_LIST(REF_BACKEND_SERVICE, object, &settings->needs);
	RESOLVE(REF_MACHINE, object, &settings->sorry_server);
}

static void resolve_vip(struct validation *v, struct vip *vip)
{
	RESOLVE(REF_NETWORK, &vip->object, &vip->network);
	resolve_settings(v, &vip->object, &vip->settings);
	for (uint32_t i = 0; i < vip->services.count; i++)
		resolve_settings(v, &vip->services.items[i].object,
				 &vip->services.items[i].settings);
	for (uint32_t i = 0; i < vip->domains.count; i++)
		RESOLVE(REF_VOLUME, &vip->domains.items[i].object,
			&vip->domains.items[i].volume);
}

static void resolve_partition(struct validation *v, struct partition *partition)
{
	resolve_settings(v, &partition->object, &partition->settings);
	for (uint32_t i = 0; i < partition->servers.count; i++)
		RESOLVE(REF_SERVER, &partition->servers.items[i].object,
			&partition->servers.items[i].server);
	for (uint32_t i = 0; i < partition->vips.count; i++)
		resolve_vip(v, &partition->vips.items[i]);
}

static void resolve_all(struct validation *v)
{
	struct lsvm_cluster *c = v->cluster;
	struct machine *machine;

	for (size_t m = 0; (machine = lsvm_cluster_machine_nth(c, m)); m++)
		for (uint32_t i = 0; i < machine->interfaces.count; i++)
			RESOLVE(REF_NETWORK, &machine->interfaces.items[i].object,
				&machine->interfaces.items[i].network);
	resolve_settings(v, &c->object, &c->defaults);
	for (uint32_t i = 0; i < c->backend_services.count; i++)
		RESOLVE_LIST(REF_MACHINE, &c->backend_services.items[i].object,
			     &c->backend_services.items[i].hosts);
	for (uint32_t i = 0; i < c->partitions.count; i++)
		resolve_partition(v, &c->partitions.items[i]);
	RESOLVE(REF_NETWORK, &c->redundancy->object, &c->redundancy->network);
	RESOLVE_LIST(REF_SERVER, &c->content->object, &c->content->replicas);
	for (uint32_t i = 0; i < c->content->volumes.count; i++)
		RESOLVE_LIST(REF_SERVER, &c->content->volumes.items[i].object,
			     &c->content->volumes.items[i].replicas);
}

void lsvm_validate_names(struct validation *v)
{
	put_names(v);
	resolve_all(v);
}
