/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan, applied and kept.
 *
 * First it is applied (lib/role), at the start in one go, after a reload one batch each
 * tick. From then on the machine is looked at again and again, a slice each tick, so that
 * no tick takes long however large the plan is; what somebody else changed is put right
 * and told. An apply that fails is tried again, later and later.
 *
 * What is wanted at any moment is the standby plan with the table that the checks leave
 * and the addresses that duty holds; what is ours is all of the master's plan, so that an
 * address that lies around on a backup goes.
 */
#include "agent/keep.h"
#include "base/json.h"

#include <stdlib.h>

/* From the end of one round to the beginning of the next, and between slices. */
#define ROUND_NS (10 * IO_S)
#define WHOLE_NS (300 * IO_S)
#define SLICE_NS (20 * IO_MS)
#define SOON_NS (50 * IO_MS)
/* Reading the table may take at most one part in that many of the time. */
#define TABLE_SHARE 200

static void due(struct keep *keep, uint64_t when_ns)
{
	keep->due_ns = when_ns;
}

/* ---- applying ---- */

static int begin_apply(struct lsvm_agent *agent)
{
	struct keep *keep = agent->keep;
	const bool both = agent->aim.master != agent->aim.standby;
	struct apply_wish wish = {
		.plan = agent->aim.standby,
		.other = both ? agent->aim.master : NULL,
		.table = lsvm_keep_table(agent),
	};

	struct lsvm_ipvs_table *first = NULL;
	int err = 0;

	if (!lsvm_keep_addresses(agent))
		return lsvm_fail_nomem(agent->ctx);
	wish.addresses = keep->addresses.items;
	wish.address_count = keep->addresses.count;
	if (agent->life == AGENT_NEW && wish.table)
		err = lsvm_keep_first_table(agent, &first);
	if (first)
		wish.table = first;
	if (keep->known && lsvm_keep_is_listed(agent, keep->known))
		wish.known = keep->known;
	if (err >= 0)
		err = lsvm_apply_new_for(agent->host, &wish, &keep->apply);
	lsvm_ipvs_table_unref(first);
	return err;
}

static void forget_known(struct keep *keep)
{
	lsvm_ipvs_table_unref(keep->known);
	keep->known = NULL;
}

static void drop_apply(struct keep *keep)
{
	lsvm_apply_free(keep->apply);
	keep->apply = NULL;
}

static void applied(struct lsvm_agent *agent)
{
	struct keep *keep = agent->keep;
	size_t count = lsvm_apply_done_count(keep->apply);

	free(keep->record);
	keep->record = strdup(lsvm_apply_record(keep->apply));
	keep->applied = true;
	keep->retry.delay_ns = 0;
	keep->good_ns = agent_now(agent);
	drop_apply(keep);
	forget_known(keep);
	lsvm_agent_well(agent, &keep->trouble, agent->aim.machine->name);
	lsvm_agent_say(agent, LSVM_EVENT_APPLIED, LSVM_SEVERITY_NOTICE,
		       agent->aim.machine->name, "holds its plan: %zu step%s", count,
		       count == 1 ? "" : "s");
	/* Verdicts may have come meanwhile. */
	keep->order_lost = true;
	keep->table_due_ns = 0;
	due(keep, agent_now(agent) + SOON_NS);
	lsvm_duty_ready(agent);
}

/* One batch; 1 while there is more to do. */
static int apply_some(struct lsvm_agent *agent)
{
	struct keep *keep = agent->keep;
	int more;

	if (!keep->apply) {
		int err = begin_apply(agent);

		return err < 0 ? err : 1;
	}
	more = lsvm_apply_next(keep->apply);
	if (more == 0)
		applied(agent);
	return more;
}

static void apply_failed(struct lsvm_agent *agent)
{
	struct keep *keep = agent->keep;

	drop_apply(keep);
	forget_known(keep);
	lsvm_agent_trouble(agent, &keep->trouble, agent->aim.machine->name,
			   lsvm_ctx_error_text(agent->ctx));
	due(keep, lsvm_retry_next(&keep->retry, agent_now(agent)));
}

/* What no second try can mend, and somebody who starts an agent must know. */
static bool is_senseless(int err)
{
	return err == LSVM_ERR_PERMISSION || err == LSVM_ERR_NO_IPVS ||
	       err == LSVM_ERR_UNSUPPORTED || err == LSVM_ERR_PARSE ||
	       err == LSVM_ERR_ARGUMENT || err == LSVM_ERR_NOMEM ||
	       err == LSVM_ERR_CONFLICT;
}

static int keep_start(struct lsvm_agent *agent)
{
	int more;

	agent->keep = calloc(1, sizeof(*agent->keep));
	if (!agent->keep)
		return lsvm_fail_nomem(agent->ctx);
	do
		more = apply_some(agent);
	while (more > 0);
	if (more < 0 && is_senseless(more))
		return more;
	if (more < 0)
		apply_failed(agent);
	return 0;
}

/* ---- keeping ---- */

static void round_over(struct lsvm_agent *agent, uint64_t now_ns)
{
	struct keep *keep = agent->keep;

	keep->subject = KEEP_RECORD;
	keep->cursor = 0;
	keep->good_ns = now_ns;
	keep->retry.delay_ns = 0;
	lsvm_agent_well(agent, &keep->trouble, agent->aim.machine->name);
	due(keep, now_ns + ROUND_NS);
}

