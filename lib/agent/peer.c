/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What machines say to each other. A server tells the directors when it is back and when
 * it goes; a director that comes back asks the others for their connections, and holds
 * back until they are here. Without a key nobody speaks and nobody listens; then checks
 * find servers, and connections come by the kernel's sync daemon alone.
 */
#include "agent/peer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define SUBJECT "signals"
#define REFUSED_AGAIN_NS (60 * IO_S)

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

/* ---- calling ---- */

/* Where the other machine is met: in a common network if there is one. */
static const struct addr *find_way(const struct machine *from, const struct machine *to)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		for (uint32_t i = 0; i < from->interfaces.count; i++) {
			const struct network *network =
				from->interfaces.items[i].network.target;
			const struct interface *there =
				lsvm_machine_interface_in(to, network);
			const struct addr *addr =
				there ? lsvm_interface_address(there, family) : NULL;

			if (addr)
				return addr;
		}
	}
	for (uint8_t family = 4; family <= 6; family += 2)
		for (uint32_t i = 0; i < to->interfaces.count; i++) {
			const struct addr *addr =
				lsvm_interface_address(&to->interfaces.items[i], family);

			if (addr)
				return addr;
		}
	return NULL;
}

static void line_send(struct lsvm_agent *agent, struct line *line)
{
	uint8_t bytes[PEER_MESSAGE_BYTES];
	size_t length = lsvm_peer_call_next(&line->call, bytes);

	if (length)
		agent->io->send(agent->host, line->channel, bytes, length, NULL, 0);
}

static void look_at_line(struct lsvm_agent *agent, struct line *line);

/* That nobody listens there yet is no end: it is tried again. */
static void take_line(struct lsvm_agent *agent, struct seat *seat,
		      const struct io_event *event)
{
	struct line *line = (struct line *)seat;

	if (event->fact != IO_BYTES)
		return;
	lsvm_peer_call_input(&line->call, event->bytes, event->length, agent_now(agent));
	line_send(agent, line);
	look_at_line(agent, line);
}

static int say(struct lsvm_agent *agent, struct line *line, enum peer_word word)
{
	uint8_t nonce[PEER_NONCE_BYTES];
	struct peer_key own;
	int err = agent->io->random(agent->host, nonce, sizeof(nonce));

	if (err < 0)
		return err;
	if (!lsvm_peer_key_of(&agent->peer->key, agent->aim.machine->name, &own))
		return lsvm_fail(agent->ctx, LSVM_ERR_ARGUMENT,
				 "a machine called '%s' cannot sign",
				 agent->aim.machine->name);
	lsvm_peer_call_init(&line->call, &own, word, nonce, agent_now(agent));
	line->over = false;
	line_send(agent, line);
	return 0;
}

static struct line *find_line(const struct peer *peer, const char *name)
{
	for (size_t i = 0; i < peer->lines.count; i++)
		if (strcmp(peer->lines.items[i]->name, name) == 0)
			return peer->lines.items[i];
	return NULL;
}

static int open_line(struct lsvm_agent *agent, const struct machine *to,
		     struct line **ret)
{
	const struct addr *addr = find_way(agent->aim.machine, to);
	struct channel_spec spec = { .kind = CHANNEL_UDP, .remote_port = PEER_PORT };
	struct line *line, **slot;
	int err;

	if (!addr || strlen(to->name) >= PEER_NAME_BYTES)
		return lsvm_fail(agent->ctx, LSVM_ERR_NOT_FOUND,
				 "%s cannot be called: it has no address", to->name);
	spec.remote = *addr;
	line = calloc(1, sizeof(*line));
	if (!line)
		return lsvm_fail_nomem(agent->ctx);
	strcpy(line->name, to->name);
	line->seat.take = take_line;
	err = agent->io->open(agent->host, &spec, &line->seat, &line->channel);
	slot = err < 0 ? NULL : vec_push(&agent->peer->lines);
	if (!slot) {
		if (err >= 0)
			agent->io->close(agent->host, line->channel);
		free(line);
		return err < 0 ? err : lsvm_fail_nomem(agent->ctx);
	}
	*slot = line;
	*ret = line;
	return 0;
}

