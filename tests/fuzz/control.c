/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any callers of the control socket saying anything, in any pieces, taking what they get
 * or not, and askers by HTTP: the agent answers in lines that are JSON objects, sends
 * nothing to who is gone, keeps to its limits, and has answered all in the end.
 */
#include "agent/control.h"
#include "host/sim/sim.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition) ((condition) ? (void)0 : broken(__LINE__))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void broken(int line)
{
	fprintf(stderr, "line %d: not so\n", line);
	abort();
}

static const char text[] =
	"name: small\n"
	"networks: [{name: front, subnets: 192.0.2.0/24, outside: true}]\n"
	"directors: [{name: eds1, interfaces: [{network: front, addresses: "
	"192.0.2.11}]}]\n"
	"servers: [{name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}]}]\n"
	"partitions: [{name: web, servers: [eps1], checks: [tcp], vips: [{address: "
	"192.0.2.100, services: [{ports: 80-89}]}]}]\n";

struct channel {
	enum channel_kind kind;
	void *owner;
	bool closed, caller;
	size_t waiting;
	struct buf got;
	struct channel *next;
};

static struct world {
	struct host_ops ops;
	struct lsvm_host *host;
	struct lsvm_agent *agent;
	uint64_t now_ns, wake_ns;
	struct channel *channels, *callers[256];
	size_t caller_count, replied_count, requested_count;
	struct io_event event;
	bool pending;
} w;

static uint64_t now_ns(struct lsvm_host *host)
{
	return w.now_ns;
}

static int give_random(struct lsvm_host *host, void *bytes, size_t length)
{
	memset(bytes, 7, length);
	return 0;
}

static int no_fd(struct lsvm_host *host)
{
	return -1;
}

static void wake(struct lsvm_host *host, uint64_t when_ns)
{
	w.wake_ns = when_ns;
}

static struct channel *new_channel(enum channel_kind kind, void *owner)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	CHECK(channel);
	channel->kind = kind;
	channel->owner = owner;
	channel->next = w.channels;
	w.channels = channel;
	return channel;
}

static int open_channel(struct lsvm_host *host, const struct channel_spec *spec,
			void *owner, struct channel **ret)
{
	*ret = new_channel(spec->kind, owner);
	return 0;
}

static bool take(struct lsvm_host *host, struct channel *channel, const void *bytes,
		 size_t length, const struct addr *to, uint16_t to_port)
{
	CHECK(!channel->closed);
	if (channel->caller)
		lsvm_buf_add(&channel->got, bytes, length);
	return true;
}

static size_t waiting(struct lsvm_host *host, const struct channel *channel)
{
	return channel->waiting;
}

static void close_channel(struct lsvm_host *host, struct channel *channel)
{
	if (!channel)
		return;
	CHECK(!channel->closed);
	channel->closed = true;
}

static void adopt(struct lsvm_host *host, struct channel *channel, void *owner)
{
	channel->owner = owner;
}

static void reply(struct lsvm_host *host, struct channel *request, int status,
		  const char *type, const char *content, size_t length)
{
	w.replied_count++;
}

static bool next(struct lsvm_host *host, struct io_event *ret)
{
	if (!w.pending || w.event.channel->closed)
		return false;
	w.pending = false;
	*ret = w.event;
	ret->owner = w.event.channel->owner;
	return true;
}

static void announce(struct lsvm_host *host, const struct address *addresses,
		     size_t count)
{
}

static int set_will(struct lsvm_host *host, const struct io_will *will)
{
	return 0;
}

static const struct io_ops io = {
	.now_ns = now_ns,
	.wall_ms = now_ns,
	.random = give_random,
	.fd = no_fd,
	.wake = wake,
	.open = open_channel,
	.send = take,
	.waiting = waiting,
	.close = close_channel,
	.adopt = adopt,
	.reply = reply,
	.next = next,
	.announce = announce,
	.will = set_will,
};

static void happens(struct channel *channel, struct io_event event)
{
	if (!channel || channel->closed)
		return;
	event.channel = channel;
	w.event = event;
	w.pending = true;
	CHECK(lsvm_agent_dispatch(w.agent) == 0);
	w.pending = false;
}

static struct channel *find(enum channel_kind kind)
{
	for (struct channel *at = w.channels; at; at = at->next)
		if (at->kind == kind && !at->closed)
			return at;
	return NULL;
}

static void pass(uint64_t ms)
{
	const uint64_t until = w.now_ns + ms * IO_MS;
	unsigned count = 0;

	while (w.wake_ns <= until) {
		if (w.wake_ns > w.now_ns)
			w.now_ns = w.wake_ns;
		w.wake_ns = IO_NEVER;
		CHECK(lsvm_agent_dispatch(w.agent) == 0);
		CHECK(++count < 100000);
	}
	w.now_ns = until;
}

