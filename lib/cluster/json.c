/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON to tree and back; jansson reads and writes. Its values cost much more than the
 * bytes they came from, so that brackets and commas are counted before it sees them.
 */
#include "base/json.h"
#include "cluster/tree.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* How many values there can be at most, and how deep. */
static void survey(const char *bytes, size_t length, size_t *ret_count, size_t *ret_depth)
{
	size_t count = 1, depth = 0, deepest = 0;
	bool text = false;

	for (size_t i = 0; i < length; i++) {
		switch (bytes[i]) {
		case '\\':
			i += text;
			break;
		case '"':
			text = !text;
			break;
		case ',':
			count += !text;
			break;
		case '[':
		case '{':
			if (text)
				break;
			count++;
			if (++depth > deepest)
				deepest = depth;
			break;
		case ']':
		case '}':
			depth -= !text && depth;
			break;
		}
	}
	*ret_count = count;
	*ret_depth = deepest;
}

/* jansson may cut its sentence inside a character. */
static void make_ascii(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80 || (unsigned char)*text < ' ')
			*text = '?';
}

static struct node *convert(struct tree *tree, json_t *value);

static struct node *convert_children(struct tree *tree, json_t *value)
{
	bool map = json_is_object(value);
	struct node *node = lsvm_tree_node(tree, map ? NODE_MAP : NODE_LIST), *child;
	const char *key;
	json_t *item;
	size_t i;

	if (!node)
		return NULL;
	if (map) {
		json_object_foreach(value, key, item)
		{
			child = convert(tree, item);
			if (!child)
				return NULL;
			child->key = lsvm_tree_key(tree, key, strlen(key));
			if (!child->key)
				return NULL;
			lsvm_node_append(node, child);
		}
		return node;
	}
	json_array_foreach(value, i, item)
	{
		child = convert(tree, item);
		if (!child)
			return NULL;
		lsvm_node_append(node, child);
	}
	return node;
}

static struct node *convert(struct tree *tree, json_t *value)
{
	char text[64];

	switch (json_typeof(value)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		return convert_children(tree, value);
	case JSON_STRING:
		return lsvm_tree_scalar(tree, STYLE_STRING, json_string_value(value),
					json_string_length(value));
	case JSON_INTEGER:
		snprintf(text, sizeof(text), "%lld",
			 (long long)json_integer_value(value));
		break;
	case JSON_REAL:
		snprintf(text, sizeof(text), "%.17g", json_real_value(value));
		if (!strpbrk(text, ".e"))
			strcat(text, ".0"); /* never to be taken for a whole number */
		break;
	case JSON_TRUE:
		strcpy(text, "true");
		break;
	case JSON_FALSE:
		strcpy(text, "false");
		break;
	case JSON_NULL:
		strcpy(text, "null");
		break;
	}
	return lsvm_tree_scalar(tree, STYLE_PLAIN, text, strlen(text));
}

static int parse(struct tree *tree, const char *bytes, size_t length, json_error_t *error,
		 enum finding_code *ret_code, struct node **ret)
{
	size_t count, depth;
	json_t *value;

	*ret_code = FINDING_TOO_LARGE;
	error->line = error->column = -1;
	if (length > TREE_MAX_BYTES) {
		strcpy(error->text, "the document has more than 64 MiB");
		return LSVM_ERR_PARSE;
	}
	survey(bytes, length, &count, &depth);
	if (count > TREE_MAX_NODES) {
		strcpy(error->text, "the document has more than 4,194,304 values");
		return LSVM_ERR_PARSE;
	}
	if (depth > TREE_MAX_DEPTH) {
		*ret_code = FINDING_TOO_DEEP;
		strcpy(error->text, "lists and maps are nested more than 32 deep");
		return LSVM_ERR_PARSE;
	}
	*ret_code = FINDING_SYNTAX;
	value = json_loadb(bytes, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
			   error);
	if (!value) {
		make_ascii(error->text);
		return lsvm_json_ran_out(error) ? LSVM_ERR_NOMEM : LSVM_ERR_PARSE;
	}
	*ret = convert(tree, value);
	json_decref(value);
	return *ret ? 0 : LSVM_ERR_NOMEM;
}

int lsvm_tree_from_json(struct tree *tree, const char *bytes, size_t length,
			struct lsvm_findings *findings)
{
	enum finding_code code;
	json_error_t error;
	struct mark at = { 0 };
	int err = parse(tree, bytes, length, &error, &code, &tree->root);

	if (err != LSVM_ERR_PARSE)
		return err;
	if (error.line > 0)
		at.line = (uint32_t)error.line;
	if (error.line > 0 && error.column > 0)
		at.column = (uint32_t)error.column;
	lsvm_findings_add(findings, code, "", at, "JSON: %s", error.text);
	return LSVM_ERR_FINDINGS;
}

int lsvm_tree_json_fragment(struct tree *tree, struct lsvm_ctx *ctx, const char *json,
			    struct node **ret)
{
	enum finding_code code;
	json_error_t error;
	int err = parse(tree, json, strlen(json), &error, &code, ret);

	if (err == LSVM_ERR_PARSE)
		return lsvm_fail(ctx, err,
				 "the value is not JSON: %s; write text in quotes",
				 error.text);
	return err < 0 ? lsvm_fail_nomem(ctx) : 0;
}

static json_t *to_json(const struct node *node);

static json_t *plain_to_json(const struct node *node)
{
	const char *text = node->text, *digits = text + (*text == '-');

	if (strcmp(text, "true") == 0)
		return json_true();
	if (strcmp(text, "false") == 0)
		return json_false();
	if (strcmp(text, "null") == 0)
		return json_null();
	if (*digits && strspn(digits, "0123456789") == strlen(digits) &&
	    strlen(digits) < 19 && (*digits != '0' || !digits[1]))
		return json_integer(strtoll(text, NULL, 10));
	return json_string(text);
}

static json_t *children_to_json(const struct node *node, json_t *value)
{
	for (const struct node *child = node->first; value && child;
	     child = child->next) {
		json_t *item = to_json(child);
		int bad = node->kind == NODE_MAP
				  ? json_object_set_new(value, child->key, item)
				  : json_array_append_new(value, item);

		if (bad) {
			json_decref(value);
			return NULL;
		}
	}
	return value;
}

static json_t *to_json(const struct node *node)
{
	switch ((enum node_kind)node->kind) {
	case NODE_SCALAR:
		return node->style == STYLE_PLAIN ? plain_to_json(node)
						  : json_string(node->text);
	case NODE_LIST:
		return children_to_json(node, json_array());
	case NODE_MAP:
		return children_to_json(node, json_object());
	}
	return NULL;
}

int lsvm_tree_to_json(const struct node *root, const char *schema, char **ret)
{
	json_t *value = schema ? json_pack("{s:s}", "schema", schema) : NULL;
	char *text = NULL;

	if (!schema)
		value = to_json(root);
	else if (value)
		value = children_to_json(root, value);
	if (value)
		text = lsvm_json_text(value, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
	if (!text)
		return LSVM_ERR_NOMEM;
	*ret = text;
	return 0;
}
