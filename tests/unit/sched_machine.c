/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schedulers with a history, thresholds, persistence and the passing of time. */
#include "sched_support.h"

#define MINUTE_MS UINT64_C(60000)

static void assert_sequence(struct lsvm_sched *s, const int *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(connect_client(s, client_text((unsigned)i)), numbers[i]);
}
#define SEQUENCE(s, ...)                                                                 \
	assert_sequence(s, (const int[]){ __VA_ARGS__ },                                 \
			sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

static void rr_goes_round_from_the_newest(void **state)
{
	struct lsvm_sched *s = make_machine("rr", 0, WEIGHTS(1, 0, 5));

	SEQUENCE(s, 2, 0, 2, 0);
	lsvm_sched_free(s);
}

static void rr_goes_on_where_a_removed_one_stood(void **state)
{
	struct lsvm_sched *s = make_machine("rr", 0, WEIGHTS(1, 1, 1, 1));

	SEQUENCE(s, 3, 2);
	good(lsvm_sched_remove(s, 2));
	SEQUENCE(s, 1, 0, 3, 1);
	lsvm_sched_free(s);
}

static void wrr_interleaves_by_weight(void **state)
{
	struct lsvm_sched *s = make_machine("wrr", 0, WEIGHTS(4, 3, 2));

	/* From the level at which the first stood alone. */
	SEQUENCE(s, 2, 1, 0);
	SEQUENCE(s, 0, 1, 0, 2, 1, 0, 2, 1, 0);
	SEQUENCE(s, 0, 1, 0, 2, 1, 0, 2, 1, 0);
	lsvm_sched_free(s);
}

static void rr_never_goes_to_a_removed_one(void **state)
{
	struct lsvm_sched *s = make_machine("rr", 0, WEIGHTS(1, 1, 1, 1));

	SEQUENCE(s, 3, 2);
	good(lsvm_sched_remove(s, 2));
	good(lsvm_sched_remove(s, 1));
	SEQUENCE(s, 0, 3, 0);
	good(lsvm_sched_remove(s, 0));
	good(lsvm_sched_change(s, 3, 0, 0, 0));
	SEQUENCE(s, REFUSED(LSVM_SCHED_DRAINED));
	lsvm_sched_free(s);
}

static void wrr_passes_over_what_was_drained_from_the_start(void **state)
{
	struct lsvm_sched *s = make_machine("wrr", 0, WEIGHTS(0, 1));

	SEQUENCE(s, 1, 1, 1);
	lsvm_sched_free(s);
}

static void wrr_refuses_when_all_are_drained(void **state)
{
	struct lsvm_sched *s = make_machine("wrr", 0, WEIGHTS(1, 2));

	SEQUENCE(s, 1);
	good(lsvm_sched_change(s, 0, 0, 0, 0));
	good(lsvm_sched_change(s, 1, 0, 0, 0));
	SEQUENCE(s, REFUSED(LSVM_SCHED_DRAINED));
	lsvm_sched_free(s);
}

static void the_least_loaded_is_chosen(void **state)
{
	struct lsvm_sched *s = make_machine("lc", 0, WEIGHTS(1, 100));

	SEQUENCE(s, 1, 0, 1, 0);
	lsvm_sched_free(s);
	s = make_machine("wlc", 0, WEIGHTS(1, 3));
	SEQUENCE(s, 1, 0, 1, 1, 1, 0);
	lsvm_sched_free(s);
	/* sed leaves the slow one idle at first, nq does not. */
	s = make_machine("sed", 0, WEIGHTS(1, 3));
	SEQUENCE(s, 1, 1, 1, 0);
	lsvm_sched_free(s);
	s = make_machine("nq", 0, WEIGHTS(1, 3));
	SEQUENCE(s, 1, 0, 1, 1);
	lsvm_sched_free(s);
}

static void an_active_connection_weighs_256_inactive_ones(void **state)
{
	struct lsvm_sched *s = make_machine("lc", 0, WEIGHTS(1, 1));

	good(lsvm_sched_set_counts(s, 1, 1, 0));
	good(lsvm_sched_set_counts(s, 0, 0, 256));
	SEQUENCE(s, 1);
	good(lsvm_sched_set_counts(s, 1, 1, 0));
	good(lsvm_sched_set_counts(s, 0, 0, 255));
	SEQUENCE(s, 0);
	lsvm_sched_free(s);
}

static void fo_fails_over_and_ovf_overflows(void **state)
{
	struct lsvm_sched *s = make_machine("fo", 0, WEIGHTS(1, 3, 2));

	SEQUENCE(s, 1, 1, 1);
	good(lsvm_sched_change(s, 1, 0, 0, 0));
	SEQUENCE(s, 2);
	lsvm_sched_free(s);
	/* One more than the weight is let in. */
	s = make_machine("ovf", 0, WEIGHTS(1, 2));
	SEQUENCE(s, 1, 1, 1, 0, 0, REFUSED(LSVM_SCHED_OVERLOADED));
	lsvm_sched_free(s);
}

static void an_overloaded_server_recovers_below_three_quarters(void **state)
{
	struct lsvm_sched *s = make_machine("rr", 0, WEIGHTS(1));
	uint32_t connections[4];

	good(lsvm_sched_change(s, 0, 1, 4, 0));
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(connect_at(s, "20.0.0.1", 0, &connections[i]), 0);
	assert_true(lsvm_sched_destination_is_overloaded(s, 0));
	SEQUENCE(s, REFUSED(LSVM_SCHED_OVERLOADED));
	good(lsvm_sched_close(s, connections[0], 1));
	/* Three of four is not less than three quarters. */
	assert_true(lsvm_sched_destination_is_overloaded(s, 0));
	good(lsvm_sched_close(s, connections[1], 1));
	assert_false(lsvm_sched_destination_is_overloaded(s, 0));
	SEQUENCE(s, 0);
	lsvm_sched_free(s);
}

static void a_lower_threshold_lets_it_recover_later(void **state)
{
	struct lsvm_sched *s = make_machine("rr", 0, WEIGHTS(1));
	uint32_t connections[3];

	good(lsvm_sched_change(s, 0, 1, 3, 1));
	for (unsigned i = 0; i < 3; i++)
		connect_at(s, "20.0.0.1", 0, &connections[i]);
	good(lsvm_sched_close(s, connections[0], 1));
	good(lsvm_sched_close(s, connections[1], 1));
	assert_true(lsvm_sched_destination_is_overloaded(s, 0));
	good(lsvm_sched_close(s, connections[2], 1));
	assert_false(lsvm_sched_destination_is_overloaded(s, 0));
	lsvm_sched_free(s);
}

static void lowering_a_threshold_overloads_nobody_at_once(void **state)
{
	struct lsvm_sched *s = make_machine("rr", 0, WEIGHTS(1));

	SEQUENCE(s, 0, 0, 0);
	good(lsvm_sched_change(s, 0, 1, 2, 0));
	assert_false(lsvm_sched_destination_is_overloaded(s, 0));
	SEQUENCE(s, 0, REFUSED(LSVM_SCHED_OVERLOADED));
	good(lsvm_sched_change(s, 0, 1, 1, 0));
	assert_true(lsvm_sched_destination_is_overloaded(s, 0));
	good(lsvm_sched_change(s, 0, 1, 2, 0));
	assert_false(lsvm_sched_destination_is_overloaded(s, 0));
	lsvm_sched_free(s);
}

static void a_destination_that_comes_back_has_its_connections(void **state)
{
	struct lsvm_sched *s = make_machine("lc", 0, WEIGHTS(1, 1));

	SEQUENCE(s, 1, 0, 1, 0);
	good(lsvm_sched_remove(s, 1));
	assert_false(lsvm_sched_destination_is_present(s, 1));
	assert_int_equal(lsvm_sched_find(s, "10.0.0.2", 80), LSVM_ERR_NOT_FOUND);
	SEQUENCE(s, 0);
	assert_int_equal(lsvm_sched_add(s, "10.0.0.2", 80, 1, 0, 0), 1);
	assert_int_equal(lsvm_sched_destination_active(s, 1), 2);
	SEQUENCE(s, 1, 1);
	lsvm_sched_free(s);
}

static void tcp_begins_active_udp_does_not(void **state)
{
	struct lsvm_sched *s = make_machine("rr", 0, WEIGHTS(1));
	uint32_t number, connection;

	connect_at(s, "20.0.0.1", 0, &connection);
	assert_int_equal(lsvm_sched_destination_active(s, 0), 1);
	good(lsvm_sched_connection_set_active(s, connection, false));
	good(lsvm_sched_connection_set_active(s, connection, false));
	assert_int_equal(lsvm_sched_destination_inactive(s, 0), 1);
	good(lsvm_sched_connect(s, NULL, "20.0.0.1", 5, LSVM_PROTOCOL_UDP, 0, &number,
				&connection));
	assert_int_equal(lsvm_sched_destination_inactive(s, 0), 2);
	assert_int_equal(lsvm_sched_connection_destination(s, connection), 0);
	good(lsvm_sched_close(s, connection, 0));
	assert_int_equal(lsvm_sched_close(s, connection, 0), LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_sched_connection_set_active(s, connection, true),
			 LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_sched_connection_destination(s, connection),
			 LSVM_ERR_NOT_FOUND);
	lsvm_sched_free(s);
}

static void a_datagram_of_a_one_packet_service_leaves_nothing(void **state)
{
	struct lsvm_sched *s = make_machine("rr", IP_VS_SVC_F_ONEPACKET, WEIGHTS(1));
	uint32_t number = 9, connection = 9;

	good(lsvm_sched_connect(s, NULL, "20.0.0.1", 5, LSVM_PROTOCOL_UDP, 0, &number,
				&connection));
	assert_int_equal(number, 0);
	assert_int_equal(connection, LSVM_SCHED_NO_CONNECTION);
	assert_int_equal(lsvm_sched_destination_inactive(s, 0), 0);
	lsvm_sched_free(s);
}

static struct lsvm_sched *persistent(const char *scheduler, uint32_t netmask)
{
	struct ipvs_service *service =
		make_service(scheduler, IP_VS_SVC_F_PERSISTENT, WEIGHTS(1, 1));
	struct lsvm_sched *s;

	service->timeout_s = 100;
	service->netmask = netmask;
	good(lsvm_sched_new(ctx, PUBLIC(service), &s));
	return s;
}

static void a_client_keeps_its_server_until_its_time_is_over(void **state)
{
	struct lsvm_sched *s = persistent("rr", 0xffffffff);
	uint32_t first = 0, second = 0;

	assert_int_equal(connect_at(s, "20.0.0.1", 0, &first), 1);
	assert_int_equal(connect_at(s, "20.0.0.1", 99999, &second), 1);
	good(lsvm_sched_close(s, first, 100000));
	good(lsvm_sched_close(s, second, 100000));
	/* Anew from the last connection. */
	assert_int_equal(connect_at(s, "20.0.0.1", 199998, &first), 1);
	good(lsvm_sched_close(s, first, 199999));
	assert_int_equal(connect_at(s, "20.0.0.1", 299998, NULL), 0);
	lsvm_sched_free(s);
}

static void a_living_connection_gives_another_minute(void **state)
{
	struct lsvm_sched *s = persistent("rr", 0xffffffff);
	uint32_t first = 0, second = 0;

	assert_int_equal(connect_at(s, "20.0.0.1", 0, &first), 1);
	/* At 100 s it was extended to 160 s; its connection ended meanwhile. */
	good(lsvm_sched_close(s, first, 110000));
	assert_int_equal(connect_at(s, "20.0.0.1", 159999, &second), 1);
	good(lsvm_sched_close(s, second, 160000));
	/* From now on it lives a minute only. */
	assert_int_equal(connect_at(s, "20.0.0.1", 219998, &second), 1);
	good(lsvm_sched_close(s, second, 219999));
	assert_int_equal(connect_at(s, "20.0.0.1", 280000, NULL), 0);
	lsvm_sched_free(s);
}

static void granularity_lets_a_network_share_its_server(void **state)
{
	struct lsvm_sched *s = persistent("rr", 0xffffff00);

	assert_int_equal(connect_client(s, "20.0.0.1"), 1);
	assert_int_equal(connect_client(s, "20.0.0.200"), 1);
	assert_int_equal(connect_client(s, "20.0.1.1"), 0);
	assert_int_equal(connect_client(s, "20.0.0.7"), 1);
	lsvm_sched_free(s);
}

static void known_clients_stay_with_a_drained_server_unless_told(void **state)
{
	struct lsvm_sched *s = persistent("rr", 0xffffffff);

	assert_int_equal(connect_client(s, "20.0.0.1"), 1);
	good(lsvm_sched_change(s, 1, 0, 0, 0));
	assert_int_equal(connect_client(s, "20.0.0.1"), 1);
	assert_int_equal(connect_client(s, "20.0.0.2"), 0);
	lsvm_sched_set_expire_quiescent(s, true);
	assert_int_equal(connect_client(s, "20.0.0.1"), 0);
	lsvm_sched_set_expire_quiescent(s, false);
	/* That changed for good. */
	good(lsvm_sched_change(s, 1, 1, 0, 0));
	assert_int_equal(connect_client(s, "20.0.0.1"), 0);
	lsvm_sched_free(s);
}

static void a_known_client_is_served_above_the_threshold(void **state)
{
	struct lsvm_sched *s = persistent("rr", 0xffffffff);

	good(lsvm_sched_change(s, 0, 0, 0, 0));
	good(lsvm_sched_change(s, 1, 1, 1, 0));
	assert_int_equal(connect_client(s, "20.0.0.1"), 1);
	assert_int_equal(connect_client(s, "20.0.0.2"), REFUSED(LSVM_SCHED_OVERLOADED));
	assert_int_equal(connect_client(s, "20.0.0.1"), 1);
	lsvm_sched_free(s);
}

static void many_clients_are_remembered_and_forgotten(void **state)
{
	struct lsvm_sched *s = persistent("rr", 0xffffffff);

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 20000; i++) {
			uint32_t connection = 0;

			connect_at(s, client_text(i), round * 1000000, &connection);
			good(lsvm_sched_close(s, connection, round * 1000000));
		}
		assert_int_equal(s->templates.count, 20000);
	}
	/* A new generation of clients takes the places of what is over. */
	for (unsigned i = 0; i < 40000; i++) {
		uint32_t connection = 0;

		connect_at(s, client_text(100000 + i), 4000000, &connection);
		good(lsvm_sched_close(s, connection, 4000000));
	}
	assert_int_equal(s->templates.count, 40000);
	lsvm_sched_free(s);
}

