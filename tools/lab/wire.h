/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cables between the machines: a bridge for each network, a veth pair for each port. */
#ifndef SVM_LAB_WIRE_H
#define SVM_LAB_WIRE_H

#include "world.h"

/* The machines' namespaces are there. 0, or -1 with world->problem. */
int wire_all(struct world *world);
/* One machine that was made again; what it does with its cables is done too. */
int wire_machine(struct world *world, const struct machine *machine);

enum plug_change {
	PLUG_IN,
	PLUG_OUT, /* the machine sees no carrier */
	PLUG_GONE,
};
/* At the bridges: of all ports of the machine, or of the one of that name. */
int wire_plugs(struct world *world, const struct machine *machine, const char *port,
	       enum plug_change change);
/* Brings a network's loss and delay into force. */
int wire_quality(struct world *world, const struct network *network);
/* How many of the addresses the machine has; -1: it cannot be asked. */
int wire_held_addresses(const struct machine *machine, const struct ip *ips,
			size_t count);
/* Gives the port more addresses; the caller is in the machine's network. */
int wire_sources(struct world *world, const struct port *port, const struct ip *addresses,
		 size_t count);

/* What went through a port. */
struct traffic {
	uint64_t in_packets, in_bytes, out_packets, out_bytes;
};
/* Of all ports of the machine, by their plugs on the bridges. */
int wire_traffic(struct world *world, const struct machine *machine, struct traffic *ret);

#endif
