/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connections: made (TCP, SCTP) or accepted.
 *
 * A connection that is made costs socket(), connect(), one epoll_ctl() and close(), and
 * its share of an epoll_wait(): whether it succeeded is in the event. Bytes are read in
 * pieces; a piece shorter than what fits says that the kernel has no more. What the peer
 * does not take waits here, up to a limit.
 */
#include "host/linux/io_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- what is waiting to be sent ---- */

void lsvm_io_wait_free(struct channel *channel)
{
	if (!channel->waiting)
		return;
	free(channel->waiting->data);
	free(channel->waiting);
	channel->waiting = NULL;
}

static bool wait_room(struct waiting *waiting, size_t length)
{
	size_t capacity = waiting->capacity ? waiting->capacity : 4096;
	uint8_t *grown;

	if (waiting->start) {
		memmove(waiting->data, waiting->data + waiting->start, waiting->length);
		waiting->start = 0;
	}
	while (capacity < waiting->length + length)
		capacity *= 2;
	if (capacity == waiting->capacity)
		return true;
	grown = realloc(waiting->data, capacity);
	if (!grown)
		return false;
	waiting->data = grown;
	waiting->capacity = capacity;
	return true;
}

bool lsvm_io_wait_add(struct channel *channel, const void *bytes, size_t length)
{
	struct waiting *waiting = channel->waiting;

	if (!waiting)
		waiting = channel->waiting = calloc(1, sizeof(*waiting));
	if (!waiting || waiting->length + length > IO_WAITING_MAX_BYTES ||
	    (waiting->start + waiting->length + length > waiting->capacity &&
	     !wait_room(waiting, length)))
		return false;
	memcpy(waiting->data + waiting->start + waiting->length, bytes, length);
	waiting->length += length;
	return true;
}

