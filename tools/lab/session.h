/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A place where commands run: a guest with its own kernel, or namespaces of the running
 * one. It lives as long as this process; when this process dies, whatever the reason, the
 * place and every process in it die too, and nothing stays behind on disk.
 */
#ifndef SVM_LAB_SESSION_H
#define SVM_LAB_SESSION_H

#include "frame.h"

#include <sys/types.h>

struct session {
	int fd;	  /* frames */
	int log;  /* a guest's console; -1 */
	int died; /* pidfd of the guest or the agent */
	pid_t pid;
	struct frame_reader reader;
	unsigned char *waiting; /* to be sent when the agent has taken more */
	size_t waiting_bytes;
	uint32_t on_the_way; /* sent and not taken yet */
	bool is_visit;	     /* the other side is a keeper, which takes everything */
	char problem[512];   /* what went wrong, a sentence */
};

struct session_options {
	bool native; /* namespaces of the running kernel, no guest */
	uint32_t memory_mib;
	const char *out; /* folder to show at /out; NULL: none */
};

/* Starts the place without waiting for it. 0, or -1 with session->problem. */
int session_start(struct session *session, const struct session_options *options);
/* Starts linux.uml; session_start() for guests (guest.c). */
int guest_start(struct session *session, const struct session_options *options);
/* Removes what is on disk while a guest of this process boots. */
void guest_forget_folder(void);
/* Waits for the next frame. 1: here it is; 0: deadline; -1: the place is gone, see
 * problem. Returns early with 0 when `also` becomes readable (-1: none). */
int session_next(struct session *session, int also, int timeout_ms,
		 struct frame_header *ret_header, unsigned char **ret_payload);
/* Sends a frame, now or while session_next() waits. False when the place is gone. */
bool session_send(struct session *session, enum frame_type type, uint16_t channel,
		  const void *payload, size_t length);
/* Waits until it takes commands. 1 yes, 0 deadline or `also`, -1 it failed. */
int session_wait_ready(struct session *session, const struct session_options *options,
		       int also, int timeout_ms);
/* Has everything written out, then ends it. */
void session_stop(struct session *session);
/* Ends it at once. */
void session_kill(struct session *session);

/* The path of a file that belongs to svm-lab: beside it in the build tree, or installed
 * in libexec. NULL when missing; else free it. */
char *lab_helper_path(const char *name);
/* The same for a program: the build tree, beside svm-lab, PATH. */
char *lab_program_path(const char *name);
int64_t now_ms(void);

#endif
