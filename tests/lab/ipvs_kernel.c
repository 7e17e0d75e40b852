/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The IPVS codec and socket against a real ip_vs, as root. Every test has a network
 * namespace, and so a table, of its own.
 */
#include "../unit/test.h"
#include "host/linux/ipvs.h"
#include "ipvs_random.h"

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

struct bench {
	struct lsvm_ctx *ctx;
	struct ipvs_socket *socket;
};

static int setup(void **state)
{
	static struct bench bench;

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

static struct lsvm_ipvs_table *read_table(struct bench *bench)
{
	struct lsvm_ipvs_table *table;

	good(bench, lsvm_ipvs_socket_read(bench->socket, &table));
	return table;
}

static struct lsvm_ipvs_table *from_json(struct bench *bench, const char *json)
{
	struct lsvm_ipvs_table *table;

	good(bench, lsvm_ipvs_table_from_json(bench->ctx, json, strlen(json), &table));
	return table;
}

/* Makes the kernel hold `wanted`; answers how many changes that took. */
static size_t reconcile(struct bench *bench, const struct lsvm_ipvs_table *wanted)
{
	struct lsvm_ipvs_table *present = read_table(bench);
	struct ipvs_changes changes = { 0 };
	size_t done = 0, count;

	good(bench,
	     lsvm_ipvs_changes_compute(bench->ctx, present, present, wanted, &changes));
	count = changes.list.count;
	good(bench,
	     lsvm_ipvs_socket_apply(bench->socket, changes.list.items, count, &done));
	assert_int_equal(done, count);
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
	return count;
}

static void forget_what_is_counted(struct lsvm_ipvs_table *table)
{
	table->timeouts = (struct ipvs_timeouts){ 0 };
	for (size_t i = 0; i < table->services.count; i++) {
		struct ipvs_service *service = &table->services.items[i];

		assert_non_null(service->counters);
		service->counters = NULL;
		for (size_t j = 0; j < service->destinations.count; j++) {
			assert_non_null(service->destinations.items[j].counters);
			service->destinations.items[j].counters = NULL;
		}
	}
}

/* Byte for byte: JSON has every field. */
static void assert_kernel_holds(struct bench *bench, const struct lsvm_ipvs_table *wanted)
{
	struct lsvm_ipvs_table *present = read_table(bench);
	char *have, *want;

	forget_what_is_counted(present);
	good(bench, lsvm_ipvs_table_to_json(present, &have));
	good(bench, lsvm_ipvs_table_to_json(wanted, &want));
	assert_string_equal(have, want);
	lsvm_free(have);
	lsvm_free(want);
	lsvm_ipvs_table_unref(present);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t sorted_lines(char *text, char ***ret)
{
	char **lines = NULL;
	size_t count = 0;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		lines = realloc(lines, (count + 1) * sizeof(*lines));
		lines[count++] = line;
	}
	qsort(lines, count, sizeof(*lines), by_text);
	*ret = lines;
	return count;
}

static char *read_and_write(struct bench *bench, const char *text)
{
	struct lsvm_ipvs_table *table;
	char *again;

	good(bench, lsvm_ipvs_table_from_ipvsadm(bench->ctx, text, strlen(text), &table));
	good(bench, lsvm_ipvs_table_to_ipvsadm(table, &again));
	lsvm_ipvs_table_unref(table);
	return again;
}

/* What ipvsadm really prints is read as the table that it prints. */
static void assert_reads_the_same(struct bench *bench, const char *printed,
				  const char *written)
{
	char *have = read_and_write(bench, printed);
	char *want = read_and_write(bench, written);

	assert_string_equal(have, want);
	lsvm_free(have);
	lsvm_free(want);
}

static void assert_ipvsadm_prints(struct bench *bench,
				  const struct lsvm_ipvs_table *wanted)
{
	static char printed[4 * 1024 * 1024];
	char **have, **want, *text;
	FILE *pipe = popen("ipvsadm -S -n", "r");
	size_t length, have_count, want_count;

	assert_non_null(pipe);
	length = fread(printed, 1, sizeof(printed) - 1, pipe);
	assert_int_equal(pclose(pipe), 0);
	printed[length] = '\0';
	good(bench, lsvm_ipvs_table_to_ipvsadm(wanted, &text));
	assert_reads_the_same(bench, printed, text);
	have_count = sorted_lines(printed, &have);
	want_count = sorted_lines(text, &want);
	for (size_t i = 0; i < have_count && i < want_count; i++)
		assert_string_equal(want[i], have[i]);
	assert_int_equal(want_count, have_count);
	free(have);
	free(want);
	lsvm_free(text);
}

static void random_tables_are_read_back_equal(void **state)
{
	struct bench *bench = *state;

	for (uint32_t seed = 1; seed <= 8; seed++) {
		struct lsvm_ipvs_table *table = random_table(bench->ctx, seed, 60, 12);

		reconcile(bench, table);
		assert_kernel_holds(bench, table);
		assert_ipvsadm_prints(bench, table);
		lsvm_ipvs_table_unref(table);
	}
}

static void a_second_apply_sends_nothing(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *table = random_table(bench->ctx, 99, 100, 10);
	uint64_t before;

	assert_true(reconcile(bench, table) > 100);
	before = lsvm_ipvs_socket_write_count(bench->socket);
	assert_int_equal(reconcile(bench, table), 0);
	assert_int_equal(lsvm_ipvs_socket_write_count(bench->socket), before);
	lsvm_ipvs_table_unref(table);
}

static void thousands_of_services_are_programmed_and_read(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *table = random_table(bench->ctx, 4242, 3000, 6);

	assert_true(table->services.count > 2000);
	reconcile(bench, table);
	assert_kernel_holds(bench, table);
	lsvm_ipvs_table_unref(table);
}

static void a_service_may_have_thousands_of_destinations(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *table;
	struct ipvs_service *service;

	good(bench, lsvm_ipvs_table_alloc(bench->ctx, &table));
	service = lsvm_ipvs_table_push(table);
	*service = (struct ipvs_service){ .key = { .addr = { 4, { 192, 0, 2, 1 } },
						   .protocol = IPPROTO_TCP,
						   .port = 80 },
					  .scheduler = "wlc",
					  .netmask = 0xffffffff };
	for (unsigned i = 0; i < (getenv("LSVM_FULL") ? 65535 : 5000); i++)
		*lsvm_ipvs_service_push(service) = (struct ipvs_destination){
			.addr = { 4, { 10, 1, (uint8_t)(i >> 8), (uint8_t)i } },
			.port = 80,
			.forwarding = IP_VS_CONN_F_DROUTE,
			.weight = 1
		};
	good(bench, lsvm_ipvs_table_seal(table));
	reconcile(bench, table);
	assert_kernel_holds(bench, table);
	lsvm_ipvs_table_unref(table);
}

#define ONE_SERVICE                                                                      \
	"{\"schema\":\"lsvm-ipvs/1\",\"services\":[{\"protocol\":\"tcp\","               \
	"\"address\":\"192.0.2.1\",\"port\":80,\"scheduler\":\"%s\",\"destinations\":["  \
	"{\"address\":\"10.0.0.1\",\"port\":80}]}]}"

static void an_unknown_scheduler_is_named(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *empty, *table;
	struct ipvs_changes changes;
	size_t done = 99;
	char json[512];

	snprintf(json, sizeof(json), ONE_SERVICE, "quux");
	table = from_json(bench, json);
	good(bench, lsvm_ipvs_table_new(bench->ctx, &empty));
	good(bench, lsvm_ipvs_changes_compute(bench->ctx, empty, NULL, table, &changes));
	assert_int_equal(lsvm_ipvs_socket_apply(bench->socket, changes.list.items,
						changes.list.count, &done),
			 LSVM_ERR_UNSUPPORTED);
	assert_int_equal(done, 0);
	assert_non_null(strstr(lsvm_ctx_error_text(bench->ctx), "\"quux\""));
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(table);
	lsvm_ipvs_table_unref(empty);
}

static void a_failure_in_a_batch_is_told_with_its_index(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *table = random_table(bench->ctx, 7, 300, 0), *empty;
	struct ipvs_changes changes;
	size_t done = 0, bad = 217;

	good(bench, lsvm_ipvs_table_new(bench->ctx, &empty));
	good(bench, lsvm_ipvs_changes_compute(bench->ctx, empty, NULL, table, &changes));
	assert_true(changes.list.count > bad);
	/* The one before, once more. */
	changes.list.items[bad] = changes.list.items[bad - 1];
	assert_int_equal(lsvm_ipvs_socket_apply(bench->socket, changes.list.items,
						changes.list.count, &done),
			 LSVM_ERR_CONFLICT);
	assert_int_equal(done, bad);
	assert_non_null(strstr(lsvm_ctx_error_text(bench->ctx), "it is there already"));
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(table);
	lsvm_ipvs_table_unref(empty);
}

static void removing_what_is_gone_is_no_failure(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *table = random_table(bench->ctx, 3, 20, 3);
	struct ipvs_change gone = { .kind = IPVS_SERVICE_DELETE,
				    .service = &table->services.items[0] };
	size_t done = 0;

	good(bench, lsvm_ipvs_socket_apply(bench->socket, &gone, 1, &done));
	assert_int_equal(done, 1);
	lsvm_ipvs_table_unref(table);
}

static void tables_become_one_another_in_place(void **state)
{
	struct bench *bench = *state;
	uint64_t before = 0;

	for (uint32_t seed = 20; seed < 32; seed++) {
		struct lsvm_ipvs_table *table = random_table(bench->ctx, seed, 40, 20);

		before = lsvm_ipvs_socket_write_count(bench->socket);
		reconcile(bench, table);
		assert_true(lsvm_ipvs_socket_write_count(bench->socket) > before);
		assert_kernel_holds(bench, table);
		lsvm_ipvs_table_unref(table);
	}
}

static void foreign_services_stay(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *ours, *present;
	struct ipvs_changes changes;
	size_t done;
	char json[512];

	assert_int_equal(system("ipvsadm -A -u 198.51.100.7:53 -s rr"), 0);
	snprintf(json, sizeof(json), ONE_SERVICE, "wlc");
	ours = from_json(bench, json);
	present = read_table(bench);
	good(bench, lsvm_ipvs_changes_compute(bench->ctx, present, NULL, ours, &changes));
	good(bench, lsvm_ipvs_socket_apply(bench->socket, changes.list.items,
					   changes.list.count, &done));
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
	present = read_table(bench);
	assert_int_equal(present->services.count, 2);
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(ours);
}

static void sync_daemons_start_change_and_stop(void **state)
{
	static const char *const wanted[] = {
		"{\"schema\":\"lsvm-ipvs/1\",\"daemons\":[{\"state\":\"master\","
		"\"interface\":\"lo\",\"sync_id\":7}],\"services\":[]}",
		"{\"schema\":\"lsvm-ipvs/1\",\"daemons\":[{\"state\":\"master\","
		"\"interface\":\"lo\",\"sync_id\":7,\"maxlen_bytes\":1000,\"port\":9000,"
		"\"ttl\":3,\"group\":\"224.0.0.99\"},{\"state\":\"backup\","
		"\"interface\":\"lo\",\"sync_id\":9,\"maxlen_bytes\":1000}],"
		"\"services\":[]}",
		"{\"schema\":\"lsvm-ipvs/1\",\"daemons\":[{\"state\":\"backup\","
		"\"interface\":\"lo\",\"sync_id\":9,\"maxlen_bytes\":1000}],"
		"\"services\":[]}",
		"{\"schema\":\"lsvm-ipvs/1\",\"services\":[]}",
	};
	static const size_t changes[] = { 1, 3, 1, 1 };
	struct bench *bench = *state;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct lsvm_ipvs_table *table = from_json(bench, wanted[i]);

		assert_int_equal(reconcile(bench, table), changes[i]);
		assert_int_equal(reconcile(bench, table), 0);
		lsvm_ipvs_table_unref(table);
	}
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void a_stop_that_is_never_answered_ends_soon(void **state)
{
	struct bench *bench = *state;
	struct ipvs_daemon daemon = { .present = true, .interface = "lo", .sync_id = 1 };
	struct ipvs_change both[] = {
		{ .kind = IPVS_DAEMON_START, .daemon = &daemon, .is_master = true },
		{ .kind = IPVS_DAEMON_STOP, .daemon = &daemon, .is_master = true },
	};
	uint64_t start = now_ms();
	size_t done;

	for (unsigned i = 0; i < 5; i++) {
		struct lsvm_ipvs_table *table;

		good(bench, lsvm_ipvs_socket_apply(bench->socket, both, 2, &done));
		assert_int_equal(done, 2);
		table = read_table(bench);
		assert_false(table->master.present);
		lsvm_ipvs_table_unref(table);
	}
	assert_true(now_ms() - start < 5000);
}

static void a_missing_interface_is_named(void **state)
{
	struct bench *bench = *state;
	struct ipvs_daemon daemon = { .present = true, .interface = "eth77" };
	struct ipvs_change start = { .kind = IPVS_DAEMON_START, .daemon = &daemon };
	size_t done = 1;

	assert_int_equal(lsvm_ipvs_socket_apply(bench->socket, &start, 1, &done),
			 LSVM_ERR_NOT_FOUND);
	assert_int_equal(done, 0);
	assert_non_null(strstr(lsvm_ctx_error_text(bench->ctx), "\"eth77\""));
}

static void timeouts_are_set_and_read(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *table = from_json(
		bench, "{\"schema\":\"lsvm-ipvs/1\",\"timeouts\":{\"tcp_s\":1000,"
		       "\"udp_s\":77},\"services\":[]}");
	struct lsvm_ipvs_table *present;

	assert_int_equal(reconcile(bench, table), 1);
	assert_int_equal(reconcile(bench, table), 0);
	present = read_table(bench);
	assert_int_equal(present->timeouts.tcp_s, 1000);
	assert_int_equal(present->timeouts.tcp_fin_s, 120);
	assert_int_equal(present->timeouts.udp_s, 77);
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(table);
}

static void send_datagrams(uint16_t port, unsigned count)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr = { htonl(INADDR_LOOPBACK) } };

	for (unsigned i = 0; i < count; i++) {
		/* One socket each: an earlier refusal would be this one's error. */
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		assert_int_equal(
			sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)),
			1);
		close(fd);
	}
}

