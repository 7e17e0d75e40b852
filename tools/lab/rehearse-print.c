/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a rehearsal showed, for people and as JSON. */
#include "rehearse.h"

#include <inttypes.h>
#include <stdio.h>

#define FAILURES_SHOWN 20
#define FAILURES_LISTED 2000
#define ENDPOINT_BYTES (INET6_ADDRSTRLEN + 10)

static double seconds(int64_t us)
{
	return (double)us / 1e6;
}

static double milliseconds(int64_t us)
{
	return (double)us / 1e3;
}

static const char *endpoint(const struct ip *ip, uint16_t port, char *buf)
{
	char text[INET6_ADDRSTRLEN];

	snprintf(buf, ENDPOINT_BYTES, ip->family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		 ip_text(ip, text), port);
	return buf;
}

static const char *target_name(const struct target *target)
{
	return target->domain ? target->domain : target->service;
}

/* ---- for people ---- */

static void print_step(const struct rehearsal *rehearsal, size_t index)
{
	const struct fault_step *step = &rehearsal->faults->steps[index];
	const struct outcome *outcome = &rehearsal->outcomes[index];

	if (!outcome->reached)
		return;
	printf("%9.3f s  %s%s", seconds(outcome->begun_us), step->text,
	       outcome->met ? "" : ": NOT SO");
	if (!fault_acts(step->kind)) {
		if (step->kind == FAULT_EXPECT && step->expectation > EXPECT_SERVER_IN)
			printf(" (%s)", outcome->why);
		else if (outcome->met && step->kind != FAULT_END)
			printf(" (so at %.3f s)", seconds(outcome->done_us));
		else if (!outcome->met)
			printf(" (%s)", outcome->why);
		putchar('\n');
		return;
	}
	printf("\n             longest time without an answer %.0f ms, from %.3f s; "
	       "%u asked, %u late, slowest %.0f ms; %u failed",
	       milliseconds(outcome->outage_us), seconds(outcome->outage_from_us),
	       outcome->asked, outcome->late, milliseconds(outcome->slowest_us),
	       outcome->failed);
	if (outcome->failed)
		printf(", %u of them in flight on what died", outcome->in_flight);
	if (rehearsal->load.shared->held_count)
		printf("\n             of the connections held %u lost, %u stalled, at "
		       "worst %.0f ms",
		       outcome->lost, outcome->stalled,
		       milliseconds(outcome->worst_stall_us));
	putchar('\n');
}

static void print_failures(const struct rehearsal *rehearsal)
{
	const struct load *load = &rehearsal->load;
	uint32_t shown = 0;
	char client[ENDPOINT_BYTES];

	for (uint32_t i = 0; i < load->shared->request_count; i++) {
		const struct load_request *request = &load->shared->requests[i];
		const struct machine *machine;

		if (request->state != LOAD_FAILED)
			continue;
		if (!shown++)
			printf("\nFailed requests\n");
		if (shown > FAILURES_SHOWN)
			continue;
		machine = rehearsal_excuse(rehearsal, request);
		printf("  %9.3f s  %s to %s: %s after %.0f ms; ",
		       seconds(request->start_us),
		       endpoint(&load->sources[request->source], request->port, client),
		       target_name(&load->targets->items[request->target]),
		       load_why_text(request->why),
		       milliseconds(request->end_us - request->start_us));
		if (machine)
			printf("%s had accepted it and died\n", machine->name);
		else if (!request->accepted)
			printf("no server had accepted it\n");
		else if (request->observed >= 0)
			printf("%s had accepted it, and was well\n",
			       rehearsal->lab->world.machines[request->observed].name);
		else
			printf("accepted, by whom nobody knows\n");
	}
	if (shown > FAILURES_SHOWN)
		printf("  and %u more\n", shown - FAILURES_SHOWN);
}

static void print_not_asked(const struct rehearsal *rehearsal)
{
	const struct targets *targets = &rehearsal->lab->targets;

	for (size_t i = 0; i < targets->count; i++)
		if (!load_can_ask(&targets->items[i]))
			printf("  not asked: %s at %s: %s\n",
			       target_name(&targets->items[i]), targets->items[i].address,
			       targets->items[i].skipped
				       ? targets->items[i].skipped
				       : "this client speaks neither TLS nor SCTP");
}

