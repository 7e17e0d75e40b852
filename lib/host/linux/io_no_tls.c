/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In place of TLS where it was left out of the build. */
#include "host/linux/io_private.h"

int lsvm_io_tls_new(struct io *io, const struct tls_wish *wish, struct tls_session **ret)
{
	return lsvm_fail(io->linux_host->host.ctx, LSVM_ERR_UNSUPPORTED,
			 "this build has no TLS; build with OpenSSL");
}

void lsvm_io_tls_session_free(struct tls_session *session)
{
}

void lsvm_io_tls_free(struct io *io)
{
}

int lsvm_io_tls_shake(struct io *io, struct channel *channel, const uint8_t *bytes,
		      size_t length)
{
	return -1;
}

int lsvm_io_tls_read(struct io *io, struct channel *channel, const uint8_t *bytes,
		     size_t length)
{
	return -1;
}

bool lsvm_io_tls_send(struct io *io, struct channel *channel, const void *bytes,
		      size_t length)
{
	return false;
}

void lsvm_io_tls_facts(struct io *io, struct channel *channel, struct io_event *ret)
{
}
