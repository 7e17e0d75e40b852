/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pool of channels, the ready list, time, and the pulling of facts.
 *
 * The descriptor that others wait on is the epoll. It is readable when the kernel has
 * something for a channel, when the timer has run out, and, by the same timer set to the
 * past, when there are facts that the kernel does not know of ("kicked"): those of a
 * channel that failed while it was opened, and what a turn left over. The timer runs on
 * the clock that goes on while the machine sleeps.
 */
#include "host/linux/io_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TIMER_NAME UINT64_MAX

uint64_t lsvm_io_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * IO_S + (uint64_t)now.tv_nsec;
}

/* ---- making and freeing ---- */

static bool open_descriptors(struct io *io)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = TIMER_NAME };

	io->epoll = epoll_create1(EPOLL_CLOEXEC);
	io->timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	io->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return io->epoll >= 0 && io->timer >= 0 && io->reserve >= 0 &&
	       epoll_ctl(io->epoll, EPOLL_CTL_ADD, io->timer, &event) == 0 &&
	       getrandom(&io->secret, sizeof(io->secret), 0) == sizeof(io->secret);
}

int lsvm_io_make(struct lsvm_host *host, struct io **ret)
{
	struct linux_host *linux_host = (struct linux_host *)host;
	struct io *io = linux_host->io;
	int err;

	if (!io) {
		io = calloc(1, sizeof(*io));
		if (!io)
			return lsvm_fail_nomem(host->ctx);
		io->linux_host = linux_host;
		io->wish_ns = io->armed_ns = IO_NEVER;
		if (!open_descriptors(io)) {
			err = lsvm_fail(host->ctx, LSVM_ERR_IO,
					"no descriptor to wait on: %s; let the process "
					"open more files",
					lsvm_linux_error_text(errno));
			lsvm_io_free(io);
			return err;
		}
		linux_host->io = io;
	}
	*ret = io;
	return 0;
}

static void close_all(struct io *io)
{
	for (size_t i = 0; i < io->chunks.count; i++)
		for (size_t j = 0; j < IO_CHUNK; j++) {
			struct channel *channel = &io->chunks.items[i][j];

			if (!channel->ops)
				continue;
			if (channel->ops->close)
				channel->ops->close(io, channel);
			lsvm_io_give_back(io, channel);
		}
}

void lsvm_io_free(struct io *io)
{
	if (!io)
		return;
	io->freeing = true;
	close_all(io);
	for (size_t i = 0; i < io->chunks.count; i++)
		free(io->chunks.items[i]);
	vec_free(&io->chunks);
	lsvm_io_tls_free(io);
	if (io->epoll >= 0)
		close(io->epoll);
	if (io->timer >= 0)
		close(io->timer);
	if (io->reserve >= 0)
		close(io->reserve);
	free(io);
}

/* ---- time ---- */

