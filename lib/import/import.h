/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Other programs' configurations on their way to a cluster file.
 *
 * Every reader (keepalived, ldirectord, ipvsadm) fills the same `struct source`: services
 * with their real servers, and what is known of the directors. From there on nobody knows
 * whose configuration it was: traps.c says what would have gone wrong, pools.c sorts
 * services into partitions, house.c makes up networks and machines, write.c writes the
 * file and checks it. A reader marks each statement that it has used; what is left over
 * at the end is in the report, so that nothing is lost without a word.
 */
#ifndef LSVM_IMPORT_IMPORT_H
#define LSVM_IMPORT_IMPORT_H

#include "cluster/tree.h"

#include <libsvm/import.h>

#define IMPORT_MAX_BYTES (16u * 1024 * 1024)
#define IMPORT_MAX_STATEMENTS (1024u * 1024)
#define IMPORT_MAX_DEPTH 16
#define IMPORT_MAX_LINE_BYTES 4096
#define IMPORT_MAX_NOTES 10000
#define IMPORT_MAX_CHECKS 255		      /* of a service */
#define IMPORT_MAX_CHECK_NODES (1024u * 1024) /* of all services together */
#define IMPORT_MAX_SERVICES 65535
#define IMPORT_MAX_SERVERS (1024u * 1024) /* of all services together */

struct lsvm_import_note {
	int kind;
	uint32_t line, last_line;
	uint32_t number; /* keeps the order of equal lines */
	const char *source, *text;
};

struct lsvm_import {
	struct lsvm_ctx *ctx;
	struct arena arena; /* texts of the notes */
	enum lsvm_import_source source;
	VEC(struct lsvm_import_note) notes;
	bool failed; /* memory ran out */
	char *yaml;
	struct lsvm_findings *findings;
	struct lsvm_cluster *cluster; /* NULL: the file has errors */
};

/* One line of a configuration, with the block behind it. */
struct statement {
	uint32_t line, last_line;
	const char *text; /* the line as it was written, without what surrounds it */
	const char **words;
	uint32_t count;
	uint8_t depth;
	bool used;
	bool block;
	struct statement *parent, *first, *last, *next, *before;
};

/* How packets reach a real server. */
struct way {
	enum lsvm_forwarding forwarding;
	enum lsvm_tunnel_kind tunnel;
	uint16_t port;
	enum lsvm_tunnel_checksum checksum;
};

struct import_server {
	const struct statement *at;
	struct addr addr;
	uint16_t port; /* 0: the service's */
	uint32_t weight, upper, lower;
	struct way way;
	struct node *checks; /* a list, NULL: none */
	bool inhibit;	     /* a failure sets the weight to 0 */
};

struct import_machine;
struct import_pool;

struct import_service {
	const struct statement *at;
	const struct statement *declared; /* where its settings stand */
	const char *name;		  /* NULL: none */
	uint32_t mark;
	enum lsvm_protocol protocol;
	struct addr addr; /* with a mark only the family, until pools.c finds one */
	uint16_t port;
	const char *scheduler;
	uint32_t flags; /* enum lsvm_scheduler_flag */
	struct way way;
	bool persistent, one_packet;
	uint32_t timeout_s, prefix_length; /* 0: each client for itself */
	const char *engine;
	uint32_t quorum;
	struct addr sorry; /* family 0: none */
	uint16_t sorry_port;
	const struct statement *sorry_at;
	struct import_machine *sorry_machine;
	struct node *checks; /* of the service, when its servers have none */
	VEC(struct import_server) servers;
	uint16_t server_port;
	bool dropped;
	struct import_service *next_on_vip;
};

/* An address that the directors hold together. */
struct import_floating {
	const struct statement *at;
	struct prefix prefix;
	const char *interface; /* NULL: not known */
};

struct import_vip {
	struct addr addr;
	struct import_pool *pool;
	struct import_service *first, *last;
	struct import_vip *next; /* in the pool */
};

struct import_member {
	struct import_machine *machine;
	uint32_t weight, upper, lower;
};

struct import_pool { /* becomes a partition */
	VEC(struct import_member) members;
	const char *addresses; /* the key of its set of servers */
	struct import_vip *first, *last;
	const char *name;
};

struct import_machine {
	struct addr addr;
	const char *name;
	bool spare; /* a sorry server that serves nothing else */
	bool used;  /* in a partition that is written, or a sorry server */
	const struct import_pool *last_pool;
	const struct import_network *network; /* NULL: none has its address */
};

struct import_network {
	const char *name, *interface;
	struct prefix subnet;
	bool has_machines;
	bool known; /* the source says how long the prefix is */
	const struct import_floating *gateway; /* of NAT servers */
	struct addr router;
	VEC(struct addr) directors;
};

/* The directors, as far as the source knows them. */
struct import_house {
	const struct statement *at; /* where redundancy stands; NULL: nowhere */
	bool redundant;
	uint32_t version, router_id, advert_ms, preempt_delay_ms, priority;
	bool no_preempt, unicast, is_backup;
	struct addr own; /* of this director */
	VEC(struct addr) peers;
	bool sync;
	uint32_t sync_id, sync_maxlen, sync_port, sync_ttl;
	struct addr sync_group;
	uint32_t tcp_s, tcp_fin_s, udp_s;
	const char *name; /* of the cluster */
};

