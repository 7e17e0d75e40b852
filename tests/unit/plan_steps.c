/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps: what is added, what is removed, what is left alone, and in which order. */
#include "plan/plan.h"

#include "test.h"

#include <stdlib.h>

static struct lsvm_ctx *ctx;

static int setup(void **unused)
{
	return lsvm_ctx_new(&ctx);
}

static int teardown(void **unused)
{
	lsvm_ctx_unref(ctx);
	return 0;
}

/* ---- states ---- */

static struct state *state_new(void)
{
	struct state *state;

	assert_int_equal(lsvm_state_new(ctx, &state), 0);
	return state;
}

static void add_address(struct state *state, const char *text, const char *interface)
{
	struct address *address = vec_push(&state->addresses);

	assert_true(lsvm_prefix_parse(text, &address->prefix));
	strcpy(address->interface, interface);
}

static void add_route(struct state *state, const char *to, const char *via,
		      const char *interface)
{
	struct route *route = vec_push(&state->routes);

	assert_true(lsvm_prefix_parse(to, &route->destination));
	if (via)
		assert_true(lsvm_addr_parse(via, &route->via));
	strcpy(route->interface, interface);
}

static struct link *add_link(struct state *state, const char *name, enum link_kind kind,
			     const char *local)
{
	struct link *link = vec_push(&state->links);

	strcpy(link->name, name);
	link->kind = kind;
	if (local)
		assert_true(lsvm_addr_parse(local, &link->local));
	return link;
}

static void add_file(struct state *state, const char *path, const char *content)
{
	assert_true(lsvm_state_add_file(state, path, 0644, content, strlen(content)));
}

static const char *const nginx_files[] = { "/etc/web.conf", NULL };
static const char *const nginx_words[] = { "nginx", NULL };
static const char *const marks_files[] = { "/run/marks", NULL };

static struct unit *add_web(struct state *state, bool running)
{
	struct unit *unit = vec_push(&state->units);

	*unit = (struct unit){ .name = "nginx",
			       .pid_file = "/run/nginx.pid",
			       .files = nginx_files,
			       .start = nginx_words,
			       .reload = nginx_words,
			       .stop = nginx_words,
			       .running = running };
	return unit;
}

static void add_marks(struct state *state, bool running)
{
	struct unit *unit = vec_push(&state->units);

	*unit = (struct unit){ .name = "nft",
			       .files = marks_files,
			       .start = nginx_words,
			       .reload = nginx_words,
			       .stop = nginx_words,
			       .running = running };
}

static struct ipvs_service *add_service(struct state *state, const char *addr)
{
	struct ipvs_service *service;

	if (!state->ipvs)
		assert_int_equal(lsvm_ipvs_table_alloc(ctx, &state->ipvs), 0);
	service = lsvm_ipvs_table_push(state->ipvs);
	assert_true(lsvm_addr_parse(addr, &service->key.addr));
	service->key.protocol = 6;
	service->key.port = 80;
	service->netmask = UINT32_MAX;
	strcpy(service->scheduler, "wlc");
	return service;
}

static void add_destination(struct ipvs_service *service, const char *addr)
{
	struct ipvs_destination *destination = lsvm_ipvs_service_push(service);

	assert_true(lsvm_addr_parse(addr, &destination->addr));
	destination->port = 80;
	destination->forwarding = LSVM_FORWARDING_DIRECT - 1;
	destination->weight = 1;
}

/* ---- expectations ---- */

static char *steps_text(const struct state *present, const struct state *owned,
			const struct state *wanted)
{
	struct lsvm_steps *steps;
	struct buf buf = { 0 };

	if (wanted && wanted->ipvs)
		assert_int_equal(lsvm_ipvs_table_seal(wanted->ipvs), 0);
	if (present && present->ipvs)
		assert_int_equal(lsvm_ipvs_table_seal(present->ipvs), 0);
	if (owned && owned->ipvs)
		assert_int_equal(lsvm_ipvs_table_seal(owned->ipvs), 0);
	assert_int_equal(lsvm_steps_compute(ctx, present, owned, wanted, &steps), 0);
	for (size_t i = 0; i < steps->list.count; i++) {
		lsvm_step_text(&steps->list.items[i], &buf);
		lsvm_buf_text(&buf, "\n");
	}
	lsvm_steps_free(steps);
	return lsvm_buf_take(&buf);
}

static void expect(const struct state *present, const struct state *owned,
		   const struct state *wanted, const char *text)
{
	char *have = steps_text(present, owned, wanted);

	assert_string_equal(have, text);
	free(have);
}

/* ---- tests ---- */

