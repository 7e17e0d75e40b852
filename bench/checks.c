/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What checks cost without a socket: targets at 1 s in virtual time, every probe opened,
 * connected and closed; nanoseconds for each probe and bytes for each target, and beside
 * it what a system call that does nothing costs in the same run. The cost of a probe must
 * not grow with the number of targets but by the logarithm of a heap and what no longer
 * fits into the processor's cache.
 *
 * bench-checks [ROUNDS]
 */
#include "health/health.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 31
#define PROBES 500000u

static unsigned rounds = 5;

struct world {
	struct lsvm_ctx *ctx;
	struct health *health;
	uint64_t now_ns;
	size_t probes;
};

static char channel;

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fail(struct lsvm_ctx *ctx)
{
	fprintf(stderr, "bench-checks: %s\n", ctx ? lsvm_ctx_error_text(ctx) : "");
	exit(1);
}

/* 50,000 servers with a check each. */
static void watch(struct world *w, size_t count, const struct check *check)
{
	struct target *target;

	for (size_t i = 0; i < count; i++) {
		const struct target_spec spec = { .check = check,
						  .addr = { 4,
							    { 10, (uint8_t)(i >> 16),
							      (uint8_t)(i >> 8),
							      (uint8_t)i } },
						  .port = 80 };

		if (lsvm_health_watch(w->health, &spec, NULL, w->now_ns, &target) < 0)
			fail(w->ctx);
	}
}

/* All that is due; what answers does it at once, or is refused. */
static void pull(struct world *w, bool refused)
{
	const struct io_event good = { .fact = IO_CONNECTED };
	const struct io_event bad = { .fact = IO_FAILED, .error = IO_ERROR_REFUSED };
	struct health_action action;

	while (lsvm_health_next(w->health, &action)) {
		if (action.kind != HEALTH_OPEN)
			continue;
		lsvm_health_opened(w->health, action.probe, (struct channel *)&channel,
				   w->now_ns);
		lsvm_health_input(w->health, action.probe, refused ? &bad : &good,
				  w->now_ns);
		w->probes++;
	}
}

static double probe_ns(struct world *w, bool refused)
{
	const double start = now_ns();

	for (w->probes = 0; w->probes < PROBES;) {
		w->now_ns = lsvm_health_deadline(w->health);
		lsvm_health_tick(w->health, w->now_ns);
		pull(w, refused);
	}
	return (now_ns() - start) / (double)w->probes;
}

static double call_ns(void)
{
	const double start = now_ns();

	for (unsigned i = 0; i < PROBES; i++)
		syscall(SYS_getppid);
	return (now_ns() - start) / PROBES;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *times)
{
	qsort(times, rounds, sizeof(*times), by_value);
	return times[rounds / 2];
}

static void measure(size_t count)
{
	const struct check check = { .kind = LSVM_CHECK_TCP,
				     .interval_ms = 1000,
				     .timeout_ms = 1000,
				     .rise = 2,
				     .fall = 3 };
	struct world w = { .now_ns = IO_S };
	double good[ROUNDS_MAX], refused[ROUNDS_MAX], call[ROUNDS_MAX];
	const size_t before = mallinfo2().uordblks;
	size_t bytes;

	if (lsvm_ctx_new(&w.ctx) < 0 || lsvm_health_new(w.ctx, 1, &w.health) < 0)
		fail(w.ctx);
	watch(&w, count, &check);
	probe_ns(&w, false);
	bytes = mallinfo2().uordblks - before;
	for (unsigned i = 0; i < rounds; i++) {
		good[i] = probe_ns(&w, false);
		refused[i] = probe_ns(&w, true);
		call[i] = call_ns();
	}
	printf("%6zu targets: %4.0f ns a good probe, %4.0f a refused one, %4.0f a system "
	       "call; "
	       "%zu bytes a target\n",
	       count, median(good), median(refused), median(call), bytes / count);
	lsvm_health_free(w.health);
	lsvm_ctx_unref(w.ctx);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		rounds = (unsigned)strtoul(argv[1], NULL, 10);
	if (!rounds || rounds > ROUNDS_MAX)
		rounds = 5;
	measure(1000);
	measure(10000);
	measure(50000);
	return 0;
}
