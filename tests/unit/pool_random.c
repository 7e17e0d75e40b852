/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random facts against a naive model: after every fact the whole table is made anew from
 * all that is known, service by service, without counters, lists or heaps, and must be
 * the one that edits have led to. On the way no edit may leave a service without anybody
 * who had one before and has one after.
 */
#include "pool_support.h"

#include <linux/ip_vs.h>

#define SEEDS 3000
#define FACTS 60
#define SERVERS 3
#define TARGETS_MAX 64
#define SERVICES_MAX 8

static uint32_t seed, seed_number;

static uint32_t below(uint32_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % limit;
}

/* What is known, as a person would note it down. */
static struct {
	enum target_state state[TARGETS_MAX];
	uint32_t percent[TARGETS_MAX];
	bool drained[SERVERS];
	struct naive_seat {
		bool in, ramping;
		uint32_t weight;
		uint64_t ramp_ns;
	} seats[SERVICES_MAX][SERVERS];
} naive;

static struct pool_world w;

static void random_cluster(char *text, size_t size)
{
	static const char *const schedulers[] = { "wlc", "wrr", "rr", "sh", "mh", "ovf" };
	struct buf buf = { 0 };
	uint32_t vips = 1 + below(3);

	lsvm_buf_text(
		&buf, POOL_HEAD
		"backend_services:\n"
		"  - {name: database, hosts: [db1, db2], port: 5432, required: true}\n"
		"partitions:\n"
		"  - name: A\n");
	lsvm_buf_printf(
		&buf,
		"    servers: [{server: eps1, weight: %u}, {server: eps2, weight: "
		"%u}, {server: eps3, weight: %u}]\n",
		below(4) * 50, 1 + below(100), 1 + below(3));
	if (below(2))
		lsvm_buf_text(&buf, "    sorry_server: sorry\n");
	if (below(2))
		lsvm_buf_text(&buf, "    needs: [database]\n");
	lsvm_buf_text(&buf, "    vips:\n");
	for (uint32_t i = 0; i < vips; i++) {
		const char *scheduler = schedulers[below(ARRAY_SIZE(schedulers))];
		bool slots = scheduler[1] == 'h';

		lsvm_buf_printf(&buf,
				"      - {name: a%u, address: 192.0.2.10%u, services: "
				"[{ports: 80-8%u, scheduler: %s, quorum: %u, %schecks: [",
				i, i, below(2), scheduler, below(4),
				slots && below(2) ? "scheduler_flags: [fallback], " : "");
		lsvm_buf_printf(&buf, "{kind: tcp, slow_start_ms: %u}",
				below(2) * 1000 * (1 + below(20)));
		if (below(2))
			lsvm_buf_text(&buf, ", {kind: agent, port: 99}");
		if (below(3) == 0)
			lsvm_buf_text(&buf, ", ping");
		lsvm_buf_text(&buf, "]}]}\n");
	}
	assert_true(buf.length < size);
	memcpy(text, buf.data, buf.length + 1);
	lsvm_buf_free(&buf);
}

static uint32_t server_of(const struct ipvs_destination *destination)
{
	return destination->addr.bytes[3] - 21u;
}

/* Asks the cluster what the service is; there is one service for each VIP. */
static const struct service *model_of(const struct ipvs_service *service)
{
	const struct partition *partition = &w.cluster->partitions.items[0];

	for (uint32_t i = 0; i < partition->vips.count; i++)
		if (lsvm_addr_compare(&partition->vips.items[i].address,
				      &service->key.addr) == 0)
			return &partition->vips.items[i].services.items[0];
	fail();
	return NULL;
}

static size_t target_of(const struct addr *addr, enum lsvm_check_kind kind, uint16_t port)
{
	for (size_t i = 0; i < lsvm_pool_target_count(w.pool); i++) {
		const struct target_spec *spec = lsvm_pool_target(w.pool, i);

		if (lsvm_addr_compare(&spec->addr, addr) == 0 &&
		    spec->check->kind == kind && spec->port == port)
			return i;
	}
	fail();
	return 0;
}

static bool backend_is_down(void)
{
	struct addr addr = { 4, { 192, 0, 2, 31 } };
	bool down = naive.state[target_of(&addr, LSVM_CHECK_TCP, 5432)] == TARGET_DOWN;

	addr.bytes[3] = 32;
	return down && naive.state[target_of(&addr, LSVM_CHECK_TCP, 5432)] == TARGET_DOWN;
}

