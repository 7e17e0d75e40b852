/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP: what is asked, and every way of answering, whole and in pieces. */
#include "health_support.h"

#include <stdio.h>
#include <stdlib.h>

#define OK "HTTP/1.1 200 OK\r\n"

static const uint32_t only_200[] = { 200 }, several[] = { 200, 204, 301 };

struct asked {
	const char *answer, *cause; /* NULL: good */
	enum bed_end end;
	const char *body, *digest, *method;
};

static const char abc[] =
	"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static const struct asked asked[] = {
	{ OK "\r\n", NULL, BED_OPEN, 0, 0, 0 },
	{ OK "Content-Length: 5\r\n\r\nhello", NULL, BED_OPEN, "ell", 0, 0 },
	{ OK "Content-Length: 5\r\n\r\nhello", "body lacks 'OK', 1 of 1", BED_OPEN, "OK",
	  0, 0 },
	{ OK "Content-Length: 5\r\n\r\nhelloOK", "body lacks 'OK', 1 of 1", BED_OPEN,
	  "OK", 0, 0 },
	{ OK "\r\nuntil it closes", NULL, BED_ENDS, "closes", 0, 0 },
	{ OK "\r\nuntil it closes", "body lacks 'opens', 1 of 1", BED_ENDS, "opens", 0,
	  0 },
	{ OK "\r\nuntil it closes", "no end of the http body after 1000 ms, 1 of 1",
	  BED_LATE, "opens", 0, 0 },
	{ OK "Content-Length: 9\r\n\r\nhello", "http body cut after 5 bytes, 1 of 1",
	  BED_ENDS, "OK", 0, 0 },
	{ OK "Content-Length: 3\r\n\r\nabc", NULL, BED_OPEN, 0, abc, 0 },
	{ OK "Content-Length: 3\r\n\r\nabc", NULL, BED_OPEN, "c", abc, 0 },
	{ OK "Content-Length: 3\r\n\r\nabc", "body lacks 'd', 1 of 1", BED_OPEN, "d", abc,
	  0 },
	{ OK "Content-Length: 3\r\n\r\nabd",
	  "body has digest sha256:a52d159f..., wanted sha256:ba7816bf..., 1 of 1",
	  BED_OPEN, 0, abc, 0 },
	{ OK "Content-Length: 0\r\n\r\n",
	  "body has digest sha256:e3b0c442..., wanted sha256:ba7816bf..., 1 of 1",
	  BED_OPEN, 0, abc, 0 },
	{ OK
	  "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nT: u\r\n\r\n",
	  NULL, BED_OPEN, 0, abc, 0 },
	{ OK "transfer-encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", NULL,
	  BED_OPEN, "0123456789", 0, 0 },
	{ OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", NULL,
	  BED_OPEN, "bc", 0, 0 },
	{ OK "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
	  "http chunk of nonsense size, 1 of 1", BED_OPEN, "a", 0, 0 },
	{ OK "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
	  "http chunk longer than its size, 1 of 1", BED_OPEN, "x", 0, 0 },
	{ OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
	  "http chunk of nonsense size, 1 of 1", BED_OPEN, "a", 0, 0 },
	{ OK "Transfer-Encoding: gzip\r\n\r\n",
	  "http answer with a transfer encoding that was not asked for, 1 of 1", BED_OPEN,
	  0, 0, 0 },
	{ OK "Content-Length: -1\r\n\r\n",
	  "http header Content-Length is nonsense, 1 of 1", BED_OPEN, 0, 0, 0 },
	{ OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
	  "http header Content-Length is nonsense, 1 of 1", BED_OPEN, 0, 0, 0 },
	{ "HTTP/1.1 503 Service Unavailable\r\n",
	  "http status 503, wanted 200 to 399, 1 of 1", BED_OPEN, 0, 0, 0 },
	{ "HTTP/1.0 302 Found\r\nLocation: /x\r\n\r\n", NULL, BED_OPEN, 0, 0, 0 },
	{ "HTTP/1.1 100 Continue\r\n\r\n" OK "\r\n", NULL, BED_OPEN, 0, 0, 0 },
	{ "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 No\r\n",
	  "http status 404, wanted 200 to 399, 1 of 1", BED_OPEN, 0, 0, 0 },
	{ "HTTP/1.1 101 Switching\r\n\r\n", "http status 101, wanted 200 to 399, 1 of 1",
	  BED_OPEN, 0, 0, 0 },
	{ "\r\n" OK "\r\n", NULL, BED_OPEN, 0, 0, 0 },
	{ "HTTP/1.1 200\n\n", NULL, BED_OPEN, 0, 0, 0 },
	{ OK "Content-Length: 5\r\n\r\n", NULL, BED_OPEN, 0, 0, "HEAD" },
	{ OK "Content-Length: 5\r\n\r\n", "body lacks 'OK', 1 of 1", BED_OPEN, "OK", 0,
	  "HEAD" },
	{ "SSH-2.0-OpenSSH_9.2\r\n", "no http answer: 'SSH-2.0-OpenSSH_9.2', 1 of 1",
	  BED_OPEN, 0, 0, 0 },
	{ "HTTP/1.1 20\r\n", "no http answer: 'HTTP/1.1 20', 1 of 1", BED_OPEN, 0, 0, 0 },
	{ "HTTP/2.0 200 OK\r\n", "no http answer: 'HTTP/2.0 200 OK', 1 of 1", BED_OPEN, 0,
	  0, 0 },
	{ "\x16\x03\x01\r\n", "no http answer: '?\?\?', 1 of 1", BED_OPEN, 0, 0, 0 },
	{ "", "connection closed before http status, 1 of 1", BED_ENDS, 0, 0, 0 },
	{ "", "no http status after 1000 ms, 1 of 1", BED_LATE, 0, 0, 0 },
	{ "HTTP/1.1 2", "connection reset while waiting for http status, 1 of 1",
	  BED_RESET, 0, 0, 0 },
	{ OK "A: b\r\n", "connection closed before end of the http headers, 1 of 1",
	  BED_ENDS, 0, 0, 0 },
};

