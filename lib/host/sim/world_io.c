/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * host/io.h for the process on a simulated machine. Facts wait in a queue until they are
 * pulled. Calls of a process that has been killed do nothing: it runs on for a moment in
 * the test that holds it, but not in the world.
 */
#include "host/sim/world_private.h"

#include <netinet/in.h>
#include <stdlib.h>

#define FIRST_PORT 32768
#define PORT_COUNT 28232

static struct node *node_of(const struct lsvm_host *host)
{
	return ((const struct sim_host *)host)->node;
}

/* ---- facts ---- */

static void free_fact(struct fact *fact)
{
	free(fact);
}

struct fact *lsvm_fact_push(struct channel *channel, enum io_fact kind, const void *bytes,
			    size_t length)
{
	struct node *node = channel->node;
	struct fact *fact;

	if (node->dead)
		return NULL;
	/* A process that is frozen loses what its sockets cannot hold. */
	if (node->fact_count >= FACTS_WAITING_MAX && kind == IO_BYTES && !channel->stream)
		return NULL;
	fact = malloc(sizeof(*fact) + length);
	if (!fact) {
		node->world->failed = true;
		return NULL;
	}
	memset(fact, 0, sizeof(*fact));
	fact->event.fact = kind;
	fact->event.channel = channel;
	if (length) {
		memcpy(fact->bytes, bytes, length);
		fact->event.bytes = fact->bytes;
	}
	fact->event.length = length;
	if (node->last)
		node->last->next = fact;
	else
		node->first = fact;
	node->last = fact;
	node->fact_count++;
	lsvm_node_ready(node);
	return fact;
}

void lsvm_fact_fail(struct channel *channel, enum io_error error, const char *text)
{
	struct fact *fact = lsvm_fact_push(channel, IO_FAILED, NULL, 0);

	if (channel->spec.kind != CHANNEL_UDP || error != IO_ERROR_REFUSED)
		channel->state = CHANNEL_BROKEN;
	if (!fact)
		return;
	fact->event.error = error;
	fact->event.text = text ? text : lsvm_io_error_text(error);
}

static void drop_facts(struct node *node, const struct channel *channel_or_all)
{
	struct fact **at = &node->first, *last = NULL;

	while (*at) {
		struct fact *fact = *at;

		if (channel_or_all && fact->event.channel != channel_or_all) {
			last = fact;
			at = &fact->next;
			continue;
		}
		*at = fact->next;
		node->fact_count--;
		free_fact(fact);
	}
	node->last = last;
}

static bool sim_next(struct lsvm_host *host, struct io_event *ret)
{
	struct node *node = node_of(host);
	struct fact *fact = node->first;

	free_fact(node->taken);
	node->taken = NULL;
	if (!fact || node->dead)
		return false;
	node->first = fact->next;
	if (!node->first)
		node->last = NULL;
	node->fact_count--;
	node->taken = fact;
	*ret = fact->event;
	ret->owner = fact->event.channel->owner;
	return true;
}

/* ---- channels ---- */

static bool copy_argv(struct channel_spec *spec)
{
	const char *const *from = spec->argv;
	size_t count = 0;
	char **copy;

	spec->argv = NULL;
	while (from && from[count])
		count++;
	copy = from ? calloc(count + 1, sizeof(*copy)) : NULL;
	if (from && !copy)
		return false;
	spec->argv = (const char *const *)copy;
	for (size_t i = 0; i < count; i++) {
		copy[i] = strdup(from[i]);
		if (!copy[i])
			return false;
	}
	return true;
}

static bool copy_text(const char **text)
{
	if (!*text)
		return true;
	*text = strdup(*text);
	return *text != NULL;
}

static void free_spec(struct channel *channel)
{
	struct channel_spec *spec = &channel->spec;

	for (size_t i = 0; spec->argv && spec->argv[i]; i++)
		free((char *)spec->argv[i]);
	free((void *)spec->argv);
	free((char *)spec->interface);
	free((char *)spec->path);
	free((char *)channel->tls.server_name);
}

