/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loop around an agent: poll, dispatch, print what happened. Signals come through a
 * descriptor too: SIGHUP reads the cluster file again, SIGTERM and SIGINT end in order.
 * The system's manager, where it started this, is told how it goes, and hears that all is
 * well after each round of the loop that is due.
 */
#include "agent.h"
#include "ask.h"
#include "notify.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HURRY_BELOW_MS 200

struct run {
	struct tool *tool;
	struct lsvm_host *host;
	struct lsvm_cluster *cluster;
	struct lsvm_agent *agent;
	const char *name;
	char name_buf[TOOL_HOST_NAME_BYTES];
	int signals;		       /* descriptor */
	uint64_t watchdog_ms, well_ms; /* how often, and when next */
};

/* ---- events ---- */

/* "12:30:05.123 warning server-down eps2: connect refused, 3 of 3" */
static void print_event(const struct lsvm_event *event)
{
	uint64_t ms = lsvm_event_time_ms(event);
	time_t seconds = (time_t)(ms / 1000);
	struct tm when;
	char text[32] = "";

	if (localtime_r(&seconds, &when))
		strftime(text, sizeof(text), "%H:%M:%S", &when);
	fprintf(stderr, "%s.%03u %s %s %s: %s\n", text, (unsigned)(ms % 1000),
		lsvm_severity_name(lsvm_event_severity(event)),
		lsvm_event_kind_name(lsvm_event_kind(event)), lsvm_event_subject(event),
		lsvm_event_text(event));
}

static void tell_state(const struct lsvm_event *event)
{
	char text[512];

	snprintf(text, sizeof(text), "STATUS=%s: %s", lsvm_event_subject(event),
		 lsvm_event_text(event));
	notify_tell(text);
}

static void print_events(struct run *run)
{
	struct lsvm_event *event;

	while (lsvm_agent_next_event(run->agent, &event) == 1) {
		print_event(event);
		if (lsvm_event_kind(event) == LSVM_EVENT_STATE)
			tell_state(event);
		lsvm_event_free(event);
	}
}

/* ---- beginning ---- */

static int open_signals(struct run *run)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* Who follows the output may go: that is no reason to end. */
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return run->signals < 0 ? tool_complain(run->tool,
						"no signals can be waited "
						"for: %s",
						strerror(errno))
				: TOOL_DONE;
}

static int check_role(struct run *run, int role)
{
	const struct lsvm_machine *machine =
		lsvm_cluster_find_machine(run->cluster, run->name);

	if (!machine)
		return role_unknown_machine(run->tool, run->cluster, run->name, role);
	if (lsvm_machine_role(machine) != role)
		return tool_complain(
			run->tool, "%s is a %s, not a %s; this is not its tool",
			run->name, lsvm_role_name(lsvm_machine_role(machine)),
			lsvm_role_name(role));
	return TOOL_DONE;
}

static int make(struct run *run, int role)
{
	int status = tool_load(run->tool, run->tool->operands[0], &run->cluster);

	run->name = role_machine_name(run->tool, run->name_buf);
	if (status == TOOL_DONE)
		status = check_role(run, role);
	if (status == TOOL_DONE)
		status = role_open_host(run->tool, run->name, &run->host);
	if (status != TOOL_DONE)
		return status;
	if (lsvm_agent_new(run->host, run->cluster, run->name, &run->agent) < 0)
		return tool_failed(run->tool);
	return TOOL_DONE;
}

/*
 * A director that is late by a few of its adverts is taken over from: where these follow
 * each other fast, it goes before everything else on the machine, and its memory stays
 * where it is. What it starts does not inherit that. Without the right to do so it goes
 * on as it is.
 */
