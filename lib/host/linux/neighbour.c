/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's neighbour tables, ARP and IPv6. What was never asked for is left out. */
#include "host/linux/linux.h"

#include <linux/neighbour.h>
#include <net/if.h>
#include <netlink/addr.h>
#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/neighbour.h>

static const struct word states[] = {
	{ NUD_INCOMPLETE, "incomplete" }, { NUD_REACHABLE, "reachable" },
	{ NUD_STALE, "stale" },		  { NUD_DELAY, "delay" },
	{ NUD_PROBE, "probe" },		  { NUD_FAILED, "failed" },
	{ NUD_PERMANENT, "permanent" },	  { 0, NULL },
};

static int add(struct linux_host *linux_host, struct rtnl_neigh *from,
	       struct neighbours *ret)
{
	const struct nl_addr *mac = rtnl_neigh_get_lladdr(from);
	const int state = rtnl_neigh_get_state(from);
	struct neighbour seen = { .state = lsvm_word_name(states, state) }, *slot;

	if (state <= 0 || state == NUD_NOARP ||
	    !if_indextoname((unsigned)rtnl_neigh_get_ifindex(from), seen.interface) ||
	    !lsvm_linux_from_nl_addr(rtnl_neigh_get_dst(from), &seen.addr))
		return 0;
	seen.has_mac = mac && nl_addr_get_len(mac) == sizeof(seen.mac);
	if (seen.has_mac)
		memcpy(seen.mac, nl_addr_get_binary_addr(mac), sizeof(seen.mac));
	slot = vec_push(&ret->list);
	if (!slot)
		return lsvm_fail_nomem(linux_host->host.ctx);
	*slot = seen;
	return 0;
}

int lsvm_linux_neighbours(struct lsvm_host *host, struct neighbours *ret)
{
	struct linux_host *linux_host = (struct linux_host *)host;
	struct nl_cache *cache;
	int err =
		lsvm_linux_dump(linux_host, "neighbours", rtnl_neigh_alloc_cache, &cache);

	if (err < 0)
		return err;
	for (struct nl_object *at = nl_cache_get_first(cache); at && err >= 0;
	     at = nl_cache_get_next(at))
		err = add(linux_host, (struct rtnl_neigh *)at, ret);
	nl_cache_free(cache);
	return err;
}
