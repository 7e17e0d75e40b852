/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lines of ipvsadm to a table: what `ipvsadm -S -n` prints and what people write for
 * `ipvsadm -R`, command after command, on an empty table.
 *
 * Reading goes in three steps: a line into words, words into one `struct command`
 * (ipvsadm_words.c), the command onto what stands so far. Services and destinations are
 * entries that may be deleted and come again; only at the end do the living ones become
 * the sealed table. Defaults and corrections are those of ipvsadm(8): wlc, weight 1, 300
 * seconds, and without NAT the port of the service.
 */
#include "ipvs/ipvsadm.h"
#include "ipvs/words.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>

#define INPUT_MAX_BYTES (256u * 1024 * 1024)
#define SERVICES_MAX (1024u * 1024)

struct destination_key { /* no padding: it is the key of a map */
	struct addr addr;
	uint8_t zero;
	uint16_t port;
	uint32_t service;
};
_Static_assert(sizeof(struct destination_key) == 24, "no padding");

struct destination_entry {
	struct destination_key key;
	bool alive;
	struct ipvs_destination is;
	struct destination_entry *next;
};

struct service_entry {
	struct ipvs_service is; /* without destinations */
	uint32_t number;
	bool alive;
	struct destination_entry *first;
	struct service_entry *next;
};

struct session {
	struct lsvm_ctx *ctx;
	struct arena arena;
	struct map services, destinations;
	struct service_entry *first, **last;
	uint32_t service_count;
	struct ipvs_timeouts timeouts;
	struct ipvs_daemon master, backup;
	uint32_t line;
};

/* ---- finding ---- */

static struct service_entry *find_service(struct session *session,
					  const struct ipvs_key *key)
{
	struct service_entry *entry = lsvm_map_get(&session->services, key, sizeof(*key));

	return entry && entry->alive ? entry : NULL;
}

static int no_service(struct session *session, const struct ipvs_key *key)
{
	char text[LSVM_ADDRESS_TEXT_BYTES * 2];

	return lsvm_fail(session->ctx, LSVM_ERR_NOT_FOUND,
			 "line %u: there is no service %s at this point; add it with -A "
			 "on a line before",
			 session->line, lsvm_ipvs_key_text(key, text));
}

static void destination_key(const struct service_entry *service,
			    const struct ipvs_destination *destination,
			    struct destination_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->addr = destination->addr;
	ret->port = destination->port;
	ret->service = service->number;
}

/* What the checks of a table say, with the line in front. */
static int with_line(struct session *session, int err)
{
	char text[LSVM_ERROR_TEXT_BYTES];

	if (!err)
		return 0;
	strcpy(text, lsvm_ctx_error_text(session->ctx));
	return lsvm_fail(session->ctx, LSVM_ERR_PARSE, "line %u: %.900s", session->line,
			 text);
}

/* ---- services ---- */

static int new_service(struct session *session, const struct ipvs_key *key,
		       struct service_entry **ret)
{
	struct service_entry *entry;

	if (session->service_count == SERVICES_MAX)
		return lsvm_fail(session->ctx, LSVM_ERR_LIMIT,
				 "line %u: more than %u services; split the file",
				 session->line, SERVICES_MAX);
	entry = lsvm_arena_alloc(&session->arena, sizeof(*entry));
	if (!entry)
		return lsvm_fail_nomem(session->ctx);
	entry->is.key = *key;
	if (lsvm_map_put(&session->services, &entry->is.key, sizeof(*key), entry, NULL) <
	    0)
		return lsvm_fail_nomem(session->ctx);
	entry->number = session->service_count++;
	*session->last = entry;
	session->last = &entry->next;
	*ret = entry;
	return 0;
}

static void kill_destinations(struct service_entry *service)
{
	for (struct destination_entry *d = service->first; d; d = d->next)
		d->alive = false;
}