void rehearsal_print(const struct rehearsal *rehearsal)
{
	const struct faults *faults = rehearsal->faults;
	const struct load_shared *shared = rehearsal->load.shared;
	bool met = true;

	printf("%s: ", lsvm_cluster_name(rehearsal->lab->cluster));
	if (faults->parallel)
		printf("%u requests at any time", faults->parallel);
	else
		printf("%u requests a second", faults->rate);
	printf(" from %zu addresses, %u connections held\n\n",
	       rehearsal->load.source_count, shared->held_count);
	for (size_t i = 0; i < faults->count; i++) {
		print_step(rehearsal, i);
		met = met &&
		      (!rehearsal->outcomes[i].reached || rehearsal->outcomes[i].met);
	}
	print_failures(rehearsal);
	printf("\n%u requests in %.1f s: %u answered, %u of them late by "
	       "retransmissions, slowest %.3f s; %u failed, %u of them in flight on what "
	       "died\n",
	       rehearsal->asked, seconds(rehearsal->end_us), rehearsal->answered,
	       rehearsal->late, seconds(rehearsal->slowest_us), rehearsal->failed,
	       rehearsal->in_flight);
	if (shared->held_count)
		printf("%u connections held: %u lost, %u of them with their server; %u "
		       "silent; stalled at worst %.3f s\n",
		       shared->held_count, rehearsal->lost, rehearsal->lost_with_server,
		       rehearsal->silent, seconds(rehearsal->worst_stall_us));
	print_not_asked(rehearsal);
	printf("the client itself was held up for %.0f ms at worst\n",
	       milliseconds(shared->held_up_us));
	if (rehearsal->good)
		printf("good: no request failed%s\n",
		       rehearsal->failed ? " but those in flight on what died" : "");
	else
		printf("not good: %s\n",
		       rehearsal->failed > rehearsal->in_flight
			       ? "requests failed that were not in flight on what died"
		       : met ? "nothing was answered"
			     : "an expectation was not met");
}

/* ---- JSON ---- */

static json_t *step_json(const struct rehearsal *rehearsal, size_t index)
{
	const struct fault_step *step = &rehearsal->faults->steps[index];
	const struct outcome *outcome = &rehearsal->outcomes[index];
	json_t *root = json_pack("{s:i, s:s, s:b}", "line", (int)step->line, "text",
				 step->text, "reached", outcome->reached);

	if (!outcome->reached)
		return root;
	json_object_set_new(root, "at_ms", json_real(milliseconds(outcome->begun_us)));
	json_object_set_new(root, "done_ms", json_real(milliseconds(outcome->done_us)));
	json_object_set_new(root, "met", json_boolean(outcome->met));
	if (outcome->why[0])
		json_object_set_new(root, "seen", json_string(outcome->why));
	if (!fault_acts(step->kind))
		return root;
	json_object_set_new(
		root, "client",
		json_pack("{s:f, s:f, s:i, s:i, s:f, s:i, s:i, s:i, s:i, s:f}",
			  "outage_ms", milliseconds(outcome->outage_us), "outage_from_ms",
			  milliseconds(outcome->outage_from_us), "asked",
			  (int)outcome->asked, "late", (int)outcome->late, "slowest_ms",
			  milliseconds(outcome->slowest_us), "failed",
			  (int)outcome->failed, "in_flight", (int)outcome->in_flight,
			  "held_lost", (int)outcome->lost, "held_stalled",
			  (int)outcome->stalled, "held_worst_stall_ms",
			  milliseconds(outcome->worst_stall_us)));
	return root;
}

