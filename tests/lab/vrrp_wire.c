/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Our VRRP on the wire with keepalived as the other director, both ways round: who dies,
 * who stops in order, who comes back; and attackers on the same wire. As root. What a
 * client sees is judged, by who answers for the virtual address. LSVM_FULL: every
 * version, family and interval, multicast and unicast.
 */
#include "vrrp_wire.h"

#define PATIENCE (60 * SECOND)
#define ALONE 5 /* questions answered by one side only */
#define KEEPALIVED_LOG "/tmp/machine1/log"

static struct wire wire;

static uint64_t interval(const struct wire *w)
{
	return w->config.advert_interval_ms * MS;
}

/* Only that side answers for the address, and only it sends adverts. */
static bool is_settled(const struct wire *w, enum side side)
{
	const struct sight *one = &w->sights[side], *other = &w->sights[!side];
	const uint64_t now = now_ns();

	return w->alone[side] >= ALONE && one->advert_ns &&
	       now - one->advert_ns < 4 * interval(w) + 200 * MS &&
	       one->advert_ns > other->advert_ns + 2 * interval(w);
}

static bool has_line(const struct wire *w, const char *part)
{
	for (unsigned i = 0; i < w->line_count; i++)
		if (strstr(w->lines[i], part))
			return true;
	return false;
}

static unsigned count_lines(const struct wire *w, const char *part)
{
	unsigned count = 0;

	for (unsigned i = 0; i < w->line_count; i++)
		count += strstr(w->lines[i], part) != NULL;
	return count;
}

static unsigned count_keepalived(const char *part)
{
	FILE *file = fopen(KEEPALIVED_LOG, "r");
	unsigned count = 0;
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		count += strstr(line, part) != NULL;
	if (file)
		fclose(file);
	return count;
}

static void tell_all(const struct wire *w)
{
	for (unsigned i = 0; i < w->line_count; i++)
		print_message("ours: %s\n", w->lines[i]);
	for (int side = OURS; side <= THEIRS; side++)
		print_message(
			"%s: %u adverts, %u farewells, %u answers, %u announcements\n",
			side == OURS ? "ours" : "theirs", w->sights[side].adverts,
			w->sights[side].farewells, w->sights[side].answers,
			w->sights[side].announcements);
	(void)!system("cat " KEEPALIVED_LOG);
}

