/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See watch.h. Everything is read from the kernel, as it would be whatever program runs
 * as the directors' agent; nothing asks the agents.
 */
#include "watch.h"

#include "pages.h"
#include "spaces.h"
#include "wire.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_US 200000
#define UNANSWERED_US 150000 /* then a request is looked for */
#define FORGOTTEN_US 2000000

struct eye {
	const struct machine *machine;
	struct lsvm_host *host;
	const struct lsvm_ipvs_table *planned;
	struct lsvm_plan *plan;
};

struct watch {
	struct lab *lab;
	struct eye *eyes; /* of the directors */
	size_t count;
	struct ip *vips; /* that directors hold */
	size_t vip_count;
	bool *unplugged, *idle; /* machines, by index */
	int own;		/* our network */
	uint32_t first;		/* request that may still owe something */
};

static size_t index_of(const struct watch *watch, const struct machine *machine)
{
	return (size_t)(machine - watch->lab->world.machines);
}

struct watch *watch_new(struct lab *lab)
{
	struct world *world = &lab->world;
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	*watch = (struct watch){ .lab = lab, .own = spaces_network() };
	watch->eyes = calloc(world->machine_count + 1, sizeof(*watch->eyes));
	watch->vips = calloc(world->vip_count + 1, sizeof(*watch->vips));
	watch->unplugged = calloc(world->machine_count + 1, sizeof(bool));
	watch->idle = calloc(world->machine_count + 1, sizeof(bool));
	if (!watch->eyes || !watch->vips || !watch->unplugged || !watch->idle) {
		watch_free(watch);
		return NULL;
	}
	for (size_t i = 0; i < world->vip_count; i++)
		if (world->vips[i].network)
			watch->vips[watch->vip_count++] = world->vips[i].ip;
	for (size_t i = 0; i < world->machine_count; i++) {
		struct eye *eye = &watch->eyes[watch->count];

		if (world->machines[i].role != LSVM_ROLE_DIRECTOR)
			continue;
		eye->machine = &world->machines[i];
		if (lsvm_plan_compile(lab->tool->ctx, lab->cluster, eye->machine->name,
				      LSVM_DUTY_MASTER, &eye->plan) == 0)
			eye->planned = lsvm_plan_ipvs(eye->plan);
		watch->count++;
	}
	return watch;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	for (size_t i = 0; i < watch->count; i++) {
		lsvm_host_free(watch->eyes[i].host);
		lsvm_plan_unref(watch->eyes[i].plan);
	}
	close(watch->own);
	free(watch->eyes);
	free(watch->vips);
	free(watch->unplugged);
	free(watch->idle);
	free(watch);
}

void watch_forget(struct watch *watch, const struct machine *machine)
{
	for (size_t i = 0; i < watch->count; i++) {
		if (watch->eyes[i].machine != machine)
			continue;
		lsvm_host_free(watch->eyes[i].host);
		watch->eyes[i].host = NULL;
	}
}

void watch_cable(struct watch *watch, const struct machine *machine, bool in)
{
	watch->unplugged[index_of(watch, machine)] = !in;
}

void watch_serves(struct watch *watch, const struct machine *machine, bool serves)
{
	watch->idle[index_of(watch, machine)] = !serves;
}

static bool is_reachable(const struct watch *watch, const struct machine *machine)
{
	return machine->net >= 0 && !watch->unplugged[index_of(watch, machine)];
}

/* ---- who is master ---- */

const struct machine *watch_master(struct watch *watch, char *why, size_t size)
{
	const struct machine *master = NULL;

	snprintf(why, size, "no director holds the virtual addresses");
	for (size_t i = 0; i < watch->count; i++) {
		const struct machine *machine = watch->eyes[i].machine;
		int held;

		if (!is_reachable(watch, machine))
			continue;
		held = wire_held_addresses(machine, watch->vips, watch->vip_count);
		if (held <= 0)
			continue;
		if (master) {
			snprintf(why, size, "%s and %s both hold virtual addresses",
				 master->name, machine->name);
			return NULL;
		}
		master = machine;
		if ((size_t)held == watch->vip_count)
			continue;
		snprintf(why, size, "%s holds %d of %zu virtual addresses", machine->name,
			 held, watch->vip_count);
		return NULL;
	}
	return master;
}

/* ---- tables ---- */

