/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Adverts byte by byte: as the RFCs draw them, as keepalived sends them, and whatever is
 * refused. */
#include "vrrp_support.h"

#include <stdio.h>
#include <stdlib.h>

static struct addr other(uint8_t family)
{
	return address(family == 4 ? "192.0.2.2" : "fe80::2");
}

/* Summed by hand from the drawings. */
static void an_advert_is_as_the_rfcs_draw_it(void **state)
{
	/* 3133+6402+0064 + c633+6407+c633+6408 + c000+0201+e000+0012+0010+0070 */
	static const uint8_t v3[] = { 0x31, 51, 100, 2, 0,   100, 0x73, 0x5a,
				      198,  51, 100, 7, 198, 51,  100,	8 };
	/* 2133+6402+0001 + c633+6407+c633+6408 */
	static const uint8_t v2[] = {
		0x21, 51, 100, 2, 0, 1, 0x26, 0x52, 198, 51, 100, 7,
		198,  51, 100, 8, 0, 0, 0,    0,    0,	 0,  0,	  0
	};
	uint8_t buf[VRRP_PACKET_MAX_BYTES];
	struct addr group = lsvm_vrrp_group(4);
	struct vrrp_config config = router(3, 4);

	(void)state;
	assert_int_equal(lsvm_vrrp_encode(&config, 100, &group, buf), sizeof(v3));
	assert_memory_equal(buf, v3, sizeof(v3));
	config.version = 2;
	assert_int_equal(lsvm_vrrp_encode(&config, 100, &group, buf), sizeof(v2));
	assert_memory_equal(buf, v2, sizeof(v2));
}

/* ---- keepalived's ---- */

struct recorded {
	struct vrrp_config config;
	char verdict[32];
	struct addr src, dst;
	uint8_t ttl, priority, frame[256];
	const uint8_t *payload;
	size_t length;
};

static void read_config(const char *line, struct recorded *ret)
{
	unsigned version, router_id, priority, interval;
	char how[16], *copy = strdup(line), *word;
	int used;

	*ret = (struct recorded){ 0 };
	assert_non_null(copy);
	assert_int_equal(sscanf(copy, "%u %u %u %u %15s %31s%n", &version, &router_id,
				&priority, &interval, how, ret->verdict, &used),
			 6);
	ret->priority = (uint8_t)priority;
	ret->config.version = (uint8_t)version;
	ret->config.router_id = (uint8_t)router_id;
	ret->config.priority = 90;
	ret->config.advert_interval_ms = interval;
	ret->config.unicast = !strcmp(how, "unicast");
	for (word = strtok(copy + used, " \n"); word; word = strtok(NULL, " \n"))
		ret->config.addresses[ret->config.address_count++] = address(word);
	ret->config.family = ret->config.addresses[0].family;
	free(copy);
}

static struct addr address_at(uint8_t family, const uint8_t *bytes)
{
	struct addr addr = { .family = family };

	memcpy(addr.bytes, bytes, family == 4 ? 4 : 16);
	return addr;
}

static void read_frame(const char *line, struct recorded *ret)
{
	const uint8_t *ip = ret->frame + 14;
	size_t length = 0;
	unsigned byte;

	while (sscanf(line + 2 * length, "%2x", &byte) == 1)
		ret->frame[length++] = (uint8_t)byte;
	if (ret->config.family == 4) {
		ret->src = address_at(4, ip + 12);
		ret->dst = address_at(4, ip + 16);
		ret->ttl = ip[8];
		ret->payload = ip + 20;
	} else {
		ret->src = address_at(6, ip + 8);
		ret->dst = address_at(6, ip + 24);
		ret->ttl = ip[7];
		ret->payload = ip + 40;
	}
	ret->length = length - (size_t)(ret->payload - ret->frame);
	ret->config.source = other(ret->config.family);
	if (ret->config.unicast) {
		ret->config.source = ret->dst;
		ret->config.peers[ret->config.peer_count++] = ret->src;
	}
}

