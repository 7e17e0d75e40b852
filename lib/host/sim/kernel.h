/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The IPVS of a simulated machine, as close to net/netfilter/ipvs/ip_vs_ctl.c of Linux
 * 6.1 as can be seen from outside: it takes the messages of the generic netlink family
 * "IPVS" as bytes and answers them with the kernel's numbers and in the kernel's order.
 * tests/conformance/ipvs.c holds it against the module.
 *
 * Services lie in 256 buckets, the newest of a bucket first; destinations of a service
 * the newest first. A destination that was removed waits in the trash, unseen, for the
 * same address and port to be added to a service of the same name again: it comes back
 * as it was, with its connections and without the checks that a new one has to pass.
 */
#ifndef LSVM_HOST_SIM_KERNEL_H
#define LSVM_HOST_SIM_KERNEL_H

#include "ipvs/wire.h"
#include "sched/sched.h"

#define SIM_IPVS_VERSION 0x010201 /* 1.2.1 */
#define SIM_CONNECTION_BUCKETS 4096
#define SIM_SERVICE_BUCKETS 256
#define SIM_HZ 250
#define SIM_TRASH_MS 120000

struct sim_host;

/* What names a connection. Without holes. */
struct sim_flow {
	uint8_t family, protocol;
	uint16_t client_port, virtual_port;
	uint8_t client[16], virtual[16];
};

/* It outlives its service and destination, until it ends. */
struct sim_connection {
	struct sim_connection *next; /* in its bucket */
	struct sim_flow flow;
	struct sim_dest *dest;
	uint32_t sched_id, number; /* which machine counts it, and as what */
	bool active, closing;
	uint64_t expires_ms;
	uint64_t packets; /* to the server */
	uint64_t told_ms; /* when other directors were last told; 0: never */
	bool told_closing;
};

/* A destination's name: everything that the trash compares. Without holes. */
struct sim_dest_name {
	uint32_t fwmark;
	uint16_t protocol, virtual_port, port;
	uint16_t family; /* AF_INET or AF_INET6 */
	uint8_t virtual_addr[16], addr[16];
};

struct sim_dest {
	struct sim_dest *hash_next;   /* in kernel.dests, there or in the trash */
	struct sim_dest *next, *prev; /* in the service's list, a ring */
	struct sim_service *service;  /* NULL: in the trash */
	struct sim_dest_name name;
	int32_t weight, last_weight;
	uint32_t upper, lower;
	uint32_t active, inactive, persistent;
	uint64_t trashed_ms;
	uint32_t last_service; /* the number of the last service it was in */
	uint16_t tunnel_port, tunnel_flags;
	uint8_t forwarding, tunnel_type;
	bool overloaded;
	struct ipvs_counters counters;
	uint32_t connection_count;
};

struct sim_service {
	struct sim_service *next; /* in its bucket */
	struct sim_dest ring;	  /* head of the list of destinations */
	size_t dest_count;
	uint32_t number; /* never given twice */
	uint16_t family, protocol, port;
	uint8_t addr[16], netmask[4];
	uint32_t fwmark, flags, timeout_ticks;
	char scheduler[IPVS_SCHEDULER_BYTES], engine[IPVS_ENGINE_BYTES];
	struct ipvs_counters counters;
	struct lsvm_sched *sched; /* from the first connection on */
	uint32_t sched_id;	  /* never given twice */
};

struct sim_kernel {
	struct sim_service *named[SIM_SERVICE_BUCKETS], *marked[SIM_SERVICE_BUCKETS];
	size_t service_count, service_counts[2]; /* in all; of IPv4 and IPv6 */
	uint32_t last_number, last_sched_id;
	struct sim_connection **connections;
	size_t connection_bucket_count, connection_count;
	struct sim_dest **dests;
	size_t dest_bucket_count, dest_count, trash_count, mixed_count;
	struct ipvs_timeouts timeouts;
	struct wire_daemon master, backup; /* state 0: does not run */
	uint64_t now_ms, passed_ms;	   /* when connections were last looked through */
	uint32_t hz;
	uint8_t secret; /* the kernel's hash of services has the namespace's address in
			   it */
};

/* The service as the table has it, without destinations. */
void lsvm_sim_service_value(const struct sim_kernel *kernel,
			    const struct sim_service *service, struct ipvs_service *ret);
struct ipvs_destination lsvm_sim_dest_value(const struct sim_dest *dest);

/* ---- requests (kernel.c) ---- */

void lsvm_sim_kernel_begin(struct sim_host *sim);
void lsvm_sim_kernel_end(struct sim_host *sim);
/*
 * One request, a netlink message as it would be sent to the family. 0 or the kernel's
 * errno, a positive number. What it answers beyond that goes to ret_answer, which may be
 * NULL: messages as the kernel would send them, without the final verdict.
 */
