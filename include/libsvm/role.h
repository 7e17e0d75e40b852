/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file role.h
 * Roles: making a machine hold what its plan says, and telling whether it does.
 */
#ifndef LIBSVM_ROLE_H
#define LIBSVM_ROLE_H

#include <libsvm/cluster.h>
#include <libsvm/host.h>
#include <libsvm/impact.h>
#include <libsvm/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A plan on its way onto a machine. The machine remembers in /var/lib/svm/applied.json
 * what is ours on it, from before the first step: an apply that is cut short loses
 * nothing, and applying again goes on.
 */
struct lsvm_apply;

/**
 * Looks at the machine and finds the steps from what it holds to what @p plan says. What
 * an earlier plan put there and this one lacks goes; what others put there stays. Nothing
 * is changed yet.
 * @param host must outlive the result.
 * @param plan NULL: nothing of ours shall stay (a reset).
 * Returns 0. Errors: of looking (LSVM_ERR_PERMISSION, LSVM_ERR_NO_IPVS, LSVM_ERR_TIMEOUT,
 * …), LSVM_ERR_PARSE when the machine's record is damaged, LSVM_ERR_CONFLICT, also when
 * what was applied last made it another machine than the plan is for, LSVM_ERR_NOMEM.
 * Lifetime: until lsvm_apply_free(). @since 0.1
 */
LSVM_API int lsvm_apply_new(struct lsvm_host *host, struct lsvm_plan *plan,
			    struct lsvm_apply **ret);
/**
 * The same, but the machine may become another machine of the cluster than it was. The
 * addresses of its own that earlier plans brought in and this one lacks go then; those
 * that were there before stay.
 * Returns 0. Errors: as lsvm_apply_new(). Lifetime: until lsvm_apply_free(). @since 0.1
 */
LSVM_API int lsvm_apply_new_as(struct lsvm_host *host, struct lsvm_plan *plan,
			       struct lsvm_apply **ret);
/** Frees it; what was done stays. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_apply_free(struct lsvm_apply *apply);
/** The steps, all of them, done or not. None: the machine is as it should be. Borrowed.
 * @since 0.1 */
LSVM_API const struct lsvm_steps *lsvm_apply_steps(const struct lsvm_apply *apply);
/**
 * What the steps do to clients and connections of the machine's IPVS services: with the
 * connections that were counted and the kernel's settings as they will be. A machine
 * without services has no impact.
 * Returns 0. Errors: as lsvm_impact_compute(). Lifetime: until lsvm_impact_free(), also
 * after lsvm_apply_free(). @since 0.1
 */
LSVM_API int lsvm_apply_impact(const struct lsvm_apply *apply, struct lsvm_impact **ret);
/**
 * Also brings the destinations of services under sh, mh and dh into the order in which a
 * director would have them that is given the table afresh: then two directors send every
 * client to the same server, whatever lies behind them, and one can take over from the
 * other. Each destination that moves is removed and added at once. Connections live on,
 * but some clients to come get another server (lsvm_apply_impact() tells how many), and
 * who comes in the moment while a server is away gets another one. The steps are added to
 * lsvm_apply_steps(); expire_nodest_conn is 0 between them.
 * Returns 0, also when all are in order. Errors: LSVM_ERR_STATE after the first step was
 * done, LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_apply_reorder(struct lsvm_apply *apply);
/** How many steps are done. @since 0.1 */
LSVM_API size_t lsvm_apply_done_count(const struct lsvm_apply *apply);
/**
 * Does the next few steps.
 * Returns 1 while there is more to do and 0 when all is done. Errors: the machine's
 * answer to the step at lsvm_apply_done_count(); calling again tries that step again.
 * LSVM_ERR_BUSY while another apply is under way on the machine, LSVM_ERR_CONFLICT when
 * there was one since lsvm_apply_new(). @since 0.1
 */
LSVM_API int lsvm_apply_next(struct lsvm_apply *apply);
/**
 * Looks at the machine again.
 * Returns 0 when it holds what it should. Errors: LSVM_ERR_CONFLICT names the first thing
 * that did not stay; those of lsvm_apply_new(). @since 0.1
 */
LSVM_API int lsvm_apply_verify(struct lsvm_apply *apply);

