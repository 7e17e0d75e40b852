/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The report and the result. A note names the line that it is about; secrets that stand
 * in such a line are not repeated. Notes are sorted by line at the end, because readers
 * and steps write them in an order of their own.
 */
#include "base/json.h"
#include "import/import.h"

#include <stdio.h>
#include <stdlib.h>

#define SOURCE_MAX_BYTES 160
#define SIBLINGS_MAX 1000 /* an ordinary block is shorter */

static const struct word sources[] = {
	{ LSVM_IMPORT_SOURCE_KEEPALIVED, "keepalived" },
	{ LSVM_IMPORT_SOURCE_LDIRECTORD, "ldirectord" },
	{ LSVM_IMPORT_SOURCE_IPVSADM, "ipvsadm" },
	{ 0, NULL },
};

static const struct word kinds[] = {
	{ LSVM_IMPORT_NOTE_KIND_LOST, "lost" },
	{ LSVM_IMPORT_NOTE_KIND_CHANGED, "changed" },
	{ LSVM_IMPORT_NOTE_KIND_DANGER, "danger" },
	{ LSVM_IMPORT_NOTE_KIND_INVENTED, "invented" },
	{ 0, NULL },
};

const char *lsvm_import_source_name(int source)
{
	return lsvm_word_name(sources, source);
}

int lsvm_import_source_parse(const char *name)
{
	return lsvm_word_value(sources, name);
}

const char *lsvm_import_note_kind_name(int kind)
{
	return lsvm_word_name(kinds, kind);
}

int lsvm_import_note_kind_parse(const char *name)
{
	return lsvm_word_value(kinds, name);
}

/* ---- writing ---- */

/* Cuts the line behind the word that a secret follows, wherever it stands. */
static void cut_secrets(char *text)
{
	static const char *const words[] = { "auth_pass", "passwd", "password", "secret",
					     "login" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t length = strlen(words[i]);
		char *at = strcasestr(text, words[i]);

		while (at && !(at[length] && strchr(" \t=", at[length])))
			at = strcasestr(at + length, words[i]);
		if (at)
			strcpy(at + length, " …");
	}
}

/* The line as it stood, without its secrets. */
static const char *quote(struct arena *arena, const struct statement *at)
{
	size_t length = strlen(at->text);
	/* Room for the dots. */
	char *text = lsvm_arena_alloc(arena, SOURCE_MAX_BYTES + sizeof(" …"));

	if (!text)
		return NULL;
	memcpy(text, at->text, length > SOURCE_MAX_BYTES ? SOURCE_MAX_BYTES : length);
	cut_secrets(text);
	lsvm_import_clean(text);
	return text;
}

/* A group of services says the same for each of its members. */
static bool said(const struct lsvm_import *import, int kind, const struct statement *at,
		 const char *text)
{
	size_t last = import->notes.count, back = last < 8 ? last : 8;

	for (size_t i = last - back; i < last; i++) {
		const struct lsvm_import_note *note = &import->notes.items[i];

		if (note->kind == kind && note->line == (at ? at->line : 0) &&
		    note->text && strcmp(note->text, text) == 0)
			return true;
	}
	return false;
}

void lsvm_import_say(struct source *source, int kind, const struct statement *at,
		     const char *fmt, ...)
{
	struct lsvm_import *import = source->import;
	struct lsvm_import_note *note;
	char text[1024];
	va_list args;

	if (import->notes.count == IMPORT_MAX_NOTES)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	lsvm_import_clean(text);
	if (import->notes.count == IMPORT_MAX_NOTES - 1) {
		kind = LSVM_IMPORT_NOTE_KIND_LOST;
		at = NULL;
		strcpy(text, "there is more to say than this report holds; import the "
			     "configuration in parts");
	}
	if (said(import, kind, at, text))
		return;
	note = vec_push(&import->notes);
	if (!note) {
		import->failed = true;
		return;
	}
	note->kind = kind;
	note->number = (uint32_t)import->notes.count;
	note->line = at ? at->line : 0;
	note->last_line = at ? at->last_line : 0;
	note->source = at ? quote(&import->arena, at) : "";
	note->text = lsvm_arena_strdup(&import->arena, text);
}

