/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nodes and texts. Texts are packed back to back into blocks, and keys, of which a file
 * has few different ones, are shared through a small cache, so that a large document
 * costs little more than its own bytes.
 */
#include "cluster/tree.h"

#define TEXT_BLOCK_BYTES (16 * 1024)

struct node *lsvm_tree_node(struct tree *tree, enum node_kind kind)
{
	struct node *node = lsvm_arena_alloc(tree->nodes, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = (uint8_t)kind;
	tree->node_count++;
	return node;
}

char *lsvm_tree_room(struct tree *tree, size_t length)
{
	char *room;

	if (length >= TEXT_BLOCK_BYTES / 4)
		return lsvm_arena_alloc(tree->texts, length + 1);
	if (tree->text_left <= length) {
		/* The first block is small: most documents are. */
		size_t size = tree->text_at ? TEXT_BLOCK_BYTES : TEXT_BLOCK_BYTES / 4;

		tree->text_at = lsvm_arena_alloc(tree->texts, size);
		if (!tree->text_at) {
			tree->text_left = 0;
			return NULL;
		}
		tree->text_left = size;
	}
	room = tree->text_at;
	tree->text_at += length + 1;
	tree->text_left -= length + 1;
	return room;
}

const char *lsvm_tree_text(struct tree *tree, const char *text, size_t length)
{
	char *copy = lsvm_tree_room(tree, length);

	if (!copy)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

const char *lsvm_tree_key(struct tree *tree, const char *key, size_t length)
{
	size_t hash = length * 7;
	const char **slot;

	for (size_t i = 0; i < length; i++)
		hash = hash * 31 + (unsigned char)key[i];
	slot = &tree->recent_keys[hash % ARRAY_SIZE(tree->recent_keys)];
	if (!*slot || strncmp(*slot, key, length) != 0 || (*slot)[length])
		*slot = lsvm_tree_text(tree, key, length);
	return *slot;
}

struct node *lsvm_tree_scalar(struct tree *tree, enum node_style style, const char *text,
			      size_t length)
{
	struct node *node = lsvm_tree_node(tree, NODE_SCALAR);

	if (!node)
		return NULL;
	node->style = (uint8_t)style;
	node->text = lsvm_tree_text(tree, text, length);
	return node->text ? node : NULL;
}

void lsvm_node_append(struct node *parent, struct node *child)
{
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	child->next = NULL;
}

struct node *lsvm_node_child(const struct node *map, const char *key)
{
	if (map->kind != NODE_MAP)
		return NULL;
	for (struct node *child = map->first; child; child = child->next)
		if (strcmp(child->key, key) == 0)
			return child;
	return NULL;
}

struct node *lsvm_node_nth(const struct node *list, size_t index)
{
	struct node *child;

	if (list->kind == NODE_SCALAR)
		return NULL;
	for (child = list->first; child && index; index--)
		child = child->next;
	return child;
}

void lsvm_node_unlink(struct node *parent, struct node *child)
{
	struct node **link = &parent->first, *before = NULL;

	while (*link != child) {
		before = *link;
		link = &before->next;
	}
	*link = child->next;
	if (parent->last == child)
		parent->last = before;
	child->next = NULL;
}

size_t lsvm_node_count(const struct node *parent)
{
	size_t count = 0;

	if (parent->kind == NODE_SCALAR)
		return 0;
	for (const struct node *child = parent->first; child; child = child->next)
		count++;
	return count;
}

struct node *lsvm_tree_copy(struct tree *tree, const struct node *node, size_t *budget)
{
	struct node *copy;

	if (!*budget)
		return NULL;
	(*budget)--;
	copy = lsvm_tree_node(tree, node->kind);
	if (!copy)
		return NULL;
	*copy = *node;
	copy->next = NULL;
	if (node->kind == NODE_SCALAR)
		return copy;
	copy->first = copy->last = NULL;
	for (const struct node *child = node->first; child; child = child->next) {
		struct node *twin = lsvm_tree_copy(tree, child, budget);

		if (!twin)
			return NULL;
		lsvm_node_append(copy, twin);
	}
	return copy;
}
