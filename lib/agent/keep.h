/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a plan is kept: what has been looked at, and when it is looked at again. */
#ifndef LSVM_AGENT_KEEP_H
#define LSVM_AGENT_KEEP_H

#include "agent/agent.h"
#include "role/role.h"

/* What a round looks at, one after the other. */
enum keep_subject {
	KEEP_RECORD = 0,
	KEEP_NETWORK, /* links, addresses, routes */
	KEEP_TABLE,
	KEEP_ORDER, /* of destinations, where directors must have the same */
	KEEP_SYSCTLS,
	KEEP_FILES,
	KEEP_UNITS,
	KEEP_END,
};

/* A part of what is wanted; borrows everything. */
struct slice {
	struct state wanted, owned;
	bool reorder; /* only the order of destinations */
};

struct keep {
	struct lsvm_apply *apply; /* under way */
	bool applied;
	bool order_lost;	       /* destinations were added */
	bool first;		       /* the table was applied without what it lacked */
	char *record;		       /* as the last apply left it */
	VEC(struct address) addresses; /* wanted now */
	enum keep_subject subject;
	size_t cursor;		       /* in the subject */
	struct lsvm_ipvs_table *known; /* the kernel's at a reload; NULL: not known */
	uint64_t whole_due_ns;	       /* when the table is read as a whole again */
	uint64_t due_ns, table_due_ns, good_ns, repair_count;
	struct retry retry;
	struct trouble trouble;
};

/* ---- slices.c ---- */

/* The addresses of the master's plan that are wanted now, into keep->addresses. */
bool lsvm_keep_addresses(struct lsvm_agent *agent);
/* The IPVS table that is wanted now; borrowed. */
struct lsvm_ipvs_table *lsvm_keep_table(const struct lsvm_agent *agent);
/* Whether all directors must have destinations in the same order. */
bool lsvm_keep_order_matters(const struct lsvm_agent *agent);
/* Whether the kernel's list shows the whole table; false also when it cannot be read. */
bool lsvm_keep_is_listed(struct lsvm_agent *agent, const struct lsvm_ipvs_table *table);
/* The next slice of this round: 1, also for an empty one; 0: the round is over. */
int lsvm_keep_next_slice(struct lsvm_agent *agent, struct slice *slice);
/* 0: it was as it should be; 1: it was put right. */
int lsvm_keep_look_at(struct lsvm_agent *agent, struct slice *slice);
/* For the first apply: the wanted table without what this kernel's services lack. A new
 * reference (first.c). */
int lsvm_keep_first_table(struct lsvm_agent *agent, struct lsvm_ipvs_table **ret);

#endif
