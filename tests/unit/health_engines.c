/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every kind of check but HTTP: what it says, and what each answer means, whole and in
 * pieces. */
#include "health/probe.h"
#include "health_support.h"

#include <stdio.h>
#include <stdlib.h>

struct asked {
	const char *cause; /* NULL: good */
	enum bed_end end;
	struct bed_piece pieces[4];
	const char *expect, *user, *database, *base_dn;
};

static void ask_all(enum lsvm_check_kind kind, const struct asked *asked, size_t count,
		    const char *send, size_t steps)
{
	struct bed bed;

	bed_set_up(&bed);
	for (size_t i = 0; i < count; i++)
		for (size_t step = 0; step <= steps; step++) {
			struct check check = bed_check(kind);
			size_t pieces = 0;
			const char *cause;

			check.send = send;
			check.expect = asked[i].expect;
			check.user = asked[i].user;
			check.database = asked[i].database;
			check.base_dn = asked[i].base_dn;
			while (pieces < 4 && asked[i].pieces[pieces].bytes)
				pieces++;
			cause = bed_ask(&bed, &check, asked[i].pieces, pieces, step,
					asked[i].end);
			if (!cause != !asked[i].cause ||
			    (cause && strcmp(cause, asked[i].cause) != 0))
				fail_msg("%zu, step %zu: is '%s', not '%s'", i, step,
					 cause, asked[i].cause);
		}
	bed_tear_down(&bed);
}
#define ASK(kind, asked, send) ask_all(kind, asked, ARRAY_SIZE(asked), send, 5)

static void sent_is(const struct bed *bed, const char *bytes, size_t length)
{
	if (bed->sent_length != length || memcmp(bed->sent, bytes, length) != 0) {
		for (size_t i = 0; i < bed->sent_length; i++)
			printf("%02x ", bed->sent[i]);
		fail_msg("sent are %zu bytes, wanted %zu", bed->sent_length, length);
	}
}
#define SENT(bed, text) sent_is(bed, text, sizeof(text) - 1)

/* ---- lines ---- */

static void smtp_greets_and_is_left_politely(void **state)
{
	static const struct asked asked[] = {
		{ NULL,
		  BED_OPEN,
		  { PIECE("220 mx\r\n"), PIECE("250 mx\r\n") },
		  0,
		  0,
		  0,
		  0 },
		{ NULL,
		  BED_ENDS,
		  { PIECE("220-mx\r\n220-one more\r\n220 end\r\n"),
		    PIECE("250-mx\r\n250-SIZE\r\n250 HELP\r\n"), PIECE("221 bye\r\n") },
		  0,
		  0,
		  0,
		  0 },
		{ "smtp says '554 no', wanted 220, 1 of 1",
		  BED_OPEN,
		  { PIECE("554 no\r\n") },
		  0,
		  0,
		  0,
		  0 },
		{ "smtp says '421 busy', wanted 250, 1 of 1",
		  BED_OPEN,
		  { PIECE("220 mx\r\n"), PIECE("421 busy\r\n") },
		  0,
		  0,
		  0,
		  0 },
		{ "no smtp answer: 'HTTP/1.1 400', 1 of 1",
		  BED_OPEN,
		  { PIECE("HTTP/1.1 400\r\n") },
		  0,
		  0,
		  0,
		  0 },
		{ "no smtp answer: '2200 x', 1 of 1",
		  BED_OPEN,
		  { PIECE("2200 x\r\n") },
		  0,
		  0,
		  0,
		  0 },
		{ "connection closed before answer to EHLO, 1 of 1",
		  BED_ENDS,
		  { PIECE("220 mx\r\n250-m") },
		  0,
		  0,
		  0,
		  0 },
		{ "no smtp banner after 1000 ms, 1 of 1",
		  BED_LATE,
		  { PIECE("220-\r\n") },
		  0,
		  0,
		  0,
		  0 },
	};
	const struct bed_piece all[] = { PIECE("220 mx\r\n"), PIECE("250 mx\r\n") };
	struct check check = bed_check(LSVM_CHECK_SMTP);
	struct bed bed;

	(void)state;
	ASK(LSVM_CHECK_SMTP, asked, NULL);
	bed_set_up(&bed);
	assert_null(bed_ask(&bed, &check, all, 2, 0, BED_OPEN));
	SENT(&bed, "EHLO localhost\r\nQUIT\r\n");
	check.host = "eds1.example.com";
	assert_null(bed_ask(&bed, &check, all, 2, 0, BED_OPEN));
	SENT(&bed, "EHLO eds1.example.com\r\nQUIT\r\n");
	bed_tear_down(&bed);
}

