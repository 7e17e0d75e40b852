/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Long answers, made piece by piece: a status of thousands of servers, figures of as
 * many, a thousand events. Each piece takes well under a millisecond, so that whoever
 * asks for them delays nothing that has to be in time. Pieces are true when they are
 * made, not all at one moment.
 */
#ifndef LSVM_AGENT_REPORT_H
#define LSVM_AGENT_REPORT_H

#include "agent/agent.h"
#include "monitor/exposition.h"

enum report_kind {
	REPORT_STATUS,	/* {"schema": "lsvm-agent-status/1", …} */
	REPORT_METRICS, /* the text exposition format */
};

struct report {
	enum report_kind kind;
	unsigned stage; /* of a status: its part; of metrics: the family */
	size_t at;	/* in the stage */
	size_t written; /* services so far */
	struct exposition exposition;
	struct lsvm_ipvs_table *counters; /* NULL: not looked at, or too dear */
};

/* Appends the next piece; 1 while there is more to come, 0 at the end, LSVM_ERR_NOMEM. */
int lsvm_report_next(struct lsvm_agent *agent, struct report *report, struct buf *out);
/* What it holds between pieces; the report may be forgotten then. */
void lsvm_report_free(struct report *report);

/* metrics.c: the same for REPORT_METRICS. */
int lsvm_metrics_next(struct lsvm_agent *agent, struct report *report, struct buf *out);

#endif
