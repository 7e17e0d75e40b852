/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Slow starts: a server that comes back gets a tenth of its weight, and a tenth of the
 * rest more in each of ten equal steps, until it has all of it. Who has to go on next
 * stands on top of a heap.
 */
#include "pool/private.h"

static void place(struct pool *pool, uint32_t slot, uint32_t seat)
{
	pool->ramps[slot] = seat;
	pool->seats[seat].heap_slot = slot;
}

static uint64_t due_at(const struct pool *pool, uint32_t slot)
{
	return pool->seats[pool->ramps[slot]].due_ns;
}

static void swap(struct pool *pool, uint32_t a, uint32_t b)
{
	uint32_t seat = pool->ramps[a];

	place(pool, a, pool->ramps[b]);
	place(pool, b, seat);
}

static void rise(struct pool *pool, uint32_t slot)
{
	for (; slot && due_at(pool, slot) < due_at(pool, (slot - 1) / 2);
	     slot = (slot - 1) / 2)
		swap(pool, slot, (slot - 1) / 2);
}

static void sink(struct pool *pool, uint32_t slot)
{
	for (;;) {
		uint32_t child = 2 * slot + 1;

		if (child >= pool->ramp_count)
			return;
		if (child + 1 < pool->ramp_count &&
		    due_at(pool, child + 1) < due_at(pool, child))
			child++;
		if (due_at(pool, slot) <= due_at(pool, child))
			return;
		swap(pool, slot, child);
		slot = child;
	}
}

void lsvm_pool_ramp_push(struct pool *pool, struct seat *seat)
{
	if (seat->heap_slot == NONE)
		place(pool, pool->ramp_count++, (uint32_t)(seat - pool->seats));
	rise(pool, seat->heap_slot);
	sink(pool, seat->heap_slot);
}

void lsvm_pool_ramp_drop(struct pool *pool, struct seat *seat)
{
	uint32_t slot = seat->heap_slot;

	seat->ramping = false;
	if (slot == NONE)
		return;
	seat->heap_slot = NONE;
	pool->ramp_count--;
	if (slot == pool->ramp_count)
		return;
	place(pool, slot, pool->ramps[pool->ramp_count]);
	rise(pool, slot);
	sink(pool, slot);
}

uint32_t lsvm_pool_ramp_weight(struct pool *pool, struct seat *seat, uint32_t weight,
			       uint64_t now_ns)
{
	const uint64_t length = pool->groups[seat->group].slow_start_ms * IO_MS;
	uint64_t past = now_ns > seat->ramp_ns ? now_ns - seat->ramp_ns : 0, step, part;

	if (past >= length) {
		lsvm_pool_ramp_drop(pool, seat);
		return weight;
	}
	step = past * RAMP_STEPS / length;
	seat->due_ns =
		seat->ramp_ns + ((step + 1) * length + RAMP_STEPS - 1) / RAMP_STEPS;
	lsvm_pool_ramp_push(pool, seat);
	part = (uint64_t)weight * (RAMP_STEPS + (RAMP_STEPS - 1) * step) /
	       (RAMP_STEPS * RAMP_STEPS);
	return part ? (uint32_t)part : 1;
}

uint64_t lsvm_pool_deadline(const struct pool *pool)
{
	return pool->ramp_count ? due_at(pool, 0) : IO_NEVER;
}
