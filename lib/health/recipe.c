/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A check, read once for all targets that have it: a deep copy, with the texts ready to
 * be sent and to be looked for.
 */
#include "health/probe.h"

#include <stdlib.h>

/* ---- what makes two equal ---- */

static bool asks_for_domain(const struct check *check)
{
	return check->kind == LSVM_CHECK_HTTP || check->kind == LSVM_CHECK_HTTPS;
}

void lsvm_recipe_key(const struct recipe_spec *spec, struct buf *ret)
{
	const struct check *check = spec->check;
	const char *domain = asks_for_domain(check) ? spec->domain : NULL;
	const bool over_tcp =
		check->kind == LSVM_CHECK_DNS && spec->protocol == LSVM_PROTOCOL_TCP;

	lsvm_check_key(check, ret);
	lsvm_buf_add(ret, over_tcp ? "t" : "-", 1);
	lsvm_buf_add(ret, domain ? "+" : "-", 1);
	if (domain)
		lsvm_buf_text(ret, domain);
}

/* ---- the copy ---- */

void lsvm_recipe_bytes(struct recipe *recipe, const void *bytes, size_t length,
		       struct bytes *ret)
{
	ret->at = lsvm_arena_alloc(&recipe->arena, length + 1);
	ret->length = ret->at ? length : 0;
	if (ret->at && length)
		memcpy(ret->at, bytes, length);
}

static const char *copy_text(struct recipe *recipe, const char *text)
{
	return text ? lsvm_arena_strdup(&recipe->arena, text) : NULL;
}

static void copy_lists(struct recipe *recipe, const struct check *from)
{
	struct arena *arena = &recipe->arena;
	const uint32_t headers = from->headers.count, statuses = from->statuses.count;
	struct header *header = lsvm_arena_array(arena, headers + 1, sizeof(*header));
	uint32_t *status = lsvm_arena_array(arena, statuses + 1, sizeof(*status));
	const char **word =
		lsvm_arena_array(arena, from->command.count + 1, sizeof(*word));

	if (!header || !status || !word)
		return;
	for (uint32_t i = 0; i < headers; i++) {
		header[i].name = copy_text(recipe, from->headers.items[i].name);
		header[i].value = copy_text(recipe, from->headers.items[i].value);
	}
	for (uint32_t i = 0; i < statuses; i++)
		status[i] = from->statuses.items[i];
	for (uint32_t i = 0; i < from->command.count; i++)
		word[i] = copy_text(recipe, from->command.items[i]);
	recipe->check.headers.items = header;
	recipe->check.statuses.items = status;
	recipe->check.command.items = word;
}

static void copy_check(struct recipe *recipe, const struct check *from)
{
	struct check *to = &recipe->check;

	*to = *from;
	to->object = (struct object){ 0 };
	to->method = copy_text(recipe, from->method);
	to->path = copy_text(recipe, from->path);
	to->host = copy_text(recipe, from->host);
	to->server_name = copy_text(recipe, from->server_name);
	to->body = copy_text(recipe, from->body);
	to->digest = copy_text(recipe, from->digest);
	to->send = copy_text(recipe, from->send);
	to->expect = copy_text(recipe, from->expect);
	to->query = copy_text(recipe, from->query);
	to->record = copy_text(recipe, from->record);
	to->base_dn = copy_text(recipe, from->base_dn);
	to->database = copy_text(recipe, from->database);
	to->user = copy_text(recipe, from->user);
	copy_lists(recipe, from);
}

void lsvm_recipe_needle(struct recipe *recipe, const struct bytes *text)
{
	uint16_t *fits =
		lsvm_arena_array(&recipe->arena, text->length + 1, sizeof(*fits));

	lsvm_recipe_bytes(recipe, text->at, text->length, &recipe->needle.text);
	if (!fits)
		return;
	recipe->needle.fits = fits;
	for (size_t i = 1, fit = 0; i < recipe->needle.text.length; i++) {
		while (fit && text->at[i] != text->at[fit])
			fit = fits[fit - 1];
		fit += text->at[i] == text->at[fit];
		fits[i] = (uint16_t)fit;
	}
}

/* ---- which engine ---- */

static const struct engine *engine_of(const struct recipe_spec *spec)
{
	const struct check *check = spec->check;
	const bool talks =
		(check->send && *check->send) || (check->expect && *check->expect);

	switch (check->kind) {
	case LSVM_CHECK_TCP:
		return talks ? &lsvm_engine_script : &lsvm_engine_tcp;
	case LSVM_CHECK_SCRIPT:
		return &lsvm_engine_script;
	case LSVM_CHECK_UDP:
		return &lsvm_engine_udp;
	case LSVM_CHECK_SCTP:
		return &lsvm_engine_sctp;
	case LSVM_CHECK_PING:
		return &lsvm_engine_ping;
	case LSVM_CHECK_HTTP:
	case LSVM_CHECK_HTTPS:
		return &lsvm_engine_http;
	case LSVM_CHECK_DNS:
		return spec->protocol == LSVM_PROTOCOL_TCP ? &lsvm_engine_dns_tcp
							   : &lsvm_engine_dns;
	case LSVM_CHECK_SMTP:
		return &lsvm_engine_smtp;
	case LSVM_CHECK_LDAP:
		return &lsvm_engine_ldap;
	case LSVM_CHECK_POSTGRESQL:
		return &lsvm_engine_postgresql;
	case LSVM_CHECK_MYSQL:
		return &lsvm_engine_mysql;
	case LSVM_CHECK_REDIS:
		return &lsvm_engine_redis;
	case LSVM_CHECK_EXTERNAL:
		return &lsvm_engine_external;
	case LSVM_CHECK_AGENT:
		return &lsvm_engine_agent;
	case LSVM_CHECK_UNKNOWN:
		break;
	}
	return NULL;
}

int lsvm_recipe_new(struct lsvm_ctx *ctx, const struct recipe_spec *spec,
		    const struct bytes *key, struct recipe **ret)
{
	const struct engine *engine = engine_of(spec);
	struct recipe *recipe;
	int err = 0;

	if (!engine)
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "a check has no kind; give it one, such as tcp");
	recipe = calloc(1, sizeof(*recipe));
	if (!recipe)
		return lsvm_fail_nomem(ctx);
	recipe->ctx = ctx;
	recipe->engine = engine;
	recipe->protocol = spec->protocol;
	copy_check(recipe, spec->check);
	if (asks_for_domain(spec->check))
		recipe->domain = copy_text(recipe, spec->domain);
	lsvm_recipe_bytes(recipe, key->at, key->length, &recipe->key);
	recipe->interval_ns =
		(spec->check->interval_ms ? spec->check->interval_ms : 1) * IO_MS;
	recipe->timeout_ns =
		(spec->check->timeout_ms ? spec->check->timeout_ms : 1) * IO_MS;
	recipe->jitter_ns = spec->check->jitter_ms * IO_MS;
	if (recipe->jitter_ns > recipe->interval_ns)
		recipe->jitter_ns = recipe->interval_ns;
	if (!recipe->arena.failed && engine->prepare)
		err = engine->prepare(recipe);
	if (!err && recipe->arena.failed)
		err = lsvm_fail_nomem(ctx);
	if (err < 0) {
		lsvm_recipe_free(recipe);
		return err;
	}
	*ret = recipe;
	return 0;
}

void lsvm_recipe_free(struct recipe *recipe)
{
	if (!recipe)
		return;
	lsvm_arena_free(&recipe->arena);
	free(recipe);
}
