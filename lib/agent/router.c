/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual routers from the cluster: one for each family of virtual addresses that the
 * directors' network has, since an advert lists addresses of one family only. What has
 * none of its own moves with the other one. The addresses that move are those that the
 * master's plan has and the standby's has not.
 */
#include "agent/duty.h"

#include <stdio.h>
#include <stdlib.h>

/* The neighbours are told once more each second, for those who missed the first time. */
#define ANNOUNCE_COUNT 5
#define ANNOUNCE_INTERVAL_MS 1000
/* And once a minute, because two directors that did not hear each other may both have
 * been master, and the one that announced last may be dead. */
#define ANNOUNCE_REFRESH_MS 60000

/* ---- where directors hear each other ---- */

static const struct network *hearing_network(const struct aim *aim)
{
	const struct lsvm_cluster *cluster = aim->cluster;

	if (cluster->redundancy->network.target)
		return cluster->redundancy->network.target;
	for (uint32_t i = 0; i < cluster->partitions.count; i++) {
		const struct partition *partition = &cluster->partitions.items[i];

		for (uint32_t j = 0; j < partition->vips.count; j++) {
			const struct network *network =
				partition->vips.items[j].network.target;

			if (network && lsvm_machine_interface_in(aim->machine, network))
				return network;
		}
	}
	return NULL;
}

static const struct addr *own_address(const struct machine *machine,
				      const struct network *network, uint8_t family)
{
	const struct interface *interface = lsvm_machine_interface_in(machine, network);

	return interface ? lsvm_interface_address(interface, family) : NULL;
}

/* Adverts of IPv6 come from the address that is good on the link only (RFC 9568, section
 * 5.1.2.1); false when the interface has none. */
static bool find_link_local(struct lsvm_agent *agent, const char *interface,
			    struct addr *ret)
{
	static const struct prefix link_local = { { 6, { 0xfe, 0x80 } }, 10 };
	struct state *present;
	bool found = false;

	if (lsvm_host_observe(agent->host, NULL, NULL, &present) < 0)
		return false;
	for (size_t i = 0; i < present->addresses.count && !found; i++) {
		const struct address *address = &present->addresses.items[i];

		found = strcmp(address->interface, interface) == 0 &&
			lsvm_prefix_contains(&link_local, &address->prefix.addr);
		if (found)
			*ret = address->prefix.addr;
	}
	lsvm_state_free(present);
	return found;
}

/* A card that was down when the agent began has got its address since. */
void lsvm_router_find_source(struct lsvm_agent *agent, struct router *router)
{
	struct vrrp_config *config = &router->vrrp.config;

	if (config->family == 6 && !config->unicast)
		find_link_local(agent, router->interface, &config->source);
}

/* ---- which addresses move ---- */

static bool moves(const struct aim *aim, const struct address *address)
{
	return !lsvm_state_address(aim->standby->wanted, address);
}

static bool has_moving(const struct aim *aim, uint8_t family)
{
	const struct state *all = aim->master->wanted;

	for (size_t i = 0; i < all->addresses.count; i++)
		if (all->addresses.items[i].prefix.addr.family == family &&
		    moves(aim, &all->addresses.items[i]))
			return true;
	return false;
}

static int by_addr(const void *a, const void *b)
{
	const struct address *left = a, *right = b;

	return lsvm_addr_compare(&left->prefix.addr, &right->prefix.addr);
}

static bool add_steps(struct router *router)
{
	for (size_t i = 0; i < router->addresses.count; i++) {
		struct step *add = vec_push(&router->claim);
		struct step *delete = vec_push(&router->release);

		if (!add || !delete)
			return false;
		*add = (struct step){ .kind = STEP_ADDRESS_ADD,
				      .address = &router->addresses.items[i] };
		*delete = (struct step){ .kind = STEP_ADDRESS_DELETE,
					 .address = &router->addresses.items[i] };
	}
	return true;
}

/* family 0: of both. */
static bool add_addresses(const struct aim *aim, uint8_t family, struct router *router)
{
	const struct state *all = aim->master->wanted;

	for (size_t i = 0; i < all->addresses.count; i++) {
		const struct address *address = &all->addresses.items[i];
		struct address *slot;

		if ((family && address->prefix.addr.family != family) ||
		    !moves(aim, address))
			continue;
		slot = vec_push(&router->addresses);
		if (!slot)
			return false;
		*slot = *address;
	}
	/* The same on every director, whatever its interfaces are called. */
	if (router->addresses.count)
		qsort(router->addresses.items, router->addresses.count,
		      sizeof(*router->addresses.items), by_addr);
	return add_steps(router);
}

/* ---- configuration ---- */

/* An advert has room for so many: which ones the others see does not matter, as long as
 * all list the same. */
