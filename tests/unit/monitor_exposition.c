/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures for Prometheus: what is written is what the format asks for. */
#include "monitor/exposition.h"

#include "test.h"

#include <stdio.h>

static void names_values_and_escapes_are_as_the_format_asks(void **state)
{
	const struct exposition_label labels[] = { { "vip", "a \"b\" \\ c\nd" },
						   { "left", NULL },
						   { "server", "eps1" },
						   { NULL, NULL } };
	struct exposition e = { 0 };
	char why[128];

	(void)state;
	lsvm_exposition_family(&e, "lsvm_a", EXPOSITION_GAUGE, "one\ntwo");
	lsvm_exposition_count(&e, labels, 7);
	lsvm_exposition_count(&e, NULL, UINT64_MAX);
	lsvm_exposition_family(&e, "lsvm_b_total", EXPOSITION_COUNTER, "b");
	lsvm_exposition_thousandths(&e, NULL, 1002);
	lsvm_exposition_family(&e, "lsvm_c", EXPOSITION_GAUGE, "c");
	lsvm_exposition_millionths(&e, NULL, 2000003);
	assert_string_equal(e.text.data,
			    "# HELP lsvm_a one\\ntwo\n# TYPE lsvm_a gauge\n"
			    "lsvm_a{vip=\"a \\\"b\\\" \\\\ c\\nd\",server=\"eps1\"} 7\n"
			    "lsvm_a 18446744073709551615\n"
			    "# HELP lsvm_b_total b\n# TYPE lsvm_b_total counter\n"
			    "lsvm_b_total 1.002\n"
			    "# HELP lsvm_c c\n# TYPE lsvm_c gauge\n"
			    "lsvm_c 2.000003\n");
	assert_true(lsvm_exposition_check(e.text.data, e.text.length, why, sizeof(why)));
	lsvm_buf_free(&e.text);
}

static void what_is_over_the_limit_is_left_out_and_counted(void **state)
{
	struct exposition e = { .limit_bytes = 100 };
	char number[16];

	(void)state;
	lsvm_exposition_family(&e, "lsvm_a", EXPOSITION_GAUGE, "a");
	for (unsigned i = 0; i < 100; i++) {
		const struct exposition_label labels[] = { { "n", number }, { 0 } };

		snprintf(number, sizeof(number), "%u", i);
		lsvm_exposition_count(&e, labels, i);
	}
	assert_true(e.text.length <= 100);
	assert_int_equal(e.left_out, 96);
	assert_true(lsvm_exposition_check(e.text.data, e.text.length, NULL, 0));
	lsvm_buf_free(&e.text);
}

static void the_checker_sees_what_is_wrong(void **state)
{
#define FAMILY "# HELP a x\n# TYPE a gauge\n"
	static const char *const wrong[] = {
		FAMILY "a 1",
		FAMILY "a 1\n\n",
		FAMILY "a\n",
		FAMILY "a x\n",
		FAMILY "a 1\na 1\n",
		FAMILY "a{l=\"\\x\"} 1\n",
		FAMILY "a{l=\"x} 1\n",
		FAMILY "a{l=x} 1\n",
		FAMILY "a{1=\"x\"} 1\n",
		FAMILY "b 1\n",
		FAMILY "a 1.2.3\n",
		"a 1\n",
		"# TYPE a gauge\na 1\n",
		"# HELP a x\na 1\n",
		"# HELP a x\n# TYPE a thing\n",
		"# HELP a x\n# TYPE a counter\n",
		FAMILY FAMILY,
		FAMILY "# HELP b x\n# TYPE b gauge\nb 1\na 1\n",
	};

	(void)state;
	assert_true(lsvm_exposition_check("", 0, NULL, 0));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (lsvm_exposition_check(wrong[i], strlen(wrong[i]), NULL, 0))
			fail_msg("taken for good: %s", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_values_and_escapes_are_as_the_format_asks),
		cmocka_unit_test(what_is_over_the_limit_is_left_out_and_counted),
		cmocka_unit_test(the_checker_sees_what_is_wrong),
	};

	return RUN(tests);
}
