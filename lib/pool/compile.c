/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pool from a cluster and the table of its directors.
 *
 * The cluster is walked as the table was made from it (lib/plan/table.c): each port of a
 * service is an IPVS service, and services with one firewall mark are one together. What
 * of the table is not found that way is left as it is.
 *
 * A service by mark takes its checks from all services that the mark stands for; where a
 * check names no port, the first port of each range is asked.
 */
#include "pool/private.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdlib.h>

/* ---- small things ---- */

void lsvm_pool_index(struct pool *pool, const struct pair *pairs, size_t pair_count,
		     size_t count, struct index *ret)
{
	uint32_t *start = lsvm_arena_array(&pool->arena, count + 2, sizeof(*start));
	uint32_t *at = lsvm_arena_array(&pool->arena, pair_count + 1, sizeof(*at));

	if (!start || !at)
		return;
	for (size_t i = 0; i < pair_count; i++)
		start[pairs[i].from + 2]++;
	for (size_t i = 2; i < count + 2; i++)
		start[i] += start[i - 1];
	/* start[n + 1] moves to the end of n while its pairs are put. */
	for (size_t i = 0; i < pair_count; i++)
		at[start[pairs[i].from + 1]++] = pairs[i].to;
	ret->start = start;
	ret->at = at;
}

static bool add_pair(struct builder *b, void *vec, uint32_t from, uint32_t to)
{
	VEC(struct pair) *list = vec;
	struct pair *pair = vec_push(list);

	if (!pair) {
		b->failed = true;
		return false;
	}
	*pair = (struct pair){ from, to };
	return true;
}

uint32_t lsvm_pool_add_server(struct builder *b, const char *name)
{
	void *old = lsvm_map_find(&b->servers, name);
	uint32_t number = b->pool->server_count;

	if (old)
		return (uint32_t)((uintptr_t)old - 1);
	if (lsvm_map_put(&b->servers, name, strlen(name), (void *)((uintptr_t)number + 1),
			 NULL) < 0) {
		b->failed = true;
		return NONE;
	}
	b->pool->servers[number].name = name;
	b->pool->server_count++;
	return number;
}

/* ---- one service of the cluster ---- */

struct walk {
	struct builder *b;
	const struct partition *partition;
	uint32_t first_member;
	const struct vip *vip;
	const struct service *service;
	struct settings settings;
	uint16_t vip_port; /* what clients ask for */
	struct group *group;
};

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

static void set_scheduler(struct group *group)
{
	/* They ask only whether a weight is 0, or (fo) which is the greatest. */
	static const char *const level[] = { "rr", "lc", "dh", "sh", "mh", "fo", NULL };
	static const char *const slots[] = { "sh", "mh", NULL };
	const struct ipvs_service *service = group->service;

	group->weighs = !is_one_of(service->scheduler, level);
	group->keeps_slots = is_one_of(service->scheduler, slots);
	group->refuses_at_zero =
		group->keeps_slots && !(service->flags & IP_VS_SVC_F_SCHED1);
}

