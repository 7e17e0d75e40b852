/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whatever else changes the table, one pass of reconcile repairs what is ours.
 *
 * Between two passes `ipvsadm` changes, adds and removes services and destinations at
 * random, ours and its own. What must be there after the pass is worked out from what was
 * there before it: all that is wanted, as it is wanted, and everything of others as it
 * was. A second pass then has nothing to write.
 *
 * Beside it: snapshots while another process changes the table, and sync daemons that are
 * stopped as soon as they were started.
 */
#include "../lab/ipvs_random.h"
#include "../unit/test.h"
#include "host/linux/ipvs.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERVICES 40
#define DESTINATIONS 6
#define BATCH_MAX 16

struct bench {
	struct lsvm_ctx *ctx;
	struct ipvs_socket *socket;
	uint32_t seed;
	unsigned added; /* destinations of others */
};

static size_t size(size_t small, size_t full)
{
	return getenv("LSVM_FULL") ? full : small;
}

static int setup(void **state)
{
	static struct bench bench;

	bench = (struct bench){ .seed = 1 };
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link set lo up"), 0);
	assert_int_equal(lsvm_ctx_new(&bench.ctx), 0);
	if (lsvm_ipvs_socket_open(bench.ctx, &bench.socket))
		fail_msg("%s", lsvm_ctx_error_text(bench.ctx));
	*state = &bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	lsvm_ipvs_socket_close(bench->socket);
	lsvm_ctx_unref(bench->ctx);
	return 0;
}

static void good(struct bench *bench, int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(bench->ctx));
}

static uint32_t below(struct bench *bench, size_t limit)
{
	bench->seed ^= bench->seed << 13;
	bench->seed ^= bench->seed >> 17;
	bench->seed ^= bench->seed << 5;
	return bench->seed % (uint32_t)limit;
}

/* Counters say nothing about drift. */
static struct lsvm_ipvs_table *read_table(struct bench *bench)
{
	struct lsvm_ipvs_table *table;

	good(bench, lsvm_ipvs_socket_read(bench->socket, &table));
	for (size_t i = 0; i < table->services.count; i++) {
		struct ipvs_service *service = &table->services.items[i];

		service->counters = NULL;
		for (size_t j = 0; j < service->destinations.count; j++)
			service->destinations.items[j].counters = NULL;
	}
	return table;
}

/* Answers how many changes were sent. */
static size_t reconcile(struct bench *bench, const struct lsvm_ipvs_table *owned,
			const struct lsvm_ipvs_table *wanted)
{
	const uint64_t before = lsvm_ipvs_socket_write_count(bench->socket);
	struct lsvm_ipvs_table *present = read_table(bench);
	struct ipvs_changes changes = { 0 };
	size_t done = 0, count;

	good(bench,
	     lsvm_ipvs_changes_compute(bench->ctx, present, owned, wanted, &changes));
	count = changes.list.count;
	good(bench,
	     lsvm_ipvs_socket_apply(bench->socket, changes.list.items, count, &done));
	assert_int_equal(done, count);
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
	return lsvm_ipvs_socket_write_count(bench->socket) - before;
}

/* ---- what must be there ---- */

static struct ipvs_service *push_copy(struct lsvm_ipvs_table *table,
				      const struct ipvs_service *service)
{
	struct ipvs_service *copy = lsvm_ipvs_table_push(table);

	assert_non_null(copy);
	*copy = *service;
	memset(&copy->destinations, 0, sizeof(copy->destinations));
	return copy;
}

static bool has_destination(const struct ipvs_service *service,
			    const struct ipvs_destination *destination)
{
	for (size_t i = 0; service && i < service->destinations.count; i++)
		if (lsvm_ipvs_destination_compare(&service->destinations.items[i],
						  destination) == 0)
			return true;
	return false;
}

