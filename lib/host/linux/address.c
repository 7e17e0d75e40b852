/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses on interfaces. A VIP must answer at once: no duplicate detection, and the
 * neighbours are told. */
#include "host/linux/linux.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <netlink/addr.h>
#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <stdio.h>

static int observe_address(struct linux_host *linux_host, struct rtnl_addr *from,
			   struct state *state)
{
	struct address seen = { 0 }, *slot;

	/* An interface that went meanwhile took its addresses along. */
	if (!if_indextoname((unsigned)rtnl_addr_get_ifindex(from), seen.interface) ||
	    !lsvm_linux_from_nl_addr(rtnl_addr_get_local(from), &seen.prefix.addr))
		return 0;
	seen.prefix.length = (uint8_t)rtnl_addr_get_prefixlen(from);
	slot = vec_push(&state->addresses);
	if (!slot)
		return lsvm_fail_nomem(linux_host->host.ctx);
	*slot = seen;
	return 0;
}

int lsvm_linux_observe_addresses(struct linux_host *linux_host, struct state *state)
{
	struct nl_cache *cache;
	int err = lsvm_linux_dump(linux_host, "addresses", rtnl_addr_alloc_cache, &cache);

	if (err < 0)
		return err;
	for (struct nl_object *at = nl_cache_get_first(cache); at && err >= 0;
	     at = nl_cache_get_next(at))
		err = observe_address(linux_host, (struct rtnl_addr *)at, state);
	nl_cache_free(cache);
	return err;
}

static struct rtnl_addr *make(const struct address *address, int index)
{
	struct nl_addr *local =
		lsvm_linux_nl_addr(&address->prefix.addr, address->prefix.length);
	struct rtnl_addr *made = local ? rtnl_addr_alloc() : NULL;

	if (made) {
		rtnl_addr_set_ifindex(made, index);
		if (rtnl_addr_set_local(made, local) < 0) {
			rtnl_addr_put(made);
			made = NULL;
		}
	}
	if (made && address->prefix.addr.family == 6)
		rtnl_addr_set_flags(made, IFA_F_NODAD);
	/* A VIP is answered for but never spoken from: a director that wrapped packets
	 * with it as their source would send servers what seems to come from themselves.
	 */
	if (made && address->prefix.addr.family == 6 && address->prefix.length == 128) {
		rtnl_addr_set_valid_lifetime(made, UINT32_MAX);
		rtnl_addr_set_preferred_lifetime(made, 0);
	}
	nl_addr_put(local);
	return made;
}

static int change(struct linux_host *linux_host, const struct address *address, bool add)
{
	char prefix[LSVM_ADDRESS_TEXT_BYTES], text[160];
	int index = lsvm_linux_interface(linux_host, address->interface), err;
	struct rtnl_addr *made;
	struct nl_msg *msg;

	if (index < 0)
		return add ? index : 0;
	made = make(address, index);
	if (!made)
		return lsvm_fail_nomem(linux_host->host.ctx);
	err = add ? rtnl_addr_build_add_request(made, NLM_F_CREATE | NLM_F_EXCL, &msg)
		  : rtnl_addr_build_delete_request(made, 0, &msg);
	rtnl_addr_put(made);
	if (err < 0)
		return lsvm_fail_nomem(linux_host->host.ctx);
	err = lsvm_linux_request(linux_host, msg);
	if (!err || (!add && err == EADDRNOTAVAIL))
		return 0;
	snprintf(text, sizeof(text), "address %s cannot be %s '%s'",
		 lsvm_prefix_text(&address->prefix, prefix),
		 add ? "added to" : "removed from", address->interface);
	return lsvm_linux_refused(linux_host, err, text);
}

int lsvm_linux_address_add(struct linux_host *linux_host, const struct address *address)
{
	return change(linux_host, address, true);
}

int lsvm_linux_address_delete(struct linux_host *linux_host,
			      const struct address *address)
{
	return change(linux_host, address, false);
}
