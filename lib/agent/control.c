/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The control socket and its callers; see control.h.
 *
 * A line is answered when it comes, if the answer is short. Long answers and events are
 * made piece by piece, one caller's piece in each tick, and only while the caller takes
 * what there is. Events that are not kept any more when a slow follower comes to them end
 * the connection.
 */
#include "agent/control.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

#define REFUSED_EVERY_NS (60 * IO_S)
#define SOCKET_MODE 0660

/* ---- callers ---- */

static void drop_caller(struct lsvm_agent *agent, struct caller *caller)
{
	struct control *control = agent->control;
	struct caller **at = &control->callers;

	while (*at != caller)
		at = &(*at)->next;
	*at = caller->next;
	if (control->turn == caller)
		control->turn = caller->next;
	control->caller_count--;
	agent->io->close(agent->host, caller->channel);
	lsvm_report_free(&caller->report);
	free(caller);
}

bool lsvm_caller_send(struct lsvm_agent *agent, struct caller *caller, const char *text,
		      size_t length)
{
	/* Failing is a fact that comes by itself, and ends it. */
	agent->io->send(agent->host, caller->channel, text, length, NULL, 0);
	return true;
}

/* Told as an event, but not more often than once a minute. */
static void tell_refusal(struct lsvm_agent *agent, const char *why)
{
	struct control *control = agent->control;
	const uint64_t now = agent_now(agent);
	char more[64] = "";

	if (control->refused_ns && now - control->refused_ns < REFUSED_EVERY_NS) {
		control->refused_count++;
		return;
	}
	if (control->refused_count)
		snprintf(more, sizeof(more), "; and %zu others before",
			 control->refused_count);
	control->refused_ns = now ? now : 1;
	control->refused_count = 0;
	lsvm_agent_say(agent, LSVM_EVENT_REFUSED, LSVM_SEVERITY_WARNING, "control",
		       "a caller was let go: %s%s", why, more);
}

void lsvm_caller_refuse(struct lsvm_agent *agent, struct caller *caller, int err,
			const char *why)
{
	const bool torn = caller->begun && (caller->work == CALLER_REPORTS ||
					    caller->work == CALLER_EVENTS);
	struct buf buf = { 0 };

	/* An answer that was begun ends here: the reason has a line of its own. */
	if (torn)
		lsvm_buf_text(&buf, "\n");
	lsvm_control_error(&buf, err, why);
	if (!buf.failed)
		lsvm_caller_send(agent, caller, buf.data, buf.length);
	lsvm_buf_free(&buf);
	drop_caller(agent, caller);
	tell_refusal(agent, why);
}

/* ---- what they say ---- */

static void take_bytes(struct lsvm_agent *agent, struct caller *caller,
		       const uint8_t *bytes, size_t length)
{
	unsigned requests = 0;

	caller->heard_ns = agent_now(agent);
	for (; length; bytes++, length--) {
		size_t had = caller->length;

		if (*bytes != '\n') {
			if (had == sizeof(caller->line)) {
				lsvm_caller_refuse(agent, caller, LSVM_ERR_LIMIT,
						   "a line of more than 4096 bytes");
				return;
			}
			caller->line[caller->length++] = (char)*bytes;
			continue;
		}
		caller->length = 0;
		if (++requests > CONTROL_REQUESTS_AT_ONCE || caller->work) {
			lsvm_caller_refuse(agent, caller, LSVM_ERR_LIMIT,
					   "more was asked before the answer came");
			return;
		}
		if (!lsvm_control_line(agent, caller, caller->line, had))
			return;
	}
}

static void take_caller(struct lsvm_agent *agent, struct seat *seat,
			const struct io_event *event)
{
	struct caller *caller = (struct caller *)seat; /* its first member */

	if (event->fact == IO_BYTES) {
		take_bytes(agent, caller, event->bytes, event->length);
	} else if (event->fact == IO_FAILED) {
		if (event->error == IO_ERROR_OVERFLOW)
			tell_refusal(agent, "it takes nothing of what it asked for");
		drop_caller(agent, caller);
	} else if (event->fact == IO_ENDED) {
		/* It asks nothing more; what it has asked for is still answered. */
		caller->ended = true;
		if (caller->work == CALLER_IDLE || caller->work == CALLER_FOLLOWS)
			drop_caller(agent, caller);
	}
}

