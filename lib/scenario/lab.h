/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The whole cluster in virtual time: what the files of this room share.
 *
 * build.c     a world (host/sim/world.h) from a cluster: networks, machines, routes,
 * servers lab.c       the lab's life: agents that start, die and start again, time,
 * events client.c    requests from outside, and what became of them script.c    commands,
 * one on a line expect.c    what can be expected, and looking until it is so watch.c what
 * must hold at every moment explore.c   random schedules of faults, and the shortest one
 * that still breaks something report.c    JSON
 */
#ifndef LSVM_SCENARIO_LAB_H
#define LSVM_SCENARIO_LAB_H

#include "cluster/model.h"
#include "host/sim/world.h"
#include "monitor/event.h"

#include <libsvm/agent.h>
#include <libsvm/lab.h>

#define LAB_LINE_BYTES 512
/* Events that are kept; past it the oldest are forgotten. */
#define LAB_EVENTS_MAX 100000
#define LAB_KEY_PATH "/etc/svm/key"
#define CLIENT_NAME "the client" /* no machine can be called that */
#define CLIENT_ADDRESSES 4
#define LAB_HOLD "GET /hold" /* who asks that wants to ask again */
#define REQUEST_PATIENCE_NS (60 * IO_S)
#define RESTART_NS IO_S
#define LAB_DELAY_NS (50 * 1000ull)

struct lab_machine {
	struct lsvm_lab *lab;
	const struct machine *machine;
	struct lsvm_host *host;
	struct lsvm_agent *agent; /* NULL: none runs */
	uint64_t start_ns;	  /* when one shall be started; IO_NEVER: not */
	uint64_t started_ns;	  /* the agent that runs */
	uint64_t well_since_ns;	  /* watch.c: nothing is wrong with it since */
	bool was_well;
	bool stopping;
	bool left; /* a server that said goodbye: it gets nothing new */
	enum behaviour behaviour, was_behaviour; /* of its server programs */
	uint64_t dead_since_ns;			 /* watch.c: dead, or alive, since */
	bool was_dead, drained;
};

struct lab_vip {
	const struct vip *vip;
	const struct network *network;
	int protocol; /* of the service that requests go to */
	uint16_t port;
	struct lab_machine *holder; /* the last one seen */
	/* watch.c: two well directors hold it, none does, since; IO_NEVER: it is not so
	 */
	uint64_t double_ns, orphan_ns;
};

struct request {
	struct lsvm_lab *lab;
	struct channel *channel; /* NULL: the slot is free */
	struct lab_vip *vip;
	uint64_t begun_ns;
	uint64_t every_ns, next_ns; /* held: asked again and again; 0: not held */
	bool answered;
};

/* Requests that are still to be made. */
struct load {
	uint64_t left, every_ns, next_ns;
	struct lab_vip *vip;
};

struct lab_event {
	uint64_t at_ns;
	const struct lab_machine *machine;
	struct event event;
};

enum outcome {
	OUTCOME_ANSWERED = 0,
	OUTCOME_REFUSED,
	OUTCOME_RESET,
	OUTCOME_UNREACHABLE,
	OUTCOME_TIMEOUT,
	OUTCOME_EMPTY, /* ended without an answer */
	OUTCOME_COUNT
};

struct lsvm_lab {
	struct lsvm_ctx *ctx;
	struct lsvm_cluster *cluster;
	VEC(struct lsvm_cluster *) old_clusters; /* machines borrow from the first */
	struct world *world;
	uint64_t seed;
	VEC(struct lab_machine *) machines; /* in the order of the cluster */
	VEC(struct lab_vip) vips;
	struct lsvm_host *client;
	VEC(struct addr) client_addresses;
	size_t next_address;
	VEC(struct request *) requests;
	struct load load;
	uint64_t outcomes[OUTCOME_COUNT], slowest_ns, begun_count;
	uint64_t failover_count;
	uint64_t lost_held_count;
	VEC(struct lab_event) events;
	size_t event_first, event_next; /* of those kept; next for who pulls */
	uint64_t lost_count;
	bool failed; /* out of memory */
	bool watching, hurry;
	char broken[LAB_LINE_BYTES]; /* "" while all that must hold does */
	VEC(struct weather) weather; /* of each network, in the order of the cluster */
	uint64_t calm_since_ns;	     /* the weather is fair since */
	bool calm;
	uint64_t directors_since_ns; /* which of them are well has been the same since */
	uint64_t links_since_ns;     /* who hears whom has been the same since */
	char *key;		     /* of the cluster, as text */
	bool touched;		     /* something may be other than it was looked at */
	uint64_t seen_effects, look_ns;
};

