/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All through libnl-route: starting `ip` for each of some hundred objects would take many
 * seconds where a program start is dear.
 */
#include "wire.h"

#include "spaces.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/netem.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(struct world *world, const char *owner, const char *what, int err)
{
	snprintf(world->problem, sizeof(world->problem), "%s: %s: %s", owner, what,
		 nl_geterror(err));
	return -1;
}

static struct nl_sock *open_socket(void)
{
	struct nl_sock *sock = nl_socket_alloc();

	if (sock && nl_connect(sock, NETLINK_ROUTE) < 0) {
		nl_socket_free(sock);
		sock = NULL;
	}
	return sock;
}

/* ---- the outer side: bridges and cables ---- */

static void bridge_write(const struct network *network, const char *file,
			 const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/bridge/%s", network->bridge,
		 file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, value, strlen(value)) < 0)
		errno = 0;
	if (fd >= 0)
		close(fd);
}

static int change_up(struct nl_sock *sock, struct rtnl_link *link, bool up)
{
	struct rtnl_link *change = rtnl_link_alloc();
	int err = -NLE_NOMEM;

	if (change) {
		if (up)
			rtnl_link_set_flags(change, IFF_UP);
		else
			rtnl_link_unset_flags(change, IFF_UP);
		err = rtnl_link_change(sock, link, change, 0);
		rtnl_link_put(change);
	}
	return err;
}

static int make_bridge(struct world *world, struct nl_sock *sock,
		       const struct network *network)
{
	struct rtnl_link *link = rtnl_link_alloc(), *made = NULL;
	int err = -NLE_NOMEM;

	if (link) {
		rtnl_link_set_name(link, network->bridge);
		err = rtnl_link_set_type(link, "bridge");
		if (network->mtu)
			rtnl_link_set_mtu(link, network->mtu);
	}
	if (!err)
		err = rtnl_link_add(sock, link, NLM_F_CREATE | NLM_F_EXCL);
	rtnl_link_put(link);
	/* New ports forward at once; nothing is learnt by waiting. */
	bridge_write(network, "forward_delay", "0");
	bridge_write(network, "multicast_snooping", "0");
	if (!err)
		err = rtnl_link_get_kernel(sock, 0, network->bridge, &made);
	if (!err)
		err = change_up(sock, made, true);
	rtnl_link_put(made);
	return err < 0 ? fail(world, network->name, "bridge", err) : 0;
}

/* A machine has the same one whenever it is switched on. */
static void hardware_address(const struct world *world, const struct machine *machine,
			     const struct port *port, unsigned char *ret)
{
	size_t number = (size_t)(machine - world->machines);

	if (port->has_mac) {
		memcpy(ret, port->mac, sizeof(port->mac));
		return;
	}
	ret[0] = 0x02; /* made up locally */
	ret[1] = 's';
	ret[2] = 'v';
	ret[3] = (unsigned char)(number >> 8);
	ret[4] = (unsigned char)number;
	ret[5] = (unsigned char)(port - machine->ports);
}

static int make_cable(struct world *world, struct nl_sock *sock,
		      const struct machine *machine, const struct port *port, int bridge)
{
	struct rtnl_link *link = rtnl_link_veth_alloc();
	struct rtnl_link *peer = link ? rtnl_link_veth_get_peer(link) : NULL;
	unsigned char bytes[6];
	struct nl_addr *mac;
	int err = -NLE_NOMEM;

	hardware_address(world, machine, port, bytes);
	mac = nl_addr_build(AF_LLC, bytes, sizeof(bytes));
	if (peer && mac) {
		rtnl_link_set_name(link, port->plug);
		rtnl_link_set_name(peer, port->name);
		rtnl_link_set_master(link, bridge);
		rtnl_link_set_flags(link, IFF_UP);
		rtnl_link_set_ns_fd(peer, machine->net);
		if (port->network->mtu) {
			rtnl_link_set_mtu(link, port->network->mtu);
			rtnl_link_set_mtu(peer, port->network->mtu);
		}
		rtnl_link_set_addr(peer, mac);
		err = rtnl_link_add(sock, link, NLM_F_CREATE | NLM_F_EXCL);
	}
	nl_addr_put(mac);
	rtnl_link_put(peer);
	rtnl_link_put(link);
	return err < 0 ? fail(world, machine->name, port->name, err) : 0;
}

