/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first process of the guest, linked statically; it is all that the initramfs holds.
 *
 * It lays a RAM overlay over the host's root, which hostfs shows, so that a command sees
 * the host's programs and files at their places and may write anywhere without the host
 * noticing. Of the host's tree only /dev, /proc, /sys and /run are covered. Then it
 * serves svm-lab over the first serial line.
 *
 * What goes wrong here can be said on the console only, which svm-lab shows when the
 * guest does not come up.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#define MODULES "/usr/lib/uml/modules"

static void die(const char *what)
{
	fprintf(stderr, "svm-lab guest: %s: %s\n", what, strerror(errno));
	sync();
	reboot(RB_POWER_OFF);
	_exit(1);
}

static void must_mount(const char *source, const char *target, const char *type,
		       unsigned long flags, const char *data)
{
	if (mount(source, target, type, flags, data) < 0)
		die(target);
}

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
		die(path);
	close(fd);
}

static void make_root(void)
{
	static const char *const folders[] = { "/proc", "/lower", "/up", "/root",
					       "/dev" };
	char path[sizeof(struct utsname) + 128];
	struct utsname name;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		mkdir(folders[i], 0755);
	must_mount("hostfs", "/lower", "hostfs", MS_RDONLY, NULL);
	uname(&name);
	snprintf(path, sizeof(path),
		 "/lower" MODULES "/%s/kernel/fs/overlayfs/overlay.ko", name.release);
	load_module(path);
	must_mount("up", "/up", "tmpfs", 0, "size=80%");
	mkdir("/up/upper", 0755);
	mkdir("/up/work", 0755);
	must_mount("root", "/root", "overlay", 0,
		   "lowerdir=/lower,upperdir=/up/upper,workdir=/up/work");
	/* Inside the overlay, so that a host without the folder gets it in RAM only. */
	mkdir("/root/lib", 0755);
	mkdir("/root/lib/modules", 0755);
	must_mount("/lower" MODULES, "/root/lib/modules", NULL, MS_BIND, NULL);
	if (chdir("/root") < 0)
		die("/root");
	must_mount(".", "/", NULL, MS_MOVE, NULL);
	if (chroot(".") < 0 || chdir("/") < 0)
		die("chroot");
}

static void mount_kernel_parts(void)
{
	static const struct {
		const char *type, *target, *data;
	} parts[] = {
		{ "proc", "/proc", NULL },     { "sysfs", "/sys", NULL },
		{ "devtmpfs", "/dev", NULL },  { "devpts", "/dev/pts", "ptmxmode=0666" },
		{ "tmpfs", "/dev/shm", NULL }, { "tmpfs", "/run", "mode=0755" },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		mkdir(parts[i].target, 0755);
		must_mount(parts[i].type, parts[i].target, parts[i].type, 0,
			   parts[i].data);
	}
	if (symlink("/proc/self/fd", "/dev/fd") || symlink("fd/0", "/dev/stdin") ||
	    symlink("fd/1", "/dev/stdout") || symlink("fd/2", "/dev/stderr"))
		die("/dev/fd");
	mkdir("/run/lock", 0755);
	mkdir("/run/netns", 0755);
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		die("lo");
	close(fd);
}

static int open_line(void)
{
	struct termios raw;
	int fd = open("/dev/ttyS0", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &raw) < 0)
		die("/dev/ttyS0");
	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(fd, TCSANOW, &raw) < 0)
		die("/dev/ttyS0");
	return fd;
}

static const char *mount_out(const char *path)
{
	static char text[512];

	mkdir("/out", 0755);
	if (mount("out", "/out", "hostfs", 0, path) == 0)
		return NULL;
	snprintf(text, sizeof(text), "cannot show %s at /out in the guest: %s", path,
		 strerror(errno));
	return text;
}

int main(void)
{
	int line;

	make_root();
	mount_kernel_parts();
	loopback_up();
	if (sethostname("lab", 3) < 0)
		die("host name");
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	line = open_line();
	agent_serve(line, line, mount_out);
	tcdrain(line);
	reboot(RB_POWER_OFF);
	return 0;
}
