/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the real machine does as root: two machines in namespaces of their own, joined by
 * a cable (eth0 to eth0), in one process.
 */
#include "../unit/io_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct pair {
	struct world here, there;
	int namespace_here, namespace_there;
};

static void shell(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static void enter(int namespace)
{
	assert_int_equal(setns(namespace, CLONE_NEWNET), 0);
}

static int this_namespace(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void start_host(struct world *w)
{
	assert_int_equal(lsvm_ctx_new(&w->ctx), 0);
	assert_int_equal(lsvm_host_open(w->ctx, "here", &w->host), 0);
	w->io = w->host->ops->io;
	assert_true(w->io->fd(w->host) >= 0);
}

static int start_pair(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	char command[128];

	assert_non_null(p);
	shell("modprobe -q ipv6 || true");
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	p->namespace_there = this_namespace();
	shell("ip link set lo up");
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	p->namespace_here = this_namespace();
	snprintf(command, sizeof(command),
		 "ip link set lo up && ip link add eth0 type veth peer name eth0 netns "
		 "/proc/%d/fd/%d",
		 (int)getpid(), p->namespace_there);
	shell(command);
	shell("ip addr add 10.9.0.1/24 dev eth0 && ip addr add 2001:db8:9::1/64 dev eth0 "
	      "nodad && ip link set eth0 up");
	enter(p->namespace_there);
	shell("ip addr add 10.9.0.2/24 dev eth0 && ip addr add 2001:db8:9::2/64 dev eth0 "
	      "nodad && ip link set eth0 up");
	start_host(&p->there);
	enter(p->namespace_here);
	start_host(&p->here);
	shell("for i in $(seq 500); do ip link show dev eth0 | grep -q 'state UP' && "
	      "ip -6 addr show dev eth0 scope link | grep inet6 | grep -vq tentative && "
	      "exit 0; sleep 0.01; done; exit 1");
	*state = p;
	return 0;
}

static void stop_host(struct world *w)
{
	lsvm_host_free(w->host);
	lsvm_ctx_unref(w->ctx);
}

static int stop_pair(void **state)
{
	struct pair *p = *state;

	stop_host(&p->here);
	stop_host(&p->there);
	close(p->namespace_here);
	close(p->namespace_there);
	free(p);
	return 0;
}

static struct channel *open_there(struct pair *p, struct channel_spec spec, void *owner)
{
	struct channel *made;

	enter(p->namespace_there);
	made = open_channel(&p->there, spec, owner);
	enter(p->namespace_here);
	return made;
}
#define OPEN_THERE(p, owner, ...)                                                        \
	open_there(p, (struct channel_spec){ __VA_ARGS__ }, owner)

static void assert_addr(const struct addr *is, const char *wanted)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];

	assert_string_equal(lsvm_addr_text(is, text), wanted);
}

/* ---- VRRP ---- */

static void a_packet_to_the_group_arrives(struct pair *p, const char *group,
					  const char *local)
{
	struct channel *c =
		OPEN(&p->here, NULL, .kind = CHANNEL_VRRP, .interface = "eth0",
		     .remote = addr(group), .local = addr(local));
	struct channel *other = OPEN_THERE(p, NULL, .kind = CHANNEL_VRRP,
					   .interface = "eth0", .remote = addr(group));

	assert_true(p->here.io->send(p->here.host, c, "advert", 6, NULL, 0));
	expect(&p->there, IO_BYTES);
	assert_ptr_equal(fact.channel, other);
	assert_int_equal(fact.length, 6);
	assert_memory_equal(fact.bytes, "advert", 6);
	assert_int_equal(fact.ttl, 255);
	assert_addr(&fact.from, local);
	assert_addr(&fact.to, group);
	/* It does not come back, and comes once. */
	assert_false(await_ms(&p->here, 20));
	assert_false(await_ms(&p->there, 1));
	p->here.io->close(p->here.host, c);
	p->there.io->close(p->there.host, other);
}

static void vrrp_reaches_the_group_from_an_address_of_choice(void **state)
{
	struct pair *p = *state;

	shell("ip addr add 10.9.0.11/24 dev eth0 && ip addr add fe80::11/64 dev eth0 "
	      "nodad");
	a_packet_to_the_group_arrives(p, "224.0.0.18", "10.9.0.11");
	a_packet_to_the_group_arrives(p, "ff02::12", "fe80::11");
}

