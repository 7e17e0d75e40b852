/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Networks and machines, of which the source knows little: a network around each known
 * prefix, else a /24 or /64 around each server, one for virtual addresses that are in
 * none of them, one outside where the clients live, a router that joins them all, and
 * directors with an address in each. All of it is in the report.
 */
#include "import/import.h"

#define NETWORKS_MAX 256
#define INVENTED LSVM_IMPORT_NOTE_KIND_INVENTED
#define LOST LSVM_IMPORT_NOTE_KIND_LOST

/* ---- subnets ---- */

static struct prefix around(const struct addr *addr, uint8_t length)
{
	struct prefix prefix = { *addr, length };

	for (unsigned bit = length; bit < lsvm_addr_bits(addr); bit++)
		prefix.addr.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return prefix;
}

static struct import_network *network_of(const struct source *source,
					 const struct addr *addr)
{
	for (size_t i = 0; i < source->networks.count; i++)
		if (lsvm_prefix_contains(&source->networks.items[i]->subnet, addr))
			return source->networks.items[i];
	return NULL;
}

static bool is_free(const struct source *source, const struct prefix *prefix)
{
	for (size_t i = 0; i < source->networks.count; i++)
		if (lsvm_prefix_overlaps(&source->networks.items[i]->subnet, prefix))
			return false;
	return true;
}

static bool full(struct source *source)
{
	if (source->networks.count < NETWORKS_MAX)
		return false;
	lsvm_import_say(source, LOST, NULL,
			"the addresses are spread over more than %u networks; the rest "
			"has none",
			NETWORKS_MAX);
	return true;
}

static struct import_network *add_network(struct source *source,
					  const struct prefix *subnet)
{
	struct import_network *network, **slot;

	if (full(source))
		return NULL;
	network = lsvm_arena_alloc(&source->arena, sizeof(*network));
	slot = network ? vec_push(&source->networks) : NULL;
	if (!slot) {
		source->import->failed = true;
		return NULL;
	}
	*slot = network;
	network->subnet = *subnet;
	return network;
}

/* Neither the first nor the last address, which no machine can have in IPv4. */
static bool is_inside(const struct prefix *prefix, const struct addr *addr)
{
	bool zeros = true, ones = true;

	if (addr->family == 6)
		return true;
	for (unsigned bit = prefix->length; bit < 32; bit++) {
		bool set = addr->bytes[bit / 8] & 0x80 >> bit % 8;

		zeros &= !set;
		ones &= set;
	}
	return !zeros && !ones;
}

static struct import_network *network_around(struct source *source,
					     const struct addr *addr)
{
	struct import_network *network = network_of(source, addr);
	uint8_t usual = addr->family == 6 ? 64 : 24;
	uint8_t longest = addr->family == 6 ? 126 : 30;
	struct prefix prefix;

	if (network || full(source))
		return network;
	for (uint8_t length = usual; length >= usual - 8; length--) {
		prefix = around(addr, length);
		if (is_inside(&prefix, addr) && is_free(source, &prefix))
			return add_network(source, &prefix);
	}
	for (uint8_t length = usual; length <= longest; length++) {
		prefix = around(addr, length);
		if (is_inside(&prefix, addr) && is_free(source, &prefix))
			return add_network(source, &prefix);
	}
	return NULL;
}

/* Prefixes that the source knows, the widest first, so that narrower ones fall into
 * them. */
static void known_networks(struct source *source)
{
	for (unsigned length = 1; length < 127; length++)
		for (size_t i = 0; i < source->floating.count; i++) {
			const struct import_floating *floating =
				&source->floating.items[i];
			struct import_network *network;
			struct prefix prefix;

			if (floating->prefix.length != length ||
			    length >= lsvm_addr_bits(&floating->prefix.addr) - 1u ||
			    lsvm_addr_is_special(&floating->prefix.addr))
				continue;
			prefix = around(&floating->prefix.addr, (uint8_t)length);
			if (!is_free(source, &prefix))
				continue;
			network = add_network(source, &prefix);
			if (network)
				network->known = true;
		}
}

static void vip_networks(struct source *source)
{
	bool done[2] = { false, false };

	for (size_t i = 0; i < source->pools.count; i++)
		for (struct import_vip *vip = source->pools.items[i]->first; vip;
		     vip = vip->next) {
			bool six = vip->addr.family == 6;

			/* One for each family: the rest is routed to the directors. */
			if (network_of(source, &vip->addr) || done[six])
				continue;
			done[six] = true;
			network_around(source, &vip->addr);
		}
}

