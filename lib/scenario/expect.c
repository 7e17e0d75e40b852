/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What can be expected. With "within" a time, it is looked at again and again until it is
 * so; time passes meanwhile. What is said when it is not names what is there instead.
 */
#include "host/sim/sim.h"
#include "scenario/lab.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_NS (2 * IO_MS)

struct subject {
	const char *word;
	size_t least, most; /* words behind it */
	int (*look)(struct lsvm_lab *lab, char *const *words, size_t count);
};

int lsvm_lab_not_so(struct lsvm_lab *lab, const char *fmt, ...)
{
	char text[LAB_LINE_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return lsvm_fail(lab->ctx, LSVM_ERR_CONFLICT, "at %.6f s %s",
			 (double)lsvm_world_time(lab->world) / 1e9, text);
}

/* ---- virtual addresses ---- */

struct lab_machine *lsvm_lab_holder(const struct lsvm_lab *lab, const struct lab_vip *vip,
				    size_t *ret_count)
{
	struct lab_machine *found = NULL;
	size_t count = 0;

	for (size_t i = 0; i < lab->machines.count; i++) {
		struct lab_machine *machine = lab->machines.items[i];

		if (machine->machine->role != LSVM_ROLE_DIRECTOR ||
		    !lsvm_world_has_power(machine->host) ||
		    !lsvm_world_has(machine->host, &vip->vip->address))
			continue;
		if (!count++)
			found = machine;
	}
	*ret_count = count;
	return found;
}

int lsvm_lab_find_vip(struct lsvm_lab *lab, const char *name, struct lab_vip **ret)
{
	struct addr addr;
	const bool is_address = name && lsvm_addr_parse(name, &addr);

	for (size_t i = 0; i < lab->vips.count; i++) {
		struct lab_vip *vip = &lab->vips.items[i];

		if (!name || strcmp(vip->vip->name, name) == 0 ||
		    (is_address && lsvm_addr_compare(&vip->vip->address, &addr) == 0)) {
			*ret = vip;
			return 0;
		}
	}
	return lsvm_fail(
		lab->ctx, LSVM_ERR_NOT_FOUND,
		"there is no virtual address '%s' in cluster %s; take one of the "
		"file's",
		name ? name : "", lab->cluster->name);
}

const char *lsvm_lab_master(struct lsvm_lab *lab, const char *name)
{
	struct lab_machine *holder;
	struct lab_vip *vip;
	size_t count;

	if (lsvm_lab_find_vip(lab, name, &vip) < 0)
		return NULL;
	holder = lsvm_lab_holder(lab, vip, &count);
	return count == 1 ? holder->machine->name : "";
}

/* NULL: any director. */
static int look_at_vip(struct lsvm_lab *lab, const struct lab_vip *vip,
		       const struct lab_machine *wanted, bool none)
{
	size_t count;
	const struct lab_machine *holder = lsvm_lab_holder(lab, vip, &count);

	if (none ? count == 0 : count == 1 && (!wanted || holder == wanted))
		return 0;
	if (!count)
		return lsvm_lab_not_so(lab, "nobody holds %s", vip->vip->name);
	if (count > 1)
		return lsvm_lab_not_so(lab, "%zu directors hold %s", count,
				       vip->vip->name);
	return lsvm_lab_not_so(lab, "%s holds %s", holder->machine->name, vip->vip->name);
}

static int look_at_vips(struct lsvm_lab *lab, const char *name,
			const struct lab_machine *wanted, bool none)
{
	struct lab_vip *vip;
	int err = 0;

	if (name) {
		err = lsvm_lab_find_vip(lab, name, &vip);
		return err < 0 ? err : look_at_vip(lab, vip, wanted, none);
	}
	for (size_t i = 0; i < lab->vips.count && err >= 0; i++)
		err = look_at_vip(lab, &lab->vips.items[i], wanted, none);
	return err;
}

static int stray(struct lsvm_lab *lab, const char *word)
{
	return lsvm_fail(lab->ctx, LSVM_ERR_PARSE,
			 "\"%s\" does not belong there; see svm-scenario(5)", word);
}

/* master eds2 [of VIP]; master none */
static int master(struct lsvm_lab *lab, char *const *words, size_t count)
{
	const bool none = strcmp(words[0], "none") == 0;
	struct lab_machine *wanted = NULL;
	int err = none ? 0 : lsvm_lab_find(lab, words[0], &wanted);

	if (err >= 0 && count > 1 && (count != 3 || strcmp(words[1], "of") != 0))
		return stray(lab, words[1]);
	return err < 0 ? err
		       : look_at_vips(lab, count == 3 ? words[2] : NULL, wanted, none);
}

/* one master [of VIP] */
static int one(struct lsvm_lab *lab, char *const *words, size_t count)
{
	if (strcmp(words[0], "master") != 0)
		return stray(lab, words[0]);
	if (count > 1 && (count != 3 || strcmp(words[1], "of") != 0))
		return stray(lab, words[1]);
	return look_at_vips(lab, count == 3 ? words[2] : NULL, NULL, false);
}

/* ---- servers ---- */

struct taking {
	const struct lab_machine *server;
	bool in;
};

static bool is_of(const struct machine *machine, const struct sim_dest *dest)
{
	const struct ipvs_destination value = lsvm_sim_dest_value(dest);

	for (uint32_t i = 0; i < machine->interfaces.count; i++) {
		const struct interface *interface = &machine->interfaces.items[i];

		for (uint32_t k = 0; k < interface->addresses.count; k++)
			if (lsvm_addr_compare(&interface->addresses.items[k],
					      &value.addr) == 0)
				return true;
	}
	return false;
}

static int look_at_service(struct sim_service *service, void *arg)
{
	struct taking *taking = arg;

	if (service->fwmark >= PROBE_MARK_FIRST && service->fwmark <= PROBE_MARK_LAST)
		return 0; /* no client comes that way */
	for (struct sim_dest *dest = service->ring.next; dest != &service->ring;
	     dest = dest->next)
		taking->in |= dest->weight > 0 && is_of(taking->server->machine, dest);
	return taking->in;
}

bool lsvm_lab_is_in(const struct lab_machine *director, const struct lab_machine *server)
{
	struct taking taking = { server, false };

	lsvm_sim_services_each(&((struct sim_host *)director->host)->kernel,
			       look_at_service, &taking);
	return taking.in;
}

/* server eps2 in|out: on every director that holds something; on all when none does */
static int server(struct lsvm_lab *lab, char *const *words, size_t count)
{
	const bool in = strcmp(words[1], "in") == 0;
	struct lab_machine *machine, *holder = NULL;
	size_t holders;
	int err = lsvm_lab_find(lab, words[0], &machine);

	if (err < 0)
		return err;
	if (!in && strcmp(words[1], "out") != 0)
		return stray(lab, words[1]);
	for (size_t i = 0; i < lab->vips.count && !holder; i++)
		holder = lsvm_lab_holder(lab, &lab->vips.items[i], &holders);
	for (size_t i = 0; i < lab->machines.count; i++) {
		const struct lab_machine *director = lab->machines.items[i];

		if (director->machine->role != LSVM_ROLE_DIRECTOR ||
		    (holder && director != holder) ||
		    lsvm_lab_is_in(director, machine) == in)
			continue;
		return lsvm_lab_not_so(lab, "%s %s new connections from %s", words[0],
				       in ? "gets no" : "gets", director->machine->name);
	}
	return 0;
}

/* ---- counts ---- */

static uint64_t count_of(const struct lsvm_lab *lab, const char *what)
{
	for (int i = 0; i < OUTCOME_COUNT; i++)
		if (strcmp(lsvm_outcome_name((enum outcome)i), what) == 0)
			return lab->outcomes[i];
	if (strcmp(what, "failed") == 0)
		return lsvm_lab_failed_count(lab);
	if (strcmp(what, "held") == 0)
		return lsvm_lab_held_count(lab);
	if (strcmp(what, "lost") == 0)
		return lab->lost_held_count;
	if (strcmp(what, "failovers") == 0)
		return lab->failover_count;
	return lab->begun_count;
}

/* failed 0; failed at-most 3 */
static int counted(struct lsvm_lab *lab, const char *what, char *const *words,
		   size_t count)
{
	const bool most = count == 2 && strcmp(words[0], "at-most") == 0;
	const bool least = count == 2 && strcmp(words[0], "at-least") == 0;
	const uint64_t is = count_of(lab, what);
	char *end;
	const unsigned long long wanted = strtoull(words[count - 1], &end, 10);

	if (*end || end == words[count - 1] || (count == 2 && !most && !least))
		return stray(lab, words[0]);
	if (most ? is <= wanted : least ? is >= wanted : is == wanted)
		return 0;
	return lsvm_lab_not_so(lab, "%s: %llu", what, (unsigned long long)is);
}

/* no failed requests */
static int no(struct lsvm_lab *lab, char *const *words, size_t count)
{
	const uint64_t failed = lsvm_lab_failed_count(lab);

	if (strcmp(words[0], "failed") != 0 || strcmp(words[1], "requests") != 0)
		return stray(lab, words[0]);
	return failed ? lsvm_lab_not_so(lab, "%llu requests have failed",
					(unsigned long long)failed)
		      : 0;
}

/* slowest below 3s */
static int slowest(struct lsvm_lab *lab, char *const *words, size_t count)
{
	uint64_t ns;
	int err = lsvm_lab_duration(lab, words[1], &ns);

	if (strcmp(words[0], "below") != 0)
		return stray(lab, words[0]);
	if (err < 0 || lab->slowest_ns < ns)
		return err;
	return lsvm_lab_not_so(lab, "the slowest answer took %llu ms",
			       (unsigned long long)(lab->slowest_ns / IO_MS));
}

/* quiet: no request is under way or to come */
static int quiet(struct lsvm_lab *lab, char *const *words, size_t count)
{
	return lsvm_lab_is_asking(lab) ? lsvm_lab_not_so(lab, "requests are under way")
				       : 0;
}

/* settled: all is as the plans say */
static int settled(struct lsvm_lab *lab, char *const *words, size_t count)
{
	return lsvm_lab_settled(lab);
}

/* unbroken: what must hold did so since "watch" */
static int unbroken(struct lsvm_lab *lab, char *const *words, size_t count)
{
	if (!lab->watching)
		return lsvm_fail(lab->ctx, LSVM_ERR_STATE,
				 "nobody looks; begin with \"watch\"");
	return lab->broken[0] ? lsvm_lab_not_so(lab, "was broken: %s", lab->broken) : 0;
}

/* agent eds1 running|dead */
static int agent(struct lsvm_lab *lab, char *const *words, size_t count)
{
	const bool running = strcmp(words[1], "running") == 0;
	struct lab_machine *machine;
	int err = lsvm_lab_find(lab, words[0], &machine);

	if (err < 0)
		return err;
	if (!running && strcmp(words[1], "dead") != 0)
		return stray(lab, words[1]);
	if ((machine->agent != NULL) == running)
		return 0;
	return lsvm_lab_not_so(lab, "%s agent runs on %s", running ? "no" : "an",
			       words[0]);
}

/* event eds2 "text": one of its events so far has that in it */
static int event(struct lsvm_lab *lab, char *const *words, size_t count)
{
	struct lab_machine *machine;
	int err = lsvm_lab_find(lab, words[0], &machine);

	if (err < 0)
		return err;
	for (size_t i = lab->events.count; i-- > 0;) {
		const struct lab_event *at = &lab->events.items[i];

		if (at->machine == machine &&
		    (strstr(at->event.text, words[1]) ||
		     strcmp(lsvm_event_kind_name(at->event.kind), words[1]) == 0))
			return 0;
	}
	return lsvm_lab_not_so(lab, "%s has told no event with \"%s\"", words[0],
			       words[1]);
}

/* ---- looking ---- */

static const struct subject subjects[] = {
	{ "agent", 2, 2, agent },     { "event", 2, 2, event },
	{ "master", 1, 3, master },   { "no", 2, 2, no },
	{ "one", 1, 3, one },	      { "quiet", 0, 0, quiet },
	{ "server", 2, 2, server },   { "settled", 0, 0, settled },
	{ "slowest", 2, 2, slowest }, { "unbroken", 0, 0, unbroken },
};

static const char *const counters[] = {
	"answered", "empty",	"failed", "failovers", "held",	      "lost",
	"refused",  "requests", "reset",  "timeout",   "unreachable",
};

static int look(struct lsvm_lab *lab, char *const *words, size_t count)
{
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		if (strcmp(subjects[i].word, words[0]) != 0)
			continue;
		if (count - 1 < subjects[i].least || count - 1 > subjects[i].most)
			break;
		return subjects[i].look(lab, words + 1, count - 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
		if (strcmp(counters[i], words[0]) == 0 && (count == 2 || count == 3))
			return counted(lab, words[0], words + 1, count - 1);
	return lsvm_fail(lab->ctx, LSVM_ERR_PARSE,
			 "nothing can be expected of \"%s\" like that; svm-scenario(5) "
			 "lists what can",
			 words[0]);
}

int lsvm_lab_expect(struct lsvm_lab *lab, const struct words *all)
{
	char *const *words = all->word + 1;
	size_t count = all->count - 1;
	uint64_t within = 0, until;
	int err = 0;

	if (count > 2 && strcmp(words[count - 2], "within") == 0) {
		err = lsvm_lab_duration(lab, words[count - 1], &within);
		count -= 2;
	}
	until = lsvm_world_now(lab->world) + within;
	while (err >= 0) {
		const uint64_t left = until - lsvm_world_now(lab->world);

		err = look(lab, words, count);
		if (err != LSVM_ERR_CONFLICT || !left)
			return err;
		err = lsvm_lab_pass(lab, left < LOOK_NS ? left : LOOK_NS);
	}
	return err;
}
