/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See rehearse.h. The client is a process of its own, so that what is done here (forking,
 * netlink, reading tables) does not hold it up; this side follows what it writes down.
 */
#include "rehearse.h"

#include "pages.h"
#include "power.h"
#include "spaces.h"
#include "watch.h"
#include "wire.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETTLE_US 60000000
#define LOOK_US 2000		/* how often an expectation is looked at */
#define STEADY_US 200000	/* so long it must hold to be settled */
#define STEADY_FIRST_US 1500000 /* the same before the client begins */
#define REQUESTS_LOOK_US 200000 /* how often unanswered requests are looked for */
#define CLIENT_NICE (-10)
#define LINGER_US 2000000 /* after the last step, when no 'end' says otherwise */

struct conduct {
	struct rehearsal *rehearsal;
	struct lab *lab;
	struct watch *watch;
	struct load *load; /* NULL: no client */
	pid_t client;
	int64_t looked_us, acted_us; /* acted: the begin of the last step that acts */
	bool client_died;
};

static int64_t now_in(const struct conduct *conduct)
{
	return conduct->load ? now_us() - conduct->load->shared->zero_us : now_us();
}

static int fail(struct lab *lab, const char *text)
{
	snprintf(lab->world.problem, sizeof(lab->world.problem), "%s", text);
	return -1;
}

/* Waits a little, and does meanwhile what is due all the time. */
static void pass(struct conduct *conduct, int64_t until_us)
{
	int64_t now = now_us(), left;

	if (conduct->load && now - conduct->looked_us > REQUESTS_LOOK_US) {
		watch_requests(conduct->watch, conduct->load);
		conduct->looked_us = now;
		conduct->client_died |=
			conduct->client > 0 &&
			waitpid(conduct->client, NULL, WNOHANG) == conduct->client;
	}
	left = until_us - now_us();
	if (left > 0)
		usleep((useconds_t)(left < 20000 ? left : 20000));
}

/* ---- the steps ---- */

static struct machine *machine_of(struct conduct *conduct, const struct fault_step *step)
{
	return world_find(&conduct->lab->world, step->subject);
}

static struct network *network_of(struct conduct *conduct, const struct fault_step *step)
{
	struct world *world = &conduct->lab->world;

	for (size_t i = 0; i < world->network_count; i++)
		if (!strcmp(world->networks[i].name, step->subject))
			return &world->networks[i];
	return NULL;
}

static void harm(struct conduct *conduct, const struct machine *machine)
{
	struct rehearsal *rehearsal = conduct->rehearsal;

	rehearsal->harms[rehearsal->harm_count++] =
		(struct harm){ machine, now_in(conduct), INT64_MAX };
}

static void mend(struct conduct *conduct, const struct machine *machine)
{
	for (size_t i = 0; i < conduct->rehearsal->harm_count; i++) {
		struct harm *its = &conduct->rehearsal->harms[i];

		if (its->machine == machine && its->until_us == INT64_MAX)
			its->until_us = now_in(conduct);
	}
}

static int act_on_power(struct conduct *conduct, const struct fault_step *step,
			struct machine *machine)
{
	int err;

	if (step->kind == FAULT_POWER_OFF) {
		watch_forget(conduct->watch, machine);
		harm(conduct, machine);
		return power_off(conduct->lab, machine);
	}
	err = power_on(conduct->lab, machine);
	mend(conduct, machine);
	watch_cable(conduct->watch, machine, true);
	watch_serves(conduct->watch, machine, true);
	return err;
}

static int act_on_cable(struct conduct *conduct, const struct fault_step *step,
			const struct machine *machine)
{
	bool in = step->kind == FAULT_PLUG_CABLE;

	if (in)
		mend(conduct, machine);
	else
		harm(conduct, machine);
	watch_cable(conduct->watch, machine, in);
	return wire_plugs(&conduct->lab->world, machine, step->detail,
			  in ? PLUG_IN : PLUG_OUT);
}

