/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which of the article's four networks this is: how many routers join the clients' side
 * with the inside, and whether the servers' addresses can be reached from there.
 */
#include "cluster/model.h"

/* Without any network marked as outside, every router leads there. */
static bool leads_outside(const struct lsvm_cluster *cluster,
			  const struct machine *router)
{
	bool marked = false, touches = false;

	for (uint32_t i = 0; i < cluster->networks.count; i++)
		marked |= cluster->networks.items[i].outside;
	for (uint32_t i = 0; i < router->interfaces.count; i++) {
		const struct network *network =
			router->interfaces.items[i].network.target;

		touches |= network && network->outside;
	}
	return touches || !marked;
}

static bool has_public_address(const struct machine *server)
{
	for (uint32_t i = 0; i < server->interfaces.count; i++) {
		const struct interface *interface = &server->interfaces.items[i];

		for (uint32_t j = 0; j < interface->addresses.count; j++)
			if (!lsvm_addr_is_private(&interface->addresses.items[j]))
				return true;
	}
	return false;
}

int lsvm_cluster_topology(const struct lsvm_cluster *cluster)
{
	unsigned routers = 0;
	bool is_public = false;

	for (uint32_t i = 0; i < cluster->routers.count; i++)
		routers += leads_outside(cluster, &cluster->routers.items[i]);
	for (uint32_t i = 0; i < cluster->servers.count; i++)
		is_public |= has_public_address(&cluster->servers.items[i]);
	if (!routers || !cluster->servers.count)
		return LSVM_TOPOLOGY_UNKNOWN;
	if (routers == 1)
		return is_public ? LSVM_TOPOLOGY_ONE_ROUTER_PUBLIC
				 : LSVM_TOPOLOGY_ONE_ROUTER_PRIVATE;
	return is_public ? LSVM_TOPOLOGY_TWO_ROUTERS_PUBLIC
			 : LSVM_TOPOLOGY_TWO_ROUTERS_PRIVATE;
}
