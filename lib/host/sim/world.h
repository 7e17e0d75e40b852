/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A world: simulated machines on simulated networks, in virtual time.
 *
 * Time stands still while anything happens and jumps from one event to the next: packets
 * arrive, processes wake, TCP tries again. Whatever is random comes from the world's
 * seed, so that the same seed and the same calls give the same world, to the nanosecond.
 *
 * A machine has a kernel (addresses, routes, IPVS, neighbours, sockets), files, and one
 * process at a time that talks to it through host/io.h. When the process is killed the
 * kernel lives on and its will is done; when the power fails only the files stay.
 *
 * Packets travel hop by hop as Linux sends them: by the addresses and routes that the
 * machine has, to whom its table of neighbours names, through IPVS where the destination
 * is an address of the machine. Networks have weather: delay, loss, duplicates,
 * reordering. What a cable, a switch or a machine does not let through is lost in
 * silence.
 *
 * Hosts that are made here belong to the world and go with it.
 */
#ifndef LSVM_HOST_SIM_WORLD_H
#define LSVM_HOST_SIM_WORLD_H

#include "host/host.h"

struct world;

int lsvm_world_new(struct lsvm_ctx *ctx, uint64_t seed, struct world **ret);
void lsvm_world_free(struct world *world);
uint64_t lsvm_world_now(const struct world *world);
/* Nothing happens for so long: wall clocks go on, all else stands still and goes on after
 * it as if it had not been. Sound only where what is skipped would leave no trace. */
void lsvm_world_skip(struct world *world, uint64_t duration_ns);
/* Now, and all that was skipped. */
uint64_t lsvm_world_time(const struct world *world);
/* Events so far: a measure of work. */
uint64_t lsvm_world_event_count(const struct world *world);
/* Memory ran out somewhere since the beginning: what happened since is not true. */
bool lsvm_world_failed(const struct world *world);
/* A number below the bound, from the world's seed. */
uint64_t lsvm_world_random(struct world *world, uint64_t bound);

/* Lets time pass. Processes that were given to lsvm_world_run() are dispatched. */
void lsvm_world_advance(struct world *world, uint64_t duration_ns);
/* The next event at or before that time; false: there is none, and now it is that time.
 * What it set going at the same instant has happened when it returns. */
bool lsvm_world_step(struct world *world, uint64_t until_ns);
/* When the next event is due; IO_NEVER: none. */
uint64_t lsvm_world_next(const struct world *world);
/* Called after each event and each dispatch: what must always hold is looked at here. */
void lsvm_world_watch(struct world *world, void (*call)(void *arg), void *arg);

/* ---- networks ---- */

struct weather {
	uint64_t delay_ns, jitter_ns; /* each packet: delay + up to jitter */
	uint32_t loss_ppm, duplicate_ppm, reorder_ppm; /* of a million packets */
};

/* The network of that name gets that weather; made when there is none (at 50 us). NULL:
 * only made. */
int lsvm_world_network(struct world *world, const char *name,
		       const struct weather *weather_or_null);

/* ---- machines ---- */

int lsvm_world_machine(struct world *world, const char *name, struct lsvm_host **ret);
struct lsvm_host *lsvm_world_find(struct world *world, const char *name);
/* Puts a network card into the machine and its cable into the network. */
int lsvm_world_plug(struct lsvm_host *host, const char *interface, const char *network);
/* What the machine's operator configures: there whenever it starts. */
int lsvm_world_address(struct lsvm_host *host, const struct address *address);
int lsvm_world_route(struct lsvm_host *host, const struct route *route);
int lsvm_world_sysctl(struct lsvm_host *host, const char *name, const char *value);
/* What its firewall marks: packets of the protocol to the address and these ports. */
int lsvm_world_mark(struct lsvm_host *host, int protocol, const struct addr *addr,
		    uint16_t first, uint16_t last, uint32_t mark);

enum cut {
	CUT_NONE = 0,
	CUT_CABLE = 1,	/* the card notices */
	CUT_SILENT = 2, /* it does not: something behind it is broken */
};
/* interface NULL: all of the machine. */
void lsvm_world_cut(struct lsvm_host *host, const char *interface, enum cut cut);
/* What one machine sends does not reach the other on any network. */
int lsvm_world_block(struct lsvm_host *from, struct lsvm_host *to, bool blocked);
bool lsvm_world_is_cut(const struct lsvm_host *host); /* one of its cables, at least */
/* In one direction at least. */
bool lsvm_world_is_blocked(const struct lsvm_host *a, const struct lsvm_host *b);
/* Whether what one sends arrives at the other on a network they share: both have power,
 * no cable is cut, nothing is blocked. network NULL: on any. */
