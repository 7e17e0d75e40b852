/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The language of scenarios: one command on a line, words between spaces. What a command
 * does not understand is an error that says what it takes.
 */
#include "scenario/lab.h"

#include <stdio.h>

#define MILLION 1000000.0

struct command {
	const char *word, *takes;
	size_t least, most; /* words behind it */
	int (*act)(struct lsvm_lab *lab, const struct words *words);
};

/* ---- words ---- */

static bool split(const char *line, struct words *ret)
{
	char *at = ret->text;

	ret->count = 0;
	if (strlen(line) >= sizeof(ret->text))
		return false;
	strcpy(ret->text, line);
	at[strcspn(at, "#\r\n")] = '\0';
	for (;;) {
		at += strspn(at, " \t");
		if (!*at)
			return true;
		if (ret->count == ARRAY_SIZE(ret->word))
			return false;
		/* Text with spaces stands between quotes of one kind or the other. */
		if (*at == '"' || *at == '\'') {
			const char quote[] = { *at, '\0' };

			ret->word[ret->count++] = ++at;
			at += strcspn(at, quote);
		} else {
			ret->word[ret->count++] = at;
			at += strcspn(at, " \t");
		}
		if (*at)
			*at++ = '\0';
	}
}

static bool read_number(const char *text, double *ret, const char **ret_rest)
{
	double value = 0, place = 1;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (*at - '0');
	if (at == text)
		return false;
	if (*at == '.')
		for (at++; *at >= '0' && *at <= '9'; at++)
			value += (*at - '0') * (place /= 10);
	*ret = value;
	*ret_rest = at;
	return value < 1e15;
}

int lsvm_lab_duration(struct lsvm_lab *lab, const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "ns", 1 },   { "us", 1e3 },   { "ms", 1e6 },   { "s", 1e9 },
		      { "m", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 } };
	const char *rest;
	double value;

	if (read_number(text, &value, &rest))
		for (size_t i = 0; i < ARRAY_SIZE(units); i++)
			if (strcmp(units[i].name, rest) == 0 &&
			    value * units[i].ns < 4e18) {
				*ret_ns = (uint64_t)(value * units[i].ns + 0.5);
				return 0;
			}
	return lsvm_fail(lab->ctx, LSVM_ERR_PARSE,
			 "\"%s\" is no time; write 3s, 250ms, 10us, 2m, 1h or 1d", text);
}

static int read_percent(struct lsvm_lab *lab, const char *text, uint32_t *ret_ppm)
{
	const char *rest;
	double value;

	if (!read_number(text, &value, &rest) || strcmp(rest, "%") != 0 || value > 100)
		return lsvm_fail(lab->ctx, LSVM_ERR_PARSE,
				 "\"%s\" is no share; write 0%% to 100%%", text);
	*ret_ppm = (uint32_t)(value / 100 * MILLION + 0.5);
	return 0;
}

static int read_count(struct lsvm_lab *lab, const char *text, uint64_t *ret)
{
	const char *rest;
	double value;

	if (!read_number(text, &value, &rest) || *rest || value > 1e9)
		return lsvm_fail(lab->ctx, LSVM_ERR_PARSE,
				 "\"%s\" is no count; write a number up to 1000000000",
				 text);
	*ret = (uint64_t)value;
	return 0;
}

static int stray(struct lsvm_lab *lab, const char *word)
{
	return lsvm_fail(lab->ctx, LSVM_ERR_PARSE,
			 "\"%s\" does not belong there; see svm-scenario(5)", word);
}

/* ---- cables and machines ---- */

static bool has_interface(const struct lab_machine *machine, const char *name)
{
	for (uint32_t i = 0; i < machine->machine->interfaces.count; i++)
		if (strcmp(machine->machine->interfaces.items[i].name, name) == 0)
			return true;
	return false;
}

