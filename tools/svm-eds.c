/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-eds: makes this machine the director that its plan describes, and says how it
 * stands. */
#include "agent.h"
#include "ask.h"
#include "see.h"

#define ROLE LSVM_ROLE_DIRECTOR

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

static int run_drain(struct tool *tool)
{
	return ask_drain(tool, ROLE, true);
}

static int run_enable(struct tool *tool)
{
	return ask_drain(tool, ROLE, false);
}

static int run_run(struct tool *tool)
{
	return agent_run(tool, ROLE);
}

static const struct tool_option connections_options[] = {
	{ "client", "ADDR", "only those of this client, or of a network: 192.0.2.0/24" },
	{ "vip", "ADDR:PORT", "only those to this virtual address, or virtual service" },
	{ "server", "ADDR", "only those to this real server; with or without a port" },
	{ "state", "NAME", "only those in this state, as ESTABLISHED" },
	{ "limit", "N", "print at most so many, and how many there are" },
	{ "simulate", NULL, "look at a machine in memory, which has none" },
	{ "json", NULL, "print JSON" },
	{ 0 },
};

static const struct tool_option predict_options[] = {
	{ "client", "ADDR", "who asks; with a port, as 192.0.2.1:40000, or without" },
	{ "vip", "ADDR:PORT", "the virtual service that is asked" },
	{ "protocol", "NAME", "tcp (default), udp or sctp" },
	{ "fwmark", "N", "the service is the one of this mark" },
	{ "machine", "NAME",
	  "the director of the cluster file; default: the first one in it" },
	{ "simulate", NULL, "look at a machine in memory, which is empty" },
	{ "json", NULL, "print JSON" },
	{ 0 },
};

static const struct tool_option top_options[] = {
	{ "sort", "NAME",
	  "name, active (default), inactive, connections, rate or bytes; greatest "
	  "first" },
	{ "interval", "N", "look every so many seconds; default 2" },
	{ "count", "N", "end after so many looks; default: when interrupted" },
	{ "once", NULL, "look once and print it plainly" },
	{ "simulate", NULL, "look at a machine in memory, which is empty" },
	{ "json", NULL, "look once and print JSON" },
	{ 0 },
};

static const struct tool_command commands[] = {
	{ "run", "FILE", 1, 1,
	  "Makes this machine hold what the cluster file says, and keeps it so.",
	  role_run_options, run_run },
	{ "apply", "[FILE]", 0, 1,
	  "Makes this machine hold what the cluster file says, and looks whether it "
	  "does.",
	  role_apply_options, run_apply },
	{ "diff", "[FILE]", 0, 1,
	  "Prints the steps that apply would take, and what they do to clients and "
	  "connections; none of them is taken.",
	  role_diff_options, run_diff },
	{ "status", "", 0, 0,
	  "Prints the IPVS table with its counters, and what differs from the plan.",
	  role_status_options, run_status },
	{ "connections", "", 0, 0, "Prints the connections that the kernel balances now.",
	  connections_options, see_connections },
	{ "predict", "[FILE]", 0, 1,
	  "Says which server would answer a client here, or by a cluster file without "
	  "any "
	  "kernel.",
	  predict_options, see_predict },
	{ "explain", "SERVER [FILE]", 1, 2,
	  "Says why a server gets no traffic, as far as this director can tell.",
	  role_explain_options, run_explain },
	{ "top", "", 0, 0,
	  "Shows services and servers with their connections and rates, the busiest "
	  "first, "
	  "again and again.",
	  top_options, see_top },
	{ "events", "", 0, 0, "Prints what happened since the agent was started.",
	  ask_events_options, run_events },
	{ "drain", "SERVER", 1, 1,
	  "Gives the server no new connections; those that are there go on.",
	  ask_drain_options, run_drain },
	{ "enable", "SERVER", 1, 1, "Takes a drained server in again.", ask_drain_options,
	  run_enable },
	{ "reload", "", 0, 0, "Has the agent read its cluster file again.",
	  ask_reload_options, run_reload },
	{ "reset", "", 0, 0,
	  "Removes everything that apply has put here, and nothing else.",
	  role_reset_options, run_reset },
	{ 0 },
};

static const struct tool_page page = {
	"svm-eds",
	"Makes this machine the director that the cluster file describes.",
	commands,
};

int main(int argc, char **argv)
{
	return tool_main(&page, argc, argv);
}
