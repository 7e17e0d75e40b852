/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Telling all connections: the kernel's list is read as a channel, so that a director
 * with a million connections misses no advert, and each line goes into a sync message as
 * soon as it is whole. Nothing is kept.
 */
#include "agent/peer.h"

#include <stdlib.h>

#define LIST_PATH "/proc/thread-self/net/ip_vs_conn"

/* ---- a list, line by line ---- */

static void end_listing(struct lsvm_agent *agent, struct listing *list)
{
	agent->io->close(agent->host, list->file);
	list->file = NULL;
}

static int begin_listing(struct lsvm_agent *agent, struct listing *list)
{
	const struct channel_spec spec = { .kind = CHANNEL_FILE, .path = LIST_PATH };

	list->length = 0;
	list->count = 0;
	return agent->io->open(agent->host, &spec, &list->seat, &list->file);
}

/* Calls `each` with every whole line in these bytes; one that is too long is cut, and
 * then none of the kernel's. */
static void feed(struct lsvm_agent *agent, struct listing *list, const uint8_t *bytes,
		 size_t length, void (*each)(struct lsvm_agent *agent, char *line))
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != '\n') {
			if (list->length < sizeof(list->line) - 1)
				list->line[list->length++] = (char)bytes[i];
			continue;
		}
		list->line[list->length] = '\0';
		list->length = 0;
		each(agent, list->line);
	}
}

/* ---- telling ---- */

static void flush(struct lsvm_agent *agent)
{
	struct tell *tell = &agent->peer->tell;

	if (tell->message.count)
		agent->io->send(agent->host, tell->group, tell->message.bytes,
				tell->message.length, NULL, 0);
	lsvm_sync_begin(&tell->message, tell->sync_id);
}

static void tell_line(struct lsvm_agent *agent, char *line)
{
	struct tell *tell = &agent->peer->tell;
	struct lsvm_connection connection;
	struct sync_connection c;

	if (!lsvm_connection_parse(line, false, &connection) ||
	    !lsvm_sync_connection(&connection, agent->aim.standby->wanted->ipvs, &c))
		return;
	tell->count++;
	if (lsvm_sync_add(&tell->message, tell->max_bytes, &c))
		return;
	flush(agent);
	lsvm_sync_add(&tell->message, tell->max_bytes, &c);
}

static int open_group(struct lsvm_agent *agent)
{
	const struct ipvs_daemon *daemon = &agent->aim.standby->wanted->ipvs->master;
	struct tell *tell = &agent->peer->tell;
	struct channel_spec spec = {
		.kind = CHANNEL_UDP,
		.remote = daemon->group,
		.remote_port = daemon->port ? daemon->port : SYNC_PORT,
		.interface = daemon->interface,
		.ttl = daemon->ttl ? daemon->ttl : 1,
	};

	if (!spec.remote.family)
		lsvm_addr_parse(SYNC_GROUP, &spec.remote);
	tell->sync_id = (uint8_t)daemon->sync_id;
	tell->max_bytes =
		daemon->maxlen_bytes ? daemon->maxlen_bytes : SYNC_MESSAGE_BYTES;
	return agent->io->open(agent->host, &spec, &tell->seat, &tell->group);
}

static void answer_all(struct lsvm_agent *agent)
{
	struct tell *tell = &agent->peer->tell;

	for (size_t i = 0; i < tell->asked.count; i++)
		lsvm_peer_answer(agent, tell->asked.items[i], tell->count);
	tell->asked.count = 0;
}

static void close_group(struct lsvm_agent *agent)
{
	struct tell *tell = &agent->peer->tell;

	agent->io->close(agent->host, tell->group);
	tell->group = NULL;
}

static void begin(struct lsvm_agent *agent)
{
	struct tell *tell = &agent->peer->tell;

	tell->count = 0;
	if (open_group(agent) < 0 || begin_listing(agent, &tell->list) < 0) {
		lsvm_agent_trouble(agent, &agent->peer->trouble, "connections",
				   lsvm_ctx_error_text(agent->ctx));
		close_group(agent);
		answer_all(agent);
		return;
	}
	lsvm_sync_begin(&tell->message, tell->sync_id);
}

