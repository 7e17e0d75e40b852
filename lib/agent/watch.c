/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks, verdicts, and the table they leave.
 *
 * lib/health asks for channels and hears what happens to them; what it finds goes to
 * lib/pool; what the pool wants changed goes to the kernel, edit by edit, several in one
 * call. An edit that fails is not tried again here: the table is looked at as a whole
 * soon (keep.c).
 */
#include "agent/watch.h"
#include "base/json.h"

#include <stdlib.h>

#define EDITS_AT_ONCE 64
#define PROBES_AT_ONCE 256
/* A director that knows of no verdict for so long takes part without. */
#define SETTLE_NS (30 * IO_S)
/* How often it is looked whether all is known after this director was cut off. */
#define DOUBT_NS (20 * IO_MS)

/* ---- seats of probes ---- */

static struct probe_seat *new_seat(struct watch *watch)
{
	struct probe_seat *seat = watch->free_seats;

	if (!seat)
		return calloc(1, sizeof(*seat));
	watch->free_seats = seat->next;
	return seat;
}

static void give_seat_back(struct watch *watch, struct probe_seat *seat)
{
	seat->next = watch->free_seats;
	watch->free_seats = seat;
}

/* lib/health hands back what it was given and never looks at it. */
static struct probe_seat *seat_of(struct channel *io)
{
	return (struct probe_seat *)io;
}

static void pump(struct lsvm_agent *agent);

static void take_probe(struct lsvm_agent *agent, struct seat *seat,
		       const struct io_event *event)
{
	struct probe_seat *probe_seat = (struct probe_seat *)seat; /* its first member */
	struct io_event seen = *event;

	seen.channel = (struct channel *)probe_seat;
	lsvm_health_input(agent->watch->health, probe_seat->probe, &seen,
			  agent_now(agent));
	pump(agent);
}

/* ---- what health asks for ---- */

static void open_probe(struct lsvm_agent *agent, const struct health_action *action)
{
	struct watch *watch = agent->watch;
	struct probe_seat *seat = new_seat(watch);
	int err;

	if (seat) {
		seat->seat.take = take_probe;
		seat->probe = action->probe;
		err = agent->io->open(agent->host, action->channel, &seat->seat,
				      &seat->channel);
		if (err < 0) {
			lsvm_agent_trouble(agent, &watch->open_trouble, "checks",
					   lsvm_ctx_error_text(agent->ctx));
			give_seat_back(watch, seat);
			seat = NULL;
		}
	}
	lsvm_health_opened(watch->health, action->probe, (struct channel *)seat,
			   agent_now(agent));
}

static void close_probe(struct lsvm_agent *agent, const struct health_action *action)
{
	struct probe_seat *seat = seat_of(action->io);

	if (!seat)
		return;
	agent->io->close(agent->host, seat->channel);
	give_seat_back(agent->watch, seat);
}

static int by_target(const void *a, const void *b)
{
	const struct watched *left = a, *right = b;
	const uintptr_t x = (uintptr_t)left->target, y = (uintptr_t)right->target;

	return (x > y) - (x < y);
}

/* The probe that was under way when the network came back does not count. */
static bool is_believed(const struct watch *watch, const struct watchlist *list,
			const struct watched *watched)
{
	struct target_figures figures;

	if (watch->cut)
		return false;
	lsvm_target_figures(watched->target, &figures);
	return figures.failure_count - watched->failure_count >
	       lsvm_pool_target(list->pool, watched->index)->check->fall;
}

static void tell_pool(const struct watch *watch, struct watchlist *list,
		      struct watched *watched, uint64_t now_ns)
{
	const bool down = lsvm_target_state(watched->target) == TARGET_DOWN;

	if (down && !watched->told_down && (watch->cut || watch->back_ns) &&
	    !is_believed(watch, list, watched))
		return;
	watched->told_down = down;
	lsvm_pool_input_verdict(list->pool, watched->index,
				lsvm_target_state(watched->target),
				lsvm_target_percent(watched->target),
				lsvm_target_cause(watched->target), now_ns);
}

