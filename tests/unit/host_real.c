/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The suite on the kernel that runs here: in namespaces of its own, so it needs root (77
 * says so to meson). Tunnels and IPVS want modules that not every kernel has; those parts
 * run in the lab, tests/lab/host_kernel.
 */
#include "host_suite.h"

#include <unistd.h>

int main(void)
{
	struct lsvm_ctx *ctx;
	struct lsvm_host *host;
	int err;

	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	err = lsvm_host_open(ctx, "here", &host);
	lsvm_ctx_unref(ctx);
	if (err == LSVM_ERR_UNSUPPORTED || geteuid() != 0)
		return 77;
	lsvm_host_free(host);
	return host_suite(false, SUITE_BASE);
}
