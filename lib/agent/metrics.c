/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Figures of an agent, family by family, piece by piece.
 *
 * The kernel's own counters need a look at its whole table, which cannot be done in
 * pieces. It is done when the table is small, and at most so often that it takes a
 * thousandth of the time: on a machine with thousands of services the figures come
 * without them.
 */
#include "agent/duty.h"
#include "agent/keep.h"
#include "agent/report.h"
#include "agent/watch.h"

#include <stdio.h>

#define ITEMS_AT_ONCE 32
#define SERVICES_AT_ONCE 4
/* Services and destinations of which a first look is known to be cheap. */
#define COUNTERS_MAX_ITEMS 500
#define COUNTERS_SHARE 1000

enum scope {
	SCOPE_AGENT, /* once */
	SCOPE_DIRECTOR,
	SCOPE_EVENTS,	/* for each kind */
	SCOPE_ROUTERS,	/* of VRRP */
	SCOPE_CHECKS,	/* for each target */
	SCOPE_SERVICES, /* for each virtual service */
	SCOPE_SERVERS,	/* for each server of each service */
	SCOPE_BACKENDS,
	SCOPE_COUNTERS, /* for each service and destination, as the kernel counts */
};

struct family {
	const char *name, *help;
	enum exposition_kind kind;
	enum scope scope;
};

enum family_id {
	FAMILY_INFO,
	FAMILY_START,
	FAMILY_APPLIED,
	FAMILY_REPAIRS,
	FAMILY_EVENTS,
	FAMILY_MASTER,
	FAMILY_TARGETS,
	FAMILY_SETTLED,
	FAMILY_VRRP_STATE,
	FAMILY_VRRP_TAKEOVERS,
	FAMILY_VRRP_SENT,
	FAMILY_VRRP_HEARD,
	FAMILY_VRRP_REFUSED,
	FAMILY_CHECK_UP,
	FAMILY_CHECK_PROBES,
	FAMILY_CHECK_FAILURES,
	FAMILY_CHECK_DURATION,
	FAMILY_SERVICE_SERVERS,
	FAMILY_SERVICE_AVAILABLE,
	FAMILY_SERVICE_QUORUM_LOST,
	FAMILY_SERVICE_SORRY,
	FAMILY_SERVICE_FAIL_OPEN,
	FAMILY_SERVER_UP,
	FAMILY_SERVER_DRAINED,
	FAMILY_SERVER_WEIGHT,
	FAMILY_BACKEND_UP,
	FAMILY_IPVS_ACTIVE,
	FAMILY_IPVS_INACTIVE,
	FAMILY_IPVS_CONNECTIONS,
	FAMILY_IPVS_IN_PACKETS,
	FAMILY_IPVS_OUT_PACKETS,
	FAMILY_IPVS_IN_BYTES,
	FAMILY_IPVS_OUT_BYTES,
	FAMILY_LEFT_OUT,
	FAMILY_COUNT
};

