/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Echo requests (RFC 792, RFC 4443): one socket for each family, shared by all.
 *
 * Whose answer it is stands in the first 16 bytes of the payload: the channel's place and
 * generation, and a number drawn when this process began, so that neither the answers to
 * others nor late ones to a closed channel find anybody. What the owner sends follows.
 *
 * A raw socket where that is allowed, else the kernel's own ping socket
 * (net.ipv4.ping_group_range), which does the same without privileges.
 */
#include "host/linux/io_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <unistd.h>

#define HEADER_BYTES 8
#define COOKIE_BYTES 16
#define QUEUE_BYTES (4 * 1024 * 1024)

struct ping_socket {
	uint8_t family;
	bool raw;
	uint16_t identifier;
};

struct ping {
	uint32_t mark;
	uint16_t sequence;
	uint8_t ttl;
};

static uint16_t checksum(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (length & 1)
		sum += (uint32_t)bytes[length - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* ---- the shared socket ---- */

static void answer(struct io *io, const struct ping_socket *shared, struct io_event *ret)
{
	struct reader reader = { ret->bytes, ret->length, false };
	uint8_t type;

	ret->fact = IO_NOTHING;
	/* IPv4 raw sockets show the IP header. */
	if (shared->raw && shared->family == 4) {
		struct reader look = reader;
		const uint8_t first = lsvm_read_u8(&look);

		lsvm_read_bytes(&reader, (size_t)(first & 0xf) * 4);
	}
	type = lsvm_read_u8(&reader);
	lsvm_read_bytes(&reader, HEADER_BYTES - 1);
	if (!reader.failed &&
	    type == (shared->family == 4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY)) {
		struct channel *channel;
		uint32_t index = lsvm_read_u32(&reader);
		uint32_t generation = lsvm_read_u32(&reader);
		uint64_t secret = lsvm_read_u64(&reader);

		channel = lsvm_io_named(io, index, generation);
		if (reader.failed || secret != io->secret || !channel ||
		    channel->ops != &lsvm_io_ping_ops ||
		    lsvm_addr_compare(&channel->remote, &ret->from) != 0)
			return;
		ret->fact = IO_BYTES;
		ret->channel = channel;
		ret->owner = channel->owner;
		ret->bytes = reader.at;
		ret->length = reader.left;
	}
}

static bool shared_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	int number = lsvm_io_receive(io, channel->fd, ret);

	if (number == EAGAIN) {
		channel->events = 0;
		return false;
	}
	lsvm_io_ready(io, channel);
	if (number)
		return false;
	answer(io, channel->more, ret);
	return ret->fact != IO_NOTHING;
}

static bool shared_close(struct io *io, struct channel *channel)
{
	free(channel->more);
	channel->more = NULL;
	return true;
}

static const struct channel_ops shared_ops = {
	.step = shared_step,
	.close = shared_close,
};

static void only_answers(int fd, uint8_t family)
{
	struct icmp_filter filter = { .data = ~(1u << ICMP_ECHOREPLY) };
	struct icmp6_filter filter6;

	if (family == 4) {
		setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter));
		return;
	}
	ICMP6_FILTER_SETBLOCKALL(&filter6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter6);
	setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter6, sizeof(filter6));
}

/* The socket of that family; NULL: the channel has failed. */
static struct channel *shared_socket(struct io *io, struct channel *channel)
{
	const uint8_t family = channel->remote.family;
	struct channel **slot = &io->ping[family == 6], *made;
	const int domain = family == 4 ? AF_INET : AF_INET6, size = QUEUE_BYTES;
	const int protocol = family == 4 ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6;
	struct ping_socket *shared;

	if (*slot)
		return *slot;
	made = lsvm_io_take(io, &shared_ops);
	shared = made ? calloc(1, sizeof(*shared)) : NULL;
	if (!shared) {
		if (made)
			lsvm_io_give_back(io, made);
		lsvm_io_fail(io, channel, IO_ERROR_RESOURCES, NULL);
		return NULL;
	}
	made->more = shared;
	made->unclaimed = true;
	shared->family = family;
	shared->raw = true;
	shared->identifier = (uint16_t)(io->secret >> 24);
	made->fd = socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (made->fd < 0 && errno == EPERM) {
		shared->raw = false;
		made->fd = socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				  protocol);
	}
	if (made->fd < 0) {
		lsvm_io_fail_errno(io, channel, errno);
	} else {
		if (shared->raw)
			only_answers(made->fd, family);
		lsvm_io_want_details(made->fd, family);
		setsockopt(made->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
		if (lsvm_io_watch(io, made, made->fd, EPOLLIN | EPOLLET))
			return *slot = made;
		lsvm_io_fail(io, channel, IO_ERROR_RESOURCES, NULL);
	}
	shared_close(io, made);
	lsvm_io_give_back(io, made);
	return NULL;
}

/* ---- one of those who share it ---- */

static int ping_open(struct io *io, struct channel *channel,
		     const struct channel_spec *spec)
{
	struct ping *ping;

	if (!spec->remote.family)
		return lsvm_fail(io->linux_host->host.ctx, LSVM_ERR_ARGUMENT,
				 "an echo request needs an address to go to");
	ping = calloc(1, sizeof(*ping));
	if (!ping)
		return lsvm_fail_nomem(io->linux_host->host.ctx);
	ping->mark = spec->mark;
	ping->ttl = spec->ttl;
	channel->more = ping;
	if (lsvm_io_interface(io, channel, spec))
		shared_socket(io, channel);
	return 0;
}

static bool ping_send(struct io *io, struct channel *channel, const void *bytes,
		      size_t length, const struct addr *to, uint16_t to_port)
{
	struct channel *shared = shared_socket(io, channel);
	const uint8_t family = channel->remote.family;
	struct ping *ping = channel->more;
	uint8_t *packet = io->bytes;
	struct io_datagram datagram;
	uint16_t number;

	if (!shared)
		return false;
	if (length > sizeof(io->bytes) - HEADER_BYTES - COOKIE_BYTES - 60) {
		lsvm_io_fail(io, channel, IO_ERROR_OVERFLOW, NULL);
		return false;
	}
	memset(packet, 0, HEADER_BYTES);
	packet[0] = family == 4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	number = htons(((const struct ping_socket *)shared->more)->identifier);
	memcpy(packet + 4, &number, 2);
	number = htons(ping->sequence++);
	memcpy(packet + 6, &number, 2);
	memcpy(packet + 8, &channel->index, 4);
	memcpy(packet + 12, &channel->generation, 4);
	memcpy(packet + 16, &io->secret, 8);
	memcpy(packet + HEADER_BYTES + COOKIE_BYTES, bytes, length);
	length += HEADER_BYTES + COOKIE_BYTES;
	if (family == 4) { /* of ICMPv6 the kernel makes it */
		number = htons(checksum(packet, length));
		memcpy(packet + 2, &number, 2);
	}
	lsvm_io_datagram(&datagram, &channel->remote, 0, &channel->local,
			 channel->interface_index, ping->mark, ping->ttl, packet, length);
	if (sendmsg(shared->fd, &datagram.header, MSG_NOSIGNAL) >= 0)
		return true;
	lsvm_io_fail_errno(io, channel, errno);
	return false;
}

static bool ping_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	return false;
}

static bool ping_close(struct io *io, struct channel *channel)
{
	free(channel->more);
	channel->more = NULL;
	return true;
}

const struct channel_ops lsvm_io_ping_ops = {
	.open = ping_open,
	.step = ping_step,
	.send = ping_send,
	.close = ping_close,
};
