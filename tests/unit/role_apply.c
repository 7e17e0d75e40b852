/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Applying plans: what is done, what is remembered, what is left alone. */
#include "test.h"

#include "host/sim/sim.h"
#include "role/role.h"

#include <stdio.h>
#include <stdlib.h>

/* Two servers, one VIP; %s is the list of VIPs of the partition. */
static const char cluster_text[] =
	"name: small\n"
	"networks:\n"
	"  - {name: outside, subnets: 10.9.0.0/24, outside: true}\n"
	"  - {name: front, subnets: 192.0.2.0/24}\n"
	"routers:\n"
	"  - name: r1\n"
	"    interfaces: [{network: outside, addresses: 10.9.0.1},"
	" {network: front, addresses: 192.0.2.1}]\n"
	"directors: [{name: eds1, interfaces: [{network: front, addresses: "
	"192.0.2.11}]}]\n"
	"servers:\n"
	"  - {name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}]}\n"
	"  - {name: eps2, interfaces: [{network: front, addresses: 192.0.2.22}]}\n"
	"partitions: [{name: web, servers: [eps1, eps2], vips: [%s]}]\n";

#define ONE_VIP "{address: 192.0.2.100, domains: [www.example]}"
#define TWO_VIPS ONE_VIP ", {address: 192.0.2.101, domains: [shop.example]}"
#define OTHER_VIP "{address: 192.0.2.102, domains: [new.example]}"

struct machine {
	struct lsvm_ctx *ctx;
	struct lsvm_host *host;
	struct sim_host *sim;
};

static int start(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	assert_int_equal(lsvm_ctx_new(&m->ctx), 0);
	assert_int_equal(lsvm_host_new_simulated(m->ctx, "here", &m->host), 0);
	m->sim = (struct sim_host *)m->host;
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

static void good(struct machine *m, int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(m->ctx));
}

static void bad(struct machine *m, int err, int wanted, const char *word)
{
	if (err != wanted || !strstr(lsvm_ctx_error_text(m->ctx), word))
		fail_msg("%s, not %s: %s", lsvm_err_name(err), lsvm_err_name(wanted),
			 lsvm_ctx_error_text(m->ctx));
}

static struct lsvm_plan *plan(struct machine *m, const char *machine, const char *vips)
{
	struct lsvm_cluster *cluster;
	struct lsvm_plan *plan;
	char text[4096];

	snprintf(text, sizeof(text), cluster_text, vips);
	good(m, lsvm_cluster_load(m->ctx, text, strlen(text), LSVM_FORMAT_YAML, NULL,
				  &cluster));
	good(m, lsvm_plan_compile(m->ctx, cluster, machine, LSVM_DUTY_MASTER, &plan));
	lsvm_cluster_unref(cluster);
	return plan;
}

/* Takes at most `batches`; what lsvm_apply_next() said last. The plan is given back. */
static int apply_some(struct machine *m, struct lsvm_plan *plan, int batches)
{
	struct lsvm_apply *apply;
	int more = 1;

	good(m, lsvm_apply_new(m->host, plan, &apply));
	while (more > 0 && batches-- > 0)
		more = lsvm_apply_next(apply);
	if (more == 0)
		good(m, lsvm_apply_verify(apply));
	lsvm_apply_free(apply);
	lsvm_plan_unref(plan);
	return more;
}

static void apply_all(struct machine *m, struct lsvm_plan *plan)
{
	good(m, apply_some(m, plan, 1000));
}

static bool holds(struct machine *m, const char *interface, const char *prefix)
{
	struct address address = { 0 };
	struct state *present;
	bool found;

	strcpy(address.interface, interface);
	lsvm_prefix_parse(prefix, &address.prefix);
	good(m, lsvm_host_observe(m->host, NULL, NULL, &present));
	found = lsvm_state_address(present, &address) != NULL;
	lsvm_state_free(present);
	return found;
}

/* Addresses of the whole length: VIPs. A machine keeps its own address, once it has it.
 */