static void take_new(struct lsvm_agent *agent, struct channel *channel)
{
	struct control *control = agent->control;
	struct caller *caller = NULL;
	struct buf buf = { 0 };

	if (control->caller_count < CONTROL_CALLERS_MAX)
		caller = calloc(1, sizeof(*caller));
	if (!caller) {
		lsvm_control_error(&buf, LSVM_ERR_BUSY,
				   "too many others are connected; try again later");
		if (!buf.failed)
			agent->io->send(agent->host, channel, buf.data, buf.length, NULL,
					0);
		lsvm_buf_free(&buf);
		agent->io->close(agent->host, channel);
		tell_refusal(agent, "too many others are connected");
		return;
	}
	caller->seat.take = take_caller;
	caller->channel = channel;
	caller->heard_ns = agent_now(agent);
	caller->next = control->callers;
	control->callers = caller;
	control->caller_count++;
	agent->io->adopt(agent->host, channel, &caller->seat);
}

/* ---- where they connect ---- */

static void reopen_later(struct lsvm_agent *agent)
{
	struct control *control = agent->control;

	control->reopen_ns = lsvm_retry_next(&control->retry, agent_now(agent));
}

static void open_socket(struct lsvm_agent *agent)
{
	struct control *control = agent->control;
	const struct channel_spec spec = { .kind = CHANNEL_LISTEN_LOCAL,
					   .path = control->path,
					   .mode = SOCKET_MODE };

	control->reopen_ns = IO_NEVER;
	if (agent->io->open(agent->host, &spec, &control->seat, &control->channel) >= 0)
		return;
	control->channel = NULL;
	lsvm_agent_trouble(agent, &control->trouble, "control",
			   lsvm_ctx_error_text(agent->ctx));
	reopen_later(agent);
}

static void take_socket(struct lsvm_agent *agent, struct seat *seat,
			const struct io_event *event)
{
	struct control *control = agent->control;
	char text[EVENT_TEXT_BYTES];

	if (event->fact == IO_ACCEPTED) {
		control->retry = (struct retry){ 0 };
		lsvm_agent_well(agent, &control->trouble, "control");
		take_new(agent, event->accepted);
		return;
	}
	if (event->fact != IO_FAILED)
		return;
	if (event->error == IO_ERROR_ADDRESS)
		snprintf(text, sizeof(text),
			 "another agent answers at %s; end it, or give one of the two "
			 "another --control",
			 control->path);
	else
		snprintf(text, sizeof(text), "%s: %s; nobody can ask this agent",
			 control->path,
			 event->text ? event->text : lsvm_io_error_text(event->error));
	agent->io->close(agent->host, control->channel);
	control->channel = NULL;
	lsvm_agent_trouble(agent, &control->trouble, "control", text);
	reopen_later(agent);
}

/* ---- one piece of work ---- */

uint64_t lsvm_control_first_kept(const struct control *control)
{
	return control->last_number > CONTROL_EVENTS_KEPT
		       ? control->last_number - CONTROL_EVENTS_KEPT + 1
		       : 1;
}

static size_t waiting_bytes(const struct lsvm_agent *agent, const struct caller *caller)
{
	return agent->io->waiting(agent->host, caller->channel);
}

static bool has_work(const struct lsvm_agent *agent, const struct caller *caller)
{
	const struct control *control = agent->control;
	bool work = false;

	switch (caller->work) {
	case CALLER_IDLE:
	case CALLER_RELOADS:
		break;
	case CALLER_REPORTS:
	case CALLER_EVENTS:
		work = true;
		break;
	case CALLER_FOLLOWS:
		work = caller->number <= control->last_number;
		break;
	}
	return work && waiting_bytes(agent, caller) <= CONTROL_WAITING_BYTES;
}

/* It has its answer, and goes if it said so. */
static void caller_is_idle(struct lsvm_agent *agent, struct caller *caller)
{
	lsvm_report_free(&caller->report);
	caller->report = (struct report){ 0 };
	caller->work = CALLER_IDLE;
	caller->heard_ns = agent_now(agent);
	if (caller->ended)
		drop_caller(agent, caller);
}

/* Figures travel as text inside JSON. */
static void add_quoted(struct buf *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\n')
			lsvm_buf_text(out, "\\n");
		else if (text[i] == '"' || text[i] == '\\')
			lsvm_buf_printf(out, "\\%c", text[i]);
		else if ((unsigned char)text[i] < 0x20)
			lsvm_buf_printf(out, "\\u%04x", text[i]);
		else
			lsvm_buf_add(out, &text[i], 1);
}

