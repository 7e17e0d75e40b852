/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A document as a tree: scalars, lists and maps with their places, in an arena.
 *
 * YAML and JSON both become this and come from it; what the keys mean is the schema's
 * business. A node is 48 bytes. Children are a linked list in document order, so that
 * building, reading and editing need no other memory. Texts are NUL-terminated and free
 * of NUL inside; they live in an arena of their own, so that a cluster can keep them when
 * the nodes are gone.
 */
#ifndef LSVM_CLUSTER_TREE_H
#define LSVM_CLUSTER_TREE_H

#include "base/base.h"

/* Bounds of every input; a finding says which one was passed. */
#define TREE_MAX_BYTES (64u * 1024 * 1024)
#define TREE_MAX_DEPTH 32
#define TREE_MAX_NODES (4u * 1024 * 1024)
#define TREE_MAX_ALIASES 1000
#define TREE_MAX_ALIAS_NODES 1000000u

enum node_kind {
	NODE_SCALAR = 1,
	NODE_LIST,
	NODE_MAP,
};

enum node_style {
	STYLE_PLAIN,  /* a number, a boolean, a bare word */
	STYLE_STRING, /* written with quotes: text, whatever it looks like */
};

struct node {
	uint8_t kind, style;
	uint16_t key_column; /* of the key in its map */
	uint32_t key_line, line, column;
	const char *key; /* NULL unless the parent is a map */
	struct node *next;
	union {
		const char *text;
		struct {
			struct node *first, *last;
		};
	};
};
_Static_assert(sizeof(void *) != 8 || sizeof(struct node) <= 48, "nodes stay small");

struct tree {
	struct arena *nodes, *texts;
	struct node *root; /* NULL: an empty document */
	size_t node_count;
	char *text_at; /* the rest of the present block of texts */
	size_t text_left;
	const char *recent_keys[64]; /* equal keys share their text */
};

static inline struct mark node_mark(const struct node *node)
{
	return (struct mark){ node->line, node->column };
}
static inline struct mark node_key_mark(const struct node *node)
{
	return (struct mark){ node->key_line, node->key_column };
}

/* All answer NULL when memory ran out, which the arena remembers. */
struct node *lsvm_tree_node(struct tree *tree, enum node_kind kind);
struct node *lsvm_tree_scalar(struct tree *tree, enum node_style style, const char *text,
			      size_t length);
char *lsvm_tree_room(struct tree *tree, size_t length); /* and one byte for its end */
const char *lsvm_tree_text(struct tree *tree, const char *text, size_t length);
const char *lsvm_tree_key(struct tree *tree, const char *key, size_t length);
void lsvm_node_append(struct node *parent, struct node *child);
struct node *lsvm_node_child(const struct node *map, const char *key);
struct node *lsvm_node_nth(const struct node *list, size_t index);
void lsvm_node_unlink(struct node *parent, struct node *child);
size_t lsvm_node_count(const struct node *parent);
/* A deep copy in the tree; at most *budget nodes, which it counts down. NULL when it is
 * used up. */
struct node *lsvm_tree_copy(struct tree *tree, const struct node *node, size_t *budget);

/*
 * Bytes to tree. Whatever is wrong with the bytes is a finding, and the answer
 * LSVM_ERR_FINDINGS.
 */
int lsvm_tree_from_yaml(struct tree *tree, const char *bytes, size_t length,
			struct lsvm_findings *findings);
int lsvm_tree_from_json(struct tree *tree, const char *bytes, size_t length,
			struct lsvm_findings *findings);
/* One JSON text, as a fragment of a document: LSVM_ERR_PARSE with a sentence. */
int lsvm_tree_json_fragment(struct tree *tree, struct lsvm_ctx *ctx, const char *json,
			    struct node **ret);
/* Canonical: the same tree gives the same bytes. */
int lsvm_tree_to_yaml(const struct node *root, struct buf *buf);
int lsvm_tree_to_json(const struct node *root, const char *schema, char **ret);

#endif
