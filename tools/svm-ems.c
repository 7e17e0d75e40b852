/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * svm-ems: what the management station does with cluster files. It changes nothing on any
 * machine: it says what is wrong, what there is, what each machine would hold, and what a
 * change of the file would do.
 */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_SHOWN 10

/*
 * What plan and diff print, held back until all of it is there: a machine that cannot be
 * compiled must not leave half a document on standard output.
 */
struct page {
	FILE *out;
	char *text;
	size_t length;
};

static int page_open(struct tool *tool, struct page *ret)
{
	*ret = (struct page){ 0 };
	ret->out = open_memstream(&ret->text, &ret->length);
	return ret->out ? TOOL_DONE
			: tool_complain(tool, "out of memory; free some and try again");
}

/* Prints it when the status is good; the status. */
static int page_close(struct tool *tool, struct page *page, int status)
{
	bool whole = !ferror(page->out);

	if (fclose(page->out) != 0 || !whole)
		status = tool_complain(tool, "out of memory; free some and try again");
	else if (status == TOOL_DONE)
		fwrite(page->text, 1, page->length, stdout);
	free(page->text);
	return status;
}

/* Prints text of the library without a newline of its own, and frees it. */
static void put(struct page *page, char *text)
{
	fputs(text, page->out);
	lsvm_free(text);
}

/* ---- show ---- */

static void show_machines(const struct lsvm_cluster *cluster)
{
	puts("\nmachines");
	for (size_t i = 0; i < lsvm_cluster_machine_count(cluster); i++) {
		const struct lsvm_machine *machine = lsvm_cluster_machine_at(cluster, i);

		printf("  %-9s %s\n", lsvm_role_name(lsvm_machine_role(machine)),
		       lsvm_machine_name(machine));
	}
}

static void show_service(const struct lsvm_service *service)
{
	printf("      %-12s %s", lsvm_service_name(service),
	       lsvm_protocol_name(lsvm_service_protocol(service)));
	if (lsvm_service_port(service))
		printf(" %u", lsvm_service_port(service));
	if (lsvm_service_fwmark(service))
		printf(" mark %u", lsvm_service_fwmark(service));
	printf(" %s %s\n", lsvm_forwarding_name(lsvm_service_forwarding(service)),
	       lsvm_service_scheduler(service));
}

static void show_vip(const struct lsvm_vip *vip)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	size_t count = lsvm_vip_domain_count(vip);

	lsvm_vip_address(vip, text, sizeof(text));
	printf("    %s", text);
	if (strcmp(lsvm_vip_name(vip), text) != 0)
		printf(" (%s)", lsvm_vip_name(vip));
	putchar('\n');
	for (size_t i = 0; i < lsvm_vip_service_count(vip); i++)
		show_service(lsvm_vip_service_at(vip, i));
	for (size_t i = 0; i < count && i < NAMES_SHOWN; i++)
		printf("      %s\n", lsvm_domain_name(lsvm_vip_domain_at(vip, i)));
	if (count > NAMES_SHOWN)
		printf("      and %zu more domains\n", count - NAMES_SHOWN);
}

static void show_partition(const struct lsvm_partition *partition)
{
	printf("\npartition %s\n  servers", lsvm_partition_name(partition));
	for (size_t i = 0; i < lsvm_partition_server_count(partition); i++) {
		uint32_t weight = lsvm_partition_server_weight(partition, i);

		printf(" %s", lsvm_machine_name(lsvm_partition_server_at(partition, i)));
		if (weight != 1)
			printf(" (weight %u)", weight);
	}
	puts("\n  virtual addresses");
	for (size_t i = 0; i < lsvm_partition_vip_count(partition); i++)
		show_vip(lsvm_partition_vip_at(partition, i));
}

static int show_text(const struct lsvm_cluster *cluster)
{
	printf("cluster %s, %s\n", lsvm_cluster_name(cluster),
	       lsvm_topology_name(lsvm_cluster_topology(cluster)));
	show_machines(cluster);
	for (size_t i = 0; i < lsvm_cluster_partition_count(cluster); i++)
		show_partition(lsvm_cluster_partition_at(cluster, i));
	return TOOL_DONE;
}

