/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IPVS tables: order, duplicates, JSON, ipvsadm's text, what is refused. */
#include "ipvs/table.h"

#include "test.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
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

static int parse(const char *json, struct lsvm_ipvs_table **ret)
{
	return lsvm_ipvs_table_from_json(ctx, json, strlen(json), ret);
}

static struct lsvm_ipvs_table *table_of(const char *json)
{
	struct lsvm_ipvs_table *table = NULL;

	if (parse(json, &table))
		fail_msg("%s", lsvm_ctx_error_text(ctx));
	return table;
}

static void assert_refused(const char *json, int err, const char *sentence)
{
	struct lsvm_ipvs_table *table = (struct lsvm_ipvs_table *)&table;
	void *untouched = table;

	assert_int_equal(parse(json, &table), err);
	assert_ptr_equal(table, untouched);
	if (!strstr(lsvm_ctx_error_text(ctx), sentence))
		fail_msg("\"%s\" is not in \"%s\"", sentence, lsvm_ctx_error_text(ctx));
}

#define DOCUMENT(services) "{\"schema\":\"lsvm-ipvs/1\",\"services\":[" services "]}"
#define SERVICE(port, more)                                                              \
	"{\"protocol\":\"tcp\",\"address\":\"192.0.2.1\",\"port\":" port                 \
	",\"scheduler\":\"wlc\"" more "}"
#define DESTINATION(address, more) "{\"address\":\"" address "\",\"port\":80" more "}"

static const char everything[] =
	"{\"schema\":\"lsvm-ipvs/1\","
	"\"timeouts\":{\"tcp_s\":900,\"tcp_fin_s\":120,\"udp_s\":300},"
	"\"daemons\":[{\"state\":\"master\",\"interface\":\"eth0\",\"sync_id\":7,"
	"\"maxlen_bytes\":1472,\"group\":\"224.0.0.81\",\"port\":8848,\"ttl\":1},"
	"{\"state\":\"backup\",\"interface\":\"eth1\",\"sync_id\":0,"
	"\"group\":\"ff02::81\"}],"
	"\"services\":["
	"{\"protocol\":\"tcp\",\"address\":\"10.0.0.1\",\"port\":80,\"scheduler\":\"mh\","
	"\"scheduler_flags\":[\"fallback\",\"port\",\"flag-3\"],\"destinations\":["
	"{\"address\":\"10.0.0.2\",\"port\":80,\"forwarding\":\"direct\",\"weight\":0,"
	"\"last_weight\":5,\"upper_threshold\":10,\"lower_threshold\":5,"
	"\"active_count\":1,\"inactive_count\":2,\"persistent_count\":3},"
	"{\"address\":\"10.0.0.3\",\"port\":80,\"forwarding\":\"tunnel\",\"weight\":1,"
	"\"tunnel\":{\"kind\":\"gue\",\"port\":6080,\"checksum\":\"remote\"}},"
	"{\"address\":\"2001:db8::3\",\"port\":80,\"forwarding\":\"tunnel\",\"weight\":1,"
	"\"tunnel\":{\"kind\":\"gre\"}}]},"
	"{\"protocol\":\"udp\",\"address\":\"10.0.0.1\",\"port\":5060,"
	"\"scheduler\":\"rr\",\"one_packet\":true,\"other_flags\":64,"
	"\"persistence\":{\"timeout_s\":300,\"netmask\":\"255.255.255.0\"},"
	"\"engine\":\"sip\",\"counters\":{\"connections\":1,\"in_packets\":2,"
	"\"out_packets\":3,\"in_bytes\":4,\"out_bytes\":-1,\"connection_rate\":6,"
	"\"in_packet_rate\":7,\"out_packet_rate\":8,\"in_byte_rate\":9,"
	"\"out_byte_rate\":10},\"destinations\":[]},"
	"{\"protocol\":51,\"address\":\"2001:db8::1\",\"port\":1,\"scheduler\":\"rr\","
	"\"persistence\":{\"enabled\":false,\"timeout_s\":5},\"destinations\":[]},"
	"{\"protocol\":\"sctp\",\"address\":\"2001:db8::1\",\"port\":0,"
	"\"scheduler\":\"sh\",\"persistence\":{\"timeout_s\":60,\"prefix_length\":64},"
	"\"destinations\":[]},"
	"{\"fwmark\":7,\"family\":\"ipv6\",\"scheduler\":\"rr\",\"destinations\":["
	"{\"address\":\"2001:db8::9\",\"port\":0,\"forwarding\":6,\"weight\":1,"
	"\"tunnel\":{\"kind\":9,\"checksum\":77}}]}]}";

