/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checks of a real_server as checks of a cluster file. Times stand in the check, the
 * real server or the virtual server, and the nearest counts; defaults are those of
 * keepalived.conf(5): every 60 s, 5 s for an answer, one more try.
 */
#include "import/import.h"

struct maker {
	struct source *source;
	struct statement *check;
	const struct statement *server;
	const struct check_defaults *defaults;
	const struct addr *addr;
};

static const struct kind {
	const char *word, *kind;
	uint32_t retry; /* default */
} kinds[] = {
	{ "TCP_CHECK", "tcp", 1 }, { "HTTP_GET", "http", 1 },
	{ "SSL_GET", "https", 1 }, { "SMTP_CHECK", "smtp", 1 },
	{ "DNS_CHECK", "dns", 3 }, { "MISC_CHECK", "external", 0 },
	{ "UDP_CHECK", "udp", 1 }, { "PING_CHECK", "ping", 1 },
};

static const struct kind *kind_of(const struct statement *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (lsvm_import_is(s, kinds[i].word))
			return &kinds[i];
	return NULL;
}

/* The value nearest to the check; NULL: nowhere. */
static const char *option(const struct maker *maker, const char *word)
{
	const struct statement *s = lsvm_import_seek(maker->check, word);

	if (!s)
		s = lsvm_import_seek(maker->server, word);
	if (!s)
		s = strcmp(word, "delay_loop") == 0 ? maker->defaults->delay_loop
		    : strcmp(word, "connect_timeout") == 0
			    ? maker->defaults->connect_timeout
		    : strcmp(word, "retry") == 0 ? maker->defaults->retry
						 : maker->defaults->virtualhost;
	return s ? lsvm_import_word(s, 1) : NULL;
}

static uint32_t milliseconds(const struct maker *maker, const char *word,
			     uint32_t otherwise, uint32_t min, uint32_t max)
{
	const char *text = option(maker, word);
	uint32_t value = otherwise;

	if (text && !lsvm_import_milliseconds(text, min, max, &value))
		lsvm_import_say(
			maker->source, LSVM_IMPORT_NOTE_KIND_LOST, maker->check,
			"%s '%.40s' is no time that a check can have; it is taken "
			"as %u ms",
			word, text, otherwise);
	return value;
}

/* Only checks of the real server's own address and of one port are known here. */
static void put_target(const struct maker *maker, struct statement *block,
		       struct node *map)
{
	struct statement *port = lsvm_import_seek(block, "connect_port");
	struct statement *ip = lsvm_import_seek(block, "connect_ip");
	struct addr addr;
	uint32_t number;

	if (ip && (!lsvm_addr_parse(lsvm_import_word(ip, 1), &addr) ||
		   lsvm_addr_compare(&addr, maker->addr) != 0))
		ip->used = false;
	if (port && lsvm_import_number(lsvm_import_word(port, 1), 65535, &number) &&
	    number)
		lsvm_import_count(maker->source, map, "port", number);
	else if (port)
		port->used = false;
}

static void put_common(const struct maker *maker, const struct kind *kind,
		       struct node *map)
{
	const char *retry = option(maker, "retry");
	uint32_t fall = kind->retry;

	lsvm_import_count(maker->source, map, "interval_ms",
			  milliseconds(maker, "delay_loop", 60000, 10, 86400000));
	lsvm_import_count(maker->source, map, "timeout_ms",
			  milliseconds(maker, "connect_timeout", 5000, 1, 3600000));
	lsvm_import_count(maker->source, map, "rise", 1);
	if (retry && !lsvm_import_number(retry, 999, &fall))
		lsvm_import_say(maker->source, LSVM_IMPORT_NOTE_KIND_LOST, maker->check,
				"retry '%.40s' is no number up to 999", retry);
	lsvm_import_count(maker->source, map, "fall", fall + 1);
}

static struct node *new_check(const struct maker *maker, const struct kind *kind,
			      struct node *list)
{
	struct node *map = lsvm_import_map(maker->source);

	lsvm_import_word_of(maker->source, map, "kind", kind->kind);
	put_target(maker, maker->check, map);
	put_common(maker, kind, map);
	lsvm_import_put(list, maker->source, NULL, map);
	return map;
}

/* ---- HTTP ---- */

static void put_status(const struct maker *maker, struct node *list, uint32_t first,
		       uint32_t last)
{
	char text[8];

	for (uint32_t status = first; status <= last; status++) {
		text[0] = (char)('0' + status / 100);
		text[1] = (char)('0' + status / 10 % 10);
		text[2] = (char)('0' + status % 10);
		lsvm_import_put(
			list, maker->source, NULL,
			lsvm_tree_scalar(&maker->source->tree, STYLE_PLAIN, text, 3));
	}
}

/* "200", "200-299 301" */
static void put_statuses(const struct maker *maker, struct statement *codes,
			 struct node *map)
{
	struct node *list = lsvm_import_list(maker->source);

	for (uint32_t n = 1; n < codes->count; n++) {
		const char *word = codes->words[n];
		char head[4] = "";
		uint32_t first, last;

		strncpy(head, word, 3);
		if (!lsvm_import_number(head, 599, &first) || first < 100 ||
		    (word[3] && word[3] != '-')) {
			codes->used = false;
			continue;
		}
		last = first;
		if (word[3] &&
		    (!lsvm_import_number(word + 4, 599, &last) || last < first))
			codes->used = false;
		put_status(maker, list, first, last);
	}
	if (list && list->first)
		lsvm_import_put(map, maker->source, "statuses", list);
}

