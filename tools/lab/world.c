/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading the cluster's JSON. It is canonical: a frozen cluster wrote it, so names
 * resolve and addresses parse; what is checked here is only what the lab itself cannot
 * do.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(struct world *world, const char *text)
{
	snprintf(world->problem, sizeof(world->problem), "%s", text);
	return -1;
}

/* ---- JSON ---- */

/* An object with nothing but its name is written as the name. */
static const char *text_of(const json_t *object, const char *key)
{
	return json_is_string(object) ? json_string_value(object)
				      : json_string_value(json_object_get(object, key));
}

static bool read_ips(const json_t *list, struct ip_list *ret)
{
	size_t count = json_is_string(list) ? 1 : json_array_size(list);

	ret->items = calloc(count + 1, sizeof(*ret->items));
	for (size_t i = 0; ret->items && i < count; i++) {
		const json_t *item =
			json_is_string(list) ? list : json_array_get(list, i);
		const char *text = json_string_value(item);

		if (text && ip_parse(text, &ret->items[ret->count]))
			ret->count++;
	}
	return ret->items;
}

static bool read_subnets(const json_t *list, struct network *network)
{
	size_t count = json_is_string(list) ? 1 : json_array_size(list);

	network->subnets = calloc(count + 1, sizeof(*network->subnets));
	for (size_t i = 0; network->subnets && i < count; i++) {
		const json_t *item =
			json_is_string(list) ? list : json_array_get(list, i);
		struct subnet *subnet = &network->subnets[network->subnet_count];
		char text[INET6_ADDRSTRLEN + 8], *slash;

		snprintf(text, sizeof(text), "%s", json_string_value(item));
		slash = strchr(text, '/');
		if (!slash)
			continue;
		*slash = '\0';
		subnet->length = atoi(slash + 1);
		network->subnet_count += ip_parse(text, &subnet->ip);
	}
	return network->subnets;
}

static int read_networks(struct world *world)
{
	const json_t *list = json_object_get(world->json, "networks"), *item;
	size_t i;

	world->networks = calloc(json_array_size(list) + 1, sizeof(*world->networks));
	if (!world->networks)
		return fail(world, "out of memory");
	json_array_foreach(list, i, item)
	{
		struct network *network = &world->networks[world->network_count++];

		network->name = text_of(item, "name");
		network->outside = json_is_true(json_object_get(item, "outside"));
		network->mtu = (uint32_t)json_integer_value(json_object_get(item, "mtu"));
		snprintf(network->bridge, sizeof(network->bridge), "net%u", (uint16_t)i);
		if (!read_subnets(json_object_get(item, "subnets"), network) ||
		    !read_ips(json_object_get(item, "gateways"), &network->gateways) ||
		    !read_ips(json_object_get(item, "director_addresses"),
			      &network->director_addresses))
			return fail(world, "out of memory");
	}
	return 0;
}

static struct network *find_network(const struct world *world, const char *name)
{
	for (size_t i = 0; name && i < world->network_count; i++)
		if (!strcmp(world->networks[i].name, name))
			return &world->networks[i];
	return NULL;
}

static int read_port(struct world *world, const json_t *item, size_t index,
		     struct port *port)
{
	const char *name = json_string_value(json_object_get(item, "name"));
	const char *mac = json_string_value(json_object_get(item, "mac"));

	port->network = find_network(world, text_of(item, "network"));
	if (!port->network)
		return fail(world, "an interface has no network");
	if (name)
		snprintf(port->name, sizeof(port->name), "%s", name);
	else
		snprintf(port->name, sizeof(port->name), "eth%u", (uint16_t)index);
	snprintf(port->plug, sizeof(port->plug), "m%u-%u", (uint16_t)world->machine_count,
		 (uint16_t)index);
	port->has_mac = mac && sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &port->mac[0],
				      &port->mac[1], &port->mac[2], &port->mac[3],
				      &port->mac[4], &port->mac[5]) == 6;
	if (!read_ips(json_object_get(item, "addresses"), &port->addresses))
		return fail(world, "out of memory");
	return 0;
}

