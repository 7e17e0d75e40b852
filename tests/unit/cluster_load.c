/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cluster files in: what is read, what is refused and where, and what is bounded. */
#include "cluster_support.h"

static void accessors_tell_what_was_written(void **state)
{
	struct fixture *f = *state;
	struct lsvm_cluster *c = load_text(f, SMALL);
	const struct lsvm_partition *a = lsvm_cluster_find_partition(c, "A");
	const struct lsvm_vip *vip = lsvm_partition_vip_at(a, 0);
	const struct lsvm_domain *domain;
	char text[LSVM_ADDRESS_TEXT_BYTES];

	assert_string_equal(lsvm_cluster_name(c), "small");
	assert_int_equal(lsvm_cluster_machine_count(c), 5);
	assert_string_equal(lsvm_machine_name(lsvm_cluster_machine_at(c, 0)), "r1");
	assert_null(lsvm_cluster_machine_at(c, 5));
	assert_int_equal(lsvm_machine_role(lsvm_cluster_find_machine(c, "eps2")),
			 LSVM_ROLE_SERVER);
	assert_null(lsvm_cluster_find_machine(c, "eps4"));
	assert_int_equal(lsvm_partition_server_count(a), 2);
	assert_string_equal(lsvm_machine_name(lsvm_partition_server_at(a, 1)), "eps2");
	assert_int_equal(lsvm_partition_server_weight(a, 0), 1);
	assert_int_equal(lsvm_partition_server_weight(a, 1), 2);
	assert_null(lsvm_partition_server_at(a, 2));
	assert_string_equal(lsvm_vip_address(vip, text, sizeof(text)), "192.0.2.101");
	assert_ptr_equal(lsvm_vip_partition(vip), a);
	assert_int_equal(lsvm_vip_domain_count(vip), 2);
	domain = lsvm_cluster_find_domain(c, "b.example");
	assert_ptr_equal(lsvm_vip_domain_at(vip, 1), domain);
	assert_ptr_equal(lsvm_domain_vip(domain), vip);
	lsvm_cluster_unref(c);
}

static void defaults_are_filled_but_not_written(void **state)
{
	struct fixture *f = *state;
	struct lsvm_cluster *c = load_text(f, SMALL);
	const struct lsvm_vip *vip =
		lsvm_partition_vip_at(lsvm_cluster_find_partition(c, "B"), 0);
	const struct lsvm_service *service = lsvm_vip_service_at(vip, 0);
	const struct lsvm_domain *domain = lsvm_cluster_find_domain(c, "www.c.example");
	char *text;

	assert_string_equal(lsvm_vip_name(vip), "192.0.2.102");
	assert_string_equal(lsvm_service_name(service), "http");
	assert_int_equal(lsvm_service_port(service), 80);
	assert_int_equal(lsvm_service_forwarding(service), LSVM_FORWARDING_DIRECT);
	assert_string_equal(lsvm_service_scheduler(service), "wlc");
	assert_string_equal(lsvm_domain_home(domain), "/srv/svm/www.c.example");
	assert_string_equal(lsvm_domain_web_master(domain), "web-www");
	assert_string_equal(c->directors.items[0].interfaces.items[0].name, "eth0");
	assert_int_equal(c->directors.items[0].priority, 100);
	assert_int_equal(c->redundancy->kind, LSVM_REDUNDANCY_NONE);
	assert_int_equal(lsvm_cluster_to_json(c, &text), 0);
	assert_null(strstr(text, "eth0"));
	assert_null(strstr(text, "redundancy"));
	assert_null(strstr(text, "services"));
	lsvm_free(text);
	lsvm_cluster_unref(c);
}

static void settings_come_from_the_nearest_level(void **state)
{
	struct fixture *f = *state;
	struct lsvm_cluster *c = load_text(
		f,
		SMALL "defaults: {scheduler: rr, content_root: /srv/all, quota_mib: 7,\n"
		      "  web_master: anna, persistence: {timeout_s: 60}}\n"
		      "accounts: [anna]\n");
	const struct vip *vip = &c->partitions.items[0].vips.items[0];
	struct settings settings;

	lsvm_cluster_settings(&vip->services.items[0], &settings);
	assert_string_equal(settings.scheduler, "rr");
	assert_int_equal(settings.persistence->timeout_s, 60);
	assert_int_equal(settings.persistence->ipv4_prefix_length, 32);
	assert_string_equal(vip->domains.items[0].home, "/srv/all/www.a.example");
	assert_string_equal(vip->domains.items[0].web_master, "anna");
	assert_int_equal(vip->domains.items[0].quota_mib, 7);
	lsvm_cluster_unref(c);
}

