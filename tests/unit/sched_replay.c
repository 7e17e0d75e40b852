/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Histories recorded beside a real ip_vs, decision by decision, without it: every line of
 * sched_recorded.txt, which tests/conformance/sched_kernel --record wrote after the
 * kernel had confirmed them.
 */
#include "sched_support.h"

#include <stdlib.h>

struct replay {
	struct lsvm_sched *machine;
	struct ipvs_service *service;
	uint32_t connections[256];
	size_t connection_count;
	unsigned line, case_count, decision_count;
	char text[64]; /* an address */
};

static void begin(struct replay *r, const char *line)
{
	struct ipvs_service *service = make_service("rr", 0, WEIGHTS(1));
	unsigned family, protocol, port;

	service->destinations.count = 0;
	service->key = (struct ipvs_key){ 0 };
	assert_int_equal(sscanf(line, "service %u %u %u %63s %u %u %u %u %15s", &family,
				&service->key.fwmark, &protocol, r->text, &port,
				&service->flags, &service->timeout_s, &service->netmask,
				service->scheduler),
			 9);
	service->key.addr.family = (uint8_t)family;
	service->key.protocol = (uint8_t)protocol;
	service->key.port = (uint16_t)port;
	if (!service->key.fwmark)
		assert_true(lsvm_addr_parse(r->text, &service->key.addr));
	lsvm_sched_free(r->machine);
	r->service = service;
	r->connection_count = 0;
	r->case_count++;
	good(lsvm_sched_new(ctx, PUBLIC(service), &r->machine));
}

static void change(struct replay *r, const char *line)
{
	assert_int_equal(
		sscanf(line, "change %15s %u", r->service->scheduler, &r->service->flags),
		2);
	good(lsvm_sched_edit(r->machine, PUBLIC(r->service)));
}

static void destination(struct replay *r, const char *line)
{
	unsigned port, weight, upper, lower;
	char what[8];
	int number;

	assert_int_equal(sscanf(line, "%7s %63s %u %u %u %u", what, r->text, &port,
				&weight, &upper, &lower),
			 6);
	if (!strcmp(what, "add")) {
		good(lsvm_sched_add(r->machine, r->text, (uint16_t)port, weight, upper,
				    lower));
		return;
	}
	number = lsvm_sched_find(r->machine, r->text, (uint16_t)port);
	good(number);
	if (!strcmp(what, "edit"))
		good(lsvm_sched_change(r->machine, (uint32_t)number, weight, upper,
				       lower));
	else
		good(lsvm_sched_remove(r->machine, (uint32_t)number));
}

static void connection(struct replay *r, const char *line)
{
	char virtual[64], client[64], word[32], expected[64], seen[64] = "-";
	unsigned long long now_ms;
	unsigned protocol, port;
	uint32_t number = 0, *slot = &r->connections[r->connection_count++];
	int outcome;

	assert_true(r->connection_count <= ARRAY_SIZE(r->connections));
	assert_int_equal(sscanf(line, "connect %llu %u %63s %63s %u %31s %63s", &now_ms,
				&protocol, virtual, client, &port, word, expected),
			 7);
	outcome = lsvm_sched_connect(r->machine, virtual, client, (uint16_t)port,
				     protocol == IPPROTO_UDP ? LSVM_PROTOCOL_UDP
							     : LSVM_PROTOCOL_TCP,
				     now_ms, &number, slot);
	good(outcome);
	if (outcome <= LSVM_SCHED_PERSISTENT)
		lsvm_sched_destination_address(r->machine, number, seen, sizeof(seen));
	if (strcmp(lsvm_sched_outcome_name(outcome), word) || strcmp(seen, expected))
		fail_msg("line %u: %s %s in place of %s %s", r->line,
			 lsvm_sched_outcome_name(outcome), seen, word, expected);
	r->decision_count++;
}

static void end(struct replay *r, const char *line)
{
	unsigned long long now_ms;
	unsigned index;

	if (sscanf(line, "inactive %u", &index) == 1) {
		good(lsvm_sched_connection_set_active(r->machine, r->connections[index],
						      false));
		return;
	}
	assert_int_equal(sscanf(line, "end %u %llu", &index, &now_ms), 2);
	good(lsvm_sched_close(r->machine, r->connections[index], now_ms));
}

static void replay_line(struct replay *r, const char *line)
{
	unsigned quiescent, expiration;

	if (sscanf(line, "settings %u %u", &quiescent, &expiration) == 2) {
		lsvm_sched_set_expire_quiescent(r->machine, quiescent);
		lsvm_sched_set_cache_expiration_s(r->machine, expiration);
	} else if (!strncmp(line, "service ", 8)) {
		begin(r, line);
	} else if (!strncmp(line, "change ", 7)) {
		change(r, line);
	} else if (!strncmp(line, "connect ", 8)) {
		connection(r, line);
	} else if (!strncmp(line, "inactive ", 9) || !strncmp(line, "end ", 4)) {
		end(r, line);
	} else if (!strcmp(line, "again\n")) {
		lsvm_sched_vacate(r->machine);
		good(lsvm_sched_begin_anew(r->machine, r->service));
	} else if (strncmp(line, "case ", 5)) {
		destination(r, line);
	}
}

static void what_the_kernel_decided_is_decided_again(void **state)
{
	struct replay replay = { 0 };
	char path[512], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/unit/sched_recorded.txt",
		 getenv("LSVM_SOURCE_ROOT"));
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		replay.line++;
		replay_line(&replay, line);
	}
	fclose(file);
	lsvm_sched_free(replay.machine);
	assert_int_equal(replay.case_count, 39);
	assert_int_equal(replay.decision_count, 1560);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_the_kernel_decided_is_decided_again,
						setup, teardown),
	};

	return RUN(tests);
}
