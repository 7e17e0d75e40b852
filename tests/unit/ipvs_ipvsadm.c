/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ipvsadm prints and people write, read as a table. */
#include "ipvs/table.h"

#include "../lab/ipvs_random.h"
#include "test.h"

#include <linux/ip_vs.h>
#include <stdio.h>
#include <stdlib.h>

static struct lsvm_ctx *ctx;

static int make_context(void **state)
{
	return lsvm_ctx_new(&ctx);
}

static int drop_context(void **state)
{
	lsvm_ctx_unref(ctx);
	return 0;
}

static struct lsvm_ipvs_table *read_text(const char *text)
{
	struct lsvm_ipvs_table *table;

	if (lsvm_ipvs_table_from_ipvsadm(ctx, text, strlen(text), &table))
		fail_msg("%s\n%s", lsvm_ctx_error_text(ctx), text);
	return table;
}

/* What the lines make, as ipvsadm would print it. */
static void assert_reads(const char *text, const char *expected)
{
	struct lsvm_ipvs_table *table = read_text(text);
	char *out;

	assert_int_equal(lsvm_ipvs_table_to_ipvsadm(table, &out), 0);
	assert_string_equal(out, expected);
	lsvm_free(out);
	lsvm_ipvs_table_unref(table);
}

static void assert_refused(const char *text, int err, const char *sentence)
{
	struct lsvm_ipvs_table *table = (void *)&ctx;

	assert_int_equal(lsvm_ipvs_table_from_ipvsadm(ctx, text, strlen(text), &table),
			 err);
	assert_ptr_equal(table, (void *)&ctx);
	if (!strstr(lsvm_ctx_error_text(ctx), sentence))
		fail_msg("'%s' says '%s', not '%s'", text, lsvm_ctx_error_text(ctx),
			 sentence);
}

static void what_ipvsadm_prints_is_read(void **state)
{
	static const char text[] =
		"-A -t 192.0.2.100:80 -s wlc -p 360 -M 255.255.255.0\n"
		"-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1\n"
		"-a -t 192.0.2.100:80 -r 192.0.2.22:80 -i -w 3 --tun-type ipip\n"
		"-A -u 192.0.2.100:5060 -s sh --pe sip -o -b sh-fallback,sh-port\n"
		"-A -t [2001:db8::100]:443 -s mh -p 300 -M 64 -b mh-port\n"
		"-a -t [2001:db8::100]:443 -r [2001:db8::21]:8443 -m -w 0\n"
		"-A --sctp-service 192.0.2.101:36412 -s fo\n"
		"-a --sctp-service 192.0.2.101:36412 -r 192.0.2.21:36412 -i -w 1 "
		"--tun-type gue --tun-port 6080 --tun-remcsum\n"
		"-a --sctp-service 192.0.2.101:36412 -r 192.0.2.22:36412 -i -w 1 "
		"--tun-type gre --tun-csum\n"
		"-A -f 7 -s wrr -b flag-3\n"
		"-a -f 7 -r 192.0.2.21:0 -g -w 1\n"
		"-A -f 7 -6 -s rr\n";
	struct lsvm_ipvs_table *table = read_text(text);

	assert_int_equal(lsvm_ipvs_table_service_count(table), 6);
	lsvm_ipvs_table_unref(table);
	assert_reads(text,
		     "-A -t 192.0.2.100:80 -s wlc -p 360 -M 255.255.255.0\n"
		     "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1\n"
		     "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -i -w 3 --tun-type ipip\n"
		     "-A -u 192.0.2.100:5060 -s sh --pe sip -o -b sh-fallback,sh-port\n"
		     "-A --sctp-service 192.0.2.101:36412 -s fo\n"
		     "-a --sctp-service 192.0.2.101:36412 -r 192.0.2.21:36412 -i -w 1 "
		     "--tun-type gue --tun-port 6080 --tun-remcsum\n"
		     "-a --sctp-service 192.0.2.101:36412 -r 192.0.2.22:36412 -i -w 1 "
		     "--tun-type gre --tun-csum\n"
		     "-A -t [2001:db8::100]:443 -s mh -p 300 -M 64 -b mh-port\n"
		     "-a -t [2001:db8::100]:443 -r [2001:db8::21]:8443 -m -w 0\n"
		     "-A -f 7 -s wrr -b flag-3\n"
		     "-a -f 7 -r 192.0.2.21:0 -g -w 1\n"
		     "-A -f 7 -6 -s rr\n");
}

