/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Virtual Router Redundancy Protocol: version 3 (RFC 9568) and 2 (RFC 3768), IPv4 and
 * IPv6, to a group or to named peers.
 *
 * One `vrrp` is one virtual router on one machine. It has no clock and no socket: facts
 * go in (lsvm_vrrp_input_…, each with the time, a monotonic one in nanoseconds), and
 * after each the caller takes actions out until there are none (lsvm_vrrp_next), does
 * them in that order, and comes back with the next fact or at lsvm_vrrp_deadline(). The
 * machine is a plain value without memory of its own: it may be copied, and nothing in it
 * can run out.
 */
#ifndef LSVM_VRRP_VRRP_H
#define LSVM_VRRP_VRRP_H

#include "base/base.h"

#define VRRP_PROTOCOL 112 /* of IP */
#define VRRP_TTL 255	  /* who came through a router is not on this network */
#define VRRP_NEVER UINT64_MAX

#define VRRP_NAME_BYTES 64
#define VRRP_TEXT_BYTES 192
/* A packet fits into an MTU of 1500 bytes; it has one byte to count addresses in. */
#define VRRP_ADDRESSES_MAX 255
#define VRRP_ADDRESSES_MAX_IPV6 90
#define VRRP_PEERS_MAX 32
#define VRRP_PACKET_MAX_BYTES 1460
/* Refusals that are remembered, so that none is said twice in a minute. */
#define VRRP_SAID_MAX 16
#define VRRP_SAID_AGAIN_NS (60 * UINT64_C(1000000000))

#define VRRP_PRIORITY_RELEASED 0 /* in an advert: the master gives up */
#define VRRP_PRIORITY_LOWEST 1
#define VRRP_PRIORITY_OWNER 255

struct vrrp_config {
	char name[VRRP_NAME_BYTES];  /* for people */
	uint8_t version;	     /* 2 or 3 */
	uint8_t family;		     /* 4 or 6 */
	uint8_t router_id;	     /* 1 to 255 */
	uint8_t priority;	     /* 1 to 254, or 255: the owner of the addresses */
	uint32_t advert_interval_ms; /* version 3: a multiple of 10 up to 40950; version
					2: whole seconds up to 255 */
	bool preempt;		   /* takes over from a living master of lower priority */
	uint32_t preempt_delay_ms; /* not before it was fit for that long */
	bool pair;	 /* there is no third router: who is left takes over at a farewell
			    without waiting for a better one */
	bool unicast;	 /* adverts go to each of the peers, not to the group */
	uint8_t min_ttl; /* what unicast adverts must have on arrival; 0: 255. Adverts
			    to the group must always have 255. */
	struct addr source; /* what the adverts come from */
	/* What the adverts list; lsvm_vrrp_init() brings its copy into canonical order.
	 */
	struct addr addresses[VRRP_ADDRESSES_MAX];
	uint16_t address_count;
	/* With unicast, whom to send to. If there are any, nobody else is heard, in a
	 * group neither. */
	struct addr peers[VRRP_PEERS_MAX];
	uint16_t peer_count;
	bool accept; /* packets to the addresses are taken in by a master that does not
			own them; for those who carry out CLAIM */
	/* How often, and how far apart, the announcement of a takeover is repeated. */
	uint32_t announce_count, announce_interval_ms;
	/* And then for ever, for neighbours that were led astray by somebody who is
	 * silent since; 0: not. */
	uint32_t announce_refresh_ms;
};

/* ---- packets (packet.c) ---- */

/* Why a packet is refused. Words for people and metrics: lsvm_vrrp_refusal_name(). */
enum vrrp_refusal {
	VRRP_GOOD = 0,
	VRRP_REFUSED_SHORT = 1,	    /* ends before its header does */
	VRRP_REFUSED_FAMILY = 2,    /* came by the other version of IP */
	VRRP_REFUSED_ROUTER_ID = 3, /* for another virtual router: common, never said */
	VRRP_REFUSED_OWN = 4,	    /* our own address: looped back, or somebody has it */
	VRRP_REFUSED_SENDER = 5,    /* none of the peers */
	VRRP_REFUSED_DESTINATION = 6, /* not to the group, or not to us */
	VRRP_REFUSED_TTL = 7,
	VRRP_REFUSED_VERSION = 8,
	VRRP_REFUSED_TYPE = 9,	  /* no advert */
	VRRP_REFUSED_AUTH = 10,	  /* version 2: only without authentication */
	VRRP_REFUSED_LENGTH = 11, /* another one than its count of addresses asks */
	VRRP_REFUSED_CHECKSUM = 12,
	VRRP_REFUSED_INTERVAL = 13,  /* version 2: differs from ours; version 3: 0 */
	VRRP_REFUSED_ADDRESSES = 14, /* lists none of ours: another virtual router */
	/* Not refused, but said: the election goes on, so that there are never two
	 * masters of one address only because one of them has its new list already. */
	VRRP_DIFFERENT_ADDRESSES = 15, /* lists some of ours and others */
	VRRP_DIFFERENT_INTERVAL = 16,  /* version 3 */
	VRRP_REFUSAL_COUNT = 17,
};

