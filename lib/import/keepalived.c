/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keepalived.conf: virtual servers, their groups and their real servers. The words and
 * defaults are those of keepalived.conf(5) of version 2.2: UDP, method NAT, one client
 * for itself, 360 seconds of persistence, weight 1.
 *
 * A virtual server is read once into a pattern; each address of its group becomes a
 * service like it.
 */
#include "import/import.h"

#define RANGE_MAX 4096 /* addresses of one line of a group */

struct pattern {
	struct import_service is; /* without servers */
	VEC(struct import_server) servers;
	struct check_defaults checks;
	bool inhibit;
};

static bool yes(const struct statement *s)
{
	const char *word = lsvm_import_word(s, 1);

	return !*word || strcasecmp(word, "true") == 0 || strcasecmp(word, "on") == 0 ||
	       strcasecmp(word, "yes") == 0 || strcmp(word, "1") == 0;
}

static bool read_port(const struct statement *s, uint32_t n, uint16_t *ret)
{
	uint32_t port = 0;

	if (n < s->count && !lsvm_import_number(s->words[n], 65535, &port))
		return false;
	*ret = (uint16_t)port;
	return true;
}

/* NAT, DR, TUN [type ipip|gue port N|gre] [nocsum|csum|remcsum] from word n on. */
static bool read_way(const struct statement *s, uint32_t n, struct way *ret)
{
	struct way way = { 0 };
	uint32_t port;

	if (strcasecmp(lsvm_import_word(s, n), "NAT") == 0)
		way.forwarding = LSVM_FORWARDING_NAT;
	else if (strcasecmp(lsvm_import_word(s, n), "DR") == 0)
		way.forwarding = LSVM_FORWARDING_DIRECT;
	else if (strcasecmp(lsvm_import_word(s, n), "TUN") == 0)
		way.forwarding = LSVM_FORWARDING_TUNNEL;
	else
		return false;
	while (++n < s->count) {
		const char *word = s->words[n];

		if (strcmp(word, "type") == 0)
			way.tunnel = lsvm_tunnel_kind_parse(lsvm_import_word(s, ++n));
		else if (strcmp(word, "port") == 0 &&
			 lsvm_import_number(lsvm_import_word(s, ++n), 65535, &port))
			way.port = (uint16_t)port;
		else if (strcmp(word, "csum") == 0)
			way.checksum = LSVM_TUNNEL_CHECKSUM_FULL;
		else if (strcmp(word, "remcsum") == 0)
			way.checksum = LSVM_TUNNEL_CHECKSUM_REMOTE;
		else if (strcmp(word, "nocsum") != 0)
			return false;
	}
	*ret = way;
	return true;
}

/* ---- settings of a virtual server ---- */

static bool read_flag(const char *word, uint32_t *flags)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} words[] = {
		{ "flag-1", LSVM_SCHEDULER_FLAG_FALLBACK },
		{ "sh-fallback", LSVM_SCHEDULER_FLAG_FALLBACK },
		{ "mh-fallback", LSVM_SCHEDULER_FLAG_FALLBACK },
		{ "flag-2", LSVM_SCHEDULER_FLAG_PORT },
		{ "sh-port", LSVM_SCHEDULER_FLAG_PORT },
		{ "mh-port", LSVM_SCHEDULER_FLAG_PORT },
		{ "flag-3", LSVM_SCHEDULER_FLAG_THIRD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(words[i].name, word) == 0) {
			*flags |= words[i].flag;
			return true;
		}
	return false;
}

static bool read_granularity(const char *text, uint32_t *ret)
{
	struct addr mask;
	uint32_t bits, length = 0;

	if (lsvm_import_number(text, 128, ret))
		return *ret > 0;
	if (!lsvm_addr_parse(text, &mask) || mask.family != 4)
		return false;
	bits = (uint32_t)mask.bytes[0] << 24 | (uint32_t)mask.bytes[1] << 16 |
	       (uint32_t)mask.bytes[2] << 8 | mask.bytes[3];
	while (length < 32 && (bits & 0x80000000u >> length))
		length++;
	if (!length || (length < 32 && bits << length))
		return false;
	*ret = length;
	return true;
}

static bool read_persistence(const struct statement *s, struct import_service *service)
{
	uint32_t number;

	if (lsvm_import_is(s, "persistence_timeout")) {
		service->persistent = true;
		service->timeout_s = 360;
		return s->count < 2 ||
		       lsvm_import_number(s->words[1], 31536000, &service->timeout_s);
	}
	if (lsvm_import_is(s, "persistence_granularity")) {
		if (!read_granularity(lsvm_import_word(s, 1), &number))
			return false;
		service->prefix_length = number;
		return true;
	}
	if (!lsvm_import_is(s, "persistence_engine") || s->count < 2)
		return false;
	service->engine = s->words[1];
	return true;
}

