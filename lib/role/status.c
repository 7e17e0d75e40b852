/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a machine stands against what was applied to it last: one look at the host, written
 * as JSON or as text. What is still to do comes from the same comparison that an apply
 * makes.
 */
#include "base/json.h"
#include "ipvs/sockopt.h"
#include "role/role.h"

#include <stdlib.h>

struct status {
	struct lsvm_host *host;
	struct record record;
	struct lsvm_plan *plan;	    /* the newest; NULL: nothing was applied */
	const struct state *wanted; /* its state, or an empty one */
	struct state *own; /* the empty one, with a table when that is asked for */
	struct state *present;
	struct lsvm_steps *steps;
	struct ipvs_info info;
};

static void status_free(struct status *status)
{
	lsvm_steps_free(status->steps);
	lsvm_state_free(status->present);
	lsvm_state_free(status->own);
	lsvm_record_free(&status->record);
}

/* Of what the older options lose nothing is to do. */
static int want_what_is_shown(struct status *status)
{
	struct state *shown;
	int err = lsvm_state_union(status->host->ctx, &status->plan, 1, &shown);

	if (err < 0)
		return err;
	lsvm_state_free(status->own);
	status->own = shown;
	status->wanted = shown;
	return lsvm_role_drop_hidden(status->host, status->present, shown);
}

static int status_look(struct status *status, int role)
{
	struct lsvm_ctx *ctx = status->host->ctx;
	int err = lsvm_record_read(status->host, NULL, &status->record);

	if (err >= 0)
		err = lsvm_record_plan(status->host, &status->record, &status->plan);
	if (err >= 0)
		err = lsvm_state_new(ctx, &status->own);
	if (err >= 0 && role == LSVM_ROLE_DIRECTOR)
		err = lsvm_ipvs_table_new(ctx, &status->own->ipvs);
	if (err < 0)
		return err;
	status->wanted = status->plan ? status->plan->wanted : status->own;
	err = lsvm_host_observe(status->host, status->wanted, status->own,
				&status->present);
	if (err >= 0 && status->present->ipvs)
		err = status->host->ops->ipvs_info(status->host, &status->info);
	if (err >= 0 && status->plan && status->info.older)
		err = want_what_is_shown(status);
	if (err < 0)
		return err;
	return lsvm_steps_compute(ctx, status->present, NULL, status->wanted,
				  &status->steps);
}

static bool has_route(const struct status *status, const struct route *route)
{
	const struct route *have = lsvm_state_route(status->present, &route->destination);

	return have && lsvm_addr_compare(&have->via, &route->via) == 0 &&
	       strcmp(have->interface, route->interface) == 0;
}

static bool has_file(const struct status *status, const struct file *file)
{
	const struct file *have = lsvm_state_file(status->present, file->path);

	return have && have->content && have->length == file->length &&
	       memcmp(have->content, file->content, file->length) == 0;
}

static bool runs(const struct status *status, const struct unit *unit)
{
	const struct unit *have = lsvm_state_unit(status->present, unit->name);

	return have && have->running;
}

/* ---- what others put into our services ---- */

typedef bool (*foreign_fn)(const struct ipvs_service *service,
			   const struct ipvs_destination *destination, void *data);

static int by_destination(const void *a, const void *b)
{
	return lsvm_ipvs_destination_compare(a, b);
}

static bool is_planned(const struct ipvs_service *planned,
		       const struct ipvs_destination *destination)
{
	return planned->destinations.count &&
	       bsearch(destination, planned->destinations.items,
		       planned->destinations.count,
		       sizeof(planned->destinations.items[0]), by_destination);
}

/* Each destination that a service of the plan has in the kernel and not in the plan: it
 * takes a share of the traffic, and no apply takes it away. false: a call said so. */
static bool each_foreign(const struct status *status, foreign_fn call, void *data)
{
	const struct lsvm_ipvs_table *present = status->present->ipvs;
	const struct lsvm_ipvs_table *wanted = status->wanted->ipvs;

	for (size_t i = 0; present && wanted && i < present->services.count; i++) {
		const struct ipvs_service *service = &present->services.items[i];
		const struct ipvs_service *planned =
			lsvm_ipvs_table_lookup(wanted, &service->key);

		for (size_t j = 0; planned && j < service->destinations.count; j++) {
			const struct ipvs_destination *destination =
				&service->destinations.items[j];

			if (!is_planned(planned, destination) &&
			    !call(service, destination, data))
				return false;
		}
	}
	return true;
}

