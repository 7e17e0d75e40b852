/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipvs_ops.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdlib.h>

uint32_t dice_roll(struct dice *dice, uint32_t below)
{
	uint64_t x = (dice->state += 0x9e3779b97f4a7c15u);

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((x ^ x >> 31) >> 32) % below;
}

#define ONE_OF(dice, list) ((list)[dice_roll(dice, ARRAY_SIZE(list))])

static void address(struct dice *dice, const char *const *list, size_t count,
		    uint16_t *ret_family, uint8_t *ret)
{
	const char *text = list[dice_roll(dice, (uint32_t)count)];

	memset(ret, 0, 16);
	*ret_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(*ret_family, text, ret) != 1)
		errx(1, "%s", text);
}

static void service_name(struct dice *dice, struct wire_service *to)
{
	static const char *const addresses[] = { "192.0.2.1",	"192.0.2.1",
						 "192.0.2.2",	"198.51.100.77",
						 "2001:db8::1", "2001:db8:1:2:3:4:5:6" };
	static const uint16_t ports[] = { 80, 80, 443, 0, 21, 65535 };
	static const uint8_t protocols[] = { 6, 6, 6, 17, 132, 1 };

	address(dice, addresses, ARRAY_SIZE(addresses), &to->family, to->addr);
	to->has = BIT(SERVICE_FAMILY);
	if (!dice_roll(dice, 5)) {
		to->fwmark = dice_roll(dice, 6);
		to->has |= BIT(SERVICE_FWMARK);
		if (!dice_roll(dice, 10))
			to->fwmark <<= 29;
		if (dice_roll(dice, 8))
			return;
	}
	to->port = ONE_OF(dice, ports);
	to->protocol = ONE_OF(dice, protocols);
	to->has |= BIT(SERVICE_PROTOCOL) | BIT(SERVICE_ADDR) | BIT(SERVICE_PORT);
}

static void service_rest(struct dice *dice, struct wire_service *to)
{
	static const char *const schedulers[] = { "rr",	  "wrr",   "lc", "wlc",
						  "lblc", "lblcr", "dh", "sh",
						  "sed",  "nq",	   "fo", "ovf",
						  "mh",	  "wlc",   "rr", "none" };
	static const uint32_t flags[] = {
		0, 0, 0, 1, 4, 8, 16, 24, 0x20, 2, 0xffff, ~0u
	};
	static const uint32_t timeouts[] = { 0, 0, 1, 300, 300, 3600, 86400, 31 * 86400 };
	static const uint32_t prefixes[] = { 128, 128, 64, 1, 0, 129, 0x80000000 };
	static const uint32_t masks[] = { ~0u, ~0u, 0xffffff, 0, 0xff00ff, 1 };
	const uint32_t mask =
		to->family == AF_INET6 ? ONE_OF(dice, prefixes) : ONE_OF(dice, masks);

	strcpy(to->scheduler, ONE_OF(dice, schedulers));
	if (!dice_roll(dice, 150))
		strcpy(to->scheduler, "nosuch");
	if (!dice_roll(dice, 15)) {
		strcpy(to->engine, dice_roll(dice, 5) ? "sip" : "");
		to->has |= BIT(SERVICE_ENGINE);
	}
	to->flags.flags = ONE_OF(dice, flags);
	to->flags.mask = dice_roll(dice, 3) ? ~0u : ONE_OF(dice, flags);
	to->timeout_s = ONE_OF(dice, timeouts);
	memcpy(to->netmask, &mask, sizeof(mask));
	to->has |= BIT(SERVICE_SCHEDULER) | BIT(SERVICE_FLAGS) | BIT(SERVICE_TIMEOUT) |
		   BIT(SERVICE_NETMASK);
}