/**
 * The plan that was applied to the machine last.
 * Returns 0. Errors: LSVM_ERR_NOT_FOUND when nothing of ours is on it, LSVM_ERR_STATE
 * when the last apply was cut short, and those of lsvm_apply_new(). Lifetime: until its
 * last lsvm_plan_unref(). @since 0.1
 */
LSVM_API int lsvm_role_applied(struct lsvm_host *host, struct lsvm_plan **ret);
/**
 * How the machine stands, as JSON, schema "lsvm-status/1": the plan applied last, what
 * differs from it, destinations that others put into its services ("not_ours"), its
 * addresses, sysctls, links and units with what they are and what they should be, and a
 * director's IPVS table with counters. "connections" says what becomes
 * of those when another director takes over. "ipvs_interface" is "socket-options" and
 * "ipvs_lost" lists what these lack where netlink is refused; otherwise neither is there.
 * @param role an enum lsvm_role: of a director the IPVS table is read even when nothing
 * of ours was applied; LSVM_ROLE_UNKNOWN: what the plan applied last says.
 * Returns 0. Errors: those of lsvm_apply_new(). @since 0.1
 */
LSVM_API int lsvm_role_status_to_json(struct lsvm_host *host, int role, char **ret);
/** The same as text for people. Errors: the same. @since 0.1 */
LSVM_API int lsvm_role_status_to_text(struct lsvm_host *host, int role, char **ret);

/**
 * Which real server would answer a client of a virtual service, and why, as JSON, schema
 * "lsvm-prediction/1". A connection that is there goes on where it goes ("connected");
 * then comes what persistence remembers ("persistent"); then the scheduler decides, in
 * the words of enum lsvm_sched_outcome. "any": it depends on what came before (rr, wrr,
 * lblc, lblcr), or on the client's port when that was not told.
 * @param table what the director holds: a snapshot, or the table of a plan, without any
 *   kernel.
 * @param host the machine whose connections are looked at; NULL: none are.
 * @param protocol an enum lsvm_protocol; LSVM_PROTOCOL_UNKNOWN: tcp.
 * @param fwmark the mark of the service; 0: it is named by its address.
 * @param vip what the client calls: "192.0.2.100:80".
 * @param client the client's address, with its port or without.
 * Returns 0. Errors: LSVM_ERR_ARGUMENT, LSVM_ERR_NOT_FOUND when there is no such service,
 * LSVM_ERR_UNSUPPORTED (another scheduler, a persistence engine), those of
 * lsvm_host_connections(), LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_role_predict_to_json(struct lsvm_ctx *ctx,
				       const struct lsvm_ipvs_table *table,
				       struct lsvm_host *host, int protocol,
				       uint32_t fwmark, const char *vip,
				       const char *client, char **ret);
/** The same as text for people. Errors: the same. @since 0.1 */
LSVM_API int lsvm_role_predict_to_text(struct lsvm_ctx *ctx,
				       const struct lsvm_ipvs_table *table,
				       struct lsvm_host *host, int protocol,
				       uint32_t fwmark, const char *vip,
				       const char *client, char **ret);

/** Why a server gets no traffic, each with what to do about it. */
struct lsvm_causes;

/** What can keep traffic from a server. */
enum lsvm_cause {
	LSVM_CAUSE_UNKNOWN = 0,
	/* Seen on a director. */
	LSVM_CAUSE_NO_SERVICE = 1,	    /**< it is a destination of no service */
	LSVM_CAUSE_SERVICE_MISSING = 2,	    /**< planned, but not in the kernel */
	LSVM_CAUSE_DESTINATION_MISSING = 3, /**< planned, but not in the kernel */
	LSVM_CAUSE_DRAINED = 4,		    /**< its weight is 0 */
	LSVM_CAUSE_OVERLOADED = 5,   /**< it reached its upper threshold; a warning while
					nobody can tell whether the mark is still there */
	LSVM_CAUSE_STANDBY = 6,	     /**< scheduler fo prefers another one */
	LSVM_CAUSE_NEIGHBOUR = 7,    /**< nobody answers for its address */
	LSVM_CAUSE_TUNNEL_MTU = 8,   /**< wrapped packets do not fit */
	LSVM_CAUSE_VIP_NOT_HELD = 9, /**< clients' packets do not come here */
	LSVM_CAUSE_FORWARDING_OFF = 10, /**< NAT without forwarding */
	/* On both. */
	LSVM_CAUSE_LINK_DOWN = 11, /**< a network card is down or missing */
	/* Seen on the server. */
	LSVM_CAUSE_VIP_MISSING = 12,	/**< not where the plan puts it */
	LSVM_CAUSE_ARP_IGNORE = 13,	/**< it answers ARP for virtual addresses */
	LSVM_CAUSE_ARP_ANNOUNCE = 14,	/**< it asks ARP with virtual addresses */
	LSVM_CAUSE_RP_FILTER = 15,	/**< what comes out of a tunnel is dropped */
	LSVM_CAUSE_TUNNEL_MISSING = 16, /**< nothing unwraps packets */
	LSVM_CAUSE_TUNNEL_DIFFERS = 17, /**< what unwraps expects other packets */
	LSVM_CAUSE_TUNNEL_DOWN = 18,	/**< what unwraps is down */
	LSVM_CAUSE_NO_WAY_BACK = 19,	/**< a planned route is missing or another one */
	LSVM_CAUSE_NOT_RUNNING = 20,	/**< a planned program does not run */
	LSVM_CAUSE_NOT_LISTENING = 21,	/**< nobody listens on a service's port */
};

