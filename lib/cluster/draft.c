/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Drafts: edits on the tree of what is written, which only lsvm_draft_freeze() takes for
 * a cluster. An edit that cannot be done says what is missing and changes nothing;
 * whether the whole makes sense is asked once, at the end.
 */
#include "cluster/draft.h"

#include <stdlib.h>

int lsvm_draft_new(struct lsvm_ctx *ctx, const struct lsvm_cluster *cluster,
		   struct lsvm_draft **ret)
{
	struct lsvm_draft *draft = calloc(1, sizeof(*draft));

	if (!draft)
		return lsvm_fail_nomem(ctx);
	draft->ctx = lsvm_ctx_ref(ctx);
	draft->tree = (struct tree){ .nodes = &draft->nodes, .texts = &draft->texts };
	draft->tree.root = cluster ? lsvm_cluster_encode(cluster, &draft->tree)
				   : lsvm_tree_node(&draft->tree, NODE_MAP);
	if (!draft->tree.root) {
		lsvm_draft_free(draft);
		return lsvm_fail_nomem(ctx);
	}
	*ret = draft;
	return 0;
}

void lsvm_draft_forget(struct lsvm_draft *draft)
{
	lsvm_map_free(&draft->vips);
	lsvm_map_free(&draft->domains);
	draft->indexed = false;
}

void lsvm_draft_free(struct lsvm_draft *draft)
{
	if (!draft)
		return;
	lsvm_draft_forget(draft);
	lsvm_arena_free(&draft->nodes);
	lsvm_arena_free(&draft->texts);
	lsvm_ctx_unref(draft->ctx);
	free(draft);
}

/* The new node takes the place of the old one. */
static void replace(struct node *old, const struct node *node)
{
	struct node kept = *old;

	*old = *node;
	old->key = kept.key;
	old->next = kept.next;
}

int lsvm_draft_set(struct lsvm_draft *draft, const char *path, const char *json)
{
	struct spot spot;
	struct node *value;
	int err = lsvm_tree_json_fragment(&draft->tree, draft->ctx, json, &value);

	if (err >= 0)
		err = lsvm_draft_find(draft, path, &spot);
	if (err < 0)
		return err;
	if (!*path && value->kind != NODE_MAP)
		return lsvm_fail(draft->ctx, LSVM_ERR_ARGUMENT,
				 "a cluster is a JSON object; pass {…}");
	if (!spot.node && spot.parent->kind == NODE_LIST && !spot.append)
		return lsvm_fail(draft->ctx, LSVM_ERR_NOT_FOUND,
				 "there is no %.200s in the draft; end the path with - "
				 "to add an item",
				 path);
	lsvm_draft_forget(draft);
	if (!*path) {
		draft->tree.root = value;
	} else if (spot.node) {
		replace(spot.node, value);
	} else {
		value->key = spot.key;
		lsvm_node_append(spot.parent, value);
	}
	return 0;
}

int lsvm_draft_remove(struct lsvm_draft *draft, const char *path)
{
	struct spot spot;
	int err = lsvm_draft_find(draft, path, &spot);

	if (err < 0)
		return err;
	if (!*path)
		return lsvm_fail(draft->ctx, LSVM_ERR_ARGUMENT,
				 "the whole cannot be removed; name a part of it");
	if (!spot.node)
		return lsvm_fail(draft->ctx, LSVM_ERR_NOT_FOUND,
				 "there is no %.200s in the draft; nothing was removed",
				 path);
	lsvm_draft_forget(draft);
	lsvm_node_unlink(spot.parent, spot.node);
	return 0;
}

int lsvm_draft_to_json(const struct lsvm_draft *draft, char **ret)
{
	int err = lsvm_tree_to_json(draft->tree.root, CLUSTER_SCHEMA, ret);

	return err < 0 ? lsvm_fail_nomem(draft->ctx) : 0;
}

/* With its texts, which a frozen cluster keeps. */
static struct node *copy(struct tree *tree, const struct node *node)
{
	struct node *twin;

	if (node->kind == NODE_SCALAR)
		twin = lsvm_tree_scalar(tree, node->style, node->text,
					strlen(node->text));
	else
		twin = lsvm_tree_node(tree, node->kind);
	if (!twin)
		return NULL;
	twin->key = node->key ? lsvm_tree_key(tree, node->key, strlen(node->key)) : NULL;
	if (node->kind == NODE_SCALAR)
		return twin;
	for (const struct node *child = node->first; child; child = child->next) {
		struct node *made = copy(tree, child);

		if (!made)
			return NULL;
		lsvm_node_append(twin, made);
	}
	return twin;
}

int lsvm_draft_freeze(struct lsvm_draft *draft, struct lsvm_findings *findings,
		      struct lsvm_cluster **ret)
{
	struct arena nodes = { 0 }, texts = { 0 };
	struct tree tree = { .nodes = &nodes, .texts = &texts };
	struct lsvm_findings *own = NULL;
	struct node *root;
	int err = 0;

	if (!findings)
		err = lsvm_findings_new(draft->ctx, &own);
	if (err < 0)
		return err;
	if (own)
		findings = own;
	lsvm_findings_clear(findings);
	root = copy(&tree, draft->tree.root);
	if (root)
		err = lsvm_cluster_build(draft->ctx, root, &texts, findings, ret);
	else
		err = lsvm_fail_nomem(draft->ctx);
	lsvm_arena_free(&nodes);
	lsvm_arena_free(&texts);
	lsvm_findings_free(own);
	return err;
}
