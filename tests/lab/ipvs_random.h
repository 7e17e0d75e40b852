/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random IPVS tables that a kernel accepts, from a seed. */
#ifndef LSVM_TESTS_IPVS_RANDOM_H
#define LSVM_TESTS_IPVS_RANDOM_H

#include "ipvs/table.h"

/* Sealed; about so many services, each with up to so many destinations. */
struct lsvm_ipvs_table *random_table(struct lsvm_ctx *ctx, uint32_t seed,
				     size_t service_count, size_t destinations_max);

#endif
