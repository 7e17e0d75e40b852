/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Send and expect: text goes out as soon as the connection is there, and text must come
 * back somewhere among the first PROBE_BODY_BYTES. Without a text to expect, the
 * connection alone is good, and what was sent is sent.
 */
#include "health/probe.h"

/* Both texts without their escapes: request and needle. */
int lsvm_recipe_talk(struct recipe *recipe)
{
	const char *const texts[] = { recipe->check.send, recipe->check.expect };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = texts[i] ? texts[i] : "";
		struct bytes bytes;

		lsvm_recipe_bytes(recipe, text, strlen(text), &bytes);
		if (!bytes.at)
			return 0; /* the arena remembers */
		if (!lsvm_check_unescape(text, bytes.at, &bytes.length))
			return lsvm_fail(recipe->ctx, LSVM_ERR_ARGUMENT,
					 "the %s text of a check has a backslash before "
					 "what is no escape; write \\\\ for a backslash",
					 i ? "expected" : "sent");
		if (i)
			lsvm_recipe_needle(recipe, &bytes);
		else
			recipe->request = bytes;
	}
	return 0;
}

static void start(struct probe *probe)
{
	if (probe->recipe->request.length)
		lsvm_probe_send_fixed(probe, &probe->recipe->request);
	probe->waiting_for = "expected text";
	if (!probe->recipe->needle.text.length)
		lsvm_probe_good(probe);
}

static void input(struct probe *probe, const uint8_t *bytes, size_t length)
{
	if (!probe->in_bytes) /* what came first tells people most */
		probe->line_length =
			(uint16_t)(length < sizeof(probe->line) ? length
								: sizeof(probe->line));
	if (!probe->in_bytes)
		memcpy(probe->line, bytes, probe->line_length);
	if (length > PROBE_BODY_BYTES - probe->in_bytes)
		length = PROBE_BODY_BYTES - probe->in_bytes;
	probe->in_bytes += (uint32_t)length;
	if (lsvm_probe_find(probe, bytes, length))
		lsvm_probe_good(probe);
	else if (probe->in_bytes == PROBE_BODY_BYTES)
		lsvm_probe_bad(probe, "the expected text is not in the first %u bytes",
			       PROBE_BODY_BYTES);
}

static void tell_what_came(struct probe *probe)
{
	char quoted[PROBE_QUOTE_BYTES];

	if (probe->line_length)
		lsvm_probe_bad(probe, "the expected text did not come, but '%s'",
			       lsvm_probe_quote(probe->line, probe->line_length, quoted));
}

static void ended(struct probe *probe, int status)
{
	(void)status;
	tell_what_came(probe);
}

const struct engine lsvm_engine_script = {
	.channel = CHANNEL_TCP,
	.prepare = lsvm_recipe_talk,
	.start = start,
	.input = input,
	.ended = ended,
	.late = tell_what_came,
};
