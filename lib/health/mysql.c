/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * MySQL and MariaDB, protocol 10. Whoever leaves after the greeting is counted as an
 * interrupted connection, and after max_connect_errors of these the server blocks the
 * host. So the probe logs in, without a password, and takes its leave: with OK there is
 * COM_QUIT, which the server answers by closing, and a refused password does not count
 * towards blocking.
 *
 * Without `user` access denied is good, since the server is there; with it the log-in
 * must succeed, and `database`, if given, must exist. An error in place of the greeting
 * is bad (1040 too many connections, 1129 blocked), but for 1130: this host may not log
 * in, others may.
 */
#include "health/probe.h"

enum mysql_stage {
	MYSQL_GREETING = 0,
	MYSQL_LOGIN,
};

enum mysql_capability {
	CAP_LONG_PASSWORD = 0x1,
	CAP_CONNECT_WITH_DB = 0x8,
	CAP_PROTOCOL_41 = 0x200,
	CAP_SECURE_CONNECTION = 0x8000,
	CAP_PLUGIN_AUTH = 0x80000,
};

enum mysql_error {
	ER_CON_COUNT = 1040,
	ER_DBACCESS_DENIED = 1044,
	ER_ACCESS_DENIED = 1045,
	ER_BAD_DB = 1049,
	ER_HOST_NOT_PRIVILEGED = 1130,
	ER_SECURE_TRANSPORT_REQUIRED = 3159,
	ER_ACCESS_DENIED_NO_PASSWORD = 1698,
	ER_NOT_SUPPORTED_AUTH_MODE = 1251,
};

#define HEAD_BYTES 4
#define OK 0x00
#define ERR 0xff
#define AUTH_SWITCH 0xfe
#define AUTH_MORE 0x01
#define UTF8 33

static uint16_t read_le16(struct reader *r)
{
	const uint8_t low = lsvm_read_u8(r);

	return (uint16_t)(low | lsvm_read_u8(r) << 8);
}

static void put_le32(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
	to[2] = (uint8_t)(value >> 16);
	to[3] = (uint8_t)(value >> 24);
}

/* The answer to the greeting, all but the sequence number of its head. */
static int prepare(struct recipe *recipe)
{
	static const char plugin[] = "mysql_native_password";
	const char *user = recipe->check.user ? recipe->check.user : "svm";
	const char *database = recipe->check.database;
	uint8_t fixed[HEAD_BYTES + 32] = { 0 };
	struct buf buf = { 0 };

	put_le32(fixed + HEAD_BYTES, CAP_LONG_PASSWORD | CAP_PROTOCOL_41 |
					     CAP_SECURE_CONNECTION | CAP_PLUGIN_AUTH |
					     (database ? CAP_CONNECT_WITH_DB : 0u));
	put_le32(fixed + HEAD_BYTES + 4, 1 << 24); /* the largest packet */
	fixed[HEAD_BYTES + 8] = UTF8;
	lsvm_buf_add(&buf, fixed, sizeof(fixed));
	lsvm_buf_add(&buf, user, strlen(user) + 1);
	lsvm_buf_add(&buf, "", 1); /* no password */
	if (database)
		lsvm_buf_add(&buf, database, strlen(database) + 1);
	lsvm_buf_add(&buf, plugin, sizeof(plugin));
	recipe->arena.failed |= buf.failed;
	if (!buf.failed) {
		put_le32((uint8_t *)buf.data, (uint32_t)(buf.length - HEAD_BYTES));
		buf.data[3] = 1; /* its number: the greeting has 0 */
		lsvm_recipe_bytes(recipe, buf.data, buf.length, &recipe->request);
	}
	lsvm_buf_free(&buf);
	return 0;
}

static void start(struct probe *probe)
{
	probe->waiting_for = "mysql greeting";
}

