/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a cluster makes its machines hold; the golden plans show the whole of it. */
#include "plan_support.h"

#include "cluster/model.h"

static bool has_sysctl(const struct lsvm_plan *plan, const char *name, const char *value)
{
	const struct sysctl *sysctl = lsvm_state_sysctl(plan->wanted, name);

	return sysctl && strcmp(sysctl->value, value) == 0;
}

/* Host addresses: VIPs and floating ones. */
static size_t vip_count(const struct lsvm_plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->wanted->addresses.count; i++)
		count += plan->wanted->addresses.items[i].prefix.length ==
			 lsvm_addr_bits(&plan->wanted->addresses.items[i].prefix.addr);
	return count;
}

static void expect_address(const struct lsvm_plan *plan, const char *text,
			   const char *interface)
{
	char buf[LSVM_ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < lsvm_plan_address_count(plan); i++) {
		int length = lsvm_plan_address(plan, i, buf, sizeof(buf));

		assert_int_equal(length, strlen(buf));
		if (strcmp(buf, text) != 0)
			continue;
		assert_string_equal(lsvm_plan_address_interface(plan, i), interface);
		return;
	}
	fail_msg("%s is not in the plan", text);
}

static const char *file_of(const struct lsvm_plan *plan, const char *path)
{
	const struct file *file = lsvm_state_file(plan->wanted, path);

	assert_non_null(file);
	return file->content;
}

static const char direct[] = NETWORKS DIRECTOR SERVER ONE_PARTITION(
	"", "      - {address: 192.0.2.100, domains: [a.example]}\n");

static void the_master_has_the_vip_and_the_backup_only_the_table(void **unused)
{
	struct lsvm_cluster *cluster = cluster_of(direct);
	struct lsvm_plan *plan;

	for (int duty = LSVM_DUTY_AUTO; duty <= LSVM_DUTY_BACKUP; duty++) {
		assert_int_equal(lsvm_plan_compile(ctx, cluster, "eds1", duty, &plan), 0);
		assert_int_equal(lsvm_plan_duty(plan), duty);
		assert_int_equal(lsvm_ipvs_table_service_count(lsvm_plan_ipvs(plan)), 1);
		assert_int_equal(vip_count(plan), duty == LSVM_DUTY_BACKUP ? 0 : 1);
		if (duty != LSVM_DUTY_BACKUP)
			expect_address(plan, "192.0.2.100/32", "eth0");
		lsvm_plan_unref(plan);
	}
	lsvm_cluster_unref(cluster);
}

static void a_server_in_direct_routing_keeps_its_vip_to_itself(void **unused)
{
	struct lsvm_plan *plan = plan_of(direct, "eps1");

	assert_null(lsvm_plan_ipvs(plan));
	assert_int_equal(lsvm_plan_duty(plan), LSVM_DUTY_UNKNOWN);
	expect_address(plan, "192.0.2.100/32", "lo");
	assert_true(has_sysctl(plan, "net.ipv4.conf.all.arp_ignore", "1"));
	assert_true(has_sysctl(plan, "net.ipv4.conf.all.arp_announce", "2"));
	assert_null(lsvm_state_sysctl(plan->wanted, "net.ipv4.conf.all.rp_filter"));
	/* Directors ask the server itself whether its port answers. */
	assert_non_null(strstr(file_of(plan, "/etc/svm/nginx.conf"),
			       "listen 192.0.2.100:80;\n\t\tlisten 192.0.2.21:80;\n"
			       "\t\tserver_name a.example;"));
	lsvm_plan_unref(plan);
}

static void a_server_behind_nat_has_no_vip_and_the_director_as_gateway(void **unused)
{
	struct lsvm_plan *plan =
		plan_of(NETWORKS DIRECTOR SERVER ONE_PARTITION(
				"    forwarding: nat\n",
				"      - {address: 192.0.2.100, domains: [a.example]}\n"),
			"eps1");
	const struct route *route = &plan->wanted->routes.items[0];
	char text[LSVM_ADDRESS_TEXT_BYTES];

	assert_int_equal(vip_count(plan), 0);
	expect_address(plan, "192.0.2.21/24", "eth0");
	assert_int_equal(route->destination.length, 0);
	assert_string_equal(lsvm_addr_text(&route->via, text), "192.0.2.11");
	assert_non_null(
		strstr(file_of(plan, "/etc/svm/nginx.conf"), "listen 192.0.2.21:80;"));
	lsvm_plan_unref(plan);
}

