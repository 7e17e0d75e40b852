/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * YAML to tree: libyaml reads, this counts. Depth, nodes and aliases are bounded while
 * the events arrive, so that no document can cost more than its bytes allow. An alias
 * becomes a copy of what its anchor stands for; an anchor inside itself is refused. Tags
 * and further documents have no meaning here.
 */
#include "cluster/tree.h"

#include <yaml.h>

struct anchor {
	struct node *node;
	bool open; /* its list or map has not ended yet */
};

struct level {
	struct node *node;
	struct anchor *anchor;
	const char *key; /* read, its value not yet */
	struct mark key_at;
};

struct loader {
	struct tree *tree;
	struct lsvm_findings *findings;
	yaml_parser_t parser;
	struct level levels[TREE_MAX_DEPTH];
	unsigned depth;
	struct map anchors;
	unsigned alias_count, document_count;
	size_t alias_budget;
	bool done;
};

static struct mark mark_of(const yaml_mark_t *mark)
{
	size_t line = mark->line + 1, column = mark->column + 1;

	return (struct mark){ line > UINT32_MAX ? UINT32_MAX : (uint32_t)line,
			      column > UINT32_MAX ? UINT32_MAX : (uint32_t)column };
}

static int syntax_error(struct loader *l)
{
	const yaml_parser_t *p = &l->parser;
	struct mark at =
		mark_of(p->problem_mark.line || p->problem_mark.column ? &p->problem_mark
								       : &p->mark);

	if (p->error == YAML_MEMORY_ERROR)
		return LSVM_ERR_NOMEM;
	lsvm_findings_add(l->findings, FINDING_SYNTAX, "", at, "YAML: %s%s%s",
			  p->problem ? p->problem : "it cannot be read",
			  p->context ? " " : "", p->context ? p->context : "");
	return LSVM_ERR_FINDINGS;
}

static int refuse(struct loader *l, enum finding_code code, struct mark at,
		  const char *text)
{
	lsvm_findings_add(l->findings, code, "", at, "%s", text);
	return LSVM_ERR_FINDINGS;
}

/* Puts a value where the document has it. */
static int place(struct loader *l, struct node *node)
{
	struct level *top = l->depth ? &l->levels[l->depth - 1] : NULL;

	if (!top) {
		l->tree->root = node;
		return 0;
	}
	if (top->node->kind == NODE_MAP) {
		if (!top->key)
			return refuse(l, FINDING_SYNTAX, node_mark(node),
				      "a key must be a plain word");
		node->key = top->key;
		node->key_line = top->key_at.line;
		node->key_column = top->key_at.column > UINT16_MAX
					   ? UINT16_MAX
					   : (uint16_t)top->key_at.column;
		top->key = NULL;
	}
	lsvm_node_append(top->node, node);
	return 0;
}

static int set_anchor(struct loader *l, const yaml_char_t *name, struct node *node,
		      struct anchor **ret)
{
	size_t length = strlen((const char *)name);
	struct anchor *anchor = lsvm_map_get(&l->anchors, name, length);
	const char *key;
	int err;

	if (!anchor) {
		anchor = lsvm_arena_alloc(l->tree->nodes, sizeof(*anchor));
		key = lsvm_arena_strndup(l->tree->nodes, (const char *)name, length);
		if (!anchor || !key)
			return LSVM_ERR_NOMEM;
		err = lsvm_map_put(&l->anchors, key, length, anchor, NULL);
		if (err < 0)
			return err;
	}
	anchor->node = node;
	anchor->open = node->kind != NODE_SCALAR;
	*ret = anchor;
	return 0;
}

static int check_room(struct loader *l, struct mark at)
{
	if (l->tree->node_count >= TREE_MAX_NODES)
		return refuse(l, FINDING_TOO_LARGE, at,
			      "the document has more than 4,194,304 values");
	return 0;
}

static int on_scalar(struct loader *l, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	struct level *top = l->depth ? &l->levels[l->depth - 1] : NULL;
	struct mark at = mark_of(&event->start_mark);
	struct anchor *anchor;
	struct node *node;
	int err;

	if (memchr(text, '\0', length))
		return refuse(l, FINDING_BAD_TEXT, at, "a text has the character NUL");
	if (event->data.scalar.tag)
		return refuse(l, FINDING_YAML_TAG, at, "a tag has no meaning here");
	if (top && top->node->kind == NODE_MAP && !top->key &&
	    !event->data.scalar.anchor) {
		top->key = lsvm_tree_key(l->tree, text, length);
		top->key_at = at;
		return top->key ? 0 : LSVM_ERR_NOMEM;
	}
	err = check_room(l, at);
	if (err < 0)
		return err;
	node = lsvm_tree_scalar(l->tree,
				event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
					? STYLE_PLAIN
					: STYLE_STRING,
				text, length);
	if (!node)
		return LSVM_ERR_NOMEM;
	node->line = at.line;
	node->column = at.column;
	if (event->data.scalar.anchor)
		err = set_anchor(l, event->data.scalar.anchor, node, &anchor);
	return err < 0 ? err : place(l, node);
}

