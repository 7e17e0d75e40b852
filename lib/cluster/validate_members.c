/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Servers in partitions: each once in a partition, a dedicated one in no other, and each
 * with an address at which the directors reach it in the way its services ask for.
 *
 * What a partition's services ask of its servers is summed up first (which families,
 * which ways of forwarding, which schedulers), so that the servers are looked at a few
 * times and not once for every service.
 */
#include "cluster/validate_private.h"

enum {
	WAY_NAT,
	WAY_TUNNEL,
	WAY_DIRECT,
	WAY_COUNT
};

static const enum lsvm_forwarding ways[] = { LSVM_FORWARDING_NAT, LSVM_FORWARDING_TUNNEL,
					     LSVM_FORWARDING_DIRECT };

struct demand {
	const struct service
		*by[2][WAY_COUNT];	/* the first service that asks; IPv4, IPv6 */
	const struct service *refuses;	/* sh or mh without fallback */
	const struct service *weighs;	/* weights mean something to it */
	const struct service *equal;	/* they mean nothing */
	const struct service *capacity; /* ovf */
};

static void add_demand(struct demand *demand, const struct service *service)
{
	unsigned family = service_vip(service)->address.family == 6;
	struct settings s;

	lsvm_cluster_settings(service, &s);
	for (unsigned way = 0; way < WAY_COUNT; way++)
		if (s.forwarding == ways[way] && !demand->by[family][way])
			demand->by[family][way] = service;
	if (!demand->refuses && !(s.scheduler_flags & LSVM_SCHEDULER_FLAG_FALLBACK) &&
	    (strcmp(s.scheduler, "sh") == 0 || strcmp(s.scheduler, "mh") == 0))
		demand->refuses = service;
	if (strcmp(s.scheduler, "rr") == 0 || strcmp(s.scheduler, "lc") == 0 ||
	    strcmp(s.scheduler, "dh") == 0)
		demand->equal = service;
	else
		demand->weighs = service;
	if (!demand->capacity && strcmp(s.scheduler, "ovf") == 0)
		demand->capacity = service;
}

static void sum_up(const struct partition *partition, struct demand *demand)
{
	for (uint32_t i = 0; i < partition->vips.count; i++) {
		const struct vip *vip = &partition->vips.items[i];

		for (uint32_t s = 0; vip->address.family && s < vip->services.count; s++)
			add_demand(demand, &vip->services.items[s]);
	}
}

/* ---- an address for each way ---- */

static const struct addr *any_address(const struct machine *server, uint8_t family)
{
	for (uint32_t i = 0; i < server->interfaces.count; i++) {
		const struct addr *addr =
			lsvm_interface_address(&server->interfaces.items[i], family);

		if (addr)
			return addr;
	}
	return NULL;
}

/* As lsvm_cluster_server_address(), but what is known of the networks is used. */
static bool is_reachable(const struct validation *v, const struct machine *server,
			 uint8_t family, unsigned way)
{
	for (uint32_t i = 0; i < server->interfaces.count; i++) {
		const struct interface *interface = &server->interfaces.items[i];

		if ((way == WAY_TUNNEL ||
		     network_facts(v, interface->network.target)->shared) &&
		    lsvm_interface_address(interface, family))
			return true;
	}
	return false;
}

static bool has_holes(const struct machine *server)
{
	for (uint32_t i = 0; i < server->interfaces.count; i++)
		if (!server->interfaces.items[i].network.target ||
		    (!server->interfaces.items[i].addresses.count &&
		     lsvm_was_written(&server->interfaces.items[i].object,
				      &server->interfaces.items[i].addresses)))
			return true;
	return server->interfaces.count == 0;
}

static bool has_gateway(const struct machine *server, uint8_t family)
{
	for (uint32_t i = 0; i < server->gateways.count; i++)
		if (server->gateways.items[i].family == family)
			return true;
	return false;
}

static void check_reach(struct validation *v, const struct member *member, unsigned f,
			unsigned way, const struct service *service)
{
	const struct lsvm_cluster *c = v->cluster;
	const struct machine *server = member->server.target;
	uint8_t family = f ? 6 : 4;
	const char *name = or_empty(server->name);
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (is_reachable(v, server, family, way))
		return;
	lsvm_addr_text(&service_vip(service)->address, text);
	if (way == WAY_TUNNEL && any_address(server, f ? 4 : 6)) {
		if (c->redundancy->connections == LSVM_CONNECTIONS_SYNC)
			lsvm_fault(v, FINDING_MIXED_FAMILIES_WITH_SYNC, &member->object,
				   &member->server,
				   "\"%s\" has no IPv%u address for %s, and the kernel "
				   "mixes "
				   "families only without connections: sync",
				   name, family, text);
		else if (!has_gateway(server, service_vip(service)->address.family))
			lsvm_fault(v, FINDING_REPLIES_LACK_FAMILY, &member->object,
				   &member->server,
				   "the tunnel reaches \"%s\", but without an IPv%u "
				   "address it cannot send replies for %s",
				   name, family, text);
		return;
	}
	if (!any_address(server, family))
		lsvm_fault(v, FINDING_SERVER_LACKS_FAMILY, &member->object,
			   &member->server, "\"%s\" has no IPv%u address, which %s needs",
			   name, family, text);
	else if (v->outermost) /* else the directors are the matter */
		lsvm_fault(v, FINDING_SERVER_NOT_REACHABLE, &member->object,
			   &member->server,
			   "\"%s\" has no IPv%u address in a network of all directors, "
			   "which %s "
			   "forwarding for %s needs",
			   name, family, lsvm_forwarding_name((int)ways[way]), text);
}

