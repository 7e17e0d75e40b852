/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Services to partitions: services with the same real servers, weights and thresholds
 * share one. A virtual address belongs to one partition, that of its first service; a
 * later service with other weights takes those, and one with other servers has no place.
 */
#include "import/import.h"

#include <stdlib.h>

#define DANGER LSVM_IMPORT_NOTE_KIND_DANGER
#define LOST LSVM_IMPORT_NOTE_KIND_LOST
#define CHANGED LSVM_IMPORT_NOTE_KIND_CHANGED
#define INVENTED LSVM_IMPORT_NOTE_KIND_INVENTED

struct import_machine *lsvm_import_machine(struct source *source, const struct addr *addr,
					   bool spare)
{
	struct import_machine *machine =
		lsvm_map_get(&source->machines_by_addr, addr, sizeof(*addr));
	struct import_machine **slot;

	if (machine) {
		machine->spare &= spare;
		return machine;
	}
	machine = lsvm_arena_alloc(&source->arena, sizeof(*machine));
	slot = machine ? vec_push(&source->machines) : NULL;
	if (!slot) {
		source->import->failed = true;
		return NULL;
	}
	*slot = machine;
	machine->addr = *addr;
	machine->spare = spare;
	machine->name =
		lsvm_arena_printf(&source->arena, "server%zu", source->machines.count);
	if (lsvm_map_put(&source->machines_by_addr, &machine->addr, sizeof(machine->addr),
			 machine, NULL) < 0)
		source->import->failed = true;
	return machine;
}

/* ---- members ---- */

static int by_addr(const void *a, const void *b)
{
	const struct import_member *x = a, *y = b;

	return lsvm_addr_compare(&x->machine->addr, &y->machine->addr);
}

/* One machine may serve on several ports; it is one member. */
static void gather(struct source *source, const struct import_service *service,
		   struct import_pool *pool)
{
	for (size_t i = 0; i < service->servers.count; i++) {
		const struct import_server *server = &service->servers.items[i];
		struct import_member *member;
		struct import_machine *machine =
			lsvm_import_machine(source, &server->addr, false);

		if (machine && machine->last_pool == pool) {
			lsvm_import_say(
				source, LOST, server->at,
				"a machine is in a partition once: its other port "
				"counts");
			continue;
		}
		member = machine ? vec_push(&pool->members) : NULL;
		if (!member) {
			source->import->failed = true;
			return;
		}
		machine->last_pool = pool;
		*member = (struct import_member){ machine, server->weight, server->upper,
						  server->lower };
	}
}

static char *key_of(struct source *source, const struct import_pool *pool, bool weights)
{
	VEC(struct import_member) sorted = { 0 };
	char text[LSVM_ADDRESS_TEXT_BYTES];
	struct buf buf = { 0 };
	char *key;

	for (size_t i = 0; i < pool->members.count; i++) {
		struct import_member *member = vec_push(&sorted);

		if (member)
			*member = pool->members.items[i];
		else
			source->import->failed = true;
	}
	if (sorted.count)
		qsort(sorted.items, sorted.count, sizeof(*sorted.items), by_addr);
	lsvm_buf_text(&buf, "");
	for (size_t i = 0; i < sorted.count; i++) {
		const struct import_member *member = &sorted.items[i];

		lsvm_buf_text(&buf, lsvm_addr_text(&member->machine->addr, text));
		if (weights)
			lsvm_buf_printf(&buf, " %u %u %u", member->weight, member->upper,
					member->lower);
		lsvm_buf_text(&buf, "\n");
	}
	vec_free(&sorted);
	key = buf.failed ? NULL : lsvm_arena_strdup(&source->arena, buf.data);
	lsvm_buf_free(&buf);
	if (!key)
		source->import->failed = true;
	return key;
}

/* The pool with these members: one that is there, else the new one. */
static struct import_pool *find_pool(struct source *source,
				     const struct import_service *service)
{
	struct import_pool *pool = lsvm_arena_alloc(&source->arena, sizeof(*pool));
	struct import_pool **slot;
	void *old = NULL;
	char *key;
	int err;

	if (!pool)
		return NULL;
	gather(source, service, pool);
	key = key_of(source, pool, true);
	pool->addresses = key_of(source, pool, false);
	err = key && pool->addresses ? lsvm_map_put(&source->pools_by_members, key,
						    strlen(key), pool, &old)
				     : LSVM_ERR_NOMEM;
	if (err < 0) {
		vec_free(&pool->members);
		source->import->failed |= err != LSVM_ERR_EXISTS;
		return err == LSVM_ERR_EXISTS ? old : NULL;
	}
	slot = vec_push(&source->pools);
	if (!slot) {
		vec_free(&pool->members);
		source->import->failed = true;
		return NULL;
	}
	*slot = pool;
	return pool;
}

