/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sched/director.h"

#include <netinet/in.h>
#include <stdlib.h>

#define FTP_PORT 21
#define FTP_DATA_PORT 20
#define PRIVILEGED_PORTS 1024

/* Without holes: the key of a map. */
struct service_name {
	uint8_t family, protocol;
	uint16_t port;
	uint32_t fwmark;
	uint8_t bytes[16];
};

struct entry {
	struct service_name name;
	struct lsvm_sched *sched;
	bool present;
};

struct sched_director {
	struct lsvm_ctx *ctx;
	struct arena arena; /* entries */
	struct map by_name;
	VEC(struct entry *) entries;
	size_t ftp_count, all_ports_count; /* services that are there */
};

static struct service_name name_of(const struct ipvs_key *key)
{
	struct service_name name = { .family = key->addr.family, .fwmark = key->fwmark };

	if (key->fwmark)
		return name;
	name.protocol = key->protocol;
	name.port = key->port;
	memcpy(name.bytes, key->addr.bytes, key->addr.family == 4 ? 4 : 16);
	return name;
}

static struct entry *find_entry(const struct sched_director *director,
				const struct ipvs_key *key)
{
	const struct service_name name = name_of(key);

	return lsvm_map_get(&director->by_name, &name, sizeof(name));
}

struct lsvm_sched *lsvm_director_find(const struct sched_director *director,
				      const struct ipvs_key *key)
{
	const struct entry *entry = find_entry(director, key);

	return entry && entry->present ? entry->sched : NULL;
}

struct lsvm_sched *lsvm_director_route(const struct sched_director *director,
				       uint32_t fwmark, uint8_t protocol,
				       const struct addr *virtual, uint16_t port)
{
	struct ipvs_key key = { .fwmark = fwmark, .addr = *virtual };
	struct lsvm_sched *found = NULL;

	if (fwmark)
		found = lsvm_director_find(director, &key);
	key = (struct ipvs_key){ .addr = *virtual, .protocol = protocol, .port = port };
	if (!found)
		found = lsvm_director_find(director, &key);
	if (!found && protocol == IPPROTO_TCP && director->ftp_count &&
	    (port == FTP_DATA_PORT || port >= PRIVILEGED_PORTS)) {
		key.port = FTP_PORT;
		found = lsvm_director_find(director, &key);
	}
	if (!found && director->all_ports_count) {
		key.port = 0;
		found = lsvm_director_find(director, &key);
	}
	return found;
}

static void set_present(struct sched_director *director, struct entry *entry,
			bool present)
{
	const size_t one = present ? 1 : (size_t)-1;

	entry->present = present;
	if (entry->name.fwmark)
		return;
	if (entry->name.port == FTP_PORT)
		director->ftp_count += one;
	if (entry->name.port == 0)
		director->all_ports_count += one;
}

/* A place for a service that never was there. */
static int new_entry(struct sched_director *director, const struct ipvs_service *service,
		     struct entry **ret)
{
	struct entry *entry = lsvm_arena_alloc(&director->arena, sizeof(*entry)), **slot;
	int err;
	void *old;

	if (!entry)
		return lsvm_fail_nomem(director->ctx);
	entry->name = name_of(&service->key);
	err = lsvm_sched_create(director->ctx, service, &entry->sched);
	if (err < 0)
		return err;
	slot = vec_push(&director->entries);
	if (slot)
		*slot = entry;
	if (slot && lsvm_map_put(&director->by_name, &entry->name, sizeof(entry->name),
				 entry, &old) >= 0) {
		*ret = entry;
		return 0;
	}
	if (slot)
		director->entries.count--;
	lsvm_sched_free(entry->sched);
	return lsvm_fail_nomem(director->ctx);
}

