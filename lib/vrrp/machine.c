/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The election: RFC 9568, section 6.4 (RFC 3768 has the same states), with what operators
 * of keepalived are used to: a preemption delay, a FAULT state, tracked priorities.
 *
 * Where the RFC leaves room, or assumes that processes never pause:
 *
 * A master that was absent. A process that was stopped for more than four of its
 * intervals (no master-down interval is longer) must suppose that somebody else is master
 * by now, while its kernel answered for the addresses all the time. It keeps them, since
 * there may be nobody else, but says nothing for one interval: whoever is master then is
 * heard, and is yielded to whatever its priority, because clients and connections are
 * with it. If it answered with an advert at once, as the RFC has it, a higher priority
 * would take the clients back before the table has converged. When nobody is heard it
 * goes on, and announces the addresses again. A shorter absence is answered by an advert
 * at once.
 *
 * A backup that was absent. When the tick for the master's silence comes later than one
 * interval after its time, the silence may be our own deafness: adverts may wait in the
 * socket. It listens once more for one interval, once for each silence, so that a slow
 * machine takes over all the same.
 *
 * A master that yields says so. When two were masters because they could not hear each
 * other, the neighbours went with whoever announced last, which may be the one that now
 * yields; the other was master all the time and does not know of it. So the one that
 * yields, once its addresses are gone, sends one more advert, of the lowest priority, to
 * which nobody yields, and which the other answers as it answers any lesser master: by
 * announcing the addresses. If the one
 * that led the neighbours astray died meanwhile, nobody can say so: therefore a master
 * announces the addresses now and then, for as long as it is one.
 *
 * An advert that gives up counts only from the master that is followed, so that one of
 * two masters that leaves does not make a third one out of a backup.
 *
 * A farewell between two. The RFC has a backup wait for its skew, so that the best one
 * takes over. Where it is known that there are two routers only, there is nobody to wait
 * for but the one that leaves, for a moment.
 *
 * A master that hears a lesser one answers at once (RFC 9568, section 6.4.3) and
 * announces the addresses, at once and once more when the other has settled; at most
 * twice in an interval, so that forged adverts do not make a flood.
 */
#include "vrrp/vrrp.h"

#include <stdio.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S (1000 * NS_PER_MS)
/* No interval is near it, so that no sum below can overflow. */
#define TIME_MAX_NS (UINT64_MAX / 4)
#define ABSENT_INTERVALS 4
/* How long a master that lost may still announce what it was just claiming. */
#define SETTLE_NS (100 * NS_PER_MS)
/* For those that say farewell before they release, as keepalived does. */
#define PAIR_WAIT_NS (2 * NS_PER_MS)

static const struct word states[] = {
	{ VRRP_INIT, "init" },
	{ VRRP_BACKUP, "backup" },
	{ VRRP_MASTER, "master" },
	{ VRRP_FAULT, "fault" },
	{ 0, NULL },
};

const char *lsvm_vrrp_state_name(enum vrrp_state state)
{
	return lsvm_word_name(states, state);
}

/* ---- time ---- */

static void advance(struct vrrp *vrrp, uint64_t now_ns)
{
	if (now_ns > TIME_MAX_NS)
		now_ns = TIME_MAX_NS;
	if (now_ns > vrrp->now_ns)
		vrrp->now_ns = now_ns;
}

/* The lower the priority, the later: the best backup is the first to speak. */
static uint64_t skew(const struct vrrp *vrrp)
{
	const uint64_t interval =
		vrrp->config.version == 2 ? NS_PER_S : vrrp->master_interval_ns;

	return (256u - vrrp->priority) * interval / 256;
}

static uint64_t silence_allowed(const struct vrrp *vrrp)
{
	return 3 * vrrp->master_interval_ns + skew(vrrp);
}

#define DURATION_BYTES 32
static const char *duration_text(uint64_t ns, char *buf)
{
	const unsigned long long tenths = (ns + NS_PER_S / 20) / (NS_PER_S / 10);

	if (ns < NS_PER_S)
		snprintf(buf, DURATION_BYTES, "%u ms", (unsigned)(ns / NS_PER_MS));
	else
		snprintf(buf, DURATION_BYTES, "%llu.%llu s", tenths / 10, tenths % 10);
	return buf;
}

/* ---- what a master does ---- */

static void send(struct vrrp *vrrp)
{
	vrrp->send_due = true;
	vrrp->doubt = false;
	vrrp->sent_ns = vrrp->now_ns;
	vrrp->advert_ns = vrrp->now_ns + vrrp->interval_ns;
}

/* At the times that the last ones set, not later and later, unless some were missed. */
static void send_next(struct vrrp *vrrp)
{
	const uint64_t next = vrrp->advert_ns + vrrp->interval_ns;

	send(vrrp);
	if (next > vrrp->now_ns)
		vrrp->advert_ns = next;
}