static void json_of_everything_comes_back_byte_for_byte(void **state)
{
	struct lsvm_ipvs_table *table = table_of(everything);
	const struct ipvs_service *service;
	char *text;

	assert_int_equal(lsvm_ipvs_table_to_json(table, &text), 0);
	assert_string_equal(text, everything);
	lsvm_free(text);
	service = &table->services.items[0];
	assert_string_equal(service->scheduler, "mh");
	assert_int_equal(service->flags,
			 IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2 | IP_VS_SVC_F_SCHED3);
	assert_int_equal(service->destinations.items[0].last_weight, 5);
	assert_int_equal(service->destinations.items[1].tunnel_flags, 2);
	assert_int_equal(service[1].netmask, 0xffffff00);
	assert_int_equal(service[1].counters->out_bytes, UINT64_MAX);
	assert_int_equal(service[2].key.protocol, 51);
	assert_false(service[2].flags & IP_VS_SVC_F_PERSISTENT);
	assert_int_equal(service[3].netmask, 64);
	assert_int_equal(service[4].destinations.items[0].forwarding, 6);
	assert_int_equal(service[4].destinations.items[0].tunnel_type, 9);
	assert_true(table->backup.present && table->backup.group.family == 6);
	lsvm_ipvs_table_unref(table);
}

static void the_order_of_the_input_does_not_matter(void **state)
{
	struct lsvm_ipvs_table *a = table_of(DOCUMENT(SERVICE(
		"80", ",\"destinations\":[" DESTINATION("10.0.0.10", "") "," DESTINATION(
			      "10.0.0.9", "") "," DESTINATION("10.0.0.200",
							      "") "]") "," SERVICE("8",
										   "")));
	struct lsvm_ipvs_table *b = table_of(DOCUMENT(SERVICE("8", "") "," SERVICE(
		"80", ",\"destinations\":[" DESTINATION("10.0.0.200", "") "," DESTINATION(
			      "10.0.0.10", "") "," DESTINATION("10.0.0.9", "") "]")));
	char *first, *second;

	assert_int_equal(lsvm_ipvs_table_to_json(a, &first), 0);
	assert_int_equal(lsvm_ipvs_table_to_json(b, &second), 0);
	assert_string_equal(first, second);
	assert_int_equal(a->services.items[0].key.port, 8);
	assert_int_equal(a->services.items[1].destinations.items[0].addr.bytes[3], 9);
	lsvm_free(first);
	lsvm_free(second);
	lsvm_ipvs_table_unref(a);
	lsvm_ipvs_table_unref(b);
}

static void what_is_there_twice_is_named(void **state)
{
	assert_refused(DOCUMENT(SERVICE("80", "") "," SERVICE("80", "")), LSVM_ERR_EXISTS,
		       "service tcp 192.0.2.1:80 is there twice");
	assert_refused(
		DOCUMENT(SERVICE("80", ",\"destinations\":[" DESTINATION(
					       "10.0.0.9", "") "," DESTINATION("10.0.0.9",
									       "") "]")),
		LSVM_ERR_EXISTS, "has the destination 10.0.0.9:80 twice");
}

