/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bump allocator in chunks that double up to 1 MiB. What is allocated here is freed all
 * at once. A failed allocation is remembered, so that a long construction checks only at
 * its end.
 */
#include "base/base.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_FIRST_BYTES 4096
#define CHUNK_MAX_BYTES (1024 * 1024)

struct arena_chunk {
	struct arena_chunk *next;
	void *adopted; /* freed with the chunk */
	size_t used, size;
	alignas(max_align_t) char data[];
};

static struct arena_chunk *chunk_new(struct arena *arena, size_t size)
{
	size_t wanted = arena->chunks ? arena->chunks->size * 2 : CHUNK_FIRST_BYTES;
	struct arena_chunk *chunk;

	if (wanted > CHUNK_MAX_BYTES)
		wanted = CHUNK_MAX_BYTES;
	if (wanted < size)
		wanted = size;
	/* calloc: fresh pages come zeroed, so that large chunks cost nothing until used.
	 */
	chunk = calloc(1, sizeof(*chunk) + wanted);
	if (!chunk)
		return NULL;
	chunk->size = wanted;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	arena->bytes += sizeof(*chunk) + wanted;
	return chunk;
}

void *lsvm_arena_alloc(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->chunks;
	void *memory;

	if (arena->failed || size > SIZE_MAX / 2) {
		arena->failed = true;
		return NULL;
	}
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!chunk || chunk->size - chunk->used < size)
		chunk = chunk_new(arena, size);
	if (!chunk) {
		arena->failed = true;
		return NULL;
	}
	memory = chunk->data + chunk->used;
	chunk->used += size;
	return memory;
}

void *lsvm_arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / 2 / size) {
		arena->failed = true;
		return NULL;
	}
	return lsvm_arena_alloc(arena, count * size);
}

char *lsvm_arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = lsvm_arena_alloc(arena, length + 1);

	if (copy && length)
		memcpy(copy, text, length);
	return copy;
}

char *lsvm_arena_strdup(struct arena *arena, const char *text)
{
	return lsvm_arena_strndup(arena, text, strlen(text));
}

char *lsvm_arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, fmt);
	length = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	text = lsvm_arena_alloc(arena, (size_t)length + 1);
	if (!text)
		return NULL;
	va_start(args, fmt);
	vsnprintf(text, (size_t)length + 1, fmt, args);
	va_end(args);
	return text;
}

void lsvm_arena_adopt(struct arena *arena, void *memory, size_t size)
{
	struct arena_chunk *chunk = calloc(1, sizeof(*chunk));

	/* Behind the chunk in use, which stays the one that is allocated from. */
	if (!chunk || !lsvm_arena_alloc(arena, 1)) {
		free(chunk);
		free(memory);
		arena->failed = true;
		return;
	}
	chunk->adopted = memory;
	chunk->next = arena->chunks->next;
	arena->chunks->next = chunk;
	arena->bytes += sizeof(*chunk) + size;
}

void lsvm_arena_free(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *next = arena->chunks->next;

		free(arena->chunks->adopted);
		free(arena->chunks);
		arena->chunks = next;
	}
	*arena = (struct arena){ 0 };
}