int lsvm_sim_kernel_request(struct sim_host *sim, const uint8_t *request, size_t length,
			    struct buf *ret_answer);
/* The same with everything that a socket would receive: answers, acknowledgement, error
 * or the end of the dump. */
void lsvm_sim_kernel_answer(struct sim_host *sim, const uint8_t *request, size_t length,
			    struct buf *ret_answer);

/* ---- attributes (kernel_parse.c) ---- */

/* 0 or an errno. Objects inside are read later, by the three calls below, as the kernel
 * does it. */
int lsvm_sim_parse_service(struct reader nest, struct wire_service *ret);
int lsvm_sim_parse_dest(struct reader nest, struct wire_destination *ret);
int lsvm_sim_parse_daemon(struct reader nest, struct wire_daemon *ret);
/* The command's own: which objects there are and the timeouts. */
struct sim_command {
	uint32_t has; /* BIT(COMMAND_...) */
	struct reader service, destination, daemon;
	uint32_t tcp_s, tcp_fin_s, udp_s;
};
int lsvm_sim_parse_command(struct reader attributes, struct sim_command *ret);

/* ---- services (kernel_service.c) ---- */

struct sim_service *lsvm_sim_service_find(struct sim_kernel *kernel,
					  const struct wire_service *named);
int lsvm_sim_service_add(struct sim_host *sim, const struct wire_service *wanted);
int lsvm_sim_service_edit(struct sim_host *sim, struct sim_service *service,
			  const struct wire_service *wanted);
void lsvm_sim_service_delete(struct sim_kernel *kernel, struct sim_service *service);
void lsvm_sim_services_flush(struct sim_kernel *kernel);
/* NULL: all of them. */
void lsvm_sim_zero(struct sim_kernel *kernel, struct sim_service *service_or_all);
/* Calls each service in the order of a dump until it answers other than 0. */
int lsvm_sim_services_each(struct sim_kernel *kernel,
			   int (*call)(struct sim_service *service, void *arg),
			   void *arg);

/* ---- destinations (kernel_dest.c) ---- */

int lsvm_sim_dest_add(struct sim_host *sim, struct sim_service *service,
		      const struct wire_destination *wanted);
int lsvm_sim_dest_edit(struct sim_kernel *kernel, struct sim_service *service,
		       const struct wire_destination *wanted);
int lsvm_sim_dest_delete(struct sim_kernel *kernel, struct sim_service *service,
			 const struct wire_destination *named);
void lsvm_sim_dest_trash(struct sim_kernel *kernel, struct sim_dest *dest);
/* Forgets what nobody has asked for in two minutes. */
void lsvm_sim_trash_expire(struct sim_kernel *kernel);
void lsvm_sim_dests_free(struct sim_kernel *kernel);

/* ---- connections (kernel_connect.c) ---- */

enum sim_event {
	SIM_DEST_ADDED = 1,
	SIM_DEST_EDITED,
	SIM_DEST_REMOVED, /* told before it goes */
};

/* A packet that opens a connection, or (`opens` false) goes on with one; an enum
 * lsvm_answer. ret_dest is set when a destination got it. */
int lsvm_sim_packet(struct sim_host *sim, const struct sim_flow *flow, uint32_t fwmark,
		    bool opens, struct sim_dest **ret_dest);
struct sim_connection *lsvm_sim_connection_find(const struct sim_kernel *kernel,
						const struct sim_flow *flow);
/* LSVM_ERR_NOT_FOUND when there is none. */
int lsvm_sim_close(struct sim_host *sim, const struct sim_flow *flow);
/* Time goes by: what is over ends. */
void lsvm_sim_pass(struct sim_host *sim, uint64_t ms);
/* The scheduler hears what happens to its service. Without memory it starts anew. */
void lsvm_sim_tell_service(struct sim_host *sim, struct sim_service *service);
void lsvm_sim_tell_dest(struct sim_dest *dest, enum sim_event event);
/* Counts the templates of each destination. */
void lsvm_sim_count_templates(struct sim_kernel *kernel, struct sim_service *service);
void lsvm_sim_connections_free(struct sim_kernel *kernel);

/* Another director's kernel tells of a connection. */
void lsvm_sim_learn(struct sim_kernel *kernel, const struct sim_flow *flow,
		    uint32_t fwmark, const struct addr *server, uint16_t server_port,
		    bool active, uint64_t lifetime_ms);

/* ---- sync daemons (kernel_daemon.c) ---- */

/* A datagram to a group, which may be what the backup daemon listens to. */
void lsvm_sim_hear_sync(struct sim_kernel *kernel, const struct addr *group,
			uint16_t port, const uint8_t *bytes, size_t length);

int lsvm_sim_daemon_start(struct sim_host *sim, const struct wire_daemon *wanted);
int lsvm_sim_daemon_stop(struct sim_kernel *kernel, const struct wire_daemon *named);

#endif