static void redis_lives_unless_it_loads_or_lost_its_master(void **state)
{
	static const struct asked asked[] = {
		{ NULL, BED_OPEN, { PIECE("+PONG\r\n") }, 0, 0, 0, 0 },
		{ NULL,
		  BED_OPEN,
		  { PIECE("-NOAUTH Authentication required.\r\n") },
		  0,
		  0,
		  0,
		  0 },
		{ NULL, BED_OPEN, { PIECE("-NOPERM no\r\n") }, 0, 0, 0, 0 },
		{ "redis says '-LOADING Redis is loading', 1 of 1",
		  BED_OPEN,
		  { PIECE("-LOADING Redis is loading\r\n") },
		  0,
		  0,
		  0,
		  0 },
		{ "redis says '-MASTERDOWN Link', 1 of 1",
		  BED_OPEN,
		  { PIECE("-MASTERDOWN Link\r\n") },
		  0,
		  0,
		  0,
		  0 },
		{ "no redis answer: '220 mx', 1 of 1",
		  BED_OPEN,
		  { PIECE("220 mx\r\n") },
		  0,
		  0,
		  0,
		  0 },
		{ "no redis answer: '+PONGO', 1 of 1",
		  BED_OPEN,
		  { PIECE("+PONGO\r\n") },
		  0,
		  0,
		  0,
		  0 },
	};

	(void)state;
	ASK(LSVM_CHECK_REDIS, asked, NULL);
}

static void text_is_sent_and_text_must_come_back(void **state)
{
	static const struct asked asked[] = {
		{ NULL,
		  BED_OPEN,
		  { PIECE("yes: it is up\r\n") },
		  "is up\\r\\n",
		  0,
		  0,
		  0 },
		{ NULL, BED_OPEN, { PIECE("ababab\0c") }, "abab\\0c", 0, 0, 0 },
		{ NULL, BED_OPEN, { PIECE("aab") }, "\\x61b", 0, 0, 0 },
		{ NULL, BED_OPEN, { { 0, 0 } }, NULL, 0, 0, 0 },
		{ "the expected text did not come, but 'no', 1 of 1",
		  BED_ENDS,
		  { PIECE("no") },
		  "yes",
		  0,
		  0,
		  0 },
		{ "connection closed before expected text, 1 of 1",
		  BED_ENDS,
		  { { 0, 0 } },
		  "yes",
		  0,
		  0,
		  0 },
		{ "no expected text after 1000 ms, 1 of 1",
		  BED_LATE,
		  { { 0, 0 } },
		  "yes",
		  0,
		  0,
		  0 },
	};
	const struct bed_piece yes = PIECE("yes");
	struct check check = bed_check(LSVM_CHECK_TCP);
	struct bed bed;

	(void)state;
	ask_all(LSVM_CHECK_SCRIPT, asked, ARRAY_SIZE(asked), "STATE\\r\\n", 0);
	ask_all(LSVM_CHECK_TCP, asked, ARRAY_SIZE(asked) - 3, "STATE\\r\\n", 5);
	check.send = "a\\x00\\0\\t\\\\\\n";
	check.expect = "yes";
	bed_set_up(&bed);
	assert_null(bed_ask(&bed, &check, &yes, 1, 0, BED_OPEN));
	SENT(&bed, "a\0\0\t\\\n");
	bed_tear_down(&bed);
}

/* Random texts of two letters, in random pieces: found when, and only when, it is there.
 */
static void text_is_found_wherever_the_pieces_are_cut(void **state)
{
	struct check check = bed_check(LSVM_CHECK_SCRIPT);
	char needle[9], hay[65];
	unsigned found = 0;
	struct bed bed;

	(void)state;
	srandom(1);
	bed_set_up(&bed);
	for (int round = 0; round < 3000; round++) {
		const size_t length = 1 + (size_t)random() % 8;
		const struct bed_piece piece = { hay, sizeof(hay) - 1 };
		bool there;

		for (size_t i = 0; i < sizeof(hay) - 1; i++)
			hay[i] = random() % 3 ? 'a' : 'b';
		for (size_t i = 0; i < length; i++)
			needle[i] = random() % 3 ? 'a' : 'b';
		hay[sizeof(hay) - 1] = needle[length] = '\0';
		check.expect = needle;
		there = !bed_ask(&bed, &check, &piece, 1, (size_t)random() % 20,
				 BED_ENDS);
		assert_true(there == (strstr(hay, needle) != NULL));
		found += there;
	}
	assert_true(found > 300 && found < 2700);
	bed_tear_down(&bed);
}

static void a_script_reads_a_mebibyte_and_no_more(void **state)
{
	struct check check = bed_check(LSVM_CHECK_SCRIPT);
	static char hay[65536];
	struct target *target;
	struct bed bed;

	(void)state;
	memset(hay, 'x', sizeof(hay));
	check.expect = "needle";
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 80);
	bed_begin(&bed);
	bed_fact(&bed, IO_CONNECTED);
	for (int i = 0; i < 15; i++)
		bed_bytes(&bed, hay, sizeof(hay));
	assert_string_equal(lsvm_target_cause(target), "");
	bed_bytes(&bed, hay, sizeof(hay));
	assert_string_equal(lsvm_target_cause(target),
			    "the expected text is not in the first 1048576 bytes, 1 of "
			    "1");
	bed_tear_down(&bed);
}

