/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From one IPVS table to another: which changes, and in which order. */
#include "ipvs/table.h"

#include "../lab/ipvs_random.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

static struct lsvm_ctx *ctx;

static int make_context(void **state)
{
	return lsvm_ctx_new(&ctx);
}

static int drop_context(void **state)
{
	lsvm_ctx_unref(ctx);
	return 0;
}

/* "services" or NULL for an empty table. */
static struct lsvm_ipvs_table *table_of(const char *json)
{
	struct lsvm_ipvs_table *table;

	if (lsvm_ipvs_table_from_json(ctx, json, strlen(json), &table))
		fail_msg("%s", lsvm_ctx_error_text(ctx));
	return table;
}

/* The changes, one line each. */
static void assert_changes(const char *present_json, const char *owned_json,
			   const char *wanted_json, const char *expected)
{
	struct lsvm_ipvs_table *present = table_of(present_json);
	struct lsvm_ipvs_table *owned = owned_json ? table_of(owned_json) : NULL;
	struct lsvm_ipvs_table *wanted = table_of(wanted_json);
	struct ipvs_changes changes = { 0 };
	struct buf lines = { 0 };

	if (lsvm_ipvs_changes_compute(ctx, present, owned, wanted, &changes))
		fail_msg("%s", lsvm_ctx_error_text(ctx));
	lsvm_buf_text(&lines, "");
	for (size_t i = 0; i < changes.list.count; i++) {
		lsvm_ipvs_change_text(&changes.list.items[i], &lines);
		lsvm_buf_text(&lines, "\n");
	}
	assert_string_equal(lines.data, expected);
	lsvm_buf_free(&lines);
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(owned);
	lsvm_ipvs_table_unref(wanted);
}

#define DOCUMENT(more) "{\"schema\":\"lsvm-ipvs/1\"" more "}"
#define SERVICES(list) DOCUMENT(",\"services\":[" list "]")
#define EMPTY DOCUMENT("")
#define SERVICE(host, scheduler, destinations)                                           \
	"{\"protocol\":\"tcp\",\"address\":\"192.0.2." host "\",\"port\":80,"            \
	"\"scheduler\":\"" scheduler "\",\"destinations\":[" destinations "]}"
#define TO(host, weight)                                                                 \
	"{\"address\":\"10.0.0." host "\",\"port\":80,\"weight\":" weight "}"

static void equal_tables_need_no_change(void **state)
{
	const char *table = SERVICES(SERVICE("1", "wlc", TO("1", "1")));

	assert_changes(table, NULL, table, "");
	assert_changes(EMPTY, EMPTY, EMPTY, "");
}

static void a_service_comes_before_its_destinations(void **state)
{
	assert_changes(
		EMPTY, NULL, SERVICES(SERVICE("1", "wlc", TO("2", "1") "," TO("1", "5"))),
		"add service tcp 192.0.2.1:80 scheduler wlc\n"
		"add destination 10.0.0.1:80 of tcp 192.0.2.1:80 forwarding direct "
		"weight 5\n"
		"add destination 10.0.0.2:80 of tcp 192.0.2.1:80 forwarding direct "
		"weight 1\n");
}

static void what_is_there_is_edited_in_place(void **state)
{
	assert_changes(
		SERVICES(SERVICE("1", "wlc", TO("1", "1"))), NULL,
		SERVICES(SERVICE("1", "rr", TO("1", "2"))),
		"edit service tcp 192.0.2.1:80 scheduler rr\n"
		"edit destination 10.0.0.1:80 of tcp 192.0.2.1:80 forwarding direct "
		"weight 2\n");
}

static void thresholds_and_tunnels_are_compared(void **state)
{
	const char *plain = SERVICES(SERVICE("1", "rr", TO("1", "1")));

	assert_changes(
		plain, NULL,
		SERVICES(SERVICE("1", "rr",
				 "{\"address\":\"10.0.0.1\",\"port\":80,"
				 "\"upper_threshold\":9}")),
		"edit destination 10.0.0.1:80 of tcp 192.0.2.1:80 forwarding direct "
		"weight 1 thresholds 0 9\n");
	assert_changes(
		plain, NULL,
		SERVICES(SERVICE("1", "rr",
				 "{\"address\":\"10.0.0.1\",\"port\":80,"
				 "\"forwarding\":\"tunnel\",\"tunnel\":"
				 "{\"kind\":\"gre\"}}")),
		"edit destination 10.0.0.1:80 of tcp 192.0.2.1:80 forwarding tunnel "
		"weight 1 tunnel gre\n");
}

