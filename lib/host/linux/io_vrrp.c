/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packets of protocol 112 on one interface (RFC 9568, section 5.1): ttl 255, to the group
 * that was joined or to single addresses, with a source address of one's own choice. The
 * socket is tied to its interface; what this machine sends to the group does not come
 * back. Checks of what arrives are the protocol machine's: here only the IP header goes.
 */
#include "host/linux/io_private.h"

#include <errno.h>
#include <netinet/in.h>

#define PROTOCOL_VRRP 112
/* Network control: not behind others in a queue. */
#define CLASS_CONTROL 0xc0

static bool set_up(struct io *io, struct channel *channel,
		   const struct channel_spec *spec)
{
	const int fd = channel->fd, traffic_class = CLASS_CONTROL;

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, spec->interface,
		       (socklen_t)strlen(spec->interface) + 1) < 0) {
		lsvm_io_fail_errno(io, channel, errno);
		return false;
	}
	if (spec->remote.family == 4)
		setsockopt(fd, IPPROTO_IP, IP_TOS, &traffic_class, sizeof(traffic_class));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class,
			   sizeof(traffic_class));
	lsvm_io_want_details(fd, spec->remote.family);
	return lsvm_io_multicast(io, channel, spec);
}

static int vrrp_open(struct io *io, struct channel *channel,
		     const struct channel_spec *spec)
{
	struct channel_spec own = *spec;

	if (!spec->remote.family || !spec->interface)
		return lsvm_fail(io->linux_host->host.ctx, LSVM_ERR_ARGUMENT,
				 "VRRP needs an interface, and a group or an address");
	/* Bound to its address a socket would not hear the group: the address goes with
	 * each packet. */
	own.local = (struct addr){ 0 };
	own.ttl = spec->ttl ? spec->ttl : 255;
	if (!lsvm_io_interface(io, channel, spec) ||
	    lsvm_io_socket(io, channel, &own, SOCK_RAW, PROTOCOL_VRRP) < 0)
		return 0;
	if (spec->local.family)
		channel->local = spec->local;
	if (set_up(io, channel, spec))
		lsvm_io_watch(io, channel, channel->fd, EPOLLIN | EPOLLET);
	return 0;
}

/* IPv4 shows its header. */
static void strip(struct io_event *ret)
{
	struct reader reader = { ret->bytes, ret->length, false };
	struct reader look = reader;
	const uint8_t first = lsvm_read_u8(&look);

	lsvm_read_bytes(&reader, (size_t)(first & 0xf) * 4);
	ret->bytes = reader.at;
	ret->length = reader.failed ? 0 : reader.left;
}

static bool vrrp_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	int number = lsvm_io_receive(io, channel->fd, ret);

	if (number == EAGAIN) {
		channel->events = 0;
		return false;
	}
	lsvm_io_ready(io, channel);
	if (number && number != EINTR)
		lsvm_io_fail_errno(io, channel, number);
	if (number)
		return false;
	if (channel->remote.family == 4)
		strip(ret);
	return true;
}

static bool vrrp_send(struct io *io, struct channel *channel, const void *bytes,
		      size_t length, const struct addr *to, uint16_t to_port)
{
	struct io_datagram datagram;

	lsvm_io_datagram(&datagram, to ? to : &channel->remote, 0, &channel->local,
			 channel->interface_index, 0, 0, bytes, length);
	if (sendmsg(channel->fd, &datagram.header, MSG_NOSIGNAL) >= 0)
		return true;
	lsvm_io_fail_errno(io, channel, errno);
	return false;
}

const struct channel_ops lsvm_io_vrrp_ops = {
	.open = vrrp_open,
	.step = vrrp_step,
	.send = vrrp_send,
};
