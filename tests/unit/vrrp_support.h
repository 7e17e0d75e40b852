/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of VRRP share: a configuration, addresses, and pulling actions. */
#ifndef LSVM_TESTS_UNIT_VRRP_SUPPORT_H
#define LSVM_TESTS_UNIT_VRRP_SUPPORT_H

#include "test.h"
#include "vrrp/vrrp.h"

#include <stdio.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

static inline struct addr address(const char *text)
{
	struct addr addr = { 0 };

	if (!lsvm_addr_parse(text, &addr))
		fail_msg("%s is no address", text);
	return addr;
}

/* A virtual router with two addresses; what differs is set afterwards. */
static inline struct vrrp_config router(uint8_t version, uint8_t family)
{
	struct vrrp_config config = {
		.name = "vip",
		.version = version,
		.family = family,
		.router_id = 51,
		.priority = 100,
		.advert_interval_ms = 1000,
		.preempt = true,
		.source = address(family == 4 ? "192.0.2.1" : "fe80::1"),
		.address_count = 2,
	};

	config.addresses[0] = address(family == 4 ? "198.51.100.7" : "fe80::7");
	config.addresses[1] = address(family == 4 ? "198.51.100.8" : "2001:db8::8");
	return config;
}

/* All actions that are due, as one line: "init>backup(started) release". */
static inline const char *pull(struct vrrp *vrrp)
{
	static char line[4096];
	char to[LSVM_ADDRESS_TEXT_BYTES];
	struct vrrp_action action;
	size_t used = 0;

	line[0] = '\0';
	while (lsvm_vrrp_next(vrrp, &action)) {
		char *at = line + used;
		const size_t left = sizeof(line) - used;

		assert_true(left > 512);
		switch (action.kind) {
		case VRRP_ACTION_STATE:
			snprintf(at, left, " %s>%s(%s)",
				 lsvm_vrrp_state_name(action.before),
				 lsvm_vrrp_state_name(action.after), action.text);
			break;
		case VRRP_ACTION_RELEASE:
			strcpy(at, " release");
			break;
		case VRRP_ACTION_SEND:
			snprintf(at, left, " send:%u@%s", action.bytes[2],
				 lsvm_addr_text(&action.destination, to));
			break;
		case VRRP_ACTION_CLAIM:
			strcpy(at, " claim");
			break;
		case VRRP_ACTION_ANNOUNCE:
			strcpy(at, " announce");
			break;
		case VRRP_ACTION_REFUSED:
			snprintf(at, left, " refused:%s(%s)",
				 lsvm_vrrp_refusal_name(action.refusal), action.text);
			break;
		}
		used += strlen(at);
	}
	return line[0] ? line + 1 : line;
}

#endif
