/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The edits that operators make every day: servers of partitions, domains of VIPs. VIPs
 * and domains are found through maps, so that a hundred thousand domains can be added one
 * by one.
 */
#include "cluster/draft.h"

#include <stdio.h>

/* ---- lists of the tree ---- */

static struct node *list_of(const struct node *map, const char *key)
{
	struct node *list = lsvm_node_child(map, key);

	return list && list->kind != NODE_SCALAR ? list : NULL;
}

/*
 * The list under the key, or NULL. One scalar becomes a list of it; with `create` a list
 * is made where there is none.
 */
static int get_list(struct lsvm_draft *draft, struct node *map, const char *key,
		    bool create, struct node **ret)
{
	struct node *list = lsvm_node_child(map, key), *item;

	if (list && list->kind == NODE_MAP)
		return lsvm_fail(draft->ctx, LSVM_ERR_STATE,
				 "%s is not a list in the draft; set it to one", key);
	if (list && list->kind == NODE_SCALAR) {
		item = lsvm_tree_node(&draft->tree, NODE_SCALAR);
		if (!item)
			return lsvm_fail_nomem(draft->ctx);
		item->style = list->style;
		item->text = list->text;
		list->kind = NODE_LIST;
		list->first = list->last = item;
	}
	if (!list && create) {
		list = lsvm_tree_node(&draft->tree, NODE_LIST);
		if (!list)
			return lsvm_fail_nomem(draft->ctx);
		list->key = key;
		lsvm_node_append(map, list);
	}
	*ret = list;
	return 0;
}

static struct node *item_named(const struct node *list, const char *key, const char *name)
{
	if (!list || list->kind == NODE_SCALAR)
		return NULL;
	for (struct node *item = list->first; item; item = item->next) {
		const char *text = lsvm_node_primary(item, key);

		if (text && strcmp(text, name) == 0)
			return item;
	}
	return NULL;
}

static struct node *new_string(struct lsvm_draft *draft, const char *key,
			       const char *text)
{
	struct node *node =
		lsvm_tree_scalar(&draft->tree, STYLE_STRING, text, strlen(text));

	if (node)
		node->key = key;
	return node;
}

/* ---- servers ---- */

static int find_partition(struct lsvm_draft *draft, const char *name, struct node **ret)
{
	struct node *partition =
		item_named(lsvm_node_child(draft->tree.root, "partitions"), "name", name);

	if (!partition || partition->kind != NODE_MAP)
		return lsvm_fail(draft->ctx, LSVM_ERR_NOT_FOUND,
				 "there is no partition \"%.200s\"; add it first", name);
	*ret = partition;
	return 0;
}

static int check_declared(struct lsvm_draft *draft, const char *server)
{
	if (item_named(lsvm_node_child(draft->tree.root, "servers"), "name", server))
		return 0;
	return lsvm_fail(draft->ctx, LSVM_ERR_NOT_FOUND,
			 "there is no server \"%.200s\"; add it under servers first",
			 server);
}

static int is_member_already(struct lsvm_draft *draft, const char *server,
			     const char *partition)
{
	return lsvm_fail(draft->ctx, LSVM_ERR_EXISTS,
			 "server \"%.200s\" is in partition \"%.200s\" already; set its "
			 "weight instead",
			 server, partition);
}

static int is_no_member(struct lsvm_draft *draft, const char *server,
			const char *partition)
{
	return lsvm_fail(draft->ctx, LSVM_ERR_NOT_FOUND,
			 "server \"%.200s\" is not in partition \"%.200s\"; nothing was "
			 "changed",
			 server, partition);
}

static struct node *new_member(struct lsvm_draft *draft, const char *server,
			       uint32_t weight)
{
	struct node *member, *name, *number;
	char text[16];

	if (weight == 1)
		return new_string(draft, NULL, server);
	snprintf(text, sizeof(text), "%u", weight);
	member = lsvm_tree_node(&draft->tree, NODE_MAP);
	name = new_string(draft, "server", server);
	number = lsvm_tree_scalar(&draft->tree, STYLE_PLAIN, text, strlen(text));
	if (!member || !name || !number)
		return NULL;
	number->key = "weight";
	lsvm_node_append(member, name);
	lsvm_node_append(member, number);
	return member;
}

