/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans and steps as JSON, schemas "lsvm-plan/1" and "lsvm-steps/1". Members that say
 * nothing (no MTU, no port, an empty list) are left out; what is there is in canonical
 * order.
 */
#include "base/json.h"
#include "plan/plan.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define INDENT JSON_INDENT(1)

/* jansson's setters answer -1 for a value of NULL too: only the end is checked. */
static int set_text(json_t *object, const char *name, const char *text)
{
	return text ? json_object_set_new(object, name, json_string(text)) : 0;
}

static int set_number(json_t *object, const char *name, uint32_t number)
{
	return number ? json_object_set_new(object, name, json_integer(number)) : 0;
}

static json_t *finish(json_t *object, int bad)
{
	if (!bad)
		return object;
	json_decref(object);
	return NULL;
}

json_t *lsvm_link_json(const struct link *link)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	json_t *object = json_object();
	int bad = set_text(object, "name", link->name);

	bad |= set_text(object, "kind", lsvm_link_kind_name(link->kind));
	if (link->local.family)
		bad |= set_text(object, "local", lsvm_addr_text(&link->local, text));
	bad |= set_number(object, "port", link->port);
	if (link->checksum)
		bad |= json_object_set_new(object, "checksum", json_true());
	bad |= set_number(object, "mtu", link->mtu);
	return finish(object, bad);
}

json_t *lsvm_address_json(const struct address *address)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	json_t *object = json_object();
	int bad = set_text(object, "address", lsvm_prefix_text(&address->prefix, text));

	bad |= set_text(object, "interface", address->interface);
	return finish(object, bad);
}

json_t *lsvm_route_json(const struct route *route)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	json_t *object = json_object();
	int bad = set_text(object, "destination",
			   lsvm_prefix_text(&route->destination, text));

	if (route->via.family)
		bad |= set_text(object, "via", lsvm_addr_text(&route->via, text));
	bad |= set_text(object, "interface", route->interface);
	return finish(object, bad);
}

json_t *lsvm_sysctl_json(const struct sysctl *sysctl)
{
	json_t *object = json_object();
	int bad = set_text(object, "name", sysctl->name);

	bad |= set_text(object, "value", sysctl->value);
	return finish(object, bad);
}

static int set_words(json_t *object, const char *name, const char *const *words)
{
	json_t *list;
	int bad = 0;

	if (!words)
		return 0;
	list = json_array();
	for (; *words; words++)
		bad |= json_array_append_new(list, json_string(*words));
	return bad | json_object_set_new(object, name, list);
}

json_t *lsvm_unit_json(const struct unit *unit)
{
	json_t *object = json_object();
	int bad = set_text(object, "name", unit->name);

	bad |= set_text(object, "pid_file", unit->pid_file);
	bad |= set_words(object, "files", unit->files);
	bad |= set_words(object, "test", unit->test);
	bad |= set_words(object, "start", unit->start);
	bad |= set_words(object, "reload", unit->reload);
	bad |= set_words(object, "stop", unit->stop);
	bad |= set_words(object, "present", unit->present);
	return finish(object, bad);
}

static json_t *file_json(const struct file *file)
{
	char mode[16];
	json_t *object = json_object();
	int bad = set_text(object, "path", file->path);

	snprintf(mode, sizeof(mode), "%04o", file->mode);
	bad |= set_text(object, "mode", mode);
	bad |= json_object_set_new(object, "content",
				   json_stringn(file->content, file->length));
	return finish(object, bad);
}

/* Sets a list of what `json` makes of each item, unless there is none. */
#define SET_LIST(object, name, vec, json)                                                \
	({                                                                               \
		json_t *list_ = (vec)->count ? json_array() : NULL;                      \
		int bad_ = 0;                                                            \
		for (size_t i_ = 0; i_ < (vec)->count; i_++)                             \
			bad_ |= json_array_append_new(list_, json(&(vec)->items[i_]));   \
		if ((vec)->count)                                                        \
			bad_ |= json_object_set_new(object, name, list_);                \
		bad_;                                                                    \
	})

