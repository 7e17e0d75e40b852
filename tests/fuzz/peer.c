/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any datagram to who hears and to who calls: without the key nothing is heard. */
#include "peer/peer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[PEER_KEY_BYTES] = { 1 };
	const struct peer_key key = { .is_cluster = true, .bytes = { 2 } };
	struct peer_hear *hear = malloc(sizeof(*hear));
	struct peer_message message;
	struct peer_talk *talk = NULL;
	const struct addr from = { .family = 4 };
	struct peer_call call;
	struct peer_reply reply;
	struct peer_key own;
	const char *why;

	if (!hear || !lsvm_peer_key_of(&key, "eps1", &own)) {
		free(hear);
		return 0;
	}
	lsvm_peer_hear_init(hear, &key, secret);
	if (lsvm_peer_hear_input(hear, &from, 1, data, size, 0, &reply, &talk, &why) ==
	    PEER_HEARD_WORD)
		abort();
	lsvm_peer_call_init(&call, &own, PEER_UP, secret, 0);
	lsvm_peer_call_input(&call, data, size, 0);
	if (call.state != PEER_CALLING)
		abort();
	/* The same with a code that is right. */
	if (lsvm_peer_decode(data, size, &message) &&
	    lsvm_peer_key_of(&key, message.name, &own)) {
		uint8_t bytes[PEER_MESSAGE_BYTES];
		size_t length = lsvm_peer_encode(&message, &own, bytes);

		if (!length || !lsvm_peer_verify(bytes, length, &own))
			abort();
		lsvm_peer_hear_input(hear, &from, 1, bytes, length, 0, &reply, &talk,
				     &why);
	}
	free(hear);
	return 0;
}
