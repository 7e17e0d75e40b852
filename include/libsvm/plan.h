/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file plan.h
 * What each machine must hold, compiled from the cluster, and the steps that lead there.
 *
 * The same cluster gives the same plan, byte for byte, on whatever machine it is
 * compiled.
 */
#ifndef LIBSVM_PLAN_H
#define LIBSVM_PLAN_H

#include <libsvm/cluster.h>
#include <libsvm/ipvs.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What one machine must hold, compiled from a cluster. Never changes. */
struct lsvm_plan;
/** Ordered steps from one state of a machine to another. */
struct lsvm_steps;

/** What a director has to do now. Other machines have no duty. */
enum lsvm_duty {
	LSVM_DUTY_UNKNOWN = 0,
	LSVM_DUTY_AUTO =
		1, /**< "auto": the director with the highest priority is master */
	LSVM_DUTY_MASTER = 2, /**< "master": holds the VIPs */
	LSVM_DUTY_BACKUP = 3, /**< "backup": has the same table, but not the VIPs */
};

/** The word for a duty; "unknown" for a number that is none. @since 0.1 */
LSVM_API const char *lsvm_duty_name(int duty);
/** The duty of that name; LSVM_DUTY_UNKNOWN when there is none. @since 0.1 */
LSVM_API int lsvm_duty_parse(const char *name);

/** What a step does. */
enum lsvm_step_kind {
	LSVM_STEP_UNKNOWN = 0,
	LSVM_STEP_SYSCTL_SET = 1, /**< "sysctl-set" */
	LSVM_STEP_LINK_ADD = 2,	  /**< "link-add": a tunnel device is made */
	LSVM_STEP_LINK_CHANGE =
		3, /**< "link-change": an interface comes up, its MTU is set */
	LSVM_STEP_LINK_DELETE = 4,    /**< "link-delete" */
	LSVM_STEP_ADDRESS_ADD = 5,    /**< "address-add" */
	LSVM_STEP_ADDRESS_DELETE = 6, /**< "address-delete" */
	LSVM_STEP_ROUTE_SET = 7,      /**< "route-set": added or replaced */
	LSVM_STEP_ROUTE_DELETE = 8,   /**< "route-delete" */
	LSVM_STEP_IPVS = 9,	      /**< "ipvs": one change of the IPVS table */
	LSVM_STEP_FILE_WRITE = 10,    /**< "file-write" */
	LSVM_STEP_FILE_DELETE = 11,   /**< "file-delete" */
	LSVM_STEP_UNIT_START = 12,    /**< "unit-start" */
	LSVM_STEP_UNIT_RELOAD = 13,   /**< "unit-reload" */
	LSVM_STEP_UNIT_STOP = 14,     /**< "unit-stop" */
};

/** The word for a kind of step; "unknown" for a number that is none. @since 0.1 */
LSVM_API const char *lsvm_step_kind_name(int kind);
/** The kind of step of that name; LSVM_STEP_UNKNOWN when there is none. @since 0.1 */
LSVM_API int lsvm_step_kind_parse(const char *name);

/**
 * The plan of one machine: for a director its IPVS table, VIPs and kernel settings; for a
 * server its VIPs, tunnels, routes and web server; for a router the routes of VIPs that
 * lie outside every network.
 * @param machine its name in the cluster.
 * @param duty an enum lsvm_duty; matters for directors only.
 * Returns 0. Errors: LSVM_ERR_NOT_FOUND when the cluster has no such machine,
 * LSVM_ERR_ARGUMENT for a duty that is none, LSVM_ERR_NOMEM.
 * Lifetime: until its last lsvm_plan_unref(). @since 0.1
 */
LSVM_API int lsvm_plan_compile(struct lsvm_ctx *ctx, const struct lsvm_cluster *cluster,
			       const char *machine, int duty, struct lsvm_plan **ret);
/** Takes one more reference and returns @p plan. @since 0.1 */
LSVM_API struct lsvm_plan *lsvm_plan_ref(struct lsvm_plan *plan);
/** Gives one reference back. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_plan_unref(struct lsvm_plan *plan);

/** The name of the machine that the plan is for. Borrowed. @since 0.1 */
LSVM_API const char *lsvm_plan_machine(const struct lsvm_plan *plan);
/** The machine's role, an enum lsvm_role. @since 0.1 */
LSVM_API int lsvm_plan_role(const struct lsvm_plan *plan);
/**
 * The duty that the plan was compiled for, an enum lsvm_duty; LSVM_DUTY_UNKNOWN for
 * machines that are not directors. @since 0.1
 */
