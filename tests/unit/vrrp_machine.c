/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The election by scripted facts: what each of them makes a router do, and when it wants
 * to be woken. Ours is 192.0.2.1 with priority 100 and an advert each second. */
#include "vrrp_support.h"

#include <stdlib.h>

/* 3 s and the skew of priority 100, 156/256 of a second. */
#define DOWN (3 * SECOND + 156 * SECOND / 256)
#define SKEW (156 * SECOND / 256)
#define GROUP "224.0.0.18"

struct bench {
	struct lsvm_ctx *ctx;
	struct vrrp vrrp;
	struct vrrp_config config;
};

static int setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	assert_int_equal(lsvm_ctx_new(&bench->ctx), 0);
	bench->config = router(3, 4);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	lsvm_ctx_unref(bench->ctx);
	free(bench);
	return 0;
}

static void start(struct bench *bench, uint64_t now)
{
	assert_int_equal(lsvm_vrrp_init(bench->ctx, &bench->config, &bench->vrrp), 0);
	assert_int_equal(lsvm_vrrp_deadline(&bench->vrrp), VRRP_NEVER);
	assert_string_equal(pull(&bench->vrrp), "");
	lsvm_vrrp_start(&bench->vrrp, now);
}

static const char *tick(struct bench *bench, uint64_t now)
{
	lsvm_vrrp_input_tick(&bench->vrrp, now);
	return pull(&bench->vrrp);
}

/* An advert of that priority from 192.0.2.LAST. */
static const char *hear_at_interval(struct bench *bench, uint64_t now, uint8_t last,
				    uint8_t priority, uint32_t interval_ms)
{
	struct vrrp_config theirs = bench->vrrp.config;
	const struct addr to =
		theirs.unicast ? theirs.source : lsvm_vrrp_group(theirs.family);
	uint8_t bytes[VRRP_PACKET_MAX_BYTES];
	size_t length;

	theirs.source.bytes[3] = last;
	theirs.advert_interval_ms = interval_ms;
	length = lsvm_vrrp_encode(&theirs, priority, &to, bytes);
	lsvm_vrrp_input_packet(&bench->vrrp, now, &theirs.source, &to, 255, bytes,
			       length);
	return pull(&bench->vrrp);
}

static const char *hear(struct bench *bench, uint64_t now, uint8_t last, uint8_t priority)
{
	return hear_at_interval(bench, now, last, priority,
				bench->vrrp.config.advert_interval_ms);
}

#define EXPECT(text, line) assert_string_equal(line, text)
#define DEADLINE(bench, when)                                                            \
	assert_int_equal(lsvm_vrrp_deadline(&(bench)->vrrp), (uint64_t)(when))

static void become_master(struct bench *bench)
{
	start(bench, 0);
	EXPECT("init>backup(started) release", pull(&bench->vrrp));
	EXPECT("backup>master(no advert heard for 3.6 s) send:100@" GROUP " claim",
	       tick(bench, DOWN));
}

/* ---- becoming master ---- */

static void silence_makes_a_master_after_three_intervals_and_the_skew(void **state)
{
	struct bench *bench = *state;

	start(bench, 7 * SECOND);
	EXPECT("init>backup(started) release", pull(&bench->vrrp));
	DEADLINE(bench, 7 * SECOND + DOWN);
	EXPECT("", tick(bench, 7 * SECOND + DOWN - 1));
	EXPECT("backup>master(no advert heard for 3.6 s) send:100@" GROUP " claim",
	       tick(bench, 7 * SECOND + DOWN));
	DEADLINE(bench, 8 * SECOND + DOWN);
}

static void the_owner_is_master_at_once(void **state)
{
	struct bench *bench = *state;

	bench->config.priority = 255;
	start(bench, SECOND);
	EXPECT("init>master(started, and owns the addresses) send:255@" GROUP " claim",
	       pull(&bench->vrrp));
}

