/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Passing over stretches in which nothing happens.
 *
 * All that agents do by themselves while nothing changes comes round again: adverts,
 * probes, looks at what is kept, announcements. Let P be a common multiple of all their
 * intervals. When some P in a row brought no event, no write to any machine, and left
 * nothing in any kernel that grows old (connections, destinations that were removed),
 * while no chance is at work (weather, jitter of checks) and nothing else is under way
 * (requests, agents to be started, a crash that was planted, a frozen process), then the
 * next P are the same again, and any number of them: the lab's time and the wall clocks
 * jump by a multiple of P, and no machine notices, since none looks at anything else but
 * differences of its monotonic clock. What follows comes at the very nanosecond at which
 * it would have come otherwise; a test holds both against each other. Only figures that
 * count what was done (adverts sent, probes, steps) lack what was passed over.
 */
#include "host/sim/sim.h"
#include "scenario/lab.h"

#define BASE_NS (60 * IO_S) /* what agents do on their own account divides it */
#define PERIOD_MAX_NS (3600 * IO_S)
#define QUIET_PERIODS 3

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		const uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static void include(uint64_t *period, uint64_t ms)
{
	if (ms && *period < IO_NEVER / 2)
		*period = *period / greatest_divisor(*period, ms * IO_MS) * ms * IO_MS;
	if (*period > PERIOD_MAX_NS)
		*period = IO_NEVER;
}

static bool include_checks(uint64_t *period, const struct check *checks, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (checks[i].jitter_ms)
			return false;
		include(period, checks[i].interval_ms);
	}
	return true;
}

/* IO_NEVER: nothing comes round. */
static uint64_t common_period(const struct lsvm_cluster *cluster)
{
	uint64_t period = BASE_NS;
	bool good = true;

	include(&period, cluster->redundancy->advert_interval_ms);
	for (uint32_t i = 0; i < cluster->partitions.count; i++)
		for (uint32_t k = 0; k < cluster->partitions.items[i].vips.count; k++) {
			const struct vip *vip =
				&cluster->partitions.items[i].vips.items[k];

			for (uint32_t s = 0; s < vip->services.count; s++) {
				struct settings settings;

				lsvm_cluster_settings(&vip->services.items[s], &settings);
				good &= include_checks(&period, settings.checks.items,
						       settings.checks.count);
			}
		}
	for (uint32_t i = 0; i < cluster->backend_services.count; i++)
		good &= include_checks(&period,
				       cluster->backend_services.items[i].checks.items,
				       cluster->backend_services.items[i].checks.count);
	return good ? period : IO_NEVER;
}

/* Nothing is under way that has an end of its own. */
static bool is_still(const struct lsvm_lab *lab)
{
	if (!lab->calm || lsvm_lab_is_asking(lab) || lsvm_lab_held_count(lab))
		return false;
	for (size_t i = 0; i < lab->machines.count; i++) {
		const struct lab_machine *machine = lab->machines.items[i];
		const struct sim_kernel *kernel =
			&((const struct sim_host *)machine->host)->kernel;

		if (machine->start_ns != IO_NEVER || machine->stopping ||
		    kernel->connection_count || kernel->trash_count ||
		    lsvm_world_is_frozen(machine->host) ||
		    lsvm_world_will_crash(machine->host))
			return false;
	}
	return true;
}

struct sight {
	uint64_t writes;
	size_t events;
};

static struct sight look(const struct lsvm_lab *lab)
{
	struct sight sight = { 0, lab->events.count + lab->lost_count };

	for (size_t i = 0; i < lab->machines.count; i++)
		sight.writes += lab->machines.items[i]->host->write_count;
	return sight;
}

void lsvm_lab_hurry(struct lsvm_lab *lab, uint64_t duration_ns)
{
	const uint64_t period = common_period(lab->cluster);
	unsigned quiet = 0;

	while (period != IO_NEVER && duration_ns >= period && !lab->failed) {
		const struct sight before = look(lab);
		struct sight after;

		lsvm_world_advance(lab->world, period);
		duration_ns -= period;
		after = look(lab);
		quiet = after.writes == before.writes && after.events == before.events &&
					is_still(lab)
				? quiet + 1
				: 0;
		if (quiet < QUIET_PERIODS)
			continue;
		lsvm_world_skip(lab->world, duration_ns / period * period);
		duration_ns %= period;
	}
	lsvm_world_advance(lab->world, duration_ns);
}
