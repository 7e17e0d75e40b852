/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What servers have to say: pages, certificates, stand-ins for services not on the web.
 */
#ifndef SVM_LAB_PAGES_H
#define SVM_LAB_PAGES_H

#include "targets.h"

#include <sys/types.h>

/* Where a machine finds the cluster, as JSON. */
#define CLUSTER_PATH "/etc/svm/cluster.json"
#define KEY_PATH "/etc/svm/key" /* … and its key */

/* Writes a server's copy of the cluster, the pages of the domains it has, and their
 * certificates; and its key. 0, or -1 with world->problem. */
int pages_write(struct world *world, const struct machine *machine,
		const struct targets *targets, const char *cluster_json, const char *key);
/* The folders that machines need a copy of; ends with NULL; free it with its texts. */
char **pages_folders(const struct targets *targets);
/* Starts what answers for services that are not on the web, and ends an older one. */
int answers_start(struct world *world, const struct machine *machine,
		  const struct targets *targets);
bool target_has_server(const struct target *target, const char *server);

/* A key and a certificate for a name, both PEM; made once, the key for all. */
int certificate_write(const char *name, const char *certificate_path,
		      const char *key_path);

#endif
