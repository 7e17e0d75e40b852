/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One line of ipvsadm as a command: options in any order, short ones with their value
 * attached or behind, long ones with = or behind. Everything is taken note of first and
 * judged when the line is complete, because -6 may follow the mark that it belongs to.
 */
#include "ipvs/ipvsadm.h"
#include "ipvs/words.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>

#define LINE_MAX_BYTES 4096
#define WORDS_MAX 64
#define PERSISTENCE_S 300

enum option {
	OPTION_NONE,
	OPTION_TCP,
	OPTION_UDP,
	OPTION_SCTP,
	OPTION_MARK,
	OPTION_IPV6,
	OPTION_SCHEDULER,
	OPTION_PERSISTENT,
	OPTION_NETMASK,
	OPTION_ENGINE,
	OPTION_ONE_PACKET,
	OPTION_FLAGS,
	OPTION_SERVER,
	OPTION_DIRECT,
	OPTION_IPIP,
	OPTION_NAT,
	OPTION_TUNNEL_TYPE,
	OPTION_TUNNEL_PORT,
	OPTION_TUNNEL_NOCSUM,
	OPTION_TUNNEL_CSUM,
	OPTION_TUNNEL_REMCSUM,
	OPTION_WEIGHT,
	OPTION_UPPER,
	OPTION_LOWER,
	OPTION_NUMERIC,
	OPTION_INTERFACE,
	OPTION_SYNC_ID,
	OPTION_MAXLEN,
	OPTION_GROUP,
	OPTION_PORT,
	OPTION_TTL,
	OPTION_COUNT,
};

enum value {
	VALUE_NO,
	VALUE_YES,
	VALUE_MAYBE, /* a number that may be left out */
};

static const struct option_word {
	char letter;
	const char *name;
	enum value value;
	enum option option;
	enum ipvsadm_verb verb; /* of commands */
} words[] = {
	{ 'A', "add-service", .verb = IPVSADM_ADD_SERVICE },
	{ 'E', "edit-service", .verb = IPVSADM_EDIT_SERVICE },
	{ 'D', "delete-service", .verb = IPVSADM_DELETE_SERVICE },
	{ 'a', "add-server", .verb = IPVSADM_ADD_DESTINATION },
	{ 'e', "edit-server", .verb = IPVSADM_EDIT_DESTINATION },
	{ 'd', "delete-server", .verb = IPVSADM_DELETE_DESTINATION },
	{ 'C', "clear", .verb = IPVSADM_CLEAR },
	{ 'Z', "zero", .verb = IPVSADM_ZERO },
	{ 0, "set", .verb = IPVSADM_SET_TIMEOUTS },
	{ 0, "start-daemon", VALUE_YES, .verb = IPVSADM_START_DAEMON },
	{ 0, "stop-daemon", VALUE_YES, .verb = IPVSADM_STOP_DAEMON },
	{ 't', "tcp-service", VALUE_YES, OPTION_TCP },
	{ 'u', "udp-service", VALUE_YES, OPTION_UDP },
	{ 0, "sctp-service", VALUE_YES, OPTION_SCTP },
	{ 'f', "fwmark-service", VALUE_YES, OPTION_MARK },
	{ '6', "ipv6", VALUE_NO, OPTION_IPV6 },
	{ 's', "scheduler", VALUE_YES, OPTION_SCHEDULER },
	{ 'p', "persistent", VALUE_MAYBE, OPTION_PERSISTENT },
	{ 'M', "netmask", VALUE_YES, OPTION_NETMASK },
	{ 0, "pe", VALUE_YES, OPTION_ENGINE },
	{ 'o', "ops", VALUE_NO, OPTION_ONE_PACKET },
	{ 'O', "ops", VALUE_NO, OPTION_ONE_PACKET },
	{ 'b', "sched-flags", VALUE_YES, OPTION_FLAGS },
	{ 'r', "real-server", VALUE_YES, OPTION_SERVER },
	{ 'g', "gatewaying", VALUE_NO, OPTION_DIRECT },
	{ 'i', "ipip", VALUE_NO, OPTION_IPIP },
	{ 'm', "masquerading", VALUE_NO, OPTION_NAT },
	{ 0, "tun-type", VALUE_YES, OPTION_TUNNEL_TYPE },
	{ 0, "tun-port", VALUE_YES, OPTION_TUNNEL_PORT },
	{ 0, "tun-nocsum", VALUE_NO, OPTION_TUNNEL_NOCSUM },
	{ 0, "tun-csum", VALUE_NO, OPTION_TUNNEL_CSUM },
	{ 0, "tun-remcsum", VALUE_NO, OPTION_TUNNEL_REMCSUM },
	{ 'w', "weight", VALUE_YES, OPTION_WEIGHT },
	{ 'x', "u-threshold", VALUE_YES, OPTION_UPPER },
	{ 'y', "l-threshold", VALUE_YES, OPTION_LOWER },
	{ 'n', "numeric", VALUE_NO, OPTION_NUMERIC },
	{ 0, "mcast-interface", VALUE_YES, OPTION_INTERFACE },
	{ 0, "syncid", VALUE_YES, OPTION_SYNC_ID },
	{ 0, "sync-maxlen", VALUE_YES, OPTION_MAXLEN },
	{ 0, "mcast-group", VALUE_YES, OPTION_GROUP },
	{ 0, "mcast-port", VALUE_YES, OPTION_PORT },
	{ 0, "mcast-ttl", VALUE_YES, OPTION_TTL },
};

