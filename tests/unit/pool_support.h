/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of pools share: a director's table, facts by name, a table that edits
 * are done to. */
#ifndef LSVM_TESTS_UNIT_POOL_SUPPORT_H
#define LSVM_TESTS_UNIT_POOL_SUPPORT_H

#include "plan/plan.h"
#include "pool/pool.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#define POOL_HEAD                                                                        \
	"name: small\n"                                                                  \
	"networks:\n"                                                                    \
	"  - {name: front, subnets: 192.0.2.0/24}\n"                                     \
	"  - {name: back, subnets: 10.1.0.0/24}\n"                                       \
	"  - {name: far, subnets: 10.2.0.0/24}\n"                                        \
	"directors:\n"                                                                   \
	"  - {name: eds1, interfaces: [{network: front, addresses: 192.0.2.11}, "        \
	"{network: back, addresses: 10.1.0.11}]}\n"                                      \
	"servers:\n"                                                                     \
	"  - {name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}, "        \
	"{network: far, addresses: 10.2.0.21}]}\n"                                       \
	"  - {name: eps2, interfaces: [{network: front, addresses: 192.0.2.22}, "        \
	"{network: far, addresses: 10.2.0.22}]}\n"                                       \
	"  - {name: eps3, interfaces: [{network: front, addresses: 192.0.2.23}, "        \
	"{network: far, addresses: 10.2.0.23}]}\n"                                       \
	"  - {name: sorry, interfaces: [{network: front, addresses: 192.0.2.29}]}\n"     \
	"backends:\n"                                                                    \
	"  - {name: db1, interfaces: [{network: front, addresses: 192.0.2.31}]}\n"       \
	"  - {name: db2, interfaces: [{network: front, addresses: 192.0.2.32}]}\n"       \
	"  - {name: remote, interfaces: [{network: far, addresses: 10.2.0.31}]}\n"

struct pool_world {
	struct lsvm_ctx *ctx;
	struct lsvm_cluster *cluster;
	struct lsvm_plan *plan;
	struct pool *pool;
	struct lsvm_ipvs_table *shadow; /* what a kernel would hold after all edits */
	uint64_t now_ns;
};

static inline struct lsvm_cluster *pool_load(struct lsvm_ctx *ctx, const char *text)
{
	struct lsvm_findings *findings;
	struct lsvm_cluster *cluster = NULL;
	int err;

	assert_int_equal(lsvm_findings_new(ctx, &findings), 0);
	err = lsvm_cluster_load(ctx, text, strlen(text), LSVM_FORMAT_YAML, findings,
				&cluster);
	for (size_t i = 0; err < 0 && i < lsvm_findings_count(findings); i++)
		print_message("%u: %s [%s]\n",
			      lsvm_finding_line(lsvm_findings_at(findings, i)),
			      lsvm_finding_text(lsvm_findings_at(findings, i)),
			      lsvm_finding_code(lsvm_findings_at(findings, i)));
	assert_int_equal(err, 0);
	lsvm_findings_free(findings);
	return cluster;
}

static inline struct ipvs_service *pool_shadow_service(const struct lsvm_ipvs_table *t,
						       const struct ipvs_key *key)
{
	for (size_t i = 0; i < t->services.count; i++)
		if (lsvm_ipvs_key_compare(&t->services.items[i].key, key) == 0)
			return &t->services.items[i];
	return NULL;
}

/* A copy that can be edited. */
static inline struct lsvm_ipvs_table *pool_copy(struct lsvm_ctx *ctx,
						const struct lsvm_ipvs_table *from)
{
	struct lsvm_ipvs_table *table;

	assert_int_equal(lsvm_ipvs_table_alloc(ctx, &table), 0);
	for (size_t i = 0; i < from->services.count; i++) {
		struct ipvs_service *to = lsvm_ipvs_table_push(table);

		*to = from->services.items[i];
		memset(&to->destinations, 0, sizeof(to->destinations));
		for (size_t j = 0; j < from->services.items[i].destinations.count; j++)
			*lsvm_ipvs_service_push(to) =
				from->services.items[i].destinations.items[j];
	}
	assert_int_equal(lsvm_ipvs_table_seal(table), 0);
	return table;
}

static inline uint32_t pool_positive(const struct ipvs_service *service)
{
	uint32_t count = 0;

	for (size_t i = 0; i < service->destinations.count; i++)
		count += service->destinations.items[i].weight != 0;
	return count;
}

/* Does one edit; it must fit what is there, as a kernel would ask. */
static inline struct ipvs_service *pool_edit(struct lsvm_ipvs_table *table,
					     const struct ipvs_change *change)
{
	struct ipvs_service *service = pool_shadow_service(table, &change->service->key);
	struct ipvs_destination *at = NULL;

	assert_non_null(service);
	for (size_t i = 0; i < service->destinations.count; i++)
		if (lsvm_ipvs_destination_compare(&service->destinations.items[i],
						  change->destination) == 0)
			at = &service->destinations.items[i];
	if (change->kind == IPVS_DESTINATION_ADD) {
		assert_null(at);
		at = lsvm_ipvs_service_push(service);
		*at = *change->destination;
		at->weight = change->weight;
	} else if (change->kind == IPVS_DESTINATION_EDIT) {
		assert_non_null(at);
		assert_int_not_equal(at->weight, change->weight);
		at->weight = change->weight;
	} else {
		assert_int_equal(change->kind, IPVS_DESTINATION_DELETE);
		assert_non_null(at);
		*at = service->destinations.items[--service->destinations.count];
	}
	return service;
}

