/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real machine's channels without memory: one cannot be opened, or fails for want of
 * resources, or does what it should; and closing gives everything back. TLS is not among
 * them: OpenSSL itself keeps some when it runs out in the middle. */
#include "host/host.h"
#include "oom.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

struct world {
	struct lsvm_host *host;
	const struct io_ops *io;
};

/* What happens within a moment. False: something failed for want of memory. */
static bool hear(struct world *w, enum io_fact wanted)
{
	struct pollfd fd = { .fd = w->io->fd(w->host), .events = POLLIN };
	struct io_event event;

	for (int i = 0; i < 100; i++) {
		while (w->io->next(w->host, &event)) {
			if (event.fact == IO_FAILED) {
				OOM_CHECK(event.error == IO_ERROR_RESOURCES);
				return false;
			}
			if (event.fact == IO_ACCEPTED)
				w->io->close(w->host, event.accepted);
			if (event.fact == wanted)
				return true;
		}
		poll(&fd, 1, 50);
	}
	OOM_CHECK(!"the fact comes");
	return false;
}

static int try_one(struct world *w, const struct channel_spec *spec, enum io_fact wanted)
{
	struct channel *channel = NULL;
	int err = w->io->open(w->host, spec, NULL, &channel);
	bool good = true;

	if (err < 0) {
		OOM_CHECK(err == LSVM_ERR_NOMEM && !channel);
		return err;
	}
	if (spec->kind == CHANNEL_PING || spec->kind == CHANNEL_UDP)
		good = w->io->send(w->host, channel, "x", 1, NULL, 0);
	if (good && wanted)
		hear(w, wanted);
	w->io->close(w->host, channel);
	return 0;
}

static int body(void)
{
	static const char *const argv[] = { "/bin/true", NULL };
	const struct addr loopback = { 4, { 127, 0, 0, 1 } };
	char path[64];
	const struct {
		struct channel_spec spec;
		enum io_fact wanted;
	} tries[] = {
		{ { .kind = CHANNEL_LINKS }, IO_LINK },
		{ { .kind = CHANNEL_FILE, .path = "/proc/self/stat" }, IO_ENDED },
		{ { .kind = CHANNEL_PROGRAM, .argv = argv }, IO_EXITED },
		{ { .kind = CHANNEL_LISTEN_LOCAL, .path = path, .mode = 0600 }, 0 },
		{ { .kind = CHANNEL_LISTEN_UDP, .local = loopback, .local_port = 1024 },
		  0 },
		{ { .kind = CHANNEL_HTTP, .local = loopback, .local_port = 1024 }, 0 },
	};
	struct lsvm_ctx *ctx;
	struct world w = { 0 };
	int err = lsvm_ctx_new(&ctx);

	if (err < 0)
		return err;
	snprintf(path, sizeof(path), "/tmp/lsvm-oom-%d.sock", (int)getpid());
	err = lsvm_host_open(ctx, "here", &w.host);
	if (err >= 0) {
		w.io = w.host->ops->io;
		for (size_t i = 0; i < ARRAY_SIZE(tries) && err >= 0; i++)
			err = try_one(&w, &tries[i].spec, tries[i].wanted);
		lsvm_host_free(w.host);
	}
	lsvm_ctx_unref(ctx);
	return err;
}

int main(void)
{
	/* What libraries make once and keep is no leak of ours. */
	if (body() != 0)
		return 1;
	return oom_run("io", body);
}
