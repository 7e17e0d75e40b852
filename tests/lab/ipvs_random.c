/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random IPVS tables. Addresses and ports come from small ranges, so that two tables
 * share services and destinations and the way between them has edits, not only adds and
 * removals.
 */
#include "ipvs_random.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdlib.h>

static uint32_t next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static uint32_t below(uint32_t *seed, uint32_t limit)
{
	return next(seed) % limit;
}

static struct addr random_addr(uint32_t *seed, uint8_t family, uint8_t third,
			       uint32_t range)
{
	uint32_t host = 1 + below(seed, range);
	struct addr addr = { family, { 0x20, 0x01, 0x0d, 0xb8 } };

	if (family == 4)
		return (struct addr){
			4, { 10, third, (uint8_t)(host >> 8), (uint8_t)host }
		};
	addr.bytes[5] = third;
	addr.bytes[14] = (uint8_t)(host >> 8);
	addr.bytes[15] = (uint8_t)host;
	return addr;
}

static void random_key(uint32_t *seed, uint32_t range, struct ipvs_key *key)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	uint8_t family = below(seed, 3) ? 4 : 6;

	if (below(seed, 8) == 0) {
		key->fwmark = 1 + below(seed, range);
		key->addr.family = family;
		return;
	}
	key->protocol = protocols[below(seed, 3)];
	key->addr = random_addr(seed, family, 1, range);
	key->port = (uint16_t)(80 + below(seed, 4));
}

static void random_service(uint32_t *seed, struct ipvs_service *service)
{
	static const char *const schedulers[] = { "rr",	   "wrr", "lc", "wlc", "lblc",
						  "lblcr", "dh",  "sh", "sed", "nq",
						  "fo",	   "ovf", "mh" };
	const bool six = service->key.addr.family == 6;

	strcpy(service->scheduler, schedulers[below(seed, ARRAY_SIZE(schedulers))]);
	service->netmask = six ? 128 : 0xffffffff;
	service->flags = below(seed, 8) * IP_VS_SVC_F_SCHED1;
	if (service->key.fwmark || service->key.protocol == IPPROTO_UDP)
		service->flags |= below(seed, 2) * IP_VS_SVC_F_ONEPACKET;
	if (below(seed, 2))
		return;
	service->flags |= IP_VS_SVC_F_PERSISTENT;
	service->timeout_s = 1 + below(seed, 4000);
	service->netmask = six ? 1 + below(seed, 128) : ~0u << below(seed, 32);
	if (service->key.protocol == IPPROTO_UDP && below(seed, 2))
		strcpy(service->engine, "sip");
	if (service->key.protocol && below(seed, 4) == 0)
		service->key.port = 0;
}

static void random_destination(uint32_t *seed, const struct ipvs_service *service,
			       struct ipvs_destination *destination)
{
	static const uint8_t methods[] = { IP_VS_CONN_F_MASQ, IP_VS_CONN_F_TUNNEL,
					   IP_VS_CONN_F_DROUTE, IP_VS_CONN_F_LOCALNODE };
	uint8_t family = service->key.addr.family;

	destination->forwarding = methods[below(seed, ARRAY_SIZE(methods))];
	if (destination->forwarding == IP_VS_CONN_F_TUNNEL && below(seed, 2))
		family = family == 4 ? 6 : 4;
	destination->addr = random_addr(seed, family, 2, 40);
	destination->port = service->key.port;
	if (destination->forwarding == IP_VS_CONN_F_MASQ)
		destination->port = (uint16_t)(1 + below(seed, 65535));
	destination->weight = below(seed, 4) * below(seed, 30000);
	destination->upper_threshold = below(seed, 2) * below(seed, 100000);
	if (destination->upper_threshold)
		destination->lower_threshold =
			below(seed, destination->upper_threshold + 1);
	if (destination->forwarding != IP_VS_CONN_F_TUNNEL)
		return;
	destination->tunnel_type = (uint8_t)below(seed, 3);
	destination->tunnel_port =
		destination->tunnel_type == 1 ? (uint16_t)(1 + below(seed, 65535)) : 0;
	if (destination->tunnel_type)
		destination->tunnel_flags =
			(uint16_t)below(seed, destination->tunnel_type == 1 ? 3 : 2);
}

static bool has_destination(const struct ipvs_service *service,
			    const struct ipvs_destination *destination)
{
	for (size_t i = 0; i < service->destinations.count; i++)
		if (lsvm_ipvs_destination_compare(&service->destinations.items[i],
						  destination) == 0)
			return true;
	return false;
}

static bool has_service(const struct lsvm_ipvs_table *table, const struct ipvs_key *key)
{
	for (size_t i = 0; i < table->services.count; i++)
		if (lsvm_ipvs_key_compare(&table->services.items[i].key, key) == 0)
			return true;
	return false;
}

struct lsvm_ipvs_table *random_table(struct lsvm_ctx *ctx, uint32_t seed,
				     size_t service_count, size_t destinations_max)
{
	struct lsvm_ipvs_table *table;

	seed = seed * 2654435761u | 1;
	if (lsvm_ipvs_table_alloc(ctx, &table))
		return NULL;
	for (size_t i = 0; i < service_count; i++) {
		struct ipvs_service made = { 0 }, *service;

		random_key(&seed, (uint32_t)service_count, &made.key);
		random_service(&seed, &made);
		if (has_service(table, &made.key))
			continue;
		service = lsvm_ipvs_table_push(table);
		*service = made;
		for (size_t j = below(&seed, (uint32_t)destinations_max + 1); j; j--) {
			struct ipvs_destination destination = { 0 };

			random_destination(&seed, service, &destination);
			if (!has_destination(service, &destination))
				*lsvm_ipvs_service_push(service) = destination;
		}
	}
	if (lsvm_ipvs_table_seal(table)) {
		lsvm_ipvs_table_unref(table);
		return NULL;
	}
	return table;
}
