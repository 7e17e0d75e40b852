/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Wires and addresses: which subnet is where, and who has which address. */
#include "cluster/validate_private.h"

#include <stdlib.h>

/* ---- subnets ---- */

static int compare_subnets(const void *left, const void *right)
{
	const struct subnet *a = left, *b = right;
	int order = lsvm_prefix_compare(&a->prefix, &b->prefix);

	if (order)
		return order;
	if (a->network != b->network)
		return a->network < b->network ? -1 : 1;
	return a->index < b->index ? -1 : 1;
}

static void gather_subnets(struct validation *v, struct network *network)
{
	bool seen[2] = { false, false };

	if (!network->subnets.count &&
	    !lsvm_was_written(&network->object, &network->subnets))
		lsvm_fault(v, FINDING_NETWORK_WITHOUT_SUBNET, &network->object, NULL,
			   "network \"%s\" has no subnet", or_empty(network->name));
	for (uint32_t i = 0; i < network->subnets.count; i++) {
		const struct prefix *prefix = &network->subnets.items[i];
		struct subnet *subnet;
		char text[LSVM_ADDRESS_TEXT_BYTES];

		if (!prefix->addr.family)
			continue;
		if (seen[prefix->addr.family == 6])
			lsvm_fault_item(v, FINDING_TWO_SUBNETS_OF_A_FAMILY,
					&network->object, &network->subnets, i,
					(struct mark){ 0 },
					"%s is the second IPv%u subnet of network \"%s\"",
					lsvm_prefix_text(prefix, text),
					prefix->addr.family, or_empty(network->name));
		seen[prefix->addr.family == 6] = true;
		if (!lsvm_prefix_is_net(prefix))
			lsvm_fault_item(v, FINDING_SUBNET_HOST_BITS, &network->object,
					&network->subnets, i, (struct mark){ 0 },
					"%s is an address in a subnet, not a subnet",
					lsvm_prefix_text(prefix, text));
		subnet = vec_push(&v->subnets);
		if (!subnet) {
			v->nomem = true;
			return;
		}
		*subnet = (struct subnet){ *prefix, network, i };
	}
}

/* In sorted order a subnet that overlaps any earlier one overlaps the widest-reaching
 * one. */
static void check_overlaps(struct validation *v)
{
	const struct subnet *reach = NULL;
	char a[LSVM_ADDRESS_TEXT_BYTES], b[LSVM_ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < v->subnets.count; i++) {
		const struct subnet *subnet = &v->subnets.items[i], *late, *early;

		if (!reach || !lsvm_prefix_overlaps(&reach->prefix, &subnet->prefix)) {
			reach = subnet;
			continue;
		}
		late = reach->network > subnet->network ? reach : subnet;
		early = late == reach ? subnet : reach;
		lsvm_fault_item(v, FINDING_SUBNETS_OVERLAP, &late->network->object,
				&late->network->subnets, late->index, (struct mark){ 0 },
				"%s overlaps %s of network \"%s\"",
				lsvm_prefix_text(&late->prefix, a),
				lsvm_prefix_text(&early->prefix, b),
				or_empty(early->network->name));
	}
}

