/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside the room: what targets, probes and engines are made of.
 *
 * A `recipe` is a check that was read once: texts without their escapes, the request as
 * bytes, the table for finding text. Targets of equal checks share it. A `target` is a
 * recipe and an address. A `probe` exists while a target is being asked; it comes from a
 * stock and goes back to it, so that a probe that finds nothing new allocates nothing.
 *
 * An `engine` knows one protocol. It is called when the channel is there, when bytes came
 * and when the peer has ended; it sends with lsvm_probe_send() and decides with
 * lsvm_probe_good() or lsvm_probe_bad(), once. What it reads is foreign: it keeps a
 * bounded part of it, whatever comes.
 */
#ifndef LSVM_HEALTH_PROBE_H
#define LSVM_HEALTH_PROBE_H

#include "base/digest.h"
#include "health/health.h"

#define PROBE_CAUSE_BYTES 200
#define PROBE_LINE_BYTES 512
/* More of a body, or of what a script waits for, is not looked at. */
#define PROBE_BODY_BYTES (1024u * 1024)
/* A message of a binary protocol that is kept as a whole. */
#define PROBE_MESSAGE_BYTES 16384
/* Lines, headers and small messages that may come before the answer. */
#define PROBE_TALK_BYTES 65536

/* ---- recipes (recipe.c) ---- */

struct engine;

struct bytes {
	uint8_t *at;
	size_t length;
};

/* Text that is looked for in a stream, and the table of Knuth, Morris and Pratt: how much
 * of it still fits after a mismatch. */
struct needle {
	struct bytes text;
	uint16_t *fits;
};

struct recipe {
	struct recipe *next; /* in its bucket */
	uint32_t hash, users;
	struct bytes key;
	struct arena arena;
	struct lsvm_ctx *ctx;
	struct check check; /* texts in the arena */
	const char *domain; /* NULL unless the engine asks for it */
	uint8_t protocol;   /* enum lsvm_protocol, for those that know two */
	const struct engine *engine;
	uint64_t interval_ns, timeout_ns, jitter_ns;
	struct tls_wish tls;
	bool has_tls, has_digest;
	uint8_t digest[32];
	struct bytes request; /* equal for all its targets; http: what follows the host */
	struct bytes head;    /* http: up to the host */
	struct needle needle;
	uint16_t record;	  /* DNS: type */
	struct bytes record_text; /* DNS: what the record must be, as it is on the wire */
	const char *wanted;	  /* http: statuses in words */
};

/* A recipe for the check, an existing one if there is an equal one. */
struct recipe_spec {
	const struct check *check;
	const char *domain;
	uint8_t protocol;
};
int lsvm_recipe_new(struct lsvm_ctx *ctx, const struct recipe_spec *spec,
		    const struct bytes *key, struct recipe **ret);
void lsvm_recipe_free(struct recipe *recipe);
/* What makes recipes equal, as bytes. */
void lsvm_recipe_key(const struct recipe_spec *spec, struct buf *ret);
/* For engines' prepare(): NULL and recipe->arena.failed when memory ran out. */
void lsvm_recipe_bytes(struct recipe *recipe, const void *bytes, size_t length,
		       struct bytes *ret);
void lsvm_recipe_needle(struct recipe *recipe, const struct bytes *text);

/* Sends and expects: the request and the needle from check.send and check.expect. */
int lsvm_recipe_talk(struct recipe *recipe);

/* ---- engines ---- */

