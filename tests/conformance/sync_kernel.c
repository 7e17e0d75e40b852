/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sync messages, held against the kernel: what it sends is read as what its list of
 * connections says, and from messages made of that list another director's kernel learns
 * every connection, also those that were quiet, with server, state and time left.
 *
 * Each director is a network namespace with its own ip_vs; a cable joins them.
 */
#include "../unit/test.h"
#include "host/linux/ipvs.h"
#include "ipvs/sync.h"
#include "sched_wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ip_vs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FLOWS 60 /* of each kind */
#define SERVERS 3
#define SYNC_ID 9
#define MARK 5
#define DEADLINE_MS 20000

static struct lsvm_ctx *ctx;

struct director {
	struct wire wire;
	struct ipvs_socket *socket;
	int space;
};

static struct director a, b;

static void good(int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(ctx));
}

static void enter(const struct director *director)
{
	assert_int_equal(setns(director->space, CLONE_NEWNET), 0);
}

/* ---- the two directors ---- */

static void push_service(struct lsvm_ipvs_table *table, struct ipvs_key key,
			 uint32_t timeout_s)
{
	struct ipvs_service *service = lsvm_ipvs_table_push(table);

	*service = (struct ipvs_service){
		.key = key,
		.scheduler = "rr",
		.flags = timeout_s ? IP_VS_SVC_F_PERSISTENT : 0,
		.timeout_s = timeout_s,
		.netmask = key.addr.family == 4 ? 0xffffffff : 128,
	};
	for (uint8_t i = 0; i < SERVERS; i++) {
		struct ipvs_destination *to = lsvm_ipvs_service_push(service);

		*to = (struct ipvs_destination){
			.addr = { 4, { 192, 0, 2, 11 + i } },
			.port = key.port,
			.forwarding = i % 2 ? IP_VS_CONN_F_TUNNEL : IP_VS_CONN_F_DROUTE,
			.weight = 1
		};
		if (key.addr.family == 6)
			to->addr =
				(struct addr){ 6, { 0x20, 1, 0xd, 0xb8, [15] = 11 + i } };
	}
}

static const struct addr vip4 = { 4, { 172, 16, 0, 1 } };
static const struct addr vip6 = { 6, { 0x20, 1, 0xd, 0xb8, [14] = 1, [15] = 1 } };

static struct lsvm_ipvs_table *make_table(void)
{
	struct lsvm_ipvs_table *table;

	good(lsvm_ipvs_table_alloc(ctx, &table));
	push_service(table, (struct ipvs_key){ .addr = vip4, .protocol = 6, .port = 80 },
		     0);
	push_service(table, (struct ipvs_key){ .addr = vip4, .protocol = 17, .port = 53 },
		     0);
	push_service(table, (struct ipvs_key){ .addr = vip6, .protocol = 6, .port = 80 },
		     0);
	push_service(table, (struct ipvs_key){ .addr = vip4, .protocol = 6, .port = 443 },
		     600);
	push_service(table, (struct ipvs_key){ .fwmark = MARK, .addr = { .family = 4 } },
		     0);
	good(lsvm_ipvs_table_seal(table));
	return table;
}

static void open_director(struct director *director, const struct lsvm_ipvs_table *table)
{
	struct lsvm_ipvs_table *present;
	struct ipvs_changes changes = { 0 };
	size_t done = 0;

	wire_open(&director->wire);
	director->space = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(director->space >= 0);
	good(lsvm_ipvs_socket_open(ctx, &director->socket));
	good(lsvm_ipvs_socket_read(director->socket, &present));
	good(lsvm_ipvs_changes_compute(ctx, present, NULL, table, &changes));
	good(lsvm_ipvs_socket_apply(director->socket, changes.list.items,
				    changes.list.count, &done));
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
}

static void start_daemon(struct director *director, bool is_master, const char *interface)
{
	struct ipvs_daemon daemon = { .present = true, .sync_id = SYNC_ID };
	const struct ipvs_change change = { .kind = IPVS_DAEMON_START,
					    .is_master = is_master,
					    .daemon = &daemon };
	size_t done;

	snprintf(daemon.interface, sizeof(daemon.interface), "%s", interface);
	good(lsvm_ipvs_socket_apply(director->socket, &change, 1, &done));
}

