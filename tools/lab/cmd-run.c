/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-lab run: a lab from start to end, in a guest unless this kernel has ip_vs. */
#include "lab.h"

#include <stdlib.h>
#include <unistd.h>

bool has_ip_vs(void)
{
	return geteuid() == 0 && access("/proc/net/ip_vs", R_OK) == 0;
}

int check_file(struct tool *tool, const char *path)
{
	struct lsvm_cluster *cluster = NULL;
	int status = tool_load(tool, path, &cluster);

	lsvm_cluster_unref(cluster);
	if (isatty(STDERR_FILENO))
		setenv("SVM_LAB_PROGRESS", "1", 1);
	return status;
}

int cmd_run(struct tool *tool)
{
	char *inside = lab_helper_path("svm-lab-inside");
	const char *requests = tool_value(tool, "requests");
	const char *parallel = tool_value(tool, "parallel");
	char *arguments[] = { inside,
			      (char *)"run",
			      tool->operands[0],
			      (char *)"--requests",
			      (char *)(requests ? requests : "60"),
			      (char *)"--parallel",
			      (char *)(parallel ? parallel : "1"),
			      tool_has(tool, "json") ? (char *)"--json" : NULL,
			      NULL };
	struct session_options options = { .native = tool_has(tool, "no-guest") ||
						     has_ip_vs() };
	uint32_t timeout_s, count;
	int status;

	if (!tool_number(tool, "memory", 128, 65536, 1024, &options.memory_mib) ||
	    !tool_number(tool, "timeout", 1, 86400, 600, &timeout_s) ||
	    !tool_number(tool, "requests", 1, 1000000, 60, &count) ||
	    !tool_number(tool, "parallel", 1, 64, 1, &count))
		status = TOOL_USAGE;
	else if (!inside)
		status = tool_complain(tool, "svm-lab-inside is missing; install libsvm "
					     "again");
	else if ((status = check_file(tool, tool->operands[0])) == TOOL_DONE)
		status = run_in(&options, timeout_s, arguments);
	free(inside);
	return status;
}
