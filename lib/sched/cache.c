/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory of lblc and lblcr: what each virtual address was given.
 *
 * The kernel's timer looks after it each minute, and only that removes entries. It is run
 * here late but with the same result, whenever time is told.
 */
#include "sched/sched.h"

#include <stdlib.h>

#define CHECK_EVERY_MS 60000
#define FULL_CHECK_ROUNDS 30
#define CROWDED_TIMEOUT_MS (6 * 60000)

static uint32_t bucket_of(const struct lsvm_sched *s, const struct addr *addr)
{
	return lsvm_sched_multiply(
		lsvm_sched_fold(s->key.addr.family, addr->bytes, addr->family),
		SCHED_CACHE_BITS);
}

static void free_members(struct sched_cached *entry)
{
	while (entry->members) {
		struct sched_member *next = entry->members->next;

		free(entry->members);
		entry->members = next;
	}
	entry->member_count = 0;
}

void lsvm_cache_clear(struct lsvm_sched *s)
{
	for (size_t i = 0; s->cache.buckets && i < SCHED_CACHE_BUCKETS; i++) {
		while (s->cache.buckets[i]) {
			struct sched_cached *next = s->cache.buckets[i]->next;

			free_members(s->cache.buckets[i]);
			free(s->cache.buckets[i]);
			s->cache.buckets[i] = next;
		}
	}
	free(s->cache.buckets);
	s->cache = (struct sched_cache){ 0 };
}

int lsvm_cache_begin(struct lsvm_sched *s)
{
	struct sched_cached **buckets =
		calloc(SCHED_CACHE_BUCKETS, sizeof(struct sched_cached *));

	if (!buckets)
		return LSVM_ERR_NOMEM;
	lsvm_cache_clear(s);
	s->cache = (struct sched_cache){ .buckets = buckets,
					 .round = 1,
					 .next_check_ms = s->now_ms + CHECK_EVERY_MS };
	return 0;
}

int lsvm_cache_notice(struct lsvm_sched *s, enum sched_event event,
		      struct sched_dest *dest)
{
	return event == SCHED_BEGIN ? lsvm_cache_begin(s) : 0;
}

struct sched_cached *lsvm_cache_find(const struct lsvm_sched *s, const struct addr *addr)
{
	struct sched_cached *entry = s->cache.buckets[bucket_of(s, addr)];

	while (entry && lsvm_addr_compare(&entry->addr, addr))
		entry = entry->next;
	return entry;
}

struct sched_cached *lsvm_cache_add(struct lsvm_sched *s, const struct addr *addr,
				    uint64_t now_ms)
{
	struct sched_cached **bucket = &s->cache.buckets[bucket_of(s, addr)];
	struct sched_cached *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	*entry = (struct sched_cached){ .next = *bucket,
					.addr = *addr,
					.used_ms = now_ms };
	*bucket = entry;
	s->cache.count++;
	return entry;
}

/* Removes from the bucket what was not used for so long; answers how many. */
static uint32_t sweep(struct lsvm_sched *s, uint32_t bucket, uint64_t now_ms,
		      uint64_t timeout_ms)
{
	struct sched_cached **link = &s->cache.buckets[bucket];
	uint32_t removed = 0;

	while (*link) {
		struct sched_cached *entry = *link;

		if (now_ms < entry->used_ms + timeout_ms) {
			link = &entry->next;
			continue;
		}
		*link = entry->next;
		free_members(entry);
		free(entry);
		removed++;
	}
	s->cache.count -= removed;
	return removed;
}

/* One run of the timer. */
static void check(struct lsvm_sched *s, uint64_t now_ms)
{
	struct sched_cache *cache = &s->cache;
	const bool full = cache->round % FULL_CHECK_ROUNDS == 0;
	int64_t goal = INT64_MAX;

	if (full) {
		cache->round = 1;
	} else if (cache->count <= SCHED_CACHE_ENTRIES_MAX) {
		cache->round++;
		return;
	} else {
		goal = (int64_t)(cache->count - SCHED_CACHE_ENTRIES_MAX) * 4 / 3;
		if (goal > SCHED_CACHE_ENTRIES_MAX / 2)
			goal = SCHED_CACHE_ENTRIES_MAX / 2;
	}
	for (uint32_t i = 0; i < SCHED_CACHE_BUCKETS && goal > 0; i++) {
		cache->rover = (cache->rover + 1) % SCHED_CACHE_BUCKETS;
		goal -= sweep(s, cache->rover, now_ms,
			      full ? (uint64_t)s->cache_expiration_s * 1000
				   : CROWDED_TIMEOUT_MS);
	}
}

void lsvm_cache_age(struct lsvm_sched *s, uint64_t now_ms)
{
	if (!s->cache.buckets)
		return;
	while (s->cache.next_check_ms <= now_ms) {
		/* With nothing in it a check only counts rounds: years pass in no time.
		 */
		if (!s->cache.count) {
			const uint64_t runs =
				(now_ms - s->cache.next_check_ms) / CHECK_EVERY_MS + 1;

			s->cache.round = 1 + (uint32_t)((s->cache.round - 1 + runs) %
							FULL_CHECK_ROUNDS);
			s->cache.next_check_ms += runs * CHECK_EVERY_MS;
			return;
		}
		check(s, s->cache.next_check_ms);
		s->cache.next_check_ms += CHECK_EVERY_MS;
	}
}
