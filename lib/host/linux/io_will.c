/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is done when this process is gone: a sentry does it.
 *
 * The sentry is a forked child that waits for our death (a pidfd says so, whatever we die
 * of), removes addresses and sends packets, and ends. All is made ready before it is
 * forked, also its sockets, so that it needs system calls only: whatever locks our other
 * threads held at that moment do not concern it. It gives up all other descriptors, the
 * terminal and the folder; it has a name of its own; no signal but SIGKILL ends it. It is
 * a child without an exit signal: the process around us hears nothing of it, and its
 * wait() does not find it.
 *
 * A new one stands before the old one is killed. One that somebody else killed is
 * replaced.
 */
#include "host/linux/io_private.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SENTRY_NAME "lsvm-sentry"
#define SEND_BYTES 32768
#define AGAIN_NS (100 * IO_MS)

struct sentry_packet {
	struct channel *channel; /* where its socket came from; ours only */
	int fd;
	struct io_datagram datagram;
	uint8_t *bytes;
};

struct sentry {
	pid_t parent;
	int parent_fd, netlink;
	uint8_t *messages; /* that remove addresses, one after the other */
	size_t messages_length;
	struct sentry_packet *packets;
	size_t packet_count;
	int *kept; /* descriptors, in ascending order */
	size_t kept_count;
	uintptr_t arguments; /* where the process keeps its command line */
	size_t arguments_length;
};

/* ---- the child: system calls only ---- */

static void rename_itself(const struct sentry *sentry)
{
	char text[512] = SENTRY_NAME;
	size_t length = sentry->arguments_length;
	struct iovec from, to;

	prctl(PR_SET_NAME, SENTRY_NAME);
	/* The copy of a command line would be found by who looks for the original. A
	 * call, since the memory may be gone. */
	for (size_t at = 0; at < length; at += sizeof(text)) {
		from = (struct iovec){ text, length - at < sizeof(text) ? length - at
									: sizeof(text) };
		to = (struct iovec){ (void *)(sentry->arguments + at), from.iov_len };
		process_vm_writev((pid_t)syscall(SYS_getpid), &from, 1, &to, 1, 0);
		memset(text, 0, sizeof(SENTRY_NAME));
	}
}

static void give_up_descriptors(const struct sentry *sentry)
{
	unsigned first = 0;

	for (size_t i = 0; i < sentry->kept_count; i++) {
		unsigned kept = (unsigned)sentry->kept[i];

		if (kept > first)
			syscall(SYS_close_range, first, kept - 1, 0);
		first = kept + 1;
	}
	syscall(SYS_close_range, first, ~0u, 0);
}

