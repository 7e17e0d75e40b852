/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two kernels side by side, and what is compared besides plain requests. */
#ifndef LSVM_TESTS_IPVS_SIDES_H
#define LSVM_TESTS_IPVS_SIDES_H

#include "host/linux/ipvs_private.h"
#include "host/sim/sim.h"
#include "ipvs_ops.h"

struct side {
	struct lsvm_ctx *ctx;
	struct ipvs_socket *socket;
	struct sim_host *sim;
};

/* In a network namespace of their own, with the interfaces sync0 (10.99.0.1/24 and the
 * default route), bare0 without an address and down0; the simulated kernel knows what
 * cannot be foreseen of the other. */
void open_sides(struct side *side);
void close_sides(struct side *side);

/* The answer's messages as lines; the verdict, an errno. */
typedef int (*asker)(struct side *side, const struct op *op, struct buf *ret);
int ask_kernel(struct side *side, const struct op *op, struct buf *ret);
int ask_simulated(struct side *side, const struct op *op, struct buf *ret);
/* Everything there is, in the order of the dumps. */
void look(struct side *side, asker ask, struct buf *ret);
/* The first lines that differ. */
void print_difference(const char *real, const char *simulated);

/* Writes to every sysctl of IPVS. Whether both kernels said and did the same. */
bool compare_sysctls(struct side *side, size_t *ret_writes);
/* Changes with packets in between. */
bool compare_traffic(struct side *side, uint64_t seed, size_t rounds, bool print,
		     size_t *ret_packets);

#endif
