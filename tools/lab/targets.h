/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the client asks for: each domain of each VIP on each web service, and each other
 * service. And who answered.
 */
#ifndef SVM_LAB_TARGETS_H
#define SVM_LAB_TARGETS_H

#include "world.h"

/* Where a service without a port (all traffic of a mark) is tried. */
#define ANY_PORT 7777
#define FAILURES_IN_A_ROW_MAX 5

struct share {
	const char *server;
	uint32_t count;
	char *joined; /* not of the partition when the asking began: its name, owned */
};

struct target {
	const char *partition, *service, *domain; /* domain NULL: not a web service */
	const char *home;
	const char *skipped; /* why the client cannot ask it; NULL: it does */
	struct ip vip;
	char address[INET6_ADDRSTRLEN];
	bool secured;	  /* https */
	bool certificate; /* the domain has one: redirects lead to https */
	int protocol;	  /* enum lsvm_protocol */
	int forwarding;	  /* enum lsvm_forwarding */
	uint16_t port, server_port;

	/* Filled by asking. */
	uint32_t asked, answered, failed;
	uint32_t in_a_row; /* failures; a dead target is not waited for again and again */
	uint64_t bytes;	   /* of replies, without headers of the network */
	struct share *shares;
	size_t share_count;
	char problem[160]; /* the first failure */
};

struct targets {
	struct target *items;
	size_t count;
	char path[160]; /* scratch of the certificate's default */
};

int targets_load(const struct lsvm_cluster *cluster, const struct world *world,
		 struct targets *ret);
void targets_free(struct targets *targets);
/* Writes down one answer: "partition P\nserver S\n…". A wrong partition is a failure. */
void target_answer(struct target *target, const char *text, size_t length);
/* Whether a client of that partition, or with NULL of any, asks it. */
bool target_is_asked(const struct target *target, const char *partition);
/* Counts answers of servers as failures that are not of the partition now either. */
void targets_settle(struct targets *targets, const struct lsvm_cluster *now);
void target_fail(struct target *target, const char *why);
bool target_is_dead(const struct target *target);

#endif
