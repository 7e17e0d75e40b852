/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Agents among each other, in a world with virtual time: servers announce themselves, and
 * a director that comes back knows the other one's connections before it takes over.
 */
#include "agent/agent.h"
#include "agent/peer.h"
#include "host/sim/sim.h"
#include "host/sim/world.h"
#include "test.h"

#include <netinet/in.h>
#include <stdio.h>

#define KEY_PATH "/etc/svm/cluster.key"
#define CLIENTS 100

static const char document[] =
	"name: pair\n"
	"networks:\n"
	"  - {name: outside, subnets: 10.9.0.0/24, outside: true}\n"
	"  - {name: front, subnets: 192.0.2.0/24}\n"
	"routers:\n"
	"  - name: r1\n"
	"    interfaces: [{network: outside, addresses: 10.9.0.1}, {network: front, "
	"addresses: 192.0.2.1}]\n"
	"directors:\n"
	"  - {name: eds1, interfaces: [{network: front, addresses: 192.0.2.11}]}\n"
	"  - {name: eds2, interfaces: [{network: front, addresses: 192.0.2.12}]}\n"
	"servers:\n"
	"  - {name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}]}\n"
	"  - {name: eps2, interfaces: [{network: front, addresses: 192.0.2.22}]}\n"
	"partitions: [{name: web, scheduler: rr, servers: [eps1, eps2], vips: "
	"[{address: 192.0.2.100, domains: [www.example]}]}]\n"
	"redundancy: {advert_interval_ms: 100, connections: sync}\n";

static struct lsvm_ctx *ctx;
static struct lsvm_cluster *cluster;
static struct world *world;

struct machine_at {
	struct lsvm_host *host;
	struct lsvm_agent *agent;
};
static struct machine_at eds1, eds2, eps1, eps2;
static const struct behaviour_spec web = { .behaviour = BEHAVIOUR_ANSWER,
					   .protocol = LSVM_PROTOCOL_TCP,
					   .port = 80,
					   .greeting = "" };

static void good(int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(ctx));
}

static struct addr addr(const char *text)
{
	struct addr ret;

	assert_true(lsvm_addr_parse(text, &ret));
	return ret;
}

static void make(struct machine_at *at, const char *name, const char *prefix)
{
	struct address own = { .interface = "eth0" };

	good(lsvm_world_machine(world, name, &at->host));
	good(lsvm_world_plug(at->host, "eth0", "front"));
	assert_true(lsvm_prefix_parse(prefix, &own.prefix));
	good(lsvm_world_address(at->host, &own));
}

static void write_key(struct machine_at *at, const struct peer_key *key)
{
	char text[PEER_KEY_TEXT_BYTES];
	struct file file = { .path = KEY_PATH, .mode = 0600, .content = text };
	struct step step = { .kind = STEP_FILE_WRITE, .file = &file };
	size_t done;

	lsvm_peer_key_text(key, text);
	file.length = strlen(text);
	good(lsvm_host_perform(at->host, &step, 1, &done));
}

static int begin(void **state)
{
	struct lsvm_findings *findings;

	good(lsvm_ctx_new(&ctx));
	good(lsvm_findings_new(ctx, &findings));
	good(lsvm_cluster_load(ctx, document, strlen(document), LSVM_FORMAT_YAML,
			       findings, &cluster));
	lsvm_findings_free(findings);
	good(lsvm_world_new(ctx, 3, &world));
	make(&eds1, "eds1", "192.0.2.11/24");
	make(&eds2, "eds2", "192.0.2.12/24");
	make(&eps1, "eps1", "192.0.2.21/24");
	make(&eps2, "eps2", "192.0.2.22/24");
	good(lsvm_world_serve(eps1.host, &web));
	good(lsvm_world_serve(eps2.host, &web));
	return 0;
}

static void end(struct machine_at *at)
{
	lsvm_agent_free(at->agent);
	at->agent = NULL;
}

static int finish(void **state)
{
	end(&eds1);
	end(&eds2);
	end(&eps1);
	assert_false(lsvm_world_failed(world));
	lsvm_world_free(world);
	lsvm_cluster_unref(cluster);
	lsvm_ctx_unref(ctx);
	return 0;
}

static void dispatch(void *arg)
{
	good(lsvm_agent_dispatch(arg));
}

static const struct peer_key cluster_key = { .is_cluster = true, .bytes = { 1, 2, 3 } };

static void start(struct machine_at *at, const struct peer_key *key)
{
	good(lsvm_agent_new(at->host, cluster, lsvm_host_name(at->host), &at->agent));
	if (key) {
		write_key(at, key);
		good(lsvm_agent_set(at->agent, LSVM_AGENT_KEY, KEY_PATH));
	}
	good(lsvm_agent_start(at->agent));
	lsvm_world_run(at->host, dispatch, at->agent);
}

static void pass(uint64_t ms)
{
	lsvm_world_advance(world, ms * IO_MS);
}

static bool is_master(const struct machine_at *at)
{
	const struct addr vip = addr("192.0.2.100");

	return lsvm_world_has(at->host, &vip);
}

