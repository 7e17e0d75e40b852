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
#define SLICE_NS (20 * IO_MS)
#define SOON_NS (50 * IO_MS)
#define SLICE_SYSCTLS 32
#define SLICE_FILES 4
/* Reading the table may take at most one part in that many of the time. */
#define TABLE_SHARE 200

static void due(struct keep *keep, uint64_t when_ns)
{
	keep->due_ns = when_ns;
}

/* ---- what is wanted now ---- */

static bool is_wanted(const struct lsvm_agent *agent, const struct address *address)
{
	return lsvm_state_address(agent->aim.standby->wanted, address) ||
	       lsvm_duty_holds(agent, address);
}

/* The addresses of the master's plan that are wanted now. */
static bool find_addresses(struct lsvm_agent *agent)
{
	const struct state *all = agent->aim.master->wanted;
	struct keep *keep = agent->keep;

	keep->addresses.count = 0;
	for (size_t i = 0; i < all->addresses.count; i++) {
		struct address *slot;

		if (!is_wanted(agent, &all->addresses.items[i]))
			continue;
		slot = vec_push(&keep->addresses);
		if (!slot)
			return false;
		*slot = all->addresses.items[i];
	}
	return true;
}

static struct lsvm_ipvs_table *wanted_table(const struct lsvm_agent *agent)
{
	struct lsvm_ipvs_table *table = lsvm_watch_table(agent);

	return table ? table : agent->aim.standby->wanted->ipvs;
}

/* ---- applying ---- */

