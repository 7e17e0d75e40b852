/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything below the library's socket to IPVS, played by the simulated kernel, with
 * faults on its way. The linker puts the functions of ipvs_kernel_fake.c in the place of
 * the system's (--wrap); the clock is theirs too, so that no deadline is waited for.
 */
#ifndef LSVM_TESTS_IPVS_KERNEL_FAKE_H
#define LSVM_TESTS_IPVS_KERNEL_FAKE_H

#include "host/linux/ipvs_private.h"
#include "host/sim/sim.h"

enum fault {
	FAULT_NONE,
	/* of whole answers */
	FAULT_LOST,	    /* nothing comes */
	FAULT_NO_VERDICT,   /* neither acknowledgement nor the end of a dump */
	FAULT_ENOBUFS,	    /* nothing comes, and the socket says so */
	FAULT_ENDLESS,	    /* a dump without an end */
	FAULT_LATE,	    /* it comes after the next request was sent */
	FAULT_ALIEN_ACK,    /* first comes the answer to another socket's request */
	FAULT_OLD_ACK,	    /* first comes the answer to an earlier request */
	FAULT_ALIEN_SENDER, /* first comes a datagram of another process */
	FAULT_FALSE_ACK,    /* first comes an acknowledgement that nobody asked for */
	FAULT_FALSE_DONE,   /* first comes the end of a dump */
	FAULT_EMPTY,	    /* first comes a datagram without anything in it */
	FAULT_REFUSED,	    /* ends with an errno that makes no sense */
	FAULT_TYPE,	    /* of another family */
	/* of one message in it */
	FAULT_SHORT,	    /* the datagram ends inside */
	FAULT_CUT,	    /* the same, and the kernel says so */
	FAULT_LENGTH_LONG,  /* longer than the datagram */
	FAULT_LENGTH_SMALL, /* shorter than its own head */
	FAULT_SEQUENCE,	    /* an answer to what was never asked */
	FAULT_PORT,	    /* for another socket */
	FAULT_NEST,	    /* an attribute that is longer than what it is in */
	FAULT_ATTRIBUTE,    /* an attribute that is shorter than its own head */
	FAULT_INTERRUPTED,  /* NLM_F_DUMP_INTR */
	FAULT_TWICE,	    /* the same again */
	FAULT_ERRNO_RANGE,  /* a verdict that is no errno */
	/* of the calls */
	FAULT_EINTR_SEND,
	FAULT_EINTR_RECEIVE,
	FAULT_EINTR_WAIT, /* and nothing comes */
	FAULT_SEND_REFUSED,
	FAULT_SEND_CUT,
	FAULT_COUNT,
};

/* The older interface's. */
enum older_fault {
	OLDER_NONE,
	OLDER_EINTR,
	OLDER_EINTR_DONE, /* done, and interrupted all the same */
	OLDER_ENOMEM,
	OLDER_GONE,   /* ESRCH */
	OLDER_LENGTH, /* an answer of another length than was asked for */
	OLDER_NAME,   /* names without an end */
	OLDER_FEWER,  /* less than there is */
	OLDER_HUGE,   /* more than there can be */
	OLDER_COUNT,
};

struct fake {
	struct sim_host *sim;
	uint64_t now_us;
	enum fault fault;
	enum older_fault older_fault;
	unsigned skip; /* so many requests go well first */
	bool for_ever; /* or once */
	bool hit;      /* the fault came to pass */
	bool newer;    /* services and destinations have an attribute of the future */
	unsigned kept, lost; /* edits with and without it */
};

#define FAKE_ATTRIBUTE "\x08\x00\xc8\x00\x01\x00\xcd\xab" /* number 200 */

extern struct fake fake;

/* All goes well from here on; what lies on its way already, stays there. */
void fake_heal(void);
/* Nothing is on its way any more. */
void fake_clear(void);
uint64_t fake_now_ms(void);

#endif
