/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who holds the virtual addresses: a director without another one beside it holds what
 * its plan says, for ever. */
#include "agent/agent.h"

#include <jansson.h>

bool lsvm_duty_holds(const struct lsvm_agent *agent, const struct address *address)
{
	return false;
}

void lsvm_duty_ready(struct lsvm_agent *agent)
{
}

/* A virtual address is one of the whole length. */
static bool has_virtual(const struct lsvm_plan *plan)
{
	for (size_t i = 0; i < plan->wanted->addresses.count; i++)
		if (!lsvm_address_is_own(&plan->wanted->addresses.items[i]))
			return true;
	return false;
}

enum lsvm_duty lsvm_duty_now(const struct lsvm_agent *agent)
{
	if (agent->role != LSVM_ROLE_DIRECTOR)
		return LSVM_DUTY_UNKNOWN;
	return agent->aim.cluster->directors.count == 1 || has_virtual(agent->aim.standby)
		       ? LSVM_DUTY_MASTER
		       : LSVM_DUTY_BACKUP;
}

json_t *lsvm_duty_json(const struct lsvm_agent *agent)
{
	return json_pack("{s:s}", "now", lsvm_duty_name((int)lsvm_duty_now(agent)));
}

const struct agent_part lsvm_agent_duty_part = {
	.name = "duty",
};
