/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hash table with open addressing, linear probing and at most three quarters full.
 * Hash: FNV-1a with a final mix; the inputs are bounded, so that chosen collisions cost
 * little.
 */
#include "base/base.h"

#include <stdlib.h>

struct map_slot {
	const void *key; /* NULL: empty */
	void *value;
	uint32_t length, hash;
};

static uint32_t hash_bytes(const void *key, size_t length)
{
	const uint8_t *byte = key;
	uint64_t hash = 0xcbf29ce484222325u;

	while (length--)
		hash = (hash ^ *byte++) * 0x100000001b3u;
	hash ^= hash >> 32;
	return (uint32_t)(hash * 0x9e3779b1u);
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

static int grow(struct map *map)
{
	struct map bigger = { .capacity = map->capacity ? map->capacity * 2 : 16 };

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

int lsvm_map_put(struct map *map, const void *key, size_t length, void *value,
		 void **ret_old)
{
	uint32_t hash = hash_bytes(key, length);
	struct map_slot *slot;
	int err;

	if (length > UINT32_MAX)
		return LSVM_ERR_LIMIT;
	if (map->count >= map->capacity / 4 * 3) {
		err = grow(map);
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
