/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VIPs: each once in the whole cluster, in a network where every director stands; and the
 * ports on them, each for one service.
 */
#include "cluster/validate_private.h"

#include <stdlib.h>

/* A service with more ports than this becomes too many virtual services; a mark makes it
 * one. */
#define PORTS_OF_A_SERVICE_MAX 1024

/* ---- the address ---- */

static void check_vip_address(struct validation *v, struct map *vips, struct vip *vip)
{
	const struct owner *owner;
	void *found = NULL;
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (lsvm_addr_is_special(&vip->address) || lsvm_is_edge(v, &vip->address))
		lsvm_fault(v, FINDING_ADDRESS_NOT_USABLE, &vip->object, &vip->address,
			   "%s cannot be a virtual address",
			   lsvm_addr_text(&vip->address, text));
	owner = lsvm_map_get(&v->owners, &vip->address, sizeof(vip->address));
	if (owner)
		lsvm_fault(v, FINDING_VIP_IS_MACHINE_ADDRESS, &vip->object, &vip->address,
			   "%s is an address of \"%s\" (%s)",
			   lsvm_addr_text(&vip->address, text), owner->name,
			   lsvm_place(v, owner->object));
	if (lsvm_entered(v, vips, &vip->address, sizeof(vip->address), vip, &found)) {
		const struct vip *other = found;
		bool same = other->object.parent == vip->object.parent;

		lsvm_fault(v,
			   same ? FINDING_DUPLICATE_VIP : FINDING_VIP_IN_TWO_PARTITIONS,
			   &vip->object, &vip->address,
			   "%s is in partition \"%s\" already (%s)",
			   lsvm_addr_text(&vip->address, text),
			   or_empty(vip_partition(other)->name),
			   lsvm_place(v, &other->object));
	}
}

/* ---- the network ---- */

static void default_network(struct validation *v, struct vip *vip)
{
	struct network *network = lsvm_network_of(v, &vip->address);
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (!network)
		network = v->outermost;
	if (network) {
		vip->network.name = network->name;
		vip->network.target = network;
	} else if (v->cluster->directors.count && v->cluster->networks.count) {
		lsvm_fault(
			v, FINDING_VIP_WITHOUT_NETWORK, &vip->object, &vip->address,
			"there is no network for %s: no subnet has it, and the directors "
			"share no network",
			lsvm_addr_text(&vip->address, text));
	}
}

static void check_vip_network(struct validation *v, struct vip *vip)
{
	const struct network *network, *home;
	const struct network_facts *facts;
	const void *field = lsvm_was_written(&vip->object, &vip->network)
				    ? (const void *)&vip->network
				    : &vip->address;
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (!vip->network.name)
		default_network(v, vip);
	network = vip->network.target;
	if (!network)
		return;
	home = lsvm_network_of(v, &vip->address);
	facts = network_facts(v, network);
	if (home != network || !facts->shared || facts->distance == DISTANCE_FAR)
		lsvm_addr_text(&vip->address, text);
	if (home && home != network)
		lsvm_fault(v, FINDING_VIP_IN_OTHER_NETWORK, &vip->object, field,
			   "%s belongs to network \"%s\", not to \"%s\"", text,
			   or_empty(home->name), or_empty(network->name));
	if (v->cluster->directors.count && !facts->shared)
		lsvm_fault(v, FINDING_VIP_WITHOUT_DIRECTOR, &vip->object, field,
			   "not every director has an interface in network \"%s\", where "
			   "%s is",
			   or_empty(network->name), text);
	else if (v->outside && facts->distance == DISTANCE_FAR)
		lsvm_fault(
			v, FINDING_VIP_NOT_REACHABLE, &vip->object, field,
			"no router leads from the clients to network \"%s\", where %s is",
			or_empty(network->name), text);
}

/* ---- ports ---- */

struct used_ports {
	enum lsvm_protocol protocol;
	uint32_t first, last;
	const struct service *service;
};

static int compare_ports(const void *left, const void *right)
{
	const struct used_ports *a = left, *b = right;

	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->last != b->last)
		return a->last < b->last ? -1 : 1;
	return a->service < b->service ? -1 : a->service > b->service;
}

static uint32_t count_ports(const struct service *service)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < service->ports.count; i++)
		count +=
			1u + service->ports.items[i].last - service->ports.items[i].first;
	return count;
}

static void check_service_ports(struct validation *v, const struct service *service)
{
	bool written = lsvm_was_written(&service->object, &service->ports);
	uint32_t count = count_ports(service);

	if (!service->ports.count && !service->fwmark && !written)
		lsvm_fault(v, FINDING_SERVICE_WITHOUT_PORTS, &service->object, NULL,
			   "service \"%s\" has neither ports nor a firewall mark",
			   or_empty(service->name));
	if (count > PORTS_OF_A_SERVICE_MAX && !service->fwmark)
		lsvm_fault(v, FINDING_TOO_MANY_PORTS, &service->object, &service->ports,
			   "service \"%s\" has %u ports; without a mark %d are allowed",
			   or_empty(service->name), count, PORTS_OF_A_SERVICE_MAX);
}

