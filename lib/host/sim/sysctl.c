/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sysctls of a simulated machine. Those that a cluster lives by are known by name and
 * default; of the rest, whatever is below kernel, net.core, net.netfilter, vm or fs is
 * taken to exist, everything else not. Below net.ipv4.vs values are checked and read back
 * as in Linux 6.1, which takes the numbers up to the first that it cannot use, and does
 * not always keep what it took: reading back tells.
 */
#include "host/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

struct known {
	const char *name, *value;
	int64_t min, max;
};

#define ANY INT32_MIN, INT32_MAX

/* Linux 6.1, net/netfilter/ipvs/ip_vs_ctl.c. */
static const struct known ipvs[] = {
	{ "am_droprate", "10", ANY },
	{ "amemthresh", "1024", ANY },
	{ "backup_only", "0", ANY },
	{ "cache_bypass", "0", ANY },
	{ "conn_reuse_mode", "1", ANY },
	{ "conntrack", "0", ANY },
	{ "debug_level", "0", ANY },
	{ "drop_entry", "0", 0, 3 },
	{ "drop_packet", "0", 0, 3 },
	{ "expire_nodest_conn", "0", ANY },
	{ "expire_quiescent_template", "0", ANY },
	{ "ignore_tunneled", "0", ANY },
	{ "nat_icmp_send", "0", ANY },
	{ "pmtu_disc", "1", ANY },
	{ "run_estimation", "1", ANY },
	{ "schedule_icmp", "0", ANY },
	{ "secure_tcp", "0", 0, 3 },
	{ "sloppy_sctp", "0", ANY },
	{ "sloppy_tcp", "0", ANY },
	{ "snat_reroute", "1", ANY },
	{ "sync_persist_mode", "0", ANY },
	{ "sync_ports", "1", 1, INT32_MAX },
	{ "sync_qlen_max", "31200", 0, INT64_MAX },
	{ "sync_refresh_period", "0", INT32_MIN, INT32_MAX },
	{ "sync_retries", "0", 0, 3 },
	{ "sync_sock_size", "0", ANY },
	{ "sync_threshold", "3\t50", ANY },
	{ "sync_version", "1", 0, 1 },
	{ NULL },
};

/* net.ipv4.conf.INTERFACE. */
static const struct known ipv4_conf[] = {
	{ "accept_local", "0", ANY },
	{ "accept_redirects", "1", ANY },
	{ "accept_source_route", "1", ANY },
	{ "arp_accept", "0", ANY },
	{ "arp_announce", "0", ANY },
	{ "arp_filter", "0", ANY },
	{ "arp_ignore", "0", ANY },
	{ "arp_notify", "0", ANY },
	{ "disable_policy", "0", ANY },
	{ "disable_xfrm", "0", ANY },
	{ "forwarding", "0", ANY },
	{ "log_martians", "0", ANY },
	{ "promote_secondaries", "0", ANY },
	{ "proxy_arp", "0", ANY },
	{ "route_localnet", "0", ANY },
	{ "rp_filter", "0", ANY },
	{ "secure_redirects", "1", ANY },
	{ "send_redirects", "1", ANY },
	{ "shared_media", "1", ANY },
	{ "src_valid_mark", "0", ANY },
	{ NULL },
};

/* net.ipv6.conf.INTERFACE. */
static const struct known ipv6_conf[] = {
	{ "accept_dad", "1", ANY },
	{ "accept_ra", "1", ANY },
	{ "accept_ra_defrtr", "1", ANY },
	{ "accept_redirects", "1", ANY },
	{ "accept_source_route", "0", ANY },
	{ "addr_gen_mode", "0", ANY },
	{ "autoconf", "1", ANY },
	{ "dad_transmits", "1", ANY },
	{ "disable_ipv6", "0", ANY },
	{ "forwarding", "0", ANY },
	{ "hop_limit", "64", ANY },
	{ "keep_addr_on_down", "0", ANY },
	{ "mtu", "1500", ANY },
	{ "ndisc_notify", "0", ANY },
	{ "optimistic_dad", "0", ANY },
	{ "proxy_ndp", "0", ANY },
	{ "use_optimistic", "0", ANY },
	{ "use_tempaddr", "0", ANY },
	{ NULL },
};

