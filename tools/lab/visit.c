/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The visitor's side of a lab that stays: finding it, running commands in it, ending it.
 */
#include "keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DOWN_MS 30000

int keeper_folder(const char *name, char *buf, size_t size)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	struct stat status;
	int length;

	if (base && base[0] == '/' && access(base, W_OK) == 0)
		length = snprintf(buf, size, "%s/svm-lab-%s", base, name);
	else
		length = snprintf(buf, size, "/tmp/svm-lab-%u-%s", geteuid(), name);
	if (length < 0 || (size_t)length >= size || strchr(name, '/')) {
		complain("'%s' cannot be the name of a lab", name);
		return -1;
	}
	if (mkdir(buf, 0700) < 0 && errno != EEXIST) {
		complain("%s: %s", buf, strerror(errno));
		return -1;
	}
	/* In /tmp others could have made it before us. */
	if (lstat(buf, &status) < 0 || !S_ISDIR(status.st_mode) ||
	    status.st_uid != geteuid() || status.st_mode & 077) {
		complain("%s is not a folder of yours alone; remove it", buf);
		return -1;
	}
	return 0;
}

int keeper_connect(const char *folder)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	keeper_clean(folder);
	return -1;
}

int keeper_run(const char *folder, char *const *arguments, int64_t deadline_ms)
{
	struct session session = { .fd = keeper_connect(folder),
				   .log = -1,
				   .died = -1,
				   .pid = -1,
				   .is_visit = true };
	int signals, status;

	if (session.fd < 0) {
		complain("no lab is up; svm-lab up FILE starts one");
		return TOOL_FAILED;
	}
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

	if (session.fd < 0) {
		complain("no lab is up");
		return TOOL_FAILED;
	}
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
