/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine: whose turn it is, what is to be done, what happened to a probe.
 *
 * A target is in the heap with the time at which something is due for it: the end of the
 * probe that is under way, or the next one's beginning. Turns have nominal times, an
 * interval apart; a probe that begins late or lasts long does not move those after it: if
 * its successor's time has come when it ends, that one begins at once.
 * What is due is looked at only when actions are pulled, so that nothing piles up, and
 * the caller may stop pulling whenever it wants.
 *
 * After a target is watched nothing here allocates but probes, which are kept, and texts
 * of causes. Without memory a probe has no verdict: it is this machine that fails then.
 */
#include "health/probe.h"

#include <stdlib.h>

#define GATHERED_FROM 200u /* probes a second */
#define GATHERED 32u	   /* of them at once */
#define GATHERED_PART 32u  /* of the shortest interval */

/* ---- actions that wait to be pulled ---- */

void lsvm_health_want(struct health *health, struct waiting *waiting, enum want want)
{
	if (!waiting->wants) {
		waiting->next = NULL;
		*health->last = waiting;
		health->last = &waiting->next;
	}
	waiting->wants |= (uint8_t)want;
}

void lsvm_health_want_nothing(struct health *health, struct waiting *waiting)
{
	struct waiting **at = &health->first;

	if (!waiting->wants)
		return;
	while (*at != waiting)
		at = &(*at)->next;
	*at = waiting->next;
	if (health->last == &waiting->next)
		health->last = at;
	waiting->wants = 0;
}

/* One thing that it wants; it leaves the queue with the last. */
static enum want take_want(struct health *health, struct waiting *waiting)
{
	const uint8_t want = waiting->wants & (uint8_t)-waiting->wants;

	waiting->wants &= (uint8_t)~want;
	if (!waiting->wants) {
		health->first = waiting->next;
		if (!health->first)
			health->last = &health->first;
	}
	return want;
}

static void tell_target(struct target *target, enum want want, struct health_action *ret)
{
	ret->kind = want == WANT_CHANGED ? HEALTH_CHANGED : HEALTH_WARNING;
	ret->target = target;
	ret->text = want == WANT_CHANGED ? lsvm_target_cause(target) : target->warning;
}

static void tell_probe(struct health *health, struct probe *probe, enum want want,
		       struct health_action *ret)
{
	ret->probe = probe;
	ret->io = probe->io;
	ret->target = probe->target;
	if (want == WANT_SEND) {
		ret->kind = HEALTH_SEND;
		ret->bytes = probe->out;
		ret->length = probe->out_length;
		probe->out = NULL; /* what comes now begins anew */
		probe->out_length = 0;
		return;
	}
	ret->kind = HEALTH_CLOSE;
	lsvm_probe_give_back(health, probe);
}

static void tell(struct health *health, struct health_action *ret)
{
	struct waiting *waiting = health->first;
	const enum want want = take_want(health, waiting);

	*ret = (struct health_action){ 0 };
	if (waiting->is_target)
		tell_target((struct target *)(void *)waiting, want, ret);
	else
		tell_probe(health, (struct probe *)(void *)waiting, want, ret);
}

/* ---- the end of a probe ---- */

static uint64_t next_turn(struct health *health, const struct target *target)
{
	const uint64_t jitter_ns = target->recipe->jitter_ns;

	return target->slot_ns + (jitter_ns ? lsvm_health_random(health) % jitter_ns : 0);
}

/* Past this moment, however many were missed. */
static void advance_slot(struct target *target, uint64_t now_ns)
{
	const uint64_t interval_ns = target->recipe->interval_ns;

	if (target->slot_ns <= now_ns)
		target->slot_ns +=
			((now_ns - target->slot_ns) / interval_ns + 1) * interval_ns;
}

/* The channel is given up, and the target is free. */
static void leave(struct health *health, struct probe *probe)
{
	probe->closing = true;
	lsvm_health_want(health, &probe->waiting, WANT_CLOSE);
	if (probe->target)
		probe->target->probe = NULL;
	probe->target = NULL;
}

/* Whoever is polite lets the peer close first, until the next turn at the latest. */
static bool waits_for_peer(const struct probe *probe)
{
	return probe->lingers ||
	       (probe->engine->polite && !probe->curt && probe->verdict == VERDICT_GOOD);
}

static void settle(struct health *health, struct probe *probe, bool over)
{
	struct target *target = probe->target;

	if (probe->verdict && !probe->decided) {
		uint64_t due = next_turn(health, target);

		probe->decided = true;
		lsvm_target_judge(health, target, probe);
		if (waits_for_peer(probe) && !probe->lingers && probe->deadline_ns < due)
			due = probe->deadline_ns;
		lsvm_heap_set(health, target, due);
	}
	if (probe->decided && (over || !waits_for_peer(probe))) {
		lsvm_heap_set(health, target, next_turn(health, target));
		leave(health, probe);
	}
}

/* ---- the beginning of a probe ---- */

