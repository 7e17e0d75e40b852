/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Links, addresses and routes of a simulated machine, with rtnetlink's answers: there
 * twice EEXIST, not there ENODEV, EADDRNOTAVAIL or ESRCH, a gateway that no address of
 * the interface reaches ENETUNREACH. A link that goes takes its addresses and routes
 * along; so does the last IPv4 address of a link with the IPv4 routes.
 */
#include "host/sim/sim.h"

struct sim_link *lsvm_sim_link(struct sim_host *sim, const char *name)
{
	for (size_t i = 0; i < sim->links.count; i++)
		if (strcmp(sim->links.items[i].link.name, name) == 0)
			return &sim->links.items[i];
	return NULL;
}

int lsvm_sim_no_interface(struct sim_host *sim, const char *name)
{
	struct buf names = { 0 };
	int err;

	for (size_t i = 0; i < sim->links.count; i++)
		lsvm_buf_printf(&names, "%s%s", i ? ", " : "",
				sim->links.items[i].link.name);
	err = lsvm_fail(sim->host.ctx, LSVM_ERR_NOT_FOUND,
			"there is no interface '%s' on %s; it has %s", name,
			sim->host.name, names.data ? names.data : "none");
	lsvm_buf_free(&names);
	return err;
}

int lsvm_sim_link_push(struct sim_host *sim, const struct link *link, bool card)
{
	struct sim_link *added;

	if (lsvm_sim_link(sim, link->name))
		return lsvm_fail(sim->host.ctx, LSVM_ERR_EXISTS,
				 "interface '%s' is there already; remove it or take "
				 "another name",
				 link->name);
	added = vec_push(&sim->links);
	if (!added)
		return lsvm_fail_nomem(sim->host.ctx);
	added->link = *link;
	added->link.down = false;
	added->card = card;
	return 0;
}

int lsvm_sim_link_add(struct sim_host *sim, const struct link *link)
{
	if (link->kind <= LINK_PRESENT)
		return lsvm_fail(sim->host.ctx, LSVM_ERR_ARGUMENT,
				 "interface '%s' is a network card, which cannot be "
				 "made; plug it in",
				 link->name);
	return lsvm_sim_link_push(sim, link, false);
}

int lsvm_sim_link_change(struct sim_host *sim, const struct link *link)
{
	struct sim_link *present = lsvm_sim_link(sim, link->name);

	if (!present)
		return lsvm_sim_no_interface(sim, link->name);
	if (link->mtu && link->mtu < 68)
		return lsvm_fail(sim->host.ctx, LSVM_ERR_ARGUMENT,
				 "interface '%s' cannot have an MTU of %u; take one from "
				 "68 up",
				 link->name, link->mtu);
	present->link.down = false;
	if (link->mtu)
		present->link.mtu = link->mtu;
	return 0;
}

static void drop_address(struct sim_host *sim, size_t at)
{
	struct address *items = sim->addresses.items;

	memmove(&items[at], &items[at + 1],
		(sim->addresses.count - at - 1) * sizeof(*items));
	sim->addresses.count--;
}

static void drop_route(struct sim_host *sim, size_t at)
{
	struct route *items = sim->routes.items;

	memmove(&items[at], &items[at + 1],
		(sim->routes.count - at - 1) * sizeof(*items));
	sim->routes.count--;
}

/* family 0: all. */
static void drop_routes_of(struct sim_host *sim, const char *interface, uint8_t family)
{
	for (size_t i = sim->routes.count; i-- > 0;) {
		const struct route *route = &sim->routes.items[i];

		if (strcmp(route->interface, interface) == 0 &&
		    (!family || route->destination.addr.family == family))
			drop_route(sim, i);
	}
}

int lsvm_sim_link_delete(struct sim_host *sim, const struct link *link)
{
	struct sim_link *present = lsvm_sim_link(sim, link->name);
	size_t at;

	if (!present)
		return 0;
	if (present->card)
		return lsvm_fail(sim->host.ctx, LSVM_ERR_UNSUPPORTED,
				 "interface '%s' is a network card and cannot be removed",
				 link->name);
	for (size_t i = sim->addresses.count; i-- > 0;)
		if (strcmp(sim->addresses.items[i].interface, link->name) == 0)
			drop_address(sim, i);
	drop_routes_of(sim, link->name, 0);
	at = (size_t)(present - sim->links.items);
	memmove(present, present + 1, (sim->links.count - at - 1) * sizeof(*present));
	sim->links.count--;
	return 0;
}