struct line {
	struct lsvm_ctx *ctx;
	uint32_t number;
	char text[LINE_MAX_BYTES + 1];
	char *words[WORDS_MAX];
	unsigned count, at;
	enum ipvsadm_verb verb;
	const char *state;		  /* of a daemon: master, backup */
	const char *values[OPTION_COUNT]; /* NULL: not given; "" without a value */
};

static int wrong(struct line *line, const char *what, const char *value, const char *hint)
{
	return lsvm_fail(line->ctx, LSVM_ERR_PARSE, "line %u: %s%s%.100s%s; %s",
			 line->number, what, value ? " '" : "", value ? value : "",
			 value ? "'" : "", hint);
}

/* ---- words ---- */

static int split(struct line *line, const char *text, size_t length)
{
	char *at = line->text;

	if (length > LINE_MAX_BYTES)
		return wrong(line, "the line is longer than 4096 bytes", NULL,
			     "write one command a line");
	memcpy(line->text, text, length);
	line->text[length] = '\0';
	if (strlen(line->text) != length)
		return wrong(line, "there is a NUL byte in the line", NULL,
			     "this is no text of ipvsadm");
	for (;;) {
		at += strspn(at, " \t\r");
		if (!*at || *at == '#')
			return 0;
		if (line->count == WORDS_MAX)
			return wrong(line, "the line has more than 64 words", NULL,
				     "write one command a line");
		line->words[line->count++] = at;
		at += strcspn(at, " \t\r");
		if (*at)
			*at++ = '\0';
	}
}

static const struct option_word *find_letter(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].letter == letter)
			return &words[i];
	return NULL;
}

static const struct option_word *find_name(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i].name) == length &&
		    memcmp(words[i].name, name, length) == 0)
			return &words[i];
	return NULL;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* attached: the value in the same word, NULL when there is none. */
static int take(struct line *line, const struct option_word *word, const char *attached)
{
	const char *value = attached;

	if (word->value == VALUE_NO && attached)
		return wrong(line, "no value belongs to option", word->name,
			     "leave it out");
	if (!value && word->value == VALUE_YES) {
		/* ipvsadm prints -b and nothing for the third flag of sh and mh. */
		if (line->at == line->count && word->option == OPTION_FLAGS) {
			line->values[OPTION_FLAGS] = "";
			return 0;
		}
		if (line->at == line->count)
			return wrong(line, "a value is missing behind option", word->name,
				     "write it");
		value = line->words[line->at++];
	}
	if (!value && word->value == VALUE_MAYBE && line->at < line->count &&
	    is_number(line->words[line->at]))
		value = line->words[line->at++];
	if (word->verb) {
		if (line->verb)
			return wrong(line, "a second command on the line,", word->name,
				     "write one command a line");
		line->verb = word->verb;
		line->state = value;
		return 0;
	}
	if (line->values[word->option])
		return wrong(line, "twice the option", word->name, "keep one of them");
	line->values[word->option] = value ? value : "";
	return 0;
}

static int take_letters(struct line *line, const char *word)
{
	const struct option_word *option;
	int err = 0;

	for (const char *at = word + 1; *at && !err; at++) {
		option = find_letter(*at);
		if (!option)
			return wrong(line, "unknown option", word,
				     "see ipvsadm(8); -L, -S and -R change nothing and "
				     "have no "
				     "place here");
		if (option->value == VALUE_NO) {
			err = take(line, option, NULL);
			continue;
		}
		if (!at[1])
			return take(line, option, NULL);
		return take(line, option, at[1] == '=' ? at + 2 : at + 1);
	}
	return err;
}

