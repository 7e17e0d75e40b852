/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What goes wrong in a rehearsal: a script of steps, a line each, read and held against
 * the cluster before anything is started.
 */
#ifndef SVM_LAB_FAULTS_H
#define SVM_LAB_FAULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULTS_STEPS_MAX 1000
#define FAULTS_PROBLEM_BYTES 400

enum fault {
	FAULT_POWER_OFF = 1,
	FAULT_POWER_ON,
	FAULT_PULL_CABLE,
	FAULT_PLUG_CABLE,
	FAULT_KILL_AGENT,
	FAULT_STOP_AGENT,
	FAULT_START_AGENT,
	FAULT_STOP_SERVICE,
	FAULT_START_SERVICE,
	FAULT_WEDGE,
	FAULT_UNWEDGE,
	FAULT_LOSS,
	FAULT_DELAY,
	FAULT_HEAL,
	FAULT_WAIT_SETTLED,
	FAULT_EXPECT,
	FAULT_END,
};

enum expectation {
	EXPECT_NOTHING = 0,
	EXPECT_MASTER,
	EXPECT_SERVER_OUT,
	EXPECT_SERVER_IN,
	EXPECT_NO_FAILED,
	EXPECT_NO_LATE,
	EXPECT_NO_LOST,
	EXPECT_OUTAGE_BELOW,
	EXPECT_SLOWEST_BELOW,
};

enum moment {
	MOMENT_THEN, /* as soon as the step before is done */
	MOMENT_AT,   /* so long after the client began */
	MOMENT_AFTER /* so long after the step before was done */
};

struct fault_step {
	enum fault kind;
	enum moment moment;
	uint64_t when_ms;
	unsigned line;
	char *text;	  /* as it is written, without the moment */
	char *subject;	  /* machine or network; NULL: none */
	char *detail;	  /* interface or program; NULL: all of them */
	double percent;	  /* loss */
	uint64_t time_ms; /* delay, patience or bound */
	enum expectation expectation;
};

struct faults {
	struct fault_step *steps;
	size_t count;
	/* The client. */
	uint32_t rate;	   /* new connections a second; 0: none */
	uint32_t parallel; /* so many at any time instead; 0: by rate */
	uint32_t hold;	   /* connections that stay, with an exchange each hold_ms */
	uint32_t hold_ms;
	uint32_t sources;    /* addresses that it asks from */
	uint32_t timeout_ms; /* of a request */
	/* "FILE:LINE: what is wrong; what to do" */
	char problem[FAULTS_PROBLEM_BYTES];
};

/* Reads a script; `cluster` is the cluster's JSON. 0, or -1 with ret->problem. */
int faults_load(const char *path, const json_t *cluster, struct faults *ret);
/* One step in words, as a command line has it: "power-off", "eds1". */
int faults_load_words(char *const *words, size_t count, const json_t *cluster,
		      struct faults *ret);
void faults_free(struct faults *faults);

/* Whether it makes something fail, or heals it; the others only look. */
bool fault_acts(enum fault kind);

#endif
