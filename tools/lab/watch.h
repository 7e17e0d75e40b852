/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looking at a cluster while things happen to it: which director holds the virtual
 * addresses, whom its table sends clients to, and where requests are that owe an answer.
 */
#ifndef SVM_LAB_WATCH_H
#define SVM_LAB_WATCH_H

#include "inside.h"
#include "load.h"

struct watch;

struct watch *watch_new(struct lab *lab);
void watch_free(struct watch *watch);
/* Before a machine is switched off, whose network must not be kept. */
void watch_forget(struct watch *watch, const struct machine *machine);
/* What the script has made of a machine. */
void watch_cable(struct watch *watch, const struct machine *machine, bool in);
void watch_serves(struct watch *watch, const struct machine *machine, bool serves);

/* The only director with cables that holds the virtual addresses, all of them; else NULL
 * and why not. */
const struct machine *watch_master(struct watch *watch, char *why, size_t size);
/* Whether the master's table sends clients to the server: 1 for everything that it is
 * planned for, 0 for nothing, -1 neither or not to be told. */
int watch_server(struct watch *watch, const struct machine *server);
/* Whether every service that a server has takes connections there. */
bool watch_serving(struct watch *watch, char *why, size_t size);
/* Whether there is a master whose table has every server that works. */
bool watch_settled(struct watch *watch, char *why, size_t size);

/* Notes where requests are that were accepted and have no answer. */
void watch_requests(struct watch *watch, struct load *load);

#endif
