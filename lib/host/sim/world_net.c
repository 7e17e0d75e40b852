/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Networks of a world: which cable reaches which, who answers for an address, where a
 * packet leaves a machine, and what becomes of it on its way.
 *
 * Neighbours follow net/core/neighbour.c and net/ipv4/arp.c: an entry is trusted for a
 * while, then asked again, and only when whom it names does not answer any more is the
 * whole network asked. A gratuitous ARP changes the entries that there are, makes none.
 */
#include "host/sim/world_private.h"

#include <stdio.h>
#include <stdlib.h>

#define MILLION 1000000u
#define REORDER_NS (20 * IO_MS)

/* ---- networks and cables ---- */

static struct sim_net *find_net(struct world *world, const char *name)
{
	for (size_t i = 0; i < world->nets.count; i++)
		if (strcmp(world->nets.items[i]->name, name) == 0)
			return world->nets.items[i];
	return NULL;
}

static struct sim_net *make_net(struct world *world, const char *name)
{
	struct sim_net *net = find_net(world, name), **slot;

	if (net)
		return net;
	net = calloc(1, sizeof(*net));
	if (net)
		net->name = strdup(name);
	slot = net && net->name ? vec_push(&world->nets) : NULL;
	if (!slot) {
		free(net ? net->name : NULL);
		free(net);
		return NULL;
	}
	net->weather.delay_ns = NETWORK_DELAY_NS;
	*slot = net;
	return net;
}

int lsvm_world_network(struct world *world, const char *name,
		       const struct weather *weather_or_null)
{
	struct sim_net *net = make_net(world, name);

	if (!net)
		return lsvm_fail_nomem(world->ctx);
	if (weather_or_null)
		net->weather = *weather_or_null;
	return 0;
}

static struct node *node_of(const struct lsvm_host *host)
{
	return ((const struct sim_host *)host)->node;
}

struct sim_port *lsvm_node_port(const struct node *node, const char *interface)
{
	for (size_t i = 0; i < node->ports.count; i++)
		if (strcmp(node->ports.items[i]->interface, interface) == 0)
			return node->ports.items[i];
	return NULL;
}

int lsvm_world_plug(struct lsvm_host *host, const char *interface, const char *network)
{
	struct node *node = node_of(host);
	struct sim_net *net = make_net(node->world, network);
	struct sim_port *port = calloc(1, sizeof(*port)), **slot[2] = { NULL, NULL };
	int err = 0;

	if (!net || !port) {
		free(port);
		return lsvm_fail_nomem(host->ctx);
	}
	if (!lsvm_sim_link(node->sim, interface))
		err = lsvm_host_simulate_interface(host, interface);
	if (err >= 0 && lsvm_node_port(node, interface))
		err = lsvm_fail(host->ctx, LSVM_ERR_EXISTS,
				"%s of %s is in a network already; take another card",
				interface, host->name);
	if (err < 0) {
		free(port);
		return err;
	}
	port->node = node;
	port->net = net;
	strncpy(port->interface, interface, INTERFACE_BYTES - 1);
	slot[0] = vec_push(&node->ports);
	if (slot[0])
		*slot[0] = port;
	slot[1] = slot[0] ? vec_push(&net->ports) : NULL;
	if (!slot[1]) {
		node->ports.count -= slot[0] != NULL;
		free(port);
		return lsvm_fail_nomem(host->ctx);
	}
	*slot[1] = port;
	return 0;
}

void lsvm_world_cut(struct lsvm_host *host, const char *interface, enum cut cut)
{
	struct node *node = node_of(host);

	for (size_t i = 0; i < node->ports.count; i++) {
		struct sim_port *port = node->ports.items[i];
		const bool had = port->cut != CUT_CABLE, has = cut != CUT_CABLE;

		if (interface && strcmp(port->interface, interface) != 0)
			continue;
		port->cut = cut;
		if (had == has)
			continue;
		/* The kernel forgets whom it knew behind a cable that was pulled. */
		if (!has)
			port->neighbours.count = 0;
		lsvm_process_link(port);
	}
}

static bool is_deaf(const struct node *to, const struct node *from)
{
	for (size_t i = 0; i < to->deaf_to.count; i++)
		if (to->deaf_to.items[i] == from)
			return true;
	return false;
}