static int cut(struct lsvm_lab *lab, const struct words *words)
{
	const bool silent = strcmp(words->word[words->count - 1], "silently") == 0;
	const size_t count = words->count - silent;
	struct lab_machine *machine, *other;
	int err = lsvm_lab_find(lab, words->word[1], &machine);

	if (err < 0 || count == 2) {
		if (err >= 0)
			lsvm_world_cut(machine->host, NULL,
				       silent ? CUT_SILENT : CUT_CABLE);
		return err;
	}
	if (count == 3 && has_interface(machine, words->word[2])) {
		lsvm_world_cut(machine->host, words->word[2],
			       silent ? CUT_SILENT : CUT_CABLE);
		return 0;
	}
	if (count > 3)
		return stray(lab, words->word[3]);
	err = lsvm_lab_find(lab, words->word[2], &other);
	if (err >= 0)
		err = lsvm_world_block(machine->host, other->host, true);
	if (err >= 0)
		err = lsvm_world_block(other->host, machine->host, true);
	return err;
}

static int deafen(struct lsvm_lab *lab, const struct words *words)
{
	struct lab_machine *machine, *other;
	int err = lsvm_lab_find(lab, words->word[1], &machine);

	if (err >= 0)
		err = lsvm_lab_find(lab, words->word[2], &other);
	return err < 0 ? err : lsvm_world_block(other->host, machine->host, true);
}

static int heal_one(struct lsvm_lab *lab, struct lab_machine *machine)
{
	int err = 0;

	lsvm_world_cut(machine->host, NULL, CUT_NONE);
	for (size_t i = 0; i < lab->machines.count && err >= 0; i++) {
		struct lsvm_host *other = lab->machines.items[i]->host;

		err = lsvm_world_block(machine->host, other, false);
		if (err >= 0)
			err = lsvm_world_block(other, machine->host, false);
	}
	return err;
}

static int heal(struct lsvm_lab *lab, const struct words *words)
{
	struct lab_machine *machine;
	int err = 0;

	if (words->count == 2) {
		err = lsvm_lab_find(lab, words->word[1], &machine);
		return err < 0 ? err : heal_one(lab, machine);
	}
	for (size_t i = 0; i < lab->machines.count && err >= 0; i++)
		err = heal_one(lab, lab->machines.items[i]);
	return err;
}

static int power_off(struct lsvm_lab *lab, const struct words *words)
{
	struct lab_machine *machine;
	int err = lsvm_lab_find(lab, words->word[1], &machine);

	if (err < 0)
		return err;
	lsvm_world_power(machine->host, false);
	machine->start_ns = IO_NEVER;
	if (machine->agent)
		lsvm_lab_bury(machine);
	return 0;
}

static int power_on(struct lsvm_lab *lab, const struct words *words)
{
	struct lab_machine *machine;
	int err = lsvm_lab_find(lab, words->word[1], &machine);

	if (err < 0)
		return err;
	if (lsvm_world_has_power(machine->host))
		return 0;
	lsvm_world_power(machine->host, true);
	lsvm_world_revive(machine->host);
	if (lsvm_lab_has_agent(machine))
		machine->start_ns = lsvm_world_now(lab->world);
	lsvm_lab_plan_wake(lab);
	return 0;
}

/* ---- agents ---- */

static int find_agent(struct lsvm_lab *lab, const char *name, struct lab_machine **ret)
{
	int err = lsvm_lab_find(lab, name, ret);

	if (err >= 0 && !(*ret)->agent)
		return lsvm_fail(lab->ctx, LSVM_ERR_STATE,
				 "no agent runs on %s; start one with \"start-agent %s\"",
				 name, name);
	return err;
}

static int kill_agent(struct lsvm_lab *lab, const struct words *words)
{
	struct lab_machine *machine;
	int err = find_agent(lab, words->word[1], &machine);

	if (err < 0)
		return err;
	lsvm_world_kill(machine->host);
	lsvm_lab_bury(machine);
	return 0;
}

static int stop_agent(struct lsvm_lab *lab, const struct words *words)
{
	struct lab_machine *machine;
	int err = find_agent(lab, words->word[1], &machine);

	if (err < 0)
		return err;
	machine->stopping = true;
	machine->left = machine->machine->role == LSVM_ROLE_SERVER;
	err = lsvm_agent_stop(machine->agent);
	lsvm_lab_poke(machine);
	return err;
}

