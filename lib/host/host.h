/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine as the library sees it.
 *
 * A `state` says what a machine holds: its IPVS table, links, addresses, routes, sysctls,
 * files and services to run. The plan of a machine is the state wanted of it; observing a
 * host gives the state that it has; `step`s, in order, lead from one to the other. A host
 * can do two things only: observe, as far as a wanted state is concerned, and perform
 * steps.
 */
#ifndef LSVM_HOST_HOST_H
#define LSVM_HOST_HOST_H

#include "host/io.h"
#include "ipvs/table.h"

#include <libsvm/host.h>

#define INTERFACE_BYTES 16 /* IFNAMSIZ */

enum link_kind {
	LINK_UNKNOWN = 0,
	LINK_PRESENT = 1, /* there already (a network card): only its being up and MTU are
			     wanted */
	LINK_IPIP = 2,	  /* decapsulates IPv4 in IPv4 */
	LINK_GRE = 3,
	LINK_IP6TNL = 4, /* decapsulates IPv6 in IPv6 and IPv4 in IPv6 */
	LINK_IP6GRE = 5,
	LINK_GUE = 6,  /* ipip behind a GUE receive port (fou) */
	LINK_SIT = 7,  /* decapsulates IPv6 in IPv4 */
	LINK_GUE6 = 8, /* IPv6 in IPv4 behind a GUE receive port */
};

struct link {
	char name[INTERFACE_BYTES];
	enum link_kind kind;
	struct addr local; /* tunnels: the address that packets are sent to */
	uint16_t port;	   /* GUE: the UDP port received on */
	bool checksum;	   /* GRE: packets come with checksums; Linux drops those that
			      differ from what the link expects */
	uint32_t mtu;	   /* 0: the kernel's */
	bool down;	   /* observed only: it is there but not up */
};

struct address {
	char interface[INTERFACE_BYTES];
	struct prefix prefix;
};

struct route {
	struct prefix destination; /* 0.0.0.0/0 or ::/0 for the default route */
	struct addr via;	   /* family 0: on the link */
	char interface[INTERFACE_BYTES];
};

/* What is known of somebody on the same network; observed only. */
struct neighbour {
	char interface[INTERFACE_BYTES];
	struct addr addr;
	uint8_t mac[6];
	bool has_mac;
	const char *state; /* a word that lives for ever */
};

struct sysctl {
	const char *name; /* "net.ipv4.conf.all.arp_ignore"; a dot inside a name is
			     written '/' */
	const char *value;
};

struct file {
	const char *path;
	uint32_t mode;
	const char *content; /* NULL in an observed state: the file is missing */
	size_t length;
};

/* Something that runs: nginx; or something to run once when its files change: nft. */
struct unit {
	const char *name;
	const char *pid_file;	  /* NULL: runs once */
	const char *const *files; /* changed content means reload; NULL-terminated */
	const char *const
		*test; /* argument vectors, NULL-terminated; NULL when there is none */
	const char *const *start;
	const char *const *reload;
	const char *const *stop;
	const char *const
		*present; /* runs once: succeeds when its effect is still there */
	bool running; /* observed. Runs once: `present` succeeded; true without `present`,
			 since then only changed files call for it */
};

struct state {
	struct lsvm_ipvs_table *ipvs; /* NULL: the machine has none */
	VEC(struct link) links;
	VEC(struct address) addresses;
	VEC(struct route) routes;
	VEC(struct sysctl) sysctls;
	VEC(struct file) files;
	VEC(struct unit) units;
	struct arena arena; /* all text above */
};

int lsvm_state_new(struct lsvm_ctx *ctx, struct state **ret);
void lsvm_state_free(struct state *state);

/* What the state has under that name, or NULL. */
struct link *lsvm_state_link(const struct state *state, const char *name);
struct sysctl *lsvm_state_sysctl(const struct state *state, const char *name);
struct file *lsvm_state_file(const struct state *state, const char *path);
struct unit *lsvm_state_unit(const struct state *state, const char *name);
struct route *lsvm_state_route(const struct state *state,
			       const struct prefix *destination);
struct address *lsvm_state_address(const struct state *state,
				   const struct address *address);
/* Adds copies, text included; false when memory ran out. content NULL: missing. */
bool lsvm_state_add_sysctl(struct state *state, const char *name, const char *value);
bool lsvm_state_add_file(struct state *state, const char *path, uint32_t mode,
			 const char *content, size_t length);
/* Equal but for white space, as the kernel prints "3 50" with a tab. */
bool lsvm_sysctl_equal(const char *a, const char *b);

