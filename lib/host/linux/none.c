/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In place of the real machine where it was left out of the build. */
#include "host/host.h"

#include <libsvm/agent.h>

int lsvm_host_open(struct lsvm_ctx *ctx, const char *name, struct lsvm_host **ret)
{
	return lsvm_fail(ctx, LSVM_ERR_UNSUPPORTED,
			 "this build has no real machine; build with libmnl and "
			 "libnl-route-3 for %s",
			 name);
}

int lsvm_control_open(struct lsvm_ctx *ctx, const char *path, struct lsvm_control **ret)
{
	return lsvm_fail(ctx, LSVM_ERR_UNSUPPORTED,
			 "this build cannot ask agents; build with libmnl and "
			 "libnl-route-3 for %s",
			 path);
}

int lsvm_control_call(struct lsvm_ctx *ctx, const char *path, const char *request,
		      uint32_t timeout_ms, char **ret)
{
	return lsvm_control_open(ctx, path, NULL);
}

/* Nothing can be opened, so these are never called. */

void lsvm_control_close(struct lsvm_control *control)
{
}

int lsvm_control_fd(const struct lsvm_control *control)
{
	return -1;
}

int lsvm_control_ask(struct lsvm_control *control, const char *request,
		     uint32_t timeout_ms)
{
	return LSVM_ERR_UNSUPPORTED;
}

int lsvm_control_next(struct lsvm_control *control, uint32_t timeout_ms, char **ret)
{
	return LSVM_ERR_UNSUPPORTED;
}

int lsvm_control_check(struct lsvm_ctx *ctx, const char *answer)
{
	return lsvm_fail(ctx, LSVM_ERR_UNSUPPORTED, "this build cannot ask agents: %.80s",
			 answer);
}
