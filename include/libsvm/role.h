/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file role.h */
#ifndef LIBSVM_ROLE_H
#define LIBSVM_ROLE_H

#include <libsvm/cluster.h>

#ifdef __cplusplus
extern "C" {
#endif

/* filled by lib/role */

#ifdef __cplusplus
}
#endif
#endif
