/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file host.h
 * A machine that holds what its plan says: this real one, or one simulated in memory.
 *
 * Both take the same calls and answer alike, so that what works on a simulated cluster of
 * a thousand machines works on a real one.
 */
#ifndef LIBSVM_HOST_H
#define LIBSVM_HOST_H

#include <libsvm/cluster.h>
#include <libsvm/ipvs.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A machine, real or simulated. */
struct lsvm_host;

/**
 * This machine, as the calling process sees it: its network namespace, its files. Nothing
 * is changed by opening it.
 * @param name what the cluster file calls this machine; only kept.
 * Returns 0. Errors: LSVM_ERR_UNSUPPORTED when this build has no real machine
 * (lsvm_feature("linux") tells beforehand), LSVM_ERR_PERMISSION, LSVM_ERR_NOMEM.
 * Lifetime: until lsvm_host_free(). @since 0.1
 */
LSVM_API int lsvm_host_open(struct lsvm_ctx *ctx, const char *name,
			    struct lsvm_host **ret);
/**
 * A machine in memory, with a loopback interface and nothing else. A network card that a
 * plan names is taken to be there. It answers as Linux does: what is there twice, missing
 * or out of range is refused with the same error.
 * Returns 0. Errors: LSVM_ERR_NOMEM. Lifetime: until lsvm_host_free(). @since 0.1
 */
LSVM_API int lsvm_host_new_simulated(struct lsvm_ctx *ctx, const char *name,
				     struct lsvm_host **ret);
/**
 * Puts a network card, up, into a simulated machine.
 * Returns 0. Errors: LSVM_ERR_STATE on a real machine, LSVM_ERR_EXISTS, LSVM_ERR_ARGUMENT
 * for a name that no interface can have, LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_host_simulate_interface(struct lsvm_host *host, const char *name);

/** What a client hears when it sends a packet to a simulated director. */
enum lsvm_answer {
	LSVM_ANSWER_UNKNOWN = 0,
	LSVM_ANSWER_SERVER = 1,	 /**< a real server answers */
	LSVM_ANSWER_REFUSED = 2, /**< port unreachable: no server may serve it */
	LSVM_ANSWER_DROPPED = 3, /**< nothing: the server was removed under it */
	LSVM_ANSWER_RESET = 4,	 /**< a reset: nobody knows the connection */
	LSVM_ANSWER_LOCAL = 5,	 /**< the director's own programs answer: IPVS does not
				    take the packet */
};

/** "server", "refused", "dropped", "reset", "local", "unknown". @since 0.1 */
LSVM_API const char *lsvm_answer_name(int answer);
/** The answer of that name; LSVM_ANSWER_UNKNOWN when there is none. @since 0.1 */
LSVM_API int lsvm_answer_parse(const char *name);

/**
 * A client opens a connection through a simulated director: its packet is scheduled as
 * Linux would, and counted. One that the client has already goes on.
 * @param protocol an enum lsvm_protocol.
 * @param fwmark the mark that the packet has; 0 for none.
 * @param server who answers, as text; "" with any other answer than LSVM_ANSWER_SERVER.
 *   46 bytes hold any address.
 * Returns an enum lsvm_answer. Errors: LSVM_ERR_STATE on a real machine,
 * LSVM_ERR_ARGUMENT, LSVM_ERR_UNSUPPORTED for a scheduler or persistence engine whose
 * decisions cannot be foretold, LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_host_simulate_connect(struct lsvm_host *host, int protocol,
					const char *client, uint16_t client_port,
					const char *address, uint16_t port,
					uint32_t fwmark, char *server, size_t size);
/** A client sends on a connection it has, as lsvm_host_simulate_connect(); a connection
 * that the director does not know is reset. @since 0.1 */
LSVM_API int lsvm_host_simulate_send(struct lsvm_host *host, int protocol,
				     const char *client, uint16_t client_port,
				     const char *address, uint16_t port, uint32_t fwmark,
				     char *server, size_t size);
/** A client closes its connection: it is inactive, and ends when the fin timeout is over.
 * When its server was removed, the packet that says so is dropped and nothing changes.
 * Returns 0. Errors: LSVM_ERR_NOT_FOUND when there is none, LSVM_ERR_STATE,
 * LSVM_ERR_ARGUMENT. @since 0.1 */
LSVM_API int lsvm_host_simulate_close(struct lsvm_host *host, int protocol,
				      const char *client, uint16_t client_port,
				      const char *address, uint16_t port);
/** Time goes by on a simulated machine: connections nobody uses end, removed destinations
 * are forgotten after two minutes. Returns 0. Errors: LSVM_ERR_STATE. @since 0.1 */
LSVM_API int lsvm_host_simulate_pass(struct lsvm_host *host, uint64_t duration_ms);

/** Lets go of the machine; what it holds stays on a real one. NULL is allowed.
 * @since 0.1 */
LSVM_API void lsvm_host_free(struct lsvm_host *host);