static bool is_alive(const struct probe *probe, uint16_t code)
{
	const struct check *check = &probe->recipe->check;

	switch (code) {
	case ER_HOST_NOT_PRIVILEGED:
	case ER_ACCESS_DENIED:
	case ER_ACCESS_DENIED_NO_PASSWORD:
	case ER_NOT_SUPPORTED_AUTH_MODE:
	case ER_SECURE_TRANSPORT_REQUIRED:
		return !check->user;
	case ER_DBACCESS_DENIED:
	case ER_BAD_DB:
		return !check->database;
	}
	return false;
}

static void take_error(struct probe *probe, struct reader body)
{
	const uint16_t code = read_le16(&body);
	char quoted[PROBE_QUOTE_BYTES];

	if (body.left && *body.at == '#')
		lsvm_read_bytes(&body, body.left < 6 ? body.left : 6);
	if (body.failed)
		lsvm_probe_bad(probe, "no mysql answer: a cut error");
	else if (is_alive(probe, code))
		lsvm_probe_good(probe);
	else
		lsvm_probe_bad(probe, "mysql says %u: %s", code,
			       lsvm_probe_quote(body.at, body.left, quoted));
}

/* Another way to log in is proposed: ours is still no password. */
static void answer_switch(struct probe *probe)
{
	const uint8_t nothing[HEAD_BYTES] = { 0, 0, 0,
					      (uint8_t)(probe->message.sequence + 1) };

	lsvm_probe_send(probe, nothing, sizeof(nothing));
}

static void take_greeting(struct probe *probe, uint8_t version)
{
	if (version != 10) {
		lsvm_probe_bad(probe, "no mysql greeting: protocol %u", version);
		return;
	}
	probe->stage = MYSQL_LOGIN;
	probe->waiting_for = "mysql's answer to the log-in";
	lsvm_probe_send_fixed(probe, &probe->recipe->request);
}

static void take_packet(struct probe *probe, struct reader body)
{
	static const uint8_t quit[] = { 1, 0, 0, 0, 1 };
	const uint8_t kind = lsvm_read_u8(&body);

	if (body.failed) {
		lsvm_probe_bad(probe, "no mysql answer: an empty packet");
	} else if (kind == ERR) {
		take_error(probe, body);
	} else if (probe->stage == MYSQL_GREETING) {
		take_greeting(probe, kind);
	} else if (kind == OK) {
		lsvm_probe_send(probe, quit, sizeof(quit));
		lsvm_probe_good(probe);
	} else if (kind == AUTH_SWITCH) {
		answer_switch(probe);
	} else if (kind != AUTH_MORE) {
		lsvm_probe_bad(probe, "no mysql answer: packet 0x%02x", kind);
	}
}

static void input(struct probe *probe, const uint8_t *bytes, size_t length)
{
	while (length && !probe->verdict) {
		const uint8_t *head;
		size_t size;

		if (!lsvm_probe_gather(probe, HEAD_BYTES, &bytes, &length))
			return;
		head = (const uint8_t *)probe->in.data;
		size = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
		probe->message.sequence = head[3];
		if (size > PROBE_MESSAGE_BYTES) {
			lsvm_probe_bad(probe, "no mysql answer: a packet of %zu bytes",
				       size);
			return;
		}
		if (!lsvm_probe_gather(probe, HEAD_BYTES + size, &bytes, &length))
			return;
		take_packet(probe,
			    (struct reader){ (const uint8_t *)probe->in.data + HEAD_BYTES,
					     size, false });
		probe->in.length = 0;
		probe->in_bytes += (uint32_t)size + HEAD_BYTES;
		if (probe->in_bytes > PROBE_TALK_BYTES)
			lsvm_probe_bad(probe, "more than %u bytes and no verdict",
				       PROBE_TALK_BYTES);
	}
}

const struct engine lsvm_engine_mysql = {
	.channel = CHANNEL_TCP,
	.prepare = prepare,
	.start = start,
	.input = input,
	.polite = true,
};