static void name_interfaces(struct source *source)
{
	for (size_t i = 0; i < source->floating.count; i++) {
		const struct import_floating *floating = &source->floating.items[i];
		struct import_network *network =
			network_of(source, &floating->prefix.addr);

		if (!network || network->interface || !floating->interface)
			continue;
		for (size_t j = 0; j < source->networks.count; j++)
			if (source->networks.items[j]->interface &&
			    strcmp(source->networks.items[j]->interface,
				   floating->interface) == 0)
				network = NULL;
		if (network)
			network->interface = floating->interface;
	}
}

static void name_networks(struct source *source)
{
	unsigned inner = 0, front = 0;
	bool made_up = false;

	for (size_t i = 0; i < source->networks.count; i++) {
		struct import_network *network = source->networks.items[i];
		unsigned number = network->has_machines ? ++inner : ++front;
		const char *what = network->has_machines ? "inner" : "front";

		network->name = number > 1 ? lsvm_arena_printf(&source->arena, "%s%u",
							       what, number)
					   : what;
		made_up |= !network->known;
	}
	if (made_up)
		lsvm_import_say(
			source, INVENTED, NULL,
			"the subnets: /24 and /64 around the addresses of servers "
			"and the first virtual address");
}

/* ---- addresses ---- */

static bool take(struct source *source, const struct addr *addr)
{
	struct addr *key;
	int err;

	if (lsvm_map_get(&source->taken, addr, sizeof(*addr)))
		return false;
	key = lsvm_arena_alloc(&source->arena, sizeof(*key));
	if (!key)
		return false;
	*key = *addr;
	err = lsvm_map_put(&source->taken, key, sizeof(*key), key, NULL);
	if (err < 0)
		source->import->failed = true;
	return err >= 0;
}

/* The first free address of the subnet, or family 0. */
static struct addr pick(struct source *source, const struct prefix *subnet)
{
	for (uint32_t host = 1; host < 65536; host++) {
		struct addr addr = subnet->addr;
		unsigned end = lsvm_addr_bits(&addr) / 8;

		addr.bytes[end - 1] |= (uint8_t)host;
		addr.bytes[end - 2] |= (uint8_t)(host >> 8);
		if (!lsvm_prefix_contains(subnet, &addr))
			break;
		if (is_inside(subnet, &addr) && take(source, &addr))
			return addr;
		if (source->import->failed || source->arena.failed)
			break;
	}
	return (struct addr){ 0 };
}

static void take_known(struct source *source)
{
	for (size_t i = 0; i < source->machines.count; i++)
		take(source, &source->machines.items[i]->addr);
	for (size_t i = 0; i < source->pools.count; i++)
		for (struct import_vip *vip = source->pools.items[i]->first; vip;
		     vip = vip->next)
			take(source, &vip->addr);
	for (size_t i = 0; i < source->floating.count; i++)
		take(source, &source->floating.items[i].prefix.addr);
}

/* ---- the directors ---- */

static void count_directors(struct source *source)
{
	const struct import_house *house = &source->house;

	source->director_count = 1;
	if (!house->redundant)
		return;
	source->director_count += house->peers.count ? (uint32_t)house->peers.count : 1;
}

static const struct addr *known_director(const struct source *source, uint32_t n,
					 const struct import_network *network)
{
	const struct import_house *house = &source->house;
	const struct addr *addr = NULL;

	if (n == 0 && house->own.family)
		addr = &house->own;
	else if (n && n <= house->peers.count)
		addr = &house->peers.items[n - 1];
	return addr && lsvm_prefix_contains(&network->subnet, addr) ? addr : NULL;
}

static void place_directors(struct source *source)
{
	bool made_up = false;

	/* What is known first, so that nobody else gets it. */
	for (unsigned round = 0; round < 2; round++)
		for (size_t i = 0; i < source->networks.count; i++)
			for (uint32_t n = 0; n < source->director_count; n++) {
				struct import_network *network =
					source->networks.items[i];
				const struct addr *known =
					known_director(source, n, network);
				struct addr *slot;

				if (round == 0) {
					if (known)
						take(source, known);
					continue;
				}
				if (n == 0 && !network->router.family)
					network->router = pick(source, &network->subnet);
				slot = vec_push(&network->directors);
				if (!slot) {
					source->import->failed = true;
					return;
				}
				*slot = known ? *known : pick(source, &network->subnet);
				made_up |= !known;
			}
	if (made_up)
		lsvm_import_say(source, INVENTED, NULL, "the directors' own addresses%s",
				source->house.redundant && !source->house.peers.count
					? ", and the second director, which this "
					  "configuration does not name"
					: "");
	if (!source->house.redundant)
		lsvm_import_say(source, INVENTED, NULL,
				"one director: nothing here says that there is a second "
				"one");
}