static int take_name(struct line *line, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const struct option_word *option = find_name(word + 2, length - 2);

	if (!option)
		return wrong(line, "unknown option", word, "see ipvsadm(8)");
	return take(line, option, equals ? equals + 1 : NULL);
}

static int take_words(struct line *line)
{
	int err = 0;

	if (line->count) {
		const char *slash = strrchr(line->words[0], '/');

		/* Scripts name the program on each line. */
		if (strcmp(slash ? slash + 1 : line->words[0], "ipvsadm") == 0)
			line->at++;
	}
	while (line->at < line->count && !err) {
		const char *word = line->words[line->at];

		if (word[0] != '-' || !word[1]) {
			if (line->verb == IPVSADM_SET_TIMEOUTS)
				return 0;
			return wrong(line, "not an option:", word,
				     "options begin with a dash; write numbers, not "
				     "names");
		}
		line->at++;
		err = word[1] == '-' ? take_name(line, word) : take_letters(line, word);
	}
	return err;
}

/* ---- values ---- */

static int number(struct line *line, const char *text, const char *what, uint64_t min,
		  uint64_t max, uint32_t *ret)
{
	uint64_t value = 0;
	struct buf range = { 0 };
	int err;

	if (is_number(text) && strlen(text) <= 10) {
		for (const char *digit = text; *digit; digit++)
			value = value * 10 + (uint64_t)(*digit - '0');
		if (value >= min && value <= max) {
			*ret = (uint32_t)value;
			return 0;
		}
	}
	lsvm_buf_printf(&range, "write a number from %llu to %llu",
			(unsigned long long)min, (unsigned long long)max);
	err = wrong(line, what, text, range.data ? range.data : "write a number");
	lsvm_buf_free(&range);
	return err;
}

/* "192.0.2.1:80", "[2001:db8::1]:80", either without its port. */
static int endpoint(struct line *line, const char *text, struct addr *addr,
		    uint16_t *port, bool *has_port)
{
	char host[LSVM_ADDRESS_TEXT_BYTES];
	const char *start = text, *end, *rest;
	uint32_t value = 0;
	int err;

	if (*text == '[') {
		start = text + 1;
		end = strchr(start, ']');
		rest = end ? end + 1 : "x";
	} else {
		rest = end = strrchr(text, ':');
		if (!end || strchr(text, ':') != end) /* a bare IPv6 address */
			rest = end = text + strlen(text);
	}
	if (!end || (size_t)(end - start) >= sizeof(host) || (*rest && *rest != ':'))
		return wrong(line, "not an address and port:", text,
			     "write 192.0.2.1:80 or [2001:db8::1]:80");
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	if (!lsvm_addr_parse(host, addr) || (*text == '[') > (addr->family == 6))
		return wrong(line, "not an address:", host,
			     "write numbers, as `ipvsadm -S -n` prints them");
	*has_port = *rest == ':';
	if (!*has_port)
		return 0;
	err = number(line, rest + 1, "not a port:", 0, 65535, &value);
	*port = (uint16_t)value;
	return err;
}

/* A name that would not come back as one word is none. */
static int copy_name(struct line *line, const char *text, const char *what, char *ret,
		     size_t size)
{
	size_t plain = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.-@:");

	if (!plain || text[plain] || text[0] == '-' || plain >= size)
		return wrong(line, what, text,
			     "the kernel takes names of 15 letters and digits at most");
	strcpy(ret, text);
	return 0;
}

static int read_key(struct line *line, struct ipvs_key *key)
{
	static const struct {
		enum option option;
		uint8_t protocol;
	} kinds[] = {
		{ OPTION_TCP, IPPROTO_TCP },
		{ OPTION_UDP, IPPROTO_UDP },
		{ OPTION_SCTP, IPPROTO_SCTP },
		{ OPTION_MARK, 0 },
	};
	const char *text = NULL;
	bool has_port;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!line->values[kinds[i].option])
			continue;
		if (text)
			return wrong(line, "two services on the line, one is",
				     line->values[kinds[i].option], "keep one of them");
		text = line->values[kinds[i].option];
		key->protocol = kinds[i].protocol;
	}
	if (!text)
		return wrong(line, "a service is missing", NULL,
			     "name it with -t, -u, --sctp-service or -f");
	if (line->values[OPTION_MARK]) {
		key->addr.family = line->values[OPTION_IPV6] ? 6 : 4;
		return number(line, text, "not a mark:", 1, UINT32_MAX, &key->fwmark);
	}
	return endpoint(line, text, &key->addr, &key->port, &has_port);
}

