/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A lab as text and JSON. */
#include "base/json.h"
#include "scenario/lab.h"

#include <jansson.h>
#include <stdio.h>

#define MICROSECONDS 1000

static const char *name_of(const struct lab_event *event)
{
	return event->machine ? event->machine->machine->name : "";
}

int lsvm_lab_next_event(struct lsvm_lab *lab, char **ret)
{
	const struct lab_event *event;
	struct buf buf = { 0 };
	char *text;

	if (lab->event_next == lab->events.count)
		return 0;
	event = &lab->events.items[lab->event_next];
	lsvm_buf_printf(&buf, "%.6f %s %s %s: %s", (double)event->at_ns / 1e9,
			event->machine ? event->machine->machine->name : "-",
			event->event.kind ? lsvm_event_kind_name(event->event.kind)
					  : "note",
			event->event.subject, event->event.text);
	text = lsvm_buf_take(&buf);
	if (!text)
		return lsvm_fail_nomem(lab->ctx);
	lab->event_next++;
	*ret = text;
	return 1;
}

/* Takes the list or frees it. */
static int finish(struct lsvm_lab *lab, json_t *root, bool good, char **ret)
{
	char *text = good ? lsvm_json_text(root, JSON_COMPACT) : NULL;

	json_decref(root);
	if (!text)
		return lsvm_fail_nomem(lab->ctx);
	*ret = text;
	return 0;
}

int lsvm_lab_events_to_json(struct lsvm_lab *lab, char **ret)
{
	json_t *root = json_pack("{s:s, s:I, s:[]}", "schema", "lsvm-lab-events/1",
				 "lost_count", (json_int_t)lab->lost_count, "events");
	json_t *list = json_object_get(root, "events");
	bool good = root != NULL;

	for (size_t i = 0; good && i < lab->events.count; i++) {
		const struct lab_event *at = &lab->events.items[i];

		good = json_array_append_new(
			       list,
			       json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "time_us",
					 (json_int_t)(at->at_ns / MICROSECONDS),
					 "machine", name_of(at), "kind",
					 at->event.kind
						 ? lsvm_event_kind_name(at->event.kind)
						 : "note",
					 "severity",
					 lsvm_severity_name(at->event.severity),
					 "subject", at->event.subject, "text",
					 at->event.text)) == 0;
	}
	return finish(lab, root, good, ret);
}

static json_t *machine_json(const struct lab_machine *machine)
{
	const char *word = "none";

	if (lsvm_lab_has_agent(machine))
		word = !machine->agent			     ? "dead"
		       : lsvm_world_is_frozen(machine->host) ? "frozen"
							     : "running";
	return json_pack("{s:s, s:s, s:b, s:s, s:s}", "name", machine->machine->name,
			 "role", lsvm_role_name((int)machine->machine->role), "power",
			 lsvm_world_has_power(machine->host), "agent", word, "duty",
			 machine->agent ? lsvm_duty_name(lsvm_agent_duty(machine->agent))
					: "unknown");
}

static json_t *vip_json(struct lsvm_lab *lab, const struct lab_vip *vip)
{
	json_t *holders = json_array();
	char text[LSVM_ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < lab->machines.count; i++) {
		const struct lab_machine *machine = lab->machines.items[i];

		if (machine->machine->role == LSVM_ROLE_DIRECTOR &&
		    lsvm_world_has_power(machine->host) &&
		    lsvm_world_has(machine->host, &vip->vip->address))
			json_array_append_new(holders,
					      json_string(machine->machine->name));
	}
	return json_pack("{s:s, s:s, s:o}", "name", vip->vip->name, "address",
			 lsvm_addr_text(&vip->vip->address, text), "held_by", holders);
}

static json_t *requests_json(const struct lsvm_lab *lab)
{
	json_t *root =
		json_pack("{s:I, s:I, s:I}", "count", (json_int_t)lab->begun_count,
			  "failed_count", (json_int_t)lsvm_lab_failed_count(lab),
			  "slowest_us", (json_int_t)(lab->slowest_ns / MICROSECONDS));
	bool good = root != NULL;

	for (int i = 0; good && i < OUTCOME_COUNT; i++)
		good = json_object_set_new(root, lsvm_outcome_name((enum outcome)i),
					   json_integer((json_int_t)lab->outcomes[i])) ==
		       0;
	if (good)
		return root;
	json_decref(root);
	return NULL;
}

int lsvm_lab_to_json(struct lsvm_lab *lab, char **ret)
{
	json_t *root = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:[], s:[], s:o}",
				 "schema", "lsvm-lab/1", "cluster", lab->cluster->name,
				 "seed", (json_int_t)lab->seed, "time_us",
				 (json_int_t)lsvm_lab_now_us(lab), "step_count",
				 (json_int_t)lsvm_lab_step_count(lab), "failover_count",
				 (json_int_t)lab->failover_count, "machines", "vips",
				 "requests", requests_json(lab));
	bool good = root != NULL;

	for (size_t i = 0; good && i < lab->machines.count; i++)
		good = json_array_append_new(json_object_get(root, "machines"),
					     machine_json(lab->machines.items[i])) == 0;
	for (size_t i = 0; good && i < lab->vips.count; i++)
		good = json_array_append_new(json_object_get(root, "vips"),
					     vip_json(lab, &lab->vips.items[i])) == 0;
	return finish(lab, root, good, ret);
}
