/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * IPVS tables as values: filled in any order, then sealed into the canonical one.
 *
 * The order matters beyond neatness: sh and mh build their tables from the order in which
 * destinations are added, so every director must add them in the same one. Sealing sorts
 * services by key and destinations by family, address and port, and finds duplicates.
 * It also gives a service without persistence the full netmask, which is what everybody
 * sends for "does not matter".
 */
#include "ipvs/table.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

int lsvm_ipvs_table_alloc(struct lsvm_ctx *ctx, struct lsvm_ipvs_table **ret)
{
	struct lsvm_ipvs_table *table = calloc(1, sizeof(*table));

	if (!table)
		return lsvm_fail_nomem(ctx);
	atomic_init(&table->refs, 1);
	table->ctx = lsvm_ctx_ref(ctx);
	*ret = table;
	return 0;
}

int lsvm_ipvs_table_new(struct lsvm_ctx *ctx, struct lsvm_ipvs_table **ret)
{
	int err = lsvm_ipvs_table_alloc(ctx, ret);

	return err ? err : lsvm_ipvs_table_seal(*ret);
}

struct lsvm_ipvs_table *lsvm_ipvs_table_ref(struct lsvm_ipvs_table *table)
{
	atomic_fetch_add(&table->refs, 1);
	return table;
}

void lsvm_ipvs_table_unref(struct lsvm_ipvs_table *table)
{
	if (!table || atomic_fetch_sub(&table->refs, 1) != 1)
		return;
	for (size_t i = 0; i < table->services.count; i++)
		vec_free(&table->services.items[i].destinations);
	vec_free(&table->services);
	lsvm_arena_free(&table->arena);
	lsvm_ctx_unref(table->ctx);
	free(table);
}

struct ipvs_service *lsvm_ipvs_table_push(struct lsvm_ipvs_table *table)
{
	return vec_push(&table->services);
}

struct ipvs_destination *lsvm_ipvs_service_push(struct ipvs_service *service)
{
	return vec_push(&service->destinations);
}

#define ORDER(a, b)                                                                      \
	do {                                                                             \
		if ((a) != (b))                                                          \
			return (a) < (b) ? -1 : 1;                                       \
	} while (0)

int lsvm_ipvs_key_compare(const struct ipvs_key *a, const struct ipvs_key *b)
{
	int order;

	ORDER(a->fwmark, b->fwmark);
	order = lsvm_addr_compare(&a->addr, &b->addr);
	if (order)
		return order;
	ORDER(a->protocol, b->protocol);
	ORDER(a->port, b->port);
	return 0;
}

int lsvm_ipvs_destination_compare(const struct ipvs_destination *a,
				  const struct ipvs_destination *b)
{
	int order = lsvm_addr_compare(&a->addr, &b->addr);

	if (order)
		return order;
	ORDER(a->port, b->port);
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return lsvm_ipvs_key_compare(&((const struct ipvs_service *)a)->key,
				     &((const struct ipvs_service *)b)->key);
}

static int by_endpoint(const void *a, const void *b)
{
	return lsvm_ipvs_destination_compare(a, b);
}

static bool is_sorted(const void *items, size_t count, size_t size,
		      int (*compare)(const void *, const void *))
{
	const char *at = items;

	for (size_t i = 1; i < count; i++, at += size)
		if (compare(at, at + size) >= 0)
			return false;
	return true;
}

/* Plans and kernels alike mostly give sorted input: qsort is called only when needed. */
static void sort(void *items, size_t count, size_t size,
		 int (*compare)(const void *, const void *))
{
	if (!is_sorted(items, count, size, compare))
		qsort(items, count, size, compare);
}

static int seal_service(struct lsvm_ctx *ctx, struct ipvs_service *service)
{
	struct ipvs_destination *items = service->destinations.items;
	size_t count = service->destinations.count;
	char key[LSVM_ADDRESS_TEXT_BYTES * 2], endpoint[LSVM_ADDRESS_TEXT_BYTES];

	if (!(service->flags & IP_VS_SVC_F_PERSISTENT) && !service->netmask)
		service->netmask = service->key.addr.family == 6 ? 128 : 0xffffffff;
	sort(items, count, sizeof(*items), by_endpoint);
	for (size_t i = 1; i < count; i++)
		if (by_endpoint(&items[i - 1], &items[i]) == 0)
			return lsvm_fail(
				ctx, LSVM_ERR_EXISTS,
				"service %s has the destination %s twice; keep one "
				"of them",
				lsvm_ipvs_key_text(&service->key, key),
				lsvm_endpoint_text(&items[i].addr, items[i].port,
						   endpoint));
	return 0;
}

int lsvm_ipvs_table_seal(struct lsvm_ipvs_table *table)
{
	struct ipvs_service *items = table->services.items;
	size_t count = table->services.count;
	char key[LSVM_ADDRESS_TEXT_BYTES * 2];

	sort(items, count, sizeof(*items), by_key);
	for (size_t i = 1; i < count; i++)
		if (by_key(&items[i - 1], &items[i]) == 0)
			return lsvm_fail(table->ctx, LSVM_ERR_EXISTS,
					 "service %s is there twice; keep one of them",
					 lsvm_ipvs_key_text(&items[i].key, key));
	for (size_t i = 0; i < count; i++) {
		int err = seal_service(table->ctx, &items[i]);

		if (err)
			return err;
	}
	if (table->arena.failed)
		return lsvm_fail_nomem(table->ctx);
	table->sealed = true;
	return 0;
}

static int key_to_service(const void *key, const void *service)
{
	return lsvm_ipvs_key_compare(key, &((const struct ipvs_service *)service)->key);
}

struct ipvs_service *lsvm_ipvs_table_lookup(const struct lsvm_ipvs_table *table,
					    const struct ipvs_key *key)
{
	if (!table->services.count)
		return NULL;
	return bsearch(key, table->services.items, table->services.count,
		       sizeof(*table->services.items), key_to_service);
}

const char *lsvm_ipvs_key_text(const struct ipvs_key *key, char *buf)
{
	const size_t size = LSVM_ADDRESS_TEXT_BYTES * 2;
	char endpoint[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_endpoint_text(&key->addr, key->port, endpoint);
	if (key->fwmark)
		snprintf(buf, size, "mark %u %s", key->fwmark,
			 key->addr.family == 6 ? "ipv6" : "ipv4");
	else if (key->protocol == IPPROTO_TCP)
		snprintf(buf, size, "tcp %s", endpoint);
	else if (key->protocol == IPPROTO_UDP)
		snprintf(buf, size, "udp %s", endpoint);
	else if (key->protocol == IPPROTO_SCTP)
		snprintf(buf, size, "sctp %s", endpoint);
	else
		snprintf(buf, size, "protocol %u %s", key->protocol, endpoint);
	return buf;
}
