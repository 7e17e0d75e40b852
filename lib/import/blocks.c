/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text to statements: words, blocks in braces, comments that begin with ! or #, quotes,
 * parameters. Written after keepalived.conf(5), sections on comments, quoted strings,
 * conditional configuration and parameter substitution.
 *
 * A statement is a line; a brace opens the block of the statement before it, wherever the
 * brace stands. A brace too many is no error: what stands behind it belongs to the
 * outermost block.
 */
#include "import/import.h"

#define EXPANSIONS_MAX 64
#define WORDS_MAX 4096

/* ---- UTF-8 ---- */

static size_t sequence(const unsigned char *at)
{
	size_t length = *at < 0x80		    ? 1
			: *at >= 0xc2 && *at < 0xe0 ? 2
			: *at >= 0xe0 && *at < 0xf0 ? 3
			: *at >= 0xf0 && *at < 0xf5 ? 4
						    : 0;

	for (size_t i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	/* Too long, surrogates, beyond Unicode. */
	if ((*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] > 0x9f) ||
	    (*at == 0xf0 && at[1] < 0x90) || (*at == 0xf4 && at[1] > 0x8f))
		return 0;
	/* C1 controls, and what YAML calls not printable. */
	if ((*at == 0xc2 && at[1] < 0xa0) ||
	    (*at == 0xef && at[1] == 0xbf && at[2] > 0xbd) ||
	    (*at == 0xef && at[1] == 0xbb && at[2] == 0xbf))
		return 0;
	return length;
}

void lsvm_import_clean(char *text)
{
	unsigned char *at = (unsigned char *)text;

	while (*at) {
		size_t length = sequence(at);

		if (*at < ' ' || *at == 0x7f)
			*at = ' ';
		else if (!length)
			*at = '?';
		at += length ? length : 1;
	}
}

/* ---- statements ---- */

struct parameter {
	const char *value;
};

struct reading {
	struct source *source;
	struct statement *root, *block; /* block: the one that is open */
	struct statement *now;		/* of this line; NULL: no word yet */
	struct map parameters;
	VEC(const char *) words;
	uint32_t line;
	size_t statements;
	const char *text; /* the line for reports */
	int err;
};

const char *lsvm_import_word(const struct statement *statement, uint32_t n)
{
	return n < statement->count ? statement->words[n] : "";
}

bool lsvm_import_is(const struct statement *statement, const char *word)
{
	return statement->count && strcasecmp(statement->words[0], word) == 0;
}

struct statement *lsvm_import_seek(const struct statement *block, const char *word)
{
	struct statement *found = NULL;

	for (struct statement *s = block->first; s; s = s->next)
		if (lsvm_import_is(s, word))
			found = s;
	if (found)
		found->used = true;
	return found;
}

void lsvm_import_use_all(struct statement *statement)
{
	struct statement *at = statement;

	for (;;) {
		at->used = true;
		if (at->first) {
			at = at->first;
			continue;
		}
		while (at != statement && !at->next)
			at = at->parent;
		if (at == statement)
			return;
		at = at->next;
	}
}

bool lsvm_import_number(const char *text, uint32_t max, uint32_t *ret)
{
	uint64_t value = 0;

	if (!*text || strlen(text) > 10)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	if (value > max)
		return false;
	*ret = (uint32_t)value;
	return true;
}

bool lsvm_import_milliseconds(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t value = 0;
	unsigned scale = 1000;
	bool point = false;

	if (!*text || strlen(text) > 12)
		return false;
	for (; *text; text++) {
		if (*text == '.' && !point) {
			point = true;
			continue;
		}
		if (*text < '0' || *text > '9')
			return false;
		if (!point) {
			value = value * 10 + (uint64_t)(*text - '0') * 1000;
		} else if (scale > 1) {
			scale /= 10;
			value += (uint64_t)(*text - '0') * scale;
		}
	}
	if (value < min || value > max)
		return false;
	*ret = (uint32_t)value;
	return true;
}

struct statement *lsvm_import_statement(struct source *source, struct statement *parent,
					uint32_t line, const char *text, size_t length)
{
	struct statement *statement =
		lsvm_arena_alloc(&source->arena, sizeof(*statement));
	char *copy = lsvm_arena_strndup(&source->arena, text, length);

	if (!statement || !copy)
		return NULL;
	lsvm_import_clean(copy);
	*statement = (struct statement){
		.line = line, .last_line = line, .text = copy, .parent = parent
	};
	if (!parent)
		return statement;
	statement->depth = (uint8_t)(parent->depth + 1);
	statement->before = parent->last;
	if (parent->last)
		parent->last->next = statement;
	else
		parent->first = statement;
	parent->last = statement;
	return statement;
}

