/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All services of a director as machines: for a simulated kernel, and for what a change
 * of tables does to connections. Changes are those that are sent to a kernel.
 *
 * A service that was deleted keeps its machine, without destinations, because the kernel
 * revives destinations with their connections when the service and they come back.
 */
#ifndef LSVM_SCHED_DIRECTOR_H
#define LSVM_SCHED_DIRECTOR_H

#include "sched/sched.h"

struct sched_director;

/* Holds the services of the table, or none when it is NULL. LSVM_ERR_UNSUPPORTED for a
 * scheduler or an engine that cannot be followed. */
int lsvm_director_create(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *table,
			 struct sched_director **ret);
void lsvm_director_free(struct sched_director *director);

/* Services and destinations; other kinds of change do nothing here. What is there twice
 * is LSVM_ERR_EXISTS, what is missing LSVM_ERR_NOT_FOUND. */
int lsvm_director_apply(struct sched_director *director,
			const struct ipvs_change *change);

/* The service of that name; NULL when it is not there. Borrowed. */
struct lsvm_sched *lsvm_director_find(const struct sched_director *director,
				      const struct ipvs_key *key);
/* The service that schedules a packet, by mark, by address and port, as part of FTP, by
 * address alone; NULL: none. For lsvm_sched_begin(). */
struct lsvm_sched *lsvm_director_route(const struct sched_director *director,
				       uint32_t fwmark, uint8_t protocol,
				       const struct addr *virtual, uint16_t port);

#endif