static json_t *failures_json(const struct rehearsal *rehearsal)
{
	const struct load *load = &rehearsal->load;
	const struct machine *machines = rehearsal->lab->world.machines;
	json_t *list = json_array();
	char client[ENDPOINT_BYTES];

	for (uint32_t i = 0;
	     i < load->shared->request_count && json_array_size(list) < FAILURES_LISTED;
	     i++) {
		const struct load_request *request = &load->shared->requests[i];
		const struct machine *died;

		if (request->state != LOAD_FAILED)
			continue;
		died = rehearsal_excuse(rehearsal, request);
		json_array_append_new(
			list,
			json_pack("{s:f, s:f, s:s, s:s, s:s, s:b, s:s?, s:s?}", "from_ms",
				  milliseconds(request->start_us), "until_ms",
				  milliseconds(request->end_us), "client",
				  endpoint(&load->sources[request->source], request->port,
					   client),
				  "target",
				  target_name(&load->targets->items[request->target]),
				  "why", load_why_text(request->why), "accepted",
				  request->accepted, "server",
				  request->observed >= 0
					  ? machines[request->observed].name
					  : NULL,
				  "in_flight_on", died ? died->name : NULL));
	}
	return list;
}

/* On how many connections that are held each server answers, or did. */
static json_t *held_json(const struct rehearsal *rehearsal)
{
	const struct load_shared *shared = rehearsal->load.shared;
	const struct world *world = &rehearsal->lab->world;
	json_t *root = json_object();

	for (size_t i = 0; i < world->machine_count; i++) {
		json_int_t count = 0;

		for (uint32_t j = 0; j < shared->held_count; j++)
			count += shared->held[j].server == (int)i;
		if (count)
			json_object_set_new(root, world->machines[i].name,
					    json_integer(count));
	}
	return root;
}

static json_t *servers_json(const struct rehearsal *rehearsal)
{
	const struct load_shared *shared = rehearsal->load.shared;
	const struct world *world = &rehearsal->lab->world;
	json_t *root = json_object();

	for (size_t i = 0; i < world->machine_count; i++) {
		json_int_t count = 0;

		if (world->machines[i].role != LSVM_ROLE_SERVER)
			continue;
		for (uint32_t j = 0; j < shared->request_count; j++)
			count += shared->requests[j].state == LOAD_ANSWERED &&
				 shared->requests[j].server == (int)i;
		json_object_set_new(root, world->machines[i].name, json_integer(count));
	}
	return root;
}

void rehearsal_print_json(const struct rehearsal *rehearsal)
{
	const struct faults *faults = rehearsal->faults;
	const struct load_shared *shared = rehearsal->load.shared;
	json_t *steps = json_array(), *root;

	for (size_t i = 0; i < faults->count; i++)
		json_array_append_new(steps, step_json(rehearsal, i));
	root = json_pack(
		"{s:s, s:s, s:b, s:f, s:{s:i, s:i, s:i, s:i, s:f}, s:{s:i, s:i, s:i, "
		"s:f, s:i, s:i}, s:{s:i, s:i, s:i, s:i, s:f, s:o}, s:o, s:o, s:o}",
		"schema", "lsvm-lab-faults/1", "cluster",
		lsvm_cluster_name(rehearsal->lab->cluster), "good", rehearsal->good,
		"took_ms", milliseconds(rehearsal->end_us), "client", "rate",
		faults->parallel ? 0 : (int)faults->rate, "parallel",
		(int)faults->parallel, "sources", (int)rehearsal->load.source_count,
		"timeout_ms", (int)faults->timeout_ms, "held_up_ms",
		milliseconds(shared->held_up_us), "requests", "asked",
		(int)rehearsal->asked, "answered", (int)rehearsal->answered, "late",
		(int)rehearsal->late, "slowest_ms", milliseconds(rehearsal->slowest_us),
		"failed", (int)rehearsal->failed, "in_flight", (int)rehearsal->in_flight,
		"held", "count", (int)shared->held_count, "lost", (int)rehearsal->lost,
		"lost_with_server", (int)rehearsal->lost_with_server, "silent",
		(int)rehearsal->silent, "worst_stall_ms",
		milliseconds(rehearsal->worst_stall_us), "servers", held_json(rehearsal),
		"steps", steps, "failures", failures_json(rehearsal), "servers",
		servers_json(rehearsal));
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}