/* When to announce again, after so many times that are left. */
static void announce_again(struct vrrp *vrrp)
{
	const uint64_t wait_ms = vrrp->announce_left ? vrrp->config.announce_interval_ms
						     : vrrp->config.announce_refresh_ms;

	vrrp->announce_ns = wait_ms ? vrrp->now_ns + wait_ms * NS_PER_MS : VRRP_NEVER;
}

static void repeat_announcements(struct vrrp *vrrp)
{
	vrrp->announce_left = vrrp->config.announce_count;
	announce_again(vrrp);
}

/* Another one believes to be master, or gave up: this one is. */
static void assert_mastery(struct vrrp *vrrp)
{
	const uint64_t settled = vrrp->now_ns + SETTLE_NS;

	if (!vrrp->asserted_ns ||
	    vrrp->now_ns - vrrp->asserted_ns >= vrrp->interval_ns / 2) {
		vrrp->asserted_ns = vrrp->now_ns;
		send(vrrp);
	}
	if (!vrrp->announced_ns || vrrp->now_ns - vrrp->announced_ns >= SETTLE_NS) {
		vrrp->announced_ns = vrrp->now_ns;
		vrrp->announce_due = true;
	}
	if (!vrrp->announce_left)
		vrrp->announce_left = 1;
	if (vrrp->announce_ns > settled)
		vrrp->announce_ns = settled;
}

/* ---- the state ---- */

/* Alone changes it. The cause is a sentence's part: "no advert from 192.0.2.1 for 3.6 s".
 */
static void LSVM_PRINTF(3, 4)
	set_state(struct vrrp *vrrp, enum vrrp_state state, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(vrrp->cause, sizeof(vrrp->cause), fmt, args);
	va_end(args);
	if (state == VRRP_MASTER)
		vrrp->farewell_due = false;
	else if (vrrp->state == VRRP_MASTER && state != VRRP_BACKUP)
		vrrp->farewell_due = true;
	vrrp->state = state;
	vrrp->since_ns = vrrp->now_ns;
	vrrp->send_due = vrrp->announce_due = vrrp->is_sending = vrrp->doubt = false;
	vrrp->asserted_ns = vrrp->announced_ns = 0;
	vrrp->announce_ns = VRRP_NEVER;
	vrrp->announce_left = 0;
	if (state == VRRP_MASTER) {
		vrrp->figures.takeovers++;
		repeat_announcements(vrrp);
		send(vrrp);
	}
}

static void listen_from_now(struct vrrp *vrrp)
{
	vrrp->master = (struct addr){ 0 };
	vrrp->master_interval_ns = vrrp->interval_ns;
	vrrp->heard_ns = vrrp->now_ns;
	vrrp->forgiven_ns = 0;
	vrrp->down_ns = vrrp->now_ns + silence_allowed(vrrp);
	vrrp->released = vrrp->passing_over = vrrp->gave_grace = false;
}

static void begin(struct vrrp *vrrp, const char *cause)
{
	vrrp->fit_ns = vrrp->now_ns;
	if (vrrp->priority == VRRP_PRIORITY_OWNER) {
		set_state(vrrp, VRRP_MASTER, "%s, and owns the addresses", cause);
		return;
	}
	set_state(vrrp, VRRP_BACKUP, "%s", cause);
	listen_from_now(vrrp);
}

static void take_over(struct vrrp *vrrp)
{
	char master[LSVM_ADDRESS_TEXT_BYTES], duration[DURATION_BYTES];

	lsvm_addr_text(&vrrp->master, master);
	duration_text(vrrp->now_ns - vrrp->heard_ns, duration);
	if (vrrp->released)
		set_state(vrrp, VRRP_MASTER, "%s released", master);
	else if (vrrp->passing_over)
		set_state(vrrp, VRRP_MASTER, "priority %u is above the %u of %s",
			  vrrp->priority, vrrp->master_priority, master);
	else if (vrrp->master.family)
		set_state(vrrp, VRRP_MASTER, "no advert from %s for %s", master,
			  duration);
	else
		set_state(vrrp, VRRP_MASTER, "no advert heard for %s", duration);
}

/* ---- adverts ---- */

static void follow(struct vrrp *vrrp, const struct addr *src,
		   const struct vrrp_advert *advert)
{
	vrrp->master = *src;
	vrrp->master_priority = advert->priority;
	vrrp->master_interval_ns = advert->interval_ns;
	vrrp->heard_ns = vrrp->now_ns;
	vrrp->forgiven_ns = 0;
	vrrp->down_ns = vrrp->now_ns + silence_allowed(vrrp);
	vrrp->released = vrrp->passing_over = vrrp->gave_grace = false;
	vrrp->yielded = false;
}

