/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What callers see of a list of connections. */
#include "base/json.h"
#include "ipvs/connections.h"

#include <stdio.h>

static const struct word origin_words[] = {
	{ LSVM_CONNECTION_ORIGIN_LOCAL, "local" },
	{ LSVM_CONNECTION_ORIGIN_SYNC, "sync" },
	{ 0, NULL },
};

const char *lsvm_connection_origin_name(int origin)
{
	return lsvm_word_name(origin_words, origin);
}

int lsvm_connection_origin_parse(const char *name)
{
	return lsvm_word_value(origin_words, name);
}

size_t lsvm_connection_list_count(const struct lsvm_connection_list *connections)
{
	return connections->list.count;
}

size_t lsvm_connection_list_match_count(const struct lsvm_connection_list *connections)
{
	return connections->match_count;
}

size_t lsvm_connection_list_seen_count(const struct lsvm_connection_list *connections)
{
	return connections->seen_count;
}

const struct lsvm_connection *lsvm_connection_list_at(
	const struct lsvm_connection_list *connections, size_t index)
{
	return index < connections->list.count ? &connections->list.items[index] : NULL;
}

static const char *address_text(const struct addr *addr, char *buf, size_t size)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (size)
		snprintf(buf, size, "%s", addr->family ? lsvm_addr_text(addr, text) : "");
	return buf;
}

const char *lsvm_connection_protocol(const struct lsvm_connection *connection)
{
	return connection->key.protocol;
}

const char *lsvm_connection_client(const struct lsvm_connection *connection, char *buf,
				   size_t size)
{
	return address_text(&connection->key.client, buf, size);
}

uint16_t lsvm_connection_client_port(const struct lsvm_connection *connection)
{
	return connection->key.client_port;
}

const char *lsvm_connection_virtual_address(const struct lsvm_connection *connection,
					    char *buf, size_t size)
{
	static const struct addr none;

	return address_text(connection->fwmark ? &none : &connection->key.virtual, buf,
			    size);
}

uint16_t lsvm_connection_virtual_port(const struct lsvm_connection *connection)
{
	return connection->key.virtual_port;
}

uint32_t lsvm_connection_fwmark(const struct lsvm_connection *connection)
{
	return connection->fwmark;
}

const char *lsvm_connection_server(const struct lsvm_connection *connection, char *buf,
				   size_t size)
{
	return address_text(&connection->server, buf, size);
}

uint16_t lsvm_connection_server_port(const struct lsvm_connection *connection)
{
	return connection->server_port;
}

const char *lsvm_connection_state(const struct lsvm_connection *connection)
{
	return connection->state;
}

uint32_t lsvm_connection_expires_s(const struct lsvm_connection *connection)
{
	return connection->expires_s;
}

int lsvm_connection_origin(const struct lsvm_connection *connection)
{
	return connection->origin;
}

bool lsvm_connection_is_template(const struct lsvm_connection *connection)
{
	return connection->key.client_port == 0;
}

const char *lsvm_connection_engine(const struct lsvm_connection *connection)
{
	return connection->engine;
}

static json_t *connection_json(const struct lsvm_connection *c)
{
	char client[LSVM_ADDRESS_TEXT_BYTES], virtual[LSVM_ADDRESS_TEXT_BYTES],
		server[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_connection_virtual_address(c, virtual, sizeof(virtual));
	return json_pack("{s:s, s:s, s:i, s:s?, s:i, s:I, s:s, s:i, s:s, s:I, s:s, s:b, "
			 "s:s}",
			 "protocol", c->key.protocol, "client",
			 lsvm_addr_text(&c->key.client, client), "client_port",
			 (int)c->key.client_port, "virtual_address",
			 c->fwmark ? NULL : virtual, "virtual_port",
			 (int)c->key.virtual_port, "fwmark", (json_int_t)c->fwmark,
			 "server", lsvm_addr_text(&c->server, server), "server_port",
			 (int)c->server_port, "state", c->state, "expires_s",
			 (json_int_t)c->expires_s, "origin",
			 lsvm_connection_origin_name(c->origin), "template",
			 lsvm_connection_is_template(c), "engine", c->engine);
}

int lsvm_connection_list_to_json(const struct lsvm_connection_list *connections,
				 char **ret)
{
	json_t *root = json_pack("{s:s, s:I, s:I, s:[]}", "schema", "lsvm-connections/1",
				 "seen", (json_int_t)connections->seen_count, "matched",
				 (json_int_t)connections->match_count, "connections");
	json_t *list = json_object_get(root, "connections");
	bool good = root != NULL;
	char *text = NULL;

	for (size_t i = 0; good && i < connections->list.count; i++)
		good = json_array_append_new(
			       list, connection_json(&connections->list.items[i])) == 0;
	if (good)
		text = lsvm_json_text(root, JSON_COMPACT);
	json_decref(root);
	if (!text)
		return lsvm_fail_nomem(connections->ctx);
	*ret = text;
	return 0;
}
