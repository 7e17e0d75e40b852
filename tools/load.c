/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files on the command line: read, cluster files loaded, and what is wrong with them
 * printed. */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Above the library's own limits, so that the library says it. */
#define READ_MAX (64u * 1024 * 1024 + 1)

static char *read_stream(FILE *stream, size_t *ret_length)
{
	char *bytes = malloc(READ_MAX);

	if (bytes)
		*ret_length = fread(bytes, 1, READ_MAX, stream);
	return bytes;
}

char *tool_read(struct tool *tool, const char *path, size_t *ret_length)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *stream = standard ? stdin : fopen(path, "rb");
	char *bytes = NULL;

	if (!stream) {
		tool_complain(tool, "%s cannot be read: %s", path, strerror(errno));
		return NULL;
	}
	bytes = read_stream(stream, ret_length);
	if (!bytes || ferror(stream)) {
		tool_complain(tool, "%s cannot be read: %s", path, strerror(errno));
		free(bytes);
		bytes = NULL;
	}
	if (!standard)
		fclose(stream);
	return bytes;
}

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

int tool_load_cluster(struct tool *tool, const char *path, struct lsvm_findings *findings,
		      struct lsvm_cluster **ret)
{
	size_t length = 0;
	char *bytes;
	int err;

	if (strcmp(path, "-") != 0) {
		err = lsvm_cluster_load_file(tool->ctx, path, findings, ret);
	} else {
		bytes = tool_read(tool, path, &length);
		if (!bytes)
			return TOOL_FAILED;
		/* JSON is YAML, too. */
		err = lsvm_cluster_load(tool->ctx, bytes, length, LSVM_FORMAT_YAML,
					findings, ret);
		free(bytes);
	}
	if (err >= 0)
		return TOOL_DONE;
	if (err == LSVM_ERR_FINDINGS)
		return TOOL_FINDINGS;
	return tool_failed(tool);
}

int tool_load(struct tool *tool, const char *path, struct lsvm_cluster **ret)
{
	struct lsvm_findings *findings;
	int status;

	if (lsvm_findings_new(tool->ctx, &findings) < 0)
		return tool_failed(tool);
	status = tool_load_cluster(tool, path, findings, ret);
	tool_print_findings(findings, path, 2);
	lsvm_findings_free(findings);
	return status;
}