static void report_overlap(struct validation *v, const struct used_ports *a,
			   const struct used_ports *b)
{
	const struct used_ports *late = a->service > b->service ? a : b;
	const struct used_ports *early = late == a ? b : a;
	uint32_t port = a->first > b->first ? a->first : b->first;

	lsvm_fault(v, FINDING_PORT_TWICE, &late->service->object, &late->service->ports,
		   "%s port %u of this VIP is given to service \"%s\" (%s) already",
		   lsvm_protocol_name((int)late->protocol), port ? port : 1,
		   or_empty(early->service->name),
		   lsvm_place(v, &early->service->object));
}

static size_t gather_ports(const struct vip *vip, struct used_ports *ports)
{
	size_t count = 0;

	for (uint32_t s = 0; s < vip->services.count; s++) {
		const struct service *service = &vip->services.items[s];

		for (uint32_t p = 0; p < service->ports.count; p++)
			ports[count++] = (struct used_ports){
				service->protocol, service->ports.items[p].first,
				service->ports.items[p].last, service
			};
		if (!service->ports.count && service->fwmark)
			ports[count++] = (struct used_ports){ service->protocol, 0,
							      UINT16_MAX, service };
	}
	return count;
}

static void check_port_overlaps(struct validation *v, const struct vip *vip)
{
	struct used_ports *ports;
	const struct used_ports *reach = NULL;
	size_t room = 0, count;

	for (uint32_t s = 0; s < vip->services.count; s++)
		room += vip->services.items[s].ports.count + 1u;
	if (vip->services.count == 0 ||
	    (vip->services.count == 1 && vip->services.items[0].ports.count < 2))
		return;
	ports = calloc(room, sizeof(*ports));
	if (!ports) {
		v->nomem = true;
		return;
	}
	count = gather_ports(vip, ports);
	qsort(ports, count, sizeof(*ports), compare_ports);
	for (size_t i = 0; i < count; i++) {
		if (reach && reach->protocol == ports[i].protocol &&
		    ports[i].first <= reach->last) {
			report_overlap(v, reach, &ports[i]);
			if (ports[i].last <= reach->last)
				continue;
		}
		reach = &ports[i];
	}
	free(ports);
}

static void check_service_names(struct validation *v, const struct vip *vip)
{
	struct map names = { 0 };

	for (uint32_t s = 0; vip->services.count > 1 && s < vip->services.count; s++) {
		struct service *service = &vip->services.items[s];

		/* Default names may be equal: nobody wrote them. */
		if (!service->name || !lsvm_was_written(&service->object, &service->name))
			continue;
		if (lsvm_entered(v, &names, service->name, strlen(service->name), service,
				 NULL))
			lsvm_fault(v, FINDING_DUPLICATE_SERVICE, &service->object,
				   &service->name, "this VIP has another service \"%s\"",
				   service->name);
	}
	lsvm_map_free(&names);
}

static void check_vip(struct validation *v, struct map *vips, struct map *names,
		      struct vip *vip)
{
	if (vip->name && *vip->name &&
	    lsvm_entered(v, names, vip->name, strlen(vip->name), vip, NULL) &&
	    lsvm_was_written(&vip->object, &vip->name))
		lsvm_fault(v, FINDING_DUPLICATE_VIP_NAME, &vip->object, &vip->name,
			   "another VIP is named \"%s\"", vip->name);
	if (vip->address.family) {
		check_vip_address(v, vips, vip);
		check_vip_network(v, vip);
	}
	/* A hole was told about when it was read. */
	if (vip->address.family && !vip->services.count && !vip->domains.count &&
	    !lsvm_was_written(&vip->object, &vip->services) &&
	    !lsvm_was_written(&vip->object, &vip->domains))
		lsvm_fault(v, FINDING_VIP_WITHOUT_SERVICES, &vip->object, NULL,
			   "VIP \"%s\" has neither services nor domains",
			   or_empty(vip->name));
	for (uint32_t s = 0; s < vip->services.count; s++)
		check_service_ports(v, &vip->services.items[s]);
	check_port_overlaps(v, vip);
	check_service_names(v, vip);
}

void lsvm_validate_vips(struct validation *v)
{
	struct map vips = { 0 }, names = { 0 };

	for (uint32_t p = 0; p < v->cluster->partitions.count; p++)
		for (uint32_t i = 0; i < v->cluster->partitions.items[p].vips.count; i++)
			check_vip(v, &vips, &names,
				  &v->cluster->partitions.items[p].vips.items[i]);
	lsvm_map_free(&vips);
	lsvm_map_free(&names);
}
