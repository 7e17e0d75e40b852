/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines that wait in a world: channels, networks, faults, the end of a process. */
#include "host/sim/world.h"
#include "test.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define MS IO_MS
#define TEXT_BYTES 4096

static struct lsvm_ctx *ctx;
static struct world *world;
static struct lsvm_host *router, *a, *b, *server;
static char heard[TEXT_BYTES];

static void good(int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(ctx));
}

static void bad(int expected, int err)
{
	assert_string_equal(lsvm_err_name(err), lsvm_err_name(expected));
}

static struct addr addr(const char *text)
{
	struct addr ret;

	assert_true(lsvm_addr_parse(text, &ret));
	return ret;
}

static struct address on(const char *interface, const char *prefix)
{
	struct address ret = { 0 };

	strncpy(ret.interface, interface, INTERFACE_BYTES - 1);
	assert_true(lsvm_prefix_parse(prefix, &ret.prefix));
	return ret;
}

static struct lsvm_host *machine(const char *name, const char *prefix)
{
	const struct address own = on("eth0", prefix);
	struct lsvm_host *host;

	good(lsvm_world_machine(world, name, &host));
	good(lsvm_world_plug(host, "eth0", "front"));
	good(lsvm_world_address(host, &own));
	return host;
}

static int begin(void **state)
{
	good(lsvm_ctx_new(&ctx));
	good(lsvm_world_new(ctx, 7, &world));
	router = machine("r1", "192.0.2.1/24");
	a = machine("eds1", "192.0.2.11/24");
	b = machine("eds2", "192.0.2.12/24");
	server = machine("eps1", "192.0.2.21/24");
	heard[0] = '\0';
	return 0;
}

static int finish(void **state)
{
	assert_false(lsvm_world_failed(world));
	lsvm_world_free(world);
	lsvm_ctx_unref(ctx);
	return 0;
}

static struct channel *open_at(struct lsvm_host *host, struct channel_spec spec)
{
	struct channel *channel;

	good(host->ops->io->open(host, &spec, NULL, &channel));
	return channel;
}

static struct channel *tcp(struct lsvm_host *host, const char *to, uint16_t port)
{
	return open_at(host, (struct channel_spec){ .kind = CHANNEL_TCP,
						    .remote = addr(to),
						    .remote_port = port,
						    .reset = true });
}

/* What the process is told, as words. */
static const char *facts(struct lsvm_host *host)
{
	static const char *const words[] = {
		"nothing",  "connected", "bytes", "ended",   "failed",
		"accepted", "exited",	 "link",  "request", "drained",
	};
	struct io_event event;
	size_t length = 0;

	heard[0] = '\0';
	while (host->ops->io->next(host, &event)) {
		length += (size_t)snprintf(heard + length, TEXT_BYTES - length, "%s%s",
					   length ? ", " : "", words[event.fact]);
		if (event.fact == IO_BYTES)
			length += (size_t)snprintf(heard + length, TEXT_BYTES - length,
						   " %.*s", (int)event.length,
						   (const char *)event.bytes);
		if (event.fact == IO_FAILED || event.fact == IO_LINK)
			length += (size_t)snprintf(heard + length, TEXT_BYTES - length,
						   " %s", event.text);
		if (event.fact == IO_LINK || event.fact == IO_EXITED)
			length += (size_t)snprintf(heard + length, TEXT_BYTES - length,
						   " %d", event.status);
	}
	return heard;
}

static void serve(struct lsvm_host *host, enum behaviour behaviour, const char *answer)
{
	good(lsvm_world_serve(host,
			      &(struct behaviour_spec){ .behaviour = behaviour,
							.protocol = LSVM_PROTOCOL_TCP,
							.port = 80,
							.answer = answer }));
}

static void advance_ms(uint64_t ms)
{
	lsvm_world_advance(world, ms * MS);
}

static void send_text(struct lsvm_host *host, struct channel *channel, const char *text)
{
	assert_true(host->ops->io->send(host, channel, text, strlen(text), NULL, 0));
}

/* ---- connections ---- */

static void a_server_that_listens_is_connected_to_and_answers(void **state)
{
	struct channel *channel;

	serve(server, BEHAVIOUR_ANSWER, "pong");
	channel = tcp(a, "192.0.2.21", 80);
	assert_string_equal(facts(a), "");
	advance_ms(1);
	assert_string_equal(facts(a), "connected");
	send_text(a, channel, "ping");
	advance_ms(1);
	assert_string_equal(facts(a), "bytes pong");
	a->ops->io->close(a, channel);
	advance_ms(10);
	assert_string_equal(facts(a), "");
	assert_int_equal(lsvm_world_served(server), 2);
}

