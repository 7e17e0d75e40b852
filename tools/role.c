/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Applying plans to this machine: a cluster file and the machine's name give the plan, or
 * the plan comes as it is; the library does the rest. What is done is printed as it is
 * done.
 */
#include "role.h"
#include "ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEP_TEXT_BYTES 512
#define PLAN_CHUNK_BYTES 65536
#define NAMES_BYTES 512

/* ---- options ---- */

#define MACHINE                                                                          \
	{                                                                                \
		"machine", "NAME",                                                       \
			"the machine of the cluster file that this one is; default: "    \
			"the host name"                                                  \
	}
#define CALLED                                                                           \
	{                                                                                \
		"machine", "NAME", "what this machine is called; default: the host name" \
	}
#define DUTY                                                                             \
	{                                                                                \
		"duty", "DUTY",                                                          \
			"what this director has to do: auto (default), master or backup" \
	}
#define PLAN                                                                             \
	{                                                                                \
		"plan", "FILE",                                                          \
			"take this plan (JSON of svm-ems plan) instead of a cluster "    \
			"file"                                                           \
	}
#define FORCE                                                                            \
	{                                                                                \
		"force", NULL,                                                           \
			"also when this was another machine of the cluster until now"    \
	}

#define REORDER                                                                          \
	{                                                                                \
		"reorder", NULL,                                                         \
			"also bring destinations into the order of a fresh director, "   \
			"so that both send every client to the same server (sh, mh, dh)" \
	}

const struct tool_option role_run_options[] = {
	MACHINE,
	{ "key", "FILE",
	  "the cluster's key, or this machine's: what others of the cluster say is "
	  "believed, and they believe this machine" },
	{ "control", "PATH",
	  "the local socket for commands; default: /run/svm/eds.sock, of svm-eps "
	  "eps.sock; '' for none" },
	{ "metrics", "ADDR:PORT", "figures for Prometheus, and the status, by HTTP" },
	{ "log", "FILE", "where events are written down: a file, or \"journal\"" },
	{ "notify", "PROGRAM", "is started for each event, which it gets as JSON" },
	{ 0 },
};

const struct tool_option role_apply_options[] = {
	DUTY,
	{ "max-impact", "LEVEL",
	  "do nothing when clients or connections would be hurt more: none, new "
	  "(connections to come) or established" },
	REORDER,
	MACHINE,
	PLAN,
	FORCE,
	{ "dry-run", NULL, "print the steps and do none of them" },
	{ "simulate", NULL, "do it all on a machine in memory, which starts empty" },
	{ "json", NULL, "print the steps as JSON" },
	{ 0 },
};

const struct tool_option role_diff_options[] = {
	DUTY,
	REORDER,
	MACHINE,
	PLAN,
	FORCE,
	{ "simulate", NULL, "compare with a machine in memory, which is empty" },
	{ "json", NULL, "print the steps as JSON" },
	{ 0 },
};

const struct tool_option role_status_options[] = {
	CALLED,
	{ "control", "PATH", "where the agent answers, if it is not the usual place" },
	{ "simulate", NULL, "look at a machine in memory, which is empty" },
	{ "json", NULL, "print JSON" },
	{ 0 },
};

const struct tool_option role_reset_options[] = {
	CALLED,
	{ "dry-run", NULL, "print the steps and do none of them" },
	{ "simulate", NULL, "do it on a machine in memory, which is empty" },
	{ "json", NULL, "print the steps as JSON" },
	{ 0 },
};

const struct tool_option role_explain_options[] = {
	CALLED,
	{ "simulate", NULL, "look at a machine in memory, which is empty" },
	{ "json", NULL, "print JSON" },
	{ 0 },
};

/* ---- where the plan comes from ---- */

