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

static const struct tool_command commands[] = {
	{ "guest", "-- COMMAND...", 1, -1,
	  "Runs a command as root in a User-Mode-Linux guest over a copy of this "
	  "machine's files.",
	  guest_options, cmd_guest },
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
