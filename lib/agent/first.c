/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table with which an agent begins. What it does not know of counts as alive; but
 * where the kernel has a service already and lacks one of its servers, that was taken out
 * before, most likely by the agent that was here before this one: it stays out until
 * this one knows of all servers.
 */
#include "agent/keep.h"

#include <stdlib.h>

static bool has(const struct ipvs_service *present,
		const struct ipvs_destination *destination)
{
	for (size_t i = 0; i < present->destinations.count; i++)
		if (lsvm_ipvs_destination_compare(&present->destinations.items[i],
						  destination) == 0)
			return true;
	return false;
}

static size_t count_common(const struct ipvs_service *present,
			   const struct ipvs_service *wanted)
{
	size_t count = 0;

	for (size_t i = 0; i < wanted->destinations.count; i++)
		count += has(present, &wanted->destinations.items[i]);
	return count;
}

/* present NULL: all destinations. */
static bool copy_service(struct lsvm_ipvs_table *table, const struct ipvs_service *wanted,
			 const struct ipvs_service *present)
{
	struct ipvs_service *service = lsvm_ipvs_table_push(table);

	if (!service)
		return false;
	*service = *wanted;
	memset(&service->destinations, 0, sizeof(service->destinations));
	service->counters = NULL;
	for (size_t i = 0; i < wanted->destinations.count; i++) {
		const struct ipvs_destination *destination =
			&wanted->destinations.items[i];
		struct ipvs_destination *slot;

		if (present && !has(present, destination))
			continue;
		slot = lsvm_ipvs_service_push(service);
		if (!slot)
			return false;
		*slot = *destination;
		slot->counters = NULL;
	}
	return true;
}

static bool copy_services(struct lsvm_ipvs_table *table,
			  const struct lsvm_ipvs_table *wanted,
			  const struct lsvm_ipvs_table *present, bool *ret_less)
{
	for (size_t i = 0; i < wanted->services.count; i++) {
		const struct ipvs_service *service = &wanted->services.items[i];
		const struct ipvs_service *seen =
			lsvm_ipvs_table_lookup(present, &service->key);
		size_t common = seen ? count_common(seen, service) : 0;
		bool less = common && common < service->destinations.count;

		if (!copy_service(table, service, less ? seen : NULL))
			return false;
		*ret_less |= less;
	}
	return true;
}

int lsvm_keep_first_table(struct lsvm_agent *agent, struct lsvm_ipvs_table **ret)
{
	const struct lsvm_ipvs_table *wanted = lsvm_keep_table(agent);
	struct lsvm_ipvs_table *table, *present;
	int err = lsvm_host_ipvs_snapshot(agent->host, &present);

	if (err < 0)
		return err;
	err = lsvm_ipvs_table_alloc(agent->ctx, &table);
	if (err >= 0) {
		table->timeouts = wanted->timeouts;
		table->master = wanted->master;
		table->backup = wanted->backup;
		err = copy_services(table, wanted, present, &agent->keep->first)
			      ? lsvm_ipvs_table_seal(table)
			      : lsvm_fail_nomem(agent->ctx);
		if (err < 0)
			lsvm_ipvs_table_unref(table);
	}
	lsvm_ipvs_table_unref(present);
	if (err < 0)
		return err;
	*ret = table;
	return 0;
}
