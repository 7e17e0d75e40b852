/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Members of a JSON object, read one after another; the first fault sticks in input.err
 * and everything after it does nothing, so that a reader checks once at its end.
 */
#ifndef LSVM_IPVS_JSON_READ_H
#define LSVM_IPVS_JSON_READ_H

#include "ipvs/table.h"

#include <jansson.h>

struct input {
	struct lsvm_ctx *ctx;
	struct lsvm_ipvs_table *table;
	int err;
	char at[96]; /* where we are: "services[3].destinations[0]" */
};

void lsvm_input_wrong(struct input *in, const char *name, const char *what);
/* Nothing but these members (NULL-terminated): a misspelt one must not be a silent
 * default.
 */
void lsvm_input_only(struct input *in, const json_t *object, const char *const *names);
/* A number from 0 to max. Here and below a missing member leaves *ret as it was. */
void lsvm_input_number(struct input *in, const json_t *object, const char *name,
		       uint64_t max, uint64_t *ret);
void lsvm_input_text(struct input *in, const json_t *object, const char *name, char *ret,
		     size_t size);
void lsvm_input_bool(struct input *in, const json_t *object, const char *name, bool *ret);
/* A word, whose value is the number + shift, or the number itself. */
void lsvm_input_word(struct input *in, const json_t *object, const char *name,
		     const struct word *words, int shift, uint64_t max, uint64_t *ret);
/* Must be there. */
void lsvm_input_address(struct input *in, const json_t *object, const char *name,
			struct addr *ret);
/* A list; NULL when it is missing or none. */
const json_t *lsvm_input_list(struct input *in, const json_t *object, const char *name);

/* A number that fits the field. */
#define input_field(in, object, name, field)                                             \
	do {                                                                             \
		uint64_t number_ = *(field);                                             \
		lsvm_input_number(in, object, name, (typeof(*(field)))-1, &number_);     \
		*(field) = (typeof(*(field)))number_;                                    \
	} while (0)

#endif
