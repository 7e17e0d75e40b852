/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See targets.h. What an accessor of the library does not tell, the cluster's JSON does.
 */
#include "targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct target *push(struct targets *targets)
{
	struct target *items =
		realloc(targets->items, (targets->count + 1) * sizeof(*targets->items));

	if (!items)
		return NULL;
	targets->items = items;
	items[targets->count] = (struct target){ 0 };
	return &items[targets->count++];
}

static bool add_shares(struct target *target, const struct lsvm_partition *partition)
{
	size_t count = lsvm_partition_server_count(partition);

	target->shares = calloc(count + 1, sizeof(*target->shares));
	for (size_t i = 0; target->shares && i < count; i++)
		target->shares[target->share_count++].server =
			lsvm_machine_name(lsvm_partition_server_at(partition, i));
	return target->shares;
}

static struct target *add(struct targets *targets, const struct lsvm_vip *vip,
			  const struct lsvm_service *service, const json_t *written)
{
	const struct lsvm_partition *partition = lsvm_vip_partition(vip);
	int application = lsvm_service_application(service);
	struct target *target = push(targets);

	if (!target || !add_shares(target, partition))
		return NULL;
	target->partition = lsvm_partition_name(partition);
	target->service = lsvm_service_name(service);
	lsvm_vip_address(vip, target->address, sizeof(target->address));
	ip_parse(target->address, &target->vip);
	target->secured = application == LSVM_APPLICATION_HTTPS;
	target->protocol = lsvm_service_protocol(service);
	target->forwarding = lsvm_service_forwarding(service);
	target->port = lsvm_service_port(service);
	if (!target->port)
		target->port = ANY_PORT;
	target->server_port =
		(uint16_t)json_integer_value(json_object_get(written, "server_port"));
	if (!target->server_port)
		target->server_port = target->port;
	return target;
}

/* It stands in the table all the same: a table without it would say that all is well. */
static bool add_skipped(struct targets *targets, const struct lsvm_vip *vip,
			const struct lsvm_service *service, const json_t *written,
			const struct lsvm_domain *domain, const char *why)
{
	struct target *target = add(targets, vip, service, written);

	if (!target)
		return false;
	target->skipped = why;
	if (domain)
		target->domain = lsvm_domain_name(domain);
	return true;
}

static bool add_service(struct targets *targets, const struct lsvm_vip *vip, size_t index,
			const json_t *written)
{
	const struct lsvm_service *service = lsvm_vip_service_at(vip, index);
	const json_t *services = json_object_get(written, "services");
	const json_t *domains = json_object_get(written, "domains");
	const json_t *form = json_array_get(services, index);
	int application = lsvm_service_application(service);
	bool web = lsvm_service_protocol(service) == LSVM_PROTOCOL_TCP &&
		   (application == LSVM_APPLICATION_HTTP ||
		    application == LSVM_APPLICATION_HTTPS);

	if (!web)
		return add(targets, vip, service, form);
	if (!lsvm_vip_domain_count(vip))
		return add_skipped(targets, vip, service, form, NULL,
				   "the VIP has no domain that could be asked for");
	for (size_t i = 0; i < lsvm_vip_domain_count(vip); i++) {
		const struct lsvm_domain *domain = lsvm_vip_domain_at(vip, i);
		bool certificate =
			json_object_get(json_array_get(domains, i), "tls") != NULL;
		struct target *target;

		/* Without a certificate nobody listens there. */
		if (application == LSVM_APPLICATION_HTTPS && !certificate) {
			if (!add_skipped(targets, vip, service, form, domain,
					 "the domain has no tls"))
				return false;
			continue;
		}
		target = add(targets, vip, service, form);
		if (!target)
			return false;
		target->domain = lsvm_domain_name(domain);
		target->home = lsvm_domain_home(domain);
		target->certificate = certificate;
	}
	return true;
}

int targets_load(const struct lsvm_cluster *cluster, const struct world *world,
		 struct targets *ret)
{
	const json_t *partitions = json_object_get(world->json, "partitions");