static void a_living_master_keeps_it_backup(void **state)
{
	struct bench *bench = *state;

	start(bench, 0);
	pull(&bench->vrrp);
	for (unsigned i = 1; i <= 20; i++) {
		EXPECT("", hear(bench, i * SECOND, 9, i % 2 ? 100 : 254));
		DEADLINE(bench, i * SECOND + DOWN);
	}
	EXPECT("backup>master(no advert from 192.0.2.9 for 3.6 s) send:100@" GROUP
	       " claim",
	       tick(bench, 20 * SECOND + DOWN));
}

static void the_master_s_interval_counts_in_version_3(void **state)
{
	struct bench *bench = *state;

	start(bench, 0);
	pull(&bench->vrrp);
	assert_true(strstr(hear_at_interval(bench, SECOND, 9, 200, 100),
			   "refused:interval-differs(192.0.2.9: has another advert "
			   "interval, which is followed"));
	DEADLINE(bench, SECOND + DOWN / 10);
	EXPECT("backup>master(no advert from 192.0.2.9 for 361 ms) send:100@" GROUP
	       " claim",
	       tick(bench, SECOND + DOWN / 10 + MS));
	DEADLINE(bench, 2 * SECOND + DOWN / 10 + MS); /* its own one as master */
}

static void version_2_skews_in_parts_of_a_second_whatever_the_interval(void **state)
{
	struct bench *bench = *state;

	bench->config.version = 2;
	bench->config.advert_interval_ms = 10000;
	start(bench, 0);
	DEADLINE(bench, 30 * SECOND + SKEW);
}

static void a_released_mastership_is_taken_after_the_skew(void **state)
{
	struct bench *bench = *state;

	start(bench, 0);
	pull(&bench->vrrp);
	EXPECT("", hear(bench, SECOND, 9, 200));
	EXPECT("", hear(bench, 2 * SECOND, 9, 0));
	DEADLINE(bench, 2 * SECOND + SKEW);
	/* Said again, it does not put it off. */
	EXPECT("", hear(bench, 2 * SECOND + SKEW / 2, 9, 0));
	EXPECT("backup>master(192.0.2.9 released) send:100@" GROUP " claim",
	       tick(bench, 2 * SECOND + SKEW));
}

static void of_two_the_one_that_is_left_hardly_waits(void **state)
{
	struct bench *bench = *state;

	bench->config.pair = true;
	start(bench, 0);
	pull(&bench->vrrp);
	EXPECT("", hear(bench, SECOND, 9, 200));
	DEADLINE(bench, SECOND + DOWN);
	EXPECT("", hear(bench, 2 * SECOND, 9, 0));
	DEADLINE(bench, 2 * SECOND + 2 * MS);
	EXPECT("backup>master(192.0.2.9 released) send:100@" GROUP " claim",
	       tick(bench, 2 * SECOND + 2 * MS));
}

static void a_farewell_of_somebody_else_is_no_release(void **state)
{
	struct bench *bench = *state;

	start(bench, 0);
	pull(&bench->vrrp);
	EXPECT("", hear(bench, SECOND, 9, 200));
	EXPECT("", hear(bench, SECOND, 8, 0));
	DEADLINE(bench, SECOND + DOWN);
}

/* ---- preemption ---- */

static void a_lesser_master_is_replaced_after_the_silence_it_would_need(void **state)
{
	struct bench *bench = *state;

	start(bench, 0);
	pull(&bench->vrrp);
	for (unsigned i = 1; i <= 3; i++)
		EXPECT("", hear(bench, i * SECOND, 9, 99));
	EXPECT("backup>master(priority 100 is above the 99 of 192.0.2.9) send:100@" GROUP
	       " claim",
	       tick(bench, DOWN));
}

static void without_preemption_a_lesser_master_stays(void **state)
{
	struct bench *bench = *state;

	bench->config.preempt = false;
	start(bench, 0);
	pull(&bench->vrrp);
	for (unsigned i = 1; i <= 100; i++)
		EXPECT("", hear(bench, i * SECOND, 9, 1));
	DEADLINE(bench, 100 * SECOND + DOWN);
}

