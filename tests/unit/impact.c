/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a change does is known beforehand, in numbers that were reckoned by hand or by
 * asking lib/sched one client after the other. */
#include "impact/impact.h"
#include "test.h"

#include "../lab/ipvs_random.h"

#include <jansson.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>

static struct lsvm_ctx *ctx;

static int setup(void **state)
{
	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	return 0;
}

static int teardown(void **state)
{
	lsvm_ctx_unref(ctx);
	return 0;
}

static void good(int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(ctx));
}

struct server {
	int number; /* 10.0.0.N:80; 0 ends the list */
	uint32_t weight, active, inactive, persistent, last_weight, position;
};

#define SERVERS(...) ((const struct server[]){ __VA_ARGS__, { 0 } })
#define ALL 4096

static void add_service(struct lsvm_ipvs_table *table, uint8_t number,
			const char *scheduler, uint32_t flags,
			const struct server *servers)
{
	struct ipvs_service *service = lsvm_ipvs_table_push(table);

	service->key = (struct ipvs_key){ .addr = { 4, { 192, 0, 2, number } },
					  .protocol = IPPROTO_TCP,
					  .port = 80 };
	snprintf(service->scheduler, sizeof(service->scheduler), "%s", scheduler);
	service->flags = flags;
	service->timeout_s = flags & IP_VS_SVC_F_PERSISTENT ? 300 : 0;
	service->netmask = 0xffffffff;
	for (; servers->number; servers++) {
		struct ipvs_destination *dest = lsvm_ipvs_service_push(service);

		dest->addr = (struct addr){ 4, { 10, 0, 0, (uint8_t)servers->number } };
		dest->port = 80;
		dest->forwarding = IP_VS_CONN_F_DROUTE;
		dest->weight = servers->weight;
		dest->active_count = servers->active;
		dest->inactive_count = servers->inactive;
		dest->persistent_count = servers->persistent;
		dest->last_weight = servers->last_weight;
		dest->position = servers->position;
	}
}

static struct lsvm_ipvs_table *empty(void)
{
	struct lsvm_ipvs_table *table;

	good(lsvm_ipvs_table_alloc(ctx, &table));
	return table;
}

static struct lsvm_ipvs_table *one(const char *scheduler, uint32_t flags,
				   const struct server *servers)
{
	struct lsvm_ipvs_table *table = empty();

	add_service(table, 100, scheduler, flags, servers);
	good(lsvm_ipvs_table_seal(table));
	return table;
}

/* Takes the tables. What was there is ours. */
static struct lsvm_impact *from_to(struct lsvm_ipvs_table *present,
				   struct lsvm_ipvs_table *wanted, uint32_t flags)
{
	struct lsvm_impact *impact;

	good(lsvm_ipvs_table_seal(present));
	good(lsvm_ipvs_table_seal(wanted));
	good(lsvm_impact_compute(ctx, present, wanted, present, flags, &impact));
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(wanted);
	return impact;
}

static uint64_t fate(const struct lsvm_impact *impact, int which)
{
	return lsvm_impact_service_fate(impact, 0, which);
}

static bool has_note(const struct lsvm_impact *impact, const char *code)
{
	for (size_t s = 0; s < lsvm_impact_service_count(impact); s++)
		for (size_t i = 0; i < lsvm_impact_note_count(impact, s); i++)
			if (!strcmp(lsvm_impact_note_code(impact, s, i), code))
				return true;
	return false;
}

static void assert_level(const struct lsvm_impact *impact, int level)
{
	assert_string_equal(lsvm_impact_level_name(lsvm_impact_level(impact)),
			    lsvm_impact_level_name(level));
}

static void equal_tables_have_no_impact(void **state)
{
	struct lsvm_impact *impact =
		from_to(one("sh", 0, SERVERS({ 1, 1, 9 }, { 2, 1, 9 })),
			one("sh", 0, SERVERS({ 1, 1 }, { 2, 1 })), 0);

	assert_level(impact, LSVM_IMPACT_LEVEL_NONE);
	assert_int_equal(lsvm_impact_service_count(impact), 0);
	lsvm_impact_free(impact);
}

