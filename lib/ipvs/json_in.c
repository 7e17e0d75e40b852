/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON to IPVS tables: every member that json.c writes, and no other. What a kernel might
 * report is taken even where it makes no sense; lsvm_ipvs_service_check() is for what one
 * would send.
 */
#include "base/json.h"
#include "ipvs/json_read.h"
#include "ipvs/words.h"

#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <stdio.h>

#define DOCUMENT_MAX_BYTES (256u * 1024 * 1024)
#define NAME_BYTES 64

static void counters(struct input *in, const json_t *object, struct ipvs_counters **ret)
{
	static const char *const names[] = {
		"connections",
		"in_packets",
		"out_packets",
		"in_bytes",
		"out_bytes",
		"connection_rate",
		"in_packet_rate",
		"out_packet_rate",
		"in_byte_rate",
		"out_byte_rate",
		NULL,
	};
	const json_t *json = json_object_get(object, "counters");
	struct ipvs_counters *to;

	if (!json || in->err)
		return;
	lsvm_input_only(in, json, names);
	to = lsvm_arena_alloc(&in->table->arena, sizeof(*to));
	if (!to)
		return; /* sealing finds the arena failed */
	lsvm_input_number(in, json, "connections", UINT64_MAX, &to->connections);
	lsvm_input_number(in, json, "in_packets", UINT64_MAX, &to->in_packets);
	lsvm_input_number(in, json, "out_packets", UINT64_MAX, &to->out_packets);
	lsvm_input_number(in, json, "in_bytes", UINT64_MAX, &to->in_bytes);
	lsvm_input_number(in, json, "out_bytes", UINT64_MAX, &to->out_bytes);
	lsvm_input_number(in, json, "connection_rate", UINT64_MAX, &to->connection_rate);
	lsvm_input_number(in, json, "in_packet_rate", UINT64_MAX, &to->in_packet_rate);
	lsvm_input_number(in, json, "out_packet_rate", UINT64_MAX, &to->out_packet_rate);
	lsvm_input_number(in, json, "in_byte_rate", UINT64_MAX, &to->in_byte_rate);
	lsvm_input_number(in, json, "out_byte_rate", UINT64_MAX, &to->out_byte_rate);
	*ret = to;
}

static bool hex_digit(char c, uint8_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	if (at)
		*ret = (uint8_t)(at - digits);
	return at != NULL;
}

/* Answers how many; -1: they are none. */
static int hex_bytes(const char *text, uint8_t *ret)
{
	int count = 0;

	for (; *text; text += 2) {
		uint8_t high, low;

		if (!hex_digit(text[0], &high) || !hex_digit(text[1], &low))
			return -1;
		ret[count++] = (uint8_t)(high << 4 | low);
	}
	return count;
}

static void one_extra(struct input *in, const json_t *json, struct ipvs_extra *to)
{
	static const char *const names[] = { "attribute", "bytes", NULL };
	char hex[2 * IPVS_EXTRA_VALUE_BYTES + 1] = "";
	uint8_t value[IPVS_EXTRA_VALUE_BYTES];
	struct nlattr head = { 0 };
	int length;

	lsvm_input_only(in, json, names);
	input_field(in, json, "attribute", &head.nla_type);
	lsvm_input_text(in, json, "bytes", hex, sizeof(hex));
	length = hex_bytes(hex, value);
	if (length < 0 || !head.nla_type ||
	    NLA_HDRLEN + NLA_ALIGN((size_t)length) > sizeof(to->bytes) - to->length) {
		lsvm_input_wrong(in, "unknown_attributes",
				 "has one without a number, whose bytes are not pairs of "
				 "0 to 9 and a to f, or too many");
		return;
	}
	head.nla_len = (uint16_t)(NLA_HDRLEN + length);
	memcpy(to->bytes + to->length, &head, sizeof(head));
	memcpy(to->bytes + to->length + NLA_HDRLEN, value, (size_t)length);
	to->length += NLA_ALIGN((uint32_t)head.nla_len);
}

