/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * IPVS by the older socket options: first as root, beside netlink, which must see the
 * same; then as an ordinary user inside a user namespace, where netlink is refused.
 * Every test has a network namespace, and so a table, of its own.
 */
#include "../unit/test.h"
#include "host/host.h"
#include "host/linux/ipvs.h"
#include "ipvs_random.h"

#include <libsvm/role.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOBODY 65534

static struct lsvm_ctx *ctx;

static void good(int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(ctx));
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link set lo up"), 0);
	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lsvm_ctx_unref(ctx);
	return 0;
}

static struct lsvm_ipvs_table *table_of(const char *services)
{
	static const char head[] = "{\"schema\":\"lsvm-ipvs/1\",\"services\":[";
	struct lsvm_ipvs_table *table;
	char json[4096];

	snprintf(json, sizeof(json), "%s%s]}", head, services);
	good(lsvm_ipvs_table_from_json(ctx, json, strlen(json), &table));
	return table;
}

/* What is left of a random table when all that cannot be carried is taken off. */
static struct lsvm_ipvs_table *plain_table(uint32_t seed, size_t count, size_t most)
{
	struct lsvm_ipvs_table *all = random_table(ctx, seed, count, most), *table;

	assert_non_null(all);
	good(lsvm_ipvs_table_alloc(ctx, &table));
	for (size_t i = 0; i < all->services.count; i++) {
		struct ipvs_service from = all->services.items[i], *to;

		if (from.key.addr.family == 6)
			continue;
		to = lsvm_ipvs_table_push(table);
		to->key = from.key;
		to->flags = from.flags;
		to->timeout_s = from.timeout_s;
		to->netmask = from.netmask;
		strcpy(to->scheduler, from.scheduler);
		for (size_t j = 0; j < from.destinations.count; j++) {
			struct ipvs_destination copy = from.destinations.items[j];

			if (copy.addr.family == 6)
				continue;
			copy.tunnel_type = 0;
			copy.tunnel_port = copy.tunnel_flags = 0;
			*lsvm_ipvs_service_push(to) = copy;
		}
	}
	good(lsvm_ipvs_table_seal(table));
	lsvm_ipvs_table_unref(all);
	return table;
}

static int apply(struct ipvs_socket *socket, const struct lsvm_ipvs_table *wanted,
		 size_t *ret_done)
{
	struct ipvs_changes changes = { 0 };
	struct lsvm_ipvs_table *present;
	int err;

	good(lsvm_ipvs_socket_read(socket, &present));
	good(lsvm_ipvs_changes_compute(ctx, present, present, wanted, &changes));
	err = lsvm_ipvs_socket_apply(socket, changes.list.items, changes.list.count,
				     ret_done);
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
	return err;
}

static size_t reconcile(struct ipvs_socket *socket, const struct lsvm_ipvs_table *wanted)
{
	size_t done = 0;

	good(apply(socket, wanted, &done));
	return done;
}

static void assert_reads(struct ipvs_socket *socket, const struct lsvm_ipvs_table *wanted)
{
	struct lsvm_ipvs_table *present;
	char *have, *want;

	good(lsvm_ipvs_socket_read(socket, &present));
	present->timeouts = (struct ipvs_timeouts){ 0 };
	for (size_t i = 0; i < present->services.count; i++) {
		struct ipvs_service *service = &present->services.items[i];

		service->counters = NULL;
		for (size_t j = 0; j < service->destinations.count; j++)
			service->destinations.items[j].counters = NULL;
	}
	good(lsvm_ipvs_table_to_json(present, &have));
	good(lsvm_ipvs_table_to_json(wanted, &want));
	assert_string_equal(have, want);
	lsvm_free(have);
	lsvm_free(want);
	lsvm_ipvs_table_unref(present);
}

static void open_both(struct ipvs_socket **ret_netlink, struct ipvs_socket **ret_older)
{
	struct ipvs_info info;

	good(lsvm_ipvs_socket_open(ctx, ret_netlink));
	good(lsvm_ipvs_socket_info(*ret_netlink, &info));
	assert_false(info.older);
	good(lsvm_ipvs_socket_open_older(ctx, ret_older));
	good(lsvm_ipvs_socket_info(*ret_older, &info));
	assert_true(info.older);
	assert_true(info.version >= 0x010201);
	assert_true(info.connection_bucket_count >= 256);
}

