/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client: asks the targets, from within its network. */
#ifndef SVM_LAB_ASK_H
#define SVM_LAB_ASK_H

#include "targets.h"

#define ASK_TIMEOUT_MS 10000
#define ASK_PARALLEL_MAX 64

struct asking {
	struct targets *targets;
	uint32_t requests;     /* of each target; with `seconds`: in each round */
	uint32_t parallel;     /* pages at once; 1 to ASK_PARALLEL_MAX */
	uint32_t seconds;      /* ask in rounds for so long; 0: one round */
	const char *partition; /* only this one's; NULL: all */
	bool progress;	       /* say on standard error how far it is */
};

/* 0, or -1 when nothing could be asked. */
int ask_all(struct asking *asking);
/* One round: pages over HTTP, many at once; one service that is not on the web. */
int ask_web(struct asking *asking);
void ask_service(struct target *target, uint32_t requests);

#endif
