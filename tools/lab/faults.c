/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See faults.h. A line is cut into words; the table of words says what each step takes.
 * What a machine is after each step is followed on the way, so that a script which cannot
 * be carried out (a machine switched on that is on) is refused before it begins.
 */
#include "faults.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 12
#define LINE_BYTES 512
#define TIME_MAX_MS (UINT64_C(3600) * 1000)
#define PATIENCE_MS 30000

enum takes {
	TAKES_NOTHING,
	TAKES_MACHINE,	      /* any but the client */
	TAKES_PORT,	      /* a machine, perhaps an interface */
	TAKES_AGENT,	      /* a director or server */
	TAKES_SERVICE,	      /* a server, perhaps a program */
	TAKES_LOSS,	      /* a network, per cent */
	TAKES_DELAY,	      /* a network, time */
	TAKES_NETWORK,	      /* a network */
	TAKES_PERHAPS_A_TIME, /* how long at most */
	TAKES_EXPECTATION,
};

static const struct word {
	const char *word;
	enum fault kind;
	enum takes takes;
	const char *usage;
} vocabulary[] = {
	{ "power-off", FAULT_POWER_OFF, TAKES_MACHINE, "power-off MACHINE" },
	{ "power-on", FAULT_POWER_ON, TAKES_MACHINE, "power-on MACHINE" },
	{ "pull-cable", FAULT_PULL_CABLE, TAKES_PORT, "pull-cable MACHINE [INTERFACE]" },
	{ "plug-cable", FAULT_PLUG_CABLE, TAKES_PORT, "plug-cable MACHINE [INTERFACE]" },
	{ "kill-agent", FAULT_KILL_AGENT, TAKES_AGENT, "kill-agent MACHINE" },
	{ "stop-agent", FAULT_STOP_AGENT, TAKES_AGENT, "stop-agent MACHINE" },
	{ "start-agent", FAULT_START_AGENT, TAKES_AGENT, "start-agent MACHINE" },
	{ "stop-service", FAULT_STOP_SERVICE, TAKES_SERVICE,
	  "stop-service SERVER [PROGRAM]" },
	{ "start-service", FAULT_START_SERVICE, TAKES_SERVICE, "start-service SERVER" },
	{ "wedge", FAULT_WEDGE, TAKES_SERVICE, "wedge SERVER [PROGRAM]" },
	{ "unwedge", FAULT_UNWEDGE, TAKES_SERVICE, "unwedge SERVER [PROGRAM]" },
	{ "loss", FAULT_LOSS, TAKES_LOSS, "loss NETWORK PERCENT%" },
	{ "delay", FAULT_DELAY, TAKES_DELAY, "delay NETWORK TIME" },
	{ "heal", FAULT_HEAL, TAKES_NETWORK, "heal NETWORK" },
	{ "wait-settled", FAULT_WAIT_SETTLED, TAKES_PERHAPS_A_TIME,
	  "wait-settled [TIME]" },
	{ "expect", FAULT_EXPECT, TAKES_EXPECTATION,
	  "expect master MACHINE [within TIME], expect server SERVER in|out [within "
	  "TIME], expect no failed requests, expect no late requests, expect no lost "
	  "connections, expect outage below TIME, or expect slowest below TIME" },
	{ "end", FAULT_END, TAKES_NOTHING, "end" },
};
#define VOCABULARY_COUNT (sizeof(vocabulary) / sizeof(vocabulary[0]))

/* What the steps so far have made of a machine. */
struct machine_state {
	const char *name;
	const char *role; /* the key of its list in the cluster */
	const json_t *interfaces;
	bool off, agent_gone;
};

struct reading {
	struct faults *faults;
	const char *path; /* NULL: a command line */
	unsigned line;
	const json_t *networks;
	struct machine_state *machines;
	size_t machine_count;
	uint64_t last_at_ms;
	bool follow; /* a script: the machine's state is known */
};

