/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What svm-eds and svm-eps have in common: the same four commands for another role. */
#ifndef TOOL_ROLE_H
#define TOOL_ROLE_H

#include "tool.h"

/* `role` is an enum lsvm_role; a plan for another one is refused. */
int role_apply(struct tool *tool, int role);
int role_diff(struct tool *tool, int role);
int role_status(struct tool *tool, int role);
int role_reset(struct tool *tool, int role);

#endif
