/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A lab's life. Agents are processes on their machines: the world dispatches them, and
 * what they tell is gathered with its time. A driver, the process on the client's
 * machine, makes requests and starts agents whose time has come.
 */
#include "scenario/lab.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- machines ---- */

struct lab_machine *lsvm_lab_machine(const struct lsvm_lab *lab, const char *name)
{
	for (size_t i = 0; i < lab->machines.count; i++)
		if (strcmp(lab->machines.items[i]->machine->name, name) == 0)
			return lab->machines.items[i];
	return NULL;
}

int lsvm_lab_find(struct lsvm_lab *lab, const char *name, struct lab_machine **ret)
{
	*ret = lsvm_lab_machine(lab, name);
	if (*ret)
		return 0;
	return lsvm_fail(lab->ctx, LSVM_ERR_NOT_FOUND,
			 "there is no machine '%s' in cluster %s; take one of the file's",
			 name, lab->cluster->name);
}

bool lsvm_lab_has_agent(const struct lab_machine *machine)
{
	return machine->machine->role == LSVM_ROLE_DIRECTOR ||
	       machine->machine->role == LSVM_ROLE_SERVER;
}

/* ---- events ---- */

static struct lab_event *push_event(struct lsvm_lab *lab,
				    const struct lab_machine *machine)
{
	struct lab_event *slot;

	if (lab->events.count >= 2 * (size_t)LAB_EVENTS_MAX) {
		const size_t gone = lab->events.count - LAB_EVENTS_MAX;

		memmove(lab->events.items, lab->events.items + gone,
			LAB_EVENTS_MAX * sizeof(*lab->events.items));
		lab->events.count = LAB_EVENTS_MAX;
		lab->lost_count += gone;
		lab->event_next = lab->event_next > gone ? lab->event_next - gone : 0;
	}
	slot = vec_push(&lab->events);
	if (!slot) {
		lab->failed = true;
		return NULL;
	}
	slot->at_ns = lsvm_world_time(lab->world);
	slot->machine = machine;
	return slot;
}

void lsvm_lab_note(struct lsvm_lab *lab, const struct lab_machine *machine_or_null,
		   const char *fmt, ...)
{
	struct lab_event *event = push_event(lab, machine_or_null);
	va_list args;

	if (!event)
		return;
	event->event.severity = LSVM_SEVERITY_NOTICE;
	strcpy(event->event.subject, "lab");
	va_start(args, fmt);
	vsnprintf(event->event.text, sizeof(event->event.text), fmt, args);
	va_end(args);
}

static void pull_events(struct lab_machine *machine)
{
	struct lsvm_event *event;

	while (machine->agent && lsvm_agent_next_event(machine->agent, &event) == 1) {
		struct lab_event *slot = push_event(machine->lab, machine);

		if (slot) {
			slot->event.number = lsvm_event_number(event);
			slot->event.time_ms = lsvm_event_time_ms(event);
			slot->event.kind = (enum lsvm_event_kind)lsvm_event_kind(event);
			slot->event.severity =
				(enum lsvm_severity)lsvm_event_severity(event);
			snprintf(slot->event.subject, sizeof(slot->event.subject), "%s",
				 lsvm_event_subject(event));
			snprintf(slot->event.text, sizeof(slot->event.text), "%s",
				 lsvm_event_text(event));
		}
		lsvm_event_free(event);
	}
}

/* ---- agents ---- */

void lsvm_lab_bury(struct lab_machine *machine)
{
	pull_events(machine);
	lsvm_agent_free(machine->agent);
	machine->agent = NULL;
	machine->stopping = false;
	lsvm_world_revive(machine->host);
	lsvm_lab_touched(machine->lab);
}

static void dispatch(void *arg)
{
	struct lab_machine *machine = arg;

	if (!machine->agent)
		return;
	lsvm_agent_dispatch(machine->agent);
	pull_events(machine);
	if (lsvm_world_is_dead(machine->host)) {
		lsvm_lab_note(machine->lab, machine, "the agent died");
		lsvm_lab_bury(machine);
	} else if (lsvm_agent_is_finished(machine->agent)) {
		/* Its process ends in order, with nothing left to its will. */
		lsvm_world_kill(machine->host);
		lsvm_lab_bury(machine);
	}
}

void lsvm_lab_poke(struct lab_machine *machine)
{
	if (!lsvm_world_is_frozen(machine->host))
		dispatch(machine);
}

