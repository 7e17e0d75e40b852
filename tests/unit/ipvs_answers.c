/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The socket to IPVS over a kernel whose answers are lost, late, cut, endless or lies:
 * every call ends by its deadline, what it says is true or it is an error with a
 * sentence, and once the kernel is well again the same socket makes it hold what is
 * wanted.
 */
#include "../lab/ipvs_random.h"
#include "ipvs_kernel_fake.h"
#include "test.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define SERVICES 14
#define DESTINATIONS 5
#define SKIP_MAX 40 /* more requests than one pass has */

struct bench {
	struct lsvm_ctx *ctx;
	struct lsvm_host *host;
	struct ipvs_socket *socket;
	struct lsvm_ipvs_table *wanted;
	unsigned failures, hits;
	bool is_large; /* its JSON takes too long */
};

static void good(struct bench *bench, int err)
{
	if (err)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(bench->ctx));
}

/* What the other interface cannot carry is left out. */
static struct lsvm_ipvs_table *table_of(struct bench *bench, uint32_t seed, bool older)
{
	struct lsvm_ipvs_table *table =
		random_table(bench->ctx, seed, SERVICES, DESTINATIONS);

	assert_non_null(table);
	for (size_t i = 0; older && i < table->services.count; i++) {
		struct ipvs_service *service = &table->services.items[i];

		memset(service->engine, 0, sizeof(service->engine));
		for (size_t j = 0; j < service->destinations.count; j++) {
			struct ipvs_destination *destination =
				&service->destinations.items[j];

			destination->tunnel_type = 0;
			destination->tunnel_port = destination->tunnel_flags = 0;
			if (destination->addr.family == 6)
				service->destinations.items[j--] =
					service->destinations
						.items[--service->destinations.count];
		}
		if (service->key.addr.family == 6) {
			vec_free(&service->destinations);
			table->services.items[i--] =
				table->services.items[--table->services.count];
		}
	}
	table->sealed = false;
	good(bench, lsvm_ipvs_table_seal(table));
	return table;
}

static struct lsvm_ipvs_table *truth(struct bench *bench)
{
	struct lsvm_ipvs_table *table;

	good(bench, lsvm_sim_ipvs_read(fake.sim, &table));
	return table;
}

static void begin(struct bench *bench, uint32_t seed, bool older)
{
	struct lsvm_ipvs_table *first, *empty;
	struct ipvs_changes changes;

	*bench = (struct bench){ 0 };
	good(bench, lsvm_ctx_new(&bench->ctx));
	good(bench, lsvm_host_new_simulated(bench->ctx, "eds1", &bench->host));
	good(bench, lsvm_host_simulate_interface(bench->host, "eth0"));
	fake.sim = (struct sim_host *)bench->host;
	first = table_of(bench, seed, older);
	bench->wanted = table_of(bench, seed + 1, older);
	good(bench, lsvm_ipvs_table_new(bench->ctx, &empty));
	good(bench, lsvm_ipvs_changes_compute(bench->ctx, empty, NULL, first, &changes));
	for (size_t i = 0; i < changes.list.count; i++)
		good(bench, lsvm_sim_ipvs_change(fake.sim, &changes.list.items[i]));
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(empty);
	lsvm_ipvs_table_unref(first);
	good(bench, older ? lsvm_ipvs_socket_open_older(bench->ctx, &bench->socket)
			  : lsvm_ipvs_socket_open(bench->ctx, &bench->socket));
	/* Not that of this machine. */
	if (bench->socket->proc_fd >= 0)
		close(bench->socket->proc_fd);
	bench->socket->proc_fd = -1;
}

static void end(struct bench *bench)
{
	/* No descriptor of ours. */
	bench->socket->older_fd = -1;
	lsvm_ipvs_socket_close(bench->socket);
	fake_clear();
	lsvm_ipvs_table_unref(bench->wanted);
	lsvm_host_free(bench->host);
	lsvm_ctx_unref(bench->ctx);
}

static bool same(struct bench *bench, const struct lsvm_ipvs_table *a,
		 const struct lsvm_ipvs_table *b)
{
	char *have, *want;
	bool is_same;

	good(bench, lsvm_ipvs_table_to_json(a, &have));
	good(bench, lsvm_ipvs_table_to_json(b, &want));
	is_same = strcmp(have, want) == 0;
	lsvm_free(have);
	lsvm_free(want);
	return is_same;
}

static size_t differences(struct bench *bench, const struct lsvm_ipvs_table *present)
{
	struct ipvs_changes changes;
	size_t count;

	good(bench, lsvm_ipvs_changes_compute(bench->ctx, present, present, bench->wanted,
					      &changes));
	count = changes.list.count;
	lsvm_ipvs_changes_clear(&changes);
	return count;
}