/* ---- services ---- */

static int read_netmask(struct line *line, struct ipvs_service *service)
{
	const char *text = line->values[OPTION_NETMASK];
	bool ipv6 = service->key.addr.family == 6;
	struct addr mask;

	service->netmask = ipv6 ? 128 : UINT32_MAX;
	if (!text)
		return 0;
	if (!line->values[OPTION_PERSISTENT])
		return wrong(line, "a netmask without persistence,", text, "add -p");
	if (ipv6)
		return number(line, text, "not a prefix length:", 1, 128,
			      &service->netmask);
	if (!lsvm_addr_parse(text, &mask) || mask.family != 4)
		return wrong(line, "not a netmask:", text, "write it as 255.255.255.0");
	service->netmask = (uint32_t)mask.bytes[0] << 24 | (uint32_t)mask.bytes[1] << 16 |
			   (uint32_t)mask.bytes[2] << 8 | mask.bytes[3];
	return 0;
}

static uint32_t flag_bit(const char *name, size_t length, const char *scheduler)
{
	static const struct {
		const char *scheduler, *name;
		uint32_t bit;
	} flags[] = {
		{ NULL, "flag-1", IP_VS_SVC_F_SCHED1 },
		{ NULL, "flag-2", IP_VS_SVC_F_SCHED2 },
		{ NULL, "flag-3", IP_VS_SVC_F_SCHED3 },
		{ "sh", "sh-fallback", IP_VS_SVC_F_SCHED1 },
		{ "sh", "sh-port", IP_VS_SVC_F_SCHED2 },
		{ "mh", "mh-fallback", IP_VS_SVC_F_SCHED1 },
		{ "mh", "mh-port", IP_VS_SVC_F_SCHED2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strlen(flags[i].name) == length &&
		    memcmp(flags[i].name, name, length) == 0 &&
		    (!flags[i].scheduler || strcmp(flags[i].scheduler, scheduler) == 0))
			return flags[i].bit;
	return 0;
}

static int read_flags(struct line *line, struct ipvs_service *service)
{
	const char *at = line->values[OPTION_FLAGS];

	while (at) {
		size_t length = strcspn(at, ",");
		uint32_t bit = flag_bit(at, length, service->scheduler);

		if (!bit && (length || at[length]))
			return wrong(line, "no flag of this scheduler:", at,
				     "use flag-1, flag-2 and flag-3, or sh-fallback, "
				     "sh-port, "
				     "mh-fallback and mh-port with sh and mh");
		service->flags |= bit;
		at = at[length] ? at + length + 1 : NULL;
	}
	return 0;
}

static int read_service(struct line *line, struct ipvs_service *service)
{
	const char *timeout = line->values[OPTION_PERSISTENT];
	const char *scheduler = line->values[OPTION_SCHEDULER];
	int err = copy_name(line, scheduler ? scheduler : "wlc",
			    "not a scheduler:", service->scheduler,
			    sizeof(service->scheduler));

	if (!err && line->values[OPTION_ENGINE])
		err = copy_name(line, line->values[OPTION_ENGINE],
				"not a persistence engine:", service->engine,
				sizeof(service->engine));
	if (!err && timeout) {
		service->flags |= IP_VS_SVC_F_PERSISTENT;
		service->timeout_s = PERSISTENCE_S;
		if (*timeout)
			err = number(line, timeout, "not a timeout:", 1, INT32_MAX,
				     &service->timeout_s);
	}
	if (line->values[OPTION_ONE_PACKET])
		service->flags |= IP_VS_SVC_F_ONEPACKET;
	if (!err)
		err = read_netmask(line, service);
	return err ? err : read_flags(line, service);
}

/* ---- destinations ---- */

static int read_tunnel(struct line *line, struct ipvs_destination *destination)
{
	const char *type = line->values[OPTION_TUNNEL_TYPE];
	const char *port = line->values[OPTION_TUNNEL_PORT];
	bool none = line->values[OPTION_TUNNEL_NOCSUM];
	bool full = line->values[OPTION_TUNNEL_CSUM];
	bool remote = line->values[OPTION_TUNNEL_REMCSUM];
	uint32_t value = 0;
	int err = 0;

	if (!line->values[OPTION_IPIP] && (type || port || none || full || remote))
		return wrong(line, "a tunnel's option without a tunnel", NULL, "add -i");
	if (type && strcmp(type, "ipip") != 0) {
		int kind = lsvm_word_value(lsvm_ipvs_tunnel_words, type);

		if (!kind)
			return wrong(line, "not a kind of tunnel:", type,
				     "write ipip, gue or gre");
		destination->tunnel_type = (uint8_t)(kind - 1);
	}
	if (none + full + remote > 1)
		return wrong(line, "two kinds of tunnel checksum", NULL,
			     "keep one of them");
	if ((full || remote || none) && destination->tunnel_type == IPVS_TUNNEL_IPIP)
		return wrong(line, "ipip has no checksum", NULL,
			     "leave it out, or use --tun-type gue or gre");
	if (remote && destination->tunnel_type != IPVS_TUNNEL_GUE)
		return wrong(line, "only gue has --tun-remcsum", NULL,
			     "use --tun-csum, or --tun-type gue");
	if (port && destination->tunnel_type != IPVS_TUNNEL_GUE)
		return wrong(line, "only gue has a port,", port,
			     "leave it out, or use --tun-type gue");
	destination->tunnel_flags = full ? 1 : remote ? 2 : 0;
	if (port)
		err = number(line, port, "not a port:", 1, 65535, &value);
	destination->tunnel_port = (uint16_t)value;
	return err;
}

static int read_forwarding(struct line *line, struct ipvs_destination *destination)
{
	bool direct = line->values[OPTION_DIRECT], tunnel = line->values[OPTION_IPIP];
	bool nat = line->values[OPTION_NAT];

	if (direct + tunnel + nat > 1)
		return wrong(line, "two ways of forwarding", NULL,
			     "keep one of -g, -i and -m");
	destination->forwarding = nat	   ? IP_VS_CONN_F_MASQ
				  : tunnel ? IP_VS_CONN_F_TUNNEL
					   : IP_VS_CONN_F_DROUTE;
	return read_tunnel(line, destination);
}

static int optional_number(struct line *line, enum option option, const char *what,
			   uint32_t *ret)
{
	const char *text = line->values[option];

	return text ? number(line, text, what, 0, INT32_MAX, ret) : 0;
}

static int read_destination(struct line *line, struct ipvsadm_command *command)
{
	struct ipvs_destination *destination = &command->destination;
	int err;

	if (!line->values[OPTION_SERVER])
		return wrong(line, "a real server is missing", NULL, "name it with -r");
	destination->weight = 1;
	err = endpoint(line, line->values[OPTION_SERVER], &destination->addr,
		       &destination->port, &command->has_port);
	if (!err)
		err = read_forwarding(line, destination);
	if (!err)
		err = optional_number(line, OPTION_WEIGHT,
				      "not a weight:", &destination->weight);
	if (!err)
		err = optional_number(line, OPTION_UPPER,
				      "not a threshold:", &destination->upper_threshold);
	if (!err)
		err = optional_number(line, OPTION_LOWER,
				      "not a threshold:", &destination->lower_threshold);
	return err;
}

/* ---- timeouts and daemons ---- */

static int read_timeouts(struct line *line, struct ipvs_timeouts *timeouts)
{
	uint32_t *const values[] = { &timeouts->tcp_s, &timeouts->tcp_fin_s,
				     &timeouts->udp_s };
	int err = 0;

	for (unsigned i = 0; i < 3 && !err; i++) {
		if (line->at == line->count)
			return wrong(line, "--set needs three timeouts", NULL,
				     "write those of tcp, tcp after FIN, and udp");
		err = number(line, line->words[line->at++], "not a timeout:", 0,
			     INT32_MAX, values[i]);
	}
	if (!err && line->at < line->count)
		return wrong(line, "more than --set takes:", line->words[line->at],
			     "remove it");
	return err;
}

static int small_number(struct line *line, enum option option, const char *what,
			uint32_t max, uint32_t *ret)
{
	const char *text = line->values[option];

	*ret = 0;
	return text ? number(line, text, what, 0, max, ret) : 0;
}

static int read_daemon(struct line *line, struct ipvsadm_command *command)
{
	struct ipvs_daemon *daemon = &command->daemon;
	const char *interface = line->values[OPTION_INTERFACE];
	const char *group = line->values[OPTION_GROUP];
	uint32_t maxlen = 0, port = 0, ttl = 0;
	int err = 0;

	command->is_master = strcmp(line->state, "master") == 0;
	if (!command->is_master && strcmp(line->state, "backup") != 0)
		return wrong(line, "not a sync daemon:", line->state,
			     "write master or backup");
	if (line->verb == IPVSADM_STOP_DAEMON)
		return 0;
	daemon->present = true;
	if (interface)
		err = copy_name(line, interface, "not an interface:", daemon->interface,
				sizeof(daemon->interface));
	if (!err)
		err = small_number(line, OPTION_SYNC_ID, "not a sync id:", 255,
				   &daemon->sync_id);
	if (!err)
		err = small_number(line, OPTION_MAXLEN, "not a length:", 65535, &maxlen);
	if (!err)
		err = small_number(line, OPTION_PORT, "not a port:", 65535, &port);
	if (!err)
		err = small_number(line, OPTION_TTL, "not a ttl:", 255, &ttl);
	if (!err && group && !lsvm_addr_parse(group, &daemon->group))
		err = wrong(line, "not an address:", group,
			    "write a multicast address, as 224.0.0.81");
	daemon->maxlen_bytes = (uint16_t)maxlen;
	daemon->port = (uint16_t)port;
	daemon->ttl = (uint8_t)ttl;
	return err;
}

/* ---- which options a command takes ---- */

static bool option_fits(enum ipvsadm_verb verb, enum option option)
{
	bool service = verb == IPVSADM_ADD_SERVICE || verb == IPVSADM_EDIT_SERVICE;
	bool destination =
		verb == IPVSADM_ADD_DESTINATION || verb == IPVSADM_EDIT_DESTINATION;
	bool keyed = service || destination || verb == IPVSADM_DELETE_SERVICE ||
		     verb == IPVSADM_DELETE_DESTINATION || verb == IPVSADM_ZERO;

	if (option == OPTION_NUMERIC)
		return true;
	if (option <= OPTION_IPV6)
		return keyed;
	if (option <= OPTION_FLAGS)
		return service;
	if (option == OPTION_SERVER)
		return destination || verb == IPVSADM_DELETE_DESTINATION;
	if (option <= OPTION_LOWER)
		return destination;
	return verb == IPVSADM_START_DAEMON ||
	       (verb == IPVSADM_STOP_DAEMON && option == OPTION_SYNC_ID);
}

static int check_options(struct line *line)
{
	for (int option = OPTION_NONE + 1; option < OPTION_COUNT; option++) {
		if (!line->values[option] || option_fits(line->verb, option))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (words[i].option == (enum option)option)
				return wrong(line, "this command does not take option",
					     words[i].name, "remove it");
	}
	return 0;
}

static int read_command(struct line *line, struct ipvsadm_command *command)
{
	int err;

	if (line->verb == IPVSADM_NOTHING)
		return wrong(line, "a command is missing", NULL,
			     "begin with -A, -a or another");
	err = check_options(line);
	if (err)
		return err;
	switch (line->verb) {
	case IPVSADM_ADD_SERVICE:
	case IPVSADM_EDIT_SERVICE:
		err = read_key(line, &command->service.key);
		return err ? err : read_service(line, &command->service);
	case IPVSADM_DELETE_SERVICE:
		return read_key(line, &command->service.key);
	case IPVSADM_ADD_DESTINATION:
	case IPVSADM_EDIT_DESTINATION:
	case IPVSADM_DELETE_DESTINATION:
		err = read_key(line, &command->service.key);
		return err ? err : read_destination(line, command);
	case IPVSADM_NOTHING:
	case IPVSADM_CLEAR:
	case IPVSADM_ZERO:
		return 0;
	case IPVSADM_SET_TIMEOUTS:
		return read_timeouts(line, &command->timeouts);
	case IPVSADM_START_DAEMON:
	case IPVSADM_STOP_DAEMON:
		return read_daemon(line, command);
	}
	return 0;
}

int lsvm_ipvsadm_line(struct lsvm_ctx *ctx, uint32_t number, const char *text,
		      size_t length, struct ipvsadm_command *ret)
{
	struct line line = { .ctx = ctx, .number = number };
	struct ipvsadm_command command = { 0 };
	int err = split(&line, text, length);

	if (!err && line.count) {
		err = take_words(&line);
		if (!err)
			err = read_command(&line, &command);
		command.verb = line.verb;
	}
	if (!err)
		*ret = command;
	return err;
}
