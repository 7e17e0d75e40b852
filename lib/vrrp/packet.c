/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VRRP packets: RFC 9568, section 5, and RFC 3768, section 5.
 *
 *	version 3                             version 2
 *	version 3, type 1                     version 2, type 1
 *	router id                             router id
 *	priority                              priority
 *	count of addresses                    count of addresses
 *	reserved 4 bits, interval in 10 ms    authentication type, interval in seconds
 *	checksum                              checksum
 *	addresses                             addresses
 *	                                      8 bytes of authentication (IPv4)
 *
 * The checksum covers a pseudo-header of source, destination, length and protocol, but
 * for version 2 over IPv4. No RFC has version 2 over IPv6; keepalived sends it with the
 * pseudo-header, as every protocol above IPv6 has one, and without bytes for
 * authentication.
 *
 * What would keep neighbours' virtual routers from living beside ours is looked at first:
 * a packet with another router id is none of our business, however wrong it is.
 */
#include "vrrp/vrrp.h"

#define HEADER_BYTES 8
#define AUTH_BYTES 8
#define TYPE_ADVERT 1
#define NS_PER_MS UINT64_C(1000000)

static const struct word refusals[] = {
	{ VRRP_GOOD, "good" },
	{ VRRP_REFUSED_SHORT, "short" },
	{ VRRP_REFUSED_FAMILY, "family" },
	{ VRRP_REFUSED_ROUTER_ID, "router-id" },
	{ VRRP_REFUSED_OWN, "own-address" },
	{ VRRP_REFUSED_SENDER, "sender" },
	{ VRRP_REFUSED_DESTINATION, "destination" },
	{ VRRP_REFUSED_TTL, "ttl" },
	{ VRRP_REFUSED_VERSION, "version" },
	{ VRRP_REFUSED_TYPE, "type" },
	{ VRRP_REFUSED_AUTH, "authentication" },
	{ VRRP_REFUSED_LENGTH, "length" },
	{ VRRP_REFUSED_CHECKSUM, "checksum" },
	{ VRRP_REFUSED_INTERVAL, "interval" },
	{ VRRP_REFUSED_ADDRESSES, "addresses" },
	{ VRRP_DIFFERENT_ADDRESSES, "addresses-differ" },
	{ VRRP_DIFFERENT_INTERVAL, "interval-differs" },
	{ 0, NULL },
};

const char *lsvm_vrrp_refusal_name(enum vrrp_refusal refusal)
{
	return lsvm_word_name(refusals, refusal);
}

struct addr lsvm_vrrp_group(uint8_t family)
{
	return family == 4 ? (struct addr){ 4, { 224, 0, 0, 18 } }
			   : (struct addr){ 6, { 0xff, 2, [15] = 0x12 } };
}

static size_t address_bytes(uint8_t family)
{
	return family == 4 ? 4 : 16;
}

static size_t auth_bytes(const struct vrrp_config *config)
{
	return config->version == 2 && config->family == 4 ? AUTH_BYTES : 0;
}

/* ---- checksum, RFC 1071 ---- */

static uint64_t sum_of(uint64_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (length % 2)
		sum += (uint32_t)bytes[length - 1] << 8;
	return sum;
}

