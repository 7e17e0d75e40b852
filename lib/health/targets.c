/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is probed: targets by their parameters, and what the verdicts make of them.
 *
 * A target that has never been up or down is up with its first good answer, since it is
 * served already, and down after `fall` bad ones; later `rise` good ones bring it back. A
 * probe that this machine could not make counts for nothing.
 */
#include "health/probe.h"

#include <stdio.h>
#include <stdlib.h>

#define BUCKETS_FIRST 64
#define NAME_BYTES 320
#define NO_NUMBER UINT32_MAX

/* ---- the machine's life ---- */

/* splitmix64: every seed is as good as any other. */
uint64_t lsvm_health_random(struct health *health)
{
	uint64_t z = health->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

int lsvm_health_new(struct lsvm_ctx *ctx, uint64_t seed, struct health **ret)
{
	struct health *health = calloc(1, sizeof(*health));

	if (!health)
		return lsvm_fail_nomem(ctx);
	health->random = seed;
	health->spread = lsvm_health_random(health);
	health->last = &health->first;
	health->free_number = NO_NUMBER;
	health->target_buckets = calloc(BUCKETS_FIRST, sizeof(*health->target_buckets));
	health->recipe_buckets = calloc(BUCKETS_FIRST, sizeof(*health->recipe_buckets));
	health->target_bucket_count = health->recipe_bucket_count = BUCKETS_FIRST;
	health->ctx = lsvm_ctx_ref(ctx);
	if (!health->target_buckets || !health->recipe_buckets) {
		lsvm_health_free(health);
		return lsvm_fail_nomem(ctx);
	}
	*ret = health;
	return 0;
}

static void free_target(struct target *target)
{
	free(target->cause);
	free(target->warning);
	free((char *)target->name);
	free(target);
}

void lsvm_health_free(struct health *health)
{
	if (!health)
		return;
	for (uint32_t i = 0; i < health->target_count; i++)
		free_target(health->targets[health->heap[i].number]);
	for (uint32_t i = 0; health->recipe_buckets && i < health->recipe_bucket_count;
	     i++)
		while (health->recipe_buckets[i]) {
			struct recipe *recipe = health->recipe_buckets[i];

			health->recipe_buckets[i] = recipe->next;
			lsvm_recipe_free(recipe);
		}
	lsvm_probes_free(health);
	free(health->heap);
	free(health->places);
	free(health->targets);
	free(health->target_buckets);
	free(health->recipe_buckets);
	lsvm_ctx_unref(health->ctx);
	free(health);
}

/* ---- finding ---- */

static uint32_t hash_bytes(uint32_t hash, const void *bytes, size_t length)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ byte[i]) * 0x01000193u;
	return hash ^ hash >> 15;
}

/* Twice the buckets once there is one target for each; without memory it only gets
 * slower. */
static void spread_targets(struct health *health)
{
	const uint32_t count = health->target_bucket_count * 2;
	struct target **buckets;

	if (health->target_count < health->target_bucket_count)
		return;
	buckets = calloc(count, sizeof(*buckets));
	if (!buckets)
		return;
	for (uint32_t i = 0; i < health->target_count; i++) {
		struct target *target = health->targets[health->heap[i].number];
		struct target **bucket = &buckets[target->hash & (count - 1)];

		target->next = *bucket;
		*bucket = target;
	}
	free(health->target_buckets);
	health->target_buckets = buckets;
	health->target_bucket_count = count;
}

static void spread_recipes(struct health *health)
{
	const uint32_t count = health->recipe_bucket_count * 2;
	struct recipe **buckets;

	if (health->recipe_count < health->recipe_bucket_count)
		return;
	buckets = calloc(count, sizeof(*buckets));
	if (!buckets)
		return;
	for (uint32_t i = 0; i < health->recipe_bucket_count; i++)
		while (health->recipe_buckets[i]) {
			struct recipe *recipe = health->recipe_buckets[i];
			struct recipe **bucket = &buckets[recipe->hash & (count - 1)];

			health->recipe_buckets[i] = recipe->next;
			recipe->next = *bucket;
			*bucket = recipe;
		}
	free(health->recipe_buckets);
	health->recipe_buckets = buckets;
	health->recipe_bucket_count = count;
}