static bool read_sorry(const struct statement *s, struct import_service *service)
{
	if (!lsvm_addr_parse(lsvm_import_word(s, 1), &service->sorry) ||
	    !read_port(s, 2, &service->sorry_port))
		return false;
	service->sorry_at = s;
	return true;
}

static bool read_setting(const struct statement *s, struct pattern *pattern)
{
	struct import_service *service = &pattern->is;
	const char *word = lsvm_import_word(s, 1);
	uint32_t number;

	if (lsvm_import_is(s, "lb_algo") || lsvm_import_is(s, "lvs_sched")) {
		service->scheduler = word;
		return *word;
	}
	if (lsvm_import_is(s, "lb_kind") || lsvm_import_is(s, "lvs_method"))
		return read_way(s, 1, &service->way);
	if (lsvm_import_is(s, "protocol")) {
		int protocol = strcasecmp(word, "TCP") == 0    ? LSVM_PROTOCOL_TCP
			       : strcasecmp(word, "UDP") == 0  ? LSVM_PROTOCOL_UDP
			       : strcasecmp(word, "SCTP") == 0 ? LSVM_PROTOCOL_SCTP
							       : LSVM_PROTOCOL_UNKNOWN;

		if (protocol)
			service->protocol = (enum lsvm_protocol)protocol;
		return protocol;
	}
	if (lsvm_import_is(s, "ip_family")) {
		service->addr.family = strcmp(word, "inet6") == 0 ? 6 : 4;
		return true;
	}
	if (lsvm_import_is(s, "quorum")) {
		if (!lsvm_import_number(word, INT32_MAX, &number))
			return false;
		service->quorum = number;
		return true;
	}
	if (lsvm_import_is(s, "ops"))
		return service->one_packet = true;
	if (lsvm_import_is(s, "inhibit_on_failure"))
		pattern->inhibit = yes(s);
	if (lsvm_import_is(s, "sorry_server"))
		return read_sorry(s, service);
	return read_flag(s->words[0], &service->flags) || read_persistence(s, service);
}

/* Those that checks look up for themselves, whether or not there are any. */
static bool is_for_checks(const struct statement *s, struct check_defaults *ret)
{
	const struct {
		const char *word;
		const struct statement **to;
	} words[] = {
		{ "delay_loop", &ret->delay_loop },
		{ "connect_timeout", &ret->connect_timeout },
		{ "retry", &ret->retry },
		{ "virtualhost", &ret->virtualhost },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (lsvm_import_is(s, words[i].word)) {
			*words[i].to = s;
			return true;
		}
	return false;
}

/* ---- real servers ---- */

static void read_weight(struct source *source, const struct statement *s, uint32_t *ret)
{
	uint32_t weight;

	if (!lsvm_import_number(lsvm_import_word(s, 1), INT32_MAX, &weight)) {
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_LOST, s,
				"a weight is a number from 0; this one is taken as 1");
		return;
	}
	if (weight > 65535) {
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_CHANGED, s,
				"weights go to 65535; this one becomes that");
		weight = 65535;
	}
	*ret = weight;
}

static void read_server_settings(struct source *source, struct statement *block,
				 struct import_server *server)
{
	struct check_defaults own;

	for (struct statement *s = block->first; s; s = s->next) {
		const char *word = lsvm_import_word(s, 1);

		if (lsvm_import_is(s, "weight")) {
			read_weight(source, s, &server->weight);
			s->used = true;
		} else if (lsvm_import_is(s, "uthreshold")) {
			s->used = lsvm_import_number(word, INT32_MAX, &server->upper);
		} else if (lsvm_import_is(s, "lthreshold")) {
			s->used = lsvm_import_number(word, INT32_MAX, &server->lower);
		} else if (lsvm_import_is(s, "lvs_method")) {
			s->used = read_way(s, 1, &server->way);
		} else if (lsvm_import_is(s, "inhibit_on_failure")) {
			server->inhibit = yes(s);
		} else if (is_for_checks(s, &own)) {
			s->used = true;
		}
	}
}

static void read_server(struct source *source, struct statement *block,
			struct pattern *pattern)
{
	struct import_server *server, made = { .at = block, .weight = 1 };
	static const char address[] =
		"an address and a port belong here; libsvm does not "
		"look up names";