/* All pointers are replaced also when one copy fails, so that they can be freed. */
static bool copy_spec(struct channel *channel, const struct channel_spec *from)
{
	struct channel_spec *spec = &channel->spec;
	bool good;

	*spec = *from;
	good = copy_text(&spec->interface);
	good = copy_text(&spec->path) && good;
	good = copy_argv(spec) && good;
	if (!spec->tls)
		return good;
	channel->tls = *spec->tls;
	spec->tls = &channel->tls;
	return copy_text(&channel->tls.server_name) && good;
}

struct channel *lsvm_channel_add(struct node *node, const struct channel_spec *spec,
				 void *owner)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (channel && !copy_spec(channel, spec)) {
		free_spec(channel);
		free(channel);
		channel = NULL;
	}
	if (!channel) {
		node->world->failed = true;
		return NULL;
	}
	channel->node = node;
	channel->owner = owner;
	channel->local = spec->local;
	channel->local_port = spec->local_port;
	channel->state = CHANNEL_OPENING;
	channel->exit.kind = TIMER_EXIT;
	channel->next = node->channels;
	if (channel->next)
		channel->next->prev = channel;
	node->channels = channel;
	return channel;
}

static void hang_up(struct channel *channel)
{
	if (channel->call)
		channel->call->over = true;
	channel->call = NULL;
}

void lsvm_channel_free(struct channel *channel)
{
	struct node *node = channel->node;

	drop_facts(node, channel);
	hang_up(channel);
	lsvm_world_unset(node->world, &channel->exit);
	if (channel->stream)
		lsvm_stream_close(channel->stream, channel->end, channel->spec.reset);
	if (channel->next)
		channel->next->prev = channel->prev;
	if (channel->prev)
		channel->prev->next = channel->next;
	else
		node->channels = channel->next;
	free_spec(channel);
	free(channel);
}

uint16_t lsvm_node_next_port(struct node *node)
{
	return (uint16_t)(FIRST_PORT + node->last_port++ % PORT_COUNT);
}

/* Where it sends from; false: it has failed. */
static bool is_group(const struct addr *addr)
{
	return addr->family == 6 ? addr->bytes[0] == 0xff
				 : (addr->bytes[0] & 0xf0) == 0xe0;
}

static bool choose_local(struct channel *channel)
{
	struct node *node = channel->node;
	const struct channel_spec *spec = &channel->spec;

	if (!spec->remote.family) {
		lsvm_fact_fail(channel, IO_ERROR_OTHER, "no address to go to");
		return false;
	}
	if (spec->local.family && !lsvm_node_has(node, &spec->local)) {
		lsvm_fact_fail(channel, IO_ERROR_ADDRESS, NULL);
		return false;
	}
	/* What goes to a group is from the card that it leaves by. */
	if (!spec->local.family && !is_group(&spec->remote) &&
	    !lsvm_node_source(node, &spec->remote, &channel->local)) {
		lsvm_fact_fail(channel, IO_ERROR_UNREACHABLE, NULL);
		return false;
	}
	if (!channel->local_port)
		channel->local_port = lsvm_node_next_port(node);
	return true;
}

static bool is_unspecified(const struct addr *addr)
{
	for (size_t i = 0; i < sizeof(addr->bytes); i++)
		if (addr->bytes[i])
			return false;
	return true;
}

bool lsvm_channel_listens(const struct addr *local, const struct addr *to)
{
	return !local->family ||
	       (is_unspecified(local) ? local->family == to->family
				      : lsvm_addr_compare(local, to) == 0);
}

static bool is_taken(const struct channel *wanted)
{
	const struct channel_spec *spec = &wanted->spec;

	for (const struct channel *other = wanted->node->channels; other;
	     other = other->next) {
		if (other == wanted || other->spec.kind != spec->kind ||
		    other->state == CHANNEL_BROKEN)
			continue;
		if (spec->kind == CHANNEL_LISTEN_LOCAL
			    ? strcmp(other->spec.path, spec->path) == 0
			    : other->spec.local_port == spec->local_port &&
				      lsvm_addr_compare(&other->spec.local,
							&spec->local) == 0)
			return true;
	}
	return false;
}

