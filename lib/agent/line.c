/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calling other machines. A server says to the directors that it is back or goes; a
 * director that comes back, or takes over from a living one, asks the others for their
 * connections and waits until its own kernel has them.
 */
#include "agent/peer.h"

#include <stdlib.h>

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

void lsvm_lines_close(struct lsvm_agent *agent)
{
	struct peer *peer = agent->peer;

	for (size_t i = 0; i < peer->lines.count; i++) {
		agent->io->close(agent->host, peer->lines.items[i]->channel);
		free(peer->lines.items[i]);
	}
	peer->lines.count = 0;
}

/* Says the word to all other directors. */
void lsvm_lines_say(struct lsvm_agent *agent, enum peer_word word)
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
			lsvm_agent_trouble(agent, &agent->peer->trouble, PEER_SUBJECT,
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

void lsvm_lines_ask(struct lsvm_agent *agent)
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
	lsvm_lines_say(agent, PEER_TELL);
}

bool lsvm_lines_over(const struct peer *peer)
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
		if (!lsvm_lines_over(peer))
			return;
		if (peer->handing_over)
			peer->count_ns = agent_now(agent) + PEER_HANDOVER_LOOK_NS;
		else if (peer->asking)
			answered(agent);
	} else if (line->call.state == PEER_GIVEN_UP) {
		lsvm_agent_say(agent, LSVM_EVENT_FAILED, LSVM_SEVERITY_WARNING,
			       PEER_SUBJECT,
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

/* ---- time ---- */

uint64_t lsvm_lines_deadline(const struct peer *peer)
{
	uint64_t deadline = peer->count_ns;

	for (size_t i = 0; i < peer->lines.count; i++) {
		uint64_t its = lsvm_peer_call_deadline(&peer->lines.items[i]->call);

		deadline = its < deadline ? its : deadline;
	}
	return deadline;
}

void lsvm_lines_tick(struct lsvm_agent *agent, uint64_t now_ns)
{
	struct peer *peer = agent->peer;

	for (size_t i = 0; i < peer->lines.count; i++) {
		struct line *line = peer->lines.items[i];

		lsvm_peer_call_tick(&line->call, now_ns);
		line_send(agent, line);
		look_at_line(agent, line);
	}
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
