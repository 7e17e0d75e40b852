/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A year of a cluster with a fault a day: year CLUSTER. What it takes is measured by
 * bench/year.c; here the work counts, which is the same on every machine.
 */
#include <libsvm/libsvm.h>

#include <stdio.h>
#include <string.h>

#define DAYS 365
#define STEPS_MAX 10000000

static const char *const days[] = {
	"power-off eds1\nadvance 5m\npower-on eds1\nadvance 86100s\n",
	"server eps1 refuse\nadvance 5m\nserver eps1 answer\nadvance 86100s\n",
};

static int live(struct lsvm_lab *lab)
{
	static const char begin[] = "watch\nhurry\nadvance 1m\n";
	static const char end[] =
		"expect failovers 366\nexpect settled\nexpect unbroken\n";
	int err = lsvm_lab_run_script(lab, begin, strlen(begin));

	for (int day = 0; day < DAYS && err >= 0; day++)
		err = lsvm_lab_run_script(lab, days[day % 2], strlen(days[day % 2]));
	return err < 0 ? err : lsvm_lab_run_script(lab, end, strlen(end));
}

int main(int argc, char **argv)
{
	struct lsvm_cluster *cluster;
	struct lsvm_lab *lab;
	struct lsvm_ctx *ctx;
	uint64_t seconds, steps;

	if (argc != 2 || lsvm_ctx_new(&ctx) < 0)
		return 2;
	if (lsvm_cluster_load_file(ctx, argv[1], NULL, &cluster) < 0 ||
	    lsvm_lab_new(ctx, cluster, 1, &lab) < 0 || live(lab) < 0) {
		printf("%s\n", lsvm_ctx_error_text(ctx));
		return 1;
	}
	seconds = lsvm_lab_now_us(lab) / 1000000;
	steps = lsvm_lab_step_count(lab);
	printf("%llu s in %llu steps\n", (unsigned long long)seconds,
	       (unsigned long long)steps);
	lsvm_lab_free(lab);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return seconds != 60 + DAYS * 86400ull || steps >= STEPS_MAX;
}
