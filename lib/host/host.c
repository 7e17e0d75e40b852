/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is the same for every kind of machine. */
#include "host/host.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

void lsvm_host_free(struct lsvm_host *host)
{
	struct lsvm_ctx *ctx;

	if (!host)
		return;
	ctx = host->ctx;
	free(host->name);
	host->ops->free(host);
	lsvm_ctx_unref(ctx);
}

int lsvm_host_init(struct lsvm_host *host, const struct host_ops *ops,
		   struct lsvm_ctx *ctx, const char *name)
{
	host->name = strdup(name);
	if (!host->name)
		return lsvm_fail_nomem(ctx);
	host->ops = ops;
	host->ctx = lsvm_ctx_ref(ctx);
	return 0;
}

const char *lsvm_host_name(const struct lsvm_host *host)
{
	return host->name;
}

bool lsvm_host_is_simulated(const struct lsvm_host *host)
{
	return host->simulated;
}

uint64_t lsvm_host_write_count(const struct lsvm_host *host)
{
	return host->write_count;
}

static int check_values(struct lsvm_ctx *ctx, const struct step *step)
{
	switch (step->ipvs.kind) {
	case IPVS_SERVICE_ADD:
	case IPVS_SERVICE_EDIT:
		return lsvm_ipvs_service_check(ctx, step->ipvs.service,
					       step->ipvs.service_before);
	case IPVS_DESTINATION_ADD:
	case IPVS_DESTINATION_EDIT:
		return lsvm_ipvs_destination_check(ctx, step->ipvs.service,
						   step->ipvs.destination,
						   step->ipvs.destination_before);
	case IPVS_SERVICE_DELETE:
	case IPVS_DESTINATION_DELETE:
	case IPVS_TIMEOUTS_SET:
	case IPVS_DAEMON_START:
	case IPVS_DAEMON_STOP:
		break;
	}
	return 0;
}

int lsvm_host_check(struct lsvm_host *host, const struct step *steps, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && err >= 0; i++) {
		if (steps[i].kind != STEP_IPVS)
			continue;
		err = check_values(host->ctx, &steps[i]);
		if (err >= 0 && host->ops->ipvs_check)
			err = host->ops->ipvs_check(host, &steps[i].ipvs);
	}
	return err;
}

int lsvm_host_perform(struct lsvm_host *host, const struct step *steps, size_t count,
		      size_t *ret_done)
{
	int err = lsvm_host_check(host, steps, count);

	*ret_done = 0;
	return err < 0 ? err : host->ops->perform(host, steps, count, ret_done);
}

/* A state that asks for nothing but an observation of the IPVS table. */
static int empty_table_state(struct lsvm_ctx *ctx, struct state **ret)
{
	struct state *state;
	int err = lsvm_state_new(ctx, &state);

	if (err < 0)
		return err;
	err = lsvm_ipvs_table_alloc(ctx, &state->ipvs);
	if (err == 0)
		err = lsvm_ipvs_table_seal(state->ipvs);
	if (err < 0) {
		lsvm_state_free(state);
		return err;
	}
	*ret = state;
	return 0;
}

int lsvm_host_ipvs_snapshot(struct lsvm_host *host, struct lsvm_ipvs_table **ret)
{
	struct state *wanted, *present;
	int err = empty_table_state(host->ctx, &wanted);

	if (err < 0)
		return err;
	err = lsvm_host_observe(host, wanted, NULL, &present);
	lsvm_state_free(wanted);
	if (err < 0)
		return err;
	*ret = present->ipvs;
	present->ipvs = NULL;
	lsvm_state_free(present);
	return 0;
}

static int perform_changes(struct lsvm_host *host, const struct ipvs_changes *changes,
			   size_t *ret_changed)
{
	size_t count = changes->list.count, done = 0;
	struct step *steps;
	int err;

	*ret_changed = 0;
	if (!count)
		return 0;
	steps = calloc(count, sizeof(*steps));
	if (!steps)
		return lsvm_fail_nomem(host->ctx);
	for (size_t i = 0; i < count; i++)
		steps[i] = (struct step){ .kind = STEP_IPVS,
					  .ipvs = changes->list.items[i] };
	err = lsvm_host_perform(host, steps, count, &done);
	free(steps);
	*ret_changed = done;
	return err;
}

