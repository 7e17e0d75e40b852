/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The asking side of an agent's control socket: one line out, lines back, each with a
 * deadline. What an agent says is as foreign as anything else: a line has a limit.
 */
#include "base/json.h"
#include "host/io.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <libsvm/agent.h>

#define ANSWER_MAX_BYTES (64u * 1024 * 1024)
#define PIECE_BYTES 65536

struct lsvm_control {
	struct lsvm_ctx *ctx;
	int fd;
	bool ended;
	struct buf got;
	size_t looked; /* of got: so far there is no end of a line */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* 0 when it is ready, LSVM_ERR_TIMEOUT past the deadline. until 0: no deadline. */
static int wait_for(const struct lsvm_control *control, short what, uint64_t until)
{
	struct pollfd fd = { .fd = control->fd, .events = what };

	for (;;) {
		uint64_t now = until ? now_ms() : 0;
		int left = !until		 ? -1
			   : until <= now	 ? 0
			   : until - now > 60000 ? 60000
						 : (int)(until - now);
		int count = poll(&fd, 1, left);

		if (count > 0)
			return 0;
		if (count < 0 && errno != EINTR)
			return lsvm_fail(control->ctx, LSVM_ERR_IO, "poll: error %d",
					 errno);
		if (until && now_ms() >= until)
			return lsvm_fail(control->ctx, LSVM_ERR_TIMEOUT,
					 "the agent at %s did not answer in time; see "
					 "whether its machine is overloaded",
					 control->path);
	}
}

static int connect_failed(struct lsvm_ctx *ctx, const char *path, int number)
{
	switch (number) {
	case ENOENT:
	case ECONNREFUSED:
		return lsvm_fail(ctx, LSVM_ERR_NOT_FOUND,
				 "no agent answers at %s; start it (svm-eds run), or say "
				 "where it is",
				 path);
	case EACCES:
	case EPERM:
		return lsvm_fail(ctx, LSVM_ERR_PERMISSION,
				 "%s may be used by root and its group only", path);
	case EAGAIN:
		return lsvm_fail(ctx, LSVM_ERR_BUSY,
				 "the agent at %s has no room for more callers; try "
				 "again later",
				 path);
	}
	return lsvm_fail(ctx, LSVM_ERR_IO, "%s: error %d when connecting", path, number);
}

int lsvm_control_open(struct lsvm_ctx *ctx, const char *path, struct lsvm_control **ret)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct lsvm_control *control;
	int number;

	if (!path[0] || strlen(path) >= sizeof(name.sun_path))
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "a control socket's path has 1 to %zu characters",
				 sizeof(name.sun_path) - 1);
	control = calloc(1, sizeof(*control));
	if (!control)
		return lsvm_fail_nomem(ctx);
	control->ctx = lsvm_ctx_ref(ctx);
	strcpy(control->path, path);
	strcpy(name.sun_path, path);
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0 ||
	    connect(control->fd, (const struct sockaddr *)&name, sizeof(name)) < 0) {
		number = errno;
		lsvm_control_close(control);
		return connect_failed(ctx, path, number);
	}
	*ret = control;
	return 0;
}

void lsvm_control_close(struct lsvm_control *control)
{
	if (!control)
		return;
	if (control->fd >= 0)
		close(control->fd);
	lsvm_buf_free(&control->got);
	lsvm_ctx_unref(control->ctx);
	free(control);
}

int lsvm_control_fd(const struct lsvm_control *control)
{
	return control->fd;
}

int lsvm_control_ask(struct lsvm_control *control, const char *request,
		     uint32_t timeout_ms)
{
	const uint64_t until = timeout_ms ? now_ms() + timeout_ms : 0;
	struct buf line = { 0 };
	size_t sent = 0;
	int err = 0;

	if (strchr(request, '\n'))
		return lsvm_fail(control->ctx, LSVM_ERR_ARGUMENT,
				 "a request is one line of JSON, without an end of line");
	lsvm_buf_printf(&line, "%s\n", request);
	if (line.failed)
		err = lsvm_fail_nomem(control->ctx);
	while (err >= 0 && sent < line.length) {
		ssize_t count = send(control->fd, line.data + sent, line.length - sent,
				     MSG_NOSIGNAL);

		if (count >= 0)
			sent += (size_t)count;
		else if (errno == EAGAIN)
			err = wait_for(control, POLLOUT, until);
		else if (errno != EINTR)
			/* What it said before it let go is still there to be read. */
			break;
	}
	lsvm_buf_free(&line);
	return err;
}

