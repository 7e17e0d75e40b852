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
/** What is different between two clusters. */
struct lsvm_changes;
/** One difference. Borrowed from the list. */
struct lsvm_change;
/** A machine of a cluster. Borrowed from it, as are all that follow. */
struct lsvm_machine;
/** Servers, and the VIPs that they answer for. */
struct lsvm_partition;
/** A virtual address: where clients find the cluster. */
struct lsvm_vip;
/** What is offered on a VIP: a protocol and its ports. */
struct lsvm_service;
/** A virtual domain on a VIP. */
struct lsvm_domain;

/** How a cluster file is written. */
enum lsvm_format {
	LSVM_FORMAT_UNKNOWN = 0,
	LSVM_FORMAT_YAML = 1,
	LSVM_FORMAT_JSON = 2,
};

/** What happened to a part of a cluster. */
enum lsvm_change_kind {
	LSVM_CHANGE_UNKNOWN = 0,
	LSVM_CHANGE_ADDED = 1,
	LSVM_CHANGE_REMOVED = 2,
	LSVM_CHANGE_CHANGED = 3,
	LSVM_CHANGE_MOVED = 4, /**< to another place, or another list */
};

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

/**
 * @name Words
 * The word for a value, as it stands in cluster files, in JSON and on the command line
 * ("unknown" when there is none), and the value of a word (0, every `…_UNKNOWN`, when
 * there is none). @since 0.1
 * @{
 */
/** The word for a format. @since 0.1 */
LSVM_API const char *lsvm_format_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_format_parse(const char *name);
/** The word for a role. @since 0.1 */
LSVM_API const char *lsvm_role_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_role_parse(const char *name);
/** The word for a way of forwarding. @since 0.1 */
LSVM_API const char *lsvm_forwarding_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_forwarding_parse(const char *name);
/** The word for a kind of tunnel. @since 0.1 */
LSVM_API const char *lsvm_tunnel_kind_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_tunnel_kind_parse(const char *name);
/** The word for checksums of tunnels. @since 0.1 */
LSVM_API const char *lsvm_tunnel_checksum_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_tunnel_checksum_parse(const char *name);
/** The word for one scheduler flag. @since 0.1 */
LSVM_API const char *lsvm_scheduler_flag_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_scheduler_flag_parse(const char *name);
/** The word for a protocol. @since 0.1 */
LSVM_API const char *lsvm_protocol_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_protocol_parse(const char *name);
/** The word for an application. @since 0.1 */
LSVM_API const char *lsvm_application_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_application_parse(const char *name);
/** The word for a kind of check. @since 0.1 */
LSVM_API const char *lsvm_check_kind_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_check_kind_parse(const char *name);
/** The word for the way of a probe. @since 0.1 */
LSVM_API const char *lsvm_check_route_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_check_route_parse(const char *name);
/** The word for a kind of redundancy. @since 0.1 */
LSVM_API const char *lsvm_redundancy_kind_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_redundancy_kind_parse(const char *name);
/** The word for how connections survive. @since 0.1 */
LSVM_API const char *lsvm_connections_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_connections_parse(const char *name);
/** The word for a kind of content. @since 0.1 */
LSVM_API const char *lsvm_content_kind_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_content_kind_parse(const char *name);
/** The word for a topology. @since 0.1 */
LSVM_API const char *lsvm_topology_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_topology_parse(const char *name);
/** The word for a kind of change. @since 0.1 */
LSVM_API const char *lsvm_change_kind_name(int value);
/** The value of that word, or 0. @since 0.1 */
LSVM_API int lsvm_change_kind_parse(const char *name);
/** @} */

/**
 * Reads a cluster file: everything is checked, and nothing is half-loaded.
 * @param bytes the text, UTF-8, at most 64 MiB
 * @param format an enum lsvm_format
 * @param findings emptied, then filled with all that is wrong, warnings included, also on
 * success; may be NULL
 * Errors: LSVM_ERR_FINDINGS when there are errors, LSVM_ERR_ARGUMENT, LSVM_ERR_NOMEM.
 * Lifetime: until its last lsvm_cluster_unref(); @p bytes are not needed any more.
 * @since 0.1
 */
LSVM_API int lsvm_cluster_load(struct lsvm_ctx *ctx, const char *bytes, size_t length,
			       int format, struct lsvm_findings *findings,
			       struct lsvm_cluster **ret);
