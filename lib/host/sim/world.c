/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Time and machines of a world (world.h).
 *
 * All that is due stands in one heap, ordered by time and, within one instant, by when it
 * was asked for. After each event the processes that got something to do are dispatched
 * in the order in which they got it, until none has.
 */
#include "host/sim/world_private.h"

#include <stdlib.h>

#define WALL_BEGINS_MS 1767225600000ull /* 2026-01-01 */

/* ---- random numbers: SplitMix64 ---- */

uint64_t lsvm_random_step(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t lsvm_world_random(struct world *world, uint64_t bound)
{
	return bound ? lsvm_random_step(&world->random) % bound : 0;
}

/* ---- the heap ---- */

static bool earlier(const struct timer_slot *a, const struct timer_slot *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void put(struct world *world, size_t place, struct timer_slot slot)
{
	world->timers.items[place - 1] = slot;
	slot.timer->place = place;
}

static void sift_up(struct world *world, size_t place, struct timer_slot slot)
{
	while (place > 1 && earlier(&slot, &world->timers.items[place / 2 - 1])) {
		put(world, place, world->timers.items[place / 2 - 1]);
		place /= 2;
	}
	put(world, place, slot);
}

static void sift_down(struct world *world, size_t place, struct timer_slot slot)
{
	const size_t count = world->timers.count;

	for (;;) {
		size_t child = place * 2;

		if (child > count)
			break;
		if (child < count &&
		    earlier(&world->timers.items[child], &world->timers.items[child - 1]))
			child++;
		if (!earlier(&world->timers.items[child - 1], &slot))
			break;
		put(world, place, world->timers.items[child - 1]);
		place = child;
	}
	put(world, place, slot);
}

void lsvm_world_unset(struct world *world, struct sim_timer *timer)
{
	size_t place = timer->place;
	struct timer_slot last;

	if (!place)
		return;
	timer->place = 0;
	last = world->timers.items[--world->timers.count];
	if (last.timer == timer)
		return;
	if (place > 1 && earlier(&last, &world->timers.items[place / 2 - 1]))
		sift_up(world, place, last);
	else
		sift_down(world, place, last);
}

void lsvm_world_set(struct world *world, struct sim_timer *timer, uint64_t at)
{
	struct timer_slot slot = { .at = at < world->now ? world->now : at,
				   .order = ++world->order,
				   .timer = timer };

	lsvm_world_unset(world, timer);
	if (!vec_push(&world->timers)) {
		world->failed = true;
		return;
	}
	sift_up(world, world->timers.count, slot);
}

/* ---- time ---- */

static void run_ready(struct world *world)
{
	while (world->ready_first < world->ready.count) {
		struct node *node = world->ready.items[world->ready_first++];

		node->is_ready = false;
		if (node->dead || node->frozen || !node->power || !node->dispatch)
			continue;
		node->dispatch(node->dispatch_arg);
		if (world->watch)
			world->watch(world->watch_arg);
	}
	world->ready.count = world->ready_first = 0;
}

void lsvm_node_ready(struct node *node)
{
	struct node **slot;

	if (node->is_ready || !node->dispatch || node->dead)
		return;
	slot = vec_push(&node->world->ready);
	if (!slot) {
		node->world->failed = true;
		return;
	}
	*slot = node;
	node->is_ready = true;
}

static void fire(struct world *world, struct sim_timer *timer)
{
	switch (timer->kind) {
	case TIMER_WAKE:
		lsvm_node_ready(
			(struct node *)((char *)timer - offsetof(struct node, wake)));
		return;
	case TIMER_PACKET:
		lsvm_packet_arrive(
			(struct sim_packet *)((char *)timer -
					      offsetof(struct sim_packet, timer)));
		return;
	case TIMER_RETRY:
		lsvm_stream_retry((struct sim_end *)((char *)timer -
						     offsetof(struct sim_end, retry)));
		return;
	case TIMER_EXIT:
		lsvm_program_exit((struct channel *)((char *)timer -
						     offsetof(struct channel, exit)));
		return;
	}
}

uint64_t lsvm_world_next(const struct world *world)
{
	if (world->ready_first < world->ready.count)
		return world->now;
	return world->timers.count ? world->timers.items[0].at : IO_NEVER;
}

bool lsvm_world_step(struct world *world, uint64_t until_ns)
{
	struct sim_timer *timer;

	if (world->ready_first < world->ready.count) {
		run_ready(world);
		return true;
	}
	if (!world->timers.count || world->timers.items[0].at > until_ns) {
		if (until_ns > world->now)
			world->now = until_ns;
		return false;
	}
	world->now = world->timers.items[0].at;
	world->event_count++;
	timer = world->timers.items[0].timer;
	lsvm_world_unset(world, timer);
	fire(world, timer);
	if (world->watch)
		world->watch(world->watch_arg);
	run_ready(world);
	return true;
}

void lsvm_world_advance(struct world *world, uint64_t duration_ns)
{
	const uint64_t until =
		duration_ns < IO_NEVER - world->now ? world->now + duration_ns : IO_NEVER;

	while (lsvm_world_step(world, until))
		;
}

uint64_t lsvm_world_now(const struct world *world)
{
	return world->now;
}

void lsvm_world_skip(struct world *world, uint64_t duration_ns)
{
	world->skipped += duration_ns;
}

uint64_t lsvm_world_time(const struct world *world)
{
	return world->now + world->skipped;
}

uint64_t lsvm_world_event_count(const struct world *world)
{
	return world->event_count;
}

bool lsvm_world_failed(const struct world *world)
{
	return world->failed;
}

void lsvm_world_watch(struct world *world, void (*call)(void *arg), void *arg)
{
	world->watch = call;
	world->watch_arg = arg;
}

/* ---- the world ---- */

int lsvm_world_new(struct lsvm_ctx *ctx, uint64_t seed, struct world **ret)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return lsvm_fail_nomem(ctx);
	world->ctx = lsvm_ctx_ref(ctx);
	world->random = seed * 0x2545f4914f6cdd1du + 1;
	*ret = world;
	return 0;
}

static void free_nets(struct world *world)
{
	for (size_t i = 0; i < world->nets.count; i++) {
		free(world->nets.items[i]->name);
		vec_free(&world->nets.items[i]->ports);
		free(world->nets.items[i]);
	}
	vec_free(&world->nets);
}

static void free_packets(struct world *world)
{
	for (size_t i = 0; i < world->timers.count; i++) {
		struct sim_timer *timer = world->timers.items[i].timer;

		timer->place = 0;
		if (timer->kind == TIMER_PACKET)
			lsvm_packet_free(world,
					 (struct sim_packet *)((char *)timer -
							       offsetof(struct sim_packet,
									timer)));
	}
	world->timers.count = 0;
}

void lsvm_world_free(struct world *world)
{
	if (!world)
		return;
	for (size_t i = 0; i < world->nodes.count; i++)
		lsvm_process_free(world->nodes.items[i]);
	free_packets(world);
	lsvm_streams_free(world);
	while (world->spare_packets) {
		struct sim_packet *packet = world->spare_packets;

		world->spare_packets = packet->next;
		free(packet->bytes);
		free(packet);
	}
	for (size_t i = world->nodes.count; i-- > 0;) {
		struct sim_host *sim = world->nodes.items[i]->sim;

		lsvm_node_free(world->nodes.items[i]);
		sim->node = NULL;
		if (sim->world_owns)
			lsvm_host_free(&sim->host);
	}
	vec_free(&world->nodes);
	vec_free(&world->ready);
	vec_free(&world->timers);
	free_nets(world);
	lsvm_ctx_unref(world->ctx);
	free(world);
}

/* ---- machines ---- */

int lsvm_node_new(struct world *world, struct sim_host *sim, struct node **ret)
{
	struct node *node = calloc(1, sizeof(*node)), **slot;

	slot = node ? vec_push(&world->nodes) : NULL;
	if (!slot) {
		free(node);
		return lsvm_fail_nomem(world->ctx);
	}
	*slot = node;
	node->sim = sim;
	node->world = world;
	node->index = world->nodes.count;
	node->power = true;
	node->boot = 1;
	node->wake.kind = TIMER_WAKE;
	node->random = lsvm_random_step(&world->random);
	*ret = node;
	return 0;
}

void lsvm_node_free(struct node *node)
{
	for (size_t i = 0; i < node->ports.count; i++) {
		vec_free(&node->ports.items[i]->neighbours);
		free(node->ports.items[i]);
	}
	for (size_t i = 0; i < node->own_sysctls.count; i++) {
		free(node->own_sysctls.items[i].name);
		free(node->own_sysctls.items[i].value);
	}
	lsvm_serve_free(node);
	vec_free(&node->ports);
	vec_free(&node->own_addresses);
	vec_free(&node->own_routes);
	vec_free(&node->own_sysctls);
	vec_free(&node->marks);
	vec_free(&node->deaf_to);
	free(node);
}

static struct node *node_of(const struct lsvm_host *host)
{
	return ((const struct sim_host *)host)->node;
}

int lsvm_world_machine(struct world *world, const char *name, struct lsvm_host **ret)
{
	struct sim_host *sim;
	int err;

	if (lsvm_world_find(world, name))
		return lsvm_fail(world->ctx, LSVM_ERR_EXISTS,
				 "there is a machine '%s' in the world already; take "
				 "another name",
				 name);
	err = lsvm_sim_new(world->ctx, name, world, &sim);
	if (err < 0)
		return err;
	sim->world_owns = true;
	*ret = &sim->host;
	return 0;
}

struct lsvm_host *lsvm_world_find(struct world *world, const char *name)
{
	for (size_t i = 0; i < world->nodes.count; i++)
		if (strcmp(world->nodes.items[i]->sim->host.name, name) == 0)
			return &world->nodes.items[i]->sim->host;
	return NULL;
}

int lsvm_world_address(struct lsvm_host *host, const struct address *address)
{
	struct node *node = node_of(host);
	struct address *slot = vec_push(&node->own_addresses);

	if (!slot)
		return lsvm_fail_nomem(host->ctx);
	*slot = *address;
	return lsvm_sim_address_add(node->sim, address);
}

int lsvm_world_route(struct lsvm_host *host, const struct route *route)
{
	struct node *node = node_of(host);
	struct route *slot = vec_push(&node->own_routes);

	if (!slot)
		return lsvm_fail_nomem(host->ctx);
	*slot = *route;
	return lsvm_sim_route_set(node->sim, route);
}

int lsvm_world_sysctl(struct lsvm_host *host, const char *name, const char *value)
{
	struct node *node = node_of(host);
	struct sim_sysctl *slot = vec_push(&node->own_sysctls);

	if (slot) {
		slot->name = strdup(name);
		slot->value = strdup(value);
	}
	if (!slot || !slot->name || !slot->value)
		return lsvm_fail_nomem(host->ctx);
	return lsvm_sim_sysctl_set(node->sim, &(struct sysctl){ name, value });
}

int lsvm_world_mark(struct lsvm_host *host, int protocol, const struct addr *addr,
		    uint16_t first, uint16_t last, uint32_t mark)
{
	struct sim_mark *slot = vec_push(&node_of(host)->marks);

	if (!slot)
		return lsvm_fail_nomem(host->ctx);
	*slot = (struct sim_mark){ protocol, *addr, first, last, mark };
	return 0;
}

void lsvm_node_sync(struct node *node)
{
	struct sim_kernel *kernel = &node->sim->kernel;
	const uint64_t now_ms = node->world->now / IO_MS;

	if (now_ms <= kernel->now_ms)
		return;
	if (!kernel->connection_count && !kernel->trash_count) {
		kernel->now_ms = kernel->passed_ms = now_ms;
		return;
	}
	/* Looking through all connections is dear: once a second is enough. */
	if (now_ms / 1000 == kernel->passed_ms / 1000) {
		kernel->now_ms = now_ms;
		return;
	}
	lsvm_sim_pass(node->sim, now_ms - kernel->now_ms);
	kernel->passed_ms = now_ms;
}

/* ---- power and clock ---- */

static void boot(struct node *node)
{
	struct sim_host *sim = node->sim;

	for (size_t i = 0; i < node->own_sysctls.count; i++)
		lsvm_sim_sysctl_set(sim,
				    &(struct sysctl){ node->own_sysctls.items[i].name,
						      node->own_sysctls.items[i].value });
	for (size_t i = 0; i < node->own_addresses.count; i++)
		lsvm_sim_address_add(sim, &node->own_addresses.items[i]);
	for (size_t i = 0; i < node->own_routes.count; i++)
		lsvm_sim_route_set(sim, &node->own_routes.items[i]);
}

void lsvm_world_power(struct lsvm_host *host, bool on)
{
	struct node *node = node_of(host);

	if (node->power == on)
		return;
	if (!on) {
		node->dead = true;
		lsvm_process_end(node, false);
		node->power = false;
		node->frozen = false;
		for (size_t i = 0; i < node->ports.count; i++)
			node->ports.items[i]->neighbours.count = 0;
		return;
	}
	node->power = true;
	node->boot++;
	lsvm_sim_reset(node->sim);
	boot(node);
}

bool lsvm_world_has_power(const struct lsvm_host *host)
{
	return node_of(host)->power;
}

void lsvm_world_clock(struct lsvm_host *host, int64_t ms)
{
	node_of(host)->clock_ms += ms;
}

uint64_t lsvm_node_wall_ms(const struct node *node)
{
	return WALL_BEGINS_MS + lsvm_world_time(node->world) / IO_MS +
	       (uint64_t)node->clock_ms;
}

/* ---- the process ---- */

void lsvm_world_run(struct lsvm_host *host, void (*dispatch)(void *arg), void *arg)
{
	struct node *node = node_of(host);

	node->dispatch = dispatch;
	node->dispatch_arg = arg;
	if (node->first)
		lsvm_node_ready(node);
}

void lsvm_world_kill(struct lsvm_host *host)
{
	struct node *node = node_of(host);

	if (node->dead)
		return;
	node->dead = true;
	node->frozen = false;
	lsvm_process_end(node, true);
}

bool lsvm_world_is_dead(const struct lsvm_host *host)
{
	return node_of(host)->dead;
}

void lsvm_world_revive(struct lsvm_host *host)
{
	struct node *node = node_of(host);

	lsvm_process_free(node);
	node->dispatch = NULL;
	node->dispatch_arg = NULL;
	node->sim->locked = false;
	node->crash_at = 0;
	node->dead = !node->power;
}

void lsvm_world_freeze(struct lsvm_host *host, bool frozen)
{
	struct node *node = node_of(host);

	if (node->dead || node->frozen == frozen)
		return;
	node->frozen = frozen;
	if (!frozen)
		lsvm_node_ready(node);
}

bool lsvm_world_is_frozen(const struct lsvm_host *host)
{
	return node_of(host)->frozen;
}

uint64_t lsvm_world_effect_count(const struct lsvm_host *host)
{
	return node_of(host)->effect_count;
}

void lsvm_world_crash_at(struct lsvm_host *host, uint64_t effect, bool after)
{
	struct node *node = node_of(host);

	node->crash_at = effect;
	node->crash_after = after;
}

bool lsvm_world_will_crash(const struct lsvm_host *host)
{
	const struct node *node = node_of(host);

	return !node->dead && node->crash_at > node->effect_count;
}

bool lsvm_node_effect(struct node *node)
{
	if (node->dead)
		return false;
	node->effect_count++;
	if (node->crash_at != node->effect_count || node->crash_after)
		return true;
	lsvm_world_kill(&node->sim->host);
	return false;
}

void lsvm_node_effected(struct node *node)
{
	if (!node->dead && node->crash_at == node->effect_count && node->crash_after)
		lsvm_world_kill(&node->sim->host);
}
