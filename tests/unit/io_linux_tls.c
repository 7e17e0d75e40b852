/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TLS connections of the real machine, to servers of the test's own, each a process, with
 * certificates made here. */
#include "io_linux.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAY 86400L

struct identity {
	EVP_PKEY *key;
	X509 *certificate;
};

static char authority_path[64];
static struct identity authority, stranger;

static void add_extension(X509 *certificate, int kind, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* issuer NULL: by itself. */
static struct identity make(const char *name, const char *others, long days,
			    const struct identity *issuer)
{
	struct identity made = { EVP_EC_gen("P-256"), X509_new() };
	X509 *certificate = made.certificate;
	X509_NAME *subject = X509_get_subject_name(certificate);

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer ? 2 : 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -30 * DAY);
	X509_gmtime_adj(X509_getm_notAfter(certificate), days * DAY + DAY / 2);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(certificate,
			     issuer ? X509_get_subject_name(issuer->certificate)
				    : subject);
	X509_set_pubkey(certificate, made.key);
	if (!issuer)
		add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
	if (others)
		add_extension(certificate, NID_subject_alt_name, others);
	assert_true(X509_sign(certificate, issuer ? issuer->key : made.key,
			      EVP_sha256()) > 0);
	return made;
}

static void drop(struct identity *identity)
{
	EVP_PKEY_free(identity->key);
	X509_free(identity->certificate);
}

static int make_authorities(void **state)
{
	FILE *file;

	authority = make("authority", NULL, 100, NULL);
	stranger = make("stranger", NULL, 100, NULL);
	snprintf(authority_path, sizeof(authority_path), "/tmp/lsvm-io-%d.pem",
		 (int)getpid());
	file = fopen(authority_path, "w");
	assert_non_null(file);
	PEM_write_X509(file, authority.certificate);
	fclose(file);
	setenv("SSL_CERT_FILE", authority_path, 1);
	return 0;
}

static int drop_authorities(void **state)
{
	unlink(authority_path);
	drop(&authority);
	drop(&stranger);
	return 0;
}

enum manner {
	ECHOES,	    /* what it reads, and says farewell */
	BREAKS_OFF, /* without a farewell */
	SPEAKS_PLAIN,
	LEAVES, /* at once */
	FLOODS, /* a megabyte */
};

static void serve(int fd, const struct identity *identity, enum manner manner)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL *ssl = SSL_new(context);
	static char bytes[100000];
	int got;

	if (manner == LEAVES)
		return;
	if (manner == SPEAKS_PLAIN) {
		(void)!write(fd, "220 good day, this is no TLS\r\n", 30);
		(void)!read(fd, bytes, sizeof(bytes));
		return;
	}
	SSL_use_certificate(ssl, identity->certificate);
	SSL_use_PrivateKey(ssl, identity->key);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) != 1)
		return;
	for (int i = 0; manner == FLOODS && i < 10; i++)
		SSL_write(ssl, bytes, sizeof(bytes));
	if (manner == ECHOES) {
		got = SSL_read(ssl, bytes, sizeof(bytes));
		SSL_write(ssl, bytes, got);
		SSL_shutdown(ssl);
		SSL_read(ssl, bytes, sizeof(bytes));
	}
	if (manner == BREAKS_OFF)
		SSL_write(ssl, "half", 4);
}

/* Its port. */
static uint16_t server(const struct identity *identity, enum manner manner)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	if (fork() == 0) {
		signal(SIGPIPE, SIG_IGN);
		serve(accept(fd, NULL, NULL), identity, manner);
		_exit(0);
	}
	close(fd);
	return ntohs(name.sin_port);
}

static struct channel *ask(struct world *w, uint16_t port, const char *name, bool verify)
{
	const struct tls_wish wish = { .server_name = name, .verify = verify };

	return OPEN(w, NULL, .kind = CHANNEL_TCP, .remote = addr("127.0.0.1"),
		    .remote_port = port, .tls = &wish);
}

static void done(struct world *w, struct channel *c, struct identity *identity)
{
	w->io->close(w->host, c);
	while (wait(NULL) > 0)
		;
	if (identity)
		drop(identity);
}

static void a_trusted_server_speaks(void **state)
{
	struct world *w = *state;
	struct identity good = make("good", "DNS:good.example", 9, &authority);
	struct channel *c = ask(w, server(&good, ECHOES), "good.example", true);

	expect(w, IO_CONNECTED);
	assert_non_null(fact.tls);
	assert_int_equal(fact.tls->days_left, 9);
	assert_string_equal(fact.tls->subject, "CN=good");
	assert_true(w->io->send(w->host, c, "hello", 5, NULL, 0));
	expect(w, IO_BYTES);
	assert_int_equal(fact.length, 5);
	assert_memory_equal(fact.bytes, "hello", 5);
	expect(w, IO_ENDED);
	assert_false(await_ms(w, 20));
	done(w, c, &good);
}

