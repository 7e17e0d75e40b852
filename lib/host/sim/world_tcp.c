/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connections of a world, TCP and SCTP alike: each direction is a queue of segments of
 * which the first is on its way until it has arrived. What gets lost is sent again after
 * the intervals of Linux (1 s and doubling for the first packet, 200 ms and doubling for
 * data), wherever the machine's neighbours and IPVS lead it then. Acknowledgements are no
 * packets: the world knows what arrived.
 *
 * A machine that does not know the connection, because its power failed meanwhile, or
 * because another director's IPVS chose it, answers with a reset.
 */
#include "host/sim/world_private.h"

#include <netinet/in.h>
#include <stdlib.h>

#define DAYS_LEFT 365

void lsvm_stream_ref(struct sim_stream *stream)
{
	stream->refs++;
}

static void drop_segments(struct sim_end *end)
{
	while (end->first) {
		struct segment *segment = end->first;

		end->first = segment->next;
		free(segment);
	}
	end->last = NULL;
	end->waiting = 0;
	lsvm_world_unset(end->stream->world, &end->retry);
}

void lsvm_stream_unref(struct sim_stream *stream)
{
	struct world *world = stream->world;

	if (--stream->refs)
		return;
	for (int i = 0; i < 2; i++)
		drop_segments(&stream->ends[i]);
	if (stream->next)
		stream->next->prev = stream->prev;
	if (stream->prev)
		stream->prev->next = stream->next;
	else
		world->streams = stream->next;
	free(stream);
}

void lsvm_streams_free(struct world *world)
{
	while (world->streams) {
		struct sim_stream *stream = world->streams;

		stream->refs = 1;
		lsvm_stream_unref(stream);
	}
}

/* An end that knows of the connection keeps it alive. */
static void set_open(struct sim_end *end, bool open)
{
	if (end->open == open)
		return;
	end->open = open;
	if (open) {
		lsvm_stream_ref(end->stream);
		return;
	}
	drop_segments(end);
	lsvm_stream_unref(end->stream);
}

static void let_go(struct sim_end *end)
{
	struct channel *channel = end->channel;

	if (!channel)
		return;
	end->channel = NULL;
	channel->stream = NULL;
	lsvm_stream_unref(end->stream);
}

static int protocol_of(uint8_t number)
{
	return number == IPPROTO_SCTP ? LSVM_PROTOCOL_SCTP : LSVM_PROTOCOL_TCP;
}

/* ---- sending ---- */

static void address(const struct sim_stream *stream, int end, struct sim_packet *packet)
{
	const struct sim_end *client = &stream->ends[0], *server = &stream->ends[1];

	packet->protocol = stream->protocol;
	packet->end = end;
	if (end == 0) {
		packet->from = client->addr;
		packet->from_port = client->port;
		packet->to = stream->to;
		packet->to_port = stream->to_port;
		packet->mark = stream->mark;
		return;
	}
	packet->from = server->addr;
	packet->from_port = server->port;
	packet->to = client->addr;
	packet->to_port = client->port;
	packet->translated = server->translated;
}

static struct sim_packet *make(struct sim_stream *stream, int end, struct node *origin,
			       enum packet_kind kind, const void *bytes, size_t length)
{
	struct sim_packet *packet = lsvm_packet_new(stream->world, kind, bytes, length);

	if (!packet)
		return NULL;
	packet->stream = stream;
	packet->origin = origin;
	lsvm_stream_ref(stream);
	address(stream, end, packet);
	return packet;
}

/* False: nobody is there to take it. */
static bool transmit(struct sim_end *end)
{
	struct sim_stream *stream = end->stream;
	const int index = end == &stream->ends[1];
	const struct segment *segment = end->first;
	const bool first = segment->kind == PACKET_SYN || segment->kind == PACKET_SYN_ACK;
	struct sim_packet *packet = make(stream, index, end->node, segment->kind,
					 segment->bytes, segment->length);

	if (!packet)
		return true;
	packet->number = end->sent;
	lsvm_world_set(stream->world, &end->retry,
		       stream->world->now +
			       ((first ? SYN_RETRY_NS : DATA_RETRY_NS) << end->tries));
	return lsvm_packet_output(end->node, packet);
}

static bool push(struct sim_end *end, enum packet_kind kind, const void *bytes,
		 size_t length)
{
	struct segment *segment = malloc(sizeof(*segment) + length);

	if (!segment) {
		end->stream->world->failed = true;
		return false;
	}
	segment->next = NULL;
	segment->kind = kind;
	segment->length = length;
	if (length)
		memcpy(segment->bytes, bytes, length);
	if (end->last)
		end->last->next = segment;
	else
		end->first = segment;
	end->last = segment;
	if (end->first != segment)
		return true;
	end->tries = 0;
	/* A first packet without a neighbour is tried again: somebody may come. */
	transmit(end);
	return true;
}