static size_t vips(struct machine *m)
{
	size_t count = 0;

	for (size_t i = 0; i < m->sim->addresses.count; i++)
		count += m->sim->addresses.items[i].prefix.length == 32;
	return count;
}

static void put(struct machine *m, enum step_kind kind, const char *interface,
		const char *prefix)
{
	struct address address = { 0 };
	struct step step = { .kind = kind, .address = &address };
	size_t done;

	strcpy(address.interface, interface);
	lsvm_prefix_parse(prefix, &address.prefix);
	good(m, lsvm_host_perform(m->host, &step, 1, &done));
}

static void the_second_apply_writes_nothing(void **state)
{
	static const char *const machines[] = { "eds1", "eps1" };
	struct machine *m = *state;
	uint64_t writes;

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		apply_all(m, NULL);
		apply_all(m, plan(m, machines[i], TWO_VIPS));
		writes = lsvm_host_write_count(m->host);
		assert_true(writes > 5);
		apply_all(m, plan(m, machines[i], TWO_VIPS));
		assert_int_equal(lsvm_host_write_count(m->host), writes);
	}
}

static void a_server_holds_its_vips_and_runs_its_web_server(void **state)
{
	struct machine *m = *state;

	apply_all(m, plan(m, "eps1", TWO_VIPS));
	assert_true(holds(m, "lo", "192.0.2.100/32"));
	assert_true(holds(m, "lo", "192.0.2.101/32"));
	assert_string_equal(lsvm_sim_sysctl_get(m->sim, "net.ipv4.conf.all.arp_ignore"),
			    "1");
	assert_true(m->sim->units.count > 0 && m->sim->units.items[0].running);
}

static void what_a_new_plan_lacks_goes_and_foreign_things_stay(void **state)
{
	struct machine *m = *state;

	put(m, STEP_ADDRESS_ADD, "lo", "198.51.100.7/32");
	apply_all(m, plan(m, "eps1", TWO_VIPS));
	apply_all(m, plan(m, "eps1", OTHER_VIP));
	assert_false(holds(m, "lo", "192.0.2.100/32"));
	assert_false(holds(m, "lo", "192.0.2.101/32"));
	assert_true(holds(m, "lo", "192.0.2.102/32"));
	assert_true(holds(m, "lo", "198.51.100.7/32"));
}

static size_t services(struct machine *m)
{
	struct lsvm_ipvs_table *table;
	size_t count;

	good(m, lsvm_host_ipvs_snapshot(m->host, &table));
	count = table->services.count;
	lsvm_ipvs_table_unref(table);
	return count;
}

static void add_foreign_service(struct machine *m)
{
	struct lsvm_ipvs_table *table;
	struct ipvs_service *service;
	size_t changed;

	good(m, lsvm_ipvs_table_alloc(m->ctx, &table));
	service = lsvm_ipvs_table_push(table);
	service->key.protocol = 17;
	service->key.port = 53;
	lsvm_addr_parse("198.51.100.1", &service->key.addr);
	strcpy(service->scheduler, "rr");
	good(m, lsvm_ipvs_table_seal(table));
	good(m, lsvm_host_ipvs_reconcile(m->host, table, NULL, &changed));
	assert_int_equal(changed, 1);
	lsvm_ipvs_table_unref(table);
}

static void a_director_keeps_the_services_of_others(void **state)
{
	struct machine *m = *state;

	add_foreign_service(m);
	apply_all(m, plan(m, "eds1", TWO_VIPS));
	assert_int_equal(services(m), 3);
	apply_all(m, plan(m, "eds1", OTHER_VIP));
	assert_int_equal(services(m), 2);
	apply_all(m, NULL);
	assert_int_equal(services(m), 1);
}

