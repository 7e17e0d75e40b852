/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A world from a cluster. Directors and servers get their own addresses and nothing else:
 * their agents bring the rest, as on real machines. Routers get what their plans say, and
 * ways to all networks; a client stands on every network that is outside.
 */
#include "host/sim/sim.h"
#include "plan/plan.h"
#include "scenario/lab.h"

#include <stdio.h>
#include <stdlib.h>

#define FAR UINT32_MAX
#define FIRST_CLIENT 2
#define LAST_CLIENT 250

/* ---- machines ---- */

/* Linux gives each card with IPv6 an address that is good on the link only. */
static int add_link_local(struct lsvm_lab *lab, struct lsvm_host *host,
			  const struct interface *interface)
{
	struct address own = { .prefix = {
				       .addr = { .family = 6, .bytes = { 0xfe, 0x80 } },
				       .length = 64 } };

	if (!lsvm_interface_address(interface, 6))
		return 0;
	own.prefix.addr.bytes[13] = (uint8_t)interface->object.index;
	own.prefix.addr.bytes[14] = (uint8_t)(lab->machines.count >> 8);
	own.prefix.addr.bytes[15] = (uint8_t)lab->machines.count;
	strncpy(own.interface, interface->name, INTERFACE_BYTES - 1);
	return lsvm_world_address(host, &own);
}

static int add_address(struct lsvm_host *host, const struct interface *interface,
		       const struct addr *addr)
{
	const struct prefix *subnet =
		lsvm_network_subnet(interface->network.target, addr);
	struct address own = { .prefix = { .addr = *addr,
					   .length = subnet ? subnet->length
							    : lsvm_addr_bits(addr) } };

	strncpy(own.interface, interface->name, INTERFACE_BYTES - 1);
	return lsvm_world_address(host, &own);
}

static int add_interfaces(struct lsvm_lab *lab, struct lsvm_host *host,
			  const struct machine *machine, bool addresses)
{
	int err = 0;

	for (uint32_t i = 0; i < machine->interfaces.count && err >= 0; i++) {
		const struct interface *interface = &machine->interfaces.items[i];
		const struct network *network = interface->network.target;

		err = lsvm_world_plug(host, interface->name, network->name);
		if (err >= 0)
			err = add_link_local(lab, host, interface);
		for (uint32_t k = 0;
		     addresses && k < interface->addresses.count && err >= 0; k++)
			err = add_address(host, interface,
					  &interface->addresses.items[k]);
	}
	return err;
}

/* What no tool applies: the lab does what the plan asks of a router. */
static int apply_plan(struct lsvm_lab *lab, struct lsvm_host *host, const char *name)
{
	struct lsvm_plan *plan;
	const struct state *wanted;
	int err = lsvm_plan_compile(lab->ctx, lab->cluster, name, LSVM_DUTY_AUTO, &plan);

	if (err < 0)
		return err;
	wanted = plan->wanted;
	for (size_t i = 0; i < wanted->sysctls.count && err >= 0; i++)
		err = lsvm_world_sysctl(host, wanted->sysctls.items[i].name,
					wanted->sysctls.items[i].value);
	for (size_t i = 0; i < wanted->addresses.count && err >= 0; i++)
		err = lsvm_world_address(host, &wanted->addresses.items[i]);
	for (size_t i = 0; i < wanted->routes.count && err >= 0; i++)
		err = lsvm_world_route(host, &wanted->routes.items[i]);
	lsvm_plan_unref(plan);
	return err;
}

static int add_marks(struct lsvm_lab *lab, struct lsvm_host *host)
{
	int err = 0;

	for (size_t i = 0; i < lab->vips.count; i++) {
		const struct vip *vip = lab->vips.items[i].vip;

		for (uint32_t k = 0; k < vip->services.count && err >= 0; k++) {
			const struct service *service = &vip->services.items[k];

			for (uint32_t p = 0;
			     service->fwmark && err >= 0 && p < service->ports.count; p++)
				err = lsvm_world_mark(
					host, service->protocol, &vip->address,
					service->ports.items[p].first,
					service->ports.items[p].last, service->fwmark);
			if (service->fwmark && !service->ports.count)
				err = lsvm_world_mark(host, service->protocol,
						      &vip->address, 0, UINT16_MAX,
						      service->fwmark);
		}
	}
	return err;
}

/* The directors' key is the cluster's, a server's is its own, as svm-ems key makes them.
 */
