/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages from the IPVS family. What a newer kernel adds is kept as it came; what is
 * missing or malformed makes the message an error, never a guess.
 */
#include "ipvs/wire.h"

#include <sys/socket.h>

#define ERRNO_MAX 4095 /* include/linux/err.h */

int lsvm_nl_next(struct reader *bytes, struct nl_message *ret)
{
	struct nl_message message = { 0 };
	size_t length, padding;

	if (!bytes->left)
		return 0;
	length = lsvm_read_u32(bytes);
	message.type = lsvm_read_u16(bytes);
	message.flags = lsvm_read_u16(bytes);
	message.sequence = lsvm_read_u32(bytes);
	message.port = lsvm_read_u32(bytes);
	if (bytes->failed || length < NLMSG_HDRLEN)
		return LSVM_ERR_PROTOCOL;
	message.payload.left = length - NLMSG_HDRLEN;
	message.payload.at = lsvm_read_bytes(bytes, message.payload.left);
	if (!message.payload.at)
		return LSVM_ERR_PROTOCOL;
	padding = NLMSG_ALIGN(length) - length;
	lsvm_read_bytes(bytes, padding < bytes->left ? padding : bytes->left);
	if (message.type == NLMSG_ERROR || message.type == NLMSG_DONE) {
		struct reader error = message.payload;

		message.error = (int)lsvm_read_u32(&error);
		/* A bare DONE is good; an error must say which. */
		if ((error.failed && message.type == NLMSG_ERROR) || message.error > 0 ||
		    message.error < -ERRNO_MAX)
			return LSVM_ERR_PROTOCOL;
	}
	*ret = message;
	return 1;
}

static bool get_content(struct reader payload, const struct fields *fields, void *object)
{
	lsvm_read_bytes(&payload, GENL_HDRLEN);
	return !payload.failed && lsvm_fields_read(fields, payload, object);
}

static bool family_from_wire(uint16_t family, struct addr *to)
{
	to->family = family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0;
	return to->family != 0;
}

/* The kernel's sixteen bytes of an IPv4 address have twelve that mean nothing. */
static void addr_from_wire(const uint8_t *bytes, struct addr *to)
{
	memcpy(to->bytes, bytes, to->family == 6 ? 16 : 4);
}

static bool counters_from_wire(const struct wire_counters *stats,
			       const struct wire_counters *stats64, bool has32,
			       bool has64, struct ipvs_counters *to)
{
	if (has32 || has64)
		*to = has64 ? stats64->values : stats->values;
	return has32 || has64;
}

static struct ipvs_extra *extra_from_wire(const struct ipvs_extra *from,
					  struct ipvs_extra *to)
{
	if (!from->length)
		return NULL;
	*to = *from;
	return to;
}

static bool key_from_wire(const struct wire_service *from, struct ipvs_key *to)
{
	const uint32_t named =
		BIT(SERVICE_PROTOCOL) | BIT(SERVICE_ADDR) | BIT(SERVICE_PORT);

	if (!(from->has & BIT(SERVICE_FAMILY)) ||
	    !family_from_wire(from->family, &to->addr))
		return false;
	if ((from->has & BIT(SERVICE_FWMARK)) && from->fwmark) {
		to->fwmark = from->fwmark;
		return true;
	}
	if ((from->has & named) != named || from->protocol > UINT8_MAX)
		return false;
	to->protocol = (uint8_t)from->protocol;
	to->port = from->port;
	addr_from_wire(from->addr, &to->addr);
	return true;
}

int lsvm_nl_get_service(struct reader payload, struct ipvs_service *ret,
			struct ipvs_counters *ret_counters, struct ipvs_extra *ret_extra)
{
	struct wire_command content = { 0 };
	const struct wire_service *from = &content.service;
	struct ipvs_service service = { 0 };
	uint32_t native;

	if (!get_content(payload, &lsvm_wire_command_fields, &content) ||
	    !(content.has & BIT(COMMAND_SERVICE)) || !key_from_wire(from, &service.key) ||
	    !(from->has & BIT(SERVICE_SCHEDULER)))
		return LSVM_ERR_PROTOCOL;
	memcpy(service.scheduler, from->scheduler, sizeof(service.scheduler));
	memcpy(service.engine, from->engine, sizeof(service.engine));
	service.flags = from->flags.flags & ~(uint32_t)IP_VS_SVC_F_HASHED;
	service.timeout_s = from->timeout_s;
	memcpy(&native, from->netmask, sizeof(native));
	if (service.key.addr.family == 6)
		service.netmask = native;
	else
		for (unsigned i = 0; i < 4; i++)
			service.netmask = service.netmask << 8 | from->netmask[i];
	if (counters_from_wire(&from->stats, &from->stats64,
			       from->has & BIT(SERVICE_STATS),
			       from->has & BIT(SERVICE_STATS64), ret_counters))
		service.counters = ret_counters;
	service.extra = extra_from_wire(&from->extra, ret_extra);
	*ret = service;
	return 0;
}

