/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which clients move, are refused or are gained by a change under sh, mh and dh: the
 * 4,096 flows of the library, sent to a real ip_vs before and after it, go where was
 * foretold, to the last one. History grows from change to change: servers are drained,
 * raised, removed and come back in another order. Arguments: a seed, and how many
 * changes.
 */
#include "../unit/test.h"
#include "host/linux/ipvs.h"
#include "impact/impact.h"
#include "sched_wire.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define SERVERS 6
/* The first flow comes from 0.0.0.0, which no packet can. */
#define FIRST_FLOW 1

static struct lsvm_ctx *ctx;
static struct wire wire;
static struct ipvs_socket *ip_vs;
static uint32_t seed;
static unsigned change_count;
static uint32_t last_weights[SERVERS]; /* as the kernel has them; 0: not there */

/* Where the flows went, by the last octet of the server. */
static uint8_t before[IMPACT_FLOWS], after[IMPACT_FLOWS];
static uint8_t *seen;
static uint16_t port_shift;

static void good(int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(ctx));
}

static uint32_t below(uint32_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % limit;
}

/* ---- flows ---- */

static struct flow flow_of(struct lsvm_sched *s, uint32_t number)
{
	const struct sched_packet packet = lsvm_sched_spread(s, number);
	struct flow flow = { .family = 4,
			     .protocol = IPPROTO_TCP,
			     .client_port = (uint16_t)(packet.client_port + port_shift),
			     .virtual_port = 80 };

	memcpy(flow.client, packet.client.bytes, 4);
	memcpy(flow.virtual, packet.virtual.bytes, 4);
	return flow;
}

/* A client's address gives its number back: the multiplier is odd. */
static uint32_t number_of(const uint8_t *client)
{
	const uint32_t mixed = (uint32_t)client[0] << 24 | (uint32_t)client[1] << 16 |
			       (uint32_t)client[2] << 8 | client[3];
	uint32_t inverse = 1;

	for (unsigned i = 0; i < 5; i++)
		inverse *= 2 - UINT32_C(2654435761) * inverse;
	return mixed * inverse;
}

static struct lsvm_sched *asked;

static void note(void *data, const struct flow *flow, const struct addr *dest)
{
	const uint32_t number = number_of(flow->client);

	if (number < IMPACT_FLOWS &&
	    flow->client_port == flow_of(asked, number).client_port)
		seen[number] = dest->bytes[3];
}

static unsigned count_seen(void)
{
	unsigned sum = 0;

	for (uint32_t i = FIRST_FLOW; i < IMPACT_FLOWS; i++)
		sum += seen[i] != 0;
	return sum;
}

/* Every flow as a new connection, from a port that it had not yet. The kernel's list of
 * connections passes over some while earlier ones end: it is read until nothing new is in
 * it. */
static void send_all(const struct ipvs_service *service, uint8_t *into)
{
	unsigned before_reading;

	good(lsvm_sched_create(ctx, service, &asked));
	memset(into, 0, IMPACT_FLOWS);
	port_shift++;
	for (uint32_t i = FIRST_FLOW; i < IMPACT_FLOWS; i++) {
		const struct flow flow = flow_of(asked, i);

		wire_send(&wire, &flow, WIRE_SYN);
	}
	seen = into;
	do {
		before_reading = count_seen();
		wire_read(note, NULL);
	} while (count_seen() > before_reading &&
		 count_seen() < IMPACT_FLOWS - FIRST_FLOW);
	lsvm_sched_free(asked);
}

/* ---- tables ---- */

static struct lsvm_ipvs_table *random_table(const char *scheduler, uint32_t flags)
{
	struct lsvm_ipvs_table *table;
	struct ipvs_service *service;

	good(lsvm_ipvs_table_alloc(ctx, &table));
	service = lsvm_ipvs_table_push(table);
	*service = (struct ipvs_service){ .key = { .addr = { 4, { 172, 16, 0, 1 } },
						   .protocol = IPPROTO_TCP,
						   .port = 80 },
					  .flags = flags,
					  .netmask = 0xffffffff };
	snprintf(service->scheduler, sizeof(service->scheduler), "%s", scheduler);
	for (uint8_t i = 0; i < SERVERS; i++) {
		const uint32_t weight = below(3) ? 1 + below(3) : 0;

		if (!below(4)) {
			last_weights[i] = 0;
			continue;
		}
		if (weight)
			last_weights[i] = weight;
		*lsvm_ipvs_service_push(service) = (struct ipvs_destination){
			.addr = { 4, { 192, 0, 2, (uint8_t)(i + 1) } },
			.port = 80,
			.forwarding = IP_VS_CONN_F_DROUTE,
			.weight = weight,
			.last_weight = weight ? 0 : last_weights[i],
		};
	}
	good(lsvm_ipvs_table_seal(table));
	return table;
}

