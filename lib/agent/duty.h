/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Duty: the virtual routers of a director, all of which move together, because what makes
 * one of them unfit makes all unfit.
 */
#ifndef LSVM_AGENT_DUTY_H
#define LSVM_AGENT_DUTY_H

#include "agent/agent.h"
#include "vrrp/vrrp.h"

#define ROUTERS_MAX 2 /* one of each family */
#define ROUTER_SUBJECT_BYTES (VRRP_NAME_BYTES + 8)

/* One virtual router, and the addresses that move with it. */
struct router {
	struct seat seat;
	struct vrrp vrrp;
	char subject[ROUTER_SUBJECT_BYTES]; /* "vrrp front ipv4" */
	char interface[INTERFACE_BYTES];
	struct channel *channel; /* NULL: it could not be opened, or broke */
	bool held;
	uint64_t looked_ns; /* when this machine was seen awake last */
	/* A handover between living directors waits for connections to be told: when it
	 * waits no longer. IO_NEVER: none is under way. */
	uint64_t handover_ns;
	VEC(struct address) addresses;
	/* All that a takeover and its opposite have to do, made in advance. */
	VEC(struct step) claim, release;
	struct trouble channel_trouble, claim_trouble;
};

struct link_state {
	char name[INTERFACE_BYTES];
	bool needed; /* without it this director is of no use */
	bool known, up;
};

struct routers {
	struct router *items[ROUTERS_MAX];
	size_t count;
};

struct duty {
	struct seat links_seat;
	struct channel *links_channel;
	VEC(struct link_state) links;
	struct routers now, next; /* next: during a reload */
	bool ready;		  /* the plan is applied */
	bool fit, started;
	struct trouble will_trouble;
	struct retry retry;
	uint64_t reopen_ns; /* channels; IO_NEVER: all are open */
};

/* ---- router.c ---- */

/* The virtual routers that the aim asks of this machine; none when it is alone. */
int lsvm_routers_make(struct lsvm_agent *agent, const struct aim *aim,
		      struct routers *ret);
void lsvm_routers_free(struct routers *routers);
/* The virtual router goes on with what `next`, made for a reload, says, so that nobody
 * notices; false: it is another virtual router. */
bool lsvm_router_carry(struct router *router, struct router *next);
void lsvm_router_free(struct router *router);
/* Looks again for the address that adverts come from. */
void lsvm_router_find_source(struct lsvm_agent *agent, struct router *router);
/* Adds or removes the addresses, whatever is there already. */
void lsvm_router_hold(struct lsvm_agent *agent, struct router *router, bool hold);
/* What the machine does when this process is gone. */
void lsvm_routers_will(struct lsvm_agent *agent, const struct routers *routers);

#endif
