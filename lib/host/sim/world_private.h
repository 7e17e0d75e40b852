/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the world share.
 *
 * world.c      time, random numbers, machines, power
 * world_net.c  networks, cables, neighbours, routes, packets on their way
 * world_in.c   packets that arrive: IPVS, local sockets, forwarding
 * world_tcp.c  connections: in order, tried again until somebody gives up
 * world_io.c   host/io.h for a process
 * world_serve.c  programs that run beside it
 * world_sync.c  connections that the kernel tells other directors
 */
#ifndef LSVM_HOST_SIM_WORLD_PRIVATE_H
#define LSVM_HOST_SIM_WORLD_PRIVATE_H

#include "host/sim/sim.h"
#include "host/sim/world.h"

#define LOOPBACK_NS 10000ull
#define NETWORK_DELAY_NS 50000ull
/* Neighbours (net/core/neighbour.c): trusted for 30 s; when it then does not answer, used
 * for 5 s more and 3 probes. One that is asked for and unknown: 3 probes. */
#define NEIGHBOUR_TRUST_NS (30 * IO_S)
#define NEIGHBOUR_DOUBT_NS (8 * IO_S)
#define NEIGHBOUR_ASK_NS (3 * IO_S)
#define SYN_RETRY_NS IO_S
#define SYN_TRIES 7
#define DATA_RETRY_NS (200 * IO_MS)
#define DATA_TRIES 15
#define FACTS_WAITING_MAX 4096
#define HOPS_MAX 64
#define SIM_VRRP_PROTOCOL 112

/* ---- time (world.c) ---- */

enum timer_kind {
	TIMER_WAKE = 1, /* a process */
	TIMER_PACKET = 2,
	TIMER_RETRY = 3, /* one end of a stream */
	TIMER_EXIT = 4,	 /* a channel's program */
};

/* Stands in the world's heap while it is set. */
struct sim_timer {
	enum timer_kind kind;
	size_t place; /* in the heap, from 1; 0: not set */
};

struct timer_slot {
	uint64_t at, order; /* the first that was set of those at one time */
	struct sim_timer *timer;
};

struct world {
	struct lsvm_ctx *ctx;
	uint64_t now, order, random, event_count, skipped;
	bool failed;
	VEC(struct timer_slot) timers;
	VEC(struct sim_net *) nets;
	VEC(struct node *) nodes;
	VEC(struct node *) ready; /* to be dispatched, in this order */
	size_t ready_first;
	struct sim_stream *streams;
	struct sim_packet *spare_packets; /* empty ones, used again */
	void (*watch)(void *arg);
	void *watch_arg;
};

void lsvm_world_set(struct world *world, struct sim_timer *timer, uint64_t at);
void lsvm_world_unset(struct world *world, struct sim_timer *timer);
uint64_t lsvm_random_step(uint64_t *state);

/* ---- machines ---- */

struct sim_net {
	char *name;
	struct weather weather;
	VEC(struct sim_port *) ports;
};

struct sim_neighbour {
	struct addr addr;
	struct sim_port *port;
	uint64_t trusted_until, doubted_since; /* 0: not doubted */
};

struct sim_port {
	struct node *node;
	struct sim_net *net;
	char interface[INTERFACE_BYTES];
	enum cut cut;
	VEC(struct sim_neighbour) neighbours;
};

struct sim_mark {
	int protocol;
	struct addr addr;
	uint16_t first, last;
	uint32_t mark;
};

struct sim_serve {
	struct behaviour_spec spec; /* its text is owned */
};

struct sim_program {
	char *argv0, *output;
	int status;
	uint64_t duration_ns;
};

struct fact {
	struct fact *next;
	struct io_event event;
	struct tls_facts tls;
	char text[256];
	uint8_t bytes[];
};

struct sim_will {
	VEC(struct address) addresses;
	VEC(struct will_packet) packets;
};
struct will_packet {
	struct channel_spec spec; /* no text but interface, which is owned */
	uint8_t *bytes;
	size_t length;
};

