/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who would answer: connections first, then persistence, then the scheduler. */
#include "test.h"

#include "base/json.h"
#include "host/sim/sim.h"
#include "role/role.h"

#include <stdio.h>
#include <stdlib.h>

static const char rules[] = "-A -t 192.0.2.100:80 -s sh\n"
			    "-a -t 192.0.2.100:80 -r 192.168.2.21:80 -g -w 1\n"
			    "-a -t 192.0.2.100:80 -r 192.168.2.22:80 -g -w 0\n"
			    "-A -t 192.0.2.101:0 -s wlc -p 300 -M 255.255.255.0\n"
			    "-a -t 192.0.2.101:0 -r 192.168.2.21:0 -g -w 1\n"
			    "-a -t 192.0.2.101:0 -r 192.168.2.22:0 -g -w 0\n"
			    "-A -f 7 -s rr -p 60\n"
			    "-a -f 7 -r 192.168.2.22 -g -w 1\n"
			    "-A -t 192.0.2.102:80 -s wlc\n"
			    "-A -t 192.0.2.103:80 -s mh -b mh-port\n"
			    "-a -t 192.0.2.103:80 -r 192.168.2.21 -g -w 1\n";
static const char connections[] =
	"TCP 0A090002 04D2 C0000264 0050 C0A80216 0050 ESTABLISHED     899\n"
	"TCP 0A090100 0000 C0000265 0000 C0A80216 0000 NONE            120\n"
	"IP  0A090005 0000 00000007 0000 C0A80216 0000 NONE             42\n";

static struct lsvm_ctx *ctx;
static struct lsvm_host *host;
static struct lsvm_ipvs_table *table;

static void put(const char *path, const char *text)
{
	const struct file file = { path, 0444, text, strlen(text) };

	assert_int_equal(lsvm_sim_file_write((struct sim_host *)host, &file), 0);
}

static int start(void **state)
{
	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	assert_int_equal(lsvm_host_new_simulated(ctx, "eds1", &host), 0);
	put("/proc/thread-self/net/ip_vs_conn", connections);
	assert_int_equal(lsvm_ipvs_table_from_ipvsadm(ctx, rules, strlen(rules), &table),
			 0);
	return 0;
}

static int stop(void **state)
{
	lsvm_ipvs_table_unref(table);
	lsvm_host_free(host);
	lsvm_ctx_unref(ctx);
	return 0;
}

static void expect(struct lsvm_host *with, uint32_t fwmark, const char *client,
		   const char *vip, const char *outcome, const char *server)
{
	const json_t *seen;
	char *text = NULL;
	json_t *json;

	assert_int_equal(lsvm_role_predict_to_json(ctx, table, with, LSVM_PROTOCOL_TCP,
						   fwmark, vip, client, &text),
			 0);
	json = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "outcome")), outcome);
	seen = json_object_get(json, "server");
	if (server)
		assert_string_equal(json_string_value(json_object_get(seen, "address")),
				    server);
	else
		assert_true(json_is_null(seen));
	assert_true(json_string_length(json_object_get(json, "why")) > 10);
	json_decref(json);
	lsvm_free(text);
}

static void a_connection_goes_on_where_it_goes(void **state)
{
	expect(host, 0, "10.9.0.2:1234", "192.0.2.100:80", "connected", "192.168.2.22");
}

static void another_port_is_another_connection(void **state)
{
	char *text = NULL;

	assert_int_equal(lsvm_role_predict_to_text(ctx, table, host, LSVM_PROTOCOL_TCP, 0,
						   "192.0.2.100:80", "10.9.0.2:1235",
						   &text),
			 0);
	assert_null(strstr(text, "connected"));
	lsvm_free(text);
}

static void persistence_keeps_a_clients_network_at_its_server(void **state)
{
	expect(host, 0, "10.9.1.77", "192.0.2.101:8080", "persistent", "192.168.2.22");
	expect(NULL, 0, "10.9.1.77", "192.0.2.101:8080", "served", "192.168.2.21");
	expect(host, 0, "10.9.2.77", "192.0.2.101:8080", "served", "192.168.2.21");
	expect(host, 7, "10.9.0.5", "192.0.2.101:443", "persistent", "192.168.2.22");
	expect(host, 7, "10.9.0.6", "192.0.2.101:443", "any", NULL);
}

static void a_quiescent_server_loses_its_clients_when_the_kernel_says_so(void **state)
{
	struct sysctl sysctl = { "net.ipv4.vs.expire_quiescent_template", "1" };

	assert_int_equal(lsvm_sim_sysctl_set((struct sim_host *)host, &sysctl), 0);
	expect(host, 0, "10.9.1.77", "192.0.2.101:8080", "served", "192.168.2.21");
}

static void who_has_nobody_is_told_why(void **state)
{
	expect(host, 0, "10.9.0.2", "192.0.2.102:80", "no-destination", NULL);
	expect(host, 0, "10.9.0.2:20", "192.0.2.103:80", "passed", NULL);
	expect(host, 0, "10.9.0.2", "192.0.2.103:80", "any", NULL);
	expect(host, 0, "10.9.0.2:21", "192.0.2.103:80", "served", "192.168.2.21");
}

static void a_service_that_is_not_there_is_refused(void **state)
{
	char *text = NULL;

	assert_int_equal(lsvm_role_predict_to_json(ctx, table, host, LSVM_PROTOCOL_UDP, 0,
						   "192.0.2.100:80", "10.9.0.2", &text),
			 LSVM_ERR_NOT_FOUND);
	assert_null(text);
	/* It may be one that goes by mark. */
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "--fwmark 7"));
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		FACT(a_connection_goes_on_where_it_goes),
		FACT(another_port_is_another_connection),
		FACT(persistence_keeps_a_clients_network_at_its_server),
		FACT(a_quiescent_server_loses_its_clients_when_the_kernel_says_so),
		FACT(who_has_nobody_is_told_why),
		FACT(a_service_that_is_not_there_is_refused),
	};

	return RUN(tests);
}