/*
 * A handover: most has been told while this director served. Now it gives the addresses
 * up, so that no connection begins any more, and tells all once more; what comes
 * meanwhile is lost in silence and sent again by the clients, to who knows them.
 */
static bool tell_rest(struct lsvm_agent *agent)
{
	struct tell *tell = &agent->peer->tell;

	if (!lsvm_duty_gives_up(agent))
		return false;
	lsvm_duty_handover(agent);
	tell->count = 0;
	return begin_listing(agent, &tell->list) >= 0;
}

/* Who asked meanwhile may have missed the first part: all is told again. */
static void told(struct lsvm_agent *agent)
{
	struct tell *tell = &agent->peer->tell;

	flush(agent);
	end_listing(agent, &tell->list);
	if (tell_rest(agent))
		return;
	close_group(agent);
	answer_all(agent);
	for (size_t i = 0; i < tell->next.count; i++) {
		struct peer_talk **slot = vec_push(&tell->asked);

		if (slot)
			*slot = tell->next.items[i];
		else
			lsvm_peer_answer(agent, tell->next.items[i], 0);
	}
	tell->next.count = 0;
	if (tell->asked.count)
		begin(agent);
}

static void take_told(struct lsvm_agent *agent, struct seat *seat,
		      const struct io_event *event)
{
	struct tell *tell = &agent->peer->tell;

	if (event->fact == IO_BYTES) {
		feed(agent, &tell->list, event->bytes, event->length, tell_line);
	} else if (event->fact == IO_ENDED) {
		lsvm_agent_well(agent, &agent->peer->trouble, "connections");
		told(agent);
	} else if (event->fact == IO_FAILED) {
		lsvm_agent_trouble(agent, &agent->peer->trouble, "connections",
				   "the kernel's list of connections cannot be read");
		told(agent);
	}
}

/* Nobody answers on the group; a network that is down shows elsewhere. */
static void take_group(struct lsvm_agent *agent, struct seat *seat,
		       const struct io_event *event)
{
}

bool lsvm_tell_is_busy(const struct lsvm_agent *agent)
{
	return agent->peer->tell.group != NULL;
}

void lsvm_tell_for(struct lsvm_agent *agent, struct peer_talk *talk)
{
	struct tell *tell = &agent->peer->tell;
	const struct lsvm_ipvs_table *table = agent->aim.standby->wanted->ipvs;
	bool busy = lsvm_tell_is_busy(agent);
	struct peer_talk **slot;

	slot = busy ? vec_push(&tell->next) : vec_push(&tell->asked);
	if (!slot || !table || !table->master.present) {
		if (slot && busy)
			tell->next.count--;
		else if (slot)
			tell->asked.count--;
		lsvm_peer_answer(agent, talk, 0);
		return;
	}
	*slot = talk;
	tell->seat.take = take_group;
	tell->list.seat.take = take_told;
	if (!busy)
		begin(agent);
}

/* ---- counting ---- */

static void count_line(struct lsvm_agent *agent, char *line)
{
	struct lsvm_connection connection;

	agent->peer->own.count += lsvm_connection_parse(line, false, &connection);
}

static void take_counted(struct lsvm_agent *agent, struct seat *seat,
			 const struct io_event *event)
{
	struct listing *own = &agent->peer->own;

	if (event->fact == IO_BYTES) {
		feed(agent, own, event->bytes, event->length, count_line);
		return;
	}
	if (event->fact != IO_ENDED && event->fact != IO_FAILED)
		return;
	end_listing(agent, own);
	lsvm_peer_counted(agent, own->count);
}

int lsvm_tell_count(struct lsvm_agent *agent)
{
	struct listing *own = &agent->peer->own;

	if (own->file)
		return 0;
	own->seat.take = take_counted;
	return begin_listing(agent, own);
}

void lsvm_tell_free(struct lsvm_agent *agent)
{
	struct tell *tell = &agent->peer->tell;

	end_listing(agent, &tell->list);
	end_listing(agent, &agent->peer->own);
	close_group(agent);
	vec_free(&tell->asked);
	vec_free(&tell->next);
}
