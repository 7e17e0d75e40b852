/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Findings: everything that is wrong with a configuration, gathered before anything is
 * refused. The list is bounded; the codes are the table in codes.h.
 */
#include "base/base.h"
#include "base/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *word;
	enum lsvm_severity severity;
	const char *hint;
} codes[] = {
#define FINDING(id, word, severity, hint) { word, LSVM_SEVERITY_##severity, hint },
#include "base/codes.h"
#undef FINDING
};

int lsvm_findings_new(struct lsvm_ctx *ctx, struct lsvm_findings **ret)
{
	struct lsvm_findings *findings = calloc(1, sizeof(*findings));

	if (!findings)
		return lsvm_fail_nomem(ctx);
	*ret = findings;
	return 0;
}

void lsvm_findings_free(struct lsvm_findings *findings)
{
	if (!findings)
		return;
	lsvm_arena_free(&findings->arena);
	vec_free(&findings->list);
	free(findings);
}

void lsvm_findings_clear(struct lsvm_findings *findings)
{
	lsvm_arena_free(&findings->arena);
	findings->list.count = 0;
	findings->error_count = 0;
	findings->failed = false;
}

void lsvm_findings_add(struct lsvm_findings *findings, enum finding_code code,
		       const char *path, struct mark at, const char *fmt, ...)
{
	struct lsvm_finding *finding;
	char text[LSVM_ERROR_TEXT_BYTES];
	va_list args;

	if (findings->list.count > LSVM_FINDINGS_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (findings->list.count == LSVM_FINDINGS_MAX) {
		code = FINDING_TOO_MANY_FINDINGS;
		at = (struct mark){ UINT32_MAX, 0 };
		path = "";
		snprintf(text, sizeof(text),
			 "there are more than %d findings; the rest is not listed",
			 LSVM_FINDINGS_MAX);
	}
	finding = vec_push(&findings->list);
	if (!finding) {
		findings->failed = true;
		return;
	}
	finding->code = code;
	finding->at = at;
	finding->path = lsvm_arena_strdup(&findings->arena, path);
	finding->text = lsvm_arena_strdup(&findings->arena, text);
	findings->failed |= findings->arena.failed;
	if (findings->arena.failed)
		findings->list.count--;
	else if (codes[code].severity == LSVM_SEVERITY_ERROR)
		findings->error_count++;
}

static int compare(const void *left, const void *right)
{
	const struct lsvm_finding *a = left, *b = right;
	int order;

	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	if (a->at.column != b->at.column)
		return a->at.column < b->at.column ? -1 : 1;
	order = strcmp(a->path, b->path);
	if (order)
		return order;
	return a->code != b->code ? (a->code < b->code ? -1 : 1)
				  : strcmp(a->text, b->text);
}

void lsvm_findings_sort(struct lsvm_findings *findings)
{
	if (findings->list.count)
		qsort(findings->list.items, findings->list.count,
		      sizeof(*findings->list.items), compare);
}

size_t lsvm_findings_count(const struct lsvm_findings *findings)
{
	return findings->list.count;
}

size_t lsvm_findings_error_count(const struct lsvm_findings *findings)
{
	return findings->error_count;
}

const struct lsvm_finding *lsvm_findings_at(const struct lsvm_findings *findings,
					    size_t index)
{
	return index < findings->list.count ? &findings->list.items[index] : NULL;
}

const char *lsvm_finding_code(const struct lsvm_finding *finding)
{
	return codes[finding->code].word;
}

int lsvm_finding_severity(const struct lsvm_finding *finding)
{
	return codes[finding->code].severity;
}

const char *lsvm_finding_path(const struct lsvm_finding *finding)
{
	return finding->path;
}

uint32_t lsvm_finding_line(const struct lsvm_finding *finding)
{
	return finding->at.line == UINT32_MAX ? 0 : finding->at.line;
}

uint32_t lsvm_finding_column(const struct lsvm_finding *finding)
{
	return finding->at.column;
}

const char *lsvm_finding_text(const struct lsvm_finding *finding)
{
	return finding->text;
}

const char *lsvm_finding_hint(const struct lsvm_finding *finding)
{
	return codes[finding->code].hint;
}

size_t lsvm_finding_code_count(void)
{
	return FINDING_CODE_COUNT;
}

const char *lsvm_finding_code_at(size_t index)
{
	return index < FINDING_CODE_COUNT ? codes[index].word : NULL;
}

int lsvm_findings_to_json(const struct lsvm_findings *findings, char **ret)
{
	json_t *root = json_pack("{s:s, s:[]}", "schema", "lsvm-findings/1", "findings");
	char *text = NULL;

	for (size_t i = 0; root && i < findings->list.count; i++) {
		const struct lsvm_finding *f = &findings->list.items[i];
		/* Text may quote bytes of the file: %.*s of jansson wants UTF-8, which
		 * the loader checked. */
		json_t *item =
			json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "code",
				  lsvm_finding_code(f), "severity",
				  lsvm_severity_name(lsvm_finding_severity(f)), "path",
				  f->path, "line", (json_int_t)lsvm_finding_line(f),
				  "column", (json_int_t)f->at.column, "text", f->text,
				  "hint", lsvm_finding_hint(f));

		if (!item ||
		    json_array_append_new(json_object_get(root, "findings"), item) < 0) {
			json_decref(root);
			root = NULL;
		}
	}
	if (root)
		text = lsvm_json_text(root, JSON_COMPACT);
	json_decref(root);
	if (!text)
		return LSVM_ERR_NOMEM;
	*ret = text;
	return 0;
}
