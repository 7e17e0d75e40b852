/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file sched.h
 * What the kernel's IPVS schedulers will decide, without a kernel: which real server gets
 * a client, now or after any history of connections and edits.
 *
 * rr, wrr, lc, wlc, lblc, lblcr, dh, sh, sed, nq, fo, ovf and mh are followed decision
 * for decision, with their flags, weights, thresholds, drained servers and persistence,
 * as Linux 6.1 on a 64-bit little-endian machine has them. Nothing here is random and
 * nothing looks at a clock: time is what the caller says, in milliseconds from a start of
 * its choice, and never runs back.
 */
#ifndef LIBSVM_SCHED_H
#define LIBSVM_SCHED_H

#include <libsvm/ipvs.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A virtual service with its scheduler, destinations and connections, in motion. */
struct lsvm_sched;

/** The connection number of a datagram that leaves none behind. */
#define LSVM_SCHED_NO_CONNECTION UINT32_MAX

/** What becomes of a packet that opens a connection. */
enum lsvm_sched_outcome {
	LSVM_SCHED_UNKNOWN = 0,
	LSVM_SCHED_SERVED = 1,	       /**< the scheduler chose a destination */
	LSVM_SCHED_PERSISTENT = 2,     /**< the destination that the client had before */
	LSVM_SCHED_NO_DESTINATION = 3, /**< refused: the service has none */
	LSVM_SCHED_DRAINED = 4,	       /**< refused: every destination that may serve the
					  client has weight 0 */
	LSVM_SCHED_OVERLOADED = 5,     /**< refused: those with a weight are above their
					  threshold or cap */
	LSVM_SCHED_PASSED = 6, /**< the scheduler is not asked: client port 20, or a
				  service of all ports without persistence */
};

/** "served", "persistent", "no-destination", "drained", "overloaded", "passed",
 * "unknown". @since 0.1 */
LSVM_API const char *lsvm_sched_outcome_name(int outcome);
/** The outcome of that name; LSVM_SCHED_UNKNOWN when there is none. @since 0.1 */
LSVM_API int lsvm_sched_outcome_parse(const char *name);

/**
 * Which destination of a service gets a client's new connection. For dh, sh and mh this
 * follows from the table alone; for lc, wlc, sed, nq, fo and ovf from the connection
 * counts in it. The destinations stand as the kernel was seen to have them, in a table
 * from elsewhere as if added in its order, drained ones at their last weight. A
 * persistent service answers for a client that it does not know yet.
 * @param virtual_address What the client calls, for a service with a mark; NULL otherwise
 * @param client The client's address
 * @param client_port Its port; only sh and mh with their port flag look at it
 * Returns an enum lsvm_sched_outcome; @p ret is set with LSVM_SCHED_SERVED only.
 * Errors: LSVM_ERR_STATE for rr, wrr, lblc and lblcr, whose choice depends on what came
 * before: use lsvm_sched_new(). LSVM_ERR_ARGUMENT, LSVM_ERR_UNSUPPORTED (another
 * scheduler, a persistence engine), LSVM_ERR_NOMEM.
 * Lifetime: the destination is borrowed from the table. @since 0.1
 */
LSVM_API int lsvm_sched_predict(struct lsvm_ctx *ctx,
				const struct lsvm_ipvs_service *service,
				const char *virtual_address, const char *client,
				uint16_t client_port,
				const struct lsvm_ipvs_destination **ret);

/**
 * What is lost when director @p b takes over from director @p a and knows none of its
 * connections: of 4,096 flows to each service, spread evenly over clients and ports,
 * those that @p a serves and those of them that @p b would not send to the same real
 * server. With dh, sh, mh and fo that follows from the tables, the order and history of
 * their destinations included; with any other scheduler every flow counts as broken.
 * @param ret_flows How many flows @p a serves
 * @param ret_broken How many of them break
 * Errors: LSVM_ERR_UNSUPPORTED (another scheduler, a persistence engine), LSVM_ERR_LIMIT,
 * LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_ipvs_consistency(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *a,
				   const struct lsvm_ipvs_table *b, uint32_t *ret_flows,
				   uint32_t *ret_broken);

/**
 * A machine for the service, as if it had just been made and its destinations had been
 * added in the order in which the kernel was seen to have them, in a table from elsewhere
 * in the table's, drained ones at their last weight. Connection counts come from the
 * table and stay: connections that are not the machine's own. Errors:
 * LSVM_ERR_UNSUPPORTED (another scheduler, a persistence engine), LSVM_ERR_RANGE,
 * LSVM_ERR_NOMEM. Lifetime: until lsvm_sched_free(); the table is not needed any more.
 * @since 0.1
 */
LSVM_API int lsvm_sched_new(struct lsvm_ctx *ctx, const struct lsvm_ipvs_service *service,
			    struct lsvm_sched **ret);
/** Frees a machine. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_sched_free(struct lsvm_sched *sched);

/**
 * Edits the service: scheduler, flags and persistence of @p service hold from now on; its
 * destinations and its name are not looked at. Another scheduler begins anew, the same
 * one goes on. Errors: LSVM_ERR_UNSUPPORTED, LSVM_ERR_NOMEM: nothing changed. @since 0.1
 */
LSVM_API int lsvm_sched_edit(struct lsvm_sched *sched,
			     const struct lsvm_ipvs_service *service);
/** The sysctl expire_quiescent_template: whether known clients leave a server of weight
 * 0. At first false. @since 0.1 */
LSVM_API void lsvm_sched_set_expire_quiescent(struct lsvm_sched *sched, bool expire);
/** The sysctls lblc_expiration and lblcr_expiration in seconds. At first a day. @since
 * 0.1 */