/* An errno or 0; EAGAIN: something still waits. */
static int flush(struct channel *channel)
{
	struct waiting *waiting = channel->waiting;

	while (waiting && waiting->length) {
		ssize_t sent = send(channel->fd, waiting->data + waiting->start,
				    waiting->length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno;
		waiting->start += (size_t)sent;
		waiting->length -= (size_t)sent;
	}
	if (waiting) {
		lsvm_io_wait_free(channel);
		channel->drained = true;
	}
	if (channel->finish)
		shutdown(channel->fd, SHUT_WR);
	channel->finish = false;
	return 0;
}

static bool stream_broke(struct io *io, struct channel *channel, int number)
{
	lsvm_io_fail_errno(io, channel, number);
	channel->state = STATE_FAILED;
	return false;
}

bool lsvm_io_stream_put(struct io *io, struct channel *channel, const void *bytes,
			size_t length)
{
	const uint8_t *at = bytes;
	ssize_t sent;

	while (length && !channel->waiting && channel->state != STATE_CONNECTING) {
		sent = send(channel->fd, at, length, MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0 && errno != EINTR)
			return stream_broke(io, channel, errno);
		if (sent > 0) {
			at += sent;
			length -= (size_t)sent;
		}
	}
	if (!length || lsvm_io_wait_add(channel, at, length))
		return true;
	lsvm_io_fail(io, channel, IO_ERROR_OVERFLOW, NULL);
	channel->state = STATE_FAILED;
	return false;
}

static bool stream_send(struct io *io, struct channel *channel, const void *bytes,
			size_t length, const struct addr *to, uint16_t to_port)
{
	if (!length) {
		channel->finish = channel->waiting || channel->state != STATE_OPEN;
		if (!channel->finish)
			shutdown(channel->fd, SHUT_WR);
		return true;
	}
	return channel->tls ? lsvm_io_tls_send(io, channel, bytes, length)
			    : lsvm_io_stream_put(io, channel, bytes, length);
}

/* ---- making one ---- */

static int stream_open(struct io *io, struct channel *channel,
		       const struct channel_spec *spec)
{
	const int protocol = spec->kind == CHANNEL_SCTP ? IPPROTO_SCTP : 0;
	union io_sockaddr to;
	socklen_t length;
	int err, number;

	if (!spec->remote.family || !spec->remote_port)
		return lsvm_fail(io->linux_host->host.ctx, LSVM_ERR_ARGUMENT,
				 "a connection needs an address and a port to go to");
	if (spec->tls) {
		err = lsvm_io_tls_new(io, spec->tls, &channel->tls);
		if (err < 0)
			return err;
	}
	if (!lsvm_io_interface(io, channel, spec) ||
	    lsvm_io_socket(io, channel, spec, SOCK_STREAM, protocol) < 0)
		return 0;
	channel->state = STATE_CONNECTING;
	length = lsvm_io_sockaddr(&spec->remote, spec->remote_port,
				  channel->interface_index, &to);
	number = connect(channel->fd, &to.any, length) == 0 ? 0 : errno;
	if (number && number != EINPROGRESS) {
		/* Without an address asked for, it is ports that have run out. */
		if (number == EADDRNOTAVAIL && !spec->local.family)
			number = ENOBUFS;
		lsvm_io_fail_errno(io, channel, number);
		return 0;
	}
	lsvm_io_watch(io, channel, channel->fd, IO_EPOLL_ALL);
	return 0;
}

static bool connected(struct io *io, struct channel *channel, struct io_event *ret)
{
	int number = 0;
	socklen_t length = sizeof(number);

	if (channel->events & IO_EPOLL_GONE) {
		getsockopt(channel->fd, SOL_SOCKET, SO_ERROR, &number, &length);
		return stream_broke(io, channel, number ? number : ECONNRESET);
	}
	if (!(channel->events & EPOLLOUT))
		return false;
	channel->state = channel->tls ? STATE_HANDSHAKE : STATE_OPEN;
	if (channel->events & (EPOLLIN | EPOLLRDHUP) || channel->waiting ||
	    channel->finish)
		lsvm_io_ready(io, channel);
	else
		channel->events = 0;
	if (channel->tls) {
		if (lsvm_io_tls_shake(io, channel, NULL, 0) < 0)
			channel->state = STATE_FAILED;
		return false;
	}
	ret->fact = IO_CONNECTED;
	return true;
}

/* ---- reading ---- */

/* Bytes into io->bytes: how many; 0 the end, -1 none now, -2 the channel has failed. */
static ssize_t receive(struct io *io, struct channel *channel)
{
	ssize_t got;

	do {
		got = recv(channel->fd, io->bytes, sizeof(io->bytes), 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN) {
		channel->events &= ~(uint32_t)(EPOLLIN | EPOLLRDHUP | IO_EPOLL_GONE);
		return -1;
	}
	if (got < 0) {
		stream_broke(io, channel, errno);
		return -2;
	}
	if (got == 0)
		channel->events = 0;
	else if (got == sizeof(io->bytes) ||
		 channel->events & (EPOLLRDHUP | IO_EPOLL_GONE))
		lsvm_io_ready(io, channel);
	else
		channel->events &= ~(uint32_t)EPOLLIN;
	return got;
}

static bool ended(struct channel *channel, struct io_event *ret)
{
	if (channel->ended)
		return false;
	channel->ended = true;
	ret->fact = IO_ENDED;
	return true;
}

static bool read_plain(struct io *io, struct channel *channel, struct io_event *ret)
{
	ssize_t got = receive(io, channel);

	if (got == 0)
		return ended(channel, ret);
	if (got < 0)
		return false;
	ret->fact = IO_BYTES;
	ret->bytes = io->bytes;
	ret->length = (size_t)got;
	return true;
}

static bool shake(struct io *io, struct channel *channel, struct io_event *ret)
{
	ssize_t got = receive(io, channel);
	int done;

	if (got < 0)
		return false;
	done = lsvm_io_tls_shake(io, channel, io->bytes, (size_t)got);
	if (done < 0) {
		channel->state = STATE_FAILED;
		return false;
	}
	if (!done)
		return false;
	channel->state = STATE_OPEN;
	ret->fact = IO_CONNECTED;
	lsvm_io_tls_facts(io, channel, ret);
	/* Bytes that came along are inside already. */
	channel->events |= EPOLLIN;
	lsvm_io_ready(io, channel);
	return true;
}

static bool read_tls(struct io *io, struct channel *channel, struct io_event *ret)
{
	int plain = lsvm_io_tls_read(io, channel, NULL, 0);
	ssize_t got;

	if (plain == 0) {
		got = receive(io, channel);
		if (got == 0)
			return ended(channel, ret);
		if (got < 0)
			return false;
		plain = lsvm_io_tls_read(io, channel, io->bytes, (size_t)got);
	}
	if (plain == -1)
		return ended(channel, ret);
	if (plain <= 0) {
		if (plain < 0)
			channel->state = STATE_FAILED;
		return false;
	}
	ret->fact = IO_BYTES;
	ret->bytes = io->plain;
	ret->length = (size_t)plain;
	channel->events |= EPOLLIN;
	lsvm_io_ready(io, channel);
	return true;
}

/* ---- steps ---- */

static bool done_lingering(struct io *io, struct channel *channel)
{
	lsvm_io_listen_left(io, channel);
	lsvm_io_give_back(io, channel);
	return false;
}

static bool stream_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	int number = 0;

	if (channel->state == STATE_CONNECTING)
		return connected(io, channel, ret);
	if (channel->events & EPOLLOUT) {
		channel->events &= ~(uint32_t)EPOLLOUT;
		number = flush(channel);
	}
	if (channel->state == STATE_LINGERING) {
		if (number != EAGAIN)
			return done_lingering(io, channel);
		return false;
	}
	if (number && number != EAGAIN)
		return stream_broke(io, channel, number);
	if (channel->drained) {
		channel->drained = false;
		if (channel->events)
			lsvm_io_ready(io, channel);
		ret->fact = IO_DRAINED;
		return true;
	}
	if (!channel->events || channel->ended)
		return false;
	if (channel->state == STATE_HANDSHAKE)
		return shake(io, channel, ret);
	return channel->tls ? read_tls(io, channel, ret) : read_plain(io, channel, ret);
}

static bool stream_close(struct io *io, struct channel *channel)
{
	const struct linger off = { .l_onoff = 1, .l_linger = 0 };

	if (channel->accepted && channel->waiting && !channel->reset && !io->freeing &&
	    channel->state == STATE_OPEN && channel->fd >= 0) {
		channel->state = STATE_LINGERING;
		lsvm_io_set_due(io, channel, lsvm_io_now() + IO_LINGER_NS);
		return false;
	}
	if (channel->reset && channel->fd >= 0)
		setsockopt(channel->fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	lsvm_io_tls_session_free(channel->tls);
	if (channel->accepted)
		lsvm_io_listen_left(io, channel);
	return true;
}

static void stream_due(struct io *io, struct channel *channel)
{
	done_lingering(io, channel);
}

const struct channel_ops lsvm_io_stream_ops = {
	.open = stream_open,
	.step = stream_step,
	.send = stream_send,
	.close = stream_close,
	.due = stream_due,
};