static bool said_otherwise(const struct statement *statement)
{
	unsigned looked_at = 0;

	if (!statement->count || statement->first)
		return false;
	for (const struct statement *s = statement->parent->first;
	     s && looked_at < SIBLINGS_MAX; s = s->next, looked_at++)
		if (s->used && !s->first && lsvm_import_is(s, statement->words[0]))
			return true;
	return false;
}

static void leftover(struct source *source, const struct statement *statement,
		     const char *(*why)(const struct statement *statement))
{
	const char *reason = why(statement);

	if (said_otherwise(statement))
		reason =
			"another line of the same block says it too, and only one counts";
	if (statement->count && statement->words[0][0] == '@')
		reason = "this line is for certain machines only; import the file again "
			 "with the lines of one machine, without their @";
	lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_LOST, statement, "%s",
			reason ? reason : "libsvm does not know this line");
}

void lsvm_import_leftovers(struct source *source, struct statement *root,
			   const char *(*why)(const struct statement *statement))
{
	struct statement *at = root ? root->first : NULL;

	/* Depth first without recursion; below a statement that is lost all is lost. */
	while (at && source->import->notes.count < IMPORT_MAX_NOTES) {
		if (!at->used)
			leftover(source, at, why);
		if (at->used && at->first) {
			at = at->first;
			continue;
		}
		while (at != root && !at->next)
			at = at->parent;
		if (at == root)
			return;
		at = at->next;
	}
}