static void vrrp_reaches_single_addresses(void **state)
{
	struct pair *p = *state;
	static const char *const ends[][2] = { { "10.9.0.1", "10.9.0.2" },
					       { "2001:db8:9::1", "2001:db8:9::2" } };
	struct addr to;

	for (int i = 0; i < 2; i++) {
		struct channel *c =
			OPEN(&p->here, NULL, .kind = CHANNEL_VRRP, .interface = "eth0",
			     .remote = addr(ends[i][1]), .local = addr(ends[i][0]));
		struct channel *other =
			OPEN_THERE(p, NULL, .kind = CHANNEL_VRRP, .interface = "eth0",
				   .remote = addr(ends[i][0]));

		assert_true(p->here.io->send(p->here.host, c, "one", 3, NULL, 0));
		expect(&p->there, IO_BYTES);
		assert_addr(&fact.from, ends[i][0]);
		assert_addr(&fact.to, ends[i][1]);
		assert_int_equal(fact.ttl, 255);
		to = addr(ends[i][0]);
		assert_true(p->there.io->send(p->there.host, other, "two", 3, &to, 0));
		expect(&p->here, IO_BYTES);
		assert_memory_equal(fact.bytes, "two", 3);
		p->here.io->close(p->here.host, c);
		p->there.io->close(p->there.host, other);
	}
}

static void a_cable_that_is_out_is_a_failure_and_the_channel_goes_on(void **state)
{
	struct pair *p = *state;
	struct channel *c =
		OPEN(&p->here, NULL, .kind = CHANNEL_VRRP, .interface = "eth0",
		     .remote = addr("224.0.0.18"), .local = addr("10.9.0.1"));
	struct channel *other =
		OPEN_THERE(p, NULL, .kind = CHANNEL_VRRP, .interface = "eth0",
			   .remote = addr("224.0.0.18"));

	shell("ip link set eth0 down");
	while (p->here.io->send(p->here.host, c, "x", 1, NULL, 0))
		assert_false(await_ms(&p->here, 10));
	expect_failure(&p->here, IO_ERROR_UNREACHABLE);
	shell("ip link set eth0 up");
	do {
		while (!p->here.io->send(p->here.host, c, "y", 1, NULL, 0))
			await_ms(&p->here, 10);
	} while (!await_ms(&p->there, 10));
	assert_ptr_equal(fact.channel, other);
}

/* ---- ping ---- */

static void pings_are_answered_each_to_its_own(void **state)
{
	struct pair *p = *state;
	struct channel *c[3], *closed;
	int owners[3];
	const struct channel_spec spec[3] = {
		{ .kind = CHANNEL_PING, .remote = addr("10.9.0.2") },
		{ .kind = CHANNEL_PING,
		  .remote = addr("10.9.0.2"),
		  .local = addr("10.9.0.1"),
		  .ttl = 3 },
		{ .kind = CHANNEL_PING, .remote = addr("2001:db8:9::2") },
	};
	unsigned seen = 0;

	for (int i = 0; i < 3; i++) {
		c[i] = open_channel(&p->here, spec[i], &owners[i]);
		assert_true(p->here.io->send(p->here.host, c[i], &"abc"[i], 1, NULL, 0));
	}
	/* The answer to who is gone is nobody's. */
	closed = open_channel(&p->here, spec[0], NULL);
	assert_true(p->here.io->send(p->here.host, closed, "gone", 4, NULL, 0));
	p->here.io->close(p->here.host, closed);
	for (int i = 0; i < 3; i++) {
		const int *owner;

		expect(&p->here, IO_BYTES);
		owner = fact.owner;
		assert_int_equal(fact.length, 1);
		assert_int_equal(fact.bytes[0], "abc"[owner - owners]);
		assert_ptr_equal(fact.channel, c[owner - owners]);
		seen |= 1u << (owner - owners);
	}
	assert_int_equal(seen, 7);
	assert_false(await_ms(&p->here, 20));
}

/* ---- SCTP ---- */

