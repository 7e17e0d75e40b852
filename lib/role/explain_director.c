/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a server gets no traffic, as far as a director can tell. */
#include "role/explain.h"

#include <stdio.h>
#include <stdlib.h>

#define FORWARDING_4 "net.ipv4.ip_forward"
#define FORWARDING_6 "net.ipv6.conf.all.forwarding"
#define KEY_BYTES (LSVM_ADDRESS_TEXT_BYTES * 2)

/* One destination, where it stands. */
struct place {
	struct look *look;
	const struct ipvs_service *service;
	const struct ipvs_destination *destination;
	char key[KEY_BYTES], endpoint[LSVM_ADDRESS_TEXT_BYTES];
};

struct own_addresses {
	VEC(struct addr) list;
};

static const struct lsvm_ipvs_table *wanted_table(const struct look *look)
{
	return look->plan ? look->plan->wanted->ipvs : NULL;
}

static const struct ipvs_destination *find_destination(
	const struct ipvs_service *service, const struct ipvs_destination *like)
{
	for (size_t i = 0; service && i < service->destinations.count; i++)
		if (lsvm_ipvs_destination_compare(&service->destinations.items[i],
						  like) == 0)
			return &service->destinations.items[i];
	return NULL;
}

/* ---- the destination itself ---- */

static void check_weight(const struct place *p)
{
	const struct lsvm_ipvs_table *wanted = wanted_table(p->look);
	const struct ipvs_destination *planned = NULL;
	char more[80] = "";

	if (p->destination->weight)
		return;
	if (wanted)
		planned = find_destination(
			lsvm_ipvs_table_lookup(wanted, &p->service->key), p->destination);
	if (planned && planned->weight)
		snprintf(more, sizeof(more), "; the plan says %u", planned->weight);
	lsvm_cause_add(
		p->look, LSVM_CAUSE_DRAINED, LSVM_SEVERITY_ERROR, p->key,
		planned && planned->weight
			? "svm-eds apply sets it; find out who drained it before"
			: "give it a weight above 0 in the cluster file and apply it",
		"%s of %s is drained: its weight is 0, so that it gets no new "
		"connections%s",
		p->endpoint, p->key, more);
}

static bool is_full(const struct ipvs_destination *d)
{
	return d->upper_threshold &&
	       (uint64_t)d->active_count + d->inactive_count >= d->upper_threshold;
}

/* The kernel's mark goes only when the count falls below the lower threshold, or three
 * quarters of the upper one; nobody can read it. */
static void check_overload(const struct place *p)
{
	const struct ipvs_destination *d = p->destination;
	uint64_t count = (uint64_t)d->active_count + d->inactive_count;
	uint64_t low = d->lower_threshold ? d->lower_threshold
					  : ((uint64_t)d->upper_threshold * 3 + 3) / 4;

	if (!d->upper_threshold || count < low)
		return;
	lsvm_cause_add(
		p->look, LSVM_CAUSE_OVERLOADED,
		is_full(d) ? LSVM_SEVERITY_ERROR : LSVM_SEVERITY_WARNING, p->key,
		"raise its upper threshold, add servers, or wait until it has fewer "
		"connections",
		"%s of %s %s: it has %llu connections, its upper threshold is %u, and it "
		"gets new ones again below %llu",
		p->endpoint, p->key, is_full(d) ? "is overloaded" : "may be overloaded",
		(unsigned long long)count, d->upper_threshold, (unsigned long long)low);
}

/* fo sends all to the one with the highest weight. */
static void check_standby(const struct place *p)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (strcmp(p->service->scheduler, "fo") != 0 || !p->destination->weight)
		return;
	for (size_t i = 0; i < p->service->destinations.count; i++) {
		const struct ipvs_destination *d = &p->service->destinations.items[i];

		if (d->weight <= p->destination->weight || is_full(d))
			continue;
		lsvm_cause_add(
			p->look, LSVM_CAUSE_STANDBY, LSVM_SEVERITY_WARNING, p->key,
			"nothing is wrong; to share load choose another scheduler",
			"%s of %s stands by: scheduler fo sends all to the highest "
			"weight, which %s has",
			p->endpoint, p->key, lsvm_endpoint_text(&d->addr, d->port, text));
		return;
	}
}

/* ---- the way to it ---- */

static void check_neighbour(const struct place *p)
{
	const struct neighbours *neighbours = &p->look->neighbours;

	for (size_t i = 0; i < neighbours->list.count; i++) {
		const struct neighbour *n = &neighbours->list.items[i];

		if (lsvm_addr_compare(&n->addr, &p->destination->addr) != 0 || n->has_mac)
			continue;
		lsvm_cause_add(
			p->look, LSVM_CAUSE_NEIGHBOUR, LSVM_SEVERITY_ERROR, p->endpoint,
			"is the server up, its cable in, and its address right? ping "
			"it from here",
			"nobody answers for %s on %s: its hardware address is %s, and "
			"what is sent to it is lost",
			p->endpoint, n->interface, n->state);
		return;
	}
}