/* ---- inside a machine ---- */

static struct nl_addr *build(const struct ip *ip, int length)
{
	struct nl_addr *addr =
		nl_addr_build(ip->family, ip->bytes, ip->family == AF_INET ? 4 : 16);

	if (addr)
		nl_addr_set_prefixlen(addr, length);
	return addr;
}

static int add_address(struct nl_sock *sock, const struct port *port, int index,
		       const struct ip *ip)
{
	const struct subnet *subnet = network_subnet(port->network, ip);
	int length = subnet ? subnet->length : ip_bits(ip), err = -NLE_NOMEM;
	struct rtnl_addr *address = rtnl_addr_alloc();
	struct nl_addr *local = build(ip, length);

	if (address && local) {
		rtnl_addr_set_ifindex(address, index);
		rtnl_addr_set_local(address, local);
		if (ip->family == AF_INET6)
			rtnl_addr_set_flags(address, IFA_F_NODAD);
		err = rtnl_addr_add(sock, address, 0);
	}
	nl_addr_put(local);
	rtnl_addr_put(address);
	return err;
}

/* Brings a link up; its index. */
static int bring_up(struct nl_sock *sock, const char *name)
{
	struct rtnl_link *link = NULL;
	int index, err = rtnl_link_get_kernel(sock, 0, name, &link);

	if (err < 0)
		return err;
	index = rtnl_link_get_ifindex(link);
	err = change_up(sock, link, true);
	rtnl_link_put(link);
	return err < 0 ? err : index;
}

static int add_route(struct nl_sock *sock, const struct way *way)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct nl_addr *to = build(&way->to.ip, way->to.length), *via = NULL;
	struct rtnl_link *link = NULL;
	int err = rtnl_link_get_kernel(sock, 0, way->port->name, &link);

	if (!err && (!route || !hop || !to))
		err = -NLE_NOMEM;
	if (!err) {
		rtnl_route_nh_set_ifindex(hop, rtnl_link_get_ifindex(link));
		if (way->via.family) {
			via = build(&way->via, ip_bits(&way->via));
			rtnl_route_nh_set_gateway(hop, via);
		} else {
			rtnl_route_set_scope(route, RT_SCOPE_LINK);
		}
		rtnl_route_set_family(route, (uint8_t)way->to.ip.family);
		rtnl_route_set_dst(route, to);
		rtnl_route_add_nexthop(route, hop);
		hop = NULL; /* the route's now */
		err = rtnl_route_add(sock, route, NLM_F_CREATE | NLM_F_REPLACE);
	}
	if (hop)
		rtnl_route_nh_free(hop);
	nl_addr_put(to);
	nl_addr_put(via);
	rtnl_link_put(link);
	rtnl_route_put(route);
	return err;
}

static int settle_ports(struct world *world, struct nl_sock *sock,
			const struct machine *machine)
{
	int index = bring_up(sock, "lo"), err;

	if (index < 0)
		return fail(world, machine->name, "lo", index);
	for (size_t i = 0; i < machine->port_count; i++) {
		const struct port *port = &machine->ports[i];

		index = bring_up(sock, port->name);
		if (index < 0)
			return fail(world, machine->name, port->name, index);
		for (size_t j = 0; j < port->addresses.count; j++) {
			err = add_address(sock, port, index, &port->addresses.items[j]);
			if (err < 0 && err != -NLE_EXIST)
				return fail(world, machine->name, port->name, err);
		}
	}
	return 0;
}

static int settle_machine(struct world *world, const struct machine *machine, int own)
{
	struct nl_sock *sock = spaces_visit(machine->net) ? open_socket() : NULL;
	struct ways ways = { 0 };
	char text[INET6_ADDRSTRLEN];
	int err = -1;

	if (!spaces_visit(own) || !sock)
		fail(world, machine->name, "netlink", -NLE_FAILURE);
	else
		err = settle_ports(world, sock, machine);
	if (!err)
		err = world_routes(world, machine, &ways);
	for (size_t i = 0; !err && i < ways.count; i++) {
		err = add_route(sock, &ways.items[i]);
		if (err < 0)
			fail(world, machine->name, ip_text(&ways.items[i].to.ip, text),
			     err);
	}
	free(ways.items);
	if (sock)
		nl_socket_free(sock);
	return err;
}

