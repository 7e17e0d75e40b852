/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-ems import: another program's configuration as a cluster file, and the report. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int import_bytes(struct tool *tool, int source, const char *bytes, size_t length,
			struct lsvm_import **ret)
{
	switch ((enum lsvm_import_source)source) {
	case LSVM_IMPORT_SOURCE_KEEPALIVED:
		return lsvm_import_keepalived(tool->ctx, bytes, length, ret);
	case LSVM_IMPORT_SOURCE_LDIRECTORD:
		return lsvm_import_ldirectord(tool->ctx, bytes, length, ret);
	case LSVM_IMPORT_SOURCE_IPVSADM:
		return lsvm_import_ipvsadm(tool->ctx, bytes, length, ret);
	case LSVM_IMPORT_SOURCE_UNKNOWN:
		break;
	}
	return LSVM_ERR_ARGUMENT;
}

static void print_note(const char *path, const struct lsvm_import_note *note)
{
	uint32_t line = lsvm_import_note_line(note);
	uint32_t last = lsvm_import_note_last_line(note);

	fprintf(stderr, "%s:", path);
	if (line)
		fprintf(stderr, "%u:", line);
	fprintf(stderr, " %s:", lsvm_import_note_kind_name(lsvm_import_note_kind(note)));
	if (line)
		fprintf(stderr, " %s", lsvm_import_note_source(note));
	if (last > line)
		fprintf(stderr, " (to line %u)", last);
	fprintf(stderr, line ? "\n    %s\n" : " %s\n", lsvm_import_note_text(note));
}

static int print_import(struct tool *tool, const char *path,
			const struct lsvm_import *import)
{
	char *json;

	if (tool_has(tool, "json")) {
		if (lsvm_import_to_json(import, &json) < 0)
			return tool_failed(tool);
		tool_print(json);
	} else {
		fputs(lsvm_import_yaml(import), stdout);
		fflush(stdout);
		for (size_t i = 0; i < lsvm_import_note_count(import); i++)
			print_note(path, lsvm_import_note_at(import, i));
		tool_print_findings(lsvm_import_findings(import), "cluster file", 2);
	}
	if (!lsvm_import_cluster(import))
		return TOOL_FINDINGS;
	if (tool_has(tool, "strict") &&
	    lsvm_import_note_count_of(import, LSVM_IMPORT_NOTE_KIND_LOST))
		return TOOL_FINDINGS;
	return TOOL_DONE;
}

int run_import(struct tool *tool)
{
	const char *path = tool->operands[0], *word = tool_value(tool, "from");
	int source = word ? lsvm_import_source_parse(word) : LSVM_IMPORT_SOURCE_UNKNOWN;
	struct lsvm_import *import;
	size_t length = 0;
	int status;
	char *bytes;

	if (word && !source)
		return tool_usage(
			tool,
			"--from must be keepalived, ldirectord or ipvsadm, not '%s'",
			word);
	bytes = tool_read(tool, path, &length);
	if (!bytes)
		return TOOL_FAILED;
	if (!source)
		source = lsvm_import_guess(bytes, length);
	if (!source)
		status =
			tool_complain(tool,
				      "%s looks like no configuration that is known; say "
				      "with --from whose it is",
				      path);
	else if (import_bytes(tool, source, bytes, length, &import) < 0)
		status = tool_failed(tool);
	else {
		status = print_import(tool, path, import);
		lsvm_import_free(import);
	}
	free(bytes);
	return status;
}