static int add_key(struct lsvm_lab *lab, const struct lab_machine *machine)
{
	const bool server = machine->machine->role == LSVM_ROLE_SERVER;
	struct file file = { .path = LAB_KEY_PATH, .mode = 0600, .content = lab->key };
	char *own = NULL;
	int err = 0;

	if (server)
		err = lsvm_key_derive(lab->ctx, lab->key, strlen(lab->key),
				      machine->machine->name, &own);
	if (own)
		file.content = own;
	if (err >= 0) {
		file.length = strlen(file.content);
		err = lsvm_sim_file_write((struct sim_host *)machine->host, &file);
	}
	lsvm_free(own);
	return err;
}

static int make_key(struct lsvm_lab *lab)
{
	uint8_t bytes[32];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)lsvm_world_random(lab->world, 256);
	return lsvm_key_generate(lab->ctx, bytes, sizeof(bytes), &lab->key);
}

static int add_machine(struct lsvm_lab *lab, const struct machine *machine)
{
	const bool router = machine->role == LSVM_ROLE_ROUTER;
	struct lab_machine *made = calloc(1, sizeof(*made)), **slot;
	int err;

	slot = made ? vec_push(&lab->machines) : NULL;
	if (!slot) {
		free(made);
		return lsvm_fail_nomem(lab->ctx);
	}
	*slot = made;
	made->lab = lab;
	made->machine = machine;
	made->start_ns = IO_NEVER;
	made->behaviour = made->was_behaviour = BEHAVIOUR_ANSWER;
	err = lsvm_world_machine(lab->world, machine->name, &made->host);
	if (err >= 0)
		err = add_interfaces(lab, made->host, machine, !router);
	if (err >= 0 && router)
		err = apply_plan(lab, made->host, machine->name);
	if (err >= 0 && lsvm_lab_has_agent(made))
		err = add_key(lab, made);
	if (err >= 0 && machine->role == LSVM_ROLE_DIRECTOR)
		err = add_marks(lab, made->host);
	if (err >= 0 &&
	    (machine->role == LSVM_ROLE_SERVER || machine->role == LSVM_ROLE_BACKEND))
		err = lsvm_lab_serve(lab, machine->name, "answer", 0, NULL);
	return err;
}

/* ---- ways ---- */

static size_t index_of(const struct lsvm_lab *lab, const struct network *network)
{
	return (size_t)(network - lab->cluster->networks.items);
}

/* Steps from every network to that one, over routers. */
static void measure(const struct lsvm_lab *lab, const struct network *to, uint32_t *steps)
{
	bool changed = true;

	for (uint32_t i = 0; i < lab->cluster->networks.count; i++)
		steps[i] = &lab->cluster->networks.items[i] == to ? 0 : FAR;
	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < lab->cluster->routers.count; i++) {
			const struct machine *router = &lab->cluster->routers.items[i];
			uint32_t best = FAR;

			for (uint32_t k = 0; k < router->interfaces.count; k++) {
				const size_t at = index_of(
					lab, router->interfaces.items[k].network.target);

				best = steps[at] < best ? steps[at] : best;
			}
			for (uint32_t k = 0; best != FAR && k < router->interfaces.count;
			     k++) {
				const size_t at = index_of(
					lab, router->interfaces.items[k].network.target);

				if (steps[at] > best + 1) {
					steps[at] = best + 1;
					changed = true;
				}
			}
		}
	}
}

/* How far the network is for a router itself. */
static uint32_t distance(const struct lsvm_lab *lab, const struct machine *router,
			 const uint32_t *steps)
{
	uint32_t best = FAR;

	for (uint32_t k = 0; k < router->interfaces.count; k++) {
		const size_t at =
			index_of(lab, router->interfaces.items[k].network.target);

		best = steps[at] < best ? steps[at] : best;
	}
	return best;
}

/* The address of the router, other than `self`, that is nearest to where steps lead and
 * stands on that network. */
static const struct addr *nearest(const struct lsvm_lab *lab,
				  const struct network *network, uint8_t family,
				  const struct machine *self, const uint32_t *steps,
				  uint32_t *best)
{
	const struct addr *found = NULL;

	for (uint32_t i = 0; i < lab->cluster->routers.count; i++) {
		const struct machine *router = &lab->cluster->routers.items[i];
		const struct interface *near =
			router == self ? NULL
				       : lsvm_machine_interface_in(router, network);
		const struct addr *addr =
			near ? lsvm_interface_address(near, family) : NULL;
		const uint32_t far = distance(lab, router, steps);

		if (addr && far < *best) {
			*best = far;
			found = addr;
		}
	}
	return found;
}