/* The way out of a NAT server leads through the director, of all others not. */
static void check_gateway(struct validation *v, const struct member *member, unsigned f,
			  unsigned way)
{
	const struct machine *server = member->server.target;
	struct server_facts *facts = server_facts(v, server);
	bool nat = way == WAY_NAT, both = facts->nat[f] && facts->other[f];

	if (nat && !facts->nat[f])
		facts->nat[f] = member;
	if (!nat && !facts->other[f])
		facts->other[f] = member;
	if (!both && facts->nat[f] && facts->other[f])
		lsvm_fault(
			v, FINDING_NAT_MIXED, &member->object, &member->server,
			"\"%s\" serves IPv%u by NAT and in another way (%s), but "
			"its gateway "
			"can serve only one of them",
			or_empty(server->name), f ? 6 : 4,
			lsvm_place(v, &(nat ? facts->other[f] : facts->nat[f])->object));
}

static void check_nat_network(struct validation *v, const struct machine *server,
			      unsigned f)
{
	for (uint32_t i = 0; i < server->interfaces.count; i++) {
		const struct network *network =
			server->interfaces.items[i].network.target;
		bool floats = false;

		if (!network || !network_facts(v, network)->shared ||
		    !lsvm_interface_address(&server->interfaces.items[i], f ? 6 : 4))
			continue;
		for (uint32_t a = 0; a < network->director_addresses.count; a++)
			floats |= network->director_addresses.items[a].family ==
				  (f ? 6 : 4);
		if (!floats && v->cluster->directors.count > 1 &&
		    !network_facts(v, network)->told_nat) {
			network_facts(v, network)->told_nat = true;
			lsvm_fault(v, FINDING_NAT_WITHOUT_FLOATING, &network->object,
				   NULL,
				   "NAT servers of network \"%s\" would send replies to "
				   "one director "
				   "only",
				   or_empty(network->name));
		}
		return;
	}
}

static bool leads_out(const struct validation *v, const struct network *network,
		      uint8_t family)
{
	const struct network_facts *facts = network_facts(v, network);

	for (uint32_t i = 0; i < network->gateways.count; i++)
		if (network->gateways.items[i].family == family)
			return true;
	return !facts->distance || facts->leads_out[family == 6];
}

/* Only NAT's replies have the director to send them on. */
static void check_way_back(struct validation *v, const struct member *member, unsigned f,
			   unsigned way)
{
	const struct machine *server = member->server.target;
	uint8_t family = f ? 6 : 4;
	bool out = server->gateways.count > 0;
	/* Another finding tells about servers without an address of the family. */
	bool good = has_gateway(server, family) || !any_address(server, family);

	if (way == WAY_NAT || !v->outside)
		return;
	for (uint32_t i = 0; i < server->interfaces.count; i++) {
		const struct network *network =
			server->interfaces.items[i].network.target;

		out |= network->gateways.count ||
		       network_facts(v, network)->distance != DISTANCE_FAR;
		good |= leads_out(v, network, family);
	}
	if ((out && good) || server_facts(v, server)->told_way)
		return;
	server_facts(v, server)->told_way = true;
	if (out) {
		lsvm_fault(v, FINDING_ROUTER_LACKS_FAMILY, &server->object, NULL,
			   "IPv%u replies of \"%s\" cannot reach the clients: no router "
			   "of its networks has an IPv%u address",
			   family, or_empty(server->name), family);
		return;
	}
	lsvm_fault(
		v, FINDING_NO_WAY_BACK, &server->object, NULL,
		"replies of \"%s\" cannot reach the clients: no router leads out of its "
		"networks",
		or_empty(server->name));
}

static void check_ways(struct validation *v, const struct partition *partition,
		       const struct demand *demand)
{
	for (unsigned f = 0; f < 2; f++)
		for (unsigned way = 0; way < WAY_COUNT; way++)
			for (uint32_t i = 0;
			     demand->by[f][way] && i < partition->servers.count; i++) {
				const struct member *member =
					&partition->servers.items[i];
				const struct machine *server = member->server.target;

				if (!server || !v->cluster->directors.count ||
				    has_holes(server))
					continue;
				check_reach(v, member, f, way, demand->by[f][way]);
				check_gateway(v, member, f, way);
				check_way_back(v, member, f, way);
				if (way == WAY_NAT)
					check_nat_network(v, server, f);
			}
}

/* ---- weights and thresholds ---- */

