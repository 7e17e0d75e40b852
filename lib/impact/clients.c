/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The same flows asked of the machine before and the machine after.
 *
 * Where the scheduler looks at addresses only (dh, sh, mh), a client has a server of its
 * own, and it is exact who moves. Everywhere else a client has none that it could lose:
 * one question tells whether anybody serves, and shares follow from the weights.
 */
#include "impact/impact.h"

#include <stdlib.h>

#define MILLION 1000000

static bool is_by_address(const struct lsvm_sched *s)
{
	return s && s->scheduler->notice == lsvm_hash_notice;
}

/* Who serves follows from the table, not from turns: asking tells the shares. */
static bool is_asked(const struct lsvm_sched *s)
{
	return is_by_address(s) || s->scheduler->pick == lsvm_fo_pick ||
	       s->scheduler->pick == lsvm_ovf_pick;
}

static int ask(struct lsvm_sched *s, const struct sched_packet *packet,
	       struct sched_dest **ret)
{
	int err = s ? lsvm_sched_foresee(s, packet, ret) : 0;

	return err < 0 ? err : 0;
}

static bool is_same(const struct sched_dest *a, const struct sched_dest *b)
{
	return !memcmp(&a->name, &b->name, sizeof(a->name));
}

/* What is asked of whom, and what was answered how often. */
struct poll {
	struct impact_case *c;
	struct lsvm_sched *fresh; /* a director that is given the table afresh; or NULL */
	uint32_t *before, *after; /* by the destination's number */
	uint32_t served_before, served_after;
};

static int ask_one(struct poll *poll, const struct sched_packet *packet, uint32_t times)
{
	struct impact_case *c = poll->c;
	struct sched_dest *a = NULL, *b = NULL, *afresh = NULL;
	uint64_t *fates = c->service->fates;
	int err = ask(c->before, packet, &a);

	if (err >= 0)
		err = ask(c->after, packet, &b);
	if (err >= 0)
		err = ask(poll->fresh, packet, &afresh);
	if (err < 0)
		return err;
	if (a) {
		poll->before[a->number] += times;
		poll->served_before += times;
	}
	if (b) {
		poll->after[b->number] += times;
		poll->served_after += times;
	}
	if (a && b)
		fates[is_by_address(c->before) && !is_same(a, b)
			      ? LSVM_IMPACT_FATE_MOVES
			      : LSVM_IMPACT_FATE_STAYS] += times;
	else if (a)
		fates[LSVM_IMPACT_FATE_REFUSED] += times;
	else if (b)
		fates[LSVM_IMPACT_FATE_GAINED] += times;
	if (poll->fresh && b && !(afresh && is_same(b, afresh)))
		fates[LSVM_IMPACT_FATE_STRANDED] += times;
	return 0;
}

static int ask_all(struct poll *poll)
{
	struct impact_case *c = poll->c;
	const bool by_address = is_by_address(c->before) || is_by_address(c->after);
	const uint32_t flows = by_address ? IMPACT_FLOWS : 1;
	int err = 0;

	for (uint32_t i = 0; i < flows && err >= 0; i++) {
		const struct sched_packet packet =
			lsvm_sched_spread(c->before ? c->before : c->after, i);

		err = ask_one(poll, &packet, IMPACT_FLOWS / flows);
	}
	return err;
}

/* ---- shares ---- */

static bool takes_part(const struct sched_dest *dest)
{
	return dest->weight > 0 && !dest->overloaded;
}

static uint64_t part_of(const struct lsvm_sched *s, const struct sched_dest *dest)
{
	const bool equal =
		s->scheduler->pick == lsvm_rr_pick || s->scheduler->pick == lsvm_lc_pick;

	return !takes_part(dest) ? 0 : equal ? 1 : (uint64_t)dest->weight;
}

