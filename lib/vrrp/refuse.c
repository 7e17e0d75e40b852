/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Saying once what was refused. A cause is said once in a minute for a sender; senders
 * can be forged, so that not more than VRRP_SAID_MAX are said in a minute in all. What
 * was not said is counted in what is said next.
 */
#include "vrrp/vrrp.h"

#include <stdio.h>

static const char *const sentences[VRRP_REFUSAL_COUNT] = {
	[VRRP_REFUSED_SHORT] = "the packet ends before its header does",
	[VRRP_REFUSED_OWN] =
		"comes from our own address: a loop in the network, or another "
		"machine has this address",
	[VRRP_REFUSED_SENDER] = "is none of the configured peers",
	[VRRP_REFUSED_DESTINATION] =
		"sent it neither to the group nor to us as configured",
	[VRRP_REFUSED_TTL] = "its TTL shows that it came through a router",
	[VRRP_REFUSED_VERSION] = "speaks another version of VRRP; set the same on both",
	[VRRP_REFUSED_TYPE] = "the packet is no advert",
	[VRRP_REFUSED_AUTH] =
		"uses authentication, which VRRP has no more; switch it off",
	[VRRP_REFUSED_LENGTH] = "the length does not fit the count of addresses",
	[VRRP_REFUSED_CHECKSUM] = "the checksum is wrong",
	[VRRP_REFUSED_INTERVAL] = "has another advert interval; set the same on both",
	[VRRP_REFUSED_ADDRESSES] =
		"is another virtual router with our router id: it lists "
		"none of our addresses; give one of them another id",
	[VRRP_DIFFERENT_ADDRESSES] =
		"lists other addresses than we do besides common ones; "
		"the election goes on",
	[VRRP_DIFFERENT_INTERVAL] =
		"has another advert interval, which is followed; set the "
		"same on both",
};

/* The place to remember it; NULL when it was said, or too many were. */
static struct vrrp_said *place_for(struct vrrp *vrrp, const struct addr *from,
				   enum vrrp_refusal refusal)
{
	struct vrrp_said *place = NULL;

	for (size_t i = 0; i < VRRP_SAID_MAX; i++) {
		struct vrrp_said *said = &vrrp->said[i];
		const bool old =
			!said->used || vrrp->now_ns - said->at_ns >= VRRP_SAID_AGAIN_NS;

		if (!old && said->refusal == refusal &&
		    !lsvm_addr_compare(&said->from, from))
			return NULL;
		if (old)
			place = said;
	}
	return place;
}

void lsvm_vrrp_refuse(struct vrrp *vrrp, const struct addr *from,
		      enum vrrp_refusal refusal)
{
	char text[LSVM_ADDRESS_TEXT_BYTES], more[48] = "";
	struct vrrp_said *said;

	vrrp->figures.refused[refusal]++;
	if (!sentences[refusal])
		return;
	said = vrrp->refusal_due == VRRP_GOOD ? place_for(vrrp, from, refusal) : NULL;
	if (!said) {
		vrrp->unsaid_count++;
		return;
	}
	*said = (struct vrrp_said){ *from, refusal, vrrp->now_ns, true };
	if (vrrp->unsaid_count)
		snprintf(more, sizeof(more), " (%llu more were not said)",
			 (unsigned long long)vrrp->unsaid_count);
	vrrp->unsaid_count = 0;
	vrrp->refusal_due = refusal;
	vrrp->refusal_from = *from;
	snprintf(vrrp->refusal_text, sizeof(vrrp->refusal_text), "%s: %s%s",
		 lsvm_addr_text(from, text), sentences[refusal], more);
}