/* Appends what `from` has and `except` (may be NULL) lacks. */
static void push_destinations(struct ipvs_service *to, const struct ipvs_service *from,
			      const struct ipvs_service *except)
{
	for (size_t i = 0; from && i < from->destinations.count; i++) {
		const struct ipvs_destination *item = &from->destinations.items[i];

		if (!has_destination(except, item))
			*lsvm_ipvs_service_push(to) = *item;
	}
}

/* What is wanted, and of what is present all that is not. */
static struct lsvm_ipvs_table *expect(struct bench *bench,
				      const struct lsvm_ipvs_table *present,
				      const struct lsvm_ipvs_table *wanted)
{
	struct lsvm_ipvs_table *table;

	good(bench, lsvm_ipvs_table_alloc(bench->ctx, &table));
	for (size_t i = 0; i < wanted->services.count; i++) {
		const struct ipvs_service *ours = &wanted->services.items[i];
		struct ipvs_service *service = push_copy(table, ours);

		push_destinations(service, ours, NULL);
		push_destinations(service, lsvm_ipvs_table_lookup(present, &ours->key),
				  ours);
	}
	for (size_t i = 0; i < present->services.count; i++) {
		const struct ipvs_service *theirs = &present->services.items[i];

		if (!lsvm_ipvs_table_lookup(wanted, &theirs->key))
			push_destinations(push_copy(table, theirs), theirs, NULL);
	}
	table->timeouts = wanted->timeouts;
	good(bench, lsvm_ipvs_table_seal(table));
	return table;
}

static void assert_kernel_holds(struct bench *bench,
				const struct lsvm_ipvs_table *expected)
{
	struct lsvm_ipvs_table *present = read_table(bench);
	char *have, *want;

	good(bench, lsvm_ipvs_table_to_json(present, &have));
	good(bench, lsvm_ipvs_table_to_json(expected, &want));
	assert_string_equal(have, want);
	lsvm_free(have);
	lsvm_free(want);
	lsvm_ipvs_table_unref(present);
}

/* ---- ipvsadm as the outsider ---- */

/* The service alone, or one destination of it, as ipvsadm's words after the verb. */
static char *words(struct bench *bench, const struct ipvs_service *service,
		   const struct ipvs_destination *destination)
{
	struct lsvm_ipvs_table *table;
	struct ipvs_service *copy;
	char *text, *line, *answer;

	good(bench, lsvm_ipvs_table_alloc(bench->ctx, &table));
	copy = push_copy(table, service);
	/* ipvsadm has no word for it there. */
	if (strcmp(copy->scheduler, "sh") == 0 || strcmp(copy->scheduler, "mh") == 0)
		copy->flags &= ~(uint32_t)IP_VS_SVC_F_SCHED3;
	if (destination)
		*lsvm_ipvs_service_push(copy) = *destination;
	good(bench, lsvm_ipvs_table_seal(table));
	good(bench, lsvm_ipvs_table_to_ipvsadm(table, &text));
	line = destination ? strchr(text, '\n') + 1 : text;
	line[strcspn(line, "\n")] = '\0';
	answer = strdup(line + strlen("-A "));
	lsvm_free(text);
	lsvm_ipvs_table_unref(table);
	return answer;
}

static void say(struct bench *bench, FILE *script, const char *verb,
		const struct ipvs_service *service,
		const struct ipvs_destination *destination)
{
	char *line = words(bench, service, destination), *end = NULL;

	/* Deleting takes the names only. */
	if (strcmp(verb, "-D") == 0)
		end = strstr(line, " -s ");
	else if (strcmp(verb, "-d") == 0)
		end = strchr(strstr(line, " -r ") + strlen(" -r "), ' ');
	if (end)
		*end = '\0';
	fprintf(script, "%s %s", verb, line);
	if (destination && !end)
		fprintf(script, " -x %u -y %u", destination->upper_threshold,
			destination->lower_threshold);
	fputc('\n', script);
	free(line);
}

