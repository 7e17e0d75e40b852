/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frozen objects are read by many threads at once, each with a context of its own, and
 * say the same to all. presets/tsan.ini looks for races in it.
 */
#include <libsvm/libsvm.h>
#include <pthread.h>
#include <string.h>

#include "test.h"

#define THREADS 4
#define ROUNDS 5

static struct lsvm_cluster *cluster;

struct result {
	char *plans[64];
	char *json, *changes;
	size_t count;
	int err;
};

static int compile(struct lsvm_ctx *ctx, const char *machine, char **ret)
{
	struct lsvm_plan *plan;
	int err = lsvm_plan_compile(ctx, cluster, machine, LSVM_DUTY_AUTO, &plan);

	if (err < 0)
		return err;
	err = lsvm_plan_to_json(plan, ret);
	lsvm_plan_unref(plan);
	return err;
}

static int edit(struct lsvm_ctx *ctx, char **ret)
{
	struct lsvm_cluster *after = NULL;
	struct lsvm_changes *changes = NULL;
	struct lsvm_draft *draft;
	int err = lsvm_draft_new(ctx, cluster, &draft);

	if (err < 0)
		return err;
	err = lsvm_draft_add_server(draft, "C", "eps5", 1);
	if (err >= 0)
		err = lsvm_draft_freeze(draft, NULL, &after);
	if (err >= 0)
		err = lsvm_cluster_diff(ctx, cluster, after, &changes);
	if (err >= 0)
		err = lsvm_changes_to_json(changes, ret);
	lsvm_changes_free(changes);
	lsvm_cluster_unref(after);
	lsvm_draft_free(draft);
	return err;
}

static void result_clear(struct result *result)
{
	for (size_t i = 0; i < result->count; i++)
		lsvm_free(result->plans[i]);
	lsvm_free(result->json);
	lsvm_free(result->changes);
	*result = (struct result){ 0 };
}

static void *work(void *argument)
{
	struct lsvm_cluster *own = lsvm_cluster_ref(cluster);
	struct result *result = argument;
	struct lsvm_ctx *ctx = NULL;

	result->err = lsvm_ctx_new(&ctx);
	for (int round = 0; result->err >= 0 && round < ROUNDS; round++) {
		size_t count = lsvm_cluster_machine_count(own);

		result_clear(result);
		result->err = lsvm_cluster_to_json(own, &result->json);
		for (size_t i = 0; result->err >= 0 && i < count; i++) {
			const struct lsvm_machine *machine =
				lsvm_cluster_machine_at(own, i);

			result->err = compile(ctx, lsvm_machine_name(machine),
					      &result->plans[i]);
			result->count += result->err >= 0;
		}
		if (result->err >= 0)
			result->err = edit(ctx, &result->changes);
	}
	lsvm_ctx_unref(ctx);
	lsvm_cluster_unref(own);
	return NULL;
}

static void threads_that_share_a_cluster_see_the_same(void **state)
{
	struct result results[THREADS] = { 0 };
	pthread_t threads[THREADS];
	struct lsvm_ctx *ctx;

	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	assert_int_equal(
		lsvm_cluster_load_file(ctx, "examples/figure3.yaml", NULL, &cluster), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &results[i]), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(results[i].err, 0);
		assert_int_equal(results[i].count, 11);
		assert_string_equal(results[i].json, results[0].json);
		assert_string_equal(results[i].changes, results[0].changes);
		for (size_t j = 0; j < results[i].count; j++)
			assert_string_equal(results[i].plans[j], results[0].plans[j]);
	}
	for (int i = 0; i < THREADS; i++)
		result_clear(&results[i]);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_that_share_a_cluster_see_the_same),
	};

	return RUN(tests);
}
