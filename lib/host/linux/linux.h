/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The real machine: rtnetlink through libnl-route, IPVS through ipvs.h, files, /proc/sys
 * and programs. Sockets are opened when they are first needed, in the network namespace
 * that the caller is in then.
 */
#ifndef LSVM_HOST_LINUX_LINUX_H
#define LSVM_HOST_LINUX_LINUX_H

#include "host/host.h"

struct nl_sock;
struct nl_msg;
struct nl_addr;
struct ipvs_socket;
struct io;
struct log;

/* How long one answer of the kernel, and one program that a unit runs, may take. */
#define LINUX_ANSWER_MS 5000
#define LINUX_PROGRAM_MS 30000
/* A file is read whole; a longer one is refused. */
#define LINUX_FILE_MAX_BYTES (256u * 1024 * 1024)

struct linux_host {
	struct lsvm_host host;
	struct nl_sock *route; /* NULL: not opened yet, or closed after a lost answer */
	struct ipvs_socket *ipvs;
	struct io *io; /* NULL: it has not waited for anything yet */
	struct log *log;
	int lock; /* file descriptor; -1: not locked */
};

/* ---- rtnetlink.c ---- */

int lsvm_linux_route_socket(struct linux_host *linux_host, struct nl_sock **ret);
/* Sends the message, frees it and waits for the answer; a positive errno or 0. */
int lsvm_linux_request(struct linux_host *linux_host, struct nl_msg *msg);
/* The sentence for a refusal: `what` is "address 192.0.2.1/32 cannot be added to 'eth0'".
 */
int lsvm_linux_refused(struct linux_host *linux_host, int error, const char *what);
/* The interface's number; LSVM_ERR_NOT_FOUND names the interfaces that there are. */
int lsvm_linux_interface(struct linux_host *linux_host, const char *name);
/* NULL: out of memory. Prefix length 255: the whole address. */
struct nl_addr *lsvm_linux_nl_addr(const struct addr *addr, uint8_t length);
bool lsvm_linux_from_nl_addr(const struct nl_addr *from, struct addr *ret);
/* A dump into a cache, read again when it was interrupted. */
struct nl_cache;
int lsvm_linux_dump(struct linux_host *linux_host, const char *what,
		    int (*alloc)(struct nl_sock *sock, struct nl_cache **ret),
		    struct nl_cache **ret);

/* ---- link.c, fou.c ---- */

int lsvm_linux_observe_links(struct linux_host *linux_host, struct state *state);
int lsvm_linux_link_add(struct linux_host *linux_host, const struct link *link);
int lsvm_linux_link_change(struct linux_host *linux_host, const struct link *link);
int lsvm_linux_link_delete(struct linux_host *linux_host, const struct link *link);
/* A UDP port on which GUE packets are unwrapped. */
int lsvm_linux_gue_add(struct linux_host *linux_host, uint16_t port);
int lsvm_linux_gue_delete(struct linux_host *linux_host, uint16_t port);
/* 1 there, 0 not, negative: error. */
int lsvm_linux_gue_present(struct linux_host *linux_host, uint16_t port);

/* ---- address.c, announce.c, route.c ---- */

int lsvm_linux_observe_addresses(struct linux_host *linux_host, struct state *state);
/* steps[0..count) are all of kind STEP_ADDRESS_…; *ret_done as perform() has it. */
int lsvm_linux_addresses_change(struct linux_host *linux_host, const struct step *steps,
				size_t count, size_t *ret_done);
/* One netlink message that adds or removes the address; its length. */
#define LINUX_ADDRESS_MESSAGE_BYTES 128
size_t lsvm_linux_address_message(const struct address *address, int index, bool add,
				  uint32_t sequence, void *ret);
/* Tells the neighbours that the addresses are here now; best effort. */
void lsvm_linux_announce_all(const struct address *addresses, size_t count);
int lsvm_linux_observe_routes(struct linux_host *linux_host, const struct state *wanted,
			      const struct state *owned, struct state *state);
int lsvm_linux_route_set(struct linux_host *linux_host, const struct route *route);
int lsvm_linux_route_delete(struct linux_host *linux_host, const struct route *route);

/* ---- log.c ---- */

/* *log is made at the first call; one for each process and log. */
int lsvm_log_write(struct lsvm_ctx *ctx, struct log **log, const char *to,
		   const struct io_log *line);
void lsvm_log_free(struct log *log);

/* ---- io_*.c: see io_private.h ---- */

extern const struct io_ops lsvm_linux_io_ops;
void lsvm_io_free(struct io *io);

/* ---- neighbour.c ---- */

int lsvm_linux_neighbours(struct lsvm_host *host, struct neighbours *ret);

/* ---- sysctl.c ---- */

int lsvm_linux_observe_sysctls(struct linux_host *linux_host, const struct state *named,
			       struct state *state);
int lsvm_linux_sysctl_set(struct linux_host *linux_host, const struct sysctl *sysctl);

/* ---- file.c ---- */

/* The system's words for an errno. */
const char *lsvm_linux_error_text(int error);
/* Reads the whole file into the empty buf; a positive errno or 0, EFBIG past max. */
int lsvm_linux_read(const char *path, size_t max, struct buf *buf, uint32_t *ret_mode);
int lsvm_linux_observe_files(struct linux_host *linux_host, const struct state *named,
			     struct state *state);
int lsvm_linux_file_write(struct linux_host *linux_host, const struct file *file);
int lsvm_linux_file_delete(struct linux_host *linux_host, const struct file *file);
int lsvm_linux_stream(struct lsvm_host *host, const char *path,
		      void (*take)(void *arg, const char *bytes, size_t length),
		      void *arg);
int lsvm_linux_lock(struct lsvm_host *host);
void lsvm_linux_unlock(struct lsvm_host *host);

/* ---- process.c, unit.c ---- */

#define LINUX_OUTPUT_BYTES 600

struct program {
	int status;			 /* as waitpid() gives it */
	char output[LINUX_OUTPUT_BYTES]; /* the beginning, on one line */
};

/* Runs the program to its end: 0, or LSVM_ERR_TIMEOUT, LSVM_ERR_NOT_FOUND, … */
int lsvm_linux_run(struct lsvm_ctx *ctx, const char *const *argv, struct program *ret);
int lsvm_linux_observe_units(struct linux_host *linux_host, const struct state *named,
			     struct state *state);
int lsvm_linux_unit_start(struct linux_host *linux_host, const struct unit *unit);
int lsvm_linux_unit_reload(struct linux_host *linux_host, const struct unit *unit);
int lsvm_linux_unit_stop(struct linux_host *linux_host, const struct unit *unit);

#endif
