/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why this server gets no traffic, or does not answer it. */
#include "role/explain.h"

#include <netinet/in.h>
#include <stdio.h>

static bool is_card(const struct link *link)
{
	return link->kind == LINK_PRESENT && strcmp(link->name, "lo") != 0;
}

/* ---- virtual addresses ---- */

/* Where the plan puts addresses that many machines share. */
static bool is_vip(const struct state *wanted, const struct address *address)
{
	const struct link *link = lsvm_state_link(wanted, address->interface);

	return address->prefix.length == lsvm_addr_bits(&address->prefix.addr) &&
	       (strcmp(address->interface, "lo") == 0 ||
		(link && link->kind > LINK_PRESENT));
}

static const char *holder(const struct state *present, const struct addr *addr)
{
	for (size_t i = 0; i < present->addresses.count; i++)
		if (lsvm_addr_compare(&present->addresses.items[i].prefix.addr, addr) ==
		    0)
			return present->addresses.items[i].interface;
	return NULL;
}

static void check_vip(struct look *look, const struct address *address)
{
	const char *elsewhere = holder(look->present, &address->prefix.addr);
	char text[LSVM_ADDRESS_TEXT_BYTES];

	look->causes->looked_at++;
	if (lsvm_state_address(look->present, address))
		return;
	lsvm_addr_text(&address->prefix.addr, text);
	lsvm_cause_add(look, LSVM_CAUSE_VIP_MISSING, LSVM_SEVERITY_ERROR, text,
		       "svm-eps apply puts it there",
		       elsewhere ? "%s is missing on %s, and is on %s instead, where "
				   "neighbours may find it"
				 : "%s is missing on %s: this machine does not take "
				   "packets to it as its own",
		       text, address->interface, elsewhere);
}

/* ---- ARP and the filter of sources ---- */

static void check_arp(struct look *look, enum lsvm_cause kind, const char *name,
		      long least, const char *what)
{
	char text[32];

	for (size_t i = 0; i < look->present->links.count; i++) {
		const struct link *link = &look->present->links.items[i];
		long value;

		if (!is_card(link) || link->down)
			continue;
		value = lsvm_look_effective(look, link->name, name);
		if (value >= least)
			continue;
		snprintf(text, sizeof(text), "%s", link->name);
		lsvm_cause_add(look, kind, LSVM_SEVERITY_ERROR, text,
			       "svm-eps apply sets it; find out who changed it",
			       "%s on %s is %ld, less than %ld: %s", name, link->name,
			       value, least, what);
	}
}

static bool carries_ipv4(enum link_kind kind)
{
	switch (kind) {
	case LINK_IPIP:
	case LINK_GRE:
	case LINK_IP6TNL:
	case LINK_IP6GRE:
	case LINK_GUE:
		return true;
	case LINK_SIT:
	case LINK_GUE6:
	case LINK_PRESENT:
	case LINK_UNKNOWN:
		break;
	}
	return false;
}

/* ---- tunnels and cards ---- */

static void check_tunnel(struct look *look, const struct link *wanted,
			 const struct link *have)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (!have) {
		lsvm_cause_add(look, LSVM_CAUSE_TUNNEL_MISSING, LSVM_SEVERITY_ERROR,
			       wanted->name, "svm-eps apply makes it",
			       "%s is missing, which unwraps %s packets to %s",
			       wanted->name, lsvm_link_kind_name(wanted->kind),
			       lsvm_addr_text(&wanted->local, text));
		return;
	}
	if (have->kind != wanted->kind || have->port != wanted->port ||
	    have->checksum != wanted->checksum ||
	    (have->local.family && lsvm_addr_compare(&have->local, &wanted->local) != 0))
		lsvm_cause_add(look, LSVM_CAUSE_TUNNEL_DIFFERS, LSVM_SEVERITY_ERROR,
			       wanted->name, "svm-eps apply makes it anew",
			       "%s does not unwrap what directors send to %s: its kind, "
			       "address, port or checksums are others than planned",
			       wanted->name, lsvm_addr_text(&wanted->local, text));
	if (have->down)
		lsvm_cause_add(look, LSVM_CAUSE_TUNNEL_DOWN, LSVM_SEVERITY_ERROR,
			       wanted->name, "svm-eps apply brings it up",
			       "%s is down: wrapped packets are dropped", wanted->name);
	if (carries_ipv4(wanted->kind) &&
	    lsvm_look_effective(look, wanted->name, "rp_filter") == 1)
		lsvm_cause_add(
			look, LSVM_CAUSE_RP_FILTER, LSVM_SEVERITY_ERROR, wanted->name,
			"svm-eps apply sets it to 0; `all` counts too, and the "
			"higher one wins",
			"rp_filter on %s is 1: packets that come out of the tunnel "
			"are dropped in silence, since their clients are not "
			"reached through it",
			wanted->name);
}