static void an_agent_reports_weight_or_that_it_is_down(void **state)
{
	static const struct {
		const char *line, *cause, *warning;
		uint32_t percent;
	} said[] = {
		{ "up\n", NULL, "", 100 },
		{ "75%\r\n", NULL, "", 75 },
		{ "ready, 50%\n", NULL, "", 50 },
		{ "drain\n", NULL, "", 0 },
		{ "up 250%\n", NULL, "", 100 },
		{ "down#disk full\n", "the server says 'down': disk full, 1 of 1", "",
		  50 },
		{ "maint\n", "the server says 'maint', 1 of 1", "", 50 },
		{ "up 10% down\n", "the server says 'down', 1 of 1", "", 50 },
		{ "up maxconn:30\n", NULL,
		  "it reports 'maxconn:30', which nobody understands", 100 },
		{ "hello\n", "the agent's line is not understood: 'hello', 1 of 1",
		  "it reports 'hello', which nobody understands", 50 },
		{ "1000%x\n", "the agent's line is not understood: '1000%x', 1 of 1",
		  "it reports '1000%x', which nobody understands", 50 },
		{ "\n", "the agent's line is not understood: '', 1 of 1", "", 50 },
	};
	struct check check = bed_check(LSVM_CHECK_AGENT);
	struct bed bed;

	(void)state;
	check.send = "state\\n";
	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		struct target *target;

		bed_set_up(&bed);
		target = bed_watch(&bed, &check, 8777);
		bed_begin(&bed);
		bed_fact(&bed, IO_CONNECTED);
		bed_bytes(&bed, "50%\n", 4);
		assert_int_equal(lsvm_target_percent(target), 50);
		assert_int_equal(bed.changed, 1);
		SENT(&bed, "state\n");
		bed_begin(&bed);
		bed_fact(&bed, IO_CONNECTED);
		bed_bytes(&bed, said[i].line, strlen(said[i].line));
		if (!bed.probe) {
			assert_string_equal(lsvm_target_cause(target),
					    said[i].cause ? said[i].cause : "");
			assert_int_equal(lsvm_target_percent(target), said[i].percent);
			assert_string_equal(bed.warning, said[i].warning);
			assert_int_equal(bed.changed,
					 said[i].cause || said[i].percent != 50 ? 2 : 1);
		} else {
			fail_msg("no verdict on %s", said[i].line);
		}
		bed_tear_down(&bed);
	}
}

/* ---- datagrams ---- */

static void udp_is_good_unless_refused_or_something_is_expected(void **state)
{
	struct check check = bed_check(LSVM_CHECK_UDP);
	const struct bed_piece yes = PIECE("oh yes"), no = PIECE("no");
	struct target *target;
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	check.interval_ms = 2000;
	check.send = "hello";
	assert_null(bed_ask(&bed, &check, NULL, 0, 0, BED_LATE));
	SENT(&bed, "hello");
	assert_null(bed_ask(&bed, &check, &no, 1, 0, BED_OPEN));
	check.expect = "yes";
	assert_null(bed_ask(&bed, &check, &yes, 1, 0, BED_OPEN));
	assert_string_equal(bed_ask(&bed, &check, NULL, 0, 0, BED_LATE),
			    "no answer after 1000 ms, 1 of 1");
	assert_string_equal(bed_ask(&bed, &check, &yes, 1, 1, BED_LATE),
			    "no expected answer (others came) after 1000 ms, 1 of 1");
	assert_int_equal(bed.channel.kind, CHANNEL_UDP);
	target = bed_watch(&bed, &check, 7);
	bed_begin(&bed);
	bed_fail(&bed, IO_ERROR_REFUSED);
	assert_string_equal(lsvm_target_cause(target), "port unreachable, 1 of 1");
	bed_tear_down(&bed);
}

/* Whoever is nowhere is found out three seconds after he was asked. */
static void silence_is_bad_while_the_host_is_not_to_be_found(void **state)
{
	const uint32_t intervals[] = { 300, 1000, 2000, 10000 };
	struct check check = bed_check(LSVM_CHECK_UDP);
	struct bed bed;

	(void)state;
	check.fall = check.rise = 2;
	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
		struct target *target;
		uint64_t turns;

		check.interval_ms = intervals[i];
		check.timeout_ms = intervals[i] < 1000 ? 200 : 1000;
		bed_set_up(&bed);
		target = bed_watch(&bed, &check, 53);
		bed_begin(&bed);
		assert_true(bed.channel.hears_routers);
		bed_wait(&bed, 2990 * IO_MS);
		assert_int_equal(lsvm_target_state(target), TARGET_UP);
		for (turns = 0; lsvm_target_state(target) != TARGET_DOWN; turns++) {
			assert_true(turns < 8);
			bed_fail(&bed, IO_ERROR_UNREACHABLE);
			bed_begin(&bed);
			bed_wait(&bed, (3000 - 10) * IO_MS);
			assert_non_null(bed.probe); /* it listens all the time */
		}
		assert_string_equal(lsvm_target_cause(target), "no route to it, 2 of 2");
		assert_true(bed.opened - bed.closed <= 1);
		bed_wait(&bed, 4 * IO_S + 4 * intervals[i] * IO_MS);
		assert_int_equal(lsvm_target_state(target), TARGET_UP);
		bed_tear_down(&bed);
	}
}

static void an_echo_is_ours_only_with_our_number(void **state)
{
	struct check check = bed_check(LSVM_CHECK_PING);
	struct target *target;
	uint8_t copy[56];
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 80);
	assert_string_equal(lsvm_target_name(target), "ping 10.0.0.1");
	bed_begin(&bed);
	assert_int_equal(bed.sent_length, sizeof(copy));
	memcpy(copy, bed.sent, sizeof(copy));
	copy[0] ^= 1;
	bed_bytes(&bed, copy, sizeof(copy));
	bed_bytes(&bed, bed.sent, sizeof(copy) - 1);
	assert_int_equal(lsvm_target_state(target), TARGET_UNKNOWN);
	bed_bytes(&bed, bed.sent, sizeof(copy));
	assert_int_equal(lsvm_target_state(target), TARGET_UP);
	bed_begin(&bed);
	bed_bytes(&bed, bed.sent, sizeof(copy)); /* the last one's answer */
	bed_wait(&bed, 1 * IO_S);
	assert_string_equal(lsvm_target_cause(target), "no echo after 1000 ms, 1 of 1");
	bed_tear_down(&bed);
}

