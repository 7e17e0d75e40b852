/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Applies the whole plan of a machine to a simulated one, step by step, and takes it
 * back. apply.py does the same in Python.
 */
#include <libsvm/libsvm.h>
#include <stdio.h>

/* NULL takes back what was applied. */
static int apply_plan(struct lsvm_host *host, struct lsvm_plan *plan)
{
	const struct lsvm_steps *steps;
	struct lsvm_apply *apply;
	size_t printed = 0;
	int err = lsvm_apply_new(host, plan, &apply);

	if (err < 0)
		return err;
	steps = lsvm_apply_steps(apply);
	printf("%zu steps\n", lsvm_steps_count(steps));
	do {
		err = lsvm_apply_next(apply);
		for (; printed < lsvm_apply_done_count(apply); printed++) {
			char text[512];

			if (lsvm_steps_text(steps, printed, text, sizeof(text)) >= 0)
				printf("  %s\n", text);
		}
	} while (err > 0);
	if (err >= 0)
		err = lsvm_apply_verify(apply);
	lsvm_apply_free(apply);
	return err;
}

int main(int argc, char **argv)
{
	struct lsvm_cluster *cluster = NULL;
	struct lsvm_plan *plan = NULL;
	struct lsvm_host *host = NULL;
	struct lsvm_ctx *ctx;
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: %s CLUSTER-FILE MACHINE\n", argv[0]);
		return 2;
	}
	if (lsvm_ctx_new(&ctx) < 0)
		return 1;
	err = lsvm_cluster_load_file(ctx, argv[1], NULL, &cluster);
	if (err >= 0)
		err = lsvm_plan_compile(ctx, cluster, argv[2], LSVM_DUTY_AUTO, &plan);
	if (err >= 0)
		err = lsvm_host_new_simulated(ctx, argv[2], &host);
	if (err >= 0)
		err = apply_plan(host, plan);
	if (err >= 0)
		err = apply_plan(host, plan); /* nothing is left to do */
	if (err >= 0)
		err = apply_plan(host, NULL);
	if (err < 0)
		fprintf(stderr, "%s\n", lsvm_ctx_error_text(ctx));
	lsvm_host_free(host);
	lsvm_plan_unref(plan);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return err < 0;
}
