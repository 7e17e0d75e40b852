/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packets that arrive at a machine, in the order of Linux's input: the network card, the
 * firewall's marks, the question whether the destination is an address of the machine,
 * IPVS, local sockets; or on to the next hop where the machine forwards.
 */
#include "host/sim/world_private.h"

#include <netinet/in.h>
#include <stdlib.h>

static int protocol_of(uint8_t number)
{
	return number == IPPROTO_TCP   ? LSVM_PROTOCOL_TCP
	       : number == IPPROTO_UDP ? LSVM_PROTOCOL_UDP
				       : LSVM_PROTOCOL_SCTP;
}

/* ---- answers of the kernel ---- */

static void echo(struct node *node, const struct sim_packet *packet)
{
	struct sim_packet *answer = lsvm_packet_new(node->world, PACKET_ECHO_REPLY,
						    packet->bytes, packet->length);

	if (!answer)
		return;
	answer->from = packet->to;
	answer->to = packet->from;
	answer->to_port = packet->from_port;
	lsvm_packet_send(node, answer);
}

static void unreachable(struct node *node, const struct sim_packet *packet)
{
	struct sim_packet *answer =
		lsvm_packet_new(node->world, PACKET_UNREACHABLE, NULL, 0);

	if (!answer)
		return;
	answer->protocol = packet->protocol;
	answer->from = packet->to;
	answer->from_port = packet->to_port;
	answer->to = packet->from;
	answer->to_port = packet->from_port;
	lsvm_packet_send(node, answer);
}

/* ---- local sockets ---- */

static bool is_for(const struct channel *channel, const struct sim_packet *packet)
{
	const struct channel_spec *spec = &channel->spec;

	switch (spec->kind) {
	case CHANNEL_UDP:
		return packet->protocol == IPPROTO_UDP &&
		       channel->local_port == packet->to_port &&
		       spec->remote_port == packet->from_port &&
		       lsvm_addr_compare(&spec->remote, &packet->from) == 0;
	case CHANNEL_PING:
		return packet->kind == PACKET_ECHO_REPLY &&
		       channel->local_port == packet->to_port;
	case CHANNEL_LISTEN_UDP:
		return packet->kind == PACKET_UDP &&
		       channel->local_port == packet->to_port &&
		       (packet->multicast ||
			lsvm_channel_listens(&spec->local, &packet->to));
	case CHANNEL_VRRP:
		return packet->kind == PACKET_VRRP &&
		       (!spec->remote.family ||
			spec->remote.family == packet->from.family) &&
		       (!spec->interface || !packet->port ||
			strcmp(spec->interface, packet->port->interface) == 0);
	case CHANNEL_UNKNOWN:
	case CHANNEL_TCP:
	case CHANNEL_SCTP:
	case CHANNEL_PROGRAM:
	case CHANNEL_LISTEN_TCP:
	case CHANNEL_LISTEN_LOCAL:
	case CHANNEL_LINKS:
	case CHANNEL_HTTP:
	case CHANNEL_FILE:
		break;
	}
	return false;
}

/* False: no socket wants it. */
static bool to_sockets(struct node *node, const struct sim_packet *packet)
{
	bool wanted = false;

	for (struct channel *channel = node->channels; channel; channel = channel->next) {
		struct fact *fact;

		if (channel->state == CHANNEL_BROKEN || !is_for(channel, packet))
			continue;
		wanted = true;
		if (packet->kind == PACKET_UNREACHABLE) {
			lsvm_fact_fail(channel, IO_ERROR_REFUSED, NULL);
			break;
		}
		fact = lsvm_fact_push(channel, IO_BYTES, packet->bytes, packet->length);
		if (fact) {
			fact->event.from = packet->from;
			fact->event.from_port = packet->from_port;
			fact->event.to = packet->to;
			fact->event.ttl = packet->ttl;
		}
		if (packet->kind != PACKET_VRRP && !packet->multicast)
			break;
	}
	return wanted;
}