/* ---- build.c ---- */

int lsvm_lab_build(struct lsvm_lab *lab);
/* The server programs of a machine behave like that: "answer", "refuse", "silent",
 * "wedged". port 0: on all ports; text NULL: what its services say by themselves. */
int lsvm_lab_serve(struct lsvm_lab *lab, const char *machine, const char *behaviour,
		   uint16_t port, const char *text);

/* ---- lab.c ---- */

struct lab_machine *lsvm_lab_machine(const struct lsvm_lab *lab, const char *name);
/* LSVM_ERR_NOT_FOUND with a sentence. */
int lsvm_lab_find(struct lsvm_lab *lab, const char *name, struct lab_machine **ret);
bool lsvm_lab_has_agent(const struct lab_machine *machine);
/* The agent's process is gone, however it went. */
void lsvm_lab_bury(struct lab_machine *machine);
void lsvm_lab_start(struct lab_machine *machine);
/* Somebody called the agent from outside: it does what came of that. */
void lsvm_lab_poke(struct lab_machine *machine);
/* The driver looks again when it is due next. */
void lsvm_lab_plan_wake(struct lsvm_lab *lab);
int lsvm_lab_pass(struct lsvm_lab *lab, uint64_t duration_ns);
/* An event of the lab itself, among those of the agents. */
void lsvm_lab_note(struct lsvm_lab *lab, const struct lab_machine *machine_or_null,
		   const char *fmt, ...) LSVM_PRINTF(3, 4);

/* ---- client.c ---- */

void lsvm_lab_load(struct lsvm_lab *lab, uint64_t count, uint64_t every_ns,
		   struct lab_vip *vip);
/* Connections that stay, with a request each so often; 0: all end. */
void lsvm_lab_hold(struct lsvm_lab *lab, uint64_t count, uint64_t every_ns,
		   struct lab_vip *vip);
uint64_t lsvm_lab_held_count(const struct lsvm_lab *lab);
/* Does what is due; the time of the next thing. */
uint64_t lsvm_lab_client_tick(struct lsvm_lab *lab);
void lsvm_lab_requests_free(struct lsvm_lab *lab);
const char *lsvm_outcome_name(enum outcome outcome);
bool lsvm_lab_is_asking(const struct lsvm_lab *lab);

/* ---- hurry.c ---- */

/* Lets time pass, without what would be the same again. */
void lsvm_lab_hurry(struct lsvm_lab *lab, uint64_t duration_ns);

/* ---- script.c ---- */

struct words {
	char *word[32];
	size_t count;
	char text[LAB_LINE_BYTES];
};
/* "3s", "250ms", "10us", "2m", "1h", "1d"; LSVM_ERR_PARSE. */
int lsvm_lab_duration(struct lsvm_lab *lab, const char *text, uint64_t *ret_ns);

/* ---- expect.c ---- */

/* LSVM_ERR_CONFLICT with a sentence that begins with the time. */
int lsvm_lab_not_so(struct lsvm_lab *lab, const char *fmt, ...) LSVM_PRINTF(2, 3);
/* words from "expect" on; LSVM_ERR_CONFLICT: it is not so. */
int lsvm_lab_expect(struct lsvm_lab *lab, const struct words *words);
/* The director that holds the address and has power; of several the first. */
struct lab_machine *lsvm_lab_holder(const struct lsvm_lab *lab, const struct lab_vip *vip,
				    size_t *ret_count);

/* The virtual address of that name or address, NULL: the first; LSVM_ERR_NOT_FOUND. */
int lsvm_lab_find_vip(struct lsvm_lab *lab, const char *name, struct lab_vip **ret);
/* The director's kernel sends new connections to the server. */
bool lsvm_lab_is_in(const struct lab_machine *director, const struct lab_machine *server);

/* ---- watch.c ---- */

void lsvm_lab_watch(struct lsvm_lab *lab);
/* Something may have changed that no agent did. */
void lsvm_lab_touched(struct lsvm_lab *lab);
/* All is as the plan says, now that nothing is wrong any more; LSVM_ERR_CONFLICT. */
int lsvm_lab_settled(struct lsvm_lab *lab);

#endif