static void close_lines(struct lsvm_agent *agent)
{
	struct peer *peer = agent->peer;

	for (size_t i = 0; i < peer->lines.count; i++) {
		agent->io->close(agent->host, peer->lines.items[i]->channel);
		free(peer->lines.items[i]);
	}
	peer->lines.count = 0;
}

/* Says the word to all other directors. */
static void say_to_all(struct lsvm_agent *agent, enum peer_word word)
{
	const struct lsvm_cluster *cluster = agent->aim.cluster;

	for (uint32_t i = 0; i < cluster->directors.count; i++) {
		const struct machine *to = &cluster->directors.items[i];
		struct line *line = find_line(agent->peer, to->name);
		int err = 0;

		if (to == agent->aim.machine)
			continue;
		if (!line)
			err = open_line(agent, to, &line);
		if (err >= 0)
			err = say(agent, line, word);
		if (err < 0)
			lsvm_agent_trouble(agent, &agent->peer->trouble, SUBJECT,
					   lsvm_ctx_error_text(agent->ctx));
	}
}

/* ---- a director that comes back ---- */

static bool is_synced(const struct lsvm_agent *agent)
{
	const struct lsvm_ipvs_table *table = agent->aim.standby->wanted->ipvs;

	return agent->role == LSVM_ROLE_DIRECTOR && table && table->master.present &&
	       agent->aim.cluster->redundancy->connections == LSVM_CONNECTIONS_SYNC;
}

static void ask_all(struct lsvm_agent *agent)
{
	struct peer *peer = agent->peer;

	if (!peer->has_key || !is_synced(agent) ||
	    agent->aim.cluster->directors.count < 2)
		return;
	peer->asking = true;
	peer->told_count = 0;
	peer->count_ns = IO_NEVER;
	for (size_t i = 0; i < peer->lines.count; i++)
		peer->lines.items[i]->ask_count = 0;
	say_to_all(agent, PEER_TELL);
}

static bool all_over(const struct peer *peer)
{
	for (size_t i = 0; i < peer->lines.count; i++)
		if (!peer->lines.items[i]->over)
			return false;
	return true;
}

static void settle(struct lsvm_agent *agent)
{
	struct peer *peer = agent->peer;

	peer->asking = false;
	peer->count_ns = IO_NEVER;
	lsvm_duty_judge(agent);
}

/* All have answered, or will not. */
static void answered(struct lsvm_agent *agent)
{
	struct peer *peer = agent->peer;

	if (!peer->told_count) {
		settle(agent);
		return;
	}
	peer->count_ns = agent_now(agent) + PEER_COUNT_AFTER_NS;
}

static void end_handover(struct lsvm_agent *agent)
{
	agent->peer->handing_over = false;
	lsvm_duty_handover(agent);
	if (agent->peer->asking)
		answered(agent);
}

void lsvm_peer_counted(struct lsvm_agent *agent, uint32_t count)
{
	struct peer *peer = agent->peer;
	bool all = count >= peer->told_count - peer->told_count / 50, again = false;

	if (peer->handing_over) {
		if (count >= peer->told_count)
			end_handover(agent);
		else
			peer->count_ns = agent_now(agent) + PEER_HANDOVER_LOOK_NS;
		return;
	}
	if (!peer->asking)
		return;
	for (size_t i = 0; !all && i < peer->lines.count; i++) {
		struct line *line = peer->lines.items[i];

		if (line->call.state != PEER_DONE || ++line->ask_count >= PEER_ASK_MAX)
			continue;
		again |= say(agent, line, PEER_TELL) >= 0;
	}
	if (again)
		return;
	lsvm_agent_say(agent, LSVM_EVENT_SYNCED,
		       all ? LSVM_SEVERITY_NOTICE : LSVM_SEVERITY_WARNING, "connections",
		       all ? "told %u by the other director, %u are here"
			   : "told %u by the other director, only %u are here; clients "
			     "of the rest will have to connect again",
		       peer->told_count, count);
	settle(agent);
}

