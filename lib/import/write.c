/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cluster file: a tree of what is known and what was made up, as YAML, checked by
 * loading it. Comments at its head say what was made up. When it loads, it is written
 * again in canonical form, so that findings have the lines that the user sees.
 */
#include "import/import.h"

/* ---- machines and networks ---- */

static struct node *addr_list(struct source *source, const struct addr *addr)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	struct node *list = lsvm_import_list(source);

	lsvm_import_put(list, source, NULL,
			lsvm_import_scalar(source, lsvm_addr_text(addr, text)));
	return list;
}

static void add_interface(struct source *source, struct node *list, const char *name,
			  const char *network, const struct addr *addr)
{
	struct node *map = lsvm_import_map(source);

	lsvm_import_text(source, map, "name", name);
	lsvm_import_text(source, map, "network", network);
	if (addr && addr->family)
		lsvm_import_put(map, source, "addresses", addr_list(source, addr));
	lsvm_import_put(list, source, NULL, map);
}

static struct node *named(struct source *source, const char *name)
{
	struct node *map = lsvm_import_map(source);

	lsvm_import_text(source, map, "name", name);
	return map;
}

static void add_prefix(struct source *source, struct node *list,
		       const struct prefix *prefix)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (prefix->addr.family)
		lsvm_import_put(
			list, source, NULL,
			lsvm_import_scalar(source, lsvm_prefix_text(prefix, text)));
}

static struct node *networks(struct source *source)
{
	struct node *list = lsvm_import_list(source), *map, *subnets;

	map = named(source, "outside");
	subnets = lsvm_import_list(source);
	add_prefix(source, subnets, &source->outside[0]);
	add_prefix(source, subnets, &source->outside[1]);
	lsvm_import_put(map, source, "subnets", subnets);
	lsvm_import_word_of(source, map, "outside", "true");
	lsvm_import_put(list, source, NULL, map);
	for (size_t i = 0; i < source->networks.count; i++) {
		const struct import_network *network = source->networks.items[i];

		map = named(source, network->name);
		subnets = lsvm_import_list(source);
		add_prefix(source, subnets, &network->subnet);
		lsvm_import_put(map, source, "subnets", subnets);
		if (network->gateway)
			lsvm_import_put(
				map, source, "director_addresses",
				addr_list(source, &network->gateway->prefix.addr));
		lsvm_import_put(list, source, NULL, map);
	}
	return list;
}

static struct node *routers(struct source *source)
{
	struct node *list = lsvm_import_list(source), *map = named(source, "router1");
	struct node *interfaces = lsvm_import_list(source), *addresses;
	struct node *outside = lsvm_import_map(source);
	char text[LSVM_ADDRESS_TEXT_BYTES];

	addresses = lsvm_import_list(source);
	for (unsigned i = 0; i < 2; i++)
		if (source->outside_router[i].family)
			lsvm_import_put(
				addresses, source, NULL,
				lsvm_import_scalar(
					source, lsvm_addr_text(&source->outside_router[i],
							       text)));
	lsvm_import_text(source, outside, "network", "outside");
	lsvm_import_put(outside, source, "addresses", addresses);
	lsvm_import_put(interfaces, source, NULL, outside);
	for (size_t i = 0; i < source->networks.count; i++)
		add_interface(source, interfaces, NULL, source->networks.items[i]->name,
			      &source->networks.items[i]->router);
	lsvm_import_put(map, source, "interfaces", interfaces);
	lsvm_import_put(list, source, NULL, map);
	return list;
}

/* Interfaces have names of their own as soon as one has. */
static const char *interface_name(struct source *source, size_t n)
{
	const char *name = source->networks.items[n]->interface;
	bool any = false;

	for (size_t i = 0; i < source->networks.count; i++)
		any |= source->networks.items[i]->interface != NULL;
	if (name || !any)
		return name;
	return lsvm_arena_printf(&source->arena, "net%zu", n);
}

static uint32_t priority(const struct source *source, uint32_t n)
{
	uint32_t own = source->house.priority;

	own = own < 1 ? 1 : own > 254 ? 254 : own;
	if (n == 0)
		return own;
	if (source->house.is_backup)
		return own + 10 * n > 254 ? 254 : own + 10 * n;
	return own > 10 * n ? own - 10 * n : 1;
}

static struct node *directors(struct source *source)
{
	struct node *list = lsvm_import_list(source);