static void assert_told(struct bench *bench, int err)
{
	static const int told[] = { LSVM_ERR_TIMEOUT, LSVM_ERR_BUSY,  LSVM_ERR_PROTOCOL,
				    LSVM_ERR_IO,      LSVM_ERR_LIMIT, LSVM_ERR_CONFLICT,
				    LSVM_ERR_NOMEM };
	bool is_told = false;

	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		is_told |= err == told[i];
	if (!is_told)
		fail_msg("fault %d/%d after %u: %s: %s", fake.fault, fake.older_fault,
			 fake.skip, lsvm_err_name(err), lsvm_ctx_error_text(bench->ctx));
	assert_true(strlen(lsvm_ctx_error_text(bench->ctx)) > 20);
	bench->failures++;
}

static void assert_in_time(struct bench *bench, uint64_t start)
{
	assert_true(fake_now_ms() - start <= bench->socket->call_ms + 100u);
}

/* One pass; false when it ended with an error. */
static bool reconcile(struct bench *bench)
{
	struct lsvm_ipvs_table *present, *now;
	struct ipvs_changes changes;
	uint64_t start = fake_now_ms();
	size_t done = 0;
	int err = lsvm_ipvs_socket_read(bench->socket, &present);

	assert_in_time(bench, start);
	if (err) {
		assert_told(bench, err);
		return false;
	}
	now = truth(bench);
	/* An end that came too early is a lie that nothing tells. */
	if (fake.fault != FAULT_FALSE_DONE && !bench->is_large &&
	    !same(bench, present, now))
		fail_msg("fault %d/%d after %u: not the truth", fake.fault,
			 fake.older_fault, fake.skip);
	good(bench, lsvm_ipvs_changes_compute(bench->ctx, present, present, bench->wanted,
					      &changes));
	start = fake_now_ms();
	err = lsvm_ipvs_socket_apply(bench->socket, changes.list.items,
				     changes.list.count, &done);
	assert_in_time(bench, start);
	lsvm_ipvs_table_unref(now);
	now = truth(bench);
	if (err) {
		assert_told(bench, err);
		assert_true(done <= changes.list.count);
	} else {
		assert_int_equal(done, changes.list.count);
		if (fake.fault != FAULT_FALSE_DONE && differences(bench, now))
			fail_msg("fault %d/%d after %u: not what was wanted", fake.fault,
				 fake.older_fault, fake.skip);
	}
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(now);
	return !err;
}

static void assert_recovers(struct bench *bench)
{
	bench->hits += fake.hit;
	fake_heal();
	assert_true(reconcile(bench));
	assert_true(reconcile(bench));
}

static void run_faults(bool older, unsigned count, unsigned *hits, unsigned *failures)
{
	for (unsigned fault = 1; fault < count; fault++)
		for (unsigned skip = 0; skip < SKIP_MAX; skip++) {
			struct bench bench;

			begin(&bench, 2 * fault, older);
			fake.skip = skip;
			fake.for_ever = (skip + fault) & 1;
			/* It is a lie that tells itself by not lasting only. */
			if (older && fault == OLDER_FEWER)
				fake.for_ever = false;
			if (older)
				fake.older_fault = (enum older_fault)fault;
			else
				fake.fault = (enum fault)fault;
			reconcile(&bench);
			assert_recovers(&bench);
			hits[fault] += bench.hits;
			failures[fault] += bench.failures;
			end(&bench);
		}
}

static void whatever_comes_for_an_answer_a_call_ends_and_tells_the_truth(void **state)
{
	unsigned hits[FAULT_COUNT] = { 0 }, failures[FAULT_COUNT] = { 0 };

	(void)state;
	run_faults(false, FAULT_COUNT, hits, failures);
	for (unsigned fault = 1; fault < FAULT_COUNT; fault++) {
		const bool harmless = fault == FAULT_OLD_ACK ||
				      fault == FAULT_ALIEN_SENDER || fault == FAULT_EMPTY;

		print_message("fault %2u: %u times, %u errors\n", fault, hits[fault],
			      failures[fault]);
		assert_true(hits[fault] > SKIP_MAX / 4);
		assert_int_equal(failures[fault] == 0, harmless);
	}
}

static void the_older_interface_tells_the_truth_too(void **state)
{
	unsigned hits[OLDER_COUNT] = { 0 }, failures[OLDER_COUNT] = { 0 };

	(void)state;
	run_faults(true, OLDER_COUNT, hits, failures);
	for (unsigned fault = 1; fault < OLDER_COUNT; fault++) {
		print_message("fault %2u: %u times, %u errors\n", fault, hits[fault],
			      failures[fault]);
		assert_true(hits[fault] > SKIP_MAX / 4);
		assert_true(failures[fault] > 0 || fault == OLDER_FEWER);
	}
}

