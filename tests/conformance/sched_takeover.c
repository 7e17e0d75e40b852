/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A second director takes over 200 connections of which it knows nothing: how many it
 * sends to the same server is what was foretold, flow by flow; and all of them when both
 * directors were brought to their table by the library, whatever lies behind the first.
 *
 * Each director is a network namespace with its own ip_vs. The first sees connections
 * begin; the second sees later packets of them, with sloppy_tcp, so that it schedules
 * them anew.
 */
#include "../unit/test.h"
#include "host/linux/ipvs.h"
#include "sched/sched.h"
#include "sched_wire.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define FLOWS 200
#define SERVERS 5

static struct lsvm_ctx *ctx;
static struct flow flows[FLOWS];

struct director {
	struct wire wire;
	struct ipvs_socket *socket;
	struct addr seen[FLOWS];
};

static void good(int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(ctx));
}

static int setup(void **state)
{
	assert_int_equal(system("modprobe -a dummy ip_vs"), 0);
	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	for (uint32_t i = 0; i < FLOWS; i++) {
		const uint32_t mixed = i * UINT32_C(2654435761);

		flows[i] = (struct flow){ .family = 4,
					  .protocol = IPPROTO_TCP,
					  .client = { 20 },
					  .virtual = { 172, 16, 0, 1 },
					  .client_port = (uint16_t)(1024 + i),
					  .virtual_port = 80 };
		memcpy(flows[i].client + 1, &mixed, 3);
	}
	return 0;
}

static int teardown(void **state)
{
	lsvm_ctx_unref(ctx);
	return 0;
}

/* Five servers; one of them, if any, at weight 0. */
static struct lsvm_ipvs_table *make_table(const char *scheduler, int drained,
					  uint32_t last_weight)
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
	for (uint8_t i = 0; i < SERVERS; i++) {
		struct ipvs_destination *dest = lsvm_ipvs_service_push(service);

		*dest = (struct ipvs_destination){
			.addr = { 4, { 192, 0, 2, (uint8_t)(i + 1) } },
			.port = 80,
			.forwarding = IP_VS_CONN_F_DROUTE,
			.weight = i == drained ? 0 : 1,
			.last_weight = i == drained ? last_weight : 0
		};
	}
	good(lsvm_ipvs_table_seal(table));
	return table;
}

static void open_director(struct director *director)
{
	memset(director, 0, sizeof(*director));
	wire_open(&director->wire);
	wire_sysctl("sloppy_tcp", "1");
	good(lsvm_ipvs_socket_open(ctx, &director->socket));
}

static void close_director(struct director *director)
{
	lsvm_ipvs_socket_close(director->socket);
	wire_close(&director->wire);
}

/* As the library does it. */
static void bring_to(struct director *director, const struct lsvm_ipvs_table *wanted)
{
	struct lsvm_ipvs_table *present;
	struct ipvs_changes changes = { 0 };
	size_t done = 0;

	good(lsvm_ipvs_socket_read(director->socket, &present));
	good(lsvm_ipvs_changes_compute(ctx, present, present, wanted, &changes));
	good(lsvm_ipvs_socket_apply(director->socket, changes.list.items,
				    changes.list.count, &done));
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
}

static void note(void *data, const struct flow *flow, const struct addr *dest)
{
	struct director *director = data;

	if (flow->client_port >= 1024 && flow->client_port < 1024 + FLOWS)
		director->seen[flow->client_port - 1024] = *dest;
}

static void carry(struct director *director, uint8_t tcp_flags)
{
	for (unsigned i = 0; i < FLOWS; i++)
		wire_send(&director->wire, &flows[i], tcp_flags);
	wire_read(note, director);
}

/* Takes the first `count` servers away and adds them again, each at the weight it has. */
static void tangle(struct director *director, const struct lsvm_ipvs_table *table,
		   unsigned count)
{
	const struct ipvs_service *service = &table->services.items[0];
	size_t done;

	for (unsigned i = 0; i < count; i++) {
		const struct ipvs_destination *dest = &service->destinations.items[i];
		const struct ipvs_change both[] = {
			{ .kind = IPVS_DESTINATION_DELETE,
			  .service = service,
			  .destination = dest },
			{ .kind = IPVS_DESTINATION_ADD,
			  .service = service,
			  .destination = dest,
			  .weight = dest->weight },
		};

		good(lsvm_ipvs_socket_apply(director->socket, both, 2, &done));
	}
}

static void put_in_order(struct director *director, const struct lsvm_ipvs_table *wanted)
{
	struct lsvm_ipvs_table *present;
	struct ipvs_changes changes = { 0 };
	size_t done = 0;

	good(lsvm_ipvs_socket_read(director->socket, &present));
	good(lsvm_ipvs_changes_reorder(ctx, present, present, wanted, &changes));
	assert_true(changes.list.count > 0);
	good(lsvm_ipvs_socket_apply(director->socket, changes.list.items,
				    changes.list.count, &done));
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
}

static unsigned kept(const struct director *a, const struct director *b)
{
	unsigned same = 0;

	for (unsigned i = 0; i < FLOWS; i++)
		same += a->seen[i].family && !lsvm_addr_compare(&a->seen[i], &b->seen[i]);
	return same;
}

/* Every flow of that director went where the table says. */
static void assert_foretold(const struct director *director,
			    const struct lsvm_ipvs_table *table)
{
	for (unsigned i = 0; i < FLOWS; i++) {
		const struct lsvm_ipvs_destination *dest = NULL;
		const struct addr client = { 4,
					     { flows[i].client[0], flows[i].client[1],
					       flows[i].client[2], flows[i].client[3] } };
		char text[LSVM_ADDRESS_TEXT_BYTES],
			seen[LSVM_ADDRESS_TEXT_BYTES] = "",
			foretold[LSVM_ADDRESS_TEXT_BYTES] = "";

		good(lsvm_sched_predict(ctx, lsvm_ipvs_table_service_at(table, 0), NULL,
					lsvm_addr_text(&client, text),
					flows[i].client_port, &dest));
		if (dest)
			lsvm_ipvs_destination_address(dest, foretold, sizeof(foretold));
		if (director->seen[i].family)
			lsvm_addr_text(&director->seen[i], seen);
		assert_string_equal(seen, foretold);
	}
}

