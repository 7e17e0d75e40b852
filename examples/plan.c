/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prints what a machine of the cluster must hold: its addresses, its IPVS table as
 * ipvsadm would print it, its files. plan.py does the same in Python.
 */
#include <libsvm/libsvm.h>
#include <stdio.h>

static int print_plan(const struct lsvm_plan *plan)
{
	const struct lsvm_ipvs_table *table = lsvm_plan_ipvs(plan);
	char prefix[LSVM_ADDRESS_TEXT_BYTES], *text;
	int err = 0;

	printf("%s %s\n", lsvm_role_name(lsvm_plan_role(plan)), lsvm_plan_machine(plan));
	for (size_t i = 0; i < lsvm_plan_address_count(plan); i++) {
		err = lsvm_plan_address(plan, i, prefix, sizeof(prefix));
		if (err < 0)
			return err;
		printf("address %s on %s\n", prefix,
		       lsvm_plan_address_interface(plan, i));
	}
	if (table) {
		err = lsvm_ipvs_table_to_ipvsadm(table, &text);
		if (err < 0)
			return err;
		printf("%s", text);
		lsvm_free(text);
	}
	for (size_t i = 0; i < lsvm_plan_file_count(plan); i++)
		printf("file %s, mode %o:\n%s", lsvm_plan_file_path(plan, i),
		       lsvm_plan_file_mode(plan, i), lsvm_plan_file_content(plan, i));
	return 0;
}

int main(int argc, char **argv)
{
	struct lsvm_cluster *cluster = NULL;
	struct lsvm_plan *plan = NULL;
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
		err = print_plan(plan);
	if (err < 0)
		fprintf(stderr, "%s\n", lsvm_ctx_error_text(ctx));
	lsvm_plan_unref(plan);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return err < 0;
}