static int call(struct lsvm_sched *s, const char *virtual, uint64_t now_ms)
{
	uint32_t number, connection;
	int outcome = lsvm_sched_connect(s, virtual, "20.0.0.1", 1234, 0, now_ms, &number,
					 &connection);

	good(outcome);
	assert_int_equal(outcome, LSVM_SCHED_SERVED);
	return (int)number;
}

static void lblc_keeps_an_address_with_its_server(void **state)
{
	struct lsvm_sched *s = make_machine("lblc", 0, WEIGHTS(10, 10));

	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(call(s, "198.51.100.1", 0), 1);
		assert_int_equal(call(s, "198.51.100.2", 0), 0);
	}
	/* More than its weight, while the other is less than half loaded. */
	good(lsvm_sched_set_counts(s, 1, 11, 0));
	good(lsvm_sched_set_counts(s, 0, 5, 0));
	assert_int_equal(call(s, "198.51.100.1", 0), 1);
	good(lsvm_sched_set_counts(s, 1, 11, 0));
	good(lsvm_sched_set_counts(s, 0, 4, 0));
	assert_int_equal(call(s, "198.51.100.1", 0), 0);
	lsvm_sched_free(s);
}

static void lblc_forgets_after_a_day(void **state)
{
	struct lsvm_sched *s = make_machine("lblc", 0, WEIGHTS(10, 10));

	assert_int_equal(call(s, "198.51.100.1", 0), 1);
	good(lsvm_sched_set_counts(s, 1, 9, 0));
	/* Looked at every half hour: 23:59 is too early, and counts as use. */
	assert_int_equal(call(s, "198.51.100.1", (24 * 60 - 1) * MINUTE_MS), 1);
	assert_int_equal(call(s, "198.51.100.1", (48 * 60 - 2) * MINUTE_MS), 1);
	good(lsvm_sched_set_counts(s, 1, 9, 0));
	assert_int_equal(call(s, "198.51.100.1", (73 * 60 - 1) * MINUTE_MS), 0);
	lsvm_sched_free(s);
}

