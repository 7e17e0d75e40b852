/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attributes as the kernel takes them (lib/nlattr.c, "deprecated" parsing, and the
 * policies of ip_vs_ctl.c): what is not known is passed over, what is longer than needed
 * is read as far as needed, what is shorter is out of range, the last of two wins.
 */
#include "host/sim/kernel.h"

#include <errno.h>

enum kind {
	NUMBER, /* at least `width` bytes */
	BINARY, /* at most `width` bytes, the rest zero */
	TEXT,	/* ends with NUL; at most `width` characters */
	NEST,
};

struct policy {
	uint8_t kind, width;
};

struct attr {
	const uint8_t *at; /* NULL: absent */
	size_t length;
};

#define ATTR_MAX 16

static const struct policy service_policy[ATTR_MAX] = {
	[IPVS_SVC_ATTR_AF] = { NUMBER, 2 },
	[IPVS_SVC_ATTR_PROTOCOL] = { NUMBER, 2 },
	[IPVS_SVC_ATTR_ADDR] = { BINARY, 16 },
	[IPVS_SVC_ATTR_PORT] = { NUMBER, 2 },
	[IPVS_SVC_ATTR_FWMARK] = { NUMBER, 4 },
	[IPVS_SVC_ATTR_SCHED_NAME] = { TEXT, 15 },
	[IPVS_SVC_ATTR_FLAGS] = { BINARY, 8 },
	[IPVS_SVC_ATTR_TIMEOUT] = { NUMBER, 4 },
	[IPVS_SVC_ATTR_NETMASK] = { NUMBER, 4 },
	[IPVS_SVC_ATTR_STATS] = { NEST, 0 },
	[IPVS_SVC_ATTR_PE_NAME] = { TEXT, 16 },
};

static const struct policy dest_policy[ATTR_MAX] = {
	[IPVS_DEST_ATTR_ADDR] = { BINARY, 16 },
	[IPVS_DEST_ATTR_PORT] = { NUMBER, 2 },
	[IPVS_DEST_ATTR_FWD_METHOD] = { NUMBER, 4 },
	[IPVS_DEST_ATTR_WEIGHT] = { NUMBER, 4 },
	[IPVS_DEST_ATTR_U_THRESH] = { NUMBER, 4 },
	[IPVS_DEST_ATTR_L_THRESH] = { NUMBER, 4 },
	[IPVS_DEST_ATTR_ACTIVE_CONNS] = { NUMBER, 4 },
	[IPVS_DEST_ATTR_INACT_CONNS] = { NUMBER, 4 },
	[IPVS_DEST_ATTR_PERSIST_CONNS] = { NUMBER, 4 },
	[IPVS_DEST_ATTR_STATS] = { NEST, 0 },
	[IPVS_DEST_ATTR_ADDR_FAMILY] = { NUMBER, 2 },
	[IPVS_DEST_ATTR_TUN_TYPE] = { NUMBER, 1 },
	[IPVS_DEST_ATTR_TUN_PORT] = { NUMBER, 2 },
	[IPVS_DEST_ATTR_TUN_FLAGS] = { NUMBER, 2 },
};

static const struct policy daemon_policy[ATTR_MAX] = {
	[IPVS_DAEMON_ATTR_STATE] = { NUMBER, 4 },
	[IPVS_DAEMON_ATTR_MCAST_IFN] = { TEXT, 15 },
	[IPVS_DAEMON_ATTR_SYNC_ID] = { NUMBER, 4 },
	[IPVS_DAEMON_ATTR_SYNC_MAXLEN] = { NUMBER, 2 },
	[IPVS_DAEMON_ATTR_MCAST_GROUP] = { NUMBER, 4 },
	[IPVS_DAEMON_ATTR_MCAST_GROUP6] = { NUMBER, 16 },
	[IPVS_DAEMON_ATTR_MCAST_PORT] = { NUMBER, 2 },
	[IPVS_DAEMON_ATTR_MCAST_TTL] = { NUMBER, 1 },
};

