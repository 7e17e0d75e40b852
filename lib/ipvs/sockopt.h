/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The older interface to IPVS, socket options, as bytes: arguments of setsockopt(), and
 * answers of getsockopt(). No socket is known here.
 *
 * It carries less than netlink: what it cannot carry is told before anything is sent.
 */
#ifndef LSVM_IPVS_SOCKOPT_H
#define LSVM_IPVS_SOCKOPT_H

#include "ipvs/table.h"

#include <linux/ip_vs.h>

/* An option with its argument. */
struct sockopt_call {
	int option;
	size_t length;
	uint8_t bytes[sizeof(struct ip_vs_service_user) + sizeof(struct ip_vs_dest_user)];
};

/* What this interface does not have, one a line, ends with NULL. */
extern const char *const lsvm_sockopt_lost[];

/* LSVM_ERR_UNSUPPORTED with a sentence that names what cannot be carried. */
int lsvm_sockopt_check(struct lsvm_ctx *ctx, const struct ipvs_change *change);
/* The change passed the check. */
void lsvm_sockopt_put_change(struct sockopt_call *call, const struct ipvs_change *change);
/* One service's counters, or all (NULL). */
void lsvm_sockopt_put_zero(struct sockopt_call *call, const struct ipvs_key *key_or_all);
/* The head of a question for a service's destinations. */
void lsvm_sockopt_put_key(const struct ipvs_key *key, struct ip_vs_get_dests *ret);

/*
 * One entry of an answer. 1: read; 0: the kernel left this slot empty, since there are
 * fewer than was asked for; LSVM_ERR_PROTOCOL. `counters` points to ret_counters.
 */
int lsvm_sockopt_get_service(struct reader *bytes, struct ipvs_service *ret,
			     struct ipvs_counters *ret_counters,
			     uint32_t *ret_destination_count);
int lsvm_sockopt_get_destination(struct reader *bytes, struct ipvs_destination *ret,
				 struct ipvs_counters *ret_counters);
/* 0 or LSVM_ERR_PROTOCOL. Of a daemon the kernel tells interface and id only; the rest is
 * taken to be the default, since no other can be started from here. */
int lsvm_sockopt_get_daemons(struct reader *bytes, struct ipvs_daemon *ret_master,
			     struct ipvs_daemon *ret_backup);
int lsvm_sockopt_get_timeouts(struct reader *bytes, struct ipvs_timeouts *ret);
int lsvm_sockopt_get_info(struct reader *bytes, uint32_t *ret_version,
			  uint32_t *ret_bucket_count, uint32_t *ret_service_count);

#endif