static struct lsvm_ipvs_table *look(struct watch *watch, struct eye *eye)
{
	struct lsvm_ipvs_table *table = NULL;

	if (!spaces_visit(eye->machine->net))
		return NULL;
	if (!eye->host &&
	    lsvm_host_open(watch->lab->tool->ctx, eye->machine->name, &eye->host) < 0)
		eye->host = NULL;
	if (eye->host && lsvm_host_ipvs_snapshot(eye->host, &table) < 0)
		table = NULL;
	if (!spaces_visit(watch->own)) {
		lsvm_ipvs_table_unref(table);
		return NULL;
	}
	return table;
}

static bool has_address(const struct machine *machine, const char *text)
{
	struct ip ip;

	if (!ip_parse(text, &ip))
		return false;
	for (size_t i = 0; i < machine->port_count; i++)
		for (size_t j = 0; j < machine->ports[i].addresses.count; j++)
			if (ip_equal(&machine->ports[i].addresses.items[j], &ip))
				return true;
	return false;
}

/* In how many services of the table the server takes clients. */
static size_t count_services(const struct lsvm_ipvs_table *table,
			     const struct machine *server)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	size_t count = 0;

	for (size_t i = 0; table && i < lsvm_ipvs_table_service_count(table); i++) {
		const struct lsvm_ipvs_service *service =
			lsvm_ipvs_table_service_at(table, i);

		for (size_t j = 0; j < lsvm_ipvs_service_destination_count(service);
		     j++) {
			const struct lsvm_ipvs_destination *destination =
				lsvm_ipvs_service_destination_at(service, j);

			lsvm_ipvs_destination_address(destination, text, sizeof(text));
			count += lsvm_ipvs_destination_weight(destination) > 0 &&
				 has_address(server, text);
		}
	}
	return count;
}

static struct eye *eye_of(struct watch *watch, const struct machine *machine)
{
	for (size_t i = 0; i < watch->count; i++)
		if (watch->eyes[i].machine == machine)
			return &watch->eyes[i];
	return NULL;
}

int watch_server(struct watch *watch, const struct machine *server)
{
	char why[160];
	const struct machine *master = watch_master(watch, why, sizeof(why));
	struct eye *eye = master ? eye_of(watch, master) : NULL;
	struct lsvm_ipvs_table *table = eye ? look(watch, eye) : NULL;
	size_t planned = eye ? count_services(eye->planned, server) : 0, count;

	if (!table)
		return -1;
	count = count_services(table, server);
	lsvm_ipvs_table_unref(table);
	return !count ? 0 : count >= planned ? 1 : -1;
}

bool watch_settled(struct watch *watch, char *why, size_t size)
{
	const struct world *world = &watch->lab->world;
	const struct machine *master = watch_master(watch, why, size);
	struct eye *eye = master ? eye_of(watch, master) : NULL;
	struct lsvm_ipvs_table *table;
	bool good = true;

	if (!eye)
		return false;
	table = look(watch, eye);
	snprintf(why, size, "the table of %s cannot be read", master->name);
	for (size_t i = 0; table && good && i < world->machine_count; i++) {
		const struct machine *machine = &world->machines[i];

		if (machine->role != LSVM_ROLE_SERVER || watch->idle[i] ||
		    !is_reachable(watch, machine))
			continue;
		good = count_services(table, machine) >=
		       count_services(eye->planned, machine);
		if (!good)
			snprintf(why, size, "%s does not send clients to %s everywhere",
				 master->name, machine->name);
	}
	good = good && table;
	lsvm_ipvs_table_unref(table);
	return good;
}

/* ---- what listens ---- */

/* From the server itself: to the VIP, behind address translation to its own address. */
static bool listens(const struct machine *server, const struct target *target)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	const struct ip *ip = &target->vip;
	struct timeval patience = { .tv_usec = CONNECT_US };
	int fd, did;

	for (size_t i = 0; target->forwarding == LSVM_FORWARDING_NAT &&
			   i < server->port_count && ip == &target->vip;
	     i++)
		if (port_address(&server->ports[i], ip->family))
			ip = port_address(&server->ports[i], ip->family);
	fd = socket(ip->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	four.sin_port = six.sin6_port = htons(target->server_port);
	memcpy(&four.sin_addr, ip->bytes, 4);
	memcpy(&six.sin6_addr, ip->bytes, 16);
	if (ip->family == AF_INET)
		did = connect(fd, (struct sockaddr *)&four, sizeof(four));
	else
		did = connect(fd, (struct sockaddr *)&six, sizeof(six));
	close(fd);
	return did == 0;
}

