/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking the agent that runs on this machine, by its control socket. */
#ifndef TOOL_ASK_H
#define TOOL_ASK_H

#include "tool.h"

extern const struct tool_option ask_events_options[];
extern const struct tool_option ask_drain_options[];
extern const struct tool_option ask_reload_options[];

/* Where the agent of that role answers, unless the command line says so. */
const char *ask_path(const struct tool *tool, int role);

int ask_events(struct tool *tool, int role);
int ask_drain(struct tool *tool, int role, bool drained);
int ask_reload(struct tool *tool, int role);
/* The agent's status as JSON, or NULL with TOOL_DONE when none runs here and nobody said
 * that there is one. */
int ask_status(struct tool *tool, int role, char **ret);
/* For people. */
void ask_print_status(const char *json);

#endif
