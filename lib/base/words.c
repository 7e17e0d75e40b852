/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words for enum values: the same in YAML, JSON, on the command line and in Python. */
#include "base/base.h"

static const struct word errors[] = {
	{ LSVM_OK, "ok" },
	{ LSVM_ERR_NOMEM, "no-memory" },
	{ LSVM_ERR_ARGUMENT, "argument" },
	{ LSVM_ERR_PARSE, "parse" },
	{ LSVM_ERR_FINDINGS, "findings" },
	{ LSVM_ERR_NOT_FOUND, "not-found" },
	{ LSVM_ERR_EXISTS, "exists" },
	{ LSVM_ERR_RANGE, "range" },
	{ LSVM_ERR_LIMIT, "limit" },
	{ LSVM_ERR_PERMISSION, "permission" },
	{ LSVM_ERR_UNSUPPORTED, "unsupported" },
	{ LSVM_ERR_TIMEOUT, "timeout" },
	{ LSVM_ERR_BUSY, "busy" },
	{ LSVM_ERR_IO, "io" },
	{ LSVM_ERR_PROTOCOL, "protocol" },
	{ LSVM_ERR_NO_IPVS, "no-ipvs" },
	{ LSVM_ERR_STATE, "state" },
	{ LSVM_ERR_CONFLICT, "conflict" },
	{ LSVM_ERR_INTERNAL, "internal" },
	{ 0, NULL },
};

static const struct word severities[] = {
	{ LSVM_SEVERITY_WARNING, "warning" },
	{ LSVM_SEVERITY_ERROR, "error" },
	{ LSVM_SEVERITY_NOTICE, "notice" },
	{ 0, NULL },
};

const char *lsvm_word_name(const struct word *words, int value)
{
	for (; words->name; words++)
		if (words->value == value)
			return words->name;
	return "unknown";
}

int lsvm_word_value(const struct word *words, const char *name)
{
	for (; words->name; words++)
		if (strcmp(words->name, name) == 0)
			return words->value;
	return 0;
}

const char *lsvm_err_name(int err)
{
	return lsvm_word_name(errors, err);
}

const char *lsvm_severity_name(int severity)
{
	return lsvm_word_name(severities, severity);
}

int lsvm_severity_parse(const char *name)
{
	return lsvm_word_value(severities, name);
}
