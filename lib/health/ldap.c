/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LDAP version 3 (RFC 4511): an anonymous bind, then a search for one entry without its
 * attributes, then unbind. With `base_dn` that entry must be found. Without, the root DSE
 * is looked for, and a server that lets nobody bind or look unless he says who he is
 * (codes 8, 13, 32, 48, 50, 53) is alive.
 */
#include "health/probe.h"

enum ldap_stage {
	LDAP_BIND = 0,
	LDAP_SEARCH,
};

enum ldap_tag {
	BER_INTEGER = 0x02,
	BER_STRING = 0x04,
	BER_ENUMERATED = 0x0a,
	BER_SEQUENCE = 0x30,
	LDAP_BIND_RESPONSE = 0x61,
	LDAP_SEARCH_ENTRY = 0x64,
	LDAP_SEARCH_DONE = 0x65,
	LDAP_SEARCH_REFERENCE = 0x73,
	LDAP_EXTENDED_RESPONSE = 0x78, /* notice of disconnection */
};

/* ---- writing: from the end to the beginning, since lengths stand before ---- */

struct backwards {
	uint8_t bytes[1200]; /* base_dn has 1023 at most */
	size_t at;
	bool failed;
};

static void put(struct backwards *b, const void *bytes, size_t length)
{
	if (length > b->at) {
		b->failed = true;
		return;
	}
	b->at -= length;
	memcpy(b->bytes + b->at, bytes, length);
}

static void put_head(struct backwards *b, uint8_t tag, size_t length)
{
	const uint8_t longer[] = { tag, 0x82, (uint8_t)(length >> 8), (uint8_t)length };
	const uint8_t shorter[] = { tag, (uint8_t)length };

	if (length < 128)
		put(b, shorter, sizeof(shorter));
	else
		put(b, longer, sizeof(longer));
}

static void put_value(struct backwards *b, uint8_t tag, const void *bytes, size_t length)
{
	put(b, bytes, length);
	put_head(b, tag, length);
}

static void put_byte(struct backwards *b, uint8_t tag, uint8_t value)
{
	put_value(b, tag, &value, 1);
}

static void write_search(struct backwards *b, const char *base)
{
	const size_t end = b->at;
	size_t list;

	put_value(b, BER_STRING, "1.1", 3); /* no attributes */
	list = end - b->at;
	put_head(b, BER_SEQUENCE, list);
	put_value(b, 0x87, "objectClass", 11); /* filter: present */
	put_byte(b, 0x01, 0);		       /* types only: no */
	put_byte(b, BER_INTEGER, 0);	       /* no limit of time */
	put_byte(b, BER_INTEGER, 0);	       /* nor of size */
	put_byte(b, BER_ENUMERATED, 0);	       /* aliases: never followed */
	put_byte(b, BER_ENUMERATED, 0);	       /* scope: this entry */
	put_value(b, BER_STRING, base, strlen(base));
	put_head(b, 0x63, end - b->at);
	put_byte(b, BER_INTEGER, 2); /* number of the message */
	put_head(b, BER_SEQUENCE, end - b->at);
}

static int prepare(struct recipe *recipe)
{
	struct backwards b = { .at = sizeof(b.bytes) };

	write_search(&b, recipe->check.base_dn ? recipe->check.base_dn : "");
	if (b.failed)
		return lsvm_fail(recipe->ctx, LSVM_ERR_ARGUMENT,
				 "the base_dn of an ldap check has more than 1023 bytes; "
				 "choose a shorter one");
	lsvm_recipe_bytes(recipe, b.bytes + b.at, sizeof(b.bytes) - b.at,
			  &recipe->request);
	return 0;
}

static void start(struct probe *probe)
{
	static const uint8_t bind[] = { 0x30, 0x0c, 0x02, 1,	0x01, 0x60, 0x07,
					0x02, 0x01, 0x03, 0x04, 0x00, 0x80, 0x00 };

	lsvm_probe_send(probe, bind, sizeof(bind));
	probe->waiting_for = "answer to the bind";
}

/* ---- reading ---- */

/* A tag and its length; false while there is not enough of it, or for ever: failed. */
struct ber {
	uint8_t tag;
	struct reader value;
};

static struct ber read_ber(struct reader *r)
{
	struct ber ber = { 0 };
	size_t length;
	uint8_t first;

	ber.tag = lsvm_read_u8(r);
	first = lsvm_read_u8(r);
	length = first;
	if (first > 0x84 || first == 0x80)
		r->failed = true;
	if (first > 0x80)
		for (length = 0, first &= 0x7f; first && !r->failed; first--)
			length = length << 8 | lsvm_read_u8(r);
	ber.value.at = lsvm_read_bytes(r, length);
	ber.value.left = ber.value.at ? length : 0;
	ber.value.failed = !ber.value.at;
	return ber;
}

static uint32_t read_number(struct ber *ber)
{
	uint32_t value = 0;

	if (ber->value.left > 4)
		ber->value.failed = true;
	while (ber->value.left && !ber->value.failed)
		value = value << 8 | lsvm_read_u8(&ber->value);
	return value;
}

