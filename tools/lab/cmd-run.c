/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-lab run: a lab from start to end, in a guest unless this kernel has ip_vs. */
#include "lab.h"

#include <stdlib.h>
#include <unistd.h>

bool has_ip_vs(void)
{
	return geteuid() == 0 && access("/proc/net/ip_vs", R_OK) == 0;
}

int cmd_run(struct tool *tool)
{
	char *inside = lab_helper_path("svm-lab-inside");
	const char *requests = tool_value(tool, "requests");
	char *arguments[] = { inside,
			      (char *)"run",
			      tool->operands[0],
			      (char *)"--requests",
			      (char *)(requests ? requests : "60"),
			      tool_has(tool, "json") ? (char *)"--json" : NULL,
			      NULL };
	struct session_options options = { .native = tool_has(tool, "no-guest") ||
						     has_ip_vs() };
	uint32_t timeout_s, count;
	int status;

	if (!tool_number(tool, "memory", 128, 65536, 1024, &options.memory_mib) ||
	    !tool_number(tool, "timeout", 1, 86400, 600, &timeout_s) ||
	    !tool_number(tool, "requests", 1, 1000000, 60, &count))
		status = TOOL_USAGE;
	else if (!inside)
		status = tool_complain(tool, "svm-lab-inside is missing; install libsvm "
					     "again");
	else
		status = run_in(&options, timeout_s, arguments);
	free(inside);
	return status;
}