static int run_show(struct tool *tool)
{
	struct lsvm_cluster *cluster;
	char *text;
	int status, err;

	if (tool_has(tool, "json") && tool_has(tool, "yaml"))
		return tool_usage(tool, "--json and --yaml do not go together");
	status = tool_load(tool, tool->operands[0], &cluster);
	if (status != TOOL_DONE)
		return status;
	if (!tool_has(tool, "json") && !tool_has(tool, "yaml")) {
		status = show_text(cluster);
	} else {
		err = tool_has(tool, "json") ? lsvm_cluster_to_json(cluster, &text)
					     : lsvm_cluster_to_yaml(cluster, &text);
		if (err < 0)
			status = tool_failed(tool);
		else
			tool_print(text);
	}
	lsvm_cluster_unref(cluster);
	return status;
}

/* ---- plan ---- */

static int print_file(struct tool *tool, struct page *page, const struct lsvm_plan *plan,
		      const char *path)
{
	for (size_t i = 0; i < lsvm_plan_file_count(plan); i++) {
		if (strcmp(lsvm_plan_file_path(plan, i), path) != 0)
			continue;
		fputs(lsvm_plan_file_content(plan, i), page->out);
		return TOOL_DONE;
	}
	return tool_complain(tool,
			     "the plan of '%s' has no file '%s'; see 'svm-ems plan'",
			     lsvm_plan_machine(plan), path);
}

static int print_plan(struct tool *tool, struct page *page, const struct lsvm_plan *plan)
{
	const char *file = tool_value(tool, "file");
	char *text;
	int err;

	if (file)
		return print_file(tool, page, plan, file);
	err = tool_has(tool, "json") ? lsvm_plan_to_json(plan, &text)
				     : lsvm_plan_to_text(plan, &text);
	if (err < 0)
		return tool_failed(tool);
	put(page, text);
	return TOOL_DONE;
}

static int plan_machine(struct tool *tool, struct page *page,
			const struct lsvm_cluster *cluster, const char *machine, int duty)
{
	struct lsvm_plan *plan;
	int status;

	if (lsvm_plan_compile(tool->ctx, cluster, machine, duty, &plan) < 0)
		return tool_failed(tool);
	status = print_plan(tool, page, plan);
	lsvm_plan_unref(plan);
	return status;
}

static int plan_all(struct tool *tool, struct page *page,
		    const struct lsvm_cluster *cluster, int duty)
{
	bool json = tool_has(tool, "json");
	int status = TOOL_DONE;

	if (json)
		fputs("{\"schema\": \"lsvm-plans/1\", \"plans\": [\n", page->out);
	for (size_t i = 0; i < lsvm_cluster_machine_count(cluster) && status == TOOL_DONE;
	     i++) {
		if (i)
			fputs(json ? ",\n" : "\n", page->out);
		status = plan_machine(
			tool, page, cluster,
			lsvm_machine_name(lsvm_cluster_machine_at(cluster, i)), duty);
	}
	if (json)
		fputs("\n]}\n", page->out);
	return status;
}

static int run_plan(struct tool *tool)
{
	const char *word = tool_value(tool, "duty");
	int duty = word ? lsvm_duty_parse(word) : LSVM_DUTY_AUTO;
	struct lsvm_cluster *cluster;
	struct page held, *page = &held;
	int status;

	if (!duty)
		return tool_usage(tool, "--duty must be auto, master or backup, not '%s'",
				  word);
	if (tool_has(tool, "file") && tool->operand_count < 2)
		return tool_usage(tool, "--file needs a machine");
	status = tool_load(tool, tool->operands[0], &cluster);
	if (status != TOOL_DONE)
		return status;
	status = page_open(tool, page);
	if (status == TOOL_DONE) {
		if (tool->operand_count == 2) {
			status = plan_machine(tool, page, cluster, tool->operands[1],
					      duty);
			if (tool_has(tool, "json"))
				fputc('\n', page->out);
		} else {
			status = plan_all(tool, page, cluster, duty);
		}
		status = page_close(tool, page, status);
	}
	lsvm_cluster_unref(cluster);
	return status;
}

/* ---- diff ---- */

/* As JSON the last member of its machine; as text only when a service is touched. */
static int print_impact(struct tool *tool, struct page *page,
			const struct lsvm_impact *impact)
{
	bool json = tool_has(tool, "json");
	char *text;
	int err = json ? lsvm_impact_to_json(impact, &text)
		       : lsvm_impact_to_text(impact, &text);

	if (err < 0)
		return tool_failed(tool);
	if (json)
		fprintf(page->out, ", \"impact\": %s}", text);
	for (char *line = text; !json && *line && lsvm_impact_service_count(impact);) {
		size_t length = strcspn(line, "\n");

		fprintf(page->out, "  %.*s\n", (int)length, line);
		line += length + (line[length] != '\0');
	}
	lsvm_free(text);
	return TOOL_DONE;
}

