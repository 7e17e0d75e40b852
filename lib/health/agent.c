/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The server reports its own weight: whoever connects gets one line, words with spaces or
 * commas between them.
 *
 *	up, ready		it serves
 *	75%			it serves, with that part of its weight
 *	drain			it takes no new connections: 0 %
 *	down, fail, failed, stopped, maint
 *				it does not serve; what follows a # is the reason
 *
 * `send` is sent first if the check has it. The last word of a kind counts; a word that
 * nobody knows is told once, and a line without any that is known is bad.
 */
#include "health/probe.h"

static void start(struct probe *probe)
{
	if (probe->recipe->request.length)
		lsvm_probe_send_fixed(probe, &probe->recipe->request);
	probe->waiting_for = "agent's line";
}

struct said {
	bool up, down, unknown;
	uint8_t percent;
	char word[PROBE_QUOTE_BYTES]; /* that made it down, or that nobody knows */
};

static bool read_percent(const char *word, size_t length, uint8_t *ret)
{
	unsigned value = 0;

	if (length < 2 || length > 5 || word[length - 1] != '%')
		return false;
	for (size_t i = 0; i < length - 1; i++) {
		if (word[i] < '0' || word[i] > '9')
			return false;
		value = value * 10 + (unsigned)(word[i] - '0');
	}
	*ret = (uint8_t)(value > 100 ? 100 : value);
	return true;
}

static bool is_word(const char *word, size_t length, const char *const *list)
{
	for (; *list; list++)
		if (strlen(*list) == length && strncmp(word, *list, length) == 0)
			return true;
	return false;
}

static void take_word(const char *word, size_t length, struct said *said)
{
	static const char *const up[] = { "up", "ready", NULL };
	static const char *const down[] = { "down",    "fail",	"failed",
					    "stopped", "maint", NULL };
	static const char *const drain[] = { "drain", NULL };

	if (is_word(word, length, up)) {
		said->up = true;
	} else if (is_word(word, length, down)) {
		said->down = true;
		lsvm_probe_quote(word, length, said->word);
	} else if (is_word(word, length, drain)) {
		said->up = true;
		said->percent = 0;
	} else if (read_percent(word, length, &said->percent)) {
		said->up = true;
	} else if (!said->down) {
		said->unknown = true;
		lsvm_probe_quote(word, length, said->word);
	}
}

static void take_line(struct probe *probe)
{
	struct said said = { .percent = 100 };
	const char *line = probe->line, *reason = strchr(line, '#');
	const char *at = line, *end = reason ? reason : line + strlen(line);
	char quoted[PROBE_QUOTE_BYTES];

	while (at < end) {
		const size_t length = strcspn(at, " ,\t#");

		if (length)
			take_word(at, length, &said);
		at += length + 1;
	}
	if (said.down) {
		lsvm_probe_bad(
			probe, "the server says '%s'%s%s", said.word, reason ? ": " : "",
			reason ? lsvm_probe_quote(reason + 1, strlen(reason + 1), quoted)
			       : "");
		return;
	}
	if (said.unknown)
		lsvm_probe_warn(probe, "it reports '%s', which nobody understands",
				said.word);
	if (!said.up) {
		lsvm_probe_bad(probe, "the agent's line is not understood: '%s'",
			       lsvm_probe_quote(line, strlen(line), quoted));
		return;
	}
	probe->percent = said.percent;
	lsvm_probe_good(probe);
}

static void input(struct probe *probe, const uint8_t *bytes, size_t length)
{
	if (lsvm_probe_line(probe, &bytes, &length))
		take_line(probe);
}

/* A line may lack its end where the connection has it. */
static void ended(struct probe *probe, int status)
{
	(void)status;
	if (!probe->line_length)
		return;
	probe->line[probe->line_length] = '\0';
	take_line(probe);
}

const struct engine lsvm_engine_agent = {
	.channel = CHANNEL_TCP,
	.prepare = lsvm_recipe_talk,
	.start = start,
	.input = input,
	.ended = ended,
};
