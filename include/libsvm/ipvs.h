/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file ipvs.h */
#ifndef LIBSVM_IPVS_H
#define LIBSVM_IPVS_H

#include <libsvm/cluster.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An IPVS table: virtual services and their destinations. Sealed tables never change. */
struct lsvm_ipvs_table;

#ifdef __cplusplus
}
#endif
#endif
