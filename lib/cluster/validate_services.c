/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Services: what is in force for each must make sense together. The kernel accepts nearly
 * everything (net/netfilter/ipvs/ip_vs_ctl.c) and then does something else than was
 * meant, so that this is the last place where it can be told.
 */
#include "cluster/validate_private.h"

static bool hashes(const char *scheduler)
{
	return strcmp(scheduler, "sh") == 0 || strcmp(scheduler, "mh") == 0;
}

static void check_scheduler(struct validation *v, const struct service *service,
			    const struct settings *s)
{
	const char *name = or_empty(service->name);

	if (s->scheduler_flags && !hashes(s->scheduler))
		lsvm_fault_setting(v, FINDING_SCHEDULER_WITHOUT_FLAGS, service,
				   SETTING_SCHEDULER_FLAGS,
				   "the scheduler %s of service \"%s\" has no flags",
				   s->scheduler, name);
	if (v->cluster->redundancy->connections == LSVM_CONNECTIONS_HASH &&
	    !hashes(s->scheduler))
		lsvm_fault_setting(
			v, FINDING_HASH_NEEDS_SCHEDULER, service, SETTING_SCHEDULER,
			"connections of service \"%s\" do not survive a director: "
			"the scheduler is %s",
			name, s->scheduler);
}

static void check_persistence(struct validation *v, const struct service *service,
			      const struct settings *s)
{
	const char *name = or_empty(service->name);
	bool udp = service->protocol == LSVM_PROTOCOL_UDP;

	if (s->one_packet && !udp)
		lsvm_fault_setting(
			v, FINDING_ONE_PACKET_NOT_UDP, service, SETTING_ONE_PACKET,
			"service \"%s\" speaks %s: only UDP can be scheduled packet by "
			"packet",
			name, lsvm_protocol_name((int)service->protocol));
	if (s->one_packet && s->persistence)
		lsvm_fault_setting(
			v, FINDING_ONE_PACKET_PERSISTENT, service, SETTING_ONE_PACKET,
			"service \"%s\" schedules each packet for itself and keeps "
			"clients on one server: it cannot do both",
			name);
	/* The kernel forgets such a connection with its packet, and so does not know what
	 * to translate the answer back to. */
	if (s->one_packet && udp && s->forwarding == LSVM_FORWARDING_NAT)
		lsvm_fault_setting(v, FINDING_ONE_PACKET_NAT, service, SETTING_ONE_PACKET,
				   "service \"%s\" schedules each packet for itself "
				   "behind NAT: what "
				   "its servers answer keeps their own addresses",
				   name);
	if (s->persistence && s->persistence->engine && !udp)
		lsvm_fault_setting(
			v, FINDING_SIP_NOT_UDP, service, SETTING_PERSISTENCE,
			"service \"%s\" speaks %s, but the persistence engine sip "
			"reads UDP only",
			name, lsvm_protocol_name((int)service->protocol));
}

static void check_thresholds(struct validation *v, const struct service *service,
			     const struct settings *s)
{
	const char *name = or_empty(service->name);

	if (s->lower_threshold && !s->upper_threshold)
		lsvm_fault_setting(
			v, FINDING_LOWER_WITHOUT_UPPER, service, SETTING_LOWER_THRESHOLD,
			"service \"%s\" has a lower threshold without an upper one",
			name);
	else if (s->lower_threshold > s->upper_threshold)
		lsvm_fault_setting(v, FINDING_LOWER_ABOVE_UPPER, service,
				   SETTING_LOWER_THRESHOLD,
				   "service \"%s\" has the lower threshold %u above the "
				   "upper one, %u",
				   name, s->lower_threshold, s->upper_threshold);
}

