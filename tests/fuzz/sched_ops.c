/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any sequence of edits, connections and times, on any scheduler: what was foreseen
 * comes, the counts are those of the connections that live, nobody is served by a server
 * that is not there or, unknown, by one of weight 0.
 */
#include <libsvm/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 512
#define CHECK(condition) ((condition) ? (void)0 : broken(__LINE__))

static void broken(int line)
{
	fprintf(stderr, "line %d: not so\n", line);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const schedulers[] = { "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh",
					  "sh", "sed", "nq", "fo",  "ovf",  "mh" };

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

struct world {
	struct lsvm_ctx *ctx;
	struct lsvm_sched *sched;
	uint32_t living[CONNECTIONS];
	size_t count;
	uint64_t now_ms;
};

/* A service with that scheduler; which byte follows is its flags. */
static struct lsvm_ipvs_table *make_table(struct world *w, struct input *in)
{
	struct lsvm_ipvs_table *table;
	char json[512];
	const uint8_t kind = take(in), flags = take(in);

	snprintf(json, sizeof(json),
		 "{\"schema\": \"lsvm-ipvs/1\", \"services\": [{\"fwmark\": 1, "
		 "\"family\": \"ipv4\", \"scheduler\": \"%s\", \"other_flags\": %u, "
		 "\"one_packet\": %s, \"persistence\": {\"enabled\": %s, \"timeout_s\": "
		 "%u}, \"destinations\": []}]}",
		 schedulers[kind % 13], flags & 32u, flags & 1 ? "true" : "false",
		 flags & 2 ? "true" : "false", 1u + flags / 4);
	CHECK(lsvm_ipvs_table_from_json(w->ctx, json, strlen(json), &table) == 0);
	return table;
}

static void open_connection(struct world *w, struct input *in)
{
	uint32_t seen = 0, number = 0, connection = 0;
	char client[32], virtual[32];
	const int protocol = take(in) % 4;
	int outcome, again;

	snprintf(client, sizeof(client), "20.0.%u.%u", take(in), take(in));
	snprintf(virtual, sizeof(virtual), "192.0.2.%u", take(in));
	outcome = lsvm_sched_peek(w->sched, virtual, client, 1024, protocol, w->now_ms,
				  &seen);
	again = lsvm_sched_connect(w->sched, virtual, client, 1024, protocol, w->now_ms,
				   &number, &connection);
	CHECK(outcome == again && outcome > 0);
	if (outcome > LSVM_SCHED_PERSISTENT)
		return;
	CHECK(seen == number && lsvm_sched_destination_is_present(w->sched, number));
	CHECK(outcome == LSVM_SCHED_PERSISTENT ||
	      lsvm_sched_destination_weight(w->sched, number) > 0);
	if (connection == LSVM_SCHED_NO_CONNECTION)
		return;
	if (w->count == CONNECTIONS)
		CHECK(lsvm_sched_close(w->sched, w->living[--w->count], w->now_ms) == 0);
	w->living[w->count++] = connection;
}

static void use_connection(struct world *w, struct input *in, bool close)
{
	const uint32_t index = take(in);
	uint32_t connection;

	if (index >= w->count)
		return;
	connection = w->living[index];
	if (!close) {
		CHECK(lsvm_sched_connection_set_active(w->sched, connection,
						       take(in) & 1) == 0);
		return;
	}
	CHECK(lsvm_sched_close(w->sched, connection, w->now_ms) == 0);
	w->living[index] = w->living[--w->count];
}

static void edit_destination(struct world *w, struct input *in)
{
	const uint8_t name = take(in), what = take(in);
	const uint32_t weight = what & 64 ? take(in) * 257u : take(in) % 5u;
	const uint32_t upper = take(in) % 8u, lower = take(in) % 8u;
	char address[32];
	int number;

	snprintf(address, sizeof(address), "10.0.0.%u", name % 16);
	number = lsvm_sched_find(w->sched, address, 80);
	if (number < 0)
		lsvm_sched_add(w->sched, address, 80, weight, upper, lower);
	else if (what % 4 == 0)
		CHECK(lsvm_sched_remove(w->sched, (uint32_t)number) == 0);
	else
		lsvm_sched_change(w->sched, (uint32_t)number, weight, upper, lower);
}

static void step(struct world *w, struct input *in)
{
	struct lsvm_ipvs_table *table;

	switch (take(in) % 8) {
	case 0:
		table = make_table(w, in);
		CHECK(lsvm_sched_edit(w->sched, lsvm_ipvs_table_service_at(table, 0)) ==
		      0);
		lsvm_ipvs_table_unref(table);
		break;
	case 1:
		edit_destination(w, in);
		break;
	case 2:
		use_connection(w, in, true);
		break;
	case 3:
		use_connection(w, in, false);
		break;
	case 4:
		w->now_ms += (uint64_t)take(in) * take(in) * 100;
		break;
	case 5:
		lsvm_sched_set_expire_quiescent(w->sched, take(in) & 1);
		lsvm_sched_set_cache_expiration_s(w->sched, take(in));
		break;
	default:
		open_connection(w, in);
	}
}

static void check_counts(const struct world *w)
{
	size_t counted = 0;

	for (uint32_t i = 0; i < lsvm_sched_destination_count(w->sched); i++)
		counted += lsvm_sched_destination_active(w->sched, i) +
			   lsvm_sched_destination_inactive(w->sched, i);
	CHECK(counted == w->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct world w = { 0 };
	struct lsvm_ipvs_table *table;

	if (lsvm_ctx_new(&w.ctx))
		return 0;
	table = make_table(&w, &in);
	CHECK(lsvm_sched_new(w.ctx, lsvm_ipvs_table_service_at(table, 0), &w.sched) == 0);
	lsvm_ipvs_table_unref(table);
	while (in.left)
		step(&w, &in);
	check_counts(&w);
	lsvm_sched_free(w.sched);
	lsvm_ctx_unref(w.ctx);
	return 0;
}