/* The whole file, NULL after the complaint. */
static char *read_file(struct tool *tool, const char *path, size_t *ret_length)
{
	FILE *file = fopen(path, "rb");
	char *bytes = NULL, *grown;
	size_t length = 0, got = 1;

	while (file && got) {
		grown = realloc(bytes, length + PLAN_CHUNK_BYTES);
		if (!grown)
			break;
		bytes = grown;
		got = fread(bytes + length, 1, PLAN_CHUNK_BYTES, file);
		length += got;
	}
	if (!file || got || ferror(file)) {
		tool_complain(tool, "%s cannot be read; check the path", path);
		free(bytes);
		bytes = NULL;
	}
	if (file)
		fclose(file);
	*ret_length = length;
	return bytes;
}

static int plan_from_file(struct tool *tool, const char *path, struct lsvm_plan **ret)
{
	size_t length;
	char *bytes = read_file(tool, path, &length);
	int err;

	if (!bytes)
		return TOOL_FAILED;
	err = lsvm_plan_from_json(tool->ctx, bytes, length, ret);
	free(bytes);
	return err < 0 ? tool_failed(tool) : TOOL_DONE;
}

/* The machines of that role, as many as fit. */
static void list_names(const struct lsvm_cluster *cluster, int role, char *names)
{
	size_t used = 0;

	strcpy(names, "none");
	for (size_t i = 0; i < lsvm_cluster_machine_count(cluster); i++) {
		const struct lsvm_machine *machine = lsvm_cluster_machine_at(cluster, i);
		const char *name = lsvm_machine_name(machine);

		if (lsvm_machine_role(machine) != role)
			continue;
		if (used + strlen(name) + sizeof(", , ...") > NAMES_BYTES) {
			strcpy(names + used, ", ...");
			return;
		}
		used += (size_t)sprintf(names + used, "%s%s", used ? ", " : "", name);
	}
}

int role_unknown_machine(struct tool *tool, const struct lsvm_cluster *cluster,
			 const char *machine, int role)
{
	char names[NAMES_BYTES];

	list_names(cluster, role, names);
	return tool_complain(
		tool,
		"cluster '%s' has no machine '%s'%s; say with --machine which %s "
		"this is; there are: %s",
		lsvm_cluster_name(cluster), machine,
		tool_has(tool, "machine") ? "" : ", which is the host name",
		lsvm_role_name(role), names);
}

static int plan_from_cluster(struct tool *tool, int role, const char *machine, int duty,
			     struct lsvm_plan **ret)
{
	struct lsvm_cluster *cluster;
	int status = tool_load(tool, tool->operands[0], &cluster);

	if (status != TOOL_DONE)
		return status;
	if (!lsvm_cluster_find_machine(cluster, machine))
		status = role_unknown_machine(tool, cluster, machine, role);
	else if (lsvm_plan_compile(tool->ctx, cluster, machine, duty, ret) < 0)
		status = tool_failed(tool);
	lsvm_cluster_unref(cluster);
	return status;
}

/* What this machine is called: as said, or as the system says. */
const char *role_machine_name(const struct tool *tool, char *buf)
{
	if (tool_has(tool, "machine"))
		return tool_value(tool, "machine");
	if (gethostname(buf, TOOL_HOST_NAME_BYTES - 1) < 0)
		strcpy(buf, "localhost");
	buf[TOOL_HOST_NAME_BYTES - 1] = '\0';
	return buf;
}

static int find_plan(struct tool *tool, int role, struct lsvm_plan **ret)
{
	const char *file = tool_value(tool, "plan"), *word = tool_value(tool, "duty");
	const char *limit = tool_value(tool, "max-impact");
	char name[TOOL_HOST_NAME_BYTES] = "";
	int duty = word ? lsvm_duty_parse(word) : LSVM_DUTY_AUTO, status;
	struct lsvm_plan *plan;

	if (limit && !lsvm_impact_level_parse(limit))
		return tool_usage(tool,
				  "--max-impact is none, new or established, not '%s'",
				  limit);
	if (!duty)
		return tool_usage(tool, "--duty is auto, master or backup, not '%s'",
				  word);
	if (!file == !tool->operand_count)
		return tool_usage(tool, "either a cluster file or --plan is needed");
	if (file && (word || tool_has(tool, "machine")))
		return tool_usage(tool, "a plan is for one machine and duty; --machine "
					"and --duty go with a cluster file");
	status = file ? plan_from_file(tool, file, &plan)
		      : plan_from_cluster(tool, role, role_machine_name(tool, name), duty,
					  &plan);
	if (status != TOOL_DONE)
		return status;
	if (lsvm_plan_role(plan) != role) {
		status = tool_complain(tool, "%s is a %s, not a %s; this is not its tool",
				       lsvm_plan_machine(plan),
				       lsvm_role_name(lsvm_plan_role(plan)),
				       lsvm_role_name(role));
		lsvm_plan_unref(plan);
		return status;
	}
	*ret = plan;
	return TOOL_DONE;
}

