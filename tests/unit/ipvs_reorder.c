/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A director with any history, brought into the order of a fresh one: it sends every
 * client where the fresh one sends it, loses no connection, and all of it was foretold.
 */
#include "host/sim/sim.h"
#include "impact/impact.h"
#include "role/role.h"
#include "test.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define SERVERS 9
#define CLIENTS 300
#define LIVE 100
#define ROUNDS 150
#define NODEST "net.ipv4.vs.expire_nodest_conn"

static struct lsvm_ctx *ctx;
static uint32_t seed;

static uint32_t below(uint32_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % limit;
}

static void good(int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(ctx));
}

/* ---- tables and directors ---- */

static struct lsvm_ipvs_table *table_of(const char *scheduler)
{
	struct lsvm_ipvs_table *table;
	struct ipvs_service *service;

	good(lsvm_ipvs_table_alloc(ctx, &table));
	service = lsvm_ipvs_table_push(table);
	*service = (struct ipvs_service){ .key = { .addr = { 4, { 172, 16, 0, 1 } },
						   .protocol = IPPROTO_TCP,
						   .port = 80 },
					  .flags = IP_VS_SVC_F_SCHED1,
					  .netmask = 0xffffffff };
	snprintf(service->scheduler, sizeof(service->scheduler), "%s", scheduler);
	return table;
}

static struct lsvm_ipvs_table *random_table(const char *scheduler)
{
	struct lsvm_ipvs_table *table = table_of(scheduler);

	for (uint8_t i = 0; i < SERVERS; i++) {
		struct ipvs_destination *to;

		if (below(4) == 0)
			continue;
		to = lsvm_ipvs_service_push(&table->services.items[0]);
		*to = (struct ipvs_destination){ .addr = { 4, { 192, 0, 2, i } },
						 .port = 80,
						 .forwarding = IP_VS_CONN_F_DROUTE,
						 .weight = below(4) };
		to->last_weight = to->weight ? 0 : 1 + below(3);
	}
	good(lsvm_ipvs_table_seal(table));
	return table;
}

static struct lsvm_host *new_director(void)
{
	struct lsvm_host *host;

	good(lsvm_host_new_simulated(ctx, "eds", &host));
	return host;
}

static struct lsvm_ipvs_table *look(struct lsvm_host *host)
{
	struct lsvm_ipvs_table *table;

	good(lsvm_host_ipvs_snapshot(host, &table));
	return table;
}

/* Everything that is there is ours; true when there was something to do. */
static bool bring_to(struct lsvm_host *host, const struct lsvm_ipvs_table *wanted,
		     bool reorders)
{
	struct lsvm_ipvs_table *present = look(host);
	struct ipvs_changes changes = { 0 };
	size_t count;

	good(lsvm_ipvs_changes_compute(ctx, present, present, wanted, &changes));
	if (reorders)
		good(lsvm_ipvs_changes_reorder(ctx, present, present, wanted, &changes));
	count = changes.list.count;
	for (size_t i = 0; i < count; i++)
		good(lsvm_sim_ipvs_change((struct sim_host *)host,
					  &changes.list.items[i]));
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
	return count != 0;
}

static int ask(struct lsvm_host *host, unsigned client, bool is_new, char *server)
{
	char address[24];
	const uint32_t mixed = client * UINT32_C(2654435761);
	int answer;

	snprintf(address, sizeof(address), "20.%u.%u.%u", mixed >> 24, mixed >> 16 & 255,
		 mixed >> 8 & 255);
	answer = (is_new ? lsvm_host_simulate_connect : lsvm_host_simulate_send)(
		host, LSVM_PROTOCOL_TCP, address, (uint16_t)(1024 + client), "172.16.0.1",
		80, 0, server, LSVM_ADDRESS_TEXT_BYTES);
	good(answer);
	return answer;
}

static void assert_same_answers(struct lsvm_host *a, struct lsvm_host *b)
{
	char first[LSVM_ADDRESS_TEXT_BYTES], second[LSVM_ADDRESS_TEXT_BYTES];

	for (unsigned i = LIVE; i < LIVE + CLIENTS; i++) {
		assert_int_equal(ask(a, i, true, first), ask(b, i, true, second));
		assert_string_equal(first, second);
	}
}

/* ---- what was foretold ---- */

