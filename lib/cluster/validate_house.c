/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cluster as a whole: machines that must be there, the pair of directors, the
 * kernel's knobs, and where content lies.
 */
#include "cluster/validate_private.h"

#include <stdlib.h>

static void check_machines(struct validation *v)
{
	const struct lsvm_cluster *c = v->cluster;

	if (!c->directors.count && !lsvm_was_written(&c->object, &c->directors))
		lsvm_fault(
			v, FINDING_NO_DIRECTOR, &c->object, NULL,
			"no machine spreads the requests: the cluster has no directors");
	if (!c->ems && !lsvm_was_written(&c->object, &c->ems))
		lsvm_fault(v, FINDING_NO_EMS, &c->object, NULL,
			   "the cluster has no management station");
	if (!c->partitions.count && !lsvm_was_written(&c->object, &c->partitions))
		lsvm_fault(v, FINDING_NO_PARTITIONS, &c->object, NULL,
			   "the cluster has no partitions, so that it serves nothing");
	for (uint32_t i = 0; !v->unknown_servers && i < c->servers.count; i++)
		if (!v->server[i].used && *or_empty(c->servers.items[i].name))
			lsvm_fault(v, FINDING_UNUSED_SERVER, &c->servers.items[i].object,
				   NULL, "\"%s\" is in no partition",
				   or_empty(c->servers.items[i].name));
}

/* ---- redundancy ---- */

static void check_priorities(struct validation *v)
{
	const struct lsvm_cluster *c = v->cluster;
	const struct machine *seen[256] = { NULL };

	for (uint32_t i = 0; i < c->directors.count; i++) {
		const struct machine *director = &c->directors.items[i];
		uint8_t priority = (uint8_t)director->priority;

		if (seen[priority] &&
		    lsvm_was_written(&director->object, &director->priority))
			lsvm_fault(v, FINDING_EQUAL_PRIORITIES, &director->object,
				   &director->priority,
				   "\"%s\" has the priority %u of \"%s\"",
				   or_empty(director->name), priority,
				   or_empty(seen[priority]->name));
		seen[priority] = director;
	}
}

static void check_vrrp(struct validation *v)
{
	const struct lsvm_cluster *c = v->cluster;
	const struct redundancy *r = c->redundancy;

	if (r->advert_interval_ms % (r->version == 2 ? 1000 : 10) != 0)
		lsvm_fault(v, FINDING_ADVERT_INTERVAL, &r->object, &r->advert_interval_ms,
			   "VRRP version %u cannot say %u ms", r->version,
			   r->advert_interval_ms);
	for (uint32_t p = 0; r->version == 2 && p < c->partitions.count; p++)
		for (uint32_t i = 0; i < c->partitions.items[p].vips.count; i++) {
			const struct vip *vip = &c->partitions.items[p].vips.items[i];
			char text[LSVM_ADDRESS_TEXT_BYTES];

			if (vip->address.family != 6)
				continue;
			lsvm_fault(v, FINDING_VRRP2_WITH_IPV6, &r->object, &r->version,
				   "VRRP version 2 knows no IPv6, but there is the VIP "
				   "%s (%s)",
				   lsvm_addr_text(&vip->address, text),
				   lsvm_place(v, &vip->object));
			return;
		}
}

static void check_sync(struct validation *v)
{
	const struct redundancy *r = v->cluster->redundancy;
	char text[LSVM_ADDRESS_TEXT_BYTES];
	bool multicast = r->sync_group.family == 4
				 ? (r->sync_group.bytes[0] & 0xf0) == 0xe0
				 : r->sync_group.bytes[0] == 0xff;

	if (r->sync_group.family && !multicast)
		lsvm_fault(v, FINDING_SYNC_GROUP, &r->object, &r->sync_group,
			   "%s is no multicast address",
			   lsvm_addr_text(&r->sync_group, text));
}

