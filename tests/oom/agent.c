/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An agent without memory: what it cannot do it says or does later, and nothing is lost
 * or freed twice. */
#include "oom.h"

#include <string.h>

#define CLUSTER(servers)                                                                 \
	"name: small\n"                                                                  \
	"networks: [{name: front, subnets: 192.0.2.0/24, outside: true}]\n"              \
	"directors:\n"                                                                   \
	"  - {name: eds1, interfaces: [{network: front, addresses: 192.0.2.11}]}\n"      \
	"  - {name: eds2, interfaces: [{network: front, addresses: 192.0.2.12}]}\n"      \
	"servers:\n"                                                                     \
	"  - {name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}]}\n"      \
	"  - {name: eps2, interfaces: [{network: front, addresses: 192.0.2.22}]}\n"      \
	"redundancy: {advert_interval_ms: 100}\n"                                        \
	"partitions:\n"                                                                  \
	"  - {name: web, servers: [" servers "], vips: [{address: 192.0.2.100, "         \
	"services: [{ports: 80}]}]}\n"

static struct lsvm_ctx *ctx;
static struct lsvm_cluster *before, *after;

static int pass(struct lsvm_host *host, struct lsvm_agent *agent, int tenths)
{
	int err = 0;

	for (int i = 0; i < tenths && err >= 0; i++) {
		err = lsvm_host_simulate_pass(host, 100);
		if (err >= 0)
			err = lsvm_agent_dispatch(agent);
	}
	return err;
}

static void pull(struct lsvm_agent *agent)
{
	struct lsvm_event *event;

	while (lsvm_agent_next_event(agent, &event) == 1)
		lsvm_event_free(event);
}

static int live(struct lsvm_host *host, struct lsvm_agent *agent)
{
	char *text = NULL;
	int err = lsvm_agent_start(agent);

	if (err >= 0)
		err = pass(host, agent, 8);
	if (err >= 0)
		err = lsvm_agent_drain(agent, "eps1", NULL);
	if (err >= 0)
		err = lsvm_agent_reload(agent, after);
	if (err >= 0)
		err = pass(host, agent, 3);
	if (err >= 0)
		err = lsvm_agent_status_to_json(agent, &text);
	if (err >= 0)
		OOM_CHECK(strstr(text, "lsvm-agent-status/1") != NULL);
	lsvm_free(text);
	text = NULL;
	if (err >= 0)
		err = lsvm_agent_metrics_to_text(agent, &text);
	if (err >= 0)
		OOM_CHECK(strstr(text, "lsvm_director_master") != NULL);
	lsvm_free(text);
	if (err >= 0)
		err = lsvm_agent_refuse_reload(agent, "no");
	pull(agent);
	if (err >= 0)
		err = lsvm_agent_stop(agent);
	if (err >= 0)
		err = pass(host, agent, 25);
	if (err >= 0)
		OOM_CHECK(lsvm_agent_is_finished(agent));
	return err;
}

static int director(void)
{
	struct lsvm_host *host = NULL;
	struct lsvm_agent *agent = NULL;
	int err = lsvm_host_new_simulated(ctx, "eds1", &host);

	if (err >= 0)
		err = lsvm_agent_new(host, before, "eds1", &agent);
	if (err >= 0)
		err = lsvm_agent_set(agent, LSVM_AGENT_CONTROL, "/run/svm/eds.sock");
	if (err >= 0)
		err = lsvm_agent_set(agent, LSVM_AGENT_METRICS, "192.0.2.11:9100");
	if (err >= 0)
		err = lsvm_agent_set(agent, LSVM_AGENT_NOTIFY, "/bin/tell");
	if (err >= 0)
		err = live(host, agent);
	lsvm_agent_free(agent);
	lsvm_host_free(host);
	return err;
}

static int load(const char *text, struct lsvm_cluster **ret)
{
	return lsvm_cluster_load(ctx, text, strlen(text), LSVM_FORMAT_YAML, NULL, ret);
}

int main(void)
{
	int bad = 1;

	if (lsvm_ctx_new(&ctx) < 0 || load(CLUSTER("eps1"), &before) < 0 ||
	    load(CLUSTER("eps1, eps2"), &after) < 0)
		return 1;
	bad = oom_run("agent", director);
	lsvm_cluster_unref(before);
	lsvm_cluster_unref(after);
	lsvm_ctx_unref(ctx);
	return bad;
}
