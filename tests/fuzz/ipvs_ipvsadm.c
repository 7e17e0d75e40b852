/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as lines of ipvsadm: the table they make is written and read back the same.
 * What ipvsadm cannot say, the third flag of sh and mh, is gone after the first time.
 */
#include <libsvm/ipvs.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *again(struct lsvm_ctx *ctx, const char *text)
{
	struct lsvm_ipvs_table *table;
	char *out;

	if (lsvm_ipvs_table_from_ipvsadm(ctx, text, strlen(text), &table) ||
	    lsvm_ipvs_table_to_ipvsadm(table, &out))
		abort();
	lsvm_ipvs_table_unref(table);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lsvm_ipvs_table *table;
	char *first, *second, *third;
	struct lsvm_ctx *ctx;

	if (lsvm_ctx_new(&ctx))
		return 0;
	if (lsvm_ipvs_table_from_ipvsadm(ctx, (const char *)data, size, &table)) {
		if (!lsvm_ctx_error_text(ctx)[0])
			abort();
		lsvm_ctx_unref(ctx);
		return 0;
	}
	if (lsvm_ipvs_table_to_ipvsadm(table, &first))
		abort();
	second = again(ctx, first);
	third = again(ctx, second);
	if (strcmp(second, third) != 0)
		abort();
	lsvm_free(first);
	lsvm_free(second);
	lsvm_free(third);
	lsvm_ipvs_table_unref(table);
	lsvm_ctx_unref(ctx);
	return 0;
}
