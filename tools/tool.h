/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every tool shares: one table of subcommands with their options, from which the
 * command line is read and --help is printed, and the few ways in which a tool ends.
 *
 * A subcommand is a function of about 40 lines: ask for values, call the library, print.
 */
#ifndef TOOL_H
#define TOOL_H

#include <libsvm/libsvm.h>

/* How a tool ends; the same in all of them and in the man pages. */
enum tool_exit {
	TOOL_DONE = 0,
	TOOL_FAILED = 1,
	TOOL_USAGE = 2,	   /* the command line is wrong */
	TOOL_FINDINGS = 3, /* the configuration has errors; --strict: or warnings */
};

#define TOOL_OPTIONS_MAX 24

/* A table of options ends with a zeroed one. */
struct tool_option {
	const char *name;  /* without the two dashes */
	const char *value; /* what the value is called, "NAME"; NULL: a switch */
	const char *help;  /* one phrase */
};

struct tool;

/* A table of commands ends with a zeroed one. */
struct tool_command {
	const char *name;
	const char *operands; /* as in the usage line: "FILE", "FILE MACHINE", "" */
	int operand_min, operand_max;	   /* operand_max -1: any number */
	const char *help;		   /* one sentence */
	const struct tool_option *options; /* NULL: none but --help */
	int (*run)(struct tool *tool); /* enum tool_exit, or what a program ended with */
};

/* What a tool is. */
struct tool_page {
	const char *name; /* "svm-eds" */
	const char *help; /* one sentence */
	const struct tool_command *commands;
};

/* One run of a tool. */
struct tool {
	const struct tool_page *page;
	const struct tool_command *command;
	const char *values[TOOL_OPTIONS_MAX]; /* by place in the command's table */
	char **operands;
	int operand_count;
	struct lsvm_ctx *ctx;
};

/* Reads the command line, runs the command, and answers with the exit status. */
int tool_main(const struct tool_page *page, int argc, char **argv);

/* The option's value; NULL when it was not given. */
const char *tool_value(const struct tool *tool, const char *option);
/* Whether the option was given. */
bool tool_has(const struct tool *tool, const char *option);
/* The option as a number from min to max, or `otherwise` when it was not given; false
 * after the usage error was printed. */
bool tool_number(const struct tool *tool, const char *option, uint32_t min, uint32_t max,
		 uint32_t otherwise, uint32_t *ret);

/* "svm-eds: TEXT" on standard error; TOOL_USAGE with a hint at --help. */
int tool_usage(const struct tool *tool, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "svm-eds: TEXT" on standard error; TOOL_FAILED. */
int tool_complain(const struct tool *tool, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The library's sentence about its last failure on standard error; TOOL_FAILED. */
int tool_failed(const struct tool *tool);
/* Prints text of the library and a newline, and frees it. */
void tool_print(char *text);

/* "file:line:column: severity: text [code]" and the hint, each on its line, on `to`:
 * 1 standard output, 2 standard error. */
void tool_print_findings(const struct lsvm_findings *findings, const char *path, int to);
/* svm-ems check (check.c), svm-ems import (import.c), svm-ems key (key.c). */
int run_check(struct tool *tool);
int run_key(struct tool *tool);
int run_import(struct tool *tool);
/* A whole file, or standard input when the path is "-"; free() it. NULL after the
 * complaint. */
char *tool_read(struct tool *tool, const char *path, size_t *ret_length);
/* Loads a cluster file, or standard input when the path is "-", and prints nothing but
 * what kept it from being read. TOOL_DONE, TOOL_FINDINGS or TOOL_FAILED. */
int tool_load_cluster(struct tool *tool, const char *path, struct lsvm_findings *findings,
		      struct lsvm_cluster **ret);
/* The same; findings go to standard error. */
int tool_load(struct tool *tool, const char *path, struct lsvm_cluster **ret);

#endif
