/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs scenarios: each file names its cluster in a line "# cluster: FILE", and may name a
 * seed. Public headers only. What happened is printed when one fails.
 */
#include <libsvm/libsvm.h>

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(const char *path, size_t *ret_length)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t length = 0, size = 0;

	if (!file)
		return NULL;
	for (;;) {
		if (length == size) {
			size = size ? size * 2 : 4096;
			text = realloc(text, size + 1);
		}
		size_t got = fread(text + length, 1, size - length, file);
		if (!got)
			break;
		length += got;
	}
	fclose(file);
	text[length] = '\0';
	*ret_length = length;
	return text;
}

/* What stands behind "# word: " at the beginning of a line. */
static bool directive(const char *text, const char *word, char *ret, size_t size)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "# %s: ", word);
	at = strstr(text, key);
	if (!at || (at != text && at[-1] != '\n'))
		return false;
	at += strlen(key);
	snprintf(ret, size, "%.*s", (int)strcspn(at, "\n"), at);
	return true;
}

static void print_events(struct lsvm_lab *lab)
{
	char *line;

	while (lsvm_lab_next_event(lab, &line) == 1) {
		printf("    %s\n", line);
		lsvm_free(line);
	}
}

static bool play(struct lsvm_ctx *ctx, const char *path, const char *text, size_t length)
{
	char name[256] = "", seed[32] = "1", folder[4096], file[4400];
	struct lsvm_cluster *cluster = NULL;
	struct lsvm_lab *lab = NULL;
	int err;

	directive(text, "cluster", name, sizeof(name));
	directive(text, "seed", seed, sizeof(seed));
	snprintf(folder, sizeof(folder), "%s", path);
	snprintf(file, sizeof(file), "%s/%s", dirname(folder), name);
	err = lsvm_cluster_load_file(ctx, file, NULL, &cluster);
	if (err >= 0)
		err = lsvm_lab_new(ctx, cluster, strtoull(seed, NULL, 10), &lab);
	if (err >= 0)
		err = lsvm_lab_run_script(lab, text, length);
	printf("%s %s", err < 0 ? "not ok" : "ok", path);
	if (lab)
		printf(" (%.3f s, %llu steps)", (double)lsvm_lab_now_us(lab) / 1e6,
		       (unsigned long long)lsvm_lab_step_count(lab));
	printf("%s%s\n", err < 0 ? ": " : "", err < 0 ? lsvm_ctx_error_text(ctx) : "");
	if (lab && (err < 0 || getenv("EVENTS")))
		print_events(lab);
	lsvm_lab_free(lab);
	lsvm_cluster_unref(cluster);
	return err >= 0;
}

int main(int argc, char **argv)
{
	struct lsvm_ctx *ctx;
	int failed = argc < 2;

	if (lsvm_ctx_new(&ctx) < 0)
		return 1;
	for (int i = 1; i < argc; i++) {
		size_t length = 0;
		char *text = read_all(argv[i], &length);

		if (!text || !play(ctx, argv[i], text, length))
			failed = 1;
		free(text);
	}
	lsvm_ctx_unref(ctx);
	return failed;
}