/* ---- DNS ---- */

/* The answer to the question that was sent: flags, and records behind. */
static size_t dns_answer(const struct bed *bed, size_t skip, uint16_t flags,
			 const char *records, size_t length, uint16_t count, uint8_t *ret)
{
	const size_t question = bed->sent_length - skip;

	memcpy(ret, bed->sent + skip, question);
	ret[2] = (uint8_t)(flags >> 8);
	ret[3] = (uint8_t)flags;
	ret[6] = (uint8_t)(count >> 8);
	ret[7] = (uint8_t)count;
	memcpy(ret + question, records, length);
	return question + length;
}

#define IN_A "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4"
#define CNAME "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1b\xc0\x0e"
#define TXT "\xc0\x0c\0\x10\0\1\0\0\0\x3c\0\6\2he\2y!"

struct answered {
	const char *record, *expect, *cause;
	uint16_t flags;
	const char *records;
	size_t length;
	uint16_t count;
};
#define RECORDS(text) text, sizeof(text) - 1
static const struct answered answered[] = {
	{ NULL, NULL, NULL, 0x8180, RECORDS(IN_A "\x0a\0\0\7"), 1 },
	{ "A", "10.0.0.7", NULL, 0x8180, RECORDS(CNAME IN_A "\x0a\0\0\7"), 2 },
	{ "a", "10.0.0.8", "dns has other a records, not '10.0.0.8', 1 of 1", 0x8180,
	  RECORDS(IN_A "\x0a\0\0\7"), 1 },
	{ "CNAME", "B.c", NULL, 0x8180, RECORDS(CNAME), 1 },
	{ "CNAME", "x.c", "dns has other CNAME records, not 'x.c', 1 of 1", 0x8180,
	  RECORDS(CNAME), 1 },
	{ "TXT", "hey!", NULL, 0x8180, RECORDS(TXT), 1 },
	{ "TXT", "hey", "dns has other TXT records, not 'hey', 1 of 1", 0x8180,
	  RECORDS(TXT), 1 },
	{ "TYPE16", NULL, NULL, 0x8180, RECORDS(TXT), 1 },
	{ "AAAA", NULL, "dns has no AAAA record of it, 1 of 1", 0x8180,
	  RECORDS(IN_A "\x0a\0\0\7"), 1 },
	{ NULL, NULL, "dns has no A record of it, 1 of 1", 0x8180, RECORDS(""), 0 },
	{ NULL, NULL, NULL, 0x8380, RECORDS(""), 0 },
	{ NULL, "10.0.0.7", "dns has no A record of it, 1 of 1", 0x8380, RECORDS(""), 0 },
	{ NULL, NULL, "dns answers 2 (server failure), 1 of 1", 0x8182, RECORDS(""), 0 },
	{ NULL, NULL, "dns answers 3 (name does not exist), 1 of 1", 0x8183, RECORDS(""),
	  0 },
	{ NULL, NULL, "dns answers 5 (refused), 1 of 1", 0x8185, RECORDS(""), 0 },
	{ NULL, NULL, "dns answer is cut or nonsense, 1 of 1", 0x8180, RECORDS(""), 1 },
	{ NULL, NULL, "dns answer is cut or nonsense, 1 of 1", 0x8180,
	  RECORDS("\xc0\x16\0\1\0\1\0\0\0\x3c\0\4"), 1 },
	{ "CNAME", "b.c", "dns has other CNAME records, not 'b.c', 1 of 1", 0x8180,
	  RECORDS("\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\xc0\x21"), 1 },
	{ NULL, NULL,
	  "no dns answer to this question (others came) after 1000 ms, 1 of 1", 0x0180,
	  RECORDS(IN_A "\x0a\0\0\7"), 1 },
};

static void ask_dns(struct bed *bed, const struct answered *a, bool tcp, size_t step)
{
	struct check check = bed_check(LSVM_CHECK_DNS);
	struct target_spec spec = { .check = &check,
				    .addr = { 4, { 10, 0, 0, 1 } },
				    .port = 53,
				    .protocol =
					    tcp ? LSVM_PROTOCOL_TCP : LSVM_PROTOCOL_UDP };
	struct target *target;
	uint8_t answer[600];
	size_t length, skip = tcp ? 2 : 0;

	check.query = "a.c";
	check.record = a->record;
	check.expect = a->expect;
	bed->sent_length = 0;
	assert_int_equal(lsvm_health_watch(bed->health, &spec, bed, bed->now_ns, &target),
			 0);
	bed_begin(bed);
	if (tcp)
		bed_fact(bed, IO_CONNECTED);
	assert_int_equal(bed->channel.kind, tcp ? CHANNEL_TCP : CHANNEL_UDP);
	length = dns_answer(bed, skip, a->flags, a->records, a->length, a->count,
			    answer + skip) +
		 skip;
	answer[0] = tcp ? (uint8_t)((length - 2) >> 8) : answer[0];
	answer[1] = tcp ? (uint8_t)(length - 2) : answer[1];
	for (size_t at = 0; at < length; at += step ? step : length)
		bed_bytes(bed, answer + at,
			  !step || step > length - at ? length - at : step);
	if (bed->probe)
		bed_wait(bed, 1 * IO_S);
	if (tcp && !(a->flags & 0x8000))
		assert_string_equal(lsvm_target_cause(target),
				    "dns answers another question, 1 of 1");
	else
		assert_string_equal(lsvm_target_cause(target), a->cause ? a->cause : "");
	lsvm_health_unwatch(bed->health, target);
	bed_pull(bed);
}

