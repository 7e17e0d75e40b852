/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as the kernel's answer: what is read can be written, and reads the same
 * again. */
#include "ipvs/netlink.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t first_bytes[2048], second_bytes[2048];

static struct reader payload_of(const struct nl_out *out)
{
	struct reader reader = { out->data, out->used, false };
	struct nl_message message;

	if (lsvm_nl_next(&reader, &message) != 1)
		abort();
	return message.payload;
}

static void assert_same(const struct nl_out *first, const struct nl_out *second)
{
	if (first->used != second->used ||
	    memcmp(first->data, second->data, first->used) != 0)
		abort();
}

static void try_service(struct reader payload)
{
	struct nl_out first = { first_bytes, sizeof(first_bytes) };
	struct nl_out second = { second_bytes, sizeof(second_bytes) };
	struct ipvs_service service, again;
	struct ipvs_counters counters, counters_again;
	struct ipvs_extra extra, extra_again;

	if (lsvm_nl_get_service(payload, &service, &counters, &extra))
		return;
	if (!lsvm_nl_put_service_reply(&first, &service) ||
	    lsvm_nl_get_service(payload_of(&first), &again, &counters_again,
				&extra_again) ||
	    !lsvm_nl_put_service_reply(&second, &again))
		abort();
	assert_same(&first, &second);
}

static void try_destination(struct reader payload)
{
	struct nl_out first = { first_bytes, sizeof(first_bytes) };
	struct nl_out second = { second_bytes, sizeof(second_bytes) };
	struct ipvs_destination destination, again;
	struct ipvs_counters counters, counters_again;
	struct ipvs_extra extra, extra_again;

	if (lsvm_nl_get_destination(payload, 4, &destination, &counters, &extra))
		return;
	if (!lsvm_nl_put_destination_reply(&first, &destination) ||
	    lsvm_nl_get_destination(payload_of(&first), 6, &again, &counters_again,
				    &extra_again) ||
	    !lsvm_nl_put_destination_reply(&second, &again))
		abort();
	assert_same(&first, &second);
}

static void try_daemon(struct reader payload)
{
	struct nl_out first = { first_bytes, sizeof(first_bytes) };
	struct nl_out second = { second_bytes, sizeof(second_bytes) };
	struct ipvs_daemon daemon, again;
	bool is_master, is_master_again;

	if (lsvm_nl_get_daemon(payload, &daemon, &is_master))
		return;
	if (!lsvm_nl_put_daemon_reply(&first, &daemon, is_master) ||
	    lsvm_nl_get_daemon(payload_of(&first), &again, &is_master_again) ||
	    !lsvm_nl_put_daemon_reply(&second, &again, is_master_again))
		abort();
	assert_same(&first, &second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader bytes = { data, size, false };
	struct ipvs_timeouts timeouts;
	struct nl_message message;
	uint32_t version, buckets;
	uint16_t family;

	while (lsvm_nl_next(&bytes, &message) > 0) {
		try_service(message.payload);
		try_destination(message.payload);
		try_daemon(message.payload);
		lsvm_nl_get_timeouts(message.payload, &timeouts);
		lsvm_nl_get_info(message.payload, &version, &buckets);
		lsvm_nl_get_family(message.payload, &family);
	}
	return 0;
}
