/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to a frozen cluster: settings in force, where machines meet, paths. */
#include "cluster_support.h"

/* A network for the VIPs, one for the servers, one far away; both families. */
#define WIRED                                                                            \
	"name: wired\n"                                                                  \
	"networks:\n"                                                                    \
	"  - {name: outside, subnets: 10.9.0.0/24, outside: true}\n"                     \
	"  - {name: inner, subnets: [192.168.2.0/24, \"2001:db8:1::/64\"]}\n"            \
	"  - {name: front, subnets: 192.0.2.0/24}\n"                                     \
	"  - {name: far, subnets: [198.51.100.0/24, \"2001:db8:3::/64\"]}\n"             \
	"routers:\n"                                                                     \
	"  - name: r1\n"                                                                 \
	"    interfaces: [{network: outside, addresses: 10.9.0.1},\n"                    \
	"      {network: front, addresses: 192.0.2.1}]\n"                                \
	"  - name: r2\n"                                                                 \
	"    interfaces: [{network: front, addresses: 192.0.2.254},\n"                   \
	"      {network: inner, addresses: 192.168.2.254},\n"                            \
	"      {network: far, addresses: [198.51.100.254, \"2001:db8:3::fe\"]}]\n"       \
	"ems: {name: ems, interfaces: [{network: inner, addresses: 192.168.2.5}]}\n"     \
	"directors:\n"                                                                   \
	"  - name: eds1\n"                                                               \
	"    interfaces: [{network: inner, addresses: [192.168.2.2, "                    \
	"\"2001:db8:1::2\"]},\n"                                                         \
	"      {network: front, addresses: 192.0.2.11}]\n"                               \
	"  - name: eds2\n"                                                               \
	"    interfaces: [{network: front, addresses: 192.0.2.12},\n"                    \
	"      {network: inner, addresses: [192.168.2.3, \"2001:db8:1::3\"]}]\n"         \
	"servers:\n"                                                                     \
	"  - name: eps1\n"                                                               \
	"    interfaces: [{network: far, addresses: [198.51.100.21, "                    \
	"\"2001:db8:3::21\"]},\n"                                                        \
	"      {network: inner, addresses: 192.168.2.21}]\n"                             \
	"  - {name: eps2, interfaces: [{network: far, addresses: 198.51.100.22}]}\n"

#define SERVED                                                                           \
	"partitions:\n"                                                                  \
	"  - name: A\n"                                                                  \
	"    servers: [eps1]\n"                                                          \
	"    scheduler: sh\n"                                                            \
	"    persistence: {timeout_s: 60}\n"                                             \
	"    upper_threshold: 10\n"                                                      \
	"    vips:\n"                                                                    \
	"      - address: 192.0.2.101\n"                                                 \
	"        scheduler_flags: [fallback]\n"                                          \
	"        services:\n"                                                            \
	"          - {ports: 80, persistence: none, content_root: /srv/a}\n"             \
	"          - {ports: 443, upper_threshold: 0, scheduler: mh}\n"                  \
	"  - name: B\n"                                                                  \
	"    forwarding: tunnel\n"                                                       \
	"    servers: [eps2]\n"                                                          \
	"    vips:\n"                                                                    \
	"      - {address: 203.0.113.1, domains: [www.b.example]}\n"

static struct machine *machine(struct lsvm_cluster *c, const char *name)
{
	struct machine *found = lsvm_map_find(&c->machines_by_name, name);

	assert_non_null(found);
	return found;
}

static void nearest_level_that_writes_a_setting_wins_whole(void **state)
{
	struct lsvm_cluster *c =
		load_text(*state, WIRED SERVED "defaults: {quota_mib: 9}\n");
	const struct vip *vip = &c->partitions.items[0].vips.items[0];
	struct settings s;

	lsvm_cluster_settings(&vip->services.items[0], &s);
	assert_string_equal(s.scheduler, "sh");
	assert_int_equal(s.scheduler_flags, LSVM_SCHEDULER_FLAG_FALLBACK);
	assert_null(s.persistence);
	assert_int_equal(s.upper_threshold, 10);
	assert_string_equal(s.content_root, "/srv/a");
	assert_int_equal(s.quota_mib, 9);
	lsvm_cluster_settings(&vip->services.items[1], &s);
	assert_string_equal(s.scheduler, "mh");
	assert_int_equal(s.persistence->timeout_s, 60);
	assert_int_equal(s.upper_threshold, 0);
	assert_string_equal(s.content_root, "/srv/svm");
	lsvm_cluster_vip_settings(vip, &s);
	assert_string_equal(s.scheduler, "sh");
	assert_int_equal(s.scheduler_flags, LSVM_SCHEDULER_FLAG_FALLBACK);
	lsvm_cluster_partition_settings(&c->partitions.items[0], &s);
	assert_int_equal(s.scheduler_flags, 0);
	assert_int_equal(s.persistence->timeout_s, 60);
	lsvm_cluster_unref(c);
}