static void change_service(struct bench *bench, struct ipvs_service *service)
{
	static const char *const schedulers[] = { "rr", "wrr", "lc", "wlc", "sh",
						  "dh", "sed", "nq", "mh",  "ovf" };
	const bool udp = service->key.protocol == IPPROTO_UDP;
	const bool persistent = service->flags & IP_VS_SVC_F_PERSISTENT;
	const bool named = service->key.fwmark || service->key.port;

	if (below(bench, 3) == 0)
		strcpy(service->scheduler,
		       schedulers[below(bench, ARRAY_SIZE(schedulers))]);
	if (below(bench, 3) == 0)
		service->flags ^= IP_VS_SVC_F_SCHED1 << below(bench, 3);
	if (udp && below(bench, 3) == 0)
		service->flags ^= IP_VS_SVC_F_ONEPACKET;
	if (persistent && below(bench, 2))
		service->timeout_s = 1 + below(bench, 5000);
	if (udp && persistent && below(bench, 2))
		strcpy(service->engine, service->engine[0] ? "" : "sip");
	if (persistent && named && below(bench, 3) == 0) {
		service->flags &= ~(uint32_t)IP_VS_SVC_F_PERSISTENT;
		service->engine[0] = '\0';
		service->timeout_s = 0;
	} else if (!persistent && below(bench, 3) == 0) {
		service->flags |= IP_VS_SVC_F_PERSISTENT;
		service->timeout_s = 60;
	}
}

static void change_destination(struct bench *bench, const struct ipvs_service *service,
			       struct ipvs_destination *destination)
{
	const bool plain = destination->addr.family == service->key.addr.family &&
			   destination->port == service->key.port;

	if (below(bench, 2))
		destination->weight = below(bench, 3) * below(bench, 1000);
	if (below(bench, 3) == 0) {
		destination->upper_threshold = below(bench, 500);
		destination->lower_threshold = destination->upper_threshold / 2;
	}
	if (plain && below(bench, 4) == 0)
		destination->forwarding =
			below(bench, 2) ? IP_VS_CONN_F_DROUTE : IP_VS_CONN_F_TUNNEL;
	if (destination->forwarding != IP_VS_CONN_F_TUNNEL) {
		destination->tunnel_type = 0;
		destination->tunnel_port = destination->tunnel_flags = 0;
	} else if (below(bench, 2)) {
		destination->tunnel_type = (uint8_t)below(bench, 3);
		destination->tunnel_port = destination->tunnel_type == 1
						   ? (uint16_t)(1000 + below(bench, 9))
						   : 0;
		destination->tunnel_flags =
			destination->tunnel_type ? (uint16_t)below(bench, 2) : 0;
	}
}

static void add_foreign_destination(struct bench *bench, FILE *script,
				    const struct ipvs_service *service)
{
	const unsigned number = ++bench->added;
	struct ipvs_destination destination = { .addr = service->key.addr,
						.port = service->key.port,
						.forwarding = IP_VS_CONN_F_DROUTE,
						.weight = below(bench, 5) };
	const struct addr four = { 4,
				   { 10, 3, (uint8_t)(number >> 8), (uint8_t)number } };

	if (service->key.addr.family == 4) {
		destination.addr = four;
	} else {
		static const uint8_t prefix[] = { 0x20, 0x01, 0x0d, 0xb8, 0, 3 };

		destination.addr = (struct addr){ .family = 6 };
		memcpy(destination.addr.bytes, prefix, sizeof(prefix));
		destination.addr.bytes[14] = (uint8_t)(number >> 8);
		destination.addr.bytes[15] = (uint8_t)number;
	}
	say(bench, script, "-a", service, &destination);
}

static void add_foreign_service(struct bench *bench, FILE *script,
				const struct lsvm_ipvs_table *present)
{
	struct lsvm_ipvs_table *more =
		random_table(bench->ctx, 1000 + below(bench, 1 << 20), SERVICES, 3);
	const struct ipvs_service *service =
		&more->services.items[below(bench, more->services.count)];

	if (!lsvm_ipvs_table_lookup(present, &service->key)) {
		say(bench, script, "-A", service, NULL);
		for (size_t i = 0; i < service->destinations.count; i++)
			say(bench, script, "-a", service,
			    &service->destinations.items[i]);
	}
	lsvm_ipvs_table_unref(more);
}

