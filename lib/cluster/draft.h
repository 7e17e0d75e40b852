/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cluster being edited: a tree of what is written, and where things are in it. */
#ifndef LSVM_CLUSTER_DRAFT_H
#define LSVM_CLUSTER_DRAFT_H

#include "cluster/schema.h"

/* Where an item stands, or stood: node is NULL once it is removed. */
struct place {
	struct node *list, *node;
	const struct node *vip, *vips; /* of a domain: on which, in which partition's */
	struct place *next;	       /* of a domain: on another VIP */
};

struct lsvm_draft {
	struct lsvm_ctx *ctx;
	struct arena nodes, texts;
	struct tree tree; /* its root is a map */
	/* Built when first needed, dropped when an edit by path may have changed them. */
	struct map vips, domains; /* name -> struct place */
	bool indexed;
};

/* One step of a path; what it names may be absent. */
struct spot {
	struct node *parent;		/* map or list that holds it */
	struct node *node;		/* NULL: not there */
	const struct object_type *type; /* of the object there, NULL when it is none */
	const struct field *field;	/* of the list or value there */
	const char *group;		/* inside a group of fields */
	const char *key;		/* in a map: in the tree's texts */
	bool append;			/* "-" or the place behind the last item */
};

/* Finds what the path names; only the last step may be absent. */
int lsvm_draft_find(struct lsvm_draft *draft, const char *path, struct spot *ret);
/* The text of the item's primary key, whether it is a scalar or a map; NULL: none. */
const char *lsvm_node_primary(const struct node *item, const char *key);
void lsvm_draft_forget(struct lsvm_draft *draft);

#endif
