/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Out of memory, everywhere: the body runs again and again, and in its n-th run the n-th
 * allocation fails, first alone, then with all after it, until a run needs fewer than n.
 * The body gives back what the library gave it, and frees everything it got. A run must
 * answer LSVM_ERR_NOMEM or, where the library did without the memory, 0 with the right
 * result, which the body checks.
 */
#ifndef LSVM_TESTS_OOM_H
#define LSVM_TESTS_OOM_H

#include <libsvm/libsvm.h>

typedef int oom_body(void);

/* Returns 0 when every run was right; prints what was not. */
int oom_run(const char *name, oom_body *body);

#define OOM_CHECK(condition)                                                             \
	((condition) ? (void)0 : oom_wrong(__FILE__, __LINE__, #condition))
void oom_wrong(const char *file, int line, const char *condition);

#endif
