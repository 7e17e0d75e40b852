/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file impact.h
 * What a change of an IPVS table does to clients and connections, before it is done.
 *
 * The ordered changes from the present table to the wanted one are followed on the
 * schedulers of sched.h. Connections are those that the present table counts, so that a
 * table that was read from a kernel foretells how many end; clients are 4,096 flows to
 * each service, spread evenly over addresses and ports.
 */
#ifndef LIBSVM_IMPACT_H
#define LIBSVM_IMPACT_H

#include <libsvm/ipvs.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a change of a table does to clients and connections. It never changes. */
struct lsvm_impact;

/** Whom a change hurts at worst. */
enum lsvm_impact_level {
	LSVM_IMPACT_LEVEL_UNKNOWN = 0,
	LSVM_IMPACT_LEVEL_NONE = 1, /**< nobody */
	LSVM_IMPACT_LEVEL_NEW = 2,  /**< new connections: some clients get another server,
				       or none */
	LSVM_IMPACT_LEVEL_ESTABLISHED = 3, /**< connections that live */
};

/** What the machine is set to, or-ed. */
enum lsvm_impact_flag {
	LSVM_IMPACT_NODEST_EXPIRES = 1,	   /**< sysctl expire_nodest_conn is 1 */
	LSVM_IMPACT_QUIESCENT_EXPIRES = 2, /**< sysctl expire_quiescent_template is 1 */
	LSVM_IMPACT_REORDERS = 4, /**< as lsvm_apply_reorder() does it, destinations are
				     brought into the order of a director that is given
				     the table afresh */
};

/** What becomes of a connection, or of a client that connects. */
enum lsvm_impact_fate {
	LSVM_IMPACT_FATE_UNKNOWN = 0,
	LSVM_IMPACT_FATE_KEPT = 1,    /**< connections that go on */
	LSVM_IMPACT_FATE_RESET = 2,   /**< connections that end at once, with a reset */
	LSVM_IMPACT_FATE_DROPPED = 3, /**< connections whose packets vanish from now on */
	LSVM_IMPACT_FATE_STAYS = 4,   /**< flows that may go where they went */
	LSVM_IMPACT_FATE_MOVES = 5,   /**< flows that get another server */
	LSVM_IMPACT_FATE_REFUSED = 6, /**< flows that were served and are no longer */
	LSVM_IMPACT_FATE_GAINED = 7,  /**< flows that are served from now on */
	LSVM_IMPACT_FATE_STRANDED = 8, /**< flows that a director which is given the table
					  afresh would send elsewhere: sh and mh remember
					  the order of additions */
};

/** "none", "new", "established", "unknown". @since 0.1 */
LSVM_API const char *lsvm_impact_level_name(int level);
/** The level of that name; LSVM_IMPACT_LEVEL_UNKNOWN when there is none. @since 0.1 */
LSVM_API int lsvm_impact_level_parse(const char *name);
/** "nodest-expires", "quiescent-expires", "reorders", "unknown". @since 0.1 */
LSVM_API const char *lsvm_impact_flag_name(int flag);
/** The flag of that name; 0 when there is none. @since 0.1 */
LSVM_API int lsvm_impact_flag_parse(const char *name);
/** "kept", "reset", "dropped", "stays", "moves", "refused", "gained", "stranded",
 * "unknown". @since 0.1 */
LSVM_API const char *lsvm_impact_fate_name(int fate);
/** The fate of that name; LSVM_IMPACT_FATE_UNKNOWN when there is none. @since 0.1 */
LSVM_API int lsvm_impact_fate_parse(const char *name);

/**
 * Finds out what leading @p present to @p wanted does, with the changes that
 * lsvm_host_ipvs_reconcile() would make.
 * @param present best a snapshot: it has counts and the kernel's order
 * @param owned what was wanted the last time: of that, what is no longer wanted is
 * removed. NULL: nothing is removed.
 * @param flags enum lsvm_impact_flag, or-ed
 * Returns 0. Errors: LSVM_ERR_ARGUMENT when something would have to be sent that cannot
 * work, LSVM_ERR_NOMEM. A service whose decisions cannot be foretold is none: a note says
 * so. Lifetime: until lsvm_impact_free(); the tables are not needed any more. @since 0.1
 */
