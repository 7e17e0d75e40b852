/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The agent among others: what machines say to each other (lib/peer), and the telling of
 * connections from one director to another.
 *
 * The kernels' sync daemons tell only of connections that change or are busy. So a
 * director that comes back asks the others to tell it all (`tell`: the kernel's list,
 * piece by piece, as sync messages to the group that its kernel listens to), counts
 * whether they arrived, and takes no addresses from a living director before that.
 */
#ifndef LSVM_AGENT_PEER_H
#define LSVM_AGENT_PEER_H

#include "agent/agent.h"
#include "ipvs/sync.h"
#include "peer/peer.h"

/* Counting what was told begins after the last message had time to be read. */
#define PEER_COUNT_AFTER_NS (50 * IO_MS)
/* How often another director is asked when not all has arrived. */
#define PEER_ASK_MAX 3
/* A handover takes at most so long: packets wait no longer than for a retransmission. */
#define PEER_HANDOVER_NS (250 * IO_MS)
/* The kernel reads what was told by and by: how often it is looked at in a handover. */
#define PEER_HANDOVER_LOOK_NS (5 * IO_MS)
/* Who said that it goes and did not is judged by its checks alone after that. */
#define PEER_LEAVING_NS (120 * IO_S)

/* A call to one machine. */
struct line {
	struct seat seat;
	struct channel *channel;
	struct peer_call call;
	char name[PEER_NAME_BYTES]; /* of who is called */
	uint32_t ask_count;
	bool over; /* done or given up, and told */
};

/* The list of connections, read line by line. */
struct listing {
	struct seat seat;
	struct channel *file; /* NULL: not reading */
	char line[CONNECTION_LINE_BYTES];
	size_t length;
	uint32_t count; /* lines that are connections */
};

/* Telling all connections. */
struct tell {
	struct listing list;
	struct seat seat;
	struct channel *group; /* where sync messages go; NULL: nothing is told now */
	struct sync_message message;
	size_t max_bytes;
	uint8_t sync_id;
	uint32_t count;
	VEC(struct peer_talk *) asked; /* by whom; answered at the end */
	VEC(struct peer_talk *) next;  /* asked while it was told already */
};

/* A server that said that it goes. */
struct leaving {
	char name[PEER_NAME_BYTES];
	uint64_t until_ns;
};

struct peer {
	char *key_path;
	bool has_key;
	struct peer_key key;
	struct peer_hear *hear; /* directors */
	struct ear {
		struct seat seat;
		struct channel *channel;
	} ears[2]; /* IPv4, IPv6 */
	VEC(struct line *) lines;
	VEC(struct leaving) leaving;
	struct tell tell;
	struct listing own;  /* how many connections are here */
	uint32_t told_count; /* how many should be, at most */
	uint64_t count_ns;
	bool handing_over; /* to us; asked, and not answered */
	bool was_asked;
	bool asking; /* the other directors' answers are not all in */
	bool announced;
	uint64_t heard_count, refused_count, refused_said, refused_ns;
	struct trouble trouble;
};

/* ---- telling (tell.c) ---- */

/* Somebody asked; answered when all is told. */
void lsvm_tell_for(struct lsvm_agent *agent, struct peer_talk *talk);
bool lsvm_tell_is_busy(const struct lsvm_agent *agent);
/* Counts the connections here; then lsvm_peer_counted(). */
int lsvm_tell_count(struct lsvm_agent *agent);
void lsvm_tell_free(struct lsvm_agent *agent);

/* ---- calling others (line.c) ---- */

#define PEER_SUBJECT "signals" /* of events */

/* Says the word to all other directors. */
void lsvm_lines_say(struct lsvm_agent *agent, enum peer_word word);
/* Asks them for their connections; lsvm_peer_holds_back() until they are here. */
void lsvm_lines_ask(struct lsvm_agent *agent);
/* All that were called have answered, or will not. */
bool lsvm_lines_over(const struct peer *peer);
void lsvm_lines_close(struct lsvm_agent *agent);
uint64_t lsvm_lines_deadline(const struct peer *peer);
void lsvm_lines_tick(struct lsvm_agent *agent, uint64_t now_ns);

/* ---- being called (ear.c) ---- */

int lsvm_ears_open(struct lsvm_agent *agent);
uint64_t lsvm_ears_deadline(const struct peer *peer);
void lsvm_ears_tick(struct lsvm_agent *agent, uint64_t now_ns);

/* ---- for tell.c (line.c, ear.c) ---- */

void lsvm_peer_counted(struct lsvm_agent *agent, uint32_t count);
void lsvm_peer_answer(struct lsvm_agent *agent, struct peer_talk *talk, uint32_t number);

#endif