static void preemption_waits_until_it_was_fit_for_the_delay(void **state)
{
	struct bench *bench = *state;

	bench->config.preempt_delay_ms = 10000;
	start(bench, 0);
	pull(&bench->vrrp);
	lsvm_vrrp_input_ready(&bench->vrrp, SECOND, false, "eth0 is down");
	EXPECT("backup>fault(eth0 is down)", pull(&bench->vrrp));
	DEADLINE(bench, VRRP_NEVER);
	lsvm_vrrp_input_ready(&bench->vrrp, 5 * SECOND, true, "eth0 is up");
	EXPECT("fault>backup(eth0 is up)", pull(&bench->vrrp));
	for (unsigned i = 6; i < 15; i++) {
		EXPECT("", hear(bench, i * SECOND, 9, 99));
		DEADLINE(bench, i * SECOND + DOWN);
	}
	EXPECT("", hear(bench, 15 * SECOND, 9, 99));
	DEADLINE(bench, 14 * SECOND + DOWN); /* not put off any more */
	EXPECT("", hear(bench, 16 * SECOND, 9, 99));
	EXPECT("", hear(bench, 17 * SECOND, 9, 99));
	EXPECT("backup>master(priority 100 is above the 99 of 192.0.2.9) send:100@" GROUP
	       " claim",
	       tick(bench, 14 * SECOND + DOWN));
}

static void the_delay_does_not_hold_back_from_a_dead_master(void **state)
{
	struct bench *bench = *state;

	bench->config.preempt_delay_ms = 3600000;
	start(bench, 0);
	pull(&bench->vrrp);
	EXPECT("", hear(bench, SECOND, 9, 99));
	EXPECT("backup>master(no advert from 192.0.2.9 for 3.6 s) send:100@" GROUP
	       " claim",
	       tick(bench, SECOND + DOWN));
}

static void the_time_of_its_own_absence_does_not_count_as_silence(void **state)
{
	struct bench *bench = *state;

	start(bench, 0);
	pull(&bench->vrrp);
	EXPECT("", hear(bench, SECOND, 9, 200));
	lsvm_vrrp_input_pause(&bench->vrrp, 4 * SECOND, 2 * SECOND);
	DEADLINE(bench, SECOND + DOWN + 2 * SECOND);
	/* But for no longer than one more silence, however busy it is. */
	lsvm_vrrp_input_pause(&bench->vrrp, 5 * SECOND, 9 * SECOND);
	DEADLINE(bench, SECOND + 2 * DOWN);
	EXPECT("", hear(bench, 6 * SECOND, 9, 200));
	lsvm_vrrp_input_pause(&bench->vrrp, 7 * SECOND, SECOND);
	DEADLINE(bench, 6 * SECOND + DOWN + SECOND);
}

/* ---- being master ---- */

static void adverts_keep_their_pace_and_missed_ones_are_not_made_up(void **state)
{
	struct bench *bench = *state;

	become_master(bench);
	EXPECT("send:100@" GROUP, tick(bench, DOWN + SECOND + 5 * MS));
	DEADLINE(bench, DOWN + 2 * SECOND);
	EXPECT("send:100@" GROUP, tick(bench, DOWN + 4 * SECOND + 5 * MS));
	EXPECT("", tick(bench, DOWN + 4 * SECOND + 6 * MS));
	DEADLINE(bench, DOWN + 5 * SECOND + 5 * MS);
}

static void announcements_are_repeated_as_often_as_asked(void **state)
{
	struct bench *bench = *state;

	bench->config.announce_count = 2;
	bench->config.announce_interval_ms = 300;
	become_master(bench);
	DEADLINE(bench, DOWN + 300 * MS);
	EXPECT("announce", tick(bench, DOWN + 300 * MS));
	EXPECT("announce", tick(bench, DOWN + 600 * MS));
	DEADLINE(bench, DOWN + SECOND);
	EXPECT("send:100@" GROUP, tick(bench, DOWN + SECOND));
	DEADLINE(bench, DOWN + 2 * SECOND);
}