static void nothing_wanted_and_nothing_owned_is_no_step(void **unused)
{
	struct state *present = state_new();

	add_address(present, "192.0.2.11/24", "eth0");
	add_link(present, "tun0", LINK_IPIP, "192.0.2.11");
	add_route(present, "198.51.100.0/24", "192.0.2.1", "eth0");
	add_file(present, "/etc/web.conf", "x");
	add_web(present, true);
	add_destination(add_service(present, "192.0.2.200"), "192.0.2.21");
	expect(present, NULL, NULL, "");
	lsvm_state_free(present);
}

static void what_is_wanted_and_there_is_no_step(void **unused)
{
	struct state *wanted = state_new();

	add_address(wanted, "192.0.2.101/32", "eth0");
	add_link(wanted, "svmipip0", LINK_IPIP, "192.0.2.11");
	add_route(wanted, "0.0.0.0/0", "192.0.2.1", "eth0");
	add_file(wanted, "/etc/web.conf", "x");
	add_web(wanted, true);
	lsvm_state_add_sysctl(wanted, "net.ipv4.vs.sync_threshold", "3 50");
	add_destination(add_service(wanted, "192.0.2.101"), "192.0.2.21");
	expect(wanted, wanted, wanted, "");
	expect(wanted, NULL, wanted, "");
	lsvm_state_free(wanted);
}

static void a_director_claims_a_vip_when_the_table_behind_it_is_ready(void **unused)
{
	struct state *wanted = state_new(), *present = state_new();

	add_address(wanted, "192.0.2.101/32", "eth0");
	lsvm_state_add_sysctl(wanted, "net.ipv4.ip_forward", "1");
	lsvm_state_add_sysctl(present, "net.ipv4.ip_forward", "0");
	add_file(wanted, "/run/marks", "7");
	add_marks(wanted, false);
	add_destination(add_service(wanted, "192.0.2.101"), "192.0.2.21");
	expect(present, NULL, wanted,
	       "set net.ipv4.ip_forward = 1\n"
	       "write file /run/marks (1 bytes)\n"
	       "add service tcp 192.0.2.101:80 scheduler wlc\n"
	       "add destination 192.0.2.21:80 of tcp 192.0.2.101:80 forwarding direct "
	       "weight 1\n"
	       "start nft\n"
	       "add address 192.0.2.101/32 to eth0\n");
	lsvm_state_free(present);
	lsvm_state_free(wanted);
}

static void a_director_gives_a_vip_up_before_its_table_goes(void **unused)
{
	struct state *owned = state_new();

	add_address(owned, "192.0.2.101/32", "eth0");
	add_file(owned, "/run/marks", "7");
	add_marks(owned, true);
	add_destination(add_service(owned, "192.0.2.101"), "192.0.2.21");
	expect(owned, owned, NULL,
	       "remove address 192.0.2.101/32 from eth0\n"
	       "remove service tcp 192.0.2.101:80\n"
	       "stop nft\n"
	       "remove file /run/marks\n");
	lsvm_state_free(owned);
}

static void a_server_hides_its_vip_then_has_it_then_binds_to_it(void **unused)
{
	struct state *wanted = state_new(), *present = state_new();

	add_address(wanted, "192.0.2.101/32", "svmipip0");
	add_link(wanted, "svmipip0", LINK_IPIP, "192.168.2.21");
	lsvm_state_add_sysctl(wanted, "net.ipv4.conf.all.arp_ignore", "1");
	add_route(wanted, "0.0.0.0/0", "192.168.2.1", "eth0");
	add_file(wanted, "/etc/web.conf", "x");
	add_web(wanted, false);
	expect(present, NULL, wanted,
	       "add link svmipip0 ipip local 192.168.2.21\n"
	       "set net.ipv4.conf.all.arp_ignore = 1\n"
	       "write file /etc/web.conf (1 bytes)\n"
	       "add address 192.0.2.101/32 to svmipip0\n"
	       "set route default via 192.168.2.1 on eth0\n"
	       "start nginx\n");
	lsvm_state_free(present);
	lsvm_state_free(wanted);
}

