/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a server's answers. The first byte chooses the kind of check, the second
 * what it asks for, the third the sizes of the pieces. A 0xff 0x00 in the bytes ends the
 * connection, 0xff 0x01 breaks it. Whatever comes: one verdict a probe, memory as bounded
 * as before, a cause for everything bad, and what was opened is closed.
 */
#include "health/probe.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition) ((condition) ? (void)0 : broken(__LINE__))

static void broken(int line)
{
	fprintf(stderr, "line %d: not so\n", line);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct health *health;
	struct probe *probe;
	struct target *target;
	uint64_t now_ns;
	unsigned opened, closed, said;
	bool is_udp, is_dns;
};

static char channel;

static void pull(struct world *w)
{
	struct health_action action;

	while (lsvm_health_next(w->health, &action)) {
		if (action.kind == HEALTH_OPEN) {
			w->opened++;
			w->probe = action.probe;
			lsvm_health_opened(w->health, w->probe,
					   (struct channel *)&channel, w->now_ns);
		} else if (action.kind == HEALTH_SEND) {
			CHECK(action.bytes && action.io);
			CHECK(action.length || w->is_udp);
		} else if (action.kind == HEALTH_CLOSE) {
			CHECK(action.probe == w->probe);
			w->closed++;
			w->probe = NULL;
		} else {
			CHECK(action.text && strlen(action.text) < 300);
			w->said++;
		}
	}
}

static void tell(struct world *w, const struct io_event *event)
{
	if (!w->probe)
		return;
	lsvm_health_input(w->health, w->probe, event, w->now_ns);
	pull(w);
	if (w->probe)
		CHECK(w->probe->in.capacity <= 2 * PROBE_MESSAGE_BYTES + 65536 * 2);
}

static void advance(struct world *w)
{
	const uint64_t deadline = lsvm_health_deadline(w->health);

	if (deadline > w->now_ns)
		w->now_ns = deadline;
	lsvm_health_tick(w->health, w->now_ns);
	pull(w);
}

static void begin(struct world *w)
{
	while (!w->probe)
		advance(w);
	tell(w, &(struct io_event){ .fact = IO_CONNECTED });
}

static struct check choose(uint8_t kind, uint8_t what)
{
	static const char *words[] = { "/bin/true", "{address}" };
	static uint32_t statuses[] = { 200, 204 };
	struct check check = { .kind = 1 + kind % 15,
			       .interval_ms = 1000,
			       .timeout_ms = 900,
			       .rise = 1,
			       .fall = 1 };

	check.query = "www.example.com";
	check.command.items = words;
	check.command.count = 2;
	if (what & 1)
		check.body = "abab";
	if (what & 2)
		check.digest =
			"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495"
			"991b7852b855";
	if (what & 4)
		check.expect = check.kind == LSVM_CHECK_DNS ? "10.0.0.7" : "aab";
	if (what & 8)
		check.user = "user";
	if (what & 16)
		check.database = "base";
	if (what & 32)
		check.base_dn = "o=x";
	if (what & 64) {
		check.statuses.items = statuses;
		check.statuses.count = 2;
	}
	if (what & 128) {
		check.method = "HEAD";
		check.record = check.expect ? "A" : "ANY";
	}
	return check;
}

/* The bytes up to the next sign that something else happens. */
static size_t run_of(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 1 < size; i++)
		if (data[i] == 0xff && data[i + 1] <= 1)
			return i;
	return size;
}

/* DNS: a number of 0 becomes the one that the probe has drawn. */
static void number(const struct world *w, uint8_t *message, size_t length)
{
	const size_t at = w->is_udp ? 0 : 2;

	if (!w->is_dns || !w->probe || length < at + 2 || message[at] || message[at + 1])
		return;
	message[at] = (uint8_t)(w->probe->nonce >> 8);
	message[at + 1] = (uint8_t)w->probe->nonce;
}

static void play(struct world *w, uint8_t *data, size_t size, size_t piece)
{
	while (size) {
		size_t run = run_of(data, size), count;
		enum io_fact fact;

		number(w, data, run);
		while (run) {
			count = piece && piece < run ? piece : run;
			tell(w, &(struct io_event){ .fact = IO_BYTES,
						    .bytes = data,
						    .length = count });
			data += count;
			size -= count;
			run -= count;
		}
		if (size < 2)
			break;
		fact = data[1] ? IO_FAILED : IO_ENDED;
		tell(w, &(struct io_event){ .fact = fact, .error = IO_ERROR_RESET });
		data += 2;
		size -= 2;
		begin(w);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct target_spec spec = { .addr = { 4, { 10, 0, 0, 1 } }, .port = 80 };
	struct world w = { .now_ns = IO_S };
	struct target_figures figures;
	struct lsvm_ctx *ctx;
	struct check check;
	uint8_t *copy;

	if (size < 3 || lsvm_ctx_new(&ctx) < 0)
		return 0;
	check = choose(data[0], data[1]);
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	w.is_dns = check.kind == LSVM_CHECK_DNS;
	w.is_udp = check.kind == LSVM_CHECK_UDP || (w.is_dns && !(data[2] & 128));
	spec.check = &check;
	spec.protocol = data[2] & 128 ? LSVM_PROTOCOL_TCP : LSVM_PROTOCOL_UDP;
	CHECK(lsvm_health_new(ctx, 0, &w.health) == 0);
	CHECK(lsvm_health_watch(w.health, &spec, &w, w.now_ns, &w.target) == 0);
	begin(&w);
	play(&w, copy + 3, size - 3, data[2] & 127);
	advance(&w);
	advance(&w);
	lsvm_target_figures(w.target, &figures);
	CHECK(figures.failure_count <= figures.probe_count);
	CHECK(lsvm_target_state(w.target) != TARGET_DOWN || *lsvm_target_cause(w.target));
	lsvm_health_unwatch(w.health, w.target);
	pull(&w);
	CHECK(w.opened == w.closed && !w.probe);
	lsvm_health_free(w.health);
	lsvm_ctx_unref(ctx);
	free(copy);
	return 0;
}
