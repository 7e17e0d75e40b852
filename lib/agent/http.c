/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * GET /metrics and GET /status, on a port that somebody asked for.
 *
 * Answers are made piece by piece, in turn, and handed over whole; of more than a few
 * askers at once the rest are told to come again.
 */
#include "agent/report.h"

#include <stdio.h>
#include <stdlib.h>

#define ASKERS_MAX 8
#define RETRY_TEXT "too many ask at once; come again\n"

struct asker {
	struct channel *request;
	struct report report;
	struct buf text;
};

struct http {
	struct seat seat;
	struct addr addr;
	uint16_t port;
	struct channel *channel; /* NULL: not open */
	struct retry retry;
	uint64_t reopen_ns; /* IO_NEVER: it is open, or not wanted */
	struct trouble trouble;
	struct asker askers[ASKERS_MAX]; /* the first one has its turn */
	size_t asker_count;
};

/* ---- requests ---- */

static void reply(struct lsvm_agent *agent, struct channel *request, int status,
		  const char *type, const char *text, size_t length)
{
	agent->io->reply(agent->host, request, status, type, text, length);
}

static void reply_text(struct lsvm_agent *agent, struct channel *request, int status,
		       const char *text)
{
	reply(agent, request, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void take_request(struct lsvm_agent *agent, const struct io_event *event)
{
	struct http *http = agent->http;
	struct asker *asker = &http->askers[http->asker_count];
	const size_t path = event->text ? strcspn(event->text, "?") : 0;
	bool metrics = path == 8 && strncmp(event->text, "/metrics", 8) == 0,
	     status = path == 7 && strncmp(event->text, "/status", 7) == 0;

	if (!metrics && !status) {
		reply_text(agent, event->accepted, 404,
			   "there are /metrics and /status\n");
		return;
	}
	if (http->asker_count == ASKERS_MAX) {
		reply_text(agent, event->accepted, 503, RETRY_TEXT);
		return;
	}
	*asker =
		(struct asker){ .request = event->accepted,
				.report.kind = metrics ? REPORT_METRICS : REPORT_STATUS };
	http->asker_count++;
}

static void drop_first(struct http *http)
{
	lsvm_report_free(&http->askers[0].report);
	lsvm_buf_free(&http->askers[0].text);
	http->asker_count--;
	memmove(&http->askers[0], &http->askers[1],
		http->asker_count * sizeof(http->askers[0]));
}

static void one_piece(struct lsvm_agent *agent)
{
	struct asker *asker = &agent->http->askers[0];
	int more = lsvm_report_next(agent, &asker->report, &asker->text);

	if (more > 0 && !asker->text.failed)
		return;
	if (more < 0 || asker->text.failed)
		reply_text(agent, asker->request, 503, "memory ran out; come again\n");
	else
		reply(agent, asker->request, 200,
		      asker->report.kind == REPORT_METRICS
			      ? EXPOSITION_TYPE
			      : "application/json; charset=utf-8",
		      asker->text.data, asker->text.length);
	drop_first(agent->http);
}

/* ---- the port ---- */

static void reopen_later(struct lsvm_agent *agent, const char *text)
{
	struct http *http = agent->http;
	char endpoint[LSVM_ADDRESS_TEXT_BYTES], sentence[EVENT_TEXT_BYTES];

	snprintf(sentence, sizeof(sentence), "http://%s: %s; it is tried again",
		 lsvm_endpoint_text(&http->addr, http->port, endpoint), text);
	lsvm_agent_trouble(agent, &http->trouble, "metrics", sentence);
	http->channel = NULL;
	http->reopen_ns = lsvm_retry_next(&http->retry, agent_now(agent));
}

static void open_port(struct lsvm_agent *agent)
{
	struct http *http = agent->http;
	const struct channel_spec spec = { .kind = CHANNEL_HTTP,
					   .local = http->addr,
					   .local_port = http->port };

	http->reopen_ns = IO_NEVER;
	if (agent->io->open(agent->host, &spec, &http->seat, &http->channel) < 0)
		reopen_later(agent, lsvm_ctx_error_text(agent->ctx));
}

/* The server's requests go with it. */
static void close_port(struct lsvm_agent *agent)
{
	while (agent->http->asker_count)
		drop_first(agent->http);
	agent->io->close(agent->host, agent->http->channel);
	agent->http->channel = NULL;
}

static void take(struct lsvm_agent *agent, struct seat *seat,
		 const struct io_event *event)
{
	if (event->fact == IO_REQUEST) {
		agent->http->retry = (struct retry){ 0 };
		lsvm_agent_well(agent, &agent->http->trouble, "metrics");
		take_request(agent, event);
	} else if (event->fact == IO_FAILED) {
		char text[EVENT_TEXT_BYTES];

		snprintf(text, sizeof(text), "%s",
			 event->text ? event->text : lsvm_io_error_text(event->error));
		close_port(agent);
		reopen_later(agent, text);
	}
}

/* ---- the part ---- */

static int http_set(struct lsvm_agent *agent, enum lsvm_agent_option option,
		    const char *value)
{
	struct http http = { .seat.take = take, .reopen_ns = IO_NEVER };

	if (option != LSVM_AGENT_METRICS)
		return LSVM_ERR_UNSUPPORTED;
	if (!lsvm_endpoint_parse(value, &http.addr, &http.port) || !http.port)
		return lsvm_fail(agent->ctx, LSVM_ERR_ARGUMENT,
				 "metrics need an address and a port, as 127.0.0.1:9100, "
				 "not '%.64s'",
				 value);
	if (!agent->http) {
		agent->http = malloc(sizeof(*agent->http));
		if (!agent->http)
			return lsvm_fail_nomem(agent->ctx);
	}
	*agent->http = http;
	return 0;
}

static int http_start(struct lsvm_agent *agent)
{
	if (agent->http)
		open_port(agent);
	return 0;
}

static uint64_t http_deadline(const struct lsvm_agent *agent)
{
	const struct http *http = agent->http;

	if (!http)
		return IO_NEVER;
	return http->asker_count ? 0 : http->reopen_ns;
}

static void http_tick(struct lsvm_agent *agent, uint64_t now_ns)
{
	if (agent->http->asker_count)
		one_piece(agent);
	else if (agent->http->reopen_ns <= now_ns)
		open_port(agent);
}

static void http_free(struct lsvm_agent *agent)
{
	if (!agent->http)
		return;
	close_port(agent);
	free(agent->http);
	agent->http = NULL;
}

const struct agent_part lsvm_agent_http = {
	.name = "http",
	.set = http_set,
	.start = http_start,
	.deadline = http_deadline,
	.tick = http_tick,
	.free = http_free,
};
