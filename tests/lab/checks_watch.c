/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks by hand: lib/health on this machine's real channels. A line of JSON on the
 * standard input is a target, {"name": …, "kind": …, "port": …} with the keys of a
 * check; what becomes of it is printed, a line for each change:
 *
 *	NAME up
 *	NAME down CAUSE
 *	NAME percent NUMBER
 *	NAME warning TEXT
 *
 * It ends with its input.
 */
#include "health/health.h"
#include "host/host.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_BYTES 65536

struct seat {
	char *name;
	uint32_t percent;
	enum target_state state;
};

static struct lsvm_ctx *ctx;
static struct lsvm_host *host;
static struct health *health;
static const struct io_ops *io;

static void fail(const char *what)
{
	fprintf(stderr, "checks_watch: %s: %s\n", what, lsvm_ctx_error_text(ctx));
	exit(1);
}

static void told(const struct health_action *action)
{
	struct seat *seat = lsvm_target_owner(action->target);
	const enum target_state state = lsvm_target_state(action->target);
	const uint32_t percent = lsvm_target_percent(action->target);

	if (action->kind == HEALTH_WARNING) {
		printf("%s warning %s\n", seat->name, action->text);
		return;
	}
	if (state != seat->state)
		printf("%s %s%s%s\n", seat->name, state == TARGET_UP ? "up" : "down",
		       state == TARGET_UP ? "" : " ",
		       state == TARGET_UP ? "" : lsvm_target_cause(action->target));
	if (percent != seat->percent)
		printf("%s percent %u\n", seat->name, percent);
	seat->state = state;
	seat->percent = percent;
}

static void pull(void)
{
	struct health_action action;

	while (lsvm_health_next(health, &action)) {
		struct channel *channel = NULL;

		switch (action.kind) {
		case HEALTH_OPEN:
			if (io->open(host, action.channel, action.probe, &channel) < 0)
				channel = NULL;
			lsvm_health_opened(health, action.probe, channel,
					   io->now_ns(host));
			break;
		case HEALTH_SEND:
			io->send(host, action.io, action.bytes, action.length, NULL, 0);
			break;
		case HEALTH_CLOSE:
			io->close(host, action.io);
			break;
		case HEALTH_CHANGED:
		case HEALTH_WARNING:
			told(&action);
			break;
		}
	}
	fflush(stdout);
}

/* ---- targets from lines ---- */

static const char *text_of(const json_t *line, const char *key)
{
	return json_string_value(json_object_get(line, key));
}

static uint32_t number_of(const json_t *line, const char *key, uint32_t otherwise)
{
	const json_t *value = json_object_get(line, key);

	return json_is_integer(value) ? (uint32_t)json_integer_value(value) : otherwise;
}

static void read_lists(const json_t *line, struct check *check)
{
	json_t *command = json_object_get(line, "command"),
	       *statuses = json_object_get(line, "statuses"),
	       *headers = json_object_get(line, "headers"), *value;
	static struct header lines[16];
	static const char *words[16];
	const char *name;
	static uint32_t numbers[16];

	for (size_t i = 0; i < json_array_size(command) && i < 16; i++)
		words[check->command.count++] =
			json_string_value(json_array_get(command, i));
	for (size_t i = 0; i < json_array_size(statuses) && i < 16; i++)
		numbers[check->statuses.count++] =
			(uint32_t)json_integer_value(json_array_get(statuses, i));
	json_object_foreach(headers, name, value)
	{
		if (check->headers.count < 16)
			lines[check->headers.count++] =
				(struct header){ .name = name,
						 .value = json_string_value(value) };
	}
	check->headers.items = lines;
	check->command.items = words;
	check->statuses.items = numbers;
}

static void add(const json_t *line)
{
	struct check check = {
		.kind = (enum lsvm_check_kind)lsvm_check_kind_parse(
			text_of(line, "kind")),
		.interval_ms = number_of(line, "interval_ms", 100),
		.timeout_ms = number_of(line, "timeout_ms", 1000),
		.rise = number_of(line, "rise", 1),
		.fall = number_of(line, "fall", 2),
		.method = text_of(line, "method"),
		.path = text_of(line, "path"),
		.host = text_of(line, "host"),
		.server_name = text_of(line, "server_name"),
		.body = text_of(line, "body"),
		.digest = text_of(line, "digest"),
		.verify_certificate =
			json_is_true(json_object_get(line, "verify_certificate")),
		.send = text_of(line, "send"),
		.expect = text_of(line, "expect"),
		.query = text_of(line, "query"),
		.record = text_of(line, "record"),
		.base_dn = text_of(line, "base_dn"),
		.database = text_of(line, "database"),
		.user = text_of(line, "user"),
	};
	struct target_spec spec = { .check = &check,
				    .port = (uint16_t)number_of(line, "port", 0),
				    .mark = number_of(line, "mark", 0),
				    .domain = text_of(line, "domain"),
				    .protocol = json_is_true(json_object_get(line, "tcp"))
							? LSVM_PROTOCOL_TCP
							: LSVM_PROTOCOL_UDP };
	const char *address = text_of(line, "address"), *local = text_of(line, "local");
	struct seat *seat = calloc(1, sizeof(*seat));
	struct target *target;

	if (!seat || !(seat->name = strdup(text_of(line, "name"))) ||
	    !lsvm_addr_parse(address ? address : "127.0.0.1", &spec.addr) ||
	    (local && !lsvm_addr_parse(local, &spec.local)))
		fail("the line");
	seat->percent = 100;
	read_lists(line, &check);
	if (lsvm_health_watch(health, &spec, seat, io->now_ns(host), &target) < 0)
		fail(seat->name);
}

/* False at the end of the input. */
static bool read_input(void)
{
	static char buffer[LINE_BYTES];
	static size_t length;
	const ssize_t count = read(0, buffer + length, sizeof(buffer) - length - 1);
	char *end;

	if (count <= 0)
		return count < 0 && errno == EINTR;
	length += (size_t)count;
	buffer[length] = '\0';
	while ((end = strchr(buffer, '\n'))) {
		json_t *line;

		*end = '\0';
		line = json_loads(buffer, 0, NULL);
		if (!line)
			fail(buffer);
		add(line);
		json_decref(line);
		length -= (size_t)(end + 1 - buffer);
		memmove(buffer, end + 1, length + 1);
	}
	return true;
}

int main(void)
{
	struct pollfd fds[2] = { { .fd = 0, .events = POLLIN }, { .events = POLLIN } };
	struct io_event event;

	if (lsvm_ctx_new(&ctx) < 0 || lsvm_host_open(ctx, "here", &host) < 0)
		fail("host");
	io = host->ops->io;
	fds[1].fd = io->fd(host);
	if (fds[1].fd < 0 || lsvm_health_new(ctx, 1, &health) < 0)
		fail("health");
	do {
		while (io->next(host, &event)) {
			lsvm_health_input(health, event.owner, &event, io->now_ns(host));
			pull();
		}
		lsvm_health_tick(health, io->now_ns(host));
		pull();
		io->wake(host, lsvm_health_deadline(health));
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			fail("poll");
	} while (!(fds[0].revents & (POLLIN | POLLHUP)) || read_input());
	lsvm_host_free(host);
	lsvm_health_free(health);
	lsvm_ctx_unref(ctx);
	return 0;
}
