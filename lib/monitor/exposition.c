/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures as Prometheus reads them; see exposition.h. */
#include "monitor/exposition.h"

#include <stdio.h>

static void add_escaped(struct buf *buf, const char *text, bool quotes)
{
	for (; *text; text++)
		if (*text == '\\')
			lsvm_buf_text(buf, "\\\\");
		else if (*text == '\n')
			lsvm_buf_text(buf, "\\n");
		else if (*text == '"' && quotes)
			lsvm_buf_text(buf, "\\\"");
		else
			lsvm_buf_add(buf, text, 1);
}

void lsvm_exposition_family(struct exposition *e, const char *name,
			    enum exposition_kind kind, const char *help)
{
	e->family = name;
	lsvm_buf_printf(&e->text, "# HELP %s ", name);
	add_escaped(&e->text, help, false);
	lsvm_buf_printf(&e->text, "\n# TYPE %s %s\n", name,
			kind == EXPOSITION_COUNTER ? "counter" : "gauge");
}

static void add_labels(struct buf *buf, const struct exposition_label *labels)
{
	char before = '{';

	for (; labels && labels->name; labels++) {
		if (!labels->value)
			continue;
		lsvm_buf_printf(buf, "%c%s=\"", before, labels->name);
		add_escaped(buf, labels->value, true);
		lsvm_buf_text(buf, "\"");
		before = ',';
	}
	if (before == ',')
		lsvm_buf_text(buf, "}");
}

static void sample(struct exposition *e, const struct exposition_label *labels,
		   const char *value)
{
	const size_t limit = e->limit_bytes ? e->limit_bytes : EXPOSITION_MAX_BYTES;
	const size_t before = e->text.length;

	lsvm_buf_text(&e->text, e->family);
	add_labels(&e->text, labels);
	lsvm_buf_printf(&e->text, " %s\n", value);
	if (e->text.length <= limit || e->text.failed)
		return;
	e->text.length = before;
	e->text.data[before] = '\0';
	e->left_out++;
}

void lsvm_exposition_count(struct exposition *e, const struct exposition_label *labels,
			   uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	sample(e, labels, text);
}

void lsvm_exposition_thousandths(struct exposition *e,
				 const struct exposition_label *labels, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu.%03u", (unsigned long long)(value / 1000),
		 (unsigned)(value % 1000));
	sample(e, labels, text);
}

void lsvm_exposition_millionths(struct exposition *e,
				const struct exposition_label *labels, uint64_t value)
{
	char text[40];

	snprintf(text, sizeof(text), "%llu.%06u", (unsigned long long)(value / 1000000),
		 (unsigned)(value % 1000000));
	sample(e, labels, text);
}

/* ---- the checker ---- */

struct checker {
	const char *at, *end;
	unsigned line;
	struct map seen; /* families, and samples with their labels */
	const char *family;
	size_t family_length;
	bool has_help, has_type, counter, out_of_memory;
	const char *wrong;
};

static bool is_name_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
	       (!first && c >= '0' && c <= '9');
}

static size_t name_length(const char *at, const char *end)
{
	size_t length = 0;

	while (at + length < end && is_name_char(at[length], !length))
		length++;
	return length;
}

static bool fail_line(struct checker *c, const char *why)
{
	c->wrong = why;
	return false;
}

static bool put_once(struct checker *c, const char *text, size_t length)
{
	int err = lsvm_map_put(&c->seen, text, length, c, NULL);

	c->out_of_memory |= err == LSVM_ERR_NOMEM;
	return err == 0;
}

/* "# HELP name text", "# TYPE name kind" */
static bool check_comment(struct checker *c, const char *end)
{
	bool type = end - c->at > 7 && memcmp(c->at, "# TYPE ", 7) == 0;
	const char *name = c->at + 7;
	size_t length;

	if (end - c->at <= 7 || (!type && memcmp(c->at, "# HELP ", 7) != 0))
		return true; /* any other comment */
	length = name_length(name, end);
	if (!length || name + length >= end || name[length] != ' ')
		return fail_line(c, "a name and a text must follow");
	if (!type) {
		if (!put_once(c, name, length))
			return fail_line(c, "the family was there before");
		c->family = name;
		c->family_length = length;
		c->has_help = true;
		c->has_type = false;
		return true;
	}
	if (!c->has_help || c->has_type || length != c->family_length ||
	    memcmp(name, c->family, length) != 0)
		return fail_line(c, "TYPE must follow the HELP of its family");
	name += length + 1;
	c->counter = end - name == 7 && memcmp(name, "counter", 7) == 0;
	if (!c->counter && !(end - name == 5 && memcmp(name, "gauge", 5) == 0))
		return fail_line(c, "neither counter nor gauge");
	if (c->counter && (length < 7 || memcmp(c->family + length - 6, "_total", 6)))
		return fail_line(c, "a counter's name ends with _total");
	c->has_type = true;
	return true;
}

static const char *check_labels(struct checker *c, const char *at, const char *end)
{
	do {
		size_t length = name_length(++at, end);

		at += length;
		if (!length || end - at < 3 || at[0] != '=' || at[1] != '"')
			return NULL;
		for (at += 2; at < end && *at != '"'; at++)
			if (*at == '\\' && (++at >= end || !memchr("\\\"n", *at, 3)))
				return NULL;
		if (at++ >= end)
			return NULL;
	} while (at < end && *at == ',');
	return at < end && *at == '}' ? at + 1 : NULL;
}

static bool check_sample(struct checker *c, const char *end)
{
	size_t length = name_length(c->at, end);
	const char *at = c->at + length;
	bool dot = false;

	if (!c->has_type || length != c->family_length ||
	    memcmp(c->at, c->family, length) != 0)
		return fail_line(c, "a sample outside its family");
	if (at < end && *at == '{')
		at = check_labels(c, at, end);
	if (!at || at + 1 >= end || *at != ' ')
		return fail_line(c, "labels or the space before the value are wrong");
	/* With a brace or a space at the end it is no family's name. */
	if (!put_once(c, c->at, (size_t)(at + 1 - c->at)))
		return fail_line(c, "the sample is there twice");
	for (at++; at < end; at++) {
		if (*at == '.' && !dot)
			dot = true;
		else if (*at < '0' || *at > '9')
			return fail_line(c, "the value is no number");
	}
	return true;
}

bool lsvm_exposition_check(const char *text, size_t length, char *ret, size_t size)
{
	struct checker c = { .at = text, .end = text + length };
	bool good = !length || text[length - 1] == '\n';

	if (!good)
		c.wrong = "the last line has no end";
	while (good && c.at < c.end) {
		const char *end = memchr(c.at, '\n', (size_t)(c.end - c.at));

		c.line++;
		if (memchr(c.at, '\0', (size_t)(end - c.at)))
			good = fail_line(&c, "a zero byte");
		else if (end == c.at)
			good = fail_line(&c, "an empty line");
		else
			good = *c.at == '#' ? check_comment(&c, end)
					    : check_sample(&c, end);
		c.at = end + 1;
	}
	if (ret && size)
		snprintf(ret, size, "line %u: %s", c.line, c.wrong ? c.wrong : "good");
	lsvm_map_free(&c.seen);
	return good && !c.out_of_memory;
}
