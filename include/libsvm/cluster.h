/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file cluster.h
 * The cluster as declared: machines, networks, partitions, VIPs, services, domains,
 * content.
 */
#ifndef LIBSVM_CLUSTER_H
#define LIBSVM_CLUSTER_H

#include <libsvm/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A frozen cluster: it never changes and may be read by many threads. */
struct lsvm_cluster;
/** A cluster being edited. */
struct lsvm_draft;
/** A machine of a cluster. Borrowed from it. */
struct lsvm_machine;

/** What a machine is for. */
enum lsvm_role {
	LSVM_ROLE_UNKNOWN = 0,
	LSVM_ROLE_EMS = 1,	/**< management station */
	LSVM_ROLE_ROUTER = 2,	/**< not ours: modelled, never configured */
	LSVM_ROLE_DIRECTOR = 3, /**< EDS: load balancer */
	LSVM_ROLE_SERVER = 4,	/**< EPS: real server */
	LSVM_ROLE_BACKEND = 5,	/**< behind the servers: database, directory, … */
};

/** How packets reach a server. */
enum lsvm_forwarding {
	LSVM_FORWARDING_UNKNOWN = 0,
	LSVM_FORWARDING_NAT = 1, /**< "nat": both ways through the director */
	LSVM_FORWARDING_LOCAL =
		2, /**< "local": the director itself answers (kernel only) */
	LSVM_FORWARDING_TUNNEL = 3, /**< "tunnel": encapsulated; replies go straight */
	LSVM_FORWARDING_DIRECT =
		4, /**< "direct": the MAC is rewritten; replies go straight */
	LSVM_FORWARDING_BYPASS = 5, /**< "bypass": cache bypass (kernel only) */
};

/** How tunnelled packets are wrapped. */
enum lsvm_tunnel_kind {
	LSVM_TUNNEL_UNKNOWN = 0,
	LSVM_TUNNEL_IPIP = 1,
	LSVM_TUNNEL_GUE = 2,
	LSVM_TUNNEL_GRE = 3,
};

/** Checksums of GUE and GRE. */
enum lsvm_tunnel_checksum {
	LSVM_TUNNEL_CHECKSUM_UNKNOWN = 0,
	LSVM_TUNNEL_CHECKSUM_NONE = 1,
	LSVM_TUNNEL_CHECKSUM_FULL = 2,
	LSVM_TUNNEL_CHECKSUM_REMOTE = 3, /**< remote checksum offload, GUE only */
};

/** Flags of a scheduler, or-ed. The meaning is the scheduler's; sh and mh use the first
 * two. */
enum lsvm_scheduler_flag {
	LSVM_SCHEDULER_FLAG_UNKNOWN = 0,
	LSVM_SCHEDULER_FLAG_FALLBACK =
		1, /**< "fallback": another server when the chosen one is out */
	LSVM_SCHEDULER_FLAG_PORT = 2,  /**< "port": the client's port is hashed too */
	LSVM_SCHEDULER_FLAG_THIRD = 4, /**< "flag-3": unused by today's kernel */
};

enum lsvm_protocol {
	LSVM_PROTOCOL_UNKNOWN = 0,
	LSVM_PROTOCOL_TCP = 1,
	LSVM_PROTOCOL_UDP = 2,
	LSVM_PROTOCOL_SCTP = 3,
};

/** What speaks on a service's port. */
enum lsvm_application {
	LSVM_APPLICATION_UNKNOWN = 0,
	LSVM_APPLICATION_HTTP = 1,
	LSVM_APPLICATION_HTTPS = 2,
	LSVM_APPLICATION_DNS = 3,
	LSVM_APPLICATION_SMTP = 4,
	LSVM_APPLICATION_LDAP = 5,
	LSVM_APPLICATION_POSTGRESQL = 6,
	LSVM_APPLICATION_MYSQL = 7,
	LSVM_APPLICATION_REDIS = 8,
	LSVM_APPLICATION_FTP = 9,
	LSVM_APPLICATION_SIP = 10,
	LSVM_APPLICATION_OTHER = 11,
};

enum lsvm_check_kind {
	LSVM_CHECK_UNKNOWN = 0,
	LSVM_CHECK_TCP = 1,
	LSVM_CHECK_UDP = 2,
	LSVM_CHECK_PING = 3,
	LSVM_CHECK_HTTP = 4,
	LSVM_CHECK_HTTPS = 5,
	LSVM_CHECK_DNS = 6,
	LSVM_CHECK_SMTP = 7,
	LSVM_CHECK_LDAP = 8,
	LSVM_CHECK_POSTGRESQL = 9,
	LSVM_CHECK_MYSQL = 10,
	LSVM_CHECK_REDIS = 11,
	LSVM_CHECK_SCRIPT = 12,	  /**< "script": send and expect */
	LSVM_CHECK_EXTERNAL = 13, /**< "external": a program */
	LSVM_CHECK_AGENT = 14,	  /**< "agent": the server reports its own weight */
	LSVM_CHECK_SCTP = 15,
};

/** Which way a probe goes. */
enum lsvm_check_route {
	LSVM_CHECK_ROUTE_UNKNOWN = 0,
	LSVM_CHECK_ROUTE_STRAIGHT = 1, /**< "straight": to the server's own address */
	LSVM_CHECK_ROUTE_THROUGH =
		2, /**< "through": VIP as destination, as clients' packets go */
};

enum lsvm_redundancy_kind {
	LSVM_REDUNDANCY_UNKNOWN = 0,
	LSVM_REDUNDANCY_NONE = 1,
	LSVM_REDUNDANCY_VRRP = 2,
};

/** How established connections survive the death of a director. */
enum lsvm_connections {
	LSVM_CONNECTIONS_UNKNOWN = 0,
	LSVM_CONNECTIONS_NONE = 1,
	LSVM_CONNECTIONS_SYNC = 2, /**< the kernel's sync daemon, both ways */
	LSVM_CONNECTIONS_HASH = 3, /**< identical mh or sh tables, no state */
};

enum lsvm_content_kind {
	LSVM_CONTENT_UNKNOWN = 0,
	LSVM_CONTENT_DIRECTORY = 1,
	LSVM_CONTENT_CODA = 2,
};

/** The article's four networks: one or two routers, servers with private or public
 * addresses. */
enum lsvm_topology {
	LSVM_TOPOLOGY_UNKNOWN = 0,
	LSVM_TOPOLOGY_ONE_ROUTER_PRIVATE = 1,
	LSVM_TOPOLOGY_ONE_ROUTER_PUBLIC = 2,
	LSVM_TOPOLOGY_TWO_ROUTERS_PRIVATE = 3,
	LSVM_TOPOLOGY_TWO_ROUTERS_PUBLIC = 4,
};

#ifdef __cplusplus
}
#endif
#endif