static void dest_name(struct dice *dice, struct wire_destination *to)
{
	static const char *const addresses[] = {
		"10.0.0.1",
		"10.0.0.2",
		"10.0.0.3",
		"10.0.0.4",
		"10.0.0.1",
		"10.0.0.2",
		"10.0.0.3",
		"10.0.0.4",
		"10.0.0.1",
		"10.0.0.2",
		"10.0.0.3",
		"10.0.0.4",
		"127.0.0.1",
		"0.0.0.0",
		"0.1.2.3",
		"224.0.0.1",
		"255.255.255.255",
		"127.0.0.2",
		"127.255.255.255",
		"240.0.0.1",
		"10.99.0.1",
		"10.99.0.255",
		"2001:db8::21",
		"2001:db8::22",
		"2001:db8::23",
		"2001:db8::21",
		"2001:db8::22",
		"2001:db8::23",
		"2001:db8::21",
		"2001:db8::22",
		"2001:db8::23",
		"::1",
		"::",
		"fe80::1",
		"ff02::1",
		"::ffff:10.0.0.1",
		"::10.0.0.1",
		"fec0::1",
		"fc00::1",
	};
	static const uint16_t ports[] = { 80, 80, 80, 8080, 0, 65535 };

	address(dice, addresses, ARRAY_SIZE(addresses), &to->family, to->addr);
	to->port = ONE_OF(dice, ports);
	to->has = BIT(DESTINATION_ADDR) | BIT(DESTINATION_PORT) | BIT(DESTINATION_FAMILY);
}

static void dest_rest(struct dice *dice, struct wire_destination *to)
{
	static const uint32_t forwardings[] = { 0, 0, 2, 2, 2, 3, 3, 1, 4, 7, 8, 0x103 };
	static const uint32_t weights[] = { 0, 0,   1,	 1,	1,	   1,	    2,
					    3, 100, 100, 65535, INT32_MAX, 1u << 31 };
	static const uint32_t uppers[] = { 0, 0, 0, 10, 100, ~0u };
	static const uint32_t lowers[] = { 0, 0, 0, 0, 0, 0, 0, 0, 5, 10, 50 };

	to->forwarding = ONE_OF(dice, forwardings);
	to->weight = ONE_OF(dice, weights);
	to->upper_threshold = ONE_OF(dice, uppers);
	to->lower_threshold = ONE_OF(dice, lowers);
	to->has |= BIT(DESTINATION_FORWARDING) | BIT(DESTINATION_WEIGHT) |
		   BIT(DESTINATION_UPPER) | BIT(DESTINATION_LOWER);
	if (!dice_roll(dice, 4)) {
		static const uint8_t types[] = { 0, 1, 1, 2, 9 };

		to->tunnel_type = ONE_OF(dice, types);
		to->tunnel_port = dice_roll(dice, 3) ? 6080 : 0;
		to->tunnel_flags = (uint16_t)dice_roll(dice, 5);
		to->has |= BIT(DESTINATION_TUNNEL_TYPE);
		if (dice_roll(dice, 4))
			to->has |= BIT(DESTINATION_TUNNEL_PORT) |
				   BIT(DESTINATION_TUNNEL_FLAGS);
	}
}

static void daemon_of(struct dice *dice, struct wire_daemon *to)
{
	static const char *const interfaces[] = { "sync0", "sync0",  "sync0",
						  "lo",	   "nosuch", "fifteen-letters",
						  "bare0", "down0" };
	static const uint32_t states[] = { 1, 2, 1, 2, 1, 2, 0, 3, 4 };
	static const uint16_t maxlens[] = { 0, 1, 500, 1000, 1024, 1472, 9000, 65535 };
	static const char *const groups[] = { "224.0.0.81", "239.1.1.1", "10.0.0.1" };
	static const char *const groups6[] = { "ff02::81", "2001:db8::1" };

	to->state = ONE_OF(dice, states);
	to->sync_id = dice_roll(dice, 4) * 100;
	to->maxlen = ONE_OF(dice, maxlens);
	strcpy(to->interface, ONE_OF(dice, interfaces));
	to->port = (uint16_t)(dice_roll(dice, 3) * 9000);
	to->ttl = (uint8_t)dice_roll(dice, 4);
	inet_pton(AF_INET, ONE_OF(dice, groups), to->group);
	inet_pton(AF_INET6, ONE_OF(dice, groups6), to->group6);
	to->has = BIT(DAEMON_STATE) | BIT(DAEMON_INTERFACE) | BIT(DAEMON_SYNC_ID);
	for (unsigned bit = DAEMON_MAXLEN; bit <= DAEMON_TTL; bit++)
		if (!dice_roll(dice, 4))
			to->has |= BIT(bit);
}

