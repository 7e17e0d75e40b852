/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a change does, service by service.
 *
 * The changes themselves are followed, in their order, on a machine of lib/sched that
 * begins as the present service: so history counts as it does in the kernel. Two such
 * machines, one before and one after, are asked the same 4,096 questions.
 */
#ifndef LSVM_IMPACT_IMPACT_H
#define LSVM_IMPACT_IMPACT_H

#include "sched/sched.h"

#include <libsvm/impact.h>

#define IMPACT_FLOWS 4096
#define IMPACT_FATES (LSVM_IMPACT_FATE_STRANDED + 1)

struct impact_destination {
	struct addr addr;
	uint16_t port;
	bool was, is;
	uint32_t weight_before, weight_after;
	uint32_t share_before, share_after; /* millionths */
	uint64_t lost;
};

struct impact_note {
	const char *code, *text; /* text in the arena */
};

struct impact_service {
	struct ipvs_key key;
	enum lsvm_impact_level level;
	uint64_t fates[IMPACT_FATES];
	uint32_t balance_before, balance_after;	     /* thousandths */
	VEC(struct impact_destination) destinations; /* in table order */
	VEC(struct impact_note) notes;
};

struct lsvm_impact {
	struct lsvm_ctx *ctx;
	struct arena arena;
	enum lsvm_impact_level level;
	VEC(struct impact_service) services;
};

/* One service on its way. */
struct impact_case {
	struct lsvm_impact *impact;
	struct impact_service *service;	    /* what is found out */
	const struct ipvs_service *present; /* NULL: it is new */
	const struct ipvs_service *wanted;  /* as it is at last; NULL: it goes */
	const struct ipvs_change *const *changes;
	size_t change_count;
	uint32_t flags;
	bool family_ends;		   /* nothing of its address family is left */
	struct lsvm_sched *before, *after; /* NULL: no service, or not to be foretold */
	bool is_foretold;
};

struct impact_destination *lsvm_impact_find(struct impact_service *service,
					    const struct addr *addr, uint16_t port);
void lsvm_impact_raise(struct impact_service *service, enum lsvm_impact_level level);
void lsvm_impact_add_note(struct impact_case *c, const char *code, const char *fmt, ...)
	LSVM_PRINTF(3, 4);

/* ---- connections.c: what becomes of those that live ---- */

int lsvm_impact_connections(struct impact_case *c);

/* ---- clients.c: what becomes of those that come ---- */

int lsvm_impact_clients(struct impact_case *c);

/* ---- notes.c: what else is to be known ---- */

void lsvm_impact_notes(struct impact_case *c);

#endif