struct node {
	struct sim_host *sim;
	struct world *world;
	size_t index;
	bool power;
	uint32_t boot; /* counts */
	uint64_t random;
	int64_t clock_ms;
	uint16_t last_port;
	uint64_t served;
	VEC(struct sim_port *) ports;
	VEC(struct address) own_addresses;
	VEC(struct route) own_routes;
	VEC(struct sim_sysctl) own_sysctls;
	VEC(struct sim_mark) marks;
	VEC(struct sim_serve) serves;
	VEC(struct sim_program) programs;
	VEC(struct node *) deaf_to; /* what these send does not arrive */
	/* the process */
	bool dead, frozen, is_ready;
	void (*dispatch)(void *arg);
	void *dispatch_arg;
	struct sim_timer wake;
	struct channel *channels;
	struct fact *first, *last, *taken;
	size_t fact_count;
	struct sim_will will;
	uint64_t effect_count, crash_at;
	bool crash_after;
};

uint64_t lsvm_node_wall_ms(const struct node *node);
struct sim_port *lsvm_node_port(const struct node *node, const char *interface);
/* It has something to do. */
void lsvm_node_ready(struct node *node);
/* Before (after) something that the process does: false when it is dead, or dies now. */
bool lsvm_node_effect(struct node *node);
void lsvm_node_effected(struct node *node);
/* The kernel's connections know what time it is. */
void lsvm_node_sync(struct node *node);
int lsvm_node_new(struct world *world, struct sim_host *sim, struct node **ret);
void lsvm_node_free(struct node *node);

/* ---- packets (world_net.c) ---- */

enum packet_kind {
	PACKET_VRRP = 1,
	PACKET_UDP = 2,
	PACKET_ECHO = 3,
	PACKET_ECHO_REPLY = 4,
	PACKET_UNREACHABLE = 5, /* nobody listens on that port (ICMP) */
	PACKET_ANNOUNCE = 6,	/* gratuitous ARP; from is the address */
	PACKET_SYN = 7,
	PACKET_SYN_ACK = 8,
	PACKET_DATA = 9,
	PACKET_FIN = 10,
	PACKET_RESET = 11,
};

struct sim_packet {
	struct sim_timer timer;
	enum packet_kind kind;
	uint8_t protocol, ttl;	       /* IPPROTO_… */
	bool multicast, from_director; /* the director has undone its NAT */
	bool translated;	       /* on its way to a server, or needs undoing */
	bool scheduled;		       /* IPVS chose this machine itself */
	struct addr from, to, tunnel;  /* tunnel: where the packet around it goes */
	uint16_t from_port, to_port;
	uint32_t mark;
	struct sim_port *port;	 /* where it arrives; NULL: from the machine itself */
	struct sim_port *source; /* who put it on this network */
	struct node *node;
	struct node *origin; /* streams: who sent it */
	struct sim_stream *stream;
	int end; /* of the stream, that sent it */
	uint32_t number;
	struct sim_packet *next; /* among the spare ones */
	size_t length, room;
	uint8_t *bytes;
};

/* Zeroed, with a copy of the bytes; NULL without memory, and then the world has failed.
 */
struct sim_packet *lsvm_packet_new(struct world *world, enum packet_kind kind,
				   const void *bytes, size_t length);
void lsvm_packet_free(struct world *world, struct sim_packet *packet);
/* It leaves the machine; it is taken. False: nobody is where it should go (no route, or
 * no neighbour answers). */
bool lsvm_packet_send(struct node *node, struct sim_packet *packet);
/* The same for what a program of the machine sends: IPVS sees it first. */
bool lsvm_packet_output(struct node *node, struct sim_packet *packet);
/* To everybody on that network. */
void lsvm_packet_multicast(struct sim_port *port, struct sim_packet *packet);
/* It arrives; it is taken. */
void lsvm_packet_arrive(struct sim_packet *packet);
/* Out of the machine to that neighbour. */
bool lsvm_packet_forward(struct node *node, struct sim_packet *packet,
			 const struct addr *via);
/* The address that the machine would send from; false: no route. */
bool lsvm_node_source(struct node *node, const struct addr *to, struct addr *ret);
bool lsvm_node_has(const struct node *node, const struct addr *addr);
bool lsvm_port_open(const struct sim_port *from, const struct sim_port *to);
/* What is on its way from there still comes in. */
bool lsvm_port_hears(const struct sim_port *port, const struct sim_port *source);
bool lsvm_port_answers(const struct sim_port *port, const struct addr *addr);
void lsvm_port_learn(struct sim_port *port, const struct addr *addr,
		     struct sim_port *from);

/* ---- local sockets (world_io.c) ---- */

enum channel_state {
	CHANNEL_OPENING = 1,
	CHANNEL_OPEN = 2,
	CHANNEL_BROKEN = 3, /* failed, ended or exited: nothing more happens */
};