	*ret = (struct targets){ 0 };
	for (size_t i = 0; i < lsvm_cluster_partition_count(cluster); i++) {
		const struct lsvm_partition *partition =
			lsvm_cluster_partition_at(cluster, i);
		const json_t *vips =
			json_object_get(json_array_get(partitions, i), "vips");

		for (size_t j = 0; j < lsvm_partition_vip_count(partition); j++) {
			const struct lsvm_vip *vip = lsvm_partition_vip_at(partition, j);

			for (size_t k = 0; k < lsvm_vip_service_count(vip); k++)
				if (!add_service(ret, vip, k, json_array_get(vips, j)))
					return -1;
		}
	}
	return 0;
}

void targets_free(struct targets *targets)
{
	for (size_t i = 0; i < targets->count; i++) {
		for (size_t j = 0; j < targets->items[i].share_count; j++)
			free(targets->items[i].shares[j].joined);
		free(targets->items[i].shares);
	}
	free(targets->items);
}

/* ---- answers ---- */

void target_fail(struct target *target, const char *why)
{
	target->failed++;
	target->in_a_row++;
	if (!target->problem[0])
		snprintf(target->problem, sizeof(target->problem), "%s", why);
}

bool target_is_asked(const struct target *target, const char *partition)
{
	return !target->skipped && (!partition || !strcmp(partition, target->partition));
}

bool target_is_dead(const struct target *target)
{
	return target->in_a_row >= FAILURES_IN_A_ROW_MAX;
}

/* The rest of the line that starts with the word, into a buffer. */
static bool find_line(const char *text, size_t length, const char *word, char *buf,
		      size_t size)
{
	size_t word_length = strlen(word);

	for (const char *at = text, *end = text + length; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t line = (size_t)((stop ? stop : end) - at);

		if (line > word_length && !memcmp(at, word, word_length) &&
		    at[word_length] == ' ') {
			snprintf(buf, size, "%.*s", (int)(line - word_length - 1),
				 at + word_length + 1);
			return true;
		}
		at += line + 1;
	}
	return false;
}

/* A server that may have joined the partition meanwhile; targets_settle() tells. */
static void add_joined(struct target *target, const char *server)
{
	struct share *shares = realloc(target->shares, (target->share_count + 1) *
							       sizeof(*target->shares));
	char *name = strdup(server);

	if (shares)
		target->shares = shares;
	if (!shares || !name) {
		free(name);
		target_fail(target, "out of memory");
		return;
	}
	shares[target->share_count++] = (struct share){ name, 1, name };
	target->answered++;
	target->in_a_row = 0;
}

void target_answer(struct target *target, const char *text, size_t length)
{
	char partition[128], server[128], domain[300], why[160];

	target->bytes += length;
	if (!find_line(text, length, "partition", partition, sizeof(partition)) ||
	    !find_line(text, length, "server", server, sizeof(server))) {
		target_fail(target, "the answer is not one of the lab's pages");
		return;
	}
	if (strcmp(partition, target->partition)) {
		snprintf(why, sizeof(why), "answered by partition %.60s, server %.60s",
			 partition, server);
		target_fail(target, why);
		return;
	}
	if (target->domain &&
	    (!find_line(text, length, "domain", domain, sizeof(domain)) ||
	     strcmp(domain, target->domain))) {
		target_fail(target, "the page is another domain's");
		return;
	}
	for (size_t i = 0; i < target->share_count; i++) {
		if (strcmp(target->shares[i].server, server))
			continue;
		target->shares[i].count++;
		target->answered++;
		target->in_a_row = 0;
		return;
	}
	add_joined(target, server);
}

static bool has_server(const struct lsvm_partition *partition, const char *server)
{
	for (size_t i = 0; partition && i < lsvm_partition_server_count(partition); i++)
		if (!strcmp(lsvm_machine_name(lsvm_partition_server_at(partition, i)),
			    server))
			return true;
	return false;
}

void targets_settle(struct targets *targets, const struct lsvm_cluster *now)
{
	char why[160];

	for (size_t i = 0; i < targets->count; i++) {
		struct target *target = &targets->items[i];

		for (size_t j = 0; j < target->share_count; j++) {
			struct share *share = &target->shares[j];

			if (!share->joined || has_server(lsvm_cluster_find_partition(
								 now, target->partition),
							 share->server))
				continue;
			snprintf(why, sizeof(why),
				 "answered by %.100s, which is not of the partition",
				 share->server);
			target_fail(target, why);
			target->failed += share->count - 1;
			target->answered -= share->count;
		}
	}
}
