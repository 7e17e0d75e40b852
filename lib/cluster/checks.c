/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What makes two checks the same, and the words of checks that mean bytes: escapes in
 * what is sent and expected, names and records of DNS (RFC 1035, 2.3.4 and 3.3).
 * Validation asks whether there are such bytes, the checks themselves ask for them.
 */
#include "cluster/model.h"

#include <stdlib.h>
#include <strings.h>

#define NAME_BYTES 255

/* ---- what makes two equal ---- */

static void key_text(struct buf *key, const char *text)
{
	/* The end belongs to the key, and a text that is not there is not "". */
	lsvm_buf_add(key, text ? "+" : "-", 1);
	if (text)
		lsvm_buf_add(key, text, strlen(text) + 1);
}

static void key_number(struct buf *key, uint32_t number)
{
	lsvm_buf_add(key, &number, sizeof(number));
}

void lsvm_check_key(const struct check *c, struct buf *ret)
{
	const char *const texts[] = { c->method, c->path,   c->host,	c->server_name,
				      c->body,	 c->digest, c->send,	c->expect,
				      c->query,	 c->record, c->base_dn, c->database,
				      c->user };

	key_number(ret, (uint32_t)c->kind);
	key_number(ret, c->interval_ms);
	key_number(ret, c->timeout_ms);
	key_number(ret, c->jitter_ms);
	key_number(ret, c->rise);
	key_number(ret, c->fall);
	key_number(ret, c->verify_certificate);
	key_number(ret, c->statuses.count);
	for (uint32_t i = 0; i < c->statuses.count; i++)
		key_number(ret, c->statuses.items[i]);
	key_number(ret, c->headers.count);
	for (uint32_t i = 0; i < c->headers.count; i++) {
		key_text(ret, c->headers.items[i].name);
		key_text(ret, c->headers.items[i].value);
	}
	key_number(ret, c->command.count);
	for (uint32_t i = 0; i < c->command.count; i++)
		key_text(ret, c->command.items[i]);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		key_text(ret, texts[i]);
}

/* ---- escapes ---- */

static int hex(char c)
{
	c = lsvm_ascii_lower(c);
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What stands behind a backslash: its byte, and text moves past it; -1: nothing known. */
static int escaped(const char **text)
{
	const char c = *(*text)++;
	int high, low;

	switch (c) {
	case 'r':
		return '\r';
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case '0':
		return 0;
	case '\\':
		return '\\';
	case 'x':
		high = hex((*text)[0]);
		low = high < 0 ? -1 : hex((*text)[1]);
		*text += 2;
		return low < 0 ? -1 : high * 16 + low;
	}
	return -1;
}

bool lsvm_check_unescape(const char *text, uint8_t *ret, size_t *ret_length)
{
	uint8_t *to = ret;

	while (*text) {
		int byte = (unsigned char)*text++;

		if (byte == '\\')
			byte = escaped(&text);
		if (byte < 0)
			return false;
		*to++ = (uint8_t)byte;
	}
	*ret_length = (size_t)(to - ret);
	return true;
}

/* ---- DNS ---- */

static const struct word types[] = {
	{ TYPE_A, "A" },     { TYPE_NS, "NS" },	    { TYPE_CNAME, "CNAME" },
	{ 6, "SOA" },	     { TYPE_PTR, "PTR" },   { 15, "MX" },
	{ TYPE_TXT, "TXT" }, { TYPE_AAAA, "AAAA" }, { 33, "SRV" },
	{ 35, "NAPTR" },     { 43, "DS" },	    { 48, "DNSKEY" },
	{ 52, "TLSA" },	     { 64, "SVCB" },	    { 65, "HTTPS" },
	{ 255, "ANY" },	     { 257, "CAA" },	    { 0, NULL },
};

uint16_t lsvm_check_record_type(const char *text)
{
	unsigned long number;
	char *end;

	for (const struct word *word = types; word->name; word++)
		if (strcasecmp(word->name, text) == 0)
			return (uint16_t)word->value;
	if (strncasecmp(text, "TYPE", 4) != 0 || text[4] < '0' || text[4] > '9')
		return 0;
	number = strtoul(text + 4, &end, 10);
	return *end || number > UINT16_MAX ? 0 : (uint16_t)number;
}

bool lsvm_check_dns_name(const char *name, struct buf *ret)
{
	const size_t start = ret->length;

	if (strcmp(name, ".") == 0)
		name = "";
	while (*name) {
		const size_t length = strcspn(name, ".");
		const uint8_t byte = (uint8_t)length;

		if (!length || length > 63)
			return false;
		lsvm_buf_add(ret, &byte, 1);
		lsvm_buf_add(ret, name, length);
		name += length;
		name += *name == '.';
	}
	lsvm_buf_add(ret, "", 1);
	return ret->failed || ret->length - start <= NAME_BYTES;
}

bool lsvm_check_dns_data(const char *text, uint16_t type, struct buf *ret)
{
	struct addr addr;

	switch (type) {
	case TYPE_A:
	case TYPE_AAAA:
		if (!lsvm_addr_parse(text, &addr) ||
		    addr.family != (type == TYPE_A ? 4 : 6))
			return false;
		lsvm_buf_add(ret, addr.bytes, type == TYPE_A ? 4 : 16);
		return true;
	case TYPE_NS:
	case TYPE_CNAME:
	case TYPE_PTR:
		return lsvm_check_dns_name(text, ret);
	case TYPE_TXT:
		lsvm_buf_text(ret, text);
		return true;
	}
	return false;
}
