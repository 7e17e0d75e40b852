/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of changes, for readers. */
#include "base/json.h"
#include "cluster/diff.h"

#include <jansson.h>
#include <stdlib.h>

void lsvm_changes_free(struct lsvm_changes *changes)
{
	if (!changes)
		return;
	lsvm_arena_free(&changes->arena);
	vec_free(&changes->list);
	free(changes);
}

size_t lsvm_changes_count(const struct lsvm_changes *changes)
{
	return changes->list.count;
}

const struct lsvm_change *lsvm_changes_at(const struct lsvm_changes *changes,
					  size_t index)
{
	return index < changes->list.count ? &changes->list.items[index] : NULL;
}

int lsvm_change_kind(const struct lsvm_change *change)
{
	return (int)change->kind;
}

const char *lsvm_change_path(const struct lsvm_change *change)
{
	return change->path;
}

const char *lsvm_change_old(const struct lsvm_change *change)
{
	return change->old_value;
}

const char *lsvm_change_new(const struct lsvm_change *change)
{
	return change->new_value;
}

static int add_value(json_t *item, const char *key, const char *fragment)
{
	if (!fragment)
		return 0;
	return json_object_set_new(item, key,
				   json_loads(fragment, JSON_DECODE_ANY, NULL));
}

static json_t *change_to_json(const struct lsvm_change *change)
{
	json_t *item =
		json_pack("{s:s, s:s}", "kind", lsvm_change_kind_name((int)change->kind),
			  "path", change->path);

	if (item && (add_value(item, "old", change->old_value) < 0 ||
		     add_value(item, "new", change->new_value) < 0)) {
		json_decref(item);
		return NULL;
	}
	return item;
}

int lsvm_changes_to_json(const struct lsvm_changes *changes, char **ret)
{
	json_t *list = json_array(), *root;
	char *text = NULL;

	for (size_t i = 0; list && i < changes->list.count; i++)
		if (json_array_append_new(list, change_to_json(&changes->list.items[i])) <
		    0) {
			json_decref(list);
			list = NULL;
		}
	root = list ? json_pack("{s:s, s:o}", "schema", "lsvm-changes/1", "changes", list)
		    : NULL;
	if (root)
		text = lsvm_json_text(root, JSON_COMPACT);
	json_decref(root);
	if (!text)
		return LSVM_ERR_NOMEM;
	*ret = text;
	return 0;
}
