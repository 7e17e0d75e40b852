/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dh, sh and mh: what follows from the table alone. */
#include "sched_support.h"

#define CLIENTS 20000

/* Index in the service of the client's destination, or the refusal below 0. */
static int predict(const struct ipvs_service *service, const char *client, uint16_t port)
{
	const struct lsvm_ipvs_destination *dest = NULL;
	int outcome = lsvm_sched_predict(ctx, PUBLIC(service), NULL, client, port, &dest);

	good(outcome);
	if (outcome != LSVM_SCHED_SERVED)
		return REFUSED(outcome);
	return (int)((const struct ipvs_destination *)dest - service->destinations.items);
}

static void siphash_is_the_reference(void **state)
{
	/* PYTHONHASHSEED=0 python3 -c 'print(hex(hash(bytes([1,2,3,4])) & 0xffffffff))':
	 * SipHash-1-3 under a key of zeros, in Python 3.11. */
	assert_int_equal(lsvm_sched_siphash(0x04030201, 0), 0x360ba9d4);
	assert_int_equal(lsvm_sched_siphash(0x14000001, 2654435761), 0x1d327b8f);
}

static void a_prediction_lends_the_table_s_destination(void **state)
{
	struct ipvs_service *service = make_service("mh", 0, WEIGHTS(1, 1, 1));

	for (unsigned i = 0; i < 50; i++)
		assert_in_range(predict(service, client_text(i), 0), 0, 2);
}

static void a_machine_agrees_with_the_prediction(void **state)
{
	static const char *const names[] = { "sh", "mh", "dh" };

	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		struct ipvs_service *service =
			make_service(names[n], IP_VS_SVC_F_SCHED2, WEIGHTS(3, 0, 2, 9));
		struct lsvm_sched *s;

		good(lsvm_sched_new(ctx, PUBLIC(service), &s));
		for (unsigned i = 0; i < 200; i++)
			assert_int_equal(predict(service, client_text(i), 1234),
					 connect_client(s, client_text(i)));
		lsvm_sched_free(s);
	}
}

static void shares(const char *scheduler, const int *weights, unsigned *ret)
{
	struct lsvm_sched *s = make_machine(scheduler, 0, weights);

	for (unsigned i = 0; i < CLIENTS; i++) {
		int number = connect_client(s, client_text(i * 2654435761u));

		assert_true(number >= 0);
		ret[number]++;
	}
	lsvm_sched_free(s);
}

static void maglev_shares_by_weight(void **state)
{
	unsigned counts[4] = { 0 };

	shares("mh", WEIGHTS(1, 2, 3, 4), counts);
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(counts[i], CLIENTS / 10 * (i + 1) * 9 / 10,
				CLIENTS / 10 * (i + 1) * 11 / 10);
}

static void source_hashing_shares_by_weight(void **state)
{
	unsigned counts[2] = { 0 };

	shares("sh", WEIGHTS(1, 3), counts);
	assert_in_range(counts[0], CLIENTS / 4 * 9 / 10, CLIENTS / 4 * 11 / 10);
}

static void maglev_moves_few_others_when_one_goes(void **state)
{
	struct lsvm_sched *s =
		make_machine("mh", 0, WEIGHTS(1, 1, 1, 1, 1, 1, 1, 1, 1, 1));
	static int before[CLIENTS];
	unsigned moved = 0;

	for (unsigned i = 0; i < CLIENTS; i++)
		before[i] = connect_client(s, client_text(i * 2654435761u));
	good(lsvm_sched_remove(s, 4));
	for (unsigned i = 0; i < CLIENTS; i++) {
		int now = connect_client(s, client_text(i * 2654435761u));

		assert_int_not_equal(now, 4);
		moved += before[i] != 4 && now != before[i];
	}
	assert_in_range(moved, 1, CLIENTS / 40);
	lsvm_sched_free(s);
}

static void refusals(struct lsvm_sched *s, unsigned *ret_drained, unsigned *ret_served)
{
	for (unsigned i = 0; i < 1000; i++) {
		int answer = connect_client(s, client_text(i * 2654435761u));

		if (answer == REFUSED(LSVM_SCHED_DRAINED))
			++*ret_drained;
		else
			++*ret_served;
		assert_int_not_equal(answer, 1);
	}
}

