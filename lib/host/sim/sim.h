/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine in memory. It keeps what a kernel and a file system would keep, and refuses
 * what they would refuse, with the same error.
 */
#ifndef LSVM_HOST_SIM_SIM_H
#define LSVM_HOST_SIM_SIM_H

#include "host/host.h"
#include "host/sim/kernel.h"

struct sim_link {
	struct link link;
	bool card; /* not ours to remove */
};

struct sim_sysctl {
	char *name, *value;
};

struct sim_file {
	char *path, *content;
	size_t length;
	uint32_t mode;
};

struct sim_unit {
	char *name;
	bool running;
};

struct world;
struct node;

struct sim_host {
	struct lsvm_host host;
	struct node *node;   /* its place in a world: world_private.h */
	struct world *world; /* its own; NULL: it is in one with others */
	bool world_owns;     /* freed by its world */
	bool locked;
	VEC(struct sim_link) links;
	VEC(struct address) addresses;
	VEC(struct route) routes;
	VEC(struct sim_sysctl) sysctls; /* the ones ever written */
	VEC(struct sim_file) files;
	VEC(struct sim_unit) units;
	struct sim_kernel kernel;
};

/* sim.c */
/* world NULL: it gets one of its own. */
int lsvm_sim_new(struct lsvm_ctx *ctx, const char *name, struct world *world,
		 struct sim_host **ret);
/* As after a failure of power: cards and files are all that there is. */
void lsvm_sim_reset(struct sim_host *sim);

/* net.c */
struct sim_link *lsvm_sim_link(struct sim_host *sim, const char *name);
int lsvm_sim_link_push(struct sim_host *sim, const struct link *link, bool card);
int lsvm_sim_link_add(struct sim_host *sim, const struct link *link);
int lsvm_sim_link_change(struct sim_host *sim, const struct link *link);
int lsvm_sim_link_delete(struct sim_host *sim, const struct link *link);
int lsvm_sim_address_add(struct sim_host *sim, const struct address *address);
int lsvm_sim_address_delete(struct sim_host *sim, const struct address *address);
int lsvm_sim_route_set(struct sim_host *sim, const struct route *route);
int lsvm_sim_route_delete(struct sim_host *sim, const struct route *route);
/* LSVM_ERR_NOT_FOUND with a sentence that names the interfaces there are. */
int lsvm_sim_no_interface(struct sim_host *sim, const char *name);

/* sysctl.c */
int lsvm_sim_sysctl_set(struct sim_host *sim, const struct sysctl *sysctl);
/* Its value, or NULL when this machine has no such sysctl. */
const char *lsvm_sim_sysctl_get(struct sim_host *sim, const char *name);

/* files.c */
int lsvm_sim_file_write(struct sim_host *sim, const struct file *file);
int lsvm_sim_file_delete(struct sim_host *sim, const struct file *file);
struct sim_file *lsvm_sim_file(struct sim_host *sim, const char *path);
int lsvm_sim_unit_start(struct sim_host *sim, const struct unit *unit);
int lsvm_sim_unit_reload(struct sim_host *sim, const struct unit *unit);
int lsvm_sim_unit_stop(struct sim_host *sim, const struct unit *unit);
bool lsvm_sim_unit_running(struct sim_host *sim, const struct unit *unit);

/* ipvs.c */
int lsvm_sim_ipvs_change(struct sim_host *sim, const struct ipvs_change *change);
int lsvm_sim_ipvs_zero(struct lsvm_host *host, const struct ipvs_key *key_or_all);
int lsvm_sim_ipvs_flush(struct lsvm_host *host);
int lsvm_sim_ipvs_info(struct lsvm_host *host, struct ipvs_info *ret);
/* The whole table as a snapshot, sealed, with counters and positions. */
int lsvm_sim_ipvs_read(struct sim_host *sim, struct lsvm_ipvs_table **ret);

/* listing.c: files that were written like any other, and the kernel's connections. */
int lsvm_sim_stream(struct lsvm_host *host, const char *path,
		    void (*take)(void *arg, const char *bytes, size_t length), void *arg);

/* observe.c */
int lsvm_sim_observe(struct lsvm_host *host, const struct state *wanted,
		     const struct state *owned, struct state **ret);

#endif