LSVM_API int lsvm_impact_compute(struct lsvm_ctx *ctx,
				 const struct lsvm_ipvs_table *present,
				 const struct lsvm_ipvs_table *wanted,
				 const struct lsvm_ipvs_table *owned, uint32_t flags,
				 struct lsvm_impact **ret);
/** Frees it. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_impact_free(struct lsvm_impact *impact);

/** The worst of all services: an enum lsvm_impact_level. @since 0.1 */
LSVM_API int lsvm_impact_level(const struct lsvm_impact *impact);
/**
 * Whether the impact exceeds @p most, an enum lsvm_impact_level.
 * Returns 0 when it does not. Errors: LSVM_ERR_CONFLICT with a sentence that names the
 * first service that exceeds it and what to do; LSVM_ERR_ARGUMENT. @since 0.1
 */
LSVM_API int lsvm_impact_check(const struct lsvm_impact *impact, int most);

/** How many services the changes touch. @since 0.1 */
LSVM_API size_t lsvm_impact_service_count(const struct lsvm_impact *impact);
/** What names the service, "tcp 192.0.2.100:80"; "" past the end. Returns @p buf.
 * @since 0.1 */
LSVM_API const char *lsvm_impact_service_text(const struct lsvm_impact *impact,
					      size_t service, char *buf, size_t size);
/** The service's enum lsvm_impact_level. @since 0.1 */
LSVM_API int lsvm_impact_service_level(const struct lsvm_impact *impact, size_t service);
/** How many connections, or of 4,096 flows, meet with that enum lsvm_impact_fate.
 * @since 0.1 */
LSVM_API uint64_t lsvm_impact_service_fate(const struct lsvm_impact *impact,
					   size_t service, int fate);
/** How evenly new connections spread before, in thousandths: what the busiest server
 * gets, over what its weight says; 0: nobody serves. @since 0.1 */
LSVM_API uint32_t lsvm_impact_service_balance_before(const struct lsvm_impact *impact,
						     size_t service);
/** The same afterwards. @since 0.1 */
LSVM_API uint32_t lsvm_impact_service_balance_after(const struct lsvm_impact *impact,
						    size_t service);

/** How many servers the service had, has or will have. @since 0.1 */
LSVM_API size_t lsvm_impact_destination_count(const struct lsvm_impact *impact,
					      size_t service);
/** A server's address and port as text; "" past the end. Returns @p buf. @since 0.1 */
LSVM_API const char *lsvm_impact_destination_text(const struct lsvm_impact *impact,
						  size_t service, size_t destination,
						  char *buf, size_t size);
/** Its share of new connections before, in millionths. @since 0.1 */
LSVM_API uint32_t lsvm_impact_destination_share_before(const struct lsvm_impact *impact,
						       size_t service,
						       size_t destination);
/** The same afterwards. @since 0.1 */
LSVM_API uint32_t lsvm_impact_destination_share_after(const struct lsvm_impact *impact,
						      size_t service, size_t destination);
/** How many of its connections end, with or without a reset. @since 0.1 */
LSVM_API uint64_t lsvm_impact_destination_lost(const struct lsvm_impact *impact,
					       size_t service, size_t destination);

/** How many notes there are about the service: what is dangerous, and what to do.
 * @since 0.1 */
LSVM_API size_t lsvm_impact_note_count(const struct lsvm_impact *impact, size_t service);
/** A note's word, "drained-refuses"; NULL past the end. Borrowed. @since 0.1 */
LSVM_API const char *lsvm_impact_note_code(const struct lsvm_impact *impact,
					   size_t service, size_t note);
/** A note's sentence; NULL past the end. Borrowed. @since 0.1 */
LSVM_API const char *lsvm_impact_note_text(const struct lsvm_impact *impact,
					   size_t service, size_t note);

/** All of it as JSON, schema "lsvm-impact/1". Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_impact_to_json(const struct lsvm_impact *impact, char **ret);
/** The same for people; only the level when no service is touched.
 * Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_impact_to_text(const struct lsvm_impact *impact, char **ret);

#ifdef __cplusplus
}
#endif

#endif
