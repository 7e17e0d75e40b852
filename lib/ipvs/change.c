/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off */
/*
 * From one table to another without hurting a connection.
 *
 * Two merges over sorted tables fill lists, and the lists in this order are the result:
 *
 *   add       timeouts; sync daemons that nobody wants any more are stopped; services
 *             added or edited in place, each followed by its destinations added and
 *             edited
 *   drain     weights that become 0, of destinations that stay and of those that will
 *             go: whatever takes their place stands by now
 *   remove    destinations, then services: all that is wanted stands by now, so a family
 *             loses its last service only when none of it is wanted
 *   late      sync daemons started or restarted: the kernel refuses them while a service
 *             still has destinations of both families
 *
 * Under sh and mh a server at weight 0 refuses its clients instead of passing them on, so
 * there a destination goes without being drained. A drained destination that is new to
 * the kernel is added at its last weight and then drained: mh keeps the slots of the last
 * weight, and two directors must agree on them.
 *
 * A service that was ours and is wanted no more goes with all its destinations, whoever
 * added them.
 */
/* clang-format on */
#include "ipvs/table.h"
#include "ipvs/words.h"

#include <linux/ip_vs.h>

struct maker {
	struct lsvm_ctx *ctx;
	const struct lsvm_ipvs_table *owned;
	struct ipvs_changes add, drain, remove_destinations, remove_services, late;
	int err; /* the first failure; nothing is added after it */
};

static void put(struct maker *maker, struct ipvs_changes *list, struct ipvs_change change)
{
	struct ipvs_change *item;

	if (maker->err)
		return;
	item = vec_push(&list->list);
	if (!item) {
		maker->err = lsvm_fail_nomem(maker->ctx);
		return;
	}
	*item = change;
}

static void put_service(struct maker *maker, struct ipvs_changes *list,
			enum ipvs_change_kind kind, const struct ipvs_service *service,
			const struct ipvs_service *before)
{
	if (kind != IPVS_SERVICE_DELETE && !maker->err)
		maker->err = lsvm_ipvs_service_check(maker->ctx, service, before);
	put(maker, list,
	    (struct ipvs_change){
		    .kind = kind, .service = service, .service_before = before });
}

static void put_destination(struct maker *maker, struct ipvs_changes *list,
			    enum ipvs_change_kind kind,
			    const struct ipvs_service *service,
			    const struct ipvs_destination *destination, uint32_t weight,
			    const struct ipvs_destination *before)
{
	put(maker, list,
	    (struct ipvs_change){ .kind = kind,
				  .service = service,
				  .destination = destination,
				  .weight = weight,
				  .destination_before = before });
}

static bool uses_slots(const struct ipvs_service *service)
{
	return strcmp(service->scheduler, "sh") == 0 ||
	       strcmp(service->scheduler, "mh") == 0;
}

