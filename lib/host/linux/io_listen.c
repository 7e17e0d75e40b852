/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where others connect.
 *
 * Without descriptors accept() leaves the connection in the queue, and the queue would
 * never be reported again, or for ever. So a descriptor is kept in reserve: it is given
 * up, the connection accepted and closed at once, and the reserve taken back. The owner
 * hears of it once, until somebody can be let in again. When not even that works, the
 * listener rests for a while.
 */
#include "host/linux/io_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct listener {
	uint32_t accepted_count;
	bool told; /* that somebody had to be turned away */
	/* The local socket's file, to remove our own only. */
	dev_t device;
	ino_t inode;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* Nobody answers at that socket any more: its owner died. */
static bool is_left_over(const struct sockaddr_un *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool refused = fd >= 0 &&
		       connect(fd, (const struct sockaddr *)name, sizeof(*name)) < 0 &&
		       errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return refused;
}

static bool bind_local(int fd, const struct sockaddr_un *name, uint32_t mode)
{
	/* The file gets the socket's mode, less the umask; nobody slips in before. */
	if (fchmod(fd, mode) < 0)
		return false;
	if (bind(fd, (const struct sockaddr *)name, sizeof(*name)) == 0)
		return true;
	if (errno != EADDRINUSE)
		return false;
	if (!is_left_over(name)) {
		errno = EADDRINUSE;
		return false;
	}
	return unlink(name->sun_path) == 0 &&
	       bind(fd, (const struct sockaddr *)name, sizeof(*name)) == 0;
}

static int open_local(struct io *io, struct channel *channel,
		      const struct channel_spec *spec)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct listener *listener = channel->more;
	struct stat file;

	if (!spec->path || !*spec->path || strlen(spec->path) >= sizeof(name.sun_path))
		return lsvm_fail(io->linux_host->host.ctx, LSVM_ERR_ARGUMENT,
				 "a local socket needs a path of 1 to %zu characters",
				 sizeof(name.sun_path) - 1);
	strcpy(name.sun_path, spec->path);
	channel->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (channel->fd < 0 || !bind_local(channel->fd, &name, spec->mode) ||
	    chmod(spec->path, spec->mode) < 0 || stat(spec->path, &file) < 0) {
		lsvm_io_fail_errno(io, channel, errno);
		return 0;
	}
	listener->device = file.st_dev;
	listener->inode = file.st_ino;
	strcpy(listener->path, spec->path);
	return 0;
}

static int listen_open(struct io *io, struct channel *channel,
		       const struct channel_spec *spec)
{
	int err = 0;

	if (spec->kind == CHANNEL_LISTEN_TCP && !spec->local_port)
		return lsvm_fail(io->linux_host->host.ctx, LSVM_ERR_ARGUMENT,
				 "listening needs a port");
	channel->more = calloc(1, sizeof(struct listener));
	if (!channel->more)
		return lsvm_fail_nomem(io->linux_host->host.ctx);
	if (spec->kind == CHANNEL_LISTEN_LOCAL)
		err = open_local(io, channel, spec);
	else if (lsvm_io_interface(io, channel, spec))
		lsvm_io_socket(io, channel, spec, SOCK_STREAM, 0);
	if (err < 0) {
		free(channel->more);
		return err;
	}
	if (channel->error)
		return 0;
	if (listen(channel->fd, SOMAXCONN) < 0)
		lsvm_io_fail_errno(io, channel, errno);
	else
		lsvm_io_watch(io, channel, channel->fd, EPOLLIN | EPOLLET);
	return 0;
}

static void pause_listening(struct io *io, struct channel *channel)
{
	channel->state = STATE_PAUSED;
	lsvm_io_set_due(io, channel, lsvm_io_now() + IO_PAUSE_NS);
}

/* Lets one in and out again. */
static void turn_away(struct io *io, struct channel *channel)
{
	struct listener *listener = channel->more;
	int fd = -1;

	if (io->reserve >= 0) {
		close(io->reserve);
		fd = accept4(channel->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
		io->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	if (fd >= 0)
		lsvm_io_ready(io, channel);
	else
		pause_listening(io, channel);
	if (!listener->told)
		lsvm_io_fail(io, channel, IO_ERROR_RESOURCES, NULL);
	listener->told = true;
}

static bool let_in(struct io *io, struct channel *channel, int fd,
		   const union io_sockaddr *from, struct io_event *ret)
{
	struct channel *accepted = lsvm_io_take(io, &lsvm_io_stream_ops);
	struct listener *listener = channel->more;

	if (!accepted) {
		close(fd);
		return false;
	}
	accepted->kind = CHANNEL_TCP;
	accepted->fd = fd;
	accepted->accepted = true;
	accepted->parent_index = channel->index;
	accepted->parent_generation = channel->generation;
	if (!lsvm_io_watch(io, accepted, fd, IO_EPOLL_ALL)) {
		lsvm_io_give_back(io, accepted);
		return false;
	}
	listener->accepted_count++;
	listener->told = false;
	lsvm_io_from_sockaddr(from, &ret->from, &ret->from_port);
	accepted->remote = ret->from;
	accepted->remote_port = ret->from_port;
	ret->fact = IO_ACCEPTED;
	ret->accepted = accepted;
	return true;
}

static bool listen_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	const struct listener *listener = channel->more;
	union io_sockaddr from = { 0 };
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	int fd;

	if (channel->state == STATE_PAUSED)
		return false;
	if (listener->accepted_count >= IO_ACCEPTED_MAX) {
		channel->state = STATE_PAUSED;
		return false;
	}
	fd = accept4(channel->fd, (struct sockaddr *)&name, &length,
		     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0 && channel->kind == CHANNEL_HTTP) {
		lsvm_io_ready(io, channel);
		lsvm_io_http_take(io, channel, fd, (struct sockaddr *)&name, length);
		return false;
	}
	if (fd >= 0) {
		lsvm_io_ready(io, channel);
		if (name.ss_family == AF_INET || name.ss_family == AF_INET6)
			memcpy(&from, &name, sizeof(from));
		return let_in(io, channel, fd, &from, ret);
	}
	switch (errno) {
	case EAGAIN:
		channel->events = 0;
		return false;
	case EMFILE:
	case ENFILE:
		turn_away(io, channel);
		return false;
	case ECONNABORTED: /* that one left before it was let in */
	case EINTR:
		lsvm_io_ready(io, channel);
		return false;
	}
	pause_listening(io, channel);
	return false;
}

static void go_on(struct io *io, struct channel *channel)
{
	if (channel->state != STATE_PAUSED)
		return;
	channel->state = STATE_OPEN;
	lsvm_io_ready(io, channel);
}

void lsvm_io_listen_left(struct io *io, const struct channel *accepted)
{
	struct channel *channel =
		lsvm_io_named(io, accepted->parent_index, accepted->parent_generation);
	struct listener *listener;

	if (!channel || channel->ops != &lsvm_io_listen_ops)
		return;
	listener = channel->more;
	listener->accepted_count--;
	if (!channel->due_ns)
		go_on(io, channel);
}

static bool listen_close(struct io *io, struct channel *channel)
{
	struct listener *listener = channel->more;
	struct stat file;

	if (listener->path[0] && stat(listener->path, &file) == 0 &&
	    file.st_dev == listener->device && file.st_ino == listener->inode)
		unlink(listener->path);
	free(listener);
	channel->more = NULL;
	return true;
}

const struct channel_ops lsvm_io_listen_ops = {
	.open = listen_open,
	.step = listen_step,
	.close = listen_close,
	.due = go_on,
};
