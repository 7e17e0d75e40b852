/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of an agent: made, set, started, dispatched, stopped, freed.
 *
 * A dispatch takes what happened outside, one fact at a time, to the seat it belongs to,
 * and looks at the parts' deadlines between the facts: adverts go out in time however
 * much comes in. It ends after DISPATCH_FACTS of them, so that its caller gets a turn
 * too.
 */
#include "agent/agent.h"

#include <stdlib.h>

#define DISPATCH_FACTS 256
#define FACTS_BETWEEN_TICKS 16
/* How long an orderly end may take. */
#define STOP_NS (2 * IO_S)

static const struct word option_words[] = {
	{ LSVM_AGENT_CONTROL, "control" }, { LSVM_AGENT_METRICS, "metrics" },
	{ LSVM_AGENT_KEY, "key" },	   { LSVM_AGENT_LOG, "log" },
	{ LSVM_AGENT_NOTIFY, "notify" },   { 0, NULL },
};

const char *lsvm_agent_option_name(int option)
{
	return lsvm_word_name(option_words, option);
}

int lsvm_agent_option_parse(const char *name)
{
	return lsvm_word_value(option_words, name);
}

/* ---- what should be ---- */

void lsvm_aim_clear(struct aim *aim)
{
	lsvm_plan_unref(aim->standby);
	lsvm_plan_unref(aim->master);
	lsvm_cluster_unref(aim->cluster);
	*aim = (struct aim){ 0 };
}

/* Whether others could hold the addresses in its place. */
static bool has_others(const struct aim *aim)
{
	return aim->machine->role == LSVM_ROLE_DIRECTOR &&
	       aim->cluster->redundancy->kind == LSVM_REDUNDANCY_VRRP &&
	       aim->cluster->directors.count > 1;
}

static int compile(struct lsvm_ctx *ctx, const char *machine, struct aim *aim)
{
	const bool others = has_others(aim);
	int err = lsvm_plan_compile(ctx, aim->cluster, machine,
				    others ? LSVM_DUTY_BACKUP : LSVM_DUTY_AUTO,
				    &aim->standby);

	if (err >= 0 && others)
		err = lsvm_plan_compile(ctx, aim->cluster, machine, LSVM_DUTY_MASTER,
					&aim->master);
	else if (err >= 0)
		aim->master = lsvm_plan_ref(aim->standby);
	return err;
}

int lsvm_aim_make(struct lsvm_ctx *ctx, struct lsvm_cluster *cluster, const char *machine,
		  struct aim *ret)
{
	struct aim aim = { .machine =
				   lsvm_map_find(&cluster->machines_by_name, machine) };
	int err;

	if (!aim.machine)
		return lsvm_fail(ctx, LSVM_ERR_NOT_FOUND,
				 "cluster '%s' has no machine '%s'; look at the names in "
				 "its file",
				 cluster->name, machine);
	if (aim.machine->role != LSVM_ROLE_DIRECTOR &&
	    aim.machine->role != LSVM_ROLE_SERVER)
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "%s is a %s; only directors and servers have an agent",
				 machine, lsvm_role_name((int)aim.machine->role));
	aim.cluster = lsvm_cluster_ref(cluster);
	err = compile(ctx, machine, &aim);
	if (err < 0) {
		lsvm_aim_clear(&aim);
		return err;
	}
	*ret = aim;
	return 0;
}

/* ---- beginning ---- */

int lsvm_agent_new(struct lsvm_host *host, struct lsvm_cluster *cluster,
		   const char *machine, struct lsvm_agent **ret)
{
	struct lsvm_agent *agent;
	int err;

	if (!host->ops->io)
		return lsvm_fail(host->ctx, LSVM_ERR_UNSUPPORTED,
				 "%s cannot wait for anything, so no agent can run on it",
				 host->name);
	agent = calloc(1, sizeof(*agent));
	if (!agent)
		return lsvm_fail_nomem(host->ctx);
	err = lsvm_aim_make(host->ctx, cluster, machine, &agent->aim);
	if (err < 0) {
		free(agent);
		return err;
	}
	agent->host = host;
	agent->io = host->ops->io;
	agent->ctx = lsvm_ctx_ref(host->ctx);
	agent->role = agent->aim.machine->role;
	*ret = agent;
	return 0;
}

int lsvm_agent_set(struct lsvm_agent *agent, int option, const char *value)
{
	int err = LSVM_ERR_UNSUPPORTED;

	if (agent->life != AGENT_NEW)
		return lsvm_fail(agent->ctx, LSVM_ERR_STATE,
				 "the agent runs already; options are set before its "
				 "start");
	if (option < LSVM_AGENT_CONTROL || option > LSVM_AGENT_NOTIFY || !value)
		return lsvm_fail(agent->ctx, LSVM_ERR_ARGUMENT, "%d is no option",
				 option);
	for (size_t i = 0; lsvm_agent_parts[i] && err == LSVM_ERR_UNSUPPORTED; i++)
		if (lsvm_agent_parts[i]->set)
			err = lsvm_agent_parts[i]->set(
				agent, (enum lsvm_agent_option)option, value);
	if (err == LSVM_ERR_UNSUPPORTED)
		return lsvm_fail(agent->ctx, err, "the agent of a %s has no option '%s'",
				 lsvm_role_name((int)agent->role),
				 lsvm_agent_option_name(option));
	return err;
}

static uint64_t soonest(const struct lsvm_agent *agent)
{
	uint64_t deadline = IO_NEVER;

	for (size_t i = 0; lsvm_agent_parts[i]; i++) {
		const struct agent_part *part = lsvm_agent_parts[i];
		uint64_t its = part->deadline ? part->deadline(agent) : IO_NEVER;

		if (its < deadline)
			deadline = its;
	}
	return deadline;
}