static bool may_preempt(const struct vrrp *vrrp)
{
	return vrrp->config.preempt &&
	       vrrp->now_ns - vrrp->fit_ns >= vrrp->config.preempt_delay_ms * NS_PER_MS;
}

static uint64_t farewell_wait(const struct vrrp *vrrp)
{
	const uint64_t wait = skew(vrrp);

	return vrrp->config.pair && wait > PAIR_WAIT_NS ? PAIR_WAIT_NS : wait;
}

static void hear_as_backup(struct vrrp *vrrp, const struct addr *src,
			   const struct vrrp_advert *advert)
{
	const bool followed = !lsvm_addr_compare(&vrrp->master, src);
	const uint64_t wait = farewell_wait(vrrp);

	if (advert->priority == VRRP_PRIORITY_RELEASED) {
		if (!followed)
			return;
		vrrp->released = true;
		if (vrrp->down_ns > vrrp->now_ns + wait)
			vrrp->down_ns = vrrp->now_ns + wait;
		return;
	}
	if (advert->priority >= vrrp->priority || !may_preempt(vrrp)) {
		follow(vrrp, src, advert);
		return;
	}
	vrrp->master = *src;
	vrrp->master_priority = advert->priority;
	vrrp->passing_over = true;
	vrrp->released = false;
}

