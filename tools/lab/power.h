/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines as things that are switched on and off, and the processes in them. */
#ifndef SVM_LAB_POWER_H
#define SVM_LAB_POWER_H

#include "inside.h"

/*
 * The end of a machine: first its cables are dead, so that nothing which its processes
 * do while they die is heard; then they are killed; then its network is gone with its
 * addresses, its IPVS table and its connections. Its disk stays.
 */
int power_off(struct lab *lab, struct machine *machine);
/* As it was built, with the disk that it had; it boots: see power_boot(). */
int power_on(struct lab *lab, struct machine *machine);

/* What an init system does on a machine that has its interfaces: starts the agent, or
 * what stands in for it; on a machine without one nothing. */
int power_boot(struct lab *lab, const struct machine *machine);

/* The agent's process, or 0. */
pid_t agent_pid(const struct machine *machine);
int agent_start(struct lab *lab, const struct machine *machine);
/* SIGKILL or SIGTERM to the agent's process and to no other. */
int agent_signal(struct lab *lab, const struct machine *machine, int number);
/* The last lines that the agent has said, on standard error. */
void agent_show(const struct machine *machine);

/* A signal to all processes of the machine but its agent, or to those of a program; how
 * many there were, or -1 with world->problem when there was none. */
int services_signal(struct lab *lab, const struct machine *machine, const char *program,
		    int number);

#endif
