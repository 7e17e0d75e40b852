/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that several plans hold, as one state: what is ours after applies cut short. */
#include "role/role.h"

#include <stdlib.h>

/* Appends `from`'s items that `to` lacks, where `find` looks one up by its name. */
#define APPEND_NEW(to, from, list, find)                                                 \
	for (size_t i = 0; i < (from)->list.count; i++) {                                \
		const typeof((from)->list.items[0]) *item = &(from)->list.items[i];      \
		typeof((to)->list.items) slot;                                           \
                                                                                         \
		if (find)                                                                \
			continue;                                                        \
		slot = vec_push(&(to)->list);                                            \
		if (!slot)                                                               \
			return false;                                                    \
		*slot = *item;                                                           \
	}

static int by_address(const void *a, const void *b)
{
	return lsvm_address_compare(a, b);
}

/* There may be very many: sorted, not searched. */
static bool append_addresses(struct state *to, const struct state *from)
{
	size_t kept = 0;

	APPEND_NEW(to, from, addresses, false);
	if (!to->addresses.count)
		return true;
	qsort(to->addresses.items, to->addresses.count, sizeof(*to->addresses.items),
	      by_address);
	for (size_t i = 1; i < to->addresses.count; i++)
		if (by_address(&to->addresses.items[kept], &to->addresses.items[i]) != 0)
			to->addresses.items[++kept] = to->addresses.items[i];
	to->addresses.count = kept + 1;
	return true;
}

static bool append(struct state *to, const struct state *from)
{
	APPEND_NEW(to, from, links, lsvm_state_link(to, item->name));
	APPEND_NEW(to, from, routes, lsvm_state_route(to, &item->destination));
	APPEND_NEW(to, from, sysctls, lsvm_state_sysctl(to, item->name));
	APPEND_NEW(to, from, files, lsvm_state_file(to, item->path));
	APPEND_NEW(to, from, units, lsvm_state_unit(to, item->name));
	return append_addresses(to, from);
}

/* ---- IPVS tables: two sorted lists into one ---- */

static bool push_destination(struct ipvs_service *service,
			     const struct ipvs_destination *destination)
{
	struct ipvs_destination *slot = lsvm_ipvs_service_push(service);

	if (!slot)
		return false;
	*slot = *destination;
	slot->counters = NULL;
	slot->extra = NULL;
	return true;
}

/* b may be NULL. */
static bool push_service(struct lsvm_ipvs_table *table, const struct ipvs_service *a,
			 const struct ipvs_service *b)
{
	struct ipvs_service *slot = lsvm_ipvs_table_push(table);
	size_t i = 0, j = 0;

	if (!slot)
		return false;
	*slot = *a;
	memset(&slot->destinations, 0, sizeof(slot->destinations));
	slot->counters = NULL;
	slot->extra = NULL;
	while (i < a->destinations.count || (b && j < b->destinations.count)) {
		int order = i == a->destinations.count ? 1
			    : !b || j == b->destinations.count
				    ? -1
				    : lsvm_ipvs_destination_compare(
					      &a->destinations.items[i],
					      &b->destinations.items[j]);

		if (!push_destination(slot, order <= 0 ? &a->destinations.items[i]
						       : &b->destinations.items[j]))
			return false;
		i += order <= 0;
		j += order >= 0;
	}
	return true;
}

static bool merge_services(struct lsvm_ipvs_table *table, const struct lsvm_ipvs_table *a,
			   const struct lsvm_ipvs_table *b)
{
	size_t i = 0, j = 0;

	while (i < a->services.count || j < b->services.count) {
		const struct ipvs_service *left = &a->services.items[i];
		const struct ipvs_service *right = &b->services.items[j];
		int order = i == a->services.count ? 1
			    : j == b->services.count
				    ? -1
				    : lsvm_ipvs_key_compare(&left->key, &right->key);

		if (!push_service(table, order <= 0 ? left : right,
				  order == 0 ? right : NULL))
			return false;
		i += order <= 0;
		j += order >= 0;
	}
	return true;
}

/* Gives a table to unref; a and b may be NULL, and so may be the result. */
static int union_tables(struct lsvm_ctx *ctx, struct lsvm_ipvs_table *a,
			struct lsvm_ipvs_table *b, struct lsvm_ipvs_table **ret)
{
	struct lsvm_ipvs_table *table;
	int err;

	if (!a || !b) {
		*ret = a || b ? lsvm_ipvs_table_ref(a ? a : b) : NULL;
		return 0;
	}
	err = lsvm_ipvs_table_alloc(ctx, &table);
	if (err < 0)
		return err;
	table->timeouts = a->timeouts;
	table->master = a->master.present ? a->master : b->master;
	table->backup = a->backup.present ? a->backup : b->backup;
	err = merge_services(table, a, b) ? lsvm_ipvs_table_seal(table)
					  : lsvm_fail_nomem(ctx);
	if (err < 0) {
		lsvm_ipvs_table_unref(table);
		return err;
	}
	*ret = table;
	return 0;
}

int lsvm_role_drop_hidden(struct lsvm_host *host, const struct state *present,
			  struct state *wanted)
{
	static const char of_ip_vs[] = "net.ipv4.vs.";
	struct sysctl *items = wanted->sysctls.items;
	struct ipvs_info info = { 0 };
	size_t kept = 0;
	int err = present->ipvs ? host->ops->ipvs_info(host, &info) : 0;

	if (err < 0 || !info.older)
		return err;
	for (size_t i = 0; i < wanted->sysctls.count; i++)
		if (strncmp(items[i].name, of_ip_vs, strlen(of_ip_vs)) != 0 ||
		    lsvm_state_sysctl(present, items[i].name))
			items[kept++] = items[i];
	wanted->sysctls.count = kept;
	return 0;
}

int lsvm_state_union(struct lsvm_ctx *ctx, struct lsvm_plan *const *plans, size_t count,
		     struct state **ret)
{
	struct lsvm_ipvs_table *table;
	struct state *state;
	int err = lsvm_state_new(ctx, &state);

	if (err < 0)
		return err;
	for (size_t i = 0; i < count && err >= 0; i++) {
		if (!append(state, plans[i]->wanted)) {
			err = lsvm_fail_nomem(ctx);
			break;
		}
		err = union_tables(ctx, state->ipvs, plans[i]->wanted->ipvs, &table);
		if (err < 0)
			break;
		lsvm_ipvs_table_unref(state->ipvs);
		state->ipvs = table;
	}
	if (err < 0) {
		lsvm_state_free(state);
		return err;
	}
	*ret = state;
	return 0;
}
