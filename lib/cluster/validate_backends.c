/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands behind the servers: a server that needs a back-end service must have a way
 * to its hosts. And where checks are written.
 */
#include "cluster/validate_private.h"

/* More than any cluster has; a file made to waste time stops wasting it here. */
#define PAIRS_MAX 10000000

static void check_checks(struct validation *v, const struct settings *settings)
{
	for (uint32_t i = 0; i < settings->checks.count; i++)
		lsvm_validate_check(v, &settings->checks.items[i]);
}

/* A service by mark without ports leaves no port to probe. */
static void check_ports_of_checks(struct validation *v, const struct service *service,
				  const struct settings *settings)
{
	for (uint32_t i = 0;
	     !service->ports.count && service->fwmark && i < settings->checks.count;
	     i++) {
		const struct check *check = &settings->checks.items[i];

		if (!check->port && check->kind != LSVM_CHECK_PING &&
		    check->kind != LSVM_CHECK_EXTERNAL)
			lsvm_fault_setting(
				v, FINDING_CHECK_WITHOUT_PORT, service, SETTING_CHECKS,
				"service \"%s\" takes every port, so that its check of "
				"kind %s needs one",
				or_empty(service->name),
				lsvm_check_kind_name((int)check->kind));
	}
}

/* ---- the way to a back end ---- */

static bool have_way(const struct validation *v, const struct machine *a,
		     const struct machine *b)
{
	for (uint32_t i = 0; i < a->interfaces.count; i++) {
		const struct network *from = a->interfaces.items[i].network.target;

		for (uint32_t j = 0; from && j < b->interfaces.count; j++) {
			const struct network *to = b->interfaces.items[j].network.target;

			if (to &&
			    (to == from || network_facts(v, to)->component ==
						   network_facts(v, from)->component))
				return true;
		}
	}
	return false;
}

/* Once for all services of a partition that inherit the same list. */
static void check_needs(struct validation *v, const struct partition *partition,
			const struct service *service, const struct settings *settings,
			struct map *done)
{
	struct ref *const *key = lsvm_arena_alloc(&v->scratch, sizeof(void *));

	if (!key || !settings->needs.count)
		return;
	memcpy((void *)key, &settings->needs.items, sizeof(void *));
	if (lsvm_entered(v, done, key, sizeof(void *), service, NULL))
		return;
	for (uint32_t n = 0; n < settings->needs.count; n++) {
		const struct backend_service *need = settings->needs.items[n].target;

		for (uint32_t h = 0; need && h < need->hosts.count; h++)
			for (uint32_t m = 0;
			     m < partition->servers.count && v->pairs < PAIRS_MAX; m++) {
				const struct machine *server =
					partition->servers.items[m].server.target;
				const struct machine *host = need->hosts.items[h].target;

				v->pairs++;
				if (!server || !host || server == host ||
				    have_way(v, server, host))
					continue;
				lsvm_fault(v, FINDING_BACKEND_NOT_REACHABLE,
					   &partition->servers.items[m].object,
					   &partition->servers.items[m].server,
					   "\"%s\" shares no network with \"%s\", which "
					   "offers \"%s\"",
					   or_empty(server->name), or_empty(host->name),
					   or_empty(need->name));
			}
	}
}

static void check_partition(struct validation *v, const struct partition *partition)
{
	struct map done = { 0 };

	check_checks(v, &partition->settings);
	for (uint32_t i = 0; i < partition->vips.count; i++) {
		const struct vip *vip = &partition->vips.items[i];

		check_checks(v, &vip->settings);
		for (uint32_t s = 0; s < vip->services.count; s++) {
			const struct service *service = &vip->services.items[s];
			struct settings settings;

			check_checks(v, &service->settings);
			lsvm_cluster_settings(service, &settings);
			check_ports_of_checks(v, service, &settings);
			check_needs(v, partition, service, &settings, &done);
		}
	}
	lsvm_map_free(&done);
}

void lsvm_validate_backends(struct validation *v)
{
	const struct lsvm_cluster *c = v->cluster;

	check_checks(v, &c->defaults);
	for (uint32_t i = 0; i < c->backend_services.count; i++) {
		const struct backend_service *service = &c->backend_services.items[i];

		for (uint32_t n = 0; n < service->checks.count; n++)
			lsvm_validate_check(v, &service->checks.items[n]);
		for (uint32_t h = 0; h < service->hosts.count; h++)
			if (is_server(service->hosts.items[h].target))
				server_facts(v, service->hosts.items[h].target)->used =
					true;
	}
	for (uint32_t p = 0; p < c->partitions.count; p++)
		check_partition(v, &c->partitions.items[p]);
}
