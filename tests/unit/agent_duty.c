/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A director among others: who holds the virtual addresses, by the adverts it hears. */
#include "agent_fake.h"

#include "vrrp/vrrp.h"

#include <stdio.h>

#define CLUSTER(more, vips)                                                              \
	"name: pair\n"                                                                   \
	"networks:\n"                                                                    \
	"  - {name: outside, subnets: 10.9.0.0/24, outside: true}\n"                     \
	"  - {name: front, subnets: [192.0.2.0/24, '2001:db8:2::/64']}\n"                \
	"routers:\n"                                                                     \
	"  - name: r1\n"                                                                 \
	"    interfaces: [{network: outside, addresses: 10.9.0.1},"                      \
	" {network: front, addresses: [192.0.2.1, '2001:db8:2::1']}]\n"                  \
	"directors:\n"                                                                   \
	"  - {name: eds1, interfaces: [{network: front, addresses: [192.0.2.11, "        \
	"'2001:db8:2::11']}]}\n"                                                         \
	"  - {name: eds2, interfaces: [{network: front, addresses: [192.0.2.12, "        \
	"'2001:db8:2::12']}]}\n"                                                         \
	"servers:\n"                                                                     \
	"  - {name: eps1, interfaces: [{network: front, addresses: [192.0.2.21, "        \
	"'2001:db8:2::21']}]}\n" more "partitions: [{name: web, servers: [eps1], vips: " \
	"[" vips "]}]\n"
#define VIP "{address: 192.0.2.100, domains: [www.example]}"
#define VIP2 "{address: 192.0.2.101, domains: [two.example]}"
#define VIP6 "{address: '2001:db8:2::100', domains: [six.example]}"

static uint32_t hear_interval_ms;

static int begin(void **state)
{
	hear_interval_ms = 1000;
	return fake_setup(CLUSTER("", VIP));
}

static bool held(const char *prefix)
{
	struct address address = { .interface = "eth0" };
	struct state *present;
	bool found;

	lsvm_prefix_parse(prefix, &address.prefix);
	good(lsvm_host_observe(host, NULL, NULL, &present));
	found = lsvm_state_address(present, &address) != NULL;
	lsvm_state_free(present);
	return found;
}

static struct channel *adverts(uint8_t family)
{
	for (size_t i = 0; i < fake.channels.count; i++)
		if (fake.channels.items[i]->spec.kind == CHANNEL_VRRP &&
		    !fake.channels.items[i]->closed &&
		    fake.channels.items[i]->spec.remote.family == family)
			return fake.channels.items[i];
	return NULL;
}

/* The priority in the last advert that was sent; -1: none was. */
static int sent_priority(void)
{
	const struct channel *channel = NULL;

	for (size_t i = 0; i < fake.channels.count; i++)
		if (fake.channels.items[i]->spec.kind == CHANNEL_VRRP)
			channel = fake.channels.items[i];
	assert_non_null(channel);
	return channel->sent_count ? channel->sent[2] : -1;
}

/* An advert of the other director. */
static void hear(uint8_t priority)
{
	struct vrrp_config config = { .name = "other",
				      .version = 3,
				      .family = 4,
				      .router_id = 51,
				      .priority = priority ? priority : 1,
				      .advert_interval_ms = hear_interval_ms,
				      .address_count = 2 };
	uint8_t bytes[VRRP_PACKET_MAX_BYTES];
	struct io_event event = { .fact = IO_BYTES, .bytes = bytes, .ttl = 255 };

	/* Nobody hears itself. */
	lsvm_addr_parse(strcmp(agent->aim.machine->name, "eds1") == 0 ? "192.0.2.12"
								      : "192.0.2.11",
			&config.source);
	lsvm_addr_parse("192.0.2.100", &config.addresses[0]);
	lsvm_addr_parse("192.0.2.101", &config.addresses[1]);
	event.from = config.source;
	event.to = lsvm_vrrp_group(4);
	event.length = lsvm_vrrp_encode(&config, priority, &event.to, bytes);
	fake_happens(adverts(4), &event);
	good(lsvm_agent_dispatch(agent));
}

static void link_is(const char *name, int status)
{
	struct io_event event = { .fact = IO_LINK, .text = name, .status = status };

	fake_happens(fake_channel(CHANNEL_LINKS), &event);
	good(lsvm_agent_dispatch(agent));
}

static void who_hears_nobody_becomes_master(void **state)
{
	start("eds1");
	assert_false(held("192.0.2.100/32"));
	assert_int_equal(lsvm_agent_duty(agent), LSVM_DUTY_BACKUP);
	pass(3500);
	assert_false(held("192.0.2.100/32"));
	pass(300);
	assert_true(held("192.0.2.100/32"));
	assert_int_equal(lsvm_agent_duty(agent), LSVM_DUTY_MASTER);
	assert_int_equal(sent_priority(), 100);
	assert_true(fake.announced >= 1);
	assert_true(told(LSVM_EVENT_STATE, "backup -> master: no advert heard"));
}

