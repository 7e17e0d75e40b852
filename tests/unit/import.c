/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configurations of other programs: what they become, and what the report says. */
#include "test.h"

#include <libsvm/libsvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static struct lsvm_import *keepalived(const char *text)
{
	struct lsvm_import *import;

	if (lsvm_import_keepalived(ctx, text, strlen(text), &import))
		fail_msg("%s", lsvm_ctx_error_text(ctx));
	return import;
}

static struct lsvm_import *ldirectord(const char *text)
{
	struct lsvm_import *import;

	if (lsvm_import_ldirectord(ctx, text, strlen(text), &import))
		fail_msg("%s", lsvm_ctx_error_text(ctx));
	return import;
}

/* A note of the kind about the line that has these words; NULL: there is none. */
static const struct lsvm_import_note *find(const struct lsvm_import *import, int kind,
					   uint32_t line, const char *words)
{
	for (size_t i = 0; i < lsvm_import_note_count(import); i++) {
		const struct lsvm_import_note *note = lsvm_import_note_at(import, i);

		if (lsvm_import_note_kind(note) == kind &&
		    lsvm_import_note_line(note) == line &&
		    strstr(lsvm_import_note_text(note), words))
			return note;
	}
	return NULL;
}

static void servers_that_are_alike_share_a_partition(void **state)
{
	struct lsvm_import *import = keepalived(
		"virtual_server 192.0.2.100 80 {\n"
		"	real_server 10.0.0.1 80 {\n	}\n	real_server 10.0.0.2 80 "
		"{\n	}\n}\n"
		"virtual_server 192.0.2.101 80 {\n"
		"	real_server 10.0.0.2 80 {\n	}\n	real_server 10.0.0.1 80 "
		"{\n	}\n}\n"
		"virtual_server 192.0.2.102 80 {\n"
		"	real_server 10.0.0.1 80 {\n		weight 3\n	}\n"
		"	real_server 10.0.0.2 80 {\n	}\n}\n");
	const struct lsvm_cluster *cluster = lsvm_import_cluster(import);
	const struct lsvm_partition *pool;

	assert_non_null(cluster);
	assert_int_equal(lsvm_cluster_partition_count(cluster), 2);
	pool = lsvm_cluster_partition_at(cluster, 0);
	assert_int_equal(lsvm_partition_vip_count(pool), 2);
	assert_int_equal(lsvm_partition_server_count(pool), 2);
	assert_int_equal(lsvm_partition_server_weight(pool, 0), 1);
	pool = lsvm_cluster_partition_at(cluster, 1);
	assert_int_equal(lsvm_partition_vip_count(pool), 1);
	assert_int_equal(lsvm_partition_server_weight(pool, 0), 3);
	lsvm_import_free(import);
}

static void a_configuration_of_another_program_is_told(void **state)
{
	static const char virtual_server[] =
		"global_defs {\n}\nvirtual_server 192.0.2.100 80 {\n"
		"	real_server 10.0.0.1 80 { weight 1 }\n}\n";
	static const char virtual
		[] = "checktimeout=3\nvirtual=192.0.2.100:80\n\treal=10.0.0.1:80 gate\n";
	struct lsvm_import *import = (struct lsvm_import *)&import;
	void *untouched = import;

	assert_int_equal(lsvm_import_ldirectord(ctx, virtual_server,
						strlen(virtual_server), &import),
			 LSVM_ERR_PARSE);
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "--from keepalived"));
	assert_int_equal(lsvm_import_keepalived(ctx, virtual, strlen(virtual), &import),
			 LSVM_ERR_PARSE);
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "--from ldirectord"));
	assert_ptr_equal(import, untouched);
}

static void a_block_may_stand_in_one_line(void **state)
{
	struct lsvm_import *import = keepalived(
		"virtual_server 192.0.2.100 80 { protocol TCP\n"
		"	real_server 10.0.0.1 80 { weight 3 }\n"
		"	real_server 10.0.0.2 80 {}\n"
		"	real_server 10.0.0.3 80 { TCP_CHECK { connect_port 81 } }\n"
		"}\n");
	const struct lsvm_partition *pool =
		lsvm_cluster_partition_at(lsvm_import_cluster(import), 0);

	assert_int_equal(lsvm_partition_server_count(pool), 3);
	assert_int_equal(lsvm_partition_server_weight(pool, 0), 3);
	assert_int_equal(lsvm_partition_server_weight(pool, 1), 1);
	assert_int_equal(lsvm_import_note_count_of(import, LSVM_IMPORT_NOTE_KIND_LOST),
			 0);
	lsvm_import_free(import);
}

