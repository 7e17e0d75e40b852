/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every reader of JSON needs to know about jansson. */
#include "base/json.h"

#include "base/base.h"

static int add(const char *bytes, size_t length, void *buf)
{
	lsvm_buf_add(buf, bytes, length);
	return ((struct buf *)buf)->failed ? -1 : 0;
}

char *lsvm_json_text(const json_t *json, size_t flags)
{
	struct buf buf = { 0 };

	if (!json || json_dump_callback(json, add, &buf, flags) < 0)
		buf.failed = true;
	return lsvm_buf_take(&buf);
}

bool lsvm_json_ran_out(const json_error_t *error)
{
	/* jansson 2.14 sets the code in a few places; in all others it only returns NULL
	 * and leaves the text as it was at the start. */
	return json_error_code(error) == json_error_out_of_memory || !error->text[0];
}
