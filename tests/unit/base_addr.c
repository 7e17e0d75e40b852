/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses and prefixes: what is one, what is none, and how two compare. */
#include "base/base.h"

#include "test.h"

static struct addr addr(const char *text)
{
	struct addr addr;

	assert_true(lsvm_addr_parse(text, &addr));
	return addr;
}

static struct prefix prefix(const char *text)
{
	struct prefix prefix;

	assert_true(lsvm_prefix_parse(text, &prefix));
	return prefix;
}

static void an_address_comes_out_in_its_shortest_form(void **state)
{
	static const char *const pairs[][2] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "::", "::" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
	};
	char buf[LSVM_ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct addr a = addr(pairs[i][0]);

		assert_string_equal(lsvm_addr_text(&a, buf), pairs[i][1]);
	}
}

static void what_is_no_address_is_refused_and_leaves_ret_alone(void **state)
{
	static const char *const bad[] = {
		"",	     "1",	   "1.2.3",    "1.2.3.4.5",  "256.1.1.1",
		"010.1.1.1", "1.2.3.4 ",   " 1.2.3.4", "fe80::1%lo", "::1::",
		"12345::",   "1.2.3.4/24", "example",  ":",
	};
	struct addr kept = addr("192.0.2.7");

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct addr a = kept;

		assert_false(lsvm_addr_parse(bad[i], &a));
		assert_memory_equal(&a, &kept, sizeof(a));
	}
}

static void a_bare_address_is_a_host_prefix(void **state)
{
	assert_int_equal(prefix("192.0.2.1").length, 32);
	assert_int_equal(prefix("2001:db8::1").length, 128);
	assert_int_equal(prefix("0.0.0.0/0").length, 0);
}

static void what_is_no_prefix_is_refused(void **state)
{
	static const char *const bad[] = {
		"192.0.2.0/",
		"192.0.2.0/33",
		"192.0.2.0/024",
		"192.0.2.0/-1",
		"192.0.2.0/2a",
		"2001:db8::/129",
		"/24",
		"192.0.2.0/24/24",
		"192.0.2.0/0000000000",
		"2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/64",
	};
	struct prefix p;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(lsvm_prefix_parse(bad[i], &p));
}

static void a_prefix_contains_exactly_its_addresses(void **state)
{
	struct prefix net = prefix("192.0.2.64/26"), six = prefix("2001:db8:0:80::/57");
	struct prefix all = prefix("0.0.0.0/0");
	struct addr first = addr("192.0.2.64"), last = addr("192.0.2.127");
	struct addr below = addr("192.0.2.63"), above = addr("192.0.2.128");
	struct addr in = addr("2001:db8:0:ff::1"), out = addr("2001:db8:0:100::1");

	assert_true(lsvm_prefix_contains(&net, &first));
	assert_true(lsvm_prefix_contains(&net, &last));
	assert_false(lsvm_prefix_contains(&net, &below));
	assert_false(lsvm_prefix_contains(&net, &above));
	assert_true(lsvm_prefix_contains(&six, &in));
	assert_false(lsvm_prefix_contains(&six, &out));
	assert_true(lsvm_prefix_contains(&all, &above));
	assert_false(lsvm_prefix_contains(&all, &in));
}

static void prefixes_overlap_when_one_holds_the_other(void **state)
{
	struct prefix a = prefix("10.0.0.0/8"), b = prefix("10.1.0.0/16");
	struct prefix c = prefix("11.0.0.0/8"), six = prefix("::/0");

	assert_true(lsvm_prefix_overlaps(&a, &b));
	assert_true(lsvm_prefix_overlaps(&b, &a));
	assert_false(lsvm_prefix_overlaps(&a, &c));
	assert_false(lsvm_prefix_overlaps(&a, &six));
}

static void host_bits_make_a_prefix_no_net(void **state)
{
	struct prefix net = prefix("192.0.2.0/24"), host = prefix("192.0.2.1/24");
	struct prefix six = prefix("2001:db8::/33"), off = prefix("2001:db8:8000::/32");

	assert_true(lsvm_prefix_is_net(&net));
	assert_false(lsvm_prefix_is_net(&host));
	assert_true(lsvm_prefix_is_net(&six));
	assert_false(lsvm_prefix_is_net(&off));
}

static void private_and_special_addresses_are_known(void **state)
{
	static const char *const private[] = { "10.255.255.255", "172.16.0.1",
					       "172.31.255.1",	 "192.168.1.1",
					       "100.64.0.1",	 "fd00::1" };
	static const char *const public[] = { "172.32.0.1", "192.0.2.1", "100.128.0.1",
					      "2001:db8::1" };
	static const char *const special[] = {
		"127.0.0.1", "224.0.0.81", "255.255.255.255", "0.0.0.0",    "::",
		"::1",	     "fe80::1",	   "ff02::1",	      "169.254.1.1"
	};

	for (size_t i = 0; i < ARRAY_SIZE(private); i++) {
		struct addr a = addr(private[i]);

		assert_true(lsvm_addr_is_private(&a));
		assert_false(lsvm_addr_is_special(&a));
	}
	for (size_t i = 0; i < ARRAY_SIZE(public); i++) {
		struct addr a = addr(public[i]);

		assert_false(lsvm_addr_is_private(&a));
		assert_false(lsvm_addr_is_special(&a));
	}
	for (size_t i = 0; i < ARRAY_SIZE(special); i++) {
		struct addr a = addr(special[i]);

		assert_true(lsvm_addr_is_special(&a));
	}
}

static void ipv4_orders_before_ipv6_and_shorter_before_longer(void **state)
{
	struct addr a = addr("255.255.255.255"), b = addr("::");
	struct prefix p = prefix("10.0.0.0/8"), q = prefix("10.0.0.0/16");

	assert_true(lsvm_addr_compare(&a, &b) < 0);
	assert_true(lsvm_addr_compare(&b, &a) > 0);
	assert_int_equal(lsvm_addr_compare(&a, &a), 0);
	assert_true(lsvm_prefix_compare(&p, &q) < 0);
	assert_int_equal(lsvm_prefix_compare(&q, &q), 0);
}

static void an_endpoint_puts_ipv6_in_brackets(void **state)
{
	char buf[LSVM_ADDRESS_TEXT_BYTES];
	struct addr four = addr("192.0.2.1"), six = addr("2001:db8::1");
	struct addr none = { 0 };
	struct prefix p = prefix("2001:db8::/64");

	assert_string_equal(lsvm_endpoint_text(&four, 80, buf), "192.0.2.1:80");
	assert_string_equal(lsvm_endpoint_text(&six, 65535, buf), "[2001:db8::1]:65535");
	assert_string_equal(lsvm_prefix_text(&p, buf), "2001:db8::/64");
	assert_string_equal(lsvm_addr_text(&none, buf), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_comes_out_in_its_shortest_form),
		cmocka_unit_test(what_is_no_address_is_refused_and_leaves_ret_alone),
		cmocka_unit_test(a_bare_address_is_a_host_prefix),
		cmocka_unit_test(what_is_no_prefix_is_refused),
		cmocka_unit_test(a_prefix_contains_exactly_its_addresses),
		cmocka_unit_test(prefixes_overlap_when_one_holds_the_other),
		cmocka_unit_test(host_bits_make_a_prefix_no_net),
		cmocka_unit_test(private_and_special_addresses_are_known),
		cmocka_unit_test(ipv4_orders_before_ipv6_and_shorter_before_longer),
		cmocka_unit_test(an_endpoint_puts_ipv6_in_brackets),
	};

	return RUN(tests);
}
