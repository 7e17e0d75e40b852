/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The simulated kernel's IPVS table. It stays in canonical order, so that looking up is a
 * binary search and a copy of it is sealed. Order and kind of the refusals are those of
 * net/netfilter/ipvs/ip_vs_ctl.c of Linux 6.1; what the kernel would accept and should
 * not is refused before, as on the real machine.
 */
#include "host/sim/sim.h"

#include <limits.h>
#include <linux/ip_vs.h>

#define SYNC_MAXLEN_DEFAULT_BYTES 1472 /* an Ethernet frame less the headers */
#define SYNC_MAXLEN_BACKUP_MIN_BYTES 1024
#define SYNC_PORT_DEFAULT 8848
#define SYNC_TTL_DEFAULT 1
#define TIMEOUT_MAX_S (INT_MAX / 250) /* jiffies must fit an int */

static bool in_list(const char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

static int missing_service(struct sim_host *sim, const struct ipvs_key *key)
{
	char text[LSVM_ADDRESS_TEXT_BYTES * 2];

	return lsvm_fail(sim->host.ctx, LSVM_ERR_CONFLICT,
			 "service %s is not in the kernel's table; read it and try again",
			 lsvm_ipvs_key_text(key, text));
}

static int check_service(struct sim_host *sim, const struct ipvs_service *service)
{
	static const char *const schedulers[] = { "rr",	   "wrr", "lc", "wlc",	"lblc",
						  "lblcr", "dh",  "sh", "sed",	"nq",
						  "fo",	   "ovf", "mh", "twos", "none" };

	if (!in_list(schedulers, ARRAY_SIZE(schedulers), service->scheduler))
		return lsvm_fail(sim->host.ctx, LSVM_ERR_UNSUPPORTED,
				 "the kernel has no scheduler '%s'; wlc suits most",
				 service->scheduler);
	if (service->engine[0] && strcmp(service->engine, "sip") != 0)
		return lsvm_fail(sim->host.ctx, LSVM_ERR_UNSUPPORTED,
				 "the kernel has no persistence engine '%s'; sip is one",
				 service->engine);
	return 0;
}

static void copy_service(struct ipvs_service *slot, const struct ipvs_service *service)
{
	typeof(slot->destinations) destinations = slot->destinations;

	*slot = *service;
	slot->destinations = destinations;
	slot->counters = NULL;
}

static int service_add(struct sim_host *sim, const struct ipvs_service *service)
{
	char text[LSVM_ADDRESS_TEXT_BYTES * 2];
	struct ipvs_service *items;
	size_t low = 0, high = sim->ipvs->services.count;
	int err = check_service(sim, service);

	if (lsvm_ipvs_table_lookup(sim->ipvs, &service->key))
		return lsvm_fail(sim->host.ctx, LSVM_ERR_CONFLICT,
				 "service %s is in the kernel's table already; read it "
				 "and try again",
				 lsvm_ipvs_key_text(&service->key, text));
	if (err < 0)
		return err;
	if (!lsvm_ipvs_table_push(sim->ipvs))
		return lsvm_fail_nomem(sim->host.ctx);
	items = sim->ipvs->services.items;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lsvm_ipvs_key_compare(&items[middle].key, &service->key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	memmove(&items[low + 1], &items[low],
		(sim->ipvs->services.count - 1 - low) * sizeof(*items));
	items[low] = (struct ipvs_service){ 0 };
	copy_service(&items[low], service);
	return 0;
}

static int service_delete(struct sim_host *sim, struct ipvs_service *slot)
{
	size_t at = (size_t)(slot - sim->ipvs->services.items);

	vec_free(&slot->destinations);
	memmove(slot, slot + 1, (sim->ipvs->services.count - at - 1) * sizeof(*slot));
	sim->ipvs->services.count--;
	return 0;
}

static int change_service(struct sim_host *sim, const struct ipvs_change *change)
{
	struct ipvs_service *slot;
	int err;

	if (change->kind == IPVS_SERVICE_ADD)
		return service_add(sim, change->service);
	slot = lsvm_ipvs_table_lookup(sim->ipvs, &change->service->key);
	if (change->kind == IPVS_SERVICE_DELETE)
		return slot ? service_delete(sim, slot) : 0;
	if (!slot)
		return missing_service(sim, &change->service->key);
	err = check_service(sim, change->service);
	if (err < 0)
		return err;
	copy_service(slot, change->service);
	return 0;
}

/* The place of the destination in its sorted list, or where it would go. */
static size_t place(const struct ipvs_service *service,
		    const struct ipvs_destination *destination, bool *ret_found)
{
	size_t low = 0, high = service->destinations.count;

	*ret_found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = lsvm_ipvs_destination_compare(
			&service->destinations.items[middle], destination);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int check_destination(struct sim_host *sim, const struct ipvs_service *service,
			     const struct ipvs_destination *destination)
{
	if (destination->addr.family != service->key.addr.family &&
	    (sim->ipvs->master.present || sim->ipvs->backup.present))
		return lsvm_fail(sim->host.ctx, LSVM_ERR_ARGUMENT,
				 "a destination of another address family cannot be "
				 "added while a sync daemon runs; stop the daemon");
	return 0;
}

static int destination_put(struct sim_host *sim, struct ipvs_service *service,
			   const struct ipvs_change *change, size_t at, bool insert)
{
	struct ipvs_destination *items;
	int err = check_destination(sim, service, change->destination);

	if (err < 0)
		return err;
	if (insert && !lsvm_ipvs_service_push(service))
		return lsvm_fail_nomem(sim->host.ctx);
	items = service->destinations.items;
	if (insert)
		memmove(&items[at + 1], &items[at],
			(service->destinations.count - 1 - at) * sizeof(*items));
	items[at] = *change->destination;
	items[at].weight = change->weight;
	items[at].active_count = items[at].inactive_count = 0;
	items[at].persistent_count = 0;
	items[at].counters = NULL;
	return 0;
}

static int change_destination(struct sim_host *sim, const struct ipvs_change *change)
{
	struct ipvs_service *service =
		lsvm_ipvs_table_lookup(sim->ipvs, &change->service->key);
	const struct ipvs_destination *wanted = change->destination;
	char text[LSVM_ADDRESS_TEXT_BYTES], key[LSVM_ADDRESS_TEXT_BYTES * 2];
	struct ipvs_destination *items;
	bool found;
	size_t at;

	if (!service && change->kind == IPVS_DESTINATION_DELETE)
		return 0;
	if (!service)
		return missing_service(sim, &change->service->key);
	at = place(service, wanted, &found);
	if (!found && change->kind == IPVS_DESTINATION_DELETE)
		return 0;
	if (found == (change->kind == IPVS_DESTINATION_ADD))
		return lsvm_fail(sim->host.ctx, LSVM_ERR_CONFLICT,
				 "destination %s of service %s is %s; read the table and "
				 "try again",
				 lsvm_endpoint_text(&wanted->addr, wanted->port, text),
				 lsvm_ipvs_key_text(&service->key, key),
				 found ? "there already" : "not there");
	if (change->kind != IPVS_DESTINATION_DELETE)
		return destination_put(sim, service, change, at, !found);
	items = service->destinations.items;
	memmove(&items[at], &items[at + 1],
		(service->destinations.count - at - 1) * sizeof(*items));
	service->destinations.count--;
	return 0;
}

static int set_timeouts(struct sim_host *sim, const struct ipvs_timeouts *timeouts)
{
	struct ipvs_timeouts *own = &sim->ipvs->timeouts;

	if (timeouts->tcp_s > TIMEOUT_MAX_S || timeouts->tcp_fin_s > TIMEOUT_MAX_S ||
	    timeouts->udp_s > TIMEOUT_MAX_S)
		return lsvm_fail(sim->host.ctx, LSVM_ERR_ARGUMENT,
				 "an IPVS timeout is above %d s; take a shorter one",
				 TIMEOUT_MAX_S);
	if (timeouts->tcp_s)
		own->tcp_s = timeouts->tcp_s;
	if (timeouts->tcp_fin_s)
		own->tcp_fin_s = timeouts->tcp_fin_s;
	if (timeouts->udp_s)
		own->udp_s = timeouts->udp_s;
	return 0;
}

static bool has_mixed_families(const struct lsvm_ipvs_table *table)
{
	for (size_t i = 0; i < table->services.count; i++) {
		const struct ipvs_service *service = &table->services.items[i];

		for (size_t j = 0; j < service->destinations.count; j++)
			if (service->destinations.items[j].addr.family !=
			    service->key.addr.family)
				return true;
	}
	return false;
}

static int start_daemon(struct sim_host *sim, const struct ipvs_daemon *daemon,
			struct ipvs_daemon *own, bool is_master)
{
	if (own->present)
		return lsvm_fail(sim->host.ctx, LSVM_ERR_CONFLICT,
				 "the %s sync daemon runs already; stop it first",
				 is_master ? "master" : "backup");
	if (has_mixed_families(sim->ipvs))
		return lsvm_fail(sim->host.ctx, LSVM_ERR_ARGUMENT,
				 "the sync daemon cannot run while a destination is of "
				 "another address family than its service");
	if (!lsvm_sim_link(sim, daemon->interface))
		return lsvm_sim_no_interface(sim, daemon->interface);
	*own = *daemon;
	own->present = true;
	if (!own->maxlen_bytes)
		own->maxlen_bytes = SYNC_MAXLEN_DEFAULT_BYTES;
	if (!is_master && own->maxlen_bytes < SYNC_MAXLEN_BACKUP_MIN_BYTES)
		own->maxlen_bytes = SYNC_MAXLEN_BACKUP_MIN_BYTES;
	if (!own->port)
		own->port = SYNC_PORT_DEFAULT;
	if (!own->ttl)
		own->ttl = SYNC_TTL_DEFAULT;
	if (!own->group.family)
		lsvm_addr_parse("224.0.0.81", &own->group);
	return 0;
}

static int change_daemon(struct sim_host *sim, const struct ipvs_change *change)
{
	struct ipvs_daemon *own =
		change->is_master ? &sim->ipvs->master : &sim->ipvs->backup;

	if (change->kind == IPVS_DAEMON_START)
		return start_daemon(sim, change->daemon, own, change->is_master);
	*own = (struct ipvs_daemon){ 0 };
	return 0;
}

int lsvm_sim_ipvs_change(struct sim_host *sim, const struct ipvs_change *change)
{
	switch (change->kind) {
	case IPVS_SERVICE_ADD:
	case IPVS_SERVICE_EDIT:
	case IPVS_SERVICE_DELETE:
		return change_service(sim, change);
	case IPVS_DESTINATION_ADD:
	case IPVS_DESTINATION_EDIT:
	case IPVS_DESTINATION_DELETE:
		return change_destination(sim, change);
	case IPVS_TIMEOUTS_SET:
		return set_timeouts(sim, change->timeouts);
	case IPVS_DAEMON_START:
	case IPVS_DAEMON_STOP:
		return change_daemon(sim, change);
	}
	return lsvm_fail(sim->host.ctx, LSVM_ERR_INTERNAL, "IPVS change of kind %d",
			 change->kind);
}

int lsvm_sim_ipvs_copy(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *table,
		       struct lsvm_ipvs_table **ret)
{
	struct lsvm_ipvs_table *copy;
	int err = lsvm_ipvs_table_alloc(ctx, &copy);

	if (err < 0)
		return err;
	for (size_t i = 0; i < table->services.count; i++) {
		const struct ipvs_service *from = &table->services.items[i];
		struct ipvs_service *to = lsvm_ipvs_table_push(copy);

		if (!to)
			goto nomem;
		copy_service(to, from);
		for (size_t j = 0; j < from->destinations.count; j++) {
			struct ipvs_destination *slot = lsvm_ipvs_service_push(to);

			if (!slot)
				goto nomem;
			*slot = from->destinations.items[j];
		}
	}
	copy->timeouts = table->timeouts;
	copy->master = table->master;
	copy->backup = table->backup;
	err = lsvm_ipvs_table_seal(copy);
	if (err < 0) {
		lsvm_ipvs_table_unref(copy);
		return err;
	}
	*ret = copy;
	return 0;
nomem:
	lsvm_ipvs_table_unref(copy);
	return lsvm_fail_nomem(ctx);
}
