/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client without pause: one process in the client's network that opens connections
 * at a rate, or keeps so many going, and holds others open; and writes down what became
 * of each. What it writes lies in memory that the observer of the rehearsal reads.
 */
#ifndef SVM_LAB_LOAD_H
#define SVM_LAB_LOAD_H

#include "faults.h"
#include "targets.h"

#define LOAD_REQUESTS_MAX 2000000
#define LOAD_HELD_MAX 2000
#define LOAD_STALLS_MAX 256
#define LOAD_STALL_US 100000 /* from here on it is one */
#define LOAD_PORT_FIRST 10000
#define LOAD_PORTS 50000

enum load_state {
	LOAD_NONE,
	LOAD_CONNECTING, /* nobody has accepted it yet */
	LOAD_ACCEPTED,	 /* a server's kernel has; it owes the answer */
	LOAD_ANSWERED,
	LOAD_FAILED,
};

enum load_why {
	LOAD_WELL,
	LOAD_REFUSED,
	LOAD_RESET,
	LOAD_TIMED_OUT,
	LOAD_CLOSED,	 /* before the answer was whole */
	LOAD_NONSENSE,	 /* another's page, or an error's */
	LOAD_UNREACHABLE /* a router or the own kernel said so */
};

/* Times are microseconds since the client began. */
struct load_request {
	int64_t start_us, end_us;
	uint16_t target, source, port;
	int16_t server;		 /* that answered, in world->machines; -1 */
	int16_t observed;	 /* where a director's table has it; the observer's; -1 */
	uint8_t state, why;	 /* enum load_state, enum load_why */
	uint8_t retransmissions; /* of its packets, when it took long */
	bool accepted;		 /* a server's kernel had it: it was in flight there */
};

struct load_stall {
	int64_t from_us, until_us;
};

/* A connection that stays. */
struct load_held {
	uint16_t target, source, port;
	int16_t server;	    /* -1: not known yet */
	uint8_t state, why; /* as of a request; accepted: it lives */
	int64_t lost_us;
	int64_t waiting_us; /* asked then and not answered yet; 0: nothing is owed */
	uint32_t exchanges;
	uint32_t stall_count;
	struct load_stall stalls[LOAD_STALLS_MAX];
};

struct load_shared {
	int64_t zero_us; /* of CLOCK_MONOTONIC, when it began */
	/* Written by one side and read by the other. */
	_Atomic int ready; /* 1: the held connections stand; -1: it failed */
	_Atomic int stop;  /* no new ones any more */
	_Atomic uint32_t request_count;
	_Atomic uint32_t answered_count, failed_count;
	_Atomic int64_t last_answer_us;
	int64_t held_up_us; /* how late the client itself was at worst */
	uint32_t held_count;
	char problem[160];
	struct load_held held[LOAD_HELD_MAX];
	struct load_request requests[LOAD_REQUESTS_MAX];
};

struct load {
	const struct world *world;
	const struct targets *targets;
	const struct faults *faults; /* what the client does */
	const uint16_t *asked;	     /* which targets, by index */
	size_t asked_count;
	const struct ip *sources;
	size_t source_count; /* IPv4 ones, then IPv6 ones */
	struct load_shared *shared;
};

/* Whether it can ask the target. */
bool load_can_ask(const struct target *target);
struct load_shared *load_share(void);
void load_unshare(struct load_shared *shared);
/* In the client's network: asks until it is told to stop and nothing is owed. */
int load_run(struct load *load);
int64_t now_us(void);
const char *load_why_text(int why);

#endif
