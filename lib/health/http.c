/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HTTP/1.1 as RFC 9110 and RFC 9112 have it, over TCP or TLS: one request, Connection:
 * close. Interim answers (1xx) are passed over. Without `body` and `digest` the headers
 * decide; the text is looked for until it is found, the digest wants all of the body. The
 * reader keeps one line and no more: header lines are cut at PROBE_LINE_BYTES, all of
 * them together may have PROBE_TALK_BYTES, the body PROBE_BODY_BYTES.
 */
#include "health/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum http_stage {
	HTTP_STATUS = 0,
	HTTP_HEADERS,
	HTTP_BODY,
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK,
	HTTP_CHUNK_END,
	HTTP_TRAILERS,
};

/* ---- the request ---- */

static bool has_header(const struct check *check, const char *name)
{
	for (uint32_t i = 0; i < check->headers.count; i++)
		if (check->headers.items[i].name &&
		    strcasecmp(check->headers.items[i].name, name) == 0)
			return true;
	return false;
}

static const char *method_of(const struct check *check)
{
	return check->method ? check->method : "GET";
}

static bool is_without_line_ends(const char *text)
{
	return !text || !text[strcspn(text, "\r\n")];
}

/* A value of a check cannot end its line and begin another. */
static bool is_sane(const struct check *check)
{
	bool sane = is_without_line_ends(check->method) &&
		    is_without_line_ends(check->path) &&
		    is_without_line_ends(check->host);

	for (uint32_t i = 0; i < check->headers.count; i++)
		sane &= is_without_line_ends(check->headers.items[i].name) &&
			is_without_line_ends(check->headers.items[i].value);
	return sane;
}

static void add_default(struct buf *buf, const struct check *check, const char *name,
			const char *value)
{
	if (!has_header(check, name))
		lsvm_buf_printf(buf, "%s: %s\r\n", name, value);
}

static void write_request(const struct check *check, const char *host, struct buf *head,
			  struct buf *rest)
{
	const char *method = method_of(check);

	lsvm_buf_printf(head, "%s %s HTTP/1.1\r\n", method,
			check->path ? check->path : "/");
	if (!has_header(check, "Host"))
		lsvm_buf_text(head, "Host: ");
	if (!has_header(check, "Host"))
		lsvm_buf_printf(rest, "%s\r\n", host ? host : "");
	add_default(rest, check, "User-Agent", "libsvm");
	add_default(rest, check, "Accept", "*/*");
	add_default(rest, check, "Connection", "close");
	if (strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	    strcmp(method, "PATCH") == 0)
		add_default(rest, check, "Content-Length", "0");
	for (uint32_t i = 0; i < check->headers.count; i++)
		lsvm_buf_printf(rest, "%s: %s\r\n", check->headers.items[i].name,
				check->headers.items[i].value);
	lsvm_buf_text(rest, "\r\n");
}

/* "200", "200, 204 or 301" */
static const char *statuses_text(struct recipe *recipe)
{
	const struct check *check = &recipe->check;
	struct buf text = { 0 };
	const char *copy;

	if (!check->statuses.count)
		return "200 to 399";
	for (uint32_t i = 0; i < check->statuses.count && text.length < 48; i++)
		lsvm_buf_printf(&text, "%s%u",
				!i				? ""
				: i + 1 < check->statuses.count ? ", "
								: " or ",
				check->statuses.items[i]);
	if (text.length >= 48)
		lsvm_buf_text(&text, ", ...");
	copy = text.failed ? NULL : lsvm_arena_strdup(&recipe->arena, text.data);
	recipe->arena.failed |= text.failed;
	lsvm_buf_free(&text);
	return copy;
}

static int read_digest(struct recipe *recipe, const char *text)
{
	for (size_t i = 0; i < sizeof(recipe->digest); i++) {
		unsigned byte;

		if (strncmp(text, "sha256:", 7) != 0 || strlen(text) != 7 + 64 ||
		    sscanf(text + 7 + 2 * i, "%2x", &byte) != 1)
			return lsvm_fail(recipe->ctx, LSVM_ERR_ARGUMENT,
					 "\"%.80s\" is no digest; write sha256: and 64 "
					 "hexadecimal digits",
					 text);
		recipe->digest[i] = (uint8_t)byte;
	}
	recipe->has_digest = true;
	return 0;
}

