/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cluster files without memory: reading in both formats, writing in both, findings. */
#include "oom.h"

#include <stdio.h>
#include <string.h>

static const char good[] =
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
	"      - address: 192.0.2.100\n"
	"        services: [{application: http, ports: 80, checks: [{kind: http}]}]\n"
	"        domains: [www.example.com, {name: b.example, aliases: [c.example]}]\n";
static const char bad[] = "name: [1\nservers: {{\n";
static const char wrong[] = "name: x\nnothing: 1\nservers: [{name: a, name: b}]\n";

static int load(const char *text, int format, int expected,
		int (*use)(struct lsvm_cluster *))
{
	struct lsvm_findings *findings = NULL;
	struct lsvm_cluster *cluster = NULL;
	struct lsvm_ctx *ctx = NULL;
	int err = lsvm_ctx_new(&ctx);

	if (err >= 0)
		err = lsvm_findings_new(ctx, &findings);
	if (err >= 0) {
		err = lsvm_cluster_load(ctx, text, strlen(text), LSVM_FORMAT_YAML,
					findings, &cluster);
		OOM_CHECK((err == 0) == (cluster != NULL));
		if (err == expected)
			err = cluster && use ? use(cluster) : 0;
		else if (err != LSVM_ERR_NOMEM)
			OOM_CHECK(!"another answer than with memory");
		if (err == LSVM_ERR_NOMEM)
			OOM_CHECK(*lsvm_ctx_error_text(ctx));
	}
	lsvm_cluster_unref(cluster);
	lsvm_findings_free(findings);
	lsvm_ctx_unref(ctx);
	return err;
}

static int write_out(struct lsvm_cluster *cluster)
{
	char *text;
	int err = lsvm_cluster_to_json(cluster, &text);

	if (err < 0)
		return err;
	OOM_CHECK(strstr(text, "192.0.2.100") && strstr(text, "c.example"));
	lsvm_free(text);
	err = lsvm_cluster_to_yaml(cluster, &text);
	if (err < 0)
		return err;
	OOM_CHECK(strstr(text, "192.0.2.100") && strstr(text, "c.example"));
	lsvm_free(text);
	return 0;
}

static int good_file(void)
{
	return load(good, LSVM_FORMAT_YAML, 0, write_out);
}

static int no_yaml(void)
{
	return load(bad, LSVM_FORMAT_YAML, LSVM_ERR_FINDINGS, NULL);
}

static int wrong_file(void)
{
	return load(wrong, LSVM_FORMAT_YAML, LSVM_ERR_FINDINGS, NULL);
}

static const char json[] =
	"{\"name\": \"small\", \"servers\": [{\"name\": \"eps1\", \"interfaces\": []}]}";

static int json_file(void)
{
	return load(json, LSVM_FORMAT_JSON, LSVM_ERR_FINDINGS, NULL);
}

static int no_json(void)
{
	return load("{\"name\": \"small\"", LSVM_FORMAT_JSON, LSVM_ERR_FINDINGS, NULL);
}

int main(void)
{
	return oom_run("a good file", good_file) | oom_run("no YAML", no_yaml) |
	       oom_run("a wrong file", wrong_file) | oom_run("a JSON file", json_file) |
	       oom_run("no JSON", no_json);
}
