/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of plans share: a context, clusters from text, plans of their machines.
 */
#ifndef LSVM_TESTS_UNIT_PLAN_SUPPORT_H
#define LSVM_TESTS_UNIT_PLAN_SUPPORT_H

#include "plan/plan.h"

#include "test.h"

#include <stdlib.h>

static struct lsvm_ctx *ctx;

static int setup(void **unused)
{
	return lsvm_ctx_new(&ctx);
}

static int teardown(void **unused)
{
	lsvm_ctx_unref(ctx);
	return 0;
}

/* Two networks and a router; `more` are further lines of the file. */
#define NETWORKS                                                                         \
	"name: test\n"                                                                   \
	"networks:\n"                                                                    \
	"  - {name: outside, subnets: [10.9.0.0/24, '2001:db8:9::/64'], outside: "       \
	"true}\n"                                                                        \
	"  - {name: front, subnets: [192.0.2.0/24, '2001:db8:2::/64']}\n"                \
	"routers:\n"                                                                     \
	"  - name: r1\n"                                                                 \
	"    interfaces:\n"                                                              \
	"      - {network: outside, addresses: [10.9.0.1, '2001:db8:9::1']}\n"           \
	"      - {network: front, addresses: [192.0.2.1, '2001:db8:2::1']}\n"
#define DIRECTOR                                                                         \
	"directors:\n"                                                                   \
	"  - {name: eds1, interfaces: [{network: front, addresses: [192.0.2.11, "        \
	"'2001:db8:2::11']}]}\n"
#define SERVER                                                                           \
	"servers:\n"                                                                     \
	"  - {name: eps1, interfaces: [{network: front, addresses: [192.0.2.21, "        \
	"'2001:db8:2::21']}]}\n"
#define ONE_PARTITION(settings, vips)                                                    \
	"partitions:\n"                                                                  \
	"  - name: A\n"                                                                  \
	"    servers: [eps1]\n" settings "    vips:\n" vips

static inline struct lsvm_cluster *cluster_of(const char *text)
{
	struct lsvm_findings *findings;
	struct lsvm_cluster *cluster;
	int err;

	assert_int_equal(lsvm_findings_new(ctx, &findings), 0);
	err = lsvm_cluster_load(ctx, text, strlen(text), LSVM_FORMAT_YAML, findings,
				&cluster);
	if (err < 0)
		fail_msg("%s", lsvm_ctx_error_text(ctx));
	lsvm_findings_free(findings);
	return cluster;
}

static inline struct lsvm_plan *plan_of(const char *text, const char *machine)
{
	struct lsvm_cluster *cluster = cluster_of(text);
	struct lsvm_plan *plan;

	if (lsvm_plan_compile(ctx, cluster, machine, LSVM_DUTY_AUTO, &plan) < 0)
		fail_msg("%s", lsvm_ctx_error_text(ctx));
	lsvm_cluster_unref(cluster);
	return plan;
}

#endif
