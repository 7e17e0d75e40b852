/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one way in which foreign bytes are read: bounded, and a failure sticks. */
#include "base/base.h"

const uint8_t *lsvm_read_bytes(struct reader *reader, size_t length)
{
	const uint8_t *at = reader->at;

	if (reader->failed || length > reader->left) {
		reader->failed = true;
		return NULL;
	}
	reader->at += length;
	reader->left -= length;
	return at;
}

uint8_t lsvm_read_u8(struct reader *reader)
{
	const uint8_t *at = lsvm_read_bytes(reader, 1);

	return at ? *at : 0;
}

uint16_t lsvm_read_be16(struct reader *reader)
{
	const uint8_t *at = lsvm_read_bytes(reader, 2);

	return at ? (uint16_t)(at[0] << 8 | at[1]) : 0;
}

uint32_t lsvm_read_be32(struct reader *reader)
{
	const uint8_t *at = lsvm_read_bytes(reader, 4);

	return at ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
			       at[3]
		  : 0;
}

uint16_t lsvm_read_u16(struct reader *reader)
{
	const uint8_t *at = lsvm_read_bytes(reader, 2);
	uint16_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return value;
}

uint32_t lsvm_read_u32(struct reader *reader)
{
	const uint8_t *at = lsvm_read_bytes(reader, 4);
	uint32_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return value;
}

uint64_t lsvm_read_u64(struct reader *reader)
{
	const uint8_t *at = lsvm_read_bytes(reader, 8);
	uint64_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return value;
}