/* One thing happens to the service, which nothing has happened to in this batch. */
static void disturb(struct bench *bench, FILE *script, const struct ipvs_service *service)
{
	const size_t count = service->destinations.count;
	const struct ipvs_destination *chosen =
		count ? &service->destinations.items[below(bench, count)] : NULL;
	struct ipvs_service changed = *service;
	struct ipvs_destination other;

	switch (below(bench, 8)) {
	case 0:
		say(bench, script, "-D", service, NULL);
		return;
	case 1: /* another one under the same name */
		say(bench, script, "-D", service, NULL);
		change_service(bench, &changed);
		say(bench, script, "-A", &changed, NULL);
		if (chosen)
			say(bench, script, "-a", &changed, chosen);
		return;
	case 2:
		add_foreign_destination(bench, script, service);
		return;
	case 3:
		if (chosen)
			say(bench, script, "-d", service, chosen);
		return;
	case 4:
	case 5:
		change_service(bench, &changed);
		say(bench, script, "-E", &changed, NULL);
		return;
	default:
		if (!chosen)
			return;
		other = *chosen;
		change_destination(bench, service, &other);
		say(bench, script, "-e", service, &other);
	}
}

/* Answers how many mutations there were. */
static size_t mutate(struct bench *bench)
{
	struct lsvm_ipvs_table *present = read_table(bench);
	bool touched[1024] = { false };
	char *script, command[64];
	size_t length, count = 1 + below(bench, BATCH_MAX), done = 0;
	FILE *memory = open_memstream(&script, &length), *pipe;

	assert_true(present->services.count < ARRAY_SIZE(touched));
	for (size_t i = 0; i < count; i++) {
		const size_t at = below(bench, present->services.count);

		if (touched[at])
			continue;
		touched[at] = true;
		disturb(bench, memory, &present->services.items[at]);
		done++;
	}
	if (below(bench, 3) == 0) {
		add_foreign_service(bench, memory, present);
		done++;
	}
	fclose(memory);
	pipe = popen("ipvsadm -R", "w");
	assert_non_null(pipe);
	fputs(script, pipe);
	if (pclose(pipe))
		fail_msg("ipvsadm refused something of\n%s", script);
	snprintf(command, sizeof(command), "ipvsadm --set %u %u %u",
		 800 + below(bench, 3), 100 + below(bench, 3), 200 + below(bench, 3));
	if (below(bench, 4) == 0)
		assert_int_equal(system(command), 0);
	free(script);
	lsvm_ipvs_table_unref(present);
	return done;
}

static void one_pass_repairs_all_drift_and_leaves_others_alone(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *wanted =
		random_table(bench->ctx, 7, SERVICES, DESTINATIONS);
	const size_t limit = size(60, 1000);
	size_t mutations = 0, passes = 0, writes = 0;

	wanted->timeouts = (struct ipvs_timeouts){ 900, 120, 300 };
	reconcile(bench, NULL, wanted);
	while (mutations < limit) {
		struct lsvm_ipvs_table *present, *expected;

		mutations += mutate(bench);
		present = read_table(bench);
		expected = expect(bench, present, wanted);
		writes += reconcile(bench, wanted, wanted);
		assert_kernel_holds(bench, expected);
		assert_int_equal(reconcile(bench, wanted, wanted), 0);
		passes++;
		lsvm_ipvs_table_unref(expected);
		lsvm_ipvs_table_unref(present);
	}
	print_message("%zu mutations repaired in %zu passes with %zu changes\n",
		      mutations, passes, writes);
	lsvm_ipvs_table_unref(wanted);
}

