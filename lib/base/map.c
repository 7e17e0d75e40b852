/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hash table with open addressing, linear probing and at most three quarters full. The
 * slots hold hashes and numbers of entries, eight bytes each, and the entries lie in the
 * order in which they came: so a large table stays in the processor's cache, which is
 * what putting a hundred thousand names waits for.
 *
 * The hash takes eight bytes at a time and has no secret, so keys can be chosen that all
 * collide. Where a key has to pass too many slots the map therefore changes to SipHash
 * (Aumasson and Bernstein, 2012; one round a word, three at the end), whose key is where
 * its memory lies: whoever wrote the file did not know that. Nothing that can be seen of
 * a map depends on its hash.
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

#define PASSED_MAX 256 /* chance alone hardly ever takes so many */
#define HASH_FACTOR                                                                      \
	0x9e3779b97f4a7c15u /* 2^64 by the golden ratio: odd, bits well mixed */

static uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * HASH_FACTOR;
	return hash ^ hash >> 32;
}

static uint32_t hash_fast(const void *key, size_t length)
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

static uint64_t rotate(uint64_t word, unsigned by)
{
	return word << by | word >> (64 - by);
}

static void sip_round(uint64_t *v)
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t *v, uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

static uint32_t hash_secret(uint64_t secret, const void *key, size_t length)
{
	const uint64_t other = secret * HASH_FACTOR;
	uint64_t v[4] = { secret ^ 0x736f6d6570736575u, other ^ 0x646f72616e646f6du,
			  secret ^ 0x6c7967656e657261u, other ^ 0x7465646279746573u };
	const uint8_t *byte = key;
	uint64_t word, last = (uint64_t)length << 56;

	for (; length >= sizeof(word); length -= sizeof(word), byte += sizeof(word)) {
		memcpy(&word, byte, sizeof(word));
		sip_word(v, word);
	}
	word = 0;
	memcpy(&word, byte, length);
	sip_word(v, last | word);
	v[2] ^= 0xff;
	for (unsigned i = 0; i < 3; i++)
		sip_round(v);
	word = v[0] ^ v[1] ^ v[2] ^ v[3];
	return (uint32_t)(word ^ word >> 32);
}

static uint32_t hash_bytes(const struct map *map, const void *key, size_t length)
{
	return map->secret ? hash_secret(map->secret, key, length)
			   : hash_fast(key, length);
}

/* The slot that holds the key, or the empty one where it belongs; how many were passed.
 */
static struct map_slot *find_slot(const struct map *map, const void *key, size_t length,
				  uint32_t hash, size_t *ret_passed)
{
	size_t mask = map->capacity - 1, i = hash & mask;

	*ret_passed = 0;
	for (;; i = (i + 1) & mask, ++*ret_passed) {
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

/* From here on nobody can choose what collides. */
static int keep_secret(struct map *map)
{
	struct map_slot *slots = calloc(map->capacity, sizeof(*slots)), *old = map->slots;
	size_t mask = map->capacity - 1;

	if (!slots)
		return LSVM_ERR_NOMEM;
	map->secret = ((uint64_t)(uintptr_t)slots * HASH_FACTOR) ^
		      rotate((uint64_t)(uintptr_t)map->entries, 32);
	map->secret |= 1;
	map->slots = slots;
	free(old);
	for (size_t i = 0; i < map->count; i++) {
		const struct map_entry *entry = &map->entries[i];
		uint32_t hash = hash_secret(map->secret, entry->key, entry->length);
		size_t at = hash & mask;

		while (slots[at].number)
			at = (at + 1) & mask;
		slots[at] = (struct map_slot){ hash, (uint32_t)(i + 1) };
	}
	return 0;
}

void *lsvm_map_get(const struct map *map, const void *key, size_t length)
{
	const struct map_slot *slot;
	size_t passed;

	if (!map->count)
		return NULL;
	slot = find_slot(map, key, length, hash_bytes(map, key, length), &passed);
	return slot->number ? map->entries[slot->number - 1].value : NULL;
}

void lsvm_map_expect(const struct map *map, const void *key, size_t length)
{
	if (map->capacity)
		__builtin_prefetch(
			&map->slots[hash_bytes(map, key, length) & (map->capacity - 1)]);
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
	struct map_slot *slot;
	size_t passed;
	uint32_t hash;
	int err;

	if (map->count >= map->capacity / 4 * 3) {
		err = lsvm_map_reserve(map, map->count + 1);
		if (err < 0)
			return err;
	}
	hash = hash_bytes(map, key, length);
	slot = find_slot(map, key, length, hash, &passed);
	if (passed > PASSED_MAX && !map->secret && !slot->number) {
		err = keep_secret(map);
		return err < 0 ? err : lsvm_map_put(map, key, length, value, ret_old);
	}
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