/* The pool may list a target more than once. */
static void target_changed(struct lsvm_agent *agent, struct target *target)
{
	struct watchlist *list = &agent->watch->now;
	const struct watched key = { .target = target };
	struct watched *end = list->items + list->count, *at;

	at = list->count ? bsearch(&key, list->items, list->count, sizeof(key), by_target)
			 : NULL;
	while (at && at > list->items && at[-1].target == target)
		at--;
	for (; at && at < end && at->target == target; at++)
		tell_pool(agent->watch, list, at, agent_now(agent));
	agent->watch->pool_moved = true;
}

/* Whether it is known of the target how it is, since this director is back. */
static bool is_known(const struct watch *watch, const struct watched *watched)
{
	struct target_figures figures;

	if (watched->told_down)
		return true;
	lsvm_target_figures(watched->target, &figures);
	return !figures.bad_in_row && figures.last_probe_ns >= watch->back_ns;
}

/* Until all answer, or have failed as often as they must. */
static void doubt(struct lsvm_agent *agent, uint64_t now_ns)
{
	struct watch *watch = agent->watch;
	bool known = true;

	if (!watch->back_ns || watch->cut || now_ns < watch->doubt_ns)
		return;
	watch->doubt_ns = now_ns + DOUBT_NS;
	for (size_t i = 0; i < watch->now.count; i++) {
		struct watched *watched = &watch->now.items[i];

		if (!watched->told_down &&
		    lsvm_target_state(watched->target) == TARGET_DOWN)
			tell_pool(watch, &watch->now, watched, now_ns);
		known = known && is_known(watch, watched);
	}
	watch->pool_moved = true;
	if (!known)
		return;
	watch->back_ns = 0;
	lsvm_duty_judge(agent);
}

static void warn(struct lsvm_agent *agent, const struct health_action *action)
{
	const bool certificate = strstr(action->text, "certificate") != NULL;

	lsvm_agent_say(agent, certificate ? LSVM_EVENT_CERTIFICATE : LSVM_EVENT_REFUSED,
		       LSVM_SEVERITY_WARNING, lsvm_target_name(action->target), "%s",
		       action->text);
}

/* What was begun is done; new probes begin when all that came has been heard, and not all
 * at once: where more is due than this machine can do there would be no end of it, and
 * answers would lie unheard until they are taken for missing. True: nothing is left. */
static bool pump_health(struct lsvm_agent *agent)
{
	struct health *health = agent->watch->health;
	size_t room = agent->hearing  ? 0
		      : agent->behind ? PROBES_AT_ONCE / 4
				      : PROBES_AT_ONCE;
	struct health_action action;

	while (room || lsvm_health_deadline(health) == 0) {
		if (!lsvm_health_next(health, &action))
			return true;
		room -= room && action.kind == HEALTH_OPEN;
		switch (action.kind) {
		case HEALTH_OPEN:
			open_probe(agent, &action);
			break;
		case HEALTH_SEND:
			if (action.io)
				agent->io->send(agent->host, seat_of(action.io)->channel,
						action.bytes, action.length, NULL, 0);
			break;
		case HEALTH_CLOSE:
			close_probe(agent, &action);
			break;
		case HEALTH_CHANGED:
			target_changed(agent, action.target);
			break;
		case HEALTH_WARNING:
			warn(agent, &action);
			break;
		}
	}
	return false;
}

/* ---- what the pool asks for ---- */

struct edits {
	size_t count;
	bool added; /* a destination */
	struct step steps[EDITS_AT_ONCE];
	struct ipvs_service services[EDITS_AT_ONCE];
	struct ipvs_destination destinations[EDITS_AT_ONCE];
};

/* The pool lends an edit until the next one is asked for. */
static void keep_edit(struct edits *edits, const struct ipvs_change *change)
{
	const size_t at = edits->count++;
	struct ipvs_change *copy = &edits->steps[at].ipvs;

	edits->steps[at].kind = STEP_IPVS;
	*copy = *change;
	edits->services[at] = *change->service;
	memset(&edits->services[at].destinations, 0,
	       sizeof(edits->services[at].destinations));
	copy->service = &edits->services[at];
	edits->added |= change->kind == IPVS_DESTINATION_ADD;
	if (change->kind == IPVS_DESTINATION_ADD ||
	    change->kind == IPVS_DESTINATION_EDIT ||
	    change->kind == IPVS_DESTINATION_DELETE) {
		edits->destinations[at] = *change->destination;
		copy->destination = &edits->destinations[at];
	}
}

