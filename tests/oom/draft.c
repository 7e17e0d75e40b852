/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drafts and differences without memory. */
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
	"servers:\n"
	"  - {name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}]}\n"
	"  - {name: eps2, interfaces: [{network: front, addresses: 192.0.2.22}]}\n"
	"partitions:\n"
	"  - name: web\n"
	"    servers: [eps1]\n"
	"    vips: [{name: v, address: 192.0.2.100, domains: [www.example.com]}]\n"
	"  - name: shop\n"
	"    servers: [eps1]\n"
	"    vips: [{address: 192.0.2.101, domains: [shop.example.com]}]\n";

static struct lsvm_cluster *cluster; /* made with all the memory there is */

static int edit(struct lsvm_draft *draft)
{
	int err = lsvm_draft_add_server(draft, "web", "eps2", 3);

	if (err >= 0)
		err = lsvm_draft_move_server(draft, "eps2", "web", "shop");
	if (err >= 0)
		err = lsvm_draft_add_domain(draft, "v", "new.example.com");
	if (err >= 0)
		err = lsvm_draft_remove_domain(draft, "shop.example.com");
	if (err >= 0)
		err = lsvm_draft_set(draft, "/partitions/web/scheduler", "\"rr\"");
	if (err >= 0)
		err = lsvm_draft_remove(draft, "/partitions/web/scheduler");
	return err;
}

static int compare(struct lsvm_ctx *ctx, struct lsvm_cluster *after)
{
	struct lsvm_changes *changes = NULL;
	char *json = NULL;
	int err = lsvm_cluster_diff(ctx, cluster, after, &changes);

	if (err >= 0)
		OOM_CHECK(lsvm_changes_count(changes) == 3);
	if (err >= 0)
		err = lsvm_changes_to_json(changes, &json);
	if (err >= 0)
		OOM_CHECK(strstr(json, "new.example.com"));
	lsvm_free(json);
	lsvm_changes_free(changes);
	return err;
}

static int draft(void)
{
	struct lsvm_findings *findings = NULL;
	struct lsvm_cluster *after = NULL;
	struct lsvm_draft *draft = NULL;
	struct lsvm_ctx *ctx = NULL;
	int err = lsvm_ctx_new(&ctx);

	if (err >= 0)
		err = lsvm_findings_new(ctx, &findings);
	if (err >= 0)
		err = lsvm_draft_new(ctx, cluster, &draft);
	if (err >= 0)
		err = edit(draft);
	if (err >= 0)
		err = lsvm_draft_freeze(draft, findings, &after);
	if (err >= 0)
		err = compare(ctx, after);
	lsvm_cluster_unref(after);
	lsvm_draft_free(draft);
	lsvm_findings_free(findings);
	lsvm_ctx_unref(ctx);
	return err;
}

int main(void)
{
	struct lsvm_ctx *ctx;
	int wrong;

	if (lsvm_ctx_new(&ctx) < 0 ||
	    lsvm_cluster_load(ctx, text, strlen(text), LSVM_FORMAT_YAML, NULL, &cluster) <
		    0) {
		fprintf(stderr, "set-up: %s\n", lsvm_ctx_error_text(ctx));
		return 1;
	}
	wrong = oom_run("a draft", draft);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return wrong;
}
