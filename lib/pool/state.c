/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From facts to weights.
 *
 * A server is good for a service while none of the service's checks finds it down. It is
 * available when it is good, not drained, has a weight, and does not report 0 % of it.
 *
 *   normal     good servers are in, with their weights; others are out
 *   sorry      there is a sorry server, and no server is available, or fewer than the
 *              quorum, or a required back-end is down: it answers. Good servers stay at
 *              weight 0, so that their connections go on. Under sh and mh without the
 *              fallback flag weight 0 refuses clients: there they are out
 *   fail-open  there is no sorry server and no server is available, though some could be:
 *              what looks dead may be alive, and taking all out surely serves nobody. All
 *              are in with their full weights; the drained ones stay drained
 *
 * So a lost quorum or a required back-end that is down changes something only where a
 * sorry server can answer instead: all servers of a service need the same back-ends, and
 * without one all of them would go.
 *
 * A server whose weight was 0 or that was out starts slowly, in the normal mode, if the
 * service wants it and its scheduler weighs. sh and mh would move other clients with
 * every step, fo takes the greatest weight only, and rr, lc and dh do not look.
 *
 * Every change of `in` and `weight` happens in update_seat().
 */
#include "pool/private.h"

#include <stdio.h>
#include <stdlib.h>

#define SUBJECT_BYTES EVENT_SUBJECT_BYTES
#define TARGET_TEXT_BYTES 160

/* ---- one seat ---- */

static bool is_candidate(const struct pool *pool, const struct seat *seat)
{
	return seat->member != NONE && seat->destination->weight &&
	       !seat_is_drained(pool, seat);
}

static bool is_available(const struct pool *pool, const struct seat *seat)
{
	return is_candidate(pool, seat) && !seat->bad_count && seat->percent;
}

static uint32_t scaled_weight(const struct group *group, const struct seat *seat)
{
	uint64_t weight = seat->destination->weight;

	if (!weight || !seat->percent)
		return 0;
	if (!group->weighs)
		return (uint32_t)weight;
	weight = weight * seat->percent / 100;
	return weight ? (uint32_t)weight : 1;
}

static uint32_t normal_weight(struct pool *pool, const struct group *group,
			      struct seat *seat, uint64_t now_ns)
{
	uint32_t weight = scaled_weight(group, seat);

	if (!weight || seat_is_drained(pool, seat)) {
		lsvm_pool_ramp_drop(pool, seat);
		return 0;
	}
	if ((!seat->in || !seat->weight) && group->weighs && group->slow_start_ms) {
		seat->ramping = true;
		seat->ramp_ns = now_ns;
	}
	return seat->ramping ? lsvm_pool_ramp_weight(pool, seat, weight, now_ns) : weight;
}

static void set_seat(struct pool *pool, struct seat *seat, bool in, uint32_t weight)
{
	if (seat->in == in && (!in || seat->weight == weight))
		return;
	seat->in = in;
	seat->weight = in ? weight : 0;
	pool->table_stale = true;
	lsvm_pool_queue(pool, seat);
}

static void update_seat(struct pool *pool, struct seat *seat, uint64_t now_ns)
{
	const struct group *group = &pool->groups[seat->group];
	const uint32_t full = seat->destination->weight;

	if (seat_is_sorry(pool, seat) && group->mode == GROUP_SORRY) {
		lsvm_pool_ramp_drop(pool, seat);
		set_seat(pool, seat, true, full ? full : 1);
		return;
	}
	if (seat->member == NONE) {
		set_seat(pool, seat, !seat_is_sorry(pool, seat), full);
		return;
	}
	if (group->mode == GROUP_NORMAL && !seat->bad_count) {
		set_seat(pool, seat, true, normal_weight(pool, group, seat, now_ns));
		return;
	}
	lsvm_pool_ramp_drop(pool, seat);
	switch (group->mode) {
	case GROUP_NORMAL:
		set_seat(pool, seat, false, 0);
		break;
	case GROUP_SORRY:
		set_seat(pool, seat, !seat->bad_count && !group->refuses_at_zero, 0);
		break;
	case GROUP_OPEN:
		set_seat(pool, seat, true, seat_is_drained(pool, seat) ? 0 : full);
		break;
	}
}

/* ---- a group ---- */

static enum group_mode mode_of(const struct group *group)
{
	if (!group->vip)
		return GROUP_NORMAL;
	if (group->sorry != NONE &&
	    (!group->available_count || group->quorum_lost || group->needs_down))
		return GROUP_SORRY;
	if (!group->available_count && group->candidate_count)
		return GROUP_OPEN;
	return GROUP_NORMAL;
}