/* The second is left out, and the report says where it stands and what to do. */
static void an_address_with_two_sets_of_servers_is_told(void **state)
{
	struct lsvm_import *import =
		keepalived("virtual_server 192.0.2.100 80 {\n	protocol TCP\n"
			   "	real_server 10.0.0.1 80 { weight 1 }\n}\n"
			   "virtual_server 192.0.2.100 443 {\n	protocol TCP\n"
			   "	real_server 10.0.0.2 443 { weight 1 }\n}\n");

	assert_non_null(find(import, LSVM_IMPORT_NOTE_KIND_LOST, 5,
			     "give this one an address of its own"));
	lsvm_import_free(import);
}

static void without_a_protocol_keepalived_balances_udp(void **state)
{
	struct lsvm_import *import =
		keepalived("virtual_server 192.0.2.100 80 {\n"
			   "	real_server 10.0.0.1 80 {\n	}\n}\n");
	const struct lsvm_partition *pool =
		lsvm_cluster_partition_at(lsvm_import_cluster(import), 0);
	const struct lsvm_service *service =
		lsvm_vip_service_at(lsvm_partition_vip_at(pool, 0), 0);

	assert_int_equal(lsvm_service_protocol(service), LSVM_PROTOCOL_UDP);
	assert_non_null(find(import, LSVM_IMPORT_NOTE_KIND_DANGER, 1, "UDP"));
	lsvm_import_free(import);
	import = keepalived("virtual_server 192.0.2.100 80 {\n	protocol TCP\n"
			    "	real_server 10.0.0.1 80 {\n	}\n}\n");
	assert_null(find(import, LSVM_IMPORT_NOTE_KIND_DANGER, 1, "UDP"));
	lsvm_import_free(import);
}

static void a_hash_without_fallback_is_a_danger_only_when_servers_drain(void **state)
{
	static const char with[] =
		"virtual_server 192.0.2.100 80 {\n	lb_algo %s\n	%s\n"
		"	inhibit_on_failure\n"
		"	real_server 10.0.0.1 80 {\n	}\n}\n";
	static const struct {
		const char *scheduler, *flag;
		bool danger;
	} cases[] = {
		{ "sh", "", true },
		{ "mh", "", true },
		{ "sh", "sh-fallback", false },
		{ "mh", "mh-fallback", false },
		{ "mh", "mh-port", true },
		{ "wlc", "", false },
	};
	char text[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lsvm_import *import;

		snprintf(text, sizeof(text), with, cases[i].scheduler, cases[i].flag);
		import = keepalived(text);
		assert_int_equal(find(import, LSVM_IMPORT_NOTE_KIND_DANGER, 1,
				      "fallback flag") != NULL,
				 cases[i].danger);
		lsvm_import_free(import);
	}
}

static void every_line_that_is_not_used_is_in_the_report(void **state)
{
	struct lsvm_import *import = keepalived("global_defs {\n"
						"	smtp_server 10.9.9.9\n"
						"}\n"
						"made_up {\n"
						"	inside\n"
						"}\n"
						"virtual_server 192.0.2.100 80 {\n"
						"	alpha\n"
						"	real_server 10.0.0.1 80 {\n"
						"		sorts_of 1\n"
						"		weight 1\n"
						"		weight 2\n"
						"	}\n"
						"}\n");
	const struct lsvm_import_note *note;

	assert_non_null(find(import, LSVM_IMPORT_NOTE_KIND_LOST, 2, "mail"));
	note = find(import, LSVM_IMPORT_NOTE_KIND_LOST, 4, "does not know");
	assert_non_null(note);
	assert_int_equal(lsvm_import_note_last_line(note), 6);
	assert_string_equal(lsvm_import_note_source(note), "made_up {");
	assert_non_null(find(import, LSVM_IMPORT_NOTE_KIND_LOST, 8, "first check"));
	assert_non_null(find(import, LSVM_IMPORT_NOTE_KIND_LOST, 10, "does not know"));
	assert_int_equal(lsvm_import_note_count_of(import, LSVM_IMPORT_NOTE_KIND_LOST),
			 4);
	lsvm_import_free(import);
}

