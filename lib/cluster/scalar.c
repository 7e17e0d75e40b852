/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One scalar of the document into one value of the model. What does not fit is told as a
 * code and a sentence; the caller knows the place.
 */
#include "cluster/schema.h"

#include <stdio.h>
#include <stdlib.h>

const char *lsvm_quote(const char *text, char *buf)
{
	size_t length = strlen(text);

	if (length < QUOTE_BYTES) {
		memcpy(buf, text, length + 1);
		return buf;
	}
	length = QUOTE_BYTES - 4;
	while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--; /* never inside a character */
	memcpy(buf, text, length);
	strcpy(buf + length, "...");
	return buf;
}

static bool LSVM_PRINTF(3, 4)
	complain(struct complaint *c, enum finding_code code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	c->code = code;
	vsnprintf(c->text, sizeof(c->text), fmt, args);
	va_end(args);
	return false;
}

/* ---- texts ---- */

/* 1: letters and digits; 2: what else may be in a name. */
static const uint8_t classes[256] = {
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['.'] = 2,
	['_'] = 2,	   ['-'] = 2,	      [':'] = 2,
};

static uint8_t class_of(char c)
{
	return classes[(unsigned char)c];
}

static bool is_name(const char *text)
{
	if (class_of(*text) != 1)
		return false;
	while (class_of(*text))
		text++;
	return !*text;
}

static bool is_hostname(const char *text)
{
	size_t label = 0;

	for (; *text; text++) {
		if (class_of(*text) == 1 || (*text == '-' && label)) {
			if (++label > 63)
				return false;
		} else if (*text == '.' && label && text[-1] != '-') {
			label = 0;
		} else {
			return false;
		}
	}
	return label && text[-1] != '-';
}

static bool is_path(const char *text)
{
	if (*text != '/')
		return false;
	while (*text) {
		size_t length;

		text++;
		length = strcspn(text, "/");
		if ((length == 1 && text[0] == '.') ||
		    (length == 2 && text[0] == '.' && text[1] == '.'))
			return false;
		text += length;
	}
	return true;
}

static bool has_controls(const char *text, bool lines)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && !(lines && strchr("\n\r\t", *text))) ||
		    *text == 0x7f)
			return true;
	return false;
}

static bool check_text(const struct field *field, const char *text, struct complaint *c)
{
	size_t length = strlen(text);
	char quoted[QUOTE_BYTES];

	if (field->kind != FIELD_STRINGS && field->kind != FIELD_REFS) {
		if (length < field->min)
			return complain(c, FINDING_NO_VALUE, "%s is empty", field->name);
		if (field->max && length > field->max)
			return complain(c, FINDING_TEXT_TOO_LONG,
					"%s has %zu bytes, of %u allowed", field->name,
					length, field->max);
	} else if (length > (field->text == TEXT_NAME	    ? 63
			     : field->text == TEXT_HOSTNAME ? 253
							    : 4095)) {
		return complain(c, FINDING_TEXT_TOO_LONG,
				"%s has an item of %zu bytes, too many", field->name,
				length);
	}
	if (field->text != TEXT_HOSTNAME && has_controls(text, field->text == TEXT_LINES))
		return complain(c, FINDING_BAD_TEXT, "%s has a control character",
				field->name);
	switch (field->text) {
	case TEXT_FREE:
	case TEXT_LINES:
		break;
	case TEXT_NAME:
		if (!is_name(text))
			return complain(c, FINDING_BAD_NAME, "\"%s\" is no %s",
					lsvm_quote(text, quoted), field->name);
		break;
	case TEXT_HOSTNAME:
		if (!is_hostname(text))
			return complain(c, FINDING_BAD_DOMAIN_NAME,
					"\"%s\" is no domain name",
					lsvm_quote(text, quoted));
		break;
	case TEXT_PATH:
		if (!is_path(text))
			return complain(c, FINDING_BAD_PATH, "\"%s\" is no absolute path",
					lsvm_quote(text, quoted));
		break;
	}
	return true;
}

/* ---- words ---- */

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned lsvm_word_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned row[33];

	if (la > 32 || lb > 32)
		return UINT32_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned corner = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = corner + (a[i - 1] != b[j - 1]);

			best = smaller(best, smaller(row[j], row[j - 1]) + 1);
			corner = row[j];
			row[j] = best;
		}
	}
	return row[lb] <= 1 + la / 4 ? row[lb] : UINT32_MAX;
}

static bool check_word(const struct field *field, const char *text, int *ret,
		       struct complaint *c)
{
	struct buf list = { 0 };
	char quoted[QUOTE_BYTES];
	const char *near = NULL;
	unsigned best = UINT32_MAX;

	*ret = lsvm_word_value(field->words, text);
	if (*ret)
		return true;
	for (const struct word *word = field->words; word->name; word++) {
		unsigned distance = lsvm_word_distance(text, word->name);

		lsvm_buf_printf(&list, "%s%s", word == field->words ? "" : ", ",
				word->name);
		if (distance < best) {
			best = distance;
			near = word->name;
		}
	}
	lsvm_quote(text, quoted);
	if (near)
		complain(c, FINDING_UNKNOWN_WORD, "\"%s\" is no %s; did you mean \"%s\"?",
			 quoted, field->name, near);
	else
		complain(c, FINDING_UNKNOWN_WORD, "\"%s\" is no %s; it is one of %s",
			 quoted, field->name, list.data ? list.data : "several");
	lsvm_buf_free(&list);
	return false;
}

/* ---- numbers ---- */

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text) &&
	       (text[0] != '0' || !text[1]);
}

