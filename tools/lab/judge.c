/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the client's book says about each step. A request counts for the last step that
 * acted before it began, or, when it failed or was late and had hardly begun, for the one
 * that acted while it was under way.
 *
 * A failed request is excused when a server's kernel had accepted it and that server, by
 * a director's table, was one that could not answer just then: no other machine ever had
 * what the client had sent.
 */
#include "rehearse.h"

#include <stdlib.h>
#include <string.h>

#define FRESH_US 50000	  /* so long an answer may take when all is well */
#define SILENT_US 1000000 /* a held connection that is owed an answer for so long */

/* ---- times without an answer ---- */

static int by_time(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return (one > other) - (one < other);
}

/* The times of all answers, in order, free() them; NULL: out of memory. */
static int64_t *answers(const struct rehearsal *rehearsal, size_t *ret_count)
{
	const struct load_shared *shared = rehearsal->load.shared;
	uint32_t count = shared->request_count;
	int64_t *times = malloc((count + 1) * sizeof(*times));

	*ret_count = 0;
	for (uint32_t i = 0; times && i < count; i++)
		if (shared->requests[i].state == LOAD_ANSWERED)
			times[(*ret_count)++] = shared->requests[i].end_us;
	if (times)
		qsort(times, *ret_count, sizeof(*times), by_time);
	return times;
}

static void longest(const int64_t *times, size_t count, int64_t from_us, int64_t until_us,
		    int64_t *ret_from_us, int64_t *ret_us)
{
	int64_t last = 0, next;

	*ret_from_us = from_us;
	*ret_us = 0;
	for (size_t i = 0; i <= count; i++) {
		next = i < count && times[i] < until_us ? times[i] : until_us;
		if (next > from_us && next - last > *ret_us) {
			*ret_us = next - last;
			*ret_from_us = last;
		}
		last = next;
		if (next == until_us)
			return;
	}
}

void rehearsal_outage(const struct rehearsal *rehearsal, int64_t from_us,
		      int64_t until_us, int64_t *ret_from_us, int64_t *ret_us)
{
	size_t count;
	int64_t *times = answers(rehearsal, &count);

	*ret_us = 0;
	if (times)
		longest(times, count, from_us, until_us, ret_from_us, ret_us);
	free(times);
}

/* ---- steps ---- */

static bool acts(const struct rehearsal *rehearsal, size_t step)
{
	return rehearsal->outcomes[step].reached &&
	       fault_acts(rehearsal->faults->steps[step].kind);
}

/* When the next one that acts begins. */
static int64_t window_end(const struct rehearsal *rehearsal, size_t step)
{
	for (size_t i = step + 1; i < rehearsal->faults->count; i++)
		if (acts(rehearsal, i))
			return rehearsal->outcomes[i].begun_us;
	return rehearsal->end_us;
}

/* The step that something from one time to another belongs to; NULL: none yet. */
static struct outcome *belongs_to(const struct rehearsal *rehearsal, int64_t from_us,
				  int64_t until_us, bool hurt)
{
	struct outcome *before = NULL;

	for (size_t i = 0; i < rehearsal->faults->count; i++) {
		struct outcome *outcome = &rehearsal->outcomes[i];

		if (!acts(rehearsal, i))
			continue;
		if (outcome->begun_us > (hurt ? until_us : from_us))
			break;
		if (hurt && outcome->begun_us >= from_us)
			return outcome->begun_us - from_us < FRESH_US || !before ? outcome
										 : before;
		before = outcome;
	}
	return before;
}

const struct machine *rehearsal_excuse(const struct rehearsal *rehearsal,
				       const struct load_request *request)
{
	for (size_t i = 0; request->accepted && i < rehearsal->harm_count; i++) {
		const struct harm *harm = &rehearsal->harms[i];

		if (request->observed == harm->machine - rehearsal->lab->world.machines &&
		    harm->from_us <= request->end_us &&
		    harm->until_us >= request->start_us)
			return harm->machine;
	}
	return NULL;
}

/* ---- sums ---- */

