/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happens to a packet that opens a connection: persistence first, then the
 * scheduler; and what a connection does to the counts from its begin to its end.
 *
 * A connection begins inactive; the packet itself makes a TCP connection active. The
 * overload mark is set when a connection begins and reaches the upper threshold, looked
 * at again when one ends, and by edits; never else.
 */
#include "sched/sched.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdlib.h>

#define FTP_DATA_PORT 20

int lsvm_sched_refusal(const struct lsvm_sched *s, const struct sched_packet *packet)
{
	if (!s->present_count)
		return LSVM_SCHED_NO_DESTINATION;
	each_dest(s, dest) if (dest->weight > 0) return LSVM_SCHED_OVERLOADED;
	return LSVM_SCHED_DRAINED;
}

/* Why the server that the packet's hash names does not take it. */
static int refusal_at_home(struct lsvm_sched *s, const struct sched_packet *packet)
{
	const struct sched_dest *home;

	if (!s->present_count)
		return LSVM_SCHED_NO_DESTINATION;
	if (s->flags & IP_VS_SVC_F_SCHED1 && s->scheduler->pick != lsvm_dh_pick)
		return lsvm_sched_refusal(s, packet);
	home = lsvm_sched_home(s, packet);
	return home && home->weight > 0 ? LSVM_SCHED_OVERLOADED : LSVM_SCHED_DRAINED;
}

int lsvm_sched_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		    struct sched_dest **ret)
{
	struct sched_dest *dest = NULL;
	int err = s->scheduler->pick(s, packet, peek, &dest);

	if (err < 0)
		return lsvm_fail_nomem(s->ctx);
	if (!dest)
		return s->slots ? refusal_at_home(s, packet)
				: lsvm_sched_refusal(s, packet);
	*ret = dest;
	return LSVM_SCHED_SERVED;
}

/* The client as templates know it. */
static struct addr masked(const struct lsvm_sched *s, const struct addr *client)
{
	struct addr out = { .family = client->family };

	for (unsigned i = 0; i < (client->family == 4 ? 4u : 16u); i++) {
		uint32_t mask = 0;

		if (client->family == 4)
			mask = s->netmask >> (24 - 8 * i);
		else if (s->netmask >= 8 * i + 8)
			mask = 0xff;
		else if (s->netmask > 8 * i)
			mask = 0xff00u >> (s->netmask - 8 * i);
		out.bytes[i] = client->bytes[i] & (uint8_t)mask;
	}
	return out;
}

static bool serves_template(const struct lsvm_sched *s,
			    const struct sched_template *template)
{
	const struct sched_dest *dest = template->dest;

	return dest->present && !(s->expire_quiescent && dest->weight == 0);
}

/* What the kernel lets through to the machine itself, or drops without looking. */
static bool is_passed(const struct lsvm_sched *s, const struct sched_packet *packet)
{
	if (packet->client_port == FTP_DATA_PORT)
		return true;
	return !s->key.fwmark && !s->key.port && !(s->flags & IP_VS_SVC_F_PERSISTENT);
}

static void hear(struct lsvm_sched *s, uint64_t now_ms)
{
	if (now_ms > s->now_ms)
		s->now_ms = now_ms;
	lsvm_cache_age(s, s->now_ms);
}

int lsvm_sched_foresee(struct lsvm_sched *s, const struct sched_packet *packet,
		       struct sched_dest **ret)
{
	hear(s, packet->now_ms);
	if (is_passed(s, packet))
		return LSVM_SCHED_PASSED;
	if (s->flags & IP_VS_SVC_F_PERSISTENT) {
		const struct addr client = masked(s, &packet->client);
		struct sched_template *template =
			lsvm_template_find(s, &client, packet->now_ms, true);

		if (template && serves_template(s, template)) {
			*ret = template->dest;
			return LSVM_SCHED_PERSISTENT;
		}
	}
	return lsvm_sched_pick(s, packet, true, ret);
}

static void count_in(struct sched_dest *dest)
{
	dest->inactive++;
	if (dest->upper && dest->active + dest->inactive >= dest->upper)
		dest->overloaded = true;
}

/* Looked at when a template begins, too, though that counts as no connection. */
static void check_upper(struct sched_dest *dest)
{
	if (dest->upper && dest->active + dest->inactive >= dest->upper)
		dest->overloaded = true;
}

static void count_out(struct sched_dest *dest, bool active)
{
	uint32_t total;

	if (active)
		dest->active--;
	else
		dest->inactive--;
	total = dest->active + dest->inactive;
	if (dest->lower ? total < dest->lower
			: !dest->upper || total * 4 < dest->upper * 3)
		dest->overloaded = false;
}

