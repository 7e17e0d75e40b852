/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses and subnets as the lab needs them, and what of them a port has. */
#include "world.h"

#include <arpa/inet.h>
#include <string.h>

bool ip_parse(const char *text, struct ip *ret)
{
	struct ip ip = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(ip.family, text, ip.bytes) != 1)
		return false;
	*ret = ip;
	return true;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

int ip_bits(const struct ip *ip)
{
	return ip->family == AF_INET ? 32 : 128;
}

const char *ip_text(const struct ip *ip, char *buf)
{
	buf[0] = '\0';
	inet_ntop(ip->family, ip->bytes, buf, INET6_ADDRSTRLEN);
	return buf;
}

bool subnet_has(const struct subnet *subnet, const struct ip *ip)
{
	int whole = subnet->length / 8, rest = subnet->length % 8;

	if (subnet->ip.family != ip->family || memcmp(subnet->ip.bytes, ip->bytes, whole))
		return false;
	return !rest || !((subnet->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest));
}

const struct subnet *network_subnet(const struct network *network, const struct ip *ip)
{
	for (size_t i = 0; i < network->subnet_count; i++)
		if (subnet_has(&network->subnets[i], ip))
			return &network->subnets[i];
	return NULL;
}

const struct ip *port_address(const struct port *port, int family)
{
	for (size_t i = 0; i < port->addresses.count; i++)
		if (port->addresses.items[i].family == family)
			return &port->addresses.items[i];
	return NULL;
}

struct port *machine_port(const struct machine *machine, const struct network *network)
{
	for (size_t i = 0; i < machine->port_count; i++)
		if (machine->ports[i].network == network)
			return &machine->ports[i];
	return NULL;
}
