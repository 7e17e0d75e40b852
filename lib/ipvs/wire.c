/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one table of fields for each object of the IPVS family, for both directions
 * (include/uapi/linux/ip_vs.h). A tunnel's port is big-endian, a sync daemon's native.
 */
#include "ipvs/wire.h"

#define FIELD(type, name, attribute, wire)                                               \
	{                                                                                \
		attribute, wire, sizeof(((struct type *)0)->name),                       \
			offsetof(struct type, name), NULL                                \
	}
#define NEST(type, name, attribute, fields)                                              \
	{                                                                                \
		attribute, WIRE_NEST, 0, offsetof(struct type, name), &(fields)          \
	}
#define COUNTER(name, attribute, wire)                                                   \
	FIELD(wire_counters, values.name, IPVS_STATS_ATTR_##attribute, wire)
#define FIELDS(name)                                                                     \
	static const struct fields name##_fields = { name##_list,                        \
						     ARRAY_SIZE(name##_list), 0 }
#define FIELDS_KEEPING(name)                                                             \
	static const struct fields name##_fields = {                                     \
		name##_list, ARRAY_SIZE(name##_list),                                    \
		offsetof(struct wire_##name, extra)                                      \
	}

static const struct field stats_list[] = {
	COUNTER(connections, CONNS, WIRE_U32),
	COUNTER(in_packets, INPKTS, WIRE_U32),
	COUNTER(out_packets, OUTPKTS, WIRE_U32),
	COUNTER(in_bytes, INBYTES, WIRE_U64),
	COUNTER(out_bytes, OUTBYTES, WIRE_U64),
	COUNTER(connection_rate, CPS, WIRE_U32),
	COUNTER(in_packet_rate, INPPS, WIRE_U32),
	COUNTER(out_packet_rate, OUTPPS, WIRE_U32),
	COUNTER(in_byte_rate, INBPS, WIRE_U32),
	COUNTER(out_byte_rate, OUTBPS, WIRE_U32),
};
FIELDS(stats);

static const struct field stats64_list[] = {
	COUNTER(connections, CONNS, WIRE_U64),
	COUNTER(in_packets, INPKTS, WIRE_U64),
	COUNTER(out_packets, OUTPKTS, WIRE_U64),
	COUNTER(in_bytes, INBYTES, WIRE_U64),
	COUNTER(out_bytes, OUTBYTES, WIRE_U64),
	COUNTER(connection_rate, CPS, WIRE_U64),
	COUNTER(in_packet_rate, INPPS, WIRE_U64),
	COUNTER(out_packet_rate, OUTPPS, WIRE_U64),
	COUNTER(in_byte_rate, INBPS, WIRE_U64),
	COUNTER(out_byte_rate, OUTBPS, WIRE_U64),
};
FIELDS(stats64);

static const struct field service_list[] = {
	[SERVICE_FAMILY] = FIELD(wire_service, family, IPVS_SVC_ATTR_AF, WIRE_U16),
	[SERVICE_PROTOCOL] =
		FIELD(wire_service, protocol, IPVS_SVC_ATTR_PROTOCOL, WIRE_U16),
	[SERVICE_ADDR] = FIELD(wire_service, addr, IPVS_SVC_ATTR_ADDR, WIRE_BYTES),
	[SERVICE_PORT] = FIELD(wire_service, port, IPVS_SVC_ATTR_PORT, WIRE_BE16),
	[SERVICE_FWMARK] = FIELD(wire_service, fwmark, IPVS_SVC_ATTR_FWMARK, WIRE_U32),
	[SERVICE_SCHEDULER] =
		FIELD(wire_service, scheduler, IPVS_SVC_ATTR_SCHED_NAME, WIRE_TEXT),
	[SERVICE_FLAGS] = FIELD(wire_service, flags, IPVS_SVC_ATTR_FLAGS, WIRE_BYTES),
	[SERVICE_TIMEOUT] =
		FIELD(wire_service, timeout_s, IPVS_SVC_ATTR_TIMEOUT, WIRE_U32),
	[SERVICE_NETMASK] =
		FIELD(wire_service, netmask, IPVS_SVC_ATTR_NETMASK, WIRE_BYTES),
	[SERVICE_ENGINE] = FIELD(wire_service, engine, IPVS_SVC_ATTR_PE_NAME, WIRE_TEXT),
	[SERVICE_STATS] = NEST(wire_service, stats, IPVS_SVC_ATTR_STATS, stats_fields),
	[SERVICE_STATS64] =
		NEST(wire_service, stats64, IPVS_SVC_ATTR_STATS64, stats64_fields),
};
FIELDS_KEEPING(service);

static const struct field destination_list[] = {
	[DESTINATION_ADDR] =
		FIELD(wire_destination, addr, IPVS_DEST_ATTR_ADDR, WIRE_BYTES),
	[DESTINATION_PORT] =
		FIELD(wire_destination, port, IPVS_DEST_ATTR_PORT, WIRE_BE16),
	[DESTINATION_FAMILY] =
		FIELD(wire_destination, family, IPVS_DEST_ATTR_ADDR_FAMILY, WIRE_U16),
	[DESTINATION_FORWARDING] =
		FIELD(wire_destination, forwarding, IPVS_DEST_ATTR_FWD_METHOD, WIRE_U32),
	[DESTINATION_WEIGHT] =
		FIELD(wire_destination, weight, IPVS_DEST_ATTR_WEIGHT, WIRE_U32),
	[DESTINATION_UPPER] = FIELD(wire_destination, upper_threshold,
				    IPVS_DEST_ATTR_U_THRESH, WIRE_U32),
	[DESTINATION_LOWER] = FIELD(wire_destination, lower_threshold,
				    IPVS_DEST_ATTR_L_THRESH, WIRE_U32),
	[DESTINATION_TUNNEL_TYPE] =
		FIELD(wire_destination, tunnel_type, IPVS_DEST_ATTR_TUN_TYPE, WIRE_U8),
	[DESTINATION_TUNNEL_PORT] =
		FIELD(wire_destination, tunnel_port, IPVS_DEST_ATTR_TUN_PORT, WIRE_BE16),
	[DESTINATION_TUNNEL_FLAGS] =
		FIELD(wire_destination, tunnel_flags, IPVS_DEST_ATTR_TUN_FLAGS, WIRE_U16),
	[DESTINATION_ACTIVE] = FIELD(wire_destination, active_count,
				     IPVS_DEST_ATTR_ACTIVE_CONNS, WIRE_U32),
	[DESTINATION_INACTIVE] = FIELD(wire_destination, inactive_count,
				       IPVS_DEST_ATTR_INACT_CONNS, WIRE_U32),
	[DESTINATION_PERSISTENT] = FIELD(wire_destination, persistent_count,
					 IPVS_DEST_ATTR_PERSIST_CONNS, WIRE_U32),
	[DESTINATION_STATS] =
		NEST(wire_destination, stats, IPVS_DEST_ATTR_STATS, stats_fields),
	[DESTINATION_STATS64] =
		NEST(wire_destination, stats64, IPVS_DEST_ATTR_STATS64, stats64_fields),
};
FIELDS_KEEPING(destination);

static const struct field daemon_list[] = {
	[DAEMON_STATE] = FIELD(wire_daemon, state, IPVS_DAEMON_ATTR_STATE, WIRE_U32),
	[DAEMON_INTERFACE] =
		FIELD(wire_daemon, interface, IPVS_DAEMON_ATTR_MCAST_IFN, WIRE_TEXT),
	[DAEMON_SYNC_ID] =
		FIELD(wire_daemon, sync_id, IPVS_DAEMON_ATTR_SYNC_ID, WIRE_U32),
	[DAEMON_MAXLEN] =
		FIELD(wire_daemon, maxlen, IPVS_DAEMON_ATTR_SYNC_MAXLEN, WIRE_U16),
	[DAEMON_GROUP] =
		FIELD(wire_daemon, group, IPVS_DAEMON_ATTR_MCAST_GROUP, WIRE_BYTES),
	[DAEMON_GROUP6] =
		FIELD(wire_daemon, group6, IPVS_DAEMON_ATTR_MCAST_GROUP6, WIRE_BYTES),
	[DAEMON_PORT] = FIELD(wire_daemon, port, IPVS_DAEMON_ATTR_MCAST_PORT, WIRE_U16),
	[DAEMON_TTL] = FIELD(wire_daemon, ttl, IPVS_DAEMON_ATTR_MCAST_TTL, WIRE_U8),
};
FIELDS(daemon);

static const struct field command_list[] = {
	[COMMAND_SERVICE] =
		NEST(wire_command, service, IPVS_CMD_ATTR_SERVICE, service_fields),
	[COMMAND_DESTINATION] =
		NEST(wire_command, destination, IPVS_CMD_ATTR_DEST, destination_fields),
	[COMMAND_DAEMON] =
		NEST(wire_command, daemon, IPVS_CMD_ATTR_DAEMON, daemon_fields),
	[COMMAND_TCP] = FIELD(wire_command, tcp_s, IPVS_CMD_ATTR_TIMEOUT_TCP, WIRE_U32),
	[COMMAND_TCP_FIN] =
		FIELD(wire_command, tcp_fin_s, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, WIRE_U32),
	[COMMAND_UDP] = FIELD(wire_command, udp_s, IPVS_CMD_ATTR_TIMEOUT_UDP, WIRE_U32),
};
const struct fields lsvm_wire_command_fields = { command_list, ARRAY_SIZE(command_list),
						 0 };

static const struct field info_list[] = {
	[INFO_VERSION] = FIELD(wire_info, version, IPVS_INFO_ATTR_VERSION, WIRE_U32),
	[INFO_BUCKETS] =
		FIELD(wire_info, bucket_count, IPVS_INFO_ATTR_CONN_TAB_SIZE, WIRE_U32),
};
const struct fields lsvm_wire_info_fields = { info_list, ARRAY_SIZE(info_list), 0 };

static const struct field family_list[] = {
	[FAMILY_ID] = FIELD(wire_family, id, CTRL_ATTR_FAMILY_ID, WIRE_U16),
	[FAMILY_NAME] = FIELD(wire_family, name, CTRL_ATTR_FAMILY_NAME, WIRE_TEXT),
};
const struct fields lsvm_wire_family_fields = { family_list, ARRAY_SIZE(family_list), 0 };
