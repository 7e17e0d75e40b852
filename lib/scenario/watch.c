/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must hold at every moment, and what is only counted.
 *
 * A director is well while it has power, its agent runs, and no cable of it is cut. Two
 * directors hear each other while both are well and neither is deaf to the other. The
 * weather is calm while no network delays, loses, doubles or reorders. A server is dead
 * while nobody could connect to it. Then, for as long as the weather is calm:
 *
 * 1. Two well directors that hear each other hold no virtual address both for longer than
 *    an advert's interval, in which each hears the other, and a moment; where connections
 *    are told (sync), the time of a handover longer.
 * 2. A virtual address is held by a well director, if there is one, within four intervals
 *    (no silence that makes a master is longer) and a moment, after the last director
 *    fell ill or came back; START_NS longer after that director's agent was started.
 * 3. A director with power on which no agent runs holds no virtual address, unless it is
 *    the only director: the agent's will is done at once.
 * 4. A well director gives no new connections to a server that has been dead for longer
 *    than its checks need to see it, unless none of its partition is alive.
 *
 * All times are counted from when the last of the conditions came true. What holds in the
 * end (lsvm_lab_settled) is compared with the plans.
 */
#include "agent/peer.h"
#include "host/sim/sim.h"
#include "plan/plan.h"
#include "role/role.h"
#include "scenario/lab.h"

#include <stdio.h>
#include <stdlib.h>

#define MOMENT_NS (100 * IO_MS)
#define START_NS (4 * IO_S)	    /* checks settle before the election begins */
#define DEFAULT_CHECK_NS (5 * IO_S) /* 4 times a second, and a second's timeout */
#define CHECK_MOMENT_NS (500 * IO_MS)

static void broken(struct lsvm_lab *lab, const char *fmt, ...) LSVM_PRINTF(2, 3);

static void broken(struct lsvm_lab *lab, const char *fmt, ...)
{
	va_list args;

	if (lab->broken[0])
		return;
	va_start(args, fmt);
	vsnprintf(lab->broken, sizeof(lab->broken), fmt, args);
	va_end(args);
	lsvm_lab_note(lab, NULL, "broken: %s", lab->broken);
}

/* ---- what is well ---- */

static uint64_t latest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool is_well(const struct lab_machine *machine)
{
	return lsvm_world_has_power(machine->host) && machine->agent &&
	       !machine->stopping && !lsvm_world_is_frozen(machine->host) &&
	       !lsvm_world_is_cut(machine->host);
}

static bool is_dead(const struct lab_machine *machine)
{
	return !lsvm_world_has_power(machine->host) ||
	       machine->behaviour == BEHAVIOUR_REFUSE ||
	       machine->behaviour == BEHAVIOUR_SILENT || lsvm_world_is_cut(machine->host);
}

static bool is_calm(const struct lsvm_lab *lab)
{
	for (size_t i = 0; i < lab->weather.count; i++) {
		const struct weather *weather = &lab->weather.items[i];

		if (weather->loss_ppm || weather->duplicate_ppm || weather->reorder_ppm ||
		    weather->jitter_ns || weather->delay_ns > LAB_DELAY_NS)
			return false;
	}
	return true;
}

static void look_at_conditions(struct lsvm_lab *lab)
{
	const uint64_t now = lsvm_world_now(lab->world);
	const bool calm = is_calm(lab);

	if (calm && !lab->calm)
		lab->calm_since_ns = now;
	lab->calm = calm;
	for (size_t i = 0; i < lab->machines.count; i++) {
		struct lab_machine *machine = lab->machines.items[i];
		const bool well = is_well(machine), dead = is_dead(machine);

		if (well && !machine->was_well)
			machine->well_since_ns = now;
		/* A master that dies right after its first advert has been heard. */
		if (well != machine->was_well &&
		    machine->machine->role == LSVM_ROLE_DIRECTOR)
			lab->directors_since_ns = now;
		machine->was_well = well;
		if (dead != machine->was_dead ||
		    machine->behaviour != machine->was_behaviour)
			machine->dead_since_ns = now;
		machine->was_dead = dead;
		machine->was_behaviour = machine->behaviour;
	}
}

/* ---- virtual addresses ---- */

static void count_failovers(struct lsvm_lab *lab, struct lab_vip *vip)
{
	size_t count;
	struct lab_machine *holder = lsvm_lab_holder(lab, vip, &count);

	if (count != 1 || holder == vip->holder)
		return;
	if (vip->holder)
		lab->failover_count++;
	vip->holder = holder;
	lsvm_lab_note(lab, holder, "%s is here", vip->vip->name);
}

static uint64_t interval_ns(const struct lsvm_lab *lab)
{
	return lab->cluster->redundancy->advert_interval_ms * IO_MS;
}

