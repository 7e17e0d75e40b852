/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connections as the kernel lists them in /proc/net/ip_vs_conn and ip_vs_conn_sync.
 *
 * The text comes in pieces of any size and is never held whole: a busy director has
 * millions of connections, of which a filter keeps few. A line that is none of the
 * kernel's is counted and left out. The second file repeats the connections with where
 * they came from; it is asked only about those that were kept.
 */
#ifndef LSVM_IPVS_CONNECTIONS_H
#define LSVM_IPVS_CONNECTIONS_H

#include "base/base.h"

#include <libsvm/ipvs.h>

#define CONNECTION_WORD_BYTES 16
/* Three IPv6 addresses and what a persistence engine adds are well below. */
#define CONNECTION_LINE_BYTES 1024

/* What names a connection; zeroed before it is filled, so that its bytes can be a key. */
struct connection_key {
	char protocol[CONNECTION_WORD_BYTES]; /* lower case: "tcp", "ip" for a mark's */
	struct addr client, virtual;
	uint16_t client_port, virtual_port;
};

struct lsvm_connection {
	struct connection_key key;
	uint32_t fwmark; /* templates of a service with a mark: then virtual is none */
	struct addr server;
	uint16_t server_port;
	char state[CONNECTION_WORD_BYTES]; /* the kernel's word */
	uint32_t expires_s;
	enum lsvm_connection_origin origin;
	const char *engine; /* name and data of a persistence engine; "" for none */
};

struct connection_filter {
	struct prefix client; /* family 0 in all of these: any */
	struct addr virtual, server;
	uint16_t virtual_port, server_port; /* 0: any */
	char state[CONNECTION_WORD_BYTES];  /* "": any */
	size_t limit;			    /* 0: none */
};

struct lsvm_connection_list {
	struct lsvm_ctx *ctx;
	struct arena arena;
	VEC(struct lsvm_connection) list;
	size_t match_count; /* also those beyond the limit */
	size_t seen_count, odd_count;
	struct connection_filter filter;
	struct map known; /* key: connection; while origins are read */
	/* The line that is being put together. */
	char line[CONNECTION_LINE_BYTES];
	size_t line_length;
	bool origins; /* the second file is read */
	bool failed;
};

/* LSVM_ERR_ARGUMENT with a sentence. NULL or "": any. client may be a prefix; virtual and
 * server an address, or one with a port. */
int lsvm_connection_filter(struct lsvm_ctx *ctx, const char *client, const char *virtual,
			   const char *server, const char *state, size_t limit,
			   struct connection_filter *ret);
int lsvm_connection_list_new(struct lsvm_ctx *ctx, const struct connection_filter *filter,
			     struct lsvm_connection_list **ret);
/* A piece of the file. */
void lsvm_connection_list_feed(struct lsvm_connection_list *connections,
			       const char *bytes, size_t length);
/* The file ended. origins: the other one comes next. LSVM_ERR_NOMEM. */
int lsvm_connection_list_end(struct lsvm_connection_list *connections, bool origins);
/* One line; false when it is none of the kernel's. engine stays NULL or points into the
 * line, to its end. */
bool lsvm_connection_parse(char *line, bool has_origin, struct lsvm_connection *ret);

#endif