static void check_weight(struct validation *v, const struct member *member,
			 const struct demand *demand)
{
	const char *name = or_empty(member->server.name);

	if (member->weight == 0 && demand->refuses)
		lsvm_fault(v, FINDING_DRAIN_REFUSES, &member->object, &member->weight,
			   "\"%s\" has weight 0, but service \"%s\" goes on choosing it "
			   "for its "
			   "clients and refuses them",
			   name, or_empty(demand->refuses->name));
	if (member->weight > 1 && demand->equal && !demand->weighs) {
		struct settings s;

		lsvm_cluster_settings(demand->equal, &s);
		lsvm_fault(v, FINDING_WEIGHT_IGNORED, &member->object, &member->weight,
			   "\"%s\" has weight %u, but the scheduler %s gives all servers "
			   "the same",
			   name, member->weight, s.scheduler);
	}
	if (demand->capacity && !lsvm_was_written(&member->object, &member->weight))
		lsvm_fault(v, FINDING_WEIGHT_IS_CAPACITY, &member->object, NULL,
			   "the scheduler ovf of service \"%s\" gives \"%s\" one "
			   "connection at a "
			   "time: its weight is 1",
			   or_empty(demand->capacity->name), name);
	else if (demand->capacity && member->weight == 0)
		lsvm_fault(v, FINDING_WEIGHT_IS_CAPACITY, &member->object,
			   &member->weight,
			   "the scheduler ovf of service \"%s\" gives \"%s\" no "
			   "connection: its "
			   "weight is 0",
			   or_empty(demand->capacity->name), name);
}

static void check_member_thresholds(struct validation *v, const struct member *member,
				    uint32_t inherited_upper)
{
	uint32_t upper = member->upper_threshold;

	if (!lsvm_was_written(&member->object, &member->upper_threshold))
		upper = inherited_upper;
	if (member->lower_threshold && !upper)
		lsvm_fault(v, FINDING_LOWER_WITHOUT_UPPER, &member->object,
			   &member->lower_threshold,
			   "\"%s\" has a lower threshold without an upper one",
			   or_empty(member->server.name));
	else if (member->lower_threshold > upper)
		lsvm_fault(v, FINDING_LOWER_ABOVE_UPPER, &member->object,
			   &member->lower_threshold,
			   "\"%s\" has the lower threshold %u above the upper one, %u",
			   or_empty(member->server.name), member->lower_threshold, upper);
}

/* ---- who is where ---- */

static void check_membership(struct validation *v, const struct member *member)
{
	const struct machine *server = member->server.target;
	struct server_facts *facts = server_facts(v, server);
	const struct member *other = NULL;

	facts->used = true;
	facts->partition_count++;
	if (facts->last && facts->last->object.parent == member->object.parent) {
		lsvm_fault(v, FINDING_DUPLICATE_MEMBER, &member->object, &member->server,
			   "\"%s\" is in this partition already (%s)",
			   or_empty(server->name), lsvm_place(v, &facts->last->object));
		return;
	}
	if (member->dedicated)
		other = facts->first;
	else
		other = facts->dedicated;
	if (other)
		lsvm_fault(v, FINDING_DEDICATED_SERVER_SHARED, &member->object,
			   member->dedicated ? (const void *)&member->dedicated
					     : &member->server,
			   "\"%s\" is in partition \"%s\" too (%s), and %s",
			   or_empty(server->name),
			   or_empty(((struct partition *)other->object.parent)->name),
			   lsvm_place(v, &other->object),
			   member->dedicated ? "is to be dedicated here"
					     : "dedicated there");
	facts->last = member;
	if (!facts->first)
		facts->first = member;
	if (member->dedicated && !facts->dedicated)
		facts->dedicated = member;
}

static void check_partition(struct validation *v, const struct partition *partition)
{
	struct demand demand = { 0 };
	struct settings settings;
	bool all_drained = partition->servers.count > 0;
	const char *name = or_empty(partition->name);

	if (!partition->servers.count &&
	    !lsvm_was_written(&partition->object, &partition->servers))
		lsvm_fault(v, FINDING_PARTITION_WITHOUT_SERVERS, &partition->object, NULL,
			   "partition \"%s\" has no servers", name);
	if (!partition->vips.count &&
	    !lsvm_was_written(&partition->object, &partition->vips))
		lsvm_fault(v, FINDING_PARTITION_WITHOUT_VIPS, &partition->object, NULL,
			   "partition \"%s\" has no VIPs", name);
	sum_up(partition, &demand);
	lsvm_cluster_partition_settings(partition, &settings);
	for (uint32_t i = 0; i < partition->servers.count; i++) {
		const struct member *member = &partition->servers.items[i];

		all_drained &= member->weight == 0;
		if (member->server.target)
			check_membership(v, member);
		check_weight(v, member, &demand);
		check_member_thresholds(v, member, settings.upper_threshold);
	}
	if (all_drained)
		lsvm_fault(v, FINDING_PARTITION_DRAINED, &partition->object,
			   &partition->servers,
			   "every server of partition \"%s\" has weight 0", name);
	check_ways(v, partition, &demand);
}

void lsvm_validate_members(struct validation *v)
{
	for (uint32_t p = 0; p < v->cluster->partitions.count; p++)
		check_partition(v, &v->cluster->partitions.items[p]);
}
