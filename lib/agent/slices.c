/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a round of keep.c looks at, slice by slice, and how a slice is put right: looked
 * at once more behind the lock, so that nobody else's apply is disturbed, and then
 * changed.
 */
#include "agent/keep.h"

#include <stdlib.h>

#define SLICE_SYSCTLS 32
#define SLICE_FILES 4

/* ---- what is wanted now ---- */

static bool is_wanted(const struct lsvm_agent *agent, const struct address *address)
{
	return lsvm_state_address(agent->aim.standby->wanted, address) ||
	       lsvm_duty_holds(agent, address);
}

bool lsvm_keep_addresses(struct lsvm_agent *agent)
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

struct lsvm_ipvs_table *lsvm_keep_table(const struct lsvm_agent *agent)
{
	struct lsvm_ipvs_table *table = lsvm_watch_table(agent);

	return table ? table : agent->aim.standby->wanted->ipvs;
}

/* ---- keeping ---- */

static void repaired(struct lsvm_agent *agent, const struct slice *slice,
		     const struct lsvm_steps *steps)
{
	struct keep *keep = agent->keep;
	size_t count = lsvm_steps_count(steps);
	struct buf text = { 0 };

	lsvm_step_text(&steps->list.items[0], &text);
	if (count > 1)
		lsvm_buf_printf(&text, ", and %zu more", count - 1);
	if (keep->first && slice->wanted.ipvs) {
		lsvm_agent_say(agent, LSVM_EVENT_APPLIED, LSVM_SEVERITY_NOTICE,
			       agent->aim.machine->name,
			       "who is alive is known now, and comes into the table: %s",
			       text.failed ? "?" : text.data);
	} else {
		keep->repair_count += count;
		lsvm_agent_say(agent, LSVM_EVENT_REPAIRED, LSVM_SEVERITY_WARNING,
			       agent->aim.machine->name,
			       "somebody else had changed it: %s",
			       text.failed ? "?" : text.data);
	}
	lsvm_buf_free(&text);
}

static void reordered(struct lsvm_agent *agent)
{
	lsvm_agent_say(agent, LSVM_EVENT_APPLIED, LSVM_SEVERITY_NOTICE,
		       agent->aim.machine->name,
		       "destinations are in the order of all directors again");
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
	if (err >= 0 && slice->reorder) {
		/* What differs otherwise is no matter of order: another slice has it. */
		if (lsvm_steps_count(*ret))
			return 0;
		err = lsvm_steps_reorder(*ret, *ret_present, &slice->owned,
					 &slice->wanted);
		if (err < 0)
			lsvm_steps_free(*ret);
	}
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
		if (err >= 0 && lsvm_steps_count(steps) && slice->reorder)
			reordered(agent);
		else if (err >= 0 && lsvm_steps_count(steps))
			repaired(agent, slice, steps);
		lsvm_steps_free(steps);
		lsvm_state_free(present);
	}
	agent->host->ops->unlock(agent->host);
	return err;
}

int lsvm_keep_look_at(struct lsvm_agent *agent, struct slice *slice)
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
	if (slice->wanted.ipvs && good)
		agent->keep->first = false;
	if (good)
		return 0;
	/* Who reads a file that is written again must be told. */
	if (slice->wanted.files.count)
		memcpy(&slice->wanted.units, &agent->aim.standby->wanted->units,
		       sizeof(slice->wanted.units));
	err = repair(agent, slice);
	if (slice->wanted.ipvs && err >= 0)
		agent->keep->first = false;
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
	if (keep->record && (!seen || !lsvm_same_text(seen->content, keep->record))) {
		lsvm_agent_say(agent, LSVM_EVENT_REPAIRED, LSVM_SEVERITY_WARNING,
			       agent->aim.machine->name,
			       "somebody else has applied a plan; the agent's is applied "
			       "again");
		keep->applied = false;
	}
	lsvm_state_free(present);
	return 0;
}

/* ---- the table ---- */

static void add_text(void *arg, const char *bytes, size_t length)
{
	lsvm_buf_add(arg, bytes, length);
}

bool lsvm_keep_is_listed(struct lsvm_agent *agent, const struct lsvm_ipvs_table *table)
{
	struct buf text = { 0 };
	bool listed = agent->host->ops->stream(agent->host, "/proc/thread-self/net/ip_vs",
					       add_text, &text) >= 0 &&
		      !text.failed && text.data &&
		      lsvm_ipvs_listing_has(text.data, table);

	lsvm_buf_free(&text);
	return listed;
}

/* The list is read fast, the table slowly: it is read when the list shows a difference,
 * and now and then because the list does not show all. */
static bool must_read(struct lsvm_agent *agent)
{
	return agent_now(agent) >= agent->keep->whole_due_ns ||
	       !lsvm_keep_is_listed(agent, lsvm_keep_table(agent));
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

	if (!lsvm_keep_addresses(agent))
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
	slice->wanted.ipvs = lsvm_keep_table(agent);
	slice->owned.ipvs = agent->aim.standby->wanted->ipvs;
}

/* Under sh, mh and dh who serves a client depends on the order in which destinations
 * were added: a server that came back is the last one here, and elsewhere perhaps not. */
static void cut_order(struct lsvm_agent *agent, struct slice *slice)
{
	struct sysctl *expires = lsvm_state_sysctl(agent->aim.standby->wanted,
						   "net.ipv4.vs.expire_nodest_conn");

	cut_table(agent, slice);
	slice->reorder = true;
	if (!expires)
		return;
	slice->wanted.sysctls.items = expires;
	slice->wanted.sysctls.count = 1;
}

bool lsvm_keep_order_matters(const struct lsvm_agent *agent)
{
	return agent->aim.standby != agent->aim.master &&
	       agent->aim.cluster->redundancy->connections == LSVM_CONNECTIONS_HASH;
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
	return agent->aim.standby->wanted->ipvs && lsvm_watch_is_settled(agent) &&
	       agent_now(agent) >= agent->keep->table_due_ns;
}

int lsvm_keep_next_slice(struct lsvm_agent *agent, struct slice *slice)
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
		if (is_table_due(agent) && must_read(agent))
			cut_table(agent, slice);
		break;
	case KEEP_ORDER:
		if (keep->order_lost && lsvm_keep_order_matters(agent))
			cut_order(agent, slice);
		keep->order_lost = false;
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
