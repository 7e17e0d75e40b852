/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a configuration and then as facts for a router: packets (with the right
 * checksum or not), ticks, health, priorities, stops. What it asks for must make sense:
 * addresses are claimed and released in turn, only a master sends adverts, nothing goes
 * on for ever, and there is always a next deadline for one that takes part.
 */
#include "vrrp/vrrp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct watch {
	struct vrrp vrrp;
	enum vrrp_state state;
	bool holds;
	bool yielded; /* it was master until just now: the last word is its advert */
	uint64_t now;
};

static struct addr some_address(uint8_t family, uint8_t last)
{
	struct addr addr = { family, { family == 4 ? 10 : 0xfe, 0x80 } };

	addr.bytes[family == 4 ? 3 : 15] = last;
	return addr;
}

static struct vrrp_config read_config(struct reader *reader)
{
	struct vrrp_config config = { .version = lsvm_read_u8(reader) % 2 + 2,
				      .family = lsvm_read_u8(reader) % 2 * 2 + 4,
				      .router_id = 51,
				      .priority = lsvm_read_u8(reader),
				      .preempt_delay_ms = lsvm_read_u8(reader),
				      .advert_interval_ms = 1000 };
	const uint8_t flags = lsvm_read_u8(reader);

	config.preempt = flags & 1;
	config.unicast = flags & 2;
	config.min_ttl = flags & 4 ? 1 : 0;
	config.source = some_address(config.family, 1);
	config.address_count = lsvm_read_u8(reader) % 64;
	for (unsigned i = 0; i < config.address_count; i++)
		config.addresses[i] = some_address(config.family, (uint8_t)(i * 7));
	config.peer_count = lsvm_read_u8(reader) % 3;
	for (unsigned i = 0; i < config.peer_count; i++)
		config.peers[i] = some_address(config.family, (uint8_t)(i + 2));
	config.announce_count = lsvm_read_u8(reader);
	config.announce_interval_ms = lsvm_read_u8(reader);
	config.announce_refresh_ms = config.announce_interval_ms * 16;
	return config;
}

static void watch_action(struct watch *watch, const struct vrrp_action *action)
{
	switch (action->kind) {
	case VRRP_ACTION_STATE:
		if (action->before != watch->state || action->after == action->before ||
		    !action->text[0])
			abort();
		watch->yielded =
			action->before == VRRP_MASTER && action->after == VRRP_BACKUP;
		watch->state = action->after;
		return;
	case VRRP_ACTION_RELEASE:
		if (watch->state == VRRP_MASTER)
			abort();
		watch->holds = false;
		return;
	case VRRP_ACTION_CLAIM:
		if (watch->state != VRRP_MASTER || watch->holds)
			abort();
		watch->holds = true;
		return;
	case VRRP_ACTION_SEND:
		if (action->length > VRRP_PACKET_MAX_BYTES || action->length < 8 ||
		    (action->bytes[2] && watch->state != VRRP_MASTER && !watch->yielded))
			abort();
		return;
	case VRRP_ACTION_ANNOUNCE:
		if (!watch->holds)
			abort();
		return;
	case VRRP_ACTION_REFUSED:
		if (!action->text[0] || action->refusal == VRRP_GOOD)
			abort();
		return;
	}
}

static void pull(struct watch *watch)
{
	struct vrrp_action action;
	unsigned count = 0;

	while (lsvm_vrrp_next(&watch->vrrp, &action)) {
		watch_action(watch, &action);
		if (++count > 16)
			abort();
	}
	if (watch->holds != (watch->state == VRRP_MASTER))
		abort();
	watch->yielded = false;
}

static void put_checksum(const struct vrrp_config *config, const struct addr *src,
			 const struct addr *dst, uint8_t *bytes, size_t length)
{
	const size_t each = config->family == 4 ? 4 : 16;
	uint32_t sum = 0;

	bytes[6] = bytes[7] = 0;
	for (size_t i = 0; i < length; i++)
		sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
	for (size_t i = 0; i < each && (config->version == 3 || each == 16); i++)
		sum += (uint32_t)(src->bytes[i] + dst->bytes[i]) << (i % 2 ? 0 : 8);
	if (config->version == 3 || each == 16)
		sum += (uint32_t)length + VRRP_PROTOCOL;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	bytes[6] = (uint8_t)(~sum >> 8);
	bytes[7] = (uint8_t)~sum;
}