/* Fills the shares of one side and answers its balance in thousandths. */
static uint32_t share_out(struct impact_case *c, struct lsvm_sched *s,
			  const uint32_t *counts, uint32_t served, bool after)
{
	uint64_t parts = 0, weights = 0;
	uint64_t worst = 0;

	each_dest(s, dest)
	{
		parts += part_of(s, dest);
		weights += takes_part(dest) ? (uint64_t)dest->weight : 0;
	}
	each_dest(s, dest)
	{
		const struct addr addr = { .family = dest->name.family };
		struct addr full = addr;
		struct impact_destination *at;
		uint64_t share = 0;

		memcpy(full.bytes, dest->name.bytes, sizeof(full.bytes));
		if (is_asked(s) && served)
			share = (uint64_t)counts[dest->number] * MILLION / served;
		else if (!is_asked(s) && served && parts)
			share = part_of(s, dest) * MILLION / parts;
		at = lsvm_impact_find(c->service, &full, dest->name.port);
		if (at && after)
			at->share_after = (uint32_t)share;
		else if (at)
			at->share_before = (uint32_t)share;
		if (takes_part(dest) && share * weights / (uint64_t)dest->weight > worst)
			worst = share * weights / (uint64_t)dest->weight;
	}
	worst = (worst + 500) / 1000; /* millionths to thousandths */
	return worst > UINT32_MAX ? UINT32_MAX : (uint32_t)worst;
}

/* ---- a director that is given the table afresh ---- */

static int by_name(const void *a, const void *b)
{
	return lsvm_ipvs_destination_compare(a, b);
}

/* Destinations in the canonical order, each as if just added. */
static int make_fresh(struct impact_case *c, struct lsvm_sched **ret)
{
	struct ipvs_service service = *c->wanted;
	size_t count = 0;
	int err;

	service.destinations.items =
		calloc(c->after->present_count + 1, sizeof(*service.destinations.items));
	if (!service.destinations.items)
		return lsvm_fail_nomem(c->impact->ctx);
	each_dest(c->after, dest)
	{
		struct ipvs_destination *to = &service.destinations.items[count++];

		to->addr.family = dest->name.family;
		memcpy(to->addr.bytes, dest->name.bytes, sizeof(to->addr.bytes));
		to->port = dest->name.port;
		to->weight = (uint32_t)dest->weight;
		to->last_weight = (uint32_t)dest->last_weight;
		to->upper_threshold = dest->upper;
		to->lower_threshold = dest->lower;
		to->active_count = dest->active;
		to->inactive_count = dest->inactive;
	}
	service.destinations.count = count;
	qsort(service.destinations.items, count, sizeof(*service.destinations.items),
	      by_name);
	err = lsvm_sched_create(c->impact->ctx, &service, ret);
	free(service.destinations.items);
	return err;
}

/* ---- together ---- */

static void judge(struct impact_case *c)
{
	const uint64_t *fates = c->service->fates;

	if (fates[LSVM_IMPACT_FATE_MOVES] || fates[LSVM_IMPACT_FATE_REFUSED])
		lsvm_impact_raise(c->service, LSVM_IMPACT_LEVEL_NEW);
}

int lsvm_impact_clients(struct impact_case *c)
{
	const size_t numbers = (c->before ? c->before->all.count : 0) +
			       (c->after ? c->after->all.count : 0) + 1;
	struct poll poll = { .c = c };
	uint32_t *counts = calloc(numbers * 2, sizeof(*counts));
	int err = counts ? 0 : lsvm_fail_nomem(c->impact->ctx);

	poll.before = counts;
	poll.after = counts + numbers;
	if (err >= 0 && is_by_address(c->after))
		err = make_fresh(c, &poll.fresh);
	if (err >= 0)
		err = ask_all(&poll);
	if (err >= 0 && c->before)
		c->service->balance_before =
			share_out(c, c->before, poll.before, poll.served_before, false);
	if (err >= 0 && c->after)
		c->service->balance_after =
			share_out(c, c->after, poll.after, poll.served_after, true);
	if (err >= 0)
		judge(c);
	lsvm_sched_free(poll.fresh);
	free(counts);
	return err;
}
