/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ldirectord.cf: lines of key=value; indented ones belong to the virtual service above.
 * Words and defaults are those of ldirectord(8): scheduler wrr, weight 1, a check every
 * 10 s that asks in the protocol of the port, one failure is enough, and a failed server
 * stays with weight 0 (quiescent).
 */
#include "import/import.h"

#define LOST LSVM_IMPORT_NOTE_KIND_LOST
#define CHANGED LSVM_IMPORT_NOTE_KIND_CHANGED
#define DANGER LSVM_IMPORT_NOTE_KIND_DANGER
#define RANGE_MAX 4096

/* ---- lines ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char *trim(char *text)
{
	char *end;

	while (is_blank(*text))
		text++;
	end = text + strlen(text);
	while (end > text && is_blank(end[-1]))
		*--end = '\0';
	return text;
}

/* "key = value" into two words; a line without = has one. */
static void read_pair(struct source *source, struct statement *s)
{
	char *line = lsvm_arena_strdup(&source->arena, s->text), *equals;

	s->words = lsvm_arena_array(&source->arena, 2, sizeof(*s->words));
	if (!line || !s->words)
		return;
	line[strcspn(line, "#")] = '\0';
	equals = strchr(line, '=');
	if (equals)
		*equals = '\0';
	s->words[0] = trim(line);
	s->count = 1;
	if (equals)
		s->words[s->count++] = trim(equals + 1);
}

static struct statement *read_lines(struct source *source, const char *bytes,
				    size_t length)
{
	struct statement *root = lsvm_import_statement(source, NULL, 0, "", 0);
	struct statement *virtual = NULL, *s;
	uint32_t line = 0;

	for (size_t at = 0; root && at < length;) {
		const char *start = bytes + at, *end = memchr(start, '\n', length - at);
		size_t size = end ? (size_t)(end - start) : length - at, skip = 0;

		at += size + 1;
		line++;
		while (skip < size && is_blank(start[skip]))
			skip++;
		while (size > skip && is_blank(start[size - 1]))
			size--;
		if (skip == size || start[skip] == '#')
			continue;
		s = lsvm_import_statement(
			source, skip && virtual ? virtual : root, line, start + skip,
			size - skip > IMPORT_MAX_LINE_BYTES ? IMPORT_MAX_LINE_BYTES
							    : size - skip);
		if (!s)
			return NULL;
		read_pair(source, s);
		if (skip && virtual)
			virtual->last_line = line;
		else
			virtual = strncmp(lsvm_import_word(s, 0), "virtual", 7) == 0
					  ? s
					  : NULL;
	}
	return root;
}

/* ---- values ---- */

static const struct statement *global(struct source *source, const char *key)
{
	struct statement *s = lsvm_map_find(&source->groups, key);

	if (s)
		s->used = true;
	return s;
}

/* The last line of a key counts; virtual services do not get in. */
static void gather_globals(struct source *source, struct statement *root)
{
	for (struct statement *s = root->last; s; s = s->before) {
		const char *key = lsvm_import_word(s, 0);

		if (strncmp(key, "virtual", 7) != 0 &&
		    lsvm_map_put(&source->groups, key, strlen(key), s, NULL) ==
			    LSVM_ERR_NOMEM)
			source->import->failed = true;
	}
}

/* The value in the virtual service, else the global one, without its quotes. */
static const char *option(struct source *source, const struct statement *virtual,
			  const char *key, const struct statement **ret_at)
{
	const struct statement *s = lsvm_import_seek(virtual, key);
	const char *value;
	size_t length;

	if (!s)
		s = global(source, key);
	if (ret_at)
		*ret_at = s;
	if (!s)
		return NULL;
	value = lsvm_import_word(s, 1);
	length = strlen(value);
	if (length > 1 && *value == '"' && value[length - 1] == '"')
		value = lsvm_arena_strndup(&source->arena, value + 1, length - 2);
	return value ? value : "";
}

static bool says(struct source *source, const struct statement *virtual, const char *key,
		 bool otherwise)
{
	const char *value = option(source, virtual, key, NULL);

	return value ? strcmp(value, "yes") == 0 : otherwise;
}

static uint32_t seconds(struct source *source, const struct statement *virtual,
			const char *key, uint32_t otherwise)
{
	const struct statement *at;
	const char *value = option(source, virtual, key, &at);
	uint32_t number;

	if (!value)
		return otherwise;
	if (lsvm_import_number(value, 86400, &number) && number)
		return number;
	lsvm_import_say(source, LOST, at, "a number from 1 to 86400 belongs here");
	return otherwise;
}

