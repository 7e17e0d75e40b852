/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of who answered, and the proof of which way replies went. */
#ifndef SVM_LAB_REPORT_H
#define SVM_LAB_REPORT_H

#include "targets.h"
#include "wire.h"

/* What a director's table has counted, and what went through a machine's ports. */
struct gauge {
	const struct machine *machine;
	struct traffic traffic;
	uint64_t connections, in_packets, out_packets, in_bytes, out_bytes;
};
struct gauges {
	struct gauge *items; /* of all machines that forward, then the client */
	size_t count;
};

int gauges_read(struct world *world, struct gauges *ret);
void gauges_free(struct gauges *gauges);

struct report {
	const char *cluster, *topology;
	const struct targets *targets;
	const struct gauges *before, *after;
	const char *partition; /* only this one was asked; NULL: all */
	int64_t took_ms;
};

/* Whether every request was answered by its partition, and no reply went the wrong way.
 */
bool report_good(const struct report *report);
void report_print(const struct report *report);
void report_json(const struct report *report);

#endif
