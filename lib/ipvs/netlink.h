/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Generic netlink's "IPVS" family as bytes: messages into the caller's buffer, and
 * replies out of it. No socket is known here.
 */
#ifndef LSVM_IPVS_NETLINK_H
#define LSVM_IPVS_NETLINK_H

#include "ipvs/table.h"

/* A buffer being filled with whole messages. One that does not fit leaves it as it was.
 */
struct nl_out {
	uint8_t *data;
	size_t size, used;
	size_t last;	   /* where the last message starts */
	uint16_t family;   /* the id that the kernel gave "IPVS" */
	uint32_t sequence; /* of the last message */
};

/* No change needs more bytes than this. */
#define NL_CHANGE_MAX_BYTES 640

/* All of these answer false when the message did not fit. */
bool lsvm_nl_put_change(struct nl_out *out, const struct ipvs_change *change);
/* A request without content: a dump of a command, or one answer. */
bool lsvm_nl_put_request(struct nl_out *out, uint8_t command, uint16_t flags);
bool lsvm_nl_put_dump_destinations(struct nl_out *out, const struct ipvs_key *key);
/* Asks for one service. */
bool lsvm_nl_put_get_service(struct nl_out *out, const struct ipvs_key *key);
/* One service's counters, or all (NULL). */
bool lsvm_nl_put_zero(struct nl_out *out, const struct ipvs_key *key_or_all);
/* The last message is to be answered even when nothing is wrong. */
void lsvm_nl_want_ack(struct nl_out *out);
/* Asks the controller for the family's id. */
bool lsvm_nl_put_family(struct nl_out *out);

/* One message of a reply. */
struct nl_message {
	uint16_t type, flags;
	uint32_t sequence, port; /* of the socket that it is for */
	struct reader payload;	 /* after the netlink header */
	int error;		 /* NLMSG_ERROR and NLMSG_DONE: 0 or a negative errno */
};

/* 1: a message; 0: none left; LSVM_ERR_PROTOCOL: these bytes are none. */
int lsvm_nl_next(struct reader *bytes, struct nl_message *ret);

/*
 * Contents of IPVS messages (payload as lsvm_nl_next gave it); LSVM_ERR_PROTOCOL when
 * they are not what they should be. `counters` of what is read points to ret_counters
 * when there were any, else it is NULL; so does `extra`, attributes that are not known,
 * to ret_extra.
 */
int lsvm_nl_get_service(struct reader payload, struct ipvs_service *ret,
			struct ipvs_counters *ret_counters, struct ipvs_extra *ret_extra);
/* Kernels before 3.18 do not say the family: it is the service's. */
int lsvm_nl_get_destination(struct reader payload, uint8_t service_family,
			    struct ipvs_destination *ret,
			    struct ipvs_counters *ret_counters,
			    struct ipvs_extra *ret_extra);
int lsvm_nl_get_daemon(struct reader payload, struct ipvs_daemon *ret,
		       bool *ret_is_master);
int lsvm_nl_get_timeouts(struct reader payload, struct ipvs_timeouts *ret);
int lsvm_nl_get_info(struct reader payload, uint32_t *ret_version,
		     uint32_t *ret_bucket_count);
int lsvm_nl_get_family(struct reader payload, uint16_t *ret);

/* As the kernel would answer: for tests and for whoever plays the kernel. */
bool lsvm_nl_put_service_reply(struct nl_out *out, const struct ipvs_service *service);
bool lsvm_nl_put_destination_reply(struct nl_out *out,
				   const struct ipvs_destination *destination);
bool lsvm_nl_put_daemon_reply(struct nl_out *out, const struct ipvs_daemon *daemon,
			      bool is_master);

#endif