static void check_forwarding(struct validation *v, const struct service *service,
			     const struct settings *s)
{
	const struct tunnel *tunnel = s->tunnel;
	bool same_port = service->ports.count == 1 &&
			 service->ports.items[0].first == service->server_port &&
			 service->ports.items[0].last == service->server_port;

	if (service->server_port && !same_port && s->forwarding != LSVM_FORWARDING_NAT)
		lsvm_fault(v, FINDING_SERVER_PORT_WITHOUT_NAT, &service->object,
			   &service->server_port,
			   "%s forwarding leaves the port as it is; %u cannot become the "
			   "port on "
			   "the servers",
			   lsvm_forwarding_name((int)s->forwarding),
			   service->server_port);
	if (s->forwarding != LSVM_FORWARDING_TUNNEL)
		return;
	if (tunnel->kind == LSVM_TUNNEL_GUE && !tunnel->port)
		lsvm_fault_setting(
			v, FINDING_GUE_WITHOUT_PORT, service, SETTING_TUNNEL,
			"the tunnel of service \"%s\" is GUE and has no UDP port",
			or_empty(service->name));
	if ((tunnel->port && tunnel->kind != LSVM_TUNNEL_GUE) ||
	    (tunnel->checksum == LSVM_TUNNEL_CHECKSUM_FULL &&
	     tunnel->kind == LSVM_TUNNEL_IPIP) ||
	    (tunnel->checksum == LSVM_TUNNEL_CHECKSUM_REMOTE &&
	     tunnel->kind != LSVM_TUNNEL_GUE))
		lsvm_fault_setting(v, FINDING_TUNNEL_OPTION, service, SETTING_TUNNEL,
				   "a tunnel of kind %s has no %s",
				   lsvm_tunnel_kind_name((int)tunnel->kind),
				   tunnel->port && tunnel->kind != LSVM_TUNNEL_GUE
					   ? "port"
					   : "such checksum");
}

static void check_quorum(struct validation *v, const struct service *service,
			 const struct settings *s)
{
	const struct partition *partition = vip_partition(service_vip(service));
	const struct machine *sorry = s->sorry_server.target;
	uint8_t family = service_vip(service)->address.family;

	if (s->quorum > partition->servers.count)
		lsvm_fault_setting(
			v, FINDING_QUORUM_TOO_HIGH, service, SETTING_QUORUM,
			"service \"%s\" asks for %u servers, but partition \"%s\" has %u",
			or_empty(service->name), s->quorum, or_empty(partition->name),
			partition->servers.count);
	if (sorry && is_server(sorry))
		server_facts(v, sorry)->used = true;
	if (sorry && family && v->cluster->directors.count &&
	    !lsvm_cluster_server_address(v->cluster, sorry, family, s->forwarding))
		lsvm_fault_setting(
			v, FINDING_SORRY_SERVER_NOT_REACHABLE, service,
			SETTING_SORRY_SERVER,
			"the directors cannot reach \"%s\" over IPv%u with %s forwarding",
			or_empty(sorry->name), family,
			lsvm_forwarding_name((int)s->forwarding));
}

/* ---- slow starts ---- */

/* A weight of 1 cannot be less. */
static void check_slow_start(struct validation *v, const struct service *service,
			     const struct settings *s)
{
	const struct partition *partition = vip_partition(service_vip(service));
	bool slow = false;

	for (uint32_t i = 0; i < s->checks.count; i++)
		slow |= s->checks.items[i].slow_start_ms != 0;
	for (uint32_t i = 0; slow && i < partition->servers.count; i++)
		slow = partition->servers.items[i].weight < 2;
	if (slow && partition->servers.count)
		lsvm_fault_setting(v, FINDING_SLOW_START_UNFELT, service, SETTING_CHECKS,
				   "service \"%s\" has slow starts, but no server of "
				   "partition \"%s\" has a weight above 1",
				   or_empty(service->name), or_empty(partition->name));
}

/* ---- one mark, one service ---- */

static bool same_tunnel(const struct tunnel *a, const struct tunnel *b)
{
	return a == b ||
	       (a->kind == b->kind && a->port == b->port && a->checksum == b->checksum);
}

