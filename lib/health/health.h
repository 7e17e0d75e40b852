/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks: who is alive.
 *
 * A `target` is one distinct thing that is probed: a kind of check with its parameters,
 * an address and a port, and the way there. However many services look at it, it is
 * probed once an interval. The probe engines know their protocols and nothing of sockets:
 * they ask for channels (host/io.h) and are told what happens to them. The result of each
 * probe moves a target up or down by rise and fall.
 *
 * Clock-free: time comes in as nanoseconds, what is to be done comes out as actions. The
 * cost of a step does not grow with the number of targets beyond the logarithm of a heap.
 */
#ifndef LSVM_HEALTH_HEALTH_H
#define LSVM_HEALTH_HEALTH_H

#include "cluster/model.h"
#include "host/io.h"

/* What makes two targets the same. `check` is copied, text too. */
struct target_spec {
	const struct check *check;
	struct addr addr; /* of the server, or with route through: of the VIP */
	uint16_t port;
	uint32_t mark; /* route through: what leads the probe to its server; 0: none */
	const char *domain; /* http: the host that is asked for unless the check says */
	enum lsvm_protocol protocol; /* of the service: dns is asked over TCP where that
					is served */
	/* Route through: who is to answer, for people; and our own address, since the
	 * director that has the VIP would ask in the VIP's name. */
	struct addr server, local;
};

enum target_state {
	TARGET_UNKNOWN = 0, /* not probed often enough yet */
	TARGET_UP = 1,
	TARGET_DOWN = 2,
};

struct health;
struct target;
struct probe; /* one run of a check; lives from HEALTH_OPEN to HEALTH_CLOSE */

int lsvm_health_new(struct lsvm_ctx *ctx, uint64_t seed, struct health **ret);
void lsvm_health_free(struct health *health);

/* The target of that spec, made when there is none; each watch needs its unwatch. A new
 * one starts unknown, its first probes spread over the interval. */
int lsvm_health_watch(struct health *health, const struct target_spec *spec, void *owner,
		      uint64_t now_ns, struct target **ret);
void lsvm_health_unwatch(struct health *health, struct target *target);

enum target_state lsvm_target_state(const struct target *target);
/* "connect refused, 3 of 3"; "" while all is well. Lives until the next probe's end. */
const char *lsvm_target_cause(const struct target *target);
/* 0 to 100, what an agent-reported weight says; 100 for all other kinds. */
uint32_t lsvm_target_percent(const struct target *target);
/* "http 10.0.0.11:80 /health" */
const char *lsvm_target_name(const struct target *target);
void *lsvm_target_owner(const struct target *target);
struct target_figures {
	uint64_t probe_count, failure_count, changed_ns, last_probe_ns;
	uint32_t last_duration_us;
	uint32_t good_in_row, bad_in_row;
};
void lsvm_target_figures(const struct target *target, struct target_figures *ret);

/* Something says that the target is back (or that it goes): it is probed at once, and one
 * good (bad) answer is enough. */
void lsvm_health_hint(struct health *health, struct target *target, uint64_t now_ns);

uint64_t lsvm_health_deadline(const struct health *health); /* IO_NEVER: none */
void lsvm_health_tick(struct health *health, uint64_t now_ns);

enum health_action_kind {
	HEALTH_OPEN =
		1, /* open `channel` with `probe` as owner, then lsvm_health_opened */
	HEALTH_SEND = 2,    /* bytes to the probe's channel */
	HEALTH_CLOSE = 3,   /* the channel is of no use any more; the probe is gone */
	HEALTH_CHANGED = 4, /* the target's state or percentage is another one */
	HEALTH_WARNING = 5, /* text: a certificate that expires soon, an agent's word that
			       nobody understands; said once until it changes */
};
struct health_action {
	enum health_action_kind kind;
	struct probe *probe;
	struct channel *io; /* SEND, CLOSE: what lsvm_health_opened() told; may be NULL */
	const struct channel_spec *channel;
	const uint8_t *bytes;
	size_t length;
	struct target *target; /* CHANGED, WARNING */
	const char *text;
};
/* Pulled until false, after every input and tick. What it points to lives until the next
 * call. */
bool lsvm_health_next(struct health *health, struct health_action *ret);

/* channel NULL: it could not be opened; the probe has failed. */
void lsvm_health_opened(struct health *health, struct probe *probe,
			struct channel *channel, uint64_t now_ns);
/* What happened to the probe's channel. */
void lsvm_health_input(struct health *health, struct probe *probe,
		       const struct io_event *event, uint64_t now_ns);

#endif