void lsvm_lab_start(struct lab_machine *machine)
{
	struct lsvm_lab *lab = machine->lab;
	int err;

	/* One that is still ending comes first. */
	if (machine->agent && machine->stopping) {
		machine->start_ns = lsvm_world_now(lab->world) + IO_MS;
		return;
	}
	machine->start_ns = IO_NEVER;
	machine->left = false;
	machine->started_ns = lsvm_world_now(lab->world);
	if (machine->agent || !lsvm_world_has_power(machine->host))
		return;
	err = lsvm_agent_new(machine->host, lab->cluster, machine->machine->name,
			     &machine->agent);
	if (err >= 0)
		err = lsvm_agent_set(machine->agent, LSVM_AGENT_KEY, LAB_KEY_PATH);
	if (err >= 0) {
		lsvm_world_run(machine->host, dispatch, machine);
		err = lsvm_agent_start(machine->agent);
	}
	pull_events(machine);
	if (err >= 0 && !lsvm_world_is_dead(machine->host)) {
		lsvm_lab_touched(lab);
		return;
	}
	lab->failed |= err == LSVM_ERR_NOMEM;
	if (lsvm_world_is_dead(machine->host)) {
		lsvm_lab_note(lab, machine, "the agent died while it started");
	} else {
		lsvm_lab_note(lab, machine, "the agent did not start: %s",
			      lsvm_ctx_error_text(lab->ctx));
		machine->start_ns = lsvm_world_now(lab->world) + RESTART_NS;
		lsvm_world_kill(machine->host);
	}
	lsvm_lab_bury(machine);
}

/* ---- the driver ---- */

static void drive(void *arg)
{
	struct lsvm_lab *lab = arg;
	const uint64_t now = lsvm_world_now(lab->world);
	uint64_t next = lsvm_lab_client_tick(lab);

	for (size_t i = 0; i < lab->machines.count; i++) {
		struct lab_machine *machine = lab->machines.items[i];

		if (machine->start_ns <= now)
			lsvm_lab_start(machine);
		if (machine->start_ns < next)
			next = machine->start_ns;
	}
	lab->client->ops->io->wake(lab->client, next);
}

void lsvm_lab_plan_wake(struct lsvm_lab *lab)
{
	lab->client->ops->io->wake(lab->client, lsvm_world_now(lab->world));
}

/* ---- life ---- */

int lsvm_lab_new(struct lsvm_ctx *ctx, struct lsvm_cluster *cluster, uint64_t seed,
		 struct lsvm_lab **ret)
{
	struct lsvm_lab *lab = calloc(1, sizeof(*lab));
	int err;

	if (!lab)
		return lsvm_fail_nomem(ctx);
	lab->ctx = lsvm_ctx_ref(ctx);
	lab->cluster = lsvm_cluster_ref(cluster);
	lab->seed = seed;
	err = lsvm_world_new(ctx, seed, &lab->world);
	if (err >= 0)
		err = lsvm_lab_build(lab);
	if (err < 0) {
		lsvm_lab_free(lab);
		return err;
	}
	lsvm_lab_watch(lab);
	lsvm_world_run(lab->client, drive, lab);
	for (size_t i = 0; i < lab->machines.count; i++)
		if (lsvm_lab_has_agent(lab->machines.items[i]))
			lab->machines.items[i]->start_ns = 0;
	lsvm_lab_plan_wake(lab);
	*ret = lab;
	return 0;
}

void lsvm_lab_free(struct lsvm_lab *lab)
{
	if (!lab)
		return;
	if (lab->world)
		lsvm_world_watch(lab->world, NULL, NULL);
	lsvm_lab_requests_free(lab);
	for (size_t i = 0; i < lab->machines.count; i++)
		lsvm_agent_free(lab->machines.items[i]->agent);
	lsvm_world_free(lab->world);
	for (size_t i = 0; i < lab->machines.count; i++)
		free(lab->machines.items[i]);
	vec_free(&lab->machines);
	vec_free(&lab->vips);
	vec_free(&lab->client_addresses);
	vec_free(&lab->requests);
	vec_free(&lab->events);
	vec_free(&lab->weather);
	lsvm_cluster_unref(lab->cluster);
	for (size_t i = 0; i < lab->old_clusters.count; i++)
		lsvm_cluster_unref(lab->old_clusters.items[i]);
	vec_free(&lab->old_clusters);
	lsvm_free(lab->key);
	lsvm_ctx_unref(lab->ctx);
	free(lab);
}

int lsvm_lab_pass(struct lsvm_lab *lab, uint64_t duration_ns)
{
	if (lab->hurry)
		lsvm_lab_hurry(lab, duration_ns);
	else
		lsvm_world_advance(lab->world, duration_ns);
	if (lab->failed || lsvm_world_failed(lab->world))
		return lsvm_fail_nomem(lab->ctx);
	return 0;
}

int lsvm_lab_advance(struct lsvm_lab *lab, uint64_t duration_ms)
{
	return lsvm_lab_pass(lab, duration_ms < IO_NEVER / IO_MS ? duration_ms * IO_MS
								 : IO_NEVER);
}

uint64_t lsvm_lab_now_us(const struct lsvm_lab *lab)
{
	return lsvm_world_time(lab->world) / 1000;
}

uint64_t lsvm_lab_step_count(const struct lsvm_lab *lab)
{
	return lsvm_world_event_count(lab->world);
}

uint64_t lsvm_lab_failover_count(const struct lsvm_lab *lab)
{
	return lab->failover_count;
}

struct lsvm_agent *lsvm_lab_agent(struct lsvm_lab *lab, const char *machine)
{
	struct lab_machine *found = lsvm_lab_machine(lab, machine);

	return found ? found->agent : NULL;
}

struct lsvm_host *lsvm_lab_host(struct lsvm_lab *lab, const char *machine)
{
	return lsvm_world_find(lab->world, machine);
}
