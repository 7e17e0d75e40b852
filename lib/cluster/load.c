/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes to frozen cluster and back: the parts of the room in their order. Nodes of the
 * tree are freed as soon as the model stands; texts stay with the cluster.
 */
#include "cluster/schema.h"
#include "cluster/validate.h"

#include <stdio.h>
#include <stdlib.h>

static void destroy(struct lsvm_cluster *cluster)
{
	struct arena arena = cluster->arena;

	lsvm_map_free(&cluster->machines_by_name);
	lsvm_map_free(&cluster->networks_by_name);
	lsvm_map_free(&cluster->partitions_by_name);
	lsvm_map_free(&cluster->domains_by_name);
	lsvm_arena_free(&arena);
	lsvm_ctx_unref(cluster->ctx);
	free(cluster);
}

static int has_findings(struct lsvm_ctx *ctx, const struct lsvm_findings *findings)
{
	const struct lsvm_finding *first = NULL;
	char place[64] = "";

	for (size_t i = 0; i < findings->list.count && !first; i++)
		if (lsvm_finding_severity(&findings->list.items[i]) ==
		    LSVM_SEVERITY_ERROR)
			first = &findings->list.items[i];
	if (first && lsvm_finding_line(first))
		snprintf(place, sizeof(place), " at line %u", lsvm_finding_line(first));
	else if (first && *first->path) /* JSON and drafts have no lines */
		snprintf(place, sizeof(place), " at %s", first->path);
	return lsvm_fail(ctx, LSVM_ERR_FINDINGS,
			 "the cluster has %zu error%s, the first%s: %s; correct what the "
			 "findings say",
			 findings->error_count, findings->error_count == 1 ? "" : "s",
			 place, first ? lsvm_finding_text(first) : "");
}

/* The same partition twice in one server's list is a finding, and not said again here. */
static struct machine *member_at(const struct partition *partition, uint32_t index)
{
	struct machine *machine = partition->servers.items[index].server.target;

	return machine && machine->role == LSVM_ROLE_SERVER ? machine : NULL;
}

/* Tells every server its partitions: counts, makes room, enters. */
static void link_servers(struct lsvm_cluster *cluster)
{
	const struct partition *partition;
	struct machine *machine;

	for (uint32_t p = 0; p < cluster->partitions.count; p++) {
		partition = &cluster->partitions.items[p];
		for (uint32_t i = 0; i < partition->servers.count; i++)
			if ((machine = member_at(partition, i)))
				machine->partitions.count++;
	}
	for (uint32_t i = 0; i < cluster->servers.count; i++) {
		machine = &cluster->servers.items[i];
		machine->partitions.items =
			lsvm_arena_array(&cluster->arena, machine->partitions.count,
					 sizeof(*machine->partitions.items));
		machine->partitions.count = 0;
	}
	if (cluster->arena.failed)
		return;
	for (uint32_t p = 0; p < cluster->partitions.count; p++) {
		partition = &cluster->partitions.items[p];
		for (uint32_t i = 0; i < partition->servers.count; i++)
			if ((machine = member_at(partition, i)))
				machine->partitions.items[machine->partitions.count++] =
					&cluster->partitions.items[p];
	}
}

int lsvm_cluster_build(struct lsvm_ctx *ctx, const struct node *root, struct arena *texts,
		       struct lsvm_findings *findings, struct lsvm_cluster **ret)
{
	struct lsvm_cluster *cluster = calloc(1, sizeof(*cluster));
	int err;

