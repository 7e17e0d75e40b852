/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a host hold what its plan says, step by step:
 *
 *   record before   the plans of which something may be here, the new one included
 *   steps           in batches: neighbouring IPVS changes together, else one at a time
 *   record after    the new plan alone
 *
 * Whatever cuts this short, the record covers what is on the machine, and applying any
 * plan again goes on from there. Sysctls that a plan no longer mentions go back to what
 * they were before us.
 */
#include "role/role.h"

#include <stdlib.h>

#define IPVS_BATCH_STEPS 512

enum apply_phase {
	APPLY_RECORD_BEFORE,
	APPLY_STEPS,
	APPLY_RECORD_AFTER,
	APPLY_DONE,
};

struct lsvm_apply {
	struct lsvm_host *host; /* borrowed */
	struct lsvm_ctx *ctx;
	struct lsvm_plan *plan;	 /* NULL: nothing of ours shall stay */
	struct lsvm_plan *other; /* of the other duty; NULL: none */
	struct known_plan known;
	struct record record;
	struct state *owned, *wanted, *present;
	struct state *before; /* sysctls, as the record will hold them */
	struct lsvm_steps *steps;
	enum apply_phase phase;
	bool locked;
	bool forced; /* it may become another machine */
	bool reorders;
	size_t done;
};

static void unlock(struct lsvm_apply *apply)
{
	if (apply->locked)
		apply->host->ops->unlock(apply->host);
	apply->locked = false;
}

void lsvm_apply_free(struct lsvm_apply *apply)
{
	if (!apply)
		return;
	unlock(apply);
	lsvm_steps_free(apply->steps);
	lsvm_state_free(apply->present);
	lsvm_state_free(apply->wanted);
	lsvm_state_free(apply->owned);
	lsvm_state_free(apply->before);
	lsvm_record_free(&apply->record);
	lsvm_plan_unref(apply->plan);
	lsvm_plan_unref(apply->other);
	lsvm_free(apply->known.text);
	lsvm_ctx_unref(apply->ctx);
	free(apply);
}

static struct move move_of(const struct lsvm_apply *apply)
{
	return (struct move){ &apply->record, apply->plan, apply->owned, apply->present };
}

/* ---- sysctls before us ---- */

/* What the plan no longer sets and we once changed shall be as it was. */
static bool want_restored(struct lsvm_apply *apply)
{
	const struct state *before = apply->record.before;

	for (size_t i = 0; i < before->sysctls.count; i++) {
		const struct sysctl *was = &before->sysctls.items[i];

		if (!lsvm_state_sysctl(apply->wanted, was->name) &&
		    !lsvm_state_add_sysctl(apply->wanted, was->name, was->value))
			return false;
	}
	return true;
}

static bool is_planned(const struct lsvm_apply *apply, const char *name)
{
	return apply->plan && lsvm_state_sysctl(apply->plan->wanted, name);
}

/* A sysctl that went with its interface cannot be restored and need not be. */
static void drop_vanished(struct lsvm_apply *apply)
{
	struct sysctl *items = apply->wanted->sysctls.items;
	size_t kept = 0;

	for (size_t i = 0; i < apply->wanted->sysctls.count; i++)
		if (is_planned(apply, items[i].name) ||
		    lsvm_state_sysctl(apply->present, items[i].name))
			items[kept++] = items[i];
	apply->wanted->sysctls.count = kept;
}

/* What the record shall say: earlier entries that are still planned, and the present
 * value of each sysctl that is planned now and was not ours. */
static bool remember(struct lsvm_apply *apply, bool keep_all)
{
	const struct state *was = apply->record.before;
	const struct move move = move_of(apply);

	for (size_t i = 0; i < was->sysctls.count; i++) {
		const struct sysctl *s = &was->sysctls.items[i];

		if ((keep_all || is_planned(apply, s->name)) &&
		    !lsvm_state_sysctl(apply->before, s->name) &&
		    !lsvm_state_add_sysctl(apply->before, s->name, s->value))
			return false;
	}
	for (size_t i = 0; apply->plan && i < apply->plan->wanted->sysctls.count; i++) {
		const struct sysctl *want = &apply->plan->wanted->sysctls.items[i];
		const struct sysctl *is = lsvm_state_sysctl(apply->present, want->name);

		if (is && !lsvm_sysctl_equal(is->value, want->value) &&
		    !lsvm_state_sysctl(apply->owned, want->name) &&
		    !lsvm_state_sysctl(apply->before, want->name) &&
		    !lsvm_state_add_sysctl(apply->before, want->name, is->value))
			return false;
	}
	return lsvm_move_remember(&move, keep_all, apply->before);
}

