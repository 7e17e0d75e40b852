/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Links: bringing up what is there, making and removing tunnel devices.
 *
 * A GUE tunnel is an ipip (sit for IPv6 inside) device behind a UDP port on which the
 * kernel strips the wrapping. That the two belong together stands in the device's alias,
 * "lsvm gue 6080", so that a later run, or an operator, sees it.
 */
#include "host/linux/linux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_tunnel.h>
#include <netlink/cache.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/ip6gre.h>
#include <netlink/route/link/ip6tnl.h>
#include <netlink/route/link/ipgre.h>
#include <netlink/route/link/ipip.h>
#include <netlink/route/link/sit.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define GUE_ALIAS "lsvm gue "
#define CARRIER_MS 1500
#define CARRIER_PAUSE_MS 10

static int dump_links(struct nl_sock *sock, struct nl_cache **ret)
{
	return rtnl_link_alloc_cache(sock, AF_UNSPEC, ret);
}

static void local_ipv4(uint32_t network_order, struct addr *ret)
{
	if (!network_order)
		return;
	ret->family = 4;
	memcpy(ret->bytes, &network_order, 4);
}

static void local_ipv6(const struct in6_addr *local, struct addr *ret)
{
	if (IN6_IS_ADDR_UNSPECIFIED(local))
		return;
	ret->family = 6;
	memcpy(ret->bytes, local, 16);
}

static uint16_t alias_port(struct rtnl_link *from)
{
	const char *alias = rtnl_link_get_ifalias(from);
	size_t head = strlen(GUE_ALIAS);

	if (!alias || strncmp(alias, GUE_ALIAS, head) != 0)
		return 0;
	return (uint16_t)strtoul(alias + head, NULL, 10);
}

/* What the kernel calls the device's type, and ours. */
static void read_kind(struct rtnl_link *from, const char *type, struct link *link)
{
	struct in6_addr local = IN6ADDR_ANY_INIT;

	link->port = alias_port(from);
	if (strcmp(type, "ipip") == 0) {
		link->kind = link->port ? LINK_GUE : LINK_IPIP;
		local_ipv4(rtnl_link_ipip_get_local(from), &link->local);
	} else if (strcmp(type, "sit") == 0) {
		link->kind = link->port ? LINK_GUE6 : LINK_SIT;
		local_ipv4(rtnl_link_sit_get_local(from), &link->local);
	} else if (strcmp(type, "gre") == 0) {
		link->kind = LINK_GRE;
		local_ipv4(rtnl_link_ipgre_get_local(from), &link->local);
		link->checksum = rtnl_link_ipgre_get_iflags(from) & GRE_CSUM;
	} else if (strcmp(type, "ip6tnl") == 0) {
		link->kind = LINK_IP6TNL;
		rtnl_link_ip6_tnl_get_local(from, &local);
		local_ipv6(&local, &link->local);
	} else if (strcmp(type, "ip6gre") == 0) {
		uint16_t flags = 0;

		link->kind = LINK_IP6GRE;
		rtnl_link_ip6gre_get_local(from, &local);
		rtnl_link_ip6gre_get_iflags(from, &flags);
		local_ipv6(&local, &link->local);
		link->checksum = flags & GRE_CSUM;
	}
}

static int observe_link(struct linux_host *linux_host, struct rtnl_link *from,
			struct state *state)
{
	struct link *link = vec_push(&state->links);
	const char *type = rtnl_link_get_type(from);
	int present;

	if (!link)
		return lsvm_fail_nomem(linux_host->host.ctx);
	snprintf(link->name, sizeof(link->name), "%s", rtnl_link_get_name(from));
	link->kind = LINK_PRESENT;
	link->mtu = rtnl_link_get_mtu(from);
	link->down = !(rtnl_link_get_flags(from) & IFF_UP);
	if (type)
		read_kind(from, type, link);
	if (link->kind != LINK_GUE && link->kind != LINK_GUE6)
		return 0;
	present = lsvm_linux_gue_present(linux_host, link->port);
	if (present == 0)
		link->port = 0; /* half of it is gone: it must be made anew */
	return present < 0 ? present : 0;
}

