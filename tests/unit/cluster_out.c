/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clusters out: what is loaded and written again is the same, in both formats. */
#include "cluster_support.h"

#include <glob.h>

static struct lsvm_cluster *load_again(struct fixture *f, const char *text, int format)
{
	struct lsvm_cluster *cluster = NULL;
	int err = lsvm_cluster_load(f->ctx, text, strlen(text), format, f->findings,
				    &cluster);

	if (err < 0) {
		print_message("%s\n", text);
		print_findings(f->findings);
	}
	assert_int_equal(err, 0);
	return cluster;
}

static void expect_round_trip(struct fixture *f, struct lsvm_cluster *c)
{
	static const int formats[] = { LSVM_FORMAT_YAML, LSVM_FORMAT_JSON };
	char *yaml, *json, *yaml_again, *json_again;

	assert_int_equal(lsvm_cluster_to_yaml(c, &yaml), 0);
	assert_int_equal(lsvm_cluster_to_json(c, &json), 0);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct lsvm_cluster *again = load_again(
			f, formats[i] == LSVM_FORMAT_YAML ? yaml : json, formats[i]);
		struct lsvm_changes *changes;

		assert_int_equal(lsvm_cluster_to_yaml(again, &yaml_again), 0);
		assert_int_equal(lsvm_cluster_to_json(again, &json_again), 0);
		assert_string_equal(yaml_again, yaml);
		assert_string_equal(json_again, json);
		assert_int_equal(lsvm_cluster_diff(f->ctx, c, again, &changes), 0);
		assert_int_equal(lsvm_changes_count(changes), 0);
		lsvm_changes_free(changes);
		lsvm_cluster_unref(again);
		lsvm_free(yaml_again);
		lsvm_free(json_again);
	}
	lsvm_free(yaml);
	lsvm_free(json);
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text = calloc(1, 1 << 20);
	size_t length;

	assert_non_null(text);
	assert_non_null(file);
	length = fread(text, 1, (1 << 20) - 1, file);
	assert_true(length > 0);
	fclose(file);
	return text;
}

static size_t round_trip_files(struct fixture *f, const char *pattern)
{
	size_t done = 0;
	glob_t found;

	if (glob(pattern, 0, NULL, &found) != 0)
		return 0;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *text = read_file(found.gl_pathv[i]);
		struct lsvm_cluster *c = NULL;

		if (lsvm_cluster_load(f->ctx, text, strlen(text), LSVM_FORMAT_YAML, NULL,
				      &c) == 0) {
			expect_round_trip(f, c);
			done++;
		}
		lsvm_cluster_unref(c);
		free(text);
	}
	globfree(&found);
	return done;
}

static void every_example_comes_back_the_same(void **state)
{
	assert_true(round_trip_files(*state, "examples/*.yaml") >= 8);
}

static void golden_inputs_come_back_the_same(void **state)
{
	round_trip_files(*state, "tests/golden/*/*.yaml");
	round_trip_files(*state, "tests/golden/*/*/*.yaml");
}

static void every_key_comes_back_the_same(void **state)
{
	struct fixture *f = *state;
	char *text = read_file("tests/unit/cluster_full.yaml");
	struct lsvm_cluster *c = load_text(f, text);

	expect_round_trip(f, c);
	lsvm_cluster_unref(c);
	free(text);
}

/* Whether the file above really has every key of every type. */
static void collect(const struct object_type *type, const char *text, unsigned depth)
{
	char key[80];

	for (unsigned i = 0; i < type->field_count; i++) {
		const struct field *field = &type->fields[i];

		snprintf(key, sizeof(key), "%s:", field->name);
		if (!strstr(text, key))
			fail_msg("%s of a %s is in no test", field->name, type->name);
		if (field->type && depth < 8)
			collect(field->type, text, depth + 1);
		assert_true(field->doc && *field->doc);
	}
}

static void the_full_file_has_every_key(void **state)
{
	char *text = read_file("tests/unit/cluster_full.yaml");

	collect(&lsvm_type_cluster, text, 0);
	free(text);
}

static void output_is_canonical(void **state)
{
	struct fixture *f = *state;
	struct lsvm_cluster *c = load_text(f, SMALL);
	char *yaml, *json;

	assert_int_equal(lsvm_cluster_to_yaml(c, &yaml), 0);
	assert_int_equal(lsvm_cluster_to_json(c, &json), 0);
	assert_non_null(strstr(yaml, "servers: [eps1, {server: eps2, weight: 2}]"));
	assert_non_null(strstr(yaml, "domains: [www.a.example, b.example]"));
	assert_non_null(strstr(yaml, "subnets: [10.9.0.0/24]"));
	assert_null(strstr(yaml, "schema"));
	assert_memory_equal(json, "{\"schema\":\"lsvm-cluster/1\",\"name\":\"small\",",
			    42);
	assert_non_null(strstr(json, "\"servers\":[\"eps1\",{\"server\":\"eps2\","
				     "\"weight\":2}]"));
	lsvm_free(yaml);
	lsvm_free(json);
	lsvm_cluster_unref(c);
}

static void odd_texts_survive(void **state)
{
	static const char *const odd[] = {
		"true",	    "no",
		"~",	    "12",
		"1e3",	    "# no comment",
		"a: b",	    "- x",
		"'",	    "\\\"",
		" space ",  "two\\nlines\\n",
		"tab\\t",   "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		"%x",	    "@x",
		"`",	    "{a}",
		"[b]",	    "*c",
		"&d",	    "!e",
		"|",	    ">",
		"a #b",	    "\\u2028",
		"\\uFEFF",  "\\u0085",
		"a\\r\\nb", "null",
		"0x10",	    "-",
		"?",	    ":",
		","
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		char text[4096];
		struct lsvm_cluster *c;

		snprintf(text, sizeof(text), SMALL "description: \"%s\"\n", odd[i]);
		c = load_text(f, text);
		expect_round_trip(f, c);
		lsvm_cluster_unref(c);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(every_example_comes_back_the_same),
		TEST(golden_inputs_come_back_the_same),
		TEST(every_key_comes_back_the_same),
		TEST(the_full_file_has_every_key),
		TEST(output_is_canonical),
		TEST(odd_texts_survive),
	};

	return RUN(tests);
}