static void secrets_are_not_repeated(void **state)
{
	struct lsvm_import *import = ldirectord("virtual=192.0.2.100:1812\n"
						"	real=10.0.0.1:1812 gate\n"
						"	secret=\"hush\"\n"
						"	passwd = hush\n");
	char *json;

	assert_int_equal(lsvm_import_to_json(import, &json), 0);
	assert_null(strstr(json, "hush"));
	assert_non_null(strstr(json, "secret"));
	lsvm_free(json);
	lsvm_import_free(import);
	import = keepalived(
		"vrrp_instance A {\n"
		"	authentication { auth_type PASS auth_pass hush }\n}\n"
		"vrrp_instance B {\n	authentication {\n"
		"		auth_pass hush\n	}\n	auth_pass hush\n}\n");
	assert_int_equal(lsvm_import_to_json(import, &json), 0);
	assert_null(strstr(json, "hush"));
	lsvm_free(json);
	lsvm_import_free(import);
}

static void what_does_not_load_says_where(void **state)
{
	/* NAT for one service and direct routing for another, of the same server. */
	struct lsvm_import *import =
		keepalived("virtual_server 192.0.2.100 80 {\n	lb_kind NAT\n"
			   "	real_server 10.0.0.1 80 {\n	}\n}\n"
			   "virtual_server 192.0.2.101 80 {\n	lb_kind DR\n"
			   "	real_server 10.0.0.1 80 {\n	}\n}\n");
	const struct lsvm_findings *findings = lsvm_import_findings(import);
	bool mixed = false;

	assert_null(lsvm_import_cluster(import));
	assert_non_null(strstr(lsvm_import_yaml(import), "192.0.2.101"));
	for (size_t i = 0; i < lsvm_findings_count(findings); i++) {
		const struct lsvm_finding *finding = lsvm_findings_at(findings, i);

		if (strcmp(lsvm_finding_code(finding), "nat-mixed") == 0)
			mixed = lsvm_finding_line(finding) > 0;
	}
	assert_true(mixed);
	lsvm_import_free(import);
}

static void any_bytes_give_a_report(void **state)
{
	struct lsvm_import *import;
	char *json;

	assert_int_equal(lsvm_import_keepalived(ctx, "a\0b", 3, &import), LSVM_ERR_PARSE);
	import = keepalived(
		"\xff\xfe \xc3\xa4 \xed\xa0\x80 \x01\nvirtual_server \xff {\n");
	assert_int_equal(lsvm_import_to_json(import, &json), 0);
	lsvm_free(json);
	lsvm_import_free(import);
	import = ldirectord("virtual=192.0.2.1:80\n\treal=10.0.0.1:80 gate\n"
			    "\trequest=\"\xff\"\n\tservice=http\n");
	assert_int_equal(lsvm_import_to_json(import, &json), 0);
	lsvm_free(json);
	lsvm_import_free(import);
}

static void limits_are_named(void **state)
{
	size_t size = 17u * 1024 * 1024;
	struct lsvm_import *import;
	struct buf {
		char *data;
	} deep = { malloc(size) };

	memset(deep.data, '\n', size);
	assert_int_equal(lsvm_import_keepalived(ctx, deep.data, size, &import),
			 LSVM_ERR_LIMIT);
	for (size_t i = 0; i < 200; i++)
		memcpy(deep.data + 4 * i, "a {\n", 4);
	assert_int_equal(lsvm_import_keepalived(ctx, deep.data, 800, &import),
			 LSVM_ERR_LIMIT);
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "line 17"));
	free(deep.data);
	/* A parameter that contains itself ends too. */
	import = keepalived("$A=${A}${A}\nvirtual_server $A 80 {\n}\n");
	assert_non_null(find(import, LSVM_IMPORT_NOTE_KIND_LOST, 2, "endless"));
	lsvm_import_free(import);
}