static const struct policy command_policy[ATTR_MAX] = {
	[IPVS_CMD_ATTR_SERVICE] = { NEST, 0 },
	[IPVS_CMD_ATTR_DEST] = { NEST, 0 },
	[IPVS_CMD_ATTR_DAEMON] = { NEST, 0 },
	[IPVS_CMD_ATTR_TIMEOUT_TCP] = { NUMBER, 4 },
	[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN] = { NUMBER, 4 },
	[IPVS_CMD_ATTR_TIMEOUT_UDP] = { NUMBER, 4 },
};

static int check_text(const struct attr *attr, uint8_t width)
{
	const size_t looked_at =
		attr->length < width + 1u ? attr->length : (size_t)width + 1;
	size_t length = attr->length;

	if (!looked_at || !memchr(attr->at, '\0', looked_at))
		return EINVAL;
	if (attr->at[length - 1] == '\0')
		length--;
	return length > width ? ERANGE : 0;
}

static int check(const struct attr *attr, struct policy policy)
{
	switch ((enum kind)policy.kind) {
	case NUMBER:
		return attr->length < policy.width ? ERANGE : 0;
	case BINARY:
		return attr->length > policy.width ? ERANGE : 0;
	case TEXT:
		return check_text(attr, policy.width);
	case NEST:
		return attr->length && attr->length < NLA_HDRLEN ? ERANGE : 0;
	}
	return EINVAL;
}

/* Types 1 to max into attrs; those without a policy are not checked. */
static int parse(struct reader bytes, const struct policy *policies, unsigned max,
		 struct attr *attrs)
{
	while (bytes.left >= NLA_HDRLEN) {
		const size_t length = lsvm_read_u16(&bytes);
		const unsigned type = lsvm_read_u16(&bytes) & NLA_TYPE_MASK;
		struct attr attr = { .length = length - NLA_HDRLEN };
		int number;

		/* What does not fit ends the list, quietly. */
		if (length < NLA_HDRLEN || attr.length > bytes.left)
			break;
		attr.at = lsvm_read_bytes(&bytes, attr.length);
		lsvm_read_bytes(&bytes, NLA_ALIGN(length) - length < bytes.left
						? NLA_ALIGN(length) - length
						: bytes.left);
		if (!type || type > max)
			continue;
		number = check(&attr, policies[type]);
		if (number)
			return number;
		attrs[type] = attr;
	}
	return 0;
}

static uint64_t number(const struct attr *attr, unsigned width)
{
	uint32_t four = 0;
	uint16_t two = 0;

	if (!attr->at)
		return 0;
	if (width == 1)
		return attr->at[0];
	if (width == 2) {
		memcpy(&two, attr->at, 2);
		return two;
	}
	memcpy(&four, attr->at, 4);
	return four;
}

static uint16_t port(const struct attr *attr)
{
	return attr->at ? (uint16_t)(attr->at[0] << 8 | attr->at[1]) : 0;
}

static void bytes_of(const struct attr *attr, void *to, size_t size)
{
	memset(to, 0, size);
	if (attr->at)
		memcpy(to, attr->at, attr->length < size ? attr->length : size);
}

static void text_of(const struct attr *attr, char *to, size_t size)
{
	size_t length = attr->at ? strnlen((const char *)attr->at, attr->length) : 0;

	if (length >= size)
		length = size - 1;
	memset(to, 0, size);
	if (length)
		memcpy(to, attr->at, length);
}

#define HAS(attrs, attribute, bit) ((attrs)[attribute].at ? BIT(bit) : 0)

