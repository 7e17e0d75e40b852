/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pools: what verdicts, drains and time make of a table. */
#include "pool_support.h"

#include "base/json.h"

static struct pool_world w;

static int tear_down(void **state)
{
	(void)state;
	pool_world_free(&w);
	return 0;
}

#define WEB                                                                              \
	POOL_HEAD                                                                        \
	"partitions:\n"                                                                  \
	"  - name: A\n"                                                                  \
	"    servers: [{server: eps1, weight: 100}, {server: eps2, weight: 100}, "       \
	"{server: eps3, weight: 100}]\n"

#define DOWN(address) pool_verdict(&w, address, 80, TARGET_DOWN)
#define UP(address) pool_verdict(&w, address, 80, TARGET_UP)
#define WEIGHT(address) pool_weight(&w, "192.0.2.101", 80, address)

#define PLAIN                                                                            \
	WEB "    checks: [tcp]\n"                                                        \
	    "    vips: [{name: a1, address: 192.0.2.101, services: [{ports: 80}]}, "     \
	    "{name: a2, address: 192.0.2.102, services: [{ports: 80}]}]\n"

static void the_same_question_is_asked_once_however_many_vips_share_it(void **state)
{
	(void)state;
	pool_world_text(&w, PLAIN);
	assert_int_equal(lsvm_pool_target_count(w.pool), 3);
	assert_int_equal(w.shadow->services.count, 2);
	DOWN("192.0.2.22");
	assert_int_equal(pool_pull(&w), 2);
	assert_int_equal(pool_weight(&w, "192.0.2.101", 80, "192.0.2.22"), -1);
	assert_int_equal(pool_weight(&w, "192.0.2.102", 80, "192.0.2.22"), -1);
	assert_int_equal(pool_weight(&w, "192.0.2.102", 80, "192.0.2.21"), 100);
}

static void checks_that_differ_in_anything_asked_are_two(void **state)
{
	(void)state;
	pool_world_text(&w, WEB
			"    vips:\n"
			"      - {address: 192.0.2.101, services: [{ports: 80, checks: "
			"[{kind: http, path: /a, host: x.example, slow_start_ms: 5}]}]}\n"
			"      - {address: 192.0.2.102, services: [{ports: 80, checks: "
			"[{kind: http, path: /b, host: x.example}]}]}\n"
			"      - {address: 192.0.2.103, services: [{ports: 80, checks: "
			"[{kind: http, path: /a, host: x.example, slow_start_ms: 7}]}]}\n"
			"      - {address: 192.0.2.104, services: [{ports: 81, checks: "
			"[{kind: http, port: 80, path: /b, host: x.example}]}]}\n");
	assert_int_equal(lsvm_pool_target_count(w.pool), 6);
}

static void the_domain_matters_where_the_check_does_not_name_a_host(void **state)
{
	(void)state;
	pool_world_text(&w, WEB "    checks: [http]\n"
				"    vips:\n"
				"      - {address: 192.0.2.101, domains: [a.example]}\n"
				"      - {address: 192.0.2.102, domains: [b.example]}\n");
	assert_int_equal(lsvm_pool_target_count(w.pool), 6);
	assert_string_equal(lsvm_pool_target(w.pool, 0)->domain, "a.example");
}

static void a_dead_server_is_removed_and_comes_back_with_its_weight(void **state)
{
	struct event event;

	(void)state;
	pool_world_text(&w, PLAIN);
	assert_false(lsvm_pool_is_settled(w.pool));
	UP("192.0.2.21");
	UP("192.0.2.23");
	assert_int_equal(pool_pull(&w), 0);
	DOWN("192.0.2.22");
	assert_true(lsvm_pool_is_settled(w.pool));
	assert_true(pool_event(&w, LSVM_EVENT_SERVER_DOWN, &event));
	assert_string_equal(event.subject, "eps2");
	assert_string_equal(event.text,
			    "down: connect refused, 3 of 3 (tcp 192.0.2.22:80)");
	assert_int_equal(pool_count_events(&w), 0);
	pool_pull(&w);
	DOWN("192.0.2.22");
	assert_int_equal(pool_pull(&w), 0);
	assert_int_equal(pool_count_events(&w), 0);
	UP("192.0.2.22");
	assert_true(pool_event(&w, LSVM_EVENT_SERVER_UP, &event));
	assert_string_equal(event.text, "up: tcp 192.0.2.22:80 answers");
	assert_int_equal(pool_pull(&w), 2);
	assert_int_equal(WEIGHT("192.0.2.22"), 100);
}

