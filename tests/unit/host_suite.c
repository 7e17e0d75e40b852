/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host_suite.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define FOLDER "/mnt/lsvm"

struct machine {
	struct lsvm_ctx *ctx;
	struct lsvm_host *host;
};

static bool simulated;

/* ---- a fresh machine for each test: lo and eth0, both up ---- */

static void shell(const char *command)
{
	assert_int_equal(system(command), 0);
}

static void enter_namespaces(void)
{
	assert_int_equal(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("mnt", "/mnt", "tmpfs", 0, NULL), 0);
	assert_int_equal(mount("lib", "/var/lib", "tmpfs", 0, NULL), 0);
	/* In a fresh guest IPv6 is a module that nothing has loaded yet. */
	shell("modprobe -q ipv6 || true");
	shell("ip link set lo up && ip link add eth0 type veth peer name peer0 && "
	      "ip link set eth0 up && ip link set peer0 up");
	/* The kernel drops packets until it has noticed the cable, up to a second later.
	 */
	shell("for i in $(seq 300); do ip link show dev eth0 | grep -q 'state UP' && "
	      "exit 0; sleep 0.01; done; exit 1");
}

static int start(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	assert_int_equal(lsvm_ctx_new(&m->ctx), 0);
	if (simulated) {
		assert_int_equal(lsvm_host_new_simulated(m->ctx, "eps1", &m->host), 0);
		assert_int_equal(lsvm_host_simulate_interface(m->host, "eth0"), 0);
	} else {
		enter_namespaces();
		assert_int_equal(lsvm_host_open(m->ctx, "eps1", &m->host), 0);
	}
	*state = m;
	return 0;
}

static int stop(void **state)
{
	struct machine *m = *state;

	lsvm_host_free(m->host);
	lsvm_ctx_unref(m->ctx);
	free(m);
	return 0;
}

static int perform(struct machine *m, struct step step)
{
	uint64_t writes = lsvm_host_write_count(m->host);
	size_t done = 99;
	int err = lsvm_host_perform(m->host, &step, 1, &done);

	assert_int_equal(done, err < 0 ? 0 : 1);
	assert_int_equal(lsvm_host_write_count(m->host) - writes, done);
	return err;
}

#define STEP(m, step_kind, member, value)                                                \
	perform(m, (struct step){ .kind = step_kind, .member = value })

static void good(struct machine *m, int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(m->ctx));
}

/* The error, and a word that its sentence must have. */
static void bad(struct machine *m, int err, int wanted, const char *word)
{
	if (err != wanted || !strstr(lsvm_ctx_error_text(m->ctx), word))
		fail_msg("%s, not %s: %s", lsvm_err_name(err), lsvm_err_name(wanted),
			 lsvm_ctx_error_text(m->ctx));
}

static struct state *observe(struct machine *m, const struct state *wanted)
{
	struct state *present;

	good(m, lsvm_host_observe(m->host, wanted, NULL, &present));
	return present;
}

/* ---- links ---- */

static struct link find_link(struct machine *m, const char *name)
{
	struct state *present = observe(m, NULL);
	struct link *link = lsvm_state_link(present, name), found = { 0 };

	if (link)
		found = *link;
	lsvm_state_free(present);
	return found;
}

static void a_card_is_seen_and_takes_an_mtu(void **state)
{
	struct machine *m = *state;
	struct link card = { .name = "eth0", .kind = LINK_PRESENT, .mtu = 1400 };

	assert_int_equal(find_link(m, "lo").kind, LINK_PRESENT);
	assert_int_equal(find_link(m, "eth0").mtu, 1500);
	good(m, STEP(m, STEP_LINK_CHANGE, link, &card));
	assert_int_equal(find_link(m, "eth0").mtu, 1400);
	assert_false(find_link(m, "eth0").down);
}

static void a_missing_interface_is_named_with_those_there(void **state)
{
	struct machine *m = *state;
	struct link card = { .name = "eth7", .kind = LINK_PRESENT };
	struct address address = { .interface = "eth7" };

	lsvm_prefix_parse("192.0.2.1/32", &address.prefix);
	bad(m, STEP(m, STEP_LINK_CHANGE, link, &card), LSVM_ERR_NOT_FOUND, "eth0");
	bad(m, STEP(m, STEP_ADDRESS_ADD, address, &address), LSVM_ERR_NOT_FOUND, "eth0");
}

static void a_card_cannot_be_made_or_removed(void **state)
{
	struct machine *m = *state;
	struct link card = { .name = "eth0", .kind = LINK_PRESENT };

	bad(m, STEP(m, STEP_LINK_ADD, link, &card), LSVM_ERR_ARGUMENT, "eth0");
	bad(m, STEP(m, STEP_LINK_DELETE, link, &card), LSVM_ERR_UNSUPPORTED, "eth0");
	assert_int_equal(find_link(m, "eth0").kind, LINK_PRESENT);
}

static struct link tunnel(const char *name, enum link_kind kind, const char *local)
{
	struct link link = { .kind = kind, .mtu = 1400 };

	snprintf(link.name, sizeof(link.name), "%s", name);
	lsvm_addr_parse(local, &link.local);
	return link;
}

