/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON to plans. A plan makes root write files and start programs, so nothing in it is
 * guessed: every member that json.c writes is read, every other is refused, and so is a
 * path or a name that cannot be one.
 */
#include "base/json.h"
#include "plan/plan.h"

#include <jansson.h>
#include <stdlib.h>

struct input {
	struct lsvm_ctx *ctx;
	struct lsvm_plan *plan;
	struct arena *arena;
	const char *what; /* "link", for the sentence */
	size_t index;	  /* in its list */
	int err;	  /* the first failure */
};

static void wrong(struct input *in, const char *name, const char *what)
{
	if (!in->err)
		in->err = lsvm_fail(in->ctx, LSVM_ERR_PARSE,
				    "plan: \"%s\" of %s %zu %s; compile the plan again",
				    name, in->what, in->index, what);
}

/* Refuses what is not an object and members that nobody knows. */
static bool only(struct input *in, const json_t *object, const char *const *names)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object)) {
		wrong(in, in->what, "is not an object");
		return false;
	}
	json_object_foreach((json_t *)object, name, value)
	{
		size_t i = 0;

		while (names[i] && strcmp(names[i], name) != 0)
			i++;
		if (!names[i]) {
			wrong(in, name, "is not known");
			return false;
		}
	}
	return !in->err;
}

static const char *optional_text(struct input *in, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (!value)
		return NULL;
	if (!json_is_string(value)) {
		wrong(in, name, "is not text");
		return NULL;
	}
	return lsvm_arena_strndup(in->arena, json_string_value(value),
				  json_string_length(value));
}

/* Never NULL. */
static const char *text(struct input *in, const json_t *object, const char *name)
{
	const char *value = optional_text(in, object, name);

	if (!value)
		wrong(in, name, "is missing");
	return value ? value : "";
}

static const char *path(struct input *in, const json_t *object, const char *name)
{
	const char *value = text(in, object, name);

	if (value[0] != '/' || strstr(value, "/../") || value[strlen(value) - 1] == '/')
		wrong(in, name, "is not the absolute path of a file");
	return value;
}

static uint32_t number(struct input *in, const json_t *object, const char *name,
		       json_int_t max)
{
	const json_t *value = json_object_get(object, name);

	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > max) {
		wrong(in, name, "is out of range");
		return 0;
	}
	return (uint32_t)json_integer_value(value);
}

static void interface(struct input *in, const json_t *object, const char *name, char *ret)
{
	const char *value = text(in, object, name);
	size_t length = strlen(value);

	if (!length || length >= INTERFACE_BYTES || strpbrk(value, "/ \t\n") ||
	    value[0] == '.') {
		wrong(in, name, "is not the name of an interface");
		return;
	}
	memcpy(ret, value, length + 1);
}

static void address(struct input *in, const json_t *object, const char *name,
		    struct addr *ret)
{
	if (json_object_get(object, name) &&
	    !lsvm_addr_parse(text(in, object, name), ret))
		wrong(in, name, "is not an address");
}

static void prefix(struct input *in, const json_t *object, const char *name,
		   struct prefix *ret)
{
	if (!lsvm_prefix_parse(text(in, object, name), ret))
		wrong(in, name, "is not an address with its prefix length");
}

static const char *const *words(struct input *in, const json_t *object, const char *name)
{
	const json_t *list = json_object_get(object, name);
	const char **ret;

	if (!list)
		return NULL;
	ret = lsvm_arena_array(in->arena, json_array_size(list) + 1, sizeof(*ret));
	if (!json_is_array(list) || !json_array_size(list) || !ret) {
		wrong(in, name, "is not a list of words");
		return NULL;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *value = json_array_get(list, i);

		if (!json_is_string(value)) {
			wrong(in, name, "is not a list of words");
			return NULL;
		}
		ret[i] = lsvm_arena_strdup(in->arena, json_string_value(value));
	}
	return ret;
}