static void check_links(struct look *look)
{
	const struct state *wanted = look->plan->wanted;

	for (size_t i = 0; i < wanted->links.count; i++) {
		const struct link *link = &wanted->links.items[i];
		const struct link *have = lsvm_state_link(look->present, link->name);

		if (link->kind > LINK_PRESENT)
			check_tunnel(look, link, have);
		else if (!have || have->down)
			lsvm_cause_add(look, LSVM_CAUSE_LINK_DOWN, LSVM_SEVERITY_ERROR,
				       link->name,
				       have ? "svm-eps apply brings it up"
					    : "is the name of the card right, and its "
					      "driver there?",
				       "%s is %s", link->name, have ? "down" : "missing");
	}
}

/* ---- the way back ---- */

static void check_routes(struct look *look)
{
	const struct state *wanted = look->plan->wanted;
	char to[LSVM_ADDRESS_TEXT_BYTES], via[LSVM_ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < wanted->routes.count; i++) {
		const struct route *route = &wanted->routes.items[i];
		const struct route *have =
			lsvm_state_route(look->present, &route->destination);

		if (have && lsvm_addr_compare(&have->via, &route->via) == 0 &&
		    strcmp(have->interface, route->interface) == 0)
			continue;
		lsvm_prefix_text(&route->destination, to);
		lsvm_cause_add(
			look, LSVM_CAUSE_NO_WAY_BACK, LSVM_SEVERITY_ERROR, to,
			"svm-eps apply sets it",
			"the route to %s is %s, planned is %s on %s: what is answered "
			"does not come to the clients as it should",
			to, have ? "another one" : "missing",
			route->via.family ? lsvm_addr_text(&route->via, via) : "the link",
			route->interface);
	}
}

/* ---- who answers ---- */

static void check_units(struct look *look)
{
	const struct state *wanted = look->plan->wanted;

	for (size_t i = 0; i < wanted->units.count; i++) {
		const struct unit *unit = &wanted->units.items[i];
		const struct unit *have = lsvm_state_unit(look->present, unit->name);

		if (unit->pid_file && (!have || !have->running))
			lsvm_cause_add(look, LSVM_CAUSE_NOT_RUNNING, LSVM_SEVERITY_ERROR,
				       unit->name, "svm-eps apply starts it",
				       "%s does not run", unit->name);
	}
}

static bool is_own(const struct look *look, const struct addr *addr)
{
	const struct machine *machine = (const struct machine *)lsvm_cluster_find_machine(
		look->cluster, look->host->name);

	for (uint32_t i = 0; machine && i < machine->interfaces.count; i++) {
		const struct interface *interface = &machine->interfaces.items[i];

		for (uint32_t j = 0; j < interface->addresses.count; j++)
			if (lsvm_addr_compare(&interface->addresses.items[j], addr) == 0)
				return true;
	}
	return false;
}

/* Where packets of the service arrive here: at the VIP, but behind NAT at our own
 * address. */
static bool want_listener(struct look *look, const struct ipvs_service *service,
			  const struct ipvs_destination *d, struct listeners *listeners)
{
	struct listener *listener;
	const bool nat = d->forwarding + 1 == LSVM_FORWARDING_NAT;

	if (service->key.fwmark || !d->port || !is_own(look, &d->addr) ||
	    (service->key.protocol != IPPROTO_TCP &&
	     service->key.protocol != IPPROTO_UDP))
		return true;
	listener = vec_push(&listeners->list);
	if (!listener)
		return false;
	*listener = (struct listener){ .protocol = service->key.protocol,
				       .addr = nat ? d->addr : service->key.addr,
				       .port = d->port };
	return true;
}

