/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages to the IPVS family (net/netfilter/ipvs/ip_vs_ctl.c of Linux 6.1).
 *
 * Traps that live here: the netmask of IPv6 is a prefix length in native order, that of
 * IPv4 is big-endian; an address is always 16 bytes; what an edit leaves out is reset, so
 * whole objects are sent.
 */
#include "ipvs/wire.h"
#include "ipvs/words.h"

#include <sys/socket.h>

static uint16_t wire_family_of(const struct addr *addr)
{
	return addr->family == 6 ? AF_INET6 : AF_INET;
}

static void key_to_wire(const struct ipvs_key *key, struct wire_service *to)
{
	to->family = wire_family_of(&key->addr);
	to->has |= BIT(SERVICE_FAMILY);
	if (key->fwmark) {
		to->fwmark = key->fwmark;
		to->has |= BIT(SERVICE_FWMARK);
		return;
	}
	to->protocol = key->protocol;
	to->port = key->port;
	memcpy(to->addr, key->addr.bytes, sizeof(to->addr));
	to->has |= BIT(SERVICE_PROTOCOL) | BIT(SERVICE_ADDR) | BIT(SERVICE_PORT);
}

static void counters_to_wire(const struct ipvs_counters *from, struct wire_counters *to)
{
	to->values = *from;
	to->has = BIT(COUNTER_FIELD_COUNT) - 1;
}

static void service_to_wire(const struct ipvs_service *service, struct wire_service *to)
{
	const uint32_t mask = service->netmask;

	key_to_wire(&service->key, to);
	memcpy(to->scheduler, service->scheduler, sizeof(to->scheduler));
	/* The others stay as they are. */
	to->flags = (struct ip_vs_flags){ service->flags,
					  IPVS_SERVICE_FLAGS_KNOWN | service->flags };
	to->timeout_s = service->timeout_s;
	if (service->key.addr.family == 6)
		memcpy(to->netmask, &mask, sizeof(to->netmask));
	else
		for (unsigned i = 0; i < 4; i++)
			to->netmask[i] = (uint8_t)(mask >> (24 - 8 * i));
	to->has |= BIT(SERVICE_SCHEDULER) | BIT(SERVICE_FLAGS) | BIT(SERVICE_TIMEOUT) |
		   BIT(SERVICE_NETMASK);
	if (service->engine[0]) {
		memcpy(to->engine, service->engine, sizeof(to->engine));
		to->has |= BIT(SERVICE_ENGINE);
	}
}

static void endpoint_to_wire(const struct ipvs_destination *destination,
			     struct wire_destination *to)
{
	to->family = wire_family_of(&destination->addr);
	to->port = destination->port;
	memcpy(to->addr, destination->addr.bytes, sizeof(to->addr));
	to->has |=
		BIT(DESTINATION_ADDR) | BIT(DESTINATION_PORT) | BIT(DESTINATION_FAMILY);
}

static void destination_to_wire(const struct ipvs_destination *destination,
				uint32_t weight, struct wire_destination *to)
{
	endpoint_to_wire(destination, to);
	to->forwarding = destination->forwarding;
	to->weight = weight;
	to->upper_threshold = destination->upper_threshold;
	to->lower_threshold = destination->lower_threshold;
	to->tunnel_type = destination->tunnel_type;
	to->tunnel_port = destination->tunnel_port;
	to->tunnel_flags = destination->tunnel_flags;
	to->has |= BIT(DESTINATION_FORWARDING) | BIT(DESTINATION_WEIGHT) |
		   BIT(DESTINATION_UPPER) | BIT(DESTINATION_LOWER);
	/* Left out they are reset to 0. */
	if (to->tunnel_type || to->tunnel_port || to->tunnel_flags)
		to->has |= BIT(DESTINATION_TUNNEL_TYPE) | BIT(DESTINATION_TUNNEL_PORT) |
			   BIT(DESTINATION_TUNNEL_FLAGS);
}

static void daemon_to_wire(const struct ipvs_daemon *daemon, bool is_master,
			   struct wire_daemon *to)
{
	to->state = is_master ? IP_VS_STATE_MASTER : IP_VS_STATE_BACKUP;
	to->sync_id = daemon->sync_id;
	to->maxlen = daemon->maxlen_bytes;
	to->port = daemon->port;
	to->ttl = daemon->ttl;
	memcpy(to->interface, daemon->interface, sizeof(to->interface));
	memcpy(to->group, daemon->group.bytes, sizeof(to->group));
	memcpy(to->group6, daemon->group.bytes, sizeof(to->group6));
	to->has = BIT(DAEMON_STATE) | BIT(DAEMON_INTERFACE) | BIT(DAEMON_SYNC_ID) |
		  (daemon->maxlen_bytes ? BIT(DAEMON_MAXLEN) : 0) |
		  (daemon->group.family == 4 ? BIT(DAEMON_GROUP) : 0) |
		  (daemon->group.family == 6 ? BIT(DAEMON_GROUP6) : 0) |
		  (daemon->port ? BIT(DAEMON_PORT) : 0) |
		  (daemon->ttl ? BIT(DAEMON_TTL) : 0);
}

