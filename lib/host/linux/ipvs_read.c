/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's IPVS table as a value.
 *
 * One dump gives the services, one more for each service its destinations: a socket can
 * have only one dump under way. Dumps tear: when the table changes meanwhile they miss
 * entries without saying so. So what was read is compared with /proc/net/ip_vs, which is
 * cheap. Where the two disagree on which services and destinations there are, all is read
 * again until a reading agrees with the file or with the reading before it: the file
 * alone does not do, because it misses entries itself once it is longer than a page and
 * another network namespace has services too (its position counts those, and skips as
 * many).
 */
#include "host/linux/ipvs_private.h"

#include <linux/ip_vs.h>
#include <linux/netlink.h>

#define ATTEMPTS 8

struct reading {
	struct lsvm_ipvs_table *table;
	struct ipvs_service *service; /* whose destinations come */
};

static int keep_counters(struct lsvm_ipvs_table *table, struct ipvs_counters **counters,
			 const struct ipvs_counters *values)
{
	if (!*counters)
		return 0;
	*counters = lsvm_arena_alloc(&table->arena, sizeof(**counters));
	if (!*counters)
		return lsvm_fail_nomem(table->ctx);
	**counters = *values;
	return 0;
}

static int read_service(struct ipvs_socket *socket, const struct nl_message *message,
			void *arg)
{
	struct reading *reading = arg;
	struct ipvs_counters counters;
	struct ipvs_service *service, read;
	int err = lsvm_nl_get_service(message->payload, &read, &counters);

	if (err)
		return err;
	service = lsvm_ipvs_table_push(reading->table);
	if (!service)
		return lsvm_fail_nomem(socket->ctx);
	*service = read;
	return keep_counters(reading->table, &service->counters, &counters);
}

static int read_destination(struct ipvs_socket *socket, const struct nl_message *message,
			    void *arg)
{
	struct reading *reading = arg;
	struct ipvs_counters counters;
	struct ipvs_destination *destination, read;
	int err = lsvm_nl_get_destination(
		message->payload, reading->service->key.addr.family, &read, &counters);

	if (err)
		return err;
	destination = lsvm_ipvs_service_push(reading->service);
	if (!destination)
		return lsvm_fail_nomem(socket->ctx);
	*destination = read;
	destination->position = (uint32_t)reading->service->destinations.count;
	return keep_counters(reading->table, &destination->counters, &counters);
}

struct daemons {
	struct ipvs_daemon master, backup;
};

static int read_daemon(struct ipvs_socket *socket, const struct nl_message *message,
		       void *arg)
{
	struct daemons *daemons = arg;
	struct ipvs_daemon daemon;
	bool is_master;
	int err = lsvm_nl_get_daemon(message->payload, &daemon, &is_master);

	if (err)
		return err;
	*(is_master ? &daemons->master : &daemons->backup) = daemon;
	return 0;
}

static int read_timeouts(struct ipvs_socket *socket, const struct nl_message *message,
			 void *arg)
{
	return lsvm_nl_get_timeouts(message->payload, arg);
}

static int read_info(struct ipvs_socket *socket, const struct nl_message *message,
		     void *arg)
{
	struct ipvs_info *info = arg;

	return lsvm_nl_get_info(message->payload, &info->version,
				&info->connection_bucket_count);
}

static int ask(struct ipvs_socket *socket, uint8_t command, uint16_t flags,
	       ipvs_reply reply, void *arg)
{
	int number = 0, err;

	lsvm_nl_put_request(&socket->out, command, flags);
	err = lsvm_ipvs_exchange(socket, reply, arg, &number);
	return err ? err : lsvm_ipvs_verdict(socket->ctx, "read the IPVS table", number);
}

int lsvm_ipvs_socket_info(struct ipvs_socket *socket, struct ipvs_info *ret)
{
	struct ipvs_info info = { 0 };
	int err = ask(socket, IPVS_CMD_GET_INFO, NLM_F_ACK, read_info, &info);

	if (!err)
		*ret = info;
	return err;
}

int lsvm_ipvs_read_daemons(struct ipvs_socket *socket, struct ipvs_daemon *ret_master,
			   struct ipvs_daemon *ret_backup)
{
	struct daemons daemons = { 0 };
	int err = ask(socket, IPVS_CMD_GET_DAEMON, NLM_F_DUMP, read_daemon, &daemons);

	if (err)
		return err;
	*ret_master = daemons.master;
	*ret_backup = daemons.backup;
	return 0;
}

static int read_destinations(struct ipvs_socket *socket, struct reading *reading)
{
	struct lsvm_ipvs_table *table = reading->table;
	int number = 0, err = 0;

	for (size_t i = 0; i < table->services.count && !err; i++) {
		reading->service = &table->services.items[i];
		lsvm_nl_put_dump_destinations(&socket->out, &reading->service->key);
		err = lsvm_ipvs_exchange(socket, read_destination, reading, &number);
		if (!err)
			err = lsvm_ipvs_verdict(socket->ctx, "read the IPVS table",
						number);
	}
	return err;
}

static int read_once(struct ipvs_socket *socket, struct lsvm_ipvs_table **ret)
{
	struct reading reading = { 0 };
	struct lsvm_ipvs_table *table;
	int err = lsvm_ipvs_table_alloc(socket->ctx, &reading.table);

	if (err)
		return err;
	table = reading.table;
	(void)((err = ask(socket, IPVS_CMD_GET_SERVICE, NLM_F_DUMP, read_service,
			  &reading)) ||
	       (err = read_destinations(socket, &reading)) ||
	       (err = lsvm_ipvs_read_daemons(socket, &table->master, &table->backup)) ||
	       (err = ask(socket, IPVS_CMD_GET_CONFIG, NLM_F_ACK, read_timeouts,
			  &table->timeouts)));
	/* The same thing twice in one dump is another way of tearing. */
	if (!err && lsvm_ipvs_table_seal(table) == LSVM_ERR_EXISTS)
		err = LSVM_ERR_BUSY;
	if (err) {
		lsvm_ipvs_table_unref(table);
		return err;
	}
	*ret = table;
	return 0;
}

static bool same_outline(const struct ipvs_outline *a, const struct ipvs_outline *b)
{
	return a->service_count == b->service_count &&
	       a->destination_count == b->destination_count && a->sum == b->sum;
}

/* Whether the table is whole; `before` is the outline of the last attempt. */
static bool is_whole(struct ipvs_socket *socket, const struct lsvm_ipvs_table *table,
		     struct ipvs_outline *before, bool has_before)
{
	struct ipvs_outline read, file;
	bool same;

	lsvm_ipvs_outline_of_table(table, &read);
	same = (has_before && same_outline(&read, before)) ||
	       (!lsvm_ipvs_outline_of_kernel(socket, &file) &&
		same_outline(&read, &file));
	*before = read;
	return same;
}

int lsvm_ipvs_socket_read(struct ipvs_socket *socket, struct lsvm_ipvs_table **ret)
{
	struct ipvs_outline before = { 0 };
	bool has_before = false;

	for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct lsvm_ipvs_table *table;
		int err = read_once(socket, &table);

		if (err == LSVM_ERR_BUSY)
			continue;
		if (err)
			return err;
		if (is_whole(socket, table, &before, has_before)) {
			*ret = table;
			return 0;
		}
		has_before = true;
		lsvm_ipvs_table_unref(table);
	}
	return lsvm_fail(
		socket->ctx, LSVM_ERR_BUSY,
		"the IPVS table did not hold still while it was read; run it again "
		"when whoever changes it has finished");
}