static const struct subnet *find_subnet(const struct validation *v,
					const struct addr *addr)
{
	size_t low = 0, high = v->subnets.count;

	/* The last subnet that starts at or before the address: they do not overlap. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lsvm_addr_compare(&v->subnets.items[middle].prefix.addr, addr) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low && lsvm_prefix_contains(&v->subnets.items[low - 1].prefix, addr))
		return &v->subnets.items[low - 1];
	return NULL;
}

struct network *lsvm_network_of(const struct validation *v, const struct addr *addr)
{
	const struct subnet *subnet = find_subnet(v, addr);

	return subnet ? subnet->network : NULL;
}

/* The second look is for subnets that overlap, which is a finding of its own. */
static const struct prefix *subnet_in(const struct validation *v,
				      const struct network *network,
				      const struct addr *addr)
{
	const struct subnet *subnet = find_subnet(v, addr);

	if (subnet && subnet->network == network)
		return &subnet->prefix;
	return network->subnets.count <= 8 ? lsvm_network_subnet(network, addr) : NULL;
}

/* ---- addresses ---- */

static void own(struct validation *v, const struct addr *addr, const char *name,
		const struct object *object, const void *field, uint32_t index)
{
	struct owner *owner = lsvm_arena_alloc(&v->scratch, sizeof(*owner));
	void *old = NULL;
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (!owner)
		return;
	*owner = (struct owner){ name, object };
	if (lsvm_entered(v, &v->owners, addr, sizeof(*addr), owner, &old))
		lsvm_fault_item(v, FINDING_DUPLICATE_ADDRESS, object, field, index,
				(struct mark){ 0 }, "%s belongs to \"%s\" (%s) already",
				lsvm_addr_text(addr, text), ((struct owner *)old)->name,
				lsvm_place(v, ((struct owner *)old)->object));
}

/* The first and the last address of an IPv4 subnet stand for the subnet itself. */
static bool is_edge(const struct prefix *subnet, const struct addr *addr)
{
	uint32_t bits, mask;

	if (addr->family != 4 || subnet->length > 30)
		return false;
	bits = (uint32_t)addr->bytes[0] << 24 | (uint32_t)addr->bytes[1] << 16 |
	       (uint32_t)addr->bytes[2] << 8 | addr->bytes[3];
	mask = subnet->length ? UINT32_MAX >> subnet->length : UINT32_MAX;
	return (bits & mask) == 0 || (bits & mask) == mask;
}

bool lsvm_is_edge(const struct validation *v, const struct addr *addr)
{
	const struct subnet *subnet = find_subnet(v, addr);

	return subnet && is_edge(&subnet->prefix, addr);
}

/* An address that a machine holds in a network. */
static void check_address(struct validation *v, const struct network *network,
			  const struct addr *addr, const char *owner,
			  const struct object *object, const void *field, uint32_t index)
{
	const struct prefix *subnet = network ? subnet_in(v, network, addr) : NULL;
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (!addr->family)
		return;
	lsvm_addr_text(addr, text);
	if (lsvm_addr_is_special(addr) || (subnet && is_edge(subnet, addr)))
		lsvm_fault_item(v, FINDING_ADDRESS_NOT_USABLE, object, field, index,
				(struct mark){ 0 }, "no machine can have the address %s",
				text);
	else if (network && !subnet && network->subnets.count)
		lsvm_fault_item(v, FINDING_ADDRESS_OUTSIDE_SUBNET, object, field, index,
				(struct mark){ 0 },
				"%s lies in no subnet of network \"%s\"", text,
				or_empty(network->name));
	own(v, addr, or_empty(owner), object, field, index);
}

static void check_mac(struct validation *v, const struct machine *machine,
		      const struct interface *interface, struct map *macs)
{
	static const uint8_t none[6];
	const uint8_t *mac = interface->mac;
	void *old = NULL;

	if (!interface->has_mac)
		return;
	if ((mac[0] & 1) || memcmp(mac, none, 6) == 0)
		lsvm_fault(v, FINDING_MAC_NOT_USABLE, &interface->object, &interface->mac,
			   "no interface can have the hardware address "
			   "%02x:%02x:%02x:%02x:%02x:%02x",
			   mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	if (lsvm_entered(v, macs, mac, 6, machine, &old))
		lsvm_fault(v, FINDING_DUPLICATE_MAC, &interface->object, &interface->mac,
			   "%02x:%02x:%02x:%02x:%02x:%02x belongs to \"%s\" already",
			   mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
			   or_empty(((struct machine *)old)->name));
}

/* Few interfaces in all sane files; hostile ones pay with n log n. */
static void check_interface_names(struct validation *v, const struct machine *machine)
{
	struct map names = { 0 }, networks = { 0 };

	for (uint32_t i = 0;
	     machine->interfaces.count > 1 && i < machine->interfaces.count; i++) {
		struct interface *interface = &machine->interfaces.items[i];
		const char *name = or_empty(interface->name);

		if (*name && lsvm_entered(v, &names, name, strlen(name), interface, NULL))
			lsvm_fault(v, FINDING_DUPLICATE_INTERFACE, &interface->object,
				   &interface->name, "\"%s\" has two interfaces \"%s\"",
				   or_empty(machine->name), name);
		if (interface->network.target &&
		    lsvm_entered(v, &networks, &interface->network.target, sizeof(void *),
				 interface, NULL))
			lsvm_fault(v, FINDING_NETWORK_TWICE, &interface->object,
				   &interface->network,
				   "\"%s\" has two interfaces in network \"%s\"",
				   or_empty(machine->name), interface->network.name);
	}
	lsvm_map_free(&names);
	lsvm_map_free(&networks);
}

static void check_machine_gateways(struct validation *v, const struct machine *machine)
{
	bool holes = false;
	char text[LSVM_ADDRESS_TEXT_BYTES];

	for (uint32_t i = 0; i < machine->interfaces.count; i++) {
		const struct network *network =
			machine->interfaces.items[i].network.target;

		holes |= !network;
		if (network)
			network_facts(v, network)->last_machine = machine;
	}
	for (uint32_t g = 0; !holes && g < machine->gateways.count; g++) {
		const struct addr *gateway = &machine->gateways.items[g];
		const struct network *network = lsvm_network_of(v, gateway);

		if (gateway->family &&
		    (!network || network_facts(v, network)->last_machine != machine))
			lsvm_fault_item(
				v, FINDING_GATEWAY_OUTSIDE_SUBNET, &machine->object,
				&machine->gateways, g, (struct mark){ 0 },
				"the gateway %s is in no network of \"%s\"",
				lsvm_addr_text(gateway, text), or_empty(machine->name));
	}
}

static void check_machines(struct validation *v)
{
	struct map macs = { 0 };
	struct machine *machine;

	for (size_t m = 0; (machine = lsvm_cluster_machine_nth(v->cluster, m)); m++) {
		for (uint32_t i = 0; i < machine->interfaces.count; i++) {
			struct interface *interface = &machine->interfaces.items[i];

			for (uint32_t a = 0; a < interface->addresses.count; a++)
				check_address(v, interface->network.target,
					      &interface->addresses.items[a],
					      machine->name, &interface->object,
					      &interface->addresses, a);
			check_mac(v, machine, interface, &macs);
		}
		check_interface_names(v, machine);
		check_machine_gateways(v, machine);
	}
	lsvm_map_free(&macs);
}

static void check_network_addresses(struct validation *v, const struct network *network)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];

	for (uint32_t i = 0; i < network->director_addresses.count; i++)
		check_address(v, network, &network->director_addresses.items[i],
			      network->name, &network->object,
			      &network->director_addresses, i);
	for (uint32_t i = 0; i < network->gateways.count; i++) {
		const struct addr *gateway = &network->gateways.items[i];

		if (gateway->family && network->subnets.count &&
		    !subnet_in(v, network, gateway))
			lsvm_fault_item(
				v, FINDING_GATEWAY_OUTSIDE_SUBNET, &network->object,
				&network->gateways, i, (struct mark){ 0 },
				"the gateway %s lies in no subnet of network \"%s\"",
				lsvm_addr_text(gateway, text), or_empty(network->name));
	}
}

/* Somebody outside the file may be the gateway; nobody else can have its address. */
static void own_gateways(struct validation *v, const struct network *network)
{
	for (uint32_t i = 0; i < network->gateways.count; i++) {
		const struct addr *gateway = &network->gateways.items[i];
		struct owner *owner = lsvm_arena_alloc(&v->scratch, sizeof(*owner));

		if (!owner || !gateway->family)
			continue;
		*owner = (struct owner){ or_empty(network->name), &network->object };
		lsvm_entered(v, &v->owners, gateway, sizeof(*gateway), owner, NULL);
	}
}

void lsvm_validate_networks(struct validation *v)
{
	struct lsvm_cluster *c = v->cluster;

	for (uint32_t i = 0; i < c->networks.count; i++)
		gather_subnets(v, &c->networks.items[i]);
	if (v->subnets.count)
		qsort(v->subnets.items, v->subnets.count, sizeof(*v->subnets.items),
		      compare_subnets);
	check_overlaps(v);
	check_machines(v);
	for (uint32_t i = 0; i < c->networks.count; i++)
		check_network_addresses(v, &c->networks.items[i]);
	for (uint32_t i = 0; i < c->networks.count; i++)
		own_gateways(v, &c->networks.items[i]);
}
