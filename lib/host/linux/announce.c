/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Telling the neighbours that addresses have moved here: an ARP announcement (RFC 5227,
 * section 3, request and reply, since some update on one only) or an unsolicited
 * neighbour advertisement (RFC 4861, section 7.2.6). Best effort: who did not hear asks.
 *
 * A takeover waits for it, with every virtual address there is: so one packet socket for
 * both families and all interfaces, and few system calls for many addresses. The frames
 * are whole, so that an address need not be usable as a source yet.
 */
#include "host/linux/linux.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip6.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64

struct card {
	const char *interface; /* NULL: none was looked for yet */
	bool usable;
	int index;
	uint8_t mac[ETH_ALEN];
};

struct advertisement {
	struct ip6_hdr ip;
	struct nd_neighbor_advert advert;
	struct nd_opt_hdr option;
	uint8_t mac[ETH_ALEN];
};

union frame {
	struct ether_arp arp;
	struct advertisement advertisement;
};

struct batch {
	int sock;
	unsigned count;
	struct mmsghdr headers[BATCH];
	struct iovec parts[BATCH];
	struct sockaddr_ll to[BATCH];
	union frame frames[BATCH];
};

/* Only an Ethernet that is up and speaks ARP has neighbours to tell. */
static void find_card(int sock, const char *interface, struct card *ret)
{
	struct ifreq request = { 0 };

	*ret = (struct card){ .interface = interface };
	memcpy(request.ifr_name, interface, IFNAMSIZ - 1);
	if (ioctl(sock, SIOCGIFFLAGS, &request) || !(request.ifr_flags & IFF_UP) ||
	    (request.ifr_flags & (IFF_LOOPBACK | IFF_NOARP)) ||
	    ioctl(sock, SIOCGIFHWADDR, &request) ||
	    request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return;
	memcpy(ret->mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	if (ioctl(sock, SIOCGIFINDEX, &request))
		return;
	ret->index = request.ifr_ifindex;
	ret->usable = true;
}

/* One that the kernel does not take is left out. */
static void flush(struct batch *batch)
{
	unsigned done = 0;

	while (done < batch->count) {
		int sent = sendmmsg(batch->sock, &batch->headers[done],
				    batch->count - done, MSG_DONTWAIT);

		done += sent > 0 ? (unsigned)sent : 1;
	}
	batch->count = 0;
}

static union frame *add_frame(struct batch *batch, const struct card *card,
			      uint16_t protocol, size_t length)
{
	unsigned at;

	if (batch->count == BATCH)
		flush(batch);
	at = batch->count++;
	batch->to[at] = (struct sockaddr_ll){ .sll_family = AF_PACKET,
					      .sll_protocol = htons(protocol),
					      .sll_ifindex = card->index,
					      .sll_halen = ETH_ALEN };
	batch->parts[at] = (struct iovec){ &batch->frames[at], length };
	batch->headers[at] =
		(struct mmsghdr){ .msg_hdr = { .msg_name = &batch->to[at],
					       .msg_namelen = sizeof(batch->to[at]),
					       .msg_iov = &batch->parts[at],
					       .msg_iovlen = 1 } };
	memset(&batch->frames[at], 0, sizeof(batch->frames[at]));
	return &batch->frames[at];
}

static void announce_ipv4(struct batch *batch, const struct card *card,
			  const struct addr *addr, uint16_t operation)
{
	struct ether_arp *arp =
		&add_frame(batch, card, ETH_P_ARP, sizeof(struct ether_arp))->arp;

	memset(batch->to[batch->count - 1].sll_addr, 0xff, ETH_ALEN);
	arp->ea_hdr = (struct arphdr){ .ar_hrd = htons(ARPHRD_ETHER),
				       .ar_pro = htons(ETH_P_IP),
				       .ar_hln = ETH_ALEN,
				       .ar_pln = 4,
				       .ar_op = htons(operation) };
	memcpy(arp->arp_sha, card->mac, ETH_ALEN);
	memcpy(arp->arp_spa, addr->bytes, 4);
	memcpy(arp->arp_tpa, addr->bytes, 4);
}

/* Of the addresses, the length, the protocol and everything behind the IPv6 header. */
static uint16_t checksum_of(const struct advertisement *advertisement)
{
	const uint8_t *bytes =
		(const uint8_t *)advertisement + offsetof(struct ip6_hdr, ip6_src);
	uint32_t sum = sizeof(*advertisement) - sizeof(struct ip6_hdr) + IPPROTO_ICMPV6;

	for (size_t i = 0; i < sizeof(*advertisement) - offsetof(struct ip6_hdr, ip6_src);
	     i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void announce_ipv6(struct batch *batch, const struct card *card,
			  const struct addr *addr)
{
	static const uint8_t all_nodes_mac[ETH_ALEN] = { 0x33, 0x33, [5] = 1 };
	static const struct in6_addr all_nodes = { { { 0xff, 2, [15] = 1 } } };
	struct advertisement *packet =
		&add_frame(batch, card, ETH_P_IPV6, sizeof(*packet))->advertisement;

	memcpy(batch->to[batch->count - 1].sll_addr, all_nodes_mac, ETH_ALEN);
	packet->ip.ip6_flow = htonl(6u << 28);
	packet->ip.ip6_plen = htons(sizeof(*packet) - sizeof(packet->ip));
	packet->ip.ip6_nxt = IPPROTO_ICMPV6;
	packet->ip.ip6_hlim = 255;
	memcpy(&packet->ip.ip6_src, addr->bytes, 16);
	packet->ip.ip6_dst = all_nodes;
	packet->advert.nd_na_type = ND_NEIGHBOR_ADVERT;
	packet->advert.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
	memcpy(&packet->advert.nd_na_target, addr->bytes, 16);
	packet->option.nd_opt_type = ND_OPT_TARGET_LINKADDR;
	packet->option.nd_opt_len = 1;
	memcpy(packet->mac, card->mac, ETH_ALEN);
	packet->advert.nd_na_cksum = checksum_of(packet);
}

void lsvm_linux_announce_all(const struct address *addresses, size_t count)
{
	struct batch batch = {
		.sock = count ? socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1
	};
	struct card card = { 0 };

	if (batch.sock < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct address *address = &addresses[i];

		if (!card.interface || strcmp(card.interface, address->interface) != 0)
			find_card(batch.sock, address->interface, &card);
		if (!card.usable)
			continue;
		if (address->prefix.addr.family == 4) {
			announce_ipv4(&batch, &card, &address->prefix.addr,
				      ARPOP_REQUEST);
			announce_ipv4(&batch, &card, &address->prefix.addr, ARPOP_REPLY);
		} else {
			announce_ipv6(&batch, &card, &address->prefix.addr);
		}
	}
	flush(&batch);
	close(batch.sock);
}
