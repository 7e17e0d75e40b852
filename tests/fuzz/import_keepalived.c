/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a configuration of keepalived. */
#include "import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return try_import(lsvm_import_keepalived, (const char *)data, size);
}
