/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The changes between two tables, gathered by service, and each service looked at. */
#include "impact/impact.h"

#include <stdio.h>
#include <stdlib.h>

static int by_service(const void *a, const void *b)
{
	const struct ipvs_change *x = *(const struct ipvs_change *const *)a;
	const struct ipvs_change *y = *(const struct ipvs_change *const *)b;
	int order = lsvm_ipvs_key_compare(&x->service->key, &y->service->key);

	return order ? order : x < y ? -1 : x > y;
}

static int by_address(const void *a, const void *b)
{
	const struct impact_destination *x = a, *y = b;
	int order = lsvm_addr_compare(&x->addr, &y->addr);

	return order ? order : (int)x->port - (int)y->port;
}

struct impact_destination *lsvm_impact_find(struct impact_service *service,
					    const struct addr *addr, uint16_t port)
{
	const struct impact_destination key = { .addr = *addr, .port = port };

	if (!service->destinations.count)
		return NULL;
	return bsearch(&key, service->destinations.items, service->destinations.count,
		       sizeof(key), by_address);
}

void lsvm_impact_raise(struct impact_service *service, enum lsvm_impact_level level)
{
	if (level > service->level)
		service->level = level;
}

void lsvm_impact_add_note(struct impact_case *c, const char *code, const char *fmt, ...)
{
	struct impact_note *note = vec_push(&c->service->notes);
	char text[LSVM_ERROR_TEXT_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!note) {
		c->impact->arena.failed = true;
		return;
	}
	note->code = code;
	note->text = lsvm_arena_strdup(&c->impact->arena, text);
}

/* ---- the destinations before and after ---- */

static struct impact_destination *push(struct impact_case *c,
				       const struct ipvs_destination *from)
{
	struct impact_destination *slot = vec_push(&c->service->destinations);

	if (!slot) {
		c->impact->arena.failed = true;
		return NULL;
	}
	slot->addr = from->addr;
	slot->port = from->port;
	return slot;
}

/* It is listed already: removed just now, to be added again. */
static bool is_moved(const struct impact_case *c, size_t index)
{
	return index && lsvm_ipvs_is_move(c->changes[index - 1], c->changes[index]);
}

static void list_destinations(struct impact_case *c)
{
	struct impact_service *service = c->service;

	for (size_t i = 0; c->present && i < c->present->destinations.count; i++) {
		const struct ipvs_destination *from = &c->present->destinations.items[i];
		struct impact_destination *slot = push(c, from);

		if (slot) {
			slot->was = slot->is = true;
			slot->weight_before = slot->weight_after = from->weight;
		}
	}
	for (size_t i = 0; i < c->change_count; i++)
		if (c->changes[i]->kind == IPVS_DESTINATION_ADD && !is_moved(c, i))
			push(c, c->changes[i]->destination);
	if (service->destinations.count)
		qsort(service->destinations.items, service->destinations.count,
		      sizeof(*service->destinations.items), by_address);
}

/* What the changes make of them. */
static void follow_destinations(struct impact_case *c)
{
	for (size_t i = 0; i < c->change_count; i++) {
		const struct ipvs_change *change = c->changes[i];
		struct impact_destination *at;

		if (change->kind < IPVS_DESTINATION_ADD ||
		    change->kind > IPVS_DESTINATION_DELETE)
			continue;
		at = lsvm_impact_find(c->service, &change->destination->addr,
				      change->destination->port);
		if (!at)
			continue;
		at->is = change->kind != IPVS_DESTINATION_DELETE;
		at->weight_after = at->is ? change->weight : 0;
	}
	for (size_t i = 0; !c->wanted && i < c->service->destinations.count; i++) {
		c->service->destinations.items[i].is = false;
		c->service->destinations.items[i].weight_after = 0;
	}
}

/* ---- the machines before and after ---- */

/* The present service; of a drained destination the kernel does not tell what it weighed,
 * but what was applied last may. */
static int make_before(struct impact_case *c, const struct ipvs_service *owned,
		       struct lsvm_sched **ret)
{
	struct ipvs_service copy = *c->present;
	size_t count = copy.destinations.count;
	int err;

