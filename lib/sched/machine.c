/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A service and its destinations as the kernel keeps them: begin, edits, end. */
#include "sched/sched.h"

#include <stdlib.h>

static const struct scheduler schedulers[] = {
	{ "rr", lsvm_rr_notice, lsvm_rr_pick, true },
	{ "wrr", lsvm_wrr_notice, lsvm_wrr_pick, true },
	{ "lc", NULL, lsvm_lc_pick, false },
	{ "wlc", NULL, lsvm_wlc_pick, false },
	{ "lblc", lsvm_cache_notice, lsvm_lblc_pick, true },
	{ "lblcr", lsvm_cache_notice, lsvm_lblcr_pick, true },
	{ "dh", lsvm_hash_notice, lsvm_dh_pick, false },
	{ "sh", lsvm_hash_notice, lsvm_sh_pick, false },
	{ "sed", NULL, lsvm_sed_pick, false },
	{ "nq", NULL, lsvm_nq_pick, false },
	{ "fo", NULL, lsvm_fo_pick, false },
	{ "ovf", NULL, lsvm_ovf_pick, false },
	{ "mh", lsvm_hash_notice, lsvm_mh_pick, false },
};

const struct scheduler *lsvm_scheduler_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(schedulers); i++)
		if (!strcmp(schedulers[i].name, name))
			return &schedulers[i];
	return NULL;
}

static int notice(struct lsvm_sched *s, enum sched_event event, struct sched_dest *dest)
{
	return s->scheduler->notice ? s->scheduler->notice(s, event, dest) : 0;
}

/* A new scheduler over the destinations there are; the old one's state is gone. */
static int install(struct lsvm_sched *s, const struct scheduler *scheduler)
{
	const struct scheduler *old = s->scheduler;
	struct sched_dest **slots = NULL;

	if (scheduler->notice == lsvm_hash_notice) {
		slots = calloc(SCHED_MAGLEV_SLOTS, sizeof(struct sched_dest *));
		if (!slots)
			return lsvm_fail_nomem(s->ctx);
	}
	s->scheduler = scheduler;
	if (notice(s, SCHED_BEGIN, NULL) < 0) {
		s->scheduler = old;
		free(slots);
		return lsvm_fail_nomem(s->ctx);
	}
	if (scheduler->notice != lsvm_cache_notice)
		lsvm_cache_clear(s);
	free(s->slots);
	s->slots = slots;
	return 0;
}

static int find_scheduler(struct lsvm_ctx *ctx, const struct ipvs_service *service,
			  const struct scheduler **ret)
{
	*ret = lsvm_scheduler_find(service->scheduler);
	if (!*ret)
		return lsvm_fail(ctx, LSVM_ERR_UNSUPPORTED,
				 "the decisions of scheduler \"%s\" cannot be foretold; "
				 "choose another one",
				 service->scheduler);
	if (service->engine[0])
		return lsvm_fail(ctx, LSVM_ERR_UNSUPPORTED,
				 "persistence engine \"%s\" looks into the packets; "
				 "decisions can be foretold only without it",
				 service->engine);
	return 0;
}

int lsvm_sched_service_edit(struct lsvm_sched *s, const struct ipvs_service *service)
{
	const struct scheduler *scheduler;
	int err = find_scheduler(s->ctx, service, &scheduler);

	if (err >= 0 && scheduler != s->scheduler)
		err = install(s, scheduler);
	if (err < 0)
		return err;
	s->flags = service->flags;
	s->persistence_s = service->timeout_s;
	s->netmask = service->netmask;
	return 0;
}

static struct sched_name name_of(const struct addr *addr, uint16_t port)
{
	struct sched_name name = { .family = addr->family, .port = port };

	memcpy(name.bytes, addr->bytes, addr->family == 4 ? 4 : 16);
	return name;
}