/* The same advert from us has the same bytes: addresses in the order of its file. */
static void assert_encoded(const struct recorded *recorded)
{
	struct vrrp_config theirs = recorded->config;
	uint8_t buf[VRRP_PACKET_MAX_BYTES];

	theirs.source = recorded->src;
	assert_int_equal(
		lsvm_vrrp_encode(&theirs, recorded->priority, &recorded->dst, buf),
		recorded->length);
	assert_memory_equal(buf, recorded->payload, recorded->length);
}

static void assert_recorded(const struct recorded *recorded)
{
	struct vrrp_advert advert;
	enum vrrp_refusal refusal = lsvm_vrrp_decode(
		&recorded->config, &recorded->src, &recorded->dst, recorded->ttl,
		recorded->payload, recorded->length, &advert);

	assert_string_equal(lsvm_vrrp_refusal_name(refusal), recorded->verdict);
	if (refusal != VRRP_GOOD)
		return;
	assert_int_equal(advert.priority, recorded->priority);
	assert_int_equal(advert.interval_ns, recorded->config.advert_interval_ms * MS);
	assert_int_equal(advert.remark, VRRP_GOOD);
	assert_encoded(recorded);
}

static void keepalived_and_we_write_and_read_the_same(void **state)
{
	FILE *file = fopen("tests/unit/vrrp_recorded.txt", "r");
	struct recorded recorded;
	char line[1024];
	size_t count = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#')
			continue;
		read_config(line, &recorded);
		assert_non_null(fgets(line, sizeof(line), file));
		read_frame(line, &recorded);
		assert_recorded(&recorded);
		count++;
	}
	fclose(file);
	assert_int_equal(count, 11);
}

/* ---- refusals ---- */

/* An advert from the other to us, and how it arrives. */
struct arrival {
	struct vrrp_config config; /* ours */
	struct addr src, dst;
	uint8_t ttl, bytes[VRRP_PACKET_MAX_BYTES];
	size_t length;
};

static struct arrival good_arrival(uint8_t version, uint8_t family)
{
	struct arrival arrival = { .config = router(version, family), .ttl = 255 };
	struct vrrp_config theirs = arrival.config;

	arrival.src = theirs.source = other(family);
	arrival.dst = lsvm_vrrp_group(family);
	arrival.length = lsvm_vrrp_encode(&theirs, 150, &arrival.dst, arrival.bytes);
	return arrival;
}

static enum vrrp_refusal verdict(const struct arrival *arrival)
{
	const struct vrrp_advert untouched = { .priority = 77, .interval_ns = 78 };
	struct vrrp_advert advert = untouched;
	/* At the end of its own allocation, where a sanitizer sees what is read past it.
	 */
	uint8_t *bytes = malloc(arrival->length ? arrival->length : 1);
	enum vrrp_refusal refusal;

	assert_non_null(bytes);
	memcpy(bytes, arrival->bytes, arrival->length);
	refusal = lsvm_vrrp_decode(&arrival->config, &arrival->src, &arrival->dst,
				   arrival->ttl, bytes, arrival->length, &advert);
	free(bytes);
	if (refusal != VRRP_GOOD) {
		assert_int_equal(advert.priority, untouched.priority);
		assert_int_equal(advert.interval_ns, untouched.interval_ns);
	}
	return refusal;
}

/* Keeps the checksum right when one byte changes. */
static void set_byte(struct arrival *arrival, size_t at, uint8_t value)
{
	const unsigned shift = at % 2 ? 0 : 8;
	uint32_t sum = (uint16_t) ~(arrival->bytes[6] << 8 | arrival->bytes[7]);

	sum += ((uint32_t)value << shift) +
	       (0xffff - ((uint32_t)arrival->bytes[at] << shift));
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	arrival->bytes[at] = value;
	arrival->bytes[6] = (uint8_t)(~sum >> 8);
	arrival->bytes[7] = (uint8_t)~sum;
}

#define FOR_EACH_KIND(arrival)                                                           \
	for (uint8_t version = 2; version <= 3; version++)                               \
		for (uint8_t family = 4; family <= 6; family += 2)                       \
			for (struct arrival arrival = good_arrival(version, family),     \
					    *once = &arrival;                            \
			     once; once = NULL)