static int start_agent(struct lsvm_lab *lab, const struct words *words)
{
	struct lab_machine *machine;
	int err = lsvm_lab_find(lab, words->word[1], &machine);

	if (err < 0)
		return err;
	if (!lsvm_lab_has_agent(machine) || !lsvm_world_has_power(machine->host))
		return lsvm_fail(lab->ctx, LSVM_ERR_STATE,
				 "no agent can run on %s: it is no director or server, "
				 "or has no power",
				 words->word[1]);
	machine->start_ns = lsvm_world_now(lab->world);
	lsvm_lab_plan_wake(lab);
	return 0;
}

static int freeze(struct lsvm_lab *lab, const struct words *words)
{
	struct lab_machine *machine;
	int err = lsvm_lab_find(lab, words->word[1], &machine);

	if (err >= 0)
		lsvm_world_freeze(machine->host, strcmp(words->word[0], "freeze") == 0);
	return err;
}

/* crash eds1 before 7 */
static int crash(struct lsvm_lab *lab, const struct words *words)
{
	const bool after = strcmp(words->word[2], "after") == 0;
	struct lab_machine *machine;
	uint64_t number;
	int err = lsvm_lab_find(lab, words->word[1], &machine);

	if (err >= 0 && !after && strcmp(words->word[2], "before") != 0)
		err = stray(lab, words->word[2]);
	if (err >= 0)
		err = read_count(lab, words->word[3], &number);
	if (err >= 0)
		lsvm_world_crash_at(machine->host,
				    lsvm_world_effect_count(machine->host) +
					    (number ? number : 1),
				    after);
	return err;
}

static int clock_jump(struct lsvm_lab *lab, const struct words *words)
{
	const char *text = words->word[2];
	const bool back = text[0] == '-';
	struct lab_machine *machine;
	uint64_t ns;
	int err = lsvm_lab_find(lab, words->word[1], &machine);

	if (err >= 0)
		err = lsvm_lab_duration(lab, text + (back || text[0] == '+'), &ns);
	if (err >= 0)
		lsvm_world_clock(machine->host,
				 back ? -(int64_t)(ns / IO_MS) : (int64_t)(ns / IO_MS));
	return err;
}

static int drain(struct lsvm_lab *lab, const struct words *words)
{
	const char *partition = words->count > 2 ? words->word[2] : NULL;
	const bool enable = strcmp(words->word[0], "enable") == 0;
	struct lab_machine *server;
	int err = lsvm_lab_find(lab, words->word[1], &server);

	if (err >= 0 && !partition)
		server->drained = !enable;
	for (size_t i = 0; i < lab->machines.count && err >= 0; i++) {
		struct lab_machine *machine = lab->machines.items[i];

		if (!machine->agent || machine->machine->role != LSVM_ROLE_DIRECTOR)
			continue;
		err = enable ? lsvm_agent_enable(machine->agent, words->word[1],
						 partition)
			     : lsvm_agent_drain(machine->agent, words->word[1],
						partition);
		lsvm_lab_poke(machine);
	}
	return err;
}

/* ---- another cluster ---- */

/* Everything with an agent goes on with what this cluster says. */
static int reload_all(struct lsvm_lab *lab, struct lsvm_cluster *cluster)
{
	struct lsvm_cluster **old = vec_push(&lab->old_clusters);
	int err = 0;

	if (!old)
		return lsvm_fail_nomem(lab->ctx);
	*old = lab->cluster;
	lab->cluster = lsvm_cluster_ref(cluster);
	for (size_t i = 0; i < lab->machines.count && err >= 0; i++) {
		struct lab_machine *machine = lab->machines.items[i];

		if (!machine->agent || machine->stopping)
			continue;
		err = lsvm_agent_reload(machine->agent, cluster);
		lsvm_lab_poke(machine);
	}
	return err;
}

