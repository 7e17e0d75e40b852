/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two or three routers in virtual time, from seeds: packets that are lost, doubled, late
 * and out of order, networks that fall apart, processes that are stopped for a while, die
 * and come back, machines that are unfit. After every event:
 *
 * - two that hear each other well hold the addresses together for no longer than it takes
 *   to say so;
 * - a group that is left in peace for the bound has a master.
 *
 * In the end peace lasts: exactly one holds the addresses, the best one with preemption,
 * and nothing changes any more. LSVM_SEED runs one seed, and prints what happens;
 * LSVM_FULL many more.
 */
#include "vrrp_support.h"

#include <stdlib.h>

#define ROUTERS_MAX 3
#define PACKETS_MAX 4096
#define EVENTS 40
#define SEEDS 3000
#define SEEDS_FULL 200000

struct box {
	struct vrrp vrrp;
	bool powered, running; /* the machine; its process, unless stopped for a while */
	bool holds;	       /* its kernel answers for the addresses */
	uint64_t paused_since, paused_until; /* until 0: not */
	uint64_t clock;	 /* its clock shows so much more than the world's */
	unsigned island; /* those on the same one hear each other */
};

struct packet {
	uint64_t at;
	unsigned from, to;
	struct addr source, destination;
	uint8_t bytes[64];
	size_t length;
};

struct world {
	struct lsvm_ctx *ctx;
	uint64_t seed, random, now, interval, delay_max, peace_since;
	unsigned loss_percent, double_percent;
	struct vrrp_config config;
	struct box boxes[ROUTERS_MAX];
	unsigned count, packet_count;
	struct packet packets[PACKETS_MAX];
	uint64_t together_since[ROUTERS_MAX][ROUTERS_MAX]; /* 0: not together */
	bool talks;
};

static uint32_t draw(struct world *world, uint32_t below)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return below ? (uint32_t)(world->random >> 32) % below : 0;
}

/* Between 0 and so many intervals, evenly. */
static uint64_t draw_time(struct world *world, unsigned intervals)
{
	return draw(world, 1000 * intervals) * (world->interval / 1000);
}