static int add_service(struct sched_director *director,
		       const struct ipvs_service *service)
{
	struct entry *entry = find_entry(director, &service->key);
	char text[LSVM_ADDRESS_TEXT_BYTES * 2];
	int err;

	if (entry && entry->present)
		return lsvm_fail(director->ctx, LSVM_ERR_EXISTS,
				 "service %s is there already; edit it",
				 lsvm_ipvs_key_text(&service->key, text));
	if (entry)
		err = lsvm_sched_begin_anew(entry->sched, service);
	else
		err = new_entry(director, service, &entry);
	if (err >= 0)
		set_present(director, entry, true);
	return err;
}

static int missing(struct sched_director *director, const struct ipvs_service *service)
{
	char text[LSVM_ADDRESS_TEXT_BYTES * 2];

	return lsvm_fail(director->ctx, LSVM_ERR_NOT_FOUND,
			 "there is no service %s; add it first",
			 lsvm_ipvs_key_text(&service->key, text));
}

static int delete_service(struct sched_director *director,
			  const struct ipvs_service *service)
{
	struct entry *entry = find_entry(director, &service->key);

	if (!entry || !entry->present)
		return missing(director, service);
	lsvm_sched_vacate(entry->sched);
	set_present(director, entry, false);
	return 0;
}

static int change_destination(struct sched_director *director,
			      const struct ipvs_change *change)
{
	struct lsvm_sched *s = lsvm_director_find(director, &change->service->key);
	const struct ipvs_destination *to = change->destination;
	struct sched_dest *dest;
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (!s)
		return missing(director, change->service);
	if (change->kind == IPVS_DESTINATION_ADD)
		return lsvm_sched_dest_add(s, &to->addr, to->port, change->weight,
					   to->upper_threshold, to->lower_threshold,
					   &dest);
	dest = lsvm_sched_dest_lookup(s, &to->addr, to->port);
	if (!dest || !dest->present)
		return lsvm_fail(director->ctx, LSVM_ERR_NOT_FOUND,
				 "there is no destination %s; add it first",
				 lsvm_endpoint_text(&to->addr, to->port, text));
	if (change->kind == IPVS_DESTINATION_DELETE)
		return lsvm_sched_dest_remove(s, dest);
	return lsvm_sched_dest_edit(s, dest, change->weight, to->upper_threshold,
				    to->lower_threshold);
}

int lsvm_director_apply(struct sched_director *director, const struct ipvs_change *change)
{
	struct lsvm_sched *s;

	switch (change->kind) {
	case IPVS_SERVICE_ADD: {
		/* Its destinations are changes of their own. */
		struct ipvs_service alone = *change->service;

		memset(&alone.destinations, 0, sizeof(alone.destinations));
		return add_service(director, &alone);
	}
	case IPVS_SERVICE_EDIT:
		s = lsvm_director_find(director, &change->service->key);
		return s ? lsvm_sched_service_edit(s, change->service)
			 : missing(director, change->service);
	case IPVS_SERVICE_DELETE:
		return delete_service(director, change->service);
	case IPVS_DESTINATION_ADD:
	case IPVS_DESTINATION_EDIT:
	case IPVS_DESTINATION_DELETE:
		return change_destination(director, change);
	case IPVS_TIMEOUTS_SET:
	case IPVS_DAEMON_START:
	case IPVS_DAEMON_STOP:
		break;
	}
	return 0;
}

int lsvm_director_create(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *table,
			 struct sched_director **ret)
{
	struct sched_director *director = calloc(1, sizeof(*director));
	int err = 0;

	if (!director)
		return lsvm_fail_nomem(ctx);
	director->ctx = lsvm_ctx_ref(ctx);
	for (size_t i = 0; table && err >= 0 && i < table->services.count; i++)
		err = add_service(director, &table->services.items[i]);
	if (err < 0)
		lsvm_director_free(director);
	else
		*ret = director;
	return err;
}

void lsvm_director_free(struct sched_director *director)
{
	if (!director)
		return;
	for (size_t i = 0; i < director->entries.count; i++)
		lsvm_sched_free(director->entries.items[i]->sched);
	vec_free(&director->entries);
	lsvm_map_free(&director->by_name);
	lsvm_arena_free(&director->arena);
	lsvm_ctx_unref(director->ctx);
	free(director);
}
