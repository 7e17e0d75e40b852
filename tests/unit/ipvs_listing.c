/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's list of services against a table. */
#include "test.h"

#include "ipvs/table.h"

#include <stdio.h>

static const char heading[] = "IP Virtual Server version 1.2.1 (size=4096)\n"
			      "Prot LocalAddress:Port Scheduler Flags\n"
			      "  -> RemoteAddress:Port Forward Weight ActiveConn "
			      "InActConn\n";
static const char four[] =
	"TCP  C0000264:0050 wlc persistent 300 FFFFFFFF\n"
	"  -> C0000216:0050      Route   2      0          0         \n"
	"  -> C0000215:0050      Route   1      0          0         \n";
static const char six[] =
	"UDP  [2001:0db8:0002:0000:0000:0000:0000:0100]:0035 rr \n"
	"  -> [2001:0db8:0002:0000:0000:0000:0000:0021]:0035 Masq    1 0 0\n";
static const char others[] = "TCP  0A000001:0050 wlc \n"
			     "  -> 0A000002:0050      Route   1      0          0\n"
			     "FWM  00000007 wlc \n"
			     "  -> 0A000002:0050      Route   1      0          0\n";

static struct lsvm_ctx *ctx;
static struct lsvm_ipvs_table *table;

static void add(struct ipvs_service *service, const char *addr, uint8_t forwarding,
		uint32_t weight)
{
	struct ipvs_destination *destination = lsvm_ipvs_service_push(service);

	assert_non_null(destination);
	assert_true(lsvm_addr_parse(addr, &destination->addr));
	destination->port = service->key.port;
	destination->forwarding = forwarding;
	destination->weight = weight;
}

static struct ipvs_service *add_service(uint8_t protocol, const char *addr, uint16_t port,
					const char *scheduler)
{
	struct ipvs_service *service = lsvm_ipvs_table_push(table);

	assert_non_null(service);
	service->key.protocol = protocol;
	service->key.port = port;
	assert_true(lsvm_addr_parse(addr, &service->key.addr));
	strcpy(service->scheduler, scheduler);
	return service;
}

static int begin(void **state)
{
	struct ipvs_service *service;

	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	assert_int_equal(lsvm_ipvs_table_alloc(ctx, &table), 0);
	service = add_service(6, "192.0.2.100", 80, "wlc");
	add(service, "192.0.2.21", 3, 1);
	add(service, "192.0.2.22", 3, 2);
	service = add_service(17, "2001:db8:2::100", 53, "rr");
	add(service, "2001:db8:2::21", 0, 1);
	assert_int_equal(lsvm_ipvs_table_seal(table), 0);
	return 0;
}

static int end(void **state)
{
	lsvm_ipvs_table_unref(table);
	lsvm_ctx_unref(ctx);
	return 0;
}

static bool has(const char *a, const char *b, const char *c)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s%s%s%s", heading, a, b, c);
	return lsvm_ipvs_listing_has(text, table);
}

static void what_is_there_is_seen_beside_what_others_have(void **state)
{
	assert_true(has(four, six, ""));
	assert_true(has(others, six, four));
}

static void what_is_missing_is_seen(void **state)
{
	assert_false(has(four, "", ""));
	assert_false(has("", six, others));
	assert_false(lsvm_ipvs_listing_has("", table));
	assert_false(has("TCP  C0000264:0050 wlc \n"
			 "  -> C0000216:0050      Route   2      0          0\n",
			 six, ""));
}

/* The list with one word replaced. */
static bool has_with(const char *word, const char *instead)
{
	char text[1024];
	const char *at = strstr(four, word);

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - four), four, instead,
		 at + strlen(word));
	return has(text, six, "");
}

static void what_is_another_way_is_seen(void **state)
{
	assert_true(has_with("wlc", "wlc"));
	assert_false(has_with("wlc", "rr"));
	assert_false(has_with("Route   2", "Route   0"));
	assert_false(has_with("Route   2", "Tunnel  2"));
	assert_false(has_with("C0000216:0050", "C0000216:0051"));
	assert_false(has_with("C0000264:0050", "C0000264:0051"));
}

static void a_server_more_in_a_service_of_ours_is_seen(void **state)
{
	assert_false(
		has(four, "  -> C0000217:0050      Route   1      0          0\n", six));
}

static void nonsense_is_no_list(void **state)
{
	assert_false(lsvm_ipvs_listing_has("\n\n-> \nTCP\n  ->  x y z\n\xff\xfe", table));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_there_is_seen_beside_what_others_have),
		TEST(what_is_missing_is_seen),
		TEST(what_is_another_way_is_seen),
		TEST(a_server_more_in_a_service_of_ours_is_seen),
		TEST(nonsense_is_no_list),
	};

	return RUN(tests);
}
