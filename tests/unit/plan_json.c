/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans as JSON: the same bytes out again, and nothing in that a plan cannot say. */
#include "plan_support.h"

#include <stdio.h>

#define HEAD                                                                             \
	"{\"schema\": \"lsvm-plan/1\", \"cluster\": \"c\", \"machine\": \"m\", "         \
	"\"role\": \"server\""

static int read_plan(const char *text, struct lsvm_plan **ret)
{
	return lsvm_plan_from_json(ctx, text, strlen(text), ret);
}

static void expect_refused(const char *text)
{
	struct lsvm_plan *plan = NULL;

	if (read_plan(text, &plan) != LSVM_ERR_PARSE)
		fail_msg("was not refused: %s", text);
	assert_null(plan);
	assert_true(strlen(lsvm_ctx_error_text(ctx)) > 10);
}

static void out_and_in_and_out_are_the_same_bytes(void **unused)
{
	static const char *const machines[] = { "r1", "eds1", "eps1" };
	static const char text[] = NETWORKS DIRECTOR SERVER ONE_PARTITION(
		"    forwarding: tunnel\n",
		"      - {address: 192.0.2.100, domains: [a.example], tunnel: {kind: "
		"gre, "
		"checksum: full}}\n"
		"      - {address: '2001:db8:2::100', domains: [b.example]}\n"
		"      - {address: 192.0.2.101, services: [{name: a, ports: 1-9, fwmark: "
		"7, upper_threshold: 9}]}\n");

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct lsvm_plan *plan = plan_of(text, machines[i]), *again;
		struct lsvm_steps *steps;
		char *first, *second;

		assert_int_equal(lsvm_plan_to_json(plan, &first), 0);
		if (read_plan(first, &again) < 0)
			fail_msg("%s", lsvm_ctx_error_text(ctx));
		assert_int_equal(lsvm_plan_to_json(again, &second), 0);
		assert_string_equal(first, second);
		assert_int_equal(lsvm_plan_diff(ctx, plan, again, &steps), 0);
		assert_int_equal(lsvm_steps_count(steps), 0);
		lsvm_steps_free(steps);
		lsvm_free(first);
		lsvm_free(second);
		lsvm_plan_unref(plan);
		lsvm_plan_unref(again);
	}
}

static void order_in_the_document_does_not_matter(void **unused)
{
	struct lsvm_plan *a, *b;
	char *first, *second;

	assert_int_equal(read_plan(HEAD ", \"sysctls\": [{\"name\": \"b\", \"value\": "
					"\"1\"}, {\"name\": \"a\", \"value\": \"2\"}]}",
				   &a),
			 0);
	assert_int_equal(read_plan(HEAD ", \"sysctls\": [{\"name\": \"a\", \"value\": "
					"\"2\"}, {\"name\": \"b\", \"value\": \"1\"}]}",
				   &b),
			 0);
	assert_int_equal(lsvm_plan_to_json(a, &first), 0);
	assert_int_equal(lsvm_plan_to_json(b, &second), 0);
	assert_string_equal(first, second);
	lsvm_free(first);
	lsvm_free(second);
	lsvm_plan_unref(a);
	lsvm_plan_unref(b);
}

static void what_is_no_plan_is_refused(void **unused)
{
	expect_refused("");
	expect_refused("[]");
	expect_refused("{}");
	expect_refused("{\"schema\": \"lsvm-plan/2\", \"cluster\": \"c\", \"machine\": "
		       "\"m\", \"role\": \"server\"}");
	expect_refused(HEAD);
	expect_refused(HEAD ", \"duty\": \"king\"}");
	expect_refused(HEAD ", \"surprise\": 1}");
	expect_refused(HEAD ", \"machine\": \"twice\"}");
	expect_refused(HEAD ", \"links\": {}}");
	expect_refused(HEAD ", \"ipvs\": {}}");
}

