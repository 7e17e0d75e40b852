/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What svm-eds and svm-eps have in common: the same commands for another role. */
#ifndef TOOL_ROLE_H
#define TOOL_ROLE_H

#include "tool.h"

/*
 * The options of the commands that both have. Those of directors only come first, so that
 * svm-eps takes the same table from behind them.
 */
extern const struct tool_option role_run_options[];
extern const struct tool_option role_apply_options[];
extern const struct tool_option role_diff_options[];
extern const struct tool_option role_status_options[];
extern const struct tool_option role_reset_options[];
extern const struct tool_option role_explain_options[];
#define ROLE_APPLY_OF_DIRECTORS 3
#define ROLE_DIFF_OF_DIRECTORS 2

/* `role` is an enum lsvm_role; a plan for another one is refused. */
int role_apply(struct tool *tool, int role);
int role_diff(struct tool *tool, int role);
int role_status(struct tool *tool, int role);
int role_reset(struct tool *tool, int role);

/* What this machine is called: as --machine says, or as the system says, then in buf of
 * TOOL_HOST_NAME_BYTES. */
#define TOOL_HOST_NAME_BYTES 256
const char *role_machine_name(const struct tool *tool, char *buf);
/* The complaint that the cluster has no such machine, with those of the role. */
int role_unknown_machine(struct tool *tool, const struct lsvm_cluster *cluster,
			 const char *machine, int role);
/* The real machine or, with --simulate, one in memory. */
int role_open_host(struct tool *tool, const char *name, struct lsvm_host **ret);

#endif
