/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a TCP check costs, by the numbers of targets: lib/health on the real machine, as
 * an agent runs it, against a bare loop of socket(), connect(), close() in the same run.
 *
 *   bench-checks-real [--seconds S] [TARGETS…]      1000 10000 50000 unless given
 *
 * The targets are addresses of 127/8, all answered by one process, which lets in and
 * closes, at ports enough for their queues never to be full. Each is checked once a
 * second. Processor time is that of this process, in user and kernel; what the kernel
 * does for a packet on loopback is charged to who sent it, in all loops alike. The bare
 * loop runs as fast as it can, one connection after the other and many at once, and at
 * the pace of the checks, some dozens at a time with a rest between, as checks are. Late
 * is how long after its nominal time a probe began; memory is what was allocated.
 *
 * Exit status 1: a check costs more than twice the bare loop at its pace, or a probe was
 * half an interval late though less was asked for than a processor can do.
 */
#include "cluster/model.h"
#include "health/probe.h"
#include "host/host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BARE_COUNT 20000
#define IN_FLIGHT 256
#define PACED_AT_ONCE 32
#define FACTS_BETWEEN_TICKS 16
#define PROBES_AT_ONCE 256
#define BINS 12
#define PORTS 64

static struct addr target_addr(uint32_t i)
{
	return (struct addr){ .family = 4,
			      .bytes = { 127, (uint8_t)(1 + i / 62500),
					 (uint8_t)(i / 250 % 250),
					 (uint8_t)(1 + i % 250) } };
}

static void die(const char *what)
{
	fprintf(stderr, "checks: %s: %s\n", what, strerrordesc_np(errno));
	exit(2);
}

/* ---- the other side ---- */

static int start_listener(uint16_t *ret_port)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	socklen_t length = sizeof(name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    listen(fd, 65535) < 0 ||
	    getsockname(fd, (struct sockaddr *)&name, &length) < 0)
		die("no server");
	*ret_port = ntohs(name.sin_port);
	return fd;
}

