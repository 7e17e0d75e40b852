/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who sends what where. Directors and servers get no route: their plans bring them, and a
 * plan that does not must fail. Routers and the client get a route
 * for every network that they have no port in, through the fewest routers, and for every
 * virtual address outside all subnets, to the network where the directors answer for it.
 * The rest, which no tool configures, gets one gateway: what the file says, else a router
 * on the way outside, else the directors' floating address.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAR UINT32_MAX

bool machine_has_plan(const struct machine *machine)
{
	return machine->role == LSVM_ROLE_DIRECTOR || machine->role == LSVM_ROLE_SERVER;
}

static bool leads_on(const struct machine *machine)
{
	return machine->role == LSVM_ROLE_ROUTER;
}

/* Steps from every network to `to`, over routers. `steps` has network_count items. */
static void measure(const struct world *world, const struct network *to, uint32_t *steps)
{
	bool changed = true;

	for (size_t i = 0; i < world->network_count; i++)
		steps[i] = &world->networks[i] == to ? 0 : FAR;
	while (changed) {
		changed = false;
		for (size_t i = 0; i < world->machine_count; i++) {
			const struct machine *machine = &world->machines[i];
			uint32_t best = FAR;

			if (!leads_on(machine))
				continue;
			for (size_t j = 0; j < machine->port_count; j++) {
				size_t n = (size_t)(machine->ports[j].network -
						    world->networks);

				if (steps[n] < best)
					best = steps[n];
			}
			for (size_t j = 0; best != FAR && j < machine->port_count; j++) {
				size_t n = (size_t)(machine->ports[j].network -
						    world->networks);

				if (steps[n] > best + 1) {
					steps[n] = best + 1;
					changed = true;
				}
			}
		}
	}
}

static int add(struct ways *ways, const struct subnet *to, const struct ip *via,
	       const struct port *port)
{
	if (ways->count == ways->capacity) {
		size_t capacity = ways->capacity ? ways->capacity * 2 : 16;
		struct way *items = realloc(ways->items, capacity * sizeof(*items));

		if (!items)
			return -1;
		ways->items = items;
		ways->capacity = capacity;
	}
	ways->items[ways->count++] =
		(struct way){ *to, via ? *via : (struct ip){ 0 }, port };
	return 0;
}

/* The neighbour, a router other than the machine itself, that is nearest to where `steps`
 * leads. */
static bool next_hop(const struct world *world, const struct machine *machine,
		     const uint32_t *steps, int family, struct ip *ret_via,
		     const struct port **ret_port)
{
	uint32_t best = FAR;

	for (size_t i = 0; i < machine->port_count; i++) {
		const struct port *port = &machine->ports[i];

		if (!port_address(port, family))
			continue;
		for (size_t j = 0; j < world->machine_count; j++) {
			const struct machine *other = &world->machines[j];
			const struct port *door = machine_port(other, port->network);
			const struct ip *ip = door ? port_address(door, family) : NULL;

			if (other == machine || !leads_on(other) || !ip)
				continue;
			for (size_t k = 0; k < other->port_count; k++) {
				size_t n = (size_t)(other->ports[k].network -
						    world->networks);

				if (steps[n] >= best)
					continue;
				best = steps[n];
				*ret_via = *ip;
				*ret_port = port;
			}
		}
	}
	return best != FAR;
}

static int to_network(const struct world *world, const struct machine *machine,
		      const struct network *network, uint32_t *steps, struct ways *ways)
{
	const struct port *port;
	struct ip via;

	if (machine_port(machine, network))
		return 0;
	measure(world, network, steps);
	for (size_t i = 0; i < network->subnet_count; i++) {
		const struct subnet *subnet = &network->subnets[i];

		if (next_hop(world, machine, steps, subnet->ip.family, &via, &port) &&
		    add(ways, subnet, &via, port) < 0)
			return -1;
	}
	return 0;
}

static int to_vip(const struct world *world, const struct machine *machine,
		  const struct virtual_address *vip, uint32_t *steps, struct ways *ways)
{
	struct subnet host = { vip->ip, ip_bits(&vip->ip) };
	const struct port *port;
	struct ip via;

	if (!vip->network || network_subnet(vip->network, &vip->ip))
		return 0;
	port = machine_port(machine, vip->network);
	if (port)
		return leads_on(machine) ? add(ways, &host, NULL, port) : 0;
	measure(world, vip->network, steps);
	if (next_hop(world, machine, steps, vip->ip.family, &via, &port))
		return add(ways, &host, &via, port);
	return 0;
}

/* The first of the addresses that a port of the machine reaches. */
static bool reachable(const struct machine *machine, const struct ip_list *list,
		      int family, struct ip *ret_via, const struct port **ret_port)
{
	for (size_t i = 0; i < list->count; i++)
		for (size_t j = 0; j < machine->port_count; j++) {
			const struct port *port = &machine->ports[j];

			if (list->items[i].family != family ||
			    !port_address(port, family) ||
			    !network_subnet(port->network, &list->items[i]))
				continue;
			*ret_via = list->items[i];
			*ret_port = port;
			return true;
		}
	return false;
}

static bool gateway(const struct world *world, const struct machine *machine, int family,
		    uint32_t *steps, struct ip *ret_via, const struct port **ret_port)
{
	if (reachable(machine, &machine->gateways, family, ret_via, ret_port))
		return true;
	for (size_t i = 0; i < machine->port_count; i++)
		if (reachable(machine, &machine->ports[i].network->gateways, family,
			      ret_via, ret_port))
			return true;
	for (size_t i = 0; i < world->network_count; i++) {
		if (!world->networks[i].outside)
			continue;
		measure(world, &world->networks[i], steps);
		if (next_hop(world, machine, steps, family, ret_via, ret_port))
			return true;
	}
	for (size_t i = 0; i < machine->port_count; i++)
		if (reachable(machine, &machine->ports[i].network->director_addresses,
			      family, ret_via, ret_port))
			return true;
	return false;
}

/* What is not a router sends all the rest through one gateway. */
static int to_the_rest(const struct world *world, const struct machine *machine,
		       uint32_t *steps, struct ways *ways)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < 2; i++) {
		struct subnet all = { { .family = families[i] }, 0 };
		const struct port *port;
		struct ip via;

		if (gateway(world, machine, families[i], steps, &via, &port) &&
		    add(ways, &all, &via, port) < 0)
			return -1;
	}
	return 0;
}

int world_routes(const struct world *world, const struct machine *machine,
		 struct ways *ret)
{
	uint32_t *steps;
	int err;

	*ret = (struct ways){ 0 };
	if (machine_has_plan(machine))
		return 0;
	steps = calloc(world->network_count + 1, sizeof(*steps));
	err = steps ? 0 : -1;
	if (!leads_on(machine) && machine != world_client(world)) {
		if (!err)
			err = to_the_rest(world, machine, steps, ret);
	} else {
		for (size_t i = 0; !err && i < world->network_count; i++)
			err = to_network(world, machine, &world->networks[i], steps, ret);
		for (size_t i = 0; !err && i < world->vip_count; i++)
			err = to_vip(world, machine, &world->vips[i], steps, ret);
	}
	free(steps);
	return err;
}
