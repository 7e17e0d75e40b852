/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a server says of itself to checks of kind agent (lib/health/agent.c): whoever
 * connects to the port of such a check gets one line.
 *
 *	up 100%		it holds its plan, and no more wants to run than it has processors
 *	up 40%		more does: its share of the load's work, 10 % at least
 *	drain		its agent ends
 *	down # why	it does not hold its plan
 */
#include "agent/agent.h"

#include <stdio.h>
#include <stdlib.h>

#define WEIGHT_PORTS_MAX 16
#define LOAD_OLD_NS IO_S
#define LEAST_PERCENT 10
#define TOLD_MAX 64
#define TOLD_NS IO_S

struct mouth {
	struct seat seat;
	uint16_t port;
	uint8_t family;
	struct channel *channel;
	struct trouble trouble;
};

/* Who has been told and has not hung up yet. */
struct told {
	struct seat seat;
	struct channel *channel; /* NULL: nobody */
	uint64_t until_ns;
};

struct weight {
	struct told told[TOLD_MAX];
	struct mouth mouths[2 * WEIGHT_PORTS_MAX];
	size_t count;
	struct retry retry;
	uint64_t reopen_ns, load_ns;
	unsigned percent;
};

/* ---- the load ---- */

static void add_text(void *arg, const char *bytes, size_t length)
{
	lsvm_buf_add(arg, bytes, length);
}

static bool read_file(struct lsvm_agent *agent, const char *path, struct buf *ret)
{
	return agent->host->ops->stream(agent->host, path, add_text, ret) >= 0 &&
	       !ret->failed && ret->data;
}

static unsigned count_processors(const char *stat)
{
	unsigned count = 0;

	for (const char *at = stat; (at = strstr(at, "\ncpu")); at++)
		count++;
	return count ? count : 1;
}

/* In hundredths; 0 where nobody knows. */
static unsigned long load_of(const char *text)
{
	unsigned long whole, part;

	return sscanf(text, "%lu.%2lu", &whole, &part) == 2 && whole < 1000000
		       ? whole * 100 + part
		       : 0;
}

static unsigned find_percent(struct lsvm_agent *agent)
{
	struct buf load = { 0 }, stat = { 0 };
	unsigned percent = 100;

	if (read_file(agent, "/proc/loadavg", &load) &&
	    read_file(agent, "/proc/stat", &stat)) {
		const unsigned long wants = load_of(load.data);
		const unsigned long has = count_processors(stat.data) * 100;

		if (wants > has)
			percent = (unsigned)(has * 100 / wants);
	}
	lsvm_buf_free(&load);
	lsvm_buf_free(&stat);
	return percent < LEAST_PERCENT ? LEAST_PERCENT : percent;
}

/* ---- speaking ---- */

static void hang_up(struct lsvm_agent *agent, struct told *told)
{
	agent->io->close(agent->host, told->channel);
	told->channel = NULL;
}

static void take_told(struct lsvm_agent *agent, struct seat *seat,
		      const struct io_event *event)
{
	struct told *told = (struct told *)seat; /* its first member */

	if (told->channel && (event->fact == IO_ENDED || event->fact == IO_FAILED))
		hang_up(agent, told);
}

/* The one that waits longest makes room. */
static struct told *find_room(struct lsvm_agent *agent)
{
	struct told *oldest = &agent->weight->told[0];

	for (size_t i = 0; i < TOLD_MAX; i++) {
		struct told *told = &agent->weight->told[i];

		if (!told->channel)
			return told;
		if (told->until_ns < oldest->until_ns)
			oldest = told;
	}
	hang_up(agent, oldest);
	return oldest;
}

static void speak(struct lsvm_agent *agent, struct channel *channel)
{
	struct told *told = find_room(agent);
	struct weight *weight = agent->weight;
	const uint64_t now = agent_now(agent);
	char line[64];

	if (!weight->load_ns || now - weight->load_ns > LOAD_OLD_NS) {
		weight->percent = find_percent(agent);
		weight->load_ns = now;
	}
	if (agent->life != AGENT_RUNNING)
		snprintf(line, sizeof(line), "drain\n");
	else if (!lsvm_keep_is_good(agent))
		snprintf(line, sizeof(line), "down # the plan is not applied\n");
	else
		snprintf(line, sizeof(line), "up %u%%\n", weight->percent);
	told->seat.take = take_told;
	told->channel = channel;
	told->until_ns = now + TOLD_NS;
	agent->io->adopt(agent->host, channel, &told->seat);
	agent->io->send(agent->host, channel, line, strlen(line), NULL, 0);
}

static void take_caller(struct lsvm_agent *agent, struct seat *seat,
			const struct io_event *event)
{
	struct mouth *mouth = (struct mouth *)seat; /* its first member */
	char text[EVENT_TEXT_BYTES];

	if (event->fact == IO_ACCEPTED)
		speak(agent, event->accepted);
	if (event->fact != IO_FAILED)
		return;
	snprintf(text, sizeof(text), "port %u: %s", mouth->port,
		 event->text ? event->text : lsvm_io_error_text(event->error));
	lsvm_agent_trouble(agent, &mouth->trouble, "weight", text);
	agent->io->close(agent->host, mouth->channel);
	mouth->channel = NULL;
	agent->weight->reopen_ns =
		lsvm_retry_next(&agent->weight->retry, agent_now(agent));
}

