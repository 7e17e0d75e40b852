/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SMTP (RFC 5321): banner 220, EHLO answered with 250, QUIT. Answers may have many lines,
 * all but the last with a hyphen behind the code.
 */
#include "health/probe.h"

enum smtp_stage {
	SMTP_BANNER = 0,
	SMTP_EHLO,
};

static int prepare(struct recipe *recipe)
{
	const char *name = recipe->check.host ? recipe->check.host : "localhost";
	const char *line = lsvm_arena_printf(&recipe->arena, "EHLO %s\r\n", name);

	if (name[strcspn(name, " \r\n")])
		return lsvm_fail(recipe->ctx, LSVM_ERR_ARGUMENT,
				 "the host of an smtp check has a space or a line end; "
				 "write the name that EHLO is to give");
	if (line)
		lsvm_recipe_bytes(recipe, line, strlen(line), &recipe->request);
	return 0;
}

static void start(struct probe *probe)
{
	probe->waiting_for = "smtp banner";
}

static bool is_code(const char *line)
{
	for (int i = 0; i < 3; i++)
		if (line[i] < '0' || line[i] > '9')
			return false;
	return !line[3] || line[3] == ' ' || line[3] == '-';
}

static void take_line(struct probe *probe)
{
	const char *line = probe->line;
	const char *wanted = probe->stage == SMTP_BANNER ? "220" : "250";
	char quoted[PROBE_QUOTE_BYTES];

	lsvm_probe_quote(line, probe->line_length, quoted);
	if (!is_code(line)) {
		lsvm_probe_bad(probe, "no smtp answer: '%s'", quoted);
	} else if (strncmp(line, wanted, 3) != 0) {
		lsvm_probe_bad(probe, "smtp says '%s', wanted %s", quoted, wanted);
	} else if (line[3] == '-') {
		return;
	} else if (probe->stage == SMTP_BANNER) {
		probe->stage = SMTP_EHLO;
		probe->waiting_for = "answer to EHLO";
		lsvm_probe_send_fixed(probe, &probe->recipe->request);
	} else {
		lsvm_probe_send(probe, "QUIT\r\n", 6);
		lsvm_probe_good(probe);
	}
}

static void input(struct probe *probe, const uint8_t *bytes, size_t length)
{
	while (!probe->verdict && lsvm_probe_line(probe, &bytes, &length)) {
		take_line(probe);
		lsvm_probe_line_done(probe);
	}
}

const struct engine lsvm_engine_smtp = {
	.channel = CHANNEL_TCP,
	.prepare = prepare,
	.start = start,
	.input = input,
	.polite = true,
};