struct sched_dest *lsvm_sched_dest_lookup(const struct lsvm_sched *s,
					  const struct addr *addr, uint16_t port)
{
	const struct sched_name name = name_of(addr, port);

	return lsvm_map_get(&s->by_name, &name, sizeof(name));
}

static int check(const struct lsvm_sched *s, uint32_t weight, uint32_t upper,
		 uint32_t lower)
{
	if (weight > INT32_MAX)
		return lsvm_fail(s->ctx, LSVM_ERR_RANGE,
				 "the kernel refuses the weight %u; use %d at most",
				 weight, INT32_MAX);
	if (lower > upper)
		return lsvm_fail(s->ctx, LSVM_ERR_RANGE,
				 "the lower threshold %u is above the upper one, %u; "
				 "lower it",
				 lower, upper);
	return 0;
}

/* What an add and an edit have in common. */
static void assign(struct sched_dest *dest, bool add, uint32_t weight, uint32_t upper,
		   uint32_t lower)
{
	if (add || weight)
		dest->last_weight = (int32_t)weight;
	dest->weight = (int32_t)weight;
	if (!upper || upper > dest->upper)
		dest->overloaded = false;
	dest->upper = upper;
	dest->lower = lower;
}

static int new_dest(struct lsvm_sched *s, const struct sched_name *name,
		    struct sched_dest **ret)
{
	struct sched_dest *dest = lsvm_arena_alloc(&s->arena, sizeof(*dest)), **slot;
	void *old;

	if (!dest)
		return lsvm_fail_nomem(s->ctx);
	dest->name = *name;
	slot = vec_push(&s->all);
	if (!slot)
		return lsvm_fail_nomem(s->ctx);
	if (lsvm_map_put(&s->by_name, &dest->name, sizeof(dest->name), dest, &old) < 0) {
		s->all.count--;
		return lsvm_fail_nomem(s->ctx);
	}
	*slot = dest;
	dest->number = (uint32_t)s->all.count - 1;
	*ret = dest;
	return 0;
}

int lsvm_sched_dest_add(struct lsvm_sched *s, const struct addr *addr, uint16_t port,
			uint32_t weight, uint32_t upper, uint32_t lower,
			struct sched_dest **ret)
{
	const struct sched_name name = name_of(addr, port);
	struct sched_dest *dest = lsvm_sched_dest_lookup(s, addr, port);
	char text[LSVM_ADDRESS_TEXT_BYTES];
	int err = check(s, weight, upper, lower);

	if (err < 0)
		return err;
	if (dest && dest->present)
		return lsvm_fail(s->ctx, LSVM_ERR_EXISTS,
				 "destination %s is there already; edit it",
				 lsvm_endpoint_text(addr, port, text));
	if (!dest)
		err = new_dest(s, &name, &dest);
	if (err < 0)
		return err;
	/* mh keeps the table it had when one more does not fit: have it now. */
	if (s->present_count == SCHED_MAGLEV_SLOTS && s->slots && s->slots_stale)
		lsvm_sched_home(s, &(struct sched_packet){ .client = *addr });
	assign(dest, true, weight, upper, lower);
	dest->present = true;
	dest->next = s->list.next;
	dest->prev = &s->list;
	dest->next->prev = s->list.next = dest;
	s->present_count++;
	notice(s, SCHED_ADDED, dest);
	*ret = dest;
	return 0;
}

int lsvm_sched_dest_edit(struct lsvm_sched *s, struct sched_dest *dest, uint32_t weight,
			 uint32_t upper, uint32_t lower)
{
	int err = check(s, weight, upper, lower);

	if (err < 0)
		return err;
	assign(dest, false, weight, upper, lower);
	notice(s, SCHED_EDITED, dest);
	return 0;
}

int lsvm_sched_dest_remove(struct lsvm_sched *s, struct sched_dest *dest)
{
	dest->present = false;
	dest->prev->next = dest->next;
	dest->next->prev = dest->prev;
	s->present_count--;
	notice(s, SCHED_REMOVED, dest);
	return 0;
}

