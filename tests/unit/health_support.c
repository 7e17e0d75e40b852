/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "health_support.h"

#include <stdio.h>

static char channel_storage; /* what a channel points to; nobody looks inside */

void bed_set_up(struct bed *bed)
{
	*bed = (struct bed){ .now_ns = 1000 * IO_S };
	assert_int_equal(lsvm_ctx_new(&bed->ctx), 0);
	assert_int_equal(lsvm_health_new(bed->ctx, 42, &bed->health), 0);
}

void bed_tear_down(struct bed *bed)
{
	lsvm_health_free(bed->health);
	lsvm_ctx_unref(bed->ctx);
}

struct check bed_check(enum lsvm_check_kind kind)
{
	return (struct check){ .kind = kind,
			       .interval_ms = 1000,
			       .timeout_ms = 1000,
			       .rise = 1,
			       .fall = 1,
			       .route = LSVM_CHECK_ROUTE_STRAIGHT };
}

struct target *bed_watch(struct bed *bed, const struct check *check, uint16_t port)
{
	const struct target_spec spec = { .check = check,
					  .addr = { 4, { 10, 0, 0, 1 } },
					  .port = port,
					  .protocol = LSVM_PROTOCOL_TCP };

	assert_int_equal(
		lsvm_health_watch(bed->health, &spec, bed, bed->now_ns, &bed->target), 0);
	return bed->target;
}

static void keep_words(struct bed *bed, const char *const *argv)
{
	bed->argv[0] = '\0';
	for (; argv && *argv; argv++) {
		strncat(bed->argv, *argv, sizeof(bed->argv) - strlen(bed->argv) - 2);
		strcat(bed->argv, "|");
	}
}

static void take_open(struct bed *bed, const struct health_action *action)
{
	bed->opened++;
	assert_true(bed->many || bed->opened == bed->closed + 1);
	bed->channel = *action->channel;
	keep_words(bed, action->channel->argv);
	bed->probe = action->probe;
	lsvm_health_opened(bed->health, action->probe,
			   bed->cannot_open ? NULL : (struct channel *)&channel_storage,
			   bed->now_ns);
}

static void take(struct bed *bed, const struct health_action *action)
{
	switch (action->kind) {
	case HEALTH_OPEN:
		take_open(bed, action);
		break;
	case HEALTH_SEND:
		assert_non_null(action->io);
		if (bed->sent_length + action->length <= sizeof(bed->sent))
			memcpy(bed->sent + bed->sent_length, action->bytes,
			       action->length);
		bed->sent_length += action->length;
		break;
	case HEALTH_CLOSE:
		bed->closed++;
		if (bed->probe == action->probe)
			bed->probe = NULL;
		break;
	case HEALTH_CHANGED:
		bed->changed++;
		assert_ptr_equal(lsvm_target_owner(action->target), bed);
		break;
	case HEALTH_WARNING:
		bed->warned++;
		snprintf(bed->warning, sizeof(bed->warning), "%s", action->text);
		break;
	}
}

void bed_pull(struct bed *bed)
{
	struct health_action action;

	while (lsvm_health_next(bed->health, &action))
		take(bed, &action);
}

void bed_wait(struct bed *bed, uint64_t ns)
{
	const uint64_t end = bed->now_ns + ns;

	while (lsvm_health_deadline(bed->health) <= end) {
		if (lsvm_health_deadline(bed->health) > bed->now_ns)
			bed->now_ns = lsvm_health_deadline(bed->health);
		lsvm_health_tick(bed->health, bed->now_ns);
		bed_pull(bed);
	}
	bed->now_ns = end;
	lsvm_health_tick(bed->health, end);
	bed_pull(bed);
}

void bed_begin(struct bed *bed)
{
	while (!bed->probe) {
		assert_true(lsvm_health_deadline(bed->health) != IO_NEVER);
		bed_wait(bed, lsvm_health_deadline(bed->health) > bed->now_ns
				      ? lsvm_health_deadline(bed->health) - bed->now_ns
				      : 0);
	}
}

static void fact(struct bed *bed, const struct io_event *event)
{
	if (!bed->probe)
		return;
	lsvm_health_input(bed->health, bed->probe, event, bed->now_ns);
	bed_pull(bed);
}

void bed_fact(struct bed *bed, enum io_fact what)
{
	fact(bed, &(struct io_event){ .fact = what });
}

void bed_fail(struct bed *bed, enum io_error error)
{
	fact(bed, &(struct io_event){ .fact = IO_FAILED, .error = error });
}

void bed_bytes(struct bed *bed, const void *bytes, size_t length)
{
	fact(bed,
	     &(struct io_event){ .fact = IO_BYTES, .bytes = bytes, .length = length });
}

static void say(struct bed *bed, const struct bed_piece *piece, size_t step)
{
	const uint8_t *at = piece->bytes;
	size_t left = piece->length;

	while (left) {
		const size_t count = step && step < left ? step : left;

		bed_bytes(bed, at, count);
		at += count;
		left -= count;
	}
}

const char *bed_ask(struct bed *bed, const struct check *check,
		    const struct bed_piece *pieces, size_t count, size_t step,
		    enum bed_end end)
{
	struct target *target = bed_watch(bed, check, 80);
	struct target_figures figures;
	static char cause[256];
	unsigned failures;

	bed->sent_length = 0;
	bed_begin(bed);
	lsvm_target_figures(target, &figures);
	failures = (unsigned)figures.failure_count;
	bed_fact(bed, IO_CONNECTED);
	for (size_t i = 0; i < count; i++)
		say(bed, &pieces[i], step);
	if (end == BED_ENDS)
		bed_fact(bed, IO_ENDED);
	else if (end == BED_RESET)
		bed_fail(bed, IO_ERROR_RESET);
	else if (end == BED_LATE)
		bed_wait(bed, check->timeout_ms * IO_MS - 1 * IO_MS);
	lsvm_target_figures(target, &figures);
	if (end == BED_LATE && !figures.last_probe_ns)
		bed_wait(bed, 1 * IO_MS);
	lsvm_target_figures(target, &figures);
	snprintf(cause, sizeof(cause), "%s", lsvm_target_cause(target));
	if (!figures.last_probe_ns)
		snprintf(cause, sizeof(cause), "no verdict");
	assert_true(figures.failure_count <= failures + 1);
	lsvm_health_unwatch(bed->health, target);
	bed_pull(bed);
	assert_null(bed->probe);
	return *cause ? cause : NULL;
}