static int print_steps(struct tool *tool, struct page *page,
		       const struct lsvm_steps *steps, const char *machine, bool first)
{
	size_t count = lsvm_steps_count(steps);
	char text[1024], *json;

	if (tool_has(tool, "json")) {
		if (lsvm_steps_to_json(steps, &json) < 0)
			return tool_failed(tool);
		fprintf(page->out,
			"%s{\"machine\": \"%s\", \"steps\": ", first ? "" : ",\n",
			machine);
		put(page, json);
		return TOOL_DONE;
	}
	if (count)
		fprintf(page->out, "\n%s\n", machine);
	for (size_t i = 0; i < count; i++) {
		if (lsvm_steps_text(steps, i, text, sizeof(text)) < 0)
			return tool_failed(tool);
		fprintf(page->out, "  %s\n", text);
	}
	return TOOL_DONE;
}

/* cluster may lack the machine: then it has no plan. */
static int compile_if_there(struct tool *tool, const struct lsvm_cluster *cluster,
			    const char *machine, struct lsvm_plan **ret)
{
	*ret = NULL;
	if (!lsvm_cluster_find_machine(cluster, machine))
		return 0;
	return lsvm_plan_compile(tool->ctx, cluster, machine, LSVM_DUTY_AUTO, ret);
}

/* As a director is set whose plan was applied; without the connections that only the
 * director itself can count. */
static int find_impact(struct tool *tool, const struct lsvm_plan *from,
		       const struct lsvm_plan *to, struct lsvm_impact **ret)
{
	const struct lsvm_ipvs_table *present = from ? lsvm_plan_ipvs(from) : NULL;
	const struct lsvm_ipvs_table *wanted = to ? lsvm_plan_ipvs(to) : NULL;
	struct lsvm_ipvs_table *empty;
	int err = lsvm_ipvs_table_new(tool->ctx, &empty);

	if (err < 0)
		return err;
	err = lsvm_impact_compute(
		tool->ctx, present ? present : empty, wanted ? wanted : empty, present,
		LSVM_IMPACT_NODEST_EXPIRES | LSVM_IMPACT_QUIESCENT_EXPIRES, ret);
	lsvm_ipvs_table_unref(empty);
	return err;
}

static int diff_machine(struct tool *tool, struct page *page,
			const struct lsvm_cluster *old, const struct lsvm_cluster *new,
			const char *machine, bool first)
{
	struct lsvm_plan *from = NULL, *to = NULL;
	struct lsvm_steps *steps = NULL;
	struct lsvm_impact *impact = NULL;
	int err = compile_if_there(tool, old, machine, &from);
	int status;

	if (err >= 0)
		err = compile_if_there(tool, new, machine, &to);
	if (err >= 0)
		err = lsvm_plan_diff(tool->ctx, from, to, &steps);
	if (err >= 0)
		err = find_impact(tool, from, to, &impact);
	status = err < 0 ? tool_failed(tool)
			 : print_steps(tool, page, steps, machine, first);
	if (status == TOOL_DONE)
		status = print_impact(tool, page, impact);
	lsvm_impact_free(impact);
	lsvm_steps_free(steps);
	lsvm_plan_unref(from);
	lsvm_plan_unref(to);
	return status;
}

/* The machines of the new file, then those that only the old one has. */
static int diff_machines(struct tool *tool, struct page *page,
			 const struct lsvm_cluster *old, const struct lsvm_cluster *new)
{
	int status = TOOL_DONE;
	bool first = true;

	for (size_t i = 0; i < lsvm_cluster_machine_count(new) && !status; i++) {
		status = diff_machine(tool, page, old, new,
				      lsvm_machine_name(lsvm_cluster_machine_at(new, i)),
				      first);
		first = false;
	}
	for (size_t i = 0; i < lsvm_cluster_machine_count(old) && !status; i++) {
		const char *name = lsvm_machine_name(lsvm_cluster_machine_at(old, i));

		if (lsvm_cluster_find_machine(new, name))
			continue;
		status = diff_machine(tool, page, old, new, name, first);
		first = false;
	}
	return status;
}

static void print_change(struct page *page, const struct lsvm_change *change)
{
	const char *old = lsvm_change_old(change), *new = lsvm_change_new(change);

	fprintf(page->out, "%-7s %s", lsvm_change_kind_name(lsvm_change_kind(change)),
		lsvm_change_path(change));
	if (old && new)
		fprintf(page->out, ": %s -> %s\n", old, new);
	else
		fprintf(page->out, ": %s\n", old ? old : new ? new : "");
}

