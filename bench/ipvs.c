/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * 3,000 services and 6,000 destinations into the kernel and out of it, beside what others
 * take for the same, in one run: medians of several rounds, and ratios.
 *
 *   replay      the same messages, prepared beforehand, in the best of several batch
 * sizes: what the kernel itself takes ipvsadm     `ipvsadm -R` and `ipvsadm -S -n`
 *   keepalived  from its start until the table is complete
 *   one change  a reconciliation that finds one destination changed, beside the mere
 *               reading of the table
 *   storm       10,000 changes of weights: in batches, one a call, and by `ipvsadm -R`
 *
 * Wants root and a real ip_vs: svm-lab guest -- bench-ipvs [ROUNDS]. Every measurement
 * has a network namespace of its own: what was deleted in a table makes later additions
 * slower. Exit status 1: a goal was missed.
 */
#include "host/linux/ipvs_private.h"

#include <fcntl.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERVICES 3000
#define STORM_CHANGES 10000
#define SETTLE_US 200000
#define DESTINATIONS 2
#define ROUNDS_MAX 5
/* What takes less than a second is repeated in each round. */
#define QUICK 5

static const size_t batch_sizes[] = { 100, 200, 500, 1000 };

enum measure {
	LSVM,	/* open, read the empty table, compare, apply */
	REPLAY, /* one for each batch size */
	IPVSADM = REPLAY + ARRAY_SIZE(batch_sizes),
	KEEPALIVED,
	LSVM_READ,
	IPVSADM_READ,
	LSVM_AGAIN, /* a second reconciliation, which has nothing to do */
	SAME_READ,  /* through a socket that is open */
	ONE_CHANGE, /* one destination among all */
	STORM_BATCHES,
	STORM_CALLS,
	STORM_IPVSADM,
	MEASURES,
};

static double times[MEASURES][ROUNDS_MAX * QUICK];
static uint64_t writes_again;
static struct lsvm_ctx *ctx;
static struct lsvm_ipvs_table *wanted;
static char directory[] = "/tmp/bench-ipvs.XXXXXX";

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench-ipvs: %s: %s\n", what,
		ctx ? lsvm_ctx_error_text(ctx) : "");
	exit(1);
}

/* The old one is emptied first: taking a table apart would go on beside what is measured.
 */
static void fresh_namespace(void)
{
	struct ipvs_socket *socket;

	must(lsvm_ipvs_socket_open(ctx, &socket) == 0, "open");
	must(lsvm_ipvs_socket_flush(socket) == 0, "flush");
	lsvm_ipvs_socket_close(socket);
	must(unshare(CLONE_NEWNET) == 0, "a new network namespace (are you root?)");
	/* Without any address the kernel takes no IPv4 destination. */
	must(system("ip link set lo up") == 0, "ip link set lo up");
	usleep(SETTLE_US);
}

static void make_table(void)
{
	must(lsvm_ipvs_table_alloc(ctx, &wanted) == 0, "memory");
	for (unsigned i = 0; i < SERVICES; i++) {
		struct ipvs_service *service = lsvm_ipvs_table_push(wanted);

		must(service, "memory");
		service->key.addr =
			(struct addr){ 4, { 10, 1, (uint8_t)(i >> 8), (uint8_t)i } };
		service->key.protocol = IPPROTO_TCP;
		service->key.port = 80;
		service->netmask = 0xffffffff;
		strcpy(service->scheduler, "wlc");
		for (unsigned j = 0; j < DESTINATIONS; j++) {
			struct ipvs_destination *destination =
				lsvm_ipvs_service_push(service);

			must(destination, "memory");
			destination->addr =
				(struct addr){ 4,
					       { 10, (uint8_t)(100 + j),
						 (uint8_t)(i >> 8), (uint8_t)i } };
			destination->port = 80;
			destination->forwarding = IP_VS_CONN_F_DROUTE;
			destination->weight = 1;
		}
	}
	must(lsvm_ipvs_table_seal(wanted) == 0, "seal");
}

