/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drafts: edits say what is missing, change nothing when they fail, and freeze. */
#include "cluster_support.h"

static struct lsvm_draft *draft_of(struct fixture *f, const char *text)
{
	struct lsvm_cluster *cluster = load_text(f, text);
	struct lsvm_draft *draft = NULL;

	assert_int_equal(lsvm_draft_new(f->ctx, cluster, &draft), 0);
	lsvm_cluster_unref(cluster);
	return draft;
}

static struct lsvm_cluster *freeze(struct fixture *f, struct lsvm_draft *draft)
{
	struct lsvm_cluster *cluster = NULL;
	int err = lsvm_draft_freeze(draft, f->findings, &cluster);

	if (err < 0)
		print_findings(f->findings);
	assert_int_equal(err, 0);
	return cluster;
}

static void expect_json(const struct lsvm_draft *draft, const char *part)
{
	char *json;

	assert_int_equal(lsvm_draft_to_json(draft, &json), 0);
	if (!strstr(json, part))
		fail_msg("%s lacks %s", json, part);
	lsvm_free(json);
}

static void a_draft_starts_as_its_cluster(void **state)
{
	struct fixture *f = *state;
	struct lsvm_cluster *cluster = load_text(f, SMALL), *frozen;
	struct lsvm_draft *draft;
	struct lsvm_changes *changes;

	assert_int_equal(lsvm_draft_new(f->ctx, cluster, &draft), 0);
	frozen = freeze(f, draft);
	assert_int_equal(lsvm_cluster_diff(f->ctx, cluster, frozen, &changes), 0);
	assert_int_equal(lsvm_changes_count(changes), 0);
	lsvm_changes_free(changes);
	lsvm_draft_free(draft);
	lsvm_cluster_unref(cluster);
	assert_string_equal(lsvm_cluster_name(frozen), "small");
	lsvm_cluster_unref(frozen);
}

static void servers_come_go_and_move(void **state)
{
	struct fixture *f = *state;
	struct lsvm_draft *draft = draft_of(f, SMALL);
	struct lsvm_cluster *cluster;
	const struct lsvm_partition *a, *b;

	assert_int_equal(lsvm_draft_add_server(draft, "B", "eps1", 3), 0);
	assert_int_equal(lsvm_draft_add_server(draft, "B", "eps1", 3), LSVM_ERR_EXISTS);
	assert_int_equal(lsvm_draft_add_server(draft, "B", "eps9", 1),
			 LSVM_ERR_NOT_FOUND);
	assert_non_null(strstr(lsvm_ctx_error_text(f->ctx), "eps9"));
	assert_int_equal(lsvm_draft_add_server(draft, "X", "eps1", 1),
			 LSVM_ERR_NOT_FOUND);
	assert_non_null(strstr(lsvm_ctx_error_text(f->ctx), "\"X\""));
	assert_int_equal(lsvm_draft_add_server(draft, "B", "eps2", 65536),
			 LSVM_ERR_RANGE);
	assert_int_equal(lsvm_draft_move_server(draft, "eps2", "A", "B"), 0);
	assert_int_equal(lsvm_draft_move_server(draft, "eps2", "A", "B"),
			 LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_draft_move_server(draft, "eps1", "A", "B"),
			 LSVM_ERR_EXISTS);
	assert_int_equal(lsvm_draft_remove_server(draft, "B", "eps3"), 0);
	assert_int_equal(lsvm_draft_remove_server(draft, "B", "eps3"),
			 LSVM_ERR_NOT_FOUND);
	cluster = freeze(f, draft);
	a = lsvm_cluster_find_partition(cluster, "A");
	b = lsvm_cluster_find_partition(cluster, "B");
	assert_int_equal(lsvm_partition_server_count(a), 1);
	assert_int_equal(lsvm_partition_server_count(b), 2);
	assert_int_equal(lsvm_partition_server_weight(b, 0), 3);
	assert_int_equal(lsvm_partition_server_weight(b, 1), 2);
	lsvm_cluster_unref(cluster);
	lsvm_draft_free(draft);
}

static void domains_come_and_go(void **state)
{
	struct fixture *f = *state;
	struct lsvm_draft *draft = draft_of(f, SMALL);
	struct lsvm_cluster *cluster;

	assert_int_equal(lsvm_draft_add_domain(draft, "a1", "new.example"), 0);
	assert_int_equal(lsvm_draft_add_domain(draft, "192.0.2.102", "other.example"), 0);
	assert_int_equal(lsvm_draft_add_domain(draft, "a1", "new.example"),
			 LSVM_ERR_EXISTS);
	assert_int_equal(lsvm_draft_add_domain(draft, "a1", "www.c.example"),
			 LSVM_ERR_EXISTS);
	assert_int_equal(lsvm_draft_add_domain(draft, "a9", "x.example"),
			 LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_draft_remove_domain(draft, "www.c.example"), 0);
	assert_int_equal(lsvm_draft_remove_domain(draft, "www.c.example"),
			 LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_draft_add_domain(draft, "a1", "www.c.example"), 0);
	cluster = freeze(f, draft);
	assert_non_null(lsvm_cluster_find_domain(cluster, "new.example"));
	assert_non_null(lsvm_cluster_find_domain(cluster, "NEW.Example"));
	assert_string_equal(lsvm_vip_name(lsvm_domain_vip(
				    lsvm_cluster_find_domain(cluster, "www.c.example"))),
			    "a1");
	lsvm_cluster_unref(cluster);
	lsvm_draft_free(draft);
}