/* ---- outside ---- */

static void go_outside(struct source *source, uint8_t family)
{
	static const struct prefix places[] = {
		{ { 4, { 198, 51, 100 } }, 24 },
		{ { 4, { 192, 0, 2 } }, 24 },
		{ { 4, { 10, 255, 255 } }, 24 },
		{ { 4, { 172, 31, 255 } }, 24 },
		{ { 6, { 0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff } }, 64 },
		{ { 6, { 0xfd, 0xff } }, 64 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (places[i].addr.family != family || !is_free(source, &places[i]))
			continue;
		source->outside[family == 6] = places[i];
		source->outside_router[family == 6] = pick(source, &places[i]);
		return;
	}
}

static void surroundings(struct source *source)
{
	for (size_t i = 0; i < source->networks.count; i++) {
		uint8_t family = source->networks.items[i]->subnet.addr.family;

		if (!source->outside[family == 6].addr.family)
			go_outside(source, family);
	}
	lsvm_import_say(source, INVENTED, NULL,
			"the network of the clients, and the router between it and the "
			"others");
}

/* A floating address among NAT servers that no service has is their gateway. */
static void find_gateways(struct source *source)
{
	for (size_t i = 0; i < source->floating.count; i++) {
		struct import_floating *floating = &source->floating.items[i];
		struct import_network *network =
			network_of(source, &floating->prefix.addr);
		char text[LSVM_ADDRESS_TEXT_BYTES];

		if (lsvm_map_get(&source->vips, &floating->prefix.addr,
				 sizeof(struct addr)))
			continue;
		if (network && network->has_machines && !network->gateway &&
		    !lsvm_map_get(&source->machines_by_addr, &floating->prefix.addr,
				  sizeof(struct addr))) {
			network->gateway = floating;
			continue;
		}
		lsvm_import_say(source, LOST, floating->at,
				"no virtual server has the address %s, and it is no "
				"gateway of real servers",
				lsvm_addr_text(&floating->prefix.addr, text));
	}
}

/* With VRRP, an address that no instance has stays where somebody put it. */
static void find_homeless(struct source *source)
{
	struct map held = { 0 };

	if (!source->floating.count)
		return;
	for (size_t i = 0; i < source->floating.count; i++)
		if (lsvm_map_put(&held, &source->floating.items[i].prefix.addr,
				 sizeof(struct addr), source, NULL) == LSVM_ERR_NOMEM)
			source->import->failed = true;
	for (size_t i = 0; i < source->pools.count; i++)
		for (struct import_vip *vip = source->pools.items[i]->first; vip;
		     vip = vip->next)
			if (!vip->first->mark &&
			    !lsvm_map_get(&held, &vip->addr, sizeof(vip->addr)))
				lsvm_import_say(
					source, LSVM_IMPORT_NOTE_KIND_DANGER,
					vip->first->at,
					"no vrrp_instance holds this address: it would "
					"have stayed behind when the other director took "
					"over");
	lsvm_map_free(&held);
}

static void mark_used(struct source *source)
{
	for (size_t i = 0; i < source->pools.count; i++) {
		const struct import_pool *pool = source->pools.items[i];

		if (!pool->first)
			continue;
		for (size_t m = 0; m < pool->members.count; m++)
			pool->members.items[m].machine->used = true;
		for (struct import_vip *vip = pool->first; vip; vip = vip->next)
			for (struct import_service *s = vip->first; s; s = s->next_on_vip)
				if (s->sorry_machine)
					s->sorry_machine->used = true;
	}
}

int lsvm_import_house(struct source *source)
{
	static const struct addr nowhere = { 4, { 10, 0, 0, 1 } };

	mark_used(source);
	known_networks(source);
	for (size_t i = 0; i < source->machines.count; i++) {
		struct import_machine *machine = source->machines.items[i];
		struct import_network *network;

		if (!machine->used)
			continue;
		network = network_around(source, &machine->addr);
		machine->network = network;
		if (network)
			network->has_machines = true;
	}
	vip_networks(source);
	if (source->house.own.family)
		network_around(source, &source->house.own);
	if (!source->networks.count)
		network_around(source, source->floating.count
					       ? &source->floating.items[0].prefix.addr
					       : &nowhere);
	name_interfaces(source);
	name_networks(source);
	take_known(source);
	count_directors(source);
	place_directors(source);
	find_gateways(source);
	find_homeless(source);
	surroundings(source);
	return 0;
}