struct engine {
	enum channel_kind channel;
	/* Fills the recipe once; errors with a sentence on recipe->ctx. May be NULL. */
	int (*prepare)(struct recipe *recipe);
	/* PROGRAM: the words, in the probe's memory. */
	const char *const *(*words)(struct probe *probe);
	/* TCP, SCTP: it is connected. The others: it is open. */
	void (*start)(struct probe *probe);
	void (*input)(struct probe *probe, const uint8_t *bytes, size_t length);
	/* The peer sends no more; NULL: that is bad. PROGRAM: its exit. */
	void (*ended)(struct probe *probe, int status);
	/* The time is over and nobody has decided; NULL: that is bad. */
	void (*late)(struct probe *probe);
	bool polite;  /* once good, the peer may close first (after our farewell) */
	bool orderly; /* it writes a line into its log for every reset */
};
extern const struct engine lsvm_engine_tcp, lsvm_engine_sctp, lsvm_engine_udp,
	lsvm_engine_ping, lsvm_engine_http, lsvm_engine_dns, lsvm_engine_dns_tcp,
	lsvm_engine_smtp, lsvm_engine_ldap, lsvm_engine_postgresql, lsvm_engine_mysql,
	lsvm_engine_redis, lsvm_engine_script, lsvm_engine_external, lsvm_engine_agent;

/* ---- targets and probes ---- */

/* A place in the queue of actions. */
struct waiting {
	struct waiting *next;
	uint8_t wants; /* bits of enum want; 0: not in the queue */
	bool is_target;
};
enum want {
	WANT_SEND = 1,
	WANT_CLOSE = 2,
	WANT_CHANGED = 4,
	WANT_WARNING = 8,
};

/* What every probe touches comes first. */
struct target {
	struct waiting waiting; /* first */
	struct recipe *recipe;
	struct probe *probe; /* NULL: it is not being asked */
	uint64_t slot_ns;    /* when its next turn nominally is; it may have passed */
	uint32_t number;     /* in health->targets */
	uint32_t mark;
	struct addr addr, local;
	uint16_t port;
	uint8_t state, percent;
	bool is_hinted; /* the next verdict decides alone */
	uint32_t good_in_row, bad_in_row, last_duration_us;
	uint64_t last_probe_ns, probe_count, failure_count;
	char *cause, *warning;		       /* NULL: never had one */
	uint32_t cause_capacity, cause_length; /* without the count at its end */
	uint32_t cause_count, cause_of;
	uint64_t changed_ns;
	uint64_t unreachable_ns; /* datagrams: when a router or our kernel said so */
	struct target *next;	 /* in its bucket */
	void *owner;
	const char *name;
	uint32_t hash, users;
};

struct http_probe {
	uint8_t stage;
	bool chunked, until_close, has_length;
	uint16_t status;
	uint32_t head_bytes, body_bytes;
	uint64_t left; /* of the body or the chunk */
};

struct probe {
	struct waiting waiting; /* first */
	struct probe *stock;	/* the next one there */
	struct probe *all;	/* the next of all there are */
	struct health *health;
	struct target *target; /* NULL: the target is gone */
	struct channel *io;
	const struct engine *engine;
	const struct recipe *recipe;
	uint64_t now_ns, start_ns, deadline_ns;
	bool connected, decided, closing, warned;
	bool lingers;  /* decided, but listening until the next turn */
	bool curt;     /* nothing was said that a polite peer would close after */
	bool alone;    /* a hint asked for it */
	uint8_t stage; /* the engine's */
	uint8_t percent;
	uint8_t verdict;
	const char *waiting_for; /* "the banner" */
	const char *cause;	 /* a constant, or cause_text */
	char cause_text[PROBE_CAUSE_BYTES];
	const uint8_t *out; /* what is to be sent */
	size_t out_length;
	struct buf out_buf, in; /* kept from probe to probe */
	struct digest *digest;
	uint32_t in_bytes; /* of lines so far, or of a stream */
	uint32_t found;	   /* of the needle */
	uint32_t nonce;
	uint16_t line_length;
	char line[PROBE_LINE_BYTES]; /* the line that is coming in, without its end */
	union {
		struct http_probe http;
		struct {
			uint32_t wanted; /* bytes of the message */
			uint8_t sequence;
		} message;
	};
};

enum verdict {
	VERDICT_NONE = 0,
	VERDICT_GOOD = 1,
	VERDICT_BAD = 2,
	VERDICT_VOID = 3, /* this machine could not ask */
};