static int put_service(struct session *session, const struct ipvsadm_command *command)
{
	struct service_entry *entry = find_service(session, &command->service.key);
	char text[LSVM_ADDRESS_TEXT_BYTES * 2];
	int err;

	if (command->verb == IPVSADM_EDIT_SERVICE && !entry)
		return no_service(session, &command->service.key);
	if (command->verb == IPVSADM_ADD_SERVICE && entry)
		return lsvm_fail(
			session->ctx, LSVM_ERR_EXISTS,
			"line %u: service %s is there already; remove one of the lines, "
			"or use -E",
			session->line, lsvm_ipvs_key_text(&entry->is.key, text));
	err = with_line(session,
			lsvm_ipvs_service_check(session->ctx, &command->service, NULL));
	if (err)
		return err;
	if (!entry)
		entry = lsvm_map_get(&session->services, &command->service.key,
				     sizeof(command->service.key));
	if (!entry) {
		err = new_service(session, &command->service.key, &entry);
		if (err)
			return err;
	}
	entry->is = command->service;
	entry->alive = true;
	return 0;
}

static int delete_service(struct session *session, const struct ipvsadm_command *command)
{
	struct service_entry *entry = find_service(session, &command->service.key);

	if (!entry)
		return no_service(session, &command->service.key);
	entry->alive = false;
	kill_destinations(entry);
	return 0;
}

static void clear(struct session *session)
{
	for (struct service_entry *s = session->first; s; s = s->next) {
		s->alive = false;
		kill_destinations(s);
	}
}

/* ---- destinations ---- */

static int destination_fails(struct session *session, int err,
			     const struct service_entry *service,
			     const struct ipvs_destination *destination, const char *what)
{
	char key[LSVM_ADDRESS_TEXT_BYTES * 2], endpoint[LSVM_ADDRESS_TEXT_BYTES];

	return lsvm_fail(
		session->ctx, err, "line %u: destination %s of service %s %s",
		session->line,
		lsvm_endpoint_text(&destination->addr, destination->port, endpoint),
		lsvm_ipvs_key_text(&service->is.key, key), what);
}

static int new_destination(struct session *session, struct service_entry *service,
			   const struct destination_key *key,
			   struct destination_entry **ret)
{
	struct destination_entry *entry =
		lsvm_arena_alloc(&session->arena, sizeof(*entry));

	if (!entry)
		return lsvm_fail_nomem(session->ctx);
	entry->key = *key;
	if (lsvm_map_put(&session->destinations, &entry->key, sizeof(entry->key), entry,
			 NULL) < 0)
		return lsvm_fail_nomem(session->ctx);
	entry->next = service->first;
	service->first = entry;
	*ret = entry;
	return 0;
}

/* The port that ipvsadm would use: only NAT and marks have one of their own. */
static uint16_t destination_port(const struct ipvsadm_command *command)
{
	const struct ipvs_key *key = &command->service.key;

	if (!key->fwmark && (command->destination.forwarding == IP_VS_CONN_F_DROUTE ||
			     command->destination.forwarding == IP_VS_CONN_F_TUNNEL))
		return key->port;
	if (!command->has_port)
		return key->fwmark ? 0 : key->port;
	return command->destination.port;
}

static int put_destination(struct session *session, const struct ipvsadm_command *command)
{
	struct service_entry *service = find_service(session, &command->service.key);
	struct ipvs_destination destination = command->destination;
	struct destination_entry *entry;
	struct destination_key key;
	int err;

	if (!service)
		return no_service(session, &command->service.key);
	destination.port = destination_port(command);
	destination_key(service, &destination, &key);
	entry = lsvm_map_get(&session->destinations, &key, sizeof(key));
	if (command->verb == IPVSADM_ADD_DESTINATION && entry && entry->alive)
		return destination_fails(
			session, LSVM_ERR_EXISTS, service, &destination,
			"is there already; remove one of the lines, or use -e");
	if (command->verb != IPVSADM_ADD_DESTINATION && !(entry && entry->alive))
		return destination_fails(
			session, LSVM_ERR_NOT_FOUND, service, &destination,
			"is not there at this point; add it with -a on a line before");
	if (command->verb == IPVSADM_DELETE_DESTINATION) {
		entry->alive = false;
		return 0;
	}
	err = with_line(session, lsvm_ipvs_destination_check(session->ctx, &service->is,
							     &destination, NULL));
	if (!err && !entry)
		err = new_destination(session, service, &key, &entry);
	if (err)
		return err;
	entry->is = destination;
	entry->alive = true;
	return 0;
}

/* ---- the rest ---- */

