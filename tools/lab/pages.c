/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Content, written from inside the machine: its copies of the folders hide it from all
 * others. A page names partition, domain and server in lines of their own, which the
 * client reads, and is a few KiB long, so that replies weigh more than requests.
 */
#include "pages.h"

#include "spaces.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_BYTES 4096

bool target_has_server(const struct target *target, const char *server)
{
	for (size_t i = 0; i < target->share_count; i++)
		if (!strcmp(target->shares[i].server, server))
			return true;
	return false;
}

static bool make_folders(char *path)
{
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return false;
		*at = '/';
	}
	return true;
}

static bool write_file(const char *path, const char *text, size_t length)
{
	char copy[4096];
	ssize_t put;
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);
	if (!make_folders(copy))
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	put = write(fd, text, length);
	close(fd);
	return put == (ssize_t)length;
}

static bool write_page(const struct target *target, const char *server)
{
	char path[4096], page[PAGE_BYTES];
	int length;

	snprintf(path, sizeof(path), "%s/index.html", target->home);
	length = snprintf(page, sizeof(page),
			  "<!DOCTYPE html>\n<title>%s</title>\n<pre>\npartition %s\n"
			  "domain %s\nserver %s\n</pre>\n<!--\n",
			  target->domain, target->partition, target->domain, server);
	if (length < 0 || length > PAGE_BYTES - 64)
		return false;
	for (int i = length; i < PAGE_BYTES - 5; i++)
		page[i] = (i - length) % 64 == 63 ? '\n' : '.';
	memcpy(page + PAGE_BYTES - 5, "\n-->\n", 5);
	return write_file(path, page, PAGE_BYTES);
}

/* ---- certificates ---- */

static const json_t *tls_of(const struct world *world, const char *name)
{
	const json_t *partitions = json_object_get(world->json, "partitions"), *partition;
	const json_t *vips, *vip, *domains, *domain;
	size_t i, j, k;

	json_array_foreach(partitions, i, partition)
	{
		vips = json_object_get(partition, "vips");
		json_array_foreach(vips, j, vip)
		{
			domains = json_object_get(vip, "domains");
			json_array_foreach(domains, k, domain)
			{
				const char *its = json_string_value(
					json_object_get(domain, "name"));

				if (its && !strcmp(its, name) &&
				    json_object_get(domain, "tls"))
					return json_object_get(domain, "tls");
			}
		}
	}
	return NULL;
}

static bool write_certificate(const struct world *world, const char *name)
{
	const json_t *tls = tls_of(world, name);
	const char *given = json_string_value(json_object_get(tls, "certificate"));
	const char *given_key = json_string_value(json_object_get(tls, "key"));
	char certificate[4096], key[4096];

	snprintf(certificate, sizeof(certificate), "/etc/svm/tls/%s.crt", name);
	snprintf(key, sizeof(key), "/etc/svm/tls/%s.key", name);
	if (given)
		snprintf(certificate, sizeof(certificate), "%s", given);
	if (given_key)
		snprintf(key, sizeof(key), "%s", given_key);
	return make_folders(certificate) && make_folders(key) &&
	       certificate_write(name, certificate, key) == 0;
}

/* ---- in the machine ---- */

struct writing {
	struct world *world;
	const struct machine *machine;
	const struct targets *targets;
	const char *cluster_json, *key;
};

static int write_all(void *arg)
{
	struct writing *writing = arg;
	const char *server = writing->machine->name, *last = "";

	if (!write_file(CLUSTER_PATH, writing->cluster_json,
			strlen(writing->cluster_json)) ||
	    !write_file(KEY_PATH, writing->key, strlen(writing->key)) ||
	    chmod(KEY_PATH, 0600) < 0)
		goto failed;
	for (size_t i = 0; i < writing->targets->count; i++) {
		const struct target *target = &writing->targets->items[i];

		if (!target->domain || target->skipped ||
		    !target_has_server(target, server))
			continue;
		if (!write_page(target, server))
			goto failed;
		if (target->certificate && strcmp(last, target->domain) &&
		    !write_certificate(writing->world, target->domain))
			goto failed;
		last = target->domain;
	}
	return 0;
failed:
	fprintf(stderr, "svm-lab: %s: cannot write its files: %s\n", server,
		strerror(errno));
	return 1;
}

int pages_write(struct world *world, const struct machine *machine,
		const struct targets *targets, const char *cluster_json, const char *key)
{
	struct writing writing = { world, machine, targets, cluster_json, key };

	if (spaces_call(machine, write_all, &writing) == 0)
		return 0;
	snprintf(world->problem, sizeof(world->problem), "%s: its files were not written",
		 machine->name);
	return -1;
}

/* ---- folders ---- */

/* The first part of the path, unless machines share it or the list has it. */
static bool add_folder(char **list, size_t *count, const char *path)
{
	static const char *const shared[] = { "/run", "/dev", "/proc", "/sys", "/tmp" };
	size_t length = strcspn(path + 1, "/") + 1;

	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		if (strlen(shared[i]) == length && !strncmp(shared[i], path, length))
			return true;
	for (size_t i = 0; i < *count; i++)
		if (strlen(list[i]) == length && !strncmp(list[i], path, length))
			return true;
	if (length < 2)
		return true;
	list[*count] = strndup(path, length);
	return list[(*count)++];
}

char **pages_folders(const struct targets *targets)
{
	char **list = calloc(targets->count + 4, sizeof(*list));
	size_t count = 0;
	bool good = list && add_folder(list, &count, "/etc") &&
		    add_folder(list, &count, "/var") && add_folder(list, &count, "/srv");

	for (size_t i = 0; good && i < targets->count; i++)
		if (targets->items[i].home)
			good = add_folder(list, &count, targets->items[i].home);
	if (good)
		return list;
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
	return NULL;
}
