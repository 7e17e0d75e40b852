/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the pool has to tell: edits and events.
 *
 * A seat waits in one of three lists, by what its next edit would be, and moves when that
 * changes: raised and added first, then lowered, then removed. So whoever takes a place
 * stands before another leaves it, and two changes that cancel each other are never told.
 * The lists run through the seats: a verdict needs no memory.
 */
#include "pool/private.h"

#include <stdio.h>

/* ---- edits ---- */

static enum edit_class class_of(const struct seat *seat)
{
	if (!seat->in)
		return seat->told_in ? EDIT_REMOVE : EDIT_NONE;
	if (!seat->told_in || seat->weight > seat->told_weight)
		return EDIT_RAISE;
	return seat->weight < seat->told_weight ? EDIT_LOWER : EDIT_NONE;
}

static void unlink_seat(struct pool *pool, struct seat *seat)
{
	if (seat->previous == NONE)
		pool->first[seat->class] = seat->next;
	else
		pool->seats[seat->previous].next = seat->next;
	if (seat->next == NONE)
		pool->last[seat->class] = seat->previous;
	else
		pool->seats[seat->next].previous = seat->previous;
	seat->class = EDIT_NONE;
}

void lsvm_pool_queue(struct pool *pool, struct seat *seat)
{
	enum edit_class class = class_of(seat);
	uint32_t number = (uint32_t)(seat - pool->seats);

	if (class == seat->class)
		return;
	if (seat->class != EDIT_NONE)
		unlink_seat(pool, seat);
	if (class == EDIT_NONE)
		return;
	seat->class = class;
	seat->next = NONE;
	seat->previous = pool->last[class];
	if (seat->previous == NONE)
		pool->first[class] = number;
	else
		pool->seats[seat->previous].next = number;
	pool->last[class] = number;
}

bool lsvm_pool_next_change(struct pool *pool, struct ipvs_change *ret)
{
	struct seat *seat = NULL;
	const struct group *group;

	for (int list = EDIT_RAISE; !seat && list < EDIT_CLASS_COUNT; list++)
		if (pool->first[list] != NONE)
			seat = &pool->seats[pool->first[list]];
	if (!seat)
		return false;
	group = &pool->groups[seat->group];
	*ret = (struct ipvs_change){ .kind = !seat->in	     ? IPVS_DESTINATION_DELETE
					     : seat->told_in ? IPVS_DESTINATION_EDIT
							     : IPVS_DESTINATION_ADD,
				     .service = group->service,
				     .destination = seat->destination,
				     .weight = seat->in ? seat->weight : 0 };
	/* mh keeps the slots of the last weight: the drained one comes in with it. */
	if (ret->kind == IPVS_DESTINATION_ADD && !seat->weight && group->keeps_slots)
		ret->weight = seat->destination->weight;
	unlink_seat(pool, seat);
	seat->told_in = seat->in;
	seat->told_weight = ret->weight;
	lsvm_pool_queue(pool, seat);
	return true;
}

/* ---- events ---- */

void lsvm_pool_say(struct pool *pool, enum lsvm_event_kind kind,
		   enum lsvm_severity severity, const char *subject, const char *fmt, ...)
{
	struct event *event = NULL;
	char text[EVENT_TEXT_BYTES + 1]; /* one more: what is too long stays too long */
	va_list arguments;

	if (pool->events.count < EVENTS_MAX)
		event = vec_push(&pool->events);
	if (!event) {
		pool->events_lost++;
		return;
	}
	va_start(arguments, fmt);
	vsnprintf(text, sizeof(text), fmt, arguments);
	va_end(arguments);
	lsvm_event_set(event, kind, severity, subject, "%s", text);
}

bool lsvm_pool_next_event(struct pool *pool, struct event *ret)
{
	if (pool->event_next < pool->events.count) {
		*ret = pool->events.items[pool->event_next++];
		return true;
	}
	pool->events.count = pool->event_next = 0;
	if (!pool->events_lost)
		return false;
	*ret = (struct event){ 0 };
	lsvm_event_set(ret, LSVM_EVENT_LOST, LSVM_SEVERITY_WARNING, "pool",
		       "%llu events about servers are lost; status says how all stand",
		       (unsigned long long)pool->events_lost);
	pool->events_lost = 0;
	return true;
}

const char *lsvm_pool_group_text(const struct group *group, char *buf, size_t size)
{
	const struct ipvs_key *key = &group->service->key;
	char text[LSVM_ADDRESS_TEXT_BYTES * 2];

	if (!group->vip || !group->model) {
		snprintf(buf, size, "%s", lsvm_ipvs_key_text(key, text));
		return buf;
	}
	if (key->fwmark)
		snprintf(buf, size, "%s mark %u", group->vip->name, key->fwmark);
	else
		snprintf(buf, size, "%s %s %u", group->vip->name,
			 lsvm_protocol_name((int)group->model->protocol), key->port);
	return buf;
}
