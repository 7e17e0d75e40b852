/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes that grow, and arrays that grow: both double, both remember a failed allocation.
 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

static bool reserve(struct buf *buf, size_t more)
{
	size_t capacity = buf->capacity ? buf->capacity : 256;
	char *data;

	if (buf->failed || more > SIZE_MAX / 4 - buf->length) {
		buf->failed = true;
		return false;
	}
	if (buf->data && buf->capacity - buf->length > more)
		return true;
	while (capacity - buf->length <= more)
		capacity *= 2;
	data = realloc(buf->data, capacity);
	if (!data) {
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->capacity = capacity;
	return true;
}

void lsvm_buf_add(struct buf *buf, const void *bytes, size_t length)
{
	if (!reserve(buf, length))
		return;
	if (length)
		memcpy(buf->data + buf->length, bytes, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void lsvm_buf_printf(struct buf *buf, const char *fmt, ...)
{
	size_t room;
	va_list args;
	int length;

	/* Mostly there is room: then formatting once is enough. */
	if (!reserve(buf, 64))
		return;
	room = buf->capacity - buf->length;
	va_start(args, fmt);
	length = vsnprintf(buf->data + buf->length, room, fmt, args);
	va_end(args);
	if ((size_t)length >= room) {
		buf->data[buf->length] = '\0';
		if (!reserve(buf, (size_t)length))
			return;
		va_start(args, fmt);
		vsnprintf(buf->data + buf->length, (size_t)length + 1, fmt, args);
		va_end(args);
	}
	buf->length += (size_t)length;
}

char *lsvm_buf_take(struct buf *buf)
{
	char *data;

	lsvm_buf_add(buf, "", 0);
	if (buf->failed) {
		lsvm_buf_free(buf);
		return NULL;
	}
	data = buf->data;
	*buf = (struct buf){ 0 };
	return data;
}

void lsvm_buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

void *lsvm_vec_push(void **items, size_t *count, size_t *capacity, size_t size)
{
	char *item;

	if (*count == *capacity) {
		size_t wanted = *capacity ? *capacity * 2 : 8;
		void *grown;

		if (wanted > SIZE_MAX / 2 / size)
			return NULL;
		grown = realloc(*items, wanted * size);
		if (!grown)
			return NULL;
		*items = grown;
		*capacity = wanted;
	}
	item = (char *)*items + *count * size;
	memset(item, 0, size);
	(*count)++;
	return item;
}

void lsvm_vec_free(void **items, size_t *count, size_t *capacity)
{
	free(*items);
	*items = NULL;
	*count = *capacity = 0;
}
