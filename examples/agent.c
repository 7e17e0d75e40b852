/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An agent keeps a simulated director's plan for half a minute of its own time: somebody
 * empties its IPVS table, and it comes back; a server is drained and serves again. On a
 * real machine a program waits for lsvm_agent_fd() with poll() instead of letting time
 * pass. agent.py does the same in Python.
 */
#include <libsvm/libsvm.h>
#include <stdio.h>

static void print_events(struct lsvm_agent *agent)
{
	struct lsvm_event *event;

	while (lsvm_agent_next_event(agent, &event) == 1) {
		printf("%s %s: %s\n", lsvm_event_kind_name(lsvm_event_kind(event)),
		       lsvm_event_subject(event), lsvm_event_text(event));
		lsvm_event_free(event);
	}
}

/* Tenths of a second go by. */
static int wait_for(struct lsvm_host *host, struct lsvm_agent *agent, int tenths)
{
	int err = 0;

	for (int i = 0; i < tenths && err >= 0; i++) {
		err = lsvm_host_simulate_pass(host, 100);
		if (err >= 0)
			err = lsvm_agent_dispatch(agent);
		print_events(agent);
	}
	return err;
}

static int keep(struct lsvm_host *host, struct lsvm_agent *agent, const char *server)
{
	int err = lsvm_agent_start(agent);

	if (err >= 0)
		err = wait_for(host, agent, 10);
	if (err >= 0)
		err = lsvm_host_ipvs_flush(host);
	if (err >= 0)
		err = wait_for(host, agent, 150);
	if (err >= 0)
		err = lsvm_agent_drain(agent, server, NULL);
	if (err >= 0)
		err = wait_for(host, agent, 10);
	if (err >= 0)
		err = lsvm_agent_enable(agent, server, NULL);
	if (err >= 0)
		err = wait_for(host, agent, 10);
	if (err >= 0) {
		printf("duty: %s\n", lsvm_duty_name(lsvm_agent_duty(agent)));
		err = lsvm_agent_stop(agent);
	}
	while (err >= 0 && !lsvm_agent_is_finished(agent))
		err = wait_for(host, agent, 1);
	print_events(agent);
	return err;
}

int main(int argc, char **argv)
{
	struct lsvm_cluster *cluster = NULL;
	struct lsvm_agent *agent = NULL;
	struct lsvm_host *host = NULL;
	struct lsvm_ctx *ctx;
	int err;

	if (argc != 4) {
		fprintf(stderr, "usage: %s CLUSTER-FILE DIRECTOR SERVER\n", argv[0]);
		return 2;
	}
	if (lsvm_ctx_new(&ctx) < 0)
		return 1;
	err = lsvm_cluster_load_file(ctx, argv[1], NULL, &cluster);
	if (err >= 0)
		err = lsvm_host_new_simulated(ctx, argv[2], &host);
	if (err >= 0)
		err = lsvm_agent_new(host, cluster, argv[2], &agent);
	if (err >= 0)
		err = keep(host, agent, argv[3]);
	if (err < 0)
		fprintf(stderr, "%s\n", lsvm_ctx_error_text(ctx));
	lsvm_agent_free(agent);
	lsvm_host_free(host);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return err < 0;
}