static void report_piece(struct lsvm_agent *agent, struct caller *caller)
{
	const bool metrics = caller->report.kind == REPORT_METRICS;
	struct buf piece = { 0 }, out = { 0 };
	int more = lsvm_report_next(agent, &caller->report, &piece);

	if (!caller->begun)
		lsvm_buf_text(&out, metrics ? "{\"ok\":true,\"metrics\":\""
					    : "{\"ok\":true,\"status\":");
	caller->begun = true;
	if (metrics)
		add_quoted(&out, piece.data, piece.length);
	else
		lsvm_buf_add(&out, piece.data, piece.length);
	if (more == 0)
		lsvm_buf_text(&out, metrics ? "\"}\n" : "}\n");
	if (more < 0 || piece.failed || out.failed) {
		/* An answer that was begun cannot become another one. */
		lsvm_agent_trouble(agent, &agent->control->trouble, "control",
				   "memory ran out while an answer was made");
		drop_caller(agent, caller);
	} else {
		lsvm_caller_send(agent, caller, out.data, out.length);
		if (!more)
			caller_is_idle(agent, caller);
	}
	lsvm_buf_free(&piece);
	lsvm_buf_free(&out);
}

static bool add_event(const struct control *control, uint64_t number, const char *before,
		      const char *after, struct buf *out)
{
	const struct event *event = &control->events[number % CONTROL_EVENTS_KEPT];
	json_t *json;
	char *text;

	if (event->number != number)
		return true; /* from before the socket was there */
	json = lsvm_event_json(event);
	text = json ? lsvm_json_text(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!text)
		return false;
	lsvm_buf_text(out, before);
	lsvm_buf_text(out, text);
	lsvm_buf_text(out, after);
	lsvm_free(text);
	return !out->failed;
}

static void follow_piece(struct lsvm_agent *agent, struct caller *caller)
{
	const struct control *control = agent->control;
	struct buf out = { 0 };
	bool whole = true;

	if (caller->number < lsvm_control_first_kept(control)) {
		lsvm_caller_refuse(agent, caller, LSVM_ERR_LIMIT,
				   "it takes events more slowly than they come");
		return;
	}
	for (int i = 0; whole && i < CONTROL_EVENTS_AT_ONCE &&
			caller->number <= control->last_number;
	     i++)
		whole = add_event(control, caller->number++, "", "\n", &out);
	if (whole && out.length)
		lsvm_caller_send(agent, caller, out.data, out.length);
	lsvm_buf_free(&out);
	if (!whole)
		drop_caller(agent, caller);
}

static void events_piece(struct lsvm_agent *agent, struct caller *caller)
{
	const struct control *control = agent->control;
	struct buf out = { 0 };
	bool whole = true;

	if (caller->number < lsvm_control_first_kept(control))
		caller->number = lsvm_control_first_kept(control);
	if (!caller->begun)
		lsvm_buf_text(&out, "{\"ok\":true,\"events\":[");
	for (int i = 0;
	     whole && i < CONTROL_EVENTS_AT_ONCE && caller->number <= caller->last; i++) {
		size_t before = out.length;

		whole = add_event(control, caller->number++,
				  caller->report.written ? "," : "", "", &out);
		caller->report.written += out.length != before;
	}
	caller->begun = true;
	if (caller->number > caller->last)
		lsvm_buf_printf(&out, "],\"last\":%llu}\n",
				(unsigned long long)caller->last);
	if (whole && !out.failed)
		lsvm_caller_send(agent, caller, out.data, out.length);
	lsvm_buf_free(&out);
	if (!whole)
		drop_caller(agent, caller);
	else if (caller->number > caller->last)
		caller_is_idle(agent, caller);
}

static void do_piece(struct lsvm_agent *agent, struct caller *caller)
{
	switch (caller->work) {
	case CALLER_REPORTS:
		report_piece(agent, caller);
		break;
	case CALLER_EVENTS:
		events_piece(agent, caller);
		break;
	case CALLER_FOLLOWS:
		follow_piece(agent, caller);
		break;
	case CALLER_IDLE:
	case CALLER_RELOADS:
		break;
	}
}

/* The next caller with work after the last one that had its turn. */
static struct caller *next_with_work(const struct lsvm_agent *agent)
{
	const struct control *control = agent->control;
	struct caller *first = control->turn ? control->turn : control->callers;
	struct caller *at = first;

	while (at) {
		if (has_work(agent, at))
			return at;
		at = at->next ? at->next : control->callers;
		if (at == first)
			return NULL;
	}
	return NULL;
}

/* ---- the part ---- */

