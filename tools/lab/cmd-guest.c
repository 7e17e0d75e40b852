/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svm-lab guest: one command in a guest. */
#include "lab.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define GRACE_MS 3000
#define BOOT_MS 120000

extern char **environ;

int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN); /* a closed output is an error of the write */
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int signals_next(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

static bool put(int fd, const unsigned char *bytes, size_t length)
{
	while (length) {
		ssize_t done = write(fd, bytes, length);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			bytes += done;
			length -= (size_t)done;
		}
	}
	return true;
}

/* Where a command stands: -1 while it runs. */
static int take_frame(const struct frame_header *header, const unsigned char *payload)
{
	int32_t status = EXIT_NO_PLACE;

	switch (header->type) {
	case FRAME_STDOUT:
		return put(STDOUT_FILENO, payload, header->length) ? -1 : 128 + SIGPIPE;
	case FRAME_STDERR:
		return put(STDERR_FILENO, payload, header->length) ? -1 : 128 + SIGPIPE;
	case FRAME_PROBLEM:
		complain("%.*s", (int)header->length, payload);
		return header->channel ? -1 : EXIT_NO_PLACE;
	case FRAME_EXIT:
		if (header->length == sizeof(status))
			memcpy(&status, payload, sizeof(status));
		return status;
	}
	return -1;
}

int session_run(struct session *session, int signals, char *const *arguments,
		int64_t deadline_ms)
{
	struct frame_header header;
	unsigned char *payload;
	char folder[4096];
	int32_t ended_by = 0, number;
	size_t length;
	int status = -1, got;

	if (!getcwd(folder, sizeof(folder)))
		strcpy(folder, "/");
	payload = command_encode(folder, arguments, environ, false, &length);
	if (!payload || !session_send(session, FRAME_EXEC, 1, payload, length)) {
		free(payload);
		complain("the command line is too long for the guest");
		return EXIT_NO_PLACE;
	}
	free(payload);
	while (status < 0) {
		int64_t left = deadline_ms - now_ms();

		got = session_next(session, signals, left > 0 ? (int)left : 0, &header,
				   &payload);
		if (got < 0) {
			complain("%s", session->problem);
			return EXIT_NO_PLACE;
		}
		if (got > 0)
			status = take_frame(&header, payload);
		number = signals_next(signals);
		if (number && ended_by)
			return 128 + number; /* asked twice */
		if (number) {
			ended_by = number;
			deadline_ms = now_ms() + GRACE_MS;
			session_send(session, FRAME_SIGNAL, 1, &number, sizeof(number));
		}
		if (status < 0 && got == 0 && now_ms() >= deadline_ms) {
			if (!ended_by)
				complain("the command had not ended by its --timeout");
			return ended_by ? 128 + ended_by : EXIT_TIMED_OUT;
		}
	}
	return ended_by ? 128 + ended_by : status;
}

int run_in(const struct session_options *options, uint32_t timeout_s,
	   char *const *arguments)
{
	int64_t deadline = now_ms() + (int64_t)timeout_s * 1000;
	int signals = signals_open(), status = EXIT_NO_PLACE, got, number;
	struct session session;

	if (session_start(&session, options) < 0) {
		complain("%s", session.problem);
		session_kill(&session);
		return EXIT_NO_PLACE;
	}
	got = session_wait_ready(&session, options, signals, BOOT_MS);
	if (got > 0) {
		status = session_run(&session, signals, arguments, deadline);
	} else if (got < 0) {
		complain("%s", session.problem);
	} else if ((number = signals_next(signals)) != 0) {
		session_kill(&session);
		status = 128 + number;
	} else {
		complain("the guest did not start within %d s", BOOT_MS / 1000);
	}
	if (status == EXIT_NO_PLACE)
		session_kill(&session);
	else
		session_stop(&session);
	return status;
}

int cmd_guest(struct tool *tool)
{
	struct session_options options = { 0 };
	const char *out = tool_value(tool, "out");
	char *path = NULL;
	uint32_t timeout_s;
	int status;

	if (!tool_number(tool, "memory", 64, 65536, 1024, &options.memory_mib) ||
	    !tool_number(tool, "timeout", 1, 86400, 600, &timeout_s))
		return TOOL_USAGE;
	if (out && !(path = realpath(out, NULL)))
		return tool_complain(tool, "--out %s: %s", out, strerror(errno));
	options.out = path;
	status = run_in(&options, timeout_s, tool->operands);
	free(path);
	return status;
}
