/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The IPVS table of the directors, the same on every one of them: a service for each port
 * of each VIP, or one for each firewall mark and family; the members of the partition are
 * the destinations. Numbers are those of include/uapi/linux/ip_vs.h.
 *
 * Where a check goes through the director, each of its destinations has one more service,
 * by a firewall mark from PROBE_MARK_FIRST up and with that one destination: a probe
 * to the VIP that carries the mark reaches this server and no other. One mark serves all
 * VIPs of its family that reach the server in the same way.
 */
#include "plan/compile.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdlib.h>

struct table_maker {
	struct compilation *c;
	struct lsvm_ipvs_table *table;
	struct map marks;  /* mark and family: those that have their service */
	struct map probes; /* destinations that have their service for probes */
	/* The addresses of a partition's members, kept from one service to the next. */
	const struct partition *partition;
	uint8_t family;
	enum lsvm_forwarding forwarding;
	const struct addr **addrs;
	size_t addrs_capacity;
};

/* ---- destinations ---- */

static bool find_addresses(struct table_maker *maker, const struct vip *vip,
			   enum lsvm_forwarding forwarding)
{
	const struct partition *partition = vip_partition(vip);
	size_t count = partition->servers.count;

	if (maker->partition == partition && maker->forwarding == forwarding &&
	    maker->family == vip->address.family)
		return true;
	if (count > maker->addrs_capacity) {
		maker->addrs = lsvm_arena_array(&maker->c->scratch, count * 2,
						sizeof(*maker->addrs));
		maker->addrs_capacity = maker->addrs ? count * 2 : 0;
		if (!maker->addrs)
			return false;
	}
	for (size_t i = 0; i < count; i++)
		maker->addrs[i] = lsvm_cluster_destination_address(
			maker->c->cluster, partition->servers.items[i].server.target, vip,
			forwarding);
	maker->partition = partition;
	maker->forwarding = forwarding;
	maker->family = vip->address.family;
	return true;
}

/* What a server's own line says about thresholds replaces both that it would inherit. */
static void set_thresholds(struct ipvs_destination *destination,
			   const struct member *member, const struct settings *settings)
{
	bool own = member->upper_threshold || member->lower_threshold;

	destination->upper_threshold =
		own ? member->upper_threshold : settings->upper_threshold;
	destination->lower_threshold =
		own ? member->lower_threshold : settings->lower_threshold;
}

static bool add_destinations(struct table_maker *maker, struct ipvs_service *to,
			     const struct vip *vip, const struct settings *settings,
			     uint16_t port)
{
	const struct partition *partition = vip_partition(vip);
	size_t count = partition->servers.count;

	/* The count is known: one allocation instead of one for each doubling. */
	to->destinations.items =
		malloc((count ? count : 1) * sizeof(struct ipvs_destination));
	if (!to->destinations.items)
		return false;
	to->destinations.capacity = count ? count : 1;
	for (size_t i = 0; i < count; i++) {
		const struct member *member = &partition->servers.items[i];
		struct ipvs_destination *destination;

		if (!maker->addrs[i])
			continue;
		destination = lsvm_ipvs_service_push(to);
		if (!destination)
			return false;
		destination->addr = *maker->addrs[i];
		destination->port = port;
		destination->forwarding = (uint8_t)(settings->forwarding - 1);
		destination->weight = member->weight;
		set_thresholds(destination, member, settings);
		if (settings->forwarding == LSVM_FORWARDING_TUNNEL)
			lsvm_cluster_set_tunnel(
				settings->tunnel, &destination->tunnel_type,
				&destination->tunnel_port, &destination->tunnel_flags);
	}
	return true;
}

/* ---- services ---- */

static uint32_t netmask(uint8_t family, const struct persistence *persistence)
{
	uint32_t length;

	if (family == 6)
		return persistence ? persistence->ipv6_prefix_length : 128;
	length = persistence ? persistence->ipv4_prefix_length : 32;
	return length ? UINT32_MAX << (32 - length) : 0;
}

