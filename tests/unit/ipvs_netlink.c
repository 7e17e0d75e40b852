/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The IPVS family's messages as bytes. What ip_vs_ctl.c of Linux 6.1 reads is the
 * measure. */
#include "ipvs/netlink.h"

#include "test.h"

#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdlib.h>

static uint8_t bytes[4096];

static struct nl_out fresh(size_t size)
{
	memset(bytes, 0xee, sizeof(bytes));
	return (struct nl_out){ .data = bytes, .size = size, .family = 0x21 };
}

static struct nl_message only_message(const struct nl_out *out)
{
	struct reader reader = { out->data, out->used, false };
	struct nl_message message, none;

	assert_int_equal(lsvm_nl_next(&reader, &message), 1);
	assert_int_equal(lsvm_nl_next(&reader, &none), 0);
	return message;
}

/* The attribute in a list of them, by hand: the codec must not check itself. */
static const uint8_t *attribute(const uint8_t *at, size_t left, uint16_t type,
				size_t *ret_length)
{
	while (left >= 4) {
		uint16_t length, found;

		memcpy(&length, at, 2);
		memcpy(&found, at + 2, 2);
		assert_true(length >= 4 && length <= left);
		if ((found & NLA_TYPE_MASK) == type) {
			*ret_length = length - 4u;
			return at + 4;
		}
		at += (length + 3) & ~3;
		left -= (size_t)((length + 3) & ~3);
	}
	return NULL;
}

static const struct ipvs_service service4 = {
	.key = { .addr = { 4, { 192, 0, 2, 1 } },
		 .protocol = IPPROTO_TCP,
		 .port = 0x1234 },
	.scheduler = "wlc",
	.flags = IP_VS_SVC_F_PERSISTENT,
	.timeout_s = 300,
	.netmask = 0xffffff00,
	.engine = "sip",
};
static const struct ipvs_destination gue = {
	.addr = { 6, { 0x20, 1, 0xd, 0xb8, [15] = 9 } },
	.port = 0x1234,
	.forwarding = IP_VS_CONN_F_TUNNEL,
	.tunnel_type = 1,
	.tunnel_port = 6080,
	.tunnel_flags = 1,
	.weight = 17,
	.upper_threshold = 5,
	.lower_threshold = 4,
};

static void a_service_has_every_attribute(void **state)
{
	const struct ipvs_change change = { .kind = IPVS_SERVICE_ADD,
					    .service = &service4 };
	static const uint8_t address[16] = { 192, 0, 2, 1 };
	struct nl_out out = fresh(sizeof(bytes));
	struct nl_message message;
	const uint8_t *nest, *at;
	size_t nest_length, length;
	struct ip_vs_flags flags;

	assert_true(lsvm_nl_put_change(&out, &change));
	message = only_message(&out);
	assert_int_equal(message.type, 0x21);
	assert_int_equal(message.flags, NLM_F_REQUEST);
	assert_int_equal(message.payload.at[0], IPVS_CMD_NEW_SERVICE);
	assert_int_equal(message.payload.at[1], 1);
	nest = attribute(message.payload.at + 4, message.payload.left - 4, 1,
			 &nest_length);
	assert_non_null(nest);
	at = attribute(nest, nest_length, IPVS_SVC_ATTR_ADDR, &length);
	assert_int_equal(length, 16);
	assert_memory_equal(at, address, 16);
	at = attribute(nest, nest_length, IPVS_SVC_ATTR_PORT, &length);
	assert_memory_equal(at, "\x12\x34", 2);
	at = attribute(nest, nest_length, IPVS_SVC_ATTR_NETMASK, &length);
	assert_memory_equal(at, "\xff\xff\xff\x00", 4);
	at = attribute(nest, nest_length, IPVS_SVC_ATTR_SCHED_NAME, &length);
	assert_int_equal(length, 4);
	assert_string_equal((const char *)at, "wlc");
	at = attribute(nest, nest_length, IPVS_SVC_ATTR_PE_NAME, &length);
	assert_string_equal((const char *)at, "sip");
	at = attribute(nest, nest_length, IPVS_SVC_ATTR_FLAGS, &length);
	assert_int_equal(length, 8);
	memcpy(&flags, at, 8);
	assert_int_equal(flags.flags, IP_VS_SVC_F_PERSISTENT);
	/* What is not known stays as it is. */
	assert_int_equal(flags.mask, 0x3d | flags.flags);
	assert_null(attribute(nest, nest_length, IPVS_SVC_ATTR_FWMARK, &length));
}

