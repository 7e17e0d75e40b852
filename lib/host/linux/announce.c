/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Telling the neighbours that an address has moved here: an ARP announcement (RFC 5227,
 * section 3, request and reply, since some update on one only) or an unsolicited
 * neighbour advertisement (RFC 4861, section 7.2.6). Best effort: who did not hear asks.
 */
#include "host/linux/linux.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct card {
	int index;
	uint8_t mac[ETH_ALEN];
};

/* Only an Ethernet that is up and speaks ARP has neighbours to tell. */
static bool find_card(const char *interface, struct card *ret)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };
	bool good;

	if (sock < 0)
		return false;
	memcpy(request.ifr_name, interface, IFNAMSIZ - 1);
	good = ioctl(sock, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) &&
	       !(request.ifr_flags & (IFF_LOOPBACK | IFF_NOARP)) &&
	       ioctl(sock, SIOCGIFHWADDR, &request) == 0 &&
	       request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
	if (good)
		memcpy(ret->mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	if (good && ioctl(sock, SIOCGIFINDEX, &request) == 0)
		ret->index = request.ifr_ifindex;
	else
		good = false;
	close(sock);
	return good;
}

static void announce_ipv4(const struct addr *addr, const struct card *card)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ARP),
				  .sll_ifindex = card->index,
				  .sll_halen = ETH_ALEN };
	struct ether_arp arp = { .ea_hdr = { .ar_hrd = htons(ARPHRD_ETHER),
					     .ar_pro = htons(ETH_P_IP),
					     .ar_hln = ETH_ALEN,
					     .ar_pln = 4 } };
	static const uint16_t operations[] = { ARPOP_REQUEST, ARPOP_REPLY };
	int sock = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return;
	memset(to.sll_addr, 0xff, ETH_ALEN);
	memcpy(arp.arp_sha, card->mac, ETH_ALEN);
	memcpy(arp.arp_spa, addr->bytes, 4);
	memcpy(arp.arp_tpa, addr->bytes, 4);
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		arp.ea_hdr.ar_op = htons(operations[i]);
		(void)!sendto(sock, &arp, sizeof(arp), MSG_DONTWAIT,
			      (struct sockaddr *)&to, sizeof(to));
	}
	close(sock);
}

static void announce_ipv6(const struct addr *addr, const struct card *card)
{
	struct {
		struct nd_neighbor_advert advert;
		struct nd_opt_hdr option;
		uint8_t mac[ETH_ALEN];
	} packet = { .advert.nd_na_type = ND_NEIGHBOR_ADVERT,
		     .advert.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE,
		     .option = { .nd_opt_type = ND_OPT_TARGET_LINKADDR,
				 .nd_opt_len = 1 } };
	struct sockaddr_in6 from = { .sin6_family = AF_INET6 };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6,
				   .sin6_scope_id = (uint32_t)card->index };
	int sock = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	int hops = 255;

	if (sock < 0)
		return;
	memcpy(&packet.advert.nd_na_target, addr->bytes, 16);
	memcpy(packet.mac, card->mac, ETH_ALEN);
	memcpy(&from.sin6_addr, addr->bytes, 16);
	inet_pton(AF_INET6, "ff02::1", &to.sin6_addr);
	if (setsockopt(sock, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) ==
		    0 &&
	    setsockopt(sock, IPPROTO_IPV6, IPV6_MULTICAST_IF, &card->index,
		       sizeof(card->index)) == 0 &&
	    bind(sock, (struct sockaddr *)&from, sizeof(from)) == 0)
		(void)!sendto(sock, &packet, sizeof(packet), MSG_DONTWAIT,
			      (struct sockaddr *)&to, sizeof(to));
	close(sock);
}

void lsvm_linux_announce(const struct address *address)
{
	struct card card;

	if (!find_card(address->interface, &card))
		return;
	if (address->prefix.addr.family == 4)
		announce_ipv4(&address->prefix.addr, &card);
	else
		announce_ipv6(&address->prefix.addr, &card);
}
