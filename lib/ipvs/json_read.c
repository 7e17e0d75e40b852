/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of JSON objects with sentences that name their place. */
#include "ipvs/json_read.h"

#include <stdio.h>

void lsvm_input_wrong(struct input *in, const char *name, const char *what)
{
	if (!in->err)
		in->err = lsvm_fail(in->ctx, LSVM_ERR_PARSE,
				    "IPVS table: \"%s\" of %s %s", name, in->at, what);
}

void lsvm_input_only(struct input *in, const json_t *object, const char *const *names)
{
	const char *name;
	json_t *value;

	if (in->err)
		return;
	if (!json_is_object(object)) {
		in->err = lsvm_fail(in->ctx, LSVM_ERR_PARSE,
				    "IPVS table: %s is not an object", in->at);
		return;
	}
	json_object_foreach((json_t *)object, name, value)
	{
		size_t i = 0;

		while (names[i] && strcmp(names[i], name) != 0)
			i++;
		if (names[i])
			continue;
		in->err = lsvm_fail(
			in->ctx, LSVM_ERR_PARSE,
			"IPVS table: %s has no member \"%.64s\"; see the schema "
			"lsvm-ipvs/1",
			in->at, name);
		return;
	}
}

void lsvm_input_number(struct input *in, const json_t *object, const char *name,
		       uint64_t max, uint64_t *ret)
{
	const json_t *value = json_object_get(object, name);
	json_int_t number = json_integer_value(value);
	char what[64];

	if (!value)
		return;
	/* jansson's integers are signed: a counter above INT64_MAX travels as negative.
	 */
	if (json_is_integer(value) &&
	    (max == UINT64_MAX || (number >= 0 && (uint64_t)number <= max))) {
		*ret = (uint64_t)number;
		return;
	}
	snprintf(what, sizeof(what), "is not a whole number from 0 to %llu",
		 (unsigned long long)max);
	lsvm_input_wrong(in, name, what);
}

/* NULL unless it is a string without NUL inside. */
static const char *plain_string(const json_t *value)
{
	const char *string = json_string_value(value);

	return string && strlen(string) == json_string_length(value) ? string : NULL;
}

void lsvm_input_text(struct input *in, const json_t *object, const char *name, char *ret,
		     size_t size)
{
	const json_t *value = json_object_get(object, name);
	const char *string = plain_string(value);
	char what[64];

	if (!value)
		return;
	if (string && strlen(string) < size) {
		memcpy(ret, string, strlen(string) + 1);
		return;
	}
	snprintf(what, sizeof(what), "is not a text of at most %zu bytes", size - 1);
	lsvm_input_wrong(in, name, what);
}

void lsvm_input_bool(struct input *in, const json_t *object, const char *name, bool *ret)
{
	const json_t *value = json_object_get(object, name);

	if (value && !json_is_boolean(value))
		lsvm_input_wrong(in, name, "is neither true nor false");
	else if (value)
		*ret = json_is_true(value);
}

void lsvm_input_word(struct input *in, const json_t *object, const char *name,
		     const struct word *words, int shift, uint64_t max, uint64_t *ret)
{
	const json_t *value = json_object_get(object, name);
	int found;

	if (!json_is_string(value)) {
		lsvm_input_number(in, object, name, max, ret);
		return;
	}
	found = lsvm_word_value(words, json_string_value(value));
	if (found)
		*ret = (uint64_t)(found - shift);
	else
		lsvm_input_wrong(in, name, "is not a word of the schema lsvm-ipvs/1");
}

void lsvm_input_address(struct input *in, const json_t *object, const char *name,
			struct addr *ret)
{
	const char *string = plain_string(json_object_get(object, name));

	if (!string || !lsvm_addr_parse(string, ret))
		lsvm_input_wrong(in, name, "is not an address");
}

const json_t *lsvm_input_list(struct input *in, const json_t *object, const char *name)
{
	const json_t *list = json_object_get(object, name);

	if (!list || json_is_array(list))
		return list;
	lsvm_input_wrong(in, name, "is not a list");
	return NULL;
}