static const struct known single[] = {
	{ "net.ipv4.ip_forward", "0", ANY },
	{ "net.ipv4.ip_nonlocal_bind", "0", ANY },
	{ "net.ipv4.ip_local_port_range", "32768\t60999", ANY },
	{ "net.ipv4.tcp_syncookies", "1", ANY },
	{ "net.ipv4.tcp_max_syn_backlog", "512", ANY },
	{ "net.ipv4.tcp_fin_timeout", "60", ANY },
	{ "net.ipv4.tcp_tw_reuse", "2", ANY },
	{ "net.ipv4.fib_multipath_hash_policy", "0", ANY },
	{ "net.ipv6.ip_nonlocal_bind", "0", ANY },
	{ NULL },
};

static const struct known *find(const struct known *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

/* "eth0/100.arp_ignore": interface eth0.100, sysctl arp_ignore. */
static const struct known *find_conf(struct sim_host *sim, const struct known *table,
				     const char *rest)
{
	const char *dot = strrchr(rest, '.');
	char interface[INTERFACE_BYTES];
	size_t length = dot ? (size_t)(dot - rest) : 0;

	if (!length || length >= sizeof(interface))
		return NULL;
	for (size_t i = 0; i < length; i++)
		interface[i] = rest[i] == '/' ? '.' : rest[i];
	interface[length] = '\0';
	if (strcmp(interface, "all") != 0 && strcmp(interface, "default") != 0 &&
	    !lsvm_sim_link(sim, interface))
		return NULL;
	return find(table, dot + 1);
}

static const char *after(const char *text, const char *head)
{
	size_t length = strlen(head);

	return strncmp(text, head, length) == 0 ? text + length : NULL;
}

static const struct known *lookup(struct sim_host *sim, const char *name)
{
	static const struct known other = { "", "0", ANY };
	static const char *const open[] = { "kernel.", "net.core.", "net.netfilter.",
					    "vm.", "fs." };
	const char *rest;

	if ((rest = after(name, "net.ipv4.vs.")))
		return find(ipvs, rest);
	if ((rest = after(name, "net.ipv4.conf.")))
		return find_conf(sim, ipv4_conf, rest);
	if ((rest = after(name, "net.ipv6.conf.")))
		return find_conf(sim, ipv6_conf, rest);
	for (size_t i = 0; i < ARRAY_SIZE(open); i++)
		if ((rest = after(name, open[i])) && rest[0])
			return &other;
	return find(single, name);
}

static struct sim_sysctl *written(struct sim_host *sim, const char *name)
{
	for (size_t i = 0; i < sim->sysctls.count; i++)
		if (strcmp(sim->sysctls.items[i].name, name) == 0)
			return &sim->sysctls.items[i];
	return NULL;
}

const char *lsvm_sim_sysctl_get(struct sim_host *sim, const char *name)
{
	const struct known *known = lookup(sim, name);
	struct sim_sysctl *own = known ? written(sim, name) : NULL;

	if (!known)
		return NULL;
	return own ? own->value : known->value;
}

static int check_numbers(struct sim_host *sim, const struct sysctl *sysctl)
{
	size_t length = strspn(sysctl->value, "-0123456789 \t\n");

	if (length && !sysctl->value[length])
		return 0;
	return lsvm_fail(sim->host.ctx, LSVM_ERR_ARGUMENT,
			 "sysctl %s does not take '%s'; it takes numbers", sysctl->name,
			 sysctl->value);
}

static int store(struct sim_host *sim, const struct sysctl *sysctl)
{
	struct sim_sysctl *slot = written(sim, sysctl->name);
	char *value = strdup(sysctl->value), *name;

	if (slot && value) {
		free(slot->value);
		slot->value = value;
		return 0;
	}
	name = strdup(sysctl->name);
	slot = name && value ? vec_push(&sim->sysctls) : NULL;
	if (!slot) {
		free(name);
		free(value);
		return lsvm_fail_nomem(sim->host.ctx);
	}
	slot->name = name;
	slot->value = value;
	return 0;
}

static int refused(struct sim_host *sim, const struct sysctl *sysctl)
{
	return lsvm_fail(sim->host.ctx, LSVM_ERR_ARGUMENT,
			 "sysctl %s does not take '%s'; choose a value that the kernel "
			 "allows",
			 sysctl->name, sysctl->value);
}

static bool is_pair(const struct known *known)
{
	return strcmp(known->name, "sync_threshold") == 0;
}

/* Numbers of the text, at most count, into values; what is behind them to *ret_rest. */
static size_t read_numbers(const char *text, size_t count, long long *values,
			   const char **ret_rest)
{
	size_t read = 0;

	for (; read < count; read++) {
		char *end;
		long long value = strtoll(text, &end, 10);

		if (end == text)
			break;
		values[read] = value;
		text = end;
	}
	*ret_rest = text + strspn(text, " \t\n");
	return read;
}

static bool in_range(struct sim_host *sim, const struct known *known,
		     const long long *values)
{
	const long long number = values[0];

	if (is_pair(known))
		return values[0] >= 0 && values[0] <= INT32_MAX && values[1] >= 0 &&
		       values[1] <= INT32_MAX && !(values[0] >= values[1] && values[1]);
	if (strcmp(known->name, "sync_ports") == 0 && (number & (number - 1)))
		return false;
	if (strcmp(known->name, "sync_refresh_period") == 0 &&
	    number > INT32_MAX / (int64_t)sim->kernel.hz)
		return false;
	return number >= known->min && number <= known->max;
}

/* The level "on, and memory is short" falls back at once: memory is not. */
static bool has_level(const struct known *known)
{
	return strcmp(known->name, "drop_entry") == 0 ||
	       strcmp(known->name, "drop_packet") == 0 ||
	       strcmp(known->name, "secure_tcp") == 0;
}

static int set_ipvs(struct sim_host *sim, const struct known *known,
		    const struct sysctl *sysctl)
{
	long long values[2] = { 0 };
	char text[32];
	const char *rest;
	int err;

	read_numbers(lsvm_sim_sysctl_get(sim, sysctl->name), 2, values, &rest);
	if (!read_numbers(sysctl->value, is_pair(known) ? 2 : 1, values, &rest) ||
	    !in_range(sim, known, values))
		return refused(sim, sysctl);
	if (has_level(known) && values[0] == 2)
		values[0] = 1;
	snprintf(text, sizeof(text), is_pair(known) ? "%lld\t%lld" : "%lld", values[0],
		 values[1]);
	err = store(sim, &(struct sysctl){ sysctl->name, text });
	if (err < 0)
		return err;
	if (*rest)
		return refused(sim, sysctl);
	if (lsvm_sysctl_equal(text, sysctl->value))
		return 0;
	return lsvm_fail(sim->host.ctx, LSVM_ERR_CONFLICT,
			 "sysctl %s did not take '%s' and still is '%s'; choose a value "
			 "that the kernel allows",
			 sysctl->name, sysctl->value, text);
}

int lsvm_sim_sysctl_set(struct sim_host *sim, const struct sysctl *sysctl)
{
	const struct known *known = lookup(sim, sysctl->name);
	int err;

	if (!known)
		return lsvm_fail(sim->host.ctx, LSVM_ERR_NOT_FOUND,
				 "there is no sysctl %s on %s; check its name and that "
				 "its interface or module is there",
				 sysctl->name, sim->host.name);
	if (after(sysctl->name, "net.ipv4.vs."))
		return set_ipvs(sim, known, sysctl);
	if (known->name[0]) {
		err = check_numbers(sim, sysctl);
		if (err < 0)
			return err;
	}
	return store(sim, sysctl);
}
