/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans and steps.
 *
 * A plan is the state wanted of one machine, in canonical order: the same cluster gives
 * the same bytes on every machine. Steps lead from what a machine has to what it should
 * have, without taking away what we did not put there.
 */
#ifndef LSVM_PLAN_PLAN_H
#define LSVM_PLAN_PLAN_H

#include "host/host.h"

#include <libsvm/plan.h>

/* A plan as JSON is never longer: it is read whole. */
#define LSVM_PLAN_JSON_MAX_BYTES (256u * 1024 * 1024)

struct lsvm_plan {
	atomic_uint refs;
	struct lsvm_ctx *ctx;
	const char *cluster, *machine; /* in wanted's arena */
	enum lsvm_role role;
	enum lsvm_duty duty; /* what was asked for; UNKNOWN unless the machine is a
				director */
	const char *promise; /* what becomes of connections when another director takes
				over, in wanted's arena; NULL: there is no other one */
	struct state *wanted;
};

int lsvm_plan_alloc(struct lsvm_ctx *ctx, struct lsvm_plan **ret);
/* Canonical order; LSVM_ERR_EXISTS with a sentence when something is there twice. */
int lsvm_plan_seal(struct lsvm_plan *plan);

struct lsvm_steps {
	VEC(struct step) list;
	struct lsvm_ctx *ctx;
	/* What the steps borrow from, where nobody else keeps it (lsvm_plan_diff). */
	struct lsvm_plan *from, *to;
	struct lsvm_ipvs_table empty; /* stands for a table that is not there */
};

/*
 * The ordered steps that make `present` hold what `wanted` says. Three-way: what wanted
 * has and present lacks is added or set; what `owned` (what was applied last) has, wanted
 * lacks and present still has is removed; all else was put there by somebody else and
 * stays. owned and wanted may be NULL: nothing. The result borrows from all three.
 *
 * owned may be the union of two plans after an apply that was cut short. A file of which
 * it holds older bytes makes its unit reload even when the disk already has the new ones:
 * the reload may not have happened.
 */
int lsvm_steps_compute(struct lsvm_ctx *ctx, const struct state *present,
		       const struct state *owned, const struct state *wanted,
		       struct lsvm_steps **ret);
/*
 * Appends what brings the present director's destinations into canonical order, after
 * those steps (ipvs/reorder.c). The result borrows from all three.
 */
int lsvm_steps_reorder(struct lsvm_steps *steps, const struct state *present,
		       const struct state *owned, const struct state *wanted);
/* An address with its subnet, unlike a VIP, is the machine's own. */
bool lsvm_address_is_own(const struct address *address);
/* "add address 192.0.2.101/32 to eth0" */
void lsvm_step_text(const struct step *step, struct buf *buf);

/* ---- JSON of the parts of a state (json.c); new references, NULL: out of memory ---- */

struct json_t;
struct json_t *lsvm_link_json(const struct link *link);
struct json_t *lsvm_address_json(const struct address *address);
struct json_t *lsvm_route_json(const struct route *route);
struct json_t *lsvm_sysctl_json(const struct sysctl *sysctl);
struct json_t *lsvm_unit_json(const struct unit *unit);

/* ---- order of the parts of a state (order.c), for qsort ---- */

int lsvm_link_compare(const struct link *a, const struct link *b);
int lsvm_address_compare(const struct address *a, const struct address *b);
int lsvm_route_compare(const struct route *a, const struct route *b);
int lsvm_sysctl_compare(const struct sysctl *a, const struct sysctl *b);
int lsvm_file_compare(const struct file *a, const struct file *b);
int lsvm_unit_compare(const struct unit *a, const struct unit *b);

/* ---- words (words.c) ---- */

const char *lsvm_link_kind_name(int kind);
int lsvm_link_kind_parse(const char *name);

#endif
