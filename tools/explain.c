/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* explain: why a server gets no traffic, asked on a director or on the server itself. */
#include "see.h"

static int print_causes(struct tool *tool, const struct lsvm_causes *causes)
{
	char *text;
	int err = tool_has(tool, "json") ? lsvm_causes_to_json(causes, &text)
					 : lsvm_causes_to_text(causes, &text);

	if (err < 0)
		return tool_failed(tool);
	tool_print(text);
	return TOOL_DONE;
}

int see_explain(struct tool *tool, int role)
{
	const bool director = role == LSVM_ROLE_DIRECTOR;
	const int file = director ? 1 : 0;
	char name[TOOL_HOST_NAME_BYTES] = "";
	struct lsvm_cluster *cluster = NULL;
	struct lsvm_host *host = NULL;
	struct lsvm_causes *causes;
	int status = TOOL_DONE, err;

	if (tool->operand_count > file)
		status = tool_load(tool, tool->operands[file], &cluster);
	if (status == TOOL_DONE)
		status = role_open_host(tool, role_machine_name(tool, name), &host);
	if (status == TOOL_DONE) {
		err = director ? lsvm_role_explain_destination(host, cluster,
							       tool->operands[0], &causes)
			       : lsvm_role_explain_server(host, cluster, &causes);
		status = err < 0 ? tool_failed(tool) : print_causes(tool, causes);
		if (err >= 0)
			lsvm_causes_free(causes);
	}
	lsvm_host_free(host);
	lsvm_cluster_unref(cluster);
	return status;
}