static void hear_as_master(struct vrrp *vrrp, const struct addr *src,
			   const struct vrrp_advert *advert)
{
	const bool equal = advert->priority == vrrp->priority;
	const bool doubt = vrrp->doubt;
	const bool lesser = advert->priority > vrrp->priority ||
			    (equal && lsvm_addr_compare(src, &vrrp->config.source) > 0);
	char from[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_addr_text(src, from);
	if (advert->priority == VRRP_PRIORITY_RELEASED) {
		assert_mastery(vrrp);
		return;
	}
	if (vrrp->doubt) {
		set_state(vrrp, VRRP_BACKUP, "was absent, and %s became master", from);
		vrrp->fit_ns = vrrp->now_ns;
	} else if (advert->priority > vrrp->priority) {
		set_state(vrrp, VRRP_BACKUP, "higher priority %u from %s",
			  advert->priority, from);
	} else if (lesser) {
		set_state(vrrp, VRRP_BACKUP,
			  "equal priority %u from %s, which is greater", advert->priority,
			  from);
	} else {
		assert_mastery(vrrp);
		return;
	}
	follow(vrrp, src, advert);
	vrrp->yielded = !doubt;
	/* What was heard in doubt may be old, and its sender gone. */
	vrrp->send_due = lesser && !doubt && vrrp->told_state == VRRP_MASTER;
}

static uint64_t longest_interval(const struct vrrp *vrrp)
{
	return vrrp->master_interval_ns > vrrp->interval_ns ? vrrp->master_interval_ns
							    : vrrp->interval_ns;
}

static void notice_absence(struct vrrp *vrrp)
{
	if (vrrp->state != VRRP_MASTER || vrrp->doubt ||
	    vrrp->now_ns - vrrp->sent_ns <= ABSENT_INTERVALS * vrrp->interval_ns)
		return;
	vrrp->doubt = true;
	vrrp->sent_ns = vrrp->now_ns;
	vrrp->advert_ns = vrrp->now_ns + longest_interval(vrrp);
}

/* ---- facts ---- */

int lsvm_vrrp_init(struct lsvm_ctx *ctx, const struct vrrp_config *config,
		   struct vrrp *ret)
{
	int err = lsvm_vrrp_check(ctx, config);

	if (err < 0)
		return err;
	memset(ret, 0, sizeof(*ret));
	ret->config = *config;
	lsvm_vrrp_canonical(&ret->config);
	ret->priority = config->priority;
	ret->interval_ns = ret->master_interval_ns =
		config->advert_interval_ms * NS_PER_MS;
	ret->fit = true;
	ret->announce_ns = VRRP_NEVER;
	return 0;
}

void lsvm_vrrp_start(struct vrrp *vrrp, uint64_t now_ns)
{
	advance(vrrp, now_ns);
	if (vrrp->state != VRRP_INIT)
		return;
	vrrp->told_held = VRRP_HELD_UNKNOWN;
	if (vrrp->fit)
		begin(vrrp, "started");
	else
		set_state(vrrp, VRRP_FAULT, "%s", vrrp->reason);
}

void lsvm_vrrp_stop(struct vrrp *vrrp, uint64_t now_ns)
{
	advance(vrrp, now_ns);
	if (vrrp->state != VRRP_INIT)
		set_state(vrrp, VRRP_INIT, "stopped");
}

enum vrrp_refusal lsvm_vrrp_input_packet(struct vrrp *vrrp, uint64_t now_ns,
					 const struct addr *src, const struct addr *dst,
					 uint8_t ttl, const uint8_t *bytes, size_t length)
{
	struct vrrp_advert advert;
	enum vrrp_refusal refusal =
		lsvm_vrrp_decode(&vrrp->config, src, dst, ttl, bytes, length, &advert);

	advance(vrrp, now_ns);
	if (vrrp->state == VRRP_INIT)
		return refusal;
	if (refusal != VRRP_GOOD) {
		lsvm_vrrp_refuse(vrrp, src, refusal);
		return refusal;
	}
	vrrp->figures.heard++;
	if (advert.remark != VRRP_GOOD)
		lsvm_vrrp_refuse(vrrp, src, advert.remark);
	notice_absence(vrrp);
	if (vrrp->state == VRRP_BACKUP)
		hear_as_backup(vrrp, src, &advert);
	else if (vrrp->state == VRRP_MASTER)
		hear_as_master(vrrp, src, &advert);
	return refusal;
}

void lsvm_vrrp_input_ready(struct vrrp *vrrp, uint64_t now_ns, bool fit,
			   const char *reason)
{
	advance(vrrp, now_ns);
	if (fit == vrrp->fit)
		return;
	vrrp->fit = fit;
	snprintf(vrrp->reason, sizeof(vrrp->reason), "%s", reason);
	if (vrrp->state == VRRP_INIT)
		return;
	if (fit)
		begin(vrrp, vrrp->reason);
	else
		set_state(vrrp, VRRP_FAULT, "%s", vrrp->reason);
}

void lsvm_vrrp_input_priority(struct vrrp *vrrp, uint64_t now_ns, uint8_t priority)
{
	advance(vrrp, now_ns);
	if (!priority)
		priority = 1;
	if (priority == VRRP_PRIORITY_OWNER)
		priority = VRRP_PRIORITY_OWNER - 1;
	if (vrrp->config.priority == VRRP_PRIORITY_OWNER || priority == vrrp->priority)
		return;
	vrrp->priority = priority;
	notice_absence(vrrp);
	if (vrrp->state == VRRP_MASTER && !vrrp->doubt)
		send(vrrp);
	/* It is not above the living master any more. */
	if (vrrp->passing_over && vrrp->master_priority >= priority) {
		vrrp->passing_over = false;
		vrrp->down_ns = vrrp->now_ns + silence_allowed(vrrp);
	}
}

static void tick_backup(struct vrrp *vrrp)
{
	if (vrrp->now_ns < vrrp->down_ns)
		return;
	if (!vrrp->gave_grace &&
	    vrrp->now_ns - vrrp->down_ns > vrrp->master_interval_ns) {
		vrrp->gave_grace = true;
		vrrp->down_ns = vrrp->now_ns + vrrp->master_interval_ns + skew(vrrp);
		return;
	}
	take_over(vrrp);
}

static void tick_master(struct vrrp *vrrp)
{
	const bool was_doubt = vrrp->doubt;

	if (vrrp->now_ns >= vrrp->advert_ns) {
		send_next(vrrp);
		vrrp->announce_due |= was_doubt;
	}
	if (vrrp->now_ns < vrrp->announce_ns || vrrp->doubt)
		return;
	vrrp->announce_due = true;
	if (vrrp->announce_left)
		vrrp->announce_left--;
	announce_again(vrrp);
}

void lsvm_vrrp_input_pause(struct vrrp *vrrp, uint64_t now_ns, uint64_t away_ns)
{
	uint64_t most = silence_allowed(vrrp);

	advance(vrrp, now_ns);
	if (vrrp->state != VRRP_BACKUP || vrrp->released || vrrp->forgiven_ns >= most)
		return;
	most -= vrrp->forgiven_ns;
	if (away_ns > most)
		away_ns = most;
	vrrp->forgiven_ns += away_ns;
	vrrp->down_ns += away_ns;
}

void lsvm_vrrp_input_tick(struct vrrp *vrrp, uint64_t now_ns)
{
	advance(vrrp, now_ns);
	notice_absence(vrrp);
	if (vrrp->state == VRRP_BACKUP)
		tick_backup(vrrp);
	else if (vrrp->state == VRRP_MASTER)
		tick_master(vrrp);
}

uint64_t lsvm_vrrp_deadline(const struct vrrp *vrrp)
{
	switch (vrrp->state) {
	case VRRP_BACKUP:
		return vrrp->down_ns;
	case VRRP_MASTER:
		if (vrrp->doubt || vrrp->advert_ns < vrrp->announce_ns)
			return vrrp->advert_ns;
		return vrrp->announce_ns;
	case VRRP_INIT:
	case VRRP_FAULT:
		break;
	}
	return VRRP_NEVER;
}