/* The table is what was wanted, as far as it is ours. */
static int read_back(struct lsvm_host *host, const struct lsvm_ipvs_table *wanted,
		     const struct lsvm_ipvs_table *owned)
{
	struct ipvs_changes left = { 0 };
	struct lsvm_ipvs_table *present;
	struct buf text = { 0 };
	int err = lsvm_host_ipvs_snapshot(host, &present);

	if (err < 0)
		return err;
	err = lsvm_ipvs_changes_compute(host->ctx, present, owned, wanted, &left);
	if (err >= 0 && left.list.count) {
		lsvm_ipvs_change_text(&left.list.items[0], &text);
		err = text.failed ? lsvm_fail_nomem(host->ctx)
				  : lsvm_fail(host->ctx, LSVM_ERR_CONFLICT,
					      "the IPVS table did not stay as it was set "
					      "(%s); something else changes it: find out "
					      "what, then try again",
					      text.data ? text.data : "");
	}
	lsvm_buf_free(&text);
	lsvm_ipvs_changes_clear(&left);
	lsvm_ipvs_table_unref(present);
	return err;
}

int lsvm_host_ipvs_reconcile(struct lsvm_host *host, const struct lsvm_ipvs_table *wanted,
			     const struct lsvm_ipvs_table *owned, size_t *ret_changed)
{
	struct lsvm_ipvs_table *present;
	struct ipvs_changes changes = { 0 };
	size_t changed = 0;
	int err = lsvm_host_ipvs_snapshot(host, &present);

	if (err < 0)
		return err;
	err = lsvm_ipvs_changes_compute(host->ctx, present, owned, wanted, &changes);
	if (err >= 0)
		err = perform_changes(host, &changes, &changed);
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
	if (err >= 0 && changed)
		err = read_back(host, wanted, owned);
	if (err < 0)
		return err;
	*ret_changed = changed;
	return 0;
}

int lsvm_host_ipvs_zero(struct lsvm_host *host, const struct lsvm_ipvs_service *service)
{
	const struct ipvs_service *named = (const struct ipvs_service *)service;
	int err = host->ops->ipvs_zero(host, named ? &named->key : NULL);

	host->write_count += err == 0;
	return err;
}

int lsvm_host_ipvs_flush(struct lsvm_host *host)
{
	int err = host->ops->ipvs_flush(host);

	host->write_count += err == 0;
	return err;
}

int lsvm_host_ipvs_info(struct lsvm_host *host, uint32_t *ret_version,
			uint32_t *ret_bucket_count)
{
	struct ipvs_info info;
	int err = host->ops->ipvs_info(host, &info);

	if (err < 0)
		return err;
	*ret_version = info.version;
	*ret_bucket_count = info.connection_bucket_count;
	return 0;
}

/* ---- neighbours ---- */

static json_t *neighbour_json(const struct neighbour *neighbour)
{
	const uint8_t *mac = neighbour->mac;
	char address[LSVM_ADDRESS_TEXT_BYTES], text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	return json_pack("{s:s, s:s, s:s?, s:s}", "address",
			 lsvm_addr_text(&neighbour->addr, address), "interface",
			 neighbour->interface, "mac", neighbour->has_mac ? text : NULL,
			 "state", neighbour->state);
}

static int by_neighbour(const void *left, const void *right)
{
	const struct neighbour *a = left, *b = right;
	int order = strcmp(a->interface, b->interface);

	return order ? order : lsvm_addr_compare(&a->addr, &b->addr);
}

static char *neighbours_text(const struct neighbours *neighbours)
{
	json_t *root =
		json_pack("{s:s, s:[]}", "schema", "lsvm-neighbours/1", "neighbours");
	json_t *list = json_object_get(root, "neighbours");
	bool good = root != NULL;
	char *text = NULL;

	for (size_t i = 0; good && i < neighbours->list.count; i++)
		good = json_array_append_new(
			       list, neighbour_json(&neighbours->list.items[i])) == 0;
	if (good)
		text = lsvm_json_text(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

int lsvm_host_neighbours_to_json(struct lsvm_host *host, char **ret)
{
	struct neighbours neighbours = { 0 };
	int err = host->ops->neighbours(host, &neighbours);
	char *text = NULL;

	if (err >= 0) {
		if (neighbours.list.count)
			qsort(neighbours.list.items, neighbours.list.count,
			      sizeof(*neighbours.list.items), by_neighbour);
		text = neighbours_text(&neighbours);
		if (!text)
			err = lsvm_fail_nomem(host->ctx);
	}
	vec_free(&neighbours.list);
	if (err < 0)
		return err;
	*ret = text;
	return 0;
}
