/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One random service, in the kernel and in the machine: everything about it follows from
 * a seed and the name of a scheduler.
 *
 * A case runs in rounds. In each it edits the service and its destinations and lets
 * clients connect; then some TCP connections are ended with a FIN, and the caller waits
 * until the kernel has forgotten them. Templates live two seconds or far longer than a
 * run, so that it never matters how fast a round went, unless it took most of a second:
 * such a case is void.
 */
#ifndef LSVM_TESTS_SCHED_CASE_H
#define LSVM_TESTS_SCHED_CASE_H

#include "host/linux/ipvs.h"
#include "sched/sched.h"
#include "sched_wire.h"

#define CASE_DESTINATIONS 12

/* One packet that asked for a connection. */
struct attempt {
	struct flow flow;
	struct addr expected; /* family 0: none */
	struct addr seen;
	uint32_t connection;
	int outcome;
	uint64_t ends_ms; /* 0: not yet */
	bool over;
};

struct sched_case {
	uint64_t seed, random;
	const char *scheduler;
	struct lsvm_ctx *ctx;
	struct ipvs_service service;
	struct ipvs_destination pool[CASE_DESTINATIONS];
	uint64_t decisions[CASE_DESTINATIONS];
	bool present[CASE_DESTINATIONS], was_removed[CASE_DESTINATIONS];
	int numbers[CASE_DESTINATIONS]; /* the machine's */
	size_t pool_count;
	unsigned weight_style;
	bool has_thresholds, removes, is_nat;
	struct lsvm_sched *machine;
	VEC(struct attempt) attempts;
	uint64_t start_ms, round_start_ms;
	bool is_void, failed;
	struct buf
		log; /* what was done and foretold; tests/unit/sched_replay.c reads it */
};

/* Makes the service in the kernel, and the machine. */
void case_begin(struct sched_case *c, struct lsvm_ctx *ctx, struct ipvs_socket *socket,
		bool expire_quiescent, uint32_t cache_expiration_s);
void case_round(struct sched_case *c, struct ipvs_socket *socket, struct wire *wire,
		unsigned client_count);
/* FINs for some; the machine hears of their end when case_settle is called. */
void case_end_some(struct sched_case *c, struct wire *wire);
void case_settle(struct sched_case *c);
/* Compares where connections went, which are gone, and the counts of a table read when
 * nothing went on. False: they differ; with tell it is printed and the case has failed.
 */
bool case_check(struct sched_case *c, const struct lsvm_ipvs_table *table, bool tell);
void case_report(struct sched_case *c, const char *what);
void case_free(struct sched_case *c);

#endif