struct channel {
	struct node *node;
	struct channel *next, *prev;
	struct channel_spec spec; /* text is owned */
	struct tls_wish tls;
	void *owner;
	enum channel_state state;
	struct addr local;
	uint16_t local_port;
	struct sim_stream *stream;
	int end;
	struct sim_timer exit;
	int status;
	struct sim_call *call; /* who is at the other side, while somebody is */
};

struct sim_call {
	struct buf answer;
	int status;
	bool over; /* the process has closed the channel, which is gone then */
};

extern const struct io_ops lsvm_sim_io;
struct fact *lsvm_fact_push(struct channel *channel, enum io_fact fact, const void *bytes,
			    size_t length);
void lsvm_fact_fail(struct channel *channel, enum io_error error, const char *text);
/* The process is gone: everything of it breaks. `orderly`: peers are told. */
void lsvm_process_end(struct node *node, bool orderly);
void lsvm_process_free(struct node *node);
void lsvm_process_link(struct sim_port *port);
void lsvm_program_exit(struct channel *channel);
struct channel *lsvm_channel_add(struct node *node, const struct channel_spec *spec,
				 void *owner);
void lsvm_channel_free(struct channel *channel);
uint16_t lsvm_node_next_port(struct node *node);
/* The machine's will packets. */
/* Whether who listens at `local` is meant by a packet to that address: family 0 is any,
 * an unspecified address any of its family. */
bool lsvm_channel_listens(const struct addr *local, const struct addr *to);
bool lsvm_channel_datagram(struct node *node, const struct channel_spec *spec,
			   const struct addr *local, uint16_t local_port,
			   const void *bytes, size_t length, const struct addr *to,
			   uint16_t to_port);

/* ---- connections told to other directors (world_sync.c) ---- */

/* The master daemon tells of the connection, if it is time to. */
void lsvm_sync_tell(struct node *node, const struct sim_flow *flow);

/* ---- what runs beside (world_serve.c) ---- */

const struct sim_serve *lsvm_node_serve(const struct node *node, int protocol,
					uint16_t port);
const struct sim_program *lsvm_node_program(const struct node *node, const char *argv0);
void lsvm_serve_free(struct node *node);

/* ---- streams (world_tcp.c) ---- */

struct segment {
	struct segment *next;
	enum packet_kind kind;
	size_t length;
	uint8_t bytes[];
};

struct sim_end {
	struct sim_stream *stream;
	struct node *node; /* NULL: nobody is there yet */
	uint32_t boot;
	struct channel *channel; /* NULL: a served one, or closed */
	bool open;		 /* the machine knows of the connection */
	bool served;		 /* by a program that is none of ours */
	bool finished;		 /* no more is sent after what waits */
	struct addr addr;	 /* what it calls itself */
	uint16_t port;
	bool translated;	      /* its director calls it something else */
	struct segment *first, *last; /* to be sent; the first is on its way */
	size_t waiting;		      /* bytes */
	bool slow;		      /* its owner is told when none waits any more */
	uint32_t sent, heard;	      /* segments that arrived there, and here */
	uint32_t tries;
	struct sim_timer retry;
};

struct sim_stream {
	struct sim_stream *next, *prev;
	struct world *world;
	uint32_t refs; /* packets and ends */
	uint8_t protocol;
	bool connected, over;
	uint32_t mark;
	struct addr to; /* what the client asked for */
	uint16_t to_port;
	struct sim_end ends[2]; /* client, server */
};

bool lsvm_stream_open(struct channel *channel);
bool lsvm_stream_send(struct sim_stream *stream, int end, const void *bytes,
		      size_t length);
void lsvm_stream_retry(struct sim_end *end);
/* The end's owner has closed it. */
void lsvm_stream_close(struct sim_stream *stream, int end, bool reset);
/* A packet of a stream has reached the machine it is for. */
void lsvm_stream_input(struct node *node, struct sim_packet *packet);
/* IPVS or the machine refuses: the sender is told. */
void lsvm_stream_refuse(struct node *node, const struct sim_packet *packet);
/* The power of a machine has failed. */
void lsvm_stream_abandon(struct sim_stream *stream, const struct node *node);
/* A program has ended: its kernel breaks what it served. */
void lsvm_stream_reset_served(struct node *node, int protocol, uint16_t port);
void lsvm_stream_ref(struct sim_stream *stream);
void lsvm_stream_unref(struct sim_stream *stream);
void lsvm_streams_free(struct world *world);

#endif