/* The recipe with that key, made when there is none; one user more. */
static int use_recipe(struct health *health, const struct target_spec *spec,
		      struct recipe **ret)
{
	const struct recipe_spec wanted = { spec->check, spec->domain,
					    (uint8_t)spec->protocol };
	struct buf key = { 0 };
	struct recipe *recipe;
	uint32_t hash;
	int err = 0;

	lsvm_recipe_key(&wanted, &key);
	if (key.failed) {
		lsvm_buf_free(&key);
		return lsvm_fail_nomem(health->ctx);
	}
	hash = hash_bytes(0x811c9dc5u, key.data, key.length);
	recipe = health->recipe_buckets[hash & (health->recipe_bucket_count - 1)];
	while (recipe && (recipe->hash != hash || recipe->key.length != key.length ||
			  memcmp(recipe->key.at, key.data, key.length) != 0))
		recipe = recipe->next;
	if (!recipe) {
		const struct bytes bytes = { (uint8_t *)key.data, key.length };

		err = lsvm_recipe_new(health->ctx, &wanted, &bytes, &recipe);
		if (!err) {
			struct recipe **bucket;

			spread_recipes(health);
			bucket = &health->recipe_buckets[hash &
							 (health->recipe_bucket_count -
							  1)];
			recipe->hash = hash;
			recipe->next = *bucket;
			*bucket = recipe;
			health->recipe_count++;
		}
	}
	lsvm_buf_free(&key);
	if (err < 0)
		return err;
	recipe->users++;
	*ret = recipe;
	return 0;
}

static void drop_recipe(struct health *health, struct recipe *recipe)
{
	struct recipe **at;

	if (--recipe->users)
		return;
	at = &health->recipe_buckets[recipe->hash & (health->recipe_bucket_count - 1)];
	while (*at != recipe)
		at = &(*at)->next;
	*at = recipe->next;
	health->recipe_count--;
	lsvm_recipe_free(recipe);
}

static uint32_t hash_target(const struct recipe *recipe, const struct target_spec *spec,
			    uint16_t port)
{
	uint32_t hash = hash_bytes(recipe->hash, spec->addr.bytes,
				   spec->addr.family == 4 ? 4 : 16);

	hash = hash_bytes(hash, &port, sizeof(port));
	return hash_bytes(hash, &spec->mark, sizeof(spec->mark));
}

/* ---- watching ---- */

/* "http 10.0.0.11:80 /health", "tcp 192.0.2.100:80 through 192.0.2.21" */
static char *make_name(const struct recipe *recipe, const struct target_spec *spec,
		       uint16_t port)
{
	const struct check *check = &recipe->check;
	const char *more =
		check->kind == LSVM_CHECK_HTTP || check->kind == LSVM_CHECK_HTTPS
			? check->path
		: check->kind == LSVM_CHECK_DNS ? check->query
		: check->kind == LSVM_CHECK_EXTERNAL && check->command.count
			? check->command.items[0]
			: NULL;
	char place[LSVM_ADDRESS_TEXT_BYTES + 16], server[LSVM_ADDRESS_TEXT_BYTES] = "";
	char name[NAME_BYTES];

	if (port)
		lsvm_endpoint_text(&spec->addr, port, place);
	else
		lsvm_addr_text(&spec->addr, place);
	if (spec->server.family)
		lsvm_addr_text(&spec->server, server);
	snprintf(name, sizeof(name), "%s %s%s%s%s%.200s",
		 lsvm_check_kind_name((int)check->kind), place,
		 *server ? " through " : "", server, more ? " " : "", more ? more : "");
	return strdup(name);
}

static bool grow(void **array, uint32_t count, size_t size)
{
	void *grown = realloc(*array, count * size);

	if (grown)
		*array = grown;
	return grown;
}

/* Room in the heap and a number that is free. */
static bool have_room(struct health *health)
{
	const uint32_t had = health->capacity, count = had ? had * 2 : 64;

	if (health->target_count < had)
		return true;
	if (!grow((void **)&health->heap, count, sizeof(*health->heap)) ||
	    !grow((void **)&health->places, count, sizeof(*health->places)) ||
	    !grow((void **)&health->targets, count, sizeof(*health->targets)))
		return false;
	for (uint32_t number = count; number-- > had;) {
		health->targets[number] = NULL;
		health->places[number] = health->free_number;
		health->free_number = number;
	}
	health->capacity = count;
	return true;
}