static void a_drained_server_s_clients_are_refused_without_fallback(void **state)
{
	static const char *const names[] = { "sh", "mh", "dh" };

	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		struct lsvm_sched *s = make_machine(names[n], 0, WEIGHTS(1, 1, 1));
		unsigned drained = 0, served = 0;

		good(lsvm_sched_change(s, 1, 0, 0, 0));
		refusals(s, &drained, &served);
		if (s->scheduler->pick == lsvm_dh_pick) {
			/* All clients call one address. */
			assert_true(drained == 0 || drained == 1000);
		} else {
			assert_in_range(drained, 250, 420);
		}
		lsvm_sched_free(s);
	}
}

static void with_fallback_they_go_elsewhere(void **state)
{
	static const char *const names[] = { "sh", "mh" };

	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		struct lsvm_sched *s =
			make_machine(names[n], IP_VS_SVC_F_SCHED1, WEIGHTS(1, 1, 1));
		unsigned drained = 0, served = 0;

		good(lsvm_sched_change(s, 1, 0, 0, 0));
		refusals(s, &drained, &served);
		assert_int_equal(drained, 0);
		lsvm_sched_free(s);
	}
}

static void the_kernel_s_order_counts_where_it_was_seen(void **state)
{
	struct ipvs_service *seen = make_service("sh", 0, WEIGHTS(1, 1, 1));
	struct lsvm_sched *s;
	static const uint32_t positions[] = { 2, 3, 1 };

	for (size_t i = 0; i < 3; i++)
		seen->destinations.items[i].position = positions[i];
	good(lsvm_sched_new(ctx, PUBLIC(seen), &s));
	assert_int_equal(s->list.next->number, 2);
	assert_int_equal(s->list.next->next->number, 0);
	assert_int_equal(s->list.prev->number, 1);
	lsvm_sched_free(s);
}

struct pair {
	struct lsvm_ipvs_table *tables[2];
	struct ipvs_service *services[2];
};

/* Two directors with the same service. */
static void make_pair(struct pair *pair, const char *scheduler, const int *weights)
{
	const struct ipvs_service *model = make_service(scheduler, 0, weights);

	for (unsigned i = 0; i < 2; i++) {
		good(lsvm_ipvs_table_alloc(ctx, &pair->tables[i]));
		pair->services[i] = lsvm_ipvs_table_push(pair->tables[i]);
		*pair->services[i] = *model;
		memset(&pair->services[i]->destinations, 0,
		       sizeof(pair->services[i]->destinations));
		for (size_t j = 0; j < model->destinations.count; j++)
			*lsvm_ipvs_service_push(pair->services[i]) =
				model->destinations.items[j];
	}
}

static uint32_t broken(struct pair *pair)
{
	uint32_t flows = 0, lost = 0;

	for (unsigned i = 0; i < 2; i++)
		good(lsvm_ipvs_table_seal(pair->tables[i]));
	good(lsvm_ipvs_consistency(ctx, pair->tables[0], pair->tables[1], &flows, &lost));
	assert_in_range(flows, 2000, 4096);
	for (unsigned i = 0; i < 2; i++)
		lsvm_ipvs_table_unref(pair->tables[i]);
	return lost * 1000 / flows;
}

static void equal_directors_break_no_flow(void **state)
{
	static const char *const names[] = { "dh", "sh", "mh", "fo" };
	struct pair pair;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		make_pair(&pair, names[i], WEIGHTS(1, 2, 0, 3));
		assert_int_equal(broken(&pair), 0);
	}
	make_pair(&pair, "rr", WEIGHTS(1, 1));
	assert_int_equal(broken(&pair), 1000);
}

static void another_order_breaks_source_hashing_and_little_of_maglev(void **state)
{
	struct pair pair;

	for (unsigned n = 0; n < 2; n++) {
		make_pair(&pair, n ? "mh" : "sh", WEIGHTS(1, 1, 1, 1));
		for (uint32_t i = 0; i < 4; i++) {
			pair.services[0]->destinations.items[i].position = i + 1;
			pair.services[1]->destinations.items[i].position = 4 - i;
		}
		if (n)
			assert_in_range(broken(&pair), 0, 20);
		else
			assert_in_range(broken(&pair), 700, 1000);
	}
}

static void a_drained_server_that_one_director_got_late_breaks_flows(void **state)
{
	struct pair pair;

	make_pair(&pair, "mh", WEIGHTS(1, 1, 1, 1, 0));
	pair.services[0]->destinations.items[4].last_weight = 1;
	assert_in_range(broken(&pair), 0, 30);
	/* The drained one's clients go elsewhere: they are its living connections. */
	make_pair(&pair, "mh", WEIGHTS(1, 1, 1, 1, 1));
	pair.services[1]->destinations.items[4].weight = 0;
	assert_in_range(broken(&pair), 150, 300);
	make_pair(&pair, "sh", WEIGHTS(1, 1));
	pair.services[1]->key.port = 81;
	assert_int_equal(broken(&pair), 1000);
}

