/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record of what was applied, schema "lsvm-applied/1", through the host's own file
 * steps, so that a simulated machine keeps one too. */
#include "base/json.h"
#include "role/role.h"

#include <stdio.h>
#include <stdlib.h>

/* Around the plans; parse_text() knows that this is how it is written. */
#define RECORD_HEAD "{\"schema\":\"lsvm-applied/1\",\"plans\":["
#define RECORD_TAIL "],\"before\":"
#define RECORD_TAIL_DUTIES "],\"duties\":true,\"before\":"

void lsvm_record_free(struct record *record)
{
	for (size_t i = 0; i < record->plans.count; i++)
		lsvm_plan_unref(record->plans.items[i]);
	vec_free(&record->plans);
	lsvm_state_free(record->before);
	free(record->text);
	*record = (struct record){ 0 };
}

/* The bytes of the file; NULL in *ret when there is none. */
static int read_text(struct lsvm_host *host, char **ret)
{
	struct state wanted = { 0 }, *present;
	struct file file = { .path = RECORD_PATH };
	const struct file *seen;
	int err;

	wanted.files.items = &file;
	wanted.files.count = 1;
	err = lsvm_host_observe(host, &wanted, NULL, &present);
	if (err < 0)
		return err;
	seen = lsvm_state_file(present, RECORD_PATH);
	*ret = NULL;
	if (seen && seen->content) {
		*ret = malloc(seen->length + 1);
		if (*ret)
			memcpy(*ret, seen->content, seen->length + 1);
		else
			err = lsvm_fail_nomem(host->ctx);
	}
	lsvm_state_free(present);
	return err;
}

static int broken(struct lsvm_ctx *ctx, const char *what)
{
	return lsvm_fail(ctx, LSVM_ERR_PARSE,
			 RECORD_PATH " %s, so nobody knows what was applied here; move "
				     "it away and apply again",
			 what);
}

/* Takes the reference over. */
static int push_plan(struct lsvm_ctx *ctx, struct lsvm_plan *plan, struct record *record)
{
	struct lsvm_plan **slot = vec_push(&record->plans);

	if (!slot) {
		lsvm_plan_unref(plan);
		return lsvm_fail_nomem(ctx);
	}
	*slot = plan;
	return 0;
}

static int read_plan(struct lsvm_ctx *ctx, const json_t *json, struct record *record)
{
	char *text = lsvm_json_text(json, JSON_COMPACT);
	struct lsvm_plan *plan;
	int err;

	if (!text)
		return lsvm_fail_nomem(ctx);
	err = lsvm_plan_from_json(ctx, text, strlen(text), &plan);
	free(text);
	if (err < 0)
		return err == LSVM_ERR_PARSE ? broken(ctx, "holds what is no plan") : err;
	return push_plan(ctx, plan, record);
}

/* "eth0 192.0.2.11/24": no sysctl has a space in its name. */
static int read_absent(struct lsvm_ctx *ctx, const char *name, struct record *record)
{
	const size_t length = strcspn(name, " ");
	struct address address = { 0 }, *slot;

	if (!length || length >= sizeof(address.interface) ||
	    !lsvm_prefix_parse(name + length + 1, &address.prefix))
		return broken(ctx, "holds an address that is none");
	memcpy(address.interface, name, length);
	slot = vec_push(&record->before->addresses);
	if (!slot)
		return lsvm_fail_nomem(ctx);
	*slot = address;
	return 0;
}

static int read_before(struct lsvm_ctx *ctx, json_t *before, struct record *record)
{
	const char *name;
	json_t *value;
	int err;

	if (!json_is_object(before))
		return broken(ctx, "is no record of this version");
	json_object_foreach(before, name, value)
	{
		if (!json_is_string(value))
			return broken(ctx, "holds a sysctl without text");
		if (strchr(name, ' ')) {
			err = read_absent(ctx, name, record);
			if (err < 0)
				return err;
			continue;
		}
		if (!lsvm_state_add_sysctl(record->before, name,
					   json_string_value(value)))
			return lsvm_fail_nomem(ctx);
	}
	return 0;
}

static int read_root(struct lsvm_ctx *ctx, json_t *root, struct record *record)
{
	const char *schema = json_string_value(json_object_get(root, "schema"));
	const json_t *plans = json_object_get(root, "plans"), *value;
	size_t i;
	int err;

	if (!schema || strcmp(schema, "lsvm-applied/1") != 0 || !json_is_array(plans))
		return broken(ctx, "is no record of this version");
	if (json_array_size(plans) > RECORD_MAX_PLANS)
		return broken(ctx, "holds too many plans");
	json_array_foreach(plans, i, value)
	{
		err = read_plan(ctx, value, record);
		if (err < 0)
			return err;
	}
	record->duties = json_is_true(json_object_get(root, "duties"));
	return read_before(ctx, json_object_get(root, "before"), record);
}

typedef int (*read_fn)(struct lsvm_ctx *ctx, json_t *json, struct record *record);

static int parse(struct lsvm_ctx *ctx, const char *text, read_fn read,
		 struct record *record)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	int err;

	if (json)
		err = read(ctx, json, record);
	else if (lsvm_json_ran_out(&error))
		err = lsvm_fail_nomem(ctx);
	else
		err = broken(ctx, "is no JSON");
	json_decref(json);
	return err;
}

/* Steps over the word; NULL when the text goes on otherwise. */
static char *after(char *text, const char *word)
{
	size_t length = strlen(word);

	return text && strncmp(text, word, length) == 0 ? text + length : NULL;
}

static int parse_text(struct lsvm_ctx *ctx, const struct known_plan *known,
		      struct record *record)
{
	char *rest = after(record->text, RECORD_HEAD), *end;
	int err;

