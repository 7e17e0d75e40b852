/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events: what happened, in order, each with its cause in words. They go to who pulls
 * them from an agent, to the log, to `events --follow` and to a program that is told.
 */
#ifndef LSVM_MONITOR_EVENT_H
#define LSVM_MONITOR_EVENT_H

#include "base/base.h"

#include <libsvm/agent.h>

#define EVENT_SUBJECT_BYTES 96
#define EVENT_TEXT_BYTES 384

struct event {
	uint64_t number;  /* 1, 2, 3 … in the life of an agent; given by the ring */
	uint64_t time_ms; /* since 1970; given by the ring */
	enum lsvm_event_kind kind;
	enum lsvm_severity severity;
	char subject[EVENT_SUBJECT_BYTES]; /* "eps2", "vip-a1 tcp 80", "vrrp front" */
	char text[EVENT_TEXT_BYTES];	   /* "down: connect timed out, 3 of 3" */
};

/* Longer text is cut at the end with an ellipsis. */
void lsvm_event_set(struct event *event, enum lsvm_event_kind kind,
		    enum lsvm_severity severity, const char *subject, const char *fmt,
		    ...) LSVM_PRINTF(5, 6);

struct json_t;
/* The event as an object of schema "lsvm-event/1"; a new reference, NULL: out of memory.
 */
struct json_t *lsvm_event_json(const struct event *event);

#endif