static void maglev_gives_the_lightest_at_least_one_turn(void **state)
{
	unsigned counts[2] = { 0 };

	shares("mh", WEIGHTS(1, 65535), counts);
	assert_in_range(counts[0], CLIENTS / 64 * 7 / 10, CLIENTS / 64 * 13 / 10);
}

static void maglev_forgets_the_weight_of_what_comes_back_at_0(void **state)
{
	struct lsvm_sched *s = make_machine("mh", 0, WEIGHTS(1, 1));
	unsigned refused = 0;

	good(lsvm_sched_change(s, 0, 0, 0, 0));
	for (unsigned i = 0; i < 100; i++)
		refused += connect_client(s, client_text(i * 2654435761u)) < 0;
	assert_in_range(refused, 30, 70);
	good(lsvm_sched_remove(s, 0));
	good(lsvm_sched_add(s, "10.0.0.1", 80, 0, 0, 0));
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(connect_client(s, client_text(i * 2654435761u)), 1);
	lsvm_sched_free(s);
}

/* Two directors: one drained the server, the other got it at weight 0. */
static void maglev_keeps_a_drained_server_s_slots_only_by_history(void **state)
{
	struct lsvm_sched *drained =
		make_machine("mh", IP_VS_SVC_F_SCHED1, WEIGHTS(1, 1, 1));
	struct lsvm_sched *added =
		make_machine("mh", IP_VS_SVC_F_SCHED1, WEIGHTS(1, 0, 1));
	struct ipvs_service *kept =
		make_service("mh", IP_VS_SVC_F_SCHED1, WEIGHTS(1, 0, 1));
	struct lsvm_sched *canonical;
	unsigned differ = 0;

	kept->destinations.items[1].last_weight = 1;
	good(lsvm_sched_new(ctx, PUBLIC(kept), &canonical));
	good(lsvm_sched_change(drained, 1, 0, 0, 0));
	for (unsigned i = 0; i < 1000; i++) {
		const char *client = client_text(i * 2654435761u);
		int first = connect_client(drained, client);

		differ += first != connect_client(added, client);
		assert_int_equal(first, connect_client(canonical, client));
	}
	assert_in_range(differ, 50, 400);
	lsvm_sched_free(drained);
	lsvm_sched_free(added);
	lsvm_sched_free(canonical);
}

static void the_port_counts_only_with_its_flag(void **state)
{
	static const char *const names[] = { "sh", "mh" };

	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		struct ipvs_service *without =
			make_service(names[n], 0, WEIGHTS(1, 1, 1, 1));
		unsigned moved = 0;

		for (uint16_t port = 1024; port < 1100; port++)
			moved += predict(without, "20.0.0.1", port) !=
				 predict(without, "20.0.0.1", 1023);
		assert_int_equal(moved, 0);
		without->flags = IP_VS_SVC_F_SCHED2;
		for (uint16_t port = 1024; port < 1100; port++)
			moved += predict(without, "20.0.0.1", port) !=
				 predict(without, "20.0.0.1", 1023);
		assert_true(moved > 20);
	}
}

static void dh_looks_at_the_virtual_address(void **state)
{
	struct ipvs_service *service = make_service("dh", 0, WEIGHTS(1, 1, 1));
	unsigned counts[3] = { 0 };

	service->key = (struct ipvs_key){ .fwmark = 7, .addr = { .family = 4 } };
	for (unsigned i = 0; i < 300; i++) {
		const struct lsvm_ipvs_destination *dest = NULL;
		char virtual[32];

		snprintf(virtual, sizeof(virtual), "192.0.%u.1", i % 256);
		assert_int_equal(lsvm_sched_predict(ctx, PUBLIC(service), virtual,
						    "20.0.0.1", 0, &dest),
				 LSVM_SCHED_SERVED);
		counts[(const struct ipvs_destination *)dest -
		       service->destinations.items]++;
	}
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(counts[i], 50, 150);
}

