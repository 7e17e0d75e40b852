/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions that every reader of a frozen cluster asks: what is in force for a service,
 * where machines meet. All of them are cheap (the cost of what they look at, never of the
 * cluster), because a plan asks them for each of ten thousand services.
 */
#include "cluster/model.h"

/* ---- settings in force ---- */

static const struct tunnel default_tunnel = { .kind = LSVM_TUNNEL_IPIP,
					      .checksum = LSVM_TUNNEL_CHECKSUM_NONE };

static void set_one(struct settings *to, const struct settings *from, enum setting_id id)
{
	switch (id) {
	case SETTING_FORWARDING:
		to->forwarding = from->forwarding;
		break;
	case SETTING_TUNNEL:
		to->tunnel = from->tunnel;
		break;
	case SETTING_SCHEDULER:
		to->scheduler = from->scheduler;
		break;
	case SETTING_SCHEDULER_FLAGS:
		to->scheduler_flags = from->scheduler_flags;
		break;
	case SETTING_PERSISTENCE:
		to->persistence = from->persistence;
		break;
	case SETTING_ONE_PACKET:
		to->one_packet = from->one_packet;
		break;
	case SETTING_UPPER_THRESHOLD:
		to->upper_threshold = from->upper_threshold;
		break;
	case SETTING_LOWER_THRESHOLD:
		to->lower_threshold = from->lower_threshold;
		break;
	case SETTING_CHECKS:
		to->checks.items = from->checks.items;
		to->checks.count = from->checks.count;
		break;
	case SETTING_NEEDS:
		to->needs.items = from->needs.items;
		to->needs.count = from->needs.count;
		break;
	case SETTING_QUORUM:
		to->quorum = from->quorum;
		break;
	case SETTING_SORRY_SERVER:
		to->sorry_server = from->sorry_server;
		break;
	case SETTING_CONTENT_ROOT:
		to->content_root = from->content_root;
		break;
	case SETTING_QUOTA:
		to->quota_mib = from->quota_mib;
		break;
	case SETTING_WEB_MASTER:
		to->web_master = from->web_master;
		break;
	case SETTING_COUNT:
		break;
	}
}

/* What is set nearer stays; the rest comes from further out. */
static void inherit(struct settings *to, const struct settings *outer)
{
	uint64_t missing = outer->set & ~to->set;

	to->set |= missing;
	for (; missing; missing &= missing - 1)
		set_one(to, outer, (enum setting_id)__builtin_ctzll(missing));
}

static void inherit_from_partition(struct settings *ret,
				   const struct partition *partition)
{
	const struct lsvm_cluster *cluster =
		(const struct lsvm_cluster *)partition->object.parent;
	const struct settings built_in = {
		.forwarding = LSVM_FORWARDING_DIRECT,
		.tunnel = (struct tunnel *)&default_tunnel,
		.scheduler = "wlc",
		.content_root = cluster->content ? cluster->content->root : NULL,
		.set = (UINT64_C(1) << SETTING_COUNT) - 1,
	};
	uint64_t set;

	inherit(ret, &partition->settings);
	inherit(ret, &cluster->defaults);
	/* `set` tells what somebody wrote: the built-in values do not count. */
	set = ret->set;
	inherit(ret, &built_in);
	ret->set = set;
	/* Written, but not understood: only while findings are gathered. */
	if (!ret->forwarding)
		ret->forwarding = built_in.forwarding;
	if (!ret->tunnel)
		ret->tunnel = built_in.tunnel;
	if (!ret->scheduler)
		ret->scheduler = built_in.scheduler;
}

/* What is set here replaces what came from further out; mostly that is nothing. */
static void override(struct settings *to, const struct settings *inner)
{
	uint64_t set = inner->set;

	to->set |= set;
	for (; set; set &= set - 1)
		set_one(to, inner, (enum setting_id)__builtin_ctzll(set));
}

void lsvm_cluster_settle(struct lsvm_cluster *cluster)
{
	for (uint32_t i = 0; i < cluster->partitions.count; i++) {
		struct partition *partition = &cluster->partitions.items[i];

		partition->in_force = (struct settings){ 0 };
		inherit_from_partition(&partition->in_force, partition);
	}
}

#define DEFAULT_CHECK(its_kind)                                                          \
	{                                                                                \
		.kind = its_kind, .interval_ms = 1000, .timeout_ms = 1000, .rise = 2,    \
		.fall = 3, .route = LSVM_CHECK_ROUTE_STRAIGHT                            \
	}
static const struct check tcp_check = DEFAULT_CHECK(LSVM_CHECK_TCP);
static const struct check udp_check = DEFAULT_CHECK(LSVM_CHECK_UDP);
static const struct check sctp_check = DEFAULT_CHECK(LSVM_CHECK_SCTP);