enum step_kind {
	STEP_UNKNOWN = 0,
	STEP_SYSCTL_SET = 1,
	STEP_LINK_ADD = 2,    /* create, set MTU, bring up */
	STEP_LINK_CHANGE = 3, /* bring up or set MTU of one that is there */
	STEP_LINK_DELETE = 4,
	STEP_ADDRESS_ADD = 5,
	STEP_ADDRESS_DELETE = 6,
	STEP_ROUTE_SET = 7, /* add or replace */
	STEP_ROUTE_DELETE = 8,
	STEP_IPVS = 9,
	STEP_FILE_WRITE = 10,
	STEP_FILE_DELETE = 11,
	STEP_UNIT_START = 12,
	STEP_UNIT_RELOAD = 13,
	STEP_UNIT_STOP = 14,
};

/* One action. Borrows from the states it was computed from. */
struct step {
	enum step_kind kind;
	union {
		const struct sysctl *sysctl;
		const struct link *link;
		const struct address *address;
		const struct route *route;
		const struct file *file;
		const struct unit *unit;
		struct ipvs_change ipvs;
	};
};

/* What the kernel says of its IPVS. */
struct ipvs_info {
	uint32_t version; /* 0x010201 is 1.2.1 */
	uint32_t connection_bucket_count;
	bool older; /* by socket options, since netlink is refused */
};

struct neighbours {
	VEC(struct neighbour) list;
};

/*
 * What a kind of host implements. Both calls put a sentence on the context when they
 * fail.
 *
 * observe: fills `ret` with what the machine has of everything that `wanted` or `owned`
 * (may be NULL) names, and with all addresses and links there are, and all of the IPVS
 * table when one of the two has a table. perform: does steps[0..count) in order;
 * *ret_done is how many were done, also on failure. Neighbouring IPVS steps may travel in
 * one batch, and neighbouring address steps too, of which more than *ret_done may be done
 * when one fails, but nothing that takes more away than the one that failed. What should
 * go and is gone already is done.
 */
struct host_ops {
	const struct io_ops *io; /* NULL: it cannot wait for anything */
	int (*observe)(struct lsvm_host *host, const struct state *wanted,
		       const struct state *owned, struct state **ret);
	int (*perform)(struct lsvm_host *host, const struct step *steps, size_t count,
		       size_t *ret_done);
	/* Hands a file of the kernel to `take`, piece by piece; LSVM_ERR_NOT_FOUND when
	 * there is none. */
	int (*stream)(struct lsvm_host *host, const char *path,
		      void (*take)(void *arg, const char *bytes, size_t length),
		      void *arg);
	/* Appends all there are. */
	int (*neighbours)(struct lsvm_host *host, struct neighbours *ret);
	/* Whether this machine could take the change; LSVM_ERR_UNSUPPORTED. NULL: any. */
	int (*ipvs_check)(struct lsvm_host *host, const struct ipvs_change *change);
	/* Counters of one service, or of all (NULL), to zero. */
	int (*ipvs_zero)(struct lsvm_host *host, const struct ipvs_key *key_or_all);
	int (*ipvs_flush)(struct lsvm_host *host);
	int (*ipvs_info)(struct lsvm_host *host, struct ipvs_info *ret);
	/* Keeps other applies off the machine, those of other processes too, until
	 * unlock; LSVM_ERR_BUSY when one is under way. */
	int (*lock)(struct lsvm_host *host);
	void (*unlock)(struct lsvm_host *host);
	void (*free)(struct lsvm_host *host);
};

/* Every kind of host starts with this. */
struct lsvm_host {
	const struct host_ops *ops;
	struct lsvm_ctx *ctx;
	char *name;
	bool simulated;
	uint64_t write_count; /* steps done */
};

/* For a host's maker. Once it succeeded, lsvm_host_free() takes it down. */
int lsvm_host_init(struct lsvm_host *host, const struct host_ops *ops,
		   struct lsvm_ctx *ctx, const char *name);

static inline int lsvm_host_observe(struct lsvm_host *host, const struct state *wanted,
				    const struct state *owned, struct state **ret)
{
	return host->ops->observe(host, wanted, owned, ret);
}

/* Whether the IPVS changes among the steps could ever work on this host. */
int lsvm_host_check(struct lsvm_host *host, const struct step *steps, size_t count);
/* Nothing is sent when one of the IPVS changes could never work, though the kernel might
 * take it. */
int lsvm_host_perform(struct lsvm_host *host, const struct step *steps, size_t count,
		      size_t *ret_done);

#endif
