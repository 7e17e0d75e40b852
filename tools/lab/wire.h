/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cables between the machines: a bridge for each network, a veth pair for each port. */
#ifndef SVM_LAB_WIRE_H
#define SVM_LAB_WIRE_H

#include "world.h"

/* The machines' namespaces are there. 0, or -1 with world->problem. */
int wire_all(struct world *world);

/* What went through a port. */
struct traffic {
	uint64_t in_packets, in_bytes, out_packets, out_bytes;
};
/* Of all ports of the machine, by their plugs on the bridges. */
int wire_traffic(struct world *world, const struct machine *machine, struct traffic *ret);

#endif