/* One line is added to the small file, and exactly one place is complained about. */
static void expect_fault(struct fixture *f, const char *line, const char *code,
			 uint32_t column, const char *path, const char *part)
{
	char text[4096];
	const struct lsvm_finding *finding;
	uint32_t last = 1;

	snprintf(text, sizeof(text), "%s%s\n", SMALL, line);
	for (const char *c = SMALL; *c; c++)
		last += *c == '\n';
	assert_int_equal(refuse_text(f, text, strlen(text), LSVM_FORMAT_YAML),
			 LSVM_ERR_FINDINGS);
	finding = find_code(f, code);
	if (!finding)
		fail_msg("%s: no finding %s", line, code);
	assert_int_equal(lsvm_finding_line(finding), last);
	assert_int_equal(lsvm_finding_column(finding), column);
	assert_string_equal(lsvm_finding_path(finding), path);
	if (!strstr(lsvm_finding_text(finding), part))
		fail_msg("\"%s\" lacks \"%s\"", lsvm_finding_text(finding), part);
}

static void faults_have_code_place_and_path(void **state)
{
	struct fixture *f = *state;

	expect_fault(f, "servrs: []", "unknown-key", 1, "", "did you mean \"servers\"");
	expect_fault(f, "name: again", "duplicate-key", 1, "/name", "twice");
	expect_fault(f, "defaults: {sheduler: rr}", "unknown-key", 12, "",
		     "did you mean \"scheduler\"");
	expect_fault(f, "defaults: {scheduler: wlcc}", "unknown-word", 23,
		     "/defaults/scheduler", "did you mean");
	expect_fault(f, "defaults: {quorum: many}", "wrong-type", 20, "/defaults/quorum",
		     "decimal number");
	expect_fault(f, "defaults: {quorum: \"1\"}", "wrong-type", 20, "/defaults/quorum",
		     "decimal number");
	expect_fault(f, "defaults: {one_packet: yes}", "wrong-type", 24,
		     "/defaults/one_packet", "true or false");
	expect_fault(f, "defaults: {content_root: srv}", "bad-path", 26,
		     "/defaults/content_root", "absolute");
	expect_fault(f, "defaults: {content_root: /srv/../etc}", "bad-path", 26,
		     "/defaults/content_root", "absolute");
	expect_fault(f, "defaults: 7", "wrong-type", 11, "", "map");
	expect_fault(f, "redundancy: {router_id: 256}", "out-of-range", 25,
		     "/redundancy/router_id", "from 1 to 255");
	expect_fault(f, "redundancy: {router_id: -1}", "out-of-range", 25,
		     "/redundancy/router_id", "from 1 to 255");
	expect_fault(f, "redundancy: {router_id: 010}", "wrong-type", 25,
		     "/redundancy/router_id", "decimal");
	expect_fault(f, "redundancy: {router_id: 99999999999999999999}", "out-of-range",
		     25, "/redundancy/router_id", "from 1 to 255");
	expect_fault(f, "redundancy: {sync_group: 1.2.3}", "bad-address", 26,
		     "/redundancy/sync_group", "1.2.3");
	expect_fault(f, "redundancy:", "no-value", 12, "/redundancy", "");
	expect_fault(f, "redundancy: [a]", "wrong-type", 13, "/redundancy", "map");
	expect_fault(f, "accounts: {name: anna}", "wrong-type", 11, "/accounts", "list");
	expect_fault(f, "accounts: [{email: a@example.org}]", "missing-key", 12,
		     "/accounts/0", "name");
	expect_fault(f, "accounts: [anna, \"b b\"]", "bad-name", 18, "/accounts/1/name",
		     "b b");
	expect_fault(f, "accounts: [{name: anna, full_name: \"a\\u0007\"}]", "bad-text",
		     36, "/accounts/0/full_name", "control");
	expect_fault(f, "backends: [{name: b, interfaces: [{network: front, mac: 1}]}]",
		     "bad-mac", 57, "/backends/0/interfaces/0/mac", "hardware");
	expect_fault(f, "schema: lsvm-cluster/2", "wrong-schema", 9, "/schema", "schema");
	expect_fault(f, "defaults: !!map {}", "yaml-tag", 11, "", "tag");
	expect_fault(f, "defaults: *x", "bad-alias", 11, "", "nothing");
	expect_fault(f, "defaults: &x {tunnel: *x}", "bad-alias", 23, "", "itself");
	expect_fault(f, "description: \"a\\0b\"", "bad-text", 14, "", "NUL");
}

