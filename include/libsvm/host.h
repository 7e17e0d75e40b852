/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file host.h */
#ifndef LIBSVM_HOST_H
#define LIBSVM_HOST_H

#include <libsvm/cluster.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A machine, real or simulated. */
struct lsvm_host;

#ifdef __cplusplus
}
#endif
#endif
