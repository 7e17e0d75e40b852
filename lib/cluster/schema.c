/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tables: every key of the cluster file with its type, limits, default and meaning.
 * The order is the order of output. A type's table has at most 64 fields, because
 * `written` is a set of bits.
 */
#include "cluster/schema.h"

/* clang-format off */

#define AT(type, member) .offset = offsetof(struct type, member)
#define STR(type, member, rule, longest) \
	#member, FIELD_STRING, .text = rule, .min = 1, .max = longest, AT(type, member)
#define NAME(type) STR(type, name, TEXT_NAME, 63), .flags = FIELD_MANDATORY | FIELD_PRIMARY
#define TEXT(type, member) #member, FIELD_STRING, .text = TEXT_LINES, .max = 65535, AT(type, member)
#define BOOL(type, member) #member, FIELD_BOOL, AT(type, member)
#define U32(type, member, low, high) #member, FIELD_U32, .min = low, .max = high, AT(type, member)
#define U16(type, member, low, high) #member, FIELD_U16, .min = low, .max = high, AT(type, member)
#define ENUM(type, member, table) #member, FIELD_ENUM, .words = table, AT(type, member)
#define LISTOF(type, member, what) #member, what, .max = CLUSTER_MAX_ITEMS, AT(type, member)
#define REF(type, member) #member, FIELD_REF, .text = TEXT_NAME, .min = 1, .max = 63, AT(type, member)
#define REFS(type, member) LISTOF(type, member, FIELD_REFS), .text = TEXT_NAME
#define ONE(of, member, what) #member, FIELD_OBJECT, .type = &what, AT(of, member)
#define MANY(of, member, what) LISTOF(of, member, FIELD_OBJECTS), .type = &what