static void tunnels_come_and_go(void **state)
{
	struct machine *m = *state;
	struct link links[] = {
		tunnel("svm-ipip", LINK_IPIP, "192.0.2.1"),
		tunnel("svm-gre", LINK_GRE, "192.0.2.1"),
		tunnel("svm-sit", LINK_SIT, "192.0.2.1"),
		tunnel("svm-ip6tnl", LINK_IP6TNL, "2001:db8::1"),
		tunnel("svm-ip6gre", LINK_IP6GRE, "2001:db8::1"),
		tunnel("svm-gue", LINK_GUE, "192.0.2.2"),
		tunnel("svm-gue6", LINK_GUE6, "192.0.2.2"),
	};

	links[1].checksum = true;
	links[5].port = links[6].port = 6080;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		struct link seen;

		good(m, STEP(m, STEP_LINK_ADD, link, &links[i]));
		bad(m, STEP(m, STEP_LINK_ADD, link, &links[i]), LSVM_ERR_EXISTS,
		    links[i].name);
		seen = find_link(m, links[i].name);
		assert_int_equal(seen.kind, links[i].kind);
		assert_int_equal(lsvm_addr_compare(&seen.local, &links[i].local), 0);
		assert_int_equal(seen.port, links[i].port);
		assert_int_equal(seen.checksum, links[i].checksum);
		assert_int_equal(seen.mtu, 1400);
		assert_false(seen.down);
	}
	/* The port that two share stays until the second goes. */
	good(m, STEP(m, STEP_LINK_DELETE, link, &links[5]));
	assert_int_equal(find_link(m, "svm-gue6").port, 6080);
	good(m, STEP(m, STEP_LINK_DELETE, link, &links[6]));
	for (size_t i = 0; i < 6; i++)
		good(m, STEP(m, STEP_LINK_DELETE, link, &links[i]));
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		assert_int_equal(find_link(m, links[i].name).kind, LINK_UNKNOWN);
	good(m, STEP(m, STEP_LINK_ADD, link, &links[5]));
}

/* ---- addresses and routes ---- */

static bool has(struct machine *m, const struct address *address)
{
	struct state *present = observe(m, NULL);
	bool found = lsvm_state_address(present, address) != NULL;

	lsvm_state_free(present);
	return found;
}

static void addresses_of_both_families_come_and_go(void **state)
{
	static const char *const texts[] = { "192.0.2.101/32", "2001:db8::101/128",
					     "198.51.100.9/24" };
	static const char *const interfaces[] = { "lo", "eth0" };
	struct machine *m = *state;

	for (size_t i = 0; i < ARRAY_SIZE(texts) * 2; i++) {
		struct address address = { 0 };

		strcpy(address.interface, interfaces[i % 2]);
		lsvm_prefix_parse(texts[i / 2], &address.prefix);
		assert_false(has(m, &address));
		good(m, STEP(m, STEP_ADDRESS_ADD, address, &address));
		assert_true(has(m, &address));
		bad(m, STEP(m, STEP_ADDRESS_ADD, address, &address), LSVM_ERR_EXISTS,
		    texts[i / 2]);
		good(m, STEP(m, STEP_ADDRESS_DELETE, address, &address));
		assert_false(has(m, &address));
		good(m, STEP(m, STEP_ADDRESS_DELETE, address, &address));
	}
}

static struct route route(const char *to, const char *via)
{
	struct route route = { .interface = "eth0" };

	lsvm_prefix_parse(to, &route.destination);
	if (via)
		lsvm_addr_parse(via, &route.via);
	return route;
}

static struct route find_route(struct machine *m, struct route *wanted)
{
	struct state named = { 0 }, *present;
	struct route found = { 0 }, *seen;

	named.routes.items = wanted;
	named.routes.count = 1;
	present = observe(m, &named);
	seen = lsvm_state_route(present, &wanted->destination);
	if (seen)
		found = *seen;
	lsvm_state_free(present);
	return found;
}

static void check_via(struct machine *m, struct route *wanted)
{
	struct route seen = find_route(m, wanted);

	assert_string_equal(seen.interface, "eth0");
	assert_int_equal(lsvm_addr_compare(&seen.via, &wanted->via), 0);
}

static void check_route(struct machine *m, struct route first, struct route second)
{
	assert_int_equal(find_route(m, &first).destination.addr.family, 0);
	good(m, STEP(m, STEP_ROUTE_SET, route, &first));
	check_via(m, &first);
	good(m, STEP(m, STEP_ROUTE_SET, route, &second));
	check_via(m, &second);
	good(m, STEP(m, STEP_ROUTE_DELETE, route, &second));
	assert_int_equal(find_route(m, &first).destination.addr.family, 0);
	good(m, STEP(m, STEP_ROUTE_DELETE, route, &second));
}

