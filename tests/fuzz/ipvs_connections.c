/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as the kernel's list of connections, and as the list of their origins: the
 * pieces they come in change nothing, and what is kept can be written. */
#include "ipvs/connections.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *read_in_pieces(struct lsvm_ctx *ctx, const uint8_t *data, size_t size,
			    size_t piece)
{
	const struct connection_filter any = { .limit = 100 };
	struct lsvm_connection_list *found;
	char *text;

	if (lsvm_connection_list_new(ctx, &any, &found))
		abort();
	for (int pass = 0; pass < 2; pass++) {
		for (size_t at = 0; at < size; at += piece)
			lsvm_connection_list_feed(found, (const char *)data + at,
						  piece < size - at ? piece : size - at);
		if (lsvm_connection_list_end(found, pass == 0))
			abort();
	}
	if (lsvm_connection_list_count(found) > 100 ||
	    lsvm_connection_list_to_json(found, &text))
		abort();
	lsvm_connection_list_free(found);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lsvm_ctx *ctx;
	char *whole, *parts;

	if (lsvm_ctx_new(&ctx))
		return 0;
	whole = read_in_pieces(ctx, data, size, size + 1);
	parts = read_in_pieces(ctx, data, size, 3);
	if (strcmp(whole, parts) != 0)
		abort();
	lsvm_free(whole);
	lsvm_free(parts);
	lsvm_ctx_unref(ctx);
	return 0;
}
