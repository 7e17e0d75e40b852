/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes into the kernel, in batches.
 *
 * A batch is one send of many messages, of which only the last asks for an
 * acknowledgement: errors are reported for every message anyway, and the answers of a
 * batch fit the socket's queue. The kernel goes on after a message that failed: the
 * first failure is the one that is told, and a batch never takes more away than its first
 * message does. So nothing is drained before all that is added stands, and nothing
 * removed before all is drained.
 *
 * Sync daemons travel alone. Stopping one that has only just been started is never
 * answered (the thread is interrupted before it ran, and an interrupted request gets no
 * reply), although it is done: so after a short wait the daemons are read.
 */
#include "host/linux/ipvs_private.h"

#include <errno.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>

#define DAEMON_WAIT_MS 300

struct batch {
	uint32_t first, count; /* sequence numbers */
	const struct ipvs_change *changes;
	size_t failed; /* index of the first failure; count when there is none */
	int number;    /* its errno */
};

static bool is_daemon(const struct ipvs_change *change)
{
	return change->kind == IPVS_DAEMON_START || change->kind == IPVS_DAEMON_STOP;
}

static int batch_message(struct ipvs_socket *socket, const struct nl_message *message,
			 void *arg)
{
	struct batch *batch = arg;
	const uint32_t index = message->sequence - batch->first;

	if (message->type != NLMSG_ERROR || index >= batch->count)
		return 0;
	if (message->error && index < batch->failed &&
	    !lsvm_ipvs_is_gone(&batch->changes[index], -message->error)) {
		batch->failed = index;
		batch->number = -message->error;
	}
	return index == batch->count - 1;
}

/* How much a change takes from those who are connected. */
static unsigned taking(const struct ipvs_change *change)
{
	switch (change->kind) {
	case IPVS_DESTINATION_EDIT:
		return change->weight == 0 ? 1 : 0;
	case IPVS_DESTINATION_DELETE:
		return 2;
	case IPVS_SERVICE_DELETE:
		return 3;
	case IPVS_SERVICE_ADD:
	case IPVS_SERVICE_EDIT:
	case IPVS_DESTINATION_ADD:
	case IPVS_TIMEOUTS_SET:
	case IPVS_DAEMON_START:
	case IPVS_DAEMON_STOP:
		break;
	}
	return 0;
}

static size_t fill(struct ipvs_socket *socket, const struct ipvs_change *changes,
		   size_t count)
{
	struct nl_out before = socket->out;
	size_t filled = 0;

	while (filled < count && !is_daemon(&changes[filled]) &&
	       taking(&changes[filled]) <= taking(&changes[0])) {
		const struct nl_out now = socket->out;

		if (!lsvm_nl_put_change(&socket->out, &changes[filled]))
			break;
		before = now;
		filled++;
	}
	/* What is removed to be added again is not left away between two batches. */
	if (filled > 1 && filled < count &&
	    lsvm_ipvs_is_move(&changes[filled - 1], &changes[filled])) {
		socket->out = before;
		filled--;
	}
	return filled;
}

static int run_batch(struct ipvs_socket *socket, const struct ipvs_change *changes,
		     size_t count, uint32_t wait_ms, size_t *ret_done)
{
	struct batch batch = { .first = socket->out.sequence - (uint32_t)count + 1,
			       .count = (uint32_t)count,
			       .changes = changes,
			       .failed = count };
	int err;

	lsvm_nl_want_ack(&socket->out);
	socket->write_count += count;
	err = lsvm_ipvs_send(socket);
	if (!err)
		err = lsvm_ipvs_receive(socket, wait_ms, batch_message, &batch);
	if (err)
		return err;
	*ret_done = batch.failed;
	return batch.failed == count
		       ? 0
		       : lsvm_ipvs_change_verdict(socket->ctx, &changes[batch.failed],
						  batch.number);
}

int lsvm_ipvs_daemon_unanswered(struct ipvs_socket *socket,
				const struct ipvs_change *change)
{
	struct ipvs_daemon master = { 0 }, backup = { 0 };
	const struct ipvs_daemon *now = change->is_master ? &master : &backup;
	int err = lsvm_ipvs_read_daemons(socket, &master, &backup);

	if (err)
		return err;
	if (now->present == (change->kind == IPVS_DAEMON_START))
		return 0;
	return lsvm_fail(socket->ctx, LSVM_ERR_TIMEOUT,
			 "the kernel did not %s its sync %s; run it again",
			 change->kind == IPVS_DAEMON_START ? "start" : "stop",
			 change->is_master ? "master" : "backup");
}

static int run_daemon(struct ipvs_socket *socket, const struct ipvs_change *change,
		      size_t *ret_done)
{
	uint32_t wait_ms =
		socket->timeout_ms < DAEMON_WAIT_MS ? socket->timeout_ms : DAEMON_WAIT_MS;
	int err;

	lsvm_nl_put_change(&socket->out, change);
	err = run_batch(socket, change, 1, wait_ms, ret_done);
	if (err != LSVM_ERR_TIMEOUT)
		return err;
	err = lsvm_ipvs_daemon_unanswered(socket, change);
	*ret_done = !err;
	return err;
}

int lsvm_ipvs_socket_apply(struct ipvs_socket *socket, const struct ipvs_change *changes,
			   size_t count, size_t *ret_done)
{
	size_t done = 0;
	int err = 0;

	lsvm_ipvs_begin(socket);
	if (socket->older_fd >= 0)
		return lsvm_ipvs_older_apply(socket, changes, count, ret_done);
	while (done < count && !err) {
		size_t filled = fill(socket, changes + done, count - done), performed = 0;

		if (filled)
			err = run_batch(socket, changes + done, filled,
					socket->timeout_ms, &performed);
		else
			err = run_daemon(socket, changes + done, &performed);
		done += performed;
	}
	*ret_done = done;
	return err;
}

int lsvm_ipvs_socket_check(struct ipvs_socket *socket, const struct ipvs_change *changes,
			   size_t count)
{
	return socket->older_fd < 0 ? 0 : lsvm_ipvs_older_check(socket, changes, count);
}

static int command(struct ipvs_socket *socket, const char *what)
{
	int number = 0, err;

	socket->write_count++;
	err = lsvm_ipvs_exchange(socket, NULL, NULL, &number);
	return err ? err : lsvm_ipvs_verdict(socket->ctx, what, number);
}

int lsvm_ipvs_socket_zero(struct ipvs_socket *socket, const struct ipvs_key *key_or_all)
{
	lsvm_ipvs_begin(socket);
	if (socket->older_fd >= 0)
		return lsvm_ipvs_older_zero(socket, key_or_all);
	lsvm_nl_put_zero(&socket->out, key_or_all);
	return command(socket, "set IPVS counters to zero");
}

int lsvm_ipvs_socket_flush(struct ipvs_socket *socket)
{
	lsvm_ipvs_begin(socket);
	if (socket->older_fd >= 0)
		return lsvm_ipvs_older_flush(socket);
	lsvm_nl_put_request(&socket->out, IPVS_CMD_FLUSH, NLM_F_ACK);
	return command(socket, "remove every IPVS service");
}