static void routes_are_set_replaced_and_removed(void **state)
{
	struct machine *m = *state;
	struct address address = { .interface = "eth0" };

	bad(m,
	    perform(m, (struct step){ .kind = STEP_ROUTE_SET,
				      .route = &(struct route){ .interface = "eth9" } }),
	    LSVM_ERR_NOT_FOUND, "eth0");
	lsvm_prefix_parse("192.0.2.11/24", &address.prefix);
	good(m, STEP(m, STEP_ADDRESS_ADD, address, &address));
	lsvm_prefix_parse("2001:db8:2::11/64", &address.prefix);
	good(m, STEP(m, STEP_ADDRESS_ADD, address, &address));
	check_route(m, route("0.0.0.0/0", "192.0.2.1"), route("0.0.0.0/0", "192.0.2.2"));
	check_route(m, route("::/0", "2001:db8:2::1"), route("::/0", "2001:db8:2::2"));
	check_route(m, route("203.0.113.7/32", NULL),
		    route("203.0.113.7/32", "192.0.2.2"));
}

static void a_gateway_out_of_reach_is_refused(void **state)
{
	struct machine *m = *state;
	struct route lost = route("0.0.0.0/0", "203.0.113.1");
	struct address address = { .interface = "eth0" };

	lsvm_prefix_parse("192.0.2.11/24", &address.prefix);
	good(m, STEP(m, STEP_ADDRESS_ADD, address, &address));
	bad(m, STEP(m, STEP_ROUTE_SET, route, &lost), LSVM_ERR_STATE, "0.0.0.0/0");
}

static void a_machine_speaks_with_its_own_address(void **state)
{
	static const char *const own[] = { "192.0.2.11/24", "2001:db8:2::11/64" };
	static const char *const vips[] = { "192.0.2.20/32", "2001:db8:2::20/128" };
	struct machine *m = *state;
	struct address address = { .interface = "eth0" };

	if (simulated)
		return; /* it says nothing */
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		lsvm_prefix_parse(own[i], &address.prefix);
		good(m, STEP(m, STEP_ADDRESS_ADD, address, &address));
		lsvm_prefix_parse(vips[i], &address.prefix);
		good(m, STEP(m, STEP_ADDRESS_ADD, address, &address));
	}
	shell("ip route get 192.0.2.21 | grep -q 'src 192.0.2.11 '");
	shell("ip route get 2001:db8:2::21 | grep -q 'src 2001:db8:2::11 '");
}

/* ---- neighbours ---- */

static void neighbours_are_listed(void **state)
{
	struct machine *m = *state;
	char *text;

	if (!simulated)
		shell("ip neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 dev eth0");
	good(m, lsvm_host_neighbours_to_json(m->host, &text));
	assert_non_null(strstr(text, "\"schema\":\"lsvm-neighbours/1\""));
	if (!simulated)
		assert_non_null(strstr(text, "{\"address\":\"192.0.2.9\",\"interface\":"
					     "\"eth0\",\"mac\":\"02:00:00:00:00:09\","
					     "\"state\":\"permanent\"}"));
	lsvm_free(text);
}

/* Whether a packet with that byte and that address at these places comes at the other end
 * of eth0's cable. */
static bool hears(int sock, size_t at, uint8_t byte, size_t address_at,
		  const struct addr *addr)
{
	size_t length = lsvm_addr_bits(addr) / 8;
	uint8_t packet[2048];
	ssize_t got;

	while ((got = recv(sock, packet, sizeof(packet), 0)) > 0)
		if ((size_t)got >= address_at + length && packet[at] == byte &&
		    memcmp(packet + address_at, addr->bytes, length) == 0)
			return true;
	return false;
}

static int listen_to_peer(uint16_t type)
{
	struct sockaddr_ll from = { .sll_family = AF_PACKET,
				    .sll_protocol = htons(type),
				    .sll_ifindex = (int)if_nametoindex("peer0") };
	struct timeval patience = { .tv_sec = 2 };
	int sock = socket(AF_PACKET, SOCK_DGRAM, 0);

	assert_true(sock >= 0);
	assert_int_equal(bind(sock, (struct sockaddr *)&from, sizeof(from)), 0);
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return sock;
}

static void a_new_address_is_announced(void **state)
{
	struct machine *m = *state;
	struct address address = { .interface = "eth0" };
	int arp, ipv6;

	if (simulated)
		return; /* nobody is there to hear it */
	arp = listen_to_peer(ETH_P_ARP);
	ipv6 = listen_to_peer(ETH_P_IPV6);
	lsvm_prefix_parse("192.0.2.100/32", &address.prefix);
	good(m, STEP(m, STEP_ADDRESS_ADD, address, &address));
	/* RFC 826: operation 1 request, then 2 reply, sender and target the address. */
	assert_true(hears(arp, 7, 1, 14, &address.prefix.addr));
	assert_true(hears(arp, 7, 2, 24, &address.prefix.addr));
	lsvm_prefix_parse("2001:db8::100/128", &address.prefix);
	good(m, STEP(m, STEP_ADDRESS_ADD, address, &address));
	/* RFC 4861: type 136 behind the header, the target 8 bytes later. */
	assert_true(hears(ipv6, 40, 136, 48, &address.prefix.addr));
	close(arp);
	close(ipv6);
}

/* ---- sysctls ---- */

