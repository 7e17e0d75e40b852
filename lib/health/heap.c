/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose turn is next: a heap of targets by time, four children to a node, so that a step
 * among 50,000 targets touches eight nodes at most. The times lie in the heap itself, and
 * each target knows its place there. Room is made when a target comes, and so setting a
 * time cannot fail.
 */
#include "health/probe.h"

#define CHILDREN 4

static void put(struct health *health, uint32_t index, struct heap_entry entry)
{
	health->heap[index] = entry;
	entry.target->heap_index = index;
}

static void rise(struct health *health, uint32_t index, struct heap_entry entry)
{
	while (index) {
		const uint32_t parent = (index - 1) / CHILDREN;

		if (health->heap[parent].due_ns <= entry.due_ns)
			break;
		put(health, index, health->heap[parent]);
		index = parent;
	}
	put(health, index, entry);
}

static void sink(struct health *health, uint32_t index, struct heap_entry entry)
{
	for (;;) {
		const uint32_t first = index * CHILDREN + 1;
		uint32_t least = first;

		if (first >= health->target_count)
			break;
		for (uint32_t child = first + 1;
		     child < first + CHILDREN && child < health->target_count; child++)
			if (health->heap[child].due_ns < health->heap[least].due_ns)
				least = child;
		if (health->heap[least].due_ns >= entry.due_ns)
			break;
		put(health, index, health->heap[least]);
		index = least;
	}
	put(health, index, entry);
}

void lsvm_heap_set(struct health *health, struct target *target, uint64_t due_ns)
{
	const struct heap_entry entry = { due_ns, target };
	const uint32_t index = target->heap_index;

	if (due_ns < health->heap[index].due_ns)
		rise(health, index, entry);
	else
		sink(health, index, entry);
}

void lsvm_heap_add(struct health *health, struct target *target, uint64_t due_ns)
{
	const struct heap_entry entry = { due_ns, target };

	rise(health, health->target_count++, entry);
}

void lsvm_heap_remove(struct health *health, struct target *target)
{
	const uint32_t index = target->heap_index;
	const struct heap_entry last = health->heap[--health->target_count];

	if (last.target == target)
		return;
	health->heap[index].target = last.target;
	last.target->heap_index = index;
	lsvm_heap_set(health, last.target, last.due_ns);
}