static void all_faults_are_told_at_once(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "nam: x\n"
				   "networks: [{name: n, subnets: 10.0.0.0/33}]\n"
				   "servers: [{name: s, weight: 1}]\n"
				   "partitions: [{name: A, servers: [t]}]\n";

	assert_int_equal(refuse_text(f, text, strlen(text), LSVM_FORMAT_YAML),
			 LSVM_ERR_FINDINGS);
	assert_non_null(find_code(f, "unknown-key"));
	assert_non_null(find_code(f, "missing-key"));
	assert_non_null(find_code(f, "bad-prefix"));
	assert_non_null(find_code(f, "unknown-server"));
	for (size_t i = 1; i < lsvm_findings_count(f->findings); i++)
		assert_true(lsvm_finding_line(lsvm_findings_at(f->findings, i - 1)) <=
			    lsvm_finding_line(lsvm_findings_at(f->findings, i)));
}

static void syntax_errors_have_a_place(void **state)
{
	struct fixture *f = *state;
	const struct lsvm_finding *finding;

	refuse_text(f, "name: x\n  y: [\n", 15, LSVM_FORMAT_YAML);
	finding = find_code(f, "syntax");
	assert_non_null(finding);
	assert_int_equal(lsvm_finding_line(finding), 2);
	refuse_text(f, "{\"name\": \"x\",\n \"name\": \"y\"}", 28, LSVM_FORMAT_JSON);
	finding = find_code(f, "syntax");
	assert_non_null(finding);
	assert_int_equal(lsvm_finding_line(finding), 2);
	refuse_text(f, "name: \xff", 7, LSVM_FORMAT_YAML);
	assert_non_null(find_code(f, "syntax"));
	refuse_text(f, "a: 1\n---\nb: 2\n", 14, LSVM_FORMAT_YAML);
	assert_non_null(find_code(f, "syntax"));
	refuse_text(f, "", 0, LSVM_FORMAT_YAML);
	assert_non_null(find_code(f, "empty-document"));
	assert_int_equal(refuse_text(f, "", 0, 7), LSVM_ERR_ARGUMENT);
}

static void truncated_files_are_refused_or_whole(void **state)
{
	struct fixture *f = *state;

	for (size_t length = 0; length < strlen(SMALL); length += 3) {
		struct lsvm_cluster *c = NULL;

		if (lsvm_cluster_load(f->ctx, SMALL, length, LSVM_FORMAT_YAML, NULL, &c) <
		    0)
			assert_null(c);
		lsvm_cluster_unref(c);
	}
}

static void input_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct buf buf = { 0 };

	for (int i = 0; i < 40; i++)
		lsvm_buf_text(&buf, "[");
	refuse_text(f, buf.data, buf.length, LSVM_FORMAT_YAML);
	assert_non_null(find_code(f, "too-deep"));
	refuse_text(f, buf.data, buf.length, LSVM_FORMAT_JSON);
	assert_non_null(find_code(f, "too-deep"));
	buf.length = 0;
	lsvm_buf_text(&buf, "a: &a [x,x,x,x,x,x,x,x]\n");
	for (char c = 'b'; c < 'j'; c++)
		lsvm_buf_printf(&buf, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c,
				c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
	refuse_text(f, buf.data, buf.length, LSVM_FORMAT_YAML);
	assert_non_null(find_code(f, "too-large"));
	buf.length = 0;
	lsvm_buf_text(&buf, "a: &a x\nb:\n");
	for (int i = 0; i < 1001; i++)
		lsvm_buf_text(&buf, " - *a\n");
	refuse_text(f, buf.data, buf.length, LSVM_FORMAT_YAML);
	assert_non_null(find_code(f, "too-large"));
	refuse_text(f, buf.data, TREE_MAX_BYTES + 1u, LSVM_FORMAT_YAML);
	assert_non_null(find_code(f, "too-large"));
	refuse_text(f, buf.data, TREE_MAX_BYTES + 1u, LSVM_FORMAT_JSON);
	assert_non_null(find_code(f, "too-large"));
	lsvm_buf_free(&buf);
}

static void values_are_counted_before_json_is_parsed(void **state)
{
	struct fixture *f = *state;
	size_t length = 2 * (size_t)TREE_MAX_NODES + 4;
	char *text = malloc(length);

	assert_non_null(text);
	memset(text, ',', length);
	for (size_t i = 1; i + 1 < length; i += 2)
		text[i] = '1';
	text[0] = '[';
	text[length - 1] = ']';
	refuse_text(f, text, length, LSVM_FORMAT_JSON);
	assert_non_null(find_code(f, "too-large"));
	free(text);
}

