/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-lab run: a lab from start to end, in a guest unless this kernel has ip_vs. */
#include "faults.h"
#include "lab.h"

#include <stdlib.h>
#include <unistd.h>

bool has_ip_vs(void)
{
	return geteuid() == 0 && access("/proc/net/ip_vs", R_OK) == 0;
}

/* The script, held against the cluster that it is for. */
static int check_faults(struct tool *tool, const struct lsvm_cluster *cluster)
{
	const char *path = tool_value(tool, "faults");
	struct faults faults;
	json_t *json;
	char *text;
	int status = TOOL_DONE;

	if (!path)
		return TOOL_DONE;
	if (lsvm_cluster_to_json(cluster, &text) < 0)
		return tool_failed(tool);
	json = json_loads(text, 0, NULL);
	lsvm_free(text);
	if (faults_load(path, json, &faults) < 0) {
		complain("%s", faults.problem);
		status = TOOL_FINDINGS;
	} else {
		faults_free(&faults);
	}
	json_decref(json);
	return status;
}

int check_file(struct tool *tool, const char *path)
{
	struct lsvm_cluster *cluster = NULL;
	int status = tool_load(tool, path, &cluster);

	if (status == TOOL_DONE)
		status = check_faults(tool, cluster);
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
	const char *faults = tool_value(tool, "faults");
	const char *agent = tool_value(tool, "director-agent");
	const char *arguments[16] = { inside,		"run",
				      "--requests",	requests ? requests : "60",
				      "--parallel",	parallel ? parallel : "1",
				      tool->operands[0] };
	size_t used = 7;
	struct session_options options = { .native = tool_has(tool, "no-guest") ||
						     has_ip_vs() };
	uint32_t timeout_s, count;
	int status;

	if (tool_has(tool, "json"))
		arguments[used++] = "--json";
	if (faults) {
		arguments[used++] = "--faults";
		arguments[used++] = faults;
	}
	if (agent) {
		arguments[used++] = "--director-agent";
		arguments[used++] = agent;
	}
	if (!tool_number(tool, "memory", 128, 65536, 1024, &options.memory_mib) ||
	    !tool_number(tool, "timeout", 1, 86400, 600, &timeout_s) ||
	    !tool_number(tool, "requests", 1, 1000000, 60, &count) ||
	    !tool_number(tool, "parallel", 1, 64, 1, &count))
		status = TOOL_USAGE;
	else if (!inside)
		status = tool_complain(tool, "svm-lab-inside is missing; install libsvm "
					     "again");
	else if ((status = check_file(tool, tool->operands[0])) == TOOL_DONE)
		status = run_in(&options, timeout_s, (char *const *)arguments);
	free(inside);
	return status;
}
