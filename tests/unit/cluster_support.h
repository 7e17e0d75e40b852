/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of clusters share: a small file, loading, and files of the project. */
#ifndef LSVM_TESTS_UNIT_CLUSTER_SUPPORT_H
#define LSVM_TESTS_UNIT_CLUSTER_SUPPORT_H

#include "cluster/schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

/* Two partitions, three servers, two VIPs. */
#define SMALL                                                                            \
	"name: small\n"                                                                  \
	"networks:\n"                                                                    \
	"  - {name: outside, subnets: 10.9.0.0/24, outside: true}\n"                     \
	"  - {name: front, subnets: 192.0.2.0/24}\n"                                     \
	"routers:\n"                                                                     \
	"  - name: r1\n"                                                                 \
	"    interfaces:\n"                                                              \
	"      - {network: outside, addresses: 10.9.0.1}\n"                              \
	"      - {network: front, addresses: 192.0.2.1}\n"                               \
	"directors:\n"                                                                   \
	"  - {name: eds1, interfaces: [{network: front, addresses: 192.0.2.11}]}\n"      \
	"servers:\n"                                                                     \
	"  - {name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}]}\n"      \
	"  - {name: eps2, interfaces: [{network: front, addresses: 192.0.2.22}]}\n"      \
	"  - {name: eps3, interfaces: [{network: front, addresses: 192.0.2.23}]}\n"      \
	"partitions:\n"                                                                  \
	"  - name: A\n"                                                                  \
	"    servers: [eps1, {server: eps2, weight: 2}]\n"                               \
	"    vips:\n"                                                                    \
	"      - {name: a1, address: 192.0.2.101, domains: [www.a.example, "             \
	"b.example]}\n"                                                                  \
	"  - name: B\n"                                                                  \
	"    servers: [eps3]\n"                                                          \
	"    vips:\n"                                                                    \
	"      - {address: 192.0.2.102, domains: [www.c.example]}\n"

struct fixture {
	struct lsvm_ctx *ctx;
	struct lsvm_findings *findings;
};

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(lsvm_ctx_new(&f->ctx), 0);
	assert_int_equal(lsvm_findings_new(f->ctx, &f->findings), 0);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	lsvm_findings_free(f->findings);
	lsvm_ctx_unref(f->ctx);
	free(f);
	return 0;
}

static inline void print_findings(const struct lsvm_findings *findings)
{
	for (size_t i = 0; i < lsvm_findings_count(findings); i++) {
		const struct lsvm_finding *finding = lsvm_findings_at(findings, i);

		print_message("%u:%u %s: %s [%s]\n", lsvm_finding_line(finding),
			      lsvm_finding_column(finding), lsvm_finding_path(finding),
			      lsvm_finding_text(finding), lsvm_finding_code(finding));
	}
}

static inline struct lsvm_cluster *load_text(struct fixture *f, const char *text)
{
	struct lsvm_cluster *cluster = NULL;
	int err = lsvm_cluster_load(f->ctx, text, strlen(text), LSVM_FORMAT_YAML,
				    f->findings, &cluster);

	if (err < 0)
		print_findings(f->findings);
	assert_int_equal(err, 0);
	return cluster;
}

/* The text is refused, and the findings are those about it. */
static inline int refuse_text(struct fixture *f, const char *text, size_t length,
			      int format)
{
	struct lsvm_cluster *cluster = NULL;
	int err;

	err = lsvm_cluster_load(f->ctx, text, length, format, f->findings, &cluster);
	assert_true(err < 0);
	assert_null(cluster);
	return err;
}

static inline const struct lsvm_finding *find_code(const struct fixture *f,
						   const char *code)
{
	for (size_t i = 0; i < lsvm_findings_count(f->findings); i++)
		if (strcmp(lsvm_finding_code(lsvm_findings_at(f->findings, i)), code) ==
		    0)
			return lsvm_findings_at(f->findings, i);
	print_findings(f->findings);
	return NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