LSVM_API void lsvm_sched_set_cache_expiration_s(struct lsvm_sched *sched,
						uint32_t seconds);

/**
 * Adds a destination. One that was removed before comes back under its number with the
 * connections it still has, as in the kernel.
 * Returns its number: they count from 0 and are never given to another address and port;
 * those that came with the table have the table's numbers.
 * Errors: LSVM_ERR_EXISTS, LSVM_ERR_ARGUMENT, LSVM_ERR_RANGE, LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_sched_add(struct lsvm_sched *sched, const char *address, uint16_t port,
			    uint32_t weight, uint32_t upper_threshold,
			    uint32_t lower_threshold);
/** Edits a destination: all three values are replaced, as in the kernel.
 * Errors: LSVM_ERR_NOT_FOUND, LSVM_ERR_RANGE. @since 0.1 */
LSVM_API int lsvm_sched_change(struct lsvm_sched *sched, uint32_t destination,
			       uint32_t weight, uint32_t upper_threshold,
			       uint32_t lower_threshold);
/** Removes a destination. Its connections stay counted until lsvm_sched_close().
 * Errors: LSVM_ERR_NOT_FOUND. @since 0.1 */
LSVM_API int lsvm_sched_remove(struct lsvm_sched *sched, uint32_t destination);
/** The number of a destination that is there. Errors: LSVM_ERR_NOT_FOUND,
 * LSVM_ERR_ARGUMENT. @since 0.1 */
LSVM_API int lsvm_sched_find(const struct lsvm_sched *sched, const char *address,
			     uint16_t port);

/** How many numbers are given out, those of removed destinations included. @since 0.1 */
LSVM_API size_t lsvm_sched_destination_count(const struct lsvm_sched *sched);
/** Whether a destination of that number is there now. @since 0.1 */
LSVM_API bool lsvm_sched_destination_is_present(const struct lsvm_sched *sched,
						uint32_t destination);
/** Its address as text; "" for no such number. Returns @p buf. @since 0.1 */
LSVM_API const char *lsvm_sched_destination_address(const struct lsvm_sched *sched,
						    uint32_t destination, char *buf,
						    size_t size);
/** Its port. @since 0.1 */
LSVM_API uint16_t lsvm_sched_destination_port(const struct lsvm_sched *sched,
					      uint32_t destination);
/** Its weight now. @since 0.1 */
LSVM_API uint32_t lsvm_sched_destination_weight(const struct lsvm_sched *sched,
						uint32_t destination);
/** How many active connections it has. @since 0.1 */
LSVM_API uint32_t lsvm_sched_destination_active(const struct lsvm_sched *sched,
						uint32_t destination);
/** How many inactive connections it has: all of UDP, and TCP at its end. @since 0.1 */
LSVM_API uint32_t lsvm_sched_destination_inactive(const struct lsvm_sched *sched,
						  uint32_t destination);
/** Whether it reached its upper threshold and did not fall far enough since. @since 0.1
 */
LSVM_API bool lsvm_sched_destination_is_overloaded(const struct lsvm_sched *sched,
						   uint32_t destination);
/** Sets the counts, e.g. to what a director shows; the overload mark follows the upper
 * threshold. Errors: LSVM_ERR_NOT_FOUND. @since 0.1 */
LSVM_API int lsvm_sched_set_counts(struct lsvm_sched *sched, uint32_t destination,
				   uint32_t active, uint32_t inactive);

/**
 * A packet opens a connection: the kernel's decision, and what it changes.
 * @param virtual_address What the client calls, for a service with a mark; NULL otherwise
 * @param client The client's address
 * @param client_port Its port
 * @param protocol An enum lsvm_protocol; LSVM_PROTOCOL_UNKNOWN: the service's own, tcp
 *   with a mark
 * @param now_ms What time it is
 * @param ret_destination The destination's number, when there is one
 * @param ret_connection The connection's number, until lsvm_sched_close();
 *   LSVM_SCHED_NO_CONNECTION for a datagram of a one-packet service
 * A TCP connection begins active, any other inactive. The caller says when that changes
 * and when the connection ends.
 * Returns an enum lsvm_sched_outcome; the numbers are set when it is LSVM_SCHED_SERVED or
 * LSVM_SCHED_PERSISTENT. Errors: LSVM_ERR_ARGUMENT, LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_sched_connect(struct lsvm_sched *sched, const char *virtual_address,
				const char *client, uint16_t client_port, int protocol,
				uint64_t now_ms, uint32_t *ret_destination,
				uint32_t *ret_connection);
/** What lsvm_sched_connect() would answer; nothing changes but the time. Errors: as
 * there.
 * @since 0.1 */
LSVM_API int lsvm_sched_peek(struct lsvm_sched *sched, const char *virtual_address,
			     const char *client, uint16_t client_port, int protocol,
			     uint64_t now_ms, uint32_t *ret_destination);
/** The number of the destination that a connection goes to. Errors: LSVM_ERR_NOT_FOUND.
 * @since 0.1 */
LSVM_API int lsvm_sched_connection_destination(const struct lsvm_sched *sched,
					       uint32_t connection);
/** A connection becomes active (TCP: established) or inactive (after a FIN).
 * Errors: LSVM_ERR_NOT_FOUND. @since 0.1 */
LSVM_API int lsvm_sched_connection_set_active(struct lsvm_sched *sched,
					      uint32_t connection, bool is_active);
/** The kernel forgets a connection: its time is over. Errors: LSVM_ERR_NOT_FOUND. @since
 * 0.1 */
LSVM_API int lsvm_sched_close(struct lsvm_sched *sched, uint32_t connection,
			      uint64_t now_ms);

#ifdef __cplusplus
}
#endif

#endif
