/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all engines share: a probe's life, its sentences, and ways to read what comes in
 * pieces without keeping more of it than a bounded part.
 */
#include "health/probe.h"

#include <stdio.h>
#include <stdlib.h>

/* A buffer that a probe keeps for the next one. */
#define KEPT_BYTES 1024

/* ---- life ---- */

struct probe *lsvm_probe_take(struct health *health)
{
	struct probe *probe = health->stock;

	if (probe) {
		health->stock = probe->stock;
		return probe;
	}
	probe = calloc(1, sizeof(*probe));
	if (!probe)
		return NULL;
	probe->health = health;
	probe->all = health->probes;
	health->probes = probe;
	return probe;
}

static void empty(struct buf *buf)
{
	if (buf->capacity > KEPT_BYTES || buf->failed)
		lsvm_buf_free(buf);
	buf->length = 0;
}

void lsvm_probe_give_back(struct health *health, struct probe *probe)
{
	lsvm_digest_free(probe->digest);
	probe->digest = NULL;
	empty(&probe->in);
	empty(&probe->out_buf);
	probe->target = NULL;
	probe->io = NULL;
	probe->connected = probe->decided = probe->closing = probe->warned = false;
	probe->curt = probe->lingers = false;
	probe->stage = probe->verdict = 0;
	probe->waiting_for = probe->cause = NULL;
	probe->out = NULL;
	probe->out_length = 0;
	probe->in_bytes = probe->found = 0;
	probe->line_length = 0;
	memset(&probe->http, 0, sizeof(probe->http));
	probe->stock = health->stock;
	health->stock = probe;
}

void lsvm_probe_orphan(struct health *health, struct probe *probe)
{
	probe->closing = true;
	probe->target = NULL;
	probe->out = NULL; /* it may be the recipe's, which goes too */
	probe->out_length = 0;
	lsvm_health_want(health, &probe->waiting, WANT_CLOSE);
	probe->waiting.wants = WANT_CLOSE;
}

void lsvm_probes_free(struct health *health)
{
	while (health->probes) {
		struct probe *probe = health->probes;

		health->probes = probe->all;
		lsvm_digest_free(probe->digest);
		lsvm_buf_free(&probe->in);
		lsvm_buf_free(&probe->out_buf);
		free(probe);
	}
}

/* ---- verdicts ---- */

void lsvm_probe_good(struct probe *probe)
{
	if (!probe->verdict)
		probe->verdict = VERDICT_GOOD;
}

void lsvm_probe_bad(struct probe *probe, const char *fmt, ...)
{
	va_list args;

	if (probe->verdict)
		return;
	probe->verdict = VERDICT_BAD;
	probe->cause = probe->cause_text;
	va_start(args, fmt);
	vsnprintf(probe->cause_text, sizeof(probe->cause_text), fmt, args);
	va_end(args);
}

/* The commonest of them cost no printing. */
static void bad_fixed(struct probe *probe, const char *cause)
{
	if (probe->verdict)
		return;
	probe->verdict = VERDICT_BAD;
	probe->cause = cause;
}

void lsvm_probe_void(struct probe *probe, const char *why)
{
	if (probe->verdict)
		return;
	probe->verdict = VERDICT_VOID;
	probe->cause = probe->cause_text;
	snprintf(probe->cause_text, sizeof(probe->cause_text), "not probed: %s", why);
}