static void answer_datagram(struct node *node, const struct sim_packet *packet)
{
	const struct sim_serve *serve =
		lsvm_node_serve(node, LSVM_PROTOCOL_UDP, packet->to_port);
	const enum behaviour behaviour = serve ? serve->spec.behaviour : BEHAVIOUR_REFUSE;
	struct sim_packet *answer;

	switch (behaviour) {
	case BEHAVIOUR_REFUSE:
		unreachable(node, packet);
		return;
	case BEHAVIOUR_SILENT:
	case BEHAVIOUR_WEDGED:
		return;
	case BEHAVIOUR_ANSWER:
		break;
	}
	node->served++;
	if (!serve->spec.answer)
		return;
	answer = lsvm_packet_new(node->world, PACKET_UDP, serve->spec.answer,
				 strlen(serve->spec.answer));
	if (!answer)
		return;
	answer->protocol = IPPROTO_UDP;
	answer->from = packet->to;
	answer->from_port = packet->to_port;
	answer->to = packet->from;
	answer->to_port = packet->from_port;
	answer->translated = packet->translated;
	lsvm_packet_send(node, answer);
}

static void deliver(struct node *node, struct sim_packet *packet)
{
	switch (packet->kind) {
	case PACKET_VRRP:
	case PACKET_ECHO_REPLY:
	case PACKET_UNREACHABLE:
		to_sockets(node, packet);
		return;
	case PACKET_UDP:
		if (packet->multicast)
			lsvm_sim_hear_sync(&node->sim->kernel, &packet->to,
					   packet->to_port, packet->bytes,
					   packet->length);
		if (!to_sockets(node, packet) && !packet->multicast)
			answer_datagram(node, packet);
		return;
	case PACKET_ECHO:
		echo(node, packet);
		return;
	case PACKET_SYN:
	case PACKET_SYN_ACK:
	case PACKET_DATA:
	case PACKET_FIN:
	case PACKET_RESET:
		lsvm_stream_input(node, packet);
		return;
	case PACKET_ANNOUNCE:
		return;
	}
}

/* ---- IPVS ---- */

static bool has_port(const struct sim_packet *packet)
{
	switch (packet->kind) {
	case PACKET_UDP:
	case PACKET_SYN:
	case PACKET_DATA:
	case PACKET_FIN:
	case PACKET_RESET:
		return true;
	case PACKET_VRRP:
	case PACKET_ECHO:
	case PACKET_ECHO_REPLY:
	case PACKET_UNREACHABLE:
	case PACKET_ANNOUNCE:
	case PACKET_SYN_ACK:
		break;
	}
	return false;
}

static void set_mark(const struct node *node, struct sim_packet *packet)
{
	for (size_t i = 0; i < node->marks.count; i++) {
		const struct sim_mark *mark = &node->marks.items[i];

		if (mark->protocol == protocol_of(packet->protocol) &&
		    packet->to_port >= mark->first && packet->to_port <= mark->last &&
		    lsvm_addr_compare(&mark->addr, &packet->to) == 0)
			packet->mark = mark->mark;
	}
}

static struct sim_flow flow_of(const struct sim_packet *packet)
{
	struct sim_flow flow = {
		.family = packet->to.family == 6 ? AF_INET6 : AF_INET,
		.protocol = packet->protocol,
		.client_port = packet->from_port,
		.virtual_port = packet->to_port,
	};
	const size_t length = packet->to.family == 6 ? 16 : 4;

	memcpy(flow.client, packet->from.bytes, length);
	memcpy(flow.virtual, packet->to.bytes, length);
	return flow;
}

/* To the server that IPVS chose. */
static void to_server(struct node *node, struct sim_packet *packet,
		      const struct sim_dest *dest)
{
	const struct ipvs_destination value = lsvm_sim_dest_value(dest);

	packet->mark = 0;
	if (value.forwarding == LSVM_FORWARDING_NAT - 1) {
		packet->to = value.addr;
		if (value.port)
			packet->to_port = value.port;
		packet->translated = true;
		packet->from_director = false;
	} else if (value.forwarding == LSVM_FORWARDING_TUNNEL - 1) {
		packet->tunnel = value.addr;
	}
	if (lsvm_node_has(node, &value.addr)) {
		packet->tunnel = (struct addr){ 0 };
		packet->scheduled = true;
		packet->port = packet->source = NULL;
		packet->node = node;
		lsvm_world_set(node->world, &packet->timer,
			       node->world->now + LOOPBACK_NS);
		return;
	}
	lsvm_packet_forward(node, packet, &value.addr);
}

