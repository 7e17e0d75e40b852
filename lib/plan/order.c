/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The canonical order of what a machine holds. Each comparison covers the name of the
 * thing, not its value: two that compare equal are the same thing.
 */
#include "plan/plan.h"

#include <stdlib.h>

int lsvm_link_compare(const struct link *a, const struct link *b)
{
	return strcmp(a->name, b->name);
}

int lsvm_address_compare(const struct address *a, const struct address *b)
{
	int order = lsvm_prefix_compare(&a->prefix, &b->prefix);

	return order ? order : strcmp(a->interface, b->interface);
}

int lsvm_route_compare(const struct route *a, const struct route *b)
{
	return lsvm_prefix_compare(&a->destination, &b->destination);
}

int lsvm_sysctl_compare(const struct sysctl *a, const struct sysctl *b)
{
	return strcmp(a->name, b->name);
}

int lsvm_file_compare(const struct file *a, const struct file *b)
{
	return strcmp(a->path, b->path);
}

int lsvm_unit_compare(const struct unit *a, const struct unit *b)
{
	return strcmp(a->name, b->name);
}

typedef int (*compare_fn)(const void *, const void *);

/* Sorts and answers the first item that is there twice, or NULL. */
static const void *sort(void *items, size_t count, size_t size, compare_fn compare)
{
	const char *item = items;
	bool sorted = true;

	for (size_t i = 1; i < count && sorted; i++)
		sorted = compare(item + (i - 1) * size, item + i * size) < 0;
	if (sorted)
		return NULL;
	qsort(items, count, size, compare);
	for (size_t i = 1; i < count; i++)
		if (compare(item + (i - 1) * size, item + i * size) == 0)
			return item + i * size;
	return NULL;
}

#define SORT(vec, compare)                                                               \
	sort((vec)->items, (vec)->count, sizeof(*(vec)->items), (compare_fn)compare)

static int twice(struct lsvm_plan *plan, const char *what, const char *name)
{
	return lsvm_fail(plan->ctx, LSVM_ERR_EXISTS,
			 "the plan of '%s' has the %s '%s' twice; leave one out",
			 plan->machine, what, name);
}

int lsvm_plan_seal(struct lsvm_plan *plan)
{
	struct state *state = plan->wanted;
	char text[LSVM_ADDRESS_TEXT_BYTES];
	const void *found;

	if ((found = SORT(&state->links, lsvm_link_compare)))
		return twice(plan, "link", ((const struct link *)found)->name);
	if ((found = SORT(&state->addresses, lsvm_address_compare)))
		return twice(
			plan, "address",
			lsvm_prefix_text(&((const struct address *)found)->prefix, text));
	if ((found = SORT(&state->routes, lsvm_route_compare)))
		return twice(plan, "route",
			     lsvm_prefix_text(&((const struct route *)found)->destination,
					      text));
	if ((found = SORT(&state->sysctls, lsvm_sysctl_compare)))
		return twice(plan, "sysctl", ((const struct sysctl *)found)->name);
	if ((found = SORT(&state->files, lsvm_file_compare)))
		return twice(plan, "file", ((const struct file *)found)->path);
	if ((found = SORT(&state->units, lsvm_unit_compare)))
		return twice(plan, "unit", ((const struct unit *)found)->name);
	return state->ipvs ? lsvm_ipvs_table_seal(state->ipvs) : 0;
}
