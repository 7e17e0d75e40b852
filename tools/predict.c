/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-eds predict: which server would answer a client. */
#include "see.h"

#include <stdio.h>

/* Where the answer comes from. */
struct source {
	struct lsvm_host *host;	       /* NULL: a cluster file */
	struct lsvm_ipvs_table *table; /* the host's */
	struct lsvm_plan *plan;
};

static const char *first_director(const struct lsvm_cluster *cluster)
{
	for (size_t i = 0; i < lsvm_cluster_machine_count(cluster); i++) {
		const struct lsvm_machine *machine = lsvm_cluster_machine_at(cluster, i);

		if (lsvm_machine_role(machine) == LSVM_ROLE_DIRECTOR)
			return lsvm_machine_name(machine);
	}
	return "";
}

static int open_plan(struct tool *tool, struct source *source)
{
	const char *machine = tool_value(tool, "machine");
	struct lsvm_cluster *cluster;
	int status = tool_load(tool, tool->operands[0], &cluster);

	if (status != TOOL_DONE)
		return status;
	if (lsvm_plan_compile(tool->ctx, cluster,
			      machine ? machine : first_director(cluster), LSVM_DUTY_AUTO,
			      &source->plan) < 0)
		status = tool_failed(tool);
	else if (!lsvm_plan_ipvs(source->plan))
		status = tool_complain(tool, "%s is no director; name one with --machine",
				       lsvm_plan_machine(source->plan));
	lsvm_cluster_unref(cluster);
	return status;
}

static int open_kernel(struct tool *tool, struct source *source)
{
	char name[TOOL_HOST_NAME_BYTES] = "";
	int status = role_open_host(tool, role_machine_name(tool, name), &source->host);

	if (status == TOOL_DONE &&
	    lsvm_host_ipvs_snapshot(source->host, &source->table) < 0)
		status = tool_failed(tool);
	return status;
}

static int answer(struct tool *tool, const struct source *source, int protocol,
		  uint32_t fwmark)
{
	const struct lsvm_ipvs_table *table =
		source->plan ? lsvm_plan_ipvs(source->plan) : source->table;
	const char *vip = tool_value(tool, "vip"), *client = tool_value(tool, "client");
	char *text;
	int err =
		tool_has(tool, "json")
			? lsvm_role_predict_to_json(tool->ctx, table, source->host,
						    protocol, fwmark, vip, client, &text)
			: lsvm_role_predict_to_text(tool->ctx, table, source->host,
						    protocol, fwmark, vip, client, &text);

	if (err < 0)
		return tool_failed(tool);
	tool_print(text);
	return TOOL_DONE;
}

int see_predict(struct tool *tool)
{
	const char *word = tool_value(tool, "protocol");
	int protocol = word ? lsvm_protocol_parse(word) : LSVM_PROTOCOL_TCP, status;
	struct source source = { 0 };
	uint32_t fwmark;

	if (!tool_has(tool, "client") || !tool_has(tool, "vip"))
		return tool_usage(tool, "--client and --vip are needed");
	if (!protocol)
		return tool_usage(tool, "--protocol is tcp, udp or sctp, not '%s'", word);
	if (!tool_number(tool, "fwmark", 1, UINT32_MAX, 0, &fwmark))
		return TOOL_USAGE;
	status = tool->operand_count ? open_plan(tool, &source)
				     : open_kernel(tool, &source);
	if (status == TOOL_DONE)
		status = answer(tool, &source, protocol, fwmark);
	lsvm_plan_unref(source.plan);
	lsvm_ipvs_table_unref(source.table);
	lsvm_host_free(source.host);
	return status;
}