static void listen_at(struct channel *channel)
{
	const struct channel_spec *spec = &channel->spec;
	const bool group = spec->kind == CHANNEL_LISTEN_UDP && spec->remote.family;

	channel->state = CHANNEL_OPEN;
	if (spec->kind == CHANNEL_LISTEN_UDP && !channel->local_port)
		channel->local_port = channel->spec.local_port =
			lsvm_node_next_port(channel->node);
	if ((spec->kind == CHANNEL_LISTEN_LOCAL && !spec->path) || is_taken(channel) ||
	    (!is_unspecified(&spec->local) && !group &&
	     !lsvm_node_has(channel->node, &spec->local)))
		lsvm_fact_fail(channel, IO_ERROR_ADDRESS, NULL);
}

static void tell_link(struct channel *channel, const char *name, int status)
{
	struct fact *fact = lsvm_fact_push(channel, IO_LINK, NULL, 0);

	if (!fact)
		return;
	strncpy(fact->text, name, sizeof(fact->text) - 1);
	fact->event.text = fact->text;
	fact->event.status = status;
}

static int link_status(const struct node *node, const struct sim_link *link)
{
	const struct sim_port *port = lsvm_node_port(node, link->link.name);

	return !link->link.down && !(port && port->cut == CUT_CABLE);
}

static void tell_links(struct channel *channel)
{
	const struct sim_host *sim = channel->node->sim;

	channel->state = CHANNEL_OPEN;
	for (size_t i = 0; i < sim->links.count; i++)
		tell_link(channel, sim->links.items[i].link.name,
			  link_status(channel->node, &sim->links.items[i]));
}

void lsvm_process_link(struct sim_port *port)
{
	for (struct channel *channel = port->node->channels; channel;
	     channel = channel->next)
		if (channel->spec.kind == CHANNEL_LINKS)
			tell_link(channel, port->interface, port->cut != CUT_CABLE);
}

static void start_program(struct channel *channel)
{
	struct node *node = channel->node;
	const struct sim_program *program =
		lsvm_node_program(node, channel->spec.argv[0]);

	channel->state = CHANNEL_OPEN;
	channel->status = program ? program->status : 0;
	if (program && program->output && program->output[0])
		lsvm_fact_push(channel, IO_BYTES, program->output,
			       strlen(program->output));
	lsvm_world_set(node->world, &channel->exit,
		       node->world->now + (program ? program->duration_ns : IO_MS));
}

void lsvm_program_exit(struct channel *channel)
{
	struct fact *fact = lsvm_fact_push(channel, IO_EXITED, NULL, 0);

	channel->state = CHANNEL_BROKEN;
	if (fact)
		fact->event.status = channel->status;
}

static void open_vrrp(struct channel *channel)
{
	struct node *node = channel->node;
	const char *name = channel->spec.interface;

	channel->state = CHANNEL_OPEN;
	if (name && !lsvm_node_port(node, name) && !lsvm_sim_link(node->sim, name))
		lsvm_fact_fail(channel, IO_ERROR_ADDRESS, "there is no such interface");
}

static void take_piece(void *arg, const char *bytes, size_t length)
{
	struct channel *channel = arg;

	channel->status++;
	while (length) {
		const size_t piece = length < IO_PIECE_BYTES ? length : IO_PIECE_BYTES;

		lsvm_fact_push(channel, IO_BYTES, bytes, piece);
		bytes += piece;
		length -= piece;
	}
}

/* The text is what it is when the file is opened. */
static void read_file(struct channel *channel)
{
	struct lsvm_host *host = &channel->node->sim->host;

	channel->state = CHANNEL_OPEN;
	if (!channel->spec.path ||
	    host->ops->stream(host, channel->spec.path, take_piece, channel) < 0 ||
	    !channel->status)
		lsvm_fact_fail(channel, IO_ERROR_OTHER, "there is no such file");
	else
		lsvm_fact_push(channel, IO_ENDED, NULL, 0);
}

static void begin(struct channel *channel)
{
	switch (channel->spec.kind) {
	case CHANNEL_TCP:
	case CHANNEL_SCTP:
		if (choose_local(channel))
			lsvm_stream_open(channel);
		return;
	case CHANNEL_UDP:
	case CHANNEL_PING:
		if (choose_local(channel))
			channel->state = CHANNEL_OPEN;
		return;
	case CHANNEL_VRRP:
		open_vrrp(channel);
		return;
	case CHANNEL_PROGRAM:
		start_program(channel);
		return;
	case CHANNEL_LISTEN_TCP:
	case CHANNEL_LISTEN_LOCAL:
	case CHANNEL_LISTEN_UDP:
	case CHANNEL_HTTP:
		listen_at(channel);
		return;
	case CHANNEL_LINKS:
		tell_links(channel);
		return;
	case CHANNEL_FILE:
		read_file(channel);
		return;
	case CHANNEL_UNKNOWN:
		return;
	}
}

