/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Command lines: one table says what is accepted and what --help prints. */
#include "tool.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* getopt_long answers this plus the place in the command's table. */
#define FIRST_OPTION 1000

static void say(const struct tool *tool, const char *fmt, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", tool->page->name);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

int tool_usage(const struct tool *tool, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(tool, fmt, args);
	va_end(args);
	if (tool->command)
		fprintf(stderr, "Try '%s %s --help'.\n", tool->page->name,
			tool->command->name);
	else
		fprintf(stderr, "Try '%s --help'.\n", tool->page->name);
	return TOOL_USAGE;
}

int tool_complain(const struct tool *tool, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(tool, fmt, args);
	va_end(args);
	return TOOL_FAILED;
}

int tool_failed(const struct tool *tool)
{
	return tool_complain(tool, "%s", lsvm_ctx_error_text(tool->ctx));
}

void tool_print(char *text)
{
	size_t length = strlen(text);

	fputs(text, stdout);
	if (!length || text[length - 1] != '\n')
		putchar('\n');
	lsvm_free(text);
}

static int option_index(const struct tool_command *command, const char *name)
{
	for (int i = 0; command->options && command->options[i].name; i++)
		if (strcmp(command->options[i].name, name) == 0)
			return i;
	return -1;
}

const char *tool_value(const struct tool *tool, const char *option)
{
	int index = option_index(tool->command, option);

	return index < 0 ? NULL : tool->values[index];
}

bool tool_has(const struct tool *tool, const char *option)
{
	return tool_value(tool, option) != NULL;
}

bool tool_number(const struct tool *tool, const char *option, uint32_t min, uint32_t max,
		 uint32_t otherwise, uint32_t *ret)
{
	const char *text = tool_value(tool, option);
	char *end;
	unsigned long value;

	*ret = otherwise;
	if (!text)
		return true;
	value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || strlen(text) > 10 || value < min ||
	    value > max) {
		tool_usage(tool, "--%s must be a number from %u to %u, not '%s'", option,
			   min, max, text);
		return false;
	}
	*ret = (uint32_t)value;
	return true;
}

/* ---- --help ---- */

static void print_option(const char *name, const char *value, const char *help)
{
	int width = printf("      --%s%s%s", name, value ? " " : "", value ? value : "");

	printf("%*s%s\n", width < 30 ? 30 - width : 2, "", help);
}

static void print_command(const struct tool_page *page,
			  const struct tool_command *command)
{
	printf("  %s %s%s%s%s\n      %s\n", page->name, command->name,
	       command->options ? " [OPTION]..." : "", command->operands[0] ? " " : "",
	       command->operands, command->help);
	for (const struct tool_option *o = command->options; o && o->name; o++)
		print_option(o->name, o->value, o->help);
}

static void print_tail(void)
{
	puts("\nEvery command:");
	print_option("help", NULL, "print this and end");
	print_option("version", NULL, "print the version and end");
	puts("\nExit status: 0 done, 1 failed, 2 wrong command line, 3 the configuration "
	     "has errors.");
}

static int print_help(const struct tool *tool)
{
	const struct tool_page *page = tool->page;

	printf("Usage: %s COMMAND [OPTION]... [ARGUMENT]...\n%s\n\n", page->name,
	       page->help);
	if (tool->command) {
		print_command(page, tool->command);
	} else {
		puts("Commands:");
		for (const struct tool_command *c = page->commands; c->name; c++)
			print_command(page, c);
	}
	print_tail();
	return TOOL_DONE;
}

static int print_version(const struct tool *tool)
{
	printf("%s %s\n", tool->page->name, lsvm_version());
	return TOOL_DONE;
}

/* ---- reading the command line ---- */

static int run_options(struct tool *tool, int argc, char **argv)
{
	const struct tool_command *command = tool->command;
	struct option table[TOOL_OPTIONS_MAX + 3] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
	};
	int c;

	for (int i = 0; command->options && command->options[i].name; i++)
		table[i + 2] =
			(struct option){ command->options[i].name,
					 command->options[i].value ? required_argument
								   : no_argument,
					 NULL, FIRST_OPTION + i };
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", table, NULL)) != -1) {
		if (c == 'h')
			return print_help(tool);
		if (c == 'V')
			return print_version(tool);
		if (c == ':')
			return tool_usage(tool, "option '%s' needs a value",
					  argv[optind - 1]);
		if (c < FIRST_OPTION)
			return tool_usage(tool, "'%s' is no option of '%s'",
					  argv[optind - 1], command->name);
		tool->values[c - FIRST_OPTION] = optarg ? optarg : "";
	}
	tool->operands = argv + optind;
	tool->operand_count = argc - optind;
	if (tool->operand_count < command->operand_min)
		return tool_usage(tool, "'%s' needs %s", command->name,
				  command->operands);
	if (command->operand_max >= 0 && tool->operand_count > command->operand_max)
		return tool_usage(tool, "'%s' is one argument too many for '%s'",
				  tool->operands[command->operand_max], command->name);
	if (lsvm_ctx_new(&tool->ctx) < 0)
		return tool_complain(tool, "out of memory; free some and try again");
	return command->run(tool);
}

static int run_command(struct tool *tool, int argc, char **argv)
{
	if (argc < 2)
		return tool_usage(tool, "a command is missing");
	if (strcmp(argv[1], "--help") == 0)
		return print_help(tool);
	if (strcmp(argv[1], "--version") == 0)
		return print_version(tool);
	for (const struct tool_command *c = tool->page->commands; c->name; c++) {
		if (strcmp(c->name, argv[1]) == 0) {
			tool->command = c;
			return run_options(tool, argc - 1, argv + 1);
		}
	}
	if (argv[1][0] == '-')
		return tool_usage(tool, "'%s' is no option; a command comes first",
				  argv[1]);
	return tool_usage(tool, "'%s' is no command", argv[1]);
}

int tool_main(const struct tool_page *page, int argc, char **argv)
{
	struct tool tool = { .page = page };
	int status = run_command(&tool, argc, argv);

	lsvm_ctx_unref(tool.ctx);
	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		tool_complain(&tool,
			      "standard output cannot be written; look at where it "
			      "goes");
		return status ? status : TOOL_FAILED;
	}
	return status;
}
