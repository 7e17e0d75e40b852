/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cluster files on the command line: loaded, and what is wrong with them printed. */
#include "tool.h"

#include <stdio.h>
#include <string.h>

static void print_finding(FILE *to, const struct lsvm_finding *finding, const char *path)
{
	fprintf(to, "%s:", path);
	/* JSON has no lines: there the place in the document has to do. */
	if (lsvm_finding_line(finding))
		fprintf(to, "%u:%u:", lsvm_finding_line(finding),
			lsvm_finding_column(finding));
	else if (*lsvm_finding_path(finding))
		fprintf(to, "%s:", lsvm_finding_path(finding));
	fprintf(to, " %s: %s [%s]\n", lsvm_severity_name(lsvm_finding_severity(finding)),
		lsvm_finding_text(finding), lsvm_finding_code(finding));
	if (*lsvm_finding_hint(finding))
		fprintf(to, "    %s\n", lsvm_finding_hint(finding));
}

void tool_print_findings(const struct lsvm_findings *findings, const char *path, int to)
{
	FILE *stream = to == 2 ? stderr : stdout;

	if (stream == stderr)
		fflush(stdout);
	for (size_t i = 0; i < lsvm_findings_count(findings); i++)
		print_finding(stream, lsvm_findings_at(findings, i), path);
}

int tool_load(struct tool *tool, const char *path, struct lsvm_cluster **ret)
{
	struct lsvm_findings *findings;
	int err = lsvm_findings_new(tool->ctx, &findings);

	if (err < 0)
		return tool_failed(tool);
	err = lsvm_cluster_load_file(tool->ctx, path, findings, ret);
	tool_print_findings(findings, path, 2);
	/* A file that is no YAML at all has a finding too, and then says no more. */
	if (err < 0 && lsvm_findings_count(findings) == 0)
		tool_failed(tool);
	lsvm_findings_free(findings);
	if (err < 0)
		return err == LSVM_ERR_FINDINGS ? TOOL_FINDINGS : TOOL_FAILED;
	return TOOL_DONE;
}
