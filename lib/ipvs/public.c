/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Getters of <libsvm/ipvs.h>. The public handles are the internal structs under another
 * name, so that borrowed pointers need no memory.
 */
#include "ipvs/table.h"
#include "ipvs/words.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>

static const struct word counter_words[] = {
	{ LSVM_IPVS_COUNTER_CONNECTIONS, "connections" },
	{ LSVM_IPVS_COUNTER_IN_PACKETS, "in-packets" },
	{ LSVM_IPVS_COUNTER_OUT_PACKETS, "out-packets" },
	{ LSVM_IPVS_COUNTER_IN_BYTES, "in-bytes" },
	{ LSVM_IPVS_COUNTER_OUT_BYTES, "out-bytes" },
	{ LSVM_IPVS_COUNTER_CONNECTION_RATE, "connection-rate" },
	{ LSVM_IPVS_COUNTER_IN_PACKET_RATE, "in-packet-rate" },
	{ LSVM_IPVS_COUNTER_OUT_PACKET_RATE, "out-packet-rate" },
	{ LSVM_IPVS_COUNTER_IN_BYTE_RATE, "in-byte-rate" },
	{ LSVM_IPVS_COUNTER_OUT_BYTE_RATE, "out-byte-rate" },
	{ 0, NULL },
};

const char *lsvm_ipvs_counter_name(int counter)
{
	return lsvm_word_name(counter_words, counter);
}

int lsvm_ipvs_counter_parse(const char *name)
{
	return lsvm_word_value(counter_words, name);
}

static const struct ipvs_service *inside_service(const struct lsvm_ipvs_service *service)
{
	return (const struct ipvs_service *)service;
}

static const struct ipvs_destination *inside_destination(
	const struct lsvm_ipvs_destination *destination)
{
	return (const struct ipvs_destination *)destination;
}

static uint64_t counter_value(const struct ipvs_counters *counters, int counter)
{
	static const size_t offsets[] = {
		[LSVM_IPVS_COUNTER_CONNECTIONS] =
			offsetof(struct ipvs_counters, connections),
		[LSVM_IPVS_COUNTER_IN_PACKETS] =
			offsetof(struct ipvs_counters, in_packets),
		[LSVM_IPVS_COUNTER_OUT_PACKETS] =
			offsetof(struct ipvs_counters, out_packets),
		[LSVM_IPVS_COUNTER_IN_BYTES] = offsetof(struct ipvs_counters, in_bytes),
		[LSVM_IPVS_COUNTER_OUT_BYTES] = offsetof(struct ipvs_counters, out_bytes),
		[LSVM_IPVS_COUNTER_CONNECTION_RATE] =
			offsetof(struct ipvs_counters, connection_rate),
		[LSVM_IPVS_COUNTER_IN_PACKET_RATE] =
			offsetof(struct ipvs_counters, in_packet_rate),
		[LSVM_IPVS_COUNTER_OUT_PACKET_RATE] =
			offsetof(struct ipvs_counters, out_packet_rate),
		[LSVM_IPVS_COUNTER_IN_BYTE_RATE] =
			offsetof(struct ipvs_counters, in_byte_rate),
		[LSVM_IPVS_COUNTER_OUT_BYTE_RATE] =
			offsetof(struct ipvs_counters, out_byte_rate),
	};
	uint64_t value;

	if (!counters || counter <= 0 || (size_t)counter >= ARRAY_SIZE(offsets))
		return 0;
	memcpy(&value, (const char *)counters + offsets[counter], sizeof(value));
	return value;
}

size_t lsvm_ipvs_table_service_count(const struct lsvm_ipvs_table *table)
{
	return table->services.count;
}

const struct lsvm_ipvs_service *lsvm_ipvs_table_service_at(
	const struct lsvm_ipvs_table *table, size_t index)
{
	if (index >= table->services.count)
		return NULL;
	return (const struct lsvm_ipvs_service *)&table->services.items[index];
}

uint32_t lsvm_ipvs_table_tcp_timeout_s(const struct lsvm_ipvs_table *table)
{
	return table->timeouts.tcp_s;
}

uint32_t lsvm_ipvs_table_tcp_fin_timeout_s(const struct lsvm_ipvs_table *table)
{
	return table->timeouts.tcp_fin_s;
}

uint32_t lsvm_ipvs_table_udp_timeout_s(const struct lsvm_ipvs_table *table)
{
	return table->timeouts.udp_s;
}

static const struct ipvs_daemon *sync_daemon(const struct lsvm_ipvs_table *table,
					     bool is_master)
{
	return is_master ? &table->master : &table->backup;
}

const char *lsvm_ipvs_table_sync_interface(const struct lsvm_ipvs_table *table,
					   bool is_master)
{
	const struct ipvs_daemon *daemon = sync_daemon(table, is_master);

	return daemon->present ? daemon->interface : NULL;
}

uint32_t lsvm_ipvs_table_sync_id(const struct lsvm_ipvs_table *table, bool is_master)
{
	return sync_daemon(table, is_master)->sync_id;
}

const char *lsvm_ipvs_service_text(const struct lsvm_ipvs_service *service, char *buf,
				   size_t size)
{
	char text[LSVM_ADDRESS_TEXT_BYTES * 2];

	lsvm_ipvs_key_text(&inside_service(service)->key, text);
	snprintf(buf, size, "%s", text);
	return buf;
}

int lsvm_ipvs_service_protocol(const struct lsvm_ipvs_service *service)
{
	switch (inside_service(service)->key.protocol) {
	case IPPROTO_TCP:
		return LSVM_PROTOCOL_TCP;
	case IPPROTO_UDP:
		return LSVM_PROTOCOL_UDP;
	case IPPROTO_SCTP:
		return LSVM_PROTOCOL_SCTP;
	}
	return LSVM_PROTOCOL_UNKNOWN;
}

