/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arrivals: behind NAT the servers see their own address and no VIP. Requests for several
 * VIPs arrive at one endpoint there, and only the port and the name that a client asks
 * for tell them apart. So http and https need ports of their own, and a short name
 * (without a dot: all others are unique) means one domain on each port.
 *
 * Asked for each partition, and again for each server that is in several.
 */
#include "cluster/validate_private.h"

#define PORT_HTTP 80
#define PORT_HTTPS 443

struct arrivals {
	struct validation *v;
	struct map ports; /* struct arrival -> struct service */
	struct map names; /* text of arrival and name -> struct domain */
};

struct arrival {	   /* no padding: it is a key of a map */
	const void *where; /* partition, or server */
	uint64_t endpoint; /* family and port */
};

static struct arrival *new_arrival(struct arrivals *a, const void *where,
				   const struct vip *vip, uint16_t port)
{
	struct arrival *key = lsvm_arena_alloc(&a->v->scratch, sizeof(*key));

	if (key)
		*key = (struct arrival){ where,
					 (uint64_t)vip->address.family << 16 | port };
	return key;
}

static bool is_nat_web(const struct service *service)
{
	struct settings settings;

	if (service->protocol != LSVM_PROTOCOL_TCP ||
	    (service->application != LSVM_APPLICATION_HTTP &&
	     service->application != LSVM_APPLICATION_HTTPS))
		return false;
	lsvm_cluster_settings(service, &settings);
	return settings.forwarding == LSVM_FORWARDING_NAT;
}

static uint32_t range_count(const struct service *service)
{
	return service->server_port || !service->ports.count ? 1 : service->ports.count;
}

static struct port_range range_at(const struct service *service, uint32_t index)
{
	uint16_t port = service->server_port;

	if (!port && service->ports.count)
		return service->ports.items[index];
	if (!port)
		port = service->application == LSVM_APPLICATION_HTTPS ? PORT_HTTPS
								      : PORT_HTTP;
	return (struct port_range){ port, port };
}

/* ---- ports ---- */

/* True when nothing arrived there before. */
static bool enter_port(struct arrivals *a, const void *where,
		       const struct machine *server, const struct service *service,
		       uint16_t port)
{
	struct arrival *key = new_arrival(a, where, service_vip(service), port);
	const struct service *other;
	void *found = NULL;

	if (!key)
		return false;
	if (!lsvm_entered(a->v, &a->ports, key, sizeof(*key), service, &found))
		return true;
	other = found;
	if (other->application != service->application)
		lsvm_fault(a->v, FINDING_SERVER_PORT_MIXED, &service->object,
			   service->server_port ? (const void *)&service->server_port
						: &service->ports,
			   "service \"%s\" arrives at port %u of %s%s%s, where service "
			   "\"%s\" (%s) speaks %s",
			   or_empty(service->name), port, server ? "\"" : "the servers",
			   server ? or_empty(server->name) : "", server ? "\"" : "",
			   or_empty(other->name), lsvm_place(a->v, &other->object),
			   lsvm_application_name((int)other->application));
	return false;
}

static void check_port(struct arrivals *a, const struct partition *partition,
		       const struct service *service, uint16_t port)
{
	if (!enter_port(a, partition, NULL, service, port))
		return;
	for (uint32_t m = 0; m < partition->servers.count; m++) {
		const struct machine *server = partition->servers.items[m].server.target;

		if (is_server(server) && server_facts(a->v, server)->partition_count > 1)
			enter_port(a, server, server, service, port);
	}
}

/* ---- short names ---- */

static bool same_pages(const struct domain *one, const struct domain *two)
{
	return domain_vip(one)->object.parent == domain_vip(two)->object.parent &&
	       strcmp(or_empty(one->name), or_empty(two->name)) == 0;
}

/* True when nothing has this name there. */
static bool enter_name(struct arrivals *a, const void *where, const struct domain *domain,
		       const char *name, uint16_t port)
{
	const struct domain *other;
	void *found = NULL;
	char *key = lsvm_arena_printf(&a->v->scratch, "%p %u %u %s", where,
				      domain_vip(domain)->address.family, port, name);

	for (char *c = key; c && *c; c++)
		*c = lsvm_ascii_lower(*c);
	if (!key)
		return false;
	if (!lsvm_entered(a->v, &a->names, key, strlen(key), domain, &found))
		return true;
	other = found;
	if (domain_vip(other) != domain_vip(domain) && !same_pages(domain, other))
		lsvm_fault(
			a->v, FINDING_SHORT_NAME_SHARED, &domain->object,
			name == domain->name ? (const void *)&domain->name
					     : &domain->aliases,
			"behind NAT \"%s\" of VIP \"%s\" cannot be told from \"%s\" of "
			"VIP \"%s\" (%s): both arrive at port %u of a server",
			name, or_empty(domain_vip(domain)->name), name,
			or_empty(domain_vip(other)->name),
			lsvm_place(a->v, &other->object), port);
	return false;
}

/* False once it was told. */
static bool check_name_at(struct arrivals *a, const struct domain *domain,
			  const char *name, uint16_t port)
{
	const struct partition *partition = vip_partition(domain_vip(domain));

	if (!enter_name(a, partition, domain, name, port))
		return false;
	for (uint32_t m = 0; m < partition->servers.count; m++) {
		const struct machine *server = partition->servers.items[m].server.target;

		if (is_server(server) &&
		    server_facts(a->v, server)->partition_count > 1 &&
		    !enter_name(a, server, domain, name, port))
			return false;
	}
	return true;
}

static void check_name(struct arrivals *a, const struct service *service,
		       const struct domain *domain, const char *name)
{
	if (!name || strchr(name, '.'))
		return;
	for (uint32_t r = 0; r < range_count(service); r++) {
		struct port_range range = range_at(service, r);

		for (uint32_t port = range.first; port <= range.last; port++)
			if (!check_name_at(a, domain, name, (uint16_t)port))
				return;
	}
}

/* ---- all of them ---- */

static void check_service(struct arrivals *a, const struct vip *vip,
			  const struct service *service)
{
	if (!is_nat_web(service))
		return;
	for (uint32_t r = 0; r < range_count(service); r++) {
		struct port_range range = range_at(service, r);

		for (uint32_t port = range.first; port <= range.last; port++)
			check_port(a, vip_partition(vip), service, (uint16_t)port);
	}
	for (uint32_t d = 0; d < vip->domains.count; d++) {
		const struct domain *domain = &vip->domains.items[d];

		check_name(a, service, domain, domain->name);
		for (uint32_t i = 0; i < domain->aliases.count; i++)
			check_name(a, service, domain, domain->aliases.items[i]);
	}
}

void lsvm_validate_arrivals(struct validation *v)
{
	struct arrivals a = { .v = v };

	for (uint32_t p = 0; p < v->cluster->partitions.count; p++) {
		const struct partition *partition = &v->cluster->partitions.items[p];

		for (uint32_t i = 0; i < partition->vips.count; i++) {
			const struct vip *vip = &partition->vips.items[i];

			for (uint32_t s = 0;
			     vip->address.family && s < vip->services.count; s++)
				check_service(&a, vip, &vip->services.items[s]);
		}
	}
	lsvm_map_free(&a.ports);
	lsvm_map_free(&a.names);
}
