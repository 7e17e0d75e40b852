/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a server gets no traffic: each fault, planted on a simulated machine, is named. */
#include "plan_support.h"

#include "host/sim/sim.h"
#include "role/explain.h"

#include <netinet/in.h>

static const char direct[] = NETWORKS DIRECTOR SERVER ONE_PARTITION(
	"", "      - {address: 192.0.2.100, services: [{ports: 80}]}\n");
static const char nat[] = NETWORKS DIRECTOR SERVER ONE_PARTITION(
	"    forwarding: nat\n",
	"      - {address: 192.0.2.100, services: [{ports: 80}]}\n");
static const char tunnel[] = NETWORKS DIRECTOR SERVER ONE_PARTITION(
	"    forwarding: tunnel\n",
	"      - {address: 192.0.2.100, services: [{ports: 80}]}\n");
static const char listening[] =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n"
	"   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000\n";

struct scene {
	struct lsvm_cluster *cluster;
	struct lsvm_host *host;
	struct sim_host *sim;
};

static void apply(struct scene *s)
{
	struct lsvm_apply *applied;
	struct lsvm_plan *plan;

	assert_int_equal(
		lsvm_plan_compile(ctx, s->cluster, s->host->name, LSVM_DUTY_AUTO, &plan),
		0);
	assert_int_equal(lsvm_apply_new(s->host, plan, &applied), 0);
	while (lsvm_apply_next(applied) > 0)
		;
	assert_int_equal(lsvm_apply_verify(applied), 0);
	lsvm_apply_free(applied);
	lsvm_plan_unref(plan);
}

static void put(struct scene *s, const char *path, const char *text)
{
	const struct file file = { path, 0444, text, strlen(text) };

	assert_int_equal(lsvm_sim_file_write(s->sim, &file), 0);
}

static struct scene scene(const char *text, const char *machine)
{
	struct scene s = { .cluster = cluster_of(text) };

	assert_int_equal(lsvm_host_new_simulated(ctx, machine, &s.host), 0);
	s.sim = (struct sim_host *)s.host;
	apply(&s);
	put(&s, "/proc/thread-self/net/tcp", listening);
	return s;
}

static void end(struct scene *s)
{
	lsvm_host_free(s->host);
	lsvm_cluster_unref(s->cluster);
}

static struct lsvm_causes *ask(struct scene *s)
{
	struct lsvm_causes *causes = NULL;

	if (strcmp(s->host->name, "eds1") == 0)
		assert_int_equal(lsvm_role_explain_destination(s->host, s->cluster,
							       "eps1", &causes),
				 0);
	else
		assert_int_equal(lsvm_role_explain_server(s->host, s->cluster, &causes),
				 0);
	return causes;
}

/* Nothing but these, in this order. */
static void expect(struct scene *s, enum lsvm_cause first, enum lsvm_cause second)
{
	struct lsvm_causes *causes = ask(s);

	assert_int_equal(lsvm_causes_count(causes), (first != 0) + (second != 0));
	assert_int_equal(lsvm_causes_kind(causes, 0), first);
	assert_int_equal(lsvm_causes_kind(causes, 1), second);
	for (size_t i = 0; i < lsvm_causes_count(causes); i++) {
		assert_true(strlen(lsvm_causes_text(causes, i)) >= 10);
		assert_true(strlen(lsvm_causes_advice(causes, i)) >= 10);
	}
	lsvm_causes_free(causes);
}

/* Changes the only service or its only destination in the kernel. */
static void change(struct scene *s, enum ipvs_change_kind kind, uint32_t weight,
		   uint32_t upper)
{
	struct lsvm_ipvs_table *table;
	struct ipvs_destination destination;
	struct ipvs_change change = { .kind = kind, .weight = weight };

	assert_int_equal(lsvm_host_ipvs_snapshot(s->host, &table), 0);
	change.service = &table->services.items[0];
	if (kind != IPVS_SERVICE_DELETE) {
		destination = table->services.items[0].destinations.items[0];
		destination.weight = weight;
		destination.upper_threshold = upper;
		change.destination = &destination;
	}
	assert_int_equal(lsvm_sim_ipvs_change(s->sim, &change), 0);
	lsvm_ipvs_table_unref(table);
}