	copy.destinations.items = malloc((count + 1) * sizeof(*copy.destinations.items));
	if (!copy.destinations.items)
		return lsvm_fail_nomem(c->impact->ctx);
	for (size_t i = 0, j = 0; i < count; i++) {
		struct ipvs_destination *to = &copy.destinations.items[i];

		*to = c->present->destinations.items[i];
		while (owned && j < owned->destinations.count &&
		       lsvm_ipvs_destination_compare(&owned->destinations.items[j], to) <
			       0)
			j++;
		if (owned && j < owned->destinations.count && !to->weight &&
		    !to->last_weight &&
		    !lsvm_ipvs_destination_compare(&owned->destinations.items[j], to))
			to->last_weight =
				owned->destinations.items[j].weight
					? owned->destinations.items[j].weight
					: owned->destinations.items[j].last_weight;
	}
	err = lsvm_sched_create(c->impact->ctx, &copy, ret);
	free(copy.destinations.items);
	return err;
}

static int follow_one(struct lsvm_sched *s, const struct ipvs_change *change)
{
	const struct ipvs_destination *to = change->destination;
	struct sched_dest *dest;

	if (change->kind == IPVS_SERVICE_EDIT)
		return lsvm_sched_service_edit(s, change->service);
	if (change->kind == IPVS_DESTINATION_ADD)
		return lsvm_sched_dest_add(s, &to->addr, to->port, change->weight,
					   to->upper_threshold, to->lower_threshold,
					   &dest);
	if (change->kind != IPVS_DESTINATION_EDIT &&
	    change->kind != IPVS_DESTINATION_DELETE)
		return 0;
	dest = lsvm_sched_dest_lookup(s, &to->addr, to->port);
	if (!dest || !dest->present)
		return 0;
	if (change->kind == IPVS_DESTINATION_DELETE)
		return lsvm_sched_dest_remove(s, dest);
	return lsvm_sched_dest_edit(s, dest, change->weight, to->upper_threshold,
				    to->lower_threshold);
}

static int make_after(struct impact_case *c, const struct ipvs_service *owned,
		      struct lsvm_sched **ret)
{
	struct ipvs_service fresh;
	struct lsvm_sched *s;
	int err;

	if (c->present) {
		err = make_before(c, owned, &s);
	} else {
		fresh = *c->wanted;
		memset(&fresh.destinations, 0, sizeof(fresh.destinations));
		err = lsvm_sched_create(c->impact->ctx, &fresh, &s);
	}
	if (err < 0)
		return err;
	for (size_t i = 0; i < c->change_count && err >= 0; i++)
		err = follow_one(s, c->changes[i]);
	if (err < 0) {
		lsvm_sched_free(s);
		return err;
	}
	*ret = s;
	return 0;
}

/* A scheduler that nobody can foretell is no failure. */
static int make_machines(struct impact_case *c, const struct ipvs_service *owned)
{
	int err = c->present ? make_before(c, owned, &c->before) : 0;

	if (err >= 0 && c->wanted)
		err = make_after(c, owned, &c->after);
	c->is_foretold = err >= 0;
	if (err >= 0 || err == LSVM_ERR_NOMEM)
		return err;
	lsvm_impact_add_note(c, "unforeseen", "%s", lsvm_ctx_error_text(c->impact->ctx));
	lsvm_impact_raise(c->service, LSVM_IMPACT_LEVEL_NEW);
	lsvm_sched_free(c->before);
	c->before = NULL;
	return 0;
}

/* ---- all services ---- */

struct work {
	struct lsvm_impact *impact;
	const struct lsvm_ipvs_table *present, *wanted, *owned;
	const struct ipvs_change **changes;
	size_t count;
	size_t left4, left6; /* services of each family in the end */
	uint32_t flags;
};

static bool goes(const struct ipvs_change *const *changes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (changes[i]->kind == IPVS_SERVICE_DELETE)
			return true;
	return false;
}