	for (uint32_t n = 0; n < source->director_count; n++) {
		struct node *map = named(
			source, lsvm_arena_printf(&source->arena, "director%u", n + 1));
		struct node *interfaces = lsvm_import_list(source);

		if (source->house.redundant)
			lsvm_import_count(source, map, "priority", priority(source, n));
		for (size_t i = 0; i < source->networks.count; i++) {
			const struct import_network *network = source->networks.items[i];

			add_interface(source, interfaces, interface_name(source, i),
				      network->name,
				      n < network->directors.count
					      ? &network->directors.items[n]
					      : NULL);
		}
		lsvm_import_put(map, source, "interfaces", interfaces);
		lsvm_import_put(list, source, NULL, map);
	}
	return list;
}

static struct node *servers(struct source *source)
{
	struct node *list = lsvm_import_list(source);

	for (size_t i = 0; i < source->machines.count; i++) {
		const struct import_machine *machine = source->machines.items[i];
		struct node *map, *interfaces;

		if (!machine->used)
			continue;
		map = named(source, machine->name);
		interfaces = lsvm_import_list(source);
		if (machine->network)
			add_interface(source, interfaces, NULL, machine->network->name,
				      &machine->addr);
		lsvm_import_put(map, source, "interfaces", interfaces);
		lsvm_import_put(list, source, NULL, map);
	}
	return list;
}

/* ---- partitions ---- */

static void put_persistence(struct source *source, struct node *map,
			    const struct import_service *service)
{
	struct node *persistence;

	if (!service->persistent)
		return;
	persistence = lsvm_import_map(source);
	lsvm_import_count(source, persistence, "timeout_s", service->timeout_s);
	if (service->prefix_length)
		lsvm_import_count(source, persistence,
				  service->addr.family == 6 ? "ipv6_prefix_length"
							    : "ipv4_prefix_length",
				  service->prefix_length);
	lsvm_import_text(source, persistence, "engine", service->engine);
	lsvm_import_put(map, source, "persistence", persistence);
}

static void put_way(struct source *source, struct node *map, const struct way *way)
{
	struct node *tunnel;

	lsvm_import_word_of(source, map, "forwarding",
			    lsvm_forwarding_name((int)way->forwarding));
	if (way->forwarding != LSVM_FORWARDING_TUNNEL || way->tunnel < LSVM_TUNNEL_GUE)
		return;
	tunnel = lsvm_import_map(source);
	lsvm_import_word_of(source, tunnel, "kind",
			    lsvm_tunnel_kind_name((int)way->tunnel));
	if (way->port)
		lsvm_import_count(source, tunnel, "port", way->port);
	if (way->checksum)
		lsvm_import_word_of(source, tunnel, "checksum",
				    lsvm_tunnel_checksum_name((int)way->checksum));
	lsvm_import_put(map, source, "tunnel", tunnel);
}

static void put_flags(struct source *source, struct node *map, uint32_t flags)
{
	struct node *list = lsvm_import_list(source);

	for (uint32_t bit = 1; bit <= LSVM_SCHEDULER_FLAG_THIRD; bit <<= 1)
		if (flags & bit)
			lsvm_import_put(
				list, source, NULL,
				lsvm_import_scalar(source,
						   lsvm_scheduler_flag_name((int)bit)));
	if (flags)
		lsvm_import_put(map, source, "scheduler_flags", list);
}

static bool has_port(const char *kind)
{
	return strcmp(kind, "ping") != 0 && strcmp(kind, "external") != 0;
}

/* A service by mark takes every port, so that its checks need one of their own; behind
 * NAT with another port the servers listen there. */
static uint16_t check_port(const struct import_service *service, const char *kind)
{
	static const struct {
		const char *kind;
		uint16_t port;
	} usual[] = {
		{ "http", 80 }, { "https", 443 },	{ "smtp", 25 },
		{ "dns", 53 },	{ "ldap", 389 },	{ "mysql", 3306 },
		{ "tcp", 80 },	{ "postgresql", 5432 },
	};

	if (!has_port(kind))
		return 0;
	if (!service->mark)
		return service->server_port;
	if (service->servers.count && service->servers.items[0].port)
		return service->servers.items[0].port;
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (strcmp(usual[i].kind, kind) == 0)
			return usual[i].port;
	return 0;
}

