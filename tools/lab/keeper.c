/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keeper's loop. Each visitor has one connection and one command, hence one channel
 * of the session; frames are passed on with the channel's number changed. A visitor that
 * goes away takes its command with it.
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define VISITORS_MAX 32
#define BOOT_MS 120000

struct visitor {
	int fd; /* -1: free */
	bool running;
	struct frame_reader reader;
};

struct keeper {
	const char *folder;
	struct session session;
	int listener, signals;
	struct visitor visitors[VISITORS_MAX];
	bool end;
};

static void leave(struct keeper *keeper, struct visitor *visitor)
{
	int32_t number = SIGHUP;
	uint16_t channel = (uint16_t)(visitor - keeper->visitors + 1);

	if (visitor->running)
		session_send(&keeper->session, FRAME_SIGNAL, channel, &number,
			     sizeof(number));
	close(visitor->fd);
	visitor->fd = -1;
	frame_reader_free(&visitor->reader);
}

static void welcome(struct keeper *keeper)
{
	int fd = accept4(keeper->listener, NULL, NULL, SOCK_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < VISITORS_MAX; i++) {
		struct visitor *visitor = &keeper->visitors[i];

		/* A command that outlives its visitor keeps the channel. */
		if (visitor->fd >= 0 || visitor->running)
			continue;
		*visitor = (struct visitor){ .fd = fd };
		return;
	}
	if (fd >= 0)
		close(fd);
}

static void hear(struct keeper *keeper, struct visitor *visitor)
{
	uint16_t channel = (uint16_t)(visitor - keeper->visitors + 1);
	struct frame_header header;
	unsigned char *payload;
	int got = frame_fill(&visitor->reader, visitor->fd), next;

	while ((next = frame_next(&visitor->reader, &header, &payload)) > 0) {
		switch (header.type) {
		case FRAME_EXEC:
			visitor->running = true;
			/* fall through */
		case FRAME_STDIN:
		case FRAME_SIGNAL:
			session_send(&keeper->session, header.type, channel, payload,
				     header.length);
			break;
		case FRAME_DOWN:
			keeper->end = true;
			break;
		}
	}
	if (got == 0 || got == -2 || next < 0)
		leave(keeper, visitor);
}

/* What the session says goes to the visitor of the channel. */
static void pass_on(struct keeper *keeper, const struct frame_header *header,
		    const unsigned char *payload)
{
	struct visitor *visitor = NULL;

	if (header->channel >= 1 && header->channel <= VISITORS_MAX)
		visitor = &keeper->visitors[header->channel - 1];
	if (!visitor)
		return;
	if (header->type == FRAME_EXIT)
		visitor->running = false;
	if (visitor->fd >= 0 &&
	    !frame_send(visitor->fd, header->type, 1, payload, header->length))
		leave(keeper, visitor);
}

static bool listen_at(struct keeper *keeper)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", keeper->folder);
	unlink(address.sun_path); /* of an owner that died */
	keeper->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return keeper->listener >= 0 &&
	       bind(keeper->listener, (struct sockaddr *)&address, sizeof(address)) ==
		       0 &&
	       listen(keeper->listener, VISITORS_MAX) == 0;
}

static void serve(struct keeper *keeper)
{
	struct pollfd fds[VISITORS_MAX + 4];
	struct frame_header header;
	unsigned char *payload;
	int got = 1;

	while (!keeper->end && got >= 0) {
		fds[0] = (struct pollfd){ .fd = keeper->session.fd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = keeper->session.died, .events = POLLIN };
		fds[2] = (struct pollfd){ .fd = keeper->listener, .events = POLLIN };
		fds[3] = (struct pollfd){ .fd = keeper->signals, .events = POLLIN };
		for (size_t i = 0; i < VISITORS_MAX; i++)
			fds[4 + i] = (struct pollfd){ .fd = keeper->visitors[i].fd,
						      .events = POLLIN };
		if (poll(fds, VISITORS_MAX + 4, -1) < 0 && errno != EINTR)
			break;
		while ((got = session_next(&keeper->session, -1, 0, &header, &payload)) >
		       0)
			pass_on(keeper, &header, payload);
		if (fds[2].revents)
			welcome(keeper);
		if (fds[3].revents && signals_next(keeper->signals))
			keeper->end = true;
		for (size_t i = 0; i < VISITORS_MAX; i++)
			if (fds[4 + i].fd >= 0 && fds[4 + i].revents &&
			    keeper->visitors[i].fd == fds[4 + i].fd)
				hear(keeper, &keeper->visitors[i]);
	}
}

/* In the background; `ready` is told how it went, a byte and a sentence. */
static void keep(struct keeper *keeper, const struct session_options *options, int ready)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), got;
	char text[600] = "+";

	setsid();
	dup2(null, 0);
	dup2(null, 1);
	keeper->signals = signals_open();
	for (size_t i = 0; i < VISITORS_MAX; i++)
		keeper->visitors[i].fd = -1;
	got = session_start(&keeper->session, options);
	if (!got)
		got = session_wait_ready(&keeper->session, options, keeper->signals,
					 BOOT_MS) > 0
			      ? 0
			      : -1;
	if (got < 0)
		snprintf(text, sizeof(text), "-%s",
			 keeper->session.problem[0] ? keeper->session.problem
						    : "the guest did not start");
	else if (!listen_at(keeper))
		snprintf(text, sizeof(text), "-%s: %s", keeper->folder, strerror(errno));
	dup2(null, 2);
	if (write(ready, text, strlen(text)) > 0 && text[0] == '+') {
		close(ready);
		serve(keeper);
	}
	session_kill(&keeper->session);
	keeper_clean(keeper->folder);
	/* The visitor sees its connection closed when all is gone. */
	_exit(0);
}

int keeper_start(const char *folder, const struct session_options *options)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	char text[600] = "";
	ssize_t length = 0, got;
	int ready[2];
	pid_t pid;

	if (!keeper || pipe2(ready, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		complain("%s", strerror(errno));
		keeper_clean(folder);
		return TOOL_FAILED;
	}
	keeper->folder = folder;
	if (pid == 0) {
		close(ready[0]);
		keep(keeper, options, ready[1]);
	}
	free(keeper);
	close(ready[1]);
	while ((got = read(ready[0], text + length, sizeof(text) - 1 - (size_t)length)) >
	       0)
		length += got;
	close(ready[0]);
	text[length] = '\0';
	if (text[0] == '+')
		return TOOL_DONE;
	complain("%s", text[0] ? text + 1 : "the lab's keeper ended");
	return EXIT_NO_PLACE;
}
