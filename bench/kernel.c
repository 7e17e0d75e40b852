/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The simulated kernel: requests of the transcript suite (tests/conformance/ipvs.c) and
 * connections through it, per second: medians of several rounds.
 *
 * bench-kernel: fails when it does fewer than 100,000 requests a second.
 */
#include "../tests/conformance/ipvs_ops.h"
#include "host/sim/sim.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REQUESTS 20000
#define CONNECTIONS 50000
#define ROUNDS 7
#define LEAST 100000

static struct op ops[REQUESTS];

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct lsvm_host *new_host(struct lsvm_ctx *ctx)
{
	struct lsvm_host *host;

	if (lsvm_host_new_simulated(ctx, "bench", &host) < 0)
		exit(1);
	return host;
}

static double requests(struct lsvm_ctx *ctx, size_t *ret_done)
{
	struct lsvm_host *host = new_host(ctx);
	const double start = now_s();
	double rate;

	*ret_done = 0;
	for (size_t i = 0; i < REQUESTS; i++)
		*ret_done += !lsvm_sim_kernel_request((struct sim_host *)host,
						      ops[i].bytes, ops[i].length, NULL);
	rate = REQUESTS / (now_s() - start);
	lsvm_host_free(host);
	return rate;
}

static void add_service(struct sim_host *sim, unsigned server_count)
{
	struct ipvs_service service = {
		.key = { .addr = { 4, { 192, 0, 2, 1 } }, .protocol = 6, .port = 80 },
		.scheduler = "rr",
		.netmask = ~0u,
	};
	struct ipvs_change change = { .kind = IPVS_SERVICE_ADD, .service = &service };

	if (lsvm_sim_ipvs_change(sim, &change) < 0)
		exit(1);
	for (unsigned i = 0; i < server_count; i++) {
		const struct ipvs_destination dest = {
			.addr = { 4, { 10, 0, (uint8_t)(i >> 8), (uint8_t)i } },
			.port = 80,
		};

		change = (struct ipvs_change){ .kind = IPVS_DESTINATION_ADD,
					       .weight = 1,
					       .service = &service,
					       .destination = &dest };
		if (lsvm_sim_ipvs_change(sim, &change) < 0)
			exit(1);
	}
}

static double connections(struct lsvm_ctx *ctx)
{
	struct lsvm_host *host = new_host(ctx);
	struct sim_dest *dest = NULL;
	struct sim_flow flow = {
		.family = AF_INET,
		.protocol = 6,
		.virtual_port = 80,
		.virtual = { 192, 0, 2, 1 },
	};
	double start, rate;

	add_service((struct sim_host *)host, 10);
	start = now_s();
	for (uint32_t i = 0; i < CONNECTIONS; i++) {
		memcpy(flow.client, &i, sizeof(i));
		flow.client_port = (uint16_t)(1024 + i % 1000);
		if (lsvm_sim_packet((struct sim_host *)host, &flow, 0, true, &dest) !=
		    LSVM_ANSWER_SERVER)
			exit(1);
	}
	rate = CONNECTIONS / (now_s() - start);
	lsvm_host_free(host);
	return rate;
}

int main(void)
{
	struct dice dice = { .state = 1 };
	double rates[ROUNDS], others[ROUNDS];
	struct lsvm_ctx *ctx;
	size_t done = 0;

	if (lsvm_ctx_new(&ctx) < 0)
		return 2;
	for (size_t i = 0; i < REQUESTS; i++)
		op_make(&dice, 0x20, &ops[i]);
	for (size_t i = 0; i < ROUNDS; i++) {
		rates[i] = requests(ctx, &done);
		others[i] = connections(ctx);
	}
	qsort(rates, ROUNDS, sizeof(*rates), by_value);
	qsort(others, ROUNDS, sizeof(*others), by_value);
	printf("requests:    %9.0f a second (%zu of %d done, the rest refused)\n"
	       "connections: %9.0f a second\n",
	       rates[ROUNDS / 2], done, REQUESTS, others[ROUNDS / 2]);
	lsvm_ctx_unref(ctx);
	return rates[ROUNDS / 2] < LEAST;
}
