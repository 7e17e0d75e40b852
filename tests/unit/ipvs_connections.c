/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's list of connections: every line of it, in pieces of any size, filtered. */
#include "test.h"

#include "host/sim/sim.h"
#include "ipvs/connections.h"

#include <stdio.h>
#include <stdlib.h>

#define HEADING                                                                          \
	"Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName "      \
	"PEData\n"
#define TCP_LINE "TCP 0A090002 04D2 C0000264 0050 C0A80215 0050 ESTABLISHED     899\n"
#define UDP_LINE "UDP 0A090003 1000 C0000264 0035 C0A80216 0035 UDP             299\n"
#define MARK_LINE "IP  0A090000 0000 00000007 0000 C0A80215 0000 NONE             42\n"
#define SIP_LINE                                                                         \
	"UDP 0A090004 0000 C0000264 13C4 C0A80215 13C4 NONE              9 sip a b\x01"  \
	"c@x\n"
#define SIX_LINE                                                                         \
	"TCP 2001:0db8:0000:0000:0000:0000:0000:0002 04D2 "                              \
	"2001:0db8:0000:0000:0000:0000:0000:0064 0050 C0A80215 0050 FIN_WAIT     "       \
	"    119\n"
static const char all[] = HEADING TCP_LINE UDP_LINE MARK_LINE SIP_LINE SIX_LINE;
static const char origins[] =
	"Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n"
	"UDP 0A090003 1000 C0000264 0035 C0A80216 0035 UDP         LOCAL      299\n"
	"TCP 0A090002 04D2 C0000264 0050 C0A80215 0050 ESTABLISHED SYNC       899\n"
	"TCP 0A090009 04D2 C0000264 0050 C0A80215 0050 ESTABLISHED SYNC       899\n";

static struct lsvm_ctx *ctx;
static struct lsvm_host *host;

static void put(const char *path, const char *text)
{
	const struct file file = { path, 0444, text, strlen(text) };

	assert_int_equal(lsvm_sim_file_write((struct sim_host *)host, &file), 0);
}

static int start(void **state)
{
	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	assert_int_equal(lsvm_host_new_simulated(ctx, "eds1", &host), 0);
	put("/proc/thread-self/net/ip_vs_conn", all);
	put("/proc/thread-self/net/ip_vs_conn_sync", origins);
	return 0;
}

static int stop(void **state)
{
	lsvm_host_free(host);
	lsvm_ctx_unref(ctx);
	return 0;
}

static struct lsvm_connection_list *ask(const char *client, const char *vip,
					const char *server, const char *word,
					size_t limit)
{
	struct lsvm_connection_list *found = NULL;

	assert_int_equal(
		lsvm_host_connections(host, client, vip, server, word, limit, &found), 0);
	return found;
}

static void every_kind_of_line_is_read(void **state)
{
	struct lsvm_connection_list *found = ask(NULL, NULL, NULL, NULL, 0);
	const struct lsvm_connection *c;
	char text[LSVM_ADDRESS_TEXT_BYTES];

	assert_int_equal(lsvm_connection_list_count(found), 5);
	assert_int_equal(lsvm_connection_list_seen_count(found), 5);
	assert_int_equal(found->odd_count, 0);
	c = lsvm_connection_list_at(found, 0); /* the mark is the lowest address */
	assert_int_equal(lsvm_connection_fwmark(c), 7);
	assert_true(lsvm_connection_is_template(c));
	assert_string_equal(lsvm_connection_virtual_address(c, text, sizeof(text)), "");
	c = lsvm_connection_list_at(found, 2);
	assert_string_equal(lsvm_connection_protocol(c), "tcp");
	assert_string_equal(lsvm_connection_client(c, text, sizeof(text)), "10.9.0.2");
	assert_int_equal(lsvm_connection_client_port(c), 1234);
	assert_string_equal(lsvm_connection_virtual_address(c, text, sizeof(text)),
			    "192.0.2.100");
	assert_int_equal(lsvm_connection_virtual_port(c), 80);
	assert_string_equal(lsvm_connection_server(c, text, sizeof(text)),
			    "192.168.2.21");
	assert_int_equal(lsvm_connection_server_port(c), 80);
	assert_string_equal(lsvm_connection_state(c), "ESTABLISHED");
	assert_int_equal(lsvm_connection_expires_s(c), 899);
	assert_false(lsvm_connection_is_template(c));
	c = lsvm_connection_list_at(found, 3);
	assert_string_equal(lsvm_connection_engine(c), "sip a b?c@x");
	c = lsvm_connection_list_at(found, 4);
	assert_string_equal(lsvm_connection_client(c, text, sizeof(text)), "2001:db8::2");
	assert_string_equal(lsvm_connection_server(c, text, sizeof(text)),
			    "192.168.2.21");
	assert_null(lsvm_connection_list_at(found, 5));
	lsvm_connection_list_free(found);
}