static void assert_foretold(struct lsvm_host *host, const struct lsvm_ipvs_table *wanted)
{
	struct lsvm_ipvs_table *present = look(host);
	struct lsvm_impact *impact;

	good(lsvm_impact_compute(ctx, present, wanted, present, LSVM_IMPACT_REORDERS,
				 &impact));
	for (size_t i = 0; i < impact->services.count; i++) {
		const struct impact_service *service = &impact->services.items[i];

		assert_int_equal(service->fates[LSVM_IMPACT_FATE_STRANDED], 0);
		for (size_t j = 1; j < service->destinations.count; j++)
			assert_true(lsvm_addr_compare(
					    &service->destinations.items[j - 1].addr,
					    &service->destinations.items[j].addr) < 0);
	}
	lsvm_impact_free(impact);
	lsvm_ipvs_table_unref(present);
}

/* ---- tests ---- */

static bool is_wanted(const struct lsvm_ipvs_table *wanted, const char *server)
{
	struct addr addr;

	if (!lsvm_addr_parse(server, &addr))
		return false;
	for (size_t i = 0; i < wanted->services.items[0].destinations.count; i++)
		if (!lsvm_addr_compare(
			    &wanted->services.items[0].destinations.items[i].addr, &addr))
			return true;
	return false;
}

static void one_round(const char *scheduler)
{
	struct lsvm_host *live = new_director(), *fresh = new_director();
	char servers[LIVE][LSVM_ADDRESS_TEXT_BYTES], now[LSVM_ADDRESS_TEXT_BYTES];
	struct lsvm_ipvs_table *wanted = NULL;

	for (unsigned i = 1 + below(5); i; i--) {
		lsvm_ipvs_table_unref(wanted);
		wanted = random_table(scheduler);
		bring_to(live, wanted, below(3) == 0);
	}
	for (unsigned i = 0; i < LIVE; i++)
		ask(live, i, true, servers[i]);
	if (below(2)) {
		lsvm_ipvs_table_unref(wanted);
		wanted = random_table(scheduler);
	}
	assert_foretold(live, wanted);
	bring_to(live, wanted, true);
	bring_to(fresh, wanted, false);
	for (unsigned i = 0; i < LIVE; i++)
		if (is_wanted(wanted, servers[i])) {
			assert_int_equal(ask(live, i, false, now), LSVM_ANSWER_SERVER);
			assert_string_equal(now, servers[i]);
		}
	assert_same_answers(live, fresh);
	lsvm_ipvs_table_unref(wanted);
	lsvm_host_free(live);
	lsvm_host_free(fresh);
}

static void any_history_is_forgotten_and_no_connection(void **state)
{
	static const char *const schedulers[] = { "sh", "mh", "dh" };

	for (unsigned i = 0; i < ROUNDS; i++) {
		seed = 77 + i * 1000;
		one_round(schedulers[i % ARRAY_SIZE(schedulers)]);
	}
}

static void what_is_in_order_is_left_alone(void **state)
{
	struct lsvm_host *host = new_director();
	struct lsvm_ipvs_table *wanted = random_table("sh");

	assert_true(bring_to(host, wanted, true));
	assert_false(bring_to(host, wanted, true));
	lsvm_ipvs_table_unref(wanted);
	lsvm_host_free(host);
}

static void no_more_are_moved_than_need_be(void **state)
{
	struct lsvm_host *host = new_director();
	struct lsvm_ipvs_table *wanted = table_of("mh"), *present;
	struct ipvs_service *service = &wanted->services.items[0];
	struct ipvs_changes changes = { 0 };
	struct ipvs_change again;

	for (uint8_t i = 0; i < 5; i++)
		*lsvm_ipvs_service_push(service) =
			(struct ipvs_destination){ .addr = { 4, { 192, 0, 2, i } },
						   .port = 80,
						   .forwarding = IP_VS_CONN_F_DROUTE,
						   .weight = 1 };
	good(lsvm_ipvs_table_seal(wanted));
	bring_to(host, wanted, false);
	/* The middle one becomes the last: it and those behind it must move. */
	again = (struct ipvs_change){ .kind = IPVS_DESTINATION_DELETE,
				      .service = service,
				      .destination = &service->destinations.items[2] };
	good(lsvm_sim_ipvs_change((struct sim_host *)host, &again));
	again.kind = IPVS_DESTINATION_ADD;
	again.weight = 1;
	good(lsvm_sim_ipvs_change((struct sim_host *)host, &again));
	present = look(host);
	good(lsvm_ipvs_changes_reorder(ctx, present, present, wanted, &changes));
	assert_int_equal(changes.list.count, 4);
	assert_ptr_equal(changes.list.items[0].destination,
			 &service->destinations.items[3]);
	lsvm_ipvs_changes_clear(&changes);
	/* Of others nothing is known. */
	strcpy(service->scheduler, "wlc");
	good(lsvm_ipvs_changes_reorder(ctx, present, present, wanted, &changes));
	assert_int_equal(changes.list.count, 0);
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(wanted);
	lsvm_host_free(host);
}