static void a_good_advert_is_taken(void **state)
{
	(void)state;
	FOR_EACH_KIND(arrival)
	assert_int_equal(verdict(&arrival), VRRP_GOOD);
}

static void a_packet_cut_anywhere_is_refused(void **state)
{
	(void)state;
	FOR_EACH_KIND(arrival)
	{
		const size_t whole = arrival.length;

		for (size_t length = 0; length < whole; length++) {
			arrival.length = length;
			assert_int_equal(verdict(&arrival),
					 length < 8 ? VRRP_REFUSED_SHORT
						    : VRRP_REFUSED_LENGTH);
		}
		arrival.length = whole + 1;
		arrival.bytes[whole] = 0;
		assert_int_equal(verdict(&arrival), VRRP_REFUSED_LENGTH);
	}
}

static void every_flipped_bit_is_noticed(void **state)
{
	(void)state;
	FOR_EACH_KIND(arrival)
	{
		for (size_t bit = 0; bit < arrival.length * 8; bit++) {
			arrival.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_not_equal(verdict(&arrival), VRRP_GOOD);
			arrival.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(verdict(&arrival), VRRP_GOOD);
	}
}

static void a_wrong_checksum_is_refused(void **state)
{
	(void)state;
	FOR_EACH_KIND(arrival)
	{
		arrival.bytes[7]++;
		assert_int_equal(verdict(&arrival), VRRP_REFUSED_CHECKSUM);
	}
}

static void an_advert_for_another_source_or_group_has_a_wrong_checksum(void **state)
{
	struct arrival arrival = good_arrival(3, 4);

	(void)state;
	arrival.src = address("192.0.2.77");
	assert_int_equal(verdict(&arrival), VRRP_REFUSED_CHECKSUM);
}

static void the_other_family_is_refused(void **state)
{
	struct arrival arrival = good_arrival(3, 4);

	(void)state;
	arrival.src = other(6);
	assert_int_equal(verdict(&arrival), VRRP_REFUSED_FAMILY);
}

static void another_router_id_is_none_of_our_business(void **state)
{
	(void)state;
	FOR_EACH_KIND(arrival)
	{
		set_byte(&arrival, 1, 52);
		assert_int_equal(verdict(&arrival), VRRP_REFUSED_ROUTER_ID);
		arrival.ttl = 1; /* whatever else is wrong with it */
		arrival.bytes[0] = 0;
		assert_int_equal(verdict(&arrival), VRRP_REFUSED_ROUTER_ID);
	}
}

static void our_own_address_looped_back_is_refused(void **state)
{
	(void)state;
	FOR_EACH_KIND(arrival)
	{
		arrival.src = arrival.config.source;
		assert_int_equal(verdict(&arrival), VRRP_REFUSED_OWN);
	}
}

static void who_is_no_peer_is_refused(void **state)
{
	struct arrival arrival = good_arrival(3, 4);

	(void)state;
	arrival.config.peers[arrival.config.peer_count++] = address("192.0.2.3");
	assert_int_equal(verdict(&arrival), VRRP_REFUSED_SENDER);
	arrival.config.peers[arrival.config.peer_count++] = arrival.src;
	assert_int_equal(verdict(&arrival), VRRP_GOOD);
}

static void a_wrong_destination_is_refused(void **state)
{
	struct arrival arrival = good_arrival(3, 4);

	(void)state;
	arrival.dst = arrival.config.source;
	assert_int_equal(verdict(&arrival), VRRP_REFUSED_DESTINATION);
	arrival = good_arrival(3, 4);
	arrival.config.unicast = true;
	arrival.config.peers[arrival.config.peer_count++] = arrival.src;
	assert_int_equal(verdict(&arrival), VRRP_REFUSED_DESTINATION);
}

static void who_came_through_a_router_is_refused(void **state)
{
	(void)state;
	FOR_EACH_KIND(arrival)
	{
		arrival.ttl = 254;
		assert_int_equal(verdict(&arrival), VRRP_REFUSED_TTL);
		arrival.config.min_ttl = 1; /* means unicast only */
		assert_int_equal(verdict(&arrival), VRRP_REFUSED_TTL);
	}
}

static void unicast_peers_may_be_allowed_to_come_through_routers(void **state)
{
	struct arrival arrival = good_arrival(3, 4);
	struct vrrp_config theirs = arrival.config;

	(void)state;
	theirs.source = arrival.src;
	arrival.config.unicast = true;
	arrival.config.peers[arrival.config.peer_count++] = arrival.src;
	arrival.dst = arrival.config.source;
	arrival.length = lsvm_vrrp_encode(&theirs, 150, &arrival.dst, arrival.bytes);
	assert_int_equal(verdict(&arrival), VRRP_GOOD);
	arrival.ttl = 250;
	assert_int_equal(verdict(&arrival), VRRP_REFUSED_TTL);
	arrival.config.min_ttl = 250;
	assert_int_equal(verdict(&arrival), VRRP_GOOD);
}

static void another_version_or_type_is_refused(void **state)
{
	(void)state;
	FOR_EACH_KIND(arrival)
	{
		const uint8_t start = arrival.bytes[0];

		for (unsigned value = 0; value < 256; value++) {
			if (value == start)
				continue;
			set_byte(&arrival, 0, (uint8_t)value);
			assert_int_equal(verdict(&arrival), value >> 4 != start >> 4
								    ? VRRP_REFUSED_VERSION
								    : VRRP_REFUSED_TYPE);
		}
	}
}

static void authentication_is_refused(void **state)
{
	struct arrival arrival = good_arrival(2, 4);

	(void)state;
	set_byte(&arrival, 4, 1);
	assert_int_equal(verdict(&arrival), VRRP_REFUSED_AUTH);
	set_byte(&arrival, 4, 0);
	set_byte(&arrival, arrival.length - 1, 'x'); /* data without a type is ignored */
	assert_int_equal(verdict(&arrival), VRRP_GOOD);
}

static void version_2_demands_the_same_interval(void **state)
{
	struct arrival arrival = good_arrival(2, 4);

	(void)state;
	set_byte(&arrival, 5, 2);
	assert_int_equal(verdict(&arrival), VRRP_REFUSED_INTERVAL);
}

static void version_3_learns_the_interval_but_not_zero(void **state)
{
	struct arrival arrival = good_arrival(3, 4);
	struct vrrp_advert advert;

	(void)state;
	set_byte(&arrival, 4, 0xf0); /* reserved bits are ignored */
	assert_int_equal(verdict(&arrival), VRRP_GOOD);
	set_byte(&arrival, 4, 0x01);
	set_byte(&arrival, 5, 0x02);
	assert_int_equal(lsvm_vrrp_decode(&arrival.config, &arrival.src, &arrival.dst,
					  255, arrival.bytes, arrival.length, &advert),
			 VRRP_GOOD);
	assert_int_equal(advert.interval_ns, 2580 * MS);
	assert_int_equal(advert.remark, VRRP_DIFFERENT_INTERVAL);
	set_byte(&arrival, 4, 0);
	set_byte(&arrival, 5, 0);
	assert_int_equal(verdict(&arrival), VRRP_REFUSED_INTERVAL);
}

static void another_routers_addresses_are_refused(void **state)
{
	struct arrival arrival = good_arrival(3, 4);
	struct vrrp_config theirs = arrival.config;

	(void)state;
	theirs.source = arrival.src;
	theirs.addresses[0] = address("203.0.113.1");
	theirs.addresses[1] = address("203.0.113.2");
	arrival.length = lsvm_vrrp_encode(&theirs, 255, &arrival.dst, arrival.bytes);
	assert_int_equal(verdict(&arrival), VRRP_REFUSED_ADDRESSES);
	theirs.address_count = 0;
	arrival.length = lsvm_vrrp_encode(&theirs, 255, &arrival.dst, arrival.bytes);
	assert_int_equal(verdict(&arrival), VRRP_REFUSED_ADDRESSES);
}

static enum vrrp_refusal remark_on(const struct arrival *arrival,
				   const struct vrrp_config *theirs)
{
	struct vrrp_advert advert = { 0 };
	uint8_t bytes[VRRP_PACKET_MAX_BYTES];
	size_t length = lsvm_vrrp_encode(theirs, 150, &arrival->dst, bytes);

	assert_int_equal(lsvm_vrrp_decode(&arrival->config, &arrival->src, &arrival->dst,
					  255, bytes, length, &advert),
			 VRRP_GOOD);
	return advert.remark;
}

/* One director has the new VIP already: nobody may be master of the old ones twice. */
static void lists_that_overlap_are_taken_and_remarked(void **state)
{
	struct arrival arrival = good_arrival(3, 4);
	struct vrrp_config theirs = arrival.config;

	(void)state;
	theirs.source = arrival.src;
	theirs.addresses[theirs.address_count++] = address("198.51.100.9");
	assert_int_equal(remark_on(&arrival, &theirs), VRRP_DIFFERENT_ADDRESSES);
	theirs.address_count = 1;
	assert_int_equal(remark_on(&arrival, &theirs), VRRP_DIFFERENT_ADDRESSES);
	theirs.addresses[1] = address("198.51.100.9");
	theirs.address_count = 2;
	assert_int_equal(remark_on(&arrival, &theirs), VRRP_DIFFERENT_ADDRESSES);
}

static void the_order_of_the_list_does_not_matter(void **state)
{
	struct arrival arrival = good_arrival(3, 4);
	struct vrrp_config theirs = arrival.config;

	(void)state;
	theirs.source = arrival.src;
	theirs.addresses[0] = arrival.config.addresses[1];
	theirs.addresses[1] = arrival.config.addresses[0];
	assert_int_equal(remark_on(&arrival, &theirs), VRRP_GOOD);
}

static void the_longest_list_fits_into_a_packet(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct arrival arrival = good_arrival(3, family);
		struct vrrp_config theirs;
		const unsigned most =
			family == 4 ? VRRP_ADDRESSES_MAX : VRRP_ADDRESSES_MAX_IPV6;

		for (unsigned i = 0; i < most; i++) {
			arrival.config.addresses[i] = arrival.config.addresses[0];
			arrival.config.addresses[i].bytes[3] = (uint8_t)i;
		}
		arrival.config.address_count = (uint16_t)most;
		theirs = arrival.config;
		theirs.source = arrival.src;
		arrival.length =
			lsvm_vrrp_encode(&theirs, 1, &arrival.dst, arrival.bytes);
		assert_true(arrival.length <= sizeof(arrival.bytes));
		assert_int_equal(verdict(&arrival), VRRP_GOOD);
	}
}