static void dns_answers_are_held_against_the_question(void **state)
{
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	for (size_t i = 0; i < ARRAY_SIZE(answered); i++) {
		ask_dns(&bed, &answered[i], false, 0);
		for (size_t step = 0; step < 4; step++)
			ask_dns(&bed, &answered[i], true, step);
	}
	bed_tear_down(&bed);
}

static void a_dns_answer_with_another_number_is_not_ours(void **state)
{
	struct check check = bed_check(LSVM_CHECK_DNS);
	struct target_spec spec = { .check = &check, .addr = { 4, { 1, 2, 3, 4 } } };
	struct target *target;
	uint8_t answer[600];
	struct bed bed;
	size_t length;

	(void)state;
	check.query = "www.Example.com.";
	bed_set_up(&bed);
	assert_int_equal(lsvm_health_watch(bed.health, &spec, &bed, bed.now_ns, &target),
			 0);
	bed_begin(&bed);
	bed.sent[0] = bed.sent[1] = 0; /* the number is drawn */
	SENT(&bed, "\0\0\1\0\0\1\0\0\0\0\0\0\3www\7Example\3com\0\0\1\0\1");
	length = dns_answer(&bed, 0, 0x8180, RECORDS(IN_A "\x0a\0\0\7"), 1, answer);
	bed_bytes(&bed, answer, length);
	assert_int_equal(lsvm_target_state(target), TARGET_UNKNOWN);
	bed_tear_down(&bed);
}

/* ---- LDAP ---- */

#define BOUND "\x30\x0c\2\1\1\x61\7\x0a\1\0\4\0\4\0"
#define ENTRY "\x30\x0b\2\1\2\x64\6\4\2o=\x30\0"
#define DONE "\x30\x0c\2\1\2\x65\7\x0a\1\0\4\0\4\0"
#define DONE_LONG "\x30\x84\0\0\0\x0c\2\1\2\x65\7\x0a\1\0\4\0\4\0"
#define RESULT(op, code) "\x30\x0c\2\1\1" op "\7\x0a\1" code "\4\0\4\0"

static void ldap_binds_and_looks_for_an_entry(void **state)
{
	static const struct asked asked[] = {
		{ NULL, BED_OPEN, { PIECE(BOUND), PIECE(ENTRY DONE) }, 0, 0, 0, "o=x" },
		{ NULL, BED_OPEN, { PIECE(BOUND), PIECE(DONE) }, 0, 0, 0, 0 },
		{ NULL,
		  BED_OPEN,
		  { PIECE(BOUND), PIECE(ENTRY), PIECE(DONE_LONG) },
		  0,
		  0,
		  0,
		  "o=x" },
		{ NULL, BED_OPEN, { PIECE(RESULT("\x61", "\x30")) }, 0, 0, 0, 0 },
		{ NULL,
		  BED_OPEN,
		  { PIECE(BOUND), PIECE(RESULT("\x65", "\x20")) },
		  0,
		  0,
		  0,
		  0 },
		{ "ldap bind answers 48 (inappropriate authentication), 1 of 1",
		  BED_OPEN,
		  { PIECE(RESULT("\x61", "\x30")) },
		  0,
		  0,
		  0,
		  "o=x" },
		{ "ldap search answers 32 (no such object), 1 of 1",
		  BED_OPEN,
		  { PIECE(BOUND), PIECE(RESULT("\x65", "\x20")) },
		  0,
		  0,
		  0,
		  "o=x" },
		{ "ldap bind answers 51 (busy), 1 of 1",
		  BED_OPEN,
		  { PIECE(RESULT("\x61", "\x33")) },
		  0,
		  0,
		  0,
		  0 },
		{ "ldap search answers 52 (unavailable), 1 of 1",
		  BED_OPEN,
		  { PIECE(BOUND), PIECE(RESULT("\x65", "\x34")) },
		  0,
		  0,
		  0,
		  0 },
		{ "ldap finds no entry 'o=x', 1 of 1",
		  BED_OPEN,
		  { PIECE(BOUND), PIECE(DONE) },
		  0,
		  0,
		  0,
		  "o=x" },
		{ "ldap server disconnects us, 1 of 1",
		  BED_OPEN,
		  { PIECE("\x30\x0c\2\1\0\x78\7\x0a\1\x34\4\0\4\0") },
		  0,
		  0,
		  0,
		  0 },
		{ "no ldap answer: operation 0x65, 1 of 1",
		  BED_OPEN,
		  { PIECE(DONE) },
		  0,
		  0,
		  0,
		  0 },
		{ "no ldap answer: no message, 1 of 1",
		  BED_OPEN,
		  { PIECE("HTTP/1.1 400\r\n") },
		  0,
		  0,
		  0,
		  0 },
		{ "no ldap answer: no message, 1 of 1",
		  BED_OPEN,
		  { PIECE("\x30\x80\0\0") },
		  0,
		  0,
		  0,
		  0 },
		{ "ldap message of 4294967301 bytes, 1 of 1",
		  BED_OPEN,
		  { PIECE("\x30\x84\xff\xff\xff\xff") },
		  0,
		  0,
		  0,
		  0 },
		{ "no ldap answer: nonsense in its message, 1 of 1",
		  BED_OPEN,
		  { PIECE("\x30\0") },
		  0,
		  0,
		  0,
		  0 },
		{ "no ldap answer: nonsense in its message, 1 of 1",
		  BED_OPEN,
		  { PIECE("\x30\7\2\1\1\x61\7\x0a\1") },
		  0,
		  0,
		  0,
		  0 },
		{ "no ldap answer: nonsense in its result, 1 of 1",
		  BED_OPEN,
		  { PIECE("\x30\5\2\1\1\x61\0") },
		  0,
		  0,
		  0,
		  0 },
		{ "connection closed before answer to the search, 1 of 1",
		  BED_ENDS,
		  { PIECE(BOUND), PIECE("\x30\x0c\2") },
		  0,
		  0,
		  0,
		  0 },
	};
	const struct bed_piece all[] = { PIECE(BOUND), PIECE(ENTRY DONE) };
	struct check check = bed_check(LSVM_CHECK_LDAP);
	struct bed bed;

	(void)state;
	ASK(LSVM_CHECK_LDAP, asked, NULL);
	check.base_dn = "o=x";
	bed_set_up(&bed);
	assert_null(bed_ask(&bed, &check, all, 2, 0, BED_OPEN));
	SENT(&bed, "\x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0"
		   "\x30\x2d\2\1\2\x63\x28\4\3o=x\x0a\1\0\x0a\1\0\2\1\0\2\1\0\1\1\0"
		   "\x87\x0bobjectClass\x30\5\4\3"
		   "1.1"
		   "\x30\5\2\1\3\x42\0");
	bed_tear_down(&bed);
}