/* The first director drained a server; how the second came to its table is the test. */
static unsigned drain_and_take_over(const struct lsvm_ipvs_table *second)
{
	struct lsvm_ipvs_table *before = make_table("mh", -1, 0),
			       *after = make_table("mh", 2, 1);
	struct director a, b;
	unsigned same;

	open_director(&a);
	bring_to(&a, before);
	bring_to(&a, after);
	carry(&a, WIRE_SYN);
	assert_foretold(&a, after);
	open_director(&b);
	bring_to(&b, second);
	carry(&b, WIRE_ACK);
	assert_foretold(&b, second);
	same = kept(&a, &b);
	close_director(&a);
	close_director(&b);
	lsvm_ipvs_table_unref(before);
	lsvm_ipvs_table_unref(after);
	return same;
}

static void a_drained_server_added_at_weight_0_loses_connections(void **state)
{
	struct lsvm_ipvs_table *second = make_table("mh", 2, 0);
	const unsigned same = drain_and_take_over(second);

	print_message("%u of %u connections survive\n", same, FLOWS);
	assert_in_range(same, 100, FLOWS - 10);
	lsvm_ipvs_table_unref(second);
}

static void added_at_its_last_weight_and_drained_it_loses_none(void **state)
{
	struct lsvm_ipvs_table *second = make_table("mh", 2, 1);

	assert_int_equal(drain_and_take_over(second), FLOWS);
	lsvm_ipvs_table_unref(second);
}

/* By hand, the last server first. */
static void add_reversed(struct director *director, const struct lsvm_ipvs_table *table)
{
	const struct ipvs_service *service = &table->services.items[0];
	struct ipvs_change change = { .kind = IPVS_SERVICE_ADD, .service = service };
	size_t done;

	good(lsvm_ipvs_socket_apply(director->socket, &change, 1, &done));
	for (size_t i = service->destinations.count; i-- > 0;) {
		change = (struct ipvs_change){
			.kind = IPVS_DESTINATION_ADD,
			.service = service,
			.destination = &service->destinations.items[i],
			.weight = service->destinations.items[i].weight
		};
		good(lsvm_ipvs_socket_apply(director->socket, &change, 1, &done));
	}
}

static void source_hashing_survives_in_the_library_s_order_only(void **state)
{
	struct lsvm_ipvs_table *table = make_table("sh", -1, 0), *seen;
	struct director a, b, reversed;
	uint32_t flow_count = 0, broken = 0;

	open_director(&a);
	bring_to(&a, table);
	carry(&a, WIRE_SYN);
	assert_foretold(&a, table);
	open_director(&reversed);
	add_reversed(&reversed, table);
	carry(&reversed, WIRE_ACK);
	/* What the kernel shows of itself has its order. */
	good(lsvm_ipvs_socket_read(reversed.socket, &seen));
	assert_foretold(&reversed, seen);
	good(lsvm_ipvs_consistency(ctx, table, seen, &flow_count, &broken));
	print_message("%u of %u connections survive; foretold %u of %u\n",
		      kept(&a, &reversed), FLOWS, flow_count - broken, flow_count);
	assert_in_range(kept(&a, &reversed) * flow_count,
			(flow_count - broken) * FLOWS / 2,
			(flow_count - broken) * FLOWS * 2);
	open_director(&b);
	bring_to(&b, table);
	carry(&b, WIRE_ACK);
	assert_int_equal(kept(&a, &b), FLOWS);
	close_director(&a);
	close_director(&b);
	close_director(&reversed);
	lsvm_ipvs_table_unref(seen);
	lsvm_ipvs_table_unref(table);
}

/* Everything that a director can have been through: another order, servers that were away
 * for a while, and a drained one of which the kernel has forgotten the weight. */
static void a_tangled_director_in_order_again_loses_none(void **state)
{
	static const char *const schedulers[] = { "sh", "mh" };

	for (unsigned i = 0; i < ARRAY_SIZE(schedulers); i++) {
		struct lsvm_ipvs_table *table = make_table(schedulers[i], 1, 1);
		struct director a, b, tangled;
		unsigned before;

		open_director(&a);
		bring_to(&a, table);
		carry(&a, WIRE_SYN);
		open_director(&tangled);
		add_reversed(&tangled, table);
		tangle(&tangled, table, 3);
		carry(&tangled, WIRE_ACK);
		before = kept(&a, &tangled);
		close_director(&tangled);
		open_director(&b);
		add_reversed(&b, table);
		tangle(&b, table, 3);
		put_in_order(&b, table);
		carry(&b, WIRE_ACK);
		print_message("%s: %u of %u connections survive, in order %u\n",
			      schedulers[i], before, FLOWS, kept(&a, &b));
		assert_in_range(before, 1, FLOWS - 10);
		assert_int_equal(kept(&a, &b), FLOWS);
		close_director(&a);
		close_director(&b);
		lsvm_ipvs_table_unref(table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_drained_server_added_at_weight_0_loses_connections),
		cmocka_unit_test(added_at_its_last_weight_and_drained_it_loses_none),
		cmocka_unit_test(source_hashing_survives_in_the_library_s_order_only),
		cmocka_unit_test(a_tangled_director_in_order_again_loses_none),
	};

	return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