static int sim_open(struct lsvm_host *host, const struct channel_spec *spec, void *owner,
		    struct channel **ret)
{
	struct node *node = node_of(host);
	struct channel *channel;

	if (spec->kind == CHANNEL_UNKNOWN ||
	    (spec->kind == CHANNEL_PROGRAM && (!spec->argv || !spec->argv[0])))
		return lsvm_fail(host->ctx, LSVM_ERR_ARGUMENT,
				 "a channel of kind %d cannot be opened on %s; say what "
				 "it shall be",
				 spec->kind, host->name);
	if (!lsvm_node_effect(node))
		return lsvm_fail(host->ctx, LSVM_ERR_STATE,
				 "the process on %s has been killed; start another one",
				 host->name);
	channel = lsvm_channel_add(node, spec, owner);
	if (!channel)
		return lsvm_fail_nomem(host->ctx);
	begin(channel);
	*ret = channel;
	lsvm_node_effected(node);
	return 0;
}

/* ---- sending ---- */

/* Routers' packets come from the card's own address; IPv6 speaks link-local. */
static bool group_source(const struct node *node, const struct sim_port *port,
			 const struct addr *local, uint8_t family, struct addr *ret)
{
	const struct sim_host *sim = node->sim;
	bool found = false;

	if (!is_unspecified(local)) {
		*ret = *local;
		return true;
	}
	if (family == 6) {
		*ret = (struct addr){ .family = 6, .bytes = { 0xfe, 0x80 } };
		ret->bytes[14] = (uint8_t)(node->index >> 8);
		ret->bytes[15] = (uint8_t)node->index;
		return true;
	}
	for (size_t i = 0; i < sim->addresses.count; i++) {
		const struct address *own = &sim->addresses.items[i];

		if (own->prefix.addr.family != family ||
		    strcmp(own->interface, port->interface) != 0 ||
		    (found && own->prefix.length == lsvm_addr_bits(&own->prefix.addr)))
			continue;
		*ret = own->prefix.addr;
		found = true;
		if (own->prefix.length < lsvm_addr_bits(&own->prefix.addr))
			break;
	}
	return found;
}

static void group_of(enum channel_kind kind, uint8_t family, struct addr *ret)
{
	static const struct addr vrrp[] = {
		{ 4, { 224, 0, 0, 18 } },
		{ 6, { 0xff, 0x02, [15] = 0x12 } },
	};

	if (kind == CHANNEL_VRRP)
		*ret = vrrp[family == 6];
}

bool lsvm_channel_datagram(struct node *node, const struct channel_spec *spec,
			   const struct addr *local, uint16_t local_port,
			   const void *bytes, size_t length, const struct addr *to,
			   uint16_t to_port)
{
	const bool vrrp = spec->kind == CHANNEL_VRRP, ping = spec->kind == CHANNEL_PING;
	struct sim_packet *packet = lsvm_packet_new(node->world,
						    vrrp   ? PACKET_VRRP
						    : ping ? PACKET_ECHO
							   : PACKET_UDP,
						    bytes, length);
	struct sim_port *port = NULL;

	if (!packet)
		return false;
	packet->protocol = vrrp ? SIM_VRRP_PROTOCOL : ping ? IPPROTO_ICMP : IPPROTO_UDP;
	packet->to = to ? *to : spec->remote;
	packet->to_port = to ? to_port : spec->remote_port;
	packet->from = *local;
	packet->from_port = local_port;
	packet->mark = spec->mark;
	packet->ttl = spec->ttl ? spec->ttl : vrrp ? 255 : 64;
	if (!to && vrrp && (!is_group(&packet->to)))
		group_of(spec->kind, packet->to.family ? packet->to.family : 4,
			 &packet->to);
	if (!is_group(&packet->to)) {
		if (is_unspecified(&packet->from) &&
		    !lsvm_node_source(node, &packet->to, &packet->from)) {
			lsvm_packet_free(node->world, packet);
			return true;
		}
		lsvm_packet_output(node, packet);
		return true;
	}
	port = spec->interface	   ? lsvm_node_port(node, spec->interface)
	       : node->ports.count ? node->ports.items[0]
				   : NULL;
	if (!port || !group_source(node, port, local, packet->to.family, &packet->from)) {
		lsvm_packet_free(node->world, packet);
		return true;
	}
	lsvm_packet_multicast(port, packet);
	return true;
}