int lsvm_sim_parse_service(struct reader nest, struct wire_service *ret)
{
	struct attr attrs[ATTR_MAX] = { 0 };

	if (!nest.at || parse(nest, service_policy, IPVS_SVC_ATTR_MAX, attrs))
		return EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->has = HAS(attrs, IPVS_SVC_ATTR_AF, SERVICE_FAMILY) |
		   HAS(attrs, IPVS_SVC_ATTR_PROTOCOL, SERVICE_PROTOCOL) |
		   HAS(attrs, IPVS_SVC_ATTR_ADDR, SERVICE_ADDR) |
		   HAS(attrs, IPVS_SVC_ATTR_PORT, SERVICE_PORT) |
		   HAS(attrs, IPVS_SVC_ATTR_FWMARK, SERVICE_FWMARK) |
		   HAS(attrs, IPVS_SVC_ATTR_SCHED_NAME, SERVICE_SCHEDULER) |
		   HAS(attrs, IPVS_SVC_ATTR_FLAGS, SERVICE_FLAGS) |
		   HAS(attrs, IPVS_SVC_ATTR_TIMEOUT, SERVICE_TIMEOUT) |
		   HAS(attrs, IPVS_SVC_ATTR_NETMASK, SERVICE_NETMASK) |
		   HAS(attrs, IPVS_SVC_ATTR_PE_NAME, SERVICE_ENGINE);
	ret->family = (uint16_t)number(&attrs[IPVS_SVC_ATTR_AF], 2);
	ret->protocol = (uint16_t)number(&attrs[IPVS_SVC_ATTR_PROTOCOL], 2);
	ret->port = port(&attrs[IPVS_SVC_ATTR_PORT]);
	bytes_of(&attrs[IPVS_SVC_ATTR_ADDR], ret->addr, sizeof(ret->addr));
	ret->fwmark = (uint32_t)number(&attrs[IPVS_SVC_ATTR_FWMARK], 4);
	ret->timeout_s = (uint32_t)number(&attrs[IPVS_SVC_ATTR_TIMEOUT], 4);
	bytes_of(&attrs[IPVS_SVC_ATTR_NETMASK], ret->netmask, sizeof(ret->netmask));
	bytes_of(&attrs[IPVS_SVC_ATTR_FLAGS], &ret->flags, sizeof(ret->flags));
	text_of(&attrs[IPVS_SVC_ATTR_SCHED_NAME], ret->scheduler, sizeof(ret->scheduler));
	text_of(&attrs[IPVS_SVC_ATTR_PE_NAME], ret->engine, sizeof(ret->engine));
	return 0;
}

int lsvm_sim_parse_dest(struct reader nest, struct wire_destination *ret)
{
	struct attr attrs[ATTR_MAX] = { 0 };

	if (!nest.at || parse(nest, dest_policy, IPVS_DEST_ATTR_MAX, attrs))
		return EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->has = HAS(attrs, IPVS_DEST_ATTR_ADDR, DESTINATION_ADDR) |
		   HAS(attrs, IPVS_DEST_ATTR_PORT, DESTINATION_PORT) |
		   HAS(attrs, IPVS_DEST_ATTR_FWD_METHOD, DESTINATION_FORWARDING) |
		   HAS(attrs, IPVS_DEST_ATTR_WEIGHT, DESTINATION_WEIGHT) |
		   HAS(attrs, IPVS_DEST_ATTR_U_THRESH, DESTINATION_UPPER) |
		   HAS(attrs, IPVS_DEST_ATTR_L_THRESH, DESTINATION_LOWER);
	bytes_of(&attrs[IPVS_DEST_ATTR_ADDR], ret->addr, sizeof(ret->addr));
	ret->port = port(&attrs[IPVS_DEST_ATTR_PORT]);
	ret->family = (uint16_t)number(&attrs[IPVS_DEST_ATTR_ADDR_FAMILY], 2);
	ret->forwarding = (uint32_t)number(&attrs[IPVS_DEST_ATTR_FWD_METHOD], 4) &
			  IP_VS_CONN_F_FWD_MASK;
	ret->weight = (uint32_t)number(&attrs[IPVS_DEST_ATTR_WEIGHT], 4);
	ret->upper_threshold = (uint32_t)number(&attrs[IPVS_DEST_ATTR_U_THRESH], 4);
	ret->lower_threshold = (uint32_t)number(&attrs[IPVS_DEST_ATTR_L_THRESH], 4);
	ret->tunnel_type = (uint8_t)number(&attrs[IPVS_DEST_ATTR_TUN_TYPE], 1);
	ret->tunnel_port = port(&attrs[IPVS_DEST_ATTR_TUN_PORT]);
	ret->tunnel_flags = (uint16_t)number(&attrs[IPVS_DEST_ATTR_TUN_FLAGS], 2);
	return 0;
}