	made.way = pattern->is.way;
	made.inhibit = pattern->inhibit;
	if (!lsvm_addr_parse(lsvm_import_word(block, 1), &made.addr) ||
	    !read_port(block, 2, &made.port)) {
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_LOST, block, "%s", address);
		lsvm_import_use_all(block);
		return;
	}
	block->used = true;
	read_server_settings(source, block, &made);
	made.checks = lsvm_keepalived_checks(source, block, &pattern->checks, &made.addr);
	server = vec_push(&pattern->servers);
	if (server)
		*server = made;
	else
		source->import->failed = true;
}

/* ---- what a virtual server stands for ---- */

static void make_service(struct source *source, const struct pattern *pattern,
			 const struct statement *at, uint32_t mark,
			 const struct addr *addr, uint16_t port)
{
	struct import_service *service = lsvm_import_service(source, at);
	uint8_t family = pattern->is.addr.family;

	if (!service)
		return;
	*service = pattern->is;
	service->at = at;
	service->mark = mark;
	service->port = mark ? 0 : port;
	if (!mark)
		service->addr = *addr;
	else if (!family)
		service->addr.family = pattern->servers.count
					       ? pattern->servers.items[0].addr.family
					       : 4;
	for (size_t i = 0; i < pattern->servers.count; i++) {
		struct import_server *server =
			lsvm_import_server(source, service, pattern->servers.items[i].at);

		if (!server)
			return;
		*server = pattern->servers.items[i];
	}
}

/* The next address; false behind the last one of the family. */
static bool increment(struct addr *addr)
{
	for (int i = lsvm_addr_bits(addr) / 8 - 1; i >= 0; i--)
		if (++addr->bytes[i])
			return true;
	return false;
}

/* "10.0.0.1", "10.0.0.1-9", "10.0.0.250-10.0.1.9", "10.0.0.8/29", IPv6 alike. */
static bool read_range(const char *text, struct addr *first, struct addr *last)
{
	const char *dash = strchr(text, '-');
	char head[LSVM_ADDRESS_TEXT_BYTES];
	struct prefix prefix;
	uint32_t tail = 0;

	if (!dash) {
		if (!lsvm_prefix_parse(text, &prefix))
			return false;
		*first = *last = prefix.addr;
		for (unsigned bit = prefix.length; bit < lsvm_addr_bits(first); bit++) {
			first->bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
			last->bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		}
		return true;
	}
	if ((size_t)(dash - text) >= sizeof(head))
		return false;
	memcpy(head, text, (size_t)(dash - text));
	head[dash - text] = '\0';
	if (!lsvm_addr_parse(head, first))
		return false;
	if (lsvm_addr_parse(dash + 1, last))
		return last->family == first->family;
	*last = *first;
	if (first->family == 4 && lsvm_import_number(dash + 1, 255, &tail)) {
		last->bytes[3] = (uint8_t)tail;
		return true;
	}
	if (first->family != 6 || !dash[1] || strlen(dash + 1) > 4 ||
	    strspn(dash + 1, "0123456789abcdefABCDEF") != strlen(dash + 1))
		return false;
	for (const char *c = dash + 1; *c; c++)
		tail = tail << 4 |
		       (uint32_t)(*c <= '9' ? *c - '0' : (*c | 0x20) - 'a' + 10);
	last->bytes[14] = (uint8_t)(tail >> 8);
	last->bytes[15] = (uint8_t)tail;
	return true;
}

static void make_range(struct source *source, const struct pattern *pattern,
		       struct statement *at, uint32_t n)
{
	struct addr addr, last;
	uint16_t port;

	if (!read_range(lsvm_import_word(at, n), &addr, &last) ||
	    !read_port(at, n + 1, &port)) {
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_LOST, at,
				"an address, a range of them or a mark belongs here");
		return;
	}
	for (unsigned i = 0; lsvm_addr_compare(&addr, &last) <= 0; i++) {
		if (i == RANGE_MAX) {
			lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_LOST, at,
					"only the first %u addresses of the range are "
					"taken",
					RANGE_MAX);
			return;
		}
		make_service(source, pattern, at, 0, &addr, port);
		if (!increment(&addr))
			return;
	}
}

static void make_marked(struct source *source, const struct pattern *pattern,
			struct statement *at, uint32_t n)
{
	uint32_t mark;

	if (!lsvm_import_number(lsvm_import_word(at, n), UINT32_MAX, &mark) || !mark) {
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_LOST, at,
				"a mark is a number from 1 to 4294967295");
		return;
	}
	make_service(source, pattern, at, mark, NULL, 0);
}

static void make_group(struct source *source, const struct pattern *pattern,
		       struct statement *block)
{
	struct statement *group =
		lsvm_map_find(&source->groups, lsvm_import_word(block, 2));

	if (!group) {
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_LOST, block,
				"there is no virtual_server_group of that name");
		return;
	}
	group->used = true;
	for (struct statement *s = group->first; s; s = s->next) {
		s->used = true;
		if (lsvm_import_is(s, "fwmark"))
			make_marked(source, pattern, s, 1);
		else
			make_range(source, pattern, s, 0);
	}
}

