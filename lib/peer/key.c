/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys: one line of text, and how a machine's follows from the cluster's. */
#include "peer/peer.h"

#include <libsvm/agent.h>
#include <stdio.h>

#define KEY_WORD "svm-key-1 "
#define DERIVE_WORD "libsvm machine key 1: "

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Exactly so many digits, and nothing but white space behind them. */
static bool read_hex(const char *text, uint8_t *ret)
{
	for (size_t i = 0; i < PEER_KEY_BYTES; i++) {
		int high = hex_digit(text[2 * i]);
		int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	text += 2 * PEER_KEY_BYTES;
	return text[strspn(text, " \t\r\n")] == '\0';
}

static bool read_name(const char **text, char *ret)
{
	size_t length = strcspn(*text, " ");

	if (!length || length >= PEER_NAME_BYTES || !(*text)[length])
		return false;
	memcpy(ret, *text, length);
	ret[length] = '\0';
	*text += length + 1;
	return true;
}

static bool skip_word(const char **text, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*text, word, length) != 0)
		return false;
	*text += length;
	return true;
}

int lsvm_peer_key_parse(struct lsvm_ctx *ctx, const char *text, size_t length,
			struct peer_key *ret)
{
	char line[PEER_KEY_TEXT_BYTES] = "";
	const char *at = line;
	struct peer_key key = { 0 };
	bool good = false;

	if (length < sizeof(line)) {
		memcpy(line, text, length);
		good = strlen(line) == length && skip_word(&at, KEY_WORD);
	}
	if (good) {
		key.is_cluster = skip_word(&at, "cluster ");
		good = key.is_cluster ||
		       (skip_word(&at, "machine ") && read_name(&at, key.name));
	}
	if (!good || !read_hex(at, key.bytes))
		return lsvm_fail(ctx, LSVM_ERR_PARSE,
				 "that is no key; make one with 'svm-ems key', and one "
				 "for a server with 'svm-ems key --machine NAME'");
	*ret = key;
	return 0;
}

void lsvm_peer_key_text(const struct peer_key *key, char *buf)
{
	char *at = buf;

	at += sprintf(at, "%s%s%s ", KEY_WORD, key->is_cluster ? "cluster" : "machine ",
		      key->name);
	for (size_t i = 0; i < PEER_KEY_BYTES; i++)
		at += sprintf(at, "%02x", key->bytes[i]);
	strcpy(at, "\n");
}

bool lsvm_peer_key_of(const struct peer_key *from, const char *machine,
		      struct peer_key *ret)
{
	char text[sizeof(DERIVE_WORD) + PEER_NAME_BYTES];
	struct peer_key key = { 0 };

	if (!machine[0] || strlen(machine) >= PEER_NAME_BYTES || strchr(machine, ' ') ||
	    (!from->is_cluster && strcmp(from->name, machine) != 0))
		return false;
	strcpy(key.name, machine);
	memcpy(key.bytes, from->bytes, sizeof(key.bytes));
	snprintf(text, sizeof(text), "%s%s", DERIVE_WORD, machine);
	if (from->is_cluster &&
	    !lsvm_hmac(from->bytes, PEER_KEY_BYTES, text, strlen(text), key.bytes))
		return false;
	*ret = key;
	return true;
}

int lsvm_key_generate(struct lsvm_ctx *ctx, const uint8_t *random, size_t length,
		      char **ret)
{
	struct peer_key key = { .is_cluster = true };
	char text[PEER_KEY_TEXT_BYTES];

	if (length != PEER_KEY_BYTES)
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "a key is made of %d random bytes, not of %zu",
				 PEER_KEY_BYTES, length);
	memcpy(key.bytes, random, length);
	lsvm_peer_key_text(&key, text);
	*ret = strdup(text);
	return *ret ? 0 : lsvm_fail_nomem(ctx);
}

int lsvm_key_derive(struct lsvm_ctx *ctx, const char *text, size_t length,
		    const char *machine, char **ret)
{
	char derived_text[PEER_KEY_TEXT_BYTES];
	struct peer_key key, derived;
	int err = lsvm_peer_key_parse(ctx, text, length, &key);

	if (err < 0)
		return err;
	if (!key.is_cluster)
		return lsvm_fail(ctx, LSVM_ERR_PERMISSION,
				 "this is the key of '%s' alone; a machine's key follows "
				 "from the cluster's only",
				 key.name);
	if (!lsvm_peer_key_of(&key, machine, &derived))
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "'%s' cannot have a key; a machine's name has 1 to %d "
				 "characters and no space",
				 machine, PEER_NAME_BYTES - 1);
	lsvm_peer_key_text(&derived, derived_text);
	*ret = strdup(derived_text);
	return *ret ? 0 : lsvm_fail_nomem(ctx);
}