static void nobody_listens_is_refused(void **state)
{
	struct channel *channel = tcp(a, "192.0.2.21", 80);

	advance_ms(1);
	assert_string_equal(facts(a), "failed connection refused");
	a->ops->io->close(a, channel);
}

static void an_address_that_nobody_has_is_unreachable_after_three_seconds(void **state)
{
	struct channel *channel = tcp(a, "192.0.2.99", 80);

	advance_ms(2990);
	assert_string_equal(facts(a), "");
	advance_ms(20);
	assert_string_equal(facts(a), "failed no way there");
	a->ops->io->close(a, channel);
	tcp(a, "203.0.113.1", 80);
	assert_string_equal(facts(a), "failed no way there");
}

static void silence_ends_with_a_timeout_after_two_minutes(void **state)
{
	serve(server, BEHAVIOUR_SILENT, NULL);
	tcp(a, "192.0.2.21", 80);
	advance_ms(126000);
	assert_string_equal(facts(a), "");
	advance_ms(2000);
	assert_string_equal(facts(a), "failed timed out");
}

static void who_is_wedged_accepts_and_says_nothing(void **state)
{
	struct channel *channel;

	serve(server, BEHAVIOUR_WEDGED, "pong");
	channel = tcp(a, "192.0.2.21", 80);
	advance_ms(1);
	assert_string_equal(facts(a), "connected");
	send_text(a, channel, "ping");
	advance_ms(60000);
	assert_string_equal(facts(a), "");
}

static void lost_packets_are_sent_again(void **state)
{
	const struct weather storm = { .delay_ns = MS, .loss_ppm = 300000 };
	struct channel *channel;

	serve(server, BEHAVIOUR_ANSWER, "pong");
	good(lsvm_world_network(world, "front", &storm));
	channel = tcp(a, "192.0.2.21", 80);
	advance_ms(60000);
	assert_string_equal(facts(a), "connected");
	for (int i = 0; i < 20; i++)
		send_text(a, channel, "ping");
	advance_ms(60000);
	facts(a);
	assert_int_equal(strlen(heard), 20 * strlen("bytes pong, ") - 2);
}

static void a_program_that_ends_resets_its_connections(void **state)
{
	serve(server, BEHAVIOUR_ANSWER, "pong");
	tcp(a, "192.0.2.21", 80);
	advance_ms(1);
	serve(server, BEHAVIOUR_REFUSE, NULL);
	advance_ms(1);
	assert_string_equal(facts(a), "connected, failed connection reset");
}

static void after_a_failure_of_power_nobody_knows_the_connection(void **state)
{
	struct channel *channel;

	serve(server, BEHAVIOUR_ANSWER, "pong");
	channel = tcp(a, "192.0.2.21", 80);
	advance_ms(1);
	lsvm_world_power(server, false);
	assert_false(lsvm_world_has_power(server));
	send_text(a, channel, "ping");
	advance_ms(100);
	assert_string_equal(facts(a), "connected");
	lsvm_world_power(server, true);
	advance_ms(10000);
	assert_string_equal(facts(a), "failed connection reset");
}

static void processes_talk_to_each_other(void **state)
{
	struct channel *listener = open_at(
		b, (struct channel_spec){ .kind = CHANNEL_LISTEN_TCP, .local_port = 9 });
	struct channel *mine = tcp(a, "192.0.2.12", 9), *theirs = NULL;
	struct io_event event;

	advance_ms(1);
	assert_true(b->ops->io->next(b, &event));
	assert_int_equal(event.fact, IO_ACCEPTED);
	assert_ptr_equal(event.channel, listener);
	theirs = event.accepted;
	b->ops->io->adopt(b, theirs, &theirs);
	assert_string_equal(facts(a), "connected");
	send_text(a, mine, "hello");
	advance_ms(1);
	assert_true(b->ops->io->next(b, &event));
	assert_ptr_equal(event.owner, &theirs);
	send_text(b, theirs, "bye");
	b->ops->io->close(b, theirs);
	advance_ms(1);
	assert_string_equal(facts(a), "bytes bye, ended");
}