const struct check *lsvm_cluster_default_check(enum lsvm_protocol protocol)
{
	switch (protocol) {
	case LSVM_PROTOCOL_UDP:
		return &udp_check;
	case LSVM_PROTOCOL_SCTP:
		return &sctp_check;
	case LSVM_PROTOCOL_TCP:
	case LSVM_PROTOCOL_UNKNOWN:
		break;
	}
	return &tcp_check;
}

void lsvm_cluster_settings(const struct service *service, struct settings *ret)
{
	lsvm_cluster_vip_settings(service_vip(service), ret);
	override(ret, &service->settings);
	/* A mark may be for all ports: then none can be tried. */
	if (ret->set & UINT64_C(1) << SETTING_CHECKS || !service->ports.count)
		return;
	ret->checks.items = (struct check *)lsvm_cluster_default_check(service->protocol);
	ret->checks.count = 1;
}

void lsvm_cluster_vip_settings(const struct vip *vip, struct settings *ret)
{
	*ret = vip_partition(vip)->in_force;
	override(ret, &vip->settings);
}

void lsvm_cluster_partition_settings(const struct partition *partition,
				     struct settings *ret)
{
	*ret = partition->in_force;
}

/* ---- machines and networks ---- */

struct machine *lsvm_cluster_machine_nth(const struct lsvm_cluster *cluster, size_t index)
{
	if (cluster->ems && index-- == 0)
		return cluster->ems;
	if (index < cluster->routers.count)
		return &cluster->routers.items[index];
	index -= cluster->routers.count;
	if (index < cluster->directors.count)
		return &cluster->directors.items[index];
	index -= cluster->directors.count;
	if (index < cluster->servers.count)
		return &cluster->servers.items[index];
	index -= cluster->servers.count;
	return index < cluster->backends.count ? &cluster->backends.items[index] : NULL;
}

struct interface *lsvm_machine_interface_in(const struct machine *machine,
					    const struct network *network)
{
	for (uint32_t i = 0; i < machine->interfaces.count; i++)
		if (machine->interfaces.items[i].network.target == network)
			return &machine->interfaces.items[i];
	return NULL;
}

const struct addr *lsvm_interface_address(const struct interface *interface,
					  uint8_t family)
{
	for (uint32_t i = 0; i < interface->addresses.count; i++)
		if (interface->addresses.items[i].family == family)
			return &interface->addresses.items[i];
	return NULL;
}

const struct prefix *lsvm_network_subnet(const struct network *network,
					 const struct addr *addr)
{
	for (uint32_t i = 0; i < network->subnets.count; i++)
		if (lsvm_prefix_contains(&network->subnets.items[i], addr))
			return &network->subnets.items[i];
	return NULL;
}

static bool all_directors_in(const struct lsvm_cluster *cluster,
			     const struct network *network)
{
	for (uint32_t i = 0; i < cluster->directors.count; i++)
		if (!lsvm_machine_interface_in(&cluster->directors.items[i], network))
			return false;
	return network != NULL;
}

const struct addr *lsvm_cluster_server_address(const struct lsvm_cluster *cluster,
					       const struct machine *server,
					       uint8_t family,
					       enum lsvm_forwarding forwarding)
{
	const struct addr *elsewhere = NULL;

	for (uint32_t i = 0; i < server->interfaces.count; i++) {
		const struct interface *interface = &server->interfaces.items[i];
		const struct addr *addr = lsvm_interface_address(interface, family);

		if (!addr)
			continue;
		if (all_directors_in(cluster, interface->network.target))
			return addr;
		if (!elsewhere)
			elsewhere = addr;
	}
	return forwarding == LSVM_FORWARDING_TUNNEL ? elsewhere : NULL;
}

const struct addr *lsvm_cluster_destination_address(const struct lsvm_cluster *cluster,
						    const struct machine *server,
						    const struct vip *vip,
						    enum lsvm_forwarding forwarding)
{
	uint8_t family = vip->address.family;
	const struct addr *addr =
		lsvm_cluster_server_address(cluster, server, family, forwarding);

	/* An address of the other family can be behind a tunnel, never behind anything
	 * else. */
	if (!addr && forwarding == LSVM_FORWARDING_TUNNEL)
		addr = lsvm_cluster_server_address(cluster, server, family == 4 ? 6 : 4,
						   forwarding);
	return addr;
}

void lsvm_cluster_set_tunnel(const struct tunnel *tunnel, uint8_t *ret_type,
			     uint16_t *ret_port, uint16_t *ret_flags)
{
	*ret_type = (uint8_t)(tunnel->kind - 1);
	if (tunnel->kind == LSVM_TUNNEL_IPIP)
		return;
	if (tunnel->kind == LSVM_TUNNEL_GUE)
		*ret_port = tunnel->port;
	if (tunnel->checksum)
		*ret_flags = (uint16_t)(tunnel->checksum - 1);
}