/* Where reading the table would make adverts late, its list has to do. */
static uint64_t whole_again(const struct lsvm_agent *agent, uint64_t took_ns)
{
	const bool others = agent->aim.standby != agent->aim.master;
	const uint64_t interval_ms = agent->aim.cluster->redundancy->advert_interval_ms;

	return others && took_ns > interval_ms * IO_MS ? IO_NEVER
						       : agent_now(agent) + WHOLE_NS;
}

static int look_at_slice(struct lsvm_agent *agent, struct slice *slice)
{
	struct keep *keep = agent->keep;
	uint64_t begun = agent_now(agent), ended;
	int err = lsvm_keep_look_at(agent, slice);

	ended = agent_now(agent);
	if (slice->wanted.ipvs) {
		keep->table_due_ns = ended + (ended - begun) * TABLE_SHARE;
		keep->whole_due_ns = whole_again(agent, ended - begun);
	}
	return err;
}

static void keep_on(struct lsvm_agent *agent, uint64_t now_ns)
{
	struct keep *keep = agent->keep;
	struct slice slice;
	int more = lsvm_keep_next_slice(agent, &slice), err = more;

	if (more > 0)
		err = look_at_slice(agent, &slice);
	if (err == LSVM_ERR_BUSY) {
		/* An operator's apply: after it, what it did is looked at. */
		due(keep, now_ns + IO_S);
		return;
	}
	if (err < 0) {
		lsvm_agent_trouble(agent, &keep->trouble, agent->aim.machine->name,
				   lsvm_ctx_error_text(agent->ctx));
		keep->subject = KEEP_RECORD;
		keep->cursor = 0;
		due(keep, lsvm_retry_next(&keep->retry, now_ns));
	} else if (!keep->applied) {
		due(keep, now_ns);
	} else if (more == 0) {
		round_over(agent, now_ns);
	} else {
		due(keep, now_ns + SLICE_NS);
	}
}

/* ---- the part ---- */

static void keep_tick(struct lsvm_agent *agent, uint64_t now_ns)
{
	int more;

	if (agent->keep->applied) {
		keep_on(agent, now_ns);
		return;
	}
	more = apply_some(agent);
	if (more < 0)
		apply_failed(agent);
	else if (more)
		due(agent->keep, now_ns);
}

static uint64_t keep_deadline(const struct lsvm_agent *agent)
{
	return agent->keep && agent->life == AGENT_RUNNING ? agent->keep->due_ns
							   : IO_NEVER;
}

void lsvm_keep_soon(struct lsvm_agent *agent)
{
	struct keep *keep = agent->keep;
	uint64_t when = agent_now(agent) + SOON_NS;

	if (!keep || !keep->applied)
		return;
	keep->subject = KEEP_RECORD;
	keep->cursor = 0;
	keep->table_due_ns = 0;
	if (!keep->retry.delay_ns && when < keep->due_ns)
		due(keep, when);
}

void lsvm_keep_order(struct lsvm_agent *agent)
{
	struct keep *keep = agent->keep;

	if (!keep || !lsvm_keep_order_matters(agent))
		return;
	keep->order_lost = true;
	lsvm_keep_soon(agent);
}

void lsvm_keep_changed(struct lsvm_agent *agent)
{
	struct keep *keep = agent->keep;

	if (!keep || keep->applied)
		return;
	drop_apply(keep);
}

bool lsvm_keep_is_good(const struct lsvm_agent *agent)
{
	return agent->keep && agent->keep->applied;
}

/* What the kernel has while the old plan is in force. */
static int keep_prepare(struct lsvm_agent *agent, const struct aim *next)
{
	struct keep *keep = agent->keep;
	struct lsvm_ipvs_table *table = lsvm_keep_table(agent);

	forget_known(keep);
	if (keep->applied && table)
		keep->known = lsvm_ipvs_table_ref(table);
	return 0;
}

static void keep_reload(struct lsvm_agent *agent, bool good)
{
	struct keep *keep = agent->keep;

	if (!good) {
		forget_known(keep);
		return;
	}
	drop_apply(keep);
	keep->applied = false;
	keep->retry.delay_ns = 0;
	due(keep, agent_now(agent));
}

static void keep_stop(struct lsvm_agent *agent)
{
	drop_apply(agent->keep);
}

static void keep_free(struct lsvm_agent *agent)
{
	struct keep *keep = agent->keep;

	if (!keep)
		return;
	drop_apply(keep);
	forget_known(keep);
	vec_free(&keep->addresses);
	free(keep->record);
	free(keep);
	agent->keep = NULL;
}

json_t *lsvm_keep_json(const struct lsvm_agent *agent)
{
	const struct keep *keep = agent->keep;

	return json_pack("{s:b, s:s, s:I}", "applied", keep->applied, "trouble",
			 keep->trouble.text, "repairs", (json_int_t)keep->repair_count);
}

const struct agent_part lsvm_agent_keep = {
	.name = "keep",
	.start = keep_start,
	.prepare = keep_prepare,
	.reload = keep_reload,
	.deadline = keep_deadline,
	.tick = keep_tick,
	.stop = keep_stop,
	.free = keep_free,
};