static int setup(void **state)
{
	struct lsvm_ipvs_table *table;

	assert_int_equal(system("modprobe -a dummy veth ip_vs ip_vs_rr"), 0);
	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	table = make_table();
	open_director(&a, table);
	wire_sysctl("sync_threshold", "0 1");
	assert_int_equal(system("mkdir -p /run/netns && touch /run/netns/svm-a && "
				"mount --bind /proc/thread-self/ns/net /run/netns/svm-a"),
			 0);
	open_director(&b, table);
	assert_int_equal(
		system("ip link add sync-b type veth peer name sync-a netns svm-a && "
		       "ip address add 10.77.0.2/24 dev sync-b && ip link set sync-b up"),
		0);
	enter(&a);
	assert_int_equal(system("ip address add 10.77.0.1/24 dev sync-a && "
				"ip link set sync-a up"),
			 0);
	lsvm_ipvs_table_unref(table);
	return 0;
}

static int teardown(void **state)
{
	lsvm_ipvs_socket_close(a.socket);
	lsvm_ipvs_socket_close(b.socket);
	lsvm_ctx_unref(ctx);
	return 0;
}

/* ---- connections ---- */

static struct flow make_flow(uint8_t family, uint8_t protocol, uint16_t port, unsigned i)
{
	struct flow flow = { .family = family,
			     .protocol = protocol,
			     .client_port = (uint16_t)(20000 + i),
			     .virtual_port = port };
	const uint8_t client4[4] = { 198, 51, 100, (uint8_t)(1 + i % 200) };

	if (family == 4) {
		memcpy(flow.client, client4, 4);
		memcpy(flow.virtual, vip4.bytes, 4);
	} else {
		memcpy(flow.client, vip6.bytes, 16);
		flow.client[13] = 0x77;
		flow.client[15] = (uint8_t)i;
		memcpy(flow.virtual, vip6.bytes, 16);
	}
	return flow;
}

/* A third is half open, a third established, a third closing. */
static void open_tcp(struct wire *wire, const struct flow *flow, unsigned i)
{
	wire_send(wire, flow, WIRE_SYN);
	if (i % 3)
		wire_send(wire, flow, WIRE_ACK);
	if (i % 3 == 2)
		wire_send(wire, flow, WIRE_FIN | WIRE_ACK);
}

static void open_all(struct wire *wire)
{
	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow flow = make_flow(4, IPPROTO_TCP, 80, i);

		open_tcp(wire, &flow, i);
		flow = make_flow(6, IPPROTO_TCP, 80, i);
		open_tcp(wire, &flow, i);
		flow = make_flow(4, IPPROTO_TCP, 443, i);
		open_tcp(wire, &flow, i);
		flow = make_flow(4, IPPROTO_UDP, 53, i);
		wire_send(wire, &flow, 0);
		wire_mark(wire, MARK);
		flow = make_flow(4, IPPROTO_TCP, 8080, i);
		open_tcp(wire, &flow, i);
		wire_mark(wire, 0);
	}
}

/* A look at the list of the namespace we are in. */
static struct lsvm_connection_list *list(void)
{
	const struct connection_filter all = { 0 };
	struct lsvm_connection_list *connections;
	char piece[4096];
	size_t length;
	FILE *file = fopen("/proc/thread-self/net/ip_vs_conn", "r");

	assert_non_null(file);
	good(lsvm_connection_list_new(ctx, &all, &connections));
	while ((length = fread(piece, 1, sizeof(piece), file)) > 0)
		lsvm_connection_list_feed(connections, piece, length);
	fclose(file);
	good(lsvm_connection_list_end(connections, false));
	return connections;
}