#define G EXPOSITION_GAUGE
#define C EXPOSITION_COUNTER
static const struct family families[FAMILY_COUNT] = {
	[FAMILY_INFO] = { "lsvm_agent_info", "What this agent is.", G, SCOPE_AGENT },
	[FAMILY_START] = { "lsvm_agent_start_time_seconds",
			   "When it was started, since 1970.", G, SCOPE_AGENT },
	[FAMILY_APPLIED] = { "lsvm_plan_applied",
			     "1 when the machine held its plan at the last look.", G,
			     SCOPE_AGENT },
	[FAMILY_REPAIRS] = { "lsvm_plan_repairs_total",
			     "What others had changed and was set right.", C,
			     SCOPE_AGENT },
	[FAMILY_EVENTS] = { "lsvm_events_total", "Events by kind.", C, SCOPE_EVENTS },
	[FAMILY_MASTER] = { "lsvm_director_master",
			    "1 while this director holds the virtual addresses.", G,
			    SCOPE_DIRECTOR },
	[FAMILY_TARGETS] = { "lsvm_checks", "Distinct targets that are probed.", G,
			     SCOPE_DIRECTOR },
	[FAMILY_SETTLED] = { "lsvm_checks_settled",
			     "1 once every target has had a verdict.", G,
			     SCOPE_DIRECTOR },
	[FAMILY_VRRP_STATE] = { "lsvm_vrrp_state",
				"1 for the state that the virtual router is in.", G,
				SCOPE_ROUTERS },
	[FAMILY_VRRP_TAKEOVERS] = { "lsvm_vrrp_takeovers_total",
				    "How often it became master.", C, SCOPE_ROUTERS },
	[FAMILY_VRRP_SENT] = { "lsvm_vrrp_adverts_sent_total", "Adverts sent.", C,
			       SCOPE_ROUTERS },
	[FAMILY_VRRP_HEARD] = { "lsvm_vrrp_adverts_heard_total", "Good adverts heard.", C,
				SCOPE_ROUTERS },
	[FAMILY_VRRP_REFUSED] = { "lsvm_vrrp_packets_refused_total",
				  "Packets that were refused, by reason.", C,
				  SCOPE_ROUTERS },
	[FAMILY_CHECK_UP] = { "lsvm_check_up",
			      "1 up, 0 down; missing until the first verdict.", G,
			      SCOPE_CHECKS },
	[FAMILY_CHECK_PROBES] = { "lsvm_check_probes_total", "Probes that ended.", C,
				  SCOPE_CHECKS },
	[FAMILY_CHECK_FAILURES] = { "lsvm_check_failures_total", "Probes that failed.", C,
				    SCOPE_CHECKS },
	[FAMILY_CHECK_DURATION] = { "lsvm_check_duration_seconds",
				    "How long the last probe took.", G, SCOPE_CHECKS },
	[FAMILY_SERVICE_SERVERS] = { "lsvm_service_servers",
				     "Servers that the plan gives the service.", G,
				     SCOPE_SERVICES },
	[FAMILY_SERVICE_AVAILABLE] = { "lsvm_service_servers_available",
				       "Of these, up and not drained.", G,
				       SCOPE_SERVICES },
	[FAMILY_SERVICE_QUORUM_LOST] = { "lsvm_service_quorum_lost",
					 "1 while fewer than the quorum are up.", G,
					 SCOPE_SERVICES },
	[FAMILY_SERVICE_SORRY] = { "lsvm_service_sorry",
				   "1 while the sorry server answers.", G,
				   SCOPE_SERVICES },
	[FAMILY_SERVICE_FAIL_OPEN] = { "lsvm_service_fail_open",
				       "1 while all servers look dead and all stay in.",
				       G, SCOPE_SERVICES },
	[FAMILY_SERVER_UP] = { "lsvm_server_up",
			       "0 while a check finds the server down for the service.",
			       G, SCOPE_SERVERS },
	[FAMILY_SERVER_DRAINED] = { "lsvm_server_drained", "1 while it is drained.", G,
				    SCOPE_SERVERS },
	[FAMILY_SERVER_WEIGHT] = { "lsvm_server_weight",
				   "Its weight now; 0 while it is out.", G,
				   SCOPE_SERVERS },
	[FAMILY_BACKEND_UP] = { "lsvm_backend_up",
				"0 while none of the back-end service's hosts is good.",
				G, SCOPE_BACKENDS },
	[FAMILY_IPVS_ACTIVE] = { "lsvm_ipvs_active_connections",
				 "Established connections.", G, SCOPE_COUNTERS },
	[FAMILY_IPVS_INACTIVE] = { "lsvm_ipvs_inactive_connections",
				   "Connections in any other state.", G, SCOPE_COUNTERS },
	[FAMILY_IPVS_CONNECTIONS] = { "lsvm_ipvs_connections_total",
				      "Connections that were scheduled.", C,
				      SCOPE_COUNTERS },
	[FAMILY_IPVS_IN_PACKETS] = { "lsvm_ipvs_in_packets_total", "Packets to servers.",
				     C, SCOPE_COUNTERS },
	[FAMILY_IPVS_OUT_PACKETS] = { "lsvm_ipvs_out_packets_total",
				      "Packets from servers through the director.", C,
				      SCOPE_COUNTERS },
	[FAMILY_IPVS_IN_BYTES] = { "lsvm_ipvs_in_bytes_total", "Bytes to servers.", C,
				   SCOPE_COUNTERS },
	[FAMILY_IPVS_OUT_BYTES] = { "lsvm_ipvs_out_bytes_total",
				    "Bytes from servers through the director.", C,
				    SCOPE_COUNTERS },
	[FAMILY_LEFT_OUT] = { "lsvm_metrics_left_out",
			      "Samples beyond the limit of 32 MiB of text.", G,
			      SCOPE_AGENT },
};
#undef G
#undef C