static void two_verdicts_that_cancel_each_other_need_no_edit(void **state)
{
	(void)state;
	pool_world_text(&w, PLAIN);
	DOWN("192.0.2.22");
	UP("192.0.2.22");
	assert_int_equal(pool_pull(&w), 0);
}

static void all_checks_of_a_service_must_be_good(void **state)
{
	(void)state;
	pool_world_text(
		&w,
		WEB "    vips: [{address: 192.0.2.101, services: [{ports: 80, checks: "
		    "[tcp, {kind: tcp, port: 8080}]}]}]\n");
	assert_int_equal(lsvm_pool_target_count(w.pool), 6);
	pool_verdict(&w, "192.0.2.21", 80, TARGET_UP);
	pool_verdict(&w, "192.0.2.21", 8080, TARGET_DOWN);
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.21"), -1);
	pool_verdict(&w, "192.0.2.21", 80, TARGET_DOWN);
	pool_verdict(&w, "192.0.2.21", 8080, TARGET_UP);
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.21"), -1);
	pool_verdict(&w, "192.0.2.21", 80, TARGET_UP);
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.21"), 100);
}

static void where_nothing_is_said_of_checks_the_port_is_tried(void **state)
{
	(void)state;
	pool_world_text(&w,
			WEB "    vips: [{address: 192.0.2.101, services: [{ports: 80}, "
			    "{ports: [8000-8009, 9000]}]}]\n");
	/* Of a range the first port, by each of three servers. */
	assert_int_equal(lsvm_pool_target_count(w.pool), 9);
	assert_int_equal(
		lsvm_pool_target(w.pool, pool_find_target(&w, "192.0.2.22", 8000))
			->check->kind,
		LSVM_CHECK_TCP);
	pool_verdict(&w, "192.0.2.22", 8000, TARGET_DOWN);
	pool_pull(&w);
	assert_int_equal(pool_weight(&w, "192.0.2.101", 8009, "192.0.2.22"), -1);
	assert_int_equal(pool_weight(&w, "192.0.2.101", 9000, "192.0.2.22"), 100);
	assert_int_equal(WEIGHT("192.0.2.22"), 100);
}

static void services_without_checks_keep_their_servers(void **state)
{
	(void)state;
	pool_world_text(&w, WEB
			"    checks: []\n"
			"    vips: [{address: 192.0.2.101, services: [{ports: 80}]}]\n");
	assert_int_equal(lsvm_pool_target_count(w.pool), 0);
	assert_true(lsvm_pool_is_settled(w.pool));
	assert_int_equal(WEIGHT("192.0.2.21"), 100);
}

static void the_weight_grows_in_steps_and_ends_exact(void **state)
{
	int64_t last = 0, weight;
	unsigned steps = 0;
	uint64_t begin;

	(void)state;
	pool_world_text(&w, WEB "    checks: [{kind: tcp, slow_start_ms: 10000}]\n"
				"    vips: [{name: a1, address: 192.0.2.101, services: "
				"[{ports: 80}]}]\n");
	DOWN("192.0.2.22");
	pool_pull(&w);
	assert_int_equal(lsvm_pool_deadline(w.pool), IO_NEVER);
	UP("192.0.2.22");
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.22"), 10);
	for (begin = w.now_ns; lsvm_pool_deadline(w.pool) != IO_NEVER; steps++) {
		w.now_ns = lsvm_pool_deadline(w.pool);
		lsvm_pool_tick(w.pool, w.now_ns - 1);
		assert_int_equal(pool_pull(&w), 0);
		lsvm_pool_tick(w.pool, w.now_ns);
		assert_int_equal(pool_pull(&w), 1);
		weight = WEIGHT("192.0.2.22");
		assert_true(weight > last);
		last = weight;
	}
	assert_int_equal(last, 100);
	assert_int_equal(steps, 10);
	assert_int_equal(w.now_ns - begin, 10 * IO_S);
}

