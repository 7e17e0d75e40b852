/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an agent tells: numbered in order, heard by its parts at once, kept for whoever
 * pulls. Nobody has to: past AGENT_EVENTS_MAX the oldest goes, and the next one that is
 * pulled says how many are gone.
 */
#include "agent/agent.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

#define RETRY_FIRST_NS IO_S
#define RETRY_LAST_NS (60 * IO_S)

/* ---- for people and programs ---- */

uint64_t lsvm_event_number(const struct lsvm_event *event)
{
	return event->event.number;
}

uint64_t lsvm_event_time_ms(const struct lsvm_event *event)
{
	return event->event.time_ms;
}

int lsvm_event_kind(const struct lsvm_event *event)
{
	return (int)event->event.kind;
}

int lsvm_event_severity(const struct lsvm_event *event)
{
	return (int)event->event.severity;
}

const char *lsvm_event_subject(const struct lsvm_event *event)
{
	return event->event.subject;
}

const char *lsvm_event_text(const struct lsvm_event *event)
{
	return event->event.text;
}

int lsvm_event_to_json(const struct lsvm_event *event, char **ret)
{
	json_t *root = lsvm_event_json(&event->event);
	char *text = root ? lsvm_json_text(root, JSON_COMPACT) : NULL;

	json_decref(root);
	if (!text)
		return LSVM_ERR_NOMEM;
	*ret = text;
	return 0;
}

void lsvm_event_free(struct lsvm_event *event)
{
	free(event);
}

/* ---- in the agent ---- */

static void drop_oldest(struct lsvm_agent *agent)
{
	struct lsvm_event *event = agent->oldest;

	agent->oldest = event->next;
	if (!agent->oldest)
		agent->newest = NULL;
	agent->event_count--;
	agent->lost_count++;
	free(event);
}

static void keep_event(struct lsvm_agent *agent, const struct event *event)
{
	struct lsvm_event *kept = malloc(sizeof(*kept));

	if (!kept) {
		agent->lost_count++;
		return;
	}
	kept->event = *event;
	kept->next = NULL;
	if (agent->newest)
		agent->newest->next = kept;
	else
		agent->oldest = kept;
	agent->newest = kept;
	agent->event_count++;
	if (agent->event_count > AGENT_EVENTS_MAX)
		drop_oldest(agent);
}

void lsvm_agent_tell(struct lsvm_agent *agent, const struct event *event)
{
	struct event dated = *event;

	/* One that is being freed has nobody to tell. */
	if (agent->life == AGENT_FINISHED)
		return;
	dated.number = ++agent->last_number;
	dated.time_ms = agent->io->wall_ms(agent->host);
	if ((size_t)dated.kind < ARRAY_SIZE(agent->kind_counts))
		agent->kind_counts[dated.kind]++;
	for (size_t i = 0; lsvm_agent_parts[i]; i++)
		if (lsvm_agent_parts[i]->heard)
			lsvm_agent_parts[i]->heard(agent, &dated);
	keep_event(agent, &dated);
}

void lsvm_agent_say(struct lsvm_agent *agent, enum lsvm_event_kind kind,
		    enum lsvm_severity severity, const char *subject, const char *fmt,
		    ...)
{
	char text[EVENT_TEXT_BYTES];
	struct event event = { 0 };
	va_list arguments;

	va_start(arguments, fmt);
	vsnprintf(text, sizeof(text), fmt, arguments);
	va_end(arguments);
	lsvm_event_set(&event, kind, severity, subject, "%s", text);
	lsvm_agent_tell(agent, &event);
}

void lsvm_agent_trouble(struct lsvm_agent *agent, struct trouble *trouble,
			const char *subject, const char *text)
{
	if (strncmp(trouble->text, text, sizeof(trouble->text) - 1) == 0)
		return;
	snprintf(trouble->text, sizeof(trouble->text), "%s", text);
	lsvm_agent_say(agent, LSVM_EVENT_FAILED, LSVM_SEVERITY_ERROR, subject, "%s",
		       text);
}

void lsvm_agent_well(struct lsvm_agent *agent, struct trouble *trouble,
		     const char *subject)
{
	if (!trouble->text[0])
		return;
	trouble->text[0] = '\0';
	lsvm_agent_say(agent, LSVM_EVENT_APPLIED, LSVM_SEVERITY_NOTICE, subject,
		       "works again");
}

uint64_t lsvm_retry_next(struct retry *retry, uint64_t now_ns)
{
	retry->delay_ns = retry->delay_ns ? retry->delay_ns * 2 : RETRY_FIRST_NS;
	if (retry->delay_ns > RETRY_LAST_NS)
		retry->delay_ns = RETRY_LAST_NS;
	return now_ns + retry->delay_ns;
}

/* An event that says how many are gone, in the place of them. */
static int next_lost(struct lsvm_agent *agent, struct lsvm_event **ret)
{
	struct lsvm_event *event = calloc(1, sizeof(*event));

	if (!event)
		return lsvm_fail_nomem(agent->ctx);
	lsvm_event_set(&event->event, LSVM_EVENT_LOST, LSVM_SEVERITY_WARNING, "events",
		       "%llu events were not pulled in time and are gone",
		       (unsigned long long)agent->lost_count);
	event->event.number =
		agent->oldest ? agent->oldest->event.number - 1 : agent->last_number;
	event->event.time_ms = agent->io->wall_ms(agent->host);
	agent->lost_count = 0;
	*ret = event;
	return 1;
}

int lsvm_agent_next_event(struct lsvm_agent *agent, struct lsvm_event **ret)
{
	struct lsvm_event *event = agent->oldest;

	if (agent->lost_count)
		return next_lost(agent, ret);
	if (!event)
		return 0;
	agent->oldest = event->next;
	if (!agent->oldest)
		agent->newest = NULL;
	agent->event_count--;
	event->next = NULL;
	*ret = event;
	return 1;
}

void lsvm_agent_events_free(struct lsvm_agent *agent)
{
	struct lsvm_event *next;

	for (struct lsvm_event *at = agent->oldest; at; at = next) {
		next = at->next;
		free(at);
	}
	agent->oldest = agent->newest = NULL;
}