static int list_listeners(struct look *look, const struct lsvm_ipvs_table *table,
			  struct listeners *listeners)
{
	for (size_t i = 0; i < table->services.count; i++) {
		const struct ipvs_service *service = &table->services.items[i];

		for (size_t j = 0; j < service->destinations.count; j++)
			if (!want_listener(look, service, &service->destinations.items[j],
					   listeners))
				return lsvm_fail_nomem(look->host->ctx);
	}
	return 0;
}

static int check_listeners(struct look *look)
{
	struct listeners listeners = { 0 };
	char text[LSVM_ADDRESS_TEXT_BYTES];
	struct lsvm_plan *director;
	int err = lsvm_look_table(look, &director);

	if (err < 0 || !director)
		return err;
	if (director->wanted->ipvs)
		err = list_listeners(look, director->wanted->ipvs, &listeners);
	if (err >= 0 && listeners.list.count)
		err = lsvm_listeners_read(look->host, &listeners);
	for (size_t i = 0; err >= 0 && i < listeners.list.count; i++) {
		const struct listener *l = &listeners.list.items[i];

		if (l->heard)
			continue;
		lsvm_endpoint_text(&l->addr, l->port, text);
		lsvm_cause_add(
			look, LSVM_CAUSE_NOT_LISTENING, LSVM_SEVERITY_ERROR, text,
			"start the program that answers there, or let it listen on "
			"this address or on all",
			"nobody listens on %s %s: clients are refused",
			l->protocol == IPPROTO_TCP ? "tcp" : "udp", text);
	}
	vec_free(&listeners.list);
	lsvm_plan_unref(director);
	return err;
}

/* ---- all of it ---- */

static int ask(struct look *look)
{
	int err = lsvm_look_observe(look);

	for (size_t i = 0; err >= 0 && i < look->present->links.count; i++) {
		const char *name = look->present->links.items[i].name;

		if (!lsvm_look_ask(look, name, "arp_ignore") ||
		    !lsvm_look_ask(look, name, "arp_announce") ||
		    !lsvm_look_ask(look, name, "rp_filter") ||
		    !lsvm_look_ask(look, "all", "arp_ignore") ||
		    !lsvm_look_ask(look, "all", "arp_announce") ||
		    !lsvm_look_ask(look, "all", "rp_filter"))
			err = lsvm_fail_nomem(look->host->ctx);
	}
	return err < 0 ? err : lsvm_look_observe(look);
}

static void check(struct look *look)
{
	const struct state *wanted = look->plan->wanted;
	bool hides = false;

	check_links(look);
	for (size_t i = 0; i < wanted->addresses.count; i++) {
		const struct address *address = &wanted->addresses.items[i];

		if (!is_vip(wanted, address))
			continue;
		hides |= address->prefix.addr.family == 4;
		check_vip(look, address);
	}
	if (hides) {
		check_arp(
			look, LSVM_CAUSE_ARP_IGNORE, "arp_ignore", 1,
			"this machine answers its neighbours for virtual addresses, and "
			"takes clients away from the director");
		check_arp(look, LSVM_CAUSE_ARP_ANNOUNCE, "arp_announce", 2,
			  "this machine asks its neighbours in the name of virtual "
			  "addresses, and they take it for the director");
	}
	check_routes(look);
	check_units(look);
}

static int look_at(struct look *look)
{
	int err = lsvm_look_plan(look);

	if (err >= 0 && !look->plan)
		err = lsvm_fail(
			look->host->ctx, LSVM_ERR_NOT_FOUND,
			"nothing is applied to %s; name a cluster file that has it",
			look->host->name);
	if (err >= 0 && look->plan->role != LSVM_ROLE_SERVER)
		err = lsvm_fail(look->host->ctx, LSVM_ERR_ARGUMENT,
				"%s is a %s, not a server; ask for a server, on it",
				look->host->name, lsvm_role_name(look->plan->role));
	if (err >= 0)
		err = ask(look);
	if (err < 0)
		return err;
	check(look);
	return look->cluster ? check_listeners(look) : 0;
}

int lsvm_role_explain_server(struct lsvm_host *host, const struct lsvm_cluster *cluster,
			     struct lsvm_causes **ret)
{
	struct look look = { .host = host, .cluster = cluster };
	int err = lsvm_look_start(&look, LSVM_ROLE_SERVER, host->name);

	if (!look.causes)
		return err;
	if (err >= 0)
		err = look_at(&look);
	return lsvm_look_end(&look, err, ret);
}