static void what_people_write_is_read(void **state)
{
	assert_reads(
		"# web\n"
		"\n"
		"ipvsadm --add-service --tcp-service=192.0.2.100:80 -swrr -p\r\n"
		"/sbin/ipvsadm -a -t 192.0.2.100:80 -r 192.0.2.21 -w2 # the old one\n"
		"  -at 192.0.2.100:80 -r 192.0.2.22:8080 -i\n"
		"-at192.0.2.100:80 --real-server 192.0.2.23:8080 --masquerading "
		"--weight=5\n"
		"-A -t 192.0.2.101 -p 60\n"
		"-A -f 9\n"
		"-A -6 -f 9 -s rr\n"
		"-a -f 9 -r 192.0.2.21",
		"-A -t 192.0.2.100:80 -s wrr -p 300\n"
		"-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 2\n"
		"-a -t 192.0.2.100:80 -r 192.0.2.22:80 -i -w 1 --tun-type ipip\n"
		"-a -t 192.0.2.100:80 -r 192.0.2.23:8080 -m -w 5\n"
		"-A -t 192.0.2.101:0 -s wlc -p 60\n"
		"-A -f 9 -s wlc\n"
		"-a -f 9 -r 192.0.2.21:0 -g -w 1\n"
		"-A -f 9 -6 -s rr\n");
}

static void later_lines_change_earlier_ones(void **state)
{
	assert_reads("-A -t 192.0.2.100:80\n"
		     "-a -t 192.0.2.100:80 -r 192.0.2.21\n"
		     "-C\n"
		     "-A -t 192.0.2.100:80\n"
		     "-a -t 192.0.2.100:80 -r 192.0.2.21 -m\n"
		     "-a -t 192.0.2.100:80 -r 192.0.2.22\n"
		     "-E -t 192.0.2.100:80 -s rr\n"
		     "-e -t 192.0.2.100:80 -r 192.0.2.21 -m -w 7\n"
		     "-d -t 192.0.2.100:80 -r 192.0.2.22\n"
		     "-A -u 192.0.2.100:53\n"
		     "-D -u 192.0.2.100:53\n"
		     "-Z\n",
		     "-A -t 192.0.2.100:80 -s rr\n"
		     "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -m -w 7\n");
}

static void thresholds_timeouts_and_daemons_are_read(void **state)
{
	struct lsvm_ipvs_table *table = read_text(
		"-A -t 192.0.2.100:80\n"
		"-a -t 192.0.2.100:80 -r 192.0.2.21 -x 100 -y 80\n"
		"--set 900 0 300\n"
		"--start-daemon master --mcast-interface eth0 --syncid 9 --mcast-ttl 3\n"
		"--start-daemon=backup --mcast-interface eth1\n"
		"--stop-daemon backup\n");
	const struct lsvm_ipvs_destination *destination =
		lsvm_ipvs_service_destination_at(lsvm_ipvs_table_service_at(table, 0), 0);

	assert_int_equal(lsvm_ipvs_destination_upper_threshold(destination), 100);
	assert_int_equal(lsvm_ipvs_destination_lower_threshold(destination), 80);
	assert_int_equal(lsvm_ipvs_table_tcp_timeout_s(table), 900);
	assert_int_equal(lsvm_ipvs_table_udp_timeout_s(table), 300);
	assert_string_equal(lsvm_ipvs_table_sync_interface(table, true), "eth0");
	assert_int_equal(lsvm_ipvs_table_sync_id(table, true), 9);
	assert_int_equal(table->master.ttl, 3);
	assert_null(lsvm_ipvs_table_sync_interface(table, false));
	lsvm_ipvs_table_unref(table);
}

