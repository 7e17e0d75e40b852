/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A simulated machine: made with a loopback interface, changed step by step. */
#include "host/sim/world_private.h"

#include <stdlib.h>

static int perform(struct sim_host *sim, const struct step *step)
{
	switch (step->kind) {
	case STEP_SYSCTL_SET:
		return lsvm_sim_sysctl_set(sim, step->sysctl);
	case STEP_LINK_ADD:
		return lsvm_sim_link_add(sim, step->link);
	case STEP_LINK_CHANGE:
		return lsvm_sim_link_change(sim, step->link);
	case STEP_LINK_DELETE:
		return lsvm_sim_link_delete(sim, step->link);
	case STEP_ADDRESS_ADD:
		return lsvm_sim_address_add(sim, step->address);
	case STEP_ADDRESS_DELETE:
		return lsvm_sim_address_delete(sim, step->address);
	case STEP_ROUTE_SET:
		return lsvm_sim_route_set(sim, step->route);
	case STEP_ROUTE_DELETE:
		return lsvm_sim_route_delete(sim, step->route);
	case STEP_IPVS:
		return lsvm_sim_ipvs_change(sim, &step->ipvs);
	case STEP_FILE_WRITE:
		return lsvm_sim_file_write(sim, step->file);
	case STEP_FILE_DELETE:
		return lsvm_sim_file_delete(sim, step->file);
	case STEP_UNIT_START:
		return lsvm_sim_unit_start(sim, step->unit);
	case STEP_UNIT_RELOAD:
		return lsvm_sim_unit_reload(sim, step->unit);
	case STEP_UNIT_STOP:
		return lsvm_sim_unit_stop(sim, step->unit);
	case STEP_UNKNOWN:
		break;
	}
	return lsvm_fail(sim->host.ctx, LSVM_ERR_INTERNAL, "a step of kind %d",
			 step->kind);
}

static int is_dead(struct lsvm_host *host)
{
	return lsvm_fail(host->ctx, LSVM_ERR_STATE,
			 "the process on %s has been killed; start another one",
			 host->name);
}

static int sim_perform(struct lsvm_host *host, const struct step *steps, size_t count,
		       size_t *ret_done)
{
	struct sim_host *sim = (struct sim_host *)host;
	int err = 0;
	size_t done;

	lsvm_node_sync(sim->node);
	for (done = 0; done < count; done++) {
		err = lsvm_node_effect(sim->node) ? perform(sim, &steps[done])
						  : is_dead(host);
		if (err < 0)
			break;
		host->write_count++;
		lsvm_node_effected(sim->node);
	}
	*ret_done = done;
	return err;
}

static int sim_neighbours(struct lsvm_host *host, struct neighbours *ret)
{
	const struct node *node = ((struct sim_host *)host)->node;

	for (size_t i = 0; i < node->ports.count; i++) {
		const struct sim_port *port = node->ports.items[i];

		for (size_t k = 0; k < port->neighbours.count; k++) {
			const struct sim_neighbour *from = &port->neighbours.items[k];
			struct neighbour *to = vec_push(&ret->list);

			if (!to)
				return lsvm_fail_nomem(host->ctx);
			memcpy(to->interface, port->interface, INTERFACE_BYTES);
			to->addr = from->addr;
			to->has_mac = true;
			to->mac[0] = 2;
			to->mac[4] = (uint8_t)from->port->node->index;
			to->mac[5] =
				(uint8_t)from->port
					->interface[strlen(from->port->interface) - 1];
			to->state = node->world->now < from->trusted_until ? "reachable"
									   : "stale";
		}
	}
	return 0;
}

static int sim_lock(struct lsvm_host *host)
{
	struct sim_host *sim = (struct sim_host *)host;

	if (sim->locked)
		return lsvm_fail(host->ctx, LSVM_ERR_BUSY,
				 "another apply is under way on %s; wait for it and try "
				 "again",
				 host->name);
	sim->locked = true;
	return 0;
}

static void sim_unlock(struct lsvm_host *host)
{
	((struct sim_host *)host)->locked = false;
}

static void drop_units(struct sim_host *sim)
{
	for (size_t i = 0; i < sim->units.count; i++)
		free(sim->units.items[i].name);
	sim->units.count = 0;
}

static void drop_sysctls(struct sim_host *sim)
{
	for (size_t i = 0; i < sim->sysctls.count; i++) {
		free(sim->sysctls.items[i].name);
		free(sim->sysctls.items[i].value);
	}
	sim->sysctls.count = 0;
}

