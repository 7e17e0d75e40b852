/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's IPVS schedulers over one virtual service, decision for decision.
 *
 * A machine holds what the kernel holds for the service: the list of destinations, newest
 * first, because the kernel prepends; the scheduler's own state; connections and
 * persistence templates. It has no clock: callers say what time it is. Behaviour is that
 * of Linux 6.1 on a 64-bit little-endian machine, as tests/conformance compares it.
 *
 * A destination that was removed stays, out of the list, for it is revived with its
 * connections when the same address and port are added again, as the kernel does it.
 */
#ifndef LSVM_SCHED_SCHED_H
#define LSVM_SCHED_SCHED_H

#include "ipvs/table.h"

#include <libsvm/sched.h>

#define SCHED_HASH_SLOTS 256	/* of sh and dh */
#define SCHED_MAGLEV_SLOTS 4093 /* of mh; a prime */
#define SCHED_CACHE_BITS 10	/* of lblc and lblcr: buckets 2^10 */
#define SCHED_CACHE_BUCKETS (1 << SCHED_CACHE_BITS)
#define SCHED_CACHE_ENTRIES_MAX (SCHED_CACHE_BUCKETS * 16)

/* What names a destination; without holes, for it is the key of a map. */
struct sched_name {
	uint8_t family, bytes[16], zero;
	uint16_t port;
};

struct sched_dest {
	/* First what a walk over all of them reads. */
	struct sched_dest *next;
	int32_t weight;
	uint32_t active, inactive;
	bool overloaded, present;
	struct sched_dest *prev;
	uint32_t upper, lower;
	int32_t last_weight; /* of the last edit that was not to 0 */
	uint32_t number;     /* in lsvm_sched.all */
	struct sched_name name;
	uint32_t offset, skip, turns; /* mh's permutation */
};

/* The packet that wants a destination. */
struct sched_packet {
	struct addr client, virtual;
	uint16_t client_port;
	uint8_t protocol;
	uint64_t now_ms;
};

/* Where rr stands: a destination or the list's head. */
struct sched_turn {
	struct sched_dest *at;
	int32_t current, top, step; /* wrr only */
};

/* lblc's and lblcr's memory of one address: its server, or its set of servers. */
struct sched_member {
	struct sched_member *next;
	struct sched_dest *dest;
};

struct sched_cached {
	struct sched_cached *next;
	struct addr addr;
	struct sched_member *members; /* newest first; exactly one with lblc */
	uint32_t member_count;
	uint64_t used_ms, changed_ms;
};

struct sched_cache {
	struct sched_cached **buckets; /* NULL unless the scheduler is lblc or lblcr */
	uint32_t count, rover, round;
	uint64_t next_check_ms;
};

/* A client (or network of clients) that keeps its server. */
struct sched_template {
	struct sched_template *next;
	struct addr client; /* masked */
	struct sched_dest *dest;
	uint64_t expires_ms, timeout_ms;
	uint32_t controlled; /* connections that came of it and live */
	bool usable;	     /* false: out of the buckets, waits for its connections */
};

struct sched_templates {
	struct sched_template **buckets;
	size_t bucket_count, count; /* a power of two */
};

struct sched_connection {
	struct sched_dest *dest; /* NULL: free */
	struct sched_template *template;
	bool active;
	uint32_t next_free;
};

enum sched_event {
	SCHED_BEGIN = 1,
	SCHED_ADDED,
	SCHED_EDITED,
	SCHED_REMOVED
};

struct scheduler {
	const char *name;
	/* The service got this scheduler, or its destinations changed (dest). May be
	 * NULL. */
	int (*notice)(struct lsvm_sched *s, enum sched_event event,
		      struct sched_dest *dest);
	/* The destination, or NULL; a negative error without memory. With peek nothing
	 * changes. */
	int (*pick)(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		    struct sched_dest **ret);
	bool has_history; /* what it answers does not follow from the table alone */
};

struct lsvm_sched {
	struct lsvm_ctx *ctx;
	struct arena arena; /* destinations */
	const struct scheduler *scheduler;
	struct ipvs_key key;
	uint32_t flags, persistence_s, netmask;
	bool expire_quiescent;
	uint32_t cache_expiration_s;
	uint64_t now_ms; /* the latest time heard */

	struct sched_dest list; /* the head */
	size_t present_count;
	VEC(struct sched_dest *) all;
	struct map by_name;

	struct sched_turn turn;
	struct sched_dest **slots; /* of dh, sh, mh */
	bool slots_stale;
	struct sched_cache cache;

	struct sched_templates templates;
	VEC(struct sched_connection) connections;
	uint32_t first_free; /* index + 1 */
};

/* Unknown: NULL. */
const struct scheduler *lsvm_scheduler_find(const char *name);

/* ---- the machine (machine.c) ---- */

int lsvm_sched_create(struct lsvm_ctx *ctx, const struct ipvs_service *service,
		      struct lsvm_sched **ret);