static void extra(struct input *in, const json_t *object, struct ipvs_extra **ret)
{
	const json_t *list, *item;
	struct ipvs_extra *to;
	size_t i;

	if (!json_object_get(object, "unknown_attributes"))
		return;
	list = lsvm_input_list(in, object, "unknown_attributes");
	to = lsvm_arena_alloc(&in->table->arena, sizeof(*to));
	if (!to)
		return; /* sealing finds the arena failed */
	*to = (struct ipvs_extra){ 0 };
	json_array_foreach(list, i, item) if (!in->err) one_extra(in, item, to);
	*ret = to->length ? to : NULL;
}

static void tunnel(struct input *in, const json_t *object, struct ipvs_destination *to)
{
	static const char *const names[] = { "kind", "port", "checksum", NULL };
	const json_t *json = json_object_get(object, "tunnel");
	uint64_t kind = 0, checksum = 0;

	if (!json)
		return;
	lsvm_input_only(in, json, names);
	lsvm_input_word(in, json, "kind", lsvm_ipvs_tunnel_words, 1, UINT8_MAX, &kind);
	lsvm_input_word(in, json, "checksum", lsvm_ipvs_checksum_words, 1, UINT16_MAX,
			&checksum);
	input_field(in, json, "port", &to->tunnel_port);
	to->tunnel_type = (uint8_t)kind;
	to->tunnel_flags = (uint16_t)checksum;
}

static void destination(struct input *in, const json_t *json, struct ipvs_destination *to)
{
	static const char *const names[] = {
		"address",	    "port",
		"forwarding",	    "weight",
		"last_weight",	    "upper_threshold",
		"lower_threshold",  "tunnel",
		"active_count",	    "inactive_count",
		"persistent_count", "unknown_attributes",
		"counters",	    NULL,
	};
	uint64_t forwarding = LSVM_FORWARDING_DIRECT - 1;

	to->weight = 1;
	lsvm_input_only(in, json, names);
	lsvm_input_address(in, json, "address", &to->addr);
	input_field(in, json, "port", &to->port);
	lsvm_input_word(in, json, "forwarding", lsvm_ipvs_forwarding_words, 1,
			IPVS_FORWARDING_MASK, &forwarding);
	to->forwarding = (uint8_t)forwarding;
	input_field(in, json, "weight", &to->weight);
	input_field(in, json, "last_weight", &to->last_weight);
	input_field(in, json, "upper_threshold", &to->upper_threshold);
	input_field(in, json, "lower_threshold", &to->lower_threshold);
	input_field(in, json, "active_count", &to->active_count);
	input_field(in, json, "inactive_count", &to->inactive_count);
	input_field(in, json, "persistent_count", &to->persistent_count);
	tunnel(in, json, to);
	extra(in, json, &to->extra);
	counters(in, json, &to->counters);
}

static void mark_key(struct input *in, const json_t *json, struct ipvs_key *to)
{
	char family[8] = "ipv4";

	input_field(in, json, "fwmark", &to->fwmark);
	lsvm_input_text(in, json, "family", family, sizeof(family));
	if (!to->fwmark || json_object_get(json, "address") ||
	    json_object_get(json, "protocol") || json_object_get(json, "port"))
		lsvm_input_wrong(in, "fwmark",
				 "is 0, or stands beside protocol, address or port");
	if (strcmp(family, "ipv4") != 0 && strcmp(family, "ipv6") != 0)
		lsvm_input_wrong(in, "family", "is neither ipv4 nor ipv6");
	to->addr.family = strcmp(family, "ipv6") == 0 ? 6 : 4;
}

static void key(struct input *in, const json_t *json, struct ipvs_key *to)
{
	uint64_t protocol = 0;

	if (json_object_get(json, "fwmark")) {
		mark_key(in, json, to);
		return;
	}
	lsvm_input_word(in, json, "protocol", lsvm_ipvs_protocol_words, 0, UINT8_MAX,
			&protocol);
	lsvm_input_address(in, json, "address", &to->addr);
	input_field(in, json, "port", &to->port);
	to->protocol = (uint8_t)protocol;
	if (!protocol)
		lsvm_input_wrong(in, "protocol", "is missing");
	if (json_object_get(json, "family"))
		lsvm_input_wrong(in, "family", "is for marks only");
}

