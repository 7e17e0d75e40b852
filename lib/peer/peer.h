/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words between the machines of a cluster: a server says that it is back or that it goes,
 * a director asks another one to tell it all connections.
 *
 * Four datagrams: the caller says HELLO with a number used once, the director answers
 * with a CHALLENGE, a number of its own, the caller sends its WORD with both, the
 * director ANSWERs when it is done. All are signed (HMAC-SHA-256), so nobody without the
 * key is heard; and since a WORD counts for the director's own fresh number only, and
 * once, a recorded one is worth nothing. No clock has to be right.
 *
 * Each machine signs with a key of its own, which directors derive from the cluster's and
 * its name: who takes a server takes no other machine's voice.
 *
 * Clock-free; nanoseconds as in host/io.h. Randomness comes in.
 */
#ifndef LSVM_PEER_PEER_H
#define LSVM_PEER_PEER_H

#include "base/digest.h"
#include "host/io.h"

#define PEER_PORT 8849
#define PEER_KEY_BYTES DIGEST_BYTES
#define PEER_NONCE_BYTES 16
#define PEER_NAME_BYTES 64 /* with the NUL */
#define PEER_MESSAGE_BYTES 160

/* ---- keys (key.c) ---- */

/*
 * A file with a line "svm-key-1 cluster HEX", the cluster's key, for directors and the
 * station; or "svm-key-1 machine NAME HEX", one machine's.
 */
#define PEER_KEY_TEXT_BYTES 256

struct peer_key {
	bool is_cluster;
	char name[PEER_NAME_BYTES]; /* a machine's key: whose */
	uint8_t bytes[PEER_KEY_BYTES];
};

/* LSVM_ERR_PARSE with a sentence. */
int lsvm_peer_key_parse(struct lsvm_ctx *ctx, const char *text, size_t length,
			struct peer_key *ret);
/* With a newline; never longer than PEER_KEY_TEXT_BYTES. */
void lsvm_peer_key_text(const struct peer_key *key, char *buf);
/* The machine's key; from a machine's own key only its own. False for a name that no
 * machine has, another one's, and when memory ran out. */
bool lsvm_peer_key_of(const struct peer_key *from, const char *machine,
		      struct peer_key *ret);

/* ---- messages (message.c) ---- */

enum peer_type {
	PEER_HELLO = 1,
	PEER_CHALLENGE = 2,
	PEER_WORD = 3,
	PEER_ANSWER = 4,
};

enum peer_word {
	PEER_NOTHING = 0,
	PEER_UP = 1,   /* I am back: look at me */
	PEER_DOWN = 2, /* I am about to go: no more clients, please */
	PEER_TELL = 3, /* tell me all your connections; the answer's number says how many
			  it were */
};

struct peer_message {
	enum peer_type type;
	enum peer_word word;
	uint32_t number;
	uint8_t caller[PEER_NONCE_BYTES], director[PEER_NONCE_BYTES];
	char name[PEER_NAME_BYTES]; /* the caller's */
};

/* Signed with the caller's key; its length, or 0 when memory ran out. */
size_t lsvm_peer_encode(const struct peer_message *message, const struct peer_key *key,
			uint8_t buf[PEER_MESSAGE_BYTES]);
/* What it says, unproved; false when it is none. */
bool lsvm_peer_decode(const uint8_t *bytes, size_t length, struct peer_message *ret);
bool lsvm_peer_verify(const uint8_t *bytes, size_t length, const struct peer_key *key);

/* ---- who calls (call.c): one call to one director ---- */

/* It says its word again and again, less and less often, and then gives up. */
#define PEER_FIRST_RETRY_NS (100 * IO_MS)
#define PEER_PATIENCE_NS (10 * IO_S)

enum peer_call_state {
	PEER_CALLING = 1, /* HELLO is out */
	PEER_SAYING = 2,  /* WORD is out */
	PEER_DONE = 3,	  /* answered: see number */
	PEER_GIVEN_UP = 4,
};

struct peer_call {
	enum peer_call_state state;
	struct peer_key key;
	struct peer_message message;
	uint64_t until_ns, retry_ns, retry_after_ns;
	uint32_t say_count, number;
	bool send; /* something to send is due */
};

void lsvm_peer_call_init(struct peer_call *call, const struct peer_key *machine_key,
			 enum peer_word word, const uint8_t nonce[PEER_NONCE_BYTES],
			 uint64_t now_ns);
void lsvm_peer_call_input(struct peer_call *call, const uint8_t *bytes, size_t length,
			  uint64_t now_ns);
void lsvm_peer_call_tick(struct peer_call *call, uint64_t now_ns);
uint64_t lsvm_peer_call_deadline(const struct peer_call *call);
/* The datagram to send now; 0: none. */
size_t lsvm_peer_call_next(struct peer_call *call, uint8_t buf[PEER_MESSAGE_BYTES]);

/* ---- who is called (hear.c) ---- */

#define PEER_TALKS_MAX 256	 /* at a time, of all machines */
#define PEER_TALKS_OF_ONE_MAX 4	 /* of one machine */
#define PEER_TALK_NS (30 * IO_S) /* a talk is forgotten after this silence */

struct peer_talk {
	bool used;
	enum {
		TALK_CHALLENGED,
		TALK_HEARD,
		TALK_ANSWERED
	} state;
	struct peer_message message; /* of the caller's; director: our challenge */
	struct peer_key key;	     /* the caller's */
	struct addr from;
	uint16_t from_port;
	uint64_t forget_ns;
};

struct peer_hear {
	struct peer_key key; /* the cluster's */
	uint8_t secret[PEER_KEY_BYTES];
	uint64_t counter;
	struct peer_talk talks[PEER_TALKS_MAX];
};

enum peer_heard {
	PEER_HEARD_NOTHING = 0, /* nothing more to do but to send the reply, if any */
	PEER_HEARD_WORD = 1,	/* *ret_talk says a word: act, then answer */
	PEER_HEARD_REFUSED = 2, /* *ret_why says why; nothing is sent */
};

struct peer_reply {
	uint8_t bytes[PEER_MESSAGE_BYTES];
	size_t length; /* 0: none */
};

/* key must be a cluster's. */
void lsvm_peer_hear_init(struct peer_hear *hear, const struct peer_key *key,
			 const uint8_t secret[PEER_KEY_BYTES]);
enum peer_heard lsvm_peer_hear_input(struct peer_hear *hear, const struct addr *from,
				     uint16_t from_port, const uint8_t *bytes,
				     size_t length, uint64_t now_ns,
				     struct peer_reply *ret_reply,
				     struct peer_talk **ret_talk, const char **ret_why);
/* The word was acted upon: the reply to send to the talk's caller. */
void lsvm_peer_hear_answer(struct peer_hear *hear, struct peer_talk *talk,
			   uint32_t number, struct peer_reply *ret_reply);

#endif