/* ---- PostgreSQL ---- */

#define PG_ERROR(state, text, length) "E\0\0\0" length "SFATAL\0C" state "\0M" text "\0\0"

static void postgresql_is_alive_when_it_asks_who_we_are(void **state)
{
	static const struct asked asked[] = {
		{ NULL, BED_OPEN, { PIECE("R\0\0\0\x0c\0\0\0\5abcd") }, 0, 0, 0, 0 },
		{ NULL, BED_OPEN, { PIECE("R\0\0\0\x08\0\0\0\3") }, 0, "u", "d", 0 },
		{ NULL,
		  BED_OPEN,
		  { PIECE("R\0\0\0\x08\0\0\0\0S\0\0\0\x08"
			  "a\0b\0K\0\0\0\4Z\0\0\0\5I") },
		  0,
		  "u",
		  "d",
		  0 },
		{ NULL,
		  BED_OPEN,
		  { PIECE(PG_ERROR("28000", "no", "\x17")) },
		  0,
		  0,
		  0,
		  0 },
		{ NULL,
		  BED_OPEN,
		  { PIECE(PG_ERROR("3D000", "no", "\x17")) },
		  0,
		  "u",
		  0,
		  0 },
		{ "postgresql says 28P01: no, 1 of 1",
		  BED_OPEN,
		  { PIECE(PG_ERROR("28P01", "no", "\x17")) },
		  0,
		  "u",
		  0,
		  0 },
		{ "postgresql says 3D000: no, 1 of 1",
		  BED_OPEN,
		  { PIECE(PG_ERROR("3D000", "no", "\x17")) },
		  0,
		  0,
		  "d",
		  0 },
		{ "postgresql says 57P03: the database system is starting up, 1 of 1",
		  BED_OPEN,
		  { PIECE(PG_ERROR("57P03", "the database system is starting up",
				   "\x37")) },
		  0,
		  0,
		  0,
		  0 },
		{ "postgresql says 53300: no, 1 of 1",
		  BED_OPEN,
		  { PIECE(PG_ERROR("53300", "no", "\x17")) },
		  0,
		  0,
		  0,
		  0 },
		{ "postgresql says : , 1 of 1",
		  BED_OPEN,
		  { PIECE("E\0\0\0\5\0") },
		  0,
		  0,
		  0,
		  0 },
		{ "no postgresql answer: message 0x48, 1 of 1",
		  BED_OPEN,
		  { PIECE("H\0\0\0\4") },
		  0,
		  0,
		  0,
		  0 },
		{ "no postgresql answer: a message of 1414811697 bytes, 1 of 1",
		  BED_OPEN,
		  { PIECE("HTTP1.1 400") },
		  0,
		  0,
		  0,
		  0 },
		{ "no postgresql answer: a message of 3 bytes, 1 of 1",
		  BED_OPEN,
		  { PIECE("R\0\0\0\3") },
		  0,
		  0,
		  0,
		  0 },
		{ "no postgresql answer: a cut request, 1 of 1",
		  BED_OPEN,
		  { PIECE("R\0\0\0\5\0") },
		  0,
		  0,
		  0,
		  0 },
		{ "no postgresql to be ready after 1000 ms, 1 of 1",
		  BED_LATE,
		  { PIECE("R\0\0\0\x08\0\0\0\0S\0\0\0\x08") },
		  0,
		  0,
		  0,
		  0 },
	};
	const struct bed_piece all = PIECE("R\0\0\0\x08\0\0\0\0Z\0\0\0\5I");
	struct check check = bed_check(LSVM_CHECK_POSTGRESQL);
	struct bed bed;

	(void)state;
	ASK(LSVM_CHECK_POSTGRESQL, asked, NULL);
	check.user = "u";
	check.database = "d";
	bed_set_up(&bed);
	assert_null(bed_ask(&bed, &check, &all, 1, 0, BED_OPEN));
	SENT(&bed, "\0\0\0\x33\0\3\0\0user\0u\0database\0d\0application_name\0libsvm\0\0"
		   "X\0\0\0\4");
	assert_false(bed.channel.reset);
	/* What asks for a password keeps a place for us: we are gone at once. */
	bed_watch(&bed, &check, 5432);
	bed_begin(&bed);
	bed_fact(&bed, IO_CONNECTED);
	bed_bytes(&bed, "R\0\0\0\x08\0\0\0\3", 9);
	assert_null(bed.probe);
	bed_tear_down(&bed);
}