static void every_answer_has_its_verdict_whole_and_byte_by_byte(void **state)
{
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		for (size_t step = 0; step <= 7; step++) {
			struct check check = bed_check(LSVM_CHECK_HTTP);
			const struct bed_piece piece = { asked[i].answer,
							 strlen(asked[i].answer) };
			const char *cause;

			check.body = asked[i].body;
			check.digest = asked[i].digest;
			check.method = asked[i].method;
			cause = bed_ask(&bed, &check, &piece, 1, step, asked[i].end);
			if (!cause != !asked[i].cause ||
			    (cause && strcmp(cause, asked[i].cause) != 0))
				fail_msg("%zu, step %zu: %s\nis '%s', not '%s'", i, step,
					 asked[i].answer, cause, asked[i].cause);
		}
	bed_tear_down(&bed);
}

/* Wherever it is cut, it is no good answer unless all that was wanted had come. */
static void a_cut_answer_is_bad_with_a_cause(void **state)
{
	static const char answer[] = OK "Transfer-Encoding: chunked\r\n\r\n"
					"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
	struct check check = bed_check(LSVM_CHECK_HTTP);
	struct bed bed;

	(void)state;
	check.digest = abc;
	bed_set_up(&bed);
	for (size_t length = 0; length < sizeof(answer) - 1; length++) {
		const struct bed_piece piece = { answer, length };

		assert_non_null(bed_ask(&bed, &check, &piece, 1, 0, BED_ENDS));
		assert_non_null(bed_ask(&bed, &check, &piece, 1, 0, BED_LATE));
	}
	bed_tear_down(&bed);
}

static void the_status_must_be_one_of_the_list(void **state)
{
	const struct bed_piece no_content = PIECE("HTTP/1.1 204 No\r\n\r\n");
	const struct bed_piece moved = PIECE("HTTP/1.1 302 Moved\r\n\r\n");
	struct check check = bed_check(LSVM_CHECK_HTTP);
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	check.statuses.items = (uint32_t *)only_200;
	check.statuses.count = 1;
	assert_string_equal(bed_ask(&bed, &check, &no_content, 1, 0, BED_OPEN),
			    "http status 204, wanted 200, 1 of 1");
	check.statuses.items = (uint32_t *)several;
	check.statuses.count = 3;
	assert_null(bed_ask(&bed, &check, &no_content, 1, 0, BED_OPEN));
	assert_string_equal(bed_ask(&bed, &check, &moved, 1, 0, BED_OPEN),
			    "http status 302, wanted 200, 204 or 301, 1 of 1");
	bed_tear_down(&bed);
}

