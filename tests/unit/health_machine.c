/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Targets, turns and verdicts, in virtual time. */
#include "health_support.h"

#include <stdio.h>
#include <stdlib.h>

static void good(struct bed *bed)
{
	bed_begin(bed);
	bed_fact(bed, IO_CONNECTED);
}

static void bad(struct bed *bed)
{
	bed_begin(bed);
	bed_fail(bed, IO_ERROR_REFUSED);
}

static void a_target_is_unknown_then_up_with_its_first_good_answer(void **state)
{
	struct check check = bed_check(LSVM_CHECK_TCP);
	struct target *target;
	struct bed bed;

	(void)state;
	check.rise = 2;
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 80);
	assert_int_equal(lsvm_target_state(target), TARGET_UNKNOWN);
	assert_string_equal(lsvm_target_name(target), "tcp 10.0.0.1:80");
	good(&bed);
	assert_int_equal(lsvm_target_state(target), TARGET_UP);
	assert_int_equal(bed.changed, 1);
	assert_int_equal(bed.closed, 1);
	assert_true(bed.channel.reset);
	bed_tear_down(&bed);
}

static void it_takes_fall_bad_ones_to_go_down_and_rise_good_ones_to_come_back(
	void **state)
{
	struct check check = bed_check(LSVM_CHECK_TCP);
	struct target *target;
	struct bed bed;

	(void)state;
	check.rise = 2;
	check.fall = 3;
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 80);
	good(&bed);
	bad(&bed);
	assert_string_equal(lsvm_target_cause(target), "connect refused, 1 of 3");
	bad(&bed);
	assert_int_equal(lsvm_target_state(target), TARGET_UP);
	good(&bed);
	assert_string_equal(lsvm_target_cause(target), "");
	bad(&bed);
	bad(&bed);
	assert_int_equal(bed.changed, 1);
	bad(&bed);
	assert_int_equal(lsvm_target_state(target), TARGET_DOWN);
	assert_string_equal(lsvm_target_cause(target), "connect refused, 3 of 3");
	assert_int_equal(bed.changed, 2);
	bad(&bed);
	assert_string_equal(lsvm_target_cause(target), "connect refused, 3 of 3");
	good(&bed);
	assert_int_equal(lsvm_target_state(target), TARGET_DOWN);
	bad(&bed);
	good(&bed);
	assert_int_equal(lsvm_target_state(target), TARGET_DOWN);
	good(&bed);
	assert_int_equal(lsvm_target_state(target), TARGET_UP);
	assert_int_equal(bed.changed, 3);
	bed_tear_down(&bed);
}

static void turns_are_an_interval_apart_and_lateness_does_not_add_up(void **state)
{
	struct check check = bed_check(LSVM_CHECK_TCP);
	struct target_figures figures;
	struct target *target;
	uint64_t first;
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 80);
	bed_begin(&bed);
	first = bed.now_ns;
	bed_fact(&bed, IO_CONNECTED);
	for (int i = 1; i < 1000; i++) {
		/* The loop comes 7 ms too late each time, and an answer takes 30 ms. */
		bed.now_ns = lsvm_health_deadline(bed.health) + 7 * IO_MS;
		lsvm_health_tick(bed.health, bed.now_ns);
		bed_pull(&bed);
		bed.now_ns += 30 * IO_MS;
		bed_fact(&bed, IO_CONNECTED);
	}
	assert_int_equal(bed.now_ns, first + 999 * IO_S + 37 * IO_MS);
	lsvm_target_figures(target, &figures);
	assert_int_equal(figures.probe_count, 1000);
	assert_int_equal(figures.last_duration_us, 30000);
	bed_tear_down(&bed);
}

static void a_silent_server_is_found_down_after_fall_timeouts(void **state)
{
	struct check check = bed_check(LSVM_CHECK_TCP);
	struct target *target;
	uint64_t first;
	struct bed bed;

	(void)state;
	check.fall = 3;
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 80);
	bed_begin(&bed);
	first = bed.now_ns;
	while (lsvm_target_state(target) != TARGET_DOWN)
		bed_wait(&bed, 10 * IO_MS);
	assert_int_equal(bed.now_ns - first, 3 * IO_S);
	assert_string_equal(lsvm_target_cause(target),
			    "connect timed out after 1000 ms, 3 of 3");
	bed_tear_down(&bed);
}