static bool text_foreign(const struct ipvs_service *service,
			 const struct ipvs_destination *destination, void *data)
{
	char key[LSVM_ADDRESS_TEXT_BYTES * 2], endpoint[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_buf_printf(
		data, "  not ours: destination %s of %s, weight %u\n",
		lsvm_endpoint_text(&destination->addr, destination->port, endpoint),
		lsvm_ipvs_key_text(&service->key, key), destination->weight);
	return true;
}

/* ---- JSON ---- */

/* Adds the item to the list of that name; false when memory ran out. */
static bool add(json_t *root, const char *list, json_t *item)
{
	json_t *array = json_object_get(root, list);

	if (!array && json_object_set_new(root, list, array = json_array()) < 0) {
		json_decref(item);
		return false;
	}
	return json_array_append_new(array, item) == 0;
}

static bool add_network(const struct status *status, json_t *root)
{
	const struct state *wanted = status->wanted;
	char text[LSVM_ADDRESS_TEXT_BYTES];
	bool good = true;

	for (size_t i = 0; i < wanted->links.count; i++) {
		const struct link *link = &wanted->links.items[i];
		const struct link *have = lsvm_state_link(status->present, link->name);

		good &= add(root, "links",
			    json_pack("{s:s, s:s, s:b, s:b}", "name", link->name, "kind",
				      lsvm_link_kind_name(link->kind), "present",
				      have != NULL, "up", have && !have->down));
	}
	for (size_t i = 0; i < wanted->addresses.count; i++) {
		const struct address *address = &wanted->addresses.items[i];

		good &= add(
			root, "addresses",
			json_pack("{s:s, s:s, s:b}", "address",
				  lsvm_prefix_text(&address->prefix, text), "interface",
				  address->interface, "present",
				  lsvm_state_address(status->present, address) != NULL));
	}
	for (size_t i = 0; i < wanted->routes.count; i++) {
		const struct route *route = &wanted->routes.items[i];

		good &= add(root, "routes",
			    json_pack("{s:s, s:s, s:b}", "destination",
				      lsvm_prefix_text(&route->destination, text),
				      "interface", route->interface, "present",
				      has_route(status, route)));
	}
	return good;
}

static bool add_rest(const struct status *status, json_t *root)
{
	const struct state *wanted = status->wanted;
	bool good = true;

	for (size_t i = 0; i < wanted->sysctls.count; i++) {
		const struct sysctl *sysctl = &wanted->sysctls.items[i];
		const struct sysctl *have =
			lsvm_state_sysctl(status->present, sysctl->name);

		good &= add(root, "sysctls",
			    json_pack("{s:s, s:s, s:s?}", "name", sysctl->name, "wanted",
				      sysctl->value, "value", have ? have->value : NULL));
	}
	for (size_t i = 0; i < wanted->files.count; i++)
		good &= add(root, "files",
			    json_pack("{s:s, s:b}", "path", wanted->files.items[i].path,
				      "same", has_file(status, &wanted->files.items[i])));
	for (size_t i = 0; i < wanted->units.count; i++)
		good &= add(root, "units",
			    json_pack("{s:s, s:b}", "name", wanted->units.items[i].name,
				      "running", runs(status, &wanted->units.items[i])));
	return good;
}

static bool add_steps(const struct status *status, json_t *root)
{
	bool good = true;

	for (size_t i = 0; i < status->steps->list.count; i++) {
		struct buf text = { 0 };

		lsvm_step_text(&status->steps->list.items[i], &text);
		good &= !text.failed && text.data &&
			add(root, "to_do", json_string(text.data));
		lsvm_buf_free(&text);
	}
	return good;
}

static bool json_foreign(const struct ipvs_service *service,
			 const struct ipvs_destination *destination, void *data)
{
	char key[LSVM_ADDRESS_TEXT_BYTES * 2], endpoint[LSVM_ADDRESS_TEXT_BYTES];

	return add(data, "not_ours",
		   json_pack("{s:s, s:s, s:I}", "service",
			     lsvm_ipvs_key_text(&service->key, key), "destination",
			     lsvm_endpoint_text(&destination->addr, destination->port,
						endpoint),
			     "weight", (json_int_t)destination->weight));
}

/* Only where netlink is refused. */
static bool add_interface(const struct status *status, json_t *root)
{
	bool good = true;

	if (!status->info.older)
		return true;
	good = json_object_set_new(root, "ipvs_interface",
				   json_string("socket-options")) == 0;
	for (size_t i = 0; lsvm_sockopt_lost[i]; i++)
		good &= add(root, "ipvs_lost", json_string(lsvm_sockopt_lost[i]));
	return good;
}

/* Every list is there, empty or not. */
static json_t *start_json(const struct status *status)
{
	const struct lsvm_plan *plan = status->plan;

	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:[], s:[], s:[], s:[], s:[], "
			 "s:[], s:[], s:[]}",
			 "schema", "lsvm-status/1", "machine",
			 plan ? plan->machine : status->host->name, "role",
			 lsvm_role_name(plan ? plan->role : LSVM_ROLE_UNKNOWN), "duty",
			 lsvm_duty_name(plan ? plan->duty : LSVM_DUTY_UNKNOWN), "applied",
			 plan != NULL, "complete", !record_is_cut(&status->record),
			 "to_do", "not_ours", "links", "addresses", "routes", "sysctls",
			 "files", "units");
}