static int set_quality(struct nl_sock *sock, const struct port *port)
{
	uint64_t delay_ms = port->network->delay_ms;
	double loss = port->network->loss;
	struct rtnl_qdisc *qdisc = rtnl_qdisc_alloc();
	struct rtnl_link *link = NULL;
	int err = rtnl_link_get_kernel(sock, 0, port->plug, &link);

	if (!err && !qdisc)
		err = -NLE_NOMEM;
	if (!err) {
		rtnl_tc_set_link(TC_CAST(qdisc), link);
		rtnl_tc_set_parent(TC_CAST(qdisc), TC_H_ROOT);
		if (loss > 0 || delay_ms) {
			rtnl_tc_set_kind(TC_CAST(qdisc), "netem");
			rtnl_netem_set_limit(qdisc, 10000);
			rtnl_netem_set_loss(qdisc,
					    (int)(uint32_t)(loss / 100 * UINT32_MAX));
			rtnl_netem_set_delay(qdisc, (int)(delay_ms * 1000));
			err = rtnl_qdisc_add(sock, qdisc, NLM_F_CREATE | NLM_F_REPLACE);
		} else {
			err = rtnl_qdisc_delete(sock, qdisc);
			if (err == -NLE_OBJ_NOTFOUND || err == -NLE_INVAL)
				err = 0; /* nothing was wrong */
		}
	}
	rtnl_link_put(link);
	rtnl_qdisc_put(qdisc);
	return err;
}

/* All cables of one machine, and what it does with them when it boots. */
static int make_machine(struct world *world, struct nl_sock *sock,
			const struct machine *machine)
{
	struct rtnl_link *bridge;
	int err = 0;

	for (size_t i = 0; !err && i < machine->port_count; i++) {
		const struct port *port = &machine->ports[i];

		bridge = NULL;
		if (rtnl_link_get_kernel(sock, 0, port->network->bridge, &bridge) < 0)
			return fail(world, port->network->name, "bridge", -NLE_NODEV);
		err = make_cable(world, sock, machine, port,
				 rtnl_link_get_ifindex(bridge));
		rtnl_link_put(bridge);
		if (!err && (port->network->loss > 0 || port->network->delay_ms))
			err = set_quality(sock, port);
	}
	return err;
}

int wire_all(struct world *world)
{
	struct nl_sock *sock = open_socket();
	int own = spaces_network(), err = sock && own >= 0 ? 0 : -1;

	if (err)
		fail(world, "lab", "netlink", -NLE_FAILURE);
	/* The switch has no addresses, and says nothing of its own. */
	sysctl_write("net/ipv6/conf/default/disable_ipv6", "1");
	for (size_t i = 0; !err && i < world->network_count; i++)
		err = make_bridge(world, sock, &world->networks[i]);
	for (size_t i = 0; !err && i < world->machine_count; i++)
		err = make_machine(world, sock, &world->machines[i]);
	for (size_t i = 0; !err && i < world->machine_count; i++)
		err = settle_machine(world, &world->machines[i], own);
	if (sock)
		nl_socket_free(sock);
	close(own);
	return err;
}

int wire_machine(struct world *world, const struct machine *machine)
{
	struct nl_sock *sock = open_socket();
	int own = spaces_network(), err;

	if (sock && own >= 0)
		err = make_machine(world, sock, machine);
	else
		err = fail(world, machine->name, "netlink", -NLE_FAILURE);
	if (!err)
		err = settle_machine(world, machine, own);
	if (sock)
		nl_socket_free(sock);
	close(own);
	return err;
}

static int change_plug(struct nl_sock *sock, const struct port *port,
		       enum plug_change change)
{
	struct rtnl_link *link = NULL;
	int err = rtnl_link_get_kernel(sock, 0, port->plug, &link);

	if (!err && change == PLUG_GONE)
		err = rtnl_link_delete(sock, link);
	else if (!err)
		err = change_up(sock, link, change == PLUG_IN);
	rtnl_link_put(link);
	return err;
}