int lsvm_linux_observe_links(struct linux_host *linux_host, struct state *state)
{
	struct nl_cache *cache;
	int err = lsvm_linux_dump(linux_host, "interfaces", dump_links, &cache);

	if (err < 0)
		return err;
	for (struct nl_object *at = nl_cache_get_first(cache); at && err >= 0;
	     at = nl_cache_get_next(at))
		err = observe_link(linux_host, (struct rtnl_link *)at, state);
	nl_cache_free(cache);
	return err;
}

/* ---- making and changing ---- */

static uint32_t word_ipv4(const struct addr *addr)
{
	uint32_t word;

	memcpy(&word, addr->bytes, sizeof(word));
	return word;
}

/* A device of that kind, ready for its name; NULL: out of memory or no such kind. */
static struct rtnl_link *alloc_kind(const struct link *link)
{
	struct rtnl_link *made = NULL;
	struct in6_addr local;

	memcpy(&local, link->local.bytes, sizeof(local));
	switch (link->kind) {
	case LINK_IPIP:
	case LINK_GUE:
		made = rtnl_link_ipip_alloc();
		if (made)
			rtnl_link_ipip_set_local(made, word_ipv4(&link->local));
		break;
	case LINK_SIT:
	case LINK_GUE6:
		made = rtnl_link_sit_alloc();
		if (made)
			rtnl_link_sit_set_local(made, word_ipv4(&link->local));
		break;
	case LINK_GRE:
		made = rtnl_link_ipgre_alloc();
		if (made) {
			rtnl_link_ipgre_set_local(made, word_ipv4(&link->local));
			if (link->checksum) {
				rtnl_link_ipgre_set_iflags(made, GRE_CSUM);
				rtnl_link_ipgre_set_oflags(made, GRE_CSUM);
			}
		}
		break;
	case LINK_IP6TNL:
		made = rtnl_link_ip6_tnl_alloc();
		if (made)
			rtnl_link_ip6_tnl_set_local(made, &local);
		break;
	case LINK_IP6GRE:
		made = rtnl_link_ip6gre_alloc();
		if (made) {
			rtnl_link_ip6gre_set_local(made, &local);
			if (link->checksum) {
				rtnl_link_ip6gre_set_iflags(made, GRE_CSUM);
				rtnl_link_ip6gre_set_oflags(made, GRE_CSUM);
			}
		}
		break;
	case LINK_UNKNOWN:
	case LINK_PRESENT:
		break;
	}
	return made;
}

static int send_link(struct linux_host *linux_host, struct rtnl_link *made, int flags,
		     const char *what)
{
	struct nl_msg *msg;
	int err = rtnl_link_build_add_request(made, flags, &msg);

	rtnl_link_put(made);
	if (err < 0)
		return lsvm_fail_nomem(linux_host->host.ctx);
	err = lsvm_linux_request(linux_host, msg);
	return err ? lsvm_linux_refused(linux_host, err, what) : 0;
}

/* The kernel takes no alias with a new device. */
static int set_alias(struct linux_host *linux_host, const struct link *link)
{
	int index = lsvm_linux_interface(linux_host, link->name);
	struct rtnl_link *made = index < 0 ? NULL : rtnl_link_alloc();
	char alias[32];

	if (index < 0)
		return index;
	if (!made)
		return lsvm_fail_nomem(linux_host->host.ctx);
	snprintf(alias, sizeof(alias), GUE_ALIAS "%u", link->port);
	rtnl_link_set_ifindex(made, index);
	rtnl_link_set_ifalias(made, alias);
	return send_link(linux_host, made, 0, "the tunnel's alias cannot be set");
}

