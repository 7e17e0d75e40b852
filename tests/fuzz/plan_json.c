/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a plan: refused, or read and written the same for ever after. */
#include "plan/plan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_twice(struct lsvm_ctx *ctx, const struct lsvm_plan *plan)
{
	struct lsvm_plan *again = NULL;
	char *first = NULL, *second = NULL;

	if (lsvm_plan_to_json(plan, &first) < 0)
		return;
	if (lsvm_plan_from_json(ctx, first, strlen(first), &again) < 0 ||
	    lsvm_plan_to_json(again, &second) < 0 || strcmp(first, second) != 0)
		abort();
	lsvm_free(first);
	lsvm_free(second);
	lsvm_plan_unref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lsvm_plan *plan;
	struct lsvm_ctx *ctx;

	if (lsvm_ctx_new(&ctx) < 0)
		return 0;
	if (lsvm_plan_from_json(ctx, (const char *)data, size, &plan) == 0) {
		write_twice(ctx, plan);
		lsvm_plan_unref(plan);
	}
	lsvm_ctx_unref(ctx);
	return 0;
}
