/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ways out and in. The cluster says which routers stand between which networks; how far a
 * network is from a target, counted in routers, tells which of several is the way.
 *
 * A machine's gateway, for each family, is the first of:
 *   its own `gateways`; the `gateways` of its network; the router of its network that
 *   leads towards the clients; the active director, where there is no router.
 * With several networks the one nearest to the clients counts.
 */
#include "plan/compile.h"

struct way {
	const struct addr *via;
	const struct interface *interface;
	uint32_t distance; /* of the network that it leads through */
};

/* ---- distances ---- */

/* Routers forward between all their networks: one round takes each distance one router
 * further. */
static bool spread(const struct compilation *c, const struct machine *router,
		   uint32_t *distance)
{
	uint32_t nearest = NETWORK_FAR;
	bool changed = false;

	for (uint32_t i = 0; i < router->interfaces.count; i++) {
		uint32_t here = distance[network_index(
			c, interface_network(&router->interfaces.items[i]))];

		if (here < nearest)
			nearest = here;
	}
	if (nearest == NETWORK_FAR)
		return false;
	for (uint32_t i = 0; i < router->interfaces.count; i++) {
		uint32_t *here = &distance[network_index(
			c, interface_network(&router->interfaces.items[i]))];

		if (*here > nearest + 1) {
			*here = nearest + 1;
			changed = true;
		}
	}
	return changed;
}

/* To the network, or to the clients when it is NULL. */
static uint32_t *distances(struct compilation *c, const struct network *target)
{
	uint32_t count = c->cluster->networks.count;
	uint32_t *distance = lsvm_arena_array(&c->scratch, count, sizeof(*distance));
	bool changed = true;

	if (!distance)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		const struct network *network = &c->cluster->networks.items[i];

		distance[i] =
			(target ? network == target : network->outside) ? 0 : NETWORK_FAR;
	}
	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < c->cluster->routers.count; i++)
			changed |= spread(c, &c->cluster->routers.items[i], distance);
	}
	return distance;
}

/* ---- gateways ---- */

static const struct addr *of_family(const struct addr *items, uint32_t count,
				    uint8_t family)
{
	for (uint32_t i = 0; i < count; i++)
		if (items[i].family == family)
			return &items[i];
	return NULL;
}

static bool is_own(const struct machine *machine, const struct addr *addr)
{
	for (uint32_t i = 0; i < machine->interfaces.count; i++) {
		const struct interface *interface = &machine->interfaces.items[i];

		for (uint32_t j = 0; j < interface->addresses.count; j++)
			if (lsvm_addr_compare(&interface->addresses.items[j], addr) == 0)
				return true;
	}
	return false;
}

const struct addr *lsvm_director_gateway(const struct lsvm_cluster *cluster,
					 const struct network *network, uint8_t family)
{
	const struct addr *addr = of_family(network->director_addresses.items,
					    network->director_addresses.count, family);

	for (uint32_t i = 0; i < cluster->directors.count && !addr; i++) {
		const struct interface *interface =
			lsvm_machine_interface_in(&cluster->directors.items[i], network);

		if (interface)
			addr = lsvm_interface_address(interface, family);
	}
	return addr;
}

/* The router on the interface's network that leads nearer to where distance is 0. */
static void try_routers(struct compilation *c, const struct interface *interface,
			const uint32_t *distance, uint8_t family, struct way *best)
{
	const struct network *network = interface_network(interface);
	uint32_t here = distance[network_index(c, network)];

	if (here == NETWORK_FAR || here == 0 || here >= best->distance)
		return;
	for (uint32_t i = 0; i < c->cluster->routers.count; i++) {
		const struct machine *router = &c->cluster->routers.items[i];
		const struct interface *leg = lsvm_machine_interface_in(router, network);
		const struct addr *via = leg ? lsvm_interface_address(leg, family) : NULL;

		if (!via || router == c->machine)
			continue;
		for (uint32_t j = 0; j < router->interfaces.count; j++) {
			const struct network *other =
				interface_network(&router->interfaces.items[j]);

			if (distance[network_index(c, other)] >= here)
				continue;
			*best = (struct way){ via, interface, here };
			return;
		}
	}
}

/* What the file says about the network itself comes before its routers. */
static void try_network(struct compilation *c, const struct interface *interface,
			const uint32_t *distance, uint8_t family, struct way *best)
{
	const struct network *network = interface_network(interface);
	uint32_t here = distance[network_index(c, network)];
	const struct addr *via =
		of_family(network->gateways.items, network->gateways.count, family);

	if (!via || is_own(c->machine, via)) {
		try_routers(c, interface, distance, family, best);
		return;
	}
	/* A gateway that is written down leads out even where no router is modelled. */
	if (here == NETWORK_FAR)
		here--;
	if (here < best->distance)
		*best = (struct way){ via, interface, here };
}

