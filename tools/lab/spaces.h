/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine's own view of this computer: network, host name, and files. It has a /run of
 * its own, and what it writes below a few folders (/etc, /var, /srv and where the
 * domains' files are) nobody else sees.
 */
#ifndef SVM_LAB_SPACES_H
#define SVM_LAB_SPACES_H

#include "world.h"

#include <sys/types.h>

#define SPACES_FOLDER "/run/svm-lab"
#define NFT_PATH "/usr/sbin/nft"

/* Loads the kernel modules that the wiring needs; what is built in is no fault. */
void spaces_load_modules(void);
/* Whether nftables works for IPv4 and IPv6 in the kernel that we run on. */
bool spaces_have_nft(void);
/* Makes the machine's namespaces and keeps them, until all its processes are dead and
 * spaces_forget() is called. What a machine of that name once wrote is there. `folders`
 * ends with NULL; `nft` is what the machine finds as NFT_PATH, NULL for its own. 0, or -1
 * with world->problem. */
int spaces_make(struct world *world, struct machine *machine, const char *const *folders,
		const char *nft);
/* Finds those that another process made. */
int spaces_open(struct world *world, struct machine *machine);
/* Whether the machine is switched on. */
bool spaces_is_on(const struct machine *machine);
/* The one that only stays. */
pid_t spaces_first_process(const struct machine *machine);
/* Lets go of a machine whose processes are dead: its network ends. */
void spaces_forget(struct machine *machine);
/* Enters the machine for good; for a child before it runs a program. 0 or -1. */
int spaces_enter(const struct machine *machine);
/* Runs `work` in a child inside the machine and gives back its answer, a status from 0 to
 * 125; -1: it could not be run. */
int spaces_call(const struct machine *machine, int (*work)(void *arg), void *arg);
/* Into the machine's network only, and back: own is spaces_network(). */
int spaces_network(void);
bool spaces_visit(int network);

/* Writes a sysctl of the network the caller is in; those that are missing are no fault.
 */
void sysctl_write(const char *path, const char *value);

#endif
