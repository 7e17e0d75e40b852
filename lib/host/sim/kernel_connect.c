/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connections through the simulated IPVS (net/netfilter/ipvs/ip_vs_core.c): which service
 * a packet is for, which destination its scheduler chooses (lib/sched), what becomes of
 * the packets of a connection whose destination has gone.
 *
 * A connection belongs to a destination, not to a service: it lives on in the trash, and
 * goes on when the destination comes back. A service's scheduler is made at its first
 * connection and hears every change from then on. The counts of a destination are kept
 * twice, here and there, and are the same after every call. Templates of persistence go
 * with their service.
 */
#include "host/sim/sim.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define FTP_PORT 21
#define FTP_DATA_PORT 20
#define FIRST_FREE_PORT 1024
#define NEVER UINT64_MAX
/* Of a connection that no scheduler counts. */
#define NO_SCHEDULER UINT32_MAX

/* ---- the table of connections ---- */

static struct sim_connection **bucket(const struct sim_kernel *kernel,
				      const struct sim_flow *flow)
{
	const uint8_t *bytes = (const uint8_t *)flow;
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < sizeof(*flow); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return &kernel->connections[(hash ^ hash >> 32) &
				    (kernel->connection_bucket_count - 1)];
}

static bool grow(struct sim_kernel *kernel)
{
	struct sim_kernel larger = {
		.connection_bucket_count = kernel->connection_bucket_count
						   ? kernel->connection_bucket_count * 2
						   : 64,
	};

	larger.connections =
		calloc(larger.connection_bucket_count, sizeof(struct sim_connection *));
	if (!larger.connections)
		return false;
	for (size_t i = 0; i < kernel->connection_bucket_count; i++) {
		while (kernel->connections[i]) {
			struct sim_connection *connection = kernel->connections[i], **to;

			kernel->connections[i] = connection->next;
			to = bucket(&larger, &connection->flow);
			connection->next = *to;
			*to = connection;
		}
	}
	free(kernel->connections);
	kernel->connections = larger.connections;
	kernel->connection_bucket_count = larger.connection_bucket_count;
	return true;
}

static struct sim_connection *find(const struct sim_kernel *kernel,
				   const struct sim_flow *flow)
{
	struct sim_connection *connection =
		kernel->connection_bucket_count ? *bucket(kernel, flow) : NULL;

	while (connection && memcmp(&connection->flow, flow, sizeof(*flow)) != 0)
		connection = connection->next;
	return connection;
}

/* ---- counts, here and in the scheduler ---- */

static struct addr addr_of(uint16_t family, const uint8_t *bytes)
{
	struct addr addr = { .family = family == AF_INET6 ? 6 : 4 };

	memcpy(addr.bytes, bytes, family == AF_INET6 ? 16 : 4);
	return addr;
}

static struct sched_dest *twin_in(const struct sim_service *service,
				  const struct sim_dest *dest)
{
	const struct addr addr = addr_of(dest->name.family, dest->name.addr);

	return service && service->sched
		       ? lsvm_sched_dest_lookup(service->sched, &addr, dest->name.port)
		       : NULL;
}

static void from_twin(struct sim_dest *dest, const struct sched_dest *twin)
{
	dest->active = twin->active;
	dest->inactive = twin->inactive;
	dest->overloaded = twin->overloaded;
}

static void to_twin(const struct sim_dest *dest, struct sched_dest *twin)
{
	twin->active = dest->active;
	twin->inactive = dest->inactive;
	twin->overloaded = dest->overloaded;
}

static void drop_scheduler(struct sim_service *service)
{
	lsvm_sched_free(service->sched);
	service->sched = NULL;
	service->sched_id = 0;
}

