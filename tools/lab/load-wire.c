/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sockets of the client. It chooses its ports itself, so that a connection can be found
 * in a director's table without asking the kernel for each; and takes them in turn, so
 * that none is used again while anybody remembers it.
 */
#include "load-wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT_TRIES 100

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct load_shared *load_share(void)
{
	void *shared = mmap(NULL, sizeof(struct load_shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return shared == MAP_FAILED ? NULL : shared;
}

void load_unshare(struct load_shared *shared)
{
	if (shared)
		munmap(shared, sizeof(*shared));
}

const char *load_why_text(int why)
{
	static const char *const texts[] = {
		[LOAD_WELL] = "well",
		[LOAD_REFUSED] = "refused",
		[LOAD_RESET] = "reset",
		[LOAD_TIMED_OUT] = "no answer in time",
		[LOAD_CLOSED] = "closed before the answer was whole",
		[LOAD_NONSENSE] = "a wrong answer",
		[LOAD_UNREACHABLE] = "unreachable",
	};

	return texts[why];
}

bool load_can_ask(const struct target *target)
{
	return !target->skipped && !target->secured &&
	       (target->protocol == LSVM_PROTOCOL_TCP ||
		target->protocol == LSVM_PROTOCOL_UDP);
}

static socklen_t fill(union address *address, const struct ip *ip, uint16_t port)
{
	*address = (union address){ .any = { .sa_family = (sa_family_t)ip->family } };
	address->v4.sin_port = htons(port); /* same place in both */
	if (ip->family == AF_INET)
		memcpy(&address->v4.sin_addr, ip->bytes, 4);
	else
		memcpy(&address->v6.sin6_addr, ip->bytes, 16);
	return ip->family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

size_t load_source(const struct load *load, const struct target *target, size_t nth)
{
	size_t first = 0, count = 0;

	while (first < load->source_count &&
	       load->sources[first].family != target->vip.family)
		first++;
	while (first + count < load->source_count &&
	       load->sources[first + count].family == target->vip.family)
		count++;
	return count ? first + nth % count : 0;
}

int load_open(const struct load *load, const struct target *target,
	      const struct ip *source, uint16_t *port)
{
	int kind = target->protocol == LSVM_PROTOCOL_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(target->vip.family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;
	union address address;
	socklen_t length;
	bool bound = false;

	(void)load;
	for (int i = 0; fd >= 0 && !bound && i < PORT_TRIES; i++) {
		length = fill(&address, source, *port);
		bound = bind(fd, &address.any, length) == 0;
		if (!bound && errno != EADDRINUSE)
			break;
		if (!bound)
			*port = (uint16_t)(LOAD_PORT_FIRST +
					   (*port + 1 - LOAD_PORT_FIRST) % LOAD_PORTS);
	}
	if (bound) {
		length = fill(&address, &target->vip, target->port);
		if (connect(fd, &address.any, length) == 0 || errno == EINPROGRESS)
			return fd;
	}
	err = errno;
	if (fd >= 0)
		close(fd);
	errno = err;
	return -1;
}

bool load_question(const struct target *target, int fd, const char *method,
		   bool keep_alive)
{
	char text[500];
	int length;

	if (target->domain)
		length = snprintf(text, sizeof(text),
				  "%s / HTTP/1.1\r\nHost: %s\r\nUser-Agent: svm-lab\r\n"
				  "%s\r\n",
				  method, target->domain,
				  keep_alive ? "" : "Connection: close\r\n");
	else if (target->protocol == LSVM_PROTOCOL_UDP)
		length = snprintf(text, sizeof(text), "who\n");
	else
		return true; /* it speaks first */
	return send(fd, text, (size_t)length, MSG_NOSIGNAL) == length;
}

enum load_why load_reason(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return LOAD_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return LOAD_RESET;
	case ETIMEDOUT:
		return LOAD_TIMED_OUT;
	}
	return LOAD_UNREACHABLE;
}

int load_server(const struct load *load, const struct target *target, const char *text,
		size_t length)
{
	struct target scratch = { .partition = target->partition,
				  .domain = target->domain };
	int found = -1;

	target_answer(&scratch, text, length);
	if (scratch.answered && scratch.share_count == 1) {
		const struct machine *machine =
			world_find(load->world, scratch.shares[0].server);

		if (machine)
			found = (int)(machine - load->world->machines);
	}
	for (size_t i = 0; i < scratch.share_count; i++)
		free(scratch.shares[i].joined);
	free(scratch.shares);
	return found;
}

uint8_t load_retransmissions(int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
		return 0;
	return info.tcpi_total_retrans < 255 ? (uint8_t)info.tcpi_total_retrans : 255;
}