static void sctp_connects_and_is_refused(void **state)
{
	struct pair *p = *state;
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(7001) };
	struct channel_spec spec = { .kind = CHANNEL_SCTP,
				     .remote = addr("10.9.0.2"),
				     .remote_port = 7001 };
	struct channel *c;
	int fd;

	shell("modprobe sctp");
	enter(p->namespace_there);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 10), 0);
	enter(p->namespace_here);
	c = open_channel(&p->here, spec, NULL);
	expect(&p->here, IO_CONNECTED);
	p->here.io->close(p->here.host, c);
	spec.remote_port = 7002;
	c = open_channel(&p->here, spec, NULL);
	expect_failure(&p->here, IO_ERROR_REFUSED);
	p->here.io->close(p->here.host, c);
	close(fd);
}

/* ---- marks ---- */

static void what_is_marked_takes_the_marks_way(void **state)
{
	struct pair *p = *state;
	static const enum channel_kind kinds[] = { CHANNEL_TCP, CHANNEL_UDP,
						   CHANNEL_PING };
	struct channel *c;

	shell("ip rule add fwmark 0x53560001 prohibit");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct channel_spec spec = { .kind = kinds[i],
					     .remote = addr("10.9.0.2"),
					     .remote_port = 9 };

		c = open_channel(&p->here, spec, NULL);
		if (kinds[i] != CHANNEL_TCP)
			assert_true(p->here.io->send(p->here.host, c, "x", 1, NULL, 0));
		if (kinds[i] == CHANNEL_PING)
			expect(&p->here, IO_BYTES);
		else
			expect_failure(&p->here, IO_ERROR_REFUSED);
		p->here.io->close(p->here.host, c);
		spec.mark = 0x53560001;
		c = open_channel(&p->here, spec, NULL);
		if (kinds[i] == CHANNEL_PING)
			assert_false(p->here.io->send(p->here.host, c, "x", 1, NULL, 0));
		expect_failure(&p->here, IO_ERROR_PERMISSION);
		p->here.io->close(p->here.host, c);
	}
}

/* ---- links ---- */

static void expect_link(struct pair *p, const char *name, int status)
{
	do {
		expect(&p->here, IO_LINK);
	} while (strcmp(fact.text, name) != 0);
	if (fact.status != status)
		fail_msg("%s is %d, not %d", name, fact.status, status);
}

static void cards_are_told_when_they_change(void **state)
{
	struct pair *p = *state;

	OPEN(&p->here, NULL, .kind = CHANNEL_LINKS);
	expect_link(p, "eth0", 1);
	/* The other end goes: the cable is out. */
	enter(p->namespace_there);
	shell("ip link set eth0 down");
	enter(p->namespace_here);
	expect_link(p, "eth0", 0);
	enter(p->namespace_there);
	shell("ip link set eth0 up");
	enter(p->namespace_here);
	expect_link(p, "eth0", 1);
	shell("ip link set eth0 down");
	expect_link(p, "eth0", 0);
	shell("ip link set eth0 name eth7");
	expect_link(p, "eth0", -1);
	expect_link(p, "eth7", 0);
	shell("ip link delete eth7");
	expect_link(p, "eth7", -1);
	while (await_ms(&p->here, 20))
		assert_string_not_equal(fact.text, "eth7");
}

/* ---- groups ---- */

static void a_datagram_to_a_group_arrives(void **state)
{
	struct pair *p = *state;
	static const char *const groups[] = { "239.1.2.3", "ff02::1:2" };

	for (int i = 0; i < 2; i++) {
		struct channel *c =
			OPEN(&p->here, NULL, .kind = CHANNEL_UDP, .interface = "eth0",
			     .remote = addr(groups[i]), .remote_port = 7000);
		struct channel *other =
			OPEN_THERE(p, NULL, .kind = CHANNEL_LISTEN_UDP,
				   .interface = "eth0", .local_port = 7000,
				   .remote = addr(groups[i]), .remote_port = 7000);

		assert_true(p->here.io->send(p->here.host, c, "all", 3, NULL, 0));
		expect(&p->there, IO_BYTES);
		assert_addr(&fact.to, groups[i]);
		p->here.io->close(p->here.host, c);
		p->there.io->close(p->there.host, other);
	}
}

/* ---- addresses ---- */

