/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public face of change.c: changes that keep their tables alive. */
#include "base/json.h"
#include "ipvs/table.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct lsvm_ipvs_changes {
	struct lsvm_ctx *ctx;
	struct lsvm_ipvs_table *present, *wanted;
	struct ipvs_changes changes;
};

int lsvm_ipvs_diff(struct lsvm_ctx *ctx, struct lsvm_ipvs_table *present,
		   struct lsvm_ipvs_table *wanted, struct lsvm_ipvs_changes **ret)
{
	struct lsvm_ipvs_changes *made = calloc(1, sizeof(*made));
	int err;

	if (!made)
		return lsvm_fail_nomem(ctx);
	err = lsvm_ipvs_changes_compute(ctx, present, present, wanted, &made->changes);
	if (err) {
		free(made);
		return err;
	}
	made->ctx = lsvm_ctx_ref(ctx);
	made->present = lsvm_ipvs_table_ref(present);
	made->wanted = lsvm_ipvs_table_ref(wanted);
	*ret = made;
	return 0;
}

void lsvm_ipvs_changes_free(struct lsvm_ipvs_changes *changes)
{
	if (!changes)
		return;
	lsvm_ipvs_changes_clear(&changes->changes);
	lsvm_ipvs_table_unref(changes->present);
	lsvm_ipvs_table_unref(changes->wanted);
	lsvm_ctx_unref(changes->ctx);
	free(changes);
}

size_t lsvm_ipvs_changes_count(const struct lsvm_ipvs_changes *changes)
{
	return changes->changes.list.count;
}

const char *lsvm_ipvs_changes_text(const struct lsvm_ipvs_changes *changes, size_t index,
				   char *buf, size_t size)
{
	struct buf text = { 0 };

	if (!size)
		return buf;
	if (index < changes->changes.list.count)
		lsvm_ipvs_change_text(&changes->changes.list.items[index], &text);
	snprintf(buf, size, "%s", text.data ? text.data : "");
	lsvm_buf_free(&text);
	return buf;
}

int lsvm_ipvs_changes_to_json(const struct lsvm_ipvs_changes *changes, char **ret)
{
	json_t *root =
		json_pack("{s:s, s:[]}", "schema", "lsvm-ipvs-changes/1", "changes");
	json_t *list = json_object_get(root, "changes");
	char *text = NULL;
	bool failed = !root;

	for (size_t i = 0; i < changes->changes.list.count && !failed; i++) {
		struct buf line = { 0 };

		lsvm_ipvs_change_text(&changes->changes.list.items[i], &line);
		failed = line.failed ||
			 json_array_append_new(list, json_string(line.data)) != 0;
		lsvm_buf_free(&line);
	}
	if (!failed)
		text = lsvm_json_text(root, JSON_COMPACT);
	json_decref(root);
	if (!text)
		return lsvm_fail_nomem(changes->ctx);
	*ret = text;
	return 0;
}