static void removals_come_last_and_drain_first(void **state)
{
	const char *before =
		SERVICES(SERVICE("1", "wlc", TO("1", "1") "," TO("2", "0")) "," SERVICE(
			"2", "wlc", TO("1", "1")));

	assert_changes(
		before, before,
		SERVICES(SERVICE("1", "wlc", TO("3", "1")) "," SERVICE("3", "wlc", "")),
		"add destination 10.0.0.3:80 of tcp 192.0.2.1:80 forwarding direct "
		"weight 1\n"
		"add service tcp 192.0.2.3:80 scheduler wlc\n"
		"edit destination 10.0.0.1:80 of tcp 192.0.2.1:80 forwarding direct "
		"weight 0\n"
		"remove destination 10.0.0.1:80 of tcp 192.0.2.1:80\n"
		"remove destination 10.0.0.2:80 of tcp 192.0.2.1:80\n"
		"remove service tcp 192.0.2.2:80\n");
}

static void a_server_is_drained_only_after_its_replacement_came(void **state)
{
	assert_changes(
		SERVICES(SERVICE("1", "wlc", TO("1", "1"))), NULL,
		SERVICES(SERVICE("1", "wlc", TO("1", "0") "," TO("2", "1"))),
		"add destination 10.0.0.2:80 of tcp 192.0.2.1:80 forwarding direct "
		"weight 1\n"
		"edit destination 10.0.0.1:80 of tcp 192.0.2.1:80 forwarding direct "
		"weight 0\n");
}

static void under_hashing_a_server_goes_without_refusing_clients_first(void **state)
{
	const char *before = SERVICES(SERVICE("1", "mh", TO("1", "1") "," TO("2", "1")));

	assert_changes(before, before, SERVICES(SERVICE("1", "mh", TO("2", "1"))),
		       "remove destination 10.0.0.1:80 of tcp 192.0.2.1:80\n");
}

static void foreign_things_stay(void **state)
{
	const char *present =
		SERVICES(SERVICE("1", "wlc", TO("1", "1") "," TO("2", "1")) "," SERVICE(
			"9", "rr", TO("9", "1")));
	const char *owned = SERVICES(SERVICE("1", "wlc", TO("2", "1")));

	assert_changes(
		present, owned, SERVICES(SERVICE("1", "wlc", "")),
		"edit destination 10.0.0.2:80 of tcp 192.0.2.1:80 forwarding direct "
		"weight 0\n"
		"remove destination 10.0.0.2:80 of tcp 192.0.2.1:80\n");
	assert_changes(present, NULL, EMPTY, "");
	assert_changes(present, owned, EMPTY, "remove service tcp 192.0.2.1:80\n");
}

static void a_drained_server_is_added_at_its_last_weight_then_drained(void **state)
{
	const char *added = "add service tcp 192.0.2.1:80 scheduler mh\n"
			    "add destination 10.0.0.1:80 of tcp 192.0.2.1:80 forwarding "
			    "direct weight 7\n"
			    "edit destination 10.0.0.1:80 of tcp 192.0.2.1:80 forwarding "
			    "direct weight 0\n";

	assert_changes(EMPTY, SERVICES(SERVICE("1", "mh", TO("1", "7"))),
		       SERVICES(SERVICE("1", "mh", TO("1", "0"))), added);
	assert_changes(EMPTY, NULL,
		       SERVICES(SERVICE("1", "mh",
					"{\"address\":\"10.0.0.1\",\"port\":80,"
					"\"weight\":0,\"last_weight\":7}")),
		       added);
	/* One that never had a weight would only refuse the clients of its slots. */
	assert_changes(
		EMPTY, NULL, SERVICES(SERVICE("1", "mh", TO("1", "0"))),
		"add service tcp 192.0.2.1:80 scheduler mh\n"
		"add destination 10.0.0.1:80 of tcp 192.0.2.1:80 forwarding direct "
		"weight 0\n");
}