static void a_reset_leaves_the_machine_as_it_was(void **state)
{
	static const char *const machines[] = { "eds1", "eps1" };
	struct machine *m = *state;
	struct sysctl mine = { "net.ipv4.conf.all.arp_announce", "1" };
	struct step step = { .kind = STEP_SYSCTL_SET, .sysctl = &mine };
	size_t done;

	good(m, lsvm_host_perform(m->host, &step, 1, &done));
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		apply_all(m, plan(m, machines[i], TWO_VIPS));
		apply_all(m, plan(m, machines[i], ONE_VIP));
		apply_all(m, NULL);
		assert_int_equal(vips(m), 0);
		assert_int_equal(m->sim->files.count, 0);
		assert_int_equal(services(m), 0);
		for (size_t j = 0; j < m->sim->units.count; j++)
			assert_false(m->sim->units.items[j].running);
		assert_string_equal(
			lsvm_sim_sysctl_get(m->sim, "net.ipv4.conf.all.arp_ignore"), "0");
		assert_string_equal(
			lsvm_sim_sysctl_get(m->sim, "net.ipv4.conf.all.arp_announce"),
			"1");
	}
	done = lsvm_host_write_count(m->host);
	apply_all(m, NULL);
	assert_int_equal(lsvm_host_write_count(m->host), done);
}

/* Cuts an apply after each number of batches; whatever plan comes then finds all of it.
 */
static void an_apply_cut_short_loses_nothing(void **state)
{
	struct machine *m = *state;
	int cut = 1, more = 1;

	for (; more > 0; cut++) {
		more = apply_some(m, plan(m, "eps1", TWO_VIPS), cut);
		good(m, more);
		good(m, apply_some(m, plan(m, "eps1", OTHER_VIP), 2));
		apply_all(m, plan(m, "eps1", ONE_VIP));
		assert_int_equal(vips(m), 1);
		assert_true(holds(m, "lo", "192.0.2.100/32"));
		apply_all(m, NULL);
		more = apply_some(m, plan(m, "eds1", TWO_VIPS), cut) > 0 || more;
		apply_all(m, NULL);
		assert_int_equal(vips(m), 0);
		assert_int_equal(m->sim->files.count, 0);
		assert_int_equal(services(m), 0);
	}
	assert_true(cut > 5);
}

static void a_reload_that_was_cut_off_is_made_up_for(void **state)
{
	struct machine *m = *state;
	struct lsvm_apply *apply;
	struct lsvm_plan *next;
	bool written = false, reloads = false;
	const struct lsvm_steps *steps;

	apply_all(m, plan(m, "eps1", ONE_VIP));
	next = plan(m, "eps1", TWO_VIPS);
	good(m, lsvm_apply_new(m->host, next, &apply));
	steps = lsvm_apply_steps(apply);
	while (!written) {
		size_t at = lsvm_apply_done_count(apply);

		written = lsvm_steps_kind(steps, at) == LSVM_STEP_FILE_WRITE;
		assert_int_equal(lsvm_apply_next(apply), 1);
	}
	lsvm_apply_free(apply);
	/* All files are as they should be now, but nobody has told the web server. */
	good(m, lsvm_apply_new(m->host, next, &apply));
	steps = lsvm_apply_steps(apply);
	for (size_t i = 0; i < lsvm_steps_count(steps); i++)
		reloads |= lsvm_steps_kind(steps, i) == LSVM_STEP_UNIT_RELOAD;
	assert_true(reloads);
	lsvm_apply_free(apply);
	lsvm_plan_unref(next);
}