/* "192.0.2.1:80", "[2001:db8::1]:80", without a port too; text is cut up. */
static bool read_endpoint(char *text, struct addr *addr, uint16_t *port)
{
	char *colon = strrchr(text, ':'), *close = strchr(text, ']');
	uint32_t number = 0;

	if (*text == '[' && close) {
		*close = '\0';
		colon = close[1] == ':' ? close + 1 : NULL;
		if (close[1] && !colon)
			return false;
		text++;
	}
	if (colon) {
		*colon = '\0';
		/* "::5060" is an old way of writing a port. */
		if (colon > text && colon[-1] == ':')
			colon[-1] = '\0';
		if (!lsvm_import_number(colon + 1, 65535, &number))
			return false;
	}
	*port = (uint16_t)number;
	return lsvm_addr_parse(text, addr);
}

static bool read_forwarding(const char *word, enum lsvm_forwarding *ret)
{
	if (strcmp(word, "gate") == 0)
		*ret = LSVM_FORWARDING_DIRECT;
	else if (strcmp(word, "masq") == 0)
		*ret = LSVM_FORWARDING_NAT;
	else if (strcmp(word, "ipip") == 0)
		*ret = LSVM_FORWARDING_TUNNEL;
	else
		return false;
	return true;
}

/* ---- checks ---- */

static const struct {
	uint16_t port;
	const char *service;
} by_port[] = {
	{ 21, "ftp" },		{ 25, "smtp" },	    { 53, "dns" },
	{ 80, "http" },		{ 110, "pop" },	    { 119, "nntp" },
	{ 143, "imap" },	{ 389, "ldap" },    { 443, "https" },
	{ 587, "submission" },	{ 636, "ldaps" },   { 993, "imaps" },
	{ 995, "pops" },	{ 1521, "oracle" }, { 1812, "radius" },
	{ 3128, "http_proxy" }, { 3306, "mysql" },  { 5432, "pgsql" },
	{ 5060, "sip" },
};

static const struct {
	const char *service, *kind;
} kinds[] = {
	{ "http", "http" },   { "https", "https" },	 { "dns", "dns" },
	{ "smtp", "smtp" },   { "submission", "smtp" },	 { "ldap", "ldap" },
	{ "mysql", "mysql" }, { "pgsql", "postgresql" },
};

/* What a negotiating check asks for. */
static void put_question(struct source *source, const struct statement *virtual,
			 const char *kind, struct node *map)
{
	const struct statement *at;
	const char *request = option(source, virtual, "request", NULL);
	const char *receive = option(source, virtual, "receive", &at), *value;

	if (strncmp(kind, "http", 4) == 0) {
		value = option(source, virtual, "httpmethod", NULL);
		if (value)
			lsvm_import_text(source, map, "method", value);
		if (request)
			lsvm_import_text(source, map, "path",
					 *request == '/'
						 ? request
						 : lsvm_arena_printf(&source->arena,
								     "/%s", request));
		value = option(source, virtual, "virtualhost", NULL);
		if (value && *value)
			lsvm_import_text(source, map, "host", value);
		if (receive && *receive && strpbrk(receive, "\\^$.|?*+()[]{}"))
			lsvm_import_say(source, CHANGED, at,
					"a regular expression; body: is searched for as "
					"plain text");
		if (receive && *receive)
			lsvm_import_text(source, map, "body", receive);
	} else if (strcmp(kind, "dns") == 0) {
		lsvm_import_text(source, map, "query", request);
		lsvm_import_text(source, map, "record", "A");
		if (receive)
			lsvm_import_say(source, LOST, at, "a DNS check takes any answer");
	} else if (strcmp(kind, "ldap") == 0) {
		lsvm_import_text(source, map, "base_dn", request);
	} else if (strcmp(kind, "mysql") == 0 || strcmp(kind, "postgresql") == 0) {
		lsvm_import_text(source, map, "database",
				 option(source, virtual, "database", NULL));
		lsvm_import_text(source, map, "user",
				 option(source, virtual, "login", NULL));
	}
}

static const char *service_name(struct source *source, const struct statement *virtual,
				uint16_t port)
{
	const char *name = option(source, virtual, "service", NULL);

	for (size_t i = 0; !name && i < ARRAY_SIZE(by_port); i++)
		if (by_port[i].port == port)
			name = by_port[i].service;
	return name ? name : "none";
}

