/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every reader of JSON needs to know about jansson. */
#ifndef LSVM_BASE_JSON_H
#define LSVM_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>

/*
 * The value as text, for lsvm_free(); NULL when it is NULL or memory ran out.
 * json_dumps() of jansson 2.14 leaves out what it had no room for, and answers as if all
 * were well.
 */
char *lsvm_json_text(const json_t *json, size_t flags);
/* Whether a json_load…() that answered NULL did so because memory ran out. */
bool lsvm_json_ran_out(const json_error_t *error);

#endif
