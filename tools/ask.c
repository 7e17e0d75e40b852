/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asking the agent that runs on this machine. Requests are built and answers are read as
 * JSON; with --json they are printed as they come.
 */
#include "ask.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_MS 10000
/* A reload answers when it is done, and a plan may be large. */
#define RELOAD_MS 120000

#define CONTROL                                                                          \
	{                                                                                \
		"control", "PATH",                                                       \
			"where the agent answers, if it is not the usual place"          \
	}

const struct tool_option ask_events_options[] = {
	CONTROL,
	{ "follow", NULL, "go on: print events as they come" },
	{ "since", "N", "only events with a greater number" },
	{ "json", NULL, "print each event as JSON, one a line" },
	{ 0 },
};

const struct tool_option ask_drain_options[] = {
	CONTROL,
	{ "partition", "NAME", "only in this partition; default: in all" },
	{ 0 },
};

const struct tool_option ask_reload_options[] = {
	CONTROL,
	{ 0 },
};

const char *ask_path(const struct tool *tool, int role)
{
	if (tool_has(tool, "control"))
		return tool_value(tool, "control");
	return role == LSVM_ROLE_DIRECTOR ? "/run/svm/eds.sock" : "/run/svm/eps.sock";
}

/* The request as text, freed by the next line of the caller; NULL after the complaint. */
static char *request_text(struct tool *tool, json_t *request)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;

	json_decref(request);
	if (!text)
		tool_complain(tool, "memory ran out, or a name is no UTF-8");
	return text;
}

/* What was asked for is done, or why it was not is said. */
static int ask_done(struct tool *tool, int role, json_t *request, uint32_t timeout_ms)
{
	char *text = request_text(tool, request), *answer = NULL;
	int err;

	if (!text)
		return TOOL_FAILED;
	err = lsvm_control_call(tool->ctx, ask_path(tool, role), text, timeout_ms,
				&answer);
	free(text);
	lsvm_free(answer);
	return err < 0 ? tool_failed(tool) : TOOL_DONE;
}

int ask_drain(struct tool *tool, int role, bool drained)
{
	const char *partition = tool_value(tool, "partition");
	json_t *request = json_pack("{s:s, s:s}", "command", drained ? "drain" : "enable",
				    "server", tool->operands[0]);

	if (request && partition &&
	    json_object_set_new(request, "partition", json_string(partition)) < 0) {
		json_decref(request);
		request = NULL;
	}
	return ask_done(tool, role, request, ANSWER_MS);
}

int ask_reload(struct tool *tool, int role)
{
	return ask_done(tool, role, json_pack("{s:s}", "command", "reload"), RELOAD_MS);
}

/* ---- events ---- */

static const char *text_of(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text ? text : "";
}

/* "2026-11-23 12:30:05.123 warning server-down eps2: down: connect refused" */
static void print_event(const json_t *event)
{
	json_int_t ms = json_integer_value(json_object_get(event, "time_ms"));
	time_t seconds = (time_t)(ms / 1000);
	struct tm when;
	char text[32] = "";

	if (localtime_r(&seconds, &when))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &when);
	printf("%s.%03d %s %s %s: %s\n", text, (int)(ms % 1000),
	       text_of(event, "severity"), text_of(event, "kind"),
	       text_of(event, "subject"), text_of(event, "text"));
}

static void print_event_as_asked(const struct tool *tool, const json_t *event)
{
	char *text;

	if (!tool_has(tool, "json")) {
		print_event(event);
		return;
	}
	text = json_dumps(event, JSON_COMPACT);
	if (text)
		puts(text);
	free(text);
}

static int print_kept(struct tool *tool, const char *answer)
{
	json_t *json = json_loads(answer, 0, NULL);
	const json_t *events = json_object_get(json, "events");
	int status = json_is_array(events) ? TOOL_DONE
					   : tool_complain(tool, "what answers there is "
								 "no agent");

	for (size_t i = 0; i < json_array_size(events); i++)
		print_event_as_asked(tool, json_array_get(events, i));
	json_decref(json);
	return status;
}

/* A line may also be the reason why there are no more. */
static int print_line(struct tool *tool, const char *line)
{
	json_t *json = json_loads(line, 0, NULL);
	int status = TOOL_DONE;

	if (json_object_get(json, "ok"))
		status = lsvm_control_check(tool->ctx, line) < 0 ? tool_failed(tool)
								 : TOOL_DONE;
	else if (!json_object_get(json, "kind"))
		status = tool_complain(tool, "what answers there is no agent");
	else
		print_event_as_asked(tool, json);
	json_decref(json);
	fflush(stdout);
	return status;
}

static int follow(struct tool *tool, struct lsvm_control *control)
{
	int status = TOOL_DONE, got = 1;
	char *line;

	while (status == TOOL_DONE && (got = lsvm_control_next(control, 0, &line)) == 1) {
		status = print_line(tool, line);
		lsvm_free(line);
		if (ferror(stdout))
			return TOOL_DONE; /* whoever reads has seen enough */
	}
	if (got < 0)
		return tool_failed(tool);
	if (!got)
		status = tool_complain(tool, "the agent has closed the connection: it "
					     "ended, or this was too slow for it");
	return status;
}

