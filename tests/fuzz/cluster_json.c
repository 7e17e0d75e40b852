/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a cluster in JSON. */
#include "cluster_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_cluster(data, size, LSVM_FORMAT_JSON);
}
