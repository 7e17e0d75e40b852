/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of the cluster's enums: the same in YAML, JSON, on the command line and in
 * Python. */
#include "cluster/schema.h"

/* clang-format off */

const struct word lsvm_format_words[] = {
	{ LSVM_FORMAT_YAML, "yaml" }, { LSVM_FORMAT_JSON, "json" }, { 0, NULL },
};
const struct word lsvm_role_words[] = {
	{ LSVM_ROLE_EMS, "ems" }, { LSVM_ROLE_ROUTER, "router" }, { LSVM_ROLE_DIRECTOR, "director" },
	{ LSVM_ROLE_SERVER, "server" }, { LSVM_ROLE_BACKEND, "backend" }, { 0, NULL },
};
const struct word lsvm_forwarding_words[] = {
	{ LSVM_FORWARDING_NAT, "nat" }, { LSVM_FORWARDING_LOCAL, "local" }, { LSVM_FORWARDING_TUNNEL, "tunnel" },
	{ LSVM_FORWARDING_DIRECT, "direct" }, { LSVM_FORWARDING_BYPASS, "bypass" }, { 0, NULL },
};
/* What a cluster file may ask for: the rest is the kernel's own. */
const struct word lsvm_configured_forwarding_words[] = {
	{ LSVM_FORWARDING_NAT, "nat" }, { LSVM_FORWARDING_TUNNEL, "tunnel" },
	{ LSVM_FORWARDING_DIRECT, "direct" }, { 0, NULL },
};
const struct word lsvm_tunnel_kind_words[] = {
	{ LSVM_TUNNEL_IPIP, "ipip" }, { LSVM_TUNNEL_GUE, "gue" }, { LSVM_TUNNEL_GRE, "gre" }, { 0, NULL },
};
const struct word lsvm_tunnel_checksum_words[] = {
	{ LSVM_TUNNEL_CHECKSUM_NONE, "none" }, { LSVM_TUNNEL_CHECKSUM_FULL, "full" },
	{ LSVM_TUNNEL_CHECKSUM_REMOTE, "remote" }, { 0, NULL },
};
const struct word lsvm_scheduler_flag_words[] = {
	{ LSVM_SCHEDULER_FLAG_FALLBACK, "fallback" }, { LSVM_SCHEDULER_FLAG_PORT, "port" },
	{ LSVM_SCHEDULER_FLAG_THIRD, "flag-3" }, { 0, NULL },
};
/* Names of the kernel's schedulers; the values only number them. */
const struct word lsvm_scheduler_words[] = {
	{ 1, "rr" }, { 2, "wrr" }, { 3, "lc" }, { 4, "wlc" }, { 5, "lblc" }, { 6, "lblcr" }, { 7, "dh" }, { 8, "sh" },
	{ 9, "sed" }, { 10, "nq" }, { 11, "fo" }, { 12, "ovf" }, { 13, "mh" }, { 14, "twos" }, { 0, NULL },
};
const struct word lsvm_engine_words[] = { { 1, "sip" }, { 0, NULL } };
const struct word lsvm_protocol_words[] = {
	{ LSVM_PROTOCOL_TCP, "tcp" }, { LSVM_PROTOCOL_UDP, "udp" }, { LSVM_PROTOCOL_SCTP, "sctp" }, { 0, NULL },
};
const struct word lsvm_application_words[] = {
	{ LSVM_APPLICATION_HTTP, "http" }, { LSVM_APPLICATION_HTTPS, "https" }, { LSVM_APPLICATION_DNS, "dns" },
	{ LSVM_APPLICATION_SMTP, "smtp" }, { LSVM_APPLICATION_LDAP, "ldap" },
	{ LSVM_APPLICATION_POSTGRESQL, "postgresql" }, { LSVM_APPLICATION_MYSQL, "mysql" },
	{ LSVM_APPLICATION_REDIS, "redis" }, { LSVM_APPLICATION_FTP, "ftp" }, { LSVM_APPLICATION_SIP, "sip" },
	{ LSVM_APPLICATION_OTHER, "other" }, { 0, NULL },
};
const struct word lsvm_check_kind_words[] = {
	{ LSVM_CHECK_TCP, "tcp" }, { LSVM_CHECK_UDP, "udp" }, { LSVM_CHECK_SCTP, "sctp" }, { LSVM_CHECK_PING, "ping" },
	{ LSVM_CHECK_HTTP, "http" }, { LSVM_CHECK_HTTPS, "https" }, { LSVM_CHECK_DNS, "dns" },
	{ LSVM_CHECK_SMTP, "smtp" }, { LSVM_CHECK_LDAP, "ldap" }, { LSVM_CHECK_POSTGRESQL, "postgresql" },
	{ LSVM_CHECK_MYSQL, "mysql" }, { LSVM_CHECK_REDIS, "redis" }, { LSVM_CHECK_SCRIPT, "script" },
	{ LSVM_CHECK_EXTERNAL, "external" }, { LSVM_CHECK_AGENT, "agent" }, { 0, NULL },
};
const struct word lsvm_check_route_words[] = {
	{ LSVM_CHECK_ROUTE_STRAIGHT, "straight" }, { LSVM_CHECK_ROUTE_THROUGH, "through" }, { 0, NULL },
};
const struct word lsvm_redundancy_kind_words[] = {
	{ LSVM_REDUNDANCY_NONE, "none" }, { LSVM_REDUNDANCY_VRRP, "vrrp" }, { 0, NULL },
};
const struct word lsvm_connections_words[] = {
	{ LSVM_CONNECTIONS_NONE, "none" }, { LSVM_CONNECTIONS_SYNC, "sync" }, { LSVM_CONNECTIONS_HASH, "hash" },
	{ 0, NULL },
};
const struct word lsvm_content_kind_words[] = {
	{ LSVM_CONTENT_DIRECTORY, "directory" }, { LSVM_CONTENT_CODA, "coda" }, { 0, NULL },
};
const struct word lsvm_change_kind_words[] = {
	{ LSVM_CHANGE_ADDED, "added" }, { LSVM_CHANGE_REMOVED, "removed" }, { LSVM_CHANGE_CHANGED, "changed" },
	{ LSVM_CHANGE_MOVED, "moved" }, { 0, NULL },
};
const struct word lsvm_topology_words[] = {
	{ LSVM_TOPOLOGY_ONE_ROUTER_PRIVATE, "one-router-private" },
	{ LSVM_TOPOLOGY_ONE_ROUTER_PUBLIC, "one-router-public" },
	{ LSVM_TOPOLOGY_TWO_ROUTERS_PRIVATE, "two-routers-private" },
	{ LSVM_TOPOLOGY_TWO_ROUTERS_PUBLIC, "two-routers-public" },
	{ 0, NULL },
};

/* clang-format on */

#define WORDS(what)                                                                      \
	const char *lsvm_##what##_name(int value)                                        \
	{                                                                                \
		return lsvm_word_name(lsvm_##what##_words, value);                       \
	}                                                                                \
	int lsvm_##what##_parse(const char *name)                                        \
	{                                                                                \
		return lsvm_word_value(lsvm_##what##_words, name);                       \
	}

/* clang-format off */
WORDS(format)
WORDS(role)
WORDS(forwarding)
WORDS(tunnel_kind)
WORDS(tunnel_checksum)
WORDS(scheduler_flag)
WORDS(protocol)
WORDS(application)
WORDS(check_kind)
WORDS(check_route)
WORDS(redundancy_kind)
WORDS(connections)
WORDS(content_kind)
WORDS(topology)
WORDS(change_kind)