int lsvm_sim_parse_daemon(struct reader nest, struct wire_daemon *ret)
{
	struct attr attrs[ATTR_MAX] = { 0 };

	if (!nest.at || parse(nest, daemon_policy, IPVS_DAEMON_ATTR_MAX, attrs))
		return EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->has = HAS(attrs, IPVS_DAEMON_ATTR_STATE, DAEMON_STATE) |
		   HAS(attrs, IPVS_DAEMON_ATTR_MCAST_IFN, DAEMON_INTERFACE) |
		   HAS(attrs, IPVS_DAEMON_ATTR_SYNC_ID, DAEMON_SYNC_ID) |
		   HAS(attrs, IPVS_DAEMON_ATTR_MCAST_GROUP, DAEMON_GROUP) |
		   HAS(attrs, IPVS_DAEMON_ATTR_MCAST_GROUP6, DAEMON_GROUP6);
	ret->state = (uint32_t)number(&attrs[IPVS_DAEMON_ATTR_STATE], 4);
	ret->sync_id = (uint32_t)number(&attrs[IPVS_DAEMON_ATTR_SYNC_ID], 4);
	ret->maxlen = (uint16_t)number(&attrs[IPVS_DAEMON_ATTR_SYNC_MAXLEN], 2);
	ret->port = (uint16_t)number(&attrs[IPVS_DAEMON_ATTR_MCAST_PORT], 2);
	ret->ttl = (uint8_t)number(&attrs[IPVS_DAEMON_ATTR_MCAST_TTL], 1);
	bytes_of(&attrs[IPVS_DAEMON_ATTR_MCAST_GROUP], ret->group, sizeof(ret->group));
	bytes_of(&attrs[IPVS_DAEMON_ATTR_MCAST_GROUP6], ret->group6, sizeof(ret->group6));
	text_of(&attrs[IPVS_DAEMON_ATTR_MCAST_IFN], ret->interface,
		sizeof(ret->interface));
	return 0;
}

static struct reader nest_of(const struct attr *attr)
{
	return (struct reader){ .at = attr->at, .left = attr->length };
}

int lsvm_sim_parse_command(struct reader attributes, struct sim_command *ret)
{
	struct attr attrs[ATTR_MAX] = { 0 };
	int err = parse(attributes, command_policy, IPVS_CMD_ATTR_MAX, attrs);

	if (err)
		return err;
	ret->has = HAS(attrs, IPVS_CMD_ATTR_SERVICE, COMMAND_SERVICE) |
		   HAS(attrs, IPVS_CMD_ATTR_DEST, COMMAND_DESTINATION) |
		   HAS(attrs, IPVS_CMD_ATTR_DAEMON, COMMAND_DAEMON) |
		   HAS(attrs, IPVS_CMD_ATTR_TIMEOUT_TCP, COMMAND_TCP) |
		   HAS(attrs, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, COMMAND_TCP_FIN) |
		   HAS(attrs, IPVS_CMD_ATTR_TIMEOUT_UDP, COMMAND_UDP);
	ret->service = nest_of(&attrs[IPVS_CMD_ATTR_SERVICE]);
	ret->destination = nest_of(&attrs[IPVS_CMD_ATTR_DEST]);
	ret->daemon = nest_of(&attrs[IPVS_CMD_ATTR_DAEMON]);
	ret->tcp_s = (uint32_t)number(&attrs[IPVS_CMD_ATTR_TIMEOUT_TCP], 4);
	ret->tcp_fin_s = (uint32_t)number(&attrs[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN], 4);
	ret->udp_s = (uint32_t)number(&attrs[IPVS_CMD_ATTR_TIMEOUT_UDP], 4);
	return 0;
}
