/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The messages in which directors tell each other of their connections, version 1, as
 * Linux sends and takes them (net/netfilter/ipvs/ip_vs_sync.c).
 *
 * The kernel tells of a connection only when it changes or is busy: a director that comes
 * back never hears of those that were quiet meanwhile. Made here from the list of
 * connections, such messages tell it of all.
 */
#ifndef LSVM_IPVS_SYNC_H
#define LSVM_IPVS_SYNC_H

#include "ipvs/connections.h"
#include "ipvs/table.h"

/* What fits into one packet of an Ethernet; the kernel's default. */
#define SYNC_MESSAGE_BYTES 1472
#define SYNC_HEAD_BYTES 8
#define SYNC_ENTRY4_BYTES 36
#define SYNC_ENTRY6_BYTES 72
/* The kernel's defaults. */
#define SYNC_PORT 8848
#define SYNC_GROUP "224.0.0.81"

struct sync_connection {
	uint8_t protocol; /* IPPROTO_*; 0 for a template of a mark */
	uint32_t flags;	  /* IP_VS_CONN_F_* */
	uint16_t state;	  /* number of the protocol's state */
	uint16_t client_port, virtual_port, server_port;
	uint32_t fwmark, timeout_s;
	struct addr client, virtual, server; /* all of one family */
};

struct sync_message {
	uint8_t bytes[SYNC_MESSAGE_BYTES];
	size_t length, count;
};

/* What the message must say of a connection that the kernel listed. The table tells how
 * its server is reached. False for what no message can carry: a state nobody knows, a
 * persistence engine's template, servers of the other family. */
bool lsvm_sync_connection(const struct lsvm_connection *connection,
			  const struct lsvm_ipvs_table *table,
			  struct sync_connection *ret);

void lsvm_sync_begin(struct sync_message *message, uint8_t sync_id);
/* False: it is full. max_bytes is at most SYNC_MESSAGE_BYTES. */
bool lsvm_sync_add(struct sync_message *message, size_t max_bytes,
		   const struct sync_connection *connection);

/* Reading one: false when the head is none of version 1 or not for this id (0: any). */
bool lsvm_sync_head(struct reader *reader, uint8_t sync_id, size_t *ret_count);
/* The next entry; false when it cannot be. Options are skipped. */
bool lsvm_sync_entry(struct reader *reader, struct sync_connection *ret);

#endif