static void find_sysctl(struct machine *m, const char *name, char *value)
{
	struct sysctl sysctl = { .name = name };
	struct state named = { 0 }, *present;
	struct sysctl *seen;

	named.sysctls.items = &sysctl;
	named.sysctls.count = 1;
	present = observe(m, &named);
	seen = lsvm_state_sysctl(present, name);
	snprintf(value, 64, "%s", seen ? seen->value : "missing");
	lsvm_state_free(present);
}

static void sysctls_are_set_and_read_back(void **state)
{
	static const struct sysctl values[] = {
		{ "net.ipv4.conf.eth0.arp_ignore", "1" },
		{ "net.ipv4.conf.all.arp_announce", "2" },
		{ "net.ipv4.ip_forward", "1" },
		{ "net.ipv6.conf.all.forwarding", "1" },
	};
	struct machine *m = *state;
	char value[64];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		find_sysctl(m, values[i].name, value);
		assert_string_equal(value, "0");
		good(m, STEP(m, STEP_SYSCTL_SET, sysctl, &values[i]));
		find_sysctl(m, values[i].name, value);
		assert_string_equal(value, values[i].value);
	}
}

static void white_space_in_a_sysctl_does_not_matter(void **state)
{
	struct machine *m = *state;
	struct sysctl range = { "net.ipv4.ip_local_port_range", "20000 60000" };
	char value[64];

	good(m, STEP(m, STEP_SYSCTL_SET, sysctl, &range));
	find_sysctl(m, range.name, value);
	assert_true(lsvm_sysctl_equal(value, range.value));
	assert_false(lsvm_sysctl_equal(value, "20000 6000"));
}

static void a_missing_sysctl_and_a_bad_value_are_told_apart(void **state)
{
	struct machine *m = *state;
	struct sysctl missing = { "net.ipv4.conf.eth0.arp_ignored", "1" };
	struct sysctl nowhere = { "net.ipv4.conf.eth9.arp_ignore", "1" };
	struct sysctl text = { "net.ipv4.conf.eth0.arp_ignore", "yes" };
	char value[64];

	bad(m, STEP(m, STEP_SYSCTL_SET, sysctl, &missing), LSVM_ERR_NOT_FOUND,
	    "arp_ignored");
	bad(m, STEP(m, STEP_SYSCTL_SET, sysctl, &nowhere), LSVM_ERR_NOT_FOUND, "eth9");
	bad(m, STEP(m, STEP_SYSCTL_SET, sysctl, &text), LSVM_ERR_ARGUMENT, "yes");
	find_sysctl(m, missing.name, value);
	assert_string_equal(value, "missing");
}

static void a_write_that_changes_nothing_is_a_conflict(void **state)
{
	struct machine *m = *state;
	struct sysctl sysctl = { "net.ipv4.vs.sync_ports", "3" };
	struct sysctl taken = { "net.ipv4.vs.sloppy_tcp", "1" };
	int err;

	good(m, STEP(m, STEP_SYSCTL_SET, sysctl, &taken));
	err = STEP(m, STEP_SYSCTL_SET, sysctl, &sysctl);
	/* Newer kernels say so themselves. */
	if (err != LSVM_ERR_ARGUMENT)
		bad(m, err, LSVM_ERR_CONFLICT, "sync_ports");
}

/* ---- files ---- */

static void find_file(struct machine *m, const char *path, struct state **ret)
{
	struct file file = { .path = path };
	struct state named = { 0 };

	named.files.items = &file;
	named.files.count = 1;
	*ret = observe(m, &named);
	assert_non_null(lsvm_state_file(*ret, path));
}

static void check_file(struct machine *m, const struct file *wanted)
{
	struct state *present;
	struct file *seen;

	find_file(m, wanted->path, &present);
	seen = lsvm_state_file(present, wanted->path);
	if (!wanted->content) {
		assert_null(seen->content);
	} else {
		assert_int_equal(seen->length, wanted->length);
		assert_memory_equal(seen->content, wanted->content, wanted->length);
		assert_int_equal(seen->mode, wanted->mode);
	}
	lsvm_state_free(present);
}

static void files_are_written_replaced_and_removed(void **state)
{
	struct machine *m = *state;
	struct file none = { .path = FOLDER "/deep/er/site.conf" };
	struct file first = { none.path, 0644, "first\n", 6 };
	struct file second = { none.path, 0600, "a\0b", 3 };
	struct file empty = { none.path, 0600, "", 0 };

	check_file(m, &none);
	good(m, STEP(m, STEP_FILE_WRITE, file, &first));
	check_file(m, &first);
	good(m, STEP(m, STEP_FILE_WRITE, file, &second));
	check_file(m, &second);
	good(m, STEP(m, STEP_FILE_WRITE, file, &empty));
	check_file(m, &empty);
	good(m, STEP(m, STEP_FILE_DELETE, file, &first));
	check_file(m, &none);
	good(m, STEP(m, STEP_FILE_DELETE, file, &first));
	if (!simulated) /* nothing half-written is left lying about */
		shell("test -z \"$(ls " FOLDER "/deep/er)\"");
}

