/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lines for a log: the journal by its own socket, or a file.
 *
 * The journal takes datagrams of NAME=value lines. A file is looked at before each line:
 * when its name leads to another one, or nowhere, because somebody has put it away, it is
 * opened anew. Nothing here waits; what cannot be written is the caller's to tell. A line
 * of which only a part found room is ended before the next one begins.
 */
#include "host/linux/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define JOURNAL_PATH "/run/systemd/journal/socket"
#define LINE_BYTES 2048

struct log {
	int journal, file;
	dev_t device;
	ino_t inode;
	bool torn; /* the last line has no end */
};

static int failed(struct lsvm_ctx *ctx, const char *to, int number)
{
	char text[128] = "";

	/* strerror_r() of GNU answers with a text of its own. */
	return lsvm_fail(ctx, LSVM_ERR_IO, "nothing can be written to the log %s: %s", to,
			 strerror_r(number, text, sizeof(text)));
}

/* ---- the journal ---- */

static void add_field(struct buf *buf, const char *name, const char *value)
{
	if (!value)
		return;
	lsvm_buf_printf(buf, "%s=", name);
	/* A line's end would begin another field. */
	for (; *value; value++)
		lsvm_buf_add(buf, *value == '\n' ? " " : value, 1);
	lsvm_buf_text(buf, "\n");
}

static int to_journal(struct lsvm_ctx *ctx, struct log *log, const struct io_log *line)
{
	const struct sockaddr_un name = { AF_UNIX, JOURNAL_PATH };
	char priority[8];
	struct buf buf = { 0 };
	ssize_t sent;
	int number;

	if (log->journal < 0)
		log->journal =
			socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (log->journal < 0)
		return failed(ctx, "journal", errno);
	snprintf(priority, sizeof(priority), "%d", line->priority);
	add_field(&buf, "PRIORITY", priority);
	add_field(&buf, "SYSLOG_IDENTIFIER", line->name);
	add_field(&buf, "LSVM_KIND", line->kind);
	add_field(&buf, "LSVM_SUBJECT", line->subject);
	add_field(&buf, "MESSAGE", line->text);
	if (buf.failed) {
		lsvm_buf_free(&buf);
		return lsvm_fail_nomem(ctx);
	}
	sent = sendto(log->journal, buf.data, buf.length, MSG_NOSIGNAL,
		      (const struct sockaddr *)&name, sizeof(name));
	number = errno;
	lsvm_buf_free(&buf);
	return sent < 0 ? failed(ctx, "journal", number) : 0;
}

/* ---- a file ---- */

static void close_file(struct log *log)
{
	if (log->file >= 0)
		close(log->file);
	log->file = -1;
}

/* The file that has the name now. A pipe without a reader is an error, and no wait. */
static int open_file(struct log *log, const char *path)
{
	struct stat now;

	if (log->file >= 0 && stat(path, &now) == 0 && now.st_dev == log->device &&
	    now.st_ino == log->inode)
		return 0;
	close_file(log);
	log->torn = false;
	log->file =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
	if (log->file < 0 || fstat(log->file, &now) < 0)
		return errno;
	log->device = now.st_dev;
	log->inode = now.st_ino;
	return 0;
}

static int to_file(struct lsvm_ctx *ctx, struct log *log, const char *path,
		   const struct io_log *line)
{
	const time_t seconds = (time_t)(line->wall_ms / 1000);
	char text[LINE_BYTES], when[32] = "";
	int number = open_file(log, path), length;
	struct tm utc;
	ssize_t count;

	if (number)
		return failed(ctx, path, number);
	if (gmtime_r(&seconds, &utc))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
	length =
		snprintf(text, sizeof(text), "%s%s.%03uZ %s: %s\n", log->torn ? "\n" : "",
			 when, (unsigned)(line->wall_ms % 1000), line->name, line->text);
	if (length >= (int)sizeof(text)) {
		length = (int)sizeof(text) - 1;
		text[length - 1] = '\n';
	}
	count = write(log->file, text, (size_t)length);
	if (count == length) {
		log->torn = false;
		return 0;
	}
	log->torn |= count > 0;
	return failed(ctx, path, count < 0 ? errno : ENOSPC);
}

int lsvm_log_write(struct lsvm_ctx *ctx, struct log **log, const char *to,
		   const struct io_log *line)
{
	if (!*log) {
		*log = calloc(1, sizeof(**log));
		if (!*log)
			return lsvm_fail_nomem(ctx);
		(*log)->journal = (*log)->file = -1;
	}
	if (strcmp(to, "journal") == 0)
		return to_journal(ctx, *log, line);
	return to_file(ctx, *log, to, line);
}

void lsvm_log_free(struct log *log)
{
	if (!log)
		return;
	close_file(log);
	if (log->journal >= 0)
		close(log->journal);
	free(log);
}