static void check_redundancy(struct validation *v)
{
	struct lsvm_cluster *c = v->cluster;
	struct redundancy *r = c->redundancy;
	bool state = r->connections == LSVM_CONNECTIONS_SYNC ||
		     r->connections == LSVM_CONNECTIONS_HASH;

	check_priorities(v);
	check_sync(v);
	check_vrrp(v);
	if (c->directors.count == 1 && (r->kind == LSVM_REDUNDANCY_VRRP || state))
		lsvm_fault(v, FINDING_REDUNDANCY_ALONE, &r->object,
			   r->kind == LSVM_REDUNDANCY_VRRP ? (const void *)&r->kind
							   : &r->connections,
			   "there is one director: nobody can take over from it");
	if (c->directors.count < 2 || (r->kind != LSVM_REDUNDANCY_VRRP && !state))
		return;
	if (!r->network.name) {
		struct network *network = v->outermost;

		r->network.target = network;
		r->network.name = network ? network->name : NULL;
		if (!network && c->networks.count)
			lsvm_fault(v, FINDING_DIRECTORS_APART, &r->object, NULL,
				   "the directors share no network and cannot hear each "
				   "other");
	} else if (r->network.target && !network_facts(v, r->network.target)->shared) {
		lsvm_fault(v, FINDING_DIRECTORS_APART, &r->object, &r->network,
			   "not every director has an interface in network \"%s\"",
			   r->network.name);
	}
}

/* ---- the kernel's knobs ---- */

struct knob {
	const char *name;
	long low, high;
	bool power_of_two;
};

/* net/netfilter/ipvs/ip_vs_ctl.c: 6.1 takes some wrong values without a word and changes
 * nothing.
 */
static const struct knob knobs[] = {
	{ "am_droprate", 0, INT32_MAX, false },
	{ "amemthresh", 0, INT32_MAX, false },
	{ "backup_only", 0, 1, false },
	{ "cache_bypass", 0, 1, false },
	{ "conn_lfactor", -8, 8, false },
	{ "conn_max", 0, INT32_MAX, false },
	{ "conn_reuse_mode", 0, 3, false },
	{ "conntrack", 0, 1, false },
	{ "debug_level", 0, INT32_MAX, false },
	{ "drop_entry", 0, 3, false },
	{ "drop_packet", 0, 3, false },
	{ "est_cpulist", 1, 0, false },
	{ "est_nice", -20, 19, false },
	{ "expire_nodest_conn", 0, 1, false },
	{ "expire_quiescent_template", 0, 1, false },
	{ "ignore_tunneled", 0, 1, false },
	{ "nat_icmp_send", 0, 1, false },
	{ "pmtu_disc", 0, 1, false },
	{ "run_estimation", 0, 1, false },
	{ "schedule_icmp", 0, 1, false },
	{ "secure_tcp", 0, 3, false },
	{ "sloppy_sctp", 0, 1, false },
	{ "sloppy_tcp", 0, 1, false },
	{ "snat_reroute", 0, 1, false },
	{ "svc_lfactor", -8, 8, false },
	{ "sync_persist_mode", 0, 2, false },
	{ "sync_ports", 1, 128, true },
	{ "sync_qlen_max", 0, INT32_MAX, false },
	{ "sync_refresh_period", 0, INT32_MAX, false },
	{ "sync_retries", 0, 3, false },
	{ "sync_sock_size", 0, INT32_MAX, false },
	{ "sync_threshold", 1, 0, false },
	{ "sync_version", 0, 1, false },
};

static const struct knob *find_knob(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++)
		if (strcmp(knobs[i].name, name) == 0)
			return &knobs[i];
	return NULL;
}

/* low > high: text with a form of its own. */
static bool value_fits(const struct knob *knob, const char *text)
{
	char *end;
	long value = strtol(text, &end, 10), period;

	if (strcmp(knob->name, "sync_threshold") == 0) {
		if (end == text || *end != ' ')
			return false;
		text = end + 1;
		period = strtol(text, &end, 10);
		return end != text && !*end && value >= 0 &&
		       (period == 0 || period > value);
	}
	if (knob->low > knob->high)
		return true;
	if (end == text || *end || value < knob->low || value > knob->high)
		return false;
	return !knob->power_of_two || (value & (value - 1)) == 0;
}

