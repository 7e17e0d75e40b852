/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bed for checks: one machine that asks, its actions written down, and peers that say
 * what a script says, in one piece or byte by byte.
 */
#ifndef LSVM_TESTS_UNIT_HEALTH_SUPPORT_H
#define LSVM_TESTS_UNIT_HEALTH_SUPPORT_H

#include "health/health.h"
#include "test.h"

#define BED_PROBES 4096

struct bed {
	struct lsvm_ctx *ctx;
	struct health *health;
	uint64_t now_ns;
	/* What was done since it was last looked at. */
	unsigned opened, closed, changed, warned;
	struct probe *probe; /* the last one opened, NULL once closed */
	struct target *target;
	struct channel_spec channel;
	char warning[256];
	char argv[256];
	uint8_t sent[8192];
	size_t sent_length;
	bool cannot_open;
	bool many; /* targets: then probes overlap */
};

void bed_set_up(struct bed *bed);
void bed_tear_down(struct bed *bed);
/* A check of that kind as the defaults have it, but rise and fall 1. */
struct check bed_check(enum lsvm_check_kind kind);
/* 10.0.0.1 and that port. */
struct target *bed_watch(struct bed *bed, const struct check *check, uint16_t port);
/* Everything that is to be done now. */
void bed_pull(struct bed *bed);
/* Time goes on by so much, whatever comes due in between. */
void bed_wait(struct bed *bed, uint64_t ns);
/* Until the target is being asked. */
void bed_begin(struct bed *bed);
void bed_fact(struct bed *bed, enum io_fact fact);
void bed_fail(struct bed *bed, enum io_error error);
void bed_bytes(struct bed *bed, const void *bytes, size_t length);

/* What a peer says, piece after piece; each is said when all before it is answered. */
struct bed_piece {
	const void *bytes;
	size_t length;
};
#define PIECE(text)                                                                      \
	{                                                                                \
		text, sizeof(text) - 1                                                   \
	}
enum bed_end {
	BED_OPEN, /* nothing more happens */
	BED_ENDS, /* the peer closes */
	BED_LATE, /* the time is over */
	BED_RESET,
};
/* The verdict of one probe: NULL good, else the cause. step: bytes given at once; 0: all
 * of a piece. What was sent is in the bed. Without a verdict: "no verdict". */
const char *bed_ask(struct bed *bed, const struct check *check,
		    const struct bed_piece *pieces, size_t count, size_t step,
		    enum bed_end end);

#endif
