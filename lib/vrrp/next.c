/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the caller is to do, as the difference between what is and what it was told last.
 *
 * The order is the one in which nobody answers twice: addresses go before the farewell
 * that lets others take them, and the advert that makes a lesser master yield goes before
 * the addresses are claimed.
 */
#include "vrrp/vrrp.h"

static uint8_t priority_to_say(const struct vrrp *vrrp)
{
	if (vrrp->farewell_due)
		return VRRP_PRIORITY_RELEASED;
	return vrrp->state == VRRP_MASTER ? vrrp->priority : VRRP_PRIORITY_LOWEST;
}

/* One advert to the group, or one for each peer: their checksums differ. */
static bool hand_out_advert(struct vrrp *vrrp, struct vrrp_action *ret)
{
	const struct vrrp_config *config = &vrrp->config;

	if (!vrrp->is_sending) {
		if (!vrrp->send_due && !vrrp->farewell_due)
			return false;
		vrrp->is_sending = true;
		vrrp->send_next = 0;
		vrrp->sending = priority_to_say(vrrp);
		vrrp->send_due = vrrp->farewell_due = false;
	}
	ret->kind = VRRP_ACTION_SEND;
	ret->destination = config->unicast ? config->peers[vrrp->send_next]
					   : lsvm_vrrp_group(config->family);
	ret->length =
		lsvm_vrrp_encode(config, vrrp->sending, &ret->destination, vrrp->packet);
	ret->bytes = vrrp->packet;
	vrrp->is_sending = config->unicast && ++vrrp->send_next < config->peer_count;
	vrrp->figures.sent++;
	return true;
}

static bool tell_state(struct vrrp *vrrp, struct vrrp_action *ret)
{
	if (vrrp->told_state == vrrp->state)
		return false;
	ret->kind = VRRP_ACTION_STATE;
	ret->before = vrrp->told_state;
	ret->after = vrrp->told_state = vrrp->state;
	ret->text = vrrp->cause;
	return true;
}

/* Before the start nothing is known of the addresses, and nothing is asked. */
static bool release(struct vrrp *vrrp, struct vrrp_action *ret)
{
	if (vrrp->state == VRRP_MASTER || vrrp->told_held == VRRP_HELD_NO ||
	    (vrrp->state == VRRP_INIT && vrrp->told_held == VRRP_HELD_UNKNOWN))
		return false;
	ret->kind = VRRP_ACTION_RELEASE;
	vrrp->told_held = VRRP_HELD_NO;
	return true;
}

static bool claim_or_announce(struct vrrp *vrrp, struct vrrp_action *ret)
{
	if (vrrp->state != VRRP_MASTER)
		return false;
	if (vrrp->told_held != VRRP_HELD_YES) {
		vrrp->told_held = VRRP_HELD_YES;
		ret->kind = VRRP_ACTION_CLAIM;
	} else if (vrrp->announce_due) {
		ret->kind = VRRP_ACTION_ANNOUNCE;
	} else {
		return false;
	}
	vrrp->announce_due = false;
	return true;
}

bool lsvm_vrrp_next(struct vrrp *vrrp, struct vrrp_action *ret)
{
	struct vrrp_action action = { 0 };

	if (tell_state(vrrp, &action) || release(vrrp, &action) ||
	    hand_out_advert(vrrp, &action) || claim_or_announce(vrrp, &action)) {
		*ret = action;
		return true;
	}
	if (vrrp->refusal_due == VRRP_GOOD)
		return false;
	*ret = (struct vrrp_action){ .kind = VRRP_ACTION_REFUSED,
				     .refusal = vrrp->refusal_due,
				     .from = vrrp->refusal_from,
				     .text = vrrp->refusal_text };
	vrrp->refusal_due = VRRP_GOOD;
	return true;
}