/* ---- making one ---- */

/* The wish's table and addresses instead of the plan's. */
static bool want_wish(struct lsvm_apply *apply, const struct apply_wish *wish)
{
	struct state *wanted = apply->wanted;

	if (wish->table) {
		lsvm_ipvs_table_unref(wanted->ipvs);
		wanted->ipvs = lsvm_ipvs_table_ref(wish->table);
	}
	if (!wish->other)
		return true;
	wanted->addresses.count = 0;
	for (size_t i = 0; i < wish->address_count; i++) {
		struct address *slot = vec_push(&wanted->addresses);

		if (!slot)
			return false;
		*slot = wish->addresses[i];
	}
	return true;
}

static int make_wanted(struct lsvm_apply *apply, const struct apply_wish *wish)
{
	int err = lsvm_state_union(apply->ctx, &apply->plan, apply->plan ? 1 : 0,
				   &apply->wanted);

	if (err >= 0 && (!want_wish(apply, wish) || !want_restored(apply)))
		err = lsvm_fail_nomem(apply->ctx);
	return err;
}

static int find_steps(struct lsvm_apply *apply)
{
	const struct move move = move_of(apply);
	const bool moved = lsvm_move_is(&apply->record, apply->plan);
	int err;

	if (moved)
		lsvm_move_lose_routes(&move);
	err = lsvm_steps_compute(apply->ctx, apply->present, apply->owned, apply->wanted,
				 &apply->steps);
	if (err >= 0 && moved)
		err = lsvm_move_add_steps(apply->ctx, &move, apply->steps);
	return err;
}

/* The table is known: all but it is looked at. */
static int observe(struct lsvm_apply *apply, struct lsvm_ipvs_table *known)
{
	struct state wanted = *apply->wanted, owned = *apply->owned;
	int err;

	if (known)
		wanted.ipvs = owned.ipvs = NULL;
	err = lsvm_host_observe(apply->host, &wanted, &owned, &apply->present);
	if (err >= 0 && known)
		apply->present->ipvs = lsvm_ipvs_table_ref(known);
	return err;
}

static int prepare(struct lsvm_apply *apply, const struct apply_wish *wish)
{
	int err = 0;

	apply->known.plan = apply->plan;
	if (apply->plan)
		err = lsvm_plan_to_json(apply->plan, &apply->known.text);
	if (err >= 0)
		err = lsvm_record_read(apply->host, &apply->known, &apply->record);
	if (err >= 0 && !apply->forced)
		err = lsvm_move_check(apply->ctx, &apply->record, apply->plan);
	if (err >= 0)
		err = lsvm_state_union(apply->ctx, apply->record.plans.items,
				       apply->record.plans.count, &apply->owned);
	if (err >= 0)
		err = make_wanted(apply, wish);
	if (err >= 0)
		err = observe(apply, wish->known);
	if (err < 0)
		return err;
	drop_vanished(apply);
	err = lsvm_role_drop_hidden(apply->host, apply->present, apply->wanted);
	if (err >= 0)
		err = find_steps(apply);
	if (err < 0)
		return err;
	if (!lsvm_steps_count(apply->steps))
		apply->phase = APPLY_RECORD_AFTER;
	return 0;
}

static int make_apply(struct lsvm_host *host, const struct apply_wish *wish, bool forced,
		      struct lsvm_apply **ret)
{
	struct lsvm_apply *apply = calloc(1, sizeof(*apply));
	int err;

	if (!apply)
		return lsvm_fail_nomem(host->ctx);
	apply->host = host;
	apply->ctx = lsvm_ctx_ref(host->ctx);
	apply->plan = wish->plan ? lsvm_plan_ref(wish->plan) : NULL;
	apply->other = wish->other ? lsvm_plan_ref(wish->other) : NULL;
	apply->forced = forced;
	err = prepare(apply, wish);
	if (err < 0) {
		lsvm_apply_free(apply);
		return err;
	}
	*ret = apply;
	return 0;
}

int lsvm_apply_new(struct lsvm_host *host, struct lsvm_plan *plan,
		   struct lsvm_apply **ret)
{
	return make_apply(host, &(struct apply_wish){ .plan = plan }, false, ret);
}

int lsvm_apply_new_as(struct lsvm_host *host, struct lsvm_plan *plan,
		      struct lsvm_apply **ret)
{
	return make_apply(host, &(struct apply_wish){ .plan = plan }, true, ret);
}