static void put_checks(struct source *source, struct node *map,
		       const struct import_service *service)
{
	size_t budget = IMPORT_MAX_CHECK_NODES - source->check_nodes, left = budget;
	struct node *list;

	if (!service->checks)
		return;
	/* Services of a group share their checks, and a node has one parent. */
	list = lsvm_tree_copy(&source->tree, service->checks, &left);
	source->check_nodes += budget - left;
	if (!list) {
		lsvm_import_say(
			source, LSVM_IMPORT_NOTE_KIND_LOST, service->at,
			"all checks together are too many: this service has none");
		return;
	}
	for (struct node *check = list->first; check; check = check->next) {
		const struct node *kind = lsvm_node_child(check, "kind");
		uint16_t port = kind ? check_port(service, kind->text) : 0;

		if (port && !lsvm_node_child(check, "port"))
			lsvm_import_count(source, check, "port", port);
	}
	lsvm_import_put(map, source, "checks", list);
}

static struct node *service_node(struct source *source,
				 const struct import_service *service)
{
	struct node *map = lsvm_import_map(source), *ports = lsvm_import_list(source);

	lsvm_import_text(source, map, "name", service->name);
	if (service->protocol != LSVM_PROTOCOL_TCP)
		lsvm_import_word_of(source, map, "protocol",
				    lsvm_protocol_name((int)service->protocol));
	if (service->mark) {
		lsvm_import_count(source, map, "fwmark", service->mark);
	} else {
		lsvm_import_count(source, ports, NULL, service->port);
		lsvm_import_put(map, source, "ports", ports);
	}
	if (service->server_port && !service->mark)
		lsvm_import_count(source, map, "server_port", service->server_port);
	put_way(source, map, &service->way);
	lsvm_import_word_of(source, map, "scheduler", service->scheduler);
	put_flags(source, map, service->flags);
	put_persistence(source, map, service);
	if (service->one_packet)
		lsvm_import_word_of(source, map, "one_packet", "true");
	put_checks(source, map, service);
	if (service->quorum)
		lsvm_import_count(source, map, "quorum", service->quorum);
	if (service->sorry_machine)
		lsvm_import_text(source, map, "sorry_server",
				 service->sorry_machine->name);
	return map;
}

static struct node *vip_node(struct source *source, const struct import_vip *vip)
{
	struct node *map = lsvm_import_map(source), *list = lsvm_import_list(source);
	char text[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_import_text(source, map, "address", lsvm_addr_text(&vip->addr, text));
	for (const struct import_service *s = vip->first; s; s = s->next_on_vip)
		lsvm_import_put(list, source, NULL, service_node(source, s));
	lsvm_import_put(map, source, "services", list);
	return map;
}

static struct node *member_node(struct source *source, const struct import_member *member)
{
	struct node *map;

	if (member->weight == 1 && !member->upper && !member->lower)
		return lsvm_import_scalar(source, member->machine->name);
	map = lsvm_import_map(source);
	lsvm_import_text(source, map, "server", member->machine->name);
	if (member->weight != 1)
		lsvm_import_count(source, map, "weight", member->weight);
	if (member->upper)
		lsvm_import_count(source, map, "upper_threshold", member->upper);
	if (member->lower)
		lsvm_import_count(source, map, "lower_threshold", member->lower);
	return map;
}

static struct node *partitions(struct source *source)
{
	struct node *list = lsvm_import_list(source);

	for (size_t i = 0; i < source->pools.count; i++) {
		const struct import_pool *pool = source->pools.items[i];
		struct node *map, *members, *vips;

		if (!pool->first)
			continue;
		map = named(source, pool->name);
		members = lsvm_import_list(source);
		vips = lsvm_import_list(source);
		for (size_t m = 0; m < pool->members.count; m++)
			lsvm_import_put(members, source, NULL,
					member_node(source, &pool->members.items[m]));
		for (const struct import_vip *vip = pool->first; vip; vip = vip->next)
			lsvm_import_put(vips, source, NULL, vip_node(source, vip));
		if (members && members->first)
			lsvm_import_put(map, source, "servers", members);
		lsvm_import_put(map, source, "vips", vips);
		lsvm_import_put(list, source, NULL, map);
	}
	return list;
}

/* ---- the rest ---- */

static struct node *redundancy(struct source *source)
{
	const struct import_house *house = &source->house;
	struct node *map = lsvm_import_map(source);
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (house->redundant) {
		lsvm_import_word_of(source, map, "kind", "vrrp");
		if (house->version)
			lsvm_import_count(source, map, "version", house->version);
		if (house->router_id)
			lsvm_import_count(source, map, "router_id", house->router_id);
		lsvm_import_count(source, map, "advert_interval_ms",
				  house->advert_ms / 10 * 10);
		if (house->no_preempt)
			lsvm_import_word_of(source, map, "preempt", "false");
		if (house->preempt_delay_ms)
			lsvm_import_count(source, map, "preempt_delay_ms",
					  house->preempt_delay_ms);
		if (house->unicast)
			lsvm_import_word_of(source, map, "unicast", "true");
	}
	if (house->sync) {
		lsvm_import_word_of(source, map, "connections", "sync");
		lsvm_import_count(source, map, "sync_id", house->sync_id);
		if (house->sync_maxlen)
			lsvm_import_count(source, map, "sync_maxlen_bytes",
					  house->sync_maxlen);
		if (house->sync_port)
			lsvm_import_count(source, map, "sync_port", house->sync_port);
		if (house->sync_ttl)
			lsvm_import_count(source, map, "sync_ttl", house->sync_ttl);
		if (house->sync_group.family)
			lsvm_import_text(source, map, "sync_group",
					 lsvm_addr_text(&house->sync_group, text));
	}
	return map && map->first ? map : NULL;
}

static struct node *timeouts(struct source *source)
{
	const struct import_house *house = &source->house;
	struct node *map = lsvm_import_map(source);

