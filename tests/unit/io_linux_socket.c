/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections, datagrams, listeners, time and files of the real machine, on loopback. */
#include "io_linux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A path of this process's own. */
static const char *socket_path(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/lsvm-io-%d.sock", (int)getpid());
	return path;
}

/* A listener of the test's own; its port goes to *ret_port. */
static int server(int type, uint16_t *ret_port)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(name);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 100), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	*ret_port = ntohs(name.sin_port);
	return fd;
}

/* A port that nobody has. */
static uint16_t free_port(void)
{
	uint16_t port;

	close(server(SOCK_STREAM, &port));
	return port;
}

static int other_end(int fd)
{
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	assert_true(peer >= 0);
	return peer;
}

static void a_connection_is_made_speaks_and_ends(void **state)
{
	struct world *w = *state;
	char text[16] = "";
	uint16_t port;
	int fd = server(SOCK_STREAM, &port), peer;
	struct channel *c = OPEN(w, text, .kind = CHANNEL_TCP,
				 .remote = addr("127.0.0.1"), .remote_port = port);

	expect(w, IO_CONNECTED);
	assert_ptr_equal(fact.channel, c);
	assert_ptr_equal(fact.owner, text);
	peer = other_end(fd);
	assert_true(w->io->send(w->host, c, "hello", 5, NULL, 0));
	assert_int_equal(recv(peer, text, sizeof(text), 0), 5);
	assert_string_equal(text, "hello");
	assert_int_equal(send(peer, "good day", 8, 0), 8);
	close(peer);
	expect(w, IO_BYTES);
	assert_int_equal(fact.length, 8);
	assert_memory_equal(fact.bytes, "good day", 8);
	expect(w, IO_ENDED);
	assert_false(await_ms(w, 20));
	w->io->close(w->host, c);
	close(fd);
}

static void the_end_of_sending_is_heard_after_what_was_sent(void **state)
{
	struct world *w = *state;
	static char bytes[300000];
	uint16_t port;
	int fd = server(SOCK_STREAM, &port), peer;
	size_t total = 0;
	ssize_t got;
	struct channel *c = OPEN(w, NULL, .kind = CHANNEL_TCP,
				 .remote = addr("127.0.0.1"), .remote_port = port);

	expect(w, IO_CONNECTED);
	for (int i = 0; i < 20; i++)
		if (!w->io->send(w->host, c, bytes, 50000, NULL, 0))
			fail();
	assert_true(w->io->send(w->host, c, "", 0, NULL, 0));
	peer = other_end(fd);
	fcntl(peer, F_SETFL, O_NONBLOCK);
	while ((got = recv(peer, bytes, sizeof(bytes), 0)) != 0) {
		total += got > 0 ? (size_t)got : 0;
		if (await_ms(w, got > 0 ? 0 : 10))
			assert_int_equal(fact.fact, IO_DRAINED);
	}
	assert_int_equal(total, 1000000);
	w->io->close(w->host, c);
	close(peer);
	close(fd);
}

static void a_peer_that_takes_nothing_ends_the_connection(void **state)
{
	struct world *w = *state;
	static char bytes[100000];
	uint16_t port;
	int fd = server(SOCK_STREAM, &port), count = 0;
	struct channel *c = OPEN(w, NULL, .kind = CHANNEL_TCP,
				 .remote = addr("127.0.0.1"), .remote_port = port);

	expect(w, IO_CONNECTED);
	while (w->io->send(w->host, c, bytes, sizeof(bytes), NULL, 0))
		assert_true(++count < 1000);
	expect_failure(w, IO_ERROR_OVERFLOW);
	assert_false(w->io->send(w->host, c, bytes, 1, NULL, 0));
	w->io->close(w->host, c);
	close(fd);
}

static void a_refused_connection_is_a_fact(void **state)
{
	struct world *w = *state;
	struct channel *c = OPEN(w, NULL, .kind = CHANNEL_TCP,
				 .remote = addr("127.0.0.1"), .remote_port = free_port());

	expect_failure(w, IO_ERROR_REFUSED);
	assert_string_equal(fact.text, "connection refused");
	assert_false(await_ms(w, 20));
	w->io->close(w->host, c);
}

