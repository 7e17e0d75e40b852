/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The IPVS table: virtual services, their destinations, timeouts and sync daemons, as
 * values.
 *
 * The same type is what a plan wants, what the kernel was seen to hold and what the
 * simulated kernel holds. A sealed table is in canonical order (services by key,
 * destinations by family, address, port) without duplicates, whatever order it was filled
 * in: equal tables are equal bytes. Numbers are the kernel's
 * (include/uapi/linux/ip_vs.h); what it does not know is kept as it came.
 */
#ifndef LSVM_IPVS_TABLE_H
#define LSVM_IPVS_TABLE_H

#include "base/base.h"

#include <libsvm/ipvs.h>

#define IPVS_SCHEDULER_BYTES 16
#define IPVS_ENGINE_BYTES 17
#define IPVS_INTERFACE_BYTES 16
/* Forwarding methods fill the low three bits of a connection's flags; the two above are
 * free for more, and above those are flags of other meaning. */
#define IPVS_FORWARDING_MASK 0x1f

/* Statistics since the last zero, and the estimator's rates; all 64 bits. */
struct ipvs_counters {
	uint64_t connections, in_packets, out_packets, in_bytes, out_bytes;
	uint64_t connection_rate, in_packet_rate, out_packet_rate, in_byte_rate,
		out_byte_rate;
};

/* Attributes that this version does not know, as they came: a newer kernel's settings,
 * which an edit would reset if it left them out. What is longer is no setting. */
#define IPVS_EXTRA_BYTES 256
#define IPVS_EXTRA_VALUE_BYTES 64
struct ipvs_extra {
	uint32_t length;
	uint8_t bytes[IPVS_EXTRA_BYTES];
};

struct ipvs_destination {
	struct addr addr;
	uint16_t port;
	uint8_t forwarding; /* kernel's IP_VS_CONN_F_FWD_MASK values: enum lsvm_forwarding
			       - 1 */
	uint8_t tunnel_type; /* 0 ipip, 1 gue, 2 gre */
	uint16_t tunnel_port, tunnel_flags;
	uint32_t weight, upper_threshold, lower_threshold;
	uint32_t last_weight; /* when drained (weight 0): the weight before, 0 unknown;
				 never compared. mh keeps the slots that this weight gave
			       */
	uint32_t active_count, inactive_count,
		persistent_count; /* seen, never compared */
	uint32_t position;	  /* in the kernel's list, newest first, from 1; 0: not
				     seen. Never compared, not in JSON */
	struct ipvs_counters *counters; /* NULL unless a snapshot has them */
	struct ipvs_extra *extra;	/* NULL: none */
};

/* What names a service: a firewall mark and a family, or protocol, address and port. */
struct ipvs_key {
	uint32_t fwmark;  /* 0: none */
	struct addr addr; /* family always set; the bytes are 0 with a mark */
	uint8_t protocol; /* IPPROTO_*; 0 with a mark */
	uint16_t port;
};

struct ipvs_service {
	struct ipvs_key key;
	char scheduler[IPVS_SCHEDULER_BYTES];
	char engine[IPVS_ENGINE_BYTES]; /* persistence engine, "" for none */
	uint32_t flags;	    /* IP_VS_SVC_F_*, without the kernel's own HASHED */
	uint32_t timeout_s; /* persistence */
	uint32_t netmask;   /* persistence: IPv4 the mask in host order, IPv6 the prefix
			       length */
	VEC(struct ipvs_destination) destinations;
	struct ipvs_counters *counters;
	struct ipvs_extra *extra; /* NULL: none */
};

struct ipvs_timeouts {
	uint32_t tcp_s, tcp_fin_s, udp_s; /* 0: leave the kernel's */
};

struct ipvs_daemon {
	bool present;
	char interface[IPVS_INTERFACE_BYTES];
	uint32_t sync_id;
	uint16_t maxlen_bytes, port; /* 0: the kernel's default */
	uint8_t ttl;		     /* 0: the kernel's default */
	struct addr group;	     /* family 0: the kernel's default */
};

struct lsvm_ipvs_table {
	atomic_uint refs;
	struct lsvm_ctx *ctx;
	struct arena arena; /* counters, extra */
	VEC(struct ipvs_service) services;
	struct ipvs_timeouts timeouts;
	struct ipvs_daemon master, backup;
	bool sealed;
};

int lsvm_ipvs_table_alloc(struct lsvm_ctx *ctx, struct lsvm_ipvs_table **ret);
/* A new zeroed service; the pointer lives until the next push. NULL: out of memory. */
struct ipvs_service *lsvm_ipvs_table_push(struct lsvm_ipvs_table *table);
struct ipvs_destination *lsvm_ipvs_service_push(struct ipvs_service *service);
/* Canonical order; LSVM_ERR_EXISTS with a sentence when a service or destination is there
 * twice. */
int lsvm_ipvs_table_seal(struct lsvm_ipvs_table *table);
/* In a sealed table, by binary search; NULL when absent. */
struct ipvs_service *lsvm_ipvs_table_lookup(const struct lsvm_ipvs_table *table,
					    const struct ipvs_key *key);