static void a_server_that_dies_while_it_starts_starts_again(void **state)
{
	(void)state;
	pool_world_text(&w, WEB "    checks: [{kind: tcp, slow_start_ms: 10000}]\n"
				"    vips: [{name: a1, address: 192.0.2.101, services: "
				"[{ports: 80}]}]\n");
	DOWN("192.0.2.22");
	pool_pull(&w);
	UP("192.0.2.22");
	w.now_ns += 5 * IO_S;
	lsvm_pool_tick(w.pool, w.now_ns);
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.22"), 55);
	DOWN("192.0.2.22");
	assert_int_equal(lsvm_pool_deadline(w.pool), IO_NEVER);
	UP("192.0.2.22");
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.22"), 10);
}

static void schedulers_that_do_not_weigh_have_no_slow_start(void **state)
{
	static const char *const names[] = { "rr", "lc", "dh", "sh", "mh", "fo" };
	char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(text, sizeof(text),
			 WEB "    scheduler: %s\n"
			     "    checks: [{kind: tcp, slow_start_ms: 10000}]\n"
			     "    vips: [{name: a1, address: 192.0.2.101, services: "
			     "[{ports: 80}]}]\n",
			 names[i]);
		if (i)
			pool_world_free(&w);
		pool_world_text(&w, text);
		DOWN("192.0.2.22");
		UP("192.0.2.22");
		pool_pull(&w);
		assert_int_equal(WEIGHT("192.0.2.22"), 100);
		assert_int_equal(lsvm_pool_deadline(w.pool), IO_NEVER);
	}
}

static void an_agents_percentage_scales_the_weight(void **state)
{
	size_t target;

	(void)state;
	pool_world_text(&w, WEB "    checks: [{kind: agent, port: 99}]\n"
				"    vips: [{name: a1, address: 192.0.2.101, services: "
				"[{ports: 80}]}]\n");
	target = pool_find_target(&w, "192.0.2.22", 99);
	lsvm_pool_input_verdict(w.pool, target, TARGET_UP, 35, "", w.now_ns);
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.22"), 35);
	lsvm_pool_input_verdict(w.pool, target, TARGET_UP, 0, "", w.now_ns);
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.22"), 0);
	lsvm_pool_input_verdict(w.pool, target, TARGET_UP, 1000, "", w.now_ns);
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.22"), 100);
}

static void a_drained_server_has_weight_0_and_starts_slowly_when_enabled(void **state)
{
	struct event event;

	(void)state;
	pool_world_text(&w, WEB "    checks: [{kind: tcp, slow_start_ms: 10000}]\n"
				"    vips: [{name: a1, address: 192.0.2.101, services: "
				"[{ports: 80}]}]\n");
	assert_int_equal(lsvm_pool_drain(w.pool, "eps2", NULL, true, w.now_ns), 0);
	assert_int_equal(lsvm_pool_drain(w.pool, "eps2", "A", true, w.now_ns), 0);
	assert_int_equal(pool_pull(&w), 1);
	assert_int_equal(WEIGHT("192.0.2.22"), 0);
	assert_true(pool_event(&w, LSVM_EVENT_DRAINED, &event));
	assert_int_equal(event.severity, LSVM_SEVERITY_NOTICE);
	assert_int_equal(pool_count_events(&w), 0);
	assert_int_equal(lsvm_pool_drain(w.pool, "eps2", NULL, false, w.now_ns), 0);
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.22"), 10);
	assert_true(pool_event(&w, LSVM_EVENT_ENABLED, &event));
	assert_int_equal(lsvm_pool_drain(w.pool, "nobody", NULL, true, w.now_ns),
			 LSVM_ERR_NOT_FOUND);
	assert_non_null(strstr(lsvm_ctx_error_text(w.ctx), "eps1, eps2, eps3"));
	assert_int_equal(lsvm_pool_drain(w.pool, "eps1", "B", true, w.now_ns),
			 LSVM_ERR_NOT_FOUND);
	assert_non_null(strstr(lsvm_ctx_error_text(w.ctx), "it is in: A"));
}