static void a_relative_path_is_refused(void **state)
{
	struct machine *m = *state;
	struct file file = { "site.conf", 0644, "x", 1 };

	bad(m, STEP(m, STEP_FILE_WRITE, file, &file), LSVM_ERR_ARGUMENT, "site.conf");
}

/* ---- units ---- */

#define SH(command) ((const char *const[]){ "sh", "-c", command, NULL })
#define PID_FILE FOLDER "/pid"

static struct unit napper(void)
{
	static const char *const launch[] = {
		"sh", "-c", "mkdir -p " FOLDER "; sleep 1000 & echo $! > " PID_FILE, NULL
	};
	static const char *const reload[] = { "sh", "-c", "touch " FOLDER "/reloaded",
					      NULL };
	static const char *const end[] = { "sh", "-c",
					   "kill $(cat " PID_FILE ") && rm " PID_FILE,
					   NULL };

	return (struct unit){ .name = "napper",
			      .pid_file = PID_FILE,
			      .start = launch,
			      .reload = reload,
			      .stop = end };
}

static bool runs(struct machine *m, struct unit unit)
{
	struct state named = { 0 }, *present;
	bool running;

	named.units.items = &unit;
	named.units.count = 1;
	present = observe(m, &named);
	running = lsvm_state_unit(present, unit.name)->running;
	lsvm_state_free(present);
	return running;
}

static void a_daemon_starts_reloads_and_stops(void **state)
{
	struct machine *m = *state;
	struct unit unit = napper();

	assert_false(runs(m, unit));
	bad(m, STEP(m, STEP_UNIT_RELOAD, unit, &unit), LSVM_ERR_STATE, "napper");
	good(m, STEP(m, STEP_UNIT_STOP, unit, &unit));
	good(m, STEP(m, STEP_UNIT_START, unit, &unit));
	assert_true(runs(m, unit));
	bad(m, STEP(m, STEP_UNIT_START, unit, &unit), LSVM_ERR_EXISTS, "napper");
	good(m, STEP(m, STEP_UNIT_RELOAD, unit, &unit));
	if (!simulated)
		shell("test -e " FOLDER "/reloaded");
	good(m, STEP(m, STEP_UNIT_STOP, unit, &unit));
	assert_false(runs(m, unit));
	/* Its own way of stopping is broken. */
	unit.stop = SH("exit 1");
	good(m, STEP(m, STEP_UNIT_START, unit, &unit));
	good(m, STEP(m, STEP_UNIT_STOP, unit, &unit));
	assert_false(runs(m, unit));
}

static void a_unit_that_runs_once_runs_again(void **state)
{
	struct machine *m = *state;
	struct unit unit = { .name = "marks",
			     .start = SH("mkdir -p " FOLDER "; touch " FOLDER "/mark"),
			     .stop = SH("rm " FOLDER "/mark"),
			     .present = SH("test -e " FOLDER "/mark") };

	assert_false(runs(m, unit));
	good(m, STEP(m, STEP_UNIT_START, unit, &unit));
	assert_true(runs(m, unit));
	good(m, STEP(m, STEP_UNIT_START, unit, &unit));
	good(m, STEP(m, STEP_UNIT_STOP, unit, &unit));
	assert_false(runs(m, unit));
	unit.present = NULL;
	assert_true(runs(m, unit));
}

static void what_a_failed_program_said_is_in_the_error(void **state)
{
	struct machine *m = *state;
	struct unit unit = napper();

	if (simulated)
		return; /* programs are not run */
	unit.test = SH("echo line 7 is wrong; exit 3");
	bad(m, STEP(m, STEP_UNIT_START, unit, &unit), LSVM_ERR_STATE, "line 7 is wrong");
	assert_non_null(strstr(lsvm_ctx_error_text(m->ctx), "status 3"));
	assert_false(runs(m, unit));
	unit.test = (const char *const[]){ "/nowhere/nginx", NULL };
	bad(m, STEP(m, STEP_UNIT_START, unit, &unit), LSVM_ERR_NOT_FOUND,
	    "/nowhere/nginx");
}

static void a_stale_pid_file_names_nobody(void **state)
{
	struct machine *m = *state;
	char command[64];
	struct unit unit = napper();

	if (simulated)
		return; /* there are no processes */
	shell("mkdir -p " FOLDER);
	/* Who started this program is alive, but lives elsewhere. */
	snprintf(command, sizeof(command), "echo %d > " PID_FILE, (int)getppid());
	shell(command);
	assert_false(runs(m, unit));
	/* The number was given to somebody else after the file was written. */
	good(m, STEP(m, STEP_UNIT_START, unit, &unit));
	assert_true(runs(m, unit));
	shell("touch -d '10 years ago' " PID_FILE);
	assert_false(runs(m, unit));
	shell("touch " PID_FILE);
	assert_true(runs(m, unit));
	good(m, STEP(m, STEP_UNIT_STOP, unit, &unit));
}

/* ---- IPVS ---- */

static struct ipvs_service service(const char *address, uint16_t port)
{
	struct ipvs_service service = { .key = { .protocol = 6, .port = port },
					.scheduler = "wlc" };