struct naive_service {
	struct settings settings;
	bool good[SERVERS], weighs, slots, refuses;
	uint32_t percent[SERVERS], full[SERVERS], available, candidates;
	uint64_t slow_start_ns;
};

static void look(const struct ipvs_service *service, struct naive_service *s)
{
	memset(s, 0, sizeof(*s));
	lsvm_cluster_settings(model_of(service), &s->settings);
	s->slots = service->scheduler[1] == 'h';
	s->weighs = !s->slots && strcmp(service->scheduler, "rr") != 0;
	s->refuses = s->slots && !(service->flags & IP_VS_SVC_F_SCHED1);
	for (size_t i = 0; i < service->destinations.count; i++) {
		const struct ipvs_destination *d = &service->destinations.items[i];
		uint32_t n = server_of(d);

		s->good[n] = true;
		s->percent[n] = 100;
		s->full[n] = d->weight;
		for (uint32_t c = 0; c < s->settings.checks.count; c++) {
			const struct check *check = &s->settings.checks.items[c];
			size_t target = target_of(&d->addr, check->kind,
						  check->kind == LSVM_CHECK_PING ? 0
						  : check->port ? check->port
								: d->port);

			if (naive.state[target] == TARGET_DOWN)
				s->good[n] = false;
			if (naive.percent[target] < s->percent[n])
				s->percent[n] = naive.percent[target];
			if (s->slow_start_ns < check->slow_start_ms * IO_MS)
				s->slow_start_ns = check->slow_start_ms * IO_MS;
		}
		s->candidates += s->full[n] && !naive.drained[n];
		s->available +=
			s->full[n] && !naive.drained[n] && s->good[n] && s->percent[n];
	}
}

static uint32_t in_normal(const struct naive_service *s, uint32_t n,
			  struct naive_seat *seat)
{
	uint64_t weight = s->full[n], past, step;

	if (!weight || !s->percent[n] || naive.drained[n]) {
		seat->ramping = false;
		return 0;
	}
	if (s->weighs)
		weight = weight * s->percent[n] / 100 ? weight * s->percent[n] / 100 : 1;
	if ((!seat->in || !seat->weight) && s->weighs && s->slow_start_ns) {
		seat->ramping = true;
		seat->ramp_ns = w.now_ns;
	}
	past = w.now_ns - seat->ramp_ns;
	if (!seat->ramping || past >= s->slow_start_ns) {
		seat->ramping = false;
		return (uint32_t)weight;
	}
	/* A tenth, and a tenth of the rest for each of the ten steps that are done. */
	step = past * 10 / s->slow_start_ns;
	weight = weight * (10 + 9 * step) / 100;
	return weight ? (uint32_t)weight : 1;
}

/* The whole service from the facts; whether the sorry server is in. */
static bool recompute(size_t index, const struct naive_service *s)
{
	bool has_sorry = s->settings.sorry_server.name != NULL;
	bool lost = s->settings.quorum && s->available < s->settings.quorum;
	bool sorry = has_sorry && (!s->available || lost ||
				   (s->settings.needs.count && backend_is_down()));
	bool open = !has_sorry && !s->available && s->candidates;

	for (uint32_t n = 0; n < SERVERS; n++) {
		struct naive_seat *seat = &naive.seats[index][n];
		bool in = s->good[n];
		uint32_t weight = 0;

		if (sorry)
			in = in && !s->refuses;
		else if (open)
			in = true;
		if (open && !naive.drained[n])
			weight = s->full[n];
		if (!sorry && !open && in)
			weight = in_normal(s, n, seat);
		else
			seat->ramping = false;
		seat->in = in;
		seat->weight = weight;
	}
	return sorry;
}

static void hold_against_the_model(void)
{
	const struct lsvm_ipvs_table *full = w.plan->wanted->ipvs;

	for (size_t i = 0; i < full->services.count; i++) {
		const struct ipvs_service *service = &full->services.items[i];
		const struct ipvs_service *shadow =
			pool_shadow_service(w.shadow, &service->key);
		struct naive_service s;
		size_t expected = 0;
		bool sorry;

		look(service, &s);
		sorry = recompute(i, &s);
		for (uint32_t n = 0; n < SERVERS; n++)
			expected += naive.seats[i][n].in;
		assert_int_equal(shadow->destinations.count, expected + sorry);
		for (size_t d = 0; d < shadow->destinations.count; d++) {
			const struct ipvs_destination *at =
				&shadow->destinations.items[d];
			uint32_t n = server_of(at);

			if (n == 8) {
				assert_true(sorry);
				assert_int_equal(at->weight, 1);
				continue;
			}
			assert_true(naive.seats[i][n].in);
			assert_int_equal(at->weight, naive.seats[i][n].weight);
		}
	}
}