int lsvm_nl_get_destination(struct reader payload, uint8_t service_family,
			    struct ipvs_destination *ret,
			    struct ipvs_counters *ret_counters,
			    struct ipvs_extra *ret_extra)
{
	const uint32_t needed = BIT(DESTINATION_ADDR) | BIT(DESTINATION_PORT) |
				BIT(DESTINATION_FORWARDING) | BIT(DESTINATION_WEIGHT);
	struct wire_command content = { 0 };
	const struct wire_destination *from = &content.destination;
	struct ipvs_destination to = { .addr.family = service_family };

	if (!get_content(payload, &lsvm_wire_command_fields, &content) ||
	    !(content.has & BIT(COMMAND_DESTINATION)) || (from->has & needed) != needed)
		return LSVM_ERR_PROTOCOL;
	if ((from->has & BIT(DESTINATION_FAMILY)) &&
	    !family_from_wire(from->family, &to.addr))
		return LSVM_ERR_PROTOCOL;
	addr_from_wire(from->addr, &to.addr);
	to.port = from->port;
	/* Some kernels tell all flags. */
	to.forwarding = from->forwarding & IPVS_FORWARDING_MASK;
	to.weight = from->weight;
	to.upper_threshold = from->upper_threshold;
	to.lower_threshold = from->lower_threshold;
	to.tunnel_type = from->tunnel_type;
	to.tunnel_port = from->tunnel_port;
	to.tunnel_flags = from->tunnel_flags;
	to.active_count = from->active_count;
	to.inactive_count = from->inactive_count;
	to.persistent_count = from->persistent_count;
	if (counters_from_wire(&from->stats, &from->stats64,
			       from->has & BIT(DESTINATION_STATS),
			       from->has & BIT(DESTINATION_STATS64), ret_counters))
		to.counters = ret_counters;
	to.extra = extra_from_wire(&from->extra, ret_extra);
	*ret = to;
	return 0;
}

int lsvm_nl_get_daemon(struct reader payload, struct ipvs_daemon *ret,
		       bool *ret_is_master)
{
	struct wire_command content = { 0 };
	const struct wire_daemon *from = &content.daemon;
	struct ipvs_daemon to = { .present = true };

	if (!get_content(payload, &lsvm_wire_command_fields, &content) ||
	    !(content.has & BIT(COMMAND_DAEMON)) ||
	    (from->state != IP_VS_STATE_MASTER && from->state != IP_VS_STATE_BACKUP))
		return LSVM_ERR_PROTOCOL;
	to.sync_id = from->sync_id;
	to.maxlen_bytes = from->maxlen;
	to.port = from->port;
	to.ttl = from->ttl;
	memcpy(to.interface, from->interface, sizeof(to.interface));
	if (from->has & (BIT(DAEMON_GROUP) | BIT(DAEMON_GROUP6))) {
		to.group.family = from->has & BIT(DAEMON_GROUP6) ? 6 : 4;
		addr_from_wire(to.group.family == 6 ? from->group6 : from->group,
			       &to.group);
	}
	*ret = to;
	*ret_is_master = from->state == IP_VS_STATE_MASTER;
	return 0;
}

int lsvm_nl_get_timeouts(struct reader payload, struct ipvs_timeouts *ret)
{
	struct wire_command content = { 0 };

	if (!get_content(payload, &lsvm_wire_command_fields, &content))
		return LSVM_ERR_PROTOCOL;
	*ret = (struct ipvs_timeouts){ content.tcp_s, content.tcp_fin_s, content.udp_s };
	return 0;
}

int lsvm_nl_get_info(struct reader payload, uint32_t *ret_version,
		     uint32_t *ret_bucket_count)
{
	struct wire_info info = { 0 };

	if (!get_content(payload, &lsvm_wire_info_fields, &info) ||
	    !(info.has & BIT(INFO_VERSION)))
		return LSVM_ERR_PROTOCOL;
	*ret_version = info.version;
	*ret_bucket_count = info.bucket_count;
	return 0;
}

int lsvm_nl_get_family(struct reader payload, uint16_t *ret)
{
	struct wire_family family = { 0 };

	if (!get_content(payload, &lsvm_wire_family_fields, &family) ||
	    !(family.has & BIT(FAMILY_ID)))
		return LSVM_ERR_PROTOCOL;
	*ret = family.id;
	return 0;
}