static void a_thousand_findings_are_enough(void **state)
{
	struct fixture *f = *state;
	struct buf buf = { 0 };
	char *json;

	lsvm_buf_text(&buf, "name: \xc3\xa4\n");
	for (int i = 0; i < 3000; i++)
		lsvm_buf_printf(&buf, "\"\xc3\xa4%70d%d\": 1\n", 1, i);
	refuse_text(f, buf.data, buf.length, LSVM_FORMAT_YAML);
	assert_int_equal(lsvm_findings_count(f->findings), LSVM_FINDINGS_MAX + 1);
	assert_int_equal(lsvm_findings_to_json(f->findings, &json), 0);
	lsvm_free(json);
	lsvm_buf_free(&buf);
}

static void aliases_stand_for_copies(void **state)
{
	struct fixture *f = *state;
	struct lsvm_cluster *c = load_text(
		f,
		SMALL "backends:\n"
		      "  - {name: b1, sysctls: &s [{name: net.a, value: 1}], interfaces: "
		      "[{network: front, addresses: 192.0.2.31}]}\n"
		      "  - {name: b2, sysctls: *s, interfaces: [{network: front, "
		      "addresses: 192.0.2.32}]}\n");

	assert_string_equal(c->backends.items[1].sysctls.items[0].name, "net.a");
	assert_string_equal(c->backends.items[1].sysctls.items[0].value, "1");
	lsvm_cluster_unref(c);
}

static void servers_know_their_partitions(void **state)
{
	struct fixture *f = *state;
	struct lsvm_cluster *c = load_text(
		f, SMALL "  - {name: C, servers: [eps3, eps1], vips: [192.0.2.103]}\n");

	assert_int_equal(c->servers.items[0].partitions.count, 2);
	assert_string_equal(c->servers.items[0].partitions.items[0]->name, "A");
	assert_string_equal(c->servers.items[0].partitions.items[1]->name, "C");
	assert_int_equal(c->servers.items[1].partitions.count, 1);
	assert_int_equal(c->servers.items[2].partitions.count, 2);
	assert_string_equal(c->servers.items[2].partitions.items[0]->name, "B");
	assert_int_equal(c->directors.items[0].partitions.count, 0);
	lsvm_cluster_unref(c);
}

static void names_of_ordinary_domains_are_gathered(void **state)
{
	struct fixture *f = *state;
	struct lsvm_cluster *c = load_text(
		f, SMALL "  - name: C\n    servers: [eps1]\n    vips:\n      - address: "
			 "192.0.2.103\n"
			 "        services: [{ports: 80}, {ports: 443}]\n"
			 "        domains:\n"
			 "          - d.example\n"
			 "          - {name: home.example, home: /srv/svm/home.example}\n"
			 "          - {name: alias.example, aliases: [other.example]}\n"
			 "          - {name: tls.example, tls: {redirect: true}}\n"
			 "          - {name: quota.example, quota_mib: 3}\n"
			 "          - Capital.example\n"
			 "          - long-enough-to-be-sixteeN.example\n");
	const struct vip *vip = &c->partitions.items[2].vips.items[0];

	assert_int_equal(vip->names.count, 8);
	assert_int_equal(vip->names.longest, strlen("long-enough-to-be-sixteeN.example"));
	assert_int_equal(vip->names.ordinary_count, 2);
	assert_string_equal(vip->names.ordinary, " d.example quota.example");
	assert_int_equal(vip->names.ordinary_length, strlen(vip->names.ordinary));
	lsvm_cluster_unref(c);
}

static void words_go_both_ways(void **state)
{
	assert_int_equal(lsvm_forwarding_parse("tunnel"), LSVM_FORWARDING_TUNNEL);
	assert_string_equal(lsvm_forwarding_name(LSVM_FORWARDING_TUNNEL), "tunnel");
	assert_int_equal(lsvm_topology_parse("no such"), LSVM_TOPOLOGY_UNKNOWN);
	assert_string_equal(lsvm_check_kind_name(99), "unknown");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(accessors_tell_what_was_written),
		TEST(defaults_are_filled_but_not_written),
		TEST(settings_come_from_the_nearest_level),
		TEST(faults_have_code_place_and_path),
		TEST(all_faults_are_told_at_once),
		TEST(syntax_errors_have_a_place),
		TEST(truncated_files_are_refused_or_whole),
		TEST(input_is_bounded),
		TEST(values_are_counted_before_json_is_parsed),
		TEST(a_thousand_findings_are_enough),
		TEST(aliases_stand_for_copies),
		TEST(servers_know_their_partitions),
		TEST(names_of_ordinary_domains_are_gathered),
		TEST(words_go_both_ways),
	};

	return RUN(tests);
}