static struct machine *add_machine(struct world *world, const char *name, int role,
				   size_t port_count)
{
	struct machine *machine = &world->machines[world->machine_count];

	*machine = (struct machine){
		.name = name, .role = role, .net = -1, .mounts = -1, .names = -1
	};
	machine->ports = calloc(port_count + 1, sizeof(*machine->ports));
	return machine->ports ? machine : NULL;
}

static int read_machine(struct world *world, const json_t *item, int role)
{
	const json_t *ports = json_object_get(item, "interfaces");
	size_t count = json_array_size(ports);
	struct machine *machine;

	if (world->machine_count >= WORLD_MACHINES_MAX)
		return fail(world, "the lab takes at most 500 machines");
	machine = add_machine(world, text_of(item, "name"), role, count);
	if (!machine || !read_ips(json_object_get(item, "gateways"), &machine->gateways))
		return fail(world, "out of memory");
	for (; machine->port_count < count; machine->port_count++)
		if (read_port(world, json_array_get(ports, machine->port_count),
			      machine->port_count,
			      &machine->ports[machine->port_count]) < 0)
			return -1;
	world->machine_count++;
	return 0;
}

static int read_machines(struct world *world)
{
	static const struct {
		const char *key;
		int role;
	} lists[] = { { "ems", LSVM_ROLE_EMS },
		      { "routers", LSVM_ROLE_ROUTER },
		      { "directors", LSVM_ROLE_DIRECTOR },
		      { "servers", LSVM_ROLE_SERVER },
		      { "backends", LSVM_ROLE_BACKEND } };

	world->machines = calloc(WORLD_MACHINES_MAX + 1, sizeof(*world->machines));
	if (!world->machines)
		return fail(world, "out of memory");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const json_t *list = json_object_get(world->json, lists[i].key), *item;
		size_t j;

		if (list && !json_is_array(list) &&
		    read_machine(world, list, lists[i].role) < 0)
			return -1;
		json_array_foreach(list, j,
				   item) if (read_machine(world, item, lists[i].role) <
					     0) return -1;
	}
	return 0;
}

struct machine *world_find(const struct world *world, const char *name)
{
	for (size_t i = 0; i < world->machine_count; i++)
		if (!strcmp(world->machines[i].name, name))
			return &world->machines[i];
	return NULL;
}

struct machine *world_client(const struct world *world)
{
	return &world->machines[world->machine_count - 1];
}

/* ---- virtual addresses ---- */

static bool directors_share(const struct world *world, const struct network *network)
{
	bool some = false;

	for (size_t i = 0; i < world->machine_count; i++) {
		if (world->machines[i].role != LSVM_ROLE_DIRECTOR)
			continue;
		if (!machine_port(&world->machines[i], network))
			return false;
		some = true;
	}
	return some;
}

/* As lib/cluster does it: the network that has the address, else the directors'
 * outermost; networks are written from the outside in. */
static struct network *home_of(const struct world *world, const struct ip *ip)
{
	for (size_t i = 0; i < world->network_count; i++)
		if (network_subnet(&world->networks[i], ip))
			return &world->networks[i];
	for (size_t i = 0; i < world->network_count; i++)
		if (directors_share(world, &world->networks[i]))
			return &world->networks[i];
	return NULL;
}

static int read_vips(struct world *world)
{
	const json_t *partitions = json_object_get(world->json, "partitions"), *partition;
	const json_t *vips, *item;
	size_t i, j, count = 0;

	json_array_foreach(partitions, i, partition) count +=
		json_array_size(json_object_get(partition, "vips"));
	world->vips = calloc(count + 1, sizeof(*world->vips));
	if (!world->vips)
		return fail(world, "out of memory");
	json_array_foreach(partitions, i, partition)
	{
		vips = json_object_get(partition, "vips");
		json_array_foreach(vips, j, item)
		{
			struct virtual_address *vip = &world->vips[world->vip_count];
			const char *text = text_of(item, "address");

			if (!text || !ip_parse(text, &vip->ip))
				continue;
			vip->network = find_network(
				world,
				json_string_value(json_object_get(item, "network")));
			if (!vip->network)
				vip->network = home_of(world, &vip->ip);
			world->vip_count++;
		}
	}
	return 0;
}

/* ---- the client ---- */

