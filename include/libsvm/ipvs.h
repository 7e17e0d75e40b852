/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file ipvs.h
 * The IPVS table of a director: what a plan wants, what a kernel holds, and what leads
 * from one to the other.
 *
 * Tables are sealed: they never change and may be read by many threads. Services stand in
 * the order of address, protocol and port, those with a mark last; destinations in the
 * order of address and port. Sources: include/uapi/linux/ip_vs.h of Linux 6.1,
 * ipvsadm(8).
 */
#ifndef LIBSVM_IPVS_H
#define LIBSVM_IPVS_H

#include <libsvm/cluster.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An IPVS table: virtual services and their destinations. */
struct lsvm_ipvs_table;
/** A virtual service of a table. Borrowed from it. */
struct lsvm_ipvs_service;
/** A destination of a service: one real server as the kernel sees it. Borrowed. */
struct lsvm_ipvs_destination;
/** Ordered changes that make one table into another. */
struct lsvm_ipvs_changes;

/** What ip_vs counts, since the last zero, and its rates over the last seconds. */
enum lsvm_ipvs_counter {
	LSVM_IPVS_COUNTER_UNKNOWN = 0,
	LSVM_IPVS_COUNTER_CONNECTIONS = 1,
	LSVM_IPVS_COUNTER_IN_PACKETS = 2,
	LSVM_IPVS_COUNTER_OUT_PACKETS = 3,
	LSVM_IPVS_COUNTER_IN_BYTES = 4,
	LSVM_IPVS_COUNTER_OUT_BYTES = 5,
	LSVM_IPVS_COUNTER_CONNECTION_RATE = 6, /**< per second, as all rates */
	LSVM_IPVS_COUNTER_IN_PACKET_RATE = 7,
	LSVM_IPVS_COUNTER_OUT_PACKET_RATE = 8,
	LSVM_IPVS_COUNTER_IN_BYTE_RATE = 9,
	LSVM_IPVS_COUNTER_OUT_BYTE_RATE = 10,
};

/** "connections", "in-packets", …, "unknown". @since 0.1 */
LSVM_API const char *lsvm_ipvs_counter_name(int counter);
/** The counter of that name; LSVM_IPVS_COUNTER_UNKNOWN when there is none. @since 0.1 */
LSVM_API int lsvm_ipvs_counter_parse(const char *name);

/** An empty table: a director that balances nothing. Errors: LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_ipvs_table_new(struct lsvm_ctx *ctx, struct lsvm_ipvs_table **ret);
/** Takes one more reference and returns @p table. @since 0.1 */
LSVM_API struct lsvm_ipvs_table *lsvm_ipvs_table_ref(struct lsvm_ipvs_table *table);
/** Gives one reference back. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_ipvs_table_unref(struct lsvm_ipvs_table *table);

/**
 * The whole table as JSON, schema "lsvm-ipvs/1": services with their destinations,
 * timeouts and sync daemons, and counters where the table came from a kernel. Equal
 * tables give equal bytes. Errors: LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_ipvs_table_to_json(const struct lsvm_ipvs_table *table, char **ret);
/**
 * A table from JSON of that schema, in any order.
 * Errors: LSVM_ERR_PARSE, LSVM_ERR_EXISTS when a service or destination is there twice,
 * LSVM_ERR_LIMIT, LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_ipvs_table_from_json(struct lsvm_ctx *ctx, const char *bytes,
				       size_t length, struct lsvm_ipvs_table **ret);
/**
 * The text that `ipvsadm -S -n` prints for the table, in the table's order. Thresholds,
 * timeouts and sync daemons are not in it, as ipvsadm does not print them there; services
 * of protocols other than tcp, udp and sctp are left out. Errors: LSVM_ERR_NOMEM.
 * @since 0.1
 */
LSVM_API int lsvm_ipvs_table_to_ipvsadm(const struct lsvm_ipvs_table *table, char **ret);
/**
 * The table that lines of ipvsadm make: what `ipvsadm -S -n` prints, and what people
 * write for `ipvsadm -R`, one command a line with short or long options, changes and
 * removals of earlier lines, timeouts and sync daemons. As with ipvsadm(8), the scheduler
 * is wlc, the weight 1 and persistence 300 s where nothing is said, and a destination
 * without NAT has the port of its service. Names of hosts and ports are not looked up.
 *
 * lsvm_ipvs_table_to_ipvsadm() writes a table that reads back equal, except for what it
 * leaves out.
 *
 * Errors: LSVM_ERR_PARSE, LSVM_ERR_EXISTS and LSVM_ERR_NOT_FOUND with the number of the
 * line; LSVM_ERR_LIMIT, LSVM_ERR_NOMEM. Lifetime: yours to unref. @since 0.1
 */
