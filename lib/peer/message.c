/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One datagram: "lSVM", version, type, word, length of the name, number, the two numbers
 * used once, the caller's name, and 32 bytes of HMAC-SHA-256 over all before them. All in
 * network order.
 */
#include "peer/peer.h"

#define MAGIC "lSVM"
#define VERSION 1
#define HEAD_BYTES (4 + 4 + 4 + 2 * PEER_NONCE_BYTES)

_Static_assert(HEAD_BYTES + PEER_NAME_BYTES - 1 + DIGEST_BYTES <= PEER_MESSAGE_BYTES,
	       "the longest message has room");

size_t lsvm_peer_encode(const struct peer_message *message, const struct peer_key *key,
			uint8_t buf[PEER_MESSAGE_BYTES])
{
	size_t name_length = strlen(message->name), length = HEAD_BYTES + name_length;

	memcpy(buf, MAGIC, 4);
	buf[4] = VERSION;
	buf[5] = (uint8_t)message->type;
	buf[6] = (uint8_t)message->word;
	buf[7] = (uint8_t)name_length;
	for (unsigned i = 0; i < 4; i++)
		buf[8 + i] = (uint8_t)(message->number >> (24 - 8 * i));
	memcpy(buf + 12, message->caller, PEER_NONCE_BYTES);
	memcpy(buf + 12 + PEER_NONCE_BYTES, message->director, PEER_NONCE_BYTES);
	memcpy(buf + HEAD_BYTES, message->name, name_length);
	if (!lsvm_hmac(key->bytes, PEER_KEY_BYTES, buf, length, buf + length))
		return 0;
	return length + DIGEST_BYTES;
}

bool lsvm_peer_decode(const uint8_t *bytes, size_t length, struct peer_message *ret)
{
	struct reader reader = { .at = bytes, .left = length };
	const uint8_t *magic = lsvm_read_bytes(&reader, 4), *caller, *director, *name;
	uint8_t version = lsvm_read_u8(&reader), type = lsvm_read_u8(&reader);
	uint8_t word = lsvm_read_u8(&reader), name_length = lsvm_read_u8(&reader);
	struct peer_message message = { 0 };

	message.number = lsvm_read_be32(&reader);
	caller = lsvm_read_bytes(&reader, PEER_NONCE_BYTES);
	director = lsvm_read_bytes(&reader, PEER_NONCE_BYTES);
	name = lsvm_read_bytes(&reader, name_length);
	if (reader.failed || reader.left != DIGEST_BYTES || memcmp(magic, MAGIC, 4) ||
	    version != VERSION || type < PEER_HELLO || type > PEER_ANSWER ||
	    word < PEER_UP || word > PEER_TELL || !name_length ||
	    name_length >= PEER_NAME_BYTES || memchr(name, '\0', name_length))
		return false;
	message.type = type;
	message.word = word;
	memcpy(message.caller, caller, PEER_NONCE_BYTES);
	memcpy(message.director, director, PEER_NONCE_BYTES);
	memcpy(message.name, name, name_length);
	*ret = message;
	return true;
}

bool lsvm_peer_verify(const uint8_t *bytes, size_t length, const struct peer_key *key)
{
	uint8_t code[DIGEST_BYTES];

	return length > DIGEST_BYTES &&
	       lsvm_hmac(key->bytes, PEER_KEY_BYTES, bytes, length - DIGEST_BYTES,
			 code) &&
	       lsvm_same_bytes(code, bytes + length - DIGEST_BYTES, DIGEST_BYTES);
}