/* ---- as root, beside netlink ---- */

/* The first test: nothing has loaded the module yet. */
static void without_ip_vs_the_sentence_says_to_load_it(void **state)
{
	struct ipvs_socket *socket;

	(void)state;
	assert_int_not_equal(access("/proc/net/ip_vs", F_OK), 0);
	assert_int_equal(lsvm_ipvs_socket_open_older(ctx, &socket), LSVM_ERR_NO_IPVS);
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "`modprobe ip_vs` as root"));
	assert_int_not_equal(access("/proc/net/ip_vs", F_OK), 0);
}

static void both_interfaces_read_what_either_wrote(void **state)
{
	struct ipvs_socket *netlink, *older;

	(void)state;
	open_both(&netlink, &older);
	for (uint32_t seed = 1; seed <= 12; seed++) {
		struct lsvm_ipvs_table *table = plain_table(seed, 60, 12);

		assert_true(reconcile(seed % 2 ? netlink : older, table) > 10);
		assert_reads(netlink, table);
		assert_reads(older, table);
		assert_int_equal(reconcile(netlink, table), 0);
		assert_int_equal(reconcile(older, table), 0);
		lsvm_ipvs_table_unref(table);
	}
	lsvm_ipvs_socket_close(netlink);
	lsvm_ipvs_socket_close(older);
}

static void timeouts_and_daemons_are_the_same_by_both(void **state)
{
	struct ipvs_socket *netlink, *older;
	struct lsvm_ipvs_table *table = table_of(""), *present;

	(void)state;
	open_both(&netlink, &older);
	table->timeouts = (struct ipvs_timeouts){ 1000, 60, 0 };
	table->master =
		(struct ipvs_daemon){ .present = true, .interface = "lo", .sync_id = 7 };
	table->backup = table->master;
	table->backup.sync_id = 8;
	assert_int_equal(reconcile(older, table), 3);
	assert_int_equal(reconcile(older, table), 0);
	assert_int_equal(reconcile(netlink, table), 0);
	good(lsvm_ipvs_socket_read(older, &present));
	assert_int_equal(present->timeouts.tcp_s, 1000);
	assert_int_equal(present->timeouts.tcp_fin_s, 60);
	assert_int_equal(present->timeouts.udp_s, 300);
	lsvm_ipvs_table_unref(present);
	/* Stopped before they ran: done, though the call was interrupted. */
	for (unsigned i = 0; i < 20; i++) {
		table->master.present = table->backup.present = i % 2;
		assert_int_equal(reconcile(older, table), 2);
		assert_int_equal(reconcile(netlink, table), 0);
	}
	lsvm_ipvs_table_unref(table);
	lsvm_ipvs_socket_close(netlink);
	lsvm_ipvs_socket_close(older);
}

#define SERVICE                                                                          \
	"{\"protocol\":\"tcp\",\"address\":\"%s\",\"port\":80,\"scheduler\":\"wlc\","

static void what_the_older_interface_does_not_show_is_left_out(void **state)
{
	struct ipvs_socket *netlink, *older;
	struct lsvm_ipvs_table *all, *seen;

	(void)state;
	open_both(&netlink, &older);
	all = table_of(
		"{\"protocol\":\"tcp\",\"address\":\"2001:db8::1\",\"port\":80,"
		"\"scheduler\":\"rr\",\"destinations\":[{\"address\":\"2001:db8::2\","
		"\"port\":80,\"forwarding\":\"nat\",\"weight\":1}]},"
		"{\"protocol\":\"udp\",\"address\":\"10.0.0.1\",\"port\":53,"
		"\"scheduler\":\"rr\",\"destinations\":[{\"address\":\"2001:db8::2\","
		"\"port\":53,\"forwarding\":\"tunnel\",\"weight\":1},"
		"{\"address\":\"10.0.0.2\",\"port\":53,\"forwarding\":\"nat\","
		"\"weight\":1}]}");
	reconcile(netlink, all);
	seen = table_of(
		"{\"protocol\":\"udp\",\"address\":\"10.0.0.1\",\"port\":53,"
		"\"scheduler\":\"rr\",\"destinations\":[{\"address\":\"10.0.0.2\","
		"\"port\":53,\"forwarding\":\"nat\",\"weight\":1}]}");
	assert_reads(older, seen);
	lsvm_ipvs_table_unref(all);
	lsvm_ipvs_table_unref(seen);
	lsvm_ipvs_socket_close(netlink);
	lsvm_ipvs_socket_close(older);
}