static void netmask(struct input *in, const json_t *json, struct ipvs_service *to)
{
	struct addr mask = { 4, { 255, 255, 255, 255 } };

	if (to->key.addr.family == 6) {
		if (json_object_get(json, "netmask"))
			lsvm_input_wrong(in, "netmask", "is for ipv4; use prefix_length");
		input_field(in, json, "prefix_length", &to->netmask);
		return;
	}
	if (json_object_get(json, "prefix_length"))
		lsvm_input_wrong(in, "prefix_length", "is for ipv6; use netmask");
	if (json_object_get(json, "netmask"))
		lsvm_input_address(in, json, "netmask", &mask);
	if (mask.family != 4)
		lsvm_input_wrong(in, "netmask", "is not like 255.255.255.0");
	to->netmask = (uint32_t)mask.bytes[0] << 24 | (uint32_t)mask.bytes[1] << 16 |
		      (uint32_t)mask.bytes[2] << 8 | mask.bytes[3];
}

static void persistence(struct input *in, const json_t *object, struct ipvs_service *to)
{
	static const char *const names[] = { "enabled", "timeout_s", "netmask",
					     "prefix_length", NULL };
	const json_t *json = json_object_get(object, "persistence");
	bool enabled = true;

	to->netmask = to->key.addr.family == 6 ? 128 : 0xffffffff;
	if (!json)
		return;
	lsvm_input_only(in, json, names);
	lsvm_input_bool(in, json, "enabled", &enabled);
	input_field(in, json, "timeout_s", &to->timeout_s);
	netmask(in, json, to);
	if (enabled)
		to->flags |= IP_VS_SVC_F_PERSISTENT;
}

static void scheduler_flags(struct input *in, const json_t *object,
			    struct ipvs_service *to)
{
	const json_t *list = lsvm_input_list(in, object, "scheduler_flags"), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		int flag = json_is_string(item)
				   ? lsvm_word_value(lsvm_ipvs_scheduler_flag_words,
						     json_string_value(item))
				   : 0;

		if (!flag)
			lsvm_input_wrong(in, "scheduler_flags",
					 "has more than fallback, port and flag-3");
		to->flags |= (uint32_t)flag << IPVS_SCHEDULER_FLAG_SHIFT;
	}
}

static void no_memory(struct input *in)
{
	if (!in->err)
		in->err = lsvm_fail_nomem(in->ctx);
}

static void destinations(struct input *in, const json_t *object, struct ipvs_service *to)
{
	const json_t *list = lsvm_input_list(in, object, "destinations"), *item;
	const size_t length = strlen(in->at);
	size_t i;

	json_array_foreach(list, i, item)
	{
		struct ipvs_destination *pushed;

		if (in->err)
			return;
		pushed = lsvm_ipvs_service_push(to);
		if (!pushed) {
			no_memory(in);
			return;
		}
		snprintf(in->at + length, sizeof(in->at) - length, ".destinations[%zu]",
			 i);
		destination(in, item, pushed);
	}
	in->at[length] = '\0';
}

static void service(struct input *in, const json_t *json, struct ipvs_service *to)
{
	static const char *const names[] = {
		"fwmark",
		"family",
		"protocol",
		"address",
		"port",
		"scheduler",
		"scheduler_flags",
		"one_packet",
		"other_flags",
		"persistence",
		"engine",
		"counters",
		"destinations",
		"unknown_attributes",
		NULL,
	};
	bool one_packet = false;
	uint32_t other = 0;

	lsvm_input_only(in, json, names);
	key(in, json, &to->key);
	lsvm_input_text(in, json, "scheduler", to->scheduler, sizeof(to->scheduler));
	lsvm_input_text(in, json, "engine", to->engine, sizeof(to->engine));
	lsvm_input_bool(in, json, "one_packet", &one_packet);
	input_field(in, json, "other_flags", &other);
	to->flags = (one_packet ? IP_VS_SVC_F_ONEPACKET : 0) | other;
	scheduler_flags(in, json, to);
	persistence(in, json, to);
	to->flags &= ~(uint32_t)IP_VS_SVC_F_HASHED;
	extra(in, json, &to->extra);
	counters(in, json, &to->counters);
	destinations(in, json, to);
}

static void services(struct input *in, const json_t *object)
{
	const json_t *list = lsvm_input_list(in, object, "services"), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		struct ipvs_service *pushed;

		if (in->err)
			return;
		pushed = lsvm_ipvs_table_push(in->table);
		if (!pushed) {
			no_memory(in);
			return;
		}
		snprintf(in->at, sizeof(in->at), "services[%zu]", i);
		service(in, item, pushed);
	}
}

