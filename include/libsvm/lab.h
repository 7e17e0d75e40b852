/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file lab.h
 * The whole cluster in virtual time: every machine of a cluster file simulated in this
 * process, an agent on each director and server, a client outside, and faults on demand.
 *
 * Time passes only when it is told to, and as fast as the machines can be computed. All
 * chance comes from a seed: the same cluster, seed and commands give the same events,
 * byte for byte.
 */
#ifndef LIBSVM_LAB_H
#define LIBSVM_LAB_H

#include <libsvm/agent.h>
#include <libsvm/cluster.h>
#include <libsvm/host.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A cluster in virtual time. It belongs to one thread at a time. */
struct lsvm_lab;

/**
 * Builds the cluster: networks, routers, back-ends, a client on the outside, and an agent
 * on each director and server, which starts at time 0.
 * @param cluster a reference is kept.
 * @param seed of all chance.
 * Returns 0. Errors: those of lsvm_plan_compile(), LSVM_ERR_NOMEM.
 * Lifetime: until lsvm_lab_free(). @since 0.1
 */
LSVM_API int lsvm_lab_new(struct lsvm_ctx *ctx, struct lsvm_cluster *cluster,
			  uint64_t seed, struct lsvm_lab **ret);
/** Frees it with all its machines. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_lab_free(struct lsvm_lab *lab);

/** Lets time pass. Returns 0. Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_lab_advance(struct lsvm_lab *lab, uint64_t duration_ms);
/** Virtual time since the beginning, in microseconds. @since 0.1 */
LSVM_API uint64_t lsvm_lab_now_us(const struct lsvm_lab *lab);
/** How many things have happened: packets that arrived, deadlines that came. @since 0.1
 */
LSVM_API uint64_t lsvm_lab_step_count(const struct lsvm_lab *lab);

/**
 * Does one command of the language of scenarios, svm-scenario(5): "cut eds1", "advance
 * 3s", "expect master eds2 within 4s", "requests 100 every 10ms", …. Returns 0. Errors:
 * LSVM_ERR_PARSE for words that are no command, LSVM_ERR_NOT_FOUND for a machine, network
 * or address that is not there, LSVM_ERR_STATE when it does not fit what is,
 * LSVM_ERR_CONFLICT when what was expected is not so, LSVM_ERR_NOMEM; and those of the
 * agents' calls. @since 0.1
 */
LSVM_API int lsvm_lab_do(struct lsvm_lab *lab, const char *command);
/**
 * Does the commands of a script, one on a line, until one fails. Empty lines and what
 * stands behind '#' are skipped.
 * Returns 0. Errors: as lsvm_lab_do(); the sentence names the line. @since 0.1
 */
LSVM_API int lsvm_lab_run_script(struct lsvm_lab *lab, const char *text, size_t length);

/**
 * Another cluster file for all agents that run, and for those that start from now on.
 * Machines and networks stay what they were, and so do the virtual addresses that the lab
 * watches and its clients ask.
 * Returns 0. Errors: LSVM_ERR_UNSUPPORTED when it has a machine that the lab has not,
 * those of lsvm_agent_reload(). @since 0.1
 */
LSVM_API int lsvm_lab_reload(struct lsvm_lab *lab, struct lsvm_cluster *cluster);

/**
 * The director that holds the virtual address; "" when none does, or more than one.
 * @param vip its name or address; NULL: the first of the cluster. Borrowed, for as long
 * as the lab lives; NULL when there is no such virtual address. @since 0.1
 */
LSVM_API const char *lsvm_lab_master(struct lsvm_lab *lab, const char *vip);
/** Requests that the client has made. @since 0.1 */
LSVM_API uint64_t lsvm_lab_request_count(const struct lsvm_lab *lab);
/** Those that failed; lsvm_lab_to_json() tells why. @since 0.1 */
LSVM_API uint64_t lsvm_lab_failed_count(const struct lsvm_lab *lab);
/** How often a virtual address came to another director. @since 0.1 */
LSVM_API uint64_t lsvm_lab_failover_count(const struct lsvm_lab *lab);

/**
 * The agent of a machine, for lsvm_agent_status_to_json() and the like; its events come
 * from lsvm_lab_next_event(). Borrowed, until the next call that may end it; NULL when
 * none runs there. @since 0.1
 */
LSVM_API struct lsvm_agent *lsvm_lab_agent(struct lsvm_lab *lab, const char *machine);
/** The machine itself. Borrowed, for as long as the lab lives; NULL when there is none.
 * @since 0.1 */
LSVM_API struct lsvm_host *lsvm_lab_host(struct lsvm_lab *lab, const char *machine);

/** One line of what happened: "12.345678 eds2 state vrrp front ipv4: master: …".
 * Returns 1 with a line, 0 without. Errors: LSVM_ERR_NOMEM. Lifetime: until lsvm_free().
 * @since 0.1 */
LSVM_API int lsvm_lab_next_event(struct lsvm_lab *lab, char **ret);
/** All events that are kept, in order, as JSON, schema "lsvm-lab-events/1": for each the
 * virtual time in microseconds, the machine ("" for the lab's own), kind, severity,
 * subject and text. Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_lab_events_to_json(struct lsvm_lab *lab, char **ret);
/** How all stands, as JSON, schema "lsvm-lab/1": time, machines, who holds each virtual
 * address, requests with their outcomes. Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_lab_to_json(struct lsvm_lab *lab, char **ret);

/**
 * Looks for trouble: a random schedule of faults from the seed, and after each thing that
 * happens a look at what must always hold (svm-scenario(5) says what). When it does not,
 * the schedule is made as short as it still breaks something.
 * @param ret a report as JSON, schema "lsvm-exploration/1": the seed, how much happened,
 *   "broken" (null, or what did not hold), and then "script", which shows it.
 * Returns 0 when all held, 1 when something did not. Errors: those of lsvm_lab_new().
 * Lifetime: until lsvm_free(). @since 0.1
 */
LSVM_API int lsvm_lab_explore(struct lsvm_ctx *ctx, struct lsvm_cluster *cluster,
			      uint64_t seed, char **ret);

#ifdef __cplusplus
}
#endif
#endif
