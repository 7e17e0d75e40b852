/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel that is newer than this version: flags, forwarding methods, tunnels and
 * attributes that have no name here are read, shown, and stay when something else of the
 * same object is edited.
 */
#include "ipvs/words.h"
#include "ipvs_kernel_fake.h"
#include "test.h"

#include <netinet/in.h>
#include <unistd.h>

#define FLAG_OF_THE_FUTURE 0x400
#define FORWARDING_OF_THE_FUTURE 7 /* the most that 6.1 lets through */
#define TUNNEL_OF_THE_FUTURE 9

struct bench {
	struct lsvm_ctx *ctx;
	struct lsvm_host *host;
	struct ipvs_socket *socket;
};

static const struct ipvs_service service = {
	.key = { .addr = { 4, { 192, 0, 2, 1 } }, .protocol = IPPROTO_TCP, .port = 80 },
	.scheduler = "wlc",
	.flags = FLAG_OF_THE_FUTURE | IP_VS_SVC_F_PERSISTENT,
	.timeout_s = 300,
	.netmask = 0xffffffff,
};
static const struct ipvs_destination tunnel = {
	.addr = { 4, { 10, 0, 0, 1 } },
	.port = 80,
	.forwarding = IP_VS_CONN_F_TUNNEL,
	.tunnel_type = TUNNEL_OF_THE_FUTURE,
	.tunnel_port = 77,
	.tunnel_flags = 0x80,
	.weight = 5,
};
static const struct ipvs_destination other = {
	.addr = { 4, { 10, 0, 0, 2 } },
	.port = 80,
	.forwarding = FORWARDING_OF_THE_FUTURE,
	.weight = 5,
};

static void good(struct bench *bench, int err)
{
	if (err)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(bench->ctx));
}

static void put(struct bench *bench, enum ipvs_change_kind kind,
		const struct ipvs_destination *destination)
{
	const struct ipvs_change change = { .kind = kind,
					    .weight =
						    destination ? destination->weight : 0,
					    .service = &service,
					    .destination = destination };

	good(bench, lsvm_sim_ipvs_change(fake.sim, &change));
}

static int setup(void **state)
{
	static struct bench bench;

	bench = (struct bench){ 0 };
	*state = &bench;
	good(&bench, lsvm_ctx_new(&bench.ctx));
	good(&bench, lsvm_host_new_simulated(bench.ctx, "eds1", &bench.host));
	good(&bench, lsvm_host_simulate_interface(bench.host, "eth0"));
	fake.sim = (struct sim_host *)bench.host;
	/* As another tool on that kernel would do it. */
	put(&bench, IPVS_SERVICE_ADD, NULL);
	put(&bench, IPVS_DESTINATION_ADD, &tunnel);
	put(&bench, IPVS_DESTINATION_ADD, &other);
	fake.newer = true;
	fake.kept = fake.lost = 0;
	good(&bench, lsvm_ipvs_socket_open(bench.ctx, &bench.socket));
	if (bench.socket->proc_fd >= 0)
		close(bench.socket->proc_fd);
	bench.socket->proc_fd = -1;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	lsvm_ipvs_socket_close(bench->socket);
	fake_clear();
	fake.newer = false;
	lsvm_host_free(bench->host);
	lsvm_ctx_unref(bench->ctx);
	return 0;
}

static struct lsvm_ipvs_table *read_table(struct bench *bench)
{
	struct lsvm_ipvs_table *table;

	good(bench, lsvm_ipvs_socket_read(bench->socket, &table));
	return table;
}

static char *json_of(struct bench *bench, const struct lsvm_ipvs_table *table)
{
	char *json = NULL;

	good(bench, lsvm_ipvs_table_to_json(table, &json));
	return json;
}

