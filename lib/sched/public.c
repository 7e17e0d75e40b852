/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <libsvm/sched.h>: text in and out, numbers for destinations. */
#include "sched/sched.h"

#include <netinet/in.h>
#include <stdio.h>

static const struct word outcome_words[] = {
	{ LSVM_SCHED_SERVED, "served" },
	{ LSVM_SCHED_PERSISTENT, "persistent" },
	{ LSVM_SCHED_NO_DESTINATION, "no-destination" },
	{ LSVM_SCHED_DRAINED, "drained" },
	{ LSVM_SCHED_OVERLOADED, "overloaded" },
	{ LSVM_SCHED_PASSED, "passed" },
	{ 0, NULL },
};

const char *lsvm_sched_outcome_name(int outcome)
{
	return lsvm_word_name(outcome_words, outcome);
}

int lsvm_sched_outcome_parse(const char *name)
{
	return lsvm_word_value(outcome_words, name);
}

static int parse_address(struct lsvm_ctx *ctx, const char *text, struct addr *ret)
{
	struct addr addr;

	if (!text || !lsvm_addr_parse(text, &addr))
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "\"%s\" is no address; write it like 192.0.2.1 or "
				 "2001:db8::1",
				 text ? text : "");
	*ret = addr;
	return 0;
}

static int wrong_family(struct lsvm_ctx *ctx, const char *text, uint8_t family)
{
	return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
			 "\"%s\" cannot reach this service; use an IPv%u address", text,
			 family);
}

static uint8_t protocol_number(const struct lsvm_sched *s, int protocol)
{
	const uint8_t number = lsvm_ipvs_protocol_number(protocol);

	return number ? number : s->key.fwmark ? IPPROTO_TCP : s->key.protocol;
}

static int read_packet(const struct lsvm_sched *s, const char *virtual_address,
		       const char *client, uint16_t client_port, int protocol,
		       uint64_t now_ms, struct sched_packet *ret)
{
	const uint8_t family = s->key.addr.family;
	struct sched_packet packet = {
		.virtual = s->key.addr,
		.client_port = client_port,
		.protocol = protocol_number(s, protocol),
		.now_ms = now_ms > s->now_ms ? now_ms : s->now_ms,
	};
	int err = parse_address(s->ctx, client, &packet.client);

	if (err >= 0 && virtual_address)
		err = parse_address(s->ctx, virtual_address, &packet.virtual);
	if (err < 0)
		return err;
	if (packet.client.family != family)
		return wrong_family(s->ctx, client, family);
	if (packet.virtual.family != family)
		return wrong_family(s->ctx, virtual_address, family);
	*ret = packet;
	return 0;
}

int lsvm_sched_predict(struct lsvm_ctx *ctx, const struct lsvm_ipvs_service *service,
		       const char *virtual_address, const char *client,
		       uint16_t client_port, const struct lsvm_ipvs_destination **ret)
{
	const struct ipvs_service *inside = (const struct ipvs_service *)service;
	struct sched_packet packet;
	struct sched_dest *dest = NULL;
	struct lsvm_sched *s;
	int err = lsvm_sched_create(ctx, inside, &s);

	if (err < 0)
		return err;
	if (s->scheduler->has_history)
		err = lsvm_fail(ctx, LSVM_ERR_STATE,
				"what %s decides depends on what came before; use a "
				"machine that hears it",
				s->scheduler->name);
	if (err >= 0)
		err = read_packet(s, virtual_address, client, client_port,
				  LSVM_PROTOCOL_UNKNOWN, 0, &packet);
	if (err >= 0)
		err = lsvm_sched_foresee(s, &packet, &dest);
	/* Numbers are those of the table. */
	if (dest)
		*ret = (const struct lsvm_ipvs_destination *)&inside->destinations
			       .items[dest->number];
	lsvm_sched_free(s);
	return err;
}

int lsvm_sched_new(struct lsvm_ctx *ctx, const struct lsvm_ipvs_service *service,
		   struct lsvm_sched **ret)
{
	return lsvm_sched_create(ctx, (const struct ipvs_service *)service, ret);
}

int lsvm_sched_edit(struct lsvm_sched *s, const struct lsvm_ipvs_service *service)
{
	return lsvm_sched_service_edit(s, (const struct ipvs_service *)service);
}

void lsvm_sched_set_expire_quiescent(struct lsvm_sched *s, bool expire)
{
	s->expire_quiescent = expire;
}

void lsvm_sched_set_cache_expiration_s(struct lsvm_sched *s, uint32_t seconds)
{
	s->cache_expiration_s = seconds;
}

int lsvm_sched_add(struct lsvm_sched *s, const char *address, uint16_t port,
		   uint32_t weight, uint32_t upper_threshold, uint32_t lower_threshold)
{
	struct sched_dest *dest;
	struct addr addr;
	int err = parse_address(s->ctx, address, &addr);

	if (err >= 0)
		err = lsvm_sched_dest_add(s, &addr, port, weight, upper_threshold,
					  lower_threshold, &dest);
	return err < 0 ? err : (int)dest->number;
}

static struct sched_dest *by_number(const struct lsvm_sched *s, uint32_t number)
{
	return number < s->all.count ? s->all.items[number] : NULL;
}