/* ---- the parts; each gets its object and an item to fill ---- */

static void link_in(struct input *in, const json_t *object, struct link *ret)
{
	static const char *const names[] = { "name",	 "kind", "local", "port",
					     "checksum", "mtu",	 NULL };
	const json_t *checksum = json_object_get(object, "checksum");

	if (!only(in, object, names))
		return;
	interface(in, object, "name", ret->name);
	ret->kind = (enum link_kind)lsvm_link_kind_parse(text(in, object, "kind"));
	if (!ret->kind)
		wrong(in, "kind", "is not known");
	address(in, object, "local", &ret->local);
	ret->port = (uint16_t)number(in, object, "port", UINT16_MAX);
	if (checksum && !json_is_boolean(checksum))
		wrong(in, "checksum", "is neither true nor false");
	ret->checksum = json_is_true(checksum);
	ret->mtu = number(in, object, "mtu", INT32_MAX);
}

static void sysctl_in(struct input *in, const json_t *object, struct sysctl *ret)
{
	static const char *const names[] = { "name", "value", NULL };

	if (!only(in, object, names))
		return;
	ret->name = text(in, object, "name");
	ret->value = text(in, object, "value");
	if (!*ret->name || strstr(ret->name, "..") || ret->name[0] == '/')
		wrong(in, "name", "is not the name of a kernel setting");
}

static void address_in(struct input *in, const json_t *object, struct address *ret)
{
	static const char *const names[] = { "address", "interface", NULL };

	if (!only(in, object, names))
		return;
	prefix(in, object, "address", &ret->prefix);
	interface(in, object, "interface", ret->interface);
}

static void route_in(struct input *in, const json_t *object, struct route *ret)
{
	static const char *const names[] = { "destination", "via", "interface", NULL };

	if (!only(in, object, names))
		return;
	prefix(in, object, "destination", &ret->destination);
	address(in, object, "via", &ret->via);
	interface(in, object, "interface", ret->interface);
}

static void file_in(struct input *in, const json_t *object, struct file *ret)
{
	static const char *const names[] = { "path", "mode", "content", NULL };
	const char *mode;
	char *end;

	if (!only(in, object, names))
		return;
	ret->path = path(in, object, "path");
	mode = text(in, object, "mode");
	ret->mode = (uint32_t)strtoul(mode, &end, 8);
	if (strlen(mode) != 4 || *end || mode[0] != '0')
		wrong(in, "mode", "is not four octal digits");
	ret->content = text(in, object, "content");
	ret->length = strlen(ret->content);
}

static void unit_in(struct input *in, const json_t *object, struct unit *ret)
{
	static const char *const names[] = { "name", "pid_file", "files",
					     "test", "start",	 "reload",
					     "stop", "present",	 NULL };

	if (!only(in, object, names))
		return;
	ret->name = text(in, object, "name");
	if (json_object_get(object, "pid_file"))
		ret->pid_file = path(in, object, "pid_file");
	ret->files = words(in, object, "files");
	ret->test = words(in, object, "test");
	ret->start = words(in, object, "start");
	ret->reload = words(in, object, "reload");
	ret->stop = words(in, object, "stop");
	ret->present = words(in, object, "present");
	if (!ret->start)
		wrong(in, "start", "is missing");
}

static const json_t *list_in(struct input *in, const json_t *object, const char *name,
			     const char *what)
{
	const json_t *list = json_object_get(object, name);

	in->what = what;
	in->index = 0;
	if (list && !json_is_array(list))
		wrong(in, name, "is not a list");
	return list;
}

/* json_array_size(NULL) is 0: a list that is missing is empty. */
#define READ_LIST(in, object, name, what, vec, read)                                     \
	do {                                                                             \
		const json_t *list_ = list_in(in, object, name, what);                   \
		for (; (in)->index < json_array_size(list_) && !(in)->err;               \
		     (in)->index++) {                                                    \
			typeof((vec)->items) item_ = vec_push(vec);                      \
			if (item_)                                                       \
				read(in, json_array_get(list_, (in)->index), item_);     \
			else                                                             \
				(in)->err = lsvm_fail_nomem((in)->ctx);                  \
		}                                                                        \
	} while (0)