	if (house->tcp_s)
		lsvm_import_count(source, map, "tcp_timeout_s", house->tcp_s);
	if (house->tcp_fin_s)
		lsvm_import_count(source, map, "tcp_fin_timeout_s", house->tcp_fin_s);
	if (house->udp_s)
		lsvm_import_count(source, map, "udp_timeout_s", house->udp_s);
	return map && map->first ? map : NULL;
}

static struct node *file(struct source *source)
{
	struct node *root = named(source, source->house.name);
	struct node *list;

	lsvm_import_put(root, source, "networks", networks(source));
	lsvm_import_put(root, source, "routers", routers(source));
	lsvm_import_put(root, source, "directors", directors(source));
	list = servers(source);
	if (list && list->first)
		lsvm_import_put(root, source, "servers", list);
	list = partitions(source);
	if (list && list->first)
		lsvm_import_put(root, source, "partitions", list);
	lsvm_import_put(root, source, "redundancy", redundancy(source));
	lsvm_import_put(root, source, "ipvs", timeouts(source));
	return root;
}

/* ---- YAML ---- */

static void put_head(const struct source *source, struct buf *buf)
{
	const struct lsvm_import *import = source->import;

	lsvm_buf_printf(buf,
			"# Imported from %s. Made up, to be replaced by what is true:\n",
			lsvm_import_source_name((int)import->source));
	for (size_t i = 0; i < import->notes.count; i++) {
		const struct lsvm_import_note *note = &import->notes.items[i];

		if (note->kind == LSVM_IMPORT_NOTE_KIND_INVENTED)
			lsvm_buf_printf(buf, "# - %s\n", note->text ? note->text : "");
	}
}

static int load(struct lsvm_import *import, const char *yaml, struct lsvm_cluster **ret)
{
	return lsvm_cluster_load(import->ctx, yaml, strlen(yaml), LSVM_FORMAT_YAML,
				 import->findings, ret);
}

/* The head and the canonical text; import->cluster is what it loads as. */
static int finish(struct lsvm_import *import, struct source *source, const char *text)
{
	struct lsvm_cluster *cluster = NULL;
	struct buf buf = { 0 };
	char *canonical = NULL;
	int err = load(import, text, &cluster);

	if (!err)
		err = lsvm_cluster_to_yaml(cluster, &canonical);
	lsvm_cluster_unref(cluster);
	if (err && err != LSVM_ERR_FINDINGS)
		return err;
	put_head(source, &buf);
	lsvm_buf_text(&buf, canonical ? canonical : text);
	lsvm_free(canonical);
	import->yaml = lsvm_buf_take(&buf);
	if (!import->yaml)
		return LSVM_ERR_NOMEM;
	err = load(import, import->yaml, &import->cluster);
	return err == LSVM_ERR_FINDINGS ? 0 : err;
}

int lsvm_import_write(struct source *source)
{
	struct lsvm_import *import = source->import;
	struct node *root = file(source);
	struct buf buf = { 0 };
	char *text = NULL;
	int err;

	if (!root || source->nodes.failed || source->texts.failed || source->arena.failed)
		return LSVM_ERR_NOMEM;
	err = lsvm_findings_new(import->ctx, &import->findings);
	if (!err)
		err = lsvm_tree_to_yaml(root, &buf);
	if (!err)
		text = lsvm_buf_take(&buf);
	lsvm_buf_free(&buf);
	if (!err)
		err = text ? finish(import, source, text) : LSVM_ERR_NOMEM;
	lsvm_free(text);
	return err;
}
