/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How all stand, as part of a status document. */
#include "base/json.h"
#include "pool/private.h"

static const char *mode_name(enum group_mode mode)
{
	switch (mode) {
	case GROUP_NORMAL:
		break;
	case GROUP_SORRY:
		return "sorry";
	case GROUP_OPEN:
		return "fail-open";
	}
	return "normal";
}

/* The first check that finds it down. */
static const struct watched *first_bad(const struct pool *pool, size_t seat)
{
	for (size_t i = 0; i < index_count(&pool->seat_targets, seat); i++) {
		const struct watched *watched =
			&pool->targets[index_of(&pool->seat_targets, seat)[i]];

		if (watched->state == TARGET_DOWN)
			return watched;
	}
	return NULL;
}

static bool all_known(const struct pool *pool, size_t seat)
{
	for (size_t i = 0; i < index_count(&pool->seat_targets, seat); i++)
		if (pool->targets[index_of(&pool->seat_targets, seat)[i]].state ==
		    TARGET_UNKNOWN)
			return false;
	return true;
}

static const char *seat_state(const struct pool *pool, const struct seat *seat)
{
	size_t number = (size_t)(seat - pool->seats);

	if (seat->bad_count)
		return "down";
	if (seat_is_drained(pool, seat))
		return "drained";
	return all_known(pool, number) ? "up" : "unknown";
}

static int set_text(json_t *object, const char *name, const char *text)
{
	return text ? json_object_set_new(object, name, json_string_nocheck(text)) : 0;
}

static int set_number(json_t *object, const char *name, uint64_t number)
{
	return json_object_set_new(object, name, json_integer((json_int_t)number));
}

static json_t *seat_json(const struct pool *pool, const struct seat *seat,
			 uint64_t now_ns)
{
	const struct watched *bad = first_bad(pool, (size_t)(seat - pool->seats));
	char address[LSVM_ADDRESS_TEXT_BYTES];
	json_t *json = json_object();
	int wrong = 0;

	lsvm_endpoint_text(&seat->destination->addr, seat->destination->port, address);
	wrong |= set_text(
		json, "server",
		seat->member == NONE
			? pool->groups[seat->group].sorry_name
			: pool->servers[pool->members[seat->member].server].name);
	wrong |= set_text(json, "address", address);
	wrong |= set_text(json, "state",
			  seat->member == NONE ? "sorry" : seat_state(pool, seat));
	wrong |= json_object_set_new(json, "in", json_boolean(seat->in));
	wrong |= set_number(json, "weight", seat->weight);
	wrong |= set_number(json, "full_weight", seat->destination->weight);
	if (seat->member != NONE && seat_is_drained(pool, seat))
		wrong |= json_object_set_new(json, "drained", json_true());
	if (seat->percent != 100)
		wrong |= set_number(json, "percent", seat->percent);
	if (bad)
		wrong |= set_text(json, "cause",
				  bad->cause ? bad->cause : "no cause is known");
	if (seat->ramping)
		wrong |= set_number(
			json, "slow_start_left_ms",
			(pool->groups[seat->group].slow_start_ms * IO_MS -
			 (now_ns > seat->ramp_ns ? now_ns - seat->ramp_ns : 0)) /
				IO_MS);
	if (!wrong)
		return json;
	json_decref(json);
	return NULL;
}

static json_t *group_json(const struct pool *pool, const struct group *group,
			  uint64_t now_ns)
{
	const size_t number = (size_t)(group - pool->groups);
	json_t *json = json_object(), *servers = json_array(), *needs = json_array();
	char key[LSVM_ADDRESS_TEXT_BYTES * 2];
	int wrong = 0;

	wrong |= set_text(json, "service", lsvm_ipvs_key_text(&group->service->key, key));
	wrong |= set_text(json, "partition", vip_partition(group->vip)->name);
	wrong |= set_text(json, "vip", group->vip->name);
	wrong |= set_text(json, "name", group->model->name);
	wrong |= set_text(json, "mode", mode_name(group->mode));
	wrong |= set_number(json, "available", group->available_count);
	if (group->quorum) {
		wrong |= set_number(json, "quorum", group->quorum);
		wrong |= json_object_set_new(json, "quorum_lost",
					     json_boolean(group->quorum_lost));
	}
	for (uint32_t i = 0; i < group->seat_count; i++)
		wrong |= json_array_append_new(
			servers,
			seat_json(pool, &pool->seats[group->first_seat + i], now_ns));
	if (group->sorry != NONE && pool->seats[group->sorry].member == NONE)
		wrong |= json_object_set_new(
			json, "sorry_server",
			seat_json(pool, &pool->seats[group->sorry], now_ns));
	for (size_t i = 0; i < index_count(&pool->group_backends, number); i++) {
		const struct pool_backend *backend =
			&pool->backends[index_of(&pool->group_backends, number)[i]];

		if (backend->down)
			wrong |= json_array_append_new(
				needs, json_string_nocheck(backend->service->name));
	}
	if (json_array_size(needs))
		wrong |= json_object_set(json, "needs_down", needs);
	wrong |= json_object_set(json, "servers", servers);
	json_decref(servers);
	json_decref(needs);
	if (!wrong)
		return json;
	json_decref(json);
	return NULL;
}