static bool own_gateway(const struct compilation *c, uint8_t family, struct way *best)
{
	const struct machine *machine = c->machine;
	const struct addr *via =
		of_family(machine->gateways.items, machine->gateways.count, family);

	if (!via)
		return false;
	for (uint32_t i = 0; i < machine->interfaces.count; i++) {
		const struct interface *interface = &machine->interfaces.items[i];

		if (!lsvm_network_subnet(interface_network(interface), via))
			continue;
		*best = (struct way){ via, interface, 0 };
		return true;
	}
	return false;
}

static void try_directors(struct compilation *c, uint8_t family, struct way *best)
{
	for (uint32_t i = 0; i < c->machine->interfaces.count && !best->via; i++) {
		const struct interface *interface = &c->machine->interfaces.items[i];
		const struct network *network = interface_network(interface);

		if (!lsvm_interface_address(interface, family))
			continue;
		*best = (struct way){ of_family(network->director_addresses.items,
						network->director_addresses.count,
						family),
				      interface, 0 };
	}
}

static void want_gateway(struct compilation *c, const uint32_t *distance, uint8_t family)
{
	struct prefix everything = { .addr = { .family = family } };
	struct way best = { .distance = NETWORK_FAR };

	if (lsvm_state_route(c->wanted, &everything))
		return;
	if (!own_gateway(c, family, &best)) {
		for (uint32_t i = 0; i < c->machine->interfaces.count; i++) {
			const struct interface *interface =
				&c->machine->interfaces.items[i];

			if (lsvm_interface_address(interface, family))
				try_network(c, interface, distance, family, &best);
		}
		if (!best.via && c->machine->role != LSVM_ROLE_DIRECTOR)
			try_directors(c, family, &best);
	}
	if (best.via)
		lsvm_want_route(c, &everything, best.via, best.interface->name);
}

void lsvm_compile_gateways(struct compilation *c)
{
	const uint32_t *distance = distances(c, NULL);

	if (!distance)
		return;
	want_gateway(c, distance, 4);
	want_gateway(c, distance, 6);
}

/* ---- routers ---- */

/* Towards a network that the router has no leg in. Private addresses stay inside: no
 * route to them leads over the clients' network. */
static void want_way(struct compilation *c, const uint32_t *distance,
		     const struct prefix *destination)
{
	struct way best = { .distance = NETWORK_FAR };
	uint8_t family = destination->addr.family;

	for (uint32_t i = 0; i < c->machine->interfaces.count; i++) {
		const struct interface *interface = &c->machine->interfaces.items[i];

		if (interface_network(interface)->outside &&
		    lsvm_addr_is_private(&destination->addr))
			continue;
		try_routers(c, interface, distance, family, &best);
	}
	if (best.via)
		lsvm_want_route(c, destination, best.via, best.interface->name);
}

static void want_network(struct compilation *c, const struct network *target)
{
	const uint32_t *distance;

	/* The default route leads to the clients. */
	if (target->outside || lsvm_machine_interface_in(c->machine, target))
		return;
	distance = distances(c, target);
	for (uint32_t i = 0; distance && i < target->subnets.count; i++)
		want_way(c, distance, &target->subnets.items[i]);
}

static bool in_some_subnet(const struct lsvm_cluster *cluster, const struct addr *addr)
{
	for (uint32_t i = 0; i < cluster->networks.count; i++)
		if (lsvm_network_subnet(&cluster->networks.items[i], addr))
			return true;
	return false;
}

/* A VIP outside every subnet: on the link where the directors answer for it, or the way
 * there. */
static void want_routed_vip(struct compilation *c, const struct vip *vip)
{
	const struct network *network = vip->network.target;
	struct prefix prefix = { vip->address, lsvm_addr_bits(&vip->address) };
	const struct interface *interface =
		lsvm_machine_interface_in(c->machine, network);
	const uint32_t *distance;

	if (in_some_subnet(c->cluster, &vip->address))
		return;
	if (interface) {
		lsvm_want_route(c, &prefix, NULL, interface->name);
		return;
	}
	distance = distances(c, network);
	if (distance)
		want_way(c, distance, &prefix);
}

/* A kernel without IPv6 has no such setting, and needs none. */
static bool has_family(const struct machine *machine, uint8_t family)
{
	for (uint32_t i = 0; i < machine->interfaces.count; i++)
		if (lsvm_interface_address(&machine->interfaces.items[i], family))
			return true;
	return false;
}

void lsvm_compile_router(struct compilation *c)
{
	lsvm_want_interfaces(c);
	if (has_family(c->machine, 4))
		lsvm_want_sysctl(c, "net.ipv4.ip_forward", "1");
	if (has_family(c->machine, 6))
		lsvm_want_sysctl(c, "net.ipv6.conf.all.forwarding", "1");
	lsvm_compile_gateways(c);
	for (uint32_t i = 0; i < c->cluster->networks.count; i++)
		want_network(c, &c->cluster->networks.items[i]);
	for (uint32_t i = 0; i < c->cluster->partitions.count; i++) {
		const struct partition *partition = &c->cluster->partitions.items[i];

		for (uint32_t j = 0; j < partition->vips.count; j++)
			want_routed_vip(c, &partition->vips.items[j]);
	}
}
