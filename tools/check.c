/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-ems check: what is wrong with cluster files, as lines or as one JSON document. */
#include "tool.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static uint32_t count_of(const struct lsvm_findings *findings, int severity)
{
	uint32_t count = 0;

	for (size_t i = 0; i < lsvm_findings_count(findings); i++)
		count += lsvm_finding_severity(lsvm_findings_at(findings, i)) == severity;
	return count;
}

static void print_lines(const struct lsvm_findings *findings, const char *path)
{
	tool_print_findings(findings, path, 1);
	if (!lsvm_findings_count(findings))
		printf("%s: nothing to complain about\n", path);
}

/* A path is any bytes, JSON text is UTF-8. */
static json_t *path_text(const char *path)
{
	char plain[4096];
	json_t *text = json_string(path);

	if (text)
		return text;
	snprintf(plain, sizeof(plain), "%s", path);
	for (char *at = plain; *at; at++)
		if (*at & 0x80)
			*at = '?';
	return json_string(plain);
}

/* Adds the file to the document's list. */
static int add_file(struct tool *tool, json_t *files, const char *path, int status,
		    const struct lsvm_findings *findings)
{
	json_t *file = json_object(), *document = NULL;
	const char *error = lsvm_ctx_error_text(tool->ctx);
	char *text = NULL;
	int err = json_object_set_new(file, "file", path_text(path));

	if (status == TOOL_FAILED) {
		err |= json_object_set_new(
			file, "error", json_string(*error ? error : "cannot be read"));
	} else if (!err && lsvm_findings_to_json(findings, &text) == 0) {
		uint32_t errors = count_of(findings, LSVM_SEVERITY_ERROR);
		uint32_t warnings = count_of(findings, LSVM_SEVERITY_WARNING);

		document = json_loads(text, 0, NULL);
		err |= json_object_set_new(file, "errors", json_integer(errors));
		err |= json_object_set_new(file, "warnings", json_integer(warnings));
		err |= json_object_set(file, "findings",
				       json_object_get(document, "findings"));
		lsvm_free(text);
	} else {
		err = -1;
	}
	json_decref(document);
	if (json_array_append_new(files, file) < 0 || err)
		return tool_complain(tool, "out of memory; free some and try again");
	return status;
}

static int check_file(struct tool *tool, const char *path, json_t *files)
{
	struct lsvm_cluster *cluster = NULL;
	struct lsvm_findings *findings;
	int status;

	if (lsvm_findings_new(tool->ctx, &findings) < 0)
		return tool_failed(tool);
	status = tool_load_cluster(tool, path, findings, &cluster);
	lsvm_cluster_unref(cluster);
	if (status == TOOL_DONE && tool_has(tool, "strict") &&
	    count_of(findings, LSVM_SEVERITY_WARNING))
		status = TOOL_FINDINGS;
	if (files)
		status = add_file(tool, files, path, status, findings);
	else if (status != TOOL_FAILED)
		print_lines(findings, path);
	lsvm_findings_free(findings);
	return status;
}

int run_check(struct tool *tool)
{
	json_t *files = tool_has(tool, "json") ? json_array() : NULL, *root;
	int worst = TOOL_DONE;

	for (int i = 0; i < tool->operand_count; i++) {
		int status = check_file(tool, tool->operands[i], files);

		/* A file that cannot be read is worse than one with findings. */
		if (status == TOOL_FAILED || worst == TOOL_DONE)
			worst = status;
	}
	if (!files)
		return worst;
	root = json_pack("{s:s, s:o}", "schema", "lsvm-check/1", "files", files);
	if (!root || json_dumpf(root, stdout, JSON_COMPACT) < 0)
		worst = TOOL_FAILED;
	putchar('\n');
	json_decref(root);
	return worst;
}
