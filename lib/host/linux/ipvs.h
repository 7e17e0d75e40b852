/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The running kernel's IPVS over generic netlink, in the network namespace in which the
 * socket was opened; where netlink is refused, as inside a user namespace, by the older
 * socket options, which carry less (ipvs/sockopt.h).
 *
 * Every call ends at its deadline, whether the kernel answers or not. Failures put a
 * sentence on the context that says what to do next.
 */
#ifndef LSVM_HOST_LINUX_IPVS_H
#define LSVM_HOST_LINUX_IPVS_H

#include "host/host.h"

#define IPVS_TIMEOUT_DEFAULT_MS 5000 /* for one answer */
#define IPVS_CALL_DEFAULT_MS 120000  /* for a call of many questions */

struct ipvs_socket;

/*
 * Opens the socket and loads ip_vs where the kernel can. LSVM_ERR_NO_IPVS,
 * LSVM_ERR_PERMISSION. The context is kept (one more reference).
 */
int lsvm_ipvs_socket_open(struct lsvm_ctx *ctx, struct ipvs_socket **ret);
/* The same by the older socket options, even where netlink would answer. */
int lsvm_ipvs_socket_open_older(struct lsvm_ctx *ctx, struct ipvs_socket **ret);
void lsvm_ipvs_socket_close(struct ipvs_socket *socket);

/* The whole table, sealed, with counters, timeouts and daemons. A dump that was torn is
 * read again; LSVM_ERR_BUSY when the table never held still. */
int lsvm_ipvs_socket_read(struct ipvs_socket *socket, struct lsvm_ipvs_table **ret);
/*
 * Performs changes[0..count) in their order, in batches. *ret_done is how many were done,
 * also on failure: the change at that index is the one that failed, and some after it may
 * have been performed. What was to be removed and is gone already counts as done.
 */
int lsvm_ipvs_socket_apply(struct ipvs_socket *socket, const struct ipvs_change *changes,
			   size_t count, size_t *ret_done);
/* LSVM_ERR_UNSUPPORTED when the older socket options are in use and could not carry one
 * of these; nothing is sent. */
int lsvm_ipvs_socket_check(struct ipvs_socket *socket, const struct ipvs_change *changes,
			   size_t count);
/* Sets the counters of one service, or of all (NULL), to zero. */
int lsvm_ipvs_socket_zero(struct ipvs_socket *socket, const struct ipvs_key *key_or_all);
/* Removes everything. Nothing in the library calls it: live connections would be lost. */
int lsvm_ipvs_socket_flush(struct ipvs_socket *socket);
int lsvm_ipvs_socket_info(struct ipvs_socket *socket, struct ipvs_info *ret);
/* How many messages that change something were sent through this socket. */
uint64_t lsvm_ipvs_socket_write_count(const struct ipvs_socket *socket);

#endif
