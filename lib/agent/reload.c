/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another cluster file comes into force. All that could fail is made first; then every
 * part goes over to it, and what did not change goes on undisturbed.
 */
#include "agent/agent.h"

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

int lsvm_agent_reload(struct lsvm_agent *agent, struct lsvm_cluster *cluster)
{
	struct aim next, old = agent->aim;
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
	agent->aim = next;
	go_over(agent, true);
	lsvm_aim_clear(&old);
	lsvm_agent_say(agent, LSVM_EVENT_RELOADED, LSVM_SEVERITY_NOTICE,
		       agent->aim.machine->name, "cluster '%s' is in force",
		       agent->aim.cluster->name);
	agent->io->wake(agent->host, agent_now(agent));
	return 0;
}