/* The bound that is due next is looked at when it is. */
static void check_later(struct lsvm_lab *lab, uint64_t when)
{
	if (when < lab->look_ns)
		lab->look_ns = when;
}

static bool is_over(struct lsvm_lab *lab, uint64_t since, uint64_t bound)
{
	if (lsvm_world_now(lab->world) > since + bound)
		return true;
	check_later(lab, since + bound + 1);
	return false;
}

static bool holds(const struct lab_machine *machine, const struct lab_vip *vip)
{
	return machine->machine->role == LSVM_ROLE_DIRECTOR &&
	       lsvm_world_has_power(machine->host) &&
	       lsvm_world_has(machine->host, &vip->vip->address);
}

static void check_leftovers(struct lsvm_lab *lab, const struct lab_vip *vip)
{
	for (size_t i = 0; i < lab->machines.count; i++) {
		const struct lab_machine *machine = lab->machines.items[i];

		if (!machine->agent && holds(machine, vip))
			broken(lab, "%s holds %s though its agent is dead",
			       machine->machine->name, vip->vip->name);
	}
}

/* The first two well holders that hear each other; false: there are none. */
static bool find_double(const struct lsvm_lab *lab, const struct lab_vip *vip,
			struct lab_machine *ret[2])
{
	for (size_t i = 0; i < lab->machines.count; i++)
		for (size_t k = i + 1; k < lab->machines.count; k++) {
			ret[0] = lab->machines.items[i];
			ret[1] = lab->machines.items[k];
			if (ret[0]->was_well && ret[1]->was_well && holds(ret[0], vip) &&
			    holds(ret[1], vip) &&
			    !lsvm_world_is_blocked(ret[0]->host, ret[1]->host))
				return true;
		}
	return false;
}

/* One that yields may go on serving until the other knows its connections. */
static uint64_t handover_ns(const struct lsvm_lab *lab)
{
	return lab->cluster->redundancy->connections == LSVM_CONNECTIONS_SYNC
		       ? PEER_HANDOVER_NS
		       : 0;
}

static void check_double(struct lsvm_lab *lab, struct lab_vip *vip)
{
	struct lab_machine *holders[2];

	if (!find_double(lab, vip, holders)) {
		vip->double_ns = IO_NEVER;
		return;
	}
	if (vip->double_ns == IO_NEVER)
		vip->double_ns = lsvm_world_now(lab->world);
	if (lab->calm && is_over(lab, latest(vip->double_ns, lab->calm_since_ns),
				 interval_ns(lab) + handover_ns(lab) + MOMENT_NS))
		broken(lab, "%s and %s both hold %s though they hear each other",
		       holders[0]->machine->name, holders[1]->machine->name,
		       vip->vip->name);
}

static void check_orphan(struct lsvm_lab *lab, struct lab_vip *vip)
{
	struct lab_machine *well = NULL;

	for (size_t i = 0; i < lab->machines.count; i++) {
		struct lab_machine *machine = lab->machines.items[i];

		if (machine->machine->role != LSVM_ROLE_DIRECTOR || !machine->was_well)
			continue;
		if (!well || machine->well_since_ns < well->well_since_ns)
			well = machine;
		if (holds(machine, vip)) {
			vip->orphan_ns = IO_NEVER;
			return;
		}
	}
	if (vip->orphan_ns == IO_NEVER)
		vip->orphan_ns = lsvm_world_now(lab->world);
	if (well && lab->calm &&
	    is_over(lab,
		    latest(latest(vip->orphan_ns, lab->calm_since_ns),
			   latest(lab->directors_since_ns, well->started_ns + START_NS)),
		    4 * interval_ns(lab) + MOMENT_NS))
		broken(lab, "nobody holds %s though %s is well", vip->vip->name,
		       well->machine->name);
}

/* ---- servers ---- */

/* How long the checks of the partition take to see a server die, and one come back. */
static uint64_t check_ns(const struct partition *partition)
{
	uint64_t longest = 0;

	for (uint32_t i = 0; i < partition->vips.count; i++) {
		const struct vip *vip = &partition->vips.items[i];

		for (uint32_t k = 0; k < vip->services.count; k++) {
			struct settings settings;

			lsvm_cluster_settings(&vip->services.items[k], &settings);
			/* Where nothing is said of checks, ports are tried; what that
			 * sees of UDP is another matter. */
			if (!settings.checks.count &&
			    vip->services.items[k].protocol != LSVM_PROTOCOL_TCP)
				return 0;
			if (!settings.checks.count)
				longest = latest(longest, DEFAULT_CHECK_NS);
			for (uint32_t c = 0; c < settings.checks.count; c++) {
				const struct check *check = &settings.checks.items[c];
				const uint32_t times = check->rise > check->fall
							       ? check->rise
							       : check->fall;
				const uint64_t takes =
					(check->interval_ms + check->jitter_ms) *
						(uint64_t)(times + 1) +
					check->timeout_ms;

				longest = latest(longest, takes * IO_MS);
			}
		}
	}
	return longest ? longest + CHECK_MOMENT_NS : 0;
}

