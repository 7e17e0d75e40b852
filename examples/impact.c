/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What changing from one cluster file to another does to the clients of a director,
 * before it is done. With lsvm_host_ipvs_snapshot() in place of the first plan it counts
 * the connections that live. impact.py does the same in Python.
 */
#include <libsvm/libsvm.h>
#include <stdio.h>

static int plan_of(struct lsvm_ctx *ctx, const char *file, const char *director,
		   struct lsvm_plan **ret)
{
	struct lsvm_cluster *cluster;
	int err = lsvm_cluster_load_file(ctx, file, NULL, &cluster);

	if (err < 0)
		return err;
	err = lsvm_plan_compile(ctx, cluster, director, LSVM_DUTY_MASTER, ret);
	lsvm_cluster_unref(cluster);
	return err;
}

static int compare(struct lsvm_ctx *ctx, struct lsvm_plan *before,
		   struct lsvm_plan *after)
{
	struct lsvm_impact *impact;
	char *text;
	int err = lsvm_impact_compute(
		ctx, lsvm_plan_ipvs(before), lsvm_plan_ipvs(after),
		lsvm_plan_ipvs(before),
		LSVM_IMPACT_NODEST_EXPIRES | LSVM_IMPACT_QUIESCENT_EXPIRES, &impact);

	if (err < 0)
		return err;
	err = lsvm_impact_to_text(impact, &text);
	if (err >= 0) {
		printf("hurts: %s\n%s", lsvm_impact_level_name(lsvm_impact_level(impact)),
		       text);
		lsvm_free(text);
	}
	lsvm_impact_free(impact);
	return err;
}

int main(int argc, char **argv)
{
	struct lsvm_plan *before = NULL, *after = NULL;
	struct lsvm_ctx *ctx;
	int err;

	if (argc != 4) {
		fprintf(stderr, "usage: %s BEFORE AFTER DIRECTOR\n", argv[0]);
		return 2;
	}
	if (lsvm_ctx_new(&ctx) < 0)
		return 1;
	err = plan_of(ctx, argv[1], argv[3], &before);
	if (err >= 0)
		err = plan_of(ctx, argv[2], argv[3], &after);
	if (err >= 0 && lsvm_plan_ipvs(before) && lsvm_plan_ipvs(after))
		err = compare(ctx, before, after);
	if (err < 0)
		fprintf(stderr, "%s\n", lsvm_ctx_error_text(ctx));
	lsvm_plan_unref(before);
	lsvm_plan_unref(after);
	lsvm_ctx_unref(ctx);
	return err < 0;
}
