/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Being called: a director hears servers that come and go, and tells other directors its
 * connections. What is not signed rightly is counted, and told now and then.
 */
#include "agent/peer.h"

#include <stdio.h>
#include <stdlib.h>

#define REFUSED_AGAIN_NS (60 * IO_S)

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
		lsvm_agent_say(
			agent, LSVM_EVENT_REFUSED, LSVM_SEVERITY_WARNING, PEER_SUBJECT,
			"'%s' has a key, but the cluster has no such machine", name);
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
	lsvm_agent_say(agent, LSVM_EVENT_REFUSED, LSVM_SEVERITY_WARNING, PEER_SUBJECT,
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
		lsvm_agent_trouble(agent, &peer->trouble, PEER_SUBJECT,
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

int lsvm_ears_open(struct lsvm_agent *agent)
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

/* ---- time ---- */

uint64_t lsvm_ears_deadline(const struct peer *peer)
{
	uint64_t deadline = IO_NEVER;

	for (size_t i = 0; i < peer->leaving.count; i++)
		if (peer->leaving.items[i].until_ns < deadline)
			deadline = peer->leaving.items[i].until_ns;
	return deadline;
}

void lsvm_ears_tick(struct lsvm_agent *agent, uint64_t now_ns)
{
	struct peer *peer = agent->peer;

	for (size_t i = peer->leaving.count; i-- > 0;)
		if (now_ns >= peer->leaving.items[i].until_ns)
			stays(agent, &peer->leaving.items[i]);
}
