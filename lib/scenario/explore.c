/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looking for trouble. From the seed comes a schedule: commands of the language of
 * scenarios with times between them, over a minute or two. While it runs, what must
 * always hold is watched (watch.c); then everything is mended, and after a quiet time all
 * must be as the plans say and a client must be served.
 *
 * A schedule that breaks something is made shorter: parts of it are left out, ever
 * smaller ones, as long as something still breaks.
 */
#include "base/json.h"
#include "scenario/lab.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS_MIN 6
#define STEPS_MAX 40
#define SHORTEN_RUNS_MAX 300
#define QUIET_S 150 /* a server that said goodbye is left out for two minutes */
#define EFFECTS_MAX 60
#define MICROSECONDS 1000

struct schedule_step {
	uint64_t wait_us; /* before it */
	char text[96];
	bool left_out;
};

struct explorer {
	struct lsvm_ctx *ctx;
	struct lsvm_cluster *cluster;
	uint64_t seed, random;
	VEC(struct schedule_step) steps;
	char broken[LAB_LINE_BYTES]; /* of the last run; "": all held */
	uint64_t time_us, step_count, request_count, failover_count;
};

/* ---- making a schedule ---- */

static uint64_t below(struct explorer *e, uint64_t bound)
{
	uint64_t z = e->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return bound ? (z ^ z >> 31) % bound : 0;
}

/* From a millisecond to some seconds, each order of magnitude alike. */
static uint64_t some_time_us(struct explorer *e)
{
	static const uint64_t up_to[] = { 3000, 30000, 300000, 3000000, 12000000 };

	return 1 + below(e, up_to[below(e, ARRAY_SIZE(up_to))]);
}

static const char *director(struct explorer *e)
{
	return e->cluster->directors.items[below(e, e->cluster->directors.count)].name;
}

static const char *server(struct explorer *e)
{
	return e->cluster->servers.items[below(e, e->cluster->servers.count)].name;
}

static const char *machine(struct explorer *e)
{
	return e->cluster->servers.count && below(e, 3) == 0 ? server(e) : director(e);
}

static const char *network(struct explorer *e)
{
	return e->cluster->networks.items[below(e, e->cluster->networks.count)].name;
}

static void cable(struct explorer *e, char *text, size_t size)
{
	switch (below(e, 6)) {
	case 0:
		snprintf(text, size, "cut %s", machine(e));
		return;
	case 1:
		snprintf(text, size, "cut %s silently", machine(e));
		return;
	case 2:
		snprintf(text, size, "cut %s %s", director(e), machine(e));
		return;
	case 3:
		snprintf(text, size, "deafen %s %s", director(e), director(e));
		return;
	case 4:
		snprintf(text, size, "heal %s", machine(e));
		return;
	default:
		snprintf(text, size, "heal");
		return;
	}
}

static void process(struct explorer *e, char *text, size_t size)
{
	static const char *const what[] = {
		"power-off",  "power-on", "kill-agent", "start-agent",
		"stop-agent", "freeze",	  "thaw",	"start-agent",
	};

	if (below(e, 3) == 0)
		snprintf(text, size, "crash %s %s %u", machine(e),
			 below(e, 2) ? "before" : "after",
			 (unsigned)(1 + below(e, EFFECTS_MAX)));
	else
		snprintf(text, size, "%s %s", what[below(e, ARRAY_SIZE(what))],
			 machine(e));
}

static void servers(struct explorer *e, char *text, size_t size)
{
	static const char *const how[] = { "answer", "refuse", "silent", "wedged",
					   "answer" };

	switch (below(e, 3)) {
	case 0:
		snprintf(text, size, "%s %s", below(e, 2) ? "drain" : "enable",
			 server(e));
		return;
	case 1:
		snprintf(text, size, "reload weight %s %u", server(e),
			 (unsigned)(1 + below(e, 5)));
		return;
	default:
		snprintf(text, size, "server %s %s", server(e),
			 how[below(e, ARRAY_SIZE(how))]);
		return;
	}
}

static void weather(struct explorer *e, char *text, size_t size)
{
	const char *net = network(e);

	switch (below(e, 7)) {
	case 0:
		snprintf(text, size, "loss %s %u%%", net, (unsigned)below(e, 60));
		return;
	case 1:
		snprintf(text, size, "delay %s %uus", net, (unsigned)below(e, 50000));
		return;
	case 2:
		snprintf(text, size, "jitter %s %uus", net, (unsigned)below(e, 50000));
		return;
	case 3:
		snprintf(text, size, "duplicate %s %u%%", net, (unsigned)below(e, 100));
		return;
	case 4:
		snprintf(text, size, "reorder %s %u%%", net, (unsigned)below(e, 100));
		return;
	default:
		snprintf(text, size, "calm");
		return;
	}
}