int wire_plugs(struct world *world, const struct machine *machine, const char *port,
	       enum plug_change change)
{
	struct nl_sock *sock = open_socket();
	int err = sock ? 0 : -NLE_FAILURE;

	for (size_t i = 0; !err && i < machine->port_count; i++)
		if (!port || !strcmp(port, machine->ports[i].name))
			err = change_plug(sock, &machine->ports[i], change);
	if (sock)
		nl_socket_free(sock);
	return err < 0 ? fail(world, machine->name, "cable", err) : 0;
}

int wire_quality(struct world *world, const struct network *network)
{
	struct nl_sock *sock = open_socket();
	int err = sock ? 0 : -NLE_FAILURE;

	for (size_t i = 0; !err && i < world->machine_count; i++) {
		const struct machine *machine = &world->machines[i];

		for (size_t j = 0; !err && j < machine->port_count; j++)
			if (machine->ports[j].network == network && spaces_is_on(machine))
				err = set_quality(sock, &machine->ports[j]);
	}
	if (sock)
		nl_socket_free(sock);
	return err < 0 ? fail(world, network->name, "quality", err) : 0;
}

int wire_sources(struct world *world, const struct port *port, const struct ip *addresses,
		 size_t count)
{
	struct nl_sock *sock = open_socket();
	struct rtnl_link *link = NULL;
	int err = sock ? rtnl_link_get_kernel(sock, 0, port->name, &link) : -NLE_FAILURE;

	for (size_t i = 0; !err && i < count; i++) {
		err = add_address(sock, port, rtnl_link_get_ifindex(link), &addresses[i]);
		if (err == -NLE_EXIST)
			err = 0;
	}
	rtnl_link_put(link);
	if (sock)
		nl_socket_free(sock);
	return err < 0 ? fail(world, port->name, "address", err) : 0;
}

int wire_traffic(struct world *world, const struct machine *machine, struct traffic *ret)
{
	struct nl_sock *sock;
	struct rtnl_link *link;
	int err;

	*ret = (struct traffic){ 0 };
	if (!spaces_is_on(machine))
		return 0;
	sock = open_socket();
	err = sock ? 0 : -NLE_FAILURE;
	for (size_t i = 0; !err && i < machine->port_count; i++) {
		link = NULL;
		err = rtnl_link_get_kernel(sock, 0, machine->ports[i].plug, &link);
		if (err < 0)
			break;
		/* The plug sends what the machine receives. */
		ret->in_packets += rtnl_link_get_stat(link, RTNL_LINK_TX_PACKETS);
		ret->in_bytes += rtnl_link_get_stat(link, RTNL_LINK_TX_BYTES);
		ret->out_packets += rtnl_link_get_stat(link, RTNL_LINK_RX_PACKETS);
		ret->out_bytes += rtnl_link_get_stat(link, RTNL_LINK_RX_BYTES);
		rtnl_link_put(link);
	}
	if (sock)
		nl_socket_free(sock);
	return err < 0 ? fail(world, machine->name, "counters", err) : 0;
}

int wire_held_addresses(const struct machine *machine, const struct ip *ips, size_t count)
{
	int own = spaces_network(), held = -1;
	struct nl_sock *sock = spaces_visit(machine->net) ? open_socket() : NULL;
	struct nl_cache *cache = NULL;

	if (!spaces_visit(own) || !sock || rtnl_addr_alloc_cache(sock, &cache) < 0)
		count = 0;
	else
		held = 0;
	for (size_t i = 0; i < count; i++) {
		struct nl_object *item = nl_cache_get_first(cache);

		for (; item; item = nl_cache_get_next(item)) {
			struct nl_addr *its =
				rtnl_addr_get_local((struct rtnl_addr *)item);

			if (its && nl_addr_get_family(its) == ips[i].family &&
			    !memcmp(nl_addr_get_binary_addr(its), ips[i].bytes,
				    nl_addr_get_len(its)))
				break;
		}
		held += item != NULL;
	}
	nl_cache_free(cache);
	if (sock)
		nl_socket_free(sock);
	close(own);
	return held;
}