static void a_master_announces_again_now_and_then_when_asked_to(void **state)
{
	struct bench *bench = *state;

	bench->config.announce_count = 1;
	bench->config.announce_interval_ms = 300;
	bench->config.announce_refresh_ms = 700;
	become_master(bench);
	EXPECT("announce", tick(bench, DOWN + 300 * MS));
	DEADLINE(bench, DOWN + SECOND);
	EXPECT("send:100@" GROUP " announce", tick(bench, DOWN + SECOND));
	EXPECT("announce", tick(bench, DOWN + 1700 * MS));
}

/* And says so, since the other may have been master all the time and not know of us. */
static void a_master_yields_to_a_higher_priority(void **state)
{
	struct bench *bench = *state;

	become_master(bench);
	EXPECT("master>backup(higher priority 101 from 192.0.2.9) release "
	       "send:1@" GROUP,
	       hear(bench, 4 * SECOND, 9, 101));
	DEADLINE(bench, 4 * SECOND + DOWN);
}

static void of_two_equal_masters_the_greater_address_stays(void **state)
{
	struct bench *bench = *state;

	bench->config.source = address("192.0.2.5");
	become_master(bench);
	EXPECT("send:100@" GROUP " announce", hear(bench, 4 * SECOND, 4, 100));
	EXPECT("master>backup(equal priority 100 from 192.0.2.6, which is greater) "
	       "release send:1@" GROUP,
	       hear(bench, 4 * SECOND, 6, 100));
}

static void a_lesser_master_is_answered_and_outshouted_once_it_has_settled(void **state)
{
	struct bench *bench = *state;
	const uint64_t now = DOWN + 200 * MS;

	become_master(bench);
	EXPECT("send:100@" GROUP " announce", hear(bench, now, 9, 99));
	/* A flood of them costs no more than two adverts in an interval. */
	for (unsigned i = 1; i < 90; i++)
		EXPECT("", hear(bench, now + i * MS, 9, 99));
	DEADLINE(bench, now + 100 * MS);
	EXPECT("announce", tick(bench, now + 100 * MS));
	DEADLINE(bench, now + SECOND);
}

static void a_farewell_is_answered_by_the_master(void **state)
{
	struct bench *bench = *state;

	become_master(bench);
	EXPECT("send:100@" GROUP " announce", hear(bench, 4 * SECOND, 9, 0));
}

static void who_stops_releases_first_and_says_so_then(void **state)
{
	struct bench *bench = *state;

	become_master(bench);
	lsvm_vrrp_stop(&bench->vrrp, 4 * SECOND);
	EXPECT("master>init(stopped) release send:0@" GROUP, pull(&bench->vrrp));
	DEADLINE(bench, VRRP_NEVER);
	EXPECT("", hear(bench, 5 * SECOND, 9, 200));
	EXPECT("", tick(bench, 60 * SECOND));
	lsvm_vrrp_start(&bench->vrrp, 61 * SECOND);
	EXPECT("init>backup(started) release", pull(&bench->vrrp));
	lsvm_vrrp_stop(&bench->vrrp, 62 * SECOND);
	EXPECT("backup>init(stopped)", pull(&bench->vrrp));
}

static void who_is_not_fit_releases_and_takes_no_part(void **state)
{
	struct bench *bench = *state;

	become_master(bench);
	lsvm_vrrp_input_ready(&bench->vrrp, 4 * SECOND, false, "eth0 is down");
	EXPECT("master>fault(eth0 is down) release send:0@" GROUP, pull(&bench->vrrp));
	EXPECT("", tick(bench, 60 * SECOND));
	EXPECT("", hear(bench, 61 * SECOND, 9, 1));
	lsvm_vrrp_input_ready(&bench->vrrp, 62 * SECOND, true, "eth0 is up");
	EXPECT("fault>backup(eth0 is up)", pull(&bench->vrrp));
	DEADLINE(bench, 62 * SECOND + DOWN);
}