#define WAIT(wire, condition)                                                            \
	do {                                                                             \
		const uint64_t until = now_ns() + PATIENCE;                              \
		while (!(condition)) {                                                   \
			wire_watch(wire);                                                \
			if (now_ns() < until)                                            \
				continue;                                                \
			tell_all(wire);                                                  \
			fail_msg("never: %s", #condition);                               \
		}                                                                        \
	} while (0)

/* The number of the first line with both; the count of lines: there is none. */
static unsigned find_line(const struct wire *w, const char *state, const char *cause)
{
	unsigned i = 0;

	while (i < w->line_count &&
	       (!strstr(w->lines[i], state) || !strstr(w->lines[i], cause)))
		i++;
	return i;
}

/* That line comes; it and all before it are forgotten. Why it is so is asked at a pace at
 * which a busy machine does not fall silent itself. */
static void expect_line(struct wire *w, const char *state, const char *cause)
{
	const char *asked = w->config.advert_interval_ms >= 100 ? cause : "";
	unsigned at;

	WAIT(w, find_line(w, state, asked) < w->line_count);
	at = find_line(w, state, asked) + 1;
	memmove(w->lines[0], w->lines[at], (w->line_count - at) * sizeof(w->lines[0]));
	w->line_count -= at;
}

/* How long nobody answered, until that side did, from now on. */
static void expect_takeover(struct wire *w, enum side side, const char *what)
{
	const unsigned answers = w->sights[side].answers;
	const uint64_t begin = now_ns(), doubled = w->doubled_ns;
	uint64_t answered;

	WAIT(w, w->sights[side].answers > answers);
	answered = now_ns();
	WAIT(w, is_settled(w, side));
	print_message("  %-34s %5.0f ms; both answered for %.0f ms\n", what,
		      (double)(answered - begin) / 1e6,
		      (double)(w->doubled_ns - doubled) / 1e6);
}

static void start_theirs(struct wire *w, uint8_t priority)
{
	w->directors[THEIRS].priority = priority;
	director_start(w, THEIRS);
}

/* keepalived as a backup makes no sound: its log tells when it is there. */
static void start_their_backup(struct wire *w, uint8_t priority)
{
	const unsigned before = count_keepalived("Entering BACKUP STATE");

	start_theirs(w, priority);
	WAIT(w, count_keepalived("Entering BACKUP STATE") > before);
}

static void ours_is_master(struct wire *w)
{
	w->directors[OURS].priority = 150;
	director_start(w, OURS);
	expect_line(w, "master:", "no advert heard for");
	WAIT(w, is_settled(w, OURS));
	start_their_backup(w, 100);
	director_power_off(w, OURS);
	expect_takeover(w, THEIRS, "ours without power");
	w->line_count = 0;
	director_start(w, OURS);
	expect_takeover(w, OURS, "ours is back");
	expect_line(w, "master:", "priority 150 is above the 100 of");
	/* svm-eds run leaves a will; what the machine alone leaves goes when it starts
	 * again. */
	director_kill(w, OURS);
	if (w->directors[OURS].kind == DIRECTOR_EDS)
		expect_takeover(w, THEIRS, "ours is killed");
	w->line_count = 0;
	director_start(w, OURS);
	expect_line(w, "backup:", "started");
	w->alone[OURS] = 0;
	WAIT(w, is_settled(w, OURS));
	expect_line(w, "master:", "");
	director_stop(w, OURS);
	expect_takeover(w, THEIRS, "ours stops in order");
	if (interval(w) >= 100 * MS)
		assert_true(w->sights[OURS].farewells > 0);
	director_stop(w, THEIRS);
}

static void theirs_is_master(struct wire *w)
{
	w->directors[OURS].priority = 100;
	w->line_count = 0;
	start_theirs(w, 150);
	WAIT(w, is_settled(w, THEIRS));
	director_start(w, OURS);
	expect_line(w, "backup:", "started");
	/* It has heard the other before that is gone. */
	WAIT(w, w->sights[THEIRS].advert_ns > now_ns() - 2 * MS);
	director_power_off(w, THEIRS);
	expect_takeover(w, OURS, "theirs without power");
	expect_line(w, "master:", "no advert");
	start_theirs(w, 150);
	expect_takeover(w, THEIRS, "theirs is back");
	expect_line(w, "backup:", "higher priority 150 from");
	director_stop(w, THEIRS);
	expect_takeover(w, OURS, "theirs stops in order");
	expect_line(w, "master:", "released");
	assert_false(has_line(w, "failed"));
	director_stop(w, OURS);
}

enum how {
	GROUP = 0,
	PEERS = 1,
	TOOL = 2,
};

static void both_ways(uint8_t version, uint8_t family, uint32_t interval_ms, unsigned how)
{
	print_message("%s, version %u, IPv%u, %s, an advert every %u ms:\n",
		      how & TOOL ? "svm-eds run" : "the machine alone", version, family,
		      how & PEERS ? "unicast" : "multicast", interval_ms);
	wire_up(&wire, version, family, interval_ms);
	if (how & PEERS)
		wire_use_unicast(&wire);
	wire_use(&wire, OURS, how & TOOL ? DIRECTOR_EDS : DIRECTOR_MACHINE);
	wire_use(&wire, THEIRS, DIRECTOR_KEEPALIVED);
	ours_is_master(&wire);
	theirs_is_master(&wire);
	wire_down(&wire);
}

static void version_3_ipv4_every_tenth_of_a_second(void **state)
{
	(void)state;
	both_ways(3, 4, 100, TOOL);
}

static void version_3_ipv6_every_hundredth_of_a_second(void **state)
{
	(void)state;
	both_ways(3, 6, 10, TOOL);
}

static void version_3_ipv4_unicast_every_tenth_of_a_second(void **state)
{
	(void)state;
	both_ways(3, 4, 100, PEERS);
}

static void the_machine_alone_in_every_way(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (unsigned how = GROUP; how <= PEERS; how++) {
			both_ways(2, family, 1000, how);
			for (uint32_t ms = 10; ms <= 1000; ms *= 10)
				both_ways(3, family, ms, how);
		}
}

/* It knows no version 2 over IPv6, and demands of unicast that it came from this network,
 * which keepalived's over IPv6 does not show. */
static void svm_eds_run_in_every_way(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2) {
		for (uint32_t ms = 10; ms <= 1000; ms *= 10)
			both_ways(3, family, ms, TOOL);
	}
	both_ways(2, 4, 1000, TOOL);
	both_ways(2, 4, 1000, TOOL | PEERS);
	both_ways(3, 4, 10, TOOL | PEERS);
}

/* ---- attacks ---- */

static struct addr attacker(const struct wire *w)
{
	struct addr addr = w->config.source;

	addr.bytes[w->config.family == 4 ? 3 : 15] = 66;
	return addr;
}

