/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file plan.h */
#ifndef LIBSVM_PLAN_H
#define LIBSVM_PLAN_H

#include <libsvm/cluster.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What one machine must hold, compiled from a cluster. Never changes. */
struct lsvm_plan;
/** Ordered steps from one state of a machine to another. */
struct lsvm_steps;

#ifdef __cplusplus
}
#endif
#endif
