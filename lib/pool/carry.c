/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reload: what was known of the same targets, servers and destinations goes on. Equal
 * targets are found by what they ask and where; a destination by its service, address and
 * port; a server's drain by its name and its partition's. A destination that is new to a
 * service that was there already starts slowly; the servers of a new service, and all
 * that a starting director finds in its plan, do not.
 */
#include "pool/private.h"

#include <stdlib.h>

/* Everything that makes two targets of two clusters the same. */
static void target_key(const struct watched *watched, struct buf *key)
{
	const struct target_spec *spec = &watched->spec;
	const char *domain = spec->domain ? spec->domain : "";

	key->length = 0;
	lsvm_check_key(spec->check, key);
	lsvm_buf_add(key, &spec->addr, sizeof(spec->addr));
	lsvm_buf_add(key, &spec->port, sizeof(spec->port));
	lsvm_buf_add(key, &spec->mark, sizeof(spec->mark));
	lsvm_buf_add(key, &spec->protocol, sizeof(spec->protocol));
	lsvm_buf_add(key, domain, strlen(domain));
}

static bool put(struct map *map, struct arena *arena, const void *key, size_t length,
		size_t number)
{
	void *copy = lsvm_arena_alloc(arena, length ? length : 1);

	if (!copy)
		return false;
	memcpy(copy, key, length);
	return lsvm_map_put(map, copy, length, (void *)(number + 1), NULL) !=
	       LSVM_ERR_NOMEM;
}

static bool carry_targets(struct pool *pool, const struct pool *from, struct map *map,
			  struct arena *arena)
{
	struct buf key = { 0 };
	bool whole = true;

	for (uint32_t i = 0; whole && i < from->target_count; i++) {
		target_key(&from->targets[i], &key);
		whole = !key.failed && put(map, arena, key.data, key.length, i);
	}
	for (uint32_t i = 0; whole && i < pool->target_count; i++) {
		struct watched *to = &pool->targets[i];
		const struct watched *old;
		size_t number;

		target_key(to, &key);
		whole = !key.failed;
		number = whole ? (size_t)lsvm_map_get(map, key.data, key.length) : 0;
		if (!number)
			continue;
		old = &from->targets[number - 1];
		to->state = old->state;
		to->percent = old->percent;
		to->said = old->said && to->server != NONE && old->server != NONE;
		to->cause = old->cause ? strdup(old->cause) : NULL;
	}
	lsvm_buf_free(&key);
	return whole;
}

static const char *member_key(const struct pool *pool, uint32_t number,
			      struct arena *arena)
{
	const struct pool_member *member = &pool->members[number];

	/* Names have no line ends. */
	return lsvm_arena_printf(arena, "%s\n%s", member->partition->name,
				 pool->servers[member->server].name);
}

static bool carry_members(struct pool *pool, const struct pool *from, struct map *map,
			  struct arena *arena)
{
	for (uint32_t i = 0; i < from->member_count; i++) {
		const char *key =
			from->members[i].drained ? member_key(from, i, arena) : "";

		if (!key || (*key && !put(map, arena, key, strlen(key), i)))
			return false;
	}
	for (uint32_t i = 0; map->count && i < pool->member_count; i++) {
		const char *key = member_key(pool, i, arena);
		size_t number;

		if (!key)
			return false;
		number = (size_t)lsvm_map_find(map, key);
		if (!number)
			continue;
		pool->members[i].drained = from->members[number - 1].drained;
		pool->members[i].by_operator = from->members[number - 1].by_operator;
		pool->members[i].leaving = from->members[number - 1].leaving;
	}
	return true;
}

static bool carry_servers(struct pool *pool, const struct pool *from, struct map *map)
{
	for (uint32_t i = 0; i < from->server_count; i++) {
		const char *name = from->servers[i].name;

		if (lsvm_map_put(map, name, strlen(name), (void *)((size_t)i + 1),
				 NULL) == LSVM_ERR_NOMEM)
			return false;
	}
	for (uint32_t i = 0; i < pool->server_count; i++) {
		struct pool_server *to = &pool->servers[i];
		size_t number = (size_t)lsvm_map_find(map, to->name);

		if (!number)
			continue;
		to->more_said = from->servers[number - 1].more_said;
		to->down_ns = from->servers[number - 1].down_ns;
	}
	return true;
}

static void carry_seat(struct seat *to, const struct seat *old)
{
	to->in = old->in;
	/* Of a weight that is another one now, only that there was one. */
	to->weight = old->weight;
	to->ramping = old->ramping;
	to->ramp_ns = old->ramp_ns;
}

/* Both are sorted by address and port. */
static void carry_group(struct pool *pool, struct group *to, const struct pool *from,
			const struct group *old)
{
	uint32_t a = 0, b = 0;

	to->mode = old->mode;
	to->quorum_lost = old->quorum_lost;
	while (a < to->seat_count && b < old->seat_count) {
		struct seat *seat = &pool->seats[to->first_seat + a];
		const struct seat *was = &from->seats[old->first_seat + b];
		int order = lsvm_ipvs_destination_compare(seat->destination,
							  was->destination);

		if (order == 0)
			carry_seat(seat, was);
		a += order <= 0;
		b += order >= 0;
	}
	if (to->sorry != NONE && old->sorry != NONE)
		carry_seat(&pool->seats[to->sorry], &from->seats[old->sorry]);
	if (to->mode == GROUP_SORRY && to->sorry == NONE)
		to->mode = GROUP_NORMAL;
}

static void begin_full(struct pool *pool, const struct group *group)
{
	for (uint32_t i = 0; i < group->seat_count; i++) {
		struct seat *seat = &pool->seats[group->first_seat + i];

		seat->in = true;
		seat->weight = seat->destination->weight;
	}
}

/* A service that is new begins with all its servers at once. */
static void carry_groups(struct pool *pool, const struct pool *from)
{
	for (uint32_t i = 0; i < pool->group_count; i++) {
		struct group *group = &pool->groups[i];
		const struct ipvs_service *old =
			from ? lsvm_ipvs_table_lookup(from->full, &group->service->key)
			     : NULL;

		if (old)
			carry_group(pool, group, from,
				    &from->groups[old - from->full->services.items]);
		else
			begin_full(pool, group);
	}
}

int lsvm_pool_carry(struct pool *pool, const struct pool *from)
{
	struct map targets = { 0 }, members = { 0 }, servers = { 0 };
	struct arena arena = { 0 };
	bool whole = !from || (carry_targets(pool, from, &targets, &arena) &&
			       carry_members(pool, from, &members, &arena) &&
			       carry_servers(pool, from, &servers));

	if (whole)
		carry_groups(pool, from);
	lsvm_map_free(&targets);
	lsvm_map_free(&members);
	lsvm_map_free(&servers);
	lsvm_arena_free(&arena);
	return whole ? 0 : lsvm_fail_nomem(pool->ctx);
}