/* While the plan is not applied, applying it brings the table too. */
static void perform(struct lsvm_agent *agent, struct edits *edits)
{
	struct watch *watch = agent->watch;
	size_t done;
	int err;

	if (!edits->count || !lsvm_keep_is_good(agent))
		return;
	err = lsvm_host_perform(agent->host, edits->steps, edits->count, &done);
	if (err >= 0) {
		lsvm_agent_well(agent, &watch->edit_trouble, "table");
		if (edits->added)
			lsvm_keep_order(agent);
		return;
	}
	lsvm_agent_trouble(agent, &watch->edit_trouble, "table",
			   lsvm_ctx_error_text(agent->ctx));
	lsvm_keep_soon(agent);
}

static void pump_edits(struct lsvm_agent *agent)
{
	struct pool *pool = agent->watch->now.pool;
	struct ipvs_change change;
	struct edits edits;
	bool more;

	do {
		edits.count = 0;
		edits.added = false;
		while ((more = edits.count < EDITS_AT_ONCE) &&
		       (more = lsvm_pool_next_change(pool, &change)))
			keep_edit(&edits, &change);
		perform(agent, &edits);
	} while (edits.count == EDITS_AT_ONCE);
}

static void pump_pool(struct lsvm_agent *agent)
{
	struct watch *watch = agent->watch;
	struct event event;

	if (!watch->pool_moved)
		return;
	watch->pool_moved = false;
	pump_edits(agent);
	while (lsvm_pool_next_event(watch->now.pool, &event))
		lsvm_agent_tell(agent, &event);
	if (!watch->settled && lsvm_pool_is_settled(watch->now.pool)) {
		watch->settled = true;
		lsvm_keep_soon(agent);
		lsvm_duty_judge(agent);
	}
}

static void pump(struct lsvm_agent *agent)
{
	pump_health(agent);
	pump_pool(agent);
}

/* ---- lists ---- */

static void drop_list(struct watch *watch, struct watchlist *list)
{
	for (size_t i = 0; i < list->count; i++)
		lsvm_health_unwatch(watch->health, list->items[i].target);
	lsvm_pool_free(list->pool);
	free(list->items);
	*list = (struct watchlist){ 0 };
}

/* A probe through the director comes from this machine's own address, the one next to the
 * server: by itself the kernel of a master would ask in the name of the VIP. */
static void choose_source(const struct machine *machine, struct target_spec *spec)
{
	for (uint32_t i = 0; spec->mark && i < machine->interfaces.count; i++) {
		const struct interface *interface = &machine->interfaces.items[i];
		const struct addr *own =
			lsvm_interface_address(interface, spec->addr.family);
		const struct network *network = interface->network.target;

		if (!own)
			continue;
		if (network && lsvm_network_subnet(network, &spec->server)) {
			spec->local = *own;
			return;
		}
		if (!spec->local.family)
			spec->local = *own;
	}
}

static int fill_list(struct lsvm_agent *agent, const struct machine *machine,
		     struct watchlist *list)
{
	const size_t count = lsvm_pool_target_count(list->pool);
	const uint64_t now = agent_now(agent);
	int err = 0;

	list->items = calloc(count ? count : 1, sizeof(*list->items));
	if (!list->items)
		return lsvm_fail_nomem(agent->ctx);
	for (size_t i = 0; i < count && err >= 0; i++) {
		struct target_spec spec = *lsvm_pool_target(list->pool, i);

		choose_source(machine, &spec);
		err = lsvm_health_watch(agent->watch->health, &spec, NULL, now,
					&list->items[i].target);
		list->items[i].index = i;
		list->count += err >= 0;
	}
	/* What is known already need not be found out again. */
	for (size_t i = 0; i < list->count && err >= 0; i++)
		if (lsvm_target_state(list->items[i].target) != TARGET_UNKNOWN)
			tell_pool(agent->watch, list, &list->items[i], now);
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), by_target);
	return err;
}

