/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The wire itself: namespaces, frames seen and frames made. */
#include "vrrp_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#define ASK_NS (5 * MS)

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

void shell(const char *fmt, ...)
{
	char command[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

static struct addr address(const char *text)
{
	struct addr addr = { 0 };

	assert_true(lsvm_addr_parse(text, &addr));
	return addr;
}

static int card_number(const char *name)
{
	int number = (int)if_nametoindex(name);

	assert_true(number > 0);
	return number;
}

/* One program for all of it: each start costs a guest 25 ms. */
static void make_network(void)
{
	FILE *batch = popen("ip -batch -", "w");

	assert_non_null(batch);
	fputs("netns add ours\n"
	      "netns add theirs\n"
	      "link add c0 type bridge mcast_snooping 0\n"
	      "link add pa type veth peer name a0 netns ours\n"
	      "link add pb type veth peer name b0 netns theirs\n"
	      "link set pa master c0\n"
	      "link set pb master c0\n"
	      "link set pa up\n"
	      "link set pb up\n"
	      "link set c0 up\n"
	      "link set lo up\n"
	      "addr add 10.9.0.3/24 dev c0\n"
	      "addr add fe80::3/64 dev c0 nodad\n",
	      batch);
	assert_int_equal(pclose(batch), 0);
}

static void make_side(const char *name, const char *card, unsigned last)
{
	char command[64];
	FILE *batch;

	snprintf(command, sizeof(command), "ip -n %s -batch -", name);
	batch = popen(command, "w");
	assert_non_null(batch);
	fprintf(batch,
		"link set lo up\n"
		"link set %s addrgenmode none\n"
		"link set %s up\n"
		"addr add 10.9.0.%u/24 dev %s\n"
		"addr add fe80::%u/64 dev %s nodad\n"
		"addr add 2001:db8::%u/64 dev %s nodad\n",
		card, card, last, card, last, card, last, card);
	assert_int_equal(pclose(batch), 0);
}

void wire_up(struct wire *wire, uint8_t version, uint8_t family, uint32_t interval_ms)
{
	struct ifreq request = { .ifr_name = "c0" };

	memset(wire, 0, sizeof(*wire));
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	make_network();
	make_side("ours", "a0", 1);
	make_side("theirs", "b0", 2);
	wire->pa = card_number("pa");
	wire->pb = card_number("pb");
	wire->bridge = card_number("c0");
	wire->sock = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    htons(ETH_P_ALL));
	assert_true(wire->sock >= 0);
	assert_int_equal(ioctl(wire->sock, SIOCGIFHWADDR, &request), 0);
	memcpy(wire->mac, request.ifr_hwaddr.sa_data, 6);
	shell("rm -rf /tmp/machine0 /tmp/machine1; cd /tmp; mkdir -p "
	      "machine0/var/lib/svm "
	      "machine0/run/svm machine1/var/lib/svm machine1/run/svm; : >machine0/log");
	wire->log = fopen("/tmp/machine0/log", "r");
	assert_non_null(wire->log);
	wire->directors[OURS].priority = 100;
	wire->directors[THEIRS].priority = 100;
	wire->config = (struct vrrp_config){
		.name = "vip",
		.version = version,
		.family = family,
		.router_id = 51,
		.advert_interval_ms = interval_ms,
		.preempt = true,
		.source = address(family == 4 ? "10.9.0.1" : "fe80::1"),
		.addresses = { address(family == 4 ? "10.9.0.100" : "fe80::64"),
			       address(family == 4 ? "10.9.0.101" : "2001:db8::64") },
		.address_count = 2,
		.announce_count = 2,
		.announce_interval_ms = 200,
	};
}

void wire_use(struct wire *wire, enum side side, enum director_kind kind)
{
	wire->directors[side].kind = kind;
	/* A cluster's virtual addresses are not link-local. */
	if (kind == DIRECTOR_EDS && wire->config.family == 6)
		wire->config.addresses[0] = address("2001:db8::63");
}

void wire_use_unicast(struct wire *wire)
{
	struct vrrp_config *config = &wire->config;

	config->unicast = true;
	/* keepalived leaves the hop limit of these to the kernel. */
	config->min_ttl = config->family == 6 ? 64 : 255;
	config->peer_count = 1;
}

void wire_connect(struct wire *wire, enum side side, bool in)
{
	struct ifreq request = { 0 };

	strcpy(request.ifr_name, side == OURS ? "pa" : "pb");
	assert_int_equal(ioctl(wire->sock, SIOCGIFFLAGS, &request), 0);
	if (in)
		request.ifr_flags |= IFF_UP;
	else
		request.ifr_flags &= ~IFF_UP;
	assert_int_equal(ioctl(wire->sock, SIOCSIFFLAGS, &request), 0);
}

void wire_down(struct wire *wire)
{
	if (!wire->pa)
		return; /* it is down already */
	director_power_off(wire, OURS);
	director_power_off(wire, THEIRS);
	fclose(wire->log);
	close(wire->sock);
	wire->pa = 0;
	shell("ip netns del ours; ip netns del theirs; ip link del c0");
}

/* ---- frames that come ---- */

static void see_advert(struct wire *wire, struct sight *sight, const uint8_t *bytes,
		       size_t length)
{
	if (length < 8 || length > sizeof(sight->last) ||
	    bytes[1] != wire->config.router_id)
		return;
	memcpy(sight->last, bytes, length);
	sight->last_length = length;
	if (!bytes[2]) {
		sight->farewells++;
		return;
	}
	sight->advert_ns = now_ns();
	sight->priority = bytes[2];
	sight->adverts++;
}

static void see_answer(struct wire *wire, enum side side, bool to_us)
{
	const uint64_t now = now_ns();

	if (!to_us) {
		wire->sights[side].announcements++;
		return;
	}
	wire->sights[side].answers++;
	wire->sights[side].answer_ns = now;
	if (!wire->answered[side] && wire->answered[!side])
		wire->doubled_ns += ASK_NS;
	wire->answered[side] = true;
}

static void see_frame(struct wire *wire, enum side side, const uint8_t *frame,
		      size_t length)
{
	const struct addr *vip = &wire->config.addresses[0];
	const uint16_t type = (uint16_t)(frame[12] << 8 | frame[13]);
	const uint8_t *body = frame + 14;
	const bool to_us = !memcmp(frame, wire->mac, 6);

	if (type == ETH_P_IP && length >= 34 && body[9] == VRRP_PROTOCOL) {
		const size_t all = (size_t)(body[2] << 8 | body[3]);

		if (all >= 20 && all <= length - 14)
			see_advert(wire, &wire->sights[side], body + 20, all - 20);
	} else if (type == ETH_P_IPV6 && length >= 54 && body[6] == VRRP_PROTOCOL) {
		see_advert(wire, &wire->sights[side], body + 40, length - 54);
	} else if (type == ETH_P_ARP && length >= 42 && vip->family == 4 &&
		   !memcmp(body + 14, vip->bytes, 4)) {
		see_answer(wire, side, to_us);
	} else if (type == ETH_P_IPV6 && length >= 78 && vip->family == 6 &&
		   body[6] == IPPROTO_ICMPV6 && body[40] == ND_NEIGHBOR_ADVERT &&
		   !memcmp(body + 48, vip->bytes, 16)) {
		see_answer(wire, side, to_us);
	}
}

static void read_frames(struct wire *wire)
{
	struct sockaddr_ll from;
	uint8_t frame[2048];
	socklen_t size = sizeof(from);
	ssize_t length;

	while ((length = recvfrom(wire->sock, frame, sizeof(frame), 0,
				  (struct sockaddr *)&from, &size)) >= 0) {
		if (from.sll_pkttype == PACKET_OUTGOING || length < 42)
			continue;
		if (from.sll_ifindex == wire->pa)
			see_frame(wire, OURS, frame, (size_t)length);
		else if (from.sll_ifindex == wire->pb)
			see_frame(wire, THEIRS, frame, (size_t)length);
	}
	assert_int_equal(errno, EAGAIN);
}

/* ---- frames that go ---- */

static uint16_t checksum(uint32_t sum, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < length; i++)
		sum += (uint32_t)at[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void send_frame(struct wire *wire, int card, const void *frame, size_t length)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = card };

	assert_int_equal(
		sendto(wire->sock, frame, length, 0, (struct sockaddr *)&to, sizeof(to)),
		length);
}