/* Most destinations fit their service. */
static void fit(struct dice *dice, const struct wire_service *service,
		struct wire_destination *to)
{
	static const uint8_t plain[2][16] = { { 10, 0, 0, 5 },
					      { 0x20, 1, 0xd, 0xb8, [15] = 5 } };
	const bool six = service->family == AF_INET6;

	if (to->family == service->family || !dice_roll(dice, 5))
		return;
	to->family = service->family;
	memcpy(to->addr, plain[six], 16);
	to->addr[six ? 15 : 3] += (uint8_t)dice_roll(dice, 3);
}

static void choose_names(struct dice *dice, uint8_t command, struct wire_command *to)
{
	const uint32_t known =
		dice->recent_count < RECENT_COUNT ? dice->recent_count : RECENT_COUNT;
	const bool new = command == IPVS_CMD_NEW_SERVICE || command == IPVS_CMD_NEW_DEST;
	const uint32_t at = known ? dice_roll(dice, known) : 0;

	service_name(dice, &to->service);
	dest_name(dice, &to->destination);
	if (known && dice_roll(dice, command == IPVS_CMD_NEW_SERVICE ? 2 : 8)) {
		to->service = dice->services[at];
		if (!new &&dice_roll(dice, 6))
			to->destination = dice->dests[at];
	}
	fit(dice, &to->service, &to->destination);
	if (!new || (known == RECENT_COUNT && dice_roll(dice, 4)))
		return;
	dice->services[dice->at] = to->service;
	dice->dests[dice->at] = to->destination;
	dice->at = (dice->at + 1) % RECENT_COUNT;
	dice->recent_count++;
}

static uint32_t timeout(struct dice *dice)
{
	static const uint32_t values[] = { 0,	     1,	       30,	  900, 7200,
					   21474836, 21474837, INT32_MAX, ~0u };

	return ONE_OF(dice, values);
}

/* ---- bytes ---- */

void op_of(uint8_t command, uint16_t flags, uint16_t family,
	   const struct wire_command *content, struct op *ret)
{
	const struct genlmsghdr generic = { .cmd = command,
					    .version = IPVS_GENL_VERSION };
	struct nl_out out = { .data = ret->bytes, .size = sizeof(ret->bytes) };
	struct nlmsghdr head = { .nlmsg_type = family,
				 .nlmsg_flags = NLM_F_REQUEST | flags,
				 .nlmsg_seq = 1 };

	out.used = NLMSG_HDRLEN + GENL_HDRLEN;
	if (!lsvm_fields_write(&lsvm_wire_command_fields, content, &out))
		errx(1, "a request does not fit");
	head.nlmsg_len = (uint32_t)out.used;
	memcpy(ret->bytes, &head, sizeof(head));
	memcpy(ret->bytes + NLMSG_HDRLEN, &generic, sizeof(generic));
	ret->length = out.used;
}

struct piece {
	uint16_t type;
	size_t length;
	uint8_t bytes[1024];
};

#define PIECES_MAX 40

static size_t take_apart(const uint8_t *bytes, size_t length, struct piece *pieces)
{
	size_t count = 0;

	while (length >= NLA_HDRLEN && count < PIECES_MAX - 1) {
		struct nlattr head;
		size_t whole;

		memcpy(&head, bytes, sizeof(head));
		if (head.nla_len < NLA_HDRLEN || head.nla_len > length)
			break;
		pieces[count].type = head.nla_type & NLA_TYPE_MASK;
		pieces[count].length = head.nla_len - NLA_HDRLEN;
		if (pieces[count].length > sizeof(pieces[count].bytes))
			break;
		memcpy(pieces[count].bytes, bytes + NLA_HDRLEN, pieces[count].length);
		whole = NLA_ALIGN(head.nla_len);
		if (whole > length)
			whole = length;
		bytes += whole;
		length -= whole;
		count++;
	}
	return count;
}

static size_t put_together(const struct piece *pieces, size_t count, uint8_t *bytes)
{
	size_t length = 0;

	for (size_t i = 0; i < count; i++) {
		const struct nlattr head = { (uint16_t)(NLA_HDRLEN + pieces[i].length),
					     pieces[i].type };

		memset(bytes + length, 0, NLA_ALIGN(head.nla_len));
		memcpy(bytes + length, &head, sizeof(head));
		memcpy(bytes + length + NLA_HDRLEN, pieces[i].bytes, pieces[i].length);
		length += NLA_ALIGN(head.nla_len);
	}
	return length;
}

