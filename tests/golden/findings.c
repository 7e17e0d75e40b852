/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Golden findings: tests/golden/findings/CODE.yaml holds a fault (CODE.json where only
 * JSON can have it), CODE.expected what libsvm says about it. Every code that the library
 * knows has a pair, and its own finding is among those expected. Inputs that are too
 * large to keep are made here. Nothing but the public interface is used.
 *
 *   findings DIRECTORY           compares; UPDATE=1 writes what is said now
 *   findings DIRECTORY FILE…     prints what is said about these files; fails if anything
 * is
 */
#include <libsvm/libsvm.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct lsvm_ctx *ctx;
static int failures;

static void die(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s\n", name, what);
	exit(2);
}

static char *read_file(const char *path, size_t *ret_length)
{
	FILE *file = fopen(path, "rb");
	size_t room = 1 << 16, length = 0, got;
	char *text = malloc(room);

	if (!file) {
		free(text);
		return NULL;
	}
	while (text && (got = fread(text + length, 1, room - length - 1, file)) > 0) {
		length += got;
		if (room - length < 2)
			text = realloc(text, room *= 2);
	}
	fclose(file);
	if (!text)
		die("no memory", path);
	text[length] = '\0';
	*ret_length = length;
	return text;
}

/* What `svm-ems check` would print, with path and hint below each finding. */
static char *describe(const struct lsvm_findings *findings)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	for (size_t i = 0; out && i < lsvm_findings_count(findings); i++) {
		const struct lsvm_finding *f = lsvm_findings_at(findings, i);

		fprintf(out, "%u:%u: %s: %s [%s]\n  at %s\n  %s\n", lsvm_finding_line(f),
			lsvm_finding_column(f),
			lsvm_severity_name(lsvm_finding_severity(f)),
			lsvm_finding_text(f), lsvm_finding_code(f),
			*lsvm_finding_path(f) ? lsvm_finding_path(f) : "/",
			lsvm_finding_hint(f));
	}
	if (!out || fclose(out) != 0)
		die("no memory", "describe");
	return text;
}

static char *findings_of(const char *bytes, size_t length, int format, const char *name)
{
	struct lsvm_findings *findings = NULL;
	struct lsvm_cluster *cluster = NULL;
	char *text;
	int err;

	if (lsvm_findings_new(ctx, &findings) < 0)
		die("no memory", name);
	err = lsvm_cluster_load(ctx, bytes, length, format, findings, &cluster);
	if (err != (lsvm_findings_error_count(findings) ? LSVM_ERR_FINDINGS : 0)) {
		printf("%s: lsvm_cluster_load() answers %s with %zu errors\n", name,
		       lsvm_err_name(err), lsvm_findings_error_count(findings));
		failures++;
	}
	text = describe(findings);
	lsvm_cluster_unref(cluster);
	lsvm_findings_free(findings);
	return text;
}

/* ---- inputs that are too large to keep ---- */

static char *repeat(const char *head, const char *item, size_t times, size_t *ret_length)
{
	size_t length = strlen(head), step = strlen(item);
	char *text = malloc(length + times * step + 1);

	if (!text)
		die("no memory", "repeat");
	memcpy(text, head, length);
	for (size_t i = 0; i < times; i++, length += step)
		memcpy(text + length, item, step);
	text[length] = '\0';
	*ret_length = length;
	return text;
}

static const struct {
	const char *code, *head, *item;
	size_t times;
} made[] = {
	{ "too-large", "name: big\n", "# 64 MiB of nothing\n",
	  64 * 1024 * 1024 / 20 + 1 },
	{ "too-many-findings", "name: many\nservers:\n", "  - {name: eps1}\n", 1200 },
	{ "too-many-items", "name: many\nservers:\n", "  - x\n", 65536 },
	{ "text-too-long", "name: ", "abcdefgh", 8 },
};

static char *make_input(const char *code, size_t *ret_length)
{
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		if (strcmp(made[i].code, code) == 0)
			return repeat(made[i].head, made[i].item, made[i].times,
				      ret_length);
	return NULL;
}