struct leg {
	const char *interface;
	const struct network *network;
};

static int add_way(struct lsvm_lab *lab, struct lsvm_host *host,
		   const struct machine *self, const struct leg *legs, size_t leg_count,
		   const struct prefix *to, const uint32_t *steps)
{
	struct route route = { .destination = *to };
	uint32_t best = self ? distance(lab, self, steps) : FAR;

	for (size_t i = 0; i < leg_count; i++) {
		const struct addr *via = nearest(lab, legs[i].network, to->addr.family,
						 self, steps, &best);

		if (!via)
			continue;
		route.via = *via;
		strncpy(route.interface, legs[i].interface, INTERFACE_BYTES - 1);
	}
	return route.via.family ? lsvm_world_route(host, &route) : 0;
}

static bool stands_on(const struct leg *legs, size_t count, const struct network *network)
{
	for (size_t i = 0; i < count; i++)
		if (legs[i].network == network)
			return true;
	return false;
}

/* To every network that it does not stand on, and to virtual addresses outside all. */
static int add_ways(struct lsvm_lab *lab, struct lsvm_host *host,
		    const struct machine *self, const struct leg *legs, size_t leg_count)
{
	const uint32_t count = lab->cluster->networks.count;
	uint32_t *steps = calloc(count, sizeof(*steps));
	int err = steps ? 0 : lsvm_fail_nomem(lab->ctx);

	for (uint32_t i = 0; i < count && err >= 0; i++) {
		const struct network *network = &lab->cluster->networks.items[i];

		if (stands_on(legs, leg_count, network))
			continue;
		measure(lab, network, steps);
		for (uint32_t k = 0; k < network->subnets.count && err >= 0; k++)
			err = add_way(lab, host, self, legs, leg_count,
				      &network->subnets.items[k], steps);
	}
	for (size_t i = 0; i < lab->vips.count && err >= 0; i++) {
		const struct lab_vip *vip = &lab->vips.items[i];
		const struct prefix to = { vip->vip->address,
					   lsvm_addr_bits(&vip->vip->address) };

		if (!vip->network || lsvm_network_subnet(vip->network, &to.addr) ||
		    stands_on(legs, leg_count, vip->network))
			continue;
		measure(lab, vip->network, steps);
		err = add_way(lab, host, self, legs, leg_count, &to, steps);
	}
	free(steps);
	return err;
}

static int route_routers(struct lsvm_lab *lab)
{
	int err = 0;

	for (uint32_t i = 0; i < lab->cluster->routers.count && err >= 0; i++) {
		const struct machine *router = &lab->cluster->routers.items[i];
		struct leg *legs = calloc(router->interfaces.count + 1, sizeof(*legs));

		if (!legs)
			return lsvm_fail_nomem(lab->ctx);
		for (uint32_t k = 0; k < router->interfaces.count; k++)
			legs[k] = (struct leg){
				router->interfaces.items[k].name,
				router->interfaces.items[k].network.target
			};
		err = add_ways(lab, lsvm_world_find(lab->world, router->name), router,
			       legs, router->interfaces.count);
		free(legs);
	}
	return err;
}

/* ---- the client ---- */

static bool is_used(const struct lsvm_lab *lab, const struct addr *addr)
{
	const struct machine *machine;

	for (size_t n = 0; (machine = lsvm_cluster_machine_nth(lab->cluster, n)); n++)
		for (uint32_t i = 0; i < machine->interfaces.count; i++) {
			const struct interface *interface = &machine->interfaces.items[i];

			for (uint32_t k = 0; k < interface->addresses.count; k++)
				if (lsvm_addr_compare(&interface->addresses.items[k],
						      addr) == 0)
					return true;
		}
	for (size_t i = 0; i < lab->vips.count; i++)
		if (lsvm_addr_compare(&lab->vips.items[i].vip->address, addr) == 0)
			return true;
	return false;
}

