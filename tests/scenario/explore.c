/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The explorer: explore CLUSTER COUNT looks at that many seeds (LSVM_FULL: at twenty
 * times as many); SEED=n in the environment looks at that one alone. One seed in fifty is
 * run twice: the reports must be the same.
 */
#include <libsvm/libsvm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FULL 20

/* One string of the report, as text. */
static void print_string(const char *json, const char *key)
{
	char wanted[64];
	const char *at;

	snprintf(wanted, sizeof(wanted), "\"%s\":\"", key);
	at = strstr(json, wanted);
	if (!at)
		return;
	for (at += strlen(wanted); *at && *at != '"'; at++) {
		if (*at == '\\' && at[1] == 'n')
			putchar('\n');
		else if (*at == '\\')
			putchar(at[1]);
		else
			putchar(*at);
		at += *at == '\\';
	}
	putchar('\n');
}

static int explore(struct lsvm_ctx *ctx, struct lsvm_cluster *cluster, uint64_t seed,
		   bool print)
{
	char *report = NULL, *again = NULL;
	int answer = lsvm_lab_explore(ctx, cluster, seed, &report);

	if (answer < 0) {
		printf("SEED=%llu: %s\n", (unsigned long long)seed,
		       lsvm_ctx_error_text(ctx));
		return 1;
	}
	if (answer) {
		printf("SEED=%llu broke: ", (unsigned long long)seed);
		print_string(report, "broken");
		print_string(report, "script");
	} else if (seed % 50 == 0 && (lsvm_lab_explore(ctx, cluster, seed, &again) < 0 ||
				      strcmp(report, again) != 0)) {
		printf("SEED=%llu gave two reports:\n%s\n%s\n", (unsigned long long)seed,
		       report, again ? again : "");
		answer = 1;
	}
	if (print)
		printf("%s\n", report);
	lsvm_free(report);
	lsvm_free(again);
	return answer;
}

int main(int argc, char **argv)
{
	const char *only = getenv("SEED");
	struct lsvm_cluster *cluster = NULL;
	struct lsvm_ctx *ctx;
	uint64_t first = 1, count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	int failed = 0;

	if (argc < 3 || lsvm_ctx_new(&ctx) < 0)
		return 2;
	if (lsvm_cluster_load_file(ctx, argv[1], NULL, &cluster) < 0) {
		printf("%s: %s\n", argv[1], lsvm_ctx_error_text(ctx));
		return 1;
	}
	if (getenv("LSVM_FULL"))
		count *= FULL;
	if (only) {
		first = strtoull(only, NULL, 10);
		count = 1;
	}
	for (uint64_t seed = first; seed < first + count; seed++)
		failed += explore(ctx, cluster, seed, only != NULL);
	printf("%llu seeds, %d broke something\n", (unsigned long long)count, failed);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return failed != 0;
}