static void head_in(struct input *in, const json_t *object)
{
	static const char *const names[] = { "schema",	"cluster",     "machine", "role",
					     "duty",	"connections", "ipvs",	  "links",
					     "sysctls", "addresses",   "routes",  "files",
					     "units",	NULL };
	struct lsvm_plan *plan = in->plan;

	if (!only(in, object, names))
		return;
	if (strcmp(text(in, object, "schema"), "lsvm-plan/1") != 0)
		wrong(in, "schema", "is not \"lsvm-plan/1\"");
	plan->cluster = text(in, object, "cluster");
	plan->machine = text(in, object, "machine");
	plan->role = (enum lsvm_role)lsvm_role_parse(text(in, object, "role"));
	if (!plan->role)
		wrong(in, "role", "is not known");
	if (json_object_get(object, "connections"))
		plan->promise = text(in, object, "connections");
	if (!json_object_get(object, "duty"))
		return;
	plan->duty = (enum lsvm_duty)lsvm_duty_parse(text(in, object, "duty"));
	if (!plan->duty)
		wrong(in, "duty", "is not known");
}

static int plan_in(struct input *in, const json_t *object)
{
	struct state *state = in->plan->wanted;
	const json_t *ipvs = json_object_get(object, "ipvs");

	head_in(in, object);
	READ_LIST(in, object, "links", "link", &state->links, link_in);
	READ_LIST(in, object, "sysctls", "sysctl", &state->sysctls, sysctl_in);
	READ_LIST(in, object, "addresses", "address", &state->addresses, address_in);
	READ_LIST(in, object, "routes", "route", &state->routes, route_in);
	READ_LIST(in, object, "files", "file", &state->files, file_in);
	READ_LIST(in, object, "units", "unit", &state->units, unit_in);
	if (state->arena.failed)
		return lsvm_fail_nomem(in->ctx);
	if (in->err < 0)
		return in->err;
	if (ipvs)
		in->err = lsvm_ipvs_table_parse(in->ctx, ipvs, &state->ipvs);
	if (in->err < 0)
		return in->err;
	in->err = lsvm_plan_seal(in->plan);
	return in->err == LSVM_ERR_EXISTS ? LSVM_ERR_PARSE : in->err;
}

static int load(struct lsvm_ctx *ctx, const char *bytes, size_t length, json_t **ret)
{
	json_error_t error;

	if (length > LSVM_PLAN_JSON_MAX_BYTES)
		return lsvm_fail(ctx, LSVM_ERR_LIMIT,
				 "plan: longer than %u bytes; compile the plan again",
				 LSVM_PLAN_JSON_MAX_BYTES);
	*ret = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
	if (*ret)
		return 0;
	if (lsvm_json_ran_out(&error))
		return lsvm_fail_nomem(ctx);
	return lsvm_fail(ctx, LSVM_ERR_PARSE,
			 "plan: line %d, column %d: %s; compile the plan again",
			 error.line, error.column, error.text);
}

int lsvm_plan_from_json(struct lsvm_ctx *ctx, const char *bytes, size_t length,
			struct lsvm_plan **ret)
{
	struct input in = { .ctx = ctx, .what = "plan" };
	json_t *json;
	int err = load(ctx, bytes, length, &json);

	if (err < 0)
		return err;
	err = lsvm_plan_alloc(ctx, &in.plan);
	if (err == 0) {
		in.arena = &in.plan->wanted->arena;
		err = plan_in(&in, json);
	}
	json_decref(json);
	if (err < 0) {
		lsvm_plan_unref(in.plan);
		return err;
	}
	*ret = in.plan;
	return 0;
}