int lsvm_world_block(struct lsvm_host *from, struct lsvm_host *to, bool blocked)
{
	struct node *at = node_of(to), *other = node_of(from), **slot;

	if (is_deaf(at, other) == blocked)
		return 0;
	if (blocked) {
		slot = vec_push(&at->deaf_to);
		if (!slot)
			return lsvm_fail_nomem(to->ctx);
		*slot = other;
		return 0;
	}
	for (size_t i = 0; i < at->deaf_to.count; i++)
		if (at->deaf_to.items[i] == other) {
			at->deaf_to.items[i] = at->deaf_to.items[--at->deaf_to.count];
			break;
		}
	return 0;
}

bool lsvm_world_is_cut(const struct lsvm_host *host)
{
	const struct node *node = node_of(host);

	for (size_t i = 0; i < node->ports.count; i++)
		if (node->ports.items[i]->cut != CUT_NONE)
			return true;
	return false;
}

bool lsvm_world_is_blocked(const struct lsvm_host *a, const struct lsvm_host *b)
{
	return is_deaf(node_of(a), node_of(b)) || is_deaf(node_of(b), node_of(a));
}

bool lsvm_port_open(const struct sim_port *from, const struct sim_port *to)
{
	return from->cut == CUT_NONE && to->cut == CUT_NONE && from->node->power &&
	       to->node->power && !is_deaf(to->node, from->node);
}

bool lsvm_port_hears(const struct sim_port *port, const struct sim_port *source)
{
	return port->cut == CUT_NONE && !is_deaf(port->node, source->node);
}

bool lsvm_world_hears(const struct lsvm_host *from, const struct lsvm_host *to,
		      const char *network)
{
	const struct node *a = node_of(from), *b = node_of(to);

	for (size_t i = 0; i < a->ports.count; i++)
		for (size_t k = 0; k < b->ports.count; k++)
			if (a->ports.items[i]->net == b->ports.items[k]->net &&
			    (!network ||
			     strcmp(a->ports.items[i]->net->name, network) == 0) &&
			    lsvm_port_open(a->ports.items[i], b->ports.items[k]))
				return true;
	return false;
}

/* ---- addresses ---- */

bool lsvm_node_has(const struct node *node, const struct addr *addr)
{
	const struct sim_host *sim = node->sim;
	const size_t length = addr->family == 6 ? 16 : 4;

	for (size_t i = 0; i < sim->addresses.count; i++) {
		const struct addr *own = &sim->addresses.items[i].prefix.addr;

		if (own->family == addr->family &&
		    memcmp(own->bytes, addr->bytes, length) == 0)
			return true;
	}
	return false;
}

static long sysctl_number(struct sim_host *sim, const char *interface, const char *name)
{
	char text[96];
	const char *value;

	snprintf(text, sizeof(text), "net.ipv4.conf.%s.%s", interface, name);
	value = lsvm_sim_sysctl_get(sim, text);
	return value ? strtol(value, NULL, 10) : 0;
}

/* arp_ignore 1 and more: only for addresses on the card that was asked. Neighbour
 * discovery always is like that. */
bool lsvm_port_answers(const struct sim_port *port, const struct addr *addr)
{
	struct sim_host *sim = port->node->sim;
	bool elsewhere = false;

	if (!port->node->power)
		return false;
	for (size_t i = 0; i < sim->addresses.count; i++) {
		const struct address *own = &sim->addresses.items[i];

		if (lsvm_addr_compare(&own->prefix.addr, addr) != 0)
			continue;
		if (strcmp(own->interface, port->interface) == 0)
			return true;
		elsewhere = true;
	}
	return elsewhere && addr->family == 4 &&
	       !sysctl_number(sim, "all", "arp_ignore") &&
	       !sysctl_number(sim, port->interface, "arp_ignore");
}

bool lsvm_world_has(const struct lsvm_host *host, const struct addr *addr)
{
	return lsvm_node_has(node_of(host), addr);
}

bool lsvm_world_answers(const struct lsvm_host *host, const struct addr *addr)
{
	const struct node *node = node_of(host);

	for (size_t i = 0; i < node->ports.count; i++)
		if (lsvm_port_answers(node->ports.items[i], addr))
			return true;
	return false;
}

/* ---- neighbours ---- */

static struct sim_neighbour *find_neighbour(struct sim_port *port,
					    const struct addr *addr)
{
	for (size_t i = 0; i < port->neighbours.count; i++)
		if (lsvm_addr_compare(&port->neighbours.items[i].addr, addr) == 0)
			return &port->neighbours.items[i];
	return NULL;
}

void lsvm_port_learn(struct sim_port *port, const struct addr *addr,
		     struct sim_port *from)
{
	struct sim_neighbour *entry = find_neighbour(port, addr);