static void a_redirection_names_the_port_that_clients_see(void **unused)
{
	struct lsvm_plan *plan = plan_of(
		NETWORKS DIRECTOR SERVER ONE_PARTITION(
			"    forwarding: nat\n",
			"      - address: 192.0.2.100\n"
			"        services: [{ports: 80}, {ports: 443, server_port: "
			"8443}]\n"
			"        domains: [{name: a.example, tls: {redirect: true}}]\n"),
		"eps1");
	const char *file = file_of(plan, "/etc/svm/nginx.conf");

	assert_non_null(strstr(file, "listen 192.0.2.21:8443 ssl;"));
	assert_non_null(strstr(file, "return 301 https://$host$request_uri;"));
	lsvm_plan_unref(plan);
}

static void without_domains_the_web_server_is_somebody_elses(void **unused)
{
	struct lsvm_plan *plan = plan_of(
		NETWORKS DIRECTOR SERVER ONE_PARTITION(
			"", "      - {address: 192.0.2.100, services: [{ports: 80}]}\n"),
		"eps1");

	assert_int_equal(vip_count(plan), 1);
	assert_int_equal(plan->wanted->files.count, 0);
	assert_int_equal(plan->wanted->units.count, 0);
	lsvm_plan_unref(plan);
}

static void a_director_forwards_only_where_it_translates(void **unused)
{
	struct lsvm_plan *plan = plan_of(direct, "eds1");

	assert_null(lsvm_state_sysctl(plan->wanted, "net.ipv4.ip_forward"));
	lsvm_plan_unref(plan);
	plan = plan_of(
		NETWORKS DIRECTOR SERVER ONE_PARTITION(
			"    forwarding: nat\n",
			"      - {address: '2001:db8:2::100', domains: [a.example]}\n"),
		"eds1");
	assert_null(lsvm_state_sysctl(plan->wanted, "net.ipv4.ip_forward"));
	assert_true(has_sysctl(plan, "net.ipv6.conf.all.forwarding", "1"));
	lsvm_plan_unref(plan);
}

static void one_device_serves_ipip_and_gue(void **unused)
{
	struct lsvm_plan *plan =
		plan_of(NETWORKS DIRECTOR SERVER ONE_PARTITION(
				"    forwarding: tunnel\n",
				"      - {address: 192.0.2.100, tunnel: {kind: gue, "
				"port: 6080}}\n"
				"      - {address: 192.0.2.101, domains: [a.example]}\n"),
			"eps1");
	const struct link *link = lsvm_state_link(plan->wanted, "svmipip0");

	assert_non_null(link);
	assert_int_equal(link->port, 0); /* the first VIP has no service */
	lsvm_plan_unref(plan);
	plan = plan_of(NETWORKS DIRECTOR SERVER ONE_PARTITION(
			       "    forwarding: tunnel\n",
			       "      - {address: 192.0.2.100, domains: [b.example]}\n"
			       "      - {address: 192.0.2.101, domains: [a.example], "
			       "tunnel: {kind: "
			       "gue, port: 6080}}\n"),
		       "eps1");
	link = lsvm_state_link(plan->wanted, "svmipip0");
	assert_int_equal(link->kind, LINK_GUE);
	assert_int_equal(link->port, 6080);
	expect_address(plan, "192.0.2.100/32", "svmipip0");
	expect_address(plan, "192.0.2.101/32", "svmipip0");
	assert_true(has_sysctl(plan, "net.ipv4.conf.svmipip0.rp_filter", "0"));
	lsvm_plan_unref(plan);
}

static void two_ports_of_gue_on_one_server_are_refused(void **unused)
{
	struct lsvm_cluster *cluster = cluster_of(NETWORKS DIRECTOR SERVER ONE_PARTITION(
		"    forwarding: tunnel\n",
		"      - {address: 192.0.2.100, domains: [b.example], tunnel: {kind: "
		"gue, port: 6080}}\n"
		"      - {address: 192.0.2.101, domains: [a.example], tunnel: {kind: "
		"gue, port: 6080}}\n"));
	struct lsvm_plan *plan;

	/* Whatever validation lets through. */
	cluster->partitions.items[0].vips.items[0].settings.tunnel->port = 6081;
	assert_int_equal(lsvm_plan_compile(ctx, cluster, "eps1", LSVM_DUTY_AUTO, &plan),
			 LSVM_ERR_UNSUPPORTED);
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "GUE on two ports"));
	assert_int_equal(lsvm_plan_compile(ctx, cluster, "eds1", LSVM_DUTY_AUTO, &plan),
			 0);
	lsvm_plan_unref(plan);
	lsvm_cluster_unref(cluster);
}