static void who_is_killed_is_missed_by_the_peer(void **state)
{
	struct channel *mine;

	open_at(b, (struct channel_spec){ .kind = CHANNEL_LISTEN_TCP, .local_port = 9 });
	mine = tcp(a, "192.0.2.12", 9);
	advance_ms(1);
	facts(b);
	lsvm_world_kill(b);
	assert_true(lsvm_world_is_dead(b));
	advance_ms(1);
	assert_string_equal(facts(a), "connected, ended");
	a->ops->io->close(a, mine);
	tcp(a, "192.0.2.12", 9);
	advance_ms(1);
	assert_string_equal(facts(a), "failed connection refused");
}

/* ---- datagrams ---- */

static struct channel *vrrp(struct lsvm_host *host)
{
	return open_at(host, (struct channel_spec){ .kind = CHANNEL_VRRP,
						    .remote = { .family = 4 },
						    .interface = "eth0" });
}

static void routers_hear_each_other_until_a_cable_is_cut(void **state)
{
	struct channel *from = vrrp(a);

	vrrp(b);
	send_text(a, from, "one");
	advance_ms(1);
	assert_string_equal(facts(b), "bytes one");
	assert_string_equal(facts(a), "");
	assert_true(lsvm_world_hears(a, b, "front"));
	lsvm_world_cut(b, NULL, CUT_SILENT);
	assert_false(lsvm_world_hears(a, b, NULL));
	send_text(a, from, "two");
	advance_ms(1);
	lsvm_world_cut(b, "eth0", CUT_NONE);
	good(lsvm_world_block(a, b, true));
	send_text(a, from, "three");
	advance_ms(1);
	assert_string_equal(facts(b), "");
	good(lsvm_world_block(a, b, false));
	send_text(a, from, "four");
	advance_ms(1);
	assert_string_equal(facts(b), "bytes four");
}

static void duplicates_arrive_twice(void **state)
{
	const struct weather twice = { .duplicate_ppm = 1000000 };
	struct channel *from = vrrp(a);

	vrrp(b);
	good(lsvm_world_network(world, "front", &twice));
	send_text(a, from, "x");
	advance_ms(1);
	assert_string_equal(facts(b), "bytes x, bytes x");
}

static void a_cable_is_told_by_its_card(void **state)
{
	open_at(a, (struct channel_spec){ .kind = CHANNEL_LINKS });
	assert_string_equal(facts(a), "link lo 1, link eth0 1");
	lsvm_world_cut(a, NULL, CUT_CABLE);
	lsvm_world_cut(a, NULL, CUT_CABLE);
	assert_string_equal(facts(a), "link eth0 0");
	lsvm_world_cut(a, NULL, CUT_NONE);
	lsvm_world_cut(a, NULL, CUT_SILENT);
	assert_string_equal(facts(a), "link eth0 1");
}

static void machines_answer_a_ping_while_they_have_power(void **state)
{
	struct channel *ping =
		open_at(a, (struct channel_spec){ .kind = CHANNEL_PING,
						  .remote = addr("192.0.2.21") });

	send_text(a, ping, "1");
	advance_ms(1);
	lsvm_world_power(server, false);
	send_text(a, ping, "2");
	advance_ms(1);
	assert_string_equal(facts(a), "bytes 1");
}

static void a_datagram_to_a_closed_port_is_refused_and_the_channel_lives(void **state)
{
	struct channel *udp =
		open_at(a, (struct channel_spec){ .kind = CHANNEL_UDP,
						  .remote = addr("192.0.2.12"),
						  .remote_port = 53 });

	send_text(a, udp, "1");
	advance_ms(1);
	assert_string_equal(facts(a), "failed connection refused");
	open_at(b, (struct channel_spec){ .kind = CHANNEL_LISTEN_UDP, .local_port = 53 });
	send_text(a, udp, "2");
	advance_ms(1);
	assert_string_equal(facts(b), "bytes 2");
}

/* ---- neighbours ---- */