static void LSVM_PRINTF(2, 3) tell(struct world *world, const char *fmt, ...)
{
	va_list args;

	if (!world->talks)
		return;
	printf("%12.3f ms  ", (double)world->now / 1e6);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

static bool is_up(const struct world *world, unsigned i)
{
	const struct box *box = &world->boxes[i];

	return box->powered && box->running && world->now >= box->paused_until;
}

static bool hear_each_other(const struct world *world, unsigned a, unsigned b)
{
	return world->boxes[a].island == world->boxes[b].island;
}

static uint64_t clock_of(const struct world *world, unsigned i)
{
	return world->now + world->boxes[i].clock;
}

/* ---- network ---- */

static void post(struct world *world, const struct packet *packet)
{
	if (draw(world, 100) < world->loss_percent ||
	    !hear_each_other(world, packet->from, packet->to) ||
	    world->packet_count == PACKETS_MAX)
		return;
	world->packets[world->packet_count] = *packet;
	world->packets[world->packet_count++].at =
		world->now + 1 + draw(world, (uint32_t)(world->delay_max / 1000)) * 1000;
}

static void broadcast(struct world *world, unsigned from,
		      const struct vrrp_action *action)
{
	struct packet packet = { .from = from,
				 .source = world->boxes[from].vrrp.config.source,
				 .destination = action->destination,
				 .length = action->length };

	assert_true(action->length <= sizeof(packet.bytes));
	memcpy(packet.bytes, action->bytes, action->length);
	for (packet.to = 0; packet.to < world->count; packet.to++) {
		const struct addr *target = &world->boxes[packet.to].vrrp.config.source;

		if (packet.to == from || (world->config.unicast &&
					  lsvm_addr_compare(target, &packet.destination)))
			continue;
		post(world, &packet);
		if (draw(world, 100) < world->double_percent)
			post(world, &packet);
	}
}

/* ---- a router's process ---- */

static void do_actions(struct world *world, unsigned i)
{
	struct box *box = &world->boxes[i];
	struct vrrp_action action;

	while (lsvm_vrrp_next(&box->vrrp, &action)) {
		switch (action.kind) {
		case VRRP_ACTION_STATE:
			tell(world, "%u: %s > %s (%s)", i,
			     lsvm_vrrp_state_name(action.before),
			     lsvm_vrrp_state_name(action.after), action.text);
			break;
		case VRRP_ACTION_RELEASE:
			box->holds = false;
			break;
		case VRRP_ACTION_CLAIM:
			box->holds = true;
			break;
		case VRRP_ACTION_SEND:
			broadcast(world, i, &action);
			break;
		case VRRP_ACTION_ANNOUNCE:
			assert_true(box->holds);
			break;
		case VRRP_ACTION_REFUSED:
			fail_msg("seed %llu: a good packet was refused: %s",
				 (unsigned long long)world->seed, action.text);
		}
	}
}

static void boot(struct world *world, unsigned i)
{
	struct box *box = &world->boxes[i];
	struct vrrp_config config = world->config;

	config.source.bytes[15] = (uint8_t)(i + 1);
	config.priority = world->config.priority == 255 && i == 0
				  ? 255
				  : (uint8_t)(100 + 20 * (i % (1 + world->seed % 3)));
	for (unsigned peer = 0; peer < world->count && config.unicast; peer++) {
		struct addr *addr = &config.peers[config.peer_count];

		*addr = config.source;
		addr->bytes[15] = (uint8_t)(peer + 1);
		config.peer_count += peer != i;
	}
	assert_int_equal(lsvm_vrrp_init(world->ctx, &config, &box->vrrp), 0);
	box->powered = box->running = true;
	box->paused_since = 0;
	lsvm_vrrp_start(&box->vrrp, clock_of(world, i));
	do_actions(world, i);
}

/* Some callers notice that they were away before they look at what came meanwhile. */
static void notice_pause(struct world *world, unsigned i)
{
	struct box *box = &world->boxes[i];

	if (world->seed % 3 || !box->paused_since)
		return;
	lsvm_vrrp_input_pause(&box->vrrp, clock_of(world, i),
			      world->now - box->paused_since);
	box->paused_since = 0;
}

static void deliver(struct world *world, unsigned index)
{
	const struct packet packet = world->packets[index];

	world->packets[index] = world->packets[--world->packet_count];
	if (!is_up(world, packet.to))
		return;
	notice_pause(world, packet.to);
	lsvm_vrrp_input_packet(&world->boxes[packet.to].vrrp, clock_of(world, packet.to),
			       &packet.source, &packet.destination, 255, packet.bytes,
			       packet.length);
	do_actions(world, packet.to);
}

/* ---- what happens to them ---- */

static void calm_down(struct world *world)
{
	tell(world, "peace");
	world->peace_since = world->now;
	world->loss_percent = world->double_percent = 0;
	world->delay_max = world->interval / 10;
	for (unsigned i = 0; i < world->count; i++) {
		struct box *box = &world->boxes[i];

		box->island = 0;
		if (!box->powered || !box->running)
			boot(world, i);
		if (world->now < box->paused_until)
			continue;
		lsvm_vrrp_input_ready(&box->vrrp, clock_of(world, i), true, "well");
		lsvm_vrrp_input_priority(&box->vrrp, clock_of(world, i),
					 box->vrrp.config.priority);
		do_actions(world, i);
	}
}

static void trouble_one(struct world *world, unsigned i)
{
	struct box *box = &world->boxes[i];
	const uint64_t clock = clock_of(world, i);

	switch (draw(world, 7)) {
	case 0:
		tell(world, "%u: power off", i);
		box->powered = box->holds = false;
		return;
	case 1:
		tell(world, "%u: killed, and its addresses stay", i);
		box->running = false;
		return;
	case 2:
		box->paused_since = world->now;
		box->paused_until = world->now + draw_time(world, 12);
		tell(world, "%u: stopped until %.3f", i, (double)box->paused_until / 1e6);
		return;
	case 3:
		lsvm_vrrp_input_ready(&box->vrrp, clock, !box->vrrp.fit, "tracking");
		break;
	case 4:
		lsvm_vrrp_input_priority(&box->vrrp, clock, (uint8_t)draw(world, 255));
		break;
	case 5:
		tell(world, "%u: orderly stop", i);
		lsvm_vrrp_stop(&box->vrrp, clock);
		do_actions(world, i);
		box->running = false;
		return;
	default:
		tell(world, "%u: clock jumps", i);
		box->clock += draw_time(world, 50);
		lsvm_vrrp_input_tick(&box->vrrp, clock_of(world, i));
	}
	do_actions(world, i);
}

static void trouble(struct world *world)
{
	const unsigned i = draw(world, world->count);

	world->peace_since = world->now;
	if (!world->boxes[i].powered || !world->boxes[i].running) {
		tell(world, "%u: boots", i);
		boot(world, i);
	} else if (draw(world, 3) == 0) {
		for (unsigned j = 0; j < world->count; j++)
			world->boxes[j].island = draw(world, 2);
		tell(world, "islands %u %u %u", world->boxes[0].island,
		     world->boxes[1].island, world->boxes[2].island);
	} else if (draw(world, 3) == 0) {
		world->loss_percent = draw(world, 2) * draw(world, 60);
		world->double_percent = draw(world, 60);
		world->delay_max = draw(world, 2) ? world->interval / 10
						  : draw_time(world, 2) + 1000;
		tell(world, "loss %u %%, doubled %u %%, delay to %.3f",
		     world->loss_percent, world->double_percent,
		     (double)world->delay_max / 1e6);
	} else if (is_up(world, i)) {
		trouble_one(world, i);
	}
}

/* ---- invariants ---- */

static void never_long_together(struct world *world, unsigned a, unsigned b)
{
	uint64_t *since = &world->together_since[a][b];
	const bool well = is_up(world, a) && is_up(world, b) && !world->loss_percent &&
			  world->delay_max <= world->interval / 10 &&
			  hear_each_other(world, a, b);

	if (!well || !world->boxes[a].holds || !world->boxes[b].holds)
		*since = 0;
	else if (!*since)
		*since = world->now;
	else if (world->now - *since > 2 * world->interval)
		fail_msg("seed %llu: %u and %u both hold the addresses for two intervals",
			 (unsigned long long)world->seed, a, b);
}

/* Three intervals of silence and the skew, once more deaf, and what was on its way; and a
 * silence that is forgiven. */
static uint64_t bound(const struct world *world)
{
	return (world->seed % 3 ? 7 : 11) * world->interval +
	       (world->config.version == 2 ? 2 * SECOND : 0);
}

static bool island_can_serve(const struct world *world, unsigned island, bool *ret_holds)
{
	bool can = false;

	*ret_holds = false;
	for (unsigned i = 0; i < world->count; i++) {
		const struct box *box = &world->boxes[i];

		if (box->island != island)
			continue;
		*ret_holds |= box->holds;
		can |= is_up(world, i) && box->vrrp.fit &&
		       world->now - box->paused_until > bound(world);
	}
	return can;
}

static void check(struct world *world)
{
	bool holds;

	for (unsigned a = 0; a < world->count; a++)
		for (unsigned b = a + 1; b < world->count; b++)
			never_long_together(world, a, b);
	if (world->loss_percent || world->delay_max > world->interval / 10 ||
	    world->now - world->peace_since < bound(world))
		return;
	for (unsigned island = 0; island < 2; island++)
		if (island_can_serve(world, island, &holds) && !holds)
			fail_msg("seed %llu: nobody has the addresses at %.3f ms",
				 (unsigned long long)world->seed,
				 (double)world->now / 1e6);
}

/* ---- time ---- */

/* The next thing that is due before `until`, if any: a packet or a deadline. */
static bool step(struct world *world, uint64_t until)
{
	uint64_t best = until;
	int packet = -1, timer = -1;

	for (unsigned i = 0; i < world->count; i++) {
		const struct box *box = &world->boxes[i];
		uint64_t due;

		if (!box->powered || !box->running ||
		    lsvm_vrrp_deadline(&box->vrrp) == VRRP_NEVER)
			continue;
		due = lsvm_vrrp_deadline(&box->vrrp) - box->clock;
		if (due < box->paused_until)
			due = box->paused_until;
		if (due < best) {
			best = due;
			timer = (int)i;
		}
	}
	for (unsigned i = 0; i < world->packet_count; i++) {
		const struct box *box = &world->boxes[world->packets[i].to];
		uint64_t due = world->packets[i].at;

		/* What came while it was stopped waits in its socket, and is read before
		 * or after the clock is looked at. */
		if (due < box->paused_until)
			due = box->paused_until + world->seed % 2;
		if (due < best) {
			best = due;
			packet = (int)i;
		}
	}
	world->now = best > world->now ? best : world->now;
	if (packet >= 0) {
		deliver(world, (unsigned)packet);
	} else if (timer >= 0) {
		notice_pause(world, (unsigned)timer);
		lsvm_vrrp_input_tick(&world->boxes[timer].vrrp,
				     clock_of(world, (unsigned)timer));
		do_actions(world, (unsigned)timer);
		assert_true(lsvm_vrrp_deadline(&world->boxes[timer].vrrp) >
			    clock_of(world, (unsigned)timer));
	}
	check(world);
	return packet >= 0 || timer >= 0;
}

static void run_until(struct world *world, uint64_t until)
{
	while (step(world, until))
		;
}

static void make_world(struct world *world, struct lsvm_ctx *ctx, uint64_t seed)
{
	static const uint32_t intervals_ms[] = { 10, 100, 1000, 3000 };

	memset(world, 0, sizeof(*world));
	world->ctx = ctx;
	world->seed = seed;
	world->random = seed * 0x9e3779b97f4a7c15u + 1;
	world->now = world->peace_since = SECOND;
	world->count = 2 + draw(world, 2);
	world->config = router(draw(world, 4) ? 3 : 2, 6);
	world->config.advert_interval_ms = intervals_ms[draw(world, 4)];
	if (world->config.version == 2)
		world->config.advert_interval_ms = 1000 * (1 + draw(world, 3));
	world->interval = world->config.advert_interval_ms * MS;
	world->delay_max = world->interval / 10;
	world->config.preempt = draw(world, 4) != 0;
	world->config.preempt_delay_ms =
		draw(world, 2) * draw(world, 6) * world->config.advert_interval_ms;
	world->config.unicast = draw(world, 2);
	world->config.pair = world->count == 2 && draw(world, 2);
	world->config.priority = draw(world, 5) ? 100 : 255;
	world->config.announce_count = draw(world, 4);
	world->config.announce_interval_ms = 1 + draw(world, 2000);
	for (unsigned i = 0; i < world->count; i++)
		world->boxes[i].clock = (uint64_t)draw(world, UINT32_MAX) * 1000000;
}

static void assert_peaceful_end(struct world *world)
{
	unsigned holders = 0, best = 0, holder = 0;
	uint64_t takeovers = 0, after = 0;

	for (unsigned i = 0; i < world->count; i++) {
		holders += world->boxes[i].holds;
		takeovers += world->boxes[i].vrrp.figures.takeovers;
		if (world->boxes[i].holds)
			holder = world->boxes[i].vrrp.config.priority;
		if (world->boxes[i].vrrp.config.priority > best)
			best = world->boxes[i].vrrp.config.priority;
	}
	if (holders != 1)
		fail_msg("seed %llu: %u hold the addresses in the end",
			 (unsigned long long)world->seed, holders);
	if (world->config.preempt && holder != best)
		fail_msg("seed %llu: priority %u is master beside %u",
			 (unsigned long long)world->seed, holder, best);
	run_until(world, world->now + 20 * world->interval);
	for (unsigned i = 0; i < world->count; i++)
		after += world->boxes[i].vrrp.figures.takeovers;
	if (after != takeovers)
		fail_msg("seed %llu: no peace", (unsigned long long)world->seed);
}

static void run_seed(struct lsvm_ctx *ctx, uint64_t seed, bool talks)
{
	struct world *world = malloc(sizeof(*world));

	assert_non_null(world);
	make_world(world, ctx, seed);
	world->talks = talks;
	for (unsigned i = 0; i < world->count; i++)
		boot(world, i);
	for (unsigned i = 0; i < EVENTS; i++) {
		run_until(world, world->now + draw_time(world, 12));
		trouble(world);
	}
	/* Whoever was stopped goes on; then all is repaired. */
	run_until(world, world->now + 13 * world->interval);
	calm_down(world);
	run_until(world,
		  world->now + 3 * bound(world) + world->config.preempt_delay_ms * MS);
	assert_peaceful_end(world);
	free(world);
}

static void there_is_one_master_whatever_happened(void **state)
{
	const char *one = getenv("LSVM_SEED");
	const uint64_t seeds = getenv("LSVM_FULL") ? SEEDS_FULL : SEEDS;
	struct lsvm_ctx *ctx;

	(void)state;
	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	if (one)
		run_seed(ctx, strtoull(one, NULL, 10), true);
	for (uint64_t seed = 1; !one && seed <= seeds; seed++)
		run_seed(ctx, seed, false);
	lsvm_ctx_unref(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_one_master_whatever_happened),
	};

	return RUN(tests);
}