/* The interface on whose network the server is, or NULL when it is behind a router. */
static const struct link *link_to(const struct look *look, const struct addr *addr)
{
	const struct state *present = look->present;

	for (size_t i = 0; i < present->addresses.count; i++) {
		const struct address *address = &present->addresses.items[i];

		if (address->prefix.length < lsvm_addr_bits(addr) &&
		    lsvm_prefix_contains(&address->prefix, addr))
			return lsvm_state_link(present, address->interface);
	}
	return NULL;
}

/* What the wrapping adds to each packet. */
static uint32_t wrapping_bytes(const struct ipvs_destination *d)
{
	uint32_t outer = d->addr.family == 6 ? 40 : 20;

	switch (d->tunnel_type) {
	case 1: /* GUE: UDP and four bytes; a remote checksum takes more */
		return outer + 8 + 4;
	case 2: /* GRE */
		return outer + 4 + (d->tunnel_flags ? 4 : 0);
	}
	return outer;
}

static uint32_t widest_mtu(const struct look *look)
{
	uint32_t widest = 0;

	for (size_t i = 0; i < look->present->links.count; i++) {
		const struct link *link = &look->present->links.items[i];

		if (link->kind == LINK_PRESENT && !link->down &&
		    strcmp(link->name, "lo") != 0 && link->mtu > widest)
			widest = link->mtu;
	}
	return widest;
}

static void check_link(const struct place *p)
{
	/* Where both sides are of one width ip_vs tells clients to send less (pmtu_disc),
	 * as every router in front of a tunnel does: nothing that anybody must do. */
	const struct link *link = link_to(p->look, &p->destination->addr);
	uint32_t widest = widest_mtu(p->look);
	uint32_t more = wrapping_bytes(p->destination);

	if (link && link->down)
		lsvm_cause_add(p->look, LSVM_CAUSE_LINK_DOWN, LSVM_SEVERITY_ERROR,
			       link->name, "bring it up, or svm-eds apply",
			       "%s, which leads to %s, is down", link->name, p->endpoint);
	if (!link || p->destination->forwarding + 1 != LSVM_FORWARDING_TUNNEL ||
	    link->mtu >= widest)
		return;
	lsvm_cause_add(
		p->look, LSVM_CAUSE_TUNNEL_MTU, LSVM_SEVERITY_WARNING, link->name,
		"give the network to the servers a larger mtu, or the servers a smaller "
		"advmss on the way to the clients",
		"packets to %s grow by %u bytes in the tunnel: %s takes %u bytes, so "
		"that "
		"of clients' packets those above %u are sent back, while up to %u come "
		"in",
		p->endpoint, more, link->name, link->mtu, link->mtu - more, widest);
}

static void check_forwarding(const struct place *p)
{
	const char *name = p->service->key.addr.family == 6 ? FORWARDING_6 : FORWARDING_4;
	const struct sysctl *sysctl = lsvm_state_sysctl(p->look->present, name);

	if (p->destination->forwarding + 1 != LSVM_FORWARDING_NAT || !sysctl ||
	    strcmp(sysctl->value, "0") != 0)
		return;
	lsvm_cause_add(p->look, LSVM_CAUSE_FORWARDING_OFF, LSVM_SEVERITY_ERROR, name,
		       "svm-eds apply sets it",
		       "what %s answers goes through this director by NAT, but %s is 0",
		       p->endpoint, name);
}

/* ---- the service ---- */

static bool holds(const struct state *state, const struct addr *addr)
{
	for (size_t i = 0; state && i < state->addresses.count; i++)
		if (lsvm_addr_compare(&state->addresses.items[i].prefix.addr, addr) == 0)
			return true;
	return false;
}

static void check_vip(const struct place *p)
{
	const struct lsvm_plan *plan = p->look->plan;
	const struct ipvs_key *key = &p->service->key;
	char text[LSVM_ADDRESS_TEXT_BYTES];
	bool planned = plan && holds(plan->wanted, &key->addr);

	if (key->fwmark || holds(p->look->present, &key->addr))
		return;
	lsvm_addr_text(&key->addr, text);
	lsvm_cause_add(
		p->look, LSVM_CAUSE_VIP_NOT_HELD,
		planned ? LSVM_SEVERITY_ERROR : LSVM_SEVERITY_WARNING, text,
		planned ? "svm-eds apply puts it there"
			: "look on the director that has it",
		"this director does not hold %s: clients' packets do not come here",
		text);
}

static void check_destination(struct look *look, const struct ipvs_service *service,
			      const struct ipvs_destination *destination)
{
	struct place place = { look, service, destination, "", "" };

	lsvm_ipvs_key_text(&service->key, place.key);
	lsvm_endpoint_text(&destination->addr, destination->port, place.endpoint);
	look->causes->looked_at++;
	check_vip(&place);
	check_weight(&place);
	check_overload(&place);
	check_standby(&place);
	check_neighbour(&place);
	check_link(&place);
	check_forwarding(&place);
}