static void a_probe_longer_than_the_interval_is_the_only_one(void **state)
{
	struct check check = bed_check(LSVM_CHECK_TCP);
	struct bed bed;

	(void)state;
	check.timeout_ms = 2500;
	bed_set_up(&bed);
	bed_watch(&bed, &check, 80);
	bed_begin(&bed);
	for (int i = 0; i < 10000; i++) {
		bed_wait(&bed, 1 * IO_MS);
		assert_true(bed.opened - bed.closed <= 1);
	}
	assert_int_equal(bed.opened, 5);
	bed_tear_down(&bed);
}

static void first_turns_are_spread_over_the_interval(void **state)
{
	struct check check = bed_check(LSVM_CHECK_TCP);
	unsigned most = 0, before;
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	bed.many = true;
	for (uint16_t port = 1; port <= 10000; port++)
		bed_watch(&bed, &check, port);
	for (int ms = 0; ms < 1000; ms++) {
		before = bed.opened;
		bed_wait(&bed, 1 * IO_MS);
		if (bed.opened - before > most)
			most = bed.opened - before;
	}
	assert_int_equal(bed.opened, 10000);
	assert_true(most <= 13);
	bed_tear_down(&bed);
}

static void jitter_moves_each_turn_within_its_bounds(void **state)
{
	struct check check = bed_check(LSVM_CHECK_TCP);
	uint64_t first, low = UINT64_MAX, high = 0;
	struct bed bed;

	(void)state;
	check.jitter_ms = 200;
	bed_set_up(&bed);
	bed_watch(&bed, &check, 80);
	bed_begin(&bed);
	first = bed.now_ns;
	bed_fact(&bed, IO_CONNECTED);
	for (uint64_t i = 1; i < 500; i++) {
		uint64_t moved;

		bed_begin(&bed);
		moved = bed.now_ns - first - i * IO_S;
		low = moved < low ? moved : low;
		high = moved > high ? moved : high;
		bed_fact(&bed, IO_CONNECTED);
	}
	assert_true(low < 10 * IO_MS && high > 190 * IO_MS && high <= 200 * IO_MS);
	bed_tear_down(&bed);
}

static void equal_checks_of_one_place_are_one_target(void **state)
{
	struct check a = bed_check(LSVM_CHECK_HTTP), b;
	struct target_spec spec = { .addr = { 4, { 10, 0, 0, 1 } }, .port = 80 };
	struct target *one, *two, *other;
	struct bed bed;

	(void)state;
	a.path = "/a";
	b = a;
	b.path = strdup("/a");
	b.slow_start_ms = 5000; /* nothing that a probe would notice */
	bed_set_up(&bed);
	bed.many = true;
	spec.check = &a;
	spec.domain = "www.example.com";
	assert_int_equal(lsvm_health_watch(bed.health, &spec, &bed, bed.now_ns, &one), 0);
	spec.check = &b;
	assert_int_equal(lsvm_health_watch(bed.health, &spec, &bed, bed.now_ns, &two), 0);
	assert_ptr_equal(one, two);
	spec.mark = 7;
	assert_int_equal(lsvm_health_watch(bed.health, &spec, &bed, bed.now_ns, &other),
			 0);
	assert_ptr_not_equal(one, other);
	spec.mark = 0;
	lsvm_health_unwatch(bed.health, other);
	spec.domain = "example.org";
	assert_int_equal(lsvm_health_watch(bed.health, &spec, &bed, bed.now_ns, &other),
			 0);
	assert_ptr_not_equal(one, other);
	lsvm_health_unwatch(bed.health, other);
	b.fall = 9;
	spec.domain = "www.example.com";
	assert_int_equal(lsvm_health_watch(bed.health, &spec, &bed, bed.now_ns, &other),
			 0);
	assert_ptr_not_equal(one, other);
	free((char *)b.path); /* it was copied */
	lsvm_health_unwatch(bed.health, one);
	lsvm_health_unwatch(bed.health, other);
	bed_wait(&bed, 3 * IO_S);
	assert_int_equal(bed.opened, 3);
	lsvm_health_unwatch(bed.health, two);
	bed_pull(&bed);
	assert_int_equal(bed.closed, 3);
	assert_true(lsvm_health_deadline(bed.health) == IO_NEVER);
	bed_tear_down(&bed);
}

