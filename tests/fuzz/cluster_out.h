/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What both cluster targets do: whatever loads is written in both formats, and each of
 * the two loads again as the same cluster. Everything else is refused with findings that
 * can be written as JSON.
 */
#ifndef LSVM_TESTS_FUZZ_CLUSTER_OUT_H
#define LSVM_TESTS_FUZZ_CLUSTER_OUT_H

#include <libsvm/libsvm.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_MAX_BYTES 65536
#define MUST(condition)                                                                  \
	do {                                                                             \
		if (!(condition))                                                        \
			abort();                                                         \
	} while (0)

static inline void fuzz_again(struct lsvm_ctx *ctx, const struct lsvm_cluster *cluster,
			      int format)
{
	struct lsvm_cluster *again;
	struct lsvm_changes *changes;
	char *text, *twin;

	MUST((format == LSVM_FORMAT_YAML ? lsvm_cluster_to_yaml(cluster, &text)
					 : lsvm_cluster_to_json(cluster, &text)) == 0);
	MUST(lsvm_cluster_load(ctx, text, strlen(text), format, NULL, &again) == 0);
	MUST((format == LSVM_FORMAT_YAML ? lsvm_cluster_to_yaml(again, &twin)
					 : lsvm_cluster_to_json(again, &twin)) == 0);
	MUST(strcmp(text, twin) == 0);
	MUST(lsvm_cluster_diff(ctx, cluster, again, &changes) == 0);
	MUST(lsvm_changes_count(changes) == 0);
	lsvm_changes_free(changes);
	lsvm_cluster_unref(again);
	lsvm_free(text);
	lsvm_free(twin);
}

static inline int fuzz_cluster(const uint8_t *data, size_t size, int format)
{
	struct lsvm_findings *findings;
	struct lsvm_cluster *cluster;
	struct lsvm_ctx *ctx;
	char *text;
	int err;

	if (size > FUZZ_MAX_BYTES)
		return 0;
	MUST(lsvm_ctx_new(&ctx) == 0);
	MUST(lsvm_findings_new(ctx, &findings) == 0);
	err = lsvm_cluster_load(ctx, (const char *)data, size, format, findings,
				&cluster);
	MUST(err == 0 || err == LSVM_ERR_FINDINGS);
	MUST((err == 0) == (lsvm_findings_error_count(findings) == 0));
	MUST(lsvm_findings_to_json(findings, &text) == 0);
	lsvm_free(text);
	if (err == 0) {
		fuzz_again(ctx, cluster, LSVM_FORMAT_YAML);
		fuzz_again(ctx, cluster, LSVM_FORMAT_JSON);
		lsvm_cluster_unref(cluster);
	}
	lsvm_findings_free(findings);
	lsvm_ctx_unref(ctx);
	return 0;
}

#endif
