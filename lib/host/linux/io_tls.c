/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TLS around a connection: OpenSSL between two buffers in memory, so that the socket is
 * read and written here alone, as for plain connections.
 *
 * A handshake that fails says why: what OpenSSL says, or what is wrong with the
 * certificate. An end without a farewell is an end.
 */
#include "host/linux/io_private.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct tls_session {
	SSL *ssl;
	BIO *in, *out; /* belong to ssl */
	bool verify;
};

/* ---- making one ---- */

static SSL_CTX *new_context(bool verify)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context)
		return NULL;
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (verify && SSL_CTX_set_default_verify_paths(context) != 1) {
		SSL_CTX_free(context);
		return NULL;
	}
	return context;
}

/* An address in place of a name is in certificates, but never asked for. */
static bool set_name(SSL *ssl, const char *name, bool verify)
{
	struct addr addr;

	if (lsvm_addr_parse(name, &addr))
		return !verify ||
		       X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), addr.bytes,
						 addr.family == 4 ? 4 : 16) == 1;
	return SSL_set_tlsext_host_name(ssl, name) == 1 &&
	       (!verify || SSL_set1_host(ssl, name) == 1);
}

/* false: out of memory. */
static bool set_up(struct tls_session *session, SSL_CTX *context)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	session->ssl = SSL_new(context);
	if (!session->ssl || !in || !out) {
		BIO_free(in);
		BIO_free(out);
		return false;
	}
	/* Empty means: later. */
	BIO_set_mem_eof_return(in, -1);
	BIO_set_mem_eof_return(out, -1);
	SSL_set_bio(session->ssl, in, out);
	session->in = in;
	session->out = out;
	SSL_set_connect_state(session->ssl);
	return true;
}

static bool was_memory(void)
{
	return ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
}

static int no_context(struct lsvm_ctx *ctx)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	if (was_memory())
		return lsvm_fail_nomem(ctx);
	return lsvm_fail(ctx, LSVM_ERR_IO,
			 "OpenSSL cannot be set up: %s; look at its configuration",
			 why ? why : "it does not say why");
}

int lsvm_io_tls_new(struct io *io, const struct tls_wish *wish, struct tls_session **ret)
{
	struct lsvm_ctx *ctx = io->linux_host->host.ctx;
	void **context = wish->verify ? &io->tls_verify : &io->tls_plain;
	struct tls_session *session;

	ERR_clear_error();
	if (!*context)
		*context = new_context(wish->verify);
	if (!*context)
		return no_context(ctx);
	session = calloc(1, sizeof(*session));
	if (!session)
		return lsvm_fail_nomem(ctx);
	session->verify = wish->verify;
	if (!set_up(session, *context)) {
		lsvm_io_tls_session_free(session);
		return lsvm_fail_nomem(ctx);
	}
	if (wish->server_name &&
	    !set_name(session->ssl, wish->server_name, wish->verify)) {
		lsvm_io_tls_session_free(session);
		if (was_memory())
			return lsvm_fail_nomem(ctx);
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "'%s' cannot be the name of a TLS server; take a host "
				 "name or an address",
				 wish->server_name);
	}
	*ret = session;
	return 0;
}

void lsvm_io_tls_session_free(struct tls_session *session)
{
	if (!session)
		return;
	SSL_free(session->ssl);
	free(session);
}

void lsvm_io_tls_free(struct io *io)
{
	SSL_CTX_free(io->tls_plain);
	SSL_CTX_free(io->tls_verify);
	io->tls_plain = io->tls_verify = NULL;
}

/* ---- what it wants to send goes to the socket ---- */

static bool drain(struct io *io, struct channel *channel)
{
	struct tls_session *session = channel->tls;
	char *bytes;
	long length = BIO_get_mem_data(session->out, &bytes);
	bool good = length <= 0 || lsvm_io_stream_put(io, channel, bytes, (size_t)length);

	(void)BIO_reset(session->out);
	return good;
}

