/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * IPVS by socket options: the structs of linux/ip_vs.h.
 *
 * A kernel reads every struct at its full size and leaves slots of an answer as they were
 * when it has fewer entries than the question had room for. So questions go out zeroed,
 * and a slot without a scheduler's name, or without an address, was not filled: no entry
 * is like that.
 */
#include "ipvs/sockopt.h"
#include "ipvs/words.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define DAEMON_PORT 8848
#define DAEMON_TTL 1

static const struct addr daemon_group = { 4, { 224, 0, 0, 81 } };

const char *const lsvm_sockopt_lost[] = {
	"IPv6",
	"destinations of another address family than their service's",
	"tunnels other than ipip",
	"persistence engines",
	"parameters of sync daemons other than interface and sync id",
	"64-bit counters of connections and packets",
	"the settings of ip_vs (net.ipv4.vs), where the kernel hides them",
	NULL,
};

/* ---- what cannot be carried ---- */

static const char *service_lost(const struct ipvs_service *service)
{
	if (service->key.addr.family != 4)
		return "IPv6";
	return NULL;
}

static const char *destination_lost(const struct ipvs_destination *destination)
{
	if (destination->addr.family != 4)
		return "destinations of another address family than their service's";
	if (destination->tunnel_type || destination->tunnel_port ||
	    destination->tunnel_flags)
		return "tunnels other than ipip";
	return NULL;
}

static const char *daemon_lost(const struct ipvs_daemon *daemon)
{
	if (daemon->maxlen_bytes || (daemon->port && daemon->port != DAEMON_PORT) ||
	    (daemon->ttl && daemon->ttl != DAEMON_TTL) ||
	    (daemon->group.family &&
	     lsvm_addr_compare(&daemon->group, &daemon_group) != 0))
		return "parameters of sync daemons other than interface and sync id";
	return NULL;
}

static const char *change_lost(const struct ipvs_change *change)
{
	const char *lost = NULL;

	switch (change->kind) {
	case IPVS_SERVICE_ADD:
	case IPVS_SERVICE_EDIT:
		lost = service_lost(change->service);
		if (!lost && change->service->engine[0])
			lost = "persistence engines";
		break;
	case IPVS_SERVICE_DELETE:
		lost = service_lost(change->service);
		break;
	case IPVS_DESTINATION_ADD:
	case IPVS_DESTINATION_EDIT:
	case IPVS_DESTINATION_DELETE:
		lost = service_lost(change->service);
		if (!lost)
			lost = destination_lost(change->destination);
		break;
	case IPVS_DAEMON_START:
		lost = daemon_lost(change->daemon);
		break;
	case IPVS_DAEMON_STOP:
	case IPVS_TIMEOUTS_SET:
		break;
	}
	return lost;
}

int lsvm_sockopt_check(struct lsvm_ctx *ctx, const struct ipvs_change *change)
{
	const char *lost = change_lost(change);
	struct buf what = { 0 };
	int err;

	if (!lost)
		return 0;
	lsvm_ipvs_change_text(change, &what);
	err = lsvm_fail(ctx, LSVM_ERR_UNSUPPORTED,
			"%s: in a user namespace the kernel takes IPVS changes by its "
			"older socket options only, and these carry no %s; run it as "
			"root outside any user namespace",
			what.data ? what.data : "a change of the IPVS table", lost);
	lsvm_buf_free(&what);
	return err;
}

/* ---- arguments ---- */

static uint32_t addr_to_wire(const struct addr *addr)
{
	uint32_t wire;

	memcpy(&wire, addr->bytes, sizeof(wire));
	return wire;
}

/* The kernel wants a protocol that it balances even with a mark. */
static uint16_t protocol_to_wire(const struct ipvs_key *key)
{
	return key->fwmark ? IPPROTO_TCP : key->protocol;
}

static void put_key(const struct ipvs_key *key, struct ip_vs_service_user *to)
{
	to->protocol = protocol_to_wire(key);
	to->addr = addr_to_wire(&key->addr);
	to->port = htons(key->port);
	to->fwmark = key->fwmark;
}

/* All flags are written: those that this version does not know stay as they are. */
static void put_service(const struct ipvs_service *service,
			const struct ipvs_service *before, struct ip_vs_service_user *to)
{
	put_key(&service->key, to);
	memcpy(to->sched_name, service->scheduler, sizeof(to->sched_name));
	to->flags = service->flags |
		    (before ? before->flags & ~(uint32_t)IPVS_SERVICE_FLAGS_KNOWN : 0);
	to->timeout = service->timeout_s;
	to->netmask = htonl(service->netmask);
}

static void put_destination(const struct ipvs_change *change, struct ip_vs_dest_user *to)
{
	const struct ipvs_destination *destination = change->destination;

	to->addr = addr_to_wire(&destination->addr);
	to->port = htons(destination->port);
	if (change->kind == IPVS_DESTINATION_DELETE)
		return;
	to->conn_flags = destination->forwarding;
	to->weight = (int)change->weight;
	to->u_threshold = destination->upper_threshold;
	to->l_threshold = destination->lower_threshold;
}