static char *to_json(const struct status *status)
{
	json_t *root = start_json(status);
	bool good = root && add_steps(status, root) &&
		    each_foreign(status, json_foreign, root) &&
		    add_network(status, root) && add_rest(status, root) &&
		    add_interface(status, root);
	char *text = NULL;

	if (good && status->plan && status->plan->promise)
		good = json_object_set_new(root, "connections",
					   json_string(status->plan->promise)) == 0;
	if (good && status->present->ipvs)
		good = json_object_set_new(root, "ipvs",
					   lsvm_ipvs_table_json(status->present->ipvs)) ==
		       0;
	if (good)
		text = lsvm_json_text(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

/* ---- text ---- */

static void text_head(const struct status *status, struct buf *buf)
{
	const struct lsvm_plan *plan = status->plan;
	size_t left = status->steps->list.count;
	struct buf foreign = { 0 };

	if (!plan) {
		lsvm_buf_printf(buf, "%s: nothing is applied\n", status->host->name);
		return;
	}
	lsvm_buf_printf(buf, "%s: %s of cluster %s", plan->machine,
			lsvm_role_name(plan->role), plan->cluster);
	if (plan->duty)
		lsvm_buf_printf(buf, ", duty %s", lsvm_duty_name(plan->duty));
	if (record_is_cut(&status->record))
		lsvm_buf_text(buf, ", the last apply was cut short");
	each_foreign(status, text_foreign, &foreign);
	if (left)
		lsvm_buf_printf(buf, ", %zu step%s to do\n", left, left == 1 ? "" : "s");
	else
		lsvm_buf_text(buf, foreign.length
					   ? ", as planned but for what is not ours\n"
					   : ", as planned\n");
	if (plan->promise)
		lsvm_buf_printf(buf, "  connections %s\n", plan->promise);
	for (size_t i = 0; i < left; i++) {
		lsvm_buf_text(buf, "  to do: ");
		lsvm_step_text(&status->steps->list.items[i], buf);
		lsvm_buf_text(buf, "\n");
	}
	if (foreign.length)
		lsvm_buf_text(buf, foreign.data ? foreign.data : "");
	buf->failed |= foreign.failed;
	lsvm_buf_free(&foreign);
}

static void text_rest(const struct status *status, struct buf *buf)
{
	const struct state *wanted = status->wanted;
	char text[LSVM_ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < wanted->addresses.count; i++)
		lsvm_buf_printf(
			buf, "address %s on %s: %s\n",
			lsvm_prefix_text(&wanted->addresses.items[i].prefix, text),
			wanted->addresses.items[i].interface,
			lsvm_state_address(status->present, &wanted->addresses.items[i])
				? "there"
				: "missing");
	for (size_t i = 0; i < wanted->sysctls.count; i++) {
		const struct sysctl *sysctl = &wanted->sysctls.items[i];
		const struct sysctl *have =
			lsvm_state_sysctl(status->present, sysctl->name);

		lsvm_buf_printf(buf, "sysctl %s: %s, wanted %s\n", sysctl->name,
				have ? have->value : "missing", sysctl->value);
	}
	for (size_t i = 0; i < wanted->files.count; i++)
		lsvm_buf_printf(buf, "file %s: %s\n", wanted->files.items[i].path,
				has_file(status, &wanted->files.items[i]) ? "as planned"
									  : "differs");
	for (size_t i = 0; i < wanted->units.count; i++)
		lsvm_buf_printf(buf, "unit %s: %s\n", wanted->units.items[i].name,
				runs(status, &wanted->units.items[i]) ? "runs"
								      : "does not run");
}

static void text_destination(const struct ipvs_destination *d, struct buf *buf)
{
	const struct ipvs_counters none = { 0 }, *c = d->counters ? d->counters : &none;
	char text[LSVM_ADDRESS_TEXT_BYTES], word[IPVS_WORD_BYTES];

	lsvm_buf_printf(buf, "  %-42s %-8s %6u %8u %8u %12llu %12llu\n",
			lsvm_endpoint_text(&d->addr, d->port, text),
			lsvm_ipvs_forwarding_text(d->forwarding, word), d->weight,
			d->active_count, d->inactive_count,
			(unsigned long long)c->connections,
			(unsigned long long)c->in_packets);
}

static void text_interface(const struct status *status, struct buf *buf)
{
	if (!status->info.older)
		return;
	lsvm_buf_text(buf, "IPVS by the kernel's older socket options, since netlink is "
			   "refused here; lost:\n");
	for (size_t i = 0; lsvm_sockopt_lost[i]; i++)
		lsvm_buf_printf(buf, "  %s\n", lsvm_sockopt_lost[i]);
}

static void text_table(const struct lsvm_ipvs_table *table, struct buf *buf)
{
	char text[LSVM_ADDRESS_TEXT_BYTES * 2];

	lsvm_buf_printf(buf, "%-44s %-8s %6s %8s %8s %12s %12s\n", "SERVICE", "FORWARD",
			"WEIGHT", "ACTIVE", "INACTIVE", "CONNECTIONS", "PACKETS-IN");
	for (size_t i = 0; i < table->services.count; i++) {
		const struct ipvs_service *service = &table->services.items[i];
		const struct ipvs_counters *c = service->counters;

		lsvm_buf_printf(buf, "%-44s %-8s %6s %8s %8s %12llu %12llu\n",
				lsvm_ipvs_key_text(&service->key, text),
				service->scheduler, "", "", "",
				c ? (unsigned long long)c->connections : 0,
				c ? (unsigned long long)c->in_packets : 0);
		for (size_t j = 0; j < service->destinations.count; j++)
			text_destination(&service->destinations.items[j], buf);
	}
}

static char *to_text(const struct status *status)
{
	struct buf buf = { 0 };

	text_head(status, &buf);
	text_rest(status, &buf);
	text_interface(status, &buf);
	if (status->present->ipvs)
		text_table(status->present->ipvs, &buf);
	return lsvm_buf_take(&buf);
}

/* ---- the calls ---- */

static int make(struct lsvm_host *host, int role, char *(*write)(const struct status *),
		char **ret)
{
	struct status status = { .host = host };
	int err = status_look(&status, role);
	char *text = NULL;

	if (err >= 0) {
		text = write(&status);
		if (text)
			*ret = text;
		else
			err = lsvm_fail_nomem(host->ctx);
	}
	status_free(&status);
	return err < 0 ? err : 0;
}

int lsvm_role_status_to_json(struct lsvm_host *host, int role, char **ret)
{
	return make(host, role, to_json, ret);
}

int lsvm_role_status_to_text(struct lsvm_host *host, int role, char **ret)
{
	return make(host, role, to_text, ret);
}

int lsvm_role_applied(struct lsvm_host *host, struct lsvm_plan **ret)
{
	struct lsvm_plan *plan = NULL;
	struct record record;
	int err = lsvm_record_read(host, NULL, &record);

	if (err < 0)
		return err;
	if (record.plans.count == 0)
		err = lsvm_fail(host->ctx, LSVM_ERR_NOT_FOUND,
				"nothing is applied to %s; apply a plan first",
				host->name);
	else if (record_is_cut(&record))
		err = lsvm_fail(host->ctx, LSVM_ERR_STATE,
				"the last apply to %s was cut short; apply again",
				host->name);
	else
		err = lsvm_record_plan(host, &record, &plan);
	if (err >= 0)
		*ret = lsvm_plan_ref(plan);
	lsvm_record_free(&record);
	return err;
}
