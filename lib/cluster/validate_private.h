/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the validate_*.c files share. */
#ifndef LSVM_CLUSTER_VALIDATE_PRIVATE_H
#define LSVM_CLUSTER_VALIDATE_PRIVATE_H

#include "cluster/validate.h"

struct subnet {
	struct prefix prefix;
	struct network *network;
	const struct prefix *written; /* the same in the model */
};

struct validation {
	struct lsvm_cluster *cluster;
	struct lsvm_findings *findings;
	struct arena scratch; /* gone when validation ends */
	struct map backend_services, volumes, accounts;
	struct map addresses;	    /* of machines: struct addr -> struct interface */
	VEC(struct subnet) subnets; /* sorted */
	unsigned suggestions;	    /* how many names were searched for a near one */
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

/* In the order in which they run; each may rely on those before it. */
void lsvm_validate_names(struct validation *v); /* names: once each; references */
void lsvm_validate_networks(
	struct validation *v);		       /* subnets, addresses, MACs, gateways */
void lsvm_validate_vips(struct validation *v); /* VIPs, their ports and domains */
void lsvm_validate_services(
	struct validation *v); /* what the kernel would take silently */
void lsvm_validate_members(struct validation *v); /* servers of partitions */
void lsvm_validate_house(struct validation *v);	  /* redundancy, content, back ends */

/* The name among candidates that was probably meant; offer them one by one. */
struct nearest {
	const char *wanted, *best;
	unsigned distance;
};
void lsvm_nearest_offer(struct nearest *nearest, const char *candidate);

#endif