/* ---- MySQL ---- */

#define GREETING                                                                         \
	"\x0d\0\0\0\x0a"                                                                 \
	"8.0.36\0\7\0\0\0\0"
#define MY_OK "\7\0\0\2\0\0\0\2\0\0\0"
#define MY_DENIED "\x0c\0\0\2\xff\x15\4#28000no!"
#define MY_SWITCH                                                                        \
	"\7\0\0\2\xfe"                                                                   \
	"sha\0ab"

static void mysql_lets_us_in_and_is_left_with_quit(void **state)
{
	static const struct asked asked[] = {
		{ NULL, BED_OPEN, { PIECE(GREETING), PIECE(MY_OK) }, 0, "u", "d", 0 },
		{ NULL, BED_OPEN, { PIECE(GREETING), PIECE(MY_DENIED) }, 0, 0, 0, 0 },
		{ NULL,
		  BED_OPEN,
		  { PIECE(GREETING), PIECE(MY_SWITCH), PIECE(MY_OK) },
		  0,
		  "u",
		  0,
		  0 },
		{ NULL, BED_OPEN, { PIECE("\x0a\0\0\0\xff\x6a\4not you") }, 0, 0, 0, 0 },
		{ "mysql says 1130: not you, 1 of 1",
		  BED_OPEN,
		  { PIECE("\x0a\0\0\0\xff\x6a\4not you") },
		  0,
		  "u",
		  0,
		  0 },
		{ "mysql says 1045: no!, 1 of 1",
		  BED_OPEN,
		  { PIECE(GREETING), PIECE(MY_DENIED) },
		  0,
		  "u",
		  0,
		  0 },
		{ "mysql says 1040: Too many, 1 of 1",
		  BED_OPEN,
		  { PIECE("\x0b\0\0\0\xff\x10\4Too many") },
		  0,
		  0,
		  0,
		  0 },
		{ "mysql says 1129: blocked, 1 of 1",
		  BED_OPEN,
		  { PIECE("\x0a\0\0\0\xff\x69\4"
			  "blocked") },
		  0,
		  0,
		  0,
		  0 },
		{ "no mysql greeting: protocol 9, 1 of 1",
		  BED_OPEN,
		  { PIECE("\2\0\0\0\x09x") },
		  0,
		  0,
		  0,
		  0 },
		{ "no mysql answer: an empty packet, 1 of 1",
		  BED_OPEN,
		  { PIECE("\0\0\0\0") },
		  0,
		  0,
		  0,
		  0 },
		{ "no mysql answer: a packet of 5526600 bytes, 1 of 1",
		  BED_OPEN,
		  { PIECE("HTTP") },
		  0,
		  0,
		  0,
		  0 },
		{ "no mysql answer: a cut error, 1 of 1",
		  BED_OPEN,
		  { PIECE("\2\0\0\0\xff\x10") },
		  0,
		  0,
		  0,
		  0 },
		{ "no mysql answer: packet 0x05, 1 of 1",
		  BED_OPEN,
		  { PIECE(GREETING), PIECE("\1\0\0\2\5") },
		  0,
		  0,
		  0,
		  0 },
		{ "no mysql's answer to the log-in after 1000 ms, 1 of 1",
		  BED_LATE,
		  { PIECE(GREETING) },
		  0,
		  0,
		  0,
		  0 },
		{ "connection closed before mysql greeting, 1 of 1",
		  BED_ENDS,
		  { { 0, 0 } },
		  0,
		  0,
		  0,
		  0 },
	};
	const struct bed_piece all[] = { PIECE(GREETING), PIECE(MY_SWITCH),
					 PIECE(MY_OK) };
	struct check check = bed_check(LSVM_CHECK_MYSQL);
	struct bed bed;

	(void)state;
	ASK(LSVM_CHECK_MYSQL, asked, NULL);
	check.user = "u";
	check.database = "d";
	bed_set_up(&bed);
	assert_null(bed_ask(&bed, &check, all, 3, 0, BED_OPEN));
	SENT(&bed,
	     "\x3b\0\0\1\x09\x82\x08\0\0\0\0\1\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	     "\0\0\0\0\0u\0\0d\0mysql_native_password\0"
	     "\0\0\0\3"
	     "\1\0\0\0\1");
	bed_tear_down(&bed);
}

