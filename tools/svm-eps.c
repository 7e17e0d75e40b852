/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-eps: makes this machine the server that its plan describes, and says how it stands.
 */
#include "agent.h"
#include "ask.h"
#include "see.h"

#define ROLE LSVM_ROLE_SERVER

static int run_apply(struct tool *tool)
{
	return role_apply(tool, ROLE);
}

static int run_diff(struct tool *tool)
{
	return role_diff(tool, ROLE);
}

static int run_status(struct tool *tool)
{
	return role_status(tool, ROLE);
}

static int run_reset(struct tool *tool)
{
	return role_reset(tool, ROLE);
}

static int run_explain(struct tool *tool)
{
	return see_explain(tool, ROLE);
}

static int run_events(struct tool *tool)
{
	return ask_events(tool, ROLE);
}

static int run_reload(struct tool *tool)
{
	return ask_reload(tool, ROLE);
}

static int run_run(struct tool *tool)
{
	return agent_run(tool, ROLE);
}

static const struct tool_command commands[] = {
	{ "run", "FILE", 1, 1,
	  "Makes this machine hold what the cluster file says, and keeps it so.",
	  role_run_options, run_run },
	{ "apply", "[FILE]", 0, 1,
	  "Makes this machine hold what the cluster file says, and looks whether it "
	  "does.",
	  role_apply_options + ROLE_APPLY_OF_DIRECTORS, run_apply },
	{ "diff", "[FILE]", 0, 1,
	  "Prints the steps that apply would take; none of them is taken.",
	  role_diff_options + ROLE_DIFF_OF_DIRECTORS, run_diff },
	{ "status", "", 0, 0,
	  "Prints virtual addresses, kernel settings and the web server against the "
	  "plan.",
	  role_status_options, run_status },
	{ "explain", "[FILE]", 0, 1,
	  "Says why this server gets no traffic, or does not answer it.",
	  role_explain_options, run_explain },
	{ "events", "", 0, 0, "Prints what happened since the agent was started.",
	  ask_events_options, run_events },
	{ "reload", "", 0, 0, "Has the agent read its cluster file again.",
	  ask_reload_options, run_reload },
	{ "reset", "", 0, 0,
	  "Removes everything that apply has put here, and nothing else.",
	  role_reset_options, run_reset },
	{ 0 },
};

static const struct tool_page page = {
	"svm-eps",
	"Makes this machine the real server that the cluster file describes.",
	commands,
};

int main(int argc, char **argv)
{
	return tool_main(&page, argc, argv);
}