typedef const struct exposition_label labels_t[];

/* ---- one of each ---- */

static void agent_sample(struct lsvm_agent *agent, enum family_id family,
			 struct exposition *e)
{
	labels_t labels = { { "cluster", agent->aim.cluster->name },
			    { "machine", agent->aim.machine->name },
			    { "role", lsvm_role_name((int)agent->role) },
			    { "version", lsvm_version() },
			    { NULL, NULL } };
	const uint64_t up_ms = (agent_now(agent) - agent->started_ns) / IO_MS;

	if (family == FAMILY_INFO)
		lsvm_exposition_count(e, labels, 1);
	else if (family == FAMILY_START)
		lsvm_exposition_thousandths(e, NULL,
					    agent->io->wall_ms(agent->host) - up_ms);
	else if (family == FAMILY_APPLIED)
		lsvm_exposition_count(e, NULL, lsvm_keep_is_good(agent));
	else if (family == FAMILY_REPAIRS)
		lsvm_exposition_count(e, NULL,
				      agent->keep ? agent->keep->repair_count : 0);
	else
		lsvm_exposition_count(e, NULL, e->left_out);
}

static void director_sample(struct lsvm_agent *agent, enum family_id family,
			    struct exposition *e)
{
	const struct pool *pool = agent->watch->now.pool;

	if (family == FAMILY_MASTER)
		lsvm_exposition_count(e, NULL, lsvm_duty_now(agent) == LSVM_DUTY_MASTER);
	else if (family == FAMILY_TARGETS)
		lsvm_exposition_count(e, NULL, lsvm_pool_target_count(pool));
	else
		lsvm_exposition_count(e, NULL, lsvm_pool_is_settled(pool));
}

static void event_sample(const struct lsvm_agent *agent, size_t kind,
			 struct exposition *e)
{
	labels_t labels = { { "kind", lsvm_event_kind_name((int)kind) }, { NULL, NULL } };

	lsvm_exposition_count(e, labels, agent->kind_counts[kind]);
}

static void router_sample(const struct router *router, enum family_id family,
			  struct exposition *e)
{
	const struct vrrp_figures *figures = &router->vrrp.figures;

	if (family == FAMILY_VRRP_STATE) {
		for (int state = VRRP_INIT; state <= VRRP_FAULT; state++) {
			labels_t labels = { { "router", router->subject },
					    { "state", lsvm_vrrp_state_name(
							       (enum vrrp_state)state) },
					    { NULL, NULL } };

			lsvm_exposition_count(e, labels,
					      (int)router->vrrp.state == state);
		}
	} else if (family == FAMILY_VRRP_REFUSED) {
		for (int i = 1; i < VRRP_REFUSAL_COUNT; i++) {
			labels_t labels = { { "router", router->subject },
					    { "reason", lsvm_vrrp_refusal_name(
								(enum vrrp_refusal)i) },
					    { NULL, NULL } };

			lsvm_exposition_count(e, labels, figures->refused[i]);
		}
	} else {
		labels_t labels = { { "router", router->subject }, { NULL, NULL } };

		lsvm_exposition_count(e, labels,
				      family == FAMILY_VRRP_SENT    ? figures->sent
				      : family == FAMILY_VRRP_HEARD ? figures->heard
								    : figures->takeovers);
	}
}

static void check_sample(const struct watchlist *list, size_t at, enum family_id family,
			 struct exposition *e)
{
	const struct target *target = list->items[at].target;
	struct target_figures figures;
	char id[24];
	/* Names are for people; two checks may have the same. */
	labels_t labels = { { "check", lsvm_target_name(target) },
			    { "id", id },
			    { NULL, NULL } };

	if (at && list->items[at - 1].target == target)
		return;
	snprintf(id, sizeof(id), "%zu", list->items[at].index);
	lsvm_target_figures(target, &figures);
	if (family == FAMILY_CHECK_UP && lsvm_target_state(target) != TARGET_UNKNOWN)
		lsvm_exposition_count(e, labels, lsvm_target_state(target) == TARGET_UP);
	else if (family == FAMILY_CHECK_PROBES)
		lsvm_exposition_count(e, labels, figures.probe_count);
	else if (family == FAMILY_CHECK_FAILURES)
		lsvm_exposition_count(e, labels, figures.failure_count);
	else if (family == FAMILY_CHECK_DURATION)
		lsvm_exposition_millionths(e, labels, figures.last_duration_us);
}