int lsvm_lab_reload(struct lsvm_lab *lab, struct lsvm_cluster *cluster)
{
	const struct machine *machine;
	int err;

	for (size_t n = 0; (machine = lsvm_cluster_machine_nth(cluster, n)); n++)
		if (!lsvm_lab_machine(lab, machine->name))
			return lsvm_fail(lab->ctx, LSVM_ERR_UNSUPPORTED,
					 "machine %s is new; a lab keeps the machines "
					 "and networks that it was built with",
					 machine->name);
	err = reload_all(lab, cluster);
	lsvm_lab_touched(lab);
	return err;
}

static int edit(struct lsvm_lab *lab, const struct words *words, struct lsvm_draft *draft)
{
	int err = 0;

	if (strcmp(words->word[1], "set") == 0)
		return lsvm_draft_set(draft, words->word[2], words->word[3]);
	if (strcmp(words->word[1], "weight") != 0)
		return stray(lab, words->word[1]);
	for (uint32_t i = 0; i < lab->cluster->partitions.count && err >= 0; i++) {
		const struct partition *partition = &lab->cluster->partitions.items[i];

		for (uint32_t k = 0; k < partition->servers.count && err >= 0; k++) {
			char path[LAB_LINE_BYTES], value[LAB_LINE_BYTES];

			if (strcmp(partition->servers.items[k].server.name,
				   words->word[2]) != 0)
				continue;
			snprintf(path, sizeof(path), "/partitions/%u/servers/%u", i, k);
			snprintf(value, sizeof(value),
				 "{\"server\": \"%.200s\", \"weight\": %.20s}",
				 words->word[2], words->word[3]);
			err = lsvm_draft_set(draft, path, value);
		}
	}
	return err;
}

/* reload; reload weight eps1 3; reload set PATH JSON */
static int reload(struct lsvm_lab *lab, const struct words *words)
{
	struct lsvm_cluster *cluster;
	struct lsvm_draft *draft;
	int err;

	if (words->count == 1)
		return lsvm_lab_reload(lab, lab->cluster);
	if (words->count != 4)
		return stray(lab, words->word[1]);
	err = lsvm_draft_new(lab->ctx, lab->cluster, &draft);
	if (err < 0)
		return err;
	err = edit(lab, words, draft);
	if (err >= 0)
		err = lsvm_draft_freeze(draft, NULL, &cluster);
	lsvm_draft_free(draft);
	if (err < 0)
		return err;
	err = lsvm_lab_reload(lab, cluster);
	lsvm_cluster_unref(cluster);
	return err;
}

/* ---- weather ---- */

static int find_network(struct lsvm_lab *lab, const char *name, struct weather **ret)
{
	for (uint32_t i = 0; i < lab->cluster->networks.count; i++)
		if (strcmp(lab->cluster->networks.items[i].name, name) == 0) {
			*ret = &lab->weather.items[i];
			return 0;
		}
	return lsvm_fail(lab->ctx, LSVM_ERR_NOT_FOUND,
			 "there is no network '%s' in cluster %s; take one of the file's",
			 name, lab->cluster->name);
}

static int set_weather(struct lsvm_lab *lab, const struct words *words)
{
	struct weather *weather = NULL;
	int err = find_network(lab, words->word[1], &weather);
	const char *what = words->word[0];

	if (err < 0)
		return err;
	if (strcmp(what, "loss") == 0)
		err = read_percent(lab, words->word[2], &weather->loss_ppm);
	else if (strcmp(what, "duplicate") == 0)
		err = read_percent(lab, words->word[2], &weather->duplicate_ppm);
	else if (strcmp(what, "reorder") == 0)
		err = read_percent(lab, words->word[2], &weather->reorder_ppm);
	else if (strcmp(what, "jitter") == 0)
		err = lsvm_lab_duration(lab, words->word[2], &weather->jitter_ns);
	else
		err = lsvm_lab_duration(lab, words->word[2], &weather->delay_ns);
	return err < 0 ? err : lsvm_world_network(lab->world, words->word[1], weather);
}