/* ---- a service that was there before we wanted it ---- */

static size_t destination_count(struct bench *bench, const struct lsvm_ipvs_table *wanted)
{
	struct lsvm_ipvs_table *present = read_table(bench);
	const struct ipvs_service *service =
		lsvm_ipvs_table_lookup(present, &wanted->services.items[0].key);
	size_t count = service ? service->destinations.count : 0;

	lsvm_ipvs_table_unref(present);
	return count;
}

static void a_service_of_others_is_adopted_when_it_is_wanted(void **state)
{
	static const char json[] =
		"{\"schema\":\"lsvm-ipvs/1\",\"services\":[{\"protocol\":\"tcp\","
		"\"address\":\"192.0.2.1\",\"port\":80,\"scheduler\":\"wlc\","
		"\"destinations\":[{\"address\":\"10.0.0.1\",\"port\":80,\"weight\":3},"
		"{\"address\":\"10.0.0.2\",\"port\":80}]}]}";
	struct bench *bench = *state;
	struct lsvm_ipvs_table *wanted, *nothing, *present, *expected;

	assert_int_equal(system("ipvsadm -A -t 192.0.2.1:80 -s rr -p 60 && "
				"ipvsadm -a -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 9 && "
				"ipvsadm -a -t 192.0.2.1:80 -r 10.0.0.9:80 -g && "
				"ipvsadm -A -t 192.0.2.2:80 -s rr"),
			 0);
	good(bench, lsvm_ipvs_table_from_json(bench->ctx, json, strlen(json), &wanted));
	good(bench, lsvm_ipvs_table_new(bench->ctx, &nothing));
	present = read_table(bench);
	wanted->timeouts = present->timeouts;
	expected = expect(bench, present, wanted);
	/* Edited in place: the service, one destination; one is added, one stays. */
	assert_int_equal(reconcile(bench, NULL, wanted), 3);
	assert_kernel_holds(bench, expected);
	assert_int_equal(destination_count(bench, wanted), 3);
	assert_int_equal(reconcile(bench, wanted, wanted), 0);
	/* Ours now: it goes with all that is in it, the other service stays. */
	assert_true(reconcile(bench, wanted, nothing) > 0);
	lsvm_ipvs_table_unref(present);
	present = read_table(bench);
	assert_int_equal(present->services.count, 1);
	assert_int_equal(present->services.items[0].key.addr.bytes[3], 2);
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(expected);
	lsvm_ipvs_table_unref(nothing);
	lsvm_ipvs_table_unref(wanted);
}

/* ---- snapshots of a table that changes ---- */

