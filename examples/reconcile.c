/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a simulated director hold the IPVS table of its plan, looks at it, and does it
 * again: the second time nothing is left to do. With lsvm_host_open() in place of
 * lsvm_host_new_simulated() it is this machine's kernel. reconcile.py does the same in
 * Python.
 */
#include <libsvm/libsvm.h>
#include <stdio.h>

static int reconcile(struct lsvm_host *host, const struct lsvm_ipvs_table *wanted)
{
	struct lsvm_ipvs_table *seen;
	size_t changed;
	char *text;
	int err;

	for (int round = 1; round <= 2; round++) {
		err = lsvm_host_ipvs_reconcile(host, wanted, NULL, &changed);
		if (err < 0)
			return err;
		printf("round %d: %zu changes\n", round, changed);
	}
	err = lsvm_host_ipvs_snapshot(host, &seen);
	if (err < 0)
		return err;
	err = lsvm_ipvs_table_to_ipvsadm(seen, &text);
	if (err >= 0) {
		printf("%s", text);
		lsvm_free(text);
	}
	lsvm_ipvs_table_unref(seen);
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
		fprintf(stderr, "usage: %s CLUSTER-FILE DIRECTOR\n", argv[0]);
		return 2;
	}
	if (lsvm_ctx_new(&ctx) < 0)
		return 1;
	err = lsvm_cluster_load_file(ctx, argv[1], NULL, &cluster);
	if (err >= 0)
		err = lsvm_plan_compile(ctx, cluster, argv[2], LSVM_DUTY_AUTO, &plan);
	if (err >= 0)
		err = lsvm_host_new_simulated(ctx, argv[2], &host);
	if (err >= 0 && !lsvm_plan_ipvs(plan)) {
		fprintf(stderr, "%s is no director\n", argv[2]);
		err = LSVM_ERR_ARGUMENT;
	} else if (err >= 0) {
		err = reconcile(host, lsvm_plan_ipvs(plan));
	}
	if (err < 0)
		fprintf(stderr, "%s\n", lsvm_ctx_error_text(ctx));
	lsvm_host_free(host);
	lsvm_plan_unref(plan);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return err < 0;
}