static void a_failed_step_is_tried_again(void **state)
{
	struct machine *m = *state;
	struct lsvm_plan *wanted = plan(m, "eps1", ONE_VIP);
	struct lsvm_apply *apply;
	size_t done;
	int more;

	good(m, lsvm_apply_new(m->host, wanted, &apply));
	/* Somebody is faster. */
	put(m, STEP_ADDRESS_ADD, "lo", "192.0.2.100/32");
	do
		more = lsvm_apply_next(apply);
	while (more > 0);
	bad(m, more, LSVM_ERR_EXISTS, "192.0.2.100");
	done = lsvm_apply_done_count(apply);
	assert_int_equal(lsvm_apply_next(apply), LSVM_ERR_EXISTS);
	assert_int_equal(lsvm_apply_done_count(apply), done);
	put(m, STEP_ADDRESS_DELETE, "lo", "192.0.2.100/32");
	do
		more = lsvm_apply_next(apply);
	while (more > 0);
	good(m, more);
	good(m, lsvm_apply_verify(apply));
	assert_int_equal(lsvm_apply_done_count(apply),
			 lsvm_steps_count(lsvm_apply_steps(apply)));
	lsvm_apply_free(apply);
	lsvm_plan_unref(wanted);
}

static void two_applies_at_once_do_not_mix(void **state)
{
	struct machine *m = *state;
	struct lsvm_plan *one = plan(m, "eps1", ONE_VIP),
			 *two = plan(m, "eps1", TWO_VIPS);
	struct lsvm_apply *first, *second;
	uint64_t writes;

	good(m, lsvm_apply_new(m->host, one, &first));
	good(m, lsvm_apply_new(m->host, two, &second));
	assert_int_equal(lsvm_apply_next(first), 1);
	bad(m, lsvm_apply_next(second), LSVM_ERR_BUSY, "here");
	while (lsvm_apply_next(first) > 0)
		;
	good(m, lsvm_apply_verify(first));
	writes = lsvm_host_write_count(m->host);
	bad(m, lsvm_apply_next(second), LSVM_ERR_CONFLICT, "here");
	assert_int_equal(lsvm_host_write_count(m->host), writes);
	lsvm_apply_free(second);
	lsvm_apply_free(first);
	apply_all(m, two);
	lsvm_plan_unref(one);
}

static void what_did_not_stay_is_named(void **state)
{
	struct machine *m = *state;
	struct lsvm_plan *wanted = plan(m, "eds1", ONE_VIP);
	struct lsvm_apply *apply;

	good(m, lsvm_apply_new(m->host, wanted, &apply));
	while (lsvm_apply_next(apply) > 0)
		;
	good(m, lsvm_apply_verify(apply));
	put(m, STEP_ADDRESS_DELETE, "eth0", "192.0.2.100/32");
	bad(m, lsvm_apply_verify(apply), LSVM_ERR_CONFLICT, "192.0.2.100/32");
	lsvm_apply_free(apply);
	lsvm_plan_unref(wanted);
}

static void a_damaged_record_is_not_guessed_at(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"schema\":\"lsvm-applied/2\",\"plans\":[],\"before\":{}}",
		"{\"schema\":\"lsvm-applied/1\",\"plans\":[{}],\"before\":{}}",
		"{\"schema\":\"lsvm-applied/1\",\"plans\":[],\"before\":{\"a\":1}}",
		"{\"schema\":\"lsvm-applied/1\",\"plans\":[],\"before\":{\"a b\":\"\"}}"
	};
	struct machine *m = *state;
	struct lsvm_plan *wanted = plan(m, "eps1", ONE_VIP);
	struct lsvm_apply *apply;
	uint64_t writes;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct file file = { RECORD_PATH, 0600, texts[i], strlen(texts[i]) };
		struct step step = { .kind = STEP_FILE_WRITE, .file = &file };
		size_t done;

		good(m, lsvm_host_perform(m->host, &step, 1, &done));
		writes = lsvm_host_write_count(m->host);
		bad(m, lsvm_apply_new(m->host, wanted, &apply), LSVM_ERR_PARSE,
		    RECORD_PATH);
		assert_int_equal(lsvm_host_write_count(m->host), writes);
	}
	lsvm_plan_unref(wanted);
}

