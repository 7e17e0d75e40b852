/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The IPVS error numbers of a kernel, real or simulated, as errors with a sentence that
 * says what to do; 0 for 0.
 */
#ifndef LSVM_HOST_IPVS_VERDICT_H
#define LSVM_HOST_IPVS_VERDICT_H

#include "ipvs/table.h"

int lsvm_ipvs_verdict(struct lsvm_ctx *ctx, const char *what, int number);
int lsvm_ipvs_change_verdict(struct lsvm_ctx *ctx, const struct ipvs_change *change,
			     int number);
/* What should go and is gone already is done. */
bool lsvm_ipvs_is_gone(const struct ipvs_change *change, int number);

#endif
