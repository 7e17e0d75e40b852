/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call: CALLING until the director's challenge comes, SAYING until its answer. What
 * is not answered is sent again after twice the time; a word that stays unanswered for
 * long begins again with HELLO, since the director may have been started anew and know
 * nothing of its challenge.
 */
#include "peer/peer.h"

#define SAY_MAX 5

static void go(struct peer_call *call, enum peer_call_state state, uint64_t now_ns)
{
	call->state = state;
	call->message.type = state == PEER_SAYING ? PEER_WORD : PEER_HELLO;
	call->say_count = 0;
	call->retry_after_ns = PEER_FIRST_RETRY_NS;
	call->retry_ns = now_ns + call->retry_after_ns;
	call->send = state == PEER_CALLING || state == PEER_SAYING;
}

void lsvm_peer_call_init(struct peer_call *call, const struct peer_key *machine_key,
			 enum peer_word word, const uint8_t nonce[PEER_NONCE_BYTES],
			 uint64_t now_ns)
{
	*call = (struct peer_call){ .key = *machine_key,
				    .until_ns = now_ns + PEER_PATIENCE_NS };
	call->message.word = word;
	memcpy(call->message.caller, nonce, PEER_NONCE_BYTES);
	strcpy(call->message.name, machine_key->name);
	go(call, PEER_CALLING, now_ns);
}

void lsvm_peer_call_input(struct peer_call *call, const uint8_t *bytes, size_t length,
			  uint64_t now_ns)
{
	struct peer_message message;

	if (!lsvm_peer_decode(bytes, length, &message) ||
	    memcmp(message.caller, call->message.caller, PEER_NONCE_BYTES) != 0 ||
	    !lsvm_peer_verify(bytes, length, &call->key))
		return;
	if (call->state == PEER_CALLING && message.type == PEER_CHALLENGE) {
		memcpy(call->message.director, message.director, PEER_NONCE_BYTES);
		go(call, PEER_SAYING, now_ns);
	} else if (call->state == PEER_SAYING && message.type == PEER_ANSWER &&
		   memcmp(message.director, call->message.director, PEER_NONCE_BYTES) ==
			   0) {
		call->number = message.number;
		go(call, PEER_DONE, now_ns);
	}
}

void lsvm_peer_call_tick(struct peer_call *call, uint64_t now_ns)
{
	if (call->state != PEER_CALLING && call->state != PEER_SAYING)
		return;
	if (now_ns >= call->until_ns) {
		go(call, PEER_GIVEN_UP, now_ns);
		return;
	}
	if (now_ns < call->retry_ns)
		return;
	if (call->state == PEER_SAYING && ++call->say_count > SAY_MAX) {
		go(call, PEER_CALLING, now_ns);
		return;
	}
	call->retry_after_ns *= 2;
	call->retry_ns = now_ns + call->retry_after_ns;
	call->send = true;
}

uint64_t lsvm_peer_call_deadline(const struct peer_call *call)
{
	if (call->state != PEER_CALLING && call->state != PEER_SAYING)
		return IO_NEVER;
	return call->retry_ns < call->until_ns ? call->retry_ns : call->until_ns;
}

size_t lsvm_peer_call_next(struct peer_call *call, uint8_t buf[PEER_MESSAGE_BYTES])
{
	if (!call->send)
		return 0;
	call->send = false;
	return lsvm_peer_encode(&call->message, &call->key, buf);
}