LSVM_API int lsvm_ipvs_table_from_ipvsadm(struct lsvm_ctx *ctx, const char *bytes,
					  size_t length, struct lsvm_ipvs_table **ret);

/** How many virtual services there are. @since 0.1 */
LSVM_API size_t lsvm_ipvs_table_service_count(const struct lsvm_ipvs_table *table);
/** The service at @p index, NULL past the end. @since 0.1 */
LSVM_API const struct lsvm_ipvs_service *lsvm_ipvs_table_service_at(
	const struct lsvm_ipvs_table *table, size_t index);
/** The kernel's timeout of established TCP connections in seconds; 0: not set here.
 * @since 0.1
 */
LSVM_API uint32_t lsvm_ipvs_table_tcp_timeout_s(const struct lsvm_ipvs_table *table);
/** The kernel's timeout after a FIN in seconds; 0: not set here. @since 0.1 */
LSVM_API uint32_t lsvm_ipvs_table_tcp_fin_timeout_s(const struct lsvm_ipvs_table *table);
/** The kernel's timeout of UDP flows in seconds; 0: not set here. @since 0.1 */
LSVM_API uint32_t lsvm_ipvs_table_udp_timeout_s(const struct lsvm_ipvs_table *table);
/**
 * The interface on which connections are sent (@p is_master) or received; NULL when that
 * sync daemon does not run. @since 0.1
 */
LSVM_API const char *lsvm_ipvs_table_sync_interface(const struct lsvm_ipvs_table *table,
						    bool is_master);
/** The id of that sync daemon's group, 0 to 255; 0 when it does not run. @since 0.1 */
LSVM_API uint32_t lsvm_ipvs_table_sync_id(const struct lsvm_ipvs_table *table,
					  bool is_master);

/** What names the service: "tcp 192.0.2.100:80", "mark 7 ipv6". Returns @p buf. @since
 * 0.1 */
LSVM_API const char *lsvm_ipvs_service_text(const struct lsvm_ipvs_service *service,
					    char *buf, size_t size);
/** An enum lsvm_protocol; LSVM_PROTOCOL_UNKNOWN with a mark. @since 0.1 */
LSVM_API int lsvm_ipvs_service_protocol(const struct lsvm_ipvs_service *service);
/** The VIP as text, "" with a mark. Returns @p buf. @since 0.1 */
LSVM_API const char *lsvm_ipvs_service_address(const struct lsvm_ipvs_service *service,
					       char *buf, size_t size);
/** 4 or 6. @since 0.1 */
LSVM_API int lsvm_ipvs_service_family(const struct lsvm_ipvs_service *service);
/** The port; 0: all ports. @since 0.1 */
LSVM_API uint16_t lsvm_ipvs_service_port(const struct lsvm_ipvs_service *service);
/** The firewall mark that names the service; 0: none does. @since 0.1 */
LSVM_API uint32_t lsvm_ipvs_service_fwmark(const struct lsvm_ipvs_service *service);
/** "wlc", "rr", … @since 0.1 */
LSVM_API const char *lsvm_ipvs_service_scheduler(const struct lsvm_ipvs_service *service);
/** enum lsvm_scheduler_flag, or-ed. @since 0.1 */
LSVM_API uint32_t
lsvm_ipvs_service_scheduler_flags(const struct lsvm_ipvs_service *service);
/** Whether a client keeps its server for a while. @since 0.1 */
LSVM_API bool lsvm_ipvs_service_is_persistent(const struct lsvm_ipvs_service *service);
/** For how many seconds. @since 0.1 */
LSVM_API uint32_t
lsvm_ipvs_service_persistence_timeout_s(const struct lsvm_ipvs_service *service);
/** Clients whose addresses agree in so many bits share their server. @since 0.1 */
LSVM_API uint32_t
lsvm_ipvs_service_persistence_prefix_length(const struct lsvm_ipvs_service *service);
/** The persistence engine, e.g. "sip"; "" for none. @since 0.1 */
LSVM_API const char *lsvm_ipvs_service_engine(const struct lsvm_ipvs_service *service);
/** Whether every packet is scheduled anew. @since 0.1 */
LSVM_API bool lsvm_ipvs_service_is_one_packet(const struct lsvm_ipvs_service *service);
/** A counter of the service; 0 unless the table came from a kernel. @since 0.1 */
LSVM_API uint64_t lsvm_ipvs_service_counter(const struct lsvm_ipvs_service *service,
					    int counter);