static void say_mode(struct pool *pool, const struct group *group, enum group_mode before)
{
	char subject[SUBJECT_BYTES];

	lsvm_pool_group_text(group, subject, sizeof(subject));
	if (before == GROUP_SORRY)
		lsvm_pool_say(pool, LSVM_EVENT_SORRY_OFF, LSVM_SEVERITY_NOTICE, subject,
			      "%s goes: %u of %u servers answer again", group->sorry_name,
			      group->available_count, group->candidate_count);
	if (before == GROUP_OPEN)
		lsvm_pool_say(pool, LSVM_EVENT_FAIL_OPEN_OFF, LSVM_SEVERITY_NOTICE,
			      subject, "%u of %u servers are known to answer again",
			      group->available_count, group->candidate_count);
	if (group->mode == GROUP_SORRY)
		lsvm_pool_say(pool, LSVM_EVENT_SORRY_ON, LSVM_SEVERITY_WARNING, subject,
			      "%s answers: %s", group->sorry_name,
			      !group->available_count ? "no server is up"
			      : group->quorum_lost    ? "too few servers are up"
						      : "a back-end service that is "
							"required is down");
	if (group->mode == GROUP_OPEN)
		lsvm_pool_say(pool, LSVM_EVENT_FAIL_OPEN_ON, LSVM_SEVERITY_ERROR, subject,
			      "all %u servers look dead; all stay in",
			      group->candidate_count);
}

static void say_quorum(struct pool *pool, const struct group *group)
{
	char subject[SUBJECT_BYTES];

	lsvm_pool_group_text(group, subject, sizeof(subject));
	lsvm_pool_say(pool,
		      group->quorum_lost ? LSVM_EVENT_QUORUM_LOST
					 : LSVM_EVENT_QUORUM_GAINED,
		      group->quorum_lost ? LSVM_SEVERITY_WARNING : LSVM_SEVERITY_NOTICE,
		      subject, "%u of %u servers are up, the quorum is %u",
		      group->available_count, group->seat_count, group->quorum);
}

/* After the counts of a group changed. */
static void update_group(struct pool *pool, struct group *group, uint64_t now_ns)
{
	bool lost = group->quorum && group->available_count < group->quorum;
	enum group_mode before = group->mode;

	if (lost != group->quorum_lost) {
		group->quorum_lost = lost;
		say_quorum(pool, group);
	}
	group->mode = mode_of(group);
	if (group->mode == before)
		return;
	say_mode(pool, group, before);
	for (uint32_t i = 0; i < group->seat_count; i++)
		update_seat(pool, &pool->seats[group->first_seat + i], now_ns);
	if (group->sorry != NONE)
		update_seat(pool, &pool->seats[group->sorry], now_ns);
}

/* A fact about the seat is different now; `was` is what it was before. */
static void count_seat(struct pool *pool, struct seat *seat, bool was_candidate,
		       bool was_available, uint64_t now_ns)
{
	struct group *group = &pool->groups[seat->group];

	group->candidate_count +=
		(uint32_t)is_candidate(pool, seat) - (uint32_t)was_candidate;
	group->available_count +=
		(uint32_t)is_available(pool, seat) - (uint32_t)was_available;
	update_group(pool, group, now_ns);
	update_seat(pool, seat, now_ns);
}

/* ---- back-ends ---- */

static void say_backend(struct pool *pool, const struct pool_backend *backend,
			const char *cause)
{
	size_t count =
		index_count(&pool->backend_groups, (size_t)(backend - pool->backends));
	const char *name = backend->service->name;

	if (!backend->down)
		lsvm_pool_say(pool, LSVM_EVENT_BACKEND_UP, LSVM_SEVERITY_NOTICE, name,
			      "up again; needed by %zu services", count);
	else
		lsvm_pool_say(pool, LSVM_EVENT_BACKEND_DOWN, LSVM_SEVERITY_ERROR, name,
			      "down on all %u hosts: %s; needed by %zu services%s",
			      backend->host_count, cause, count,
			      backend->service->required ? ", required" : "");
}

static void say_host(struct pool *pool, const struct pool_backend *backend,
		     const struct pool_host *host, const char *cause)
{
	if (host->bad_count)
		lsvm_pool_say(pool, LSVM_EVENT_BACKEND_DOWN, LSVM_SEVERITY_WARNING,
			      host->machine->name, "%s down: %s; others offer it",
			      backend->service->name, cause);
	else
		lsvm_pool_say(pool, LSVM_EVENT_BACKEND_UP, LSVM_SEVERITY_NOTICE,
			      host->machine->name, "%s up again", backend->service->name);
}

