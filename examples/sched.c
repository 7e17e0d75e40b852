/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which real server the kernel will choose for a client, service by service, without a
 * kernel. sched.py does the same in Python.
 */
#include <libsvm/libsvm.h>
#include <stdio.h>

static int ask(struct lsvm_ctx *ctx, const struct lsvm_ipvs_service *service,
	       const char *client)
{
	const struct lsvm_ipvs_destination *destination;
	char name[100], server[50] = "nobody";
	int outcome = lsvm_sched_predict(ctx, service, NULL, client, 40000, &destination);

	lsvm_ipvs_service_text(service, name, sizeof(name));
	if (outcome == LSVM_ERR_STATE || outcome == LSVM_ERR_ARGUMENT) {
		/* rr and wrr take turns; a service by mark or of the other family
		 * wants to know what is called. */
		printf("%s: nobody can tell\n", name);
		return 0;
	}
	if (outcome < 0)
		return outcome;
	if (outcome == LSVM_SCHED_SERVED)
		lsvm_ipvs_destination_address(destination, server, sizeof(server));
	printf("%s: %s\n", name, server);
	return 0;
}

int main(int argc, char **argv)
{
	const struct lsvm_ipvs_table *table;
	struct lsvm_cluster *cluster = NULL;
	struct lsvm_plan *plan = NULL;
	struct lsvm_ctx *ctx;
	int err;

	if (argc != 4) {
		fprintf(stderr, "usage: %s CLUSTER-FILE DIRECTOR CLIENT\n", argv[0]);
		return 2;
	}
	if (lsvm_ctx_new(&ctx) < 0)
		return 1;
	err = lsvm_cluster_load_file(ctx, argv[1], NULL, &cluster);
	if (err >= 0)
		err = lsvm_plan_compile(ctx, cluster, argv[2], LSVM_DUTY_MASTER, &plan);
	table = err >= 0 ? lsvm_plan_ipvs(plan) : NULL;
	for (size_t i = 0; table && err >= 0 && i < lsvm_ipvs_table_service_count(table);
	     i++)
		err = ask(ctx, lsvm_ipvs_table_service_at(table, i), argv[3]);
	if (err < 0)
		fprintf(stderr, "%s\n", lsvm_ctx_error_text(ctx));
	lsvm_plan_unref(plan);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return err < 0;
}
