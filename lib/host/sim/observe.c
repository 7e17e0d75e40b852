/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a simulated machine has, as far as a plan is concerned. */
#include "host/sim/world_private.h"

static int plug(struct sim_host *sim, const struct state *wanted, const char *name)
{
	struct link card = { .kind = LINK_PRESENT, .mtu = 1500 };

	if (lsvm_sim_link(sim, name))
		return 0;
	for (size_t i = 0; i < wanted->links.count; i++)
		if (wanted->links.items[i].kind != LINK_PRESENT &&
		    strcmp(wanted->links.items[i].name, name) == 0)
			return 0; /* the plan makes it */
	memcpy(card.name, name, sizeof(card.name));
	return lsvm_sim_link_push(sim, &card, true);
}

/* Network cards are hardware: one that a plan names is taken to be plugged in. */
static int plug_cards(struct sim_host *sim, const struct state *wanted)
{
	int err = 0;

	if (!wanted)
		return 0;
	for (size_t i = 0; err >= 0 && i < wanted->links.count; i++)
		err = plug(sim, wanted, wanted->links.items[i].name);
	for (size_t i = 0; err >= 0 && i < wanted->addresses.count; i++)
		err = plug(sim, wanted, wanted->addresses.items[i].interface);
	for (size_t i = 0; err >= 0 && i < wanted->routes.count; i++)
		err = plug(sim, wanted, wanted->routes.items[i].interface);
	return err;
}

static bool copy_network(struct sim_host *sim, struct state *state)
{
	for (size_t i = 0; i < sim->links.count; i++) {
		struct link *link = vec_push(&state->links);

		if (!link)
			return false;
		*link = sim->links.items[i].link;
	}
	for (size_t i = 0; i < sim->addresses.count; i++) {
		struct address *address = vec_push(&state->addresses);

		if (!address)
			return false;
		*address = sim->addresses.items[i];
	}
	for (size_t i = 0; i < sim->routes.count; i++) {
		struct route *route = vec_push(&state->routes);

		if (!route)
			return false;
		*route = sim->routes.items[i];
	}
	return true;
}

static bool copy_named(struct sim_host *sim, const struct state *named,
		       struct state *state)
{
	for (size_t i = 0; i < named->sysctls.count; i++) {
		const char *name = named->sysctls.items[i].name;
		const char *value = lsvm_sim_sysctl_get(sim, name);

		if (value && !lsvm_state_sysctl(state, name) &&
		    !lsvm_state_add_sysctl(state, name, value))
			return false;
	}
	for (size_t i = 0; i < named->files.count; i++) {
		const char *path = named->files.items[i].path;
		const struct sim_file *file = lsvm_sim_file(sim, path);

		if (!lsvm_state_file(state, path) &&
		    !lsvm_state_add_file(state, path, file ? file->mode : 0,
					 file ? file->content : NULL,
					 file ? file->length : 0))
			return false;
	}
	for (size_t i = 0; i < named->units.count; i++) {
		const struct unit *unit = &named->units.items[i];
		struct unit *seen;

		if (lsvm_state_unit(state, unit->name))
			continue;
		seen = vec_push(&state->units);
		if (!seen)
			return false;
		seen->name = lsvm_arena_strdup(&state->arena, unit->name);
		seen->running = lsvm_sim_unit_running(sim, unit);
		if (state->arena.failed)
			return false;
	}
	return true;
}

int lsvm_sim_observe(struct lsvm_host *host, const struct state *wanted,
		     const struct state *owned, struct state **ret)
{
	struct sim_host *sim = (struct sim_host *)host;
	struct state *state;
	int err = plug_cards(sim, wanted);

	lsvm_node_sync(sim->node);
	if (err >= 0)
		err = lsvm_state_new(host->ctx, &state);
	if (err < 0)
		return err;
	if (!copy_network(sim, state) || (wanted && !copy_named(sim, wanted, state)) ||
	    (owned && !copy_named(sim, owned, state)))
		err = lsvm_fail_nomem(host->ctx);
	if (err >= 0 && ((wanted && wanted->ipvs) || (owned && owned->ipvs)))
		err = lsvm_sim_ipvs_read(sim, &state->ipvs);
	if (err < 0) {
		lsvm_state_free(state);
		return err;
	}
	*ret = state;
	return 0;
}