/* A call ended: done, or given up. */
static void look_at_line(struct lsvm_agent *agent, struct line *line)
{
	struct peer *peer = agent->peer;

	if (line->over || lsvm_peer_call_deadline(&line->call) != IO_NEVER)
		return;
	line->over = true;
	if (line->call.message.word == PEER_TELL) {
		if (line->call.state == PEER_DONE && line->call.number > peer->told_count)
			peer->told_count = line->call.number;
		if (!all_over(peer))
			return;
		if (peer->handing_over)
			peer->count_ns = agent_now(agent) + PEER_HANDOVER_LOOK_NS;
		else if (peer->asking)
			answered(agent);
	} else if (line->call.state == PEER_GIVEN_UP) {
		lsvm_agent_say(agent, LSVM_EVENT_FAILED, LSVM_SEVERITY_WARNING, SUBJECT,
			       "%s did not answer; it will find this server by its "
			       "checks",
			       line->name);
	}
}

bool lsvm_peer_holds_back(const struct lsvm_agent *agent)
{
	return agent->peer && agent->peer->asking;
}

/* Whether another director has spoken with us in this life: it knows how to. */
bool lsvm_peer_expects_handover(const struct lsvm_agent *agent)
{
	return agent->peer && agent->peer->was_asked && is_synced(agent);
}

bool lsvm_peer_ask_handover(struct lsvm_agent *agent)
{
	struct peer *peer = agent->peer;
	bool any = false;

	if (!peer || !peer->has_key || !is_synced(agent))
		return false;
	/* The virtual router of the other family asked already. */
	if (peer->handing_over)
		return true;
	/* Who did not answer before is not waited for. */
	for (size_t i = 0; i < peer->lines.count; i++) {
		struct line *line = peer->lines.items[i];

		if (line->call.state == PEER_DONE)
			any |= say(agent, line, PEER_TELL) >= 0;
	}
	peer->handing_over = any;
	peer->told_count = 0;
	peer->count_ns = IO_NEVER;
	return any;
}

/* ---- being called ---- */

static const struct machine *find_machine(const struct lsvm_agent *agent,
					  const char *name)
{
	return lsvm_map_find(&agent->aim.cluster->machines_by_name, name);
}

static void send_reply(struct lsvm_agent *agent, const struct addr *to, uint16_t port,
		       const struct peer_reply *reply)
{
	const struct ear *ear = &agent->peer->ears[to->family == 6];

	if (reply->length && ear->channel)
		agent->io->send(agent->host, ear->channel, reply->bytes, reply->length,
				to, port);
}

void lsvm_peer_answer(struct lsvm_agent *agent, struct peer_talk *talk, uint32_t number)
{
	struct peer_reply reply;

	lsvm_peer_hear_answer(agent->peer->hear, talk, number, &reply);
	send_reply(agent, &talk->from, talk->from_port, &reply);
	agent->peer->was_asked |= talk->message.word == PEER_TELL;
}

static struct leaving *find_leaving(struct peer *peer, const char *name)
{
	for (size_t i = 0; i < peer->leaving.count; i++)
		if (strcmp(peer->leaving.items[i].name, name) == 0)
			return &peer->leaving.items[i];
	return NULL;
}

static void stays(struct lsvm_agent *agent, struct leaving *leaving)
{
	struct peer *peer = agent->peer;

	lsvm_watch_leaving(agent, leaving->name, false);
	*leaving = peer->leaving.items[--peer->leaving.count];
}