/* What the text cannot say, made so that it need not. */
static void make_sayable(struct lsvm_ipvs_table *table)
{
	for (size_t i = 0; i < table->services.count; i++) {
		struct ipvs_service *service = &table->services.items[i];

		if (service->scheduler[1] == 'h' && service->scheduler[0] != 'd')
			service->flags &= ~(uint32_t)IP_VS_SVC_F_SCHED3;
		for (size_t j = 0; j < service->destinations.count; j++) {
			struct ipvs_destination *d = &service->destinations.items[j];

			d->upper_threshold = d->lower_threshold = 0;
			d->last_weight = 0;
			if (d->forwarding == IP_VS_CONN_F_LOCALNODE)
				d->forwarding = IP_VS_CONN_F_DROUTE;
			if (d->tunnel_type == 0)
				d->tunnel_port = d->tunnel_flags = 0;
		}
	}
	table->timeouts = (struct ipvs_timeouts){ 0 };
	table->master = table->backup = (struct ipvs_daemon){ 0 };
}

static void random_tables_come_back_equal(void **state)
{
	size_t destinations = 0;

	for (uint32_t seed = 1; seed <= 400; seed++) {
		struct lsvm_ipvs_table *table = random_table(ctx, seed, 20, 8), *again;
		char *text, *json, *text_again, *json_again;

		make_sayable(table);
		assert_int_equal(lsvm_ipvs_table_to_ipvsadm(table, &text), 0);
		assert_int_equal(lsvm_ipvs_table_to_json(table, &json), 0);
		again = read_text(text);
		assert_int_equal(lsvm_ipvs_table_to_ipvsadm(again, &text_again), 0);
		assert_int_equal(lsvm_ipvs_table_to_json(again, &json_again), 0);
		assert_string_equal(text_again, text);
		assert_string_equal(json_again, json);
		for (size_t i = 0; i < again->services.count; i++)
			destinations += again->services.items[i].destinations.count;
		lsvm_free(text);
		lsvm_free(json);
		lsvm_free(text_again);
		lsvm_free(json_again);
		lsvm_ipvs_table_unref(table);
		lsvm_ipvs_table_unref(again);
	}
	assert_true(destinations > 1000);
}

