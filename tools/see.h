/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands that look and change nothing. */
#ifndef TOOL_SEE_H
#define TOOL_SEE_H

#include "role.h"

int see_connections(struct tool *tool);
int see_predict(struct tool *tool);
int see_top(struct tool *tool);
int see_explain(struct tool *tool, int role);

#endif
