/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why a server gets no traffic: what can be seen of it on a director (explain_director.c)
 * and on the server itself (explain_server.c), each cause with what to do about it.
 */
#ifndef LSVM_ROLE_EXPLAIN_H
#define LSVM_ROLE_EXPLAIN_H

#include "cluster/model.h"
#include "role/role.h"

struct cause {
	enum lsvm_cause kind;
	enum lsvm_severity severity;
	const char *subject, *text, *advice;
};

struct lsvm_causes {
	struct lsvm_ctx *ctx;
	struct arena arena;
	VEC(struct cause) list;
	const char *machine, *server;
	enum lsvm_role role;
	size_t looked_at; /* destinations on a director, VIPs on a server */
	bool failed;
};

/* What a look at a machine works with. */
struct look {
	struct lsvm_host *host;
	const struct lsvm_cluster *cluster; /* NULL: none was given */
	struct lsvm_causes *causes;
	struct lsvm_plan *plan; /* NULL: nothing is known of what should be */
	struct state *asked;	/* what is looked at beyond the plan */
	struct state *present;
	struct neighbours neighbours;
};

/* A failure to allocate is remembered. subject and text are copied, advice too. */
void lsvm_cause_add(struct look *look, enum lsvm_cause kind, enum lsvm_severity severity,
		    const char *subject, const char *advice, const char *fmt, ...)
	LSVM_PRINTF(6, 7);
/* Starts a look; `server` is copied. */
int lsvm_look_start(struct look *look, enum lsvm_role role, const char *server);
/* The plan of this machine: by the cluster, else the one applied last, else NULL. */
int lsvm_look_plan(struct look *look);
/* Looks at the machine: look->present. */
int lsvm_look_observe(struct look *look);
/* Asks for net.ipv4.conf.INTERFACE.NAME too. */
bool lsvm_look_ask(struct look *look, const char *interface, const char *name);
/* That sysctl as a number; the greater one of `all` and the interface. */
long lsvm_look_effective(const struct look *look, const char *interface,
			 const char *name);
/* Frees what is in it; hands the causes over unless err says that it failed. */
int lsvm_look_end(struct look *look, int err, struct lsvm_causes **ret);
/* A plan's table of the destinations of a cluster; NULL when it has no director. */
int lsvm_look_table(struct look *look, struct lsvm_plan **ret);

/* ---- who listens (listeners.c) ---- */

struct listener {
	uint8_t protocol;
	struct addr addr;
	uint16_t port;
	bool heard;
};

struct listeners {
	VEC(struct listener) list;
	char line[256];
	size_t length;
	uint8_t protocol; /* of the file that is being read */
};

/* Marks those of the list on which somebody listens. Linux's /proc/net/tcp, tcp6, udp and
 * udp6, in pieces of any size. */
void lsvm_listeners_feed(struct listeners *listeners, const char *bytes, size_t length);
int lsvm_listeners_read(struct lsvm_host *host, struct listeners *listeners);

#endif
