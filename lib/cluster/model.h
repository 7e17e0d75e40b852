/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cluster as declared, frozen: typed objects in one arena, names resolved to
 * pointers.
 *
 * Every object starts with a `struct object`: where it stands in the document and which
 * of its fields were written there. A field that was not written holds its built-in
 * default, except in `struct settings`, where it is inherited: cluster defaults,
 * partition, VIP, service; ask lsvm_cluster_settings() for what is in force. Lists are
 * arrays in document order.
 */
#ifndef LSVM_CLUSTER_MODEL_H
#define LSVM_CLUSTER_MODEL_H

#include "base/base.h"

#include <libsvm/cluster.h>

/* Firewall marks of services that are there for probes alone, each with one destination:
 * a packet with the mark goes to that server in the way clients' packets go. */
#define PROBE_MARK_FIRST 0x53560000u
#define PROBE_MARK_LAST 0x5356ffffu

struct object {
	struct object *parent;
	const struct object_type *type; /* schema.h: its fields */
	uint32_t index;			/* in its list */
	struct mark at;
	uint64_t written; /* bit n: field n of the type's table was in the document */
	const struct mark *marks; /* of the written fields, in the order of the table */
};

/* A name in the document and the object it stands for. */
struct ref {
	const char *name;
	void *target; /* struct machine, network, volume, … as the field says */
	struct mark at;
};

#define LIST(type)                                                                       \
	struct {                                                                         \
		type *items;                                                             \
		uint32_t count;                                                          \
	}

struct network {
	struct object object;
	const char *name, *description;
	LIST(struct prefix) subnets; /* at most one of each family is used for wiring */
	LIST(struct addr)
	gateways; /* where machines of this network send the rest; default: its router */
	LIST(struct addr)
	director_addresses; /* floating: held by the active director; NAT gateway of
			       servers */
	uint32_t mtu;	    /* 0: the kernel's */
	bool outside;	    /* the clients' side */
};

struct interface {
	struct object object;
	const char *name; /* default ethN, N its index */
	struct ref network;
	LIST(struct addr) addresses;
	uint8_t mac[6];
	bool has_mac;
};

struct kernel_setting { /* a sysctl */
	struct object object;
	const char *name, *value;
};

struct machine {
	struct object object;
	const char *name, *description;
	enum lsvm_role role;
	LIST(struct interface) interfaces;
	LIST(struct addr) gateways; /* overrides the networks' */
	LIST(struct kernel_setting) sysctls;
	LIST(struct partition *) partitions; /* servers: those they answer for */
	uint32_t priority; /* directors: 1 to 254; default 100, less 10 for each one
			      before it */
};

struct tunnel {
	struct object object;
	enum lsvm_tunnel_kind kind;
	uint16_t port; /* gue */
	enum lsvm_tunnel_checksum checksum;
};

struct persistence {
	struct object object;
	uint32_t timeout_s; /* default 300 */
	uint32_t ipv4_prefix_length,
		ipv6_prefix_length; /* granularity; default 32, 128 */
	const char *engine;	    /* NULL or "sip" */
};

struct header {
	struct object object;
	const char *name, *value;
};

struct check {
	struct object object;
	enum lsvm_check_kind kind;
	uint16_t port; /* 0: the service's */
	uint32_t interval_ms, timeout_ms, jitter_ms,
		slow_start_ms;	     /* default 1000, 1000, 0, 0 */
	uint32_t rise, fall;	     /* default 2, 3 */
	enum lsvm_check_route route; /* straight to the server, or through the VIP */
	const char *method, *path, *host, *server_name;
	LIST(struct header) headers;
	LIST(uint32_t) statuses;
	const char *body,
		*digest; /* text that must be in it; "sha256:…" that it must have */
	bool verify_certificate;
	const char *send, *expect;
	const char *query, *record; /* DNS */
	const char *base_dn, *database, *user;
	LIST(const char *) command; /* external program */
};

/* What is inherited on the way down to a service. */
struct settings {
	enum lsvm_forwarding forwarding; /* default direct */
	struct tunnel *tunnel;		 /* default ipip */
	const char *scheduler;		 /* default "wlc" */
	uint32_t scheduler_flags;	 /* enum lsvm_scheduler_flag, or-ed */
	struct persistence *persistence; /* NULL: none */
	bool one_packet;
	uint32_t upper_threshold,
		lower_threshold; /* connections for each destination; 0: none */
	LIST(struct check) checks;
	LIST(struct ref) needs;	  /* back-end services */
	uint32_t quorum;	  /* servers that must be up; 0: no quorum */
	struct ref sorry_server;  /* machine */
	const char *content_root; /* where domains' homes are; default content.root */
	uint32_t quota_mib;	  /* of each domain; 0: none */
	const char *web_master;	  /* account that owns domains */
	uint64_t set; /* bit of each enum setting_id that is set at this level */
};

