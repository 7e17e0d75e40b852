/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the cluster to what one machine must hold. Each role has its own file; here is
 * what they share, and the way in.
 *
 * One pass over the cluster for each machine, everything in document order, sorted at the
 * end: the result depends on the cluster and on nothing else. A failure (memory, or a
 * value that cannot be written into a file) is remembered in the compilation and looked
 * at once.
 */
#include "plan/compile.h"

#include <stdlib.h>

void lsvm_compile_nomem(struct compilation *c)
{
	if (!c->err)
		c->err = lsvm_fail_nomem(c->ctx);
}

void lsvm_want_sysctl(struct compilation *c, const char *name, const char *value)
{
	void *old = NULL;
	struct sysctl *sysctl;
	int err;

	name = lsvm_arena_strdup(c->arena, name);
	value = lsvm_arena_strdup(c->arena, value);
	if (!name || !value)
		return;
	err = lsvm_map_put(&c->sysctls, name, strlen(name),
			   (void *)(c->wanted->sysctls.count + 1), &old);
	if (err == LSVM_ERR_EXISTS) {
		c->wanted->sysctls.items[(size_t)old - 1].value = value;
		return;
	}
	sysctl = err < 0 ? NULL : vec_push(&c->wanted->sysctls);
	if (!sysctl) {
		lsvm_compile_nomem(c);
		return;
	}
	*sysctl = (struct sysctl){ name, value };
}

void lsvm_want_interface_sysctl(struct compilation *c, const char *family,
				const char *interface, const char *name,
				const char *value)
{
	char text[INTERFACE_BYTES];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = interface[i] == '.' ? '/' : interface[i];
	text[sizeof(text) - 1] = '\0';
	name = lsvm_arena_printf(&c->scratch, "net.%s.conf.%s.%s", family, text, name);
	if (name)
		lsvm_want_sysctl(c, name, value);
}

static void set_interface(char *to, const char *name)
{
	size_t length = strnlen(name, INTERFACE_BYTES - 1);

	memcpy(to, name, length);
	to[length] = '\0';
}

static void want_prefix(struct compilation *c, const struct addr *addr, uint8_t length,
			const char *interface)
{
	struct address *address = vec_push(&c->wanted->addresses);

	if (!address) {
		lsvm_compile_nomem(c);
		return;
	}
	address->prefix = (struct prefix){ *addr, length };
	set_interface(address->interface, interface);
}

void lsvm_want_address(struct compilation *c, const struct addr *addr,
		       const char *interface)
{
	want_prefix(c, addr, lsvm_addr_bits(addr), interface);
}

void lsvm_want_route(struct compilation *c, const struct prefix *destination,
		     const struct addr *via, const char *interface)
{
	struct route *route = vec_push(&c->wanted->routes);

	if (!route) {
		lsvm_compile_nomem(c);
		return;
	}
	route->destination = *destination;
	if (via)
		route->via = *via;
	set_interface(route->interface, interface);
}

void lsvm_want_card(struct compilation *c, const char *name, uint32_t mtu)
{
	struct link *link;

	if (lsvm_state_link(c->wanted, name))
		return;
	link = vec_push(&c->wanted->links);
	if (!link) {
		lsvm_compile_nomem(c);
		return;
	}
	link->kind = LINK_PRESENT;
	set_interface(link->name, name);
	link->mtu = mtu;
}

/* They have the length of their subnet, and so steps never take them away. */
static void want_own_addresses(struct compilation *c, const struct interface *interface)
{
	for (uint32_t i = 0; i < interface->addresses.count; i++) {
		const struct addr *addr = &interface->addresses.items[i];
		const struct prefix *subnet =
			lsvm_network_subnet(interface_network(interface), addr);

		if (subnet && subnet->length < lsvm_addr_bits(addr))
			want_prefix(c, addr, subnet->length, interface->name);
	}
}

void lsvm_want_interfaces(struct compilation *c)
{
	for (uint32_t i = 0; i < c->machine->interfaces.count; i++) {
		const struct interface *interface = &c->machine->interfaces.items[i];

		lsvm_want_card(c, interface->name, interface_network(interface)->mtu);
		want_own_addresses(c, interface);
	}
}

void lsvm_want_file(struct compilation *c, const char *path, uint32_t mode,
		    struct buf *content)
{
	struct file *file = content->failed ? NULL : vec_push(&c->wanted->files);
	size_t length = content->length;
	char *text, *shrunk;