/* ---- one service ---- */

static bool same_way(const struct way *a, const struct way *b)
{
	return a->forwarding == b->forwarding &&
	       (a->forwarding != LSVM_FORWARDING_TUNNEL ||
		(a->tunnel == b->tunnel && a->port == b->port &&
		 a->checksum == b->checksum));
}

/* Forwarding and port belong to the service: the first server has the word. */
static void settle_servers(struct source *source, struct import_service *service)
{
	uint16_t port = 0;

	for (size_t i = 0; i < service->servers.count; i++) {
		const struct import_server *server = &service->servers.items[i];
		uint16_t own = server->port ? server->port : service->port;

		if (i == 0) {
			service->way = server->way;
			port = own;
			continue;
		}
		if (!same_way(&server->way, &service->way))
			lsvm_import_say(source, CHANGED, server->at,
					"forwarding belongs to the service; this server "
					"is reached as the first one is");
		if (own != port && service->way.forwarding == LSVM_FORWARDING_NAT)
			lsvm_import_say(source, CHANGED, server->at,
					"the servers of a service have one port: %u, "
					"not %u",
					port, own);
	}
	if (service->way.forwarding == LSVM_FORWARDING_NAT && port != service->port)
		service->server_port = port;
}

/* keepalived counts weights, a cluster file servers. */
static int downwards(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

static void settle_quorum(struct source *source, struct import_service *service)
{
	VEC(uint32_t) weights = { 0 };
	uint64_t wanted = service->quorum, sum = 0, total = 0;
	uint32_t count = 0;
	bool plain = true;

	service->quorum = 0;
	if (wanted <= 1)
		return;
	for (size_t i = 0; i < service->servers.count; i++) {
		uint32_t *weight = vec_push(&weights);

		if (!weight) {
			source->import->failed = true;
			break;
		}
		*weight = service->servers.items[i].weight;
		total += *weight;
		plain &= *weight == 1;
	}
	if (weights.count)
		qsort(weights.items, weights.count, sizeof(*weights.items), downwards);
	if (wanted > total) {
		lsvm_import_say(source, DANGER, service->declared,
				"the quorum of %u is more than all weights together: "
				"keepalived takes their sum, so that one failure is too "
				"many",
				(unsigned)wanted);
		wanted = total;
	}
	while (count < weights.count && sum < wanted)
		sum += weights.items[count++];
	vec_free(&weights);
	service->quorum = count > 1 ? count : 0;
	if (!plain)
		lsvm_import_say(source, CHANGED, service->declared,
				"a quorum counts servers, not weights: a weight of %u "
				"became a count of %u",
				(unsigned)wanted, count);
}

static void settle_sorry(struct source *source, struct import_service *service)
{
	uint16_t port = service->server_port ? service->server_port : service->port;

	if (!service->sorry.family)
		return;
	if (lsvm_addr_is_special(&service->sorry)) {
		lsvm_import_say(source, LOST, service->sorry_at,
				"the director itself cannot answer for the servers; a "
				"sorry server is a machine with an address of its own");
		return;
	}
	service->sorry_machine = lsvm_import_machine(source, &service->sorry, true);
	if (service->sorry_port && service->sorry_port != port)
		lsvm_import_say(source, CHANGED, service->sorry_at,
				"a sorry server answers on the servers' port, %u, not "
				"on %u",
				port, service->sorry_port);
}

static void place(struct source *source, struct import_service *service)
{
	struct import_pool *pool;
	struct import_vip *vip =
		lsvm_map_get(&source->vips, &service->addr, sizeof(service->addr));

	pool = find_pool(source, service);
	if (!pool)
		return;
	if (vip && vip->pool != pool) {
		if (strcmp(vip->pool->addresses, pool->addresses) != 0) {
			service->dropped = true;
			lsvm_import_say(source, LOST, service->at,
					"its address belongs to the partition of the "
					"service in line %u, which has other servers; "
					"give this one an address of its own",
					vip->first->at ? vip->first->at->line : 0);
			return;
		}
		lsvm_import_say(source, CHANGED, service->at,
				"weights and thresholds belong to the partition: they "
				"are those of the service in line %u",
				vip->first->at ? vip->first->at->line : 0);
	}
	if (!vip) {
		vip = lsvm_arena_alloc(&source->arena, sizeof(*vip));
		if (!vip)
			return;
		vip->addr = service->addr;
		vip->pool = pool;
		if (lsvm_map_put(&source->vips, &vip->addr, sizeof(vip->addr), vip,
				 NULL) < 0)
			source->import->failed = true;
		if (pool->last)
			pool->last->next = vip;
		else
			pool->first = vip;
		pool->last = vip;
	}
	if (vip->last)
		vip->last->next_on_vip = service;
	else
		vip->first = service;
	vip->last = service;
}

/* An address that cannot be virtual. */
static bool refuse_addr(struct source *source, struct import_service *service)
{
	if (lsvm_addr_is_special(&service->addr)) {
		lsvm_import_say(source, LOST, service->at,
				"this is no address that clients can reach; write one");
		return true;
	}
	if (!lsvm_map_get(&source->machines_by_addr, &service->addr,
			  sizeof(service->addr)))
		return false;
	lsvm_import_say(source, DANGER, service->at,
			"this address is virtual and that of a real server at once: its "
			"packets would have gone in circles");
	lsvm_import_say(source, LOST, service->at,
			"the service is left out, because its address is a machine's");
	return true;
}

static void settle(struct source *source, struct import_service *service)
{
	if (service->dropped || refuse_addr(source, service)) {
		service->dropped = true;
		return;
	}
	settle_servers(source, service);
	settle_quorum(source, service);
	settle_sorry(source, service);
	if (!service->mark && !service->port) {
		service->dropped = true;
		lsvm_import_say(source, LOST, service->at,
				"all ports of an address are a service with a mark: "
				"write ports: or fwmark:");
		return;
	}
	place(source, service);
}

/* ---- marks, which know no address ---- */

/* Addresses are given away from the first to the last, each looked at once. */
static const struct import_floating *free_floating(struct source *source, uint8_t family)
{
	size_t *at = &source->floating_at[family == 6];

	while (*at < source->floating.count) {
		const struct import_floating *floating = &source->floating.items[(*at)++];

		if (floating->prefix.addr.family == family &&
		    !lsvm_map_get(&source->vips, &floating->prefix.addr,
				  sizeof(struct addr)))
			return floating;
	}
	return NULL;
}

static void settle_mark(struct source *source, struct import_service *service,
			uint32_t number)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	const struct import_floating *floating;

	if (service->dropped)
		return;
	floating = free_floating(source, service->addr.family);
	if (floating) {
		service->addr = floating->prefix.addr;
	} else if (service->addr.family == 6) {
		service->addr = (struct addr){ 6, { 0x20, 0x01, 0x0d, 0xb8, 1, 0x13 } };
		service->addr.bytes[14] = (uint8_t)(number >> 8);
		service->addr.bytes[15] = (uint8_t)number;
	} else {
		service->addr = (struct addr){
			4, { 203, 0, 113, (uint8_t)(1 + (number - 1) % 254) }
		};
	}
	lsvm_import_say(source, INVENTED, service->at,
			"mark %u: the rules that set it are not in this configuration. "
			"It is taken to stand for all traffic to %s%s; write the "
			"addresses and ports that it really has",
			service->mark, lsvm_addr_text(&service->addr, text),
			floating ? ", a virtual address of VRRP"
				 : ", an address that is made up too");
	settle(source, service);
}

int lsvm_import_pools(struct source *source)
{
	uint32_t marks = 0;

	if (!source->services.count)
		lsvm_import_say(source, LOST, NULL,
				"there is no virtual service in it that can be read");
	/* Real servers first: an address of one of them cannot be virtual. */
	for (size_t i = 0; i < source->services.count; i++) {
		const struct import_service *service = source->services.items[i];

		for (size_t j = 0; j < service->servers.count && !service->dropped; j++)
			lsvm_import_machine(source, &service->servers.items[j].addr,
					    false);
	}
	for (size_t i = 0; i < source->services.count; i++)
		if (!source->services.items[i]->mark)
			settle(source, source->services.items[i]);
	for (size_t i = 0; i < source->services.count; i++)
		if (source->services.items[i]->mark)
			settle_mark(source, source->services.items[i], ++marks);
	if (source->machines.count)
		lsvm_import_say(source, INVENTED, NULL,
				"the names of machines and partitions: write those that "
				"you use");
	for (size_t i = 0; i < source->pools.count; i++)
		source->pools.items[i]->name =
			lsvm_arena_printf(&source->arena, "pool%zu", i + 1);
	return 0;
}
