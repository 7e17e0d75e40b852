/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists of objects: matched by name, each item once. Of the items that both lists have,
 * as few as possible are said to have moved: those outside a longest run that kept its
 * order.
 */
#include "cluster/diff.h"

#include <stdlib.h>

#define NOWHERE UINT32_MAX

static const struct object *item_at(struct list list, const struct object_type *type,
				    uint32_t index)
{
	return (const struct object *)((const char *)list.items + index * type->size);
}

/* Places in b of a's items, and the reverse, by name; a name that is there twice counts
 * once. */
static void match(struct differ *d, struct list a, struct list b,
		  const struct object_type *type, uint32_t *from_a, uint32_t *from_b)
{
	struct map names = { 0 };

	for (uint32_t i = 0; i < b.count && !d->nomem; i++) {
		const char *name = lsvm_differ_name(d, item_at(b, type, i));
		int err = name ? lsvm_map_put(&names, name, strlen(name),
					      (void *)(uintptr_t)(i + 1), NULL)
			       : LSVM_ERR_NOMEM;

		d->nomem |= err == LSVM_ERR_NOMEM;
		from_b[i] = NOWHERE;
	}
	for (uint32_t i = 0; i < a.count && !d->nomem; i++) {
		const char *name = lsvm_differ_name(d, item_at(a, type, i));
		uintptr_t place = name ? (uintptr_t)lsvm_map_find(&names, name) : 0;

		d->nomem |= !name;
		from_a[i] = NOWHERE;
		if (!place || from_b[place - 1] != NOWHERE)
			continue;
		from_a[i] = (uint32_t)place - 1;
		from_b[place - 1] = i;
	}
	lsvm_map_free(&names);
}

/*
 * Patience: best[n] is the place in a of the last item of the run of length n + 1 that
 * ends smallest. Marks the items of a longest run in `kept`.
 */
static void find_kept(const uint32_t *from_a, uint32_t count, uint32_t *best,
		      uint32_t *before, bool *kept)
{
	uint32_t length = 0, at;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t low = 0, high = length;

		if (from_a[i] == NOWHERE)
			continue;
		if (length && from_a[best[length - 1]] < from_a[i])
			low = length; /* the ordinary case: nothing moved */
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;

			if (from_a[best[middle]] < from_a[i])
				low = middle + 1;
			else
				high = middle;
		}
		before[i] = low ? best[low - 1] : NOWHERE;
		best[low] = i;
		if (low == length)
			length++;
	}
	at = length ? best[length - 1] : NOWHERE;
	for (; at != NOWHERE; at = before[at])
		kept[at] = true;
}

static void say_moved(struct differ *d, const struct object *a, uint32_t new_index,
		      const char *path)
{
	struct lsvm_change *change;
	struct arena *arena = &d->changes->arena;
	const char *name = lsvm_differ_name(d, a);

	change = lsvm_differ_add(d, LSVM_CHANGE_MOVED,
				 lsvm_arena_printf(arena, "%s/%s", path, name));
	if (!change)
		return;
	change->old_value = lsvm_arena_printf(arena, "%u", a->index);
	change->new_value = lsvm_arena_printf(arena, "%u", new_index);
}

void lsvm_differ_list(struct differ *d, struct list a, struct list b,
		      const struct object_type *type, const char *path)
{
	size_t total = (size_t)a.count + b.count + 1;
	uint32_t *work = calloc(total * 4, sizeof(*work));
	uint32_t *from_a = work, *from_b = work + a.count, *best = work + total,
		 *before = work + total * 2;
	bool *kept = (bool *)(work + total * 3);

	if (!work || !path) {
		free(work);
		d->nomem = true;
		return;
	}
	match(d, a, b, type, from_a, from_b);
	if (!d->nomem)
		find_kept(from_a, a.count, best, before, kept);
	for (uint32_t i = 0; i < a.count && !d->nomem; i++) {
		const struct object *old = item_at(a, type, i);

		if (from_a[i] == NOWHERE) {
			lsvm_differ_item(d, old, NULL, path);
			continue;
		}
		if (!kept[i] && type->identity)
			say_moved(d, old, from_a[i], path);
		lsvm_differ_item(d, old, item_at(b, type, from_a[i]), path);
	}
	for (uint32_t i = 0; i < b.count && !d->nomem; i++)
		if (from_b[i] == NOWHERE)
			lsvm_differ_item(d, NULL, item_at(b, type, i), path);
	free(work);
}

/* ---- from one list to another ---- */

static const char *kind_and_name(struct differ *d, const struct object *object)
{
	return lsvm_arena_printf(&d->scratch, "%s %s", object->type->name,
				 lsvm_differ_name(d, object));
}

static const char *quoted(struct differ *d, const char *path)
{
	/* Names have no quotes, backslashes or controls. */
	return lsvm_arena_printf(&d->changes->arena, "\"%s\"", path);
}

/* A server that left one partition and came to another, a domain, a VIP. */
static void join(struct differ *d, size_t gone, size_t here)
{
	struct lsvm_change *removed = &d->changes->list.items[gone];
	struct lsvm_change *added = &d->changes->list.items[here];
	const struct object *a = removed->object, *b = added->object;
	const char *path = added->path;

	added->kind = LSVM_CHANGE_MOVED;
	added->old_value = quoted(d, removed->path);
	added->new_value = quoted(d, path);
	added->object = NULL;
	removed->kind = LSVM_CHANGE_UNKNOWN; /* swept out below */
	lsvm_differ_object(d, a, b, path);
}

static void sweep(struct lsvm_changes *changes)
{
	size_t kept = 0;

	for (size_t i = 0; i < changes->list.count; i++)
		if (changes->list.items[i].kind != LSVM_CHANGE_UNKNOWN)
			changes->list.items[kept++] = changes->list.items[i];
	changes->list.count = kept;
}

void lsvm_differ_join_moves(struct differ *d)
{
	size_t count = d->changes->list.count;
	struct map gone = { 0 };

	for (size_t i = 0; i < count && !d->nomem; i++) {
		const struct lsvm_change *change = &d->changes->list.items[i];
		const char *key;

		if (change->kind != LSVM_CHANGE_REMOVED || !change->object ||
		    !change->object->type->identity)
			continue;
		key = kind_and_name(d, change->object);
		if (!key ||
		    lsvm_map_put(&gone, key, strlen(key), (void *)(uintptr_t)(i + 1),
				 NULL) == LSVM_ERR_NOMEM)
			d->nomem = true;
	}
	for (size_t i = 0; gone.count && i < count && !d->nomem; i++) {
		const struct lsvm_change *change = &d->changes->list.items[i];
		const char *key;
		uintptr_t place;

		if (change->kind != LSVM_CHANGE_ADDED || !change->object ||
		    !change->object->type->identity)
			continue;
		key = kind_and_name(d, change->object);
		place = key ? (uintptr_t)lsvm_map_find(&gone, key) : 0;
		d->nomem |= !key;
		if (place &&
		    d->changes->list.items[place - 1].kind == LSVM_CHANGE_REMOVED)
			join(d, place - 1, i);
	}
	lsvm_map_free(&gone);
	sweep(d->changes);
}
