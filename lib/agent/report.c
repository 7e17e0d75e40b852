/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The status, piece by piece; see report.h. */
#include "agent/report.h"
#include "agent/watch.h"
#include "base/json.h"

#include <stdlib.h>

#define CHECKS_AT_ONCE 32
#define SERVICES_AT_ONCE 8

enum status_stage {
	STATUS_HEAD,
	STATUS_CHECKS,
	STATUS_POOL,
	STATUS_SERVICES,
	STATUS_END
};

/* Appends the text of `json` without its first and last character, and whether there was
 * anything between them. Takes the reference. */
static int add_inside(struct buf *out, json_t *json, bool comma, bool *ret_any)
{
	char *text = json ? lsvm_json_text(json, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;

	json_decref(json);
	if (!text)
		return LSVM_ERR_NOMEM;
	*ret_any = length > 2;
	if (length > 2 && comma)
		lsvm_buf_text(out, ",");
	if (length > 2)
		lsvm_buf_add(out, text + 1, length - 2);
	lsvm_free(text);
	return 0;
}

static void next_stage(struct report *report, enum status_stage stage)
{
	report->stage = stage;
	report->at = 0;
}

static int status_head(struct lsvm_agent *agent, struct report *report, struct buf *out)
{
	bool any = false;
	int err;

	lsvm_buf_text(out, "{");
	err = add_inside(out, lsvm_agent_head_json(agent), false, &any);
	if (agent->watch)
		lsvm_buf_text(out, ",\"checks\":[");
	next_stage(report, agent->watch ? STATUS_CHECKS : STATUS_END);
	return err;
}

static int status_checks(struct lsvm_agent *agent, struct report *report, struct buf *out)
{
	bool any = false;
	int err = 0;

	if (report->at < agent->watch->now.count)
		err = add_inside(
			out, lsvm_watch_checks_json(agent, report->at, CHECKS_AT_ONCE),
			report->at != 0, &any);
	report->at += CHECKS_AT_ONCE;
	if (report->at >= agent->watch->now.count)
		next_stage(report, STATUS_POOL);
	return err;
}

static int status_pool(struct lsvm_agent *agent, struct report *report, struct buf *out)
{
	bool any = false;
	int err;

	lsvm_buf_text(out, "],\"pool\":{");
	err = add_inside(out, lsvm_pool_head_json(agent->watch->now.pool), false, &any);
	lsvm_buf_text(out, ",\"services\":[");
	next_stage(report, STATUS_SERVICES);
	return err;
}

/* Services for probes are no services to tell of: a piece may be empty. */
static int status_services(struct lsvm_agent *agent, struct report *report,
			   struct buf *out)
{
	const struct pool *pool = agent->watch->now.pool;
	bool any = false;
	int err = add_inside(out,
			     lsvm_pool_services_json(pool, report->at, SERVICES_AT_ONCE,
						     agent_now(agent)),
			     report->written != 0, &any);

	report->written += any;
	report->at += SERVICES_AT_ONCE;
	if (report->at >= lsvm_pool_service_count(pool)) {
		lsvm_buf_text(out, "]}");
		next_stage(report, STATUS_END);
	}
	return err;
}

static int status_next(struct lsvm_agent *agent, struct report *report, struct buf *out)
{
	int err = 0;

	switch ((enum status_stage)report->stage) {
	case STATUS_HEAD:
		err = status_head(agent, report, out);
		break;
	case STATUS_CHECKS:
		err = status_checks(agent, report, out);
		break;
	case STATUS_POOL:
		err = status_pool(agent, report, out);
		break;
	case STATUS_SERVICES:
		err = status_services(agent, report, out);
		break;
	case STATUS_END:
		lsvm_buf_text(out, "}");
		return out->failed ? LSVM_ERR_NOMEM : 0;
	}
	if (err < 0 || out->failed)
		return LSVM_ERR_NOMEM;
	return 1;
}

int lsvm_report_next(struct lsvm_agent *agent, struct report *report, struct buf *out)
{
	switch (report->kind) {
	case REPORT_STATUS:
		return status_next(agent, report, out);
	case REPORT_METRICS:
		break;
	}
	return lsvm_metrics_next(agent, report, out);
}

void lsvm_report_free(struct report *report)
{
	lsvm_buf_free(&report->exposition.text);
	lsvm_ipvs_table_unref(report->counters);
	report->counters = NULL;
}