int role_open_host(struct tool *tool, const char *name, struct lsvm_host **ret)
{
	int err = tool_has(tool, "simulate")
			  ? lsvm_host_new_simulated(tool->ctx, name, ret)
			  : lsvm_host_open(tool->ctx, name, ret);

	return err < 0 ? tool_failed(tool) : TOOL_DONE;
}

/* ---- steps ---- */

static void print_steps(const struct lsvm_steps *steps, size_t from, size_t to)
{
	char text[STEP_TEXT_BYTES];
	bool terminal = isatty(STDOUT_FILENO);

	for (size_t i = from; i < to; i++) {
		if (terminal)
			printf("[%zu/%zu] ", i + 1, lsvm_steps_count(steps));
		lsvm_steps_text(steps, i, text, sizeof(text));
		puts(text);
	}
	fflush(stdout);
}

static int step_failed(struct tool *tool, const struct lsvm_apply *apply)
{
	const struct lsvm_steps *steps = lsvm_apply_steps(apply);
	size_t done = lsvm_apply_done_count(apply);
	char text[STEP_TEXT_BYTES];

	if (done < lsvm_steps_count(steps)) {
		lsvm_steps_text(steps, done, text, sizeof(text));
		tool_complain(tool, "step %zu of %zu failed: %s", done + 1,
			      lsvm_steps_count(steps), text);
	}
	return tool_failed(tool);
}

static int print_all(struct tool *tool, const struct lsvm_steps *steps)
{
	char *text;

	if (!tool_has(tool, "json")) {
		print_steps(steps, 0, lsvm_steps_count(steps));
		return TOOL_DONE;
	}
	if (lsvm_steps_to_json(steps, &text) < 0)
		return tool_failed(tool);
	tool_print(text);
	return TOOL_DONE;
}

/* The steps' object with one more member. */
static void print_joined(const char *steps, const char *impact)
{
	const char *end = strrchr(steps, '}');

	printf("%.*s, \"impact\": %s}\n", (int)(end - steps), steps, impact);
}

/* The steps, and what those for IPVS do to clients and connections. */
static int print_with_impact(struct tool *tool, const struct lsvm_apply *apply)
{
	const struct lsvm_steps *steps = lsvm_apply_steps(apply);
	struct lsvm_impact *impact;
	char *text = NULL, *impact_text = NULL;
	bool json = tool_has(tool, "json");
	int err = lsvm_apply_impact(apply, &impact);

	if (err < 0)
		return tool_failed(tool);
	if (json)
		err = lsvm_steps_to_json(steps, &text);
	if (err >= 0)
		err = json ? lsvm_impact_to_json(impact, &impact_text)
			   : lsvm_impact_to_text(impact, &impact_text);
	if (err >= 0 && json)
		print_joined(text, impact_text);
	else if (err >= 0)
		print_steps(steps, 0, lsvm_steps_count(steps));
	if (err >= 0 && !json && lsvm_impact_service_count(impact))
		printf("\n%s", impact_text);
	lsvm_free(text);
	lsvm_free(impact_text);
	lsvm_impact_free(impact);
	return err < 0 ? tool_failed(tool) : TOOL_DONE;
}

/* Whether --max-impact lets it be done. */
static int check_impact(struct tool *tool, const struct lsvm_apply *apply)
{
	const char *word = tool_value(tool, "max-impact");
	struct lsvm_impact *impact;
	int err = word ? lsvm_apply_impact(apply, &impact) : 0;

	if (err >= 0 && word) {
		err = lsvm_impact_check(impact, lsvm_impact_level_parse(word));
		lsvm_impact_free(impact);
	}
	return err < 0 ? tool_failed(tool) : TOOL_DONE;
}

