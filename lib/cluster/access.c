/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The public getters. Public handles are the model's own objects under another name: a
 * frozen cluster has nothing to hide, its layout only is not promised.
 */
#include "cluster/model.h"

#include <stdio.h>

/* clang-format off */
#define HANDLE(type)                                                                     \
	static const struct type *in_##type(const struct lsvm_##type *handle)            \
	{                                                                                \
		return (const struct type *)handle;                                      \
	}                                                                                \
	static const struct lsvm_##type *out_##type(const struct type *object)           \
	{                                                                                \
		return (const struct lsvm_##type *)object;                               \
	}
HANDLE(machine)
HANDLE(partition)
HANDLE(vip)
HANDLE(service)
HANDLE(domain)
/* clang-format on */

#define NTH(list, i) ((i) < (list).count ? &(list).items[i] : NULL)

const char *lsvm_cluster_name(const struct lsvm_cluster *cluster)
{
	return cluster->name;
}

uint32_t lsvm_cluster_advert_interval_ms(const struct lsvm_cluster *cluster)
{
	const struct redundancy *redundancy = cluster->redundancy;

	return redundancy->kind == LSVM_REDUNDANCY_VRRP && cluster->directors.count > 1
		       ? redundancy->advert_interval_ms
		       : 0;
}

/* ---- machines ---- */

size_t lsvm_cluster_machine_count(const struct lsvm_cluster *cluster)
{
	return (cluster->ems ? 1u : 0u) + (size_t)cluster->routers.count +
	       cluster->directors.count + cluster->servers.count +
	       cluster->backends.count;
}

const struct lsvm_machine *lsvm_cluster_machine_at(const struct lsvm_cluster *cluster,
						   size_t index)
{
	return out_machine(lsvm_cluster_machine_nth(cluster, index));
}

const struct lsvm_machine *lsvm_cluster_find_machine(const struct lsvm_cluster *cluster,
						     const char *name)
{
	return out_machine(lsvm_map_find(&cluster->machines_by_name, name));
}

const char *lsvm_machine_name(const struct lsvm_machine *machine)
{
	return in_machine(machine)->name;
}

int lsvm_machine_role(const struct lsvm_machine *machine)
{
	return (int)in_machine(machine)->role;
}

/* ---- partitions ---- */

size_t lsvm_cluster_partition_count(const struct lsvm_cluster *cluster)
{
	return cluster->partitions.count;
}

const struct lsvm_partition *lsvm_cluster_partition_at(const struct lsvm_cluster *cluster,
						       size_t index)
{
	return out_partition(NTH(cluster->partitions, index));
}

const struct lsvm_partition *lsvm_cluster_find_partition(
	const struct lsvm_cluster *cluster, const char *name)
{
	return out_partition(lsvm_map_find(&cluster->partitions_by_name, name));
}

const char *lsvm_partition_name(const struct lsvm_partition *partition)
{
	return in_partition(partition)->name;
}

size_t lsvm_partition_server_count(const struct lsvm_partition *partition)
{
	return in_partition(partition)->servers.count;
}

const struct lsvm_machine *lsvm_partition_server_at(
	const struct lsvm_partition *partition, size_t index)
{
	const struct member *member = NTH(in_partition(partition)->servers, index);

	return member ? out_machine(member->server.target) : NULL;
}

uint32_t lsvm_partition_server_weight(const struct lsvm_partition *partition,
				      size_t index)
{
	const struct member *member = NTH(in_partition(partition)->servers, index);

	return member ? member->weight : 0;
}

size_t lsvm_partition_vip_count(const struct lsvm_partition *partition)
{
	return in_partition(partition)->vips.count;
}

const struct lsvm_vip *lsvm_partition_vip_at(const struct lsvm_partition *partition,
					     size_t index)
{
	return out_vip(NTH(in_partition(partition)->vips, index));
}

/* ---- VIPs ---- */

const char *lsvm_vip_name(const struct lsvm_vip *vip)
{
	return in_vip(vip)->name;
}

const char *lsvm_vip_address(const struct lsvm_vip *vip, char *buf, size_t size)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];

	snprintf(buf, size, "%s", lsvm_addr_text(&in_vip(vip)->address, text));
	return buf;
}

const struct lsvm_partition *lsvm_vip_partition(const struct lsvm_vip *vip)
{
	return out_partition(vip_partition(in_vip(vip)));
}

size_t lsvm_vip_service_count(const struct lsvm_vip *vip)
{
	return in_vip(vip)->services.count;
}

const struct lsvm_service *lsvm_vip_service_at(const struct lsvm_vip *vip, size_t index)
{
	return out_service(NTH(in_vip(vip)->services, index));
}

size_t lsvm_vip_domain_count(const struct lsvm_vip *vip)
{
	return in_vip(vip)->domains.count;
}

const struct lsvm_domain *lsvm_vip_domain_at(const struct lsvm_vip *vip, size_t index)
{
	return out_domain(NTH(in_vip(vip)->domains, index));
}

/* ---- services ---- */

const char *lsvm_service_name(const struct lsvm_service *service)
{
	return in_service(service)->name;
}

int lsvm_service_protocol(const struct lsvm_service *service)
{
	return (int)in_service(service)->protocol;
}

uint16_t lsvm_service_port(const struct lsvm_service *service)
{
	const struct service *s = in_service(service);

	return s->ports.count ? s->ports.items[0].first : 0;
}

uint32_t lsvm_service_fwmark(const struct lsvm_service *service)
{
	return in_service(service)->fwmark;
}

int lsvm_service_application(const struct lsvm_service *service)
{
	return (int)in_service(service)->application;
}

int lsvm_service_forwarding(const struct lsvm_service *service)
{
	struct settings settings;

	lsvm_cluster_settings(in_service(service), &settings);
	return (int)settings.forwarding;
}

const char *lsvm_service_scheduler(const struct lsvm_service *service)
{
	struct settings settings;

	lsvm_cluster_settings(in_service(service), &settings);
	return settings.scheduler;
}

/* ---- domains ---- */

const struct lsvm_domain *lsvm_cluster_find_domain(const struct lsvm_cluster *cluster,
						   const char *name)
{
	char lower[256]; /* longer than any name of a host */
	size_t length = strlen(name);

	if (length >= sizeof(lower))
		return NULL;
	for (size_t i = 0; i <= length; i++)
		lower[i] = lsvm_ascii_lower(name[i]);
	return out_domain(lsvm_map_find(&cluster->domains_by_name, lower));
}

const char *lsvm_domain_name(const struct lsvm_domain *domain)
{
	return in_domain(domain)->name;
}

const struct lsvm_vip *lsvm_domain_vip(const struct lsvm_domain *domain)
{
	return out_vip(domain_vip(in_domain(domain)));
}

const char *lsvm_domain_home(const struct lsvm_domain *domain)
{
	return in_domain(domain)->home;
}

const char *lsvm_domain_web_master(const struct lsvm_domain *domain)
{
	return in_domain(domain)->web_master;
}

uint32_t lsvm_domain_quota_mib(const struct lsvm_domain *domain)
{
	return in_domain(domain)->quota_mib;
}

size_t lsvm_domain_alias_count(const struct lsvm_domain *domain)
{
	return in_domain(domain)->aliases.count;
}

const char *lsvm_domain_alias_at(const struct lsvm_domain *domain, size_t index)
{
	const struct domain *d = in_domain(domain);

	return index < d->aliases.count ? d->aliases.items[index] : NULL;
}