static void a_domain_stands_on_several_vips_of_one_partition(void **state)
{
	struct fixture *f = *state;
	struct lsvm_draft *draft = draft_of(f, SMALL);

	assert_int_equal(
		lsvm_draft_set(draft, "/partitions/A/vips/-",
			       "{\"name\": \"a2\", \"address\": \"192.0.2.109\"}"),
		0);
	assert_int_equal(lsvm_draft_add_domain(draft, "a1", "new.example"), 0);
	assert_int_equal(lsvm_draft_add_domain(draft, "a2", "new.example"), 0);
	assert_int_equal(lsvm_draft_add_domain(draft, "192.0.2.109", "new.example"),
			 LSVM_ERR_EXISTS);
	assert_int_equal(lsvm_draft_add_domain(draft, "192.0.2.102", "new.example"),
			 LSVM_ERR_EXISTS);
	assert_non_null(strstr(lsvm_ctx_error_text(f->ctx), "another partition"));
	lsvm_cluster_unref(freeze(f, draft));
	assert_int_equal(lsvm_draft_remove_domain(draft, "new.example"), 0);
	expect_json(draft, "\"domains\":[]");
	assert_int_equal(lsvm_draft_remove_domain(draft, "new.example"),
			 LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_draft_add_domain(draft, "192.0.2.102", "new.example"), 0);
	lsvm_cluster_unref(freeze(f, draft));
	lsvm_draft_free(draft);
}

static void a_move_that_fails_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct lsvm_draft *draft = draft_of(f, SMALL);
	char *before, *after;

	assert_int_equal(lsvm_draft_set(draft, "/partitions/-", "{\"name\": \"C\"}"), 0);
	assert_int_equal(lsvm_draft_to_json(draft, &before), 0);
	assert_int_equal(lsvm_draft_move_server(draft, "eps3", "A", "C"),
			 LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_draft_to_json(draft, &after), 0);
	assert_string_equal(before, after);
	lsvm_free(before);
	lsvm_free(after);
	lsvm_draft_free(draft);
}

static void a_vip_of_its_address_alone_takes_a_domain(void **state)
{
	struct fixture *f = *state;
	struct lsvm_draft *draft = draft_of(f, SMALL);

	assert_int_equal(lsvm_draft_set(draft, "/partitions/B/vips/-", "\"192.0.2.103\""),
			 0);
	assert_int_equal(lsvm_draft_add_domain(draft, "192.0.2.103", "d.example"), 0);
	expect_json(draft, "{\"address\":\"192.0.2.103\",\"domains\":[\"d.example\"]}");
	lsvm_cluster_unref(freeze(f, draft));
	lsvm_draft_free(draft);
}

static void paths_take_places_and_names(void **state)
{
	struct fixture *f = *state;
	struct lsvm_draft *draft = draft_of(f, SMALL);

	assert_int_equal(lsvm_draft_set(draft, "/description", "\"x\""), 0);
	assert_int_equal(lsvm_draft_set(draft, "/defaults", "{}"), 0);
	assert_int_equal(lsvm_draft_set(draft, "/defaults/scheduler", "\"rr\""), 0);
	assert_int_equal(lsvm_draft_set(draft, "/partitions/A/servers/eps1/weight", "5"),
			 0);
	expect_json(draft, "{\"server\":\"eps1\",\"weight\":5}");
	assert_int_equal(lsvm_draft_set(draft, "/partitions/0/servers/1/weight", "6"), 0);
	expect_json(draft, "{\"server\":\"eps2\",\"weight\":6}");
	assert_int_equal(
		lsvm_draft_set(draft, "/networks/front/subnets/-", "\"2001:db8::/64\""),
		0);
	assert_int_equal(
		lsvm_draft_remove(draft, "/networks/front/subnets/2001:db8::~164"), 0);
	assert_int_equal(
		lsvm_draft_set(draft, "/partitions/A/vips/a1/domains/2", "\"c.example\""),
		0);
	assert_int_equal(
		lsvm_draft_set(draft, "/partitions/A/vips/192.0.2.101/domains/b.example",
			       "{\"name\":\"b.example\",\"quota_mib\":3}"),
		0);
	lsvm_cluster_unref(freeze(f, draft));
	assert_int_equal(lsvm_draft_remove(draft, "/partitions/B"), 0);
	assert_int_equal(lsvm_draft_remove(draft, "/defaults/scheduler"), 0);
	lsvm_cluster_unref(freeze(f, draft));
	lsvm_draft_free(draft);
}