/* An entry of the table, as if it had been added and, when it is drained, edited. */
static int add_one(struct lsvm_sched *s, const struct ipvs_destination *from)
{
	const bool drained = !from->weight && from->last_weight;
	struct sched_dest *dest;
	int err = lsvm_sched_dest_add(
		s, &from->addr, from->port, drained ? from->last_weight : from->weight,
		from->upper_threshold, from->lower_threshold, &dest);

	if (err >= 0 && drained)
		err = lsvm_sched_dest_edit(s, dest, 0, from->upper_threshold,
					   from->lower_threshold);
	if (err < 0)
		return err;
	dest->active = from->active_count;
	dest->inactive = from->inactive_count;
	/* The mark itself cannot be read from a kernel. */
	dest->overloaded = dest->upper && dest->active + dest->inactive >= dest->upper;
	return 0;
}

static int by_age(const void *a, const void *b)
{
	const struct ipvs_destination *x = *(const struct ipvs_destination *const *)a;
	const struct ipvs_destination *y = *(const struct ipvs_destination *const *)b;

	if (x->position != y->position)
		return x->position > y->position ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Numbers are the table's; the order is the kernel's where it was seen. */
static int add_all(struct lsvm_sched *s, const struct ipvs_service *service)
{
	const size_t count = service->destinations.count;
	const struct ipvs_destination **order = malloc((count + 1) * sizeof(*order));
	int err = order ? 0 : lsvm_fail_nomem(s->ctx);

	for (size_t i = 0; i < count && err >= 0; i++) {
		const struct ipvs_destination *from = &service->destinations.items[i];
		const struct sched_name name = name_of(&from->addr, from->port);
		struct sched_dest *dest;

		order[i] = from;
		if (!lsvm_sched_dest_lookup(s, &from->addr, from->port))
			err = new_dest(s, &name, &dest);
	}
	if (err >= 0)
		qsort(order, count, sizeof(*order), by_age);
	for (size_t i = 0; i < count && err >= 0; i++)
		err = add_one(s, order[i]);
	free(order);
	return err;
}

int lsvm_sched_create(struct lsvm_ctx *ctx, const struct ipvs_service *service,
		      struct lsvm_sched **ret)
{
	struct lsvm_sched *s;
	const struct scheduler *scheduler;
	int err = find_scheduler(ctx, service, &scheduler);

	if (err < 0)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return lsvm_fail_nomem(ctx);
	s->ctx = lsvm_ctx_ref(ctx);
	s->list.next = s->list.prev = &s->list;
	s->key = service->key;
	s->cache_expiration_s = 24 * 60 * 60;
	err = lsvm_sched_service_edit(s, service);
	if (err >= 0)
		err = add_all(s, service);
	if (err < 0) {
		lsvm_sched_free(s);
		return err;
	}
	*ret = s;
	return 0;
}

void lsvm_sched_free(struct lsvm_sched *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->connections.count; i++)
		if (s->connections.items[i].template)
			lsvm_template_release(s, s->connections.items[i].template,
					      s->now_ms);
	lsvm_templates_clear(s);
	lsvm_cache_clear(s);
	free(s->slots);
	vec_free(&s->connections);
	vec_free(&s->all);
	lsvm_map_free(&s->by_name);
	lsvm_arena_free(&s->arena);
	lsvm_ctx_unref(s->ctx);
	free(s);
}

void lsvm_sched_vacate(struct lsvm_sched *s)
{
	each_dest(s, dest) dest->present = false;
	s->list.next = s->list.prev = &s->list;
	s->present_count = 0;
}

int lsvm_sched_begin_anew(struct lsvm_sched *s, const struct ipvs_service *service)
{
	const struct scheduler *scheduler;
	int err = find_scheduler(s->ctx, service, &scheduler);

	if (err >= 0)
		err = install(s, scheduler);
	return err < 0 ? err : lsvm_sched_service_edit(s, service);
}
