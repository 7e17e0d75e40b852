/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sysctls under /proc/sys. A write can succeed and change nothing (net.ipv4.vs has many
 * such), so each is read back.
 */
#include "host/linux/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SYSCTL_ROOT "/proc/sys/"
#define SYSCTL_PATH_BYTES 512
#define SYSCTL_VALUE_MAX_BYTES 65536

/* "net.ipv4.conf.eth0/100.rp_filter" to ".../net/ipv4/conf/eth0.100/rp_filter"; false for
 * a name that would lead elsewhere. */
static bool sysctl_path(const char *name, char *path)
{
	size_t head = strlen(SYSCTL_ROOT), length = strlen(name);

	if (!length || length >= SYSCTL_PATH_BYTES - head || name[0] == '.' ||
	    name[length - 1] == '.' || strstr(name, "..") || strstr(name, "//") ||
	    strstr(name, "./.") || name[0] == '/')
		return false;
	memcpy(path, SYSCTL_ROOT, head);
	for (size_t i = 0; i <= length; i++)
		path[head + i] = name[i] == '.' ? '/' : name[i] == '/' ? '.' : name[i];
	return true;
}

static void trim(struct buf *value)
{
	while (value->length && strchr(" \t\n", value->data[value->length - 1]))
		value->data[--value->length] = '\0';
}

/* 0 or a positive errno. */
static int read_value(const char *path, struct buf *value)
{
	int error = lsvm_linux_read(path, SYSCTL_VALUE_MAX_BYTES, value, NULL);

	if (!error)
		trim(value);
	return error;
}

int lsvm_linux_observe_sysctls(struct linux_host *linux_host, const struct state *named,
			       struct state *state)
{
	char path[SYSCTL_PATH_BYTES];

	for (size_t i = 0; i < named->sysctls.count; i++) {
		const char *name = named->sysctls.items[i].name;
		struct buf value = { 0 };
		bool good = true;

		if (lsvm_state_sysctl(state, name) || !sysctl_path(name, path))
			continue;
		/* One that is missing or cannot be read (some are write-only) is not in
		 * the state; setting it says why. */
		if (read_value(path, &value) == 0)
			good = lsvm_state_add_sysctl(state, name, value.data);
		lsvm_buf_free(&value);
		if (!good)
			return lsvm_fail_nomem(linux_host->host.ctx);
	}
	return 0;
}

static int write_value(const char *path, const char *value)
{
	size_t length = strlen(value);
	int fd = open(path, O_WRONLY | O_CLOEXEC), error = 0;
	ssize_t written;

	if (fd < 0)
		return errno;
	written = write(fd, value, length);
	if (written < 0)
		error = errno;
	else if ((size_t)written != length)
		error = EIO;
	close(fd);
	return error;
}

static int refused(struct linux_host *linux_host, const struct sysctl *sysctl, int error)
{
	struct lsvm_ctx *ctx = linux_host->host.ctx;

	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return lsvm_fail(ctx, LSVM_ERR_NOT_FOUND,
				 "there is no sysctl %s on %s; check its name and that "
				 "its interface or module is there",
				 sysctl->name, linux_host->host.name);
	case EACCES:
	case EPERM:
	case EROFS:
		return lsvm_fail(ctx, LSVM_ERR_PERMISSION,
				 "sysctl %s cannot be written: %s; run as root with a "
				 "writable /proc/sys",
				 sysctl->name, lsvm_linux_error_text(error));
	case EINVAL:
	case ERANGE:
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "sysctl %s does not take '%s'; choose a value that the "
				 "kernel allows",
				 sysctl->name, sysctl->value);
	}
	return lsvm_fail(ctx, LSVM_ERR_IO, "sysctl %s cannot be written: %s",
			 sysctl->name, lsvm_linux_error_text(error));
}

int lsvm_linux_sysctl_set(struct linux_host *linux_host, const struct sysctl *sysctl)
{
	char path[SYSCTL_PATH_BYTES];
	struct buf now = { 0 };
	int error, err = 0;

	if (!sysctl_path(sysctl->name, path))
		return lsvm_fail(linux_host->host.ctx, LSVM_ERR_ARGUMENT,
				 "'%s' is no name of a sysctl; write it like "
				 "net.ipv4.ip_forward",
				 sysctl->name);
	error = write_value(path, sysctl->value);
	if (error)
		return refused(linux_host, sysctl, error);
	/* What can only be written cannot be checked. */
	if (read_value(path, &now) == 0 && !lsvm_sysctl_equal(now.data, sysctl->value))
		err = lsvm_fail(linux_host->host.ctx, LSVM_ERR_CONFLICT,
				"sysctl %s did not take '%s' and still is '%s'; choose a "
				"value that the kernel allows",
				sysctl->name, sysctl->value, now.data);
	lsvm_buf_free(&now);
	return err;
}
