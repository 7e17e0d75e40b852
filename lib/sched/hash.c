/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * By address alone: dh (the destination's), sh and mh (the client's).
 *
 * dh deals 256 slots to the destinations in turn; sh gives each as many in a row as its
 * weight says, at least one. mh is Maglev: every destination walks its own permutation of
 * 4,093 slots and takes the next free one, in each round as many as its turns: the last
 * weight that was not 0, over the common divisor, shifted to fit six bits. So a drained
 * destination keeps its slots, and its clients are refused or fall back.
 *
 * Tables follow from the list of destinations; they are built when they are asked for.
 * The keys of mh's hash are the kernel's constants. Sources: Linux 6.1; M. Eisenbud and
 * others, "Maglev: A Fast and Reliable Software Network Load Balancer", 2016.
 */
#include "sched/sched.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdlib.h>

#define MAGLEV_KEY_OFFSET UINT64_C(2654435761)
#define MAGLEV_KEY_SKIP UINT64_C(2654446892)
#define MAGLEV_TURN_BITS 6

static uint32_t be32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}

uint32_t lsvm_sched_fold(uint8_t family, const uint8_t *bytes, uint8_t own_family)
{
	/* The kernel looks at the service's family, not at the address's own; behind an
	 * IPv4 address it has zeros. */
	if (family == 4 || own_family == 4)
		return be32(bytes);
	return be32(bytes) ^ be32(bytes + 4) ^ be32(bytes + 8) ^ be32(bytes + 12);
}

uint32_t lsvm_sched_multiply(uint32_t value, unsigned bits)
{
	return value * UINT32_C(0x61c88647) >> (32 - bits);
}

static inline uint64_t rotate(uint64_t value, unsigned by)
{
	return value << by | value >> (64 - by);
}

struct sip {
	uint64_t a, b, c, d;
};

static inline void sip_round(struct sip *v)
{
	v->a += v->b;
	v->b = rotate(v->b, 13) ^ v->a;
	v->a = rotate(v->a, 32);
	v->c += v->d;
	v->d = rotate(v->d, 16) ^ v->c;
	v->a += v->d;
	v->d = rotate(v->d, 21) ^ v->a;
	v->c += v->b;
	v->b = rotate(v->b, 17) ^ v->c;
	v->c = rotate(v->c, 32);
}

/* SipHash-1-3 of four bytes under a key of two equal halves, folded to 32 bits. */
uint32_t lsvm_sched_siphash(uint32_t value, uint64_t key)
{
	const uint64_t block = UINT64_C(4) << 56 | value;
	struct sip v = { key ^ UINT64_C(0x736f6d6570736575),
			 key ^ UINT64_C(0x646f72616e646f6d),
			 key ^ UINT64_C(0x6c7967656e657261),
			 key ^ UINT64_C(0x7465646279746573) };

	v.d ^= block;
	sip_round(&v);
	v.a ^= block;
	v.c ^= 0xff;
	sip_round(&v);
	sip_round(&v);
	sip_round(&v);
	return (uint32_t)(v.a ^ v.b ^ v.c ^ v.d);
}

int lsvm_hash_notice(struct lsvm_sched *s, enum sched_event event,
		     struct sched_dest *dest)
{
	/* Past that many the kernel leaves mh's table as it was. */
	if (event != SCHED_BEGIN && s->scheduler->pick == lsvm_mh_pick &&
	    s->present_count > SCHED_MAGLEV_SLOTS)
		return 0;
	s->slots_stale = true;
	return 0;
}

static void deal(struct lsvm_sched *s, bool by_weight)
{
	struct sched_dest *dest = s->list.next;
	int32_t dealt = 0;

	for (size_t i = 0; i < SCHED_HASH_SLOTS; i++) {
		if (dest == &s->list)
			dest = dest->next;
		s->slots[i] = s->present_count ? dest : NULL;
		if (!by_weight || ++dealt >= dest->weight) {
			dest = dest->next;
			dealt = 0;
		}
	}
}

