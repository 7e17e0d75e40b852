/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's IPVS by socket options, where netlink is refused.
 *
 * Netlink wants CAP_NET_ADMIN in the first user namespace, even for reading; the older
 * socket options ask for it in the one that owns the network namespace. They carry less
 * (lsvm_sockopt_lost), one change a call, and every call answers at once or waits for a
 * lock inside the kernel: no deadline reaches there, but calls that are interrupted again
 * and again end at it. Any socket of the namespace does.
 */
#include "host/linux/ipvs_private.h"
#include "ipvs/sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

/* 0 or an errno. */
static int ask(struct ipvs_socket *socket, int option, void *bytes, size_t length)
{
	socklen_t given = (socklen_t)length;
	int number;

	do {
		number = getsockopt(socket->older_fd, IPPROTO_IP, option, bytes, &given) <
					 0
				 ? errno
				 : 0;
	} while (number == EINTR && !lsvm_ipvs_is_late(socket));
	return number || given == length ? number : EPROTO;
}

static bool is_daemon(const struct sockopt_call *call)
{
	return call->option == IP_VS_SO_SET_STARTDAEMON ||
	       call->option == IP_VS_SO_SET_STOPDAEMON;
}

/* 0 or an errno. What was interrupted was not done, but for daemons. */
static int tell(struct ipvs_socket *socket, const struct sockopt_call *call)
{
	int number;

	socket->write_count++;
	do {
		number = setsockopt(socket->older_fd, IPPROTO_IP, call->option,
				    call->bytes, (socklen_t)call->length) < 0
				 ? errno
				 : 0;
	} while (number == EINTR && !is_daemon(call) && !lsvm_ipvs_is_late(socket));
	return number;
}

static int bad_answer(struct ipvs_socket *socket)
{
	return lsvm_fail(socket->ctx, LSVM_ERR_PROTOCOL,
			 "the kernel's answer is no IPVS table that this version knows");
}

int lsvm_ipvs_older_open(struct ipvs_socket *ipvs)
{
	struct ip_vs_getinfo info;
	int number;

	ipvs->older_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	number = ipvs->older_fd < 0 ? errno
				    : ask(ipvs, IP_VS_SO_GET_INFO, &info, sizeof(info));
	if (number && ipvs->older_fd >= 0) {
		close(ipvs->older_fd);
		ipvs->older_fd = -1;
	}
	return number;
}

/* Of a question. */
static int verdict_of(struct ipvs_socket *socket, int number)
{
	if (number == EINTR)
		return LSVM_ERR_TIMEOUT; /* ask() has told it */
	if (number == EPROTO)
		return bad_answer(socket);
	return lsvm_ipvs_verdict(socket->ctx, "read the IPVS table", number);
}

static int question(struct ipvs_socket *socket, int option, void *bytes, size_t length)
{
	return verdict_of(socket, ask(socket, option, bytes, length));
}

static int read_info(struct ipvs_socket *socket, struct ipvs_info *ret,
		     uint32_t *ret_service_count)
{
	struct ip_vs_getinfo answer = { 0 };
	struct reader bytes = { (const uint8_t *)&answer, sizeof(answer), false };
	int err = question(socket, IP_VS_SO_GET_INFO, &answer, sizeof(answer));

	if (err)
		return err;
	ret->older = true;
	if (lsvm_sockopt_get_info(&bytes, &ret->version, &ret->connection_bucket_count,
				  ret_service_count))
		return bad_answer(socket);
	return 0;
}

int lsvm_ipvs_older_info(struct ipvs_socket *socket, struct ipvs_info *ret)
{
	uint32_t service_count;

	return read_info(socket, ret, &service_count);
}

int lsvm_ipvs_older_daemons(struct ipvs_socket *socket, struct ipvs_daemon *ret_master,
			    struct ipvs_daemon *ret_backup)
{
	struct ip_vs_daemon_user answer[2] = { 0 };
	struct reader bytes = { (const uint8_t *)answer, sizeof(answer), false };
	int err = question(socket, IP_VS_SO_GET_DAEMON, answer, sizeof(answer));

	if (err)
		return err;
	return lsvm_sockopt_get_daemons(&bytes, ret_master, ret_backup)
		       ? bad_answer(socket)
		       : 0;
}

static int read_timeouts(struct ipvs_socket *socket, struct ipvs_timeouts *ret)
{
	struct ip_vs_timeout_user answer = { 0 };
	struct reader bytes = { (const uint8_t *)&answer, sizeof(answer), false };
	int err = question(socket, IP_VS_SO_GET_TIMEOUT, &answer, sizeof(answer));

	if (err)
		return err;
	return lsvm_sockopt_get_timeouts(&bytes, ret) ? bad_answer(socket) : 0;
}

static int keep_counters(struct lsvm_ipvs_table *table, struct ipvs_counters **counters)
{
	const struct ipvs_counters values = **counters;

	*counters = lsvm_arena_alloc(&table->arena, sizeof(values));
	if (!*counters)
		return lsvm_fail_nomem(table->ctx);
	**counters = values;
	return 0;
}

/* Zeroed room for a head and `count` entries. */
static void *room(size_t head, size_t entry, uint32_t count, size_t *ret_length)
{
	*ret_length = head + entry * count;
	return calloc(1, *ret_length);
}

static int take_destinations(struct ipvs_socket *socket, struct lsvm_ipvs_table *table,
			     struct ipvs_service *service, struct reader *bytes)
{
	int err = 0;

