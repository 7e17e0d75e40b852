/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hearing words. A talk begins with a signed HELLO and has a challenge of its own; its
 * WORD is heard once, a repeated one only gets the answer again. There is room for few
 * talks of one machine, so that nobody's old HELLOs, sent again, keep another one out.
 */
#include "peer/peer.h"

void lsvm_peer_hear_init(struct peer_hear *hear, const struct peer_key *key,
			 const uint8_t secret[PEER_KEY_BYTES])
{
	memset(hear, 0, sizeof(*hear));
	hear->key = *key;
	memcpy(hear->secret, secret, PEER_KEY_BYTES);
}

static struct peer_talk *find_talk(struct peer_hear *hear,
				   const struct peer_message *message)
{
	for (size_t i = 0; i < PEER_TALKS_MAX; i++) {
		struct peer_talk *talk = &hear->talks[i];

		if (talk->used && strcmp(talk->message.name, message->name) == 0 &&
		    memcmp(talk->message.caller, message->caller, PEER_NONCE_BYTES) == 0)
			return talk;
	}
	return NULL;
}

/* A free place; else that of the machine's own oldest talk; else NULL. */
static struct peer_talk *place_for(struct peer_hear *hear, const char *name,
				   uint64_t now_ns)
{
	struct peer_talk *free_one = NULL, *oldest = NULL;
	size_t count = 0;

	for (size_t i = 0; i < PEER_TALKS_MAX; i++) {
		struct peer_talk *talk = &hear->talks[i];

		if (talk->used && now_ns >= talk->forget_ns)
			talk->used = false;
		if (!talk->used) {
			free_one = free_one ? free_one : talk;
			continue;
		}
		if (strcmp(talk->message.name, name) != 0)
			continue;
		count++;
		/* What is being acted upon must be there when it is answered. */
		if (talk->state != TALK_HEARD &&
		    (!oldest || talk->forget_ns < oldest->forget_ns))
			oldest = talk;
	}
	return free_one && count < PEER_TALKS_OF_ONE_MAX ? free_one : oldest;
}

static void reply(const struct peer_talk *talk, enum peer_type type,
		  struct peer_reply *ret)
{
	struct peer_message message = talk->message;

	message.type = type;
	ret->length = lsvm_peer_encode(&message, &talk->key, ret->bytes);
}

static bool make_challenge(struct peer_hear *hear, struct peer_talk *talk)
{
	uint8_t code[DIGEST_BYTES];

	hear->counter++;
	if (!lsvm_hmac(hear->secret, sizeof(hear->secret), &hear->counter,
		       sizeof(hear->counter), code))
		return false;
	memcpy(talk->message.director, code, PEER_NONCE_BYTES);
	return true;
}

static enum peer_heard hello(struct peer_hear *hear, const struct peer_message *message,
			     const struct peer_key *key, const struct addr *from,
			     uint16_t from_port, uint64_t now_ns,
			     struct peer_reply *ret_reply, const char **ret_why)
{
	struct peer_talk *talk = find_talk(hear, message);

	if (!talk) {
		talk = place_for(hear, message->name, now_ns);
		if (!talk) {
			*ret_why = "too many talks at once";
			return PEER_HEARD_REFUSED;
		}
		*talk = (struct peer_talk){ .used = true,
					    .message = *message,
					    .key = *key };
		if (!make_challenge(hear, talk)) {
			talk->used = false;
			*ret_why = "out of memory";
			return PEER_HEARD_REFUSED;
		}
	}
	talk->from = *from;
	talk->from_port = from_port;
	talk->forget_ns = now_ns + PEER_TALK_NS;
	reply(talk, PEER_CHALLENGE, ret_reply);
	return PEER_HEARD_NOTHING;
}

static enum peer_heard word(struct peer_hear *hear, const struct peer_message *message,
			    uint64_t now_ns, struct peer_reply *ret_reply,
			    struct peer_talk **ret_talk, const char **ret_why)
{
	struct peer_talk *talk = find_talk(hear, message);

	if (!talk ||
	    memcmp(talk->message.director, message->director, PEER_NONCE_BYTES) != 0) {
		*ret_why = "not for a challenge of ours: sent again, or late";
		return PEER_HEARD_REFUSED;
	}
	talk->forget_ns = now_ns + PEER_TALK_NS;
	switch (talk->state) {
	case TALK_CHALLENGED:
		talk->message.word = message->word;
		talk->state = TALK_HEARD;
		*ret_talk = talk;
		return PEER_HEARD_WORD;
	case TALK_HEARD:
		break;
	case TALK_ANSWERED:
		reply(talk, PEER_ANSWER, ret_reply);
		break;
	}
	return PEER_HEARD_NOTHING;
}

enum peer_heard lsvm_peer_hear_input(struct peer_hear *hear, const struct addr *from,
				     uint16_t from_port, const uint8_t *bytes,
				     size_t length, uint64_t now_ns,
				     struct peer_reply *ret_reply,
				     struct peer_talk **ret_talk, const char **ret_why)
{
	struct peer_message message;
	struct peer_key key;

	ret_reply->length = 0;
	if (!lsvm_peer_decode(bytes, length, &message)) {
		*ret_why = "not a word of ours";
		return PEER_HEARD_REFUSED;
	}
	if (!lsvm_peer_key_of(&hear->key, message.name, &key) ||
	    !lsvm_peer_verify(bytes, length, &key)) {
		*ret_why = "signed with another key";
		return PEER_HEARD_REFUSED;
	}
	switch (message.type) {
	case PEER_HELLO:
		return hello(hear, &message, &key, from, from_port, now_ns, ret_reply,
			     ret_why);
	case PEER_WORD:
		return word(hear, &message, now_ns, ret_reply, ret_talk, ret_why);
	case PEER_CHALLENGE:
	case PEER_ANSWER:
		break;
	}
	*ret_why = "our own words, sent back";
	return PEER_HEARD_REFUSED;
}

void lsvm_peer_hear_answer(struct peer_hear *hear, struct peer_talk *talk,
			   uint32_t number, struct peer_reply *ret_reply)
{
	talk->state = TALK_ANSWERED;
	talk->message.number = number;
	reply(talk, PEER_ANSWER, ret_reply);
}
