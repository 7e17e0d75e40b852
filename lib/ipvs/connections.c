/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the kernel's list of connections, line by line. */
#include "ipvs/connections.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- one line ---- */

/* The next word, cut off where it ends; "" when there is none. */
static char *word(char **line)
{
	char *at = *line + strspn(*line, " "), *end = at + strcspn(at, " ");

	*line = end;
	if (*end) {
		*end = '\0';
		*line = end + 1;
	}
	return at;
}

static bool number(const char *text, int base, unsigned long max, uint32_t *ret)
{
	char *end;
	unsigned long value = strtoul(text, &end, base);

	if (!isxdigit((unsigned char)text[0]) || *end || strlen(text) > 10 || value > max)
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* "C0000264" or "2001:0db8:…": IPv4 as one number, in the order of the network. */
static bool address(const char *text, struct addr *ret)
{
	uint32_t value;

	if (strchr(text, ':'))
		return lsvm_addr_parse(text, ret) && ret->family == 6;
	if (strlen(text) != 8 || text[1] == 'x' || text[1] == 'X' ||
	    !number(text, 16, UINT32_MAX, &value))
		return false;
	*ret = (struct addr){ .family = 4 };
	for (unsigned i = 0; i < 4; i++)
		ret->bytes[i] = (uint8_t)(value >> (24 - 8 * i));
	return true;
}

static bool endpoint(char **line, struct addr *ret, uint16_t *ret_port)
{
	uint32_t port;

	if (!address(word(line), ret) || !number(word(line), 16, UINT16_MAX, &port))
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static bool copy_word(const char *from, char *to)
{
	size_t length = strlen(from);

	if (!length || length >= CONNECTION_WORD_BYTES)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isgraph((unsigned char)from[i]))
			return false;
	memcpy(to, from, length + 1);
	return true;
}

static bool origin(const char *text, enum lsvm_connection_origin *ret)
{
	if (strcmp(text, "SYNC") == 0)
		*ret = LSVM_CONNECTION_ORIGIN_SYNC;
	else if (strcmp(text, "LOCAL") == 0)
		*ret = LSVM_CONNECTION_ORIGIN_LOCAL;
	else
		return false;
	return true;
}

/* The template of a service with a mark has the mark in place of the VIP. */
static void find_mark(struct lsvm_connection *connection)
{
	const uint8_t *bytes = connection->key.virtual.bytes;

	if (strcmp(connection->key.protocol, "ip") != 0)
		return;
	connection->fwmark = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
			     (uint32_t)bytes[2] << 8 | bytes[3];
}

bool lsvm_connection_parse(char *line, bool has_origin, struct lsvm_connection *ret)
{
	struct lsvm_connection found;

	/* Padding too: the key is compared as bytes. */
	memset(&found, 0, sizeof(found));
	if (!copy_word(word(&line), found.key.protocol))
		return false;
	for (char *c = found.key.protocol; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!endpoint(&line, &found.key.client, &found.key.client_port) ||
	    !endpoint(&line, &found.key.virtual, &found.key.virtual_port) ||
	    !endpoint(&line, &found.server, &found.server_port) ||
	    found.key.client.family != found.key.virtual.family ||
	    !copy_word(word(&line), found.state) ||
	    (has_origin && !origin(word(&line), &found.origin)) ||
	    !number(word(&line), 10, UINT32_MAX, &found.expires_s))
		return false;
	find_mark(&found);
	line += strspn(line, " ");
	if (*line)
		found.engine = line;
	*ret = found;
	return true;
}

/* ---- filter ---- */

static int endpoint_filter(struct lsvm_ctx *ctx, const char *text, const char *what,
			   struct addr *ret, uint16_t *ret_port)
{
	if (!text || !text[0] || lsvm_endpoint_parse(text, ret, ret_port))
		return 0;
	return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
			 "\"%s\" is no %s; write it like 192.0.2.1, 192.0.2.1:80 or "
			 "[2001:db8::1]:80",
			 text, what);
}