/* The kind of check; NULL: none. */
static const char *check_kind(struct source *source, const struct statement *virtual,
			      const struct import_service *service)
{
	const struct statement *at;
	const char *type = option(source, virtual, "checktype", &at), *name;

	if (type && strcmp(type, "off") == 0)
		lsvm_import_say(
			source, CHANGED, at,
			"off would have used no real server at all; here they are "
			"used without a check");
	if (type && (strcmp(type, "off") == 0 || strcmp(type, "on") == 0))
		return NULL;
	if (type && strncmp(type, "external", 8) == 0)
		return "external";
	if (type && strcmp(type, "ping") == 0)
		return "ping";
	if (type && strcmp(type, "connect") == 0)
		return service->protocol == LSVM_PROTOCOL_UDP ? "ping" : "tcp";
	if (type && strspn(type, "0123456789") == strlen(type))
		lsvm_import_say(source, CHANGED, at,
				"every check asks in the protocol of the service");
	name = service_name(source, virtual, service->port);
	if (strcmp(name, "none") == 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].service, name) == 0)
			return kinds[i].kind;
	lsvm_import_say(source, CHANGED, virtual,
			"there is no check that speaks %.40s; the servers are only "
			"connected to",
			name);
	return service->protocol == LSVM_PROTOCOL_UDP ? "ping" : "tcp";
}

static void put_command(struct source *source, const struct statement *virtual,
			struct node *map)
{
	const struct statement *at;
	const char *command = option(source, virtual, "checkcommand", &at);
	struct node *list = lsvm_import_list(source);

	lsvm_import_put(list, source, NULL,
			lsvm_import_scalar(source, command ? command : "/bin/true"));
	lsvm_import_put(map, source, "command", list);
	lsvm_import_say(source, CHANGED, at ? at : virtual,
			"the program gets what libsvm passes to checks, not the four "
			"arguments of ldirectord");
}

static void read_check(struct source *source, const struct statement *virtual,
		       struct import_service *service)
{
	const char *kind = check_kind(source, virtual, service);
	uint32_t interval = seconds(source, virtual, "checkinterval", 10);
	uint32_t check = seconds(source, virtual, "checktimeout", 0);
	uint32_t negotiate = seconds(source, virtual, "negotiatetimeout", 0), timeout;
	uint32_t fall = seconds(source, virtual, "failurecount", 1);
	const char *port = option(source, virtual, "checkport", NULL);
	struct node *map, *list;
	bool asks;

	if (!kind)
		return;
	asks = strcmp(kind, "tcp") != 0 && strcmp(kind, "ping") != 0 &&
	       strcmp(kind, "external") != 0;
	timeout = asks	      ? negotiate ? negotiate
				 : check  ? check
					  : 30
		  : check     ? check
		  : negotiate ? negotiate
			      : 5;
	map = lsvm_import_map(source);
	list = lsvm_import_list(source);
	lsvm_import_word_of(source, map, "kind", kind);
	if (port && strcmp(kind, "ping") != 0)
		lsvm_import_word_of(source, map, "port", port);
	lsvm_import_count(source, map, "interval_ms", (uint64_t)interval * 1000);
	lsvm_import_count(source, map, "timeout_ms",
			  (uint64_t)(timeout > 3600 ? 3600 : timeout) * 1000);
	lsvm_import_count(source, map, "rise", 1);
	lsvm_import_count(source, map, "fall", fall > 1000 ? 1000 : fall);
	if (strcmp(kind, "external") == 0)
		put_command(source, virtual, map);
	else if (asks)
		put_question(source, virtual, kind, map);
	lsvm_import_put(list, source, NULL, map);
	service->checks = list;
}

/* ---- real servers ---- */

static void add_servers(struct source *source, struct import_service *service,
			const struct statement *at, const struct import_server *made,
			const struct addr *last)
{
	struct import_server *server;
	struct addr addr = made->addr;

	for (unsigned i = 0; lsvm_addr_compare(&addr, last) <= 0; i++) {
		if (i == RANGE_MAX) {
			lsvm_import_say(
				source, LOST, at,
				"only the first %u servers of the range are taken",
				RANGE_MAX);
			return;
		}
		server = lsvm_import_server(source, service, at);
		if (!server)
			return;
		*server = *made;
		server->addr = addr;
		for (int n = lsvm_addr_bits(&addr) / 8 - 1; n >= 0 && !++addr.bytes[n];
		     n--)
			if (n == 0)
				return;
	}
}

