/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes into the simulated IPVS, and its table out of it. A change travels as the same
 * bytes that the real kernel would get and is told by the same sentences when it is
 * refused.
 */
#include "host/ipvs_verdict.h"
#include "host/sim/sim.h"

#include <errno.h>
#include <netinet/in.h>

int lsvm_sim_ipvs_change(struct sim_host *sim, const struct ipvs_change *change)
{
	uint8_t bytes[NL_CHANGE_MAX_BYTES];
	struct nl_out out = { .data = bytes, .size = sizeof(bytes) };
	int number;

	if (!lsvm_nl_put_change(&out, change))
		return lsvm_fail(sim->host.ctx, LSVM_ERR_INTERNAL,
				 "IPVS change of kind %d", change->kind);
	number = lsvm_sim_kernel_request(sim, bytes, out.used, NULL);
	if (!number || lsvm_ipvs_is_gone(change, number))
		return 0;
	return lsvm_ipvs_change_verdict(sim->host.ctx, change, number);
}

int lsvm_sim_ipvs_zero(struct lsvm_host *host, const struct ipvs_key *key_or_all)
{
	uint8_t bytes[NL_CHANGE_MAX_BYTES];
	struct nl_out out = { .data = bytes, .size = sizeof(bytes) };

	if (!lsvm_nl_put_zero(&out, key_or_all))
		return lsvm_fail(host->ctx, LSVM_ERR_INTERNAL, "IPVS zero");
	return lsvm_ipvs_verdict(
		host->ctx, "set IPVS counters to zero",
		lsvm_sim_kernel_request((struct sim_host *)host, bytes, out.used, NULL));
}

int lsvm_sim_ipvs_flush(struct lsvm_host *host)
{
	uint8_t bytes[NL_CHANGE_MAX_BYTES];
	struct nl_out out = { .data = bytes, .size = sizeof(bytes) };

	if (!lsvm_nl_put_request(&out, IPVS_CMD_FLUSH, NLM_F_ACK))
		return lsvm_fail(host->ctx, LSVM_ERR_INTERNAL, "IPVS flush");
	return lsvm_ipvs_verdict(
		host->ctx, "remove every IPVS service",
		lsvm_sim_kernel_request((struct sim_host *)host, bytes, out.used, NULL));
}

int lsvm_sim_ipvs_info(struct lsvm_host *host, struct ipvs_info *ret)
{
	*ret = (struct ipvs_info){ .version = SIM_IPVS_VERSION,
				   .connection_bucket_count = SIM_CONNECTION_BUCKETS };
	return 0;
}

struct reading {
	struct sim_host *sim;
	struct lsvm_ipvs_table *table;
};

static struct ipvs_counters *copy_counters(struct lsvm_ipvs_table *table,
					   const struct ipvs_counters *from)
{
	struct ipvs_counters *to = lsvm_arena_alloc(&table->arena, sizeof(*to));

	if (to)
		*to = *from;
	return to;
}

static struct addr addr_of(uint16_t family, const uint8_t *bytes)
{
	struct addr addr = { .family = family == AF_INET6 ? 6 : 4 };

	memcpy(addr.bytes, bytes, family == AF_INET6 ? 16 : 4);
	return addr;
}

struct ipvs_destination lsvm_sim_dest_value(const struct sim_dest *dest)
{
	return (struct ipvs_destination){
		.addr = addr_of(dest->name.family, dest->name.addr),
		.port = dest->name.port,
		.forwarding = dest->forwarding,
		.tunnel_type = dest->tunnel_type,
		.tunnel_port = dest->tunnel_port,
		.tunnel_flags = dest->tunnel_flags,
		.weight = (uint32_t)dest->weight,
		.upper_threshold = dest->upper,
		.lower_threshold = dest->lower,
		.active_count = dest->active,
		.inactive_count = dest->inactive,
		.persistent_count = dest->persistent,
	};
}

void lsvm_sim_service_value(const struct sim_kernel *kernel,
			    const struct sim_service *service, struct ipvs_service *ret)
{
	const uint8_t *mask = service->netmask;

	ret->key.fwmark = service->fwmark;
	ret->key.addr = addr_of(service->family, service->addr);
	if (!service->fwmark) {
		ret->key.protocol = (uint8_t)service->protocol;
		ret->key.port = service->port;
	}
	memcpy(ret->scheduler, service->scheduler, sizeof(ret->scheduler));
	memcpy(ret->engine, service->engine, sizeof(ret->engine));
	ret->flags = service->flags & ~(uint32_t)IP_VS_SVC_F_HASHED;
	ret->timeout_s = service->timeout_ticks / kernel->hz;
	if (service->family == AF_INET6)
		memcpy(&ret->netmask, mask, sizeof(ret->netmask));
	else
		ret->netmask = (uint32_t)mask[0] << 24 | (uint32_t)mask[1] << 16 |
			       (uint32_t)mask[2] << 8 | mask[3];
}

static bool read_dest(struct lsvm_ipvs_table *table, struct ipvs_service *service,
		      const struct sim_dest *from, uint32_t position)
{
	struct ipvs_destination *to = lsvm_ipvs_service_push(service);

	if (!to)
		return false;
	*to = lsvm_sim_dest_value(from);
	to->position = position;
	to->counters = copy_counters(table, &from->counters);
	return to->counters != NULL;
}

static int read_service(struct sim_service *from, void *arg)
{
	struct reading *reading = arg;
	struct ipvs_service *to = lsvm_ipvs_table_push(reading->table);
	uint32_t position = 0;

	if (!to)
		return LSVM_ERR_NOMEM;
	lsvm_sim_service_value(&reading->sim->kernel, from, to);
	lsvm_sim_count_templates(&reading->sim->kernel, from);
	to->counters = copy_counters(reading->table, &from->counters);
	if (!to->counters)
		return LSVM_ERR_NOMEM;
	for (const struct sim_dest *dest = from->ring.next; dest != &from->ring;
	     dest = dest->next)
		if (!read_dest(reading->table, to, dest, ++position))
			return LSVM_ERR_NOMEM;
	return 0;
}

static void read_daemon(const struct wire_daemon *from, struct ipvs_daemon *to)
{
	if (!from->state)
		return;
	*to = (struct ipvs_daemon){
		.present = true,
		.sync_id = from->sync_id,
		.maxlen_bytes = from->maxlen,
		.port = from->port,
		.ttl = from->ttl,
	};
	memcpy(to->interface, from->interface, sizeof(to->interface));
	to->group = from->has & BIT(DAEMON_GROUP6) ? addr_of(AF_INET6, from->group6)
						   : addr_of(AF_INET, from->group);
}

int lsvm_sim_ipvs_read(struct sim_host *sim, struct lsvm_ipvs_table **ret)
{
	struct reading reading = { .sim = sim };
	int err = lsvm_ipvs_table_alloc(sim->host.ctx, &reading.table);

	if (err < 0)
		return err;
	reading.table->timeouts = sim->kernel.timeouts;
	read_daemon(&sim->kernel.master, &reading.table->master);
	read_daemon(&sim->kernel.backup, &reading.table->backup);
	err = lsvm_sim_services_each(&sim->kernel, read_service, &reading);
	err = err < 0 ? lsvm_fail_nomem(sim->host.ctx)
		      : lsvm_ipvs_table_seal(reading.table);
	if (err < 0) {
		lsvm_ipvs_table_unref(reading.table);
		return err;
	}
	*ret = reading.table;
	return 0;
}