/* Whom the certificate must be of: the host that is asked, without its port; an address
 * is never sent as a name, but verified. */
static const char *server_name(struct recipe *recipe, const char *host)
{
	const bool bracket = host && host[0] == '[';
	struct addr addr;
	char *name;

	if (recipe->check.server_name)
		return recipe->check.server_name;
	name = host ? lsvm_arena_strdup(&recipe->arena, host + bracket) : NULL;
	if (!name || lsvm_addr_parse(name, &addr))
		return name;
	name[strcspn(name, bracket ? "]" : ":")] = '\0';
	return *name ? name : NULL;
}

static int prepare(struct recipe *recipe)
{
	const struct check *check = &recipe->check;
	const char *host = check->host ? check->host : recipe->domain;
	struct buf head = { 0 }, rest = { 0 };

	if (!is_sane(check))
		return lsvm_fail(recipe->ctx, LSVM_ERR_ARGUMENT,
				 "a check's method, path, host or header has a line end; "
				 "take it out");
	write_request(check, host, &head, &rest);
	recipe->arena.failed |= head.failed || rest.failed;
	if (!recipe->arena.failed) {
		lsvm_recipe_bytes(recipe, head.data, head.length, &recipe->head);
		lsvm_recipe_bytes(recipe, rest.data, rest.length, &recipe->request);
	}
	lsvm_buf_free(&head);
	lsvm_buf_free(&rest);
	recipe->wanted = statuses_text(recipe);
	recipe->has_tls = check->kind == LSVM_CHECK_HTTPS;
	recipe->tls.server_name = server_name(recipe, host);
	recipe->tls.verify = check->verify_certificate;
	if (check->body && *check->body)
		lsvm_recipe_needle(recipe, &(struct bytes){ (uint8_t *)check->body,
							    strlen(check->body) });
	return check->digest ? read_digest(recipe, check->digest) : 0;
}

/* Without a name the address is the host. */
static void send_address(struct probe *probe)
{
	const struct target *target = probe->target;
	const uint16_t usual = probe->recipe->has_tls ? 443 : 80;
	char text[LSVM_ADDRESS_TEXT_BYTES + 16], port[8] = "";
	const bool six = target->addr.family == 6;

	lsvm_addr_text(&target->addr, text);
	if (target->port != usual)
		snprintf(port, sizeof(port), ":%u", target->port);
	if (six)
		lsvm_probe_send(probe, "[", 1);
	lsvm_probe_send(probe, text, strlen(text));
	if (six)
		lsvm_probe_send(probe, "]", 1);
	lsvm_probe_send(probe, port, strlen(port));
}

static void start(struct probe *probe)
{
	const struct recipe *recipe = probe->recipe;

	lsvm_probe_send(probe, recipe->head.at, recipe->head.length);
	if (!recipe->check.host && !recipe->domain && !has_header(&recipe->check, "Host"))
		send_address(probe);
	lsvm_probe_send(probe, recipe->request.at, recipe->request.length);
	probe->waiting_for = "http status";
}

/* ---- the end of the body ---- */

static bool wants_body(const struct recipe *recipe)
{
	return recipe->needle.text.length || recipe->has_digest;
}

static void compare_digest(struct probe *probe)
{
	uint8_t digest[DIGEST_BYTES];

	if ((!probe->digest && !(probe->digest = lsvm_digest_new())) ||
	    !lsvm_digest_end(probe->digest, digest))
		lsvm_probe_void(probe, "out of memory");
	else if (memcmp(digest, probe->recipe->digest, sizeof(digest)) == 0)
		lsvm_probe_good(probe);
	else
		lsvm_probe_bad(probe,
			       "body has digest sha256:%02x%02x%02x%02x..., wanted "
			       "sha256:%02x%02x%02x%02x...",
			       digest[0], digest[1], digest[2], digest[3],
			       probe->recipe->digest[0], probe->recipe->digest[1],
			       probe->recipe->digest[2], probe->recipe->digest[3]);
}

static bool lacks_text(const struct probe *probe)
{
	return probe->found < probe->recipe->needle.text.length;
}