/* Of Linux 6.1: ip_vs_proto_tcp.c, _udp.c, _sctp.c, and ip_vs_state_name() for what has
 * no protocol and for what persistence remembers. */
static const char *const states[] = {
	"NONE",	    "ESTABLISHED", "SYN_SENT",	 "SYN_RECV",   "FIN_WAIT", "TIME_WAIT",
	"CLOSE",    "CLOSE_WAIT",  "LAST_ACK",	 "LISTEN",     "SYNACK",   "UDP",
	"INIT1",    "INIT",	   "C-SENT",	 "C-REPLIED",  "C-WAIT",   "COOKIE",
	"C-ECHOED", "S-SENT",	   "S-RECEIVED", "S-ACK-SENT", "REJECTED", "CLOSED",
	"ASSURED",  "ERR!",
};

static int state_filter(struct lsvm_ctx *ctx, const char *state,
			struct connection_filter *filter)
{
	struct buf names = { 0 };
	int err;

	if (!state || !state[0])
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcasecmp(state, states[i]) == 0 && copy_word(state, filter->state))
			return 0;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		lsvm_buf_printf(&names, "%s%s", i ? ", " : "", states[i]);
	err = names.failed ? lsvm_fail_nomem(ctx)
			   : lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				       "\"%.40s\" is no state; there are %s", state,
				       names.data);
	lsvm_buf_free(&names);
	return err;
}

int lsvm_connection_filter(struct lsvm_ctx *ctx, const char *client, const char *virtual,
			   const char *server, const char *state, size_t limit,
			   struct connection_filter *ret)
{
	struct connection_filter filter = { .limit = limit };
	int err;

	if (client && client[0] && !lsvm_prefix_parse(client, &filter.client))
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "\"%s\" is no client; write it like 192.0.2.1, "
				 "192.0.2.0/24 or 2001:db8::1",
				 client);
	err = state_filter(ctx, state, &filter);
	if (err >= 0)
		err = endpoint_filter(ctx, virtual, "virtual address", &filter.virtual,
				      &filter.virtual_port);
	if (err >= 0)
		err = endpoint_filter(ctx, server, "server", &filter.server,
				      &filter.server_port);
	if (err >= 0)
		*ret = filter;
	return err;
}

static bool same_endpoint(const struct addr *wanted, uint16_t wanted_port,
			  const struct addr *addr, uint16_t port)
{
	return (!wanted->family || lsvm_addr_compare(wanted, addr) == 0) &&
	       (!wanted_port || wanted_port == port);
}

static bool passes(const struct connection_filter *filter,
		   const struct lsvm_connection *connection)
{
	const struct connection_key *key = &connection->key;

	return (!filter->client.addr.family ||
		lsvm_prefix_contains(&filter->client, &key->client)) &&
	       same_endpoint(&filter->virtual, filter->virtual_port, &key->virtual,
			     key->virtual_port) &&
	       same_endpoint(&filter->server, filter->server_port, &connection->server,
			     connection->server_port) &&
	       (!filter->state[0] || strcasecmp(filter->state, connection->state) == 0);
}

/* ---- the list ---- */

int lsvm_connection_list_new(struct lsvm_ctx *ctx, const struct connection_filter *filter,
			     struct lsvm_connection_list **ret)
{
	struct lsvm_connection_list *connections = calloc(1, sizeof(*connections));

	if (!connections)
		return lsvm_fail_nomem(ctx);
	connections->ctx = lsvm_ctx_ref(ctx);
	connections->filter = *filter;
	*ret = connections;
	return 0;
}

void lsvm_connection_list_free(struct lsvm_connection_list *connections)
{
	struct lsvm_ctx *ctx;

	if (!connections)
		return;
	ctx = connections->ctx;
	vec_free(&connections->list);
	lsvm_map_free(&connections->known);
	lsvm_arena_free(&connections->arena);
	free(connections);
	lsvm_ctx_unref(ctx);
}

