/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's IPVS table as a value.
 *
 * One dump gives the services, one more for each service its destinations: a socket can
 * have only one dump under way. The kernel makes a dump in pieces of up to 32 KiB, each
 * under its lock, and goes on at the number of entries that it has told: when an entry
 * that was told is removed meanwhile, a piece misses one without saying so. So
 *
 *   - what came in one piece is whole;
 *   - a longer list of services counts when /proc/net/ip_vs, which is cheap, has the same
 *     services, or when all that were in the list before it are still in it: nothing was
 *     removed, so nothing was missed. Additions do no harm;
 *   - longer lists of destinations count when that file has the same, or when everything
 *     was read twice and is the same.
 *
 * The file alone does not do, because it misses entries itself once it is longer than a
 * page and another network namespace has services too (its position counts those, and
 * skips as many).
 *
 * A service that went before its destinations were asked for looks like an empty one:
 * where the file shows that something changed, the kernel is asked for each of those.
 */
#include "host/linux/ipvs_private.h"

#include <errno.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>

#define ATTEMPTS 8
#define LIST_ATTEMPTS 32 /* the list of services alone is read fast */

struct reading {
	struct lsvm_ipvs_table *table;
	struct ipvs_service *service; /* whose destinations come */
	bool has_pieces;	      /* a list of destinations came in more than one */
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

static int keep_extra(struct lsvm_ipvs_table *table, struct ipvs_extra **extra)
{
	const struct ipvs_extra *from = *extra;

	if (!from)
		return 0;
	*extra = lsvm_arena_alloc(&table->arena, sizeof(*from));
	if (!*extra)
		return lsvm_fail_nomem(table->ctx);
	**extra = *from;
	return 0;
}

static int read_service(struct ipvs_socket *socket, const struct nl_message *message,
			void *arg)
{
	struct reading *reading = arg;
	struct ipvs_counters counters;
	struct ipvs_service *service, read;
	struct ipvs_extra extra;
	int err = lsvm_nl_get_service(message->payload, &read, &counters, &extra);

	if (!err)
		err = lsvm_ipvs_read_limit(socket, reading->table->services.count);
	if (err)
		return err;
	service = lsvm_ipvs_table_push(reading->table);
	if (!service)
		return lsvm_fail_nomem(socket->ctx);
	*service = read;
	err = keep_counters(reading->table, &service->counters, &counters);
	return err ? err : keep_extra(reading->table, &service->extra);
}

static int read_destination(struct ipvs_socket *socket, const struct nl_message *message,
			    void *arg)
{
	struct reading *reading = arg;
	struct ipvs_counters counters;
	struct ipvs_destination *destination, read;
	struct ipvs_extra extra;
	int err = lsvm_nl_get_destination(message->payload,
					  reading->service->key.addr.family, &read,
					  &counters, &extra);

	if (!err)
		err = lsvm_ipvs_read_limit(socket, reading->service->destinations.count);
	if (err)
		return err;
	destination = lsvm_ipvs_service_push(reading->service);
	if (!destination)
		return lsvm_fail_nomem(socket->ctx);
	*destination = read;
	destination->position = (uint32_t)reading->service->destinations.count;
	err = keep_counters(reading->table, &destination->counters, &counters);
	return err ? err : keep_extra(reading->table, &destination->extra);
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

/* The same where there must be an answer. */
static int ask_one(struct ipvs_socket *socket, uint8_t command, ipvs_reply reply,
		   void *arg)
{
	int err = ask(socket, command, NLM_F_ACK, reply, arg);

	return err || socket->pieces ? err : lsvm_ipvs_bad_answer(socket);
}

int lsvm_ipvs_socket_info(struct ipvs_socket *socket, struct ipvs_info *ret)
{
	struct ipvs_info info = { 0 };
	int err;

	lsvm_ipvs_begin(socket);
	err = socket->older_fd >= 0
		      ? lsvm_ipvs_older_info(socket, &info)
		      : ask_one(socket, IPVS_CMD_GET_INFO, read_info, &info);
	if (!err)
		*ret = info;
	return err;
}

int lsvm_ipvs_read_daemons(struct ipvs_socket *socket, struct ipvs_daemon *ret_master,
			   struct ipvs_daemon *ret_backup)
{
	struct daemons daemons = { 0 };
	int err;

	if (socket->older_fd >= 0)
		return lsvm_ipvs_older_daemons(socket, ret_master, ret_backup);
	err = ask(socket, IPVS_CMD_GET_DAEMON, NLM_F_DUMP, read_daemon, &daemons);
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
		reading->has_pieces |= socket->pieces > 1;
	}
	return err;
}

/* The same thing twice in one dump is another way of tearing. */
static int seal(struct lsvm_ipvs_table *table)
{
	int err = lsvm_ipvs_table_seal(table);

	return err == LSVM_ERR_EXISTS ? LSVM_ERR_BUSY : err;
}

static int list_services(struct ipvs_socket *socket, struct lsvm_ipvs_table **ret)
{
	struct reading reading = { 0 };
	int err = lsvm_ipvs_table_alloc(socket->ctx, &reading.table);

	if (err)
		return err;
	(void)((err = ask(socket, IPVS_CMD_GET_SERVICE, NLM_F_DUMP, read_service,
			  &reading)) ||
	       (err = seal(reading.table)));
	if (err) {
		lsvm_ipvs_table_unref(reading.table);
		return err;
	}
	*ret = reading.table;
	return 0;
}

static bool has_all_of(const struct lsvm_ipvs_table *table,
		       const struct lsvm_ipvs_table *before)
{
	for (size_t i = 0; before && i < before->services.count; i++)
		if (!lsvm_ipvs_table_lookup(table, &before->services.items[i].key))
			return false;
	return before != NULL;
}

static bool has_same_services(struct ipvs_socket *socket,
			      const struct lsvm_ipvs_table *table)
{
	struct ipvs_outline read, file;

	if (lsvm_ipvs_outline_of_kernel(socket, &file))
		return false;
	lsvm_ipvs_outline_of_table(table, &read);
	return read.service_count == file.service_count &&
	       read.service_sum == file.service_sum;
}

/* All services, without their destinations. */
static int read_services(struct ipvs_socket *socket, struct lsvm_ipvs_table **ret)
{
	struct lsvm_ipvs_table *before = NULL, *table = NULL;
	int err = LSVM_ERR_BUSY;

	for (unsigned i = 0; i < LIST_ATTEMPTS && err == LSVM_ERR_BUSY; i++) {
		err = list_services(socket, &table);
		if (err)
			continue;
		if (socket->pieces <= 1 || has_all_of(table, before) ||
		    has_same_services(socket, table))
			break;
		err = LSVM_ERR_BUSY;
		lsvm_ipvs_table_unref(before);
		before = table;
	}
	lsvm_ipvs_table_unref(before);
	if (!err)
		*ret = table;
	return err;
}

/* By socket options: none of it counts as one piece. */
static int read_older(struct ipvs_socket *socket, struct lsvm_ipvs_table **ret)
{
	struct lsvm_ipvs_table *table;
	int err = lsvm_ipvs_table_alloc(socket->ctx, &table);

	if (err)
		return err;
	(void)((err = lsvm_ipvs_older_read(socket, table)) || (err = seal(table)));
	if (err) {
		lsvm_ipvs_table_unref(table);
		return err;
	}
	*ret = table;
	return 0;
}

static int read_once(struct ipvs_socket *socket, struct lsvm_ipvs_table **ret,
		     bool *ret_has_pieces)
{
	struct reading reading = { 0 };
	struct lsvm_ipvs_table *table;
	int err = read_services(socket, &reading.table);

	if (err)
		return err;
	table = reading.table;
	(void)((err = read_destinations(socket, &reading)) ||
	       (err = lsvm_ipvs_read_daemons(socket, &table->master, &table->backup)) ||
	       (err = ask_one(socket, IPVS_CMD_GET_CONFIG, read_timeouts,
			      &table->timeouts)) ||
	       (err = seal(table)));
	if (err) {
		lsvm_ipvs_table_unref(table);
		return err;
	}
	*ret = table;
	*ret_has_pieces = reading.has_pieces;
	return 0;
}

static bool same_outline(const struct ipvs_outline *a, const struct ipvs_outline *b)
{
	return a->service_count == b->service_count &&
	       a->destination_count == b->destination_count && a->sum == b->sum;
}

/* Takes out services without destinations that are there no more. */
static int drop_gone(struct ipvs_socket *socket, struct lsvm_ipvs_table *table)
{
	struct ipvs_service *items = table->services.items;
	size_t kept = 0, count = table->services.count;
	int err = 0;

	for (size_t i = 0; i < count; i++) {
		int number = 0;

		if (!err && !items[i].destinations.count) {
			lsvm_nl_put_get_service(&socket->out, &items[i].key);
			err = lsvm_ipvs_exchange(socket, NULL, NULL, &number);
		}
		/* It has no destinations, so nothing is lost with it. */
		if (number != ESRCH)
			items[kept++] = items[i];
	}
	table->services.count = kept;
	return err;
}

static int read_attempt(struct ipvs_socket *socket, struct ipvs_outline *before,
			struct lsvm_ipvs_table **ret)
{
	struct ipvs_outline read, file;
	struct lsvm_ipvs_table *table;
	bool has_pieces = true, is_whole;
	int err = socket->older_fd >= 0 ? read_older(socket, &table)
					: read_once(socket, &table, &has_pieces);

