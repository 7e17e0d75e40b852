/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What callers of the control socket may ask. A line is a JSON object with a `command`
 * and the members that the command takes; any other member is a mistake, and is said to
 * be one.
 */
#include "agent/control.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

#define MEMBERS_MAX 3

struct command {
	const char *name;
	const char *members[MEMBERS_MAX]; /* besides `command` */
	/* Answers, or sets the caller to work. False: the caller is gone. */
	bool (*run)(struct lsvm_agent *agent, struct caller *caller,
		    const json_t *request);
};

/* Callers may have said anything, and what they said may be in the text. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);
	char plain[LSVM_ERROR_TEXT_BYTES];
	size_t length = 0;

	if (json)
		return json;
	for (; text[length] && length < sizeof(plain) - 1; length++)
		plain[length] = text[length] & 0x80 ? '?' : text[length];
	return json_stringn(plain, length);
}

void lsvm_control_error(struct buf *buf, int err, const char *text)
{
	json_t *json = json_pack("{s:b, s:s, s:o}", "ok", 0, "error", lsvm_err_name(err),
				 "text", text_json(text));
	char *line = json ? lsvm_json_text(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (line) {
		lsvm_buf_text(buf, line);
		lsvm_buf_text(buf, "\n");
	} else { /* out of memory: an answer all the same */
		lsvm_buf_printf(buf, "{\"ok\":false,\"error\":\"%s\",\"text\":\"\"}\n",
				lsvm_err_name(err));
	}
	lsvm_free(line);
}

static bool answer_error(struct lsvm_agent *agent, struct caller *caller, int err,
			 const char *text)
{
	struct buf buf = { 0 };

	lsvm_control_error(&buf, err, text);
	if (!buf.failed)
		lsvm_caller_send(agent, caller, buf.data, buf.length);
	lsvm_buf_free(&buf);
	return true;
}

static bool answer_done(struct lsvm_agent *agent, struct caller *caller)
{
	static const char done[] = "{\"ok\":true}\n";

	return lsvm_caller_send(agent, caller, done, sizeof(done) - 1);
}

/* ---- members ---- */

/* The text of a member, NULL when it is not there; *ret_good false when it is no text. */
static const char *text_of(const json_t *request, const char *name, bool *ret_good)
{
	const json_t *value = json_object_get(request, name);

	*ret_good &= !value || json_is_string(value);
	return json_string_value(value);
}

/* ---- the commands ---- */

static bool begin(struct caller *caller, enum caller_work work, enum report_kind kind)
{
	caller->work = work;
	caller->begun = false;
	caller->report = (struct report){ .kind = kind };
	return true;
}

static bool run_status(struct lsvm_agent *agent, struct caller *caller,
		       const json_t *request)
{
	return begin(caller, CALLER_REPORTS, REPORT_STATUS);
}

static bool run_metrics(struct lsvm_agent *agent, struct caller *caller,
			const json_t *request)
{
	return begin(caller, CALLER_REPORTS, REPORT_METRICS);
}

static bool run_events(struct lsvm_agent *agent, struct caller *caller,
		       const json_t *request)
{
	static const char follows[] = "{\"ok\":true,\"follow\":true}\n";
	const json_t *follow = json_object_get(request, "follow"),
		     *since = json_object_get(request, "since");

	if ((follow && !json_is_boolean(follow)) ||
	    (since && (!json_is_integer(since) || json_integer_value(since) < 0)))
		return answer_error(agent, caller, LSVM_ERR_ARGUMENT,
				    "follow is true or false, since is a number of an "
				    "event");
	caller->last = agent->control->last_number;
	caller->number = 1;
	if (since)
		caller->number = (uint64_t)json_integer_value(since) + 1;
	else if (json_is_true(follow))
		caller->number = caller->last + 1;
	if (caller->number < lsvm_control_first_kept(agent->control))
		caller->number = lsvm_control_first_kept(agent->control);
	if (!json_is_true(follow))
		return begin(caller, CALLER_EVENTS, REPORT_STATUS);
	begin(caller, CALLER_FOLLOWS, REPORT_STATUS);
	return lsvm_caller_send(agent, caller, follows, sizeof(follows) - 1);
}

