/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files and units of a simulated machine. Programs are not run: what is started runs. */
#include "host/sim/sim.h"

#include <stdlib.h>

struct sim_file *lsvm_sim_file(struct sim_host *sim, const char *path)
{
	for (size_t i = 0; i < sim->files.count; i++)
		if (strcmp(sim->files.items[i].path, path) == 0)
			return &sim->files.items[i];
	return NULL;
}

int lsvm_sim_file_write(struct sim_host *sim, const struct file *file)
{
	struct sim_file *slot = lsvm_sim_file(sim, file->path);
	char *content = malloc(file->length + 1), *path = NULL;

	if (file->path[0] != '/') {
		free(content);
		return lsvm_fail(sim->host.ctx, LSVM_ERR_ARGUMENT,
				 "'%s' is no absolute path; start it with a slash",
				 file->path);
	}
	if (!slot && content && (path = strdup(file->path)))
		slot = vec_push(&sim->files);
	if (!slot || !content) {
		free(content);
		free(path);
		return lsvm_fail_nomem(sim->host.ctx);
	}
	if (path)
		slot->path = path;
	if (file->length)
		memcpy(content, file->content, file->length);
	content[file->length] = '\0';
	free(slot->content);
	slot->content = content;
	slot->length = file->length;
	slot->mode = file->mode;
	return 0;
}

int lsvm_sim_file_delete(struct sim_host *sim, const struct file *file)
{
	struct sim_file *slot = lsvm_sim_file(sim, file->path);
	size_t at;

	if (!slot)
		return 0;
	free(slot->path);
	free(slot->content);
	at = (size_t)(slot - sim->files.items);
	memmove(slot, slot + 1, (sim->files.count - at - 1) * sizeof(*slot));
	sim->files.count--;
	return 0;
}

static struct sim_unit *find_unit(struct sim_host *sim, const char *name)
{
	for (size_t i = 0; i < sim->units.count; i++)
		if (strcmp(sim->units.items[i].name, name) == 0)
			return &sim->units.items[i];
	return NULL;
}

bool lsvm_sim_unit_running(struct sim_host *sim, const struct unit *unit)
{
	struct sim_unit *slot = find_unit(sim, unit->name);

	if (!unit->pid_file && !unit->present)
		return true;
	return slot && slot->running;
}

static int set_running(struct sim_host *sim, const struct unit *unit, bool running)
{
	struct sim_unit *slot = find_unit(sim, unit->name);
	char *name;

	if (!slot) {
		name = strdup(unit->name);
		slot = name ? vec_push(&sim->units) : NULL;
		if (!slot) {
			free(name);
			return lsvm_fail_nomem(sim->host.ctx);
		}
		slot->name = name;
	}
	slot->running = running;
	return 0;
}

int lsvm_sim_unit_start(struct sim_host *sim, const struct unit *unit)
{
	if (unit->pid_file && lsvm_sim_unit_running(sim, unit))
		return lsvm_fail(sim->host.ctx, LSVM_ERR_EXISTS,
				 "%s runs already; reload it instead", unit->name);
	return set_running(sim, unit, true);
}

int lsvm_sim_unit_reload(struct sim_host *sim, const struct unit *unit)
{
	if (unit->pid_file && !lsvm_sim_unit_running(sim, unit))
		return lsvm_fail(sim->host.ctx, LSVM_ERR_STATE,
				 "%s does not run; start it", unit->name);
	return set_running(sim, unit, true);
}

int lsvm_sim_unit_stop(struct sim_host *sim, const struct unit *unit)
{
	return set_running(sim, unit, false);
}
