/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files: read whole and bounded, written so that at every moment, a power cut included,
 * either the old bytes or the new ones are there: a new file in the same folder, synced,
 * renamed over the old one, the folder synced.
 */
#include "cluster/tree.h"
#include "host/linux/linux.h"

#include <libsvm/cluster.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_CHUNK_BYTES 65536
#define FOLDER_MODE 0755
#define LOCK_FOLDER "/var/lib/svm/"

const char *lsvm_linux_error_text(int error)
{
	const char *text = strerrordesc_np(error);

	return text ? text : "an error that the system has no words for";
}

/* To the end; 0 or a positive errno. */
static int read_all(int fd, size_t max, struct buf *buf)
{
	char chunk[READ_CHUNK_BYTES];
	ssize_t got;

	while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (buf->length + (size_t)got > max)
			return EFBIG;
		lsvm_buf_add(buf, chunk, (size_t)got);
	}
	return 0;
}

/* With O_NONBLOCK among the flags a pipe that nobody fills is an error instead of a wait:
 * right for what a plan names, wrong for what an operator names. */
static int read_path(const char *path, int flags, size_t max, struct buf *buf,
		     uint32_t *ret_mode)
{
	struct stat about;
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags), error;

	if (fd < 0)
		return errno;
	if (fstat(fd, &about) < 0)
		error = errno;
	else
		error = S_ISDIR(about.st_mode) ? EISDIR : read_all(fd, max, buf);
	close(fd);
	lsvm_buf_add(buf, "", 0);
	if (!error && buf->failed)
		error = ENOMEM;
	if (!error && ret_mode)
		*ret_mode = about.st_mode & 07777;
	return error;
}

int lsvm_linux_read(const char *path, size_t max, struct buf *buf, uint32_t *ret_mode)
{
	return read_path(path, O_NONBLOCK, max, buf, ret_mode);
}

static int fail_file(struct lsvm_ctx *ctx, const char *path, const char *verb, int error)
{
	int err = LSVM_ERR_IO;
	const char *advice = "";

	switch (error) {
	case ENOENT:
	case ENOTDIR:
		err = LSVM_ERR_NOT_FOUND;
		advice = "; check the path";
		break;
	case EACCES:
	case EPERM:
	case EROFS:
		err = LSVM_ERR_PERMISSION;
		advice = "; run as root, or make it accessible";
		break;
	case EFBIG:
		return lsvm_fail(ctx, LSVM_ERR_LIMIT,
				 "%s cannot be %s: it is too large for what it should "
				 "be; check the path",
				 path, verb);
	case ENOSPC:
	case EDQUOT:
		advice = "; free some space";
		break;
	case ENOMEM:
		return lsvm_fail_nomem(ctx);
	}
	return lsvm_fail(ctx, err, "%s cannot be %s: %s%s", path, verb,
			 lsvm_linux_error_text(error), advice);
}

static int observe_file(struct linux_host *linux_host, const char *path,
			struct state *state)
{
	struct buf content = { 0 };
	uint32_t mode = 0;
	int error = lsvm_linux_read(path, LINUX_FILE_MAX_BYTES, &content, &mode), err = 0;

	if (error && error != ENOENT && error != ENOTDIR)
		err = fail_file(linux_host->host.ctx, path, "read", error);
	else if (!lsvm_state_add_file(state, path, mode, error ? NULL : content.data,
				      content.length))
		err = lsvm_fail_nomem(linux_host->host.ctx);
	lsvm_buf_free(&content);
	return err;
}

int lsvm_linux_observe_files(struct linux_host *linux_host, const struct state *named,
			     struct state *state)
{
	for (size_t i = 0; i < named->files.count; i++) {
		const char *path = named->files.items[i].path;
		int err = lsvm_state_file(state, path)
				  ? 0
				  : observe_file(linux_host, path, state);

		if (err < 0)
			return err;
	}
	return 0;
}

