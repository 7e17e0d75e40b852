/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words are those of the cluster file. */
#include "ipvs/words.h"
#include "ipvs/table.h"

#include <libsvm/cluster.h>
#include <netinet/in.h>

const struct word lsvm_ipvs_forwarding_words[] = {
	{ LSVM_FORWARDING_NAT, "nat" },	      { LSVM_FORWARDING_LOCAL, "local" },
	{ LSVM_FORWARDING_TUNNEL, "tunnel" }, { LSVM_FORWARDING_DIRECT, "direct" },
	{ LSVM_FORWARDING_BYPASS, "bypass" }, { 0, NULL },
};

const struct word lsvm_ipvs_tunnel_words[] = {
	{ LSVM_TUNNEL_IPIP, "ipip" },
	{ LSVM_TUNNEL_GUE, "gue" },
	{ LSVM_TUNNEL_GRE, "gre" },
	{ 0, NULL },
};

const struct word lsvm_ipvs_checksum_words[] = {
	{ LSVM_TUNNEL_CHECKSUM_NONE, "none" },
	{ LSVM_TUNNEL_CHECKSUM_FULL, "full" },
	{ LSVM_TUNNEL_CHECKSUM_REMOTE, "remote" },
	{ 0, NULL },
};

const struct word lsvm_ipvs_scheduler_flag_words[] = {
	{ LSVM_SCHEDULER_FLAG_FALLBACK, "fallback" },
	{ LSVM_SCHEDULER_FLAG_PORT, "port" },
	{ LSVM_SCHEDULER_FLAG_THIRD, "flag-3" },
	{ 0, NULL },
};

const struct word lsvm_ipvs_protocol_words[] = {
	{ IPPROTO_TCP, "tcp" },
	{ IPPROTO_UDP, "udp" },
	{ IPPROTO_SCTP, "sctp" },
	{ 0, NULL },
};

uint8_t lsvm_ipvs_protocol_number(int protocol)
{
	switch ((enum lsvm_protocol)protocol) {
	case LSVM_PROTOCOL_TCP:
		return IPPROTO_TCP;
	case LSVM_PROTOCOL_UDP:
		return IPPROTO_UDP;
	case LSVM_PROTOCOL_SCTP:
		return IPPROTO_SCTP;
	case LSVM_PROTOCOL_UNKNOWN:
		break;
	}
	return 0;
}
