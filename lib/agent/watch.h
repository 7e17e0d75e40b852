/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What joins checks (lib/health) to the pool (lib/pool). */
#ifndef LSVM_AGENT_WATCH_H
#define LSVM_AGENT_WATCH_H

#include "agent/agent.h"
#include "pool/pool.h"

/* The channel of one probe. For lib/health this is the channel itself. */
struct probe_seat {
	struct seat seat;
	struct probe *probe;
	struct channel *channel;
	struct probe_seat *next; /* in the list of those that are free */
};

struct watched {
	struct target *target;
	size_t index;		/* in the pool */
	bool told_down;		/* what the pool was told last */
	uint64_t failure_count; /* of the target, when this director was cut off last */
};

/* A pool and the targets that are probed for it, by address of the target. */
struct watchlist {
	struct pool *pool;
	struct watched *items;
	size_t count;
};

struct watch {
	struct health *health;
	struct watchlist now, next; /* next: during a reload */
	struct probe_seat *free_seats;
	struct trouble edit_trouble, open_trouble;
	bool pool_moved; /* edits or events may wait in the pool */
	bool settled;
	/* While a card of this director is down, a server that does not answer says
	 * nothing about the server; after that it must fail as often as any other. */
	bool cut;
	uint64_t back_ns;  /* since when no card is down; 0: all is known again */
	uint64_t doubt_ns; /* when to look again whether it is */
};

#endif
