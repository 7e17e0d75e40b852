/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real machine whose facts are pulled, waiting for them no longer than it takes. */
#ifndef LSVM_TESTS_UNIT_IO_LINUX_H
#define LSVM_TESTS_UNIT_IO_LINUX_H

#include "test.h"

#include "host/host.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define WAIT_MS 20000

struct world {
	struct lsvm_ctx *ctx;
	struct lsvm_host *host;
	const struct io_ops *io;
};

static struct io_event fact;

__attribute__((unused)) static int start_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(lsvm_ctx_new(&w->ctx), 0);
	assert_int_equal(lsvm_host_open(w->ctx, "here", &w->host), 0);
	w->io = w->host->ops->io;
	*state = w;
	return 0;
}

__attribute__((unused)) static int stop_world(void **state)
{
	struct world *w = *state;

	lsvm_host_free(w->host);
	lsvm_ctx_unref(w->ctx);
	free(w);
	return 0;
}

/* The next fact goes into `fact`; false when there was none for so long. */
static bool await_ms(struct world *w, int ms)
{
	const uint64_t end = w->io->now_ns(w->host) + (uint64_t)ms * IO_MS;
	struct pollfd fd = { .fd = w->io->fd(w->host), .events = POLLIN };

	while (!w->io->next(w->host, &fact)) {
		uint64_t now = w->io->now_ns(w->host);

		if (now >= end)
			return false;
		poll(&fd, 1, (int)((end - now) / IO_MS) + 1);
	}
	return true;
}

static void expect(struct world *w, enum io_fact wanted)
{
	if (!await_ms(w, WAIT_MS))
		fail_msg("no fact, but %d was expected", wanted);
	if (fact.fact != wanted)
		fail_msg("fact %d (error %d, %s), not %d", fact.fact, fact.error,
			 fact.text ? fact.text : "", wanted);
}

static void expect_failure(struct world *w, enum io_error wanted)
{
	expect(w, IO_FAILED);
	if (fact.error != wanted)
		fail_msg("error %d (%s), not %d", fact.error, fact.text, wanted);
	assert_non_null(fact.text);
}

__attribute__((unused)) static struct addr addr(const char *text)
{
	struct addr made;

	assert_true(lsvm_addr_parse(text, &made));
	return made;
}

static struct channel *open_channel(struct world *w, struct channel_spec spec,
				    void *owner)
{
	struct channel *made;
	int err = w->io->open(w->host, &spec, owner, &made);

	if (err < 0)
		fail_msg("%s", lsvm_ctx_error_text(w->ctx));
	return made;
}

#define OPEN(w, owner, ...) open_channel(w, (struct channel_spec){ __VA_ARGS__ }, owner)

#define WORLD(test) cmocka_unit_test_setup_teardown(test, start_world, stop_world)

#endif
