/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rounds of questions, and services that are not on the web: see answers.c. */
#include "ask.h"

#include "session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd fds = { .fd = fd, .events = events };
	int64_t left;

	while ((left = deadline - now_ms()) > 0)
		if (poll(&fds, 1, (int)left) > 0)
			return true;
	errno = ETIMEDOUT;
	return false;
}

static int connect_to(const struct target *target, int64_t deadline)
{
	static const int kinds[] = { [LSVM_PROTOCOL_TCP] = IPPROTO_TCP,
				     [LSVM_PROTOCOL_UDP] = IPPROTO_UDP,
				     [LSVM_PROTOCOL_SCTP] = IPPROTO_SCTP };
	bool datagrams = target->protocol == LSVM_PROTOCOL_UDP;
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	int fd, err = 0, did;
	socklen_t length = sizeof(err);

	fd = socket(target->vip.family,
		    (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    kinds[target->protocol]);
	if (fd < 0)
		return -1;
	four.sin_port = six.sin6_port = htons(target->port);
	memcpy(&four.sin_addr, target->vip.bytes, 4);
	memcpy(&six.sin6_addr, target->vip.bytes, 16);
	if (target->vip.family == AF_INET)
		did = connect(fd, (struct sockaddr *)&four, sizeof(four));
	else
		did = connect(fd, (struct sockaddr *)&six, sizeof(six));
	if (did < 0 && errno == EINPROGRESS && wait_for(fd, POLLOUT, deadline)) {
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &length);
		errno = err;
		did = err ? -1 : 0;
	}
	if (did == 0)
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

/* One question over one connection. The length of the answer, or -1. */
static ssize_t question(const struct target *target, char *buf, size_t size)
{
	int64_t deadline = now_ms() + ASK_TIMEOUT_MS;
	int fd = connect_to(target, deadline), err;
	ssize_t length = 0, got = -1;

	if (fd < 0)
		return -1;
	if (target->protocol == LSVM_PROTOCOL_TCP || send(fd, "who\n", 4, 0) == 4)
		while (wait_for(fd, POLLIN, deadline)) {
			got = recv(fd, buf + length, size - (size_t)length, 0);
			if (got <= 0)
				break;
			length += got;
			if (target->protocol != LSVM_PROTOCOL_TCP)
				break;
		}
	err = errno;
	close(fd);
	errno = err;
	return got < 0 && !length ? -1 : length;
}

void ask_service(struct target *target, uint32_t requests)
{
	char text[512], why[128];
	ssize_t length;

	for (uint32_t i = 0; i < requests && !target_is_dead(target); i++) {
		target->asked++;
		length = question(target, text, sizeof(text));
		if (length >= 0) {
			target_answer(target, text, (size_t)length);
			continue;
		}
		snprintf(why, sizeof(why), "%s", strerror(errno));
		target_fail(target, why);
	}
}

static void say_progress(const struct asking *asking, const char *end)
{
	uint32_t asked = 0, failed = 0;

	if (!asking->progress)
		return;
	for (size_t i = 0; i < asking->targets->count; i++) {
		asked += asking->targets->items[i].asked;
		failed += asking->targets->items[i].failed;
	}
	fprintf(stderr, "\r%u requests asked, %u failed%s", asked, failed, end);
}

int ask_all(struct asking *asking)
{
	int64_t end = now_ms() + (int64_t)asking->seconds * 1000;
	int err;

	do {
		err = ask_web(asking);
		for (size_t i = 0; !err && i < asking->targets->count; i++) {
			struct target *target = &asking->targets->items[i];

			if (target->domain || !target_is_asked(target, asking->partition))
				continue;
			say_progress(asking, "");
			ask_service(target, asking->requests);
		}
		say_progress(asking, "");
	} while (!err && now_ms() < end);
	say_progress(asking, "\n");
	return err;
}