static const struct lsvm_connection *find(const struct lsvm_connection_list *connections,
					  const struct connection_key *key)
{
	for (size_t i = 0; i < connections->list.count; i++)
		if (!memcmp(&connections->list.items[i].key, key, sizeof(*key)))
			return &connections->list.items[i];
	return NULL;
}

/* ---- what the kernel sends ---- */

static int listen_to_group(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(SYNC_PORT) };
	struct ip_mreqn group = { .imr_ifindex = (int)if_nametoindex("sync-b") };
	struct timeval patience = { .tv_sec = 1 };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;

	inet_pton(AF_INET, SYNC_GROUP, &group.imr_multiaddr);
	assert_int_equal(setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)),
			 0);
	assert_int_equal(bind(sock, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(
		setsockopt(sock, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)),
		0);
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return sock;
}

/* The connection's latest word from the kernel. */
struct heard {
	VEC(struct sync_connection) list;
};

static bool same_flow(const struct sync_connection *x, const struct sync_connection *y)
{
	return x->protocol == y->protocol && x->client_port == y->client_port &&
	       x->virtual_port == y->virtual_port &&
	       !lsvm_addr_compare(&x->client, &y->client) &&
	       !lsvm_addr_compare(&x->virtual, &y->virtual);
}

static void hear(struct heard *heard, const uint8_t *bytes, size_t length)
{
	struct reader reader = { .at = bytes, .left = length };
	struct sync_connection c;
	size_t count;

	assert_true(lsvm_sync_head(&reader, SYNC_ID, &count));
	while (count--) {
		struct sync_connection *to = NULL;

		assert_true(lsvm_sync_entry(&reader, &c));
		for (size_t i = 0; i < heard->list.count && !to; i++)
			if (same_flow(&heard->list.items[i], &c))
				to = &heard->list.items[i];
		if (!to)
			to = vec_push(&heard->list);
		*to = c;
	}
	assert_int_equal(reader.left, 0);
}

static void what_the_kernel_sends_is_what_its_list_says(void **state)
{
	struct heard heard = { 0 };
	struct lsvm_connection_list *connections;
	struct lsvm_ipvs_table *table = make_table();
	uint8_t bytes[65536];
	size_t compared = 0;
	ssize_t length;
	int sock;

	enter(&b);
	sock = listen_to_group();
	enter(&a);
	start_daemon(&a, true, "sync-a");
	open_all(&a.wire);
	while ((length = recv(sock, bytes, sizeof(bytes), 0)) > 0 ||
	       heard.list.count < FLOWS * 2)
		if (length > 0)
			hear(&heard, bytes, (size_t)length);
	connections = list();
	for (size_t i = 0; i < connections->list.count; i++) {
		struct sync_connection ours;

		assert_true(
			lsvm_sync_connection(&connections->list.items[i], table, &ours));
		for (size_t j = 0; j < heard.list.count; j++) {
			const struct sync_connection *theirs = &heard.list.items[j];

			if (!same_flow(theirs, &ours))
				continue;
			compared++;
			/* Being inactive means nothing of a template. */
			assert_int_equal(theirs->flags &
						 (ours.flags & 0x1000 ? 0x1007 : 0x1107),
					 ours.flags);
			assert_int_equal(theirs->state, ours.state);
			assert_int_equal(theirs->server_port, ours.server_port);
			assert_int_equal(theirs->fwmark, ours.fwmark);
			assert_int_equal(lsvm_addr_compare(&theirs->server, &ours.server),
					 0);
		}
	}
	print_message("%zu connections, %zu told by the kernel, %zu compared\n",
		      connections->list.count, heard.list.count, compared);
	assert_true(compared >= FLOWS * 2);
	vec_free(&heard.list);
	lsvm_connection_list_free(connections);
	lsvm_ipvs_table_unref(table);
	close(sock);
}

/* ---- what we send ---- */

static void send_message(int sock, const struct sync_message *message)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(SYNC_PORT) };

	inet_pton(AF_INET, SYNC_GROUP, &to.sin_addr);
	assert_int_equal(sendto(sock, message->bytes, message->length, 0,
				(struct sockaddr *)&to, sizeof(to)),
			 message->length);
}

