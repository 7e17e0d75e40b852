/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * malloc and its kin replaced, so that one of them can fail. Ordinarily the program
 * defines them itself and glibc's own are reached by their other names: what the
 * libraries below us allocate can fail too, and what is still allocated at the end of a
 * run is a leak. Under a sanitizer (OOM_WRAP) the linker redirects our own calls only,
 * and the sanitizer looks for leaks.
 *
 * jansson's reader is spared. When memory runs out inside a text, version 2.14 takes the
 * text for wrong, loses bytes of it, or ends the process with an assertion; none of that
 * can be seen or helped from outside.
 */
#include "oom.h"

#include <dlfcn.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local bool armed, spared, all_after, fired;
static _Thread_local unsigned long countdown;
static _Thread_local long live;
static bool wrong;

static bool fails(void)
{
	if (!armed || spared)
		return false;
	if (fired ? all_after : --countdown == 0) {
		fired = true;
		errno = ENOMEM;
		return true;
	}
	return false;
}

#ifdef OOM_WRAP
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}
#else
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

void *malloc(size_t size)
{
	void *memory = fails() ? NULL : __libc_malloc(size);

	live += armed && memory;
	return memory;
}

void *calloc(size_t count, size_t size)
{
	void *memory = fails() ? NULL : __libc_calloc(count, size);

	live += armed && memory;
	return memory;
}

void *realloc(void *old, size_t size)
{
	void *memory;

	if (fails())
		return NULL;
	memory = __libc_realloc(old, size);
	live += armed && memory && !old;
	return memory;
}

void free(void *memory)
{
	live -= armed && memory;
	__libc_free(memory);
}
#endif

void oom_wrong(const char *file, int line, const char *condition)
{
	bool was = armed;

	armed = false;
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
	wrong = true;
	armed = was;
}

static json_t *(*jansson_loadb)(const char *, size_t, size_t, json_error_t *);
static json_t *(*jansson_loads)(const char *, size_t, json_error_t *);

/* Before main: tests read JSON while they prepare, too. */
__attribute__((constructor)) static void find_jansson(void)
{
	*(void **)&jansson_loadb = dlsym(RTLD_NEXT, "json_loadb");
	*(void **)&jansson_loads = dlsym(RTLD_NEXT, "json_loads");
}

json_t *json_loadb(const char *bytes, size_t length, size_t flags, json_error_t *error)
{
	json_t *json;

	spared = true;
	json = jansson_loadb(bytes, length, flags, error);
	spared = false;
	return json;
}

json_t *json_loads(const char *text, size_t flags, json_error_t *error)
{
	json_t *json;

	spared = true;
	json = jansson_loads(text, flags, error);
	spared = false;
	return json;
}

static void run_from(const char *name, oom_body *body, unsigned long *ret_runs)
{
	for (unsigned long n = 1; !wrong; n++) {
		int err;

		countdown = n;
		fired = false;
		live = 0;
		armed = true;
		err = body();
		armed = false;
		(*ret_runs)++;
		if (err != 0 && !(fired && err == LSVM_ERR_NOMEM)) {
			fprintf(stderr,
				"%s: allocation %lu failed%s, and the answer was %s\n",
				name, n, all_after ? " and all after it" : "",
				lsvm_err_name(err));
			wrong = true;
		}
		if (live != 0) {
			fprintf(stderr, "%s: allocation %lu failed%s, and %ld leaked\n",
				name, n, all_after ? " and all after it" : "", live);
			wrong = true;
		}
		if (!fired)
			return;
	}
}

int oom_run(const char *name, oom_body *body)
{
	unsigned long runs = 0;

	/* A program that has nothing to do with JSON is linked without jansson. */
	if (dlsym(RTLD_NEXT, "json_object") && (!jansson_loadb || !jansson_loads)) {
		fprintf(stderr, "jansson's readers are not to be found\n");
		return 1;
	}
	/* Once for what the C library allocates the first time and keeps. */
	if (body() != 0) {
		fprintf(stderr, "%s: fails even with all the memory it wants\n", name);
		return 1;
	}
	wrong = false;
	all_after = false;
	run_from(name, body, &runs);
	all_after = true;
	run_from(name, body, &runs);
	printf("%s: %lu runs\n", name, runs);
	if (runs < 4 && !wrong) {
		fprintf(stderr, "%s: allocates nothing, so this tested nothing\n", name);
		return 1;
	}
	return wrong;
}