static void the_netmask_of_ipv6_is_a_native_prefix_length(void **state)
{
	const struct ipvs_service service = { .key = { .fwmark = 7, .addr = { 6 } },
					      .scheduler = "rr",
					      .netmask = 64 };
	const struct ipvs_change change = { .kind = IPVS_SERVICE_EDIT,
					    .service = &service };
	struct nl_out out = fresh(sizeof(bytes));
	struct nl_message message;
	size_t nest_length, length;
	const uint8_t *nest;
	uint32_t number;

	assert_true(lsvm_nl_put_change(&out, &change));
	message = only_message(&out);
	assert_int_equal(message.payload.at[0], IPVS_CMD_SET_SERVICE);
	nest = attribute(message.payload.at + 4, message.payload.left - 4, 1,
			 &nest_length);
	memcpy(&number, attribute(nest, nest_length, IPVS_SVC_ATTR_NETMASK, &length), 4);
	assert_int_equal(number, 64);
	memcpy(&number, attribute(nest, nest_length, IPVS_SVC_ATTR_FWMARK, &length), 4);
	assert_int_equal(number, 7);
	assert_null(attribute(nest, nest_length, IPVS_SVC_ATTR_ADDR, &length));
	assert_null(attribute(nest, nest_length, IPVS_SVC_ATTR_PROTOCOL, &length));
	assert_null(attribute(nest, nest_length, IPVS_SVC_ATTR_PE_NAME, &length));
}

static void a_tunnel_port_is_big_endian_and_the_family_is_told(void **state)
{
	const struct ipvs_change change = { .kind = IPVS_DESTINATION_ADD,
					    .service = &service4,
					    .destination = &gue,
					    .weight = 3 };
	struct nl_out out = fresh(sizeof(bytes));
	struct nl_message message;
	size_t nest_length, length;
	const uint8_t *nest;
	uint16_t two;
	uint32_t four;

	assert_true(lsvm_nl_put_change(&out, &change));
	message = only_message(&out);
	assert_int_equal(message.payload.at[0], IPVS_CMD_NEW_DEST);
	nest = attribute(message.payload.at + 4, message.payload.left - 4,
			 IPVS_CMD_ATTR_DEST, &nest_length);
	assert_memory_equal(
		attribute(nest, nest_length, IPVS_DEST_ATTR_TUN_PORT, &length),
		"\x17\xc0", 2);
	memcpy(&two, attribute(nest, nest_length, IPVS_DEST_ATTR_ADDR_FAMILY, &length),
	       2);
	assert_int_equal(two, AF_INET6);
	memcpy(&two, attribute(nest, nest_length, IPVS_DEST_ATTR_TUN_FLAGS, &length), 2);
	assert_int_equal(two, 1);
	assert_int_equal(*attribute(nest, nest_length, IPVS_DEST_ATTR_TUN_TYPE, &length),
			 1);
	assert_int_equal(length, 1);
	/* The change's weight, not the destination's. */
	memcpy(&four, attribute(nest, nest_length, IPVS_DEST_ATTR_WEIGHT, &length), 4);
	assert_int_equal(four, 3);
}