static void send_reset(struct sim_stream *stream, int end, struct node *node)
{
	struct sim_packet *packet = make(stream, end, node, PACKET_RESET, NULL, 0);

	if (packet)
		lsvm_packet_output(node, packet);
}

static void broken(struct sim_end *end, enum io_error error)
{
	struct channel *channel = end->channel;

	lsvm_stream_ref(end->stream);
	let_go(end);
	set_open(end, false);
	if (channel)
		lsvm_fact_fail(channel, error, NULL);
	lsvm_stream_unref(end->stream);
}

void lsvm_stream_retry(struct sim_end *end)
{
	const bool first = end->first && (end->first->kind == PACKET_SYN ||
					  end->first->kind == PACKET_SYN_ACK);

	if (!end->first || !end->open)
		return;
	if (++end->tries >= (first ? SYN_TRIES : DATA_TRIES)) {
		broken(end, IO_ERROR_TIMEOUT);
		return;
	}
	/* Three questions, a second apart, that nobody answered. */
	if (!transmit(end) && first && end->tries >= 2 && end->open)
		broken(end, IO_ERROR_UNREACHABLE);
}

bool lsvm_stream_open(struct channel *channel)
{
	struct node *node = channel->node;
	struct sim_stream *stream = calloc(1, sizeof(*stream));

	if (!stream) {
		node->world->failed = true;
		return false;
	}
	stream->world = node->world;
	stream->next = node->world->streams;
	if (stream->next)
		stream->next->prev = stream;
	node->world->streams = stream;
	stream->protocol =
		channel->spec.kind == CHANNEL_SCTP ? IPPROTO_SCTP : IPPROTO_TCP;
	stream->mark = channel->spec.mark;
	stream->to = channel->spec.remote;
	stream->to_port = channel->spec.remote_port;
	for (int i = 0; i < 2; i++) {
		stream->ends[i].stream = stream;
		stream->ends[i].retry.kind = TIMER_RETRY;
	}
	stream->ends[0].node = node;
	stream->ends[0].boot = node->boot;
	stream->ends[0].channel = channel;
	stream->ends[0].addr = channel->local;
	stream->ends[0].port = channel->local_port;
	stream->refs = 1; /* the channel's */
	channel->stream = stream;
	channel->end = 0;
	set_open(&stream->ends[0], true);
	push(&stream->ends[0], PACKET_SYN, NULL, 0);
	return true;
}

bool lsvm_stream_send(struct sim_stream *stream, int end, const void *bytes,
		      size_t length)
{
	struct sim_end *from = &stream->ends[end];
	const uint8_t *at = bytes;

	if (from->waiting + length > IO_WAITING_MAX_BYTES)
		return false;
	from->slow |= from->waiting + length > IO_PIECE_BYTES;
	from->waiting += length;
	while (length) {
		const size_t piece = length < IO_PIECE_BYTES ? length : IO_PIECE_BYTES;

		if (!push(from, PACKET_DATA, at, piece))
			return false;
		at += piece;
		length -= piece;
	}
	return true;
}

void lsvm_stream_close(struct sim_stream *stream, int end, bool reset)
{
	struct sim_end *own = &stream->ends[end];

	lsvm_stream_ref(stream);
	let_go(own);
	if (own->open && reset) {
		drop_segments(own);
		if (stream->connected || end == 1)
			send_reset(stream, end, own->node);
		set_open(own, false);
	} else if (own->open && (!stream->connected || own->finished)) {
		set_open(own, false);
	} else if (own->open) {
		own->finished = true;
		push(own, PACKET_FIN, NULL, 0);
	}
	lsvm_stream_unref(stream);
}

void lsvm_stream_abandon(struct sim_stream *stream, const struct node *node)
{
	lsvm_stream_ref(stream);
	for (int i = 0; i < 2; i++) {
		if (stream->ends[i].node != node)
			continue;
		let_go(&stream->ends[i]);
		set_open(&stream->ends[i], false);
	}
	lsvm_stream_unref(stream);
}

void lsvm_stream_reset_served(struct node *node, int protocol, uint16_t port)
{
	struct sim_stream *next;

	for (struct sim_stream *stream = node->world->streams; stream; stream = next) {
		struct sim_end *end = &stream->ends[1];

		next = stream->next;
		if (end->node == node && end->open && end->served && end->port == port &&
		    protocol_of(stream->protocol) == protocol)
			lsvm_stream_close(stream, 1, true);
	}
}

