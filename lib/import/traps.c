/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the configuration would have done wrong, and what the kernel or the cluster file
 * cannot have: said once, and mended so that the rest can be carried over. The kernel's
 * traps are those of net/netfilter/ipvs in Linux 6.1: weight 0 under sh and mh, the
 * templates of persistence, destinations that are removed, ports without NAT.
 */
#include "import/import.h"

#define DANGER LSVM_IMPORT_NOTE_KIND_DANGER
#define LOST LSVM_IMPORT_NOTE_KIND_LOST
#define CHANGED LSVM_IMPORT_NOTE_KIND_CHANGED

static bool hashes(const struct import_service *service)
{
	return strcmp(service->scheduler, "sh") == 0 ||
	       strcmp(service->scheduler, "mh") == 0;
}

static bool any_inhibits(const struct import_service *service)
{
	for (size_t i = 0; i < service->servers.count; i++)
		if (service->servers.items[i].inhibit)
			return true;
	return false;
}

/* ---- once for each declaration ---- */

static void drain_traps(struct source *source, const struct import_service *service)
{
	const struct statement *at = service->declared;
	bool refuses =
		hashes(service) && !(service->flags & LSVM_SCHEDULER_FLAG_FALLBACK);

	if (refuses && any_inhibits(service))
		lsvm_import_say(source, DANGER, at,
				"a server that fails would have got weight 0, and %s "
				"without its fallback flag refuses all clients of such a "
				"server instead of giving them another",
				service->scheduler);
	if (service->persistent && any_inhibits(service))
		lsvm_import_say(source, DANGER, at,
				"a server that fails would have got weight 0, and "
				"persistent clients go on being sent to it, unless "
				"net.ipv4.vs.expire_quiescent_template is 1");
	for (size_t i = 0; refuses && i < service->servers.count; i++)
		if (!service->servers.items[i].weight)
			lsvm_import_say(source, DANGER, service->servers.items[i].at,
					"weight 0 under %s without its fallback flag "
					"refuses the clients of this server instead of "
					"giving them another",
					service->scheduler);
	if (strcmp(service->scheduler, "ovf") == 0)
		lsvm_import_say(source, DANGER, at,
				"ovf reads a weight as the number of connections that "
				"fill a server; with weight 1 the second one goes "
				"elsewhere");
}

static void port_traps(struct source *source, const struct import_service *service)
{
	for (size_t i = 0; i < service->servers.count && !service->mark; i++) {
		const struct import_server *server = &service->servers.items[i];

		if (server->way.forwarding == LSVM_FORWARDING_NAT || !server->port ||
		    server->port == service->port)
			continue;
		lsvm_import_say(source, DANGER, server->at,
				"only NAT changes ports: packets reach this server on "
				"port %u, not on %u",
				service->port, server->port);
	}
}

static void declared_traps(struct source *source, const struct import_service *service)
{
	drain_traps(source, service);
	port_traps(source, service);
}

/* ---- what cannot be ---- */

static void mend_scheduler(struct source *source, struct import_service *service,
			   bool say)
{
	static const char *const known[] = { "rr", "wrr", "lc",	 "wlc", "lblc",
					     "dh", "sh",  "mh",	 "sed", "lblcr",
					     "nq", "fo",  "ovf", "twos" };
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		found |= strcmp(known[i], service->scheduler) == 0;
	if (!found) {
		if (say)
			lsvm_import_say(source, LOST, service->declared,
					"the kernel has no scheduler '%.40s'; wlc takes "
					"its place",
					service->scheduler);
		service->scheduler = "wlc";
	}
	if (service->flags && !hashes(service)) {
		if (say)
			lsvm_import_say(source, LOST, service->declared,
					"the scheduler %s has no flags",
					service->scheduler);
		service->flags = 0;
	}
}

static void mend_persistence(struct source *source, struct import_service *service,
			     bool say)
{
	const char *lost = NULL;

	if (service->one_packet && service->protocol != LSVM_PROTOCOL_UDP) {
		lost = "only UDP can be scheduled packet by packet";
		service->one_packet = false;
	} else if (service->one_packet && service->persistent) {
		lost = "what is persistent cannot be scheduled packet by packet; "
		       "persistence is kept";
		service->one_packet = false;
	}
	if (service->engine && (strcmp(service->engine, "sip") != 0 ||
				service->protocol != LSVM_PROTOCOL_UDP)) {
		lost = "the only persistence engine is sip, and it is for UDP";
		service->engine = NULL;
	}
	if (service->prefix_length && !service->persistent) {
		lost = "a granularity without persistence means nothing";
		service->prefix_length = 0;
	}
	if (service->prefix_length > lsvm_addr_bits(&service->addr)) {
		lost = "the granularity is longer than an address";
		service->prefix_length = 0;
	}
	if (service->persistent && !service->timeout_s) {
		lost = "persistence of 0 seconds is none";
		service->persistent = false;
	}
	if (lost && say)
		lsvm_import_say(source, LOST, service->declared, "%s", lost);
}

static void mend_way(struct source *source, const struct statement *at, struct way *way,
		     bool say)
{
	bool wrong = (way->checksum == LSVM_TUNNEL_CHECKSUM_FULL &&
		      way->tunnel != LSVM_TUNNEL_GUE && way->tunnel != LSVM_TUNNEL_GRE) ||
		     (way->checksum == LSVM_TUNNEL_CHECKSUM_REMOTE &&
		      way->tunnel != LSVM_TUNNEL_GUE) ||
		     (way->port && way->tunnel != LSVM_TUNNEL_GUE);

	if (!wrong)
		return;
	if (way->tunnel != LSVM_TUNNEL_GUE)
		way->port = 0;
	way->checksum = LSVM_TUNNEL_CHECKSUM_UNKNOWN;
	if (say)
		lsvm_import_say(source, LOST, at,
				"this kind of tunnel has no such port or checksum");
}

