/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole tables in motion: which service takes a packet, and what changes keep. */
#include "../lab/ipvs_random.h"
#include "sched/director.h"
#include "sched_support.h"

static struct sched_director *make_director(void)
{
	struct sched_director *director;

	good(lsvm_ipvs_table_seal(table));
	good(lsvm_director_create(ctx, table, &director));
	return director;
}

static uint16_t routed(const struct sched_director *director, uint32_t fwmark,
		       uint8_t protocol, uint16_t port)
{
	const struct lsvm_sched *s =
		lsvm_director_route(director, fwmark, protocol,
				    &(struct addr){ 4, { 192, 0, 2, 100 } }, port);

	return s ? s->key.fwmark ? 1 : (uint16_t)(s->key.port + 2) : 0;
}

static void mark_then_port_then_ftp_then_all_ports(void **state)
{
	struct sched_director *director;

	make_service("rr", 0, WEIGHTS(1))->key =
		(struct ipvs_key){ .fwmark = 7, .addr = { .family = 4 } };
	make_service("rr", 0, WEIGHTS(1));
	make_service("rr", 0, WEIGHTS(1))->key.port = 21;
	make_service("rr", IP_VS_SVC_F_PERSISTENT, WEIGHTS(1))->key.port = 0;
	director = make_director();
	assert_int_equal(routed(director, 7, IPPROTO_UDP, 80), 1);
	assert_int_equal(routed(director, 8, IPPROTO_TCP, 80), 82);
	assert_int_equal(routed(director, 0, IPPROTO_TCP, 20), 23);
	assert_int_equal(routed(director, 0, IPPROTO_TCP, 5000), 23);
	assert_int_equal(routed(director, 0, IPPROTO_TCP, 443), 2);
	assert_int_equal(routed(director, 0, IPPROTO_UDP, 5000), 0);
	lsvm_director_free(director);
}

static int connect_through(struct sched_director *director, struct lsvm_sched *s,
			   uint32_t *ret_connection)
{
	const struct sched_packet packet = { .client = { 4, { 20, 0, 0, 1 } },
					     .virtual = s->key.addr,
					     .client_port = 1234,
					     .protocol = IPPROTO_TCP };
	struct sched_dest *dest = NULL;

	good(lsvm_sched_begin(s, &packet, &dest, ret_connection));
	return dest ? (int)dest->number : -1;
}

static void a_service_that_comes_back_revives_its_connections(void **state)
{
	struct ipvs_service *service = make_service("lc", 0, WEIGHTS(1, 1));
	struct sched_director *director = make_director();
	struct ipvs_change change = { .kind = IPVS_SERVICE_DELETE, .service = service };
	struct lsvm_sched *s = lsvm_director_find(director, &service->key);
	uint32_t connection;

	assert_int_equal(connect_through(director, s, &connection), 1);
	good(lsvm_director_apply(director, &change));
	assert_null(lsvm_director_find(director, &service->key));
	assert_int_equal(lsvm_director_apply(director, &change), LSVM_ERR_NOT_FOUND);
	change.kind = IPVS_SERVICE_ADD;
	good(lsvm_director_apply(director, &change));
	assert_int_equal(lsvm_director_apply(director, &change), LSVM_ERR_EXISTS);
	assert_int_equal(connect_through(director, s, &connection), -1);
	for (size_t i = 0; i < 2; i++) {
		change = (struct ipvs_change){ .kind = IPVS_DESTINATION_ADD,
					       .service = service,
					       .destination =
						       &service->destinations.items[i],
					       .weight = 1 };
		good(lsvm_director_apply(director, &change));
	}
	assert_int_equal(lsvm_sched_destination_active(s, 1), 1);
	assert_int_equal(connect_through(director, s, &connection), 0);
	lsvm_director_free(director);
}

static struct lsvm_ipvs_table *random_without_engines(uint32_t seed)
{
	struct lsvm_ipvs_table *random = random_table(ctx, seed, 12, 8);

	for (size_t i = 0; i < random->services.count; i++)
		random->services.items[i].engine[0] = '\0';
	return random;
}

static void assert_stands_in(const struct sched_director *director,
			     const struct lsvm_ipvs_table *wanted)
{
	for (size_t i = 0; i < wanted->services.count; i++) {
		const struct ipvs_service *service = &wanted->services.items[i];
		const struct lsvm_sched *s = lsvm_director_find(director, &service->key);

		assert_non_null(s);
		assert_string_equal(s->scheduler->name, service->scheduler);
		assert_int_equal(s->present_count, service->destinations.count);
		for (size_t j = 0; j < service->destinations.count; j++) {
			const struct ipvs_destination *dest =
				&service->destinations.items[j];
			const struct sched_dest *own =
				lsvm_sched_dest_lookup(s, &dest->addr, dest->port);

			assert_true(own && own->present);
			assert_int_equal(own->weight, dest->weight);
			assert_int_equal(own->upper, dest->upper_threshold);
		}
	}
}

static void changes_lead_to_the_table_that_was_wanted(void **state)
{
	for (uint32_t seed = 1; seed < 40; seed++) {
		struct lsvm_ipvs_table *from = random_without_engines(seed),
				       *to = random_without_engines(seed + 1000);
		struct ipvs_changes changes = { 0 };
		struct sched_director *director;

		good(lsvm_director_create(ctx, from, &director));
		assert_stands_in(director, from);
		good(lsvm_ipvs_changes_compute(ctx, from, from, to, &changes));
		for (size_t i = 0; i < changes.list.count; i++)
			good(lsvm_director_apply(director, &changes.list.items[i]));
		assert_stands_in(director, to);
		lsvm_ipvs_changes_clear(&changes);
		lsvm_director_free(director);
		lsvm_ipvs_table_unref(from);
		lsvm_ipvs_table_unref(to);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mark_then_port_then_ftp_then_all_ports),
		TEST(a_service_that_comes_back_revives_its_connections),
		TEST(changes_lead_to_the_table_that_was_wanted),
	};

	return RUN(tests);
}