static void a_probe_through_the_director_comes_from_its_own_address(void **state)
{
	struct check check = bed_check(LSVM_CHECK_TCP);
	struct target_spec spec = { .check = &check,
				    .addr = { 4, { 192, 0, 2, 100 } },
				    .port = 80,
				    .mark = 0x53560001,
				    .server = { 4, { 192, 0, 2, 22 } },
				    .local = { 4, { 192, 0, 2, 11 } } };
	struct target *target, *other;
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	assert_int_equal(lsvm_health_watch(bed.health, &spec, &bed, bed.now_ns, &target),
			 0);
	assert_string_equal(lsvm_target_name(target),
			    "tcp 192.0.2.100:80 through 192.0.2.22");
	bed_begin(&bed);
	assert_int_equal(bed.channel.mark, 0x53560001);
	assert_memory_equal(&bed.channel.local, &spec.local, sizeof(spec.local));
	spec.local.bytes[3] = 12;
	assert_int_equal(lsvm_health_watch(bed.health, &spec, &bed, bed.now_ns, &other),
			 0);
	assert_ptr_not_equal(target, other);
	bed_tear_down(&bed);
}

static void a_hint_is_asked_at_once_and_one_answer_is_enough(void **state)
{
	struct check check = bed_check(LSVM_CHECK_TCP);
	struct target *target;
	uint64_t now;
	struct bed bed;

	(void)state;
	check.rise = 5;
	check.fall = 5;
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 80);
	for (int i = 0; i < 5; i++)
		bad(&bed);
	assert_int_equal(lsvm_target_state(target), TARGET_DOWN);
	now = bed.now_ns;
	lsvm_health_hint(bed.health, target, bed.now_ns);
	bed_pull(&bed);
	assert_non_null(bed.probe);
	bed_fact(&bed, IO_CONNECTED);
	assert_int_equal(lsvm_target_state(target), TARGET_UP);
	assert_int_equal(bed.now_ns, now);
	lsvm_health_hint(bed.health, target, bed.now_ns);
	bed_pull(&bed);
	bed_fail(&bed, IO_ERROR_UNREACHABLE);
	assert_int_equal(lsvm_target_state(target), TARGET_DOWN);
	assert_string_equal(lsvm_target_cause(target), "no route to it, 1 of 1");
	good(&bed); /* the hint has had its answer: five it takes again */
	assert_int_equal(lsvm_target_state(target), TARGET_DOWN);
	bed_tear_down(&bed);
}

static void a_hint_leaves_the_ordinary_turns_where_they_are(void **state)
{
	struct check check = bed_check(LSVM_CHECK_TCP);
	struct target *target;
	uint64_t first;
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 80);
	good(&bed);
	first = bed.now_ns;
	for (uint64_t turn = 1; turn < 20; turn++) {
		bed_wait(&bed, 137 * IO_MS);
		lsvm_health_hint(bed.health, target, bed.now_ns);
		bed_pull(&bed);
		bed_fact(&bed, IO_CONNECTED);
		good(&bed);
		assert_int_equal(bed.now_ns, first + turn * IO_S);
	}
	bed_tear_down(&bed);
}

static void a_hint_does_not_wait_for_the_probe_that_is_under_way(void **state)
{
	struct check check = bed_check(LSVM_CHECK_TCP);
	struct target_figures figures;
	struct target *target;
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 80);
	bed_begin(&bed);
	lsvm_health_hint(bed.health, target, bed.now_ns);
	bed_pull(&bed);
	assert_int_equal(bed.opened, 2);
	assert_int_equal(bed.closed, 1);
	for (int i = 0; i < 100; i++) { /* a flood of them changes nothing */
		lsvm_health_hint(bed.health, target, bed.now_ns);
		bed_pull(&bed);
	}
	assert_int_equal(bed.opened, 2);
	lsvm_target_figures(target, &figures);
	assert_int_equal(figures.failure_count, 0);
	bed_tear_down(&bed);
}