static bool check_number(const struct field *field, const struct node *node,
			 uint32_t *ret, struct complaint *c)
{
	uint32_t min = field->min, max = field->max;
	const char *digits = node->text + (node->text[0] == '-');
	char quoted[QUOTE_BYTES];
	unsigned long long value = 0;

	if (field->kind == FIELD_NUMBERS)
		max = 65535;
	if (node->style != STYLE_PLAIN || !is_number(digits))
		return complain(c, FINDING_WRONG_TYPE,
				"%s is a decimal number, not \"%s\"", field->name,
				lsvm_quote(node->text, quoted));
	if (strlen(digits) <= 10)
		value = strtoull(digits, NULL, 10);
	if (digits != node->text || strlen(digits) > 10 || value < min || value > max)
		return complain(c, FINDING_OUT_OF_RANGE,
				"%s is %s, but goes from %u to %u", field->name,
				lsvm_quote(node->text, quoted), min, max);
	*ret = (uint32_t)value;
	return true;
}

static bool check_port_range(const char *text, struct port_range *ret)
{
	const char *hyphen = strchr(text, '-');
	char head[8] = "";
	unsigned long first, last;

	if (hyphen && (size_t)(hyphen - text) < sizeof(head))
		memcpy(head, text, (size_t)(hyphen - text));
	if (!hyphen)
		snprintf(head, sizeof(head), "%s", text);
	if (!is_number(head) || !is_number(hyphen ? hyphen + 1 : text) ||
	    strlen(hyphen ? hyphen + 1 : text) > 5)
		return false;
	first = strtoul(head, NULL, 10);
	last = hyphen ? strtoul(hyphen + 1, NULL, 10) : first;
	if (!first || first > 65535 || last > 65535 || last < first)
		return false;
	*ret = (struct port_range){ (uint16_t)first, (uint16_t)last };
	return true;
}

static bool check_mac(const char *text, uint8_t *ret)
{
	uint8_t mac[7] = { 0 };

	if (strlen(text) != 17)
		return false;
	for (int i = 0; i < 6; i++) {
		const char *pair = text + (size_t)i * 3;
		char digits[3] = { pair[0], pair[1], '\0' };

		if (strspn(digits, "0123456789abcdefABCDEF") != 2 ||
		    pair[2] != (i < 5 ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	mac[6] = true; /* has_mac */
	memcpy(ret, mac, sizeof(mac));
	return true;
}

/* ---- all of them ---- */

static bool decode_number(const struct field *field, const struct node *node, void *at,
			  struct complaint *c)
{
	uint32_t value = 0;
	uint16_t narrow;

	if (!check_number(field, node, &value, c))
		return false;
	narrow = (uint16_t)value;
	if (field->kind == FIELD_U16)
		memcpy(at, &narrow, sizeof(narrow));
	else
		memcpy(at, &value, sizeof(value));
	return true;
}

static bool decode_bool(const struct field *field, const struct node *node, bool *at,
			struct complaint *c)
{
	char quoted[QUOTE_BYTES];

	*at = strcmp(node->text, "true") == 0;
	if (node->style == STYLE_PLAIN && (*at || strcmp(node->text, "false") == 0))
		return true;
	return complain(c, FINDING_WRONG_TYPE, "%s is true or false, not \"%s\"",
			field->name, lsvm_quote(node->text, quoted));
}

static bool decode_text(const struct field *field, const struct node *node, void *at,
			struct complaint *c)
{
	struct ref ref = { node->text, NULL, node_mark(node) };
	int value;

	if (field->words) {
		if (!check_word(field, node->text, &value, c))
			return false;
	} else if (!check_text(field, node->text, c)) {
		return false;
	}
	if (field->kind == FIELD_REF || field->kind == FIELD_REFS)
		memcpy(at, &ref, sizeof(ref));
	else
		memcpy(at, &node->text, sizeof(node->text));
	return true;
}

bool lsvm_scalar_decode(const struct field *field, const struct node *node, void *at,
			struct complaint *c)
{
	char quoted[QUOTE_BYTES];
	int value;

	switch (field->kind) {
	case FIELD_STRING:
	case FIELD_REF:
	case FIELD_STRINGS:
	case FIELD_REFS:
		return decode_text(field, node, at, c);
	case FIELD_BOOL:
		return decode_bool(field, node, at, c);
	case FIELD_U16:
	case FIELD_U32:
	case FIELD_NUMBERS:
		return decode_number(field, node, at, c);
	case FIELD_ENUM:
		if (!check_word(field, node->text, &value, c))
			return false;
		memcpy(at, &value, sizeof(value));
		return true;
	case FIELD_FLAGS: /* or-ed onto what is there */
		if (!check_word(field, node->text, &value, c))
			return false;
		*(uint32_t *)at |= (uint32_t)value;
		return true;
	case FIELD_ADDR:
	case FIELD_ADDRS:
		if (lsvm_addr_parse(node->text, at))
			return true;
		return complain(c, FINDING_BAD_ADDRESS, "\"%s\" is no address",
				lsvm_quote(node->text, quoted));
	case FIELD_PREFIXES:
		if (strchr(node->text, '/') && lsvm_prefix_parse(node->text, at))
			return true;
		return complain(c, FINDING_BAD_PREFIX, "\"%s\" is no subnet",
				lsvm_quote(node->text, quoted));
	case FIELD_PORTS:
		if (check_port_range(node->text, at))
			return true;
		return complain(c, FINDING_BAD_PORT, "\"%s\" is no port",
				lsvm_quote(node->text, quoted));
	case FIELD_MAC:
		if (check_mac(node->text, at))
			return true;
		return complain(c, FINDING_BAD_MAC, "\"%s\" is no hardware address",
				lsvm_quote(node->text, quoted));
	case FIELD_OBJECT:
	case FIELD_OBJECTS:
		break;
	}
	return complain(c, FINDING_WRONG_TYPE, "%s is no scalar", field->name);
}
