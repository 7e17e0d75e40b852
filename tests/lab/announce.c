/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Neighbours after a takeover, by a neighbour's own kernel: it knew the addresses at
 * another machine, and knows them at ours as soon as they are added, or announced again.
 * As root; two network namespaces joined by a cable.
 */
#include "../unit/test.h"
#include "host/linux/linux.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ADDRESSES 23 /* of each family */
#define OLD_MAC "02:00:00:00:00:99"
#define NEW_MAC "02:00:00:00:00:01"
#define WAIT_S 10

struct bench {
	struct lsvm_ctx *ctx;
	struct lsvm_host *host;
	struct address addresses[2 * ADDRESSES];
};

static void run(const char *fmt, ...) LSVM_PRINTF(1, 2);
static void run(const char *fmt, ...)
{
	char command[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

/* The other machine had them: what the neighbour believes. */
static void believe_old(const struct bench *bench)
{
	FILE *batch = popen("ip -n neighbour -batch -", "w");
	char text[LSVM_ADDRESS_TEXT_BYTES];

	assert_non_null(batch);
	for (size_t i = 0; i < ARRAY_SIZE(bench->addresses); i++)
		fprintf(batch, "neigh replace %s dev theirs lladdr %s nud reachable\n",
			lsvm_addr_text(&bench->addresses[i].prefix.addr, text), OLD_MAC);
	assert_int_equal(pclose(batch), 0);
}

static unsigned count_known(const char *mac)
{
	FILE *lines = popen("ip -n neighbour neigh show", "r");
	unsigned count = 0;
	char line[512];

	assert_non_null(lines);
	while (fgets(line, sizeof(line), lines))
		count += (strstr(line, "10.77.1.") || strstr(line, "2001:db8:77::")) &&
			 strstr(line, mac);
	assert_int_equal(pclose(lines), 0);
	return count;
}

static void assert_all_learn(void)
{
	const time_t until = time(NULL) + WAIT_S;
	unsigned known;

	while ((known = count_known(NEW_MAC)) != 2 * ADDRESSES)
		if (time(NULL) > until)
			fail_msg("%u of %u addresses are known", known, 2 * ADDRESSES);
}

static int setup(void **state)
{
	static struct bench bench;
	char text[LSVM_ADDRESS_TEXT_BYTES];

	run("modprobe -a ipv6 veth && ip netns add neighbour");
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	run("ip link add ours address " NEW_MAC " type veth peer name theirs netns "
	    "neighbour");
	run("ip link set ours up; ip -n neighbour link set theirs up");
	run("ip addr add 10.77.0.1/16 dev ours");
	run("ip -n neighbour addr add 10.77.0.2/16 dev theirs");
	/* What moves at once is believed at once. */
	run("ip netns exec neighbour sysctl -qw net.ipv4.neigh.theirs.locktime=0");
	/* A card that has just come up hears nothing of IPv6 yet. */
	run("until ip -n neighbour -6 addr show dev theirs scope link -tentative | grep "
	    "-q "
	    "fe80; do :; done");
	assert_int_equal(lsvm_ctx_new(&bench.ctx), 0);
	assert_int_equal(lsvm_host_open(bench.ctx, "director", &bench.host), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(bench.addresses); i++) {
		struct address *address = &bench.addresses[i];

		strcpy(address->interface, "ours");
		snprintf(text, sizeof(text),
			 i < ADDRESSES ? "10.77.1.%u/32" : "2001:db8:77::%u/128", i + 1);
		assert_true(lsvm_prefix_parse(text, &address->prefix));
	}
	*state = &bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	lsvm_host_free(bench->host);
	lsvm_ctx_unref(bench->ctx);
	run("ip netns del neighbour");
	return 0;
}

static void neighbours_learn_of_addresses_that_are_added(void **state)
{
	struct bench *bench = *state;
	struct step steps[ARRAY_SIZE(bench->addresses)] = { 0 };
	size_t done = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		steps[i].kind = STEP_ADDRESS_ADD;
		steps[i].address = &bench->addresses[i];
	}
	believe_old(bench);
	assert_int_equal(count_known(NEW_MAC), 0);
	if (lsvm_host_perform(bench->host, steps, ARRAY_SIZE(steps), &done))
		fail_msg("%s", lsvm_ctx_error_text(bench->ctx));
	assert_int_equal(done, ARRAY_SIZE(steps));
	assert_all_learn();
}

static void neighbours_learn_of_addresses_that_are_announced_again(void **state)
{
	struct bench *bench = *state;
	struct timespec before, after;

	believe_old(bench);
	assert_int_equal(count_known(NEW_MAC), 0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	lsvm_linux_announce_all(bench->addresses, ARRAY_SIZE(bench->addresses));
	clock_gettime(CLOCK_MONOTONIC, &after);
	print_message("%d addresses announced in %.0f us\n", 2 * ADDRESSES,
		      (double)(after.tv_sec - before.tv_sec) * 1e6 +
			      (double)(after.tv_nsec - before.tv_nsec) / 1e3);
	assert_all_learn();
}

/* What cannot be told does not keep the others from being told. */
static void a_card_that_is_missing_or_down_is_passed_over(void **state)
{
	struct bench *bench = *state;
	struct address addresses[ARRAY_SIZE(bench->addresses) + 2];

	memcpy(&addresses[1], bench->addresses, sizeof(bench->addresses));
	addresses[0] = addresses[ARRAY_SIZE(addresses) - 1] = bench->addresses[0];
	strcpy(addresses[0].interface, "missing");
	strcpy(addresses[ARRAY_SIZE(addresses) - 1].interface, "lo");
	believe_old(bench);
	lsvm_linux_announce_all(addresses, ARRAY_SIZE(addresses));
	assert_all_learn();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_learn_of_addresses_that_are_added),
		cmocka_unit_test(neighbours_learn_of_addresses_that_are_announced_again),
		cmocka_unit_test(a_card_that_is_missing_or_down_is_passed_over),
	};

	return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
