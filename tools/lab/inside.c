/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * svm-lab-inside: what svm-lab runs in a guest, or in namespaces of the running kernel.
 * Nobody else calls it: it takes over the network namespace that it finds itself in.
 */
#include "inside.h"

#include "ask.h"
#include "rehearse.h"
#include "report.h"
#include "session.h"
#include "spaces.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void lab_say(const char *fmt, ...)
{
	va_list args;

	if (!getenv("SVM_LAB_PROGRESS"))
		return;
	fputs("svm-lab: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

int lab_failed(struct lab *lab)
{
	fflush(stdout);
	fprintf(stderr, "svm-lab: %s\n",
		lab->world.problem[0] ? lab->world.problem : "out of memory");
	return TOOL_FAILED;
}

int lab_load(struct lab *lab, struct tool *tool, const char *path)
{
	*lab = (struct lab){ .tool = tool };
	if (!path && access(LAB_CLUSTER_PATH, R_OK) < 0)
		return tool_complain(tool, "the lab is not built yet; try again when "
					   "svm-lab up is done");
	/* svm-lab has shown its findings. */
	if (lsvm_cluster_load_file(tool->ctx, path ? path : LAB_CLUSTER_PATH, NULL,
				   &lab->cluster) < 0)
		return tool_failed(tool);
	if (lsvm_cluster_to_json(lab->cluster, &lab->json) < 0)
		return tool_failed(tool);
	if (world_load(&lab->world, lab->cluster) < 0 ||
	    targets_load(lab->cluster, &lab->world, &lab->targets) < 0)
		return lab_failed(lab);
	return TOOL_DONE;
}

void lab_free(struct lab *lab)
{
	targets_free(&lab->targets);
	world_free(&lab->world);
	lsvm_free(lab->json);
	free(lab->nft);
	lsvm_cluster_unref(lab->cluster);
}

/* Machines that are switched off stay so. */
static int open_all(struct lab *lab)
{
	for (size_t i = 0; i < lab->world.machine_count; i++)
		if (spaces_is_on(&lab->world.machines[i]) &&
		    spaces_open(&lab->world, &lab->world.machines[i]) < 0)
			return -1;
	return 0;
}

/* The lab may have been changed while it was asked. */
static void settle(struct lab *lab)
{
	struct lsvm_cluster *now = NULL;

	if (lsvm_cluster_load_file(lab->tool->ctx, LAB_CLUSTER_PATH, NULL, &now) < 0)
		now = lsvm_cluster_ref(lab->cluster);
	targets_settle(&lab->targets, now);
	lsvm_cluster_unref(now);
}

/* Says which there are, when there is none of that name. NULL: all are meant. */
static bool has_partition(struct lab *lab, const char *name)
{
	char names[512] = "none";
	size_t used = 0;

	if (!name || lsvm_cluster_find_partition(lab->cluster, name))
		return true;
	for (size_t i = 0;
	     i < lsvm_cluster_partition_count(lab->cluster) && used < sizeof(names); i++)
		used += (size_t)snprintf(
			names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
			lsvm_partition_name(lsvm_cluster_partition_at(lab->cluster, i)));
	tool_complain(lab->tool, "the lab has no partition '%s'; there is %s", name,
		      names);
	return false;
}

/* The table of a lab that stands. */
static int ask(struct lab *lab)
{
	struct asking asking = { .targets = &lab->targets,
				 .partition = tool_value(lab->tool, "partition"),
				 .progress = getenv("SVM_LAB_PROGRESS") != NULL };
	struct gauges before = { 0 }, after = { 0 };
	struct report report = { .cluster = lsvm_cluster_name(lab->cluster),
				 .topology = lsvm_topology_name(
					 lsvm_cluster_topology(lab->cluster)),
				 .targets = &lab->targets,
				 .before = &before,
				 .after = &after,
				 .partition = asking.partition,
				 .took_ms = now_ms() };
	int own, err = -1;

	if (!has_partition(lab, asking.partition))
		return TOOL_FAILED;
	if (!tool_number(lab->tool, "requests", 1, 1000000, 60, &asking.requests) ||
	    !tool_number(lab->tool, "parallel", 1, ASK_PARALLEL_MAX, 1,
			 &asking.parallel) ||
	    !tool_number(lab->tool, "seconds", 0, 86400, 0, &asking.seconds))
		return TOOL_USAGE;
	own = spaces_network();
	if (gauges_read(&lab->world, &before) == 0 &&
	    spaces_visit(world_client(&lab->world)->net)) {
		err = ask_all(&asking);
		if (!spaces_visit(own) || gauges_read(&lab->world, &after) < 0)
			err = -1;
	}
	report.took_ms = now_ms() - report.took_ms;
	settle(lab);
	close(own);
	if (!err && tool_has(lab->tool, "json"))
		report_json(&report);
	else if (!err)
		report_print(&report);
	if (!err)
		err = report_good(&report) ? TOOL_DONE : TOOL_FAILED;
	else
		err = lab_failed(lab);
	gauges_free(&before);
	gauges_free(&after);
	return err;
}

static int ask_or_rehearse(struct lab *lab)
{
	const char *faults = tool_value(lab->tool, "faults");

	return faults ? rehearse(lab, faults, tool_has(lab->tool, "json")) : ask(lab);
}

static const char *role_word(const struct machine *machine)
{
	return machine->role ? lsvm_role_name(machine->role) : "client";
}

static json_t *machine_json(const struct machine *machine)
{
	json_t *root = json_pack("{s:s, s:s, s:[]}", "name", machine->name, "role",
				 role_word(machine), "interfaces");
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < machine->port_count; i++) {
		const struct port *port = &machine->ports[i];
		json_t *item = json_pack("{s:s, s:s, s:[]}", "name", port->name,
					 "network", port->network->name, "addresses");

		for (size_t j = 0; j < port->addresses.count; j++)
			json_array_append_new(
				json_object_get(item, "addresses"),
				json_string(ip_text(&port->addresses.items[j], text)));
		json_array_append_new(json_object_get(root, "interfaces"), item);
	}
	return root;
}

static int print_json(const struct lab *lab)
{
	json_t *root = json_pack("{s:s, s:s, s:s, s:[]}", "schema", "lsvm-lab-status/1",
				 "cluster", lsvm_cluster_name(lab->cluster), "topology",
				 lsvm_topology_name(lsvm_cluster_topology(lab->cluster)),
				 "machines");
	int err;

	for (size_t i = 0; i < lab->world.machine_count; i++)
		json_array_append_new(json_object_get(root, "machines"),
				      machine_json(&lab->world.machines[i]));
	err = json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
	return err < 0 ? TOOL_FAILED : TOOL_DONE;
}

static void print_text(const struct lab *lab)
{
	char text[INET6_ADDRSTRLEN];

	printf("cluster %s, %s\n", lsvm_cluster_name(lab->cluster),
	       lsvm_topology_name(lsvm_cluster_topology(lab->cluster)));
	for (size_t i = 0; i < lab->world.machine_count; i++) {
		const struct machine *machine = &lab->world.machines[i];

		printf("%-10s %s", role_word(machine), machine->name);
		for (size_t j = 0; j < machine->port_count; j++)
			for (size_t k = 0; k < machine->ports[j].addresses.count; k++)
				printf(" %s",
				       ip_text(&machine->ports[j].addresses.items[k],
					       text));
		putchar('\n');
	}
}

/* What up and apply say when all went well, and what status says. */
static int report_lab(const struct lab *lab, bool text_too)
{
	if (tool_has(lab->tool, "json"))
		return print_json(lab);
	if (text_too)
		print_text(lab);
	return TOOL_DONE;
}

static int with_file(struct tool *tool, bool asks)
{
	struct lab lab;
	int status = lab_load(&lab, tool, tool->operands[0]);

	lab.agents = tool_has(tool, "faults") || tool_has(tool, "agents");
	lab.director_agent = tool_value(tool, "director-agent");
	if (status == TOOL_DONE && lab_build(&lab) < 0)
		status = lab_failed(&lab);
	if (status == TOOL_DONE)
		status = asks ? ask_or_rehearse(&lab) : report_lab(&lab, false);
	lab_free(&lab);
	return status;
}

static int cmd_run(struct tool *tool)
{
	return with_file(tool, true);
}

static int cmd_up(struct tool *tool)
{
	return with_file(tool, false);
}

static int cmd_ask(struct tool *tool)
{
	struct lab lab;
	int status = lab_load(&lab, tool, NULL);

	if (status == TOOL_DONE)
		status = open_all(&lab) < 0 ? lab_failed(&lab) : ask_or_rehearse(&lab);
	lab_free(&lab);
	return status;
}

/* Cables cannot be changed while the lab runs: what the machines are must stay. */
static bool same_wiring(const struct lab *lab, const struct lab *was)
{
	static const char *const keys[] = { "networks",	 "ems",	    "routers",
					    "directors", "servers", "backends" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *a = json_object_get(lab->world.json, keys[i]);
		const json_t *b = json_object_get(was->world.json, keys[i]);

		if (a != b && (!a || !b || !json_equal(a, b)))
			return false;
	}
	return true;
}

static int cmd_apply(struct tool *tool)
{
	struct lab lab = { 0 }, was;
	int status = lab_load(&was, tool, NULL);

	if (status == TOOL_DONE)
		status = lab_load(&lab, tool, tool->operands[0]);
	if (status == TOOL_DONE && !same_wiring(&lab, &was))
		status = tool_complain(tool, "the file has other networks or machines "
					     "than the running lab; svm-lab down, then "
					     "up");
	if (status == TOOL_DONE)
		status = lab_change(&lab, &was) < 0 ? lab_failed(&lab)
						    : report_lab(&lab, false);
	lab_free(&lab);
	lab_free(&was);
	return status;
}

static int cmd_enter(struct tool *tool)
{
	struct lab lab;
	int status = lab_load(&lab, tool, NULL);
	struct machine *machine;
	char folder[4096];

	if (status != TOOL_DONE)
		return status;
	machine = world_find(&lab.world, tool->operands[0]);
	if (!machine)
		return tool_complain(tool, "the lab has no machine '%s'",
				     tool->operands[0]);
	if (!getcwd(folder, sizeof(folder)))
		strcpy(folder, "/");
	if (spaces_open(&lab.world, machine) < 0)
		return lab_failed(&lab);
	if (spaces_enter(machine) < 0)
		return tool_complain(tool, "cannot enter %s: %s", machine->name,
				     strerror(errno));
	if (chdir(folder) < 0 && chdir("/") < 0)
		return TOOL_FAILED;
	execvp(tool->operands[1], tool->operands + 1);
	tool_complain(tool, "cannot run %s: %s", tool->operands[1], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}

static int cmd_status(struct tool *tool)
{
	struct lab lab;
	int status = lab_load(&lab, tool, NULL);

	if (status == TOOL_DONE)
		status = report_lab(&lab, true);
	lab_free(&lab);
	return status;
}

static int cmd_fault(struct tool *tool)
{
	struct lab lab;
	int status = lab_load(&lab, tool, NULL);

	if (status == TOOL_DONE)
		status = open_all(&lab) < 0 ? lab_failed(&lab)
					    : plant(&lab, tool->operands,
						    (size_t)tool->operand_count);
	lab_free(&lab);
	return status;
}

static const struct tool_option ask_options[] = {
	{ "faults", "FILE", "carry out this script while the client asks" },
	{ "director-agent", "COMMAND", "what runs on each director" },
	{ "requests", "N", "how often each domain and service is asked" },
	{ "parallel", "N", "pages at once" },
	{ "seconds", "S", "ask again and again for so long" },
	{ "partition", "NAME", "ask only this partition" },
	{ "json", NULL, "print JSON" },
	{ 0 },
};

static const struct tool_option json_option[] = {
	{ "json", NULL, "print the machines as JSON" },
	{ 0 },
};

static const struct tool_command commands[] = {
	{ "run", "FILE", 1, 1, "Builds a lab and asks.", ask_options, cmd_run },
	{ "up", "FILE", 1, 1, "Builds a lab.", json_option, cmd_up },
	{ "ask", "", 0, 0, "Asks in the lab that is here.", ask_options, cmd_ask },
	{ "apply", "FILE", 1, 1, "Changes the lab that is here.", json_option,
	  cmd_apply },
	{ "enter", "MACHINE -- COMMAND...", 2, -1, "Runs a command in a machine.", NULL,
	  cmd_enter },
	{ "fault", "STEP...", 1, -1, "Makes something fail.", NULL, cmd_fault },
	{ "status", "", 0, 0, "Lists the machines.", json_option, cmd_status },
	{ 0 },
};

/* Its complaints reach who called svm-lab, under the name that he knows. */
static const struct tool_page page = { "svm-lab",
				       "The part of svm-lab that runs in a guest.",
				       commands };

int main(int argc, char **argv)
{
	return tool_main(&page, argc, argv);
}