const char *lsvm_vrrp_refusal_name(enum vrrp_refusal refusal);

struct vrrp_advert {
	uint8_t priority;
	uint64_t interval_ns;
	enum vrrp_refusal remark; /* VRRP_GOOD or one of VRRP_DIFFERENT_… */
};

/* Writes the advert to `destination` into buf, which must hold VRRP_PACKET_MAX_BYTES;
 * returns its length. The configuration must have passed lsvm_vrrp_check(). */
size_t lsvm_vrrp_encode(const struct vrrp_config *config, uint8_t priority,
			const struct addr *destination, uint8_t *buf);
/* The payload of an IP packet. *ret is set when the answer is VRRP_GOOD. */
enum vrrp_refusal lsvm_vrrp_decode(const struct vrrp_config *config,
				   const struct addr *src, const struct addr *dst,
				   uint8_t ttl, const uint8_t *bytes, size_t length,
				   struct vrrp_advert *ret);
/* 224.0.0.18 or ff02::12. */
struct addr lsvm_vrrp_group(uint8_t family);

/* ---- configuration (config.c) ---- */

/* Whether this can be a virtual router; the sentence says what to change. */
int lsvm_vrrp_check(struct lsvm_ctx *ctx, const struct vrrp_config *config);
/* Brings the addresses into canonical order, without doubles: link-local ones first (RFC
 * 9568, section 5.2.9), then by their bytes. */
void lsvm_vrrp_canonical(struct vrrp_config *config);

/* ---- machine (machine.c, next.c) ---- */

enum vrrp_state {
	VRRP_INIT = 0,	 /* not started, or stopped */
	VRRP_BACKUP = 1, /* listens */
	VRRP_MASTER = 2, /* holds the addresses */
	VRRP_FAULT = 3,	 /* not fit: takes no part */
};

/* "init", "backup", "master", "fault". */
const char *lsvm_vrrp_state_name(enum vrrp_state state);

enum vrrp_action_kind {
	/* The state changed; text is the cause. */
	VRRP_ACTION_STATE = 1,
	/* The addresses must not be on this machine: also once at the start, since a
	 * crash may have left them. */
	VRRP_ACTION_RELEASE = 2,
	/* bytes[0..length) are a packet of protocol 112 to destination, TTL 255. */
	VRRP_ACTION_SEND = 3,
	/* The addresses belong here now: add them and announce them to the neighbours. */
	VRRP_ACTION_CLAIM = 4,
	/* Announce them again; they are here. */
	VRRP_ACTION_ANNOUNCE = 5,
	/* A packet was refused, or differs (refusal); text is the sentence. */
	VRRP_ACTION_REFUSED = 6,
};

struct vrrp_action {
	enum vrrp_action_kind kind;
	enum vrrp_state before, after; /* STATE */
	struct addr destination;       /* SEND */
	const uint8_t *bytes;	       /* SEND; until the next call with the machine */
	size_t length;		       /* SEND */
	enum vrrp_refusal refusal;     /* REFUSED */
	struct addr from;	       /* REFUSED */
	const char *text;	       /* STATE, REFUSED; as long as bytes */
};

/* What happened, for status and metrics. */
struct vrrp_figures {
	uint64_t sent, heard, takeovers;
	uint64_t refused[VRRP_REFUSAL_COUNT];
};

/* A refusal that was said. */
struct vrrp_said {
	struct addr from;
	enum vrrp_refusal refusal;
	uint64_t at_ns;
	bool used;
};

enum vrrp_held {
	VRRP_HELD_UNKNOWN = 0, /* nobody was told yet */
	VRRP_HELD_NO = 1,
	VRRP_HELD_YES = 2,
};

