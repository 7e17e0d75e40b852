/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tree to YAML through libyaml's emitter. Small leaves stand on one line ([80, 443],
 * {name: eth0, network: front}), everything else in blocks; which of the two depends on
 * the content only, so that equal trees are equal bytes.
 */
#include "cluster/tree.h"

#include <strings.h>
#include <yaml.h>

#define COLUMNS_MAX 76

static int append(void *data, unsigned char *bytes, size_t length)
{
	struct buf *buf = data;

	lsvm_buf_add(buf, bytes, length);
	return !buf->failed;
}

/* What begins like a number and is none for any reader: an address, a subnet, a range of
 * ports. */
static bool is_no_number(const char *text)
{
	const char *dot = strchr(text, '.');
	size_t digits = strspn(text, "0123456789");

	if (strchr(text, ':') || !digits)
		return false;
	if (text[digits] == '-')
		return strspn(text + digits + 1, "0123456789") ==
		       strlen(text + digits + 1);
	return strchr(text, '/') || (dot && strchr(dot + 1, '.'));
}

/* Whether a reader of YAML 1.1 or 1.2 could take the bare text for something else. */
static bool needs_quotes(const char *text)
{
	static const char *const words[] = {
		"true", "false", "yes", "no",  "on",   "off",
		"null", "y",	 "n",	"nan", ".inf", ".nan"
	};

	if (!*text || (strchr("0123456789+-.~<=", *text) && !is_no_number(text)))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			return true;
	return false;
}

/* Columns on one line, or more than COLUMNS_MAX when it must not be there. */
static size_t width(const struct node *node, unsigned depth)
{
	size_t sum = node->key ? strlen(node->key) + 2 : 0;

	if (node->kind == NODE_SCALAR)
		return sum + strlen(node->text) + 2;
	if (depth == 0)
		return COLUMNS_MAX + 1;
	for (const struct node *child = node->first; child && sum <= COLUMNS_MAX;
	     child = child->next)
		sum += width(child, depth - 1) + 2;
	return sum + 2;
}

static bool fits(const struct node *node, bool in_list)
{
	if (!node->first)
		return true;
	/* A map of its own under a key is easier to read and to change as a block. */
	if (node->kind == NODE_MAP && !in_list)
		return false;
	return width(node, node->kind == NODE_MAP ? 4 : 2) <= COLUMNS_MAX;
}

static bool emit(yaml_emitter_t *emitter, yaml_event_t *event, int made)
{
	return made && yaml_emitter_emit(emitter, event);
}

static bool emit_text(yaml_emitter_t *emitter, const char *text, bool quoted)
{
	yaml_event_t event;

	return emit(emitter, &event,
		    yaml_scalar_event_initialize(&event, NULL, NULL,
						 (const yaml_char_t *)text,
						 (int)strlen(text), 1, 1,
						 quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
							: YAML_ANY_SCALAR_STYLE));
}

static bool emit_node(yaml_emitter_t *emitter, const struct node *node, bool in_list,
		      bool flow)
{
	bool map = node->kind == NODE_MAP;
	yaml_event_t event;
	int made;

	if (node->kind == NODE_SCALAR)
		return emit_text(emitter, node->text,
				 node->style == STYLE_STRING && needs_quotes(node->text));
	flow = flow || fits(node, in_list);
	if (map)
		made = yaml_mapping_start_event_initialize(
			&event, NULL, NULL, 1,
			flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE);
	else
		made = yaml_sequence_start_event_initialize(
			&event, NULL, NULL, 1,
			flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);
	if (!emit(emitter, &event, made))
		return false;
	for (const struct node *child = node->first; child; child = child->next) {
		if (map && !emit_text(emitter, child->key, false))
			return false;
		if (!emit_node(emitter, child, !map, flow))
			return false;
	}
	return emit(emitter, &event,
		    map ? yaml_mapping_end_event_initialize(&event)
			: yaml_sequence_end_event_initialize(&event));
}

static bool emit_document(yaml_emitter_t *emitter, const struct node *root)
{
	yaml_event_t event;

	return emit(emitter, &event,
		    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
	       emit(emitter, &event,
		    yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) &&
	       emit_node(emitter, root, false, false) &&
	       emit(emitter, &event, yaml_document_end_event_initialize(&event, 1)) &&
	       emit(emitter, &event, yaml_stream_end_event_initialize(&event));
}

int lsvm_tree_to_yaml(const struct node *root, struct buf *buf)
{
	yaml_emitter_t emitter;
	bool good;

	if (!yaml_emitter_initialize(&emitter))
		return LSVM_ERR_NOMEM;
	yaml_emitter_set_output(&emitter, append, buf);
	yaml_emitter_set_width(&emitter, -1);
	yaml_emitter_set_indent(&emitter, 2);
	yaml_emitter_set_unicode(&emitter, 1);
	good = emit_document(&emitter, root);
	yaml_emitter_delete(&emitter);
	return good && !buf->failed ? 0 : LSVM_ERR_NOMEM;
}
