/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sim/sim.h"
#include "sched_support.h"

static struct lsvm_host *host;

static int begin(void **state)
{
	setup(state);
	return lsvm_host_new_simulated(ctx, "eds1", &host);
}

static int finish(void **state)
{
	lsvm_host_free(host);
	return teardown(state);
}

static void change(enum ipvs_change_kind kind, const struct ipvs_service *service,
		   const struct ipvs_destination *dest, uint32_t weight)
{
	struct ipvs_change what = {
		.kind = kind, .service = service, .destination = dest, .weight = weight
	};

	good(lsvm_sim_ipvs_change((struct sim_host *)host, &what));
}

static void add(const struct ipvs_service *service)
{
	change(IPVS_SERVICE_ADD, service, NULL, 0);
	for (size_t i = 0; i < service->destinations.count; i++)
		change(IPVS_DESTINATION_ADD, service, &service->destinations.items[i],
		       service->destinations.items[i].weight);
}

static void set(const char *name, const char *value)
{
	const struct sysctl sysctl = { .name = name, .value = value };

	good(lsvm_sim_sysctl_set((struct sim_host *)host, &sysctl));
}

static char server[LSVM_ADDRESS_TEXT_BYTES];

static int connect_from(uint16_t client_port)
{
	return lsvm_host_simulate_connect(host, LSVM_PROTOCOL_TCP, "198.51.100.9",
					  client_port, "192.0.2.100", 80, 0, server,
					  sizeof(server));
}

static int send_from(uint16_t client_port)
{
	return lsvm_host_simulate_send(host, LSVM_PROTOCOL_TCP, "198.51.100.9",
				       client_port, "192.0.2.100", 80, 0, server,
				       sizeof(server));
}

static int close_from(uint16_t client_port)
{
	return lsvm_host_simulate_close(host, LSVM_PROTOCOL_TCP, "198.51.100.9",
					client_port, "192.0.2.100", 80);
}

static void expect_counts(uint32_t number, uint32_t active, uint32_t inactive,
			  uint32_t persistent, uint64_t connections, uint64_t packets)
{
	struct lsvm_ipvs_table *now;
	const struct ipvs_destination *dest;

	good(lsvm_host_ipvs_snapshot(host, &now));
	dest = &now->services.items[0].destinations.items[number];
	assert_int_equal(dest->active_count, active);
	assert_int_equal(dest->inactive_count, inactive);
	assert_int_equal(dest->persistent_count, persistent);
	assert_int_equal(dest->counters->connections, connections);
	assert_int_equal(dest->counters->in_packets, packets);
	lsvm_ipvs_table_unref(now);
}

static void who_answered_can_be_counted(void **state)
{
	unsigned first = 0;

	add(make_service("wrr", 0, WEIGHTS(3, 1)));
	for (uint16_t i = 0; i < 100; i++) {
		assert_int_equal(connect_from(2000 + i), LSVM_ANSWER_SERVER);
		first += !strcmp(server, "10.0.0.1");
	}
	assert_int_equal(first, 75);
	expect_counts(0, 75, 0, 0, 75, 75);
	expect_counts(1, 25, 0, 0, 25, 25);
	good(close_from(2000));
	assert_int_equal(close_from(2000), LSVM_ERR_NOT_FOUND);
}

static void a_connection_goes_on_until_it_is_over(void **state)
{
	add(make_service("rr", 0, WEIGHTS(1)));
	assert_int_equal(send_from(2000), LSVM_ANSWER_RESET);
	assert_int_equal(connect_from(2000), LSVM_ANSWER_SERVER);
	assert_int_equal(send_from(2000), LSVM_ANSWER_SERVER);
	assert_string_equal(server, "10.0.0.1");
	expect_counts(0, 1, 0, 0, 1, 2);
	good(lsvm_host_simulate_pass(host, 899 * 1000));
	assert_int_equal(send_from(2000), LSVM_ANSWER_SERVER);
	good(lsvm_host_simulate_pass(host, 900 * 1000));
	assert_int_equal(send_from(2000), LSVM_ANSWER_RESET);
	expect_counts(0, 0, 0, 0, 1, 3);
	assert_int_equal(connect_from(2000), LSVM_ANSWER_SERVER);
	good(close_from(2000));
	expect_counts(0, 0, 1, 0, 2, 5);
	good(lsvm_host_simulate_pass(host, 120 * 1000));
	expect_counts(0, 0, 0, 0, 2, 5);
}

static void a_removed_server_keeps_its_connections_for_its_return(void **state)
{
	const struct ipvs_service *service = make_service("rr", 0, WEIGHTS(1, 1));
	const struct ipvs_destination *dest = &service->destinations.items[0];
	uint16_t own;

	server[0] = '\0';
	add(service);
	for (own = 2000; strcmp(server, "10.0.0.1"); own++)
		assert_int_equal(connect_from(own), LSVM_ANSWER_SERVER);
	own--;
	change(IPVS_DESTINATION_DELETE, service, dest, 0);
	assert_int_equal(send_from(own), LSVM_ANSWER_DROPPED);
	assert_string_equal(server, "");
	good(lsvm_host_simulate_pass(host, 300 * 1000));
	change(IPVS_DESTINATION_ADD, service, dest, 1);
	assert_int_equal(send_from(own), LSVM_ANSWER_SERVER);
	assert_string_equal(server, "10.0.0.1");
	expect_counts(0, 1, 0, 0, 1, 2);

	set("net.ipv4.vs.expire_nodest_conn", "1");
	change(IPVS_DESTINATION_DELETE, service, dest, 0);
	assert_int_equal(send_from(own), LSVM_ANSWER_RESET);
}