struct vrrp {
	struct vrrp_config config;
	uint8_t priority; /* the one in force */
	enum vrrp_state state;
	bool fit;
	char reason[VRRP_TEXT_BYTES]; /* for it, as last said */
	uint64_t now_ns;	      /* the latest time that was ever said */
	uint64_t since_ns;	      /* of the state */
	uint64_t fit_ns;	      /* since when it may think of preempting */
	uint64_t interval_ns;	      /* ours */
	/* BACKUP */
	struct addr master; /* whom we follow; family 0: nobody was heard */
	uint8_t master_priority;
	uint64_t master_interval_ns; /* learnt with version 3; ours otherwise */
	uint64_t heard_ns;	     /* its last advert, or when we began to listen */
	uint64_t down_ns;	     /* when it is down, unless heard before */
	uint64_t forgiven_ns;	     /* of this silence: it was away itself */
	bool released;		     /* it gave up */
	bool passing_over; /* it lives, but we do not follow it: preemption; stays
			      set as long as we are master by that */
	bool yielded;	   /* we were master until it, living, preempted us */
	bool gave_grace;   /* once for each silence; see machine.c */
	/* MASTER */
	uint64_t advert_ns; /* when the next one is due */
	uint64_t sent_ns;   /* the last one, or when the doubt began */
	bool doubt;	    /* was absent for so long that another may be master */
	uint64_t asserted_ns, announced_ns; /* last answers to another master */
	uint64_t announce_ns;		    /* VRRP_NEVER: no more */
	uint32_t announce_left;
	/* What the caller has still to be told: as differences, so that nothing is lost
	 * or told twice however late it asks. */
	enum vrrp_state told_state;
	enum vrrp_held told_held;
	bool send_due, farewell_due, announce_due;
	bool is_sending;
	uint8_t sending;    /* the priority in the adverts that are being handed out */
	uint16_t send_next; /* to which peer next */
	char cause[VRRP_TEXT_BYTES];
	enum vrrp_refusal refusal_due; /* VRRP_GOOD: none */
	struct addr refusal_from;
	char refusal_text[VRRP_TEXT_BYTES];
	struct vrrp_said said[VRRP_SAID_MAX];
	uint64_t unsaid_count; /* refusals since the last one that was said */
	struct vrrp_figures figures;
	uint8_t packet[VRRP_PACKET_MAX_BYTES];
};

/* The machine in INIT. Errors as lsvm_vrrp_check(). */
int lsvm_vrrp_init(struct lsvm_ctx *ctx, const struct vrrp_config *config,
		   struct vrrp *ret);
/* Begins to take part, if it is fit (which it is unless told otherwise). */
void lsvm_vrrp_start(struct vrrp *vrrp, uint64_t now_ns);
/* Gives everything up; the others are told. It can be started again. */
void lsvm_vrrp_stop(struct vrrp *vrrp, uint64_t now_ns);
/* A packet of protocol 112, without the IP header. The answer is for tests. */
enum vrrp_refusal lsvm_vrrp_input_packet(struct vrrp *vrrp, uint64_t now_ns,
					 const struct addr *src, const struct addr *dst,
					 uint8_t ttl, const uint8_t *bytes,
					 size_t length);
/* Whether this machine could serve: its interface is up, its table has converged, the
 * agent is well. The reason is for people ("eth0 is down"). */
void lsvm_vrrp_input_ready(struct vrrp *vrrp, uint64_t now_ns, bool fit,
			   const char *reason);
/* Tracking lowers the priority and lifts it again: 1 to 254; an owner keeps 255. */
void lsvm_vrrp_input_priority(struct vrrp *vrrp, uint64_t now_ns, uint8_t priority);
/* The caller was away for that long against its will, before it looked at what came
 * meanwhile. The master may have been away too (one machine may carry both): that time
 * counts as heard by a backup, up to one more silence. */
void lsvm_vrrp_input_pause(struct vrrp *vrrp, uint64_t now_ns, uint64_t away_ns);
/* The deadline has come, or something else woke the caller. */
void lsvm_vrrp_input_tick(struct vrrp *vrrp, uint64_t now_ns);
/* When to come with a tick at the latest; VRRP_NEVER. */
uint64_t lsvm_vrrp_deadline(const struct vrrp *vrrp);
/* The next thing to do; false when there is nothing more. */
bool lsvm_vrrp_next(struct vrrp *vrrp, struct vrrp_action *ret);

/* ---- within the room (refuse.c) ---- */

/* Counts the refusal and has it said, unless it was said of this sender lately. */
void lsvm_vrrp_refuse(struct vrrp *vrrp, const struct addr *from,
		      enum vrrp_refusal refusal);

#endif