static inline void pool_assert_equal(const struct lsvm_ipvs_table *a,
				     struct lsvm_ipvs_table *shadow)
{
	assert_int_equal(lsvm_ipvs_table_seal(shadow), 0);
	assert_int_equal(a->services.count, shadow->services.count);
	for (size_t i = 0; i < a->services.count; i++) {
		const struct ipvs_service *x = &a->services.items[i],
					  *y = &shadow->services.items[i];

		assert_int_equal(x->destinations.count, y->destinations.count);
		for (size_t j = 0; j < x->destinations.count; j++) {
			assert_int_equal(
				lsvm_ipvs_destination_compare(&x->destinations.items[j],
							      &y->destinations.items[j]),
				0);
			assert_int_equal(x->destinations.items[j].weight,
					 y->destinations.items[j].weight);
		}
	}
}

/* All edits there are; afterwards the shadow is the table that the pool wants. */
static inline size_t pool_pull(struct pool_world *w)
{
	struct lsvm_ipvs_table *table;
	struct ipvs_change change;
	size_t count = 0;

	while (lsvm_pool_next_change(w->pool, &change)) {
		pool_edit(w->shadow, &change);
		count++;
	}
	assert_int_equal(lsvm_pool_table(w->pool, &table), 0);
	pool_assert_equal(table, w->shadow);
	return count;
}

static inline void pool_world_text(struct pool_world *w, const char *text)
{
	struct lsvm_ipvs_table *table;

	memset(w, 0, sizeof(*w));
	w->now_ns = 1000 * IO_S;
	assert_int_equal(lsvm_ctx_new(&w->ctx), 0);
	w->cluster = pool_load(w->ctx, text);
	assert_int_equal(
		lsvm_plan_compile(w->ctx, w->cluster, "eds1", LSVM_DUTY_AUTO, &w->plan),
		0);
	assert_int_equal(lsvm_pool_new(w->ctx, w->cluster, w->plan->wanted->ipvs, NULL,
				       w->now_ns, &w->pool),
			 0);
	assert_int_equal(lsvm_pool_table(w->pool, &table), 0);
	w->shadow = pool_copy(w->ctx, table);
}

static inline void pool_world_free(struct pool_world *w)
{
	lsvm_pool_free(w->pool);
	lsvm_ipvs_table_unref(w->shadow);
	lsvm_plan_unref(w->plan);
	lsvm_cluster_unref(w->cluster);
	lsvm_ctx_unref(w->ctx);
}

static inline size_t pool_find_target(const struct pool_world *w, const char *address,
				      uint16_t port)
{
	struct addr addr;

	assert_true(lsvm_addr_parse(address, &addr));
	for (size_t i = 0; i < lsvm_pool_target_count(w->pool); i++) {
		const struct target_spec *spec = lsvm_pool_target(w->pool, i);

		if (lsvm_addr_compare(&spec->addr, &addr) == 0 && spec->port == port)
			return i;
	}
	return SIZE_MAX;
}

static inline void pool_verdict(struct pool_world *w, const char *address, uint16_t port,
				enum target_state state)
{
	size_t target = pool_find_target(w, address, port);

	assert_true(target != SIZE_MAX);
	lsvm_pool_input_verdict(w->pool, target, state, 100,
				state == TARGET_DOWN ? "connect refused, 3 of 3" : "",
				w->now_ns);
}

/* The weight in the shadow, -1 when it is out. */
static inline int64_t pool_weight(const struct pool_world *w, const char *vip,
				  uint16_t port, const char *address)
{
	struct addr vip_addr, addr;

	assert_true(lsvm_addr_parse(vip, &vip_addr));
	assert_true(lsvm_addr_parse(address, &addr));
	for (size_t i = 0; i < w->shadow->services.count; i++) {
		const struct ipvs_service *service = &w->shadow->services.items[i];

		if (lsvm_addr_compare(&service->key.addr, &vip_addr) != 0 ||
		    service->key.port != port)
			continue;
		for (size_t j = 0; j < service->destinations.count; j++)
			if (lsvm_addr_compare(&service->destinations.items[j].addr,
					      &addr) == 0)
				return service->destinations.items[j].weight;
	}
	return -1;
}

/* The next event of that kind; those before it are dropped. */
static inline bool pool_event(struct pool_world *w, enum lsvm_event_kind kind,
			      struct event *ret)
{
	while (lsvm_pool_next_event(w->pool, ret))
		if (ret->kind == kind)
			return true;
	return false;
}

static inline size_t pool_count_events(struct pool_world *w)
{
	struct event event;
	size_t count = 0;

	while (lsvm_pool_next_event(w->pool, &event))
		count++;
	return count;
}

#endif
