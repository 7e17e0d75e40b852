/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a director's keeper should know before a change, and what would be better. */
#include "impact/impact.h"

#include <linux/ip_vs.h>

/* How many destinations a note names; the rest are counted. */
#define NAMED 4

typedef bool (*concerns)(const struct impact_case *c, const struct impact_destination *d);

static const struct ipvs_destination *seen(const struct impact_case *c,
					   const struct impact_destination *d)
{
	for (size_t i = 0; c->present && i < c->present->destinations.count; i++) {
		const struct ipvs_destination *from = &c->present->destinations.items[i];

		if (from->port == d->port && !lsvm_addr_compare(&from->addr, &d->addr))
			return from;
	}
	return NULL;
}

static uint32_t persistent_count(const struct impact_case *c,
				 const struct impact_destination *d)
{
	const struct ipvs_destination *from = seen(c, d);

	return from ? from->persistent_count : 0;
}

static bool is_quiesced(const struct impact_case *c, const struct impact_destination *d)
{
	return d->is && d->was && d->weight_before && !d->weight_after;
}

static bool is_drained(const struct impact_case *c, const struct impact_destination *d)
{
	return d->is && !d->weight_after;
}

static bool is_removed_alive(const struct impact_case *c,
			     const struct impact_destination *d)
{
	return !d->is && d->lost;
}

static bool is_removed_known(const struct impact_case *c,
			     const struct impact_destination *d)
{
	return !d->is && persistent_count(c, d);
}

static bool is_quiesced_known(const struct impact_case *c,
			      const struct impact_destination *d)
{
	return is_quiesced(c, d) && persistent_count(c, d);
}

static bool is_capped(const struct impact_case *c, const struct impact_destination *d)
{
	const struct ipvs_destination *from = seen(c, d);

	return d->is && d->weight_after && d->weight_after != d->weight_before && from &&
	       from->active_count > d->weight_after;
}

/* "10.0.0.1:80, 10.0.0.2:80 and 3 more"; answers how many, *ret_known their clients. */
static size_t gather(const struct impact_case *c, concerns which, struct buf *names,
		     uint64_t *ret_known)
{
	size_t count = 0;

	*ret_known = 0;
	for (size_t i = 0; i < c->service->destinations.count; i++) {
		const struct impact_destination *d = &c->service->destinations.items[i];
		char text[LSVM_ADDRESS_TEXT_BYTES];

		if (!which(c, d))
			continue;
		*ret_known += persistent_count(c, d);
		if (count++ < NAMED)
			lsvm_buf_printf(names, "%s%s", count > 1 ? ", " : "",
					lsvm_endpoint_text(&d->addr, d->port, text));
	}
	if (count > NAMED)
		lsvm_buf_printf(names, " and %zu more", count - NAMED);
	return count;
}

static unsigned percent(uint64_t flows)
{
	return (unsigned)((flows * 100 + IMPACT_FLOWS / 2) / IMPACT_FLOWS);
}

static bool refuses_when_drained(const struct lsvm_sched *s)
{
	return s->slots &&
	       (s->scheduler->pick == lsvm_dh_pick || !(s->flags & IP_VS_SVC_F_SCHED1));
}

/* ---- one note each ---- */

static void note_removed(struct impact_case *c, const char *names)
{
	const uint64_t *fates = c->service->fates;
	const bool reset = fates[LSVM_IMPACT_FATE_RESET] != 0;

	lsvm_impact_add_note(
		c, "removed-alive",
		"%llu connections of %s end %s; give it the weight 0 first and remove it "
		"when none is left",
		(unsigned long long)(fates[LSVM_IMPACT_FATE_RESET] +
				     fates[LSVM_IMPACT_FATE_DROPPED]),
		names, reset ? "with a reset" : "silently, their packets are dropped");
}

static void note_refused(struct impact_case *c, const char *names)
{
	const uint64_t refused = c->service->fates[LSVM_IMPACT_FATE_REFUSED];
	const bool may_fall_back = c->after->scheduler->pick != lsvm_dh_pick;

	lsvm_impact_add_note(c, "drained-refuses",
			     "%u of 100 clients are refused: under %s a server of weight "
			     "0 (%s) keeps its clients and serves none; %s",
			     percent(refused), c->after->scheduler->name, names,
			     may_fall_back ? "set the scheduler flag fallback"
					   : "remove it from the service instead");
}

static void note_known_stay(struct impact_case *c, const char *names, uint64_t known)
{
	if (c->flags & LSVM_IMPACT_QUIESCENT_EXPIRES) {
		lsvm_impact_raise(c->service, LSVM_IMPACT_LEVEL_NEW);
		lsvm_impact_add_note(c, "persistent-move",
				     "%llu known clients of %s get another server with "
				     "their next connection; their sessions must not "
				     "live on the server alone",
				     (unsigned long long)known, names);
		return;
	}
	lsvm_impact_add_note(c, "persistent-stay",
			     "%llu known clients keep %s in spite of its weight 0, as "
			     "long as they come back within %u s; set the sysctl "
			     "expire_quiescent_template to 1 if it shall run empty",
			     (unsigned long long)known, names, c->wanted->timeout_s);
}

