/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a cluster to a lab that serves, and from one lab to the next. The machines' plans
 * are applied by the real tools, each in its machine, as an operator would.
 */
#include "inside.h"
#include "pages.h"
#include "power.h"
#include "session.h"
#include "spaces.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define APPLY_S 120

/* ---- running tools ---- */

struct run {
	const char *const *arguments;
	int output;
};

static int become(void *arg)
{
	const struct run *run = arg;

	alarm(APPLY_S); /* the deadline stays over exec */
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
	dup2(run->output, 1);
	dup2(run->output, 2);
	execvp(run->arguments[0], (char *const *)run->arguments);
	dprintf(2, "svm-lab: cannot run %s: %s\n", run->arguments[0], strerror(errno));
	return 125;
}

static void show(int output)
{
	char bytes[4096];
	off_t at = 0;
	ssize_t got;

	while ((got = pread(output, bytes, sizeof(bytes), at)) > 0) {
		fwrite(bytes, 1, (size_t)got, stderr);
		at += got;
	}
}

int machine_run(const struct machine *machine, const char *const *arguments)
{
	struct run run = { arguments, memfd_create("output", MFD_CLOEXEC) };
	int status = run.output < 0 ? -1 : spaces_call(machine, become, &run);

	if (status != 0)
		show(run.output);
	close(run.output);
	return status == 0 ? 0 : -1;
}

int lab_apply(struct lab *lab, const struct machine *machine)
{
	char *program = lab_program_path(machine->role == LSVM_ROLE_DIRECTOR ? "svm-eds"
									     : "svm-eps");
	const char *arguments[] = { program,	 "apply",	CLUSTER_PATH,
				    "--machine", machine->name, NULL };
	int err = program ? machine_run(machine, arguments) : -1;

	if (err < 0)
		snprintf(lab->world.problem, sizeof(lab->world.problem),
			 "%s: its plan could not be applied; see above", machine->name);
	free(program);
	return err;
}

/* ---- parts of a lab ---- */

/* It protects nothing here: the same machine has the same one in every lab. */
static char *make_key(struct lab *lab, const struct machine *machine)
{
	static const uint8_t bytes[32] = "of a lab, known to everybody";
	struct lsvm_ctx *ctx = lab->tool->ctx;
	char *cluster = NULL, *own = NULL;

	if (lsvm_key_generate(ctx, bytes, sizeof(bytes), &cluster) < 0)
		return NULL;
	if (machine->role == LSVM_ROLE_DIRECTOR)
		return cluster;
	if (lsvm_key_derive(ctx, cluster, strlen(cluster), machine->name, &own) < 0)
		own = NULL;
	lsvm_free(cluster);
	return own;
}

static int write_files(struct lab *lab, int role)
{
	for (size_t i = 0; i < lab->world.machine_count; i++) {
		const struct machine *machine = &lab->world.machines[i];
		char *key;
		int err;

		if (machine->role != role)
			continue;
		key = make_key(lab, machine);
		err = key ? pages_write(&lab->world, machine, &lab->targets, lab->json,
					key)
			  : -1;
		lsvm_free(key);
		if (err < 0)
			return -1;
	}
	return 0;
}

static bool belongs(const struct lsvm_cluster *cluster, const char *partition,
		    const char *server)
{
	const struct lsvm_partition *its =
		lsvm_cluster_find_partition(cluster, partition);

	for (size_t i = 0; its && i < lsvm_partition_server_count(its); i++)
		if (!strcmp(lsvm_machine_name(lsvm_partition_server_at(its, i)), server))
			return true;
	return false;
}

/* Whether the server leaves a partition: clients are sent elsewhere before it does. */
static bool leaves(const struct lab *lab, const struct lab *was, const char *server)
{
	for (size_t i = 0; was && i < lsvm_cluster_partition_count(was->cluster); i++) {
		const char *partition =
			lsvm_partition_name(lsvm_cluster_partition_at(was->cluster, i));

		if (belongs(was->cluster, partition, server) &&
		    !belongs(lab->cluster, partition, server))
			return true;
	}
	return false;
}

static int apply_servers(struct lab *lab, const struct lab *was, bool leaving)
{
	for (size_t i = 0; i < lab->world.machine_count; i++) {
		const struct machine *machine = &lab->world.machines[i];

		if (machine->role != LSVM_ROLE_SERVER ||
		    leaves(lab, was, machine->name) != leaving)
			continue;
		lab_say("%s applies its plan", machine->name);
		if (!was) {
			if (power_boot(lab, machine) < 0)
				return -1;
		} else if (lab_apply(lab, machine) < 0 ||
			   answers_start(&lab->world, machine, &lab->targets) < 0) {
			return -1;
		}
	}
	return 0;
}

