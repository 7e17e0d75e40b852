/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes through an importer: it answers with a sentence, or with a file and a report that
 * can be read. A file that is said to load does.
 */
#include <libsvm/libsvm.h>
#include <stdlib.h>
#include <string.h>

static inline int try_import(int (*importer)(struct lsvm_ctx *, const char *, size_t,
					     struct lsvm_import **),
			     const char *data, size_t size)
{
	struct lsvm_cluster *cluster;
	struct lsvm_import *import;
	struct lsvm_ctx *ctx;
	char *json;

	if (lsvm_ctx_new(&ctx))
		return 0;
	lsvm_import_guess(data, size);
	if (importer(ctx, data, size, &import)) {
		if (!lsvm_ctx_error_text(ctx)[0])
			abort();
		lsvm_ctx_unref(ctx);
		return 0;
	}
	if (lsvm_import_to_json(import, &json))
		abort();
	lsvm_free(json);
	for (size_t i = 0; i < lsvm_import_note_count(import); i++)
		if (!lsvm_import_note_text(lsvm_import_note_at(import, i))[0])
			abort();
	if (lsvm_import_cluster(import)) {
		const char *yaml = lsvm_import_yaml(import);

		if (lsvm_cluster_load(ctx, yaml, strlen(yaml), LSVM_FORMAT_YAML, NULL,
				      &cluster))
			abort();
		lsvm_cluster_unref(cluster);
	} else if (!lsvm_findings_error_count(lsvm_import_findings(import))) {
		abort();
	}
	lsvm_import_free(import);
	lsvm_ctx_unref(ctx);
	return 0;
}
