/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Running a program to its end, with a deadline and with the beginning of what it says.
 *
 * Its output goes to a file in memory, not to a pipe: a daemon that it leaves behind may
 * keep the descriptor open for ever. It gets a process group of its own, so that at the
 * deadline its children end with it.
 */
#include "host/linux/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 0 or a positive errno. */
static int spawn(const char *const *argv, int output, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return ENOMEM;
	}
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, 1);
	posix_spawn_file_actions_adddup2(&actions, output, 2);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP |
						      POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	error = posix_spawnp(ret, argv[0], &actions, &attributes, (char *const *)argv,
			     environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* The beginning of the output on one line: errors come first, and a sentence has one. */
static void read_output(int output, char *text)
{
	ssize_t length = pread(output, text, LINUX_OUTPUT_BYTES - 1, 0);

	if (length < 0)
		length = 0;
	while (length > 0 && strchr(" \n\r\t", text[length - 1]))
		length--;
	text[length] = '\0';
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
}

/* 0, ETIMEDOUT after killing it, or ECHILD when somebody else took its status. */
static int wait_for(pid_t pid, int *ret_status)
{
	int64_t deadline = now_ms() + LINUX_PROGRAM_MS;
	int pause_ms = 1;
	pid_t got;

	for (;;) {
		got = waitpid(pid, ret_status, WNOHANG);
		if (got == pid)
			return 0;
		if (got < 0 && errno != EINTR)
			return errno;
		if (now_ms() >= deadline)
			break;
		poll(NULL, 0, pause_ms);
		if (pause_ms < 16)
			pause_ms *= 2;
	}
	kill(-pid, SIGKILL);
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		;
	return ETIMEDOUT;
}

static int fail_spawn(struct lsvm_ctx *ctx, const char *name, int error)
{
	if (error == ENOENT)
		return lsvm_fail(ctx, LSVM_ERR_NOT_FOUND,
				 "there is no program '%s'; install its package", name);
	if (error == EACCES || error == EPERM)
		return lsvm_fail(ctx, LSVM_ERR_PERMISSION,
				 "'%s' may not be run: %s; check its mode", name,
				 lsvm_linux_error_text(error));
	return lsvm_fail(ctx, LSVM_ERR_IO, "'%s' cannot be run: %s", name,
			 lsvm_linux_error_text(error));
}

int lsvm_linux_run(struct lsvm_ctx *ctx, const char *const *argv, struct program *ret)
{
	int output = memfd_create("output", MFD_CLOEXEC), error;
	pid_t pid;

	if (output < 0)
		return lsvm_fail(ctx, LSVM_ERR_IO,
				 "no memory file for the output of '%s': %s", argv[0],
				 lsvm_linux_error_text(errno));
	error = spawn(argv, output, &pid);
	if (error) {
		close(output);
		return fail_spawn(ctx, argv[0], error);
	}
	error = wait_for(pid, &ret->status);
	read_output(output, ret->output);
	close(output);
	if (error == ETIMEDOUT)
		return lsvm_fail(
			ctx, LSVM_ERR_TIMEOUT,
			"'%s' did not end within %d s and was killed; it said: %s",
			argv[0], LINUX_PROGRAM_MS / 1000, ret->output);
	if (error)
		return lsvm_fail(ctx, LSVM_ERR_STATE,
				 "the exit status of '%s' is lost; do not ignore SIGCHLD "
				 "in this program",
				 argv[0]);
	return 0;
}