static const char *code_text(uint32_t code)
{
	switch (code) {
	case 1:
		return "operations error";
	case 2:
		return "protocol error";
	case 8:
		return "stronger authentication required";
	case 13:
		return "confidentiality required";
	case 32:
		return "no such object";
	case 48:
		return "inappropriate authentication";
	case 50:
		return "insufficient access rights";
	case 51:
		return "busy";
	case 52:
		return "unavailable";
	case 53:
		return "unwilling to perform";
	}
	return "an error";
}

static bool asks_who_we_are(uint32_t code)
{
	return code == 8 || code == 13 || code == 32 || code == 48 || code == 50 ||
	       code == 53;
}

static void farewell(struct probe *probe)
{
	static const uint8_t unbind[] = { 0x30, 0x05, 0x02, 0x01, 0x03, 0x42, 0x00 };

	lsvm_probe_send(probe, unbind, sizeof(unbind));
	lsvm_probe_good(probe);
}

static void take_result(struct probe *probe, struct ber *operation)
{
	struct ber code = read_ber(&operation->value);
	const uint32_t number = read_number(&code);
	const bool bind = probe->stage == LDAP_BIND;

	if (code.tag != BER_ENUMERATED || code.value.failed) {
		lsvm_probe_bad(probe, "no ldap answer: nonsense in its result");
	} else if (number && probe->recipe->check.base_dn) {
		lsvm_probe_bad(probe, "ldap %s answers %u (%s)", bind ? "bind" : "search",
			       number, code_text(number));
	} else if (number && !asks_who_we_are(number)) {
		lsvm_probe_bad(probe, "ldap %s answers %u (%s)", bind ? "bind" : "search",
			       number, code_text(number));
	} else if (bind && !number) {
		probe->stage = LDAP_SEARCH;
		probe->waiting_for = "answer to the search";
		lsvm_probe_send_fixed(probe, &probe->recipe->request);
	} else if (!bind && !number && probe->recipe->check.base_dn && !probe->found) {
		lsvm_probe_bad(probe, "ldap finds no entry '%.100s'",
			       probe->recipe->check.base_dn);
	} else {
		farewell(probe);
	}
}

static void take_message(struct probe *probe, struct reader content)
{
	struct ber number = read_ber(&content), operation = read_ber(&content);

	if (number.tag != BER_INTEGER || content.failed) {
		lsvm_probe_bad(probe, "no ldap answer: nonsense in its message");
		return;
	}
	switch (operation.tag) {
	case LDAP_BIND_RESPONSE:
	case LDAP_SEARCH_DONE:
		if ((operation.tag == LDAP_BIND_RESPONSE) != (probe->stage == LDAP_BIND))
			break;
		take_result(probe, &operation);
		return;
	case LDAP_SEARCH_ENTRY:
		probe->found = 1;
		return;
	case LDAP_SEARCH_REFERENCE:
		return;
	case LDAP_EXTENDED_RESPONSE:
		lsvm_probe_bad(probe, "ldap server disconnects us");
		return;
	}
	lsvm_probe_bad(probe, "no ldap answer: operation 0x%02x", operation.tag);
}

/* How many bytes the message has in all; 0: its head is not there yet; SIZE_MAX: it is
 * none. */
static size_t message_bytes(const struct buf *in)
{
	const uint8_t *head = (const uint8_t *)in->data;
	size_t length = 0, more;

	if (in->length && head[0] != BER_SEQUENCE)
		return SIZE_MAX;
	if (in->length < 2)
		return 0;
	if (head[1] < 0x80)
		return 2u + head[1];
	more = head[1] & 0x7f;
	if (!more || more > 4)
		return SIZE_MAX;
	if (in->length < 2 + more)
		return 0;
	for (size_t i = 0; i < more; i++)
		length = length << 8 | head[2 + i];
	return 2 + more + length;
}

static void input(struct probe *probe, const uint8_t *bytes, size_t length)
{
	while (length && !probe->verdict) {
		size_t wanted = message_bytes(&probe->in);
		struct reader whole;

		if (!wanted) {
			if (!lsvm_probe_gather(probe, probe->in.length + 1, &bytes,
					       &length))
				return;
			wanted = message_bytes(&probe->in);
			if (!wanted)
				continue;
		}
		if (wanted > PROBE_MESSAGE_BYTES) {
			lsvm_probe_bad(probe,
				       wanted == SIZE_MAX ? "no ldap answer: no message"
							  : "ldap message of %zu bytes",
				       wanted);
			return;
		}
		if (!lsvm_probe_gather(probe, wanted, &bytes, &length))
			return;
		whole = (struct reader){ (const uint8_t *)probe->in.data, wanted, false };
		take_message(probe, read_ber(&whole).value);
		probe->in_bytes += (uint32_t)wanted;
		probe->in.length = 0;
		if (probe->in_bytes > PROBE_TALK_BYTES)
			lsvm_probe_bad(probe, "more than %u bytes and no end of them",
				       PROBE_TALK_BYTES);
	}
}

const struct engine lsvm_engine_ldap = {
	.channel = CHANNEL_TCP,
	.prepare = prepare,
	.start = start,
	.input = input,
	.polite = true,
};