static void mend_thresholds(struct source *source, struct import_server *server, bool say)
{
	if (!server->lower || server->lower <= server->upper)
		return;
	if (say)
		lsvm_import_say(source, LOST, server->at,
				"the lower threshold is above the upper one; the kernel "
				"would not take it");
	server->lower = 0;
}

/* A server that is the director itself, or one that stands there twice. */
static bool keeps(struct source *source, struct import_service *service, struct map *seen,
		  size_t i, bool say)
{
	struct import_server *server = &service->servers.items[i];
	struct endpoint {
		struct addr addr;
		uint8_t zero;
		uint16_t port;
	} * key;
	int err;

	if (lsvm_addr_is_special(&server->addr)) {
		if (say)
			lsvm_import_say(source, LOST, server->at,
					"the director itself cannot be a real server; "
					"give it an address that a machine has");
		return false;
	}
	key = lsvm_arena_alloc(&source->arena, sizeof(*key));
	if (!key)
		return true;
	key->addr = server->addr;
	key->port = server->port ? server->port : service->port;
	err = lsvm_map_put(seen, key, sizeof(*key), server, NULL);
	if (err == LSVM_ERR_EXISTS && say)
		lsvm_import_say(source, DANGER, server->at,
				"this real server stands there twice, and the kernel has "
				"it once: the first one counts");
	if (err < 0 && err != LSVM_ERR_EXISTS)
		source->import->failed = true;
	return err != LSVM_ERR_EXISTS;
}

static void mend_servers(struct source *source, struct import_service *service, bool say)
{
	struct map seen = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < service->servers.count; i++) {
		if (!keeps(source, service, &seen, i, say))
			continue;
		service->servers.items[kept] = service->servers.items[i];
		mend_thresholds(source, &service->servers.items[kept], say);
		mend_way(source, service->servers.items[kept].at,
			 &service->servers.items[kept].way, say);
		kept++;
	}
	service->servers.count = kept;
	lsvm_map_free(&seen);
}

/* ---- services that stand there twice ---- */

struct service_key { /* no padding */
	uint32_t mark;
	struct addr addr;
	uint8_t protocol;
	uint16_t port;
};
_Static_assert(sizeof(struct service_key) == 24, "no padding");

static void find_twice(struct source *source, struct map *seen,
		       struct import_service *service)
{
	struct service_key *key = lsvm_arena_alloc(&source->arena, sizeof(*key));
	void *old = NULL;
	int err;

	if (!key)
		return;
	*key = (struct service_key){ service->mark, service->addr,
				     service->mark ? 0 : (uint8_t)service->protocol,
				     service->port };
	err = lsvm_map_put(seen, key, sizeof(*key), service, &old);
	if (err == LSVM_ERR_EXISTS) {
		const struct statement *first = ((struct import_service *)old)->at;

		service->dropped = true;
		lsvm_import_say(source, DANGER, service->at,
				"this is the virtual service of line %u again: two "
				"writers of one entry of the kernel never agree",
				first ? first->line : 0);
		lsvm_import_say(source, LOST, service->at,
				"the service is left out, because it is there already");
	} else if (err < 0) {
		source->import->failed = true;
	}
}

/* ---- once for all ---- */

static void general_traps(struct source *source)
{
	const struct statement *threshold = NULL, *checked = NULL;

	for (size_t i = 0; i < source->services.count; i++) {
		const struct import_service *service = source->services.items[i];

		for (size_t j = 0; j < service->servers.count; j++) {
			const struct import_server *server = &service->servers.items[j];

			if (server->upper && !threshold)
				threshold = server->at;
			if (!server->inhibit && (server->checks || service->checks) &&
			    !checked)
				checked = server->at;
		}
	}
	if (threshold && source->import->source == LSVM_IMPORT_SOURCE_KEEPALIVED)
		lsvm_import_say(source, DANGER, threshold,
				"keepalived does not bring changed thresholds into the "
				"kernel when it reloads; here they are");
	if (checked)
		lsvm_import_say(source, DANGER, checked,
				"a server that fails would have been deleted from the "
				"kernel's table: while "
				"net.ipv4.vs.expire_nodest_conn is 0, which is the "
				"kernel's default, its clients wait without an answer");
}

static void redundancy_traps(struct source *source)
{
	const struct import_house *house = &source->house;

	if (!house->at || !source->services.count)
		return;
	if (!house->sync)
		lsvm_import_say(
			source, DANGER, house->at,
			"no sync daemon carries connections to the other "
			"director: when it takes over, it refuses those that live. "
			"redundancy: has connections: sync, and hash for mh and sh");
	else if (!house->no_preempt && !house->preempt_delay_ms)
		lsvm_import_say(
			source, DANGER, house->at,
			"a director that comes back takes over at once, with a "
			"table that has no connections yet: the sync daemon sends "
			"only what changes. redundancy: has preempt_delay_ms");
}

int lsvm_import_traps(struct source *source)
{
	const struct statement *last = NULL;
	struct map seen = { 0 };

	for (size_t i = 0; i < source->services.count; i++) {
		struct import_service *service = source->services.items[i];
		bool say = !service->declared || service->declared != last;

		last = service->declared;
		find_twice(source, &seen, service);
		mend_scheduler(source, service, say);
		mend_persistence(source, service, say);
		mend_way(source, service->declared, &service->way, say);
		mend_servers(source, service, say);
		if (say)
			declared_traps(source, service);
	}
	general_traps(source);
	redundancy_traps(source);
	lsvm_map_free(&seen);
	return 0;
}
