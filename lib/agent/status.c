/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an agent stands, as one document: what each part says of itself; the long lists of
 * a director are added by report.c. */
#include "agent/agent.h"
#include "agent/report.h"
#include "base/json.h"

static const char *life_word(const struct lsvm_agent *agent)
{
	switch (agent->life) {
	case AGENT_NEW:
		return "new";
	case AGENT_RUNNING:
		return "running";
	case AGENT_STOPPING:
		return "stopping";
	case AGENT_FINISHED:
		break;
	}
	return "finished";
}

/* Takes the reference; what a part has not is left out. */
static bool add(json_t *root, const char *name, json_t *value)
{
	return value && json_object_set_new(root, name, value) == 0;
}

json_t *lsvm_agent_head_json(struct lsvm_agent *agent)
{
	const uint64_t up_ns =
		agent->started_ns ? agent_now(agent) - agent->started_ns : 0;
	json_t *root = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "schema",
		"lsvm-agent-status/1", "cluster", agent->aim.cluster->name, "machine",
		agent->aim.machine->name, "role", lsvm_role_name((int)agent->role),
		"state", life_word(agent), "time_ms",
		(json_int_t)agent->io->wall_ms(agent->host), "running_ms",
		(json_int_t)(up_ns / IO_MS), "events", (json_int_t)agent->last_number,
		"slowest_dispatch_us", (json_int_t)(agent->slowest_ns / 1000),
		"latest_dispatch_us", (json_int_t)(agent->latest_ns / 1000));
	bool good = root != NULL;

	if (good && agent->keep)
		good = add(root, "plan", lsvm_keep_json(agent));
	if (good && agent->role == LSVM_ROLE_DIRECTOR)
		good = add(root, "duty", lsvm_duty_json(agent));
	if (good && agent->aim.standby->promise)
		good = add(root, "connections", json_string(agent->aim.standby->promise));
	if (good && agent->peer)
		good = add(root, "signals", lsvm_peer_json(agent));
	if (good)
		return root;
	json_decref(root);
	return NULL;
}

/* All pieces at once. */
static int whole_report(struct lsvm_agent *agent, enum report_kind kind, char **ret)
{
	struct report report = { .kind = kind };
	struct buf text = { 0 };
	int more;

	do
		more = lsvm_report_next(agent, &report, &text);
	while (more > 0);
	lsvm_report_free(&report);
	if (more < 0 || text.failed) {
		lsvm_buf_free(&text);
		return lsvm_fail_nomem(agent->ctx);
	}
	*ret = lsvm_buf_take(&text);
	return *ret ? 0 : lsvm_fail_nomem(agent->ctx);
}

int lsvm_agent_status_to_json(struct lsvm_agent *agent, char **ret)
{
	return whole_report(agent, REPORT_STATUS, ret);
}

int lsvm_agent_metrics_to_text(struct lsvm_agent *agent, char **ret)
{
	return whole_report(agent, REPORT_METRICS, ret);
}

int lsvm_agent_duty(const struct lsvm_agent *agent)
{
	return agent->life == AGENT_RUNNING ? (int)lsvm_duty_now(agent)
					    : LSVM_DUTY_UNKNOWN;
}