static int act_on_service(struct conduct *conduct, const struct fault_step *step,
			  const struct machine *machine)
{
	struct lab *lab = conduct->lab;
	bool ends = step->kind == FAULT_STOP_SERVICE || step->kind == FAULT_WEDGE;
	int err = 0;

	if (ends)
		harm(conduct, machine);
	if (step->kind == FAULT_START_SERVICE) {
		err = lab_apply(lab, machine);
		if (!err)
			err = answers_start(&lab->world, machine, &lab->targets);
	} else {
		err = services_signal(lab, machine, step->detail,
				      step->kind == FAULT_STOP_SERVICE ? SIGKILL
				      : ends			       ? SIGSTOP
								       : SIGCONT);
	}
	if (!ends)
		mend(conduct, machine);
	watch_serves(conduct->watch, machine, !ends);
	return err < 0 ? -1 : 0;
}

static int act_on_network(struct conduct *conduct, const struct fault_step *step)
{
	struct network *network = network_of(conduct, step);

	if (step->kind == FAULT_LOSS)
		network->loss = step->percent;
	else if (step->kind == FAULT_DELAY)
		network->delay_ms = step->time_ms;
	else
		network->loss = 0, network->delay_ms = 0;
	return wire_quality(&conduct->lab->world, network);
}

static int act(struct conduct *conduct, const struct fault_step *step)
{
	struct machine *machine = NULL;

	if (step->kind != FAULT_LOSS && step->kind != FAULT_DELAY &&
	    step->kind != FAULT_HEAL)
		machine = machine_of(conduct, step);
	if (machine && step->kind != FAULT_POWER_ON && machine->net < 0)
		return spaces_open(&conduct->lab->world, machine);
	switch (step->kind) {
	case FAULT_POWER_OFF:
	case FAULT_POWER_ON:
		return act_on_power(conduct, step, machine);
	case FAULT_PULL_CABLE:
	case FAULT_PLUG_CABLE:
		return act_on_cable(conduct, step, machine);
	case FAULT_KILL_AGENT:
		return agent_signal(conduct->lab, machine, SIGKILL);
	case FAULT_STOP_AGENT:
		return agent_signal(conduct->lab, machine, SIGTERM);
	case FAULT_START_AGENT:
		return agent_start(conduct->lab, machine);
	case FAULT_STOP_SERVICE:
	case FAULT_START_SERVICE:
	case FAULT_WEDGE:
	case FAULT_UNWEDGE:
		return act_on_service(conduct, step, machine);
	case FAULT_LOSS:
	case FAULT_DELAY:
	case FAULT_HEAL:
		return act_on_network(conduct, step);
	case FAULT_WAIT_SETTLED:
	case FAULT_EXPECT:
	case FAULT_END:
		return 0;
	}
	return -1;
}

/* ---- expectations ---- */

static bool settle(struct conduct *conduct, int64_t patience_us, int64_t steady_us,
		   char *why, size_t size)
{
	int64_t end = now_us() + patience_us, since = 0, now;

	for (;;) {
		bool good = watch_settled(conduct->watch, why, size);

		now = now_us();
		if (!good)
			since = 0;
		else if (!since)
			since = now;
		if (good && now - since >= steady_us &&
		    watch_serving(conduct->watch, why, size))
			return true;
		if (now > end || conduct->client_died)
			return false;
		pass(conduct, now + LOOK_US * 5);
	}
}

static bool is_so(struct conduct *conduct, const struct fault_step *step, char *why,
		  size_t size)
{
	const struct machine *machine = machine_of(conduct, step), *master;
	int in;

	if (step->expectation == EXPECT_MASTER) {
		master = watch_master(conduct->watch, why, size);
		if (master && master != machine)
			snprintf(why, size, "%s is master", master->name);
		return master == machine;
	}
	in = watch_server(conduct->watch, machine);
	snprintf(why, size, "%s takes clients %s", machine->name,
		 in > 0	   ? "everywhere"
		 : in == 0 ? "nowhere"
			   : "of some services only, or there is no master");
	return in == (step->expectation == EXPECT_SERVER_IN);
}

