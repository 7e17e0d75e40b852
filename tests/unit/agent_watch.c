/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A director that checks its servers, in a world of its own: who answers stays in the
 * table. */
#include "test.h"

#include "agent/agent.h"
#include "host/sim/world.h"

#include <stdio.h>
#include <stdlib.h>

#define CLUSTER(settings, servers)                                                       \
	"name: watched\n"                                                                \
	"networks:\n"                                                                    \
	"  - {name: front, subnets: 192.0.2.0/24, outside: true}\n"                      \
	"directors: [{name: eds1, interfaces: [{network: front, addresses: "             \
	"192.0.2.11}]}]\n"                                                               \
	"servers:\n"                                                                     \
	"  - {name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}]}\n"      \
	"  - {name: eps2, interfaces: [{network: front, addresses: 192.0.2.22}]}\n"      \
	"  - {name: eps3, interfaces: [{network: front, addresses: 192.0.2.23}]}\n"      \
	"partitions:\n"                                                                  \
	"  - name: web\n"                                                                \
	"    servers: [" servers "]\n"                                                   \
	"    checks: [{kind: tcp}]\n" settings                                           \
	"    vips: [{name: v, address: 192.0.2.100, services: [{ports: 80}]}]\n"

static struct lsvm_ctx *ctx;
static struct world *world;
static struct lsvm_host *host, *servers[3];
static struct lsvm_agent *agent;

static void good(int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(ctx));
}

static struct lsvm_cluster *load(const char *text)
{
	struct lsvm_cluster *cluster;

	good(lsvm_cluster_load(ctx, text, strlen(text), LSVM_FORMAT_YAML, NULL,
			       &cluster));
	return cluster;
}

static void serve(int server, enum behaviour behaviour)
{
	const struct behaviour_spec spec = { .behaviour = behaviour,
					     .protocol = LSVM_PROTOCOL_TCP,
					     .port = 80 };

	good(lsvm_world_serve(servers[server], &spec));
}

static void dispatch(void *arg)
{
	good(lsvm_agent_dispatch(arg));
}

static void start(const char *text)
{
	struct lsvm_cluster *cluster = load(text);

	good(lsvm_agent_new(host, cluster, "eds1", &agent));
	lsvm_cluster_unref(cluster);
	good(lsvm_agent_start(agent));
	lsvm_world_run(host, dispatch, agent);
}

static int begin(void **state)
{
	char name[8], text[32];

	good(lsvm_ctx_new(&ctx));
	good(lsvm_world_new(ctx, 1, &world));
	good(lsvm_world_network(world, "front", NULL));
	good(lsvm_world_machine(world, "eds1", &host));
	good(lsvm_world_plug(host, "eth0", "front"));
	for (int i = 0; i < 3; i++) {
		struct address address = { .interface = "eth0" };

		snprintf(name, sizeof(name), "eps%d", i + 1);
		snprintf(text, sizeof(text), "192.0.2.2%d/24", i + 1);
		lsvm_prefix_parse(text, &address.prefix);
		good(lsvm_world_machine(world, name, &servers[i]));
		good(lsvm_world_plug(servers[i], "eth0", "front"));
		good(lsvm_world_address(servers[i], &address));
		serve(i, BEHAVIOUR_ANSWER);
	}
	agent = NULL;
	return 0;
}

static int end(void **state)
{
	lsvm_agent_free(agent);
	lsvm_world_free(world);
	lsvm_ctx_unref(ctx);
	return 0;
}

static void pass(uint64_t ms)
{
	lsvm_world_advance(world, ms * IO_MS);
}

/* "21:1 22:1 23:0": the kernel's destinations of the one service, with weights. */
static const char *table(void)
{
	static char text[256];
	char addr[LSVM_ADDRESS_TEXT_BYTES];
	struct lsvm_ipvs_table *now;
	size_t used = 0;

	good(lsvm_host_ipvs_snapshot(host, &now));
	text[0] = '\0';
	for (size_t i = 0; i < now->services.items[0].destinations.count; i++) {
		const struct ipvs_destination *d =
			&now->services.items[0].destinations.items[i];

		lsvm_addr_text(&d->addr, addr);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s:%u",
					 i ? " " : "", strrchr(addr, '.') + 1, d->weight);
	}
	lsvm_ipvs_table_unref(now);
	return text;
}

static bool told(enum lsvm_event_kind kind, const char *subject, const char *word)
{
	struct lsvm_event *event;
	bool found = false;

	while (!found && lsvm_agent_next_event(agent, &event) == 1) {
		found = lsvm_event_kind(event) == (int)kind &&
			strstr(lsvm_event_subject(event), subject) &&
			strstr(lsvm_event_text(event), word);
		lsvm_event_free(event);
	}
	return found;
}