static void draining_under_mh_says_what_it_does_to_clients(void **state)
{
	struct ipvs_change change;
	struct event event;

	(void)state;
	pool_world_text(&w, WEB "    scheduler: mh\n"
				"    checks: [tcp]\n"
				"    vips: [{name: a1, address: 192.0.2.101, services: "
				"[{ports: 80}]}]\n");
	lsvm_pool_drain(w.pool, "eps2", NULL, true, w.now_ns);
	assert_true(pool_event(&w, LSVM_EVENT_DRAINED, &event));
	assert_int_equal(event.severity, LSVM_SEVERITY_WARNING);
	pool_pull(&w);
	/* It comes back drained: with its slots, then without its weight. */
	DOWN("192.0.2.22");
	pool_pull(&w);
	UP("192.0.2.22");
	assert_true(lsvm_pool_next_change(w.pool, &change));
	assert_int_equal(change.kind, IPVS_DESTINATION_ADD);
	assert_int_equal(change.weight, 100);
	pool_edit(w.shadow, &change);
	assert_int_equal(pool_pull(&w), 1);
	assert_int_equal(WEIGHT("192.0.2.22"), 0);
}

static void all_dead_and_nobody_to_say_sorry_all_stay(void **state)
{
	struct event event;

	(void)state;
	pool_world_text(&w, PLAIN);
	DOWN("192.0.2.21");
	DOWN("192.0.2.22");
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.21"), -1);
	DOWN("192.0.2.23");
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.21"), 100);
	assert_int_equal(WEIGHT("192.0.2.22"), 100);
	assert_int_equal(WEIGHT("192.0.2.23"), 100);
	assert_true(pool_event(&w, LSVM_EVENT_FAIL_OPEN_ON, &event));
	assert_string_equal(event.subject, "a1 tcp 80");
	assert_true(pool_event(&w, LSVM_EVENT_FAIL_OPEN_ON, &event));
	assert_false(pool_event(&w, LSVM_EVENT_FAIL_OPEN_ON, &event));
	UP("192.0.2.21");
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.21"), 100);
	assert_int_equal(WEIGHT("192.0.2.22"), -1);
	assert_true(pool_event(&w, LSVM_EVENT_FAIL_OPEN_OFF, &event));
}

static void drained_servers_stay_drained_when_the_others_look_dead(void **state)
{
	(void)state;
	pool_world_text(&w, PLAIN);
	lsvm_pool_drain(w.pool, "eps1", NULL, true, w.now_ns);
	DOWN("192.0.2.22");
	DOWN("192.0.2.23");
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.21"), 0);
	assert_int_equal(WEIGHT("192.0.2.22"), 100);
}

#define SORRY                                                                            \
	WEB "    checks: [tcp]\n"                                                        \
	    "    sorry_server: sorry\n"                                                  \
	    "    quorum: 2\n"                                                            \
	    "    vips: [{name: a1, address: 192.0.2.101, services: [{ports: 80}]}]\n"

