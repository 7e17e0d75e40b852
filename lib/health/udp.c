/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UDP: a datagram is sent. With `expect` one that has the text must come back. Without,
 * any answer is good, and so is silence to the end of the timeout, unless the host is not
 * there: it refuses (ICMP port unreachable), or a router or our own kernel finds it
 * nowhere. The kernel takes three seconds for that, so that silent probes go on listening
 * until the next one, and silence is bad for a while after such word came.
 */
#include "health/probe.h"

#define NEIGHBOUR_NS (4 * IO_S)

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

/* Looking for a neighbour is given up after three seconds, and begins anew with the next
 * datagram; word of one may come as late as with the next but one. */
static uint64_t unreachable_for_ns(const struct recipe *recipe)
{
	const uint64_t two_turns_ns = recipe->interval_ns + recipe->timeout_ns;

	return two_turns_ns > NEIGHBOUR_NS ? two_turns_ns : NEIGHBOUR_NS;
}

static void late(struct probe *probe)
{
	const uint64_t last_ns = probe->target->unreachable_ns;

	if (probe->recipe->needle.text.length)
		return;
	probe->lingers = true;
	if (last_ns && probe->now_ns - last_ns < unreachable_for_ns(probe->recipe))
		lsvm_probe_bad(probe, "no route to it");
	else
		lsvm_probe_good(probe);
}

const struct engine lsvm_engine_udp = {
	.channel = CHANNEL_UDP,
	.prepare = lsvm_recipe_talk,
	.start = start,
	.input = input,
	.late = late,
};
