/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * svm-eds top: the kernel's table, again and again, the busiest first. Plain ANSI on the
 * terminal's second screen, which is given back however the tool ends; one shot where
 * nobody looks.
 */
#include "see.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define SCREEN_BEGIN "\033[?1049h\033[?25l"
#define SCREEN_END "\033[?25h\033[?1049l"
#define LINE_HOME "\033[H"
#define LINE_CLEAR "\033[K"
#define REST_CLEAR "\033[J"
#define NAME_COLUMNS 44
#define NUMBERS_COLUMNS 68

enum sort {
	SORT_UNKNOWN = 0,
	SORT_NAME,
	SORT_ACTIVE,
	SORT_INACTIVE,
	SORT_CONNECTIONS,
	SORT_RATE,
	SORT_BYTES,
};

static const char *const sort_names[] = { "",	      "name",	     "active",
					  "inactive", "connections", "rate",
					  "bytes" };

struct row {
	char name[LSVM_ADDRESS_TEXT_BYTES + 16];
	const struct lsvm_ipvs_service *service; /* NULL: a destination */
	uint32_t weight;
	uint64_t active, inactive, connections, rate, in_rate, out_rate;
	size_t begin, count; /* a service's destinations in the list of rows */
};

struct top {
	struct tool *tool;
	struct lsvm_host *host;
	enum sort sort;
	uint32_t interval_s, rounds; /* rounds 0: until a signal */
	bool live;
	unsigned lines, columns; /* 0: as many as there are */
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	ended = number;
}

/* A new size of the terminal only ends the pause. */
static void on_resize(int number)
{
	(void)number;
}

/* ---- rows ---- */

static uint64_t key_of(const struct row *row, enum sort sort)
{
	switch (sort) {
	case SORT_ACTIVE:
		return row->active;
	case SORT_INACTIVE:
		return row->inactive;
	case SORT_CONNECTIONS:
		return row->connections;
	case SORT_RATE:
		return row->rate;
	case SORT_BYTES:
		return row->in_rate + row->out_rate;
	case SORT_NAME:
	case SORT_UNKNOWN:
		break;
	}
	return 0;
}

/* The greatest first; equal ones stay as the table has them, by place in memory. */
static int compare(const void *left, const void *right, void *arg)
{
	const struct row *a = left, *b = right;
	const enum sort *sort = arg;
	uint64_t first = key_of(a, *sort), second = key_of(b, *sort);

	if (first != second)
		return first > second ? -1 : 1;
	return a->begin < b->begin ? -1 : a->begin > b->begin;
}

