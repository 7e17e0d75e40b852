/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting User-Mode Linux, a kernel that is an ordinary process.
 *
 * The initramfs holds one file, the guest's first process, and lives in memory only. With
 * the right to it (root, or user namespaces) the kernel runs where all of the host is
 * mounted read-only but for --out, so that even root in the guest cannot change the host.
 * Its memory file wants a tmpfs that may hold executable pages and is large enough; a
 * private one is mounted when possible. linux.uml insists on a folder for its control
 * socket; where that cannot lie on the private tmpfs, it is removed as soon as the guest
 * is up.
 *
 * uml-xstate.so is always loaded into it; it says itself why.
 */
#include "session.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINE_FD 3
#define INITRD_FD 4
#define LINE_BUFFER_BYTES (1 << 20)

static int missing(struct session *session, const char *what, const char *package)
{
	snprintf(session->problem, sizeof(session->problem),
		 "%s is missing; install it: apt-get install %s", what, package);
	return -1;
}

static char *find_in_path(const char *name)
{
	static const char *const folders[] = { "/usr/bin", "/usr/local/bin", "/usr/sbin",
					       "/sbin" };
	char *path = NULL;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (asprintf(&path, "%s/%s", folders[i], name) < 0)
			return NULL;
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static bool add_entry(struct archive *archive, const char *name, int type, int from)
{
	struct archive_entry *entry = archive_entry_new();
	char bytes[65536];
	struct stat status = { 0 };
	bool good;
	ssize_t got = 0;

	if (!entry)
		return false;
	if (from >= 0 && fstat(from, &status) < 0)
		status.st_size = 0;
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, 0755);
	archive_entry_set_size(entry, status.st_size);
	if (type == AE_IFCHR) {
		archive_entry_set_rdevmajor(entry, 5); /* the console */
		archive_entry_set_rdevminor(entry, 1);
	}
	good = archive_write_header(archive, entry) == ARCHIVE_OK;
	while (good && from >= 0 && (got = read(from, bytes, sizeof(bytes))) > 0)
		good = archive_write_data(archive, bytes, (size_t)got) == got;
	archive_entry_free(entry);
	return good && got >= 0;
}

static int make_initramfs(struct session *session)
{
	char *path = lab_helper_path("svm-lab-guest-init");
	int from = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	int fd = memfd_create("initramfs", MFD_CLOEXEC);
	struct archive *archive = archive_write_new();
	bool good = false;

	if (from >= 0 && fd >= 0 && archive)
		good = archive_write_set_format_cpio_newc(archive) == ARCHIVE_OK &&
		       archive_write_open_fd(archive, fd) == ARCHIVE_OK &&
		       add_entry(archive, "dev", AE_IFDIR, -1) &&
		       add_entry(archive, "dev/console", AE_IFCHR, -1) &&
		       add_entry(archive, "init", AE_IFREG, from) &&
		       archive_write_close(archive) == ARCHIVE_OK;
	archive_write_free(archive);
	if (from >= 0)
		close(from);
	if (!good) {
		snprintf(
			session->problem, sizeof(session->problem),
			"cannot make the guest's initramfs from %s; install libsvm again",
			path ? path : "svm-lab-guest-init, which is missing");
		close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		errno = 0; /* what it was for fails later, with its own reason */
	close(fd);
}

/* A mount namespace of its own; an ordinary user needs a user namespace for it. */
static bool own_mounts(void)
{
	unsigned int uid = geteuid(), gid = getegid();
	char line[64];

	if (unshare(CLONE_NEWNS) == 0)
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	write_text("/proc/self/setgroups", "deny");
	snprintf(line, sizeof(line), "%u %u 1", uid, uid);
	write_text("/proc/self/uid_map", line);
	snprintf(line, sizeof(line), "%u %u 1", gid, gid);
	write_text("/proc/self/gid_map", line);
	return true;
}

static bool shut_host(const char *out)
{
	struct mount_attr lock = { .attr_set = MOUNT_ATTR_RDONLY };
	struct mount_attr unlock = { .attr_clr = MOUNT_ATTR_RDONLY };

	if (!own_mounts() || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	if (mount("shm", "/dev/shm", "tmpfs", 0, "mode=1777,size=100%") < 0)
		return false;
	if (out && mount(out, out, NULL, MS_BIND | MS_REC, NULL) < 0)
		return false;
	if (syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &lock,
		    sizeof(lock)) == 0) {
		syscall(SYS_mount_setattr, AT_FDCWD, "/dev/shm", 0, &unlock,
			sizeof(unlock));
		if (out)
			syscall(SYS_mount_setattr, AT_FDCWD, out, 0, &unlock,
				sizeof(unlock));
	}
	return true;
}

/* Where there is no private tmpfs, /dev/shm may be too small (64 MiB in containers). */
static const char *memory_folder(unsigned int memory_mib)
{
	struct statvfs status;

	if (statvfs("/dev/shm", &status) == 0 && !(status.f_flag & ST_NOEXEC) &&
	    status.f_bavail * (status.f_frsize / 1024) / 1024 >= memory_mib)
		return "/dev/shm";
	return "/tmp";
}

static void control_folder(char *buf, size_t size, pid_t parent, const char *below)
{
	snprintf(buf, size, "/tmp/svm-lab.%d%s", (int)parent, below);
}

void guest_forget_folder(void)
{
	static const char *const below[] = { "/lab/mconsole", "/lab/pid", "/lab", "" };
	char path[64];

	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		control_folder(path, sizeof(path), getpid(), below[i]);
		remove(path);
	}
}