/* Call-IDs come from outside and may be any bytes. */
static const char *engine_text(struct lsvm_connection_list *connections, const char *text)
{
	char *copy;

	if (!text)
		return "";
	copy = lsvm_arena_strdup(&connections->arena, text);
	for (char *c = copy; c && *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	return copy;
}

static void keep(struct lsvm_connection_list *connections,
		 const struct lsvm_connection *connection)
{
	struct lsvm_connection *kept;

	connections->match_count++;
	if (connections->filter.limit &&
	    connections->list.count >= connections->filter.limit)
		return;
	kept = vec_push(&connections->list);
	if (!kept) {
		connections->failed = true;
		return;
	}
	*kept = *connection;
	kept->engine = engine_text(connections, connection->engine);
}

static void take_line(struct lsvm_connection_list *connections)
{
	struct lsvm_connection connection, *known;
	char *line = connections->line;
	size_t length = connections->line_length;

	connections->line_length = 0;
	if (length < CONNECTION_LINE_BYTES)
		line[length] = '\0';
	else
		line[0] = '\0'; /* longer than any of the kernel's */
	/* The heading. */
	if (strncmp(line, "Pro ", 4) == 0)
		return;
	if (!lsvm_connection_parse(line, connections->origins, &connection)) {
		connections->odd_count += !connections->origins;
		return;
	}
	if (connections->origins) {
		known = lsvm_map_get(&connections->known, &connection.key,
				     sizeof(connection.key));
		if (known)
			known->origin = connection.origin;
		return;
	}
	connections->seen_count++;
	if (passes(&connections->filter, &connection))
		keep(connections, &connection);
}

void lsvm_connection_list_feed(struct lsvm_connection_list *connections,
			       const char *bytes, size_t length)
{
	while (length) {
		const char *newline = memchr(bytes, '\n', length);
		size_t part = newline ? (size_t)(newline - bytes) : length;
		size_t room = CONNECTION_LINE_BYTES - connections->line_length;
		size_t copied = part < room ? part : room;

		memcpy(connections->line + connections->line_length, bytes, copied);
		connections->line_length += copied;
		if (newline)
			take_line(connections);
		bytes += part + (newline != NULL);
		length -= part + (newline != NULL);
	}
}

static int by_place(const void *left, const void *right)
{
	const struct lsvm_connection *a = left, *b = right;
	int order = lsvm_addr_compare(&a->key.virtual, &b->key.virtual);

	if (!order)
		order = (int)a->key.virtual_port - b->key.virtual_port;
	if (!order)
		order = strcmp(a->key.protocol, b->key.protocol);
	if (!order)
		order = lsvm_addr_compare(&a->server, &b->server);
	if (!order)
		order = lsvm_addr_compare(&a->key.client, &b->key.client);
	return order ? order : (int)a->key.client_port - b->key.client_port;
}

static bool remember(struct lsvm_connection_list *connections)
{
	void *old;

	for (size_t i = 0; i < connections->list.count; i++) {
		struct lsvm_connection *connection = &connections->list.items[i];
		int err = lsvm_map_put(&connections->known, &connection->key,
				       sizeof(connection->key), connection, &old);

		/* The kernel may list one twice while the table moves. */
		if (err < 0 && err != LSVM_ERR_EXISTS)
			return false;
	}
	return true;
}

int lsvm_connection_list_end(struct lsvm_connection_list *connections, bool origins)
{
	if (connections->line_length)
		take_line(connections);
	if (connections->arena.failed)
		connections->failed = true;
	if (!connections->origins && connections->list.count)
		qsort(connections->list.items, connections->list.count,
		      sizeof(*connections->list.items), by_place);
	if (origins && !connections->failed)
		connections->failed = !remember(connections);
	connections->origins = origins;
	return connections->failed ? lsvm_fail_nomem(connections->ctx) : 0;
}