static void take_number(struct health *health, struct target *target)
{
	target->number = health->free_number;
	health->free_number = health->places[target->number];
	health->targets[target->number] = target;
}

static void give_number_back(struct health *health, const struct target *target)
{
	health->targets[target->number] = NULL;
	health->places[target->number] = health->free_number;
	health->free_number = target->number;
}

/* First turns are spread evenly over the interval, however many targets come: steps of
 * the golden ratio never gather anywhere. */
static uint64_t first_turn(struct health *health, const struct recipe *recipe,
			   uint64_t now_ns)
{
	health->spread += 0x9e3779b97f4a7c15u;
	return now_ns +
	       (uint64_t)(((unsigned __int128)health->spread * recipe->interval_ns) >>
			  64);
}

static struct target *make_target(struct health *health, struct recipe *recipe,
				  const struct target_spec *spec, uint16_t port)
{
	struct target *target = have_room(health) ? calloc(1, sizeof(*target)) : NULL;

	if (!target)
		return NULL;
	target->name = make_name(recipe, spec, port);
	if (!target->name) {
		free(target);
		return NULL;
	}
	target->waiting.is_target = true;
	target->recipe = recipe;
	target->addr = spec->addr;
	target->local = spec->local;
	target->port = port;
	target->mark = spec->mark;
	target->percent = 100;
	target->users = 1;
	return target;
}

static struct target *find(const struct health *health, const struct recipe *recipe,
			   const struct target_spec *spec, uint16_t port, uint32_t hash)
{
	struct target *target =
		health->target_buckets[hash & (health->target_bucket_count - 1)];

	while (target && (target->hash != hash || target->recipe != recipe ||
			  target->port != port || target->mark != spec->mark ||
			  lsvm_addr_compare(&target->local, &spec->local) != 0 ||
			  lsvm_addr_compare(&target->addr, &spec->addr) != 0))
		target = target->next;
	return target;
}

int lsvm_health_watch(struct health *health, const struct target_spec *spec, void *owner,
		      uint64_t now_ns, struct target **ret)
{
	struct target *target, **bucket;
	struct recipe *recipe = NULL;
	uint32_t hash;
	uint16_t port;
	int err = use_recipe(health, spec, &recipe);

	if (err < 0)
		return err;
	port = recipe->engine->channel == CHANNEL_PING ? 0 : spec->port;
	hash = hash_target(recipe, spec, port);
	target = find(health, recipe, spec, port, hash);
	if (target) {
		drop_recipe(health, recipe);
		target->users++;
		target->owner = owner;
		*ret = target;
		return 0;
	}
	target = make_target(health, recipe, spec, port);
	if (!target) {
		drop_recipe(health, recipe);
		return lsvm_fail_nomem(health->ctx);
	}
	spread_targets(health);
	bucket = &health->target_buckets[hash & (health->target_bucket_count - 1)];
	target->next = *bucket;
	*bucket = target;
	target->hash = hash;
	target->owner = owner;
	target->slot_ns = first_turn(health, recipe, now_ns);
	target->changed_ns = now_ns;
	take_number(health, target);
	health->rate += RATE_NS / recipe->interval_ns;
	if (!health->least_interval_ns || recipe->interval_ns < health->least_interval_ns)
		health->least_interval_ns = recipe->interval_ns;
	lsvm_heap_add(health, target, target->slot_ns);
	*ret = target;
	return 0;
}

void lsvm_health_unwatch(struct health *health, struct target *target)
{
	struct target **at;

	if (!target || --target->users)
		return;
	if (target->probe)
		lsvm_probe_orphan(health, target->probe);
	lsvm_health_want_nothing(health, &target->waiting);
	lsvm_heap_remove(health, target);
	give_number_back(health, target);
	health->rate -= RATE_NS / target->recipe->interval_ns;
	at = &health->target_buckets[target->hash & (health->target_bucket_count - 1)];
	while (*at != target)
		at = &(*at)->next;
	*at = target->next;
	drop_recipe(health, target->recipe);
	free_target(target);
}

/* ---- verdicts ---- */