static void what_this_machine_lacks_does_not_count_against_the_server(void **state)
{
	const enum io_error errors[] = { IO_ERROR_RESOURCES, IO_ERROR_PERMISSION,
					 IO_ERROR_ADDRESS };
	struct check check = bed_check(LSVM_CHECK_TCP);
	struct target *target;
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 80);
	good(&bed);
	for (int i = 0; i < 30; i++) {
		bed_begin(&bed);
		bed_fail(&bed, errors[i % 3]);
	}
	assert_int_equal(lsvm_target_state(target), TARGET_UP);
	assert_int_equal(bed.warned, 30);
	assert_string_equal(bed.warning, "not probed: the local address is not there, "
					 "or taken");
	bed.cannot_open = true;
	for (int i = 0; i < 3; i++)
		bed_wait(&bed, 1 * IO_S);
	assert_int_equal(bed.warned, 31); /* once */
	assert_int_equal(lsvm_target_state(target), TARGET_UP);
	bed.cannot_open = false;
	good(&bed);
	bed.cannot_open = true;
	bed_wait(&bed, 1 * IO_S);
	assert_int_equal(bed.warned, 32); /* it was well meanwhile */
	bed_tear_down(&bed);
}

static void a_target_that_goes_while_it_is_asked_closes_its_channel(void **state)
{
	struct check check = bed_check(LSVM_CHECK_REDIS);
	struct target *target;
	struct probe *probe;
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 80);
	bed_begin(&bed);
	probe = bed.probe;
	lsvm_health_input(bed.health, probe, &(struct io_event){ .fact = IO_CONNECTED },
			  bed.now_ns);
	lsvm_health_unwatch(bed.health, target); /* its PING is still to be sent */
	lsvm_health_input(bed.health, probe, &(struct io_event){ .fact = IO_ENDED },
			  bed.now_ns);
	bed_pull(&bed);
	assert_int_equal(bed.closed, 1);
	assert_int_equal(bed.sent_length, 0);
	bed_tear_down(&bed);
}

static void certificates_that_expire_soon_are_told_once_a_day(void **state)
{
	struct check check = bed_check(LSVM_CHECK_HTTPS);
	struct tls_facts tls = { 13, "CN=www.example.com" };
	struct io_event event = { .fact = IO_CONNECTED, .tls = &tls };
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	bed_watch(&bed, &check, 443);
	for (int i = 0; i < 4; i++) {
		tls.days_left = i < 2 ? 13 : 15 - 8 * i;
		bed_begin(&bed);
		lsvm_health_input(bed.health, bed.probe, &event, bed.now_ns);
		bed_bytes(&bed, "HTTP/1.1 200 OK\r\n\r\n", 19);
		bed_fact(&bed, IO_ENDED);
		assert_int_equal(bed.warned, i < 2 ? 1 : 2);
	}
	assert_string_equal(bed.warning,
			    "its certificate (CN=www.example.com) has expired");
	bed_tear_down(&bed);
}

/* Random targets come, are asked, answer or not, are hinted at and go; the books agree.
 */