/**
 * The same from a file: JSON when its name ends with ".json", else YAML.
 * Errors: as lsvm_cluster_load(), and LSVM_ERR_NOT_FOUND, LSVM_ERR_PERMISSION,
 * LSVM_ERR_LIMIT or LSVM_ERR_IO when the file cannot be read. Lifetime: until its last
 * lsvm_cluster_unref(). @since 0.1
 */
LSVM_API int lsvm_cluster_load_file(struct lsvm_ctx *ctx, const char *path,
				    struct lsvm_findings *findings,
				    struct lsvm_cluster **ret);
/** Takes one more reference and returns @p cluster. @since 0.1 */
LSVM_API struct lsvm_cluster *lsvm_cluster_ref(struct lsvm_cluster *cluster);
/** Gives one reference back. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_cluster_unref(struct lsvm_cluster *cluster);
/**
 * The cluster as JSON, schema "lsvm-cluster/1": what was written, in one canonical form.
 * Loading it gives an equal cluster. Errors: LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_cluster_to_json(const struct lsvm_cluster *cluster, char **ret);
/** The same as a cluster file in YAML; comments are not kept. Errors: LSVM_ERR_NOMEM.
 * @since 0.1 */
LSVM_API int lsvm_cluster_to_yaml(const struct lsvm_cluster *cluster, char **ret);

/** The cluster's name. @since 0.1 */
LSVM_API const char *lsvm_cluster_name(const struct lsvm_cluster *cluster);
/** How often the active director says that it lives, by VRRP, in milliseconds; 0 when
 * nobody listens: one director, or no redundancy. @since 0.1 */
LSVM_API uint32_t lsvm_cluster_advert_interval_ms(const struct lsvm_cluster *cluster);
/** The enum lsvm_topology that its routers and the servers' addresses make;
 * LSVM_TOPOLOGY_UNKNOWN without routers or servers. @since 0.1 */
LSVM_API int lsvm_cluster_topology(const struct lsvm_cluster *cluster);

/** How many machines there are: management station, routers, directors, servers,
 * back-ends. @since 0.1 */
LSVM_API size_t lsvm_cluster_machine_count(const struct lsvm_cluster *cluster);
/** The machine at @p index in that order, NULL past the end. @since 0.1 */
LSVM_API const struct lsvm_machine *lsvm_cluster_machine_at(
	const struct lsvm_cluster *cluster, size_t index);
/** The machine of that name, or NULL. @since 0.1 */
LSVM_API const struct lsvm_machine *lsvm_cluster_find_machine(
	const struct lsvm_cluster *cluster, const char *name);
/** The machine's name. @since 0.1 */
LSVM_API const char *lsvm_machine_name(const struct lsvm_machine *machine);
/** An enum lsvm_role. @since 0.1 */
LSVM_API int lsvm_machine_role(const struct lsvm_machine *machine);

/** How many partitions there are. @since 0.1 */
LSVM_API size_t lsvm_cluster_partition_count(const struct lsvm_cluster *cluster);
/** The partition at @p index, NULL past the end. @since 0.1 */
LSVM_API const struct lsvm_partition *lsvm_cluster_partition_at(
	const struct lsvm_cluster *cluster, size_t index);
/** The partition of that name, or NULL. @since 0.1 */
LSVM_API const struct lsvm_partition *lsvm_cluster_find_partition(
	const struct lsvm_cluster *cluster, const char *name);
/** The partition's name. @since 0.1 */
LSVM_API const char *lsvm_partition_name(const struct lsvm_partition *partition);
/** How many servers answer for it. @since 0.1 */
LSVM_API size_t lsvm_partition_server_count(const struct lsvm_partition *partition);
/** The server at @p index, NULL past the end. @since 0.1 */
LSVM_API const struct lsvm_machine *lsvm_partition_server_at(
	const struct lsvm_partition *partition, size_t index);
/** That server's weight here, 0 to 65535; 0 past the end. @since 0.1 */
LSVM_API uint32_t lsvm_partition_server_weight(const struct lsvm_partition *partition,
					       size_t index);
/** How many VIPs it has. @since 0.1 */
LSVM_API size_t lsvm_partition_vip_count(const struct lsvm_partition *partition);
/** The VIP at @p index, NULL past the end. @since 0.1 */
LSVM_API const struct lsvm_vip *lsvm_partition_vip_at(
	const struct lsvm_partition *partition, size_t index);