/* What each of them looks like: an advert of the highest priority, with one fault. */
static void forge_all(struct wire *w)
{
	const struct addr group = lsvm_vrrp_group(w->config.family);
	const struct addr from = attacker(w), ours = w->config.source;
	struct vrrp_config theirs = w->config;
	uint8_t bytes[VRRP_PACKET_MAX_BYTES];
	size_t length;

	theirs.source = from;
	length = lsvm_vrrp_encode(&theirs, 255, &group, bytes);
	wire_forge(w, &from, 255, bytes, 7);
	wire_forge(w, &from, 255, bytes, length - 1);
	wire_forge(w, &from, 254, bytes, length);
	bytes[7] ^= 1;
	wire_forge(w, &from, 255, bytes, length);
	bytes[0] = 0x51;
	wire_forge(w, &from, 255, bytes, length);
	length = lsvm_vrrp_encode(&w->config, 255, &group, bytes);
	wire_forge(w, &ours, 255, bytes, length);
	/* Another virtual router with our id, and one of somebody else. */
	theirs.addresses[0].bytes[3] ^= 0x10;
	theirs.addresses[1].bytes[3] ^= 0x10;
	length = lsvm_vrrp_encode(&theirs, 255, &group, bytes);
	wire_forge(w, &from, 255, bytes, length);
	theirs.router_id++;
	length = lsvm_vrrp_encode(&theirs, 255, &group, bytes);
	wire_forge(w, &from, 255, bytes, length);
}

/* A farewell of the master that was true once, played again by another machine. */
static void replay_farewell(struct wire *w)
{
	const struct sight *sight = &w->sights[THEIRS];
	const struct addr from = attacker(w);

	assert_int_equal(sight->last[2], 0);
	wire_forge(w, &from, 255, sight->last, sight->last_length);
}

static void attack(struct wire *w, unsigned rounds)
{
	const uint64_t until = now_ns() + rounds * interval(w);

	while (now_ns() < until) {
		forge_all(w);
		wire_watch(w);
	}
}

static void expect_refusals(struct wire *w)
{
	/* The last one Linux itself refuses in IPv4. */
	static const char *const words[] = {
		"ends before its header does",
		"does not fit the count of addresses",
		"came through a router",
		"the checksum is wrong",
		"another version of VRRP",
		"another virtual router with our router id",
		"comes from our own address",
	};
	const size_t count = ARRAY_SIZE(words) - (w->config.family == 4);

	for (size_t i = 0; i < count; i++) {
		WAIT(w, has_line(w, words[i]));
		if (count_lines(w, words[i]) != 1) {
			tell_all(w);
			fail_msg("%s: not once", words[i]);
		}
	}
	assert_int_equal(count_lines(w, "refused"), count);
}

static void attacks_over(uint8_t family)
{
	wire_up(&wire, 3, family, 300);
	wire_use(&wire, OURS, DIRECTOR_EDS);
	wire_use(&wire, THEIRS, DIRECTOR_KEEPALIVED);
	/* A farewell to replay. */
	start_theirs(&wire, 150);
	WAIT(&wire, is_settled(&wire, THEIRS));
	director_stop(&wire, THEIRS);
	WAIT(&wire, wire.sights[THEIRS].farewells > 0);
	director_start(&wire, OURS);
	WAIT(&wire, is_settled(&wire, OURS));
	wire.line_count = 0;
	/* A master stays master. */
	replay_farewell(&wire);
	attack(&wire, 7);
	expect_refusals(&wire);
	assert_int_equal(count_lines(&wire, "master:"), 0);
	assert_int_equal(count_lines(&wire, "backup:"), 0);
	WAIT(&wire, is_settled(&wire, OURS));
	/* A backup stays backup, and still takes over in time. */
	start_theirs(&wire, 150);
	expect_takeover(&wire, THEIRS, "theirs is master");
	expect_line(&wire, "backup:", "higher priority 150");
	wire.line_count = 0;
	attack(&wire, 7);
	assert_int_equal(count_lines(&wire, "master:"), 0);
	director_power_off(&wire, THEIRS);
	expect_takeover(&wire, OURS, "theirs without power");
	assert_int_equal(count_lines(&wire, "refused"), 0);
	director_stop(&wire, OURS);
	wire_down(&wire);
}

static void attacks_are_refused_and_said_once(void **state)
{
	(void)state;
	attacks_over(6);
}

static void attacks_over_ipv4_are_refused_and_said_once(void **state)
{
	(void)state;
	attacks_over(4);
}

static int teardown(void **state)
{
	(void)state;
	wire_down(&wire);
	return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest ordinary[] = {
		TEST(version_3_ipv4_every_tenth_of_a_second),
		TEST(version_3_ipv6_every_hundredth_of_a_second),
		TEST(version_3_ipv4_unicast_every_tenth_of_a_second),
		TEST(attacks_are_refused_and_said_once),
	};
	const struct CMUnitTest full[] = {
		TEST(the_machine_alone_in_every_way),
		TEST(svm_eds_run_in_every_way),
		TEST(attacks_over_ipv4_are_refused_and_said_once),
	};

	if (!getenv("LSVM_BUILD_ROOT")) {
		fprintf(stderr, "set LSVM_BUILD_ROOT, where tools/svm-eds is\n");
		return 1;
	}
	(void)!system("modprobe -a ipv6 veth bridge ip_vs");
	if (RUN(ordinary))
		return 1;
	return getenv("LSVM_FULL") ? RUN(full) : 0;
}