static void edits_that_fail_say_what_is_missing(void **state)
{
	struct fixture *f = *state;
	struct lsvm_draft *draft = draft_of(f, SMALL);
	char *before, *after;

	assert_int_equal(lsvm_draft_to_json(draft, &before), 0);
	assert_int_equal(lsvm_draft_set(draft, "/partitions/Z/name", "\"x\""),
			 LSVM_ERR_NOT_FOUND);
	assert_non_null(strstr(lsvm_ctx_error_text(f->ctx), "/partitions/Z"));
	assert_int_equal(lsvm_draft_set(draft, "/partitions/Z", "{}"),
			 LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_draft_set(draft, "/partitions/7", "{}"),
			 LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_draft_set(draft, "/redundancy/kind", "\"none\""),
			 LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_draft_set(draft, "/name/x", "1"), LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_draft_set(draft, "name", "\"x\""), LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_draft_set(draft, "/a~2", "1"), LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_draft_set(draft, "", "1"), LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_draft_set(draft, "/name", "x"), LSVM_ERR_PARSE);
	assert_int_equal(lsvm_draft_set(draft, "/name", ""), LSVM_ERR_PARSE);
	assert_int_equal(lsvm_draft_remove(draft, "/defaults"), LSVM_ERR_NOT_FOUND);
	assert_int_equal(lsvm_draft_remove(draft, ""), LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_draft_to_json(draft, &after), 0);
	assert_string_equal(before, after);
	lsvm_free(before);
	lsvm_free(after);
	lsvm_draft_free(draft);
}

static void nonsense_is_refused_when_frozen_and_can_be_mended(void **state)
{
	struct fixture *f = *state;
	struct lsvm_draft *draft = draft_of(f, SMALL);
	struct lsvm_cluster *cluster = NULL;
	const struct lsvm_finding *finding;

	assert_int_equal(lsvm_draft_set(draft, "/partitions/A/servers", "{\"a\":1}"), 0);
	assert_int_equal(lsvm_draft_add_server(draft, "A", "eps1", 1), LSVM_ERR_STATE);
	assert_int_equal(lsvm_draft_set(draft, "/wat", "[[{\"x\":null}]]"), 0);
	assert_int_equal(lsvm_draft_freeze(draft, f->findings, &cluster),
			 LSVM_ERR_FINDINGS);
	assert_null(cluster);
	finding = find_code(f, "wrong-type");
	assert_non_null(finding);
	assert_string_equal(lsvm_finding_path(finding), "/partitions/0/servers");
	assert_int_equal(lsvm_finding_line(finding), 0);
	assert_non_null(find_code(f, "unknown-key"));
	assert_int_equal(lsvm_draft_remove(draft, "/wat"), 0);
	assert_int_equal(lsvm_draft_set(draft, "/partitions/A/servers", "\"eps1\""), 0);
	assert_int_equal(lsvm_draft_add_server(draft, "A", "eps2", 1), 0);
	expect_json(draft, "\"servers\":[\"eps1\",\"eps2\"]");
	lsvm_cluster_unref(freeze(f, draft));
	lsvm_draft_free(draft);
}

static void a_cluster_can_be_made_from_nothing(void **state)
{
	struct fixture *f = *state;
	struct lsvm_cluster *small = load_text(f, SMALL), *cluster;
	struct lsvm_draft *draft;
	char *json;

	assert_int_equal(lsvm_draft_new(f->ctx, NULL, &draft), 0);
	assert_int_equal(lsvm_draft_freeze(draft, NULL, &cluster), LSVM_ERR_FINDINGS);
	assert_int_equal(lsvm_cluster_to_json(small, &json), 0);
	assert_int_equal(lsvm_draft_set(draft, "", json), 0);
	cluster = freeze(f, draft);
	assert_string_equal(lsvm_cluster_name(cluster), "small");
	lsvm_cluster_unref(cluster);
	lsvm_cluster_unref(small);
	lsvm_free(json);
	lsvm_draft_free(draft);
}

static void many_domains_are_added_in_a_moment(void **state)
{
	struct fixture *f = *state;
	struct lsvm_draft *draft = draft_of(f, SMALL);
	struct lsvm_cluster *cluster;
	char name[32];

	for (int i = 0; i < 50000; i++) {
		snprintf(name, sizeof(name), "d%d.example", i);
		assert_int_equal(lsvm_draft_add_domain(draft, "a1", name), 0);
	}
	cluster = freeze(f, draft);
	assert_non_null(lsvm_cluster_find_domain(cluster, "d49999.example"));
	lsvm_cluster_unref(cluster);
	lsvm_draft_free(draft);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_draft_starts_as_its_cluster),
		TEST(servers_come_go_and_move),
		TEST(domains_come_and_go),
		TEST(a_domain_stands_on_several_vips_of_one_partition),
		TEST(a_move_that_fails_changes_nothing),
		TEST(a_vip_of_its_address_alone_takes_a_domain),
		TEST(paths_take_places_and_names),
		TEST(edits_that_fail_say_what_is_missing),
		TEST(nonsense_is_refused_when_frozen_and_can_be_mended),
		TEST(a_cluster_can_be_made_from_nothing),
		TEST(many_domains_are_added_in_a_moment),
	};

	return RUN(tests);
}