static void read_details(struct source *source, struct import_server *made, char *rest)
{
	char *save = NULL;

	for (char *word = strtok_r(rest, " \t", &save); word;
	     word = strtok_r(NULL, " \t", &save)) {
		uint32_t number;

		if (read_forwarding(word, &made->way.forwarding))
			continue;
		if (lsvm_import_number(word, 65535, &made->weight))
			continue;
		word[strcspn(word, ">")] = '\0';
		if (strncmp(word, "<u:", 3) == 0 &&
		    lsvm_import_number(word + 3, INT32_MAX, &number)) {
			made->upper = number;
			continue;
		}
		if (strncmp(word, "<l:", 3) == 0 &&
		    lsvm_import_number(word + 3, INT32_MAX, &number)) {
			made->lower = number;
			continue;
		}
		lsvm_import_say(source, LOST, made->at,
				"of this line the address, the way, the weight and the "
				"thresholds are kept; checks belong to the service");
		return;
	}
}

static void read_real(struct source *source, struct import_service *service,
		      struct statement *s, bool inhibit)
{
	struct import_server made = { .at = s, .weight = 1, .inhibit = inhibit };
	char *text = lsvm_arena_strdup(&source->arena, lsvm_import_word(s, 1)), *rest;
	char *arrow;
	struct addr last;
	uint16_t port = 0;
	bool good = true;

	s->used = true;
	if (!text)
		return;
	rest = text + strcspn(text, " \t");
	if (*rest)
		*rest++ = '\0';
	made.way.forwarding = LSVM_FORWARDING_DIRECT;
	arrow = strstr(text, "->");
	if (arrow) {
		*arrow = '\0';
		good = read_endpoint(text, &made.addr, &port) &&
		       read_endpoint(arrow + 2, &last, &made.port) &&
		       last.family == made.addr.family;
	} else {
		good = read_endpoint(text, &made.addr, &made.port);
		last = made.addr;
	}
	if (!good) {
		lsvm_import_say(source, LOST, s,
				"an address and a port in numbers belong here; libsvm "
				"does not look up names");
		return;
	}
	read_details(source, &made, rest);
	add_servers(source, service, s, &made, &last);
}

static void read_fallback(struct source *source, struct import_service *service,
			  const struct statement *virtual)
{
	bool six = service->addr.family == 6;
	const struct statement *at;
	const char *value = option(source, virtual, six ? "fallback6" : "fallback", &at);
	char *text = value ? lsvm_arena_strdup(&source->arena, value) : NULL;

	if (!text)
		return;
	text[strcspn(text, " \t")] = '\0';
	service->sorry_at = at;
	if (!read_endpoint(text, &service->sorry, &service->sorry_port)) {
		service->sorry = (struct addr){ 0 };
		lsvm_import_say(
			source, LOST, at,
			"an address in numbers belongs here; libsvm does not look "
			"up names");
	}
}

/* ---- virtual services ---- */

static bool read_virtual_address(struct import_service *service,
				 const struct statement *virtual, char *text)
{
	uint32_t mark;

	if (lsvm_import_number(text, UINT32_MAX, &mark)) {
		service->mark = mark;
		service->addr.family = lsvm_import_is(virtual, "virtual6") ? 6 : 4;
		return mark > 0;
	}
	return read_endpoint(text, &service->addr, &service->port) && service->port;
}

static void read_persistence(struct source *source, const struct statement *virtual,
			     struct import_service *service)
{
	const struct statement *at;
	const char *mask = option(source, virtual, "netmask", &at);
	struct addr addr;
	uint32_t bits;

	service->timeout_s = seconds(source, virtual, "persistent", 0);
	service->persistent = service->timeout_s > 0;
	if (!mask || lsvm_import_number(mask, 128, &service->prefix_length))
		return;
	if (lsvm_addr_parse(mask, &addr) && addr.family == 4) {
		bits = (uint32_t)addr.bytes[0] << 24 | (uint32_t)addr.bytes[1] << 16 |
		       (uint32_t)addr.bytes[2] << 8 | addr.bytes[3];
		while (service->prefix_length < 32 &&
		       (bits & 0x80000000u >> service->prefix_length))
			service->prefix_length++;
		if (service->prefix_length == 32 || !(bits << service->prefix_length))
			return;
	}
	service->prefix_length = 0;
	lsvm_import_say(source, LOST, at, "this is no netmask");
}

