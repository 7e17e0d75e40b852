/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From what a machine has to what it should have, in an order that hurts nobody:
 *
 *   links, sysctls, files    nobody notices them yet; ARP is tamed before a server has a
 *                            VIP, a tunnel's rp_filter is set when the tunnel is there
 *   IPVS: adds and edits     the table behind a VIP is complete ...
 *   units that run once      ... and its packets are marked ...
 *   addresses, routes        ... before a director answers for it
 *   units                    a web server can bind to its addresses by now
 *   units that stop
 *   addresses off            a director gives a VIP up before its table goes
 *   routes off
 *   IPVS: removals
 *   the rest off
 *
 * Everything that is compared is sorted first (a plan is already), so that the cost is
 * that of reading the three states.
 */
#include "plan/plan.h"

#include <stdlib.h>

typedef int (*compare_fn)(const void *, const void *);

/* Sorted pointers to the items of one list. */
struct index {
	const void **items;
	size_t count;
	compare_fn compare;
};

struct maker {
	struct step spare; /* written when memory ran out; never read: err is set */
	struct lsvm_ctx *ctx;
	const struct state *present, *owned, *wanted;
	struct lsvm_steps *steps;
	struct arena arena; /* the indexes */
	struct map written; /* paths of files that are written by a step */
	struct ipvs_changes changes;
	size_t changes_done;
	VEC(const struct link *) remade; /* links that are deleted and made again */
	int err; /* the first failure; nothing is added after it */
};

static const struct state nothing;

static void nomem(struct maker *maker)
{
	if (!maker->err)
		maker->err = lsvm_fail_nomem(maker->ctx);
}

static struct step *add_step(struct maker *maker, enum step_kind kind)
{
	struct step *step = maker->err ? NULL : vec_push(&maker->steps->list);

	if (!step) {
		nomem(maker);
		return &maker->spare;
	}
	step->kind = kind;
	return step;
}

/* ---- indexes ---- */

static int compare_pointers(const void *a, const void *b, void *compare)
{
	return ((struct index *)compare)
		->compare(*(const void *const *)a, *(const void *const *)b);
}

static struct index make_index(struct maker *maker, const void *items, size_t count,
			       size_t size, compare_fn compare)
{
	struct index index = { .compare = compare };
	bool sorted = true;

	index.items = lsvm_arena_array(&maker->arena, count ? count : 1, sizeof(void *));
	if (!index.items) {
		nomem(maker);
		return index;
	}
	index.count = count;
	for (size_t i = 0; i < count; i++) {
		index.items[i] = (const char *)items + i * size;
		if (i && sorted)
			sorted = compare(index.items[i - 1], index.items[i]) <= 0;
	}
	if (!sorted)
		qsort_r(index.items, count, sizeof(void *), compare_pointers, &index);
	return index;
}

#define INDEX(maker, vec, compare)                                                       \
	make_index(maker, (vec)->items, (vec)->count, sizeof(*(vec)->items),             \
		   (compare_fn)compare)