static void tell_all(const struct lsvm_connection_list *connections)
{
	struct lsvm_ipvs_table *table = make_table();
	struct ip_mreqn way = { .imr_ifindex = (int)if_nametoindex("sync-a") };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sync_message message;

	assert_int_equal(setsockopt(sock, IPPROTO_IP, IP_MULTICAST_IF, &way, sizeof(way)),
			 0);
	lsvm_sync_begin(&message, SYNC_ID);
	for (size_t i = 0; i < connections->list.count; i++) {
		struct sync_connection c;

		assert_true(lsvm_sync_connection(&connections->list.items[i], table, &c));
		if (lsvm_sync_add(&message, SYNC_MESSAGE_BYTES, &c))
			continue;
		send_message(sock, &message);
		lsvm_sync_begin(&message, SYNC_ID);
		assert_true(lsvm_sync_add(&message, SYNC_MESSAGE_BYTES, &c));
	}
	send_message(sock, &message);
	close(sock);
	lsvm_ipvs_table_unref(table);
}

/* Half open connections end within the minute; the rest must all be there. */
static bool learnt(const struct lsvm_connection_list *from,
		   const struct lsvm_connection_list *here)
{
	for (size_t i = 0; i < from->list.count; i++)
		if (!find(here, &from->list.items[i].key))
			return false;
	return true;
}

static void another_director_learns_every_connection_from_the_list(void **state)
{
	struct lsvm_connection_list *from, *here;
	const uint64_t until = wire_now_ms() + DEADLINE_MS;

	enter(&b);
	here = list();
	assert_int_equal(here->list.count, 0);
	lsvm_connection_list_free(here);
	start_daemon(&b, false, "sync-b");
	enter(&a);
	from = list();
	assert_true(from->list.count >= FLOWS * 5);
	tell_all(from);
	enter(&b);
	for (here = list(); !learnt(from, here) && wire_now_ms() < until; here = list()) {
		lsvm_connection_list_free(here);
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	for (size_t i = 0; i < from->list.count; i++) {
		const struct lsvm_connection *was = &from->list.items[i];
		const struct lsvm_connection *is = find(here, &was->key);

		assert_non_null(is);
		assert_int_equal(lsvm_addr_compare(&is->server, &was->server), 0);
		assert_int_equal(is->server_port, was->server_port);
		assert_string_equal(is->state, was->state);
		assert_in_range(is->expires_s + 15, was->expires_s, was->expires_s + 16);
	}
	print_message("%zu connections, %zu learnt\n", from->list.count,
		      here->list.count);
	lsvm_connection_list_free(from);
	lsvm_connection_list_free(here);
}

/* Without sloppy_tcp a packet of an unknown connection makes none. */
static void what_was_learnt_goes_on_at_the_same_server(void **state)
{
	struct lsvm_connection_list *before, *after;
	unsigned checked = 0;

	enter(&b);
	before = list();
	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow flow = make_flow(4, IPPROTO_TCP, 80, i);

		wire_send(&b.wire, &flow, WIRE_ACK);
		flow = make_flow(6, IPPROTO_TCP, 80, i);
		wire_send(&b.wire, &flow, WIRE_ACK);
	}
	after = list();
	for (size_t i = 0; i < after->list.count; i++) {
		const struct lsvm_connection *is = &after->list.items[i];
		const struct lsvm_connection *was = find(before, &is->key);

		assert_non_null(was);
		assert_int_equal(lsvm_addr_compare(&is->server, &was->server), 0);
		/* It counts again from the whole of its time, since it was seen. */
		checked += !strcmp(is->state, "ESTABLISHED") && is->expires_s >= 895;
	}
	assert_true(checked >= FLOWS / 3 * 2);
	lsvm_connection_list_free(before);
	lsvm_connection_list_free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_kernel_sends_is_what_its_list_says),
		cmocka_unit_test(another_director_learns_every_connection_from_the_list),
		cmocka_unit_test(what_was_learnt_goes_on_at_the_same_server),
	};

	return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