	if (!cluster)
		return lsvm_fail_nomem(ctx);
	atomic_init(&cluster->refs, 1);
	cluster->ctx = lsvm_ctx_ref(ctx);
	cluster->arena = *texts;
	*texts = (struct arena){ 0 };
	err = lsvm_cluster_decode(cluster, root, findings);
	if (err >= 0) {
		lsvm_cluster_fill_defaults(cluster);
		if (!cluster->arena.failed)
			err = lsvm_cluster_validate(cluster, findings);
		if (err >= 0 && !findings->error_count && !cluster->arena.failed)
			link_servers(cluster);
	}
	lsvm_findings_sort(findings);
	if (cluster->arena.failed || findings->failed || err == LSVM_ERR_NOMEM)
		err = lsvm_fail_nomem(ctx);
	else if (err >= 0 ? findings->error_count > 0 : err == LSVM_ERR_FINDINGS)
		err = has_findings(ctx, findings);
	if (err < 0) {
		destroy(cluster);
		return err;
	}
	*ret = cluster;
	return 0;
}

static int load(struct lsvm_ctx *ctx, const char *bytes, size_t length, int format,
		struct lsvm_findings *findings, struct lsvm_cluster **ret)
{
	struct arena nodes = { 0 }, texts = { 0 };
	struct tree tree = { .nodes = &nodes, .texts = &texts };
	int err;

	if (format == LSVM_FORMAT_JSON)
		err = lsvm_tree_from_json(&tree, bytes, length, findings);
	else
		err = lsvm_tree_from_yaml(&tree, bytes, length, findings);
	if (err == LSVM_ERR_NOMEM || nodes.failed || texts.failed || findings->failed)
		err = lsvm_fail_nomem(ctx);
	else if (err < 0)
		err = has_findings(ctx, findings);
	else
		err = lsvm_cluster_build(ctx, tree.root, &texts, findings, ret);
	lsvm_arena_free(&nodes);
	lsvm_arena_free(&texts);
	return err;
}

int lsvm_cluster_load(struct lsvm_ctx *ctx, const char *bytes, size_t length, int format,
		      struct lsvm_findings *findings, struct lsvm_cluster **ret)
{
	struct lsvm_findings *own = NULL;
	int err;

	if (format != LSVM_FORMAT_YAML && format != LSVM_FORMAT_JSON)
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "the format is neither YAML nor JSON; pass one of them");
	if (!findings) {
		err = lsvm_findings_new(ctx, &own);
		if (err < 0)
			return err;
		findings = own;
	}
	lsvm_findings_clear(findings);
	err = load(ctx, bytes, length, format, findings, ret);
	lsvm_findings_free(own);
	return err;
}

struct lsvm_cluster *lsvm_cluster_ref(struct lsvm_cluster *cluster)
{
	atomic_fetch_add(&cluster->refs, 1);
	return cluster;
}

void lsvm_cluster_unref(struct lsvm_cluster *cluster)
{
	if (cluster && atomic_fetch_sub(&cluster->refs, 1) == 1)
		destroy(cluster);
}

static int write_out(const struct lsvm_cluster *cluster, int format, char **ret)
{
	struct arena nodes = { 0 }, texts = { 0 };
	struct tree tree = { .nodes = &nodes, .texts = &texts };
	struct node *root = lsvm_cluster_encode(cluster, &tree);
	struct buf buf = { 0 };
	int err = LSVM_ERR_NOMEM;

	if (root && format == LSVM_FORMAT_JSON) {
		err = lsvm_tree_to_json(root, CLUSTER_SCHEMA, ret);
	} else if (root) {
		err = lsvm_tree_to_yaml(root, &buf);
		if (err >= 0)
			*ret = lsvm_buf_take(&buf);
		lsvm_buf_free(&buf);
	}
	lsvm_arena_free(&nodes);
	lsvm_arena_free(&texts);
	return err < 0 ? lsvm_fail_nomem(cluster->ctx) : 0;
}

int lsvm_cluster_to_json(const struct lsvm_cluster *cluster, char **ret)
{
	return write_out(cluster, LSVM_FORMAT_JSON, ret);
}

int lsvm_cluster_to_yaml(const struct lsvm_cluster *cluster, char **ret)
{
	return write_out(cluster, LSVM_FORMAT_YAML, ret);
}
