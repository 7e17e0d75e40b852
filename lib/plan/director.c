/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a director holds: the table, the kernel settings that the table needs, the marks,
 * and, while it is master, the VIPs and the floating addresses of the networks. A backup
 * has all but the addresses: taking over is claiming them.
 */
#include "plan/compile.h"

/* Which families some service translates addresses of. */
struct nat_use {
	bool ipv4, ipv6;
};

static struct nat_use find_nat(const struct lsvm_cluster *cluster)
{
	struct nat_use use = { false, false };

	for (uint32_t i = 0; i < cluster->partitions.count; i++) {
		const struct partition *partition = &cluster->partitions.items[i];

		for (uint32_t j = 0; j < partition->vips.count; j++) {
			const struct vip *vip = &partition->vips.items[j];

			for (uint32_t k = 0; k < vip->services.count; k++) {
				struct settings settings;

				lsvm_cluster_settings(&vip->services.items[k], &settings);
				if (settings.forwarding != LSVM_FORWARDING_NAT)
					continue;
				use.ipv4 |= vip->address.family == 4;
				use.ipv6 |= vip->address.family == 6;
			}
		}
	}
	/* A gateway has to forward, whatever its services do. */
	for (uint32_t i = 0; i < cluster->networks.count; i++) {
		const struct network *network = &cluster->networks.items[i];

		for (uint32_t j = 0; j < network->director_addresses.count; j++) {
			use.ipv4 |= network->director_addresses.items[j].family == 4;
			use.ipv6 |= network->director_addresses.items[j].family == 6;
		}
	}
	return use;
}

static void want_forwarding(struct compilation *c)
{
	struct nat_use use = find_nat(c->cluster);

	/* Direct routing and tunnels send packets out themselves; only what servers
	 * behind NAT answer is forwarded. */
	if (use.ipv4)
		lsvm_want_sysctl(c, "net.ipv4.ip_forward", "1");
	if (use.ipv6)
		lsvm_want_sysctl(c, "net.ipv6.conf.all.forwarding", "1");
	/* With one network a director sends packets out where they came in, and would
	 * tell the sender to take the short way, past it. The kernel takes either of the
	 * two. */
	lsvm_want_sysctl(c, "net.ipv4.conf.all.send_redirects", "0");
	for (uint32_t i = 0; i < c->machine->interfaces.count; i++)
		lsvm_want_interface_sysctl(c, "ipv4",
					   c->machine->interfaces.items[i].name,
					   "send_redirects", "0");
}

static bool goes_through(const struct service *service)
{
	struct settings settings;

	lsvm_cluster_settings(service, &settings);
	if (settings.forwarding == LSVM_FORWARDING_NAT)
		return false;
	for (uint32_t i = 0; i < settings.checks.count; i++)
		if (settings.checks.items[i].route == LSVM_CHECK_ROUTE_THROUGH)
			return true;
	return false;
}

static bool has_probes_through(const struct lsvm_cluster *cluster)
{
	for (uint32_t i = 0; i < cluster->partitions.count; i++) {
		const struct partition *partition = &cluster->partitions.items[i];

		for (uint32_t j = 0; j < partition->vips.count; j++) {
			const struct vip *vip = &partition->vips.items[j];

			if (vip->address.family != 4)
				continue;
			for (uint32_t k = 0; k < vip->services.count; k++)
				if (goes_through(&vip->services.items[k]))
					return true;
		}
	}
	return false;
}

/* Servers answer a probe through the director in the name of the VIP, which the master
 * has itself: by default such packets are dropped as forged (fib_validate_source() in
 * net/ipv4/fib_frontend.c; IPv6 does not look). They may come in another way than the
 * VIP's network. */
static void want_own_answers(struct compilation *c)
{
	if (!has_probes_through(c->cluster))
		return;
	for (uint32_t i = 0; i < c->machine->interfaces.count; i++) {
		const char *name = c->machine->interfaces.items[i].name;

		lsvm_want_interface_sysctl(c, "ipv4", name, "accept_local", "1");
		lsvm_want_interface_sysctl(c, "ipv4", name, "rp_filter", "2");
	}
}

static void want_ipvs_sysctls(struct compilation *c)
{
	const struct ipvs_tuning *tuning = c->cluster->ipvs;

	/* Clients of a server that is taken out are told at once and come back to another
	 * one; by default their packets are dropped in silence until they give up. */
	lsvm_want_sysctl(c, "net.ipv4.vs.expire_nodest_conn", "1");
	/* A drained server (weight 0) loses its persistent clients too; otherwise it
	 * would never be empty. */
	lsvm_want_sysctl(c, "net.ipv4.vs.expire_quiescent_template", "1");
	/* A client's port that is used again is scheduled anew, also in FIN_WAIT, which
	 * is all that a director in direct routing sees of an end; otherwise it keeps
	 * going to a server that may be gone. */
	lsvm_want_sysctl(c, "net.ipv4.vs.conn_reuse_mode", "2");
	lsvm_compile_survival(c);
	for (uint32_t i = 0; i < tuning->sysctls.count; i++) {
		const char *name = lsvm_arena_printf(&c->scratch, "net.ipv4.vs.%s",
						     tuning->sysctls.items[i].name);

		if (name)
			lsvm_want_sysctl(c, name, tuning->sysctls.items[i].value);
	}
}

static void want_in_network(struct compilation *c, const struct addr *addr,
			    const struct network *network)
{
	const struct interface *interface =
		lsvm_machine_interface_in(c->machine, network);

	if (interface)
		lsvm_want_address(c, addr, interface->name);
}

static void want_addresses(struct compilation *c)
{
	for (uint32_t i = 0; i < c->cluster->networks.count; i++) {
		const struct network *network = &c->cluster->networks.items[i];

		for (uint32_t j = 0; j < network->director_addresses.count; j++)
			want_in_network(c, &network->director_addresses.items[j],
					network);
	}
	for (uint32_t i = 0; i < c->cluster->partitions.count; i++) {
		const struct partition *partition = &c->cluster->partitions.items[i];

		for (uint32_t j = 0; j < partition->vips.count; j++) {
			const struct vip *vip = &partition->vips.items[j];

			want_in_network(c, &vip->address, vip->network.target);
		}
	}
}

void lsvm_compile_director(struct compilation *c)
{
	lsvm_want_interfaces(c);
	lsvm_compile_table(c);
	want_forwarding(c);
	want_own_answers(c);
	want_ipvs_sysctls(c);
	lsvm_compile_firewall(c);
	if (c->master)
		want_addresses(c);
}