#define TYPE(id, words, of, ...) \
	static const struct object_type type_##id = { \
		words, sizeof(struct of), id##_fields, ARRAY_SIZE(id##_fields), __VA_ARGS__ }; \
	_Static_assert(ARRAY_SIZE(id##_fields) <= 64, "written is a set of 64 bits")

/* ---- the leaves ---- */

static const struct field kernel_setting_fields[] = {
	{ STR(kernel_setting, name, TEXT_NAME, 255), .flags = FIELD_MANDATORY,
	  .doc = "name with dots, e.g. net.core.somaxconn" },
	{ STR(kernel_setting, value, TEXT_FREE, 1023), .flags = FIELD_MANDATORY, .doc = "its value as text" },
};
TYPE(kernel_setting, "kernel setting", kernel_setting, .identity = &kernel_setting_fields[0]);

static const struct field interface_fields[] = {
	{ STR(interface, name, TEXT_NAME, 15), .doc = "the kernel's name; default ethN, N its place in the list" },
	{ REF(interface, network), .flags = FIELD_MANDATORY, .doc = "the network it is plugged into" },
	{ LISTOF(interface, addresses, FIELD_ADDRS), .doc = "its own addresses, IPv4 and IPv6" },
	{ "mac", FIELD_MAC, AT(interface, mac), .doc = "its hardware address" },
};
_Static_assert(offsetof(struct interface, has_mac) == offsetof(struct interface, mac) + 6,
	       "decode.c sets has_mac right behind the six bytes");
TYPE(interface, "interface", interface, .identity = &interface_fields[0]);

static const struct field header_fields[] = {
	{ STR(header, name, TEXT_FREE, 255), .flags = FIELD_MANDATORY, .doc = "name of the HTTP header" },
	{ "value", FIELD_STRING, .max = 4095, AT(header, value), .flags = FIELD_MANDATORY, .doc = "its value" },
};
TYPE(header, "header", header);

static const struct field check_fields[] = {
	{ ENUM(check, kind, lsvm_check_kind_words), .flags = FIELD_MANDATORY | FIELD_PRIMARY, .doc = "what is asked" },
	{ U16(check, port, 1, 65535), .doc = "default: the service's port" },
	{ U32(check, interval_ms, 10, 86400000), .initial = 1000, .doc = "time between two probes" },
	{ U32(check, timeout_ms, 1, 3600000),
	  .doc = "how long an answer may take; default 1000, or the interval if that is less" },
	{ U32(check, jitter_ms, 0, 3600000), .doc = "random part of the interval" },
	{ U32(check, slow_start_ms, 0, 86400000), .doc = "how long the weight grows after a recovery" },
	{ U32(check, rise, 1, 1000), .initial = 2, .doc = "good answers until a server is up" },
	{ U32(check, fall, 1, 1000), .initial = 3, .doc = "failures until a server is down" },
	{ ENUM(check, route, lsvm_check_route_words), .initial = LSVM_CHECK_ROUTE_STRAIGHT,
	  .doc = "straight to the server's address, or through the VIP" },
	{ STR(check, method, TEXT_NAME, 31), .doc = "HTTP method; default GET" },
	{ STR(check, path, TEXT_FREE, 4095), .doc = "HTTP path; default /" },
	{ STR(check, host, TEXT_FREE, 255), .doc = "HTTP host; default the first domain" },
	{ STR(check, server_name, TEXT_HOSTNAME, 253), .doc = "TLS server name" },
	{ MANY(check, headers, type_header), .doc = "more HTTP headers" },
	{ LISTOF(check, statuses, FIELD_NUMBERS), .min = 100, .doc = "HTTP statuses that are good; default 200 to 399" },
	{ TEXT(check, body), .doc = "text that the answer must contain" },
	{ STR(check, digest, TEXT_FREE, 255), .doc = "sha256:… that the answer's body must have" },
	{ BOOL(check, verify_certificate), .doc = "the TLS certificate must be good" },
	{ TEXT(check, send), .doc = "text to send" },
	{ TEXT(check, expect), .doc = "text that must come back" },
	{ STR(check, query, TEXT_FREE, 255), .doc = "DNS name to ask for" },
	{ STR(check, record, TEXT_NAME, 15), .doc = "DNS record type; default A" },
	{ STR(check, base_dn, TEXT_FREE, 1023), .doc = "LDAP base" },
	{ STR(check, database, TEXT_FREE, 255), .doc = "name of the database" },
	{ STR(check, user, TEXT_FREE, 255), .doc = "name of the user" },
	{ LISTOF(check, command, FIELD_STRINGS), .doc = "program and arguments" },
};
TYPE(check, "check", check, .primary = &check_fields[0]);

static const struct field tunnel_fields[] = {
	{ ENUM(tunnel, kind, lsvm_tunnel_kind_words), .flags = FIELD_MANDATORY | FIELD_PRIMARY, .doc = "encapsulation" },
	{ U16(tunnel, port, 1, 65535), .doc = "UDP port of GUE" },
	{ ENUM(tunnel, checksum, lsvm_tunnel_checksum_words), .initial = LSVM_TUNNEL_CHECKSUM_NONE,
	  .doc = "checksums of GUE and GRE" },
};
TYPE(tunnel, "tunnel", tunnel, .primary = &tunnel_fields[0]);

static const struct field persistence_fields[] = {
	{ U32(persistence, timeout_s, 1, 31536000), .initial = 300, .doc = "how long a client stays with its server" },
	{ U32(persistence, ipv4_prefix_length, 1, 32), .initial = 32, .doc = "IPv4 clients of one prefix count as one" },
	{ U32(persistence, ipv6_prefix_length, 1, 128), .initial = 128, .doc = "the same for IPv6" },
	{ "engine", FIELD_STRING, .words = lsvm_engine_words, AT(persistence, engine), .doc = "what tells clients apart" },
};
TYPE(persistence, "persistence", persistence);

/* ---- settings: the same lines in the cluster's defaults, partitions, VIPs and services ---- */

#define SET(of, member) .offset = offsetof(struct of, member)
#define SETTINGS(of, base, where) \
	{ "forwarding", FIELD_ENUM, .words = lsvm_configured_forwarding_words, SET(of, base.forwarding), \
	  .setting = 1 + SETTING_FORWARDING, .group = where, .initial = LSVM_FORWARDING_DIRECT, \
	  .doc = "how packets reach the servers" }, \
	{ "tunnel", FIELD_OBJECT, .type = &type_tunnel, SET(of, base.tunnel), .setting = 1 + SETTING_TUNNEL, \
	  .group = where, .doc = "kind of tunnel; default ipip" }, \
	{ "scheduler", FIELD_STRING, .words = lsvm_scheduler_words, SET(of, base.scheduler), \
	  .setting = 1 + SETTING_SCHEDULER, .group = where, .doc = "who chooses the server; default wlc" }, \
	{ "scheduler_flags", FIELD_FLAGS, .words = lsvm_scheduler_flag_words, SET(of, base.scheduler_flags), \
	  .setting = 1 + SETTING_SCHEDULER_FLAGS, .group = where, .max = 32, .doc = "of sh and mh" }, \
	{ "persistence", FIELD_OBJECT, .type = &type_persistence, SET(of, base.persistence), .flags = FIELD_NONE, \
	  .setting = 1 + SETTING_PERSISTENCE, .group = where, .doc = "clients stay with their server; default none" }, \
	{ "one_packet", FIELD_BOOL, SET(of, base.one_packet), .setting = 1 + SETTING_ONE_PACKET, .group = where, \
	  .doc = "UDP: each packet is scheduled for itself" }, \
	{ "upper_threshold", FIELD_U32, .max = INT32_MAX, SET(of, base.upper_threshold), \
	  .setting = 1 + SETTING_UPPER_THRESHOLD, .group = where, .doc = "connections that close a server to new ones" }, \
	{ "lower_threshold", FIELD_U32, .max = INT32_MAX, SET(of, base.lower_threshold), \
	  .setting = 1 + SETTING_LOWER_THRESHOLD, .group = where, .doc = "connections that open it again" }, \
	{ "checks", FIELD_OBJECTS, .type = &type_check, .max = 255, SET(of, base.checks), \
	  .setting = 1 + SETTING_CHECKS, .group = where, .doc = "how servers are probed" }, \
	{ "needs", FIELD_REFS, .text = TEXT_NAME, .max = 255, SET(of, base.needs), .setting = 1 + SETTING_NEEDS, \
	  .group = where, .doc = "back-end services that the servers depend on" }, \
	{ "quorum", FIELD_U32, .max = 65535, SET(of, base.quorum), .setting = 1 + SETTING_QUORUM, .group = where, \
	  .doc = "servers that must be up" }, \
	{ "sorry_server", FIELD_REF, .text = TEXT_NAME, .min = 1, .max = 63, SET(of, base.sorry_server), \
	  .setting = 1 + SETTING_SORRY_SERVER, .group = where, .doc = "the machine that answers when no server is up" }, \
	{ "content_root", FIELD_STRING, .text = TEXT_PATH, .min = 1, .max = 4095, SET(of, base.content_root), \
	  .setting = 1 + SETTING_CONTENT_ROOT, .group = where, .doc = "where the domains' homes are; default content.root" }, \
	{ "quota_mib", FIELD_U32, .max = UINT32_MAX, SET(of, base.quota_mib), .setting = 1 + SETTING_QUOTA, .group = where, \
	  .doc = "space of each domain; 0: no limit" }, \
	{ "web_master", FIELD_STRING, .text = TEXT_NAME, .min = 1, .max = 63, SET(of, base.web_master), \
	  .setting = 1 + SETTING_WEB_MASTER, .group = where, .doc = "account that owns the domains" }

/* ---- networks and machines ---- */

static const struct field network_fields[] = {
	{ NAME(network), .doc = "name of the network" },
	{ TEXT(network, description), .doc = "for people" },
	{ LISTOF(network, subnets, FIELD_PREFIXES), .doc = "at most one IPv4 and one IPv6 prefix" },
	{ LISTOF(network, gateways, FIELD_ADDRS), .doc = "where its machines send the rest; default: its router" },
	{ LISTOF(network, director_addresses, FIELD_ADDRS), .doc = "floating addresses of the active director" },
	{ U32(network, mtu, 68, 65535), .doc = "largest packet; default: the kernel's" },
	{ BOOL(network, outside), .doc = "clients live here" },
};
TYPE(network, "network", network, .primary = &network_fields[0], .identity = &network_fields[0]);

#define MACHINE \
	{ NAME(machine), .doc = "host name" }, \
	{ TEXT(machine, description), .doc = "for people" }
#define WIRES \
	{ MANY(machine, interfaces, type_interface), .flags = FIELD_MANDATORY, .doc = "how it is wired" }, \
	{ LISTOF(machine, gateways, FIELD_ADDRS), .doc = "overrides the networks' gateways" }, \
	{ MANY(machine, sysctls, type_kernel_setting), .doc = "kernel settings of this machine" }

static const struct field machine_fields[] = { MACHINE, WIRES };
static const struct field director_fields[] = {
	MACHINE,
	{ U32(machine, priority, 1, 254), .doc = "the highest is master; default 100, less 10 for each one before it" },
	WIRES,
};
#define MACHINE_TYPE(id, words, fields) \
	static const struct object_type type_##id = { words, sizeof(struct machine), fields, ARRAY_SIZE(fields), \
		.primary = &fields[0], .identity = &fields[0] }
MACHINE_TYPE(ems, "management station", machine_fields);
MACHINE_TYPE(router, "router", machine_fields);
MACHINE_TYPE(director, "director", director_fields);
MACHINE_TYPE(server, "server", machine_fields);
MACHINE_TYPE(backend, "back-end machine", machine_fields);

static const struct field backend_service_fields[] = {
	{ NAME(backend_service), .doc = "name of the service" },
	{ TEXT(backend_service, description), .doc = "for people" },
	{ REFS(backend_service, hosts), .flags = FIELD_MANDATORY, .doc = "machines that offer it" },
	{ ENUM(backend_service, protocol, lsvm_protocol_words), .initial = LSVM_PROTOCOL_TCP, .doc = "transport" },
	{ U16(backend_service, port, 1, 65535), .flags = FIELD_MANDATORY, .doc = "port" },
	{ ENUM(backend_service, application, lsvm_application_words), .doc = "what speaks there; default by port" },
	{ BOOL(backend_service, required), .doc = "its failure takes the servers that need it out" },
	{ MANY(backend_service, checks, type_check), .doc = "how it is probed" },
};
TYPE(backend_service, "back-end service", backend_service, .primary = &backend_service_fields[0],
     .identity = &backend_service_fields[0]);

/* ---- partitions ---- */

static const struct field member_fields[] = {
	{ REF(member, server), .flags = FIELD_MANDATORY | FIELD_PRIMARY, .doc = "a server" },
	{ U32(member, weight, 0, 65535), .initial = 1, .doc = "its share; 0: no new connections" },
	{ U32(member, upper_threshold, 0, INT32_MAX), .doc = "overrides the setting for this server" },
	{ U32(member, lower_threshold, 0, INT32_MAX), .doc = "the same" },
	{ BOOL(member, dedicated), .doc = "it may be in no other partition" },
};
TYPE(member, "server of a partition", member, .primary = &member_fields[0], .identity = &member_fields[0]);

static const struct field service_fields[] = {
	{ STR(service, name, TEXT_NAME, 63), .doc = "default: the application, else protocol-port" },
	{ ENUM(service, protocol, lsvm_protocol_words), .initial = LSVM_PROTOCOL_TCP, .doc = "transport" },
	{ LISTOF(service, ports, FIELD_PORTS), .doc = "80, 8000-8009, [80, 443]" },
	{ U32(service, fwmark, 1, UINT32_MAX), .doc = "one IPVS service by firewall mark instead of one for each port" },
	{ U16(service, server_port, 1, 65535), .doc = "NAT: another port on the servers" },
	{ ENUM(service, application, lsvm_application_words), .doc = "what speaks there; default by port" },
	SETTINGS(service, settings, NULL),
};
TYPE(service, "service", service, .identity = &service_fields[0]);

static const struct field tls_fields[] = {
	{ STR(tls, certificate, TEXT_PATH, 4095), .doc = "default /etc/svm/tls/DOMAIN.crt" },
	{ STR(tls, key, TEXT_PATH, 4095), .doc = "default /etc/svm/tls/DOMAIN.key" },
	{ BOOL(tls, redirect), .doc = "http is redirected to https" },
};
TYPE(tls, "TLS", tls);

static const struct field domain_fields[] = {
	{ STR(domain, name, TEXT_HOSTNAME, 253), .flags = FIELD_MANDATORY | FIELD_PRIMARY, .doc = "the domain's name" },
	{ LISTOF(domain, aliases, FIELD_STRINGS), .text = TEXT_HOSTNAME, .doc = "other names of it" },
	{ STR(domain, home, TEXT_PATH, 4095), .doc = "default CONTENT_ROOT/NAME" },
	{ STR(domain, web_master, TEXT_NAME, 63), .doc = "account that owns it; default web- and the first label" },
	{ U32(domain, quota_mib, 0, UINT32_MAX), .doc = "space; 0: no limit" },
	{ REF(domain, volume), .doc = "content volume of its home" },
	{ ONE(domain, tls, type_tls), .doc = "certificate for https" },
};
TYPE(domain, "domain", domain, .primary = &domain_fields[0], .identity = &domain_fields[0]);

static const struct field vip_fields[] = {
	{ STR(vip, name, TEXT_NAME, 63), .doc = "default: the address" },
	{ "address", FIELD_ADDR, AT(vip, address), .flags = FIELD_MANDATORY | FIELD_PRIMARY, .doc = "what clients connect to" },
	{ REF(vip, network), .doc = "default: the network whose subnet has it, else the directors' outermost" },
	SETTINGS(vip, settings, NULL),
	{ MANY(vip, services, type_service), .doc = "default with domains: http on port 80" },
	{ "domains", FIELD_OBJECTS, .type = &type_domain, .max = CLUSTER_MAX_DOMAINS, AT(vip, domains), .doc = "virtual domains" },
};
TYPE(vip, "VIP", vip, .primary = &vip_fields[1], .identity = &vip_fields[0]);

static const struct field partition_fields[] = {
	{ NAME(partition), .doc = "name of the partition" },
	{ TEXT(partition, description), .doc = "for people" },
	SETTINGS(partition, settings, NULL),
	{ MANY(partition, servers, type_member), .doc = "servers that answer for its VIPs" },
	{ MANY(partition, vips, type_vip), .doc = "virtual addresses" },
};
TYPE(partition, "partition", partition, .primary = &partition_fields[0], .identity = &partition_fields[0]);

/* ---- the rest ---- */

static const struct field redundancy_fields[] = {
	{ ENUM(redundancy, kind, lsvm_redundancy_kind_words), .doc = "default vrrp with two directors and more" },
	{ U32(redundancy, version, 2, 3), .initial = 3, .doc = "of VRRP" },
	{ U32(redundancy, router_id, 1, 255), .initial = 51, .doc = "VRID" },
	{ U32(redundancy, advert_interval_ms, 10, 40950), .initial = 1000, .doc = "a multiple of 10" },
	{ BOOL(redundancy, preempt), .initial = true, .doc = "the highest priority takes over again" },
	{ U32(redundancy, preempt_delay_ms, 0, 3600000), .doc = "how long it waits before" },
	{ BOOL(redundancy, unicast), .doc = "adverts to each director instead of multicast" },
	{ REF(redundancy, network), .doc = "where directors hear each other" },
	{ ENUM(redundancy, connections, lsvm_connections_words), .initial = LSVM_CONNECTIONS_NONE,
	  .doc = "how connections survive" },
	{ U32(redundancy, sync_id, 0, 255), .doc = "of the sync daemon" },
	{ U32(redundancy, sync_maxlen_bytes, 0, 65535), .doc = "largest sync message; 0: the kernel's" },
	{ U32(redundancy, sync_port, 0, 65535), .doc = "UDP port; 0: the kernel's" },
	{ U32(redundancy, sync_ttl, 0, 255), .doc = "0: the kernel's" },
	{ "sync_group", FIELD_ADDR, AT(redundancy, sync_group), .doc = "multicast group; default: the kernel's" },
};
TYPE(redundancy, "redundancy", redundancy, .primary = NULL);

static const struct field ipvs_fields[] = {
	{ U32(ipvs_tuning, tcp_timeout_s, 1, 8640000), .doc = "idle TCP connections" },
	{ U32(ipvs_tuning, tcp_fin_timeout_s, 1, 8640000), .doc = "TCP connections after FIN" },
	{ U32(ipvs_tuning, udp_timeout_s, 1, 8640000), .doc = "UDP" },
	{ MANY(ipvs_tuning, sysctls, type_kernel_setting), .doc = "below net.ipv4.vs" },
};
TYPE(ipvs, "ipvs", ipvs_tuning, .primary = NULL);

static const struct field volume_fields[] = {
	{ NAME(volume), .doc = "name of the volume" },
	{ REFS(volume, replicas), .doc = "servers that keep it; default: the content's" },
	{ U32(volume, quota_mib, 0, UINT32_MAX), .doc = "space; 0: no limit" },
};
TYPE(volume, "volume", volume, .primary = &volume_fields[0], .identity = &volume_fields[0]);

static const struct field content_fields[] = {
	{ ENUM(content, kind, lsvm_content_kind_words), .initial = LSVM_CONTENT_DIRECTORY, .doc = "where content lives" },
	{ STR(content, root, TEXT_PATH, 4095), .doc = "default /srv/svm, with Coda /coda/REALM" },
	{ STR(content, realm, TEXT_NAME, 253), .doc = "of Coda" },
	{ REFS(content, replicas), .doc = "servers that keep the content" },
	{ MANY(content, volumes, type_volume), .doc = "volumes" },
};
TYPE(content, "content", content, .primary = NULL);

static const struct field account_fields[] = {
	{ NAME(account), .doc = "login name" },
	{ STR(account, full_name, TEXT_FREE, 255), .doc = "for people" },
	{ STR(account, email, TEXT_FREE, 255), .doc = "mail address" },
};
TYPE(account, "account", account, .primary = &account_fields[0], .identity = &account_fields[0]);

static const struct field cluster_fields[] = {
	{ STR(lsvm_cluster, name, TEXT_NAME, 63), .flags = FIELD_MANDATORY, .doc = "name of the cluster" },
	{ TEXT(lsvm_cluster, description), .doc = "for people" },
	SETTINGS(lsvm_cluster, defaults, "defaults"),
	{ MANY(lsvm_cluster, networks, type_network), .doc = "what machines are plugged into" },
	{ ONE(lsvm_cluster, ems, type_ems), .doc = "management station" },
	{ MANY(lsvm_cluster, routers, type_router), .doc = "routers: modelled, never configured" },
	{ MANY(lsvm_cluster, directors, type_director), .doc = "load balancers" },
	{ MANY(lsvm_cluster, servers, type_server), .doc = "real servers" },
	{ MANY(lsvm_cluster, backends, type_backend), .doc = "machines behind the servers" },
	{ MANY(lsvm_cluster, backend_services, type_backend_service), .doc = "what the servers depend on" },
	{ MANY(lsvm_cluster, partitions, type_partition), .doc = "servers and the VIPs that they answer for" },
	{ ONE(lsvm_cluster, redundancy, type_redundancy), .doc = "between directors" },
	{ ONE(lsvm_cluster, ipvs, type_ipvs), .doc = "tuning of the kernel's IPVS" },
	{ ONE(lsvm_cluster, content, type_content), .doc = "content of the domains" },
	{ MANY(lsvm_cluster, accounts, type_account), .doc = "web masters" },
};
_Static_assert(ARRAY_SIZE(cluster_fields) <= 64, "written is a set of 64 bits");

const struct object_type lsvm_type_cluster = {
	"cluster", sizeof(struct lsvm_cluster), cluster_fields, ARRAY_SIZE(cluster_fields), NULL, NULL,
};

/* clang-format on */

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

const struct field *lsvm_type_field(const struct object_type *type, const char *group,
				    const char *name)
{
	for (unsigned i = 0; i < type->field_count; i++) {
		const struct field *field = &type->fields[i];

		if (field->name[0] == name[0] && strcmp(field->name, name) == 0 &&
		    same(field->group, group))
			return field;
	}
	return NULL;
}

bool lsvm_type_has_group(const struct object_type *type, const char *group)
{
	for (unsigned i = 0; i < type->field_count; i++)
		if (type->fields[i].group && strcmp(type->fields[i].group, group) == 0)
			return true;
	return false;
}

static const struct field *any_field(const struct object_type *type, const char *name)
{
	for (unsigned i = 0; i < type->field_count; i++)
		if (strcmp(type->fields[i].name, name) == 0)
			return &type->fields[i];
	return NULL;
}

bool lsvm_object_has(const struct object *object, const char *field_name)
{
	const struct field *field = any_field(object->type, field_name);

	return field && object->written >> (field - object->type->fields) & 1;
}

size_t lsvm_field_item_size(const struct field *field)
{
	switch (field->kind) {
	case FIELD_ADDRS:
		return sizeof(struct addr);
	case FIELD_PREFIXES:
		return sizeof(struct prefix);
	case FIELD_PORTS:
		return sizeof(struct port_range);
	case FIELD_NUMBERS:
		return sizeof(uint32_t);
	case FIELD_STRINGS:
		return sizeof(const char *);
	case FIELD_REFS:
		return sizeof(struct ref);
	case FIELD_OBJECTS:
		return field->type->size;
	case FIELD_STRING:
	case FIELD_BOOL:
	case FIELD_U16:
	case FIELD_U32:
	case FIELD_ENUM:
	case FIELD_FLAGS:
	case FIELD_ADDR:
	case FIELD_MAC:
	case FIELD_REF:
	case FIELD_OBJECT:
		break;
	}
	return 0;
}