static int by_line(const void *a, const void *b)
{
	const struct lsvm_import_note *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* ---- the frame of every import ---- */

static void free_source(struct source *source)
{
	for (size_t i = 0; i < source->services.count; i++)
		vec_free(&source->services.items[i]->servers);
	for (size_t i = 0; i < source->pools.count; i++)
		vec_free(&source->pools.items[i]->members);
	vec_free(&source->services);
	vec_free(&source->floating);
	vec_free(&source->house.peers);
	vec_free(&source->pools);
	vec_free(&source->machines);
	for (size_t i = 0; i < source->networks.count; i++)
		vec_free(&source->networks.items[i]->directors);
	vec_free(&source->networks);
	lsvm_map_free(&source->taken);
	lsvm_map_free(&source->pools_by_members);
	lsvm_map_free(&source->vips);
	lsvm_map_free(&source->groups);
	lsvm_map_free(&source->machines_by_addr);
	lsvm_arena_free(&source->arena);
	lsvm_arena_free(&source->nodes);
	lsvm_arena_free(&source->texts);
}

int lsvm_import_begin(struct lsvm_ctx *ctx, enum lsvm_import_source kind,
		      const char *bytes, size_t length, struct source *source)
{
	struct lsvm_import *import;

	if (length > IMPORT_MAX_BYTES)
		return lsvm_fail(ctx, LSVM_ERR_LIMIT,
				 "the configuration has %zu bytes, more than %u; import "
				 "it in parts",
				 length, IMPORT_MAX_BYTES);
	if (length && memchr(bytes, '\0', length))
		return lsvm_fail(ctx, LSVM_ERR_PARSE,
				 "there are NUL bytes in it; this is no configuration of "
				 "%s",
				 lsvm_import_source_name((int)kind));
	import = calloc(1, sizeof(*import));
	if (!import)
		return lsvm_fail_nomem(ctx);
	import->ctx = lsvm_ctx_ref(ctx);
	import->source = kind;
	*source = (struct source){ .import = import };
	source->tree = (struct tree){ .nodes = &source->nodes, .texts = &source->texts };
	return 0;
}

static bool ran_out(const struct source *source)
{
	return source->import->failed || source->import->arena.failed ||
	       source->arena.failed || source->nodes.failed || source->texts.failed;
}

int lsvm_import_finish(struct source *source, int err, struct lsvm_import **ret)
{
	struct lsvm_import *import = source->import;

	if (!err)
		err = lsvm_import_traps(source);
	if (!err)
		err = lsvm_import_pools(source);
	if (!err)
		err = lsvm_import_house(source);
	if (!err && ran_out(source))
		err = LSVM_ERR_NOMEM;
	if (!err)
		err = lsvm_import_write(source);
	if (err == LSVM_ERR_NOMEM || (!err && ran_out(source)))
		err = lsvm_fail_nomem(import->ctx);
	free_source(source);
	if (err) {
		lsvm_import_free(import);
		return err;
	}
	if (import->notes.count)
		qsort(import->notes.items, import->notes.count,
		      sizeof(*import->notes.items), by_line);
	*ret = import;
	return 0;
}

/* ---- reading ---- */

void lsvm_import_free(struct lsvm_import *import)
{
	if (!import)
		return;
	lsvm_cluster_unref(import->cluster);
	lsvm_findings_free(import->findings);
	lsvm_free(import->yaml);
	vec_free(&import->notes);
	lsvm_arena_free(&import->arena);
	lsvm_ctx_unref(import->ctx);
	free(import);
}

const char *lsvm_import_yaml(const struct lsvm_import *import)
{
	return import->yaml;
}

struct lsvm_cluster *lsvm_import_cluster(const struct lsvm_import *import)
{
	return import->cluster;
}

const struct lsvm_findings *lsvm_import_findings(const struct lsvm_import *import)
{
	return import->findings;
}

size_t lsvm_import_note_count(const struct lsvm_import *import)
{
	return import->notes.count;
}

size_t lsvm_import_note_count_of(const struct lsvm_import *import, int kind)
{
	size_t count = 0;

	for (size_t i = 0; i < import->notes.count; i++)
		count += import->notes.items[i].kind == kind;
	return count;
}

const struct lsvm_import_note *lsvm_import_note_at(const struct lsvm_import *import,
						   size_t index)
{
	return index < import->notes.count ? &import->notes.items[index] : NULL;
}

int lsvm_import_note_kind(const struct lsvm_import_note *note)
{
	return note->kind;
}

uint32_t lsvm_import_note_line(const struct lsvm_import_note *note)
{
	return note->line;
}

uint32_t lsvm_import_note_last_line(const struct lsvm_import_note *note)
{
	return note->last_line;
}

const char *lsvm_import_note_source(const struct lsvm_import_note *note)
{
	return note->source;
}

const char *lsvm_import_note_text(const struct lsvm_import_note *note)
{
	return note->text;
}

/* ---- JSON ---- */

static json_t *note_json(const struct lsvm_import_note *note)
{
	json_t *json = json_pack("{s:s}", "kind", lsvm_import_note_kind_name(note->kind));
	int bad = json ? 0 : -1;

	if (!bad && note->line) {
		bad |= json_object_set_new(json, "line", json_integer(note->line));
		bad |= json_object_set_new(json, "last_line",
					   json_integer(note->last_line));
		bad |= json_object_set_new(json, "source", json_string(note->source));
	}
	if (!bad)
		bad |= json_object_set_new(json, "text", json_string(note->text));
	if (!bad)
		return json;
	json_decref(json);
	return NULL;
}

static json_t *notes_json(const struct lsvm_import *import)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < import->notes.count; i++) {
		if (json_array_append_new(list, note_json(&import->notes.items[i])) == 0)
			continue;
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *findings_json(const struct lsvm_import *import)
{
	json_error_t error;
	json_t *json;
	char *text;

	if (lsvm_findings_to_json(import->findings, &text) < 0)
		return NULL;
	json = json_loads(text, 0, &error);
	lsvm_free(text);
	return json;
}

int lsvm_import_to_json(const struct lsvm_import *import, char **ret)
{
	json_t *json = json_object();
	int bad = json ? 0 : -1;
	char *text;

	bad |= json_object_set_new(json, "schema", json_string("lsvm-import/1"));
	bad |= json_object_set_new(
		json, "source",
		json_string(lsvm_import_source_name((int)import->source)));
	bad |= json_object_set_new(json, "loads", json_boolean(import->cluster));
	bad |= json_object_set_new(json, "yaml", json_string(import->yaml));
	bad |= json_object_set_new(json, "notes", notes_json(import));
	bad |= json_object_set_new(json, "findings", findings_json(import));
	text = bad ? NULL : lsvm_json_text(json, JSON_COMPACT);
	json_decref(json);
	if (!text)
		return lsvm_fail_nomem(import->ctx);
	*ret = text;
	return 0;
}
