/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The control socket: local programs ask and order, one JSON object a line each way.
 * What may be asked is in svm-control(7).
 *
 * Everything is bounded: a line, the callers there are, what one piece of input may ask,
 * what waits to be taken by a caller. Whoever goes over a bound is told why and let go;
 * the others do not notice.
 */
#ifndef LSVM_AGENT_CONTROL_H
#define LSVM_AGENT_CONTROL_H

#include "agent/report.h"

#define CONTROL_LINE_BYTES 4096
#define CONTROL_CALLERS_MAX 32
#define CONTROL_REQUESTS_AT_ONCE 8
#define CONTROL_EVENTS_KEPT 1024
#define CONTROL_EVENTS_AT_ONCE 16
/* A caller that asks nothing, follows nothing and waits for nothing goes. */
#define CONTROL_IDLE_NS (60 * IO_S)
/* More is not made for a caller before it has taken some of what there is. */
#define CONTROL_WAITING_BYTES (64u * 1024)

enum caller_work {
	CALLER_IDLE,
	CALLER_REPORTS, /* a long answer is made */
	CALLER_EVENTS,	/* those that are kept, up to `last`, then idle */
	CALLER_FOLLOWS, /* the same, and all that come */
	CALLER_RELOADS, /* waits for how a reload goes */
};

struct caller {
	struct seat seat;
	struct channel *channel;
	struct caller *next;
	enum caller_work work;
	struct report report;
	bool begun;	 /* the answer that is made: its first piece is sent */
	uint64_t number; /* of the next event that it gets */
	uint64_t last;
	uint64_t heard_ns;
	bool ended; /* it says no more */
	size_t length;
	char line[CONTROL_LINE_BYTES];
};

struct control {
	struct seat seat;
	char *path;
	struct channel *channel; /* where others connect; NULL: not open */
	struct retry retry;
	uint64_t reopen_ns; /* IO_NEVER: it is open */
	struct trouble trouble;
	struct caller *callers;
	struct caller *turn; /* who gets the next piece of work */
	size_t caller_count;
	bool reload_asked;
	uint64_t refused_ns; /* when a refusal was told last; 0: never */
	size_t refused_count;
	struct event *events; /* number n at n % CONTROL_EVENTS_KEPT */
	uint64_t last_number;
};

/* ---- control.c ---- */

/* False: the caller is gone. */
bool lsvm_caller_send(struct lsvm_agent *agent, struct caller *caller, const char *text,
		      size_t length);
/* Why not, and the end of the connection. */
void lsvm_caller_refuse(struct lsvm_agent *agent, struct caller *caller, int err,
			const char *why);

/* The number of the first event that is kept. */
uint64_t lsvm_control_first_kept(const struct control *control);

/* ---- control_commands.c ---- */

/* One line, without its end; may be anything. False: the caller is gone. */
bool lsvm_control_line(struct lsvm_agent *agent, struct caller *caller, const char *line,
		       size_t length);
/* {"ok": false, "error": "not-found", "text": "…"} with a line's end. */
void lsvm_control_error(struct buf *buf, int err, const char *text);

#endif