static void an_override_of_the_weight_is_in_the_change(void **state)
{
	struct lsvm_ipvs_table *present =
		table_of(SERVICES(SERVICE("1", "wlc", TO("1", "9"))));
	struct lsvm_ipvs_table *wanted = table_of(SERVICES(SERVICE("1", "wlc", "")));
	struct ipvs_changes changes;

	assert_int_equal(
		lsvm_ipvs_changes_compute(ctx, present, present, wanted, &changes), 0);
	assert_int_equal(changes.list.count, 2);
	assert_int_equal(changes.list.items[0].kind, IPVS_DESTINATION_EDIT);
	assert_int_equal(changes.list.items[0].weight, 0);
	assert_int_equal(changes.list.items[0].destination->weight, 9);
	lsvm_ipvs_changes_clear(&changes);
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(wanted);
}

#define DAEMON(state, more)                                                              \
	"{\"state\":\"" state "\",\"interface\":\"eth0\",\"sync_id\":1" more "}"
#define RUNNING ",\"maxlen_bytes\":1472,\"port\":8848,\"ttl\":1,\"group\":\"224.0.0.81\""

static void daemons_are_started_last_and_stopped_first(void **state)
{
	const char *master = DOCUMENT(",\"daemons\":[" DAEMON("master", RUNNING) "]");

	assert_changes(
		EMPTY, NULL,
		DOCUMENT(",\"daemons\":[" DAEMON("master", "") "],\"services\":[" SERVICE(
			"1", "rr", "") "]"),
		"add service tcp 192.0.2.1:80 scheduler rr\n"
		"start sync master on eth0 id 1\n");
	assert_changes(master, NULL, DOCUMENT(",\"daemons\":[" DAEMON("master", "") "]"),
		       "");
	assert_changes(master, NULL,
		       DOCUMENT(",\"daemons\":[" DAEMON("master", ",\"ttl\":2") "]"),
		       "stop sync master on eth0 id 1\n"
		       "start sync master on eth0 id 1\n");
	assert_changes(master, NULL, EMPTY, "");
	assert_changes(master, master, SERVICES(SERVICE("1", "rr", "")),
		       "stop sync master on eth0 id 1\n"
		       "add service tcp 192.0.2.1:80 scheduler rr\n");
}

static void a_length_that_the_kernel_clamps_is_no_difference(void **state)
{
	assert_changes(
		DOCUMENT(",\"daemons\":[" DAEMON(
			"backup", ",\"maxlen_bytes\":1024,\"port\":8848,\"ttl\":1,"
				  "\"group\":\"224.0.0.81\"") "]"),
		NULL,
		DOCUMENT(",\"daemons\":[" DAEMON("backup", ",\"maxlen_bytes\":1000") "]"),
		"");
}

static void only_timeouts_that_are_wanted_are_set(void **state)
{
	const char *present =
		DOCUMENT(",\"timeouts\":{\"tcp_s\":900,\"tcp_fin_s\":120,\"udp_s\":300}");

	assert_changes(present, NULL, EMPTY, "");
	assert_changes(present, NULL, DOCUMENT(",\"timeouts\":{\"tcp_s\":900}"), "");
	assert_changes(present, NULL, DOCUMENT(",\"timeouts\":{\"udp_s\":30}"),
		       "set timeouts tcp 0 s, tcp-fin 0 s, udp 30 s\n");
}

static void what_cannot_work_is_never_sent(void **state)
{
	struct lsvm_ipvs_table *empty = table_of(EMPTY);
	struct lsvm_ipvs_table *wanted =
		table_of(SERVICES(SERVICE("1", "rr",
					  "{\"address\":\"10.0.0.1\",\"port\":81,"
					  "\"forwarding\":\"direct\"}")));
	struct ipvs_changes changes = { 0 };

	assert_int_equal(lsvm_ipvs_changes_compute(ctx, empty, NULL, wanted, &changes),
			 LSVM_ERR_ARGUMENT);
	assert_int_equal(changes.list.count, 0);
	assert_non_null(strstr(lsvm_ctx_error_text(ctx), "10.0.0.1:81"));
	lsvm_ipvs_table_unref(empty);
	lsvm_ipvs_table_unref(wanted);
}

