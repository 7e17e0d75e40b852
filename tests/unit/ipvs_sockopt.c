/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The older socket options as bytes, without a kernel. */
#include "ipvs/sockopt.h"
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const struct ipvs_service service = {
	.key = { .addr = { 4, { 192, 0, 2, 1 } }, .protocol = IPPROTO_TCP, .port = 80 },
	.scheduler = "wlc",
	.flags = IP_VS_SVC_F_PERSISTENT,
	.timeout_s = 300,
	.netmask = 0xffffff00,
};

static struct reader bytes_of(const void *bytes, size_t length)
{
	return (struct reader){ bytes, length, false };
}

static void a_service_travels_as_the_kernels_struct(void **state)
{
	const struct ipvs_change change = { .kind = IPVS_SERVICE_ADD,
					    .service = &service };
	struct ip_vs_service_user sent;
	struct sockopt_call call;

	(void)state;
	lsvm_sockopt_put_change(&call, &change);
	assert_int_equal(call.option, IP_VS_SO_SET_ADD);
	assert_int_equal(call.length, sizeof(sent));
	memcpy(&sent, call.bytes, sizeof(sent));
	assert_int_equal(ntohl(sent.addr), 0xc0000201);
	assert_int_equal(ntohs(sent.port), 80);
	assert_int_equal(ntohl(sent.netmask), 0xffffff00);
	assert_string_equal(sent.sched_name, "wlc");
	assert_int_equal(sent.timeout, 300);
}

static void a_mark_needs_a_protocol_all_the_same(void **state)
{
	const struct ipvs_key mark = { .fwmark = 7, .addr = { .family = 4 } };
	struct ip_vs_service_user sent;
	struct sockopt_call call;

	(void)state;
	lsvm_sockopt_put_zero(&call, &mark);
	memcpy(&sent, call.bytes, sizeof(sent));
	assert_int_equal(sent.fwmark, 7);
	assert_int_equal(sent.protocol, IPPROTO_TCP);
}

static void the_weight_is_that_of_the_change(void **state)
{
	const struct ipvs_destination destination = { .addr = { 4, { 10, 0, 0, 1 } },
						      .port = 80,
						      .weight = 9 };
	const struct ipvs_change drain = { .kind = IPVS_DESTINATION_EDIT,
					   .weight = 0,
					   .service = &service,
					   .destination = &destination };
	struct ip_vs_dest_user sent;
	struct sockopt_call call;

	(void)state;
	lsvm_sockopt_put_change(&call, &drain);
	assert_int_equal(call.length, sizeof(call.bytes));
	memcpy(&sent, call.bytes + sizeof(struct ip_vs_service_user), sizeof(sent));
	assert_int_equal(sent.weight, 0);
	assert_int_equal(ntohl(sent.addr), 0x0a000001);
}

static void slots_that_the_kernel_left_empty_are_told(void **state)
{
	const struct ip_vs_service_entry no_service = { 0 };
	const struct ip_vs_dest_entry no_destination = { 0 };
	struct reader services = bytes_of(&no_service, sizeof(no_service));
	struct reader destinations = bytes_of(&no_destination, sizeof(no_destination));
	struct ipvs_destination destination;
	struct ipvs_counters counters;
	struct ipvs_service read;
	uint32_t count;

	(void)state;
	assert_int_equal(lsvm_sockopt_get_service(&services, &read, &counters, &count),
			 0);
	assert_int_equal(
		lsvm_sockopt_get_destination(&destinations, &destination, &counters), 0);
}

static void answers_that_are_short_or_lie_are_refused(void **state)
{
	struct ip_vs_service_entry entry = { .protocol = IPPROTO_TCP };
	struct ip_vs_daemon_user daemons[2] = { { .state = 9 } };
	const struct ip_vs_timeout_user timeouts = { .udp_timeout = -1 };
	struct ipvs_daemon master, backup;
	struct ipvs_counters counters;
	struct ipvs_timeouts read;
	struct ipvs_service got;
	struct reader bytes;
	uint32_t count;

	(void)state;
	memset(entry.sched_name, 'x', sizeof(entry.sched_name));
	bytes = bytes_of(&entry, sizeof(entry));
	assert_int_equal(lsvm_sockopt_get_service(&bytes, &got, &counters, &count),
			 LSVM_ERR_PROTOCOL);
	entry.sched_name[2] = '\0';
	bytes = bytes_of(&entry, sizeof(entry) - 1);
	assert_int_equal(lsvm_sockopt_get_service(&bytes, &got, &counters, &count),
			 LSVM_ERR_PROTOCOL);
	entry.protocol = 256;
	bytes = bytes_of(&entry, sizeof(entry));
	assert_int_equal(lsvm_sockopt_get_service(&bytes, &got, &counters, &count),
			 LSVM_ERR_PROTOCOL);
	bytes = bytes_of(daemons, sizeof(daemons));
	assert_int_equal(lsvm_sockopt_get_daemons(&bytes, &master, &backup),
			 LSVM_ERR_PROTOCOL);
	daemons[0].state = IP_VS_STATE_MASTER;
	memset(daemons[0].mcast_ifn, 'x', sizeof(daemons[0].mcast_ifn));
	bytes = bytes_of(daemons, sizeof(daemons));
	assert_int_equal(lsvm_sockopt_get_daemons(&bytes, &master, &backup),
			 LSVM_ERR_PROTOCOL);
	bytes = bytes_of(&timeouts, sizeof(timeouts));
	assert_int_equal(lsvm_sockopt_get_timeouts(&bytes, &read), LSVM_ERR_PROTOCOL);
}

static void sync_parameters_that_cannot_be_carried_are_named(void **state)
{
	struct ipvs_daemon daemon = { .present = true, .interface = "eth0", .ttl = 1 };
	const struct ipvs_change start = { .kind = IPVS_DAEMON_START,
					   .is_master = true,
					   .daemon = &daemon };
	struct lsvm_ctx *ctx;

	(void)state;
	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	assert_int_equal(lsvm_sockopt_check(ctx, &start), 0);
	daemon.maxlen_bytes = 1400;
	assert_int_equal(lsvm_sockopt_check(ctx, &start), LSVM_ERR_UNSUPPORTED);
	assert_non_null(
		strstr(lsvm_ctx_error_text(ctx), "other than interface and sync id"));
	lsvm_ctx_unref(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_travels_as_the_kernels_struct),
		cmocka_unit_test(a_mark_needs_a_protocol_all_the_same),
		cmocka_unit_test(the_weight_is_that_of_the_change),
		cmocka_unit_test(slots_that_the_kernel_left_empty_are_told),
		cmocka_unit_test(answers_that_are_short_or_lie_are_refused),
		cmocka_unit_test(sync_parameters_that_cannot_be_carried_are_named),
	};

	return RUN(tests);
}