static void open_mouths(struct lsvm_agent *agent)
{
	struct weight *weight = agent->weight;

	weight->reopen_ns = IO_NEVER;
	for (size_t i = 0; i < weight->count; i++) {
		struct mouth *mouth = &weight->mouths[i];
		const struct channel_spec spec = { .kind = CHANNEL_LISTEN_TCP,
						   .local = { .family = mouth->family },
						   .local_port = mouth->port };

		mouth->seat.take = take_caller;
		if (!mouth->channel && agent->io->open(agent->host, &spec, &mouth->seat,
						       &mouth->channel) < 0)
			lsvm_agent_trouble(agent, &mouth->trouble, "weight",
					   lsvm_ctx_error_text(agent->ctx));
	}
}

static void close_mouths(struct lsvm_agent *agent)
{
	struct weight *weight = agent->weight;

	for (size_t i = 0; i < weight->count; i++)
		agent->io->close(agent->host, weight->mouths[i].channel);
	weight->count = 0;
	for (size_t i = 0; i < TOLD_MAX; i++)
		if (weight->told[i].channel)
			hang_up(agent, &weight->told[i]);
}

/* ---- where ---- */

static bool has_family(const struct machine *machine, uint8_t family)
{
	for (uint32_t i = 0; i < machine->interfaces.count; i++)
		if (lsvm_interface_address(&machine->interfaces.items[i], family))
			return true;
	return false;
}

static void add_port(struct lsvm_agent *agent, uint16_t port)
{
	struct weight *weight = agent->weight;

	for (size_t i = 0; i < weight->count; i++)
		if (weight->mouths[i].port == port)
			return;
	for (uint8_t family = 4; family <= 6; family += 2)
		if (has_family(agent->aim.machine, family) &&
		    weight->count < ARRAY_SIZE(weight->mouths))
			weight->mouths[weight->count++] =
				(struct mouth){ .port = port, .family = family };
}

/* The ports of the checks of kind agent in the server's partitions. */
static void find_ports(struct lsvm_agent *agent)
{
	const struct machine *machine = agent->aim.machine;

	for (uint32_t i = 0; i < machine->partitions.count; i++) {
		const struct partition *partition = machine->partitions.items[i];

		for (uint32_t j = 0; j < partition->vips.count; j++) {
			const struct vip *vip = &partition->vips.items[j];

			for (uint32_t k = 0; k < vip->services.count; k++) {
				struct settings settings;

				lsvm_cluster_settings(&vip->services.items[k], &settings);
				for (uint32_t n = 0; n < settings.checks.count; n++)
					if (settings.checks.items[n].kind ==
						    LSVM_CHECK_AGENT &&
					    settings.checks.items[n].port)
						add_port(agent,
							 settings.checks.items[n].port);
			}
		}
	}
}

/* ---- the part ---- */

static int weight_start(struct lsvm_agent *agent)
{
	if (agent->role != LSVM_ROLE_SERVER)
		return 0;
	agent->weight = calloc(1, sizeof(*agent->weight));
	if (!agent->weight)
		return lsvm_fail_nomem(agent->ctx);
	find_ports(agent);
	open_mouths(agent);
	return 0;
}

static void weight_reload(struct lsvm_agent *agent, bool good)
{
	if (!good || !agent->weight)
		return;
	close_mouths(agent);
	find_ports(agent);
	open_mouths(agent);
}

static uint64_t weight_deadline(const struct lsvm_agent *agent)
{
	const struct weight *weight = agent->weight;
	uint64_t deadline = weight ? weight->reopen_ns : IO_NEVER;

	for (size_t i = 0; weight && i < TOLD_MAX; i++)
		if (weight->told[i].channel && weight->told[i].until_ns < deadline)
			deadline = weight->told[i].until_ns;
	return deadline;
}

static void weight_tick(struct lsvm_agent *agent, uint64_t now_ns)
{
	struct weight *weight = agent->weight;

	for (size_t i = 0; i < TOLD_MAX; i++)
		if (weight->told[i].channel && weight->told[i].until_ns <= now_ns)
			hang_up(agent, &weight->told[i]);
	if (weight->reopen_ns <= now_ns)
		open_mouths(agent);
}

static void weight_free(struct lsvm_agent *agent)
{
	if (!agent->weight)
		return;
	close_mouths(agent);
	free(agent->weight);
	agent->weight = NULL;
}

const struct agent_part lsvm_agent_weight = {
	.name = "weight",
	.start = weight_start,
	.reload = weight_reload,
	.deadline = weight_deadline,
	.tick = weight_tick,
	.free = weight_free,
};
