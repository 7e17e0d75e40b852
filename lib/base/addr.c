/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses and prefixes of both families: text in, text out, comparison. RFC 4291, RFC
 * 5952. */
#include "base/base.h"

#include <arpa/inet.h>

bool lsvm_addr_parse(const char *text, struct addr *ret)
{
	struct addr addr = { 0 };

	if (inet_pton(AF_INET, text, addr.bytes) == 1)
		addr.family = 4;
	else if (inet_pton(AF_INET6, text, addr.bytes) == 1)
		addr.family = 6;
	else
		return false;
	*ret = addr;
	return true;
}

bool lsvm_prefix_parse(const char *text, struct prefix *ret)
{
	const char *slash = strchr(text, '/');
	char head[LSVM_ADDRESS_TEXT_BYTES];
	struct prefix prefix;
	unsigned length = 0;

	if (!slash) {
		if (!lsvm_addr_parse(text, &prefix.addr))
			return false;
		prefix.length = lsvm_addr_bits(&prefix.addr);
		*ret = prefix;
		return true;
	}
	if ((size_t)(slash - text) >= sizeof(head))
		return false;
	memcpy(head, text, (size_t)(slash - text));
	head[slash - text] = '\0';
	if (!lsvm_addr_parse(head, &prefix.addr))
		return false;
	if (!slash[1] || strlen(slash + 1) > 3 || (slash[1] == '0' && slash[2]))
		return false;
	for (const char *digit = slash + 1; *digit; digit++) {
		if (*digit < '0' || *digit > '9')
			return false;
		length = length * 10 + (unsigned)(*digit - '0');
	}
	if (length > lsvm_addr_bits(&prefix.addr))
		return false;
	prefix.length = (uint8_t)length;
	*ret = prefix;
	return true;
}

/* Writes the number and returns the place behind it: printf is too slow for a hundred
 * thousand addresses. */
static char *put_number(char *at, unsigned value)
{
	char digits[10];
	size_t count = 0;

	do
		digits[count++] = (char)('0' + value % 10);
	while (value /= 10);
	while (count)
		*at++ = digits[--count];
	return at;
}

static char *put_addr(char *at, const struct addr *addr)
{
	if (addr->family == 6 && inet_ntop(AF_INET6, addr->bytes, at, INET6_ADDRSTRLEN))
		return at + strlen(at);
	if (addr->family != 4) {
		strcpy(at, "none");
		return at + 4;
	}
	for (int i = 0; i < 4; i++) {
		at = put_number(at, addr->bytes[i]);
		*at++ = '.';
	}
	return at - 1;
}

const char *lsvm_addr_text(const struct addr *addr, char *buf)
{
	*put_addr(buf, addr) = '\0';
	return buf;
}

const char *lsvm_prefix_text(const struct prefix *prefix, char *buf)
{
	char *at = put_addr(buf, &prefix->addr);

	*at++ = '/';
	*put_number(at, prefix->length) = '\0';
	return buf;
}

const char *lsvm_endpoint_text(const struct addr *addr, uint16_t port, char *buf)
{
	char *at = buf;

	if (addr->family == 6)
		*at++ = '[';
	at = put_addr(at, addr);
	if (addr->family == 6)
		*at++ = ']';
	*at++ = ':';
	*put_number(at, port) = '\0';
	return buf;
}

static bool parse_port(const char *text, uint16_t *ret)
{
	unsigned value = 0;
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
		if (value > UINT16_MAX)
			return false;
	}
	*ret = (uint16_t)value;
	return length && text[0] != '0';
}

bool lsvm_endpoint_parse(const char *text, struct addr *ret, uint16_t *ret_port)
{
	const char *from = text, *end, *colon;
	char address[LSVM_ADDRESS_TEXT_BYTES];
	uint16_t port = 0;

	if (lsvm_addr_parse(text, ret)) {
		*ret_port = 0;
		return true;
	}
	colon = strrchr(text, ':');
	end = colon;
	if (text[0] == '[') {
		from = text + 1;
		end = strchr(text, ']');
		colon = end && end[1] ? end + 1 : NULL;
		if (!end || (colon && *colon != ':'))
			return false;
	} else if (!colon || strchr(text, ':') != colon) {
		return false;
	}
	if ((size_t)(end - from) >= sizeof(address) ||
	    (colon && !parse_port(colon + 1, &port)))
		return false;
	memcpy(address, from, (size_t)(end - from));
	address[end - from] = '\0';
	if (!lsvm_addr_parse(address, ret) || (ret->family == 6) != (text[0] == '['))
		return false;
	*ret_port = port;
	return true;
}

int lsvm_addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

int lsvm_prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order = lsvm_addr_compare(&a->addr, &b->addr);

	return order ? order : (int)a->length - (int)b->length;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, uint8_t bits)
{
	uint8_t rest = bits % 8;

	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return !rest || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

bool lsvm_prefix_contains(const struct prefix *prefix, const struct addr *addr)
{
	return prefix->addr.family == addr->family &&
	       same_bits(prefix->addr.bytes, addr->bytes, prefix->length);
}

bool lsvm_prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return a->addr.family == b->addr.family &&
	       same_bits(a->addr.bytes, b->addr.bytes,
			 a->length < b->length ? a->length : b->length);
}

bool lsvm_prefix_is_net(const struct prefix *prefix)
{
	for (unsigned bit = prefix->length; bit < lsvm_addr_bits(&prefix->addr); bit++)
		if (prefix->addr.bytes[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

static bool in_any(const struct addr *addr, const struct prefix *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (lsvm_prefix_contains(&prefixes[i], addr))
			return true;
	return false;
}

bool lsvm_addr_is_private(const struct addr *addr)
{
	static const struct prefix prefixes[] = {
		{ { 4, { 10 } }, 8 },	     { { 4, { 172, 16 } }, 12 },
		{ { 4, { 192, 168 } }, 16 }, { { 4, { 100, 64 } }, 10 },
		{ { 6, { 0xfc } }, 7 },
	};

	return in_any(addr, prefixes, ARRAY_SIZE(prefixes));
}

bool lsvm_addr_is_special(const struct addr *addr)
{
	static const struct prefix prefixes[] = {
		{ { 4, { 0 } }, 8 },	     { { 4, { 127 } }, 8 },
		{ { 4, { 169, 254 } }, 16 }, { { 4, { 224 } }, 3 },
		{ { 6, { 0 } }, 127 },	     { { 6, { 0xfe, 0x80 } }, 10 },
		{ { 6, { 0xff } }, 8 },	     { { 6, { [10] = 0xff, [11] = 0xff } }, 96 },
	};

	return in_any(addr, prefixes, ARRAY_SIZE(prefixes));
}
