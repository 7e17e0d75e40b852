/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DNS (RFC 1035; TCP: RFC 7766): one question, recursion desired. The answer must carry
 * our number and our question; others are passed over, since anybody can send one. Good
 * is return code 0 with a record of the type, and if `expect` is given, one that is that:
 * an address, a name, or a text. A truncated answer with return code 0 is good unless
 * something is expected.
 */
#include "health/probe.h"

#include <stdlib.h>
#include <strings.h>

#define HEADER_BYTES 12
#define NAME_BYTES 255
#define POINTERS_MAX 64
#define CLASS_IN 1

/* ---- the question ---- */

static void put_be16(struct buf *buf, uint16_t value)
{
	const uint8_t bytes[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	lsvm_buf_add(buf, bytes, 2);
}

static int fill(struct recipe *recipe, struct buf *question, struct buf *expected)
{
	const struct check *check = &recipe->check;
	const char *query = check->query ? check->query : ".";

	recipe->record = check->record ? lsvm_check_record_type(check->record) : TYPE_A;
	if (!recipe->record)
		return lsvm_fail(recipe->ctx, LSVM_ERR_ARGUMENT,
				 "\"%s\" is no type of DNS record; write one such as A "
				 "or AAAA, or TYPE and its number",
				 check->record);
	if (!lsvm_check_dns_name(query, question))
		return lsvm_fail(recipe->ctx, LSVM_ERR_ARGUMENT,
				 "\"%.80s\" is no name that DNS can be asked for; write "
				 "labels of at most 63 bytes with dots in between",
				 query);
	put_be16(question, recipe->record);
	put_be16(question, CLASS_IN);
	if (check->expect && *check->expect &&
	    !lsvm_check_dns_data(check->expect, recipe->record, expected))
		return lsvm_fail(recipe->ctx, LSVM_ERR_ARGUMENT,
				 "\"%.80s\" cannot be what a record of this type is; "
				 "expect an address of A and AAAA, a name of NS, CNAME "
				 "and PTR, a text of TXT",
				 check->expect);
	return 0;
}

static int prepare(struct recipe *recipe)
{
	struct buf question = { 0 }, expected = { 0 };
	const int err = fill(recipe, &question, &expected);

	recipe->arena.failed |= question.failed || expected.failed;
	if (!err && !recipe->arena.failed) {
		lsvm_recipe_bytes(recipe, question.data, question.length,
				  &recipe->request);
		lsvm_recipe_bytes(recipe, expected.data, expected.length,
				  &recipe->record_text);
	}
	lsvm_buf_free(&question);
	lsvm_buf_free(&expected);
	return err;
}

static void start(struct probe *probe)
{
	const struct bytes *question = &probe->recipe->request;
	uint8_t header[2 + HEADER_BYTES] = { 0 };
	const size_t length = HEADER_BYTES + question->length;
	const bool tcp = probe->engine->channel == CHANNEL_TCP;

	probe->nonce = lsvm_probe_random(probe) & 0xffff;
	header[0] = (uint8_t)(length >> 8);
	header[1] = (uint8_t)length;
	header[2] = (uint8_t)(probe->nonce >> 8);
	header[3] = (uint8_t)probe->nonce;
	header[4] = 0x01; /* recursion desired */
	header[7] = 1;	  /* one question */
	lsvm_probe_send(probe, tcp ? header : header + 2, tcp ? 14 : 12);
	lsvm_probe_send(probe, question->at, question->length);
	probe->waiting_for = "dns answer";
}

/* ---- the answer ---- */

/* A name, wherever its pointers lead, with its labels' lengths; the length of it, 0: it
 * is none. reader moves past it. */
static size_t read_name(const uint8_t *message, size_t length, struct reader *reader,
			uint8_t *ret)
{
	struct reader at = *reader;
	size_t filled = 0;
	bool jumped = false;

	for (unsigned pointers = 0; pointers < POINTERS_MAX;) {
		const uint8_t count = lsvm_read_u8(&at);
		const uint8_t *label;
		size_t to;

		if (at.failed)
			break;
		if (count >= 0xc0) {
			to = (size_t)(count & 0x3f) << 8;
			to |= lsvm_read_u8(&at);
			if (!jumped)
				*reader = at;
			jumped = true;
			if (at.failed || to >= length)
				break;
			at = (struct reader){ message + to, length - to, false };
			pointers++;
			continue;
		}
		label = lsvm_read_bytes(&at, count);
		if (count > 63 || !label || filled + 1 + count > NAME_BYTES)
			break;
		ret[filled++] = count;
		for (uint8_t i = 0; i < count; i++)
			ret[filled++] = (uint8_t)lsvm_ascii_lower((char)label[i]);
		if (!count) {
			if (!jumped)
				*reader = at;
			return filled;
		}
	}
	reader->failed = true;
	return 0;
}

static bool same_text(const uint8_t *a, const uint8_t *b, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (lsvm_ascii_lower((char)a[i]) != lsvm_ascii_lower((char)b[i]))
			return false;
	return true;
}

/* The strings of a TXT record in a row are the text. */
static bool is_text(struct reader data, const struct bytes *wanted)
{
	size_t at = 0;

	while (data.left && !data.failed) {
		const uint8_t count = lsvm_read_u8(&data);
		const uint8_t *part = lsvm_read_bytes(&data, count);

		if (!part || at + count > wanted->length ||
		    memcmp(part, wanted->at + at, count) != 0)
			return false;
		at += count;
	}
	return !data.failed && at == wanted->length;
}

struct answer {
	const uint8_t *message;
	size_t length;
	struct reader reader;
	uint16_t flags, answers;
};

/* Whether the record's data are what is expected. */
static bool is_expected(const struct recipe *recipe, const struct answer *answer,
			struct reader data)
{
	const struct bytes *wanted = &recipe->record_text;
	uint8_t name[NAME_BYTES];
	size_t length;

	if (!wanted->length)
		return true;
	switch (recipe->record) {
	case TYPE_TXT:
		return is_text(data, wanted);
	case TYPE_NS:
	case TYPE_CNAME:
	case TYPE_PTR:
		length = read_name(answer->message, answer->length, &data, name);
		return length == wanted->length && same_text(name, wanted->at, length);
	}
	return data.left == wanted->length &&
	       memcmp(data.at, wanted->at, wanted->length) == 0;
}

enum found {
	FOUND_NONSENSE,
	FOUND_NONE,
	FOUND_OTHER,
	FOUND,
};

static enum found find_record(const struct recipe *recipe, struct answer *answer)
{
	enum found found = FOUND_NONE;
	uint8_t name[NAME_BYTES];

	for (uint16_t i = 0; i < answer->answers; i++) {
		struct reader *r = &answer->reader, data = { 0 };
		uint16_t type;

		read_name(answer->message, answer->length, r, name);
		type = lsvm_read_be16(r);
		lsvm_read_be16(r); /* class */
		lsvm_read_be32(r); /* time to live */
		data.left = lsvm_read_be16(r);
		data.at = lsvm_read_bytes(r, data.left);
		if (r->failed || !data.at)
			return FOUND_NONSENSE;
		if (type != recipe->record && recipe->record != 255)
			continue;
		if (is_expected(recipe, answer, data))
			return FOUND;
		found = FOUND_OTHER;
	}
	return found;
}

static const char *rcode_text(unsigned rcode)
{
	static const char *const texts[] = {
		"no error",	   "format error",
		"server failure",  "name does not exist",
		"not implemented", "refused",
	};

	return rcode < ARRAY_SIZE(texts) ? texts[rcode] : "an error";
}

static void judge(struct probe *probe, struct answer *answer)
{
	const struct recipe *recipe = probe->recipe;
	const unsigned rcode = answer->flags & 0xf;
	const bool truncated = answer->flags & 0x0200;
	const char *record = recipe->check.record ? recipe->check.record : "A";
	const char *expect = recipe->check.expect;

	if (rcode) {
		lsvm_probe_bad(probe, "dns answers %u (%s)", rcode, rcode_text(rcode));
		return;
	}
	if (truncated && !recipe->record_text.length) {
		lsvm_probe_good(probe);
		return;
	}
	switch (find_record(recipe, answer)) {
	case FOUND:
		lsvm_probe_good(probe);
		break;
	case FOUND_NONE:
		lsvm_probe_bad(probe, "dns has no %s record of it", record);
		break;
	case FOUND_OTHER:
		lsvm_probe_bad(probe, "dns has other %s records, not '%.80s'", record,
			       expect ? expect : "");
		break;
	case FOUND_NONSENSE:
		lsvm_probe_bad(probe, "dns answer is cut or nonsense");
		break;
	}
}

/* Whether it is an answer to our question. */
static bool is_ours(struct probe *probe, struct answer *answer)
{
	const struct bytes *question = &probe->recipe->request;
	struct reader *r = &answer->reader;
	const uint16_t number = lsvm_read_be16(r);
	const uint8_t *echo;
	uint16_t questions;

	answer->flags = lsvm_read_be16(r);
	questions = lsvm_read_be16(r);
	answer->answers = lsvm_read_be16(r);
	lsvm_read_be32(r); /* authorities, additional records */
	if (r->failed || number != probe->nonce || !(answer->flags & 0x8000))
		return false;
	/* A server that cannot read the question need not repeat it. */
	if (!questions)
		return (answer->flags & 0xf) != 0;
	echo = lsvm_read_bytes(r, question->length);
	return questions == 1 && echo && same_text(echo, question->at, question->length);
}

static bool take_message(struct probe *probe, const uint8_t *bytes, size_t length)
{
	struct answer answer = { bytes, length, { bytes, length, false }, 0, 0 };

	if (!is_ours(probe, &answer)) {
		probe->waiting_for = "dns answer to this question (others came)";
		return false;
	}
	judge(probe, &answer);
	return true;
}

static void input(struct probe *probe, const uint8_t *bytes, size_t length)
{
	take_message(probe, bytes, length);
}

/* Two bytes of length before each message. */
static void input_tcp(struct probe *probe, const uint8_t *bytes, size_t length)
{
	while (length && !probe->verdict) {
		size_t wanted = 2;

		if (!lsvm_probe_gather(probe, wanted, &bytes, &length))
			return;
		wanted += (size_t)((uint8_t)probe->in.data[0] << 8 |
				   (uint8_t)probe->in.data[1]);
		if (!lsvm_probe_gather(probe, wanted, &bytes, &length))
			return;
		if (!take_message(probe, (const uint8_t *)probe->in.data + 2, wanted - 2))
			lsvm_probe_bad(probe, "dns answers another question");
	}
}

const struct engine lsvm_engine_dns = {
	.channel = CHANNEL_UDP,
	.prepare = prepare,
	.start = start,
	.input = input,
};

const struct engine lsvm_engine_dns_tcp = {
	.channel = CHANNEL_TCP,
	.prepare = prepare,
	.start = start,
	.input = input_tcp,
};