static void who_answers_stays(void **state)
{
	start(CLUSTER("", "eps1, eps2, eps3"));
	pass(20000);
	assert_string_equal(table(), "21:1 22:1 23:1");
	assert_false(told(LSVM_EVENT_SERVER_DOWN, "", ""));
}

static void who_refuses_is_removed_and_comes_back(void **state)
{
	start(CLUSTER("", "eps1, eps2, eps3"));
	pass(5000);
	serve(1, BEHAVIOUR_REFUSE);
	pass(4000);
	assert_string_equal(table(), "21:1 23:1");
	assert_true(told(LSVM_EVENT_SERVER_DOWN, "eps2", "refused"));
	pass(30000);
	assert_string_equal(table(), "21:1 23:1");
	assert_false(told(LSVM_EVENT_REPAIRED, "", ""));
	serve(1, BEHAVIOUR_ANSWER);
	pass(4000);
	assert_string_equal(table(), "21:1 22:1 23:1");
	assert_true(told(LSVM_EVENT_SERVER_UP, "eps2", ""));
}

static void who_is_silent_is_removed(void **state)
{
	start(CLUSTER("", "eps1, eps2, eps3"));
	pass(5000);
	lsvm_world_power(servers[0], false);
	pass(6000);
	assert_string_equal(table(), "22:1 23:1");
	assert_true(told(LSVM_EVENT_SERVER_DOWN, "eps1", ""));
}

static void when_all_look_dead_all_stay(void **state)
{
	start(CLUSTER("", "eps1, eps2, eps3"));
	pass(5000);
	for (int i = 0; i < 3; i++)
		serve(i, BEHAVIOUR_REFUSE);
	pass(6000);
	assert_string_equal(table(), "21:1 22:1 23:1");
	assert_true(told(LSVM_EVENT_FAIL_OPEN_ON, "", ""));
}

static void a_drained_server_keeps_its_place_without_weight(void **state)
{
	start(CLUSTER("", "eps1, eps2, eps3"));
	pass(5000);
	good(lsvm_agent_drain(agent, "eps3", NULL));
	assert_string_equal(table(), "21:1 22:1 23:0");
	assert_true(told(LSVM_EVENT_DRAINED, "eps3", ""));
	pass(30000);
	assert_string_equal(table(), "21:1 22:1 23:0");
	good(lsvm_agent_enable(agent, "eps3", "web"));
	pass(1000);
	assert_string_equal(table(), "21:1 22:1 23:1");
	assert_int_equal(lsvm_agent_drain(agent, "eps9", NULL), LSVM_ERR_NOT_FOUND);
}

static void a_hint_makes_the_return_quick(void **state)
{
	start(CLUSTER("", "eps1, eps2, eps3"));
	pass(5000);
	serve(1, BEHAVIOUR_REFUSE);
	pass(5000);
	assert_string_equal(table(), "21:1 23:1");
	serve(1, BEHAVIOUR_ANSWER);
	assert_true(lsvm_watch_hint(agent, "eps2"));
	pass(50);
	assert_string_equal(table(), "21:1 22:1 23:1");
	assert_false(lsvm_watch_hint(agent, "nobody"));
}

static void a_reload_keeps_verdicts_and_drains(void **state)
{
	struct lsvm_cluster *next;

	start(CLUSTER("", "eps1, eps2"));
	pass(5000);
	serve(1, BEHAVIOUR_REFUSE);
	good(lsvm_agent_drain(agent, "eps1", NULL));
	pass(5000);
	next = load(CLUSTER("", "{server: eps1, weight: 3}, eps2, eps3"));
	good(lsvm_agent_reload(agent, next));
	lsvm_cluster_unref(next);
	for (int i = 0; i < 40; i++) {
		pass(50);
		assert_null(strstr(table(), "22:"));
		assert_non_null(strstr(table(), "21:0"));
	}
	assert_string_equal(table(), "21:0 23:1");
}

static void a_changed_weight_is_in_force_at_once_and_nothing_else(void **state)
{
	struct lsvm_cluster *next;

	start(CLUSTER("", "eps1, eps2"));
	pass(5000);
	next = load(CLUSTER("", "{server: eps1, weight: 3}, eps3"));
	good(lsvm_agent_reload(agent, next));
	lsvm_cluster_unref(next);
	/* The record comes before what was not ours, and before what goes. */
	assert_string_equal(table(), "21:3 22:1");
	pass(5000);
	assert_string_equal(table(), "21:3 23:1");
}

