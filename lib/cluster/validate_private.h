/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the validate_*.c files share. */
#ifndef LSVM_CLUSTER_VALIDATE_PRIVATE_H
#define LSVM_CLUSTER_VALIDATE_PRIVATE_H

#include "cluster/schema.h"
#include "cluster/validate.h"

#define DISTANCE_FAR UINT32_MAX

/* What is known about a network once all are read. */
struct network_facts {
	uint32_t distance;  /* routers between it and the clients; DISTANCE_FAR: no way */
	uint32_t component; /* equal: joined by routers */
	bool shared;	    /* every director has an interface here */
	uint32_t director_count;
	const struct machine *last_director, *last_machine; /* that was seen here */
	bool told_nat;	   /* that it has no floating address */
	bool leads_out[2]; /* IPv4, IPv6: a router here is nearer to the clients */
};

struct subnet {
	struct prefix prefix;
	struct network *network;
	uint32_t index; /* in the network */
};

/* Who has an address. */
struct owner {
	const char *name; /* of the machine or network */
	const struct object *object;
};

/* A server as all partitions together see it. */
struct server_facts {
	const struct member *first, *dedicated, *last;
	const struct member *nat[2], *other[2]; /* by family: 4, 6 */
	const struct service *gue[2], *gre[2];	/* that brought a tunnel; by family */
	uint32_t partition_count;
	bool used, told_way;
};

struct validation {
	struct lsvm_cluster *cluster;
	struct lsvm_findings *findings;
	struct arena scratch; /* gone when validation ends */
	struct map backend_services, volumes, accounts;
	struct map owners;	       /* struct addr -> struct owner */
	struct map told;	       /* what lsvm_fault_setting() said already */
	VEC(struct subnet) subnets;    /* sorted by address */
	struct network_facts *network; /* by index */
	struct server_facts *server;   /* by index */
	unsigned suggestions;	       /* how many names were searched for a near one */
	struct network *outermost; /* all directors share it; nearest to the clients */
	uint32_t pairs;		   /* of servers and back-end hosts looked at */
	bool outside;		   /* there is a network of the clients */
	bool unknown_servers;	   /* some member is misspelt */
	bool nomem;
};

/*
 * A finding about one field of an object (or about the object itself when field is NULL):
 * the path and the place in the file follow from where the field lies.
 */
void lsvm_fault(struct validation *v, enum finding_code code, const struct object *object,
		const void *field, const char *fmt, ...) LSVM_PRINTF(5, 6);
/* The same about item number index of a list field (or the field itself: NO_INDEX) that
 * was written at a known place. */
#define NO_INDEX UINT32_MAX
void lsvm_fault_item(struct validation *v, enum finding_code code,
		     const struct object *object, const void *field, uint32_t index,
		     struct mark at, const char *fmt, ...) LSVM_PRINTF(7, 8);
/*
 * The same about a setting of a service, at the level that wrote it. Ten thousand
 * services that inherit one mistake have one finding.
 */
void lsvm_fault_setting(struct validation *v, enum finding_code code,
			const struct service *service, enum setting_id id,
			const char *fmt, ...) LSVM_PRINTF(5, 6);
/* For sentences about another object: "line 12", or its path where there are no lines. */
const char *lsvm_place(struct validation *v, const struct object *object);
/* Puts a key; true when it was there before (then *ret_old is its value). */
bool lsvm_entered(struct validation *v, struct map *map, const void *key, size_t length,
		  const void *value, void **ret_old);
/* Whether the field was in the document, however wrong its value was. */
bool lsvm_was_written(const struct object *object, const void *field);
void lsvm_validate_check(struct validation *v, const struct check *check);

/* In the order in which they run; each may rely on those before it. */
void lsvm_validate_names(struct validation *v); /* names: once each; references */
void lsvm_validate_networks(
	struct validation *v);			  /* subnets, addresses, MACs, gateways */
void lsvm_validate_ways(struct validation *v);	  /* routers, distances, directors */
void lsvm_validate_vips(struct validation *v);	  /* VIPs and their ports */
void lsvm_validate_domains(struct validation *v); /* names of domains, what serves them */
void lsvm_validate_services(
	struct validation *v); /* what the kernel would take silently */
void lsvm_validate_tunnels(struct validation *v);  /* what servers can unwrap */
void lsvm_validate_arrivals(struct validation *v); /* where NAT lets requests arrive */
void lsvm_validate_members(struct validation *v);  /* servers of partitions */
void lsvm_validate_house(struct validation *v);	   /* machines, redundancy, content */
void lsvm_validate_backends(struct validation *v); /* what servers depend on; checks */

/* The first or the last address of an IPv4 subnet. */
bool lsvm_is_edge(const struct validation *v, const struct addr *addr);
/* The network whose subnet has the address, or NULL. */
struct network *lsvm_network_of(const struct validation *v, const struct addr *addr);
static inline struct network_facts *network_facts(const struct validation *v,
						  const struct network *network)
{
	return &v->network[network - v->cluster->networks.items];
}
static inline struct server_facts *server_facts(const struct validation *v,
						const struct machine *server)
{
	return &v->server[server - v->cluster->servers.items];
}
static inline bool is_server(const struct machine *machine)
{
	return machine && machine->role == LSVM_ROLE_SERVER;
}
/* For names in sentences: holes have none. */
static inline const char *or_empty(const char *name)
{
	return name ? name : "";
}

/* The name among candidates that was probably meant; offer them one by one. */
struct nearest {
	const char *wanted, *best;
	unsigned distance;
};
void lsvm_nearest_offer(struct nearest *nearest, const char *candidate);

#endif