static int print_changes(struct tool *tool, struct page *page,
			 const struct lsvm_changes *changes)
{
	char *json;

	if (tool_has(tool, "json")) {
		if (lsvm_changes_to_json(changes, &json) < 0)
			return tool_failed(tool);
		fputs("{\"schema\": \"lsvm-diff/1\", \"cluster\": ", page->out);
		put(page, json);
		fputs(", \"machines\": [\n", page->out);
		return TOOL_DONE;
	}
	for (size_t i = 0; i < lsvm_changes_count(changes); i++)
		print_change(page, lsvm_changes_at(changes, i));
	return TOOL_DONE;
}

static int diff_clusters(struct tool *tool, struct page *page,
			 const struct lsvm_cluster *old, const struct lsvm_cluster *new)
{
	struct lsvm_changes *changes;
	int status;

	if (lsvm_cluster_diff(tool->ctx, old, new, &changes) < 0)
		return tool_failed(tool);
	status = print_changes(tool, page, changes);
	lsvm_changes_free(changes);
	if (status == TOOL_DONE)
		status = diff_machines(tool, page, old, new);
	if (status == TOOL_DONE && tool_has(tool, "json"))
		fputs("\n]}\n", page->out);
	return status;
}

static int run_diff(struct tool *tool)
{
	struct lsvm_cluster *old, *new;
	struct page held, *page = &held;
	int status = tool_load(tool, tool->operands[0], &old);

	if (status != TOOL_DONE)
		return status;
	status = tool_load(tool, tool->operands[1], &new);
	if (status == TOOL_DONE) {
		status = page_open(tool, page);
		if (status == TOOL_DONE) {
			status = diff_clusters(tool, page, old, new);
			status = page_close(tool, page, status);
		}
		lsvm_cluster_unref(new);
	}
	lsvm_cluster_unref(old);
	return status;
}

/* ---- the table ---- */

static const struct tool_option json_option[] = {
	{ "json", NULL, "print JSON" },
	{ 0 },
};
static const struct tool_option check_options[] = {
	{ "json", NULL, "print one JSON document about all files" },
	{ "strict", NULL, "warnings end with status 3, too" },
	{ 0 },
};
static const struct tool_option show_options[] = {
	{ "json", NULL, "print the cluster as JSON" },
	{ "yaml", NULL, "print the cluster as a cluster file in canonical form" },
	{ 0 },
};
static const struct tool_option plan_options[] = {
	{ "json", NULL, "print JSON, as svm-eds and svm-eps apply it" },
	{ "duty", "DUTY", "what a director has to do: auto (default), master or backup" },
	{ "file", "PATH", "print only this file of the machine's plan" },
	{ 0 },
};

static const struct tool_option import_options[] = {
	{ "from", "PROGRAM",
	  "whose it is: keepalived, ldirectord or ipvsadm; else guessed" },
	{ "json", NULL, "print file, report and findings as JSON" },
	{ "strict", NULL, "end with status 3 when anything was lost" },
	{ 0 },
};

static const struct tool_option key_options[] = {
	{ "machine", "NAME", "this machine's key, from the cluster's in FILE" },
	{ 0 },
};

static const struct tool_command commands[] = {
	{ "check", "FILE...", 1, -1, "Says everything that is wrong with cluster files.",
	  check_options, run_check },
	{ "show", "FILE", 1, 1, "Shows what a cluster file describes.", show_options,
	  run_show },
	{ "plan", "FILE [MACHINE]", 1, 2, "Shows what each machine, or one, must hold.",
	  plan_options, run_plan },
	{ "diff", "OLD NEW", 2, 2,
	  "Shows how two cluster files differ and what each machine would do about it.",
	  json_option, run_diff },
	{ "import", "FILE", 1, 1,
	  "Makes a cluster file of another program's configuration, and reports what was "
	  "lost.",
	  import_options, run_import },
	{ "key", "[FILE]", 0, 1,
	  "Prints a new key for a cluster, or a machine's that follows from the one in "
	  "FILE.",
	  key_options, run_key },
	{ 0 },
};

static const struct tool_page page = {
	.name = "svm-ems",
	.help = "Checks, shows, compiles and compares cluster files. Nothing is changed.",
	.commands = commands,
};

int main(int argc, char **argv)
{
	return tool_main(&page, argc, argv);
}