static void leaves(struct lsvm_agent *agent, const char *name)
{
	struct peer *peer = agent->peer;
	struct leaving *leaving = find_leaving(peer, name);

	if (!leaving)
		leaving = vec_push(&peer->leaving);
	if (!leaving)
		return;
	strcpy(leaving->name, name);
	leaving->until_ns = agent_now(agent) + PEER_LEAVING_NS;
	lsvm_watch_leaving(agent, name, true);
}

static void act(struct lsvm_agent *agent, struct peer_talk *talk)
{
	const char *name = talk->message.name;
	const struct machine *machine = find_machine(agent, name);
	struct leaving *leaving = find_leaving(agent->peer, name);

	agent->peer->heard_count++;
	if (!machine) {
		lsvm_agent_say(agent, LSVM_EVENT_REFUSED, LSVM_SEVERITY_WARNING, SUBJECT,
			       "'%s' has a key, but the cluster has no such machine",
			       name);
		lsvm_peer_answer(agent, talk, 0);
		return;
	}
	switch (talk->message.word) {
	case PEER_UP:
		lsvm_agent_say(agent, LSVM_EVENT_SIGNAL, LSVM_SEVERITY_NOTICE, name,
			       "says that it is back; it is looked at now");
		if (leaving)
			stays(agent, leaving);
		(void)lsvm_watch_hint(agent, name);
		lsvm_peer_answer(agent, talk, 0);
		break;
	case PEER_DOWN:
		lsvm_agent_say(agent, LSVM_EVENT_SIGNAL, LSVM_SEVERITY_NOTICE, name,
			       "says that it goes; it gets no new clients");
		leaves(agent, name);
		lsvm_peer_answer(agent, talk, 0);
		break;
	case PEER_TELL:
		lsvm_tell_for(agent, talk);
		break;
	case PEER_NOTHING:
		break;
	}
}

/* Said once a minute at most, whoever sends: whoever wants to fill a log must not. */
static void refused(struct lsvm_agent *agent, const struct io_event *event,
		    const char *why)
{
	char from[LSVM_ADDRESS_TEXT_BYTES], more[64] = "";
	struct peer *peer = agent->peer;
	const uint64_t now = agent_now(agent);

	peer->refused_count++;
	if (peer->refused_count > 1 && now < peer->refused_ns + REFUSED_AGAIN_NS)
		return;
	if (peer->refused_count > peer->refused_said + 1)
		snprintf(more, sizeof(more), "; %llu more since the last one was told",
			 (unsigned long long)(peer->refused_count - peer->refused_said -
					      1));
	peer->refused_ns = now;
	peer->refused_said = peer->refused_count;
	lsvm_agent_say(agent, LSVM_EVENT_REFUSED, LSVM_SEVERITY_WARNING, SUBJECT,
		       "a word from %s is not heard: %s%s",
		       lsvm_addr_text(&event->from, from), why, more);
}

static void take_ear(struct lsvm_agent *agent, struct seat *seat,
		     const struct io_event *event)
{
	struct peer *peer = agent->peer;
	struct peer_talk *talk;
	struct peer_reply reply;
	const char *why;

	if (event->fact == IO_FAILED) {
		lsvm_agent_trouble(agent, &peer->trouble, SUBJECT,
				   event->text ? event->text
					       : lsvm_io_error_text(event->error));
		return;
	}
	if (event->fact != IO_BYTES)
		return;
	switch (lsvm_peer_hear_input(peer->hear, &event->from, event->from_port,
				     event->bytes, event->length, agent_now(agent),
				     &reply, &talk, &why)) {
	case PEER_HEARD_NOTHING:
		send_reply(agent, &event->from, event->from_port, &reply);
		break;
	case PEER_HEARD_WORD:
		act(agent, talk);
		break;
	case PEER_HEARD_REFUSED:
		refused(agent, event, why);
		break;
	}
}

static bool has_family(const struct lsvm_agent *agent, uint8_t family)
{
	for (uint32_t i = 0; i < agent->aim.machine->interfaces.count; i++)
		if (lsvm_interface_address(&agent->aim.machine->interfaces.items[i],
					   family))
			return true;
	return false;
}