static void all_drained_none_there_and_overloaded_are_told_apart(void **state)
{
	struct lsvm_sched *s = make_machine("mh", 0, WEIGHTS(1));

	good(lsvm_sched_change(s, 0, 1, 1, 0));
	assert_int_equal(connect_client(s, "20.0.0.1"), 0);
	assert_int_equal(connect_client(s, "20.0.0.1"), REFUSED(LSVM_SCHED_OVERLOADED));
	good(lsvm_sched_change(s, 0, 0, 0, 0));
	assert_int_equal(connect_client(s, "20.0.0.1"), REFUSED(LSVM_SCHED_DRAINED));
	good(lsvm_sched_remove(s, 0));
	assert_int_equal(connect_client(s, "20.0.0.1"),
			 REFUSED(LSVM_SCHED_NO_DESTINATION));
	lsvm_sched_free(s);
}

static void maglev_keeps_its_table_past_4093_destinations(void **state)
{
	struct lsvm_sched *s = make_machine("mh", 0, WEIGHTS(1));
	char address[32];
	int before;

	for (unsigned i = 1; i < SCHED_MAGLEV_SLOTS; i++) {
		snprintf(address, sizeof(address), "10.1.%u.%u", i >> 8, i & 255);
		good(lsvm_sched_add(s, address, 80, 1, 0, 0));
	}
	before = connect_client(s, "20.0.0.1");
	assert_true(before >= 0);
	good(lsvm_sched_add(s, "10.9.9.9", 80, 1000, 0, 0));
	for (unsigned i = 0; i < 1000; i++)
		assert_int_not_equal(connect_client(s, client_text(i)),
				     SCHED_MAGLEV_SLOTS);
	assert_int_equal(connect_client(s, "20.0.0.1"), before);
	lsvm_sched_free(s);
}

static void what_has_a_history_is_not_predicted(void **state)
{
	static const char *const names[] = { "rr", "wrr", "lblc", "lblcr" };
	const struct lsvm_ipvs_destination *dest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(
			lsvm_sched_predict(ctx,
					   PUBLIC(make_service(names[i], 0, WEIGHTS(1))),
					   NULL, "20.0.0.1", 0, &dest),
			LSVM_ERR_STATE);
	assert_null(dest);
}

static void what_cannot_be_is_refused(void **state)
{
	struct ipvs_service *service = make_service("twos", 0, WEIGHTS(1));
	const struct lsvm_ipvs_destination *dest = NULL;

	assert_int_equal(
		lsvm_sched_predict(ctx, PUBLIC(service), NULL, "20.0.0.1", 0, &dest),
		LSVM_ERR_UNSUPPORTED);
	service = make_service("mh", 0, WEIGHTS(1));
	assert_int_equal(
		lsvm_sched_predict(ctx, PUBLIC(service), NULL, "20.0.0", 0, &dest),
		LSVM_ERR_ARGUMENT);
	assert_int_equal(
		lsvm_sched_predict(ctx, PUBLIC(service), NULL, "2001:db8::1", 0, &dest),
		LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_sched_predict(ctx, PUBLIC(service), "2001:db8::1",
					    "20.0.0.1", 0, &dest),
			 LSVM_ERR_ARGUMENT);
	snprintf(service->engine, sizeof(service->engine), "sip");
	assert_int_equal(
		lsvm_sched_predict(ctx, PUBLIC(service), NULL, "20.0.0.1", 0, &dest),
		LSVM_ERR_UNSUPPORTED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(siphash_is_the_reference),
		TEST(a_prediction_lends_the_table_s_destination),
		TEST(a_machine_agrees_with_the_prediction),
		TEST(maglev_shares_by_weight),
		TEST(source_hashing_shares_by_weight),
		TEST(maglev_moves_few_others_when_one_goes),
		TEST(a_drained_server_s_clients_are_refused_without_fallback),
		TEST(with_fallback_they_go_elsewhere),
		TEST(the_kernel_s_order_counts_where_it_was_seen),
		TEST(equal_directors_break_no_flow),
		TEST(another_order_breaks_source_hashing_and_little_of_maglev),
		TEST(a_drained_server_that_one_director_got_late_breaks_flows),
		TEST(maglev_gives_the_lightest_at_least_one_turn),
		TEST(maglev_forgets_the_weight_of_what_comes_back_at_0),
		TEST(maglev_keeps_a_drained_server_s_slots_only_by_history),
		TEST(the_port_counts_only_with_its_flag),
		TEST(dh_looks_at_the_virtual_address),
		TEST(all_drained_none_there_and_overloaded_are_told_apart),
		TEST(maglev_keeps_its_table_past_4093_destinations),
		TEST(what_has_a_history_is_not_predicted),
		TEST(what_cannot_be_is_refused),
	};

	return RUN(tests);
}
