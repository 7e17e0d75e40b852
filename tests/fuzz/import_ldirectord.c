/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a configuration of ldirectord. */
#include "import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return try_import(lsvm_import_ldirectord, (const char *)data, size);
}
