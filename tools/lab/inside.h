/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A lab from within: what the commands of svm-lab-inside share. */
#ifndef SVM_LAB_INSIDE_H
#define SVM_LAB_INSIDE_H

#include "../tool.h"
#include "targets.h"

#define LAB_CLUSTER_PATH "/run/svm-lab/cluster.json"

struct lab {
	struct tool *tool;
	struct lsvm_cluster *cluster;
	char *json; /* of the cluster */
	struct world world;
	struct targets targets;
	bool agents;		    /* directors and servers run theirs */
	const char *director_agent; /* another program as such; NULL: svm-eds run */
	char *nft;		    /* a stand-in for machines; NULL: none */
	bool nft_sought;
};

/* Loads the cluster file, or with NULL the running lab's. enum tool_exit. */
int lab_load(struct lab *lab, struct tool *tool, const char *path);
void lab_free(struct lab *lab);
/* world->problem on standard error; TOOL_FAILED. */
int lab_failed(struct lab *lab);
/* "svm-lab: …" on standard error, when somebody is looking. */
void lab_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Namespaces, cables, content, plans: everything up to the first request. */
int lab_build(struct lab *lab);
/* Makes the running lab hold another cluster with the same machines, in an order that
 * hurts no client. `was` is the one that it holds. */
int lab_change(struct lab *lab, struct lab *was);
/* One machine of it, without cables. 0, or -1 with world->problem. */
int lab_make_machine(struct lab *lab, struct machine *machine);
/* Has the machine's tool apply its plan. */
int lab_apply(struct lab *lab, const struct machine *machine);
/* What a shell runs on the machine as its agent; free() it. NULL: out of memory. */
char *lab_agent_command(const struct lab *lab, const struct machine *machine);
/* Runs a program in a machine with a deadline; its output is kept and shown only when it
 * fails. 0 or -1. */
int machine_run(const struct machine *machine, const char *const *arguments);

#endif