	while (bytes->left && !err) {
		struct ipvs_destination read, *destination;
		struct ipvs_counters counters;
		int more = lsvm_sockopt_get_destination(bytes, &read, &counters);

		if (more < 0)
			return bad_answer(socket);
		if (!more)
			continue;
		destination = lsvm_ipvs_service_push(service);
		if (!destination)
			return lsvm_fail_nomem(socket->ctx);
		*destination = read;
		destination->position = (uint32_t)service->destinations.count;
		err = keep_counters(table, &destination->counters);
	}
	return err;
}

static int read_destinations(struct ipvs_socket *socket, struct lsvm_ipvs_table *table,
			     struct ipvs_service *service, uint32_t count)
{
	const size_t entry = sizeof(struct ip_vs_dest_entry);
	struct ip_vs_get_dests *answer;
	size_t length;
	int number, err;

	if (!count)
		return 0;
	err = lsvm_ipvs_read_limit(socket, count);
	if (err)
		return err;
	answer = room(sizeof(*answer), entry, count, &length);
	if (!answer)
		return lsvm_fail_nomem(socket->ctx);
	lsvm_sockopt_put_key(&service->key, answer);
	answer->num_dests = count;
	number = ask(socket, IP_VS_SO_GET_DESTS, answer, length);
	/* It went meanwhile: read again. */
	err = number == ESRCH ? LSVM_ERR_BUSY : verdict_of(socket, number);
	if (!err) {
		struct reader bytes = { (const uint8_t *)answer->entrytable,
					length - sizeof(*answer), false };

		err = take_destinations(socket, table, service, &bytes);
	}
	free(answer);
	return err;
}

static int take_services(struct ipvs_socket *socket, struct lsvm_ipvs_table *table,
			 struct reader *bytes)
{
	int err = 0;

	while (bytes->left && !err) {
		struct ipvs_service read, *service;
		struct ipvs_counters counters;
		uint32_t count;
		int more = lsvm_sockopt_get_service(bytes, &read, &counters, &count);

		if (more < 0)
			return bad_answer(socket);
		if (!more)
			continue;
		service = lsvm_ipvs_table_push(table);
		if (!service)
			return lsvm_fail_nomem(socket->ctx);
		*service = read;
		err = keep_counters(table, &service->counters);
		if (!err)
			err = read_destinations(socket, table, service, count);
	}
	return err;
}

static int read_services(struct ipvs_socket *socket, struct lsvm_ipvs_table *table)
{
	const size_t entry = sizeof(struct ip_vs_service_entry);
	struct ip_vs_get_services *answer;
	struct ipvs_info info;
	uint32_t count;
	size_t length;
	int err = read_info(socket, &info, &count);

	if (!err)
		err = lsvm_ipvs_read_limit(socket, count);
	if (err)
		return err;
	answer = room(sizeof(*answer), entry, count, &length);
	if (!answer)
		return lsvm_fail_nomem(socket->ctx);
	answer->num_services = count;
	err = question(socket, IP_VS_SO_GET_SERVICES, answer, length);
	if (!err) {
		struct reader bytes = { (const uint8_t *)answer->entrytable,
					length - sizeof(*answer), false };

		err = take_services(socket, table, &bytes);
	}
	free(answer);
	return err;
}

int lsvm_ipvs_older_read(struct ipvs_socket *socket, struct lsvm_ipvs_table *table)
{
	int err;

	(void)((err = read_services(socket, table)) ||
	       (err = lsvm_ipvs_older_daemons(socket, &table->master, &table->backup)) ||
	       (err = read_timeouts(socket, &table->timeouts)));
	return err;
}

static int run(struct ipvs_socket *socket, const struct ipvs_change *change)
{
	struct sockopt_call call;
	int number;

	lsvm_sockopt_put_change(&call, change);
	number = tell(socket, &call);
	if (lsvm_ipvs_is_gone(change, number))
		return 0;
	/* Stopping a daemon that has not run yet: done, but interrupted. */
	if (number == EINTR && is_daemon(&call))
		return lsvm_ipvs_daemon_unanswered(socket, change);
	if (number == EINTR)
		return LSVM_ERR_TIMEOUT; /* tell() has told it */
	return lsvm_ipvs_change_verdict(socket->ctx, change, number);
}

int lsvm_ipvs_older_check(struct ipvs_socket *socket, const struct ipvs_change *changes,
			  size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = lsvm_sockopt_check(socket->ctx, &changes[i]);
	return err;
}

int lsvm_ipvs_older_apply(struct ipvs_socket *socket, const struct ipvs_change *changes,
			  size_t count, size_t *ret_done)
{
	size_t done = 0;
	int err = lsvm_ipvs_older_check(socket, changes, count);

	while (done < count && !err) {
		err = run(socket, &changes[done]);
		done += !err;
	}
	*ret_done = done;
	return err;
}

int lsvm_ipvs_older_zero(struct ipvs_socket *socket, const struct ipvs_key *key_or_all)
{
	const char *what = "set IPVS counters to zero";
	struct sockopt_call call;

	if (key_or_all && key_or_all->addr.family != 4)
		return lsvm_fail(socket->ctx, LSVM_ERR_UNSUPPORTED,
				 "%s: the kernel's older socket options carry no IPv6; "
				 "run it as root outside any user namespace",
				 what);
	lsvm_sockopt_put_zero(&call, key_or_all);
	return lsvm_ipvs_verdict(socket->ctx, what, tell(socket, &call));
}

int lsvm_ipvs_older_flush(struct ipvs_socket *socket)
{
	const struct sockopt_call call = { .option = IP_VS_SO_SET_FLUSH };

	return lsvm_ipvs_verdict(socket->ctx, "remove every IPVS service",
				 tell(socket, &call));
}