static void clients_follow_an_announcement(void **state)
{
	const struct address vip = on("eth0", "192.0.2.100/32");
	const struct step add = { .kind = STEP_ADDRESS_ADD, .address = &vip };
	const struct step drop = { .kind = STEP_ADDRESS_DELETE, .address = &vip };
	size_t done;

	serve(a, BEHAVIOUR_ANSWER, NULL);
	serve(b, BEHAVIOUR_ANSWER, NULL);
	good(lsvm_host_perform(a, &add, 1, &done));
	tcp(router, "192.0.2.100", 80);
	advance_ms(1);
	assert_int_equal(lsvm_world_served(a), 1);
	good(lsvm_host_perform(a, &drop, 1, &done));
	good(lsvm_host_perform(b, &add, 1, &done));
	assert_true(lsvm_world_has(b, &vip.prefix.addr));
	tcp(router, "192.0.2.100", 80);
	advance_ms(1);
	assert_int_equal(lsvm_world_served(b), 0); /* it still asks the old one */
	b->ops->io->announce(b, &vip, 1);
	advance_ms(1);
	tcp(router, "192.0.2.100", 80);
	advance_ms(1);
	assert_int_equal(lsvm_world_served(b), 1);
}

static void without_an_announcement_they_ask_again_after_a_while(void **state)
{
	const struct address vip = on("eth0", "192.0.2.100/32");
	const struct step add = { .kind = STEP_ADDRESS_ADD, .address = &vip };
	size_t done;

	serve(a, BEHAVIOUR_ANSWER, NULL);
	serve(b, BEHAVIOUR_ANSWER, NULL);
	good(lsvm_host_perform(a, &add, 1, &done));
	tcp(router, "192.0.2.100", 80);
	advance_ms(1);
	lsvm_world_power(a, false);
	good(lsvm_host_perform(b, &add, 1, &done));
	for (int second = 0; second < 45; second++) {
		tcp(router, "192.0.2.100", 80);
		advance_ms(1000);
		if (second == 20)
			assert_int_equal(lsvm_world_served(b), 0);
	}
	assert_true(lsvm_world_served(b) > 0);
}

static void a_server_with_arp_ignore_is_silent_about_addresses_on_lo(void **state)
{
	const struct address vip = on("lo", "192.0.2.100/32");
	const struct step add = { .kind = STEP_ADDRESS_ADD, .address = &vip };
	const struct sysctl ignore = { "net.ipv4.conf.all.arp_ignore", "1" };
	const struct step set = { .kind = STEP_SYSCTL_SET, .sysctl = &ignore };
	size_t done;

	good(lsvm_host_perform(server, &add, 1, &done));
	assert_true(lsvm_world_answers(server, &vip.prefix.addr));
	good(lsvm_host_perform(server, &set, 1, &done));
	assert_false(lsvm_world_answers(server, &vip.prefix.addr));
}

/* ---- IPVS ---- */

static void clients_reach_servers_through_the_director(void **state)
{
	const struct address vip = on("eth0", "192.0.2.100/32");
	const struct address behind = on("lo", "192.0.2.100/32");
	const struct sysctl ignore = { "net.ipv4.conf.all.arp_ignore", "1" };
	struct ipvs_service service = { .key = { .protocol = IPPROTO_TCP,
						 .addr = addr("192.0.2.100"),
						 .port = 80 },
					.scheduler = "rr" };
	const struct ipvs_destination dest = { .addr = addr("192.0.2.21"),
					       .port = 80,
					       .forwarding = LSVM_FORWARDING_DIRECT - 1,
					       .weight = 1 };
	const struct step director[] = {
		{ .kind = STEP_IPVS, .ipvs = { IPVS_SERVICE_ADD, .service = &service } },
		{ .kind = STEP_IPVS,
		  .ipvs = { .kind = IPVS_DESTINATION_ADD,
			    .service = &service,
			    .destination = &dest,
			    .weight = 1 } },
		{ .kind = STEP_ADDRESS_ADD, .address = &vip },
	};
	const struct step behind_it[] = {
		{ .kind = STEP_SYSCTL_SET, .sysctl = &ignore },
		{ .kind = STEP_ADDRESS_ADD, .address = &behind },
	};
	struct channel *channel;
	size_t done;

	service.netmask = 0xffffffff;
	good(lsvm_host_perform(a, director, 3, &done));
	good(lsvm_host_perform(server, behind_it, 2, &done));
	serve(server, BEHAVIOUR_ANSWER, "eps1");
	channel = tcp(router, "192.0.2.100", 80);
	advance_ms(1);
	assert_string_equal(facts(router), "connected");
	send_text(router, channel, "who");
	advance_ms(1);
	assert_string_equal(facts(router), "bytes eps1");
	/* IPVS sends on what the server does not answer any more. */
	lsvm_world_power(server, false);
	tcp(router, "192.0.2.100", 80);
	advance_ms(1);
	assert_string_equal(facts(router), "");
}

/* ---- the process ---- */