void lsvm_sim_tell_dest(struct sim_dest *dest, enum sim_event event)
{
	struct sim_service *service = dest->service;
	const struct addr addr = addr_of(dest->name.family, dest->name.addr);
	struct sched_dest *twin = twin_in(service, dest);
	int err = 0;

	if (!service->sched)
		return;
	switch (event) {
	case SIM_DEST_ADDED:
		err = lsvm_sched_dest_add(service->sched, &addr, dest->name.port,
					  (uint32_t)dest->weight, dest->upper,
					  dest->lower, &twin);
		break;
	case SIM_DEST_EDITED:
		err = lsvm_sched_dest_edit(service->sched, twin, (uint32_t)dest->weight,
					   dest->upper, dest->lower);
		break;
	case SIM_DEST_REMOVED:
		lsvm_sched_dest_remove(service->sched, twin);
		return;
	}
	if (err < 0)
		drop_scheduler(service);
	else
		to_twin(dest, twin);
}

static int make_scheduler(struct sim_host *sim, struct sim_service *service,
			  const char *scheduler)
{
	struct ipvs_service value = { 0 };
	uint32_t position = 0;
	int err = 0;

	lsvm_sim_service_value(&sim->kernel, service, &value);
	snprintf(value.scheduler, sizeof(value.scheduler), "%s", scheduler);
	for (const struct sim_dest *dest = service->ring.next;
	     dest != &service->ring && err >= 0; dest = dest->next) {
		struct ipvs_destination *to = vec_push(&value.destinations);

		if (!to) {
			err = lsvm_fail_nomem(sim->host.ctx);
			break;
		}
		*to = lsvm_sim_dest_value(dest);
		to->last_weight = (uint32_t)dest->last_weight;
		to->position = ++position;
	}
	if (err >= 0)
		err = lsvm_sched_create(sim->host.ctx, &value, &service->sched);
	vec_free(&value.destinations);
	if (err < 0)
		return err;
	service->sched_id = ++sim->kernel.last_sched_id;
	for (const struct sim_dest *dest = service->ring.next; dest != &service->ring;
	     dest = dest->next)
		to_twin(dest, twin_in(service, dest));
	return 0;
}

/* Where wrr stands follows from all that has happened to the service: it hears it from
 * the start. */
void lsvm_sim_tell_service(struct sim_host *sim, struct sim_service *service)
{
	struct ipvs_service value = { 0 };

	if (!service->sched && strcmp(service->scheduler, "wrr") != 0)
		return;
	lsvm_sim_service_value(&sim->kernel, service, &value);
	if ((!service->sched && make_scheduler(sim, service, "rr") < 0) ||
	    lsvm_sched_service_edit(service->sched, &value) < 0)
		drop_scheduler(service);
}

void lsvm_sim_count_templates(struct sim_kernel *kernel, struct sim_service *service)
{
	const struct sched_templates *templates;

	for (struct sim_dest *dest = service->ring.next; dest != &service->ring;
	     dest = dest->next)
		dest->persistent = 0;
	if (!service->sched || !service->sched->templates.count)
		return;
	templates = &service->sched->templates;
	for (size_t i = 0; i < templates->bucket_count; i++) {
		const struct sched_template *template = templates->buckets[i];

		for (; template; template = template->next) {
			if (template->expires_ms <= kernel->now_ms &&
			    !template->controlled)
				continue;
			for (struct sim_dest *dest = service->ring.next;
			     dest != &service->ring; dest = dest->next)
				if (twin_in(service, dest) == template->dest)
					dest->persistent++;
		}
	}
}

/* The end of one that no scheduler counts any more. */
static void count_out(struct sim_dest *dest, bool active)
{
	struct sched_dest *twin = twin_in(dest->service, dest);
	uint32_t total;

	if (active)
		dest->active--;
	else
		dest->inactive--;
	total = dest->active + dest->inactive;
	if (dest->lower ? total < dest->lower
			: !dest->upper || total * 4 < dest->upper * 3)
		dest->overloaded = false;
	if (twin)
		to_twin(dest, twin);
}

struct by_id {
	uint32_t id;
	struct sim_service *found;
};

static int match_id(struct sim_service *service, void *arg)
{
	struct by_id *by = arg;

	if (service->sched_id != by->id)
		return 0;
	by->found = service;
	return 1;
}

/* The service whose scheduler counts the connection; NULL when it has gone. */
static struct sim_service *counting(struct sim_kernel *kernel,
				    const struct sim_connection *connection)
{
	struct by_id by = { .id = connection->sched_id };

	if (connection->dest->service)
		return connection->dest->service->sched_id == by.id
			       ? connection->dest->service
			       : NULL;
	lsvm_sim_services_each(kernel, match_id, &by);
	return by.found;
}