static void sim_free(struct lsvm_host *host)
{
	struct sim_host *sim = (struct sim_host *)host;

	lsvm_world_free(sim->world);
	drop_sysctls(sim);
	drop_units(sim);
	for (size_t i = 0; i < sim->files.count; i++) {
		free(sim->files.items[i].path);
		free(sim->files.items[i].content);
	}
	vec_free(&sim->links);
	vec_free(&sim->addresses);
	vec_free(&sim->routes);
	vec_free(&sim->sysctls);
	vec_free(&sim->files);
	vec_free(&sim->units);
	lsvm_sim_kernel_end(sim);
	free(sim);
}

static const struct host_ops sim_ops = {
	.io = &lsvm_sim_io,
	.observe = lsvm_sim_observe,
	.perform = sim_perform,
	.stream = lsvm_sim_stream,
	.neighbours = sim_neighbours,
	.ipvs_zero = lsvm_sim_ipvs_zero,
	.ipvs_flush = lsvm_sim_ipvs_flush,
	.ipvs_info = lsvm_sim_ipvs_info,
	.lock = sim_lock,
	.unlock = sim_unlock,
	.free = sim_free,
};

static int add_loopback(struct sim_host *sim)
{
	struct address addresses[2] = { { .interface = "lo" }, { .interface = "lo" } };
	int err = 0;

	lsvm_prefix_parse("127.0.0.1/8", &addresses[0].prefix);
	lsvm_prefix_parse("::1/128", &addresses[1].prefix);
	for (size_t i = 0; i < ARRAY_SIZE(addresses) && err >= 0; i++)
		err = lsvm_sim_address_add(sim, &addresses[i]);
	return err;
}

static int fill(struct sim_host *sim, struct world *world)
{
	static const struct link lo = { .name = "lo",
					.kind = LINK_PRESENT,
					.mtu = 65536 };
	int err = lsvm_sim_link_push(sim, &lo, true);

	lsvm_sim_kernel_begin(sim);
	if (err >= 0)
		err = add_loopback(sim);
	if (err >= 0 && !world) {
		err = lsvm_world_new(sim->host.ctx, 1, &sim->world);
		world = sim->world;
	}
	return err < 0 ? err : lsvm_node_new(world, sim, &sim->node);
}

int lsvm_sim_new(struct lsvm_ctx *ctx, const char *name, struct world *world,
		 struct sim_host **ret)
{
	struct sim_host *sim = calloc(1, sizeof(*sim));
	int err;

	if (!sim)
		return lsvm_fail_nomem(ctx);
	sim->host.simulated = true;
	err = lsvm_host_init(&sim->host, &sim_ops, ctx, name);
	if (err < 0) {
		free(sim);
		return err;
	}
	err = fill(sim, world);
	if (err < 0) {
		lsvm_host_free(&sim->host);
		return err;
	}
	*ret = sim;
	return 0;
}

int lsvm_host_new_simulated(struct lsvm_ctx *ctx, const char *name,
			    struct lsvm_host **ret)
{
	struct sim_host *sim;
	int err = lsvm_sim_new(ctx, name, NULL, &sim);

	if (err < 0)
		return err;
	*ret = &sim->host;
	return 0;
}

void lsvm_sim_reset(struct sim_host *sim)
{
	const uint64_t now_ms = sim->kernel.now_ms;

	for (size_t i = sim->links.count; i-- > 0;)
		if (!sim->links.items[i].card)
			lsvm_sim_link_delete(sim, &sim->links.items[i].link);
	sim->addresses.count = sim->routes.count = 0;
	drop_sysctls(sim);
	drop_units(sim);
	lsvm_sim_kernel_end(sim);
	memset(&sim->kernel, 0, sizeof(sim->kernel));
	lsvm_sim_kernel_begin(sim);
	sim->kernel.now_ms = sim->kernel.passed_ms = now_ms;
	sim->locked = false;
	add_loopback(sim);
}

int lsvm_host_simulate_interface(struct lsvm_host *host, const char *name)
{
	struct link card = { .kind = LINK_PRESENT, .mtu = 1500 };
	size_t length = strlen(name);

	if (!host->simulated)
		return lsvm_fail(host->ctx, LSVM_ERR_STATE,
				 "%s is a real machine; its interfaces cannot be "
				 "simulated",
				 host->name);
	if (!length || length >= INTERFACE_BYTES || strpbrk(name, "/: \t\n") ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return lsvm_fail(host->ctx, LSVM_ERR_ARGUMENT,
				 "'%s' is no name for an interface; take 1 to %d "
				 "characters without space, slash or colon",
				 name, INTERFACE_BYTES - 1);
	memcpy(card.name, name, length);
	return lsvm_sim_link_push((struct sim_host *)host, &card, true);
}
