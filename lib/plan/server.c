/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off */
/*
 * What a server holds so that it answers for the VIPs of its partitions:
 *
 *   direct   the VIP on lo; ARP must not tell anybody (arp_ignore 1: answer only for
 *            addresses of the interface asked on; arp_announce 2: never ask with the VIP).
 *            IPv6 needs nothing: neighbours are answered for the interface's own addresses
 *   tunnel   a link that unwraps what is sent to the server's own address, and the VIP on
 *            it; rp_filter off there, since clients are not reached through the tunnel
 *   nat      nothing but the way back: the director is the gateway
 *
 * Linux has one device for each way of wrapping and local address, so all partitions with
 * the same way share it; GUE is such a device behind a UDP port.
 */
/* clang-format on */
#include "plan/compile.h"

#include <stdio.h>

struct server_maker {
	struct compilation *c;
	bool hide_ipv4;	   /* some IPv4 VIP is here: tame ARP */
	bool unwraps_ipv4; /* some IPv4 VIP is behind a tunnel */
};

/* ---- tunnels ---- */

static enum link_kind link_kind(const struct tunnel *tunnel, uint8_t outer, uint8_t inner)
{
	switch (tunnel->kind) {
	case LSVM_TUNNEL_IPIP:
		return outer == 6 ? LINK_IP6TNL : inner == 6 ? LINK_SIT : LINK_IPIP;
	case LSVM_TUNNEL_GUE:
		return outer == 6 ? LINK_UNKNOWN : inner == 6 ? LINK_GUE6 : LINK_GUE;
	case LSVM_TUNNEL_GRE:
		return outer == 6 ? LINK_IP6GRE : LINK_GRE;
	case LSVM_TUNNEL_UNKNOWN:
		break;
	}
	return LINK_UNKNOWN;
}

/* One name for what is one device to the kernel. */
static const char *link_name(enum link_kind kind)
{
	switch (kind) {
	case LINK_IPIP:
	case LINK_GUE:
		return "svmipip0";
	case LINK_SIT:
	case LINK_GUE6:
		return "svmsit0";
	case LINK_GRE:
		return "svmgre0";
	case LINK_IP6TNL:
		return "svmip6tnl0";
	case LINK_IP6GRE:
		return "svmip6gre0";
	case LINK_PRESENT:
	case LINK_UNKNOWN:
		break;
	}
	return "";
}

static const struct link *refuse(struct server_maker *maker, const struct vip *vip,
				 const char *why)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (!maker->c->err)
		maker->c->err = lsvm_fail(maker->c->ctx, LSVM_ERR_UNSUPPORTED,
					  "server '%s' cannot unwrap packets to %s: %s; "
					  "give its partitions "
					  "the same tunnel",
					  maker->c->machine->name,
					  lsvm_addr_text(&vip->address, text), why);
	return NULL;
}

/* Makes the device that is there already good for this tunnel too. */
static const struct link *share(struct server_maker *maker, const struct vip *vip,
				struct link *link, const struct link *also)
{
	if (link->port && also->port && link->port != also->port)
		return refuse(maker, vip, "GUE on two ports");
	if (link->checksum != also->checksum)
		return refuse(maker, vip, "GRE with and without checksums");
	if (also->port) {
		/* What comes without GUE is unwrapped by the same device. */
		link->kind = also->kind;
		link->port = also->port;
	}
	return link;
}

/* The link that unwraps this tunnel's packets; NULL when there cannot be one. */
static const struct link *want_tunnel(struct server_maker *maker, const struct vip *vip,
				      const struct tunnel *tunnel,
				      const struct addr *local)
{
	struct link link = { .kind = link_kind(tunnel, local->family,
					       vip->address.family),
			     .local = *local };
	struct link *have;

	if (!link.kind)
		return refuse(maker, vip, "Linux has no GUE over IPv6 here");
	if (tunnel->kind == LSVM_TUNNEL_GUE)
		link.port = tunnel->port;
	if (tunnel->kind == LSVM_TUNNEL_GRE)
		link.checksum = tunnel->checksum == LSVM_TUNNEL_CHECKSUM_FULL;
	snprintf(link.name, sizeof(link.name), "%s", link_name(link.kind));
	have = lsvm_state_link(maker->c->wanted, link.name);
	if (have)
		return share(maker, vip, have, &link);
	have = vec_push(&maker->c->wanted->links);
	if (!have) {
		lsvm_compile_nomem(maker->c);
		return NULL;
	}
	*have = link;
	return have;
}

