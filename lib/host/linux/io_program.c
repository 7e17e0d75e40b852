/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program that runs beside us.
 *
 * It shares this process's memory until it becomes the program (the caller rests
 * meanwhile, as with vfork()), so starting it does not cost more in a large process. A
 * pidfd says when it ends; it is waited for by that alone, so that other children of the
 * process around us are left to who started them. If the favour is not returned, by a
 * wait() for any child or by ignoring SIGCHLD, the status is lost, and no more.
 *
 * It leads a process group. It stays unreaped until the channel is closed, so that its
 * number cannot become another's: then the whole group is killed. What it prints comes
 * before its end is told; what it prints past a limit ends the channel.
 */
#include "host/linux/io_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX_BYTES (1024u * 1024)
#define STACK_BYTES 65536
#define GONE_WAIT_MS 1000

extern char **environ;

struct program_channel {
	pid_t pid;
	int pidfd, input; /* -1: closed */
	size_t output_bytes;
	bool output_ended, exited;
};

/* ---- the child, in memory that is still ours ---- */

struct start {
	const char *const *argv;
	char *const *environment;
	int input, output;
	sigset_t none;
	int error;
};

static int child(void *arg)
{
	struct start *start = arg;
	struct sigaction action;

	/* Before a signal can come: its handlers would run in our memory. */
	for (int number = 1; number < _NSIG; number++)
		if (sigaction(number, NULL, &action) == 0 &&
		    action.sa_handler != SIG_DFL) {
			action.sa_handler = SIG_DFL;
			action.sa_flags = 0;
			sigaction(number, &action, NULL);
		}
	setpgid(0, 0);
	/* Neither is 0, 1 or 2. */
	if (dup2(start->input, 0) >= 0 && dup2(start->output, 1) >= 0 &&
	    dup2(start->output, 2) >= 0 &&
	    syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */) == 0) {
		sigprocmask(SIG_SETMASK, &start->none, NULL);
		execvpe(start->argv[0], (char *const *)start->argv, start->environment);
	}
	start->error = errno;
	syscall(SYS_exit, 127);
	return 127;
}