static void fill_destination(const struct lsvm_ipvs_destination *d, size_t place,
			     struct row *row)
{
	char address[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_ipvs_destination_address(d, address, sizeof(address));
	snprintf(row->name, sizeof(row->name), strchr(address, ':') ? "[%s]:%u" : "%s:%u",
		 address, lsvm_ipvs_destination_port(d));
	row->weight = lsvm_ipvs_destination_weight(d);
	row->active = lsvm_ipvs_destination_active_count(d);
	row->inactive = lsvm_ipvs_destination_inactive_count(d);
	row->connections =
		lsvm_ipvs_destination_counter(d, LSVM_IPVS_COUNTER_CONNECTIONS);
	row->rate = lsvm_ipvs_destination_counter(d, LSVM_IPVS_COUNTER_CONNECTION_RATE);
	row->in_rate = lsvm_ipvs_destination_counter(d, LSVM_IPVS_COUNTER_IN_BYTE_RATE);
	row->out_rate = lsvm_ipvs_destination_counter(d, LSVM_IPVS_COUNTER_OUT_BYTE_RATE);
	row->begin = place;
}

static size_t fill_service(const struct lsvm_ipvs_service *s, size_t begin,
			   enum sort sort, struct row *row, struct row *destinations)
{
	row->service = s;
	row->begin = begin;
	row->count = lsvm_ipvs_service_destination_count(s);
	lsvm_ipvs_service_text(s, row->name, sizeof(row->name));
	row->connections = lsvm_ipvs_service_counter(s, LSVM_IPVS_COUNTER_CONNECTIONS);
	row->rate = lsvm_ipvs_service_counter(s, LSVM_IPVS_COUNTER_CONNECTION_RATE);
	row->in_rate = lsvm_ipvs_service_counter(s, LSVM_IPVS_COUNTER_IN_BYTE_RATE);
	row->out_rate = lsvm_ipvs_service_counter(s, LSVM_IPVS_COUNTER_OUT_BYTE_RATE);
	for (size_t i = 0; i < row->count; i++) {
		struct row *d = &destinations[begin + i];

		fill_destination(lsvm_ipvs_service_destination_at(s, i), i, d);
		row->weight += d->weight;
		row->active += d->active;
		row->inactive += d->inactive;
	}
	if (row->count)
		qsort_r(&destinations[begin], row->count, sizeof(*destinations), compare,
			&sort);
	return begin + row->count;
}

/* ---- what is printed ---- */

/* A number in at most six columns: 999999, 1000k, 12M. */
static const char *small(uint64_t value, char *buf, size_t size)
{
	static const char units[] = " kMGTPE";
	unsigned unit = 0;

	while (value >= (unit ? 100000u : 1000000u) && unit < sizeof(units) - 2) {
		value /= 1000;
		unit++;
	}
	if (unit)
		snprintf(buf, size, "%llu%c", (unsigned long long)value, units[unit]);
	else
		snprintf(buf, size, "%llu", (unsigned long long)value);
	return buf;
}

static void print_row(const struct top *top, const struct row *row)
{
	char text[6][24], line[256];
	int name = NAME_COLUMNS;

	if (top->columns && top->columns < NAME_COLUMNS + NUMBERS_COLUMNS)
		name = top->columns > NUMBERS_COLUMNS + 22
			       ? (int)(top->columns - NUMBERS_COLUMNS)
			       : 22;
	snprintf(line, sizeof(line), "%s%-*.*s %-5.5s %7u %9s %9s %9s %7s %9s %9s",
		 row->service ? "" : "  ", row->service ? name : name - 2,
		 row->service ? name : name - 2, row->name,
		 row->service ? lsvm_ipvs_service_scheduler(row->service) : "",
		 row->weight, small(row->active, text[0], sizeof(text[0])),
		 small(row->inactive, text[1], sizeof(text[1])),
		 small(row->connections, text[2], sizeof(text[2])),
		 small(row->rate, text[3], sizeof(text[3])),
		 small(row->in_rate, text[4], sizeof(text[4])),
		 small(row->out_rate, text[5], sizeof(text[5])));
	printf("%.*s%s\n", top->columns ? (int)top->columns : (int)sizeof(line), line,
	       top->live ? LINE_CLEAR : "");
}

static void print_heading(const struct top *top, size_t count)
{
	char line[256];
	int name = NAME_COLUMNS;

	if (top->columns && top->columns < NAME_COLUMNS + NUMBERS_COLUMNS)
		name = top->columns > NUMBERS_COLUMNS + 22
			       ? (int)(top->columns - NUMBERS_COLUMNS)
			       : 22;
	snprintf(line, sizeof(line), "%-*s %-5s %7s %9s %9s %9s %7s %9s %9s", name,
		 "SERVICE", "SCHED", "WEIGHT", "ACTIVE", "INACTIVE", "CONNS", "CONN/S",
		 "IN-B/S", "OUT-B/S");
	if (top->live)
		printf("%s: %zu services, by %s%s\n", lsvm_host_name(top->host), count,
		       sort_names[top->sort], LINE_CLEAR);
	printf("%.*s%s\n", top->columns ? (int)top->columns : (int)sizeof(line), line,
	       top->live ? LINE_CLEAR : "");
}

static void print_rows(const struct top *top, const struct row *services, size_t count,
		       const struct row *destinations)
{
	/* Two lines of heading; the last one stays free, or the screen would scroll. */
	size_t room = top->lines > 4 ? top->lines - 3 : top->lines ? 1 : SIZE_MAX;

	if (top->live)
		fputs(LINE_HOME, stdout);
	print_heading(top, count);
	for (size_t i = 0; i < count && room; i++) {
		print_row(top, &services[i]);
		room--;
		for (size_t j = 0; j < services[i].count && room; j++, room--)
			print_row(top, &destinations[services[i].begin + j]);
	}
	if (top->live)
		fputs(REST_CLEAR, stdout);
	fflush(stdout);
}

static int print_table(struct top *top, const struct lsvm_ipvs_table *table)
{
	size_t count = lsvm_ipvs_table_service_count(table), total = 0, begin = 0;
	struct row *services, *destinations;

	for (size_t i = 0; i < count; i++)
		total += lsvm_ipvs_service_destination_count(
			lsvm_ipvs_table_service_at(table, i));
	services = calloc(count + 1, sizeof(*services));
	destinations = calloc(total + 1, sizeof(*destinations));
	if (services && destinations) {
		for (size_t i = 0; i < count; i++)
			begin = fill_service(lsvm_ipvs_table_service_at(table, i), begin,
					     top->sort, &services[i], destinations);
		if (count)
			qsort_r(services, count, sizeof(*services), compare, &top->sort);
		print_rows(top, services, count, destinations);
	}
	free(services);
	free(destinations);
	return services && destinations ? TOOL_DONE
					: tool_complain(top->tool, "out of memory; free "
								   "some and try again");
}

/* ---- rounds ---- */

static void measure(struct top *top)
{
	struct winsize size;

	top->lines = top->columns = 0;
	if (top->live && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
		top->lines = size.ws_row;
		top->columns = size.ws_col;
	}
}

/* One look; the sentence of a failure waits until the screen is given back. */
static int round_of(struct top *top, bool json)
{
	struct lsvm_ipvs_table *table;
	int status = TOOL_DONE;
	char *text;

	if (lsvm_host_ipvs_snapshot(top->host, &table) < 0)
		return TOOL_FAILED;
	measure(top);
	if (!json)
		status = print_table(top, table);
	else if (lsvm_ipvs_table_to_json(table, &text) < 0)
		status = TOOL_FAILED;
	else
		tool_print(text);
	lsvm_ipvs_table_unref(table);
	return status;
}

/* A signal, and a new size of the terminal, end the pause; q does too, in a terminal that
 * hands over whole lines: q and Enter. */
static void rest(const struct top *top)
{
	struct pollfd input = { STDIN_FILENO, POLLIN, 0 };
	bool typed = top->live && isatty(STDIN_FILENO);
	char letters[16];

	if (ended || poll(typed ? &input : NULL, typed, (int)top->interval_s * 1000) <= 0)
		return;
	if (read(STDIN_FILENO, letters, sizeof(letters)) > 0 && letters[0] == 'q')
		ended = SIGINT;
}

static int run_rounds(struct top *top, bool json)
{
	int status = TOOL_DONE;

	if (top->live)
		fputs(SCREEN_BEGIN, stdout);
	for (uint32_t i = 0; !ended && status == TOOL_DONE; i++) {
		if (top->rounds && i >= top->rounds)
			break;
		if (i)
			rest(top);
		if (!ended)
			status = round_of(top, json);
	}
	if (top->live) {
		fputs(SCREEN_END, stdout);
		fflush(stdout);
	}
	return status == TOOL_FAILED ? tool_failed(top->tool) : status;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct sigaction resize = { .sa_handler = on_resize };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGWINCH, &resize, NULL);
}