enum setting_id {
	SETTING_FORWARDING,
	SETTING_TUNNEL,
	SETTING_SCHEDULER,
	SETTING_SCHEDULER_FLAGS,
	SETTING_PERSISTENCE,
	SETTING_ONE_PACKET,
	SETTING_UPPER_THRESHOLD,
	SETTING_LOWER_THRESHOLD,
	SETTING_CHECKS,
	SETTING_NEEDS,
	SETTING_QUORUM,
	SETTING_SORRY_SERVER,
	SETTING_CONTENT_ROOT,
	SETTING_QUOTA,
	SETTING_WEB_MASTER,
	SETTING_COUNT
};

struct member { /* a server in a partition */
	struct object object;
	struct ref server;
	uint32_t weight; /* 0 to 65535; default 1 */
	uint32_t upper_threshold, lower_threshold;
	bool dedicated; /* in this partition and no other */
};

struct port_range {
	uint16_t first, last;
};

struct service {
	struct object object;
	const char *name;	     /* default: the application, else protocol-port */
	enum lsvm_protocol protocol; /* default tcp */
	LIST(struct port_range)
	ports; /* empty with a mark: all traffic of the protocol to the VIP */
	uint32_t fwmark;
	uint16_t server_port; /* NAT: another port on the servers; 0: the same */
	enum lsvm_application
		application; /* default by port: 80 http, 443 https, else other */
	struct settings settings;
};

struct tls {
	struct object object;
	const char *certificate, *key; /* default /etc/svm/tls/DOMAIN.crt and .key */
	bool redirect;		       /* http answers with a redirection to https */
};

struct domain {
	struct object object;
	const char *name;
	LIST(const char *) aliases;
	const char *home;	/* default CONTENT_ROOT/NAME */
	const char *web_master; /* default inherited, else "web-" and the first label */
	uint32_t quota_mib;
	bool ordinary; /* no home, alias, TLS of its own and no capitals: its home is
			  its name below the VIP's content root */
	struct ref volume;
	struct tls *tls;
};

struct vip {
	struct object object;
	const char *name; /* default: the address */
	struct addr address;
	struct ref network; /* default: the one whose subnet has it, else the directors'
			       outermost */
	struct settings settings;
	LIST(struct service)
	services; /* default: http on tcp port 80 when there are domains */
	LIST(struct domain) domains;
	/* Gathered once, because each server of the partition writes them down. */
	struct {
		uint32_t count, longest; /* of all names, aliases too */
		uint32_t ordinary_count;
		size_t ordinary_length;
		const char *ordinary; /* of ordinary domains, each behind a space */
	} names;
};

struct partition {
	struct object object;
	const char *name, *description;
	struct settings settings;
	struct settings in_force; /* with the cluster's defaults and the built-in ones */
	LIST(struct member) servers;
	LIST(struct vip) vips;
};

struct backend_service {
	struct object object;
	const char *name, *description;
	LIST(struct ref) hosts; /* machines */
	enum lsvm_protocol protocol;
	uint16_t port;
	enum lsvm_application application;
	LIST(struct check) checks;
	bool required; /* its failure takes the servers that need it out */
};

struct redundancy {
	struct object object;
	enum lsvm_redundancy_kind
		kind;	    /* default vrrp with two directors and more, else none */
	uint32_t version;   /* 3 */
	uint32_t router_id; /* 1 to 255; default 51 */
	uint32_t advert_interval_ms; /* default 1000; multiple of 10 */
	bool preempt;		     /* default true */
	uint32_t preempt_delay_ms;
	bool unicast;
	struct ref network;		   /* where directors hear each other */
	enum lsvm_connections connections; /* how connections survive: none, sync, hash */
	uint32_t sync_id;
	uint32_t sync_maxlen_bytes, sync_port, sync_ttl;
	struct addr sync_group;
};

struct ipvs_tuning {
	struct object object;
	uint32_t tcp_timeout_s, tcp_fin_timeout_s, udp_timeout_s; /* 0: the kernel's */
	LIST(struct kernel_setting) sysctls;			  /* net.ipv4.vs.* */
};

struct volume {
	struct object object;
	const char *name;
	LIST(struct ref) replicas; /* servers */
	uint32_t quota_mib;
};

struct content {
	struct object object;
	enum lsvm_content_kind kind; /* directory, coda */
	const char *root;	     /* default /srv/svm, /coda/REALM */
	const char *realm;
	LIST(struct ref)
	replicas; /* servers that keep the content; default for volumes */
	LIST(struct volume) volumes;
};