/* True: IPVS has taken it. `leaves`: the machine itself sends it. */
static bool to_ipvs(struct node *node, struct sim_packet *packet, bool leaves)
{
	const bool opens = packet->kind == PACKET_SYN || packet->kind == PACKET_UDP;
	const struct sim_flow flow = flow_of(packet);
	struct sim_dest *dest = NULL;
	int answer;

	if (!has_port(packet) || !node->sim->kernel.service_count)
		return false;
	lsvm_node_sync(node);
	answer = lsvm_sim_packet(node->sim, &flow, packet->mark, opens, &dest);
	if (answer == LSVM_ANSWER_SERVER) {
		if (packet->kind == PACKET_FIN || packet->kind == PACKET_RESET)
			lsvm_sim_close(node->sim, &flow);
		if (node->sim->kernel.master.state)
			lsvm_sync_tell(node, &flow);
		to_server(node, packet, dest);
		return true;
	}
	if (answer == LSVM_ANSWER_LOCAL || (answer == LSVM_ANSWER_RESET && leaves))
		return false;
	if (answer == LSVM_ANSWER_RESET) {
		/* IPVS does not know the connection, but a program here may. */
		if (packet->stream && packet->stream->ends[!packet->end].node == node)
			return false;
		if (packet->stream && packet->kind != PACKET_RESET)
			lsvm_stream_refuse(node, packet);
	} else if (answer == LSVM_ANSWER_REFUSED) {
		if (packet->stream)
			lsvm_stream_refuse(node, packet);
		else
			unreachable(node, packet);
	}
	lsvm_packet_free(node->world, packet);
	return true;
}

bool lsvm_packet_output(struct node *node, struct sim_packet *packet)
{
	return to_ipvs(node, packet, true) || lsvm_packet_send(node, packet);
}

/* ---- the way through ---- */

static bool unwraps(const struct node *node)
{
	for (size_t i = 0; i < node->sim->links.count; i++)
		if (node->sim->links.items[i].link.kind > LINK_PRESENT &&
		    !node->sim->links.items[i].link.down)
			return true;
	return false;
}

/* The director undoes its NAT for what comes back to it. */
static void undo_nat(struct node *node, struct sim_packet *packet)
{
	const struct sim_stream *stream = packet->stream;

	if (!packet->translated || packet->from_director ||
	    !node->sim->kernel.service_count)
		return;
	packet->from_director = true;
	if (!stream)
		return;
	packet->from = stream->to;
	packet->from_port = stream->to_port;
}

static void forward(struct node *node, struct sim_packet *packet)
{
	const char *value = lsvm_sim_sysctl_get(
		node->sim, packet->to.family == 6 ? "net.ipv6.conf.all."
						    "forwarding"
						  : "net.ipv4.ip_forward");

	undo_nat(node, packet);
	if (!value || strtol(value, NULL, 10) == 0 || !--packet->ttl) {
		lsvm_packet_free(node->world, packet);
		return;
	}
	lsvm_packet_send(node, packet);
}

static void route_in(struct node *node, struct sim_packet *packet)
{
	if (packet->tunnel.family) {
		if (!lsvm_node_has(node, &packet->tunnel)) {
			forward(node, packet);
			return;
		}
		packet->tunnel = (struct addr){ 0 };
		if (!unwraps(node)) {
			lsvm_packet_free(node->world, packet);
			return;
		}
	}
	if (node->marks.count)
		set_mark(node, packet);
	if (!lsvm_node_has(node, &packet->to)) {
		forward(node, packet);
		return;
	}
	undo_nat(node, packet);
	if (to_ipvs(node, packet, false))
		return;
	deliver(node, packet);
	lsvm_packet_free(node->world, packet);
}

void lsvm_packet_arrive(struct sim_packet *packet)
{
	struct node *node = packet->node;

	if (!node->power ||
	    (packet->port && !lsvm_port_hears(packet->port, packet->source))) {
		lsvm_packet_free(node->world, packet);
		return;
	}
	if (packet->kind == PACKET_ANNOUNCE) {
		lsvm_port_learn(packet->port, &packet->from, packet->source);
		lsvm_packet_free(node->world, packet);
		return;
	}
	if (packet->multicast || packet->scheduled) {
		deliver(node, packet);
		lsvm_packet_free(node->world, packet);
		return;
	}
	route_in(node, packet);
}
