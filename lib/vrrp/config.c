/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be a virtual router: refused are configurations that could never work. */
#include "vrrp/vrrp.h"

#include <stdlib.h>

static int check_numbers(struct lsvm_ctx *ctx, const struct vrrp_config *config)
{
	const uint32_t step = config->version == 2 ? 1000 : 10;
	const uint32_t most = config->version == 2 ? 255000 : 40950;

	if (config->version != 2 && config->version != 3)
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "virtual router '%s': there is no VRRP version %u; use "
				 "3, or 2 beside old routers",
				 config->name, config->version);
	if (config->family != 4 && config->family != 6)
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "virtual router '%s': the family is %u; use 4 or 6",
				 config->name, config->family);
	if (!config->router_id || !config->priority)
		return lsvm_fail(ctx, LSVM_ERR_RANGE,
				 "virtual router '%s': router id and priority count "
				 "from 1; set both",
				 config->name);
	if (config->advert_interval_ms < step || config->advert_interval_ms > most ||
	    config->advert_interval_ms % step)
		return lsvm_fail(
			ctx, LSVM_ERR_RANGE,
			"virtual router '%s': adverts every %u ms cannot be said "
			"in version %u; use a multiple of %u ms up to %u",
			config->name, config->advert_interval_ms, config->version, step,
			most);
	if (config->announce_count && !config->announce_interval_ms)
		return lsvm_fail(ctx, LSVM_ERR_RANGE,
				 "virtual router '%s': announcements cannot be repeated "
				 "every 0 ms; say how far apart",
				 config->name);
	return 0;
}

static int check_addresses(struct lsvm_ctx *ctx, const struct vrrp_config *config)
{
	const unsigned most =
		config->family == 4 ? VRRP_ADDRESSES_MAX : VRRP_ADDRESSES_MAX_IPV6;

	if (!config->address_count)
		return lsvm_fail(
			ctx, LSVM_ERR_ARGUMENT,
			"virtual router '%s' has no IPv%u address; give it one or "
			"leave the virtual router out",
			config->name, config->family);
	if (config->address_count > most)
		return lsvm_fail(ctx, LSVM_ERR_LIMIT,
				 "virtual router '%s': %u addresses do not fit into an "
				 "advert; spread them over several router ids, %u each",
				 config->name, config->address_count, most);
	for (size_t i = 0; i < config->address_count; i++)
		if (config->addresses[i].family != config->family)
			return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
					 "virtual router '%s': one address is not IPv%u; "
					 "make one virtual router for each family",
					 config->name, config->family);
	return 0;
}

static int check_peers(struct lsvm_ctx *ctx, const struct vrrp_config *config)
{
	if (config->peer_count > VRRP_PEERS_MAX)
		return lsvm_fail(ctx, LSVM_ERR_LIMIT,
				 "virtual router '%s' has %u peers; %u are possible, use "
				 "multicast beyond",
				 config->name, config->peer_count, VRRP_PEERS_MAX);
	if (config->unicast && !config->peer_count)
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "virtual router '%s' has nobody to send its adverts to; "
				 "list the other directors as peers, or use multicast",
				 config->name);
	for (size_t i = 0; i < config->peer_count; i++)
		if (config->peers[i].family != config->family ||
		    !lsvm_addr_compare(&config->peers[i], &config->source))
			return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
					 "virtual router '%s': a peer is not IPv%u or is "
					 "this machine itself; remove it",
					 config->name, config->family);
	if (config->source.family != config->family)
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "virtual router '%s': adverts need an IPv%u address to "
				 "come from; give the interface one",
				 config->name, config->family);
	return 0;
}

int lsvm_vrrp_check(struct lsvm_ctx *ctx, const struct vrrp_config *config)
{
	int err = check_numbers(ctx, config);

	if (err >= 0)
		err = check_addresses(ctx, config);
	return err < 0 ? err : check_peers(ctx, config);
}

static bool is_link_local(const struct addr *addr)
{
	static const struct prefix link_local = { { 6, { 0xfe, 0x80 } }, 10 };

	return lsvm_prefix_contains(&link_local, addr);
}

static int compare(const void *a, const void *b)
{
	if (is_link_local(a) != is_link_local(b))
		return is_link_local(a) ? -1 : 1;
	return lsvm_addr_compare(a, b);
}

void lsvm_vrrp_canonical(struct vrrp_config *config)
{
	uint16_t kept = 0;

	qsort(config->addresses, config->address_count, sizeof(config->addresses[0]),
	      compare);
	for (uint16_t i = 0; i < config->address_count; i++)
		if (!kept || lsvm_addr_compare(&config->addresses[i],
					       &config->addresses[kept - 1]))
			config->addresses[kept++] = config->addresses[i];
	config->address_count = kept;
}