static void service_sample(const struct pool_service_facts *facts, const char *key,
			   enum family_id family, struct exposition *e)
{
	labels_t labels = { { "service", key },
			    { "name", facts->name },
			    { "vip", facts->vip },
			    { "partition", facts->partition },
			    { NULL, NULL } };

	if (family == FAMILY_SERVICE_SERVERS)
		lsvm_exposition_count(e, labels, facts->server_count);
	else if (family == FAMILY_SERVICE_AVAILABLE)
		lsvm_exposition_count(e, labels, facts->available_count);
	else if (family == FAMILY_SERVICE_QUORUM_LOST)
		lsvm_exposition_count(e, labels, facts->quorum_lost);
	else if (family == FAMILY_SERVICE_SORRY)
		lsvm_exposition_count(e, labels, strcmp(facts->mode, "sorry") == 0);
	else
		lsvm_exposition_count(e, labels, strcmp(facts->mode, "fail-open") == 0);
}

static void server_samples(const struct pool *pool, size_t service,
			   const struct pool_service_facts *facts, const char *key,
			   enum family_id family, struct exposition *e)
{
	for (size_t i = 0; i < facts->server_count; i++) {
		struct pool_server_facts server;
		char address[LSVM_ADDRESS_TEXT_BYTES];
		labels_t labels = { { "service", key },
				    { "server", NULL },
				    { "address", address },
				    { NULL, NULL } };
		struct exposition_label named[ARRAY_SIZE(labels)];

		lsvm_pool_service_server(pool, service, i, &server);
		lsvm_endpoint_text(&server.destination->addr, server.destination->port,
				   address);
		memcpy(named, labels, sizeof(named));
		named[1].value = server.server;
		if (family == FAMILY_SERVER_UP)
			lsvm_exposition_count(e, named,
					      strcmp(server.state, "down") != 0);
		else if (family == FAMILY_SERVER_DRAINED)
			lsvm_exposition_count(e, named,
					      strcmp(server.state, "drained") == 0);
		else
			lsvm_exposition_count(e, named, server.in ? server.weight : 0);
	}
}

static uint64_t counter_of(const struct ipvs_counters *counters, enum family_id family)
{
	if (!counters)
		return 0;
	return family == FAMILY_IPVS_CONNECTIONS   ? counters->connections
	       : family == FAMILY_IPVS_IN_PACKETS  ? counters->in_packets
	       : family == FAMILY_IPVS_OUT_PACKETS ? counters->out_packets
	       : family == FAMILY_IPVS_IN_BYTES	   ? counters->in_bytes
						   : counters->out_bytes;
}

/* Of a service by all its destinations, whoever has added them. */
static void counter_samples(const struct ipvs_service *service, enum family_id family,
			    struct exposition *e)
{
	char key[LSVM_ADDRESS_TEXT_BYTES * 2], address[LSVM_ADDRESS_TEXT_BYTES];
	labels_t labels = { { "service", key }, { "address", address }, { NULL, NULL } };

	lsvm_ipvs_key_text(&service->key, key);
	for (size_t i = 0; i < service->destinations.count; i++) {
		const struct ipvs_destination *at = &service->destinations.items[i];

		lsvm_endpoint_text(&at->addr, at->port, address);
		lsvm_exposition_count(e, labels,
				      family == FAMILY_IPVS_ACTIVE ? at->active_count
				      : family == FAMILY_IPVS_INACTIVE
					      ? at->inactive_count
					      : counter_of(at->counters, family));
	}
}

/* ---- the families ---- */

static size_t scope_count(const struct lsvm_agent *agent, const struct report *report,
			  enum scope scope)
{
	const struct watch *watch = agent->watch;

	switch (scope) {
	case SCOPE_AGENT:
		return 1;
	case SCOPE_DIRECTOR:
		return watch != NULL;
	case SCOPE_EVENTS:
		return ARRAY_SIZE(agent->kind_counts) - 1;
	case SCOPE_ROUTERS:
		return agent->duty ? agent->duty->now.count : 0;
	case SCOPE_CHECKS:
		return watch ? watch->now.count : 0;
	case SCOPE_SERVICES:
	case SCOPE_SERVERS:
		return watch ? lsvm_pool_service_count(watch->now.pool) : 0;
	case SCOPE_BACKENDS:
		return watch ? lsvm_pool_backend_count(watch->now.pool) : 0;
	case SCOPE_COUNTERS:
		break;
	}
	return report->counters ? report->counters->services.count : 0;
}

