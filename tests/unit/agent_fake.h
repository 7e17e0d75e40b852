/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A simulated machine that waits in the test's own time: what an agent opens is listed,
 * what it sends is kept, and the test says what happens. */
#ifndef LSVM_TESTS_UNIT_AGENT_FAKE_H
#define LSVM_TESTS_UNIT_AGENT_FAKE_H

#include "agent/agent.h"
#include "host/sim/sim.h"

#include "test.h"

#include <stdlib.h>

#define FAKE_SENT_BYTES 2048

struct channel {
	struct channel_spec spec;
	char interface[INTERFACE_BYTES], path[256];
	void *owner;
	bool closed;
	size_t sent_count;
	uint8_t sent[FAKE_SENT_BYTES]; /* the last piece */
	size_t sent_length;
};

struct fake {
	struct host_ops ops;
	struct lsvm_host *host;
	uint64_t now_ns, wake_ns;
	VEC(struct channel *) channels;
	VEC(struct io_event) events;
	size_t event_next;
	size_t announced, will_count;
	bool has_will;
};

static struct fake fake;

static uint64_t fake_now(struct lsvm_host *host)
{
	return fake.now_ns;
}

static uint64_t fake_wall(struct lsvm_host *host)
{
	return 1700000000000 + fake.now_ns / IO_MS;
}

static int fake_random(struct lsvm_host *host, void *bytes, size_t length)
{
	memset(bytes, 7, length);
	return 0;
}

static int fake_fd(struct lsvm_host *host)
{
	return -1;
}

static void fake_wake(struct lsvm_host *host, uint64_t when_ns)
{
	fake.wake_ns = when_ns;
}

static int fake_open(struct lsvm_host *host, const struct channel_spec *spec, void *owner,
		     struct channel **ret)
{
	struct channel *channel = calloc(1, sizeof(*channel)), **slot;

	assert_non_null(channel);
	channel->spec = *spec;
	channel->owner = owner;
	if (spec->interface)
		strncpy(channel->interface, spec->interface, INTERFACE_BYTES - 1);
	slot = vec_push(&fake.channels);
	assert_non_null(slot);
	*slot = *ret = channel;
	return 0;
}

static bool fake_send(struct lsvm_host *host, struct channel *channel, const void *bytes,
		      size_t length, const struct addr *to, uint16_t to_port)
{
	assert_false(channel->closed);
	assert_true(length <= FAKE_SENT_BYTES);
	/* No bytes: the end of sending. */
	if (length)
		memcpy(channel->sent, bytes, length);
	channel->sent_length = length;
	channel->sent_count++;
	return true;
}

static size_t fake_waiting(struct lsvm_host *host, const struct channel *channel)
{
	return 0;
}

static void fake_close(struct lsvm_host *host, struct channel *channel)
{
	if (channel)
		channel->closed = true;
}

static void fake_adopt(struct lsvm_host *host, struct channel *channel, void *owner)
{
	channel->owner = owner;
}

static void fake_reply(struct lsvm_host *host, struct channel *request, int status,
		       const char *content_type, const char *text, size_t length)
{
}

static bool fake_next(struct lsvm_host *host, struct io_event *ret)
{
	while (fake.event_next < fake.events.count) {
		*ret = fake.events.items[fake.event_next++];
		if (!ret->channel->closed) {
			ret->owner = ret->channel->owner;
			return true;
		}
	}
	return false;
}

static void fake_announce(struct lsvm_host *host, const struct address *addresses,
			  size_t count)
{
	fake.announced += count;
}

static int fake_will(struct lsvm_host *host, const struct io_will *will_or_null)
{
	fake.has_will = will_or_null != NULL;
	fake.will_count = will_or_null ? will_or_null->address_count : 0;
	return 0;
}

static const struct io_ops fake_io = {
	.now_ns = fake_now,
	.wall_ms = fake_wall,
	.random = fake_random,
	.fd = fake_fd,
	.wake = fake_wake,
	.open = fake_open,
	.send = fake_send,
	.waiting = fake_waiting,
	.close = fake_close,
	.adopt = fake_adopt,
	.reply = fake_reply,
	.next = fake_next,
	.announce = fake_announce,
	.will = fake_will,
};

/* The machine waits by the fake from now on. */
static inline void fake_begin(struct lsvm_host *host)
{
	fake = (struct fake){ .host = host, .now_ns = 5 * IO_S, .wake_ns = IO_NEVER };
	fake.ops = *host->ops;
	fake.ops.io = &fake_io;
	host->ops = &fake.ops;
}

static inline void fake_end(void)
{
	for (size_t i = 0; i < fake.channels.count; i++)
		free(fake.channels.items[i]);
	vec_free(&fake.channels);
	vec_free(&fake.events);
}

/* The last open channel of that kind, or NULL. */
static inline struct channel *fake_channel(enum channel_kind kind)
{
	for (size_t i = fake.channels.count; i-- > 0;)
		if (fake.channels.items[i]->spec.kind == kind &&
		    !fake.channels.items[i]->closed)
			return fake.channels.items[i];
	return NULL;
}

static inline void fake_happens(struct channel *channel, const struct io_event *event)
{
	struct io_event *slot = vec_push(&fake.events);

	assert_non_null(slot);
	*slot = *event;
	slot->channel = channel;
}

/* ---- an agent on it ---- */

static struct lsvm_ctx *ctx;
static struct lsvm_host *host;
static struct lsvm_agent *agent;
static struct lsvm_cluster *cluster;

static void good(int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(ctx));
}

static inline struct lsvm_cluster *load(const char *text)
{
	struct lsvm_cluster *loaded;

	good(lsvm_cluster_load(ctx, text, strlen(text), LSVM_FORMAT_YAML, NULL, &loaded));
	return loaded;
}

static inline int fake_setup(const char *cluster_text)
{
	good(lsvm_ctx_new(&ctx));
	good(lsvm_host_new_simulated(ctx, "here", &host));
	fake_begin(host);
	cluster = load(cluster_text);
	agent = NULL;
	return 0;
}

static inline int fake_teardown(void **state)
{
	lsvm_agent_free(agent);
	lsvm_cluster_unref(cluster);
	lsvm_host_free(host);
	fake_end();
	lsvm_ctx_unref(ctx);
	return 0;
}

static inline void start(const char *machine)
{
	good(lsvm_agent_new(host, cluster, machine, &agent));
	good(lsvm_agent_start(agent));
}

/* Goes on as the agent asks to be woken, for that long. */
static inline void pass(uint64_t ms)
{
	const uint64_t until = fake.now_ns + ms * IO_MS;
	size_t count = 0;

	while (fake.wake_ns <= until) {
		if (fake.wake_ns > fake.now_ns)
			fake.now_ns = fake.wake_ns;
		fake.wake_ns = IO_NEVER;
		good(lsvm_agent_dispatch(agent));
		assert_true(++count < 100000);
	}
	fake.now_ns = until;
}

/* Whether an event of the kind, with the word in its text, is next but for others. */
static inline bool told(enum lsvm_event_kind kind, const char *word)
{
	struct lsvm_event *event;
	bool found = false;

	while (!found && lsvm_agent_next_event(agent, &event) == 1) {
		found = lsvm_event_kind(event) == (int)kind &&
			strstr(lsvm_event_text(event), word);
		lsvm_event_free(event);
	}
	return found;
}

#endif
