/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tunnels: what a server can unwrap. Linux has one device for each way of wrapping and
 * pair of families, so that all partitions of a server share it: GUE arrives at one UDP
 * port, GRE has checksums or has none.
 *
 * Of a partition's services the first of each kind counts, and the first that differs
 * from it: more are never needed to see that two cannot be together.
 */
#include "cluster/validate_private.h"

struct wishes {
	const struct service *gue[2][2], *gre[2][2]; /* by family of the VIP: two */
};

static bool full_checksum(const struct tunnel *tunnel)
{
	return tunnel->checksum == LSVM_TUNNEL_CHECKSUM_FULL;
}

static const struct tunnel *tunnel_of(const struct service *service)
{
	struct settings settings;

	lsvm_cluster_settings(service, &settings);
	return settings.tunnel;
}

static bool same(const struct tunnel *a, const struct tunnel *b)
{
	return a->kind == LSVM_TUNNEL_GUE ? a->port == b->port
					  : full_checksum(a) == full_checksum(b);
}

static void add_wish(struct wishes *wishes, const struct service *service)
{
	unsigned f = service_vip(service)->address.family == 6;
	const struct service **pair;
	struct settings settings;

	lsvm_cluster_settings(service, &settings);
	if (settings.forwarding != LSVM_FORWARDING_TUNNEL ||
	    settings.tunnel->kind == LSVM_TUNNEL_IPIP ||
	    (settings.tunnel->kind == LSVM_TUNNEL_GUE && !settings.tunnel->port))
		return;
	pair = settings.tunnel->kind == LSVM_TUNNEL_GUE ? wishes->gue[f] : wishes->gre[f];
	if (!pair[0])
		pair[0] = service;
	else if (!pair[1] && !same(tunnel_of(pair[0]), settings.tunnel))
		pair[1] = service;
}

static bool has_family(const struct machine *server, uint8_t family)
{
	for (uint32_t i = 0; i < server->interfaces.count; i++)
		if (lsvm_interface_address(&server->interfaces.items[i], family))
			return true;
	return false;
}

static void claim(struct validation *v, const struct machine *server,
		  const struct service *service)
{
	const struct tunnel *tunnel = tunnel_of(service);
	uint8_t inner = service_vip(service)->address.family;
	uint8_t outer = has_family(server, inner) ? inner : inner == 4 ? 6 : 4;
	struct server_facts *facts = server_facts(v, server);
	bool gue = tunnel->kind == LSVM_TUNNEL_GUE;
	const struct service **slot =
		gue ? &facts->gue[inner == 6] : &facts->gre[outer == 6];

	if (gue && outer == 6)
		lsvm_fault_setting(v, FINDING_GUE_OVER_IPV6, service, SETTING_TUNNEL,
				   "service \"%s\" reaches \"%s\" over IPv6, where GUE "
				   "cannot be unwrapped",
				   or_empty(service->name), or_empty(server->name));
	else if (!*slot)
		*slot = service;
	else if (!same(tunnel_of(*slot), tunnel))
		lsvm_fault_setting(v, FINDING_TUNNELS_UNEQUAL, service, SETTING_TUNNEL,
				   gue ? "\"%s\" would unwrap GUE on two ports: service "
					 "\"%s\" (%s) uses another one"
				       : "\"%s\" would unwrap GRE with and without "
					 "checksums: service \"%s\" (%s) differs",
				   or_empty(server->name), or_empty((*slot)->name),
				   lsvm_place(v, &(*slot)->object));
}

static void check_partition(struct validation *v, const struct partition *partition)
{
	struct wishes wishes = { 0 };

	for (uint32_t i = 0; i < partition->vips.count; i++) {
		const struct vip *vip = &partition->vips.items[i];

		for (uint32_t s = 0; vip->address.family && s < vip->services.count; s++)
			add_wish(&wishes, &vip->services.items[s]);
	}
	for (uint32_t m = 0; m < partition->servers.count; m++) {
		const struct machine *server = partition->servers.items[m].server.target;

		if (!is_server(server) ||
		    (!has_family(server, 4) && !has_family(server, 6)))
			continue;
		for (unsigned i = 0; i < 4; i++) {
			if (wishes.gue[i / 2][i % 2])
				claim(v, server, wishes.gue[i / 2][i % 2]);
			if (wishes.gre[i / 2][i % 2])
				claim(v, server, wishes.gre[i / 2][i % 2]);
		}
	}
}

void lsvm_validate_tunnels(struct validation *v)
{
	for (uint32_t p = 0; p < v->cluster->partitions.count; p++)
		check_partition(v, &v->cluster->partitions.items[p]);
}