static void a_removed_server_resets_or_drops_its_connections_and_no_other(void **state)
{
	for (int resets = 0; resets < 2; resets++) {
		struct lsvm_impact *impact =
			from_to(one("wlc", 0, SERVERS({ 1, 1, 7, 2 }, { 2, 1, 5, 1 })),
				one("wlc", 0, SERVERS({ 1, 1 })),
				resets ? LSVM_IMPACT_NODEST_EXPIRES : 0);

		assert_level(impact, LSVM_IMPACT_LEVEL_ESTABLISHED);
		assert_int_equal(fate(impact, LSVM_IMPACT_FATE_KEPT), 9);
		assert_int_equal(fate(impact, LSVM_IMPACT_FATE_RESET), resets ? 6 : 0);
		assert_int_equal(fate(impact, LSVM_IMPACT_FATE_DROPPED), resets ? 0 : 6);
		assert_int_equal(lsvm_impact_destination_lost(impact, 0, 1), 6);
		assert_true(has_note(impact, "removed-alive"));
		assert_int_equal(lsvm_impact_check(impact, LSVM_IMPACT_LEVEL_NEW),
				 LSVM_ERR_CONFLICT);
		assert_non_null(strstr(lsvm_ctx_error_text(ctx), "192.0.2.100:80"));
		assert_non_null(strstr(lsvm_ctx_error_text(ctx), "10.0.0.2:80"));
		good(lsvm_impact_check(impact, LSVM_IMPACT_LEVEL_ESTABLISHED));
		lsvm_impact_free(impact);
	}
}

static void an_idle_server_of_wlc_goes_without_impact(void **state)
{
	struct lsvm_impact *impact =
		from_to(one("wlc", 0, SERVERS({ 1, 3, 7 }, { 2, 1 })),
			one("wlc", 0, SERVERS({ 1, 3 })), 0);

	assert_level(impact, LSVM_IMPACT_LEVEL_NONE);
	assert_int_equal(fate(impact, LSVM_IMPACT_FATE_STAYS), ALL);
	assert_int_equal(lsvm_impact_destination_share_before(impact, 0, 0), 750000);
	assert_int_equal(lsvm_impact_destination_share_after(impact, 0, 0), 1000000);
	assert_int_equal(lsvm_impact_destination_share_after(impact, 0, 1), 0);
	assert_int_equal(lsvm_impact_service_balance_before(impact, 0), 1000);
	good(lsvm_impact_check(impact, LSVM_IMPACT_LEVEL_NONE));
	lsvm_impact_free(impact);
}

/* One client after the other, on tables of whose order nothing is known but the text. */
static unsigned count_moved(struct lsvm_ipvs_table *a, struct lsvm_ipvs_table *b)
{
	struct lsvm_sched *first, *second;
	unsigned moved = 0;

	good(lsvm_sched_create(ctx, &a->services.items[0], &first));
	good(lsvm_sched_create(ctx, &b->services.items[0], &second));
	for (uint32_t i = 0; i < ALL; i++) {
		const struct sched_packet packet = lsvm_sched_spread(first, i);
		struct sched_dest *x = NULL, *y = NULL;

		good(lsvm_sched_foresee(first, &packet, &x));
		good(lsvm_sched_foresee(second, &packet, &y));
		moved += x && y && memcmp(&x->name, &y->name, sizeof(x->name));
	}
	lsvm_sched_free(first);
	lsvm_sched_free(second);
	return moved;
}

static void who_moves_under_sh_and_mh_is_exact(void **state)
{
	static const char *const names[] = { "sh", "mh" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct lsvm_ipvs_table *a =
			one(names[i], 0, SERVERS({ 1, 1 }, { 2, 1 }, { 3, 1 }));
		struct lsvm_ipvs_table *b =
			one(names[i], 0, SERVERS({ 1, 1 }, { 2, 1 }, { 3, 1 }, { 4, 1 }));
		const unsigned moved = count_moved(a, b);
		struct lsvm_impact *impact = from_to(a, b, 0);

		assert_level(impact, LSVM_IMPACT_LEVEL_NEW);
		assert_in_range(moved, ALL / 5, ALL);
		assert_int_equal(fate(impact, LSVM_IMPACT_FATE_MOVES), moved);
		assert_int_equal(fate(impact, LSVM_IMPACT_FATE_STAYS), ALL - moved);
		/* The last in the order: added in order, as afresh. */
		assert_int_equal(fate(impact, LSVM_IMPACT_FATE_STRANDED), 0);
		if (!strcmp(names[i], "mh"))
			assert_in_range(moved, ALL / 5, ALL * 3 / 10);
		lsvm_impact_free(impact);
	}
}