/* Finds or makes the client's template; the outcome, or negative. */
static int by_template(struct lsvm_sched *s, const struct sched_packet *packet,
		       struct sched_dest **ret, struct sched_template **ret_template)
{
	const struct addr client = masked(s, &packet->client);
	struct sched_template *template =
		lsvm_template_find(s, &client, packet->now_ms, false);
	int outcome;

	if (template && serves_template(s, template)) {
		*ret = template->dest;
		*ret_template = template;
		return LSVM_SCHED_PERSISTENT;
	}
	if (template)
		lsvm_template_spoil(s, template);
	template = lsvm_template_new(s, &client);
	if (!template)
		return lsvm_fail_nomem(s->ctx);
	outcome = lsvm_sched_pick(s, packet, false, ret);
	if (outcome != LSVM_SCHED_SERVED) {
		free(template);
		return outcome;
	}
	template->dest = *ret;
	template->timeout_ms = (uint64_t)s->persistence_s * 1000;
	lsvm_template_add(s, template);
	check_upper(*ret);
	*ret_template = template;
	return outcome;
}

static struct sched_connection *free_connection(struct lsvm_sched *s)
{
	struct sched_connection *connection;

	if (s->first_free)
		return &s->connections.items[s->first_free - 1];
	connection = vec_push(&s->connections);
	if (connection)
		s->first_free = (uint32_t)s->connections.count;
	return connection;
}

int lsvm_sched_begin(struct lsvm_sched *s, const struct sched_packet *packet,
		     struct sched_dest **ret, uint32_t *ret_connection)
{
	const bool one_packet =
		s->flags & IP_VS_SVC_F_ONEPACKET && packet->protocol == IPPROTO_UDP;
	struct sched_connection *connection = free_connection(s);
	struct sched_template *template = NULL;
	struct sched_dest *dest = NULL;
	int outcome;

	if (!connection)
		return lsvm_fail_nomem(s->ctx);
	hear(s, packet->now_ms);
	if (is_passed(s, packet))
		return LSVM_SCHED_PASSED;
	if (s->flags & IP_VS_SVC_F_PERSISTENT)
		outcome = by_template(s, packet, &dest, &template);
	else
		outcome = lsvm_sched_pick(s, packet, false, &dest);
	if (!dest)
		return outcome;
	if (template)
		template->expires_ms = packet->now_ms + template->timeout_ms;
	count_in(dest);
	*ret = dest;
	*ret_connection = LSVM_SCHED_NO_CONNECTION;
	if (one_packet) {
		count_out(dest, false);
		return outcome;
	}
	*ret_connection = s->first_free - 1;
	s->first_free = connection->next_free;
	*connection = (struct sched_connection){ .dest = dest, .template = template };
	if (template)
		template->controlled++;
	if (packet->protocol == IPPROTO_TCP)
		lsvm_sched_connection_set_active(s, *ret_connection, true);
	return outcome;
}

static struct sched_connection *living(struct lsvm_sched *s, uint32_t number)
{
	if (number >= s->connections.count || !s->connections.items[number].dest)
		return NULL;
	return &s->connections.items[number];
}

int lsvm_sched_connection_destination(const struct lsvm_sched *s, uint32_t connection)
{
	if (connection >= s->connections.count || !s->connections.items[connection].dest)
		return LSVM_ERR_NOT_FOUND;
	return (int)s->connections.items[connection].dest->number;
}

int lsvm_sched_connection_set_active(struct lsvm_sched *s, uint32_t number,
				     bool is_active)
{
	struct sched_connection *connection = living(s, number);

	if (!connection)
		return lsvm_fail(s->ctx, LSVM_ERR_NOT_FOUND,
				 "there is no connection %u; it may have ended", number);
	if (connection->active == is_active)
		return 0;
	connection->active = is_active;
	connection->dest->active += is_active ? 1u : -1u;
	connection->dest->inactive -= is_active ? 1u : -1u;
	return 0;
}

int lsvm_sched_close(struct lsvm_sched *s, uint32_t number, uint64_t now_ms)
{
	struct sched_connection *connection = living(s, number);

	if (!connection)
		return lsvm_fail(s->ctx, LSVM_ERR_NOT_FOUND,
				 "there is no connection %u; it may have ended", number);
	hear(s, now_ms);
	if (connection->template)
		lsvm_template_release(s, connection->template, now_ms);
	count_out(connection->dest, connection->active);
	*connection = (struct sched_connection){ .next_free = s->first_free };
	s->first_free = number + 1;
	return 0;
}
