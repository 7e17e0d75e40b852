/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cluster in virtual time: its commands, what they refuse, and what they do. */
#include <libsvm/libsvm.h>

#include "test.h"

#include <stdlib.h>
#include <string.h>

static struct lsvm_ctx *ctx;
static struct lsvm_cluster *cluster;
static struct lsvm_lab *lab;

static int begin(void **state)
{
	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	if (lsvm_cluster_load_file(ctx, "tests/scenario/pair.yaml", NULL, &cluster) < 0 ||
	    lsvm_lab_new(ctx, cluster, 5, &lab) < 0)
		fail_msg("%s", lsvm_ctx_error_text(ctx));
	return 0;
}

static int finish(void **state)
{
	lsvm_lab_free(lab);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return 0;
}

static void run(const char *script)
{
	if (lsvm_lab_run_script(lab, script, strlen(script)) < 0)
		fail_msg("%s", lsvm_ctx_error_text(ctx));
}

static void refused(int err, const char *why, const char *command)
{
	assert_string_equal(lsvm_err_name(lsvm_lab_do(lab, command)), lsvm_err_name(err));
	if (!strstr(lsvm_ctx_error_text(ctx), why))
		fail_msg("\"%s\" lacks \"%s\"", lsvm_ctx_error_text(ctx), why);
}

static void what_is_no_command_is_refused_with_what_it_takes(void **state)
{
	refused(LSVM_ERR_PARSE, "no command \"dance\"", "dance");
	refused(LSVM_ERR_PARSE, "\"advance\" takes a time", "advance");
	refused(LSVM_ERR_PARSE, "\"5\" is no time", "advance 5");
	refused(LSVM_ERR_PARSE, "\"101%\" is no share", "loss front 101%");
	refused(LSVM_ERR_PARSE, "is no count", "requests many");
	refused(LSVM_ERR_PARSE, "does not belong there", "requests 1 each 5ms");
	refused(LSVM_ERR_PARSE, "does not belong there", "crash eds1 during 3");
	refused(LSVM_ERR_PARSE, "servers cannot \"sing\"", "server eps1 sing");
	refused(LSVM_ERR_PARSE, "nothing can be expected", "expect weather");
	refused(LSVM_ERR_NOT_FOUND, "no machine 'eds3'", "cut eds3");
	refused(LSVM_ERR_NOT_FOUND, "no network 'back'", "loss back 1%");
	refused(LSVM_ERR_NOT_FOUND, "no virtual address 'v'", "requests 1 to v");
	refused(LSVM_ERR_STATE, "no agent", "kill-agent r1");
	refused(LSVM_ERR_STATE, "no agent can run", "start-agent r1");
	assert_int_equal(lsvm_lab_do(lab, ""), 0);
	assert_int_equal(lsvm_lab_do(lab, "  # nothing"), 0);
	assert_int_equal(lsvm_lab_now_us(lab), 0);
}

static void an_error_of_a_script_names_its_line(void **state)
{
	static const char script[] = "advance 1s\n\n# fine\nexpect master eds2\n";

	assert_int_equal(lsvm_lab_run_script(lab, script, strlen(script)),
			 LSVM_ERR_CONFLICT);
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "line 4: at 1.000000 s nobody"));
}

static void a_server_that_dies_is_left_out_until_it_is_back(void **state)
{
	run("expect master eds1 within 5s\n"
	    "expect server eps2 in\n"
	    "server eps2 refuse\n"
	    "expect server eps2 out within 5s\n"
	    "expect event eds1 server-down\n"
	    "requests 30 every 10ms\nadvance 1s\n"
	    "expect answered 30\n"
	    "server eps2 answer\n"
	    "expect server eps2 in within 5s\n"
	    "expect settled within 10s\n");
}

static void a_drained_server_gets_nothing_new(void **state)
{
	run("expect master eds1 within 5s\ndrain eps1\n"
	    "expect server eps1 out within 1s\nexpect settled within 10s\n"
	    "enable eps1\nexpect server eps1 in within 1s\n");
}

