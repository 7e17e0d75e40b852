/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Destinations of the simulated IPVS and the trash that they wait in. One table of
 * buckets has them all, in a service or in the trash, so that a service may have 65,535
 * of them and the trash as many.
 */
#include "host/sim/sim.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

static void name_of(const struct sim_service *service,
		    const struct wire_destination *wanted, struct sim_dest_name *ret)
{
	*ret = (struct sim_dest_name){
		.fwmark = service->fwmark,
		.protocol = service->protocol,
		.virtual_port = service->port,
		.family = wanted->family,
		.port = wanted->port,
	};
	memcpy(ret->virtual_addr, service->addr, sizeof(ret->virtual_addr));
	memcpy(ret->addr, wanted->addr, wanted->family == AF_INET6 ? 16 : 4);
}

static struct sim_dest **bucket(struct sim_kernel *kernel,
				const struct sim_dest_name *name)
{
	const uint8_t *bytes = (const uint8_t *)name;
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < sizeof(*name); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return &kernel->dests[(hash ^ hash >> 32) & (kernel->dest_bucket_count - 1)];
}

static bool grow(struct sim_kernel *kernel)
{
	const size_t old_count = kernel->dest_bucket_count;
	const size_t count = old_count ? old_count * 2 : 64;
	struct sim_dest **old = kernel->dests;
	struct sim_dest **buckets = calloc(count, sizeof(struct sim_dest *));

	if (!buckets)
		return false;
	kernel->dests = buckets;
	kernel->dest_bucket_count = count;
	for (size_t i = 0; i < old_count; i++) {
		/* Backwards, so that the newest of each stays in front. */
		struct sim_dest *reversed = NULL;

		while (old[i]) {
			struct sim_dest *dest = old[i];

			old[i] = dest->hash_next;
			dest->hash_next = reversed;
			reversed = dest;
		}
		while (reversed) {
			struct sim_dest *dest = reversed, **head;

			reversed = dest->hash_next;
			head = bucket(kernel, &dest->name);
			dest->hash_next = *head;
			*head = dest;
		}
	}
	free(old);
	return true;
}

static void unhash(struct sim_kernel *kernel, struct sim_dest *dest)
{
	struct sim_dest **at = bucket(kernel, &dest->name);

	while (*at != dest)
		at = &(*at)->hash_next;
	*at = dest->hash_next;
}

static void hash(struct sim_kernel *kernel, struct sim_dest *dest)
{
	struct sim_dest **head = bucket(kernel, &dest->name);

	dest->hash_next = *head;
	*head = dest;
}

/* In that service, or (NULL) in the trash. */
static struct sim_dest *find(struct sim_kernel *kernel, const struct sim_service *service,
			     const struct sim_dest_name *name)
{
	struct sim_dest *dest = kernel->dest_bucket_count ? *bucket(kernel, name) : NULL;

	while (dest && (dest->service != service ||
			memcmp(&dest->name, name, sizeof(*name)) != 0))
		dest = dest->hash_next;
	return dest;
}

/* inet_addr_type(): what is no unicast address, or is the broadcast address of one of the
 * machine's networks. */
static bool is_ipv4_destination(const struct sim_host *sim, const uint8_t *addr)
{
	const struct addr at = { .family = 4,
				 .bytes = { addr[0], addr[1], addr[2], addr[3] } };
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 }, none[4];

	if (!memcmp(addr, none, 4) || (addr[0] & 0xf0) == 0xe0 ||
	    !memcmp(addr, broadcast, 4))
		return false;
	for (size_t i = 0; i < sim->addresses.count; i++) {
		const struct prefix *prefix = &sim->addresses.items[i].prefix;
		bool ones = prefix->addr.family == 4 && prefix->length < 31 &&
			    lsvm_prefix_contains(prefix, &at);

		for (unsigned bit = prefix->length; ones && bit < 32; bit++)
			ones = addr[bit / 8] >> (7 - bit % 8) & 1;
		if (ones)
			return false;
	}
	return true;
}

/* ipv6_addr_type(): unicast and not only of the link. */
static bool is_ipv6_destination(const struct sim_host *sim, const uint8_t *addr)
{
	static const uint8_t zero[16];
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const bool none = !memcmp(addr, zero, 16) || !memcmp(addr, mapped, 12) ||
			  addr[0] == 0xff ||
			  (addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80);

	if (!none)
		return true;
	for (size_t i = 0; i < sim->addresses.count; i++) {
		const struct addr *own = &sim->addresses.items[i].prefix.addr;

		if (own->family == 6 && !memcmp(own->bytes, addr, 16))
			return true;
	}
	return false;
}

static int check(const struct wire_destination *wanted)
{
	if ((int32_t)wanted->weight < 0 ||
	    wanted->lower_threshold > wanted->upper_threshold)
		return ERANGE;
	if (wanted->tunnel_type == IP_VS_CONN_F_TUNNEL_TYPE_GUE && !wanted->tunnel_port)
		return EINVAL;
	return 0;
}