static const struct ipvs_destination *find_destination(
	const struct ipvs_service *service, const struct ipvs_destination *destination)
{
	size_t low = 0, high = service ? service->destinations.count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct ipvs_destination *item =
			&service->destinations.items[middle];
		int order = lsvm_ipvs_destination_compare(destination, item);

		if (order == 0)
			return item;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static const struct ipvs_service *find_owned(const struct maker *maker,
					     const struct ipvs_service *service)
{
	return maker->owned ? lsvm_ipvs_table_lookup(maker->owned, &service->key) : NULL;
}

/* What nobody asks for may be whatever it is. */
static bool extra_differs(const struct ipvs_extra *a, const struct ipvs_extra *b)
{
	return b && (!a || a->length != b->length ||
		     memcmp(a->bytes, b->bytes, a->length) != 0);
}

/* Flags that this version does not know are a newer kernel's: they stay, unless they are
 * wanted. a is there, b is wanted; below too. */
static bool service_differs(const struct ipvs_service *a, const struct ipvs_service *b)
{
	const uint32_t flags = a->flags & (IPVS_SERVICE_FLAGS_KNOWN | b->flags);

	return strcmp(a->scheduler, b->scheduler) != 0 ||
	       strcmp(a->engine, b->engine) != 0 || flags != b->flags ||
	       a->timeout_s != b->timeout_s || a->netmask != b->netmask ||
	       extra_differs(a->extra, b->extra);
}

static bool destination_differs(const struct ipvs_destination *a,
				const struct ipvs_destination *b)
{
	return a->forwarding != b->forwarding || a->weight != b->weight ||
	       a->upper_threshold != b->upper_threshold ||
	       a->lower_threshold != b->lower_threshold ||
	       a->tunnel_type != b->tunnel_type || a->tunnel_port != b->tunnel_port ||
	       a->tunnel_flags != b->tunnel_flags || extra_differs(a->extra, b->extra);
}

static void add_destination(struct maker *maker, const struct ipvs_service *service,
			    const struct ipvs_service *owned,
			    const struct ipvs_destination *wanted)
{
	const struct ipvs_destination *before = find_destination(owned, wanted);
	uint32_t last = wanted->last_weight;

	if (!last && before)
		last = before->weight ? before->weight : before->last_weight;
	if (!maker->err)
		maker->err =
			lsvm_ipvs_destination_check(maker->ctx, service, wanted, NULL);
	if (wanted->weight || !last || !uses_slots(service)) {
		put_destination(maker, &maker->add, IPVS_DESTINATION_ADD, service, wanted,
				wanted->weight, NULL);
		return;
	}
	put_destination(maker, &maker->add, IPVS_DESTINATION_ADD, service, wanted, last,
			NULL);
	put_destination(maker, &maker->add, IPVS_DESTINATION_EDIT, service, wanted, 0,
			wanted);
}

static void edit_destination(struct maker *maker, const struct ipvs_service *service,
			     const struct ipvs_destination *present,
			     const struct ipvs_destination *wanted)
{
	if (!destination_differs(present, wanted))
		return;
	if (!maker->err)
		maker->err =
			lsvm_ipvs_destination_check(maker->ctx, service, wanted, present);
	put_destination(maker,
			present->weight && !wanted->weight ? &maker->drain : &maker->add,
			IPVS_DESTINATION_EDIT, service, wanted, wanted->weight, present);
}

static void remove_destination(struct maker *maker, const struct ipvs_service *service,
			       const struct ipvs_destination *present)
{
	if (present->weight && !uses_slots(service))
		put_destination(maker, &maker->drain, IPVS_DESTINATION_EDIT, service,
				present, 0, present);
	put_destination(maker, &maker->remove_destinations, IPVS_DESTINATION_DELETE,
			service, present, 0, NULL);
}

/* present may be NULL: the service is new. */
static void merge_destinations(struct maker *maker, const struct ipvs_service *present,
			       const struct ipvs_service *wanted)
{
	const struct ipvs_service *owned = find_owned(maker, wanted);
	size_t have = 0, have_count = present ? present->destinations.count : 0;
	size_t want = 0, want_count = wanted->destinations.count;

	while (have < have_count || want < want_count) {
		const struct ipvs_destination *a = NULL, *b = NULL;
		int order;

		if (have < have_count)
			a = &present->destinations.items[have];
		if (want < want_count)
			b = &wanted->destinations.items[want];
		order = !a ? 1 : !b ? -1 : lsvm_ipvs_destination_compare(a, b);
		if (order > 0)
			add_destination(maker, wanted, owned, b);
		else if (order == 0)
			edit_destination(maker, wanted, a, b);
		else if (find_destination(owned, a))
			remove_destination(maker, wanted, a);
		have += order <= 0;
		want += order >= 0;
	}
}

static void merge_services(struct maker *maker, const struct lsvm_ipvs_table *present,
			   const struct lsvm_ipvs_table *wanted)
{
	size_t have = 0, want = 0;

	while (have < present->services.count || want < wanted->services.count) {
		const struct ipvs_service *a = NULL, *b = NULL;
		int order;

		if (have < present->services.count)
			a = &present->services.items[have];
		if (want < wanted->services.count)
			b = &wanted->services.items[want];
		order = !a ? 1 : !b ? -1 : lsvm_ipvs_key_compare(&a->key, &b->key);
		if (order > 0)
			put_service(maker, &maker->add, IPVS_SERVICE_ADD, b, NULL);
		else if (order == 0 && service_differs(a, b))
			put_service(maker, &maker->add, IPVS_SERVICE_EDIT, b, a);
		else if (order < 0 && find_owned(maker, a))
			put_service(maker, &maker->remove_services, IPVS_SERVICE_DELETE,
				    a, NULL);
		if (order >= 0)
			merge_destinations(maker, order > 0 ? NULL : a, b);
		have += order <= 0;
		want += order >= 0;
	}
}

static void set_timeouts(struct maker *maker, const struct ipvs_timeouts *present,
			 const struct ipvs_timeouts *wanted)
{
	if ((wanted->tcp_s && wanted->tcp_s != present->tcp_s) ||
	    (wanted->tcp_fin_s && wanted->tcp_fin_s != present->tcp_fin_s) ||
	    (wanted->udp_s && wanted->udp_s != present->udp_s))
		put(maker, &maker->add,
		    (struct ipvs_change){ .kind = IPVS_TIMEOUTS_SET,
					  .timeouts = wanted });
}

/* What the kernel makes of the length that is asked for (ip_vs_sync.c, 6.1). */
static uint16_t clamped_maxlen(const struct ipvs_daemon *wanted, bool is_master)
{
	const uint16_t least = is_master ? 1 : 1024;
	const uint16_t most = wanted->group.family == 6 ? 65535 - 48 : 65535 - 28;

	return wanted->maxlen_bytes < least  ? least
	       : wanted->maxlen_bytes > most ? most
					     : wanted->maxlen_bytes;
}

static bool daemon_differs(const struct ipvs_daemon *present,
			   const struct ipvs_daemon *wanted, bool is_master)
{
	static const struct addr group_default = { 4, { 224, 0, 0, 81 } };
	const struct addr *group = wanted->group.family ? &wanted->group : &group_default;

	return strcmp(present->interface, wanted->interface) != 0 ||
	       present->sync_id != wanted->sync_id ||
	       (wanted->maxlen_bytes &&
		present->maxlen_bytes != clamped_maxlen(wanted, is_master)) ||
	       present->port != (wanted->port ? wanted->port : 8848) ||
	       present->ttl != (wanted->ttl ? wanted->ttl : 1) ||
	       lsvm_addr_compare(&present->group, group) != 0;
}

static void set_daemon(struct maker *maker, const struct ipvs_daemon *present,
		       const struct ipvs_daemon *owned, const struct ipvs_daemon *wanted,
		       bool is_master)
{
	struct ipvs_change stop = { .kind = IPVS_DAEMON_STOP,
				    .daemon = present,
				    .is_master = is_master };
	struct ipvs_change start = { .kind = IPVS_DAEMON_START,
				     .daemon = wanted,
				     .is_master = is_master };

	if (!wanted->present) {
		if (present->present && owned && owned->present)
			put(maker, &maker->add, stop);
		return;
	}
	if (present->present && !daemon_differs(present, wanted, is_master))
		return;
	if (present->present)
		put(maker, &maker->late, stop);
	put(maker, &maker->late, start);
}

/* To the end of the first list, which becomes the result. */
static void append(struct maker *maker, struct ipvs_changes *more)
{
	for (size_t i = 0; i < more->list.count; i++)
		put(maker, &maker->add, more->list.items[i]);
	lsvm_ipvs_changes_clear(more);
}

int lsvm_ipvs_changes_compute(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *present,
			      const struct lsvm_ipvs_table *owned,
			      const struct lsvm_ipvs_table *wanted,
			      struct ipvs_changes *ret)
{
	struct maker maker = { .ctx = ctx, .owned = owned };

	set_timeouts(&maker, &present->timeouts, &wanted->timeouts);
	set_daemon(&maker, &present->master, owned ? &owned->master : NULL,
		   &wanted->master, true);
	set_daemon(&maker, &present->backup, owned ? &owned->backup : NULL,
		   &wanted->backup, false);
	merge_services(&maker, present, wanted);
	append(&maker, &maker.drain);
	append(&maker, &maker.remove_destinations);
	append(&maker, &maker.remove_services);
	append(&maker, &maker.late);
	if (maker.err) {
		lsvm_ipvs_changes_clear(&maker.add);
		return maker.err;
	}
	*ret = maker.add;
	return 0;
}

void lsvm_ipvs_changes_clear(struct ipvs_changes *changes)
{
	vec_free(&changes->list);
}
