/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events written down. When that fails it is an event once, and nothing else suffers;
 * when it works again a line says how many are missing.
 */
#include "agent/agent.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_BYTES (EVENT_SUBJECT_BYTES + EVENT_TEXT_BYTES + 64)

struct log_part {
	char *to;
	struct trouble trouble;
	char failure[EVENT_TEXT_BYTES]; /* to be told by the next tick; "": none */
	bool works_again;		/* the same */
	uint64_t missing;
};

static int priority_of(enum lsvm_severity severity)
{
	switch (severity) {
	case LSVM_SEVERITY_ERROR:
		return 3;
	case LSVM_SEVERITY_WARNING:
		return 4;
	case LSVM_SEVERITY_NOTICE:
	case LSVM_SEVERITY_UNKNOWN:
		break;
	}
	return 5;
}

static int write_line(struct lsvm_agent *agent, const struct event *event,
		      const char *text)
{
	const struct io_log line = {
		.priority = priority_of(event->severity),
		.wall_ms = event->time_ms,
		.name = agent->role == LSVM_ROLE_DIRECTOR ? "svm-eds" : "svm-eps",
		.text = text,
		.subject = event->subject,
		.kind = lsvm_event_kind_name((int)event->kind),
	};

	return agent->io->log(agent->host, agent->log->to, &line);
}

/* An event about the log would be one more for the log: it waits for the tick. */
static void log_heard(struct lsvm_agent *agent, const struct event *event)
{
	struct log_part *log = agent->log;
	char text[LINE_BYTES];
	int err;

	if (!log)
		return;
	if (log->missing) {
		snprintf(text, sizeof(text), "%llu lines before this one are missing",
			 (unsigned long long)log->missing);
		err = write_line(agent, event, text);
		if (err < 0) {
			log->missing++;
			return;
		}
		log->missing = 0;
		log->works_again = true;
	}
	snprintf(text, sizeof(text), "%s %s %s: %s",
		 lsvm_severity_name((int)event->severity),
		 lsvm_event_kind_name((int)event->kind), event->subject, event->text);
	err = write_line(agent, event, text);
	if (err >= 0)
		return;
	log->missing++;
	snprintf(log->failure, sizeof(log->failure), "%s",
		 lsvm_ctx_error_text(agent->ctx));
}

static int log_set(struct lsvm_agent *agent, enum lsvm_agent_option option,
		   const char *value)
{
	if (option != LSVM_AGENT_LOG)
		return LSVM_ERR_UNSUPPORTED;
	if (!agent->io->log)
		return lsvm_fail(agent->ctx, LSVM_ERR_UNSUPPORTED,
				 "a machine in memory keeps no logs");
	if (strcmp(value, "journal") != 0 && value[0] != '/')
		return lsvm_fail(agent->ctx, LSVM_ERR_ARGUMENT,
				 "a log is \"journal\", or a file whose path begins with "
				 "/, not '%.64s'",
				 value);
	if (!agent->log)
		agent->log = calloc(1, sizeof(*agent->log));
	if (!agent->log)
		return lsvm_fail_nomem(agent->ctx);
	free(agent->log->to);
	agent->log->to = strdup(value);
	return agent->log->to ? 0 : lsvm_fail_nomem(agent->ctx);
}

static uint64_t log_deadline(const struct lsvm_agent *agent)
{
	const struct log_part *log = agent->log;

	return log && (log->failure[0] || log->works_again) ? 0 : IO_NEVER;
}

static void log_tick(struct lsvm_agent *agent, uint64_t now_ns)
{
	struct log_part *log = agent->log;
	char text[EVENT_TEXT_BYTES];

	if (log->works_again) {
		log->works_again = false;
		lsvm_agent_well(agent, &log->trouble, "log");
	}
	if (!log->failure[0])
		return;
	memcpy(text, log->failure, sizeof(text));
	log->failure[0] = '\0';
	lsvm_agent_trouble(agent, &log->trouble, "log", text);
	/* The event about it failed too, and was the same. */
	log->failure[0] = '\0';
}

static void log_free(struct lsvm_agent *agent)
{
	if (!agent->log)
		return;
	free(agent->log->to);
	free(agent->log);
	agent->log = NULL;
}

const struct agent_part lsvm_agent_log = {
	.name = "log",
	.set = log_set,
	.deadline = log_deadline,
	.tick = log_tick,
	.heard = log_heard,
	.free = log_free,
};
