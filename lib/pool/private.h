/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of the pool share.
 *
 * A `seat` is a destination's place in one IPVS service: taken by a member of the
 * partition, or by the sorry server. A `group` is one IPVS service with its seats. A
 * `watched` is a target with all that depends on it: seats, and hosts of back-end
 * services. All arrays are laid out once, with indices from one to the other, so that a
 * fact touches what depends on it and nothing else, and never needs memory.
 */
#ifndef LSVM_POOL_PRIVATE_H
#define LSVM_POOL_PRIVATE_H

#include "pool/pool.h"

#define NONE UINT32_MAX
#define EVENTS_MAX 4096 /* that nobody pulls; more are counted */
#define RAMP_STEPS 10
/* Of one server's failing checks so many are events of their own. */
#define SAID_MAX 8

/* Many indices for each of many: those of item n are at[start[n]] to at[start[n + 1]]. */
struct index {
	uint32_t *start, *at;
};
static inline size_t index_count(const struct index *index, size_t n)
{
	return index->start[n + 1] - index->start[n];
}
static inline const uint32_t *index_of(const struct index *index, size_t n)
{
	return index->at + index->start[n];
}

struct watched {
	struct target_spec spec;
	enum target_state state;
	uint32_t percent;
	uint32_t server; /* in pool->servers; NONE: of back-ends only */
	char *cause;	 /* from malloc; NULL: none */
	bool said;	 /* its failure was an event */
};

struct pool_server {
	const char *name;
	uint32_t bad_count;  /* targets that are down */
	uint32_t said_count; /* of those, events of their own */
	bool more_said;	     /* that there are more */
	uint64_t down_ns;    /* since when some are down */
};

struct pool_member {
	const struct member *member;
	const struct partition *partition;
	uint32_t server;
	bool drained; /* for one of these two reasons: */
	bool by_operator, leaving;
};

/* In which list of edits a seat waits: in this order they are told. */
enum edit_class {
	EDIT_NONE,
	EDIT_RAISE, /* added, or more weight */
	EDIT_LOWER,
	EDIT_REMOVE,
	EDIT_CLASS_COUNT
};

struct seat {
	const struct ipvs_destination *destination;
	uint32_t group;
	uint32_t member;    /* NONE: a sorry server, or not ours to judge */
	uint32_t bad_count; /* of its targets */
	uint32_t percent;   /* the least of its targets' */
	uint32_t weight, told_weight;
	bool in, told_in;
	enum edit_class class; /* the list it is in, with its neighbours there */
	uint32_t next, previous;
	bool ramping;
	uint64_t ramp_ns;   /* when its slow start began */
	uint64_t due_ns;    /* when it goes on */
	uint32_t heap_slot; /* in pool->ramps; NONE: not there */
};

enum group_mode {
	GROUP_NORMAL,
	GROUP_SORRY, /* the sorry server answers */
	GROUP_OPEN,  /* all look dead and nobody else could answer: all stay in */
};

struct group {
	const struct ipvs_service *service;
	const struct vip *vip;	     /* NULL: not of the cluster file (probes) */
	const struct service *model; /* the first, where a mark stands for several */
	uint32_t first_seat, seat_count;
	uint32_t candidate_count; /* not drained, and with a weight */
	uint32_t available_count; /* of those, with good checks */
	uint32_t quorum, needs_down, slow_start_ms;
	uint32_t sorry; /* seat; NONE */
	const char *sorry_name;
	enum group_mode mode;
	bool quorum_lost;
	bool weighs;	      /* the scheduler gives less to a smaller weight */
	bool refuses_at_zero; /* sh, mh without fallback: see state.c */
	bool keeps_slots;     /* sh, mh: added drained means added, then drained */
};

struct pool_host {
	const struct machine *machine;
	uint32_t backend, bad_count, target_count;
};

struct pool_backend {
	const struct backend_service *service;
	uint32_t first_host, host_count, bad_count; /* hosts that are down */
	bool down;
};

struct pool {
	struct lsvm_ctx *ctx;
	struct lsvm_cluster *cluster;
	struct lsvm_ipvs_table *full; /* ours alone */
	struct arena arena;

