/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * 200 TCP connections live through random changes of the table, and through destinations
 * that are brought into order: every loss is foretold, server by server and with how it
 * shows, and none other happens.
 *
 * All in one network namespace: clients, the virtual address and the servers are
 * addresses of lo, and ip_vs translates in between. A service that is not ours keeps
 * ip_vs at work when all of ours are gone. Arguments: a seed, and how many changes.
 */
#include "../unit/test.h"
#include "host/linux/ipvs.h"
#include "impact/impact.h"
#include "sched_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECTIONS 200
#define SERVICES 5
#define SERVERS 6
#define SERVER_PORT 9000
#define FIRST_PORT 8000 /* of the services */
#define FOREIGN_PORT 7999
#define SILENCE_MS 400
#define PATIENCE_MS 5000
#define TANGLES 20

struct live {
	int client, server; /* sockets; -1: free */
	unsigned service, at;
	bool doomed, heard, reset;
};

static struct lsvm_ctx *ctx;
static struct ipvs_socket *ip_vs;
static struct live live[CONNECTIONS];
static int listeners[SERVERS];
static uint32_t seed;
static unsigned change_count = 10, service_count = SERVICES;
static unsigned move_count, lost_count, reset_count, kept_count, refused_count;

static void good(int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(ctx));
}

static uint32_t below(uint32_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % limit;
}

/* ---- sockets ---- */

static struct sockaddr_in endpoint(uint8_t second, uint8_t third, uint8_t fourth,
				   uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr =
					     htonl(10u << 24 | (uint32_t)second << 16 |
						   (uint32_t)third << 8 | fourth) };
}

static void listen_everywhere(void)
{
	for (unsigned i = 0; i < SERVERS; i++) {
		struct sockaddr_in at = endpoint(77, 0, (uint8_t)(11 + i), SERVER_PORT);

		listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_int_equal(bind(listeners[i], (struct sockaddr *)&at, sizeof(at)),
				 0);
		assert_int_equal(listen(listeners[i], 16), 0);
	}
}

/* Without a farewell that would leave ip_vs something to remember. */
static void cut(int socket)
{
	const struct linger now = { .l_onoff = 1 };

	setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(socket);
}

static unsigned accept_any(int *ret)
{
	const uint64_t deadline = wire_now_ms() + PATIENCE_MS;

	while (wire_now_ms() < deadline)
		for (unsigned i = 0; i < SERVERS; i++) {
			*ret = accept4(listeners[i], NULL, NULL, SOCK_NONBLOCK);
			if (*ret >= 0)
				return i;
		}
	fail_msg("a client was connected to nobody");
	return 0;
}

/* False: refused. */
static bool open_one(struct live *one)
{
	struct sockaddr_in from =
		endpoint(78, (uint8_t)below(256), (uint8_t)(1 + below(254)), 0);
	struct sockaddr_in to;

	one->service = below(service_count);
	to = endpoint(77, 0, 1, (uint16_t)(FIRST_PORT + one->service));
	one->client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(one->client, (struct sockaddr *)&from, sizeof(from)), 0);
	if (connect(one->client, (struct sockaddr *)&to, sizeof(to))) {
		assert_int_equal(errno, ECONNREFUSED);
		close(one->client);
		one->client = -1;
		refused_count++;
		return false;
	}
	fcntl(one->client, F_SETFL, O_NONBLOCK);
	one->at = accept_any(&one->server);
	one->doomed = false;
	return true;
}

static void fill(void)
{
	for (unsigned i = 0, tries = 0; i < CONNECTIONS && tries < CONNECTIONS * 10; i++)
		while (live[i].client < 0 && tries++ < CONNECTIONS * 10)
			open_one(&live[i]);
}

/* ---- who still lives ---- */

static void listen_to(struct live *one)
{
	char byte;
	ssize_t got;

	if (one->client < 0)
		return;
	if (!one->heard && read(one->server, &byte, 1) == 1)
		one->heard = write(one->server, &byte, 1) == 1;
	got = read(one->client, &byte, 1);
	if (got < 0 && (errno == ECONNRESET || errno == EPIPE))
		one->reset = true;
}