static void a_removal_names_and_says_no_more(void **state)
{
	const struct ipvs_change change = { .kind = IPVS_DESTINATION_DELETE,
					    .service = &service4,
					    .destination = &gue };
	struct nl_out out = fresh(sizeof(bytes));
	struct nl_message message;
	size_t nest_length, length;
	const uint8_t *nest;

	assert_true(lsvm_nl_put_change(&out, &change));
	lsvm_nl_want_ack(&out);
	message = only_message(&out);
	assert_int_equal(message.flags, NLM_F_REQUEST | NLM_F_ACK);
	nest = attribute(message.payload.at + 4, message.payload.left - 4,
			 IPVS_CMD_ATTR_DEST, &nest_length);
	assert_non_null(attribute(nest, nest_length, IPVS_DEST_ATTR_ADDR, &length));
	assert_null(attribute(nest, nest_length, IPVS_DEST_ATTR_WEIGHT, &length));
	nest = attribute(message.payload.at + 4, message.payload.left - 4,
			 IPVS_CMD_ATTR_SERVICE, &nest_length);
	assert_null(attribute(nest, nest_length, IPVS_SVC_ATTR_SCHED_NAME, &length));
}

static void a_daemon_port_is_native(void **state)
{
	const struct ipvs_daemon daemon = { .present = true,
					    .interface = "0123456789abcde",
					    .sync_id = 255,
					    .maxlen_bytes = 1472,
					    .port = 0x1234,
					    .ttl = 3,
					    .group = { 4, { 224, 0, 0, 81 } } };
	const struct ipvs_change change = { .kind = IPVS_DAEMON_START,
					    .daemon = &daemon,
					    .is_master = true };
	struct nl_out out = fresh(sizeof(bytes));
	struct ipvs_daemon read;
	struct nl_message message;
	bool is_master = false;
	size_t nest_length, length;
	const uint8_t *nest;
	uint16_t two;

	assert_true(lsvm_nl_put_change(&out, &change));
	message = only_message(&out);
	nest = attribute(message.payload.at + 4, message.payload.left - 4,
			 IPVS_CMD_ATTR_DAEMON, &nest_length);
	memcpy(&two, attribute(nest, nest_length, IPVS_DAEMON_ATTR_MCAST_PORT, &length),
	       2);
	assert_int_equal(two, 0x1234);
	assert_memory_equal(
		attribute(nest, nest_length, IPVS_DAEMON_ATTR_MCAST_GROUP, &length),
		"\xe0\x00\x00\x51", 4);
	assert_int_equal(lsvm_nl_get_daemon(message.payload, &read, &is_master), 0);
	assert_true(is_master);
	assert_string_equal(read.interface, daemon.interface);
	assert_int_equal(read.sync_id, 255);
	assert_int_equal(read.maxlen_bytes, 1472);
	assert_int_equal(read.port, 0x1234);
	assert_int_equal(read.ttl, 3);
	assert_int_equal(lsvm_addr_compare(&read.group, &daemon.group), 0);
}

static void replies_come_back_as_they_were(void **state)
{
	struct ipvs_counters counters = {
		1, 2, 3, 4, UINT64_MAX, 6, 7, 8, 9, 1ull << 40
	};
	struct ipvs_counters read_counters;
	struct ipvs_extra extra;
	struct ipvs_service service = service4, read_service;
	struct ipvs_destination destination = gue, read;
	struct nl_out out = fresh(sizeof(bytes));

	service.counters = &counters;
	assert_true(lsvm_nl_put_service_reply(&out, &service));
	assert_int_equal(lsvm_nl_get_service(only_message(&out).payload, &read_service,
					     &read_counters, &extra),
			 0);
	assert_ptr_equal(read_service.counters, &read_counters);
	assert_memory_equal(&read_counters, &counters, sizeof(counters));
	assert_int_equal(lsvm_ipvs_key_compare(&read_service.key, &service4.key), 0);
	assert_string_equal(read_service.engine, "sip");
	assert_int_equal(read_service.netmask, 0xffffff00);

	out = fresh(sizeof(bytes));
	destination.active_count = 11;
	assert_true(lsvm_nl_put_destination_reply(&out, &destination));
	assert_int_equal(lsvm_nl_get_destination(only_message(&out).payload, 4, &read,
						 &read_counters, &extra),
			 0);
	assert_int_equal(lsvm_ipvs_destination_compare(&read, &destination), 0);
	assert_int_equal(read.forwarding, destination.forwarding);
	assert_int_equal(read.tunnel_type, 1);
	assert_int_equal(read.tunnel_port, 6080);
	assert_int_equal(read.tunnel_flags, 1);
	assert_int_equal(read.weight, 17);
	assert_int_equal(read.upper_threshold, 5);
	assert_int_equal(read.lower_threshold, 4);
	assert_int_equal(read.active_count, 11);
	assert_null(read.counters);
}