	if (!file) {
		lsvm_compile_nomem(c);
		lsvm_buf_free(content);
		return;
	}
	file->path = lsvm_arena_strdup(c->arena, path);
	file->mode = mode;
	file->length = length;
	/* Not copied: the web server's file is the largest thing in a plan. */
	text = lsvm_buf_take(content);
	shrunk = text ? realloc(text, length + 1) : NULL;
	file->content = shrunk ? shrunk : text;
	if (file->content)
		lsvm_arena_adopt(c->arena, (void *)file->content, length + 1);
	else
		lsvm_compile_nomem(c);
}

static const char *const *copy_words(struct compilation *c, const char *const *words)
{
	const char **copy;
	size_t count = 0;

	if (!words)
		return NULL;
	while (words[count])
		count++;
	copy = lsvm_arena_array(c->arena, count + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < count; i++)
		copy[i] = lsvm_arena_strdup(c->arena, words[i]);
	return copy;
}

void lsvm_want_unit(struct compilation *c, const struct unit *unit)
{
	struct unit *copy = vec_push(&c->wanted->units);

	if (!copy) {
		lsvm_compile_nomem(c);
		return;
	}
	copy->name = lsvm_arena_strdup(c->arena, unit->name);
	if (unit->pid_file)
		copy->pid_file = lsvm_arena_strdup(c->arena, unit->pid_file);
	copy->files = copy_words(c, unit->files);
	copy->test = copy_words(c, unit->test);
	copy->start = copy_words(c, unit->start);
	copy->reload = copy_words(c, unit->reload);
	copy->stop = copy_words(c, unit->stop);
	copy->present = copy_words(c, unit->present);
}

/* ---- the way in ---- */

/* The director that is master while all of them live: the highest priority, the first in
 * the file of several. */
static const struct machine *first_master(const struct lsvm_cluster *cluster)
{
	const struct machine *best = NULL;

	for (uint32_t i = 0; i < cluster->directors.count; i++)
		if (!best || cluster->directors.items[i].priority > best->priority)
			best = &cluster->directors.items[i];
	return best;
}

static void compile_role(struct compilation *c)
{
	switch (c->machine->role) {
	case LSVM_ROLE_DIRECTOR:
		lsvm_compile_director(c);
		lsvm_compile_gateways(c);
		break;
	case LSVM_ROLE_SERVER:
		lsvm_compile_server(c);
		lsvm_compile_gateways(c);
		break;
	case LSVM_ROLE_EMS:
		lsvm_want_interfaces(c);
		lsvm_compile_gateways(c);
		break;
	case LSVM_ROLE_ROUTER:
		lsvm_compile_router(c);
		break;
	case LSVM_ROLE_BACKEND:
	case LSVM_ROLE_UNKNOWN:
		break;
	}
	for (uint32_t i = 0; i < c->machine->sysctls.count; i++)
		lsvm_want_sysctl(c, c->machine->sysctls.items[i].name,
				 c->machine->sysctls.items[i].value);
}

static int compile(struct compilation *c, int duty)
{
	struct lsvm_plan *plan = c->plan;

	plan->cluster = lsvm_arena_strdup(c->arena, c->cluster->name);
	plan->machine = lsvm_arena_strdup(c->arena, c->machine->name);
	plan->role = c->machine->role;
	if (plan->role == LSVM_ROLE_DIRECTOR) {
		plan->duty = (enum lsvm_duty)duty;
		c->master = duty == LSVM_DUTY_MASTER ||
			    (duty == LSVM_DUTY_AUTO &&
			     first_master(c->cluster) == c->machine);
	}
	compile_role(c);
	if (c->arena->failed || c->scratch.failed)
		lsvm_compile_nomem(c);
	return c->err < 0 ? c->err : lsvm_plan_seal(plan);
}

int lsvm_plan_compile(struct lsvm_ctx *ctx, const struct lsvm_cluster *cluster,
		      const char *machine, int duty, struct lsvm_plan **ret)
{
	struct compilation c = { .ctx = ctx, .cluster = cluster };
	int err;

	if (duty < LSVM_DUTY_AUTO || duty > LSVM_DUTY_BACKUP)
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "%d is no duty; use auto, master or backup", duty);
	c.machine = lsvm_map_find(&cluster->machines_by_name, machine);
	if (!c.machine)
		return lsvm_fail(ctx, LSVM_ERR_NOT_FOUND,
				 "cluster '%s' has no machine '%s'; look at the names in "
				 "its file",
				 cluster->name, machine);
	err = lsvm_plan_alloc(ctx, &c.plan);
	if (err < 0)
		return err;
	c.wanted = c.plan->wanted;
	c.arena = &c.wanted->arena;
	err = compile(&c, duty);
	lsvm_map_free(&c.sysctls);
	lsvm_arena_free(&c.scratch);
	if (err < 0) {
		lsvm_plan_unref(c.plan);
		return err;
	}
	*ret = c.plan;
	return 0;
}