static void call(struct scene *s, uint16_t client_port)
{
	char server[LSVM_ADDRESS_TEXT_BYTES];

	assert_int_equal(lsvm_host_simulate_connect(
				 s->host, LSVM_PROTOCOL_TCP, "10.9.0.2", client_port,
				 "192.0.2.100", 80, 0, server, sizeof(server)),
			 LSVM_ANSWER_SERVER);
}

/* Overloaded, as sure as that. */
static void expect_overload(struct scene *s, enum lsvm_severity severity)
{
	struct lsvm_causes *causes = ask(s);

	assert_int_equal(lsvm_causes_kind(causes, 0), LSVM_CAUSE_OVERLOADED);
	assert_int_equal(lsvm_causes_severity(causes, 0), severity);
	lsvm_causes_free(causes);
}

static void a_director_without_fault_has_no_cause(void **state)
{
	struct scene s = scene(direct, "eds1");
	struct lsvm_causes *causes = ask(&s);
	char *text;

	assert_int_equal(lsvm_causes_count(causes), 0);
	assert_int_equal(causes->looked_at, 1);
	assert_int_equal(lsvm_causes_to_text(causes, &text), 0);
	assert_non_null(strstr(text, "nothing on eds1 keeps traffic from eps1"));
	lsvm_free(text);
	lsvm_causes_free(causes);
	end(&s);
}

static void weights_and_thresholds_are_named(void **state)
{
	struct scene s = scene(direct, "eds1");

	change(&s, IPVS_DESTINATION_EDIT, 0, 0);
	expect(&s, LSVM_CAUSE_DRAINED, 0);
	change(&s, IPVS_DESTINATION_EDIT, 1, 4);
	call(&s, 1001);
	call(&s, 1002);
	expect(&s, 0, 0);
	call(&s, 1003);
	expect_overload(&s, LSVM_SEVERITY_WARNING);
	call(&s, 1004);
	expect_overload(&s, LSVM_SEVERITY_ERROR);
	end(&s);
}

static void what_was_taken_out_of_the_table_is_named(void **state)
{
	struct scene s = scene(direct, "eds1");

	change(&s, IPVS_DESTINATION_DELETE, 0, 0);
	expect(&s, LSVM_CAUSE_DESTINATION_MISSING, 0);
	change(&s, IPVS_SERVICE_DELETE, 0, 0);
	expect(&s, LSVM_CAUSE_SERVICE_MISSING, 0);
	end(&s);
}

static void the_way_to_the_server_is_looked_at(void **state)
{
	struct sysctl off = { "net.ipv4.ip_forward", "0" };
	struct scene s = scene(nat, "eds1");

	lsvm_sim_link(s.sim, "eth0")->link.down = true;
	assert_int_equal(lsvm_sim_sysctl_set(s.sim, &off), 0);
	expect(&s, LSVM_CAUSE_LINK_DOWN, LSVM_CAUSE_FORWARDING_OFF);
	end(&s);
	/* The same width on both sides is as it always is with tunnels. */
	s = scene(tunnel, "eds1");
	expect(&s, 0, 0);
	end(&s);
	s = scene(tunnel, "eds1");
	assert_int_equal(lsvm_host_simulate_interface(s.host, "wide0"), 0);
	lsvm_sim_link(s.sim, "wide0")->link.mtu = 9000;
	expect(&s, LSVM_CAUSE_TUNNEL_MTU, 0);
	end(&s);
}

static void who_is_in_no_service_is_told_so(void **state)
{
	struct scene s = scene(direct, "eds1");
	struct lsvm_causes *causes = NULL;

	assert_int_equal(
		lsvm_role_explain_destination(s.host, NULL, "192.0.2.77", &causes), 0);
	assert_int_equal(lsvm_causes_kind(causes, 0), LSVM_CAUSE_NO_SERVICE);
	lsvm_causes_free(causes);
	causes = NULL;
	assert_int_equal(lsvm_role_explain_destination(s.host, NULL, "eps1", &causes),
			 LSVM_ERR_NOT_FOUND);
	assert_int_equal(
		lsvm_role_explain_destination(s.host, s.cluster, "eps9", &causes),
		LSVM_ERR_NOT_FOUND);
	assert_null(causes);
	end(&s);
}

