/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Redis (RESP): PING. +PONG is good, and so are -NOAUTH and -NOPERM: a server that asks
 * who we are is there. -LOADING, -MASTERDOWN, -BUSY, -DENIED and every other error is
 * bad: it would not serve its clients either.
 */
#include "health/probe.h"

static void start(struct probe *probe)
{
	lsvm_probe_send(probe, "PING\r\n", 6);
	probe->waiting_for = "answer to PING";
}

static bool begins(const char *line, const char *word)
{
	const size_t length = strlen(word);

	return strncmp(line, word, length) == 0 && (!line[length] || line[length] == ' ');
}

static void input(struct probe *probe, const uint8_t *bytes, size_t length)
{
	const char *line = probe->line;
	char quoted[PROBE_QUOTE_BYTES];

	if (!lsvm_probe_line(probe, &bytes, &length))
		return;
	if (begins(line, "+PONG") || begins(line, "-NOAUTH") || begins(line, "-NOPERM"))
		lsvm_probe_good(probe);
	else
		lsvm_probe_bad(probe, "%s '%s'",
			       *line == '-' ? "redis says" : "no redis answer:",
			       lsvm_probe_quote(line, probe->line_length, quoted));
}

const struct engine lsvm_engine_redis = {
	.channel = CHANNEL_TCP,
	.start = start,
	.input = input,
};