static int control_set(struct lsvm_agent *agent, enum lsvm_agent_option option,
		       const char *value)
{
	struct control *control = agent->control;

	if (option != LSVM_AGENT_CONTROL)
		return LSVM_ERR_UNSUPPORTED;
	if (value[0] && value[0] != '/')
		return lsvm_fail(agent->ctx, LSVM_ERR_ARGUMENT,
				 "the control socket's path begins with /, not '%.64s'",
				 value);
	if (!control) {
		control = agent->control = calloc(1, sizeof(*control));
		if (!control)
			return lsvm_fail_nomem(agent->ctx);
		control->reopen_ns = IO_NEVER;
	}
	free(control->path);
	control->path = strdup(value);
	/* From now on: what happens at the start is asked for later. */
	if (!control->events && value[0])
		control->events = calloc(CONTROL_EVENTS_KEPT, sizeof(*control->events));
	return control->path && (control->events || !value[0])
		       ? 0
		       : lsvm_fail_nomem(agent->ctx);
}

static int control_start(struct lsvm_agent *agent)
{
	struct control *control = agent->control;

	if (!control || !control->path[0])
		return 0;
	control->seat.take = take_socket;
	open_socket(agent);
	return 0;
}

static void control_heard(struct lsvm_agent *agent, const struct event *event)
{
	struct control *control = agent->control;

	if (!control || !control->events)
		return;
	control->events[event->number % CONTROL_EVENTS_KEPT] = *event;
	control->last_number = event->number;
}

static uint64_t control_deadline(const struct lsvm_agent *agent)
{
	const struct control *control = agent->control;
	uint64_t deadline;

	if (!control)
		return IO_NEVER;
	deadline = control->reopen_ns;
	for (const struct caller *at = control->callers; at; at = at->next) {
		if (has_work(agent, at))
			return 0;
		if (at->work == CALLER_IDLE && at->heard_ns + CONTROL_IDLE_NS < deadline)
			deadline = at->heard_ns + CONTROL_IDLE_NS;
	}
	return deadline;
}

static void control_tick(struct lsvm_agent *agent, uint64_t now_ns)
{
	struct control *control = agent->control;
	struct caller *caller = next_with_work(agent), *next;

	if (caller) {
		control->turn = caller->next;
		do_piece(agent, caller);
	}
	for (struct caller *at = control->callers; at; at = next) {
		next = at->next;
		if (at->work == CALLER_IDLE && at->heard_ns + CONTROL_IDLE_NS <= now_ns)
			drop_caller(agent, at);
	}
	if (control->reopen_ns <= now_ns)
		open_socket(agent);
}

static void answer_reloads(struct lsvm_agent *agent, const char *text, size_t length)
{
	struct caller *next;

	for (struct caller *at = agent->control->callers; at; at = next) {
		next = at->next;
		if (at->work != CALLER_RELOADS)
			continue;
		lsvm_caller_send(agent, at, text, length);
		caller_is_idle(agent, at);
	}
	agent->control->reload_asked = false;
}

static void control_reload(struct lsvm_agent *agent, bool good)
{
	static const char done[] = "{\"ok\":true}\n";

	/* When it is refused, lsvm_agent_refuse_reload() says why. */
	if (agent->control && good)
		answer_reloads(agent, done, sizeof(done) - 1);
}

static void control_free(struct lsvm_agent *agent)
{
	struct control *control = agent->control;

	if (!control)
		return;
	while (control->callers)
		drop_caller(agent, control->callers);
	agent->io->close(agent->host, control->channel);
	free(control->events);
	free(control->path);
	free(control);
	agent->control = NULL;
}

const struct agent_part lsvm_agent_control = {
	.name = "control",
	.set = control_set,
	.start = control_start,
	.reload = control_reload,
	.deadline = control_deadline,
	.tick = control_tick,
	.heard = control_heard,
	.free = control_free,
};

/* ---- who keeps the cluster file ---- */

bool lsvm_agent_is_reload_asked(struct lsvm_agent *agent)
{
	return agent->control && agent->control->reload_asked;
}

int lsvm_agent_refuse_reload(struct lsvm_agent *agent, const char *why)
{
	struct buf buf = { 0 };

	if (agent->life != AGENT_RUNNING)
		return lsvm_fail(agent->ctx, LSVM_ERR_STATE, "the agent does not run");
	lsvm_agent_say(agent, LSVM_EVENT_REFUSED, LSVM_SEVERITY_ERROR, "reload",
		       "what was in force stays: %s", why);
	if (agent->control) {
		lsvm_control_error(&buf, LSVM_ERR_FINDINGS, why);
		answer_reloads(agent, buf.failed ? "" : buf.data, buf.length);
		lsvm_buf_free(&buf);
	}
	agent->io->wake(agent->host, agent_now(agent));
	return 0;
}