/** "drained", "arp-ignore", …, "unknown". @since 0.1 */
LSVM_API const char *lsvm_cause_name(int cause);
/** The cause of that name; LSVM_CAUSE_UNKNOWN when there is none. @since 0.1 */
LSVM_API int lsvm_cause_parse(const char *name);

/**
 * Why a server gets no traffic, as far as a director can tell: its kernel's table,
 * against the plan, the neighbours, the way to the server.
 * @param host the director.
 * @param cluster what should be, the director found by the host's name; NULL: the plan
 *   that was applied last, if any.
 * @param server its address; with a cluster also its name.
 * Returns 0, also when there is no cause. Errors: LSVM_ERR_NOT_FOUND for a server that is
 * not in the cluster, those of lsvm_plan_compile() and lsvm_apply_new().
 * Lifetime: until lsvm_causes_free(). @since 0.1
 */
LSVM_API int lsvm_role_explain_destination(struct lsvm_host *host,
					   const struct lsvm_cluster *cluster,
					   const char *server, struct lsvm_causes **ret);
/**
 * Why a server gets no traffic or does not answer it, as far as it can tell itself:
 * virtual addresses, ARP, tunnels, the filter of sources, routes, and, with a cluster,
 * whether somebody listens on each port.
 * @param host the server.
 * @param cluster what should be, the server found by the host's name; NULL: the plan that
 *   was applied last.
 * Returns 0, also when there is no cause. Errors: LSVM_ERR_NOT_FOUND when nothing says
 * what should be, LSVM_ERR_ARGUMENT when it is no server, those of lsvm_plan_compile()
 * and lsvm_apply_new(). Lifetime: until lsvm_causes_free(). @since 0.1
 */
LSVM_API int lsvm_role_explain_server(struct lsvm_host *host,
				      const struct lsvm_cluster *cluster,
				      struct lsvm_causes **ret);
/** Frees them. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_causes_free(struct lsvm_causes *causes);
/** How many there are; 0: nothing that was looked at keeps traffic away. @since 0.1 */
LSVM_API size_t lsvm_causes_count(const struct lsvm_causes *causes);
/** An enum lsvm_cause; LSVM_CAUSE_UNKNOWN past the end. @since 0.1 */
LSVM_API int lsvm_causes_kind(const struct lsvm_causes *causes, size_t index);
/** An enum lsvm_severity: an error keeps traffic away, a warning may. @since 0.1 */
LSVM_API int lsvm_causes_severity(const struct lsvm_causes *causes, size_t index);
/** What it is about: a service, an address, an interface. "" past the end. @since 0.1 */
LSVM_API const char *lsvm_causes_subject(const struct lsvm_causes *causes, size_t index);
/** The cause as a sentence; "" past the end. @since 0.1 */
LSVM_API const char *lsvm_causes_text(const struct lsvm_causes *causes, size_t index);
/** What to do about it; "" past the end. @since 0.1 */
LSVM_API const char *lsvm_causes_advice(const struct lsvm_causes *causes, size_t index);
/** All as JSON, schema "lsvm-causes/1". Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_causes_to_json(const struct lsvm_causes *causes, char **ret);
/** All as text for people. Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_causes_to_text(const struct lsvm_causes *causes, char **ret);

#ifdef __cplusplus
}
#endif
#endif
