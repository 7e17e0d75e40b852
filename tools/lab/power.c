/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See power.h. A process is of a machine when it is in the machine's network; that holds
 * for whatever the agent or a shell of `svm-lab exec` has started.
 */
#include "power.h"

#include "pages.h"
#include "session.h"
#include "spaces.h"
#include "wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIDS_MAX 4096
#define DEATH_MS 10000
#define DIRECTOR_NICE (-15)
#define AGENT_LOG "/var/log/svm-agent.log" /* stays when the machine is switched off */
#define AGENT_LOG_BYTES 6000

static int fail(struct lab *lab, const struct machine *machine, const char *what)
{
	snprintf(lab->world.problem, sizeof(lab->world.problem), "%s: %s", machine->name,
		 what);
	return -1;
}

/* ---- processes ---- */

struct pids {
	pid_t items[PIDS_MAX];
	size_t count;
};

static bool is_in(pid_t pid, const struct stat *network)
{
	char path[64];
	struct stat its;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return stat(path, &its) == 0 && its.st_ino == network->st_ino &&
	       its.st_dev == network->st_dev;
}

/* Those that have ended and were not waited for have no network. */
static void list_processes(const struct machine *machine, struct pids *ret)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	struct stat network;
	int pid;

	ret->count = 0;
	if (folder && machine->net >= 0 && fstat(machine->net, &network) == 0)
		while ((entry = readdir(folder)) != NULL && ret->count < PIDS_MAX)
			if ((pid = atoi(entry->d_name)) > 1 && pid != getpid() &&
			    is_in(pid, &network))
				ret->items[ret->count++] = pid;
	if (folder)
		closedir(folder);
}

