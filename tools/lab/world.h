/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cluster as cables and boxes: what the lab builds, read from the cluster's JSON,
 * with one machine more, the client, on every network that is marked as outside.
 */
#ifndef SVM_LAB_WORLD_H
#define SVM_LAB_WORLD_H

#include <jansson.h>
#include <libsvm/libsvm.h>
#include <netinet/in.h>

#define WORLD_MACHINES_MAX 500
#define INTERFACE_BYTES 16

struct ip {
	int family; /* AF_INET, AF_INET6; 0: none */
	unsigned char bytes[16];
};
struct subnet {
	struct ip ip;
	int length;
};
struct ip_list {
	struct ip *items;
	size_t count;
};

struct network {
	const char *name;
	char bridge[INTERFACE_BYTES];
	struct subnet *subnets;
	size_t subnet_count;
	struct ip_list gateways, director_addresses;
	bool outside;
	uint32_t mtu; /* 0: the kernel's */
	double loss;  /* of its packets, per cent */
	uint64_t delay_ms;
};

struct port {
	char name[INTERFACE_BYTES]; /* in the machine */
	char plug[INTERFACE_BYTES]; /* on the bridge */
	struct network *network;
	struct ip_list addresses;
	unsigned char mac[6];
	bool has_mac;
};

struct machine {
	const char *name;
	int role; /* enum lsvm_role; unknown: the client */
	struct port *ports;
	size_t port_count;
	struct ip_list gateways;
	int net, mounts, names; /* its namespaces (spaces.c) */
};

/* A virtual address and the network where the directors answer for it. */
struct virtual_address {
	struct ip ip;
	struct network *network; /* NULL: no network of the directors; it cannot work */
};

struct world {
	json_t *json;
	struct network *networks;
	size_t network_count;
	struct machine *machines; /* the client is the last one */
	size_t machine_count;
	struct virtual_address *vips;
	size_t vip_count;
	char problem[256]; /* of the last call that failed */
};

/* 0, or -1 with world->problem. */
int world_load(struct world *world, const struct lsvm_cluster *cluster);
void world_free(struct world *world);
struct machine *world_find(const struct world *world, const char *name);
struct machine *world_client(const struct world *world);
/* Addresses on the port's network that nobody has; how many. */
size_t world_free_addresses(const struct world *world, const struct port *port,
			    int family, size_t wanted, struct ip *ret);
/* Whether a tool applies a plan to it, which brings its gateways and settings. */
bool machine_has_plan(const struct machine *machine);

bool ip_parse(const char *text, struct ip *ret);
bool ip_equal(const struct ip *a, const struct ip *b);
int ip_bits(const struct ip *ip);
const char *ip_text(const struct ip *ip, char *buf); /* INET6_ADDRSTRLEN bytes */
bool subnet_has(const struct subnet *subnet, const struct ip *ip);
/* The subnet of the network that has the address, or NULL. */
const struct subnet *network_subnet(const struct network *network, const struct ip *ip);
/* The first address of the family on the port, or NULL. */
const struct ip *port_address(const struct port *port, int family);
struct port *machine_port(const struct machine *machine, const struct network *network);

/* Where a machine sends packets of a destination (routes.c). */
struct way {
	struct subnet to;
	struct ip via; /* family 0: on the link */
	const struct port *port;
};
struct ways {
	struct way *items;
	size_t count, capacity;
};
/* Every route that the machine needs beside its own links; none where a plan brings them.
 */
int world_routes(const struct world *world, const struct machine *machine,
		 struct ways *ret);

#endif