static void who_starts_unfit_waits(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(lsvm_vrrp_init(bench->ctx, &bench->config, &bench->vrrp), 0);
	lsvm_vrrp_input_ready(&bench->vrrp, 0, false, "the table has not converged");
	EXPECT("", pull(&bench->vrrp));
	lsvm_vrrp_start(&bench->vrrp, SECOND);
	EXPECT("init>fault(the table has not converged) release", pull(&bench->vrrp));
	EXPECT("", tick(bench, 60 * SECOND));
	lsvm_vrrp_stop(&bench->vrrp, 61 * SECOND);
	EXPECT("fault>init(stopped)", pull(&bench->vrrp));
}

static void a_tracked_priority_is_told_at_once(void **state)
{
	struct bench *bench = *state;

	become_master(bench);
	lsvm_vrrp_input_priority(&bench->vrrp, 4 * SECOND, 50);
	EXPECT("send:50@" GROUP, pull(&bench->vrrp));
	DEADLINE(bench, 5 * SECOND);
	lsvm_vrrp_input_priority(&bench->vrrp, 4 * SECOND, 50);
	EXPECT("", pull(&bench->vrrp));
	EXPECT("master>backup(higher priority 51 from 192.0.2.9) release send:1@" GROUP,
	       hear(bench, 4 * SECOND, 9, 51));
	lsvm_vrrp_input_priority(&bench->vrrp, 4 * SECOND, 0);
	assert_int_equal(bench->vrrp.priority, 1);
	lsvm_vrrp_input_priority(&bench->vrrp, 4 * SECOND, 255);
	assert_int_equal(bench->vrrp.priority, 254);
}

static void a_lowered_priority_stops_a_preemption(void **state)
{
	struct bench *bench = *state;

	start(bench, 0);
	pull(&bench->vrrp);
	EXPECT("", hear(bench, 3 * SECOND, 9, 99));
	lsvm_vrrp_input_priority(&bench->vrrp, 3 * SECOND + 500 * MS, 90);
	assert_true(lsvm_vrrp_deadline(&bench->vrrp) > 6 * SECOND);
}

static void an_owner_keeps_its_priority(void **state)
{
	struct bench *bench = *state;

	bench->config.priority = 255;
	start(bench, 0);
	lsvm_vrrp_input_priority(&bench->vrrp, SECOND, 10);
	assert_int_equal(bench->vrrp.priority, 255);
}

static void unicast_adverts_go_to_each_peer(void **state)
{
	struct bench *bench = *state;

	bench->config.unicast = true;
	bench->config.peers[0] = address("192.0.2.9");
	bench->config.peers[1] = address("192.0.2.10");
	bench->config.peer_count = 2;
	start(bench, 0);
	pull(&bench->vrrp);
	EXPECT("backup>master(no advert heard for 3.6 s) send:100@192.0.2.9 "
	       "send:100@192.0.2.10 claim",
	       tick(bench, DOWN));
	lsvm_vrrp_stop(&bench->vrrp, 4 * SECOND);
	EXPECT("master>init(stopped) release send:0@192.0.2.9 send:0@192.0.2.10",
	       pull(&bench->vrrp));
}

/* ---- absence: the process was stopped, or the clock jumped ---- */

static void a_master_that_was_absent_yields_to_whom_it_hears(void **state)
{
	struct bench *bench = *state;

	bench->config.preempt_delay_ms = 60000;
	become_master(bench);
	/* Whether the tick or the packet comes first. */
	EXPECT("", tick(bench, 20 * SECOND));
	DEADLINE(bench, 21 * SECOND);
	EXPECT("master>backup(was absent, and 192.0.2.9 became master) release",
	       hear(bench, 20 * SECOND + 700 * MS, 9, 1));
	/* It preempts as one that came back, not at once. */
	EXPECT("", hear(bench, 21 * SECOND + 700 * MS, 9, 1));
	DEADLINE(bench, 21 * SECOND + 700 * MS + DOWN);
	become_master(bench);
	EXPECT("master>backup(was absent, and 192.0.2.9 became master) release",
	       hear(bench, 20 * SECOND, 9, 1));
}

static void a_master_that_was_absent_goes_on_when_nobody_took_over(void **state)
{
	struct bench *bench = *state;

	become_master(bench);
	EXPECT("", tick(bench, 20 * SECOND));
	EXPECT("", tick(bench, 20 * SECOND + 500 * MS));
	EXPECT("send:100@" GROUP " announce", tick(bench, 21 * SECOND));
	DEADLINE(bench, 22 * SECOND);
}

