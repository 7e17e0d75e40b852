/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connections that stay: each asks its server again and again, first for the page, which
 * names the server, then for the page's headers only. What a connection is owed for too
 * long is a stall; a connection that ends otherwise than by the server's announcement is
 * lost, and stays so.
 */
#include "load-wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define NEVER_US INT64_MAX
#define PORT_FIRST 62000 /* apart from those of requests */

struct line {
	int fd;
	int64_t next_us, asked_us; /* when to ask next; when it was asked, 0: not owed */
	size_t length;
	bool named, closes; /* who serves it is known; the server said goodbye */
	char text[LOAD_ANSWER_BYTES];
};

struct holding {
	struct load *load;
	int epoll;
	uint32_t first_tag, count;
	struct line lines[];
};

static struct load_held *held_of(const struct holding *holding, const struct line *line)
{
	return &holding->load->shared->held[line - holding->lines];
}

static const struct target *target_of(const struct holding *holding,
				      const struct line *line)
{
	return &holding->load->targets->items[held_of(holding, line)->target];
}

static void note_stall(struct holding *holding, const struct line *line, int64_t now)
{
	struct load_held *held = held_of(holding, line);
	int64_t zero = holding->load->shared->zero_us;

	if (now - line->asked_us < LOAD_STALL_US || held->stall_count == LOAD_STALLS_MAX)
		return;
	held->stalls[held->stall_count++] =
		(struct load_stall){ line->asked_us - zero, now - zero };
}

static void lose(struct holding *holding, struct line *line, enum load_why why)
{
	struct load_held *held = held_of(holding, line);

	held->state = LOAD_FAILED;
	held->why = why;
	held->lost_us = now_us() - holding->load->shared->zero_us;
	held->waiting_us = 0;
	if (line->fd >= 0)
		close(line->fd);
	line->fd = -1;
	line->next_us = NEVER_US;
}

static void open_line(struct holding *holding, struct line *line)
{
	struct load_held *held = held_of(holding, line);
	struct epoll_event event = { .events =
					     EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };

	held->state = LOAD_CONNECTING;
	line->named = line->closes = false;
	line->length = 0;
	line->asked_us = 0;
	line->next_us = NEVER_US;
	held->port = (uint16_t)(PORT_FIRST + (held->port + 1 - PORT_FIRST) % 3000);
	line->fd = load_open(holding->load, target_of(holding, line),
			     &holding->load->sources[held->source], &held->port);
	event.data.u32 = holding->first_tag + (uint32_t)(line - holding->lines);
	if (line->fd < 0 ||
	    epoll_ctl(holding->epoll, EPOLL_CTL_ADD, line->fd, &event) < 0)
		lose(holding, line, load_reason(errno));
}

struct holding *holding_new(struct load *load, int epoll, uint32_t first_tag)
{
	uint32_t count = load->faults->hold, web = 0;
	struct holding *holding =
		calloc(1, sizeof(*holding) + count * sizeof(holding->lines[0]));

	if (!holding)
		return NULL;
	*holding = (struct holding){ load, epoll, first_tag, 0 };
	for (size_t i = 0; i < load->asked_count; i++)
		web += load->targets->items[load->asked[i]].domain != NULL;
	if (!web)
		return holding; /* the others end a connection after each answer */
	for (size_t i = 0; holding->count < count; i = (i + 1) % load->asked_count) {
		struct load_held *held = &load->shared->held[holding->count];
		const struct target *target = &load->targets->items[load->asked[i]];

		if (!target->domain)
			continue;
		*held = (struct load_held){ .target = load->asked[i], .server = -1 };
		held->source = (uint16_t)load_source(load, target, holding->count / web);
		held->port = (uint16_t)(PORT_FIRST + holding->count % 3000);
		holding->lines[holding->count].fd = -1;
		open_line(holding, &holding->lines[holding->count]);
		holding->count++;
	}
	load->shared->held_count = holding->count;
	return holding;
}

void holding_free(struct holding *holding)
{
	for (uint32_t i = 0; holding && i < holding->count; i++)
		if (holding->lines[i].fd >= 0)
			close(holding->lines[i].fd);
	free(holding);
}

bool holding_stands(const struct holding *holding)
{
	for (uint32_t i = 0; i < holding->count; i++)
		if (!holding->lines[i].named &&
		    holding->load->shared->held[i].state != LOAD_FAILED)
			return false;
	return true;
}

static void ask(struct holding *holding, struct line *line)
{
	line->asked_us = now_us();
	held_of(holding, line)->waiting_us =
		line->asked_us - holding->load->shared->zero_us;
	line->length = 0;
	line->next_us = NEVER_US;
	if (!load_question(target_of(holding, line), line->fd,
			   line->named ? "HEAD" : "GET", true))
		lose(holding, line, load_reason(errno));
}

/* A whole answer is here: the next question's time. */
static void answered(struct holding *holding, struct line *line)
{
	struct load_held *held = held_of(holding, line);
	int64_t now = now_us(), period = (int64_t)holding->load->faults->hold_ms * 1000;
	uint32_t place = (uint32_t)(line - holding->lines);
	int server;

	note_stall(holding, line, now);
	held->exchanges++;
	held->waiting_us = 0;
	if (!line->named) {
		server = load_server(holding->load, target_of(holding, line), line->text,
				     line->length);
		if (server < 0) {
			lose(holding, line, LOAD_NONSENSE);
			return;
		}
		held->server = (int16_t)server;
		line->named = true;
		/* Spread over the period. */
		line->asked_us = now + period * place / holding->count - period;
	}
	line->closes = memmem(line->text, line->length, "Connection: close", 17);
	line->next_us = line->asked_us + period;
	if (line->next_us < now)
		line->next_us = now;
	line->asked_us = 0;
	if (line->closes) {
		close(line->fd);
		open_line(holding, line);
	}
}

/* Whether the text holds the whole answer to what was asked. */
static bool is_whole(const struct line *line)
{
	const char *body = memmem(line->text, line->length, "\r\n\r\n", 4);
	const char *size = memmem(line->text, line->length, "Content-Length: ", 16);
	size_t wanted = size && !line->named ? strtoul(size + 16, NULL, 10) : 0;

	return body && line->length >= (size_t)(body + 4 - line->text) + wanted;
}

void holding_event(struct holding *holding, uint32_t index, bool ends)
{
	struct line *line = &holding->lines[index];
	struct load_held *held = held_of(holding, line);
	ssize_t got;

	if (line->fd < 0)
		return;
	if (held->state == LOAD_CONNECTING) {
		held->state = LOAD_ACCEPTED;
		ask(holding, line);
	}
	while (line->fd >= 0) {
		size_t room = sizeof(line->text) - line->length;

		got = recv(line->fd, line->text + line->length, room, 0);
		if (got < 0 && errno == EAGAIN)
			return;
		if (got < 0 || got == 0) {
			lose(holding, line, got ? load_reason(errno) : LOAD_CLOSED);
			return;
		}
		line->length += (size_t)got;
		room -= (size_t)got;
		if (line->asked_us && is_whole(line))
			answered(holding, line);
		else if (line->length == sizeof(line->text))
			lose(holding, line, LOAD_NONSENSE);
		if (room && !ends)
			return; /* that was all there is */
	}
}

int64_t holding_turn(struct holding *holding, int64_t now)
{
	int64_t next = NEVER_US;

	for (uint32_t i = 0; i < holding->count; i++) {
		struct line *line = &holding->lines[i];

		if (line->fd >= 0 && line->next_us <= now)
			ask(holding, line);
		if (line->fd >= 0 && line->next_us < next)
			next = line->next_us;
	}
	return next;
}