static void what_others_put_there_stays(void **unused)
{
	struct state *present = state_new(), *owned = state_new(), *wanted = state_new();

	add_address(present, "192.0.2.101/32", "eth0"); /* ours, wanted no more */
	add_address(present, "192.0.2.102/32", "eth0"); /* theirs */
	add_address(owned, "192.0.2.101/32", "eth0");
	add_address(owned, "192.0.2.103/32", "eth0"); /* ours, gone already */
	add_route(present, "198.51.100.1/32", "192.0.2.9", "eth0"); /* replaced by them */
	add_route(owned, "198.51.100.1/32", "192.0.2.1", "eth0");
	add_link(present, "tun0", LINK_GRE, "192.0.2.11");
	add_destination(add_service(present, "192.0.2.200"), "192.0.2.21");
	add_destination(add_service(wanted, "192.0.2.201"), "192.0.2.21");
	add_destination(add_service(present, "192.0.2.201"), "192.0.2.21");
	expect(present, owned, wanted, "remove address 192.0.2.101/32 from eth0\n");
	lsvm_state_free(present);
	lsvm_state_free(owned);
	lsvm_state_free(wanted);
}

static void a_default_route_is_replaced_but_never_removed(void **unused)
{
	struct state *owned = state_new(), *wanted = state_new();

	add_route(owned, "0.0.0.0/0", "192.0.2.1", "eth0");
	add_route(owned, "192.0.2.100/32", NULL, "eth1");
	add_route(wanted, "0.0.0.0/0", "192.0.2.2", "eth0");
	expect(owned, owned, wanted,
	       "set route default via 192.0.2.2 on eth0\n"
	       "remove route 192.0.2.100/32 on eth1\n");
	expect(owned, owned, NULL, "remove route 192.0.2.100/32 on eth1\n");
	lsvm_state_free(owned);
	lsvm_state_free(wanted);
}

static void a_machine_keeps_its_own_addresses(void **unused)
{
	struct state *owned = state_new();

	add_address(owned, "192.0.2.11/24", "eth0");
	add_address(owned, "2001:db8::11/64", "eth0");
	add_address(owned, "2001:db8::100/128", "eth0");
	expect(owned, owned, NULL, "remove address 2001:db8::100/128 from eth0\n");
	lsvm_state_free(owned);
}

static void a_new_file_reloads_what_runs_with_it(void **unused)
{
	struct state *present = state_new(), *wanted = state_new();

	add_file(present, "/etc/web.conf", "old");
	add_web(present, true);
	add_file(wanted, "/etc/web.conf", "new");
	add_web(wanted, false);
	expect(present, present, wanted,
	       "write file /etc/web.conf (3 bytes)\nreload nginx\n");
	/* The last apply wrote the file and was cut short before the reload. */
	expect(wanted, present, wanted, "start nginx\n");
	wanted->units.items[0].running = true;
	expect(wanted, present, wanted, "reload nginx\n");
	expect(wanted, wanted, wanted, "");
	lsvm_state_free(present);
	lsvm_state_free(wanted);
}

static void a_unit_that_starts_differently_is_started_anew(void **unused)
{
	static const char *const other[] = { "nginx", "-x", NULL };
	struct state *present = state_new(), *wanted = state_new();

	add_web(present, true);
	add_web(wanted, false)->start = other;
	expect(present, present, wanted, "stop nginx\nstart nginx\n");
	lsvm_state_free(present);
	lsvm_state_free(wanted);
}

static void a_tunnel_that_must_differ_is_made_anew_with_all_that_it_had(void **unused)
{
	struct state *present = state_new(), *wanted = state_new();

	add_link(present, "svmipip0", LINK_IPIP, "192.168.2.21");
	add_address(present, "192.0.2.101/32", "svmipip0");
	lsvm_state_add_sysctl(present, "net.ipv4.conf.svmipip0.rp_filter", "0");
	lsvm_state_add_sysctl(present, "net.ipv4.conf.all.rp_filter", "0");
	add_link(wanted, "svmipip0", LINK_GUE, "192.168.2.21")->port = 6080;
	add_address(wanted, "192.0.2.101/32", "svmipip0");
	lsvm_state_add_sysctl(wanted, "net.ipv4.conf.svmipip0.rp_filter", "0");
	lsvm_state_add_sysctl(wanted, "net.ipv4.conf.all.rp_filter", "0");
	expect(present, present, wanted,
	       "remove link svmipip0\n"
	       "add link svmipip0 gue local 192.168.2.21 port 6080\n"
	       "set net.ipv4.conf.svmipip0.rp_filter = 0\n"
	       "add address 192.0.2.101/32 to svmipip0\n");
	expect(present, present, NULL,
	       "remove address 192.0.2.101/32 from svmipip0\nremove link svmipip0\n");
	lsvm_state_free(present);
	lsvm_state_free(wanted);
}

