/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * IPVS tables as JSON, schema "lsvm-ipvs/1": the words are those of the cluster file.
 *
 * Members that hold what everybody has by default are left out. Numbers of the kernel
 * that have no word (a protocol, a tunnel type) are written as numbers, and attributes
 * that have no number here as their bytes, so nothing is lost.
 */
#include "base/json.h"
#include "ipvs/table.h"
#include "ipvs/words.h"

#include <jansson.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>

#define SCHEDULER_FLAGS (IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2 | IP_VS_SVC_F_SCHED3)

static json_t *word_or_number(const struct word *words, int value, json_int_t number)
{
	for (; words->name; words++)
		if (words->value == value)
			return json_string(words->name);
	return json_integer(number);
}

/* Sets a number unless it is the default. */
static int set_number(json_t *object, const char *name, uint64_t number, uint64_t omitted)
{
	return number == omitted ? 0
				 : json_object_set_new(object, name,
						       json_integer((json_int_t)number));
}

static int set_counters(json_t *object, const struct ipvs_counters *counters)
{
	json_t *json;

	if (!counters)
		return 0;
	json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "connections", (json_int_t)counters->connections, "in_packets",
			 (json_int_t)counters->in_packets, "out_packets",
			 (json_int_t)counters->out_packets, "in_bytes",
			 (json_int_t)counters->in_bytes, "out_bytes",
			 (json_int_t)counters->out_bytes, "connection_rate",
			 (json_int_t)counters->connection_rate, "in_packet_rate",
			 (json_int_t)counters->in_packet_rate, "out_packet_rate",
			 (json_int_t)counters->out_packet_rate, "in_byte_rate",
			 (json_int_t)counters->in_byte_rate, "out_byte_rate",
			 (json_int_t)counters->out_byte_rate);
	return json_object_set_new(object, "counters", json);
}

/* [{"attribute": 17, "bytes": "0a00"}] */
static int set_extra(json_t *object, const struct ipvs_extra *extra)
{
	json_t *list;
	size_t at = 0;
	int bad = 0;

	if (!extra)
		return 0;
	list = json_array();
	while (extra->length - at >= NLA_HDRLEN) {
		char hex[2 * IPVS_EXTRA_VALUE_BYTES + 1] = "";
		struct nlattr head;

		memcpy(&head, extra->bytes + at, sizeof(head));
		for (size_t i = NLA_HDRLEN; i < head.nla_len; i++)
			snprintf(hex + 2 * (i - NLA_HDRLEN), 3, "%02x",
				 extra->bytes[at + i]);
		bad |= json_array_append_new(list,
					     json_pack("{s:i, s:s}", "attribute",
						       (int)head.nla_type, "bytes", hex));
		at += NLA_ALIGN(head.nla_len);
	}
	return bad | json_object_set_new(object, "unknown_attributes", list);
}

static int set_tunnel(json_t *object, const struct ipvs_destination *destination)
{
	json_t *tunnel;
	int bad = 0;

	if (!destination->tunnel_type && !destination->tunnel_port &&
	    !destination->tunnel_flags)
		return 0;
	tunnel = json_object();
	bad |= json_object_set_new(tunnel, "kind",
				   word_or_number(lsvm_ipvs_tunnel_words,
						  destination->tunnel_type + 1,
						  destination->tunnel_type));
	bad |= set_number(tunnel, "port", destination->tunnel_port, 0);
	if (destination->tunnel_flags)
		bad |= json_object_set_new(tunnel, "checksum",
					   word_or_number(lsvm_ipvs_checksum_words,
							  destination->tunnel_flags + 1,
							  destination->tunnel_flags));
	return bad | json_object_set_new(object, "tunnel", tunnel);
}

static json_t *destination_json(const struct ipvs_destination *destination)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	json_t *object = json_object();
	int bad = 0;

	bad |= json_object_set_new(object, "address",
				   json_string(lsvm_addr_text(&destination->addr, text)));
	bad |= json_object_set_new(object, "port", json_integer(destination->port));
	bad |= json_object_set_new(object, "forwarding",
				   word_or_number(lsvm_ipvs_forwarding_words,
						  destination->forwarding + 1,
						  destination->forwarding));
	bad |= json_object_set_new(object, "weight", json_integer(destination->weight));
	bad |= set_number(object, "last_weight", destination->last_weight, 0);
	bad |= set_number(object, "upper_threshold", destination->upper_threshold, 0);
	bad |= set_number(object, "lower_threshold", destination->lower_threshold, 0);
	bad |= set_tunnel(object, destination);
	bad |= set_number(object, "active_count", destination->active_count, 0);
	bad |= set_number(object, "inactive_count", destination->inactive_count, 0);
	bad |= set_number(object, "persistent_count", destination->persistent_count, 0);
	bad |= set_extra(object, destination->extra);
	bad |= set_counters(object, destination->counters);
	if (!bad)
		return object;
	json_decref(object);
	return NULL;
}

static int set_key(json_t *object, const struct ipvs_key *key)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	int bad = 0;

	if (key->fwmark) {
		bad |= json_object_set_new(object, "fwmark", json_integer(key->fwmark));
		return bad |
		       json_object_set_new(
			       object, "family",
			       json_string(key->addr.family == 6 ? "ipv6" : "ipv4"));
	}
	bad |= json_object_set_new(
		object, "protocol",
		word_or_number(lsvm_ipvs_protocol_words, key->protocol, key->protocol));
	bad |= json_object_set_new(object, "address",
				   json_string(lsvm_addr_text(&key->addr, text)));
	return bad | json_object_set_new(object, "port", json_integer(key->port));
}