static struct lab_machine *member_machine(const struct lsvm_lab *lab,
					  const struct partition *partition, uint32_t i)
{
	return lsvm_lab_machine(lab, partition->servers.items[i].server.name);
}

/* As the director sees it, one of the partition has been alive for long enough to be
 * known for it. */
static bool has_alive(struct lsvm_lab *lab, const struct partition *partition,
		      const struct lab_machine *director, uint64_t bound)
{
	for (uint32_t i = 0; i < partition->servers.count; i++) {
		const struct lab_machine *machine = member_machine(lab, partition, i);

		if (machine && !machine->was_dead && !machine->drained &&
		    !machine->left && machine->behaviour == BEHAVIOUR_ANSWER &&
		    !lsvm_world_is_blocked(director->host, machine->host) &&
		    is_over(lab, latest(machine->dead_since_ns, lab->links_since_ns),
			    bound))
			return true;
	}
	return false;
}

static void check_server(struct lsvm_lab *lab, const struct lab_machine *director,
			 const struct lab_machine *server, uint64_t bound)
{
	const uint64_t since =
		latest(latest(server->dead_since_ns, director->well_since_ns),
		       latest(lab->calm_since_ns, lab->links_since_ns));

	if (!server->was_dead || server->machine->partitions.count > 1 ||
	    lsvm_world_is_blocked(director->host, server->host) ||
	    !is_over(lab, since, bound) || !lsvm_lab_is_in(director, server))
		return;
	broken(lab, "%s gives connections to %s, which has been dead for %llu ms",
	       director->machine->name, server->machine->name,
	       (unsigned long long)((lsvm_world_now(lab->world) - server->dead_since_ns) /
				    IO_MS));
}

static void check_servers(struct lsvm_lab *lab, const struct partition *partition)
{
	const uint64_t bound = check_ns(partition);

	if (!bound || !lab->calm)
		return;
	for (size_t i = 0; i < lab->machines.count; i++) {
		const struct lab_machine *director = lab->machines.items[i];

		if (director->machine->role != LSVM_ROLE_DIRECTOR ||
		    !director->was_well || !has_alive(lab, partition, director, bound))
			continue;
		for (uint32_t k = 0; k < partition->servers.count; k++) {
			const struct lab_machine *server =
				member_machine(lab, partition, k);

			if (server)
				check_server(lab, director, server, bound);
		}
	}
}

/* ---- looking ---- */

static uint64_t effects(const struct lsvm_lab *lab)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < lab->machines.count; i++)
		sum += lab->machines.items[i]->host->write_count;
	return sum;
}

static void look(void *arg)
{
	struct lsvm_lab *lab = arg;
	const uint64_t seen = effects(lab);

	if (!lab->touched && seen == lab->seen_effects &&
	    lsvm_world_now(lab->world) < lab->look_ns)
		return;
	lab->touched = false;
	lab->seen_effects = seen;
	lab->look_ns = IO_NEVER;
	look_at_conditions(lab);
	for (size_t i = 0; i < lab->vips.count; i++) {
		count_failovers(lab, &lab->vips.items[i]);
		if (!lab->watching)
			continue;
		check_double(lab, &lab->vips.items[i]);
		check_orphan(lab, &lab->vips.items[i]);
		if (lab->cluster->directors.count > 1)
			check_leftovers(lab, &lab->vips.items[i]);
	}
	for (uint32_t i = 0; lab->watching && i < lab->cluster->partitions.count; i++)
		check_servers(lab, &lab->cluster->partitions.items[i]);
}

void lsvm_lab_touched(struct lsvm_lab *lab)
{
	lab->touched = true;
}

void lsvm_lab_watch(struct lsvm_lab *lab)
{
	for (size_t i = 0; i < lab->vips.count; i++)
		lab->vips.items[i].double_ns = lab->vips.items[i].orphan_ns = IO_NEVER;
	lab->touched = true;
	lsvm_world_watch(lab->world, look, lab);
}

/* ---- what holds in the end ---- */

static const struct lab_machine *server_of(const struct lsvm_lab *lab,
					   const struct addr *addr)
{
	for (size_t i = 0; i < lab->machines.count; i++) {
		const struct lab_machine *machine = lab->machines.items[i];

		if (machine->machine->role == LSVM_ROLE_SERVER)
			for (uint32_t k = 0; k < machine->machine->interfaces.count;
			     k++) {
				const struct interface *interface =
					&machine->machine->interfaces.items[k];

				for (uint32_t a = 0; a < interface->addresses.count; a++)
					if (lsvm_addr_compare(
						    &interface->addresses.items[a],
						    addr) == 0)
						return machine;
			}
	}
	return NULL;
}