/* 0 over a packet whose checksum is right. */
static uint16_t checksum_of(const struct vrrp_config *config, const struct addr *src,
			    const struct addr *dst, const uint8_t *bytes, size_t length)
{
	uint64_t sum = sum_of(0, bytes, length);

	if (config->version != 2 || config->family != 4) {
		sum = sum_of(sum, src->bytes, address_bytes(config->family));
		sum = sum_of(sum, dst->bytes, address_bytes(config->family));
		sum += length + VRRP_PROTOCOL;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* ---- writing ---- */

static uint16_t interval_field(const struct vrrp_config *config)
{
	return (uint16_t)(config->version == 2 ? config->advert_interval_ms / 1000
					       : config->advert_interval_ms / 10);
}

size_t lsvm_vrrp_encode(const struct vrrp_config *config, uint8_t priority,
			const struct addr *destination, uint8_t *buf)
{
	const size_t each = address_bytes(config->family);
	size_t length = HEADER_BYTES;
	uint16_t field = interval_field(config);

	buf[0] = (uint8_t)(config->version << 4 | TYPE_ADVERT);
	buf[1] = config->router_id;
	buf[2] = priority;
	buf[3] = (uint8_t)config->address_count;
	buf[4] = (uint8_t)(field >> 8);
	buf[5] = (uint8_t)field;
	buf[6] = buf[7] = 0;
	for (size_t i = 0; i < config->address_count; i++, length += each)
		memcpy(buf + length, config->addresses[i].bytes, each);
	memset(buf + length, 0, auth_bytes(config));
	length += auth_bytes(config);
	field = checksum_of(config, &config->source, destination, buf, length);
	buf[6] = (uint8_t)(field >> 8);
	buf[7] = (uint8_t)field;
	return length;
}

/* ---- reading ---- */

static bool is_peer(const struct vrrp_config *config, const struct addr *addr)
{
	for (size_t i = 0; i < config->peer_count; i++)
		if (!lsvm_addr_compare(&config->peers[i], addr))
			return true;
	return false;
}

/* What the IP header says. */
static enum vrrp_refusal refuse_header(const struct vrrp_config *config,
				       const struct addr *src, const struct addr *dst,
				       uint8_t ttl)
{
	const struct addr group = lsvm_vrrp_group(config->family);
	const uint8_t least =
		config->unicast && config->min_ttl ? config->min_ttl : VRRP_TTL;

	if (!lsvm_addr_compare(src, &config->source))
		return VRRP_REFUSED_OWN;
	if ((config->peer_count || config->unicast) && !is_peer(config, src))
		return VRRP_REFUSED_SENDER;
	if (lsvm_addr_compare(dst, config->unicast ? &config->source : &group))
		return VRRP_REFUSED_DESTINATION;
	return ttl < least ? VRRP_REFUSED_TTL : VRRP_GOOD;
}

static bool is_listed(const struct vrrp_config *config, const uint8_t *address)
{
	const size_t each = address_bytes(config->family);

	for (size_t i = 0; i < config->address_count; i++)
		if (!memcmp(config->addresses[i].bytes, address, each))
			return true;
	return false;
}

/* Compared as sets: keepalived sends them in the order of its file. Ours are in order
 * mostly, so the same list is met first. */
static enum vrrp_refusal compare_addresses(const struct vrrp_config *config,
					   const uint8_t *list, size_t count)
{
	const size_t each = address_bytes(config->family);
	size_t same = 0, shared = 0;

	while (same < count && same < config->address_count &&
	       !memcmp(config->addresses[same].bytes, list + same * each, each))
		same++;
	if (same == count && same == config->address_count)
		return VRRP_GOOD;
	for (size_t i = 0; i < count; i++)
		shared += is_listed(config, list + i * each);
	if (!shared)
		return VRRP_REFUSED_ADDRESSES;
	/* A list with doubles of ours may pass for the same: it claims nothing else. */
	return shared == count && count == config->address_count
		       ? VRRP_GOOD
		       : VRRP_DIFFERENT_ADDRESSES;
}

static enum vrrp_refusal read_interval(const struct vrrp_config *config, uint16_t field,
				       struct vrrp_advert *advert)
{
	const uint16_t ours = interval_field(config);

	if (config->version == 2) {
		if (field >> 8)
			return VRRP_REFUSED_AUTH;
		if (field != ours)
			return VRRP_REFUSED_INTERVAL;
		advert->interval_ns = field * 1000 * NS_PER_MS;
		return VRRP_GOOD;
	}
	field &= 0x0fff;
	if (!field)
		return VRRP_REFUSED_INTERVAL;
	if (field != ours)
		advert->remark = VRRP_DIFFERENT_INTERVAL;
	advert->interval_ns = field * 10 * NS_PER_MS;
	return VRRP_GOOD;
}

enum vrrp_refusal lsvm_vrrp_decode(const struct vrrp_config *config,
				   const struct addr *src, const struct addr *dst,
				   uint8_t ttl, const uint8_t *bytes, size_t length,
				   struct vrrp_advert *ret)
{
	struct reader reader = { bytes, length, false };
	const uint8_t start = lsvm_read_u8(&reader), router_id = lsvm_read_u8(&reader);
	const uint8_t priority = lsvm_read_u8(&reader), count = lsvm_read_u8(&reader);
	const uint16_t interval = lsvm_read_be16(&reader);
	struct vrrp_advert advert = { .priority = priority };
	enum vrrp_refusal refusal;
	const uint8_t *list;

	lsvm_read_be16(&reader); /* the checksum, summed up with the rest */
	if (src->family != config->family || dst->family != config->family)
		return VRRP_REFUSED_FAMILY;
	if (reader.failed)
		return VRRP_REFUSED_SHORT;
	if (router_id != config->router_id)
		return VRRP_REFUSED_ROUTER_ID;
	refusal = refuse_header(config, src, dst, ttl);
	if (refusal != VRRP_GOOD)
		return refusal;
	if (start >> 4 != config->version)
		return VRRP_REFUSED_VERSION;
	if ((start & 0xf) != TYPE_ADVERT)
		return VRRP_REFUSED_TYPE;
	list = lsvm_read_bytes(&reader, count * address_bytes(config->family));
	if (config->version == 2 && interval >> 8)
		return VRRP_REFUSED_AUTH;
	lsvm_read_bytes(&reader, auth_bytes(config));
	if (reader.failed || reader.left)
		return VRRP_REFUSED_LENGTH;
	if (checksum_of(config, src, dst, bytes, length))
		return VRRP_REFUSED_CHECKSUM;
	refusal = read_interval(config, interval, &advert);
	if (refusal == VRRP_GOOD) {
		refusal = compare_addresses(config, list, count);
		if (refusal == VRRP_DIFFERENT_ADDRESSES) {
			advert.remark = refusal;
			refusal = VRRP_GOOD;
		}
	}
	if (refusal == VRRP_GOOD)
		*ret = advert;
	return refusal;
}
