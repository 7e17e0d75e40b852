/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decisions of each scheduler, and the table of mh: nanoseconds, and ratios to rr in the
 * same run, medians of several rounds.
 *
 *   decide   the scheduler alone, connection counts standing still
 *   connect  a connection that begins, and another that ends: what a simulation pays
 *
 * bench-sched [ROUNDS]
 */
#include "sched/sched.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CLIENTS 4096
#define LIVING 1024
#define ROUNDS_MAX 31

static const char *const schedulers[] = { "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh",
					  "sh", "sed", "nq", "fo",  "ovf",  "mh" };
static struct sched_packet packets[CLIENTS];
static unsigned rounds = 9;

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *times)
{
	qsort(times, rounds, sizeof(*times), by_value);
	return times[rounds / 2];
}

static struct lsvm_sched *make(struct lsvm_ctx *ctx, const char *scheduler,
			       unsigned server_count)
{
	struct ipvs_service service = { .key = { .addr = { .family = 4 }, .fwmark = 1 },
					.netmask = 0xffffffff };
	struct lsvm_sched *s;
	struct sched_dest *dest;

	snprintf(service.scheduler, sizeof(service.scheduler), "%s", scheduler);
	if (lsvm_sched_create(ctx, &service, &s) < 0)
		exit(1);
	for (unsigned i = 0; i < server_count; i++) {
		const struct addr addr = { 4, { 10, 0, (uint8_t)(i >> 8), (uint8_t)i } };

		if (lsvm_sched_dest_add(s, &addr, 80, 100 + i % 7, 0, 0, &dest) < 0)
			exit(1);
	}
	return s;
}

static double decide(struct lsvm_sched *s)
{
	double times[ROUNDS_MAX];
	struct sched_dest *dest;

	for (unsigned round = 0; round < rounds; round++) {
		const double start = now_ns();

		for (size_t i = 0; i < CLIENTS; i++)
			if (lsvm_sched_pick(s, &packets[i], false, &dest) !=
			    LSVM_SCHED_SERVED)
				exit(1);
		times[round] = (now_ns() - start) / CLIENTS;
	}
	return median(times);
}

static double connect_and_close(struct lsvm_sched *s)
{
	static uint32_t living[LIVING];
	static bool used[LIVING];
	double times[ROUNDS_MAX];
	struct sched_dest *dest = NULL;

	memset(used, 0, sizeof(used));
	for (unsigned round = 0; round < rounds; round++) {
		const double start = now_ns();

		for (size_t i = 0; i < CLIENTS; i++) {
			uint32_t *slot = &living[i % LIVING];

			if (used[i % LIVING] && lsvm_sched_close(s, *slot, 0) < 0)
				exit(1);
			if (lsvm_sched_begin(s, &packets[i], &dest, slot) !=
			    LSVM_SCHED_SERVED)
				exit(1);
			used[i % LIVING] = true;
		}
		times[round] = (now_ns() - start) / CLIENTS;
	}
	return median(times);
}

static void compare(struct lsvm_ctx *ctx, unsigned server_count)
{
	double first_decide = 0, first_connect = 0;

	printf("%u servers      decide ns   x rr   connect ns   x rr\n", server_count);
	for (size_t i = 0; i < ARRAY_SIZE(schedulers); i++) {
		struct lsvm_sched *s = make(ctx, schedulers[i], server_count);
		const double one = decide(s), two = connect_and_close(s);

		if (!i) {
			first_decide = one;
			first_connect = two;
		}
		printf("  %-14s %10.1f %6.1f %12.1f %6.1f\n", schedulers[i], one,
		       one / first_decide, two, two / first_connect);
		lsvm_sched_free(s);
	}
}

static void build_table(struct lsvm_ctx *ctx, const char *scheduler,
			unsigned server_count)
{
	struct lsvm_sched *s = make(ctx, scheduler, server_count);
	double times[ROUNDS_MAX];
	struct sched_dest *dest;

	for (unsigned round = 0; round < rounds; round++) {
		s->slots_stale = true;

		const double start = now_ns();

		lsvm_sched_pick(s, &packets[round], false, &dest);
		times[round] = now_ns() - start;
	}
	printf("table of %s, %u servers: %.1f us\n", scheduler, server_count,
	       median(times) / 1e3);
	lsvm_sched_free(s);
}

int main(int argc, char **argv)
{
	struct lsvm_ctx *ctx;

	if (argc > 1)
		rounds = (unsigned)strtoul(argv[1], NULL, 10);
	if (!rounds || rounds > ROUNDS_MAX || lsvm_ctx_new(&ctx) < 0)
		return 2;
	for (uint32_t i = 0; i < CLIENTS; i++) {
		const uint32_t mixed = i * 2654435761u;

		packets[i] =
			(struct sched_packet){ .client = { 4, { 20 } },
					       .virtual = { 4, { 192, 0, 2, i % 8 } },
					       .client_port = 1234,
					       .protocol = IPPROTO_TCP };
		memcpy(packets[i].client.bytes + 1, &mixed, 3);
	}
	compare(ctx, 10);
	compare(ctx, 1000);
	build_table(ctx, "sh", 1000);
	build_table(ctx, "mh", 10);
	build_table(ctx, "mh", 1000);
	lsvm_ctx_unref(ctx);
	return 0;
}