static void a_network_card_is_never_taken_for_a_tunnel(void **unused)
{
	struct state *present = state_new(), *wanted = state_new();
	struct lsvm_steps *steps;

	add_link(present, "svmipip0", LINK_PRESENT, NULL);
	add_link(wanted, "svmipip0", LINK_IPIP, "192.168.2.21");
	assert_int_equal(lsvm_steps_compute(ctx, present, NULL, wanted, &steps),
			 LSVM_ERR_CONFLICT);
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "svmipip0"));
	lsvm_state_free(present);
	lsvm_state_free(wanted);
}

static void a_card_that_is_down_or_has_another_mtu_is_brought_up(void **unused)
{
	struct state *present = state_new(), *wanted = state_new();

	add_link(present, "eth0", LINK_PRESENT, NULL)->down = true;
	add_link(present, "eth1", LINK_PRESENT, NULL)->mtu = 1500;
	add_link(wanted, "eth0", LINK_PRESENT, NULL);
	add_link(wanted, "eth1", LINK_PRESENT, NULL)->mtu = 9000;
	expect(present, NULL, wanted,
	       "bring up link eth0\nbring up link eth1 mtu 9000\n");
	expect(wanted, wanted, NULL, "");
	lsvm_state_free(present);
	lsvm_state_free(wanted);
}

static void steps_as_json_name_their_schema(void **unused)
{
	struct state *wanted = state_new();
	struct lsvm_steps *steps;
	char *text;

	add_address(wanted, "192.0.2.101/32", "eth0");
	assert_int_equal(lsvm_steps_compute(ctx, NULL, NULL, wanted, &steps), 0);
	assert_int_equal(lsvm_steps_to_json(steps, &text), 0);
	assert_string_equal(text,
			    "{\n \"schema\": \"lsvm-steps/1\",\n \"steps\": [\n  {\n"
			    "   \"kind\": \"address-add\",\n"
			    "   \"text\": \"add address 192.0.2.101/32 to eth0\",\n"
			    "   \"address\": {\n"
			    "    \"address\": \"192.0.2.101/32\",\n"
			    "    \"interface\": \"eth0\"\n   }\n  }\n ]\n}");
	lsvm_free(text);
	assert_int_equal(lsvm_steps_kind(steps, 0), LSVM_STEP_ADDRESS_ADD);
	assert_int_equal(lsvm_steps_kind(steps, 1), LSVM_STEP_UNKNOWN);
	lsvm_steps_free(steps);
	lsvm_state_free(wanted);
}

/* 100,000 addresses in the worst order: seconds if it were quadratic, hours with lists.
 */
static void many_addresses_are_no_trouble(void **unused)
{
	struct state *present = state_new(), *wanted = state_new();
	struct lsvm_steps *steps;

	for (uint32_t i = 0; i < 100000; i++) {
		struct address *address = vec_push(&wanted->addresses);

		*address = (struct address){ "lo", { { 4, { 10, 0, 0, 0 } }, 32 } };
		address->prefix.addr.bytes[1] = (uint8_t)(i >> 16);
		address->prefix.addr.bytes[2] = (uint8_t)(i >> 8);
		address->prefix.addr.bytes[3] = (uint8_t)i;
		address = vec_push(&present->addresses);
		*address = wanted->addresses.items[i];
		address->prefix.addr.bytes[0] = i % 2 ? 10 : 11;
	}
	assert_int_equal(lsvm_steps_compute(ctx, present, present, wanted, &steps), 0);
	assert_int_equal(lsvm_steps_count(steps), 100000);
	lsvm_steps_free(steps);
	lsvm_state_free(present);
	lsvm_state_free(wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_wanted_and_nothing_owned_is_no_step),
		cmocka_unit_test(what_is_wanted_and_there_is_no_step),
		cmocka_unit_test(
			a_director_claims_a_vip_when_the_table_behind_it_is_ready),
		cmocka_unit_test(a_director_gives_a_vip_up_before_its_table_goes),
		cmocka_unit_test(a_server_hides_its_vip_then_has_it_then_binds_to_it),
		cmocka_unit_test(what_others_put_there_stays),
		cmocka_unit_test(a_default_route_is_replaced_but_never_removed),
		cmocka_unit_test(a_machine_keeps_its_own_addresses),
		cmocka_unit_test(a_new_file_reloads_what_runs_with_it),
		cmocka_unit_test(a_unit_that_starts_differently_is_started_anew),
		cmocka_unit_test(
			a_tunnel_that_must_differ_is_made_anew_with_all_that_it_had),
		cmocka_unit_test(a_network_card_is_never_taken_for_a_tunnel),
		cmocka_unit_test(a_card_that_is_down_or_has_another_mtu_is_brought_up),
		cmocka_unit_test(steps_as_json_name_their_schema),
		cmocka_unit_test(many_addresses_are_no_trouble),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
