/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The agent: one loop over the stream, the children and their pipes.
 *
 * A command is over when its process ends, not when its pipes do: a daemon that it left
 * behind may hold them. What it wrote before is always delivered before its exit status.
 */
#include "agent.h"

#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX 64
#define CHUNK_BYTES 32768

struct job {
	pid_t pid; /* 0: free */
	uint16_t channel;
	int in, out, err; /* -1: closed */
};

struct agent {
	int in, out, children;
	const char *(*mount_out)(const char *path);
	struct frame_reader reader;
	struct job jobs[JOBS_MAX];
	bool quit;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void problem(struct agent *agent, uint16_t channel, const char *text)
{
	int32_t status = 125;

	frame_send(agent->out, FRAME_PROBLEM, channel, text, strlen(text));
	frame_send(agent->out, FRAME_EXIT, channel, &status, sizeof(status));
}

/* In the child: never returns. */
static void become(const struct command *command, int in, int out, int err)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	closefrom(3);
	if (chdir(command->folder) < 0 && chdir("/") < 0)
		_exit(126);
	for (char **variable = command->environment; *variable; variable++)
		if (!strncmp(*variable, "PATH=", 5))
			putenv(*variable); /* execvpe() looks in our own PATH */
	execvpe(command->arguments[0], command->arguments, command->environment);
	fprintf(stderr, "svm-lab: cannot run %s: %s\n", command->arguments[0],
		strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static bool make_pipes(int pipes[3][2], bool has_stdin)
{
	for (int i = 0; i < 3; i++)
		if (pipe2(pipes[i], O_CLOEXEC) < 0)
			return false;
	if (!has_stdin) {
		close(pipes[0][0]);
		pipes[0][0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	return pipes[0][0] >= 0;
}

static void start(struct agent *agent, uint16_t channel, const struct command *command)
{
	int pipes[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	struct job *job = agent->jobs;
	pid_t pid = -1;

	while (job < agent->jobs + JOBS_MAX && job->pid)
		job++;
	if (job == agent->jobs + JOBS_MAX) {
		problem(agent, channel, "too many commands at once");
		return;
	}
	if (make_pipes(pipes, command->has_stdin))
		pid = fork();
	if (pid == 0)
		become(command, pipes[0][0], pipes[1][1], pipes[2][1]);
	close_fd(&pipes[0][0]);
	close_fd(&pipes[1][1]);
	close_fd(&pipes[2][1]);
	if (pid < 0) {
		problem(agent, channel, strerror(errno));
		for (int i = 0; i < 3; i++)
			close_fd(&pipes[i][i == 0]);
		return;
	}
	*job = (struct job){ pid, channel, pipes[0][1], pipes[1][0], pipes[2][0] };
	if (!command->has_stdin)
		close_fd(&job->in);
}

static struct job *job_of_channel(struct agent *agent, uint16_t channel)
{
	for (struct job *job = agent->jobs; job < agent->jobs + JOBS_MAX; job++)
		if (job->pid && job->channel == channel)
			return job;
	return NULL;
}

/* Passes one chunk on. False when there is none now. */
static bool pump(struct agent *agent, struct job *job, int *fd, enum frame_type type)
{
	char bytes[CHUNK_BYTES];
	struct pollfd ready = { .fd = *fd, .events = POLLIN };
	ssize_t got;

	if (*fd < 0 || poll(&ready, 1, 0) <= 0)
		return false;
	got = read(*fd, bytes, sizeof(bytes));
	if (got <= 0) {
		close_fd(fd);
		return false;
	}
	return frame_send(agent->out, type, job->channel, bytes, (size_t)got);
}

static void reap(struct agent *agent)
{
	struct signalfd_siginfo info;
	int32_t status;
	int raw;
	pid_t pid;

	while (read(agent->children, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &raw, WNOHANG)) > 0) {
		for (struct job *job = agent->jobs; job < agent->jobs + JOBS_MAX; job++) {
			if (job->pid != pid)
				continue;
			while (pump(agent, job, &job->out, FRAME_STDOUT))
				;
			while (pump(agent, job, &job->err, FRAME_STDERR))
				;
			status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
			frame_send(agent->out, FRAME_EXIT, job->channel, &status,
				   sizeof(status));
			close_fd(&job->in);
			close_fd(&job->out);
			close_fd(&job->err);
			job->pid = 0;
		}
	}
}

/* Input is small and rare (nobody types megabytes): a full pipe may hold the loop up. */
static void feed(struct job *job, const unsigned char *bytes, size_t length)
{
	while (job->in >= 0 && length) {
		ssize_t put = write(job->in, bytes, length);

		if (put < 0) {
			close_fd(&job->in);
			return;
		}
		bytes += put;
		length -= (size_t)put;
	}
	if (!length)
		return;
}

static void handle(struct agent *agent, const struct frame_header *header,
		   unsigned char *payload)
{
	struct job *job = job_of_channel(agent, header->channel);
	struct command command;
	const char *text = NULL;
	int32_t number;

	switch (header->type) {
	case FRAME_EXEC:
		if (job || !command_decode(payload, header->length, &command)) {
			problem(agent, header->channel, "a command that makes no sense");
			break;
		}
		start(agent, header->channel, &command);
		command_free(&command);
		break;
	case FRAME_OUT:
		if (agent->mount_out && header->length && !payload[header->length - 1])
			text = agent->mount_out((char *)payload);
		if (text)
			frame_send(agent->out, FRAME_PROBLEM, 0, text, strlen(text));
		break;
	case FRAME_STDIN:
		if (job && header->length)
			feed(job, payload, header->length);
		else if (job)
			close_fd(&job->in);
		break;
	case FRAME_SIGNAL:
		if (job && header->length == sizeof(number)) {
			memcpy(&number, payload, sizeof(number));
			kill(-job->pid, number);
		}
		break;
	case FRAME_QUIT:
		agent->quit = true;
		break;
	}
}

static void receive(struct agent *agent)
{
	struct frame_header header;
	unsigned char *payload;
	uint32_t before = (uint32_t)agent->reader.length, taken;
	int got = frame_fill(&agent->reader, agent->in), next;

	taken = (uint32_t)agent->reader.length - before;
	if (got > 0)
		frame_send(agent->out, FRAME_TAKEN, 0, &taken, sizeof(taken));
	if (got == 0 || got == -2)
		agent->quit = true;
	while ((next = frame_next(&agent->reader, &header, &payload)) > 0)
		handle(agent, &header, payload);
	if (next < 0)
		agent->quit = true;
}

static void turn(struct agent *agent)
{
	struct pollfd fds[2 + 2 * JOBS_MAX] = {
		{ .fd = agent->in, .events = POLLIN },
		{ .fd = agent->children, .events = POLLIN },
	};

	for (int i = 0; i < JOBS_MAX; i++) {
		bool live = agent->jobs[i].pid;

		fds[2 + 2 * i].fd = live ? agent->jobs[i].out : -1;
		fds[3 + 2 * i].fd = live ? agent->jobs[i].err : -1;
		fds[2 + 2 * i].events = fds[3 + 2 * i].events = POLLIN;
	}
	if (poll(fds, 2 + 2 * JOBS_MAX, -1) < 0)
		return;
	for (int i = 0; i < JOBS_MAX; i++) {
		if (fds[2 + 2 * i].revents)
			pump(agent, &agent->jobs[i], &agent->jobs[i].out, FRAME_STDOUT);
		if (fds[3 + 2 * i].revents)
			pump(agent, &agent->jobs[i], &agent->jobs[i].err, FRAME_STDERR);
	}
	if (fds[1].revents)
		reap(agent);
	if (fds[0].revents)
		receive(agent);
}

void agent_serve(int in, int out, const char *(*mount_out)(const char *path))
{
	struct agent *agent = calloc(1, sizeof(*agent));
	sigset_t child;

	if (!agent)
		return;
	*agent = (struct agent){ .in = in, .out = out, .mount_out = mount_out };
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	agent->children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (agent->children >= 0 && frame_send(out, FRAME_READY, 0, NULL, 0))
		while (!agent->quit)
			turn(agent);
	for (int i = 0; i < JOBS_MAX; i++)
		if (agent->jobs[i].pid)
			kill(-agent->jobs[i].pid, SIGKILL);
	sync();
	frame_send(out, FRAME_BYE, 0, NULL, 0);
	frame_reader_free(&agent->reader);
	free(agent);
}