static void the_plan_applied_last_can_be_asked_for(void **state)
{
	struct machine *m = *state;
	struct lsvm_plan *wanted = plan(m, "eps1", ONE_VIP), *seen;
	char *left, *right;

	bad(m, lsvm_role_applied(m->host, &seen), LSVM_ERR_NOT_FOUND, "here");
	good(m, apply_some(m, lsvm_plan_ref(wanted), 1));
	good(m, lsvm_role_applied(m->host, &seen));
	lsvm_plan_unref(seen);
	good(m, apply_some(m, plan(m, "eps1", TWO_VIPS), 1));
	bad(m, lsvm_role_applied(m->host, &seen), LSVM_ERR_STATE, "here");
	apply_all(m, lsvm_plan_ref(wanted));
	good(m, lsvm_role_applied(m->host, &seen));
	good(m, lsvm_plan_to_json(wanted, &left));
	good(m, lsvm_plan_to_json(seen, &right));
	assert_string_equal(left, right);
	lsvm_free(left);
	lsvm_free(right);
	lsvm_plan_unref(seen);
	lsvm_plan_unref(wanted);
}

static void the_status_tells_what_differs(void **state)
{
	struct machine *m = *state;
	char *text;

	good(m, lsvm_role_status_to_text(m->host, LSVM_ROLE_SERVER, &text));
	assert_string_equal(text, "here: nothing is applied\n");
	lsvm_free(text);
	apply_all(m, plan(m, "eds1", ONE_VIP));
	good(m, lsvm_role_status_to_text(m->host, LSVM_ROLE_DIRECTOR, &text));
	assert_non_null(strstr(text, "as planned"));
	assert_non_null(strstr(text, "tcp 192.0.2.100:80"));
	assert_non_null(strstr(text, "192.0.2.22:80"));
	lsvm_free(text);
	put(m, STEP_ADDRESS_DELETE, "eth0", "192.0.2.100/32");
	good(m, lsvm_role_status_to_text(m->host, LSVM_ROLE_DIRECTOR, &text));
	assert_non_null(strstr(text, " to do\n"));
	assert_non_null(strstr(text, "192.0.2.100/32 on eth0: missing"));
	lsvm_free(text);
	good(m, lsvm_role_status_to_json(m->host, LSVM_ROLE_UNKNOWN, &text));
	assert_non_null(strstr(text, "\"schema\":\"lsvm-status/1\""));
	assert_non_null(strstr(text, "\"present\":false"));
	assert_non_null(strstr(text, "\"ipvs\":{"));
	lsvm_free(text);
}

static void a_foreign_destination_in_our_service_is_told(void **state)
{
	struct machine *m = *state;
	struct lsvm_ipvs_table *table;
	struct ipvs_destination *destinations;
	size_t changed;
	char *text;

	apply_all(m, plan(m, "eds1", ONE_VIP));
	good(m, lsvm_host_ipvs_snapshot(m->host, &table));
	destinations = table->services.items[0].destinations.items;
	lsvm_addr_parse("192.0.2.99", &destinations[1].addr);
	good(m, lsvm_host_ipvs_reconcile(m->host, table, NULL, &changed));
	lsvm_ipvs_table_unref(table);
	assert_int_equal(changed, 1);
	good(m, lsvm_role_status_to_text(m->host, LSVM_ROLE_DIRECTOR, &text));
	assert_non_null(strstr(text, "as planned but for what is not ours\n"));
	assert_non_null(strstr(text, "  not ours: destination 192.0.2.99:80 of "
				     "tcp 192.0.2.100:80, weight 1\n"));
	assert_null(strstr(text, "not ours: destination 192.0.2.21"));
	lsvm_free(text);
	good(m, lsvm_role_status_to_json(m->host, LSVM_ROLE_DIRECTOR, &text));
	assert_non_null(strstr(text, "\"not_ours\":[{"));
	lsvm_free(text);
}

/* As apply_some(), also when it was another machine. */
static int force_some(struct machine *m, struct lsvm_plan *plan, int batches)
{
	struct lsvm_apply *apply;
	int more = 1;

	good(m, lsvm_apply_new_as(m->host, plan, &apply));
	while (more > 0 && batches-- > 0)
		more = lsvm_apply_next(apply);
	if (more == 0)
		good(m, lsvm_apply_verify(apply));
	lsvm_apply_free(apply);
	lsvm_plan_unref(plan);
	return more;
}

