/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks without memory: what cannot be watched is said, and a server that answers well
 * is never down because this machine has none. */
#include "health/health.h"
#include "oom.h"

#include <openssl/err.h>
#include <stdio.h>

static char channel;

struct world {
	struct health *health;
	struct probe *probe;
	unsigned open;
};

static void pull(struct world *w)
{
	struct health_action action;

	while (lsvm_health_next(w->health, &action)) {
		if (action.kind == HEALTH_OPEN) {
			w->open++;
			w->probe = action.probe;
			lsvm_health_opened(w->health, action.probe,
					   (struct channel *)&channel, 0);
		} else if (action.kind == HEALTH_CLOSE) {
			w->open--;
			w->probe = NULL;
		}
	}
}

static void tell(struct world *w, enum io_fact fact, const char *bytes, size_t length)
{
	const struct io_event event = { .fact = fact,
					.bytes = (const uint8_t *)bytes,
					.length = length };

	if (w->probe)
		lsvm_health_input(w->health, w->probe, &event, 0);
	pull(w);
}

/* One probe; a second interval later the next one would begin. */
static void ask(struct world *w, const char *bytes, size_t length)
{
	lsvm_health_tick(w->health, lsvm_health_deadline(w->health));
	pull(w);
	tell(w, IO_CONNECTED, NULL, 0);
	for (size_t i = 0; i < length; i++)
		tell(w, IO_BYTES, bytes + i, 1);
	tell(w, IO_ENDED, NULL, 0);
	tell(w, IO_EXITED, NULL, 0);
}

static int watch_and_ask(struct lsvm_ctx *ctx, struct health *health, struct check *check,
			 const char *bytes, size_t length)
{
	const struct target_spec spec = {
		check, { 4, { 10, 0, 0, 1 } }, 80, 0, "example.com", LSVM_PROTOCOL_TCP
	};
	struct world w = { .health = health };
	struct target *target = NULL;
	int err;

	check->interval_ms = check->timeout_ms = 1000;
	check->rise = check->fall = 1;
	err = lsvm_health_watch(health, &spec, NULL, 0, &target);
	if (err < 0) {
		OOM_CHECK(!target && *lsvm_ctx_error_text(ctx));
		return err;
	}
	ask(&w, bytes, length);
	OOM_CHECK(lsvm_target_state(target) != TARGET_DOWN);
	tell(&w, IO_FAILED, NULL, 0); /* a cause is told even then */
	lsvm_health_hint(health, target, lsvm_health_deadline(health));
	pull(&w);
	if (w.probe)
		lsvm_health_input(health, w.probe,
				  &(struct io_event){ .fact = IO_FAILED,
						      .error = IO_ERROR_REFUSED },
				  0);
	pull(&w);
	OOM_CHECK(!w.open);
	lsvm_health_unwatch(health, target);
	pull(&w);
	return 0;
}

#define DIALOGUE(text) text, sizeof(text) - 1

static int body(void)
{
	static const char *words[] = { "/bin/true", "{address}", "{port}" };
	struct check http = { .kind = LSVM_CHECK_HTTP, .body = "abc" };
	struct check smtp = { .kind = LSVM_CHECK_SMTP };
	struct check postgresql = { .kind = LSVM_CHECK_POSTGRESQL };
	struct check external = { .kind = LSVM_CHECK_EXTERNAL };
	struct lsvm_ctx *ctx = NULL;
	struct health *health = NULL;
	int err = lsvm_ctx_new(&ctx);

	external.command.items = words;
	external.command.count = 3;
	http.digest =
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
		"ad";
	if (err >= 0)
		err = lsvm_health_new(ctx, 1, &health);
	if (err >= 0)
		err = watch_and_ask(ctx, health, &http,
				    DIALOGUE("HTTP/1.1 200 OK\r\n\r\nabc"));
	if (err >= 0)
		err = watch_and_ask(ctx, health, &smtp,
				    DIALOGUE("220 mx\r\n250-mx\r\n250 mx\r\n"));
	if (err >= 0)
		err = watch_and_ask(ctx, health, &postgresql,
				    DIALOGUE("R\0\0\0\x0c\0\0\0\5abcd"));
	if (err >= 0)
		err = watch_and_ask(ctx, health, &external, DIALOGUE("fine\n"));
	lsvm_health_free(health);
	lsvm_ctx_unref(ctx);
	ERR_clear_error();
	return err;
}

int main(void)
{
	/* What libcrypto makes with its first error and keeps is no leak of ours. */
	ERR_raise(ERR_LIB_USER, 1);
	ERR_clear_error();
	return oom_run("checks", body);
}
