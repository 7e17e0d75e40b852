/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Services of the simulated IPVS: find, add, edit, delete. */
#include "host/sim/sim.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

static uint32_t be32_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The kernel adds bits of the address of its own per-namespace data: `secret`. */
static struct sim_service **bucket(struct sim_kernel *kernel, uint16_t family,
				   uint32_t fwmark, uint16_t protocol,
				   const uint8_t *addr, uint16_t port)
{
	uint32_t fold = be32_at(addr);

	if (fwmark)
		return &kernel->marked[(kernel->secret ^ fwmark) % SIM_SERVICE_BUCKETS];
	if (family == AF_INET6)
		fold ^= be32_at(addr + 4) ^ be32_at(addr + 8) ^ be32_at(addr + 12);
	return &kernel->named[(protocol ^ fold ^ kernel->secret ^ (uint32_t)(port >> 8) ^
			       port) %
			      SIM_SERVICE_BUCKETS];
}

static struct sim_service **bucket_of_wire(struct sim_kernel *kernel,
					   const struct wire_service *service)
{
	return bucket(kernel, service->family, service->fwmark, service->protocol,
		      service->addr, service->port);
}

struct sim_service *lsvm_sim_service_find(struct sim_kernel *kernel,
					  const struct wire_service *named)
{
	struct sim_service *service = *bucket_of_wire(kernel, named);
	const size_t bytes = named->family == AF_INET6 ? 16 : 4;

	for (; service; service = service->next) {
		if (service->family != named->family)
			continue;
		if (named->fwmark ? service->fwmark == named->fwmark
				  : service->port == named->port &&
					    service->protocol == named->protocol &&
					    !memcmp(service->addr, named->addr, bytes))
			return service;
	}
	return NULL;
}

static int check(const struct wire_service *wanted)
{
	uint32_t prefix;

	if (strcmp(wanted->scheduler, "none") && strcmp(wanted->scheduler, "twos") &&
	    !lsvm_scheduler_find(wanted->scheduler))
		return ENOENT;
	if (wanted->engine[0] && strcmp(wanted->engine, "sip"))
		return ENOENT;
	memcpy(&prefix, wanted->netmask, sizeof(prefix));
	if (wanted->family == AF_INET6 && (prefix < 1 || prefix > 128))
		return EINVAL;
	return 0;
}

/* What an edit replaces: all but the name. */
static void assign(struct sim_service *service, const struct wire_service *wanted,
		   uint32_t hz)
{
	service->flags = ((service->flags & ~wanted->flags.mask) |
			  (wanted->flags.flags & wanted->flags.mask)) |
			 IP_VS_SVC_F_HASHED;
	service->timeout_ticks = wanted->timeout_s * hz;
	memcpy(service->netmask, wanted->netmask, sizeof(service->netmask));
	memcpy(service->scheduler, wanted->scheduler, sizeof(service->scheduler));
	memcpy(service->engine, wanted->engine, sizeof(service->engine));
}

int lsvm_sim_service_add(struct sim_host *sim, const struct wire_service *wanted)
{
	struct sim_kernel *kernel = &sim->kernel;
	struct sim_service **head = bucket_of_wire(kernel, wanted), *service;
	int err = check(wanted);

	if (err)
		return err;
	service = calloc(1, sizeof(*service));
	if (!service)
		return ENOMEM;
	service->ring.next = service->ring.prev = &service->ring;
	service->number = ++kernel->last_number;
	service->family = wanted->family;
	service->protocol = wanted->protocol;
	service->port = wanted->port;
	service->fwmark = wanted->fwmark;
	memcpy(service->addr, wanted->addr, wanted->family == AF_INET6 ? 16 : 4);
	assign(service, wanted, kernel->hz);
	service->next = *head;
	*head = service;
	kernel->service_count++;
	kernel->service_counts[wanted->family == AF_INET6]++;
	lsvm_sim_tell_service(sim, service);
	return 0;
}

int lsvm_sim_service_edit(struct sim_host *sim, struct sim_service *service,
			  const struct wire_service *wanted)
{
	int err = check(wanted);

	if (err)
		return err;
	assign(service, wanted, sim->kernel.hz);
	lsvm_sim_tell_service(sim, service);
	return 0;
}

void lsvm_sim_service_delete(struct sim_kernel *kernel, struct sim_service *service)
{
	struct sim_service **at = bucket(kernel, service->family, service->fwmark,
					 service->protocol, service->addr, service->port);

	while (*at != service)
		at = &(*at)->next;
	*at = service->next;
	kernel->service_count--;
	kernel->service_counts[service->family == AF_INET6]--;
	while (service->ring.next != &service->ring)
		lsvm_sim_dest_trash(kernel, service->ring.next);
	lsvm_sched_free(service->sched);
	free(service);
}

void lsvm_sim_services_flush(struct sim_kernel *kernel)
{
	for (size_t i = 0; i < SIM_SERVICE_BUCKETS; i++)
		while (kernel->named[i])
			lsvm_sim_service_delete(kernel, kernel->named[i]);
	for (size_t i = 0; i < SIM_SERVICE_BUCKETS; i++)
		while (kernel->marked[i])
			lsvm_sim_service_delete(kernel, kernel->marked[i]);
}

int lsvm_sim_services_each(struct sim_kernel *kernel,
			   int (*call)(struct sim_service *service, void *arg), void *arg)
{
	int answer = 0;

	for (size_t i = 0; i < 2 * SIM_SERVICE_BUCKETS && !answer; i++) {
		struct sim_service *service =
			i < SIM_SERVICE_BUCKETS ? kernel->named[i]
						: kernel->marked[i % SIM_SERVICE_BUCKETS];

		for (; service && !answer; service = service->next)
			answer = call(service, arg);
	}
	return answer;
}

static int zero_one(struct sim_service *service, void *arg)
{
	struct sim_dest *dest = service->ring.next;

	for (; dest != &service->ring; dest = dest->next)
		dest->counters = (struct ipvs_counters){ 0 };
	service->counters = (struct ipvs_counters){ 0 };
	return 0;
}

void lsvm_sim_zero(struct sim_kernel *kernel, struct sim_service *service_or_all)
{
	if (service_or_all)
		zero_one(service_or_all, NULL);
	else
		lsvm_sim_services_each(kernel, zero_one, NULL);
}