static void read_virtual(struct source *source, struct statement *virtual)
{
	char *text = lsvm_arena_strdup(&source->arena, lsvm_import_word(virtual, 1));
	struct import_service *service, made = { 0 };
	const char *value;
	bool inhibit;

	virtual->used = true;
	if (!text)
		return;
	if (!read_virtual_address(&made, virtual, text)) {
		lsvm_import_say(source, LOST, virtual,
				"an address and a port in numbers, or a mark, belong "
				"here");
		lsvm_import_use_all(virtual);
		return;
	}
	service = lsvm_import_service(source, virtual);
	if (!service)
		return;
	service->declared = virtual;
	service->mark = made.mark;
	service->addr = made.addr;
	service->port = made.port;
	value = option(source, virtual, "protocol", NULL);
	if ((value && strcmp(value, "udp") == 0) || (!value && made.port == 53))
		service->protocol = LSVM_PROTOCOL_UDP;
	value = option(source, virtual, "scheduler", NULL);
	service->scheduler = value ? value : "wrr";
	service->one_packet = says(source, virtual, "ops", false);
	inhibit = says(source, virtual, "quiescent", true);
	read_persistence(source, virtual, service);
	read_check(source, virtual, service);
	for (struct statement *s = virtual->first; s; s = s->next)
		if (lsvm_import_is(s, "real") || lsvm_import_is(s, "real6"))
			read_real(source, service, s, inhibit);
	read_fallback(source, service, virtual);
}

static const char *why(const struct statement *s)
{
	static const struct {
		const char *word, *why;
	} reasons[] = {
		{ "autoreload", "a cluster file is applied when you say so" },
		{ "callback", "a cluster file is applied to all directors alike" },
		{ "execute", "import that configuration by itself" },
		{ "fallbackcommand", "programs on events are not run" },
		{ "logfile", "the agents write to the system's log" },
		{ "emailalert", "the directors send no mail" },
		{ "emailalertfrom", "the directors send no mail" },
		{ "emailalertfreq", "the directors send no mail" },
		{ "emailalertstatus", "the directors send no mail" },
		{ "smtp", "the directors send no mail" },
		{ "supervised", "it is about ldirectord's own processes" },
		{ "fork", "it is about ldirectord's own processes" },
		{ "checkcount", "failures in a row are counted: fall" },
		{ "readdquiescent", "what was changed by hand is brought back" },
		{ "cleanstop", "services stay when the agent ends" },
		{ "maintenancedir", "a server is taken out with its weight: 0" },
		{ "monitorfile", "a monitor reads the state" },
		{ "servicename", "services are named by what they speak" },
		{ "comment", "comments are not carried over" },
		{ "passwd", "checks have no passwords" },
		{ "secret", "checks have no passwords" },
		{ "login", "this check has no user" },
		{ "database", "this check has no database" },
		{ "request", "this check asks for nothing" },
		{ "receive", "this check takes any answer" },
		{ "virtualhost", "only HTTP checks have a host" },
		{ "httpmethod", "only HTTP checks have a method" },
		{ "checkcommand", "only external checks have a program" },
		{ "service", "there is no check, or one that speaks no protocol" },
		{ "fallback", "it is not of the family of the service" },
		{ "fallback6", "no service is IPv6" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (lsvm_import_is(s, reasons[i].word))
			return reasons[i].why;
	return NULL;
}

int lsvm_import_ldirectord(struct lsvm_ctx *ctx, const char *bytes, size_t length,
			   struct lsvm_import **ret)
{
	struct source source;
	struct statement *root;
	int err = lsvm_import_begin(ctx, LSVM_IMPORT_SOURCE_LDIRECTORD, bytes, length,
				    &source);

	if (err)
		return err;
	source.house.name = "ldirectord";
	root = read_lines(&source, bytes, length);
	if (!root)
		return lsvm_import_finish(&source, LSVM_ERR_NOMEM, ret);
	gather_globals(&source, root);
	for (struct statement *s = root->first; s; s = s->next)
		if (lsvm_import_is(s, "virtual") || lsvm_import_is(s, "virtual6"))
			read_virtual(&source, s);
	if (source.services.count && says(&source, root->first, "cleanstop", true))
		lsvm_import_say(&source, DANGER, NULL,
				"when ldirectord ends it removes its services (cleanstop "
				"is yes unless it says no), and the last service of an "
				"address family takes every live connection with it");
	lsvm_import_leftovers(&source, root, why);
	return lsvm_import_finish(&source, lsvm_import_whose(&source, bytes, length),
				  ret);
}