/* ---- as an ordinary user in a user namespace ---- */

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int become_a_user(void)
{
	assert_int_equal(setgid(NOBODY), 0);
	assert_int_equal(setuid(NOBODY), 0);
	/* The files in /proc/self are root's otherwise. */
	execl("/proc/self/exe", "ipvs_older", "--user", NULL);
	return 1;
}

static int enter_user_namespace(void **state)
{
	(void)state;
	assert_int_equal(geteuid(), NOBODY);
	assert_int_equal(unshare(CLONE_NEWUSER), 0);
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", "0 65534 1");
	write_file("/proc/self/gid_map", "0 65534 1");
	return 0;
}

static struct ipvs_socket *open_by_itself(void)
{
	struct ipvs_socket *socket;
	struct ipvs_info info;

	good(lsvm_ipvs_socket_open(ctx, &socket));
	good(lsvm_ipvs_socket_info(socket, &info));
	assert_true(info.older);
	return socket;
}

static void a_user_namespace_can_be_a_director(void **state)
{
	struct ipvs_socket *socket = open_by_itself();
	uint64_t before;

	(void)state;
	for (uint32_t seed = 40; seed < 48; seed++) {
		struct lsvm_ipvs_table *table = plain_table(seed, 60, 12);

		assert_true(reconcile(socket, table) > 10);
		assert_reads(socket, table);
		before = lsvm_ipvs_socket_write_count(socket);
		assert_int_equal(reconcile(socket, table), 0);
		assert_int_equal(lsvm_ipvs_socket_write_count(socket), before);
		good(lsvm_ipvs_socket_zero(socket, NULL));
		good(lsvm_ipvs_socket_zero(socket, &table->services.items[0].key));
		lsvm_ipvs_table_unref(table);
	}
	good(lsvm_ipvs_socket_flush(socket));
	assert_reads(socket, table_of(""));
	lsvm_ipvs_socket_close(socket);
}

static void every_kind_of_service_is_carried(void **state)
{
	struct ipvs_socket *socket = open_by_itself();
	struct lsvm_ipvs_table *table = table_of(
		"{\"protocol\":\"tcp\",\"address\":\"10.0.0.1\",\"port\":80,"
		"\"scheduler\":\"wrr\",\"persistence\":{\"timeout_s\":300,"
		"\"netmask\":\"255.255.255.0\"},\"destinations\":["
		"{\"address\":\"10.0.0.11\",\"port\":8080,\"forwarding\":\"nat\","
		"\"weight\":5,\"upper_threshold\":100,\"lower_threshold\":50},"
		"{\"address\":\"10.0.0.12\",\"port\":80,\"forwarding\":\"direct\","
		"\"weight\":0},"
		"{\"address\":\"10.0.0.13\",\"port\":80,\"forwarding\":\"tunnel\","
		"\"weight\":1}]},"
		"{\"protocol\":\"udp\",\"address\":\"10.0.0.1\",\"port\":53,"
		"\"scheduler\":\"sh\",\"scheduler_flags\":[\"fallback\"],"
		"\"one_packet\":true,\"destinations\":[{\"address\":\"10.0.0.11\","
		"\"port\":53,\"forwarding\":\"direct\",\"weight\":2}]},"
		"{\"fwmark\":7,\"family\":\"ipv4\",\"scheduler\":\"mh\","
		"\"destinations\":[{\"address\":\"10.0.0.11\",\"port\":0,"
		"\"forwarding\":\"direct\",\"weight\":2}]}");

	(void)state;
	assert_int_equal(reconcile(socket, table), 8);
	assert_reads(socket, table);
	assert_int_equal(reconcile(socket, table), 0);
	lsvm_ipvs_table_unref(table);
	lsvm_ipvs_socket_close(socket);
}

