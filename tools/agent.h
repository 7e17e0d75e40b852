/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-eds run and svm-eps run: an agent, and a loop around it. */
#ifndef TOOL_AGENT_H
#define TOOL_AGENT_H

#include "role.h"

/* `role` is an enum lsvm_role: another machine's agent is refused. */
int agent_run(struct tool *tool, int role);

#endif
