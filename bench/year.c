/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One year of the smallest cluster in virtual time: each day a director or a server dies
 * and comes back, and a client asks meanwhile. Quiet stretches are passed over (hurry in
 * svm-scenario(5)). Beside it an hour in which nothing is passed over, for what a step
 * costs: bench-year [CLUSTER]. The aim is a year in less than a minute.
 */
#include <libsvm/libsvm.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAYS 365

static const char *const faults[] = {
	"power-off eds1\nadvance 5m\npower-on eds1\n",
	"server eps1 refuse\nadvance 5m\nserver eps1 answer\n",
	"cut eds1 silently\nadvance 5m\nheal\n",
	"power-off eps2\nadvance 5m\npower-on eps2\n",
	"kill-agent eds1\nadvance 5m\nstart-agent eds1\n",
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run(struct lsvm_lab *lab, const char *script)
{
	return lsvm_lab_run_script(lab, script, strlen(script));
}

static int year(struct lsvm_lab *lab)
{
	int err = run(lab, "hurry\nadvance 1m\n");

	for (int day = 0; day < DAYS && err >= 0; day++) {
		err = run(lab, "requests 20 every 10s\n");
		if (err >= 0)
			err = run(lab, faults[day % (sizeof(faults) / sizeof(*faults))]);
		if (err >= 0)
			err = run(lab, "advance 86100s\nexpect settled\n");
	}
	return err;
}

static void print(const char *what, const struct lsvm_lab *lab, double took)
{
	const double virtual_s = (double)lsvm_lab_now_us(lab) / 1e6;

	printf("%-22s %10.0f virtual s in %7.3f s of processor time: %12.0f a second, "
	       "%llu steps, %.0f ns each\n",
	       what, virtual_s, took, virtual_s / took,
	       (unsigned long long)lsvm_lab_step_count(lab),
	       took * 1e9 / (double)lsvm_lab_step_count(lab));
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "examples/minimal.yaml";
	struct lsvm_cluster *cluster;
	struct lsvm_lab *lab;
	struct lsvm_ctx *ctx;
	double began, took;

	if (lsvm_ctx_new(&ctx) < 0)
		return 1;
	if (lsvm_cluster_load_file(ctx, path, NULL, &cluster) < 0 ||
	    lsvm_lab_new(ctx, cluster, 1, &lab) < 0) {
		fprintf(stderr, "%s\n", lsvm_ctx_error_text(ctx));
		return 1;
	}
	began = seconds();
	if (lsvm_lab_advance(lab, 3600 * 1000) < 0)
		return 1;
	print("an hour, every step", lab, seconds() - began);
	lsvm_lab_free(lab);
	if (lsvm_lab_new(ctx, cluster, 1, &lab) < 0)
		return 1;
	began = seconds();
	if (year(lab) < 0) {
		fprintf(stderr, "%s\n", lsvm_ctx_error_text(ctx));
		return 1;
	}
	took = seconds() - began;
	print("a year, a fault a day", lab, took);
	printf("%llu failovers, %llu of %llu requests failed\n",
	       (unsigned long long)lsvm_lab_failover_count(lab),
	       (unsigned long long)lsvm_lab_failed_count(lab),
	       (unsigned long long)lsvm_lab_request_count(lab));
	lsvm_lab_free(lab);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return took >= 60;
}