static bool make_step(struct explorer *e)
{
	struct schedule_step *step = vec_push(&e->steps);

	if (!step)
		return false;
	step->wait_us = some_time_us(e);
	switch (below(e, 12)) {
	case 0:
	case 1:
	case 2:
		cable(e, step->text, sizeof(step->text));
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		process(e, step->text, sizeof(step->text));
		break;
	case 7:
	case 8:
		servers(e, step->text, sizeof(step->text));
		break;
	case 9:
		weather(e, step->text, sizeof(step->text));
		break;
	case 10:
		snprintf(step->text, sizeof(step->text), "clock %s %s%us", machine(e),
			 below(e, 2) ? "+" : "-", (unsigned)below(e, 100000));
		break;
	default:
		snprintf(step->text, sizeof(step->text), "requests %u every %ums",
			 (unsigned)(1 + below(e, 50)), (unsigned)(1 + below(e, 100)));
		break;
	}
	return true;
}

static int make_schedule(struct explorer *e)
{
	const uint64_t count = STEPS_MIN + below(e, STEPS_MAX - STEPS_MIN);

	for (uint64_t i = 0; i < count; i++)
		if (!make_step(e))
			return lsvm_fail_nomem(e->ctx);
	return 0;
}

/* ---- running it ---- */

/* What does not fit what is (an agent that is dead already cannot be killed) is no fault
 * of anybody. */
static int act(struct lsvm_lab *lab, const char *text)
{
	int err = lsvm_lab_do(lab, text);

	return err == LSVM_ERR_STATE || err == LSVM_ERR_NOT_FOUND ? 0 : err;
}

static int mend(struct lsvm_lab *lab)
{
	int err = act(lab, "heal");

	if (err >= 0)
		err = act(lab, "calm");
	for (size_t i = 0; i < lab->machines.count && err >= 0; i++) {
		const struct lab_machine *at = lab->machines.items[i];
		char text[96];

		if (!lsvm_lab_has_agent(at))
			continue;
		lsvm_world_crash_at(at->host, 0, false);
		snprintf(text, sizeof(text), "thaw %s", at->machine->name);
		err = act(lab, text);
		snprintf(text, sizeof(text), "power-on %s", at->machine->name);
		if (err >= 0)
			err = act(lab, text);
		snprintf(text, sizeof(text), "start-agent %s", at->machine->name);
		if (err >= 0)
			err = act(lab, text);
		if (at->machine->role != LSVM_ROLE_SERVER)
			continue;
		snprintf(text, sizeof(text), "server %s answer", at->machine->name);
		if (err >= 0)
			err = act(lab, text);
	}
	/* Drains live in the agents, and they have all begun anew or know of them. */
	for (size_t i = 0; i < lab->machines.count && err >= 0; i++) {
		char text[96];

		if (lab->machines.items[i]->machine->role != LSVM_ROLE_SERVER)
			continue;
		snprintf(text, sizeof(text), "enable %s",
			 lab->machines.items[i]->machine->name);
		if (err >= 0)
			err = lsvm_lab_pass(lab, IO_MS);
		if (err >= 0)
			err = act(lab, text);
	}
	return err;
}

static int run_steps(struct explorer *e, struct lsvm_lab *lab)
{
	int err = 0;

	for (size_t i = 0; i < e->steps.count && err >= 0 && !lab->broken[0]; i++) {
		const struct schedule_step *step = &e->steps.items[i];

		err = lsvm_lab_pass(lab, step->wait_us * MICROSECONDS);
		if (err >= 0 && !step->left_out)
			err = act(lab, step->text);
	}
	return err;
}

static int check_end(struct lsvm_lab *lab)
{
	uint64_t failed;
	int err = mend(lab);

	if (err >= 0)
		err = lsvm_lab_pass(lab, QUIET_S * IO_S);
	if (err >= 0 && !lab->broken[0])
		err = lsvm_lab_settled(lab);
	if (err < 0 || lab->broken[0])
		return err;
	failed = lsvm_lab_failed_count(lab);
	for (size_t i = 0; i < lab->vips.count && err >= 0; i++) {
		if (!lab->vips.items[i].port)
			continue;
		lsvm_lab_load(lab, 10, IO_MS, &lab->vips.items[i]);
		err = lsvm_lab_pass(lab, 2 * IO_S);
	}
	if (err >= 0 && lsvm_lab_failed_count(lab) > failed)
		return lsvm_fail(
			lab->ctx, LSVM_ERR_CONFLICT,
			"after all was mended %llu of the requests failed",
			(unsigned long long)(lsvm_lab_failed_count(lab) - failed));
	if (err >= 0 && lsvm_lab_is_asking(lab))
		return lsvm_fail(lab->ctx, LSVM_ERR_CONFLICT,
				 "after all was mended requests wait for an answer");
	return err;
}