static void bad_json_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *json, *sentence;
	} cases[] = {
		{ "", "line 1" },
		{ "[]", "the document is not an object" },
		{ "{}", "\"schema\" of the document" },
		{ "{\"schema\":\"lsvm-ipvs/2\"}", "\"schema\" of the document" },
		{ "{\"schema\":\"lsvm-ipvs/1\",\"schema\":\"lsvm-ipvs/1\"}",
		  "duplicate" },
		{ "{\"schema\":\"lsvm-ipvs/1\",\"extra\":1}", "no member \"extra\"" },
		{ "{\"schema\":\"lsvm-ipvs/1\",\"services\":{}}", "is not a list" },
		{ DOCUMENT("3"), "services[0] is not an object" },
		{ DOCUMENT(SERVICE("65536", "")), "from 0 to 65535" },
		{ DOCUMENT(SERVICE("-1", "")), "from 0 to 65535" },
		{ DOCUMENT(SERVICE("80.0", "")), "from 0 to 65535" },
		{ DOCUMENT(SERVICE("80", ",\"adress\":1")), "no member \"adress\"" },
		{ DOCUMENT(SERVICE("80", ",\"fwmark\":1")), "\"fwmark\" of services[0]" },
		{ DOCUMENT("{\"fwmark\":0,\"scheduler\":\"rr\"}"), "is 0" },
		{ DOCUMENT("{\"fwmark\":1,\"family\":\"ip\"}"), "neither ipv4 nor" },
		{ DOCUMENT("{\"address\":\"10.0.0.1\"}"), "\"protocol\"" },
		{ DOCUMENT("{\"protocol\":\"tcp\",\"address\":\"10.0.0\"}"),
		  "is not an address" },
		{ DOCUMENT("{\"protocol\":\"tcp\",\"address\":\"10.0.0.1\\u0000\"}"),
		  "" },
		{ DOCUMENT("{\"protocol\":\"icmp\",\"address\":\"10.0.0.1\"}"),
		  "is not a word" },
		{ DOCUMENT(SERVICE("80", ",\"engine\":\"12345678901234567\"")),
		  "at most 16 bytes" },
		{ DOCUMENT(SERVICE("80", ",\"one_packet\":1")), "neither true nor" },
		{ DOCUMENT(SERVICE("80", ",\"scheduler_flags\":[\"x\"]")),
		  "scheduler_flags" },
		{ DOCUMENT(SERVICE("80", ",\"persistence\":{\"netmask\":\"::1\"}")),
		  "is not like 255.255.255.0" },
		{ DOCUMENT(SERVICE("80", ",\"persistence\":{\"prefix_length\":24}")),
		  "is for ipv6" },
		{ DOCUMENT(SERVICE("80", ",\"destinations\":[{\"port\":1}]")),
		  "services[0].destinations[0]" },
		{ DOCUMENT(SERVICE("80", ",\"destinations\":[" DESTINATION(
						 "10.0.0.1", ",\"forwarding\":32") "]")),
		  "from 0 to 31" },
		{ "{\"schema\":\"lsvm-ipvs/1\",\"daemons\":[{\"state\":\"x\"}]}",
		  "neither master nor backup" },
		{ "{\"schema\":\"lsvm-ipvs/1\",\"daemons\":[{\"state\":\"master\"},"
		  "{\"state\":\"master\"}]}",
		  "is there twice" },
		{ "{\"schema\":\"lsvm-ipvs/1\",\"daemons\":[{\"state\":\"master\","
		  "\"interface\":\"0123456789abcdef\"}]}",
		  "at most 15 bytes" },
		{ "{\"schema\":\"lsvm-ipvs/1\",\"timeouts\":[]}", "is not an object" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_refused(cases[i].json, LSVM_ERR_PARSE, cases[i].sentence);
}

static void names_may_have_15_bytes_and_engines_16(void **state)
{
	struct lsvm_ipvs_table *table =
		table_of(DOCUMENT("{\"fwmark\":1,\"scheduler\":\"123456789012345\","
				  "\"engine\":\"1234567890123456\"}"));

	assert_string_equal(table->services.items[0].scheduler, "123456789012345");
	assert_string_equal(table->services.items[0].engine, "1234567890123456");
	lsvm_ipvs_table_unref(table);
	assert_refused(DOCUMENT("{\"fwmark\":1,\"scheduler\":\"1234567890123456\"}"),
		       LSVM_ERR_PARSE, "at most 15 bytes");
}

static void ipvsadm_text_is_what_ipvsadm_prints(void **state)
{
	/* Printed by ipvsadm 1.31 -S -n. */
	static const char expected[] =
		"-A -t 10.0.0.1:80 -s wlc\n"
		"-a -t 10.0.0.1:80 -r 10.0.0.2:80 -g -w 3\n"
		"-a -t 10.0.0.1:80 -r 10.0.0.3:80 -m -w 1\n"
		"-a -t 10.0.0.1:80 -r 10.0.0.4:80 -i -w 1 --tun-type gue --tun-port 6080 "
		"--tun-nocsum\n"
		"-a -t 10.0.0.1:80 -r 10.0.0.6:80 -i -w 1 --tun-type gue --tun-port 6080 "
		"--tun-remcsum\n"
		"-a -t 10.0.0.1:80 -r 10.0.0.7:80 -i -w 1 --tun-type gre --tun-csum\n"
		"-a -t 10.0.0.1:80 -r [2001:db8::9]:80 -i -w 1 --tun-type ipip\n"
		"-A -t 10.0.0.1:82 -s mh -p 77 -b mh-fallback,mh-port\n"
		"-A -t 10.0.0.1:83 -s rr -p 77 -M 255.255.255.0 -b flag-1,flag-2,flag-3\n"
		"-A -u 10.0.0.1:54 -s sh -p 70 --pe sip -o -b sh-port\n"
		"-A --sctp-service 10.0.0.1:99 -s sh -b sh-fallback,sh-port\n"
		"-A -t [2001:db8::1]:80 -s rr -p 300 -M 64\n"
		"-A -f 7 -s rr -p 300\n"
		"-a -f 7 -r 10.0.0.5:0 -m -w 1\n"
		"-A -f 8 -6 -s rr\n";
	struct lsvm_ipvs_table *table = table_of(
		"{\"schema\":\"lsvm-ipvs/1\",\"services\":["
		"{\"protocol\":\"tcp\",\"address\":\"10.0.0.1\",\"port\":80,"
		"\"scheduler\":\"wlc\",\"destinations\":["
		"{\"address\":\"10.0.0.2\",\"port\":80,\"weight\":3},"
		"{\"address\":\"10.0.0.3\",\"port\":80,\"forwarding\":\"nat\"},"
		"{\"address\":\"10.0.0.4\",\"port\":80,\"forwarding\":\"tunnel\","
		"\"tunnel\":{\"kind\":\"gue\",\"port\":6080}},"
		"{\"address\":\"10.0.0.6\",\"port\":80,\"forwarding\":\"tunnel\","
		"\"tunnel\":{\"kind\":\"gue\",\"port\":6080,\"checksum\":\"remote\"}},"
		"{\"address\":\"10.0.0.7\",\"port\":80,\"forwarding\":\"tunnel\","
		"\"tunnel\":{\"kind\":\"gre\",\"checksum\":\"full\"}},"
		"{\"address\":\"2001:db8::9\",\"port\":80,\"forwarding\":\"tunnel\"}]},"
		"{\"protocol\":\"tcp\",\"address\":\"10.0.0.1\",\"port\":82,"
		"\"scheduler\":\"mh\",\"persistence\":{\"timeout_s\":77},"
		"\"scheduler_flags\":[\"port\",\"fallback\"]},"
		"{\"protocol\":\"tcp\",\"address\":\"10.0.0.1\",\"port\":83,"
		"\"scheduler\":\"rr\",\"persistence\":{\"timeout_s\":77,"
		"\"netmask\":\"255.255.255.0\"},"
		"\"scheduler_flags\":[\"port\",\"fallback\",\"flag-3\"]},"
		"{\"protocol\":\"udp\",\"address\":\"10.0.0.1\",\"port\":54,"
		"\"scheduler\":\"sh\",\"persistence\":{\"timeout_s\":70},"
		"\"engine\":\"sip\",\"one_packet\":true,\"scheduler_flags\":[\"port\"]},"
		"{\"protocol\":\"sctp\",\"address\":\"10.0.0.1\",\"port\":99,"
		"\"scheduler\":\"sh\",\"scheduler_flags\":[\"port\",\"fallback\"]},"
		"{\"protocol\":\"tcp\",\"address\":\"2001:db8::1\",\"port\":80,"
		"\"scheduler\":\"rr\",\"persistence\":{\"timeout_s\":300,"
		"\"prefix_length\":64}},"
		"{\"fwmark\":7,\"scheduler\":\"rr\",\"persistence\":{\"timeout_s\":300},"
		"\"destinations\":[{\"address\":\"10.0.0.5\",\"forwarding\":\"nat\"}]},"
		"{\"fwmark\":8,\"family\":\"ipv6\",\"scheduler\":\"rr\"}]}");
	char *text;

	assert_int_equal(lsvm_ipvs_table_to_ipvsadm(table, &text), 0);
	assert_string_equal(text, expected);
	lsvm_free(text);
	lsvm_ipvs_table_unref(table);
}

static void an_empty_table_prints_nothing(void **state)
{
	struct lsvm_ipvs_table *table;
	char *text;

	assert_int_equal(lsvm_ipvs_table_new(ctx, &table), 0);
	assert_int_equal(lsvm_ipvs_table_to_ipvsadm(table, &text), 0);
	assert_string_equal(text, "");
	lsvm_free(text);
	lsvm_ipvs_table_unref(table);
}

static void getters_tell_what_is_in_the_table(void **state)
{
	struct lsvm_ipvs_table *table = table_of(everything);
	const struct lsvm_ipvs_service *service = lsvm_ipvs_table_service_at(table, 0);
	const struct lsvm_ipvs_destination *destination =
		lsvm_ipvs_service_destination_at(service, 1);
	char buf[LSVM_ADDRESS_TEXT_BYTES];

	assert_int_equal(lsvm_ipvs_table_service_count(table), 5);
	assert_null(lsvm_ipvs_table_service_at(table, 5));
	assert_int_equal(lsvm_ipvs_table_udp_timeout_s(table), 300);
	assert_string_equal(lsvm_ipvs_table_sync_interface(table, true), "eth0");
	assert_int_equal(lsvm_ipvs_table_sync_id(table, true), 7);
	assert_int_equal(lsvm_ipvs_service_protocol(service), LSVM_PROTOCOL_TCP);
	assert_string_equal(lsvm_ipvs_service_address(service, buf, sizeof(buf)),
			    "10.0.0.1");
	assert_int_equal(lsvm_ipvs_service_port(service), 80);
	assert_int_equal(lsvm_ipvs_service_scheduler_flags(service), 7);
	assert_int_equal(lsvm_ipvs_service_destination_count(service), 3);
	assert_null(lsvm_ipvs_service_destination_at(service, 3));
	assert_int_equal(lsvm_ipvs_destination_forwarding(destination),
			 LSVM_FORWARDING_TUNNEL);
	assert_int_equal(lsvm_ipvs_destination_tunnel_kind(destination), LSVM_TUNNEL_GUE);
	assert_int_equal(lsvm_ipvs_destination_tunnel_port(destination), 6080);
	assert_int_equal(lsvm_ipvs_destination_tunnel_checksum(destination),
			 LSVM_TUNNEL_CHECKSUM_REMOTE);
	destination = lsvm_ipvs_service_destination_at(service, 0);
	assert_int_equal(lsvm_ipvs_destination_upper_threshold(destination), 10);
	assert_int_equal(lsvm_ipvs_destination_lower_threshold(destination), 5);
	assert_int_equal(lsvm_ipvs_destination_active_count(destination), 1);
	service = lsvm_ipvs_table_service_at(table, 1);
	assert_true(lsvm_ipvs_service_is_one_packet(service));
	assert_int_equal(lsvm_ipvs_service_persistence_prefix_length(service), 24);
	assert_int_equal(
		lsvm_ipvs_service_counter(service, LSVM_IPVS_COUNTER_OUT_BYTE_RATE), 10);
	assert_int_equal(lsvm_ipvs_service_counter(service, 11), 0);
	assert_int_equal(lsvm_ipvs_service_counter(service, -1), 0);
	service = lsvm_ipvs_table_service_at(table, 4);
	assert_int_equal(lsvm_ipvs_service_fwmark(service), 7);
	assert_int_equal(lsvm_ipvs_service_family(service), 6);
	assert_string_equal(lsvm_ipvs_service_address(service, buf, sizeof(buf)), "");
	assert_string_equal(lsvm_ipvs_service_text(service, buf, sizeof(buf)),
			    "mark 7 ipv6");
	destination = lsvm_ipvs_service_destination_at(service, 0);
	assert_int_equal(lsvm_ipvs_destination_forwarding(destination),
			 LSVM_FORWARDING_UNKNOWN);
	assert_int_equal(lsvm_ipvs_destination_tunnel_kind(destination),
			 LSVM_TUNNEL_UNKNOWN);
	lsvm_ipvs_table_unref(table);
}

static void what_cannot_work_is_refused(void **state)
{
	static const struct {
		struct ipvs_service service;
		const char *sentence;
	} cases[] = {
		{ { .key = { .fwmark = 1 } }, "no address family" },
		{ { .key = { .fwmark = 1, .addr = { 4 }, .port = 80 } }, "a mark and" },
		{ { .key = { .addr = { 4 }, .protocol = 1, .port = 1 } },
		  "use tcp, udp or sctp" },
		{ { .key = { .addr = { 4 }, .protocol = IPPROTO_TCP } }, "port 0" },
		{ { .key = { .fwmark = 1, .addr = { 4 } } }, "no scheduler" },
		{ { .key = { .fwmark = 1, .addr = { 4 } },
		    .scheduler = { "1234567890123456" } },
		  "too long" },
		{ { .key = { .fwmark = 1, .addr = { 4 } },
		    .scheduler = "rr",
		    .flags = 0x40 },
		  "flags" },
		{ { .key = { .fwmark = 1, .addr = { 4 } },
		    .scheduler = "rr",
		    .flags = IP_VS_SVC_F_PERSISTENT },
		  "0 seconds" },
		{ { .key = { .addr = { 4 }, .protocol = IPPROTO_TCP, .port = 1 },
		    .scheduler = "rr",
		    .flags = IP_VS_SVC_F_ONEPACKET },
		  "one-packet" },
		{ { .key = { .fwmark = 1, .addr = { 4 } },
		    .scheduler = "rr",
		    .netmask = 0xff00ff00 },
		  "holes" },
		{ { .key = { .fwmark = 1, .addr = { 6 } },
		    .scheduler = "rr",
		    .netmask = 129 },
		  "1 to 128" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(lsvm_ipvs_service_check(ctx, &cases[i].service, NULL),
				 LSVM_ERR_ARGUMENT);
		assert_non_null(strstr(lsvm_ctx_error_text(ctx), cases[i].sentence));
	}
}

static void destinations_that_cannot_work_are_refused(void **state)
{
	static const struct ipvs_service service = {
		.key = { .addr = { 4 }, .protocol = IPPROTO_TCP, .port = 80 },
		.scheduler = "rr"
	};
	static const struct {
		struct ipvs_destination destination;
		const char *sentence;
	} cases[] = {
		{ { .port = 80 }, "no address family" },
		{ { .addr = { 4 }, .forwarding = 5 }, "forwarding method" },
		{ { .addr = { 6 }, .port = 80, .forwarding = IP_VS_CONN_F_DROUTE },
		  "another address family" },
		{ { .addr = { 4 }, .port = 81, .forwarding = IP_VS_CONN_F_DROUTE },
		  "another port" },
		{ { .addr = { 4 }, .weight = 0x80000000 }, "weight above" },
		{ { .addr = { 4 }, .lower_threshold = 1 }, "lower threshold" },
		{ { .addr = { 4 }, .tunnel_type = 3 }, "tunnel type" },
		{ { .addr = { 4 }, .tunnel_flags = 3 }, "tunnel type" },
		{ { .addr = { 4 },
		    .port = 80,
		    .forwarding = IP_VS_CONN_F_TUNNEL,
		    .tunnel_type = 1 },
		  "without a port" },
	};
	static const struct ipvs_destination mapped = { .addr = { 4 }, .port = 8080 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(lsvm_ipvs_destination_check(ctx, &service,
							     &cases[i].destination, NULL),
				 LSVM_ERR_ARGUMENT);
		assert_non_null(strstr(lsvm_ctx_error_text(ctx), cases[i].sentence));
	}
	assert_int_equal(lsvm_ipvs_destination_check(ctx, &service, &mapped, NULL), 0);
}

static void sixty_thousand_destinations_are_sorted_and_found(void **state)
{
	struct lsvm_ipvs_table *table;
	struct ipvs_service *service;

	assert_int_equal(lsvm_ipvs_table_alloc(ctx, &table), 0);
	service = lsvm_ipvs_table_push(table);
	service->key = (struct ipvs_key){ .fwmark = 1, .addr = { 4 } };
	for (uint32_t i = 65535; i; i--)
		*lsvm_ipvs_service_push(service) = (struct ipvs_destination){
			.addr = { 4, { 10, 0, (uint8_t)(i >> 8), (uint8_t)i } }
		};
	assert_int_equal(lsvm_ipvs_table_seal(table), 0);
	for (size_t i = 0; i < 65535; i++)
		assert_int_equal(service->destinations.items[i].addr.bytes[3],
				 (i + 1) & 255);
	assert_ptr_equal(lsvm_ipvs_table_lookup(table, &service->key), service);
	lsvm_ipvs_table_unref(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_of_everything_comes_back_byte_for_byte),
		cmocka_unit_test(the_order_of_the_input_does_not_matter),
		cmocka_unit_test(what_is_there_twice_is_named),
		cmocka_unit_test(bad_json_is_refused_with_its_place),
		cmocka_unit_test(names_may_have_15_bytes_and_engines_16),
		cmocka_unit_test(ipvsadm_text_is_what_ipvsadm_prints),
		cmocka_unit_test(an_empty_table_prints_nothing),
		cmocka_unit_test(getters_tell_what_is_in_the_table),
		cmocka_unit_test(what_cannot_work_is_refused),
		cmocka_unit_test(destinations_that_cannot_work_are_refused),
		cmocka_unit_test(sixty_thousand_destinations_are_sorted_and_found),
	};

	return cmocka_run_group_tests_name(__FILE__, tests, make_context, drop_context);
}