static void input_packet(struct watch *watch, struct reader *reader)
{
	const struct vrrp_config *config = &watch->vrrp.config;
	const uint8_t flags = lsvm_read_u8(reader), length = lsvm_read_u8(reader);
	const struct addr src = some_address(config->family, flags % 8);
	const struct addr dst =
		config->unicast ? config->source : lsvm_vrrp_group(config->family);
	const uint8_t *bytes = lsvm_read_bytes(reader, length);
	/* Its own allocation, so that a sanitizer sees what is read past it. */
	uint8_t *copy = bytes ? malloc(length ? length : 1) : NULL;

	if (!copy)
		return;
	memcpy(copy, bytes, length);
	if (length >= 8 && flags & 0x80)
		put_checksum(config, &src, &dst, copy, length);
	lsvm_vrrp_input_packet(&watch->vrrp, watch->now, &src, &dst,
			       flags & 0x40 ? 255 : 64, copy, length);
	free(copy);
}

/* An advert as a peer would send it. */
static void input_advert(struct watch *watch, struct reader *reader)
{
	struct vrrp_config theirs = watch->vrrp.config;
	const uint8_t last = lsvm_read_u8(reader), priority = lsvm_read_u8(reader);
	const struct addr dst =
		theirs.unicast ? theirs.source : lsvm_vrrp_group(theirs.family);
	uint8_t bytes[VRRP_PACKET_MAX_BYTES];
	size_t length;

	theirs.source = some_address(theirs.family, last);
	length = lsvm_vrrp_encode(&theirs, priority, &dst, bytes);
	lsvm_vrrp_input_packet(&watch->vrrp, watch->now, &theirs.source, &dst, 255, bytes,
			       length);
}

static void input(struct watch *watch, struct reader *reader)
{
	struct vrrp *vrrp = &watch->vrrp;
	const uint8_t what = lsvm_read_u8(reader);

	switch (what % 8) {
	case 0:
		input_packet(watch, reader);
		return;
	case 1:
		input_advert(watch, reader);
		return;
	case 2:
		lsvm_vrrp_input_ready(vrrp, watch->now, what & 8, "health");
		return;
	case 3:
		lsvm_vrrp_input_priority(vrrp, watch->now, lsvm_read_u8(reader));
		return;
	case 4:
		if (what & 8)
			lsvm_vrrp_stop(vrrp, watch->now);
		else
			lsvm_vrrp_start(vrrp, watch->now);
		return;
	case 5: /* at the deadline, or late */
		if (lsvm_vrrp_deadline(vrrp) != VRRP_NEVER)
			watch->now = lsvm_vrrp_deadline(vrrp);
		watch->now += (uint64_t)(what >> 3) * (uint64_t)(what >> 3) * 10000000;
		break;
	case 6: /* a jump, back too */
		watch->now = (uint64_t)lsvm_read_be32(reader) << (what >> 3);
		break;
	default:
		watch->now += (uint64_t)what * 1000000;
	}
	lsvm_vrrp_input_tick(vrrp, watch->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader reader = { data, size, false };
	struct vrrp_config config = read_config(&reader);
	struct watch *watch = calloc(1, sizeof(*watch));
	struct lsvm_ctx *ctx;

	if (watch && lsvm_ctx_new(&ctx) >= 0) {
		if (lsvm_vrrp_init(ctx, &config, &watch->vrrp) >= 0) {
			lsvm_vrrp_start(&watch->vrrp, watch->now);
			while (reader.left && !reader.failed) {
				input(watch, &reader);
				pull(watch);
			}
		}
		lsvm_ctx_unref(ctx);
	}
	free(watch);
	return 0;
}
