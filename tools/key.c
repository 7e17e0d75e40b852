/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-ems key: the cluster's key, made anew, or a machine's that follows from it. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_BYTES 32

static int make(struct tool *tool)
{
	FILE *random = fopen("/dev/urandom", "rb");
	uint8_t bytes[KEY_BYTES];
	bool good = random && fread(bytes, sizeof(bytes), 1, random) == 1;
	char *text;

	if (random)
		fclose(random);
	if (!good)
		return tool_complain(tool, "/dev/urandom cannot be read, and a key must "
					   "be random; mount /dev");
	if (lsvm_key_generate(tool->ctx, bytes, sizeof(bytes), &text) < 0)
		return tool_failed(tool);
	fputs(text, stdout);
	lsvm_free(text);
	return TOOL_DONE;
}

static int derive(struct tool *tool, const char *path, const char *machine)
{
	size_t length;
	char *cluster = tool_read(tool, path, &length), *text;
	int err;

	if (!cluster)
		return TOOL_FAILED;
	err = lsvm_key_derive(tool->ctx, cluster, length, machine, &text);
	free(cluster);
	if (err < 0)
		return tool_failed(tool);
	fputs(text, stdout);
	lsvm_free(text);
	return TOOL_DONE;
}

int run_key(struct tool *tool)
{
	const char *machine = tool_value(tool, "machine");

	if (!machine != !tool->operand_count)
		return tool_usage(tool, "a machine's key is made from the cluster's: "
					"svm-ems key --machine NAME FILE");
	return machine ? derive(tool, tool->operands[0], machine) : make(tool);
}