static void list_addresses(const struct router *router, struct vrrp_config *config)
{
	const size_t most =
		config->family == 4 ? VRRP_ADDRESSES_MAX : VRRP_ADDRESSES_MAX_IPV6;

	for (size_t i = 0; i < router->addresses.count; i++)
		if (router->addresses.items[i].prefix.addr.family == config->family &&
		    config->address_count < most)
			config->addresses[config->address_count++] =
				router->addresses.items[i].prefix.addr;
}

static void list_peers(const struct aim *aim, const struct network *network,
		       struct vrrp_config *config)
{
	for (uint32_t i = 0; i < aim->cluster->directors.count; i++) {
		const struct machine *other = &aim->cluster->directors.items[i];
		const struct addr *addr = own_address(other, network, config->family);

		if (other != aim->machine && addr && config->peer_count < VRRP_PEERS_MAX)
			config->peers[config->peer_count++] = *addr;
	}
}

static void configure(struct lsvm_agent *agent, const struct aim *aim,
		      const struct network *network, const struct router *router,
		      struct vrrp_config *config)
{
	const struct redundancy *redundancy = aim->cluster->redundancy;

	config->version = (uint8_t)redundancy->version;
	config->router_id = (uint8_t)redundancy->router_id;
	config->priority = (uint8_t)aim->machine->priority;
	config->advert_interval_ms = redundancy->advert_interval_ms;
	config->preempt = redundancy->preempt;
	config->preempt_delay_ms = redundancy->preempt_delay_ms;
	config->unicast = redundancy->unicast;
	config->pair = aim->cluster->directors.count == 2;
	config->announce_count = ANNOUNCE_COUNT;
	config->announce_interval_ms = ANNOUNCE_INTERVAL_MS;
	config->announce_refresh_ms = ANNOUNCE_REFRESH_MS;
	config->source = *own_address(aim->machine, network, config->family);
	if (config->unicast)
		list_peers(aim, network, config);
	else if (config->family == 6)
		find_link_local(agent, router->interface, &config->source);
	list_addresses(router, config);
}

static int make_router(struct lsvm_agent *agent, const struct aim *aim, uint8_t family,
		       bool both, struct router *router)
{
	const struct network *network = hearing_network(aim);
	const struct interface *interface =
		lsvm_machine_interface_in(aim->machine, network);
	struct vrrp_config config = { .family = family };

	router->handover_ns = IO_NEVER;
	snprintf(config.name, sizeof(config.name), "%s ipv%u", network->name, family);
	snprintf(router->subject, sizeof(router->subject), "vrrp %s", config.name);
	snprintf(router->interface, sizeof(router->interface), "%s", interface->name);
	if (!add_addresses(aim, both ? 0 : family, router))
		return lsvm_fail_nomem(agent->ctx);
	configure(agent, aim, network, router, &config);
	return lsvm_vrrp_init(agent->ctx, &config, &router->vrrp);
}

/* ---- all of them ---- */

void lsvm_router_free(struct router *router)
{
	if (!router)
		return;
	vec_free(&router->addresses);
	vec_free(&router->claim);
	vec_free(&router->release);
	free(router);
}

void lsvm_routers_free(struct routers *routers)
{
	for (size_t i = 0; i < routers->count; i++)
		lsvm_router_free(routers->items[i]);
	*routers = (struct routers){ 0 };
}

static int add_router(struct lsvm_agent *agent, const struct aim *aim, uint8_t family,
		      bool both, struct routers *routers)
{
	struct router *router = calloc(1, sizeof(*router));
	int err;

	if (!router)
		return lsvm_fail_nomem(agent->ctx);
	err = make_router(agent, aim, family, both, router);
	if (err < 0)
		lsvm_router_free(router);
	else
		routers->items[routers->count++] = router;
	return err;
}

int lsvm_routers_make(struct lsvm_agent *agent, const struct aim *aim,
		      struct routers *ret)
{
	const struct network *network;
	struct routers routers = { 0 };
	bool moving[2], heard[2];
	int err = 0;

	*ret = routers;
	if (aim->standby == aim->master)
		return 0;
	network = hearing_network(aim);
	for (int i = 0; i < 2; i++) {
		moving[i] = has_moving(aim, i ? 6 : 4);
		heard[i] = network && own_address(aim->machine, network, i ? 6 : 4);
	}
	if (!moving[0] && !moving[1])
		return 0;
	for (int i = 0; i < 2 && err >= 0; i++)
		if (moving[i] && heard[i])
			err = add_router(agent, aim, i ? 6 : 4, moving[!i] && !heard[!i],
					 &routers);
	if (err >= 0 && !routers.count)
		err = lsvm_fail(agent->ctx, LSVM_ERR_ARGUMENT,
				"%s has no address by which directors could hear each "
				"other; name their network in redundancy, and give each "
				"director an address there of the virtual addresses' "
				"family",
				aim->machine->name);
	if (err < 0) {
		lsvm_routers_free(&routers);
		return err;
	}
	*ret = routers;
	return 0;
}

/* ---- reloads ---- */