/* Default checks of a service: those of its first server; others must have the same. */
static void compare_checks(struct source *source, const struct pattern *pattern)
{
	for (size_t i = 1; i < pattern->servers.count; i++)
		if (!lsvm_import_same(pattern->servers.items[0].checks,
				      pattern->servers.items[i].checks))
			lsvm_import_say(
				source, LSVM_IMPORT_NOTE_KIND_CHANGED,
				pattern->servers.items[i].at,
				"its checks are not those of the first real "
				"server; checks belong to the service, so all are "
				"checked like the first");
}

static void read_virtual_server(struct source *source, struct statement *block)
{
	struct pattern pattern = { .is = { .at = block,
					   .declared = block,
					   .protocol = LSVM_PROTOCOL_TCP,
					   .scheduler = "wlc" } };
	const char *what = lsvm_import_word(block, 1);

	pattern.is.way.forwarding = LSVM_FORWARDING_NAT;
	block->used = true;
	if (strcmp(what, "fwmark") != 0 && !lsvm_import_seek(block, "protocol")) {
		pattern.is.protocol = LSVM_PROTOCOL_UDP;
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_DANGER, block,
				"without a protocol keepalived balances UDP, and TCP is "
				"refused; so does the cluster file: leave protocol: udp "
				"out if TCP was meant");
	}
	for (struct statement *s = block->first; s; s = s->next)
		if (!lsvm_import_is(s, "real_server") && s->count)
			s->used = read_setting(s, &pattern) ||
				  is_for_checks(s, &pattern.checks);
	for (struct statement *s = block->first; s; s = s->next)
		if (lsvm_import_is(s, "real_server"))
			read_server(source, s, &pattern);
	compare_checks(source, &pattern);
	if (pattern.servers.count)
		pattern.is.checks = pattern.servers.items[0].checks;
	if (strcmp(what, "group") == 0)
		make_group(source, &pattern, block);
	else if (strcmp(what, "fwmark") == 0)
		make_marked(source, &pattern, block, 2);
	else
		make_range(source, &pattern, block, 1);
	vec_free(&pattern.servers);
}

/* ---- the file ---- */

static void read_timeouts(const struct statement *s, struct import_house *house)
{
	for (uint32_t n = 1; n + 1 < s->count; n += 2) {
		uint32_t *to = strcmp(s->words[n], "tcp") == 0	    ? &house->tcp_s
			       : strcmp(s->words[n], "tcpfin") == 0 ? &house->tcp_fin_s
			       : strcmp(s->words[n], "udp") == 0    ? &house->udp_s
								    : NULL;

		if (to)
			lsvm_import_number(s->words[n + 1], 8640000, to);
	}
}

static void note_group(struct source *source, struct statement *block)
{
	const char *name = lsvm_import_word(block, 1);
	void *old;

	if (lsvm_map_put(&source->groups, name, strlen(name), block, &old) ==
	    LSVM_ERR_NOMEM)
		source->import->failed = true;
}

static void read_globals(struct source *source, struct statement *block)
{
	struct statement *timeouts = lsvm_import_seek(block, "lvs_timeouts");

	block->used = true;
	if (timeouts)
		read_timeouts(timeouts, &source->house);
}

int lsvm_import_keepalived(struct lsvm_ctx *ctx, const char *bytes, size_t length,
			   struct lsvm_import **ret)
{
	struct source source;
	struct statement *root;
	int err = lsvm_import_begin(ctx, LSVM_IMPORT_SOURCE_KEEPALIVED, bytes, length,
				    &source);

	if (err)
		return err;
	root = lsvm_import_blocks(&source, bytes, length);
	if (!root)
		return lsvm_import_finish(&source,
					  source.arena.failed || source.import->failed
						  ? LSVM_ERR_NOMEM
						  : LSVM_ERR_LIMIT,
					  ret);
	source.house.name = "keepalived";
	for (struct statement *s = root->first; s; s = s->next)
		if (lsvm_import_is(s, "virtual_server_group"))
			note_group(&source, s);
	for (struct statement *s = root->first; s; s = s->next) {
		if (lsvm_import_is(s, "virtual_server"))
			read_virtual_server(&source, s);
		else if (lsvm_import_is(s, "global_defs"))
			read_globals(&source, s);
	}
	lsvm_keepalived_vrrp(&source, root);
	lsvm_import_leftovers(&source, root, lsvm_keepalived_why);
	return lsvm_import_finish(&source, lsvm_import_whose(&source, bytes, length),
				  ret);
}