static void somebody_elses_edit_is_undone_as_the_checks_have_it(void **state)
{
	start(CLUSTER("", "eps1, eps2, eps3"));
	pass(5000);
	serve(1, BEHAVIOUR_REFUSE);
	pass(5000);
	good(lsvm_host_ipvs_flush(host));
	pass(15000);
	assert_string_equal(table(), "21:1 23:1");
	assert_true(told(LSVM_EVENT_REPAIRED, "", ""));
}

/* The agent dies without a word, and another one starts. */
static void start_again(const char *text)
{
	lsvm_agent_free(agent);
	agent = NULL;
	start(text);
}

static void a_new_agent_does_not_bring_the_dead_back(void **state)
{
	const char *text = CLUSTER("", "eps1, eps2, eps3");

	start(text);
	pass(5000);
	serve(1, BEHAVIOUR_REFUSE);
	pass(5000);
	start_again(text);
	for (int i = 0; i < 300; i++) {
		assert_string_equal(table(), "21:1 23:1");
		pass(50);
	}
}

static void a_new_agent_finds_who_came_back_meanwhile(void **state)
{
	const char *text = CLUSTER("", "eps1, eps2, eps3");

	start(text);
	pass(5000);
	serve(1, BEHAVIOUR_REFUSE);
	pass(5000);
	serve(1, BEHAVIOUR_ANSWER);
	start_again(text);
	assert_string_equal(table(), "21:1 23:1");
	pass(4000);
	assert_string_equal(table(), "21:1 22:1 23:1");
	assert_false(told(LSVM_EVENT_REPAIRED, "", ""));
}

static void a_server_that_is_new_in_the_file_comes_soon(void **state)
{
	start(CLUSTER("", "eps1, eps2"));
	pass(5000);
	start_again(CLUSTER("", "eps1, eps2, eps3"));
	pass(4000);
	assert_string_equal(table(), "21:1 22:1 23:1");
}

/* Where the kernel has each, oldest first: "21 22 23". */
static const char *order(void)
{
	static char text[64];
	char addr[LSVM_ADDRESS_TEXT_BYTES];
	struct lsvm_ipvs_table *now;
	size_t used = 0, count;

	good(lsvm_host_ipvs_snapshot(host, &now));
	count = now->services.items[0].destinations.count;
	text[0] = '\0';
	for (size_t position = count; position > 0; position--)
		for (size_t i = 0; i < count; i++) {
			const struct ipvs_destination *d =
				&now->services.items[0].destinations.items[i];

			if (d->position != position)
				continue;
			lsvm_addr_text(&d->addr, addr);
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used ? " " : "", strrchr(addr, '.') + 1);
		}
	lsvm_ipvs_table_unref(now);
	return text;
}

static void hashed_destinations_stay_in_one_order(void **state)
{
	static const char pair[] = "redundancy: {connections: hash}\n"
				   "defaults: {scheduler: mh}\n"
				   "directors:\n"
				   "  - {name: eds1, interfaces: [{network: front, "
				   "addresses: 192.0.2.11}]}\n"
				   "  - {name: eds2, interfaces: [{network: front, "
				   "addresses: 192.0.2.12}]}\n";
	static const char one[] =
		"directors: [{name: eds1, interfaces: [{network: front, addresses: "
		"192.0.2.11}]}]\n";
	const char *text = CLUSTER("", "eps1, eps2, eps3"), *at = strstr(text, one);
	char both[4096];

	assert_non_null(at);
	snprintf(both, sizeof(both), "%.*s%s%s", (int)(at - text), text, pair,
		 at + strlen(one));
	start(both);
	pass(5000);
	assert_string_equal(order(), "21 22 23");
	serve(0, BEHAVIOUR_REFUSE);
	pass(5000);
	assert_string_equal(order(), "22 23");
	serve(0, BEHAVIOUR_ANSWER);
	pass(5000);
	assert_string_equal(order(), "21 22 23");
	assert_true(told(LSVM_EVENT_APPLIED, "eds1", "order of all directors"));
	assert_false(told(LSVM_EVENT_REPAIRED, "", ""));
}

static void dispatch_server(void *arg)
{
	good(lsvm_agent_dispatch(arg));
}