/* Every connection says something; those that should live are waited for. */
static void speak(bool resets)
{
	const uint64_t begin = wire_now_ms();
	bool waiting = true;

	for (unsigned i = 0; i < CONNECTIONS; i++) {
		live[i].heard = live[i].reset = false;
		if (live[i].client >= 0 && send(live[i].client, "x", 1, MSG_NOSIGNAL) < 0)
			live[i].reset = true;
	}
	while (waiting || wire_now_ms() < begin + SILENCE_MS) {
		waiting = false;
		for (unsigned i = 0; i < CONNECTIONS; i++) {
			listen_to(&live[i]);
			if (live[i].client >= 0 &&
			    (live[i].doomed ? resets && !live[i].reset : !live[i].heard))
				waiting = true;
		}
		if (wire_now_ms() > begin + PATIENCE_MS)
			break;
		poll(NULL, 0, 5);
	}
}

static void assert_foretold(bool resets)
{
	speak(resets);
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		const struct live *one = &live[i];

		if (one->client < 0)
			continue;
		if (one->doomed ? one->heard || one->reset != resets
				: !one->heard || one->reset)
			fail_msg("service %u, server %u: foretold %s, but %s",
				 one->service, one->at,
				 !one->doomed ? "to live"
				 : resets     ? "a reset"
					      : "silence",
				 one->heard   ? "it lives"
				 : one->reset ? "it was reset"
					      : "it is silent");
		kept_count += !one->doomed;
		lost_count += one->doomed;
		reset_count += one->doomed && one->reset;
	}
}

/* Those that ended are forgotten by ip_vs too: a client's packet for a server that is
 * gone makes it do so while expire_nodest_conn is 1. A packet of the server's right
 * behind it would make it remember again. */
static void bury(void)
{
	wire_sysctl("expire_nodest_conn", "1");
	for (unsigned i = 0; i < CONNECTIONS; i++)
		if (live[i].client >= 0 && live[i].doomed)
			cut(live[i].client);
	poll(NULL, 0, 100);
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		if (live[i].client < 0 || !live[i].doomed)
			continue;
		cut(live[i].server);
		live[i].client = -1;
	}
}

/* ---- tables ---- */

static struct ipvs_service *push_service(struct lsvm_ipvs_table *table, uint16_t port,
					 const char *scheduler)
{
	struct ipvs_service *service = lsvm_ipvs_table_push(table);

	service->key = (struct ipvs_key){ .addr = { 4, { 10, 77, 0, 1 } },
					  .protocol = IPPROTO_TCP,
					  .port = port };
	snprintf(service->scheduler, sizeof(service->scheduler), "%s", scheduler);
	service->netmask = 0xffffffff;
	return service;
}

static void push_server(struct ipvs_service *service, unsigned number, uint32_t weight)
{
	*lsvm_ipvs_service_push(service) = (struct ipvs_destination){
		.addr = { 4, { 10, 77, 0, (uint8_t)(11 + number) } },
		.port = SERVER_PORT,
		.forwarding = IP_VS_CONN_F_MASQ,
		.weight = weight
	};
}

static struct lsvm_ipvs_table *random_table(bool all)
{
	static const char *const schedulers[SERVICES] = { "sh", "mh", "wlc", "rr",
							  "lblc" };
	struct lsvm_ipvs_table *table;

	good(lsvm_ipvs_table_alloc(ctx, &table));
	for (unsigned i = 0; i < SERVICES; i++) {
		struct ipvs_service *service;

		if (!all && below(12) == 0)
			continue;
		service = push_service(table, (uint16_t)(FIRST_PORT + i),
				       schedulers[below(8) ? i : below(SERVICES)]);
		service->flags = below(2) ? IP_VS_SVC_F_SCHED1 : 0;
		if (i == 3) {
			service->flags |= IP_VS_SVC_F_PERSISTENT;
			service->timeout_s = 60;
		}
		for (unsigned j = 0; j < SERVERS; j++)
			if (all || below(6))
				push_server(service, j, all ? 1 : below(4));
	}
	good(lsvm_ipvs_table_seal(table));
	return table;
}

static void apply(const struct lsvm_ipvs_table *present,
		  const struct lsvm_ipvs_table *wanted,
		  const struct lsvm_ipvs_table *owned, bool reorders)
{
	struct ipvs_changes changes = { 0 };
	size_t done;

	good(lsvm_ipvs_changes_compute(ctx, present, owned, wanted, &changes));
	done = changes.list.count;
	if (reorders)
		good(lsvm_ipvs_changes_reorder(ctx, present, owned, wanted, &changes));
	move_count += changes.list.count - done;
	good(lsvm_ipvs_socket_apply(ip_vs, changes.list.items, changes.list.count,
				    &done));
	lsvm_ipvs_changes_clear(&changes);
}

/* ---- what is foretold ---- */