static bool runs_program(pid_t pid, const char *program)
{
	char path[64], name[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (file && !fgets(name, sizeof(name), file))
		name[0] = '\0';
	if (file)
		fclose(file);
	name[strcspn(name, "\n")] = '\0';
	return !strncmp(name, program, 15); /* as much as the kernel keeps */
}

static int kill_all(struct lab *lab, const struct machine *machine)
{
	int64_t deadline = now_ms() + DEATH_MS;
	struct pids *pids = malloc(sizeof(*pids));

	if (!pids)
		return fail(lab, machine, "out of memory");
	for (;;) {
		list_processes(machine, pids);
		for (size_t i = 0; i < pids->count; i++)
			kill(pids->items[i], SIGKILL);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (!pids->count || now_ms() > deadline)
			break;
		usleep(1000);
	}
	deadline = pids->count ? -1 : 0;
	free(pids);
	return deadline ? fail(lab, machine, "its processes do not die") : 0;
}

/* ---- the agent ---- */

static void agent_file(const struct machine *machine, char *buf, size_t size)
{
	snprintf(buf, size, SPACES_FOLDER "/%s.agent", machine->name);
}

pid_t agent_pid(const struct machine *machine)
{
	struct stat network;
	char path[256];
	FILE *file;
	int pid = 0;

	agent_file(machine, path, sizeof(path));
	file = fopen(path, "re");
	if (file && fscanf(file, "%d", &pid) != 1)
		pid = 0;
	if (file)
		fclose(file);
	return pid > 1 && machine->net >= 0 && fstat(machine->net, &network) == 0 &&
			       is_in(pid, &network)
		       ? pid
		       : 0;
}

struct starting {
	const struct machine *machine;
	char *command;
};

/* The log is made before the machine's files are left. */
static void become_agent(const struct starting *starting)
{
	int null, log;

	if (spaces_enter(starting->machine) < 0 || chdir("/") < 0)
		_exit(126);
	setsid();
	/* What a unit file says of a program that others believe dead when it is late. */
	if (starting->machine->role == LSVM_ROLE_DIRECTOR)
		setpriority(PRIO_PROCESS, 0, DIRECTOR_NICE);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	log = open(AGENT_LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	setenv("SVM_MACHINE", starting->machine->name, 1);
	setenv("SVM_CLUSTER", CLUSTER_PATH, 1);
	execl("/bin/sh", "sh", "-c", starting->command, NULL);
	_exit(127);
}

static int remember_agent(struct lab *lab, const struct machine *machine, pid_t pid)
{
	char path[256];
	FILE *file;

	agent_file(machine, path, sizeof(path));
	file = fopen(path, "we");
	if (!file || fprintf(file, "%d\n", pid) < 0 || fclose(file) != 0)
		return fail(lab, machine, "its agent's number cannot be kept");
	return 0;
}

int agent_start(struct lab *lab, const struct machine *machine)
{
	struct starting starting = { .machine = machine };
	int64_t deadline = now_ms() + DEATH_MS;
	pid_t pid;

	/* One that was asked to end may still be at it. */
	while (agent_pid(machine) && now_ms() < deadline)
		usleep(2000);
	if (agent_pid(machine))
		return fail(lab, machine, "its agent runs already");
	starting.command = lab_agent_command(lab, machine);
	if (!starting.command)
		return fail(lab, machine, "out of memory");
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_agent(&starting);
	free(starting.command);
	return pid < 0 ? fail(lab, machine, strerror(errno))
		       : remember_agent(lab, machine, pid);
}

int agent_signal(struct lab *lab, const struct machine *machine, int number)
{
	pid_t pid = agent_pid(machine);

	if (pid && kill(pid, number) == 0)
		return 0;
	return fail(lab, machine, "its agent does not run");
}

static int show_log(void *arg)
{
	int fd = open(AGENT_LOG, O_RDONLY | O_CLOEXEC);
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	char text[AGENT_LOG_BYTES + 1];
	ssize_t length = 0;

	if (fd >= 0)
		length = pread(fd, text, AGENT_LOG_BYTES,
			       end > AGENT_LOG_BYTES ? end - AGENT_LOG_BYTES : 0);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	fprintf(stderr, "---- %s, the agent's last words:\n%s%s", (const char *)arg, text,
		text[length - 1] == '\n' ? "" : "\n");
	return 0;
}

void agent_show(const struct machine *machine)
{
	if (machine->net >= 0)
		spaces_call(machine, show_log, (void *)(uintptr_t)machine->name);
}

/* ---- services ---- */

int services_signal(struct lab *lab, const struct machine *machine, const char *program,
		    int number)
{
	struct pids *pids = malloc(sizeof(*pids));
	pid_t agent = agent_pid(machine), first = spaces_first_process(machine);
	int count = 0;

	if (!pids)
		return fail(lab, machine, "out of memory");
	list_processes(machine, pids);
	/* From the oldest: a web server's workers would be replaced before it dies. */
	for (size_t i = 0; i < pids->count; i++) {
		pid_t pid = pids->items[i];

		if (pid == agent || pid == first ||
		    (program && !runs_program(pid, program)))
			continue;
		count += kill(pid, number) == 0;
	}
	free(pids);
	return count ? count
		     : fail(lab, machine,
			    program ? "no process of that program runs there"
				    : "no service runs there");
}

/* ---- power ---- */

int power_off(struct lab *lab, struct machine *machine)
{
	if (wire_plugs(&lab->world, machine, NULL, PLUG_OUT) < 0 ||
	    kill_all(lab, machine) < 0 ||
	    wire_plugs(&lab->world, machine, NULL, PLUG_GONE) < 0)
		return -1;
	spaces_forget(machine);
	return 0;
}

int power_on(struct lab *lab, struct machine *machine)
{
	if (lab_make_machine(lab, machine) < 0 || wire_machine(&lab->world, machine) < 0)
		return -1;
	return power_boot(lab, machine);
}

int power_boot(struct lab *lab, const struct machine *machine)
{
	if (!machine_has_plan(machine))
		return 0;
	if (lab->agents &&
	    (machine->role == LSVM_ROLE_DIRECTOR || !lab->director_agent)) {
		if (agent_start(lab, machine) < 0)
			return -1;
	} else if (lab_apply(lab, machine) < 0) {
		return -1;
	}
	return machine->role == LSVM_ROLE_SERVER
		       ? answers_start(&lab->world, machine, &lab->targets)
		       : 0;
}