/* It must not stay silent for ever, however late it always is. */
static void a_master_that_is_always_late_speaks_all_the_same(void **state)
{
	struct bench *bench = *state;
	unsigned spoken = 0;

	become_master(bench);
	for (unsigned i = 1; i <= 10; i++)
		spoken += tick(bench, i * 30 * SECOND)[0] != '\0';
	assert_int_equal(spoken, 5);
}

static void a_short_absence_is_answered_by_an_advert(void **state)
{
	struct bench *bench = *state;

	become_master(bench);
	EXPECT("send:100@" GROUP, tick(bench, DOWN + 4 * SECOND));
}

static void a_backup_that_was_absent_listens_once_more(void **state)
{
	struct bench *bench = *state;

	start(bench, 0);
	pull(&bench->vrrp);
	EXPECT("", hear(bench, SECOND, 9, 200));
	EXPECT("", tick(bench, 20 * SECOND));
	DEADLINE(bench, 21 * SECOND + SKEW);
	EXPECT("", hear(bench, 20 * SECOND + 10 * MS, 9, 200));
	DEADLINE(bench, 20 * SECOND + 10 * MS + DOWN);
	/* Late again and again: it takes over at the second time. */
	EXPECT("", tick(bench, 40 * SECOND));
	EXPECT("backup>master(no advert from 192.0.2.9 for 40.0 s) send:100@" GROUP
	       " claim",
	       tick(bench, 60 * SECOND + 10 * MS));
}

static void a_clock_that_goes_back_or_far_does_no_harm(void **state)
{
	struct bench *bench = *state;

	become_master(bench);
	EXPECT("", tick(bench, 0));
	EXPECT("", tick(bench, UINT64_MAX));
	for (unsigned i = 0; i < 10; i++) {
		tick(bench, UINT64_MAX);
		hear(bench, UINT64_MAX - i, 9, 99);
	}
	assert_true(lsvm_vrrp_deadline(&bench->vrrp) > UINT64_MAX / 4);
}

/* ---- telling ---- */

static void a_refusal_is_said_once_in_a_minute(void **state)
{
	struct bench *bench = *state;
	const struct addr from = address("192.0.2.9"), group = lsvm_vrrp_group(4);
	const uint8_t cut[] = { 0x31, 51, 1 };
	uint8_t bytes[VRRP_PACKET_MAX_BYTES];
	size_t length;

	start(bench, 0);
	pull(&bench->vrrp);
	lsvm_vrrp_input_packet(&bench->vrrp, SECOND, &from, &group, 255, cut, 3);
	EXPECT("refused:short(192.0.2.9: the packet ends before its header does)",
	       pull(&bench->vrrp));
	for (unsigned i = 0; i < 1000; i++) {
		lsvm_vrrp_input_packet(&bench->vrrp, 2 * SECOND, &from, &group, 255, cut,
				       3);
		EXPECT("", pull(&bench->vrrp));
	}
	length = lsvm_vrrp_encode(&bench->config, 200, &group, bytes);
	lsvm_vrrp_input_packet(&bench->vrrp, 3 * SECOND, &from, &group, 64, bytes,
			       length);
	EXPECT("refused:ttl(192.0.2.9: its TTL shows that it came through a router (1000 "
	       "more were not said))",
	       pull(&bench->vrrp));
	lsvm_vrrp_input_packet(&bench->vrrp, 62 * SECOND, &from, &group, 255, cut, 3);
	EXPECT("refused:short(192.0.2.9: the packet ends before its header does)",
	       pull(&bench->vrrp));
	assert_int_equal(bench->vrrp.figures.refused[VRRP_REFUSED_SHORT], 1002);
	DEADLINE(bench, DOWN); /* and nothing else came of it */
}