	if (!entry)
		return;
	entry->port = from;
	entry->trusted_until = port->node->world->now + NEIGHBOUR_TRUST_NS;
	entry->doubted_since = 0;
}

static bool both_ways(const struct sim_port *a, const struct sim_port *b)
{
	return lsvm_port_open(a, b) && lsvm_port_open(b, a);
}

/* Who answers the question for an address; of several the one that is quickest. */
static struct sim_port *ask(struct sim_port *port, const struct addr *addr)
{
	struct world *world = port->node->world;
	struct sim_port *found = NULL;
	uint64_t count = 0;

	for (size_t i = 0; i < port->net->ports.count; i++) {
		struct sim_port *other = port->net->ports.items[i];

		if (other == port || !both_ways(port, other) ||
		    !lsvm_port_answers(other, addr))
			continue;
		if (!count++ || lsvm_world_random(world, count) == 0)
			found = other;
	}
	return found;
}

static struct sim_port *resolve(struct sim_port *port, const struct addr *addr)
{
	struct sim_neighbour *entry = find_neighbour(port, addr);
	const uint64_t now = port->node->world->now;
	struct sim_port *found;

	if (entry && now < entry->trusted_until)
		return entry->port;
	if (entry && both_ways(port, entry->port) &&
	    lsvm_port_answers(entry->port, addr)) {
		entry->trusted_until = now + NEIGHBOUR_TRUST_NS;
		entry->doubted_since = 0;
		return entry->port;
	}
	if (entry && !entry->doubted_since)
		entry->doubted_since = now ? now : 1;
	if (entry && now < entry->doubted_since + NEIGHBOUR_DOUBT_NS)
		return entry->port;
	found = ask(port, addr);
	if (!found) {
		if (entry)
			*entry = port->neighbours.items[--port->neighbours.count];
		return NULL;
	}
	if (!entry)
		entry = vec_push(&port->neighbours);
	if (!entry) {
		port->node->world->failed = true;
		return NULL;
	}
	*entry = (struct sim_neighbour){ .addr = *addr,
					 .port = found,
					 .trusted_until = now + NEIGHBOUR_TRUST_NS };
	return found;
}

/* ---- the way out ---- */

struct way {
	struct sim_port *port;
	struct addr via;
};

/* The longest match among the subnets of addresses and the routes. */
static bool find_way(const struct node *node, const struct addr *to, struct way *ret)
{
	const struct sim_host *sim = node->sim;
	int best = -1;

	for (size_t i = 0; i < sim->addresses.count; i++) {
		const struct address *own = &sim->addresses.items[i];
		struct sim_port *port;

		if (own->prefix.length <= best || own->prefix.addr.family != to->family ||
		    own->prefix.length == lsvm_addr_bits(to) ||
		    !lsvm_prefix_contains(&own->prefix, to))
			continue;
		port = lsvm_node_port(node, own->interface);
		if (!port)
			continue;
		best = own->prefix.length;
		*ret = (struct way){ port, *to };
	}
	for (size_t i = 0; i < sim->routes.count; i++) {
		const struct route *route = &sim->routes.items[i];
		struct sim_port *port;

		if (route->destination.length <= best ||
		    !lsvm_prefix_contains(&route->destination, to))
			continue;
		port = lsvm_node_port(node, route->interface);
		if (!port)
			continue;
		best = route->destination.length;
		*ret = (struct way){ port, route->via.family ? route->via : *to };
	}
	return best >= 0;
}

bool lsvm_node_source(struct node *node, const struct addr *to, struct addr *ret)
{
	const struct sim_host *sim = node->sim;
	const struct address *found = NULL;
	struct way way;

	if (lsvm_node_has(node, to)) {
		*ret = *to;
		return true;
	}
	if (!find_way(node, to, &way))
		return false;
	for (size_t i = 0; i < sim->addresses.count; i++) {
		const struct address *own = &sim->addresses.items[i];
		const bool host = own->prefix.length == lsvm_addr_bits(to);

		if (own->prefix.addr.family != to->family ||
		    strcmp(own->interface, way.port->interface) != 0)
			continue;
		if (!host && lsvm_prefix_contains(&own->prefix, &way.via)) {
			found = own;
			break;
		}
		if (!found || (!host && found->prefix.length == lsvm_addr_bits(to)))
			found = own;
	}
	if (found)
		*ret = found->prefix.addr;
	return found != NULL;
}

/* ---- packets ---- */

