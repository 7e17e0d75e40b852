/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stand-in for services that are not on the web: on the VIP's port (behind address
 * translation on the server's) it says which partition and server it is, over TCP at
 * once, over UDP and SCTP when asked anything.
 */
#include "pages.h"
#include "spaces.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKETS_MAX 256
#define PID_FILE "/run/.answers.pid"

struct answers {
	const struct machine *machine;
	const struct targets *targets;
	struct pollfd fds[SOCKETS_MAX];
	const struct target *of[SOCKETS_MAX];
	size_t count;
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage storage;
};

static int say(const struct answers *answers, size_t index, char *buf, size_t size)
{
	return snprintf(buf, size, "partition %s\nserver %s\n",
			answers->of[index]->partition, answers->machine->name);
}

/* Also a reply must come from the VIP: over UDP and SCTP it comes from what the socket is
 * bound to. Behind address translation that is any address of the machine. */
static int open_port(const struct target *target, int family)
{
	static const int kinds[] = { [LSVM_PROTOCOL_TCP] = IPPROTO_TCP,
				     [LSVM_PROTOCOL_UDP] = IPPROTO_UDP,
				     [LSVM_PROTOCOL_SCTP] = IPPROTO_SCTP };
	bool datagrams = target->protocol == LSVM_PROTOCOL_UDP;
	union address address = { .any = { .sa_family = (sa_family_t)family } };
	int on = 1, fd;

	fd = socket(family, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC,
		    kinds[target->protocol]);
	if (fd < 0)
		return -1;
	address.v4.sin_port = htons(target->server_port); /* same place in both */
	if (target->forwarding != LSVM_FORWARDING_NAT && family == AF_INET)
		memcpy(&address.v4.sin_addr, target->vip.bytes, 4);
	else if (target->forwarding != LSVM_FORWARDING_NAT)
		memcpy(&address.v6.sin6_addr, target->vip.bytes, 16);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	/* The agent may still be at bringing the VIP. */
	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
	if (bind(fd, &address.any,
		 family == AF_INET ? sizeof(address.v4) : sizeof(address.v6)) == 0 &&
	    (datagrams || listen(fd, 128) == 0) && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool open_ports(struct answers *answers)
{
	for (size_t i = 0; i < answers->targets->count; i++) {
		const struct target *target = &answers->targets->items[i];
		bool have = false; /* several VIPs can come to one port */
		int fd;

		if (target->domain || target->skipped ||
		    !target_has_server(target, answers->machine->name))
			continue;
		for (size_t j = 0; j < answers->count; j++)
			have |= answers->of[j]->protocol == target->protocol &&
				answers->of[j]->server_port == target->server_port &&
				answers->of[j]->forwarding == LSVM_FORWARDING_NAT &&
				target->forwarding == LSVM_FORWARDING_NAT;
		if (have || answers->count == SOCKETS_MAX)
			continue;
		fd = open_port(target, target->vip.family);
		if (fd < 0) {
			fprintf(stderr, "svm-lab: %s: port %u: %s\n",
				answers->machine->name, target->server_port,
				strerror(errno));
			return false;
		}
		answers->fds[answers->count].fd = fd;
		answers->fds[answers->count].events = POLLIN;
		answers->of[answers->count++] = target;
	}
	return true;
}

static void answer_datagram(const struct answers *answers, size_t index)
{
	char asked[512], text[256];
	union address peer;
	socklen_t length = sizeof(peer);
	int fd = answers->fds[index].fd;

	if (recvfrom(fd, asked, sizeof(asked), 0, &peer.any, &length) >= 0)
		sendto(fd, text, (size_t)say(answers, index, text, sizeof(text)),
		       MSG_NOSIGNAL, &peer.any, length);
}

static void answer_connection(const struct answers *answers, size_t index)
{
	int fd = accept4(answers->fds[index].fd, NULL, NULL, SOCK_CLOEXEC);
	struct timeval patience = { .tv_sec = 2 };
	char text[256], asked[64];

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* The association is whole when the question is here. */
	if (answers->of[index]->protocol != LSVM_PROTOCOL_SCTP ||
	    recv(fd, asked, sizeof(asked), 0) > 0)
		send(fd, text, (size_t)say(answers, index, text, sizeof(text)),
		     MSG_NOSIGNAL);
	close(fd);
}

/* Files of other machines would keep those alive. */
static void close_the_rest(const struct answers *answers)
{
	int last = 2;

	for (size_t i = 0; i < answers->count; i++)
		if (answers->fds[i].fd > last)
			last = answers->fds[i].fd;
	closefrom(last + 1);
	for (int fd = 3; fd < last; fd++) {
		bool ours = false;

		for (size_t i = 0; i < answers->count; i++)
			ours |= answers->fds[i].fd == fd;
		if (!ours)
			close(fd);
	}
}

static int serve(struct answers *answers)
{
	close_the_rest(answers);
	for (;;) {
		if (poll(answers->fds, answers->count, -1) < 0 && errno != EINTR)
			return 1;
		for (size_t i = 0; i < answers->count; i++) {
			if (!answers->fds[i].revents)
				continue;
			if (answers->of[i]->protocol == LSVM_PROTOCOL_UDP)
				answer_datagram(answers, i);
			else
				answer_connection(answers, i);
		}
	}
}

/* In the machine: replaces the one that runs and leaves the new one behind. */
static int start(void *arg)
{
	struct answers *answers = arg;
	FILE *file = fopen(PID_FILE, "re");
	int pid = 0;

	if (file && fscanf(file, "%d", &pid) == 1 && pid > 1)
		kill(pid, SIGKILL);
	if (file)
		fclose(file);
	unlink(PID_FILE);
	/* The old one may hold its ports a moment longer. */
	for (int i = 0; i < 100 && pid > 1 && kill(pid, 0) == 0; i++)
		usleep(10000);
	if (!open_ports(answers))
		return 1;
	if (!answers->count)
		return 0;
	pid = fork();
	if (pid == 0) {
		setsid();
		_exit(serve(answers));
	}
	file = pid > 0 ? fopen(PID_FILE, "we") : NULL;
	if (!file)
		return 1;
	fprintf(file, "%d\n", pid);
	return fclose(file) == 0 ? 0 : 1;
}

int answers_start(struct world *world, const struct machine *machine,
		  const struct targets *targets)
{
	struct answers *answers = calloc(1, sizeof(*answers));
	int status = -1;

	if (answers) {
		*answers = (struct answers){ .machine = machine, .targets = targets };
		status = spaces_call(machine, start, answers);
		free(answers);
	}
	if (status == 0)
		return 0;
	snprintf(world->problem, sizeof(world->problem),
		 "%s: the stand-in for its services did not start", machine->name);
	return -1;
}