static size_t sim_waiting(struct lsvm_host *host, const struct channel *channel)
{
	return channel->stream ? channel->stream->ends[channel->end].waiting : 0;
}

static bool sim_send(struct lsvm_host *host, struct channel *channel, const void *bytes,
		     size_t length, const struct addr *to, uint16_t to_port)
{
	struct node *node = node_of(host);
	bool good = false;

	if (channel->state == CHANNEL_BROKEN || !lsvm_node_effect(node))
		return false;
	switch (channel->spec.kind) {
	case CHANNEL_TCP:
	case CHANNEL_SCTP:
		if (channel->call) {
			lsvm_buf_add(&channel->call->answer, bytes, length);
			good = true;
			break;
		}
		good = channel->stream &&
		       lsvm_stream_send(channel->stream, channel->end, bytes, length);
		if (!good)
			lsvm_fact_fail(channel, IO_ERROR_OVERFLOW, NULL);
		break;
	case CHANNEL_UDP:
	case CHANNEL_PING:
	case CHANNEL_LISTEN_UDP:
	case CHANNEL_VRRP:
		good = lsvm_channel_datagram(node, &channel->spec, &channel->local,
					     channel->local_port, bytes, length, to,
					     to_port);
		break;
	case CHANNEL_PROGRAM:
		good = true; /* nobody reads it */
		break;
	case CHANNEL_LISTEN_TCP:
	case CHANNEL_LISTEN_LOCAL:
	case CHANNEL_LINKS:
	case CHANNEL_HTTP:
	case CHANNEL_FILE:
	case CHANNEL_UNKNOWN:
		break;
	}
	lsvm_node_effected(node);
	return good;
}

static void sim_close(struct lsvm_host *host, struct channel *channel)
{
	struct node *node = node_of(host);

	if (!channel)
		return;
	/* A dead process has closed everything already: only memory is given back. */
	lsvm_node_effect(node);
	lsvm_channel_free(channel);
	lsvm_node_effected(node);
}

static void sim_adopt(struct lsvm_host *host, struct channel *channel, void *owner)
{
	channel->owner = owner;
}

static void sim_reply(struct lsvm_host *host, struct channel *request, int status,
		      const char *content_type, const char *text, size_t length)
{
	struct node *node = node_of(host);

	if (!request || !lsvm_node_effect(node))
		return;
	if (request->call) {
		lsvm_buf_add(&request->call->answer, text, length);
		request->call->status = status;
	}
	lsvm_channel_free(request);
	lsvm_node_effected(node);
}

/* ---- time, chance, neighbours, will ---- */

static uint64_t sim_now(struct lsvm_host *host)
{
	return node_of(host)->world->now;
}

static uint64_t sim_wall(struct lsvm_host *host)
{
	return lsvm_node_wall_ms(node_of(host));
}

static int sim_random(struct lsvm_host *host, void *bytes, size_t length)
{
	uint8_t *at = bytes;

	for (size_t i = 0; i < length; i++)
		at[i] = (uint8_t)lsvm_random_step(&node_of(host)->random);
	return 0;
}

static int sim_fd(struct lsvm_host *host)
{
	return -1;
}

static void sim_wake(struct lsvm_host *host, uint64_t when_ns)
{
	struct node *node = node_of(host);

	if (node->dead)
		return;
	if (when_ns == IO_NEVER)
		lsvm_world_unset(node->world, &node->wake);
	else
		lsvm_world_set(node->world, &node->wake, when_ns);
}

