/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Figures as Prometheus reads them: the text exposition format, version 0.0.4.
 *
 * A family is opened with its name, kind and meaning; all its samples follow it before
 * the next one is opened. What would go over the limit is left out, whole lines at a
 * time, and counted.
 */
#ifndef LSVM_MONITOR_EXPOSITION_H
#define LSVM_MONITOR_EXPOSITION_H

#include "base/base.h"

#define EXPOSITION_MAX_BYTES (32u * 1024 * 1024)
#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum exposition_kind {
	EXPOSITION_GAUGE,
	EXPOSITION_COUNTER, /* its name ends with _total */
};

struct exposition_label {
	const char *name, *value; /* a label without a value is left out */
};

struct exposition {
	struct buf text;
	size_t limit_bytes; /* 0: EXPOSITION_MAX_BYTES */
	const char *family; /* borrowed until the next one */
	uint64_t left_out;
};

void lsvm_exposition_family(struct exposition *exposition, const char *name,
			    enum exposition_kind kind, const char *help);
/* Labels end with a NULL name; NULL: none. */
void lsvm_exposition_count(struct exposition *exposition,
			   const struct exposition_label *labels, uint64_t value);
/* A number of thousandths, as milliseconds are of seconds. */
void lsvm_exposition_thousandths(struct exposition *exposition,
				 const struct exposition_label *labels, uint64_t value);
/* A number of millionths. */
void lsvm_exposition_millionths(struct exposition *exposition,
				const struct exposition_label *labels, uint64_t value);
/*
 * Whether the bytes are what the format asks for: names, escapes, numbers, one HELP and
 * TYPE before the samples of a family, families in one piece, no sample twice. For
 * tests; what is wrong goes to `ret` (may be NULL) with the number of the line.
 */
bool lsvm_exposition_check(const char *text, size_t length, char *ret, size_t size);

#endif