int lsvm_sched_service_edit(struct lsvm_sched *s, const struct ipvs_service *service);
int lsvm_sched_dest_add(struct lsvm_sched *s, const struct addr *addr, uint16_t port,
			uint32_t weight, uint32_t upper, uint32_t lower,
			struct sched_dest **ret);
int lsvm_sched_dest_edit(struct lsvm_sched *s, struct sched_dest *dest, uint32_t weight,
			 uint32_t upper, uint32_t lower);
int lsvm_sched_dest_remove(struct lsvm_sched *s, struct sched_dest *dest);
/* The service is deleted: no destinations, connections live on. */
void lsvm_sched_vacate(struct lsvm_sched *s);
/* It is added again after that; service has no destinations yet. */
int lsvm_sched_begin_anew(struct lsvm_sched *s, const struct ipvs_service *service);
struct sched_dest *lsvm_sched_dest_lookup(const struct lsvm_sched *s,
					  const struct addr *addr, uint16_t port);

/* ---- decisions (connect.c) ---- */

/* Schedules without persistence: an enum lsvm_sched_outcome, or negative. */
int lsvm_sched_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		    struct sched_dest **ret);
/* With persistence and a connection that is counted. */
int lsvm_sched_begin(struct lsvm_sched *s, const struct sched_packet *packet,
		     struct sched_dest **ret, uint32_t *ret_connection);
int lsvm_sched_foresee(struct lsvm_sched *s, const struct sched_packet *packet,
		       struct sched_dest **ret);
/* Why no destination was found. */
int lsvm_sched_refusal(const struct lsvm_sched *s, const struct sched_packet *packet);

/* ---- flows to try a machine with (agree.c) ---- */

/* Clients and, for a service with a mark, virtual addresses, spread evenly. */
struct sched_packet lsvm_sched_spread(const struct lsvm_sched *s, uint32_t number);

/* ---- templates (template.c) ---- */

struct sched_template *lsvm_template_find(struct lsvm_sched *s, const struct addr *client,
					  uint64_t now_ms, bool peek);
/* Room for one more, so that the next add cannot fail for want of buckets. */
struct sched_template *lsvm_template_new(struct lsvm_sched *s, const struct addr *client);
void lsvm_template_add(struct lsvm_sched *s, struct sched_template *template);
/* No longer found; freed now or with its last connection. */
void lsvm_template_spoil(struct lsvm_sched *s, struct sched_template *template);
void lsvm_template_release(struct lsvm_sched *s, struct sched_template *template,
			   uint64_t now_ms);
void lsvm_templates_clear(struct lsvm_sched *s);

/* ---- hashing (hash.c) ---- */

/* The 32 bits that stand for an address of a service of that family. */
uint32_t lsvm_sched_fold(uint8_t family, const uint8_t *bytes, uint8_t own_family);
uint32_t lsvm_sched_multiply(uint32_t value, unsigned bits);
uint32_t lsvm_sched_siphash(uint32_t value, uint64_t key);
/* The slot of the packet in the table that dh, sh or mh use now. */
struct sched_dest *lsvm_sched_home(struct lsvm_sched *s,
				   const struct sched_packet *packet);

/* ---- memory of lblc and lblcr (cache.c) ---- */

int lsvm_cache_begin(struct lsvm_sched *s);
void lsvm_cache_clear(struct lsvm_sched *s);
struct sched_cached *lsvm_cache_find(const struct lsvm_sched *s, const struct addr *addr);
/* Forgets what the kernel's timer would have forgotten by now. */
void lsvm_cache_age(struct lsvm_sched *s, uint64_t now_ms);
/* A new entry, without members; NULL: out of memory. */
struct sched_cached *lsvm_cache_add(struct lsvm_sched *s, const struct addr *addr,
				    uint64_t now_ms);

/* ---- the schedulers ---- */

int lsvm_rr_notice(struct lsvm_sched *s, enum sched_event event, struct sched_dest *dest);
int lsvm_wrr_notice(struct lsvm_sched *s, enum sched_event event,
		    struct sched_dest *dest);
int lsvm_hash_notice(struct lsvm_sched *s, enum sched_event event,
		     struct sched_dest *dest);
int lsvm_cache_notice(struct lsvm_sched *s, enum sched_event event,
		      struct sched_dest *dest);

#define PICK(name)                                                                       \
	int lsvm_##name##_pick(struct lsvm_sched *s, const struct sched_packet *packet,  \
			       bool peek, struct sched_dest **ret)
PICK(rr);
PICK(wrr);
PICK(lc);
PICK(wlc);
PICK(sed);
PICK(nq);
PICK(fo);
PICK(ovf);
PICK(lblc);
PICK(lblcr);
PICK(dh);
PICK(sh);
PICK(mh);

/* The kernel's int arithmetic, which wraps. */
static inline int32_t lsvm_sched_load(const struct sched_dest *dest)
{
	return (int32_t)((dest->active << 8) + dest->inactive);
}

#define each_dest(s, dest)                                                               \
	for (struct sched_dest *dest = (s)->list.next; dest != &(s)->list;               \
	     dest = dest->next)

#endif