static void a_server_names_what_it_lacks(void **state)
{
	struct sysctl ignore = { "net.ipv4.conf.all.arp_ignore", "0" };
	struct sysctl announce = { "net.ipv4.conf.all.arp_announce", "1" };
	struct scene s = scene(direct, "eps1");

	expect(&s, 0, 0);
	assert_int_equal(lsvm_sim_sysctl_set(s.sim, &ignore), 0);
	assert_int_equal(lsvm_sim_sysctl_set(s.sim, &announce), 0);
	expect(&s, LSVM_CAUSE_ARP_IGNORE, LSVM_CAUSE_ARP_ANNOUNCE);
	apply(&s);
	lsvm_sim_link(s.sim, "lo")->link.down = true;
	put(&s, "/proc/thread-self/net/tcp", "");
	expect(&s, LSVM_CAUSE_LINK_DOWN, LSVM_CAUSE_NOT_LISTENING);
	end(&s);
}

static void a_server_behind_a_tunnel_names_what_it_lacks(void **state)
{
	struct sysctl filter = { "net.ipv4.conf.svmipip0.rp_filter", "1" };
	struct scene s = scene(tunnel, "eps1");

	expect(&s, 0, 0);
	assert_int_equal(lsvm_sim_sysctl_set(s.sim, &filter), 0);
	expect(&s, LSVM_CAUSE_RP_FILTER, 0);
	lsvm_sim_link(s.sim, "svmipip0")->link.down = true;
	expect(&s, LSVM_CAUSE_TUNNEL_DOWN, LSVM_CAUSE_RP_FILTER);
	apply(&s);
	lsvm_sim_link(s.sim, "svmipip0")->link.local.bytes[3] = 99;
	expect(&s, LSVM_CAUSE_TUNNEL_DIFFERS, 0);
	end(&s);
}

static void listeners_are_told_apart(void **state)
{
	static const char tcp[] =
		"   0: 0100007F:0050 00000000:0000 0A 0\n" /* 127.0.0.1:80 */
		"   1: 640200C0:0051 00000000:0000 0A 0\n" /* 192.0.2.100:81 */
		"   2: 640200C0:0052 010200C0:9999 01 0\n" /* connected */
		"   3: 00000000000000000000000000000000:0053 "
		"00000000000000000000000000000000:0000 0A 0\n" /* [::]:83 */
		"   4: 0000000000000000FFFF0000640200C0:0054 "
		"00000000000000000000000000000000:0000 0A 0\n" /* ::ffff:192.0.2.100 */
		"   5: 00:50 x\n  6: nonsense\n\n";
	struct listeners l = { .protocol = IPPROTO_TCP };
	const bool heard[] = { false, true, false, true, true };

	for (uint16_t i = 0; i < ARRAY_SIZE(heard); i++) {
		struct listener *listener = vec_push(&l.list);

		listener->protocol = IPPROTO_TCP;
		listener->port = 80 + i;
		assert_true(lsvm_addr_parse("192.0.2.100", &listener->addr));
	}
	for (size_t i = 0; i < sizeof(tcp) - 1; i++)
		lsvm_listeners_feed(&l, tcp + i, 1);
	for (size_t i = 0; i < ARRAY_SIZE(heard); i++)
		assert_int_equal(l.list.items[i].heard, heard[i]);
	vec_free(&l.list);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		FACT(a_director_without_fault_has_no_cause),
		FACT(weights_and_thresholds_are_named),
		FACT(what_was_taken_out_of_the_table_is_named),
		FACT(the_way_to_the_server_is_looked_at),
		FACT(who_is_in_no_service_is_told_so),
		FACT(a_server_names_what_it_lacks),
		FACT(a_server_behind_a_tunnel_names_what_it_lacks),
		FACT(listeners_are_told_apart),
	};

	return RUN(tests);
}