/* Adds and removes services that nobody waits for, until it is killed. */
static void churn(struct bench *bench, unsigned pause_us)
{
	struct ipvs_service service = { .key = { .addr = { 4, { 203, 0, 113, 1 } },
						 .protocol = IPPROTO_TCP },
					.scheduler = "rr",
					.netmask = 0xffffffff };
	struct ipvs_change change = { .service = &service };
	struct ipvs_socket *socket;
	size_t done;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (lsvm_ipvs_socket_open(bench->ctx, &socket))
		_exit(1);
	for (unsigned round = 0;; round++) {
		service.key.port = (uint16_t)(1 + round / 2 % 997);
		change.kind = round % 2 ? IPVS_SERVICE_DELETE : IPVS_SERVICE_ADD;
		lsvm_ipvs_socket_apply(socket, &change, 1, &done);
		usleep(pause_us);
	}
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Every service and destination that lives all the time is there, and as it is. */
static void assert_all_live(const struct lsvm_ipvs_table *present,
			    const struct lsvm_ipvs_table *alive)
{
	for (size_t i = 0; i < alive->services.count; i++) {
		const struct ipvs_service *want = &alive->services.items[i];
		const struct ipvs_service *have =
			lsvm_ipvs_table_lookup(present, &want->key);

		if (!have)
			fail_msg("service %zu of %zu, which lives all the time, is not "
				 "in the snapshot",
				 i, alive->services.count);
		assert_int_equal(have->destinations.count, want->destinations.count);
		for (size_t j = 0; j < want->destinations.count; j++)
			assert_true(has_destination(have, &want->destinations.items[j]));
	}
}

static void snapshots(struct bench *bench, size_t services, unsigned pause_us,
		      size_t count)
{
	struct lsvm_ipvs_table *alive = random_table(bench->ctx, 5, services, 2);
	struct lsvm_ipvs_table *present;
	const uint64_t start = now_ms();
	size_t busy = 0;
	pid_t child;

	reconcile(bench, NULL, alive);
	child = fork();
	if (child == 0)
		churn(bench, pause_us);
	for (size_t i = 0; i < count; i++) {
		int err = lsvm_ipvs_socket_read(bench->socket, &present);

		if (err == LSVM_ERR_BUSY) {
			busy++;
			continue;
		}
		good(bench, err);
		assert_all_live(present, alive);
		lsvm_ipvs_table_unref(present);
	}
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	print_message("%zu services, a change each %u us: %zu of %zu snapshots whole, "
		      "the rest said so, in %u ms\n",
		      alive->services.count, pause_us, count - busy, count,
		      (unsigned)(now_ms() - start));
	assert_true(busy <= count / 10);
	/* The next size starts with an empty table. */
	good(bench, lsvm_ipvs_socket_flush(bench->socket));
	lsvm_ipvs_table_unref(alive);
}

static void no_snapshot_lacks_a_service_that_lives(void **state)
{
	struct bench *bench = *state;
	const size_t count = size(150, 1000);

	snapshots(bench, 40, 500, count / 3);
	snapshots(bench, 400, 20000, count / 3);
	snapshots(bench, 400, 500, count - count / 3 * 2);
}

/* ---- daemons ---- */

static bool master_runs(struct bench *bench)
{
	struct lsvm_ipvs_table *table = read_table(bench);
	const bool runs = table->master.present;

	lsvm_ipvs_table_unref(table);
	return runs;
}

static void a_daemon_stopped_at_once_is_told_as_it_is(void **state)
{
	struct bench *bench = *state;
	struct ipvs_daemon daemon = { .present = true, .interface = "lo", .sync_id = 1 };
	struct ipvs_change both[] = {
		{ .kind = IPVS_DAEMON_START, .daemon = &daemon, .is_master = true },
		{ .kind = IPVS_DAEMON_STOP, .daemon = &daemon, .is_master = true },
	};
	const size_t rounds = size(15, 100);
	uint64_t longest = 0;

	for (size_t i = 0; i < rounds; i++) {
		const uint64_t start = now_ms();
		size_t done = 0;

		/* One call, or one for each. */
		good(bench,
		     lsvm_ipvs_socket_apply(bench->socket, both, i % 2 ? 2 : 1, &done));
		if (i % 2 == 0) {
			assert_int_equal(done, 1);
			good(bench,
			     lsvm_ipvs_socket_apply(bench->socket, &both[1], 1, &done));
		}
		assert_int_equal(done, i % 2 ? 2 : 1);
		if (now_ms() - start > longest)
			longest = now_ms() - start;
		assert_false(master_runs(bench));
	}
	print_message("%zu daemons were started and stopped, the slowest in %u ms\n",
		      rounds, (unsigned)longest);
	assert_true(longest < IPVS_TIMEOUT_DEFAULT_MS);
	good(bench, lsvm_ipvs_socket_apply(bench->socket, both, 1, &(size_t){ 0 }));
	assert_true(master_runs(bench));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_pass_repairs_all_drift_and_leaves_others_alone),
		TEST(a_service_of_others_is_adopted_when_it_is_wanted),
		TEST(no_snapshot_lacks_a_service_that_lives),
		TEST(a_daemon_stopped_at_once_is_told_as_it_is),
	};

	return RUN(tests);
}
