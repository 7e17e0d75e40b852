/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sessions: see session.h. A native one is an agent in namespaces of the running kernel;
 * as the first process of a PID namespace it takes everything with it when it ends.
 */
#include "session.h"

#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BYE_MS 20000
#define CONSOLE_BYTES 4096

/* ---- namespaces of the running kernel ---- */

static void become_agent(pid_t parent, int fd)
{
	pid_t child;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS) < 0)
		_exit(77);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("proc", "/proc", "proc", 0, NULL) < 0 ||
		    mount("sysfs", "/sys", "sysfs", 0, NULL) < 0 ||
		    mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") < 0)
			_exit(77);
		agent_serve(fd, fd, NULL);
		_exit(0);
	}
	close(fd);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	_exit(0);
}

static int native_start(struct session *session)
{
	int sockets[2];
	pid_t parent = getpid();

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		return -1;
	session->fd = sockets[0];
	session->pid = fork();
	if (session->pid == 0) {
		close(sockets[0]);
		become_agent(parent, sockets[1]);
	}
	close(sockets[1]);
	return session->pid < 0 ? -1 : 0;
}

int session_start(struct session *session, const struct session_options *options)
{
	int ret;

	*session = (struct session){ .fd = -1, .log = -1, .died = -1, .pid = -1 };
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ret = options->native ? native_start(session) : guest_start(session, options);
	if (ret == 0)
		session->died = (int)syscall(SYS_pidfd_open, session->pid, 0);
	return ret;
}

/* ---- frames ---- */

/* The console's last lines say why a guest died. */
static void why_it_died(struct session *session)
{
	char text[CONSOLE_BYTES + 1];
	ssize_t length = 0;
	off_t end;

	if (session->problem[0])
		return;
	if (session->log >= 0) {
		end = lseek(session->log, 0, SEEK_END);
		end = end > CONSOLE_BYTES ? end - CONSOLE_BYTES : 0;
		length = pread(session->log, text, CONSOLE_BYTES, end);
	}
	if (length > 0) {
		text[length] = '\0';
		fprintf(stderr, "%s%s", text, text[length - 1] == '\n' ? "" : "\n");
	}
	snprintf(
		session->problem, sizeof(session->problem), "%s",
		session->log >= 0
			? "the guest ended; its console is above. Has it enough --memory?"
			: "cannot make namespaces on the running kernel; be root, or use "
			  "the guest");
}

/* Sends what the window has room for. */
static bool flush(struct session *session)
{
	size_t room =
		session->is_visit ? SIZE_MAX : FRAME_WINDOW_BYTES - session->on_the_way;
	size_t length = session->waiting_bytes < room ? session->waiting_bytes : room;

	if (!length)
		return true;
	if (!frame_send_bytes(session->fd, session->waiting, length))
		return false;
	session->on_the_way += session->is_visit ? 0 : (uint32_t)length;
	session->waiting_bytes -= length;
	memmove(session->waiting, session->waiting + length, session->waiting_bytes);
	return true;
}

bool session_send(struct session *session, enum frame_type type, uint16_t channel,
		  const void *payload, size_t length)
{
	struct frame_header header = { .type = (uint8_t)type,
				       .channel = channel,
				       .length = (uint32_t)length };
	size_t bytes = session->waiting_bytes + sizeof(header) + length;
	unsigned char *waiting;

	if (length > FRAME_PAYLOAD_MAX || !(waiting = realloc(session->waiting, bytes)))
		return false;
	memcpy(waiting + session->waiting_bytes, &header, sizeof(header));
	if (length)
		memcpy(waiting + session->waiting_bytes + sizeof(header), payload,
		       length);
	session->waiting = waiting;
	session->waiting_bytes = bytes;
	return flush(session);
}

/* The next frame that is here already, but for those that are only about sending. */
static int take(struct session *session, struct frame_header *ret_header,
		unsigned char **ret_payload)
{
	uint32_t taken;
	int got;

	while ((got = frame_next(&session->reader, ret_header, ret_payload)) > 0 &&
	       ret_header->type == FRAME_TAKEN) {
		if (ret_header->length != sizeof(taken))
			return -1;
		memcpy(&taken, *ret_payload, sizeof(taken));
		session->on_the_way -=
			taken < session->on_the_way ? taken : session->on_the_way;
		if (!flush(session))
			return -1;
	}
	return got;
}

int session_next(struct session *session, int also, int timeout_ms,
		 struct frame_header *ret_header, unsigned char **ret_payload)
{
	int64_t deadline = now_ms() + timeout_ms, left;
	int got;

	while ((got = take(session, ret_header, ret_payload)) == 0) {
		struct pollfd fds[] = { { .fd = session->fd, .events = POLLIN },
					{ .fd = also, .events = POLLIN },
					{ .fd = session->died, .events = POLLIN } };

		left = deadline - now_ms();
		if (poll(fds, 3, left > 0 ? (int)left : 0) <= 0) {
			if (now_ms() >= deadline)
				return 0;
			continue;
		}
		if (fds[0].revents) {
			got = frame_fill(&session->reader, session->fd);
			if (got == 0 || got == -2)
				break;
			continue;
		}
		if (fds[2].revents)
			break;
		if (fds[1].revents)
			return 0;
	}
	if (got > 0)
		return 1;
	if (got < 0 && got != -2)
		snprintf(session->problem, sizeof(session->problem),
			 "the guest's line carried nonsense");
	why_it_died(session);
	return -1;
}

int session_wait_ready(struct session *session, const struct session_options *options,
		       int also, int timeout_ms)
{
	struct frame_header header;
	unsigned char *payload;
	int got = session_next(session, also, timeout_ms, &header, &payload);

	if (got > 0)
		guest_forget_folder();
	if (got <= 0 || header.type != FRAME_READY)
		return got > 0 ? -1 : got;
	if (options->out && !options->native)
		session_send(session, FRAME_OUT, 0, options->out,
			     strlen(options->out) + 1);
	return 1;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void session_stop(struct session *session)
{
	struct frame_header header;
	unsigned char *payload;
	int64_t deadline = now_ms() + BYE_MS;

	if (session->pid > 0 && session_send(session, FRAME_QUIT, 0, NULL, 0))
		while (session_next(session, -1, (int)(deadline - now_ms()), &header,
				    &payload) > 0 &&
		       header.type != FRAME_BYE)
			;
	session_kill(session);
}

void session_kill(struct session *session)
{
	if (session->pid > 0) {
		kill(session->pid, SIGKILL);
		/* Its processes come to us when it is gone (session_start). */
		while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
			;
	}
	guest_forget_folder();
	session->pid = -1;
	close_fd(&session->fd);
	close_fd(&session->log);
	close_fd(&session->died);
	frame_reader_free(&session->reader);
	free(session->waiting);
	session->waiting = NULL;
	session->waiting_bytes = 0;
}
