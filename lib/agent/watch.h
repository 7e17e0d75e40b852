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
	size_t index;	/* in the pool */
	bool told_down; /* what the pool was told last */
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
	/* While a card of this director is down, and until `trust_ns` after that, a
	 * server that does not answer says nothing about the server. */
	bool cut;
	uint64_t trust_ns; /* 0: bad news is believed again */
};

#endif