static void put_host(const struct maker *maker, struct statement *url, struct node *map,
		     bool tls)
{
	const struct statement *own = lsvm_import_seek(url, "virtualhost");
	const char *host = own ? lsvm_import_word(own, 1) : option(maker, "virtualhost");
	struct statement *sni = tls ? lsvm_import_seek(maker->check, "enable_sni") : NULL;

	if (host && *host)
		lsvm_import_text(maker->source, map, "host", host);
	if (!sni)
		return;
	if (host && *host)
		lsvm_import_text(maker->source, map, "server_name", host);
	else
		sni->used = false;
}

static void read_http(const struct maker *maker, const struct kind *kind,
		      struct node *list)
{
	bool tls = strcmp(kind->kind, "https") == 0, any = false;

	for (struct statement *url = maker->check->first; url; url = url->next) {
		struct statement *path, *codes;
		struct node *map;

		if (!lsvm_import_is(url, "url"))
			continue;
		url->used = any = true;
		map = new_check(maker, kind, list);
		path = lsvm_import_seek(url, "path");
		codes = lsvm_import_seek(url, "status_code");
		if (path && *lsvm_import_word(path, 1))
			lsvm_import_text(maker->source, map, "path",
					 lsvm_import_word(path, 1));
		put_host(maker, url, map, tls);
		if (codes)
			put_statuses(maker, codes, map);
	}
	if (!any)
		put_host(maker, maker->check, new_check(maker, kind, list), tls);
}

/* ---- the others ---- */

static void read_dns(const struct maker *maker, const struct kind *kind,
		     struct node *list)
{
	const struct statement *type = lsvm_import_seek(maker->check, "type");
	const struct statement *name = lsvm_import_seek(maker->check, "name");
	struct node *map = new_check(maker, kind, list);

	lsvm_import_text(maker->source, map, "query",
			 name ? lsvm_import_word(name, 1) : ".");
	lsvm_import_text(maker->source, map, "record",
			 type ? lsvm_import_word(type, 1) : "SOA");
}

static void put_command(const struct maker *maker, const struct statement *path,
			struct node *map)
{
	struct node *list = lsvm_import_list(maker->source);

	for (uint32_t n = 1; n < path->count; n++) {
		const char *at = path->words[n];

		for (;;) {
			size_t length;

			at += strspn(at, " ");
			length = strcspn(at, " ");
			if (!length)
				break;
			lsvm_import_put(list, maker->source, NULL,
					lsvm_tree_scalar(&maker->source->tree,
							 STYLE_STRING, at, length));
			at += length;
		}
	}
	lsvm_import_put(map, maker->source, "command", list);
}

static void read_misc(const struct maker *maker, const struct kind *kind,
		      struct node *list)
{
	const struct statement *path = lsvm_import_seek(maker->check, "misc_path");
	struct statement *timeout = lsvm_import_seek(maker->check, "misc_timeout");
	struct node *map = new_check(maker, kind, list), *old;
	uint32_t ms;

	if (path && path->count > 1)
		put_command(maker, path, map);
	if (!timeout || !map)
		return;
	old = lsvm_node_child(map, "timeout_ms");
	if (!old ||
	    !lsvm_import_milliseconds(lsvm_import_word(timeout, 1), 1, 3600000, &ms)) {
		timeout->used = false;
		return;
	}
	lsvm_node_unlink(map, old);
	lsvm_import_count(maker->source, map, "timeout_ms", ms);
}

static void read_smtp(const struct maker *maker, const struct kind *kind,
		      struct node *list)
{
	struct node *map = new_check(maker, kind, list);

	/* Of several hosts the one that is the real server itself. */
	for (struct statement *s = maker->check->first; s; s = s->next) {
		const struct statement *ip;
		struct addr addr;

		if (!lsvm_import_is(s, "host"))
			continue;
		ip = lsvm_import_seek(s, "connect_ip");
		if (ip && (!lsvm_addr_parse(lsvm_import_word(ip, 1), &addr) ||
			   lsvm_addr_compare(&addr, maker->addr) != 0))
			continue;
		s->used = true;
		put_target(maker, s, map);
		return;
	}
}

struct node *lsvm_keepalived_checks(struct source *source, struct statement *server,
				    const struct check_defaults *defaults,
				    const struct addr *addr)
{
	struct node *list = lsvm_import_list(source);
	unsigned count = 0;

	for (struct statement *s = server->first; s; s = s->next) {
		const struct kind *kind = kind_of(s);
		struct maker maker = { source, s, server, defaults, addr };

		if (!kind)
			continue;
		if (count++ == IMPORT_MAX_CHECKS) {
			lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_LOST, s,
					"a service has %u checks at most",
					IMPORT_MAX_CHECKS);
			break;
		}
		s->used = true;
		if (strncmp(kind->kind, "http", 4) == 0)
			read_http(&maker, kind, list);
		else if (strcmp(kind->kind, "dns") == 0)
			read_dns(&maker, kind, list);
		else if (strcmp(kind->kind, "external") == 0)
			read_misc(&maker, kind, list);
		else if (strcmp(kind->kind, "smtp") == 0)
			read_smtp(&maker, kind, list);
		else
			new_check(&maker, kind, list);
	}
	return list && list->first ? list : NULL;
}