static void parts_that_cannot_be_are_refused(void **unused)
{
	static const char *const parts[] = {
		"\"links\": [1]",
		"\"links\": [{\"name\": \"a\", \"kind\": \"rope\"}]",
		"\"links\": [{\"name\": \"../a\", \"kind\": \"ipip\"}]",
		"\"links\": [{\"name\": \"sixteen-letters-\", \"kind\": \"ipip\"}]",
		"\"links\": [{\"name\": \"a\", \"kind\": \"gue\", \"port\": 65536}]",
		"\"links\": [{\"name\": \"a\", \"kind\": \"ipip\", \"local\": \"here\"}]",
		"\"sysctls\": [{\"name\": \"a..b\", \"value\": \"1\"}]",
		"\"sysctls\": [{\"name\": \"a\", \"value\": 1}]",
		"\"sysctls\": [{\"name\": \"a\", \"value\": \"1\"}, {\"name\": \"a\", "
		"\"value\": \"2\"}]",
		"\"addresses\": [{\"address\": \"192.0.2.1/33\", \"interface\": \"lo\"}]",
		"\"addresses\": [{\"address\": \"192.0.2.1/32\"}]",
		"\"routes\": [{\"destination\": \"0.0.0.0/0\", \"interface\": \"\"}]",
		"\"files\": [{\"path\": \"etc/x\", \"mode\": \"0644\", \"content\": "
		"\"\"}]",
		"\"files\": [{\"path\": \"/etc/../x\", \"mode\": \"0644\", \"content\": "
		"\"\"}]",
		"\"files\": [{\"path\": \"/etc/x\", \"mode\": \"4644\", \"content\": "
		"\"\"}]",
		"\"files\": [{\"path\": \"/etc/x\", \"mode\": \"0648\", \"content\": "
		"\"\"}]",
		"\"units\": [{\"name\": \"x\"}]",
		"\"units\": [{\"name\": \"x\", \"start\": []}]",
		"\"units\": [{\"name\": \"x\", \"start\": [1]}]",
		"\"units\": [{\"name\": \"x\", \"start\": \"x\"}]",
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char text[512];

		snprintf(text, sizeof(text), "%s, %s}", HEAD, parts[i]);
		expect_refused(text);
	}
}

static void every_cut_off_plan_is_refused(void **unused)
{
	struct lsvm_plan *plan = plan_of(
		NETWORKS DIRECTOR SERVER ONE_PARTITION(
			"", "      - {address: 192.0.2.100, domains: [a.example]}\n"),
		"eds1");
	size_t length;
	char *text;

	assert_int_equal(lsvm_plan_to_json(plan, &text), 0);
	length = strlen(text);
	lsvm_plan_unref(plan);
	for (size_t i = 0; i < length; i++) {
		plan = NULL;
		assert_int_equal(lsvm_plan_from_json(ctx, text, i, &plan),
				 LSVM_ERR_PARSE);
		assert_null(plan);
	}
	lsvm_free(text);
}

static void words_and_values_belong_together(void **unused)
{
	for (int duty = LSVM_DUTY_AUTO; duty <= LSVM_DUTY_BACKUP; duty++)
		assert_int_equal(lsvm_duty_parse(lsvm_duty_name(duty)), duty);
	for (int kind = LSVM_STEP_SYSCTL_SET; kind <= LSVM_STEP_UNIT_STOP; kind++)
		assert_int_equal(lsvm_step_kind_parse(lsvm_step_kind_name(kind)), kind);
	for (int kind = LINK_PRESENT; kind <= LINK_GUE6; kind++)
		assert_int_equal(lsvm_link_kind_parse(lsvm_link_kind_name(kind)), kind);
	assert_int_equal(lsvm_duty_parse("unknown"), LSVM_DUTY_UNKNOWN);
	assert_string_equal(lsvm_step_kind_name(99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(out_and_in_and_out_are_the_same_bytes),
		cmocka_unit_test(order_in_the_document_does_not_matter),
		cmocka_unit_test(what_is_no_plan_is_refused),
		cmocka_unit_test(parts_that_cannot_be_are_refused),
		cmocka_unit_test(every_cut_off_plan_is_refused),
		cmocka_unit_test(words_and_values_belong_together),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