/* What a program does that knows JSON alone: it replaces a text in what is there. */
static struct lsvm_ipvs_table *edited(struct bench *bench,
				      const struct lsvm_ipvs_table *present,
				      const char *from, const char *to)
{
	struct lsvm_ipvs_table *table;
	char *json = json_of(bench, present);
	struct buf text = { 0 };
	size_t before = 0;

	while (strncmp(json + before, from, strlen(from)) != 0)
		assert_true(json[before++]);
	lsvm_buf_add(&text, json, before);
	lsvm_buf_text(&text, to);
	lsvm_buf_text(&text, json + before + strlen(from));
	good(bench,
	     lsvm_ipvs_table_from_json(bench->ctx, text.data, text.length, &table));
	lsvm_buf_free(&text);
	lsvm_free(json);
	return table;
}

static size_t apply(struct bench *bench, const struct lsvm_ipvs_table *wanted)
{
	struct lsvm_ipvs_table *present = read_table(bench);
	struct ipvs_changes changes;
	size_t done, count;

	good(bench,
	     lsvm_ipvs_changes_compute(bench->ctx, present, present, wanted, &changes));
	count = changes.list.count;
	good(bench,
	     lsvm_ipvs_socket_apply(bench->socket, changes.list.items, count, &done));
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
	return count;
}

static const struct sim_dest *held(uint8_t last)
{
	for (size_t i = 0; i < SIM_SERVICE_BUCKETS; i++) {
		const struct sim_service *found = fake.sim->kernel.named[i];

		for (const struct sim_dest *dest = found ? found->ring.next : NULL;
		     dest && dest != &found->ring; dest = dest->next)
			if (dest->name.addr[3] == last)
				return dest;
	}
	return NULL;
}

static uint32_t held_flags(void)
{
	return held(1)->service->flags & ~(uint32_t)IP_VS_SVC_F_HASHED;
}

static void assert_untouched(void)
{
	assert_int_equal(held_flags() & FLAG_OF_THE_FUTURE, FLAG_OF_THE_FUTURE);
	assert_int_equal(held(1)->tunnel_type, TUNNEL_OF_THE_FUTURE);
	assert_int_equal(held(1)->tunnel_port, 77);
	assert_int_equal(held(1)->tunnel_flags, 0x80);
	assert_int_equal(held(2)->forwarding, FORWARDING_OF_THE_FUTURE);
	assert_int_equal(fake.lost, 0);
}

static void it_is_shown_with_its_number(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *table = read_table(bench), *again;
	struct ipvs_service *read = &table->services.items[0];
	struct ipvs_change change = { .kind = IPVS_DESTINATION_EDIT,
				      .service = read,
				      .destination = &read->destinations.items[1] };
	char *json = json_of(bench, table), *json_again;
	struct buf text = { 0 };

	assert_non_null(strstr(json, "\"other_flags\":1024"));
	assert_non_null(
		strstr(json, "\"tunnel\":{\"kind\":9,\"port\":77,\"checksum\":128}"));
	assert_non_null(strstr(json, "\"forwarding\":7"));
	assert_non_null(strstr(json,
			       "\"unknown_attributes\":[{\"attribute\":200,\"bytes\":"
			       "\"0100cdab\"}]"));
	good(bench, lsvm_ipvs_table_from_json(bench->ctx, json, strlen(json), &again));
	json_again = json_of(bench, again);
	assert_string_equal(json_again, json);
	lsvm_ipvs_change_text(&change, &text);
	assert_non_null(strstr(text.data, "forwarding unknown(7)"));
	lsvm_buf_free(&text);
	change.destination = &read->destinations.items[0];
	lsvm_ipvs_change_text(&change, &text);
	assert_non_null(strstr(text.data, "tunnel unknown(9)"));
	lsvm_buf_free(&text);
	lsvm_free(json_again);
	lsvm_free(json);
	lsvm_ipvs_table_unref(again);
	lsvm_ipvs_table_unref(table);
}