static void an_address_can_be_verified(void **state)
{
	struct world *w = *state;
	struct identity good = make("address", "IP:127.0.0.1", 9, &authority);
	struct channel *c = ask(w, server(&good, ECHOES), "127.0.0.1", true);

	expect(w, IO_CONNECTED);
	done(w, c, NULL);
	c = ask(w, server(&good, ECHOES), "127.0.0.2", true);
	expect_failure(w, IO_ERROR_CERTIFICATE);
	assert_non_null(strstr(fact.text, "IP address mismatch"));
	done(w, c, &good);
}

static void another_name_is_not_trusted(void **state)
{
	struct world *w = *state;
	struct identity good = make("good", "DNS:good.example", 9, &authority);
	struct channel *c = ask(w, server(&good, ECHOES), "bad.example", true);

	expect_failure(w, IO_ERROR_CERTIFICATE);
	assert_non_null(strstr(fact.text, "hostname mismatch"));
	assert_false(w->io->send(w->host, c, "x", 1, NULL, 0));
	assert_false(await_ms(w, 20));
	done(w, c, &good);
}

static void what_has_expired_is_not_trusted_but_can_be_looked_at(void **state)
{
	struct world *w = *state;
	struct identity old = make("old", "DNS:old.example", -3, &authority);
	struct channel *c = ask(w, server(&old, ECHOES), "old.example", true);

	expect_failure(w, IO_ERROR_CERTIFICATE);
	assert_non_null(strstr(fact.text, "expired"));
	done(w, c, NULL);
	c = ask(w, server(&old, ECHOES), "old.example", false);
	expect(w, IO_CONNECTED);
	assert_int_equal(fact.tls->days_left, -3);
	done(w, c, &old);
}

static void a_strange_authority_is_not_trusted(void **state)
{
	struct world *w = *state;
	struct identity alien = make("alien", "DNS:good.example", 9, &stranger);
	struct channel *c = ask(w, server(&alien, ECHOES), "good.example", true);

	expect_failure(w, IO_ERROR_CERTIFICATE);
	done(w, c, NULL);
	c = ask(w, server(&alien, ECHOES), NULL, false);
	expect(w, IO_CONNECTED);
	done(w, c, &alien);
}

static void what_is_no_tls_is_said_so(void **state)
{
	struct world *w = *state;
	struct channel *c = ask(w, server(NULL, SPEAKS_PLAIN), NULL, false);

	expect_failure(w, IO_ERROR_TLS);
	assert_non_null(strstr(fact.text, "wrong version"));
	done(w, c, NULL);
}

static void who_leaves_during_the_handshake_is_said_so(void **state)
{
	struct world *w = *state;
	struct channel *c = ask(w, server(NULL, LEAVES), NULL, false);

	/* A reset, when it left our first words unread. */
	expect(w, IO_FAILED);
	assert_true(fact.error == IO_ERROR_TLS || fact.error == IO_ERROR_RESET);
	done(w, c, NULL);
}

static void an_end_without_a_farewell_is_an_end(void **state)
{
	struct world *w = *state;
	struct identity good = make("good", "DNS:good.example", 9, &authority);
	struct channel *c = ask(w, server(&good, BREAKS_OFF), "good.example", true);

	expect(w, IO_CONNECTED);
	expect(w, IO_BYTES);
	assert_memory_equal(fact.bytes, "half", 4);
	expect(w, IO_ENDED);
	done(w, c, &good);
}

static void much_arrives_whole(void **state)
{
	struct world *w = *state;
	struct identity good = make("good", "DNS:good.example", 9, &authority);
	struct channel *c = ask(w, server(&good, FLOODS), "good.example", true);
	size_t total = 0;

	expect(w, IO_CONNECTED);
	for (;;) {
		assert_true(await_ms(w, WAIT_MS));
		if (fact.fact != IO_BYTES)
			break;
		total += fact.length;
	}
	assert_int_equal(fact.fact, IO_ENDED);
	assert_int_equal(total, 1000000);
	done(w, c, &good);
}

static void closing_in_the_middle_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct identity good = make("good", "DNS:good.example", 9, &authority);
	struct channel *c = ask(w, server(&good, ECHOES), "good.example", true);

	w->io->next(w->host, &fact);
	w->io->close(w->host, c);
	assert_false(await_ms(w, 20));
	done(w, NULL, &good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(a_trusted_server_speaks),
		WORLD(an_address_can_be_verified),
		WORLD(another_name_is_not_trusted),
		WORLD(what_has_expired_is_not_trusted_but_can_be_looked_at),
		WORLD(a_strange_authority_is_not_trusted),
		WORLD(what_is_no_tls_is_said_so),
		WORLD(who_leaves_during_the_handshake_is_said_so),
		WORLD(an_end_without_a_farewell_is_an_end),
		WORLD(much_arrives_whole),
		WORLD(closing_in_the_middle_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, make_authorities, drop_authorities);
}