static void set_service(struct ipvs_service *to, uint8_t family,
			const struct settings *settings)
{
	const struct persistence *persistence = settings->persistence;

	strncpy(to->scheduler, settings->scheduler, sizeof(to->scheduler) - 1);
	if (settings->scheduler_flags & LSVM_SCHEDULER_FLAG_FALLBACK)
		to->flags |= IP_VS_SVC_F_SCHED1;
	if (settings->scheduler_flags & LSVM_SCHEDULER_FLAG_PORT)
		to->flags |= IP_VS_SVC_F_SCHED2;
	if (settings->scheduler_flags & LSVM_SCHEDULER_FLAG_THIRD)
		to->flags |= IP_VS_SVC_F_SCHED3;
	if (settings->one_packet)
		to->flags |= IP_VS_SVC_F_ONEPACKET;
	to->netmask = netmask(family, persistence);
	if (!persistence)
		return;
	to->flags |= IP_VS_SVC_F_PERSISTENT;
	to->timeout_s = persistence->timeout_s;
	if (persistence->engine)
		strncpy(to->engine, persistence->engine, sizeof(to->engine) - 1);
}

/* server_port 0: packets keep their port. */
static bool add_service(struct table_maker *maker, const struct ipvs_key *key,
			const struct vip *vip, const struct settings *settings,
			uint16_t server_port)
{
	struct ipvs_service *to = lsvm_ipvs_table_push(maker->table);

	if (!to)
		return false;
	to->key = *key;
	set_service(to, vip->address.family, settings);
	return add_destinations(maker, to, vip, settings, server_port);
}

static bool add_mark(struct table_maker *maker, const struct service *service,
		     const struct vip *vip, const struct settings *settings)
{
	bool nat = settings->forwarding == LSVM_FORWARDING_NAT;
	struct ipvs_key *key = lsvm_arena_alloc(&maker->c->scratch, sizeof(*key));
	int err;

	if (!key)
		return false;
	key->fwmark = service->fwmark;
	key->addr.family = vip->address.family;
	/* Zeroed memory: the bytes of equal keys are equal. */
	err = lsvm_map_put(&maker->marks, key, sizeof(*key), key, NULL);
	if (err == LSVM_ERR_EXISTS)
		return true;
	return err == 0 &&
	       add_service(maker, key, vip, settings, nat ? service->server_port : 0);
}

static bool add_ports(struct table_maker *maker, const struct service *service,
		      const struct vip *vip, const struct settings *settings)
{
	bool nat = settings->forwarding == LSVM_FORWARDING_NAT;
	struct ipvs_key key = { .addr = vip->address,
				.protocol =
					lsvm_ipvs_protocol_number(service->protocol) };

	for (uint32_t i = 0; i < service->ports.count; i++) {
		const struct port_range *range = &service->ports.items[i];

		for (uint32_t port = range->first; port <= range->last; port++) {
			key.port = (uint16_t)port;
			if (!add_service(maker, &key, vip, settings,
					 nat && service->server_port
						 ? service->server_port
						 : key.port))
				return false;
		}
	}
	return true;
}

/* ---- services for probes ---- */

static bool goes_through(const struct settings *settings)
{
	for (uint32_t i = 0; i < settings->checks.count; i++)
		if (settings->checks.items[i].route == LSVM_CHECK_ROUTE_THROUGH)
			return true;
	return false;
}

struct probe { /* zeroed before it is filled: it is a key of a map */
	uint8_t family;
	struct ipvs_destination destination;
};

static bool add_probe(struct table_maker *maker, uint8_t family,
		      const struct ipvs_destination *destination)
{
	struct probe *probe = lsvm_arena_alloc(&maker->c->scratch, sizeof(*probe));
	struct ipvs_service *to;
	struct ipvs_destination *copy;
	int err;

	if (!probe)
		return false;
	probe->family = family;
	probe->destination = *destination;
	err = lsvm_map_put(&maker->probes, probe, sizeof(*probe), probe, NULL);
	if (err == LSVM_ERR_EXISTS)
		return true;
	if (maker->probes.count > PROBE_MARK_LAST - PROBE_MARK_FIRST + 1) {
		maker->c->err = lsvm_fail(
			maker->c->ctx, LSVM_ERR_LIMIT,
			"checks go through the directors to more than %u servers; let "
			"some of them go straight",
			PROBE_MARK_LAST - PROBE_MARK_FIRST + 1);
		return true;
	}
	to = err < 0 ? NULL : lsvm_ipvs_table_push(maker->table);
	if (!to)
		return false;
	to->key.fwmark = PROBE_MARK_FIRST + (uint32_t)maker->probes.count - 1;
	to->key.addr.family = family;
	to->netmask = netmask(family, NULL);
	strcpy(to->scheduler, "rr");
	copy = lsvm_ipvs_service_push(to);
	if (!copy)
		return false;
	*copy = *destination;
	copy->weight = 1;
	return true;
}