static void what_is_lost_is_refused_before_anything_is_sent(void **state)
{
	static const struct {
		const char *services, *lost;
	} cases[] = {
		{ SERVICE "\"destinations\":[]},"
			  "{\"protocol\":\"tcp\",\"address\":\"2001:db8::1\",\"port\":80,"
			  "\"scheduler\":\"rr\",\"destinations\":[]}",
		  "carry no IPv6" },
		{ SERVICE "\"destinations\":[{\"address\":\"2001:db8::2\",\"port\":80,"
			  "\"forwarding\":\"tunnel\",\"weight\":1}]}",
		  "carry no destinations of another address family" },
		{ SERVICE "\"destinations\":[{\"address\":\"10.0.0.2\",\"port\":80,"
			  "\"forwarding\":\"tunnel\",\"weight\":1,"
			  "\"tunnel\":{\"kind\":\"gre\"}}]}",
		  "carry no tunnels other than ipip" },
		{ SERVICE "\"destinations\":[]},"
			  "{\"protocol\":\"udp\",\"address\":\"10.0.0.1\",\"port\":5060,"
			  "\"scheduler\":\"rr\",\"persistence\":{\"timeout_s\":60},"
			  "\"engine\":\"sip\",\"destinations\":[]}",
		  "carry no persistence engines" },
	};
	struct ipvs_socket *socket = open_by_itself();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lsvm_ipvs_table *table;
		char services[1024];
		size_t done = 99;

		/* The first service's address. */
		snprintf(services, sizeof(services), cases[i].services, "10.0.0.1");
		table = table_of(services);
		assert_int_equal(apply(socket, table, &done), LSVM_ERR_UNSUPPORTED);
		assert_int_equal(done, 0);
		if (!strstr(lsvm_ctx_error_text(ctx), cases[i].lost))
			fail_msg("%s", lsvm_ctx_error_text(ctx));
		lsvm_ipvs_table_unref(table);
	}
	assert_int_equal(lsvm_ipvs_socket_write_count(socket), 0);
	assert_reads(socket, table_of(""));
	lsvm_ipvs_socket_close(socket);
}

static void status_says_what_is_lost(void **state)
{
	struct lsvm_host *host;
	char *text;

	(void)state;
	good(lsvm_host_open(ctx, "eds1", &host));
	good(lsvm_role_status_to_text(host, LSVM_ROLE_DIRECTOR, &text));
	assert_non_null(strstr(text, "older socket options"));
	assert_non_null(strstr(text, "persistence engines"));
	lsvm_free(text);
	good(lsvm_role_status_to_json(host, LSVM_ROLE_DIRECTOR, &text));
	assert_non_null(strstr(text, "\"ipvs_interface\":\"socket-options\""));
	assert_non_null(strstr(text, "\"ipvs_lost\":[\"IPv6\","));
	lsvm_free(text);
	lsvm_host_free(host);
}

static void a_host_refuses_all_of_what_it_could_do_in_part(void **state)
{
	struct lsvm_ipvs_table *table =
		table_of("{\"protocol\":\"tcp\",\"address\":\"10.0.0.1\",\"port\":80,"
			 "\"scheduler\":\"rr\",\"destinations\":[]},"
			 "{\"protocol\":\"tcp\",\"address\":\"2001:db8::1\",\"port\":80,"
			 "\"scheduler\":\"rr\",\"destinations\":[]}");
	struct lsvm_host *host;
	size_t changed;

	(void)state;
	good(lsvm_host_open(ctx, "eds1", &host));
	assert_int_equal(lsvm_host_ipvs_reconcile(host, table, NULL, &changed),
			 LSVM_ERR_UNSUPPORTED);
	assert_int_equal(lsvm_host_write_count(host), 0);
	lsvm_host_free(host);
	lsvm_ipvs_table_unref(table);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest root[] = {
		TEST(without_ip_vs_the_sentence_says_to_load_it),
		TEST(both_interfaces_read_what_either_wrote),
		TEST(timeouts_and_daemons_are_the_same_by_both),
		TEST(what_the_older_interface_does_not_show_is_left_out),
	};
	const struct CMUnitTest user[] = {
		TEST(a_user_namespace_can_be_a_director),
		TEST(every_kind_of_service_is_carried),
		TEST(what_is_lost_is_refused_before_anything_is_sent),
		TEST(status_says_what_is_lost),
		TEST(a_host_refuses_all_of_what_it_could_do_in_part),
	};
	int failed;

	if (argc > 1 && strcmp(argv[1], "--user") == 0)
		return cmocka_run_group_tests_name("user", user, enter_user_namespace,
						   NULL);
	failed = cmocka_run_group_tests_name("root", root, NULL, NULL);
	if (failed)
		return failed;
	return become_a_user();
}
