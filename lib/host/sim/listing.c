/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The simulated kernel's connections, as Linux lists them in /proc/net/ip_vs_conn. What
 * persistence remembers lies in the schedulers and is not listed. */
#include "host/sim/world_private.h"

#include <netinet/in.h>
#include <stdio.h>

#define LIST_PATH "/proc/thread-self/net/ip_vs_conn"
#define ORIGIN_PATH "/proc/thread-self/net/ip_vs_conn_sync"
#define WORD_BYTES 41 /* an IPv6 address, each pair of bytes with a colon behind it */

static const char *address(uint16_t family, const uint8_t *bytes, char *buf)
{
	char *at = buf;

	if (family != AF_INET6) {
		snprintf(buf, WORD_BYTES, "%02X%02X%02X%02X", bytes[0], bytes[1],
			 bytes[2], bytes[3]);
		return buf;
	}
	for (unsigned i = 0; i < 16; i += 2, at += 5)
		snprintf(at, 6, "%02x%02x:", bytes[i], bytes[i + 1]);
	at[-1] = '\0';
	return buf;
}

static const char *protocol(uint8_t number)
{
	return number == IPPROTO_UDP ? "UDP" : number == IPPROTO_SCTP ? "SCTP" : "TCP";
}

static const char *state(const struct sim_connection *c)
{
	if (c->flow.protocol == IPPROTO_UDP)
		return "UDP";
	if (c->closing)
		return c->flow.protocol == IPPROTO_TCP ? "FIN_WAIT" : "S-SENT";
	return "ESTABLISHED";
}

static void put_line(const struct sim_kernel *kernel, const struct sim_connection *c,
		     bool origin, struct buf *buf)
{
	const struct sim_flow *flow = &c->flow;
	const struct sim_dest_name *to = &c->dest->name;
	char client[WORD_BYTES], virtual[WORD_BYTES], server[WORD_BYTES];
	uint64_t left =
		c->expires_ms > kernel->now_ms ? c->expires_ms - kernel->now_ms : 0;

	lsvm_buf_printf(buf, "%-3s %s %04X %s %04X %s %04X %-11s %s%7llu\n",
			protocol(flow->protocol),
			address(flow->family, flow->client, client), flow->client_port,
			address(flow->family, flow->virtual, virtual), flow->virtual_port,
			address(to->family, to->addr, server),
			to->port ? to->port : flow->virtual_port, state(c),
			origin ? "LOCAL  " : "", (unsigned long long)(left / 1000));
}

static const char *heading(bool origin)
{
	return origin ? "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       "
			"Origin Expires\n"
		      : "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       "
			"Expires PEName PEData\n";
}

static int list(struct sim_host *sim, bool origin,
		void (*take)(void *arg, const char *bytes, size_t length), void *arg)
{
	const struct sim_kernel *kernel = &sim->kernel;
	struct buf buf = { 0 };
	int err = 0;

	lsvm_buf_text(&buf, heading(origin));
	for (size_t i = 0; i < kernel->connection_bucket_count; i++)
		for (const struct sim_connection *c = kernel->connections[i]; c;
		     c = c->next)
			put_line(kernel, c, origin, &buf);
	if (buf.failed)
		err = lsvm_fail_nomem(sim->host.ctx);
	else
		take(arg, buf.data, buf.length);
	lsvm_buf_free(&buf);
	return err;
}

int lsvm_sim_stream(struct lsvm_host *host, const char *path,
		    void (*take)(void *arg, const char *bytes, size_t length), void *arg)
{
	struct sim_host *sim = (struct sim_host *)host;
	const struct sim_file *file = lsvm_sim_file(sim, path);

	lsvm_node_sync(sim->node);
	if (file)
		take(arg, file->content, file->length);
	else if (strcmp(path, LIST_PATH) == 0 || strcmp(path, ORIGIN_PATH) == 0)
		return list(sim, strcmp(path, ORIGIN_PATH) == 0, take, arg);
	return 0;
}