/* One thing wrong with one attribute. */
static size_t spoil(struct dice *dice, struct piece *pieces, size_t count)
{
	struct piece *piece = &pieces[dice_roll(dice, (uint32_t)count)];

	switch (dice_roll(dice, 6)) {
	case 0:
	case 1:
		*piece = pieces[count - 1];
		return count - 1;
	case 2:
		piece->length -= dice_roll(dice, (uint32_t)piece->length + 1);
		break;
	case 3: /* as text, one of 16 or 17 characters */
		while (piece->length < 17u + dice_roll(dice, 2))
			piece->bytes[piece->length++] = 'x';
		piece->bytes[piece->length - 1] = dice_roll(dice, 3) ? '\0' : 'x';
		break;
	case 4:
		piece->type = (uint16_t)dice_roll(dice, 40);
		break;
	default: /* twice: the last one counts */
		pieces[count] = *piece;
		if (piece->length)
			pieces[count].bytes[dice_roll(dice, (uint32_t)piece->length)] ^=
				(uint8_t)(1u << dice_roll(dice, 8));
		return count + 1;
	}
	return count;
}

/* Spoils the message's own attributes or those of one of its objects. */
static void spoil_message(struct dice *dice, struct op *op)
{
	const size_t heads = NLMSG_HDRLEN + GENL_HDRLEN;
	struct piece top[PIECES_MAX], inner[PIECES_MAX];
	size_t count = take_apart(op->bytes + heads, op->length - heads, top), inside;
	uint32_t length;

	if (!count)
		return;
	if (!dice_roll(dice, 6)) {
		count = spoil(dice, top, count);
	} else {
		struct piece *piece = &top[dice_roll(dice, (uint32_t)count)];

		inside = take_apart(piece->bytes, piece->length, inner);
		if (!inside)
			return;
		inside = spoil(dice, inner, inside);
		piece->length = put_together(inner, inside, piece->bytes);
	}
	op->length = heads + put_together(top, count, op->bytes + heads);
	length = (uint32_t)op->length;
	memcpy(op->bytes, &length, sizeof(length));
}

void op_make(struct dice *dice, uint16_t family, struct op *ret)
{
	static const struct {
		uint8_t command, share;
	} shares[] = {
		{ IPVS_CMD_NEW_SERVICE, 15 }, { IPVS_CMD_SET_SERVICE, 8 },
		{ IPVS_CMD_DEL_SERVICE, 2 },  { IPVS_CMD_NEW_DEST, 32 },
		{ IPVS_CMD_SET_DEST, 16 },    { IPVS_CMD_DEL_DEST, 12 },
		{ IPVS_CMD_SET_CONFIG, 3 },   { IPVS_CMD_GET_SERVICE, 3 },
		{ IPVS_CMD_ZERO, 2 },	      { IPVS_CMD_GET_CONFIG, 1 },
		{ IPVS_CMD_GET_INFO, 1 },     { IPVS_CMD_NEW_DAEMON, 2 },
		{ IPVS_CMD_DEL_DAEMON, 2 },   { 0, 1 },
	};
	struct wire_command content = { 0 };
	uint32_t at = dice_roll(dice, 100);
	uint16_t flags = NLM_F_ACK;
	size_t i = 0;
	uint8_t command;

	while (at >= shares[i].share)
		at -= shares[i++].share;
	command = shares[i].command;
	if (!command) { /* something else altogether */
		command = (uint8_t)dice_roll(dice, 24);
		if (command == IPVS_CMD_FLUSH && dice_roll(dice, 8))
			command = 0;
		if (!dice_roll(dice, 3))
			flags = NLM_F_DUMP;
	}
	choose_names(dice, command, &content);
	content.has = BIT(COMMAND_SERVICE);
	if (command == IPVS_CMD_NEW_SERVICE || command == IPVS_CMD_SET_SERVICE)
		service_rest(dice, &content.service);
	if (command >= IPVS_CMD_NEW_DEST && command <= IPVS_CMD_DEL_DEST) {
		content.has |= BIT(COMMAND_DESTINATION);
		dest_rest(dice, &content.destination);
		/* Most fit their service. */
		if (content.destination.family != content.service.family &&
		    dice_roll(dice, 5)) {
			static const uint8_t plain[2][16] = {
				{ 10, 0, 0, 5 }, { 0x20, 1, 0xd, 0xb8, [15] = 5 }
			};
			const bool six = content.service.family == AF_INET6;

			content.destination.family = content.service.family;
			memcpy(content.destination.addr, plain[six], 16);
			content.destination.addr[six ? 15 : 3] +=
				(uint8_t)dice_roll(dice, 3);
		}
		if (!dice_roll(dice, 8))
			content.destination.has &= ~BIT(DESTINATION_FAMILY);
	}
	if (command == IPVS_CMD_NEW_DAEMON || command == IPVS_CMD_DEL_DAEMON) {
		content.has = BIT(COMMAND_DAEMON);
		daemon_of(dice, &content.daemon);
	}
	if (command == IPVS_CMD_SET_CONFIG) {
		content.has = dice_roll(dice, 8) << COMMAND_TCP;
		content.tcp_s = timeout(dice);
		content.tcp_fin_s = timeout(dice);
		content.udp_s = timeout(dice);
	}
	if (command == IPVS_CMD_ZERO && dice_roll(dice, 2))
		content.has = 0;
	op_of(command, flags, family, &content, ret);
	if (!dice_roll(dice, 12))
		spoil_message(dice, ret);
}