/* The words so far become the words of the present statement. */
static void close_words(struct reading *reading)
{
	struct statement *now = reading->now;
	size_t count = reading->words.count;

	if (!now || !count)
		return;
	now->words =
		lsvm_arena_array(&reading->source->arena, count, sizeof(*now->words));
	if (!now->words)
		return;
	memcpy(now->words, reading->words.items, count * sizeof(*now->words));
	now->count = (uint32_t)count;
	reading->words.count = 0;
	reading->now = NULL;
}

static void add_word(struct reading *reading, const char *text, size_t length)
{
	struct arena *arena = &reading->source->arena;
	const char **word;

	if (!reading->now) {
		if (reading->statements++ == IMPORT_MAX_STATEMENTS) {
			reading->err = lsvm_fail(
				reading->source->import->ctx, LSVM_ERR_LIMIT,
				"line %u: more than %u lines; import the configuration "
				"in parts",
				reading->line, IMPORT_MAX_STATEMENTS);
			return;
		}
		reading->now = lsvm_import_statement(reading->source, reading->block,
						     reading->line, reading->text,
						     strlen(reading->text));
	}
	if (!reading->now || reading->words.count == WORDS_MAX)
		return;
	word = vec_push(&reading->words);
	if (!word) {
		reading->source->import->failed = true;
		return;
	}
	*word = lsvm_arena_strndup(arena, text, length);
}

static void open_block(struct reading *reading)
{
	struct statement *owner;

	close_words(reading);
	owner = reading->block->last;
	if (!owner || owner->block) {
		/* A brace without a word before it: a block without a name. */
		add_word(reading, "{", 1);
		owner = reading->now;
		close_words(reading);
	}
	if (!owner || reading->err)
		return;
	if (owner->depth > IMPORT_MAX_DEPTH) {
		reading->err = lsvm_fail(
			reading->source->import->ctx, LSVM_ERR_LIMIT,
			"line %u: more than %u blocks in one another; remove some",
			reading->line, IMPORT_MAX_DEPTH);
		return;
	}
	owner->block = true;
	reading->block = owner;
}

static void say_here(struct reading *reading, const char *text)
{
	struct statement here = { .line = reading->line,
				  .last_line = reading->line,
				  .text = reading->text };

	lsvm_import_say(reading->source, LSVM_IMPORT_NOTE_KIND_LOST, &here, "%s", text);
}

static void close_block(struct reading *reading)
{
	close_words(reading);
	if (reading->block == reading->root) {
		say_here(reading,
			 "a closing brace without an opening one; it is left out");
		return;
	}
	reading->block->last_line = reading->line;
	reading->block = reading->block->parent;
}

/* A parameter that is not defined stays as it is, its braces too. */
static const char *word_end(const char *at)
{
	while (*at && !strchr(" \t\r!#{}", *at)) {
		const char *close = at[0] == '$' && at[1] == '{' ? strchr(at, '}') : NULL;

		at = close ? close + 1 : at + 1;
	}
	return at;
}

/* Up to the closing quote or the end of the line; a backslash takes the meaning away. */
static const char *read_quoted(struct reading *reading, const char *at)
{
	char word[IMPORT_MAX_LINE_BYTES + 1];
	size_t length = 0;

	while (*at && *at != '"') {
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		word[length++] = *at++;
	}
	add_word(reading, word, length);
	return *at ? at + 1 : at;
}

static void read_words(struct reading *reading, const char *at)
{
	while (*at && !reading->err) {
		const char *start = at;

		if (*at == ' ' || *at == '\t' || *at == '\r') {
			at++;
		} else if (*at == '!' || *at == '#') {
			break;
		} else if (*at == '{') {
			open_block(reading);
			at++;
		} else if (*at == '}') {
			close_block(reading);
			at++;
		} else if (*at == '"') {
			at = read_quoted(reading, at + 1);
		} else {
			at = word_end(at);
			add_word(reading, start, (size_t)(at - start));
		}
	}
	close_words(reading);
}

/* ---- parameters ---- */

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

/* The first parameter in the text that is known: its place and length. */
static const struct parameter *next_parameter(const struct reading *reading,
					      const char *text, size_t *ret_at,
					      size_t *ret_length)
{
	for (const char *at = strchr(text, '$'); at; at = strchr(at + 1, '$')) {
		bool brace = at[1] == '{';
		const char *name = at + 1 + brace, *end = name;
		const struct parameter *found;

		while (is_name(*end))
			end++;
		if (end == name || (brace && *end != '}'))
			continue;
		found = lsvm_map_get(&reading->parameters, name, (size_t)(end - name));
		if (!found)
			continue;
		*ret_at = (size_t)(at - text);
		*ret_length = (size_t)(end - at) + brace;
		return found;
	}
	return NULL;
}

