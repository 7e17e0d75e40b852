/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What machines say to each other. A server tells the directors when it is back and when
 * it goes; a director that comes back asks the others for their connections, and holds
 * back until they are here. Without a key nobody speaks and nobody listens; then checks
 * find servers, and connections come by the kernel's sync daemon alone.
 */
#include "agent/peer.h"

#include <jansson.h>
#include <stdlib.h>

/* ---- the key ---- */

static int peer_set(struct lsvm_agent *agent, enum lsvm_agent_option option,
		    const char *value)
{
	char *path;

	if (option != LSVM_AGENT_KEY)
		return LSVM_ERR_UNSUPPORTED;
	if (!agent->peer) {
		agent->peer = calloc(1, sizeof(*agent->peer));
		if (!agent->peer)
			return lsvm_fail_nomem(agent->ctx);
	}
	path = strdup(value);
	if (!path)
		return lsvm_fail_nomem(agent->ctx);
	free(agent->peer->key_path);
	agent->peer->key_path = path;
	return 0;
}

static void take_text(void *arg, const char *bytes, size_t length)
{
	struct buf *text = arg;

	/* What is longer is no key. */
	if (text->length <= PEER_KEY_TEXT_BYTES)
		lsvm_buf_add(text, bytes, length);
}

static int check_key(struct lsvm_agent *agent, const struct peer_key *key)
{
	const char *name = agent->aim.machine->name;

	if (key->is_cluster)
		return 0;
	if (agent->role == LSVM_ROLE_DIRECTOR)
		return lsvm_fail(agent->ctx, LSVM_ERR_ARGUMENT,
				 "%s is the key of '%s'; a director needs the cluster's, "
				 "the one that 'svm-ems key' made",
				 agent->peer->key_path, key->name);
	if (strcmp(key->name, name) != 0)
		return lsvm_fail(agent->ctx, LSVM_ERR_ARGUMENT,
				 "%s is the key of '%s', and this is '%s'; make its own "
				 "with 'svm-ems key --machine %s'",
				 agent->peer->key_path, key->name, name, name);
	return 0;
}

static int read_key(struct lsvm_agent *agent)
{
	struct peer *peer = agent->peer;
	struct peer_key key;
	struct buf text = { 0 };
	int err = agent->host->ops->stream(agent->host, peer->key_path, take_text, &text);

	if (err >= 0 && text.failed)
		err = lsvm_fail_nomem(agent->ctx);
	if (err >= 0)
		err = lsvm_peer_key_parse(agent->ctx, text.data ? text.data : "",
					  text.length, &key);
	if (err >= 0)
		err = check_key(agent, &key);
	lsvm_buf_free(&text);
	if (err < 0)
		return err;
	peer->key = key;
	peer->has_key = true;
	return 0;
}

/* ---- the part ---- */

/* Once, when the machine holds its plan. */
static void announce(struct lsvm_agent *agent)
{
	agent->peer->announced = true;
	if (agent->role == LSVM_ROLE_DIRECTOR)
		lsvm_lines_ask(agent);
	else
		lsvm_lines_say(agent, PEER_UP);
}

static int peer_start(struct lsvm_agent *agent)
{
	int err;

	if (!agent->peer)
		agent->peer = calloc(1, sizeof(*agent->peer));
	if (!agent->peer)
		return lsvm_fail_nomem(agent->ctx);
	agent->peer->count_ns = IO_NEVER;
	if (!agent->peer->key_path || !agent->peer->key_path[0])
		return 0;
	err = read_key(agent);
	if (err >= 0 && agent->role == LSVM_ROLE_DIRECTOR)
		err = lsvm_ears_open(agent);
	if (err >= 0 && lsvm_keep_is_good(agent))
		announce(agent);
	return err;
}

static void peer_heard(struct lsvm_agent *agent, const struct event *event)
{
	struct peer *peer = agent->peer;

	if (!peer || !peer->has_key)
		return;
	if (event->kind == LSVM_EVENT_APPLIED && !peer->announced) {
		announce(agent);
	} else if (event->kind == LSVM_EVENT_LINK_UP && peer->announced &&
		   agent->role == LSVM_ROLE_DIRECTOR) {
		/* What was told meanwhile is not known. */
		lsvm_lines_ask(agent);
	}
}

static uint64_t peer_deadline(const struct lsvm_agent *agent)
{
	uint64_t lines, ears;

	if (!agent->peer)
		return IO_NEVER;
	lines = lsvm_lines_deadline(agent->peer);
	ears = lsvm_ears_deadline(agent->peer);
	return lines < ears ? lines : ears;
}

static void peer_tick(struct lsvm_agent *agent, uint64_t now_ns)
{
	lsvm_lines_tick(agent, now_ns);
	lsvm_ears_tick(agent, now_ns);
}

/* Addresses may have changed: lines are opened anew when they are needed. */
static void peer_reload(struct lsvm_agent *agent, bool good)
{
	struct peer *peer = agent->peer;

	if (!good || !peer || !peer->has_key)
		return;
	lsvm_lines_close(agent);
	if (peer->asking)
		lsvm_lines_ask(agent);
}

static void peer_stop(struct lsvm_agent *agent)
{
	if (agent->peer && agent->peer->has_key && agent->role == LSVM_ROLE_SERVER)
		lsvm_lines_say(agent, PEER_DOWN);
}

static bool peer_stopped(const struct lsvm_agent *agent)
{
	return !agent->peer || agent->role == LSVM_ROLE_DIRECTOR ||
	       lsvm_lines_over(agent->peer);
}

static void peer_free(struct lsvm_agent *agent)
{
	struct peer *peer = agent->peer;

	if (!peer)
		return;
	lsvm_tell_free(agent);
	for (size_t i = 0; i < ARRAY_SIZE(peer->ears); i++)
		agent->io->close(agent->host, peer->ears[i].channel);
	lsvm_lines_close(agent);
	vec_free(&peer->lines);
	vec_free(&peer->leaving);
	free(peer->hear);
	free(peer->key_path);
	free(peer);
	agent->peer = NULL;
}

json_t *lsvm_peer_json(const struct lsvm_agent *agent)
{
	const struct peer *peer = agent->peer;

	return json_pack("{s:b, s:b, s:I, s:I}", "key", peer && peer->has_key, "asking",
			 lsvm_peer_holds_back(agent), "heard",
			 (json_int_t)(peer ? peer->heard_count : 0), "refused",
			 (json_int_t)(peer ? peer->refused_count : 0));
}

const struct agent_part lsvm_agent_peer = {
	.name = "peer",
	.set = peer_set,
	.start = peer_start,
	.reload = peer_reload,
	.deadline = peer_deadline,
	.tick = peer_tick,
	.heard = peer_heard,
	.stop = peer_stop,
	.stopped = peer_stopped,
	.free = peer_free,
};
