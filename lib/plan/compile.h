/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the compiler share: one compilation, and ways to say what is wanted.
 */
#ifndef LSVM_PLAN_COMPILE_H
#define LSVM_PLAN_COMPILE_H

#include "cluster/model.h"
#include "plan/plan.h"

#define WEB_CONFIG_PATH "/etc/svm/nginx.conf"
#define RUN_PATH "/run/svm"

#define NETWORK_FAR UINT32_MAX

struct compilation {
	struct lsvm_ctx *ctx;
	const struct lsvm_cluster *cluster;
	const struct machine *machine;
	bool master; /* a director that holds the VIPs */
	struct lsvm_plan *plan;
	struct state *wanted; /* the plan's */
	struct arena *arena;  /* the plan's: text that stays */
	struct arena scratch; /* gone when the compilation ends */
	struct map sysctls;   /* name -> its value's place, 1 and up */
	int err;	      /* the first failure; the rest is then of no use */
};

/* ---- saying what is wanted; a failure is remembered (compile.c) ---- */

/* A later one of the same name replaces an earlier one: what the file says comes last. */
void lsvm_want_sysctl(struct compilation *c, const char *name, const char *value);
/* net.FAMILY.conf.INTERFACE.NAME; a dot in the interface's name is written '/'. */
void lsvm_want_interface_sysctl(struct compilation *c, const char *family,
				const char *interface, const char *name,
				const char *value);
/* A host address: /32 or /128. */
void lsvm_want_address(struct compilation *c, const struct addr *addr,
		       const char *interface);
void lsvm_want_route(struct compilation *c, const struct prefix *destination,
		     const struct addr *via, const char *interface);
/* An interface that is there must be up, and have this MTU (0: any). */
void lsvm_want_card(struct compilation *c, const char *name, uint32_t mtu);
/* The machine's network cards, with the MTU of their networks, and its own addresses. */
void lsvm_want_interfaces(struct compilation *c);
/* Takes the text over. */
void lsvm_want_file(struct compilation *c, const char *path, uint32_t mode,
		    struct buf *content);
/* The unit's words are copied; `running` and what is NULL are left as they are. */
void lsvm_want_unit(struct compilation *c, const struct unit *unit);
/* Notes that memory ran out. */
void lsvm_compile_nomem(struct compilation *c);

/* ---- the roles ---- */

void lsvm_compile_director(struct compilation *c); /* director.c */
void lsvm_compile_table(struct compilation *c);	   /* table.c: its IPVS table */
/* How connections survive its death (survival.c). */
void lsvm_compile_survival(struct compilation *c);
void lsvm_compile_firewall(struct compilation *c); /* firewall.c: its marks */
void lsvm_compile_server(struct compilation *c);   /* server.c */
void lsvm_compile_web(struct compilation *c);	   /* nginx.c: the server's web server */
void lsvm_compile_router(struct compilation *c);   /* routes.c */
/* The default route, unless the machine has one of that family already (routes.c). */
void lsvm_compile_gateways(struct compilation *c);

/* ---- questions ---- */

/* The address by which servers of the network reach the active director: the floating
 * one, else the first director's; or NULL (routes.c). */
const struct addr *lsvm_director_gateway(const struct lsvm_cluster *cluster,
					 const struct network *network, uint8_t family);
static inline struct network *interface_network(const struct interface *interface)
{
	return interface->network.target;
}
static inline uint32_t network_index(const struct compilation *c,
				     const struct network *network)
{
	return (uint32_t)(network - c->cluster->networks.items);
}

#endif