static void the_sorry_server_answers_below_the_quorum_and_goes_last(void **state)
{
	struct ipvs_change change;
	struct event event;

	(void)state;
	pool_world_text(&w, SORRY);
	assert_int_equal(WEIGHT("192.0.2.29"), -1);
	DOWN("192.0.2.21");
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.29"), -1);
	DOWN("192.0.2.22");
	assert_true(lsvm_pool_next_change(w.pool, &change));
	assert_int_equal(change.kind, IPVS_DESTINATION_ADD); /* the sorry server first */
	pool_edit(w.shadow, &change);
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.29"), 1);
	assert_int_equal(WEIGHT("192.0.2.22"), -1);
	assert_int_equal(WEIGHT("192.0.2.23"), 0); /* its connections go on */
	assert_true(pool_event(&w, LSVM_EVENT_QUORUM_LOST, &event));
	assert_string_equal(event.text, "1 of 3 servers are up, the quorum is 2");
	assert_true(pool_event(&w, LSVM_EVENT_SORRY_ON, &event));
	UP("192.0.2.22");
	while (lsvm_pool_next_change(w.pool, &change)) {
		struct ipvs_service *service = pool_edit(w.shadow, &change);

		assert_true(pool_positive(service) > 0);
	}
	assert_int_equal(change.kind, IPVS_DESTINATION_DELETE);
	assert_int_equal(change.destination->addr.bytes[3], 29);
	assert_int_equal(WEIGHT("192.0.2.22"), 100);
	assert_int_equal(WEIGHT("192.0.2.23"), 100);
	assert_true(pool_event(&w, LSVM_EVENT_QUORUM_GAINED, &event));
	assert_true(pool_event(&w, LSVM_EVENT_SORRY_OFF, &event));
}

static void under_sh_servers_do_not_wait_at_weight_0_beside_the_sorry_server(void **state)
{
	(void)state;
	pool_world_text(&w, WEB "    checks: [tcp]\n"
				"    sorry_server: sorry\n"
				"    quorum: 2\n"
				"    scheduler: sh\n"
				"    vips: [{name: a1, address: 192.0.2.101, services: "
				"[{ports: 80}]}]\n");
	DOWN("192.0.2.21");
	DOWN("192.0.2.22");
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.23"), -1);
	assert_int_equal(WEIGHT("192.0.2.29"), 1);
}

static void without_a_sorry_server_a_lost_quorum_is_only_told(void **state)
{
	struct event event;

	(void)state;
	pool_world_text(&w, WEB "    checks: [tcp]\n"
				"    quorum: 3\n"
				"    vips: [{name: a1, address: 192.0.2.101, services: "
				"[{ports: 80}]}]\n");
	DOWN("192.0.2.21");
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.21"), -1);
	assert_int_equal(WEIGHT("192.0.2.22"), 100);
	assert_true(pool_event(&w, LSVM_EVENT_QUORUM_LOST, &event));
}

static void all_drained_is_no_failure_but_a_case_for_the_sorry_server(void **state)
{
	(void)state;
	pool_world_text(&w, SORRY);
	for (int i = 1; i <= 3; i++) {
		char name[8];

		snprintf(name, sizeof(name), "eps%d", i);
		lsvm_pool_drain(w.pool, name, "A", true, w.now_ns);
	}
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.21"), 0);
	assert_int_equal(WEIGHT("192.0.2.29"), 1);
}

static void a_member_may_be_the_sorry_server_too(void **state)
{
	(void)state;
	pool_world_text(&w, WEB "    checks: [tcp]\n"
				"    sorry_server: eps3\n"
				"    vips: [{name: a1, address: 192.0.2.101, services: "
				"[{ports: 80}]}]\n");
	DOWN("192.0.2.21");
	DOWN("192.0.2.22");
	DOWN("192.0.2.23");
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.21"), -1);
	assert_int_equal(WEIGHT("192.0.2.23"), 100);
}

/* ---- back-ends ---- */

#define NEEDS                                                                            \
	POOL_HEAD                                                                        \
	"backend_services:\n"                                                            \
	"  - {name: database, hosts: [db1, db2], port: 5432, required: true}\n"          \
	"  - {name: mail, hosts: [db1], port: 25, checks: [smtp]}\n"                     \
	"  - {name: hidden, hosts: [remote], port: 99, required: true}\n"                \
	"partitions:\n"                                                                  \
	"  - name: A\n"                                                                  \
	"    servers: [eps1, eps2]\n"                                                    \
	"    checks: [tcp]\n"                                                            \
	"    needs: [database, mail, hidden]\n"                                          \
	"    sorry_server: sorry\n"                                                      \
	"    vips: [{name: a1, address: 192.0.2.101, services: [{ports: 80}]}]\n"        \
	"  - name: B\n"                                                                  \
	"    servers: [eps3]\n"                                                          \
	"    needs: [database]\n"                                                        \
	"    vips: [{name: b1, address: 192.0.2.102, services: [{ports: 80}]}]\n"