static void assign(struct sim_dest *dest, const struct wire_destination *wanted, bool add)
{
	if (add || wanted->weight)
		dest->last_weight = (int32_t)wanted->weight;
	dest->weight = (int32_t)wanted->weight;
	dest->forwarding = (uint8_t)wanted->forwarding;
	dest->tunnel_type = wanted->tunnel_type;
	dest->tunnel_port = wanted->tunnel_port;
	dest->tunnel_flags = wanted->tunnel_flags;
	if (!wanted->upper_threshold || wanted->upper_threshold > dest->upper)
		dest->overloaded = false;
	dest->upper = wanted->upper_threshold;
	dest->lower = wanted->lower_threshold;
}

static int new_dest(struct sim_host *sim, const struct sim_dest_name *name,
		    struct sim_dest **ret)
{
	struct sim_kernel *kernel = &sim->kernel;
	struct sim_dest *dest;

	if (name->family == AF_INET6 ? !is_ipv6_destination(sim, name->addr)
				     : !is_ipv4_destination(sim, name->addr))
		return EINVAL;
	if (kernel->dest_count >= kernel->dest_bucket_count && !grow(kernel))
		return ENOMEM;
	dest = calloc(1, sizeof(*dest));
	if (!dest)
		return ENOMEM;
	dest->name = *name;
	hash(kernel, dest);
	kernel->dest_count++;
	*ret = dest;
	return 0;
}

int lsvm_sim_dest_add(struct sim_host *sim, struct sim_service *service,
		      const struct wire_destination *wanted)
{
	struct sim_kernel *kernel = &sim->kernel;
	struct sim_dest_name name;
	struct sim_dest *dest;
	int err = check(wanted);

	if (err)
		return err;
	name_of(service, wanted, &name);
	if (find(kernel, service, &name))
		return EEXIST;
	dest = find(kernel, NULL, &name);
	if (dest)
		kernel->trash_count--;
	else if ((err = new_dest(sim, &name, &dest)) != 0)
		return err;
	/* One that comes back to a service which was itself made anew starts counting
	 * again. */
	if (dest->last_service != service->number)
		dest->counters = (struct ipvs_counters){ 0 };
	dest->last_service = service->number;
	assign(dest, wanted, true);
	if (name.family != service->family)
		kernel->mixed_count++;
	dest->service = service;
	dest->next = service->ring.next;
	dest->prev = &service->ring;
	dest->next->prev = service->ring.next = dest;
	service->dest_count++;
	lsvm_sim_tell_dest(dest, SIM_DEST_ADDED);
	return 0;
}

int lsvm_sim_dest_edit(struct sim_kernel *kernel, struct sim_service *service,
		       const struct wire_destination *wanted)
{
	struct sim_dest_name name;
	struct sim_dest *dest;
	int err = check(wanted);

	if (err)
		return err;
	name_of(service, wanted, &name);
	dest = find(kernel, service, &name);
	if (!dest)
		return ENOENT;
	assign(dest, wanted, false);
	lsvm_sim_tell_dest(dest, SIM_DEST_EDITED);
	return 0;
}

int lsvm_sim_dest_delete(struct sim_kernel *kernel, struct sim_service *service,
			 const struct wire_destination *named)
{
	struct sim_dest_name name;
	struct sim_dest *dest;

	name_of(service, named, &name);
	dest = find(kernel, service, &name);
	if (!dest)
		return ENOENT;
	lsvm_sim_dest_trash(kernel, dest);
	return 0;
}

void lsvm_sim_dest_trash(struct sim_kernel *kernel, struct sim_dest *dest)
{
	lsvm_sim_tell_dest(dest, SIM_DEST_REMOVED);
	if (dest->name.family != dest->service->family)
		kernel->mixed_count--;
	dest->service->dest_count--;
	dest->service = NULL;
	dest->prev->next = dest->next;
	dest->next->prev = dest->prev;
	dest->trashed_ms = kernel->now_ms;
	kernel->trash_count++;
	/* The trash is searched from its newest. */
	unhash(kernel, dest);
	hash(kernel, dest);
}

void lsvm_sim_trash_expire(struct sim_kernel *kernel)
{
	for (size_t i = 0; i < kernel->dest_bucket_count; i++) {
		struct sim_dest **at = &kernel->dests[i];

		while (*at) {
			struct sim_dest *dest = *at;

			if (dest->service || dest->connection_count ||
			    kernel->now_ms - dest->trashed_ms < SIM_TRASH_MS) {
				at = &dest->hash_next;
				continue;
			}
			*at = dest->hash_next;
			kernel->trash_count--;
			kernel->dest_count--;
			free(dest);
		}
	}
}

void lsvm_sim_dests_free(struct sim_kernel *kernel)
{
	for (size_t i = 0; i < kernel->dest_bucket_count; i++) {
		while (kernel->dests[i]) {
			struct sim_dest *dest = kernel->dests[i];

			kernel->dests[i] = dest->hash_next;
			free(dest);
		}
	}
	free(kernel->dests);
	kernel->dests = NULL;
	kernel->dest_bucket_count = kernel->dest_count = kernel->trash_count = 0;
}
