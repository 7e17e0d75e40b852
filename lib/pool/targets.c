/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What has to be probed, each distinct thing once.
 *
 * Two checks ask the same when their keys are equal (lsvm_check_key). A check that many
 * services inherit is looked at once.
 */
#include "pool/private.h"

#include <stdlib.h>

/* Copies the key into the arena and puts it; the number that it has, or NONE. */
static uint32_t number_of(struct builder *b, struct map *map, const void *key,
			  size_t length, uint32_t next)
{
	void *old = lsvm_map_get(map, key, length), *copy;

	if (old)
		return (uint32_t)((uintptr_t)old - 1);
	copy = lsvm_arena_alloc(&b->scratch, length);
	if (!copy)
		return NONE;
	memcpy(copy, key, length);
	if (lsvm_map_put(map, copy, length, (void *)((uintptr_t)next + 1), NULL) < 0)
		return NONE;
	return next;
}

static uint32_t check_number(struct builder *b, const struct check *check)
{
	void *old = lsvm_map_get(&b->pointers, &check, sizeof(check));
	struct buf key = { 0 };
	uint32_t number = NONE;

	if (old)
		return (uint32_t)((uintptr_t)old - 1);
	lsvm_check_key(check, &key);
	if (!key.failed)
		number = number_of(b, &b->checks, key.data, key.length,
				   (uint32_t)b->checks.count);
	lsvm_buf_free(&key);
	if (number == NONE ||
	    number_of(b, &b->pointers, &check, sizeof(check), number) == NONE)
		return NONE;
	return number;
}

/* The domain matters only to a check that does not say for itself whom it asks. */
static const char *domain_of(const struct check *check, const struct vip *vip)
{
	bool asks_host =
		check->kind == LSVM_CHECK_HTTP || check->kind == LSVM_CHECK_HTTPS;
	bool says_all =
		check->host && (check->kind == LSVM_CHECK_HTTP || check->server_name);

	if (!vip || !asks_host || says_all || !vip->domains.count)
		return NULL;
	return vip->domains.items[0].name;
}

struct target_key { /* zeroed before it is filled: its padding is part of the key */
	uint32_t check, mark;
	struct addr addr;
	uint16_t port;
	enum lsvm_protocol protocol;
	const char *domain; /* one pointer for each domain of the cluster */
};

uint32_t lsvm_pool_want_target(struct builder *b, const struct check *check,
			       const struct addr *addr, uint16_t port, uint32_t mark,
			       enum lsvm_protocol protocol, const struct vip *vip,
			       const struct addr *through, uint32_t server)
{
	struct target_key key;
	struct watched *watched;
	uint32_t number;

	memset(&key, 0, sizeof(key));
	key.check = check_number(b, check);
	key.mark = mark;
	key.addr = *addr;
	key.port = port;
	key.domain = domain_of(check, vip);
	if (check->kind == LSVM_CHECK_DNS) /* the only one that knows two */
		key.protocol = protocol;
	number = key.check == NONE ? NONE
				   : number_of(b, &b->targets, &key, sizeof(key),
					       (uint32_t)b->watched.count);
	if (number == NONE) {
		b->failed = true;
		return NONE;
	}
	if (number < b->watched.count) {
		watched = &b->watched.items[number];
		if (watched->server == NONE)
			watched->server = server;
		return number;
	}
	watched = vec_push(&b->watched);
	if (!watched) {
		b->failed = true;
		return NONE;
	}
	*watched = (struct watched){
		.spec = { .check = check,
			  .addr = *addr,
			  .port = port,
			  .mark = mark,
			  .domain = key.domain,
			  .protocol = key.protocol },
		.percent = 100,
		.server = server,
	};
	if (through)
		watched->spec.server = *through;
	return number;
}

/* ---- services for probes ---- */

struct probe_key {
	uint8_t family, forwarding, tunnel_type;
	uint16_t port, tunnel_port, tunnel_flags;
	struct addr addr;
};

static void probe_key(uint8_t family, const struct ipvs_destination *destination,
		      uint16_t port, struct probe_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->family = family;
	ret->forwarding = destination->forwarding;
	ret->addr = destination->addr;
	ret->port = port;
	ret->tunnel_type = destination->tunnel_type;
	ret->tunnel_port = destination->tunnel_port;
	ret->tunnel_flags = destination->tunnel_flags;
}

void lsvm_pool_find_probes(struct builder *b)
{
	const struct lsvm_ipvs_table *full = b->pool->full;

	for (size_t i = 0; i < full->services.count; i++) {
		const struct ipvs_service *service = &full->services.items[i];
		struct probe_key key;

		if (service->key.fwmark < PROBE_MARK_FIRST ||
		    service->key.fwmark > PROBE_MARK_LAST ||
		    service->destinations.count != 1)
			continue;
		probe_key(service->key.addr.family, &service->destinations.items[0],
			  service->destinations.items[0].port, &key);
		if (number_of(b, &b->probes, &key, sizeof(key),
			      service->key.fwmark - 1) == NONE)
			b->failed = true;
	}
}

uint32_t lsvm_pool_probe_mark(const struct builder *b, uint8_t family,
			      const struct ipvs_destination *destination, uint16_t port)
{
	struct probe_key key;

	probe_key(family, destination, port, &key);
	return (uint32_t)(uintptr_t)lsvm_map_get(&b->probes, &key, sizeof(key));
}
