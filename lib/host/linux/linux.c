/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real machine: what it has, and one step after the other. */
#include "host/linux/linux.h"
#include "host/linux/ipvs.h"

#include <netlink/netlink.h>
#include <stdlib.h>

static int ipvs_socket(struct linux_host *linux_host, struct ipvs_socket **ret)
{
	int err = 0;

	if (!linux_host->ipvs)
		err = lsvm_ipvs_socket_open(linux_host->host.ctx, &linux_host->ipvs);
	if (err >= 0)
		*ret = linux_host->ipvs;
	return err;
}

static int observe_ipvs(struct linux_host *linux_host, struct state *state)
{
	struct ipvs_socket *socket;
	int err = ipvs_socket(linux_host, &socket);

	return err < 0 ? err : lsvm_ipvs_socket_read(socket, &state->ipvs);
}

static int observe_named(struct linux_host *linux_host, const struct state *named,
			 struct state *state)
{
	int err;

	if (!named)
		return 0;
	err = lsvm_linux_observe_sysctls(linux_host, named, state);
	if (err >= 0)
		err = lsvm_linux_observe_files(linux_host, named, state);
	if (err >= 0)
		err = lsvm_linux_observe_units(linux_host, named, state);
	return err;
}

static int linux_observe(struct lsvm_host *host, const struct state *wanted,
			 const struct state *owned, struct state **ret)
{
	struct linux_host *linux_host = (struct linux_host *)host;
	struct state *state;
	int err = lsvm_state_new(host->ctx, &state);

	if (err < 0)
		return err;
	/* First, since it loads ip_vs and with that its sysctls. */
	if ((wanted && wanted->ipvs) || (owned && owned->ipvs))
		err = observe_ipvs(linux_host, state);
	if (err >= 0)
		err = lsvm_linux_observe_links(linux_host, state);
	if (err >= 0)
		err = lsvm_linux_observe_addresses(linux_host, state);
	if (err >= 0)
		err = lsvm_linux_observe_routes(linux_host, wanted, owned, state);
	if (err >= 0)
		err = observe_named(linux_host, wanted, state);
	if (err >= 0)
		err = observe_named(linux_host, owned, state);
	if (err < 0) {
		lsvm_state_free(state);
		return err;
	}
	*ret = state;
	return 0;
}

static int perform_one(struct linux_host *linux_host, const struct step *step)
{
	switch (step->kind) {
	case STEP_SYSCTL_SET:
		return lsvm_linux_sysctl_set(linux_host, step->sysctl);
	case STEP_LINK_ADD:
		return lsvm_linux_link_add(linux_host, step->link);
	case STEP_LINK_CHANGE:
		return lsvm_linux_link_change(linux_host, step->link);
	case STEP_LINK_DELETE:
		return lsvm_linux_link_delete(linux_host, step->link);
	case STEP_ROUTE_SET:
		return lsvm_linux_route_set(linux_host, step->route);
	case STEP_ROUTE_DELETE:
		return lsvm_linux_route_delete(linux_host, step->route);
	case STEP_FILE_WRITE:
		return lsvm_linux_file_write(linux_host, step->file);
	case STEP_FILE_DELETE:
		return lsvm_linux_file_delete(linux_host, step->file);
	case STEP_UNIT_START:
		return lsvm_linux_unit_start(linux_host, step->unit);
	case STEP_UNIT_RELOAD:
		return lsvm_linux_unit_reload(linux_host, step->unit);
	case STEP_UNIT_STOP:
		return lsvm_linux_unit_stop(linux_host, step->unit);
	case STEP_ADDRESS_ADD: /* lsvm_linux_addresses_change() */
	case STEP_ADDRESS_DELETE:
	case STEP_IPVS: /* perform_ipvs() */
	case STEP_UNKNOWN:
		break;
	}
	return lsvm_fail(linux_host->host.ctx, LSVM_ERR_INTERNAL, "a step of kind %d",
			 step->kind);
}

