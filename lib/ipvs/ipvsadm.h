/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line of ipvsadm as a value; see ipvsadm_in.c. */
#ifndef LSVM_IPVS_IPVSADM_H
#define LSVM_IPVS_IPVSADM_H

#include "ipvs/table.h"

enum ipvsadm_verb {
	IPVSADM_NOTHING, /* an empty line, a comment */
	IPVSADM_ADD_SERVICE,
	IPVSADM_EDIT_SERVICE,
	IPVSADM_DELETE_SERVICE,
	IPVSADM_ADD_DESTINATION,
	IPVSADM_EDIT_DESTINATION,
	IPVSADM_DELETE_DESTINATION,
	IPVSADM_CLEAR,
	IPVSADM_ZERO,
	IPVSADM_SET_TIMEOUTS,
	IPVSADM_START_DAEMON,
	IPVSADM_STOP_DAEMON,
};

struct ipvsadm_command {
	enum ipvsadm_verb verb;
	struct ipvs_service service; /* without destinations */
	struct ipvs_destination destination;
	bool has_port; /* of the destination */
	struct ipvs_timeouts timeouts;
	struct ipvs_daemon daemon;
	bool is_master; /* which daemon */
};

/* LSVM_ERR_PARSE with a sentence that begins with the line's number. */
int lsvm_ipvsadm_line(struct lsvm_ctx *ctx, uint32_t line, const char *text,
		      size_t length, struct ipvsadm_command *ret);

#endif