/** What the machine is called. Borrowed. @since 0.1 */
LSVM_API const char *lsvm_host_name(const struct lsvm_host *host);
/** Whether it is in memory only. @since 0.1 */
LSVM_API bool lsvm_host_is_simulated(const struct lsvm_host *host);
/** How many changes this handle has made to the machine: a second apply of the same plan
 * makes none. @since 0.1 */
LSVM_API uint64_t lsvm_host_write_count(const struct lsvm_host *host);

/**
 * The machine's whole IPVS table, with counters, as it is now. In a user namespace, where
 * netlink is refused, the kernel's older socket options are asked: they show IPv4 only,
 * and no tunnels other than ipip, persistence engines and 64-bit counts.
 * Returns 0. Errors: LSVM_ERR_NO_IPVS, LSVM_ERR_PERMISSION, LSVM_ERR_TIMEOUT,
 * LSVM_ERR_BUSY when the table never held still, LSVM_ERR_NOMEM.
 * Lifetime: until lsvm_ipvs_table_unref(). @since 0.1
 */
LSVM_API int lsvm_host_ipvs_snapshot(struct lsvm_host *host,
				     struct lsvm_ipvs_table **ret);
/**
 * Makes the machine's IPVS table hold @p wanted with as few changes as there are
 * differences, none of which hurts a connection. What others put there stays.
 * @param owned what was wanted the last time: of that, what is no longer wanted is
 * removed. NULL: nothing is removed.
 * @param ret_changed how many changes were made; 0 when all was there.
 * What was changed is read back.
 * Returns 0. Errors: as lsvm_host_ipvs_snapshot(); LSVM_ERR_UNSUPPORTED when the older
 * socket options cannot carry it all (nothing was changed); the kernel's answer to the
 * first change that failed: what was added or edited stays, also behind it, but nothing
 * is drained or removed any more; LSVM_ERR_CONFLICT when the table did not stay as it was
 * set. @since 0.1
 */
LSVM_API int lsvm_host_ipvs_reconcile(struct lsvm_host *host,
				      const struct lsvm_ipvs_table *wanted,
				      const struct lsvm_ipvs_table *owned,
				      size_t *ret_changed);

/**
 * Sets the counters of a virtual service and its servers to zero.
 * @param service one of a snapshot's; it names the service by its key. NULL: all.
 * Returns 0. Errors: LSVM_ERR_CONFLICT when the service is not there, and as
 * lsvm_host_ipvs_snapshot(). @since 0.1
 */
LSVM_API int lsvm_host_ipvs_zero(struct lsvm_host *host,
				 const struct lsvm_ipvs_service *service);
/**
 * Empties the machine's IPVS table, also of what others put there. Connections through it
 * are cut: the kernel answers resets or drops packets in silence. Nothing in the library
 * or its tools calls this; lsvm_apply_new() without a plan takes back what is ours only.
 * Returns 0. Errors: as lsvm_host_ipvs_snapshot(). @since 0.1
 */
LSVM_API int lsvm_host_ipvs_flush(struct lsvm_host *host);
/**
 * What the kernel says of its IPVS.
 * @param ret_version its version, three bytes: 0x010201 is 1.2.1.
 * @param ret_bucket_count buckets of its table of connections.
 * Returns 0. Errors: as lsvm_host_ipvs_snapshot(). @since 0.1
 */
LSVM_API int lsvm_host_ipvs_info(struct lsvm_host *host, uint32_t *ret_version,
				 uint32_t *ret_bucket_count);

/**
 * Whose hardware addresses the machine knows, as JSON, schema "lsvm-neighbours/1": for
 * each neighbour its address, the interface, its MAC address (null while it is asked for)
 * and its state ("reachable", "stale", "failed", …). After a takeover this shows on a
 * server or router which director it sends to. A simulated machine has none.
 * Returns 0. Errors: LSVM_ERR_TIMEOUT, LSVM_ERR_IO, LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_host_neighbours_to_json(struct lsvm_host *host, char **ret);

/**
 * The connections that the machine's kernel balances now, of both address families, in
 * the order of virtual service, server and client. One that comes or goes meanwhile may
 * be missing. A simulated machine does not list what persistence remembers.
 * @param client only those of this client, "192.0.2.1", or of all in "192.0.2.0/24";
 *   NULL: any, as in the next three.
 * @param virtual_endpoint only those to this virtual address, "192.0.2.100", or virtual
 *   service, "192.0.2.100:80", "[2001:db8::1]:80".
 * @param server only those to this real server, with or without port.
 * @param state only those in this state, in the kernel's words: "ESTABLISHED".
 * @param limit keep at most so many; 0: all.
 * Returns 0. Errors: LSVM_ERR_ARGUMENT, LSVM_ERR_NO_IPVS, LSVM_ERR_PERMISSION,
 * LSVM_ERR_IO, LSVM_ERR_NOMEM. Lifetime: until lsvm_connection_list_free(). @since 0.1
 */
LSVM_API int lsvm_host_connections(struct lsvm_host *host, const char *client,
				   const char *virtual_endpoint, const char *server,
				   const char *state, size_t limit,
				   struct lsvm_connection_list **ret);

#ifdef __cplusplus
}
#endif
#endif