/* Takes it out of its bucket and of all counts. */
static void end(struct sim_kernel *kernel, struct sim_connection **at)
{
	struct sim_connection *connection = *at;
	struct sim_dest *dest = connection->dest;
	struct sim_service *service = counting(kernel, connection);

	*at = connection->next;
	kernel->connection_count--;
	dest->connection_count--;
	if (service) {
		struct sched_dest *twin = twin_in(service, dest);

		lsvm_sched_close(service->sched, connection->number, kernel->now_ms);
		from_twin(dest, twin);
	} else {
		count_out(dest, connection->active);
	}
	free(connection);
}

static void end_this(struct sim_kernel *kernel, struct sim_connection *connection)
{
	struct sim_connection **at = bucket(kernel, &connection->flow);

	while (*at != connection)
		at = &(*at)->next;
	end(kernel, at);
}

/* ---- which service ---- */

static struct sim_service *named(struct sim_kernel *kernel, const struct sim_flow *flow,
				 uint32_t fwmark, uint16_t port)
{
	struct wire_service name = { .family = flow->family,
				     .fwmark = fwmark,
				     .protocol = flow->protocol,
				     .port = port };

	memcpy(name.addr, flow->virtual, sizeof(name.addr));
	return lsvm_sim_service_find(kernel, &name);
}

/* By mark, by address and port, as FTP's data, by address alone. */
static struct sim_service *service_for(struct sim_kernel *kernel,
				       const struct sim_flow *flow, uint32_t fwmark)
{
	const uint16_t port = flow->virtual_port;
	struct sim_service *service = fwmark ? named(kernel, flow, fwmark, 0) : NULL;

	if (!service)
		service = named(kernel, flow, 0, port);
	if (!service && flow->protocol == IPPROTO_TCP &&
	    (port == FTP_DATA_PORT || port >= FIRST_FREE_PORT))
		service = named(kernel, flow, 0, FTP_PORT);
	return service ? service : named(kernel, flow, 0, 0);
}

/* ---- packets ---- */

static bool is_set(struct sim_host *sim, const char *name)
{
	const char *value = lsvm_sim_sysctl_get(sim, name);

	return value && strtol(value, NULL, 10) != 0;
}

static uint64_t lifetime_ms(const struct sim_kernel *kernel, uint8_t protocol)
{
	const struct ipvs_timeouts *timeouts = &kernel->timeouts;

	return 1000 *
	       (uint64_t)(protocol == IPPROTO_UDP ? timeouts->udp_s : timeouts->tcp_s);
}

static void count_packet(const struct sim_flow *flow, bool opens,
			 struct ipvs_counters *counters)
{
	const uint64_t ip = flow->family == AF_INET6 ? 40 : 20;

	counters->connections += opens;
	counters->in_packets++;
	counters->in_bytes += ip + (flow->protocol == IPPROTO_UDP ? 8 : 20);
}

static struct sim_dest *dest_at(struct sim_service *service, const struct addr *addr,
				uint16_t port)
{
	for (struct sim_dest *dest = service->ring.next; dest != &service->ring;
	     dest = dest->next)
		if (dest->name.port == port &&
		    (dest->name.family == AF_INET6) == (addr->family == 6) &&
		    !memcmp(dest->name.addr, addr->bytes, addr->family == 6 ? 16 : 4))
			return dest;
	return NULL;
}

static struct sim_dest *dest_of_twin(struct sim_service *service,
				     const struct sched_dest *twin)
{
	struct addr addr = { .family = twin->name.family };

	memcpy(addr.bytes, twin->name.bytes, sizeof(addr.bytes));
	return dest_at(service, &addr, twin->name.port);
}