static void a_better_one_is_yielded_to(void **state)
{
	start("eds1");
	pass(4000);
	hear(200);
	assert_false(held("192.0.2.100/32"));
	assert_true(told(LSVM_EVENT_STATE, "master -> backup: higher priority 200"));
	/* What was given up stays so when the plan is looked at. */
	for (int i = 0; i < 30; i++) {
		pass(500);
		hear(200);
	}
	assert_false(held("192.0.2.100/32"));
	hear(0);
	pass(1000);
	assert_true(held("192.0.2.100/32"));
}

static void a_backup_does_not_keep_an_address_that_lies_around(void **state)
{
	struct address address = { .interface = "eth0" };
	struct step step = { .kind = STEP_ADDRESS_ADD, .address = &address };
	size_t done;

	start("eds2");
	lsvm_prefix_parse("192.0.2.100/32", &address.prefix);
	good(lsvm_host_perform(host, &step, 1, &done));
	for (int i = 0; i < 30; i++) {
		pass(500);
		hear(100);
	}
	assert_false(held("192.0.2.100/32"));
	assert_true(told(LSVM_EVENT_REPAIRED, "192.0.2.100"));
}

static void a_master_that_looks_at_its_plan_keeps_its_addresses(void **state)
{
	uint64_t count;

	start("eds1");
	pass(5000);
	count = lsvm_host_write_count(host);
	pass(60000);
	assert_true(held("192.0.2.100/32"));
	assert_int_equal(lsvm_host_write_count(host), count);
}

static void an_orderly_end_tells_the_others(void **state)
{
	start("eds1");
	pass(5000);
	assert_true(fake.has_will);
	good(lsvm_agent_stop(agent));
	assert_true(lsvm_agent_is_finished(agent));
	assert_false(held("192.0.2.100/32"));
	assert_int_equal(sent_priority(), 0);
	assert_false(fake.has_will);
}

static void who_is_freed_without_an_end_answers_no_more(void **state)
{
	start("eds1");
	pass(5000);
	lsvm_agent_free(agent);
	agent = NULL;
	assert_false(held("192.0.2.100/32"));
	assert_int_equal(sent_priority(), 0);
}

static void a_will_covers_what_is_held(void **state)
{
	start("eds1");
	assert_false(fake.has_will);
	pass(5000);
	assert_true(fake.has_will);
	assert_int_equal(fake.will_count, 1);
	hear(200);
	assert_false(fake.has_will);
}

static void a_card_that_goes_down_makes_unfit(void **state)
{
	start("eds1");
	link_is("eth0", 1);
	pass(5000);
	link_is("eth0", 0);
	assert_false(held("192.0.2.100/32"));
	assert_true(told(LSVM_EVENT_LINK_DOWN, "down"));
	assert_true(told(LSVM_EVENT_STATE, "master -> fault: eth0 is down"));
	pass(20000);
	assert_false(held("192.0.2.100/32"));
	link_is("eth0", 1);
	assert_true(told(LSVM_EVENT_STATE, "fault -> backup"));
	pass(4000);
	assert_true(held("192.0.2.100/32"));
}

static void a_card_that_the_plan_does_not_name_does_not_matter(void **state)
{
	start("eds1");
	pass(5000);
	link_is("wlan0", 0);
	assert_true(held("192.0.2.100/32"));
	assert_false(told(LSVM_EVENT_LINK_DOWN, ""));
}

static void who_cannot_hear_the_others_takes_no_part(void **state)
{
	struct io_event event = { .fact = IO_FAILED, .error = IO_ERROR_PERMISSION };

	start("eds1");
	fake_happens(adverts(4), &event);
	good(lsvm_agent_dispatch(agent));
	assert_true(told(LSVM_EVENT_FAILED, "not permitted"));
	pass(900);
	assert_null(adverts(4));
	assert_false(held("192.0.2.100/32"));
	pass(10000);
	assert_true(held("192.0.2.100/32"));
}

static void each_family_has_its_virtual_router(void **state)
{
	lsvm_cluster_unref(cluster);
	cluster = load(CLUSTER("", VIP ", " VIP6));
	start("eds1");
	assert_non_null(adverts(4));
	assert_non_null(adverts(6));
	pass(5000);
	assert_true(held("192.0.2.100/32"));
	assert_true(held("2001:db8:2::100/128"));
	hear(200);
	assert_false(held("192.0.2.100/32"));
	assert_true(held("2001:db8:2::100/128"));
}

