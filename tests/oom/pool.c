/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pools without memory: making, carrying over, verdicts, tables, status. */
#include "oom.h"

#include "base/json.h"
#include "plan/plan.h"
#include "pool/pool.h"

#include <stdio.h>
#include <string.h>

static const char text[] =
	"name: small\n"
	"networks: [{name: front, subnets: 192.0.2.0/24}]\n"
	"directors: [{name: eds1, interfaces: [{network: front, addresses: "
	"192.0.2.11}]}]\n"
	"servers:\n"
	"  - {name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}]}\n"
	"  - {name: eps2, interfaces: [{network: front, addresses: 192.0.2.22}]}\n"
	"  - {name: sorry, interfaces: [{network: front, addresses: 192.0.2.29}]}\n"
	"backends: [{name: db1, interfaces: [{network: front, addresses: 192.0.2.31}]}]\n"
	"backend_services: [{name: database, hosts: [db1], port: 5432, required: true}]\n"
	"partitions:\n"
	"  - {name: web, servers: [eps1, eps2], sorry_server: sorry, quorum: 1, needs: "
	"[database], checks: [http, {kind: tcp, route: through, slow_start_ms: 1000}], "
	"vips: [{address: 192.0.2.100, domains: [www.example.com]}]}\n";

static struct lsvm_ctx *ctx;
static struct lsvm_cluster *cluster;
static struct lsvm_plan *plan;

/* All servers are down; without memory the cause may be missing, nothing else. */
static int work(struct pool *pool)
{
	struct lsvm_ipvs_table *table = NULL;
	struct ipvs_change change;
	struct event event;
	unsigned edits = 0;
	json_t *json;
	int err;

	for (size_t i = 0; i < lsvm_pool_target_count(pool); i++)
		lsvm_pool_input_verdict(pool, i, TARGET_DOWN, 100, "refused", IO_S);
	while (lsvm_pool_next_change(pool, &change))
		edits++;
	OOM_CHECK(edits == 3);
	while (lsvm_pool_next_event(pool, &event))
		;
	err = lsvm_pool_table(pool, &table);
	if (err < 0)
		return err;
	for (size_t i = 0; i < table->services.count; i++)
		OOM_CHECK(table->services.items[i].destinations.count == 1);
	err = lsvm_pool_drain(pool, "nobody", NULL, true, IO_S);
	OOM_CHECK(err == LSVM_ERR_NOT_FOUND);
	json = lsvm_pool_head_json(pool);
	if (!json)
		return LSVM_ERR_NOMEM;
	json_decref(json);
	json = lsvm_pool_services_json(pool, 0, SIZE_MAX, IO_S);
	if (!json)
		return LSVM_ERR_NOMEM;
	json_decref(json);
	return 0;
}

static int pools(void)
{
	struct pool *pool = NULL, *next = NULL;
	int err = lsvm_pool_new(ctx, cluster, plan->wanted->ipvs, NULL, IO_S, &pool);

	if (err >= 0)
		err = work(pool);
	if (err >= 0)
		err = lsvm_pool_new(ctx, cluster, plan->wanted->ipvs, pool, IO_S, &next);
	if (err >= 0) {
		struct ipvs_change change;

		OOM_CHECK(lsvm_pool_is_settled(next));
		OOM_CHECK(!lsvm_pool_next_change(next, &change));
	}
	lsvm_pool_free(next);
	lsvm_pool_free(pool);
	return err;
}

static void must(int err)
{
	if (err < 0)
		oom_wrong(__FILE__, __LINE__, lsvm_ctx_error_text(ctx));
}

int main(void)
{
	struct lsvm_findings *findings;
	int wrong;

	must(lsvm_ctx_new(&ctx));
	must(lsvm_findings_new(ctx, &findings));
	must(lsvm_cluster_load(ctx, text, strlen(text), LSVM_FORMAT_YAML, findings,
			       &cluster));
	lsvm_findings_free(findings);
	must(lsvm_plan_compile(ctx, cluster, "eds1", LSVM_DUTY_AUTO, &plan));
	wrong = oom_run("pools", pools);
	lsvm_plan_unref(plan);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return wrong;
}
