/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-eps: makes this machine the server that its plan describes, and says how it stands.
 */
#include "agent.h"
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

static int run_run(struct tool *tool)
{
	return agent_run(tool, ROLE);
}

static const struct tool_option run_options[] = {
	{ "machine", "NAME",
	  "the machine of the cluster file that this one is; default: the host name" },
	{ "key", "FILE",
	  "this machine's key: with it the directors believe that it is back or goes" },
	{ 0 },
};

static const struct tool_option apply_options[] = {
	{ "machine", "NAME",
	  "the machine of the cluster file that this one is; default: the host name" },
	{ "plan", "FILE",
	  "take this plan (JSON of svm-ems plan) instead of a cluster file" },
	{ "force", NULL, "also when this was another machine of the cluster until now" },
	{ "dry-run", NULL, "print the steps and do none of them" },
	{ "simulate", NULL, "do it all on a machine in memory, which starts empty" },
	{ "json", NULL, "print the steps as JSON" },
	{ 0 },
};

static const struct tool_option diff_options[] = {
	{ "machine", "NAME",
	  "the machine of the cluster file that this one is; default: the host name" },
	{ "plan", "FILE",
	  "take this plan (JSON of svm-ems plan) instead of a cluster file" },
	{ "force", NULL, "also when this was another machine of the cluster until now" },
	{ "simulate", NULL, "compare with a machine in memory, which is empty" },
	{ "json", NULL, "print the steps as JSON" },
	{ 0 },
};

static const struct tool_option status_options[] = {
	{ "machine", "NAME", "what this machine is called; default: the host name" },
	{ "simulate", NULL, "look at a machine in memory, which is empty" },
	{ "json", NULL, "print JSON" },
	{ 0 },
};

static const struct tool_option reset_options[] = {
	{ "machine", "NAME", "what this machine is called; default: the host name" },
	{ "dry-run", NULL, "print the steps and do none of them" },
	{ "simulate", NULL, "do it on a machine in memory, which is empty" },
	{ "json", NULL, "print the steps as JSON" },
	{ 0 },
};

static const struct tool_option explain_options[] = {
	{ "machine", "NAME", "what this machine is called; default: the host name" },
	{ "simulate", NULL, "look at a machine in memory, which is empty" },
	{ "json", NULL, "print JSON" },
	{ 0 },
};

static const struct tool_command commands[] = {
	{ "run", "FILE", 1, 1,
	  "Makes this machine hold what the cluster file says, and keeps it so.",
	  run_options, run_run },
	{ "apply", "[FILE]", 0, 1,
	  "Makes this machine hold what the cluster file says, and looks whether it "
	  "does.",
	  apply_options, run_apply },
	{ "diff", "[FILE]", 0, 1,
	  "Prints the steps that apply would take; none of them is taken.", diff_options,
	  run_diff },
	{ "status", "", 0, 0,
	  "Prints virtual addresses, kernel settings and the web server against the "
	  "plan.",
	  status_options, run_status },
	{ "explain", "[FILE]", 0, 1,
	  "Says why this server gets no traffic, or does not answer it.", explain_options,
	  run_explain },
	{ "reset", "", 0, 0,
	  "Removes everything that apply has put here, and nothing else.", reset_options,
	  run_reset },
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