static size_t find_address(const struct sim_host *sim, const struct address *address)
{
	size_t i;

	for (i = 0; i < sim->addresses.count; i++) {
		const struct address *have = &sim->addresses.items[i];

		if (lsvm_prefix_compare(&have->prefix, &address->prefix) == 0 &&
		    strcmp(have->interface, address->interface) == 0)
			break;
	}
	return i;
}

int lsvm_sim_address_add(struct sim_host *sim, const struct address *address)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	struct address *added;

	if (!lsvm_sim_link(sim, address->interface))
		return lsvm_sim_no_interface(sim, address->interface);
	if (find_address(sim, address) < sim->addresses.count)
		return lsvm_fail(
			sim->host.ctx, LSVM_ERR_EXISTS, "address %s is on '%s' already",
			lsvm_prefix_text(&address->prefix, text), address->interface);
	added = vec_push(&sim->addresses);
	if (!added)
		return lsvm_fail_nomem(sim->host.ctx);
	*added = *address;
	return 0;
}

static bool has_family(const struct sim_host *sim, const char *interface, uint8_t family)
{
	for (size_t i = 0; i < sim->addresses.count; i++)
		if (sim->addresses.items[i].prefix.addr.family == family &&
		    strcmp(sim->addresses.items[i].interface, interface) == 0)
			return true;
	return false;
}

int lsvm_sim_address_delete(struct sim_host *sim, const struct address *address)
{
	size_t at = find_address(sim, address);

	if (at == sim->addresses.count)
		return 0;
	drop_address(sim, at);
	if (address->prefix.addr.family == 4 && !has_family(sim, address->interface, 4))
		drop_routes_of(sim, address->interface, 4);
	return 0;
}

/* A card without an address of its own, as a plan plugs it in, is taken to have one in
 * every subnet: that much of a machine its operator configures, not its plan. */
static bool reaches(const struct sim_host *sim, const struct route *route)
{
	bool configured = false;

	if (!route->via.family)
		return true;
	for (size_t i = 0; i < sim->addresses.count; i++) {
		const struct prefix *have = &sim->addresses.items[i].prefix;

		if (strcmp(sim->addresses.items[i].interface, route->interface) != 0)
			continue;
		if (lsvm_prefix_contains(have, &route->via))
			return true;
		configured |= have->addr.family == route->via.family &&
			      have->length < lsvm_addr_bits(&have->addr);
	}
	if (!configured)
		return true;
	for (size_t i = 0; i < sim->routes.count; i++) {
		const struct route *have = &sim->routes.items[i];

		if (!have->via.family && strcmp(have->interface, route->interface) == 0 &&
		    lsvm_prefix_contains(&have->destination, &route->via))
			return true;
	}
	return false;
}

static size_t find_route(const struct sim_host *sim, const struct prefix *destination)
{
	size_t i;

	for (i = 0; i < sim->routes.count; i++)
		if (lsvm_prefix_compare(&sim->routes.items[i].destination, destination) ==
		    0)
			break;
	return i;
}

int lsvm_sim_route_set(struct sim_host *sim, const struct route *route)
{
	char to[LSVM_ADDRESS_TEXT_BYTES], via[LSVM_ADDRESS_TEXT_BYTES];
	struct route *slot;
	size_t at;

	if (!lsvm_sim_link(sim, route->interface))
		return lsvm_sim_no_interface(sim, route->interface);
	if (!lsvm_prefix_is_net(&route->destination))
		return lsvm_fail(sim->host.ctx, LSVM_ERR_ARGUMENT,
				 "route to %s has host bits; clear them",
				 lsvm_prefix_text(&route->destination, to));
	if (!reaches(sim, route))
		return lsvm_fail(sim->host.ctx, LSVM_ERR_STATE,
				 "route to %s: no address of '%s' reaches the gateway "
				 "%s; give it one in the gateway's subnet",
				 lsvm_prefix_text(&route->destination, to),
				 route->interface, lsvm_addr_text(&route->via, via));
	at = find_route(sim, &route->destination);
	slot = at < sim->routes.count ? &sim->routes.items[at] : vec_push(&sim->routes);
	if (!slot)
		return lsvm_fail_nomem(sim->host.ctx);
	*slot = *route;
	return 0;
}

int lsvm_sim_route_delete(struct sim_host *sim, const struct route *route)
{
	size_t at = find_route(sim, &route->destination);

	if (at == sim->routes.count)
		return 0;
	drop_route(sim, at);
	return 0;
}
