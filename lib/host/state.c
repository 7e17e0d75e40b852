/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine holds, as a value: made empty, filled by a plan or by an observation.
 *
 * Lists are searched from front to back: they are short but for addresses, which callers
 * with many of them index themselves.
 */
#include "host/host.h"

#include <stdlib.h>

int lsvm_state_new(struct lsvm_ctx *ctx, struct state **ret)
{
	struct state *state = calloc(1, sizeof(*state));

	if (!state)
		return lsvm_fail_nomem(ctx);
	*ret = state;
	return 0;
}

void lsvm_state_free(struct state *state)
{
	if (!state)
		return;
	lsvm_ipvs_table_unref(state->ipvs);
	vec_free(&state->links);
	vec_free(&state->addresses);
	vec_free(&state->routes);
	vec_free(&state->sysctls);
	vec_free(&state->files);
	vec_free(&state->units);
	lsvm_arena_free(&state->arena);
	free(state);
}

struct link *lsvm_state_link(const struct state *state, const char *name)
{
	for (size_t i = 0; i < state->links.count; i++)
		if (strcmp(state->links.items[i].name, name) == 0)
			return &state->links.items[i];
	return NULL;
}

struct sysctl *lsvm_state_sysctl(const struct state *state, const char *name)
{
	for (size_t i = 0; i < state->sysctls.count; i++)
		if (strcmp(state->sysctls.items[i].name, name) == 0)
			return &state->sysctls.items[i];
	return NULL;
}

struct file *lsvm_state_file(const struct state *state, const char *path)
{
	for (size_t i = 0; i < state->files.count; i++)
		if (strcmp(state->files.items[i].path, path) == 0)
			return &state->files.items[i];
	return NULL;
}

struct unit *lsvm_state_unit(const struct state *state, const char *name)
{
	for (size_t i = 0; i < state->units.count; i++)
		if (strcmp(state->units.items[i].name, name) == 0)
			return &state->units.items[i];
	return NULL;
}

struct route *lsvm_state_route(const struct state *state,
			       const struct prefix *destination)
{
	for (size_t i = 0; i < state->routes.count; i++)
		if (lsvm_prefix_compare(&state->routes.items[i].destination,
					destination) == 0)
			return &state->routes.items[i];
	return NULL;
}

struct address *lsvm_state_address(const struct state *state,
				   const struct address *address)
{
	for (size_t i = 0; i < state->addresses.count; i++) {
		struct address *have = &state->addresses.items[i];

		if (strcmp(have->interface, address->interface) == 0 &&
		    lsvm_prefix_compare(&have->prefix, &address->prefix) == 0)
			return have;
	}
	return NULL;
}

bool lsvm_state_add_sysctl(struct state *state, const char *name, const char *value)
{
	struct sysctl *sysctl = vec_push(&state->sysctls);

	if (!sysctl)
		return false;
	sysctl->name = lsvm_arena_strdup(&state->arena, name);
	sysctl->value = lsvm_arena_strdup(&state->arena, value);
	if (state->arena.failed)
		state->sysctls.count--;
	return !state->arena.failed;
}

bool lsvm_state_add_file(struct state *state, const char *path, uint32_t mode,
			 const char *content, size_t length)
{
	struct file *file = vec_push(&state->files);

	if (!file)
		return false;
	file->path = lsvm_arena_strdup(&state->arena, path);
	file->mode = mode;
	file->length = content ? length : 0;
	if (content)
		file->content = lsvm_arena_strndup(&state->arena, content, length);
	if (state->arena.failed)
		state->files.count--;
	return !state->arena.failed;
}

static const char *skip_space(const char *text)
{
	return text + strspn(text, " \t\n");
}

bool lsvm_sysctl_equal(const char *a, const char *b)
{
	for (;;) {
		size_t word;

		a = skip_space(a);
		b = skip_space(b);
		word = strcspn(a, " \t\n");
		if (word != strcspn(b, " \t\n") || memcmp(a, b, word) != 0)
			return false;
		if (!word)
			return true;
		a += word;
		b += word;
	}
}
