/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the kernel's IPVS share: one socket, questions and answers. */
#ifndef LSVM_HOST_LINUX_IPVS_PRIVATE_H
#define LSVM_HOST_LINUX_IPVS_PRIVATE_H

#include "host/ipvs_verdict.h"
#include "host/linux/ipvs.h"
#include "ipvs/netlink.h"

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#define RECEIVE_COUNT 4
#define RECEIVE_BYTES 32768 /* the kernel fills no more at once */
#define SEND_BYTES 65536    /* about 500 changes: more at once gains nothing */
/* No kernel has more, and one that never ends does not fill the memory. */
#define READ_COUNT_MAX (1u << 20)

struct ipvs_socket {
	struct lsvm_ctx *ctx;
	struct mnl_socket *netlink;
	int older_fd; /* a socket for the older options, used for all; -1: netlink is */
	int proc_fd;  /* /proc/net/ip_vs of the socket's namespace; -1: none */
	uint32_t timeout_ms; /* for one answer */
	uint32_t call_ms;    /* for everything that one call asks */
	uint64_t deadline;   /* of the call that runs */
	size_t count_max;    /* entries of one list */
	bool unsettled;	     /* answers to what was given up may still come */
	uint32_t port;	     /* ours, in every answer */
	uint64_t write_count;
	uint64_t datagrams; /* received so far */
	unsigned pieces;    /* datagrams in which the content of the last answer came */
	struct nl_out out;  /* the request being made */
	uint8_t *received;
	struct mmsghdr messages[RECEIVE_COUNT];
	struct iovec parts[RECEIVE_COUNT];
	struct sockaddr_nl senders[RECEIVE_COUNT];
};

/* Milliseconds on the monotonic clock. */
uint64_t lsvm_ipvs_now(void);

/* Called with each message of an answer; a negative answer ends the exchange. */
typedef int (*ipvs_reply)(struct ipvs_socket *socket, const struct nl_message *message,
			  void *arg);

/* Every call that asks the kernel begins here: its time starts. */
void lsvm_ipvs_begin(struct ipvs_socket *socket);
/* Whether the call's time is over; then with the sentence on the context. */
bool lsvm_ipvs_is_late(struct ipvs_socket *socket);
/* LSVM_ERR_PROTOCOL with its sentence. */
int lsvm_ipvs_bad_answer(struct ipvs_socket *socket);
/* LSVM_ERR_LIMIT when so many are already read. */
int lsvm_ipvs_read_limit(struct ipvs_socket *socket, size_t count);

/* Sends what is in socket->out and empties it. */
int lsvm_ipvs_send(struct ipvs_socket *socket);
/* Hands every message to reply until it answers 1; LSVM_ERR_TIMEOUT after wait_ms or at
 * the call's end, LSVM_ERR_BUSY when the kernel had to drop answers. */
int lsvm_ipvs_receive(struct ipvs_socket *socket, uint32_t wait_ms, ipvs_reply reply,
		      void *arg);
/*
 * Sends the one request in socket->out and hands the contents of its answer to reply (may
 * be NULL) until the kernel says that it is complete. *ret_errno is the kernel's verdict:
 * 0 or an errno. LSVM_ERR_BUSY when a dump was interrupted, LSVM_ERR_PROTOCOL when the
 * answer is none: of another type, or with a verdict that such a request does not get.
 */
int lsvm_ipvs_exchange(struct ipvs_socket *socket, ipvs_reply reply, void *arg,
		       int *ret_errno);

/* The daemons that run now. */
int lsvm_ipvs_read_daemons(struct ipvs_socket *socket, struct ipvs_daemon *ret_master,
			   struct ipvs_daemon *ret_backup);

/* A daemon's start or stop got no answer: 0 when the daemons are as they should be. */
int lsvm_ipvs_daemon_unanswered(struct ipvs_socket *socket,
				const struct ipvs_change *change);

/*
 * The older interface (ipvs_sockopt.c), for when netlink is refused; each call as its
 * namesake in ipvs.h. Open answers 0 or an errno and leaves the context alone; read fills
 * a table that is not sealed; check tells what cannot be carried.
 */
int lsvm_ipvs_older_open(struct ipvs_socket *socket);
int lsvm_ipvs_older_read(struct ipvs_socket *socket, struct lsvm_ipvs_table *table);
int lsvm_ipvs_older_daemons(struct ipvs_socket *socket, struct ipvs_daemon *ret_master,
			    struct ipvs_daemon *ret_backup);
int lsvm_ipvs_older_check(struct ipvs_socket *socket, const struct ipvs_change *changes,
			  size_t count);
int lsvm_ipvs_older_apply(struct ipvs_socket *socket, const struct ipvs_change *changes,
			  size_t count, size_t *ret_done);
int lsvm_ipvs_older_zero(struct ipvs_socket *socket, const struct ipvs_key *key_or_all);
int lsvm_ipvs_older_flush(struct ipvs_socket *socket);
int lsvm_ipvs_older_info(struct ipvs_socket *socket, struct ipvs_info *ret);

/* A fingerprint of which services and destinations there are, whatever their order. */
struct ipvs_outline {
	size_t service_count, destination_count;
	uint64_t sum, service_sum; /* of all; of the services alone */
};
void lsvm_ipvs_outline_of_table(const struct lsvm_ipvs_table *table,
				struct ipvs_outline *ret);
/* From /proc/net/ip_vs. LSVM_ERR_UNSUPPORTED when it cannot be read. */
int lsvm_ipvs_outline_of_kernel(struct ipvs_socket *socket, struct ipvs_outline *ret);
/* The same for a text in that file's format. */
int lsvm_ipvs_outline_of_text(const char *text, struct ipvs_outline *ret);

#endif