static const struct ipvs_destination *find_dest(const struct ipvs_service *service,
						const struct ipvs_destination *wanted)
{
	for (size_t i = 0; i < service->destinations.count; i++)
		if (lsvm_ipvs_destination_compare(&service->destinations.items[i],
						  wanted) == 0)
			return &service->destinations.items[i];
	return NULL;
}

static int compare_service(struct lsvm_lab *lab, const struct lab_machine *director,
			   const struct ipvs_service *wanted,
			   const struct ipvs_service *present)
{
	char key[LSVM_ADDRESS_TEXT_BYTES * 2], addr[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_ipvs_key_text(&wanted->key, key);
	if (!present)
		return lsvm_lab_not_so(lab, "%s lacks service %s",
				       director->machine->name, key);
	if (present->destinations.count > wanted->destinations.count)
		return lsvm_lab_not_so(lab, "%s has more servers for %s than its plan",
				       director->machine->name, key);
	for (size_t i = 0; i < wanted->destinations.count; i++) {
		const struct ipvs_destination *to = &wanted->destinations.items[i];
		const struct ipvs_destination *is = find_dest(present, to);
		const struct lab_machine *server = server_of(lab, &to->addr);
		const bool out =
			server && (server->was_dead || server->drained || server->left);
		const uint32_t weight = is ? is->weight : 0;

		if (weight == (out ? 0 : to->weight))
			continue;
		return lsvm_lab_not_so(lab, "%s gives %s weight %u for %s instead of %u",
				       director->machine->name,
				       lsvm_addr_text(&to->addr, addr), weight, key,
				       out ? 0 : to->weight);
	}
	return 0;
}

static int compare_tables(struct lsvm_lab *lab, const struct lab_machine *director)
{
	struct lsvm_ipvs_table *present = NULL;
	struct lsvm_plan *plan;
	const struct lsvm_ipvs_table *wanted;
	int err = lsvm_plan_compile(lab->ctx, lab->cluster, director->machine->name,
				    LSVM_DUTY_MASTER, &plan);

	if (err < 0)
		return err;
	wanted = plan->wanted->ipvs;
	if (wanted)
		err = lsvm_host_ipvs_snapshot(director->host, &present);
	if (err >= 0 && wanted && present->services.count != wanted->services.count)
		err = lsvm_lab_not_so(lab, "%s has %zu services instead of %zu",
				      director->machine->name, present->services.count,
				      wanted->services.count);
	for (size_t i = 0; err >= 0 && wanted && i < wanted->services.count; i++)
		err = compare_service(
			lab, director, &wanted->services.items[i],
			lsvm_ipvs_table_lookup(present, &wanted->services.items[i].key));
	lsvm_ipvs_table_unref(present);
	lsvm_plan_unref(plan);
	return err;
}

static int check_record(struct lsvm_lab *lab, const struct lab_machine *machine)
{
	struct lsvm_plan *plan;
	char why[LSVM_ERROR_TEXT_BYTES];
	int err = lsvm_role_applied(machine->host, &plan);

	if (err >= 0) {
		lsvm_plan_unref(plan);
		return 0;
	}
	snprintf(why, sizeof(why), "%s", lsvm_ctx_error_text(lab->ctx));
	return lsvm_lab_not_so(lab, "the record on %s is not right: %s",
			       machine->machine->name, why);
}

static int check_answers(struct lsvm_lab *lab, const struct lab_vip *vip)
{
	size_t holders, answering = 0;

	lsvm_lab_holder(lab, vip, &holders);
	if (holders != 1)
		return lsvm_lab_not_so(lab, "%zu directors hold %s", holders,
				       vip->vip->name);
	for (size_t i = 0; i < lab->machines.count; i++) {
		const struct lab_machine *machine = lab->machines.items[i];

		answering += lsvm_world_has_power(machine->host) &&
			     lsvm_world_answers(machine->host, &vip->vip->address);
	}
	return answering == 1 ? 0
			      : lsvm_lab_not_so(lab, "%zu machines answer for %s",
						answering, vip->vip->name);
}

int lsvm_lab_settled(struct lsvm_lab *lab)
{
	int err = 0;

	look_at_conditions(lab);
	for (size_t i = 0; i < lab->vips.count && err >= 0; i++)
		err = check_answers(lab, &lab->vips.items[i]);
	for (size_t i = 0; i < lab->machines.count && err >= 0; i++) {
		const struct lab_machine *machine = lab->machines.items[i];

		if (!machine->agent)
			continue;
		err = check_record(lab, machine);
		if (err >= 0 && machine->machine->role == LSVM_ROLE_DIRECTOR)
			err = compare_tables(lab, machine);
	}
	return err;
}