static void check_planned(struct look *look, const struct ipvs_service *service,
			  const struct ipvs_destination *destination)
{
	const struct ipvs_service *have =
		lsvm_ipvs_table_lookup(look->present->ipvs, &service->key);
	char key[KEY_BYTES], text[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_ipvs_key_text(&service->key, key);
	lsvm_endpoint_text(&destination->addr, destination->port, text);
	if (!have)
		lsvm_cause_add(look, LSVM_CAUSE_SERVICE_MISSING, LSVM_SEVERITY_ERROR, key,
			       "svm-eds apply adds it; find out who removed it",
			       "service %s is not in the kernel's table, though the plan "
			       "has it",
			       key);
	else if (!find_destination(have, destination))
		lsvm_cause_add(look, LSVM_CAUSE_DESTINATION_MISSING, LSVM_SEVERITY_ERROR,
			       key, "svm-eds apply adds it; find out who removed it",
			       "%s is no destination of %s in the kernel's table, though "
			       "the plan says so",
			       text, key);
}

/* ---- all of it ---- */

static bool is_own(const struct own_addresses *own, const struct addr *addr)
{
	for (size_t i = 0; i < own->list.count; i++)
		if (lsvm_addr_compare(&own->list.items[i], addr) == 0)
			return true;
	return false;
}

static size_t check_table(struct look *look, const struct own_addresses *own,
			  const struct lsvm_ipvs_table *table,
			  void (*check)(struct look *, const struct ipvs_service *,
					const struct ipvs_destination *))
{
	size_t found = 0;

	for (size_t i = 0; table && i < table->services.count; i++) {
		const struct ipvs_service *service = &table->services.items[i];

		for (size_t j = 0; j < service->destinations.count; j++) {
			if (!is_own(own, &service->destinations.items[j].addr))
				continue;
			found++;
			check(look, service, &service->destinations.items[j]);
		}
	}
	return found;
}

static int own_addresses(struct look *look, const char *server, struct own_addresses *ret)
{
	const struct machine *machine = NULL;
	struct addr addr, *slot;

	if (lsvm_addr_parse(server, &addr)) {
		slot = vec_push(&ret->list);
		if (slot)
			*slot = addr;
		return slot ? 0 : lsvm_fail_nomem(look->host->ctx);
	}
	if (look->cluster)
		machine = (const struct machine *)lsvm_cluster_find_machine(look->cluster,
									    server);
	if (!machine || machine->role != LSVM_ROLE_SERVER)
		return lsvm_fail(look->host->ctx, LSVM_ERR_NOT_FOUND,
				 look->cluster
					 ? "there is no server '%s' in the cluster; take "
					   "one of its servers or an address"
					 : "'%s' is no address; a name needs a cluster "
					   "file that has it",
				 server);
	for (uint32_t i = 0; i < machine->interfaces.count; i++) {
		const struct interface *interface = &machine->interfaces.items[i];

		for (uint32_t j = 0; j < interface->addresses.count; j++) {
			slot = vec_push(&ret->list);
			if (!slot)
				return lsvm_fail_nomem(look->host->ctx);
			*slot = interface->addresses.items[j];
		}
	}
	return 0;
}

static int ask(struct look *look)
{
	int err = lsvm_ipvs_table_alloc(look->host->ctx, &look->asked->ipvs);

	if (err >= 0)
		err = lsvm_ipvs_table_seal(look->asked->ipvs);
	if (err >= 0 && (!lsvm_state_add_sysctl(look->asked, FORWARDING_4, "") ||
			 !lsvm_state_add_sysctl(look->asked, FORWARDING_6, "")))
		err = lsvm_fail_nomem(look->host->ctx);
	return err;
}

static int look_at(struct look *look, const char *server)
{
	struct own_addresses own = { 0 };
	size_t found;
	int err = own_addresses(look, server, &own);

	if (err >= 0)
		err = lsvm_look_plan(look);
	if (err >= 0)
		err = ask(look);
	if (err >= 0)
		err = lsvm_look_observe(look);
	if (err >= 0)
		err = look->host->ops->neighbours(look->host, &look->neighbours);
	if (err >= 0) {
		found = check_table(look, &own, wanted_table(look), check_planned);
		found += check_table(look, &own, look->present->ipvs, check_destination);
		if (!found)
			lsvm_cause_add(look, LSVM_CAUSE_NO_SERVICE, LSVM_SEVERITY_ERROR,
				       server,
				       "add it to a partition of the cluster file and "
				       "apply that here",
				       "%s is a destination of no service on %s", server,
				       look->host->name);
	}
	vec_free(&own.list);
	return err;
}

int lsvm_role_explain_destination(struct lsvm_host *host,
				  const struct lsvm_cluster *cluster, const char *server,
				  struct lsvm_causes **ret)
{
	struct look look = { .host = host, .cluster = cluster };
	int err = lsvm_look_start(&look, LSVM_ROLE_DIRECTOR, server);

	if (!look.causes)
		return err;
	if (err >= 0)
		err = look_at(&look, server);
	return lsvm_look_end(&look, err, ret);
}
