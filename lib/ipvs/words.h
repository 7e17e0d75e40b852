/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words for the kernel's numbers, and the numbers that its headers do not always have. */
#ifndef LSVM_IPVS_WORDS_H
#define LSVM_IPVS_WORDS_H

#include "base/base.h"

/* linux/ip_vs.h has these since 5.2 only. */
enum {
	IPVS_TUNNEL_IPIP = 0,
	IPVS_TUNNEL_GUE = 1,
	IPVS_TUNNEL_GRE = 2
};
enum {
	IPVS_TUNNEL_CHECKSUM_LAST = 2
};

/* enum lsvm_forwarding, _tunnel_kind and _tunnel_checksum are the kernel's numbers + 1;
 * enum lsvm_scheduler_flag is IP_VS_SVC_F_SCHED1… shifted down. */
#define IPVS_SCHEDULER_FLAG_SHIFT 3
#define IPVS_SERVICE_FLAGS_KNOWN                                                         \
	(IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_ONEPACKET | IP_VS_SVC_F_SCHED1 |           \
	 IP_VS_SVC_F_SCHED2 | IP_VS_SVC_F_SCHED3)
extern const struct word lsvm_ipvs_forwarding_words[];
extern const struct word lsvm_ipvs_tunnel_words[];
extern const struct word lsvm_ipvs_checksum_words[];
extern const struct word lsvm_ipvs_scheduler_flag_words[];
extern const struct word lsvm_ipvs_protocol_words[]; /* IPPROTO_* */

#endif