static void come(void)
{
	struct channel *caller;

	if (w.caller_count == 256)
		return;
	caller = new_channel(CHANNEL_TCP, NULL);
	caller->caller = true;
	w.callers[w.caller_count++] = caller;
	happens(find(CHANNEL_LISTEN_LOCAL),
		(struct io_event){ .fact = IO_ACCEPTED, .accepted = caller });
}

static void speak(struct reader *in)
{
	struct channel *caller =
		w.caller_count ? w.callers[lsvm_read_u8(in) % w.caller_count] : NULL;
	size_t length = lsvm_read_u8(in);
	const uint8_t *bytes;

	if (length > in->left)
		length = in->left;
	bytes = lsvm_read_bytes(in, length);
	if (bytes && length)
		happens(caller, (struct io_event){ .fact = IO_BYTES,
						   .bytes = bytes,
						   .length = length });
}

static void request(uint8_t which)
{
	static const char *const paths[] = { "/metrics", "/status", "/x", "" };

	w.requested_count++;
	happens(find(CHANNEL_HTTP), (struct io_event){ .fact = IO_REQUEST,
						       .text = paths[which % 4],
						       .accepted = w.channels });
}

static void one_thing(struct reader *in)
{
	const uint8_t what = lsvm_read_u8(in);
	struct channel *caller =
		w.caller_count ? w.callers[what / 16 % w.caller_count] : NULL;

	switch (what % 8) {
	case 0:
		come();
		break;
	case 4:
		happens(caller, (struct io_event){ .fact = IO_ENDED });
		break;
	case 5:
		if (!caller)
			break;
		caller->waiting = caller->waiting ? 0 : CONTROL_WAITING_BYTES + 1;
		if (!caller->waiting)
			happens(caller, (struct io_event){ .fact = IO_DRAINED });
		break;
	case 6:
		if (lsvm_agent_is_reload_asked(w.agent) && what & 64)
			lsvm_agent_refuse_reload(w.agent, "no \xff\n file");
		else if (what & 128)
			request(what / 8);
		else
			pass(what);
		break;
	case 7:
		happens(caller, (struct io_event){ .fact = IO_FAILED,
						   .error = IO_ERROR_OVERFLOW });
		break;
	default:
		speak(in);
	}
}

/* Every line that ended is an object. Only an answer that was cut off by the agent, or by
 * its end, is a part of one; the reason may follow. */
static void check_lines(const struct channel *caller)
{
	const char *at = caller->got.data, *end = at + caller->got.length, *line_end;
	unsigned torn = 0;

	while (at && at < end && (line_end = memchr(at, '\n', (size_t)(end - at)))) {
		json_t *json = json_loadb(at, (size_t)(line_end - at), 0, NULL);

		if (json_is_object(json))
			CHECK(json_object_get(json, "ok") ||
			      json_object_get(json, "kind"));
		else
			CHECK(caller->closed && !torn++);
		json_decref(json);
		at = line_end + 1;
	}
	CHECK(at == end || caller->closed || !at || lsvm_agent_is_finished(w.agent));
}

static void end(void)
{
	/* Whoever waits for something takes it now. */
	if (lsvm_agent_is_reload_asked(w.agent))
		lsvm_agent_refuse_reload(w.agent, "no");
	for (size_t i = 0; i < w.caller_count; i++) {
		w.callers[i]->waiting = 0;
		happens(w.callers[i], (struct io_event){ .fact = IO_DRAINED });
	}
	pass(1000);
	for (size_t i = 0; i < w.caller_count; i++)
		check_lines(w.callers[i]);
	if (!lsvm_agent_is_finished(w.agent))
		CHECK(w.replied_count == w.requested_count);
}

static void clean(void)
{
	struct channel *next_channel;

	for (struct channel *at = w.channels; at; at = next_channel) {
		next_channel = at->next;
		lsvm_buf_free(&at->got);
		free(at);
	}
	memset(&w, 0, sizeof(w));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader in = { data, size, false };
	struct lsvm_cluster *cluster;
	struct lsvm_ctx *ctx;

	CHECK(lsvm_ctx_new(&ctx) == 0);
	CHECK(lsvm_cluster_load(ctx, text, strlen(text), LSVM_FORMAT_YAML, NULL,
				&cluster) == 0);
	CHECK(lsvm_host_new_simulated(ctx, "eds1", &w.host) == 0);
	w.now_ns = 1000 * IO_S;
	w.wake_ns = IO_NEVER;
	w.ops = *w.host->ops;
	w.ops.io = &io;
	w.host->ops = &w.ops;
	CHECK(lsvm_agent_new(w.host, cluster, "eds1", &w.agent) == 0);
	CHECK(lsvm_agent_set(w.agent, LSVM_AGENT_CONTROL, "/run/eds.sock") == 0);
	CHECK(lsvm_agent_set(w.agent, LSVM_AGENT_METRICS, "127.0.0.1:9100") == 0);
	CHECK(lsvm_agent_start(w.agent) == 0);
	while (in.left)
		one_thing(&in);
	end();
	lsvm_agent_free(w.agent);
	lsvm_host_free(w.host);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	clean();
	return 0;
}