/* One run; e->broken says how it went. */
static int run(struct explorer *e)
{
	struct lsvm_lab *lab;
	int err = lsvm_lab_new(e->ctx, e->cluster, e->seed, &lab);

	if (err < 0)
		return err;
	lab->watching = true;
	e->broken[0] = '\0';
	err = run_steps(e, lab);
	if (err >= 0 && !lab->broken[0])
		err = check_end(lab);
	if (err == LSVM_ERR_CONFLICT && !lab->broken[0])
		snprintf(lab->broken, sizeof(lab->broken), "%s",
			 lsvm_ctx_error_text(e->ctx));
	if (err == LSVM_ERR_CONFLICT)
		err = 0;
	memcpy(e->broken, lab->broken, sizeof(e->broken));
	e->time_us = lsvm_lab_now_us(lab);
	e->step_count = lsvm_lab_step_count(lab);
	e->request_count = lab->begun_count;
	e->failover_count = lab->failover_count;
	lsvm_lab_free(lab);
	return err;
}

/* ---- making it short ---- */

static void leave_out(struct explorer *e, size_t from, size_t count, bool left_out)
{
	for (size_t i = from; i < from + count && i < e->steps.count; i++)
		e->steps.items[i].left_out = left_out;
}

static int shorten(struct explorer *e)
{
	char broken[LAB_LINE_BYTES];
	unsigned runs = 0;
	int err = 0;

	memcpy(broken, e->broken, sizeof(broken));
	for (size_t size = (e->steps.count + 1) / 2; size && runs < SHORTEN_RUNS_MAX;
	     size /= 2) {
		for (size_t at = 0; at < e->steps.count && err >= 0; at += size) {
			bool any = false;

			for (size_t i = at; i < at + size && i < e->steps.count; i++)
				any |= !e->steps.items[i].left_out;
			if (!any || runs++ >= SHORTEN_RUNS_MAX)
				continue;
			leave_out(e, at, size, true);
			err = run(e);
			if (err >= 0 && e->broken[0])
				memcpy(broken, e->broken, sizeof(broken));
			else
				leave_out(e, at, size, false);
		}
	}
	memcpy(e->broken, broken, sizeof(broken));
	return err;
}

/* ---- telling ---- */

static void put_script(const struct explorer *e, struct buf *buf)
{
	uint64_t wait = 0;

	for (size_t i = 0; i < e->steps.count; i++) {
		const struct schedule_step *step = &e->steps.items[i];

		wait += step->wait_us;
		if (step->left_out)
			continue;
		lsvm_buf_printf(buf, "advance %lluus\n%s\n", (unsigned long long)wait,
				step->text);
		wait = 0;
	}
	lsvm_buf_printf(buf, "advance %lluus\n", (unsigned long long)wait);
}

static int report(struct explorer *e, char **ret)
{
	struct buf script = { 0 };
	char *text = NULL;
	json_t *root;

	put_script(e, &script);
	root = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s?, s:s?}", "schema",
			 "lsvm-exploration/1", "cluster", e->cluster->name, "seed",
			 (json_int_t)e->seed, "time_us", (json_int_t)e->time_us,
			 "step_count", (json_int_t)e->step_count, "request_count",
			 (json_int_t)e->request_count, "failover_count",
			 (json_int_t)e->failover_count, "broken",
			 e->broken[0] ? e->broken : NULL, "script", script.data);
	if (root && !script.failed)
		text = lsvm_json_text(root, JSON_COMPACT);
	json_decref(root);
	lsvm_buf_free(&script);
	if (!text)
		return lsvm_fail_nomem(e->ctx);
	*ret = text;
	return e->broken[0] != '\0';
}

int lsvm_lab_explore(struct lsvm_ctx *ctx, struct lsvm_cluster *cluster, uint64_t seed,
		     char **ret)
{
	struct explorer e = { .ctx = ctx,
			      .cluster = cluster,
			      .seed = seed,
			      .random = seed ^ 0x6c62272e07bb0142u };
	int err = 0;

	if (!cluster->directors.count || !cluster->servers.count)
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "cluster %s has no director or no server; there is "
				 "nothing to explore",
				 cluster->name);
	err = make_schedule(&e);
	if (err >= 0)
		err = run(&e);
	if (err >= 0 && e.broken[0])
		err = shorten(&e);
	if (err >= 0)
		err = report(&e, ret);
	vec_free(&e.steps);
	return err;
}
