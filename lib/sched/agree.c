/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two directors asked the same: would the second one, which knows no connection of the
 * first, send each where it goes now? Only a scheduler that looks at nothing but
 * addresses and the table gives that answer; for any other the flow is lost.
 */
#include "sched/sched.h"

#include <netinet/in.h>

#define FLOWS 4096

static bool is_by_table(const struct scheduler *scheduler)
{
	return scheduler->notice == lsvm_hash_notice || scheduler->pick == lsvm_fo_pick;
}

struct sched_packet lsvm_sched_spread(const struct lsvm_sched *s, uint32_t number)
{
	const uint8_t family = s->key.addr.family;
	const uint32_t mixed = number * UINT32_C(2654435761);
	struct sched_packet packet = {
		.client = { family, { 0 } },
		.virtual = s->key.addr,
		.client_port = (uint16_t)(1024 + mixed % 60000),
		.protocol = s->key.fwmark ? IPPROTO_TCP : s->key.protocol,
	};

	for (unsigned i = 0; i < 4; i++)
		packet.client.bytes[(family == 4 ? 0 : 12) + i] =
			(uint8_t)(mixed >> (24 - 8 * i));
	if (s->key.fwmark)
		packet.virtual.bytes[family == 4 ? 3 : 15] = (uint8_t)(number % 251);
	return packet;
}

static bool is_same(const struct sched_dest *a, const struct sched_dest *b)
{
	return a && b && !memcmp(&a->name, &b->name, sizeof(a->name));
}

/* How many flows `a` serves, and how many of them `b` would not send there. */
static int compare(struct lsvm_sched *a, struct lsvm_sched *b, uint32_t *ret_flows,
		   uint32_t *ret_broken)
{
	const bool by_table = is_by_table(a->scheduler) && is_by_table(b->scheduler);

	for (uint32_t i = 0; i < FLOWS; i++) {
		const struct sched_packet packet = lsvm_sched_spread(a, i);
		struct sched_dest *first = NULL, *second = NULL;
		int err = lsvm_sched_foresee(a, &packet, &first);

		if (err >= 0)
			err = lsvm_sched_foresee(b, &packet, &second);
		if (err < 0)
			return err;
		*ret_flows += first != NULL;
		*ret_broken += first && !(by_table && is_same(first, second));
	}
	return 0;
}

/* Without the service there, all of them. */
static int compare_services(struct lsvm_ctx *ctx, const struct ipvs_service *a,
			    const struct ipvs_service *b, uint32_t *ret_flows,
			    uint32_t *ret_broken)
{
	const struct ipvs_service none = { .key = a->key,
					   .scheduler = "fo",
					   .netmask = a->netmask };
	struct lsvm_sched *first = NULL, *second = NULL;
	int err = lsvm_sched_create(ctx, a, &first);

	if (err >= 0)
		err = lsvm_sched_create(ctx, b ? b : &none, &second);
	if (err >= 0)
		err = compare(first, second, ret_flows, ret_broken);
	lsvm_sched_free(first);
	lsvm_sched_free(second);
	return err;
}

int lsvm_ipvs_consistency(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *a,
			  const struct lsvm_ipvs_table *b, uint32_t *ret_flows,
			  uint32_t *ret_broken)
{
	uint32_t flows = 0, broken = 0;

	if (a->services.count > UINT32_MAX / FLOWS)
		return lsvm_fail(ctx, LSVM_ERR_LIMIT,
				 "a table of %zu services is too large to be compared; "
				 "compare parts of it",
				 a->services.count);
	for (size_t i = 0; i < a->services.count; i++) {
		const struct ipvs_service *service = &a->services.items[i];
		int err = compare_services(ctx, service,
					   lsvm_ipvs_table_lookup(b, &service->key),
					   &flows, &broken);

		if (err < 0)
			return err;
	}
	*ret_flows = flows;
	*ret_broken = broken;
	return 0;
}
