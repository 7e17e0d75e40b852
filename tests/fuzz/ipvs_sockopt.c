/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as the kernel's answer by socket options: what is read can be sent back and
 * names the same service. */
#include "ipvs/sockopt.h"

#include <arpa/inet.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_services(struct reader bytes)
{
	struct ipvs_service service;
	struct ipvs_counters counters;
	uint32_t count;
	int more;

	while ((more = lsvm_sockopt_get_service(&bytes, &service, &counters, &count)) >=
	       0) {
		struct ipvs_change add = { .kind = IPVS_SERVICE_ADD,
					   .service = &service };
		struct ip_vs_service_user sent;
		struct sockopt_call call;

		if (!more)
			continue;
		if (strnlen(service.scheduler, IPVS_SCHEDULER_BYTES) ==
		    IPVS_SCHEDULER_BYTES)
			abort();
		lsvm_sockopt_put_change(&call, &add);
		memcpy(&sent, call.bytes, sizeof(sent));
		if (call.length != sizeof(sent) || sent.fwmark != service.key.fwmark ||
		    ntohs(sent.port) != service.key.port ||
		    ntohl(sent.netmask) != service.netmask ||
		    strcmp(sent.sched_name, service.scheduler) != 0)
			abort();
	}
}

static void try_destinations(struct reader bytes)
{
	static const struct ipvs_service service = { .key.addr.family = 4 };
	struct ipvs_destination destination;
	struct ipvs_counters counters;
	int more;

	while ((more = lsvm_sockopt_get_destination(&bytes, &destination, &counters)) >=
	       0) {
		struct ipvs_change add = { .kind = IPVS_DESTINATION_ADD,
					   .weight = destination.weight,
					   .service = &service,
					   .destination = &destination };
		struct ip_vs_dest_user sent;
		struct sockopt_call call;

		if (!more)
			continue;
		lsvm_sockopt_put_change(&call, &add);
		memcpy(&sent, call.bytes + sizeof(struct ip_vs_service_user),
		       sizeof(sent));
		if (call.length != sizeof(call.bytes) ||
		    memcmp(&sent.addr, destination.addr.bytes, sizeof(sent.addr)) != 0 ||
		    (uint32_t)sent.weight != destination.weight ||
		    sent.conn_flags != destination.forwarding)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct reader bytes = { data, size, false };
	struct reader daemons = bytes, timeouts = bytes, info = bytes;
	struct ipvs_daemon master, backup;
	struct ipvs_timeouts seconds;
	uint32_t version, buckets, services;

	try_services(bytes);
	try_destinations(bytes);
	if (lsvm_sockopt_get_daemons(&daemons, &master, &backup) == 0 &&
	    strnlen(master.interface, IPVS_INTERFACE_BYTES) == IPVS_INTERFACE_BYTES)
		abort();
	lsvm_sockopt_get_timeouts(&timeouts, &seconds);
	lsvm_sockopt_get_info(&info, &version, &buckets, &services);
	return 0;
}
