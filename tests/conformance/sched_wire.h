/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packets from any client, sent and seen: raw sockets in the director's own namespace, so
 * that ip_vs meets them on their way out, and /proc/net/ip_vs_conn, where it says what it
 * did with them. A firewall mark is the socket's.
 */
#ifndef LSVM_TESTS_SCHED_WIRE_H
#define LSVM_TESTS_SCHED_WIRE_H

#include "base/base.h"

struct wire {
	int ipv4, ipv6;
};

/* What names a connection; without holes. */
struct flow {
	uint8_t family, protocol, client[16], virtual[16];
	uint16_t client_port, virtual_port;
};

#define WIRE_SYN 0x02
#define WIRE_ACK 0x10
#define WIRE_FIN 0x01

/* A namespace of its own with a device that swallows everything. Ends the process when it
 * cannot. */
void wire_open(struct wire *wire);
void wire_close(struct wire *wire);
void wire_mark(struct wire *wire, uint32_t mark);
/* A segment with those flags, or a datagram. */
void wire_send(struct wire *wire, const struct flow *flow, uint8_t tcp_flags);

/* Calls seen for every connection, templates left out. */
void wire_read(void (*seen)(void *data, const struct flow *flow, const struct addr *dest),
	       void *data);
void wire_sysctl(const char *name, const char *value);
uint64_t wire_now_ms(void);

#endif