static void many_addresses_come_and_go_in_one_batch(void **state)
{
	struct pair *p = *state;
	struct address addresses[300];
	struct step steps[300];
	size_t done;

	for (int i = 0; i < 300; i++) {
		char text[64];

		snprintf(text, sizeof(text),
			 i % 2 ? "10.8.%d.%d/32" : "2001:db8:%x::%x/128", i / 200 + 1,
			 i % 200 + 1);
		addresses[i] = (struct address){ .interface = "eth0" };
		assert_true(lsvm_prefix_parse(text, &addresses[i].prefix));
		steps[i] = (struct step){ .kind = STEP_ADDRESS_ADD,
					  .address = &addresses[i] };
	}
	assert_int_equal(lsvm_host_perform(p->here.host, steps, 300, &done), 0);
	assert_int_equal(done, 300);
	shell("test $(ip addr show dev eth0 | grep -cE '10\\.8\\.|2001:db8:[12]:') = "
	      "300");
	shell("ip -6 addr show dev eth0 | grep -A1 2001:db8:1::1/128 | grep -q "
	      "'preferred_lft 0sec'");
	/* The 200th is there already: 199 are not, then. */
	for (int i = 0; i < 300; i++)
		steps[i].kind = i == 199 ? STEP_ADDRESS_ADD : STEP_ADDRESS_DELETE;
	assert_int_equal(lsvm_host_perform(p->here.host, steps, 300, &done),
			 LSVM_ERR_EXISTS);
	assert_int_equal(done, 199);
	shell("test $(ip addr show dev eth0 | grep -cE '10\\.8\\.|2001:db8:[12]:') = "
	      "101");
	/* What is gone is gone, and with its interface too. */
	steps[199].kind = STEP_ADDRESS_DELETE;
	strcpy(addresses[7].interface, "eth99");
	assert_int_equal(lsvm_host_perform(p->here.host, steps, 300, &done), 0);
	assert_int_equal(done, 300);
	shell("! ip addr show dev eth0 | grep -qE '10\\.8\\.|2001:db8:[12]:'");
	/* Nothing can be added to what is not there: what came before it stands. */
	for (int i = 0; i < 10; i++)
		steps[i].kind = STEP_ADDRESS_ADD;
	assert_int_equal(lsvm_host_perform(p->here.host, steps, 10, &done),
			 LSVM_ERR_NOT_FOUND);
	assert_int_equal(done, 7);
	assert_non_null(strstr(lsvm_ctx_error_text(p->here.ctx), "eth99"));
}

/* ---- the will ---- */

struct embedder {
	pid_t pid;
	int answers; /* a byte for each thing that is done */
	int orders;
};

/* Another process that has a host, leaves a will, and does as it is told: r a new will
 * (the second address only), n none, f the host is freed, w wait() for any child. */
static void embed(struct pair *p, int orders, int answers)
{
	const struct address both[] = {
		{ "eth0", { addr("10.9.0.77"), 32 } },
		{ "eth0", { addr("2001:db8:9::77"), 128 } },
	};
	const struct io_packet packets[] = {
		{ { .kind = CHANNEL_VRRP,
		    .interface = "eth0",
		    .local = addr("10.9.0.1"),
		    .remote = addr("224.0.0.18") },
		  (const uint8_t *)"last",
		  4 },
		{ { .kind = CHANNEL_UDP,
		    .remote = addr("10.9.0.2"),
		    .remote_port = 7000 },
		  (const uint8_t *)"gone",
		  4 },
	};
	struct io_will will = { both, 2, packets, 2 };
	struct world w;
	char order = 'w', answer;

	start_host(&w);
	answer = w.io->will(w.host, &will) == 0 ? '+' : '-';
	while (write(answers, &answer, 1) == 1) {
		struct pollfd fds[] = { { .fd = orders, .events = POLLIN },
					{ .fd = w.host ? w.io->fd(w.host) : -1,
					  .events = POLLIN } };

		for (;;) {
			poll(fds, 2, -1);
			while (w.host && w.io->next(w.host, &fact))
				;
			if (fds[0].revents)
				break;
		}
		if (read(orders, &order, 1) != 1)
			break;
		answer = '+';
		if (order == 'r') {
			will.addresses++;
			will.address_count--;
			answer = w.io->will(w.host, &will) == 0 ? '+' : '-';
		} else if (order == 'n') {
			answer = w.io->will(w.host, NULL) == 0 ? '+' : '-';
		} else if (order == 'f') {
			lsvm_host_free(w.host);
			w.host = NULL;
		} else if (order == 'w') {
			answer = waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD ? '+'
										   : '-';
		}
	}
	_exit(0);
}

static void expect_answer(struct embedder *e)
{
	char answer = 0;

	assert_int_equal(read(e->answers, &answer, 1), 1);
	assert_int_equal(answer, '+');
}