/* Into line, which holds IMPORT_MAX_LINE_BYTES and the end. */
static bool expand(const struct reading *reading, char *line)
{
	size_t at, length;

	for (unsigned i = 0; i < EXPANSIONS_MAX; i++) {
		const struct parameter *p = next_parameter(reading, line, &at, &length);
		size_t size = p ? strlen(p->value) : 0, rest;

		if (!p)
			return true;
		rest = strlen(line + at + length);
		if (at + size + rest > IMPORT_MAX_LINE_BYTES)
			return false;
		memmove(line + at + size, line + at + length, rest + 1);
		memcpy(line + at, p->value, size);
	}
	return false;
}

static struct parameter *new_parameter(struct reading *reading, const char *name,
				       size_t length)
{
	struct arena *arena = &reading->source->arena;
	struct parameter *parameter = lsvm_arena_alloc(arena, sizeof(*parameter));
	const char *key = lsvm_arena_strndup(arena, name, length);

	if (!parameter || !key)
		return NULL;
	if (lsvm_map_put(&reading->parameters, key, length, parameter, NULL) < 0)
		reading->source->import->failed = true;
	return parameter;
}

/* "$NAME=VALUE"; its value is filled in where it is used, not here. */
static bool define(struct reading *reading, const char *text)
{
	struct arena *arena = &reading->source->arena;
	const char *end = text + 1;
	struct parameter *parameter;
	size_t length;

	if (*text != '$')
		return false;
	while (is_name(*end))
		end++;
	if (*end != '=' || end == text + 1)
		return false;
	length = strcspn(end + 1, "!#");
	while (length && (end[length] == ' ' || end[length] == '\t'))
		length--;
	if (length && end[length] == '\\')
		return false; /* of several lines: left over, and so reported */
	parameter =
		lsvm_map_get(&reading->parameters, text + 1, (size_t)(end - text - 1));
	if (!parameter)
		parameter = new_parameter(reading, text + 1, (size_t)(end - text - 1));
	if (parameter)
		parameter->value = lsvm_arena_strndup(arena, end + 1, length);
	if (parameter && !parameter->value)
		parameter->value = "";
	return true;
}

/* ---- lines ---- */

static void read_line(struct reading *reading, const char *bytes, size_t length)
{
	char line[IMPORT_MAX_LINE_BYTES + 1];
	struct statement *whole;

	while (length && (*bytes == ' ' || *bytes == '\t'))
		bytes++, length--;
	while (length && (bytes[length - 1] == ' ' || bytes[length - 1] == '\t' ||
			  bytes[length - 1] == '\r'))
		length--;
	if (length > IMPORT_MAX_LINE_BYTES) {
		reading->text = "";
		say_here(reading, "the line is longer than 4096 bytes; it is left out");
		return;
	}
	memcpy(line, bytes, length);
	line[length] = '\0';
	lsvm_import_clean(line);
	reading->text = lsvm_arena_strdup(&reading->source->arena, line);
	if (!reading->text || define(reading, line))
		return;
	if (reading->parameters.count && !expand(reading, line)) {
		whole = lsvm_import_statement(reading->source, reading->block,
					      reading->line, reading->text, length);
		if (whole)
			lsvm_import_say(reading->source, LSVM_IMPORT_NOTE_KIND_LOST,
					whole,
					"the parameters in this line make it endless or "
					"longer than "
					"%u bytes",
					IMPORT_MAX_LINE_BYTES);
		if (whole)
			whole->used = true;
		return;
	}
	read_words(reading, line);
}

struct statement *lsvm_import_blocks(struct source *source, const char *bytes,
				     size_t length)
{
	struct reading reading = { .source = source };
	size_t at = 0;

	reading.root = lsvm_import_statement(source, NULL, 0, "", 0);
	reading.block = reading.root;
	while (reading.root && at < length && !reading.err && !source->arena.failed) {
		const char *end = memchr(bytes + at, '\n', length - at);
		size_t size = end ? (size_t)(end - bytes) - at : length - at;

		reading.line++;
		read_line(&reading, bytes + at, size);
		at += size + 1;
	}
	vec_free(&reading.words);
	lsvm_map_free(&reading.parameters);
	if (!reading.err && reading.block != reading.root && reading.root)
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_LOST, reading.block,
				"the block that begins here has no closing brace; it is "
				"taken to end with the file");
	for (struct statement *s = reading.block; s && s != reading.root; s = s->parent)
		s->last_line = reading.line;
	return reading.err ? NULL : reading.root;
}
