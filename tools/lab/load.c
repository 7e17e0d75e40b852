/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loop of the client: see load.h. Requests begin by the clock, not when the one
 * before is answered, so that a silent cluster is asked as often as a good one. All wait
 * equally long, so the oldest that is not done is the next to run out of time.
 */
#include "load.h"

#include "load-wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOTS_MAX 16384
#define HEAD_BYTES 2048 /* of an answer; who it is from stands there */
#define EVENTS 64
#define STANDS_US 10000000
#define TURN_US 50000
#define PAUSE_US 10000	     /* after a failure, when there is no rate */
#define ASK_AGAIN_US 1000000 /* over UDP */

struct slot {
	int fd;
	uint32_t request;
	size_t length, total;
	int64_t asked_us; /* last */
	char head[HEAD_BYTES];
};

struct loop {
	struct load *load;
	struct load_shared *shared;
	struct slot *slots;
	uint32_t *free_slots;
	uint32_t free_count;
	struct holding *holding;
	int epoll;
	uint32_t started, oldest; /* requests */
	int64_t next_us;	  /* when the next one begins */
	uint16_t *ports;	  /* of each source, where to go on */
};

static const struct target *target_of(const struct loop *loop, uint32_t request)
{
	return &loop->load->targets->items[loop->shared->requests[request].target];
}

/* ---- one request ---- */

static void done(struct loop *loop, struct slot *slot, enum load_why why, int server)
{
	struct load_request *request = &loop->shared->requests[slot->request];
	int64_t now = now_us() - loop->shared->zero_us;

	if (now - request->start_us > LOAD_STALL_US && slot->fd >= 0 &&
	    target_of(loop, slot->request)->protocol == LSVM_PROTOCOL_TCP)
		request->retransmissions = load_retransmissions(slot->fd);
	if (slot->fd >= 0)
		close(slot->fd);
	slot->fd = -1;
	loop->free_slots[loop->free_count++] = (uint32_t)(slot - loop->slots);
	request->end_us = now;
	request->server = (int16_t)server;
	request->why = why;
	request->state = why == LOAD_WELL ? LOAD_ANSWERED : LOAD_FAILED;
	if (why == LOAD_WELL) {
		loop->shared->answered_count++;
		loop->shared->last_answer_us = now;
	} else {
		loop->shared->failed_count++;
		loop->next_us += loop->load->faults->parallel ? PAUSE_US : 0;
	}
}

static void start(struct loop *loop, int64_t now)
{
	struct load *load = loop->load;
	uint32_t number = loop->started++;
	struct load_request *request = &loop->shared->requests[number];
	struct slot *slot = &loop->slots[loop->free_slots[--loop->free_count]];
	struct epoll_event event = { .events =
					     EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	const struct target *target;
	size_t source;

	*request =
		(struct load_request){ .start_us = now - loop->shared->zero_us,
				       .target = load->asked[number % load->asked_count],
				       .server = -1,
				       .observed = -1,
				       .state = LOAD_CONNECTING };
	target = target_of(loop, number);
	source = load_source(load, target, number / load->asked_count);
	request->source = (uint16_t)source;
	request->port = loop->ports[source];
	slot->request = number;
	slot->length = slot->total = 0;
	slot->asked_us = now;
	slot->fd = load_open(load, target, &load->sources[source], &request->port);
	loop->ports[source] =
		(uint16_t)(LOAD_PORT_FIRST +
			   (request->port + 1 - LOAD_PORT_FIRST) % LOAD_PORTS);
	loop->shared->request_count = loop->started;
	event.data.u32 = (uint32_t)(slot - loop->slots);
	if (slot->fd < 0 || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, slot->fd, &event) < 0)
		done(loop, slot, load_reason(errno), -1);
}

/* Whether a page has as many bytes as it says. */
static bool is_whole(const struct slot *slot, const struct target *target)
{
	const char *body = memmem(slot->head, slot->length, "\r\n\r\n", 4);
	const char *line = memmem(slot->head, slot->length, "Content-Length: ", 16);

	if (!target->domain)
		return true;
	return slot->length > 13 && !memcmp(slot->head, "HTTP/1.1 200 ", 13) && body &&
	       line && line < body &&
	       slot->total - (size_t)(body + 4 - slot->head) ==
		       strtoul(line + 16, NULL, 10);
}