static void order(struct embedder *e, char what)
{
	assert_int_equal(write(e->orders, &what, 1), 1);
	expect_answer(e);
}

static struct embedder start_embedder(struct pair *p)
{
	int orders[2], answers[2];
	struct embedder e;

	shell("ip addr add 10.9.0.77/32 dev eth0 && "
	      "ip addr add 2001:db8:9::77/128 dev eth0 nodad");
	assert_int_equal(pipe(orders) + pipe(answers), 0);
	e.pid = fork();
	assert_true(e.pid >= 0);
	if (!e.pid) {
		close(orders[1]);
		close(answers[0]);
		embed(p, orders[0], answers[1]);
	}
	close(orders[0]);
	close(answers[1]);
	e.orders = orders[1];
	e.answers = answers[0];
	expect_answer(&e);
	return e;
}

static void end_embedder(struct embedder *e)
{
	kill(e->pid, SIGKILL);
	assert_int_equal(waitpid(e->pid, NULL, 0), e->pid);
	close(e->orders);
	close(e->answers);
}

/* The child of that process called as sentries are; 0: there is none. */
static pid_t sentry_of(pid_t parent)
{
	char command[160];
	FILE *list;
	int pid = 0;

	snprintf(command, sizeof(command),
		 "grep -l '^PPid:[[:space:]]*%d$' /proc/[0-9]*/status 2>/dev/null | "
		 "while read f; do grep -q '^Name:[[:space:]]*lsvm-sentry' $f && echo "
		 "$f; done | cut -d/ -f3",
		 (int)parent);
	list = popen(command, "r");
	assert_non_null(list);
	if (fscanf(list, "%d", &pid) != 1)
		pid = 0;
	pclose(list);
	return pid;
}

static pid_t await_sentry(pid_t parent, pid_t other_than)
{
	pid_t pid;

	for (int i = 0; i < 1000; i++) {
		pid = sentry_of(parent);
		if (pid && pid != other_than)
			return pid;
		usleep(10000);
	}
	fail_msg("there is no sentry");
	return 0;
}

static bool is_gone(pid_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}

static bool has_address(const char *text)
{
	char command[128];

	snprintf(command, sizeof(command), "ip addr show dev eth0 | grep -qF '%s/'",
		 text);
	return system(command) == 0;
}

static void open_ears(struct pair *p)
{
	static char vrrp[] = "vrrp", udp[] = "udp";

	OPEN_THERE(p, vrrp, .kind = CHANNEL_VRRP, .interface = "eth0",
		   .remote = addr("224.0.0.18"));
	OPEN_THERE(p, udp, .kind = CHANNEL_LISTEN_UDP, .local = addr("10.9.0.2"),
		   .local_port = 7000);
}

static void when_the_process_is_killed_addresses_go_and_packets_are_sent(void **state)
{
	struct pair *p = *state;
	struct embedder e = start_embedder(p);
	uint64_t killed;

	open_ears(p);
	killed = p->here.io->now_ns(p->here.host);
	kill(e.pid, SIGKILL);
	expect(&p->there, IO_BYTES);
	print_message("          %.1f ms from the kill to the packet\n",
		      (double)(p->here.io->now_ns(p->here.host) - killed) / IO_MS);
	assert_true(p->here.io->now_ns(p->here.host) - killed < IO_S);
	assert_string_equal(fact.owner, "vrrp");
	assert_memory_equal(fact.bytes, "last", 4);
	/* Before the packet. */
	assert_false(has_address("10.9.0.77"));
	assert_false(has_address("2001:db8:9::77"));
	expect(&p->there, IO_BYTES);
	assert_string_equal(fact.owner, "udp");
	assert_memory_equal(fact.bytes, "gone", 4);
	end_embedder(&e);
}