static bool is_taken(const struct world *world, const struct ip *ip)
{
	for (size_t i = 0; i < world->machine_count; i++)
		for (size_t j = 0; j < world->machines[i].port_count; j++) {
			const struct ip_list *list =
				&world->machines[i].ports[j].addresses;

			for (size_t k = 0; k < list->count; k++)
				if (ip_equal(&list->items[k], ip))
					return true;
		}
	for (size_t i = 0; i < world->vip_count; i++)
		if (ip_equal(&world->vips[i].ip, ip))
			return true;
	return false;
}

/* The first free address from the second one on. */
static struct ip free_address(const struct world *world, const struct subnet *subnet)
{
	struct ip ip = subnet->ip;
	int last = ip_bits(&ip) / 8 - 1;

	for (int i = 2; i < 255; i++) {
		ip.bytes[last] = (unsigned char)(subnet->ip.bytes[last] + i);
		if (!subnet_has(subnet, &ip))
			break;
		if (!is_taken(world, &ip))
			return ip;
	}
	return (struct ip){ 0 };
}

size_t world_free_addresses(const struct world *world, const struct port *port,
			    int family, size_t wanted, struct ip *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < port->network->subnet_count; i++) {
		const struct subnet *subnet = &port->network->subnets[i];
		int last = ip_bits(&subnet->ip) / 8 - 1;

		if (subnet->ip.family != family)
			continue;
		for (int j = 2; j < 255 && count < wanted; j++) {
			struct ip ip = subnet->ip, next;

			ip.bytes[last] = (unsigned char)(subnet->ip.bytes[last] + j);
			next = ip;
			next.bytes[last]++; /* the last one is for broadcasts */
			if (!subnet_has(subnet, &ip) || !subnet_has(subnet, &next))
				break;
			if (!is_taken(world, &ip))
				ret[count++] = ip;
		}
	}
	return count;
}

static int add_client(struct world *world)
{
	const char *name = world_find(world, "client") ? "lab-client" : "client";
	struct machine *machine =
		add_machine(world, name, LSVM_ROLE_UNKNOWN, world->network_count);

	if (!machine)
		return fail(world, "out of memory");
	for (size_t i = 0; i < world->network_count; i++) {
		struct network *network = &world->networks[i];
		struct port *port = &machine->ports[machine->port_count];
		struct ip_list *list = &port->addresses;

		if (!network->outside)
			continue;
		port->network = network;
		snprintf(port->name, sizeof(port->name), "eth%u",
			 (uint16_t)machine->port_count);
		snprintf(port->plug, sizeof(port->plug), "client-%u",
			 (uint16_t)machine->port_count);
		list->items = calloc(network->subnet_count + 1, sizeof(*list->items));
		if (!list->items)
			return fail(world, "out of memory");
		for (size_t j = 0; j < network->subnet_count; j++) {
			list->items[list->count] =
				free_address(world, &network->subnets[j]);
			list->count += list->items[list->count].family != 0;
		}
		machine->port_count++;
	}
	world->machine_count++;
	if (!machine->port_count)
		return fail(world, "no network is marked 'outside: true': there is no "
				   "place for the client");
	return 0;
}

int world_load(struct world *world, const struct lsvm_cluster *cluster)
{
	char *text;

	*world = (struct world){ 0 };
	if (lsvm_cluster_to_json(cluster, &text) < 0)
		return fail(world, "out of memory");
	world->json = json_loads(text, 0, NULL);
	lsvm_free(text);
	if (!world->json)
		return fail(world, "the cluster's JSON cannot be read");
	if (read_networks(world) < 0 || read_machines(world) < 0 || read_vips(world) < 0)
		return -1;
	return add_client(world);
}

void world_free(struct world *world)
{
	for (size_t i = 0; i < world->machine_count; i++) {
		struct machine *machine = &world->machines[i];

		for (size_t j = 0; j < machine->port_count; j++)
			free(machine->ports[j].addresses.items);
		free(machine->ports);
		free(machine->gateways.items);
	}
	for (size_t i = 0; i < world->network_count; i++) {
		free(world->networks[i].subnets);
		free(world->networks[i].gateways.items);
		free(world->networks[i].director_addresses.items);
	}
	free(world->machines);
	free(world->networks);
	free(world->vips);
	json_decref(world->json);
}