	lsvm_addr_parse(address, &service.key.addr);
	service.netmask = service.key.addr.family == 6 ? 128 : 0xffffffff;
	return service;
}

static struct ipvs_destination destination(const char *address, uint16_t port)
{
	struct ipvs_destination destination = { .port = port,
						.forwarding = 3,
						.weight = 1 };

	lsvm_addr_parse(address, &destination.addr);
	return destination;
}

static int change_service(struct machine *m, enum ipvs_change_kind kind,
			  const struct ipvs_service *service)
{
	return perform(m, (struct step){ .kind = STEP_IPVS,
					 .ipvs = { .kind = kind, .service = service } });
}

static int change_destination(struct machine *m, enum ipvs_change_kind kind,
			      const struct ipvs_service *service,
			      const struct ipvs_destination *destination)
{
	return perform(m, (struct step){ .kind = STEP_IPVS,
					 .ipvs = { .kind = kind,
						   .service = service,
						   .destination = destination,
						   .weight = destination->weight } });
}

static void services_and_destinations_answer_as_the_kernel(void **state)
{
	struct machine *m = *state;
	struct ipvs_service one = service("192.0.2.100", 80);
	struct ipvs_destination server = destination("192.168.2.21", 80);

	bad(m, change_service(m, IPVS_SERVICE_EDIT, &one), LSVM_ERR_CONFLICT,
	    "192.0.2.100:80");
	bad(m, change_destination(m, IPVS_DESTINATION_ADD, &one, &server),
	    LSVM_ERR_CONFLICT, "192.0.2.100:80");
	strcpy(one.scheduler, "best");
	bad(m, change_service(m, IPVS_SERVICE_ADD, &one), LSVM_ERR_UNSUPPORTED, "best");
	strcpy(one.scheduler, "wlc");
	good(m, change_service(m, IPVS_SERVICE_ADD, &one));
	bad(m, change_service(m, IPVS_SERVICE_ADD, &one), LSVM_ERR_CONFLICT,
	    "192.0.2.100:80");
	bad(m, change_destination(m, IPVS_DESTINATION_EDIT, &one, &server),
	    LSVM_ERR_CONFLICT, "192.168.2.21:80");
	good(m, change_destination(m, IPVS_DESTINATION_ADD, &one, &server));
	bad(m, change_destination(m, IPVS_DESTINATION_ADD, &one, &server),
	    LSVM_ERR_CONFLICT, "192.168.2.21:80");
	/* What should go and is gone is done. */
	for (int i = 0; i < 2; i++)
		good(m, change_destination(m, IPVS_DESTINATION_DELETE, &one, &server));
	for (int i = 0; i < 2; i++)
		good(m, change_service(m, IPVS_SERVICE_DELETE, &one));
	good(m, change_destination(m, IPVS_DESTINATION_DELETE, &one, &server));
}

static void what_the_kernel_takes_and_should_not_is_refused(void **state)
{
	struct machine *m = *state;
	struct ipvs_service one = service("192.0.2.100", 80);
	struct ipvs_destination other = destination("2001:db8::21", 80);
	struct ipvs_destination port = destination("192.168.2.21", 81);

	one.netmask = 0xff00ff00;
	bad(m, change_service(m, IPVS_SERVICE_ADD, &one), LSVM_ERR_ARGUMENT, "holes");
	one.netmask = 0xffffffff;
	good(m, change_service(m, IPVS_SERVICE_ADD, &one));
	bad(m, change_destination(m, IPVS_DESTINATION_ADD, &one, &other),
	    LSVM_ERR_ARGUMENT, "family");
	bad(m, change_destination(m, IPVS_DESTINATION_ADD, &one, &port),
	    LSVM_ERR_ARGUMENT, "port");
}

/* 3 services of 4 destinations each, in no order. */
static struct lsvm_ipvs_table *table(struct machine *m, const char *scheduler)
{
	static const char *const vips[] = { "192.0.2.102", "2001:db8::100",
					    "192.0.2.101" };
	struct lsvm_ipvs_table *table;
	char text[32];

	good(m, lsvm_ipvs_table_alloc(m->ctx, &table));
	for (size_t i = 0; i < ARRAY_SIZE(vips); i++) {
		struct ipvs_service *slot = lsvm_ipvs_table_push(table);

		*slot = service(vips[i], 80);
		strcpy(slot->scheduler, scheduler);
		for (int j = 4; j > 0; j--) {
			snprintf(text, sizeof(text),
				 i == 1 ? "2001:db8:2::%d" : "192.168.2.%d", 20 + j);
			*lsvm_ipvs_service_push(slot) = destination(text, 80);
		}
	}
	good(m, lsvm_ipvs_table_seal(table));
	return table;
}