static uint32_t divisor_of(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* How each destination walks the slots. False: none has or had a weight. */
static bool prepare_walks(struct lsvm_sched *s)
{
	uint32_t divisor = 0, heaviest = 0;
	unsigned shift = 0;

	each_dest(s, dest)
	{
		if (dest->last_weight <= 0)
			continue;
		divisor = divisor_of((uint32_t)dest->last_weight, divisor);
		if ((uint32_t)dest->last_weight > heaviest)
			heaviest = (uint32_t)dest->last_weight;
	}
	if (!divisor)
		return false;
	while (heaviest / divisor >> shift >> MAGLEV_TURN_BITS)
		shift++;
	each_dest(s, dest)
	{
		const uint32_t value =
			dest->name.port + lsvm_sched_fold(s->key.addr.family,
							  dest->name.bytes,
							  dest->name.family);
		const uint32_t turns = (uint32_t)dest->last_weight / divisor >> shift;

		dest->offset =
			lsvm_sched_siphash(value, MAGLEV_KEY_OFFSET) % SCHED_MAGLEV_SLOTS;
		dest->skip = lsvm_sched_siphash(value, MAGLEV_KEY_SKIP) %
				     (SCHED_MAGLEV_SLOTS - 1) +
			     1;
		dest->turns = turns ? turns : dest->last_weight != 0;
	}
	return true;
}

static void fill_by_walks(struct lsvm_sched *s)
{
	size_t taken = 0;

	memset(s->slots, 0, SCHED_MAGLEV_SLOTS * sizeof(struct sched_dest *));
	if (!prepare_walks(s))
		return;
	for (;;) {
		each_dest(s, dest)
		{
			for (uint32_t turn = 0; turn < dest->turns; turn++) {
				while (s->slots[dest->offset]) {
					dest->offset += dest->skip;
					if (dest->offset >= SCHED_MAGLEV_SLOTS)
						dest->offset -= SCHED_MAGLEV_SLOTS;
				}
				s->slots[dest->offset] = dest;
				if (++taken == SCHED_MAGLEV_SLOTS)
					return;
			}
		}
	}
}

static void build_slots(struct lsvm_sched *s)
{
	if (!s->slots_stale)
		return;
	if (s->scheduler->pick == lsvm_mh_pick)
		fill_by_walks(s);
	else
		deal(s, s->scheduler->pick == lsvm_sh_pick);
	s->slots_stale = false;
}

static bool is_unavailable(const struct sched_dest *dest)
{
	return dest->weight <= 0 || dest->overloaded;
}

static uint32_t folded(const struct lsvm_sched *s, const struct addr *addr)
{
	return lsvm_sched_fold(s->key.addr.family, addr->bytes, addr->family);
}

/* What sh and mh hash: the client, and its port where the service has that flag. */
static uint32_t client_value(const struct lsvm_sched *s,
			     const struct sched_packet *packet)
{
	const bool has_port = packet->protocol == IPPROTO_TCP ||
			      packet->protocol == IPPROTO_UDP ||
			      packet->protocol == IPPROTO_SCTP;
	uint32_t value = folded(s, &packet->client);

	if (s->flags & IP_VS_SVC_F_SCHED2 && has_port)
		value += packet->client_port;
	return value;
}

static uint32_t sh_slot(uint32_t value, uint32_t offset)
{
	return (offset + lsvm_sched_multiply(value, 8)) % SCHED_HASH_SLOTS;
}

static uint32_t mh_slot(uint32_t value, uint32_t offset)
{
	return lsvm_sched_siphash(value + offset, MAGLEV_KEY_OFFSET) % SCHED_MAGLEV_SLOTS;
}

/* The client's own slot; with the fallback flag, from there on the first that serves. */
static struct sched_dest *by_client(struct lsvm_sched *s,
				    const struct sched_packet *packet, uint32_t size,
				    uint32_t (*slot)(uint32_t, uint32_t))
{
	const uint32_t value = client_value(s, packet), home = slot(value, 0);
	struct sched_dest *dest;

	build_slots(s);
	dest = s->slots[home];
	if (!dest || !is_unavailable(dest))
		return dest;
	if (!(s->flags & IP_VS_SVC_F_SCHED1))
		return NULL;
	for (uint32_t offset = 0; offset < size; offset++) {
		dest = s->slots[slot(value, (home + offset) % size)];
		if (!dest || !is_unavailable(dest))
			return dest;
	}
	return NULL;
}

int lsvm_sh_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		 struct sched_dest **ret)
{
	*ret = by_client(s, packet, SCHED_HASH_SLOTS, sh_slot);
	return 0;
}

int lsvm_mh_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		 struct sched_dest **ret)
{
	*ret = by_client(s, packet, SCHED_MAGLEV_SLOTS, mh_slot);
	return 0;
}

int lsvm_dh_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		 struct sched_dest **ret)
{
	struct sched_dest *dest = lsvm_sched_home(s, packet);

	*ret = dest && !is_unavailable(dest) ? dest : NULL;
	return 0;
}

struct sched_dest *lsvm_sched_home(struct lsvm_sched *s,
				   const struct sched_packet *packet)
{
	const uint32_t value = client_value(s, packet);

	build_slots(s);
	if (s->scheduler->pick == lsvm_dh_pick)
		return s->slots[lsvm_sched_multiply(folded(s, &packet->virtual), 8)];
	if (s->scheduler->pick == lsvm_sh_pick)
		return s->slots[sh_slot(value, 0)];
	return s->slots[mh_slot(value, 0)];
}