static void pull(void)
{
	uint32_t before[SERVICES_MAX], least[SERVICES_MAX];
	struct ipvs_change change;

	for (size_t i = 0; i < w.shadow->services.count; i++)
		before[i] = least[i] = pool_positive(&w.shadow->services.items[i]);
	while (lsvm_pool_next_change(w.pool, &change)) {
		size_t i =
			(size_t)(pool_edit(w.shadow, &change) - w.shadow->services.items);
		uint32_t now = pool_positive(&w.shadow->services.items[i]);

		if (now < least[i])
			least[i] = now;
	}
	for (size_t i = 0; i < w.shadow->services.count; i++)
		if (before[i] && pool_positive(&w.shadow->services.items[i]))
			assert_true(least[i] > 0);
}

static void random_verdict(void)
{
	size_t target = below((uint32_t)lsvm_pool_target_count(w.pool));
	bool agent = lsvm_pool_target(w.pool, target)->check->kind == LSVM_CHECK_AGENT;

	naive.state[target] = below(2) ? TARGET_DOWN : TARGET_UP;
	naive.percent[target] = agent ? below(5) * 25 : 100;
	lsvm_pool_input_verdict(w.pool, target, naive.state[target],
				naive.percent[target], "said so", w.now_ns);
}

static void random_drain(void)
{
	static const char *const names[] = { "eps1", "eps2", "eps3" };
	uint32_t n = below(SERVERS);

	naive.drained[n] = below(2);
	assert_int_equal(lsvm_pool_drain(w.pool, names[n], below(2) ? "A" : NULL,
					 naive.drained[n], w.now_ns),
			 0);
}

static void reload(void)
{
	struct lsvm_ipvs_table *table;
	struct pool *pool;

	pull();
	assert_int_equal(lsvm_pool_new(w.ctx, w.cluster, w.plan->wanted->ipvs, w.pool,
				       w.now_ns, &pool),
			 0);
	lsvm_pool_free(w.pool);
	w.pool = pool;
	assert_int_equal(lsvm_pool_table(w.pool, &table), 0);
	pool_assert_equal(table, w.shadow);
}

static void one_seed(uint32_t number)
{
	char text[8192];
	struct event event;

	seed_number = number;
	seed = number * 2654435761u | 1;
	random_cluster(text, sizeof(text));
	pool_world_text(&w, text);
	memset(&naive, 0, sizeof(naive));
	assert_true(lsvm_pool_target_count(w.pool) <= TARGETS_MAX);
	assert_true(w.shadow->services.count <= SERVICES_MAX);
	for (size_t i = 0; i < TARGETS_MAX; i++)
		naive.percent[i] = 100;
	for (size_t i = 0; i < w.plan->wanted->ipvs->services.count; i++) {
		const struct ipvs_service *service =
			&w.plan->wanted->ipvs->services.items[i];

		for (size_t d = 0; d < service->destinations.count; d++)
			naive.seats[i][server_of(&service->destinations.items[d])] =
				(struct naive_seat){
					.in = true,
					.weight = service->destinations.items[d].weight,
				};
	}
	hold_against_the_model();
	for (int i = 0; i < FACTS; i++) {
		uint32_t dice = below(10);

		if (dice < 6)
			random_verdict();
		else if (dice == 6)
			random_drain();
		else if (dice == 7 && below(4) == 0)
			reload();
		else
			w.now_ns += below(4000) * IO_MS;
		lsvm_pool_tick(w.pool, w.now_ns);
		/* The model notes what happened in between too. */
		pull();
		hold_against_the_model();
		if (below(4) == 0)
			while (lsvm_pool_next_event(w.pool, &event))
				assert_true(event.kind != LSVM_EVENT_LOST);
	}
	pool_world_free(&w);
}

/* SEED=number does that one again. */
static int say_seed(void **state)
{
	(void)state;
	print_message("last seed: %u\n", seed_number);
	return 0;
}

static void edits_lead_to_what_the_facts_say(void **state)
{
	const char *one = getenv("SEED");
	uint32_t first = one ? (uint32_t)atoi(one) : 1;

	(void)state;
	for (uint32_t i = first; i <= (one ? first : SEEDS); i++)
		one_seed(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(edits_lead_to_what_the_facts_say, say_seed),
	};

	return RUN(tests);
}
