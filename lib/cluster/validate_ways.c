/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ways: which networks routers join, how far each is from the clients, and where all
 * directors meet. Nearly all that follows asks this and adds little of its own.
 */
#include "cluster/validate_private.h"

static uint32_t root_of(struct network_facts *facts, uint32_t i)
{
	while (facts[i].component != i)
		i = facts[i].component = facts[facts[i].component].component;
	return i;
}

static uint32_t index_of(const struct validation *v, const struct interface *interface)
{
	const struct network *network = interface->network.target;

	return network ? (uint32_t)(network - v->cluster->networks.items) : UINT32_MAX;
}

static void join(struct validation *v, const struct machine *router)
{
	uint32_t first = UINT32_MAX;

	for (uint32_t i = 0; i < router->interfaces.count; i++) {
		uint32_t n = index_of(v, &router->interfaces.items[i]);

		if (n == UINT32_MAX)
			continue;
		if (first == UINT32_MAX)
			first = root_of(v->network, n);
		else
			v->network[root_of(v->network, n)].component =
				root_of(v->network, first);
	}
}

/* Each round goes one router further; there are at most as many as routers in a row. */
static bool one_router_further(struct validation *v, uint32_t distance)
{
	bool further = false;

	for (uint32_t r = 0; r < v->cluster->routers.count; r++) {
		const struct machine *router = &v->cluster->routers.items[r];
		bool here = false;

		for (uint32_t i = 0; i < router->interfaces.count && !here; i++) {
			uint32_t n = index_of(v, &router->interfaces.items[i]);

			here = n != UINT32_MAX && v->network[n].distance == distance;
		}
		for (uint32_t i = 0; i < router->interfaces.count && here; i++) {
			uint32_t n = index_of(v, &router->interfaces.items[i]);

			if (n == UINT32_MAX || v->network[n].distance != DISTANCE_FAR)
				continue;
			v->network[n].distance = distance + 1;
			further = true;
		}
	}
	return further;
}

#define ROUTERS_IN_A_ROW 64

/* Where this router takes what is on its way to the clients, by family. */
static void mark_ways_out(struct validation *v, const struct machine *router)
{
	uint32_t nearest = DISTANCE_FAR;

	for (uint32_t i = 0; i < router->interfaces.count; i++) {
		uint32_t n = index_of(v, &router->interfaces.items[i]);

		if (n != UINT32_MAX && v->network[n].distance < nearest)
			nearest = v->network[n].distance;
	}
	for (uint32_t i = 0; i < router->interfaces.count; i++) {
		const struct interface *interface = &router->interfaces.items[i];
		uint32_t n = index_of(v, interface);

		for (unsigned f = 0; n != UINT32_MAX && f < 2; f++)
			v->network[n].leads_out[f] |=
				v->network[n].distance > nearest &&
				lsvm_interface_address(interface, f ? 6 : 4);
	}
}

static void count_directors(struct validation *v)
{
	const struct lsvm_cluster *c = v->cluster;

	for (uint32_t d = 0; d < c->directors.count; d++) {
		const struct machine *director = &c->directors.items[d];

		for (uint32_t i = 0; i < director->interfaces.count; i++) {
			uint32_t n = index_of(v, &director->interfaces.items[i]);

			if (n == UINT32_MAX || v->network[n].last_director == director)
				continue;
			v->network[n].last_director = director;
			v->network[n].director_count++;
		}
	}
}

void lsvm_validate_ways(struct validation *v)
{
	const struct lsvm_cluster *c = v->cluster;

	for (uint32_t i = 0; i < c->networks.count; i++) {
		v->network[i].component = i;
		v->network[i].distance = c->networks.items[i].outside ? 0 : DISTANCE_FAR;
		v->outside |= c->networks.items[i].outside;
	}
	count_directors(v);
	for (uint32_t r = 0; r < c->routers.count; r++)
		join(v, &c->routers.items[r]);
	for (uint32_t d = 0; d < ROUTERS_IN_A_ROW && one_router_further(v, d); d++)
		;
	for (uint32_t r = 0; r < c->routers.count; r++)
		mark_ways_out(v, &c->routers.items[r]);
	for (uint32_t i = 0; i < c->networks.count; i++) {
		struct network_facts *facts = &v->network[i];

		facts->component = root_of(v->network, i);
		facts->shared =
			c->directors.count && facts->director_count == c->directors.count;
		if (facts->shared &&
		    (!v->outermost ||
		     facts->distance < network_facts(v, v->outermost)->distance))
			v->outermost = &c->networks.items[i];
	}
	for (uint32_t i = 0; c->directors.count && i < c->networks.count; i++)
		if (c->networks.items[i].director_addresses.count &&
		    !v->network[i].shared)
			lsvm_fault(
				v, FINDING_FLOATING_WITHOUT_DIRECTOR,
				&c->networks.items[i].object,
				&c->networks.items[i].director_addresses,
				"not every director has an interface in network \"%s\"",
				or_empty(c->networks.items[i].name));
	if (!v->outside)
		lsvm_fault(v, FINDING_NO_OUTSIDE_NETWORK, &c->object, NULL,
			   "no network has \"outside: true\"");
}