static void sent_is(struct bed *bed, const char *text)
{
	bed->sent[bed->sent_length] = '\0';
	assert_string_equal((const char *)bed->sent, text);
}

static struct target *watch(struct bed *bed, const struct check *check,
			    const char *domain, const char *address, uint16_t port)
{
	struct target_spec spec = { .check = check, .port = port, .domain = domain };
	struct target *target;

	assert_true(lsvm_addr_parse(address, &spec.addr));
	assert_int_equal(lsvm_health_watch(bed->health, &spec, bed, bed->now_ns, &target),
			 0);
	bed->sent_length = 0;
	bed_begin(bed);
	bed_fact(bed, IO_CONNECTED);
	return target;
}

static void the_request_names_the_host(void **state)
{
	struct header headers[] = { { .name = "X-Why", .value = "check" },
				    { .name = "user-agent", .value = "me" } };
	struct check check = bed_check(LSVM_CHECK_HTTP);
	struct target *target;
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	target = watch(&bed, &check, "www.example.com", "10.0.0.1", 8080);
	sent_is(&bed, "GET / HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: libsvm\r\n"
		      "Accept: */*\r\nConnection: close\r\n\r\n");
	lsvm_health_unwatch(bed.health, target);
	bed_pull(&bed);
	check.method = "POST";
	check.path = "/health?full";
	check.headers.items = headers;
	check.headers.count = 2;
	target = watch(&bed, &check, NULL, "2001:db8::1", 80);
	sent_is(&bed,
		"POST /health?full HTTP/1.1\r\nHost: [2001:db8::1]\r\nAccept: */*\r\n"
		"Connection: close\r\nContent-Length: 0\r\nX-Why: check\r\n"
		"user-agent: me\r\n\r\n");
	assert_string_equal(lsvm_target_name(target),
			    "http [2001:db8::1]:80 /health?full");
	lsvm_health_unwatch(bed.health, target);
	bed_pull(&bed);
	check = bed_check(LSVM_CHECK_HTTP);
	check.host = "other:81";
	target = watch(&bed, &check, "www.example.com", "10.0.0.1", 80);
	sent_is(&bed, "GET / HTTP/1.1\r\nHost: other:81\r\nUser-Agent: libsvm\r\n"
		      "Accept: */*\r\nConnection: close\r\n\r\n");
	lsvm_health_unwatch(bed.health, target);
	bed_pull(&bed);
	target = watch(&bed, &(struct check){ .kind = LSVM_CHECK_HTTP, .interval_ms = 9 },
		       NULL, "10.0.0.1", 8080);
	assert_non_null(strstr((char *)bed.sent, "Host: 10.0.0.1:8080\r\n"));
	bed_tear_down(&bed);
}

static void tls_names_the_host_too(void **state)
{
	struct check check = bed_check(LSVM_CHECK_HTTPS);
	struct target *target;
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	target = watch(&bed, &check, "www.example.com", "10.0.0.1", 443);
	assert_string_equal(bed.channel.tls->server_name, "www.example.com");
	assert_false(bed.channel.tls->verify);
	lsvm_health_unwatch(bed.health, target);
	bed_pull(&bed);
	check.host = "host.example:8443";
	check.verify_certificate = true;
	target = watch(&bed, &check, "www.example.com", "10.0.0.1", 443);
	assert_string_equal(bed.channel.tls->server_name, "host.example");
	assert_true(bed.channel.tls->verify);
	lsvm_health_unwatch(bed.health, target);
	bed_pull(&bed);
	check.host = "192.0.2.1";
	target = watch(&bed, &check, NULL, "10.0.0.1", 443);
	assert_string_equal(bed.channel.tls->server_name, "192.0.2.1");
	lsvm_health_unwatch(bed.health, target);
	bed_pull(&bed);
	check.host = "[2001:db8::1]:8443";
	target = watch(&bed, &check, NULL, "10.0.0.1", 443);
	assert_string_equal(bed.channel.tls->server_name, "2001:db8::1");
	lsvm_health_unwatch(bed.health, target);
	bed_pull(&bed);
	check.host = NULL;
	target = watch(&bed, &check, NULL, "10.0.0.1", 443);
	assert_null(bed.channel.tls->server_name);
	lsvm_health_unwatch(bed.health, target);
	bed_pull(&bed);
	check.server_name = "sni.example";
	target = watch(&bed, &check, NULL, "10.0.0.1", 443);
	assert_string_equal(bed.channel.tls->server_name, "sni.example");
	bed_begin(&bed);
	bed_fail(&bed, IO_ERROR_CERTIFICATE);
	bed_tear_down(&bed);
}