static void origins_are_those_of_the_same_connection(void **state)
{
	struct lsvm_connection_list *found = ask(NULL, "192.0.2.100", NULL, NULL, 0);

	assert_int_equal(lsvm_connection_list_count(found), 3);
	assert_int_equal(lsvm_connection_origin(lsvm_connection_list_at(found, 0)),
			 LSVM_CONNECTION_ORIGIN_LOCAL);
	assert_int_equal(lsvm_connection_origin(lsvm_connection_list_at(found, 1)),
			 LSVM_CONNECTION_ORIGIN_SYNC);
	assert_int_equal(lsvm_connection_origin(lsvm_connection_list_at(found, 2)),
			 LSVM_CONNECTION_ORIGIN_UNKNOWN);
	lsvm_connection_list_free(found);
}

static void filters_leave_what_they_say(void **state)
{
	static const struct {
		const char *client, *vip, *server, *word;
		size_t count;
	} cases[] = {
		{ "10.9.0.2", NULL, NULL, NULL, 1 },
		{ "10.9.0.0/24", NULL, NULL, NULL, 4 },
		{ "2001:db8::/32", NULL, NULL, NULL, 1 },
		{ NULL, "192.0.2.100:80", NULL, NULL, 1 },
		{ NULL, "192.0.2.100", NULL, NULL, 3 },
		{ NULL, "[2001:db8::64]:80", NULL, NULL, 1 },
		{ NULL, "[2001:db8::64]:81", NULL, NULL, 0 },
		{ NULL, NULL, "192.168.2.21", NULL, 4 },
		{ NULL, NULL, "192.168.2.22:53", NULL, 1 },
		{ NULL, NULL, NULL, "established", 1 },
		{ "10.9.0.0/16", NULL, "192.168.2.21", "NONE", 2 },
		{ "", "", "", "", 5 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lsvm_connection_list *found = ask(
			cases[i].client, cases[i].vip, cases[i].server, cases[i].word, 0);

		assert_int_equal(lsvm_connection_list_count(found), cases[i].count);
		assert_int_equal(lsvm_connection_list_seen_count(found), 5);
		lsvm_connection_list_free(found);
	}
}

static void a_limit_says_how_many_there_are(void **state)
{
	struct lsvm_connection_list *found = ask("10.9.0.0/24", NULL, NULL, NULL, 3);

	assert_int_equal(lsvm_connection_list_count(found), 3);
	assert_int_equal(lsvm_connection_list_match_count(found), 4);
	lsvm_connection_list_free(found);
}

static void a_wrong_filter_is_refused(void **state)
{
	static const char *const bad[][4] = {
		{ "10.9.0.300" },
		{ NULL, "192.0.2.100:0" },
		{ NULL, "192.0.2.100:65536" },
		{ NULL, "192.0.2.100:" },
		{ NULL, "2001:db8::1]:80" },
		{ NULL, "[2001:db8::1]80" },
		{ NULL, "[192.0.2.1]:80" },
		{ NULL, NULL, "eps1" },
		{ NULL, NULL, NULL, "A STATE THAT IS TOO LONG" },
		{ NULL, NULL, NULL, "ESTABLISHE" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct lsvm_connection_list *found = NULL;

		assert_int_equal(lsvm_host_connections(host, bad[i][0], bad[i][1],
						       bad[i][2], bad[i][3], 0, &found),
				 LSVM_ERR_ARGUMENT);
		assert_null(found);
	}
}

static void the_size_of_the_pieces_does_not_matter(void **state)
{
	const struct connection_filter any = { .limit = 0 };
	char *whole = NULL;

	for (size_t size = 1; size < sizeof(all); size += 7) {
		struct lsvm_connection_list *found;
		char *text;

		assert_int_equal(lsvm_connection_list_new(ctx, &any, &found), 0);
		for (size_t at = 0; at < sizeof(all) - 1; at += size)
			lsvm_connection_list_feed(found, all + at,
						  size < sizeof(all) - 1 - at
							  ? size
							  : sizeof(all) - 1 - at);
		assert_int_equal(lsvm_connection_list_end(found, false), 0);
		assert_int_equal(lsvm_connection_list_to_json(found, &text), 0);
		if (whole)
			assert_string_equal(text, whole);
		else
			whole = strdup(text);
		lsvm_free(text);
		lsvm_connection_list_free(found);
	}
	free(whole);
}

static void lines_that_are_not_the_kernels_are_left_out(void **state)
{
	char text[4096] = "TCP 0A090002 04D2 C0000264 0050 C0A80215 0050 ESTABLISHED\n"
			  "TCP 0A09000 04D2 C0000264 0050 C0A80215 0050 NONE 1\n"
			  "TCP 0A090002 104D2 C0000264 0050 C0A80215 0050 NONE 1\n"
			  "TCP 0A090002 04D2 2001:db8::1 0050 C0A80215 0050 NONE 1\n"
			  "\n";
	size_t length = strlen(text);
	struct lsvm_connection_list *found;

	memset(text + length, 'x', 2000);
	strcpy(text + length + 2000, "\n" TCP_LINE);
	put("/proc/thread-self/net/ip_vs_conn", text);
	found = ask(NULL, NULL, NULL, NULL, 0);
	assert_int_equal(found->odd_count, 6);
	assert_int_equal(lsvm_connection_list_count(found), 1);
	lsvm_connection_list_free(found);
}

/* The simulated kernel lists what clients have opened. */
static void a_simulated_directors_connections_are_listed(void **state)
{
	static const char rules[] =
		"-A -t 192.0.2.100:80 -s rr\n"
		"-a -t 192.0.2.100:80 -r 192.168.2.21:8080 -m -w 1\n"
		"-A -u [2001:db8::64]:53 -s rr\n"
		"-a -u [2001:db8::64]:53 -r [2001:db8::21]:53 -g -w 1\n";
	struct lsvm_connection_list *found;
	struct lsvm_ipvs_table *table;
	struct lsvm_host *sim;
	char text[LSVM_ADDRESS_TEXT_BYTES];
	size_t changed;

	assert_int_equal(lsvm_host_new_simulated(ctx, "eds2", &sim), 0);
	assert_int_equal(lsvm_ipvs_table_from_ipvsadm(ctx, rules, strlen(rules), &table),
			 0);
	assert_int_equal(lsvm_host_ipvs_reconcile(sim, table, NULL, &changed), 0);
	assert_int_equal(lsvm_host_simulate_connect(sim, LSVM_PROTOCOL_TCP, "10.9.0.2",
						    1234, "192.0.2.100", 80, 0, text,
						    sizeof(text)),
			 LSVM_ANSWER_SERVER);
	assert_int_equal(lsvm_host_simulate_connect(sim, LSVM_PROTOCOL_UDP, "2001:db8::2",
						    999, "2001:db8::64", 53, 0, text,
						    sizeof(text)),
			 LSVM_ANSWER_SERVER);
	assert_int_equal(lsvm_host_connections(sim, "10.9.0.2", "192.0.2.100:80",
					       "192.168.2.21:8080", "ESTABLISHED", 0,
					       &found),
			 0);
	assert_int_equal(lsvm_connection_list_count(found), 1);
	assert_int_equal(lsvm_connection_list_seen_count(found), 2);
	assert_int_equal(lsvm_connection_origin(lsvm_connection_list_at(found, 0)),
			 LSVM_CONNECTION_ORIGIN_LOCAL);
	lsvm_connection_list_free(found);
	assert_int_equal(lsvm_host_connections(sim, "2001:db8::2", "[2001:db8::64]:53",
					       "[2001:db8::21]:53", "UDP", 0, &found),
			 0);
	assert_int_equal(lsvm_connection_list_count(found), 1);
	assert_int_equal(lsvm_connection_client_port(lsvm_connection_list_at(found, 0)),
			 999);
	lsvm_connection_list_free(found);
	lsvm_ipvs_table_unref(table);
	lsvm_host_free(sim);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		FACT(every_kind_of_line_is_read),
		FACT(origins_are_those_of_the_same_connection),
		FACT(filters_leave_what_they_say),
		FACT(a_limit_says_how_many_there_are),
		FACT(a_wrong_filter_is_refused),
		FACT(the_size_of_the_pieces_does_not_matter),
		FACT(a_simulated_directors_connections_are_listed),
		FACT(lines_that_are_not_the_kernels_are_left_out),
	};

	return RUN(tests);
}
