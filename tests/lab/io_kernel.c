/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the real machine does as root: two machines in namespaces of their own, joined by
 * a cable (eth0 to eth0), in one process.
 */
#include "../unit/io_linux.h"

#include <fcntl.h>
#include <sched.h>
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

#define PAIR(test) cmocka_unit_test_setup_teardown(test, start_pair, stop_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR(vrrp_reaches_the_group_from_an_address_of_choice),
		PAIR(vrrp_reaches_single_addresses),
		PAIR(a_cable_that_is_out_is_a_failure_and_the_channel_goes_on),
		PAIR(pings_are_answered_each_to_its_own),
		PAIR(what_is_marked_takes_the_marks_way),
		PAIR(cards_are_told_when_they_change),
		PAIR(a_datagram_to_a_group_arrives),
		PAIR(many_addresses_come_and_go_in_one_batch),
	};

	return RUN(tests);
}