static bool come_true(struct conduct *conduct, const struct fault_step *step, char *why,
		      size_t size)
{
	int64_t end = conduct->acted_us + (int64_t)step->time_ms * 1000;

	for (;;) {
		if (is_so(conduct, step, why, size))
			return true;
		if (now_in(conduct) > end || conduct->client_died)
			return false;
		pass(conduct, now_us() + LOOK_US);
	}
}

/* What only the client's book tells. */
static bool was_seen(struct conduct *conduct, const struct fault_step *step, char *why,
		     size_t size)
{
	struct rehearsal *rehearsal = conduct->rehearsal;
	int64_t from, length;

	if (!conduct->load) {
		snprintf(why, size, "no client asks");
		return false;
	}
	rehearsal->end_us = now_in(conduct);
	watch_requests(conduct->watch, conduct->load);
	rehearsal_judge(rehearsal);
	if (step->expectation == EXPECT_NO_FAILED) {
		snprintf(why, size, "%u failed, %u of them in flight on what died",
			 rehearsal->failed, rehearsal->in_flight);
		return rehearsal->failed == rehearsal->in_flight;
	}
	if (step->expectation == EXPECT_NO_LATE) {
		snprintf(why, size, "%u were late", rehearsal->late);
		return !rehearsal->late;
	}
	if (step->expectation == EXPECT_NO_LOST) {
		snprintf(why, size, "%u lost, %u of them with their server, %u silent",
			 rehearsal->lost, rehearsal->lost_with_server, rehearsal->silent);
		return rehearsal->lost == rehearsal->lost_with_server &&
		       !rehearsal->silent;
	}
	if (step->expectation == EXPECT_SLOWEST_BELOW) {
		snprintf(why, size, "the slowest took %.3f s",
			 (double)rehearsal->slowest_us / 1e6);
		return rehearsal->slowest_us < (int64_t)step->time_ms * 1000;
	}
	rehearsal_outage(rehearsal, conduct->acted_us, now_in(conduct), &from, &length);
	snprintf(why, size, "%.3f s without an answer", (double)length / 1e6);
	return length < (int64_t)step->time_ms * 1000;
}

static bool expect(struct conduct *conduct, const struct fault_step *step, char *why,
		   size_t size)
{
	if (step->expectation == EXPECT_MASTER || step->expectation == EXPECT_SERVER_IN ||
	    step->expectation == EXPECT_SERVER_OUT)
		return come_true(conduct, step, why, size);
	return was_seen(conduct, step, why, size);
}

/* ---- the whole ---- */

static int take_step(struct conduct *conduct, const struct fault_step *step,
		     struct outcome *outcome)
{
	int err = 0;

	outcome->reached = outcome->met = true;
	outcome->begun_us = now_in(conduct);
	lab_say("%.3f s: %s", (double)outcome->begun_us / 1e6, step->text);
	if (step->kind == FAULT_WAIT_SETTLED) {
		outcome->met = settle(conduct, (int64_t)step->time_ms * 1000, STEADY_US,
				      outcome->why, sizeof(outcome->why));
	} else if (step->kind == FAULT_EXPECT) {
		outcome->met = expect(conduct, step, outcome->why, sizeof(outcome->why));
	} else if (fault_acts(step->kind)) {
		conduct->acted_us = outcome->begun_us;
		err = act(conduct, step);
	}
	if (outcome->met && step->expectation <= EXPECT_SERVER_IN)
		outcome->why[0] = '\0';
	outcome->done_us = now_in(conduct);
	return err;
}