/* ---- text ---- */

static int by_type(const void *a, const void *b)
{
	return (int)((const struct piece *)a)->type -
	       (int)((const struct piece *)b)->type;
}

static void attributes_text(struct buf *buf, const uint8_t *bytes, size_t length,
			    unsigned depth, unsigned parent)
{
	struct piece *pieces = calloc(PIECES_MAX, sizeof(*pieces));
	size_t count;

	if (!pieces)
		errx(1, "out of memory");
	count = take_apart(bytes, length, pieces);
	qsort(pieces, count, sizeof(*pieces), by_type);
	for (size_t i = 0; i < count; i++) {
		const struct piece *piece = &pieces[i];
		const bool nest =
			depth == 0 ? piece->type >= IPVS_CMD_ATTR_SERVICE &&
					     piece->type <= IPVS_CMD_ATTR_DAEMON
			: depth == 1 && parent == IPVS_CMD_ATTR_SERVICE
				? piece->type == IPVS_SVC_ATTR_STATS ||
					  piece->type == IPVS_SVC_ATTR_STATS64
				: depth == 1 && parent == IPVS_CMD_ATTR_DEST &&
					  (piece->type == IPVS_DEST_ATTR_STATS ||
					   piece->type == IPVS_DEST_ATTR_STATS64);

		if (depth == 2 && piece->type == IPVS_STATS_ATTR_PAD)
			continue;
		lsvm_buf_printf(buf, " %u", piece->type);
		if (nest) {
			lsvm_buf_text(buf, "{");
			attributes_text(buf, piece->bytes, piece->length, depth + 1,
					piece->type);
			lsvm_buf_text(buf, " }");
			continue;
		}
		lsvm_buf_text(buf, "=");
		for (size_t j = 0; j < piece->length; j++)
			lsvm_buf_printf(buf, "%02x", piece->bytes[j]);
	}
	free(pieces);
}

void op_text(struct buf *buf, const uint8_t *message, size_t length)
{
	static const char *const names[] = {
		"?",	      "new-service", "set-service", "del-service", "get-service",
		"new-dest",   "set-dest",    "del-dest",    "get-dest",	   "new-daemon",
		"del-daemon", "get-daemon",  "set-config",  "get-config",  "set-info",
		"get-info",   "zero",	     "flush",
	};
	const size_t heads = NLMSG_HDRLEN + GENL_HDRLEN;
	const uint8_t command = message[NLMSG_HDRLEN];
	struct nlmsghdr head;

	memcpy(&head, message, sizeof(head));
	if (command && command < ARRAY_SIZE(names))
		lsvm_buf_text(buf, names[command]);
	else
		lsvm_buf_printf(buf, "command-%u", command);
	if ((head.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
		lsvm_buf_text(buf, " dump");
	attributes_text(buf, message + heads, length - heads, 0, 0);
}