/* ---- VIPs ---- */

static void want_nat_gateway(struct server_maker *maker, uint8_t family)
{
	struct compilation *c = maker->c;
	const struct addr *own = lsvm_cluster_server_address(c->cluster, c->machine,
							     family, LSVM_FORWARDING_NAT);
	struct prefix everything = { .addr = { .family = family } };

	if (!own || lsvm_state_route(c->wanted, &everything))
		return;
	for (uint32_t i = 0; i < c->machine->interfaces.count; i++) {
		const struct interface *interface = &c->machine->interfaces.items[i];
		const struct addr *via;

		if (lsvm_interface_address(interface, family) != own)
			continue;
		via = lsvm_director_gateway(c->cluster, interface_network(interface),
					    family);
		if (via)
			lsvm_want_route(c, &everything, via, interface->name);
		return;
	}
}

static void want_vip(struct server_maker *maker, const struct vip *vip)
{
	struct compilation *c = maker->c;
	const char *where = NULL;

	for (uint32_t i = 0; i < vip->services.count; i++) {
		struct settings settings;
		const struct addr *own;

		lsvm_cluster_settings(&vip->services.items[i], &settings);
		own = lsvm_cluster_destination_address(c->cluster, c->machine, vip,
						       settings.forwarding);
		if (!own)
			continue;
		if (settings.forwarding == LSVM_FORWARDING_NAT) {
			want_nat_gateway(maker, vip->address.family);
		} else if (settings.forwarding == LSVM_FORWARDING_TUNNEL) {
			const struct link *link =
				want_tunnel(maker, vip, settings.tunnel, own);

			maker->unwraps_ipv4 |= vip->address.family == 4;
			/* An address on lo is good for both. */
			if (link && !where)
				where = link_name(link->kind);
		} else {
			where = "lo";
		}
	}
	if (!where)
		return;
	/* A fresh network namespace has it down. */
	if (strcmp(where, "lo") == 0)
		lsvm_want_card(c, where, 0);
	lsvm_want_address(c, &vip->address, where);
	maker->hide_ipv4 |= vip->address.family == 4;
}

static void want_sysctls(struct server_maker *maker)
{
	struct compilation *c = maker->c;

	/* The kernel takes the higher value of `all` and the interface. */
	if (maker->hide_ipv4) {
		lsvm_want_sysctl(c, "net.ipv4.conf.all.arp_ignore", "1");
		lsvm_want_sysctl(c, "net.ipv4.conf.all.arp_announce", "2");
	}
	if (!maker->unwraps_ipv4)
		return;
	lsvm_want_sysctl(c, "net.ipv4.conf.all.rp_filter", "0");
	for (size_t i = 0; i < c->wanted->links.count; i++)
		if (c->wanted->links.items[i].kind > LINK_PRESENT)
			lsvm_want_interface_sysctl(c, "ipv4",
						   c->wanted->links.items[i].name,
						   "rp_filter", "0");
}

void lsvm_compile_server(struct compilation *c)
{
	struct server_maker maker = { .c = c };

	lsvm_want_interfaces(c);
	for (uint32_t i = 0; i < c->machine->partitions.count; i++) {
		const struct partition *partition = c->machine->partitions.items[i];

		for (uint32_t j = 0; j < partition->vips.count; j++)
			want_vip(&maker, &partition->vips.items[j]);
	}
	want_sysctls(&maker);
	lsvm_compile_web(c);
}