/* From the last, so that a backup is ready before the master changes. */
static int apply_directors(struct lab *lab, const struct lab *was)
{
	for (size_t i = lab->world.machine_count; i-- > 0;) {
		const struct machine *machine = &lab->world.machines[i];

		if (machine->role != LSVM_ROLE_DIRECTOR)
			continue;
		lab_say("%s applies its plan", machine->name);
		if (was ? lab_apply(lab, machine) < 0 : power_boot(lab, machine) < 0)
			return -1;
	}
	return 0;
}

static int apply_all(struct lab *lab, const struct lab *was)
{
	if (write_files(lab, LSVM_ROLE_SERVER) < 0 ||
	    write_files(lab, LSVM_ROLE_DIRECTOR) < 0 ||
	    apply_servers(lab, was, false) < 0 || apply_directors(lab, was) < 0)
		return -1;
	return apply_servers(lab, was, true);
}

static int remember(struct lab *lab)
{
	FILE *file = fopen(LAB_CLUSTER_PATH ".new", "we");
	bool good = file && fputs(lab->json, file) >= 0;

	if (file)
		good = fclose(file) == 0 && good;
	if (good && rename(LAB_CLUSTER_PATH ".new", LAB_CLUSTER_PATH) == 0)
		return 0;
	snprintf(lab->world.problem, sizeof(lab->world.problem), "%s: %s",
		 LAB_CLUSTER_PATH, strerror(errno));
	return -1;
}

/* Marks are set by nft; a kernel that lacks it gets a stand-in. NULL: none is needed. */
static char *find_nft(const struct lab *lab)
{
	bool marks = false;

	for (size_t i = 0; i < lsvm_cluster_partition_count(lab->cluster); i++) {
		const struct lsvm_partition *partition =
			lsvm_cluster_partition_at(lab->cluster, i);

		for (size_t j = 0; j < lsvm_partition_vip_count(partition); j++) {
			const struct lsvm_vip *vip = lsvm_partition_vip_at(partition, j);

			for (size_t k = 0; k < lsvm_vip_service_count(vip); k++)
				marks |= lsvm_service_fwmark(
						 lsvm_vip_service_at(vip, k)) != 0;
		}
	}
	return marks && access(NFT_PATH, X_OK) == 0 && !spaces_have_nft()
		       ? lab_helper_path("svm-lab-nft")
		       : NULL;
}

/* ---- the whole ---- */

char *lab_agent_command(const struct lab *lab, const struct machine *machine)
{
	bool directs = machine->role == LSVM_ROLE_DIRECTOR;
	char *program, *command = NULL;

	if (directs && lab->director_agent)
		return strdup(lab->director_agent);
	program = lab_program_path(directs ? "svm-eds" : "svm-eps");
	if (program && asprintf(&command, "exec '%s' run %s --machine '%s' --key %s",
				program, CLUSTER_PATH, machine->name, KEY_PATH) < 0)
		command = NULL;
	free(program);
	return command;
}

int lab_make_machine(struct lab *lab, struct machine *machine)
{
	char **folders = pages_folders(&lab->targets);
	int err = folders ? 0 : -1;

	if (!lab->nft_sought)
		lab->nft = find_nft(lab);
	lab->nft_sought = true;
	if (!err)
		err = spaces_make(&lab->world, machine, (const char *const *)folders,
				  lab->nft);
	for (size_t i = 0; folders && folders[i]; i++)
		free(folders[i]);
	free(folders);
	return err;
}

int lab_build(struct lab *lab)
{
	struct world *world = &lab->world;
	int err = 0;

	lab_say("%s: %zu machines in %zu networks", lsvm_cluster_name(lab->cluster),
		world->machine_count, world->network_count);
	spaces_load_modules();
	for (size_t i = 0; !err && i < world->machine_count; i++)
		err = lab_make_machine(lab, &world->machines[i]);
	if (!err)
		err = wire_all(world);
	if (!err)
		err = apply_all(lab, NULL);
	return err ? err : remember(lab);
}

int lab_change(struct lab *lab, struct lab *was)
{
	for (size_t i = 0; i < lab->world.machine_count; i++)
		if (spaces_open(&lab->world, &lab->world.machines[i]) < 0)
			return -1;
	return apply_all(lab, was) < 0 ? -1 : remember(lab);
}
