/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How connections survive the death of a director: kernel settings, and what they
 * guarantee, in words.
 *
 * Told (sync): ip_vs_sync_conn_needed() in net/netfilter/ipvs/ip_vs_sync.c tells of a
 * connection, with a period of 0 and a refresh period, with the packet that establishes
 * it and then once in each refresh period in which it has packets; retries guard against
 * a lost message. With the kernel's "3 50" it tells with the third packet, which an idle
 * connection never has. What was told lies in a buffer for up to 2 s, and the sending
 * thread looks once a second.
 *
 * Hashed: nobody is told. Each director finds the same server by itself, and takes the
 * packets of connections that it has not seen begin (sloppy).
 */
#include "plan/compile.h"

#define REFRESH_S "10"
#define RETRIES "2"

static bool hashes(const struct settings *settings)
{
	return strcmp(settings->scheduler, "sh") == 0 ||
	       strcmp(settings->scheduler, "mh") == 0;
}

/* A service in which a director that was told nothing finds the server all the same: by
 * its hash, or by what persistence remembers of the client, which is told too. */
static bool some_are_found_again(const struct lsvm_cluster *cluster)
{
	for (uint32_t i = 0; i < cluster->partitions.count; i++) {
		const struct partition *partition = &cluster->partitions.items[i];

		for (uint32_t j = 0; j < partition->vips.count; j++) {
			const struct vip *vip = &partition->vips.items[j];

			for (uint32_t k = 0; k < vip->services.count; k++) {
				struct settings settings;

				lsvm_cluster_settings(&vip->services.items[k], &settings);
				if (hashes(&settings) || settings.persistence)
					return true;
			}
		}
	}
	return false;
}

static void want_sloppy(struct compilation *c)
{
	lsvm_want_sysctl(c, "net.ipv4.vs.sloppy_tcp", "1");
	lsvm_want_sysctl(c, "net.ipv4.vs.sloppy_sctp", "1");
}

static void want_sync(struct compilation *c)
{
	lsvm_want_sysctl(c, "net.ipv4.vs.sync_threshold", "0 0");
	lsvm_want_sysctl(c, "net.ipv4.vs.sync_refresh_period", REFRESH_S);
	lsvm_want_sysctl(c, "net.ipv4.vs.sync_retries", RETRIES);
	/* Templates alone would lose the connections themselves. */
	lsvm_want_sysctl(c, "net.ipv4.vs.sync_persist_mode", "0");
	if (some_are_found_again(c->cluster))
		want_sloppy(c);
}

void lsvm_compile_survival(struct compilation *c)
{
	const char *promise = NULL;

	if (c->cluster->directors.count < 2)
		return;
	switch (c->cluster->redundancy->connections) {
	case LSVM_CONNECTIONS_SYNC:
		want_sync(c);
		promise =
			"sync: directors tell each other of connections; when one takes "
			"over, established ones go on, but those of the last 3 s may "
			"not";
		break;
	case LSVM_CONNECTIONS_HASH:
		want_sloppy(c);
		promise = "hash: every director finds the server of a client by itself; "
			  "when one takes over, established connections go on, but those "
			  "of clients whose server has changed since they began may not";
		break;
	case LSVM_CONNECTIONS_NONE:
	case LSVM_CONNECTIONS_UNKNOWN:
		promise = "none: when another director takes over, established "
			  "connections are reset";
		break;
	}
	c->plan->promise = lsvm_arena_strdup(c->arena, promise);
}
