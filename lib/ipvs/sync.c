/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sync messages: a head of eight bytes, then entries, each on a boundary of four bytes
 * with its own length in front. All numbers are in network order. What follows an entry's
 * addresses are options (sequence numbers of NAT helpers, persistence engines): they are
 * skipped when read and never written, since the kernel's list does not show them.
 */
#include "ipvs/sync.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>

#define ENTRY_IPV6 1u
#define SIZE_MASK 0x0fffu
#define PROTOCOL_VERSION 1

/* The number of a state is its place. */
static const char *const tcp_states[] = { "NONE",     "ESTABLISHED", "SYN_SENT",
					  "SYN_RECV", "FIN_WAIT",    "TIME_WAIT",
					  "CLOSE",    "CLOSE_WAIT",  "LAST_ACK",
					  "LISTEN",   "SYNACK",	     NULL };
static const char *const udp_states[] = { "UDP", NULL };
static const char *const sctp_states[] = { "NONE",     "INIT1",	     "INIT",
					   "C-SENT",   "C-REPLIED",  "C-WAIT",
					   "COOKIE",   "C-ECHOED",   "ESTABLISHED",
					   "S-SENT",   "S-RECEIVED", "S-ACK-SENT",
					   "REJECTED", "CLOSED",     NULL };
static const char *const template_states[] = { "NONE", "ASSURED", NULL };

static const struct protocol {
	const char *name;
	uint8_t number;
	const char *const *states;
} protocols[] = {
	{ "tcp", IPPROTO_TCP, tcp_states },
	{ "udp", IPPROTO_UDP, udp_states },
	{ "sctp", IPPROTO_SCTP, sctp_states },
	{ "ip", 0, template_states },
};

static const struct protocol *find_protocol(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (strcmp(protocols[i].name, name) == 0)
			return &protocols[i];
	return NULL;
}

static bool find_state(const char *const *states, const char *name, uint16_t *ret)
{
	for (uint16_t i = 0; states[i]; i++)
		if (strcmp(states[i], name) == 0) {
			*ret = i;
			return true;
		}
	return false;
}

/* ---- which service, and how its server is reached ---- */

static const struct ipvs_destination *find_destination(const struct ipvs_service *service,
						       const struct sync_connection *c)
{
	for (size_t i = 0; i < service->destinations.count; i++) {
		const struct ipvs_destination *to = &service->destinations.items[i];

		if (lsvm_addr_compare(&to->addr, &c->server) == 0 &&
		    (!to->port || !c->server_port || to->port == c->server_port))
			return to;
	}
	return NULL;
}

/* The service of the connection's address and port, or of all ports of its address. */
static const struct ipvs_service *find_named(const struct lsvm_ipvs_table *table,
					     const struct sync_connection *c)
{
	struct ipvs_key key = { .protocol = c->protocol,
				.addr = c->virtual,
				.port = c->virtual_port };
	const struct ipvs_service *service = lsvm_ipvs_table_lookup(table, &key);

	key.port = 0;
	return service ? service : lsvm_ipvs_table_lookup(table, &key);
}

/* A connection does not show the mark that it came by: the first service with a mark that
 * has its server is taken. */
static const struct ipvs_destination *find_marked(const struct lsvm_ipvs_table *table,
						  struct sync_connection *c)
{
	for (size_t i = 0; i < table->services.count; i++) {
		const struct ipvs_service *service = &table->services.items[i];
		const struct ipvs_destination *to;

		if (!service->key.fwmark ||
		    service->key.addr.family != c->client.family ||
		    (c->fwmark && service->key.fwmark != c->fwmark))
			continue;
		to = find_destination(service, c);
		if (to) {
			c->fwmark = service->key.fwmark;
			return to;
		}
	}
	return NULL;
}

bool lsvm_sync_connection(const struct lsvm_connection *connection,
			  const struct lsvm_ipvs_table *table,
			  struct sync_connection *ret)
{
	const struct protocol *protocol = find_protocol(connection->key.protocol);
	const struct ipvs_service *service = NULL;
	const struct ipvs_destination *to;
	struct sync_connection c = {
		.client = connection->key.client,
		.virtual = connection->key.virtual,
		.server = connection->server,
		.client_port = connection->key.client_port,
		.virtual_port = connection->key.virtual_port,
		.server_port = connection->server_port,
		.fwmark = connection->fwmark,
		.timeout_s = connection->expires_s ? connection->expires_s : 1,
	};
	bool is_template;

	if (!protocol || (connection->engine && connection->engine[0]) ||
	    c.server.family != c.client.family)
		return false;
	is_template = !protocol->number || !c.client_port;
	c.protocol = protocol->number;
	if (!find_state(is_template ? template_states : protocol->states,
			connection->state, &c.state))
		return false;
	if (protocol->number)
		service = find_named(table, &c);
	to = service ? find_destination(service, &c) : find_marked(table, &c);
	if (!to)
		return false;
	c.flags = to->forwarding;
	if (is_template)
		c.flags |= IP_VS_CONN_F_TEMPLATE;
	else if (strcmp(connection->state, "ESTABLISHED") != 0)
		c.flags |= IP_VS_CONN_F_INACTIVE;
	*ret = c;
	return true;
}

