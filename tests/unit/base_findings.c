/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings, the context's error text, and the words of the ground floor's enums. */
#include "base/base.h"

#include <jansson.h>

#include "test.h"

static int setup(void **state)
{
	return lsvm_ctx_new((struct lsvm_ctx **)state);
}

static int teardown(void **state)
{
	lsvm_ctx_unref(*state);
	return 0;
}

static void findings_are_in_the_order_of_the_file(void **state)
{
	struct lsvm_findings *findings;

	assert_int_equal(lsvm_findings_new(*state, &findings), 0);
	lsvm_findings_add(findings, 0, "/b", (struct mark){ 9, 1 }, "last");
	lsvm_findings_add(findings, 0, "/b", (struct mark){ 2, 5 }, "third");
	lsvm_findings_add(findings, 0, "/b", (struct mark){ 2, 1 }, "second %s", "b");
	lsvm_findings_add(findings, 0, "/a", (struct mark){ 2, 1 }, "first");
	lsvm_findings_sort(findings);
	assert_int_equal(lsvm_findings_count(findings), 4);
	assert_int_equal(lsvm_findings_error_count(findings), 4);
	assert_string_equal(lsvm_finding_text(lsvm_findings_at(findings, 0)), "first");
	assert_string_equal(lsvm_finding_text(lsvm_findings_at(findings, 1)), "second b");
	assert_string_equal(lsvm_finding_text(lsvm_findings_at(findings, 2)), "third");
	assert_int_equal(lsvm_finding_line(lsvm_findings_at(findings, 3)), 9);
	assert_int_equal(lsvm_finding_column(lsvm_findings_at(findings, 2)), 5);
	assert_string_equal(lsvm_finding_path(lsvm_findings_at(findings, 0)), "/a");
	assert_null(lsvm_findings_at(findings, 4));
	lsvm_findings_free(findings);
}

static void past_the_limit_the_last_finding_says_so(void **state)
{
	const struct lsvm_finding *last;
	struct lsvm_findings *findings;

	assert_int_equal(lsvm_findings_new(*state, &findings), 0);
	for (uint32_t i = 0; i < LSVM_FINDINGS_MAX + 10; i++)
		lsvm_findings_add(findings, 0, "", (struct mark){ i, 1 }, "n %u", i);
	lsvm_findings_sort(findings);
	assert_int_equal(lsvm_findings_count(findings), LSVM_FINDINGS_MAX + 1);
	last = lsvm_findings_at(findings, LSVM_FINDINGS_MAX);
	assert_string_equal(lsvm_finding_code(last), "too-many-findings");
	assert_int_equal(lsvm_finding_line(last), 0);
	lsvm_findings_free(findings);
}

static void findings_as_json_carry_every_field(void **state)
{
	struct lsvm_findings *findings;
	json_t *root, *item;
	char *text;

	assert_int_equal(lsvm_findings_new(*state, &findings), 0);
	lsvm_findings_add(findings, 0, "/partitions/0", (struct mark){ 3, 7 }, "a \"b\"");
	assert_int_equal(lsvm_findings_to_json(findings, &text), 0);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "schema")),
			    "lsvm-findings/1");
	item = json_array_get(json_object_get(root, "findings"), 0);
	assert_string_equal(json_string_value(json_object_get(item, "text")), "a \"b\"");
	assert_string_equal(json_string_value(json_object_get(item, "path")),
			    "/partitions/0");
	assert_int_equal(json_integer_value(json_object_get(item, "line")), 3);
	assert_int_equal(json_integer_value(json_object_get(item, "column")), 7);
	assert_non_null(json_object_get(item, "code"));
	assert_non_null(json_object_get(item, "severity"));
	assert_non_null(json_object_get(item, "hint"));
	json_decref(root);
	lsvm_free(text);
	lsvm_findings_free(findings);
}

static void every_finding_code_is_one_word_and_used_once(void **state)
{
	struct map seen = { 0 };

	assert_true(lsvm_finding_code_count() > 0);
	assert_null(lsvm_finding_code_at(lsvm_finding_code_count()));
	for (size_t i = 0; i < lsvm_finding_code_count(); i++) {
		const char *code = lsvm_finding_code_at(i);

		assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789-"),
				 strlen(code));
		assert_int_equal(
			lsvm_map_put(&seen, code, strlen(code), (void *)code, NULL), 0);
	}
	lsvm_map_free(&seen);
}

static void an_error_leaves_its_sentence_on_the_context(void **state)
{
	struct lsvm_ctx *ctx = *state;

	assert_string_equal(lsvm_ctx_error_text(ctx), "");
	assert_int_equal(lsvm_fail(ctx, LSVM_ERR_RANGE, "weight %d", 70000),
			 LSVM_ERR_RANGE);
	assert_string_equal(lsvm_ctx_error_text(ctx), "weight 70000");
	assert_ptr_equal(lsvm_ctx_ref(ctx), ctx);
	lsvm_ctx_unref(ctx);
	assert_string_equal(lsvm_ctx_error_text(ctx), "weight 70000");
}

static void an_error_longer_than_the_context_is_cut(void **state)
{
	char longer[3 * LSVM_ERROR_TEXT_BYTES];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	lsvm_fail(*state, LSVM_ERR_IO, "%s", longer);
	assert_int_equal(strlen(lsvm_ctx_error_text(*state)), LSVM_ERROR_TEXT_BYTES - 1);
}

static void words_are_found_both_ways(void **state)
{
	for (int err = 0; err >= LSVM_ERR_INTERNAL; err--)
		assert_string_not_equal(lsvm_err_name(err), "unknown");
	assert_string_equal(lsvm_err_name(1), "unknown");
	assert_string_equal(lsvm_err_name(LSVM_ERR_INTERNAL - 1), "unknown");
	assert_int_equal(lsvm_severity_parse("error"), LSVM_SEVERITY_ERROR);
	assert_int_equal(lsvm_severity_parse("Error"), LSVM_SEVERITY_UNKNOWN);
	assert_string_equal(lsvm_severity_name(LSVM_SEVERITY_WARNING), "warning");
	assert_string_equal(lsvm_severity_name(99), "unknown");
}

static void destructors_take_null(void **state)
{
	lsvm_findings_free(NULL);
	lsvm_ctx_unref(NULL);
	lsvm_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(findings_are_in_the_order_of_the_file,
						setup, teardown),
		cmocka_unit_test_setup_teardown(past_the_limit_the_last_finding_says_so,
						setup, teardown),
		cmocka_unit_test_setup_teardown(findings_as_json_carry_every_field, setup,
						teardown),
		cmocka_unit_test(every_finding_code_is_one_word_and_used_once),
		cmocka_unit_test_setup_teardown(
			an_error_leaves_its_sentence_on_the_context, setup, teardown),
		cmocka_unit_test_setup_teardown(an_error_longer_than_the_context_is_cut,
						setup, teardown),
		cmocka_unit_test(words_are_found_both_ways),
		cmocka_unit_test(destructors_take_null),
	};

	return RUN(tests);
}