void lsvm_probe_warn(struct probe *probe, const char *fmt, ...)
{
	char text[PROBE_CAUSE_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	probe->warned = true;
	lsvm_target_warn(probe->health, probe->target, text);
}

/* ---- facts ---- */

static void connected(struct probe *probe, const struct tls_facts *tls)
{
	char subject[PROBE_QUOTE_BYTES];

	if (tls && tls->days_left < 14) {
		lsvm_probe_quote(tls->subject ? tls->subject : "",
				 tls->subject ? strlen(tls->subject) : 0, subject);
		if (tls->days_left < 0)
			lsvm_probe_warn(probe, "its certificate (%s) has expired",
					subject);
		else
			lsvm_probe_warn(probe,
					"its certificate (%s) expires in %lld days",
					subject, (long long)tls->days_left);
	}
	probe->connected = true;
	probe->engine->start(probe);
}

static uint64_t elapsed_ms(const struct probe *probe)
{
	return (probe->now_ns - probe->start_ns) / IO_MS;
}

static void failed(struct probe *probe, enum io_error error, const char *text)
{
	const bool datagrams = probe->engine->channel == CHANNEL_UDP ||
			       probe->engine->channel == CHANNEL_PING;
	char quoted[PROBE_QUOTE_BYTES];

	lsvm_probe_quote(text ? text : "", text ? strlen(text) : 0, quoted);
	switch (error) {
	case IO_ERROR_REFUSED:
		bad_fixed(probe, datagrams ? "port unreachable" : "connect refused");
		return;
	case IO_ERROR_UNREACHABLE:
		probe->target->unreachable_ns = probe->now_ns;
		bad_fixed(probe, "no route to it");
		return;
	case IO_ERROR_RESET:
		if (probe->connected && probe->waiting_for)
			lsvm_probe_bad(probe, "connection reset while waiting for %s",
				       probe->waiting_for);
		else
			bad_fixed(probe, "connection reset");
		return;
	case IO_ERROR_TIMEOUT:
		lsvm_probe_bad(probe, "connect timed out after %llu ms",
			       (unsigned long long)elapsed_ms(probe));
		return;
	case IO_ERROR_TLS:
		lsvm_probe_bad(probe, "TLS handshake failed: %s", quoted);
		return;
	case IO_ERROR_CERTIFICATE:
		lsvm_probe_bad(probe, "certificate not trusted: %s", quoted);
		return;
	case IO_ERROR_PERMISSION:
		if (probe->engine->channel == CHANNEL_PROGRAM)
			break; /* it is not executable */
		lsvm_probe_void(probe, lsvm_io_error_text(error));
		return;
	case IO_ERROR_RESOURCES:
	case IO_ERROR_ADDRESS:
		lsvm_probe_void(probe, lsvm_io_error_text(error));
		return;
	case IO_ERROR_NONE:
	case IO_ERROR_OVERFLOW:
	case IO_ERROR_OTHER:
		break;
	}
	lsvm_probe_bad(probe, "%s%s%s", lsvm_io_error_text(error), *quoted ? ": " : "",
		       quoted);
}

static void ended(struct probe *probe, int status)
{
	if (probe->engine->ended)
		probe->engine->ended(probe, status);
	if (!probe->verdict && probe->waiting_for)
		lsvm_probe_bad(probe, "connection closed before %s", probe->waiting_for);
	bad_fixed(probe, "connection closed");
}

void lsvm_probe_input(struct probe *probe, const struct io_event *event)
{
	switch (event->fact) {
	case IO_CONNECTED:
		if (!probe->connected)
			connected(probe, event->tls);
		break;
	case IO_BYTES:
		if (probe->connected && event->length && probe->engine->input)
			probe->engine->input(probe, event->bytes, event->length);
		break;
	case IO_ENDED:
		if (probe->engine->channel != CHANNEL_PROGRAM)
			ended(probe, 0);
		break;
	case IO_EXITED:
		ended(probe, event->status);
		break;
	case IO_FAILED:
		failed(probe, event->error, event->text);
		break;
	case IO_NOTHING:
	case IO_ACCEPTED:
	case IO_LINK:
	case IO_REQUEST:
	case IO_DRAINED:
		break;
	}
	if (!probe->verdict && (probe->in.failed || probe->out_buf.failed))
		lsvm_probe_void(probe, "out of memory");
}

void lsvm_probe_late(struct probe *probe)
{
	/* What was allowed, not how late we are: the same words each time. */
	const unsigned ms = (unsigned)(probe->recipe->timeout_ns / IO_MS);

	if (!probe->connected) {
		lsvm_probe_bad(probe, "connect timed out after %u ms", ms);
		return;
	}
	if (probe->engine->late)
		probe->engine->late(probe);
	if (!probe->verdict)
		lsvm_probe_bad(probe, "no %s after %u ms",
			       probe->waiting_for ? probe->waiting_for : "answer", ms);
}

/* ---- sending ---- */

void lsvm_probe_send(struct probe *probe, const void *bytes, size_t length)
{
	if (!probe->out_length)
		probe->out_buf.length = 0;
	lsvm_buf_add(&probe->out_buf, bytes, length);
	if (probe->out_buf.failed)
		return;
	probe->out = (const uint8_t *)probe->out_buf.data;
	probe->out_length = probe->out_buf.length;
	lsvm_health_want(probe->health, &probe->waiting, WANT_SEND);
}

void lsvm_probe_send_fixed(struct probe *probe, const struct bytes *bytes)
{
	probe->out = bytes->at;
	probe->out_length = bytes->length;
	lsvm_health_want(probe->health, &probe->waiting, WANT_SEND);
}

/* ---- reading ---- */

bool lsvm_probe_line(struct probe *probe, const uint8_t **bytes, size_t *length)
{
	while (*length) {
		const uint8_t byte = *(*bytes)++;

		(*length)--;
		if (++probe->in_bytes > PROBE_TALK_BYTES) {
			lsvm_probe_bad(
				probe, "more than %u bytes and no %s", PROBE_TALK_BYTES,
				probe->waiting_for ? probe->waiting_for : "answer");
			return false;
		}
		if (byte == '\n') {
			if (probe->line_length &&
			    probe->line[probe->line_length - 1] == '\r')
				probe->line_length--;
			probe->line[probe->line_length] = '\0';
			return true;
		}
		if (probe->line_length < sizeof(probe->line) - 1)
			probe->line[probe->line_length++] = (char)byte;
	}
	return false;
}

void lsvm_probe_line_done(struct probe *probe)
{
	probe->line_length = 0;
}

bool lsvm_probe_gather(struct probe *probe, size_t wanted, const uint8_t **bytes,
		       size_t *length)
{
	size_t take = 0;

	if (probe->in.length < wanted) {
		take = wanted - probe->in.length;
		if (take > *length)
			take = *length;
		lsvm_buf_add(&probe->in, *bytes, take);
	}
	*bytes += take;
	*length -= take;
	return !probe->in.failed && probe->in.length >= wanted;
}

bool lsvm_probe_find(struct probe *probe, const uint8_t *bytes, size_t length)
{
	const struct needle *needle = &probe->recipe->needle;
	size_t fit = probe->found;

	for (size_t i = 0; i < length && fit < needle->text.length; i++) {
		while (fit && bytes[i] != needle->text.at[fit])
			fit = needle->fits[fit - 1];
		fit += bytes[i] == needle->text.at[fit];
	}
	probe->found = (uint32_t)fit;
	return fit == needle->text.length;
}

const char *lsvm_probe_quote(const void *bytes, size_t length, char *ret)
{
	const uint8_t *from = bytes;
	size_t at = 0;

	for (; at < length && at < 60; at++)
		ret[at] = from[at] < ' ' || from[at] >= 0x7f ? '?' : (char)from[at];
	ret[at] = '\0';
	if (at < length)
		memcpy(ret + at, "...", 4);
	return ret;
}

uint32_t lsvm_probe_random(struct probe *probe)
{
	return (uint32_t)lsvm_health_random(probe->health);
}
