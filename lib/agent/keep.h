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
	KEEP_SYSCTLS,
	KEEP_FILES,
	KEEP_UNITS,
	KEEP_END,
};

/* A part of what is wanted; borrows everything. */
struct slice {
	struct state wanted, owned;
};

struct keep {
	struct lsvm_apply *apply; /* under way */
	bool applied;
	char *record;		       /* as the last apply left it */
	VEC(struct address) addresses; /* wanted now */
	enum keep_subject subject;
	size_t cursor; /* in the subject */
	uint64_t due_ns, table_due_ns, good_ns, repair_count;
	struct retry retry;
	struct trouble trouble;
};

#endif
