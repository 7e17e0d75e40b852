/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Namespaces of machines. A child makes them and stays in them as the machine's first
 * process, which does nothing; the machine is on as long as it has processes. Networks
 * and names are also pinned by bind mounts, so that `ip netns exec MACHINE` works; mount
 * namespaces are not, because some kernels (6.18) refuse such a bind mount now and then.
 *
 * What a machine writes on its disk lies outside its namespaces and outlives them.
 */
#include "spaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_BYTES 256

void sysctl_write(const char *path, const char *value)
{
	char full[PATH_BYTES];
	int fd;

	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		errno = 0;
	close(fd);
}

static int run_quietly(const char *const *command)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, 1);
		dup2(null, 2);
		execvp(command[0], (char *const *)command);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void spaces_load_modules(void)
{
	static const char *const command[] = { "modprobe", "-q",   "-a",
					       "ipv6",	   "veth", "bridge",
					       "ip_vs",	   "sctp", NULL };

	run_quietly(command);
}

bool spaces_have_nft(void)
{
	static const char *const command[] = {
		"nft",
		"add table ip svm-lab; add table ip6 svm-lab; "
		"delete table ip svm-lab; delete table ip6 svm-lab",
		NULL
	};

	return run_quietly(command) == 0;
}

static bool make_folder(const char *path, mode_t mode)
{
	return mkdir(path, mode) == 0 || errno == EEXIST;
}

/* A copy of the folder that this machine may write. Its changes are its disk. */
static bool cover(const struct machine *machine, const char *folder, size_t index)
{
	char upper[PATH_BYTES], work[PATH_BYTES + 8], options[PATH_BYTES * 3];

	snprintf(upper, sizeof(upper), SPACES_FOLDER "/%s.disk", machine->name);
	if (!make_folder(folder, 0755) || !make_folder(upper, 0700))
		return false;
	snprintf(upper, sizeof(upper), SPACES_FOLDER "/%s.disk/%zu", machine->name,
		 index);
	snprintf(work, sizeof(work), "%s.work", upper);
	if (!make_folder(upper, 0755) || !make_folder(work, 0755))
		return false;
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", folder,
		 upper, work);
	return mount("files", folder, "overlay", 0, options) == 0;
}

/* What a plan has to say itself stands the other way round before it is applied, as on a
 * machine of a strict distribution: a plan that forgets it fails here. */
static void set_way_settings(const struct machine *machine)
{
	static const char *const names[] = {
		"net/ipv4/conf/all/rp_filter",
		"net/ipv4/conf/default/rp_filter",
		"net/ipv4/conf/all/send_redirects",
		"net/ipv4/conf/default/send_redirects",
	};
	bool has_plan = machine_has_plan(machine);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		sysctl_write(names[i], has_plan ? "1" : "0");
}

static void set_sysctls(const struct machine *machine)
{
	static const char *const off[] = {
		"net/ipv6/conf/all/accept_dad",
		"net/ipv6/conf/default/accept_dad",
		"net/ipv6/conf/all/accept_ra",
		"net/ipv6/conf/default/accept_ra",
		"net/ipv6/conf/all/router_solicitations",
		"net/ipv6/conf/default/router_solicitations",
	};
	bool is_router = machine->role == LSVM_ROLE_ROUTER;

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		sysctl_write(off[i], "0");
	set_way_settings(machine);
	if (is_router) {
		sysctl_write("net/ipv4/ip_forward", "1");
		sysctl_write("net/ipv6/conf/all/forwarding", "1");
	}
	/* The client asks many times from one address. */
	if (machine->role == LSVM_ROLE_UNKNOWN) {
		sysctl_write("net/ipv4/ip_local_port_range", "1024 65535");
		sysctl_write("net/ipv4/tcp_tw_reuse", "1");
	}
}

/* In the child. NULL, or what failed. */
static const char *settle(const struct machine *machine, const char *const *folders,
			  const char *nft)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS) < 0)
		return "namespaces";
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL) < 0)
		return "mounts";
	/* Before /run is covered, where the disk is. */
	for (size_t i = 0; folders[i]; i++)
		if (!cover(machine, folders[i], i))
			return folders[i];
	if (mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") < 0 ||
	    mkdir("/run/lock", 0755) < 0)
		return "/run";
	if (nft && mount(nft, NFT_PATH, NULL, MS_BIND, NULL) < 0)
		return NFT_PATH;
	if (sethostname(machine->name, strlen(machine->name)) < 0)
		return "host name";
	set_sysctls(machine);
	return NULL;
}

static const struct kind {
	const char *name;
	int flag;
} kinds[] = { { "net", CLONE_NEWNET }, { "mnt", CLONE_NEWNS }, { "uts", CLONE_NEWUTS } };

