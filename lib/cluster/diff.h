/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the diff*.c files share. */
#ifndef LSVM_CLUSTER_DIFF_H
#define LSVM_CLUSTER_DIFF_H

#include "cluster/schema.h"

#define DIFF_SCRATCH_BYTES (4 * 1024 * 1024)

struct lsvm_change {
	enum lsvm_change_kind kind;
	const char *path, *old_value, *new_value;
	/* Of an item that came or went, while the difference is made. */
	const struct object *object;
};

struct lsvm_changes {
	struct arena arena;
	VEC(struct lsvm_change) list;
};

struct differ {
	struct lsvm_changes *changes;
	struct arena nodes, texts, scratch;
	struct tree tree;
	bool nomem;
};

struct lsvm_change *lsvm_differ_add(struct differ *d, enum lsvm_change_kind kind,
				    const char *path);
void lsvm_differ_object(struct differ *d, const struct object *a, const struct object *b,
			const char *path);
/* An item of a list; one of the two may be NULL. */
void lsvm_differ_item(struct differ *d, const struct object *a, const struct object *b,
		      const char *path);
/* diff_list.c: lists of objects, and what moved between them. */
void lsvm_differ_list(struct differ *d, struct list a, struct list b,
		      const struct object_type *type, const char *path);
void lsvm_differ_join_moves(struct differ *d);
/* What names an item in its list: its identity, else its place. */
const char *lsvm_differ_name(struct differ *d, const struct object *object);
const char *lsvm_differ_field(struct differ *d, const void *object,
			      const struct field *field);

#endif