static size_t reconcile(struct ipvs_socket *socket)
{
	struct ipvs_changes changes = { 0 };
	struct lsvm_ipvs_table *present;
	size_t done = 0;

	must(lsvm_ipvs_socket_read(socket, &present) == 0, "read");
	must(lsvm_ipvs_changes_compute(ctx, present, NULL, wanted, &changes) == 0,
	     "compare");
	must(lsvm_ipvs_socket_apply(socket, changes.list.items, changes.list.count,
				    &done) == 0,
	     "apply");
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
	return done;
}

static bool is_complete(void)
{
	struct ipvs_socket *socket;
	struct ipvs_outline have, want;
	bool same;

	must(lsvm_ipvs_socket_open(ctx, &socket) == 0, "open");
	lsvm_ipvs_outline_of_table(wanted, &want);
	same = lsvm_ipvs_outline_of_kernel(socket, &have) == 0 &&
	       have.service_count == want.service_count &&
	       have.destination_count == want.destination_count && have.sum == want.sum;
	lsvm_ipvs_socket_close(socket);
	return same;
}

/* Runs a program with its input and output redirected (NULL: /dev/null). */
static pid_t start(const char *input, const char *output, const char *const *argv)
{
	pid_t child = fork();

	if (child)
		return child;
	dup2(open(input ? input : "/dev/null", O_RDONLY), 0);
	dup2(open(output ? output : "/dev/null", O_WRONLY | O_CREAT, 0600), 1);
	dup2(1, 2);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static void run(const char *input, const char *output, const char *const *argv)
{
	int status = 1;

	waitpid(start(input, output, argv), &status, 0);
	must(status == 0, argv[0]);
}

static void path_of(char *path, const char *name)
{
	snprintf(path, 64, "%s/%s", directory, name);
}

static void measure_lsvm(unsigned round)
{
	struct ipvs_socket *socket;
	double begin;

	fresh_namespace();
	begin = now_ms();
	must(lsvm_ipvs_socket_open(ctx, &socket) == 0, "open");
	reconcile(socket);
	times[LSVM][round] = now_ms() - begin;
	must(is_complete(), "lsvm's table");

	writes_again = lsvm_ipvs_socket_write_count(socket);
	begin = now_ms();
	must(reconcile(socket) == 0, "a second reconciliation");
	times[LSVM_AGAIN][round] = now_ms() - begin;
	writes_again = lsvm_ipvs_socket_write_count(socket) - writes_again;
	lsvm_ipvs_socket_close(socket);
}

/* The table is there, and the last measurement was of a reconciliation. */
static void measure_one_change(unsigned round)
{
	struct ipvs_destination *changed =
		&wanted->services.items[SERVICES / 2].destinations.items[0];
	struct lsvm_ipvs_table *table;
	struct ipvs_socket *socket;
	double begin;

	must(lsvm_ipvs_socket_open(ctx, &socket) == 0, "open");
	begin = now_ms();
	must(lsvm_ipvs_socket_read(socket, &table) == 0, "read");
	times[SAME_READ][round] = now_ms() - begin;
	lsvm_ipvs_table_unref(table);
	changed->weight++;
	begin = now_ms();
	must(reconcile(socket) == 1, "one change");
	times[ONE_CHANGE][round] = now_ms() - begin;
	changed->weight = 1;
	must(reconcile(socket) == 1, "one change back");
	lsvm_ipvs_socket_close(socket);
}

/* Every destination in turn, as often as needed; each time another weight. */
static struct ipvs_change *make_storm(void)
{
	struct ipvs_change *storm = calloc(STORM_CHANGES, sizeof(*storm));

	must(storm != NULL, "memory");
	for (size_t i = 0; i < STORM_CHANGES; i++) {
		struct ipvs_service *service = &wanted->services.items[i % SERVICES];
		const size_t which = i / SERVICES % DESTINATIONS;

		storm[i] = (struct ipvs_change){
			.kind = IPVS_DESTINATION_EDIT,
			.weight = 2 + (uint32_t)(i / (SERVICES * DESTINATIONS)),
			.service = service,
			.destination = &service->destinations.items[which],
		};
	}
	return storm;
}

static void measure_storm(unsigned round)
{
	struct ipvs_change *storm = make_storm();
	struct ipvs_socket *socket;
	size_t done, calls = 0;
	double begin;

	must(lsvm_ipvs_socket_open(ctx, &socket) == 0, "open");
	begin = now_ms();
	must(lsvm_ipvs_socket_apply(socket, storm, STORM_CHANGES, &done) == 0, "storm");
	times[STORM_BATCHES][round] = now_ms() - begin;
	begin = now_ms();
	while (calls < STORM_CHANGES &&
	       lsvm_ipvs_socket_apply(socket, &storm[calls], 1, &done) == 0)
		calls++;
	times[STORM_CALLS][round] = now_ms() - begin;
	must(calls == STORM_CHANGES, "storm, one a call");
	lsvm_ipvs_socket_close(socket);
	free(storm);
}

static void measure_storm_by_ipvsadm(unsigned round)
{
	char rules[64];
	double begin;

	path_of(rules, "storm");
	begin = now_ms();
	run(rules, NULL, (const char *const[]){ "ipvsadm", "-R", NULL });
	times[STORM_IPVSADM][round] = now_ms() - begin;
}

/* All messages of the table in batches: offsets of their ends. */
struct prepared {
	struct nl_out out;
	VEC(size_t) ends;
};

static void prepare(struct ipvs_socket *socket, size_t batch, struct prepared *prepared)
{
	struct ipvs_changes changes = { 0 };
	struct lsvm_ipvs_table *empty;

	must(lsvm_ipvs_table_new(ctx, &empty) == 0, "memory");
	must(lsvm_ipvs_changes_compute(ctx, empty, NULL, wanted, &changes) == 0,
	     "compare");
	prepared->out = socket->out;
	prepared->out.size = changes.list.count * NL_CHANGE_MAX_BYTES;
	prepared->out.data = malloc(prepared->out.size);
	must(prepared->out.data, "memory");
	for (size_t i = 0; i < changes.list.count; i++) {
		must(lsvm_nl_put_change(&prepared->out, &changes.list.items[i]),
		     "encode");
		if ((i + 1) % batch && i + 1 < changes.list.count)
			continue;
		lsvm_nl_want_ack(&prepared->out);
		*vec_push(&prepared->ends) = prepared->out.used;
	}
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(empty);
}

static void measure_replay(unsigned round, size_t index)
{
	struct prepared prepared = { 0 };
	struct ipvs_socket *socket;
	uint8_t answer[4096];
	double begin;
	size_t at = 0;
	int fd;

	fresh_namespace();
	must(lsvm_ipvs_socket_open(ctx, &socket) == 0, "open");
	fd = mnl_socket_get_fd(socket->netlink);
	prepare(socket, batch_sizes[index], &prepared);
	begin = now_ms();
	for (size_t i = 0; i < prepared.ends.count; i++) {
		must(send(fd, prepared.out.data + at, prepared.ends.items[i] - at, 0) > 0,
		     "send");
		must(recv(fd, answer, sizeof(answer), 0) > 0, "receive");
		at = prepared.ends.items[i];
	}
	times[REPLAY + index][round] = now_ms() - begin;
	must(is_complete(), "the replayed table");
	lsvm_ipvs_socket_close(socket);
	vec_free(&prepared.ends);
	free(prepared.out.data);
}

static void measure_ipvsadm(unsigned round)
{
	char rules[64];
	double begin;

	fresh_namespace();
	path_of(rules, "rules");
	begin = now_ms();
	run(rules, NULL, (const char *const[]){ "ipvsadm", "-R", NULL });
	times[IPVSADM][round] = now_ms() - begin;
	must(is_complete(), "ipvsadm's table");
}

static void measure_reading(unsigned round)
{
	struct lsvm_ipvs_table *table;
	struct ipvs_socket *socket;
	char output[64];
	double begin;

	path_of(output, "saved");
	begin = now_ms();
	run(NULL, output, (const char *const[]){ "ipvsadm", "-S", "-n", NULL });
	times[IPVSADM_READ][round] = now_ms() - begin;
	begin = now_ms();
	must(lsvm_ipvs_socket_open(ctx, &socket) == 0, "open");
	must(lsvm_ipvs_socket_read(socket, &table) == 0, "read");
	lsvm_ipvs_socket_close(socket);
	times[LSVM_READ][round] = now_ms() - begin;
	must(table->services.count == SERVICES, "what was read");
	lsvm_ipvs_table_unref(table);
}

static void measure_keepalived(unsigned round)
{
	char config[64], pid[64], checkers_pid[64];
	const char *const argv[] = { "keepalived", "-n", "-C", "-f",	     config,
				     "-p",	   pid,	 "-c", checkers_pid, NULL };
	double begin;
	pid_t child;

	fresh_namespace();
	path_of(config, "keepalived.conf");
	path_of(pid, "pid");
	path_of(checkers_pid, "checkers.pid");
	begin = now_ms();
	child = start(NULL, NULL, argv);
	while (!is_complete() && now_ms() - begin < 60000)
		usleep(20000);
	times[KEEPALIVED][round] = now_ms() - begin;
	must(now_ms() - begin < 60000, "keepalived's table");
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
}

static void write_storm(void)
{
	char path[64], vip[LSVM_ADDRESS_TEXT_BYTES], server[LSVM_ADDRESS_TEXT_BYTES];
	struct ipvs_change *storm = make_storm();
	FILE *file;

	path_of(path, "storm");
	file = fopen(path, "w");
	must(file != NULL, path);
	for (size_t i = 0; i < STORM_CHANGES; i++)
		fprintf(file, "-e -t %s:80 -r %s:80 -g -w %u\n",
			lsvm_addr_text(&storm[i].service->key.addr, vip),
			lsvm_addr_text(&storm[i].destination->addr, server),
			storm[i].weight);
	must(fclose(file) == 0, path);
	free(storm);
}

static void write_inputs(void)
{
	char path[64], address[LSVM_ADDRESS_TEXT_BYTES], *text;
	FILE *file;

	must(mkdtemp(directory) != NULL, directory);
	path_of(path, "rules");
	must(lsvm_ipvs_table_to_ipvsadm(wanted, &text) == 0, "text");
	file = fopen(path, "w");
	must(file && fputs(text, file) >= 0 && fclose(file) == 0, path);
	lsvm_free(text);
	write_storm();
	path_of(path, "keepalived.conf");
	file = fopen(path, "w");
	must(file != NULL, path);
	for (size_t i = 0; i < wanted->services.count; i++) {
		const struct ipvs_service *service = &wanted->services.items[i];

		fprintf(file, "virtual_server %s 80 {\n lb_algo wlc\n lb_kind DR\n",
			lsvm_addr_text(&service->key.addr, address));
		fprintf(file, " protocol TCP\n");
		for (size_t j = 0; j < service->destinations.count; j++)
			fprintf(file, " real_server %s 80 { weight 1 }\n",
				lsvm_addr_text(&service->destinations.items[j].addr,
					       address));
		fprintf(file, "}\n");
	}
	must(fclose(file) == 0, path);
}

static void remove_inputs(void)
{
	static const char *const names[] = { "rules", "keepalived.conf", "saved",
					     "pid",   "checkers.pid",	 "storm" };
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		path_of(path, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* What a round took: the fastest of its repetitions, since a busy machine only adds. */
static double round_time(enum measure measure, unsigned round)
{
	double fastest;

	if (measure == IPVSADM || measure == KEEPALIVED || measure == STORM_IPVSADM)
		return times[measure][round];
	fastest = times[measure][round * QUICK];
	for (unsigned i = 1; i < QUICK; i++)
		if (times[measure][round * QUICK + i] < fastest)
			fastest = times[measure][round * QUICK + i];
	return fastest;
}

static double median_of(double *values, unsigned count)
{
	qsort(values, count, sizeof(double), by_value);
	return values[count / 2];
}

static double median(enum measure measure, unsigned rounds)
{
	double values[ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++)
		values[i] = round_time(measure, i);
	return median_of(values, rounds);
}

/* Of the same round: a busy machine slows both. */
static double ratio_of(enum measure above, enum measure below, unsigned rounds)
{
	double ratios[ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++)
		ratios[i] = round_time(above, i) / round_time(below, i);
	return median_of(ratios, rounds);
}

static bool goal(const char *what, double ratio, bool met, const char *text)
{
	printf("%-44s %8.2f   goal %-8s %s\n", what, ratio, text, met ? "met" : "MISSED");
	return met;
}

static int report(unsigned rounds)
{
	double ours = median(LSVM, rounds), replay = median(REPLAY, rounds);
	double ratio;
	size_t best = 0;
	bool good = true;

	for (size_t i = 1; i < ARRAY_SIZE(batch_sizes); i++)
		if (median(REPLAY + i, rounds) < replay) {
			replay = median(REPLAY + i, rounds);
			best = i;
		}
	printf("%u services, %u destinations, medians of %u rounds in ms\n", SERVICES,
	       SERVICES * DESTINATIONS, rounds);
	printf("  lsvm: open, read, compare, apply           %9.1f\n", ours);
	printf("  replay of its messages, batches of %-3zu     %9.1f\n",
	       batch_sizes[best], replay);
	printf("  ipvsadm -R                                 %9.1f\n",
	       median(IPVSADM, rounds));
	printf("  keepalived, start to complete table        %9.1f\n",
	       median(KEEPALIVED, rounds));
	printf("  lsvm: open, read                           %9.1f\n",
	       median(LSVM_READ, rounds));
	printf("  ipvsadm -S -n                              %9.1f\n",
	       median(IPVSADM_READ, rounds));
	printf("  lsvm: second reconciliation                %9.1f, %llu messages\n",
	       median(LSVM_AGAIN, rounds), (unsigned long long)writes_again);
	printf("  lsvm: read through an open socket          %9.1f\n",
	       median(SAME_READ, rounds));
	printf("  lsvm: reconcile one changed destination    %9.1f\n",
	       median(ONE_CHANGE, rounds));
	printf("  %u weights: in batches %7.1f, one a call %7.1f, ipvsadm -R %7.1f\n",
	       STORM_CHANGES, median(STORM_BATCHES, rounds), median(STORM_CALLS, rounds),
	       median(STORM_IPVSADM, rounds));
	ratio = ratio_of(LSVM, REPLAY + best, rounds);
	good &= goal("lsvm / replay", ratio, ratio <= 1.25, "<= 1.25");
	ratio = ratio_of(IPVSADM, LSVM, rounds);
	good &= goal("ipvsadm -R / lsvm", ratio, ratio >= 20, ">= 20");
	ratio = ratio_of(KEEPALIVED, LSVM, rounds);
	good &= goal("keepalived / lsvm", ratio, ratio >= 10, ">= 10");
	ratio = ratio_of(IPVSADM_READ, LSVM_READ, rounds);
	good &= goal("ipvsadm -S -n / lsvm reading", ratio, ratio >= 3, ">= 3");
	ratio = ratio_of(ONE_CHANGE, SAME_READ, rounds);
	good &= goal("reconcile one change / read", ratio, ratio <= 1.2, "<= 1.2");
	ratio = ratio_of(STORM_CALLS, STORM_BATCHES, rounds);
	good &= goal("storm: one a call / batches", ratio, ratio >= 5, ">= 5");
	ratio = ratio_of(STORM_IPVSADM, STORM_BATCHES, rounds);
	good &= goal("storm: ipvsadm -R / batches", ratio, ratio >= 20, ">= 20");
	good &= goal("messages of a second reconciliation", (double)writes_again,
		     writes_again == 0, "0");
	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 3;
	int status;

	must(rounds >= 1 && rounds <= ROUNDS_MAX, "1 to 5 rounds");
	must(lsvm_ctx_new(&ctx) == 0, "memory");
	make_table();
	write_inputs();
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned quick = round * QUICK; quick < (round + 1) * QUICK;
		     quick++) {
			for (size_t i = 0; i < ARRAY_SIZE(batch_sizes); i++)
				measure_replay(quick, i);
			measure_lsvm(quick);
			measure_reading(quick);
			measure_one_change(quick);
			measure_storm(quick);
		}
		measure_ipvsadm(round);
		measure_storm_by_ipvsadm(round);
		measure_keepalived(round);
	}
	status = report(rounds);
	remove_inputs();
	lsvm_ipvs_table_unref(wanted);
	lsvm_ctx_unref(ctx);
	return status;
}