static void fill_channel(struct channel_spec *spec, struct probe *probe)
{
	const struct target *target = probe->target;
	const struct engine *engine = probe->engine;

	*spec = (struct channel_spec){ .kind = engine->channel,
				       .local = target->local,
				       .remote = target->addr,
				       .remote_port = target->port,
				       .mark = target->mark,
				       .reset = !engine->orderly,
				       .hears_routers = true };
	if (probe->recipe->has_tls)
		spec->tls = &probe->recipe->tls;
	if (engine->words)
		spec->argv = engine->words(probe);
}

static bool begin(struct health *health, struct target *target, struct health_action *ret)
{
	struct probe *probe = lsvm_probe_take(health);

	advance_slot(target, health->now_ns);
	if (!probe) {
		lsvm_target_warn(health, target, "not probed: out of memory");
		lsvm_heap_set(health, target, next_turn(health, target));
		return false;
	}
	probe->target = target;
	probe->recipe = target->recipe;
	probe->engine = target->recipe->engine;
	probe->start_ns = health->now_ns;
	probe->deadline_ns = health->now_ns + target->recipe->timeout_ns;
	probe->alone = target->is_hinted;
	probe->percent = 100;
	target->probe = probe;
	target->probe_count++;
	fill_channel(&health->channel, probe);
	lsvm_heap_set(health, target, probe->deadline_ns);
	*ret = (struct health_action){ .kind = HEALTH_OPEN,
				       .probe = probe,
				       .channel = &health->channel,
				       .target = target };
	if (probe->verdict) { /* no memory for its words */
		settle(health, probe, true);
		return false;
	}
	return true;
}

/* Something is due for the target; true when that is to begin. */
static bool serve(struct health *health, struct target *target, struct health_action *ret)
{
	struct probe *probe = target->probe;

	if (probe && !probe->decided) {
		probe->now_ns = health->now_ns;
		lsvm_probe_late(probe);
		settle(health, probe, !probe->lingers);
		return false;
	}
	if (probe) { /* it is closed before the next one is opened */
		leave(health, probe);
		if (target->slot_ns > health->now_ns && !target->is_hinted)
			lsvm_heap_set(health, target, next_turn(health, target));
		return false;
	}
	return begin(health, target, ret);
}

bool lsvm_health_next(struct health *health, struct health_action *ret)
{
	for (;;) {
		if (health->first) {
			tell(health, ret);
			return true;
		}
		if (!health->target_count || health->heap[0].due_ns > health->now_ns)
			return false;
		if (serve(health, health->targets[health->heap[0].number], ret))
			return true;
	}
}

/* ---- facts ---- */

void lsvm_health_opened(struct health *health, struct probe *probe,
			struct channel *channel, uint64_t now_ns)
{
	health->now_ns = probe->now_ns = now_ns;
	probe->io = channel;
	if (probe->closing || probe->decided)
		return;
	if (!channel) {
		lsvm_probe_void(probe, "this machine could not open a channel");
	} else if (probe->engine->channel != CHANNEL_TCP &&
		   probe->engine->channel != CHANNEL_SCTP) {
		probe->connected = true;
		probe->engine->start(probe);
	}
	settle(health, probe, !channel);
}

void lsvm_health_input(struct health *health, struct probe *probe,
		       const struct io_event *event, uint64_t now_ns)
{
	const bool over = event->fact == IO_ENDED || event->fact == IO_FAILED ||
			  event->fact == IO_EXITED;

	health->now_ns = probe->now_ns = now_ns;
	if (probe->closing)
		return;
	if (!probe->decided)
		lsvm_probe_input(probe, event);
	else if (event->fact == IO_FAILED && event->error == IO_ERROR_UNREACHABLE)
		probe->target->unreachable_ns = now_ns;
	else if (event->fact == IO_BYTES)
		probe->in_bytes += (uint32_t)event->length;
	/* A peer that goes on talking after we have heard enough is not waited for. */
	settle(health, probe, over || probe->in_bytes > PROBE_BODY_BYTES);
}

void lsvm_health_tick(struct health *health, uint64_t now_ns)
{
	health->now_ns = now_ns;
}

/* Where hundreds of probes begin in a second, waking up for each would cost more than the
 * probe itself: they are left to gather, some dozens of them, for a small part of the
 * shortest interval. A hint is never kept waiting. */
static uint64_t gathering_ns(const struct health *health)
{
	uint64_t some_ns, part_ns = health->least_interval_ns / GATHERED_PART;

	if (health->rate < GATHERED_FROM * (RATE_NS / IO_S) ||
	    health->targets[health->heap[0].number]->is_hinted)
		return 0;
	some_ns = GATHERED * RATE_NS / health->rate;
	return some_ns < part_ns ? some_ns : part_ns;
}

uint64_t lsvm_health_deadline(const struct health *health)
{
	if (health->first)
		return 0;
	if (!health->target_count)
		return IO_NEVER;
	return health->heap[0].due_ns + gathering_ns(health);
}

void lsvm_health_hint(struct health *health, struct target *target, uint64_t now_ns)
{
	struct probe *probe = target->probe;

	health->now_ns = now_ns;
	target->is_hinted = true;
	/* An answer to a hint is waited for, however many more of them come. */
	if (probe && probe->alone && !probe->decided)
		return;
	if (probe)
		leave(health, probe);
	lsvm_heap_set(health, target, now_ns);
}