static void opening_ends_by_its_deadline_too(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, 5, false);
	for (unsigned fault = 1; fault < FAULT_COUNT; fault++)
		for (unsigned skip = 0; skip < 2; skip++) {
			uint64_t start = fake_now_ms();
			struct ipvs_socket *socket = NULL;
			int err;

			fake_clear();
			fake.fault = (enum fault)fault;
			fake.skip = skip;
			fake.for_ever = true;
			err = lsvm_ipvs_socket_open(bench.ctx, &socket);
			assert_true(fake_now_ms() - start <= IPVS_CALL_DEFAULT_MS + 100);
			assert_int_equal(err == 0, socket != NULL);
			if (err)
				assert_true(strlen(lsvm_ctx_error_text(bench.ctx)) > 20);
			lsvm_ipvs_socket_close(socket);
		}
	end(&bench);
}

static void a_daemons_lost_answer_is_looked_up(void **state)
{
	const struct ipvs_daemon daemon = { .present = true,
					    .interface = "eth0",
					    .sync_id = 7 };
	struct ipvs_change change = { .is_master = true, .daemon = &daemon };
	struct bench bench;
	uint64_t start;
	size_t done;

	(void)state;
	begin(&bench, 5, false);
	assert_int_equal(lsvm_sim_ipvs_flush(bench.host), 0);
	for (unsigned i = 0; i < 2; i++) {
		change.kind = i ? IPVS_DAEMON_STOP : IPVS_DAEMON_START;
		fake.fault = FAULT_LOST;
		fake.skip = 0;
		fake.hit = fake.for_ever = false;
		start = fake_now_ms();
		good(&bench, lsvm_ipvs_socket_apply(bench.socket, &change, 1, &done));
		assert_int_equal(done, 1);
		assert_true(fake_now_ms() - start < 1000);
		assert_int_equal(!fake.sim->kernel.master.state, i);
		fake_heal();
	}
	end(&bench);
}

static void a_list_that_never_ends_does_not_fill_the_memory(void **state)
{
	struct lsvm_ipvs_table *table;
	struct bench bench;

	(void)state;
	begin(&bench, 5, false);
	bench.socket->count_max = 100;
	fake.fault = FAULT_ENDLESS;
	fake.for_ever = true;
	fake.skip = 0;
	assert_int_equal(lsvm_ipvs_socket_read(bench.socket, &table), LSVM_ERR_LIMIT);
	assert_recovers(&bench);
	end(&bench);
}

/* It is a cross-check: what it says is never believed against the kernel's own lists. */
static void a_file_that_lies_changes_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n\n",
		"TCP  C0000201:0050 wlc\n  -> 0A000001:0050 Route 1 0 0\n",
		"quux quux quux\n",
		"TCP [::1:0050 wlc",
		"FWM  FFFFFFFFFFFF wlc\n",
	};
	struct bench bench;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		begin(&bench, 9, false);
		bench.socket->proc_fd = memfd_create("ip_vs", MFD_CLOEXEC);
		assert_true(write(bench.socket->proc_fd, texts[i], strlen(texts[i])) >=
			    0);
		assert_true(reconcile(&bench));
		assert_true(reconcile(&bench));
		end(&bench);
	}
}

/* The most that one service is promised to have. */
static void a_service_with_65535_destinations_is_held_and_edited(void **state)
{
	struct ipvs_service *service;
	struct lsvm_ipvs_table *now;
	struct bench bench;

	(void)state;
	begin(&bench, 9, false);
	bench.is_large = true;
	lsvm_ipvs_table_unref(bench.wanted);
	good(&bench, lsvm_ipvs_table_alloc(bench.ctx, &bench.wanted));
	service = lsvm_ipvs_table_push(bench.wanted);
	*service = (struct ipvs_service){ .key = { .addr = { 4, { 192, 0, 2, 1 } },
						   .protocol = IPPROTO_TCP,
						   .port = 80 },
					  .scheduler = "wlc",
					  .netmask = 0xffffffff };
	for (unsigned i = 0; i < 65535; i++)
		*lsvm_ipvs_service_push(service) = (struct ipvs_destination){
			.addr = { 4, { 10, 1, (uint8_t)(i >> 8), (uint8_t)i } },
			.port = 80,
			.forwarding = IP_VS_CONN_F_DROUTE,
			.weight = 1
		};
	good(&bench, lsvm_ipvs_table_seal(bench.wanted));
	assert_true(reconcile(&bench));
	service->destinations.items[40000].weight = 7;
	assert_true(reconcile(&bench));
	now = truth(&bench);
	assert_int_equal(now->services.items[0].destinations.count, 65535);
	assert_int_equal(differences(&bench, now), 0);
	lsvm_ipvs_table_unref(now);
	end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			whatever_comes_for_an_answer_a_call_ends_and_tells_the_truth),
		cmocka_unit_test(the_older_interface_tells_the_truth_too),
		cmocka_unit_test(opening_ends_by_its_deadline_too),
		cmocka_unit_test(a_daemons_lost_answer_is_looked_up),
		cmocka_unit_test(a_list_that_never_ends_does_not_fill_the_memory),
		cmocka_unit_test(a_file_that_lies_changes_nothing),
		cmocka_unit_test(a_service_with_65535_destinations_is_held_and_edited),
	};

	return RUN(tests);
}