	if (err)
		return err;
	lsvm_ipvs_outline_of_table(table, &read);
	is_whole =
		!lsvm_ipvs_outline_of_kernel(socket, &file) && same_outline(&read, &file);
	if (!is_whole && has_pieces && !same_outline(&read, before))
		err = LSVM_ERR_BUSY;
	else if (!is_whole && socket->older_fd < 0)
		err = drop_gone(socket, table);
	*before = read;
	if (err) {
		lsvm_ipvs_table_unref(table);
		return err;
	}
	*ret = table;
	return 0;
}

int lsvm_ipvs_socket_read(struct ipvs_socket *socket, struct lsvm_ipvs_table **ret)
{
	struct ipvs_outline before = { 0 };
	int err = LSVM_ERR_BUSY;

	lsvm_ipvs_begin(socket);
	/* No table is like this one. */
	before.sum = 1;
	for (unsigned attempt = 0; attempt < ATTEMPTS && err == LSVM_ERR_BUSY; attempt++)
		err = read_attempt(socket, &before, ret);
	if (err == LSVM_ERR_BUSY)
		return lsvm_fail(socket->ctx, LSVM_ERR_BUSY,
				 "the IPVS table did not hold still while it was read; "
				 "run it again when whoever changes it has finished");
	return err;
}