static void another_machine_is_refused_unless_forced(void **state)
{
	static const char *const others[] = { "eps2", "eds1" };
	struct machine *m = *state;
	struct lsvm_apply *apply;
	struct lsvm_plan *other;
	uint64_t writes;

	apply_all(m, plan(m, "eps1", ONE_VIP));
	writes = lsvm_host_write_count(m->host);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		other = plan(m, others[i], ONE_VIP);
		bad(m, lsvm_apply_new(m->host, other, &apply), LSVM_ERR_CONFLICT, "eps1");
		assert_non_null(strstr(lsvm_ctx_error_text(m->ctx), others[i]));
		assert_int_equal(lsvm_host_write_count(m->host), writes);
		lsvm_plan_unref(other);
	}
	good(m, force_some(m, plan(m, "eps2", ONE_VIP), 1000));
	apply_all(m, plan(m, "eps2", ONE_VIP));
	other = plan(m, "eps1", ONE_VIP);
	bad(m, lsvm_apply_new(m->host, other, &apply), LSVM_ERR_CONFLICT, "eps2");
	lsvm_plan_unref(other);
	apply_all(m, NULL);
	apply_all(m, plan(m, "eps1", ONE_VIP));
}

static void a_forced_move_takes_back_the_addresses_it_brought(void **state)
{
	struct machine *m = *state;
	int cut = 1, more = 1;

	good(m, lsvm_host_simulate_interface(m->host, "eth0"));
	put(m, STEP_ADDRESS_ADD, "eth0", "192.0.2.21/24");
	for (; more > 0; cut++) {
		good(m, force_some(m, plan(m, "eps1", ONE_VIP), 1000));
		assert_false(holds(m, "eth0", "192.0.2.22/24"));
		more = force_some(m, plan(m, "eps2", ONE_VIP), cut);
		good(m, more);
		apply_all(m, plan(m, "eps2", ONE_VIP)); /* it goes on unforced */
		assert_true(holds(m, "eth0", "192.0.2.22/24"));
		more = force_some(m, plan(m, "eds1", ONE_VIP), cut) > 0 || more;
		apply_all(m, plan(m, "eds1", ONE_VIP));
		apply_all(m, plan(m, "eds1", TWO_VIPS));
		assert_true(holds(m, "eth0", "192.0.2.11/24"));
		assert_false(holds(m, "eth0", "192.0.2.22/24"));
		/* what the machine came with */
		assert_true(holds(m, "eth0", "192.0.2.21/24"));
	}
	assert_true(cut > 3);
	good(m, force_some(m, plan(m, "eps1", ONE_VIP), 1000));
	assert_false(holds(m, "eth0", "192.0.2.11/24"));
	assert_true(holds(m, "eth0", "192.0.2.21/24"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_second_apply_writes_nothing),
		TEST(a_server_holds_its_vips_and_runs_its_web_server),
		TEST(what_a_new_plan_lacks_goes_and_foreign_things_stay),
		TEST(a_director_keeps_the_services_of_others),
		TEST(a_reset_leaves_the_machine_as_it_was),
		TEST(an_apply_cut_short_loses_nothing),
		TEST(a_reload_that_was_cut_off_is_made_up_for),
		TEST(a_failed_step_is_tried_again),
		TEST(two_applies_at_once_do_not_mix),
		TEST(another_machine_is_refused_unless_forced),
		TEST(a_forced_move_takes_back_the_addresses_it_brought),
		TEST(what_did_not_stay_is_named),
		TEST(a_damaged_record_is_not_guessed_at),
		TEST(the_plan_applied_last_can_be_asked_for),
		TEST(the_status_tells_what_differs),
		TEST(a_foreign_destination_in_our_service_is_told),
	};

	return RUN(tests);
}