static void serve(struct pollfd *fds)
{
	int peer;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		poll(fds, PORTS, -1);
		for (int i = 0; i < PORTS; i++)
			while (fds[i].revents &&
			       (peer = accept4(fds[i].fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
				close(peer);
	}
}

static pid_t start_server(uint16_t *ret_ports)
{
	struct pollfd fds[PORTS];
	pid_t pid;

	for (int i = 0; i < PORTS; i++)
		fds[i] = (struct pollfd){ .fd = start_listener(&ret_ports[i]),
					  .events = POLLIN };
	pid = fork();
	if (pid < 0)
		die("no server");
	if (pid == 0)
		serve(fds);
	for (int i = 0; i < PORTS; i++)
		close(fds[i].fd);
	return pid;
}

/* ---- figures of this process ---- */

/* The scheduler's own count: where ticks are counted, who wakes with them pays for more
 * than was used. */
static double processor_us(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

static size_t heap_bytes(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* ---- the bare loop ---- */

static int bare_connect(uint32_t i, const uint16_t *ports, int flags)
{
	const struct addr addr = target_addr(i);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(ports[i % PORTS]) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	memcpy(&to.sin_addr, addr.bytes, 4);
	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		die("connect");
	return fd;
}

/* By a reset, as checks do. */
static void bare_close(int fd)
{
	const struct linger off = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	close(fd);
}

/* Microseconds for each. in_flight 1: one after the other. */
static double bare(uint32_t targets, const uint16_t *ports, uint32_t in_flight)
{
	double begun = processor_us();
	int fds[IN_FLIGHT];

	for (uint32_t i = 0; i < BARE_COUNT; i += in_flight) {
		for (uint32_t j = 0; j < in_flight; j++)
			fds[j] = bare_connect((i + j) % targets, ports,
					      in_flight > 1 ? SOCK_NONBLOCK : 0);
		for (uint32_t j = 0; j < in_flight; j++)
			bare_close(fds[j]);
	}
	return (processor_us() - begun) / BARE_COUNT;
}

/* As many a second as there are targets, some at a time, resting between: the processor
 * and its caches have gone to others meanwhile. */
static double bare_paced(uint32_t targets, const uint16_t *ports, unsigned seconds)
{
	const uint64_t count = (uint64_t)targets * seconds;
	double begun = processor_us();
	struct timespec next;
	uint64_t done = 0;

	clock_gettime(CLOCK_MONOTONIC, &next);
	while (done < count) {
		for (uint32_t j = 0; j < PACED_AT_ONCE; j++)
			bare_close(bare_connect((uint32_t)(done++ % targets), ports, 0));
		next.tv_nsec += (long)(1000000000ull * PACED_AT_ONCE / targets);
		next.tv_sec += next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	return (processor_us() - begun) / (double)done;
}

/* ---- the checks ---- */

struct run {
	struct lsvm_host *host;
	const struct io_ops *io;
	struct health *health;
	uint64_t opened, bad;
	uint64_t late[BINS]; /* below 1, 2, 4, … ms */
	uint64_t worst_ns, half_late, interval_ns;
	bool counts;
};

static void note_late(struct run *run, const struct target *target, uint64_t now_ns)
{
	uint64_t nominal_ns = target->slot_ns - target->recipe->interval_ns;
	uint64_t late_ns = now_ns > nominal_ns ? now_ns - nominal_ns : 0;
	int bin = 0;

	while (bin < BINS - 1 && late_ns >= IO_MS << bin)
		bin++;
	run->late[bin]++;
	run->half_late += late_ns > run->interval_ns / 2;
	if (late_ns > run->worst_ns)
		run->worst_ns = late_ns;
}

static void open_probe(struct run *run, const struct health_action *action)
{
	struct channel *channel = NULL;
	uint64_t now_ns = run->io->now_ns(run->host);

	if (run->counts) {
		run->opened++;
		note_late(run, action->target, now_ns);
	}
	run->io->open(run->host, action->channel, action->probe, &channel);
	lsvm_health_opened(run->health, action->probe, channel, now_ns);
}

static void note_change(struct run *run, const struct target *target)
{
	if (lsvm_target_state(target) == TARGET_DOWN && !run->bad++)
		printf("  the first that fell: %s: %s\n", lsvm_target_name(target),
		       lsvm_target_cause(target));
}

/* As lib/agent/watch.c does it. */
static void pump(struct run *run, int room)
{
	struct health_action action;

	while ((room || lsvm_health_deadline(run->health) == 0) &&
	       lsvm_health_next(run->health, &action)) {
		room -= room && action.kind == HEALTH_OPEN;
		if (action.kind == HEALTH_OPEN)
			open_probe(run, &action);
		else if (action.kind == HEALTH_CLOSE)
			run->io->close(run->host, action.io);
		else if (action.kind == HEALTH_CHANGED)
			note_change(run, action.target);
	}
}

/* As lsvm_agent_dispatch() does it. */
static void dispatch(struct run *run)
{
	struct io_event event;
	size_t count = 0;

	while (count < 256 && run->io->next(run->host, &event)) {
		lsvm_health_input(run->health, event.owner, &event,
				  run->io->now_ns(run->host));
		pump(run, 0);
		if (++count % FACTS_BETWEEN_TICKS == 0) {
			lsvm_health_tick(run->health, run->io->now_ns(run->host));
			pump(run, 0);
		}
	}
	lsvm_health_tick(run->health, run->io->now_ns(run->host));
	pump(run, count == 256 ? PROBES_AT_ONCE / 4 : PROBES_AT_ONCE);
	run->io->wake(run->host, count == 256 ? run->io->now_ns(run->host)
					      : lsvm_health_deadline(run->health));
}

static void go_on_until(struct run *run, uint64_t end_ns)
{
	struct pollfd fd = { .fd = run->io->fd(run->host), .events = POLLIN };

	while (run->io->now_ns(run->host) < end_ns) {
		dispatch(run);
		poll(&fd, 1, 100);
	}
}

static void watch_all(struct run *run, uint32_t targets, const uint16_t *ports)
{
	static struct check check = { .kind = LSVM_CHECK_TCP,
				      .interval_ms = 1000,
				      .timeout_ms = 1000,
				      .rise = 2,
				      .fall = 3 };
	struct target_spec spec = { .check = &check };
	struct target *target;

	for (uint32_t i = 0; i < targets; i++) {
		spec.addr = target_addr(i);
		spec.port = ports[i % PORTS];
		if (lsvm_health_watch(run->health, &spec, NULL,
				      run->io->now_ns(run->host), &target) < 0)
			die("watch");
	}
	run->interval_ns = check.interval_ms * IO_MS;
}

struct figures {
	double us, rate;
	size_t bytes;
};

static struct figures measure(struct run *run, uint32_t targets, const uint16_t *ports,
			      unsigned seconds)
{
	size_t before = heap_bytes();
	uint64_t begun_ns;
	double begun_us;

	watch_all(run, targets, ports);
	/* All have been probed once: the beginning is over. */
	go_on_until(run, run->io->now_ns(run->host) + 2 * IO_S);
	run->counts = true;
	begun_ns = run->io->now_ns(run->host);
	begun_us = processor_us();
	go_on_until(run, begun_ns + seconds * IO_S);
	return (struct figures){
		.us = (processor_us() - begun_us) / (double)run->opened,
		.rate = (double)run->opened * 1e9 /
			(double)(run->io->now_ns(run->host) - begun_ns),
		.bytes = (heap_bytes() - before) / targets,
	};
}

static void print_late(const struct run *run)
{
	printf("  late:");
	for (int i = 0; i < BINS; i++)
		if (run->late[i] && i < BINS - 1)
			printf(" <%d ms %.1f %%;", 1 << i,
			       100.0 * (double)run->late[i] / (double)run->opened);
		else if (run->late[i])
			printf(" more %.1f %%;",
			       100.0 * (double)run->late[i] / (double)run->opened);
	printf(" at most %.1f ms\n", (double)run->worst_ns / IO_MS);
}

static bool one(uint32_t targets, unsigned seconds)
{
	struct run run = { 0 };
	struct lsvm_ctx *ctx;
	struct figures figures;
	uint16_t ports[PORTS];
	double one_by_one, many, paced, least, share;
	pid_t server = start_server(ports);
	bool good;

	if (lsvm_ctx_new(&ctx) < 0 || lsvm_host_open(ctx, "bench", &run.host) < 0 ||
	    lsvm_health_new(ctx, 1, &run.health) < 0)
		die("no host");
	run.io = run.host->ops->io;
	one_by_one = bare(targets, ports, 1);
	figures = measure(&run, targets, ports, seconds);
	lsvm_health_free(run.health);
	lsvm_host_free(run.host);
	many = bare(targets, ports, IN_FLIGHT);
	paced = bare_paced(targets, ports, 2);
	least = one_by_one < many ? one_by_one : many;
	share = figures.us * figures.rate / 1e6;
	printf("%u targets at 1 s: %.2f us a check, %.2f of a bare connection (%.2f us "
	       "one "
	       "by one, %.2f us %d at once; at this pace %.2f us: %.2f)\n",
	       targets, figures.us, figures.us / least, one_by_one, many, IN_FLIGHT,
	       paced, figures.us / paced);
	printf("  %.0f a second with %.0f %% of a processor; %zu bytes each; %llu fell\n",
	       figures.rate, share * 100, figures.bytes, (unsigned long long)run.bad);
	print_late(&run);
	good = figures.us <= 2 * paced && (!run.half_late || share > 0.9);
	lsvm_ctx_unref(ctx);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return good;
}

int main(int argc, char **argv)
{
	static const uint32_t usual[] = { 1000, 10000, 50000 };
	struct rlimit files;
	unsigned seconds = 5;
	bool good = true, given = false;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
			seconds = (unsigned)atoi(argv[++i]);
			continue;
		}
		given = true;
		good &= one((uint32_t)atoi(argv[i]), seconds);
	}
	for (size_t i = 0; !given && i < ARRAY_SIZE(usual); i++)
		good &= one(usual[i], seconds);
	return good ? 0 : 1;
}