static int fail(const struct reading *reading, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(const struct reading *reading, const char *fmt, ...)
{
	char *to = reading->faults->problem;
	int length = 0;
	va_list args;

	if (reading->path && reading->line)
		length = snprintf(to, FAULTS_PROBLEM_BYTES, "%.200s:%u: ", reading->path,
				  reading->line);
	else if (reading->path)
		length = snprintf(to, FAULTS_PROBLEM_BYTES, "%.200s: ", reading->path);
	va_start(args, fmt);
	vsnprintf(to + length, FAULTS_PROBLEM_BYTES - (size_t)length, fmt, args);
	va_end(args);
	return -1;
}

bool fault_acts(enum fault kind)
{
	return kind != FAULT_WAIT_SETTLED && kind != FAULT_EXPECT && kind != FAULT_END;
}

/* ---- values ---- */

/* "2s", "1.5s", "500ms", "2min". */
static bool read_time(const char *text, uint64_t *ret_ms)
{
	double value, unit = 0;
	char *end;

	errno = 0;
	value = strtod(text, &end);
	if (!strcmp(end, "ms"))
		unit = 1;
	else if (!strcmp(end, "s"))
		unit = 1000;
	else if (!strcmp(end, "min"))
		unit = 60000;
	if (end == text || errno || unit == 0 || !(value >= 0) ||
	    value * unit > (double)TIME_MAX_MS)
		return false;
	*ret_ms = (uint64_t)(value * unit + 0.5);
	return true;
}

static int bad_time(const struct reading *reading, const char *text)
{
	return fail(reading, "'%.40s' is no time; write 500ms, 2s or 1min, 60min at most",
		    text);
}

static bool read_count(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (end == text || *end || errno || text[0] == '-' || value < min || value > max)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static struct machine_state *find(const struct reading *reading, const char *name)
{
	for (size_t i = 0; i < reading->machine_count; i++)
		if (!strcmp(reading->machines[i].name, name))
			return &reading->machines[i];
	return NULL;
}

static bool has_network(const struct reading *reading, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(reading->networks, i, item)
	{
		const char *its =
			json_is_string(item)
				? json_string_value(item)
				: json_string_value(json_object_get(item, "name"));

		if (its && !strcmp(its, name))
			return true;
	}
	return false;
}

static bool has_interface(const struct machine_state *machine, const char *name)
{
	const json_t *item;
	char given[16];
	size_t i;

	json_array_foreach(machine->interfaces, i, item)
	{
		const char *its = json_string_value(json_object_get(item, "name"));

		snprintf(given, sizeof(given), "eth%u", (unsigned)(uint16_t)i);
		if (!strcmp(its ? its : given, name))
			return true;
	}
	return false;
}

/* ---- steps ---- */

static int usage(const struct reading *reading, const struct word *word)
{
	return fail(reading, "'%s' takes other words; write: %s", word->word,
		    word->usage);
}

static int take_machine(struct reading *reading, const struct word *word,
			char *const *words, size_t count, struct fault_step *step)
{
	bool more = word->takes == TAKES_PORT || word->takes == TAKES_SERVICE;
	struct machine_state *machine;

	if (count < 1 || count > (more ? 2u : 1u))
		return usage(reading, word);
	machine = find(reading, words[0]);
	if (!machine)
		return fail(reading, "the cluster has no machine '%.80s'", words[0]);
	if (word->takes == TAKES_AGENT && strcmp(machine->role, "directors") != 0 &&
	    strcmp(machine->role, "servers") != 0)
		return fail(reading, "%s is no director or server, and runs no agent",
			    machine->name);
	if (word->takes == TAKES_SERVICE && strcmp(machine->role, "servers") != 0)
		return fail(reading, "%s is no server", machine->name);
	if (word->takes == TAKES_PORT && count == 2 && !has_interface(machine, words[1]))
		return fail(reading, "%s has no interface '%.80s'", machine->name,
			    words[1]);
	if (reading->follow && machine->off != (word->kind == FAULT_POWER_ON))
		return fail(reading, "%s is switched %s at this point", machine->name,
			    machine->off ? "off" : "on");
	if (reading->follow && word->takes == TAKES_AGENT &&
	    machine->agent_gone != (word->kind == FAULT_START_AGENT))
		return fail(reading, "the agent of %s %s at this point", machine->name,
			    machine->agent_gone ? "does not run" : "runs already");
	machine->off = word->kind == FAULT_POWER_OFF;
	machine->agent_gone = word->kind == FAULT_KILL_AGENT ||
			      word->kind == FAULT_STOP_AGENT ||
			      (machine->agent_gone && word->kind != FAULT_START_AGENT &&
			       word->kind != FAULT_POWER_ON);
	step->subject = strdup(words[0]);
	step->detail = count == 2 ? strdup(words[1]) : NULL;
	return step->subject ? 0 : fail(reading, "out of memory");
}

static int take_network(struct reading *reading, const struct word *word,
			char *const *words, size_t count, struct fault_step *step)
{
	char *end = NULL;

	if (count != (word->takes == TAKES_NETWORK ? 1u : 2u))
		return usage(reading, word);
	if (!has_network(reading, words[0]))
		return fail(reading, "the cluster has no network '%.80s'", words[0]);
	if (word->takes == TAKES_DELAY && !read_time(words[1], &step->time_ms))
		return bad_time(reading, words[1]);
	if (word->takes == TAKES_LOSS) {
		step->percent = strtod(words[1], &end);
		if (end == words[1] || strcmp(end, "%") != 0 ||
		    !(step->percent >= 0 && step->percent <= 100))
			return fail(reading, "'%.40s' is no share; write 0%% to 100%%",
				    words[1]);
	}
	step->subject = strdup(words[0]);
	return step->subject ? 0 : fail(reading, "out of memory");
}

/* "[within TIME]", after `from` words. */
static int take_patience(const struct reading *reading, const struct word *word,
			 char *const *words, size_t count, size_t from,
			 struct fault_step *step)
{
	step->time_ms = 0;
	if (count == from)
		return 0;
	if (count != from + 2 || strcmp(words[from], "within") != 0)
		return usage(reading, word);
	return read_time(words[from + 1], &step->time_ms)
		       ? 0
		       : bad_time(reading, words[from + 1]);
}

static int take_who(struct reading *reading, const struct word *word, char *const *words,
		    size_t count, struct fault_step *step)
{
	bool master = !strcmp(words[0], "master");
	const struct machine_state *machine;

	if (count < (master ? 2u : 3u))
		return usage(reading, word);
	machine = find(reading, words[1]);
	if (!machine || strcmp(machine->role, master ? "directors" : "servers") != 0)
		return fail(reading, "the cluster has no %s '%.80s'",
			    master ? "director" : "server", words[1]);
	if (master)
		step->expectation = EXPECT_MASTER;
	else if (!strcmp(words[2], "out"))
		step->expectation = EXPECT_SERVER_OUT;
	else if (!strcmp(words[2], "in"))
		step->expectation = EXPECT_SERVER_IN;
	else
		return usage(reading, word);
	step->subject = strdup(words[1]);
	if (!step->subject)
		return fail(reading, "out of memory");
	return take_patience(reading, word, words, count, master ? 2 : 3, step);
}

static int take_expectation(struct reading *reading, const struct word *word,
			    char *const *words, size_t count, struct fault_step *step)
{
	static const struct {
		const char *words[3];
		enum expectation expectation;
	} plain[] = {
		{ { "no", "failed", "requests" }, EXPECT_NO_FAILED },
		{ { "no", "late", "requests" }, EXPECT_NO_LATE },
		{ { "no", "lost", "connections" }, EXPECT_NO_LOST },
		{ { "outage", "below", NULL }, EXPECT_OUTAGE_BELOW },
		{ { "slowest", "below", NULL }, EXPECT_SLOWEST_BELOW },
	};

	if (count && (!strcmp(words[0], "master") || !strcmp(words[0], "server")))
		return take_who(reading, word, words, count, step);
	for (size_t i = 0; count == 3 && i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (strcmp(words[0], plain[i].words[0]) != 0 ||
		    strcmp(words[1], plain[i].words[1]) != 0)
			continue;
		step->expectation = plain[i].expectation;
		if (!plain[i].words[2])
			return read_time(words[2], &step->time_ms)
				       ? 0
				       : bad_time(reading, words[2]);
		if (!strcmp(words[2], plain[i].words[2]))
			return 0;
	}
	return usage(reading, word);
}

static int take_operands(struct reading *reading, const struct word *word,
			 char *const *words, size_t count, struct fault_step *step)
{
	switch (word->takes) {
	case TAKES_MACHINE:
	case TAKES_PORT:
	case TAKES_AGENT:
	case TAKES_SERVICE:
		return take_machine(reading, word, words, count, step);
	case TAKES_LOSS:
	case TAKES_DELAY:
	case TAKES_NETWORK:
		return take_network(reading, word, words, count, step);
	case TAKES_EXPECTATION:
		return take_expectation(reading, word, words, count, step);
	case TAKES_PERHAPS_A_TIME:
		step->time_ms = PATIENCE_MS;
		if (count > 1)
			return usage(reading, word);
		return !count || read_time(words[0], &step->time_ms)
			       ? 0
			       : bad_time(reading, words[0]);
	case TAKES_NOTHING:
		return count ? usage(reading, word) : 0;
	}
	return -1;
}

static char *join(char *const *words, size_t count)
{
	char text[LINE_BYTES + 2 * WORDS_MAX] = "";

	for (size_t i = 0; i < count; i++) {
		if (i)
			strcat(text, " ");
		strcat(text, words[i]);
	}
	return strdup(text);
}

static int take_step(struct reading *reading, char *const *words, size_t count,
		     enum moment moment, uint64_t when_ms)
{
	struct faults *faults = reading->faults;
	struct fault_step *step = &faults->steps[faults->count];

	if (faults->count && step[-1].kind == FAULT_END)
		return fail(reading, "nothing can come after 'end'");
	if (faults->count == FAULTS_STEPS_MAX)
		return fail(reading, "more than %d steps", FAULTS_STEPS_MAX);
	for (size_t i = 0; i < VOCABULARY_COUNT; i++) {
		if (strcmp(vocabulary[i].word, words[0]) != 0)
			continue;
		*step = (struct fault_step){ .kind = vocabulary[i].kind,
					     .moment = moment,
					     .when_ms = when_ms,
					     .line = reading->line };
		step->text = join(words, count);
		faults->count++;
		if (!step->text)
			return fail(reading, "out of memory");
		return take_operands(reading, &vocabulary[i], words + 1, count - 1, step);
	}
	return fail(reading,
		    "'%.80s' is no step; there are power-off, power-on, pull-cable, "
		    "plug-cable, kill-agent, stop-agent, start-agent, stop-service, "
		    "start-service, wedge, unwedge, loss, delay, heal, wait-settled, "
		    "expect and end",
		    words[0]);
}

/* ---- the client ---- */

static int take_client(struct reading *reading, char *const *words, size_t count)
{
	struct faults *faults = reading->faults;
	const char *what = count > 1 ? words[1] : "";
	uint64_t time_ms;

	if (faults->count)
		return fail(reading, "what the client does stands before all steps");
	if (count == 3 && !strcmp(what, "rate") &&
	    read_count(words[2], 0, 10000, &faults->rate))
		return 0;
	if (count == 3 && !strcmp(what, "parallel") &&
	    read_count(words[2], 1, 1000, &faults->parallel))
		return 0;
	if (count == 3 && !strcmp(what, "sources") &&
	    read_count(words[2], 1, 250, &faults->sources))
		return 0;
	if (count == 3 && !strcmp(what, "timeout") && read_time(words[2], &time_ms) &&
	    time_ms >= 100) {
		faults->timeout_ms = (uint32_t)time_ms;
		return 0;
	}
	if ((count == 3 || (count == 5 && !strcmp(words[3], "every"))) &&
	    !strcmp(what, "hold") && read_count(words[2], 0, 2000, &faults->hold)) {
		time_ms = faults->hold_ms;
		if (count == 5 && (!read_time(words[4], &time_ms) || time_ms < 10))
			return fail(reading, "'%.40s' is no time of 10ms or more",
				    words[4]);
		faults->hold_ms = (uint32_t)time_ms;
		return 0;
	}
	return fail(reading, "the client takes one of: client rate 0..10000 (a second), "
			     "client parallel 1..1000, client hold 0..2000 [every TIME], "
			     "client sources 1..250, client timeout TIME");
}

/* ---- lines ---- */

/* "at 2s:" and "after 2s:", a word or two; how many words it took. */
static int take_moment(struct reading *reading, char **words, size_t count,
		       enum moment *ret_moment, uint64_t *ret_ms, size_t *ret_used)
{
	bool at = !strcmp(words[0], "at");
	size_t length;

	*ret_used = 0;
	*ret_ms = 0;
	*ret_moment = MOMENT_THEN;
	if (!at && strcmp(words[0], "after") != 0)
		return 0;
	length = count > 1 ? strlen(words[1]) : 0;
	if (count < 3 || words[1][length - 1] != ':')
		return fail(reading, "write: %s TIME: STEP", words[0]);
	words[1][length - 1] = '\0';
	if (!read_time(words[1], ret_ms))
		return bad_time(reading, words[1]);
	*ret_moment = at ? MOMENT_AT : MOMENT_AFTER;
	*ret_used = 2;
	if (at && *ret_ms < reading->last_at_ms)
		return fail(reading,
			    "time goes backwards: %s comes after a step at %.3f s",
			    words[1], (double)reading->last_at_ms / 1000);
	if (at)
		reading->last_at_ms = *ret_ms;
	return 0;
}

static int take_line(struct reading *reading, char *line)
{
	char *words[WORDS_MAX], *save = NULL, *word;
	size_t count = 0, used;
	enum moment moment;
	uint64_t when_ms;

	line[strcspn(line, "#")] = '\0';
	for (char *at = line; (word = strtok_r(at, " \t\r\n", &save)) != NULL;
	     at = NULL) {
		if (count == WORDS_MAX)
			return fail(reading, "more than %d words", WORDS_MAX);
		words[count++] = word;
	}
	if (!count)
		return 0;
	if (!strcmp(words[0], "client"))
		return take_client(reading, words, count);
	if (take_moment(reading, words, count, &moment, &when_ms, &used) < 0)
		return -1;
	return take_step(reading, words + used, count - used, moment, when_ms);
}

static bool add_machines(struct reading *reading, const json_t *cluster)
{
	static const char *const lists[] = { "ems", "routers", "directors", "servers",
					     "backends" };
	const json_t *list, *item;
	size_t i, j, count = 0;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		count += 1 + json_array_size(json_object_get(cluster, lists[i]));
	reading->machines = calloc(count, sizeof(*reading->machines));
	for (i = 0; reading->machines && i < sizeof(lists) / sizeof(lists[0]); i++) {
		list = json_object_get(cluster, lists[i]);
		for (j = 0; list && j < (json_is_array(list) ? json_array_size(list) : 1);
		     j++) {
			const char *name;

			item = json_is_array(list) ? json_array_get(list, j) : list;
			name = json_is_string(item)
				       ? json_string_value(item)
				       : json_string_value(json_object_get(item, "name"));
			if (name)
				reading->machines[reading->machine_count++] =
					(struct machine_state){
						.name = name,
						.role = lists[i],
						.interfaces = json_object_get(
							item, "interfaces")
					};
		}
	}
	return reading->machines;
}

static int begin(struct reading *reading, const json_t *cluster)
{
	*reading->faults = (struct faults){
		.rate = 200, .hold_ms = 100, .sources = 64, .timeout_ms = 10000
	};
	reading->networks = json_object_get(cluster, "networks");
	reading->faults->steps =
		calloc(FAULTS_STEPS_MAX + 1, sizeof(*reading->faults->steps));
	return reading->faults->steps && add_machines(reading, cluster)
		       ? 0
		       : fail(reading, "out of memory");
}

static int end(struct reading *reading, int err)
{
	free(reading->machines);
	if (err < 0) {
		char problem[FAULTS_PROBLEM_BYTES];

		memcpy(problem, reading->faults->problem, sizeof(problem));
		faults_free(reading->faults);
		memcpy(reading->faults->problem, problem, sizeof(problem));
	}
	return err;
}

int faults_load(const char *path, const json_t *cluster, struct faults *ret)
{
	struct reading reading = { .faults = ret, .path = path, .follow = true };
	int err = begin(&reading, cluster);
	char line[LINE_BYTES];
	FILE *file = NULL;

	if (!err && !(file = fopen(path, "re")))
		err = fail(&reading, "%s", strerror(errno));
	while (!err && fgets(line, sizeof(line), file)) {
		reading.line++;
		if (!strchr(line, '\n') && !feof(file))
			err = fail(&reading, "the line is longer than %d bytes",
				   LINE_BYTES - 2);
		else
			err = take_line(&reading, line);
	}
	if (!err && ferror(file))
		err = fail(&reading, "cannot be read");
	reading.line = 0;
	if (!err && !ret->count)
		err = fail(&reading, "no step is in it");
	if (file)
		fclose(file);
	return end(&reading, err);
}

int faults_load_words(char *const *words, size_t count, const json_t *cluster,
		      struct faults *ret)
{
	struct reading reading = { .faults = ret };
	size_t length = 0;
	int err = begin(&reading, cluster);

	for (size_t i = 0; i < count; i++)
		length += strlen(words[i]) + 1;
	if (!err && (length > LINE_BYTES || count > WORDS_MAX || !count))
		err = fail(&reading, "that is no step");
	if (!err)
		err = take_step(&reading, words, count, MOMENT_THEN, 0);
	return end(&reading, err);
}

void faults_free(struct faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		free(faults->steps[i].text);
		free(faults->steps[i].subject);
		free(faults->steps[i].detail);
	}
	free(faults->steps);
	*faults = (struct faults){ 0 };
}
