/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random requests to the IPVS family, good and bad, and requests and answers as text. */
#ifndef LSVM_TESTS_IPVS_OPS_H
#define LSVM_TESTS_IPVS_OPS_H

#include "ipvs/wire.h"

#define OP_BYTES 1024

struct op {
	uint8_t bytes[OP_BYTES];
	size_t length;
};

#define RECENT_COUNT 64

struct dice {
	uint64_t state;
	/* What was named before: most requests are about something that is there. */
	struct wire_service services[RECENT_COUNT];
	struct wire_destination dests[RECENT_COUNT];
	uint32_t recent_count, at;
};

uint32_t dice_roll(struct dice *dice, uint32_t below);

/* A request, with whatever is wrong with it. */
void op_make(struct dice *dice, uint16_t family, struct op *ret);
/* A request of that command and content. */
void op_of(uint8_t command, uint16_t flags, uint16_t family,
	   const struct wire_command *content, struct op *ret);
/* One message as a line: its command and all attributes, nests sorted by type. */
void op_text(struct buf *buf, const uint8_t *message, size_t length);

#endif
