/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hash table with open addressing, linear probing and at most three quarters full.
 * The hash takes eight bytes at a time; the inputs are bounded, so that chosen collisions
 * cost little.
 */
#include "base/base.h"

#include <stdlib.h>

struct map_slot {
	const void *key; /* NULL: empty */
	void *value;
	uint32_t length, hash;
};

#define HASH_FACTOR                                                                      \
	0x9e3779b97f4a7c15u /* 2^64 by the golden ratio: odd, bits well mixed */

static uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * HASH_FACTOR;
	return hash ^ hash >> 32;
}

static uint32_t hash_bytes(const void *key, size_t length)
{
	const uint8_t *byte = key;
	uint64_t hash = length, word;

	for (; length >= sizeof(word); length -= sizeof(word), byte += sizeof(word)) {
		memcpy(&word, byte, sizeof(word));
		hash = hash_word(hash, word);
	}
	word = 0;
	memcpy(&word, byte, length);
	return (uint32_t)(hash_word(hash, word) * HASH_FACTOR >> 32);
}

/* The slot that holds the key, or the empty one where it belongs. */
static struct map_slot *find_slot(const struct map *map, const void *key, size_t length,
				  uint32_t hash)
{
	size_t mask = map->capacity - 1, i = hash & mask;

	for (;; i = (i + 1) & mask) {
		struct map_slot *slot = &map->slots[i];

		if (!slot->key)
			return slot;
		if (slot->hash == hash && slot->length == length &&
		    memcmp(slot->key, key, length) == 0)
			return slot;
	}
}

static int resize(struct map *map, size_t capacity)
{
	struct map bigger = { .capacity = capacity };

	bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
	if (!bigger.slots)
		return LSVM_ERR_NOMEM;
	for (size_t i = 0; i < map->capacity; i++) {
		const struct map_slot *old = &map->slots[i];

		if (old->key)
			*find_slot(&bigger, old->key, old->length, old->hash) = *old;
	}
	bigger.count = map->count;
	free(map->slots);
	*map = bigger;
	return 0;
}

void *lsvm_map_get(const struct map *map, const void *key, size_t length)
{
	const struct map_slot *slot;

	if (!map->count)
		return NULL;
	slot = find_slot(map, key, length, hash_bytes(key, length));
	return slot->key ? slot->value : NULL;
}

void lsvm_map_expect(const struct map *map, const void *key, size_t length)
{
	if (map->capacity)
		__builtin_prefetch(
			&map->slots[hash_bytes(key, length) & (map->capacity - 1)]);
}

int lsvm_map_reserve(struct map *map, size_t count)
{
	size_t capacity = 16;

	if (count > SIZE_MAX / 4 / sizeof(*map->slots))
		return LSVM_ERR_NOMEM;
	while (capacity / 4 * 3 <= count)
		capacity *= 2;
	return capacity > map->capacity ? resize(map, capacity) : 0;
}

int lsvm_map_put(struct map *map, const void *key, size_t length, void *value,
		 void **ret_old)
{
	uint32_t hash = hash_bytes(key, length);
	struct map_slot *slot;
	int err;

	if (length > UINT32_MAX)
		return LSVM_ERR_LIMIT;
	if (map->count >= map->capacity / 4 * 3) {
		err = resize(map, map->capacity ? map->capacity * 2 : 16);
		if (err < 0)
			return err;
	}
	slot = find_slot(map, key, length, hash);
	if (slot->key) {
		if (ret_old)
			*ret_old = slot->value;
		return LSVM_ERR_EXISTS;
	}
	*slot = (struct map_slot){ key, value, (uint32_t)length, hash };
	map->count++;
	return 0;
}

void lsvm_map_free(struct map *map)
{
	free(map->slots);
	*map = (struct map){ 0 };
}
