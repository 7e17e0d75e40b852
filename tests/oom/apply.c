/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Applying a plan, and taking it back, without memory. An apply that memory cut short
 * goes on when it is tried again.
 */
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
	"  - name: web\n"
	"    servers: [eps1]\n"
	"    vips: [{address: 192.0.2.100, domains: [www.example.com]}]\n";

static struct lsvm_plan *director, *server; /* made with all the memory there is */

static int apply_once(struct lsvm_host *host, struct lsvm_plan *plan)
{
	struct lsvm_apply *apply = NULL;
	int err = lsvm_apply_new(host, plan, &apply);

	if (err >= 0 && plan)
		err = lsvm_apply_reorder(apply);
	if (err >= 0)
		while ((err = lsvm_apply_next(apply)) > 0)
			;
	if (err >= 0) {
		OOM_CHECK(lsvm_apply_done_count(apply) ==
			  lsvm_steps_count(lsvm_apply_steps(apply)));
		err = lsvm_apply_verify(apply);
	}
	lsvm_apply_free(apply);
	return err;
}

/* Once more when memory ran out: what only one failure cut short must then be whole. */
static int apply_plan(struct lsvm_host *host, struct lsvm_plan *plan)
{
	int err = apply_once(host, plan);

	return err == LSVM_ERR_NOMEM ? apply_once(host, plan) : err;
}

static int on_a_host(struct lsvm_plan *plan)
{
	struct lsvm_host *host = NULL;
	struct lsvm_ctx *ctx = NULL;
	char *status = NULL;
	int err = lsvm_ctx_new(&ctx);

	if (err >= 0)
		err = lsvm_host_new_simulated(ctx, lsvm_plan_machine(plan), &host);
	if (err >= 0)
		err = apply_plan(host, plan);
	if (err >= 0)
		err = lsvm_role_status_to_json(host, lsvm_plan_role(plan), &status);
	lsvm_free(status);
	if (err >= 0)
		err = apply_plan(host, NULL);
	lsvm_host_free(host);
	lsvm_ctx_unref(ctx);
	return err;
}

static int on_a_director(void)
{
	return on_a_host(director);
}

static int on_a_server(void)
{
	return on_a_host(server);
}

int main(void)
{
	struct lsvm_cluster *cluster = NULL;
	struct lsvm_ctx *ctx;
	int wrong;

	if (lsvm_ctx_new(&ctx) < 0 ||
	    lsvm_cluster_load(ctx, text, strlen(text), LSVM_FORMAT_YAML, NULL, &cluster) <
		    0 ||
	    lsvm_plan_compile(ctx, cluster, "eds1", LSVM_DUTY_AUTO, &director) < 0 ||
	    lsvm_plan_compile(ctx, cluster, "eps1", LSVM_DUTY_AUTO, &server) < 0) {
		fprintf(stderr, "set-up: %s\n", lsvm_ctx_error_text(ctx));
		return 1;
	}
	wrong = oom_run("on a director", on_a_director) |
		oom_run("on a server", on_a_server);
	lsvm_plan_unref(server);
	lsvm_plan_unref(director);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return wrong;
}