static void a_required_backend_is_down_when_all_its_hosts_are(void **state)
{
	struct event event;

	(void)state;
	pool_world_text(&w, NEEDS);
	/* Three servers, two databases, one mail server; nobody probes what is far. */
	assert_int_equal(lsvm_pool_target_count(w.pool), 6);
	assert_int_equal(
		lsvm_pool_target(w.pool, pool_find_target(&w, "192.0.2.31", 5432))
			->check->kind,
		LSVM_CHECK_TCP);
	pool_verdict(&w, "192.0.2.31", 5432, TARGET_DOWN);
	assert_true(pool_event(&w, LSVM_EVENT_BACKEND_DOWN, &event));
	assert_string_equal(event.subject, "db1");
	assert_int_equal(pool_pull(&w), 0);
	pool_verdict(&w, "192.0.2.32", 5432, TARGET_DOWN);
	assert_true(pool_event(&w, LSVM_EVENT_BACKEND_DOWN, &event));
	assert_string_equal(event.subject, "database");
	assert_string_equal(event.text,
			    "down on all 2 hosts: connect refused, 3 of 3; needed by 2 "
			    "services, required");
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.21"), 0);
	assert_int_equal(WEIGHT("192.0.2.29"), 1);
	/* Nobody could answer instead. */
	assert_int_equal(pool_weight(&w, "192.0.2.102", 80, "192.0.2.23"), 1);
	pool_verdict(&w, "192.0.2.31", 5432, TARGET_UP);
	assert_true(pool_event(&w, LSVM_EVENT_BACKEND_UP, &event));
	assert_string_equal(event.subject, "database");
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.21"), 1);
	assert_int_equal(WEIGHT("192.0.2.29"), -1);
}

static void a_backend_that_is_not_required_is_only_named(void **state)
{
	json_t *json, *service;
	struct event event;

	(void)state;
	pool_world_text(&w, NEEDS);
	pool_verdict(&w, "192.0.2.31", 25, TARGET_DOWN);
	assert_int_equal(pool_pull(&w), 0);
	assert_true(pool_event(&w, LSVM_EVENT_BACKEND_DOWN, &event));
	assert_string_equal(event.subject, "mail");
	json = lsvm_pool_services_json(w.pool, 0, 1, w.now_ns);
	assert_int_equal(json_array_size(json), 1);
	service = json_array_get(json, 0);
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(service, "needs_down"), 0)),
			    "mail");
	json_decref(json);
}

/* ---- marks ---- */

static void services_with_one_mark_are_judged_together(void **state)
{
	(void)state;
	pool_world_text(&w,
			WEB "    vips:\n"
			    "      - {name: a1, address: 192.0.2.101, services: [{ports: "
			    "80, fwmark: 7, checks: [tcp]}]}\n"
			    "      - {name: a2, address: 192.0.2.102, services: [{ports: "
			    "443, fwmark: 7, checks: [tcp]}]}\n");
	assert_int_equal(w.shadow->services.count, 1);
	assert_int_equal(lsvm_pool_target_count(w.pool), 6);
	pool_verdict(&w, "192.0.2.22", 443, TARGET_DOWN);
	assert_int_equal(pool_pull(&w), 1);
	assert_int_equal(w.shadow->services.items[0].destinations.count, 2);
}

#define THROUGH                                                                          \
	WEB "    checks: [{kind: tcp, route: through}]\n"                                \
	    "    vips: [{name: a1, address: 192.0.2.101, services: [{ports: 80}]}, "     \
	    "{name: a2, address: 192.0.2.102, services: [{ports: 80}]}]\n"