static void weight_0_refuses_clients_unless_they_fall_back(void **state)
{
	static const char *const names[] = { "sh", "mh" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (int falls_back = 0; falls_back < 2; falls_back++) {
			const uint32_t flags = falls_back ? IP_VS_SVC_F_SCHED1 : 0;
			struct lsvm_impact *impact = from_to(
				one(names[i], flags, SERVERS({ 1, 1, 4 }, { 2, 1, 5 })),
				one(names[i], flags, SERVERS({ 1, 1 }, { 2, 0 })), 0);
			const uint64_t hurt =
				fate(impact, falls_back ? LSVM_IMPACT_FATE_MOVES
							: LSVM_IMPACT_FATE_REFUSED);

			assert_level(impact, LSVM_IMPACT_LEVEL_NEW);
			assert_in_range(hurt, ALL * 45 / 100, ALL * 55 / 100);
			assert_int_equal(fate(impact, LSVM_IMPACT_FATE_STAYS),
					 ALL - hurt);
			assert_int_equal(fate(impact, LSVM_IMPACT_FATE_KEPT), 9);
			assert_int_equal(has_note(impact, "drained-refuses"),
					 !falls_back);
			lsvm_impact_free(impact);
		}
	}
}

static void the_last_service_of_a_family_resets(void **state)
{
	struct lsvm_ipvs_table *present = empty(), *wanted = empty();
	struct lsvm_impact *impact;

	add_service(present, 100, "rr", 0, SERVERS({ 1, 1, 3 }));
	impact = from_to(present, wanted, 0);
	assert_level(impact, LSVM_IMPACT_LEVEL_ESTABLISHED);
	assert_int_equal(fate(impact, LSVM_IMPACT_FATE_RESET), 3);
	assert_int_equal(fate(impact, LSVM_IMPACT_FATE_DROPPED), 0);
	assert_int_equal(fate(impact, LSVM_IMPACT_FATE_REFUSED), ALL);
	assert_true(has_note(impact, "last-of-family"));
	lsvm_impact_free(impact);

	present = empty();
	wanted = empty();
	add_service(present, 100, "rr", 0, SERVERS({ 1, 1, 3 }));
	add_service(present, 101, "rr", 0, SERVERS({ 1, 1, 4 }));
	add_service(wanted, 101, "rr", 0, SERVERS({ 1, 1 }));
	impact = from_to(present, wanted, 0);
	assert_int_equal(lsvm_impact_service_count(impact), 1);
	assert_int_equal(fate(impact, LSVM_IMPACT_FATE_RESET), 0);
	assert_int_equal(fate(impact, LSVM_IMPACT_FATE_DROPPED), 3);
	assert_false(has_note(impact, "last-of-family"));
	lsvm_impact_free(impact);
}

static void what_others_put_there_stays_unharmed(void **state)
{
	struct lsvm_ipvs_table *present = one("rr", 0, SERVERS({ 1, 1, 3 }, { 2, 1, 4 }));
	struct lsvm_ipvs_table *owned = one("rr", 0, SERVERS({ 1, 1 }));
	struct lsvm_ipvs_table *wanted = one("rr", 0, SERVERS({ 3, 1 }));
	struct lsvm_impact *impact;

	good(lsvm_impact_compute(ctx, present, wanted, owned, 0, &impact));
	assert_int_equal(fate(impact, LSVM_IMPACT_FATE_KEPT), 4);
	assert_int_equal(fate(impact, LSVM_IMPACT_FATE_DROPPED), 3);
	assert_int_equal(lsvm_impact_destination_share_after(impact, 0, 1), 500000);
	lsvm_impact_free(impact);
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(owned);
	lsvm_ipvs_table_unref(wanted);
}

static void known_clients_of_a_quiesced_server_stay_or_move(void **state)
{
	const uint32_t persistent = IP_VS_SVC_F_PERSISTENT;
	struct lsvm_impact *impact = from_to(
		one("rr", persistent, SERVERS({ 1, 1, 2, 0, 8 }, { 2, 1, 3, 0, 9 })),
		one("rr", persistent, SERVERS({ 1, 1 }, { 2, 0 })), 0);

	assert_level(impact, LSVM_IMPACT_LEVEL_NONE);
	assert_true(has_note(impact, "persistent-stay"));
	lsvm_impact_free(impact);
	impact = from_to(
		one("rr", persistent, SERVERS({ 1, 1, 2, 0, 8 }, { 2, 1, 3, 0, 9 })),
		one("rr", persistent, SERVERS({ 1, 1 }, { 2, 0 })),
		LSVM_IMPACT_QUIESCENT_EXPIRES);
	assert_level(impact, LSVM_IMPACT_LEVEL_NEW);
	assert_true(has_note(impact, "persistent-move"));
	lsvm_impact_free(impact);
	impact = from_to(one("rr", persistent, SERVERS({ 1, 1 }, { 2, 1, 0, 0, 9 })),
			 one("rr", persistent, SERVERS({ 1, 1 })), 0);
	assert_level(impact, LSVM_IMPACT_LEVEL_NEW);
	assert_true(has_note(impact, "persistent-lose"));
	lsvm_impact_free(impact);
}