/* ---- messages out ---- */

static bool put_message(struct nl_out *out, uint16_t type, uint8_t command,
			uint8_t version, uint16_t flags, const struct fields *fields,
			const void *object)
{
	const size_t start = out->used, heads = NLMSG_HDRLEN + GENL_HDRLEN;
	const struct genlmsghdr generic = { .cmd = command, .version = version };
	struct nlmsghdr head = { .nlmsg_type = type, .nlmsg_flags = flags };

	if (out->size - start < heads)
		return false;
	out->used += heads;
	if (object && !lsvm_fields_write(fields, object, out)) {
		out->used = start;
		return false;
	}
	head.nlmsg_len = (uint32_t)(out->used - start);
	head.nlmsg_seq = ++out->sequence;
	out->last = start;
	memcpy(out->data + start, &head, sizeof(head));
	memcpy(out->data + start + NLMSG_HDRLEN, &generic, sizeof(generic));
	return true;
}

void lsvm_nl_want_ack(struct nl_out *out)
{
	uint8_t *at = out->data + out->last + offsetof(struct nlmsghdr, nlmsg_flags);
	uint16_t flags;

	memcpy(&flags, at, sizeof(flags));
	flags |= NLM_F_ACK;
	memcpy(at, &flags, sizeof(flags));
}

static bool put_command(struct nl_out *out, uint8_t command, uint16_t flags,
			const struct wire_command *content)
{
	return put_message(out, out->family, command, IPVS_GENL_VERSION,
			   NLM_F_REQUEST | flags, &lsvm_wire_command_fields, content);
}

static void extra_to_wire(const struct ipvs_extra *wanted,
			  const struct ipvs_extra *before, struct ipvs_extra *to)
{
	const struct ipvs_extra *from = wanted ? wanted : before;

	if (from)
		*to = *from;
}

static void change_to_wire(const struct ipvs_change *change, struct wire_command *to)
{
	switch (change->kind) {
	case IPVS_SERVICE_ADD:
	case IPVS_SERVICE_EDIT:
		service_to_wire(change->service, &to->service);
		extra_to_wire(change->service->extra,
			      change->service_before ? change->service_before->extra
						     : NULL,
			      &to->service.extra);
		to->has = BIT(COMMAND_SERVICE);
		break;
	case IPVS_SERVICE_DELETE:
		key_to_wire(&change->service->key, &to->service);
		to->has = BIT(COMMAND_SERVICE);
		break;
	case IPVS_DESTINATION_ADD:
	case IPVS_DESTINATION_EDIT:
		key_to_wire(&change->service->key, &to->service);
		destination_to_wire(change->destination, change->weight,
				    &to->destination);
		extra_to_wire(change->destination->extra,
			      change->destination_before
				      ? change->destination_before->extra
				      : NULL,
			      &to->destination.extra);
		to->has = BIT(COMMAND_SERVICE) | BIT(COMMAND_DESTINATION);
		break;
	case IPVS_DESTINATION_DELETE:
		key_to_wire(&change->service->key, &to->service);
		endpoint_to_wire(change->destination, &to->destination);
		to->has = BIT(COMMAND_SERVICE) | BIT(COMMAND_DESTINATION);
		break;
	case IPVS_TIMEOUTS_SET:
		to->tcp_s = change->timeouts->tcp_s;
		to->tcp_fin_s = change->timeouts->tcp_fin_s;
		to->udp_s = change->timeouts->udp_s;
		to->has = BIT(COMMAND_TCP) | BIT(COMMAND_TCP_FIN) | BIT(COMMAND_UDP);
		break;
	case IPVS_DAEMON_START:
	case IPVS_DAEMON_STOP:
		daemon_to_wire(change->daemon, change->is_master, &to->daemon);
		to->has = BIT(COMMAND_DAEMON);
		break;
	}
}