static void note_known_lose(struct impact_case *c, const char *names, uint64_t known)
{
	lsvm_impact_raise(c->service, LSVM_IMPACT_LEVEL_NEW);
	lsvm_impact_add_note(c, "persistent-lose",
			     "%llu known clients lose %s; their sessions must not live "
			     "on the server alone",
			     (unsigned long long)known, names);
}

static void note_capped(struct impact_case *c, const char *names)
{
	lsvm_impact_add_note(c, "overflow-cap",
			     "under ovf the weight is a cap on connections, and %s has "
			     "more than that already: it gets none until they have "
			     "ended; choose a larger weight",
			     names);
}

/* ---- the service as a whole ---- */

static void note_service(struct impact_case *c)
{
	const struct ipvs_service *from = c->present, *to = c->wanted;
	uint64_t known = 0;

	if (!to && c->family_ends)
		lsvm_impact_add_note(c, "last-of-family",
				     "no IPv%u service is left: the machine itself "
				     "answers packets of connections that live, with a "
				     "reset",
				     c->service->key.addr.family);
	if (!to && c->service->fates[LSVM_IMPACT_FATE_REFUSED])
		lsvm_impact_add_note(c, "removed-service",
				     "the service is no more: its clients are refused");
	if (!from || !to)
		return;
	for (size_t i = 0; i < from->destinations.count; i++)
		known += from->destinations.items[i].persistent_count;
	if (strcmp(from->scheduler, to->scheduler)) {
		lsvm_impact_raise(c->service, LSVM_IMPACT_LEVEL_NEW);
		lsvm_impact_add_note(c, "scheduler",
				     "the scheduler changes from %s to %s: for a moment "
				     "new connections are refused",
				     from->scheduler, to->scheduler);
	}
	if (known && (from->netmask != to->netmask || strcmp(from->engine, to->engine) ||
		      (from->flags ^ to->flags) & IP_VS_SVC_F_PERSISTENT)) {
		lsvm_impact_raise(c->service, LSVM_IMPACT_LEVEL_NEW);
		lsvm_impact_add_note(c, "persistence",
				     "persistence changes: %llu known clients may get "
				     "another server",
				     (unsigned long long)known);
	}
}

static void note_nobody(struct impact_case *c)
{
	const uint64_t *fates = c->service->fates;

	if (c->after && fates[LSVM_IMPACT_FATE_REFUSED] &&
	    !fates[LSVM_IMPACT_FATE_STAYS] && !fates[LSVM_IMPACT_FATE_MOVES])
		lsvm_impact_add_note(c, "no-server",
				     "no server is left that may serve: every client is "
				     "refused; add one first");
}

static void note_stranded(struct impact_case *c)
{
	const uint64_t stranded = c->service->fates[LSVM_IMPACT_FATE_STRANDED];

	if (stranded)
		lsvm_impact_add_note(c, "order",
				     "a director that is given this table afresh would "
				     "send %u of 100 clients to another server: %s "
				     "remembers the order of additions; `svm-eds apply "
				     "--reorder` puts that right, or keep connections "
				     "synchronized",
				     percent(stranded), c->after->scheduler->name);
}

static void about(struct impact_case *c, concerns which)
{
	struct buf names = { 0 };
	uint64_t known;

	if (!gather(c, which, &names, &known) || !names.data) {
		c->impact->arena.failed |= names.failed;
		lsvm_buf_free(&names);
		return;
	}
	if (which == is_removed_alive)
		note_removed(c, names.data);
	else if (which == is_removed_known)
		note_known_lose(c, names.data, known);
	else if (which == is_drained)
		note_refused(c, names.data);
	else if (which == is_quiesced_known)
		note_known_stay(c, names.data, known);
	else
		note_capped(c, names.data);
	lsvm_buf_free(&names);
}

void lsvm_impact_notes(struct impact_case *c)
{
	const uint64_t *fates = c->service->fates;

	about(c, is_removed_alive);
	about(c, is_removed_known);
	if (c->after && refuses_when_drained(c->after) && fates[LSVM_IMPACT_FATE_REFUSED])
		about(c, is_drained);
	if (c->wanted && c->wanted->flags & IP_VS_SVC_F_PERSISTENT)
		about(c, is_quiesced_known);
	if (c->after && c->after->scheduler->pick == lsvm_ovf_pick)
		about(c, is_capped);
	note_nobody(c);
	note_service(c);
	note_stranded(c);
}
