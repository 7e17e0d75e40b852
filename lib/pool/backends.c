/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Back-end services: what the servers need and the directors look after.
 *
 * A back-end service is down when none of its hosts is good, and a host is good while all
 * its checks are. Without checks its port is tried, in the way of its protocol. A host to
 * which the directors have no way (no network in common, and no router in between) is not
 * probed and counts as good: what cannot be seen must not take anybody out.
 */
#include "pool/private.h"

/* ---- the way from the directors ---- */

static bool is_near(const struct lsvm_cluster *cluster, const bool *near,
		    const struct network *network)
{
	return network && near[network - cluster->networks.items];
}

/* Marks the networks of the first director, and those behind routers of these. */
static void find_near(const struct lsvm_cluster *cluster, bool *near)
{
	bool more = true;

	if (!cluster->directors.count)
		return;
	for (uint32_t i = 0; i < cluster->directors.items[0].interfaces.count; i++) {
		const struct network *network =
			cluster->directors.items[0].interfaces.items[i].network.target;

		if (network)
			near[network - cluster->networks.items] = true;
	}
	while (more) {
		more = false;
		for (uint32_t r = 0; r < cluster->routers.count; r++) {
			const struct machine *router = &cluster->routers.items[r];
			bool joins = false;

			for (uint32_t i = 0; i < router->interfaces.count; i++)
				joins |= is_near(
					cluster, near,
					router->interfaces.items[i].network.target);
			for (uint32_t i = 0; joins && i < router->interfaces.count; i++) {
				const struct network *network =
					router->interfaces.items[i].network.target;

				if (!network || is_near(cluster, near, network))
					continue;
				near[network - cluster->networks.items] = true;
				more = true;
			}
		}
	}
}

/* One that the directors share a network with is better than one behind a router. */
static const struct addr *find_address(const struct lsvm_cluster *cluster,
				       const bool *near, const struct machine *host)
{
	const struct addr *far = NULL;

	for (uint32_t i = 0; i < host->interfaces.count; i++) {
		const struct interface *interface = &host->interfaces.items[i];
		const struct network *network = interface->network.target;

		if (!interface->addresses.count || !is_near(cluster, near, network))
			continue;
		if (lsvm_machine_interface_in(&cluster->directors.items[0], network))
			return &interface->addresses.items[0];
		if (!far)
			far = &interface->addresses.items[0];
	}
	return far;
}

/* ---- hosts and their targets ---- */

static void add_host_target(struct builder *b, const struct backend_service *service,
			    uint32_t host, const struct check *check,
			    const struct addr *addr)
{
	uint16_t port = check->port ? check->port : service->port;
	uint32_t target = lsvm_pool_want_target(b, check, addr, port, 0,
						service->protocol, NULL, NULL, NONE);
	struct pair *pair = target == NONE ? NULL : vec_push(&b->host_targets);

	if (!pair) {
		b->failed = true;
		return;
	}
	*pair = (struct pair){ target, host };
	b->hosts.items[host].target_count++;
}

static void add_host(struct builder *b, const bool *near, uint32_t backend,
		     const struct backend_service *service, const struct machine *machine)
{
	const struct addr *addr = find_address(b->pool->cluster, near, machine);
	uint32_t number = (uint32_t)b->hosts.count;
	struct pool_host *host = vec_push(&b->hosts);

	if (!host) {
		b->failed = true;
		return;
	}
	*host = (struct pool_host){ .machine = machine, .backend = backend };
	if (!addr)
		return;
	for (uint32_t i = 0; i < service->checks.count; i++)
		add_host_target(b, service, number, &service->checks.items[i], addr);
	if (!service->checks.count && service->port)
		add_host_target(b, service, number,
				lsvm_cluster_default_check(service->protocol), addr);
}

void lsvm_pool_add_backends(struct builder *b)
{
	struct pool *pool = b->pool;
	const struct lsvm_cluster *cluster = pool->cluster;
	bool *near =
		lsvm_arena_array(&b->scratch, cluster->networks.count + 1, sizeof(*near));

	pool->backend_count = cluster->backend_services.count;
	pool->backends = lsvm_arena_array(&pool->arena, pool->backend_count + 1,
					  sizeof(*pool->backends));
	if (!near || !pool->backends)
		return;
	find_near(cluster, near);
	for (uint32_t i = 0; i < pool->backend_count; i++) {
		const struct backend_service *service =
			&cluster->backend_services.items[i];
		struct pool_backend *backend = &pool->backends[i];

		backend->service = service;
		backend->first_host = (uint32_t)b->hosts.count;
		for (uint32_t h = 0; h < service->hosts.count; h++)
			if (service->hosts.items[h].target)
				add_host(b, near, i, service,
					 service->hosts.items[h].target);
		backend->host_count = (uint32_t)b->hosts.count - backend->first_host;
	}
}