static void a_check_through_the_director_has_a_mark_for_each_server(void **state)
{
	bool seen[3] = { false };

	(void)state;
	pool_world_text(&w, THROUGH);
	/* Two VIPs, and one service for each of three servers. */
	assert_int_equal(w.shadow->services.count, 5);
	/* A master has the VIP itself, and yet must hear answers from it. */
	assert_non_null(
		lsvm_state_sysctl(w.plan->wanted, "net.ipv4.conf.eth0.accept_local"));
	assert_int_equal(lsvm_pool_target_count(w.pool), 6);
	for (size_t i = 0; i < 6; i++) {
		const struct target_spec *spec = lsvm_pool_target(w.pool, i);
		struct ipvs_key key = { .fwmark = spec->mark, .addr.family = 4 };
		const struct ipvs_service *service = pool_shadow_service(w.shadow, &key);

		assert_true(spec->addr.bytes[3] > 100);
		assert_int_equal(spec->port, 80);
		assert_non_null(service);
		assert_int_equal(service->destinations.count, 1);
		seen[service->destinations.items[0].addr.bytes[3] - 21] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2]);
	assert_int_equal(lsvm_pool_server_target(w.pool, "eps2", 2), SIZE_MAX);
	for (size_t i = 0; i < 2; i++)
		lsvm_pool_input_verdict(w.pool,
					lsvm_pool_server_target(w.pool, "eps2", i),
					TARGET_DOWN, 100, "no answer", w.now_ns);
	/* The probes' own services stay: they are the way to see it come back. */
	assert_int_equal(pool_pull(&w), 2);
	assert_int_equal(WEIGHT("192.0.2.22"), -1);
}

/* ---- a reload ---- */

static void reload(const char *text)
{
	struct lsvm_ipvs_table *table;
	struct lsvm_plan *plan;
	struct pool *pool;

	lsvm_cluster_unref(w.cluster);
	w.cluster = pool_load(w.ctx, text);
	assert_int_equal(
		lsvm_plan_compile(w.ctx, w.cluster, "eds1", LSVM_DUTY_AUTO, &plan), 0);
	lsvm_plan_unref(w.plan);
	w.plan = plan;
	assert_int_equal(lsvm_pool_new(w.ctx, w.cluster, plan->wanted->ipvs, w.pool,
				       w.now_ns, &pool),
			 0);
	lsvm_pool_free(w.pool);
	w.pool = pool;
	assert_int_equal(lsvm_pool_table(w.pool, &table), 0);
	lsvm_ipvs_table_unref(w.shadow);
	w.shadow = pool_copy(w.ctx, table);
}

#define SLOW                                                                             \
	"    checks: [{kind: tcp, slow_start_ms: 10000}]\n"                              \
	"    vips: [{name: a1, address: 192.0.2.101, services: [{ports: 80}]}]\n"

static void a_reload_keeps_verdicts_drains_and_slow_starts(void **state)
{
	(void)state;
	pool_world_text(&w, WEB SLOW);
	DOWN("192.0.2.22");
	DOWN("192.0.2.23");
	pool_pull(&w);
	UP("192.0.2.23");
	lsvm_pool_drain(w.pool, "eps1", NULL, true, w.now_ns);
	pool_pull(&w);
	assert_true(pool_count_events(&w) > 0);
	w.now_ns += 5 * IO_S;
	reload(WEB "    scheduler: wrr\n" SLOW);
	assert_int_equal(pool_count_events(&w), 0);
	assert_int_equal(pool_pull(&w), 0);
	assert_int_equal(WEIGHT("192.0.2.21"), 0);
	assert_int_equal(WEIGHT("192.0.2.22"), -1);
	assert_int_equal(WEIGHT("192.0.2.23"), 55);
	UP("192.0.2.22");
	assert_int_equal(pool_count_events(&w), 1);
	w.now_ns += 5 * IO_S;
	lsvm_pool_tick(w.pool, w.now_ns);
	pool_pull(&w);
	assert_int_equal(WEIGHT("192.0.2.23"), 100);
}