static int take_steps(struct conduct *conduct)
{
	const struct faults *faults = conduct->rehearsal->faults;
	int64_t before = 0, due;
	int err = 0;

	for (size_t i = 0; !err && i < faults->count; i++) {
		const struct fault_step *step = &faults->steps[i];

		due = (int64_t)step->when_ms * 1000;
		if (step->moment != MOMENT_AT)
			due += before;
		while (step->moment != MOMENT_THEN && now_in(conduct) < due &&
		       !conduct->client_died)
			pass(conduct, now_us() + due - now_in(conduct));
		if (conduct->client_died)
			return fail(conduct->lab, "the client died");
		err = take_step(conduct, step, &conduct->rehearsal->outcomes[i]);
		before = now_in(conduct);
	}
	due = now_in(conduct) + LINGER_US;
	while (!err && faults->steps[faults->count - 1].kind != FAULT_END &&
	       now_in(conduct) < due)
		pass(conduct, now_us() + due - now_in(conduct));
	return err;
}

/* ---- the client's process ---- */

static int find_sources(struct conduct *conduct, uint32_t wanted, struct ip *sources)
{
	struct world *world = &conduct->lab->world;
	const struct machine *client = world_client(world);
	int own = spaces_network(), err = 0;
	size_t count = 0;

	for (int six = 0; six < 2; six++)
		for (size_t i = 0; i < client->port_count && i < 1; i++) {
			const struct port *port = &client->ports[i];
			size_t found = world_free_addresses(world, port,
							    six ? AF_INET6 : AF_INET,
							    wanted, sources + count);

			if (!spaces_visit(client->net) ||
			    wire_sources(world, port, sources + count, found) < 0)
				err = -1;
			count += found;
		}
	conduct->load->source_count = count;
	if (!spaces_visit(own))
		err = -1;
	close(own);
	return err;
}

static void become_client(struct conduct *conduct)
{
	struct world *world = &conduct->lab->world;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It has machines of its own; here it shares a processor with all the others. */
	setpriority(PRIO_PROCESS, 0, CLIENT_NICE);
	if (!spaces_visit(world_client(world)->net))
		_exit(1);
	/* Files of machines would keep those alive. */
	for (size_t i = 0; i < world->machine_count; i++) {
		close(world->machines[i].net);
		close(world->machines[i].mounts);
		close(world->machines[i].names);
	}
	_exit(load_run(conduct->load) < 0);
}

static int start_client(struct conduct *conduct)
{
	struct load_shared *shared = conduct->load->shared;
	struct lab *lab = conduct->lab;

	fflush(NULL);
	conduct->client = fork();
	if (conduct->client == 0)
		become_client(conduct);
	if (conduct->client < 0)
		return fail(lab, strerror(errno));
	while (!shared->ready && !conduct->client_died)
		pass(conduct, now_us() + 5000);
	if (shared->ready == 1)
		return 0;
	return fail(lab, shared->problem[0] ? shared->problem : "the client died");
}

static void stop_client(struct conduct *conduct)
{
	int64_t end = now_us() + 5000000 +
		      (int64_t)conduct->rehearsal->faults->timeout_ms * 1000;

	if (conduct->client <= 0)
		return;
	conduct->load->shared->stop = 1;
	while (!conduct->client_died && now_us() < end)
		pass(conduct, now_us() + 20000);
	if (!conduct->client_died) {
		kill(conduct->client, SIGKILL);
		waitpid(conduct->client, NULL, 0);
	}
}

static int prepare(struct conduct *conduct)
{
	struct rehearsal *rehearsal = conduct->rehearsal;
	struct load *load = conduct->load;
	struct targets *targets = &conduct->lab->targets;
	struct ip *sources = calloc(2 * rehearsal->faults->sources + 1, sizeof(*sources));
	uint16_t *asked = calloc(targets->count + 1, sizeof(*asked));

	load->world = &conduct->lab->world;
	load->targets = targets;
	load->faults = rehearsal->faults;
	load->shared = load_share();
	load->sources = sources;
	load->asked = asked;
	if (!sources || !asked || !load->shared)
		return fail(conduct->lab, "out of memory");
	for (size_t i = 0; i < targets->count && i < UINT16_MAX; i++)
		if (load_can_ask(&targets->items[i]))
			asked[load->asked_count++] = (uint16_t)i;
	if (!load->asked_count)
		return fail(conduct->lab, "the client can ask nothing: it asks web "
					  "services without TLS, TCP and UDP");
	return find_sources(conduct, rehearsal->faults->sources, sources);
}

