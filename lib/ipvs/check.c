/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must be true of services and destinations before a kernel sees them.
 *
 * The kernel takes much that can never work without a word (a direct-routing destination
 * on another port, a netmask with holes, tunnel type 9) and refuses the rest with a bare
 * EINVAL. So each rule is checked here, with a sentence.
 */
#include "ipvs/table.h"
#include "ipvs/words.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>

#define FORWARDING_LAST IP_VS_CONN_F_BYPASS
#define WEIGHT_MAX 0x7fffffffu

static const char *key_fault(const struct ipvs_key *key, bool persistent)
{
	if (key->addr.family != 4 && key->addr.family != 6)
		return "has no address family";
	if (key->fwmark)
		return key->protocol || key->port
			       ? "has a mark and a protocol or port too"
			       : NULL;
	if (key->protocol != IPPROTO_TCP && key->protocol != IPPROTO_UDP &&
	    key->protocol != IPPROTO_SCTP)
		return "has a protocol that ip_vs cannot balance; use tcp, udp or sctp";
	if (!key->port && !persistent)
		return "has port 0, which means all ports and needs persistence";
	return NULL;
}

static const char *netmask_fault(const struct ipvs_service *service)
{
	uint32_t holes = ~service->netmask;

	if (service->key.addr.family == 6)
		return service->netmask < 1 || service->netmask > 128
			       ? "has a persistence prefix length outside 1 to 128"
			       : NULL;
	return holes & (holes + 1) ? "has a persistence netmask with holes" : NULL;
}

static const char *service_fault(const struct ipvs_service *service,
				 const struct ipvs_service *before)
{
	const char *fault =
		key_fault(&service->key, service->flags & IP_VS_SVC_F_PERSISTENT);

	if (fault)
		return fault;
	if (!service->scheduler[0])
		return "has no scheduler; wlc suits most";
	if (strnlen(service->scheduler, IPVS_SCHEDULER_BYTES) == IPVS_SCHEDULER_BYTES ||
	    strnlen(service->engine, IPVS_ENGINE_BYTES) == IPVS_ENGINE_BYTES)
		return "has a scheduler or persistence engine whose name is too long";
	if (service->flags & ~IPVS_SERVICE_FLAGS_KNOWN & ~(before ? before->flags : 0))
		return "has flags that the kernel does not know";
	if ((service->flags & IP_VS_SVC_F_PERSISTENT) && !service->timeout_s)
		return "is persistent with a timeout of 0 seconds";
	if ((service->flags & IP_VS_SVC_F_ONEPACKET) && !service->key.fwmark &&
	    service->key.protocol != IPPROTO_UDP)
		return "is one-packet, which only udp and marks can be";
	return netmask_fault(service);
}

int lsvm_ipvs_service_check(struct lsvm_ctx *ctx, const struct ipvs_service *service,
			    const struct ipvs_service *before)
{
	const char *fault = service_fault(service, before);
	char key[LSVM_ADDRESS_TEXT_BYTES * 2];

	if (!fault)
		return 0;
	return lsvm_fail(ctx, LSVM_ERR_ARGUMENT, "service %s %s",
			 lsvm_ipvs_key_text(&service->key, key), fault);
}

/* A value that is known, or that is there already. */
static bool may_be(uint32_t value, uint32_t last, bool is_edit, uint32_t before)
{
	return value <= last || (is_edit && value == before);
}

static bool tunnel_may_be(const struct ipvs_destination *destination,
			  const struct ipvs_destination *before)
{
	return may_be(destination->tunnel_type, IPVS_TUNNEL_GRE, before,
		      before ? before->tunnel_type : 0) &&
	       may_be(destination->tunnel_flags, IPVS_TUNNEL_CHECKSUM_LAST, before,
		      before ? before->tunnel_flags : 0);
}

static const char *destination_fault(const struct ipvs_key *key,
				     const struct ipvs_destination *destination,
				     const struct ipvs_destination *before)
{
	if (destination->addr.family != 4 && destination->addr.family != 6)
		return "has no address family";
	if (!may_be(destination->forwarding, FORWARDING_LAST, before,
		    before ? before->forwarding : 0))
		return "has a forwarding method that the kernel does not know";
	if (destination->addr.family != key->addr.family &&
	    destination->forwarding != IP_VS_CONN_F_TUNNEL)
		return "is of another address family, which only tunnels can be";
	if (!key->fwmark && destination->port != key->port &&
	    (destination->forwarding == IP_VS_CONN_F_DROUTE ||
	     destination->forwarding == IP_VS_CONN_F_TUNNEL))
		return "has another port than its service, which only NAT can do";
	if (destination->weight > WEIGHT_MAX)
		return "has a weight above 2147483647";
	if (destination->lower_threshold > destination->upper_threshold)
		return "has a lower threshold above its upper one";
	if (!tunnel_may_be(destination, before))
		return "has a tunnel type or checksum that the kernel does not know";
	if (destination->tunnel_type == IPVS_TUNNEL_GUE && !destination->tunnel_port)
		return "is a gue tunnel without a port; 6080 is usual";
	return NULL;
}

int lsvm_ipvs_destination_check(struct lsvm_ctx *ctx, const struct ipvs_service *service,
				const struct ipvs_destination *destination,
				const struct ipvs_destination *before)
{
	const char *fault = destination_fault(&service->key, destination, before);
	char key[LSVM_ADDRESS_TEXT_BYTES * 2], endpoint[LSVM_ADDRESS_TEXT_BYTES];

	if (!fault)
		return 0;
	return lsvm_fail(
		ctx, LSVM_ERR_ARGUMENT, "destination %s of service %s %s",
		lsvm_endpoint_text(&destination->addr, destination->port, endpoint),
		lsvm_ipvs_key_text(&service->key, key), fault);
}
