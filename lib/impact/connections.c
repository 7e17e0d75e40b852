/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connections that live end with their destination, and with nothing else: edits of
 * weight, thresholds, forwarding method, scheduler and flags leave them alone.
 *
 * With expire_nodest_conn the kernel forgets them at once and their next packet is
 * answered with a reset; without, their packets are dropped silently. When the last
 * service of the address family goes, ip_vs no longer looks at packets, and the machine
 * itself resets. Sources: Linux 6.1, ip_vs_core.c and ip_vs_ctl.c, seen in the lab.
 */
#include "impact/impact.h"

int lsvm_impact_connections(struct impact_case *c)
{
	uint64_t *fates = c->service->fates;
	const bool resets = c->family_ends || c->flags & LSVM_IMPACT_NODEST_EXPIRES;

	for (size_t i = 0; c->present && i < c->present->destinations.count; i++) {
		const struct ipvs_destination *from = &c->present->destinations.items[i];
		struct impact_destination *at =
			lsvm_impact_find(c->service, &from->addr, from->port);
		const uint64_t alive =
			(uint64_t)from->active_count + from->inactive_count;

		if (!at)
			continue;
		if (at->is) {
			fates[LSVM_IMPACT_FATE_KEPT] += alive;
			continue;
		}
		at->lost = alive;
		fates[resets ? LSVM_IMPACT_FATE_RESET : LSVM_IMPACT_FATE_DROPPED] +=
			alive;
		if (alive)
			lsvm_impact_raise(c->service, LSVM_IMPACT_LEVEL_ESTABLISHED);
	}
	return 0;
}
