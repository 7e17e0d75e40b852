/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hash table with open addressing, linear probing and at most three quarters full. The
 * slots hold hashes and numbers of entries, eight bytes each, and the entries lie in the
 * order in which they came: so a large table stays in the processor's cache, which is
 * what putting a hundred thousand names waits for. The hash takes eight bytes at a time;
 * the inputs are bounded, so that chosen collisions cost little.
 */
#include "base/base.h"

#include <stdlib.h>

struct map_slot {
	uint32_t hash;
	uint32_t number; /* of the entry, from 1; 0: empty */
};

struct map_entry {
	const void *key;
	void *value;
	size_t length;
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
		const struct map_entry *entry;

		if (!slot->number)
			return slot;
		if (slot->hash != hash)
			continue;
		entry = &map->entries[slot->number - 1];
		if (entry->length == length && memcmp(entry->key, key, length) == 0)
			return slot;
	}
}

/* Entries stay where they are; only their slots move. */
static int resize(struct map *map, size_t capacity)
{
	size_t mask = capacity - 1, room = capacity / 4 * 3;
	struct map_slot *slots = calloc(capacity, sizeof(*slots));
	struct map_entry *entries;

	entries = slots ? realloc(map->entries, room * sizeof(*entries)) : NULL;
	if (!entries) {
		free(slots);
		return LSVM_ERR_NOMEM;
	}
	map->entries = entries;
	for (size_t i = 0; i < map->capacity; i++) {
		size_t at = map->slots[i].hash & mask;

		if (!map->slots[i].number)
			continue;
		while (slots[at].number)
			at = (at + 1) & mask;
		slots[at] = map->slots[i];
	}
	free(map->slots);
	map->slots = slots;
	map->capacity = capacity;
	return 0;
}

void *lsvm_map_get(const struct map *map, const void *key, size_t length)
{
	const struct map_slot *slot;

	if (!map->count)
		return NULL;
	slot = find_slot(map, key, length, hash_bytes(key, length));
	return slot->number ? map->entries[slot->number - 1].value : NULL;
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

	if (count > UINT32_MAX / 4)
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

	if (map->count >= map->capacity / 4 * 3) {
		err = lsvm_map_reserve(map, map->count + 1);
		if (err < 0)
			return err;
	}
	slot = find_slot(map, key, length, hash);
	if (slot->number) {
		if (ret_old)
			*ret_old = map->entries[slot->number - 1].value;
		return LSVM_ERR_EXISTS;
	}
	map->entries[map->count++] = (struct map_entry){ key, value, length };
	*slot = (struct map_slot){ hash, (uint32_t)map->count };
	return 0;
}

void lsvm_map_free(struct map *map)
{
	free(map->slots);
	free(map->entries);
	*map = (struct map){ 0 };
}