/* Marks who will be lost, and holds the numbers against the connections there are. */
static void believe(const struct lsvm_impact *impact, bool resets)
{
	uint64_t lost = 0;

	for (unsigned s = 0; s < impact->services.count; s++) {
		const struct impact_service *service = &impact->services.items[s];
		const unsigned number = service->key.port - FIRST_PORT;
		unsigned here = 0;

		for (unsigned i = 0; i < CONNECTIONS; i++)
			here += live[i].client >= 0 && live[i].service == number;
		assert_int_equal(service->fates[LSVM_IMPACT_FATE_KEPT] +
					 service->fates[LSVM_IMPACT_FATE_RESET] +
					 service->fates[LSVM_IMPACT_FATE_DROPPED],
				 here);
		assert_int_equal(service->fates[resets ? LSVM_IMPACT_FATE_DROPPED
						       : LSVM_IMPACT_FATE_RESET],
				 0);
		for (unsigned d = 0; d < service->destinations.count; d++) {
			const struct impact_destination *to =
				&service->destinations.items[d];
			unsigned there = 0;

			if (!to->lost)
				continue;
			lost += to->lost;
			for (unsigned i = 0; i < CONNECTIONS; i++)
				if (live[i].client >= 0 && live[i].service == number &&
				    live[i].at == to->addr.bytes[3] - 11u) {
					live[i].doomed = true;
					there++;
				}
			assert_int_equal(to->lost, there);
		}
	}
	assert_int_equal(lost > 0,
			 lsvm_impact_level(impact) == LSVM_IMPACT_LEVEL_ESTABLISHED);
}

/* One change, from what is to what is wanted. */
static void change(const struct lsvm_ipvs_table *wanted,
		   const struct lsvm_ipvs_table *owned, bool expires, bool resets,
		   bool reorders)
{
	struct lsvm_ipvs_table *present;
	struct lsvm_impact *impact;

	wire_sysctl("expire_nodest_conn", expires ? "1" : "0");
	good(lsvm_ipvs_socket_read(ip_vs, &present));
	good(lsvm_impact_compute(ctx, present, wanted, owned,
				 (expires ? LSVM_IMPACT_NODEST_EXPIRES : 0) |
					 (reorders ? LSVM_IMPACT_REORDERS : 0),
				 &impact));
	believe(impact, resets);
	if (reorders)
		wire_sysctl("expire_nodest_conn", "0");
	apply(present, wanted, owned, reorders);
	wire_sysctl("expire_nodest_conn", expires ? "1" : "0");
	assert_foretold(resets);
	bury();
	lsvm_impact_free(impact);
	lsvm_ipvs_table_unref(present);
}

/* ---- tests ---- */

static int setup(void **state)
{
	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("modprobe -a ip_vs && ip link set lo up && "
				"ip addr add 10.77.0.1/24 dev lo && "
				"ip route add local 10.78.0.0/16 dev lo"),
			 0);
	good(lsvm_ipvs_socket_open(ctx, &ip_vs));
	listen_everywhere();
	for (unsigned i = 0; i < CONNECTIONS; i++)
		live[i].client = -1;
	return 0;
}

static int teardown(void **state)
{
	lsvm_ipvs_socket_close(ip_vs);
	lsvm_ctx_unref(ctx);
	return 0;
}

static void add_foreign_service(void)
{
	struct lsvm_ipvs_table *none, *foreign;

	good(lsvm_ipvs_table_alloc(ctx, &none));
	good(lsvm_ipvs_table_alloc(ctx, &foreign));
	push_server(push_service(foreign, FOREIGN_PORT, "rr"), 0, 1);
	good(lsvm_ipvs_table_seal(none));
	good(lsvm_ipvs_table_seal(foreign));
	apply(none, foreign, NULL, false);
	lsvm_ipvs_table_unref(none);
	lsvm_ipvs_table_unref(foreign);
}

static void every_loss_is_foretold_and_none_other_happens(void **state)
{
	struct lsvm_ipvs_table *owned = NULL;

	add_foreign_service();
	for (unsigned round = 0; round <= change_count; round++) {
		struct lsvm_ipvs_table *wanted = random_table(!round);
		const bool expires = below(2);

		change(wanted, owned, expires, expires, below(3) == 0);
		fill();
		lsvm_ipvs_table_unref(owned);
		owned = wanted;
	}
	print_message(
		"%u changes: %u times a connection lived on, %u times it ended, %u of "
		"them with a reset; %u clients were refused; %u steps put destinations "
		"in order\n",
		change_count, kept_count, lost_count, reset_count, refused_count,
		move_count);
	assert_in_range(kept_count, CONNECTIONS, UINT32_MAX);
	assert_in_range(reset_count, 1, lost_count - 1);
	lsvm_ipvs_table_unref(owned);
}

