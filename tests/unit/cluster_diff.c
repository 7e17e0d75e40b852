/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The difference of two clusters, and the four topologies. */
#include "cluster_support.h"

struct edit {
	const char *path, *json; /* json NULL: remove */
};

static struct lsvm_cluster *edited(struct fixture *f, const struct lsvm_cluster *from,
				   const struct edit *edits)
{
	struct lsvm_cluster *cluster = NULL;
	struct lsvm_draft *draft;
	int err;

	assert_int_equal(lsvm_draft_new(f->ctx, from, &draft), 0);
	for (; edits->path; edits++) {
		err = edits->json ? lsvm_draft_set(draft, edits->path, edits->json)
				  : lsvm_draft_remove(draft, edits->path);
		if (err < 0)
			fail_msg("%s: %s", edits->path, lsvm_ctx_error_text(f->ctx));
	}
	err = lsvm_draft_freeze(draft, f->findings, &cluster);
	if (err < 0)
		print_findings(f->findings);
	assert_int_equal(err, 0);
	lsvm_draft_free(draft);
	return cluster;
}

static void put(char *text, size_t size, const struct lsvm_change *change)
{
	const char *old = lsvm_change_old(change), *new = lsvm_change_new(change);
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s %s %s -> %s\n",
		 lsvm_change_kind_name(lsvm_change_kind(change)),
		 lsvm_change_path(change), old ? old : "", new ? new : "");
}

static void expect_changes(struct fixture *f, const struct edit *edits,
			   const char *wanted)
{
	struct lsvm_cluster *a = load_text(f, SMALL), *b = edited(f, a, edits);
	struct lsvm_changes *changes;
	char text[4096] = "", *json;

	assert_int_equal(lsvm_cluster_diff(f->ctx, a, b, &changes), 0);
	for (size_t i = 0; i < lsvm_changes_count(changes); i++)
		put(text, sizeof(text), lsvm_changes_at(changes, i));
	assert_null(lsvm_changes_at(changes, lsvm_changes_count(changes)));
	assert_string_equal(text, wanted);
	assert_int_equal(lsvm_changes_to_json(changes, &json), 0);
	assert_memory_equal(json, "{\"schema\":\"lsvm-changes/1\"", 26);
	lsvm_free(json);
	lsvm_changes_free(changes);
	lsvm_cluster_unref(a);
	lsvm_cluster_unref(b);
}

#define EDITS(...) ((const struct edit[]){ __VA_ARGS__, { NULL, NULL } })

static void values_are_added_removed_and_changed(void **state)
{
	expect_changes(*state, EDITS({ "/name", "\"other\"" }),
		       "changed /name \"small\" -> \"other\"\n");
	expect_changes(*state, EDITS({ "/description", "\"x\"" }),
		       "added /description  -> \"x\"\n");
	expect_changes(
		*state,
		EDITS({ "/defaults", "{\"forwarding\":\"nat\"}" },
		      { "/networks/front/director_addresses", "[\"192.0.2.30\"]" }),
		"added /defaults/forwarding  -> \"nat\"\n"
		"added /networks/front/director_addresses  -> [\"192.0.2.30\"]\n");
	expect_changes(*state, EDITS({ "/redundancy", "{\"kind\":\"none\"}" }),
		       "added /redundancy  -> {\"kind\":\"none\"}\n");
	expect_changes(*state, EDITS({ "/partitions/A/servers/eps2/weight", NULL }),
		       "removed /partitions/A/servers/eps2/weight 2 -> \n");
	expect_changes(*state, EDITS({ "/partitions/A/servers/eps2/weight", "5" }),
		       "changed /partitions/A/servers/eps2/weight 2 -> 5\n");
	expect_changes(
		*state,
		EDITS({ "/servers/eps1/interfaces/0/addresses/-", "\"192.0.2.31\"" }),
		"changed /servers/eps1/interfaces/eth0/addresses "
		"[\"192.0.2.21\"] -> [\"192.0.2.21\",\"192.0.2.31\"]\n");
}

static void items_are_matched_by_name(void **state)
{
	expect_changes(*state, EDITS({ "/partitions/A/vips/a1/domains/0", NULL }),
		       "removed /partitions/A/vips/a1/domains/www.a.example "
		       "\"www.a.example\" -> \n");
	expect_changes(*state, EDITS({ "/partitions/A/vips/a1/domains/-", "\"n.ex\"" }),
		       "added /partitions/A/vips/a1/domains/n.ex  -> \"n.ex\"\n");
	expect_changes(*state,
		       EDITS({ "/partitions/A/vips/a1/domains/b.example",
			       "{\"name\":\"b.example\",\"quota_mib\":1}" }),
		       "added /partitions/A/vips/a1/domains/b.example/quota_mib  -> 1\n");
}