/* ---- one code ---- */

/* A thousand findings need not be kept: the first and the last ones tell. */
static void shorten(char *text)
{
	char *end = text, *last, *line;
	int lines = 0;

	for (line = text; (line = strchr(line, '\n')); line++)
		if (++lines == 12)
			end = line + 1;
	if (lines <= 60)
		return;
	last = text + strlen(text);
	for (lines = 0; lines < 4 && last > text; last--)
		if (last[-1] == '\n')
			lines++;
	last++;
	memmove(end, last + (*last == '\n'), strlen(last + (*last == '\n')) + 1);
}

static void compare(const char *directory, const char *code, char *said)
{
	char path[4096], word[128];
	const char *update = getenv("UPDATE");
	size_t length;
	char *expected;

	shorten(said);
	snprintf(word, sizeof(word), "[%s]\n", code);
	if (!strstr(said, word)) {
		printf("%s: not found in its own file; found:\n%s", code, said);
		failures++;
	}
	snprintf(path, sizeof(path), "%s/%s.expected", directory, code);
	if (update && *update) {
		FILE *file = fopen(path, "wb");

		if (!file || fputs(said, file) < 0 || fclose(file) != 0)
			die("cannot be written", path);
		return;
	}
	expected = read_file(path, &length);
	if (!expected || strcmp(expected, said) != 0) {
		printf("%s: said\n%sexpected\n%s\n", code, said,
		       expected ? expected : "(no file; UPDATE=1 writes it)\n");
		failures++;
	}
	free(expected);
}

static void check_code(const char *directory, const char *code)
{
	char path[4096], *said;
	size_t length = 0;
	int format = LSVM_FORMAT_YAML;
	char *bytes = make_input(code, &length);

	if (!bytes) {
		snprintf(path, sizeof(path), "%s/%s.yaml", directory, code);
		bytes = read_file(path, &length);
	}
	if (!bytes) {
		snprintf(path, sizeof(path), "%s/%s.json", directory, code);
		bytes = read_file(path, &length);
		format = LSVM_FORMAT_JSON;
	}
	if (!bytes) {
		printf("%s: has no golden file\n", code);
		failures++;
		return;
	}
	said = findings_of(bytes, length, format, code);
	compare(directory, code, said);
	free(said);
	free(bytes);
}

/* A file whose code is gone tests nothing. */
static void check_strays(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	if (!dir)
		die("no such directory", directory);
	while ((entry = readdir(dir))) {
		size_t stem = strcspn(entry->d_name, "."), i = 0;

		if (!stem)
			continue;
		while (i < lsvm_finding_code_count() &&
		       (strlen(lsvm_finding_code_at(i)) != stem ||
			strncmp(lsvm_finding_code_at(i), entry->d_name, stem) != 0))
			i++;
		if (i == lsvm_finding_code_count()) {
			printf("%s: there is no such code\n", entry->d_name);
			failures++;
		}
	}
	closedir(dir);
}

static void print_file(const char *path)
{
	size_t length, name = strlen(path);
	char *bytes = read_file(path, &length), *said;

	if (!bytes)
		die("cannot be read", path);
	said = findings_of(bytes, length,
			   name > 5 && strcmp(path + name - 5, ".json") == 0
				   ? LSVM_FORMAT_JSON
				   : LSVM_FORMAT_YAML,
			   path);
	printf("%s\n%s", path, said);
	failures += *said != '\0';
	free(said);
	free(bytes);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		die("no directory given", argv[0]);
	if (lsvm_ctx_new(&ctx) < 0)
		die("no memory", argv[0]);
	for (int i = 2; i < argc; i++)
		print_file(argv[i]);
	if (argc == 2) {
		for (size_t i = 0; i < lsvm_finding_code_count(); i++)
			check_code(argv[1], lsvm_finding_code_at(i));
		check_strays(argv[1]);
	}
	lsvm_ctx_unref(ctx);
	if (argc == 2)
		printf("%zu codes, %d failed\n", lsvm_finding_code_count(), failures);
	return failures ? 1 : 0;
}
