/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who takes part: the verdicts of the checks, what operators drained, quorum, sorry
 * server, fail-open and slow start, turned into the table that is wanted now.
 *
 * A pool is made from a cluster and the table of a director's plan. It lists the targets
 * that must be probed, and knows which destinations depend on each. Facts come in; edits
 * of single destinations come out, never a whole table: cost grows with what changed.
 *
 * Clock-free; nanoseconds as in host/io.h.
 */
#ifndef LSVM_POOL_POOL_H
#define LSVM_POOL_POOL_H

#include "health/health.h"
#include "ipvs/table.h"
#include "monitor/event.h"

struct pool;

/* Borrows nothing: cluster is referenced, table is copied. `from` (may be NULL): an
 * earlier pool whose verdicts, drains and slow starts go on where the same servers are
 * still there (a reload). A new pool has no edits to tell: its table is where they start.
 * Targets with a mark go to the VIP, from the director's own address. */
int lsvm_pool_new(struct lsvm_ctx *ctx, struct lsvm_cluster *cluster,
		  const struct lsvm_ipvs_table *full, const struct pool *from,
		  uint64_t now_ns, struct pool **ret);
void lsvm_pool_free(struct pool *pool);

/* What has to be probed: index 0 to count - 1, the same as in the inputs below. */
size_t lsvm_pool_target_count(const struct pool *pool);
const struct target_spec *lsvm_pool_target(const struct pool *pool, size_t index);

/* Facts. Unknown counts as up until the first verdict: a director that starts must not
 * take servers out that work; `settled` below says when all verdicts are in. */
void lsvm_pool_input_verdict(struct pool *pool, size_t target, enum target_state state,
			     uint32_t percent, const char *cause, uint64_t now_ns);
/* LSVM_ERR_NOT_FOUND with a sentence that names the servers there are. partition NULL: in
 * all. A drained server gets no new connections; enabled again it starts slowly. */
int lsvm_pool_drain(struct pool *pool, const char *server, const char *partition,
		    bool drained, uint64_t now_ns);
/* The server says itself that it is about to go, or that it stays: no new connections
 * meanwhile. What operators drained stays so. A name that is no server's is ignored. */
void lsvm_pool_leave(struct pool *pool, const char *server, bool leaving,
		     uint64_t now_ns);
void lsvm_pool_tick(struct pool *pool, uint64_t now_ns); /* slow starts go on */
uint64_t lsvm_pool_deadline(const struct pool *pool);
/* Every target has had a verdict. */
bool lsvm_pool_is_settled(const struct pool *pool);

/* The table as it should be now, for a whole reconcile and for the record; borrowed,
 * valid until the next input. Frozen tables are never changed under a reader: it is a new
 * one. */
int lsvm_pool_table(struct pool *pool, struct lsvm_ipvs_table **ret);
/* Edits since they were last pulled, in an order that hurts nobody: additions and raised
 * weights first, removals last. Borrowed until the next call. */
bool lsvm_pool_next_change(struct pool *pool, struct ipvs_change *ret);
/* Events since they were last pulled: "eps2 down: connect timed out, 3 of 3". */
bool lsvm_pool_next_event(struct pool *pool, struct event *ret);

/* The targets of one server, for a signal that it is back; index of the n-th or SIZE_MAX.
 */
size_t lsvm_pool_server_target(const struct pool *pool, const char *server, size_t n);
/* Member "pool" of a status document, in pieces for who must not stop for long: all but
 * its services, back-end services and who needs them among it; and the services from
 * `first` up with their servers, what each is and why, as an array, empty past the end. A
 * new reference, NULL: out of memory. */
struct json_t *lsvm_pool_head_json(const struct pool *pool);
struct json_t *lsvm_pool_services_json(const struct pool *pool, size_t first,
				       size_t count, uint64_t now_ns);

/* ---- for figures ---- */

struct pool_service_facts {
	const struct ipvs_key *key;
	const char *partition, *vip, *name; /* vip NULL: there for probes only */
	const char *mode;		    /* "normal", "sorry", "fail-open" */
	uint32_t server_count, available_count, quorum;
	bool quorum_lost;
};
struct pool_server_facts {
	const char *server; /* NULL: in none of the partitions */
	const struct ipvs_destination *destination;
	const char *state; /* "up", "down", "drained", "unknown" */
	uint32_t weight;
	bool in;
};
/* Services in the order of the table; the servers of each from 0 to its server_count. */
size_t lsvm_pool_service_count(const struct pool *pool);
void lsvm_pool_service(const struct pool *pool, size_t service,
		       struct pool_service_facts *ret);
void lsvm_pool_service_server(const struct pool *pool, size_t service, size_t server,
			      struct pool_server_facts *ret);
size_t lsvm_pool_backend_count(const struct pool *pool);
/* Its name, and whether none of its hosts is good. */
const char *lsvm_pool_backend(const struct pool *pool, size_t backend, bool *ret_down);

#endif