struct account {
	struct object object;
	const char *name, *full_name, *email;
};

struct lsvm_cluster {
	struct object object;
	atomic_uint refs;
	struct lsvm_ctx *ctx;
	struct arena arena;
	const char *name, *description;
	struct settings defaults;
	LIST(struct network) networks;
	struct machine *ems; /* NULL when the file has none */
	LIST(struct machine) routers, directors, servers, backends;
	LIST(struct backend_service) backend_services;
	LIST(struct partition) partitions;
	struct redundancy
		*redundancy; /* these three are never NULL in a frozen cluster */
	struct ipvs_tuning *ipvs;
	struct content *content;
	LIST(struct account) accounts;
	struct map machines_by_name, networks_by_name, partitions_by_name,
		domains_by_name;
};

/* Fills in_force of every partition, once references are resolved. */
void lsvm_cluster_settle(struct lsvm_cluster *cluster);
/* What is in force for a service: every setting resolved through all levels, with
 * defaults. */
void lsvm_cluster_settings(const struct service *service, struct settings *ret);
/* What is asked where nothing is said of checks: whether the port answers. */
const struct check *lsvm_cluster_default_check(enum lsvm_protocol protocol);
/* The same for a VIP (its domains) and for a partition. In `set` only what was written.
 */
void lsvm_cluster_vip_settings(const struct vip *vip, struct settings *ret);
void lsvm_cluster_partition_settings(const struct partition *partition,
				     struct settings *ret);

static inline struct vip *service_vip(const struct service *service)
{
	return (struct vip *)service->object.parent;
}
static inline struct partition *vip_partition(const struct vip *vip)
{
	return (struct partition *)vip->object.parent;
}
static inline struct vip *domain_vip(const struct domain *domain)
{
	return (struct vip *)domain->object.parent;
}
/* All machines: ems, routers, directors, servers, backends, in this order; NULL past the
 * end. */
struct machine *lsvm_cluster_machine_nth(const struct lsvm_cluster *cluster,
					 size_t index);
/* The machine's interface in that network, or NULL. */
struct interface *lsvm_machine_interface_in(const struct machine *machine,
					    const struct network *network);
/* The interface's first address of the family, or NULL. */
const struct addr *lsvm_interface_address(const struct interface *interface,
					  uint8_t family);
/* The subnet of the network that has the address, or NULL. */
const struct prefix *lsvm_network_subnet(const struct network *network,
					 const struct addr *addr);
/* Everything of a check that reaches the wire or the verdict: equal keys ask the same. A
 * slow start is no part of that, nor is the port that is written, since what is probed
 * has its own; nor the way there. */
void lsvm_check_key(const struct check *check, struct buf *ret);
/* Text with \r \n \t \\ \0 \xHH as bytes; ret has room for as many as the text has.
 * False: a backslash stands before anything else. */
bool lsvm_check_unescape(const char *text, uint8_t *ret, size_t *ret_length);
/* Those whose data can be written as text. */
enum record_type {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_PTR = 12,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
};
/* Of a DNS record's name, such as AAAA or TYPE65; 0: there is none. */
uint16_t lsvm_check_record_type(const char *text);
/* As they are on the wire: a name, "www.example.com" with or without a dot at its end or
 * "."; the data of a record of that type, written as its address, name or text. False:
 * there is no such thing, and ret has a part of it. */
bool lsvm_check_dns_name(const char *name, struct buf *ret);
bool lsvm_check_dns_data(const char *text, uint16_t type, struct buf *ret);
/* "/partitions/0/vips/1" into the arena of a findings list or any other. */
const char *lsvm_object_path(const struct object *object, struct arena *arena);

/*
 * Where the directors and the server meet: the server's address that destinations of this
 * family have, or NULL. Direct routing and NAT need a common network, a tunnel only a
 * route.
 */
const struct addr *lsvm_cluster_server_address(const struct lsvm_cluster *cluster,
					       const struct machine *server,
					       uint8_t family,
					       enum lsvm_forwarding forwarding);
/* The server's address that destinations of the VIP's services have: of the VIP's family,
 * for tunnels also of the other one; or NULL. */
const struct addr *lsvm_cluster_destination_address(const struct lsvm_cluster *cluster,
						    const struct machine *server,
						    const struct vip *vip,
						    enum lsvm_forwarding forwarding);
/* The kernel's numbers of the tunnel; what it has not is left as it is. */
void lsvm_cluster_set_tunnel(const struct tunnel *tunnel, uint8_t *ret_type,
			     uint16_t *ret_port, uint16_t *ret_flags);

#endif