static void what_nobody_wrote_has_the_built_in_value_and_is_not_set(void **state)
{
	struct lsvm_cluster *c = load_text(*state, SMALL);
	struct settings s;

	lsvm_cluster_settings(&c->partitions.items[0].vips.items[0].services.items[0],
			      &s);
	assert_int_equal(s.forwarding, LSVM_FORWARDING_DIRECT);
	assert_int_equal(s.tunnel->kind, LSVM_TUNNEL_IPIP);
	assert_int_equal(s.tunnel->checksum, LSVM_TUNNEL_CHECKSUM_NONE);
	assert_string_equal(s.scheduler, "wlc");
	assert_null(s.persistence);
	assert_false(s.one_packet);
	assert_int_equal(s.checks.count, 1);
	assert_int_equal(s.checks.items[0].kind, LSVM_CHECK_TCP);
	assert_int_equal(s.set, 0);
	lsvm_cluster_unref(c);
}

static void machines_are_counted_from_the_station_to_the_back_ends(void **state)
{
	struct lsvm_cluster *c = load_text(*state, WIRED SERVED);
	static const char *const names[] = { "ems",  "r1",   "r2",  "eds1",
					     "eds2", "eps1", "eps2" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(lsvm_cluster_machine_nth(c, i)->name, names[i]);
	assert_null(lsvm_cluster_machine_nth(c, ARRAY_SIZE(names)));
	assert_null(lsvm_cluster_machine_nth(c, SIZE_MAX));
	lsvm_cluster_unref(c);
}

static void interfaces_are_found_by_network_and_family(void **state)
{
	struct lsvm_cluster *c = load_text(*state, WIRED SERVED);
	const struct network *inner = lsvm_map_find(&c->networks_by_name, "inner");
	const struct network *outside = lsvm_map_find(&c->networks_by_name, "outside");
	const struct interface *interface =
		lsvm_machine_interface_in(machine(c, "eds1"), inner);
	char text[LSVM_ADDRESS_TEXT_BYTES];
	struct addr addr;

	assert_string_equal(interface->name, "eth0");
	assert_string_equal(lsvm_addr_text(lsvm_interface_address(interface, 6), text),
			    "2001:db8:1::2");
	assert_null(lsvm_machine_interface_in(machine(c, "eds1"), outside));
	interface = lsvm_machine_interface_in(machine(c, "eps1"), inner);
	assert_string_equal(interface->name, "eth1");
	assert_null(lsvm_interface_address(interface, 6));
	assert_true(lsvm_addr_parse("2001:db8:1::ffff", &addr));
	assert_string_equal(lsvm_prefix_text(lsvm_network_subnet(inner, &addr), text),
			    "2001:db8:1::/64");
	assert_true(lsvm_addr_parse("192.168.3.1", &addr));
	assert_null(lsvm_network_subnet(inner, &addr));
	lsvm_cluster_unref(c);
}

static void assert_address(struct lsvm_cluster *c, const char *server, uint8_t family,
			   enum lsvm_forwarding forwarding, const char *expected)
{
	const struct addr *addr =
		lsvm_cluster_server_address(c, machine(c, server), family, forwarding);
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (!expected)
		assert_null(addr);
	else
		assert_string_equal(lsvm_addr_text(addr, text), expected);
}

static void servers_meet_directors_in_a_network_of_all_of_them(void **state)
{
	struct lsvm_cluster *c = load_text(*state, WIRED SERVED);

	assert_address(c, "eps1", 4, LSVM_FORWARDING_DIRECT, "192.168.2.21");
	assert_address(c, "eps1", 4, LSVM_FORWARDING_NAT, "192.168.2.21");
	assert_address(c, "eps1", 6, LSVM_FORWARDING_DIRECT, NULL);
	assert_address(c, "eps2", 4, LSVM_FORWARDING_NAT, NULL);
	lsvm_cluster_unref(c);
}

static void a_tunnel_needs_no_common_network_but_prefers_one(void **state)
{
	struct lsvm_cluster *c = load_text(*state, WIRED SERVED);

	assert_address(c, "eps1", 4, LSVM_FORWARDING_TUNNEL, "192.168.2.21");
	assert_address(c, "eps1", 6, LSVM_FORWARDING_TUNNEL, "2001:db8:3::21");
	assert_address(c, "eps2", 4, LSVM_FORWARDING_TUNNEL, "198.51.100.22");
	assert_address(c, "eps2", 6, LSVM_FORWARDING_TUNNEL, NULL);
	lsvm_cluster_unref(c);
}

static void paths_lead_to_the_object(void **state)
{
	struct lsvm_cluster *c = load_text(*state, WIRED SERVED);
	struct arena arena = { 0 };

	assert_string_equal(lsvm_object_path(&c->object, &arena), "");
	assert_string_equal(lsvm_object_path(&c->ems->object, &arena), "/ems");
	assert_string_equal(
		lsvm_object_path(&machine(c, "eps1")->interfaces.items[1].object, &arena),
		"/servers/0/interfaces/1");
	assert_string_equal(
		lsvm_object_path(
			&c->partitions.items[0].vips.items[0].services.items[1].object,
			&arena),
		"/partitions/0/vips/0/services/1");
	lsvm_arena_free(&arena);
	lsvm_cluster_unref(c);
}

/* ---- what validation completes ---- */

static void a_vip_is_in_the_network_that_has_its_address(void **state)
{
	struct lsvm_cluster *c = load_text(*state, WIRED SERVED);

	assert_string_equal(c->partitions.items[0].vips.items[0].network.name, "front");
	lsvm_cluster_unref(c);
}

static void a_routed_vip_is_in_the_outermost_network_of_the_directors(void **state)
{
	struct lsvm_cluster *c = load_text(*state, WIRED SERVED);
	const struct vip *vip = &c->partitions.items[1].vips.items[0];

	/* inner comes first in the file, front is nearer to the clients */
	assert_string_equal(vip->network.name, "front");
	assert_ptr_equal(vip->network.target,
			 lsvm_map_find(&c->networks_by_name, "front"));
	lsvm_cluster_unref(c);
}

static void directors_hear_each_other_in_the_outermost_network(void **state)
{
	struct lsvm_cluster *c = load_text(*state, WIRED SERVED);

	assert_ptr_equal(c->redundancy->network.target,
			 lsvm_map_find(&c->networks_by_name, "front"));
	lsvm_cluster_unref(c);
}

static void domains_are_found_by_name_and_alias_in_lower_case(void **state)
{
	struct lsvm_cluster *c =
		load_text(*state, WIRED SERVED "      - address: 192.0.2.102\n"
					       "        domains: [{name: Shop.b.example, "
					       "aliases: [shop, S.b.example]}]\n");
	const struct domain *domain =
		lsvm_map_find(&c->domains_by_name, "shop.b.example");

	assert_non_null(domain);
	assert_ptr_equal(lsvm_map_find(&c->domains_by_name, "s.b.example"), domain);
	assert_null(lsvm_map_find(&c->domains_by_name, "shop"));
	lsvm_cluster_unref(c);
}

/* ---- what looks wrong and is not ---- */

static void assert_clean(struct fixture *f, const char *text)
{
	struct lsvm_cluster *c = load_text(f, text);

	print_findings(f->findings);
	assert_int_equal(lsvm_findings_count(f->findings), 0);
	lsvm_cluster_unref(c);
}

static void one_domain_may_have_a_vip_of_each_family(void **state)
{
	assert_clean(*state,
		     WIRED "partitions:\n"
			   "  - name: A\n"
			   "    servers: [eps1]\n"
			   "    forwarding: tunnel\n"
			   "    vips:\n"
			   "      - {address: 192.0.2.101, domains: [www.a.example]}\n"
			   "      - {address: \"2001:db8:1::100\", network: inner,\n"
			   "         domains: [www.a.example]}\n"
			   "  - {name: B, servers: [eps2], forwarding: tunnel, "
			   "vips: [{address: 192.0.2.102, domains: [b.example]}]}\n");
}

static void a_short_alias_may_be_used_behind_every_vip(void **state)
{
	assert_clean(*state, WIRED
		     "partitions:\n"
		     "  - name: A\n"
		     "    servers: [eps1]\n"
		     "    vips:\n"
		     "      - {address: 192.0.2.101, domains: [{name: www.a.example, "
		     "aliases: [www]}]}\n"
		     "  - name: B\n"
		     "    forwarding: tunnel\n"
		     "    servers: [eps2]\n"
		     "    vips:\n"
		     "      - {address: 192.0.2.102, domains: [{name: www.b.example, "
		     "aliases: [www]}]}\n");
}

static void tcp_and_udp_may_have_the_same_port(void **state)
{
	assert_clean(*state,
		     WIRED "partitions:\n"
			   "  - name: A\n"
			   "    forwarding: tunnel\n"
			   "    servers: [eps1, eps2]\n"
			   "    vips:\n"
			   "      - address: 192.0.2.101\n"
			   "        services: [{ports: 53}, {protocol: udp, ports: 53},\n"
			   "          {ports: [1-52, 54-100]}]\n");
}

static void the_same_port_on_the_servers_needs_no_nat(void **state)
{
	assert_clean(*state, WIRED "partitions:\n"
				   "  - name: A\n"
				   "    forwarding: tunnel\n"
				   "    servers: [eps1, eps2]\n"
				   "    vips:\n"
				   "      - address: 192.0.2.101\n"
				   "        services: [{ports: 80, server_port: 80}]\n");
}

/* ---- many of them ---- */

static void one_mistake_in_the_defaults_is_one_finding(void **state)
{
	struct fixture *f = *state;
	struct lsvm_cluster *c = NULL;
	static const char text[] = WIRED
		"defaults: {one_packet: true}\n"
		"partitions:\n"
		"  - name: A\n"
		"    servers: [eps1, eps2]\n"
		"    forwarding: tunnel\n"
		"    vips:\n"
		"      - {address: 192.0.2.101, services: [{ports: 80}, {ports: 81}]}\n"
		"      - {address: 192.0.2.102, services: [{ports: 80}, {ports: 81}]}\n";

	assert_int_equal(lsvm_cluster_load(f->ctx, text, strlen(text), LSVM_FORMAT_YAML,
					   f->findings, &c),
			 LSVM_ERR_FINDINGS);
	assert_null(c);
	assert_int_equal(lsvm_findings_count(f->findings), 1);
	assert_string_equal(lsvm_finding_path(lsvm_findings_at(f->findings, 0)),
			    "/defaults/one_packet");
}

static void findings_of_documents_without_lines_name_paths(void **state)
{
	struct fixture *f = *state;
	static const char text[] =
		"{\"name\": \"x\", \"networks\": [{\"name\": \"a\", \"subnets\": "
		"[\"192.0.2.0/24\"]}, {\"name\": \"a\", \"subnets\": [\"10.0.0.0/8\"]}]}";
	const struct lsvm_finding *finding;

	refuse_text(f, text, sizeof(text) - 1, LSVM_FORMAT_JSON);
	finding = find_code(f, "duplicate-network");
	assert_non_null(finding);
	assert_int_equal(lsvm_finding_line(finding), 0);
	assert_string_equal(lsvm_finding_path(finding), "/networks/1/name");
	assert_non_null(strstr(lsvm_finding_text(finding), "/networks/0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nearest_level_that_writes_a_setting_wins_whole),
		TEST(what_nobody_wrote_has_the_built_in_value_and_is_not_set),
		TEST(machines_are_counted_from_the_station_to_the_back_ends),
		TEST(interfaces_are_found_by_network_and_family),
		TEST(servers_meet_directors_in_a_network_of_all_of_them),
		TEST(a_tunnel_needs_no_common_network_but_prefers_one),
		TEST(paths_lead_to_the_object),
		TEST(a_vip_is_in_the_network_that_has_its_address),
		TEST(a_routed_vip_is_in_the_outermost_network_of_the_directors),
		TEST(directors_hear_each_other_in_the_outermost_network),
		TEST(domains_are_found_by_name_and_alias_in_lower_case),
		TEST(one_domain_may_have_a_vip_of_each_family),
		TEST(a_short_alias_may_be_used_behind_every_vip),
		TEST(tcp_and_udp_may_have_the_same_port),
		TEST(the_same_port_on_the_servers_needs_no_nat),
		TEST(one_mistake_in_the_defaults_is_one_finding),
		TEST(findings_of_documents_without_lines_name_paths),
	};

	return RUN(tests);
}