static json_t *plan_json(const struct lsvm_plan *plan)
{
	const struct state *state = plan->wanted;
	json_t *object = json_object();
	int bad = set_text(object, "schema", "lsvm-plan/1");

	bad |= set_text(object, "cluster", plan->cluster);
	bad |= set_text(object, "machine", plan->machine);
	bad |= set_text(object, "role", lsvm_role_name((int)plan->role));
	if (plan->duty)
		bad |= set_text(object, "duty", lsvm_duty_name((int)plan->duty));
	bad |= set_text(object, "connections", plan->promise);
	if (state->ipvs)
		bad |= json_object_set_new(object, "ipvs",
					   lsvm_ipvs_table_json(state->ipvs));
	bad |= SET_LIST(object, "links", &state->links, lsvm_link_json);
	bad |= SET_LIST(object, "sysctls", &state->sysctls, lsvm_sysctl_json);
	bad |= SET_LIST(object, "addresses", &state->addresses, lsvm_address_json);
	bad |= SET_LIST(object, "routes", &state->routes, lsvm_route_json);
	bad |= SET_LIST(object, "files", &state->files, file_json);
	bad |= SET_LIST(object, "units", &state->units, lsvm_unit_json);
	return finish(object, bad);
}

static int dump(struct lsvm_ctx *ctx, json_t *json, char **ret)
{
	char *text = json ? lsvm_json_text(json, INDENT) : NULL;

	json_decref(json);
	if (!text)
		return lsvm_fail_nomem(ctx);
	*ret = text;
	return 0;
}

int lsvm_plan_to_json(const struct lsvm_plan *plan, char **ret)
{
	return dump(plan->ctx, plan_json(plan), ret);
}

/* What the step works on, as in a plan; of a file only which one, of IPVS nothing that
 * the text does not say. */
static int set_object(json_t *object, const struct step *step)
{
	switch (step->kind) {
	case STEP_UNKNOWN:
	case STEP_IPVS:
		return 0;
	case STEP_SYSCTL_SET:
		return json_object_set_new(object, "sysctl",
					   lsvm_sysctl_json(step->sysctl));
	case STEP_LINK_ADD:
	case STEP_LINK_CHANGE:
	case STEP_LINK_DELETE:
		return json_object_set_new(object, "link", lsvm_link_json(step->link));
	case STEP_ADDRESS_ADD:
	case STEP_ADDRESS_DELETE:
		return json_object_set_new(object, "address",
					   lsvm_address_json(step->address));
	case STEP_ROUTE_SET:
	case STEP_ROUTE_DELETE:
		return json_object_set_new(object, "route", lsvm_route_json(step->route));
	case STEP_FILE_WRITE:
	case STEP_FILE_DELETE:
		return set_text(object, "file", step->file->path);
	case STEP_UNIT_START:
	case STEP_UNIT_RELOAD:
	case STEP_UNIT_STOP:
		return set_text(object, "unit", step->unit->name);
	}
	return 0;
}

static json_t *step_json(const struct step *step, struct buf *buf)
{
	json_t *object = json_object();
	int bad = set_text(object, "kind", lsvm_step_kind_name((int)step->kind));

	buf->length = 0;
	lsvm_step_text(step, buf);
	bad |= buf->failed ||
	       json_object_set_new(object, "text", json_stringn(buf->data, buf->length));
	bad |= set_object(object, step);
	return finish(object, bad);
}

int lsvm_steps_to_json(const struct lsvm_steps *steps, char **ret)
{
	json_t *object = json_object(), *list = json_array();
	struct buf buf = { 0 };
	int bad = set_text(object, "schema", "lsvm-steps/1");

	for (size_t i = 0; i < steps->list.count; i++)
		bad |= json_array_append_new(list,
					     step_json(&steps->list.items[i], &buf));
	lsvm_buf_free(&buf);
	bad |= json_object_set_new(object, "steps", list);
	return dump(steps->ctx, finish(object, bad), ret);
}
