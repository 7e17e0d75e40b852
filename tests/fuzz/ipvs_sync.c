/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a sync message: what can be read can be written, and reads the same. */
#include "ipvs/sync.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct sync_connection *c)
{
	struct sync_message message;
	struct sync_connection same;
	struct reader reader;
	size_t count;

	lsvm_sync_begin(&message, 1);
	if (!lsvm_sync_add(&message, SYNC_MESSAGE_BYTES, c))
		abort();
	reader = (struct reader){ .at = message.bytes, .left = message.length };
	memset(&same, 0, sizeof(same));
	if (!lsvm_sync_head(&reader, 1, &count) || count != 1 ||
	    !lsvm_sync_entry(&reader, &same) || reader.left ||
	    lsvm_addr_compare(&same.server, &c->server) || same.flags != c->flags ||
	    same.timeout_s != c->timeout_s || same.fwmark != c->fwmark)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader reader = { .at = data, .left = size };
	struct sync_connection c;
	size_t count;

	if (!lsvm_sync_head(&reader, 0, &count))
		return 0;
	while (count-- && lsvm_sync_entry(&reader, &c))
		again(&c);
	return 0;
}