/* Schedules a packet that opens a connection. */
static int schedule(struct sim_host *sim, const struct sim_flow *flow,
		    struct sim_service *service, struct sim_dest **ret_dest)
{
	struct sim_kernel *kernel = &sim->kernel;
	const struct sched_packet packet = {
		.client = addr_of(flow->family, flow->client),
		.virtual = addr_of(flow->family, flow->virtual),
		.client_port = flow->client_port,
		.protocol = flow->protocol,
		.now_ms = kernel->now_ms,
	};
	struct sim_connection *connection = calloc(1, sizeof(*connection)), **head;
	struct sched_dest *twin = NULL;
	int outcome =
		service->sched ? 0 : make_scheduler(sim, service, service->scheduler);

	if (outcome >= 0 && (!connection || (kernel->connection_count >=
						     kernel->connection_bucket_count &&
					     !grow(kernel))))
		outcome = lsvm_fail_nomem(sim->host.ctx);
	if (outcome >= 0) {
		service->sched->expire_quiescent =
			is_set(sim, "net.ipv4.vs.expire_quiescent_template");
		outcome = lsvm_sched_begin(service->sched, &packet, &twin,
					   connection ? &connection->number : NULL);
	}
	if (!twin) {
		free(connection);
		return outcome < 0		      ? outcome
		       : outcome == LSVM_SCHED_PASSED ? LSVM_ANSWER_LOCAL
						      : LSVM_ANSWER_REFUSED;
	}
	*ret_dest = dest_of_twin(service, twin);
	from_twin(*ret_dest, twin);
	count_packet(flow, true, &service->counters);
	count_packet(flow, true, &(*ret_dest)->counters);
	if (connection->number == LSVM_SCHED_NO_CONNECTION) {
		free(connection);
		return LSVM_ANSWER_SERVER;
	}
	connection->flow = *flow;
	connection->dest = *ret_dest;
	connection->sched_id = service->sched_id;
	connection->active = flow->protocol == IPPROTO_TCP;
	connection->expires_ms = kernel->now_ms + lifetime_ms(kernel, flow->protocol);
	head = bucket(kernel, flow);
	connection->next = *head;
	*head = connection;
	kernel->connection_count++;
	(*ret_dest)->connection_count++;
	connection->packets = 1;
	return LSVM_ANSWER_SERVER;
}

struct sim_connection *lsvm_sim_connection_find(const struct sim_kernel *kernel,
						const struct sim_flow *flow)
{
	return kernel->connection_bucket_count ? find(kernel, flow) : NULL;
}

static struct sim_connection *put(struct sim_kernel *kernel, const struct sim_flow *flow,
				  struct sim_dest *dest)
{
	struct sim_connection *connection, **head;

	if (kernel->connection_count >= kernel->connection_bucket_count && !grow(kernel))
		return NULL;
	connection = calloc(1, sizeof(*connection));
	if (!connection)
		return NULL;
	connection->flow = *flow;
	connection->dest = dest;
	head = bucket(kernel, flow);
	connection->next = *head;
	*head = connection;
	kernel->connection_count++;
	dest->connection_count++;
	return connection;
}

/* What another director's kernel tells. Its scheduler did not choose, and no scheduler
 * here counts it; but the destination does. */
void lsvm_sim_learn(struct sim_kernel *kernel, const struct sim_flow *flow,
		    uint32_t fwmark, const struct addr *server, uint16_t server_port,
		    bool active, uint64_t lifetime_ms)
{
	struct sim_connection *connection = find(kernel, flow);
	struct sim_service *service = service_for(kernel, flow, fwmark);
	struct sim_dest *dest = service ? dest_at(service, server, server_port) : NULL;

	if (!dest)
		return;
	if (connection && connection->dest != dest) {
		end_this(kernel, connection);
		connection = NULL;
	}
	if (!connection) {
		connection = put(kernel, flow, dest);
		if (!connection)
			return;
		connection->sched_id = NO_SCHEDULER;
		connection->active = active;
		if (active)
			dest->active++;
		else
			dest->inactive++;
		if (twin_in(service, dest))
			to_twin(dest, twin_in(service, dest));
	}
	connection->expires_ms = kernel->now_ms + lifetime_ms;
}

/* A packet of a connection that there is. */
static int go_on(struct sim_host *sim, struct sim_connection *connection,
		 struct sim_dest **ret_dest)
{
	struct sim_dest *dest = connection->dest;

