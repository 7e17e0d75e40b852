/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Adds a server to a partition and prints what that changes: in the cluster, and in the
 * IPVS table of a director. edit.py does the same in Python.
 */
#include <libsvm/libsvm.h>
#include <stdio.h>

/* The cluster with the server added; the draft is only needed in between. */
static int add_server(struct lsvm_ctx *ctx, const struct lsvm_cluster *cluster,
		      const char *partition, const char *server,
		      struct lsvm_cluster **ret)
{
	struct lsvm_draft *draft;
	int err = lsvm_draft_new(ctx, cluster, &draft);

	if (err < 0)
		return err;
	err = lsvm_draft_add_server(draft, partition, server, 1);
	if (err >= 0)
		err = lsvm_draft_freeze(draft, NULL, ret);
	lsvm_draft_free(draft);
	return err;
}

static int print_changes(struct lsvm_ctx *ctx, const struct lsvm_cluster *before,
			 const struct lsvm_cluster *after)
{
	struct lsvm_changes *changes;
	int err = lsvm_cluster_diff(ctx, before, after, &changes);

	if (err < 0)
		return err;
	for (size_t i = 0; i < lsvm_changes_count(changes); i++)
		printf("%s\n", lsvm_change_path(lsvm_changes_at(changes, i)));
	lsvm_changes_free(changes);
	return 0;
}

static int print_table_changes(struct lsvm_ctx *ctx, const struct lsvm_cluster *before,
			       const struct lsvm_cluster *after, const char *director)
{
	struct lsvm_plan *from = NULL, *to = NULL;
	struct lsvm_steps *steps = NULL;
	int err = lsvm_plan_compile(ctx, before, director, LSVM_DUTY_AUTO, &from);

	if (err >= 0)
		err = lsvm_plan_compile(ctx, after, director, LSVM_DUTY_AUTO, &to);
	if (err >= 0)
		err = lsvm_plan_diff(ctx, from, to, &steps);
	for (size_t i = 0; err >= 0 && i < lsvm_steps_count(steps); i++) {
		char text[512];

		err = lsvm_steps_text(steps, i, text, sizeof(text));
		if (err >= 0)
			printf("%s: %s\n", director, text);
	}
	lsvm_steps_free(steps);
	lsvm_plan_unref(to);
	lsvm_plan_unref(from);
	return err;
}

int main(int argc, char **argv)
{
	struct lsvm_cluster *before = NULL, *after = NULL;
	struct lsvm_ctx *ctx;
	int err;

	if (argc != 5) {
		fprintf(stderr, "usage: %s CLUSTER-FILE PARTITION SERVER DIRECTOR\n",
			argv[0]);
		return 2;
	}
	if (lsvm_ctx_new(&ctx) < 0)
		return 1;
	err = lsvm_cluster_load_file(ctx, argv[1], NULL, &before);
	if (err >= 0)
		err = add_server(ctx, before, argv[2], argv[3], &after);
	if (err >= 0)
		err = print_changes(ctx, before, after);
	if (err >= 0)
		err = print_table_changes(ctx, before, after, argv[4]);
	if (err < 0)
		fprintf(stderr, "%s\n", lsvm_ctx_error_text(ctx));
	lsvm_cluster_unref(after);
	lsvm_cluster_unref(before);
	lsvm_ctx_unref(ctx);
	return err < 0;
}
