/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The IPVS family's objects as they travel: flat structs with the attributes' own
 * meaning. `has` is what fields.h wants: bit n says that field n of the table is there.
 */
#ifndef LSVM_IPVS_WIRE_H
#define LSVM_IPVS_WIRE_H

#include "ipvs/fields.h"

#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>

#define BIT(n) (1u << (n))
#define COUNTER_FIELD_COUNT 10

struct wire_counters {
	uint32_t has;
	struct ipvs_counters values;
};

struct wire_service {
	uint32_t has;
	uint16_t family, protocol, port;
	uint8_t addr[16];
	uint32_t fwmark, timeout_s;
	uint8_t netmask[4];
	struct ip_vs_flags flags;
	char scheduler[IPVS_SCHEDULER_BYTES], engine[IPVS_ENGINE_BYTES];
	struct wire_counters stats, stats64;
	struct ipvs_extra extra;
};

struct wire_destination {
	uint32_t has;
	uint16_t family, port, tunnel_port, tunnel_flags;
	uint8_t addr[16], tunnel_type;
	uint32_t forwarding, weight, upper_threshold, lower_threshold;
	uint32_t active_count, inactive_count, persistent_count;
	struct wire_counters stats, stats64;
	struct ipvs_extra extra;
};

struct wire_daemon {
	uint32_t has;
	uint32_t state, sync_id;
	uint16_t maxlen, port;
	uint8_t group[4], group6[16], ttl;
	char interface[IPVS_INTERFACE_BYTES];
};

/* The command's own attributes: a request or a reply has one of these objects. */
struct wire_command {
	uint32_t has;
	uint32_t tcp_s, tcp_fin_s, udp_s;
	struct wire_service service;
	struct wire_destination destination;
	struct wire_daemon daemon;
};

struct wire_info {
	uint32_t has;
	uint32_t version, bucket_count;
};

struct wire_family {
	uint32_t has;
	uint16_t id;
	char name[GENL_NAMSIZ];
};

enum {
	SERVICE_FAMILY,
	SERVICE_PROTOCOL,
	SERVICE_ADDR,
	SERVICE_PORT,
	SERVICE_FWMARK,
	SERVICE_SCHEDULER,
	SERVICE_FLAGS,
	SERVICE_TIMEOUT,
	SERVICE_NETMASK,
	SERVICE_ENGINE,
	SERVICE_STATS,
	SERVICE_STATS64,
};

enum {
	DESTINATION_ADDR,
	DESTINATION_PORT,
	DESTINATION_FAMILY,
	DESTINATION_FORWARDING,
	DESTINATION_WEIGHT,
	DESTINATION_UPPER,
	DESTINATION_LOWER,
	DESTINATION_TUNNEL_TYPE,
	DESTINATION_TUNNEL_PORT,
	DESTINATION_TUNNEL_FLAGS,
	DESTINATION_ACTIVE,
	DESTINATION_INACTIVE,
	DESTINATION_PERSISTENT,
	DESTINATION_STATS,
	DESTINATION_STATS64,
};

enum {
	DAEMON_STATE,
	DAEMON_INTERFACE,
	DAEMON_SYNC_ID,
	DAEMON_MAXLEN,
	DAEMON_GROUP,
	DAEMON_GROUP6,
	DAEMON_PORT,
	DAEMON_TTL,
};

enum {
	COMMAND_SERVICE,
	COMMAND_DESTINATION,
	COMMAND_DAEMON,
	COMMAND_TCP,
	COMMAND_TCP_FIN,
	COMMAND_UDP,
};

enum {
	INFO_VERSION,
	INFO_BUCKETS
};

enum {
	FAMILY_ID,
	FAMILY_NAME
};

extern const struct fields lsvm_wire_command_fields, lsvm_wire_info_fields,
	lsvm_wire_family_fields;

#endif
