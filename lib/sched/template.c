/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Persistence templates: a client, masked to the service's granularity, and its server.
 *
 * A template's time starts anew with each connection that comes of it. When it is over
 * while such connections live, the kernel gives it another minute, and from then on a
 * minute only. Time is settled when a template is looked at; a template that is no longer
 * usable waits, out of the buckets, for the last of its connections.
 */
#include "sched/sched.h"

#include <stdlib.h>

#define EXTENSION_MS 60000
#define BUCKETS_MIN 64

static size_t bucket_of(const struct sched_templates *templates,
			const struct addr *client)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < sizeof(client->bytes); i++)
		hash = (hash ^ client->bytes[i]) * 0x100000001b3;
	return (hash ^ hash >> 32) & (templates->bucket_count - 1);
}

/* Whether it still lives at that time. */
static bool settle(struct sched_template *template, uint64_t now_ms)
{
	if (template->expires_ms > now_ms)
		return true;
	if (!template->controlled)
		return false;
	template->timeout_ms = EXTENSION_MS;
	template->expires_ms +=
		((now_ms - template->expires_ms) / EXTENSION_MS + 1) * EXTENSION_MS;
	return true;
}

static void unlink_template(struct lsvm_sched *s, struct sched_template *template)
{
	struct sched_template **link =
		&s->templates.buckets[bucket_of(&s->templates, &template->client)];

	while (*link != template)
		link = &(*link)->next;
	*link = template->next;
	s->templates.count--;
	template->usable = false;
}

struct sched_template *lsvm_template_find(struct lsvm_sched *s, const struct addr *client,
					  uint64_t now_ms, bool peek)
{
	struct sched_template *template;

	if (!s->templates.count)
		return NULL;
	template = s->templates.buckets[bucket_of(&s->templates, client)];
	while (template && lsvm_addr_compare(&template->client, client))
		template = template->next;
	if (!template)
		return NULL;
	if (peek)
		return template->expires_ms > now_ms || template->controlled ? template
									     : NULL;
	if (settle(template, now_ms))
		return template;
	lsvm_template_spoil(s, template);
	return NULL;
}

/* Drops what is over and doubles the buckets when that was not enough. */
static int make_room(struct lsvm_sched *s)
{
	struct sched_templates *now = &s->templates, larger = { 0 };

	for (size_t i = 0; i < now->bucket_count; i++) {
		for (struct sched_template *at = now->buckets[i], *next; at; at = next) {
			next = at->next;
			if (!settle(at, s->now_ms))
				lsvm_template_spoil(s, at);
		}
	}
	if (now->count < now->bucket_count / 2)
		return 0;
	larger.bucket_count = now->bucket_count ? now->bucket_count * 2 : BUCKETS_MIN;
	larger.buckets = calloc(larger.bucket_count, sizeof(struct sched_template *));
	if (!larger.buckets)
		return LSVM_ERR_NOMEM;
	for (size_t i = 0; i < now->bucket_count; i++) {
		for (struct sched_template *at = now->buckets[i], *next; at; at = next) {
			const size_t bucket = bucket_of(&larger, &at->client);

			next = at->next;
			at->next = larger.buckets[bucket];
			larger.buckets[bucket] = at;
			larger.count++;
		}
	}
	free(now->buckets);
	*now = larger;
	return 0;
}

struct sched_template *lsvm_template_new(struct lsvm_sched *s, const struct addr *client)
{
	struct sched_template *template;

	if (s->templates.count >= s->templates.bucket_count && make_room(s))
		return NULL;
	template = calloc(1, sizeof(*template));
	if (template)
		template->client = *client;
	return template;
}

void lsvm_template_add(struct lsvm_sched *s, struct sched_template *template)
{
	struct sched_template **bucket =
		&s->templates.buckets[bucket_of(&s->templates, &template->client)];

	template->usable = true;
	template->next = *bucket;
	*bucket = template;
	s->templates.count++;
}

void lsvm_template_spoil(struct lsvm_sched *s, struct sched_template *template)
{
	unlink_template(s, template);
	if (!template->controlled)
		free(template);
}

void lsvm_template_release(struct lsvm_sched *s, struct sched_template *template,
			   uint64_t now_ms)
{
	/* The time before it must be judged while the connection still counts. */
	if (template->usable)
		settle(template, now_ms);
	template->controlled--;
	if (!template->usable && !template->controlled)
		free(template);
}

void lsvm_templates_clear(struct lsvm_sched *s)
{
	for (size_t i = 0; i < s->templates.bucket_count; i++)
		while (s->templates.buckets[i])
			lsvm_template_spoil(s, s->templates.buckets[i]);
	free(s->templates.buckets);
	s->templates = (struct sched_templates){ 0 };
}