int lsvm_draft_add_server(struct lsvm_draft *draft, const char *partition,
			  const char *server, uint32_t weight)
{
	struct node *in = NULL, *list = NULL, *member;
	int err = find_partition(draft, partition, &in);

	if (err >= 0)
		err = check_declared(draft, server);
	if (err < 0)
		return err;
	if (weight > 65535)
		return lsvm_fail(draft->ctx, LSVM_ERR_RANGE,
				 "the weight is %u; choose one from 0 to 65535", weight);
	err = get_list(draft, in, "servers", true, &list);
	if (err < 0)
		return err;
	if (item_named(list, "server", server))
		return is_member_already(draft, server, partition);
	member = new_member(draft, server, weight);
	if (!member)
		return lsvm_fail_nomem(draft->ctx);
	lsvm_node_append(list, member);
	return 0;
}

int lsvm_draft_remove_server(struct lsvm_draft *draft, const char *partition,
			     const char *server)
{
	struct node *in = NULL, *list = NULL, *member;
	int err = find_partition(draft, partition, &in);

	if (err >= 0)
		err = get_list(draft, in, "servers", false, &list);
	if (err < 0)
		return err;
	member = item_named(list, "server", server);
	if (!member)
		return is_no_member(draft, server, partition);
	lsvm_node_unlink(list, member);
	return 0;
}

int lsvm_draft_move_server(struct lsvm_draft *draft, const char *server, const char *from,
			   const char *to)
{
	struct node *out_of = NULL, *into = NULL, *old_list = NULL, *new_list = NULL;
	struct node *member;
	int err = find_partition(draft, from, &out_of);

	if (err >= 0)
		err = find_partition(draft, to, &into);
	if (err >= 0)
		err = get_list(draft, out_of, "servers", false, &old_list);
	if (err >= 0)
		err = get_list(draft, into, "servers", false, &new_list);
	if (err < 0)
		return err;
	member = item_named(old_list, "server", server);
	if (!member)
		return is_no_member(draft, server, from);
	if (item_named(new_list, "server", server))
		return is_member_already(draft, server, to);
	err = get_list(draft, into, "servers", true, &new_list);
	if (err < 0)
		return err;
	lsvm_node_unlink(old_list, member);
	lsvm_node_append(new_list, member);
	return 0;
}

/* ---- domains ---- */

static int put_place(struct lsvm_draft *draft, struct map *map, const char *name,
		     struct node *list, struct node *node)
{
	struct place *place = lsvm_map_find(map, name);
	int err;

	if (place && place->node)
		return 0; /* the first one counts; freezing complains */
	if (!place) {
		place = lsvm_arena_alloc(&draft->nodes, sizeof(*place));
		if (!place)
			return LSVM_ERR_NOMEM;
		err = lsvm_map_put(map, name, strlen(name), place, NULL);
		if (err < 0)
			return err;
	}
	*place = (struct place){ .list = list, .node = node };
	return 0;
}

/* A domain may stand on several VIPs. */
static int put_domain(struct lsvm_draft *draft, const char *name,
		      const struct place *place)
{
	struct place *head = lsvm_map_find(&draft->domains, name);
	struct place *copy, *rest = head ? head->next : NULL;

	if (head && !head->node) { /* it was removed */
		*head = *place;
		head->next = rest;
		return 0;
	}
	copy = lsvm_arena_alloc(&draft->nodes, sizeof(*copy));
	if (!copy)
		return LSVM_ERR_NOMEM;
	*copy = *place;
	if (!head)
		return lsvm_map_put(&draft->domains, name, strlen(name), copy, NULL);
	copy->next = rest;
	head->next = copy;
	return 0;
}

