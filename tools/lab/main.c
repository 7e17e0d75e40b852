/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-lab: rehearses a cluster file on one machine. The table of its subcommands. */
#include "lab.h"

#include <stdarg.h>
#include <stdio.h>

static const struct tool_option guest_options[] = {
	{ "memory", "MIB", "memory of the guest; default 1024" },
	{ "timeout", "S", "end the command after so many seconds; default 600" },
	{ "out", "DIR", "a folder of the host that can be written, at /out inside" },
	{ 0 },
};

#define FAULTS_OPTION                                                                    \
	{                                                                                \
		"faults", "FILE",                                                        \
			"plant the faults of this script while a client asks without "   \
			"pause"                                                          \
	}

static const struct tool_option run_options[] = {
	FAULTS_OPTION,
	{ "director-agent", "COMMAND",
	  "what a shell runs on each director instead of applying its plan" },
	{ "requests", "N", "how often each domain and service is asked; default 60" },
	{ "parallel", "N", "pages asked for at once, up to 64; default 1" },
	{ "json", NULL, "print JSON instead of the table" },
	{ "no-guest", NULL, "use the running kernel, which must have ip_vs" },
	{ "memory", "MIB", "memory of the guest; default 1024" },
	{ "timeout", "S", "give up after so many seconds; default 600" },
	{ 0 },
};

#define LAB_OPTION                                                                       \
	{                                                                                \
		"lab", "NAME", "which lab, when there are several"                       \
	}

static const struct tool_option up_options[] = {
	LAB_OPTION,
	{ "no-guest", NULL, "use the running kernel, which must have ip_vs" },
	{ "memory", "MIB", "memory of the guest; default 1024" },
	{ "json", NULL, "print the machines as JSON" },
	{ 0 },
};

static const struct tool_option ask_options[] = {
	LAB_OPTION,
	FAULTS_OPTION,
	{ "requests", "N", "how often each domain and service is asked; default 60" },
	{ "seconds", "S", "ask round after round for so long" },
	{ "partition", "NAME", "ask this partition only" },
	{ "parallel", "N", "pages asked for at once, up to 64; default 1" },
	{ "json", NULL, "print JSON instead of the table" },
	{ 0 },
};

static const struct tool_option lab_options[] = { LAB_OPTION, { 0 } };

static const struct tool_option machines_options[] = {
	LAB_OPTION,
	{ "json", NULL, "print the machines as JSON" },
	{ 0 },
};

static const struct tool_option down_options[] = {
	LAB_OPTION,
	{ "json", NULL, "print which lab has ended as JSON" },
	{ 0 },
};

static const struct tool_command commands[] = {
	{ "run", "FILE", 1, 1,
	  "Builds the cluster of the file, asks every domain and service from a client, "
	  "and prints who answered.",
	  run_options, cmd_run },
	{ "guest", "-- COMMAND...", 1, -1,
	  "Runs a command as root in a User-Mode-Linux guest over a copy of this "
	  "machine's files.",
	  guest_options, cmd_guest },
	{ "up", "FILE", 1, 1, "Builds the cluster of the file and lets it stand.",
	  up_options, cmd_up },
	{ "ask", "", 0, 0, "Asks every domain and service of the lab that stands.",
	  ask_options, cmd_ask },
	{ "apply", "FILE", 1, 1,
	  "Changes the lab that stands to another file with the same machines.",
	  machines_options, cmd_apply },
	{ "exec", "MACHINE -- COMMAND...", 2, -1,
	  "Runs a command in a machine of the lab that stands.", lab_options, cmd_exec },
	{ "fault", "STEP...", 1, -1,
	  "Carries out one step of a script of faults in the lab that stands.",
	  lab_options, cmd_fault },
	{ "status", "", 0, 0, "Lists the machines of the lab that stands.",
	  machines_options, cmd_status },
	{ "down", "", 0, 0, "Ends the lab that stands.", down_options, cmd_down },
	{ 0 },
};

static const struct tool_page page = {
	"svm-lab",
	"Rehearses a cluster on one machine: every machine of the file is a network "
	"namespace.",
	commands,
};

void complain(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("svm-lab: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

int main(int argc, char **argv)
{
	return tool_main(&page, argc, argv);
}