struct source {
	struct lsvm_import *import;
	struct arena arena; /* everything below */
	struct arena nodes, texts;
	struct tree tree;
	VEC(struct import_service *) services;
	struct map groups;   /* of virtual servers, by name */
	size_t server_count; /* of all services */
	VEC(struct import_floating) floating;
	struct import_house house;
	size_t floating_at[2]; /* those before it are given away, by family */
	size_t check_nodes;    /* of all checks that were written */
	/* Made by pools.c and house.c. */
	VEC(struct import_pool *) pools;
	VEC(struct import_machine *) machines;
	VEC(struct import_network *) networks;
	struct prefix outside[2]; /* where clients live; family 0: none */
	struct addr outside_router[2];
	uint32_t director_count;
	struct map taken; /* addresses */
	struct map pools_by_members, vips, machines_by_addr;
};

/* ---- notes.c ---- */

/* at NULL: about the whole configuration. */
void lsvm_import_say(struct source *source, int kind, const struct statement *at,
		     const char *fmt, ...) LSVM_PRINTF(4, 5);
/* A note about everything that no reader has used; why may know the reason, NULL: none.
 */
void lsvm_import_leftovers(struct source *source, struct statement *root,
			   const char *(*why)(const struct statement *statement));
/* LSVM_ERR_PARSE with a sentence when nothing was found in it and it looks like another
 * program's. */
int lsvm_import_whose(struct source *source, const char *bytes, size_t length);
/* Makes the result of what was read; frees the source in any case. */
int lsvm_import_finish(struct source *source, int err, struct lsvm_import **ret);
int lsvm_import_begin(struct lsvm_ctx *ctx, enum lsvm_import_source kind,
		      const char *bytes, size_t length, struct source *source);

/* ---- blocks.c ---- */

/* Makes valid UTF-8 of it, without control characters: others become ? and spaces. */
void lsvm_import_clean(char *text);
/* keepalived's blocks in braces; NULL after memory ran out or a limit was passed. */
struct statement *lsvm_import_blocks(struct source *source, const char *bytes,
				     size_t length);
struct statement *lsvm_import_statement(struct source *source, struct statement *parent,
					uint32_t line, const char *text, size_t length);
/* The nth word, "" past the end. */
const char *lsvm_import_word(const struct statement *statement, uint32_t n);
/* The last statement of the block that begins with that word, marked as used; NULL: none.
 */
struct statement *lsvm_import_seek(const struct statement *block, const char *word);
void lsvm_import_use_all(struct statement *statement);
bool lsvm_import_is(const struct statement *statement, const char *word);
/* Decimal, 0 to max; false for anything else. */
bool lsvm_import_number(const char *text, uint32_t max, uint32_t *ret);
/* Seconds with a fraction, as milliseconds from min to max. */
bool lsvm_import_milliseconds(const char *text, uint32_t min, uint32_t max,
			      uint32_t *ret);

/* ---- services (source.c) ---- */

struct import_service *lsvm_import_service(struct source *source,
					   const struct statement *at);
struct import_server *lsvm_import_server(struct source *source,
					 struct import_service *service,
					 const struct statement *at);
/* Nodes of the cluster file; NULL values are left out. */
struct node *lsvm_import_map(struct source *source);
struct node *lsvm_import_list(struct source *source);
void lsvm_import_put(struct node *map, struct source *source, const char *key,
		     struct node *value);
void lsvm_import_text(struct source *source, struct node *map, const char *key,
		      const char *text);
void lsvm_import_word_of(struct source *source, struct node *map, const char *key,
			 const char *word);
void lsvm_import_count(struct source *source, struct node *map, const char *key,
		       uint64_t number);
struct node *lsvm_import_scalar(struct source *source, const char *text);
bool lsvm_import_same(const struct node *a, const struct node *b);

/* ---- the steps ---- */

int lsvm_import_traps(struct source *source); /* traps.c */
int lsvm_import_pools(struct source *source); /* pools.c */
int lsvm_import_house(struct source *source); /* house.c */
int lsvm_import_write(struct source *source); /* write.c */
struct import_machine *lsvm_import_machine(struct source *source, const struct addr *addr,
					   bool spare); /* pools.c */

/* ---- keepalived ---- */

/* What checks look up in the virtual server; NULL: it does not stand there. */
struct check_defaults {
	const struct statement *delay_loop, *connect_timeout, *retry, *virtualhost;
};
struct node *lsvm_keepalived_checks(struct source *source, struct statement *server,
				    const struct check_defaults *defaults,
				    const struct addr *addr); /* keepalived_checks.c */
void lsvm_keepalived_vrrp(struct source *source,
			  struct statement *root); /* keepalived_vrrp.c */
const char *lsvm_keepalived_why(const struct statement *statement); /* keepalived_why.c */

#endif