static enum sort find_sort(const char *word)
{
	for (size_t i = 1; word && i < sizeof(sort_names) / sizeof(sort_names[0]); i++)
		if (strcmp(word, sort_names[i]) == 0)
			return (enum sort)i;
	return word ? SORT_UNKNOWN : SORT_ACTIVE;
}

int see_top(struct tool *tool)
{
	const bool json = tool_has(tool, "json");
	struct top top = { .tool = tool, .sort = find_sort(tool_value(tool, "sort")) };
	char name[TOOL_HOST_NAME_BYTES] = "";
	int status;

	if (!top.sort)
		return tool_usage(tool,
				  "--sort is name, active, inactive, connections, "
				  "rate or bytes, not '%s'",
				  tool_value(tool, "sort"));
	if (!tool_number(tool, "interval", 1, 3600, 2, &top.interval_s) ||
	    !tool_number(tool, "count", 1, UINT32_MAX, 0, &top.rounds))
		return TOOL_USAGE;
	if (tool_has(tool, "once") || json || (!top.rounds && !isatty(STDOUT_FILENO)))
		top.rounds = 1;
	top.live = isatty(STDOUT_FILENO) && !json && !tool_has(tool, "once");
	status = role_open_host(tool, role_machine_name(tool, name), &top.host);
	if (status != TOOL_DONE)
		return status;
	catch_signals();
	status = run_rounds(&top, json);
	lsvm_host_free(top.host);
	return status;
}