static void judge_request(struct rehearsal *rehearsal, const struct load_request *request)
{
	bool is_done = request->state == LOAD_ANSWERED || request->state == LOAD_FAILED;
	int64_t end = is_done ? request->end_us : rehearsal->end_us;
	bool failed = request->state == LOAD_FAILED, late = request->retransmissions > 0;
	bool excused = failed && rehearsal_excuse(rehearsal, request);
	struct outcome *outcome = belongs_to(rehearsal, request->start_us, end,
					     failed || late),
		       none;

	if (!outcome)
		outcome = &none;
	rehearsal->asked++;
	outcome->asked++;
	rehearsal->answered += request->state == LOAD_ANSWERED;
	rehearsal->failed += failed;
	outcome->failed += failed;
	rehearsal->in_flight += excused;
	outcome->in_flight += excused;
	if (request->state != LOAD_ANSWERED)
		return;
	rehearsal->late += late;
	outcome->late += late;
	if (end - request->start_us > rehearsal->slowest_us)
		rehearsal->slowest_us = end - request->start_us;
	if (end - request->start_us > outcome->slowest_us)
		outcome->slowest_us = end - request->start_us;
}

static bool died_with(const struct rehearsal *rehearsal, const struct load_held *held,
		      int64_t at_us)
{
	for (size_t i = 0; i < rehearsal->harm_count; i++)
		if (held->server == rehearsal->harms[i].machine -
					    rehearsal->lab->world.machines &&
		    rehearsal->harms[i].from_us <= at_us)
			return true;
	return false;
}

static void judge_stall(struct rehearsal *rehearsal, const struct load_stall *stall)
{
	struct outcome *outcome =
		belongs_to(rehearsal, stall->from_us, stall->until_us, true);
	int64_t length = stall->until_us - stall->from_us;

	if (length > rehearsal->worst_stall_us)
		rehearsal->worst_stall_us = length;
	if (!outcome)
		return;
	outcome->stalled++;
	if (length > outcome->worst_stall_us)
		outcome->worst_stall_us = length;
}

static void judge_held(struct rehearsal *rehearsal, const struct load_held *held)
{
	struct load_stall owed = { held->waiting_us, rehearsal->end_us };
	bool silent = held->state != LOAD_FAILED && held->waiting_us > 0 &&
		      rehearsal->end_us - held->waiting_us > SILENT_US;
	struct outcome *outcome;

	for (uint32_t i = 0; i < held->stall_count; i++)
		judge_stall(rehearsal, &held->stalls[i]);
	if (silent)
		judge_stall(rehearsal, &owed);
	if (silent && died_with(rehearsal, held, rehearsal->end_us)) {
		/* Nobody is left to tell the client. */
		rehearsal->lost++;
		rehearsal->lost_with_server++;
	} else if (silent) {
		rehearsal->silent++;
	}
	if (held->state != LOAD_FAILED)
		return;
	outcome = belongs_to(rehearsal, held->lost_us, held->lost_us, false);
	if (outcome)
		outcome->lost++;
	rehearsal->lost++;
	rehearsal->lost_with_server += died_with(rehearsal, held, held->lost_us);
}

static void clear(struct rehearsal *rehearsal)
{
	rehearsal->asked = rehearsal->answered = rehearsal->late = 0;
	rehearsal->failed = rehearsal->in_flight = 0;
	rehearsal->lost = rehearsal->lost_with_server = rehearsal->silent = 0;
	rehearsal->slowest_us = rehearsal->worst_stall_us = 0;
	for (size_t i = 0; i < rehearsal->faults->count; i++) {
		struct outcome *outcome = &rehearsal->outcomes[i];

		outcome->asked = outcome->late = outcome->failed = 0;
		outcome->in_flight = outcome->lost = outcome->stalled = 0;
		outcome->slowest_us = outcome->worst_stall_us = 0;
	}
}

void rehearsal_judge(struct rehearsal *rehearsal)
{
	const struct load_shared *shared = rehearsal->load.shared;
	size_t count;
	int64_t *times = answers(rehearsal, &count);
	bool met = true;

	clear(rehearsal);
	for (uint32_t i = 0; i < shared->request_count; i++)
		judge_request(rehearsal, &shared->requests[i]);
	for (uint32_t i = 0; i < shared->held_count; i++)
		judge_held(rehearsal, &shared->held[i]);
	for (size_t i = 0; i < rehearsal->faults->count; i++) {
		struct outcome *outcome = &rehearsal->outcomes[i];

		met = met && (!outcome->reached || outcome->met);
		if (times && acts(rehearsal, i))
			longest(times, count, outcome->begun_us, window_end(rehearsal, i),
				&outcome->outage_from_us, &outcome->outage_us);
	}
	free(times);
	rehearsal->good = met && times && rehearsal->answered > 0 &&
			  rehearsal->failed == rehearsal->in_flight;
}
