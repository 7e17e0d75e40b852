/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs that a machine runs. One runs when the process that its pid file names is
 * alive, was there before the pid file was last written (else the number was given to
 * somebody else since) and lives in our network namespace.
 */
#include "host/linux/linux.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PID_FILE_MAX_BYTES 64
#define STAT_MAX_BYTES 4096
#define CLOCK_SLACK_S 2
#define APPEAR_MS 10000
#define APPEAR_PAUSE_MS 10

/* When the process started, in seconds since 1970; 0: it is no more, or a zombie. */
static time_t started_at(int pid)
{
	struct timespec real, boot;
	struct buf text = { 0 };
	char path[64], state = 0;
	unsigned long long ticks = 0;
	const char *rest;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (lsvm_linux_read(path, STAT_MAX_BYTES, &text, NULL) == 0) {
		/* The name in brackets may hold anything; fields count from its end. */
		rest = strrchr(text.data, ')');
		if (!rest ||
		    sscanf(rest + 1,
			   " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			   "%*s %*s %*s %*s %llu",
			   &state, &ticks) != 2)
			state = 0;
	}
	lsvm_buf_free(&text);
	if (!state || state == 'Z' || state == 'X')
		return 0;
	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return real.tv_sec - boot.tv_sec +
	       (time_t)(ticks / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static bool same_network(int pid)
{
	struct stat own, other;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (stat(path, &other) < 0 || stat("/proc/self/ns/net", &own) < 0)
		return true; /* cannot be told */
	return own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}

/* Its number, or 0 when it does not run. */
static int daemon_pid(const char *pid_file)
{
	struct buf text = { 0 };
	struct stat about;
	int pid = 0;
	time_t start;

	if (stat(pid_file, &about) == 0 &&
	    lsvm_linux_read(pid_file, PID_FILE_MAX_BYTES, &text, NULL) == 0)
		pid = atoi(text.data);
	lsvm_buf_free(&text);
	start = pid > 0 ? started_at(pid) : 0;
	if (!start || start > about.st_mtime + CLOCK_SLACK_S || !same_network(pid))
		return 0;
	return pid;
}

static bool daemon_runs(const char *pid_file)
{
	return daemon_pid(pid_file) != 0;
}

static bool is_running(const struct unit *unit)
{
	struct program program;
	struct lsvm_ctx *quiet; /* a failure here is an answer, not an error */
	bool good;

	if (unit->pid_file)
		return daemon_runs(unit->pid_file);
	if (!unit->present)
		return true;
	if (lsvm_ctx_new(&quiet) < 0)
		return false;
	good = lsvm_linux_run(quiet, unit->present, &program) == 0 && program.status == 0;
	lsvm_ctx_unref(quiet);
	return good;
}

int lsvm_linux_observe_units(struct linux_host *linux_host, const struct state *named,
			     struct state *state)
{
	for (size_t i = 0; i < named->units.count; i++) {
		const struct unit *unit = &named->units.items[i];
		struct unit *seen;

		if (lsvm_state_unit(state, unit->name))
			continue;
		seen = vec_push(&state->units);
		if (!seen)
			return lsvm_fail_nomem(linux_host->host.ctx);
		seen->name = lsvm_arena_strdup(&state->arena, unit->name);
		seen->running = is_running(unit);
		if (state->arena.failed)
			return lsvm_fail_nomem(linux_host->host.ctx);
	}
	return 0;
}

/* Runs one of the unit's programs; it must end well. */
static int run(struct linux_host *linux_host, const struct unit *unit, const char *verb,
	       const char *const *argv)
{
	struct lsvm_ctx *ctx = linux_host->host.ctx;
	struct program program;
	int err;

	if (!argv || !argv[0])
		return 0;
	err = lsvm_linux_run(ctx, argv, &program);
	if (err < 0 || program.status == 0)
		return err;
	if (WIFSIGNALED(program.status))
		return lsvm_fail(
			ctx, LSVM_ERR_STATE,
			"%s cannot be %s: '%s' was ended by signal %d; it said: %s",
			unit->name, verb, argv[0], WTERMSIG(program.status),
			program.output);
	return lsvm_fail(ctx, LSVM_ERR_STATE,
			 "%s cannot be %s: '%s' ended with status %d; it said: %s",
			 unit->name, verb, argv[0], WEXITSTATUS(program.status),
			 program.output[0] ? program.output : "nothing");
}

/* A daemon writes its pid file a little after its command ended. */
static bool appears(const struct unit *unit)
{
	for (int waited = 0; waited < APPEAR_MS; waited += APPEAR_PAUSE_MS) {
		if (daemon_runs(unit->pid_file))
			return true;
		poll(NULL, 0, APPEAR_PAUSE_MS);
	}
	return daemon_runs(unit->pid_file);
}

/* It may remove its pid file long before it is gone, so the process is looked at. */
static bool ends(int pid)
{
	time_t start = started_at(pid);

	for (int waited = 0; waited < APPEAR_MS; waited += APPEAR_PAUSE_MS) {
		time_t now = started_at(pid);

		if (!now || now > start + CLOCK_SLACK_S)
			return true;
		poll(NULL, 0, APPEAR_PAUSE_MS);
	}
	return false;
}

int lsvm_linux_unit_start(struct linux_host *linux_host, const struct unit *unit)
{
	int err;

	if (unit->pid_file && daemon_runs(unit->pid_file))
		return lsvm_fail(linux_host->host.ctx, LSVM_ERR_EXISTS,
				 "%s runs already; reload it instead", unit->name);
	err = run(linux_host, unit, "started", unit->test);
	if (err >= 0)
		err = run(linux_host, unit, "started", unit->start);
	if (err < 0 || !unit->pid_file || appears(unit))
		return err;
	return lsvm_fail(linux_host->host.ctx, LSVM_ERR_TIMEOUT,
			 "%s was started but %s names no running process after %d s; "
			 "look at its log",
			 unit->name, unit->pid_file, APPEAR_MS / 1000);
}

/* The child of the process that was started last; 0: it has none. */
static int youngest_child(int parent)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	unsigned long long best = 0;
	int pid = 0;

	while (folder && (entry = readdir(folder)) != NULL) {
		struct buf text = { 0 };
		char path[300];
		const char *rest;
		unsigned long long ticks;
		int of;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		rest = lsvm_linux_read(path, STAT_MAX_BYTES, &text, NULL) == 0
			       ? strrchr(text.data, ')')
			       : NULL;
		if (rest &&
		    sscanf(rest + 1,
			   " %*c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			   "%*s %*s %*s %*s %*s %llu",
			   &of, &ticks) == 2 &&
		    of == parent && ticks >= best) {
			/* Numbers start again from below; times of start do not. */
			if (ticks > best || atoi(entry->d_name) > pid)
				pid = atoi(entry->d_name);
			best = ticks;
		}
		lsvm_buf_free(&text);
	}
	if (folder)
		closedir(folder);
	return pid;
}

/*
 * The command that reloads only sends a signal. A daemon with workers, such as nginx, has
 * read its files and listens where they say when it starts new ones; before that, clients
 * that are sent here would be refused.
 */
static bool renews_workers(int pid, int last)
{
	if (!last)
		return true;
	for (int waited = 0; waited < APPEAR_MS; waited += APPEAR_PAUSE_MS) {
		int youngest = youngest_child(pid);

		if (youngest && youngest != last)
			return true;
		poll(NULL, 0, APPEAR_PAUSE_MS);
	}
	return false;
}

int lsvm_linux_unit_reload(struct linux_host *linux_host, const struct unit *unit)
{
	int pid = unit->pid_file ? daemon_pid(unit->pid_file) : 0;
	int last = pid ? youngest_child(pid) : 0, err;

	if (unit->pid_file && !pid)
		return lsvm_fail(linux_host->host.ctx, LSVM_ERR_STATE,
				 "%s does not run; start it", unit->name);
	err = run(linux_host, unit, "reloaded", unit->test);
	if (err >= 0)
		err = run(linux_host, unit, "reloaded", unit->reload);
	if (err < 0 || !pid || renews_workers(pid, last))
		return err;
	return lsvm_fail(linux_host->host.ctx, LSVM_ERR_TIMEOUT,
			 "%s was told to reload but has started no new workers after %d "
			 "s; look at its log",
			 unit->name, APPEAR_MS / 1000);
}

int lsvm_linux_unit_stop(struct linux_host *linux_host, const struct unit *unit)
{
	int pid = unit->pid_file ? daemon_pid(unit->pid_file) : 0, err;

	if (unit->pid_file && !pid)
		return 0;
	err = run(linux_host, unit, "stopped", unit->stop);
	if (!unit->pid_file)
		return err;
	if (err >= 0 && ends(pid))
		return 0;
	/* Some read their files before they stop, and find them damaged; some wait for
	 * their last client for ever. */
	if (kill(pid, SIGTERM) < 0 && errno != ESRCH)
		return err < 0 ? err
			       : lsvm_fail(linux_host->host.ctx, LSVM_ERR_PERMISSION,
					   "%s may not be ended: %s; run as root",
					   unit->name, lsvm_linux_error_text(errno));
	if (ends(pid))
		return 0;
	return lsvm_fail(linux_host->host.ctx, LSVM_ERR_TIMEOUT,
			 "%s still runs %d s after it was told to stop; stop it by hand",
			 unit->name, APPEAR_MS / 1000);
}