static void pin_path(char *buf, const struct machine *machine, const char *kind)
{
	if (!strcmp(kind, "net"))
		snprintf(buf, PATH_BYTES, "/run/netns/%s", machine->name);
	else
		snprintf(buf, PATH_BYTES, SPACES_FOLDER "/%s.%s", machine->name, kind);
}

/* What an older life of the machine left is replaced. */
static bool pin(const struct machine *machine, pid_t pid)
{
	char from[PATH_BYTES], to[PATH_BYTES];

	for (size_t i = 0; i < 3; i++) {
		int fd;

		pin_path(to, machine, kinds[i].name);
		snprintf(from, sizeof(from), "/proc/%d/ns/%s", pid, kinds[i].name);
		if (kinds[i].flag == CLONE_NEWNS) {
			if (symlink(from, to) < 0)
				return false;
			continue;
		}
		fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			return false;
		close(fd);
		if (mount(from, to, NULL, MS_BIND, NULL) < 0)
			return false;
	}
	return true;
}

void spaces_forget(struct machine *machine)
{
	int *fds[] = { &machine->net, &machine->mounts, &machine->names };
	char path[PATH_BYTES];

	for (size_t i = 0; i < 3; i++) {
		pin_path(path, machine, kinds[i].name);
		if (kinds[i].flag != CLONE_NEWNS)
			umount2(path, MNT_DETACH);
		unlink(path);
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* The machine's first process. It must not keep the caller's files open. */
static void stay(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	closefrom(3);
	if (chdir("/") < 0)
		_exit(1);
	for (;;)
		pause();
}

int spaces_make(struct world *world, struct machine *machine, const char *const *folders,
		const char *nft)
{
	const char *problem = NULL;
	char text[128] = "no answer";
	ssize_t got;
	int ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	make_folder("/run/netns", 0755);
	make_folder(SPACES_FOLDER, 0755);
	pid = fork();
	if (pid == 0) {
		problem = settle(machine, folders, nft);
		if (problem)
			snprintf(text, sizeof(text), "%s: %s", problem, strerror(errno));
		got = write(ready[1], problem ? text : "",
			    problem ? strlen(text) + 1 : 1);
		if (problem || got <= 0)
			_exit(1);
		stay();
	}
	close(ready[1]);
	got = pid < 0 ? -1 : read(ready[0], text, sizeof(text) - 1);
	close(ready[0]);
	if (got == 1 && !pin(machine, pid))
		snprintf(text, sizeof(text), "pinning: %s", strerror(errno));
	if (got == 1 && !text[0])
		return spaces_open(world, machine);
	snprintf(world->problem, sizeof(world->problem), "%s: cannot make it: %s",
		 machine->name, text);
	if (pid > 0)
		kill(pid, SIGKILL);
	return -1;
}

bool spaces_is_on(const struct machine *machine)
{
	char path[PATH_BYTES];

	pin_path(path, machine, "net");
	return machine->net >= 0 || access(path, F_OK) == 0;
}

pid_t spaces_first_process(const struct machine *machine)
{
	char path[PATH_BYTES], to[64];
	ssize_t length;
	int pid = 0;

	pin_path(path, machine, "mnt");
	length = readlink(path, to, sizeof(to) - 1);
	to[length > 0 ? length : 0] = '\0';
	return sscanf(to, "/proc/%d/", &pid) == 1 ? pid : 0;
}

int spaces_open(struct world *world, struct machine *machine)
{
	int *fds[] = { &machine->net, &machine->mounts, &machine->names };
	char path[PATH_BYTES];

	for (size_t i = 0; i < 3; i++) {
		if (*fds[i] >= 0)
			continue;
		pin_path(path, machine, kinds[i].name);
		*fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (*fds[i] >= 0)
			continue;
		snprintf(world->problem, sizeof(world->problem), "%s is switched off",
			 machine->name);
		return -1;
	}
	return 0;
}

int spaces_enter(const struct machine *machine)
{
	return setns(machine->names, CLONE_NEWUTS) < 0 ||
			       setns(machine->net, CLONE_NEWNET) < 0 ||
			       setns(machine->mounts, CLONE_NEWNS) < 0
		       ? -1
		       : 0;
}

int spaces_call(const struct machine *machine, int (*work)(void *arg), void *arg)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(spaces_enter(machine) < 0 ? 126 : work(arg));
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) < 126
		       ? WEXITSTATUS(status)
		       : -1;
}

int spaces_network(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

bool spaces_visit(int network)
{
	return setns(network, CLONE_NEWNET) == 0;
}
