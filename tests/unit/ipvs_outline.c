/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /proc/net/ip_vs against a table: the cross-check that finds torn dumps. */
#include "host/linux/ipvs_private.h"

#include "test.h"

/* As Linux 6.1 writes it. */
static const char proc[] =
	"IP Virtual Server version 1.2.1 (size=4096)\n"
	"Prot LocalAddress:Port Scheduler Flags\n"
	"  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
	"UDP  0A000001:0035 rr ops  \n"
	"TCP  0A000001:0050 wlc  \n"
	"  -> [2001:0db8:0000:0000:0000:0000:0000:0009]:0050      Tunnel  1      0       "
	"   0 "
	"        \n"
	"  -> 0A000009:0050      Tunnel  1      0          0         \n"
	"SCTP [2001:0db8:0000:0000:0000:0000:0000:0001]:0063 sh  \n"
	"FWM  00000007 rr persistent 30000 FFFFFFFF\n"
	"  -> 0A000005:0000      Masq    1      0          0         \n";

static const char json[] =
	"{\"schema\":\"lsvm-ipvs/1\",\"services\":["
	"{\"protocol\":\"udp\",\"address\":\"10.0.0.1\",\"port\":53,\"scheduler\":\"rr\"}"
	","
	"{\"protocol\":\"tcp\",\"address\":\"10.0.0.1\",\"port\":80,\"scheduler\":"
	"\"wlc\","
	"\"destinations\":[{\"address\":\"10.0.0.9\",\"port\":80},"
	"{\"address\":\"2001:db8::9\",\"port\":80}]},"
	"{\"protocol\":\"sctp\",\"address\":\"2001:db8::1\",\"port\":99,"
	"\"scheduler\":\"sh\"},"
	"{\"fwmark\":7,\"scheduler\":\"rr\",\"destinations\":["
	"{\"address\":\"10.0.0.5\",\"port\":0}]}]}";

static void the_file_and_the_table_agree(void **state)
{
	struct ipvs_outline of_text, of_table;
	struct lsvm_ipvs_table *table;
	struct lsvm_ctx *ctx;

	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	assert_int_equal(lsvm_ipvs_table_from_json(ctx, json, strlen(json), &table), 0);
	lsvm_ipvs_outline_of_table(table, &of_table);
	assert_int_equal(lsvm_ipvs_outline_of_text(proc, &of_text), 0);
	assert_int_equal(of_text.service_count, 4);
	assert_int_equal(of_text.destination_count, 3);
	assert_int_equal(of_table.service_count, 4);
	assert_int_equal(of_table.destination_count, 3);
	assert_true(of_text.sum == of_table.sum);
	table->services.items[0].key.port++;
	lsvm_ipvs_outline_of_table(table, &of_table);
	assert_true(of_text.sum != of_table.sum);
	lsvm_ipvs_table_unref(table);
	lsvm_ctx_unref(ctx);
}

static void a_destination_under_another_service_is_seen(void **state)
{
	struct ipvs_outline a, b;

	assert_int_equal(lsvm_ipvs_outline_of_text("TCP  0A000001:0050 rr\n"
						   "  -> 0A000009:0050 Route 1 0 0\n"
						   "TCP  0A000002:0050 rr\n",
						   &a),
			 0);
	assert_int_equal(lsvm_ipvs_outline_of_text("TCP  0A000001:0050 rr\n"
						   "TCP  0A000002:0050 rr\n"
						   "  -> 0A000009:0050 Route 1 0 0\n",
						   &b),
			 0);
	assert_int_equal(a.destination_count, b.destination_count);
	assert_true(a.sum != b.sum);
}

static void a_file_of_another_form_is_not_guessed_at(void **state)
{
	struct ipvs_outline none = { .sum = 5 };

	assert_int_equal(lsvm_ipvs_outline_of_text("TCP  somewhere rr\n", &none),
			 LSVM_ERR_UNSUPPORTED);
	assert_int_equal(none.sum, 5);
	assert_int_equal(lsvm_ipvs_outline_of_text("", &none), 0);
	assert_int_equal(none.service_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_and_the_table_agree),
		cmocka_unit_test(a_destination_under_another_service_is_seen),
		cmocka_unit_test(a_file_of_another_form_is_not_guessed_at),
	};

	return RUN(tests);
}
