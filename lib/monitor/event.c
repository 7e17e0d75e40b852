/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events: their words, and how one is filled. */
#include "monitor/event.h"

#include <jansson.h>
#include <stdio.h>

static const struct word kind_words[] = {
	{ LSVM_EVENT_STARTED, "started" },
	{ LSVM_EVENT_STOPPED, "stopped" },
	{ LSVM_EVENT_APPLIED, "applied" },
	{ LSVM_EVENT_FAILED, "failed" },
	{ LSVM_EVENT_REPAIRED, "repaired" },
	{ LSVM_EVENT_RELOADED, "reloaded" },
	{ LSVM_EVENT_STATE, "state" },
	{ LSVM_EVENT_SERVER_UP, "server-up" },
	{ LSVM_EVENT_SERVER_DOWN, "server-down" },
	{ LSVM_EVENT_BACKEND_UP, "backend-up" },
	{ LSVM_EVENT_BACKEND_DOWN, "backend-down" },
	{ LSVM_EVENT_QUORUM_LOST, "quorum-lost" },
	{ LSVM_EVENT_QUORUM_GAINED, "quorum-gained" },
	{ LSVM_EVENT_SORRY_ON, "sorry-on" },
	{ LSVM_EVENT_SORRY_OFF, "sorry-off" },
	{ LSVM_EVENT_FAIL_OPEN_ON, "fail-open-on" },
	{ LSVM_EVENT_FAIL_OPEN_OFF, "fail-open-off" },
	{ LSVM_EVENT_DRAINED, "drained" },
	{ LSVM_EVENT_ENABLED, "enabled" },
	{ LSVM_EVENT_SIGNAL, "signal" },
	{ LSVM_EVENT_REFUSED, "refused" },
	{ LSVM_EVENT_LINK_UP, "link-up" },
	{ LSVM_EVENT_LINK_DOWN, "link-down" },
	{ LSVM_EVENT_SYNCED, "synced" },
	{ LSVM_EVENT_CERTIFICATE, "certificate" },
	{ LSVM_EVENT_LOST, "lost" },
	{ 0, NULL },
};

const char *lsvm_event_kind_name(int kind)
{
	return lsvm_word_name(kind_words, kind);
}

int lsvm_event_kind_parse(const char *name)
{
	return lsvm_word_value(kind_words, name);
}

void lsvm_event_set(struct event *event, enum lsvm_event_kind kind,
		    enum lsvm_severity severity, const char *subject, const char *fmt,
		    ...)
{
	static const char ellipsis[] = "\xe2\x80\xa6";
	va_list arguments;
	int length;

	event->kind = kind;
	event->severity = severity;
	snprintf(event->subject, sizeof(event->subject), "%s", subject);
	va_start(arguments, fmt);
	length = vsnprintf(event->text, sizeof(event->text), fmt, arguments);
	va_end(arguments);
	if (length >= (int)sizeof(event->text))
		memcpy(event->text + sizeof(event->text) - sizeof(ellipsis), ellipsis,
		       sizeof(ellipsis));
}

json_t *lsvm_event_json(const struct event *event)
{
	return json_pack("{s:s, s:I, s:I, s:s, s:s, s:s, s:s}", "schema", "lsvm-event/1",
			 "number", (json_int_t)event->number, "time_ms",
			 (json_int_t)event->time_ms, "kind",
			 lsvm_event_kind_name((int)event->kind), "severity",
			 lsvm_severity_name((int)event->severity), "subject",
			 event->subject, "text", event->text);
}