/* Without a port of the servers' own, packets keep the one that was asked for. */
static bool add_probes(struct table_maker *maker, const struct service *service,
		       const struct vip *vip, const struct settings *settings)
{
	struct ipvs_destination destination;

	memset(&destination, 0, sizeof(destination));
	destination.forwarding = (uint8_t)(settings->forwarding - 1);
	if (settings->forwarding == LSVM_FORWARDING_NAT)
		destination.port = service->server_port;
	if (settings->forwarding == LSVM_FORWARDING_TUNNEL)
		lsvm_cluster_set_tunnel(settings->tunnel, &destination.tunnel_type,
					&destination.tunnel_port,
					&destination.tunnel_flags);
	for (uint32_t m = 0; m < vip_partition(vip)->servers.count; m++) {
		if (!maker->addrs[m])
			continue;
		destination.addr = *maker->addrs[m];
		if (!add_probe(maker, vip->address.family, &destination))
			return false;
	}
	return true;
}

/* ---- all of them ---- */

static bool add_vip(struct table_maker *maker, const struct vip *vip)
{
	for (uint32_t i = 0; i < vip->services.count; i++) {
		const struct service *service = &vip->services.items[i];
		struct settings settings;

		lsvm_cluster_settings(service, &settings);
		if (!find_addresses(maker, vip, settings.forwarding))
			return false;
		if (service->fwmark ? !add_mark(maker, service, vip, &settings)
				    : !add_ports(maker, service, vip, &settings))
			return false;
		if (goes_through(&settings) &&
		    !add_probes(maker, service, vip, &settings))
			return false;
	}
	return true;
}

static bool add_all(struct table_maker *maker)
{
	const struct lsvm_cluster *cluster = maker->c->cluster;

	for (uint32_t i = 0; i < cluster->partitions.count; i++) {
		const struct partition *partition = &cluster->partitions.items[i];

		for (uint32_t j = 0; j < partition->vips.count; j++)
			if (!add_vip(maker, &partition->vips.items[j]))
				return false;
	}
	return true;
}

/* ---- what belongs to the whole table ---- */

static void set_timeouts(struct table_maker *maker)
{
	const struct ipvs_tuning *tuning = maker->c->cluster->ipvs;

	maker->table->timeouts = (struct ipvs_timeouts){
		.tcp_s = tuning->tcp_timeout_s,
		.tcp_fin_s = tuning->tcp_fin_timeout_s,
		.udp_s = tuning->udp_timeout_s,
	};
}

/*
 * Connections that survive by being told: every director sends and listens, so that
 * nothing has to be switched when another becomes master.
 */
static void set_daemons(struct table_maker *maker)
{
	const struct redundancy *redundancy = maker->c->cluster->redundancy;
	struct ipvs_daemon *daemon = &maker->table->master;
	const struct interface *interface;

	if (redundancy->connections != LSVM_CONNECTIONS_SYNC)
		return;
	interface =
		lsvm_machine_interface_in(maker->c->machine, redundancy->network.target);
	if (!interface)
		return;
	daemon->present = true;
	strncpy(daemon->interface, interface->name, sizeof(daemon->interface) - 1);
	daemon->sync_id = redundancy->sync_id;
	daemon->maxlen_bytes = (uint16_t)redundancy->sync_maxlen_bytes;
	daemon->port = (uint16_t)redundancy->sync_port;
	daemon->ttl = (uint8_t)redundancy->sync_ttl;
	daemon->group = redundancy->sync_group;
	maker->table->backup = *daemon;
}

void lsvm_compile_table(struct compilation *c)
{
	struct table_maker maker = { .c = c };

	if (c->err)
		return;
	c->err = lsvm_ipvs_table_alloc(c->ctx, &c->wanted->ipvs);
	if (c->err < 0)
		return;
	maker.table = c->wanted->ipvs;
	if (!add_all(&maker))
		lsvm_compile_nomem(c);
	set_timeouts(&maker);
	set_daemons(&maker);
	lsvm_map_free(&maker.marks);
	lsvm_map_free(&maker.probes);
}