/** How many destinations the service has. @since 0.1 */
LSVM_API size_t
lsvm_ipvs_service_destination_count(const struct lsvm_ipvs_service *service);
/** The destination at @p index, NULL past the end. @since 0.1 */
LSVM_API const struct lsvm_ipvs_destination *lsvm_ipvs_service_destination_at(
	const struct lsvm_ipvs_service *service, size_t index);
/** The real server's address as text. Returns @p buf. @since 0.1 */
LSVM_API const char *lsvm_ipvs_destination_address(
	const struct lsvm_ipvs_destination *destination, char *buf, size_t size);
/** The real server's port. @since 0.1 */
LSVM_API uint16_t
lsvm_ipvs_destination_port(const struct lsvm_ipvs_destination *destination);
/** An enum lsvm_forwarding. @since 0.1 */
LSVM_API int lsvm_ipvs_destination_forwarding(
	const struct lsvm_ipvs_destination *destination);
/** Its share; 0: drained, no new connections. @since 0.1 */
LSVM_API uint32_t
lsvm_ipvs_destination_weight(const struct lsvm_ipvs_destination *destination);
/** Above so many connections it gets no new ones; 0: no limit. @since 0.1 */
LSVM_API uint32_t
lsvm_ipvs_destination_upper_threshold(const struct lsvm_ipvs_destination *destination);
/** Below so many it gets new ones again; 0: three quarters of the upper one. @since 0.1
 */
LSVM_API uint32_t
lsvm_ipvs_destination_lower_threshold(const struct lsvm_ipvs_destination *destination);
/** An enum lsvm_tunnel_kind, for LSVM_FORWARDING_TUNNEL. @since 0.1 */
LSVM_API int lsvm_ipvs_destination_tunnel_kind(
	const struct lsvm_ipvs_destination *destination);
/** The UDP port of a gue tunnel. @since 0.1 */
LSVM_API uint16_t
lsvm_ipvs_destination_tunnel_port(const struct lsvm_ipvs_destination *destination);
/** An enum lsvm_tunnel_checksum. @since 0.1 */
LSVM_API int lsvm_ipvs_destination_tunnel_checksum(
	const struct lsvm_ipvs_destination *destination);
/** Established connections; 0 unless the table came from a kernel, as the next two.
 * @since 0.1
 */
LSVM_API uint32_t
lsvm_ipvs_destination_active_count(const struct lsvm_ipvs_destination *destination);
/** Connections that are ending, and those of UDP. @since 0.1 */
LSVM_API uint32_t
lsvm_ipvs_destination_inactive_count(const struct lsvm_ipvs_destination *destination);
/** Clients that persistence keeps here. @since 0.1 */
LSVM_API uint32_t
lsvm_ipvs_destination_persistent_count(const struct lsvm_ipvs_destination *destination);
/** A counter of the destination; 0 unless the table came from a kernel. @since 0.1 */
LSVM_API uint64_t lsvm_ipvs_destination_counter(
	const struct lsvm_ipvs_destination *destination, int counter);

/**
 * The ordered changes that make @p present into @p wanted without hurting connections:
 * what is there is edited in place, additions come before removals, a destination stops
 * getting new connections before it goes, and nothing is ever flushed. Counters are not
 * compared.
 *
 * Errors: LSVM_ERR_ARGUMENT when something would have to be sent that cannot work,
 * LSVM_ERR_NOMEM. Lifetime: yours to free; it keeps both tables alive. @since 0.1
 */
LSVM_API int lsvm_ipvs_diff(struct lsvm_ctx *ctx, struct lsvm_ipvs_table *present,
			    struct lsvm_ipvs_table *wanted,
			    struct lsvm_ipvs_changes **ret);
/** Frees the changes. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_ipvs_changes_free(struct lsvm_ipvs_changes *changes);
/** How many there are; 0 when the tables are equal. @since 0.1 */
LSVM_API size_t lsvm_ipvs_changes_count(const struct lsvm_ipvs_changes *changes);
/**
 * One change as a line, "add service tcp 192.0.2.100:80 scheduler wlc"; "" past the end.
 * Text that does not fit is cut. Returns @p buf. @since 0.1
 */