LSVM_API int lsvm_plan_duty(const struct lsvm_plan *plan);
/** The IPVS table that the machine must hold; NULL when it is not a director. Borrowed.
 * @since 0.1 */
LSVM_API const struct lsvm_ipvs_table *lsvm_plan_ipvs(const struct lsvm_plan *plan);

/**
 * How many addresses the machine must hold: its own, which have the length of their
 * subnet and are added where they are missing but never removed, and host addresses
 * (VIPs), which come and go with the plan. @since 0.1
 */
LSVM_API size_t lsvm_plan_address_count(const struct lsvm_plan *plan);
/**
 * Writes the address at @p index with its prefix length, "192.0.2.101/32", into @p buf.
 * Returns the length of the text. Errors: LSVM_ERR_RANGE past the end or when @p size is
 * less than the text and its end need. @since 0.1
 */
LSVM_API int lsvm_plan_address(const struct lsvm_plan *plan, size_t index, char *buf,
			       size_t size);
/** The interface that holds the address at @p index; NULL past the end. Borrowed.
 * @since 0.1 */
LSVM_API const char *lsvm_plan_address_interface(const struct lsvm_plan *plan,
						 size_t index);

/** How many files the machine must hold. @since 0.1 */
LSVM_API size_t lsvm_plan_file_count(const struct lsvm_plan *plan);
/** Where the file at @p index lies; NULL past the end. Borrowed. @since 0.1 */
LSVM_API const char *lsvm_plan_file_path(const struct lsvm_plan *plan, size_t index);
/** What is in the file at @p index; NULL past the end. Borrowed. @since 0.1 */
LSVM_API const char *lsvm_plan_file_content(const struct lsvm_plan *plan, size_t index);
/** The permission bits of the file at @p index; 0 past the end. @since 0.1 */
LSVM_API uint32_t lsvm_plan_file_mode(const struct lsvm_plan *plan, size_t index);

/** The whole plan as JSON, schema "lsvm-plan/1". Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_plan_to_json(const struct lsvm_plan *plan, char **ret);
/**
 * Reads a plan that lsvm_plan_to_json() wrote; writing it again gives the same bytes.
 * Returns 0. Errors: LSVM_ERR_PARSE, LSVM_ERR_LIMIT when it is longer than 256 MiB,
 * LSVM_ERR_NOMEM. Lifetime: until its last lsvm_plan_unref(). @since 0.1
 */
LSVM_API int lsvm_plan_from_json(struct lsvm_ctx *ctx, const char *bytes, size_t length,
				 struct lsvm_plan **ret);
/** The plan as text for people, one thing on a line. Errors: LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_plan_to_text(const struct lsvm_plan *plan, char **ret);

/**
 * The ordered steps that a machine which holds all of @p from takes to hold @p to:
 * nothing is taken away before what replaces it stands, a director gets a VIP when the
 * table behind it is ready.
 * @param from NULL: the machine holds nothing of ours yet.
 * @param to NULL: it shall hold nothing of ours any more.
 * Returns 0. Errors: LSVM_ERR_CONFLICT, LSVM_ERR_NOMEM.
 * Lifetime: until lsvm_steps_free(); the plans are kept alive by it. @since 0.1
 */
LSVM_API int lsvm_plan_diff(struct lsvm_ctx *ctx, struct lsvm_plan *from,
			    struct lsvm_plan *to, struct lsvm_steps **ret);

/** Frees the steps. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_steps_free(struct lsvm_steps *steps);
/** How many steps there are; 0: all is as it should be. @since 0.1 */
LSVM_API size_t lsvm_steps_count(const struct lsvm_steps *steps);
/** What the step at @p index does, an enum lsvm_step_kind; LSVM_STEP_UNKNOWN past the
 * end.
 * @since 0.1 */
LSVM_API int lsvm_steps_kind(const struct lsvm_steps *steps, size_t index);
/**
 * Writes the step at @p index as text, "add address 192.0.2.101/32 to eth0", into @p buf,
 * cut off where @p size ends it.
 * Returns the length of the whole text. Errors: LSVM_ERR_RANGE past the end,
 * LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_steps_text(const struct lsvm_steps *steps, size_t index, char *buf,
			     size_t size);
/** All steps as JSON, schema "lsvm-steps/1". Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_steps_to_json(const struct lsvm_steps *steps, char **ret);

#ifdef __cplusplus
}
#endif
#endif
