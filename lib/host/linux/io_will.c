/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/linux/io_private.h"

int lsvm_io_will(struct lsvm_host *host, const struct io_will *will_or_null)
{
	return will_or_null ? lsvm_fail(host->ctx, LSVM_ERR_UNSUPPORTED,
					"this version cannot leave a will")
			    : 0;
}