struct sim_packet *lsvm_packet_new(struct world *world, enum packet_kind kind,
				   const void *bytes, size_t length)
{
	struct sim_packet *packet = world->spare_packets;
	uint8_t *room = NULL;
	size_t size = 0;

	if (packet) {
		world->spare_packets = packet->next;
		room = packet->bytes;
		size = packet->room;
	} else {
		packet = malloc(sizeof(*packet));
	}
	if (packet && length > size) {
		free(room);
		room = malloc(length);
		size = length;
	}
	if (!packet || (length && !room)) {
		free(packet);
		world->failed = true;
		return NULL;
	}
	memset(packet, 0, sizeof(*packet));
	packet->timer.kind = TIMER_PACKET;
	packet->kind = kind;
	packet->ttl = 64;
	packet->bytes = room;
	packet->room = size;
	packet->length = length;
	if (length)
		memcpy(packet->bytes, bytes, length);
	return packet;
}

void lsvm_packet_free(struct world *world, struct sim_packet *packet)
{
	if (!packet)
		return;
	lsvm_world_unset(world, &packet->timer);
	if (packet->stream)
		lsvm_stream_unref(packet->stream);
	packet->stream = NULL;
	packet->next = world->spare_packets;
	world->spare_packets = packet;
}

static struct sim_packet *copy_packet(struct world *world,
				      const struct sim_packet *packet)
{
	struct sim_packet *copy =
		lsvm_packet_new(world, packet->kind, packet->bytes, packet->length);
	uint8_t *bytes;
	size_t room;

	if (!copy)
		return NULL;
	bytes = copy->bytes;
	room = copy->room;
	*copy = *packet;
	copy->bytes = bytes;
	copy->room = room;
	copy->timer.place = 0;
	if (copy->stream)
		lsvm_stream_ref(copy->stream);
	return copy;
}

static bool by_chance(struct world *world, uint32_t ppm)
{
	return ppm && lsvm_world_random(world, MILLION) < ppm;
}

static void schedule(struct world *world, struct sim_packet *packet,
		     const struct weather *weather)
{
	uint64_t delay = weather->delay_ns;

	if (weather->jitter_ns)
		delay += lsvm_world_random(world, weather->jitter_ns + 1);
	if (by_chance(world, weather->reorder_ppm))
		delay += lsvm_world_random(world, REORDER_NS);
	lsvm_world_set(world, &packet->timer, world->now + delay);
}

/* Onto the cable, to one neighbour; it is taken. */
static void transmit(struct sim_port *from, struct sim_port *to,
		     struct sim_packet *packet)
{
	struct world *world = from->node->world;
	const struct weather *weather = &from->net->weather;
	struct sim_packet *copy;

	if (from->cut != CUT_NONE || by_chance(world, weather->loss_ppm)) {
		lsvm_packet_free(world, packet);
		return;
	}
	packet->source = from;
	packet->port = to;
	packet->node = to->node;
	if (by_chance(world, weather->duplicate_ppm)) {
		copy = copy_packet(world, packet);
		if (copy)
			schedule(world, copy, weather);
	}
	schedule(world, packet, weather);
}

bool lsvm_packet_forward(struct node *node, struct sim_packet *packet,
			 const struct addr *via)
{
	struct way way;
	struct sim_port *to;

	if (!find_way(node, via, &way)) {
		lsvm_packet_free(node->world, packet);
		return false;
	}
	to = way.port->cut == CUT_CABLE ? NULL : resolve(way.port, &way.via);
	if (!to) {
		lsvm_packet_free(node->world, packet);
		return false;
	}
	transmit(way.port, to, packet);
	return true;
}

bool lsvm_packet_send(struct node *node, struct sim_packet *packet)
{
	const struct addr *to = packet->tunnel.family ? &packet->tunnel : &packet->to;
	const struct addr copy = *to;

	if (!lsvm_node_has(node, to))
		return lsvm_packet_forward(node, packet, &copy);
	packet->port = packet->source = NULL;
	packet->node = node;
	lsvm_world_set(node->world, &packet->timer, node->world->now + LOOPBACK_NS);
	return true;
}

void lsvm_packet_multicast(struct sim_port *port, struct sim_packet *packet)
{
	struct world *world = port->node->world;

	packet->multicast = true;
	for (size_t i = 0; i < port->net->ports.count; i++) {
		struct sim_port *to = port->net->ports.items[i];
		struct sim_packet *copy;

		/* Who would drop it for certain is spared the event. */
		if (to == port || !to->node->power ||
		    (packet->kind == PACKET_VRRP && !to->node->channels))
			continue;
		copy = copy_packet(world, packet);
		if (copy)
			transmit(port, to, copy);
	}
	lsvm_packet_free(world, packet);
}