static void update_backend(struct pool *pool, struct pool_backend *backend,
			   const char *cause, uint64_t now_ns)
{
	const size_t number = (size_t)(backend - pool->backends);
	bool down = backend->host_count && backend->bad_count == backend->host_count;

	if (down == backend->down)
		return;
	backend->down = down;
	say_backend(pool, backend, cause);
	for (size_t i = 0;
	     backend->service->required && i < index_count(&pool->backend_groups, number);
	     i++) {
		struct group *group =
			&pool->groups[index_of(&pool->backend_groups, number)[i]];

		if (down)
			group->needs_down++;
		else
			group->needs_down--;
		update_group(pool, group, now_ns);
	}
}

static void host_input(struct pool *pool, struct pool_host *host, bool down,
		       const char *cause, uint64_t now_ns)
{
	struct pool_backend *backend = &pool->backends[host->backend];
	bool was = host->bad_count;

	host->bad_count += down ? 1 : UINT32_MAX;
	if (was == (host->bad_count != 0))
		return;
	backend->bad_count += down ? 1 : UINT32_MAX;
	/* The last one is told as the service's end, the first one as its return. */
	if (backend->bad_count + !down < backend->host_count)
		say_host(pool, backend, host, cause);
	update_backend(pool, backend, cause, now_ns);
}

/* ---- verdicts ---- */

static const char *target_text(const struct watched *watched, char *buf, size_t size)
{
	const struct target_spec *spec = &watched->spec;
	char endpoint[LSVM_ADDRESS_TEXT_BYTES];

	if (spec->port)
		lsvm_endpoint_text(&spec->addr, spec->port, endpoint);
	else
		lsvm_addr_text(&spec->addr, endpoint);
	snprintf(buf, size, "%s %s%s", lsvm_check_kind_name((int)spec->check->kind),
		 endpoint, spec->mark ? " through the director" : "");
	return buf;
}

static void say_down(struct pool *pool, struct watched *watched, uint64_t now_ns)
{
	struct pool_server *server = &pool->servers[watched->server];
	char what[TARGET_TEXT_BYTES];

	if (!server->bad_count++)
		server->down_ns = now_ns;
	if (server->said_count < SAID_MAX) {
		server->said_count++;
		watched->said = true;
		lsvm_pool_say(pool, LSVM_EVENT_SERVER_DOWN, LSVM_SEVERITY_WARNING,
			      server->name, "down: %s (%s)",
			      watched->cause ? watched->cause : "no cause is known",
			      target_text(watched, what, sizeof(what)));
	} else if (!server->more_said) {
		server->more_said = true;
		lsvm_pool_say(pool, LSVM_EVENT_SERVER_DOWN, LSVM_SEVERITY_WARNING,
			      server->name,
			      "down: more than %d of its checks fail; status has all",
			      SAID_MAX);
	}
}

static void say_up(struct pool *pool, struct watched *watched, uint64_t now_ns)
{
	struct pool_server *server = &pool->servers[watched->server];
	char what[TARGET_TEXT_BYTES];
	bool all = --server->bad_count == 0;

	if (watched->said) {
		watched->said = false;
		server->said_count--;
		lsvm_pool_say(pool, LSVM_EVENT_SERVER_UP, LSVM_SEVERITY_NOTICE,
			      server->name, "up: %s answers%s",
			      target_text(watched, what, sizeof(what)),
			      all ? "" : "; others of its checks still fail");
	} else if (all) {
		lsvm_pool_say(pool, LSVM_EVENT_SERVER_UP, LSVM_SEVERITY_NOTICE,
			      server->name,
			      "up: all of its checks are good, after %llu s",
			      (unsigned long long)((now_ns - server->down_ns) / IO_S));
	}
	if (all)
		server->more_said = false;
}

static uint32_t least_percent(const struct pool *pool, const struct seat *seat)
{
	size_t number = (size_t)(seat - pool->seats);
	uint32_t least = 100;

	for (size_t i = 0; i < index_count(&pool->seat_targets, number); i++) {
		const struct watched *watched =
			&pool->targets[index_of(&pool->seat_targets, number)[i]];

		if (watched->percent < least)
			least = watched->percent;
	}
	return least;
}