/* "connect refused, 2 of 3". Nothing is written while nothing changes. */
static void set_cause(struct target *target, const char *cause, uint32_t count,
		      uint32_t of)
{
	const size_t length = strlen(cause);

	if (target->cause && target->cause_length == length &&
	    target->cause_count == count && target->cause_of == of &&
	    memcmp(target->cause, cause, length) == 0)
		return;
	if (target->cause_capacity < length + 32) {
		char *grown = realloc(target->cause, length + 32);

		if (!grown)
			return; /* the earlier one stays */
		target->cause = grown;
		target->cause_capacity = (uint32_t)length + 32;
	}
	snprintf(target->cause, target->cause_capacity, "%s, %u of %u", cause, count, of);
	target->cause_length = (uint32_t)length;
	target->cause_count = count;
	target->cause_of = of;
}

static void clear_cause(struct target *target)
{
	if (target->cause)
		target->cause[0] = '\0';
	target->cause_length = 0;
	target->cause_count = 0;
}

/* The only place where a state changes. */
static void set_state(struct health *health, struct target *target,
		      enum target_state state)
{
	if (target->state == (uint8_t)state)
		return;
	target->state = (uint8_t)state;
	target->changed_ns = health->now_ns;
	lsvm_health_want(health, &target->waiting, WANT_CHANGED);
}

static uint32_t at_least_one(uint32_t number)
{
	return number ? number : 1;
}

static void judge_good(struct health *health, struct target *target,
		       const struct probe *probe)
{
	const struct check *check = &target->recipe->check;

	target->bad_in_row = 0;
	if (target->good_in_row < UINT32_MAX)
		target->good_in_row++;
	if (target->percent != probe->percent) {
		target->percent = probe->percent;
		lsvm_health_want(health, &target->waiting, WANT_CHANGED);
	}
	if (target->state != TARGET_DOWN || target->is_hinted ||
	    target->good_in_row >= check->rise) {
		clear_cause(target);
		set_state(health, target, TARGET_UP);
	}
	target->is_hinted = false;
}

static void judge_bad(struct health *health, struct target *target,
		      const struct probe *probe)
{
	const uint32_t fall =
		target->is_hinted ? 1 : at_least_one(target->recipe->check.fall);
	uint32_t count;

	target->good_in_row = 0;
	target->failure_count++;
	if (target->bad_in_row < UINT32_MAX)
		target->bad_in_row++;
	count = target->bad_in_row < fall && target->state != TARGET_DOWN
			? target->bad_in_row
			: fall;
	set_cause(target, probe->cause, count, fall);
	if (target->bad_in_row >= fall)
		set_state(health, target, TARGET_DOWN);
	target->is_hinted = false;
}

void lsvm_target_judge(struct health *health, struct target *target,
		       const struct probe *probe)
{
	const uint64_t took_us = (health->now_ns - probe->start_ns) / 1000;

	target->last_probe_ns = health->now_ns;
	target->last_duration_us = took_us > UINT32_MAX ? UINT32_MAX : (uint32_t)took_us;
	if (probe->verdict == VERDICT_GOOD)
		judge_good(health, target, probe);
	else if (probe->verdict == VERDICT_BAD)
		judge_bad(health, target, probe);
	else
		lsvm_target_warn(health, target, probe->cause);
	if (!probe->warned && probe->verdict == VERDICT_GOOD && target->warning)
		target->warning[0] = '\0'; /* it may be said again one day */
}

void lsvm_target_warn(struct health *health, struct target *target, const char *text)
{
	char *copy;

	if (target->warning && strcmp(target->warning, text) == 0)
		return;
	copy = strdup(text);
	if (!copy)
		return;
	free(target->warning);
	target->warning = copy;
	lsvm_health_want(health, &target->waiting, WANT_WARNING);
}

/* ---- looking ---- */

enum target_state lsvm_target_state(const struct target *target)
{
	return (enum target_state)target->state;
}

const char *lsvm_target_cause(const struct target *target)
{
	return target->cause ? target->cause : "";
}

uint32_t lsvm_target_percent(const struct target *target)
{
	return target->percent;
}

const char *lsvm_target_name(const struct target *target)
{
	return target->name;
}

void *lsvm_target_owner(const struct target *target)
{
	return target->owner;
}

void lsvm_target_figures(const struct target *target, struct target_figures *ret)
{
	*ret = (struct target_figures){
		.probe_count = target->probe_count,
		.failure_count = target->failure_count,
		.changed_ns = target->changed_ns,
		.last_probe_ns = target->last_probe_ns,
		.last_duration_us = target->last_duration_us,
		.good_in_row = target->good_in_row,
		.bad_in_row = target->bad_in_row,
	};
}