static bool same_peers(const struct vrrp_config *a, const struct vrrp_config *b)
{
	if (a->peer_count != b->peer_count)
		return false;
	for (size_t i = 0; i < a->peer_count; i++)
		if (lsvm_addr_compare(&a->peers[i], &b->peers[i]) != 0)
			return false;
	return true;
}

static bool is_same(const struct router *a, const struct router *b)
{
	const struct vrrp_config *x = &a->vrrp.config, *y = &b->vrrp.config;

	return strcmp(a->interface, b->interface) == 0 && x->version == y->version &&
	       x->family == y->family && x->router_id == y->router_id &&
	       x->advert_interval_ms == y->advert_interval_ms &&
	       x->unicast == y->unicast &&
	       lsvm_addr_compare(&x->source, &y->source) == 0 && same_peers(x, y);
}

bool lsvm_router_carry(struct router *router, struct router *next)
{
	const uint8_t priority = next->vrrp.priority;
	struct router old = *router;

	if (!is_same(router, next))
		return false;
	router->vrrp.config = next->vrrp.config;
	lsvm_vrrp_input_priority(&router->vrrp, router->vrrp.now_ns, priority);
	memcpy(router->subject, next->subject, sizeof(router->subject));
	memcpy(&router->addresses, &next->addresses, sizeof(old.addresses));
	memcpy(&router->claim, &next->claim, sizeof(old.claim));
	memcpy(&router->release, &next->release, sizeof(old.release));
	memcpy(&next->addresses, &old.addresses, sizeof(old.addresses));
	memcpy(&next->claim, &old.claim, sizeof(old.claim));
	memcpy(&next->release, &old.release, sizeof(old.release));
	return true;
}

/* ---- holding ---- */

void lsvm_router_hold(struct lsvm_agent *agent, struct router *router, bool hold)
{
	const struct step *steps = hold ? router->claim.items : router->release.items;
	const size_t count = router->addresses.count;
	size_t at = 0, done;
	bool good = true;
	int err;

	router->held = hold;
	while (at < count) {
		err = lsvm_host_perform(agent->host, &steps[at], count - at, &done);
		at += done;
		if (err >= 0)
			continue;
		/* The others can do without this one. */
		at++;
		if (err == LSVM_ERR_EXISTS && hold)
			continue;
		good = false;
		lsvm_agent_trouble(agent, &router->claim_trouble, router->subject,
				   lsvm_ctx_error_text(agent->ctx));
	}
	if (hold)
		agent->io->announce(agent->host, router->addresses.items, count);
	if (good)
		lsvm_agent_well(agent, &router->claim_trouble, router->subject);
	else
		lsvm_keep_soon(agent);
}

/* ---- the will ---- */

struct will_maker {
	VEC(struct address) addresses;
	VEC(struct io_packet) packets;
	struct arena arena;
};

static void add_farewell(struct will_maker *maker, const struct router *router,
			 const struct addr *destination)
{
	uint8_t *bytes = lsvm_arena_alloc(&maker->arena, VRRP_PACKET_MAX_BYTES);
	struct io_packet *packet = bytes ? vec_push(&maker->packets) : NULL;

	if (!packet)
		return;
	packet->channel = (struct channel_spec){
		.kind = CHANNEL_VRRP,
		.local = router->vrrp.config.source,
		.remote = *destination,
		.interface = router->interface,
		.ttl = VRRP_TTL,
	};
	packet->bytes = bytes;
	packet->length = lsvm_vrrp_encode(&router->vrrp.config, VRRP_PRIORITY_RELEASED,
					  destination, bytes);
}

static void add_to_will(struct will_maker *maker, const struct router *router)
{
	const struct vrrp_config *config = &router->vrrp.config;
	const struct addr group = lsvm_vrrp_group(config->family);

	for (size_t i = 0; i < router->addresses.count; i++) {
		struct address *slot = vec_push(&maker->addresses);

		if (!slot)
			return;
		*slot = router->addresses.items[i];
	}
	if (!config->unicast)
		add_farewell(maker, router, &group);
	for (size_t i = 0; config->unicast && i < config->peer_count; i++)
		add_farewell(maker, router, &config->peers[i]);
}

void lsvm_routers_will(struct lsvm_agent *agent, const struct routers *routers)
{
	struct will_maker maker = { 0 };
	struct io_will will;

	for (size_t i = 0; i < routers->count; i++)
		if (routers->items[i]->held)
			add_to_will(&maker, routers->items[i]);
	will = (struct io_will){ maker.addresses.items, maker.addresses.count,
				 maker.packets.items, maker.packets.count };
	/* Half of a will is better than none; without any, the next start cleans up. */
	if (agent->io->will(agent->host, will.address_count ? &will : NULL) < 0)
		lsvm_agent_trouble(agent, &agent->duty->will_trouble, "will",
				   lsvm_ctx_error_text(agent->ctx));
	else if (will.address_count)
		lsvm_agent_well(agent, &agent->duty->will_trouble, "will");
	vec_free(&maker.addresses);
	vec_free(&maker.packets);
	lsvm_arena_free(&maker.arena);
}
