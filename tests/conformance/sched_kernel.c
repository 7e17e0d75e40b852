/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lib/sched against the kernel's ip_vs: random services with every scheduler, random
 * edits, thousands of clients, and every decision foretold.
 *
 * Many cases share a namespace and its waiting. What is compared: where each connection
 * went or that there is none (/proc/net/ip_vs_conn), which connections are forgotten, the
 * counts of active and inactive connections, and how many connections each destination
 * got in all (which covers one-packet services, too). A quarter of the services are
 * reached by NAT, the rest by direct routing. Half of the cases run with
 * expire_quiescent_template=1 and with lblc_expiration and lblcr_expiration at 1 s. Not
 * compared: lblc's and lblcr's full expiry after half an hour, templates' extension by a
 * minute, SCTP.
 *
 * sched_kernel [--seed N] [--scheduler NAME] [--count N] [--clients N] [--record]
 * --record prints what was done and decided, for tests/unit/sched_recorded.txt.
 */
#include "sched_case.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS 5
#define BATCH_MAX 350

static const char *const schedulers[] = { "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh",
					  "sh", "sed", "nq", "fo",  "ovf",  "mh" };

struct score {
	unsigned failed, voided;
	uint64_t decisions, refused;
};

static void note(void *data, const struct flow *flow, const struct addr *dest)
{
	struct attempt *attempt = lsvm_map_get(data, flow, sizeof(*flow));

	if (attempt)
		attempt->seen = *dest;
}

/* What /proc says now of every connection there ever was. */
static void look(struct sched_case *cases, size_t count)
{
	struct map flows = { 0 };

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < cases[i].attempts.count; j++) {
			struct attempt *attempt = &cases[i].attempts.items[j];
			void *old;

			attempt->seen = (struct addr){ 0 };
			if (lsvm_map_put(&flows, &attempt->flow, sizeof(attempt->flow),
					 attempt, &old) == LSVM_ERR_NOMEM)
				errx(1, "out of memory");
		}
	}
	wire_read(note, &flows);
	lsvm_map_free(&flows);
}

static bool check(struct sched_case *cases, size_t count, struct ipvs_socket *socket,
		  struct lsvm_ctx *ctx, bool tell)
{
	struct lsvm_ipvs_table *table;
	bool good = true;

	look(cases, count);
	if (lsvm_ipvs_socket_read(socket, &table) < 0)
		errx(1, "%s", lsvm_ctx_error_text(ctx));
	for (size_t i = 0; i < count; i++)
		good &= case_check(&cases[i], table, tell);
	lsvm_ipvs_table_unref(table);
	return good;
}

static void prepare(struct lsvm_ctx *ctx, struct ipvs_socket *socket, bool variant)
{
	struct ipvs_timeouts timeouts = { .tcp_s = 900, .tcp_fin_s = 1, .udp_s = 300 };
	struct ipvs_change change = { .kind = IPVS_TIMEOUTS_SET, .timeouts = &timeouts };
	size_t done;

	if (lsvm_ipvs_socket_apply(socket, &change, 1, &done) < 0)
		errx(1, "%s", lsvm_ctx_error_text(ctx));
	if (!variant)
		return;
	wire_sysctl("expire_quiescent_template", "1");
	wire_sysctl("lblc_expiration", "1");
	wire_sysctl("lblcr_expiration", "1");
}