void lsvm_pool_input_verdict(struct pool *pool, size_t number, enum target_state state,
			     uint32_t percent, const char *cause, uint64_t now_ns)
{
	struct watched *watched = &pool->targets[number];
	bool was_down = watched->state == TARGET_DOWN, down = state == TARGET_DOWN;
	char *text = cause && cause[0] ? strdup(cause) : NULL;

	pool->unknown_count += (uint32_t)(state == TARGET_UNKNOWN) -
			       (uint32_t)(watched->state == TARGET_UNKNOWN);
	watched->state = state;
	watched->percent = percent > 100 ? 100 : percent;
	free(watched->cause);
	watched->cause = text;
	if (watched->server != NONE && down && !was_down)
		say_down(pool, watched, now_ns);
	if (watched->server != NONE && was_down && !down)
		say_up(pool, watched, now_ns);
	for (size_t i = 0; i < index_count(&pool->target_seats, number); i++) {
		struct seat *seat =
			&pool->seats[index_of(&pool->target_seats, number)[i]];
		bool candidate = is_candidate(pool, seat),
		     available = is_available(pool, seat);

		seat->bad_count += (uint32_t)down - (uint32_t)was_down;
		seat->percent = least_percent(pool, seat);
		count_seat(pool, seat, candidate, available, now_ns);
	}
	for (size_t i = 0;
	     down != was_down && i < index_count(&pool->target_hosts, number); i++)
		host_input(pool, &pool->hosts[index_of(&pool->target_hosts, number)[i]],
			   down, text ? text : "no cause is known", now_ns);
}

/* ---- operators ---- */

static void drain_member(struct pool *pool, uint32_t number, bool drained,
			 uint64_t now_ns, bool *refuses)
{
	struct pool_member *member = &pool->members[number];

	for (size_t i = 0; i < index_count(&pool->member_seats, number); i++) {
		struct seat *seat =
			&pool->seats[index_of(&pool->member_seats, number)[i]];
		bool candidate, available;

		member->drained = !drained;
		candidate = is_candidate(pool, seat);
		available = is_available(pool, seat);
		member->drained = drained;
		*refuses |= pool->groups[seat->group].refuses_at_zero;
		count_seat(pool, seat, candidate, available, now_ns);
	}
	member->drained = drained;
}

/* After one of the reasons for draining has come or gone. */
static void settle_drain(struct pool *pool, uint32_t number, uint64_t now_ns,
			 bool *refuses)
{
	const struct pool_member *member = &pool->members[number];
	const bool drained = member->by_operator || member->leaving;

	if (member->drained != drained)
		drain_member(pool, number, drained, now_ns, refuses);
}

void lsvm_pool_leave(struct pool *pool, const char *server, bool leaving, uint64_t now_ns)
{
	bool refuses = false;

	for (uint32_t i = 0; i < pool->member_count; i++) {
		struct pool_member *member = &pool->members[i];

		if (strcmp(pool->servers[member->server].name, server) != 0)
			continue;
		member->leaving = leaving;
		settle_drain(pool, i, now_ns, &refuses);
	}
}

static int unknown_server(const struct pool *pool, const char *server,
			  const char *partition)
{
	struct buf names = { 0 };
	bool known = false;
	int err;

	for (uint32_t i = 0; i < pool->member_count; i++) {
		const struct pool_member *member = &pool->members[i];

		known |= strcmp(pool->servers[member->server].name, server) == 0;
	}
	for (uint32_t i = 0; i < pool->member_count; i++) {
		const struct pool_member *member = &pool->members[i];
		const char *name = pool->servers[member->server].name;

		if (known && strcmp(name, server) == 0)
			lsvm_buf_printf(&names, "%s%s", names.length ? ", " : "",
					member->partition->name);
	}
	for (uint32_t i = 0; !known && i < pool->server_count; i++)
		lsvm_buf_printf(&names, "%s%s", names.length ? ", " : "",
				pool->servers[i].name);
	if (known)
		err = lsvm_fail(pool->ctx, LSVM_ERR_NOT_FOUND,
				"%s does not answer for partition '%.64s'; it is in: %s",
				server, partition, names.failed ? "" : names.data);
	else
		err = lsvm_fail(pool->ctx, LSVM_ERR_NOT_FOUND,
				"no partition has a server '%.64s'; there are: %s",
				server,
				names.failed   ? ""
				: names.length ? names.data
					       : "none");
	lsvm_buf_free(&names);
	return err;
}