static void fulfil(const struct sentry *sentry)
{
	size_t at = 0;

	while (at < sentry->messages_length) {
		size_t length = 0, next;

		do {
			const struct nlmsghdr *header =
				(const void *)(sentry->messages + at + length);

			length += MNL_ALIGN(header->nlmsg_len);
			next = at + length;
		} while (next < sentry->messages_length && length < SEND_BYTES);
		send(sentry->netlink, sentry->messages + at, length, MSG_DONTWAIT);
		at = next;
	}
	for (size_t i = 0; i < sentry->packet_count; i++)
		sendmsg(sentry->packets[i].fd, &sentry->packets[i].datagram.header,
			MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void stand_sentry(const struct sentry *sentry)
{
	struct pollfd end = { .fd = sentry->parent_fd, .events = POLLIN };

	syscall(SYS_setsid);
	syscall(SYS_chdir, "/");
	give_up_descriptors(sentry);
	rename_itself(sentry);
	while (syscall(SYS_ppoll, &end, 1, NULL, NULL, 0) != 1)
		;
	fulfil(sentry);
	for (;;)
		syscall(SYS_exit_group, 0);
}

/* Its pidfd; -1: errno. */
static int post(const struct sentry *sentry)
{
	sigset_t all, before;
	long pid;
	int fd = -1;

	/* Blocked signals are inherited. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	/* All zero: like fork(), without what fork() runs for others, and without an exit
	 * signal. */
	pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (pid == 0)
		stand_sentry(sentry);
	if (pid > 0)
		fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (pid > 0 && fd < 0)
		kill((pid_t)pid, SIGKILL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return fd;
}

/* ---- making ready ---- */

static void sentry_free(struct io *io, struct sentry *sentry)
{
	if (!sentry)
		return;
	for (size_t i = 0; i < sentry->packet_count; i++) {
		if (sentry->packets[i].channel)
			lsvm_io_give_back(io, sentry->packets[i].channel);
		free(sentry->packets[i].bytes);
	}
	if (sentry->parent_fd >= 0)
		close(sentry->parent_fd);
	if (sentry->netlink >= 0)
		close(sentry->netlink);
	free(sentry->messages);
	free(sentry->packets);
	free(sentry->kept);
	free(sentry);
}

/* Fields 48 and 49 of /proc/self/stat; without them the command line stays. */
static void find_arguments(struct sentry *sentry)
{
	unsigned long long first = 0, past = 0;
	struct buf text = { 0 };
	const char *at = NULL;

	if (lsvm_linux_read("/proc/self/stat", 1 << 16, &text, NULL) == 0 && text.data)
		at = strrchr(text.data, ')'); /* the end of field 2 */
	for (int field = 2; at && field < 48; field++)
		at = strchr(at + 1, ' ');
	if (at && sscanf(at, " %llu %llu", &first, &past) == 2 && first < past) {
		sentry->arguments = (uintptr_t)first;
		sentry->arguments_length = (size_t)(past - first);
	}
	lsvm_buf_free(&text);
}

static int prepare_addresses(struct io *io, struct sentry *sentry,
			     const struct io_will *will)
{
	struct lsvm_ctx *ctx = io->linux_host->host.ctx;
	const int size = 1 << 18;

	if (!will->address_count)
		return 0;
	sentry->messages = malloc(will->address_count * LINUX_ADDRESS_MESSAGE_BYTES);
	if (!sentry->messages)
		return lsvm_fail_nomem(ctx);
	for (size_t i = 0; i < will->address_count; i++) {
		const struct address *address = &will->addresses[i];
		int index = lsvm_linux_interface(io->linux_host, address->interface);

		if (index < 0)
			return index;
		sentry->messages_length += lsvm_linux_address_message(
			address, index, false, (uint32_t)i,
			sentry->messages + sentry->messages_length);
	}
	sentry->netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (sentry->netlink < 0)
		return lsvm_fail(ctx, LSVM_ERR_IO,
				 "no netlink socket for the sentry: %s; let the process "
				 "open more files",
				 lsvm_linux_error_text(errno));
	setsockopt(sentry->netlink, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return 0;
}

static int prepare_packet(struct io *io, struct sentry_packet *packet,
			  const struct io_packet *from)
{
	struct lsvm_ctx *ctx = io->linux_host->host.ctx;
	const struct channel_spec *spec = &from->channel;
	const struct channel_ops *ops =
		spec->kind == CHANNEL_VRRP ? &lsvm_io_vrrp_ops : &lsvm_io_udp_ops;
	const int least = 1;
	struct channel *channel;
	int err;

	if (spec->kind != CHANNEL_VRRP && spec->kind != CHANNEL_UDP)
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "a will can send by VRRP and UDP only");
	packet->bytes = malloc(from->length ? from->length : 1);
	channel = packet->channel = lsvm_io_take(io, ops);
	if (!packet->bytes || !channel)
		return lsvm_fail_nomem(ctx);
	memcpy(packet->bytes, from->bytes, from->length);
	channel->kind = (uint8_t)spec->kind;
	channel->unclaimed = true;
	channel->remote = spec->remote;
	channel->local = spec->local;
	err = ops->open(io, channel, spec);
	if (err >= 0 && channel->error)
		err = lsvm_fail(ctx, LSVM_ERR_IO, "no socket for the last packet: %s",
				channel->text ? channel->text
					      : lsvm_io_error_text(channel->error));
	if (err < 0)
		return err;
	/* It only sends. */
	epoll_ctl(io->epoll, EPOLL_CTL_DEL, channel->fd, NULL);
	setsockopt(channel->fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	packet->fd = channel->fd;
	lsvm_io_datagram(&packet->datagram, &spec->remote, spec->remote_port,
			 &channel->local, channel->interface_index, 0, 0, packet->bytes,
			 from->length);
	if (spec->kind == CHANNEL_UDP) { /* it is connected */
		packet->datagram.header.msg_name = NULL;
		packet->datagram.header.msg_namelen = 0;
	}
	return 0;
}

static int by_number(const void *left, const void *right)
{
	const int a = *(const int *)left, b = *(const int *)right;

	return (a > b) - (a < b);
}

static int prepare(struct io *io, struct sentry *sentry, const struct io_will *will)
{
	struct lsvm_ctx *ctx = io->linux_host->host.ctx;
	int err = prepare_addresses(io, sentry, will);

	sentry->packets = calloc(will->packet_count + 1, sizeof(*sentry->packets));
	sentry->kept = calloc(will->packet_count + 2, sizeof(*sentry->kept));
	if (!sentry->packets || !sentry->kept)
		return lsvm_fail_nomem(ctx);
	for (size_t i = 0; i < will->packet_count && err >= 0; i++) {
		sentry->packet_count++;
		err = prepare_packet(io, &sentry->packets[i], &will->packets[i]);
	}
	if (err < 0)
		return err;
	sentry->parent_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (sentry->parent_fd < 0)
		return lsvm_fail(ctx, LSVM_ERR_IO,
				 "the sentry could not see this process end: %s",
				 lsvm_linux_error_text(errno));
	find_arguments(sentry);
	sentry->kept[sentry->kept_count++] = sentry->parent_fd;
	if (sentry->netlink >= 0)
		sentry->kept[sentry->kept_count++] = sentry->netlink;
	for (size_t i = 0; i < sentry->packet_count; i++)
		sentry->kept[sentry->kept_count++] = sentry->packets[i].fd;
	qsort(sentry->kept, sentry->kept_count, sizeof(*sentry->kept), by_number);
	return 0;
}

/* ---- standing ---- */

static bool sentry_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	/* Somebody killed it. */
	channel->error = IO_ERROR_NONE;
	lsvm_io_reap(io, channel->fd);
	channel->fd = -1;
	lsvm_io_set_due(io, channel, lsvm_io_now() + AGAIN_NS);
	return false;
}

static void sentry_due(struct io *io, struct channel *channel)
{
	channel->fd = post(channel->more);
	if (channel->fd < 0 ||
	    !lsvm_io_watch(io, channel, channel->fd, EPOLLIN | EPOLLET))
		lsvm_io_set_due(io, channel, lsvm_io_now() + AGAIN_NS);
}

static bool sentry_close(struct io *io, struct channel *channel)
{
	if (channel->fd >= 0) {
		syscall(SYS_pidfd_send_signal, channel->fd, SIGKILL, NULL, 0);
		lsvm_io_reap(io, channel->fd);
		channel->fd = -1;
	}
	sentry_free(io, channel->more);
	channel->more = NULL;
	return true;
}

static const struct channel_ops sentry_ops = {
	.step = sentry_step,
	.close = sentry_close,
	.due = sentry_due,
};

static int new_sentry(struct io *io, const struct io_will *will, struct channel **ret)
{
	struct lsvm_ctx *ctx = io->linux_host->host.ctx;
	struct channel *channel = lsvm_io_take(io, &sentry_ops);
	struct sentry *sentry = channel ? calloc(1, sizeof(*sentry)) : NULL;
	int err;

	if (!sentry) {
		if (channel)
			lsvm_io_give_back(io, channel);
		return lsvm_fail_nomem(ctx);
	}
	sentry->parent_fd = sentry->netlink = -1;
	channel->more = sentry;
	channel->unclaimed = true;
	err = prepare(io, sentry, will);
	if (err >= 0) {
		channel->fd = post(sentry);
		if (channel->fd < 0)
			err = lsvm_fail(ctx, LSVM_ERR_IO, "no process for the sentry: %s",
					lsvm_linux_error_text(errno));
		else if (!lsvm_io_watch(io, channel, channel->fd, EPOLLIN | EPOLLET))
			err = lsvm_fail_nomem(ctx);
	}
	if (err < 0) {
		sentry_close(io, channel);
		lsvm_io_give_back(io, channel);
		return err;
	}
	*ret = channel;
	return 0;
}

int lsvm_io_will(struct lsvm_host *host, const struct io_will *will_or_null)
{
	struct io *io = ((struct linux_host *)host)->io;
	struct channel *before, *made = NULL;
	int err;

	if (!io && !will_or_null)
		return 0;
	err = lsvm_io_make(host, &io);
	if (err < 0)
		return err;
	before = io->sentry;
	if (will_or_null) {
		err = new_sentry(io, will_or_null, &made);
		if (err < 0)
			return err;
	}
	io->sentry = made;
	if (before) {
		sentry_close(io, before);
		lsvm_io_give_back(io, before);
	}
	return 0;
}