static void forged_senders_do_not_fill_the_log(void **state)
{
	struct bench *bench = *state;
	struct addr from = address("192.0.2.9"), group = lsvm_vrrp_group(4);
	unsigned said = 0;

	start(bench, 0);
	pull(&bench->vrrp);
	for (unsigned i = 0; i < 60000; i++) {
		from.bytes[2] = (uint8_t)(i >> 8);
		from.bytes[3] = (uint8_t)i;
		lsvm_vrrp_input_packet(&bench->vrrp, i * MS, &from, &group, 255,
				       (const uint8_t *)"", 0);
		said += pull(&bench->vrrp)[0] == 'r';
	}
	assert_int_equal(said, VRRP_SAID_MAX);
}

static void neighbours_with_other_router_ids_are_not_mentioned(void **state)
{
	struct bench *bench = *state;
	struct vrrp_config theirs = bench->config;
	const struct addr group = lsvm_vrrp_group(4);
	uint8_t bytes[VRRP_PACKET_MAX_BYTES];
	size_t length;

	start(bench, 0);
	pull(&bench->vrrp);
	theirs.router_id = 9;
	theirs.source = address("192.0.2.9");
	length = lsvm_vrrp_encode(&theirs, 200, &group, bytes);
	lsvm_vrrp_input_packet(&bench->vrrp, SECOND, &theirs.source, &group, 255, bytes,
			       length);
	EXPECT("", pull(&bench->vrrp));
	DEADLINE(bench, DOWN);
}

/* Whoever asks late is told what is, not what was meanwhile. */
static void what_is_asked_for_late_is_neither_lost_nor_told_twice(void **state)
{
	struct bench *bench = *state;

	start(bench, 0);
	lsvm_vrrp_input_tick(&bench->vrrp, DOWN);
	lsvm_vrrp_stop(&bench->vrrp, DOWN + SECOND);
	EXPECT("send:0@" GROUP, pull(&bench->vrrp));
	become_master(bench);
	lsvm_vrrp_input_ready(&bench->vrrp, 4 * SECOND, false, "ill");
	lsvm_vrrp_stop(&bench->vrrp, 4 * SECOND);
	EXPECT("master>init(stopped) release send:0@" GROUP, pull(&bench->vrrp));
}

/* ---- configurations ---- */

static void wrong(struct bench *bench, int err, const char *part)
{
	assert_int_equal(lsvm_vrrp_init(bench->ctx, &bench->config, &bench->vrrp), err);
	if (!strstr(lsvm_ctx_error_text(bench->ctx), part))
		fail_msg("\"%s\" has no \"%s\"", lsvm_ctx_error_text(bench->ctx), part);
	bench->config = router(3, 4);
}

static void what_can_never_work_is_refused_with_a_sentence(void **state)
{
	struct bench *bench = *state;

	bench->config.version = 1;
	wrong(bench, LSVM_ERR_ARGUMENT, "no VRRP version 1");
	bench->config.family = 5;
	wrong(bench, LSVM_ERR_ARGUMENT, "family is 5");
	bench->config.router_id = 0;
	wrong(bench, LSVM_ERR_RANGE, "count from 1");
	bench->config.priority = 0;
	wrong(bench, LSVM_ERR_RANGE, "count from 1");
	bench->config.advert_interval_ms = 15;
	wrong(bench, LSVM_ERR_RANGE, "multiple of 10 ms up to 40950");
	bench->config.advert_interval_ms = 40960;
	wrong(bench, LSVM_ERR_RANGE, "every 40960 ms");
	bench->config.version = 2;
	bench->config.advert_interval_ms = 1500;
	wrong(bench, LSVM_ERR_RANGE, "multiple of 1000 ms");
	bench->config.announce_count = 1;
	wrong(bench, LSVM_ERR_RANGE, "how far apart");
	bench->config.address_count = 0;
	wrong(bench, LSVM_ERR_ARGUMENT, "no IPv4 address");
	bench->config.address_count = 256;
	wrong(bench, LSVM_ERR_LIMIT, "255 each");
	bench->config = router(3, 6);
	bench->config.address_count = 91;
	wrong(bench, LSVM_ERR_LIMIT, "90 each");
	bench->config.addresses[1] = address("fe80::7");
	wrong(bench, LSVM_ERR_ARGUMENT, "for each family");
	bench->config.source = address("fe80::1");
	wrong(bench, LSVM_ERR_ARGUMENT, "to come from");
	bench->config.unicast = true;
	wrong(bench, LSVM_ERR_ARGUMENT, "nobody to send");
	bench->config.peers[bench->config.peer_count++] = bench->config.source;
	wrong(bench, LSVM_ERR_ARGUMENT, "this machine itself");
	bench->config.peer_count = VRRP_PEERS_MAX + 1;
	wrong(bench, LSVM_ERR_LIMIT, "33 peers");
}