int lsvm_pool_drain(struct pool *pool, const char *server, const char *partition,
		    bool drained, uint64_t now_ns)
{
	bool found = false, changed = false, refuses = false;

	for (uint32_t i = 0; i < pool->member_count; i++) {
		struct pool_member *member = &pool->members[i];

		if (strcmp(pool->servers[member->server].name, server) != 0 ||
		    (partition && strcmp(member->partition->name, partition) != 0))
			continue;
		found = true;
		if (member->by_operator == drained)
			continue;
		changed = true;
		member->by_operator = drained;
		settle_drain(pool, i, now_ns, &refuses);
	}
	if (!found)
		return unknown_server(pool, server, partition);
	if (changed && drained)
		lsvm_pool_say(
			pool, LSVM_EVENT_DRAINED,
			refuses ? LSVM_SEVERITY_WARNING : LSVM_SEVERITY_NOTICE, server,
			"drained%s%s: no new connections, those that are there go on%s",
			partition ? " in partition " : "", partition ? partition : "",
			refuses ? "; sh and mh without the fallback flag refuse clients "
				  "whose place is on it"
				: "");
	if (changed && !drained)
		lsvm_pool_say(pool, LSVM_EVENT_ENABLED, LSVM_SEVERITY_NOTICE, server,
			      "enabled%s%s", partition ? " in partition " : "",
			      partition ? partition : "");
	return 0;
}

/* ---- time, and the beginning ---- */

void lsvm_pool_tick(struct pool *pool, uint64_t now_ns)
{
	while (pool->ramp_count && pool->seats[pool->ramps[0]].due_ns <= now_ns)
		update_seat(pool, &pool->seats[pool->ramps[0]], now_ns);
}

static void count_all(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->target_count; i++) {
		const struct watched *watched = &pool->targets[i];

		pool->unknown_count += watched->state == TARGET_UNKNOWN;
		if (watched->state != TARGET_DOWN)
			continue;
		for (size_t n = 0; n < index_count(&pool->target_seats, i); n++)
			pool->seats[index_of(&pool->target_seats, i)[n]].bad_count++;
		for (size_t n = 0; n < index_count(&pool->target_hosts, i); n++)
			pool->hosts[index_of(&pool->target_hosts, i)[n]].bad_count++;
		if (watched->server != NONE) {
			pool->servers[watched->server].bad_count++;
			pool->servers[watched->server].said_count += watched->said;
		}
	}
	for (uint32_t i = 0; i < pool->host_count; i++)
		pool->backends[pool->hosts[i].backend].bad_count +=
			pool->hosts[i].bad_count != 0;
}

void lsvm_pool_settle(struct pool *pool, uint64_t now_ns)
{
	count_all(pool);
	for (uint32_t i = 0; i < pool->backend_count; i++) {
		struct pool_backend *backend = &pool->backends[i];

		backend->down =
			backend->host_count && backend->bad_count == backend->host_count;
		for (size_t n = 0; backend->down && backend->service->required &&
				   n < index_count(&pool->backend_groups, i);
		     n++)
			pool->groups[index_of(&pool->backend_groups, i)[n]].needs_down++;
	}
	for (uint32_t i = 0; i < pool->seat_count; i++) {
		struct seat *seat = &pool->seats[i];
		struct group *group = &pool->groups[seat->group];

		seat->percent = least_percent(pool, seat);
		group->candidate_count += is_candidate(pool, seat);
		group->available_count += is_available(pool, seat);
	}
	for (uint32_t i = 0; i < pool->group_count; i++)
		update_group(pool, &pool->groups[i], now_ns);
	for (uint32_t i = 0; i < pool->seat_count; i++) {
		struct seat *seat = &pool->seats[i];

		update_seat(pool, seat, now_ns);
		seat->told_in = seat->in;
		seat->told_weight = seat->weight;
		lsvm_pool_queue(pool, seat);
	}
}

/* ---- questions ---- */

size_t lsvm_pool_target_count(const struct pool *pool)
{
	return pool->target_count;
}

const struct target_spec *lsvm_pool_target(const struct pool *pool, size_t number)
{
	return &pool->targets[number].spec;
}

bool lsvm_pool_is_settled(const struct pool *pool)
{
	return !pool->unknown_count;
}

size_t lsvm_pool_server_target(const struct pool *pool, const char *server, size_t n)
{
	for (uint32_t i = 0; i < pool->server_count; i++)
		if (strcmp(pool->servers[i].name, server) == 0)
			return n < index_count(&pool->server_targets, i)
				       ? index_of(&pool->server_targets, i)[n]
				       : SIZE_MAX;
	return SIZE_MAX;
}