static void every_reason_has_a_word(void **state)
{
	(void)state;
	for (int i = 0; i < VRRP_REFUSAL_COUNT; i++)
		assert_string_not_equal(lsvm_vrrp_refusal_name((enum vrrp_refusal)i),
					"unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_advert_is_as_the_rfcs_draw_it),
		cmocka_unit_test(keepalived_and_we_write_and_read_the_same),
		cmocka_unit_test(a_good_advert_is_taken),
		cmocka_unit_test(a_packet_cut_anywhere_is_refused),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(a_wrong_checksum_is_refused),
		cmocka_unit_test(
			an_advert_for_another_source_or_group_has_a_wrong_checksum),
		cmocka_unit_test(the_other_family_is_refused),
		cmocka_unit_test(another_router_id_is_none_of_our_business),
		cmocka_unit_test(our_own_address_looped_back_is_refused),
		cmocka_unit_test(who_is_no_peer_is_refused),
		cmocka_unit_test(a_wrong_destination_is_refused),
		cmocka_unit_test(who_came_through_a_router_is_refused),
		cmocka_unit_test(unicast_peers_may_be_allowed_to_come_through_routers),
		cmocka_unit_test(another_version_or_type_is_refused),
		cmocka_unit_test(authentication_is_refused),
		cmocka_unit_test(version_2_demands_the_same_interval),
		cmocka_unit_test(version_3_learns_the_interval_but_not_zero),
		cmocka_unit_test(another_routers_addresses_are_refused),
		cmocka_unit_test(lists_that_overlap_are_taken_and_remarked),
		cmocka_unit_test(the_order_of_the_list_does_not_matter),
		cmocka_unit_test(the_longest_list_fits_into_a_packet),
		cmocka_unit_test(every_reason_has_a_word),
	};

	return RUN(tests);
}