static bool same_persistence(const struct persistence *a, const struct persistence *b)
{
	if (a == b || !a || !b)
		return a == b;
	return a->timeout_s == b->timeout_s &&
	       a->ipv4_prefix_length == b->ipv4_prefix_length &&
	       a->ipv6_prefix_length == b->ipv6_prefix_length && !a->engine == !b->engine;
}

static const char *difference(const struct service *a, const struct settings *x,
			      const struct service *b, const struct settings *y)
{
	if (x->forwarding != y->forwarding)
		return "forwarding";
	if (x->forwarding == LSVM_FORWARDING_TUNNEL && !same_tunnel(x->tunnel, y->tunnel))
		return "tunnel";
	if (strcmp(x->scheduler, y->scheduler) != 0)
		return "scheduler";
	if (x->scheduler_flags != y->scheduler_flags)
		return "scheduler_flags";
	if (!same_persistence(x->persistence, y->persistence))
		return "persistence";
	if (x->one_packet != y->one_packet)
		return "one_packet";
	if (x->upper_threshold != y->upper_threshold ||
	    x->lower_threshold != y->lower_threshold)
		return "thresholds";
	return a->server_port != b->server_port ? "server_port" : NULL;
}

struct mark_key { /* no padding: it is a key of a map */
	uint32_t mark, family;
};

static void check_mark(struct validation *v, struct map *marks,
		       const struct service *service, const struct settings *settings)
{
	struct mark_key *key = lsvm_arena_alloc(&v->scratch, sizeof(*key));
	const struct service *other;
	struct settings others;
	void *found = NULL;
	const char *what;

	if (service->fwmark >= PROBE_MARK_FIRST && service->fwmark <= PROBE_MARK_LAST)
		lsvm_fault(v, FINDING_MARK_RESERVED, &service->object, &service->fwmark,
			   "the marks from 0x%x to 0x%x are for checks that go through "
			   "the directors",
			   PROBE_MARK_FIRST, PROBE_MARK_LAST);
	if (!key)
		return;
	*key = (struct mark_key){ service->fwmark, service_vip(service)->address.family };
	if (!lsvm_entered(v, marks, key, sizeof(*key), service, &found))
		return;
	other = found;
	if (vip_partition(service_vip(other)) != vip_partition(service_vip(service))) {
		lsvm_fault(v, FINDING_MARK_IN_TWO_PARTITIONS, &service->object,
			   &service->fwmark,
			   "the mark %u belongs to partition \"%s\" already (%s)",
			   service->fwmark,
			   or_empty(vip_partition(service_vip(other))->name),
			   lsvm_place(v, &other->object));
		return;
	}
	lsvm_cluster_settings(other, &others);
	what = difference(other, &others, service, settings);
	if (what)
		lsvm_fault(v, FINDING_MARK_UNEQUAL, &service->object, &service->fwmark,
			   "the services with the mark %u are one for the kernel, but %s "
			   "differs "
			   "from %s",
			   service->fwmark, what, lsvm_place(v, &other->object));
}

void lsvm_validate_services(struct validation *v)
{
	struct map marks = { 0 };

	for (uint32_t p = 0; p < v->cluster->partitions.count; p++) {
		const struct partition *partition = &v->cluster->partitions.items[p];

		for (uint32_t i = 0; i < partition->vips.count; i++) {
			const struct vip *vip = &partition->vips.items[i];

			for (uint32_t n = 0; n < vip->services.count; n++) {
				const struct service *service = &vip->services.items[n];
				struct settings settings;

				lsvm_cluster_settings(service, &settings);
				check_scheduler(v, service, &settings);
				check_persistence(v, service, &settings);
				check_thresholds(v, service, &settings);
				check_forwarding(v, service, &settings);
				check_quorum(v, service, &settings);
				check_slow_start(v, service, &settings);
				if (service->fwmark)
					check_mark(v, &marks, service, &settings);
			}
		}
	}
	lsvm_map_free(&marks);
}