static void a_weight_is_a_cap_under_ovf(void **state)
{
	struct lsvm_impact *impact =
		from_to(one("ovf", 0, SERVERS({ 1, 100, 60 }, { 2, 90, 0 })),
			one("ovf", 0, SERVERS({ 1, 50 }, { 2, 40 })), 0);

	assert_level(impact, LSVM_IMPACT_LEVEL_NONE);
	assert_true(has_note(impact, "overflow-cap"));
	assert_int_equal(lsvm_impact_destination_share_before(impact, 0, 0), 1000000);
	assert_int_equal(lsvm_impact_destination_share_after(impact, 0, 1), 1000000);
	lsvm_impact_free(impact);
	impact = from_to(one("ovf", 0, SERVERS({ 1, 100, 60 })),
			 one("ovf", 0, SERVERS({ 1, 50 })), 0);
	assert_level(impact, LSVM_IMPACT_LEVEL_NEW);
	assert_int_equal(fate(impact, LSVM_IMPACT_FATE_REFUSED), ALL);
	assert_true(has_note(impact, "no-server"));
	lsvm_impact_free(impact);
}

static void another_scheduler_is_felt_by_new_connections(void **state)
{
	struct lsvm_impact *impact = from_to(one("rr", 0, SERVERS({ 1, 1, 3 })),
					     one("wlc", 0, SERVERS({ 1, 1 })), 0);

	assert_level(impact, LSVM_IMPACT_LEVEL_NEW);
	assert_int_equal(fate(impact, LSVM_IMPACT_FATE_KEPT), 3);
	assert_true(has_note(impact, "scheduler"));
	lsvm_impact_free(impact);
}

static void a_scheduler_that_nobody_knows_is_a_note(void **state)
{
	struct lsvm_impact *impact =
		from_to(one("twos", 0, SERVERS({ 1, 1, 3 }, { 2, 1, 4 })),
			one("twos", 0, SERVERS({ 1, 1 })), LSVM_IMPACT_NODEST_EXPIRES);

	assert_level(impact, LSVM_IMPACT_LEVEL_ESTABLISHED);
	assert_int_equal(fate(impact, LSVM_IMPACT_FATE_RESET), 4);
	assert_true(has_note(impact, "unforeseen"));
	lsvm_impact_free(impact);
}

static void order_and_history_are_the_kernels(void **state)
{
	/* Seen newest first: 3 was added first, 1 last. */
	struct lsvm_impact *impact =
		from_to(one("sh", 0,
			    SERVERS({ 1, 1, .position = 1 }, { 2, 1, .position = 2 },
				    { 3, 1, .position = 3 })),
			one("sh", 0, SERVERS({ 1, 1 }, { 2, 1 }, { 3, 2 })), 0);

	assert_in_range(fate(impact, LSVM_IMPACT_FATE_STRANDED), ALL / 4, ALL);
	assert_true(has_note(impact, "order"));
	lsvm_impact_free(impact);
	/* A drained server keeps its slots of mh: raised again, all come back to it. */
	impact = from_to(
		one("mh", 0, SERVERS({ 1, 1 }, { 2, 0, .last_weight = 1 }, { 3, 1 })),
		one("mh", 0, SERVERS({ 1, 1 }, { 2, 1 }, { 3, 1 })), 0);
	assert_level(impact, LSVM_IMPACT_LEVEL_NONE);
	assert_int_equal(fate(impact, LSVM_IMPACT_FATE_MOVES), 0);
	assert_in_range(fate(impact, LSVM_IMPACT_FATE_GAINED), ALL / 4, ALL / 2);
	lsvm_impact_free(impact);
}