static int calm(struct lsvm_lab *lab, const struct words *words)
{
	int err = 0;

	for (uint32_t i = 0; i < lab->cluster->networks.count && err >= 0; i++) {
		const char *name = lab->cluster->networks.items[i].name;

		if (words->count == 2 && strcmp(words->word[1], name) != 0)
			continue;
		lab->weather.items[i] = (struct weather){ .delay_ns = LAB_DELAY_NS };
		err = lsvm_world_network(lab->world, name, &lab->weather.items[i]);
	}
	return err;
}

/* ---- servers, requests, time ---- */

/* server eps1 wedged [port 80] [says "text"] */
static int server(struct lsvm_lab *lab, const struct words *words)
{
	const char *text = NULL;
	uint64_t port = 0;
	int err = 0;

	for (size_t i = 3; i < words->count && err >= 0; i += 2) {
		if (i + 1 == words->count)
			return stray(lab, words->word[i]);
		if (strcmp(words->word[i], "port") == 0)
			err = read_count(lab, words->word[i + 1], &port);
		else if (strcmp(words->word[i], "says") == 0)
			text = words->word[i + 1];
		else
			return stray(lab, words->word[i]);
	}
	if (err >= 0 && port > UINT16_MAX)
		return stray(lab, words->word[3]);
	return err < 0 ? err
		       : lsvm_lab_serve(lab, words->word[1], words->word[2],
					(uint16_t)port, text);
}

/* requests 100 [every 10ms] [to VIP] */
static int requests(struct lsvm_lab *lab, const struct words *words)
{
	const bool hold = strcmp(words->word[0], "hold") == 0;
	struct lab_vip *vip = NULL;
	uint64_t count, every = hold ? IO_S : 0;
	int err = read_count(lab, words->word[1], &count);

	if (err >= 0)
		err = lsvm_lab_find_vip(lab, NULL, &vip);
	for (size_t i = 2; i < words->count && err >= 0; i += 2) {
		if (i + 1 == words->count)
			return stray(lab, words->word[i]);
		if (strcmp(words->word[i], "every") == 0)
			err = lsvm_lab_duration(lab, words->word[i + 1], &every);
		else if (strcmp(words->word[i], "to") == 0)
			err = lsvm_lab_find_vip(lab, words->word[i + 1], &vip);
		else
			return stray(lab, words->word[i]);
	}
	if (err >= 0 && !vip->port)
		return lsvm_fail(lab->ctx, LSVM_ERR_STATE,
				 "%s has no service with a port; ask another one",
				 vip->vip->name);
	if (err < 0)
		return err;
	if (hold)
		lsvm_lab_hold(lab, count, every ? every : IO_S, vip);
	else
		lsvm_lab_load(lab, count, every, vip);
	return 0;
}

static int advance(struct lsvm_lab *lab, const struct words *words)
{
	uint64_t ns;
	int err = lsvm_lab_duration(lab, words->word[1], &ns);

	return err < 0 ? err : lsvm_lab_pass(lab, ns);
}

/* The words of svm-faults(5) for the same. */
static int service(struct lsvm_lab *lab, const struct words *words)
{
	const char *word = words->word[0];
	const char *behaviour = strcmp(word, "stop-service") == 0 ? "refuse"
				: strcmp(word, "wedge") == 0	  ? "wedged"
								  : "answer";

	return lsvm_lab_serve(lab, words->word[1], behaviour, 0, NULL);
}

/* What must hold at every moment is looked at from now on. */
static int watch(struct lsvm_lab *lab, const struct words *words)
{
	lab->watching = true;
	return 0;
}

static int hurry(struct lsvm_lab *lab, const struct words *words)
{
	lab->hurry = true;
	return 0;
}