static void addresses_are_in_canonical_order_the_link_local_one_first(void **state)
{
	struct bench *bench = *state;

	bench->config = router(3, 6);
	bench->config.addresses[0] = address("2001:db8::9");
	bench->config.addresses[1] = address("2001:db8::8");
	bench->config.addresses[2] = address("fe80::7");
	bench->config.addresses[3] = address("2001:db8::9");
	bench->config.address_count = 4;
	start(bench, 0);
	assert_int_equal(bench->vrrp.config.address_count, 3);
	assert_int_equal(bench->vrrp.config.addresses[0].bytes[15], 7);
	assert_int_equal(bench->vrrp.config.addresses[1].bytes[15], 8);
	assert_int_equal(bench->vrrp.config.addresses[2].bytes[15], 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(silence_makes_a_master_after_three_intervals_and_the_skew),
		TEST(the_owner_is_master_at_once),
		TEST(a_living_master_keeps_it_backup),
		TEST(the_master_s_interval_counts_in_version_3),
		TEST(version_2_skews_in_parts_of_a_second_whatever_the_interval),
		TEST(a_released_mastership_is_taken_after_the_skew),
		TEST(of_two_the_one_that_is_left_hardly_waits),
		TEST(a_farewell_of_somebody_else_is_no_release),
		TEST(a_lesser_master_is_replaced_after_the_silence_it_would_need),
		TEST(without_preemption_a_lesser_master_stays),
		TEST(preemption_waits_until_it_was_fit_for_the_delay),
		TEST(the_delay_does_not_hold_back_from_a_dead_master),
		TEST(the_time_of_its_own_absence_does_not_count_as_silence),
		TEST(adverts_keep_their_pace_and_missed_ones_are_not_made_up),
		TEST(announcements_are_repeated_as_often_as_asked),
		TEST(a_master_announces_again_now_and_then_when_asked_to),
		TEST(a_master_yields_to_a_higher_priority),
		TEST(of_two_equal_masters_the_greater_address_stays),
		TEST(a_lesser_master_is_answered_and_outshouted_once_it_has_settled),
		TEST(a_farewell_is_answered_by_the_master),
		TEST(who_stops_releases_first_and_says_so_then),
		TEST(who_is_not_fit_releases_and_takes_no_part),
		TEST(who_starts_unfit_waits),
		TEST(a_tracked_priority_is_told_at_once),
		TEST(a_lowered_priority_stops_a_preemption),
		TEST(an_owner_keeps_its_priority),
		TEST(unicast_adverts_go_to_each_peer),
		TEST(a_master_that_was_absent_yields_to_whom_it_hears),
		TEST(a_master_that_was_absent_goes_on_when_nobody_took_over),
		TEST(a_master_that_is_always_late_speaks_all_the_same),
		TEST(a_short_absence_is_answered_by_an_advert),
		TEST(a_backup_that_was_absent_listens_once_more),
		TEST(a_clock_that_goes_back_or_far_does_no_harm),
		TEST(a_refusal_is_said_once_in_a_minute),
		TEST(forged_senders_do_not_fill_the_log),
		TEST(neighbours_with_other_router_ids_are_not_mentioned),
		TEST(what_is_asked_for_late_is_neither_lost_nor_told_twice),
		TEST(what_can_never_work_is_refused_with_a_sentence),
		TEST(addresses_are_in_canonical_order_the_link_local_one_first),
	};

	return RUN(tests);
}
