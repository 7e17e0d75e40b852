/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One suite for every kind of host: what a step does, and which error answers a wrong
 * one. A real machine runs it in fresh network and mount namespaces, one pair for each
 * test, so that it never sees the machine it runs on.
 */
#ifndef LSVM_TESTS_UNIT_HOST_SUITE_H
#define LSVM_TESTS_UNIT_HOST_SUITE_H

#include "test.h"

#include "host/host.h"

/* What the tests may need beyond sockets and files. */
enum suite_part {
	SUITE_BASE = 1,
	SUITE_TUNNELS = 2, /* the kernel's ipip, sit, gre, fou */
	SUITE_IPVS = 4,	   /* the kernel's ip_vs */
};

/* Runs the parts (or-ed) on simulated or real hosts; the number of failed tests. */
int host_suite(bool simulated, int parts);

#endif