static struct seat *find_seat(struct pool *pool, const struct group *group,
			      const struct addr *addr, uint16_t port)
{
	const struct ipvs_destination wanted = { .addr = *addr, .port = port };
	size_t low = 0, high = group->seat_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct seat *seat = &pool->seats[group->first_seat + middle];
		int order = lsvm_ipvs_destination_compare(&wanted, seat->destination);

		if (order == 0)
			return seat;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Of the destinations, as lib/plan/table.c has it. */
static uint16_t destination_port(const struct walk *w)
{
	bool nat = w->settings.forwarding == LSVM_FORWARDING_NAT;

	if (nat && w->service->server_port)
		return w->service->server_port;
	return w->service->fwmark ? 0 : w->vip_port;
}

static uint16_t first_of_range(const struct service *service, uint16_t port)
{
	for (uint32_t i = 0; i < service->ports.count; i++) {
		const struct port_range *range = &service->ports.items[i];

		if (port >= range->first && port <= range->last)
			return range->first;
	}
	return port;
}

static void add_check(struct walk *w, struct seat *seat, const struct check *check)
{
	struct pool *pool = w->b->pool;
	bool has_port = check->kind != LSVM_CHECK_PING;
	uint16_t port = destination_port(w);
	uint32_t mark = 0, target;

	if (check->route == LSVM_CHECK_ROUTE_THROUGH)
		mark = lsvm_pool_probe_mark(w->b, w->vip->address.family,
					    seat->destination,
					    w->settings.forwarding == LSVM_FORWARDING_NAT
						    ? w->service->server_port
						    : 0);
	if (mark || !port)
		port = w->vip_port;
	if (check->port)
		port = check->port;
	/* Where nothing is said of checks the first port of a range speaks for all. */
	else if (check == lsvm_cluster_default_check(w->service->protocol) &&
		 !w->service->server_port)
		port = first_of_range(w->service, port);
	target = lsvm_pool_want_target(w->b, check,
				       mark ? &w->vip->address : &seat->destination->addr,
				       has_port ? port : 0, mark, w->service->protocol,
				       w->vip, mark ? &seat->destination->addr : NULL,
				       pool->members[seat->member].server);
	if (target != NONE)
		add_pair(w->b, &w->b->seat_targets, (uint32_t)(seat - pool->seats),
			 target);
}

static void add_members(struct walk *w)
{
	struct pool *pool = w->b->pool;

	for (uint32_t i = 0; i < w->partition->servers.count; i++) {
		const struct machine *machine =
			w->partition->servers.items[i].server.target;
		const struct addr *addr = lsvm_cluster_destination_address(
			pool->cluster, machine, w->vip, w->settings.forwarding);
		struct seat *seat =
			addr ? find_seat(pool, w->group, addr, destination_port(w))
			     : NULL;

		if (!seat)
			continue;
		seat->member = w->first_member + i;
		for (uint32_t c = 0; c < w->settings.checks.count; c++)
			add_check(w, seat, &w->settings.checks.items[c]);
	}
}

static void add_needs(struct walk *w)
{
	struct pool *pool = w->b->pool;

	for (uint32_t i = 0; i < w->settings.needs.count; i++) {
		const struct backend_service *need = w->settings.needs.items[i].target;

		if (need)
			add_pair(
				w->b, &w->b->group_backends,
				(uint32_t)(w->group - pool->groups),
				(uint32_t)(need - pool->cluster->backend_services.items));
	}
}

static void add_sorry(struct walk *w)
{
	struct pool *pool = w->b->pool;
	const struct machine *machine = w->settings.sorry_server.target;
	const struct addr *addr =
		machine ? lsvm_cluster_destination_address(pool->cluster, machine, w->vip,
							   w->settings.forwarding)
			: NULL;
	struct ipvs_destination *destination;
	struct seat *seat;

	if (!addr || w->group->sorry != NONE)
		return;
	w->group->sorry_name = machine->name;
	seat = find_seat(pool, w->group, addr, destination_port(w));
	if (seat) {
		w->group->sorry = (uint32_t)(seat - pool->seats);
		return;
	}
	destination = lsvm_arena_alloc(&pool->arena, sizeof(*destination));
	if (!destination)
		return;
	destination->addr = *addr;
	destination->port = destination_port(w);
	destination->weight = 1;
	destination->forwarding = (uint8_t)(w->settings.forwarding - 1);
	if (w->settings.forwarding == LSVM_FORWARDING_TUNNEL)
		lsvm_cluster_set_tunnel(w->settings.tunnel, &destination->tunnel_type,
					&destination->tunnel_port,
					&destination->tunnel_flags);
	seat = &pool->seats[pool->seat_count];
	*seat = (struct seat){ .destination = destination,
			       .group = (uint32_t)(w->group - pool->groups),
			       .member = NONE,
			       .percent = 100,
			       .heap_slot = NONE };
	w->group->sorry = pool->seat_count++;
}

static void add_group(struct walk *w, const struct ipvs_key *key)
{
	struct pool *pool = w->b->pool;
	const struct ipvs_service *service = lsvm_ipvs_table_lookup(pool->full, key);
	struct group *group;

	if (!service)
		return;
	group = &pool->groups[service - pool->full->services.items];
	w->group = group;
	if (!group->vip) {
		group->vip = w->vip;
		group->model = w->service;
		set_scheduler(group);
	}
	if (group->quorum < w->settings.quorum)
		group->quorum = w->settings.quorum;
	for (uint32_t c = 0; c < w->settings.checks.count; c++)
		if (group->slow_start_ms < w->settings.checks.items[c].slow_start_ms)
			group->slow_start_ms = w->settings.checks.items[c].slow_start_ms;
	add_members(w);
	add_needs(w);
	add_sorry(w);
}

static void add_service(struct walk *w)
{
	const struct service *service = w->service;
	struct ipvs_key key = { .addr = w->vip->address,
				.protocol =
					lsvm_ipvs_protocol_number(service->protocol) };

	if (service->fwmark) {
		key = (struct ipvs_key){ .fwmark = service->fwmark,
					 .addr.family = w->vip->address.family };
		w->vip_port = 0;
		if (!service->ports.count)
			add_group(w, &key);
	}
	for (uint32_t i = 0; i < service->ports.count; i++) {
		const struct port_range *range = &service->ports.items[i];
		uint32_t last = service->fwmark ? range->first : range->last;

		for (uint32_t port = range->first; port <= last; port++) {
			w->vip_port = (uint16_t)port;
			if (!service->fwmark)
				key.port = (uint16_t)port;
			add_group(w, &key);
		}
	}
}

static void add_services(struct builder *b)
{
	const struct lsvm_cluster *cluster = b->pool->cluster;
	struct walk w = { .b = b };

	for (uint32_t p = 0; p < cluster->partitions.count; p++) {
		w.partition = &cluster->partitions.items[p];
		for (uint32_t v = 0; v < w.partition->vips.count; v++) {
			w.vip = &w.partition->vips.items[v];
			for (uint32_t s = 0; s < w.vip->services.count; s++) {
				w.service = &w.vip->services.items[s];
				lsvm_cluster_settings(w.service, &w.settings);
				add_service(&w);
			}
		}
		w.first_member += w.partition->servers.count;
	}
}

/* ---- the arrays ---- */

static void lay_members(struct builder *b)
{
	struct pool *pool = b->pool;
	const struct lsvm_cluster *cluster = pool->cluster;
	size_t count = 0;

	for (uint32_t p = 0; p < cluster->partitions.count; p++)
		count += cluster->partitions.items[p].servers.count;
	pool->members = lsvm_arena_array(&pool->arena, count + 1, sizeof(*pool->members));
	pool->servers = lsvm_arena_array(&pool->arena, count + 1, sizeof(*pool->servers));
	if (!pool->members || !pool->servers)
		return;
	for (uint32_t p = 0; p < cluster->partitions.count; p++) {
		const struct partition *partition = &cluster->partitions.items[p];

		for (uint32_t i = 0; i < partition->servers.count; i++) {
			const struct member *member = &partition->servers.items[i];
			const struct machine *machine = member->server.target;

			pool->members[pool->member_count++] = (struct pool_member){
				.member = member,
				.partition = partition,
				.server = lsvm_pool_add_server(b, machine->name),
			};
		}
	}
}

static void lay_groups(struct builder *b)
{
	struct pool *pool = b->pool;
	const struct lsvm_ipvs_table *full = pool->full;
	size_t count = full->services.count, seats = count;

	for (size_t i = 0; i < count; i++)
		seats += full->services.items[i].destinations.count;
	pool->groups = lsvm_arena_array(&pool->arena, count + 1, sizeof(*pool->groups));
	pool->seats = lsvm_arena_array(&pool->arena, seats + 1, sizeof(*pool->seats));
	pool->ramps = lsvm_arena_array(&pool->arena, seats + 1, sizeof(*pool->ramps));
	if (!pool->groups || !pool->seats || !pool->ramps)
		return;
	pool->group_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		const struct ipvs_service *service = &full->services.items[i];

		pool->groups[i] = (struct group){
			.service = service,
			.first_seat = pool->seat_count,
			.seat_count = (uint32_t)service->destinations.count,
			.sorry = NONE,
		};
		for (size_t j = 0; j < service->destinations.count; j++)
			pool->seats[pool->seat_count++] = (struct seat){
				.destination = &service->destinations.items[j],
				.group = (uint32_t)i,
				.member = NONE,
				.percent = 100,
				.heap_slot = NONE,
			};
	}
}

