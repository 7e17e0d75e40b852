/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page svm-cluster(5) and the tables of schema.c describe the same file. */
#include "cluster_support.h"

#define PAGE "man/svm-cluster.5.scd"

static char *read_page(void)
{
	FILE *file = fopen(PAGE, "rb");
	char *text = calloc(1, 1 << 20);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

static void assert_described(const char *page, const char *word, const char *what)
{
	char bold[128];

	snprintf(bold, sizeof(bold), "*%s*", word);
	if (!strstr(page, bold))
		fail_msg(PAGE " does not describe %s %s", what, word);
}

static void walk(const char *page, const struct object_type *type, unsigned depth)
{
	assert_true(depth < 8);
	for (unsigned i = 0; i < type->field_count; i++) {
		const struct field *field = &type->fields[i];

		assert_described(page, field->name, type->name);
		if (field->group)
			assert_described(page, field->group, type->name);
		for (const struct word *w = field->words; w && w->name; w++)
			assert_described(page, w->name, field->name);
		if (field->type)
			walk(page, field->type, depth + 1);
	}
}

static void every_key_and_every_word_is_described(void **state)
{
	char *page = read_page();

	walk(page, &lsvm_type_cluster, 0);
	free(page);
}

static bool is_key(const struct object_type *type, const char *word)
{
	for (unsigned i = 0; i < type->field_count; i++) {
		const struct field *field = &type->fields[i];

		if (strcmp(field->name, word) == 0 ||
		    (field->group && strcmp(field->group, word) == 0) ||
		    (field->type && is_key(field->type, word)))
			return true;
	}
	return strcmp(word, "schema") == 0;
}

/* "*port*, *path*" alone on a line heads a description. */
static void every_key_that_is_described_exists(void **state)
{
	char *page = read_page(), *rest = NULL, *save = NULL;
	unsigned seen = 0;

	for (char *line = strtok_r(page, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		line += strspn(line, "\t");
		if (line[0] != '*' || line[strlen(line) - 1] != '*' ||
		    strchr(line, '(') ||
		    strspn(line, "*, abcdefghijklmnopqrstuvwxyz0123456789_") !=
			    strlen(line))
			continue;
		for (char *word = strtok_r(line, "*, ", &save); word;
		     word = strtok_r(NULL, "*, ", &save), seen++)
			if (!is_key(&lsvm_type_cluster, word))
				fail_msg(PAGE " describes %s, which is no key", word);
	}
	assert_true(seen > 100);
	free(page);
}

static void the_example_on_the_page_has_no_findings(void **state)
{
	struct fixture *f = *state;
	char *page = read_page(), *start = strstr(page, "```\n"), *end;

	assert_non_null(start);
	start += 4;
	end = strstr(start, "```");
	assert_non_null(end);
	*end = '\0';
	lsvm_cluster_unref(load_text(f, start));
	assert_int_equal(lsvm_findings_count(f->findings), 0);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_key_and_every_word_is_described),
		TEST(every_key_that_is_described_exists),
		TEST(the_example_on_the_page_has_no_findings),
	};

	return RUN(tests);
}