static void sync_daemon(struct input *in, const json_t *json)
{
	static const char *const names[] = { "state",	     "interface", "sync_id",
					     "maxlen_bytes", "group",	  "port",
					     "ttl",	     NULL };
	struct ipvs_daemon read = { .present = true }, *to;
	char state[8] = "";

	lsvm_input_only(in, json, names);
	lsvm_input_text(in, json, "state", state, sizeof(state));
	lsvm_input_text(in, json, "interface", read.interface, sizeof(read.interface));
	input_field(in, json, "sync_id", &read.sync_id);
	input_field(in, json, "maxlen_bytes", &read.maxlen_bytes);
	input_field(in, json, "port", &read.port);
	input_field(in, json, "ttl", &read.ttl);
	if (json_object_get(json, "group"))
		lsvm_input_address(in, json, "group", &read.group);
	to = strcmp(state, "master") == 0 ? &in->table->master : &in->table->backup;
	if (strcmp(state, "master") != 0 && strcmp(state, "backup") != 0)
		lsvm_input_wrong(in, "state", "is neither master nor backup");
	if (to->present)
		lsvm_input_wrong(in, "state", "is there twice");
	*to = read;
}

static void daemons(struct input *in, const json_t *object)
{
	const json_t *list = lsvm_input_list(in, object, "daemons"), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (in->err)
			return;
		snprintf(in->at, sizeof(in->at), "daemons[%zu]", i);
		sync_daemon(in, item);
	}
}

static void timeouts(struct input *in, const json_t *object)
{
	static const char *const names[] = { "tcp_s", "tcp_fin_s", "udp_s", NULL };
	const json_t *json = json_object_get(object, "timeouts");

	if (!json || in->err)
		return;
	snprintf(in->at, sizeof(in->at), "timeouts");
	lsvm_input_only(in, json, names);
	input_field(in, json, "tcp_s", &in->table->timeouts.tcp_s);
	input_field(in, json, "tcp_fin_s", &in->table->timeouts.tcp_fin_s);
	input_field(in, json, "udp_s", &in->table->timeouts.udp_s);
}

int lsvm_ipvs_table_parse(struct lsvm_ctx *ctx, const json_t *json,
			  struct lsvm_ipvs_table **ret)
{
	static const char *const names[] = { "schema", "timeouts", "daemons", "services",
					     NULL };
	struct input in = { .ctx = ctx, .at = "the document" };
	char schema[NAME_BYTES] = "";
	int err = lsvm_ipvs_table_alloc(ctx, &in.table);

	if (err)
		return err;
	lsvm_input_only(&in, json, names);
	lsvm_input_text(&in, json, "schema", schema, sizeof(schema));
	if (strcmp(schema, "lsvm-ipvs/1") != 0)
		lsvm_input_wrong(&in, "schema", "is not \"lsvm-ipvs/1\"");
	timeouts(&in, json);
	daemons(&in, json);
	services(&in, json);
	if (!in.err)
		in.err = lsvm_ipvs_table_seal(in.table);
	if (in.err) {
		lsvm_ipvs_table_unref(in.table);
		return in.err;
	}
	*ret = in.table;
	return 0;
}

int lsvm_ipvs_table_from_json(struct lsvm_ctx *ctx, const char *bytes, size_t length,
			      struct lsvm_ipvs_table **ret)
{
	json_error_t error;
	json_t *json;
	int err;

	if (length > DOCUMENT_MAX_BYTES)
		return lsvm_fail(ctx, LSVM_ERR_LIMIT,
				 "IPVS table: more than %u bytes of JSON",
				 DOCUMENT_MAX_BYTES);
	json = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
	if (!json && lsvm_json_ran_out(&error))
		return lsvm_fail_nomem(ctx);
	if (!json)
		return lsvm_fail(ctx, LSVM_ERR_PARSE,
				 "IPVS table: line %d, column %d: %s", error.line,
				 error.column, error.text);
	err = lsvm_ipvs_table_parse(ctx, json, ret);
	json_decref(json);
	return err;
}
