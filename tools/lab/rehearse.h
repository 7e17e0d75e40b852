/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A rehearsal: a client asks without pause while the steps of a script are carried out;
 * then it is told what the client saw of each.
 */
#ifndef SVM_LAB_REHEARSE_H
#define SVM_LAB_REHEARSE_H

#include "inside.h"
#include "load.h"

/* What became of a step, and what the client saw from it to the next one that acts.
 * Times are microseconds since the client began. */
struct outcome {
	int64_t begun_us, done_us;
	bool reached; /* it was carried out at all */
	bool met;     /* an expectation, or settling */
	char why[200];
	/* Of steps that act. */
	int64_t outage_from_us, outage_us; /* the longest time without an answer */
	int64_t slowest_us;
	uint32_t asked, late, failed, in_flight;
	uint32_t lost, stalled; /* of the connections that are held */
	int64_t worst_stall_us;
};

/* A time in which a machine could not answer. */
struct harm {
	const struct machine *machine;
	int64_t from_us, until_us; /* INT64_MAX: to the end */
};

struct rehearsal {
	struct lab *lab;
	const struct faults *faults;
	struct load load;
	struct outcome *outcomes; /* one for each step */
	struct harm *harms;
	size_t harm_count;
	int64_t end_us;
	/* Sums, filled by rehearsal_judge(). */
	uint32_t asked, answered, late, failed, in_flight;
	uint32_t lost, lost_with_server, silent;
	int64_t slowest_us, worst_stall_us;
	bool good;
};

/* Reads the script, or with `words` that one step, carries it out in a lab that stands,
 * and prints. enum tool_exit. */
int rehearse(struct lab *lab, const char *path, bool json);
/* One step in a lab that stands, without a client. */
int plant(struct lab *lab, char *const *words, size_t count);

/* Works out what the client saw (judge.c). */
void rehearsal_judge(struct rehearsal *rehearsal);
/* Whether a failed request was in flight on a server that died; NULL: it was not. */
const struct machine *rehearsal_excuse(const struct rehearsal *rehearsal,
				       const struct load_request *request);
/* What the longest time without an answer was in some time. */
void rehearsal_outage(const struct rehearsal *rehearsal, int64_t from_us,
		      int64_t until_us, int64_t *ret_from_us, int64_t *ret_us);
void rehearsal_print(const struct rehearsal *rehearsal);
void rehearsal_print_json(const struct rehearsal *rehearsal);

#endif