/* 0 or an errno. */
static int start_child(struct start *start, pid_t *ret_pid, int *ret_pidfd)
{
	char *stack = malloc(STACK_BYTES);
	sigset_t all, before;
	int pidfd = -1, number = 0;
	pid_t pid;

	if (!stack)
		return ENOMEM;
	sigfillset(&all);
	sigemptyset(&start->none);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid = clone(child, (void *)((uintptr_t)(stack + STACK_BYTES) & ~(uintptr_t)63),
		    CLONE_VM | CLONE_VFORK | CLONE_PIDFD, start, &pidfd);
	if (pid < 0)
		number = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	free(stack);
	if (!number && start->error) {
		while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
			;
		close(pidfd);
		return start->error;
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return number;
}

/* ---- opening ---- */

/* Above the standard three, which an embedder may have closed. */
static bool pipe_pair(int *ends)
{
	int made[2];

	if (pipe2(made, O_CLOEXEC) < 0)
		return false;
	for (int i = 0; i < 2; i++) {
		ends[i] = made[i] > 2 ? made[i] : fcntl(made[i], F_DUPFD_CLOEXEC, 3);
		if (ends[i] != made[i])
			close(made[i]);
	}
	if (ends[0] >= 0 && ends[1] >= 0)
		return true;
	if (ends[0] >= 0)
		close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return false;
}

static void fail_start(struct io *io, struct channel *channel, int number)
{
	if (number == ENOENT)
		lsvm_io_fail(io, channel, IO_ERROR_OTHER, "there is no such program");
	else
		lsvm_io_fail_errno(io, channel, number);
}

static bool set_up(struct io *io, struct channel *channel,
		   struct program_channel *program, const struct channel_spec *spec)
{
	int input[2], output[2], number;
	struct start start = { .argv = spec->argv, .environment = environ };

	if (!pipe_pair(input)) {
		lsvm_io_fail_errno(io, channel, errno);
		return false;
	}
	if (!pipe_pair(output)) {
		lsvm_io_fail_errno(io, channel, errno);
		close(input[0]);
		close(input[1]);
		return false;
	}
	start.input = input[0];
	start.output = output[1];
	number = start_child(&start, &program->pid, &program->pidfd);
	close(input[0]);
	close(output[1]);
	channel->fd = output[0];
	program->input = input[1];
	if (number) {
		program->pid = 0;
		fail_start(io, channel, number);
		return false;
	}
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	fcntl(input[1], F_SETFL, O_NONBLOCK);
	return lsvm_io_watch(io, channel, output[0], EPOLLIN | EPOLLET) &&
	       lsvm_io_watch(io, channel, input[1], EPOLLOUT | EPOLLET) &&
	       lsvm_io_watch(io, channel, program->pidfd, EPOLLIN | EPOLLET);
}

static int program_open(struct io *io, struct channel *channel,
			const struct channel_spec *spec)
{
	struct program_channel *program;

	if (!spec->argv || !spec->argv[0])
		return lsvm_fail(io->linux_host->host.ctx, LSVM_ERR_ARGUMENT,
				 "a program needs a name");
	program = calloc(1, sizeof(*program));
	if (!program)
		return lsvm_fail_nomem(io->linux_host->host.ctx);
	program->pidfd = program->input = -1;
	channel->more = program;
	set_up(io, channel, program, spec);
	return 0;
}

/* ---- its life ---- */

/* write() to a pipe that nobody reads raises SIGPIPE in this thread: it is kept off, and
 * taken away if it was not there before. */
static ssize_t write_quietly(int fd, const void *bytes, size_t length)
{
	const struct timespec at_once = { 0 };
	sigset_t pipe_only, before, pending;
	ssize_t done;
	int number;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
	done = write(fd, bytes, length);
	number = errno;
	if (done < 0 && number == EPIPE && !sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = number;
	return done;
}

static void close_input(struct program_channel *program)
{
	if (program->input >= 0)
		close(program->input);
	program->input = -1;
}

/* A program need not read its input: what it does not want is dropped. */
static void feed(struct channel *channel)
{
	struct program_channel *program = channel->more;
	struct waiting *waiting = channel->waiting;

	while (program->input >= 0 && waiting && waiting->length) {
		ssize_t done = write_quietly(
			program->input, waiting->data + waiting->start, waiting->length);

		if (done < 0 && errno == EAGAIN)
			return;
		if (done < 0) {
			close_input(program);
			break;
		}
		waiting->start += (size_t)done;
		waiting->length -= (size_t)done;
	}
	lsvm_io_wait_free(channel);
	if (channel->finish)
		close_input(program);
}

static bool program_send(struct io *io, struct channel *channel, const void *bytes,
			 size_t length, const struct addr *to, uint16_t to_port)
{
	struct program_channel *program = channel->more;

	if (program->input < 0)
		return true;
	if (!length)
		channel->finish = true;
	else if (!lsvm_io_wait_add(channel, bytes, length)) {
		lsvm_io_fail(io, channel, IO_ERROR_OVERFLOW, NULL);
		channel->state = STATE_FAILED;
		return false;
	}
	feed(channel);
	return true;
}

static bool has_exited(struct program_channel *program, int *ret_status)
{
	siginfo_t info = { 0 };

	if (program->exited)
		return false;
	if (waitid(P_PIDFD, (id_t)program->pidfd, &info,
		   WEXITED | WNOHANG | WNOWAIT | __WALL) < 0) {
		/* Reaped behind our back: now, not later, the number is still its own. */
		kill(-program->pid, SIGKILL);
		program->pid = 0;
		*ret_status = -1;
		return true;
	}
	if (!info.si_pid)
		return false;
	*ret_status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	return true;
}

static bool program_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	struct program_channel *program = channel->more;
	ssize_t got = -1;

	if (channel->waiting || channel->finish)
		feed(channel);
	if (!program->output_ended) {
		got = read(channel->fd, io->bytes, sizeof(io->bytes));
		program->output_ended = got == 0;
	}
	if (got > 0) {
		lsvm_io_ready(io, channel);
		program->output_bytes += (size_t)got;
		if (program->output_bytes > OUTPUT_MAX_BYTES) {
			lsvm_io_fail(io, channel, IO_ERROR_OVERFLOW,
				     "it prints more than 1 MiB");
			channel->state = STATE_FAILED;
			return false;
		}
		ret->fact = IO_BYTES;
		ret->bytes = io->bytes;
		ret->length = (size_t)got;
		return true;
	}
	channel->events = 0;
	if (!has_exited(program, &ret->status))
		return false;
	program->exited = true;
	ret->fact = IO_EXITED;
	return true;
}

/* ---- its end ---- */

/* What is left of it: a number to reap. */
static bool rest_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)channel->fd, &info, WEXITED | WNOHANG | __WALL) < 0 ||
	    info.si_pid)
		lsvm_io_give_back(io, channel);
	return false;
}

static void reap_now(int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	siginfo_t info;

	if (poll(&end, 1, GONE_WAIT_MS) > 0)
		waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | __WALL);
}

static bool rest_close(struct io *io, struct channel *channel)
{
	reap_now(channel->fd);
	return true;
}

static const struct channel_ops rest_ops = { .step = rest_step, .close = rest_close };

void lsvm_io_reap(struct io *io, int pidfd)
{
	struct channel *rest = io->freeing ? NULL : lsvm_io_take(io, &rest_ops);

	if (rest) {
		rest->fd = pidfd;
		rest->unclaimed = true;
		if (lsvm_io_watch(io, rest, pidfd, EPOLLIN | EPOLLET))
			return;
		rest->fd = -1;
		lsvm_io_give_back(io, rest);
	}
	reap_now(pidfd);
	close(pidfd);
}

static bool program_close(struct io *io, struct channel *channel)
{
	struct program_channel *program = channel->more;

	close_input(program);
	if (program->pid)
		kill(-program->pid, SIGKILL);
	if (program->pidfd >= 0)
		lsvm_io_reap(io, program->pidfd);
	free(program);
	channel->more = NULL;
	return true;
}

const struct channel_ops lsvm_io_program_ops = {
	.open = program_open,
	.step = program_step,
	.send = program_send,
	.close = program_close,
};