static void pool_sample(const struct pool *pool, size_t at, enum family_id family,
			struct exposition *e)
{
	struct pool_service_facts facts;
	char key[LSVM_ADDRESS_TEXT_BYTES * 2];

	lsvm_pool_service(pool, at, &facts);
	if (!facts.vip)
		return;
	lsvm_ipvs_key_text(facts.key, key);
	if (families[family].scope == SCOPE_SERVICES)
		service_sample(&facts, key, family, e);
	else
		server_samples(pool, at, &facts, key, family, e);
}

static void backend_sample(const struct pool *pool, size_t at, struct exposition *e)
{
	bool down;
	const char *name = lsvm_pool_backend(pool, at, &down);
	labels_t labels = { { "backend", name }, { NULL, NULL } };

	lsvm_exposition_count(e, labels, !down);
}

static void one_sample(struct lsvm_agent *agent, struct report *report,
		       enum family_id family)
{
	struct exposition *e = &report->exposition;

	switch (families[family].scope) {
	case SCOPE_AGENT:
		agent_sample(agent, family, e);
		break;
	case SCOPE_DIRECTOR:
		director_sample(agent, family, e);
		break;
	case SCOPE_EVENTS:
		event_sample(agent, report->at + 1, e);
		break;
	case SCOPE_ROUTERS:
		router_sample(agent->duty->now.items[report->at], family, e);
		break;
	case SCOPE_CHECKS:
		check_sample(&agent->watch->now, report->at, family, e);
		break;
	case SCOPE_SERVICES:
	case SCOPE_SERVERS:
		pool_sample(agent->watch->now.pool, report->at, family, e);
		break;
	case SCOPE_BACKENDS:
		backend_sample(agent->watch->now.pool, report->at, e);
		break;
	case SCOPE_COUNTERS:
		counter_samples(&report->counters->services.items[report->at], family, e);
		break;
	}
}

static size_t table_items(const struct lsvm_agent *agent)
{
	const struct pool *pool = agent->watch->now.pool;
	size_t count = lsvm_pool_service_count(pool);

	for (size_t i = 0, n = count; i < n && count <= COUNTERS_MAX_ITEMS; i++) {
		struct pool_service_facts facts;

		lsvm_pool_service(pool, i, &facts);
		count += facts.server_count;
	}
	return count;
}

static void look_at_counters(struct lsvm_agent *agent, struct report *report)
{
	const uint64_t before = agent_now(agent);

	if (!agent->watch || before < agent->counters_ns ||
	    table_items(agent) > COUNTERS_MAX_ITEMS)
		return;
	/* Whatever is wrong with the kernel's table, others say it. */
	if (lsvm_host_ipvs_snapshot(agent->host, &report->counters) < 0)
		report->counters = NULL;
	agent->counters_ns =
		agent_now(agent) + (agent_now(agent) - before) * COUNTERS_SHARE;
}

int lsvm_metrics_next(struct lsvm_agent *agent, struct report *report, struct buf *out)
{
	struct exposition *e = &report->exposition;
	enum family_id id = (enum family_id)report->stage;
	const struct family *family = &families[id];
	size_t from = e->text.length, left = ITEMS_AT_ONCE, count;

	if (family->scope == SCOPE_SERVERS || family->scope == SCOPE_COUNTERS)
		left = SERVICES_AT_ONCE;
	if (id == FAMILY_INFO)
		look_at_counters(agent, report);
	count = scope_count(agent, report, family->scope);
	if (!report->at && count)
		lsvm_exposition_family(e, family->name, family->kind, family->help);
	for (; left && report->at < count; left--, report->at++)
		one_sample(agent, report, id);
	if (report->at >= count) {
		report->stage++;
		report->at = 0;
	}
	if (e->text.failed)
		return LSVM_ERR_NOMEM;
	lsvm_buf_add(out, e->text.data + from, e->text.length - from);
	return report->stage < FAMILY_COUNT;
}