	struct watched *targets;
	struct pool_server *servers;
	struct pool_member *members;
	struct seat *seats; /* those of full in its order, then the sorry servers */
	struct group *groups;
	struct pool_host *hosts;
	struct pool_backend *backends;
	uint32_t target_count, server_count, member_count, seat_count, group_count,
		host_count, backend_count;

	struct index target_seats, target_hosts, seat_targets, member_seats,
		server_targets, backend_groups, group_backends;

	uint32_t unknown_count; /* targets without a verdict */
	uint32_t first[EDIT_CLASS_COUNT], last[EDIT_CLASS_COUNT];
	uint32_t *ramps; /* a heap by due_ns */
	uint32_t ramp_count;

	struct lsvm_ipvs_table *table; /* what lsvm_pool_table() gave */
	bool table_stale;

	VEC(struct event) events;
	size_t event_next; /* the first that was not pulled */
	uint64_t events_lost;
};

/* ---- compile.c, targets.c, backends.c: laying it out ---- */

struct pair {
	uint32_t from, to;
};
struct builder {
	struct pool *pool;
	struct arena scratch;
	struct map checks;   /* what is asked -> its number */
	struct map pointers; /* struct check * -> its number */
	struct map targets;  /* check, address, port, … -> its number */
	struct map probes;   /* destination -> mark of its service for probes */
	struct map servers;  /* name -> its number */
	VEC(struct watched) watched;
	VEC(struct pool_host) hosts;
	VEC(struct pair) seat_targets, host_targets, group_backends;
	bool failed;
};
/* The target's number, made when there is none; NONE when memory ran out. */
uint32_t lsvm_pool_want_target(struct builder *builder, const struct check *check,
			       const struct addr *addr, uint16_t port, uint32_t mark,
			       enum lsvm_protocol protocol, const struct vip *vip,
			       const struct addr *through, uint32_t server);
void lsvm_pool_find_probes(struct builder *builder);
/* The mark that leads a probe to that destination; 0: there is none. `port`: of the
 * servers, where it is another one than the clients'; else 0. */
uint32_t lsvm_pool_probe_mark(const struct builder *builder, uint8_t family,
			      const struct ipvs_destination *destination, uint16_t port);
void lsvm_pool_add_backends(struct builder *builder);
uint32_t lsvm_pool_add_server(struct builder *builder, const char *name);
/* Facts, drains and slow starts of an earlier pool (carry.c). */
int lsvm_pool_carry(struct pool *pool, const struct pool *from);
/* An unsealed copy without counters, with or without destinations (table.c). */
int lsvm_pool_copy_table(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *from,
			 bool destinations, struct lsvm_ipvs_table **ret);
/* Sorts pairs into an index over `count` items; equal pairs become one. */
void lsvm_pool_index(struct pool *pool, const struct pair *pairs, size_t pair_count,
		     size_t count, struct index *ret);

/* ---- state.c ---- */

/* Counts anew from targets and drains, and settles modes and weights; what is so then
 * needs no edits. */
void lsvm_pool_settle(struct pool *pool, uint64_t now_ns);

/* ---- ramp.c: slow starts ---- */

/* Between nothing and all of `weight`, as long after the start as it is. */
uint32_t lsvm_pool_ramp_weight(struct pool *pool, struct seat *seat, uint32_t weight,
			       uint64_t now_ns);
void lsvm_pool_ramp_push(struct pool *pool, struct seat *seat);
void lsvm_pool_ramp_drop(struct pool *pool, struct seat *seat);

/* ---- queue.c ---- */

void lsvm_pool_queue(struct pool *pool, struct seat *seat);
void lsvm_pool_say(struct pool *pool, enum lsvm_event_kind kind,
		   enum lsvm_severity severity, const char *subject, const char *fmt, ...)
	LSVM_PRINTF(5, 6);

/* "vip-a1 tcp 80", "vip-a1 mark 7" */
const char *lsvm_pool_group_text(const struct group *group, char *buf, size_t size);

static inline bool seat_is_sorry(const struct pool *pool, const struct seat *seat)
{
	return pool->groups[seat->group].sorry == (uint32_t)(seat - pool->seats);
}
static inline bool seat_is_drained(const struct pool *pool, const struct seat *seat)
{
	return seat->member != NONE && pool->members[seat->member].drained;
}

#endif