/* ---- applying a plan ---- */

static struct lsvm_plan *make_plan(void)
{
	static const char text[] =
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
		"  - {name: eps1, interfaces: [{network: front, addresses: "
		"192.0.2.21}]}\n"
		"  - {name: eps2, interfaces: [{network: front, addresses: "
		"192.0.2.22}]}\n"
		"partitions: [{name: web, servers: [eps1, eps2], "
		"vips: "
		"[{address: 172.16.0.1, domains: [www.example], scheduler: sh}]}]\n";
	struct lsvm_cluster *cluster;
	struct lsvm_plan *plan;

	good(lsvm_cluster_load(ctx, text, strlen(text), LSVM_FORMAT_YAML, NULL,
			       &cluster));
	good(lsvm_plan_compile(ctx, cluster, "eds1", LSVM_DUTY_MASTER, &plan));
	lsvm_cluster_unref(cluster);
	return plan;
}

static size_t apply(struct lsvm_host *host, struct lsvm_plan *plan, bool reorders)
{
	struct lsvm_apply *apply;
	size_t count;

	good(lsvm_apply_new(host, plan, &apply));
	for (unsigned i = 0; reorders && i < 2; i++)
		good(lsvm_apply_reorder(apply));
	count = lsvm_steps_count(lsvm_apply_steps(apply));
	while (lsvm_apply_next(apply) > 0)
		continue;
	good(lsvm_apply_verify(apply));
	assert_int_equal(lsvm_apply_done_count(apply), count);
	assert_int_equal(lsvm_apply_reorder(apply), LSVM_ERR_STATE);
	lsvm_apply_free(apply);
	return count;
}

static void a_connection_outlives_the_reordering_of_a_director(void **state)
{
	struct lsvm_host *host = new_director();
	struct sim_host *sim = (struct sim_host *)host;
	struct lsvm_plan *plan = make_plan();
	char server[LSVM_ADDRESS_TEXT_BYTES], now[LSVM_ADDRESS_TEXT_BYTES];
	struct ipvs_service *service;
	struct ipvs_change again;

	apply(host, plan, true);
	assert_string_equal(lsvm_sim_sysctl_get(sim, NODEST), "1");
	service = &plan->wanted->ipvs->services.items[0];
	again = (struct ipvs_change){ .kind = IPVS_DESTINATION_DELETE,
				      .service = service,
				      .destination = &service->destinations.items[0] };
	good(lsvm_sim_ipvs_change(sim, &again));
	again.kind = IPVS_DESTINATION_ADD;
	again.weight = 1;
	good(lsvm_sim_ipvs_change(sim, &again));
	assert_int_equal(ask(host, 1, true, server), LSVM_ANSWER_SERVER);
	assert_int_equal(apply(host, plan, false), 0);
	/* Off, one away and back, on. */
	assert_int_equal(apply(host, plan, true), 4);
	assert_string_equal(lsvm_sim_sysctl_get(sim, NODEST), "1");
	assert_int_equal(ask(host, 1, false, now), LSVM_ANSWER_SERVER);
	assert_string_equal(now, server);
	assert_int_equal(apply(host, plan, true), 0);
	lsvm_plan_unref(plan);
	lsvm_host_free(host);
}

static int setup(void **state)
{
	seed = 1;
	return lsvm_ctx_new(&ctx);
}

static int teardown(void **state)
{
	lsvm_ctx_unref(ctx);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_history_is_forgotten_and_no_connection),
		cmocka_unit_test(what_is_in_order_is_left_alone),
		cmocka_unit_test(no_more_are_moved_than_need_be),
		cmocka_unit_test(a_connection_outlives_the_reordering_of_a_director),
	};

	return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
