/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connections that a machine's kernel balances now. */
#include "ipvs/connections.h"
#include "host/host.h"

#define CONNECTIONS_PATH "/proc/thread-self/net/ip_vs_conn"
#define ORIGINS_PATH "/proc/thread-self/net/ip_vs_conn_sync"

static void take(void *connections, const char *bytes, size_t length)
{
	lsvm_connection_list_feed(connections, bytes, length);
}

static int read_list(struct lsvm_host *host, struct lsvm_connection_list *connections)
{
	int err = host->ops->stream(host, CONNECTIONS_PATH, take, connections);

	if (err == LSVM_ERR_NOT_FOUND)
		return lsvm_fail(host->ctx, LSVM_ERR_NO_IPVS,
				 "the kernel of %s lists no connections: ip_vs is not "
				 "loaded; run modprobe ip_vs, or look on a director",
				 host->name);
	if (err >= 0)
		err = lsvm_connection_list_end(connections, true);
	/* Without the second file nobody knows where they came from; that is all. */
	if (err >= 0 && connections->list.count)
		err = host->ops->stream(host, ORIGINS_PATH, take, connections);
	if (err >= 0 || err == LSVM_ERR_NOT_FOUND)
		err = lsvm_connection_list_end(connections, false);
	return err;
}

int lsvm_host_connections(struct lsvm_host *host, const char *client,
			  const char *virtual_endpoint, const char *server,
			  const char *state, size_t limit,
			  struct lsvm_connection_list **ret)
{
	struct connection_filter filter;
	struct lsvm_connection_list *connections;
	int err = lsvm_connection_filter(host->ctx, client, virtual_endpoint, server,
					 state, limit, &filter);

	if (err >= 0)
		err = lsvm_connection_list_new(host->ctx, &filter, &connections);
	if (err < 0)
		return err;
	err = read_list(host, connections);
	if (err < 0) {
		lsvm_connection_list_free(connections);
		return err;
	}
	*ret = connections;
	return 0;
}