static const void *find(const struct index *index, const void *item)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = index->compare(item, index->items[middle]);

		if (order == 0)
			return index->items[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* ---- links ---- */

static bool is_tunnel(enum link_kind kind)
{
	return kind > LINK_PRESENT;
}

static bool is_remade(const struct maker *maker, const char *name)
{
	for (size_t i = 0; i < maker->remade.count; i++)
		if (strcmp(maker->remade.items[i]->name, name) == 0)
			return true;
	return false;
}

static void remake_link(struct maker *maker, const struct link *have,
			const struct link *want)
{
	const struct link **item;

	if (!is_tunnel(have->kind)) {
		if (!maker->err)
			maker->err = lsvm_fail(maker->ctx, LSVM_ERR_CONFLICT,
					       "interface '%s' should be a tunnel but is "
					       "something else; "
					       "rename it and apply again",
					       want->name);
		return;
	}
	item = vec_push(&maker->remade);
	if (!item) {
		nomem(maker);
		return;
	}
	*item = want;
	add_step(maker, STEP_LINK_DELETE)->link = have;
	add_step(maker, STEP_LINK_ADD)->link = want;
}

static void links_on(struct maker *maker)
{
	struct index present = INDEX(maker, &maker->present->links, lsvm_link_compare);

	for (size_t i = 0; i < maker->wanted->links.count; i++) {
		const struct link *want = &maker->wanted->links.items[i];
		const struct link *have = find(&present, want);

		if (!have)
			add_step(maker,
				 is_tunnel(want->kind) ? STEP_LINK_ADD : STEP_LINK_CHANGE)
				->link = want;
		else if (is_tunnel(want->kind) &&
			 (have->kind != want->kind || have->port != want->port ||
			  have->checksum != want->checksum ||
			  lsvm_addr_compare(&have->local, &want->local) != 0))
			remake_link(maker, have, want);
		else if (have->down || (want->mtu && have->mtu != want->mtu))
			add_step(maker, STEP_LINK_CHANGE)->link = want;
	}
}

/* A network card that is no longer mentioned stays as it is. */
static void links_off(struct maker *maker)
{
	struct index present = INDEX(maker, &maker->present->links, lsvm_link_compare);
	struct index wanted = INDEX(maker, &maker->wanted->links, lsvm_link_compare);

	for (size_t i = 0; i < maker->owned->links.count; i++) {
		const struct link *had = &maker->owned->links.items[i];
		const struct link *have = find(&present, had);

		if (is_tunnel(had->kind) && have && is_tunnel(have->kind) &&
		    !find(&wanted, had))
			add_step(maker, STEP_LINK_DELETE)->link = have;
	}
}

/* ---- sysctls ---- */

/* Whether the setting is one of a link that is made anew, and is lost with the old one.
 */
static bool is_of_remade(const struct maker *maker, const char *name)
{
	for (size_t i = 0; i < maker->remade.count; i++) {
		const char *at = strstr(name, maker->remade.items[i]->name);
		size_t length = strlen(maker->remade.items[i]->name);

		if (at && at > name && at[-1] == '.' && at[length] == '.')
			return true;
	}
	return false;
}

/* One that is no longer wanted keeps its value: nobody knows what it was before. */
static void sysctls_on(struct maker *maker)
{
	struct index present =
		INDEX(maker, &maker->present->sysctls, lsvm_sysctl_compare);

	for (size_t i = 0; i < maker->wanted->sysctls.count; i++) {
		const struct sysctl *want = &maker->wanted->sysctls.items[i];
		const struct sysctl *have = find(&present, want);

		if (!have || !have->value ||
		    !lsvm_sysctl_equal(have->value, want->value) ||
		    is_of_remade(maker, want->name))
			add_step(maker, STEP_SYSCTL_SET)->sysctl = want;
	}
}

/* ---- files ---- */

static bool same_bytes(const struct file *a, const struct file *b)
{
	return a->content && b->content && a->length == b->length &&
	       memcmp(a->content, b->content, a->length) == 0;
}

static void mark_written(struct maker *maker, const struct file *file)
{
	if (lsvm_map_put(&maker->written, file->path, strlen(file->path), (void *)file,
			 NULL) == LSVM_ERR_NOMEM)
		nomem(maker);
}

static void files_on(struct maker *maker)
{
	struct index present = INDEX(maker, &maker->present->files, lsvm_file_compare);
	struct index owned = INDEX(maker, &maker->owned->files, lsvm_file_compare);

	for (size_t i = 0; i < maker->wanted->files.count; i++) {
		const struct file *want = &maker->wanted->files.items[i];
		const struct file *have = find(&present, want);
		const struct file *had = find(&owned, want);
		bool same = have && same_bytes(have, want);

		if (!same || have->mode != want->mode)
			add_step(maker, STEP_FILE_WRITE)->file = want;
		if (!same || (had && !same_bytes(had, want)))
			mark_written(maker, want);
	}
}

static void files_off(struct maker *maker)
{
	struct index present = INDEX(maker, &maker->present->files, lsvm_file_compare);
	struct index wanted = INDEX(maker, &maker->wanted->files, lsvm_file_compare);

	for (size_t i = 0; i < maker->owned->files.count; i++) {
		const struct file *had = &maker->owned->files.items[i];
		const struct file *have = find(&present, had);

		if (have && have->content && !find(&wanted, had))
			add_step(maker, STEP_FILE_DELETE)->file = have;
	}
}

/* ---- units ---- */

static bool same_words(const char *const *a, const char *const *b)
{
	if (!a || !b)
		return !a && !b;
	while (*a && *b && strcmp(*a, *b) == 0)
		a++, b++;
	return !*a && !*b;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Started the same way: what runs can go on. */
static bool same_unit(const struct unit *a, const struct unit *b)
{
	return same_text(a->pid_file, b->pid_file) && same_words(a->start, b->start);
}

static bool files_changed(const struct maker *maker, const struct unit *unit)
{
	for (const char *const *file = unit->files; file && *file; file++)
		if (lsvm_map_find(&maker->written, *file))
			return true;
	return false;
}

static void unit_on(struct maker *maker, const struct unit *want, const struct unit *have,
		    const struct unit *had)
{
	bool running = have && have->running;

	if (running && had && !same_unit(had, want)) {
		if (had->stop)
			add_step(maker, STEP_UNIT_STOP)->unit = had;
		running = false;
	}
	if (!running)
		add_step(maker, STEP_UNIT_START)->unit = want;
	else if (files_changed(maker, want))
		add_step(maker, want->reload ? STEP_UNIT_RELOAD : STEP_UNIT_START)->unit =
			want;
}

static void units_on(struct maker *maker, bool once)
{
	struct index present = INDEX(maker, &maker->present->units, lsvm_unit_compare);
	struct index owned = INDEX(maker, &maker->owned->units, lsvm_unit_compare);

	for (size_t i = 0; i < maker->wanted->units.count; i++) {
		const struct unit *want = &maker->wanted->units.items[i];

		if (!want->pid_file == once)
			unit_on(maker, want, find(&present, want), find(&owned, want));
	}
}

static void units_off(struct maker *maker, bool once)
{
	struct index present = INDEX(maker, &maker->present->units, lsvm_unit_compare);
	struct index wanted = INDEX(maker, &maker->wanted->units, lsvm_unit_compare);

	for (size_t i = 0; i < maker->owned->units.count; i++) {
		const struct unit *had = &maker->owned->units.items[i];
		const struct unit *have = find(&present, had);

		if (!had->pid_file == once && have && have->running && had->stop &&
		    !find(&wanted, had))
			add_step(maker, STEP_UNIT_STOP)->unit = had;
	}
}

/* ---- addresses and routes ---- */

static void addresses_on(struct maker *maker)
{
	struct index present =
		INDEX(maker, &maker->present->addresses, lsvm_address_compare);

	for (size_t i = 0; i < maker->wanted->addresses.count; i++) {
		const struct address *want = &maker->wanted->addresses.items[i];

		if (!find(&present, want) || is_remade(maker, want->interface))
			add_step(maker, STEP_ADDRESS_ADD)->address = want;
	}
}

/* An address with its subnet is the machine's own. Who resets a machine over the network
 * wants to reach it afterwards. */
bool lsvm_address_is_own(const struct address *address)
{
	return address->prefix.length < lsvm_addr_bits(&address->prefix.addr);
}

static void addresses_off(struct maker *maker)
{
	struct index present =
		INDEX(maker, &maker->present->addresses, lsvm_address_compare);
	struct index wanted =
		INDEX(maker, &maker->wanted->addresses, lsvm_address_compare);

	for (size_t i = 0; i < maker->owned->addresses.count; i++) {
		const struct address *had = &maker->owned->addresses.items[i];
		const struct address *have = find(&present, had);

		if (have && !lsvm_address_is_own(had) && !find(&wanted, had) &&
		    !is_remade(maker, had->interface))
			add_step(maker, STEP_ADDRESS_DELETE)->address = have;
	}
}

static bool same_route(const struct route *a, const struct route *b)
{
	return lsvm_addr_compare(&a->via, &b->via) == 0 &&
	       strcmp(a->interface, b->interface) == 0;
}

static void routes_on(struct maker *maker)
{
	struct index present = INDEX(maker, &maker->present->routes, lsvm_route_compare);

	for (size_t i = 0; i < maker->wanted->routes.count; i++) {
		const struct route *want = &maker->wanted->routes.items[i];
		const struct route *have = find(&present, want);

		if (!have || !same_route(have, want) || is_remade(maker, want->interface))
			add_step(maker, STEP_ROUTE_SET)->route = want;
	}
}

/* A default route is replaced, never removed: who works over the network would lock
 * himself out. */
static void routes_off(struct maker *maker)
{
	struct index present = INDEX(maker, &maker->present->routes, lsvm_route_compare);
	struct index wanted = INDEX(maker, &maker->wanted->routes, lsvm_route_compare);

	for (size_t i = 0; i < maker->owned->routes.count; i++) {
		const struct route *had = &maker->owned->routes.items[i];
		const struct route *have = find(&present, had);

		if (had->destination.length && have && same_route(have, had) &&
		    !find(&wanted, had))
			add_step(maker, STEP_ROUTE_DELETE)->route = have;
	}
}

/* ---- IPVS ---- */

static void ipvs_changes(struct maker *maker)
{
	const struct lsvm_ipvs_table *empty = &maker->steps->empty;
	const struct lsvm_ipvs_table *owned = maker->owned->ipvs;
	const struct lsvm_ipvs_table *present = maker->present->ipvs;
	const struct lsvm_ipvs_table *wanted = maker->wanted->ipvs;

	if (maker->err || (!owned && !wanted))
		return;
	maker->err =
		lsvm_ipvs_changes_compute(maker->ctx, present ? present : empty, owned,
					  wanted ? wanted : empty, &maker->changes);
}

/*
 * The changes come with additions first. Up to the first removal they go before a VIP is
 * claimed, the rest goes when VIPs have been given up.
 */
static void ipvs_on(struct maker *maker)
{
	for (; maker->changes_done < maker->changes.list.count; maker->changes_done++) {
		const struct ipvs_change *change =
			&maker->changes.list.items[maker->changes_done];

		if (change->kind == IPVS_SERVICE_DELETE ||
		    change->kind == IPVS_DESTINATION_DELETE)
			return;
		add_step(maker, STEP_IPVS)->ipvs = *change;
	}
}

static void ipvs_off(struct maker *maker)
{
	for (; maker->changes_done < maker->changes.list.count; maker->changes_done++)
		add_step(maker, STEP_IPVS)->ipvs =
			maker->changes.list.items[maker->changes_done];
}

/* ---- all ---- */

static void make(struct maker *maker)
{
	ipvs_changes(maker);
	links_on(maker);
	sysctls_on(maker);
	files_on(maker);
	ipvs_on(maker);
	units_on(maker, true);
	addresses_on(maker);
	routes_on(maker);
	units_on(maker, false);
	units_off(maker, false);
	addresses_off(maker);
	routes_off(maker);
	ipvs_off(maker);
	units_off(maker, true);
	files_off(maker);
	links_off(maker);
}

int lsvm_steps_compute(struct lsvm_ctx *ctx, const struct state *present,
		       const struct state *owned, const struct state *wanted,
		       struct lsvm_steps **ret)
{
	struct maker maker = { .ctx = ctx,
			       .present = present ? present : &nothing,
			       .owned = owned ? owned : &nothing,
			       .wanted = wanted ? wanted : &nothing };

	maker.steps = calloc(1, sizeof(*maker.steps));
	if (!maker.steps)
		return lsvm_fail_nomem(ctx);
	maker.steps->ctx = lsvm_ctx_ref(ctx);
	maker.steps->empty.ctx = ctx;
	maker.steps->empty.sealed = true;
	make(&maker);
	lsvm_arena_free(&maker.arena);
	lsvm_map_free(&maker.written);
	vec_free(&maker.remade);
	lsvm_ipvs_changes_clear(&maker.changes);
	if (maker.err < 0) {
		lsvm_steps_free(maker.steps);
		return maker.err;
	}
	*ret = maker.steps;
	return 0;
}