static void errors_name_the_line_and_what_to_do(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *sentence;
	} cases[] = {
		{ "-A -t web:80", LSVM_ERR_PARSE, "line 1: not an address: 'web'" },
		{ "\n#\n-A -t 192.0.2.1:http", LSVM_ERR_PARSE, "line 3: not a port" },
		{ "-A -t 192.0.2.1:65536", LSVM_ERR_PARSE, "0 to 65535" },
		{ "-A -t 192.0.2.1:80 -u 192.0.2.1:80", LSVM_ERR_PARSE, "two services" },
		{ "-A -t 192.0.2.1:80 -t 192.0.2.1:81", LSVM_ERR_PARSE, "twice" },
		{ "-A -t 192.0.2.1:80 -A", LSVM_ERR_PARSE, "second command" },
		{ "-A -t 192.0.2.1:80 -w 1", LSVM_ERR_PARSE, "'weight'" },
		{ "-t 192.0.2.1:80", LSVM_ERR_PARSE, "-a or another" },
		{ "-A", LSVM_ERR_PARSE, "a service is missing" },
		{ "-A -t", LSVM_ERR_PARSE, "a value is missing" },
		{ "-A -t 192.0.2.1:80 80", LSVM_ERR_PARSE, "not an option: '80'" },
		{ "-L -n", LSVM_ERR_PARSE, "unknown option '-L'" },
		{ "-A --tcp 192.0.2.1:80", LSVM_ERR_PARSE, "unknown option '--tcp'" },
		{ "-A -f 0", LSVM_ERR_PARSE, "1 to 4294967295" },
		{ "-A -f 4294967296", LSVM_ERR_PARSE, "not a mark" },
		{ "-A -t 192.0.2.1:80 -s sixteen-letters-", LSVM_ERR_PARSE, "15" },
		{ "-A -t 192.0.2.1:80 -s#", LSVM_ERR_PARSE, "not a scheduler" },
		{ "-A -t 192.0.2.1:80 -M 255.255.0.255 -p", LSVM_ERR_PARSE, "holes" },
		{ "-A -t 192.0.2.1:80 -M 255.255.0.0", LSVM_ERR_PARSE, "add -p" },
		{ "-A -t 192.0.2.1:80 -b sh-port", LSVM_ERR_PARSE, "no flag of this" },
		{ "-A -t 192.0.2.1:80 -o", LSVM_ERR_PARSE, "line 1: service tcp" },
		{ "-A -t 192.0.2.1", LSVM_ERR_PARSE, "persistence" },
		{ "-A -t 192.0.2.1:80\n-A -t 192.0.2.1:80", LSVM_ERR_EXISTS, "line 2" },
		{ "-a -t 192.0.2.1:80 -r 192.0.2.2", LSVM_ERR_NOT_FOUND, "add it" },
		{ "-D -t 192.0.2.1:80", LSVM_ERR_NOT_FOUND, "line 1" },
		{ "-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 192.0.2.2\n"
		  "-a -t 192.0.2.1:80 -r 192.0.2.2:80",
		  LSVM_ERR_EXISTS, "line 3" },
		{ "-A -t 192.0.2.1:80\n-e -t 192.0.2.1:80 -r 192.0.2.2",
		  LSVM_ERR_NOT_FOUND, "line 2" },
		{ "-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80", LSVM_ERR_PARSE, "with -r" },
		{ "-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 192.0.2.2 -w -1",
		  LSVM_ERR_PARSE, "not a weight: '-1'" },
		{ "-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 192.0.2.2 -g -m",
		  LSVM_ERR_PARSE, "two ways" },
		{ "-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 192.0.2.2 --tun-type gre",
		  LSVM_ERR_PARSE, "add -i" },
		{ "-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 192.0.2.2 -i --tun-type gue",
		  LSVM_ERR_PARSE, "6080" },
		{ "-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 192.0.2.2 -y 5",
		  LSVM_ERR_PARSE, "threshold" },
		{ "-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 2001:db8::1", LSVM_ERR_PARSE,
		  "family" },
		{ "--set 1 2", LSVM_ERR_PARSE, "three timeouts" },
		{ "--set 1 2 3 4", LSVM_ERR_PARSE, "more than --set takes" },
		{ "--start-daemon both", LSVM_ERR_PARSE, "master or backup" },
		{ "--stop-daemon master", LSVM_ERR_NOT_FOUND, "does not run" },
		{ "-A -t [192.0.2.1]:80", LSVM_ERR_PARSE, "not an address" },
		{ "-A -t [2001:db8::1:80", LSVM_ERR_PARSE, "not an address and port" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(cases[i].text, cases[i].err, cases[i].sentence);
}

static void long_lines_and_nul_bytes_are_refused(void **state)
{
	struct lsvm_ipvs_table *table;
	char *text = malloc(8192);

	memset(text, 'a', 8192);
	assert_int_equal(lsvm_ipvs_table_from_ipvsadm(ctx, text, 8192, &table),
			 LSVM_ERR_PARSE);
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "4096"));
	assert_int_equal(lsvm_ipvs_table_from_ipvsadm(ctx, "-A\0-C", 5, &table),
			 LSVM_ERR_PARSE);
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "NUL"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_ipvsadm_prints_is_read),
		cmocka_unit_test(what_people_write_is_read),
		cmocka_unit_test(later_lines_change_earlier_ones),
		cmocka_unit_test(thresholds_timeouts_and_daemons_are_read),
		cmocka_unit_test(random_tables_come_back_equal),
		cmocka_unit_test(errors_name_the_line_and_what_to_do),
		cmocka_unit_test(long_lines_and_nul_bytes_are_refused),
	};

	return cmocka_run_group_tests(tests, make_context, drop_context);
}
