/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A live director as if it had been given its table afresh.
 *
 * sh, mh and dh fill their tables in the order in which destinations were added, and mh
 * keeps the slots of a drained one by the weight that it last had: two directors with
 * different histories send clients to different servers. What a fresh one does is the
 * canonical order, so that is what a live one is brought to.
 *
 * The kernel puts an addition first in its list and moves nothing else, so a destination
 * is moved by removing and adding it at once. Its connections wait in the kernel's trash
 * in between and are revived (ip_vs_trash_get_dest in net/netfilter/ipvs/ip_vs_ctl.c),
 * unless expire_nodest_conn ends them: it must be 0 meanwhile. Those stay that are the
 * beginning of the order already; the rest is moved, in order. Who comes while a server
 * is away is sent to another one of the service.
 */
#include "ipvs/table.h"

#include <stdlib.h>

struct aged {
	const struct ipvs_destination *wanted, *present; /* present NULL: new */
	uint32_t last_weight; /* of a drained one, as far as anybody knows */
};

static bool remembers(const struct ipvs_service *service)
{
	return strcmp(service->scheduler, "sh") == 0 ||
	       strcmp(service->scheduler, "mh") == 0 ||
	       strcmp(service->scheduler, "dh") == 0;
}

static int by_age(const void *a, const void *b)
{
	const struct aged *x = a, *y = b;
	const uint32_t p = x->present ? x->present->position : 0;
	const uint32_t q = y->present ? y->present->position : 0;

	if (!x->present != !y->present)
		return x->present ? -1 : 1;
	if (p != q)
		return p > q ? -1 : 1;
	return lsvm_ipvs_destination_compare(x->wanted, y->wanted);
}

/* What a drained one weighed before is part of its history: the kernel does not tell it,
 * and what it weighs now is not always what it should have weighed. */
static bool is_unclear(const struct ipvs_service *service, const struct aged *aged)
{
	return strcmp(service->scheduler, "mh") == 0 && aged->present &&
	       !aged->wanted->weight &&
	       (!aged->present->weight || aged->present->weight != aged->last_weight);
}

/* How many of the wanted ones, from the first, stay where they are. */
static size_t count_staying(const struct ipvs_service *service, struct aged *aged)
{
	const size_t count = service->destinations.count;
	size_t staying = 0;

	qsort(aged, count, sizeof(*aged), by_age);
	for (size_t i = 0; i < count && staying < count; i++)
		if (aged[i].wanted == &service->destinations.items[staying]) {
			if (is_unclear(service, &aged[i]))
				break;
			staying++;
		}
	return staying;
}

static bool put(struct ipvs_changes *changes, enum ipvs_change_kind kind,
		const struct ipvs_service *service,
		const struct ipvs_destination *destination, uint32_t weight,
		const struct ipvs_destination *before)
{
	struct ipvs_change *item = vec_push(&changes->list);

	if (!item)
		return false;
	*item = (struct ipvs_change){ .kind = kind,
				      .weight = weight,
				      .service = service,
				      .destination = destination,
				      .destination_before = before };
	return true;
}

static const struct ipvs_destination *find(const struct ipvs_service *service,
					   const struct ipvs_destination *destination)
{
	return service && service->destinations.count
		       ? bsearch(destination, service->destinations.items,
				 service->destinations.count, sizeof(*destination),
				 (int (*)(const void *,
					  const void *))lsvm_ipvs_destination_compare)
		       : NULL;
}

static uint32_t last_weight_of(const struct ipvs_destination *wanted,
			       const struct ipvs_destination *owned)
{
	if (wanted->last_weight || !owned)
		return wanted->last_weight;
	return owned->weight ? owned->weight : owned->last_weight;
}

/* As change.c adds it to a service that is new. */
static bool move(struct ipvs_changes *changes, const struct ipvs_service *service,
		 const struct ipvs_destination *to,
		 const struct ipvs_destination *present, uint32_t last)
{
	const bool drains = !to->weight && last && strcmp(service->scheduler, "dh") != 0;

	return put(changes, IPVS_DESTINATION_DELETE, service, to, 0, NULL) &&
	       put(changes, IPVS_DESTINATION_ADD, service, to, drains ? last : to->weight,
		   present) &&
	       (!drains || put(changes, IPVS_DESTINATION_EDIT, service, to, 0, present));
}

static bool reorder(const struct ipvs_service *service,
		    const struct ipvs_service *present, const struct ipvs_service *owned,
		    struct ipvs_changes *changes)
{
	const size_t count = service->destinations.count;
	struct aged *aged = calloc(count + 1, sizeof(*aged));
	bool good = aged != NULL;
	size_t staying;

	for (size_t i = 0; good && i < count; i++) {
		aged[i].wanted = &service->destinations.items[i];
		aged[i].present = find(present, aged[i].wanted);
		aged[i].last_weight =
			last_weight_of(aged[i].wanted, find(owned, aged[i].wanted));
	}
	staying = good ? count_staying(service, aged) : count;
	for (size_t i = staying; good && i < count; i++) {
		const struct ipvs_destination *to = &service->destinations.items[i];

		good = move(changes, service, to, find(present, to),
			    last_weight_of(to, find(owned, to)));
	}
	free(aged);
	return good;
}

int lsvm_ipvs_changes_reorder(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *present,
			      const struct lsvm_ipvs_table *owned,
			      const struct lsvm_ipvs_table *wanted,
			      struct ipvs_changes *changes)
{
	for (size_t i = 0; i < wanted->services.count; i++) {
		const struct ipvs_service *service = &wanted->services.items[i];
		const struct ipvs_service *had =
			lsvm_ipvs_table_lookup(present, &service->key);

		/* One that is new has no history. */
		if (!had || !remembers(service))
			continue;
		if (!reorder(service, had,
			     owned ? lsvm_ipvs_table_lookup(owned, &service->key) : NULL,
			     changes))
			return lsvm_fail_nomem(ctx);
	}
	return 0;
}

bool lsvm_ipvs_is_move(const struct ipvs_change *first, const struct ipvs_change *second)
{
	return first->kind == IPVS_DESTINATION_DELETE &&
	       second->kind == IPVS_DESTINATION_ADD &&
	       lsvm_ipvs_key_compare(&first->service->key, &second->service->key) == 0 &&
	       lsvm_ipvs_destination_compare(first->destination, second->destination) ==
		       0;
}