static const struct command commands[] = {
	{ "advance", "a time", 1, 1, advance },
	{ "calm", "a network, or none for all", 0, 1, calm },
	{ "clock", "a machine and a time with + or -", 2, 2, clock_jump },
	{ "crash", "a machine, before or after, and a number", 3, 3, crash },
	{ "cut", "a machine, and an interface or another machine, and silently", 1, 3,
	  cut },
	{ "deafen", "a machine and whom it does not hear", 2, 2, deafen },
	{ "delay", "a network and a time", 2, 2, set_weather },
	{ "drain", "a server, and a partition", 1, 2, drain },
	{ "duplicate", "a network and a share", 2, 2, set_weather },
	{ "enable", "a server, and a partition", 1, 2, drain },
	{ "expect", "what shall be so, and within which time", 1, 16, lsvm_lab_expect },
	{ "freeze", "a machine", 1, 1, freeze },
	{ "heal", "a machine, or none for all", 0, 1, heal },
	{ "hold", "a count, every and a time, to and a virtual address", 1, 5, requests },
	{ "hurry", "nothing", 0, 0, hurry },
	{ "jitter", "a network and a time", 2, 2, set_weather },
	{ "kill-agent", "a machine", 1, 1, kill_agent },
	{ "loss", "a network and a share", 2, 2, set_weather },
	{ "plug-cable", "a machine", 1, 1, heal },
	{ "power-off", "a machine", 1, 1, power_off },
	{ "power-on", "a machine", 1, 1, power_on },
	{ "pull-cable", "a machine, and an interface", 1, 2, cut },
	{ "reload",
	  "nothing, weight with a server and a number, or set with a path and JSON", 0, 3,
	  reload },
	{ "reorder", "a network and a share", 2, 2, set_weather },
	{ "requests", "a count, every and a time, to and a virtual address", 1, 5,
	  requests },
	{ "server", "a machine, answer, refuse, silent or wedged, port and a number", 2,
	  6, server },
	{ "start-agent", "a machine", 1, 1, start_agent },
	{ "start-service", "a machine", 1, 1, service },
	{ "stop-agent", "a machine", 1, 1, stop_agent },
	{ "stop-service", "a machine", 1, 1, service },
	{ "thaw", "a machine", 1, 1, freeze },
	{ "unwedge", "a machine", 1, 1, service },
	{ "watch", "nothing", 0, 0, watch },
	{ "wedge", "a machine", 1, 1, service },
};

static const struct command *find_command(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].word, word) == 0)
			return &commands[i];
	return NULL;
}

int lsvm_lab_do(struct lsvm_lab *lab, const char *line)
{
	const struct command *command;
	struct words words;
	int err;

	if (!line || !split(line, &words))
		return lsvm_fail(lab->ctx, LSVM_ERR_PARSE,
				 "a command has at most %d characters and %zu words",
				 LAB_LINE_BYTES - 1, ARRAY_SIZE(words.word));
	if (!words.count)
		return 0;
	command = find_command(words.word[0]);
	if (!command)
		return lsvm_fail(lab->ctx, LSVM_ERR_PARSE,
				 "there is no command \"%s\"; svm-scenario(5) lists them",
				 words.word[0]);
	if (words.count - 1 < command->least || words.count - 1 > command->most)
		return lsvm_fail(lab->ctx, LSVM_ERR_PARSE, "\"%s\" takes %s",
				 command->word, command->takes);
	err = command->act(lab, &words);
	if (command->act == cut || command->act == deafen || command->act == heal)
		lab->links_since_ns = lsvm_world_now(lab->world);
	lsvm_lab_touched(lab);
	return err;
}

int lsvm_lab_run_script(struct lsvm_lab *lab, const char *text, size_t length)
{
	unsigned number = 1;

	for (size_t at = 0; at < length; number++) {
		const char *end = memchr(text + at, '\n', length - at);
		const size_t size = end ? (size_t)(end - text) - at : length - at;
		char line[LAB_LINE_BYTES], why[LSVM_ERROR_TEXT_BYTES];
		int err;

		if (size >= sizeof(line) || memchr(text + at, '\0', size))
			return lsvm_fail(lab->ctx, LSVM_ERR_PARSE,
					 "line %u: has more than %d characters, or a "
					 "zero byte; it is no command",
					 number, LAB_LINE_BYTES - 1);
		memcpy(line, text + at, size);
		line[size] = '\0';
		at += size + 1;
		err = lsvm_lab_do(lab, line);
		if (err >= 0)
			continue;
		snprintf(why, sizeof(why), "%s", lsvm_ctx_error_text(lab->ctx));
		return lsvm_fail(lab->ctx, err, "line %u: %s", number, why);
	}
	return 0;
}
