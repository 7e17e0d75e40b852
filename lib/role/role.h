/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine remembers of us: the record /var/lib/svm/applied.json.
 *
 * It holds the plans whose things may be on the machine, the oldest first. There is one
 * when the last apply went through; while an apply is under way, and after one that was
 * cut short, the new plan stands behind the earlier ones, so that at no moment anything
 * of ours is forgotten. It also holds what our sysctls were before us, and which of the
 * machine's own addresses were not there.
 */
#ifndef LSVM_ROLE_ROLE_H
#define LSVM_ROLE_ROLE_H

#include "host/host.h"
#include "plan/plan.h"

#include <libsvm/role.h>

#define RECORD_PATH "/var/lib/svm/applied.json"
#define RECORD_MODE 0600
/* Applies that may be cut short one after the other. */
#define RECORD_MAX_PLANS 64

struct record {
	char *text; /* as it lies on the machine; NULL: there is none */
	VEC(struct lsvm_plan *) plans;
	struct state *before; /* sysctls; addresses: own ones that we brought in */
	bool duties; /* the plans are those of a director's duties, between which its
			agent changes without writing here */
};

/* A plan with its JSON, which is long: it is made once. */
struct known_plan {
	struct lsvm_plan *plan; /* NULL: none */
	char *text;
};

/* Reads the machine's record; none is an empty one. One that says that just the known
 * plan was applied, as most do, is recognised without being parsed. */
int lsvm_record_read(struct lsvm_host *host, const struct known_plan *known,
		     struct record *ret);
/* The text of a record with these plans and sysctls; duties: see struct record. */
int lsvm_record_text(struct lsvm_ctx *ctx, struct lsvm_plan *const *plans, size_t count,
		     const struct known_plan *known, const struct state *before,
		     bool duties, char **ret);
/* The plan that the machine should hold by its record; of several duties the one that it
 * has taken on. *ret is borrowed from the record; NULL: none. */
int lsvm_record_plan(struct lsvm_host *host, const struct record *record,
		     struct lsvm_plan **ret);
/* Whether the last apply was cut short. */
static inline bool record_is_cut(const struct record *record)
{
	return record->plans.count > 1 && !record->duties;
}
/* LSVM_ERR_CONFLICT when the machine's record is no longer what was read. */
int lsvm_record_check(struct lsvm_host *host, const struct record *record);
/* Makes the machine's record this text (NULL: none) when it is not so already. */
int lsvm_record_write(struct lsvm_host *host, struct record *record, const char *text);
/* Equal, or both NULL. */
bool lsvm_same_text(const char *a, const char *b);
void lsvm_record_free(struct record *record);

/* ---- a machine that shall become another one (move.c) ---- */

struct move {
	const struct record *record;
	const struct lsvm_plan *plan; /* NULL: a reset */
	const struct state *owned;
	struct state *present;
};

/* LSVM_ERR_CONFLICT when the plan is for another machine than the last one was. */
int lsvm_move_check(struct lsvm_ctx *ctx, const struct record *record,
		    const struct lsvm_plan *plan);
/* Whether something of another machine may be here. */
bool lsvm_move_is(const struct record *record, const struct lsvm_plan *plan);
/* Adds to `before` which own addresses are brought in; false: out of memory. */
bool lsvm_move_remember(const struct move *move, bool keep_all, struct state *before);
/* Forgets the wanted routes that go with the addresses that go: they are set again. */
void lsvm_move_lose_routes(const struct move *move);
/* Takes these addresses away before others come: a kernel may drop with an address those
 * that came to its subnet later. The steps borrow from the record. */
int lsvm_move_add_steps(struct lsvm_ctx *ctx, const struct move *move,
			struct lsvm_steps *steps);

/* ---- for agents (apply.c) ---- */

/* What an agent applies. Everything is borrowed, for as long as the apply lives. */
struct apply_wish {
	struct lsvm_plan *plan;
	/* The plan of the other duty, which may be taken on without another apply: the
	 * record lists both. NULL: there is none. */
	struct lsvm_plan *other;
	struct lsvm_ipvs_table *table; /* in place of the plan's; NULL: the plan's */
	struct lsvm_ipvs_table *known; /* the kernel's, where it need not be read; NULL:
					  it is read */
	const struct address
		*addresses; /* in place of the plan's, when there is `other` */
	size_t address_count;
};
int lsvm_apply_new_for(struct lsvm_host *host, const struct apply_wish *wish,
		       struct lsvm_apply **ret);
/* The machine's record as the finished apply left it. */
const char *lsvm_apply_record(const struct lsvm_apply *apply);

/* Takes out of `wanted` the settings of ip_vs that the machine does not show: in a user
 * namespace older kernels hide them all. Does nothing where IPVS is reached by netlink.
 */
int lsvm_role_drop_hidden(struct lsvm_host *host, const struct state *present,
			  struct state *wanted);

/* All that the plans hold; where two differ about a thing, the earlier one counts. The
 * result borrows from the plans. */
int lsvm_state_union(struct lsvm_ctx *ctx, struct lsvm_plan *const *plans, size_t count,
		     struct state **ret);

#endif
