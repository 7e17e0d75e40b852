/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * By locality: lblc and lblcr send a virtual address to the server (lblc) or to the least
 * loaded of the set of servers (lblcr) that it was given before, and leave that only when
 * it is gone, drained, or has more active connections than its weight while another is
 * less than half loaded. lblc does so even where the upper threshold is exceeded.
 */
#include "sched/sched.h"

#include <stdlib.h>

/* Crowded, while another has room. */
static bool has_relief(const struct lsvm_sched *s, const struct sched_dest *dest)
{
	if ((int32_t)dest->active <= dest->weight)
		return false;
	each_dest(s, other) if ((int32_t)(other->active * 2) < other->weight) return true;
	return false;
}

int lsvm_lblc_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		   struct sched_dest **ret)
{
	struct sched_cached *entry = lsvm_cache_find(s, &packet->virtual);
	struct sched_dest *dest;
	struct sched_member *member;

	if (entry) {
		dest = entry->members->dest;
		if (!peek)
			entry->used_ms = packet->now_ms;
		if (dest->present && dest->weight > 0 && !has_relief(s, dest)) {
			*ret = dest;
			return 0;
		}
	}
	lsvm_wlc_pick(s, packet, true, ret);
	if (!*ret || peek)
		return 0;
	if (entry) {
		if (entry->members->dest != *ret) {
			entry->members->dest = *ret;
			s->cache.count++; /* the kernel forgets to count down */
		}
		return 0;
	}
	member = calloc(1, sizeof(*member));
	entry = member ? lsvm_cache_add(s, &packet->virtual, packet->now_ms) : NULL;
	if (!entry) {
		free(member);
		return LSVM_ERR_NOMEM;
	}
	member->dest = *ret;
	entry->members = member;
	entry->member_count = 1;
	return 0;
}

static struct sched_dest *least_member(const struct sched_cached *entry)
{
	struct sched_dest *least = NULL;

	for (struct sched_member *at = entry->members; at; at = at->next) {
		struct sched_dest *dest = at->dest;

		if (dest->overloaded || dest->weight <= 0 || !dest->present)
			continue;
		if (!least || (int64_t)lsvm_sched_load(least) * dest->weight >
				      (int64_t)lsvm_sched_load(dest) * least->weight)
			least = dest;
	}
	return least;
}

/* The link to the most loaded member that is not drained; NULL when all are. */
static struct sched_member **most_member(struct sched_cached *entry)
{
	struct sched_member **most = NULL;

	for (struct sched_member **at = &entry->members; *at; at = &(*at)->next) {
		struct sched_dest *dest = (*at)->dest;

		if (dest->weight <= 0)
			continue;
		if (!most ||
		    (int64_t)lsvm_sched_load((*most)->dest) * dest->weight <
			    (int64_t)lsvm_sched_load(dest) * (*most)->dest->weight)
			most = at;
	}
	return most;
}

/* A set that did not change for long loses its most loaded member. */
static void shrink(struct lsvm_sched *s, struct sched_cached *entry, uint64_t now_ms)
{
	struct sched_member **most, *gone;

	if (entry->member_count < 2 ||
	    now_ms <= entry->changed_ms + (uint64_t)s->cache_expiration_s * 1000)
		return;
	most = most_member(entry);
	if (!most)
		return;
	gone = *most;
	*most = gone->next;
	free(gone);
	entry->member_count--;
	entry->changed_ms = now_ms;
}

static int join(struct sched_cached *entry, struct sched_dest *dest, uint64_t now_ms)
{
	struct sched_member *member;

	for (member = entry->members; member; member = member->next)
		if (member->dest == dest)
			return 0;
	member = calloc(1, sizeof(*member));
	if (!member)
		return LSVM_ERR_NOMEM;
	*member = (struct sched_member){ .next = entry->members, .dest = dest };
	entry->members = member;
	entry->member_count++;
	entry->changed_ms = now_ms;
	return 0;
}

int lsvm_lblcr_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		    struct sched_dest **ret)
{
	struct sched_cached *entry = lsvm_cache_find(s, &packet->virtual);
	struct sched_dest *dest = entry ? least_member(entry) : NULL;

	if (entry && !peek) {
		entry->used_ms = packet->now_ms;
		shrink(s, entry, packet->now_ms);
	}
	if (dest && !has_relief(s, dest)) {
		*ret = dest;
		return 0;
	}
	lsvm_wlc_pick(s, packet, true, ret);
	if (!*ret || peek)
		return 0;
	if (!entry) {
		entry = lsvm_cache_add(s, &packet->virtual, packet->now_ms);
		if (!entry)
			return LSVM_ERR_NOMEM;
	}
	return join(entry, *ret, packet->now_ms);
}