static void the_last_service_of_a_family_takes_ipvs_with_it(void **state)
{
	const struct ipvs_service *service = make_service("sh", 0, WEIGHTS(1));

	add(service);
	assert_int_equal(connect_from(2000), LSVM_ANSWER_SERVER);
	change(IPVS_SERVICE_DELETE, service, NULL, 0);
	assert_int_equal(send_from(2000), LSVM_ANSWER_RESET);
	assert_int_equal(connect_from(2001), LSVM_ANSWER_LOCAL);
	add(service);
	assert_int_equal(send_from(2000), LSVM_ANSWER_SERVER);
	expect_counts(0, 1, 0, 0, 0, 1);
	good(close_from(2000));
	expect_counts(0, 0, 1, 0, 0, 2);
}

static void a_drained_server_refuses_under_sh_and_is_left_under_wlc(void **state)
{
	struct ipvs_service *service = make_service("sh", 0, WEIGHTS(1, 1));
	unsigned refused = 0;

	add(service);
	change(IPVS_DESTINATION_EDIT, service, &service->destinations.items[0], 0);
	for (uint8_t i = 1; i < 101; i++) {
		char client[LSVM_ADDRESS_TEXT_BYTES];
		int answer;

		snprintf(client, sizeof(client), "198.51.100.%u", i);
		answer = lsvm_host_simulate_connect(host, LSVM_PROTOCOL_TCP, client, 2000,
						    "192.0.2.100", 80, 0, server,
						    sizeof(server));
		refused += answer == LSVM_ANSWER_REFUSED;
		assert_true(answer == LSVM_ANSWER_REFUSED || !strcmp(server, "10.0.0.2"));
	}
	assert_in_range(refused, 20, 80);
	memcpy(service->scheduler, "wlc", 4);
	change(IPVS_SERVICE_EDIT, service, NULL, 0);
	for (uint16_t i = 0; i < 50; i++) {
		assert_int_equal(connect_from(3000 + i), LSVM_ANSWER_SERVER);
		assert_string_equal(server, "10.0.0.2");
	}
}

static void persistent_clients_keep_their_server_and_are_counted(void **state)
{
	struct ipvs_service *service =
		make_service("rr", IP_VS_SVC_F_PERSISTENT, WEIGHTS(1, 1));
	char first[LSVM_ADDRESS_TEXT_BYTES];

	service->timeout_s = 60;
	add(service);
	assert_int_equal(connect_from(2000), LSVM_ANSWER_SERVER);
	strcpy(first, server);
	for (uint16_t i = 0; i < 10; i++) {
		assert_int_equal(connect_from(2001 + i), LSVM_ANSWER_SERVER);
		assert_string_equal(server, first);
	}
	expect_counts(strcmp(first, "10.0.0.1") != 0, 11, 0, 1, 11, 11);
}

static void a_full_server_is_passed_over_until_one_leaves(void **state)
{
	struct ipvs_service *service = make_service("rr", 0, WEIGHTS(1));

	service->destinations.items[0].upper_threshold = 4;
	add(service);
	for (uint16_t i = 0; i < 4; i++)
		assert_int_equal(connect_from(2000 + i), LSVM_ANSWER_SERVER);
	assert_int_equal(connect_from(2010), LSVM_ANSWER_REFUSED);
	good(close_from(2000));
	good(close_from(2001));
	assert_int_equal(connect_from(2010), LSVM_ANSWER_REFUSED);
	good(lsvm_host_simulate_pass(host, 120 * 1000));
	assert_int_equal(connect_from(2010), LSVM_ANSWER_SERVER);
}

static void what_no_service_takes_is_the_directors_own(void **state)
{
	add(make_service("rr", 0, WEIGHTS(1)));
	assert_int_equal(lsvm_host_simulate_connect(host, LSVM_PROTOCOL_TCP, "1.2.3.4", 1,
						    "192.0.2.100", 81, 0, NULL, 0),
			 LSVM_ANSWER_LOCAL);
	assert_int_equal(lsvm_host_simulate_connect(host, LSVM_PROTOCOL_UDP, "1.2.3.4", 1,
						    "192.0.2.100", 80, 7, NULL, 0),
			 LSVM_ANSWER_LOCAL);
	assert_int_equal(lsvm_host_simulate_connect(host, LSVM_PROTOCOL_TCP, "::1", 1,
						    "192.0.2.100", 80, 0, NULL, 0),
			 LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_host_simulate_connect(host, 9, "1.2.3.4", 1, "192.0.2.100",
						    80, 0, NULL, 0),
			 LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_host_simulate_connect(host, LSVM_PROTOCOL_TCP, "x", 1,
						    "192.0.2.100", 80, 0, NULL, 0),
			 LSVM_ERR_ARGUMENT);
}

static void every_answer_has_a_name(void **state)
{
	for (int i = LSVM_ANSWER_SERVER; i <= LSVM_ANSWER_LOCAL; i++)
		assert_int_equal(lsvm_answer_parse(lsvm_answer_name(i)), i);
	assert_int_equal(lsvm_answer_parse("x"), LSVM_ANSWER_UNKNOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_answered_can_be_counted),
		TEST(a_connection_goes_on_until_it_is_over),
		TEST(a_removed_server_keeps_its_connections_for_its_return),
		TEST(the_last_service_of_a_family_takes_ipvs_with_it),
		TEST(a_drained_server_refuses_under_sh_and_is_left_under_wlc),
		TEST(persistent_clients_keep_their_server_and_are_counted),
		TEST(a_full_server_is_passed_over_until_one_leaves),
		TEST(what_no_service_takes_is_the_directors_own),
		TEST(every_answer_has_a_name),
	};

	return RUN(tests);
}