/* The first line of what is there; false: there is none yet. */
static bool take_line(struct lsvm_control *control, char **ret)
{
	struct buf *got = &control->got;
	const char *end = NULL;
	size_t length;

	if (got->length > control->looked)
		end = memchr(got->data + control->looked, '\n',
			     got->length - control->looked);
	control->looked = got->length;
	if (!end)
		return false;
	length = (size_t)(end - got->data);
	*ret = malloc(length + 1);
	if (*ret) {
		memcpy(*ret, got->data, length);
		(*ret)[length] = '\0';
	}
	got->length -= length + 1;
	memmove(got->data, end + 1, got->length);
	control->looked = 0;
	return true;
}

int lsvm_control_next(struct lsvm_control *control, uint32_t timeout_ms, char **ret)
{
	const uint64_t until = timeout_ms ? now_ms() + timeout_ms : 0;
	char piece[PIECE_BYTES], *line;
	ssize_t count;
	int err;

	while (!take_line(control, &line)) {
		if (control->ended)
			return 0;
		if (control->got.length > ANSWER_MAX_BYTES)
			return lsvm_fail(control->ctx, LSVM_ERR_LIMIT,
					 "the answer is longer than 64 MiB");
		err = wait_for(control, POLLIN, until);
		if (err < 0)
			return err;
		count = recv(control->fd, piece, sizeof(piece), 0);
		if (count > 0)
			lsvm_buf_add(&control->got, piece, (size_t)count);
		else if (!count || (errno != EAGAIN && errno != EINTR))
			control->ended = true;
		if (control->got.failed)
			return lsvm_fail_nomem(control->ctx);
	}
	if (!line)
		return lsvm_fail_nomem(control->ctx);
	*ret = line;
	return 1;
}

/* ---- one question ---- */

static int error_of(const char *word)
{
	for (int err = LSVM_ERR_NOMEM; word && err >= LSVM_ERR_INTERNAL; err--)
		if (strcmp(lsvm_err_name(err), word) == 0)
			return err;
	return LSVM_ERR_PROTOCOL;
}

int lsvm_control_check(struct lsvm_ctx *ctx, const char *answer)
{
	json_error_t error;
	json_t *json = json_loads(answer, 0, &error);
	const char *text = json_string_value(json_object_get(json, "text"));
	int err = 0;

	if (!json_is_object(json) && lsvm_json_ran_out(&error))
		err = lsvm_fail_nomem(ctx);
	else if (!json_is_object(json) || !json_object_get(json, "ok"))
		err = lsvm_fail(ctx, LSVM_ERR_PROTOCOL,
				"what answers there is no agent: %.80s", answer);
	else if (!json_is_true(json_object_get(json, "ok")))
		err = lsvm_fail(
			ctx, error_of(json_string_value(json_object_get(json, "error"))),
			"%s", text ? text : "the agent does not say why");
	json_decref(json);
	return err;
}

int lsvm_control_call(struct lsvm_ctx *ctx, const char *path, const char *request,
		      uint32_t timeout_ms, char **ret)
{
	struct lsvm_control *control;
	char *answer = NULL;
	int err = lsvm_control_open(ctx, path, &control);

	if (err < 0)
		return err;
	err = lsvm_control_ask(control, request, timeout_ms);
	if (err >= 0)
		err = lsvm_control_next(control, timeout_ms, &answer);
	if (err == 0)
		err = lsvm_fail(ctx, LSVM_ERR_IO,
				"the agent at %s closed the connection; did it end?",
				path);
	if (err > 0)
		err = lsvm_control_check(ctx, answer);
	lsvm_control_close(control);
	if (err < 0)
		lsvm_free(answer);
	else
		*ret = answer;
	return err;
}
