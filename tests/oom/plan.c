/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans, steps, IPVS tables and simulated hosts without memory. */
#include "oom.h"

#include <stdio.h>
#include <stdlib.h>
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
	"  - name: web\n"
	"    servers: [eps1]\n"
	"    vips:\n"
	"      - {address: 192.0.2.100, domains: [www.example.com]}\n"
	"      - address: 192.0.2.101\n"
	"        services: [{protocol: udp, ports: [53, 100-105], fwmark: 7}]\n";

/* Made with all the memory there is. */
static struct lsvm_cluster *cluster;
static struct lsvm_plan *director;
static char *plan_json, *table_json;

static int with_ctx(int (*use)(struct lsvm_ctx *))
{
	struct lsvm_ctx *ctx = NULL;
	int err = lsvm_ctx_new(&ctx);

	if (err >= 0)
		err = use(ctx);
	lsvm_ctx_unref(ctx);
	return err;
}

static int compile_and_write(struct lsvm_ctx *ctx, const char *machine)
{
	struct lsvm_plan *plan = NULL;
	char *out = NULL;
	int err = lsvm_plan_compile(ctx, cluster, machine, LSVM_DUTY_AUTO, &plan);

	if (err >= 0)
		err = lsvm_plan_to_json(plan, &out);
	if (err >= 0) {
		OOM_CHECK(strstr(out, "192.0.2.100"));
		lsvm_free(out);
		err = lsvm_plan_to_text(plan, &out);
	}
	if (err >= 0)
		lsvm_free(out);
	lsvm_plan_unref(plan);
	return err;
}

static int compile_director(struct lsvm_ctx *ctx)
{
	return compile_and_write(ctx, "eds1");
}

static int compile_server(struct lsvm_ctx *ctx)
{
	return compile_and_write(ctx, "eps1");
}

static int read_plan(struct lsvm_ctx *ctx)
{
	struct lsvm_plan *plan = NULL;
	char *again = NULL;
	int err = lsvm_plan_from_json(ctx, plan_json, strlen(plan_json), &plan);

	if (err >= 0)
		err = lsvm_plan_to_json(plan, &again);
	if (err >= 0)
		OOM_CHECK(strcmp(again, plan_json) == 0);
	lsvm_free(again);
	lsvm_plan_unref(plan);
	return err;
}

static int steps(struct lsvm_ctx *ctx)
{
	struct lsvm_steps *steps = NULL;
	char *json = NULL, line[256];
	int err = lsvm_plan_diff(ctx, NULL, director, &steps);

	if (err >= 0)
		OOM_CHECK(lsvm_steps_count(steps) > 5);
	if (err >= 0)
		err = lsvm_steps_text(steps, 0, line, sizeof(line));
	if (err >= 0)
		err = lsvm_steps_to_json(steps, &json);
	lsvm_free(json);
	lsvm_steps_free(steps);
	return err < 0 ? err : 0;
}

static int read_table(struct lsvm_ctx *ctx)
{
	struct lsvm_ipvs_table *table = NULL, *empty = NULL;
	struct lsvm_ipvs_changes *changes = NULL;
	char *out = NULL;
	int err = lsvm_ipvs_table_from_json(ctx, table_json, strlen(table_json), &table);

	if (err >= 0)
		err = lsvm_ipvs_table_to_ipvsadm(table, &out);
	lsvm_free(out);
	out = NULL;
	if (err >= 0)
		err = lsvm_ipvs_table_new(ctx, &empty);
	if (err >= 0)
		err = lsvm_ipvs_diff(ctx, empty, table, &changes);
	if (err >= 0)
		err = lsvm_ipvs_changes_to_json(changes, &out);
	if (err >= 0)
		OOM_CHECK(strstr(out, "192.0.2.100"));
	lsvm_free(out);
	lsvm_ipvs_changes_free(changes);
	lsvm_ipvs_table_unref(empty);
	lsvm_ipvs_table_unref(table);
	return err;
}

static int reconcile(struct lsvm_ctx *ctx)
{
	struct lsvm_ipvs_table *seen = NULL;
	struct lsvm_host *host = NULL;
	char *json = NULL;
	size_t changed;
	int err = lsvm_host_new_simulated(ctx, "eds1", &host);

	if (err >= 0)
		err = lsvm_host_ipvs_reconcile(host, lsvm_plan_ipvs(director), NULL,
					       &changed);
	if (err >= 0)
		err = lsvm_host_ipvs_snapshot(host, &seen);
	if (err >= 0)
		err = lsvm_ipvs_table_to_json(seen, &json);
	if (err >= 0)
		OOM_CHECK(strstr(json, "192.0.2.100"));
	lsvm_free(json);
	lsvm_ipvs_table_unref(seen);
	lsvm_host_free(host);
	return err;
}

#define BODY(name)                                                                       \
	static int name##_body(void)                                                     \
	{                                                                                \
		return with_ctx(name);                                                   \
	}
BODY(compile_director)
BODY(compile_server)
BODY(read_plan)
BODY(steps)
BODY(read_table)
BODY(reconcile)

int main(void)
{
	struct lsvm_ctx *ctx;
	int wrong = 0;

	if (lsvm_ctx_new(&ctx) < 0 ||
	    lsvm_cluster_load(ctx, text, strlen(text), LSVM_FORMAT_YAML, NULL, &cluster) <
		    0 ||
	    lsvm_plan_compile(ctx, cluster, "eds1", LSVM_DUTY_AUTO, &director) < 0 ||
	    lsvm_plan_to_json(director, &plan_json) < 0 ||
	    lsvm_ipvs_table_to_json(lsvm_plan_ipvs(director), &table_json) < 0) {
		fprintf(stderr, "set-up: %s\n", lsvm_ctx_error_text(ctx));
		return 1;
	}
	wrong |= oom_run("the plan of a director", compile_director_body);
	wrong |= oom_run("the plan of a server", compile_server_body);
	wrong |= oom_run("a plan from JSON", read_plan_body);
	wrong |= oom_run("steps", steps_body);
	wrong |= oom_run("a table from JSON", read_table_body);
	wrong |= oom_run("reconcile", reconcile_body);
	lsvm_free(table_json);
	lsvm_free(plan_json);
	lsvm_plan_unref(director);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return wrong;
}