static void hurry(const struct run *run, int role)
{
	const struct sched_param first = { .sched_priority = 1 };
	uint32_t interval = lsvm_cluster_advert_interval_ms(run->cluster);

	if (role != LSVM_ROLE_DIRECTOR || !interval || interval > HURRY_BELOW_MS)
		return;
	(void)sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &first);
	(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

/* Two agents of one machine would undo each other's work: the second one does not begin.
 * The usual place of the control socket is made when it is not there. */
static int set_control(struct run *run, int role)
{
	const char *path = ask_path(run->tool, role);
	struct lsvm_control *other;

	if (path[0] && lsvm_control_open(run->tool->ctx, path, &other) >= 0) {
		lsvm_control_close(other);
		return tool_complain(run->tool,
				     "an agent answers at %s already; end it first, or, "
				     "if it is another machine's, say --control",
				     path);
	}
	if (!tool_has(run->tool, "control"))
		mkdir("/run/svm", 0755);
	return lsvm_agent_set(run->agent, LSVM_AGENT_CONTROL, path) < 0
		       ? tool_failed(run->tool)
		       : TOOL_DONE;
}

static int set_options(struct run *run, int role)
{
	static const char *const names[] = { "metrics", "key", "log", "notify" };
	int status = set_control(run, role);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && status == TOOL_DONE;
	     i++)
		if (tool_has(run->tool, names[i]) &&
		    lsvm_agent_set(run->agent, lsvm_agent_option_parse(names[i]),
				   tool_value(run->tool, names[i])) < 0)
			status = tool_failed(run->tool);
	return status;
}

/* ---- going on ---- */

/* A file that is wrong changes nothing: what is in force stays so. */
static void reload(struct run *run)
{
	const char *path = run->tool->operands[0];
	struct lsvm_cluster *cluster;
	char why[256];

	notify_reloading();
	if (tool_load(run->tool, path, &cluster) != TOOL_DONE) {
		snprintf(why, sizeof(why), "%.128s has errors; svm-ems check says which",
			 path);
		lsvm_agent_refuse_reload(run->agent, why);
	} else {
		if (lsvm_agent_reload(run->agent, cluster) < 0) {
			snprintf(why, sizeof(why), "%s",
				 lsvm_ctx_error_text(run->tool->ctx));
			lsvm_agent_refuse_reload(run->agent, why);
		}
		lsvm_cluster_unref(cluster);
	}
	notify_tell("READY=1");
}

static void stop(struct run *run)
{
	notify_tell("STOPPING=1");
	lsvm_agent_stop(run->agent);
}

static void take_signals(struct run *run)
{
	struct signalfd_siginfo info;

	while (read(run->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo == SIGHUP)
			reload(run);
		else
			stop(run);
}

/* ---- the manager's watchdog ---- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* For poll: until the manager wants to hear something. */
static int until_watchdog(const struct run *run)
{
	uint64_t now = now_ms();

	if (!run->watchdog_ms)
		return -1;
	return now >= run->well_ms ? 0 : (int)(run->well_ms - now);
}

static void tell_watchdog(struct run *run)
{
	uint64_t now = now_ms();

	if (!run->watchdog_ms || now < run->well_ms)
		return;
	/* Twice as often as it must be. */
	run->well_ms = now + run->watchdog_ms / 2;
	notify_tell("WATCHDOG=1");
}

static int loop(struct run *run)
{
	struct pollfd fds[] = {
		{ .fd = lsvm_agent_fd(run->agent), .events = POLLIN },
		{ .fd = run->signals, .events = POLLIN },
	};

	run->watchdog_ms = notify_watchdog_ms();
	notify_tell("READY=1");
	for (;;) {
		print_events(run);
		tell_watchdog(run);
		if (lsvm_agent_is_finished(run->agent))
			return TOOL_DONE;
		if (poll(fds, 2, until_watchdog(run)) < 0 && errno != EINTR)
			return tool_complain(run->tool, "poll: %s", strerror(errno));
		if (fds[1].revents)
			take_signals(run);
		if (lsvm_agent_dispatch(run->agent) < 0)
			return tool_failed(run->tool);
		if (lsvm_agent_is_reload_asked(run->agent))
			reload(run);
	}
}

int agent_run(struct tool *tool, int role)
{
	struct run run = { .tool = tool, .signals = -1 };
	int status = make(&run, role);

	/* Before the start: whoever stops it meanwhile is heard afterwards. */
	if (status == TOOL_DONE)
		status = set_options(&run, role);
	if (status == TOOL_DONE)
		status = open_signals(&run);
	if (status == TOOL_DONE && lsvm_agent_start(run.agent) < 0)
		status = tool_failed(tool);
	if (status == TOOL_DONE) {
		hurry(&run, role);
		status = loop(&run);
	}
	lsvm_agent_free(run.agent);
	lsvm_host_free(run.host);
	lsvm_cluster_unref(run.cluster);
	if (run.signals >= 0)
		close(run.signals);
	return status;
}