static void any_order_of_things_keeps_one_probe_a_target(void **state)
{
	struct check checks[4];
	struct target *targets[64] = { 0 };
	struct bed bed;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		checks[i] = bed_check(i % 2 ? LSVM_CHECK_TCP : LSVM_CHECK_SMTP);
		checks[i].interval_ms = 50 + i * 37;
		checks[i].timeout_ms = 30 + i * 41;
		checks[i].jitter_ms = i * 9;
	}
	srandom(1);
	bed_set_up(&bed);
	bed.many = true;
	for (int step = 0; step < 20000; step++) {
		const unsigned i = (unsigned)random() % 64;

		switch (random() % 6) {
		case 0:
			if (!targets[i])
				targets[i] = bed_watch(&bed, &checks[i % 4],
						       (uint16_t)(i + 1));
			break;
		case 1:
			if (targets[i] && random() % 4 == 0) {
				lsvm_health_unwatch(bed.health, targets[i]);
				targets[i] = NULL;
				bed_pull(&bed);
			}
			break;
		case 2:
			if (targets[i])
				lsvm_health_hint(bed.health, targets[i], bed.now_ns);
			break;
		case 3:
			bed_fact(&bed, IO_CONNECTED);
			break;
		case 4:
			bed_bytes(&bed, "220 a\r\n", 7);
			break;
		default:
			bed_wait(&bed, (uint64_t)(random() % 30) * IO_MS);
		}
		bed_pull(&bed);
		assert_true(bed.opened - bed.closed <= 64);
	}
	for (unsigned i = 0; i < 64; i++)
		lsvm_health_unwatch(bed.health, targets[i]);
	bed_pull(&bed);
	assert_int_equal(bed.opened, bed.closed);
	assert_true(bed.opened > 10000);
	bed_tear_down(&bed);
}

static void what_a_check_cannot_be_is_said(void **state)
{
	struct check check = bed_check(LSVM_CHECK_DNS);
	struct target_spec spec = { .check = &check };
	struct target *target = NULL;
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	check.query = "a..b";
	assert_int_equal(lsvm_health_watch(bed.health, &spec, NULL, 0, &target),
			 LSVM_ERR_ARGUMENT);
	assert_non_null(strstr(lsvm_ctx_error_text(bed.ctx), "a..b"));
	check.query = "a";
	check.record = "AAAAA";
	assert_int_equal(lsvm_health_watch(bed.health, &spec, NULL, 0, &target),
			 LSVM_ERR_ARGUMENT);
	check = bed_check(LSVM_CHECK_SCRIPT);
	check.send = "\\q";
	assert_int_equal(lsvm_health_watch(bed.health, &spec, NULL, 0, &target),
			 LSVM_ERR_ARGUMENT);
	check = bed_check(LSVM_CHECK_HTTP);
	check.path = "/\r\nX: y";
	assert_int_equal(lsvm_health_watch(bed.health, &spec, NULL, 0, &target),
			 LSVM_ERR_ARGUMENT);
	check = bed_check(LSVM_CHECK_UNKNOWN);
	assert_int_equal(lsvm_health_watch(bed.health, &spec, NULL, 0, &target),
			 LSVM_ERR_ARGUMENT);
	assert_null(target);
	bed_tear_down(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_target_is_unknown_then_up_with_its_first_good_answer),
		cmocka_unit_test(
			it_takes_fall_bad_ones_to_go_down_and_rise_good_ones_to_come_back),
		cmocka_unit_test(
			turns_are_an_interval_apart_and_lateness_does_not_add_up),
		cmocka_unit_test(a_silent_server_is_found_down_after_fall_timeouts),
		cmocka_unit_test(a_probe_longer_than_the_interval_is_the_only_one),
		cmocka_unit_test(first_turns_are_spread_over_the_interval),
		cmocka_unit_test(jitter_moves_each_turn_within_its_bounds),
		cmocka_unit_test(equal_checks_of_one_place_are_one_target),
		cmocka_unit_test(a_probe_through_the_director_comes_from_its_own_address),
		cmocka_unit_test(a_hint_is_asked_at_once_and_one_answer_is_enough),
		cmocka_unit_test(a_hint_leaves_the_ordinary_turns_where_they_are),
		cmocka_unit_test(a_hint_does_not_wait_for_the_probe_that_is_under_way),
		cmocka_unit_test(
			what_this_machine_lacks_does_not_count_against_the_server),
		cmocka_unit_test(a_target_that_goes_while_it_is_asked_closes_its_channel),
		cmocka_unit_test(certificates_that_expire_soon_are_told_once_a_day),
		cmocka_unit_test(any_order_of_things_keeps_one_probe_a_target),
		cmocka_unit_test(what_a_check_cannot_be_is_said),
	};

	return RUN(tests);
}
