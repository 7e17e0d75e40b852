/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attributes in and out (include/uapi/linux/netlink.h, struct nlattr): each is padded to
 * four bytes, may be nested, and has two flag bits in its type. An attribute that is
 * longer than we know is read as far as we know it; a shorter one is malformed. One that
 * we do not know is kept as it came where the object has room for it.
 */
#include "ipvs/fields.h"

#include <linux/netlink.h>

#define PADDED(length) (((length) + 3) & ~(size_t)3)
/* Where lengths are constants in the caller: it halves the time of writing a message. */
#define INLINED static inline __attribute__((always_inline))

static uint64_t load(const void *at, uint8_t width)
{
	uint64_t eight;
	uint32_t four;
	uint16_t two;

	switch (width) {
	case 1:
		return *(const uint8_t *)at;
	case 2:
		memcpy(&two, at, sizeof(two));
		return two;
	case 4:
		memcpy(&four, at, sizeof(four));
		return four;
	}
	memcpy(&eight, at, sizeof(eight));
	return eight;
}

static void store(void *at, uint8_t width, uint64_t value)
{
	uint32_t four = (uint32_t)value;
	uint16_t two = (uint16_t)value;
	uint8_t one = (uint8_t)value;

	if (width == 1)
		memcpy(at, &one, sizeof(one));
	else if (width == 2)
		memcpy(at, &two, sizeof(two));
	else if (width == 4)
		memcpy(at, &four, sizeof(four));
	else
		memcpy(at, &value, sizeof(value));
}

static bool read_text(struct reader *value, char *to, uint8_t width)
{
	const size_t length = strnlen((const char *)value->at, value->left);

	if (length == value->left || length >= width)
		return false;
	memcpy(to, value->at, length + 1);
	return true;
}

static bool read_field(const struct field *field, struct reader value, void *object)
{
	char *to = (char *)object + field->offset;
	const uint8_t *bytes;

	switch ((enum wire)field->wire) {
	case WIRE_U8:
		store(to, field->width, lsvm_read_u8(&value));
		break;
	case WIRE_U16:
		store(to, field->width, lsvm_read_u16(&value));
		break;
	case WIRE_U32:
		store(to, field->width, lsvm_read_u32(&value));
		break;
	case WIRE_U64:
		store(to, field->width, lsvm_read_u64(&value));
		break;
	case WIRE_BE16:
		store(to, field->width, lsvm_read_be16(&value));
		break;
	case WIRE_BYTES:
		bytes = lsvm_read_bytes(&value, field->width);
		if (bytes)
			memcpy(to, bytes, field->width);
		break;
	case WIRE_TEXT:
		return read_text(&value, to, field->width);
	case WIRE_NEST:
		return lsvm_fields_read(field->nest, value, to);
	}
	return !value.failed;
}

static const struct field *find_field(const struct fields *fields, uint16_t attribute)
{
	for (size_t i = 0; i < fields->count; i++)
		if (fields->list[i].attribute == attribute)
			return &fields->list[i];
	return NULL;
}

/* Whole, with its head and padding. Numbers of settings are small: what is long counts.
 */
static void keep(const struct fields *fields, uint16_t type, struct reader value,
		 void *object)
{
	const struct nlattr head = { (uint16_t)(NLA_HDRLEN + value.left), type };
	struct ipvs_extra *extra = (void *)((char *)object + fields->extra);
	const size_t whole = NLA_HDRLEN + PADDED(value.left);
	uint8_t *at;

	if (!fields->extra || value.left > IPVS_EXTRA_VALUE_BYTES ||
	    whole > sizeof(extra->bytes) - extra->length)
		return;
	at = extra->bytes + extra->length;
	memset(at, 0, whole);
	memcpy(at, &head, sizeof(head));
	if (value.left)
		memcpy(at + NLA_HDRLEN, value.at, value.left);
	extra->length += (uint32_t)whole;
}