static int make_list(struct lsvm_agent *agent, const struct aim *aim,
		     const struct pool *from, struct watchlist *list)
{
	int err = lsvm_pool_new(agent->ctx, aim->cluster, aim->standby->wanted->ipvs,
				from, agent_now(agent), &list->pool);

	if (err >= 0)
		err = fill_list(agent, aim->machine, list);
	if (err < 0)
		drop_list(agent->watch, list);
	return err;
}

/* ---- the part ---- */

static int watch_start(struct lsvm_agent *agent)
{
	uint64_t seed;
	int err;

	if (agent->role != LSVM_ROLE_DIRECTOR)
		return 0;
	agent->watch = calloc(1, sizeof(*agent->watch));
	if (!agent->watch)
		return lsvm_fail_nomem(agent->ctx);
	err = agent->io->random(agent->host, &seed, sizeof(seed));
	if (err >= 0)
		err = lsvm_health_new(agent->ctx, seed, &agent->watch->health);
	if (err >= 0)
		err = make_list(agent, &agent->aim, NULL, &agent->watch->now);
	if (err >= 0)
		agent->watch->pool_moved = true;
	return err;
}

static int watch_prepare(struct lsvm_agent *agent, const struct aim *next)
{
	struct watch *watch = agent->watch;

	return watch ? make_list(agent, next, watch->now.pool, &watch->next) : 0;
}

static void watch_reload(struct lsvm_agent *agent, bool good)
{
	struct watch *watch = agent->watch;

	if (!watch)
		return;
	if (!good) {
		drop_list(watch, &watch->next);
		return;
	}
	drop_list(watch, &watch->now);
	watch->now = watch->next;
	watch->next = (struct watchlist){ 0 };
	watch->pool_moved = true;
	pump(agent);
}

static uint64_t watch_deadline(const struct lsvm_agent *agent)
{
	const struct watch *watch = agent->watch;
	uint64_t health, pool;

	if (!watch || agent->life != AGENT_RUNNING)
		return IO_NEVER;
	if (watch->pool_moved)
		return 0;
	health = lsvm_health_deadline(watch->health);
	pool = lsvm_pool_deadline(watch->now.pool);
	if (pool < health)
		health = pool;
	return watch->back_ns && !watch->cut && watch->doubt_ns < health ? watch->doubt_ns
									 : health;
}

static void watch_tick(struct lsvm_agent *agent, uint64_t now_ns)
{
	struct watch *watch = agent->watch;

	lsvm_health_tick(watch->health, now_ns);
	pump_health(agent);
	doubt(agent, now_ns);
	if (lsvm_pool_deadline(watch->now.pool) <= now_ns) {
		lsvm_pool_tick(watch->now.pool, now_ns);
		watch->pool_moved = true;
	}
	pump(agent);
}

static void watch_free(struct lsvm_agent *agent)
{
	struct watch *watch = agent->watch;
	struct probe_seat *next;

	if (!watch)
		return;
	if (watch->health) {
		drop_list(watch, &watch->now);
		drop_list(watch, &watch->next);
		/* With the last target goes its probe, and its channel with that. */
		while (!pump_health(agent))
			;
		lsvm_health_free(watch->health);
	}
	for (struct probe_seat *seat = watch->free_seats; seat; seat = next) {
		next = seat->next;
		free(seat);
	}
	free(watch);
	agent->watch = NULL;
}

/* ---- what others ask ---- */

struct lsvm_ipvs_table *lsvm_watch_table(const struct lsvm_agent *agent)
{
	struct lsvm_ipvs_table *table;

	if (!agent->watch || lsvm_pool_table(agent->watch->now.pool, &table) < 0)
		return NULL;
	return table;
}

bool lsvm_watch_is_settled(const struct lsvm_agent *agent)
{
	const struct watch *watch = agent->watch;

	if (watch && (watch->cut ||
		      (watch->back_ns && agent_now(agent) - watch->back_ns < SETTLE_NS)))
		return false;
	return !watch || watch->settled ||
	       agent_now(agent) - agent->started_ns > SETTLE_NS;
}