LSVM_API const char *lsvm_ipvs_changes_text(const struct lsvm_ipvs_changes *changes,
					    size_t index, char *buf, size_t size);
/** All lines as JSON, schema "lsvm-ipvs-changes/1". Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_ipvs_changes_to_json(const struct lsvm_ipvs_changes *changes,
				       char **ret);

/** Connections that a kernel balances, see lsvm_host_connections(). */
struct lsvm_connection_list;
/** One of them. Borrowed. */
struct lsvm_connection;

/** Where a connection came from. */
enum lsvm_connection_origin {
	LSVM_CONNECTION_ORIGIN_UNKNOWN = 0, /**< this kernel does not tell */
	LSVM_CONNECTION_ORIGIN_LOCAL = 1,   /**< this director scheduled it */
	LSVM_CONNECTION_ORIGIN_SYNC = 2,    /**< another director told of it */
};

/** "local", "sync", "unknown". @since 0.1 */
LSVM_API const char *lsvm_connection_origin_name(int origin);
/** The origin of that name; LSVM_CONNECTION_ORIGIN_UNKNOWN when there is none. @since 0.1
 */
LSVM_API int lsvm_connection_origin_parse(const char *name);

/** Frees the list. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_connection_list_free(struct lsvm_connection_list *connections);
/** How many connections are in the list. @since 0.1 */
LSVM_API size_t
lsvm_connection_list_count(const struct lsvm_connection_list *connections);
/** How many passed the filters, also those beyond the limit. @since 0.1 */
LSVM_API size_t
lsvm_connection_list_match_count(const struct lsvm_connection_list *connections);
/** How many the kernel had in all. @since 0.1 */
LSVM_API size_t
lsvm_connection_list_seen_count(const struct lsvm_connection_list *connections);
/** The connection at @p index, NULL past the end. @since 0.1 */
LSVM_API const struct lsvm_connection *lsvm_connection_list_at(
	const struct lsvm_connection_list *connections, size_t index);
/** The list as JSON, schema "lsvm-connections/1". Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_connection_list_to_json(const struct lsvm_connection_list *connections,
					  char **ret);

/** "tcp", "udp", "sctp"; "ip" for the template of a service with a mark. @since 0.1 */
LSVM_API const char *lsvm_connection_protocol(const struct lsvm_connection *connection);
/** The client's address as text. Returns @p buf. @since 0.1 */
LSVM_API const char *lsvm_connection_client(const struct lsvm_connection *connection,
					    char *buf, size_t size);
/** The client's port; 0 for a template. @since 0.1 */
LSVM_API uint16_t lsvm_connection_client_port(const struct lsvm_connection *connection);
/** The address that the client called, "" for the template of a service with a mark.
 * Returns @p buf. @since 0.1 */
LSVM_API const char *lsvm_connection_virtual_address(
	const struct lsvm_connection *connection, char *buf, size_t size);
/** The port that the client called. @since 0.1 */
LSVM_API uint16_t lsvm_connection_virtual_port(const struct lsvm_connection *connection);
/** The mark of the service, for a template of one that has a mark; 0 otherwise. @since
 * 0.1 */
LSVM_API uint32_t lsvm_connection_fwmark(const struct lsvm_connection *connection);
/** The real server's address as text. Returns @p buf. @since 0.1 */
LSVM_API const char *lsvm_connection_server(const struct lsvm_connection *connection,
					    char *buf, size_t size);
/** The real server's port. @since 0.1 */
LSVM_API uint16_t lsvm_connection_server_port(const struct lsvm_connection *connection);
/** The kernel's word for its state: "ESTABLISHED", "FIN_WAIT", "UDP", … @since 0.1 */
LSVM_API const char *lsvm_connection_state(const struct lsvm_connection *connection);
/** In how many seconds the kernel forgets it unless a packet comes. @since 0.1 */
LSVM_API uint32_t lsvm_connection_expires_s(const struct lsvm_connection *connection);
/** An enum lsvm_connection_origin. @since 0.1 */
LSVM_API int lsvm_connection_origin(const struct lsvm_connection *connection);
/** Whether it is no connection but what persistence remembers: this client, that
 * server. @since 0.1 */
LSVM_API bool lsvm_connection_is_template(const struct lsvm_connection *connection);
/** The persistence engine and what it goes by, "sip CALL-ID"; "" for none. @since 0.1 */
LSVM_API const char *lsvm_connection_engine(const struct lsvm_connection *connection);

#ifdef __cplusplus
}
#endif
#endif