int lsvm_apply_new_for(struct lsvm_host *host, const struct apply_wish *wish,
		       struct lsvm_apply **ret)
{
	return make_apply(host, wish, false, ret);
}

const char *lsvm_apply_record(const struct lsvm_apply *apply)
{
	return apply->record.text;
}

const struct lsvm_steps *lsvm_apply_steps(const struct lsvm_apply *apply)
{
	return apply->steps;
}

/* A setting as it will be when the IPVS changes are made: sysctls come first. */
static uint32_t setting(const struct lsvm_apply *apply, const char *name, uint32_t flag)
{
	const struct sysctl *sysctl = lsvm_state_sysctl(apply->wanted, name);

	if (!sysctl)
		sysctl = lsvm_state_sysctl(apply->present, name);
	return sysctl && !lsvm_sysctl_equal(sysctl->value, "0") ? flag : 0;
}

int lsvm_apply_impact(const struct lsvm_apply *apply, struct lsvm_impact **ret)
{
	const struct lsvm_ipvs_table *present = apply->present->ipvs;
	const struct lsvm_ipvs_table *wanted = apply->wanted->ipvs;
	const uint32_t flags = setting(apply, "net.ipv4.vs.expire_nodest_conn",
				       LSVM_IMPACT_NODEST_EXPIRES) |
			       setting(apply, "net.ipv4.vs.expire_quiescent_template",
				       LSVM_IMPACT_QUIESCENT_EXPIRES) |
			       (apply->reorders ? LSVM_IMPACT_REORDERS : 0);
	struct lsvm_ipvs_table *empty;
	int err = lsvm_ipvs_table_new(apply->ctx, &empty);

	if (err < 0)
		return err;
	err = lsvm_impact_compute(apply->ctx, present ? present : empty,
				  wanted ? wanted : empty, apply->owned->ipvs, flags,
				  ret);
	lsvm_ipvs_table_unref(empty);
	return err;
}

int lsvm_apply_reorder(struct lsvm_apply *apply)
{
	int err = 0;

	if (apply->done || apply->phase == APPLY_STEPS || apply->phase == APPLY_DONE)
		return lsvm_fail(apply->ctx, LSVM_ERR_STATE,
				 "the order of destinations can be asked for before the "
				 "first step only; begin a new apply");
	if (!apply->reorders)
		err = lsvm_steps_reorder(apply->steps, apply->present, apply->owned,
					 apply->wanted);
	if (err < 0)
		return err;
	apply->reorders = true;
	if (lsvm_steps_count(apply->steps))
		apply->phase = APPLY_RECORD_BEFORE;
	return 0;
}

size_t lsvm_apply_done_count(const struct lsvm_apply *apply)
{
	return apply->done;
}

/* ---- going through it ---- */

static int reset_before(struct lsvm_apply *apply, bool keep_all)
{
	int err;

	lsvm_state_free(apply->before);
	apply->before = NULL;
	err = lsvm_state_new(apply->ctx, &apply->before);
	if (err >= 0 && !remember(apply, keep_all))
		err = lsvm_fail_nomem(apply->ctx);
	return err;
}

/* Out of memory counts as another plan: it is listed twice then, which does no harm. */
static bool is_known(const struct lsvm_apply *apply, const struct lsvm_plan *plan)
{
	char *text = NULL;
	bool same = plan == apply->plan || (lsvm_plan_to_json(plan, &text) >= 0 &&
					    strcmp(text, apply->known.text) == 0);

	lsvm_free(text);
	return same;
}

/* Puts the new plan behind the recorded ones, unless it is there. */
static int list_plan(struct lsvm_apply *apply)
{
	struct lsvm_plan **slot;

	for (size_t i = 0; apply->plan && i < apply->record.plans.count; i++)
		if (is_known(apply, apply->record.plans.items[i]))
			return 0;
	if (!apply->plan)
		return 0;
	if (apply->record.plans.count >= RECORD_MAX_PLANS)
		return lsvm_fail(
			apply->ctx, LSVM_ERR_LIMIT,
			"%d applies in a row were cut short on %s; finish one, or "
			"reset the machine",
			RECORD_MAX_PLANS, apply->host->name);
	slot = vec_push(&apply->record.plans);
	if (!slot)
		return lsvm_fail_nomem(apply->ctx);
	*slot = lsvm_plan_ref(apply->plan);
	return 0;
}