/* In the child: never returns. */
static void become_guest(const char *program, const char *shim, pid_t parent, int line,
			 int initrd, int log, const struct session_options *options)
{
	char memory[32], preload[4200], folder[64], control[64] = "uml_dir=";
	bool shut;
	sigset_t none;
	const char *arguments[] = { program,
				    memory,
				    "initrd=/proc/self/fd/4",
				    "con=null",
				    "con0=null,fd:1",
				    "ssl=null",
				    "ssl0=fd:3",
				    "quiet",
				    "loglevel=3",
				    "panic=-1",
				    "noreboot",
				    "selinux=0",
				    "uml_dir=/dev/shm/uml",
				    NULL };
	const char *environment[] = { preload, folder,
				      "PATH=/usr/bin:/bin:/usr/sbin:/sbin", NULL };

	setsid(); /* Ctrl-C is for svm-lab alone */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	shut = shut_host(options->out);
	if (shut)
		strcat(control, "/dev/shm/uml");
	else
		control_folder(control + 8, sizeof(control) - 8, parent, "");
	if (!shut && mkdir(control + 8, 0700) < 0)
		_exit(1);
	snprintf(memory, sizeof(memory), "mem=%uM", options->memory_mib);
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", shim);
	snprintf(folder, sizeof(folder), "TMPDIR=%s",
		 shut ? "/dev/shm" : memory_folder(options->memory_mib));
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
	dup2(log, 1);
	dup2(log, 2);
	line = fcntl(line, F_DUPFD, 10);
	initrd = fcntl(initrd, F_DUPFD, 10);
	dup2(line, LINE_FD);
	dup2(initrd, INITRD_FD);
	closefrom(INITRD_FD + 1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(program, (char *const *)arguments, (char *const *)environment);
	_exit(127);
}

int guest_start(struct session *session, const struct session_options *options)
{
	char *program = find_in_path("linux.uml"), *modprobe = find_in_path("modprobe");
	char *shim = lab_helper_path("svm-lab-uml-xstate.so");
	int sockets[2] = { -1, -1 }, initrd = -1, size = LINE_BUFFER_BYTES, ret = -1;
	pid_t parent = getpid();

	if (!program) {
		missing(session, "User-Mode Linux (linux.uml)", "user-mode-linux");
	} else if (!modprobe) {
		missing(session, "modprobe", "kmod");
	} else if (!shim) {
		missing(session, "svm-lab-uml-xstate.so", "libsvm-tools, or build again");
	} else if ((initrd = make_initramfs(session)) >= 0 &&
		   (session->log = memfd_create("console", MFD_CLOEXEC)) >= 0 &&
		   socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0) {
		setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		setsockopt(sockets[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		session->pid = fork();
		if (session->pid == 0)
			become_guest(program, shim, parent, sockets[1], initrd,
				     session->log, options);
		close(sockets[1]);
		session->fd = sockets[0];
		ret = session->pid < 0 ? -1 : 0;
	}
	if (ret < 0 && !session->problem[0])
		snprintf(session->problem, sizeof(session->problem),
			 "cannot start the guest: %s", strerror(errno));
	if (initrd >= 0)
		close(initrd);
	free(program);
	free(modprobe);
	free(shim);
	return ret;
}