/* A mark stands for services that may ask the same twice. */
static int by_pair(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static size_t make_unique(struct pair *pairs, size_t count)
{
	size_t kept = 0;

	if (count)
		qsort(pairs, count, sizeof(*pairs), by_pair);
	for (size_t i = 0; i < count; i++)
		if (!kept || by_pair(&pairs[kept - 1], &pairs[i]) != 0)
			pairs[kept++] = pairs[i];
	return kept;
}

static void turn_round(struct pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pairs[i] = (struct pair){ pairs[i].to, pairs[i].from };
}

static void index_both_ways(struct pool *pool, struct pair *pairs, size_t pair_count,
			    size_t from_count, size_t to_count, struct index *forth,
			    struct index *back)
{
	pair_count = make_unique(pairs, pair_count);
	lsvm_pool_index(pool, pairs, pair_count, from_count, forth);
	turn_round(pairs, pair_count);
	lsvm_pool_index(pool, pairs, pair_count, to_count, back);
}

static void index_members(struct builder *b)
{
	struct pool *pool = b->pool;
	VEC(struct pair) pairs = { 0 };

	for (uint32_t i = 0; i < pool->seat_count && !b->failed; i++)
		if (pool->seats[i].member != NONE)
			add_pair(b, &pairs, pool->seats[i].member, i);
	lsvm_pool_index(pool, pairs.items, pairs.count, pool->member_count,
			&pool->member_seats);
	pairs.count = 0;
	for (uint32_t i = 0; i < pool->target_count && !b->failed; i++)
		if (pool->targets[i].server != NONE)
			add_pair(b, &pairs, pool->targets[i].server, i);
	lsvm_pool_index(pool, pairs.items, pairs.count, pool->server_count,
			&pool->server_targets);
	vec_free(&pairs);
}

/* Lists that grew become arrays. */
static void lay_rest(struct builder *b)
{
	struct pool *pool = b->pool;
	struct index unused = { 0 };

	pool->target_count = (uint32_t)b->watched.count;
	pool->targets = b->watched.items;
	pool->host_count = (uint32_t)b->hosts.count;
	pool->hosts = lsvm_arena_array(&pool->arena, pool->host_count + 1,
				       sizeof(*pool->hosts));
	memset(&b->watched, 0, sizeof(b->watched)); /* the pool frees the targets */
	if (pool->hosts && pool->host_count)
		memcpy(pool->hosts, b->hosts.items,
		       pool->host_count * sizeof(*pool->hosts));
	index_both_ways(pool, b->seat_targets.items, b->seat_targets.count,
			pool->seat_count, pool->target_count, &pool->seat_targets,
			&pool->target_seats);
	index_both_ways(pool, b->group_backends.items, b->group_backends.count,
			pool->group_count, pool->backend_count, &pool->group_backends,
			&pool->backend_groups);
	index_both_ways(pool, b->host_targets.items, b->host_targets.count,
			pool->target_count, pool->host_count, &pool->target_hosts,
			&unused);
	index_members(b);
}

static void free_builder(struct builder *b)
{
	lsvm_map_free(&b->checks);
	lsvm_map_free(&b->pointers);
	lsvm_map_free(&b->targets);
	lsvm_map_free(&b->probes);
	lsvm_map_free(&b->servers);
	vec_free(&b->watched);
	vec_free(&b->hosts);
	vec_free(&b->seat_targets);
	vec_free(&b->host_targets);
	vec_free(&b->group_backends);
	lsvm_arena_free(&b->scratch);
}

static int build(struct pool *pool)
{
	struct builder b = { .pool = pool };
	bool failed;

	lay_members(&b);
	lay_groups(&b);
	if (!pool->arena.failed) {
		lsvm_pool_find_probes(&b);
		add_services(&b);
		lsvm_pool_add_backends(&b);
	}
	if (!pool->arena.failed)
		lay_rest(&b);
	failed = b.failed || b.scratch.failed || pool->arena.failed;
	free_builder(&b);
	return failed ? lsvm_fail_nomem(pool->ctx) : 0;
}

/* ---- the way in and out ---- */

void lsvm_pool_free(struct pool *pool)
{
	if (!pool)
		return;
	for (uint32_t i = 0; i < pool->target_count; i++)
		free(pool->targets[i].cause);
	free(pool->targets);
	vec_free(&pool->events);
	lsvm_ipvs_table_unref(pool->table);
	lsvm_ipvs_table_unref(pool->full);
	lsvm_cluster_unref(pool->cluster);
	lsvm_arena_free(&pool->arena);
	lsvm_ctx_unref(pool->ctx);
	free(pool);
}

int lsvm_pool_new(struct lsvm_ctx *ctx, struct lsvm_cluster *cluster,
		  const struct lsvm_ipvs_table *full, const struct pool *from,
		  uint64_t now_ns, struct pool **ret)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	int err;

	if (!pool)
		return lsvm_fail_nomem(ctx);
	pool->ctx = lsvm_ctx_ref(ctx);
	pool->cluster = lsvm_cluster_ref(cluster);
	pool->table_stale = true;
	for (int i = 0; i < EDIT_CLASS_COUNT; i++)
		pool->first[i] = pool->last[i] = NONE;
	err = lsvm_pool_copy_table(ctx, full, true, &pool->full);
	if (err >= 0)
		err = lsvm_ipvs_table_seal(pool->full);
	if (err >= 0)
		err = build(pool);
	if (err >= 0)
		err = lsvm_pool_carry(pool, from);
	if (err < 0) {
		lsvm_pool_free(pool);
		return err;
	}
	lsvm_pool_settle(pool, now_ns);
	*ret = pool;
	return 0;
}