static void the_public_diff_keeps_its_tables(void **state)
{
	struct lsvm_ipvs_table *present = table_of(EMPTY);
	struct lsvm_ipvs_table *wanted = table_of(SERVICES(SERVICE("1", "rr", "")));
	struct lsvm_ipvs_changes *changes;
	char text[64], *json;

	assert_int_equal(lsvm_ipvs_diff(ctx, present, wanted, &changes), 0);
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(wanted);
	assert_int_equal(lsvm_ipvs_changes_count(changes), 1);
	assert_string_equal(lsvm_ipvs_changes_text(changes, 0, text, sizeof(text)),
			    "add service tcp 192.0.2.1:80 scheduler rr");
	assert_string_equal(lsvm_ipvs_changes_text(changes, 0, text, 4), "add");
	assert_string_equal(lsvm_ipvs_changes_text(changes, 1, text, sizeof(text)), "");
	assert_int_equal(lsvm_ipvs_changes_to_json(changes, &json), 0);
	assert_string_equal(json,
			    "{\"schema\":\"lsvm-ipvs-changes/1\",\"changes\":[\"add "
			    "service tcp 192.0.2.1:80 scheduler rr\"]}");
	lsvm_free(json);
	lsvm_ipvs_changes_free(changes);
	lsvm_ipvs_changes_free(NULL);
}

/* ---- random tables, one change after another ---- */

struct view { /* of one table */
	struct ipvs_service services[200];
	size_t count;
};

static struct ipvs_service *seen(struct view *view, const struct ipvs_key *key)
{
	for (size_t i = 0; i < view->count; i++)
		if (lsvm_ipvs_key_compare(&view->services[i].key, key) == 0)
			return &view->services[i];
	return NULL;
}

static size_t seen_destination(const struct ipvs_service *service,
			       const struct ipvs_destination *destination)
{
	size_t i = 0;

	while (i < service->destinations.count &&
	       lsvm_ipvs_destination_compare(&service->destinations.items[i],
					     destination) != 0)
		i++;
	return i;
}

static void perform(struct view *view, const struct ipvs_change *change)
{
	struct ipvs_service *service = seen(view, &change->service->key);
	struct ipvs_service made = *change->service;
	size_t at;

	switch (change->kind) {
	case IPVS_SERVICE_ADD:
		assert_null(service);
		memset(&made.destinations, 0, sizeof(made.destinations));
		view->services[view->count++] = made;
		return;
	case IPVS_SERVICE_EDIT:
		assert_non_null(service);
		memcpy(&made.destinations, &service->destinations,
		       sizeof(made.destinations));
		*service = made;
		return;
	case IPVS_SERVICE_DELETE:
		assert_non_null(service);
		vec_free(&service->destinations);
		*service = view->services[--view->count];
		return;
	case IPVS_DESTINATION_ADD:
	case IPVS_DESTINATION_EDIT:
	case IPVS_DESTINATION_DELETE:
		break;
	case IPVS_TIMEOUTS_SET:
	case IPVS_DAEMON_START:
	case IPVS_DAEMON_STOP:
		fail();
	}
	assert_non_null(service);
	at = seen_destination(service, change->destination);
	assert_true((at == service->destinations.count) ==
		    (change->kind == IPVS_DESTINATION_ADD));
	if (change->kind == IPVS_DESTINATION_DELETE) {
		service->destinations.items[at] =
			service->destinations.items[--service->destinations.count];
		return;
	}
	if (change->kind == IPVS_DESTINATION_ADD)
		assert_non_null(vec_push(&service->destinations));
	service->destinations.items[at] = *change->destination;
	service->destinations.items[at].weight = change->weight;
}