static void sim_announce(struct lsvm_host *host, const struct address *addresses,
			 size_t count)
{
	struct node *node = node_of(host);

	if (!lsvm_node_effect(node))
		return;
	for (size_t i = 0; i < count; i++) {
		struct sim_port *port = lsvm_node_port(node, addresses[i].interface);
		struct sim_packet *packet =
			port ? lsvm_packet_new(node->world, PACKET_ANNOUNCE, NULL, 0)
			     : NULL;

		if (!packet)
			continue;
		packet->from = addresses[i].prefix.addr;
		lsvm_packet_multicast(port, packet);
	}
	lsvm_node_effected(node);
}

static void drop_will(struct node *node)
{
	for (size_t i = 0; i < node->will.packets.count; i++) {
		free(node->will.packets.items[i].bytes);
		free((char *)node->will.packets.items[i].spec.interface);
	}
	vec_free(&node->will.packets);
	vec_free(&node->will.addresses);
}

static bool copy_will_packet(struct node *node, const struct io_packet *packet)
{
	struct will_packet *to = vec_push(&node->will.packets);

	if (!to)
		return false;
	to->spec = packet->channel;
	to->spec.argv = NULL;
	to->spec.path = NULL;
	to->spec.tls = NULL;
	to->bytes = malloc(packet->length + 1);
	to->length = packet->length;
	if (to->bytes && packet->length)
		memcpy(to->bytes, packet->bytes, packet->length);
	return copy_text(&to->spec.interface) && to->bytes;
}

static int sim_will(struct lsvm_host *host, const struct io_will *will)
{
	struct node *node = node_of(host);
	bool good = true;

	if (!lsvm_node_effect(node))
		return lsvm_fail(host->ctx, LSVM_ERR_STATE,
				 "the process on %s has been killed; start another one",
				 host->name);
	drop_will(node);
	for (size_t i = 0; will && good && i < will->address_count; i++) {
		struct address *to = vec_push(&node->will.addresses);

		good = to != NULL;
		if (to)
			*to = will->addresses[i];
	}
	for (size_t i = 0; will && good && i < will->packet_count; i++)
		good = copy_will_packet(node, &will->packets[i]);
	if (!good)
		drop_will(node);
	lsvm_node_effected(node);
	return good ? 0 : lsvm_fail_nomem(host->ctx);
}

static void do_will(struct node *node)
{
	for (size_t i = 0; i < node->will.addresses.count; i++)
		lsvm_sim_address_delete(node->sim, &node->will.addresses.items[i]);
	for (size_t i = 0; i < node->will.packets.count; i++) {
		const struct will_packet *packet = &node->will.packets.items[i];

		lsvm_channel_datagram(node, &packet->spec, &packet->spec.local,
				      packet->spec.local_port, packet->bytes,
				      packet->length, NULL, 0);
	}
}

/* ---- the end of a process ---- */

static void abandon_streams(struct node *node)
{
	struct sim_stream *next;

	for (struct sim_stream *stream = node->world->streams; stream; stream = next) {
		next = stream->next;
		lsvm_stream_abandon(stream, node);
	}
}

void lsvm_process_end(struct node *node, bool orderly)
{
	lsvm_world_unset(node->world, &node->wake);
	drop_facts(node, NULL);
	for (struct channel *channel = node->channels; channel; channel = channel->next) {
		struct sim_stream *stream = channel->stream;

		lsvm_world_unset(node->world, &channel->exit);
		channel->state = CHANNEL_BROKEN;
		hang_up(channel);
		if (orderly && stream)
			lsvm_stream_close(stream, channel->end, channel->spec.reset);
	}
	if (!orderly)
		abandon_streams(node);
	else
		do_will(node);
	drop_will(node);
}

void lsvm_process_free(struct node *node)
{
	drop_facts(node, NULL);
	while (node->channels)
		lsvm_channel_free(node->channels);
	free_fact(node->taken);
	node->taken = NULL;
	drop_will(node);
}

const struct io_ops lsvm_sim_io = {
	.now_ns = sim_now,
	.wall_ms = sim_wall,
	.random = sim_random,
	.fd = sim_fd,
	.wake = sim_wake,
	.open = sim_open,
	.send = sim_send,
	.waiting = sim_waiting,
	.close = sim_close,
	.adopt = sim_adopt,
	.reply = sim_reply,
	.next = sim_next,
	.announce = sim_announce,
	.will = sim_will,
};