/* Pulls all events; whether one of the kind has that in its text. */
static bool told(const struct machine_at *at, int kind, const char *text)
{
	struct lsvm_event *event;
	bool found = false;

	while (lsvm_agent_next_event(at->agent, &event) == 1) {
		found |= lsvm_event_kind(event) == kind &&
			 strstr(lsvm_event_text(event), text) != NULL;
		lsvm_event_free(event);
	}
	return found;
}

static struct sim_flow flow(uint16_t i)
{
	const struct addr vip = addr("192.0.2.100");
	struct sim_flow ret = { .family = 2,
				.protocol = IPPROTO_TCP,
				.client = { 10, 9, 0, 9 },
				.client_port = (uint16_t)(20000 + i),
				.virtual_port = 80 };

	memcpy(ret.virtual, vip.bytes, 4);
	return ret;
}

static void connect_clients(const struct machine_at *at, struct addr *ret)
{
	for (uint16_t i = 0; i < CLIENTS; i++) {
		const struct sim_flow packet = flow(i);
		struct sim_dest *dest = NULL;

		assert_int_equal(lsvm_sim_packet((struct sim_host *)at->host, &packet, 0,
						 true, &dest),
				 LSVM_ANSWER_SERVER);
		memcpy(ret[i].bytes, dest->name.addr, 4);
	}
}

/* How many of them go on at the same server at this director. */
static unsigned goes_on(const struct machine_at *at, const struct addr *servers)
{
	unsigned count = 0;

	for (uint16_t i = 0; i < CLIENTS; i++) {
		const struct sim_flow packet = flow(i);
		struct sim_dest *dest = NULL;

		count += lsvm_sim_packet((struct sim_host *)at->host, &packet, 0, false,
					 &dest) == LSVM_ANSWER_SERVER &&
			 memcmp(dest->name.addr, servers[i].bytes, 4) == 0;
	}
	return count;
}

static void who_comes_back_knows_all_connections_before_it_takes_over(void **state)
{
	struct addr servers[CLIENTS];

	start(&eds2, &cluster_key);
	pass(11000);
	assert_true(is_master(&eds2));
	connect_clients(&eds2, servers);
	start(&eds1, &cluster_key);
	/* Its priority is the higher one, and it has been told when it takes over. */
	for (int i = 0; i < 4000 && !is_master(&eds1); i++)
		pass(1);
	assert_true(is_master(&eds1));
	assert_int_equal(goes_on(&eds1, servers), CLIENTS);
	assert_true(told(&eds1, LSVM_EVENT_SYNCED, "told 100 by the other director"));
	pass(200);
	assert_false(is_master(&eds2));
}

static void what_came_last_is_told_at_the_handover(void **state)
{
	struct addr servers[CLIENTS];
	uint64_t held_ns = 0;

	start(&eds2, &cluster_key);
	pass(11000);
	start(&eds1, &cluster_key);
	/* Told of nothing, it waits for its time to preempt. */
	pass(100);
	assert_true(is_master(&eds2));
	connect_clients(&eds2, servers);
	/* At the very event that gives it the address it knows them all; nobody had it
	 * for no longer than the rest was told. */
	while (!is_master(&eds1) && lsvm_world_step(world, 20000 * IO_MS))
		if (is_master(&eds2))
			held_ns = lsvm_world_now(world);
	assert_true(is_master(&eds1));
	assert_true(lsvm_world_now(world) - held_ns < 10 * IO_MS);
	assert_int_equal(goes_on(&eds1, servers), CLIENTS);
	pass(200);
	assert_false(is_master(&eds2));
}

static void without_an_answer_it_goes_on_alone(void **state)
{
	start(&eds2, NULL);
	pass(2000);
	assert_true(is_master(&eds2));
	start(&eds1, &cluster_key);
	pass(8000);
	assert_true(is_master(&eds2));
	pass(4000);
	assert_true(is_master(&eds1));
	assert_false(is_master(&eds2));
}

static void a_master_that_dies_is_followed_though_nothing_was_told(void **state)
{
	start(&eds1, &cluster_key);
	pass(1000);
	assert_true(is_master(&eds1));
	assert_true(lsvm_peer_holds_back(eds1.agent));
}

static uint32_t weight_at(const struct machine_at *at, const char *server)
{
	const struct lsvm_ipvs_table *table = lsvm_watch_table(at->agent);
	const struct addr named = addr(server);

	for (size_t i = 0; i < table->services.items[0].destinations.count; i++) {
		const struct ipvs_destination *to =
			&table->services.items[0].destinations.items[i];

		if (lsvm_addr_compare(&to->addr, &named) == 0)
			return to->weight;
	}
	fail_msg("%s is no destination", server);
	return 0;
}