/* Sends and answers on all connections, over and over. */
static pid_t keep_talking(void)
{
	pid_t child = fork();
	char bytes[64];

	while (!child)
		for (unsigned i = 0; i < CONNECTIONS; i++) {
			ssize_t got;

			if (live[i].client < 0)
				continue;
			send(live[i].client, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
			got = recv(live[i].server, bytes, sizeof(bytes), MSG_DONTWAIT);
			if (got > 0)
				send(live[i].server, bytes, (size_t)got,
				     MSG_NOSIGNAL | MSG_DONTWAIT);
			recv(live[i].client, bytes, sizeof(bytes), MSG_DONTWAIT);
		}
	return child;
}

static void forget_what_was_said(void)
{
	char bytes[256];

	poll(NULL, 0, SILENCE_MS);
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		if (live[i].client < 0)
			continue;
		while (recv(live[i].server, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			continue;
		while (recv(live[i].client, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			continue;
	}
}

/* Away and back, in any order. */
static void tangle(const struct ipvs_service *service)
{
	for (unsigned i = 0; i < SERVERS; i++) {
		const struct ipvs_destination *dest =
			&service->destinations.items[below(SERVERS)];
		const struct ipvs_change both[] = {
			{ .kind = IPVS_DESTINATION_DELETE,
			  .service = service,
			  .destination = dest },
			{ .kind = IPVS_DESTINATION_ADD,
			  .service = service,
			  .destination = dest,
			  .weight = dest->weight },
		};
		size_t done;

		good(lsvm_ipvs_socket_apply(ip_vs, both, 2, &done));
	}
}

static void putting_servers_in_order_under_traffic_ends_nothing(void **state)
{
	struct lsvm_ipvs_table *table, *present;
	const unsigned before = move_count;
	pid_t talker;

	good(lsvm_ipvs_table_alloc(ctx, &table));
	for (unsigned i = 0; i < 2; i++) {
		struct ipvs_service *service =
			push_service(table, (uint16_t)(FIRST_PORT + i), i ? "mh" : "sh");

		for (unsigned j = 0; j < SERVERS; j++)
			push_server(service, j, 1);
	}
	good(lsvm_ipvs_table_seal(table));
	good(lsvm_ipvs_socket_read(ip_vs, &present));
	change(table, present, true, true, true);
	lsvm_ipvs_table_unref(present);
	service_count = 2;
	fill();
	talker = keep_talking();
	wire_sysctl("expire_nodest_conn", "0");
	for (unsigned round = 0; round < TANGLES; round++) {
		for (unsigned i = 0; i < 2; i++)
			tangle(&table->services.items[i]);
		good(lsvm_ipvs_socket_read(ip_vs, &present));
		apply(present, table, present, true);
		lsvm_ipvs_table_unref(present);
	}
	wire_sysctl("expire_nodest_conn", "1");
	kill(talker, SIGKILL);
	waitpid(talker, NULL, 0);
	forget_what_was_said();
	assert_foretold(false);
	print_message("%u steps put servers in order under traffic\n",
		      move_count - before);
	assert_true(move_count - before > 2 * TANGLES);
	lsvm_ipvs_table_unref(table);
}

/* Without expire_nodest_conn, too, and the foreign service goes as well. */
static void the_last_service_resets_all(void **state)
{
	struct lsvm_ipvs_table *none, *present;

	good(lsvm_ipvs_table_alloc(ctx, &none));
	good(lsvm_ipvs_table_seal(none));
	good(lsvm_ipvs_socket_read(ip_vs, &present));
	lost_count = reset_count = 0;
	change(none, present, false, true, false);
	assert_in_range(lost_count, 1, CONNECTIONS);
	assert_int_equal(reset_count, lost_count);
	lsvm_ipvs_table_unref(none);
	lsvm_ipvs_table_unref(present);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_loss_is_foretold_and_none_other_happens),
		cmocka_unit_test(putting_servers_in_order_under_traffic_ends_nothing),
		cmocka_unit_test(the_last_service_resets_all),
	};

	seed = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) | 1 : 20261123;
	change_count = argc > 2		     ? (unsigned)strtoul(argv[2], NULL, 10)
		       : getenv("LSVM_FULL") ? 60
					     : 10;
	printf("again: %s %u %u\n", argv[0], seed, change_count);
	return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