static json_t *scheduler_flags_json(uint32_t flags)
{
	json_t *list = json_array();

	for (int i = 0; i < 3; i++)
		if ((flags & (IP_VS_SVC_F_SCHED1 << i)) &&
		    json_array_append_new(list, json_string(lsvm_word_name(
							lsvm_ipvs_scheduler_flag_words,
							1 << i))) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* The kernel keeps a timeout and a netmask without persistence too: "enabled" is false.
 */
static int set_persistence(json_t *object, const struct ipvs_service *service)
{
	uint8_t family = service->key.addr.family;
	uint32_t mask = service->netmask, full = family == 6 ? 128 : 0xffffffff;
	bool enabled = service->flags & IP_VS_SVC_F_PERSISTENT;
	json_t *persistence;
	int bad = 0;

	if (!enabled && !service->timeout_s && mask == full)
		return 0;
	persistence = json_object();
	if (!enabled)
		bad |= json_object_set_new(persistence, "enabled", json_false());
	bad |= json_object_set_new(persistence, "timeout_s",
				   json_integer(service->timeout_s));
	if (family == 6)
		bad |= set_number(persistence, "prefix_length", mask, full);
	else if (mask != full)
		bad |= json_object_set_new(persistence, "netmask",
					   json_sprintf("%u.%u.%u.%u", mask >> 24,
							mask >> 16 & 255, mask >> 8 & 255,
							mask & 255));
	return bad | json_object_set_new(object, "persistence", persistence);
}

static json_t *service_json(const struct ipvs_service *service)
{
	const uint32_t named =
		SCHEDULER_FLAGS | IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_ONEPACKET;
	json_t *object = json_object(), *list = json_array();
	int bad = 0;

	bad |= set_key(object, &service->key);
	bad |= json_object_set_new(object, "scheduler", json_string(service->scheduler));
	if (service->flags & SCHEDULER_FLAGS)
		bad |= json_object_set_new(object, "scheduler_flags",
					   scheduler_flags_json(service->flags));
	if (service->flags & IP_VS_SVC_F_ONEPACKET)
		bad |= json_object_set_new(object, "one_packet", json_true());
	bad |= set_number(object, "other_flags", service->flags & ~named, 0);
	bad |= set_persistence(object, service);
	if (service->engine[0])
		bad |= json_object_set_new(object, "engine",
					   json_string(service->engine));
	bad |= set_extra(object, service->extra);
	bad |= set_counters(object, service->counters);
	for (size_t i = 0; i < service->destinations.count; i++)
		bad |= json_array_append_new(
			list, destination_json(&service->destinations.items[i]));
	bad |= json_object_set_new(object, "destinations", list);
	if (!bad)
		return object;
	json_decref(object);
	return NULL;
}

static int append_daemon(json_t *list, const struct ipvs_daemon *daemon,
			 const char *state)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	json_t *object;
	int bad = 0;

	if (!daemon->present)
		return 0;
	object = json_object();
	bad |= json_object_set_new(object, "state", json_string(state));
	bad |= json_object_set_new(object, "interface", json_string(daemon->interface));
	bad |= json_object_set_new(object, "sync_id", json_integer(daemon->sync_id));
	bad |= set_number(object, "maxlen_bytes", daemon->maxlen_bytes, 0);
	if (daemon->group.family)
		bad |= json_object_set_new(
			object, "group",
			json_string(lsvm_addr_text(&daemon->group, text)));
	bad |= set_number(object, "port", daemon->port, 0);
	bad |= set_number(object, "ttl", daemon->ttl, 0);
	return bad | json_array_append_new(list, object);
}

static int set_timeouts(json_t *object, const struct ipvs_timeouts *timeouts)
{
	json_t *json;
	int bad = 0;

	if (!timeouts->tcp_s && !timeouts->tcp_fin_s && !timeouts->udp_s)
		return 0;
	json = json_object();
	bad |= set_number(json, "tcp_s", timeouts->tcp_s, 0);
	bad |= set_number(json, "tcp_fin_s", timeouts->tcp_fin_s, 0);
	bad |= set_number(json, "udp_s", timeouts->udp_s, 0);
	return bad | json_object_set_new(object, "timeouts", json);
}

json_t *lsvm_ipvs_table_json(const struct lsvm_ipvs_table *table)
{
	json_t *object = json_object(), *services = json_array(), *daemons = json_array();
	int bad = 0;

	bad |= json_object_set_new(object, "schema", json_string("lsvm-ipvs/1"));
	bad |= set_timeouts(object, &table->timeouts);
	bad |= append_daemon(daemons, &table->master, "master");
	bad |= append_daemon(daemons, &table->backup, "backup");
	if (json_array_size(daemons))
		bad |= json_object_set(object, "daemons", daemons);
	json_decref(daemons);
	for (size_t i = 0; i < table->services.count; i++)
		bad |= json_array_append_new(services,
					     service_json(&table->services.items[i]));
	bad |= json_object_set_new(object, "services", services);
	if (!bad)
		return object;
	json_decref(object);
	return NULL;
}

int lsvm_ipvs_table_to_json(const struct lsvm_ipvs_table *table, char **ret)
{
	json_t *json = lsvm_ipvs_table_json(table);
	char *text = json ? lsvm_json_text(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (!text)
		return lsvm_fail_nomem(table->ctx);
	*ret = text;
	return 0;
}
