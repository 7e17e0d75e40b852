/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The agent: one machine's plan, checks and redundancy, joined to a host that waits.
 *
 * It is made of parts (parts.c), which know each other through this header only. A part
 * is started once, has a deadline, hears events, and is freed; a part that waits for
 * something outside opens a channel with a `seat` as owner, and gets what happens to it.
 * Everything goes through host->ops, so that the agent runs unchanged in virtual time.
 *
 * Nothing here blocks after the start: a tick does one slice of work and comes again.
 * Whatever fails is an event, said once until it changes (struct trouble), and tried
 * again later and later (struct retry).
 */
#ifndef LSVM_AGENT_AGENT_H
#define LSVM_AGENT_AGENT_H

#include "cluster/model.h"
#include "host/host.h"
#include "monitor/event.h"
#include "plan/plan.h"

#include <libsvm/agent.h>

struct lsvm_agent;
struct json_t;

/* Events that wait for who pulls them. */
#define AGENT_EVENTS_MAX 1024

struct lsvm_event {
	struct event event;
	struct lsvm_event *next;
};

enum agent_life {
	AGENT_NEW = 0,	    /* not started */
	AGENT_RUNNING = 1,  /* started */
	AGENT_STOPPING = 2, /* lsvm_agent_stop() was called */
	AGENT_FINISHED = 3, /* … and all is given up */
};

/* Owner of a channel: embedded where the channel belongs, found again by container. */
struct seat {
	void (*take)(struct lsvm_agent *agent, struct seat *seat,
		     const struct io_event *event);
};

/* A failure that may come again and again; "" while all is well. */
struct trouble {
	char text[EVENT_TEXT_BYTES];
};

/* When to try again: after 1 s, then twice as long each time, up to a minute. */
struct retry {
	uint64_t delay_ns;
};

/* What should be. */
struct aim {
	struct lsvm_cluster *cluster;
	const struct machine *machine; /* in cluster */
	/* A director's duties; a server's plan is both. Of a director without another
	 * one beside it both are the same plan too. */
	struct lsvm_plan *standby, *master;
};

struct agent_part {
	const char *name;
	/* Takes an option (before the start); LSVM_ERR_UNSUPPORTED: not mine. */
	int (*set)(struct lsvm_agent *agent, enum lsvm_agent_option option,
		   const char *value);
	/* An error keeps the agent from starting; what was begun is freed. */
	int (*start)(struct lsvm_agent *agent);
	/* A reload: makes ready for `next` without letting go of what is; then `reload`
	 * says whether all parts could (agent->aim is the new one already) or not: then
	 * what was made is dropped. */
	int (*prepare)(struct lsvm_agent *agent, const struct aim *next);
	void (*reload)(struct lsvm_agent *agent, bool good);
	uint64_t (*deadline)(const struct lsvm_agent *agent); /* IO_NEVER: none */
	void (*tick)(struct lsvm_agent *agent, uint64_t now_ns);
	void (*heard)(struct lsvm_agent *agent, const struct event *event);
	/* An orderly end begins; `stopped` answers whether this part is through. */
	void (*stop)(struct lsvm_agent *agent);
	bool (*stopped)(const struct lsvm_agent *agent);
	void (*free)(struct lsvm_agent *agent);
};

struct lsvm_agent {
	struct lsvm_host *host; /* borrowed */
	struct lsvm_ctx *ctx;
	const struct io_ops *io;
	struct aim aim;
	enum lsvm_role role;
	enum agent_life life;
	bool hearing;			/* facts are being taken in */
	bool behind;			/* and there were more than a dispatch takes */
	uint64_t wake_ns;		/* the wish of the last dispatch */
	uint64_t slowest_ns, latest_ns; /* dispatch; coming after a wish */
	uint64_t started_ns, stop_ns;	/* stop_ns: when an orderly end is over anyhow */

	struct lsvm_event *oldest, *newest;
	size_t event_count;
	uint64_t last_number, lost_count;
	uint64_t kind_counts[LSVM_EVENT_LOST + 1]; /* of events, by kind */
	/* The kernel's counters are not asked for before that: see metrics.c. */
	uint64_t counters_ns;

	/* One for each part; NULL: the part is not there. */
	struct keep *keep;
	struct watch *watch;
	struct weight *weight;
	struct duty *duty;
	struct peer *peer;
	struct control *control;
	struct http *http;
	struct log_part *log;
	struct notify *notify;
};

/* All parts, in the order of starting; they end in the opposite order. */
extern const struct agent_part *const lsvm_agent_parts[];

static inline uint64_t agent_now(const struct lsvm_agent *agent)
{
	return agent->io->now_ns(agent->host);
}

/* ---- agent.c ---- */

int lsvm_aim_make(struct lsvm_ctx *ctx, struct lsvm_cluster *cluster, const char *machine,
		  struct aim *ret);
void lsvm_aim_clear(struct aim *aim);

/* ---- events.c ---- */