void lsvm_stream_refuse(struct node *node, const struct sim_packet *packet)
{
	struct sim_packet *answer =
		make(packet->stream, !packet->end, node, PACKET_RESET, NULL, 0);

	if (!answer)
		return;
	answer->from = packet->to;
	answer->from_port = packet->to_port;
	answer->to = packet->from;
	answer->to_port = packet->from_port;
	answer->translated = packet->translated;
	answer->mark = 0;
	lsvm_packet_send(node, answer);
}

/* ---- arriving ---- */

static struct channel *find_listener(struct node *node, const struct sim_packet *packet)
{
	if (packet->protocol != IPPROTO_TCP)
		return NULL;
	for (struct channel *channel = node->channels; channel; channel = channel->next) {
		const struct channel_spec *spec = &channel->spec;

		if ((spec->kind == CHANNEL_LISTEN_TCP || spec->kind == CHANNEL_HTTP) &&
		    channel->state != CHANNEL_BROKEN &&
		    spec->local_port == packet->to_port &&
		    lsvm_channel_listens(&spec->local, &packet->to))
			return channel;
	}
	return NULL;
}

static void accept_for(struct channel *listener, struct sim_end *end)
{
	struct sim_stream *stream = end->stream;
	struct channel_spec spec = { .kind = CHANNEL_TCP,
				     .local = end->addr,
				     .remote = stream->ends[0].addr,
				     .local_port = end->port,
				     .remote_port = stream->ends[0].port };
	struct channel *accepted = lsvm_channel_add(end->node, &spec, NULL);
	struct fact *fact;

	if (!accepted)
		return;
	accepted->state = CHANNEL_OPEN;
	accepted->stream = stream;
	accepted->end = 1;
	end->channel = accepted;
	lsvm_stream_ref(stream);
	fact = lsvm_fact_push(listener, IO_ACCEPTED, NULL, 0);
	if (!fact)
		return;
	fact->event.accepted = accepted;
	fact->event.from = spec.remote;
	fact->event.from_port = spec.remote_port;
}

static void accept_syn(struct node *node, const struct sim_packet *packet)
{
	struct sim_stream *stream = packet->stream;
	struct sim_end *end = &stream->ends[1];
	const struct sim_serve *serve =
		lsvm_node_serve(node, protocol_of(packet->protocol), packet->to_port);
	struct channel *listener = find_listener(node, packet);

	if (stream->connected || !stream->ends[0].open ||
	    (end->open && end->node == node && end->boot == node->boot))
		return;
	if (!listener && serve && serve->spec.behaviour == BEHAVIOUR_SILENT)
		return;
	if (!listener && (!serve || serve->spec.behaviour == BEHAVIOUR_REFUSE)) {
		lsvm_stream_refuse(node, packet);
		return;
	}
	/* An earlier packet may have come to another server, which then died. */
	if (end->open)
		broken(end, IO_ERROR_RESET);
	drop_segments(end);
	end->node = node;
	end->boot = node->boot;
	end->addr = packet->to;
	end->port = packet->to_port;
	end->translated = packet->translated;
	end->served = !listener;
	end->finished = false;
	end->sent = 0;
	end->heard = 1; /* the client's first */
	set_open(end, true);
	push(end, PACKET_SYN_ACK, NULL, 0);
	if (listener && listener->spec.kind == CHANNEL_LISTEN_TCP) {
		accept_for(listener, end);
		return;
	}
	node->served++;
	if (serve && serve->spec.behaviour == BEHAVIOUR_ANSWER && serve->spec.greeting)
		lsvm_stream_send(stream, 1, serve->spec.greeting,
				 strlen(serve->spec.greeting));
}

/* What the client's TLS sees of the server, when the connection stands. */
static void connected(struct sim_end *end)
{
	struct sim_stream *stream = end->stream;
	const struct sim_end *server = &stream->ends[1];
	const struct sim_serve *serve = lsvm_node_serve(
		server->node, protocol_of(stream->protocol), server->port);
	struct channel *channel = end->channel;
	struct fact *fact;

	channel->state = CHANNEL_OPEN;
	if (channel->spec.tls && serve && serve->spec.behaviour == BEHAVIOUR_WEDGED)
		return; /* its handshake is never answered */
	if (channel->spec.tls && channel->spec.tls->verify && serve &&
	    serve->spec.untrusted) {
		lsvm_fact_fail(channel, IO_ERROR_CERTIFICATE, "nobody trusts its issuer");
		return;
	}
	fact = lsvm_fact_push(channel, IO_CONNECTED, NULL, 0);
	if (!fact || !channel->spec.tls)
		return;
	fact->tls.days_left =
		serve && serve->spec.days_left ? serve->spec.days_left : DAYS_LEFT;
	fact->tls.subject = "CN=simulated";
	fact->event.tls = &fact->tls;
}