/* From the first write to the last nobody else applies, and nobody has since the machine
 * was looked at. */
static int lock(struct lsvm_apply *apply)
{
	int err = apply->locked ? 0 : apply->host->ops->lock(apply->host);

	if (err < 0 || apply->locked)
		return err;
	apply->locked = true;
	err = lsvm_record_check(apply->host, &apply->record);
	if (err < 0)
		unlock(apply);
	return err;
}

static int write_record(struct lsvm_apply *apply, struct lsvm_plan *const *plans,
			size_t count, bool duties)
{
	char *text = NULL;
	int err = 0;

	if (count)
		err = lsvm_record_text(apply->ctx, plans, count, &apply->known,
				       apply->before, duties, &text);
	if (err >= 0 && !lsvm_same_text(text, apply->record.text))
		err = lock(apply);
	if (err >= 0)
		err = lsvm_record_write(apply->host, &apply->record, text);
	free(text);
	return err;
}

static int record_before(struct lsvm_apply *apply)
{
	int err = lock(apply);

	if (err >= 0)
		err = list_plan(apply);
	if (err >= 0)
		err = reset_before(apply, true);
	if (err >= 0)
		err = write_record(apply, apply->record.plans.items,
				   apply->record.plans.count, false);
	if (err < 0)
		return err;
	apply->phase = APPLY_STEPS;
	return 0;
}

static int record_after(struct lsvm_apply *apply)
{
	struct lsvm_plan *const both[] = { apply->other, apply->plan };
	int err = reset_before(apply, false);

	if (err >= 0 && apply->other)
		err = write_record(apply, both, ARRAY_SIZE(both), true);
	else if (err >= 0)
		err = write_record(apply, &apply->plan, apply->plan ? 1 : 0, false);
	if (err < 0)
		return err;
	apply->phase = APPLY_DONE;
	unlock(apply);
	return 0;
}

static int next_batch(struct lsvm_apply *apply)
{
	const struct step *items = apply->steps->list.items + apply->done;
	size_t left = apply->steps->list.count - apply->done, count = 1, done = 0;
	int err;

	while (items[0].kind == STEP_IPVS && count < left && count < IPVS_BATCH_STEPS &&
	       items[count].kind == STEP_IPVS)
		count++;
	if (count > 1 && count < left && items[count].kind == STEP_IPVS &&
	    lsvm_ipvs_is_move(&items[count - 1].ipvs, &items[count].ipvs))
		count--;
	err = lsvm_host_perform(apply->host, items, count, &done);
	apply->done += done;
	if (apply->done == apply->steps->list.count)
		apply->phase = APPLY_RECORD_AFTER;
	return err;
}

int lsvm_apply_next(struct lsvm_apply *apply)
{
	int err = 0;

	/* Of what could not all be done nothing is begun. */
	if (apply->phase == APPLY_RECORD_BEFORE)
		err = lsvm_host_check(apply->host, apply->steps->list.items,
				      apply->steps->list.count);
	if (err >= 0 && apply->phase == APPLY_RECORD_BEFORE)
		err = record_before(apply);
	if (err >= 0 && apply->phase == APPLY_STEPS)
		err = next_batch(apply);
	if (err >= 0 && apply->phase == APPLY_RECORD_AFTER)
		err = record_after(apply);
	if (err < 0)
		return err;
	return apply->phase != APPLY_DONE;
}

int lsvm_apply_verify(struct lsvm_apply *apply)
{
	/* Whether programs saw the last files is no longer a question, so of what was
	 * ours only the rest of a reset is looked for. */
	const struct state *owned = apply->plan ? NULL : apply->owned;
	struct lsvm_steps *steps;
	struct state *present;
	struct buf text = { 0 };
	int err = lsvm_host_observe(apply->host, apply->wanted, owned, &present);

	if (err < 0)
		return err;
	err = lsvm_steps_compute(apply->ctx, present, owned, apply->wanted, &steps);
	if (err < 0) {
		lsvm_state_free(present);
		return err;
	}
	if (lsvm_steps_count(steps)) {
		lsvm_step_text(&steps->list.items[0], &text);
		err = lsvm_fail(apply->ctx, LSVM_ERR_CONFLICT,
				"%s is not as it was set; still to do: %s; look for what "
				"else changes this machine, and apply again",
				apply->host->name, text.data ? text.data : "?");
	}
	lsvm_buf_free(&text);
	lsvm_steps_free(steps);
	lsvm_state_free(present);
	return err;
}
