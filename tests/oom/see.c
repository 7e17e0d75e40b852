/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking without memory: connections, predictions and causes. */
#include "oom.h"

#include <stdio.h>
#include <string.h>

static const char text[] =
	"name: small\n"
	"networks:\n"
	"  - {name: outside, subnets: 10.9.0.0/24, outside: true}\n"
	"  - {name: front, subnets: 192.0.2.0/24}\n"
	"routers:\n"
	"  - name: r1\n"
	"    interfaces: [{network: outside, addresses: 10.9.0.1},\n"
	"                 {network: front, addresses: 192.0.2.1}]\n"
	"directors: [{name: eds1, interfaces: [{network: front, addresses: "
	"192.0.2.11}]}]\n"
	"servers: [{name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}]}]\n"
	"partitions:\n"
	"  - {name: web, servers: [eps1], scheduler: sh, vips: [{address: 192.0.2.100, "
	"domains: [www.example.com]}]}\n";

static struct lsvm_ctx *ctx;
static struct lsvm_cluster *cluster;
static struct lsvm_host *director, *server; /* made with all the memory there is */

static int causes_of(struct lsvm_causes *causes)
{
	char *json = NULL, *words = NULL;
	int err = lsvm_causes_to_json(causes, &json);

	if (err >= 0)
		err = lsvm_causes_to_text(causes, &words);
	if (err >= 0)
		OOM_CHECK(lsvm_causes_count(causes) > 0 && strstr(json, "lsvm-causes/1"));
	lsvm_free(json);
	lsvm_free(words);
	lsvm_causes_free(causes);
	return err;
}

static int on_a_director(void)
{
	struct lsvm_causes *causes = NULL;
	int err = lsvm_role_explain_destination(director, cluster, "eps1", &causes);

	return err < 0 ? err : causes_of(causes);
}

static int on_a_server(void)
{
	struct lsvm_causes *causes = NULL;
	int err = lsvm_role_explain_server(server, cluster, &causes);

	return err < 0 ? err : causes_of(causes);
}

static int connections(void)
{
	struct lsvm_connection_list *list = NULL;
	char *json = NULL;
	int err = lsvm_host_connections(director, "10.9.0.0/24", NULL, NULL, NULL, 0,
					&list);

	if (err >= 0)
		err = lsvm_connection_list_to_json(list, &json);
	if (err >= 0)
		OOM_CHECK(lsvm_connection_list_count(list) == 2 &&
			  strstr(json, "192.0.2.21"));
	lsvm_free(json);
	lsvm_connection_list_free(list);
	return err;
}

static int prediction(void)
{
	struct lsvm_ipvs_table *table = NULL;
	char *json = NULL;
	int err = lsvm_host_ipvs_snapshot(director, &table);

	if (err >= 0)
		err = lsvm_role_predict_to_json(ctx, table, director, LSVM_PROTOCOL_TCP,
						0, "192.0.2.100:80", "10.9.0.9", &json);
	if (err >= 0)
		OOM_CHECK(strstr(json, "\"served\"") && strstr(json, "192.0.2.21"));
	lsvm_free(json);
	lsvm_ipvs_table_unref(table);
	return err;
}

static void must(int err)
{
	if (err < 0)
		oom_wrong(__FILE__, __LINE__, lsvm_ctx_error_text(ctx));
}

/* A director that balances two connections to a server of weight 0. */
static void set_up(void)
{
	struct lsvm_ipvs_table *table;
	struct lsvm_findings *findings;
	struct lsvm_plan *plan;
	char who[64];
	size_t changed;

	must(lsvm_ctx_new(&ctx));
	must(lsvm_findings_new(ctx, &findings));
	must(lsvm_cluster_load(ctx, text, strlen(text), LSVM_FORMAT_YAML, findings,
			       &cluster));
	lsvm_findings_free(findings);
	must(lsvm_host_new_simulated(ctx, "eds1", &director));
	must(lsvm_host_new_simulated(ctx, "eps1", &server));
	must(lsvm_plan_compile(ctx, cluster, "eds1", LSVM_DUTY_AUTO, &plan));
	must(lsvm_host_ipvs_reconcile(director, lsvm_plan_ipvs(plan), NULL, &changed));
	lsvm_plan_unref(plan);
	for (uint16_t port = 1; port < 3; port++)
		must(lsvm_host_simulate_connect(director, LSVM_PROTOCOL_TCP, "10.9.0.2",
						port, "192.0.2.100", 80, 0, who,
						sizeof(who)));
	must(lsvm_host_ipvs_snapshot(director, &table));
	lsvm_ipvs_table_unref(table);
}

int main(void)
{
	int wrong;

	set_up();
	wrong = oom_run("connections", connections);
	wrong |= oom_run("a prediction", prediction);
	wrong |= oom_run("causes on a director", on_a_director);
	wrong |= oom_run("causes on a server", on_a_server);
	lsvm_host_free(director);
	lsvm_host_free(server);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return wrong;
}