static void json_and_text_say_the_same(void **state)
{
	struct lsvm_impact *impact =
		from_to(one("wlc", 0, SERVERS({ 1, 1, 7 }, { 2, 1, 5 })),
			one("wlc", 0, SERVERS({ 1, 1 })), LSVM_IMPACT_NODEST_EXPIRES);
	char *text, *json;
	json_t *root, *service;

	good(lsvm_impact_to_text(impact, &text));
	good(lsvm_impact_to_json(impact, &json));
	assert_non_null(strstr(text, "impact: established\n"));
	assert_non_null(strstr(text, "connections: 7 kept, 5 reset, 0 dropped\n"));
	assert_non_null(strstr(text, "10.0.0.2:80: share 50.0 % -> 0.0 %, 5 conn"));
	root = json_loads(json, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(root, "schema")),
			    "lsvm-impact/1");
	service = json_array_get(json_object_get(root, "services"), 0);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(service, "connections"), "reset")),
			 5);
	assert_string_equal(json_string_value(json_object_get(service, "level")),
			    "established");
	json_decref(root);
	lsvm_free(text);
	lsvm_free(json);
	lsvm_impact_free(impact);
}

/* Between random tables: every connection and every flow is counted once, and shares are
 * shares. */
static void nothing_is_counted_twice_or_lost(void **state)
{
	for (uint32_t seed = 1; seed <= 60; seed++) {
		struct lsvm_ipvs_table *present = random_table(ctx, seed, 12, 9);
		struct lsvm_ipvs_table *wanted = random_table(ctx, seed + 1000, 12, 9);
		struct lsvm_impact *impact;

		for (size_t i = 0; i < present->services.count; i++)
			for (size_t j = 0;
			     j < present->services.items[i].destinations.count; j++)
				present->services.items[i]
					.destinations.items[j]
					.active_count = (uint32_t)(i + j);
		good(lsvm_impact_compute(ctx, present, wanted, present, 0, &impact));
		for (size_t i = 0; i < impact->services.count; i++) {
			const struct impact_service *s = &impact->services.items[i];
			const struct ipvs_service *was =
				lsvm_ipvs_table_lookup(present, &s->key);
			uint64_t counted = 0, flows = 0, before = 0, after = 0;

			for (size_t j = 0; was && j < was->destinations.count; j++)
				counted += was->destinations.items[j].active_count;
			assert_int_equal(counted,
					 s->fates[LSVM_IMPACT_FATE_KEPT] +
						 s->fates[LSVM_IMPACT_FATE_RESET] +
						 s->fates[LSVM_IMPACT_FATE_DROPPED]);
			for (int f = LSVM_IMPACT_FATE_STAYS; f <= LSVM_IMPACT_FATE_GAINED;
			     f++)
				flows += s->fates[f];
			assert_true(flows <= ALL);
			for (size_t j = 0; j < s->destinations.count; j++) {
				before += s->destinations.items[j].share_before;
				after += s->destinations.items[j].share_after;
			}
			assert_true(before <= 1000000 && (!before || before > 999900));
			assert_true(after <= 1000000 && (!after || after > 999900));
		}
		lsvm_impact_free(impact);
		lsvm_ipvs_table_unref(present);
		lsvm_ipvs_table_unref(wanted);
	}
}

static void words_are_read_back(void **state)
{
	for (int i = 1; i <= 8; i++)
		assert_int_equal(lsvm_impact_fate_parse(lsvm_impact_fate_name(i)), i);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(lsvm_impact_level_parse(lsvm_impact_level_name(i)), i);
	for (int i = 1; i <= 2; i++)
		assert_int_equal(lsvm_impact_flag_parse(lsvm_impact_flag_name(i)), i);
	assert_int_equal(lsvm_impact_level_parse("much"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_tables_have_no_impact),
		cmocka_unit_test(
			a_removed_server_resets_or_drops_its_connections_and_no_other),
		cmocka_unit_test(an_idle_server_of_wlc_goes_without_impact),
		cmocka_unit_test(who_moves_under_sh_and_mh_is_exact),
		cmocka_unit_test(weight_0_refuses_clients_unless_they_fall_back),
		cmocka_unit_test(the_last_service_of_a_family_resets),
		cmocka_unit_test(what_others_put_there_stays_unharmed),
		cmocka_unit_test(known_clients_of_a_quiesced_server_stay_or_move),
		cmocka_unit_test(a_weight_is_a_cap_under_ovf),
		cmocka_unit_test(another_scheduler_is_felt_by_new_connections),
		cmocka_unit_test(a_scheduler_that_nobody_knows_is_a_note),
		cmocka_unit_test(order_and_history_are_the_kernels),
		cmocka_unit_test(json_and_text_say_the_same),
		cmocka_unit_test(nothing_is_counted_twice_or_lost),
		cmocka_unit_test(words_are_read_back),
	};

	return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
