/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-eds connections: who is connected to what, and who serves it. */
#include "see.h"

#include <stdio.h>

#define ENDPOINT_BYTES (LSVM_ADDRESS_TEXT_BYTES + 8)

static const char *endpoint(const char *address, uint16_t port, bool six, char *buf)
{
	snprintf(buf, ENDPOINT_BYTES, six ? "[%s]:%u" : "%s:%u", address, port);
	return buf;
}

static const char *has_colon(const char *text)
{
	while (*text && *text != ':')
		text++;
	return *text ? text : NULL;
}

static void print_connection(const struct lsvm_connection *c)
{
	char client[LSVM_ADDRESS_TEXT_BYTES], virtual[LSVM_ADDRESS_TEXT_BYTES],
		server[LSVM_ADDRESS_TEXT_BYTES], first[ENDPOINT_BYTES],
		second[ENDPOINT_BYTES], third[ENDPOINT_BYTES];

	lsvm_connection_client(c, client, sizeof(client));
	lsvm_connection_virtual_address(c, virtual, sizeof(virtual));
	lsvm_connection_server(c, server, sizeof(server));
	endpoint(client, lsvm_connection_client_port(c), has_colon(client), first);
	endpoint(virtual, lsvm_connection_virtual_port(c), has_colon(virtual), second);
	endpoint(server, lsvm_connection_server_port(c), has_colon(server), third);
	if (lsvm_connection_is_template(c))
		snprintf(first, sizeof(first), "%s", client);
	if (lsvm_connection_fwmark(c))
		snprintf(second, sizeof(second), "mark %u", lsvm_connection_fwmark(c));
	printf("%-5s %-26s %-26s %-26s %-12s %7u %s%s%s%s\n", lsvm_connection_protocol(c),
	       first, second, third, lsvm_connection_state(c),
	       lsvm_connection_expires_s(c),
	       lsvm_connection_origin_name(lsvm_connection_origin(c)),
	       lsvm_connection_is_template(c) ? " template" : "",
	       *lsvm_connection_engine(c) ? " " : "", lsvm_connection_engine(c));
}

static void print_list(const struct lsvm_connection_list *connections)
{
	size_t count = lsvm_connection_list_count(connections);
	size_t matched = lsvm_connection_list_match_count(connections);

	if (count)
		printf("%-5s %-26s %-26s %-26s %-12s %7s %s\n", "PROTO", "CLIENT",
		       "VIRTUAL", "SERVER", "STATE", "EXPIRES", "ORIGIN");
	for (size_t i = 0; i < count; i++)
		print_connection(lsvm_connection_list_at(connections, i));
	if (matched > count)
		printf("%zu of %zu shown\n", count, matched);
}

int see_connections(struct tool *tool)
{
	char name[TOOL_HOST_NAME_BYTES] = "", *text;
	struct lsvm_connection_list *connections;
	struct lsvm_host *host;
	uint32_t limit;
	int status, err;

	if (!tool_number(tool, "limit", 1, UINT32_MAX, 0, &limit))
		return TOOL_USAGE;
	status = role_open_host(tool, role_machine_name(tool, name), &host);
	if (status != TOOL_DONE)
		return status;
	err = lsvm_host_connections(host, tool_value(tool, "client"),
				    tool_value(tool, "vip"), tool_value(tool, "server"),
				    tool_value(tool, "state"), limit, &connections);
	if (err < 0) {
		lsvm_host_free(host);
		return err == LSVM_ERR_ARGUMENT
			       ? tool_usage(tool, "%s", lsvm_ctx_error_text(tool->ctx))
			       : tool_failed(tool);
	}
	if (!tool_has(tool, "json"))
		print_list(connections);
	else if (lsvm_connection_list_to_json(connections, &text) < 0)
		status = tool_failed(tool);
	else
		tool_print(text);
	lsvm_connection_list_free(connections);
	lsvm_host_free(host);
	return status;
}
