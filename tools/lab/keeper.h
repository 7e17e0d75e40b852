/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A lab that stays: a process in the background keeps its guest, listens on a socket, and
 * passes commands in and output out. The folder of the socket is all that is on disk.
 */
#ifndef SVM_LAB_KEEPER_H
#define SVM_LAB_KEEPER_H

#include "lab.h"

#define KEEPER_PATH_BYTES 100 /* of sun_path, 108 */

#define KEEPER_DEFAULT_NAME "lab"

/* Where the lab of that name has its folder; -1 when that is no name. */
int keeper_folder(const char *name, char *buf, size_t size);
/* Makes the folder, or takes over a dead owner's, for the process and its children: a
 * descriptor that stays open as long; -1 when somebody else's lab has it. */
int keeper_claim(const char *folder);
/* Connects to it: a socket, or -1 when there is none. Changes nothing. */
int keeper_connect(const char *folder);
/* Removes the folder; for its owner only. */
void keeper_clean(const char *folder);
/* Starts the keeper in a folder that is ours, and its from now on; returns when its guest
 * takes commands. enum tool_exit. */
int keeper_start(const char *folder, const struct session_options *options);
/* Has the keeper run a command and passes on what it says; its exit status. */
int keeper_run(const char *folder, char *const *arguments, int64_t deadline_ms);
/* Ends it, and waits until it is gone. */
int keeper_end(const char *folder);

#endif
