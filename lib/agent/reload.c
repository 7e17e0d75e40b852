/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another cluster file comes into force. All that could fail is made first; then every
 * part goes over to it, and what did not change goes on undisturbed. Destinations that
 * only get other values have them at once: they are ours already, so that no record has
 * to be written first, which takes a while with thousands of services.
 */
#include "agent/keep.h"

#include <stdio.h>

static int check(struct lsvm_agent *agent, const struct aim *next)
{
	if (next->machine->role != agent->role)
		return lsvm_fail(agent->ctx, LSVM_ERR_CONFLICT,
				 "%s was a %s and is a %s now; start its agent anew",
				 next->machine->name, lsvm_role_name((int)agent->role),
				 lsvm_role_name((int)next->machine->role));
	return 0;
}

static int prepare(struct lsvm_agent *agent, const struct aim *next)
{
	int err = 0;

	for (size_t i = 0; lsvm_agent_parts[i] && err >= 0; i++)
		if (lsvm_agent_parts[i]->prepare)
			err = lsvm_agent_parts[i]->prepare(agent, next);
	return err;
}

static void go_over(struct lsvm_agent *agent, bool good)
{
	for (size_t i = 0; lsvm_agent_parts[i]; i++)
		if (lsvm_agent_parts[i]->reload)
			lsvm_agent_parts[i]->reload(agent, good);
}

/* More would keep adverts waiting; the apply that follows does the rest, and what failed
 * here. */
#define AT_ONCE_MAX 256

static void edit_at_once(struct lsvm_agent *agent, const struct lsvm_ipvs_table *was,
			 const struct lsvm_ipvs_table *now)
{
	struct step steps[AT_ONCE_MAX];
	struct ipvs_changes changes = { 0 };
	size_t count = 0, done;

	if (!was || !now ||
	    lsvm_ipvs_changes_compute(agent->ctx, was, was, now, &changes) < 0)
		return;
	for (size_t i = 0; i < changes.list.count && count < AT_ONCE_MAX; i++) {
		const struct ipvs_change *change = &changes.list.items[i];

		/* Not one that drains before it is removed. */
		if (change->kind == IPVS_DESTINATION_EDIT &&
		    change->weight == change->destination->weight)
			steps[count++] =
				(struct step){ .kind = STEP_IPVS, .ipvs = *change };
	}
	if (count)
		(void)lsvm_host_perform(agent->host, steps, count, &done);
	lsvm_ipvs_changes_clear(&changes);
}

int lsvm_agent_reload(struct lsvm_agent *agent, struct lsvm_cluster *cluster)
{
	struct aim next, old = agent->aim;
	struct lsvm_ipvs_table *was;
	int err;

	if (agent->life != AGENT_RUNNING)
		return lsvm_fail(agent->ctx, LSVM_ERR_STATE,
				 "the agent does not run, so there is nothing to reload");
	err = lsvm_aim_make(agent->ctx, cluster, old.machine->name, &next);
	if (err < 0)
		return err;
	err = check(agent, &next);
	if (err >= 0)
		err = prepare(agent, &next);
	if (err < 0) {
		go_over(agent, false);
		lsvm_aim_clear(&next);
		return err;
	}
	was = lsvm_keep_table(agent);
	was = was ? lsvm_ipvs_table_ref(was) : NULL;
	agent->aim = next;
	go_over(agent, true);
	edit_at_once(agent, was, lsvm_keep_table(agent));
	lsvm_ipvs_table_unref(was);
	lsvm_aim_clear(&old);
	lsvm_agent_say(agent, LSVM_EVENT_RELOADED, LSVM_SEVERITY_NOTICE,
		       agent->aim.machine->name, "cluster '%s' is in force",
		       agent->aim.cluster->name);
	agent->io->wake(agent->host, agent_now(agent));
	return 0;
}