static void a_mark_is_one_service_whatever_its_ports(void **unused)
{
	struct lsvm_plan *plan = plan_of(
		NETWORKS DIRECTOR SERVER ONE_PARTITION(
			"", "      - {address: 192.0.2.100, services: [{name: a, "
			    "protocol: udp, "
			    "ports: [5000-5009, 6000], fwmark: 7}]}\n"
			    "      - {address: 192.0.2.101, services: [{name: a, "
			    "protocol: udp, "
			    "ports: 7000, fwmark: 7}]}\n"
			    "      - {address: 192.0.2.102, services: [{name: b, ports: "
			    "[8000-8003]}]}\n"),
		"eds1");
	const struct lsvm_ipvs_table *table = lsvm_plan_ipvs(plan);
	size_t marks = 0;

	assert_int_equal(table->services.count, 5);
	for (size_t i = 0; i < table->services.count; i++) {
		const struct ipvs_service *service = &table->services.items[i];

		marks += service->key.fwmark == 7;
		assert_int_equal(service->destinations.count, 1);
		assert_int_equal(service->destinations.items[0].port, service->key.port);
	}
	assert_int_equal(marks, 1);
	assert_non_null(strstr(
		file_of(plan, "/run/svm/marks4.nft"),
		"ip daddr 192.0.2.100 udp dport { 5000-5009, 6000 } meta mark set 7\n"
		"\t\tip daddr 192.0.2.101 udp dport { 7000 } meta mark set 7\n"));
	assert_null(lsvm_state_file(plan->wanted, "/run/svm/marks6.nft"));
	lsvm_plan_unref(plan);
}

static void a_router_leads_to_vips_outside_every_network(void **unused)
{
	struct lsvm_plan *plan = plan_of(
		NETWORKS DIRECTOR SERVER ONE_PARTITION(
			"", "      - {address: 203.0.113.7, domains: [a.example]}\n"
			    "      - {address: 192.0.2.100, domains: [b.example]}\n"),
		"r1");
	const struct route *route = &plan->wanted->routes.items[0];
	char text[LSVM_ADDRESS_TEXT_BYTES];

	assert_int_equal(plan->wanted->routes.count, 1);
	assert_string_equal(lsvm_prefix_text(&route->destination, text),
			    "203.0.113.7/32");
	assert_int_equal(route->via.family, 0);
	assert_string_equal(route->interface, "eth1");
	lsvm_plan_unref(plan);
}

static void a_path_that_nginx_would_expand_is_refused(void **unused)
{
	struct lsvm_cluster *cluster = cluster_of(NETWORKS DIRECTOR SERVER ONE_PARTITION(
		"", "      - {address: 192.0.2.100, domains: [{name: a.example, home: "
		    "/srv/x}]}\n"));
	const struct lsvm_domain *domain = lsvm_cluster_find_domain(cluster, "a.example");
	struct lsvm_plan *plan;

	/* Whatever validation lets through. */
	strcpy((char *)lsvm_domain_home(domain), "/srv/$");
	assert_int_equal(lsvm_plan_compile(ctx, cluster, "eps1", LSVM_DUTY_AUTO, &plan),
			 LSVM_ERR_ARGUMENT);
	lsvm_cluster_unref(cluster);
}

static void what_is_not_there_is_said(void **unused)
{
	struct lsvm_cluster *cluster = cluster_of(direct);
	struct lsvm_plan *plan = NULL;

	assert_int_equal(lsvm_plan_compile(ctx, cluster, "eps2", LSVM_DUTY_AUTO, &plan),
			 LSVM_ERR_NOT_FOUND);
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "'eps2'"));
	assert_int_equal(lsvm_plan_compile(ctx, cluster, "eps1", 0, &plan),
			 LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_plan_compile(ctx, cluster, "eps1", 4, &plan),
			 LSVM_ERR_ARGUMENT);
	assert_null(plan);
	lsvm_cluster_unref(cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_master_has_the_vip_and_the_backup_only_the_table),
		cmocka_unit_test(a_server_in_direct_routing_keeps_its_vip_to_itself),
		cmocka_unit_test(
			a_server_behind_nat_has_no_vip_and_the_director_as_gateway),
		cmocka_unit_test(a_redirection_names_the_port_that_clients_see),
		cmocka_unit_test(without_domains_the_web_server_is_somebody_elses),
		cmocka_unit_test(a_director_forwards_only_where_it_translates),
		cmocka_unit_test(one_device_serves_ipip_and_gue),
		cmocka_unit_test(two_ports_of_gue_on_one_server_are_refused),
		cmocka_unit_test(a_mark_is_one_service_whatever_its_ports),
		cmocka_unit_test(a_router_leads_to_vips_outside_every_network),
		cmocka_unit_test(a_path_that_nginx_would_expand_is_refused),
		cmocka_unit_test(what_is_not_there_is_said),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