static void batch(struct lsvm_ctx *ctx, struct sched_case *cases, size_t count,
		  bool variant, unsigned clients, struct score *score)
{
	struct ipvs_socket *socket;
	struct wire wire;

	wire_open(&wire);
	if (lsvm_ipvs_socket_open(ctx, &socket) < 0)
		errx(1, "%s", lsvm_ctx_error_text(ctx));
	prepare(ctx, socket, variant);
	for (size_t i = 0; i < count; i++)
		case_begin(&cases[i], ctx, socket, variant, variant ? 1 : 24 * 60 * 60);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < count; i++) {
			case_round(&cases[i], socket, &wire, clients / ROUNDS);
			case_end_some(&cases[i], &wire);
		}
		/* FINs are forgotten after one second, templates after two, and the
		 * kernel adds its counters up every two seconds. */
		usleep(2700000);
		for (size_t i = 0; i < count; i++)
			case_settle(&cases[i]);
		/* On a busy machine the kernel's timers are late. */
		if (!check(cases, count, socket, ctx, false)) {
			usleep(2700000);
			check(cases, count, socket, ctx, true);
		}
	}
	for (size_t i = 0; i < count; i++) {
		score->failed += cases[i].failed;
		score->voided += cases[i].is_void;
		for (size_t j = 0; j < cases[i].attempts.count; j++)
			score->refused += cases[i].attempts.items[j].outcome >
					  LSVM_SCHED_PERSISTENT;
		score->decisions += cases[i].attempts.count;
	}
	lsvm_ipvs_socket_close(socket);
	wire_close(&wire);
}

struct options {
	uint64_t seed;
	const char *scheduler; /* NULL: all */
	unsigned count, clients;
	bool record;
};

static struct options read_options(int argc, char **argv)
{
	const bool full = getenv("LSVM_FULL") != NULL;
	struct options options = { .seed = 1, .count = full ? 100 : 10, .clients = 100 };

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--record")) {
			options.record = true;
			continue;
		}
		i++;
		if (!strcmp(argv[i - 1], "--seed"))
			options.seed = strtoull(value, NULL, 10);
		else if (!strcmp(argv[i - 1], "--scheduler"))
			options.scheduler = value, options.count = 1;
		else if (!strcmp(argv[i - 1], "--count"))
			options.count = (unsigned)strtoul(value, NULL, 10);
		else if (!strcmp(argv[i - 1], "--clients"))
			options.clients = (unsigned)strtoul(value, NULL, 10);
		else
			errx(2, "unknown option %s", argv[i - 1]);
	}
	return options;
}

/* Every case has a seed of its own; its parity chooses the sysctls. */
static size_t make_cases(const struct options *options, struct sched_case *cases)
{
	size_t made = 0;

	for (unsigned i = 0; i < options->count; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(schedulers); j++) {
			if (options->scheduler &&
			    strcmp(options->scheduler, schedulers[j]))
				continue;
			cases[made].scheduler = schedulers[j];
			cases[made].seed = options->seed + made;
			made++;
		}
	}
	return made;
}

/* The next cases of that variant, moved together from `from` on; how many. */
static size_t gather(struct sched_case *cases, size_t from, size_t total, bool variant)
{
	size_t count = 0;

	for (size_t i = from; i < total && count < BATCH_MAX; i++) {
		if ((cases[i].seed & 1) != variant)
			continue;
		const struct sched_case one = cases[i];

		cases[i] = cases[from + count];
		cases[from + count++] = one;
	}
	return count;
}

int main(int argc, char **argv)
{
	const struct options options = read_options(argc, argv);
	struct sched_case *cases =
		calloc(options.count * ARRAY_SIZE(schedulers), sizeof(*cases));
	struct score score = { 0 };
	struct lsvm_ctx *ctx;
	size_t total, done = 0;

	if (!cases || lsvm_ctx_new(&ctx) < 0)
		errx(1, "out of memory");
	if (system("modprobe -a dummy ip_vs ip_vs_lblc ip_vs_lblcr"))
		errx(1, "modprobe");
	total = make_cases(&options, cases);
	for (bool variant = false; done < total; variant = !variant) {
		const size_t count = gather(cases, done, total, variant);

		if (count)
			batch(ctx, cases + done, count, variant, options.clients, &score);
		done += count;
	}
	for (size_t i = 0; i < total; i++) {
		if (options.record || (cases[i].failed && options.scheduler))
			printf("%s", cases[i].log.data);
		case_free(&cases[i]);
	}
	lsvm_ctx_unref(ctx);
	free(cases);
	printf("%zu services, %llu decisions (%llu refusals); %u differ, %u void\n",
	       total, (unsigned long long)score.decisions,
	       (unsigned long long)score.refused, score.failed, score.voided);
	/* A machine too slow for most of the cases has tested nothing. */
	return score.failed || score.voided * 10 > total;
}
