/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PostgreSQL, protocol 3.0: a start-up message. A request for a password is good: only a
 * server that serves asks for one. With trust, ready for query is.
 *
 * An error is bad when it says that clients are not served: SQLSTATE classes 53 (too many
 * connections), 57 (starting up, shutting down), 58, XX and all others but these: class
 * 28 (who may log in) is good unless the check names a `user`, 3D000 (no such database)
 * unless it names a `database`.
 */
#include "health/probe.h"

#define PROTOCOL 0x00030000u
#define HEAD_BYTES 5
#define KEPT_BYTES 2048 /* of a message; the rest is passed over */

static void put_be32(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 24);
	to[1] = (uint8_t)(value >> 16);
	to[2] = (uint8_t)(value >> 8);
	to[3] = (uint8_t)value;
}

static void put_pair(struct buf *buf, const char *name, const char *value)
{
	lsvm_buf_add(buf, name, strlen(name) + 1);
	lsvm_buf_add(buf, value, strlen(value) + 1);
}

static int prepare(struct recipe *recipe)
{
	const struct check *check = &recipe->check;
	struct buf buf = { 0 };
	uint8_t head[8] = { 0 };

	lsvm_buf_add(&buf, head, sizeof(head));
	put_pair(&buf, "user", check->user ? check->user : "postgres");
	put_pair(&buf, "database", check->database ? check->database : "postgres");
	put_pair(&buf, "application_name", "libsvm");
	lsvm_buf_add(&buf, "", 1);
	recipe->arena.failed |= buf.failed;
	if (!buf.failed) {
		put_be32((uint8_t *)buf.data, (uint32_t)buf.length);
		put_be32((uint8_t *)buf.data + 4, PROTOCOL);
		lsvm_recipe_bytes(recipe, buf.data, buf.length, &recipe->request);
	}
	lsvm_buf_free(&buf);
	return 0;
}

static void start(struct probe *probe)
{
	lsvm_probe_send_fixed(probe, &probe->recipe->request);
	probe->waiting_for = "postgresql answer";
}

/* A server that asks for a password keeps a place for us until we are gone. It takes an
 * orderly end in silence, a reset it writes into its log. */
static void leave(struct probe *probe)
{
	probe->curt = true;
	lsvm_probe_good(probe);
}

/* The field of an error; "" when it is not there. Each is a letter and a text with its
 * zero. */
static const char *field(struct reader body, char letter)
{
	while (body.left && *body.at) {
		const char found = (char)lsvm_read_u8(&body);
		const uint8_t *end = memchr(body.at, 0, body.left);
		const char *text = (const char *)body.at;

		if (!end)
			break;
		if (found == letter)
			return text;
		lsvm_read_bytes(&body, (size_t)(end - body.at) + 1);
	}
	return "";
}

static void take_error(struct probe *probe, struct reader body)
{
	const struct check *check = &probe->recipe->check;
	const char *state = field(body, 'C'), *text = field(body, 'M');
	char quoted[PROBE_QUOTE_BYTES], code[PROBE_QUOTE_BYTES];
	const bool alive = (strncmp(state, "28", 2) == 0 && !check->user) ||
			   (strcmp(state, "3D000") == 0 && !check->database);

	if (alive)
		leave(probe);
	else
		lsvm_probe_bad(probe, "postgresql says %.5s: %s",
			       lsvm_probe_quote(state, strlen(state), code),
			       lsvm_probe_quote(text, strlen(text), quoted));
}

static void take_message(struct probe *probe, uint8_t type, struct reader body)
{
	static const uint8_t terminate[] = { 'X', 0, 0, 0, 4 };
	uint32_t request;

	switch (type) {
	case 'R':
		request = lsvm_read_be32(&body);
		if (body.failed)
			lsvm_probe_bad(probe, "no postgresql answer: a cut request");
		else if (request)
			leave(probe);
		else
			probe->waiting_for = "postgresql to be ready";
		return;
	case 'E':
		take_error(probe, body);
		return;
	case 'Z':
		lsvm_probe_send(probe, terminate, sizeof(terminate));
		lsvm_probe_good(probe);
		return;
	case 'S': /* parameters, the key for cancelling, notices, the protocol's version
		   */
	case 'K':
	case 'N':
	case 'v':
		return;
	}
	lsvm_probe_bad(probe, "no postgresql answer: message 0x%02x", type);
}

/* Of a long message the beginning is kept. */
static void input(struct probe *probe, const uint8_t *bytes, size_t length)
{
	while (length && !probe->verdict) {
		struct reader head;
		uint32_t size, kept;
		uint8_t type;

		if (!lsvm_probe_gather(probe, HEAD_BYTES, &bytes, &length))
			return;
		head = (struct reader){ (const uint8_t *)probe->in.data, HEAD_BYTES,
					false };
		type = lsvm_read_u8(&head);
		size = lsvm_read_be32(&head);
		if (size < 4 || size > PROBE_MESSAGE_BYTES) {
			lsvm_probe_bad(probe,
				       "no postgresql answer: a message of %u "
				       "bytes",
				       size);
			return;
		}
		kept = size - 4;
		if (!lsvm_probe_gather(probe, HEAD_BYTES + kept, &bytes, &length))
			return;
		take_message(
			probe, type,
			(struct reader){ (const uint8_t *)probe->in.data + HEAD_BYTES,
					 kept, false });
		probe->in.length = 0;
		probe->in_bytes += size;
		if (probe->in_bytes > PROBE_TALK_BYTES)
			lsvm_probe_bad(probe, "more than %u bytes and no verdict",
				       PROBE_TALK_BYTES);
	}
}

const struct engine lsvm_engine_postgresql = {
	.channel = CHANNEL_TCP,
	.prepare = prepare,
	.start = start,
	.input = input,
	.polite = true,
	.orderly = true,
};
