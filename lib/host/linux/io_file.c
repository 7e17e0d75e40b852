/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file, piece by piece, one in each turn: the kernel makes its own files while they are
 * read, and that takes time which others need. */
#include "host/linux/io_private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int file_open(struct io *io, struct channel *channel,
		     const struct channel_spec *spec)
{
	if (!spec->path)
		return lsvm_fail(io->linux_host->host.ctx, LSVM_ERR_ARGUMENT,
				 "a file needs a path");
	/* Nonblocking for what turns out to be a fifo. */
	channel->fd = open(spec->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (channel->fd < 0)
		lsvm_io_fail_errno(io, channel, errno);
	else
		lsvm_io_ready(io, channel);
	return 0;
}

static void file_due(struct io *io, struct channel *channel)
{
	lsvm_io_ready(io, channel);
}

static bool file_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	ssize_t got;

	do {
		got = read(channel->fd, io->bytes, sizeof(io->bytes));
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		lsvm_io_fail_errno(io, channel, errno);
		channel->state = STATE_FAILED;
		return false;
	}
	ret->fact = got ? IO_BYTES : IO_ENDED;
	ret->bytes = io->bytes;
	ret->length = (size_t)got;
	if (got)
		lsvm_io_set_due(io, channel, 1); /* the next turn */
	return true;
}

const struct channel_ops lsvm_io_file_ops = {
	.open = file_open,
	.step = file_step,
	.due = file_due,
};
