/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes to the sysctls of IPVS: whether they are refused, and what is read afterwards.
 * The defaults are compared, too, but for sync_qlen_max's, which follows the memory.
 */
#include "ipvs_sides.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define VALUE_BYTES 128

static const char *const names[] = {
	"am_droprate",	       "amemthresh",	     "backup_only",
	"cache_bypass",	       "conn_reuse_mode",    "drop_entry",
	"drop_packet",	       "expire_nodest_conn", "expire_quiescent_template",
	"ignore_tunneled",     "nat_icmp_send",	     "pmtu_disc",
	"run_estimation",      "schedule_icmp",	     "secure_tcp",
	"sloppy_sctp",	       "sloppy_tcp",	     "snat_reroute",
	"sync_persist_mode",   "sync_ports",	     "sync_qlen_max",
	"sync_refresh_period", "sync_retries",	     "sync_sock_size",
	"sync_threshold",      "sync_version",
};

static const char *const values[] = {
	"1",   "0",    "2",	 "3",		"4",	      "7",   "9",   "64",
	"128", "-1",   "x",	 "99999999999", "3 50",	      "3 2", "0 0", "5 5",
	"5 0", "-1 5", "100000", "1 2 3",	"2147483647", "1 x",
};

static void path_of(const char *name, char *path, size_t size)
{
	snprintf(path, size, "/proc/sys/net/ipv4/vs/%s", name);
}

static void read_value(const char *name, char *ret)
{
	char path[VALUE_BYTES];
	ssize_t length;
	int fd;

	path_of(name, path, sizeof(path));
	fd = open(path, O_RDONLY);
	length = fd < 0 ? -1 : read(fd, ret, VALUE_BYTES - 1);
	if (length < 0)
		err(1, "%s", path);
	close(fd);
	while (length && ret[length - 1] == '\n')
		length--;
	ret[length] = '\0';
}

/* Whether the write itself succeeds. */
static bool write_value(const char *name, const char *value)
{
	char path[VALUE_BYTES];
	bool done;
	int fd;

	path_of(name, path, sizeof(path));
	fd = open(path, O_WRONLY);
	if (fd < 0)
		err(1, "%s", path);
	done = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return done;
}

static bool same_now(struct side *side, const char *name, const char *after,
		     bool real_done, bool simulated_done)
{
	char real[VALUE_BYTES], full[VALUE_BYTES];
	const char *simulated;

	snprintf(full, sizeof(full), "net.ipv4.vs.%s", name);
	read_value(name, real);
	simulated = lsvm_sim_sysctl_get(side->sim, full);
	if (simulated && lsvm_sysctl_equal(real, simulated) &&
	    real_done == simulated_done)
		return true;
	printf("%s after \"%s\": the kernel %s and has \"%s\", the simulated one %s and "
	       "has \"%s\"\n",
	       name, after, real_done ? "took it" : "refused", real,
	       simulated_done ? "took it" : "refused", simulated ? simulated : "none");
	return false;
}

bool compare_sysctls(struct side *side, size_t *ret_writes)
{
	bool same = true;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char full[VALUE_BYTES], at_first[VALUE_BYTES];

		snprintf(full, sizeof(full), "net.ipv4.vs.%s", names[i]);
		if (strcmp(names[i], "sync_qlen_max"))
			same = same_now(side, names[i], "(nothing)", true, true) && same;
		read_value(names[i], at_first);
		for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
			const struct sysctl sysctl = { full, values[j] };
			const bool real = write_value(names[i], values[j]);
			/* That nothing changed is told here, which the kernel does not.
			 */
			const int answer = lsvm_sim_sysctl_set(side->sim, &sysctl);

			same = same_now(side, names[i], values[j], real,
					answer >= 0 || answer == LSVM_ERR_CONFLICT) &&
			       same;
			++*ret_writes;
		}
		write_value(names[i], at_first);
		lsvm_sim_sysctl_set(side->sim, &(struct sysctl){ full, at_first });
	}
	return same;
}
