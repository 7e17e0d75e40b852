/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A lab that stays: a process in the background keeps its guest, listens on a socket, and
 * passes commands in and output out. The folder of the socket is all that is on disk.
 */
#ifndef SVM_LAB_KEEPER_H
#define SVM_LAB_KEEPER_H

#include "lab.h"

#define KEEPER_PATH_BYTES 100 /* of sun_path, 108 */

/* Where the lab of that name has its folder; -1 when it cannot be made. */
int keeper_folder(const char *name, char *buf, size_t size);
/* Connects to it: a socket, or -1 when there is none. What a dead one left is removed. */
int keeper_connect(const char *folder);
void keeper_clean(const char *folder);
/* Starts the keeper; returns when its guest takes commands. enum tool_exit. */
int keeper_start(const char *folder, const struct session_options *options);
/* Has the keeper run a command and passes on what it says; its exit status. */
int keeper_run(const char *folder, char *const *arguments, int64_t deadline_ms);
/* Ends it, and waits until it is gone. */
int keeper_end(const char *folder);

#endif
