/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Datagrams: to and from one peer (a connected socket, which hears of ports that nobody
 * listens on), or to and from anybody. A datagram that the kernel does not take, or that
 * nobody took, is a failure that is told; the channel goes on.
 */
#include "host/linux/io_private.h"

#include <errno.h>
#include <netinet/in.h>

/* By default a connected socket hears of ports only. What is told this way is kept in a
 * queue besides, which takes room from datagrams until it is read (see udp_step). */
static void hear_routers(const struct channel *channel, const union io_sockaddr *to)
{
	const int on = 1;

	if (to->any.sa_family == AF_INET6)
		setsockopt(channel->fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	else
		setsockopt(channel->fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
}

static void empty_errors(const struct channel *channel)
{
	uint8_t byte;

	while (recv(channel->fd, &byte, sizeof(byte), MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
		;
}

static int udp_open(struct io *io, struct channel *channel,
		    const struct channel_spec *spec)
{
	union io_sockaddr to;
	socklen_t length;

	if (spec->kind == CHANNEL_UDP && (!spec->remote.family || !spec->remote_port))
		return lsvm_fail(io->linux_host->host.ctx, LSVM_ERR_ARGUMENT,
				 "datagrams need an address and a port to go to");
	if (spec->kind == CHANNEL_LISTEN_UDP && !spec->local_port)
		return lsvm_fail(io->linux_host->host.ctx, LSVM_ERR_ARGUMENT,
				 "listening needs a port");
	if (!lsvm_io_interface(io, channel, spec) ||
	    lsvm_io_socket(io, channel, spec, SOCK_DGRAM, 0) < 0)
		return 0;
	if (spec->kind == CHANNEL_UDP) {
		length = lsvm_io_sockaddr(&spec->remote, spec->remote_port,
					  channel->interface_index, &to);
		if (spec->hears_routers)
			hear_routers(channel, &to);
		if ((channel->interface_index && lsvm_io_is_group(&spec->remote) &&
		     !lsvm_io_leave_by(channel->fd, spec->remote.family,
				       channel->interface_index)) ||
		    connect(channel->fd, &to.any, length) < 0) {
			lsvm_io_fail_errno(io, channel, errno);
			return 0;
		}
	} else {
		lsvm_io_want_details(channel->fd, channel->local.family);
		if (!lsvm_io_multicast(io, channel, spec))
			return 0;
	}
	lsvm_io_watch(io, channel, channel->fd, EPOLLIN | EPOLLET);
	return 0;
}

static bool udp_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	int number = lsvm_io_receive(io, channel->fd, ret);

	if (number == EAGAIN) {
		channel->events = 0;
		return false;
	}
	lsvm_io_ready(io, channel);
	if (!number)
		return true;
	empty_errors(channel);
	if (number != EINTR)
		lsvm_io_fail_errno(io, channel, number);
	return false;
}

static bool udp_send(struct io *io, struct channel *channel, const void *bytes,
		     size_t length, const struct addr *to, uint16_t to_port)
{
	struct io_datagram datagram;
	int number;

	if (channel->kind == CHANNEL_UDP) {
		number = send(channel->fd, bytes, length, MSG_NOSIGNAL) < 0 ? errno : 0;
	} else {
		if (!to) {
			to = &channel->remote;
			to_port = channel->remote_port;
		}
		lsvm_io_datagram(&datagram, to, to_port, &channel->local,
				 channel->interface_index, 0, 0, bytes, length);
		number = sendmsg(channel->fd, &datagram.header, MSG_NOSIGNAL) < 0 ? errno
										  : 0;
	}
	if (!number)
		return true;
	lsvm_io_fail_errno(io, channel, number);
	return false;
}

const struct channel_ops lsvm_io_udp_ops = {
	.open = udp_open,
	.step = udp_step,
	.send = udp_send,
};