static void a_server_that_a_reload_adds_starts_slowly(void **state)
{
	(void)state;
	pool_world_text(&w,
			POOL_HEAD "partitions:\n"
				  "  - name: A\n"
				  "    servers: [{server: eps1, weight: 100}]\n" SLOW);
	reload(POOL_HEAD "partitions:\n"
			 "  - name: A\n"
			 "    servers: [{server: eps1, weight: 100}, {server: eps2, "
			 "weight: 100}]\n" SLOW);
	assert_int_equal(WEIGHT("192.0.2.21"), 100);
	assert_int_equal(WEIGHT("192.0.2.22"), 10);
}

/* ---- bounds ---- */

static void events_that_nobody_pulls_are_counted(void **state)
{
	struct event event;

	(void)state;
	pool_world_text(&w, PLAIN);
	for (int i = 0; i < 3000; i++) {
		DOWN("192.0.2.22");
		UP("192.0.2.22");
	}
	assert_true(pool_event(&w, LSVM_EVENT_LOST, &event));
	assert_non_null(strstr(event.text, "1904 events"));
	assert_int_equal(pool_count_events(&w), 0);
}

static void a_server_with_many_checks_is_not_told_check_by_check(void **state)
{
	struct event event;
	size_t count = 0;

	(void)state;
	pool_world_text(&w, WEB "    vips: [{address: 192.0.2.101, services: [{ports: "
				"8000-8099, checks: [tcp]}]}]\n");
	assert_int_equal(lsvm_pool_target_count(w.pool), 300);
	for (uint16_t port = 8000; port < 8100; port++)
		pool_verdict(&w, "192.0.2.22", port, TARGET_DOWN);
	while (pool_event(&w, LSVM_EVENT_SERVER_DOWN, &event))
		count++;
	assert_int_equal(count, 9);
	assert_int_equal(pool_pull(&w), 100);
	for (uint16_t port = 8099; port >= 8000; port--)
		pool_verdict(&w, "192.0.2.22", port, TARGET_UP);
	for (count = 0; pool_event(&w, LSVM_EVENT_SERVER_UP, &event);)
		count++;
	assert_int_equal(count, 8);
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, tear_down)
	const struct CMUnitTest tests[] = {
		T(the_same_question_is_asked_once_however_many_vips_share_it),
		T(checks_that_differ_in_anything_asked_are_two),
		T(the_domain_matters_where_the_check_does_not_name_a_host),
		T(a_dead_server_is_removed_and_comes_back_with_its_weight),
		T(two_verdicts_that_cancel_each_other_need_no_edit),
		T(all_checks_of_a_service_must_be_good),
		T(where_nothing_is_said_of_checks_the_port_is_tried),
		T(services_without_checks_keep_their_servers),
		T(the_weight_grows_in_steps_and_ends_exact),
		T(a_server_that_dies_while_it_starts_starts_again),
		T(schedulers_that_do_not_weigh_have_no_slow_start),
		T(an_agents_percentage_scales_the_weight),
		T(a_drained_server_has_weight_0_and_starts_slowly_when_enabled),
		T(draining_under_mh_says_what_it_does_to_clients),
		T(all_dead_and_nobody_to_say_sorry_all_stay),
		T(drained_servers_stay_drained_when_the_others_look_dead),
		T(the_sorry_server_answers_below_the_quorum_and_goes_last),
		T(under_sh_servers_do_not_wait_at_weight_0_beside_the_sorry_server),
		T(without_a_sorry_server_a_lost_quorum_is_only_told),
		T(all_drained_is_no_failure_but_a_case_for_the_sorry_server),
		T(a_member_may_be_the_sorry_server_too),
		T(a_required_backend_is_down_when_all_its_hosts_are),
		T(a_backend_that_is_not_required_is_only_named),
		T(services_with_one_mark_are_judged_together),
		T(a_check_through_the_director_has_a_mark_for_each_server),
		T(a_reload_keeps_verdicts_drains_and_slow_starts),
		T(a_server_that_a_reload_adds_starts_slowly),
		T(events_that_nobody_pulls_are_counted),
		T(a_server_with_many_checks_is_not_told_check_by_check),
	};

	return RUN(tests);
}