static int look_at(struct work *work, const struct ipvs_change *const *changes,
		   size_t count)
{
	const struct ipvs_key *key = &changes[0]->service->key;
	const struct ipvs_service *owned =
		work->owned ? lsvm_ipvs_table_lookup(work->owned, key) : NULL;
	struct impact_case c = {
		.impact = work->impact,
		.service = vec_push(&work->impact->services),
		.present = lsvm_ipvs_table_lookup(work->present, key),
		.wanted = goes(changes, count)
				  ? NULL
				  : lsvm_ipvs_table_lookup(work->wanted, key),
		.changes = changes,
		.change_count = count,
		.flags = work->flags,
		.family_ends = !(key->addr.family == 4 ? work->left4 : work->left6),
	};
	int err;

	if (!c.service)
		return lsvm_fail_nomem(work->impact->ctx);
	c.service->key = *key;
	c.service->level = LSVM_IMPACT_LEVEL_NONE;
	list_destinations(&c);
	follow_destinations(&c);
	err = make_machines(&c, owned);
	if (err >= 0)
		err = lsvm_impact_connections(&c);
	if (err >= 0 && c.is_foretold)
		err = lsvm_impact_clients(&c);
	if (err >= 0)
		lsvm_impact_notes(&c);
	lsvm_sched_free(c.before);
	lsvm_sched_free(c.after);
	if (c.service->level > work->impact->level)
		work->impact->level = c.service->level;
	return err;
}

/* How many services of each family stand when all is done. */
static void count_families(struct work *work)
{
	for (size_t i = 0; i < work->present->services.count; i++)
		*(work->present->services.items[i].key.addr.family == 4 ? &work->left4
									: &work->left6) +=
			1;
	for (size_t i = 0; i < work->count; i++) {
		const struct ipvs_change *change = work->changes[i];
		size_t *left = change->service->key.addr.family == 4 ? &work->left4
								     : &work->left6;

		*left += change->kind == IPVS_SERVICE_ADD;
		*left -= change->kind == IPVS_SERVICE_DELETE;
	}
}

static int look_at_all(struct work *work, const struct ipvs_changes *changes)
{
	int err = 0;

	work->changes = malloc((changes->list.count + 1) * sizeof(*work->changes));
	if (!work->changes)
		return lsvm_fail_nomem(work->impact->ctx);
	for (size_t i = 0; i < changes->list.count; i++)
		if (changes->list.items[i].kind <= IPVS_DESTINATION_DELETE)
			work->changes[work->count++] = &changes->list.items[i];
	qsort(work->changes, work->count, sizeof(*work->changes), by_service);
	count_families(work);
	for (size_t i = 0, end; i < work->count && err >= 0; i = end) {
		for (end = i + 1; end < work->count; end++)
			if (lsvm_ipvs_key_compare(&work->changes[i]->service->key,
						  &work->changes[end]->service->key))
				break;
		err = look_at(work, work->changes + i, end - i);
	}
	free(work->changes);
	if (err >= 0 && work->impact->arena.failed)
		err = lsvm_fail_nomem(work->impact->ctx);
	return err;
}

int lsvm_impact_compute(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *present,
			const struct lsvm_ipvs_table *wanted,
			const struct lsvm_ipvs_table *owned, uint32_t flags,
			struct lsvm_impact **ret)
{
	struct lsvm_impact *impact = calloc(1, sizeof(*impact));
	struct work work = { .impact = impact,
			     .present = present,
			     .wanted = wanted,
			     .owned = owned,
			     .flags = flags };
	struct ipvs_changes changes = { 0 };
	int err;

	if (!impact)
		return lsvm_fail_nomem(ctx);
	impact->ctx = lsvm_ctx_ref(ctx);
	impact->level = LSVM_IMPACT_LEVEL_NONE;
	err = lsvm_ipvs_changes_compute(ctx, present, owned, wanted, &changes);
	if (err >= 0 && flags & LSVM_IMPACT_REORDERS)
		err = lsvm_ipvs_changes_reorder(ctx, present, owned, wanted, &changes);
	if (err >= 0)
		err = look_at_all(&work, &changes);
	lsvm_ipvs_changes_clear(&changes);
	if (err < 0) {
		lsvm_impact_free(impact);
		return err;
	}
	*ret = impact;
	return 0;
}

void lsvm_impact_free(struct lsvm_impact *impact)
{
	if (!impact)
		return;
	for (size_t i = 0; i < impact->services.count; i++) {
		vec_free(&impact->services.items[i].destinations);
		vec_free(&impact->services.items[i].notes);
	}
	vec_free(&impact->services);
	lsvm_arena_free(&impact->arena);
	lsvm_ctx_unref(impact->ctx);
	free(impact);
}
