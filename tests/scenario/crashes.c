/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A crash at every instruction that has an effect: crashes CLUSTER runs one story again
 * and again, in which an agent dies right before or right after its n-th effect, for n =
 * 1, 2, 3 … until it survives the story. Each time it is started again, and then nothing
 * may have been broken, and all must be as the plans say. crashes CLUSTER N tries every
 * N-th effect only, unless LSVM_FULL is set; crashes CLUSTER MACHINE before|after N one.
 */
#include <libsvm/libsvm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EFFECTS_MAX 5000

static const char *const stories[] = {
	/* start, reload, drain, and a takeover with its end */
	"advance 7s\n"
	"reload weight eps1 3\n"
	"advance 300ms\n"
	"drain eps2\n"
	"advance 1s\n"
	"enable eps2\n"
	"server eps1 refuse\n"
	"advance 4s\n"
	"server eps1 answer\n",
	"cut eds1\n"
	"advance 4s\n"
	"heal\n"
	"advance 8s\n",
	"stop-agent eds2\n"
	"advance 2s\n",
};

static int end_of_story(struct lsvm_lab *lab, const char *machine)
{
	char text[256];

	snprintf(text, sizeof(text), "start-agent %s\nstart-agent eds2\n", machine);
	if (lsvm_lab_run_script(lab, text, strlen(text)) < 0)
		return -1;
	snprintf(text, sizeof(text),
		 "advance 20s\nexpect settled within 60s\nexpect unbroken\n"
		 "requests 5\nadvance 2s\nexpect failed 0\nexpect quiet\n");
	return lsvm_lab_run_script(lab, text, strlen(text));
}

/* 0: the agent died and all was well in the end; 1: it survived; -1: broken. */
static int tell(struct lsvm_ctx *ctx, struct lsvm_cluster *cluster, const char *machine,
		const char *when, unsigned effect)
{
	struct lsvm_lab *lab;
	char text[128];
	bool died = false;
	int err = lsvm_lab_new(ctx, cluster, effect, &lab);

	if (err < 0)
		return -1;
	snprintf(text, sizeof(text), "watch\ncrash %s %s %u\n", machine, when, effect);
	err = lsvm_lab_run_script(lab, text, strlen(text));
	for (size_t i = 0; err >= 0 && i < sizeof(stories) / sizeof(*stories); i++) {
		/* What the dead one should have done, it does not do. */
		err = lsvm_lab_run_script(lab, stories[i], strlen(stories[i]));
		if (err == LSVM_ERR_STATE)
			err = 0;
	}
	snprintf(text, sizeof(text), "expect event %s \"the agent died\"", machine);
	died = err >= 0 && lsvm_lab_do(lab, text) == 0;
	if (err >= 0)
		err = end_of_story(lab, machine);
	if (err < 0) {
		char *line;

		printf("crash %s %s %u: %s\n", machine, when, effect,
		       lsvm_ctx_error_text(ctx));
		while (getenv("EVENTS") && lsvm_lab_next_event(lab, &line) == 1) {
			printf("    %s\n", line);
			lsvm_free(line);
		}
	}
	lsvm_lab_free(lab);
	return err < 0 ? -1 : !died;
}

static unsigned try_machine(struct lsvm_ctx *ctx, struct lsvm_cluster *cluster,
			    const char *machine, unsigned first, unsigned stride,
			    unsigned *tried)
{
	unsigned failed = 0;

	for (unsigned effect = first; effect < EFFECTS_MAX; effect += stride) {
		const int before = tell(ctx, cluster, machine, "before", effect);
		const int after = tell(ctx, cluster, machine, "after", effect);

		*tried += 2;
		failed += (before < 0) + (after < 0);
		if (before == 1 && after == 1)
			return failed;
	}
	printf("%s always died\n", machine);
	return failed + 1;
}

int main(int argc, char **argv)
{
	static const char *const machines[] = { "eds1", "eds2", "eps1" };
	struct lsvm_cluster *cluster = NULL;
	struct lsvm_ctx *ctx;
	unsigned failed = 0, tried = 0, stride = 1;

	if (argc < 2 || lsvm_ctx_new(&ctx) < 0)
		return 2;
	if (lsvm_cluster_load_file(ctx, argv[1], NULL, &cluster) < 0) {
		printf("%s: %s\n", argv[1], lsvm_ctx_error_text(ctx));
		return 1;
	}
	if (argc == 3 && !getenv("LSVM_FULL") && strtoul(argv[2], NULL, 10))
		stride = (unsigned)strtoul(argv[2], NULL, 10);
	if (argc == 5) {
		failed = tell(ctx, cluster, argv[2], argv[3],
			      (unsigned)strtoul(argv[4], NULL, 10)) < 0;
		tried = 1;
	}
	for (unsigned i = 0; argc < 5 && i < sizeof(machines) / sizeof(*machines); i++)
		failed += try_machine(ctx, cluster, machines[i], stride > i ? 1 + i : 1,
				      stride, &tried);
	printf("%u crashes, %u broke something\n", tried, failed);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return failed != 0;
}
