/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sched_wire.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t wire_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void wire_sysctl(const char *name, const char *value)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/vs/%s", name);
	file = fopen(path, "w");
	if (!file || fputs(value, file) < 0 || fclose(file))
		err(1, "%s", path);
}

void wire_open(struct wire *wire)
{
	if (unshare(CLONE_NEWNET))
		err(1, "unshare");
	if (system("ip link set lo up && ip link add name sink type dummy && "
		   "ip link set sink arp off up && ip route add default dev sink && "
		   "ip -6 route add default dev sink"))
		errx(1, "cannot wire the namespace");
	wire->ipv4 = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	wire->ipv6 = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
	if (wire->ipv4 < 0 || wire->ipv6 < 0)
		err(1, "raw socket");
}

void wire_close(struct wire *wire)
{
	close(wire->ipv4);
	close(wire->ipv6);
}

void wire_mark(struct wire *wire, uint32_t mark)
{
	if (setsockopt(wire->ipv4, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) ||
	    setsockopt(wire->ipv6, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)))
		err(1, "SO_MARK");
}

static size_t put_transport(uint8_t *at, const struct flow *flow, uint8_t tcp_flags)
{
	if (flow->protocol == IPPROTO_UDP) {
		struct udphdr udp = { .source = htons(flow->client_port),
				      .dest = htons(flow->virtual_port),
				      .len = htons(sizeof(udp)) };

		memcpy(at, &udp, sizeof(udp));
		return sizeof(udp);
	}
	struct tcphdr tcp = { .source = htons(flow->client_port),
			      .dest = htons(flow->virtual_port),
			      .doff = sizeof(tcp) / 4,
			      .syn = !!(tcp_flags & WIRE_SYN),
			      .ack = !!(tcp_flags & WIRE_ACK),
			      .fin = !!(tcp_flags & WIRE_FIN) };

	memcpy(at, &tcp, sizeof(tcp));
	return sizeof(tcp);
}

/* That ip_vs refuses shows as an error here; what it did is read elsewhere. */
void wire_send(struct wire *wire, const struct flow *flow, uint8_t tcp_flags)
{
	uint8_t bytes[128];
	size_t length;

	if (flow->family == 4) {
		struct iphdr ip = {
			.version = 4, .ihl = 5, .ttl = 64, .protocol = flow->protocol
		};
		struct sockaddr_in to = { .sin_family = AF_INET };

		length = sizeof(ip) + put_transport(bytes + sizeof(ip), flow, tcp_flags);
		ip.tot_len = htons((uint16_t)length);
		memcpy(&ip.saddr, flow->client, 4);
		memcpy(&ip.daddr, flow->virtual, 4);
		memcpy(&to.sin_addr, flow->virtual, 4);
		memcpy(bytes, &ip, sizeof(ip));
		if (sendto(wire->ipv4, bytes, length, 0, (struct sockaddr *)&to,
			   sizeof(to)) < 0)
			return;
	} else {
		struct ip6_hdr ip = { 0 };
		struct sockaddr_in6 to = { .sin6_family = AF_INET6 };

		length = put_transport(bytes + sizeof(ip), flow, tcp_flags);
		ip.ip6_flow = htonl(6u << 28);
		ip.ip6_plen = htons((uint16_t)length);
		ip.ip6_nxt = flow->protocol;
		ip.ip6_hlim = 64;
		memcpy(&ip.ip6_src, flow->client, 16);
		memcpy(&ip.ip6_dst, flow->virtual, 16);
		memcpy(&to.sin6_addr, flow->virtual, 16);
		memcpy(bytes, &ip, sizeof(ip));
		if (sendto(wire->ipv6, bytes, length + sizeof(ip), 0,
			   (struct sockaddr *)&to, sizeof(to)) < 0)
			return;
	}
}

/* "0A000001" or 32 digits with colons. */
static uint8_t read_address(const char *text, uint8_t *bytes)
{
	if (strchr(text, ':'))
		return inet_pton(AF_INET6, text, bytes) == 1 ? 6 : 0;
	const uint32_t value = htonl((uint32_t)strtoul(text, NULL, 16));

	memcpy(bytes, &value, 4);
	return 4;
}

void wire_read(void (*seen)(void *data, const struct flow *flow, const struct addr *dest),
	       void *data)
{
	FILE *file = fopen("/proc/net/ip_vs_conn", "r");
	char line[512], name[8], client[64], virtual[64], dest[64];
	unsigned client_port, virtual_port, port;

	if (!file)
		err(1, "/proc/net/ip_vs_conn");
	while (fgets(line, sizeof(line), file)) {
		struct flow flow = { 0 };
		struct addr to = { 0 };

		if (sscanf(line, "%7s %63s %x %63s %x %63s %x", name, client,
			   &client_port, virtual, &virtual_port, dest, &port) != 7 ||
		    !client_port)
			continue;
		flow.protocol = !strcmp(name, "UDP") ? IPPROTO_UDP : IPPROTO_TCP;
		flow.family = read_address(client, flow.client);
		read_address(virtual, flow.virtual);
		flow.client_port = (uint16_t)client_port;
		flow.virtual_port = (uint16_t)virtual_port;
		to.family = read_address(dest, to.bytes);
		seen(data, &flow, &to);
	}
	fclose(file);
}