/* Gigabytes, for ever, in every part of an answer. */
static const char *flood(struct bed *bed, const struct check *check, const char *head,
			 const char *again, size_t *ret_bytes)
{
	struct target *target = bed_watch(bed, check, 80);
	static char cause[256], piece[65536];
	const size_t length = strlen(again);
	struct target_figures figures;

	for (size_t at = 0; at < sizeof(piece); at++)
		piece[at] = again[at % length];
	bed_begin(bed);
	bed_fact(bed, IO_CONNECTED);
	bed_bytes(bed, head, strlen(head));
	for (*ret_bytes = 0; *ret_bytes < 64u << 20; *ret_bytes += sizeof(piece)) {
		lsvm_target_figures(target, &figures);
		if (figures.last_probe_ns && !bed->probe)
			break;
		bed_bytes(bed, piece, sizeof(piece) / length * length);
	}
	snprintf(cause, sizeof(cause), "%s", lsvm_target_cause(target));
	lsvm_health_unwatch(bed->health, target);
	bed_pull(bed);
	return cause;
}

static void a_flood_has_an_end_and_a_cause(void **state)
{
	struct check check = bed_check(LSVM_CHECK_HTTP);
	struct bed bed;
	size_t bytes;

	(void)state;
	bed_set_up(&bed);
	assert_string_equal(flood(&bed, &check, "", "x", &bytes),
			    "more than 65536 bytes and no http status, 1 of 1");
	assert_string_equal(flood(&bed, &check, OK, "A: b\r\n", &bytes),
			    "more than 65536 bytes and no end of the http headers, 1 of "
			    "1");
	check.body = "needle";
	assert_string_equal(flood(&bed, &check, OK "\r\n", "hay", &bytes),
			    "the first MiB of the body lacks 'needle', 1 of 1");
	assert_true(bytes <= 1114112 + 65536);
	assert_string_equal(flood(&bed, &check, OK "Transfer-Encoding: chunked\r\n\r\n",
				  "1\r\na\r\n", &bytes),
			    "the first MiB of the body lacks 'needle', 1 of 1");
	check.body = NULL;
	check.digest = abc;
	assert_string_equal(
		flood(&bed, &check, OK "\r\n", "hay", &bytes),
		"body has more than 1048576 bytes, too many for a digest, 1 of "
		"1");
	check.digest = NULL;
	assert_string_equal(flood(&bed, &check, OK "\r\n", "hay", &bytes), "");
	assert_true(bytes <= 1114112 + 65536); /* good, and not waited for */
	bed_tear_down(&bed);
}

static void one_byte_a_second_is_too_slow(void **state)
{
	static const char answer[] = OK "\r\n";
	struct check check = bed_check(LSVM_CHECK_HTTP);
	struct target *target;
	struct bed bed;

	(void)state;
	check.timeout_ms = 5000;
	check.interval_ms = 5000;
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 80);
	bed_begin(&bed);
	bed_fact(&bed, IO_CONNECTED);
	for (size_t i = 0; i < 5; i++) {
		bed_bytes(&bed, &answer[i], 1);
		bed_wait(&bed, 1 * IO_S);
	}
	assert_string_equal(lsvm_target_cause(target),
			    "no http status after 5000 ms, 1 of 1");
	bed_tear_down(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_has_its_verdict_whole_and_byte_by_byte),
		cmocka_unit_test(a_cut_answer_is_bad_with_a_cause),
		cmocka_unit_test(the_status_must_be_one_of_the_list),
		cmocka_unit_test(the_request_names_the_host),
		cmocka_unit_test(tls_names_the_host_too),
		cmocka_unit_test(a_flood_has_an_end_and_a_cause),
		cmocka_unit_test(one_byte_a_second_is_too_slow),
	};

	return RUN(tests);
}