static int on_start(struct loader *l, const yaml_event_t *event, enum node_kind kind,
		    const yaml_char_t *tag, const yaml_char_t *name)
{
	struct mark at = mark_of(&event->start_mark);
	struct anchor *anchor = NULL;
	struct node *node;
	int err = check_room(l, at);

	if (err < 0)
		return err;
	if (tag)
		return refuse(l, FINDING_YAML_TAG, at, "a tag has no meaning here");
	if (l->depth == TREE_MAX_DEPTH)
		return refuse(l, FINDING_TOO_DEEP, at,
			      "lists and maps are nested more than 32 deep");
	node = lsvm_tree_node(l->tree, kind);
	if (!node)
		return LSVM_ERR_NOMEM;
	node->line = at.line;
	node->column = at.column;
	err = place(l, node);
	if (err >= 0 && name)
		err = set_anchor(l, name, node, &anchor);
	if (err < 0)
		return err;
	l->levels[l->depth++] = (struct level){ .node = node, .anchor = anchor };
	return 0;
}

static unsigned height(const struct node *node)
{
	unsigned highest = 0;

	if (node->kind == NODE_SCALAR)
		return 0;
	for (const struct node *child = node->first; child; child = child->next) {
		unsigned h = height(child);

		if (h > highest)
			highest = h;
	}
	return highest + 1;
}

static int on_alias(struct loader *l, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct mark at = mark_of(&event->start_mark);
	const struct anchor *anchor = lsvm_map_find(&l->anchors, name);
	struct node *copy;

	if (!anchor)
		return refuse(l, FINDING_BAD_ALIAS, at,
			      "the alias stands for nothing written before");
	if (anchor->open)
		return refuse(l, FINDING_BAD_ALIAS, at, "the alias contains itself");
	if (++l->alias_count > TREE_MAX_ALIASES)
		return refuse(l, FINDING_TOO_LARGE, at,
			      "the document has more than 1,000 aliases");
	if (l->depth + height(anchor->node) > TREE_MAX_DEPTH)
		return refuse(l, FINDING_TOO_DEEP, at,
			      "with its aliases it is nested more than 32 deep");
	copy = lsvm_tree_copy(l->tree, anchor->node, &l->alias_budget);
	if (!copy && !l->tree->nodes->failed)
		return refuse(l, FINDING_TOO_LARGE, at,
			      "aliases stand for more than 1,000,000 values");
	return copy ? place(l, copy) : LSVM_ERR_NOMEM;
}

static int on_end(struct loader *l)
{
	const struct level *top = &l->levels[--l->depth];

	if (top->anchor)
		top->anchor->open = false;
	return 0;
}

static int on_event(struct loader *l, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(l, event);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(l, event, NODE_LIST, event->data.sequence_start.tag,
				event->data.sequence_start.anchor);
	case YAML_MAPPING_START_EVENT:
		return on_start(l, event, NODE_MAP, event->data.mapping_start.tag,
				event->data.mapping_start.anchor);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(l);
	case YAML_ALIAS_EVENT:
		return on_alias(l, event);
	case YAML_DOCUMENT_START_EVENT:
		if (l->document_count++)
			return refuse(l, FINDING_SYNTAX, mark_of(&event->start_mark),
				      "there is a second document");
		return 0;
	case YAML_STREAM_END_EVENT:
		l->done = true;
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	}
	return 0;
}

int lsvm_tree_from_yaml(struct tree *tree, const char *bytes, size_t length,
			struct lsvm_findings *findings)
{
	struct loader l = { .tree = tree,
			    .findings = findings,
			    .alias_budget = TREE_MAX_ALIAS_NODES };
	int err = 0;

	if (length > TREE_MAX_BYTES)
		return refuse(&l, FINDING_TOO_LARGE, (struct mark){ 0 },
			      "the document has more than 64 MiB");
	if (!yaml_parser_initialize(&l.parser))
		return LSVM_ERR_NOMEM;
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)bytes, length);
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	while (!l.done && err >= 0) {
		yaml_event_t event;

		if (!yaml_parser_parse(&l.parser, &event)) {
			err = syntax_error(&l);
			break;
		}
		err = on_event(&l, &event);
		yaml_event_delete(&event);
	}
	lsvm_map_free(&l.anchors);
	yaml_parser_delete(&l.parser);
	return err;
}
