/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program of the operator's: exit status 0 is good. {address} and {port} in its
 * arguments become the target's. The first line that it prints is the cause when it
 * fails. A probe that is late is closed, which ends the program.
 */
#include "health/probe.h"

static int prepare(struct recipe *recipe)
{
	if (!recipe->check.command.count || !*recipe->check.command.items[0])
		return lsvm_fail(recipe->ctx, LSVM_ERR_ARGUMENT,
				 "an external check has no program; write it and its "
				 "arguments in command");
	return 0;
}

static void put_word(struct buf *buf, const struct target *target, const char *word)
{
	char address[LSVM_ADDRESS_TEXT_BYTES];

	while (*word) {
		if (strncmp(word, "{address}", 9) == 0) {
			lsvm_buf_text(buf, lsvm_addr_text(&target->addr, address));
			word += 9;
		} else if (strncmp(word, "{port}", 6) == 0) {
			lsvm_buf_printf(buf, "%u", target->port);
			word += 6;
		} else {
			lsvm_buf_add(buf, word++, 1);
		}
	}
	lsvm_buf_add(buf, "", 1);
}

/* First room for the pointers, then the words that they point to, in one piece. */
static const char *const *words(struct probe *probe)
{
	const struct check *check = &probe->recipe->check;
	const uint32_t count = check->command.count;
	struct buf *buf = &probe->out_buf;
	const char **argv;
	const char *word;

	buf->length = 0;
	for (uint32_t i = 0; i <= count; i++)
		lsvm_buf_add(buf, &(const char *){ NULL }, sizeof(char *));
	for (uint32_t i = 0; i < count; i++)
		put_word(buf, probe->target, check->command.items[i]);
	if (buf->failed) {
		lsvm_probe_void(probe, "out of memory");
		return NULL;
	}
	argv = (const char **)(void *)buf->data;
	word = buf->data + (count + 1) * sizeof(char *);
	for (uint32_t i = 0; i < count; i++, word += strlen(word) + 1)
		argv[i] = word;
	return argv;
}

static void start(struct probe *probe)
{
	probe->waiting_for = "end of the program";
}

/* Its first line; the rest is read and forgotten, so that it can print what it likes. */
static void input(struct probe *probe, const uint8_t *bytes, size_t length)
{
	for (; length && !probe->stage; bytes++, length--) {
		if (*bytes == '\n')
			probe->stage = 1;
		else if (probe->line_length < sizeof(probe->line) - 1)
			probe->line[probe->line_length++] = (char)*bytes;
	}
}

static void ended(struct probe *probe, int status)
{
	char quoted[PROBE_QUOTE_BYTES];

	lsvm_probe_quote(probe->line, probe->line_length, quoted);
	if (!status)
		lsvm_probe_good(probe);
	else if (status > 128)
		lsvm_probe_bad(probe, "the program was ended by signal %d%s%s",
			       status - 128, *quoted ? ": " : "", quoted);
	else
		lsvm_probe_bad(probe, "the program's exit status is %d%s%s", status,
			       *quoted ? ": " : "", quoted);
}

const struct engine lsvm_engine_external = {
	.channel = CHANNEL_PROGRAM,
	.prepare = prepare,
	.words = words,
	.start = start,
	.input = input,
	.ended = ended,
};