	if (!dest->service) {
		if (!is_set(sim, "net.ipv4.vs.expire_nodest_conn"))
			return LSVM_ANSWER_DROPPED;
		end_this(&sim->kernel, connection);
		return LSVM_ANSWER_RESET;
	}
	connection->expires_ms =
		sim->kernel.now_ms + lifetime_ms(&sim->kernel, connection->flow.protocol);
	connection->packets++;
	count_packet(&connection->flow, false, &dest->counters);
	count_packet(&connection->flow, false, &dest->service->counters);
	*ret_dest = dest;
	return LSVM_ANSWER_SERVER;
}

int lsvm_sim_packet(struct sim_host *sim, const struct sim_flow *flow, uint32_t fwmark,
		    bool opens, struct sim_dest **ret_dest)
{
	struct sim_kernel *kernel = &sim->kernel;
	struct sim_connection *connection = find(kernel, flow);
	struct sim_service *service;

	/* Without a service of the family nobody looks at its packets. */
	if (!kernel->service_counts[flow->family == AF_INET6])
		return opens ? LSVM_ANSWER_LOCAL : LSVM_ANSWER_RESET;
	if (connection && opens && connection->closing) {
		end_this(kernel, connection);
		connection = NULL;
	}
	if (connection)
		return go_on(sim, connection, ret_dest);
	service = service_for(kernel, flow, fwmark);
	if (!service)
		return opens ? LSVM_ANSWER_LOCAL : LSVM_ANSWER_RESET;
	if (!opens && flow->protocol == IPPROTO_TCP &&
	    !is_set(sim, "net.ipv4.vs.sloppy_tcp"))
		return LSVM_ANSWER_RESET;
	return schedule(sim, flow, service, ret_dest);
}

int lsvm_sim_close(struct sim_host *sim, const struct sim_flow *flow)
{
	struct sim_kernel *kernel = &sim->kernel;
	struct sim_connection *connection = find(kernel, flow);
	struct sim_service *service;
	struct sim_dest *dest;

	if (!connection || connection->closing)
		return lsvm_fail(sim->host.ctx, LSVM_ERR_NOT_FOUND,
				 "there is no such connection on %s; it may have ended",
				 sim->host.name);
	/* The packet that says so has to get through first. */
	if (!kernel->service_counts[flow->family == AF_INET6] ||
	    go_on(sim, connection, &dest) != LSVM_ANSWER_SERVER)
		return 0;
	connection->closing = true;
	connection->expires_ms =
		kernel->now_ms + 1000 * (uint64_t)kernel->timeouts.tcp_fin_s;
	if (!connection->active)
		return 0;
	service = counting(kernel, connection);
	connection->active = false;
	if (service) {
		lsvm_sched_connection_set_active(service->sched, connection->number,
						 false);
		from_twin(connection->dest, twin_in(service, connection->dest));
		return 0;
	}
	connection->dest->active--;
	connection->dest->inactive++;
	if (connection->dest->service && connection->dest->service->sched)
		to_twin(connection->dest,
			twin_in(connection->dest->service, connection->dest));
	return 0;
}

void lsvm_sim_pass(struct sim_host *sim, uint64_t ms)
{
	struct sim_kernel *kernel = &sim->kernel;

	kernel->now_ms = ms < NEVER - kernel->now_ms ? kernel->now_ms + ms : NEVER;
	for (size_t i = 0; i < kernel->connection_bucket_count; i++) {
		struct sim_connection **at = &kernel->connections[i];

		while (*at) {
			if ((*at)->expires_ms <= kernel->now_ms)
				end(kernel, at);
			else
				at = &(*at)->next;
		}
	}
	lsvm_sim_trash_expire(kernel);
}

void lsvm_sim_connections_free(struct sim_kernel *kernel)
{
	for (size_t i = 0; i < kernel->connection_bucket_count; i++) {
		while (kernel->connections[i]) {
			struct sim_connection *connection = kernel->connections[i];

			kernel->connections[i] = connection->next;
			free(connection);
		}
	}
	free(kernel->connections);
	kernel->connections = NULL;
	kernel->connection_bucket_count = kernel->connection_count = 0;
}