const char *lsvm_ipvs_service_address(const struct lsvm_ipvs_service *service, char *buf,
				      size_t size)
{
	const struct ipvs_key *key = &inside_service(service)->key;
	char text[LSVM_ADDRESS_TEXT_BYTES];

	snprintf(buf, size, "%s", key->fwmark ? "" : lsvm_addr_text(&key->addr, text));
	return buf;
}

int lsvm_ipvs_service_family(const struct lsvm_ipvs_service *service)
{
	return inside_service(service)->key.addr.family;
}

uint16_t lsvm_ipvs_service_port(const struct lsvm_ipvs_service *service)
{
	return inside_service(service)->key.port;
}

uint32_t lsvm_ipvs_service_fwmark(const struct lsvm_ipvs_service *service)
{
	return inside_service(service)->key.fwmark;
}

const char *lsvm_ipvs_service_scheduler(const struct lsvm_ipvs_service *service)
{
	return inside_service(service)->scheduler;
}

uint32_t lsvm_ipvs_service_scheduler_flags(const struct lsvm_ipvs_service *service)
{
	return inside_service(service)->flags >> IPVS_SCHEDULER_FLAG_SHIFT & 7;
}

bool lsvm_ipvs_service_is_persistent(const struct lsvm_ipvs_service *service)
{
	return inside_service(service)->flags & IP_VS_SVC_F_PERSISTENT;
}

uint32_t lsvm_ipvs_service_persistence_timeout_s(const struct lsvm_ipvs_service *service)
{
	return inside_service(service)->timeout_s;
}

uint32_t lsvm_ipvs_service_persistence_prefix_length(
	const struct lsvm_ipvs_service *service)
{
	uint32_t mask = inside_service(service)->netmask;

	if (inside_service(service)->key.addr.family == 6)
		return mask;
	return (uint32_t)__builtin_popcount(mask);
}

const char *lsvm_ipvs_service_engine(const struct lsvm_ipvs_service *service)
{
	return inside_service(service)->engine;
}

bool lsvm_ipvs_service_is_one_packet(const struct lsvm_ipvs_service *service)
{
	return inside_service(service)->flags & IP_VS_SVC_F_ONEPACKET;
}

uint64_t lsvm_ipvs_service_counter(const struct lsvm_ipvs_service *service, int counter)
{
	return counter_value(inside_service(service)->counters, counter);
}

size_t lsvm_ipvs_service_destination_count(const struct lsvm_ipvs_service *service)
{
	return inside_service(service)->destinations.count;
}

const struct lsvm_ipvs_destination *lsvm_ipvs_service_destination_at(
	const struct lsvm_ipvs_service *service, size_t index)
{
	const struct ipvs_service *inside = inside_service(service);

	if (index >= inside->destinations.count)
		return NULL;
	return (const struct lsvm_ipvs_destination *)&inside->destinations.items[index];
}

const char *lsvm_ipvs_destination_address(const struct lsvm_ipvs_destination *destination,
					  char *buf, size_t size)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];

	snprintf(buf, size, "%s",
		 lsvm_addr_text(&inside_destination(destination)->addr, text));
	return buf;
}

uint16_t lsvm_ipvs_destination_port(const struct lsvm_ipvs_destination *destination)
{
	return inside_destination(destination)->port;
}

int lsvm_ipvs_destination_forwarding(const struct lsvm_ipvs_destination *destination)
{
	const uint32_t forwarding = inside_destination(destination)->forwarding;

	return forwarding < LSVM_FORWARDING_BYPASS ? (int)forwarding + 1
						   : LSVM_FORWARDING_UNKNOWN;
}

uint32_t lsvm_ipvs_destination_weight(const struct lsvm_ipvs_destination *destination)
{
	return inside_destination(destination)->weight;
}

uint32_t lsvm_ipvs_destination_upper_threshold(
	const struct lsvm_ipvs_destination *destination)
{
	return inside_destination(destination)->upper_threshold;
}

uint32_t lsvm_ipvs_destination_lower_threshold(
	const struct lsvm_ipvs_destination *destination)
{
	return inside_destination(destination)->lower_threshold;
}

int lsvm_ipvs_destination_tunnel_kind(const struct lsvm_ipvs_destination *destination)
{
	int kind = inside_destination(destination)->tunnel_type + 1;

	return kind <= LSVM_TUNNEL_GRE ? kind : LSVM_TUNNEL_UNKNOWN;
}

uint16_t lsvm_ipvs_destination_tunnel_port(
	const struct lsvm_ipvs_destination *destination)
{
	return inside_destination(destination)->tunnel_port;
}

int lsvm_ipvs_destination_tunnel_checksum(const struct lsvm_ipvs_destination *destination)
{
	int checksum = inside_destination(destination)->tunnel_flags + 1;

	return checksum <= LSVM_TUNNEL_CHECKSUM_REMOTE ? checksum
						       : LSVM_TUNNEL_CHECKSUM_UNKNOWN;
}

uint32_t lsvm_ipvs_destination_active_count(
	const struct lsvm_ipvs_destination *destination)
{
	return inside_destination(destination)->active_count;
}

uint32_t lsvm_ipvs_destination_inactive_count(
	const struct lsvm_ipvs_destination *destination)
{
	return inside_destination(destination)->inactive_count;
}

uint32_t lsvm_ipvs_destination_persistent_count(
	const struct lsvm_ipvs_destination *destination)
{
	return inside_destination(destination)->persistent_count;
}

uint64_t lsvm_ipvs_destination_counter(const struct lsvm_ipvs_destination *destination,
				       int counter)
{
	return counter_value(inside_destination(destination)->counters, counter);
}
