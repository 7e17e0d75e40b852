/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of an agent, and a plan that is kept, on a simulated machine in the test's own
 * time. */
#include "agent_fake.h"

#include "role/role.h"

#include <stdio.h>

static const char cluster_text[] =
	"name: small\n"
	"networks:\n"
	"  - {name: outside, subnets: 10.9.0.0/24, outside: true}\n"
	"  - {name: front, subnets: 192.0.2.0/24}\n"
	"routers:\n"
	"  - name: r1\n"
	"    interfaces: [{network: outside, addresses: 10.9.0.1},"
	" {network: front, addresses: 192.0.2.1}]\n"
	"directors: [{name: eds1, interfaces: [{network: front, addresses: "
	"192.0.2.11}]}]\n"
	"servers:\n"
	"  - {name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}]}\n"
	"partitions: [{name: web, servers: [eps1], vips: ["
	"{address: 192.0.2.100, domains: [www.example]}]}]\n";

static int begin(void **state)
{
	return fake_setup(cluster_text);
}

static bool is_good(const char *machine)
{
	struct lsvm_plan *plan;
	struct lsvm_apply *apply;
	bool good_now;

	good(lsvm_plan_compile(ctx, cluster, machine, LSVM_DUTY_AUTO, &plan));
	good(lsvm_apply_new(host, plan, &apply));
	good_now = !lsvm_steps_count(lsvm_apply_steps(apply));
	lsvm_apply_free(apply);
	lsvm_plan_unref(plan);
	return good_now;
}

static void a_started_agent_has_applied_its_plan(void **state)
{
	start("eds1");
	assert_true(told(LSVM_EVENT_APPLIED, "holds its plan"));
	assert_true(told(LSVM_EVENT_STARTED, "director"));
	assert_true(is_good("eds1"));
	assert_int_equal(lsvm_agent_duty(agent), LSVM_DUTY_MASTER);
}

static void take_vip_away(void)
{
	struct address address = { .interface = "eth0" };
	struct step step = { .kind = STEP_ADDRESS_DELETE, .address = &address };
	size_t done;

	lsvm_prefix_parse("192.0.2.100/32", &address.prefix);
	good(lsvm_host_perform(host, &step, 1, &done));
	assert_false(is_good("eds1"));
}

static void what_somebody_takes_away_comes_back(void **state)
{
	start("eds1");
	take_vip_away();
	pass(11000);
	assert_true(told(LSVM_EVENT_REPAIRED, "192.0.2.100"));
	assert_true(is_good("eds1"));
}

static void the_table_is_kept_too(void **state)
{
	start("eds1");
	good(lsvm_host_ipvs_flush(host));
	pass(11000);
	assert_true(told(LSVM_EVENT_REPAIRED, "add service"));
	assert_true(is_good("eds1"));
}

static void a_file_that_is_changed_is_written_again(void **state)
{
	struct file file = { "/etc/svm/nginx.conf", 0644, "mine\n", 5 };
	struct step step = { .kind = STEP_FILE_WRITE, .file = &file };
	size_t done;

	start("eps1");
	good(lsvm_host_perform(host, &step, 1, &done));
	pass(11000);
	assert_true(told(LSVM_EVENT_REPAIRED, "nginx.conf"));
	assert_true(is_good("eps1"));
}

static void nothing_is_written_while_nothing_changes(void **state)
{
	uint64_t count;

	start("eps1");
	count = lsvm_host_write_count(host);
	pass(100000);
	assert_int_equal(lsvm_host_write_count(host), count);
	assert_false(told(LSVM_EVENT_REPAIRED, ""));
}

static void somebody_elses_plan_is_replaced(void **state)
{
	struct lsvm_apply *apply;
	int more;

	start("eds1");
	good(lsvm_apply_new(host, NULL, &apply));
	do
		more = lsvm_apply_next(apply);
	while (more > 0);
	good(more);
	lsvm_apply_free(apply);
	pass(11000);
	assert_true(told(LSVM_EVENT_REPAIRED, "somebody else has applied a plan"));
	assert_true(is_good("eds1"));
}

static void an_orderly_end_leaves_a_lone_director_serving(void **state)
{
	start("eds1");
	good(lsvm_agent_stop(agent));
	assert_true(lsvm_agent_is_finished(agent));
	assert_true(told(LSVM_EVENT_STOPPED, "in order"));
	assert_true(is_good("eds1"));
}

static void who_pulls_too_late_is_told_how_many_are_gone(void **state)
{
	struct lsvm_event *event;

	start("eds1");
	for (int i = 0; i < AGENT_EVENTS_MAX + 10; i++)
		lsvm_agent_say(agent, LSVM_EVENT_SIGNAL, LSVM_SEVERITY_NOTICE, "x", "%d",
			       i);
	assert_int_equal(lsvm_agent_next_event(agent, &event), 1);
	assert_int_equal(lsvm_event_kind(event), LSVM_EVENT_LOST);
	assert_non_null(strstr(lsvm_event_text(event), "12 events"));
	assert_int_equal(lsvm_event_number(event), 12);
	lsvm_event_free(event);
	assert_int_equal(lsvm_agent_next_event(agent, &event), 1);
	assert_int_equal(lsvm_event_number(event), 13);
	lsvm_event_free(event);
}

static void a_machine_without_a_part_in_it_has_no_agent(void **state)
{
	assert_int_equal(lsvm_agent_new(host, cluster, "r1", &agent), LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_agent_new(host, cluster, "nobody", &agent),
			 LSVM_ERR_NOT_FOUND);
	assert_null(agent);
}

static void calls_out_of_order_are_refused(void **state)
{
	good(lsvm_agent_new(host, cluster, "eds1", &agent));
	assert_int_equal(lsvm_agent_dispatch(agent), LSVM_ERR_STATE);
	assert_int_equal(lsvm_agent_stop(agent), LSVM_ERR_STATE);
	assert_int_equal(lsvm_agent_set(agent, 99, "x"), LSVM_ERR_ARGUMENT);
	good(lsvm_agent_start(agent));
	assert_int_equal(lsvm_agent_start(agent), LSVM_ERR_STATE);
	assert_int_equal(lsvm_agent_set(agent, LSVM_AGENT_LOG, "x"), LSVM_ERR_STATE);
}

static void the_status_says_how_it_stands(void **state)
{
	char *text;

	start("eds1");
	good(lsvm_agent_status_to_json(agent, &text));
	assert_non_null(strstr(text, "\"schema\":\"lsvm-agent-status/1\""));
	assert_non_null(strstr(text, "\"machine\":\"eds1\""));
	assert_non_null(strstr(text, "\"applied\":true"));
	lsvm_free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_started_agent_has_applied_its_plan),
		TEST(what_somebody_takes_away_comes_back),
		TEST(the_table_is_kept_too),
		TEST(a_file_that_is_changed_is_written_again),
		TEST(nothing_is_written_while_nothing_changes),
		TEST(somebody_elses_plan_is_replaced),
		TEST(an_orderly_end_leaves_a_lone_director_serving),
		TEST(who_pulls_too_late_is_told_how_many_are_gone),
		TEST(a_machine_without_a_part_in_it_has_no_agent),
		TEST(calls_out_of_order_are_refused),
		TEST(the_status_says_how_it_stands),
	};

	return RUN(tests);
}
