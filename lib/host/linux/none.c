/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In place of the real machine where it was left out of the build. */
#include "host/host.h"

int lsvm_host_open(struct lsvm_ctx *ctx, const char *name, struct lsvm_host **ret)
{
	return lsvm_fail(ctx, LSVM_ERR_UNSUPPORTED,
			 "this build has no real machine; build with libmnl and "
			 "libnl-route-3 for %s",
			 name);
}
