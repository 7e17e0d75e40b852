/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an agent is made of. */
#include "agent/agent.h"

const struct agent_part *const lsvm_agent_parts[] = {
	&lsvm_agent_watch_part, /* before the plan: its table is applied */
	&lsvm_agent_keep,
	/* Before duty: who must be told first holds back from the beginning. */
	&lsvm_agent_peer,
	&lsvm_agent_duty_part,
	&lsvm_agent_weight,
	&lsvm_agent_control,
	&lsvm_agent_http,
	&lsvm_agent_log,
	&lsvm_agent_notify,
	NULL,
};
