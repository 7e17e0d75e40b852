/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A wire with two directors and somebody who watches, in network namespaces:
 *
 *	ours (a0) ---- pa [ bridge c0 ] pb ---- theirs (b0)
 *
 * The test lives on the bridge. It sees every frame of both, asks for the virtual
 * address's owner again and again, and sends frames of its own making to ours.
 */
#ifndef LSVM_TESTS_LAB_VRRP_WIRE_H
#define LSVM_TESTS_LAB_VRRP_WIRE_H

#include "../unit/test.h"
#include "host/host.h"
#include "host/io.h"
#include "vrrp/vrrp.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define LOG_LINES 512

enum side {
	OURS = 0,
	THEIRS = 1,
	NOBODY = 2
};

enum director_kind {
	DIRECTOR_MACHINE = 0, /* lib/vrrp and nothing else */
	DIRECTOR_EDS = 1,     /* svm-eds run */
	DIRECTOR_KEEPALIVED = 2,
};

struct director {
	enum director_kind kind;
	uint8_t priority;
	pid_t pid;  /* 0: does not run */
	bool boots; /* with its next start the whole machine starts */
};

/* What was seen of one side. */
struct sight {
	uint64_t advert_ns; /* the last advert that was no farewell */
	uint64_t answer_ns; /* the last answer for the virtual address */
	unsigned adverts, farewells, answers, announcements;
	uint8_t priority; /* of the last advert */
	uint8_t last[VRRP_PACKET_MAX_BYTES];
	size_t last_length;
};

struct wire {
	struct vrrp_config config; /* but for what differs between the sides */
	struct director directors[2];
	bool quiet;		  /* the owner is not asked for */
	int sock, pa, pb, bridge; /* numbers of interfaces */
	uint8_t mac[6];		  /* the bridge's, that is, the test's */
	struct sight sights[2];
	uint64_t asked_ns;   /* when the owner was asked for last */
	bool answered[2];    /* that question */
	unsigned alone[2];   /* so many questions in turn only that side answered */
	uint64_t doubled_ns; /* both answered the same question: for how long in all */
	FILE *log;	     /* of ours */
	char lines[LOG_LINES][256];
	unsigned line_count;
};

uint64_t now_ns(void);
void shell(const char *fmt, ...) LSVM_PRINTF(1, 2);

/* ---- vrrp_wire_net.c ---- */

void wire_up(struct wire *wire, uint8_t version, uint8_t family, uint32_t interval_ms);
/* Before the first start: which kind they are. */
void wire_use(struct wire *wire, enum side side, enum director_kind kind);
/* Adverts to the other one instead of the group. */
void wire_use_unicast(struct wire *wire);
void wire_down(struct wire *wire);
/* The cable of that side, in or out. */
void wire_connect(struct wire *wire, enum side side, bool in);
/* Sees what has come, and asks for the owner every few milliseconds. */
void wire_watch(struct wire *wire);
/* A frame to ours, as if from `from`. */
void wire_forge(struct wire *wire, const struct addr *from, uint8_t ttl,
		const uint8_t *bytes, size_t length);

/* ---- vrrp_wire_director.c ---- */

/* Runs a director with its kind and priority on its side. What ours does arrives as lines
 * in wire->lines: "… master: CAUSE", "refused …: CAUSE". */
void director_start(struct wire *wire, enum side side);
/* Does not wait for what it does. */
void director_signal(struct wire *wire, enum side side, int signal);
/* In order. */
void director_stop(struct wire *wire, enum side side);
/* Its process is gone, without a word. */
void director_kill(struct wire *wire, enum side side);
/* The machine is gone: process and network. */
void director_power_off(struct wire *wire, enum side side);

#endif