bool lsvm_world_hears(const struct lsvm_host *from, const struct lsvm_host *to,
		      const char *network);

/* Off: the process is gone without its will, the kernel with all it had. On: what the
 * operator configured and the files are there; no process is. */
void lsvm_world_power(struct lsvm_host *host, bool on);
bool lsvm_world_has_power(const struct lsvm_host *host);
/* The wall clock jumps; the other clock does not. */
void lsvm_world_clock(struct lsvm_host *host, int64_t ms);

/* Whether the machine has an address, and whether it answers for it on that network's
 * behalf (ARP). */
bool lsvm_world_has(const struct lsvm_host *host, const struct addr *addr);
bool lsvm_world_answers(const struct lsvm_host *host, const struct addr *addr);

/* ---- the process ---- */

/* From now on it is dispatched whenever there are facts for it or its time has come.
 * Without this call whoever owns it calls it. */
void lsvm_world_run(struct lsvm_host *host, void (*dispatch)(void *arg), void *arg);
/* Dead at once (SIGKILL): none of its calls does anything any more, its channels break
 * as the kernel breaks them, its will is done. */
void lsvm_world_kill(struct lsvm_host *host);
bool lsvm_world_is_dead(const struct lsvm_host *host);
/* Another process may start; the dead one has been freed. */
void lsvm_world_revive(struct lsvm_host *host);
/* It does not run until it is woken (SIGSTOP); what arrives waits. */
void lsvm_world_freeze(struct lsvm_host *host, bool frozen);
bool lsvm_world_is_frozen(const struct lsvm_host *host);
/* Calls that had an effect on the machine or outside, in the life of the machine. */
uint64_t lsvm_world_effect_count(const struct lsvm_host *host);
bool lsvm_world_will_crash(const struct lsvm_host *host);
/* The process dies at the effect of that number, right before it or right after. */
void lsvm_world_crash_at(struct lsvm_host *host, uint64_t effect, bool after);

/* ---- what else runs on a machine ---- */

enum behaviour {
	BEHAVIOUR_REFUSE = 0, /* nobody listens */
	BEHAVIOUR_ANSWER = 1,
	BEHAVIOUR_SILENT = 2, /* a firewall drops what comes */
	BEHAVIOUR_WEDGED = 3, /* accepts (the kernel does), never answers */
};

/* A server program; replaces the one with the same protocol and port. It says `greeting`
 * to who connects, and `answer` to each piece that it is sent. */
struct behaviour_spec {
	enum behaviour behaviour;
	int protocol;		       /* enum lsvm_protocol */
	uint16_t port;		       /* 0: all that no other one serves */
	const char *greeting, *answer; /* NULL: nothing; copied */
	bool close;		       /* and then ends the connection, */
	const char *keep;  /* unless what it was sent begins with that; a literal */
	int64_t days_left; /* of its certificate */
	bool untrusted;
};
int lsvm_world_serve(struct lsvm_host *host, const struct behaviour_spec *spec);
/* Connections that were accepted, and pieces that were answered. */
uint64_t lsvm_world_served(const struct lsvm_host *host);

/* What a program does when it is started; unknown ones exit with 0 at once. */
int lsvm_world_program(struct lsvm_host *host, const char *argv0, int status,
		       const char *output, uint64_t duration_ns);

/* Asks the process for a page of its CHANNEL_HTTP; LSVM_ERR_NOT_FOUND when it has none,
 * LSVM_ERR_TIMEOUT when it does not answer at once. *ret_text is for free(). */
int lsvm_world_http(struct lsvm_host *host, const char *path, int *ret_status,
		    char **ret_text);
/* Says something at the process's CHANNEL_LISTEN_LOCAL of that path and takes what comes
 * back within the time. *ret_text is for free(). */
int lsvm_world_local(struct lsvm_host *host, const char *path, const char *text,
		     uint64_t duration_ns, char **ret_text);

#endif