/** The VIP's name; its address when none was given. @since 0.1 */
LSVM_API const char *lsvm_vip_name(const struct lsvm_vip *vip);
/** The address as text into @p buf (LSVM_ADDRESS_TEXT_BYTES are enough), which it
 * returns. @since 0.1 */
LSVM_API const char *lsvm_vip_address(const struct lsvm_vip *vip, char *buf, size_t size);
/** The partition that answers. @since 0.1 */
LSVM_API const struct lsvm_partition *lsvm_vip_partition(const struct lsvm_vip *vip);
/** How many services it offers. @since 0.1 */
LSVM_API size_t lsvm_vip_service_count(const struct lsvm_vip *vip);
/** The service at @p index, NULL past the end. @since 0.1 */
LSVM_API const struct lsvm_service *lsvm_vip_service_at(const struct lsvm_vip *vip,
							size_t index);
/** How many domains live there. @since 0.1 */
LSVM_API size_t lsvm_vip_domain_count(const struct lsvm_vip *vip);
/** The domain at @p index, NULL past the end. @since 0.1 */
LSVM_API const struct lsvm_domain *lsvm_vip_domain_at(const struct lsvm_vip *vip,
						      size_t index);

/** The service's name; by default its application's. @since 0.1 */
LSVM_API const char *lsvm_service_name(const struct lsvm_service *service);
/** An enum lsvm_protocol. @since 0.1 */
LSVM_API int lsvm_service_protocol(const struct lsvm_service *service);
/** Its first port, host order; 0 when a firewall mark stands for all. @since 0.1 */
LSVM_API uint16_t lsvm_service_port(const struct lsvm_service *service);
/** Its firewall mark, 0 for none. @since 0.1 */
LSVM_API uint32_t lsvm_service_fwmark(const struct lsvm_service *service);
/** An enum lsvm_application. @since 0.1 */
LSVM_API int lsvm_service_application(const struct lsvm_service *service);
/** The enum lsvm_forwarding in force, inherited or its own. @since 0.1 */
LSVM_API int lsvm_service_forwarding(const struct lsvm_service *service);
/** The kernel's name of the scheduler in force, inherited or its own. @since 0.1 */
LSVM_API const char *lsvm_service_scheduler(const struct lsvm_service *service);

/** The domain of that name, or with that alias of more than one label, anywhere in the
 * cluster, upper or lower case, or NULL. @since 0.1 */
LSVM_API const struct lsvm_domain *lsvm_cluster_find_domain(
	const struct lsvm_cluster *cluster, const char *name);
/** The domain's name. @since 0.1 */
LSVM_API const char *lsvm_domain_name(const struct lsvm_domain *domain);
/** The VIP that it lives on. @since 0.1 */
LSVM_API const struct lsvm_vip *lsvm_domain_vip(const struct lsvm_domain *domain);
/** Where its pages lie on every server, an absolute path. @since 0.1 */
LSVM_API const char *lsvm_domain_home(const struct lsvm_domain *domain);
/** The account that owns it. @since 0.1 */
LSVM_API const char *lsvm_domain_web_master(const struct lsvm_domain *domain);
/** Space for it in MiB; 0 for no limit. @since 0.1 */
LSVM_API uint32_t lsvm_domain_quota_mib(const struct lsvm_domain *domain);
/** How many other names it has. @since 0.1 */
LSVM_API size_t lsvm_domain_alias_count(const struct lsvm_domain *domain);
/** The other name at @p index, NULL past the end. @since 0.1 */
LSVM_API const char *lsvm_domain_alias_at(const struct lsvm_domain *domain, size_t index);

/**
 * What is written differently in two clusters: from @p a to @p b. Items of lists are the
 * same when their names are, wherever they stand. No change: the two write the same.
 * Errors: LSVM_ERR_NOMEM. Lifetime: until lsvm_changes_free(); the clusters are not
 * needed any more. @since 0.1
 */
LSVM_API int lsvm_cluster_diff(struct lsvm_ctx *ctx, const struct lsvm_cluster *a,
			       const struct lsvm_cluster *b, struct lsvm_changes **ret);
/** Frees the changes. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_changes_free(struct lsvm_changes *changes);
/** How many there are; 0 when the clusters are equal. @since 0.1 */
LSVM_API size_t lsvm_changes_count(const struct lsvm_changes *changes);
/** The change at @p index, NULL past the end. @since 0.1 */
LSVM_API const struct lsvm_change *lsvm_changes_at(const struct lsvm_changes *changes,
						   size_t index);