static void crowd(uint32_t address_count, uint32_t at_least, uint32_t at_most)
{
	struct lsvm_sched *s = make_machine("lblc", 0, WEIGHTS(1));
	char virtual[32];

	for (uint32_t i = 0; i < address_count; i++) {
		snprintf(virtual, sizeof(virtual), "30.%u.%u.%u", i >> 16, i >> 8 & 255,
			 i & 255);
		call(s, virtual, 0);
	}
	assert_int_equal(s->cache.count, address_count);
	call(s, "30.0.0.0", 6 * MINUTE_MS - 1);
	assert_int_equal(s->cache.count, address_count);
	call(s, "30.0.0.0", 6 * MINUTE_MS);
	assert_in_range(address_count - s->cache.count, at_least, at_most);
	lsvm_sched_free(s);
}

static void lblc_makes_room_when_it_is_crowded(void **state)
{
	/* Four thirds of what is too much, bucket by bucket, but half of the room at
	 * most. */
	crowd(16384, 0, 0);
	crowd(20000, (20000 - 16384) * 4 / 3, (20000 - 16384) * 4 / 3 + 60);
	crowd(60000, 8192, 8192 + 200);
}

static void lblcr_adds_servers_to_a_busy_address_and_takes_them_away(void **state)
{
	struct lsvm_sched *s = make_machine("lblcr", 0, WEIGHTS(10, 10, 10));

	lsvm_sched_set_cache_expiration_s(s, 60);
	assert_int_equal(call(s, "198.51.100.1", 0), 2);
	good(lsvm_sched_set_counts(s, 2, 11, 0));
	assert_int_equal(call(s, "198.51.100.1", 0), 1);
	assert_int_equal(s->cache.count, 1);
	assert_int_equal(lsvm_cache_find(s, &(struct addr){ 4, { 198, 51, 100, 1 } })
				 ->member_count,
			 2);
	good(lsvm_sched_set_counts(s, 2, 9, 0));
	assert_int_equal(call(s, "198.51.100.1", 60000), 1);
	assert_int_equal(lsvm_cache_find(s, &(struct addr){ 4, { 198, 51, 100, 1 } })
				 ->member_count,
			 2);
	/* The set did not change for more than a minute: the most loaded goes. */
	assert_int_equal(call(s, "198.51.100.1", 60001), 1);
	good(lsvm_sched_set_counts(s, 1, 10, 0));
	assert_int_equal(call(s, "198.51.100.1", 60001), 1);
	lsvm_sched_free(s);
}