static json_t *events_request(struct tool *tool, bool *ret_good)
{
	uint32_t since = 0;
	json_t *request;

	*ret_good = tool_number(tool, "since", 0, UINT32_MAX, 0, &since);
	request = json_pack("{s:s, s:b}", "command", "events", "follow",
			    tool_has(tool, "follow"));
	if (request && (tool_has(tool, "since") || !tool_has(tool, "follow")) &&
	    json_object_set_new(request, "since", json_integer(since)) < 0) {
		json_decref(request);
		request = NULL;
	}
	return request;
}

int ask_events(struct tool *tool, int role)
{
	bool good;
	char *text = request_text(tool, events_request(tool, &good)), *answer = NULL;
	struct lsvm_control *control;
	int status = TOOL_DONE, err;

	if (!text || !good) {
		free(text);
		return text ? TOOL_USAGE : TOOL_FAILED;
	}
	err = lsvm_control_open(tool->ctx, ask_path(tool, role), &control);
	if (err < 0) {
		free(text);
		return tool_failed(tool);
	}
	err = lsvm_control_ask(control, text, ANSWER_MS);
	free(text);
	if (err >= 0)
		err = lsvm_control_next(control, ANSWER_MS, &answer);
	if (err > 0)
		err = lsvm_control_check(tool->ctx, answer);
	else if (!err)
		status = tool_complain(tool, "the agent has closed the connection");
	if (err < 0)
		status = tool_failed(tool);
	else if (status == TOOL_DONE)
		status = tool_has(tool, "follow") ? follow(tool, control)
						  : print_kept(tool, answer);
	lsvm_free(answer);
	lsvm_control_close(control);
	return status;
}

/* ---- status ---- */

int ask_status(struct tool *tool, int role, char **ret)
{
	char *answer;
	json_t *json;
	int err;

	if (!ask_path(tool, role)[0])
		return TOOL_DONE;
	err = lsvm_control_call(tool->ctx, ask_path(tool, role),
				"{\"command\":\"status\"}", ANSWER_MS, &answer);
	if (err == LSVM_ERR_NOT_FOUND && !tool_has(tool, "control"))
		return TOOL_DONE;
	if (err < 0)
		return tool_failed(tool);
	json = json_loads(answer, 0, NULL);
	lsvm_free(answer);
	*ret = json_dumps(json_object_get(json, "status"), JSON_COMPACT);
	json_decref(json);
	return *ret ? TOOL_DONE : tool_complain(tool, "what answers there is no agent");
}

static void print_duty(const json_t *duty)
{
	const json_t *routers = json_object_get(duty, "routers"), *router;
	size_t i;

	printf("  duty: %s\n", text_of(duty, "now"));
	json_array_foreach(routers, i, router)
		printf("  %s: %s\n", text_of(router, "name"), text_of(router, "state"));
}

static void print_server(const json_t *server)
{
	const char *cause = text_of(server, "cause");

	printf("      %-16s %-8s weight %lld of %lld%s%s\n", text_of(server, "server"),
	       text_of(server, "state"),
	       (long long)json_integer_value(json_object_get(server, "weight")),
	       (long long)json_integer_value(json_object_get(server, "full_weight")),
	       cause[0] ? ": " : "", cause);
}

static void print_service(const json_t *service)
{
	const json_t *servers = json_object_get(service, "servers"), *server, *need;
	const char *mode = text_of(service, "mode");
	size_t i;

	printf("    %s (%s %s): %lld of %zu servers available%s%s\n",
	       text_of(service, "service"), text_of(service, "vip"),
	       text_of(service, "name"),
	       (long long)json_integer_value(json_object_get(service, "available")),
	       json_array_size(servers), strcmp(mode, "normal") ? ", " : "",
	       strcmp(mode, "normal") ? mode : "");
	json_array_foreach(json_object_get(service, "needs_down"), i, need)
		printf("      needs %s, which is down\n", json_string_value(need));
	json_array_foreach(servers, i, server) print_server(server);
}

static void print_backend(const json_t *backend)
{
	const json_t *host;
	size_t i;

	printf("    %s: %s\n", text_of(backend, "name"), text_of(backend, "state"));
	json_array_foreach(json_object_get(backend, "hosts"), i, host)
		printf("      %-16s %s %s\n", text_of(host, "host"),
		       text_of(host, "state"), text_of(host, "cause"));
}

void ask_print_status(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	const json_t *pool = json_object_get(json, "pool"), *item;
	json_int_t ms = json_integer_value(json_object_get(json, "running_ms"));
	size_t i;

	printf("agent\n  %s since %lld s, %lld events\n", text_of(json, "state"),
	       (long long)(ms / 1000),
	       (long long)json_integer_value(json_object_get(json, "events")));
	if (json_object_get(json, "duty"))
		print_duty(json_object_get(json, "duty"));
	if (json_array_size(json_object_get(pool, "services")))
		puts("  services");
	json_array_foreach(json_object_get(pool, "services"), i, item)
		print_service(item);
	if (json_array_size(json_object_get(pool, "backends")))
		puts("  back-end services");
	json_array_foreach(json_object_get(pool, "backends"), i, item)
		print_backend(item);
	json_decref(json);
}