/** All of them as JSON, schema "lsvm-changes/1". Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_changes_to_json(const struct lsvm_changes *changes, char **ret);
/** An enum lsvm_change_kind. @since 0.1 */
LSVM_API int lsvm_change_kind(const struct lsvm_change *change);
/** Where, with names: "/partitions/A/servers/eps1/weight"; of what was removed, where it
 * was. lsvm_draft_set() takes the same. @since 0.1 */
LSVM_API const char *lsvm_change_path(const struct lsvm_change *change);
/** What was there, JSON; NULL when nothing was. What moved: its old place in the list, or
 * its old path. @since 0.1 */
LSVM_API const char *lsvm_change_old(const struct lsvm_change *change);
/** What is there now, JSON; NULL when nothing is. What moved: its new place or path.
 * @since 0.1 */
LSVM_API const char *lsvm_change_new(const struct lsvm_change *change);

/**
 * Begins to edit: a copy of what @p cluster writes, or of nothing when it is NULL.
 * Errors: LSVM_ERR_NOMEM. Lifetime: until lsvm_draft_free(). @since 0.1
 */
LSVM_API int lsvm_draft_new(struct lsvm_ctx *ctx, const struct lsvm_cluster *cluster,
			    struct lsvm_draft **ret);
/** Throws the draft away. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_draft_free(struct lsvm_draft *draft);
/**
 * Writes a value.
 * @param path as a JSON pointer (RFC 6901), where items of lists may also be named:
 * "/partitions/A/vips/192.0.2.1/domains/-". A last step that is not there yet is added; -
 * stands behind the last item.
 * @param json the value, e.g. "true", "\"nat\"", "{\"server\": \"eps1\"}"
 * Errors: LSVM_ERR_NOT_FOUND says which part of the path is missing; LSVM_ERR_PARSE,
 * LSVM_ERR_ARGUMENT, LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_draft_set(struct lsvm_draft *draft, const char *path, const char *json);
/** Removes what @p path names. Errors: LSVM_ERR_NOT_FOUND, LSVM_ERR_ARGUMENT.
 * @since 0.1 */
LSVM_API int lsvm_draft_remove(struct lsvm_draft *draft, const char *path);
/**
 * Lets a server, which must be declared, answer for a partition too.
 * @param weight 0 to 65535; 1 is ordinary
 * Errors: LSVM_ERR_NOT_FOUND, LSVM_ERR_EXISTS when it is there, LSVM_ERR_RANGE,
 * LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_draft_add_server(struct lsvm_draft *draft, const char *partition,
				   const char *server, uint32_t weight);
/** Takes a server out of a partition; its machine stays. Errors: LSVM_ERR_NOT_FOUND.
 * @since 0.1 */
LSVM_API int lsvm_draft_remove_server(struct lsvm_draft *draft, const char *partition,
				      const char *server);
/** Takes a server from one partition to another, with its weight and thresholds. Errors:
 * LSVM_ERR_NOT_FOUND, LSVM_ERR_EXISTS. @since 0.1 */
LSVM_API int lsvm_draft_move_server(struct lsvm_draft *draft, const char *server,
				    const char *from, const char *to);
/** Adds a domain to a VIP, given by name or address. It may have several VIPs (one of
 * each family, say), all in one partition. Errors: LSVM_ERR_NOT_FOUND, LSVM_ERR_EXISTS
 * when this VIP or another partition has it, LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_draft_add_domain(struct lsvm_draft *draft, const char *vip,
				   const char *domain);
/** Removes a domain from every VIP that has it. Errors: LSVM_ERR_NOT_FOUND. @since 0.1 */
LSVM_API int lsvm_draft_remove_domain(struct lsvm_draft *draft, const char *domain);
/** The draft as it stands, unchecked, as JSON. Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_draft_to_json(const struct lsvm_draft *draft, char **ret);
/**
 * Checks the draft as a file would be checked and makes a cluster of it. The draft stays
 * and can be edited on. Findings have paths but no lines; they may be NULL.
 * Errors: LSVM_ERR_FINDINGS, LSVM_ERR_NOMEM. Lifetime: of the cluster until its last
 * lsvm_cluster_unref(). @since 0.1
 */
LSVM_API int lsvm_draft_freeze(struct lsvm_draft *draft, struct lsvm_findings *findings,
			       struct lsvm_cluster **ret);

#ifdef __cplusplus
}
#endif
#endif