/* The kernel adds its counters up every two seconds only. */
static struct lsvm_ipvs_table *read_when_counted(struct bench *bench, uint64_t packets)
{
	const uint64_t end = now_ms() + 20000;

	for (;;) {
		struct lsvm_ipvs_table *table = read_table(bench);

		if (table->services.items[0].counters->in_packets >= packets ||
		    now_ms() > end)
			return table;
		lsvm_ipvs_table_unref(table);
		usleep(50000);
	}
}

static void counters_are_read_and_zeroed(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *table = from_json(
		bench, "{\"schema\":\"lsvm-ipvs/1\",\"services\":[{\"protocol\":"
		       "\"udp\",\"address\":\"127.0.0.1\",\"port\":5000,"
		       "\"scheduler\":\"rr\",\"destinations\":[{\"address\":"
		       "\"127.0.0.1\",\"port\":5001,\"forwarding\":\"nat\"}]}]}");
	struct lsvm_ipvs_table *present;

	reconcile(bench, table);
	send_datagrams(5000, 3);
	present = read_when_counted(bench, 3);
	assert_int_equal(present->services.items[0].counters->in_packets, 3);
	assert_true(
		present->services.items[0].destinations.items[0].counters->connections >=
		1);
	good(bench,
	     lsvm_ipvs_socket_zero(bench->socket, &present->services.items[0].key));
	lsvm_ipvs_table_unref(present);
	present = read_table(bench);
	assert_int_equal(present->services.items[0].counters->in_packets, 0);
	good(bench, lsvm_ipvs_socket_zero(bench->socket, NULL));
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(table);
}