static void the_cache_ages_through_years_at_once(void **state)
{
	struct lsvm_sched *s = make_machine("lblcr", 0, WEIGHTS(1));

	assert_int_equal(call(s, "198.51.100.1", 0), 0);
	assert_int_equal(call(s, "198.51.100.1", 100 * 365 * 24 * 60 * MINUTE_MS), 0);
	assert_int_equal(s->cache.count, 1);
	lsvm_sched_free(s);
}

static void another_scheduler_begins_anew_the_same_goes_on(void **state)
{
	struct lsvm_sched *s = make_machine("rr", 0, WEIGHTS(1, 1, 1));

	SEQUENCE(s, 2);
	good(lsvm_sched_edit(s, PUBLIC(make_service("rr", 0, WEIGHTS(1)))));
	SEQUENCE(s, 1);
	good(lsvm_sched_edit(s, PUBLIC(make_service("mh", 0, WEIGHTS(1)))));
	good(lsvm_sched_edit(s, PUBLIC(make_service("lblc", 0, WEIGHTS(1)))));
	good(lsvm_sched_edit(s, PUBLIC(make_service("rr", 0, WEIGHTS(1)))));
	SEQUENCE(s, 2, 1, 0);
	assert_int_equal(lsvm_sched_edit(s, PUBLIC(make_service("quux", 0, WEIGHTS(1)))),
			 LSVM_ERR_UNSUPPORTED);
	SEQUENCE(s, 2);
	lsvm_sched_free(s);
}