/* Whether /proc/net/ip_vs, the text, shows that the kernel has all of the sealed table,
 * as far as it tells (listing.c). */
bool lsvm_ipvs_listing_has(const char *text, const struct lsvm_ipvs_table *table);
/* Its words: "0A000001:0050" or "[2001:0db8:…]:0050"; "TCP", 0 for what it is none of. */
bool lsvm_ipvs_listing_endpoint(const char *text, struct addr *ret_addr,
				uint16_t *ret_port);
uint8_t lsvm_ipvs_listing_protocol(const char *word);
int lsvm_ipvs_key_compare(const struct ipvs_key *a, const struct ipvs_key *b);
int lsvm_ipvs_destination_compare(const struct ipvs_destination *a,
				  const struct ipvs_destination *b);
/* IPPROTO_* of an enum lsvm_protocol; 0: it is none. */
uint8_t lsvm_ipvs_protocol_number(int protocol);
/* "tcp 192.0.2.100:80", "mark 7 ipv6"; buf holds LSVM_ADDRESS_TEXT_BYTES * 2. */
const char *lsvm_ipvs_key_text(const struct ipvs_key *key, char *buf);
/* What the kernel would accept and should not have: LSVM_ERR_ARGUMENT with a sentence.
 * What an edit finds there (before; or NULL) may stay, though this version does not know
 * it: the kernel may be newer. */
int lsvm_ipvs_service_check(struct lsvm_ctx *ctx, const struct ipvs_service *service,
			    const struct ipvs_service *before);
int lsvm_ipvs_destination_check(struct lsvm_ctx *ctx, const struct ipvs_service *service,
				const struct ipvs_destination *destination,
				const struct ipvs_destination *before);
/* "direct", "unknown(9)"; buf holds IPVS_WORD_BYTES. */
#define IPVS_WORD_BYTES 24
const char *lsvm_ipvs_forwarding_text(uint32_t forwarding, char *buf);

/* ---- JSON (json.c), schema "lsvm-ipvs/1" ---- */

struct json_t;
/* A new reference, or NULL: out of memory. */
struct json_t *lsvm_ipvs_table_json(const struct lsvm_ipvs_table *table);
/* Sealed. LSVM_ERR_PARSE with a sentence that names the place. */
int lsvm_ipvs_table_parse(struct lsvm_ctx *ctx, const struct json_t *json,
			  struct lsvm_ipvs_table **ret);

/* ---- changes: what makes one table into another (change.c) ---- */

enum ipvs_change_kind {
	IPVS_SERVICE_ADD = 1,
	IPVS_SERVICE_EDIT,
	IPVS_SERVICE_DELETE,
	IPVS_DESTINATION_ADD,
	IPVS_DESTINATION_EDIT,
	IPVS_DESTINATION_DELETE,
	IPVS_TIMEOUTS_SET,
	IPVS_DAEMON_START,
	IPVS_DAEMON_STOP,
};

/* Whole objects, never parts: the kernel's edits replace everything. Borrows from the two
 * tables. */
struct ipvs_change {
	enum ipvs_change_kind kind;
	union {
		/* Of the destination in THIS change, in place of destination->weight: 0
		 * while it drains before its removal, the last weight when a drained one
		 * is added. */
		uint32_t weight;
		bool is_master; /* which daemon */
	};
	const struct ipvs_service *service; /* without its destinations */
	union {				    /* as the kind says */
		const struct ipvs_destination *destination;
		const struct ipvs_timeouts *timeouts;
		const struct ipvs_daemon *daemon;
	};
	union { /* an edit: what is there, so that what is not known of it stays */
		const struct ipvs_service *service_before;
		const struct ipvs_destination *destination_before;
	};
};

struct ipvs_changes {
	VEC(struct ipvs_change) list;
};

/*
 * The ordered changes that make `present` into `wanted` without hurting anyone: adds
 * before removals, a service is edited before its destinations, never a flush, and a
 * family's last service goes only when nothing of that family is wanted. What is in
 * `present` but not in `wanted` is removed only when `owned` (what was applied last; may
 * be NULL: nothing) has it.
 */
int lsvm_ipvs_changes_compute(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *present,
			      const struct lsvm_ipvs_table *owned,
			      const struct lsvm_ipvs_table *wanted,
			      struct ipvs_changes *ret);
/*
 * Appends what brings the destinations of services under sh, mh and dh into the order of
 * a director that is given `wanted` afresh, once those changes were made (reorder.c):
 * each that moves is removed and added at once. expire_nodest_conn must be 0 meanwhile.
 */
int lsvm_ipvs_changes_reorder(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *present,
			      const struct lsvm_ipvs_table *owned,
			      const struct lsvm_ipvs_table *wanted,
			      struct ipvs_changes *changes);
/* Whether these two move a destination: nothing may come in between. */
bool lsvm_ipvs_is_move(const struct ipvs_change *first, const struct ipvs_change *second);
void lsvm_ipvs_changes_clear(struct ipvs_changes *changes);
/* "add service tcp 192.0.2.100:80 scheduler wlc" */
void lsvm_ipvs_change_text(const struct ipvs_change *change, struct buf *buf);

#endif
