/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose turn is next: a heap of targets by time, four children to a node, so that a step
 * among 50,000 targets touches eight nodes at most. The times lie in the heap itself, and
 * the places of the targets in an array of their own: moving an entry does not touch the
 * target's memory, which is what a step among many would wait for. Room is made when a
 * target comes, and so setting a time cannot fail.
 */
#include "health/probe.h"

#define CHILDREN 4

static void put(struct health *health, uint32_t index, struct heap_entry entry)
{
	health->heap[index] = entry;
	health->places[entry.number] = index;
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
	const struct heap_entry entry = { due_ns, target->number };
	const uint32_t index = health->places[target->number];

	if (due_ns < health->heap[index].due_ns)
		rise(health, index, entry);
	else
		sink(health, index, entry);
}

void lsvm_heap_add(struct health *health, struct target *target, uint64_t due_ns)
{
	const struct heap_entry entry = { due_ns, target->number };

	rise(health, health->target_count++, entry);
}

void lsvm_heap_remove(struct health *health, struct target *target)
{
	const uint32_t index = health->places[target->number];
	const struct heap_entry last = health->heap[--health->target_count];

	if (last.number == target->number)
		return;
	if (last.due_ns < health->heap[index].due_ns)
		rise(health, index, last);
	else
		sink(health, index, last);
}