static void the_scheduler_is_not_asked_for_ftp_data(void **state)
{
	struct lsvm_sched *s = make_machine("rr", 0, WEIGHTS(1));
	uint32_t number = 7, connection = 7;

	assert_int_equal(
		lsvm_sched_connect(s, NULL, "20.0.0.1", 20, 0, 0, &number, &connection),
		LSVM_SCHED_PASSED);
	assert_int_equal(number, 7);
	assert_int_equal(lsvm_sched_destination_active(s, 0), 0);
	lsvm_sched_free(s);
}

static void wrong_edits_are_refused_and_change_nothing(void **state)
{
	struct lsvm_sched *s = make_machine("rr", 0, WEIGHTS(1));
	char text[LSVM_ADDRESS_TEXT_BYTES];

	assert_int_equal(lsvm_sched_add(s, "10.0.0.1", 80, 1, 0, 0), LSVM_ERR_EXISTS);
	assert_int_equal(lsvm_sched_add(s, "10.0.0", 80, 1, 0, 0), LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_sched_add(s, "10.0.0.9", 80, 1, 1, 2), LSVM_ERR_RANGE);
	assert_int_equal(lsvm_sched_change(s, 0, 0x80000000, 0, 0), LSVM_ERR_RANGE);
	assert_int_equal(lsvm_sched_change(s, 1, 1, 0, 0), LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_sched_remove(s, 1), LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_sched_set_counts(s, 1, 0, 0), LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_sched_destination_count(s), 1);
	assert_int_equal(lsvm_sched_destination_weight(s, 0), 1);
	assert_string_equal(lsvm_sched_destination_address(s, 0, text, sizeof(text)),
			    "10.0.0.1");
	assert_string_equal(lsvm_sched_destination_address(s, 5, text, sizeof(text)), "");
	assert_int_equal(lsvm_sched_destination_port(s, 0), 80);
	assert_int_equal(lsvm_sched_find(s, "10.0.0.1", 80), 0);
	lsvm_sched_free(s);
}