static void put_bytes(struct sockopt_call *call, const void *bytes, size_t length)
{
	memcpy(call->bytes + call->length, bytes, length);
	call->length += length;
}

static void put_daemon(struct sockopt_call *call, const struct ipvs_change *change)
{
	struct ip_vs_daemon_user to = { 0 };

	to.state = change->is_master ? IP_VS_STATE_MASTER : IP_VS_STATE_BACKUP;
	if (change->kind == IPVS_DAEMON_START) {
		memcpy(to.mcast_ifn, change->daemon->interface, sizeof(to.mcast_ifn));
		to.syncid = (int)change->daemon->sync_id;
	}
	put_bytes(call, &to, sizeof(to));
}

static void put_timeouts(struct sockopt_call *call, const struct ipvs_timeouts *timeouts)
{
	const struct ip_vs_timeout_user to = {
		.tcp_timeout = (int)timeouts->tcp_s,
		.tcp_fin_timeout = (int)timeouts->tcp_fin_s,
		.udp_timeout = (int)timeouts->udp_s,
	};

	put_bytes(call, &to, sizeof(to));
}

static int option_of(enum ipvs_change_kind kind)
{
	switch (kind) {
	case IPVS_SERVICE_ADD:
		return IP_VS_SO_SET_ADD;
	case IPVS_SERVICE_EDIT:
		return IP_VS_SO_SET_EDIT;
	case IPVS_SERVICE_DELETE:
		return IP_VS_SO_SET_DEL;
	case IPVS_DESTINATION_ADD:
		return IP_VS_SO_SET_ADDDEST;
	case IPVS_DESTINATION_EDIT:
		return IP_VS_SO_SET_EDITDEST;
	case IPVS_DESTINATION_DELETE:
		return IP_VS_SO_SET_DELDEST;
	case IPVS_TIMEOUTS_SET:
		return IP_VS_SO_SET_TIMEOUT;
	case IPVS_DAEMON_START:
		return IP_VS_SO_SET_STARTDAEMON;
	case IPVS_DAEMON_STOP:
		return IP_VS_SO_SET_STOPDAEMON;
	}
	return IP_VS_SO_SET_NONE;
}

void lsvm_sockopt_put_change(struct sockopt_call *call, const struct ipvs_change *change)
{
	struct ip_vs_service_user service = { 0 };
	struct ip_vs_dest_user destination = { 0 };

	*call = (struct sockopt_call){ .option = option_of(change->kind) };
	switch (change->kind) {
	case IPVS_SERVICE_ADD:
	case IPVS_SERVICE_EDIT:
		put_service(change->service, change->service_before, &service);
		put_bytes(call, &service, sizeof(service));
		break;
	case IPVS_SERVICE_DELETE:
		put_key(&change->service->key, &service);
		put_bytes(call, &service, sizeof(service));
		break;
	case IPVS_DESTINATION_ADD:
	case IPVS_DESTINATION_EDIT:
	case IPVS_DESTINATION_DELETE:
		put_key(&change->service->key, &service);
		put_destination(change, &destination);
		put_bytes(call, &service, sizeof(service));
		put_bytes(call, &destination, sizeof(destination));
		break;
	case IPVS_TIMEOUTS_SET:
		put_timeouts(call, change->timeouts);
		break;
	case IPVS_DAEMON_START:
	case IPVS_DAEMON_STOP:
		put_daemon(call, change);
		break;
	}
}

void lsvm_sockopt_put_zero(struct sockopt_call *call, const struct ipvs_key *key_or_all)
{
	struct ip_vs_service_user service = { 0 };

	*call = (struct sockopt_call){ .option = IP_VS_SO_SET_ZERO };
	if (key_or_all)
		put_key(key_or_all, &service);
	put_bytes(call, &service, sizeof(service));
}

void lsvm_sockopt_put_key(const struct ipvs_key *key, struct ip_vs_get_dests *ret)
{
	ret->protocol = protocol_to_wire(key);
	ret->addr = addr_to_wire(&key->addr);
	ret->port = htons(key->port);
	ret->fwmark = key->fwmark;
}

/* ---- answers ---- */

static bool get(struct reader *bytes, void *to, size_t length)
{
	const uint8_t *from = lsvm_read_bytes(bytes, length);

	if (from)
		memcpy(to, from, length);
	return from != NULL;
}

static void addr_from_wire(uint32_t wire, struct addr *to)
{
	to->family = 4;
	memcpy(to->bytes, &wire, sizeof(wire));
}

