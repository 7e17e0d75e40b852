/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TCP and SCTP: a connection that comes about is good. It is given up with a reset: a
 * director that probes 50,000 servers a second cannot keep each connection for a minute.
 */
#include "health/probe.h"

const struct engine lsvm_engine_tcp = {
	.channel = CHANNEL_TCP,
	.start = lsvm_probe_good,
};

const struct engine lsvm_engine_sctp = {
	.channel = CHANNEL_SCTP,
	.start = lsvm_probe_good,
};