static bool serves(const struct ipvs_service *service)
{
	for (size_t i = 0; service && i < service->destinations.count; i++)
		if (service->destinations.items[i].weight)
			return true;
	return false;
}

/* A service that served before and is to serve after serves at every moment in between.
 */
static void assert_served(struct view *view, const struct lsvm_ipvs_table *present,
			  const struct lsvm_ipvs_table *wanted)
{
	for (size_t i = 0; i < wanted->services.count; i++) {
		const struct ipvs_service *after = &wanted->services.items[i];

		if (serves(after) && serves(lsvm_ipvs_table_lookup(present, &after->key)))
			assert_true(serves(seen(view, &after->key)));
	}
}

static void assert_view_is(struct view *view, const struct lsvm_ipvs_table *wanted)
{
	struct lsvm_ipvs_table *table;
	char *have, *want;

	assert_int_equal(lsvm_ipvs_table_alloc(ctx, &table), 0);
	for (size_t i = 0; i < view->count; i++)
		*lsvm_ipvs_table_push(table) = view->services[i];
	view->count = 0; /* the table has them now */
	assert_int_equal(lsvm_ipvs_table_seal(table), 0);
	assert_int_equal(lsvm_ipvs_table_to_json(table, &have), 0);
	assert_int_equal(lsvm_ipvs_table_to_json(wanted, &want), 0);
	assert_string_equal(have, want);
	lsvm_free(have);
	lsvm_free(want);
	lsvm_ipvs_table_unref(table);
}

static void random_tables_become_one_another_and_serve_all_the_time(void **state)
{
	static struct view view;
	struct lsvm_ipvs_table *present, *wanted;

	assert_int_equal(lsvm_ipvs_table_new(ctx, &present), 0);
	for (uint32_t seed = 1; seed <= 40; seed++) {
		struct ipvs_changes changes;

		wanted = random_table(ctx, seed, 60, 6);
		assert_non_null(wanted);
		assert_int_equal(lsvm_ipvs_changes_compute(ctx, present, present, wanted,
							   &changes),
				 0);
		view.count = 0;
		for (size_t i = 0; i < present->services.count; i++) {
			const struct ipvs_service *service = &present->services.items[i];
			struct ipvs_service *copy = &view.services[view.count++];

			*copy = *service;
			memset(&copy->destinations, 0, sizeof(copy->destinations));
			for (size_t j = 0; j < service->destinations.count; j++)
				*lsvm_ipvs_service_push(copy) =
					service->destinations.items[j];
		}
		for (size_t i = 0; i < changes.list.count; i++) {
			perform(&view, &changes.list.items[i]);
			assert_served(&view, present, wanted);
		}
		assert_view_is(&view, wanted);
		lsvm_ipvs_changes_clear(&changes);
		lsvm_ipvs_table_unref(present);
		present = wanted;
	}
	lsvm_ipvs_table_unref(present);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_tables_need_no_change),
		cmocka_unit_test(a_service_comes_before_its_destinations),
		cmocka_unit_test(what_is_there_is_edited_in_place),
		cmocka_unit_test(thresholds_and_tunnels_are_compared),
		cmocka_unit_test(removals_come_last_and_drain_first),
		cmocka_unit_test(a_server_is_drained_only_after_its_replacement_came),
		cmocka_unit_test(
			under_hashing_a_server_goes_without_refusing_clients_first),
		cmocka_unit_test(foreign_things_stay),
		cmocka_unit_test(
			a_drained_server_is_added_at_its_last_weight_then_drained),
		cmocka_unit_test(an_override_of_the_weight_is_in_the_change),
		cmocka_unit_test(daemons_are_started_last_and_stopped_first),
		cmocka_unit_test(a_length_that_the_kernel_clamps_is_no_difference),
		cmocka_unit_test(only_timeouts_that_are_wanted_are_set),
		cmocka_unit_test(what_cannot_work_is_never_sent),
		cmocka_unit_test(the_public_diff_keeps_its_tables),
		cmocka_unit_test(random_tables_become_one_another_and_serve_all_the_time),
	};

	return cmocka_run_group_tests_name(__FILE__, tests, make_context, drop_context);
}