static void an_edit_of_something_else_leaves_it(void **state)
{
	static const char *const edits[][2] = {
		{ "\"weight\":5", "\"weight\":6" },
		{ "\"forwarding\":7,\"weight\":5", "\"forwarding\":7,\"weight\":8" },
		{ "\"scheduler\":\"wlc\"", "\"scheduler\":\"rr\"" },
		{ "\"timeout_s\":300", "\"timeout_s\":301" },
		/* Who does not know it leaves it out: it stays all the same. */
		{ ",\"other_flags\":1024", "" },
		{ ",\"unknown_attributes\":[{\"attribute\":200,\"bytes\":\"0100cdab\"}]",
		  "" },
	};
	static const size_t changes[] = { 1, 1, 1, 1, 0, 0 };
	struct bench *bench = *state;

	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		struct lsvm_ipvs_table *present = read_table(bench);
		struct lsvm_ipvs_table *wanted =
			edited(bench, present, edits[i][0], edits[i][1]);

		assert_int_equal(apply(bench, wanted), changes[i]);
		assert_int_equal(apply(bench, wanted), 0);
		assert_untouched();
		lsvm_ipvs_table_unref(wanted);
		lsvm_ipvs_table_unref(present);
	}
	assert_int_equal(fake.kept, 4);
	assert_string_equal(held(1)->service->scheduler, "rr");
	assert_int_equal(held(1)->weight, 6);
	assert_int_equal(held(2)->weight, 8);
}

static void a_drain_before_a_removal_leaves_it_too(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *present = read_table(bench), *wanted = read_table(bench);
	struct ipvs_service *of = &wanted->services.items[0];
	struct ipvs_changes changes;
	size_t done;

	of->destinations.count = 1;
	good(bench,
	     lsvm_ipvs_changes_compute(bench->ctx, present, present, wanted, &changes));
	assert_int_equal(changes.list.count, 2);
	good(bench, lsvm_ipvs_socket_apply(bench->socket, changes.list.items, 1, &done));
	assert_int_equal(held(2)->weight, 0);
	assert_untouched();
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(wanted);
	lsvm_ipvs_table_unref(present);
}

static void what_we_want_otherwise_is_put_right(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *present = read_table(bench);
	struct lsvm_ipvs_table *wanted =
		edited(bench, present, "\"kind\":9,\"port\":77,\"checksum\":128",
		       "\"kind\":\"ipip\"");

	assert_int_equal(apply(bench, wanted), 1);
	assert_int_equal(held(1)->tunnel_type, 0);
	assert_int_equal(apply(bench, wanted), 0);
	lsvm_ipvs_table_unref(wanted);
	lsvm_ipvs_table_unref(present);
}

static void nobody_is_given_what_no_kernel_is_known_to_have(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *present = read_table(bench), *empty;
	struct ipvs_changes changes;

	good(bench, lsvm_ipvs_table_new(bench->ctx, &empty));
	assert_int_equal(
		lsvm_ipvs_changes_compute(bench->ctx, empty, NULL, present, &changes),
		LSVM_ERR_ARGUMENT);
	lsvm_ipvs_table_unref(empty);
	lsvm_ipvs_table_unref(present);
}

static void a_host_performs_such_an_edit(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *present = read_table(bench);
	struct lsvm_ipvs_table *wanted =
		edited(bench, present, "\"weight\":5", "\"weight\":9");
	struct ipvs_changes changes;
	struct step step = { .kind = STEP_IPVS };
	size_t done;

	good(bench,
	     lsvm_ipvs_changes_compute(bench->ctx, present, present, wanted, &changes));
	assert_int_equal(changes.list.count, 1);
	step.ipvs = changes.list.items[0];
	good(bench, lsvm_host_perform(bench->host, &step, 1, &done));
	assert_int_equal(held(1)->weight, 9);
	assert_untouched();
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(wanted);
	lsvm_ipvs_table_unref(present);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_shown_with_its_number),
		TEST(an_edit_of_something_else_leaves_it),
		TEST(a_drain_before_a_removal_leaves_it_too),
		TEST(what_we_want_otherwise_is_put_right),
		TEST(nobody_is_given_what_no_kernel_is_known_to_have),
		TEST(a_host_performs_such_an_edit),
	};

	return RUN(tests);
}