/* OpenSSL's tables of words live for ever. */
static void fail(struct io *io, struct channel *channel)
{
	const struct tls_session *session = channel->tls;
	const unsigned long number = ERR_peek_error();
	const long verdict = SSL_get_verify_result(session->ssl);
	const char *text = number ? ERR_reason_error_string(number) : NULL;

	if (session->verify && verdict != X509_V_OK)
		lsvm_io_fail(io, channel, IO_ERROR_CERTIFICATE,
			     X509_verify_cert_error_string(verdict));
	else
		lsvm_io_fail(io, channel, IO_ERROR_TLS, text);
	ERR_clear_error();
}

int lsvm_io_tls_shake(struct io *io, struct channel *channel, const uint8_t *bytes,
		      size_t length)
{
	struct tls_session *session = channel->tls;
	int done, why;

	ERR_clear_error();
	if (bytes && !length) {
		lsvm_io_fail(io, channel, IO_ERROR_TLS,
			     "the peer ended the connection during the TLS handshake");
		return -1;
	}
	if (length && BIO_write(session->in, bytes, (int)length) != (int)length) {
		lsvm_io_fail(io, channel, IO_ERROR_RESOURCES, NULL);
		return -1;
	}
	done = SSL_do_handshake(session->ssl);
	why = done == 1 ? SSL_ERROR_NONE : SSL_get_error(session->ssl, done);
	if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ) {
		fail(io, channel);
		drain(io, channel); /* it tells the peer, too */
		return -1;
	}
	if (!drain(io, channel))
		return -1;
	return done == 1;
}

int lsvm_io_tls_read(struct io *io, struct channel *channel, const uint8_t *bytes,
		     size_t length)
{
	struct tls_session *session = channel->tls;
	int got, why;

	ERR_clear_error();
	if (length && BIO_write(session->in, bytes, (int)length) != (int)length) {
		lsvm_io_fail(io, channel, IO_ERROR_RESOURCES, NULL);
		return -2;
	}
	got = SSL_read(session->ssl, io->plain, sizeof(io->plain));
	why = got > 0 ? SSL_ERROR_NONE : SSL_get_error(session->ssl, got);
	if (!drain(io, channel))
		return -2;
	switch (why) {
	case SSL_ERROR_NONE:
		return got;
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -1;
	}
	fail(io, channel);
	return -2;
}

bool lsvm_io_tls_send(struct io *io, struct channel *channel, const void *bytes,
		      size_t length)
{
	struct tls_session *session = channel->tls;
	int done = -1;

	ERR_clear_error();
	if (length > IO_WAITING_MAX_BYTES) {
		lsvm_io_fail(io, channel, IO_ERROR_OVERFLOW, NULL);
		channel->state = STATE_FAILED;
		return false;
	}
	if (channel->state == STATE_OPEN)
		done = SSL_write(session->ssl, bytes, (int)length);
	if (done != (int)length) {
		fail(io, channel);
		channel->state = STATE_FAILED;
		return false;
	}
	return drain(io, channel);
}

/* ---- the certificate ---- */

static void put_subject(struct io *io, const X509 *certificate)
{
	BIO *text = BIO_new(BIO_s_mem());
	int length = 0;

	if (text && X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0,
				       XN_FLAG_RFC2253) >= 0)
		length = BIO_read(text, io->subject, sizeof(io->subject) - 1);
	io->subject[length > 0 ? length : 0] = '\0';
	BIO_free(text);
}

void lsvm_io_tls_facts(struct io *io, struct channel *channel, struct io_event *ret)
{
	const X509 *certificate = SSL_get0_peer_certificate(channel->tls->ssl);
	int days, seconds;

	if (!certificate ||
	    !ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)))
		return;
	/* Part of a day is none that is left, and a day too late when it is over. */
	io->facts.days_left = seconds < 0 ? days - 1 : days;
	put_subject(io, certificate);
	io->facts.subject = io->subject;
	ret->tls = &io->facts;
}