static bool is_kept(const struct behaviour_spec *spec, const struct sim_packet *packet)
{
	const size_t length = spec->keep ? strlen(spec->keep) : 0;

	return length && packet->length >= length &&
	       memcmp(packet->bytes, spec->keep, length) == 0;
}

static void served_data(struct sim_end *end, const struct sim_packet *packet)
{
	const struct sim_serve *serve =
		lsvm_node_serve(end->node, protocol_of(end->stream->protocol), end->port);

	if (!serve || serve->spec.behaviour != BEHAVIOUR_ANSWER || end->finished)
		return;
	end->node->served++;
	if (serve->spec.answer)
		lsvm_stream_send(end->stream, 1, serve->spec.answer,
				 strlen(serve->spec.answer));
	if (serve->spec.close && !is_kept(&serve->spec, packet))
		lsvm_stream_close(end->stream, 1, false);
}

static void take(struct sim_end *at, const struct sim_packet *packet)
{
	switch (packet->kind) {
	case PACKET_SYN_ACK:
		at->stream->connected = true;
		if (at->channel)
			connected(at);
		else
			set_open(at, false);
		return;
	case PACKET_DATA:
		if (at->channel)
			lsvm_fact_push(at->channel, IO_BYTES, packet->bytes,
				       packet->length);
		else if (at->served)
			served_data(at, packet);
		else
			lsvm_stream_refuse(at->node, packet);
		return;
	case PACKET_FIN:
		if (at->channel)
			lsvm_fact_push(at->channel, IO_ENDED, NULL, 0);
		else if (at->served && !at->finished)
			lsvm_stream_close(at->stream, 1, false);
		return;
	case PACKET_VRRP:
	case PACKET_UDP:
	case PACKET_ECHO:
	case PACKET_ECHO_REPLY:
	case PACKET_UNREACHABLE:
	case PACKET_ANNOUNCE:
	case PACKET_SYN:
	case PACKET_RESET:
		return;
	}
}

/* The first segment has arrived: the next one goes. */
static void arrived(struct sim_end *from)
{
	struct segment *segment = from->first;

	from->sent++;
	from->tries = 0;
	if (!segment)
		return;
	from->first = segment->next;
	if (!from->first)
		from->last = NULL;
	from->waiting -= segment->length;
	free(segment);
	lsvm_world_unset(from->stream->world, &from->retry);
	if (from->first) {
		transmit(from);
	} else if (from->finished && !from->channel) {
		set_open(from, false);
	} else if (from->slow && from->channel) {
		from->slow = false;
		lsvm_fact_push(from->channel, IO_DRAINED, NULL, 0);
	}
}

static bool is_dropped(const struct node *node, const struct sim_packet *packet)
{
	const struct sim_serve *serve;

	if (packet->end == 1)
		return packet->translated && !packet->from_director;
	serve = lsvm_node_serve(node, protocol_of(packet->protocol), packet->to_port);
	return serve && serve->spec.behaviour == BEHAVIOUR_SILENT;
}

void lsvm_stream_input(struct node *node, struct sim_packet *packet)
{
	struct sim_stream *stream = packet->stream;
	struct sim_end *from = &stream->ends[packet->end];
	struct sim_end *at = &stream->ends[!packet->end];
	const bool here = at->open && at->node == node && at->boot == node->boot;

	if (is_dropped(node, packet))
		return;
	if (packet->kind == PACKET_SYN) {
		accept_syn(node, packet);
		return;
	}
	if (packet->kind == PACKET_RESET) {
		if (here)
			broken(at, packet->end == 1 && !stream->connected
					   ? IO_ERROR_REFUSED
					   : IO_ERROR_RESET);
		return;
	}
	if (!here) {
		if (packet->kind != PACKET_FIN)
			lsvm_stream_refuse(node, packet);
		else if (packet->number == from->sent && from->open &&
			 from->node == packet->origin)
			arrived(from);
		return;
	}
	/* Twice, or from a server that the connection has left. */
	if (packet->origin != from->node || packet->number != at->heard ||
	    packet->number != from->sent || !from->open)
		return;
	at->heard++;
	if (packet->kind == PACKET_SYN_ACK)
		arrived(at); /* the first packet has been answered */
	take(at, packet);
	if (from->open)
		arrived(from);
}
