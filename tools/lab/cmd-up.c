/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-lab up, ask, apply, exec, status, down: a lab that stays. */
#include "keeper.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUILD_MS 600000
#define FOREVER_MS (INT64_C(7) * 86400 * 1000)
#define ARGUMENTS_MAX 16

/* A command of svm-lab-inside, with what the caller typed after it. */
struct inside {
	char folder[KEEPER_PATH_BYTES];
	char *program;
	const char **arguments;
	size_t count;
};

static int open_inside(struct inside *inside, struct tool *tool, const char *command)
{
	const char *name = tool_value(tool, "lab");

	*inside = (struct inside){ .program = lab_helper_path("svm-lab-inside") };
	inside->arguments = calloc((size_t)tool->operand_count + ARGUMENTS_MAX,
				   sizeof(*inside->arguments));
	if (!inside->program || !inside->arguments)
		return tool_complain(tool, "svm-lab-inside is missing; install libsvm "
					   "again");
	if (keeper_folder(name ? name : KEEPER_DEFAULT_NAME, inside->folder,
			  sizeof(inside->folder)) < 0)
		return TOOL_FAILED;
	inside->arguments[inside->count++] = inside->program;
	inside->arguments[inside->count++] = command;
	return TOOL_DONE;
}

static void add_option(struct inside *inside, struct tool *tool, const char *flag,
		       const char *option)
{
	if (!tool_has(tool, option))
		return;
	inside->arguments[inside->count++] = flag;
	if (tool_value(tool, option)[0])
		inside->arguments[inside->count++] = tool_value(tool, option);
}

static int run_inside(struct inside *inside, struct tool *tool, int64_t limit_ms)
{
	inside->arguments[inside->count++] = "--";
	for (int i = 0; i < tool->operand_count; i++)
		inside->arguments[inside->count++] = tool->operands[i];
	return keeper_run(inside->folder, (char *const *)inside->arguments,
			  now_ms() + limit_ms);
}

static void close_inside(struct inside *inside)
{
	free(inside->program);
	free(inside->arguments);
}

static int keeper_options(struct tool *tool, struct session_options *ret)
{
	*ret = (struct session_options){ .native = tool_has(tool, "no-guest") ||
						   has_ip_vs() };
	return tool_number(tool, "memory", 128, 65536, 1024, &ret->memory_mib)
		       ? TOOL_DONE
		       : TOOL_USAGE;
}

int cmd_up(struct tool *tool)
{
	struct session_options options;
	struct inside inside;
	int status = open_inside(&inside, tool, "up"), claim = -1;

	if (status == TOOL_DONE)
		status = keeper_options(tool, &options);
	if (status == TOOL_DONE)
		status = check_file(tool, tool->operands[0]);
	if (status == TOOL_DONE && (claim = keeper_claim(inside.folder)) < 0)
		status = TOOL_FAILED;
	if (status == TOOL_DONE)
		status = keeper_start(inside.folder, &options);
	if (claim >= 0)
		close(claim); /* the keeper has it too */
	if (claim >= 0 && status == TOOL_DONE) {
		add_option(&inside, tool, "--json", "json");
		status = run_inside(&inside, tool, BUILD_MS);
		if (status != TOOL_DONE)
			keeper_end(inside.folder);
	}
	close_inside(&inside);
	return status;
}

static int command(struct tool *tool, const char *name, int64_t limit_ms)
{
	struct inside inside;
	int status = open_inside(&inside, tool, name);

	if (status == TOOL_DONE) {
		add_option(&inside, tool, "--requests", "requests");
		add_option(&inside, tool, "--parallel", "parallel");
		add_option(&inside, tool, "--seconds", "seconds");
		add_option(&inside, tool, "--partition", "partition");
		add_option(&inside, tool, "--faults", "faults");
		add_option(&inside, tool, "--json", "json");
		status = run_inside(&inside, tool, limit_ms);
	}
	close_inside(&inside);
	return status;
}

int cmd_ask(struct tool *tool)
{
	return command(tool, "ask", FOREVER_MS);
}

int cmd_apply(struct tool *tool)
{
	int status = check_file(tool, tool->operands[0]);

	return status == TOOL_DONE ? command(tool, "apply", BUILD_MS) : status;
}

int cmd_exec(struct tool *tool)
{
	return command(tool, "enter", FOREVER_MS);
}

int cmd_fault(struct tool *tool)
{
	return command(tool, "fault", BUILD_MS);
}

int cmd_status(struct tool *tool)
{
	return command(tool, "status", BUILD_MS);
}

static int print_ended(struct tool *tool)
{
	const char *name = tool_value(tool, "lab");
	json_t *root = json_pack("{s:s, s:s}", "schema", "lsvm-lab-down/1", "lab",
				 name ? name : "lab");
	int err = root ? json_dumpf(root, stdout, JSON_COMPACT) : -1;

	putchar('\n');
	json_decref(root);
	return err < 0 ? TOOL_FAILED : TOOL_DONE;
}

int cmd_down(struct tool *tool)
{
	struct inside inside;
	int status = open_inside(&inside, tool, "down");

	if (status == TOOL_DONE)
		status = keeper_end(inside.folder);
	if (status == TOOL_DONE && tool_has(tool, "json"))
		status = print_ended(tool);
	close_inside(&inside);
	return status;
}