static bool set_drained(struct lsvm_agent *agent, struct caller *caller,
			const json_t *request, bool drained)
{
	bool good = true;
	const char *server = text_of(request, "server", &good);
	const char *partition = text_of(request, "partition", &good);
	int err;

	if (!good || !server)
		return answer_error(agent, caller, LSVM_ERR_ARGUMENT,
				    "a server is needed, by its name; a partition may "
				    "follow");
	err = drained ? lsvm_agent_drain(agent, server, partition)
		      : lsvm_agent_enable(agent, server, partition);
	if (err < 0)
		return answer_error(agent, caller, err, lsvm_ctx_error_text(agent->ctx));
	return answer_done(agent, caller);
}

static bool run_drain(struct lsvm_agent *agent, struct caller *caller,
		      const json_t *request)
{
	return set_drained(agent, caller, request, true);
}

static bool run_enable(struct lsvm_agent *agent, struct caller *caller,
		       const json_t *request)
{
	return set_drained(agent, caller, request, false);
}

/* The answer is how it goes: see lsvm_agent_is_reload_asked(). */
static bool run_reload(struct lsvm_agent *agent, struct caller *caller,
		       const json_t *request)
{
	caller->work = CALLER_RELOADS;
	agent->control->reload_asked = true;
	return true;
}

static bool run_stop(struct lsvm_agent *agent, struct caller *caller,
		     const json_t *request)
{
	int err = lsvm_agent_stop(agent);

	if (err < 0)
		return answer_error(agent, caller, err, lsvm_ctx_error_text(agent->ctx));
	return answer_done(agent, caller);
}

static const struct command commands[] = {
	{ "status", { NULL }, run_status },
	{ "events", { "follow", "since" }, run_events },
	{ "metrics", { NULL }, run_metrics },
	{ "drain", { "server", "partition" }, run_drain },
	{ "enable", { "server", "partition" }, run_enable },
	{ "reload", { NULL }, run_reload },
	{ "stop", { NULL }, run_stop },
};

/* ---- a line ---- */

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* The first member that the command does not take, or NULL. */
static const char *unknown_member(const struct command *command, json_t *request)
{
	const char *name;
	json_t *value;

	json_object_foreach(request, name, value)
	{
		bool known = strcmp(name, "command") == 0;

		for (int i = 0; i < MEMBERS_MAX && command->members[i]; i++)
			known |= strcmp(name, command->members[i]) == 0;
		if (!known)
			return name;
	}
	return NULL;
}

static bool run(struct lsvm_agent *agent, struct caller *caller, json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "command"));
	const struct command *command = name ? find_command(name) : NULL;
	const char *unknown;
	char text[256];

	if (!name) {
		lsvm_caller_refuse(agent, caller, LSVM_ERR_PARSE,
				   "what it says has no \"command\"");
		return false;
	}
	if (!command) {
		snprintf(text, sizeof(text),
			 "there is no command '%.32s'; there are status, events, "
			 "metrics, drain, enable, reload and stop",
			 name);
		return answer_error(agent, caller, LSVM_ERR_NOT_FOUND, text);
	}
	unknown = unknown_member(command, request);
	if (!unknown)
		return command->run(agent, caller, request);
	snprintf(text, sizeof(text), "%s takes no '%.32s'", name, unknown);
	return answer_error(agent, caller, LSVM_ERR_ARGUMENT, text);
}

bool lsvm_control_line(struct lsvm_agent *agent, struct caller *caller, const char *line,
		       size_t length)
{
	json_error_t error;
	json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	char text[256];
	bool there;

	if (!json_is_object(request)) {
		json_decref(request);
		snprintf(text, sizeof(text), "what it says is no JSON object%s%.120s",
			 request ? "" : ": ", request ? "" : error.text);
		lsvm_caller_refuse(agent, caller,
				   !request && lsvm_json_ran_out(&error) ? LSVM_ERR_NOMEM
									 : LSVM_ERR_PARSE,
				   text);
		return false;
	}
	there = run(agent, caller, request);
	json_decref(request);
	return there;
}