static void get_counters(const struct ip_vs_stats_user *from, struct ipvs_counters *to)
{
	*to = (struct ipvs_counters){
		.connections = from->conns,
		.in_packets = from->inpkts,
		.out_packets = from->outpkts,
		.in_bytes = from->inbytes,
		.out_bytes = from->outbytes,
		.connection_rate = from->cps,
		.in_packet_rate = from->inpps,
		.out_packet_rate = from->outpps,
		.in_byte_rate = from->inbps,
		.out_byte_rate = from->outbps,
	};
}

int lsvm_sockopt_get_service(struct reader *bytes, struct ipvs_service *ret,
			     struct ipvs_counters *ret_counters,
			     uint32_t *ret_destination_count)
{
	struct ip_vs_service_entry from;
	struct ipvs_service to = { 0 };

	if (!get(bytes, &from, sizeof(from)))
		return LSVM_ERR_PROTOCOL;
	if (!from.sched_name[0])
		return 0;
	if (!memchr(from.sched_name, '\0', sizeof(from.sched_name)) ||
	    from.protocol > UINT8_MAX)
		return LSVM_ERR_PROTOCOL;
	to.key.addr.family = 4;
	to.key.fwmark = from.fwmark;
	if (!from.fwmark) {
		to.key.protocol = (uint8_t)from.protocol;
		addr_from_wire(from.addr, &to.key.addr);
		to.key.port = ntohs(from.port);
	}
	memcpy(to.scheduler, from.sched_name, sizeof(to.scheduler));
	to.flags = from.flags & ~(uint32_t)IP_VS_SVC_F_HASHED;
	to.timeout_s = from.timeout;
	to.netmask = ntohl(from.netmask);
	get_counters(&from.stats, ret_counters);
	to.counters = ret_counters;
	*ret = to;
	*ret_destination_count = from.num_dests;
	return 1;
}

int lsvm_sockopt_get_destination(struct reader *bytes, struct ipvs_destination *ret,
				 struct ipvs_counters *ret_counters)
{
	struct ip_vs_dest_entry from;
	struct ipvs_destination to = { 0 };

	if (!get(bytes, &from, sizeof(from)))
		return LSVM_ERR_PROTOCOL;
	if (!from.addr)
		return 0;
	addr_from_wire(from.addr, &to.addr);
	to.port = ntohs(from.port);
	to.forwarding = from.conn_flags & IP_VS_CONN_F_FWD_MASK;
	to.weight = (uint32_t)from.weight;
	to.upper_threshold = from.u_threshold;
	to.lower_threshold = from.l_threshold;
	to.active_count = from.activeconns;
	to.inactive_count = from.inactconns;
	to.persistent_count = from.persistconns;
	get_counters(&from.stats, ret_counters);
	to.counters = ret_counters;
	*ret = to;
	return 1;
}

int lsvm_sockopt_get_daemons(struct reader *bytes, struct ipvs_daemon *ret_master,
			     struct ipvs_daemon *ret_backup)
{
	struct ipvs_daemon master = { 0 }, backup = { 0 };

	for (unsigned i = 0; i < 2; i++) {
		struct ip_vs_daemon_user from;
		struct ipvs_daemon *to;

		if (!get(bytes, &from, sizeof(from)))
			return LSVM_ERR_PROTOCOL;
		if (!from.state)
			continue;
		to = from.state == IP_VS_STATE_MASTER ? &master : &backup;
		if ((from.state != IP_VS_STATE_MASTER &&
		     from.state != IP_VS_STATE_BACKUP) ||
		    !memchr(from.mcast_ifn, '\0', sizeof(from.mcast_ifn)))
			return LSVM_ERR_PROTOCOL;
		*to = (struct ipvs_daemon){ .present = true,
					    .sync_id = (uint32_t)from.syncid,
					    .port = DAEMON_PORT,
					    .ttl = DAEMON_TTL,
					    .group = daemon_group };
		memcpy(to->interface, from.mcast_ifn, sizeof(to->interface));
	}
	*ret_master = master;
	*ret_backup = backup;
	return 0;
}

int lsvm_sockopt_get_timeouts(struct reader *bytes, struct ipvs_timeouts *ret)
{
	struct ip_vs_timeout_user from;

	if (!get(bytes, &from, sizeof(from)) || from.tcp_timeout < 0 ||
	    from.tcp_fin_timeout < 0 || from.udp_timeout < 0)
		return LSVM_ERR_PROTOCOL;
	*ret = (struct ipvs_timeouts){ (uint32_t)from.tcp_timeout,
				       (uint32_t)from.tcp_fin_timeout,
				       (uint32_t)from.udp_timeout };
	return 0;
}

int lsvm_sockopt_get_info(struct reader *bytes, uint32_t *ret_version,
			  uint32_t *ret_bucket_count, uint32_t *ret_service_count)
{
	struct ip_vs_getinfo from;

	if (!get(bytes, &from, sizeof(from)))
		return LSVM_ERR_PROTOCOL;
	*ret_version = from.version;
	*ret_bucket_count = from.size;
	*ret_service_count = from.num_services;
	return 0;
}
