/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Echo of ICMP (RFC 792) and ICMPv6 (RFC 4443): the payload has a number that only this
 * probe knows, so that a late answer to an earlier one is none.
 */
#include "health/probe.h"

#define PAYLOAD_BYTES 56 /* what ping(8) sends */

static void fill(const struct probe *probe, uint8_t *payload)
{
	for (size_t i = 0; i < PAYLOAD_BYTES; i++)
		payload[i] = (uint8_t)i;
	memcpy(payload, &probe->nonce, sizeof(probe->nonce));
}

static void start(struct probe *probe)
{
	uint8_t payload[PAYLOAD_BYTES];

	probe->nonce = lsvm_probe_random(probe);
	probe->waiting_for = "echo";
	fill(probe, payload);
	lsvm_probe_send(probe, payload, sizeof(payload));
}

static void input(struct probe *probe, const uint8_t *bytes, size_t length)
{
	uint8_t payload[PAYLOAD_BYTES];

	fill(probe, payload);
	if (length == sizeof(payload) && memcmp(bytes, payload, length) == 0)
		lsvm_probe_good(probe);
}

const struct engine lsvm_engine_ping = {
	.channel = CHANNEL_PING,
	.start = start,
	.input = input,
};
