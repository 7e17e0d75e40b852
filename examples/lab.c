/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The smallest cluster for a minute in virtual time: the master loses its power, the
 * other director takes over, the master comes back. A client asks all the while. lab.py
 * does the same in Python.
 */
#include <libsvm/libsvm.h>
#include <stdio.h>

static const char script[] = "expect master eds1 within 5s\n"
			     "requests 50 every 500ms\n"
			     "advance 2s\n"
			     "power-off eds1\n"
			     "expect master eds2 within 5s\n"
			     "power-on eds1\n"
			     "expect master eds1 within 30s\n"
			     "expect quiet within 2m\n"
			     "expect no failed requests\n";

static int rehearse(struct lsvm_ctx *ctx, struct lsvm_cluster *cluster)
{
	struct lsvm_lab *lab;
	int err = lsvm_lab_new(ctx, cluster, 1, &lab);
	char *line;

	if (err < 0)
		return err;
	err = lsvm_lab_run_script(lab, script, sizeof(script) - 1);
	while (lsvm_lab_next_event(lab, &line) == 1) {
		puts(line);
		lsvm_free(line);
	}
	if (err >= 0)
		printf("master %s after %llu failovers, %llu of %llu requests failed\n",
		       lsvm_lab_master(lab, NULL),
		       (unsigned long long)lsvm_lab_failover_count(lab),
		       (unsigned long long)lsvm_lab_failed_count(lab),
		       (unsigned long long)lsvm_lab_request_count(lab));
	lsvm_lab_free(lab);
	return err;
}

int main(int argc, char **argv)
{
	struct lsvm_ctx *ctx;
	struct lsvm_cluster *cluster = NULL;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CLUSTER.yaml\n", argv[0]);
		return 2;
	}
	if (lsvm_ctx_new(&ctx) < 0)
		return 1;
	err = lsvm_cluster_load_file(ctx, argv[1], NULL, &cluster);
	if (err >= 0)
		err = rehearse(ctx, cluster);
	if (err < 0)
		fprintf(stderr, "%s\n", lsvm_ctx_error_text(ctx));
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return err < 0;
}