static void the_will_is_done_when_the_process_is_killed_not_when_power_fails(void **state)
{
	const struct address vip = on("eth0", "192.0.2.100/32");
	const struct step add = { .kind = STEP_ADDRESS_ADD, .address = &vip };
	const struct io_packet packet = { .channel = { .kind = CHANNEL_VRRP,
						       .remote = { .family = 4 },
						       .interface = "eth0" },
					  .bytes = (const uint8_t *)"gone",
					  .length = 4 };
	const struct io_will will = { &vip, 1, &packet, 1 };
	size_t done;

	vrrp(b);
	good(lsvm_host_perform(a, &add, 1, &done));
	good(a->ops->io->will(a, &will));
	lsvm_world_kill(a);
	advance_ms(1);
	assert_string_equal(facts(b), "bytes gone");
	assert_false(lsvm_world_has(a, &vip.prefix.addr));
	lsvm_world_revive(a);
	good(lsvm_host_perform(a, &add, 1, &done));
	good(a->ops->io->will(a, &will));
	lsvm_world_power(a, false);
	advance_ms(1);
	assert_string_equal(facts(b), "");
	lsvm_world_power(a, true);
	assert_false(lsvm_world_has(a, &vip.prefix.addr));
	assert_true(lsvm_world_has(a, &(struct addr){ 4, { 192, 0, 2, 11 } }));
}

static void a_process_dies_right_before_or_right_after_an_effect(void **state)
{
	const struct address one = on("eth0", "192.0.2.101/32");
	const struct address two = on("eth0", "192.0.2.102/32");
	const struct step steps[] = { { .kind = STEP_ADDRESS_ADD, .address = &one },
				      { .kind = STEP_ADDRESS_ADD, .address = &two } };
	size_t done;

	lsvm_world_crash_at(a, lsvm_world_effect_count(a) + 2, false);
	bad(LSVM_ERR_STATE, lsvm_host_perform(a, steps, 2, &done));
	assert_int_equal(done, 1);
	assert_true(lsvm_world_is_dead(a));
	assert_true(lsvm_world_has(a, &one.prefix.addr));
	assert_false(lsvm_world_has(a, &two.prefix.addr));
	lsvm_world_crash_at(b, lsvm_world_effect_count(b) + 1, true);
	bad(LSVM_ERR_STATE, lsvm_host_perform(b, steps, 2, &done));
	assert_true(lsvm_world_has(b, &one.prefix.addr));
}

struct ticker {
	struct lsvm_host *host;
	unsigned count;
};

static void tick(void *arg)
{
	struct ticker *ticker = arg;

	ticker->count++;
	ticker->host->ops->io->wake(ticker->host,
				    ticker->host->ops->io->now_ns(ticker->host) + IO_S);
}

static void a_process_wakes_when_it_asked_for_unless_it_is_frozen(void **state)
{
	struct ticker ticker = { a, 0 };

	lsvm_world_run(a, tick, &ticker);
	tick(&ticker);
	advance_ms(10500);
	assert_int_equal(ticker.count, 11);
	lsvm_world_freeze(a, true);
	advance_ms(10000);
	assert_int_equal(ticker.count, 11);
	lsvm_world_freeze(a, false);
	advance_ms(1);
	assert_int_equal(ticker.count, 12);
}

static void the_wall_clock_jumps_the_other_does_not(void **state)
{
	const uint64_t wall = a->ops->io->wall_ms(a), now = a->ops->io->now_ns(a);

	lsvm_world_clock(a, -3600000);
	assert_int_equal(a->ops->io->wall_ms(a), wall - 3600000);
	assert_int_equal(a->ops->io->now_ns(a), now);
	advance_ms(5);
	assert_int_equal(a->ops->io->now_ns(a), now + 5 * MS);
}

static void programs_end_as_they_were_told_to(void **state)
{
	static const char *const argv[] = { "/bin/check", "x", NULL };

	good(lsvm_world_program(a, "/bin/check", 3, "no\n", 50 * MS));
	open_at(a, (struct channel_spec){ .kind = CHANNEL_PROGRAM, .argv = argv });
	advance_ms(49);
	assert_string_equal(facts(a), "bytes no\n");
	advance_ms(1);
	assert_string_equal(facts(a), "exited 3");
}