static void names_of_16_bytes_do_not_fit_and_newer_things_are_passed_over(void **state)
{
	/* A service reply, by hand. */
	uint8_t reply[256] = { IPVS_CMD_NEW_SERVICE, 1 };
	struct nl_out out = fresh(sizeof(bytes));
	struct ipvs_service read, service = service4;
	struct ipvs_counters counters;
	struct nl_message message;
	struct ipvs_extra extra;
	struct reader cut;

	memcpy(service.scheduler, "123456789012345", 16);
	assert_true(lsvm_nl_put_service_reply(&out, &service));
	message = only_message(&out);
	assert_int_equal(lsvm_nl_get_service(message.payload, &read, &counters, &extra),
			 0);
	assert_string_equal(read.scheduler, "123456789012345");
	/* Its name's end made into a letter: sixteen bytes without an end. */
	for (size_t i = 0; i + 16 < out.used; i++)
		if (memcmp(bytes + i, "123456789012345", 16) == 0)
			bytes[i + 15] = '6';
	assert_int_equal(lsvm_nl_get_service(message.payload, &read, &counters, &extra),
			 LSVM_ERR_PROTOCOL);
	/* An attribute of the future at the end. */
	memcpy(reply, message.payload.at, 4);
	out = fresh(sizeof(bytes));
	assert_true(lsvm_nl_put_service_reply(&out, &service4));
	message = only_message(&out);
	memcpy(reply, message.payload.at, message.payload.left);
	memcpy(reply + message.payload.left, "\x06\x00\x63\x00zz\0\0", 8);
	cut = (struct reader){ reply, message.payload.left + 8, false };
	assert_int_equal(lsvm_nl_get_service(cut, &read, &counters, &extra), 0);
	/* Cut anywhere it is an error, never a guess; but for the padding at its end. */
	for (size_t left = 0; left < message.payload.left - 3; left++) {
		cut = (struct reader){ reply, left, false };
		assert_int_equal(lsvm_nl_get_service(cut, &read, &counters, &extra),
				 LSVM_ERR_PROTOCOL);
	}
}

static void a_message_that_does_not_fit_leaves_nothing(void **state)
{
	const struct ipvs_change change = { .kind = IPVS_DESTINATION_ADD,
					    .service = &service4,
					    .destination = &gue };
	struct nl_out whole = fresh(sizeof(bytes));
	size_t needed;

	assert_true(lsvm_nl_put_change(&whole, &change));
	needed = whole.used;
	assert_true(needed <= NL_CHANGE_MAX_BYTES);
	for (size_t size = 0; size < needed; size++) {
		struct nl_out out = fresh(size);

		assert_false(lsvm_nl_put_change(&out, &change));
		assert_int_equal(out.used, 0);
		assert_int_equal(out.sequence, 0);
		assert_int_equal(bytes[size], 0xee);
	}
}