	if (known && known->plan)
		rest = after(after(rest, known->text), RECORD_TAIL);
	else
		rest = NULL;
	end = rest ? strrchr(rest, '}') : NULL;
	if (!end)
		return parse(ctx, record->text, read_root, record);
	*end = '\0';
	err = parse(ctx, rest, read_before, record);
	*end = '}';
	return err < 0 ? err : push_plan(ctx, lsvm_plan_ref(known->plan), record);
}

int lsvm_record_read(struct lsvm_host *host, const struct known_plan *known,
		     struct record *ret)
{
	struct record record = { 0 };
	int err = lsvm_state_new(host->ctx, &record.before);

	if (err >= 0)
		err = read_text(host, &record.text);
	if (err >= 0 && record.text)
		err = parse_text(host->ctx, known, &record);
	if (err < 0) {
		lsvm_record_free(&record);
		return err;
	}
	*ret = record;
	return 0;
}

static bool add_absent(json_t *object, const struct address *address)
{
	char prefix[LSVM_ADDRESS_TEXT_BYTES];
	char name[INTERFACE_BYTES + 1 + LSVM_ADDRESS_TEXT_BYTES];

	snprintf(name, sizeof(name), "%s %s", address->interface,
		 lsvm_prefix_text(&address->prefix, prefix));
	return json_object_set_new(object, name, json_string("absent")) == 0;
}

static bool add_before(struct buf *buf, const struct state *before)
{
	json_t *object = json_object();
	char *text;

	for (size_t i = 0; object && i < before->sysctls.count; i++) {
		const struct sysctl *sysctl = &before->sysctls.items[i];

		if (json_object_set_new(object, sysctl->name,
					json_string(sysctl->value)) < 0) {
			json_decref(object);
			return false;
		}
	}
	for (size_t i = 0; object && i < before->addresses.count; i++)
		if (!add_absent(object, &before->addresses.items[i])) {
			json_decref(object);
			return false;
		}
	text = lsvm_json_text(object, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(object);
	if (!text)
		return false;
	lsvm_buf_text(buf, text);
	free(text);
	return true;
}

static int add_plan(struct lsvm_plan *plan, const struct known_plan *known,
		    struct buf *buf)
{
	char *text;
	int err;

	if (plan == known->plan) {
		lsvm_buf_text(buf, known->text);
		return 0;
	}
	err = lsvm_plan_to_json(plan, &text);
	if (err < 0)
		return err;
	lsvm_buf_text(buf, text);
	lsvm_free(text);
	return 0;
}

int lsvm_record_text(struct lsvm_ctx *ctx, struct lsvm_plan *const *plans, size_t count,
		     const struct known_plan *known, const struct state *before,
		     bool duties, char **ret)
{
	struct buf buf = { 0 };
	char *text;
	int err = 0;

	lsvm_buf_text(&buf, RECORD_HEAD);
	for (size_t i = 0; i < count && err >= 0; i++) {
		lsvm_buf_text(&buf, i ? "," : "");
		err = add_plan(plans[i], known, &buf);
	}
	lsvm_buf_text(&buf, duties ? RECORD_TAIL_DUTIES : RECORD_TAIL);
	if (err >= 0 && !add_before(&buf, before))
		err = lsvm_fail_nomem(ctx);
	lsvm_buf_text(&buf, "}\n");
	text = lsvm_buf_take(&buf);
	if (!text)
		return lsvm_fail_nomem(ctx);
	if (err < 0) {
		free(text);
		return err;
	}
	*ret = text;
	return 0;
}

/* Whether the machine holds an address that only the one of the two plans has. */
static bool is_taken_on(const struct lsvm_plan *plan, const struct lsvm_plan *other,
			const struct state *present)
{
	for (size_t i = 0; i < plan->wanted->addresses.count; i++) {
		const struct address *address = &plan->wanted->addresses.items[i];

		if (!lsvm_state_address(other->wanted, address) &&
		    lsvm_state_address(present, address))
			return true;
	}
	return false;
}

int lsvm_record_plan(struct lsvm_host *host, const struct record *record,
		     struct lsvm_plan **ret)
{
	const size_t count = record->plans.count;
	struct lsvm_plan *last = count ? record->plans.items[count - 1] : NULL;
	struct state *present;
	int err;

	if (record->duties && count == 2) {
		err = lsvm_host_observe(host, NULL, NULL, &present);
		if (err < 0)
			return err;
		if (is_taken_on(record->plans.items[0], last, present))
			last = record->plans.items[0];
		lsvm_state_free(present);
	}
	*ret = last;
	return 0;
}

bool lsvm_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

int lsvm_record_check(struct lsvm_host *host, const struct record *record)
{
	char *now;
	int err = read_text(host, &now);

	if (err < 0)
		return err;
	if (!lsvm_same_text(now, record->text))
		err = lsvm_fail(host->ctx, LSVM_ERR_CONFLICT,
				"somebody else has applied a plan to %s meanwhile; look "
				"again",
				host->name);
	free(now);
	return err;
}

int lsvm_record_write(struct lsvm_host *host, struct record *record, const char *text)
{
	struct file file = { .path = RECORD_PATH, .mode = RECORD_MODE, .content = text };
	struct step step = { .kind = text ? STEP_FILE_WRITE : STEP_FILE_DELETE,
			     .file = &file };
	char *copy = NULL;
	size_t done;
	int err;

	if (lsvm_same_text(record->text, text))
		return 0;
	if (text) {
		file.length = strlen(text);
		copy = strdup(text);
		if (!copy)
			return lsvm_fail_nomem(host->ctx);
	}
	err = lsvm_host_perform(host, &step, 1, &done);
	if (err < 0) {
		free(copy);
		return err;
	}
	free(record->text);
	record->text = copy;
	return 0;
}