static void a_sentry_keeps_to_itself(void **state)
{
	struct pair *p = *state;
	struct embedder e = start_embedder(p);
	pid_t sentry = await_sentry(e.pid, 0);
	char command[160];

	/* wait() in the process around it does not find it. */
	order(&e, 'w');
	/* The process, the kernel, two sockets; no terminal, no folder, no command line.
	 */
	snprintf(command, sizeof(command),
		 "for i in $(seq 500); do test $(ls /proc/%d/fd | wc -l) = 4 && test "
		 "\"$(tr -d '\\0' </proc/%d/cmdline)\" = lsvm-sentry && exit 0; sleep "
		 "0.01; done; exit 1",
		 sentry, sentry);
	shell(command);
	snprintf(command, sizeof(command), "test $(readlink /proc/%d/cwd) = /", sentry);
	shell(command);
	assert_int_equal(getsid(sentry), sentry);
	/* It is not ended by what ends others, and is replaced when it is killed. */
	for (int number = 1; number < 32; number++)
		if (number != SIGKILL && number != SIGSTOP)
			kill(sentry, number);
	assert_int_equal(sentry_of(e.pid), sentry);
	kill(sentry, SIGKILL);
	await_sentry(e.pid, sentry);
	assert_true(has_address("10.9.0.77"));
	end_embedder(&e);
}

static void a_new_will_replaces_the_old_one(void **state)
{
	struct pair *p = *state;
	struct embedder e = start_embedder(p);
	pid_t sentry = await_sentry(e.pid, 0);

	order(&e, 'r');
	await_sentry(e.pid, sentry);
	for (int i = 0; i < 1000 && !is_gone(sentry); i++)
		usleep(10000);
	assert_true(is_gone(sentry));
	open_ears(p);
	kill(e.pid, SIGKILL);
	expect(&p->there, IO_BYTES);
	assert_true(has_address("10.9.0.77"));
	assert_false(has_address("2001:db8:9::77"));
	end_embedder(&e);
}

static void without_a_will_or_a_host_nothing_happens(void **state)
{
	struct pair *p = *state;

	for (int i = 0; i < 2; i++) {
		struct embedder e = start_embedder(p);
		pid_t sentry = await_sentry(e.pid, 0);

		order(&e, "nf"[i]);
		for (int j = 0; j < 1000 && !is_gone(sentry); j++)
			usleep(10000);
		assert_true(is_gone(sentry));
		end_embedder(&e);
		assert_true(has_address("10.9.0.77"));
		shell("ip addr del 10.9.0.77/32 dev eth0 && "
		      "ip addr del 2001:db8:9::77/128 dev eth0");
	}
}

static void a_will_that_cannot_be_kept_is_an_error(void **state)
{
	struct pair *p = *state;
	const struct address nowhere = { "eth9", { addr("10.9.0.77"), 32 } };
	const struct io_packet wrong = { { .kind = CHANNEL_TCP }, NULL, 0 };
	const struct io_packet no_card = { { .kind = CHANNEL_VRRP,
					     .interface = "eth9",
					     .remote = addr("224.0.0.18") },
					   (const uint8_t *)"x",
					   1 };
	const struct io_ops *io = p->here.io;

	assert_int_equal(
		io->will(p->here.host, &(struct io_will){ &nowhere, 1, NULL, 0 }),
		LSVM_ERR_NOT_FOUND);
	assert_int_equal(io->will(p->here.host, &(struct io_will){ NULL, 0, &wrong, 1 }),
			 LSVM_ERR_ARGUMENT);
	assert_int_equal(
		io->will(p->here.host, &(struct io_will){ NULL, 0, &no_card, 1 }),
		LSVM_ERR_IO);
	assert_non_null(strstr(lsvm_ctx_error_text(p->here.ctx), "no such interface"));
	assert_int_equal(sentry_of(getpid()), 0);
	assert_int_equal(io->will(p->here.host, NULL), 0);
}

#define PAIR(test) cmocka_unit_test_setup_teardown(test, start_pair, stop_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR(vrrp_reaches_the_group_from_an_address_of_choice),
		PAIR(vrrp_reaches_single_addresses),
		PAIR(a_cable_that_is_out_is_a_failure_and_the_channel_goes_on),
		PAIR(pings_are_answered_each_to_its_own),
		PAIR(sctp_connects_and_is_refused),
		PAIR(what_is_marked_takes_the_marks_way),
		PAIR(cards_are_told_when_they_change),
		PAIR(a_datagram_to_a_group_arrives),
		PAIR(many_addresses_come_and_go_in_one_batch),
		PAIR(when_the_process_is_killed_addresses_go_and_packets_are_sent),
		PAIR(a_sentry_keeps_to_itself),
		PAIR(a_new_will_replaces_the_old_one),
		PAIR(without_a_will_or_a_host_nothing_happens),
		PAIR(a_will_that_cannot_be_kept_is_an_error),
	};

	return RUN(tests);
}
