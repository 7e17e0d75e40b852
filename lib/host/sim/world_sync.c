/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sync daemons of a simulated kernel (net/netfilter/ipvs/ip_vs_sync.c): the master
 * daemon tells of a connection when its packets have reached the threshold, then once in
 * each period, and when it ends; the backup daemon takes such messages, whoever sent
 * them. A message goes out at once, where the kernel gathers some for a moment.
 */
#include "host/sim/world_private.h"
#include "ipvs/sync.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdlib.h>

#define STATE_ESTABLISHED 1
#define STATE_FIN_WAIT 4
#define THRESHOLD "net.ipv4.vs.sync_threshold"
#define REFRESH "net.ipv4.vs.sync_refresh_period"

static unsigned long setting(struct sim_host *sim, const char *name, char **ret_rest)
{
	const char *value = lsvm_sim_sysctl_get(sim, name);

	return value ? strtoul(value, ret_rest, 10) : 0;
}

/* ip_vs_sync_conn_needed(). A connection is established by the client's second packet. */
static bool is_time(struct sim_host *sim, const struct sim_connection *connection)
{
	const unsigned long refresh_s = setting(sim, REFRESH, NULL);
	char *rest = NULL;
	const unsigned long threshold = setting(sim, THRESHOLD, &rest);
	const unsigned long period = rest ? strtoul(rest, NULL, 10) : 0;

	if (connection->packets < 2 && connection->flow.protocol == IPPROTO_TCP)
		return false;
	if (connection->closing != connection->told_closing)
		return true;
	if (refresh_s && connection->told_ms &&
	    sim->kernel.now_ms - connection->told_ms < refresh_s * 1000)
		return false;
	if (period)
		return connection->packets % period == threshold;
	return refresh_s || connection->packets == threshold;
}

static struct addr addr_of(uint16_t family, const uint8_t *bytes)
{
	struct addr addr = { .family = family == AF_INET6 ? 6 : 4 };

	memcpy(addr.bytes, bytes, family == AF_INET6 ? 16 : 4);
	return addr;
}

static struct sync_connection entry_of(const struct sim_kernel *kernel,
				       const struct sim_connection *connection)
{
	const struct sim_flow *flow = &connection->flow;
	const struct ipvs_destination to = lsvm_sim_dest_value(connection->dest);
	const bool tcp = flow->protocol == IPPROTO_TCP;

	return (struct sync_connection){
		.protocol = flow->protocol,
		.flags = to.forwarding,
		.state = !tcp		       ? 0
			 : connection->closing ? STATE_FIN_WAIT
					       : STATE_ESTABLISHED,
		.client_port = flow->client_port,
		.virtual_port = flow->virtual_port,
		.server_port = to.port ? to.port : flow->virtual_port,
		.fwmark = connection->dest->name.fwmark,
		.timeout_s = (uint32_t)((connection->expires_ms - kernel->now_ms) / 1000),
		.client = addr_of(flow->family, flow->client),
		.virtual = addr_of(flow->family, flow->virtual),
		.server = to.addr,
	};
}

void lsvm_sync_tell(struct node *node, const struct sim_flow *flow)
{
	const struct sim_kernel *kernel = &node->sim->kernel;
	const struct wire_daemon *daemon = &kernel->master;
	struct sim_connection *connection = lsvm_sim_connection_find(kernel, flow);
	struct channel_spec spec = { .kind = CHANNEL_UDP,
				     .remote_port = daemon->port,
				     .interface = daemon->interface,
				     .ttl = daemon->ttl };
	struct sync_connection entry;
	struct sync_message message;

	if (!connection || !connection->dest->service || !is_time(node->sim, connection))
		return;
	if (daemon->has & BIT(DAEMON_GROUP6))
		spec.remote = addr_of(AF_INET6, daemon->group6);
	else
		spec.remote = addr_of(AF_INET, daemon->group);
	connection->told_ms = kernel->now_ms ? kernel->now_ms : 1;
	connection->told_closing = connection->closing;
	entry = entry_of(kernel, connection);
	lsvm_sync_begin(&message, (uint8_t)daemon->sync_id);
	if (lsvm_sync_add(&message, SYNC_MESSAGE_BYTES, &entry))
		lsvm_channel_datagram(node, &spec, &spec.local, daemon->port,
				      message.bytes, message.length, NULL, 0);
}