static int put_daemon(struct session *session, const struct ipvsadm_command *command)
{
	bool start = command->verb == IPVSADM_START_DAEMON;
	struct ipvs_daemon *daemon =
		command->is_master ? &session->master : &session->backup;

	if (start == daemon->present)
		return lsvm_fail(session->ctx,
				 start ? LSVM_ERR_EXISTS : LSVM_ERR_NOT_FOUND,
				 "line %u: the sync %s %s at this point; remove the line",
				 session->line, command->is_master ? "master" : "backup",
				 start ? "runs already" : "does not run");
	*daemon = start ? command->daemon : (struct ipvs_daemon){ 0 };
	return 0;
}

static int perform(struct session *session, const struct ipvsadm_command *command)
{
	switch (command->verb) {
	case IPVSADM_ADD_SERVICE:
	case IPVSADM_EDIT_SERVICE:
		return put_service(session, command);
	case IPVSADM_DELETE_SERVICE:
		return delete_service(session, command);
	case IPVSADM_ADD_DESTINATION:
	case IPVSADM_EDIT_DESTINATION:
	case IPVSADM_DELETE_DESTINATION:
		return put_destination(session, command);
	case IPVSADM_CLEAR:
		clear(session);
		return 0;
	case IPVSADM_ZERO:
	case IPVSADM_NOTHING:
		return 0;
	case IPVSADM_SET_TIMEOUTS:
		session->timeouts = command->timeouts;
		return 0;
	case IPVSADM_START_DAEMON:
	case IPVSADM_STOP_DAEMON:
		return put_daemon(session, command);
	}
	return lsvm_fail(session->ctx, LSVM_ERR_INTERNAL,
			 "ipvsadm command %d is not known; please report it",
			 (int)command->verb);
}

static int read_lines(struct session *session, const char *bytes, size_t length)
{
	struct ipvsadm_command command;
	size_t at = 0;

	while (at < length) {
		const char *end = memchr(bytes + at, '\n', length - at);
		size_t size = end ? (size_t)(end - bytes) - at : length - at;
		int err;

		session->line++;
		err = lsvm_ipvsadm_line(session->ctx, session->line, bytes + at, size,
					&command);
		if (!err)
			err = perform(session, &command);
		if (err)
			return err;
		at += size + 1;
	}
	return 0;
}

static int fill_service(struct lsvm_ipvs_table *table, const struct service_entry *entry)
{
	struct ipvs_service *service = lsvm_ipvs_table_push(table);

	if (!service)
		return lsvm_fail_nomem(table->ctx);
	*service = entry->is;
	for (const struct destination_entry *d = entry->first; d; d = d->next) {
		struct ipvs_destination *destination;

		if (!d->alive)
			continue;
		destination = lsvm_ipvs_service_push(service);
		if (!destination)
			return lsvm_fail_nomem(table->ctx);
		*destination = d->is;
	}
	return 0;
}

static int fill(const struct session *session, struct lsvm_ipvs_table *table)
{
	int err = 0;

	table->timeouts = session->timeouts;
	table->master = session->master;
	table->backup = session->backup;
	for (const struct service_entry *s = session->first; s && !err; s = s->next)
		if (s->alive)
			err = fill_service(table, s);
	return err ? err : lsvm_ipvs_table_seal(table);
}

int lsvm_ipvs_table_from_ipvsadm(struct lsvm_ctx *ctx, const char *bytes, size_t length,
				 struct lsvm_ipvs_table **ret)
{
	struct session session = { .ctx = ctx, .last = &session.first };
	struct lsvm_ipvs_table *table = NULL;
	int err;

	if (length > INPUT_MAX_BYTES)
		return lsvm_fail(ctx, LSVM_ERR_LIMIT,
				 "the commands have %zu bytes, more than %u; split them",
				 length, INPUT_MAX_BYTES);
	err = read_lines(&session, bytes, length);
	if (!err)
		err = lsvm_ipvs_table_alloc(ctx, &table);
	if (!err)
		err = fill(&session, table);
	lsvm_map_free(&session.services);
	lsvm_map_free(&session.destinations);
	lsvm_arena_free(&session.arena);
	if (err) {
		lsvm_ipvs_table_unref(table);
		return err;
	}
	*ret = table;
	return 0;
}