static void ranges_are_bounded(void **state)
{
	struct lsvm_import *import = keepalived(
		"virtual_server_group g {\n	10.0.0.0/8 80\n}\n"
		"virtual_server group g {\n	real_server 192.0.2.1 80 {\n	}\n"
		"}\n");

	assert_non_null(find(import, LSVM_IMPORT_NOTE_KIND_LOST, 2, "4096"));
	lsvm_import_free(import);
}

static void the_source_is_guessed(void **state)
{
	static const struct {
		const char *text;
		int source;
	} cases[] = {
		{ "! x\nglobal_defs {\n}\n", LSVM_IMPORT_SOURCE_KEEPALIVED },
		{ "virtual_server 1 {", LSVM_IMPORT_SOURCE_KEEPALIVED },
		{ "# virtual_server x\nvirtual = 1\n", LSVM_IMPORT_SOURCE_LDIRECTORD },
		{ "virtual6=[::1]:80", LSVM_IMPORT_SOURCE_LDIRECTORD },
		{ "-A -t 192.0.2.1:80", LSVM_IMPORT_SOURCE_IPVSADM },
		{ "ipvsadm -C\n", LSVM_IMPORT_SOURCE_IPVSADM },
		{ "name: x\n", LSVM_IMPORT_SOURCE_UNKNOWN },
		{ "", LSVM_IMPORT_SOURCE_UNKNOWN },
		{ "  ", LSVM_IMPORT_SOURCE_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(lsvm_import_guess(cases[i].text, strlen(cases[i].text)),
				 cases[i].source);
	for (int kind = 1; kind <= 4; kind++)
		assert_int_equal(
			lsvm_import_note_kind_parse(lsvm_import_note_kind_name(kind)),
			kind);
}

/* What the directors would hold is what the table said. */
static void a_table_of_ipvsadm_comes_out_as_it_went_in(void **state)
{
	static const char text[] = "-A -t 192.0.2.100:80 -s wrr -p 360\n"
				   "-a -t 192.0.2.100:80 -r 192.168.1.21:8080 -m -w 3\n"
				   "-a -t 192.0.2.100:80 -r 192.168.1.22:8080 -m -w 1\n"
				   "-A -u 192.0.2.101:5060 -s mh -b mh-fallback\n"
				   "-a -u 192.0.2.101:5060 -r 192.168.1.31:5060 -i -w 1 "
				   "--tun-type ipip\n";
	struct lsvm_import *import;
	struct lsvm_plan *plan;
	char *out;

	assert_int_equal(lsvm_import_ipvsadm(ctx, text, strlen(text), &import), 0);
	assert_non_null(lsvm_import_cluster(import));
	assert_int_equal(lsvm_plan_compile(ctx, lsvm_import_cluster(import), "director1",
					   LSVM_DUTY_MASTER, &plan),
			 0);
	assert_int_equal(lsvm_ipvs_table_to_ipvsadm(lsvm_plan_ipvs(plan), &out), 0);
	assert_string_equal(out, text);
	lsvm_free(out);
	lsvm_plan_unref(plan);
	lsvm_import_free(import);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_configuration_of_another_program_is_told),
		cmocka_unit_test(a_block_may_stand_in_one_line),
		cmocka_unit_test(an_address_with_two_sets_of_servers_is_told),
		cmocka_unit_test(servers_that_are_alike_share_a_partition),
		cmocka_unit_test(without_a_protocol_keepalived_balances_udp),
		cmocka_unit_test(
			a_hash_without_fallback_is_a_danger_only_when_servers_drain),
		cmocka_unit_test(every_line_that_is_not_used_is_in_the_report),
		cmocka_unit_test(secrets_are_not_repeated),
		cmocka_unit_test(what_does_not_load_says_where),
		cmocka_unit_test(any_bytes_give_a_report),
		cmocka_unit_test(limits_are_named),
		cmocka_unit_test(ranges_are_bounded),
		cmocka_unit_test(the_source_is_guessed),
		cmocka_unit_test(a_table_of_ipvsadm_comes_out_as_it_went_in),
	};

	return cmocka_run_group_tests(tests, make_context, drop_context);
}
