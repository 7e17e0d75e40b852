/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clients: each request is a connection of its own, from changing addresses, that asks
 * and waits for an answer as patiently as a browser. What comes of it is counted.
 */
#include "scenario/lab.h"

#include <stdlib.h>

static const char held_question[] = LAB_HOLD " HTTP/1.1\r\nHost: www\r\n\r\n";
static const char question[] = "GET / HTTP/1.1\r\nHost: www\r\nConnection: close\r\n\r\n";

const char *lsvm_outcome_name(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_ANSWERED:
		return "answered";
	case OUTCOME_REFUSED:
		return "refused";
	case OUTCOME_RESET:
		return "reset";
	case OUTCOME_UNREACHABLE:
		return "unreachable";
	case OUTCOME_TIMEOUT:
		return "timeout";
	case OUTCOME_EMPTY:
		return "empty";
	case OUTCOME_COUNT:
		break;
	}
	return "unknown";
}

uint64_t lsvm_lab_request_count(const struct lsvm_lab *lab)
{
	return lab->begun_count;
}

uint64_t lsvm_lab_failed_count(const struct lsvm_lab *lab)
{
	uint64_t count = 0;

	for (int i = OUTCOME_ANSWERED + 1; i < OUTCOME_COUNT; i++)
		count += lab->outcomes[i];
	return count;
}

bool lsvm_lab_is_asking(const struct lsvm_lab *lab)
{
	if (lab->load.left)
		return true;
	for (size_t i = 0; i < lab->requests.count; i++)
		if (lab->requests.items[i]->channel && !lab->requests.items[i]->every_ns)
			return true;
	return false;
}

/* ---- one request ---- */

static void finish(struct request *request, enum outcome outcome)
{
	struct lsvm_lab *lab = request->lab;
	const uint64_t took = lsvm_world_now(lab->world) - request->begun_ns;

	lab->client->ops->io->close(lab->client, request->channel);
	request->channel = NULL;
	if (request->every_ns) {
		lab->lost_held_count++;
		lsvm_lab_note(lab, NULL, "a connection to %s is lost: %s",
			      request->vip->vip->name, lsvm_outcome_name(outcome));
		return;
	}
	lab->outcomes[outcome]++;
	if (outcome == OUTCOME_ANSWERED && took > lab->slowest_ns)
		lab->slowest_ns = took;
	if (outcome != OUTCOME_ANSWERED)
		lsvm_lab_note(lab, NULL, "a request to %s failed after %llu ms: %s",
			      request->vip->vip->name, (unsigned long long)(took / IO_MS),
			      lsvm_outcome_name(outcome));
}

static enum outcome outcome_of(enum io_error error)
{
	switch (error) {
	case IO_ERROR_REFUSED:
		return OUTCOME_REFUSED;
	case IO_ERROR_UNREACHABLE:
	case IO_ERROR_ADDRESS:
		return OUTCOME_UNREACHABLE;
	case IO_ERROR_TIMEOUT:
		return OUTCOME_TIMEOUT;
	case IO_ERROR_RESET:
	case IO_ERROR_NONE:
	case IO_ERROR_TLS:
	case IO_ERROR_CERTIFICATE:
	case IO_ERROR_RESOURCES:
	case IO_ERROR_PERMISSION:
	case IO_ERROR_OVERFLOW:
	case IO_ERROR_OTHER:
		break;
	}
	return OUTCOME_RESET;
}

static void say(struct request *request)
{
	struct lsvm_lab *lab = request->lab;
	const char *text = request->every_ns ? held_question : question;

	request->answered = false;
	request->begun_ns = lsvm_world_now(lab->world);
	request->next_ns = request->begun_ns + request->every_ns;
	lab->client->ops->io->send(lab->client, request->channel, text, strlen(text),
				   NULL, 0);
}

static void take(struct request *request, const struct io_event *event)
{
	struct lsvm_lab *lab = request->lab;

	switch (event->fact) {
	case IO_CONNECTED:
		lab->client->ops->io->send(
			lab->client, request->channel,
			request->every_ns ? held_question : question,
			strlen(request->every_ns ? held_question : question), NULL, 0);
		return;
	case IO_BYTES:
		request->answered = true;
		if (request->vip->protocol == LSVM_PROTOCOL_UDP)
			finish(request, OUTCOME_ANSWERED);
		return;
	case IO_ENDED:
		finish(request, request->answered ? OUTCOME_ANSWERED : OUTCOME_EMPTY);
		return;
	case IO_FAILED:
		finish(request, outcome_of(event->error));
		return;
	case IO_NOTHING:
	case IO_ACCEPTED:
	case IO_EXITED:
	case IO_LINK:
	case IO_REQUEST:
	case IO_DRAINED:
		return;
	}
}