static void reconciling_twice_changes_nothing(void **state)
{
	struct machine *m = *state;
	struct lsvm_ipvs_table *wanted = table(m, "wlc"), *other = table(m, "mh");
	struct lsvm_ipvs_table *empty, *present;
	size_t changed = 99;

	good(m, lsvm_ipvs_table_new(m->ctx, &empty));
	good(m, lsvm_host_ipvs_reconcile(m->host, wanted, NULL, &changed));
	assert_int_equal(changed, 15);
	good(m, lsvm_host_ipvs_reconcile(m->host, wanted, wanted, &changed));
	assert_int_equal(changed, 0);
	good(m, lsvm_host_ipvs_snapshot(m->host, &present));
	assert_int_equal(present->services.count, 3);
	assert_int_equal(present->services.items[2].destinations.count, 4);
	lsvm_ipvs_table_unref(present);
	good(m, lsvm_host_ipvs_reconcile(m->host, other, wanted, &changed));
	assert_int_equal(changed, 3);
	/* Nobody said that it is ours: it stays. */
	good(m, lsvm_host_ipvs_reconcile(m->host, empty, NULL, &changed));
	assert_int_equal(changed, 0);
	good(m, lsvm_host_ipvs_reconcile(m->host, empty, other, &changed));
	assert_true(changed >= 3);
	good(m, lsvm_host_ipvs_snapshot(m->host, &present));
	assert_int_equal(present->services.count, 0);
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(empty);
	lsvm_ipvs_table_unref(other);
	lsvm_ipvs_table_unref(wanted);
}

#define SERVICE_JSON(address, scheduler)                                                 \
	"{\"schema\":\"lsvm-ipvs/1\",\"services\":[{\"protocol\":\"tcp\","               \
	"\"address\":\"" address "\",\"port\":80,\"scheduler\":\"" scheduler "\","       \
	"\"destinations\":[{\"address\":\"192.0.2.91\",\"port\":80,"                     \
	"\"forwarding\":\"direct\",\"weight\":1}]}]}"

static void nothing_goes_when_what_replaces_it_cannot_come(void **state)
{
	static const char old_json[] = SERVICE_JSON("192.0.2.88", "rr");
	static const char new_json[] = SERVICE_JSON("192.0.2.89", "quux");
	struct machine *m = *state;
	struct lsvm_ipvs_table *old, *wanted, *present;
	size_t changed;

	good(m, lsvm_ipvs_table_from_json(m->ctx, old_json, strlen(old_json), &old));
	good(m, lsvm_ipvs_table_from_json(m->ctx, new_json, strlen(new_json), &wanted));
	good(m, lsvm_host_ipvs_reconcile(m->host, old, NULL, &changed));
	assert_true(lsvm_host_ipvs_reconcile(m->host, wanted, old, &changed) < 0);
	good(m, lsvm_host_ipvs_snapshot(m->host, &present));
	assert_int_equal(present->services.count, 1);
	assert_int_equal(present->services.items[0].destinations.items[0].weight, 1);
	lsvm_ipvs_table_unref(present);
	good(m, lsvm_host_ipvs_flush(m->host));
	lsvm_ipvs_table_unref(wanted);
	lsvm_ipvs_table_unref(old);
}

static void zero_and_flush_reach_what_others_put_there(void **state)
{
	static const char json[] =
		"{\"schema\":\"lsvm-ipvs/1\",\"services\":[{\"protocol\":\"tcp\","
		"\"address\":\"192.0.2.90\",\"port\":80,\"scheduler\":\"rr\","
		"\"destinations\":[{\"address\":\"192.0.2.91\",\"port\":80,"
		"\"forwarding\":\"direct\",\"weight\":1}]}]}";
	struct machine *m = *state;
	struct lsvm_ipvs_table *table, *present;
	uint32_t version = 0, buckets = 0;
	size_t changed;

	good(m, lsvm_host_ipvs_info(m->host, &version, &buckets));
	assert_int_equal(version, 0x010201);
	assert_true(buckets >= 256);
	good(m, lsvm_ipvs_table_from_json(m->ctx, json, strlen(json), &table));
	bad(m, lsvm_host_ipvs_zero(m->host, lsvm_ipvs_table_service_at(table, 0)),
	    LSVM_ERR_CONFLICT, "zero");
	good(m, lsvm_host_ipvs_reconcile(m->host, table, NULL, &changed));
	good(m, lsvm_host_ipvs_zero(m->host, lsvm_ipvs_table_service_at(table, 0)));
	good(m, lsvm_host_ipvs_zero(m->host, NULL));
	good(m, lsvm_host_ipvs_flush(m->host));
	good(m, lsvm_host_ipvs_snapshot(m->host, &present));
	assert_int_equal(lsvm_ipvs_table_service_count(present), 0);
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(table);
}