static void show_agents(const struct lab *lab)
{
	for (size_t i = 0; i < lab->world.machine_count; i++)
		if (machine_has_plan(&lab->world.machines[i]))
			agent_show(&lab->world.machines[i]);
}

static int conduct_all(struct conduct *conduct)
{
	char why[200];

	if (prepare(conduct) < 0)
		return -1;
	if (!settle(conduct, SETTLE_US, STEADY_FIRST_US, why, sizeof(why))) {
		show_agents(conduct->lab);
		return fail(conduct->lab, why);
	}
	if (start_client(conduct) < 0 || take_steps(conduct) < 0) {
		stop_client(conduct);
		return -1;
	}
	conduct->rehearsal->end_us = now_in(conduct);
	stop_client(conduct);
	watch_requests(conduct->watch, conduct->load);
	return 0;
}

int rehearse(struct lab *lab, const char *path, bool json)
{
	struct faults faults;
	struct rehearsal rehearsal = { .lab = lab, .faults = &faults };
	struct conduct conduct = { .rehearsal = &rehearsal, .lab = lab };
	int err;

	if (faults_load(path, lab->world.json, &faults) < 0) {
		fprintf(stderr, "svm-lab: %s\n", faults.problem);
		return TOOL_FINDINGS;
	}
	conduct.load = &rehearsal.load;
	conduct.watch = watch_new(lab);
	rehearsal.outcomes = calloc(faults.count + 1, sizeof(*rehearsal.outcomes));
	rehearsal.harms = calloc(faults.count + 1, sizeof(*rehearsal.harms));
	if (!conduct.watch || !rehearsal.outcomes || !rehearsal.harms)
		err = fail(lab, "out of memory");
	else
		err = conduct_all(&conduct);
	if (!err) {
		rehearsal_judge(&rehearsal);
		if (json)
			rehearsal_print_json(&rehearsal);
		else
			rehearsal_print(&rehearsal);
		err = rehearsal.good ? TOOL_DONE : TOOL_FAILED;
		fflush(stdout);
		if (err)
			show_agents(lab);
	} else {
		err = lab_failed(lab);
	}
	watch_free(conduct.watch);
	load_unshare(rehearsal.load.shared);
	free((void *)(uintptr_t)rehearsal.load.sources);
	free((void *)(uintptr_t)rehearsal.load.asked);
	free(rehearsal.outcomes);
	free(rehearsal.harms);
	faults_free(&faults);
	return err;
}

int plant(struct lab *lab, char *const *words, size_t count)
{
	struct faults faults;
	struct rehearsal rehearsal = { .lab = lab, .faults = &faults };
	struct conduct conduct = { .rehearsal = &rehearsal, .lab = lab };
	struct outcome outcome = { 0 };
	struct harm harms[1];
	int err;

	if (faults_load_words(words, count, lab->world.json, &faults) < 0) {
		fprintf(stderr, "svm-lab: %s\n", faults.problem);
		return TOOL_USAGE;
	}
	rehearsal.harms = harms;
	conduct.watch = watch_new(lab);
	err = conduct.watch ? take_step(&conduct, &faults.steps[0], &outcome)
			    : fail(lab, "out of memory");
	if (!err && !outcome.met)
		err = fail(lab, outcome.why);
	watch_free(conduct.watch);
	faults_free(&faults);
	return err < 0 ? lab_failed(lab) : TOOL_DONE;
}
