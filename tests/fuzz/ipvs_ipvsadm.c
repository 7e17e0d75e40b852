/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as lines of ipvsadm: the table they make is written and read back the same.
 */
#include <libsvm/ipvs.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lsvm_ipvs_table *table, *again;
	struct lsvm_ctx *ctx;
	char *first, *second;

	if (lsvm_ctx_new(&ctx))
		return 0;
	if (lsvm_ipvs_table_from_ipvsadm(ctx, (const char *)data, size, &table)) {
		if (!lsvm_ctx_error_text(ctx)[0])
			abort();
		lsvm_ctx_unref(ctx);
		return 0;
	}
	if (lsvm_ipvs_table_to_ipvsadm(table, &first) ||
	    lsvm_ipvs_table_from_ipvsadm(ctx, first, strlen(first), &again) ||
	    lsvm_ipvs_table_to_ipvsadm(again, &second) || strcmp(first, second) != 0)
		abort();
	lsvm_free(first);
	lsvm_free(second);
	lsvm_ipvs_table_unref(table);
	lsvm_ipvs_table_unref(again);
	lsvm_ctx_unref(ctx);
	return 0;
}