static json_t *host_json(const struct pool *pool, const struct pool_host *host)
{
	json_t *json = json_object();
	int wrong = set_text(json, "host", host->machine->name);

	wrong |= set_text(json, "state",
			  host->bad_count	? "down"
			  : !host->target_count ? "not probed: the directors have no way "
						  "to it"
						: "up");
	for (uint32_t t = 0; host->bad_count && t < pool->target_count; t++)
		for (size_t i = 0; i < index_count(&pool->target_hosts, t); i++)
			if (&pool->hosts[index_of(&pool->target_hosts, t)[i]] == host &&
			    pool->targets[t].state == TARGET_DOWN)
				wrong |= set_text(json, "cause", pool->targets[t].cause);
	if (!wrong)
		return json;
	json_decref(json);
	return NULL;
}

static json_t *backend_json(const struct pool *pool, const struct pool_backend *backend)
{
	const size_t number = (size_t)(backend - pool->backends);
	json_t *json = json_object(), *hosts = json_array(), *needed = json_array();
	char key[LSVM_ADDRESS_TEXT_BYTES * 2];
	int wrong = set_text(json, "name", backend->service->name);

	wrong |= set_text(json, "state", backend->down ? "down" : "up");
	wrong |= json_object_set_new(json, "required",
				     json_boolean(backend->service->required));
	for (uint32_t i = 0; i < backend->host_count; i++)
		wrong |= json_array_append_new(
			hosts, host_json(pool, &pool->hosts[backend->first_host + i]));
	for (size_t i = 0; i < index_count(&pool->backend_groups, number); i++) {
		const struct group *group =
			&pool->groups[index_of(&pool->backend_groups, number)[i]];

		wrong |= json_array_append_new(
			needed, json_string_nocheck(
					lsvm_ipvs_key_text(&group->service->key, key)));
	}
	wrong |= json_object_set(json, "hosts", hosts);
	wrong |= json_object_set(json, "needed_by", needed);
	json_decref(hosts);
	json_decref(needed);
	if (!wrong)
		return json;
	json_decref(json);
	return NULL;
}

struct json_t *lsvm_pool_head_json(const struct pool *pool)
{
	json_t *json = json_object(), *backends = json_array();
	int wrong = 0;

	wrong |= set_number(json, "target_count", pool->target_count);
	wrong |= json_object_set_new(json, "settled",
				     json_boolean(lsvm_pool_is_settled(pool)));
	for (uint32_t i = 0; i < pool->backend_count; i++)
		wrong |= json_array_append_new(backends,
					       backend_json(pool, &pool->backends[i]));
	wrong |= json_object_set(json, "backends", backends);
	json_decref(backends);
	if (!wrong)
		return json;
	json_decref(json);
	return NULL;
}

struct json_t *lsvm_pool_services_json(const struct pool *pool, size_t first,
				       size_t count, uint64_t now_ns)
{
	json_t *services = json_array();

	for (size_t i = first; i < pool->group_count && i - first < count; i++)
		if (pool->groups[i].vip &&
		    json_array_append_new(
			    services, group_json(pool, &pool->groups[i], now_ns)) < 0) {
			json_decref(services);
			return NULL;
		}
	return services;
}

/* ---- for figures ---- */

size_t lsvm_pool_service_count(const struct pool *pool)
{
	return pool->group_count;
}

void lsvm_pool_service(const struct pool *pool, size_t service,
		       struct pool_service_facts *ret)
{
	const struct group *group = &pool->groups[service];

	*ret = (struct pool_service_facts){
		.key = &group->service->key,
		.partition = group->vip ? vip_partition(group->vip)->name : NULL,
		.vip = group->vip ? group->vip->name : NULL,
		.name = group->model ? group->model->name : NULL,
		.mode = mode_name(group->mode),
		.server_count = group->seat_count,
		.available_count = group->available_count,
		.quorum = group->quorum,
		.quorum_lost = group->quorum_lost,
	};
}

void lsvm_pool_service_server(const struct pool *pool, size_t service, size_t server,
			      struct pool_server_facts *ret)
{
	const struct seat *seat = &pool->seats[pool->groups[service].first_seat + server];

	*ret = (struct pool_server_facts){
		.server =
			seat->member == NONE
				? NULL
				: pool->servers[pool->members[seat->member].server].name,
		.destination = seat->destination,
		.state = seat_state(pool, seat),
		.weight = seat->weight,
		.in = seat->in,
	};
}

size_t lsvm_pool_backend_count(const struct pool *pool)
{
	return pool->backend_count;
}

const char *lsvm_pool_backend(const struct pool *pool, size_t backend, bool *ret_down)
{
	*ret_down = pool->backends[backend].down;
	return pool->backends[backend].service->name;
}