int lsvm_linux_link_add(struct linux_host *linux_host, const struct link *link)
{
	bool gue = link->kind == LINK_GUE || link->kind == LINK_GUE6;
	struct rtnl_link *made;
	char text[64];
	int err;

	if (link->kind <= LINK_PRESENT)
		return lsvm_fail(linux_host->host.ctx, LSVM_ERR_ARGUMENT,
				 "interface '%s' is a network card, which cannot be "
				 "made; plug it in",
				 link->name);
	if (gue) {
		err = lsvm_linux_gue_add(linux_host, link->port);
		if (err < 0)
			return err;
	}
	made = alloc_kind(link);
	if (!made)
		return lsvm_fail_nomem(linux_host->host.ctx);
	rtnl_link_set_name(made, link->name);
	rtnl_link_set_flags(made, IFF_UP);
	if (link->mtu)
		rtnl_link_set_mtu(made, link->mtu);
	snprintf(text, sizeof(text), "tunnel '%s' cannot be made", link->name);
	err = send_link(linux_host, made, NLM_F_CREATE | NLM_F_EXCL, text);
	return err < 0 || !gue ? err : set_alias(linux_host, link);
}

/* The kernel notices the cable up to a second later and drops packets until then, those
 * that announce addresses too. Without a cable it stays silent: nothing to wait for. */
static void wait_for_carrier(const char *name)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };

	if (sock < 0)
		return;
	memcpy(request.ifr_name, name, IFNAMSIZ - 1);
	for (int waited = 0; waited < CARRIER_MS; waited += CARRIER_PAUSE_MS) {
		if (ioctl(sock, SIOCGIFFLAGS, &request) < 0 ||
		    (request.ifr_flags & IFF_RUNNING))
			break;
		poll(NULL, 0, CARRIER_PAUSE_MS);
	}
	close(sock);
}

int lsvm_linux_link_change(struct linux_host *linux_host, const struct link *link)
{
	int index = lsvm_linux_interface(linux_host, link->name), err;
	struct rtnl_link *made;
	char text[64];

	if (index < 0)
		return index;
	made = rtnl_link_alloc();
	if (!made)
		return lsvm_fail_nomem(linux_host->host.ctx);
	rtnl_link_set_ifindex(made, index);
	rtnl_link_set_flags(made, IFF_UP);
	if (link->mtu)
		rtnl_link_set_mtu(made, link->mtu);
	snprintf(text, sizeof(text), "interface '%s' cannot be brought up", link->name);
	err = send_link(linux_host, made, 0, text);
	if (err >= 0)
		wait_for_carrier(link->name);
	return err;
}

/* Whether another device still stands behind the GUE port. */
static int port_in_use(struct linux_host *linux_host, uint16_t port)
{
	struct nl_cache *cache;
	int err = lsvm_linux_dump(linux_host, "interfaces", dump_links, &cache);

	if (err < 0)
		return err;
	for (struct nl_object *at = nl_cache_get_first(cache); at;
	     at = nl_cache_get_next(at))
		err |= alias_port((struct rtnl_link *)at) == port;
	nl_cache_free(cache);
	return err;
}

int lsvm_linux_link_delete(struct linux_host *linux_host, const struct link *link)
{
	int index = lsvm_linux_interface(linux_host, link->name), err;
	struct rtnl_link *gone;
	struct nl_msg *msg;
	char text[64];

	if (index < 0)
		return index == LSVM_ERR_NOT_FOUND ? 0 : index;
	if (link->kind <= LINK_PRESENT)
		return lsvm_fail(linux_host->host.ctx, LSVM_ERR_UNSUPPORTED,
				 "interface '%s' is a network card and cannot be removed",
				 link->name);
	gone = rtnl_link_alloc();
	if (!gone)
		return lsvm_fail_nomem(linux_host->host.ctx);
	rtnl_link_set_ifindex(gone, index);
	err = rtnl_link_build_delete_request(gone, &msg);
	rtnl_link_put(gone);
	if (err < 0)
		return lsvm_fail_nomem(linux_host->host.ctx);
	err = lsvm_linux_request(linux_host, msg);
	snprintf(text, sizeof(text), "tunnel '%s' cannot be removed", link->name);
	if (err && err != ENODEV)
		return lsvm_linux_refused(linux_host, err, text);
	if (!link->port || (link->kind != LINK_GUE && link->kind != LINK_GUE6))
		return 0;
	err = port_in_use(linux_host, link->port);
	return err ? (err < 0 ? err : 0) : lsvm_linux_gue_delete(linux_host, link->port);
}