static void what_changed_its_place_has_moved(void **state)
{
	expect_changes(*state,
		       EDITS({ "/partitions/A/servers",
			       "[{\"server\":\"eps2\",\"weight\":2},\"eps1\"]" }),
		       "moved /partitions/A/servers/eps1 0 -> 1\n");
	expect_changes(*state,
		       EDITS({ "/partitions/A/servers/eps1", NULL },
			     { "/partitions/B/servers/-",
			       "{\"server\":\"eps1\",\"weight\":3}" }),
		       "moved /partitions/B/servers/eps1 "
		       "\"/partitions/A/servers/eps1\" -> "
		       "\"/partitions/B/servers/eps1\"\n"
		       "added /partitions/B/servers/eps1/weight  -> 3\n");
	expect_changes(*state,
		       EDITS({ "/partitions/A/vips/a1/domains/b.example", NULL },
			     { "/partitions/B/vips/0/domains/-", "\"b.example\"" }),
		       "moved /partitions/B/vips/192.0.2.102/domains/b.example "
		       "\"/partitions/A/vips/a1/domains/b.example\" -> "
		       "\"/partitions/B/vips/192.0.2.102/domains/b.example\"\n");
}

/* n domains, the first of them last when turned. */
static struct lsvm_cluster *with_domains(struct fixture *f, unsigned count, bool turned)
{
	struct lsvm_cluster *cluster;
	struct buf buf = { 0 };

	lsvm_buf_text(&buf, SMALL "  - name: C\n    servers: [eps1]\n    vips:\n"
				  "      - address: 192.0.2.103\n        domains:\n");
	for (unsigned i = turned; i < count + turned; i++)
		lsvm_buf_printf(&buf, "          - d%u.example\n", i % count);
	cluster = load_text(f, buf.data);
	lsvm_buf_free(&buf);
	return cluster;
}

static void long_lists_say_the_least(void **state)
{
	struct fixture *f = *state;
	struct lsvm_cluster *a = with_domains(f, 50000, false);
	struct lsvm_cluster *b = with_domains(f, 50000, true);
	struct lsvm_changes *changes;

	assert_int_equal(lsvm_cluster_diff(f->ctx, a, b, &changes), 0);
	assert_int_equal(lsvm_changes_count(changes), 1);
	assert_string_equal(lsvm_change_path(lsvm_changes_at(changes, 0)),
			    "/partitions/C/vips/192.0.2.103/domains/d0.example");
	assert_string_equal(lsvm_change_new(lsvm_changes_at(changes, 0)), "49999");
	lsvm_changes_free(changes);
	lsvm_cluster_unref(a);
	lsvm_cluster_unref(b);
}

static int topology_of(struct fixture *f, const char *path)
{
	struct lsvm_cluster *cluster;
	char text[65536];
	FILE *file = fopen(path, "r");
	int topology;
	size_t length;

	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	cluster = load_text(f, text);
	topology = lsvm_cluster_topology(cluster);
	lsvm_cluster_unref(cluster);
	return topology;
}

static void the_four_topologies_are_told_apart(void **state)
{
	assert_int_equal(topology_of(*state, "examples/one-router-private.yaml"),
			 LSVM_TOPOLOGY_ONE_ROUTER_PRIVATE);
	assert_int_equal(topology_of(*state, "examples/one-router-public.yaml"),
			 LSVM_TOPOLOGY_ONE_ROUTER_PUBLIC);
	assert_int_equal(topology_of(*state, "examples/two-routers-private.yaml"),
			 LSVM_TOPOLOGY_TWO_ROUTERS_PRIVATE);
	assert_int_equal(topology_of(*state, "examples/two-routers-public.yaml"),
			 LSVM_TOPOLOGY_TWO_ROUTERS_PUBLIC);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(values_are_added_removed_and_changed),
		TEST(items_are_matched_by_name),
		TEST(what_changed_its_place_has_moved),
		TEST(long_lists_say_the_least),
		TEST(the_four_topologies_are_told_apart),
	};

	return RUN(tests);
}