static void a_server_says_that_it_is_back_and_that_it_goes(void **state)
{
	struct peer_key own;

	start(&eds1, &cluster_key);
	start(&eds2, &cluster_key);
	pass(12000);
	assert_true(lsvm_peer_key_of(&cluster_key, "eps1", &own));
	start(&eps1, &own);
	pass(20);
	assert_true(told(&eds1, LSVM_EVENT_SIGNAL, "says that it is back"));
	assert_true(told(&eds2, LSVM_EVENT_SIGNAL, "says that it is back"));
	good(lsvm_agent_stop(eps1.agent));
	pass(20);
	assert_true(lsvm_agent_is_finished(eps1.agent));
	assert_true(told(&eds1, LSVM_EVENT_SIGNAL, "says that it goes"));
	assert_int_equal(weight_at(&eds1, "192.0.2.21"), 0);
	assert_int_equal(weight_at(&eds1, "192.0.2.22"), 1);
	/* Back again. */
	end(&eps1);
	start(&eps1, &own);
	pass(20);
	assert_int_equal(weight_at(&eds1, "192.0.2.21"), 1);
	/* What an operator drained stays so; and who goes and is still there after a
	 * while is judged by checks alone. */
	good(lsvm_agent_stop(eps1.agent));
	pass(20);
	good(lsvm_agent_drain(eds1.agent, "eps1", NULL));
	pass(PEER_LEAVING_NS / IO_MS + 100);
	assert_int_equal(eds1.agent->peer->leaving.count, 0);
	assert_int_equal(weight_at(&eds1, "192.0.2.21"), 0);
	assert_int_equal(weight_at(&eds2, "192.0.2.21"), 1);
	good(lsvm_agent_enable(eds1.agent, "eps1", NULL));
	pass(20);
	assert_int_equal(weight_at(&eds1, "192.0.2.21"), 1);
}

static bool is_in(const struct machine_at *at, const char *server)
{
	const struct lsvm_ipvs_table *table = lsvm_watch_table(at->agent);
	const struct addr named = addr(server);

	for (size_t i = 0; i < table->services.items[0].destinations.count; i++)
		if (lsvm_addr_compare(
			    &table->services.items[0].destinations.items[i].addr,
			    &named) == 0)
			return true;
	return false;
}

/* How long it takes until a server that was dead gets clients again. */
static uint64_t return_ms(bool signals)
{
	const struct behaviour_spec dead = { .behaviour = BEHAVIOUR_REFUSE,
					     .protocol = LSVM_PROTOCOL_TCP,
					     .port = 80 };
	struct peer_key own;
	uint64_t begin;

	start(&eds1, &cluster_key);
	start(&eds2, &cluster_key);
	good(lsvm_world_serve(eps1.host, &dead));
	/* Its checks are just between two probes when it comes back. */
	pass(12000);
	assert_false(is_in(&eds1, "192.0.2.21"));
	good(lsvm_world_serve(eps1.host, &web));
	begin = lsvm_world_now(world);
	assert_true(lsvm_peer_key_of(&cluster_key, "eps1", &own));
	if (signals)
		start(&eps1, &own);
	while (!is_in(&eds1, "192.0.2.21") || !is_in(&eds2, "192.0.2.21"))
		pass(1);
	return (lsvm_world_now(world) - begin) / IO_MS;
}

static void a_server_that_signals_is_back_at_once(void **state)
{
	assert_in_range(return_ms(true), 0, 20);
}

static void without_a_signal_the_checks_find_it(void **state)
{
	assert_in_range(return_ms(false), 500, 2500);
}

static void a_key_that_is_not_the_machine_s_keeps_its_agent_from_starting(void **state)
{
	struct peer_key other;

	assert_true(lsvm_peer_key_of(&cluster_key, "eps2", &other));
	write_key(&eps1, &other);
	good(lsvm_agent_new(eps1.host, cluster, "eps1", &eps1.agent));
	good(lsvm_agent_set(eps1.agent, LSVM_AGENT_KEY, KEY_PATH));
	assert_int_equal(lsvm_agent_start(eps1.agent), LSVM_ERR_ARGUMENT);
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "the key of 'eps2'"));
}

static void nobody_without_a_key_is_heard_and_that_is_said_once(void **state)
{
	const struct peer_key wrong = { .is_cluster = true, .bytes = { 9 } };
	struct peer_key own;

	start(&eds1, &cluster_key);
	pass(12000);
	told(&eds1, LSVM_EVENT_REFUSED, "");
	assert_true(lsvm_peer_key_of(&wrong, "eps1", &own));
	start(&eps1, &own);
	pass(9000);
	assert_true(told(&eds1, LSVM_EVENT_REFUSED,
			 "192.0.2.21 is not heard: signed "
			 "with another key"));
	assert_true(eds1.agent->peer->refused_count > 3);
	pass(3000);
	assert_false(told(&eds1, LSVM_EVENT_REFUSED, ""));
	assert_true(told(&eps1, LSVM_EVENT_FAILED, "did not answer"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_comes_back_knows_all_connections_before_it_takes_over),
		TEST(what_came_last_is_told_at_the_handover),
		TEST(without_an_answer_it_goes_on_alone),
		TEST(a_master_that_dies_is_followed_though_nothing_was_told),
		TEST(a_server_says_that_it_is_back_and_that_it_goes),
		TEST(a_server_that_signals_is_back_at_once),
		TEST(without_a_signal_the_checks_find_it),
		TEST(a_key_that_is_not_the_machine_s_keeps_its_agent_from_starting),
		TEST(nobody_without_a_key_is_heard_and_that_is_said_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