static void the_kernel_tells_its_version(void **state)
{
	struct bench *bench = *state;
	struct ipvs_info info;

	good(bench, lsvm_ipvs_socket_info(bench->socket, &info));
	assert_int_equal(info.version, 0x010201);
	assert_true(info.connection_bucket_count >= 256);
}

#define VIP 0x0a4d0001 /* 10.77.0.1, its servers are the next ones */

static int listen_at(uint32_t host)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(9000),
					.sin_addr = { htonl(host) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* The client's end; *ret_server is the other. */
static int connect_through(int listening, int *ret_server)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(80),
					.sin_addr = { htonl(VIP) } };
	const struct timeval limit = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(listening, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		fail_msg("the client could not connect");
	*ret_server = accept(listening, NULL, NULL);
	assert_true(*ret_server >= 0);
	setsockopt(*ret_server, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

static void assert_alive(int client, int server)
{
	char byte = 0;

	assert_int_equal(send(client, "q", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(server, &byte, 1, 0), 1);
	assert_int_equal(send(server, "a", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(client, &byte, 1, 0), 1);
	assert_int_equal(byte, 'a');
}

#define NAT_SERVICE(scheduler, destinations)                                             \
	"{\"schema\":\"lsvm-ipvs/1\",\"services\":[{\"protocol\":\"tcp\","               \
	"\"address\":\"10.77.0.1\",\"port\":80,\"scheduler\":\"" scheduler               \
	"\",\"destinations\":[" destinations "]}]}"
#define NAT_SERVER(host, weight)                                                         \
	"{\"address\":\"10.77.0." host "\",\"port\":9000,\"forwarding\":\"nat\","        \
	"\"weight\":" weight "}"

static void a_connection_survives_changes_around_it(void **state)
{
	static const char *const tables[] = {
		NAT_SERVICE("rr", NAT_SERVER("2", "1")),
		NAT_SERVICE("rr", NAT_SERVER("2", "1") "," NAT_SERVER("3", "1")),
		NAT_SERVICE("wlc", NAT_SERVER("2", "5") "," NAT_SERVER("3", "1")),
		NAT_SERVICE("mh", NAT_SERVER("2", "0") "," NAT_SERVER("3", "1")),
		NAT_SERVICE("wrr", NAT_SERVER("2", "0") "," NAT_SERVER("3", "7")),
	};
	struct bench *bench = *state;
	int first, second, client = -1, server, late_client, late_server;

	assert_int_equal(system("for i in 1 2 3; do ip addr add 10.77.0.$i/32 dev lo; "
				"done"),
			 0);
	first = listen_at(VIP + 1);
	second = listen_at(VIP + 2);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		struct lsvm_ipvs_table *table = from_json(bench, tables[i]);

		assert_true(reconcile(bench, table) > 0);
		lsvm_ipvs_table_unref(table);
		if (client < 0)
			client = connect_through(first, &server);
		assert_alive(client, server);
	}
	/* The first server is drained: who comes now gets the second. */
	late_client = connect_through(second, &late_server);
	assert_alive(late_client, late_server);
	close(client);
	close(server);
	close(late_client);
	close(late_server);
	close(first);
	close(second);
}

/* Adds and removes services until it is killed. */
static void churn(struct bench *bench)
{
	struct ipvs_service service = { .key = { .addr = { 4, { 203, 0, 113, 1 } },
						 .protocol = IPPROTO_TCP },
					.scheduler = "rr",
					.netmask = 0xffffffff };
	struct ipvs_socket *socket;
	size_t done;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (lsvm_ipvs_socket_open(bench->ctx, &socket))
		_exit(1);
	for (unsigned round = 0;; round++) {
		service.key.port = (uint16_t)(1 + round / 2 % 997);
		lsvm_ipvs_socket_apply(
			socket,
			&(struct ipvs_change){ .kind = round % 2 ? IPVS_SERVICE_DELETE
								 : IPVS_SERVICE_ADD,
					       .service = &service },
			1, &done);
		usleep(500);
	}
}

static void a_table_that_changes_meanwhile_is_never_read_torn(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *table = random_table(bench->ctx, 5, 400, 2);
	unsigned whole = 0;
	pid_t child;

	reconcile(bench, table);
	child = fork();
	if (child == 0)
		churn(bench);
	for (unsigned i = 0; i < 30; i++) {
		struct lsvm_ipvs_table *present;
		int err = lsvm_ipvs_socket_read(bench->socket, &present);

		if (err == LSVM_ERR_BUSY)
			continue;
		good(bench, err);
		for (size_t j = 0; j < table->services.count; j++)
			assert_non_null(lsvm_ipvs_table_lookup(
				present, &table->services.items[j].key));
		whole++;
		lsvm_ipvs_table_unref(present);
	}
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	print_message("%u of 30 readings were whole, the rest said so\n", whole);
	lsvm_ipvs_table_unref(table);
}

/* /proc/net/ip_vs of one namespace misses entries when another has services too. */
static void tables_of_two_namespaces_are_both_read_whole(void **state)
{
	struct bench *bench = *state, other;
	struct lsvm_ipvs_table *here = random_table(bench->ctx, 61, 300, 2), *there;
	void *second;

	there = random_table(bench->ctx, 62, 300, 2);
	reconcile(bench, here);
	other = *bench;
	/* The setup again, in another namespace; both sockets stay open. */
	assert_int_equal(setup(&second), 0);
	bench = second;
	reconcile(bench, there);
	assert_kernel_holds(&other, here);
	assert_kernel_holds(bench, there);
	lsvm_ipvs_table_unref(here);
	lsvm_ipvs_table_unref(there);
	lsvm_ipvs_socket_close(other.socket);
	lsvm_ctx_unref(other.ctx);
}

static void without_the_right_it_says_so(void **state)
{
	struct bench *bench = *state;
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct ipvs_socket *socket;
		int err = setuid(65534) ? 0 : lsvm_ipvs_socket_open(bench->ctx, &socket);

		_exit(err == LSVM_ERR_PERMISSION &&
				      strstr(lsvm_ctx_error_text(bench->ctx), "root")
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void flush_removes_everything(void **state)
{
	struct bench *bench = *state;
	struct lsvm_ipvs_table *table = random_table(bench->ctx, 50, 30, 3);

	reconcile(bench, table);
	lsvm_ipvs_table_unref(table);
	good(bench, lsvm_ipvs_socket_flush(bench->socket));
	table = read_table(bench);
	assert_int_equal(table->services.count, 0);
	lsvm_ipvs_table_unref(table);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(random_tables_are_read_back_equal),
		TEST(a_second_apply_sends_nothing),
		TEST(tables_become_one_another_in_place),
		TEST(thousands_of_services_are_programmed_and_read),
		TEST(a_service_may_have_thousands_of_destinations),
		TEST(foreign_services_stay),
		TEST(an_unknown_scheduler_is_named),
		TEST(a_failure_in_a_batch_is_told_with_its_index),
		TEST(removing_what_is_gone_is_no_failure),
		TEST(sync_daemons_start_change_and_stop),
		TEST(a_stop_that_is_never_answered_ends_soon),
		TEST(a_missing_interface_is_named),
		TEST(timeouts_are_set_and_read),
		TEST(counters_are_read_and_zeroed),
		TEST(a_connection_survives_changes_around_it),
		TEST(the_kernel_tells_its_version),
		TEST(a_table_that_changes_meanwhile_is_never_read_torn),
		TEST(tables_of_two_namespaces_are_both_read_whole),
		TEST(without_the_right_it_says_so),
		TEST(flush_removes_everything),
	};

	return RUN(tests);
}