static void errors_and_ends_are_told(void **state)
{
	static const struct {
		struct nlmsghdr head;
		int error;
	} failed = { { 20, NLMSG_ERROR, 0, 5, 0 }, -17 },
	  done = { { 20, NLMSG_DONE, NLM_F_MULTI, 6, 0 }, 0 },
	  nonsense = { { 20, NLMSG_ERROR, 0, 5, 0 }, 17 };
	struct reader reader = { (const uint8_t *)&failed, 20, false };
	struct nl_message message;

	assert_int_equal(lsvm_nl_next(&reader, &message), 1);
	assert_int_equal(message.error, -17);
	assert_int_equal(message.sequence, 5);
	reader = (struct reader){ (const uint8_t *)&done, 20, false };
	assert_int_equal(lsvm_nl_next(&reader, &message), 1);
	assert_int_equal(message.error, 0);
	reader = (struct reader){ (const uint8_t *)&nonsense, 20, false };
	assert_int_equal(lsvm_nl_next(&reader, &message), LSVM_ERR_PROTOCOL);
	reader = (struct reader){ (const uint8_t *)&failed, 19, false };
	assert_int_equal(lsvm_nl_next(&reader, &message), LSVM_ERR_PROTOCOL);
	reader = (struct reader){ (const uint8_t *)&failed, 15, false };
	assert_int_equal(lsvm_nl_next(&reader, &message), LSVM_ERR_PROTOCOL);
}

static void old_kernels_have_32_bit_counters_and_no_family(void **state)
{
	/* ADDR, PORT, FWD_METHOD, WEIGHT and STATS{CONNS, INBYTES}, nothing else. */
	static const uint8_t reply[] = {
		IPVS_CMD_NEW_DEST,
		1,
		0,
		0,
		72,
		0,
		IPVS_CMD_ATTR_DEST,
		0x80,
		20,
		0,
		IPVS_DEST_ATTR_ADDR,
		0,
		10,
		0,
		0,
		1,
		0xff,
		0xff,
		0xff,
		0xff,
		0xff,
		0xff,
		0xff,
		0xff,
		0xff,
		0xff,
		0xff,
		0xff,
		6,
		0,
		IPVS_DEST_ATTR_PORT,
		0,
		0,
		80,
		0,
		0,
		8,
		0,
		IPVS_DEST_ATTR_FWD_METHOD,
		0,
		3,
		1,
		0,
		0,
		8,
		0,
		IPVS_DEST_ATTR_WEIGHT,
		0,
		5,
		0,
		0,
		0,
		24,
		0,
		IPVS_DEST_ATTR_STATS,
		0,
		8,
		0,
		IPVS_STATS_ATTR_CONNS,
		0,
		9,
		0,
		0,
		0,
		12,
		0,
		IPVS_STATS_ATTR_INBYTES,
		0,
		1,
		0,
		0,
		0,
		1,
		0,
		0,
		0,
	};
	const struct reader payload = { reply, sizeof(reply), false };
	struct ipvs_destination read;
	struct ipvs_counters counters;
	struct ipvs_extra extra;

	if (htons(1) == 1)
		skip(); /* the bytes above are little-endian */
	assert_int_equal(lsvm_nl_get_destination(payload, 4, &read, &counters, &extra),
			 0);
	assert_int_equal(read.addr.family, 4);
	assert_int_equal(read.addr.bytes[4], 0);
	assert_int_equal(read.forwarding, IP_VS_CONN_F_DROUTE);
	assert_int_equal(read.weight, 5);
	assert_int_equal(counters.connections, 9);
	assert_int_equal(counters.in_bytes, 0x100000001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_has_every_attribute),
		cmocka_unit_test(the_netmask_of_ipv6_is_a_native_prefix_length),
		cmocka_unit_test(a_tunnel_port_is_big_endian_and_the_family_is_told),
		cmocka_unit_test(a_removal_names_and_says_no_more),
		cmocka_unit_test(a_daemon_port_is_native),
		cmocka_unit_test(replies_come_back_as_they_were),
		cmocka_unit_test(
			names_of_16_bytes_do_not_fit_and_newer_things_are_passed_over),
		cmocka_unit_test(a_message_that_does_not_fit_leaves_nothing),
		cmocka_unit_test(errors_and_ends_are_told),
		cmocka_unit_test(old_kernels_have_32_bit_counters_and_no_family),
	};

	return RUN(tests);
}