/* Makes the folders above the path; 0 or a positive errno. */
static int make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int result;

		*slash = '\0';
		result = mkdir(path, FOLDER_MODE);
		*slash = '/';
		if (result < 0 && errno != EEXIST)
			return errno;
	}
	return 0;
}

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t written = write(fd, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return errno;
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

static void sync_folder(char *path)
{
	char *slash = strrchr(path, '/');
	int fd;

	slash[slash == path] = '\0';
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* 0 or a positive errno. `temporary` ends with XXXXXX. */
static int write_file(const struct file *file, char *temporary)
{
	int fd = mkostemp(temporary, O_CLOEXEC), error;

	if (fd < 0)
		return errno;
	error = write_all(fd, file->content, file->length);
	if (!error && (fchmod(fd, file->mode) < 0 || fsync(fd) < 0))
		error = errno;
	if (close(fd) < 0 && !error)
		error = errno;
	if (!error && rename(temporary, file->path) < 0)
		error = errno;
	if (error)
		unlink(temporary);
	return error;
}

int lsvm_linux_file_write(struct linux_host *linux_host, const struct file *file)
{
	struct lsvm_ctx *ctx = linux_host->host.ctx;
	char *path;
	int error;

	if (file->path[0] != '/')
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "'%s' is no absolute path; start it with a slash",
				 file->path);
	if (asprintf(&path, "%s.XXXXXX", file->path) < 0)
		return lsvm_fail_nomem(ctx);
	error = make_folders(path);
	if (!error)
		error = write_file(file, path);
	if (!error)
		sync_folder(path);
	free(path);
	return error ? fail_file(ctx, file->path, "written", error) : 0;
}

int lsvm_linux_file_delete(struct linux_host *linux_host, const struct file *file)
{
	if (unlink(file->path) == 0 || errno == ENOENT || errno == ENOTDIR)
		return 0;
	return fail_file(linux_host->host.ctx, file->path, "removed", errno);
}

int lsvm_linux_stream(struct lsvm_host *host, const char *path,
		      void (*take)(void *arg, const char *bytes, size_t length),
		      void *arg)
{
	char chunk[READ_CHUNK_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;
	ssize_t got;

	if (fd < 0)
		return fail_file(host->ctx, path, "read", errno);
	do {
		got = read(fd, chunk, sizeof(chunk));
		if (got > 0)
			take(arg, chunk, (size_t)got);
		else if (got < 0 && errno != EINTR)
			error = errno;
	} while (got > 0 || (got < 0 && !error));
	close(fd);
	return error ? fail_file(host->ctx, path, "read", error) : 0;
}

/* The folder of the record itself is locked, so that nothing is left behind; the lock
 * goes with the process that holds it, however that ends. */
int lsvm_linux_lock(struct lsvm_host *host)
{
	struct linux_host *linux_host = (struct linux_host *)host;
	char path[] = LOCK_FOLDER;
	int error = linux_host->lock >= 0 ? EWOULDBLOCK : make_folders(path), fd = -1;

	if (!error) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		error = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ? errno : 0;
	}
	if (!error) {
		linux_host->lock = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	if (error == EWOULDBLOCK)
		return lsvm_fail(host->ctx, LSVM_ERR_BUSY,
				 "another apply is under way on %s; wait for it and try "
				 "again",
				 host->name);
	return fail_file(host->ctx, path, "locked", error);
}

void lsvm_linux_unlock(struct lsvm_host *host)
{
	struct linux_host *linux_host = (struct linux_host *)host;

	if (linux_host->lock >= 0)
		close(linux_host->lock);
	linux_host->lock = -1;
}

int lsvm_cluster_load_file(struct lsvm_ctx *ctx, const char *path,
			   struct lsvm_findings *findings, struct lsvm_cluster **ret)
{
	size_t length = strlen(path);
	bool json = length >= 5 && strcmp(path + length - 5, ".json") == 0;
	struct buf bytes = { 0 };
	int error = read_path(path, 0, TREE_MAX_BYTES, &bytes, NULL), err;

	if (error)
		err = fail_file(ctx, path, "read", error);
	else
		err = lsvm_cluster_load(ctx, bytes.data, bytes.length,
					json ? LSVM_FORMAT_JSON : LSVM_FORMAT_YAML,
					findings, ret);
	lsvm_buf_free(&bytes);
	return err;
}