/* ---- what engines call (probe.c) ---- */

void lsvm_probe_good(struct probe *probe);
void lsvm_probe_bad(struct probe *probe, const char *fmt, ...) LSVM_PRINTF(2, 3);
/* Memory ran out: nothing is known about the server. */
void lsvm_probe_void(struct probe *probe, const char *why);
/* Said once until it changes. */
void lsvm_probe_warn(struct probe *probe, const char *fmt, ...) LSVM_PRINTF(2, 3);
/* Copied, and added to what is not sent yet. */
void lsvm_probe_send(struct probe *probe, const void *bytes, size_t length);
/* Bytes of the recipe; nothing else may be waiting to be sent. */
void lsvm_probe_send_fixed(struct probe *probe, const struct bytes *bytes);
/* Takes bytes up to the end of a line: true when probe->line is whole (without its end,
 * cut at the size of the buffer). The probe is decided when more than PROBE_TALK_BYTES
 * came. */
bool lsvm_probe_line(struct probe *probe, const uint8_t **bytes, size_t *length);
void lsvm_probe_line_done(struct probe *probe);
/* Takes bytes until probe->in has wanted of them; true when it does. */
bool lsvm_probe_gather(struct probe *probe, size_t wanted, const uint8_t **bytes,
		       size_t *length);
/* Goes on looking for the recipe's needle; true when all of it has come. */
bool lsvm_probe_find(struct probe *probe, const uint8_t *bytes, size_t length);
/* Foreign bytes for a sentence: at most 60, without controls. ret has PROBE_QUOTE_BYTES.
 */
#define PROBE_QUOTE_BYTES 68
const char *lsvm_probe_quote(const void *bytes, size_t length, char *ret);
uint32_t lsvm_probe_random(struct probe *probe);
/* A probe from before or a new one; NULL: out of memory. */
struct probe *lsvm_probe_take(struct health *health);
void lsvm_probe_give_back(struct health *health, struct probe *probe);
/* Its target is gone: nothing is left but closing its channel. */
void lsvm_probe_orphan(struct health *health, struct probe *probe);
void lsvm_probes_free(struct health *health);
/* A fact for it, other than its time; it may be decided then. */
void lsvm_probe_input(struct probe *probe, const struct io_event *event);
/* Its time is over. */
void lsvm_probe_late(struct probe *probe);

/* ---- the machine (health.c, targets.c, heap.c) ---- */

struct heap_entry {
	uint64_t due_ns;
	uint32_t number; /* of the target */
};

#define RATE_NS (1000 * IO_S)

struct health {
	struct lsvm_ctx *ctx;
	uint64_t random, spread, now_ns;
	struct heap_entry *heap;
	uint32_t *places;	 /* of each number in the heap; of free ones the next */
	struct target **targets; /* by number; NULL: free */
	uint32_t target_count, capacity, free_number;
	uint64_t rate;		    /* turns in RATE_NS, of all targets */
	uint64_t least_interval_ns; /* the shortest there has been */
	struct target **target_buckets;
	struct recipe **recipe_buckets;
	uint32_t target_bucket_count, recipe_bucket_count, recipe_count;
	struct waiting *first, **last; /* actions */
	struct probe *stock, *probes;  /* idle ones, all of them */
	struct channel_spec channel;
};

uint64_t lsvm_health_random(struct health *health);
/* The target's turn is then. */
void lsvm_heap_set(struct health *health, struct target *target, uint64_t due_ns);
void lsvm_heap_add(struct health *health, struct target *target, uint64_t due_ns);
void lsvm_heap_remove(struct health *health, struct target *target);
void lsvm_health_want(struct health *health, struct waiting *waiting, enum want want);
void lsvm_health_want_nothing(struct health *health, struct waiting *waiting);
/* The probe's verdict counts now. */
void lsvm_target_judge(struct health *health, struct target *target,
		       const struct probe *probe);
void lsvm_target_warn(struct health *health, struct target *target, const char *text);

#endif