bool lsvm_fields_read(const struct fields *fields, struct reader attributes, void *object)
{
	uint32_t *has = object;

	while (attributes.left) {
		uint16_t length = lsvm_read_u16(&attributes);
		uint16_t type = lsvm_read_u16(&attributes);
		struct reader value = { .left = (size_t)length - NLA_HDRLEN };
		const struct field *field = find_field(fields, type & NLA_TYPE_MASK);
		size_t padding = PADDED(length) - length;

		if (attributes.failed || length < NLA_HDRLEN)
			return false;
		value.at = lsvm_read_bytes(&attributes, value.left);
		if (!value.at)
			return false;
		/* The last attribute may come without its padding. */
		lsvm_read_bytes(&attributes,
				padding < attributes.left ? padding : attributes.left);
		if (!field) {
			keep(fields, type & NLA_TYPE_MASK, value, object);
			continue;
		}
		if (!read_field(field, value, object))
			return false;
		*has |= 1u << (field - fields->list);
	}
	return true;
}

/* Room for an attribute's content, its head and padding written; NULL when it does not
 * fit. */
INLINED uint8_t *reserve(struct nl_out *out, uint16_t type, size_t length)
{
	const struct nlattr head = { (uint16_t)(NLA_HDRLEN + length), type };
	const size_t whole = NLA_HDRLEN + PADDED(length);
	uint8_t *at = out->data + out->used;

	if (length > UINT16_MAX - NLA_HDRLEN || out->size - out->used < whole)
		return NULL;
	/* The padding is in the last four bytes. */
	memset(at + whole - 4, 0, 4);
	memcpy(at, &head, sizeof(head));
	out->used += whole;
	return at + NLA_HDRLEN;
}

static bool put_bytes(struct nl_out *out, uint16_t type, const void *bytes, size_t length)
{
	uint8_t *at = reserve(out, type, length);

	if (at)
		memcpy(at, bytes, length);
	return at != NULL;
}

INLINED bool put_number(struct nl_out *out, uint16_t type, uint8_t length, uint64_t value)
{
	uint8_t *at = reserve(out, type, length);

	if (at)
		store(at, length, value);
	return at != NULL;
}

static bool put_be16(struct nl_out *out, uint16_t type, uint64_t value)
{
	uint8_t *at = reserve(out, type, 2);

	if (!at)
		return false;
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return true;
}

static bool put_nest(struct nl_out *out, const struct field *field, const void *object)
{
	const size_t start = out->used;
	struct nlattr head = { 0, field->attribute | NLA_F_NESTED };

	if (!reserve(out, head.nla_type, 0) ||
	    !lsvm_fields_write(field->nest, object, out) ||
	    out->used - start > UINT16_MAX)
		return false;
	head.nla_len = (uint16_t)(out->used - start);
	memcpy(out->data + start, &head, sizeof(head));
	return true;
}

static bool write_field(const struct field *field, const void *object, struct nl_out *out)
{
	const char *from = (const char *)object + field->offset;
	const uint16_t type = field->attribute;

	switch ((enum wire)field->wire) {
	case WIRE_U8:
		return put_number(out, type, 1, load(from, field->width));
	case WIRE_U16:
		return put_number(out, type, 2, load(from, field->width));
	case WIRE_U32:
		return put_number(out, type, 4, load(from, field->width));
	case WIRE_U64:
		return put_number(out, type, 8, load(from, field->width));
	case WIRE_BE16:
		return put_be16(out, type, load(from, field->width));
	case WIRE_BYTES:
		return put_bytes(out, type, from, field->width);
	case WIRE_TEXT:
		return put_bytes(out, type, from, strnlen(from, field->width - 1u) + 1);
	case WIRE_NEST:
		return put_nest(out, field, from);
	}
	return false;
}

bool lsvm_fields_write(const struct fields *fields, const void *object,
		       struct nl_out *out)
{
	const struct ipvs_extra *extra =
		(const void *)((const char *)object + fields->extra);
	uint32_t left;

	memcpy(&left, object, sizeof(left));
	for (; left; left &= left - 1)
		if (!write_field(&fields->list[__builtin_ctz(left)], object, out))
			return false;
	if (!fields->extra || !extra->length)
		return true;
	if (out->size - out->used < extra->length)
		return false;
	memcpy(out->data + out->used, extra->bytes, extra->length);
	out->used += extra->length;
	return true;
}