static void arm(struct io *io)
{
	uint64_t when = io->kicked ? 1 : io->wish_ns;
	struct itimerspec spec = { 0 };

	for (struct channel *at = io->due_first; at; at = at->due_next)
		if (at->due_ns < when)
			when = at->due_ns;
	if (when == io->armed_ns)
		return;
	io->armed_ns = when;
	if (when != IO_NEVER) {
		when = when ? when : 1; /* 0 would disarm it */
		spec.it_value.tv_sec = (time_t)(when / IO_S);
		spec.it_value.tv_nsec = (long)(when % IO_S);
	}
	timerfd_settime(io->timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void kick(struct io *io)
{
	if (!io->kicked) {
		io->kicked = true;
		arm(io);
	}
}

static void due_unlink(struct io *io, struct channel *channel)
{
	if (!channel->due_ns)
		return;
	if (channel->due_previous)
		channel->due_previous->due_next = channel->due_next;
	else
		io->due_first = channel->due_next;
	if (channel->due_next)
		channel->due_next->due_previous = channel->due_previous;
	channel->due_next = channel->due_previous = NULL;
	channel->due_ns = 0;
}

void lsvm_io_set_due(struct io *io, struct channel *channel, uint64_t when_ns)
{
	due_unlink(io, channel);
	if (when_ns != IO_NEVER) {
		channel->due_ns = when_ns;
		channel->due_next = io->due_first;
		if (io->due_first)
			io->due_first->due_previous = channel;
		io->due_first = channel;
	}
	arm(io);
}

static void run_due(struct io *io)
{
	uint64_t now = io->due_first ? lsvm_io_now() : 0;
	struct channel *next;

	for (struct channel *at = io->due_first; at; at = next) {
		next = at->due_next;
		if (at->due_ns > now)
			continue;
		due_unlink(io, at);
		at->ops->due(io, at);
	}
}

/* ---- the pool ---- */

static bool grow(struct io *io)
{
	struct channel *chunk = calloc(IO_CHUNK, sizeof(*chunk)), **slot;

	slot = chunk ? vec_push(&io->chunks) : NULL;
	if (!slot) {
		free(chunk);
		return false;
	}
	*slot = chunk;
	for (size_t i = IO_CHUNK; i-- > 0;) {
		chunk[i].index = io->channel_count + (uint32_t)i;
		chunk[i].ready_next = io->free_first;
		io->free_first = &chunk[i];
	}
	io->channel_count += IO_CHUNK;
	return true;
}

struct channel *lsvm_io_take(struct io *io, const struct channel_ops *ops)
{
	struct channel *channel;

	if (!io->free_first && !grow(io))
		return NULL;
	channel = io->free_first;
	io->free_first = channel->ready_next;
	channel->ready_next = NULL;
	channel->ops = ops;
	channel->fd = -1;
	return channel;
}

void lsvm_io_give_back(struct io *io, struct channel *channel)
{
	uint32_t index = channel->index, generation = channel->generation;

	if (channel->fd >= 0)
		close(channel->fd);
	lsvm_io_not_ready(io, channel);
	due_unlink(io, channel);
	lsvm_io_wait_free(channel);
	memset(channel, 0, sizeof(*channel));
	channel->index = index;
	channel->generation = generation + 1;
	channel->ready_next = io->free_first;
	io->free_first = channel;
}

bool lsvm_io_watch(struct io *io, struct channel *channel, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events,
				     .data.u64 = (uint64_t)channel->generation << 32 |
						 channel->index };

	/* It may have belonged to another channel until now. */
	if (epoll_ctl(io->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ||
	    (errno == EEXIST && epoll_ctl(io->epoll, EPOLL_CTL_MOD, fd, &event) == 0))
		return true;
	lsvm_io_fail(io, channel, IO_ERROR_RESOURCES, NULL);
	return false;
}

/* NULL: it was closed meanwhile. */
static struct channel *named(struct io *io, uint64_t name)
{
	uint32_t index = (uint32_t)name;
	struct channel *channel;

	if (index >= io->channel_count)
		return NULL;
	channel = &io->chunks.items[index / IO_CHUNK][index % IO_CHUNK];
	return channel->ops && channel->generation == (uint32_t)(name >> 32) ? channel
									     : NULL;
}

struct channel *lsvm_io_named(struct io *io, uint32_t index, uint32_t generation)
{
	return named(io, (uint64_t)generation << 32 | index);
}

/* ---- the ready list ---- */

void lsvm_io_ready(struct io *io, struct channel *channel)
{
	if (channel->ready)
		return;
	channel->ready = true;
	channel->ready_next = NULL;
	channel->ready_previous = io->ready_last;
	if (io->ready_last)
		io->ready_last->ready_next = channel;
	else
		io->ready_first = channel;
	io->ready_last = channel;
	if (!io->turning)
		kick(io);
}

void lsvm_io_not_ready(struct io *io, struct channel *channel)
{
	if (!channel->ready)
		return;
	if (channel->ready_previous)
		channel->ready_previous->ready_next = channel->ready_next;
	else
		io->ready_first = channel->ready_next;
	if (channel->ready_next)
		channel->ready_next->ready_previous = channel->ready_previous;
	else
		io->ready_last = channel->ready_previous;
	channel->ready_next = channel->ready_previous = NULL;
	channel->ready = false;
}

void lsvm_io_fail(struct io *io, struct channel *channel, enum io_error error,
		  const char *text)
{
	if (channel->error)
		return;
	channel->error = (uint8_t)error;
	channel->text = text;
	lsvm_io_ready(io, channel);
}

void lsvm_io_fail_errno(struct io *io, struct channel *channel, int number)
{
	enum io_error error = lsvm_io_error_of(number);

	lsvm_io_fail(io, channel, error,
		     error == IO_ERROR_OTHER ? lsvm_linux_error_text(number) : NULL);
}

/* ---- turns ---- */

static void fetch(struct io *io)
{
	int count = epoll_wait(io->epoll, io->batch, IO_BATCH, 0);
	struct channel *channel;

	for (int i = 0; i < count; i++) {
		channel = named(io, io->batch[i].data.u64);
		if (!channel)
			continue;
		channel->events |= io->batch[i].events;
		lsvm_io_ready(io, channel);
	}
}

static bool step(struct io *io, struct channel *channel, struct io_event *ret)
{
	if (channel->error) {
		*ret = (struct io_event){ .fact = IO_FAILED,
					  .channel = channel,
					  .owner = channel->owner,
					  .error = channel->error,
					  .text = channel->text };
		if (!ret->text)
			ret->text = lsvm_io_error_text(channel->error);
		channel->error = IO_ERROR_NONE;
		channel->text = NULL;
		if (channel->state != STATE_FAILED && channel->events)
			lsvm_io_ready(io, channel);
		return !channel->unclaimed;
	}
	if (channel->state == STATE_FAILED)
		return false;
	*ret = (struct io_event){ .channel = channel, .owner = channel->owner };
	return channel->ops->step(io, channel, ret);
}

static bool linux_next(struct lsvm_host *host, struct io_event *ret)
{
	struct io *io = ((struct linux_host *)host)->io;

	if (!io)
		return false;
	if (!io->turning) {
		io->turning = true;
		io->steps_left = IO_TURN_STEPS;
		io->bytes_left = IO_TURN_BYTES;
		run_due(io);
		fetch(io);
	}
	while (io->ready_first && io->steps_left && io->bytes_left > 0) {
		struct channel *channel = io->ready_first;

		io->steps_left--;
		lsvm_io_not_ready(io, channel);
		if (step(io, channel, ret)) {
			io->bytes_left -= (int64_t)ret->length;
			return true;
		}
	}
	io->turning = false;
	io->kicked = io->ready_first != NULL;
	arm(io);
	return false;
}

/* ---- the table ---- */

static uint64_t linux_now_ns(struct lsvm_host *host)
{
	return lsvm_io_now();
}

static uint64_t linux_wall_ms(struct lsvm_host *host)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int linux_random(struct lsvm_host *host, void *bytes, size_t length)
{
	uint8_t *at = bytes;

	while (length) {
		ssize_t got = getrandom(at, length, 0);

		if (got < 0 && errno != EINTR)
			return lsvm_fail(host->ctx, LSVM_ERR_IO,
					 "the kernel gives no random bytes: %s",
					 lsvm_linux_error_text(errno));
		if (got > 0) {
			at += got;
			length -= (size_t)got;
		}
	}
	return 0;
}

static int linux_fd(struct lsvm_host *host)
{
	struct io *io;

	return lsvm_io_make(host, &io) < 0 ? -1 : io->epoll;
}

static void linux_wake(struct lsvm_host *host, uint64_t when_ns)
{
	struct io *io;

	if (lsvm_io_make(host, &io) < 0)
		return;
	io->wish_ns = when_ns;
	/* Whoever asks for a time has stopped pulling: that was a turn. */
	io->turning = false;
	if (io->ready_first)
		io->kicked = true;
	arm(io);
}

static const struct channel_ops *ops_of(enum channel_kind kind)
{
	switch (kind) {
	case CHANNEL_TCP:
	case CHANNEL_SCTP:
		return &lsvm_io_stream_ops;
	case CHANNEL_UDP:
	case CHANNEL_LISTEN_UDP:
		return &lsvm_io_udp_ops;
	case CHANNEL_PING:
		return &lsvm_io_ping_ops;
	case CHANNEL_VRRP:
		return &lsvm_io_vrrp_ops;
	case CHANNEL_PROGRAM:
		return &lsvm_io_program_ops;
	case CHANNEL_LISTEN_TCP:
	case CHANNEL_LISTEN_LOCAL:
		return &lsvm_io_listen_ops;
	case CHANNEL_LINKS:
		return &lsvm_io_links_ops;
	case CHANNEL_HTTP:
		return &lsvm_io_http_ops;
	case CHANNEL_FILE:
		return &lsvm_io_file_ops;
	case CHANNEL_UNKNOWN:
		break;
	}
	return NULL;
}

static int linux_open(struct lsvm_host *host, const struct channel_spec *spec,
		      void *owner, struct channel **ret)
{
	struct io *io;
	const struct channel_ops *ops = ops_of(spec->kind);
	struct channel *channel;
	int err = lsvm_io_make(host, &io);

	if (err < 0)
		return err;
	if (!ops)
		return lsvm_fail(host->ctx, LSVM_ERR_ARGUMENT,
				 "there is no channel of kind %d", spec->kind);
	channel = lsvm_io_take(io, ops);
	if (!channel)
		return lsvm_fail_nomem(host->ctx);
	channel->kind = (uint8_t)spec->kind;
	channel->owner = owner;
	channel->reset = spec->reset;
	channel->remote = spec->remote;
	channel->remote_port = spec->remote_port;
	channel->local = spec->local;
	err = ops->open(io, channel, spec);
	if (err < 0) {
		lsvm_io_give_back(io, channel);
		return err;
	}
	if (channel->error)
		channel->state = STATE_FAILED;
	*ret = channel;
	return 0;
}

static bool linux_send(struct lsvm_host *host, struct channel *channel, const void *bytes,
		       size_t length, const struct addr *to, uint16_t to_port)
{
	struct io *io = ((struct linux_host *)host)->io;

	if (channel->state == STATE_FAILED || !channel->ops->send)
		return false;
	return channel->ops->send(io, channel, bytes, length, to, to_port);
}

static size_t linux_waiting(struct lsvm_host *host, const struct channel *channel)
{
	return channel->waiting ? channel->waiting->length : 0;
}

static void linux_close(struct lsvm_host *host, struct channel *channel)
{
	struct io *io = ((struct linux_host *)host)->io;

	if (!channel)
		return;
	if (!channel->ops->close || channel->ops->close(io, channel)) {
		lsvm_io_give_back(io, channel);
		return;
	}
	channel->unclaimed = true;
	channel->owner = NULL;
}

static void linux_adopt(struct lsvm_host *host, struct channel *channel, void *owner)
{
	channel->owner = owner;
}

static void linux_announce(struct lsvm_host *host, const struct address *addresses,
			   size_t count)
{
	lsvm_linux_announce_all(addresses, count);
}

static int linux_log(struct lsvm_host *host, const char *to, const struct io_log *line)
{
	return lsvm_log_write(host->ctx, &((struct linux_host *)host)->log, to, line);
}

const struct io_ops lsvm_linux_io_ops = {
	.now_ns = linux_now_ns,
	.wall_ms = linux_wall_ms,
	.random = linux_random,
	.fd = linux_fd,
	.wake = linux_wake,
	.open = linux_open,
	.send = linux_send,
	.waiting = linux_waiting,
	.close = linux_close,
	.adopt = linux_adopt,
	.reply = lsvm_io_reply,
	.next = linux_next,
	.announce = linux_announce,
	.will = lsvm_io_will,
	.log = linux_log,
};