static void a_reset_is_told_from_an_end(void **state)
{
	struct world *w = *state;
	const struct linger off = { .l_onoff = 1 };
	uint16_t port;
	int fd = server(SOCK_STREAM, &port), peer;
	struct channel *c = OPEN(w, NULL, .kind = CHANNEL_TCP,
				 .remote = addr("127.0.0.1"), .remote_port = port);

	expect(w, IO_CONNECTED);
	peer = other_end(fd);
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	close(peer);
	expect_failure(w, IO_ERROR_RESET);
	w->io->close(w->host, c);
	close(fd);
}

static void closing_can_be_a_reset(void **state)
{
	struct world *w = *state;
	uint16_t port;
	int fd = server(SOCK_STREAM, &port), peer;
	char byte;
	struct channel *c =
		OPEN(w, NULL, .kind = CHANNEL_TCP, .remote = addr("127.0.0.1"),
		     .remote_port = port, .reset = true);

	expect(w, IO_CONNECTED);
	peer = other_end(fd);
	w->io->close(w->host, c);
	assert_int_equal(recv(peer, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(peer);
	close(fd);
}

static void a_way_that_is_not_there_is_said_so(void **state)
{
	struct world *w = *state;
	struct channel *c = OPEN(w, NULL, .kind = CHANNEL_TCP, .remote = addr("fe80::1"),
				 .remote_port = 80, .interface = "no-such-card");

	expect_failure(w, IO_ERROR_UNREACHABLE);
	w->io->close(w->host, c);
	c = OPEN(w, NULL, .kind = CHANNEL_TCP, .remote = addr("127.0.0.1"),
		 .remote_port = 80, .local = addr("192.0.2.77"));
	expect_failure(w, IO_ERROR_ADDRESS);
	w->io->close(w->host, c);
}

static void a_connection_leaves_from_the_address_asked_for(void **state)
{
	struct world *w = *state;
	struct sockaddr_in name;
	socklen_t length = sizeof(name);
	uint16_t port;
	int fd = server(SOCK_STREAM, &port), peer;
	struct channel *c =
		OPEN(w, NULL, .kind = CHANNEL_TCP, .remote = addr("127.0.0.1"),
		     .remote_port = port, .local = addr("127.0.0.9"));

	expect(w, IO_CONNECTED);
	peer = accept(fd, (struct sockaddr *)&name, &length);
	assert_int_equal(ntohl(name.sin_addr.s_addr), 0x7f000009);
	w->io->close(w->host, c);
	close(peer);
	close(fd);
}

static void a_closed_channel_gives_no_fact(void **state)
{
	struct world *w = *state;
	uint16_t port;
	int fd = server(SOCK_STREAM, &port);
	struct channel *c[50];
	int owners[50];

	/* Their events lie in the kernel, and some are taken already. */
	for (int i = 0; i < 50; i++)
		c[i] = OPEN(w, &owners[i], .kind = CHANNEL_TCP,
			    .remote = addr("127.0.0.1"), .remote_port = port);
	expect(w, IO_CONNECTED);
	assert_ptr_equal(fact.owner, &owners[0]);
	for (int i = 0; i < 50; i += 2)
		w->io->close(w->host, c[i]);
	/* Their places are taken by others. */
	for (int i = 0; i < 50; i += 2)
		c[i] = OPEN(w, NULL, .kind = CHANNEL_UDP, .remote = addr("127.0.0.1"),
			    .remote_port = port);
	for (int i = 1; i < 50; i += 2) {
		expect(w, IO_CONNECTED);
		assert_ptr_equal(fact.owner, &owners[i]);
	}
	assert_false(await_ms(w, 20));
	for (int i = 0; i < 50; i++)
		w->io->close(w->host, c[i]);
	w->io->close(w->host, NULL);
	close(fd);
}

static void the_descriptor_wakes_at_the_time_asked_for(void **state)
{
	struct world *w = *state;
	struct pollfd fd = { .fd = w->io->fd(w->host), .events = POLLIN };
	uint64_t when = w->io->now_ns(w->host) + 30 * IO_MS;

	assert_int_equal(poll(&fd, 1, 0), 0);
	w->io->wake(w->host, when);
	assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
	assert_true(w->io->now_ns(w->host) >= when);
	assert_false(w->io->next(w->host, &fact));
	/* Until another time is asked for. */
	assert_int_equal(poll(&fd, 1, 0), 1);
	w->io->wake(w->host, IO_NEVER);
	assert_int_equal(poll(&fd, 1, 0), 0);
	w->io->wake(w->host, 0);
	assert_int_equal(poll(&fd, 1, 0), 1);
}

static void a_fact_that_is_ours_alone_wakes_the_descriptor(void **state)
{
	struct world *w = *state;
	struct pollfd fd = { .fd = w->io->fd(w->host), .events = POLLIN };
	struct channel *c;

	c = OPEN(w, NULL, .kind = CHANNEL_FILE, .path = "/no/such/file");
	assert_int_equal(poll(&fd, 1, 0), 1);
	expect_failure(w, IO_ERROR_OTHER);
	assert_non_null(strstr(fact.text, "No such file"));
	w->io->close(w->host, c);
	assert_false(w->io->next(w->host, &fact));
	assert_int_equal(poll(&fd, 1, 0), 0);
}

static void a_file_comes_in_pieces_between_others(void **state)
{
	struct world *w = *state;
	struct pollfd fd = { .fd = w->io->fd(w->host), .events = POLLIN };
	size_t total = 0, turns = 0;
	char path[] = "/tmp/lsvm-io-XXXXXX";
	int file = mkstemp(path);
	struct channel *c;

	assert_true(file >= 0);
	assert_int_equal(ftruncate(file, 200000), 0);
	c = OPEN(w, NULL, .kind = CHANNEL_FILE, .path = path);
	for (; turns < 100; turns++) {
		assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
		assert_true(w->io->next(w->host, &fact));
		if (fact.fact == IO_ENDED)
			break;
		assert_int_equal(fact.fact, IO_BYTES);
		total += fact.length;
		assert_false(w->io->next(w->host, &fact));
	}
	assert_int_equal(total, 200000);
	assert_true(turns > 3);
	w->io->close(w->host, c);
	close(file);
	unlink(path);
}

/* ---- datagrams ---- */

static void datagrams_are_answered(void **state)
{
	struct world *w = *state;
	uint16_t port = free_port();
	int here, there;
	struct channel *listener = OPEN(w, &there, .kind = CHANNEL_LISTEN_UDP,
					.local = addr("0.0.0.0"), .local_port = port);
	struct channel *c = OPEN(w, &here, .kind = CHANNEL_UDP,
				 .remote = addr("127.0.0.1"), .remote_port = port);
	struct addr from, loopback = addr("127.0.0.1");

	assert_true(w->io->send(w->host, c, "ask", 3, NULL, 0));
	expect(w, IO_BYTES);
	assert_ptr_equal(fact.owner, &there);
	assert_memory_equal(fact.bytes, "ask", 3);
	assert_int_equal(lsvm_addr_compare(&fact.from, &loopback), 0);
	assert_int_equal(lsvm_addr_compare(&fact.to, &loopback), 0);
	assert_int_equal(fact.ttl, 64);
	from = fact.from;
	assert_true(w->io->send(w->host, listener, "", 0, &from, fact.from_port));
	expect(w, IO_BYTES);
	assert_ptr_equal(fact.owner, &here);
	assert_int_equal(fact.length, 0);
	w->io->close(w->host, c);
	w->io->close(w->host, listener);
}

static void a_port_that_nobody_has_refuses_datagrams(void **state)
{
	struct world *w = *state;
	struct channel *c = OPEN(w, NULL, .kind = CHANNEL_UDP,
				 .remote = addr("127.0.0.1"), .remote_port = free_port());

	for (int i = 0; i < 3; i++) {
		assert_true(w->io->send(w->host, c, "ask", 3, NULL, 0));
		expect_failure(w, IO_ERROR_REFUSED);
	}
	w->io->close(w->host, c);
}

static void a_flood_does_not_keep_others_from_their_facts(void **state)
{
	struct world *w = *state;
	uint16_t port;
	int fd = server(SOCK_STREAM, &port), peer, flood, wanted, flooded = 0;
	struct channel *c = OPEN(w, &flood, .kind = CHANNEL_TCP,
				 .remote = addr("127.0.0.1"), .remote_port = port);
	static char bytes[4000000];

	expect(w, IO_CONNECTED);
	peer = other_end(fd);
	fcntl(peer, F_SETFL, O_NONBLOCK);
	assert_true(send(peer, bytes, sizeof(bytes), 0) > 200000);
	expect(w, IO_BYTES);
	OPEN(w, &wanted, .kind = CHANNEL_TCP, .remote = addr("127.0.0.1"),
	     .remote_port = port);
	do {
		assert_true(await_ms(w, WAIT_MS));
		(void)!send(peer, bytes, sizeof(bytes), 0);
		assert_true(flooded++ < 1000);
	} while (fact.owner != &wanted);
	w->io->close(w->host, c);
	close(peer);
	close(fd);
}

/* ---- listening ---- */

static int connect_local(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(name.sun_path, path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

static void a_local_socket_lets_in_and_answers(void **state)
{
	struct world *w = *state;
	const char *path = socket_path();
	char text[8] = "";
	int listening, talking, fd;
	struct stat file;
	struct channel *second, *accepted;
	struct channel *c = OPEN(w, &listening, .kind = CHANNEL_LISTEN_LOCAL,
				 .path = path, .mode = 0660);

	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode & 07777, 0660);
	/* It is in use. */
	second = OPEN(w, NULL, .kind = CHANNEL_LISTEN_LOCAL, .path = path, .mode = 0600);
	expect_failure(w, IO_ERROR_ADDRESS);
	w->io->close(w->host, second);
	/* The question whether it is was somebody who connected and left. */
	while (await_ms(w, 20))
		if (fact.fact == IO_ACCEPTED)
			w->io->close(w->host, fact.accepted);
	fd = connect_local(path);
	expect(w, IO_ACCEPTED);
	assert_ptr_equal(fact.owner, &listening);
	accepted = fact.accepted;
	w->io->adopt(w->host, accepted, &talking);
	assert_int_equal(write(fd, "ask", 3), 3);
	expect(w, IO_BYTES);
	assert_ptr_equal(fact.owner, &talking);
	assert_true(w->io->send(w->host, accepted, "answer", 6, NULL, 0));
	w->io->close(w->host, accepted);
	assert_int_equal(read(fd, text, sizeof(text)), 6);
	assert_int_equal(read(fd, text, sizeof(text)), 0);
	close(fd);
	w->io->close(w->host, c);
	assert_int_equal(stat(path, &file), -1);
}

static void a_socket_that_was_left_over_is_replaced(void **state)
{
	struct world *w = *state;
	const char *path = socket_path();
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct channel *c;

	unlink(path);
	strcpy(name.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	close(fd);
	c = OPEN(w, NULL, .kind = CHANNEL_LISTEN_LOCAL, .path = path, .mode = 0600);
	fd = connect_local(path);
	expect(w, IO_ACCEPTED);
	w->io->close(w->host, fact.accepted);
	close(fd);
	w->io->close(w->host, c);
}

static void what_waits_for_an_accepted_one_is_sent_after_closing(void **state)
{
	struct world *w = *state;
	const char *path = socket_path();
	static char bytes[800000];
	struct channel *c =
		OPEN(w, NULL, .kind = CHANNEL_LISTEN_LOCAL, .path = path, .mode = 0600);
	int fd = connect_local(path);
	size_t total = 0;
	ssize_t got;

	expect(w, IO_ACCEPTED);
	assert_true(w->io->send(w->host, fact.accepted, bytes, sizeof(bytes), NULL, 0));
	w->io->close(w->host, fact.accepted);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((got = read(fd, bytes, sizeof(bytes))) != 0) {
		total += got > 0 ? (size_t)got : 0;
		assert_false(await_ms(w, 1));
	}
	assert_int_equal(total, sizeof(bytes));
	close(fd);
	w->io->close(w->host, c);
}

static void connections_past_the_limit_wait_for_room(void **state)
{
	struct world *w = *state;
	const char *path = socket_path();
	struct channel *c =
		OPEN(w, NULL, .kind = CHANNEL_LISTEN_LOCAL, .path = path, .mode = 0600);
	struct channel *accepted = NULL;
	int fds[300], count = 0;

	for (int i = 0; i < 300; i++)
		fds[i] = connect_local(path);
	while (await_ms(w, 50)) {
		assert_int_equal(fact.fact, IO_ACCEPTED);
		accepted = fact.accepted;
		count++;
	}
	assert_int_equal(count, 256);
	w->io->close(w->host, accepted);
	expect(w, IO_ACCEPTED);
	assert_false(await_ms(w, 20));
	for (int i = 0; i < 300; i++)
		close(fds[i]);
	w->io->close(w->host, c);
}

static void without_descriptors_nothing_spins_and_all_goes_on_later(void **state)
{
	struct world *w = *state;
	const char *path = socket_path();
	struct rlimit before, few;
	struct channel *c =
		OPEN(w, NULL, .kind = CHANNEL_LISTEN_LOCAL, .path = path, .mode = 0600);
	int fds[3], spare[1024], spare_count = 0, facts = 0;
	struct channel *refused;
	char byte;

	assert_false(await_ms(w, 1));
	for (int i = 0; i < 3; i++)
		fds[i] = connect_local(path);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	while ((spare[spare_count] = dup(0)) >= 0)
		spare_count++;
	/* All three are let in and out again; it is said once. */
	expect_failure(w, IO_ERROR_RESOURCES);
	while (await_ms(w, 150))
		facts++;
	assert_int_equal(facts, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(read(fds[i], &byte, 1), 0);
		close(fds[i]);
		spare[spare_count++] = dup(0);
	}
	refused = OPEN(w, NULL, .kind = CHANNEL_TCP, .remote = addr("127.0.0.1"),
		       .remote_port = 80);
	expect_failure(w, IO_ERROR_RESOURCES);
	w->io->close(w->host, refused);
	while (spare_count)
		close(spare[--spare_count]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	fds[0] = connect_local(path);
	expect(w, IO_ACCEPTED);
	w->io->close(w->host, fact.accepted);
	close(fds[0]);
	w->io->close(w->host, c);
}

static void nonsense_is_an_error_and_not_a_channel(void **state)
{
	struct world *w = *state;
	const struct channel_spec wrong[] = {
		{ .kind = CHANNEL_UNKNOWN },
		{ .kind = CHANNEL_TCP, .remote_port = 80 },
		{ .kind = CHANNEL_TCP, .remote = addr("127.0.0.1") },
		{ .kind = CHANNEL_UDP, .remote = addr("127.0.0.1") },
		{ .kind = CHANNEL_PING },
		{ .kind = CHANNEL_VRRP, .remote = addr("224.0.0.18") },
		{ .kind = CHANNEL_PROGRAM },
		{ .kind = CHANNEL_LISTEN_TCP, .local = addr("127.0.0.1") },
		{ .kind = CHANNEL_LISTEN_LOCAL },
		{ .kind = CHANNEL_LISTEN_UDP },
		{ .kind = CHANNEL_FILE },
	};
	struct channel *c = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(w->io->open(w->host, &wrong[i], NULL, &c),
				 LSVM_ERR_ARGUMENT);
	assert_null(c);
	assert_false(await_ms(w, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(a_connection_is_made_speaks_and_ends),
		WORLD(the_end_of_sending_is_heard_after_what_was_sent),
		WORLD(a_peer_that_takes_nothing_ends_the_connection),
		WORLD(a_refused_connection_is_a_fact),
		WORLD(a_reset_is_told_from_an_end),
		WORLD(closing_can_be_a_reset),
		WORLD(a_way_that_is_not_there_is_said_so),
		WORLD(a_connection_leaves_from_the_address_asked_for),
		WORLD(a_closed_channel_gives_no_fact),
		WORLD(the_descriptor_wakes_at_the_time_asked_for),
		WORLD(a_fact_that_is_ours_alone_wakes_the_descriptor),
		WORLD(a_file_comes_in_pieces_between_others),
		WORLD(datagrams_are_answered),
		WORLD(a_port_that_nobody_has_refuses_datagrams),
		WORLD(a_flood_does_not_keep_others_from_their_facts),
		WORLD(a_local_socket_lets_in_and_answers),
		WORLD(a_socket_that_was_left_over_is_replaced),
		WORLD(what_waits_for_an_accepted_one_is_sent_after_closing),
		WORLD(connections_past_the_limit_wait_for_room),
		WORLD(without_descriptors_nothing_spins_and_all_goes_on_later),
		WORLD(nonsense_is_an_error_and_not_a_channel),
	};

	return RUN(tests);
}