bool lsvm_nl_put_change(struct nl_out *out, const struct ipvs_change *change)
{
	static const uint8_t commands[] = {
		[IPVS_SERVICE_ADD] = IPVS_CMD_NEW_SERVICE,
		[IPVS_SERVICE_EDIT] = IPVS_CMD_SET_SERVICE,
		[IPVS_SERVICE_DELETE] = IPVS_CMD_DEL_SERVICE,
		[IPVS_DESTINATION_ADD] = IPVS_CMD_NEW_DEST,
		[IPVS_DESTINATION_EDIT] = IPVS_CMD_SET_DEST,
		[IPVS_DESTINATION_DELETE] = IPVS_CMD_DEL_DEST,
		[IPVS_TIMEOUTS_SET] = IPVS_CMD_SET_CONFIG,
		[IPVS_DAEMON_START] = IPVS_CMD_NEW_DAEMON,
		[IPVS_DAEMON_STOP] = IPVS_CMD_DEL_DAEMON,
	};
	struct wire_command content;

	/* Only what `has` names is ever read: the rest need not be cleared. */
	content.has = content.service.has = content.destination.has = 0;
	content.service.extra.length = content.destination.extra.length = 0;
	change_to_wire(change, &content);
	return put_command(out, commands[change->kind], 0, &content);
}

bool lsvm_nl_put_request(struct nl_out *out, uint8_t command, uint16_t flags)
{
	return put_command(out, command, flags, NULL);
}

bool lsvm_nl_put_dump_destinations(struct nl_out *out, const struct ipvs_key *key)
{
	struct wire_command content = { .has = BIT(COMMAND_SERVICE) };

	key_to_wire(key, &content.service);
	return put_command(out, IPVS_CMD_GET_DEST, NLM_F_DUMP, &content);
}

bool lsvm_nl_put_get_service(struct nl_out *out, const struct ipvs_key *key)
{
	struct wire_command content = { .has = BIT(COMMAND_SERVICE) };

	key_to_wire(key, &content.service);
	return put_command(out, IPVS_CMD_GET_SERVICE, NLM_F_ACK, &content);
}

bool lsvm_nl_put_zero(struct nl_out *out, const struct ipvs_key *key_or_all)
{
	struct wire_command content = { 0 };

	if (key_or_all) {
		key_to_wire(key_or_all, &content.service);
		content.has = BIT(COMMAND_SERVICE);
	}
	return put_command(out, IPVS_CMD_ZERO, NLM_F_ACK, &content);
}

bool lsvm_nl_put_family(struct nl_out *out)
{
	const struct wire_family wanted = { .has = BIT(FAMILY_NAME),
					    .name = IPVS_GENL_NAME };

	return put_message(out, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1,
			   NLM_F_REQUEST | NLM_F_ACK, &lsvm_wire_family_fields, &wanted);
}

bool lsvm_nl_put_service_reply(struct nl_out *out, const struct ipvs_service *service)
{
	struct wire_command content = { .has = BIT(COMMAND_SERVICE) };
	struct wire_service *to = &content.service;

	service_to_wire(service, to);
	if (service->counters) {
		counters_to_wire(service->counters, &to->stats);
		counters_to_wire(service->counters, &to->stats64);
		to->has |= BIT(SERVICE_STATS) | BIT(SERVICE_STATS64);
	}
	extra_to_wire(service->extra, NULL, &to->extra);
	return put_message(out, out->family, IPVS_CMD_NEW_SERVICE, IPVS_GENL_VERSION,
			   NLM_F_MULTI, &lsvm_wire_command_fields, &content);
}

bool lsvm_nl_put_destination_reply(struct nl_out *out,
				   const struct ipvs_destination *destination)
{
	struct wire_command content = { .has = BIT(COMMAND_DESTINATION) };
	struct wire_destination *to = &content.destination;

	destination_to_wire(destination, destination->weight, to);
	to->active_count = destination->active_count;
	to->inactive_count = destination->inactive_count;
	to->persistent_count = destination->persistent_count;
	to->has |= BIT(DESTINATION_ACTIVE) | BIT(DESTINATION_INACTIVE) |
		   BIT(DESTINATION_PERSISTENT);
	if (destination->counters) {
		counters_to_wire(destination->counters, &to->stats);
		counters_to_wire(destination->counters, &to->stats64);
		to->has |= BIT(DESTINATION_STATS) | BIT(DESTINATION_STATS64);
	}
	extra_to_wire(destination->extra, NULL, &to->extra);
	return put_message(out, out->family, IPVS_CMD_NEW_DEST, IPVS_GENL_VERSION,
			   NLM_F_MULTI, &lsvm_wire_command_fields, &content);
}

bool lsvm_nl_put_daemon_reply(struct nl_out *out, const struct ipvs_daemon *daemon,
			      bool is_master)
{
	struct wire_command content = { .has = BIT(COMMAND_DAEMON) };

	daemon_to_wire(daemon, is_master, &content.daemon);
	return put_message(out, out->family, IPVS_CMD_NEW_DAEMON, IPVS_GENL_VERSION,
			   NLM_F_MULTI, &lsvm_wire_command_fields, &content);
}
