/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clients of a simulated director, for tests that count who answered. */
#include "host/sim/world_private.h"

#include <netinet/in.h>
#include <stdio.h>

static const struct word answer_words[] = {
	{ LSVM_ANSWER_SERVER, "server" },   { LSVM_ANSWER_REFUSED, "refused" },
	{ LSVM_ANSWER_DROPPED, "dropped" }, { LSVM_ANSWER_RESET, "reset" },
	{ LSVM_ANSWER_LOCAL, "local" },	    { 0, NULL },
};

const char *lsvm_answer_name(int answer)
{
	return lsvm_word_name(answer_words, answer);
}

int lsvm_answer_parse(const char *name)
{
	return lsvm_word_value(answer_words, name);
}

static int check_simulated(struct lsvm_host *host)
{
	if (host->simulated)
		return 0;
	return lsvm_fail(host->ctx, LSVM_ERR_STATE,
			 "%s is a real machine; clients cannot be simulated on it",
			 host->name);
}

static int parse_address(struct lsvm_host *host, const char *text, struct addr *ret)
{
	if (text && lsvm_addr_parse(text, ret))
		return 0;
	return lsvm_fail(host->ctx, LSVM_ERR_ARGUMENT,
			 "\"%s\" is no address; write it like 192.0.2.1 or 2001:db8::1",
			 text ? text : "");
}

static int make_flow(struct lsvm_host *host, int protocol, const char *client,
		     uint16_t client_port, const char *address, uint16_t port,
		     struct sim_flow *ret)
{
	struct addr from = { 0 }, to = { 0 };
	int err = check_simulated(host);

	if (err >= 0)
		err = parse_address(host, client, &from);
	if (err >= 0)
		err = parse_address(host, address, &to);
	if (err < 0)
		return err;
	if (from.family != to.family)
		return lsvm_fail(host->ctx, LSVM_ERR_ARGUMENT,
				 "%s cannot reach %s; use two addresses of one family",
				 client, address);
	*ret = (struct sim_flow){
		.family = from.family == 6 ? AF_INET6 : AF_INET,
		.protocol = lsvm_ipvs_protocol_number(protocol),
		.client_port = client_port,
		.virtual_port = port,
	};
	if (!ret->protocol)
		return lsvm_fail(host->ctx, LSVM_ERR_ARGUMENT,
				 "%d is no protocol; use tcp, udp or sctp", protocol);
	memcpy(ret->client, from.bytes, from.family == 6 ? 16 : 4);
	memcpy(ret->virtual, to.bytes, to.family == 6 ? 16 : 4);
	return 0;
}

static int send_packet(struct lsvm_host *host, const struct sim_flow *flow,
		       uint32_t fwmark, bool opens, char *server, size_t size)
{
	struct sim_dest *dest = NULL;
	char text[LSVM_ADDRESS_TEXT_BYTES] = "";
	int answer;

	lsvm_node_sync(((struct sim_host *)host)->node);
	answer = lsvm_sim_packet((struct sim_host *)host, flow, fwmark, opens, &dest);
	if (answer < 0)
		return answer;
	if (dest) {
		struct addr addr = lsvm_sim_dest_value(dest).addr;

		lsvm_addr_text(&addr, text);
	}
	if (server && size)
		snprintf(server, size, "%s", text);
	return answer;
}

int lsvm_host_simulate_connect(struct lsvm_host *host, int protocol, const char *client,
			       uint16_t client_port, const char *address, uint16_t port,
			       uint32_t fwmark, char *server, size_t size)
{
	struct sim_flow flow;
	int err = make_flow(host, protocol, client, client_port, address, port, &flow);

	return err < 0 ? err : send_packet(host, &flow, fwmark, true, server, size);
}

int lsvm_host_simulate_send(struct lsvm_host *host, int protocol, const char *client,
			    uint16_t client_port, const char *address, uint16_t port,
			    uint32_t fwmark, char *server, size_t size)
{
	struct sim_flow flow;
	int err = make_flow(host, protocol, client, client_port, address, port, &flow);

	return err < 0 ? err : send_packet(host, &flow, fwmark, false, server, size);
}

int lsvm_host_simulate_close(struct lsvm_host *host, int protocol, const char *client,
			     uint16_t client_port, const char *address, uint16_t port)
{
	struct sim_flow flow;
	int err = make_flow(host, protocol, client, client_port, address, port, &flow);

	return err < 0 ? err : lsvm_sim_close((struct sim_host *)host, &flow);
}

int lsvm_host_simulate_pass(struct lsvm_host *host, uint64_t duration_ms)
{
	struct sim_host *sim = (struct sim_host *)host;
	int err = check_simulated(host);
	uint64_t before, passed;

	if (err < 0)
		return err;
	if (!sim->world)
		return lsvm_fail(host->ctx, LSVM_ERR_STATE,
				 "%s is in a world with others; let time pass there",
				 host->name);
	before = sim->kernel.now_ms;
	lsvm_world_advance(sim->world, duration_ms < IO_NEVER / IO_MS
					       ? duration_ms * IO_MS
					       : IO_NEVER);
	passed = sim->kernel.now_ms - before;
	if (passed < duration_ms)
		lsvm_sim_pass(sim, duration_ms - passed);
	return 0;
}