static int find_present(const struct lsvm_sched *s, uint32_t number,
			struct sched_dest **ret)
{
	struct sched_dest *dest = by_number(s, number);

	if (!dest || !dest->present)
		return lsvm_fail(s->ctx, LSVM_ERR_NOT_FOUND,
				 "there is no destination %u; add it first", number);
	*ret = dest;
	return 0;
}

int lsvm_sched_change(struct lsvm_sched *s, uint32_t destination, uint32_t weight,
		      uint32_t upper_threshold, uint32_t lower_threshold)
{
	struct sched_dest *dest = NULL;
	int err = find_present(s, destination, &dest);

	if (err < 0)
		return err;
	return lsvm_sched_dest_edit(s, dest, weight, upper_threshold, lower_threshold);
}

int lsvm_sched_remove(struct lsvm_sched *s, uint32_t destination)
{
	struct sched_dest *dest = NULL;
	int err = find_present(s, destination, &dest);

	return err < 0 ? err : lsvm_sched_dest_remove(s, dest);
}

int lsvm_sched_find(const struct lsvm_sched *s, const char *address, uint16_t port)
{
	const struct sched_dest *dest;
	char text[LSVM_ADDRESS_TEXT_BYTES];
	struct addr addr;
	int err = parse_address(s->ctx, address, &addr);

	if (err < 0)
		return err;
	dest = lsvm_sched_dest_lookup(s, &addr, port);
	if (!dest || !dest->present)
		return lsvm_fail(s->ctx, LSVM_ERR_NOT_FOUND,
				 "there is no destination %s; add it first",
				 lsvm_endpoint_text(&addr, port, text));
	return (int)dest->number;
}

size_t lsvm_sched_destination_count(const struct lsvm_sched *s)
{
	return s->all.count;
}

bool lsvm_sched_destination_is_present(const struct lsvm_sched *s, uint32_t destination)
{
	const struct sched_dest *dest = by_number(s, destination);

	return dest && dest->present;
}

const char *lsvm_sched_destination_address(const struct lsvm_sched *s,
					   uint32_t destination, char *buf, size_t size)
{
	const struct sched_dest *dest = by_number(s, destination);
	char text[LSVM_ADDRESS_TEXT_BYTES] = "";
	struct addr addr;

	if (dest) {
		addr.family = dest->name.family;
		memcpy(addr.bytes, dest->name.bytes, sizeof(addr.bytes));
		lsvm_addr_text(&addr, text);
	}
	snprintf(buf, size, "%s", text);
	return buf;
}

uint16_t lsvm_sched_destination_port(const struct lsvm_sched *s, uint32_t destination)
{
	const struct sched_dest *dest = by_number(s, destination);

	return dest ? dest->name.port : 0;
}

uint32_t lsvm_sched_destination_weight(const struct lsvm_sched *s, uint32_t destination)
{
	const struct sched_dest *dest = by_number(s, destination);

	return dest ? (uint32_t)dest->weight : 0;
}

uint32_t lsvm_sched_destination_active(const struct lsvm_sched *s, uint32_t destination)
{
	const struct sched_dest *dest = by_number(s, destination);

	return dest ? dest->active : 0;
}

uint32_t lsvm_sched_destination_inactive(const struct lsvm_sched *s, uint32_t destination)
{
	const struct sched_dest *dest = by_number(s, destination);

	return dest ? dest->inactive : 0;
}

bool lsvm_sched_destination_is_overloaded(const struct lsvm_sched *s,
					  uint32_t destination)
{
	const struct sched_dest *dest = by_number(s, destination);

	return dest && dest->overloaded;
}

int lsvm_sched_set_counts(struct lsvm_sched *s, uint32_t destination, uint32_t active,
			  uint32_t inactive)
{
	struct sched_dest *dest = by_number(s, destination);

	if (!dest)
		return lsvm_fail(s->ctx, LSVM_ERR_NOT_FOUND,
				 "there is no destination %u; add it first", destination);
	dest->active = active;
	dest->inactive = inactive;
	dest->overloaded = dest->upper && active + inactive >= dest->upper;
	return 0;
}

int lsvm_sched_connect(struct lsvm_sched *s, const char *virtual_address,
		       const char *client, uint16_t client_port, int protocol,
		       uint64_t now_ms, uint32_t *ret_destination,
		       uint32_t *ret_connection)
{
	struct sched_packet packet;
	struct sched_dest *dest = NULL;
	int err = read_packet(s, virtual_address, client, client_port, protocol, now_ms,
			      &packet);

	if (err >= 0)
		err = lsvm_sched_begin(s, &packet, &dest, ret_connection);
	if (dest)
		*ret_destination = dest->number;
	return err;
}

int lsvm_sched_peek(struct lsvm_sched *s, const char *virtual_address, const char *client,
		    uint16_t client_port, int protocol, uint64_t now_ms,
		    uint32_t *ret_destination)
{
	struct sched_packet packet;
	struct sched_dest *dest = NULL;
	int err = read_packet(s, virtual_address, client, client_port, protocol, now_ms,
			      &packet);

	if (err >= 0)
		err = lsvm_sched_foresee(s, &packet, &dest);
	if (dest)
		*ret_destination = dest->number;
	return err;
}