static int listen_to(struct lsvm_agent *agent, struct ear *ear, uint8_t family)
{
	const struct channel_spec spec = { .kind = CHANNEL_LISTEN_UDP,
					   .local = { .family = family },
					   .local_port = PEER_PORT };

	ear->seat.take = take_ear;
	if (!has_family(agent, family))
		return 0;
	return agent->io->open(agent->host, &spec, &ear->seat, &ear->channel);
}

static int start_director(struct lsvm_agent *agent)
{
	struct peer *peer = agent->peer;
	uint8_t secret[PEER_KEY_BYTES];
	int err = agent->io->random(agent->host, secret, sizeof(secret));

	if (err < 0)
		return err;
	peer->hear = malloc(sizeof(*peer->hear));
	if (!peer->hear)
		return lsvm_fail_nomem(agent->ctx);
	lsvm_peer_hear_init(peer->hear, &peer->key, secret);
	err = listen_to(agent, &peer->ears[0], 4);
	return err < 0 ? err : listen_to(agent, &peer->ears[1], 6);
}

/* ---- the part ---- */

/* Once, when the machine holds its plan. */
static void announce(struct lsvm_agent *agent)
{
	agent->peer->announced = true;
	if (agent->role == LSVM_ROLE_DIRECTOR)
		ask_all(agent);
	else
		say_to_all(agent, PEER_UP);
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
		err = start_director(agent);
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
		ask_all(agent);
	}
}

static uint64_t peer_deadline(const struct lsvm_agent *agent)
{
	const struct peer *peer = agent->peer;
	uint64_t deadline = peer ? peer->count_ns : IO_NEVER;

	for (size_t i = 0; peer && i < peer->lines.count; i++) {
		uint64_t its = lsvm_peer_call_deadline(&peer->lines.items[i]->call);

		deadline = its < deadline ? its : deadline;
	}
	for (size_t i = 0; peer && i < peer->leaving.count; i++)
		if (peer->leaving.items[i].until_ns < deadline)
			deadline = peer->leaving.items[i].until_ns;
	return deadline;
}

static void peer_tick(struct lsvm_agent *agent, uint64_t now_ns)
{
	struct peer *peer = agent->peer;

	for (size_t i = 0; i < peer->lines.count; i++) {
		struct line *line = peer->lines.items[i];

		lsvm_peer_call_tick(&line->call, now_ns);
		line_send(agent, line);
		look_at_line(agent, line);
	}
	for (size_t i = peer->leaving.count; i-- > 0;)
		if (now_ns >= peer->leaving.items[i].until_ns)
			stays(agent, &peer->leaving.items[i]);
	if (now_ns < peer->count_ns)
		return;
	peer->count_ns = IO_NEVER;
	if (lsvm_tell_count(agent) >= 0)
		return;
	if (peer->handing_over)
		end_handover(agent);
	else
		settle(agent);
}

/* Addresses may have changed: lines are opened anew when they are needed. */
static void peer_reload(struct lsvm_agent *agent, bool good)
{
	struct peer *peer = agent->peer;

	if (!good || !peer || !peer->has_key)
		return;
	close_lines(agent);
	if (peer->asking)
		ask_all(agent);
}

static void peer_stop(struct lsvm_agent *agent)
{
	if (agent->peer && agent->peer->has_key && agent->role == LSVM_ROLE_SERVER)
		say_to_all(agent, PEER_DOWN);
}

static bool peer_stopped(const struct lsvm_agent *agent)
{
	return !agent->peer || agent->role == LSVM_ROLE_DIRECTOR || all_over(agent->peer);
}

static void peer_free(struct lsvm_agent *agent)
{
	struct peer *peer = agent->peer;

	if (!peer)
		return;
	lsvm_tell_free(agent);
	for (size_t i = 0; i < ARRAY_SIZE(peer->ears); i++)
		agent->io->close(agent->host, peer->ears[i].channel);
	close_lines(agent);
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