static void answer(void *arg)
{
	struct lsvm_host *host = arg;
	struct io_event event;

	while (host->ops->io->next(host, &event)) {
		if (event.fact == IO_REQUEST)
			host->ops->io->reply(host, event.accepted, 200, "text/plain",
					     event.text, strlen(event.text));
		if (event.fact == IO_BYTES) {
			host->ops->io->send(host, event.channel, event.bytes,
					    event.length, NULL, 0);
			host->ops->io->close(host, event.channel);
		}
	}
}

static void a_process_is_asked_through_its_ports(void **state)
{
	char *text;
	int status;

	lsvm_world_run(a, answer, a);
	bad(LSVM_ERR_NOT_FOUND, lsvm_world_http(a, "/metrics", &status, &text));
	open_at(a, (struct channel_spec){ .kind = CHANNEL_HTTP, .local_port = 9100 });
	open_at(a,
		(struct channel_spec){ .kind = CHANNEL_LISTEN_LOCAL, .path = "/run/x" });
	good(lsvm_world_http(a, "/metrics", &status, &text));
	assert_string_equal(text, "/metrics");
	free(text);
	good(lsvm_world_local(a, "/run/x", "hello", IO_S, &text));
	assert_string_equal(text, "hello");
	free(text);
}

static void one_seed_gives_one_world(void **state)
{
	uint64_t first[3] = { 0 };

	for (int run = 0; run < 2; run++) {
		const struct weather storm = { MS, 5 * MS, 200000, 200000, 200000 };
		struct channel *channel;
		uint8_t random[4];

		finish(state);
		begin(state);
		serve(server, BEHAVIOUR_ANSWER, "pong");
		good(lsvm_world_network(world, "front", &storm));
		channel = tcp(a, "192.0.2.21", 80);
		send_text(a, channel, "ping");
		advance_ms(20000);
		good(a->ops->io->random(a, random, sizeof(random)));
		if (run == 0) {
			first[0] = lsvm_world_event_count(world);
			first[1] = random[2];
			first[2] = lsvm_world_random(world, 1000000);
			continue;
		}
		assert_int_equal(first[0], lsvm_world_event_count(world));
		assert_int_equal(first[1], random[2]);
		assert_int_equal(first[2], lsvm_world_random(world, 1000000));
	}
}

static void a_host_alone_has_a_world_of_its_own(void **state)
{
	struct lsvm_host *host;

	good(lsvm_host_new_simulated(ctx, "alone", &host));
	tcp(host, "127.0.0.1", 80);
	good(lsvm_host_simulate_pass(host, 5));
	assert_int_equal(host->ops->io->now_ns(host), 5 * MS);
	assert_string_equal(facts(host), "failed connection refused");
	lsvm_host_free(host);
	bad(LSVM_ERR_STATE, lsvm_host_simulate_pass(a, 5));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_server_that_listens_is_connected_to_and_answers),
		TEST(nobody_listens_is_refused),
		TEST(an_address_that_nobody_has_is_unreachable_after_three_seconds),
		TEST(silence_ends_with_a_timeout_after_two_minutes),
		TEST(who_is_wedged_accepts_and_says_nothing),
		TEST(lost_packets_are_sent_again),
		TEST(a_program_that_ends_resets_its_connections),
		TEST(after_a_failure_of_power_nobody_knows_the_connection),
		TEST(processes_talk_to_each_other),
		TEST(who_is_killed_is_missed_by_the_peer),
		TEST(routers_hear_each_other_until_a_cable_is_cut),
		TEST(duplicates_arrive_twice),
		TEST(a_cable_is_told_by_its_card),
		TEST(machines_answer_a_ping_while_they_have_power),
		TEST(a_datagram_to_a_closed_port_is_refused_and_the_channel_lives),
		TEST(clients_follow_an_announcement),
		TEST(without_an_announcement_they_ask_again_after_a_while),
		TEST(a_server_with_arp_ignore_is_silent_about_addresses_on_lo),
		TEST(clients_reach_servers_through_the_director),
		TEST(the_will_is_done_when_the_process_is_killed_not_when_power_fails),
		TEST(a_process_dies_right_before_or_right_after_an_effect),
		TEST(a_process_wakes_when_it_asked_for_unless_it_is_frozen),
		TEST(the_wall_clock_jumps_the_other_does_not),
		TEST(programs_end_as_they_were_told_to),
		TEST(a_process_is_asked_through_its_ports),
		TEST(one_seed_gives_one_world),
		TEST(a_host_alone_has_a_world_of_its_own),
	};

	return RUN(tests);
}