/* ---- programs and SCTP ---- */

static void a_program_is_given_the_place_and_judged_by_its_exit(void **state)
{
	static const char *words[] = { "/bin/test it", "-h{address}", "{port}", "{x}{" };
	static const struct {
		int status;
		const char *prints, *cause;
	} exits[] = {
		{ 0, "fine\n", "" },
		{ 3, "disk full\nmore\n",
		  "the program's exit status is 3: disk full, 1 of 1" },
		{ 1, "", "the program's exit status is 1, 1 of 1" },
		{ 137, "", "the program was ended by signal 9, 1 of 1" },
	};
	struct check check = bed_check(LSVM_CHECK_EXTERNAL);
	struct target *target;
	struct bed bed;

	(void)state;
	check.command.items = words;
	check.command.count = ARRAY_SIZE(words);
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 81);
	for (size_t i = 0; i < ARRAY_SIZE(exits); i++) {
		bed_begin(&bed);
		assert_int_equal(bed.channel.kind, CHANNEL_PROGRAM);
		assert_string_equal(bed.argv, "/bin/test it|-h10.0.0.1|81|{x}{|");
		for (size_t at = 0; at < strlen(exits[i].prints); at++)
			bed_bytes(&bed, exits[i].prints + at, 1);
		bed_fact(&bed, IO_ENDED); /* it closed its output, no more */
		assert_non_null(bed.probe);
		lsvm_health_input(bed.health, bed.probe,
				  &(struct io_event){ .fact = IO_EXITED,
						      .status = exits[i].status },
				  bed.now_ns);
		bed_pull(&bed);
		assert_string_equal(lsvm_target_cause(target), exits[i].cause);
	}
	bed_begin(&bed);
	bed_wait(&bed, 1 * IO_S);
	assert_string_equal(lsvm_target_cause(target),
			    "no end of the program after 1000 ms, 1 of 1");
	bed_begin(&bed);
	bed_fail(&bed, IO_ERROR_PERMISSION);
	assert_string_equal(lsvm_target_cause(target), "not permitted, 1 of 1");
	bed_tear_down(&bed);
}

static void an_sctp_association_is_good(void **state)
{
	struct check check = bed_check(LSVM_CHECK_SCTP);
	struct bed bed;

	(void)state;
	bed_set_up(&bed);
	assert_null(bed_ask(&bed, &check, NULL, 0, 0, BED_OPEN));
	assert_int_equal(bed.channel.kind, CHANNEL_SCTP);
	bed_tear_down(&bed);
}

static void a_polite_probe_lets_the_peer_close_until_its_next_turn(void **state)
{
	struct check check = bed_check(LSVM_CHECK_SMTP);
	struct target *target;
	struct bed bed;

	(void)state;
	check.timeout_ms = 500;
	bed_set_up(&bed);
	target = bed_watch(&bed, &check, 25);
	for (int i = 0; i < 3; i++) {
		bed_begin(&bed);
		bed_fact(&bed, IO_CONNECTED);
		bed_bytes(&bed, "220 a\r\n", 7);
		bed_bytes(&bed, "250 a\r\n", 7);
		assert_int_equal(lsvm_target_state(target), TARGET_UP);
		assert_non_null(bed.probe);
		if (i == 0)
			bed_fact(&bed, IO_ENDED);
		else if (i == 1)
			bed_wait(&bed, 500 * IO_MS);
		else
			bed_fail(&bed, IO_ERROR_RESET);
		assert_null(bed.probe);
		assert_string_equal(lsvm_target_cause(target), "");
	}
	bed_wait(&bed, 10 * IO_S);
	assert_int_equal(bed.opened, 13);
	bed_tear_down(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smtp_greets_and_is_left_politely),
		cmocka_unit_test(redis_lives_unless_it_loads_or_lost_its_master),
		cmocka_unit_test(text_is_sent_and_text_must_come_back),
		cmocka_unit_test(text_is_found_wherever_the_pieces_are_cut),
		cmocka_unit_test(a_script_reads_a_mebibyte_and_no_more),
		cmocka_unit_test(an_agent_reports_weight_or_that_it_is_down),
		cmocka_unit_test(udp_is_good_unless_refused_or_something_is_expected),
		cmocka_unit_test(silence_is_bad_while_the_host_is_not_to_be_found),
		cmocka_unit_test(an_echo_is_ours_only_with_our_number),
		cmocka_unit_test(dns_answers_are_held_against_the_question),
		cmocka_unit_test(a_dns_answer_with_another_number_is_not_ours),
		cmocka_unit_test(ldap_binds_and_looks_for_an_entry),
		cmocka_unit_test(postgresql_is_alive_when_it_asks_who_we_are),
		cmocka_unit_test(mysql_lets_us_in_and_is_left_with_quit),
		cmocka_unit_test(a_program_is_given_the_place_and_judged_by_its_exit),
		cmocka_unit_test(an_sctp_association_is_good),
		cmocka_unit_test(a_polite_probe_lets_the_peer_close_until_its_next_turn),
	};

	return RUN(tests);
}