static void ask_ipv4(struct wire *wire)
{
	struct {
		struct ether_header ethernet;
		struct ether_arp arp;
	} frame = { .ethernet.ether_type = htons(ETH_P_ARP),
		    .arp.ea_hdr = { htons(ARPHRD_ETHER), htons(ETH_P_IP), 6, 4,
				    htons(ARPOP_REQUEST) },
		    .arp.arp_spa = { 10, 9, 0, 3 } };

	memset(frame.ethernet.ether_dhost, 0xff, 6);
	memcpy(frame.ethernet.ether_shost, wire->mac, 6);
	memcpy(frame.arp.arp_sha, wire->mac, 6);
	memcpy(frame.arp.arp_tpa, wire->config.addresses[0].bytes, 4);
	send_frame(wire, wire->bridge, &frame, sizeof(frame));
}

static void ask_ipv6(struct wire *wire)
{
	const uint8_t *vip = wire->config.addresses[0].bytes;
	struct {
		struct ether_header ethernet;
		struct ip6_hdr ip;
		struct nd_neighbor_solicit solicit;
		struct nd_opt_hdr option;
		uint8_t mac[6];
	} __attribute__((packed)) frame = {
		.ethernet = { .ether_dhost = { 0x33, 0x33, 0xff, vip[13], vip[14],
					       vip[15] },
			      .ether_type = htons(ETH_P_IPV6) },
		.ip = { .ip6_flow = htonl(6u << 28),
			.ip6_plen = htons(32),
			.ip6_nxt = IPPROTO_ICMPV6,
			.ip6_hlim = 255,
			.ip6_src = { { { 0xfe, 0x80, [15] = 3 } } },
			.ip6_dst = { { { 0xff, 2, [11] = 1, 0xff, vip[13], vip[14],
					 vip[15] } } } },
		.solicit.nd_ns_type = ND_NEIGHBOR_SOLICIT,
		.option = { ND_OPT_SOURCE_LINKADDR, 1 },
	};

	memcpy(frame.ethernet.ether_shost, wire->mac, 6);
	memcpy(frame.mac, wire->mac, 6);
	memcpy(&frame.solicit.nd_ns_target, vip, 16);
	frame.solicit.nd_ns_cksum =
		checksum(32 + IPPROTO_ICMPV6, &frame.ip.ip6_src, 32 + 32);
	send_frame(wire, wire->bridge, &frame, sizeof(frame));
}