static void who_is_frozen_loses_its_duty_and_does_not_take_it_twice(void **state)
{
	run("expect master eds1 within 5s\nadvance 10s\n"
	    "freeze eds1\nadvance 10s\n"
	    "expect event eds2 \"no advert from\"\n"
	    "thaw eds1\n"
	    "expect one master within 2s\n"
	    "expect settled within 60s\n");
}

static void a_crash_at_an_effect_leaves_nothing_behind(void **state)
{
	run("expect master eds1 within 5s\nadvance 5s\n"
	    "crash eds1 before 1\n"
	    "expect agent eds1 dead within 5s\n"
	    "expect master eds2 within 1s\n"
	    "start-agent eds1\n"
	    "expect master eds1 within 10s\nexpect settled within 10s\n");
}

static void a_wall_clock_that_jumps_changes_nothing(void **state)
{
	run("expect master eds1 within 5s\n"
	    "clock eds1 -100d\nclock eds2 +100d\nadvance 30s\n"
	    "expect master eds1\nexpect failovers 0\nexpect settled\n");
}

static void weights_change_without_a_restart(void **state)
{
	run("expect master eds1 within 5s\nreload weight eps1 3\n"
	    "expect settled within 5s\nreload\nexpect settled within 5s\n"
	    "reload set /partitions/web/scheduler '\"rr\"'\n");
}

static void documents_tell_how_it_stands(void **state)
{
	char *text;

	run("advance 5s\nrequests 2\nadvance 1s\n");
	assert_int_equal(lsvm_lab_to_json(lab, &text), 0);
	assert_non_null(strstr(text, "\"schema\":\"lsvm-lab/1\""));
	assert_non_null(strstr(text, "\"held_by\":[\"eds1\"]"));
	assert_non_null(strstr(text, "\"answered\":2"));
	lsvm_free(text);
	assert_int_equal(lsvm_lab_events_to_json(lab, &text), 0);
	assert_non_null(strstr(text, "\"schema\":\"lsvm-lab-events/1\""));
	lsvm_free(text);
	assert_int_equal(lsvm_lab_next_event(lab, &text), 1);
	assert_non_null(strstr(text, "0.000000 eds1 "));
	lsvm_free(text);
	assert_string_equal(lsvm_lab_master(lab, "192.0.2.100"), "eds1");
	assert_null(lsvm_lab_master(lab, "192.0.2.101"));
	assert_non_null(lsvm_lab_agent(lab, "eps1"));
	assert_null(lsvm_lab_agent(lab, "r1"));
	assert_string_equal(lsvm_host_name(lsvm_lab_host(lab, "r1")), "r1");
}

static char *story(const char *script, uint64_t *ret_steps)
{
	char *text;

	finish(NULL);
	begin(NULL);
	run(script);
	*ret_steps = lsvm_lab_step_count(lab);
	assert_int_equal(lsvm_lab_events_to_json(lab, &text), 0);
	return text;
}

#define STORY                                                                            \
	"advance 2000s\npower-off eds1\nadvance 400s\npower-on eds1\n"                   \
	"advance 1999.75s\nserver eps1 refuse\nadvance 1500s\nserver eps1 answer\n"      \
	"requests 9 every 1ms\nadvance 3000s\ncut eps2\nadvance 1000s\n"

static void what_is_passed_over_would_have_changed_nothing(void **state)
{
	uint64_t all, some;
	char *whole = story(STORY, &all), *hurried = story("hurry\n" STORY, &some);

	assert_string_equal(whole, hurried);
	assert_true(some * 2 < all);
	lsvm_free(whole);
	lsvm_free(hurried);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_no_command_is_refused_with_what_it_takes),
		TEST(an_error_of_a_script_names_its_line),
		TEST(a_server_that_dies_is_left_out_until_it_is_back),
		TEST(a_drained_server_gets_nothing_new),
		TEST(who_is_frozen_loses_its_duty_and_does_not_take_it_twice),
		TEST(a_crash_at_an_effect_leaves_nothing_behind),
		TEST(a_wall_clock_that_jumps_changes_nothing),
		TEST(weights_change_without_a_restart),
		TEST(documents_tell_how_it_stands),
		TEST(what_is_passed_over_would_have_changed_nothing),
	};

	return RUN(tests);
}
