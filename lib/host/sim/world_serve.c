/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What runs on a simulated machine beside the process: servers with a behaviour, programs
 * with a result, and somebody who asks the process through its HTTP port or its local
 * socket.
 */
#include "host/sim/world_private.h"

#include <stdlib.h>

static struct node *node_of(const struct lsvm_host *host)
{
	return ((const struct sim_host *)host)->node;
}

/* ---- servers ---- */

const struct sim_serve *lsvm_node_serve(const struct node *node, int protocol,
					uint16_t port)
{
	const struct sim_serve *any = NULL;

	for (size_t i = 0; i < node->serves.count; i++) {
		const struct behaviour_spec *spec = &node->serves.items[i].spec;

		if (spec->protocol != protocol)
			continue;
		if (spec->port == port)
			return &node->serves.items[i];
		if (!spec->port)
			any = &node->serves.items[i];
	}
	return any;
}

static void free_texts(struct behaviour_spec *spec)
{
	free((char *)spec->greeting);
	free((char *)spec->answer);
	spec->greeting = spec->answer = NULL;
}

int lsvm_world_serve(struct lsvm_host *host, const struct behaviour_spec *spec)
{
	struct node *node = node_of(host);
	struct behaviour_spec copy = *spec;
	struct sim_serve *slot = NULL;

	for (size_t i = 0; i < node->serves.count && !slot; i++)
		if (node->serves.items[i].spec.protocol == spec->protocol &&
		    node->serves.items[i].spec.port == spec->port)
			slot = &node->serves.items[i];
	copy.greeting = spec->greeting ? strdup(spec->greeting) : NULL;
	copy.answer = spec->answer ? strdup(spec->answer) : NULL;
	if (!slot)
		slot = vec_push(&node->serves);
	if (!slot || (spec->greeting && !copy.greeting) ||
	    (spec->answer && !copy.answer)) {
		free_texts(&copy);
		return lsvm_fail_nomem(host->ctx);
	}
	free_texts(&slot->spec);
	slot->spec = copy;
	if (copy.behaviour == BEHAVIOUR_REFUSE)
		lsvm_stream_reset_served(node, copy.protocol, copy.port);
	return 0;
}

uint64_t lsvm_world_served(const struct lsvm_host *host)
{
	return node_of(host)->served;
}

/* ---- programs ---- */

const struct sim_program *lsvm_node_program(const struct node *node, const char *argv0)
{
	for (size_t i = 0; i < node->programs.count; i++)
		if (strcmp(node->programs.items[i].argv0, argv0) == 0)
			return &node->programs.items[i];
	return NULL;
}

int lsvm_world_program(struct lsvm_host *host, const char *argv0, int status,
		       const char *output, uint64_t duration_ns)
{
	struct node *node = node_of(host);
	struct sim_program *slot = (struct sim_program *)lsvm_node_program(node, argv0);
	char *copy = strdup(output ? output : ""), *name = slot ? NULL : strdup(argv0);

	if (copy && !slot && name) {
		slot = vec_push(&node->programs);
		if (slot)
			slot->argv0 = name;
	}
	if (!slot || !copy) {
		free(copy);
		free(name);
		return lsvm_fail_nomem(host->ctx);
	}
	free(slot->output);
	slot->output = copy;
	slot->status = status;
	slot->duration_ns = duration_ns;
	return 0;
}

void lsvm_serve_free(struct node *node)
{
	for (size_t i = 0; i < node->serves.count; i++)
		free_texts(&node->serves.items[i].spec);
	for (size_t i = 0; i < node->programs.count; i++) {
		free(node->programs.items[i].argv0);
		free(node->programs.items[i].output);
	}
	vec_free(&node->serves);
	vec_free(&node->programs);
}

/* ---- asking the process ---- */

static struct channel *find_channel(struct node *node, enum channel_kind kind,
				    const char *path)
{
	for (struct channel *channel = node->channels; channel; channel = channel->next)
		if (channel->spec.kind == kind && channel->state == CHANNEL_OPEN &&
		    (!path || strcmp(channel->spec.path, path) == 0))
			return channel;
	return NULL;
}

static int not_there(struct lsvm_host *host, const char *what)
{
	return lsvm_fail(host->ctx, LSVM_ERR_NOT_FOUND,
			 "no process on %s listens at %s; start one that does",
			 host->name, what);
}

/* A channel of the process whose other side is here. */
static struct channel *begin_call(struct channel *listener, enum io_fact said,
				  struct sim_call *call, struct fact **ret_fact)
{
	const struct channel_spec spec = { .kind = CHANNEL_TCP };
	struct channel *channel = lsvm_channel_add(listener->node, &spec, NULL);

	if (!channel)
		return NULL;
	channel->state = CHANNEL_OPEN;
	channel->call = call;
	*ret_fact = lsvm_fact_push(listener, said, NULL, 0);
	if (*ret_fact)
		(*ret_fact)->event.accepted = channel;
	return channel;
}

int lsvm_world_http(struct lsvm_host *host, const char *path, int *ret_status,
		    char **ret_text)
{
	struct node *node = node_of(host);
	struct channel *listener = find_channel(node, CHANNEL_HTTP, NULL), *request;
	struct sim_call call = { .status = 0 };
	struct fact *fact = NULL;

	if (!listener)
		return not_there(host, "an HTTP port");
	request = begin_call(listener, IO_REQUEST, &call, &fact);
	if (!request)
		return lsvm_fail_nomem(host->ctx);
	if (fact) {
		strncpy(fact->text, path, sizeof(fact->text) - 1);
		fact->event.text = fact->text;
	}
	lsvm_world_step(node->world, node->world->now);
	if (!call.over) {
		request->call = NULL;
		lsvm_buf_free(&call.answer);
		return lsvm_fail(host->ctx, LSVM_ERR_TIMEOUT,
				 "the process on %s did not answer for %s", host->name,
				 path);
	}
	*ret_text = lsvm_buf_take(&call.answer);
	if (!*ret_text)
		return lsvm_fail_nomem(host->ctx);
	*ret_status = call.status;
	return 0;
}

int lsvm_world_local(struct lsvm_host *host, const char *path, const char *text,
		     uint64_t duration_ns, char **ret_text)
{
	struct node *node = node_of(host);
	struct channel *listener = find_channel(node, CHANNEL_LISTEN_LOCAL, path);
	const uint64_t until = node->world->now + duration_ns;
	struct sim_call call = { .status = 0 };
	struct fact *fact = NULL;
	struct channel *channel;
	char *taken;

	if (!listener)
		return not_there(host, path);
	channel = begin_call(listener, IO_ACCEPTED, &call, &fact);
	if (!channel)
		return lsvm_fail_nomem(host->ctx);
	lsvm_fact_push(channel, IO_BYTES, text, strlen(text));
	while (!call.over && lsvm_world_step(node->world, until))
		;
	if (!call.over)
		lsvm_fact_push(channel, IO_ENDED, NULL, 0);
	while (!call.over && lsvm_world_step(node->world, node->world->now))
		;
	if (!call.over)
		channel->call = NULL;
	taken = lsvm_buf_take(&call.answer);
	if (!taken)
		return lsvm_fail_nomem(host->ctx);
	*ret_text = taken;
	return 0;
}