static void free_parts(struct lsvm_agent *agent)
{
	size_t count = 0;

	while (lsvm_agent_parts[count])
		count++;
	while (count--)
		if (lsvm_agent_parts[count]->free)
			lsvm_agent_parts[count]->free(agent);
}

static int start_parts(struct lsvm_agent *agent)
{
	int err = 0;

	for (size_t i = 0; lsvm_agent_parts[i] && err >= 0; i++)
		if (lsvm_agent_parts[i]->start)
			err = lsvm_agent_parts[i]->start(agent);
	return err;
}

static void wish(struct lsvm_agent *agent, uint64_t when_ns)
{
	agent->wake_ns = when_ns;
	agent->io->wake(agent->host, when_ns);
}

int lsvm_agent_start(struct lsvm_agent *agent)
{
	int err;

	if (agent->life != AGENT_NEW)
		return lsvm_fail(agent->ctx, LSVM_ERR_STATE,
				 "the agent was started already");
	agent->started_ns = agent_now(agent);
	err = start_parts(agent);
	if (err < 0) {
		free_parts(agent);
		return err;
	}
	agent->life = AGENT_RUNNING;
	lsvm_agent_say(agent, LSVM_EVENT_STARTED, LSVM_SEVERITY_NOTICE,
		       agent->aim.machine->name, "the %s of cluster '%s' is watched over",
		       lsvm_role_name((int)agent->role), agent->aim.cluster->name);
	wish(agent, agent_now(agent));
	return 0;
}

/* ---- going on ---- */

int lsvm_agent_fd(const struct lsvm_agent *agent)
{
	return agent->io->fd(agent->host);
}

/* A part whose deadline its tick does not move would be asked for ever. */
static void tick(struct lsvm_agent *agent)
{
	const uint64_t now = agent_now(agent);

	for (size_t i = 0; lsvm_agent_parts[i]; i++) {
		const struct agent_part *part = lsvm_agent_parts[i];

		if (part->deadline && part->deadline(agent) <= now)
			part->tick(agent, now);
	}
}

static bool all_stopped(const struct lsvm_agent *agent)
{
	for (size_t i = 0; lsvm_agent_parts[i]; i++)
		if (lsvm_agent_parts[i]->stopped && !lsvm_agent_parts[i]->stopped(agent))
			return false;
	return true;
}

static void look_for_end(struct lsvm_agent *agent)
{
	if (agent->life != AGENT_STOPPING ||
	    (!all_stopped(agent) && agent_now(agent) < agent->stop_ns))
		return;
	lsvm_agent_say(agent, LSVM_EVENT_STOPPED, LSVM_SEVERITY_NOTICE,
		       agent->aim.machine->name, "ended in order");
	agent->life = AGENT_FINISHED;
}

/* How late it came, and how long it took, at most: what decides whether adverts go out in
 * time. */
static void measure(struct lsvm_agent *agent, uint64_t begun_ns)
{
	const uint64_t took = agent_now(agent) - begun_ns;

	if (agent->wake_ns < begun_ns && begun_ns - agent->wake_ns > agent->latest_ns)
		agent->latest_ns = begun_ns - agent->wake_ns;
	if (took > agent->slowest_ns)
		agent->slowest_ns = took;
}

int lsvm_agent_dispatch(struct lsvm_agent *agent)
{
	const uint64_t begun = agent_now(agent);
	struct io_event event;
	uint64_t deadline;
	size_t count = 0;
	bool more;

	if (agent->life == AGENT_NEW)
		return lsvm_fail(agent->ctx, LSVM_ERR_STATE,
				 "the agent was not started; call lsvm_agent_start()");
	if (agent->life == AGENT_FINISHED)
		return 0;
	/* What came is heard before anybody is called silent. */
	agent->hearing = true;
	while ((more = count < DISPATCH_FACTS) &&
	       (more = agent->io->next(agent->host, &event))) {
		struct seat *seat = event.owner;

		seat->take(agent, seat, &event);
		if (++count % FACTS_BETWEEN_TICKS == 0)
			tick(agent);
	}
	agent->hearing = false;
	agent->behind = more;
	tick(agent);
	look_for_end(agent);
	deadline = soonest(agent);
	if (agent->life == AGENT_STOPPING && agent->stop_ns < deadline)
		deadline = agent->stop_ns;
	measure(agent, begun);
	wish(agent, count == DISPATCH_FACTS ? agent_now(agent) : deadline);
	return 0;
}

/* ---- ending ---- */

int lsvm_agent_stop(struct lsvm_agent *agent)
{
	if (agent->life == AGENT_NEW)
		return lsvm_fail(agent->ctx, LSVM_ERR_STATE, "the agent was not started");
	if (agent->life != AGENT_RUNNING)
		return 0;
	agent->life = AGENT_STOPPING;
	agent->stop_ns = agent_now(agent) + STOP_NS;
	for (size_t i = 0; lsvm_agent_parts[i]; i++)
		if (lsvm_agent_parts[i]->stop)
			lsvm_agent_parts[i]->stop(agent);
	look_for_end(agent);
	wish(agent, agent_now(agent));
	return 0;
}

bool lsvm_agent_is_finished(const struct lsvm_agent *agent)
{
	return agent->life == AGENT_FINISHED;
}

void lsvm_agent_free(struct lsvm_agent *agent)
{
	if (!agent)
		return;
	agent->life = AGENT_FINISHED;
	free_parts(agent);
	lsvm_agent_events_free(agent);
	lsvm_aim_clear(&agent->aim);
	lsvm_ctx_unref(agent->ctx);
	free(agent);
}