static void finish(struct loop *loop, struct slot *slot)
{
	const struct target *target = target_of(loop, slot->request);
	int server;

	if (!slot->total) {
		done(loop, slot, LOAD_CLOSED, -1);
		return;
	}
	server = load_server(loop->load, target, slot->head, slot->length);
	if (!is_whole(slot, target))
		done(loop, slot, server < 0 ? LOAD_NONSENSE : LOAD_CLOSED, -1);
	else
		done(loop, slot, server < 0 ? LOAD_NONSENSE : LOAD_WELL, server);
}

static void hear(struct loop *loop, struct slot *slot, bool ends)
{
	bool datagrams = target_of(loop, slot->request)->protocol == LSVM_PROTOCOL_UDP;
	char rest[LOAD_ANSWER_BYTES];
	ssize_t got;

	for (;;) {
		size_t room = HEAD_BYTES - slot->length;
		char *to = room ? slot->head + slot->length : rest;

		got = recv(slot->fd, to, room ? room : sizeof(rest), 0);
		if (got < 0 && errno == EAGAIN)
			return;
		if (got < 0) {
			done(loop, slot, load_reason(errno), -1);
			return;
		}
		slot->length += room ? (size_t)got : 0;
		slot->total += (size_t)got;
		if (got == 0 || datagrams) {
			finish(loop, slot);
			return;
		}
		/* That was all there is: the end will be another event. */
		if (!ends && (size_t)got < (room ? room : sizeof(rest)))
			return;
	}
}

static void request_event(struct loop *loop, uint32_t index, uint32_t events)
{
	struct slot *slot = &loop->slots[index];
	struct load_request *request;
	const struct target *target;

	if (slot->fd < 0)
		return; /* its event was in the same batch as its end */
	request = &loop->shared->requests[slot->request];
	target = target_of(loop, slot->request);
	if (request->state == LOAD_CONNECTING && !(events & (EPOLLERR | EPOLLHUP)) &&
	    (events & EPOLLOUT)) {
		request->state = LOAD_ACCEPTED;
		request->accepted = target->protocol == LSVM_PROTOCOL_TCP;
		if (!load_question(target, slot->fd, "GET", false)) {
			done(loop, slot, load_reason(errno), -1);
			return;
		}
	}
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP))
		hear(loop, slot, events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP));
}

/* ---- time ---- */

static void run_out(struct loop *loop, int64_t now)
{
	struct load_shared *shared = loop->shared;
	int64_t timeout = (int64_t)loop->load->faults->timeout_ms * 1000;

	for (; loop->oldest < loop->started; loop->oldest++) {
		const struct load_request *request = &shared->requests[loop->oldest];

		if (request->state == LOAD_ANSWERED || request->state == LOAD_FAILED)
			continue;
		if (now - shared->zero_us - request->start_us < timeout)
			return;
		for (uint32_t i = 0; i < SLOTS_MAX; i++)
			if (loop->slots[i].fd >= 0 &&
			    loop->slots[i].request == loop->oldest)
				done(loop, &loop->slots[i], LOAD_TIMED_OUT, -1);
	}
}

/* What a resolver does; over TCP the kernel does it. */
static void ask_again(struct loop *loop, int64_t now)
{
	for (uint32_t i = 0; i < SLOTS_MAX; i++) {
		struct slot *slot = &loop->slots[i];
		const struct target *target;

		if (slot->fd < 0 || now - slot->asked_us < ASK_AGAIN_US)
			continue;
		target = target_of(loop, slot->request);
		slot->asked_us = now;
		if (target->protocol != LSVM_PROTOCOL_UDP)
			continue;
		loop->shared->requests[slot->request].retransmissions++;
		if (!load_question(target, slot->fd, "GET", false))
			done(loop, slot, load_reason(errno), -1);
	}
}

