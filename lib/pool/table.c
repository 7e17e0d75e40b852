/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table that is wanted now, as a table of its own. */
#include "pool/private.h"

#include <stdlib.h>

static bool copy_destinations(struct ipvs_service *to, const struct ipvs_service *from)
{
	size_t count = from->destinations.count;

	if (!count)
		return true;
	to->destinations.items = malloc(count * sizeof(*to->destinations.items));
	if (!to->destinations.items)
		return false;
	memcpy(to->destinations.items, from->destinations.items,
	       count * sizeof(*to->destinations.items));
	to->destinations.count = to->destinations.capacity = count;
	for (size_t i = 0; i < count; i++) {
		to->destinations.items[i].counters = NULL;
		to->destinations.items[i].extra = NULL;
	}
	return true;
}

int lsvm_pool_copy_table(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *from,
			 bool destinations, struct lsvm_ipvs_table **ret)
{
	struct lsvm_ipvs_table *table;
	int err = lsvm_ipvs_table_alloc(ctx, &table);

	if (err < 0)
		return err;
	table->timeouts = from->timeouts;
	table->master = from->master;
	table->backup = from->backup;
	for (size_t i = 0; i < from->services.count; i++) {
		struct ipvs_service *to = lsvm_ipvs_table_push(table);

		if (to) {
			*to = from->services.items[i];
			to->counters = NULL;
			to->extra = NULL;
			memset(&to->destinations, 0, sizeof(to->destinations));
		}
		if (!to ||
		    (destinations && !copy_destinations(to, &from->services.items[i]))) {
			lsvm_ipvs_table_unref(table);
			return lsvm_fail_nomem(ctx);
		}
	}
	*ret = table;
	return 0;
}

static bool add_seat(struct ipvs_service *service, const struct seat *seat)
{
	struct ipvs_destination *to;

	if (!seat->in)
		return true;
	to = lsvm_ipvs_service_push(service);
	if (!to)
		return false;
	*to = *seat->destination;
	to->weight = seat->weight;
	if (!seat->weight)
		to->last_weight = seat->destination->weight;
	return true;
}

int lsvm_pool_table(struct pool *pool, struct lsvm_ipvs_table **ret)
{
	struct lsvm_ipvs_table *table;
	bool whole = true;
	int err = 0;

	if (!pool->table_stale) {
		*ret = pool->table;
		return 0;
	}
	err = lsvm_pool_copy_table(pool->ctx, pool->full, false, &table);
	if (err < 0)
		return err;
	for (uint32_t i = 0; whole && i < pool->seat_count; i++)
		whole = add_seat(&table->services.items[pool->seats[i].group],
				 &pool->seats[i]);
	err = whole ? lsvm_ipvs_table_seal(table) : lsvm_fail_nomem(pool->ctx);
	if (err < 0) {
		lsvm_ipvs_table_unref(table);
		return err;
	}
	lsvm_ipvs_table_unref(pool->table);
	pool->table = table;
	pool->table_stale = false;
	*ret = table;
	return 0;
}