static void timeouts_and_daemons_are_kept(void **state)
{
	struct machine *m = *state;
	struct ipvs_timeouts timeouts = { .tcp_s = 600 };
	struct ipvs_daemon daemon = { .present = true,
				      .interface = "eth0",
				      .sync_id = 7 };
	struct step set = { .kind = STEP_IPVS,
			    .ipvs = { .kind = IPVS_TIMEOUTS_SET,
				      .timeouts = &timeouts } };
	struct step launch = { .kind = STEP_IPVS,
			       .ipvs = { .kind = IPVS_DAEMON_START,
					 .daemon = &daemon,
					 .is_master = true } };
	struct lsvm_ipvs_table *present;

	good(m, perform(m, set));
	good(m, perform(m, launch));
	bad(m, perform(m, launch), LSVM_ERR_CONFLICT, "sync");
	good(m, lsvm_host_ipvs_snapshot(m->host, &present));
	assert_int_equal(present->timeouts.tcp_s, 600);
	assert_int_equal(present->timeouts.tcp_fin_s, 120);
	assert_int_equal(present->timeouts.udp_s, 300);
	assert_true(present->master.present);
	assert_false(present->backup.present);
	assert_string_equal(present->master.interface, "eth0");
	assert_int_equal(present->master.sync_id, 7);
	assert_int_equal(present->master.maxlen_bytes, 1472);
	assert_int_equal(present->master.port, 8848);
	lsvm_ipvs_table_unref(present);
	launch.ipvs.kind = IPVS_DAEMON_STOP;
	good(m, perform(m, launch));
	good(m, perform(m, launch));
	daemon.interface[3] = '9';
	launch.ipvs.kind = IPVS_DAEMON_START;
	bad(m, perform(m, launch), LSVM_ERR_NOT_FOUND, "eth9");
}

/* ---- the lock ---- */

static void only_one_applies_at_a_time(void **state)
{
	struct machine *m = *state;
	struct lsvm_host *other = NULL;

	good(m, m->host->ops->lock(m->host));
	bad(m, m->host->ops->lock(m->host), LSVM_ERR_BUSY, "eps1");
	if (!simulated) { /* another handle stands for another process */
		assert_int_equal(lsvm_host_open(m->ctx, "eps1", &other), 0);
		bad(m, other->ops->lock(other), LSVM_ERR_BUSY, "eps1");
	}
	m->host->ops->unlock(m->host);
	good(m, m->host->ops->lock(m->host));
	m->host->ops->unlock(m->host);
	if (other)
		good(m, other->ops->lock(other));
	lsvm_host_free(other);
}

/* ---- a batch ---- */

static void a_batch_ends_at_the_first_failure(void **state)
{
	struct machine *m = *state;
	struct address first = { .interface = "lo" }, second = { .interface = "eth9" };
	struct step steps[3] = { { .kind = STEP_ADDRESS_ADD, .address = &first },
				 { .kind = STEP_ADDRESS_ADD, .address = &second },
				 { .kind = STEP_ADDRESS_DELETE, .address = &first } };
	size_t done = 99;

	lsvm_prefix_parse("192.0.2.1/32", &first.prefix);
	lsvm_prefix_parse("192.0.2.2/32", &second.prefix);
	bad(m, lsvm_host_perform(m->host, steps, 3, &done), LSVM_ERR_NOT_FOUND, "eth9");
	assert_int_equal(done, 1);
	assert_int_equal(lsvm_host_write_count(m->host), 1);
	assert_true(has(m, &first));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int host_suite(bool on_simulated, int parts)
{
	const struct CMUnitTest base[] = {
		TEST(a_card_is_seen_and_takes_an_mtu),
		TEST(a_missing_interface_is_named_with_those_there),
		TEST(a_card_cannot_be_made_or_removed),
		TEST(addresses_of_both_families_come_and_go),
		TEST(routes_are_set_replaced_and_removed),
		TEST(a_gateway_out_of_reach_is_refused),
		TEST(a_machine_speaks_with_its_own_address),
		TEST(neighbours_are_listed),
		TEST(a_new_address_is_announced),
		TEST(sysctls_are_set_and_read_back),
		TEST(white_space_in_a_sysctl_does_not_matter),
		TEST(a_missing_sysctl_and_a_bad_value_are_told_apart),
		TEST(files_are_written_replaced_and_removed),
		TEST(a_relative_path_is_refused),
		TEST(a_daemon_starts_reloads_and_stops),
		TEST(a_unit_that_runs_once_runs_again),
		TEST(what_a_failed_program_said_is_in_the_error),
		TEST(a_stale_pid_file_names_nobody),
		TEST(only_one_applies_at_a_time),
		TEST(a_batch_ends_at_the_first_failure),
	};
	const struct CMUnitTest tunnels[] = { TEST(tunnels_come_and_go) };
	const struct CMUnitTest ipvs[] = {
		TEST(services_and_destinations_answer_as_the_kernel),
		TEST(what_the_kernel_takes_and_should_not_is_refused),
		TEST(reconciling_twice_changes_nothing),
		TEST(zero_and_flush_reach_what_others_put_there),
		TEST(nothing_goes_when_what_replaces_it_cannot_come),
		TEST(timeouts_and_daemons_are_kept),
		TEST(a_write_that_changes_nothing_is_a_conflict),
	};
	int failed = 0;

	simulated = on_simulated;
	if (parts & SUITE_BASE)
		failed += cmocka_run_group_tests_name("base", base, NULL, NULL);
	if (parts & SUITE_TUNNELS)
		failed += cmocka_run_group_tests_name("tunnels", tunnels, NULL, NULL);
	if (parts & SUITE_IPVS)
		failed += cmocka_run_group_tests_name("ipvs", ipvs, NULL, NULL);
	return failed;
}
