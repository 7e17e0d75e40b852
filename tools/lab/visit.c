/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The visitor's side of a lab that stays: finding it, running commands in it, ending it.
 * A folder belongs to whoever holds the lock of the file in it, from `up` to the keeper's
 * end, and to nobody when its owner died. Only the owner removes anything.
 */
#include "keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DOWN_MS 30000
#define CLAIM_TRIES 100

/* A lab's folder is this and its name. */
static int folder_prefix(char *buf, size_t size)
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	if (base && base[0] == '/' && access(base, W_OK) == 0)
		return snprintf(buf, size, "%s/svm-lab-", base);
	return snprintf(buf, size, "/tmp/svm-lab-%u-", geteuid());
}

int keeper_folder(const char *name, char *buf, size_t size)
{
	int length = folder_prefix(buf, size);

	if (length > 0 && (size_t)length < size)
		length += snprintf(buf + length, size - (size_t)length, "%s", name);
	if (length > 0 && (size_t)length < size && name[0] && !strchr(name, '/'))
		return 0;
	complain("'%s' cannot be the name of a lab", name);
	return -1;
}

/* In /tmp others could have made it before us. */
static bool is_ours(const char *folder)
{
	struct stat status;

	return lstat(folder, &status) == 0 && S_ISDIR(status.st_mode) &&
	       status.st_uid == geteuid() && !(status.st_mode & 077);
}

static int open_lock(const char *folder, int flags)
{
	char path[KEEPER_PATH_BYTES + 16];

	snprintf(path, sizeof(path), "%s/lock", folder);
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* The file may be one that its owner has removed since we opened it. */
static bool is_in_place(const char *folder, int fd)
{
	char path[KEEPER_PATH_BYTES + 16];
	struct stat here, there;

	snprintf(path, sizeof(path), "%s/lock", folder);
	return fstat(fd, &here) == 0 && lstat(path, &there) == 0 &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

int keeper_claim(const char *folder)
{
	int fd = -1;

	for (int i = 0; i < CLAIM_TRIES; i++) {
		struct flock lock = { .l_type = F_WRLCK };

		if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
			complain("%s: %s", folder, strerror(errno));
			return -1;
		}
		if (!is_ours(folder) && access(folder, F_OK) == 0) {
			complain("%s is not a folder of yours alone; remove it", folder);
			return -1;
		}
		fd = open_lock(folder, O_RDWR | O_CREAT);
		if (fd < 0 && errno != ENOENT) {
			complain("%s: %s", folder, strerror(errno));
			return -1;
		}
		if (fd < 0)
			continue;
		if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
			close(fd);
			break;
		}
		if (is_in_place(folder, fd))
			return fd;
		close(fd);
	}
	fd = keeper_connect(folder);
	if (fd >= 0)
		close(fd);
	complain("a lab is %s already; svm-lab down ends it, --lab NAME starts another",
		 fd >= 0 ? "up" : "starting");
	return -1;
}

/* Looks without taking, since even a short hold could turn an `up` away. */
static bool is_claimed(const char *folder)
{
	struct flock lock = { .l_type = F_WRLCK };
	int fd = is_ours(folder) ? open_lock(folder, O_RDWR) : -1;
	bool claimed =
		fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return claimed;
}

int keeper_connect(const char *folder)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (!is_ours(folder))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

void keeper_clean(const char *folder)
{
	char path[KEEPER_PATH_BYTES + 16];

	snprintf(path, sizeof(path), "%s/socket", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock", folder);
	unlink(path);
	rmdir(folder);
}

/* The labs that are up, as options to choose them: " --lab a, --lab b". */
static void list_labs(char *buf, size_t size)
{
	char prefix[KEEPER_PATH_BYTES], folder[KEEPER_PATH_BYTES];
	int length = folder_prefix(prefix, sizeof(prefix));
	struct dirent **entries = NULL;
	size_t used = 0;
	int count;
	char *slash;

	buf[0] = '\0';
	if (length <= 0 || (size_t)length >= sizeof(prefix))
		return;
	slash = strrchr(prefix, '/');
	*slash = '\0';
	count = scandir(prefix, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		const char *entry = entries[i]->d_name, *head = slash + 1;
		int got = snprintf(folder, sizeof(folder), "%s/%s", prefix, entry);

		if (!strncmp(entry, head, strlen(head)) && (size_t)got < sizeof(folder) &&
		    is_claimed(folder) && used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s --lab %s",
						 used ? "," : "", entry + strlen(head));
		free(entries[i]);
	}
	free(entries);
}

/* Why there is nothing to connect to. */
static int complain_absent(const char *folder)
{
	char prefix[KEEPER_PATH_BYTES], labs[1024];
	const char *name = folder + folder_prefix(prefix, sizeof(prefix));

	list_labs(labs, sizeof(labs));
	if (is_claimed(folder))
		complain("the lab '%s' is starting; try again when svm-lab up is done",
			 name);
	else if (labs[0])
		complain("no lab is up by the name '%s'%s; there is%s", name,
			 strcmp(name, KEEPER_DEFAULT_NAME) ? ""
							   : ", the one without --lab",
			 labs);
	else
		complain("no lab is up; svm-lab up FILE starts one");
	return TOOL_FAILED;
}

int keeper_run(const char *folder, char *const *arguments, int64_t deadline_ms)
{
	struct session session = { .fd = keeper_connect(folder),
				   .log = -1,
				   .died = -1,
				   .pid = -1,
				   .is_visit = true };
	int signals, status;

	if (session.fd < 0)
		return complain_absent(folder);
	snprintf(session.problem, sizeof(session.problem), "the lab ended");
	signals = signals_open();
	status = session_run(&session, signals, arguments, deadline_ms);
	close(signals);
	session_kill(&session);
	return status;
}

int keeper_end(const char *folder)
{
	struct session session = { .fd = keeper_connect(folder),
				   .log = -1,
				   .died = -1,
				   .pid = -1,
				   .is_visit = true };
	struct frame_header header;
	unsigned char *payload;
	int got;

	if (session.fd < 0)
		return complain_absent(folder);
	session_send(&session, FRAME_DOWN, 0, NULL, 0);
	snprintf(session.problem, sizeof(session.problem), "ended");
	while ((got = session_next(&session, -1, DOWN_MS, &header, &payload)) > 0)
		;
	session_kill(&session);
	if (got < 0)
		return TOOL_DONE;
	complain("the lab does not end");
	return TOOL_FAILED;
}