static int begin_apply(struct lsvm_agent *agent)
{
	struct keep *keep = agent->keep;
	const bool both = agent->aim.master != agent->aim.standby;
	struct apply_wish wish = {
		.plan = agent->aim.standby,
		.other = both ? agent->aim.master : NULL,
		.table = wanted_table(agent),
	};

	if (!find_addresses(agent))
		return lsvm_fail_nomem(agent->ctx);
	wish.addresses = keep->addresses.items;
	wish.address_count = keep->addresses.count;
	return lsvm_apply_new_for(agent->host, &wish, &keep->apply);
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
	lsvm_agent_well(agent, &keep->trouble, agent->aim.machine->name);
	lsvm_agent_say(agent, LSVM_EVENT_APPLIED, LSVM_SEVERITY_NOTICE,
		       agent->aim.machine->name, "holds its plan: %zu step%s", count,
		       count == 1 ? "" : "s");
	/* Verdicts may have come meanwhile. */
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

static void repaired(struct lsvm_agent *agent, const struct lsvm_steps *steps)
{
	struct keep *keep = agent->keep;
	size_t count = lsvm_steps_count(steps);
	struct buf text = { 0 };

	lsvm_step_text(&steps->list.items[0], &text);
	if (count > 1)
		lsvm_buf_printf(&text, ", and %zu more", count - 1);
	keep->repair_count += count;
	lsvm_agent_say(agent, LSVM_EVENT_REPAIRED, LSVM_SEVERITY_WARNING,
		       agent->aim.machine->name, "somebody else had changed it: %s",
		       text.failed ? "?" : text.data);
	lsvm_buf_free(&text);
}

/* The steps that lead from what the machine has to the slice. */
static int slice_steps(struct lsvm_agent *agent, const struct slice *slice,
		       struct state **ret_present, struct lsvm_steps **ret)
{
	int err = lsvm_host_observe(agent->host, &slice->wanted, &slice->owned,
				    ret_present);

	if (err < 0)
		return err;
	err = lsvm_steps_compute(agent->ctx, *ret_present, &slice->owned, &slice->wanted,
				 ret);
	if (err < 0)
		lsvm_state_free(*ret_present);
	return err;
}

/* Looks again behind the lock, so that nobody else's apply is disturbed. */
static int repair(struct lsvm_agent *agent, const struct slice *slice)
{
	struct lsvm_steps *steps;
	struct state *present;
	size_t done;
	int err = agent->host->ops->lock(agent->host);

	if (err < 0)
		return err;
	err = slice_steps(agent, slice, &present, &steps);
	if (err >= 0) {
		if (lsvm_steps_count(steps))
			err = lsvm_host_perform(agent->host, steps->list.items,
						steps->list.count, &done);
		if (err >= 0 && lsvm_steps_count(steps))
			repaired(agent, steps);
		lsvm_steps_free(steps);
		lsvm_state_free(present);
	}
	agent->host->ops->unlock(agent->host);
	return err;
}

/* 0: it was as it should be; 1: it was put right. */
static int look_at(struct lsvm_agent *agent, struct slice *slice)
{
	struct lsvm_steps *steps;
	struct state *present;
	bool good;
	int err = slice_steps(agent, slice, &present, &steps);

	if (err < 0)
		return err;
	good = !lsvm_steps_count(steps);
	lsvm_steps_free(steps);
	lsvm_state_free(present);
	if (good)
		return 0;
	/* Who reads a file that is written again must be told. */
	if (slice->wanted.files.count)
		memcpy(&slice->wanted.units, &agent->aim.standby->wanted->units,
		       sizeof(slice->wanted.units));
	err = repair(agent, slice);
	return err < 0 ? err : 1;
}

/* Somebody else's apply has left a record of its own: ours comes again. */
static int look_at_record(struct lsvm_agent *agent)
{
	struct keep *keep = agent->keep;
	struct state wanted = { 0 }, *present;
	struct file file = { .path = RECORD_PATH };
	const struct file *seen;
	int err;

	wanted.files.items = &file;
	wanted.files.count = 1;
	err = lsvm_host_observe(agent->host, &wanted, NULL, &present);
	if (err < 0)
		return err;
	seen = lsvm_state_file(present, RECORD_PATH);
	if (!seen || !lsvm_same_text(seen->content, keep->record)) {
		lsvm_agent_say(agent, LSVM_EVENT_REPAIRED, LSVM_SEVERITY_WARNING,
			       agent->aim.machine->name,
			       "somebody else has applied a plan; the agent's is applied "
			       "again");
		keep->applied = false;
	}
	lsvm_state_free(present);
	return 0;
}

/* ---- slices ---- */

#define CUT(from, to, list, first, most)                                                 \
	do {                                                                             \
		size_t left = (from)->list.count - (first);                              \
		(to)->list.items = (from)->list.items + (first);                         \
		(to)->list.count = left < (most) ? left : (most);                        \
		keep->cursor += (to)->list.count;                                        \
	} while (0)

/* Addresses, links and routes, which are looked at in one go whatever is asked for. */
static int cut_network(struct lsvm_agent *agent, struct slice *slice)
{
	const struct state *standby = agent->aim.standby->wanted;
	const struct state *all = agent->aim.master->wanted;
	struct keep *keep = agent->keep;

	if (!find_addresses(agent))
		return lsvm_fail_nomem(agent->ctx);
	slice->wanted.links.items = standby->links.items;
	slice->wanted.links.count = standby->links.count;
	slice->wanted.routes.items = standby->routes.items;
	slice->wanted.routes.count = standby->routes.count;
	slice->wanted.addresses.items = keep->addresses.items;
	slice->wanted.addresses.count = keep->addresses.count;
	slice->owned.addresses.items = all->addresses.items;
	slice->owned.addresses.count = all->addresses.count;
	return 0;
}

static void cut_table(struct lsvm_agent *agent, struct slice *slice)
{
	slice->wanted.ipvs = wanted_table(agent);
	slice->owned.ipvs = agent->aim.standby->wanted->ipvs;
}

/* Programs without a pid file are not looked at: that would run a program. */
static void cut_unit(struct keep *keep, const struct state *plan, struct slice *slice)
{
	const struct unit *unit = &plan->units.items[keep->cursor];

	CUT(plan, &slice->wanted, units, keep->cursor, 1);
	if (!unit->pid_file)
		slice->wanted.units.count = 0;
}

static bool is_table_due(const struct lsvm_agent *agent)
{
	return agent->aim.standby->wanted->ipvs &&
	       agent_now(agent) >= agent->keep->table_due_ns;
}

/* The next slice of this round; 0: the round is over. */
static int next_slice(struct lsvm_agent *agent, struct slice *slice)
{
	const struct state *plan = agent->aim.standby->wanted;
	struct keep *keep = agent->keep;
	size_t at = keep->cursor;
	int err = 0;

	*slice = (struct slice){ 0 };
	switch (keep->subject) {
	case KEEP_RECORD:
		err = look_at_record(agent);
		break;
	case KEEP_NETWORK:
		err = cut_network(agent, slice);
		break;
	case KEEP_TABLE:
		if (is_table_due(agent))
			cut_table(agent, slice);
		break;
	case KEEP_SYSCTLS:
		if (at < plan->sysctls.count) {
			CUT(plan, &slice->wanted, sysctls, at, SLICE_SYSCTLS);
			return 1;
		}
		break;
	case KEEP_FILES:
		if (at < plan->files.count) {
			CUT(plan, &slice->wanted, files, at, SLICE_FILES);
			return 1;
		}
		break;
	case KEEP_UNITS:
		if (at < plan->units.count) {
			cut_unit(keep, plan, slice);
			return 1;
		}
		break;
	case KEEP_END:
		return 0;
	}
	keep->subject++;
	keep->cursor = 0;
	return err < 0 ? err : 1;
}

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

static int look_at_slice(struct lsvm_agent *agent, struct slice *slice)
{
	struct keep *keep = agent->keep;
	uint64_t begun = agent_now(agent), ended;
	int err = look_at(agent, slice);

	ended = agent_now(agent);
	if (slice->wanted.ipvs)
		keep->table_due_ns = ended + (ended - begun) * TABLE_SHARE;
	return err;
}

static void keep_on(struct lsvm_agent *agent, uint64_t now_ns)
{
	struct keep *keep = agent->keep;
	struct slice slice;
	int more = next_slice(agent, &slice), err = more;

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

static void keep_reload(struct lsvm_agent *agent, bool good)
{
	struct keep *keep = agent->keep;

	if (!good)
		return;
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
	.reload = keep_reload,
	.deadline = keep_deadline,
	.tick = keep_tick,
	.stop = keep_stop,
	.free = keep_free,
};
