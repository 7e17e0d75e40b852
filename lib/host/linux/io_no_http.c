/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In place of the HTTP server where it was left out of the build. */
#include "host/linux/io_private.h"

static int http_open(struct io *io, struct channel *channel,
		     const struct channel_spec *spec)
{
	return lsvm_fail(io->linux_host->host.ctx, LSVM_ERR_UNSUPPORTED,
			 "this build has no HTTP server; build with libmicrohttpd");
}

static bool http_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	return false;
}

const struct channel_ops lsvm_io_http_ops = { .open = http_open, .step = http_step };

void lsvm_io_http_take(struct io *io, struct channel *listener, int fd,
		       const struct sockaddr *from, uint32_t length)
{
}

void lsvm_io_reply(struct lsvm_host *host, struct channel *request, int status,
		   const char *content_type, const char *text, size_t length)
{
}
