/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UDP: a datagram is sent. With `expect` one that has the text must come back. Without,
 * any answer is good, and so is silence to the end of the timeout: all that is known
 * then is that the host did not refuse (ICMP port unreachable).
 */
#include "health/probe.h"

static void start(struct probe *probe)
{
	probe->waiting_for = "answer";
	lsvm_probe_send_fixed(probe, &probe->recipe->request);
}

static void input(struct probe *probe, const uint8_t *bytes, size_t length)
{
	probe->found = 0; /* not across datagrams */
	if (lsvm_probe_find(probe, bytes, length))
		lsvm_probe_good(probe);
	else
		probe->waiting_for = "expected answer (others came)";
}

static void late(struct probe *probe)
{
	if (!probe->recipe->needle.text.length)
		lsvm_probe_good(probe);
}

const struct engine lsvm_engine_udp = {
	.channel = CHANNEL_UDP,
	.prepare = lsvm_recipe_talk,
	.start = start,
	.input = input,
	.late = late,
};