/* ---- writing ---- */

static void put16(uint8_t **at, uint32_t value)
{
	*(*at)++ = (uint8_t)(value >> 8);
	*(*at)++ = (uint8_t)value;
}

static void put32(uint8_t **at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at, value);
}

static void put_address(uint8_t **at, const struct addr *addr)
{
	size_t length = addr->family == 4 ? 4 : 16;

	memcpy(*at, addr->bytes, length);
	*at += length;
}

static void put_head(struct sync_message *message)
{
	message->bytes[2] = (uint8_t)(message->length >> 8);
	message->bytes[3] = (uint8_t)message->length;
	message->bytes[4] = (uint8_t)message->count;
}

void lsvm_sync_begin(struct sync_message *message, uint8_t sync_id)
{
	memset(message->bytes, 0, SYNC_HEAD_BYTES);
	message->bytes[1] = sync_id;
	message->bytes[5] = PROTOCOL_VERSION;
	message->length = SYNC_HEAD_BYTES;
	message->count = 0;
	put_head(message);
}

bool lsvm_sync_add(struct sync_message *message, size_t max_bytes,
		   const struct sync_connection *connection)
{
	bool ipv6 = connection->client.family == 6;
	size_t size = ipv6 ? SYNC_ENTRY6_BYTES : SYNC_ENTRY4_BYTES;
	uint8_t *at = message->bytes + message->length;

	if (max_bytes > sizeof(message->bytes))
		max_bytes = sizeof(message->bytes);
	if (message->length + size > max_bytes || message->count == UINT8_MAX)
		return false;
	*at++ = ipv6 ? ENTRY_IPV6 : 0;
	*at++ = connection->protocol;
	put16(&at, (uint32_t)size);
	put32(&at, connection->flags);
	put16(&at, connection->state);
	put16(&at, connection->client_port);
	put16(&at, connection->virtual_port);
	put16(&at, connection->server_port);
	put32(&at, connection->fwmark);
	put32(&at, connection->timeout_s);
	put_address(&at, &connection->client);
	put_address(&at, &connection->virtual);
	put_address(&at, &connection->server);
	message->length += size;
	message->count++;
	put_head(message);
	return true;
}

/* ---- reading ---- */

bool lsvm_sync_head(struct reader *reader, uint8_t sync_id, size_t *ret_count)
{
	size_t whole = reader->left;
	uint8_t reserved = lsvm_read_u8(reader), id = lsvm_read_u8(reader);
	uint16_t size = lsvm_read_be16(reader);
	uint8_t count = lsvm_read_u8(reader), version = lsvm_read_u8(reader);
	uint16_t spare = lsvm_read_be16(reader);

	if (reader->failed || reserved || spare || version != PROTOCOL_VERSION ||
	    size != whole || (sync_id && id != sync_id))
		return false;
	*ret_count = count;
	return true;
}

static void read_address(struct reader *reader, bool ipv6, struct addr *ret)
{
	size_t length = ipv6 ? 16 : 4;
	const uint8_t *bytes = lsvm_read_bytes(reader, length);

	*ret = (struct addr){ .family = ipv6 ? 6 : 4 };
	if (bytes)
		memcpy(ret->bytes, bytes, length);
}

bool lsvm_sync_entry(struct reader *reader, struct sync_connection *ret)
{
	struct sync_connection c = { 0 };
	struct reader entry = *reader;
	uint8_t type = lsvm_read_u8(&entry);
	bool ipv6 = type & ENTRY_IPV6;
	size_t size;

	c.protocol = lsvm_read_u8(&entry);
	size = lsvm_read_be16(&entry) & SIZE_MASK;
	if (entry.failed || type > ENTRY_IPV6 ||
	    size < (ipv6 ? SYNC_ENTRY6_BYTES : SYNC_ENTRY4_BYTES))
		return false;
	c.flags = lsvm_read_be32(&entry);
	c.state = lsvm_read_be16(&entry);
	c.client_port = lsvm_read_be16(&entry);
	c.virtual_port = lsvm_read_be16(&entry);
	c.server_port = lsvm_read_be16(&entry);
	c.fwmark = lsvm_read_be32(&entry);
	c.timeout_s = lsvm_read_be32(&entry);
	read_address(&entry, ipv6, &c.client);
	read_address(&entry, ipv6, &c.virtual);
	read_address(&entry, ipv6, &c.server);
	/* The next one begins on a boundary of four; behind the last there may be none.
	 */
	if (entry.failed || !lsvm_read_bytes(reader, size))
		return false;
	if (reader->left >= (4 - size % 4) % 4)
		lsvm_read_bytes(reader, (4 - size % 4) % 4);
	*ret = c;
	return true;
}