static void apply(const struct lsvm_ipvs_table *wanted,
		  const struct lsvm_ipvs_table *owned, struct lsvm_impact **ret)
{
	struct lsvm_ipvs_table *present;
	struct ipvs_changes changes = { 0 };
	size_t done;

	good(lsvm_ipvs_socket_read(ip_vs, &present));
	good(lsvm_impact_compute(ctx, present, wanted, owned, 0, ret));
	good(lsvm_ipvs_changes_compute(ctx, present, owned, wanted, &changes));
	good(lsvm_ipvs_socket_apply(ip_vs, changes.list.items, changes.list.count,
				    &done));
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
}

/* ---- what came of it ---- */

static void count(uint64_t *fates)
{
	memset(fates, 0, IMPACT_FATES * sizeof(*fates));
	for (uint32_t i = FIRST_FLOW; i < IMPACT_FLOWS; i++)
		if (before[i] && after[i])
			fates[before[i] == after[i] ? LSVM_IMPACT_FATE_STAYS
						    : LSVM_IMPACT_FATE_MOVES]++;
		else if (before[i])
			fates[LSVM_IMPACT_FATE_REFUSED]++;
		else if (after[i])
			fates[LSVM_IMPACT_FATE_GAINED]++;
}

/* All but the flows that could not be sent. */
static void assert_foretold(const struct lsvm_impact *impact, uint64_t *totals)
{
	uint64_t fates[IMPACT_FATES];

	count(fates);
	if (!lsvm_impact_service_count(impact)) {
		assert_int_equal(fates[LSVM_IMPACT_FATE_MOVES] +
					 fates[LSVM_IMPACT_FATE_REFUSED] +
					 fates[LSVM_IMPACT_FATE_GAINED],
				 0);
		return;
	}
	for (int f = LSVM_IMPACT_FATE_STAYS; f <= LSVM_IMPACT_FATE_GAINED; f++) {
		const uint64_t foretold = lsvm_impact_service_fate(impact, 0, f);

		totals[f] += fates[f];
		if (fates[f] > foretold || fates[f] + FIRST_FLOW < foretold)
			fail_msg("%s: foretold %u, seen %u", lsvm_impact_fate_name(f),
				 (unsigned)foretold, (unsigned)fates[f]);
	}
}

static void follow(const char *scheduler, uint32_t flags)
{
	struct lsvm_ipvs_table *owned = NULL;
	uint64_t totals[IMPACT_FATES] = { 0 };

	memset(last_weights, 0, sizeof(last_weights));
	wire_open(&wire);
	good(lsvm_ipvs_socket_open(ctx, &ip_vs));
	for (unsigned round = 0; round <= change_count; round++) {
		struct lsvm_ipvs_table *wanted = random_table(scheduler, flags);
		struct lsvm_impact *impact;

		if (owned)
			send_all(&owned->services.items[0], before);
		apply(wanted, owned, &impact);
		send_all(&wanted->services.items[0], after);
		if (owned)
			assert_foretold(impact, totals);
		lsvm_impact_free(impact);
		lsvm_ipvs_table_unref(owned);
		owned = wanted;
	}
	print_message("%s %u: %u stayed, %u moved, %u refused, %u gained\n", scheduler,
		      flags, (unsigned)totals[LSVM_IMPACT_FATE_STAYS],
		      (unsigned)totals[LSVM_IMPACT_FATE_MOVES],
		      (unsigned)totals[LSVM_IMPACT_FATE_REFUSED],
		      (unsigned)totals[LSVM_IMPACT_FATE_GAINED]);
	assert_true(totals[LSVM_IMPACT_FATE_STAYS] + totals[LSVM_IMPACT_FATE_MOVES] > 0);
	lsvm_ipvs_table_unref(owned);
	lsvm_ipvs_socket_close(ip_vs);
	wire_close(&wire);
}

static void under_sh(void **state)
{
	follow("sh", 0);
	follow("sh", IP_VS_SVC_F_SCHED1);
}

static void under_mh(void **state)
{
	follow("mh", 0);
	follow("mh", IP_VS_SVC_F_SCHED1);
}

static void under_dh(void **state)
{
	follow("dh", 0);
}

static int setup(void **state)
{
	assert_int_equal(system("modprobe -a dummy ip_vs"), 0);
	return lsvm_ctx_new(&ctx);
}

static int teardown(void **state)
{
	lsvm_ctx_unref(ctx);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(under_sh),
		cmocka_unit_test(under_mh),
		cmocka_unit_test(under_dh),
	};

	seed = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) | 1 : 20261123;
	change_count = argc > 2		     ? (unsigned)strtoul(argv[2], NULL, 10)
		       : getenv("LSVM_FULL") ? 8
					     : 3;
	printf("again: %s %u %u\n", argv[0], seed, change_count);
	return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