bool watch_serving(struct watch *watch, char *why, size_t size)
{
	const struct world *world = &watch->lab->world;
	const struct targets *targets = &watch->lab->targets;
	bool good = true;

	for (size_t i = 0; good && i < world->machine_count; i++) {
		const struct machine *machine = &world->machines[i];

		if (machine->role != LSVM_ROLE_SERVER || watch->idle[i] ||
		    !is_reachable(watch, machine) || !spaces_visit(machine->net))
			continue;
		for (size_t j = 0; good && j < targets->count; j++) {
			const struct target *target = &targets->items[j];

			if (target->skipped || target->protocol != LSVM_PROTOCOL_TCP ||
			    !target_has_server(target, machine->name) ||
			    (j && target->domain && target[-1].domain &&
			     ip_equal(&target->vip, &target[-1].vip) &&
			     target->port == target[-1].port))
				continue;
			good = listens(machine, target);
			if (!good)
				snprintf(why, size, "%s: nothing listens at %s port %u",
					 machine->name, target->address,
					 target->server_port);
		}
	}
	return spaces_visit(watch->own) && good;
}

/* ---- where requests are ---- */

static bool is_sought(const struct load_request *request, int64_t now_us)
{
	if (!request->accepted || request->observed >= 0)
		return false;
	/* Tables forget what has ended. */
	return (request->state == LOAD_FAILED &&
		now_us - request->end_us < FORGOTTEN_US) ||
	       (request->state == LOAD_ACCEPTED &&
		now_us - request->start_us > UNANSWERED_US);
}

static int server_by_address(const struct watch *watch, const char *text)
{
	const struct world *world = &watch->lab->world;

	for (size_t i = 0; i < world->machine_count; i++)
		if (world->machines[i].role == LSVM_ROLE_SERVER &&
		    has_address(&world->machines[i], text))
			return (int)i;
	return -1;
}

static void match(struct watch *watch, struct load *load,
		  const struct lsvm_connection_list *list, uint32_t until, int64_t now)
{
	char client[LSVM_ADDRESS_TEXT_BYTES], server[LSVM_ADDRESS_TEXT_BYTES];
	struct ip ip;

	for (uint32_t i = watch->first; i < until; i++) {
		struct load_request *request = &load->shared->requests[i];

		if (!is_sought(request, now))
			continue;
		for (size_t j = 0; j < lsvm_connection_list_count(list); j++) {
			const struct lsvm_connection *connection =
				lsvm_connection_list_at(list, j);

			if (lsvm_connection_client_port(connection) != request->port)
				continue;
			lsvm_connection_client(connection, client, sizeof(client));
			if (!ip_parse(client, &ip) ||
			    !ip_equal(&ip, &load->sources[request->source]))
				continue;
			lsvm_connection_server(connection, server, sizeof(server));
			request->observed = (int16_t)server_by_address(watch, server);
		}
	}
}

void watch_requests(struct watch *watch, struct load *load)
{
	int64_t now = now_us() - load->shared->zero_us;
	uint32_t until = load->shared->request_count, sought = 0;
	struct lsvm_connection_list *list;

	while (watch->first < until) {
		const struct load_request *request =
			&load->shared->requests[watch->first];

		if (request->state != LOAD_ANSWERED &&
		    (request->state != LOAD_FAILED || is_sought(request, now)))
			break;
		watch->first++;
	}
	for (uint32_t i = watch->first; i < until; i++)
		sought += is_sought(&load->shared->requests[i], now);
	for (size_t i = 0; sought && i < watch->count; i++) {
		struct eye *eye = &watch->eyes[i];

		if (eye->machine->net < 0 || !spaces_visit(eye->machine->net))
			continue;
		if (!eye->host && lsvm_host_open(watch->lab->tool->ctx,
						 eye->machine->name, &eye->host) < 0)
			eye->host = NULL;
		if (eye->host && lsvm_host_connections(eye->host, NULL, NULL, NULL, NULL,
						       0, &list) == 0) {
			match(watch, load, list, until, now);
			lsvm_connection_list_free(list);
		}
		if (!spaces_visit(watch->own))
			return;
	}
}