void lsvm_watch_cut(struct lsvm_agent *agent, bool cut)
{
	struct watch *watch = agent->watch;

	if (!watch || watch->cut == cut)
		return;
	watch->cut = cut;
	watch->back_ns = watch->doubt_ns = agent_now(agent);
	/* What went by meanwhile is of no use: all are asked again now. */
	for (size_t i = 0; !cut && i < watch->now.count; i++) {
		struct watched *watched = &watch->now.items[i];
		struct target_figures figures;

		lsvm_target_figures(watched->target, &figures);
		watched->failure_count = figures.failure_count;
		lsvm_health_hint(watch->health, watched->target, agent_now(agent));
	}
	agent->io->wake(agent->host, agent_now(agent));
}

static int set_drained(struct lsvm_agent *agent, const char *server,
		       const char *partition, bool drained)
{
	int err;

	if (agent->life != AGENT_RUNNING)
		return lsvm_fail(agent->ctx, LSVM_ERR_STATE, "the agent does not run");
	if (!agent->watch)
		return lsvm_fail(agent->ctx, LSVM_ERR_UNSUPPORTED,
				 "%s is a %s; servers are drained on directors",
				 agent->aim.machine->name,
				 lsvm_role_name((int)agent->role));
	err = lsvm_pool_drain(agent->watch->now.pool, server, partition, drained,
			      agent_now(agent));
	if (err < 0)
		return err;
	agent->watch->pool_moved = true;
	pump_pool(agent);
	agent->io->wake(agent->host, agent_now(agent));
	return 0;
}

int lsvm_agent_drain(struct lsvm_agent *agent, const char *server, const char *partition)
{
	return set_drained(agent, server, partition, true);
}

int lsvm_agent_enable(struct lsvm_agent *agent, const char *server, const char *partition)
{
	return set_drained(agent, server, partition, false);
}

void lsvm_watch_leaving(struct lsvm_agent *agent, const char *server, bool leaving)
{
	if (!agent->watch)
		return;
	lsvm_pool_leave(agent->watch->now.pool, server, leaving, agent_now(agent));
	agent->watch->pool_moved = true;
	pump_pool(agent);
	agent->io->wake(agent->host, agent_now(agent));
}

bool lsvm_watch_hint(struct lsvm_agent *agent, const char *server)
{
	struct watch *watch = agent->watch;
	size_t index, n;

	for (n = 0; watch && (index = lsvm_pool_server_target(watch->now.pool, server,
							      n)) != SIZE_MAX;
	     n++)
		for (size_t i = 0; i < watch->now.count; i++)
			if (watch->now.items[i].index == index)
				lsvm_health_hint(watch->health,
						 watch->now.items[i].target,
						 agent_now(agent));
	if (watch && n)
		pump(agent);
	return watch && n;
}

static json_t *target_json(const struct target *target, uint64_t now_ns)
{
	static const char *const states[] = { "unknown", "up", "down" };
	struct target_figures figures;

	lsvm_target_figures(target, &figures);
	return json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:i}", "name",
			 lsvm_target_name(target), "state",
			 states[lsvm_target_state(target)], "cause",
			 lsvm_target_cause(target), "percent",
			 (int)lsvm_target_percent(target), "probes",
			 (json_int_t)figures.probe_count, "failures",
			 (json_int_t)figures.failure_count, "for_ms",
			 (json_int_t)((now_ns - figures.changed_ns) / IO_MS),
			 "last_duration_us", (int)figures.last_duration_us);
}

json_t *lsvm_watch_checks_json(const struct lsvm_agent *agent, size_t first, size_t count)
{
	const struct watchlist *list = &agent->watch->now;
	json_t *array = json_array();

	for (size_t i = first; array && i < list->count && i - first < count; i++)
		if ((!i || list->items[i].target != list->items[i - 1].target) &&
		    json_array_append_new(array, target_json(list->items[i].target,
							     agent_now(agent))) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

const struct agent_part lsvm_agent_watch_part = {
	.name = "watch",
	.start = watch_start,
	.prepare = watch_prepare,
	.reload = watch_reload,
	.deadline = watch_deadline,
	.tick = watch_tick,
	.free = watch_free,
};