/* steps[0..count) are all of kind STEP_IPVS. */
static int perform_ipvs(struct linux_host *linux_host, const struct step *steps,
			size_t count, size_t *ret_done)
{
	struct ipvs_change *changes = malloc(count * sizeof(*changes));
	struct ipvs_socket *socket;
	int err;

	*ret_done = 0;
	if (!changes)
		return lsvm_fail_nomem(linux_host->host.ctx);
	for (size_t i = 0; i < count; i++)
		changes[i] = steps[i].ipvs;
	err = ipvs_socket(linux_host, &socket);
	if (err >= 0)
		err = lsvm_ipvs_socket_apply(socket, changes, count, ret_done);
	free(changes);
	return err;
}

/* Changes of addresses travel together, whether they come or go. */
static bool is_address(const struct step *step)
{
	return step->kind == STEP_ADDRESS_ADD || step->kind == STEP_ADDRESS_DELETE;
}

/* How many from the first on are done in one call. */
static size_t run_length(const struct step *steps, size_t count)
{
	size_t length = 1;

	while (length < count && (steps[length].kind == steps[0].kind ||
				  (is_address(&steps[0]) && is_address(&steps[length]))))
		length++;
	return length;
}

static int linux_perform(struct lsvm_host *host, const struct step *steps, size_t count,
			 size_t *ret_done)
{
	struct linux_host *linux_host = (struct linux_host *)host;
	size_t done = 0, length, some;
	int err = 0;

	while (done < count && err >= 0) {
		length = run_length(&steps[done], count - done);
		if (steps[done].kind == STEP_IPVS) {
			err = perform_ipvs(linux_host, &steps[done], length, &some);
		} else if (is_address(&steps[done])) {
			err = lsvm_linux_addresses_change(linux_host, &steps[done],
							  length, &some);
		} else {
			err = perform_one(linux_host, &steps[done]);
			some = err >= 0;
		}
		done += some;
		host->write_count += some;
	}
	*ret_done = done;
	return err;
}

static void linux_free(struct lsvm_host *host)
{
	struct linux_host *linux_host = (struct linux_host *)host;

	lsvm_io_free(linux_host->io);
	lsvm_log_free(linux_host->log);
	nl_socket_free(linux_host->route);
	lsvm_ipvs_socket_close(linux_host->ipvs);
	lsvm_linux_unlock(host);
	free(linux_host);
}

static int linux_ipvs_check(struct lsvm_host *host, const struct ipvs_change *change)
{
	struct ipvs_socket *socket;
	int err = ipvs_socket((struct linux_host *)host, &socket);

	return err < 0 ? err : lsvm_ipvs_socket_check(socket, change, 1);
}

static int linux_ipvs_zero(struct lsvm_host *host, const struct ipvs_key *key_or_all)
{
	struct ipvs_socket *socket;
	int err = ipvs_socket((struct linux_host *)host, &socket);

	return err < 0 ? err : lsvm_ipvs_socket_zero(socket, key_or_all);
}

static int linux_ipvs_flush(struct lsvm_host *host)
{
	struct ipvs_socket *socket;
	int err = ipvs_socket((struct linux_host *)host, &socket);

	return err < 0 ? err : lsvm_ipvs_socket_flush(socket);
}

static int linux_ipvs_info(struct lsvm_host *host, struct ipvs_info *ret)
{
	struct ipvs_socket *socket;
	int err = ipvs_socket((struct linux_host *)host, &socket);

	return err < 0 ? err : lsvm_ipvs_socket_info(socket, ret);
}

static const struct host_ops linux_ops = {
	.io = &lsvm_linux_io_ops,
	.observe = linux_observe,
	.perform = linux_perform,
	.stream = lsvm_linux_stream,
	.neighbours = lsvm_linux_neighbours,
	.ipvs_check = linux_ipvs_check,
	.ipvs_zero = linux_ipvs_zero,
	.ipvs_flush = linux_ipvs_flush,
	.ipvs_info = linux_ipvs_info,
	.lock = lsvm_linux_lock,
	.unlock = lsvm_linux_unlock,
	.free = linux_free,
};

int lsvm_host_open(struct lsvm_ctx *ctx, const char *name, struct lsvm_host **ret)
{
	struct linux_host *linux_host = calloc(1, sizeof(*linux_host));
	int err;

	if (!linux_host)
		return lsvm_fail_nomem(ctx);
	linux_host->lock = -1;
	err = lsvm_host_init(&linux_host->host, &linux_ops, ctx, name);
	if (err < 0) {
		free(linux_host);
		return err;
	}
	*ret = &linux_host->host;
	return 0;
}