static struct request *free_slot(struct lsvm_lab *lab)
{
	struct request *request, **slot;

	for (size_t i = 0; i < lab->requests.count; i++)
		if (!lab->requests.items[i]->channel) {
			lab->requests.items[i]->every_ns = 0;
			return lab->requests.items[i];
		}
	request = calloc(1, sizeof(*request));
	slot = request ? vec_push(&lab->requests) : NULL;
	if (!slot) {
		free(request);
		lab->failed = true;
		return NULL;
	}
	*slot = request;
	request->lab = lab;
	return request;
}

static struct addr next_source(struct lsvm_lab *lab, uint8_t family)
{
	for (size_t i = 0; i < lab->client_addresses.count; i++) {
		const struct addr *addr =
			&lab->client_addresses.items[lab->next_address++ %
						     lab->client_addresses.count];

		if (addr->family == family)
			return *addr;
	}
	return (struct addr){ 0 };
}

static void ask(struct lsvm_lab *lab, struct lab_vip *vip, uint64_t every_ns)
{
	const bool udp = vip->protocol == LSVM_PROTOCOL_UDP;
	const struct channel_spec spec = {
		.kind = udp				      ? CHANNEL_UDP
			: vip->protocol == LSVM_PROTOCOL_SCTP ? CHANNEL_SCTP
							      : CHANNEL_TCP,
		.local = next_source(lab, vip->vip->address.family),
		.remote = vip->vip->address,
		.remote_port = vip->port,
	};
	struct request *request = free_slot(lab);

	if (!request)
		return;
	request->vip = vip;
	request->answered = false;
	request->begun_ns = lsvm_world_now(lab->world);
	request->every_ns = every_ns;
	request->next_ns = request->begun_ns + every_ns;
	lab->begun_count += !every_ns;
	if (lab->client->ops->io->open(lab->client, &spec, request, &request->channel) <
	    0) {
		request->channel = NULL;
		lab->failed = true;
		return;
	}
	if (udp)
		lab->client->ops->io->send(lab->client, request->channel, question,
					   sizeof(question) - 1, NULL, 0);
}

/* ---- all of them ---- */

void lsvm_lab_load(struct lsvm_lab *lab, uint64_t count, uint64_t every_ns,
		   struct lab_vip *vip)
{
	lab->load = (struct load){ count, every_ns, lsvm_world_now(lab->world), vip };
	lsvm_lab_plan_wake(lab);
}

/* It waits for an answer, or for its next turn. */
static uint64_t due_ns(const struct request *request)
{
	return request->every_ns && request->answered
		       ? request->next_ns
		       : request->begun_ns + REQUEST_PATIENCE_NS;
}

void lsvm_lab_hold(struct lsvm_lab *lab, uint64_t count, uint64_t every_ns,
		   struct lab_vip *vip)
{
	for (size_t i = 0; !count && i < lab->requests.count; i++) {
		struct request *request = lab->requests.items[i];

		if (!request->every_ns)
			continue;
		lab->client->ops->io->close(lab->client, request->channel);
		request->channel = NULL;
	}
	while (count--)
		ask(lab, vip, every_ns);
	lsvm_lab_plan_wake(lab);
}

uint64_t lsvm_lab_held_count(const struct lsvm_lab *lab)
{
	uint64_t count = 0;

	for (size_t i = 0; i < lab->requests.count; i++)
		count += lab->requests.items[i]->channel &&
			 lab->requests.items[i]->every_ns;
	return count;
}

uint64_t lsvm_lab_client_tick(struct lsvm_lab *lab)
{
	const uint64_t now = lsvm_world_now(lab->world);
	struct load *load = &lab->load;
	struct io_event event;
	uint64_t next = IO_NEVER;

	while (lab->client->ops->io->next(lab->client, &event))
		if (event.owner)
			take(event.owner, &event);
	while (load->left && load->next_ns <= now) {
		ask(lab, load->vip, 0);
		load->left--;
		load->next_ns += load->every_ns;
	}
	if (load->left)
		next = load->next_ns;
	for (size_t i = 0; i < lab->requests.count; i++) {
		struct request *request = lab->requests.items[i];
		const uint64_t end = request->begun_ns + REQUEST_PATIENCE_NS;

		if (!request->channel)
			continue;
		if (request->every_ns && request->answered && request->next_ns <= now)
			say(request);
		else if (end <= now && !(request->every_ns && request->answered))
			finish(request, OUTCOME_TIMEOUT);
		if (request->channel && due_ns(request) < next)
			next = due_ns(request);
	}
	return next;
}

void lsvm_lab_requests_free(struct lsvm_lab *lab)
{
	for (size_t i = 0; i < lab->requests.count; i++)
		free(lab->requests.items[i]);
}
