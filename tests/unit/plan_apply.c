/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Steps taken on a machine in memory lead where they say: what is wanted is there, a
 * second look finds nothing to do, and undoing them leaves what was there before.
 */
#include "plan_support.h"

#include <stdio.h>

static struct lsvm_cluster *load(const char *name)
{
	const char *root = getenv("LSVM_SOURCE_ROOT");
	struct lsvm_findings *findings;
	struct lsvm_cluster *cluster;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", root ? root : ".", name);
	assert_int_equal(lsvm_findings_new(ctx, &findings), 0);
	if (lsvm_cluster_load_file(ctx, path, findings, &cluster) < 0)
		fail_msg("%s: %s", name, lsvm_ctx_error_text(ctx));
	lsvm_findings_free(findings);
	return cluster;
}

/* Makes the machine hold `wanted`; answers how many steps that took. */
static size_t make_hold(struct lsvm_host *host, const struct state *owned,
			const struct state *wanted)
{
	static const struct state nothing;
	struct lsvm_steps *steps;
	struct state *present;
	size_t count, done = 0;

	if (lsvm_host_observe(host, wanted ? wanted : &nothing, owned, &present) < 0)
		fail_msg("%s", lsvm_ctx_error_text(ctx));
	if (lsvm_steps_compute(ctx, present, owned, wanted, &steps) < 0)
		fail_msg("%s", lsvm_ctx_error_text(ctx));
	count = steps->list.count;
	if (lsvm_host_perform(host, steps->list.items, count, &done) < 0)
		fail_msg("%s", lsvm_ctx_error_text(ctx));
	assert_int_equal(done, count);
	lsvm_steps_free(steps);
	lsvm_state_free(present);
	return count;
}

static void hold_and_let_go(const struct lsvm_cluster *cluster, const char *machine)
{
	struct lsvm_host *host;
	struct lsvm_plan *plan;

	if (lsvm_plan_compile(ctx, cluster, machine, LSVM_DUTY_MASTER, &plan) < 0)
		fail_msg("%s: %s", machine, lsvm_ctx_error_text(ctx));
	assert_int_equal(lsvm_host_new_simulated(ctx, machine, &host), 0);
	make_hold(host, NULL, plan->wanted);
	assert_int_equal(make_hold(host, plan->wanted, plan->wanted), 0);
	make_hold(host, plan->wanted, NULL);
	assert_int_equal(make_hold(host, plan->wanted, NULL), 0);
	lsvm_host_free(host);
	lsvm_plan_unref(plan);
}

static void every_example_is_held_and_let_go(void **unused)
{
	static const char *const names[] = {
		"examples/figure3.yaml",
		"examples/ipv6.yaml",
		"examples/minimal.yaml",
		"examples/nat.yaml",
		"examples/one-router-private.yaml",
		"examples/one-router-public.yaml",
		"examples/routed-vip.yaml",
		"examples/services.yaml",
		"examples/tunnel.yaml",
		"examples/two-routers-private.yaml",
		"examples/two-routers-public.yaml",
		"tests/golden/plan/mixed.yaml",
		"tests/golden/plan/everything.yaml",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct lsvm_cluster *cluster = load(names[i]);

		for (size_t j = 0; j < lsvm_cluster_machine_count(cluster); j++)
			hold_and_let_go(
				cluster,
				lsvm_machine_name(lsvm_cluster_machine_at(cluster, j)));
		lsvm_cluster_unref(cluster);
	}
}

static void a_change_of_the_cluster_arrives_on_every_machine(void **unused)
{
	struct lsvm_cluster *old = load("tests/golden/plan/change.old.yaml");
	struct lsvm_cluster *new = load("tests/golden/plan/change.new.yaml");
	size_t changed = 0;

	for (size_t i = 0; i < lsvm_cluster_machine_count(old); i++) {
		const char *machine = lsvm_machine_name(lsvm_cluster_machine_at(old, i));
		struct lsvm_plan *from, *to;
		struct lsvm_host *host;

		assert_int_equal(
			lsvm_plan_compile(ctx, old, machine, LSVM_DUTY_AUTO, &from), 0);
		assert_int_equal(
			lsvm_plan_compile(ctx, new, machine, LSVM_DUTY_AUTO, &to), 0);
		assert_int_equal(lsvm_host_new_simulated(ctx, machine, &host), 0);
		make_hold(host, NULL, from->wanted);
		changed += make_hold(host, from->wanted, to->wanted) > 0;
		assert_int_equal(make_hold(host, to->wanted, to->wanted), 0);
		lsvm_host_free(host);
		lsvm_plan_unref(from);
		lsvm_plan_unref(to);
	}
	/* Both directors and the four servers, but neither the router nor the station. */
	assert_int_equal(changed, 6);
	lsvm_cluster_unref(old);
	lsvm_cluster_unref(new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_example_is_held_and_let_go),
		cmocka_unit_test(a_change_of_the_cluster_arrives_on_every_machine),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
