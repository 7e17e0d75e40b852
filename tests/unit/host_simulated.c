/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host_suite.h"

static void a_simulated_card_can_be_plugged_in_once(void **state)
{
	struct lsvm_ctx *ctx;
	struct lsvm_host *host;

	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	assert_int_equal(lsvm_host_new_simulated(ctx, "eds1", &host), 0);
	assert_string_equal(lsvm_host_name(host), "eds1");
	assert_true(lsvm_host_is_simulated(host));
	assert_int_equal(lsvm_host_simulate_interface(host, "eth0"), 0);
	assert_int_equal(lsvm_host_simulate_interface(host, "eth0"), LSVM_ERR_EXISTS);
	assert_int_equal(lsvm_host_simulate_interface(host, "lo"), LSVM_ERR_EXISTS);
	assert_int_equal(lsvm_host_simulate_interface(host, ""), LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_host_simulate_interface(host, "a/b"), LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_host_simulate_interface(host, "sixteen-letters."),
			 LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_host_write_count(host), 0);
	lsvm_host_free(host);
	lsvm_host_free(NULL);
	lsvm_ctx_unref(ctx);
}

static void a_card_that_a_plan_names_is_there(void **state)
{
	struct lsvm_ctx *ctx;
	struct lsvm_host *host;
	struct link card = { .name = "eth3", .kind = LINK_PRESENT };
	struct link pipe = { .name = "svm0", .kind = LINK_IPIP };
	struct link both[] = { card, pipe };
	struct state wanted = { 0 }, *present;

	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	assert_int_equal(lsvm_host_new_simulated(ctx, "eds1", &host), 0);
	wanted.links.items = both;
	wanted.links.count = 2;
	assert_int_equal(lsvm_host_observe(host, &wanted, NULL, &present), 0);
	assert_non_null(lsvm_state_link(present, "eth3"));
	assert_null(lsvm_state_link(present, "svm0"));
	lsvm_state_free(present);
	lsvm_host_free(host);
	lsvm_ctx_unref(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_simulated_card_can_be_plugged_in_once),
		cmocka_unit_test(a_card_that_a_plan_names_is_there),
	};

	return host_suite(true, SUITE_BASE | SUITE_TUNNELS | SUITE_IPVS) + RUN(tests);
}