static void check_knobs(struct validation *v)
{
	const struct ipvs_tuning *ipvs = v->cluster->ipvs;
	struct map names = { 0 };

	for (uint32_t i = 0; i < ipvs->sysctls.count; i++) {
		const struct kernel_setting *setting = &ipvs->sysctls.items[i];
		const struct knob *knob;
		struct nearest nearest = { .wanted = setting->name };

		if (!setting->name || !*setting->name || !setting->value)
			continue;
		if (lsvm_entered(v, &names, setting->name, strlen(setting->name),
				 (void *)setting, NULL))
			lsvm_fault(v, FINDING_DUPLICATE_SYSCTL, &setting->object,
				   &setting->name, "%s is set twice", setting->name);
		knob = find_knob(setting->name);
		if (knob && !value_fits(knob, setting->value))
			lsvm_fault(v, FINDING_SYSCTL_VALUE, &setting->object,
				   &setting->value, "net.ipv4.vs.%s cannot be \"%s\"",
				   setting->name, setting->value);
		for (size_t k = 0; !knob && k < ARRAY_SIZE(knobs); k++)
			lsvm_nearest_offer(&nearest, knobs[k].name);
		if (!knob)
			lsvm_fault(v, FINDING_UNKNOWN_SYSCTL, &setting->object,
				   &setting->name,
				   "no kernel known to this version has "
				   "net.ipv4.vs.%s%s%s%s",
				   setting->name, nearest.best ? "; did you mean \"" : "",
				   nearest.best ? nearest.best : "",
				   nearest.best ? "\"?" : "");
	}
	lsvm_map_free(&names);
}

static void check_machine_sysctls(struct validation *v)
{
	struct machine *machine;

	for (size_t m = 0; (machine = lsvm_cluster_machine_nth(v->cluster, m)); m++) {
		struct map names = { 0 };

		for (uint32_t i = 0; i < machine->sysctls.count; i++) {
			const struct kernel_setting *setting = &machine->sysctls.items[i];

			if (setting->name && *setting->name &&
			    lsvm_entered(v, &names, setting->name, strlen(setting->name),
					 (void *)setting, NULL))
				lsvm_fault(v, FINDING_DUPLICATE_SYSCTL, &setting->object,
					   &setting->name, "%s is set twice on \"%s\"",
					   setting->name, or_empty(machine->name));
		}
		lsvm_map_free(&names);
	}
}

/* ---- content ---- */

static void check_replicas(struct validation *v, const struct object *object,
			   const void *field, const struct ref *refs, uint32_t count)
{
	struct map seen = { 0 };

	for (uint32_t i = 0; i < count; i++) {
		if (!refs[i].target)
			continue;
		server_facts(v, refs[i].target)->used = true;
		if (lsvm_entered(v, &seen, &refs[i].target, sizeof(void *),
				 refs[i].target, NULL))
			lsvm_fault_item(v, FINDING_DUPLICATE_REPLICA, object, field, i,
					refs[i].at, "\"%s\" is a replica already",
					refs[i].name);
	}
	lsvm_map_free(&seen);
}

static void check_content(struct validation *v)
{
	const struct content *content = v->cluster->content;

	if (content->kind == LSVM_CONTENT_CODA && !content->realm &&
	    !lsvm_was_written(&content->object, &content->realm))
		lsvm_fault(v, FINDING_CODA_WITHOUT_REALM, &content->object,
			   &content->kind, "content of kind coda needs a realm");
	check_replicas(v, &content->object, &content->replicas, content->replicas.items,
		       content->replicas.count);
	for (uint32_t i = 0; i < content->volumes.count; i++)
		check_replicas(v, &content->volumes.items[i].object,
			       &content->volumes.items[i].replicas,
			       content->volumes.items[i].replicas.items,
			       content->volumes.items[i].replicas.count);
}

void lsvm_validate_house(struct validation *v)
{
	check_redundancy(v);
	check_knobs(v);
	check_machine_sysctls(v);
	check_content(v);
	check_machines(v);
}
