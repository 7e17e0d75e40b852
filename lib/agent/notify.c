/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program that is told each event: it is started with the event as JSON on its standard
 * input, one program at a time, in the order of the events. One that takes too long is
 * ended; how it fails is an event of its own once, until it works again. Such events are
 * for everybody but the program.
 */
#include "agent/agent.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

#define QUEUE_MAX 256
#define PROGRAM_NS (10 * IO_S)

struct notify {
	struct seat seat;
	char *program;
	struct channel *channel; /* it runs */
	uint64_t end_ns;	 /* when it must have ended */
	struct event queue[QUEUE_MAX];
	size_t first, count;
	uint64_t lost_count;
	struct trouble trouble;
	bool saying; /* an event of this part's own */
};

static void trouble(struct lsvm_agent *agent, const char *text)
{
	struct notify *notify = agent->notify;

	notify->saying = true;
	lsvm_agent_trouble(agent, &notify->trouble, "notify", text);
	notify->saying = false;
}

static void ended(struct lsvm_agent *agent)
{
	struct notify *notify = agent->notify;

	agent->io->close(agent->host, notify->channel);
	notify->channel = NULL;
}

static void take(struct lsvm_agent *agent, struct seat *seat,
		 const struct io_event *event)
{
	struct notify *notify = agent->notify;
	char text[EVENT_TEXT_BYTES];

	if (event->fact == IO_EXITED && event->status == 0) {
		ended(agent);
		notify->saying = true;
		lsvm_agent_well(agent, &notify->trouble, "notify");
		notify->saying = false;
	} else if (event->fact == IO_EXITED) {
		snprintf(text, sizeof(text), "%.200s ended with status %d",
			 notify->program, event->status);
		ended(agent);
		trouble(agent, text);
	} else if (event->fact == IO_FAILED) {
		snprintf(text, sizeof(text), "%.200s: %.100s", notify->program,
			 event->text ? event->text : lsvm_io_error_text(event->error));
		ended(agent);
		trouble(agent, text);
	}
}

/* What it should hear, with a line's end; false: memory ran out. */
static bool event_text(const struct event *event, struct buf *ret)
{
	json_t *json = lsvm_event_json(event);
	char *text = json ? lsvm_json_text(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (text)
		lsvm_buf_printf(ret, "%s\n", text);
	lsvm_free(text);
	return text && !ret->failed;
}

static void start_one(struct lsvm_agent *agent)
{
	struct notify *notify = agent->notify;
	const char *const argv[] = { notify->program, NULL };
	const struct channel_spec spec = { .kind = CHANNEL_PROGRAM, .argv = argv };
	struct buf text = { 0 };
	bool good = event_text(&notify->queue[notify->first], &text);

	notify->first = (notify->first + 1) % QUEUE_MAX;
	notify->count--;
	if (!good)
		trouble(agent, "memory ran out");
	else if (agent->io->open(agent->host, &spec, &notify->seat, &notify->channel) <
		 0) {
		notify->channel = NULL;
		trouble(agent, lsvm_ctx_error_text(agent->ctx));
	} else {
		notify->end_ns = agent_now(agent) + PROGRAM_NS;
		/* It need not read; and length 0 is the end of its input. */
		agent->io->send(agent->host, notify->channel, text.data, text.length,
				NULL, 0);
		agent->io->send(agent->host, notify->channel, NULL, 0, NULL, 0);
	}
	lsvm_buf_free(&text);
}

static void notify_heard(struct lsvm_agent *agent, const struct event *event)
{
	struct notify *notify = agent->notify;

	if (!notify || notify->saying)
		return;
	if (notify->count == QUEUE_MAX) {
		notify->first = (notify->first + 1) % QUEUE_MAX;
		notify->count--;
		notify->lost_count++;
	}
	notify->queue[(notify->first + notify->count++) % QUEUE_MAX] = *event;
}

static int notify_set(struct lsvm_agent *agent, enum lsvm_agent_option option,
		      const char *value)
{
	if (option != LSVM_AGENT_NOTIFY)
		return LSVM_ERR_UNSUPPORTED;
	if (value[0] != '/')
		return lsvm_fail(agent->ctx, LSVM_ERR_ARGUMENT,
				 "the program that is told events needs its whole path, "
				 "not '%.64s'",
				 value);
	if (!agent->notify)
		agent->notify = calloc(1, sizeof(*agent->notify));
	if (!agent->notify)
		return lsvm_fail_nomem(agent->ctx);
	agent->notify->seat.take = take;
	free(agent->notify->program);
	agent->notify->program = strdup(value);
	return agent->notify->program ? 0 : lsvm_fail_nomem(agent->ctx);
}

static uint64_t notify_deadline(const struct lsvm_agent *agent)
{
	const struct notify *notify = agent->notify;

	if (!notify || agent->life == AGENT_NEW)
		return IO_NEVER;
	if (notify->channel)
		return notify->end_ns;
	return notify->count ? 0 : IO_NEVER;
}

static void notify_tick(struct lsvm_agent *agent, uint64_t now_ns)
{
	struct notify *notify = agent->notify;
	char text[EVENT_TEXT_BYTES];

	if (notify->channel && notify->end_ns <= now_ns) {
		snprintf(text, sizeof(text), "%.200s did not end within 10 s",
			 notify->program);
		ended(agent);
		trouble(agent, text);
	}
	if (notify->lost_count && notify->count < QUEUE_MAX) {
		snprintf(text, sizeof(text), "%.200s was too slow for %llu events",
			 notify->program, (unsigned long long)notify->lost_count);
		notify->lost_count = 0;
		trouble(agent, text);
	}
	if (!notify->channel && notify->count)
		start_one(agent);
}

/* At an orderly end the last events are told too, as far as there is time. */
static bool notify_stopped(const struct lsvm_agent *agent)
{
	return !agent->notify || (!agent->notify->channel && !agent->notify->count);
}

static void notify_free(struct lsvm_agent *agent)
{
	if (!agent->notify)
		return;
	agent->io->close(agent->host, agent->notify->channel);
	free(agent->notify->program);
	free(agent->notify);
	agent->notify = NULL;
}

const struct agent_part lsvm_agent_notify = {
	.name = "notify",
	.set = notify_set,
	.deadline = notify_deadline,
	.tick = notify_tick,
	.heard = notify_heard,
	.stopped = notify_stopped,
	.free = notify_free,
};
