/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HTTP server of the real machine, asked by plain sockets. */
#include "io_linux.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct channel *server(struct world *w, void *owner, uint16_t *ret_port)
{
	struct channel *c;

	for (uint16_t port = (uint16_t)(20000 + getpid() % 10000);; port++) {
		c = OPEN(w, owner, .kind = CHANNEL_HTTP, .local = addr("127.0.0.1"),
			 .local_port = port);
		*ret_port = port;
		if (!await_ms(w, 0))
			return c;
		assert_int_equal(fact.error, IO_ERROR_ADDRESS);
		w->io->close(w->host, c);
	}
}

static int say(uint16_t port, const char *text)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* What comes back, up to the end of it or of the connection, while the server works. No
 * fact is expected meanwhile. */
static const char *hear(struct world *w, int fd, const char *until)
{
	static char text[100000];
	size_t length = 0;

	for (int i = 0; i < 2000; i++) {
		ssize_t got = recv(fd, text + length, sizeof(text) - 1 - length, 0);

		if (got == 0)
			break;
		length += got > 0 ? (size_t)got : 0;
		text[length] = '\0';
		if (until && strstr(text, until))
			break;
		assert_false(await_ms(w, got > 0 ? 0 : 10));
	}
	text[length] = '\0';
	return text;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static void a_request_is_answered_and_the_connection_goes_on(void **state)
{
	struct world *w = *state;
	int owner;
	uint16_t port;
	struct channel *c = server(w, &owner, &port);
	int fd = say(port, GET("/metrics?x=1"));

	for (int i = 0; i < 3; i++) {
		const char *text;

		expect(w, IO_REQUEST);
		assert_ptr_equal(fact.channel, c);
		assert_ptr_equal(fact.owner, &owner);
		assert_string_equal(fact.text, "/metrics");
		w->io->reply(w->host, fact.accepted, 200, "text/plain; version=0.0.4",
			     "figures 1\n", 10);
		text = hear(w, fd, "figures 1\n");
		assert_non_null(strstr(text, "HTTP/1.1 200 OK"));
		assert_non_null(strstr(text, "Content-Type: text/plain; version=0.0.4"));
		assert_non_null(strstr(text, "figures 1\n"));
		if (i < 2)
			assert_true(send(fd, GET("/metrics"), strlen(GET("/metrics")),
					 0) > 0);
	}
	close(fd);
	w->io->close(w->host, c);
	assert_false(await_ms(w, 10));
}

static void answers_may_come_late_and_in_any_order(void **state)
{
	struct world *w = *state;
	struct channel *asked[5];
	uint16_t port;
	struct channel *c = server(w, NULL, &port);
	int fds[5];

	for (int i = 0; i < 5; i++) {
		fds[i] = say(port, GET("/late"));
		expect(w, IO_REQUEST);
		asked[i] = fact.accepted;
	}
	assert_false(await_ms(w, 20));
	for (int i = 4; i >= 0; i--) {
		char text[2] = { (char)('a' + i), '\0' };

		w->io->reply(w->host, asked[i], 200, "text/plain", text, 1);
		if (i == 2)
			close(fds[2]); /* nobody waits for it */
	}
	for (int i = 0; i < 5; i++) {
		char end[8] = { '\r', '\n', '\r', '\n', (char)('a' + i), '\0' };

		if (i == 2)
			continue;
		assert_non_null(strstr(hear(w, fds[i], end), end));
		close(fds[i]);
	}
	w->io->close(w->host, c);
}

static void other_methods_and_nonsense_are_refused(void **state)
{
	struct world *w = *state;
	uint16_t port;
	struct channel *c = server(w, NULL, &port);
	static char long_line[40000];
	int fd;

	fd = say(port, "DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(hear(w, fd, "only GET"), " 405 "));
	close(fd);
	fd = say(port, "\x16\x03\x01 this is no HTTP\r\n\r\n");
	assert_null(strstr(hear(w, fd, NULL), " 200 "));
	close(fd);
	memset(long_line, 'x', sizeof(long_line) - 1);
	memcpy(long_line, "GET /", 5);
	fd = say(port, long_line);
	assert_null(strstr(hear(w, fd, NULL), " 200 "));
	close(fd);
	w->io->close(w->host, c);
}

static void who_is_not_answered_at_the_end_is_told(void **state)
{
	struct world *w = *state;
	uint16_t port;
	struct channel *c = server(w, NULL, &port);
	int fd = say(port, GET("/never")), half = say(port, "GET /half");

	expect(w, IO_REQUEST);
	assert_false(await_ms(w, 10));
	w->io->close(w->host, c);
	assert_non_null(strstr(hear(w, fd, NULL), " 503 "));
	assert_string_equal(hear(w, half, NULL), "");
	close(fd);
	close(half);
}

static void the_host_may_go_while_requests_wait(void **state)
{
	struct world *w = *state;
	uint16_t port;
	int fd;

	server(w, NULL, &port);
	fd = say(port, GET("/waits"));
	expect(w, IO_REQUEST);
	close(fd);
}

static void a_port_that_is_taken_is_a_failure(void **state)
{
	struct world *w = *state;
	uint16_t port;
	struct channel *c = server(w, NULL, &port), *second;

	second = OPEN(w, NULL, .kind = CHANNEL_HTTP, .local = addr("127.0.0.1"),
		      .local_port = port);
	expect_failure(w, IO_ERROR_ADDRESS);
	w->io->close(w->host, second);
	w->io->close(w->host, c);
}

static void many_idle_connections_leave_nobody_out_for_ever(void **state)
{
	struct world *w = *state;
	uint16_t port;
	struct channel *c = server(w, NULL, &port);
	int fds[100], fd;

	for (int i = 0; i < 100; i++) {
		fds[i] = say(port, "GET /slow");
		await_ms(w, 0);
	}
	while (await_ms(w, 10))
		;
	for (int i = 0; i < 100; i++)
		close(fds[i]);
	while (await_ms(w, 10))
		;
	fd = say(port, GET("/metrics"));
	expect(w, IO_REQUEST);
	w->io->reply(w->host, fact.accepted, 404, NULL, "", 0);
	assert_non_null(strstr(hear(w, fd, "\r\n\r\n"), " 404 "));
	close(fd);
	w->io->close(w->host, c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(a_request_is_answered_and_the_connection_goes_on),
		WORLD(answers_may_come_late_and_in_any_order),
		WORLD(other_methods_and_nonsense_are_refused),
		WORLD(who_is_not_answered_at_the_end_is_told),
		WORLD(the_host_may_go_while_requests_wait),
		WORLD(a_port_that_is_taken_is_a_failure),
		WORLD(many_idle_connections_leave_nobody_out_for_ever),
	};

	return RUN(tests);
}