/* eps1 says of itself what it is, to a director that asks. */
static void a_server_reports_its_weight(void **state)
{
	const char *text = CLUSTER("", "eps1, eps2, eps3");
	char asking[4096];
	const char *at = strstr(text, "{kind: tcp}");
	struct lsvm_agent *server;
	struct lsvm_cluster *cluster;

	snprintf(asking, sizeof(asking), "%.*s{kind: agent, port: 7777}%s",
		 (int)(at - text), text, at + strlen("{kind: tcp}"));
	cluster = load(asking);
	good(lsvm_agent_new(servers[0], cluster, "eps1", &server));
	lsvm_cluster_unref(cluster);
	good(lsvm_agent_start(server));
	lsvm_world_run(servers[0], dispatch_server, server);
	start(asking);
	pass(8000);
	/* Nobody answers on the others. */
	assert_string_equal(table(), "21:1");
	assert_false(told(LSVM_EVENT_SERVER_DOWN, "eps1", ""));
	lsvm_agent_free(server);
}

static void the_status_has_pool_and_checks(void **state)
{
	char *text;

	start(CLUSTER("", "eps1, eps2, eps3"));
	pass(5000);
	good(lsvm_agent_status_to_json(agent, &text));
	assert_non_null(strstr(text, "\"pool\":"));
	assert_non_null(strstr(text, "\"checks\":[{"));
	assert_non_null(strstr(text, "tcp 192.0.2.22:80"));
	lsvm_free(text);
}

/* Two directors, so that there are cards to be watched. */
#define PAIR                                                                             \
	"name: pair\n"                                                                   \
	"networks:\n"                                                                    \
	"  - {name: front, subnets: 192.0.2.0/24, outside: true}\n"                      \
	"directors:\n"                                                                   \
	"  - {name: eds1, interfaces: [{network: front, addresses: 192.0.2.11}]}\n"      \
	"  - {name: eds2, interfaces: [{network: front, addresses: 192.0.2.12}]}\n"      \
	"servers:\n"                                                                     \
	"  - {name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}]}\n"      \
	"  - {name: eps2, interfaces: [{network: front, addresses: 192.0.2.22}]}\n"      \
	"  - {name: eps3, interfaces: [{network: front, addresses: 192.0.2.23}]}\n"      \
	"partitions:\n"                                                                  \
	"  - name: web\n"                                                                \
	"    servers: [eps1, eps2, eps3]\n"                                              \
	"    checks: [{kind: tcp}]\n"                                                    \
	"    vips: [{name: v, address: 192.0.2.100, services: [{ports: 80}]}]\n"

static void cut(bool is_cut)
{
	lsvm_world_cut(host, "eth0", is_cut ? CUT_CABLE : CUT_NONE);
}

static void a_director_that_was_cut_off_takes_nobody_for_dead_who_answers(void **state)
{
	start(PAIR);
	pass(5000);
	for (uint64_t away_ms = 500; away_ms < 12000; away_ms += 1500) {
		cut(true);
		pass(away_ms);
		cut(false);
		pass(10000);
		assert_string_equal(table(), "21:1 22:1 23:1");
	}
	assert_false(told(LSVM_EVENT_SERVER_DOWN, "", ""));
}

static void who_died_while_a_director_was_cut_off_is_found_out_after_it(void **state)
{
	start(PAIR);
	pass(5000);
	cut(true);
	pass(6000);
	lsvm_world_power(servers[1], false);
	pass(1000);
	cut(false);
	pass(1500);
	assert_string_equal(table(), "21:1 22:1 23:1");
	pass(5000);
	assert_string_equal(table(), "21:1 23:1");
	assert_true(told(LSVM_EVENT_SERVER_DOWN, "eps2", ""));
	/* And one that was known to be dead is so all the time. */
	cut(true);
	pass(6000);
	cut(false);
	pass(3000);
	assert_string_equal(table(), "21:1 23:1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_answers_stays),
		TEST(who_refuses_is_removed_and_comes_back),
		TEST(who_is_silent_is_removed),
		TEST(when_all_look_dead_all_stay),
		TEST(a_drained_server_keeps_its_place_without_weight),
		TEST(a_hint_makes_the_return_quick),
		TEST(a_reload_keeps_verdicts_and_drains),
		TEST(a_changed_weight_is_in_force_at_once_and_nothing_else),
		TEST(somebody_elses_edit_is_undone_as_the_checks_have_it),
		TEST(a_new_agent_does_not_bring_the_dead_back),
		TEST(a_new_agent_finds_who_came_back_meanwhile),
		TEST(a_server_that_is_new_in_the_file_comes_soon),
		TEST(hashed_destinations_stay_in_one_order),
		TEST(a_server_reports_its_weight),
		TEST(the_status_has_pool_and_checks),
		TEST(a_director_that_was_cut_off_takes_nobody_for_dead_who_answers),
		TEST(who_died_while_a_director_was_cut_off_is_found_out_after_it),
	};

	return RUN(tests);
}