static int perform(struct tool *tool, struct lsvm_apply *apply)
{
	const struct lsvm_steps *steps = lsvm_apply_steps(apply);
	bool json = tool_has(tool, "json");
	size_t done = 0;
	int more;

	do {
		more = lsvm_apply_next(apply);
		if (!json)
			print_steps(steps, done, lsvm_apply_done_count(apply));
		done = lsvm_apply_done_count(apply);
	} while (more > 0);
	if (more < 0)
		return step_failed(tool, apply);
	if (lsvm_apply_verify(apply) < 0)
		return tool_failed(tool);
	if (json)
		return print_all(tool, steps);
	if (done)
		printf("%zu step%s done\n", done, done == 1 ? "" : "s");
	else
		puts("nothing to do");
	return TOOL_DONE;
}

/* plan NULL: reset. */
static int go(struct tool *tool, int role, const char *name, struct lsvm_plan *plan,
	      bool dry)
{
	struct lsvm_host *host;
	struct lsvm_apply *apply;
	int status = role_open_host(tool, name, &host);

	if (status != TOOL_DONE)
		return status;
	if ((tool_has(tool, "force") ? lsvm_apply_new_as(host, plan, &apply)
				     : lsvm_apply_new(host, plan, &apply)) < 0) {
		status = tool_failed(tool);
	} else {
		if (tool_has(tool, "reorder") && lsvm_apply_reorder(apply) < 0)
			status = tool_failed(tool);
		if (status == TOOL_DONE && dry)
			status = role == LSVM_ROLE_DIRECTOR
					 ? print_with_impact(tool, apply)
					 : print_all(tool, lsvm_apply_steps(apply));
		if (status == TOOL_DONE)
			status = check_impact(tool, apply);
		if (status == TOOL_DONE && !dry)
			status = perform(tool, apply);
		lsvm_apply_free(apply);
	}
	lsvm_host_free(host);
	return status;
}

static int go_with_plan(struct tool *tool, int role, bool dry)
{
	struct lsvm_plan *plan;
	int status = find_plan(tool, role, &plan);

	if (status != TOOL_DONE)
		return status;
	status = go(tool, role, lsvm_plan_machine(plan), plan, dry);
	lsvm_plan_unref(plan);
	return status;
}

/* ---- the commands ---- */

int role_apply(struct tool *tool, int role)
{
	return go_with_plan(tool, role, tool_has(tool, "dry-run"));
}

int role_diff(struct tool *tool, int role)
{
	return go_with_plan(tool, role, true);
}

/* The document with one more member. */
static void print_with_agent(const char *status, const char *agent)
{
	const char *end = strrchr(status, '}');

	printf("%.*s, \"agent\": %s}\n", (int)(end - status), status, agent);
}

int role_status(struct tool *tool, int role)
{
	char name[TOOL_HOST_NAME_BYTES] = "", *text, *agent = NULL;
	struct lsvm_host *host;
	int status = role_open_host(tool, role_machine_name(tool, name), &host), err;
	bool json = tool_has(tool, "json");

	if (status != TOOL_DONE)
		return status;
	err = json ? lsvm_role_status_to_json(host, role, &text)
		   : lsvm_role_status_to_text(host, role, &text);
	if (err < 0) {
		lsvm_host_free(host);
		return tool_failed(tool);
	}
	/* A machine in memory has no agent. */
	if (!tool_has(tool, "simulate"))
		status = ask_status(tool, role, &agent);
	if (agent && json) {
		print_with_agent(text, agent);
		lsvm_free(text);
	} else {
		tool_print(text);
		if (agent)
			ask_print_status(agent);
	}
	lsvm_free(agent);
	lsvm_host_free(host);
	return status;
}

int role_reset(struct tool *tool, int role)
{
	char name[TOOL_HOST_NAME_BYTES] = "";

	return go(tool, role, role_machine_name(tool, name), NULL,
		  tool_has(tool, "dry-run"));
}
