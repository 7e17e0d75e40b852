/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where our own files are, in the build tree or installed; and what time it is. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static char *beside(const char *between, const char *name)
{
	char self[4096], *path = NULL, *slash;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length <= 0)
		return NULL;
	self[length] = '\0';
	slash = strrchr(self, '/');
	*slash = '\0';
	if (asprintf(&path, "%s/%s%s", self, between, name) < 0)
		return NULL;
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *lab_helper_path(const char *name)
{
	char *path = beside("lab/", name);

	if (!path)
		path = beside("", name);
	if (path)
		return path;
	if (asprintf(&path, "%s/%s", SVM_LIBEXECDIR, name) < 0)
		return NULL;
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *lab_program_path(const char *name)
{
	char *path = beside("", name);

	if (!path)
		path = beside("../", name); /* ours in the build tree is tools/lab */
	if (!path && asprintf(&path, "%s/%s", SVM_BINDIR, name) < 0)
		return NULL;
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return strdup(name);
}