static void lacks(struct probe *probe, const char *where)
{
	const struct bytes *text = &probe->recipe->needle.text;
	char quoted[PROBE_QUOTE_BYTES];

	lsvm_probe_bad(probe, "%s lacks '%s'", where,
		       lsvm_probe_quote(text->at, text->length, quoted));
}

static void body_is_over(struct probe *probe)
{
	if (lacks_text(probe))
		lacks(probe, "body");
	else if (probe->recipe->has_digest)
		compare_digest(probe);
	else
		lsvm_probe_good(probe);
}

static void take_body(struct probe *probe, const uint8_t *bytes, size_t length)
{
	const size_t room = PROBE_BODY_BYTES - probe->http.body_bytes;
	const size_t take = length < room ? length : room;

	probe->http.body_bytes += (uint32_t)take;
	if (probe->recipe->needle.text.length && lacks_text(probe) &&
	    lsvm_probe_find(probe, bytes, take) && !probe->recipe->has_digest) {
		lsvm_probe_good(probe);
		return;
	}
	if (probe->recipe->has_digest &&
	    ((!probe->digest && !(probe->digest = lsvm_digest_new())) ||
	     !lsvm_digest_add(probe->digest, bytes, take))) {
		lsvm_probe_void(probe, "out of memory");
		return;
	}
	if (length <= room)
		return;
	if (lacks_text(probe))
		lacks(probe, "the first MiB of the body");
	else
		lsvm_probe_bad(probe,
			       "body has more than %u bytes, too many for a digest",
			       PROBE_BODY_BYTES);
}

/* ---- lines ---- */