static int add_client_addresses(struct lsvm_lab *lab, const struct leg *leg)
{
	int err = 0;

	for (uint32_t i = 0; i < leg->network->subnets.count && err >= 0; i++) {
		const struct prefix *subnet = &leg->network->subnets.items[i];
		const size_t last = subnet->addr.family == 6 ? 15 : 3;
		unsigned made = 0;

		for (unsigned number = FIRST_CLIENT;
		     number <= LAST_CLIENT && made < CLIENT_ADDRESSES && err >= 0;
		     number++) {
			struct address own = { .prefix = *subnet };
			struct addr *slot;

			own.prefix.addr.bytes[last] |= (uint8_t)number;
			if (!lsvm_prefix_contains(subnet, &own.prefix.addr) ||
			    is_used(lab, &own.prefix.addr))
				continue;
			strncpy(own.interface, leg->interface, INTERFACE_BYTES - 1);
			err = lsvm_world_address(lab->client, &own);
			slot = vec_push(&lab->client_addresses);
			if (slot)
				*slot = own.prefix.addr;
			else
				err = lsvm_fail_nomem(lab->ctx);
			made++;
		}
	}
	return err;
}

static int plug_client(struct lsvm_lab *lab, const struct network *network,
		       struct leg *legs, char (*names)[INTERFACE_BYTES], size_t *count)
{
	int err;

	snprintf(names[*count], INTERFACE_BYTES, "eth%u", (unsigned)*count);
	legs[*count] = (struct leg){ names[*count], network };
	err = lsvm_world_plug(lab->client, names[*count], network->name);
	if (err >= 0)
		err = add_client_addresses(lab, &legs[*count]);
	++*count;
	return err;
}

static int add_client(struct lsvm_lab *lab)
{
	const uint32_t most = lab->cluster->networks.count + 1;
	struct leg *legs = calloc(most, sizeof(*legs));
	char(*names)[INTERFACE_BYTES] = calloc(most, sizeof(*names));
	size_t count = 0;
	int err = lsvm_world_machine(lab->world, CLIENT_NAME, &lab->client);

	if (!legs || !names)
		err = lsvm_fail_nomem(lab->ctx);
	for (uint32_t i = 0; i < lab->cluster->networks.count && err >= 0; i++)
		if (lab->cluster->networks.items[i].outside)
			err = plug_client(lab, &lab->cluster->networks.items[i], legs,
					  names, &count);
	/* A file without an outside: the client is among the machines. */
	if (err >= 0 && !count && lab->cluster->networks.count)
		err = plug_client(lab,
				  lab->vips.count && lab->vips.items[0].network
					  ? lab->vips.items[0].network
					  : &lab->cluster->networks.items[0],
				  legs, names, &count);
	if (err >= 0)
		err = add_ways(lab, lab->client, NULL, legs, count);
	free(legs);
	free(names);
	return err;
}

/* ---- virtual addresses ---- */

/* Requests go to the first service that has a port and a protocol that a client speaks.
 */
static void choose_service(struct lab_vip *to)
{
	for (uint32_t i = 0; i < to->vip->services.count; i++) {
		const struct service *service = &to->vip->services.items[i];

		if (!service->ports.count ||
		    (to->port && (to->protocol == LSVM_PROTOCOL_TCP ||
				  service->protocol != LSVM_PROTOCOL_TCP)))
			continue;
		to->port = service->ports.items[0].first;
		to->protocol = service->protocol;
	}
}

static int add_vips(struct lsvm_lab *lab)
{
	for (uint32_t i = 0; i < lab->cluster->partitions.count; i++) {
		const struct partition *partition = &lab->cluster->partitions.items[i];

		for (uint32_t k = 0; k < partition->vips.count; k++) {
			struct lab_vip *to = vec_push(&lab->vips);

			if (!to)
				return lsvm_fail_nomem(lab->ctx);
			to->vip = &partition->vips.items[k];
			to->network = to->vip->network.target;
			choose_service(to);
		}
	}
	return 0;
}

int lsvm_lab_build(struct lsvm_lab *lab)
{
	const struct machine *machine;
	int err = make_key(lab);

	if (err >= 0)
		err = add_vips(lab);
	for (uint32_t i = 0; i < lab->cluster->networks.count && err >= 0; i++) {
		struct weather *weather = vec_push(&lab->weather);

		if (!weather)
			return lsvm_fail_nomem(lab->ctx);
		weather->delay_ns = LAB_DELAY_NS;
		err = lsvm_world_network(lab->world, lab->cluster->networks.items[i].name,
					 weather);
	}
	for (size_t n = 0;
	     err >= 0 && (machine = lsvm_cluster_machine_nth(lab->cluster, n)); n++)
		err = add_machine(lab, machine);
	if (err >= 0)
		err = route_routers(lab);
	if (err >= 0)
		err = add_client(lab);
	return err;
}