static void start_due(struct loop *loop, int64_t now)
{
	const struct faults *faults = loop->load->faults;
	struct load_shared *shared = loop->shared;

	while (!shared->stop && loop->started < LOAD_REQUESTS_MAX && loop->free_count) {
		if (faults->parallel &&
		    (SLOTS_MAX - loop->free_count >= faults->parallel ||
		     now < loop->next_us))
			return;
		if (!faults->parallel && (!faults->rate || now < loop->next_us))
			return;
		if (!faults->parallel && now - loop->next_us > shared->held_up_us)
			shared->held_up_us = now - loop->next_us;
		start(loop, now);
		if (!faults->parallel)
			loop->next_us = shared->zero_us +
					(int64_t)loop->started * 1000000 / faults->rate;
	}
}

static void wait_and_hear(struct loop *loop, int64_t until)
{
	struct epoll_event events[EVENTS];
	int64_t left = until - now_us();
	struct timespec patience = { .tv_nsec = left > 0 ? left * 1000 : 0 };
	int count = epoll_pwait2(loop->epoll, events, EVENTS, &patience, NULL);

	for (int i = 0; i < count; i++) {
		if (events[i].data.u32 >= SLOTS_MAX)
			holding_event(loop->holding, events[i].data.u32 - SLOTS_MAX,
				      events[i].events &
					      (EPOLLERR | EPOLLHUP | EPOLLRDHUP));
		else
			request_event(loop, events[i].data.u32, events[i].events);
	}
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Before the clock starts: what stays must stand. */
static bool hold(struct loop *loop)
{
	int64_t end = now_us() + STANDS_US, now, next;

	loop->shared->zero_us = now_us();
	while (!holding_stands(loop->holding)) {
		now = now_us();
		if (now > end)
			return false;
		next = holding_turn(loop->holding, now);
		wait_and_hear(loop, sooner(next, now + TURN_US));
	}
	return true;
}

static void turn_until_told(struct loop *loop)
{
	struct load_shared *shared = loop->shared;
	int64_t again = now_us(), stopped = 0, now, next;

	for (;;) {
		now = now_us();
		start_due(loop, now);
		next = holding_turn(loop->holding, now);
		run_out(loop, now);
		if (now - again > ASK_AGAIN_US / 4) {
			ask_again(loop, now);
			again = now;
		}
		if (shared->stop && !stopped)
			stopped = now;
		if (stopped && loop->free_count == SLOTS_MAX)
			return;
		next = sooner(next, now + TURN_US);
		if (!shared->stop && loop->next_us > now)
			next = sooner(next, loop->next_us);
		wait_and_hear(loop, next);
	}
}

static bool prepare(struct loop *loop)
{
	struct rlimit limit = { 65536, 65536 };

	setrlimit(RLIMIT_NOFILE, &limit);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->slots = calloc(SLOTS_MAX, sizeof(*loop->slots));
	loop->free_slots = calloc(SLOTS_MAX, sizeof(*loop->free_slots));
	loop->ports = calloc(loop->load->source_count + 1, sizeof(*loop->ports));
	loop->holding = holding_new(loop->load, loop->epoll, SLOTS_MAX);
	if (loop->epoll < 0 || !loop->slots || !loop->free_slots || !loop->ports ||
	    !loop->holding)
		return false;
	for (uint32_t i = 0; i < SLOTS_MAX; i++) {
		loop->slots[i].fd = -1;
		loop->free_slots[loop->free_count++] = SLOTS_MAX - 1 - i;
	}
	for (size_t i = 0; i < loop->load->source_count; i++)
		loop->ports[i] = LOAD_PORT_FIRST;
	return true;
}

int load_run(struct load *load)
{
	struct loop loop = { .load = load, .shared = load->shared, .epoll = -1 };
	int err = -1;

	if (!prepare(&loop)) {
		snprintf(load->shared->problem, sizeof(load->shared->problem), "%s",
			 strerror(errno));
	} else if (!hold(&loop)) {
		snprintf(load->shared->problem, sizeof(load->shared->problem),
			 "the connections to be held were not answered");
	} else {
		loop.shared->zero_us = loop.next_us = now_us();
		loop.shared->ready = 1;
		turn_until_told(&loop);
		err = 0;
	}
	if (err)
		load->shared->ready = -1;
	holding_free(loop.holding);
	free(loop.slots);
	free(loop.free_slots);
	free(loop.ports);
	if (loop.epoll >= 0)
		close(loop.epoll);
	return err;
}