static bool is_wanted(const struct check *check, uint16_t status)
{
	for (uint32_t i = 0; i < check->statuses.count; i++)
		if (check->statuses.items[i] == status)
			return true;
	return !check->statuses.count && status >= 200 && status < 400;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void take_status(struct probe *probe)
{
	const char *line = probe->line, *code;
	char quoted[PROBE_QUOTE_BYTES];

	if (!probe->line_length && !probe->http.head_bytes++)
		return; /* RFC 9112, 2.2: an empty line before is passed over */
	code = strchr(line, ' ');
	if (strncmp(line, "HTTP/1.", 7) != 0 || !code || code != line + 8 ||
	    !is_digit(code[1]) || !is_digit(code[2]) || !is_digit(code[3]) ||
	    (code[4] && code[4] != ' ')) {
		lsvm_probe_bad(probe, "no http answer: '%s'",
			       lsvm_probe_quote(line, probe->line_length, quoted));
		return;
	}
	probe->http.status =
		(uint16_t)((code[1] - '0') * 100 + (code[2] - '0') * 10 + code[3] - '0');
	probe->stage = HTTP_HEADERS;
	probe->waiting_for = "end of the http headers";
	if (probe->http.status >= 200 &&
	    !is_wanted(&probe->recipe->check, probe->http.status))
		lsvm_probe_bad(probe, "http status %u, wanted %s", probe->http.status,
			       probe->recipe->wanted);
}

/* The value of the line's header if that is its name. */
static const char *value_of(const char *line, const char *name)
{
	const size_t length = strlen(name);

	if (strncasecmp(line, name, length) != 0 || line[length] != ':')
		return NULL;
	line += length + 1;
	return line + strspn(line, " \t");
}

static void take_length(struct probe *probe, const char *value)
{
	uint64_t length = 0;
	const char *at = value;

	for (; is_digit(*at) && length < UINT64_MAX / 100; at++)
		length = length * 10 + (uint64_t)(*at - '0');
	if (at == value || at[strspn(at, " \t")] ||
	    (probe->http.has_length && probe->http.left != length)) {
		lsvm_probe_bad(probe, "http header Content-Length is nonsense");
		return;
	}
	probe->http.has_length = true;
	probe->http.left = length;
}

static void headers_are_over(struct probe *probe)
{
	struct http_probe *http = &probe->http;
	const bool head = strcmp(method_of(&probe->recipe->check), "HEAD") == 0;

	if (http->status < 200 && http->status != 101) {
		probe->stage = HTTP_STATUS;
		probe->waiting_for = "http status";
		http->chunked = http->has_length = false;
		return;
	}
	if (!is_wanted(&probe->recipe->check, http->status)) { /* 101 */
		lsvm_probe_bad(probe, "http status %u, wanted %s", http->status,
			       probe->recipe->wanted);
		return;
	}
	if (!wants_body(probe->recipe)) {
		lsvm_probe_good(probe);
		return;
	}
	probe->waiting_for = "end of the http body";
	probe->in_bytes = 0;
	if (head || http->status == 204 || http->status == 304) {
		body_is_over(probe);
	} else if (http->chunked) {
		probe->stage = HTTP_CHUNK_SIZE;
	} else {
		probe->stage = HTTP_BODY;
		http->until_close = !http->has_length;
		if (http->has_length && !http->left)
			body_is_over(probe);
	}
}

static void take_header(struct probe *probe)
{
	const char *value;

	if (!probe->line_length) {
		headers_are_over(probe);
		return;
	}
	value = value_of(probe->line, "Content-Length");
	if (value)
		take_length(probe, value);
	value = value_of(probe->line, "Transfer-Encoding");
	if (!value)
		return;
	probe->http.chunked = strcasecmp(value, "chunked") == 0;
	if (!probe->http.chunked)
		lsvm_probe_bad(probe, "http answer with a transfer encoding that was not "
				      "asked for");
}

static void take_chunk_size(struct probe *probe)
{
	uint64_t size = 0;
	const char *at = probe->line;

	for (;; at++) {
		const char c = lsvm_ascii_lower(*at);

		if (is_digit(c))
			size = size * 16 + (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			size = size * 16 + (uint64_t)(c - 'a' + 10);
		else
			break;
		if (size > UINT64_MAX / 256)
			break;
	}
	if (at == probe->line || (*at && *at != ';' && *at != ' ' && *at != '\t')) {
		lsvm_probe_bad(probe, "http chunk of nonsense size");
		return;
	}
	probe->http.left = size;
	probe->stage = size ? HTTP_CHUNK : HTTP_TRAILERS;
}

static void take_line(struct probe *probe)
{
	switch ((enum http_stage)probe->stage) {
	case HTTP_STATUS:
		take_status(probe);
		break;
	case HTTP_HEADERS:
		take_header(probe);
		break;
	case HTTP_CHUNK_SIZE:
		take_chunk_size(probe);
		break;
	case HTTP_CHUNK_END:
		if (probe->line_length)
			lsvm_probe_bad(probe, "http chunk longer than its size");
		probe->stage = HTTP_CHUNK_SIZE;
		break;
	case HTTP_TRAILERS:
		if (!probe->line_length)
			body_is_over(probe);
		break;
	case HTTP_BODY:
	case HTTP_CHUNK:
		break;
	}
	lsvm_probe_line_done(probe);
}

/* ---- what comes in ---- */

static void take_stream(struct probe *probe, const uint8_t **bytes, size_t *length)
{
	struct http_probe *http = &probe->http;
	size_t take = *length;

	if (!http->until_close && take > http->left)
		take = (size_t)http->left;
	take_body(probe, *bytes, take);
	*bytes += take;
	*length -= take;
	if (http->until_close)
		return;
	http->left -= take;
	if (http->left)
		return;
	if (probe->stage == HTTP_CHUNK) {
		probe->stage = HTTP_CHUNK_END;
		probe->in_bytes = 0; /* each chunk is paid for by its bytes */
	} else if (!probe->verdict) {
		body_is_over(probe);
	}
}

static void input(struct probe *probe, const uint8_t *bytes, size_t length)
{
	while (length && !probe->verdict) {
		if (probe->stage == HTTP_BODY || probe->stage == HTTP_CHUNK)
			take_stream(probe, &bytes, &length);
		else if (lsvm_probe_line(probe, &bytes, &length))
			take_line(probe);
	}
}

static void ended(struct probe *probe, int status)
{
	(void)status;
	if (probe->stage == HTTP_BODY && probe->http.until_close)
		body_is_over(probe);
	else if (probe->stage >= HTTP_BODY)
		lsvm_probe_bad(probe, "http body cut after %u bytes",
			       probe->http.body_bytes);
}

const struct engine lsvm_engine_http = {
	.channel = CHANNEL_TCP,
	.prepare = prepare,
	.start = start,
	.input = input,
	.ended = ended,
	.polite = true,
};