static void forged_adverts_are_told_and_change_nothing(void **state)
{
	uint8_t bytes[] = { 0x31, 51, 255, 1, 0, 100, 0, 0, 192, 0, 2, 100 };
	struct io_event event = { .fact = IO_BYTES, .bytes = bytes, .ttl = 255 };

	start("eds1");
	pass(5000);
	lsvm_addr_parse("192.0.2.66", &event.from);
	event.to = lsvm_vrrp_group(4);
	event.length = sizeof(bytes);
	for (int i = 0; i < 100; i++)
		fake_happens(adverts(4), &event);
	good(lsvm_agent_dispatch(agent));
	assert_true(held("192.0.2.100/32"));
	assert_true(told(LSVM_EVENT_REFUSED, "192.0.2.66"));
	assert_false(told(LSVM_EVENT_REFUSED, ""));
}

static void a_machine_that_stood_still_does_not_call_the_master_dead(void **state)
{
	hear_interval_ms = 10;
	start("eds2");
	hear(100);
	pass(20);
	assert_int_equal(lsvm_agent_duty(agent), LSVM_DUTY_BACKUP);
	/* Nobody dispatches: it may be that the whole machine stands still. */
	fake.now_ns += 30 * IO_MS;
	good(lsvm_agent_dispatch(agent));
	assert_int_equal(lsvm_agent_duty(agent), LSVM_DUTY_BACKUP);
	pass(5);
	hear(100);
	assert_int_equal(lsvm_agent_duty(agent), LSVM_DUTY_BACKUP);
	pass(45);
	assert_int_equal(lsvm_agent_duty(agent), LSVM_DUTY_MASTER);
}

/* ---- reloads ---- */

static void reload(const char *text)
{
	struct lsvm_cluster *next = load(text);

	good(lsvm_agent_reload(agent, next));
	lsvm_cluster_unref(next);
}

static void a_master_stays_master_through_a_reload(void **state)
{
	size_t sent;

	start("eds1");
	pass(5000);
	while (told(LSVM_EVENT_STATE, ""))
		;
	sent = adverts(4)->sent_count;
	reload(CLUSTER("", VIP ", " VIP2));
	pass(100);
	assert_true(held("192.0.2.100/32"));
	assert_true(held("192.0.2.101/32"));
	assert_int_equal(fake.will_count, 2);
	reload(CLUSTER("", VIP2));
	pass(3000);
	assert_false(held("192.0.2.100/32"));
	assert_true(held("192.0.2.101/32"));
	assert_in_range(adverts(4)->sent_count, sent + 3, sent + 4);
	assert_false(told(LSVM_EVENT_STATE, ""));
	hear(200);
	assert_false(held("192.0.2.101/32"));
}

static void a_backup_reloads_without_taking_addresses(void **state)
{
	start("eds2");
	hear(100);
	reload(CLUSTER("", VIP ", " VIP2));
	for (int i = 0; i < 10; i++) {
		pass(500);
		hear(100);
	}
	assert_false(held("192.0.2.100/32"));
	assert_false(held("192.0.2.101/32"));
	assert_true(told(LSVM_EVENT_APPLIED, "holds its plan"));
}

static void another_interval_begins_the_election_anew(void **state)
{
	start("eds1");
	pass(5000);
	reload(CLUSTER("redundancy: {advert_interval_ms: 100}\n", VIP));
	assert_false(held("192.0.2.100/32"));
	assert_int_equal(sent_priority(), -1);
	pass(400);
	assert_true(held("192.0.2.100/32"));
}

static void a_reload_that_cannot_be_changes_nothing(void **state)
{
	struct lsvm_cluster *next;

	start("eds1");
	pass(5000);
	next = load("name: other\nnetworks: [{name: front, subnets: 192.0.2.0/24, "
		    "outside: true}]\n"
		    "directors: [{name: eds9, interfaces: [{network: front, addresses: "
		    "192.0.2.19}]}]\n");
	assert_int_equal(lsvm_agent_reload(agent, next), LSVM_ERR_NOT_FOUND);
	lsvm_cluster_unref(next);
	pass(20000);
	assert_true(held("192.0.2.100/32"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_hears_nobody_becomes_master),
		TEST(a_better_one_is_yielded_to),
		TEST(a_backup_does_not_keep_an_address_that_lies_around),
		TEST(a_master_that_looks_at_its_plan_keeps_its_addresses),
		TEST(an_orderly_end_tells_the_others),
		TEST(who_is_freed_without_an_end_answers_no_more),
		TEST(a_will_covers_what_is_held),
		TEST(a_card_that_goes_down_makes_unfit),
		TEST(a_card_that_the_plan_does_not_name_does_not_matter),
		TEST(who_cannot_hear_the_others_takes_no_part),
		TEST(each_family_has_its_virtual_router),
		TEST(forged_adverts_are_told_and_change_nothing),
		TEST(a_machine_that_stood_still_does_not_call_the_master_dead),
		TEST(a_master_stays_master_through_a_reload),
		TEST(a_backup_reloads_without_taking_addresses),
		TEST(another_interval_begins_the_election_anew),
		TEST(a_reload_that_cannot_be_changes_nothing),
	};

	return RUN(tests);
}
