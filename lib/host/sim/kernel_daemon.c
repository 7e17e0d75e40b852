/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sync daemons of the simulated IPVS (net/netfilter/ipvs/ip_vs_sync.c). */
#include "host/sim/sim.h"
#include "ipvs/sync.h"

#include <errno.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>

#define MASTER_MTU 1500
#define MAXLEN_BACKUP_MIN 1024
#define HEADERS_IPV4 28
#define HEADERS_IPV6 48
#define PORT_DEFAULT 8848
#define TTL_DEFAULT 1

static const uint8_t default_group[4] = { 224, 0, 0, 81 };

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high)
{
	return value < low ? low : value > high ? high : value;
}

static void clamp_maxlen(struct wire_daemon *daemon, uint32_t link_mtu)
{
	const bool backup = daemon->state == IP_VS_STATE_BACKUP;
	const uint32_t headers =
		daemon->has & BIT(DAEMON_GROUP6) ? HEADERS_IPV6 : HEADERS_IPV4;
	const uint32_t mtu = backup ? clamp(link_mtu, MASTER_MTU, 65535) : MASTER_MTU;

	daemon->maxlen = (uint16_t)(daemon->maxlen ? clamp(daemon->maxlen,
							   backup ? MAXLEN_BACKUP_MIN : 1,
							   65535 - headers)
						   : mtu - headers);
}

/* Whether a socket that sends to the group would find its way: the loopback interface
 * has no route for IPv6 groups. */
static bool can_send(const struct sim_link *link, const struct wire_daemon *daemon)
{
	return !link->link.down &&
	       !(daemon->has & BIT(DAEMON_GROUP6) && !strcmp(link->link.name, "lo"));
}

int lsvm_sim_daemon_start(struct sim_host *sim, const struct wire_daemon *wanted)
{
	const uint32_t needed =
		BIT(DAEMON_STATE) | BIT(DAEMON_INTERFACE) | BIT(DAEMON_SYNC_ID);
	struct wire_daemon daemon = *wanted, *own;
	const struct sim_link *link;

	if ((daemon.has & needed) != needed)
		return EINVAL;
	if (daemon.has & BIT(DAEMON_GROUP)) {
		daemon.has &= ~BIT(DAEMON_GROUP6);
		if ((daemon.group[0] & 0xf0) != 0xe0)
			return EINVAL;
	} else if (daemon.has & BIT(DAEMON_GROUP6)) {
		if (daemon.group6[0] != 0xff)
			return EINVAL;
	} else {
		daemon.has |= BIT(DAEMON_GROUP);
		memcpy(daemon.group, default_group, sizeof(daemon.group));
	}
	if (sim->kernel.mixed_count)
		return EINVAL;
	link = lsvm_sim_link(sim, daemon.interface);
	if (!link)
		return ENODEV;
	if (daemon.state != IP_VS_STATE_MASTER && daemon.state != IP_VS_STATE_BACKUP)
		return EINVAL;
	own = daemon.state == IP_VS_STATE_MASTER ? &sim->kernel.master
						 : &sim->kernel.backup;
	if (own->state)
		return EEXIST;
	if (daemon.state == IP_VS_STATE_MASTER && !can_send(link, &daemon))
		return ENETUNREACH;
	clamp_maxlen(&daemon, link->link.mtu ? link->link.mtu : MASTER_MTU);
	if (!daemon.port)
		daemon.port = PORT_DEFAULT;
	if (!daemon.ttl)
		daemon.ttl = TTL_DEFAULT;
	daemon.has |= BIT(DAEMON_MAXLEN) | BIT(DAEMON_PORT) | BIT(DAEMON_TTL);
	*own = daemon;
	return 0;
}

int lsvm_sim_daemon_stop(struct sim_kernel *kernel, const struct wire_daemon *named)
{
	struct wire_daemon *own;

	if (!(named->has & BIT(DAEMON_STATE)) ||
	    (named->state != IP_VS_STATE_MASTER && named->state != IP_VS_STATE_BACKUP))
		return EINVAL;
	own = named->state == IP_VS_STATE_MASTER ? &kernel->master : &kernel->backup;
	if (!own->state)
		return ESRCH;
	*own = (struct wire_daemon){ 0 };
	return 0;
}

/* ---- what the backup daemon hears ---- */

static void learn(struct sim_kernel *kernel, const struct sync_connection *c)
{
	struct sim_flow flow = { .family = c->client.family == 6 ? AF_INET6 : AF_INET,
				 .protocol = c->protocol,
				 .client_port = c->client_port,
				 .virtual_port = c->virtual_port };

	/* What persistence remembers lies in the schedulers. */
	if (c->flags & IP_VS_CONN_F_TEMPLATE)
		return;
	memcpy(flow.client, c->client.bytes, c->client.family == 6 ? 16 : 4);
	memcpy(flow.virtual, c->virtual.bytes, c->client.family == 6 ? 16 : 4);
	lsvm_sim_learn(kernel, &flow, c->fwmark, &c->server, c->server_port,
		       !(c->flags & IP_VS_CONN_F_INACTIVE),
		       (uint64_t)c->timeout_s * 1000);
}

void lsvm_sim_hear_sync(struct sim_kernel *kernel, const struct addr *group,
			uint16_t port, const uint8_t *bytes, size_t length)
{
	const struct wire_daemon *daemon = &kernel->backup;
	struct reader reader = { .at = bytes, .left = length };
	struct sync_connection c;
	size_t count;

	if (!daemon->state || group->family != 4 || port != daemon->port ||
	    memcmp(group->bytes, daemon->group, sizeof(daemon->group)) != 0 ||
	    !lsvm_sync_head(&reader, (uint8_t)daemon->sync_id, &count))
		return;
	while (count-- && lsvm_sync_entry(&reader, &c))
		learn(kernel, &c);
}
