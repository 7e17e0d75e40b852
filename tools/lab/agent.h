/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SVM_LAB_AGENT_H
#define SVM_LAB_AGENT_H

#include <stdbool.h>

/*
 * Serves one frame stream as the first process of a guest or of a PID namespace: runs
 * commands, passes their output and exit status on, reaps orphans. Returns when the
 * other side says so or is gone.
 *
 * mount_out: puts a folder of the host at /out; NULL where the host's root is in use.
 * Returns NULL or a sentence.
 */
void agent_serve(int in, int out, const char *(*mount_out)(const char *path));

#endif
