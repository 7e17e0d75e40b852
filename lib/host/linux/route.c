/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes of the main table. Of several to one destination the one in force, that of the
 * lowest metric, is what a machine has. */
#include "host/linux/linux.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/addr.h>
#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <stdlib.h>

static int dump_routes(struct nl_sock *sock, struct nl_cache **ret)
{
	return rtnl_route_alloc_cache(sock, AF_UNSPEC, 0, ret);
}

static bool read_destination(struct rtnl_route *from, struct prefix *ret)
{
	const struct nl_addr *to = rtnl_route_get_dst(from);
	struct prefix prefix = { 0 };

	prefix.addr.family = rtnl_route_get_family(from) == AF_INET6 ? 6 : 4;
	/* The default route comes with an empty address. */
	if (to && nl_addr_get_len(to) && !lsvm_linux_from_nl_addr(to, &prefix.addr))
		return false;
	prefix.length = to ? (uint8_t)nl_addr_get_prefixlen(to) : 0;
	*ret = prefix;
	return true;
}

static bool is_named(const struct state *wanted, const struct state *owned,
		     const struct prefix *destination)
{
	return (wanted && lsvm_state_route(wanted, destination)) ||
	       (owned && lsvm_state_route(owned, destination));
}

static bool read_route(struct rtnl_route *from, struct route *ret)
{
	struct route route = { 0 };
	struct rtnl_nexthop *hop;

	if (rtnl_route_get_table(from) != RT_TABLE_MAIN ||
	    rtnl_route_get_type(from) != RTN_UNICAST || !rtnl_route_get_nnexthops(from) ||
	    !read_destination(from, &route.destination))
		return false;
	hop = rtnl_route_nexthop_n(from, 0);
	if (!if_indextoname((unsigned)rtnl_route_nh_get_ifindex(hop), route.interface))
		return false;
	if (rtnl_route_nh_get_gateway(hop) &&
	    !lsvm_linux_from_nl_addr(rtnl_route_nh_get_gateway(hop), &route.via))
		return false;
	*ret = route;
	return true;
}

static int by_metric(const void *a, const void *b)
{
	uint32_t left = rtnl_route_get_priority(*(struct rtnl_route *const *)a);
	uint32_t right = rtnl_route_get_priority(*(struct rtnl_route *const *)b);

	return left < right ? -1 : left > right;
}

int lsvm_linux_observe_routes(struct linux_host *linux_host, const struct state *wanted,
			      const struct state *owned, struct state *state)
{
	struct rtnl_route **list;
	struct nl_cache *cache;
	struct route route;
	size_t count = 0;
	int err = lsvm_linux_dump(linux_host, "routes", dump_routes, &cache);

	if (err < 0)
		return err;
	list = calloc((size_t)nl_cache_nitems(cache) + 1, sizeof(struct rtnl_route *));
	if (!list) {
		nl_cache_free(cache);
		return lsvm_fail_nomem(linux_host->host.ctx);
	}
	for (struct nl_object *at = nl_cache_get_first(cache); at;
	     at = nl_cache_get_next(at))
		list[count++] = (struct rtnl_route *)at;
	qsort(list, count, sizeof(struct rtnl_route *), by_metric);
	for (size_t i = 0; i < count && err >= 0; i++) {
		struct route *slot;

		if (!read_route(list[i], &route) ||
		    !is_named(wanted, owned, &route.destination) ||
		    lsvm_state_route(state, &route.destination))
			continue;
		slot = vec_push(&state->routes);
		if (slot)
			*slot = route;
		else
			err = lsvm_fail_nomem(linux_host->host.ctx);
	}
	free(list);
	nl_cache_free(cache);
	return err;
}

static struct rtnl_route *make(const struct route *route, int index)
{
	struct nl_addr *to =
		lsvm_linux_nl_addr(&route->destination.addr, route->destination.length);
	struct nl_addr *via =
		route->via.family ? lsvm_linux_nl_addr(&route->via, 255) : NULL;
	struct rtnl_route *made = to ? rtnl_route_alloc() : NULL;
	struct rtnl_nexthop *hop = made ? rtnl_route_nh_alloc() : NULL;

	if (!hop || (route->via.family && !via)) {
		rtnl_route_nh_free(hop);
		rtnl_route_put(made);
		nl_addr_put(via);
		nl_addr_put(to);
		return NULL;
	}
	rtnl_route_set_family(made,
			      route->destination.addr.family == 4 ? AF_INET : AF_INET6);
	rtnl_route_set_table(made, RT_TABLE_MAIN);
	rtnl_route_set_protocol(made, RTPROT_STATIC);
	rtnl_route_set_type(made, RTN_UNICAST);
	rtnl_route_set_scope(made, route->via.family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
	rtnl_route_set_dst(made, to);
	rtnl_route_nh_set_ifindex(hop, index);
	if (via)
		rtnl_route_nh_set_gateway(hop, via);
	rtnl_route_add_nexthop(made, hop);
	nl_addr_put(via);
	nl_addr_put(to);
	return made;
}

static int change(struct linux_host *linux_host, const struct route *route, bool set)
{
	char to[LSVM_ADDRESS_TEXT_BYTES], text[160];
	int index = lsvm_linux_interface(linux_host, route->interface), err;
	struct rtnl_route *made;
	struct nl_msg *msg;

	if (index < 0)
		return set ? index : 0;
	made = make(route, index);
	if (!made)
		return lsvm_fail_nomem(linux_host->host.ctx);
	err = set ? rtnl_route_build_add_request(made, NLM_F_CREATE | NLM_F_REPLACE, &msg)
		  : rtnl_route_build_del_request(made, 0, &msg);
	rtnl_route_put(made);
	if (err < 0)
		return lsvm_fail_nomem(linux_host->host.ctx);
	err = lsvm_linux_request(linux_host, msg);
	if (!err || (!set && err == ESRCH))
		return 0;
	snprintf(text, sizeof(text), "the route to %s on '%s' cannot be %s",
		 lsvm_prefix_text(&route->destination, to), route->interface,
		 set ? "set" : "removed");
	return lsvm_linux_refused(linux_host, err, text);
}

int lsvm_linux_route_set(struct linux_host *linux_host, const struct route *route)
{
	return change(linux_host, route, true);
}

int lsvm_linux_route_delete(struct linux_host *linux_host, const struct route *route)
{
	return change(linux_host, route, false);
}
