/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel shows of a case, beside what was foretold. */
#include "sched_case.h"

#include <err.h>
#include <linux/ip_vs.h>
#include <stdio.h>

void case_report(struct sched_case *c, const char *what)
{
	if (!c->failed)
		printf("%s\n  again: --seed %llu --scheduler %s\n", what,
		       (unsigned long long)c->seed, c->scheduler);
	c->failed = true;
}

static void foretold(struct sched_case *c, int result)
{
	if (result < 0)
		errx(1, "seed %llu: %s", (unsigned long long)c->seed,
		     lsvm_ctx_error_text(c->ctx));
}

/* What a stranger foretells who sees the kernel's table only. The last weight of a
 * drained destination and the overload mark cannot be seen there. */
static bool check_prediction(struct sched_case *c, const struct ipvs_service *service,
			     bool tell)
{
	const struct scheduler *scheduler = lsvm_scheduler_find(service->scheduler);

	if (c->has_thresholds || scheduler->has_history ||
	    service->flags & IP_VS_SVC_F_PERSISTENT || !service->key.port)
		return true;
	for (size_t i = 0; i < service->destinations.count; i++)
		if (!service->destinations.items[i].weight &&
		    scheduler->pick == lsvm_mh_pick)
			return true;
	for (uint32_t i = 0; i < 20; i++) {
		const uint32_t bytes = i * 2654435761u;
		const struct lsvm_ipvs_destination *dest = NULL;
		struct addr client = { .family = service->key.addr.family };
		char text[LSVM_ADDRESS_TEXT_BYTES], other[LSVM_ADDRESS_TEXT_BYTES] = "",
						    own[LSVM_ADDRESS_TEXT_BYTES] = "";
		uint32_t number = UINT32_MAX;

		client.bytes[0] = 0x20;
		memcpy(client.bytes + (client.family == 4 ? 1 : 13), &bytes, 3);
		lsvm_addr_text(&client, text);
		foretold(c,
			 lsvm_sched_predict(c->ctx, (struct lsvm_ipvs_service *)service,
					    NULL, text, 1000, &dest));
		foretold(c, lsvm_sched_peek(c->machine, NULL, text, 1000, 0, 0, &number));
		if (dest)
			lsvm_ipvs_destination_address(dest, other, sizeof(other));
		lsvm_sched_destination_address(c->machine, number, own, sizeof(own));
		if (strcmp(own, other)) {
			if (tell)
				case_report(
					c,
					"a prediction from the kernel's table is wrong");
			return false;
		}
	}
	return true;
}

static bool check_counts(struct sched_case *c, const struct lsvm_ipvs_table *table,
			 bool tell)
{
	const struct ipvs_service *service =
		lsvm_ipvs_table_lookup(table, &c->service.key);
	size_t present_count = 0;
	char what[256], text[LSVM_ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < c->pool_count; i++)
		present_count += c->present[i];
	if (!service || service->destinations.count != present_count) {
		if (tell)
			case_report(c, "the kernel's service is another one");
		return false;
	}
	for (size_t i = 0; i < c->pool_count; i++) {
		const uint32_t number = (uint32_t)c->numbers[i];
		const struct ipvs_destination *seen = service->destinations.items;

		if (!c->present[i])
			continue;
		while (lsvm_addr_compare(&seen->addr, &c->pool[i].addr))
			seen++;
		const uint32_t active = lsvm_sched_destination_active(c->machine, number),
			       inactive = lsvm_sched_destination_inactive(c->machine,
									  number);
		const uint64_t decisions = seen->counters->connections;

		if (seen->active_count == active && seen->inactive_count == inactive &&
		    (c->was_removed[i] || decisions == c->decisions[i]))
			continue;
		snprintf(what, sizeof(what),
			 "%s: the kernel counts %u active, %u inactive, %llu in all; "
			 "foretold %u, %u, %llu",
			 lsvm_addr_text(&seen->addr, text), seen->active_count,
			 seen->inactive_count, (unsigned long long)decisions, active,
			 inactive, (unsigned long long)c->decisions[i]);
		if (tell)
			case_report(c, what);
		return false;
	}
	return check_prediction(c, service, tell);
}

static bool check_flows(struct sched_case *c, bool tell)
{
	for (size_t i = 0; i < c->attempts.count; i++) {
		const struct attempt *attempt = &c->attempts.items[i];
		char what[320], seen[LSVM_ADDRESS_TEXT_BYTES] = "nowhere",
				expected[LSVM_ADDRESS_TEXT_BYTES] = "nowhere";

		if (!lsvm_addr_compare(&attempt->seen, &attempt->expected))
			continue;
		if (attempt->seen.family)
			lsvm_addr_text(&attempt->seen, seen);
		if (attempt->expected.family)
			lsvm_addr_text(&attempt->expected, expected);
		snprintf(what, sizeof(what),
			 "connection %zu from port %u went to %s; foretold %s (%s)", i,
			 attempt->flow.client_port, seen, expected,
			 lsvm_sched_outcome_name(attempt->outcome));
		if (tell)
			case_report(c, what);
		return false;
	}
	return true;
}

bool case_check(struct sched_case *c, const struct lsvm_ipvs_table *table, bool tell)
{
	if (c->is_void || c->failed)
		return true;
	return check_flows(c, tell) && check_counts(c, table, tell);
}