static void outcomes_have_words(void **state)
{
	for (int outcome = LSVM_SCHED_SERVED; outcome <= LSVM_SCHED_PASSED; outcome++)
		assert_int_equal(
			lsvm_sched_outcome_parse(lsvm_sched_outcome_name(outcome)),
			outcome);
	assert_string_equal(lsvm_sched_outcome_name(77), "unknown");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rr_goes_round_from_the_newest),
		TEST(rr_goes_on_where_a_removed_one_stood),
		TEST(wrr_interleaves_by_weight),
		TEST(rr_never_goes_to_a_removed_one),
		TEST(wrr_passes_over_what_was_drained_from_the_start),
		TEST(lblc_makes_room_when_it_is_crowded),
		TEST(wrr_refuses_when_all_are_drained),
		TEST(the_least_loaded_is_chosen),
		TEST(an_active_connection_weighs_256_inactive_ones),
		TEST(fo_fails_over_and_ovf_overflows),
		TEST(an_overloaded_server_recovers_below_three_quarters),
		TEST(a_lower_threshold_lets_it_recover_later),
		TEST(lowering_a_threshold_overloads_nobody_at_once),
		TEST(a_destination_that_comes_back_has_its_connections),
		TEST(tcp_begins_active_udp_does_not),
		TEST(a_datagram_of_a_one_packet_service_leaves_nothing),
		TEST(a_client_keeps_its_server_until_its_time_is_over),
		TEST(a_living_connection_gives_another_minute),
		TEST(granularity_lets_a_network_share_its_server),
		TEST(known_clients_stay_with_a_drained_server_unless_told),
		TEST(a_known_client_is_served_above_the_threshold),
		TEST(many_clients_are_remembered_and_forgotten),
		TEST(lblc_keeps_an_address_with_its_server),
		TEST(lblc_forgets_after_a_day),
		TEST(lblcr_adds_servers_to_a_busy_address_and_takes_them_away),
		TEST(the_cache_ages_through_years_at_once),
		TEST(another_scheduler_begins_anew_the_same_goes_on),
		TEST(the_scheduler_is_not_asked_for_ftp_data),
		TEST(wrong_edits_are_refused_and_change_nothing),
		TEST(outcomes_have_words),
	};

	return RUN(tests);
}