/* Numbers it, dates it, tells the parts, and keeps it for who pulls. */
void lsvm_agent_tell(struct lsvm_agent *agent, const struct event *event);
void lsvm_agent_say(struct lsvm_agent *agent, enum lsvm_event_kind kind,
		    enum lsvm_severity severity, const char *subject, const char *fmt,
		    ...) LSVM_PRINTF(5, 6);
/* Says it unless it is what was said last. */
void lsvm_agent_trouble(struct lsvm_agent *agent, struct trouble *trouble,
			const char *subject, const char *text);
/* The trouble is over: says so when there was one. */
void lsvm_agent_well(struct lsvm_agent *agent, struct trouble *trouble,
		     const char *subject);
uint64_t lsvm_retry_next(struct retry *retry, uint64_t now_ns);
void lsvm_agent_events_free(struct lsvm_agent *agent);

/* ---- keep.c: the plan, applied and kept ---- */

extern const struct agent_part lsvm_agent_keep;
/* Something of the plan is not as it should be: it is looked at soon. */
void lsvm_keep_soon(struct lsvm_agent *agent);
/* Destinations were added: their order may be another one than on other directors. */
void lsvm_keep_order(struct lsvm_agent *agent);
/* Duty changed: an apply that is under way begins anew. */
void lsvm_keep_changed(struct lsvm_agent *agent);
/* Whether the machine held its plan when it was looked at last. */
bool lsvm_keep_is_good(const struct lsvm_agent *agent);
/* Member "plan" of the status; a new reference, NULL: out of memory. */
struct json_t *lsvm_keep_json(const struct lsvm_agent *agent);

/* ---- duty.c: who holds the virtual addresses ---- */

extern const struct agent_part lsvm_agent_duty_part;
/* The addresses that this machine holds now beyond the standby plan's. */
bool lsvm_duty_holds(const struct lsvm_agent *agent, const struct address *address);
/* The plan is applied: this machine may take part. */
void lsvm_duty_ready(struct lsvm_agent *agent);
/* Something changed that decides whether it takes part. */
void lsvm_duty_judge(struct lsvm_agent *agent);
enum lsvm_duty lsvm_duty_now(const struct lsvm_agent *agent);
struct json_t *lsvm_duty_json(const struct lsvm_agent *agent);

/* Whether it still holds addresses for a living director that has preempted it. */
bool lsvm_duty_gives_up(const struct lsvm_agent *agent);
/* A handover that was waited for is through: addresses go, or come. */
void lsvm_duty_handover(struct lsvm_agent *agent);

/* ---- peer.c: what machines say to each other ---- */

extern const struct agent_part lsvm_agent_peer;
/* The other directors' connections are not here yet: nobody living is taken over. */
bool lsvm_peer_holds_back(const struct lsvm_agent *agent);
/* This director is to take over from a living one: asks to be told all connections. True:
 * lsvm_duty_handover() comes when they are. */
bool lsvm_peer_ask_handover(struct lsvm_agent *agent);
/* This director is to give up to a living one, which will ask for the connections. */
bool lsvm_peer_expects_handover(const struct lsvm_agent *agent);
/* Member "signals" of the status; a new reference, NULL: out of memory. */
struct json_t *lsvm_peer_json(const struct lsvm_agent *agent);

/* ---- weight.c: what a server says of itself ---- */

extern const struct agent_part lsvm_agent_weight;

/* ---- status.c ---- */

/* The status as an object but for what is as long as the cluster (report.h); a new
 * reference, NULL: out of memory. */
struct json_t *lsvm_agent_head_json(struct lsvm_agent *agent);

/* ---- watch.c: checks, and the table they leave ---- */

extern const struct agent_part lsvm_agent_watch_part;
/* The IPVS table that is wanted now; borrowed until the next fact; NULL: the plan's. */
struct lsvm_ipvs_table *lsvm_watch_table(const struct lsvm_agent *agent);
/* Whether it is known of each server if it is alive. */
bool lsvm_watch_is_settled(const struct lsvm_agent *agent);
/* A network card of this director is down, or none is any more: whom it cannot reach
 * meanwhile is not dead. */
void lsvm_watch_cut(struct lsvm_agent *agent, bool cut);
/* The server says that it is back, or that it goes: it is probed at once. False when
 * nothing of it is probed. */
bool lsvm_watch_hint(struct lsvm_agent *agent, const char *server);
/* A server says that it goes, or stays after all: no new clients meanwhile. */
void lsvm_watch_leaving(struct lsvm_agent *agent, const char *server, bool leaving);
/* Targets from the `first` up, as an array; NULL: out of memory. */
struct json_t *lsvm_watch_checks_json(const struct lsvm_agent *agent, size_t first,
				      size_t count);

/* ---- control.c: commands of local programs ---- */

extern const struct agent_part lsvm_agent_control;

/* ---- http.c: status and figures for who asks by HTTP ---- */

extern const struct agent_part lsvm_agent_http;

/* ---- log.c, notify.c: events written down, and told to a program ---- */

extern const struct agent_part lsvm_agent_log;
extern const struct agent_part lsvm_agent_notify;

#endif