void wire_forge(struct wire *wire, const struct addr *from, uint8_t ttl,
		const uint8_t *bytes, size_t length)
{
	const struct addr group = lsvm_vrrp_group(wire->config.family);
	uint8_t frame[14 + 40 + VRRP_PACKET_MAX_BYTES] = { 1, 0, 0x5e, 0, 0, 0x12,
							   2, 0, 0,    0, 0, 0x66 };
	struct ip ip = { .ip_hl = 5, .ip_v = 4, .ip_ttl = ttl, .ip_p = VRRP_PROTOCOL };
	struct ip6_hdr ip6 = { .ip6_flow = htonl(6u << 28),
			       .ip6_plen = htons((uint16_t)length),
			       .ip6_nxt = VRRP_PROTOCOL,
			       .ip6_hlim = ttl };
	size_t head;

	if (wire->config.family == 4) {
		ip.ip_len = htons((uint16_t)(20 + length));
		memcpy(&ip.ip_src, from->bytes, 4);
		memcpy(&ip.ip_dst, group.bytes, 4);
		ip.ip_sum = checksum(0, &ip, sizeof(ip));
		memcpy(frame + 12, "\x08\x00", 2);
		memcpy(frame + 14, &ip, head = sizeof(ip));
	} else {
		memcpy(frame, "\x33\x33\0\0\0\x12", 6);
		memcpy(&ip6.ip6_src, from->bytes, 16);
		memcpy(&ip6.ip6_dst, group.bytes, 16);
		memcpy(frame + 12, "\x86\xdd", 2);
		memcpy(frame + 14, &ip6, head = sizeof(ip6));
	}
	memcpy(frame + 14 + head, bytes, length);
	send_frame(wire, wire->pa, frame, 14 + head + length);
}

/* ---- watching ---- */

/* Only whole lines: what is still being written waits. */
static void read_log(struct wire *wire)
{
	char line[sizeof(wire->lines[0])];
	long at = ftell(wire->log);

	clearerr(wire->log);
	while (fgets(line, sizeof(line), wire->log) && strchr(line, '\n')) {
		at = ftell(wire->log);
		line[strcspn(line, "\n")] = '\0';
		assert_true(wire->line_count < LOG_LINES);
		strcpy(wire->lines[wire->line_count++], line);
	}
	fseek(wire->log, at, SEEK_SET);
}

static void ask(struct wire *wire)
{
	for (int side = OURS; side <= THEIRS; side++) {
		if (wire->answered[side] && !wire->answered[!side])
			wire->alone[side]++;
		else
			wire->alone[side] = 0;
	}
	wire->answered[OURS] = wire->answered[THEIRS] = false;
	if (wire->config.family == 4)
		ask_ipv4(wire);
	else
		ask_ipv6(wire);
}

void wire_watch(struct wire *wire)
{
	struct pollfd fd = { wire->sock, POLLIN, 0 };
	const uint64_t now = now_ns();

	if (!wire->quiet && now - wire->asked_ns >= ASK_NS) {
		wire->asked_ns = now;
		ask(wire);
	}
	poll(&fd, 1, 2);
	read_frames(wire);
	read_log(wire);
}