static int index_vip(struct lsvm_draft *draft, struct node *list, struct node *vip)
{
	const char *address = lsvm_node_primary(vip, "address");
	const char *name = lsvm_node_primary(vip, "name");
	struct node *domains;
	int err = 0;

	if (address)
		err = put_place(draft, &draft->vips, address, list, vip);
	if (err >= 0 && name)
		err = put_place(draft, &draft->vips, name, list, vip);
	domains = list_of(vip, "domains");
	for (struct node *item = domains ? domains->first : NULL; item && err >= 0;
	     item = item->next) {
		name = lsvm_node_primary(item, "name");
		if (name)
			err = put_domain(draft, name,
					 &(struct place){ domains, item, vip, list });
	}
	return err;
}

static int index_draft(struct lsvm_draft *draft)
{
	struct node *partitions = list_of(draft->tree.root, "partitions");
	int err = 0;

	if (draft->indexed)
		return 0;
	for (struct node *partition = partitions ? partitions->first : NULL; partition;
	     partition = partition->next) {
		struct node *vips = list_of(partition, "vips");

		for (struct node *vip = vips ? vips->first : NULL; vip && err >= 0;
		     vip = vip->next)
			err = index_vip(draft, vips, vip);
	}
	if (err < 0) {
		lsvm_draft_forget(draft);
		return lsvm_fail_nomem(draft->ctx);
	}
	draft->indexed = true;
	return 0;
}

/* Its pages lie on the servers of one partition. */
static int check_free(struct lsvm_draft *draft, const char *domain,
		      const struct place *vip)
{
	const struct place *place = lsvm_map_find(&draft->domains, domain);

	for (; place; place = place->next) {
		if (!place->node)
			continue;
		if (place->vip == vip->node)
			return lsvm_fail(draft->ctx, LSVM_ERR_EXISTS,
					 "the VIP has a domain \"%.200s\" already; "
					 "nothing was added",
					 domain);
		if (place->vips != vip->list)
			return lsvm_fail(draft->ctx, LSVM_ERR_EXISTS,
					 "another partition has a domain \"%.200s\" "
					 "already; remove it first",
					 domain);
	}
	return 0;
}

int lsvm_draft_add_domain(struct lsvm_draft *draft, const char *vip, const char *domain)
{
	const struct place *place;
	struct node *on, *list = NULL, *item;
	int err = index_draft(draft);

	if (err < 0)
		return err;
	place = lsvm_map_find(&draft->vips, vip);
	if (!place)
		return lsvm_fail(draft->ctx, LSVM_ERR_NOT_FOUND,
				 "there is no VIP \"%.200s\"; add it first", vip);
	on = place->node;
	err = check_free(draft, domain, place);
	if (err < 0)
		return err;
	if (on->kind == NODE_SCALAR) { /* the address alone */
		item = new_string(draft, "address", on->text);
		if (!item)
			return lsvm_fail_nomem(draft->ctx);
		on->kind = NODE_MAP;
		on->first = on->last = item;
	}
	err = get_list(draft, on, "domains", true, &list);
	if (err < 0)
		return err;
	item = new_string(draft, NULL, domain);
	if (!item || put_domain(draft, item->text,
				&(struct place){ list, item, on, place->list }) < 0)
		return lsvm_fail_nomem(draft->ctx);
	lsvm_node_append(list, item);
	return 0;
}

int lsvm_draft_remove_domain(struct lsvm_draft *draft, const char *domain)
{
	struct place *place;
	bool removed = false;
	int err = index_draft(draft);

	if (err < 0)
		return err;
	place = lsvm_map_find(&draft->domains, domain);
	for (; place; place = place->next) {
		if (!place->node)
			continue;
		lsvm_node_unlink(place->list, place->node);
		place->node = NULL;
		removed = true;
	}
	if (!removed)
		return lsvm_fail(draft->ctx, LSVM_ERR_NOT_FOUND,
				 "there is no domain \"%.200s\"; nothing was removed",
				 domain);
	return 0;
}
